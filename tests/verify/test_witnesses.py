"""Other values for maps with the user's own keys, and for deep ones, as charts have them for pods."""

from __future__ import annotations

from typing import Any

import pytest

from floe_charts.verify.json_schema import CompiledSchema
from floe_charts.verify.witnesses import other_values

KEY = {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"], "additionalProperties": False}
SOURCE = {
    "type": "object",
    "properties": {"value": {"type": "string"}, "secret": KEY},
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}
MATCH = {
    "type": "object",
    "properties": {
        "key": {"type": "string"},
        "operator": {"type": "string", "enum": ["In"]},
        "values": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["key", "operator"],
    "additionalProperties": False,
    "if": {"properties": {"operator": {"const": "In"}}},
    "then": {"required": ["values"], "properties": {"values": {"minItems": 1}}},
}
TERMS = {
    "type": "object",
    "properties": {"terms": {"type": "array", "items": MATCH}},
    "minProperties": 1,
    "additionalProperties": False,
}


def found(schema: dict[str, Any]) -> list[Any]:
    whole = {"properties": {"x": schema}}
    compiled = CompiledSchema(whole)
    return other_values(whole, ("x",), {}, lambda value: compiled.accepts({"x": value}))


@pytest.mark.parametrize(
    ("names", "key"),
    [
        ("^[A-Za-z]+$", "witness"),
        ("^[A-Z_]+$", "WITNESS"),
        ("^/mnt/.*$", "/mnt/witness"),
    ],
)
def test_a_map_of_the_users_own_keys_gets_a_key_of_their_form(names: str, key: str) -> None:
    made = found({"type": "object", "additionalProperties": SOURCE, "propertyNames": {"pattern": names}})
    assert made and all(one.keys() == {key} and len(one[key]) == 1 for one in made)


def test_a_map_has_as_many_keys_as_it_must_and_may() -> None:
    assert (
        found({"type": "object", "additionalProperties": SOURCE, "propertyNames": {"pattern": "^no such text$"}}) == []
    )
    assert {"witness": {"value": "witness"}} in found({"type": "object", "additionalProperties": SOURCE})


def test_what_must_be_there_under_a_condition_is_made_with_everything_else() -> None:
    made = found({"type": "object", "properties": {"affinity": TERMS}, "additionalProperties": False})
    assert {"affinity": {"terms": [{"key": "witness", "operator": "In", "values": ["witness"]}]}} in made
