"""Which charts are verified, and with which values: charts below a directory, cases out of values files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from floe_charts.documents import Document, kind_of, parse_document, read_document
from floe_charts.errors import DocumentError, HelmError, InputError, nearest
from floe_charts.verify.chart_reading import read_files
from floe_charts.verify.subject import Case

__all__ = [
    "chart_directories",
    "environment_values",
    "find_cases",
    "holds_nothing",
    "only_chart",
    "read_values_file",
    "require_chart",
]

_PREFERRED = "floe-platform"
# What an author keeps beside values.yaml; ci/ is the convention of helm/chart-testing (`ct install`).
_OWN_VALUES = ("values-*.yaml", "values-*.yml", "ci/*-values.yaml", "ci/*-values.yml")
_OVERLAY = re.compile(r"values-(?P<environment>.+)\.ya?ml")


def chart_directories(parent: Path = Path("charts")) -> tuple[Path, ...]:
    """Every chart directory right below ``parent``, by name; hidden ones are somebody's work in progress.

    Raises InputError where there is none.
    """
    found = _charts_below(parent)
    if not found:
        raise InputError(str(parent), "", "there is no chart directory here", "run synth first, or name a chart")
    return found


def only_chart(parent: Path = Path("charts")) -> Path:
    """The chart ``floe-platform`` below ``parent``, or else the only one there; InputError for none or several."""
    found = chart_directories(parent)
    preferred = [one for one in found if one.name == _PREFERRED]
    if preferred or len(found) == 1:
        return (preferred or found)[0]
    names = ", ".join(one.name for one in found)
    raise InputError(str(parent), "", f"there are several charts here: {names}", "name one with --chart")


def require_chart(path: Path) -> Path:
    """``path`` where it is a chart directory or a packaged chart; raise InputError where it cannot be."""
    try:
        if path.is_file() or (path / "Chart.yaml").is_file():
            return path
        if not path.exists():
            near = nearest(path.name, [one.name for one in _charts_below(path.parent)])
            hint = f"did you mean {path.parent / near}?" if near else "expected a chart directory or a .tgz"
            raise InputError(str(path), "", "there is no such chart", hint)
        below = _charts_below(path) or _charts_below(path / "charts")
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(str(path), "", f"cannot be read: {reason}") from None
    hint = f"did you mean {below[0]}?" if below else "expected a chart directory or a .tgz"
    raise InputError(str(path), "", "is no chart: there is no Chart.yaml in it", hint)


def find_cases(chart: Path, values_files: Sequence[str] = (), environments: Sequence[str] = ()) -> tuple[Case, ...]:
    """The cases in which a chart directory or .tgz is verified; the first is always ``defaults``.

    ``environments`` are the chart's files ``values-<environment>.yaml``, ``values_files`` other files, ``-`` for
    standard input; each is a case of its own. Without both, all ``values-*.yaml`` and ``ci/*-values.yaml`` of the chart
    are. Raises InputError for an environment or a file that does not exist, and for a file that holds no map.
    """
    require_chart(chart)
    own = _own_values(chart) if environments or not values_files else {}
    overlays = {match["environment"]: name for name in own if (match := _OVERLAY.fullmatch(name))}
    wanted = [_overlay(chart, environment, overlays) for environment in environments]
    if not environments and not values_files:
        wanted = list(own)
    cases = {"defaults": Case("defaults", {})}
    for name in wanted:
        cases[name] = Case(name, _parse(own[name], f"{chart}/{name}"))
    for file in dict.fromkeys(values_files):
        cases[file] = Case(file, read_values_file(file))
    return tuple(cases.values())


def read_values_file(file: str) -> Mapping[str, object]:
    """What a values file sets, ``-`` for standard input; nothing where it is empty or holds comments only.

    Raises InputError where it cannot be read or holds no map.
    """
    try:
        return _map(read_document(file))
    except DocumentError as error:
        return _empty_or_raise(error)


def environment_values(chart: Path, environment: str) -> Mapping[str, object]:
    """What ``values-<environment>.yaml`` of a chart directory or .tgz sets; InputError where there is none."""
    return find_cases(chart, (), (environment,))[-1].values


def _overlay(chart: Path, environment: str, overlays: Mapping[str, str]) -> str:
    if environment in overlays:
        return overlays[environment]
    problem = f"there is no values-{environment}.yaml in this chart"
    if not overlays:
        raise InputError(str(chart), "", problem, "it has no values-*.yaml at all")
    near = nearest(environment, overlays)
    known = f"known: {', '.join(overlays)}"
    raise InputError(str(chart), "", problem, f"did you mean {near}? {known}" if near else known)


def _charts_below(parent: Path) -> tuple[Path, ...]:
    if not parent.is_dir():
        return ()
    found = [one for one in parent.iterdir() if not one.name.startswith(".") and (one / "Chart.yaml").is_file()]
    return tuple(sorted(found))


def _own_values(chart: Path) -> dict[str, bytes]:
    """The values files that the chart's author keeps in it, by path inside the chart; overlays first, sorted.

    Those of a directory are read from the disk, and not from what Helm loads, because .helmignore may pass over them.
    Raises HelmError for an archive that is no chart.
    """
    found = _in_directory(chart) if chart.is_dir() else _in_archive(chart)
    return {name: found[name] for name in sorted(found, key=lambda name: ("/" in name, name))}


def _in_directory(chart: Path) -> dict[str, bytes]:
    paths = [path for pattern in _OWN_VALUES for path in chart.glob(pattern) if path.is_file()]
    try:
        return {path.relative_to(chart).as_posix(): path.read_bytes() for path in paths}
    except OSError as error:
        raise InputError(str(error.filename), "", f"cannot be read: {error.strerror}") from None


def _in_archive(chart: Path) -> dict[str, bytes]:
    try:
        files = read_files(chart)
    except HelmError as error:
        raise HelmError(f"{chart}: {error}") from error
    return {name: content for name, content in files.items() if any(map(partial(_matches, name), _OWN_VALUES))}


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) and name.count("/") == pattern.count("/")


def _parse(content: bytes, source: str) -> Mapping[str, object]:
    try:
        return _map(parse_document(content, source))
    except DocumentError as error:
        return _empty_or_raise(error)


def holds_nothing(error: DocumentError) -> bool:
    """Whether a file was refused because nothing stands in it; as values that sets nothing, as Helm has it."""
    return error.problem.startswith(("is empty", "holds nothing but comments"))


def _empty_or_raise(error: DocumentError) -> Mapping[str, object]:
    if holds_nothing(error):
        return {}
    raise error


def _map(document: Document) -> Mapping[str, object]:
    if document.data is None:
        return {}
    if not isinstance(document.data, dict):
        found = kind_of(document.data)
        raise InputError(document.source, "", f"found {found}, expected an object with values")
    return document.data
