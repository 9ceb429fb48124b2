"""The check "Sealed schema": what values.schema.json refuses in every case, and what it lets through.

Helm holds the values of a dependency against the schema of the subchart as well, so that what either refuses is
refused. It writes into ``global`` of the chart and of every dependency, which therefore nobody can close.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from floe_charts.errors import HelmError
from floe_charts.helm.kubernetes import field_path
from floe_charts.verify.declared import Dependency, declared_dependencies, find_dependency
from floe_charts.verify.findings import CheckResult, Finding, Progress, Severity, merge_cases, no_progress
from floe_charts.verify.json_schema import CompiledSchema, declared_types, json_type, schemas_at
from floe_charts.verify.sealed_trials import (
    CHECK,
    Change,
    SealedReport,
    Trial,
    changes,
    check_sealed,
    disagreements,
    is_silent,
)
from floe_charts.verify.subject import Case, Subject
from floe_charts.verify.values import MISSING, Path, Values, get_at, helm_merge, set_at

if TYPE_CHECKING:
    from floe_charts.verify.chart_files import ChartFiles

__all__ = ["Change", "SealedReport", "changes", "check_sealed", "check_sealed_schema", "disagreements"]

_SCHEMA = "values.schema.json"


def check_sealed_schema(subject: Subject, progress: Progress = no_progress) -> CheckResult:
    """Try misspelt keys and wrong types on the values of each case, and name what nobody refuses.

    Rules: ``no-schema``, ``unusable-schema``, ``refuses-own-values``, ``open-object``, ``loose-type``; and as notes
    ``open-global`` and ``left-to-dependency`` (the subchart is not at hand, and the chart's schema says nothing).
    """
    schema = subject.chart.schema
    if schema is None:
        message = f"there is no {_SCHEMA}: no misspelt key and no wrong type is refused"
        finding = Finding(CHECK, message, where=_SCHEMA, hint="write one, closed and with types", rule="no-schema")
        return CheckResult(CHECK, "no schema", (finding,))
    try:
        compiled = CompiledSchema(schema)
    except HelmError as error:
        finding = Finding(CHECK, str(error), where=_SCHEMA, hint="make it a JSON Schema", rule="unusable-schema")
        return CheckResult(CHECK, "the schema cannot be read", (finding,))
    parts = _Parts.of(subject.chart.files)
    tally = _Tally(schema, parts)
    for done, case in enumerate(subject.cases, 1):
        tally.take(case, subject.values_of(case), compiled)
        progress(done, len(subject.cases))
    return CheckResult(CHECK, tally.figure, tally.findings())


@dataclass(frozen=True)
class _Parts:
    """The dependencies of a chart by the path of their values; ``None`` for one that is not at hand."""

    charts: Mapping[Path, ChartFiles | None]
    schemas: Mapping[Path, CompiledSchema]
    enabled: Mapping[Path, Callable[[Values], bool]]

    @classmethod
    def of(cls, files: ChartFiles) -> _Parts:
        """The dependencies of a chart, and of the charts in it."""
        found = list(_dependencies(files, ()))
        charts = {path: chart for path, chart, _ in found}
        schemas: dict[Path, CompiledSchema] = {}
        for path, chart in charts.items():
            try:
                if chart is not None and chart.schema is not None:
                    schemas[path] = CompiledSchema(chart.schema)
            except HelmError:
                # The check of the dependencies says so; here it refuses nothing.
                continue
        return cls(charts, schemas, {path: enabled for path, _, enabled in found})

    def with_defaults(self, values: Values) -> dict[str, object]:
        """The values with those of the subcharts below them, as Helm holds them against the schemas."""
        found = dict(values)
        off: list[Path] = []
        for path, chart in self.charts.items():
            # Helm leaves out a chart that is switched off, and all that is in it, before it merges defaults.
            if any(path[: len(above)] == above for above in off) or not self.enabled[path](found):
                off.append(path)
                continue
            given = get_at(found, path)
            if chart is not None and (given is MISSING or isinstance(given, Mapping)):
                found = set_at(found, path, helm_merge(chart.values, given if isinstance(given, Mapping) else {}))
        return found

    def is_global(self, path: Path) -> bool:
        """Whether Helm writes there."""
        return any(path[: len(one) + 1] == (*one, "global") for one in ((), *self.charts))


def _dependencies(files: ChartFiles, above: Path) -> Iterator[tuple[Path, ChartFiles | None, Callable[[Values], bool]]]:
    """Where the values of each dependency stand, the chart if it is at hand, and whether values switch it on."""
    for one in declared_dependencies(files):
        path = (*above, one.key)
        subchart = find_dependency(files, one)
        yield path, subchart, partial(_is_enabled, one, above)
        if subchart is not None:
            yield from _dependencies(subchart, path)


def _is_enabled(dependency: Dependency, above: Path, values: Values) -> bool:
    own, tags = get_at(values, above), values.get("tags")
    return dependency.enabled(own if isinstance(own, Mapping) else {}, tags if isinstance(tags, Mapping) else {})


@dataclass
class _Tally:
    """What was tried in the cases so far. A change counts once, and as accepted where any case accepts it."""

    schema: Mapping[str, object]
    parts: _Parts
    tried: dict[tuple[Path, str, bool], bool] = field(default_factory=dict)
    accepted: dict[Path, list[Change]] = field(default_factory=dict)
    right: dict[Path, object] = field(default_factory=dict)
    order: dict[Path, None] = field(default_factory=dict)
    left: dict[Path, None] = field(default_factory=dict)
    refusals: list[Finding] = field(default_factory=list)
    seen: set[tuple[Path, bool, str]] = field(default_factory=set)

    def take(self, case: Case, values: Values, compiled: CompiledSchema) -> None:
        """Try the changes of one case; those of an object or leaf that an earlier case had just so are known."""
        whole = self.parts.with_defaults(values)
        faults = compiled.faults(whole)
        if faults:
            self.refusals += [
                Finding(
                    CHECK,
                    f"the schema refuses the chart's own values: {fault}",
                    where=_SCHEMA,
                    path=field_path(fault.path),
                    hint="correct the schema or the values",
                    rule="refuses-own-values",
                    cases=(case.name,),
                )
                for fault in faults
            ]
            return
        below = {path: one for path, one in self.parts.schemas.items() if one.accepts(get_at(whole, path))}
        trial = Trial(compiled, whole, below)
        known: dict[Path, bool] = {}
        ignored = [path for path in self.parts.charts if self._is_left(path, values, below)]
        for change in changes(self.schema, values, ignore=ignored):
            place = change.path[:-1] if change.misspelt else change.path
            if place not in known:
                mark = (place, change.misspelt, repr(get_at(values, place)))
                known[place] = mark in self.seen
                self.seen.add(mark)
            if not known[place]:
                self._try(trial, change, get_at(values, change.path))

    def _is_left(self, path: Path, values: Values, below: Mapping[Path, CompiledSchema]) -> bool:
        """Whether the chart says nothing about a dependency's values, and the subchart can refuse nothing either."""
        if path in below or not is_silent(schemas_at(self.schema, path)):
            return False
        if get_at(values, path) is not MISSING and not any(path[: len(one)] == one for one in self.left):
            self.left[path] = None
        return True

    def _try(self, trial: Trial, change: Change, before: object) -> None:
        key = (change.path, json_type(change.value), change.misspelt)
        accepts = trial.accepts(change)
        self.order.setdefault(change.path[:-1] if change.misspelt else change.path)
        if accepts and not self.tried.get(key):
            place = change.path[:-1] if change.misspelt else change.path
            self.accepted.setdefault(place, []).append(change)
            self.right.setdefault(change.path, before)
        self.tried[key] = accepts or self.tried.get(key, False)

    @property
    def figure(self) -> str:
        """How much of what was tried was refused."""
        parts = []
        for misspelt, name in ((True, "misspelt keys"), (False, "wrong types")):
            found = [accepted for (_, _, kind), accepted in self.tried.items() if kind is misspelt]
            parts.append(f"{found.count(False):,} of {len(found):,} {name}")
        return f"{' and '.join(parts)} refused" if self.tried else "nothing to try"

    def findings(self) -> tuple[Finding, ...]:
        """What refuses its own values, then what is open or loose in the order of the values, then what is left."""
        found = [*merge_cases(self.refusals)]
        for place in self.order:
            accepted = self.accepted.get(place, [])
            misspelt = [str(one.path[-1]) for one in accepted if one.misspelt]
            types = list(dict.fromkeys(json_type(one.value) for one in accepted if not one.misspelt))
            if misspelt:
                found.append(self._open(place, misspelt[0]))
            if types:
                found.append(self._loose(place, types))
        return tuple([*found, *(self._left(path) for path in self.left)])

    def _open(self, path: Path, example: str) -> Finding:
        name = field_path(path) or "the top"
        if self.parts.is_global(path):
            message = f"{name} accepts keys that do not exist, such as {example}; Helm writes into it"
            return self._finding(path, message, "", "open-global", "note")
        declared = any(one.get("properties") for one in schemas_at(self.schema, path))
        closed = 'write "additionalProperties": false beside its "properties"'
        free = 'or "additionalProperties": {"type": "string"} where the keys are the user\'s own'
        hint = closed if declared else f'name its keys under "properties" and {closed}, {free}'
        return self._finding(path, f"{name} accepts keys that do not exist, such as {example}", hint, "open-object")

    def _loose(self, path: Path, types: Sequence[str]) -> Finding:
        name = field_path(path)
        message = f"{name} accepts a value of the wrong type: {', '.join(types)}"
        if self.parts.is_global(path):
            return self._finding(path, message, "", "open-global", "note")
        named = declared_types(schemas_at(self.schema, path))
        right = json_type(self.right.get(path))
        hint = "narrow the alternatives of its schema" if named else f'write "type": "{right}" in its schema'
        return self._finding(path, message, hint, "loose-type")

    def _left(self, path: Path) -> Finding:
        name = field_path(path)
        if self.parts.charts[path] is None:
            message = f"{name} is left to the subchart, which is not at hand: whether it refuses anything is not known"
            return self._finding(path, message, "run: helm dependency build", "left-to-dependency", "note")
        message = f"{name} accepts any key and any type: neither this schema nor the subchart's says anything about it"
        return self._finding(path, message, f"name its keys in {_SCHEMA}, and close it", "open-object")

    def _finding(self, path: Path, message: str, hint: str, rule: str, severity: Severity = "error") -> Finding:
        return Finding(CHECK, message, where=_SCHEMA, path=field_path(path), hint=hint, rule=rule, severity=severity)
