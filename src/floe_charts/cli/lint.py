"""``lint``: the checks that take no time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from floe_charts.cli.common import Command
from floe_charts.cli.options import format_option, kube_versions_option, schemas_option
from floe_charts.cli.reporting import Looking, end, look_at

if TYPE_CHECKING:
    from floe_charts.verify.reports import ReportFormat

__all__ = ["lint"]


@click.command(cls=Command, short_help="Helm's lint and the quick checks.")
@click.option(
    "--chart",
    metavar="PATH",
    help="Chart directory or .tgz. Without it charts/floe-platform, or the only chart in charts/.",
)
@click.option(
    "--env",
    "environments",
    multiple=True,
    metavar="ENV",
    help="The chart's values-ENV.yaml; repeatable. Without it all values files of the chart.",
)
@kube_versions_option("the newest that the chart allows and whose schemas are at hand")
@schemas_option
@format_option
def lint(
    chart: str | None,
    environments: tuple[str, ...],
    kube_versions: tuple[str, ...],
    schemas: tuple[str, ...],
    output_format: ReportFormat,
) -> None:
    """Helm's strict lint, and every check of verify that needs no time: for each save and each commit.

    Ends with 1 where something was found, with 2 for a mistake on the command line.

    \b
    Examples:
      python -m floe_charts lint
      python -m floe_charts lint --chart charts/floe-platform --env prod
    """
    from floe_charts.verify.cases import only_chart
    from floe_charts.verify.verification import QUICK_CHECKS

    looking = Looking(
        checks=QUICK_CHECKS,
        partial=True,
        environments=environments,
        kube_versions=kube_versions,
        schemas=schemas,
        newest=not kube_versions,
    )
    end(look_at([Path(chart) if chart is not None else only_chart()], looking), output_format)
