"""Every generated manifest is what it was."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from floe_charts.gitops.argocd import argocd_files
from floe_charts.gitops.flux import flux_files
from tests.gitops.deployments import CASES, deployment
from tests.snapshots import assert_files_match


@pytest.mark.parametrize("case", CASES)
def test_every_file_is_what_it_was(case: str, snapshot: SnapshotAssertion, request: pytest.FixtureRequest) -> None:
    given = deployment(CASES[case])
    assert_files_match(snapshot, request, case, {**argocd_files(given), **flux_files(given)})
