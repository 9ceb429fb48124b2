"""``gitops``: manifests for Argo CD and Flux."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from floe_charts.cli.common import Command, load_deployment
from floe_charts.cli.options import config_option
from floe_charts.errors import InputError, shorten

if TYPE_CHECKING:
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
    help="Directory of the manifests in the repository, whose root is the working directory. Without it gitops.path "
    "of the deployment file, by which the files name each other too where DIR lies outside.",
)
@click.option(
    "--check", is_flag=True, help="Write nothing; exit 1 and print a diff where the directory is not up to date."
)
def gitops(tool: Tool, config: str | None, directory: str | None, check: bool) -> None:
    """Write the manifests with which Argo CD or Flux deploy the charts from a registry.

    They name every environment of the deployment file: its cluster, its namespace and the versions that it follows.
    Argo CD cannot keep generated Secrets; an environment that has some is left out, with a warning.
    gitops.registry of that file says where the charts are, such as ghcr.io/acme/charts.

    \b
    Examples:
      python -m floe_charts gitops argocd
      python -m floe_charts gitops flux --config floe-charts.yaml --out gitops
      python -m floe_charts gitops argocd --check
    """
    from floe_charts.gitops.argocd import argocd_files
    from floe_charts.gitops.flux import flux_files
    from floe_charts.gitops.refusals import generated_secrets
    from floe_charts.gitops.versions import version_notices

    deployment, source = load_deployment(config)
    of_file = deployment.gitops.path
    deployment, place = _placed(deployment, directory)
    files = argocd_files(deployment) if tool == "argocd" else flux_files(deployment)
    left_out = generated_secrets(deployment) if tool == "argocd" else {}
    if check:
        files.check(place)
    result = files.plan(place) if check else files.write(place)
    written = result.directory / tool
    click.echo(f"Deployment: {source}")
    for name, where in left_out.items():
        click.echo(
            f"Warning: {name} is left out: its Secrets are generated ({where}), and Argo CD, which renders charts "
            "without a cluster, would make others at each sync; take existing or external, or install it by Helm",
            err=True,
        )
    for notice in version_notices(deployment):
        click.echo(f"Warning: {notice}", err=True)
    if deployment.gitops.path != of_file:
        click.echo(
            f"Warning: ci looks in {of_file}; set gitops.path: {deployment.gitops.path} to have it look here", err=True
        )
    if check:
        click.echo(f"{written} is up to date ({len(result.unchanged)} files).")
        return
    counts = f"{len(result.added)} added, {len(result.changed)} changed, {len(result.removed)} removed"
    verb = "Wrote" if result.differs else "Nothing to write:"
    names = [name for name in deployment.environments if name not in left_out]
    click.echo(f"{verb} {written} for {', '.join(names)}: {counts}.")
    if not _within(place):
        click.echo(f"In the repository these files belong into {deployment.gitops.path}, which is gitops.path.")
    click.echo("Next, once it is committed and pushed:")
    for line in _next(deployment, tool, written):
        click.echo(f"  {line}")


def _placed(deployment: Deployment, directory: str | None) -> tuple[Deployment, str]:
    """The deployment with the directory as its ``gitops.path``, and where to write; one outside changes no path."""
    from floe_charts.deployment.gitops import is_repository_path

    if directory is None:
        return deployment, deployment.gitops.path
    if not _within(directory):
        return deployment, directory
    path = Path(os.path.relpath(directory)).as_posix()
    if not is_repository_path(path):
        raise InputError(
            "--out", "", f"found {shorten(directory)}", "expected a directory of the repository, such as gitops"
        )
    gitops = deployment.gitops.model_copy(update={"path": path})
    return deployment.model_copy(update={"gitops": gitops}), path


def _within(directory: str) -> bool:
    return os.pardir not in Path(os.path.relpath(directory)).parts


def _next(deployment: Deployment, tool: Tool, written: Path) -> list[str]:
    if tool == "argocd":
        return [f"kubectl apply --filename {shlex.quote(str(written))}"]
    from floe_charts.gitops.flux import cluster_path

    return [f"flux bootstrap ... --path {cluster_path(deployment, cluster)}" for cluster in deployment.clusters]
