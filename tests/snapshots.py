"""Snapshots of generated charts: one readable file for each generated file, at the same relative path.

``__snapshots__/<test module>/<case>/floe-platform/Chart.yaml`` and so on; ``--snapshot-update`` writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.data import SnapshotCollections
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation
from syrupy.types import SnapshotIndex

__all__ = ["FileSnapshotExtension", "assert_files_match"]


class FileSnapshotExtension(SingleFileSnapshotExtension):
    """Keeps a text at the relative path that is its snapshot's name."""

    _write_mode = WriteMode.TEXT

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: SnapshotIndex = 0) -> str:
        return f"{test_location.methodname}[{index}]"

    @classmethod
    def get_location(cls, *, test_location: PyTestLocation, index: SnapshotIndex) -> str:
        return str(Path(cls.dirname(test_location=test_location)) / str(index))

    @classmethod
    def matches_test_location(cls, *, test_location: PyTestLocation, snapshot_location: str) -> bool:
        return Path(snapshot_location).is_relative_to(cls.dirname(test_location=test_location))

    def discover_snapshots(
        self, *, test_location: PyTestLocation, ignore_extensions: list[str] | None = None
    ) -> SnapshotCollections:
        """None: :func:`assert_files_match` sees for itself what is stale, whichever tests were selected."""
        return SnapshotCollections()


def assert_files_match(
    snapshot: SnapshotAssertion, request: pytest.FixtureRequest, case: str, files: Mapping[str, str]
) -> None:
    """Hold every file of ``files`` against its snapshot, and no snapshot of the case may be left over."""
    guarded = snapshot.use_extension(FileSnapshotExtension)
    root = request.path.parent / "__snapshots__" / request.path.stem / case
    for path, text in files.items():
        assert text == guarded(name=f"{case}/{path}"), f"{case}: {path} is not what it was"
    stale = sorted(set(_paths(root)) - set(files))
    if request.config.getoption("--snapshot-update"):
        for path in stale:
            (root / path).unlink()
    else:
        assert not stale, f"{case}: these files are no longer generated: {', '.join(stale)}"


def _paths(root: Path) -> list[str]:
    return [file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file()]
