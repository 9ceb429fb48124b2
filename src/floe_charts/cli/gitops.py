"""``gitops``: manifests for Argo CD and Flux."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Literal

import click

from floe_charts.cli.common import Command, load_deployment
from floe_charts.cli.options import config_option

if TYPE_CHECKING:
    from pathlib import Path

    from floe_charts.deployment import Deployment

__all__ = ["gitops"]

Tool = Literal["argocd", "flux"]


@click.command(cls=Command, short_help="Write manifests for Argo CD or Flux.")
@click.argument("tool", type=click.Choice(["argocd", "flux"]))
@config_option
@click.option(
    "--out",
    "directory",
    metavar="DIR",
    help="Directory of the manifests. Without it gitops.path of the deployment file.",
)
@click.option(
    "--check", is_flag=True, help="Write nothing; exit 1 and print a diff where the directory is not up to date."
)
def gitops(tool: Tool, config: str | None, directory: str | None, check: bool) -> None:
    """Write the manifests with which Argo CD or Flux deploy the charts from a registry.

    They name every environment of the deployment file: its cluster, its namespace and the versions that it follows.
    gitops.registry of that file says where the charts are, such as ghcr.io/acme/charts.

    \b
    Examples:
      python -m floe_charts gitops argocd
      python -m floe_charts gitops flux --config floe-charts.yaml --out gitops
      python -m floe_charts gitops argocd --check
    """
    from floe_charts.gitops.argocd import argocd_files
    from floe_charts.gitops.flux import flux_files

    deployment, source = load_deployment(config)
    files = argocd_files(deployment) if tool == "argocd" else flux_files(deployment)
    place = directory if directory is not None else deployment.gitops.path
    if check:
        files.check(place)
    result = files.plan(place) if check else files.write(place)
    written = result.directory / tool
    click.echo(f"Deployment: {source}")
    if check:
        click.echo(f"{written} is up to date ({len(result.unchanged)} files).")
        return
    counts = f"{len(result.added)} added, {len(result.changed)} changed, {len(result.removed)} removed"
    verb = "Wrote" if result.differs else "Nothing to write:"
    click.echo(f"{verb} {written} for {', '.join(deployment.environments)}: {counts}.")
    click.echo("Next, once it is committed and pushed:")
    for line in _next(deployment, tool, written):
        click.echo(f"  {line}")


def _next(deployment: Deployment, tool: Tool, written: Path) -> list[str]:
    if tool == "argocd":
        return [f"kubectl apply --filename {shlex.quote(str(written))}"]
    from floe_charts.gitops.flux import cluster_path

    return [f"flux bootstrap ... --path {cluster_path(deployment, cluster)}" for cluster in deployment.clusters]
