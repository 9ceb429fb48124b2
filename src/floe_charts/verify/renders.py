"""Does Helm render the chart with its defaults and with each case, and are the results Kubernetes objects?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from floe_charts.verify.declared import Dependency, declared_dependencies, find_dependency
from floe_charts.verify.engine import ValuesRefused
from floe_charts.verify.findings import CheckResult, Finding, Progress, merge_cases, no_progress
from floe_charts.verify.handed_values import handed_findings
from floe_charts.verify.helm_errors import HelmFault, read_refusal, read_render_error, values_read
from floe_charts.verify.objects import find_duplicates
from floe_charts.verify.subject import Failure, Subject

__all__ = ["check_renders"]

CHECK = "renders"

_REFUSED = "refused-by-schema"
_WANTED_BY_USERS = frozenset({"demanded-by-chart", _REFUSED})
_NO_DEFAULTS = "its defaults alone are not enough for this chart; the other values were"
_SEE_DEPENDENCIES = "the check dependencies tells each of them with its path"
_GIVE_VALUES = "this chart wants values of its user: hand in a file that renders by --values"


def check_renders(subject: Subject, progress: Progress = no_progress) -> CheckResult:
    """Render every case for every version of Kubernetes; each failure says template, line and value.

    Rules: ``template-error`` (a template fails), ``demanded-by-chart`` (it calls ``fail`` or ``required``),
    ``refused-by-schema`` (values.schema.json does not take the values), ``broken-schema`` (it is no schema),
    ``invalid-yaml``, ``not-an-object``, ``duplicate-object``.

    What the schema of a subchart refuses is one finding for each subchart; the check ``dependencies`` tells the values.
    A chart whose bare defaults are refused or not enough gets a note where any other case renders.
    """
    wanted = len(subject.cases) * len(subject.kube_versions)
    progress(0, wanted)
    renderings = subject.renderings
    progress(wanted, wanted)
    findings = [finding for failure in subject.failures for finding in _failure_findings(subject, failure)]
    for rendering in renderings:
        found = [*rendering.unreadable, *find_duplicates(rendering.objects, subject.namespace)]
        findings += [replace(_with_nil(one, subject), check=CHECK, cases=(rendering.case.name,)) for one in found]
    return CheckResult(CHECK, _figure(subject), merge_cases(findings))


def _failure_findings(subject: Subject, failure: Failure) -> Iterator[Finding]:
    text = str(failure.error)
    faults: Iterable[HelmFault]
    if isinstance(failure.error, ValuesRefused):
        faults = _once_told(read_refusal(text, subject.chart.name, subject.chart.schema), subject, failure)
    else:
        faults = [read_render_error(text, subject.chart.name)]
    bare = failure.case is subject.cases[0] and not failure.case.values
    for fault in faults:
        fault = _with_absent(_with_source(fault, subject), subject)
        finding = Finding(
            CHECK,
            fault.message,
            where=fault.where,
            path=fault.path,
            hint=fault.hint,
            rule=fault.rule,
            cases=(failure.case.name,),
        )
        if bare and fault.rule in _WANTED_BY_USERS:
            if any(one.case is not failure.case for one in subject.renderings):
                hint = "; ".join(part for part in (fault.hint, _NO_DEFAULTS) if part)
                finding = replace(finding, severity="note", hint=hint)
            elif not subject.renderings:
                finding = replace(finding, hint="; ".join(part for part in (fault.hint, _GIVE_VALUES) if part))
        yield finding


def _once_told(faults: Sequence[HelmFault], subject: Subject, failure: Failure) -> Iterator[HelmFault]:
    """The faults, those of a subchart's schema in one where the check ``dependencies`` tells each of them."""
    own = f"{subject.chart.name}/"
    refused: dict[str, list[HelmFault]] = {}
    for fault in faults:
        if fault.rule == _REFUSED and not fault.where.startswith(own):
            refused.setdefault(fault.where, []).append(fault)
        else:
            yield fault
    told: list[str] = []
    if refused:
        findings = handed_findings(subject.chart.files, failure.case.values, failure.case.name)
        told = [one.where for one in findings if one.rule == "refused-by-subchart"]
    for where, below in refused.items():
        file = next((one for one in told if one.endswith(f"/charts/{where}")), None)
        if file is not None:
            message = f"the subchart {where.partition('/')[0]} refuses values that are handed to it"
            yield HelmFault(_REFUSED, message, file, hint=_SEE_DEPENDENCIES)
        else:
            yield from below


def _with_source(fault: HelmFault, subject: Subject) -> HelmFault:
    """The fault with the one value that its line reads, where Helm's text names none (``required`` hides it)."""
    prefix = f"{subject.chart.files.name}/"
    if fault.path or not fault.where.startswith(prefix):
        return fault
    text = subject.chart.files.files.get(fault.where.removeprefix(prefix), b"").decode("utf-8", errors="replace")
    lines = text.splitlines()
    read = values_read(lines[fault.line - 1]) if 0 < fault.line <= len(lines) else []
    return replace(fault, path=read[0]) if len(read) == 1 else fault


def _with_absent(fault: HelmFault, subject: Subject) -> HelmFault:
    """The fault with a hint where it speaks of a dependency that is not in ``charts/``."""
    if fault.rule != "template-error":
        return fault
    absent = [one.name for one in _absent(subject)]
    named = [name for name in absent if f'"{name}' in fault.message] or (
        absent if "no template " in fault.message else []
    )
    if not named:
        return fault
    are = "is" if len(named) == 1 else "are"
    return replace(fault, hint=f"{', '.join(named)} {are} not in charts/: run helm dependency build")


def _with_nil(finding: Finding, subject: Subject) -> Finding:
    """The finding with a hint where Go printed ``<nil>`` for a value that is not there."""
    if finding.rule != "invalid-yaml" or "<nil>" not in finding.message:
        return finding
    hint = "<nil> is a value that is not set: give it one, or a default in the template"
    absent = [one.name for one in _absent(subject)]
    if absent:
        are = "is" if len(absent) == 1 else "are"
        hint += f"; it may be one of {', '.join(absent)}, which {are} not in charts/"
    return replace(finding, hint=hint)


def _absent(subject: Subject) -> list[Dependency]:
    chart = subject.chart.files
    return [one for one in declared_dependencies(chart) if find_dependency(chart, one) is None]


def _figure(subject: Subject) -> str:
    cases, versions = len(subject.cases), len(subject.kube_versions)
    objects = sum(len(one.objects) for one in subject.renderings)
    counts = ((cases, "case"), (versions, "version"), (objects, "object"))
    words = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts]
    return f"{words[0]}, {words[1]} of Kubernetes, {words[2]}"
