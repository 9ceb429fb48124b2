"""Every generated file is what it was."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from floe_charts.ci import github, gitlab
from tests.ci.pipelines import CASES, pipeline
from tests.snapshots import assert_files_match


@pytest.mark.parametrize("case", CASES)
def test_every_file_is_what_it_was(case: str, snapshot: SnapshotAssertion, request: pytest.FixtureRequest) -> None:
    given = pipeline(**CASES[case])
    files = {f"github/{path}": text for path, text in github.github_files(given).items()}
    files |= {f"gitlab/{path}": text for path, text in gitlab.gitlab_files(given).items()}
    assert_files_match(snapshot, request, case, files)
