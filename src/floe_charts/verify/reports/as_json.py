"""The report as JSON, for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from floe_charts.verify.findings import CheckResult, Finding
from floe_charts.verify.report import ChartReport
from floe_charts.verify.reports.escapes import encodable

__all__ = ["json_report"]


def json_report(reports: Sequence[ChartReport]) -> str:
    """All charts as one JSON document, everything in it and in the order of the checks.

    The schema is stable; within a ``version`` fields are only added::

        {"version": 1, "passed": bool, "charts": [CHART]}
        CHART    {"chart", "name", "version": str, "kubeVersions", "cases": [str], "passed": bool,
                  "checks": [CHECK], "accepted": [FINDING and "reason"]}
        CHECK    {"check": str, "passed": bool, "figure": str, "skipped": str, "findings": [FINDING]}
        FINDING  {"check", "rule", "severity": "error" | "warning" | "note", "message", "where", "object", "path",
                  "hint": str, "cases": [str]}

    Text that does not apply is empty, never null: ``skipped`` says why a check could not look. Empty ``cases`` of a
    finding: it depends on no values.
    """
    document = {
        "version": 1,
        "passed": all(report.passed for report in reports),
        "charts": [_chart(report) for report in reports],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _chart(report: ChartReport) -> dict[str, object]:
    return {
        "chart": encodable(report.chart),
        "name": encodable(report.name),
        "version": encodable(report.version),
        "kubeVersions": list(report.kube_versions),
        "cases": [encodable(case) for case in report.cases],
        "passed": report.passed,
        "checks": [_check(result) for result in report.results],
        "accepted": [{**_finding(one.finding), "reason": encodable(one.reason)} for one in report.accepted],
    }


def _check(result: CheckResult) -> dict[str, object]:
    return {
        "check": result.check,
        "passed": result.passed,
        "figure": encodable(result.figure),
        "skipped": encodable(result.skipped),
        "findings": [_finding(finding) for finding in result.findings],
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "check": finding.check,
        "rule": encodable(finding.rule),
        "severity": finding.severity,
        "message": encodable(finding.message),
        "where": encodable(finding.where),
        "object": encodable(finding.object),
        "path": encodable(finding.path),
        "hint": encodable(finding.hint),
        "cases": [encodable(case) for case in finding.cases],
    }
