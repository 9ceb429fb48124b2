"""The JSON Schema that editors use says the same as the loader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis_jsonschema import from_schema

from floe_charts.deployment import Deployment
from floe_charts.errors import DeploymentError

SCHEMA = Deployment.json_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def objects(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") == "object":
            yield node
        for child in node.values():
            yield from objects(child)
    elif isinstance(node, list):
        for child in node:
            yield from objects(child)


def test_is_valid_draft_07() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert SCHEMA["title"]
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert "$defs" not in str(SCHEMA)


def test_every_property_is_described() -> None:
    missing = [
        (name, schema)
        for found in objects(SCHEMA)
        for name, schema in found.get("properties", {}).items()
        if not schema.get("description")
    ]
    assert not missing


def test_every_object_is_closed_but_the_values_of_the_chart() -> None:
    open_objects = [found for found in objects(SCHEMA) if found.get("additionalProperties") is not False]
    assert [found["description"].partition(" of ")[0] for found in open_objects] == ["Chart values", "Chart values"]
    assert open_objects == [
        SCHEMA["properties"]["values"],
        SCHEMA["definitions"]["Environment"]["properties"]["values"],
    ]


def test_no_description_hides_beside_a_reference() -> None:
    """In draft-07 what stands beside a $ref is not read."""

    def references(node: object) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            if "$ref" in node:
                yield node
            for child in node.values():
                yield from references(child)
        elif isinstance(node, list):
            for child in node:
                yield from references(child)

    assert all(list(node) == ["$ref"] for node in references(SCHEMA))


GOOD: list[dict[str, Any]] = [
    {},
    {"$schema": "./floe-charts.schema.json"},
    Deployment.default().model_dump(by_alias=True, mode="json"),
    Deployment.default().model_dump(by_alias=True, mode="json", exclude_none=True),
    {"components": {"otel": {"strategy": "native"}}},
    {"components": {"dagster": {"chart": {"repository": "@mirror"}, "enabled": False}}},
    {"presets": {"large": {"limits": {"cpu": 4}}}},
    {"clusters": {"c": {"environments": ["a"], "namespace": "x-{env}", "context": "kind"}}},
    {"environments": {"dev": {"values": {"anything": {"goes": [1, None]}}}}},
    {"values": {"anything": {"goes": [1, None]}}},
    {"environments": {"dev": {"secrets": "generated"}, "prod": {"secrets": "external", "quotas": False}}},
    {"environments": {"dev": {"networkPolicies": True, "quotas": True}}},
    {"components": {name: {"strategy": "native"} for name in ("dagster", "polaris", "otel", "minio")}},
]

BAD: list[object] = [
    [],
    {"chart": {"app_version": "1"}},
    {"environments": {"dev": {"high_availability": True}}},
    {"environments": {"Dev": {}}},
    {"environments": {"a" * 41: {}}},
    {"clusters": {}},
    {"clusters": {"c": {"environments": []}}},
    {"clusters": {"c": {"environments": ["../x"]}}},
    {"clusters": {"c": {"environments": ["x"], "namespace": "{{ x }}"}}},
    {"presets": {"large": {"limits": {"cpu": "much"}}}},
    {"presets": {"large": {"limits": {"memory": "256m"}}}},
    {"components": {"polaris": {"strategy": "nativ"}}},
    {"components": {"marquez": {"strategy": "native"}}},
    {"environments": {"dev": {"secrets": "vault"}}},
    {"environments": {"dev": {"networkPolicies": "on"}}},
    {"values": []},
    {"components": {"polaris": {"chart": {"version": "^1.0"}}}},
    {"components": {"polaris": {"chart": {"repository": "http://acme.io"}}}},
    {"components": {"polaris": {"chart": {"repository": "https://u:p@acme.io"}}}},
    {"unknown": 1},
]


@pytest.mark.parametrize("data", GOOD)
def test_good_files_pass_both(data: dict[str, Any]) -> None:
    VALIDATOR.validate(data)
    Deployment.parse(data)


@pytest.mark.parametrize("data", BAD)
def test_bad_files_fail_both(data: object) -> None:
    assert not VALIDATOR.is_valid(data)
    with pytest.raises(DeploymentError):
        Deployment.parse(data)


@given(from_schema(Deployment.json_schema()))  # It changes the schema that it is given.
@hypothesis_settings(max_examples=10, suppress_health_check=list(HealthCheck), deadline=None)
def test_what_the_schema_lets_through_never_breaks_the_loader(data: object) -> None:
    """The loader sees more, such as names that exist nowhere; but what it loads, it writes as the schema wants it."""
    try:
        loaded = Deployment.parse(data, source="f")
    except DeploymentError:
        return
    VALIDATOR.validate(loaded.model_dump(by_alias=True, mode="json"))
