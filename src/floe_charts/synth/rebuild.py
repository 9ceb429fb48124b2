"""Builds the new version of a chart directory beside the old one, on disk to the last byte, and swaps the two."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from .compare import ChartState
from .replace import discard, staging, swap, sync

__all__ = ["rebuild"]


def rebuild(state: ChartState) -> bool:
    """Replaces the chart by what ``state`` asks for. The caller holds the lock; an OSError leaves the old chart.

    False, and nothing done, where somebody changed the old chart meanwhile: ``state`` must be asked for again.
    """
    new = staging(state.target)
    try:
        sync(*_fill(state, new))
        if state.is_stale():
            discard(new)
            return False
        swap(state.target)
    except BaseException:
        discard(new)
        raise
    return True


def _fill(state: ChartState, new: Path) -> list[Path]:
    """Makes the whole chart at ``new``; returns what must be brought to disk."""
    folders = _folders(state)
    written = [new / path for path in sorted(state.added | state.changed)]
    for folder in ["", *folders]:
        (new / folder).mkdir()
    for path in state.survivors:
        written += _carry(state.target / path, new / path)
    for path in sorted(state.added | state.changed):
        _write(new / path, state.texts[path].encode(), state.found.entries.get(path))
    for folder in [*reversed(folders), ""]:
        _dress(new / folder, state.target / folder)
    return [*(path for path in written if not path.is_symlink()), *(new / folder for folder in ["", *folders])]


def _folders(state: ChartState) -> list[str]:
    """All folders of the new chart, parents first: those that hold a file, and those that the user left empty."""
    folders = {path for path in state.found.entries if state.found.is_folder(path)}
    empty = folders - _parents(state.found.entries)
    return sorted(_parents([*state.survivors, *state.texts, *empty]) | empty)


def _parents(paths: Iterable[str]) -> set[str]:
    return {str(parent) for path in paths for parent in PurePosixPath(path).parents} - {"."}


def _carry(old: Path, new: Path) -> list[Path]:
    """The same file under both names: content, mode, owner and times stay the user's. A copy where links are refused.

    Returns what was copied.
    """
    try:
        os.link(old, new, follow_symlinks=False)
    except FileNotFoundError:  # Removed meanwhile, which is noticed at the end.
        return []
    except OSError:
        shutil.copy2(old, new, follow_symlinks=False)
        return [new]
    return []


def _write(path: Path, content: bytes, before: os.stat_result | None) -> None:
    with path.open("xb") as file:
        file.write(content)
        if before is not None and stat.S_ISREG(before.st_mode):
            os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))


def _dress(new: Path, old: Path) -> None:
    """Gives the folder the mode and owner that it had before."""
    if old.is_dir():
        status = old.stat()
        if (status.st_uid, status.st_gid) != (new.stat().st_uid, new.stat().st_gid):
            with contextlib.suppress(PermissionError):
                os.chown(new, status.st_uid, status.st_gid)
        new.chmod(stat.S_IMODE(status.st_mode))
