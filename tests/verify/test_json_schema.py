"""JSON Schemas of several drafts, and those that are broken."""

from __future__ import annotations

import pytest

from floe_charts.errors import HelmError
from floe_charts.verify.json_schema import CompiledSchema, has_pattern, schemas_at
from floe_charts.verify.schema_references import localize_schema
from floe_charts.verify.witnesses import other_values

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema"
DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema"
PORT = {"type": "integer", "maximum": 65535}
PROBE = "https://kubernetesjsonschema.dev/v1.18.0/_definitions.json#/definitions/io.k8s.api.core.v1.Probe"


@pytest.mark.parametrize("draft", [DRAFT_2019, DRAFT_2020, None])
def test_what_stands_beside_a_reference_counts_in_new_drafts(draft: str | None) -> None:
    schema: dict[str, object] = {
        "$defs": {"port": PORT},
        "properties": {"port": {"$ref": "#/$defs/port", "minimum": 1}},
        "unevaluatedProperties": False,
    }
    compiled = CompiledSchema({**schema, **({"$schema": draft} if draft else {})})
    assert compiled.accepts({"port": 80})
    assert not compiled.accepts({"port": 0})
    assert not compiled.accepts({"port": 70000})
    assert not compiled.accepts({"prot": 1})


def test_what_stands_beside_a_reference_does_not_count_in_draft_7() -> None:
    schema = {"definitions": {"port": PORT}, "properties": {"port": {"$ref": "#/definitions/port", "minimum": 1}}}
    assert CompiledSchema({"$schema": DRAFT_7, **schema}).accepts({"port": 0})


@pytest.mark.parametrize("draft", [DRAFT_7, DRAFT_2019, DRAFT_2020])
def test_a_localized_schema_compiles_and_names_the_place(draft: str) -> None:
    local = localize_schema({"$schema": draft, "properties": {"probe": {"$ref": PROBE}}}).schema
    compiled = CompiledSchema(local)
    assert compiled.accepts({"probe": {"httpGet": {"port": "http", "path": "/"}}})
    assert [fault.path for fault in compiled.faults({"probe": {"periodSeconds": "often"}})] == [
        ("probe", "periodSeconds")
    ]


def test_a_schema_is_followed_through_references_and_alternatives() -> None:
    schema: dict[str, object] = {
        "$defs": {
            "a/b c": {"properties": {"x": PORT}},
            "list": {"prefixItems": [{"const": 1}], "items": {"const": 2}},
            "old": {"items": [{"const": 3}], "additionalItems": {"const": 4}},
        },
        "properties": {
            "m": {"$ref": "#/$defs/a~1b%20c"},
            "l": {"$ref": "#/$defs/list"},
            "o": {"$ref": "#/$defs/old"},
        },
        "allOf": [{"properties": {"k": {"const": 5}}}],
        "dependentSchemas": {"m": {"properties": {"k": {"const": 6}}}},
        "patternProperties": {"(": {"const": 7}, "^k$": {"const": 8}},
        "unevaluatedProperties": {"const": 9},
    }
    assert schemas_at(schema, ("m", "x")) == [PORT]
    assert schemas_at(schema, ("l", 0)) == [{"const": 1}]
    assert schemas_at(schema, ("l", 3)) == [{"const": 2}]
    assert schemas_at(schema, ("o", 0)) == [{"const": 3}]
    assert schemas_at(schema, ("o", 1)) == [{"const": 4}]
    assert schemas_at(schema, ("k",)) == [{"const": 8}, {"const": 5}, {"const": 6}]
    assert {"const": 9} in schemas_at(schema, ("other",))


def test_references_that_go_in_circles_come_to_an_end() -> None:
    schema: dict[str, object] = {"allOf": [{"$ref": "#"}, {"$ref": "#"}, {"$ref": "#/allOf/0"}], "$ref": "#/absent"}
    assert len(schemas_at(schema, ())) == 4
    assert schemas_at({"$ref": 3, "allOf": {}, "properties": []}, ("a", 0)) == []  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"pattern": "("}}},
        {"properties": {"a": {"pattern": r"\Qa\E"}}},
        {"patternProperties": {"[": {}}},
        {"type": "text"},
        {"properties": {"a": {"$ref": "#/definitions/absent"}}},
        {"properties": {"a": {"$ref": "https://charts.example/x.json"}}},
        {"$schema": "https://charts.example/meta"},
        {"$schema": 3},
    ],
)
def test_a_schema_that_cannot_be_used_is_named(schema: dict[str, object]) -> None:
    with pytest.raises(HelmError, match=r"mine\.json cannot be used") as caught:
        CompiledSchema(schema, "mine.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("pattern", ["(?=a)a", "(a+)+$", "[[:alpha:]]", r"\z", r"\p{Greek}", "(?P<x>a)"])
def test_patterns_of_other_dialects_crash_nothing(pattern: str) -> None:
    compiled = CompiledSchema({"properties": {"a": {"pattern": pattern}}})
    compiled.faults({"a": "a" * 60 + "!"})
    compiled.accepts({"a": "a" * 60 + "!"})


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^\p{L}+$", "né", True),
        (r"^\p{L}+$", "n3", False),
        (r"^\p{Greek}", "a", False),
        (r"^[a-z]+$", "abc", True),
        (r"^[a-z]+$", "Abc", False),
        ("(", "(", False),
        (r"\Qa\E", "a", False),
        ("a{99999999999}", "a", False),
    ],
)
def test_patterns_that_python_does_not_know_are_asked_of_the_schema_library(
    pattern: str, text: str, found: bool
) -> None:
    assert has_pattern(pattern, text) is found


def test_a_pattern_that_python_does_not_know_leads_to_its_schema_and_to_a_value() -> None:
    letters = {"type": "string", "pattern": r"^\p{Lu}+$"}
    schema = {"properties": {"names": {"type": "object", "patternProperties": {r"^\p{L}+$": letters}}}}
    assert schemas_at(schema, ("names", "né")) == [letters]
    assert schemas_at(schema, ("names", "n3")) == []
    compiled = CompiledSchema(schema)
    found = other_values(schema, ("names", "x"), "A", lambda value: compiled.accepts({"names": {"x": value}}))
    assert found == ["WITNESS"]
    listed = {"properties": {"l": {"type": "array", "items": letters}}}
    lists = CompiledSchema(listed)
    assert ["WITNESS"] in other_values(listed, ("l",), [], lambda value: lists.accepts({"l": value}))


DEFINED: dict[str, object] = {"definitions": {"port": PORT}, "$defs": {"port": PORT}}
FROM_1 = {"$ref": "#/definitions/port", "minimum": 1}
PARTS: dict[str, dict[str, object]] = {
    "references": {**DEFINED, "properties": {"web": {"properties": {"port": {"$ref": "#/definitions/port"}}}}},
    "a new draft": {"$schema": DRAFT_2020, **DEFINED, "properties": {"web": FROM_1}},
    "an old draft": {"$schema": DRAFT_7, **DEFINED, "properties": {"web": FROM_1}},
    "an identity": {"$id": "https://example.com/s", **DEFINED, "properties": {"web": {"$ref": "s#/$defs/port"}}},
    "a reference into the whole": {"properties": {"web": {"$ref": "#/properties/other"}, "other": PORT}},
    "a reference beside it": {"$schema": DRAFT_7, "$ref": "#/definitions/port", **DEFINED, "properties": {"web": PORT}},
    "nothing": {"properties": {"web": True}},
}


@pytest.mark.parametrize("name", PARTS)
def test_what_the_part_of_a_property_refuses_the_whole_refuses_too(name: str) -> None:
    whole = CompiledSchema(PARTS[name])
    part = whole.of_property("web")
    for value in (0, 80, 70000, "80", True, None, {}, {"port": 80}, {"port": 70000}, {"port": "80"}, []):
        if part is not None and not part.accepts(value):
            assert not whole.accepts({"web": value}), value


def test_most_parts_can_be_asked() -> None:
    told = {name for name, schema in PARTS.items() if CompiledSchema(schema).of_property("web") is not None}
    assert told == {"references", "a new draft", "an old draft", "an identity"}
    assert CompiledSchema(PARTS["references"]).of_property("unknown") is None
