"""The report of a verification as text for people, and as JSON, SARIF and JUnit XML for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from floe_charts.verify.report import ChartReport

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["ReportFormat", "render_report"]

ReportFormat = Literal["text", "json", "sarif", "junit"]


def render_report(
    reports: Sequence[ChartReport], format: ReportFormat, *, console: Console | None = None, limit: int = 25
) -> str:
    """The report in one of the formats, with a newline at its end; the same reports give the same text.

    ``console`` and ``limit`` are for ``text``: a terminal gives it colours, at most ``limit`` findings of each check
    are told. The other formats tell all.
    """
    if format == "json":
        from floe_charts.verify.reports.as_json import json_report

        return json_report(reports)
    if format == "sarif":
        from floe_charts.verify.reports.sarif import sarif_report

        return sarif_report(reports)
    if format == "junit":
        from floe_charts.verify.reports.junit import junit_report

        return junit_report(reports)
    from floe_charts.verify.reports.text import text_report

    return text_report(reports, console=console, limit=limit)
