"""Git, as far as it is asked what was committed: it reads objects and nothing else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from floe_charts.errors import InputError

__all__ = ["contents", "git", "has_commit"]

# A hook that runs this would have it look at another directory; the repository is the one around the charts.
_OF_HOOKS = frozenset({"GIT_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_WORK_TREE"})


def has_commit(place: Path) -> bool:
    """Whether the directory ``place`` is in a repository with a commit.

    Raises InputError where it is in one, and git is not installed or does not read it.
    """
    try:
        done = _run(place, "rev-parse", "--quiet", "--verify", "HEAD^{commit}")
    except OSError:
        if any((above / ".git").exists() for above in (place, *place.parents)):
            raise InputError("git", "", "is not installed") from None
        return False
    # Where there is one whose other half is elsewhere, as that of a worktree in a container, git says it another way.
    if done.returncode not in (0, 1) and b"not a git repository (or any" not in done.stderr:
        raise _error(done)
    return done.returncode == 0


def git(place: Path, *words: str, given: bytes = b"") -> bytes:
    """What a git command prints in the directory ``place``; raises InputError where it fails."""
    done = _run(place, *words, given=given)
    if done.returncode:
        raise _error(done)
    return done.stdout


def contents(place: Path, objects: Sequence[str]) -> list[str]:
    """The texts of blobs, as they are in the repository; raises InputError."""
    out = git(place, "cat-file", "--batch", given="".join(f"{one}\n" for one in objects).encode())
    found = []
    for _ in objects:
        head, _, rest = out.partition(b"\n")
        if not head.split(b" ")[-1].isdigit():
            raise InputError("git", "", head.decode(errors="replace"))
        size = int(head.split(b" ")[-1])
        found.append(rest[:size].decode(errors="replace"))
        out = rest[size + 1 :]
    return found


def _run(place: Path, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {key: value for key, value in os.environ.items() if key not in _OF_HOOKS}
    return subprocess.run(
        ["git", "-C", str(place), *words],
        env={**environment, "LC_ALL": "C"},
        input=given,
        capture_output=True,
        check=False,
    )


def _error(done: subprocess.CompletedProcess[bytes]) -> InputError:
    said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
    return InputError("git", "", said.removeprefix("fatal: ") or f"ends with {done.returncode}")
