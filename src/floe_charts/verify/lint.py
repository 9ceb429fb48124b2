"""Helm's own lint, strict, with the defaults and with each case."""

from __future__ import annotations

import re
from collections.abc import Iterator

from floe_charts.errors import HelmError
from floe_charts.verify.engine import LintMessage
from floe_charts.verify.findings import CheckResult, Finding, Progress, merge_cases, no_progress
from floe_charts.verify.subject import Case, Subject

__all__ = ["check_lint"]

CHECK = "lint"

_MISSING_DEPENDENCIES = re.compile(r"chart (directory|metadata) is missing these dependencies")
_NOT_RENDERED = "templates"
_RULES = (
    (re.compile(r"object name does not conform"), "object-name"),
    (re.compile(r"unable to parse YAML"), "invalid-yaml"),
    (re.compile(r"deprecated"), "deprecated"),
    (re.compile(r"is recommended|is required|should be|must be|cannot be"), "metadata"),
)


def check_lint(subject: Subject, progress: Progress = no_progress) -> CheckResult:
    """What ``helm lint --strict`` says of the chart with each case, for the newest version of Kubernetes.

    Warnings and errors are findings of those severities, remarks are notes. Left out is what another check tells
    better: dependencies that are missing (``dependencies``), and values that are refused, templates that fail or give
    no YAML and objects without a name (``renders``).
    """
    findings: list[Finding] = []
    failing = {failure.case.name for failure in subject.failures if failure.kube_version == subject.kube_versions[-1]}
    unreadable = {(one.case.name, finding.where) for one in subject.newest for finding in one.unreadable}
    for done, case in enumerate(subject.cases):
        progress(done, len(subject.cases))
        for message in _messages(subject, case):
            template = f"{subject.chart.name}/{message.path}"
            if not _told_elsewhere(message, case.name in failing, (case.name, template) in unreadable):
                findings.append(_finding(subject, case, message))
    progress(len(subject.cases), len(subject.cases))
    count = len(subject.cases)
    return CheckResult(CHECK, f"{count} case{'' if count == 1 else 's'}", merge_cases(findings))


def _messages(subject: Subject, case: Case) -> Iterator[LintMessage]:
    try:
        yield from subject.helm.lint(subject.path, case.values, strict=True, kube_version=subject.kube_versions[-1])
    except HelmError as error:
        yield LintMessage("error", "", str(error))


def _told_elsewhere(message: LintMessage, case_fails: bool, unreadable: bool) -> bool:
    if _MISSING_DEPENDENCIES.search(message.text):
        return True
    # Lint renders leniently ("required" and "fail" do nothing there), so what comes out then is not the chart's.
    if case_fails:
        return message.path.startswith(_NOT_RENDERED) or (message.path == "values.yaml" and "at '" in message.text)
    return unreadable


def _finding(subject: Subject, case: Case, message: LintMessage) -> Finding:
    text = " ".join(message.text.split()).replace(str(subject.path), subject.chart.name)
    file = message.path if not message.path.startswith("/") else ""
    rule = next((name for pattern, name in _RULES if pattern.search(text)), "helm")
    # What concerns Chart.yaml is the same in every case.
    cases = () if file == "Chart.yaml" or not file else (case.name,)
    where = f"{subject.chart.name}/{file}" if file else ""
    severity = "note" if message.severity == "info" else message.severity
    return Finding(CHECK, text, where=where, severity=severity, rule=rule, cases=cases)
