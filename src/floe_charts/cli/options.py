"""Options that several commands share, each with one wording."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

__all__ = [
    "FORMATS",
    "artifact_option",
    "config_option",
    "format_option",
    "kube_versions_option",
    "one_environment_option",
    "schemas_option",
    "set_option",
    "values_option",
]

Option = Callable[[Callable[..., Any]], Callable[..., Any]]

FORMATS = ("text", "json", "sarif", "junit")

artifact_option: Option = click.option(
    "--artifact",
    "artifacts",
    multiple=True,
    metavar="PATH",
    help="CompiledArtifacts as JSON or YAML: a file, a directory of such files, - for standard input, or "
    "oci://host/repository:tag (also @sha256:digest) in a registry; repeatable, one for each data product. Without it "
    "target/compiled_artifacts.json where that exists, else the bundled example.",
)
config_option: Option = click.option(
    "--config",
    "config",
    metavar="FILE",
    help="Deployment file. Without it floe-charts.yaml of the working directory where that exists, else the embedded "
    "default.",
)
set_option: Option = click.option(
    "--set", "sets", multiple=True, metavar="PATH=VALUE", help="One value over all others; repeatable."
)
values_option: Option = click.option(
    "--values",
    "values_files",
    multiple=True,
    metavar="FILE",
    help="Values that override those of the environment, - for standard input; repeatable, the last one wins.",
)
schemas_option: Option = click.option(
    "--schemas",
    "schemas",
    multiple=True,
    metavar="PATH",
    help="Schemas of custom resources, a file or a directory: CustomResourceDefinitions as kubectl get crd -o yaml "
    "gives them, or JSON Schemas with an index.json; repeatable.",
)
format_option: Option = click.option(
    "--format",
    "output_format",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How the report is written.",
)


def one_environment_option(text: str, *, required: bool) -> Option:
    """``--env ENV``, once, with what it means for the command."""
    return click.option("--env", "environment", metavar="ENV", required=required, help=text)


def kube_versions_option(default: str) -> Option:
    """``--kube-version V``, repeatable; ``default`` says in words what is taken without it."""
    return click.option(
        "--kube-version",
        "kube_versions",
        multiple=True,
        metavar="V",
        help=f"Version of Kubernetes, such as 1.33; repeatable. Without it {default}.",
    )
