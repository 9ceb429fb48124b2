"""The charts of the cases, made once for all tests of a session."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.synth.cases import made
from tests.synth.charts import WrittenChart
from tests.synth.jobs_cases import JOBS_CASES, made_jobs


@pytest.fixture(scope="session")
def chart_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], WrittenChart]:
    """The chart of a case, of the platform or of jobs, written to disk."""
    written: dict[str, WrittenChart] = {}

    def find(case: str) -> WrittenChart:
        if case not in written:
            files, deployment = made_jobs(case) if case in JOBS_CASES else (made(case), None)
            written[case] = WrittenChart(files, tmp_path_factory.mktemp(case), deployment)
        return written[case]

    return find
