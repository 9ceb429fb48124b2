"""The next version of a chart, from what changed since the last one.

A chart's interface are the values that it accepts (values.schema.json), the clusters it runs on and the charts it
brings along. So:

- **major**: a value is gone, or accepts less than before (another type, fewer members, tighter bounds, a new rule for
  values that were there; required without a default); the lowest version of Kubernetes rises; a dependency is gone or
  comes in a new major version. An entry of a map that has defaults, such as a data product, is a value too.
- **minor**: a value is new, with rules of its own or without, or accepts more; a dependency is new or comes in a new
  minor version (one below 1.0.0, in any but a new patch version); the versions of Kubernetes change otherwise.
- **patch**: everything else, such as templates, defaults and texts.

Below 1.0.0 a version promises nothing (semver.org, 4): there a major change raises the middle number, as a minor one
does, which is what ranges such as ``^0.3.0`` take for incompatible. 1.0.0 is a decision, not a difference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from floe_charts.documents import parse_document
from floe_charts.errors import DocumentError, InputError, shorten
from floe_charts.helm.semver import SEMVER
from floe_charts.synth.compare import LIST_NAME
from floe_charts.synth.default_entries import entry_changes
from floe_charts.synth.schema_changes import schema_changes

__all__ = ["Level", "NextVersion", "next_version", "raised"]

Level = Literal["major", "minor", "patch", "none"]

CHART = "Chart.yaml"
_README = "README.md"
_SCHEMA = "values.schema.json"
_VALUES = "values.yaml"
_MOST_NAMED = 5
_WORDS = {
    "removed": "values removed",
    "narrowed": "values accept less",
    "added": "values added",
    "widened": "values accept more",
}
_VERSION_LINE = re.compile(r"^version:.*$", re.MULTILINE)


class NextVersion(NamedTuple):
    """A version, and in one line why it is that one."""

    version: str
    reason: str


def next_version(last: Mapping[str, str], new: Mapping[str, str]) -> NextVersion:
    """The version that the chart ``new`` takes after ``last``; both map paths inside the chart to texts.

    The version in ``new`` does not count, nor where README.md repeats it. Without a last chart it stands as it is.
    Raises InputError where one of the charts cannot be read.
    """
    if not last:
        return NextVersion(_version(_chart(new)), "the first version")
    before, after = _chart(last), _chart(new)
    version = _version(before)
    old_texts, new_texts = _texts(last, version), _texts(new, _version(after))
    touched = sorted(path for path in old_texts.keys() | new_texts.keys() if old_texts.get(path) != new_texts.get(path))
    if not touched:
        return NextVersion(version, "nothing changed")
    levels: dict[str, list[str]] = {"major": [], "minor": []}
    for level, text in (*_value_changes(last, new), *_chart_changes(before, after)):
        levels[level].append(text)
    for level in ("major", "minor"):
        if levels[level]:
            below_one = " (below 1.0.0 the middle number)" if level == "major" and version.startswith("0.") else ""
            return NextVersion(raised(version, level), f"{level}{below_one}: {'; '.join(levels[level])}")
    return NextVersion(raised(version, "patch"), f"patch: files changed: {_named(touched)}")


# -- what changed ------------------------------------------------------------------------------------------------------


def _value_changes(last: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    schema, defaults = _schema(new), _tree(new, _VALUES)
    changes = [
        *entry_changes(schema, _tree(last, _VALUES), defaults),
        *schema_changes(_schema(last), schema, defaults),
    ]
    for kind, words in _WORDS.items():
        paths = dict.fromkeys(str(one) for one in changes if one.kind == kind)
        if paths:
            level = "major" if kind in ("removed", "narrowed") else "minor"
            yield level, f"{words}: {_named(paths)}"


def _chart_changes(last: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    was, now = (str(one.get("kubeVersion", "")) for one in (last, new))
    if was != now:
        level = "minor" if _lowest(now) <= _lowest(was) else "major"
        yield level, f"Kubernetes {now or 'of any version'}, was {was or 'any version'}"
    before, after = _dependencies(last), _dependencies(new)
    gone, come = sorted(before.keys() - after.keys()), sorted(after.keys() - before.keys())
    if gone:
        yield "major", f"dependencies removed: {_named(gone)}"
    for key in sorted(before.keys() & after.keys()):
        level = _distance(before[key], after[key])
        if level in ("major", "minor"):
            yield level, f"{key} {after[key]}, was {before[key]}"
    if come:
        yield "minor", f"dependencies added: {_named(come)}"


def _dependencies(chart: Mapping[str, Any]) -> dict[str, str]:
    """The version of each dependency, by the key under which its values stand."""
    listed = chart.get("dependencies")
    found = [one for one in (listed if isinstance(listed, list) else []) if isinstance(one, Mapping)]
    return {str(one.get("alias") or one.get("name")): str(one.get("version", "")) for one in found}


def _distance(was: str, now: str) -> Level:
    """How far two versions are from each other; what is no version, such as a range, is taken for a minor change."""
    if was == now:
        return "none"
    old, new = _numbers(was), _numbers(now)
    if not old or not new or len(old) != len(new):
        return "minor"
    if old[0] != new[0]:
        return "major"
    return "patch" if old[:2] == new[:2] else "minor"


def _numbers(version: str) -> list[int]:
    core = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)(?:[-+].*)?", version)
    return [int(one) for one in core.groups()] if core else []


def _lowest(constraint: str) -> list[int]:
    """The lower bound of a version range, as far as it can be told; [] where there is none."""
    found = re.search(r"[>^~=]=?\s*v?(\d+(?:\.\d+)*)", constraint)
    return [int(one) for one in found[1].split(".")] if found else []


# -- the number --------------------------------------------------------------------------------------------------------


def raised(version: str, level: str) -> str:
    """The version that comes after ``version`` for a change of this level."""
    core, _, is_candidate = version.partition("+")[0].partition("-")
    major, minor, patch = map(int, core.split("."))
    rank = {"major": 0 if major else 1, "minor": 1, "patch": 2}[level]
    # A candidate such as 2.0.0-rc.1 was made for a change of its rank, and becomes the version it stands for.
    if not (is_candidate and not any((major, minor, patch)[rank + 1 :])):
        major, minor, patch = ((major + 1, 0, 0), (major, minor + 1, 0), (major, minor, patch + 1))[rank]
    return f"{major}.{minor}.{patch}"


def _version(chart: Mapping[str, Any]) -> str:
    version = chart.get("version")
    if not isinstance(version, str) or not re.fullmatch(SEMVER, version):
        raise InputError(CHART, "version", f"found {shorten(version)}; expected a semantic version such as 1.2.0")
    return version


def _named(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _MOST_NAMED
    return ", ".join(listed[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


# -- the files ---------------------------------------------------------------------------------------------------------


def _texts(files: Mapping[str, str], version: str) -> dict[str, str]:
    """The files that make a difference, without the version where they repeat it."""
    texts = {path: text for path, text in files.items() if path != LIST_NAME}
    texts[CHART] = _VERSION_LINE.sub("", texts[CHART], count=1)
    if _README in texts:
        # Not inside a longer version: 0.1.0 is no part of 10.1.0 or of 0.1.0-rc.1.
        texts[_README] = re.sub(rf"(?<![\w.+-]){re.escape(version)}(?![\w+-]|\.\w)", "VERSION", texts[_README])
    return texts


def _chart(files: Mapping[str, str]) -> Mapping[str, Any]:
    if CHART not in files:
        raise InputError(CHART, "", "there is none in the chart")
    return _tree(files, CHART)


def _tree(files: Mapping[str, str], path: str) -> Mapping[str, Any]:
    """A YAML file of the chart; empty where there is none, or nothing in it."""
    try:
        data = parse_document(files.get(path, "{}").encode(), path).data
    except DocumentError:
        if files[path].strip() and any(line.partition("#")[0].strip() for line in files[path].splitlines()):
            raise
        return {}
    return data if isinstance(data, Mapping) else {}


def _schema(files: Mapping[str, str]) -> object:
    """The values schema; without one every value is accepted."""
    try:
        return json.loads(files.get(_SCHEMA, "true"))
    except (ValueError, RecursionError) as error:
        raise InputError(_SCHEMA, "", f"is not JSON: {error}") from None
