"""Sealed schemas refuse what is misspelt or of a wrong type."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from floe_charts.errors import ValuesError
from floe_charts.verify.engine import load
from floe_charts.verify.sealed import changes, check_sealed, disagreements
from tests.support import write_chart

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
