"""``generate``: the complete values of one environment."""

from __future__ import annotations

import click

from floe_charts.cli.common import (
    Command,
    load_artifacts,
    load_deployment,
    load_values,
    read_once,
    without_garbage_collection,
)
from floe_charts.cli.common import write_text as write
from floe_charts.cli.options import (
    artifact_option,
    config_option,
    one_environment_option,
    set_option,
    values_option,
)

__all__ = ["generate"]


@click.command(cls=Command, short_help="Write the values of one environment.")
@artifact_option
@one_environment_option("Environment whose values are written.", required=True)
@click.option(
    "-o", "--output", default="-", show_default=True, metavar="FILE", help="Where to write, - for standard output."
)
@config_option
@values_option
@set_option
def generate(
    artifacts: tuple[str, ...],
    environment: str,
    output: str,
    config: str | None,
    values_files: tuple[str, ...],
    sets: tuple[str, ...],
) -> None:
    """Write the complete values of one environment: what values.yaml and values-ENV.yaml amount to.

    They are what `helm install --values` needs, also on a version of the chart that has other defaults.

    \b
    Examples:
      python -m floe_charts generate --env staging -o -
      python -m floe_charts generate --artifact target/compiled_artifacts.json --env prod --output values.yaml
    """
    read_once(*artifacts, config, *values_files)
    with without_garbage_collection():
        from floe_charts.synth import synth

        loaded, artifact_source = load_artifacts(artifacts)
        deployment, deployment_source = load_deployment(config)
        overrides = load_values(values_files)
        files = synth(loaded, deployment, environments=[environment], values=overrides, sets=sets)
        text = files.complete_values_yaml(environment)
    for notice in files.notices:
        click.echo(f"Warning: {notice}", err=True)
    if write(output, text):
        click.echo(f"Wrote {output} for {environment}, from {artifact_source}; deployment: {deployment_source}.")
