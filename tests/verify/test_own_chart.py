"""The charts of this project pass every check, in every environment, and with nothing accepted.

Their dependencies are not at hand here; what is handed to those is checked in ``tests/synth``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from floe_charts.verify.report import ChartReport
from floe_charts.verify.verification import Verification, choose_checks, open_subject
from tests.support import SHARED
from tests.synth.cases import made

COMMITTED = Path(__file__).resolve().parents[2] / "charts"
CRDS = SHARED / "crds"
BUT_DEAD_VALUES = choose_checks(skip=["dead-values"])


@pytest.fixture
def nothing_accepted(tmp_path: Path) -> Path:
    file = tmp_path / "nothing.verify.yaml"
    file.write_text("accept: []\n", encoding="utf-8")
    return file


def verified(chart: Path, accept: Path, checks: Sequence[str]) -> ChartReport:
    subject = open_subject(chart, schemas=[CRDS] if CRDS.is_dir() else [])
    return Verification.of(subject, accept).run(checks)


def assert_sound(report: ChartReport) -> None:
    assert [f"{one.check}: {one} {', '.join(one.cases)}" for one in report.findings if one.fails] == []
    assert [one.check for one in report.results if one.skipped or not one.figure] == []


@pytest.mark.parametrize("chart", ["floe-platform", "floe-jobs"])
def test_the_committed_charts_pass_in_all_environments(chart: str, nothing_accepted: Path) -> None:
    # Dead values of our charts are looked for more strictly, and at length, in tests/synth.
    report = verified(COMMITTED / chart, nothing_accepted, BUT_DEAD_VALUES)
    assert report.cases == (
        "defaults",
        *(f"values-{name}.yaml" for name in ("dev", "prod", "qa", "staging", "test", "uat")),
    )
    assert tuple(one.check for one in report.results) == BUT_DEAD_VALUES
    assert_sound(report)


@pytest.mark.parametrize("case", ["native", "two-products", "external-postgres"])
def test_what_synth_writes_today_passes_in_all_environments(case: str, tmp_path: Path, nothing_accepted: Path) -> None:
    files = made(case)
    files.write(tmp_path)
    report = verified(tmp_path / files.platform.chart_name, nothing_accepted, BUT_DEAD_VALUES)
    assert report.cases == ("defaults", *(f"values-{name}.yaml" for name in sorted(files.environments)))
    assert_sound(report)
