"""The charts that a chart builds on: declared, present, of the right version, and content with what they are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from floe_charts.errors import InputError, nearest
from floe_charts.helm.kubernetes_fields import field_path
from floe_charts.verify.chart_files import ChartFiles
from floe_charts.verify.declared import (
    Dependency,
    declared_dependencies,
    find_dependency,
    lock_digest,
    present_dependencies,
    read_lock,
    version_of,
)
from floe_charts.verify.engine import Helm
from floe_charts.verify.findings import CheckResult, Finding, Progress, merge_cases, no_progress
from floe_charts.verify.handed_values import handed_findings
from floe_charts.verify.kube_versions import semver_matches
from floe_charts.verify.subject import Subject
from floe_charts.verify.values import MISSING, Path, get_at, leaves

__all__ = ["check_dependencies"]

CHECK = "dependencies"

_BUILD = "run: helm dependency build"
_UPDATE = "run: helm dependency update"
_MAX_DEPTH = 10


def check_dependencies(subject: Subject, progress: Progress = no_progress) -> CheckResult:
    """Whether what Chart.yaml declares is in ``charts/``, fits, and takes the values that it is given in each case.

    Rules: ``absent`` (a note: what it is given was not looked at), ``wrong-version``, ``lock-out-of-step``,
    ``undeclared`` (a note), ``duplicate-key`` (two dependencies share alias or name), ``condition-without-value``,
    ``refused-by-subchart`` (against its values.schema.json), ``unknown-value`` (a key that nothing in a subchart
    mentions), ``could-not-look`` (a note: a schema that refers to what is not at hand). All of it also
    for the dependencies of dependencies.
    """
    chart = subject.chart.files
    findings = list(_declaration_findings(subject.helm, chart, (), chart.name, subject))
    for done, case in enumerate(subject.cases):
        progress(done, len(subject.cases))
        findings += handed_findings(chart, case.values, case.name)
    progress(len(subject.cases), len(subject.cases))
    for line in subject.chart.unresolved_references:
        message = f"a values schema refers to what is not at hand, so that part was not held against it: {line}"
        findings.append(Finding(CHECK, message, where=line.partition(":")[0], severity="note", rule="could-not-look"))
    declared = declared_dependencies(chart)
    present = sum(find_dependency(chart, one) is not None for one in declared)
    count = len(declared)
    figure = f"{count} declared, {present} present" if count else "none declared"
    return CheckResult(CHECK, figure, merge_cases(findings))


def _declaration_findings(helm: Helm, chart: ChartFiles, path: Path, where: str, subject: Subject) -> Iterator[Finding]:
    file = f"{where}/Chart.yaml"
    declared = declared_dependencies(chart)
    keys: dict[str, str] = {}
    for one in declared:
        if one.key in keys:
            message = f"two dependencies have their values under {one.key}"
            yield Finding(
                CHECK, message, where=file, path=_dotted(path, one.key), hint="give one an alias", rule="duplicate-key"
            )
        keys[one.key] = one.name
        yield from _presence_findings(helm, chart, one, path, file)
        yield from _condition_findings(chart, one, path, file, subject)
    names = {one.name for one in declared}
    for _, below in sorted(chart.subcharts.items()):
        if below.name not in names:
            message = f"{below.name} is in charts/, but Chart.yaml does not declare it; Helm takes it all the same"
            yield Finding(
                CHECK, message, where=file, path=_dotted(path, below.name), severity="note", rule="undeclared"
            )
    yield from _lock_findings(helm, chart, declared, where)
    if len(path) < _MAX_DEPTH:
        for dependency, below in present_dependencies(chart):
            inner = f"{where}/charts/{below.name}"
            yield from _declaration_findings(helm, below, (*path, dependency.key), inner, subject)


def _presence_findings(
    helm: Helm, chart: ChartFiles, dependency: Dependency, path: Path, file: str
) -> Iterator[Finding]:
    place = _dotted(path, dependency.key)
    found = find_dependency(chart, dependency)
    named = f"{dependency.name} {dependency.version}".strip()
    if found is None:
        message = (
            f"{named} is declared, but not in charts/: its templates and the values handed to it were not looked at"
        )
        yield Finding(CHECK, message, where=file, path=place, hint=_BUILD, severity="note", rule="absent")
        return
    version = version_of(found)
    if not dependency.version or version == dependency.version:
        return
    try:
        fits = semver_matches(helm, dependency.version, [version])[0]
    except InputError as error:
        yield Finding(CHECK, f"{dependency.name}: {error.problem}", where=file, path=place, rule="wrong-version")
        return
    if not fits:
        message = f"{named} is declared, but charts/ holds version {version or 'none'}"
        yield Finding(CHECK, message, where=file, path=place, hint=_UPDATE, rule="wrong-version")


def _condition_findings(
    chart: ChartFiles, dependency: Dependency, path: Path, file: str, subject: Subject
) -> Iterator[Finding]:
    """A condition that no values define switches nothing; parents and subcharts may define it too."""
    known: list[Mapping[str, object]] = [chart.values, *(_below(one, path) for one in _all_values(subject))]
    for one, below in present_dependencies(chart):
        known.append({one.key: below.values})
    if not dependency.conditions or any(
        get_at(values, condition) is not MISSING for values in known for condition in dependency.conditions
    ):
        return
    names = {
        ".".join(map(str, leaf)): None for values in known for leaf, value in leaves(values) if isinstance(value, bool)
    }
    for condition in dependency.conditions:
        text = ".".join(map(str, condition))
        near = nearest(text, names)
        message = f"the condition {text} of {dependency.name} is in no values: it is always on"
        hint = f"did you mean {near}?" if near else f"give {_dotted(path, *condition)} a default in values.yaml"
        yield Finding(
            CHECK,
            message,
            where=file,
            path=_dotted(path, *condition),
            hint=hint,
            severity="warning",
            rule="condition-without-value",
        )


def _lock_findings(helm: Helm, chart: ChartFiles, declared: list[Dependency], where: str) -> Iterator[Finding]:
    lock = read_lock(chart)
    if lock is None:
        return
    file = f"{where}/Chart.lock"
    listed = lock.get("dependencies")
    locked = [one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, Mapping)]
    found = False
    for dependency in declared:
        versions = [str(one.get("version")) for one in locked if one.get("name") == dependency.name]
        problem = ""
        if not versions:
            problem = f"Chart.yaml declares {dependency.name}, which is not locked"
        elif dependency.version and not _any_fits(helm, dependency.version, versions):
            problem = f"{dependency.name} is locked at {versions[0]}, but Chart.yaml wants {dependency.version}"
        if problem:
            found = True
            yield Finding(CHECK, problem, where=file, path=dependency.key, hint=_UPDATE, rule="lock-out-of-step")
    names = {one.name for one in declared}
    for name in sorted({str(one.get("name")) for one in locked} - names):
        found = True
        message = f"{name} is locked, but Chart.yaml does not declare it"
        yield Finding(CHECK, message, where=file, path=name, hint=_UPDATE, rule="lock-out-of-step")
    digest = lock.get("digest")
    if not found and isinstance(digest, str) and digest != lock_digest([one.raw for one in declared], locked):
        message = "Chart.yaml's dependencies were changed after Chart.lock was written (its digest is another)"
        yield Finding(CHECK, message, where=file, path="digest", hint=_UPDATE, rule="lock-out-of-step")


def _any_fits(helm: Helm, constraint: str, versions: list[str]) -> bool:
    if constraint in versions:
        return True
    try:
        return any(semver_matches(helm, constraint, versions))
    except InputError:
        # Told where the constraint stands.
        return True


def _all_values(subject: Subject) -> list[Mapping[str, object]]:
    return [subject.chart.values, *(case.values for case in subject.cases)]


def _below(values: Mapping[str, object], path: Path) -> Mapping[str, object]:
    found = get_at(values, path)
    return found if isinstance(found, Mapping) else {}


def _dotted(path: Path, *more: str | int) -> str:
    return field_path((*path, *more))
