"""Reading the files of one chart out of a directory or an archive, within limits."""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from floe_charts.errors import HelmError
from floe_charts.verify.helm_ignore import IgnoreRules

__all__ = ["MAX_CHART_BYTES", "MAX_FILES", "MAX_FILE_BYTES", "Budget", "read_files"]

# Helm's own limits of a chart and of one file in it.
MAX_CHART_BYTES = 100 * 1024 * 1024
MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_FILES = 20_000

_MARK = b"\xef\xbb\xbf"
_DRIVE = re.compile(r"[A-Za-z]:")


class Budget:
    """How much may still be read, of a chart and all archives inside it together."""

    def __init__(self) -> None:
        """Begin with Helm's own limit for one chart."""
        self._bytes = MAX_CHART_BYTES
        self._files = MAX_FILES

    def take(self, size: int, files: int = 0) -> None:
        """Count what was read; raise HelmError where it is too much."""
        self._bytes -= size
        self._files -= files
        if self._bytes < 0 or self._files < 0:
            raise HelmError(f"the chart holds more than {MAX_CHART_BYTES // 2**20} MiB or {MAX_FILES:,} files")


class _Counted(gzip.GzipFile):
    """A compressed stream of which only so much can be read."""

    def __init__(self, content: bytes, budget: Budget) -> None:
        super().__init__(fileobj=io.BytesIO(content), mode="rb")
        self._budget = budget

    def read(self, size: int | None = -1) -> bytes:
        content = super().read(size)
        self._budget.take(len(content))
        return content


def read_files(chart: str | os.PathLike[str] | bytes, budget: Budget | None = None) -> dict[str, bytes]:
    """The files of the chart in a directory, a .tgz, or the bytes of one, by path inside the chart.

    Archives inside ``charts/`` are files like others here; a byte order mark is taken off. Raises HelmError.
    """
    budget = budget or Budget()
    if isinstance(chart, bytes):
        return _from_archive(chart, budget)
    path = Path(chart)
    try:
        if path.is_dir():
            return _from_directory(path, budget)
        with path.open("rb") as stream:
            content = stream.read(MAX_CHART_BYTES + 1)
    except FileNotFoundError as error:
        missing = Path(str(error.filename or path))
        raise HelmError("this is not a chart: there is no such file" if missing == path else f"no {missing}") from error
    except (OSError, ValueError) as error:
        raise HelmError(f"this cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > MAX_CHART_BYTES:
        raise HelmError(f"this is larger than {MAX_CHART_BYTES // 2**20} MiB, which Helm does not load")
    return _from_archive(content, budget)


def _from_directory(root: Path, budget: Budget) -> dict[str, bytes]:
    if not (root / "Chart.yaml").is_file():
        raise HelmError("this is not a chart: there is no Chart.yaml")
    ignore_file = root / ".helmignore"
    rules = IgnoreRules(ignore_file.read_text(encoding="utf-8", errors="replace") if ignore_file.is_file() else "")
    files: dict[str, bytes] = {}
    for path, file in _walk(root, "", rules, ()):
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise HelmError(f"{path} is not a regular file")
        with file.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
        _limit(path, len(content))
        budget.take(len(content), files=1)
        files[path] = content.removeprefix(_MARK)
    return files


def _limit(path: str, size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise HelmError(f"{path} is larger than {MAX_FILE_BYTES // 2**20} MiB, which Helm does not load")


def _walk(directory: Path, prefix: str, rules: IgnoreRules, above: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """The files that are not ignored. Links are followed, as Helm does, unless they lead into themselves."""
    real = os.path.realpath(directory)
    if real in above:
        raise HelmError(f"{prefix.rstrip('/')} is a link to a directory that holds it")
    for entry in sorted(directory.iterdir()):
        path = f"{prefix}{entry.name}"
        is_directory = entry.is_dir()
        if rules.ignores(path, directory=is_directory):
            continue
        if is_directory:
            yield from _walk(entry, f"{path}/", rules, (*above, real))
        else:
            yield path, entry


def _from_archive(content: bytes, budget: Budget) -> dict[str, bytes]:
    """The files in a .tgz; the directory that holds them all is cut off."""
    files: dict[str, bytes] = {}
    try:
        # Decompressed in a stream, so that a small file cannot become a large one.
        with _Counted(content, budget) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                budget.take(0, files=1)
                if not member.isdir():
                    path = _safe_path(member.name)
                    files[path] = _read_member(archive, member, path)
    except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError) as error:
        raise HelmError(f"this is no chart archive (.tgz): {error}") from error
    if "Chart.yaml" not in files:
        raise HelmError("this is not a chart: there is no Chart.yaml one directory deep in the archive")
    return files


def _read_member(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> bytes:
    if not member.isreg():
        raise HelmError(f"the archive holds {path}, which is a link or a device")
    _limit(path, member.size)
    stream = archive.extractfile(member)
    return b"" if stream is None else stream.read().removeprefix(_MARK)


def _safe_path(name: str) -> str:
    """The path inside the chart of an archive's member; raise HelmError where it leads out of it."""
    slashed = name.replace("\\", "/")
    parts = PurePosixPath(slashed).parts
    if slashed.startswith("/") or ".." in parts or any(_DRIVE.match(part) for part in parts[:2]):
        raise HelmError(f"the archive holds {name!r}, which leads out of the chart")
    if len(parts) < 2:
        raise HelmError(f"the archive holds {name!r} outside the chart's directory")
    return "/".join(parts[1:])
