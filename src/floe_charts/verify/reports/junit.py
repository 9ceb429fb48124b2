"""The report as JUnit XML, for Jenkins, GitLab and others that show test results.

A test suite for each chart, a test case for each check: a list of checks stays the same from run to run, so what is
shown as newly failed is a check and not a line of text. GitLab shows the text of a failure, and not its ``message``
(gitlab-org/gitlab issue 29565), so the text is complete by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree

from floe_charts.verify.findings import CheckResult, Finding
from floe_charts.verify.report import AcceptedFinding, ChartReport
from floe_charts.verify.reports.escapes import printable

__all__ = ["junit_report"]


def junit_report(reports: Sequence[ChartReport]) -> str:
    """All charts as one XML document; no times, so that the same chart gives the same text."""
    names = Counter(report.name for report in reports)
    root = ElementTree.Element("testsuites", {"name": "floe-charts verify"})
    suites = [_suite(report, report.name if names[report.name] == 1 else report.chart) for report in reports]
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    root.extend(suites)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _suite(report: ChartReport, classname: str) -> ElementTree.Element:
    failed = [result for result in report.results if not result.passed]
    skipped = [result for result in report.results if result.passed and result.skipped]
    suite = ElementTree.Element("testsuite", {"name": printable(report.chart), "tests": str(len(report.results))})
    suite.set("failures", str(len(failed)))
    suite.set("errors", "0")
    suite.set("skipped", str(len(skipped)))
    for result in report.results:
        accepted = [one for one in report.accepted if one.finding.check == result.check]
        suite.append(_case(result, accepted, printable(classname)))
    return suite


def _case(result: CheckResult, accepted: Sequence[AcceptedFinding], classname: str) -> ElementTree.Element:
    case = ElementTree.Element("testcase", {"classname": classname, "name": result.check})
    failing = [finding for finding in result.findings if finding.fails]
    if failing:
        kind = "error" if any(finding.severity == "error" for finding in failing) else "warning"
        count = f"{len(failing)} finding{'' if len(failing) == 1 else 's'}"
        failure = ElementTree.SubElement(case, "failure", {"message": count, "type": kind})
        failure.text = printable("\n".join(_line(finding) for finding in failing))
    elif result.skipped:
        ElementTree.SubElement(case, "skipped", {"message": printable(result.skipped)})
    told = [result.figure] if result.figure else []
    told += [_line(finding) for finding in result.findings if not finding.fails]
    told += [f"accepted: {_line(one.finding)}; reason: {one.reason}" for one in accepted]
    if told:
        ElementTree.SubElement(case, "system-out").text = printable("\n".join(told))
    return case


def _line(finding: Finding) -> str:
    """A finding on a line of its own, or more where its message has more."""
    place = [part for part in (finding.where, finding.object, finding.path) if part]
    rule = f" [{finding.rule}]" if finding.rule else ""
    hint = f"; {finding.hint}" if finding.hint else ""
    cases = f" (with {', '.join(finding.cases)})" if finding.cases else ""
    return f"{finding.severity}{rule}: {': '.join([*place, finding.message])}{hint}{cases}"
