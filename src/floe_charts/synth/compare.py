"""What a chart directory holds, held against what it should hold; nothing here writes."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from floe_charts.errors import WriteError

from .replace import current

__all__ = ["LIST_NAME", "ChartState", "Found", "compare", "safe_path"]

LIST_NAME = ".floe-charts-files"
"""The list of generated files, inside each chart directory. ``.helmignore`` keeps it out of packages."""

_HEADER = "# Written by floe-charts: it replaces and removes these files, and leaves all others alone.\n"


@dataclass(frozen=True)
class Found:
    """Every entry of a chart directory by relative path, folders before what is in them.

    ``place`` is the directory as the user calls it, for messages; ``here`` is where it is read.
    """

    place: Path
    here: Path
    entries: Mapping[str, os.stat_result]

    def is_folder(self, path: str) -> bool:
        """Whether ``path`` is a directory, and no link to one."""
        return path in self.entries and stat.S_ISDIR(self.entries[path].st_mode)

    def is_file(self, path: str) -> bool:
        """Whether there is anything but a directory at ``path``."""
        return path in self.entries and not stat.S_ISDIR(self.entries[path].st_mode)

    def kind(self, path: str) -> str:
        """What is at ``path``, in words."""
        mode = self.entries[path].st_mode
        names = ((stat.S_ISREG, "file"), (stat.S_ISDIR, "folder"), (stat.S_ISLNK, "symbolic link"))
        return next((name for test, name in names if test(mode)), "special file")

    def content(self, path: str) -> bytes | None:
        """The bytes of the plain file at ``path``, else None: reading a pipe would wait for ever."""
        return (self.here / path).read_bytes() if self.is_plain(path) else None

    def is_plain(self, path: str) -> bool:
        """Whether ``path`` is a regular file."""
        return path in self.entries and stat.S_ISREG(self.entries[path].st_mode)

    def folder_holds_only(self, folder: str, paths: Collection[str]) -> bool:
        """Whether ``folder`` holds some of ``paths`` and nothing else."""
        below = [path for path in self.entries if path.startswith(f"{folder}/")]
        return bool(below) and all(path in paths or self.is_folder(path) for path in below)

    def refusal(self, path: str, problem: str, hint: str) -> WriteError:
        """An error about the entry at ``path``."""
        return WriteError(str(self.place / path), "", problem, hint)


@dataclass(frozen=True)
class ChartState:
    """One chart directory, and what a write would do to it; paths are relative to the chart.

    ``wanted`` is what was asked for; ``texts`` is that and the list of generated files. ``target`` is ``found.place``
    with links followed. ``conflicts`` say why a write would be refused.
    """

    wanted: Mapping[str, str]
    texts: Mapping[str, str]
    keep: frozenset[str]
    target: Path
    found: Found
    added: frozenset[str]
    changed: frozenset[str]
    removed: frozenset[str]
    kept: frozenset[str]
    conflicts: tuple[WriteError, ...]

    @property
    def name(self) -> str:
        """The chart's directory name."""
        return self.found.place.name

    @property
    def touched(self) -> list[str]:
        """Paths of all files that a write would add, change or remove, sorted."""
        return sorted(self.added | self.changed | self.removed)

    @property
    def unchanged(self) -> frozenset[str]:
        """Paths of files that already are as they should be."""
        return frozenset(self.texts) - self.added - self.changed

    @property
    def survivors(self) -> list[str]:
        """Paths of all files that go into the new directory as they are: the user's and the unchanged ones."""
        gone = self.removed | self.changed
        return [path for path in self.found.entries if path not in gone and self.found.is_file(path)]

    def old(self, path: str) -> bytes | None:
        """What stands at ``path`` now, of a symbolic link where it points to; None where there is nothing to show."""
        if path in self.found.entries and stat.S_ISLNK(self.found.entries[path].st_mode):
            return os.fsencode((self.found.here / path).readlink())
        return self.found.content(path)

    def is_stale(self) -> bool:
        """Whether any entry was added, removed or changed since this was seen."""
        return _marks(dict(_scan(self.found.here))) != _marks(self.found.entries)

    def again(self) -> ChartState:
        """The same question, asked of the directory as it is now."""
        return compare(self.found.place, self.wanted, self.keep)


def safe_path(path: str) -> bool:
    """Whether ``path`` is relative, climbs nowhere, and is spelt in the one way that POSIX paths have."""
    plain = path.isprintable() and "\\" not in path
    return plain and all(part not in ("", ".", "..") for part in path.split("/"))


def compare(place: Path, wanted: Mapping[str, str], keep: Collection[str]) -> ChartState:
    """Holds the chart directory ``place`` (a link to a directory is followed) against the texts that it should hold.

    Raises:
        WriteError: ``place`` is no directory, or its list of generated files is damaged.
        OSError: something in it cannot be read.
    """
    target = _resolved(place)
    here = current(target)
    found = Found(place, here, dict(_scan(here)))
    previous = _previous(found)
    kept = frozenset(path for path in previous if path in keep and path not in wanted and found.is_file(path))
    texts = {**wanted, LIST_NAME: _HEADER + "".join(f"{path}\n" for path in sorted({*wanted, *kept}))}
    added = frozenset(path for path in texts if not found.is_file(path))
    changed = frozenset(path for path in texts if path not in added and found.content(path) != texts[path].encode())
    removed = frozenset(path for path in previous - set(texts) - kept if found.is_file(path))
    conflicts = _conflicts(found, added | changed, removed, previous | {LIST_NAME})
    return ChartState(wanted, texts, frozenset(keep), target, found, added, changed, removed, kept, tuple(conflicts))


def _resolved(place: Path) -> Path:
    if place.is_symlink() and not place.exists():
        raise WriteError(str(place), "", "found a symbolic link to nothing", "remove it or create what it points to")
    target = place.resolve()
    if target.exists() and not target.is_dir():
        raise WriteError(str(place), "", "found a file, expected a directory", "move it away")
    return target


def _scan(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    folders = [""] if root.is_dir() else []
    while folders:
        folder = folders.pop()
        with os.scandir(root / folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                path = f"{folder}{entry.name}"
                yield path, entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{path}/")


def _marks(entries: Mapping[str, os.stat_result]) -> dict[str, tuple[int, ...]]:
    """What changes with an entry. Times of folders do not count, nor does the number of links."""
    folders = {path for path, status in entries.items() if stat.S_ISDIR(status.st_mode)}
    return {
        path: (status.st_mode, *(() if path in folders else (status.st_ino, status.st_size, status.st_mtime_ns)))
        for path, status in entries.items()
    }


def _previous(found: Found) -> frozenset[str]:
    """Paths that an earlier run wrote, as its list says."""
    text = (found.content(LIST_NAME) or b"").decode(errors="replace")
    paths = [line for line in text.split("\n") if line and not line.startswith("#")]
    damaged = next((path for path in paths if not safe_path(path)), None)
    if damaged is not None:
        problem = f"{damaged!r} cannot be the path of a generated file"
        raise found.refusal(LIST_NAME, problem, "restore the list from version control")
    return frozenset(paths)


def _conflicts(
    found: Found, written: Collection[str], removed: Collection[str], owned: Collection[str]
) -> Iterator[WriteError]:
    """Why files cannot be written without hurting something of the user's."""
    if written or removed:
        yield from _read_only(found)
    for path in sorted(written):
        blocked = _blocked(found, path, removed)
        if blocked:
            yield blocked
        elif found.is_folder(path) and not found.folder_holds_only(path, removed):
            yield found.refusal(path, "found a folder where a generated file goes", "move it away")
        elif found.is_file(path) and path not in owned:
            hint = f"move it away, or add {path} to {LIST_NAME} to have it replaced"
            yield found.refusal(path, f"this {found.kind(path)} was not written by floe-charts", hint)


def _read_only(found: Found) -> Iterator[WriteError]:
    if found.here.exists() and not os.access(found.here, os.W_OK | os.X_OK):
        yield found.refusal("", "the directory is read-only", "make it writable")


def _blocked(found: Found, path: str, removed: Collection[str]) -> WriteError | None:
    """A user's file or link where a folder of ``path`` must be: through a link one would write somewhere else."""
    for parent in map(str, PurePosixPath(path).parents):
        if found.is_file(parent) and parent not in removed:
            problem = f"found a {found.kind(parent)} where the folder of a generated file goes"
            return found.refusal(parent, problem, "move it away")
    return None
