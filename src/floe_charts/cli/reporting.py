"""From charts to a report and an exit code: what ``verify`` and ``lint`` share."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from floe_charts.cli.common import write_text
from floe_charts.cli.progress import check_bars
from floe_charts.cli.quiet import without_helm_log

if TYPE_CHECKING:
    from floe_charts.verify.report import ChartReport
    from floe_charts.verify.reports import ReportFormat
    from floe_charts.verify.subject import PodSecurityLevel

__all__ = ["Looking", "end", "look_at"]


@dataclass(frozen=True)
class Looking:
    """What is looked at in a chart.

    ``partial`` says that not every case is, so that an acceptance that matches nothing may be right all the same.
    ``newest`` leaves all versions of Kubernetes but the newest out.
    """

    checks: Sequence[str]
    partial: bool
    values_files: Sequence[str] = ()
    environments: Sequence[str] = ()
    kube_versions: Sequence[str] = ()
    schemas: Sequence[str] = ()
    pod_security: PodSecurityLevel = "restricted"
    accept: str | None = None
    newest: bool = False


def look_at(charts: Sequence[Path], looking: Looking) -> list[ChartReport]:
    """Run the checks on each chart, one chart after the other; all input is read before the first check."""
    from floe_charts.verify.verification import Verification, only_newest, open_subject

    verifications = []
    for chart in charts:
        subject = open_subject(
            chart,
            values_files=looking.values_files,
            environments=looking.environments,
            kube_versions=looking.kube_versions,
            schemas=looking.schemas,
            pod_security=looking.pod_security,
        )
        subject = only_newest(subject) if looking.newest else subject
        verifications.append(Verification.of(subject, looking.accept))
    reports = []
    for one in verifications:
        with without_helm_log(), check_bars(f"Verifying {one.subject.path}", looking.checks) as progress:
            reports.append(one.run(looking.checks, progress, partial=looking.partial))
    return reports


def end(reports: Sequence[ChartReport], output_format: ReportFormat, output: str | None = None) -> None:
    """Print the report, or write it to the file ``output`` and say how it ended; leave with 1 for a finding."""
    from floe_charts.verify.reports import render_report

    if output is None or output == "-":
        click.echo(_for_people(reports) if output_format == "text" else render_report(reports, output_format), nl=False)
    else:
        write_text(output, render_report(reports, output_format))
        failing = sum(finding.fails for report in reports for finding in report.findings)
        counted = f"{len(reports)} chart{'s' * (len(reports) != 1)}: "
        found = f"{failing} finding{'s' * (failing != 1)}" if failing else "nothing found"
        click.echo(f"{counted}{found}. Wrote {output}.")
    click.get_current_context().exit(0 if all(report.passed for report in reports) else 1)


def _for_people(reports: Sequence[ChartReport]) -> str:
    from floe_charts.verify.reports import render_report

    if not sys.stdout.isatty():
        return render_report(reports, "text")
    from rich.console import Console

    return render_report(reports, "text", console=Console())
