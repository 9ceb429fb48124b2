"""``ci``: workflows for GitHub and GitLab."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Literal

import click

from floe_charts.cli.common import Command, load_deployment
from floe_charts.cli.options import config_option
from floe_charts.errors import InputError, nearest, shorten

__all__ = ["ci"]

System = Literal["github", "gitlab"]


@click.command(cls=Command, short_help="Write CI workflows for GitHub or GitLab.")
@click.argument("system", type=click.Choice(["github", "gitlab"]))
@config_option
@click.option(
    "--artifact",
    "artifacts",
    multiple=True,
    metavar="PATH",
    help="What the workflows hand to synth --artifact: a file or directory of the repository, or oci://…:tag; "
    "repeatable.",
)
@click.option(
    "--install",
    metavar="ARGUMENTS",
    help="Arguments of pip install, where the repository has packages of its own. Without it floe-charts in this "
    "version.",
)
@click.option(
    "--synth", metavar="COMMAND", help="Command that writes the charts instead of synth; it must take --check too."
)
@click.option("--test", "tests", multiple=True, metavar="COMMAND", help="Command that is run as well; repeatable.")
@click.option("--branch", metavar="NAME", help="Default branch. Without it main on GitHub; GitLab knows its own.")
@click.option("--python", default="3.13", show_default=True, metavar="VERSION", help="Version of Python.")
@click.option(
    "--out", "directory", default=".", show_default=True, metavar="DIR", help="Root directory of the repository."
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 and print a diff where a file is not up to date.")
def ci(
    system: System,
    config: str | None,
    artifacts: tuple[str, ...],
    install: str | None,
    synth: str | None,
    tests: tuple[str, ...],
    branch: str | None,
    python: str,
    directory: str,
    check: bool,
) -> None:
    """Write workflows that prove the charts, keep them current and release them.

    They run synth --check, lint and verify on every pull or merge request; open one themselves when compiled artifacts
    change; and push the charts that changed on the default branch to gitops.registry of the deployment file, else to
    the registry of GitHub or GitLab. The first line of each file is the command that made it.

    \b
    Examples:
      python -m floe_charts ci github
      python -m floe_charts ci gitlab --config floe-charts.yaml
      python -m floe_charts ci github --artifact artifacts/orders.json --artifact artifacts/returns.json
      python -m floe_charts ci github --install '-c constraints.txt -e .[dev]' --test pytest
      python -m floe_charts ci github --check
    """
    from importlib.metadata import version

    from floe_charts.ci import github, gitlab
    from floe_charts.ci.pipeline import DEFAULT_ARTIFACT, Pipeline
    from floe_charts.deployment import FILE_NAME

    given: list[tuple[str, str | None]] = [
        ("--config", config),
        *(("--artifact", one) for one in artifacts),
        ("--install", install),
        ("--synth", synth),
        *(("--test", one) for one in tests),
        ("--branch", branch),
        ("--python", python if python != "3.13" else None),
    ]
    words = [word for option, text in given if text is not None for word in (option, text)]
    deployment, source = load_deployment(config)
    pipeline = Pipeline(
        command=shlex.join(["floe-charts", "ci", system, *words]),
        version=version("floe-charts"),
        deployment_file=config or FILE_NAME,
        config=config,
        registry=deployment.gitops.registry,
        charts=deployment.gitops.charts,
        manifests=deployment.gitops.path,
        artifacts=artifacts,
        install=install,
        synth=synth,
        tests=tests,
        branch=branch,
        python=python,
    )
    for artifact in pipeline.artifact_files:
        _must_exist(Path(directory), artifact)
    files = github.github_files(pipeline) if system == "github" else gitlab.gitlab_files(pipeline)
    place = Path(directory, github.DIRECTORY if system == "github" else gitlab.DIRECTORY)
    if check:
        files.check(place)
    result = files.plan(place) if check else files.write(place)
    click.echo(f"Deployment: {source}")
    for path in files:
        state = "up to date" if path in result.unchanged else "written"
        click.echo(f"{place / path}: {state}")
    if not artifacts and synth is None and not Path(directory, DEFAULT_ARTIFACT).exists():
        click.echo(
            f"Warning: there is no {DEFAULT_ARTIFACT} here, which synth reads without --artifact: as long as it is not "
            "committed, the workflows make the charts of the bundled example",
            err=True,
        )
    if system == "gitlab" and not check:
        click.echo(f"Next, in .gitlab-ci.yml:\n  include:\n    - local: {gitlab.DIRECTORY}/{gitlab.INCLUDED}")


def _must_exist(root: Path, artifact: str) -> None:
    """InputError where the repository has no such file or directory, with the one beside it that is most like it."""
    place = root / artifact
    if place.exists():
        return
    names = {one.name: one for one in place.parent.iterdir()} if place.parent.is_dir() else {}
    near = nearest(place.name, names)
    hint = f"did you mean {names[near].relative_to(root).as_posix()}?" if near else ""
    problem = f"found {shorten(artifact)}, which is not there; expected a file or directory of the repository"
    raise InputError("--artifact", "", problem, hint)
