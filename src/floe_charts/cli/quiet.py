"""Keeps Helm's own log off standard error: it would run through the progress bars, a line for each render."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

__all__ = ["without_helm_log"]

_LOGGED = re.compile(rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (?:warning: |INFO )")
_STDERR = 2


@contextmanager
def without_helm_log() -> Iterator[None]:
    """Leave out the lines that Helm's library (Go) writes to the process's standard error as log; pass on all others.

    What Python writes to ``sys.stderr`` goes out as ever.
    """
    saved = os.dup(_STDERR)
    read, write = os.pipe()
    own = _own_stderr(saved)
    python_stderr = sys.stderr
    os.dup2(write, _STDERR)
    os.close(write)
    passing = Thread(target=_pass_on, args=(read, saved), daemon=True)
    passing.start()
    if own is not None:
        sys.stderr = own
    try:
        yield
    finally:
        if own is not None:
            own.close()
            sys.stderr = python_stderr
        os.dup2(saved, _STDERR)  # Closes the pipe's last writing end, which ends the thread.
        passing.join()
        os.close(saved)


def _own_stderr(saved: int) -> io.TextIOWrapper | None:
    """A writer to the real standard error in place of Python's, where that is one; tests put their own there."""
    try:
        if sys.stderr.fileno() != _STDERR:
            return None
    except (AttributeError, OSError, ValueError):
        return None
    sys.stderr.flush()
    return open(os.dup(saved), "w", encoding=sys.stderr.encoding, errors=sys.stderr.errors, buffering=1)  # noqa: PTH123


def _pass_on(read: int, target: int) -> None:
    with open(read, "rb") as lines:
        for line in lines:
            if not _LOGGED.match(line):
                os.write(target, line)
