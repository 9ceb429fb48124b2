"""Which values change nothing when they are changed?

A leaf is alive if in any case (a values file, say) changing it changes what Helm renders, or if a template fails or a
subchart's schema refuses then, for that means that it is read. Three steps, the cheap ones first:

1. texts, whole numbers, lists and maps get a witness of their own all at once, and those whose witness comes out are
   alive;
2. of the rest, leaves of which different templates speak are changed at once, with up to four values that the schema
   accepts: which template changed tells which leaf is alive;
3. what is left is changed in groups: a group that changes nothing is dead as a whole, any other is halved.

What is dead in all cases is tried once more with other parts of the chart switched on
(:mod:`~floe_charts.verify.dead_switches`). Renders run in threads: Helm works outside Python's lock.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from floe_charts.helm.kubernetes import field_path
from floe_charts.verify.dead_names import Mentions, declared_paths, nearest_path, with_subchart_defaults
from floe_charts.verify.dead_switches import Reveal, alternatives_of
from floe_charts.verify.dead_trial import Render, Trial
from floe_charts.verify.declared import Dependency, declared_dependencies, find_dependency
from floe_charts.verify.engine import ChartHandle, ValuesRefused
from floe_charts.verify.findings import CheckResult, Finding, Progress, no_progress
from floe_charts.verify.json_schema import CompiledSchema, schemas_at
from floe_charts.verify.subject import Case, Subject
from floe_charts.verify.values import MISSING, Path, Values, get_at, helm_merge, leaves

__all__ = ["DeadReport", "check_dead_values", "find_dead_values"]

CHECK = "dead-values"
_GROUP = 24


@dataclass(frozen=True, slots=True)
class DeadReport:
    """What :func:`find_dead_values` found.

    ``disabled`` are leaves that are read only under other values, with the condition in words (``web.enabled is
    true``). ``unchangeable`` are leaves for which the schema takes no other value (a constant): nobody can set them in
    vain. ``undecided`` are leaves that templates read by name, and that yet changed nothing, whatever was tried, or
    that only templates mention which give another output at each render. ``unstable`` are such templates (a random
    password, a date). ``renders`` counts how often Helm was asked.
    """

    dead: tuple[Path, ...]
    alive: tuple[Path, ...]
    unchangeable: tuple[Path, ...]
    unstable: tuple[str, ...]
    renders: int
    disabled: Mapping[Path, str] = field(default_factory=dict)
    undecided: tuple[Path, ...] = ()


def find_dead_values(
    chart: ChartHandle,
    cases: Sequence[Case] = (Case("defaults", {}),),
    paths: Iterable[Path] | None = None,
    *,
    schema: Mapping[str, object] | None = None,
    render: Render | None = None,
    switches: bool = False,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> DeadReport:
    """Change each leaf, in one case after the other until it shows life; what never does is dead.

    ``paths`` are the leaves to try (default: those of the chart's values and of all cases), ``schema`` says which
    values are allowed (default: the chart's own), ``render`` how to render (default: ``chart.render``). ``switches``
    tells values of parts that are switched off apart from dead ones, which needs the chart's files. ``progress`` is
    told how many leaves are decided, and of how many. Raises RenderError or ValuesRefused where a case does not render
    as it is.
    """
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        search = _Search(chart, cases, paths, schema, render or chart.render, pool, progress or no_progress)
        search.run(Mentions(chart.files))
        return search.report(switches=switches)


class _Search:
    """One search for dead values."""

    def __init__(
        self,
        chart: ChartHandle,
        cases: Sequence[Case],
        paths: Iterable[Path] | None,
        schema: Mapping[str, object] | None,
        render: Render,
        pool: ThreadPoolExecutor,
        progress: Progress,
    ) -> None:
        self._chart = chart
        self._cases = [Case(*case) for case in cases]
        schema = chart.schema if schema is None else schema
        self._schema = CompiledSchema(schema) if schema is not None else None
        self._render = render
        self._pool = pool
        self._progress = progress
        self._merged = [helm_merge(chart.values, case.values) for case in self._cases]
        wanted = paths if paths is not None else (path for one in self._merged for path, _ in leaves(one))
        self._open = {path: self._value_of(path) for path in wanted}
        self._total = len(self._open)
        self._fixed = set(self._open)
        self._alive: list[Path] = []
        self._unstable: set[str] = set()
        self._lost: set[str] = set()
        self._trials: list[Trial] = []
        self._giving: set[str] = set()
        self._revealed: dict[Path, str] = {}
        self._renders = 0

    def run(self, mentions: Mentions) -> None:
        """Try all leaves in all cases."""
        self._mentions = mentions
        for case in self._cases:
            if not self._open:
                break
            trial = self._trial(case.name, case.values)
            self._trials.append(trial)
            found = self.living(trial, list(self._open))
            self._alive += [path for path in self._open if path in found]
            self._fixed -= trial.changeable
            self._unstable |= trial.unstable
            self._lost |= trial.lost
            self._open = {path: value for path, value in self._open.items() if path not in found}
        self._renders += sum(trial.renders for trial in self._trials)

    def _evident(self, trial: Trial, path: Path) -> bool:
        """Whether a leaf that did not come out is hardly dead: a switch, a mode, or what took no witness.

        What is in a part that is off, or a text that did not come out, is more probably dead: it goes into a group.
        """
        if path in trial.changeable and path not in self._mentions.alternatives:
            return False
        return not any(get_at(trial.merged, (*path[:length], "enabled")) is False for length in range(1, len(path) - 1))

    def living(self, trial: Trial, paths: Sequence[Path]) -> set[Path]:
        """Which of the leaves show life: in a batch of witnesses, by the templates that speak of them, or in groups."""
        decided = self._total - len(paths)
        found = trial.by_batch(paths)
        self._progress(max(0, decided + len(found)), self._total)
        left = [path for path in paths if path not in found and self._evident(trial, path)]
        found |= trial.by_template(left, self._mentions.speakers, self._pool.map)
        self._progress(max(0, decided + len(found)), self._total)
        left = [path for path in paths if path not in found]
        groups = [left[start : start + _GROUP] for start in range(0, len(left), _GROUP)]
        done = max(0, self._total - len(left))
        for group, alive in zip(groups, self._pool.map(trial.living, groups), strict=True):
            found |= alive
            done += len(group)
            self._progress(done, self._total)
        return found

    def report(self, *, switches: bool) -> DeadReport:
        """What was found; with ``switches`` the dead are tried once more in other circumstances."""
        dead = [path for path in self._open if path not in self._fixed]
        disabled: dict[Path, str] = {}
        undecided: list[Path] = []
        if switches and self._trials:
            disabled = self._revealed = self._disabled([path for path in dead if self._mentions.mentions(path)])
            undecided = [path for path in dead if path not in disabled and self._undecided(path)]
        self._progress(self._total, self._total)
        return DeadReport(
            dead=tuple(path for path in dead if path not in disabled and path not in undecided),
            alive=tuple(self._alive),
            unchangeable=tuple(path for path in self._open if path in self._fixed),
            unstable=tuple(sorted(self._unstable)),
            renders=self._renders,
            disabled=disabled,
            undecided=tuple(undecided),
        )

    def _undecided(self, path: Path) -> bool:
        """Whether templates read a leaf by name, or can do so where no output was seen that would show it."""
        speakers = self._mentions.speakers(path)
        silent = bool(speakers) and not speakers & self._giving
        lost = bool(self._lost) and self._mentions.mentioned_in(path, sorted(self._lost))
        return silent or lost or self._mentions.reads(path) or self._unseen(self._mentions.taken_whole(path))

    def _unseen(self, around: Path) -> bool:
        """Whether a map that a template takes as a whole never came out: none of its leaves but switches lives."""
        living = [*self._alive, *self._revealed]
        return bool(around) and not any(
            path[: len(around)] == around and not isinstance(self._value_of(path), bool) for path in living
        )

    def _disabled(self, dead: list[Path]) -> dict[Path, str]:
        found: dict[Path, str] = {}
        spent = 0
        for number, trial in enumerate(self._trials):
            left = [path for path in dead if path not in found]
            if number > 0:
                left = [path for path in left if get_at(trial.values, path) is not MISSING]
            if not left:
                continue
            reveal = Reveal(
                trial,
                partial(self._trial, trial.name),
                partial(with_subchart_defaults, self._chart.files),
                self._alternatives(trial.merged),
                self.living,
                self._mentions.speakers,
                spent,
            )
            found |= reveal.conditions(left)
            spent += reveal.renders
        self._renders += spent
        return found

    def _alternatives(self, values: Values) -> dict[Path, list[object]]:
        """The other modes of the values: what the schema lists for a text, and what templates compare it with."""
        full = with_subchart_defaults(self._chart.files, values)
        found = alternatives_of(full, self._mentions.alternatives)
        for path, value in leaves(full) if self._schema is not None else ():
            listed = [one.get("enum") for one in schemas_at(self._schema.schema, path)] if self._schema else []
            others = [one for options in listed if isinstance(options, list) for one in options if one != value]
            if isinstance(value, str) and others:
                known = found.setdefault(path, [])
                known += [one for one in others if isinstance(one, str) and one not in known]
        return found

    def _trial(self, name: str, values: Values) -> Trial:
        options = self._mentions.alternatives
        trial = Trial(self._render, self._chart.values, name, values, self._schema, self._open, options)
        self._giving |= trial.giving
        return trial

    def _value_of(self, path: Path) -> object:
        """The leaf's value in the first case that has it."""
        return next((found for values in self._merged if (found := get_at(values, path)) is not MISSING), None)


def check_dead_values(subject: Subject, progress: Progress = no_progress) -> CheckResult:
    """Each leaf that values.yaml or a values file sets changes something in what Helm renders, in some case.

    Leaves below a dependency that is not in ``charts/`` cannot be judged and are left out. Rules: ``dead`` (an error),
    ``disabled`` (a note: read only where another part is switched on), ``undecided`` (a note).
    """
    if subject.chart.metadata.get("type") == "library":
        return CheckResult(CHECK, "", skipped="a library chart renders nothing")
    failed = {failure.case.name for failure in subject.failures}
    cases = [case for case in subject.cases if case.name not in failed]
    if not cases:
        return CheckResult(CHECK, "", skipped="no case renders")
    wanted, absent = _paths(subject, cases)
    report = find_dead_values(
        subject.chart,
        cases,
        wanted,
        render=_render(subject, cases),
        switches=True,
        threads=subject.threads,
        progress=progress,
    )
    parts = [f"{len(wanted)} values in {report.renders} renders", f"{len(report.dead)} dead"]
    parts += [f"{len(report.disabled)} of what is switched off"] if report.disabled else []
    parts += [f"{len(report.undecided)} undecided"] if report.undecided else []
    parts += [f"{absent} of absent dependencies not looked at"] if absent else []
    return CheckResult(CHECK, ", ".join(parts), tuple(_findings(subject, report)))


def _render(subject: Subject, cases: Sequence[Case]) -> Render:
    """How Helm renders the chart; its own schema is asked here, where it says of every case what Helm says."""

    def of(chart: ChartHandle) -> Render:
        version = subject.kube_versions[-1]
        return partial(chart.render, release=subject.release, namespace=subject.namespace, kube_version=version)

    schema = CompiledSchema(subject.chart.schema) if subject.chart.schema is not None else None
    if schema is None or not all(schema.accepts(subject.values_of(case)) for case in cases):
        return of(subject.chart)
    bare = of(subject.chart.without_schema())

    def render(values: Values) -> dict[str, str]:
        if not schema.accepts(helm_merge(subject.chart.values, values)):
            raise ValuesRefused("the chart's values.schema.json refuses the values")
        return bare(values)

    return render


def _paths(subject: Subject, cases: Sequence[Case]) -> tuple[list[Path], int]:
    """The leaves to try, and how many cannot be judged because their dependency is absent."""
    declared = declared_dependencies(subject.chart.files)
    missing = {one.key for one in declared if find_dependency(subject.chart.files, one) is None}
    read_by_helm = {condition for one in declared for condition in one.conditions}
    read_by_helm |= {(*start, *path) for start, path in _imported(declared)}
    wanted: dict[Path, None] = {}
    absent: set[Path] = set()
    for case in cases:
        for path, _ in leaves(subject.values_of(case)):
            if path in read_by_helm or path[0] == "tags":
                continue
            if path[0] in missing or (path[0] == "global" and missing):
                absent.add(path)
            else:
                wanted[path] = None
    return list(wanted), len(absent)


def _imported(declared: Sequence[Dependency]) -> list[tuple[Path, Path]]:
    """Where the values that a dependency's ``import-values`` names stand, under the dependency's key."""
    found: list[tuple[Path, Path]] = []
    for one in declared:
        listed = one.raw.get("import-values")
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, Mapping) and isinstance(entry.get("child"), str):
                found.append(((one.key,), tuple(entry["child"].split("."))))
            elif isinstance(entry, str):
                found.append(((one.key, "exports"), (entry,)))
    return found


def _findings(subject: Subject, report: DeadReport) -> list[Finding]:
    files = subject.chart.files
    candidates = list(dict.fromkeys((*report.alive, *report.disabled)))
    known = declared_paths(files) if report.dead else []
    found = []
    for path in report.dead:
        near = nearest_path(path, candidates) or nearest_path(path, known)
        found.append(
            Finding(
                CHECK,
                f"{field_path(path)} changes nothing: no template reads it",
                where=_where(subject, path),
                path=field_path(path),
                hint=f"did you mean {field_path(near)}?" if near else "take it away",
                rule="dead",
            )
        )
    for path, condition in report.disabled.items():
        message = f"{field_path(path)} changes nothing here, but does where {condition}"
        found.append(_note(subject, path, message, "disabled"))
    for path in report.undecided:
        message = f"{field_path(path)} changed nothing in all that was tried, though templates mention it"
        found.append(_note(subject, path, message, "undecided"))
    return found


def _note(subject: Subject, path: Path, message: str, rule: str) -> Finding:
    return Finding(CHECK, message, where=_where(subject, path), path=field_path(path), rule=rule, severity="note")


def _where(subject: Subject, path: Path) -> str:
    """The file that sets a leaf: values.yaml, or the first values file that does."""
    for case in subject.cases[1:]:
        if get_at(subject.chart.values, path) is MISSING and get_at(case.values, path) is not MISSING:
            return case.name
    return "values.yaml"
