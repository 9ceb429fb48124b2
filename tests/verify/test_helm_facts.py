"""What Helm does with values and schemas, as far as generated charts lean on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from floe_charts.verify.engine import ChartHandle, ValuesRefused, lint, load
from tests.support import write_chart

CLOSED: dict[str, object] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "global": {"type": "object"},
        "name": {"type": "string"},
        "part": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"enabled": {"type": "boolean"}, "size": {"type": "integer"}},
        },
    },
}


def opened(*path: str) -> dict[str, object]:
    """CLOSED, but any key is allowed at ``path``."""
    schema = json.loads(json.dumps(CLOSED))
    node = schema
    for step in path:
        node = node["properties"][step]
    node["additionalProperties"] = True
    return dict(schema)


def parent(directory: Path, schema: dict[str, object], *, packed: bool = True, enabled: bool = True) -> ChartHandle:
    """A chart with one dependency under the alias ``part``."""
    chart = write_chart(
        directory / "parent",
        {"values.yaml": "parent: {{ toJson .Values | quote }}\n"},
        {"part": {"enabled": enabled, "size": 5}},
        schema=schema,
        chart={"dependencies": [{"name": "sub", "version": "1.0.0", "alias": "part", "condition": "part.enabled"}]},
    )
    if packed:
        subchart = {"values.yaml": "sub: {{ toJson .Values | quote }}\n"}
        write_chart(
            chart / "charts" / "sub",
            subchart,
            {"own": "x", "size": 1, "map": {"a": 1, "b": 2}},
            chart={"version": "1.0.0"},
        )
    return load(chart)


def seen(
    chart: ChartHandle, values: dict[str, object] | None = None, where: str = "parent/templates"
) -> dict[str, object]:
    """The values that the templates of the parent (or of the subchart) see."""
    text = chart.render(values)[f"{where}/values.yaml"].partition(": ")[2]
    return dict(json.loads(json.loads(text)))


def test_a_present_dependencys_defaults_and_global_are_held_against_the_parents_schema(tmp_path: Path) -> None:
    with pytest.raises(ValuesRefused) as caught:
        parent(tmp_path, CLOSED).render()
    for key in ("'own'", "'global'", "'map'"):
        assert key in str(caught.value)
    assert seen(parent(tmp_path / "open", opened("part")))["part"] == {
        "enabled": True, "size": 5, "own": "x", "map": {"a": 1, "b": 2}, "global": {},
    }  # fmt: skip


@pytest.mark.parametrize(("packed", "enabled"), [(False, True), (True, False)])
def test_an_absent_or_disabled_dependency_brings_nothing_into_the_parents_values(
    tmp_path: Path, packed: bool, enabled: bool
) -> None:
    chart = parent(tmp_path, CLOSED, packed=packed, enabled=enabled)
    assert seen(chart) == {"part": {"enabled": enabled, "size": 5}}


def test_a_users_null_removes_a_default_before_the_schema_sees_it(tmp_path: Path) -> None:
    schema: dict[str, object] = {"required": ["a"], "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
    chart = load(
        write_chart(tmp_path / "c", {"values.yaml": "c: {{ toJson .Values | quote }}"}, {"a": 1, "b": 2}, schema=schema)
    )
    assert seen(chart, {"b": None}, "c/templates") == {"a": 1}
    with pytest.raises(ValuesRefused, match="missing property 'a'"):
        chart.render({"a": None})


def test_a_users_null_removes_a_subcharts_default(tmp_path: Path) -> None:
    chart = parent(tmp_path, opened("part"))
    values: dict[str, object] = {"part": {"own": None, "size": None, "map": {"a": None}}}
    assert seen(chart, values, "parent/charts/part/templates") == {"enabled": True, "map": {"b": 2}, "global": {}}


def test_a_users_null_over_nothing_stays_and_the_schema_sees_it(tmp_path: Path) -> None:
    chart = parent(tmp_path, CLOSED, packed=False)
    with pytest.raises(ValuesRefused, match="'misspelt' not allowed"):
        chart.render({"part": {"misspelt": None}})
    with pytest.raises(ValuesRefused, match="null"):
        chart.render({"name": None})


def test_a_null_in_values_yaml_is_absent_for_templates_but_present_for_lint(tmp_path: Path) -> None:
    directory = write_chart(
        tmp_path / "c", {"values.yaml": "c: {{ toJson .Values | quote }}"}, {"name": None}, schema=CLOSED
    )
    assert seen(load(directory), None, "c/templates") == {}
    assert any("got null, want string" in one.text for one in lint(directory) if one.severity == "error")
