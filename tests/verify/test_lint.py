"""Helm's own lint as a check."""

from __future__ import annotations

from pathlib import Path

from floe_charts.verify.lint import check_lint
from tests.support import write_chart
from tests.verify.subjects import subject_of

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Values.name }}\n"


def test_a_chart_that_lint_likes_passes(tmp_path: Path) -> None:
    result = check_lint(
        subject_of(write_chart(tmp_path / "c", {"x.yaml": CONFIG}, {"name": "a"}), {"b": {"name": "b"}})
    )
    assert (result.passed, result.figure, result.findings) == (True, "2 cases", ())


def test_an_object_may_be_called_like_the_releases_namespace(tmp_path: Path) -> None:
    named = CONFIG.replace(".Values.name", ".Release.Namespace")
    assert check_lint(subject_of(write_chart(tmp_path / "c", {"x.yaml": named}))).findings == ()


def test_what_lint_says_is_a_finding_once_for_all_cases(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", {"x.yaml": CONFIG}, {"name": "A_b"}, chart={"version": "v1"})
    result = check_lint(subject_of(chart, {"good": {"name": "a"}, "bad": {"name": "A_b"}}))
    found = {one.rule: one for one in result.findings if one.fails}
    assert not result.passed
    assert "object name does not conform" in found["object-name"].message
    assert (found["object-name"].where, found["object-name"].cases) == ("c/templates/x.yaml", ("defaults", "bad"))
    assert any(one.where == "c/Chart.yaml" and one.cases == () for one in result.findings)


def test_a_remark_is_a_note(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", {"x.yaml": CONFIG}, {"name": "a"}, chart={"icon": ""})
    result = check_lint(subject_of(chart))
    assert result.passed
    assert [(one.severity, one.message) for one in result.findings] == [("note", "icon is recommended")]


def test_missing_dependencies_and_failing_templates_are_told_elsewhere(tmp_path: Path) -> None:
    dependency = {"name": "redis", "version": "1.0.0", "repository": "https://example.com"}
    chart = write_chart(
        tmp_path / "c",
        {"x.yaml": 'a: {{ required "a name" .Values.name }}', "y.yaml": "a: ["},
        chart={"dependencies": [dependency]},
    )
    assert check_lint(subject_of(chart, {"named": {"name": "x"}})).findings == ()


def test_values_that_the_schema_refuses_are_told_elsewhere(tmp_path: Path) -> None:
    schema = {"properties": {"name": {"type": "integer"}}}
    chart = write_chart(tmp_path / "c", {"x.yaml": CONFIG}, {"name": "a"}, schema=schema)
    assert check_lint(subject_of(chart)).findings == ()
