"""Every generated file of every case is what it was."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.snapshots import assert_files_match
from tests.synth.cases import CASES, made


@pytest.mark.parametrize("case", CASES)
def test_every_file_is_what_it_was(case: str, snapshot: SnapshotAssertion, request: pytest.FixtureRequest) -> None:
    assert_files_match(snapshot, request, case, made(case))
