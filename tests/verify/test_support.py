"""Dependencies that say what they are given."""

from __future__ import annotations

from pathlib import Path

import pytest

from floe_charts.verify.engine import ValuesRefused, lint, load
from tests.support import echoed_values, with_echo_dependencies, write_chart

DEPENDENCIES = [
    {"name": "engine", "version": "~1.2.3", "repository": "https://example.com", "alias": "motor"},
    {"name": "plain", "version": ">=2.x", "repository": "oci://example.com/charts", "condition": "plain.enabled"},
]
VALUES = {"motor": {"size": 5}, "plain": {"enabled": False, "x": 1}}


def test_every_dependency_says_what_it_is_given(tmp_path: Path) -> None:
    source = write_chart(tmp_path / "car", {}, VALUES, chart={"dependencies": DEPENDENCIES})
    copied = with_echo_dependencies(source, tmp_path / "out", {"motor": {"own": "x", "size": 1}})
    assert not (source / "charts").exists()
    assert [one.text for one in lint(copied) if one.severity != "info"] == []
    chart = load(copied)
    assert echoed_values(chart.render()) == {"motor": {"global": {}, "own": "x", "size": 5}}
    assert echoed_values(chart.render({"plain": {"enabled": True}}))["plain"] == {"enabled": True, "global": {}, "x": 1}


def test_the_parents_schema_meets_the_subcharts_defaults(tmp_path: Path) -> None:
    schema = {"properties": {"motor": {"additionalProperties": False, "properties": {"size": {}}}}}
    source = write_chart(tmp_path / "car", {}, VALUES, chart={"dependencies": DEPENDENCIES}, schema=schema)
    copied = with_echo_dependencies(source, tmp_path / "out", {"engine": {"own": "x"}})
    with pytest.raises(ValuesRefused, match="own"):
        load(copied).render()
