"""What several commands share: how mistakes are answered, where input comes from, what a terminal shows."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from floe_charts.errors import CheckFailed, DocumentError, FloeChartsError, InputError

if TYPE_CHECKING:
    from floe_charts.artifacts import CompiledArtifacts
    from floe_charts.deployment import Deployment
    from floe_charts.synth import Override

__all__ = [
    "Command",
    "Group",
    "load_artifacts",
    "load_deployment",
    "load_values",
    "read_once",
    "spinner",
    "without_garbage_collection",
    "write_text",
]

_DEFAULT_ARTIFACT = Path("target/compiled_artifacts.json")
_STANDALONE = "python -m floe_charts"
_MOST_SOURCES = 10


class Command(click.Command):
    """A command whose help shows its examples as they are typed here, also where another program has mounted it."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help text with the name under which the command runs."""
        given = self.help
        # A context above is the group of this command, in whatever program.
        if given is not None and ctx.parent is not None:
            self.help = given.replace(f"{_STANDALONE} ", f"{ctx.parent.command_path} ")
        try:
            super().format_help_text(ctx, formatter)
        finally:
            self.help = given


class Group(click.Group):
    """A group whose commands end a mistake of the user's with a message and an exit code, not with a traceback.

    It does so too where another Click application has mounted it, and where that runs with ``standalone_mode=False``:
    then Click returns the exit code.
    """

    command_class = Command

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

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help text with the name under which the group runs."""
        given = self.help
        if given is not None:
            self.help = given.replace(f"{_STANDALONE} ", f"{ctx.command_path} ")
        try:
            super().format_help_text(ctx, formatter)
        finally:
            self.help = given


def load_artifacts(paths: Sequence[str]) -> tuple[list[CompiledArtifacts], str]:
    """The artifacts in the files, in the working directory or of the example, and where they come from in words."""
    from floe_charts.artifacts import CompiledArtifacts, load_all

    if paths or _DEFAULT_ARTIFACT.exists():
        loaded = load_all(paths or [str(_DEFAULT_ARTIFACT)])
        sources = ["standard input" if one.source == "<stdin>" else one.source for one in loaded]
        more = f" and {len(sources) - _MOST_SOURCES} more" if len(sources) > _MOST_SOURCES else ""
        return loaded, ", ".join(sources[:_MOST_SOURCES]) + more
    return [CompiledArtifacts.example()], f"the bundled example (no --artifact given, no {_DEFAULT_ARTIFACT} here)"


def load_deployment(path: str | None) -> tuple[Deployment, str]:
    """The deployment in the file, in the working directory or by default, and where it comes from in words."""
    from floe_charts.deployment import FILE_NAME, Deployment

    if path is not None:
        return Deployment.load(path), path
    found = Deployment.find()
    return (found, FILE_NAME) if found is not None else (Deployment.default(), "the embedded default")


def load_values(paths: Sequence[str]) -> list[Override]:
    """The values in the files, in their order; one in which nothing stands sets nothing, as Helm has it."""
    from floe_charts.synth import Override, read_values

    found = []
    for path in paths:
        try:
            found.append(read_values(path))
        except DocumentError as error:
            from floe_charts.verify.cases import holds_nothing

            if not holds_nothing(error):
                raise
            found.append(Override(error.source, {}))
    return found


def read_once(*paths: str | None) -> None:
    """Refuse a command line that names standard input twice."""
    if paths.count("-") > 1:
        raise click.UsageError("Standard input (-) is named twice; it can be read once.")


def write_text(output: str, text: str) -> bool:
    """Write to a file, or to standard output for ``-``; True where it was a file. Raises InputError."""
    if output == "-":
        click.echo(text, nl=False)
        return False
    try:
        Path(output).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(output, "", f"cannot be written: {error.strerror}") from error
    return True


@contextmanager
def without_garbage_collection() -> Iterator[None]:
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
def spinner(first: str) -> Iterator[Callable[[str], None]]:
    """A spinner on standard error that names the step; silent where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console

    with Console(stderr=True).status(first) as status:
        yield status.update
