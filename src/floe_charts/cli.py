"""The command line: words for people, no logic of its own.

Everything heavier than Click is imported when a command runs: ``--help`` and a wrong option should answer at once.
"""

from __future__ import annotations

import atexit
import gc
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from floe_charts.errors import CheckFailed, FloeChartsError, InputError

if TYPE_CHECKING:
    from floe_charts.artifacts import CompiledArtifacts
    from floe_charts.deployment import Deployment
    from floe_charts.synth import PlatformFiles, WriteResult

__all__ = ["main"]

_DEFAULT_ARTIFACT = Path("target/compiled_artifacts.json")


class _Group(click.Group):
    """A group whose commands end a mistake of the user's with a message and an exit code, not with a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn errors of floe-charts into what a person reads."""
        if isinstance(sys.stdout, TextIOWrapper):  # A path or a value may hold what the terminal's encoding has not.
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except CheckFailed as error:
            click.echo(str(error))
            click.echo("Not up to date: run the same command without --check.", err=True)
            ctx.exit(error.exit_code)
        except FloeChartsError as error:
            for line in str(error).splitlines():
                click.echo(f"Error: {line}", err=True)
            ctx.exit(error.exit_code)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="floe-charts", prog_name="floe-charts")
def main() -> None:
    """Helm charts for the floe data platform, generated from what floe compiled.

    \b
    Example:
      python -m floe_charts synth --env staging
    """


@main.command()
@click.option(
    "--artifact",
    "artifacts",
    multiple=True,
    metavar="PATH",
    help="CompiledArtifacts as JSON or YAML, - for standard input; repeatable, one for each data product. Without it "
    "target/compiled_artifacts.json where that exists, else the bundled example.",
)
@click.option(
    "--env",
    "environments",
    multiple=True,
    metavar="ENV",
    help="Environment whose values-ENV.yaml is written; repeatable. Without it all of the deployment.",
)
@click.option(
    "--config",
    "config",
    metavar="FILE",
    help="Deployment file. Without it floe-charts.yaml of the working directory where that exists, else the embedded "
    "default.",
)
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
    check: bool,
    dry_run: bool,
) -> None:
    """Write the chart floe-platform, with the values of every environment.

    \b
    Examples:
      python -m floe_charts synth --env staging
      python -m floe_charts synth --artifact target/compiled_artifacts.json --out charts
      python -m floe_charts synth --env prod --set postgres.operator.instances=5
      python -m floe_charts synth --check
    """
    if check and dry_run:
        raise click.UsageError("--check and --dry-run exclude each other: the first prints a diff, the second a list.")
    if [*artifacts, config, *values_files].count("-") > 1:
        raise click.UsageError("Standard input (-) is named twice; it can be read once.")
    with _without_garbage_collection(), _progress("Reading the input") as step:
        from floe_charts.synth import read_values
        from floe_charts.synth import synth as synthesize

        loaded, artifact_source = _load_artifacts(artifacts)
        deployment, deployment_source = _load_deployment(config)
        overrides = [read_values(path) for path in values_files]
        step(f"Synthesizing {len(loaded)} data product{'s' * (len(loaded) != 1)}")
        files = synthesize(loaded, deployment, environments=environments or None, values=overrides, sets=sets)
        step("Comparing with the directory" if check or dry_run else "Writing the chart")
        if check:
            files.check(directory)
        result = files.plan(directory) if check or dry_run else files.write(directory)
    _report_sources(artifact_source, deployment_source)
    _report_notices(files)
    if check:
        same = len(result.unchanged) + len(result.kept)
        click.echo(f"{result.directory / files.platform.chart_name} is up to date ({same} files).")
    elif dry_run:
        _report_plan(result)
    else:
        _report_written(files, result)


@main.command()
@click.option(
    "-o", "--output", default="-", show_default=True, metavar="FILE", help="Where to write, - for standard output."
)
def schema(output: str) -> None:
    """Write the JSON Schema of the deployment file floe-charts.yaml, for editors.

    \b
    Example:
      python -m floe_charts schema --output floe-charts.schema.json
    then put this line on top of floe-charts.yaml:
      # yaml-language-server: $schema=floe-charts.schema.json
    """
    import json

    from floe_charts.deployment import Deployment

    text = json.dumps(Deployment.json_schema(), indent=2) + "\n"
    if output == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(output).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(output, "", f"cannot be written: {error.strerror}") from error
    click.echo(f"Wrote {output}.")


def _load_artifacts(paths: Sequence[str]) -> tuple[list[CompiledArtifacts], str]:
    """The artifacts, and where they come from in words."""
    from floe_charts.artifacts import CompiledArtifacts, load_all

    if paths or _DEFAULT_ARTIFACT.exists():
        loaded = load_all(paths or [str(_DEFAULT_ARTIFACT)])
        return loaded, ", ".join("standard input" if one.source == "<stdin>" else one.source for one in loaded)
    return [CompiledArtifacts.example()], f"the bundled example (no --artifact given, no {_DEFAULT_ARTIFACT} here)"


def _load_deployment(path: str | None) -> tuple[Deployment, str]:
    """The deployment, and where it comes from in words."""
    from floe_charts.deployment import FILE_NAME, Deployment

    if path is not None:
        return Deployment.load(path), path
    found = Deployment.find()
    return (found, FILE_NAME) if found is not None else (Deployment.default(), "the embedded default")


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Do not look for garbage: a run ends before it amounts to anything, and looking takes a tenth of its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    # Nor at the end, where Python would search all modules once more before the process is gone anyway.
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def _progress(first: str) -> Iterator[Any]:
    """A spinner on standard error that names the step; silent where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console

    with Console(stderr=True).status(first) as status:
        yield lambda text: status.update(text)


def _report_sources(artifacts: str, deployment: str) -> None:
    click.echo(f"Artifacts:  {artifacts}")
    click.echo(f"Deployment: {deployment}")


def _report_notices(files: PlatformFiles) -> None:
    for notice in files.notices:
        click.echo(f"Warning: {notice}", err=True)
    if files.required_secrets:
        click.echo("Secrets that must exist in the namespace:")
        for secret in files.required_secrets:
            where = f" (where {secret.condition})" if secret.condition else ""
            click.echo(f"  {secret.name}: {', '.join(secret.keys)}{where}")


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


def _report_written(files: PlatformFiles, result: WriteResult) -> None:
    chart = result.directory / files.platform.chart_name
    names = ", ".join(files.environments)
    click.echo(f"{'Wrote' if result.differs else 'Nothing to write:'} {chart} for {names}: {_summary(result)}")
    name = files.environments[0]
    deployment = files.platform.deployment
    click.echo("Next:")
    quoted = shlex.quote(str(chart))
    if files.platform.dependencies():
        click.echo(f"  helm dependency build {quoted}")
    click.echo(
        f"  helm upgrade --install {files.platform.chart_name} {quoted} --values "
        f"{shlex.quote(str(chart / f'values-{name}.yaml'))} --namespace {deployment.namespace(name)} --create-namespace"
    )


def _summary(result: WriteResult) -> str:
    same = len(result.unchanged) + len(result.kept)
    return f"{len(result.added)} added, {len(result.changed)} changed, {len(result.removed)} removed, {same} unchanged."
