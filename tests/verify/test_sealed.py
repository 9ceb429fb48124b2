"""Sealed schemas refuse what is misspelt or of a wrong type."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from floe_charts.errors import ValuesError
from floe_charts.verify.engine import load
from floe_charts.verify.findings import CheckResult
from floe_charts.verify.sealed import changes, check_sealed, check_sealed_schema, disagreements
from tests.support import write_chart
from tests.verify.subjects import subject_of

VALUES: dict[str, object] = {
    "web": {"replicas": 2, "image": {"tag": "1"}, "labels": {"team": "a"}, "port": "http", "ratio": 0.5, "tls": False},
    "hosts": [{"name": "a"}],
    "extra": {},
}
SEALED: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "additionalProperties": False,
    "definitions": {
        "image": {"type": "object", "additionalProperties": False, "properties": {"tag": {"type": "string"}}},
    },
    "properties": {
        "web": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "replicas": {"type": "integer"},
                "image": {"$ref": "#/definitions/image"},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "port": {"type": ["integer", "string"]},
                "ratio": {"type": "number"},
                "tls": {"type": "boolean"},
            },
        },
        "hosts": {
            "type": "array",
            "items": {"type": "object", "additionalProperties": False, "properties": {"name": {"type": "string"}}},
        },
        "extra": {"type": "object", "additionalProperties": False, "properties": {"note": {"type": "string"}}},
    },
}


def schema_with(*path: str, **changed: object) -> dict[str, Any]:
    """SEALED with keywords set at a place (None takes them away)."""
    schema = copy.deepcopy(SEALED)
    node = schema
    for step in path:
        node = node[step]
    for keyword, value in changed.items():
        node.pop(keyword)
        if value is not None:
            node[keyword] = value
    return schema


def test_a_sealed_schema_refuses_everything() -> None:
    report = check_sealed(SEALED, VALUES)
    assert report.sealed
    assert report.findings() == []
    assert report.misspelt == report.misspelt_refused > 20
    assert report.wrong_types == report.wrong_types_refused > 30
    assert report.free == (("web", "labels"),)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ((), ()),
        (("properties", "web"), ("web",)),
        (("definitions", "image"), ("web", "image")),
        (("properties", "hosts", "items"), ("hosts", 0)),
        (("properties", "extra"), ("extra",)),
    ],
)
def test_an_open_object_is_found(place: tuple[str, ...], path: tuple[str | int, ...]) -> None:
    report = check_sealed(schema_with(*place, additionalProperties=None), VALUES)
    assert [one.path for one in report.open] == [path]
    assert report.misspelt_refused < report.misspelt
    assert report.loose == ()


@pytest.mark.parametrize(
    ("leaf", "path", "value"),
    [
        (("web", "properties", "replicas"), ("web", "replicas"), "integer"),
        (("web", "properties", "tls"), ("web", "tls"), "boolean"),
        (("web", "properties", "labels", "additionalProperties"), ("web", "labels", "team"), "string"),
        (("hosts", "items", "properties", "name"), ("hosts", 0, "name"), "string"),
    ],
)
def test_a_leaf_without_a_type_is_found(leaf: tuple[str, ...], path: tuple[str | int, ...], value: str) -> None:
    report = check_sealed(schema_with("properties", *leaf, type=None), VALUES)
    assert [one.path for one in report.loose] == [path]
    assert value not in report.loose[0].types
    assert len(report.loose[0].types) >= 4
    assert report.open == ()


def test_no_schema_at_all_refuses_nothing() -> None:
    report = check_sealed({}, VALUES)
    assert report.misspelt_refused == report.wrong_types_refused == 0
    assert ("web", "image") in {one.path for one in report.open}


def test_a_misspelling_keeps_the_right_key_so_that_required_does_not_hide_an_open_object() -> None:
    schema = {"type": "object", "required": ["replicas"], "properties": {"replicas": {"type": "integer"}}}
    assert [one.path for one in check_sealed(schema, {"replicas": 1}).open] == [()]


def test_what_is_handed_to_a_subchart_can_be_left_out() -> None:
    schema = schema_with("properties", "web", additionalProperties=None)
    assert check_sealed(schema, VALUES, ignore=[("web",)]).sealed


def test_values_that_do_not_fit_are_refused_because_the_answer_would_be_blind() -> None:
    with pytest.raises(ValuesError, match=r"web\.replicas takes an integer"):
        check_sealed(SEALED, {"web": {"replicas": "x"}})


def test_the_findings_say_where_and_what_to_do() -> None:
    schema = schema_with("properties", "web", additionalProperties=None)
    texts = [str(one) for one in check_sealed(schema, VALUES).findings()]
    assert texts == [
        "values.schema.json: web accepts keys that do not exist, such as replcas; "
        'say "additionalProperties": false there'
    ]


@pytest.mark.parametrize("schema", [SEALED, schema_with("properties", "web", additionalProperties=None)])
def test_helm_agrees(tmp_path: Path, schema: dict[str, Any]) -> None:
    chart = load(write_chart(tmp_path / "c", {}, VALUES, schema=schema))
    assert disagreements(chart, schema, VALUES, sample=10_000) == []


def test_helm_disagrees_with_another_schema(tmp_path: Path) -> None:
    chart = load(write_chart(tmp_path / "c", {}, VALUES, schema=SEALED))
    assert disagreements(chart, {}, VALUES)


def test_changes_say_what_was_changed() -> None:
    found = [one.apply({"size": 1}) for one in changes({"properties": {"size": {"type": "integer"}}}, {"size": 1})]
    assert {"size": 1, "sie": 1} in found
    assert {"size": "wrong type"} in found
    assert all(one != {"size": 7} for one in found)


def sealed(
    tmp_path: Path, schema: dict[str, Any] | None, cases: dict[str, dict[str, object]] | None = None, **about: object
) -> CheckResult:
    path = write_chart(tmp_path / "c", {}, VALUES, schema=schema, chart=about)
    return check_sealed_schema(subject_of(path, cases))


def test_the_check_passes_a_sealed_chart_and_gives_the_figures(tmp_path: Path) -> None:
    result = sealed(tmp_path, SEALED, {"same.yaml": {}, "more.yaml": {"web": {"replicas": 3}}})
    report = check_sealed(SEALED, VALUES)
    assert result.findings == ()
    assert result.figure == (
        f"{report.misspelt} of {report.misspelt} misspelt keys and "
        f"{report.wrong_types} of {report.wrong_types} wrong types refused"
    )


def test_the_check_fails_a_chart_without_a_schema(tmp_path: Path) -> None:
    result = sealed(tmp_path, None)
    assert [one.rule for one in result.findings] == ["no-schema"]
    assert not result.passed


def test_the_check_names_what_is_open_or_loose_once_for_all_cases(tmp_path: Path) -> None:
    schema = schema_with("properties", "web", additionalProperties=None)
    del schema["properties"]["web"]["properties"]["tls"]["type"]
    result = sealed(tmp_path, schema, {"more.yaml": {"web": {"replicas": 3}}})
    assert [(one.rule, one.path) for one in result.findings] == [("open-object", "web"), ("loose-type", "web.tls")]
    assert '"additionalProperties": false' in result.findings[0].hint
    assert '"type": "boolean"' in result.findings[1].hint


def test_a_type_without_keys_is_open_and_a_map_of_free_keys_is_not(tmp_path: Path) -> None:
    schema = schema_with("properties", "web", "properties", "labels", additionalProperties=None)
    assert [(one.rule, one.path) for one in sealed(tmp_path, schema).findings] == [
        ("open-object", "web.labels"),
        ("loose-type", "web.labels.team"),
    ]


def test_the_check_says_in_which_case_the_schema_refuses_the_chart_s_own_values(tmp_path: Path) -> None:
    result = sealed(tmp_path, SEALED, {"bad.yaml": {"web": {"replicas": "x"}}})
    assert [(one.rule, one.path, one.cases) for one in result.findings] == [
        ("refuses-own-values", "web.replicas", ("bad.yaml",))
    ]


def test_a_schema_that_is_none_is_named(tmp_path: Path) -> None:
    assert [one.rule for one in sealed(tmp_path, {"type": "objct"}).findings] == ["unusable-schema"]


def test_global_and_an_absent_dependency_are_notes(tmp_path: Path) -> None:
    values = {"global": {"a": "x"}, "db": {"size": 1, "global": {}}}
    schema = {"type": "object", "additionalProperties": False, "properties": {"global": {}, "db": {"type": "object"}}}
    about = {"dependencies": [{"name": "postgres", "alias": "db", "version": "1.0.0", "repository": ""}]}
    path = write_chart(tmp_path / "c", {}, values, schema=schema, chart=about)
    result = check_sealed_schema(subject_of(path))
    assert {(one.rule, one.severity, one.path) for one in result.findings} == {
        ("open-global", "note", "global"),
        ("open-global", "note", "global.a"),
        ("left-to-dependency", "note", "db"),
    }
    assert result.passed


def test_what_the_subchart_s_schema_refuses_is_refused(tmp_path: Path) -> None:
    schema = {"type": "object", "additionalProperties": False, "properties": {"db": {}, "global": {"type": "object"}}}
    about = {"dependencies": [{"name": "postgres", "alias": "db", "version": "0.1.0", "repository": ""}]}
    path = write_chart(tmp_path / "c", {}, {"db": {"size": 1}}, schema=schema, chart=about)
    below = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"size": {"type": "integer"}, "global": {"type": "object", "additionalProperties": True}},
    }
    write_chart(path / "charts" / "postgres", {}, {"size": 2}, schema=below)
    assert check_sealed_schema(subject_of(path)).findings == ()
    (path / "charts" / "postgres" / "values.schema.json").unlink()
    assert [(one.rule, one.path) for one in check_sealed_schema(subject_of(path)).findings] == [("open-object", "db")]


def test_schemas_of_every_kind_crash_nothing(tmp_path: Path) -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [{"properties": {"web": {"if": {"required": ["x"]}, "then": {"type": "object"}}}}],
        "anyOf": [True, {"patternProperties": {"^h": {"type": ["array", "null"]}}}],
        "properties": {"extra": {"enum": [{}, 1]}, "hosts": {"oneOf": [{"type": "array"}, {"type": "string"}]}},
        "$defs": {"a": {"$ref": "#/$defs/a"}},
    }
    assert {one.rule for one in sealed(tmp_path, schema).findings} == {"open-object", "loose-type"}


def test_a_key_that_must_hold_a_map_is_open_to_maps_only(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {
            "web": {
                "type": "object",
                "properties": {"a": {"type": "string"}},
                "additionalProperties": {"type": "object"},
            }
        },
        "additionalProperties": False,
    }
    path = write_chart(tmp_path / "c", {}, {"web": {"a": "x"}}, schema=schema)
    assert [(one.rule, one.path) for one in check_sealed_schema(subject_of(path)).findings] == [("open-object", "web")]


def test_an_empty_map_that_the_schema_does_not_describe_is_open(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"web": {"type": "object"}}, "additionalProperties": False}
    path = write_chart(tmp_path / "c", {}, {"web": {}}, schema=schema)
    found = check_sealed_schema(subject_of(path)).findings
    assert [(one.rule, one.path) for one in found] == [("open-object", "web")]
    assert "unknownKey" in found[0].message


def test_a_dependency_that_is_off_brings_no_defaults_against_the_schema(tmp_path: Path) -> None:
    """Helm leaves such a chart out before it merges defaults; otherwise the parent's schema would refuse them."""
    closed: dict[str, Any] = {"type": "object", "additionalProperties": False}
    dependency = {
        "name": "redis",
        "version": "1.0.0",
        "repository": "https://example.com",
        "condition": "redis.enabled",
    }
    enabled = {**closed, "properties": {"enabled": {"type": "boolean"}}}
    chart = write_chart(
        tmp_path / "shop",
        {},
        {"redis": {"enabled": False}},
        schema={**closed, "properties": {"redis": enabled, "global": {"type": "object"}}},
        chart={"dependencies": [dependency]},
    )
    write_chart(chart / "charts" / "redis", {}, {"enabled": True, "size": 3}, chart={"version": "1.0.0"})
    assert check_sealed_schema(subject_of(chart)).passed
    switched_on = check_sealed_schema(subject_of(chart, {"on.yaml": {"redis": {"enabled": True}}}))
    assert {finding.rule for finding in switched_on.findings if finding.fails} == {"refuses-own-values"}
