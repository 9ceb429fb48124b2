"""A bar for each check, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from floe_charts.verify.verification import CheckProgress

__all__ = ["check_bars"]


@contextmanager
def check_bars(title: str, checks: Sequence[str]) -> Iterator[CheckProgress | None]:
    """One line for each check on standard error, until all are done; None where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[done]}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True) as bars:
        console.print(title)
        lines = {name: bars.add_task(name, total=None, start=False, done="") for name in checks}

        def show(name: str, done: int, total: int) -> None:
            if not bars.tasks[lines[name]].started:
                bars.start_task(lines[name])
            if total:
                shown = "done" if done >= total else f"{done}/{total}"
                bars.update(lines[name], completed=done, total=total, done=shown)

        yield show
