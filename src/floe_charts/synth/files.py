"""A chart as a mapping from relative path to text, and the ways in which it meets a directory.

Only files that an earlier run wrote are ever changed or removed. Which those are stands in :data:`LIST_NAME` inside
each chart directory; all other files are the user's and stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from floe_charts.errors import CheckFailed, WriteError

from .compare import LIST_NAME, ChartState, compare, safe_path
from .diffs import unified
from .rebuild import rebuild
from .replace import has_leftovers, locked

__all__ = ["LIST_NAME", "ChartFiles", "WriteResult"]

_MOST_CONFLICTS = 10
_ATTEMPTS = 5


@dataclass(frozen=True)
class WriteResult:
    """What a write did, or would do: paths below ``directory``, sorted.

    ``kept`` are files of an earlier run that this run does not make and was told to keep.
    """

    directory: Path
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether any file is added, changed or removed."""
        return bool(self.added or self.changed or self.removed)

    def of_chart(self, name: str) -> WriteResult:
        """What was done in one chart."""

        def own(paths: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(path for path in paths if path.startswith(f"{name}/"))

        paths = (self.added, self.changed, self.removed, self.unchanged, self.kept)
        return WriteResult(self.directory, *map(own, paths))


class ChartFiles(Mapping[str, str]):
    """The files of one or more charts, sorted by path: ``floe-platform/Chart.yaml`` and so on. Immutable.

    The first part of a path is the chart's directory. ``keep`` names files of an earlier run that survive although
    they are not among ``files``, such as the overlays of environments that this run leaves out.

    Raises:
        ValueError: a path is absolute, climbs up, is below another file or belongs to no chart; a text is not Unicode.
    """

    __slots__ = ("_files", "_keep")

    def __init__(self, files: Mapping[str, str], keep: Iterable[str] = ()) -> None:
        """Check every path and keep a sorted copy of ``files``."""
        for path, text in files.items():
            _check(path, text, files)
        for path in keep:
            _check_path(path)
        self._files = MappingProxyType(dict(sorted(files.items())))
        self._keep = frozenset(keep)

    def __getitem__(self, path: str) -> str:
        """The text of the file at ``path``."""
        return self._files[path]

    def __iter__(self) -> Iterator[str]:
        """All paths, sorted."""
        return iter(self._files)

    def __len__(self) -> int:
        """The number of files."""
        return len(self._files)

    def __repr__(self) -> str:
        """Say the charts and the number of files; the texts are long."""
        return f"ChartFiles({', '.join(self.charts)}: {len(self)} files)"

    @property
    def keep(self) -> frozenset[str]:
        """Paths that survive in the directory although this run does not make them."""
        return self._keep

    @property
    def charts(self) -> tuple[str, ...]:
        """The names of the chart directories."""
        return tuple(dict.fromkeys(path.partition("/")[0] for path in self._files))

    def joined(self, *others: ChartFiles) -> ChartFiles:
        """These files and those of other charts.

        Raises :class:`ValueError` where two of them hold one chart.
        """
        every = (self, *others)
        names = [name for one in every for name in one.charts]
        if len(set(names)) < len(names):
            raise ValueError(f"of {', '.join(names)} two are one chart")
        files = {path: text for one in every for path, text in one.items()}
        return ChartFiles(files, frozenset[str]().union(*(one.keep for one in every)))

    def plan(self, directory: str | Path) -> WriteResult:
        """What :meth:`write` would do, without doing it; raises as it does."""
        return self._result(directory, self._compare(directory))

    def write(self, directory: str | Path) -> WriteResult:
        """Writes every chart below ``directory``, each replaced as a whole, and says what changed.

        A crash leaves each chart as it was or as it should be. Where nothing changes, nothing is touched. Other writers
        of the same chart are waited for. A changed file keeps its mode; files are UTF-8 with the texts' own line ends.

        Raises:
            WriteError: the directory cannot be written, or a file that no earlier run wrote stands in the way.
        """
        states = self._compare(directory)  # All charts, so that a conflict in the last leaves the first untouched.
        try:
            done = [self._write_chart(state) for state in states]
        except OSError as error:
            raise _unwritable(error, directory) from error
        return self._result(directory, done)

    def diff(self, directory: str | Path) -> str:
        """A unified diff from what is below ``directory`` to these files; empty where they are the same.

        Paths start with ``a/`` and ``b/``; ``git apply`` and ``patch -p1`` take it where all files are text.
        """
        states = self._compare(directory, refuse_conflicts=False)
        changes = [(state, path) for state in states for path in state.touched]
        return "".join(
            unified(f"{state.name}/{path}", state.old(path), state.texts.get(path)) for state, path in changes
        )

    def check(self, directory: str | Path) -> None:
        """Raises CheckFailed, its message the diff, where ``directory`` is not what :meth:`write` would leave."""
        difference = self.diff(directory)
        if difference:
            raise CheckFailed(difference.rstrip("\n"))

    def _compare(self, directory: str | Path, *, refuse_conflicts: bool = True) -> list[ChartState]:
        root = Path(directory)
        try:
            if root.exists() and not root.is_dir():
                raise WriteError(str(root), "", "found a file, expected a directory", "choose another output directory")
            states = [self._state(root, chart) for chart in self.charts]
        except OSError as error:
            raise _unwritable(error, root) from error
        conflicts = [conflict for state in states for conflict in state.conflicts]
        if conflicts and refuse_conflicts:
            raise WriteError("", "", _lines(conflicts))
        return states

    def _state(self, root: Path, chart: str) -> ChartState:
        prefix = f"{chart}/"
        texts = {path.removeprefix(prefix): text for path, text in self.items() if path.startswith(prefix)}
        keep = {path.removeprefix(prefix) for path in self.keep if path.startswith(prefix)}
        for _ in range(_ATTEMPTS):
            # Another writer may take the directory away while it is read, and put the next one there.
            with suppress(FileNotFoundError):
                return compare(root / chart, texts, keep)
        return compare(root / chart, texts, keep)

    def _write_chart(self, state: ChartState) -> ChartState:
        if not state.touched and not has_leftovers(state.target):
            return state
        state.target.parent.mkdir(parents=True, exist_ok=True)
        with locked(state.target):
            for _ in range(_ATTEMPTS):
                state = state.again()  # Another writer may have been here while we waited.
                if state.conflicts:
                    raise WriteError("", "", _lines(state.conflicts))
                if not state.touched or rebuild(state):
                    return state
        raise WriteError(str(state.found.place), "", "files in it keep changing", "run again when they rest")

    def _result(self, directory: str | Path, states: Iterable[ChartState]) -> WriteResult:
        def paths(field: str) -> tuple[str, ...]:
            return tuple(sorted(f"{state.name}/{path}" for state in states for path in getattr(state, field)))

        states = list(states)
        return WriteResult(
            Path(directory), paths("added"), paths("changed"), paths("removed"), paths("unchanged"), paths("kept")
        )


def _check(path: str, text: str, files: Collection[str]) -> None:
    _check_path(path)
    parents = [str(parent) for parent in PurePosixPath(path).parents]
    blocked = next((parent for parent in parents if parent in files), None)
    if blocked:
        raise ValueError(f"{path!r} lies below {blocked!r}, which is a file")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the text of {path!r} is not Unicode: {error}") from None


def _check_path(path: str) -> None:
    chart, _, rest = path.partition("/")
    if not rest:
        raise ValueError(f"{path!r} names no file inside a chart directory, such as floe-platform/Chart.yaml")
    if not safe_path(path):
        raise ValueError(f"{path!r} is not a plain relative path")
    if chart.startswith("."):
        raise ValueError(f"{path!r}: hidden names beside the charts are for floe-charts itself")
    if rest.startswith("#"):
        raise ValueError(f"{path!r} would read as a comment in the list of generated files")
    if rest == LIST_NAME:
        raise ValueError(f"{path!r} is where the list of generated files goes")


def _lines(conflicts: Sequence[WriteError]) -> str:
    lines = [str(conflict) for conflict in conflicts[:_MOST_CONFLICTS]]
    more = len(conflicts) - len(lines)
    return "\n".join([*lines, f"and {more} more files"] if more else lines)


def _unwritable(error: OSError, directory: str | Path) -> WriteError:
    where = error.filename2 or error.filename or directory
    return WriteError(str(where), "", (error.strerror or str(error)).lower(), "nothing was replaced in this directory")
