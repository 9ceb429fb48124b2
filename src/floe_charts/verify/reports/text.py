"""The report as text, for people: a table of the checks, then each finding with what to do about it.

The layout is the same in a file and on a terminal, which gives it colours: no line is cut or wrapped, so a path can be
copied and searched for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from floe_charts.verify.findings import CheckResult, Finding
from floe_charts.verify.report import AcceptedFinding, ChartReport
from floe_charts.verify.reports.escapes import printable

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["text_report"]

_MARGIN = "  "
_NAMED_CASES = 4
_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_RESULTS = {"passed": "green", "failed": "bold red", "skipped": "yellow"}


class _Span(NamedTuple):
    text: str
    style: str = ""


_Line = tuple[_Span, ...]
_BLANK: _Line = ()


def text_report(reports: Sequence[ChartReport], *, console: Console | None = None, limit: int = 25) -> str:
    """All charts one after the other, and a last line with the number of findings.

    At most ``limit`` findings of a check are told, and as many notes. Colours come where ``console`` is a terminal.
    """
    lines = [line for report in reports for line in _chart(report, limit)]
    lines.append(_last(reports))
    if console is not None and console.is_terminal:
        return _coloured(lines, console)
    return "".join("".join(span.text for span in line).rstrip() + "\n" for line in lines)


def _coloured(lines: Sequence[_Line], console: Console) -> str:
    from rich.text import Text

    with console.capture() as capture:
        for line in lines:
            console.print(Text.assemble(*line), soft_wrap=True, highlight=False)
    return capture.get()


def _chart(report: ChartReport, limit: int) -> Iterator[_Line]:
    about = f" ({_one_line(report.name)} {_one_line(report.version)})"
    yield (_Span(_one_line(report.chart), "bold"), _Span(about))
    if report.kube_versions:
        yield (_Span(f"Kubernetes {_listed(report.kube_versions)}; values: {_listed(report.cases)}"),)
    yield _BLANK
    yield from _table(report)
    yield _BLANK
    for result in report.results:
        yield from _findings(report, result, [one for one in result.findings if one.fails], limit)
    for result in report.results:
        yield from _findings(report, result, [one for one in result.findings if not one.fails], limit, " (notes)")
    if report.accepted:
        yield (_Span("accepted", "bold"),)
        yield _BLANK
        yield from (_accepted(one) for one in report.accepted)
        yield _BLANK


def _table(report: ChartReport) -> Iterator[_Line]:
    rows = [_row(result, report.accepted) for result in report.results]
    heading = ("check", "result", "findings", "figure")
    widths = [max(len(row[column]) for row in (heading, *rows)) for column in range(4)]
    for row in (heading, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        style = "dim" if row is heading else _RESULTS[row[1]]
        rest = "dim" if row is heading else ""
        yield (
            _Span(f"{_MARGIN}{cells[0]}  ", rest),
            _Span(cells[1], style),
            _Span(f"  {cells[2]}  {cells[3]}".rstrip(), rest),
        )


def _row(result: CheckResult, accepted: Sequence[AcceptedFinding]) -> tuple[str, str, str, str]:
    outcome = "failed" if not result.passed else "skipped" if result.skipped else "passed"
    parts = []
    for severity in ("error", "warning", "note"):
        count = sum(finding.severity == severity for finding in result.findings)
        parts += [_counted(count, severity)] if count else []
    waived = sum(one.finding.check == result.check for one in accepted)
    parts += [f"{waived} accepted"] if waived else []
    figure = "; ".join(part for part in (result.skipped, result.figure) if part)
    return result.check, outcome, ", ".join(parts), _one_line(figure)


def _findings(
    report: ChartReport, result: CheckResult, findings: Sequence[Finding], limit: int, kind: str = ""
) -> Iterator[_Line]:
    if not findings:
        return
    yield (_Span(result.check, "bold"), _Span(kind))
    yield _BLANK
    for finding in findings[:limit]:
        yield from _finding(finding, report.cases)
        yield _BLANK
    if len(findings) > limit:
        yield (_Span(f"{_MARGIN}... and {len(findings) - limit} more (--format json lists all)", "dim"),)
        yield _BLANK


def _finding(finding: Finding, cases: Sequence[str]) -> Iterator[_Line]:
    places = [_one_line(part) for part in (finding.object, finding.path) if part]
    file = _one_line(finding.where)
    place = ": ".join(places) or file or "the chart"
    rule = f" ({_one_line(finding.rule)})" if finding.rule else ""
    yield (
        _Span(f"{_MARGIN}{finding.severity:<7}", _STYLES[finding.severity]),
        _Span(f"  {place}", "bold"),
        _Span(rule, "dim"),
    )
    indent = " " * 11
    if places and file:
        yield (_Span(f"{indent}{file}", "dim"),)
    yield from ((_Span(f"{indent}{line}"),) for line in printable(finding.message).split("\n"))
    if finding.hint:
        first, *more = printable(finding.hint).split("\n")
        yield (_Span(f"{indent}to do: ", "green"), _Span(first))
        yield from ((_Span(f"{indent}       {line}"),) for line in more)
    if finding.cases and set(finding.cases) != set(cases):
        yield (_Span(f"{indent}{_with(finding.cases, cases)}", "dim"),)


def _with(found: Sequence[str], cases: Sequence[str]) -> str:
    """``only with a and b``, or the shorter way round: ``with all values but c``."""
    others = [case for case in cases if case not in found]
    if len(others) < len(found) and len(others) <= _NAMED_CASES:
        return f"with all values but {_listed(others)}"
    if len(found) > _NAMED_CASES + 1:
        return f"only with {', '.join(map(_one_line, found[:_NAMED_CASES]))} and {len(found) - _NAMED_CASES} more"
    return f"only with {_listed(found)}"


def _accepted(one: AcceptedFinding) -> _Line:
    finding = one.finding
    place = ": ".join(part for part in (finding.object or finding.where, finding.path) if part)
    rule = f" ({finding.rule})" if finding.rule else ""
    told = ": ".join(part for part in (finding.check, place) if part)
    return (_Span(_one_line(f"{_MARGIN}{told}{rule}: "), "dim"), _Span(_one_line(one.reason)))


def _last(reports: Sequence[ChartReport]) -> _Line:
    failing = [finding for report in reports for finding in report.findings if finding.fails]
    accepted = sum(len(report.accepted) for report in reports)
    waived = f" ({accepted} accepted)" if accepted else ""
    if not failing:
        return (_Span(f"No findings{waived}", "bold green"),)
    checks = sum(not result.passed for report in reports for result in report.results)
    charts = sum(not report.passed for report in reports)
    of = f" of {_counted(charts, 'chart')}" if len(reports) > 1 else ""
    text = f"{_counted(len(failing), 'finding')} in {_counted(checks, 'check')}{of}{waived}"
    return (_Span(text, "bold red"),)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _listed(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    told = [_one_line(name) for name in names]
    return " and ".join([*([", ".join(told[:-1])] if told[:-1] else []), *told[-1:]])


def _one_line(text: str) -> str:
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")
