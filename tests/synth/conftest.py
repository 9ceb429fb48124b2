"""The charts of the cases, made once for all tests of a session."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.synth.cases import made
from tests.synth.charts import WrittenChart


@pytest.fixture(scope="session")
def chart_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], WrittenChart]:
    """The chart of a case, written to disk."""
    written: dict[str, WrittenChart] = {}

    def find(case: str) -> WrittenChart:
        if case not in written:
            written[case] = WrittenChart(made(case), tmp_path_factory.mktemp(case))
        return written[case]

    return find
