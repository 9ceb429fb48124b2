"""The values that a chart hands to its subcharts, held against what these take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from floe_charts.errors import HelmError, nearest
from floe_charts.helm.kubernetes_fields import field_path
from floe_charts.verify.chart_files import ChartFiles
from floe_charts.verify.declared import declared_dependencies, present_dependencies
from floe_charts.verify.findings import Finding
from floe_charts.verify.json_schema import CompiledSchema
from floe_charts.verify.schema_references import localize_schema
from floe_charts.verify.values import MISSING, Path, Values, get_at, helm_merge

__all__ = ["handed_findings"]

CHECK = "dependencies"

_MAX_DEPTH = 10
_MAX_FAULTS = 30
_NOT_HANDED = frozenset({"enabled", "global", "tags"})
_DESCRIPTIONS = frozenset({"README.md", "values.schema.json", "values.yaml"})
_CLOSE = 0.8


def handed_findings(chart: ChartFiles, values: Values, case: str) -> Iterator[Finding]:
    """What the subcharts of ``chart``, and theirs, do not take of the values in one case.

    ``values`` are the user's, over the defaults of ``chart``. Subcharts that a condition or a tag switches off are left
    out, as Helm does.
    """
    merged = helm_merge(chart.values, values)
    yield from _walk((chart,), merged, (), _map(merged.get("tags")), chart.name, case)


def _walk(
    charts: tuple[ChartFiles, ...], values: Values, path: Path, tags: Values, where: str, case: str
) -> Iterator[Finding]:
    """The findings about the subcharts of the last of ``charts``, whose values are ``values`` (at ``path``)."""
    if len(path) >= _MAX_DEPTH:
        return
    present = present_dependencies(charts[-1])
    # Conditions see the subcharts' defaults too.
    whole = helm_merge({one.key: below.values for one, below in present}, values)
    for dependency, below in present:
        if not dependency.enabled(whole, tags):
            continue
        key, inner = dependency.key, f"{where}/charts/{below.name}"
        handed = _map(values.get(key))
        shared = _map(values.get("global"))
        received = helm_merge(below.values, handed)
        received["global"] = helm_merge(_map(received.get("global")), shared)
        place = (*path, key)
        yield from _refusals(below, _complete(below, received), place, inner, case)
        yield from _unknown_keys((*charts, below), handed, place, where, case)
        yield from _walk((*charts, below), received, place, tags, inner, case)


def _complete(chart: ChartFiles, values: Values, depth: int = 0) -> dict[str, object]:
    """The values with the defaults of the chart's own subcharts in them: what Helm holds against its schema."""
    complete = dict(values)
    for dependency, below in present_dependencies(chart) if depth < _MAX_DEPTH else ():
        inner = helm_merge(below.values, _map(values.get(dependency.key)))
        inner["global"] = helm_merge(_map(inner.get("global")), _map(values.get("global")))
        complete[dependency.key] = _complete(below, inner, depth + 1)
    return complete


def _refusals(chart: ChartFiles, values: Values, path: Path, where: str, case: str) -> Iterator[Finding]:
    file = f"{where}/values.schema.json"
    try:
        compiled = _compiled(_Same(chart))
    except HelmError as error:
        message = f"the values handed to {chart.name} were not held against its schema: {error}"
        yield Finding(CHECK, message, where=file, severity="note", rule="could-not-look")
        return
    for fault in compiled.faults(values)[:_MAX_FAULTS] if compiled is not None else ():
        place = field_path((*path, *fault.path))
        message = f"{chart.name} does not take this: {place}{fault.message.removeprefix(field_path(fault.path))}"
        yield Finding(
            CHECK, message, where=file, path=place, hint=fault.hint, rule="refused-by-subchart", cases=(case,)
        )


class _Same:
    """A chart as the key of a cache: the very same one."""

    def __init__(self, chart: ChartFiles) -> None:
        self.chart = chart

    def __hash__(self) -> int:
        return id(self.chart)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.chart is self.chart


@lru_cache(maxsize=64)
def _compiled(same: _Same) -> CompiledSchema | None:
    schema = same.chart.schema
    if schema is None:
        return None
    return CompiledSchema(localize_schema(schema, same.chart.files).schema, f"the schema of {same.chart.name}")


@lru_cache(maxsize=256)
def _words(same: _Same, templates_only: bool) -> frozenset[str]:
    """Every word in a chart's templates and, unless ``templates_only``, in its values and what describes them."""
    words: set[str] = set()
    for file, content in same.chart.files.items():
        described = not templates_only and file in _DESCRIPTIONS
        if described or file.startswith("templates/"):
            words.update(re.findall(r"[A-Za-z0-9_-]+", content.decode("utf-8", errors="replace")))
    return frozenset(words)


def _unknown_keys(
    charts: tuple[ChartFiles, ...], handed: Values, path: Path, where: str, case: str
) -> Iterator[Finding]:
    """Keys that no file of the subchart mentions; ``where`` is the chart that hands them over.

    At the top of its values that is proof enough; further in a map may be passed on as a whole, so there only a
    misspelling of a key beside it is told. What the parents' templates read is theirs.
    """
    chart = charts[-1]
    if chart.metadata.get("type") == "library" or not chart.values:
        return
    # A parent's values.yaml is what hands the key over, so it proves nothing.
    read_above = [_words(_Same(one), True) for one in charts[:-1]]
    words = frozenset().union(*read_above, *(_words(_Same(one), False) for one in (chart, *_all_below(chart))))
    taken = {key for key, _ in _inner(chart)}
    for inside, siblings in _unknown(handed, chart.values, ()):
        key = str(inside[-1])
        if key in _NOT_HANDED or key in words or inside[0] in taken | _NOT_HANDED:
            continue
        near = nearest(key, siblings)
        if len(inside) > 1 and not (near and _alike(key, near)):
            continue
        place = field_path((*path, *inside))
        hint = f"did you mean {field_path((*path, *inside[:-1], near))}?" if near else f"take {key} out of your values"
        message = f"{chart.name} has no such value: neither its values.yaml nor its templates know {key}"
        yield Finding(
            CHECK,
            message,
            where=_giver(charts, (*path, *inside), where, case),
            path=place,
            hint=hint,
            severity="warning",
            rule="unknown-value",
            cases=(case,),
        )


def _giver(charts: tuple[ChartFiles, ...], path: Path, where: str, case: str) -> str:
    """The file that a value at ``path`` comes from: the values.yaml of a chart above, or what the user gave."""
    if get_at(charts[0].values, path) is not MISSING:
        return f"{charts[0].name}/values.yaml"
    inside = path[len(charts) - 2 :]
    return f"{where}/values.yaml" if get_at(charts[-2].values, inside) is not MISSING else case


def _unknown(handed: object, known: object, path: Path) -> Iterator[tuple[Path, list[str]]]:
    """Paths of handed keys whose map the subchart declares with other keys, and these."""
    if not isinstance(handed, Mapping) or not isinstance(known, Mapping) or not known:
        return
    for key, value in handed.items():
        if key in known:
            yield from _unknown(value, known[key], (*path, key))
        else:
            yield (*path, key), [one for one in known if one not in handed]


def _inner(chart: ChartFiles) -> list[tuple[str, ChartFiles]]:
    declared = [(one.key, chart) for one in declared_dependencies(chart)]
    return [*declared, *((one.key, below) for one, below in present_dependencies(chart))]


def _all_below(chart: ChartFiles) -> Iterator[ChartFiles]:
    for _, below in sorted(chart.subcharts.items()):
        yield below
        yield from _all_below(below)


def _alike(one: str, other: str) -> bool:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, one.lower(), other.lower()).ratio() >= _CLOSE


def _map(node: object) -> Values:
    return node if isinstance(node, Mapping) else {}
