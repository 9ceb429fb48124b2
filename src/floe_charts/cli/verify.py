"""``verify``: all proofs about charts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from floe_charts.cli.common import Command, read_once
from floe_charts.cli.options import format_option, kube_versions_option, schemas_option
from floe_charts.cli.reporting import Looking, end, look_at

if TYPE_CHECKING:
    from floe_charts.verify.reports import ReportFormat
    from floe_charts.verify.subject import PodSecurityLevel

__all__ = ["verify"]


@click.command(cls=Command, short_help="Prove that charts do what they say.")
@click.argument("charts", nargs=-1, metavar="[CHART]...")
@click.option(
    "--values",
    "values_files",
    multiple=True,
    metavar="FILE",
    help="A values file to verify the charts with, - for standard input; repeatable, each by itself.",
)
@click.option(
    "--env",
    "environments",
    multiple=True,
    metavar="ENV",
    help="The chart's values-ENV.yaml; repeatable, each by itself. Without --values and --env all values-*.yaml and "
    "ci/*-values.yaml of the chart.",
)
@kube_versions_option("the oldest and the newest that the chart allows and whose schemas are at hand")
@schemas_option
@click.option("--check", "only", multiple=True, metavar="NAME", help="Run this check only; repeatable.")
@click.option("--skip", multiple=True, metavar="NAME", help="Leave this check out; repeatable.")
@click.option(
    "--pod-security",
    type=click.Choice(["restricted", "baseline"]),
    default="restricted",
    show_default=True,
    help="Pod Security Standard that every pod is held against.",
)
@click.option(
    "--accept",
    metavar="FILE",
    help="Findings that are accepted, each with a reason. Without it CHART.verify.yaml beside the chart.",
)
@format_option
@click.option("-o", "--output", metavar="FILE", help="Write the report to a file and say only how it ended.")
def verify(
    charts: tuple[str, ...],
    values_files: tuple[str, ...],
    environments: tuple[str, ...],
    kube_versions: tuple[str, ...],
    schemas: tuple[str, ...],
    only: tuple[str, ...],
    skip: tuple[str, ...],
    pod_security: PodSecurityLevel,
    accept: str | None,
    output_format: ReportFormat,
    output: str | None,
) -> None:
    """Prove that charts do what their values say, before they reach a cluster.

    CHART is the directory or the .tgz of any Helm chart; without it every chart in charts/. Ends with 1 where something
    was found, with 2 for a mistake on the command line.

    \b
    The checks: lint, renders, kubernetes, custom-resources, pod-security,
    dead-values, sealed-schema, text-safety, dependencies, references, secrets.

    \b
    Examples:
      python -m floe_charts verify
      python -m floe_charts verify charts/floe-platform --env prod --skip dead-values
      python -m floe_charts verify charts/floe-platform --check renders --format sarif --output verify.sarif
    """
    read_once(*values_files)
    from floe_charts.verify.cases import chart_directories
    from floe_charts.verify.verification import choose_checks

    found = [Path(one) for one in dict.fromkeys(charts)] or list(chart_directories())
    if "-" in values_files and len(found) > 1:
        raise click.UsageError("Standard input (-) can be read once, and there are several charts.")
    if accept is not None and len(found) > 1:
        raise click.UsageError("--accept is for one chart; for several, keep a file beside each of them.")
    looking = Looking(
        checks=choose_checks(only, skip),
        partial=bool(values_files or environments or kube_versions or pod_security != "restricted"),
        values_files=values_files,
        environments=environments,
        kube_versions=kube_versions,
        schemas=schemas,
        pod_security=pod_security,
        accept=accept,
    )
    end(look_at(found, looking), output_format, output)
