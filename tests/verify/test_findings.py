from __future__ import annotations

import pytest

from floe_charts.verify.findings import CheckResult, Finding, Severity, merge_cases


def test_a_finding_of_several_cases_is_told_once_with_all_of_them() -> None:
    one, other = Finding("lint", "m", cases=("defaults",)), Finding("lint", "n", cases=("defaults",))
    again = Finding("lint", "m", cases=("prod.yaml",))
    assert merge_cases([one, other, again, one]) == (Finding("lint", "m", cases=("defaults", "prod.yaml")), other)


@pytest.mark.parametrize(("severity", "passed"), [("error", False), ("warning", False), ("note", True)])
def test_a_note_fails_nothing(severity: Severity, passed: bool) -> None:
    assert CheckResult("lint", "", (Finding("lint", "m", severity=severity),)).passed is passed
