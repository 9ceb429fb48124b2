"""From a chart directory to a package with the files that Helm would pack, and always the same bytes."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from floe_charts.errors import PublishError, WriteError
from floe_charts.publish.archive import tgz
from floe_charts.publish.metadata import ChartMetadata, read_metadata
from floe_charts.verify.chart_files import ChartFiles, read_chart
from floe_charts.verify.declared import declared_dependencies, find_dependency, version_of

__all__ = ["Package", "open_package", "pack", "write_file"]

# Never part of a chart, whether or not its author thought of .helmignore.
_NEVER = frozenset({".git", ".hg", ".svn", ".bzr", ".DS_Store", ".floe-charts-files"})
# When the dependencies were resolved: the only line in a chart that tells one machine from another.
_LOCK_TIME = re.compile(rb"^generated:.*$", re.MULTILINE)
_NO_TIME = b'generated: "1970-01-01T00:00:00Z"'
_EXACT = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+(?:[-+].*)?")


@dataclass(frozen=True)
class Package:
    """A packed chart. ``source`` is what the user named, ``content`` the bytes of the .tgz."""

    source: str
    metadata: ChartMetadata
    content: bytes = field(repr=False)

    @property
    def file_name(self) -> str:
        """The name that Helm gives the file."""
        return f"{self.metadata.name}-{self.metadata.version}.tgz"

    @property
    def other_version(self) -> str:
        """What to do where this version is taken by other content."""
        from floe_charts.synth.versions import raised  # half of the program, for the one line of a refusal

        following = raised(self.metadata.version.removeprefix("v"), "patch")
        return f"a version never changes; make the next one: python -m floe_charts synth --chart-version {following}"

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the bytes, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()

    def write(self, directory: str | os.PathLike[str]) -> tuple[Path, bool]:
        """Write the file into ``directory``, whole or not at all; say where, and whether it was not there already.

        Raises WriteError.
        """
        path = Path(directory, self.file_name)
        return path, write_file(path, self.content)


def pack(chart: str | os.PathLike[str]) -> Package:
    """Pack the chart in a directory: what ``.helmignore`` leaves, with the dependencies in ``charts/`` unpacked.

    Raises HelmError where there is no chart, PublishError where Chart.yaml or a dependency is not in order.
    """
    source = os.fspath(chart)
    if not Path(chart).is_dir():
        raise PublishError(source, "", "is no directory", "expected the directory of a chart")
    files = read_chart(chart)
    metadata = read_metadata(files.metadata, source)
    _ = files.schema, files.values  # Helm packs no chart whose schema is not JSON, or whose values are not YAML
    _require_dependencies(files, source)
    kept = {path: content for path, content in files.all_files().items() if _NEVER.isdisjoint(path.split("/"))}
    if "Chart.lock" in kept:
        kept["Chart.lock"] = _LOCK_TIME.sub(_NO_TIME, kept["Chart.lock"])
    return Package(source, metadata, tgz(_below(metadata.name, kept)))


def open_package(path: str | os.PathLike[str]) -> Package:
    """Read a .tgz that this or Helm packed; raises HelmError or PublishError where it is no chart."""
    source = os.fspath(path)
    files = read_chart(path)
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise PublishError(source, "", f"cannot be read: {error.strerror}") from None
    return Package(source, read_metadata(files.metadata, source), content)


def write_file(path: Path, content: bytes) -> bool:
    """Write a file so that a reader and a crash meet the old one or the new one; False where it is so already."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        if path.is_file() and path.read_bytes() == content:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(str(path), "", f"cannot be written: {(error.strerror or str(error)).lower()}") from error
    return True


def _below(name: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{name}/{path}": content for path, content in files.items()}


def _require_dependencies(chart: ChartFiles, source: str) -> None:
    absent: list[str] = []
    others: list[str] = []
    for one in declared_dependencies(chart):
        named = f"{one.name} {one.version}".strip()
        found = find_dependency(chart, one)
        if found is None:
            absent.append(named)
        elif _EXACT.fullmatch(one.version) and version_of(found).removeprefix("v") != one.version.removeprefix("v"):
            others.append(f"{version_of(found)} instead of {named}")
    problems = [
        *([f"charts/ lacks {', '.join(absent)}"] if absent else []),
        *(f"charts/ holds {one}" for one in others),
    ]
    if problems:
        raise PublishError(source, "", "; ".join(problems), f"run: helm dependency build {source}")
