"""``synth``: write the charts of the platform and of the data products' jobs."""

from __future__ import annotations

import shlex
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from floe_charts.cli.common import (
    Command,
    load_artifacts,
    load_deployment,
    load_values,
    read_once,
    spinner,
    without_garbage_collection,
)
from floe_charts.cli.options import artifact_option, config_option

if TYPE_CHECKING:
    from floe_charts.synth import JobsFiles, PlatformFiles, WriteResult
    from floe_charts.synth.committed import ChartVersion

__all__ = ["synth"]

_MOST_SECRETS = 30


@click.command(cls=Command, short_help="Write the charts floe-platform and floe-jobs.")
@artifact_option
@click.option(
    "--env",
    "environments",
    multiple=True,
    metavar="ENV",
    help="Environment whose values-ENV.yaml is written; repeatable. Without it all of the deployment.",
)
@config_option
@click.option("--out", "directory", default="charts", show_default=True, metavar="DIR", help="Directory of the charts.")
@click.option(
    "--values",
    "values_files",
    multiple=True,
    metavar="FILE",
    help="Values that override those of the overlays being written; repeatable, the last one wins.",
)
@click.option(
    "--set", "sets", multiple=True, metavar="PATH=VALUE", help="One value of the overlays being written; repeatable."
)
@click.option(
    "--chart-version",
    metavar="VERSION",
    help="Version of the charts. Without it the one that comes after the committed charts: raised by what changed in "
    "them, and that of the deployment file where nothing is committed.",
)
@click.option(
    "--check", is_flag=True, help="Write nothing; exit 1 and print a diff where the directory is not up to date."
)
@click.option("--dry-run", is_flag=True, help="Write nothing; list the files added, changed, removed and unchanged.")
def synth(
    artifacts: tuple[str, ...],
    environments: tuple[str, ...],
    config: str | None,
    directory: str,
    values_files: tuple[str, ...],
    sets: tuple[str, ...],
    chart_version: str | None,
    check: bool,
    dry_run: bool,
) -> None:
    """Write the charts floe-platform and floe-jobs, with the values of every environment.

    \b
    Examples:
      python -m floe_charts synth --env staging
      python -m floe_charts synth --artifact target/compiled_artifacts.json --out charts
      python -m floe_charts synth --env prod --set postgres.operator.instances=5
      python -m floe_charts synth --chart-version 1.4.0
      python -m floe_charts synth --check
    """
    if check and dry_run:
        raise click.UsageError("--check and --dry-run exclude each other: the first prints a diff, the second a list.")
    read_once(*artifacts, config, *values_files)
    with without_garbage_collection(), spinner("Reading the input") as step:
        from floe_charts.artifacts.loader import EXAMPLE_SOURCE
        from floe_charts.synth import synth as synthesize
        from floe_charts.synth import synth_jobs
        from floe_charts.synth.committed import with_chart_version, with_next_versions
        from floe_charts.synth.example_guard import refuse_other_products

        loaded, artifact_source = load_artifacts(artifacts)
        deployment, deployment_source = load_deployment(config)
        if loaded[0].source == EXAMPLE_SOURCE:
            refuse_other_products(Path(directory, deployment.chart.name), loaded)
        overrides = load_values(values_files)
        step(f"Synthesizing {len(loaded)} data product{'s' * (len(loaded) != 1)}")
        given: dict[str, Any] = {"environments": environments or None, "values": overrides, "sets": sets}
        versions: list[ChartVersion] = []
        if chart_version is not None:
            deployment = with_chart_version(deployment, chart_version)
            platform, jobs = synthesize(loaded, deployment, **given), synth_jobs(loaded, deployment, **given)
        else:
            platform, jobs, versions = with_next_versions(
                deployment,
                directory,
                lambda wanted: synthesize(loaded, wanted, **given),
                lambda wanted: synth_jobs(loaded, wanted, **given),
            )
        files = platform.joined(jobs)
        step("Comparing with the directory" if check or dry_run else "Writing the charts")
        if check:
            files.check(directory)
        result = files.plan(directory) if check or dry_run else files.write(directory)
    _report_sources(artifact_source, deployment_source)
    for one in versions:
        if one.version != one.last:
            click.echo(f"Version:    {one}")
    _report_notices(platform, jobs)
    if check:
        for name in files.charts:
            same = sum(path.startswith(f"{name}/") for path in (*result.unchanged, *result.kept))
            click.echo(f"{result.directory / name} is up to date ({same} files).")
    elif dry_run:
        _report_plan(result)
    else:
        _report_written(platform, jobs, result)


def _report_sources(artifacts: str, deployment: str) -> None:
    click.echo(f"Artifacts:  {artifacts}")
    click.echo(f"Deployment: {deployment}")


def _report_notices(files: PlatformFiles, jobs: JobsFiles) -> None:
    for notice in dict.fromkeys((*files.notices, *jobs.notices)):
        click.echo(f"Warning: {notice}", err=True)
    secrets = files.missing_secrets()
    if secrets:
        click.echo("Secrets that must exist in the namespace:")
    for secret, environments in islice(secrets.items(), _MOST_SECRETS):
        where = f" (where {secret.condition})" if secret.condition else ""
        there = "" if set(environments) == set(files.environments) else f", in {', '.join(environments)}"
        click.echo(f"  {secret.name}: {', '.join(secret.key_names)}{where}{there}")
    if len(secrets) > _MOST_SECRETS:
        click.echo(f"  and {len(secrets) - _MOST_SECRETS} more, which the chart's README lists")


def _report_plan(result: WriteResult) -> None:
    for verb, paths in (
        ("added", result.added),
        ("changed", result.changed),
        ("removed", result.removed),
        ("unchanged", (*result.unchanged, *result.kept)),
    ):
        for path in sorted(paths):
            click.echo(f"{verb:>9}  {result.directory / path}")
    click.echo(_summary(result))


def _report_written(files: PlatformFiles, jobs: JobsFiles, result: WriteResult) -> None:
    names = ", ".join(files.environments)
    for name in (files.platform.chart_name, *jobs.charts):
        own = result.of_chart(name)
        chart = result.directory / name
        click.echo(f"{'Wrote' if own.differs else 'Nothing to write:'} {chart} for {names}: {_summary(own)}")
    environment = files.environments[0]
    click.echo("Next:")
    if files.platform.dependencies():
        click.echo(f"  helm dependency build {shlex.quote(str(result.directory / files.platform.chart_name))}")
    # Helm makes the namespace before the chart can, and refuses to take it in where it is not told to.
    taken = " --take-ownership" if files.final_values(environment)["namespace"]["create"] else ""
    for name in (files.platform.chart_name, *jobs.charts):
        chart = result.directory / name
        click.echo(
            f"  helm upgrade --install {name} {shlex.quote(str(chart))} --values "
            f"{shlex.quote(str(chart / f'values-{environment}.yaml'))} "
            f"--namespace {files.platform.deployment.namespace(environment)}"
            + (f" --create-namespace{taken}" if name == files.platform.chart_name else "")
        )


def _summary(result: WriteResult) -> str:
    same = len(result.unchanged) + len(result.kept)
    return f"{len(result.added)} added, {len(result.changed)} changed, {len(result.removed)} removed, {same} unchanged."
