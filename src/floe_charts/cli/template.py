"""``template``: what Helm renders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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
from floe_charts.cli.options import (
    artifact_option,
    config_option,
    one_environment_option,
    set_option,
    values_option,
)

if TYPE_CHECKING:
    from floe_charts.verify.engine import ChartHandle
    from floe_charts.verify.preview import Preview

__all__ = ["template"]

_NAMESPACE = "default"


@click.command(cls=Command, short_help="Show what Helm renders.")
@one_environment_option("Environment that is rendered; with --chart, its values-ENV.yaml.", required=False)
@click.option(
    "--chart",
    metavar="PATH",
    help="Chart directory or .tgz. Without it the chart that synth would write now, with the dependencies in "
    "charts/floe-platform/charts where there are any.",
)
@artifact_option
@config_option
@values_option
@set_option
@click.option("--release", metavar="NAME", help="Name of the release. Without it the chart's name.")
@click.option(
    "--namespace",
    metavar="NS",
    help="Namespace of the release. Without it that of the environment in the deployment, else default.",
)
@click.option(
    "--kube-version", metavar="V", help="Version of Kubernetes that templates are told. Without it Helm's own."
)
@click.option(
    "--show-only",
    "show_only",
    multiple=True,
    metavar="T",
    help="A template, such as templates/x.yaml, or a pattern, such as 'templates/x-*'; repeatable.",
)
@click.option("--output-dir", "directory", metavar="DIR", help="Write each template to a file below this directory.")
def template(
    environment: str | None,
    chart: str | None,
    artifacts: tuple[str, ...],
    config: str | None,
    values_files: tuple[str, ...],
    sets: tuple[str, ...],
    release: str | None,
    namespace: str | None,
    kube_version: str | None,
    show_only: tuple[str, ...],
    directory: str | None,
) -> None:
    """Show what Helm renders: the preview of an installation, without a cluster.

    \b
    Examples:
      python -m floe_charts template --env staging
      python -m floe_charts template --env prod --show-only templates/marquez-deployment.yaml
      python -m floe_charts template --chart charts/floe-platform --env dev --output-dir rendered
    """
    read_once(*artifacts, config, *values_files)
    if chart is not None and artifacts:
        raise click.UsageError("--artifact goes with the chart that synth would write, not with --chart.")
    if chart is None and environment is None:
        raise click.UsageError("Name the environment with --env, or a chart with --chart.")
    with without_garbage_collection(), spinner("Rendering"):
        from floe_charts.verify.preview import check_place

        check_place(release, namespace)
        options = _Options(
            environment=environment,
            config=config,
            values_files=values_files,
            sets=sets,
            release=release,
            namespace=namespace,
            kube_version=kube_version,
        )
        preview = _of_artifacts(artifacts, options) if chart is None else _of_chart(Path(chart), options)
    _report(preview, show_only, directory)


@dataclass(frozen=True)
class _Options:
    """What the command line says about the rendering."""

    environment: str | None
    config: str | None
    values_files: Sequence[str]
    sets: Sequence[str]
    release: str | None
    namespace: str | None
    kube_version: str | None


def _of_chart(path: Path, options: _Options) -> Preview:
    """The preview of a chart that exists."""
    from floe_charts.verify.cases import require_chart
    from floe_charts.verify.engine import find_helm
    from floe_charts.verify.preview import given_values

    values = given_values(require_chart(path), options.environment, options.values_files, options.sets)
    chart = find_helm().load(path)
    deployment, _ = load_deployment(options.config)
    name = options.environment
    # A default deployment says something about the platform's own chart, and nothing about somebody else's.
    told = chart.name == deployment.chart.name or deployment.source
    namespace = _NAMESPACE
    if told and name is not None and name in deployment.environment_names:
        namespace = deployment.namespace(name)
    return _rendered(chart, values, namespace, options)


def _of_artifacts(artifacts: Sequence[str], options: _Options) -> Preview:
    """The preview of the chart that synth would write now."""
    from floe_charts.synth import synth
    from floe_charts.verify.engine import find_helm
    from floe_charts.verify.preview import given_values, written

    environment = str(options.environment)
    loaded, _ = load_artifacts(artifacts)
    deployment, _ = load_deployment(options.config)
    overrides = load_values(options.values_files)
    files = synth(loaded, deployment, environments=[environment], values=overrides, sets=options.sets)
    name = files.platform.chart_name
    with written(files, name, Path("charts", name)) as chart:
        values = given_values(chart, environment)
        return _rendered(find_helm().load(chart), values, deployment.namespace(environment), options)


def _rendered(chart: ChartHandle, values: Mapping[str, object], namespace: str, options: _Options) -> Preview:
    from floe_charts.verify.preview import render_chart

    return render_chart(
        chart,
        values,
        release=options.release,
        namespace=options.namespace or namespace,
        kube_version=options.kube_version,
    )


def _report(preview: Preview, show_only: Sequence[str], directory: str | None) -> None:
    from floe_charts.verify.manifests import manifest_stream, write_manifests

    if preview.absent:
        names = ", ".join(preview.absent)
        click.echo(f"Warning: not in the preview, because they are not in the chart's charts/: {names}", err=True)
    if directory is None:
        click.echo(manifest_stream(preview.manifests, show_only=show_only), nl=False)
        return
    for path in write_manifests(preview.manifests, directory, show_only=show_only):
        click.echo(f"Wrote {path}.")
