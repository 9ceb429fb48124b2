"""Replaces a directory as a whole: a reader, and a crash at any moment, meets the old one or the new one.

The new directory is built beside the old one under a hidden name, brought to disk, and then exchanged with it in one
system call. Where the kernel or file system knows no exchange (``renameat2``, Linux), the old one is renamed away
first; a crash between the two renames is mended at the next write.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from floe_charts.errors import WriteError

__all__ = ["current", "discard", "exchange", "has_leftovers", "locked", "staging", "swap", "sync"]

LOCK_SECONDS = 60.0
"""How long a writer waits for another one before it gives up."""

_SYNC_THREADS = 8
_RENAME_EXCHANGE = 2  # linux/fs.h
_AT_FDCWD = -100  # fcntl.h: paths are relative to the working directory
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}


def _hidden(target: Path, role: str) -> Path:
    return target.with_name(f".{target.name}.floe-charts-{role}")


def staging(target: Path) -> Path:
    """Where the new version of ``target`` is built: beside it, so that both are on one file system."""
    return _hidden(target, "new")


def current(target: Path) -> Path:
    """The directory that holds what ``target`` is now, also after a crash between the two renames."""
    old = _hidden(target, "old")
    return old if not target.exists() and old.is_dir() else target


def has_leftovers(target: Path) -> bool:
    """Whether an interrupted writer left something beside ``target``, or one is at work."""
    return any(os.path.lexists(_hidden(target, role)) for role in ("new", "old", "lock"))


@contextlib.contextmanager
def locked(target: Path) -> Iterator[None]:
    """Holds off all other writers of ``target``, mends what an interrupted one left, and lets go at the end.

    The lock ends with the process that holds it, so that a killed writer blocks nobody.

    Raises:
        WriteError: another writer held the lock for ``LOCK_SECONDS``.
    """
    path = _hidden(target, "lock")
    descriptor = _acquire(path)
    try:
        _recover(target)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def swap(target: Path) -> None:
    """Puts what stands at :func:`staging` in the place of ``target``, and removes what was there. Needs the lock."""
    new, old = staging(target), _hidden(target, "old")
    if not target.exists():
        new.rename(target)
    elif exchange(new, target):
        old = new
    else:
        target.rename(old)
        try:
            new.rename(target)
        except OSError:
            old.rename(target)
            raise
    _sync(target.parent)
    with contextlib.suppress(OSError):  # The new one stands; the next write tries again.
        discard(old)


def exchange(one: Path, other: Path) -> bool:
    """Swaps two directories in one step; False where that cannot be done here."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes  # Only a write over an existing chart needs it.

    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NO_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(other))


def sync(*paths: Path) -> None:
    """Brings files and folders to disk, several at a time: the file system then commits them together."""
    from concurrent.futures import ThreadPoolExecutor  # Not needed where nothing changes.

    with ThreadPoolExecutor(_SYNC_THREADS) as pool:
        list(pool.map(_sync, paths))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def discard(directory: Path) -> None:
    """Removes ``directory`` and all that is in it; nothing happens where it does not exist."""
    if not directory.is_dir() or directory.is_symlink():
        directory.unlink(missing_ok=True)
        return
    for folder, _, _ in os.walk(directory):  # A folder without the write bit cannot be emptied.
        path = Path(folder)
        mode = path.lstat().st_mode
        if mode & stat.S_IRWXU != stat.S_IRWXU:
            path.chmod(stat.S_IMODE(mode) | stat.S_IRWXU)
    shutil.rmtree(directory)


def _acquire(path: Path) -> int:
    import fcntl  # Reading and comparing charts works on systems that have no flock.

    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            if time.monotonic() > deadline:
                raise WriteError(str(path), "", "another floe-charts is writing here", "wait for it to end") from None
            time.sleep(0.02)
            continue
        # The one before us may have removed the file between our open and our lock: then the lock guards nothing.
        if _is_file_at(descriptor, path):
            return descriptor
        os.close(descriptor)


def _is_file_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _recover(target: Path) -> None:
    old = _hidden(target, "old")
    if current(target) == old:
        old.rename(target)
        _sync(target.parent)
    for leftover in (old, staging(target)):
        discard(leftover)
