"""What a values schema refers to outside itself is brought into it."""

from __future__ import annotations

import json

import pytest

from floe_charts.verify.json_schema import CompiledSchema
from floe_charts.verify.kubernetes_definitions import kubernetes_document
from floe_charts.verify.schema_references import localize_schema

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
YANNH = "https://raw.githubusercontent.com/yannh/kubernetes-json-schema/master"
CORE = "io.k8s.api.core.v1"


def test_a_schema_that_refers_only_to_itself_stays_as_it_is() -> None:
    own = {"$id": "https://charts.example/own.json", "$defs": {"a": {}}}
    for schema in (
        {"properties": {"a": {"$ref": "#/$defs/a"}, "b": {"$ref": "own.json#/$defs/a"}}, **own},
        {"properties": {"$ref": {"type": "string"}}, "default": {"$ref": "https://charts.example/data"}},
        {"$schema": "https://json-schema.org/draft-07/schema#", "enum": [{"$ref": "x.json"}]},
        {"$defs": {"part": {"$id": "part.json", "$ref": "#/x"}}, "$ref": "part.json"},
    ):
        local = localize_schema(schema)
        assert (local.schema, local.unresolved, local.changed) == (schema, (), False)


@pytest.mark.parametrize(
    "url",
    [
        f"https://kubernetesjsonschema.dev/v1.18.0/_definitions.json#/definitions/{CORE}.Probe",
        f"https://kubernetesjsonschema.dev/v1.18.1-standalone-strict/_definitions.json#/definitions/{CORE}.Probe",
        f"{YANNH}/v1.30.0/_definitions.json#/definitions/{CORE}.Probe",
        f"{YANNH}/master-standalone/_definitions.json#/definitions/{CORE}.Probe",
        f"https://raw.githubusercontent.com/kubernetes/kubernetes/v1.28.3/api/openapi-spec/swagger.json#/definitions/{CORE}.Probe",
        f"https://raw.githubusercontent.com/kubernetes/kubernetes/master/api/openapi-spec/swagger.json#/definitions/{CORE}.Probe",
    ],
)
@pytest.mark.parametrize("draft", [DRAFT_7, "https://json-schema.org/draft/2020-12/schema"])
def test_kubernetes_definitions_come_from_the_package(url: str, draft: str) -> None:
    local = localize_schema({"$schema": draft, "properties": {"probe": {"$ref": url}}})
    assert (local.unresolved, local.changed) == ((), True)
    assert set(local.schema) == {"$schema", "properties", "definitions" if draft == DRAFT_7 else "$defs"}
    compiled = CompiledSchema(local.schema)
    assert compiled.accepts({"probe": {"httpGet": {"port": 80}, "periodSeconds": 1}})
    assert not compiled.accepts({"probe": {"periodSeconds": "1"}})
    assert not compiled.accepts({"probe": {"httpGet": {"httpHeaders": [{"name": 1}]}}})


def test_a_kinds_own_document_comes_from_the_package() -> None:
    local = localize_schema({"properties": {"job": {"$ref": f"{YANNH}/v1.29.0-standalone/job-batch-v1.json"}}})
    assert local.unresolved == ()
    compiled = CompiledSchema(local.schema)
    assert compiled.accepts({"job": {"spec": {"template": {"spec": {"containers": [{"name": "x"}]}}}}})
    assert not compiled.accepts({"job": {"spec": {"template": {"spec": {"containers": [{"name": 1}]}}}}})


def test_only_what_is_needed_is_copied_and_from_the_nearest_version() -> None:
    url = f"{YANNH}/v1.19.0/_definitions.json#/definitions/{CORE}.PodSpec/properties/tolerations"
    local = localize_schema({"definitions": {"mine": {}}, "$defs": {"kept": {}}, "properties": {"t": {"$ref": url}}})
    copies = local.schema["$defs"]
    assert isinstance(copies, dict)
    oldest = kubernetes_document(url.partition("#")[0], f"/definitions/{CORE}.PodSpec")
    assert oldest is not None
    version = oldest[0].rpartition("/")[0].rpartition("/")[2]
    assert sorted(copies) == [
        f"floe-charts-{version}-{CORE}.PodSpec:properties:tolerations",
        f"floe-charts-{version}-{CORE}.Toleration",
        "kept",
    ]
    assert local.schema["definitions"] == {"mine": {}}
    assert CompiledSchema(local.schema).accepts({"t": [{"key": "x"}]})
    assert not CompiledSchema(local.schema).accepts({"t": [{"key": 1}]})


def test_strict_sets_are_strict() -> None:
    for directory, accepted in (("v1.30.0", True), ("v1.30.0-standalone-strict", False)):
        schema = {"$ref": f"{YANNH}/{directory}/_definitions.json#/definitions/{CORE}.Probe"}
        assert CompiledSchema(localize_schema(schema).schema).accepts({"perodSeconds": 1}) is accepted


def test_what_is_not_at_hand_is_let_through_and_named() -> None:
    urls = [
        "https://charts.example/values.json",
        f"{YANNH}/v1.30.0/_definitions.json#/definitions/{CORE}.Absent",
        f"{YANNH}/v1.30.0/../../secret.json",
        "absent.json#/x",
        "http://[broken",
    ]
    local = localize_schema({"properties": {str(number): {"$ref": url} for number, url in enumerate(urls)}})
    assert local.schema == {"properties": {str(number): {} for number in range(len(urls))}}
    assert len(local.unresolved) == len(urls)
    assert local.unresolved[0] == urls[0] and local.unresolved[3] == "absent.json#/x"


def test_what_stood_beside_a_lost_reference_keeps_its_force() -> None:
    beside = {"$ref": "https://charts.example/x.json", "type": "string", "title": "T"}
    old = localize_schema({"$schema": DRAFT_7, "properties": {"a": beside}})
    assert old.schema["properties"] == {"a": {"title": "T"}}
    assert localize_schema({"properties": {"a": beside}}).schema["properties"] == {
        "a": {"type": "string", "title": "T"}
    }


def test_files_of_the_chart_are_copied_with_what_they_refer_to() -> None:
    files = {
        "schemas/a.json": json.dumps(
            {
                "$id": "https://charts.example/a.json",
                "$schema": DRAFT_7,
                "definitions": {"n": {"type": "integer"}, "tree": {"items": {"$ref": "#/definitions/tree"}}},
                "properties": {
                    "n": {"$ref": "#/definitions/n"},
                    "b": {"$ref": "../b.json#/x/0"},
                    "back": {"$ref": "../values.schema.json#/definitions/own"},
                    "tree": {"$ref": "#/definitions/tree"},
                    "lost": {"$ref": "c.json"},
                },
            }
        ).encode(),
        "b.json": b'{"x": [{"type": "boolean"}]}',
        "c.json": b"no json",
    }
    schema = {
        "$schema": DRAFT_7,
        "definitions": {"own": {"type": "string"}},
        "properties": {"a": {"$ref": "./schemas/a.json"}, "b": {"$ref": "file:///b.json#/x/0"}},
    }
    local = localize_schema(schema, files)
    assert local.unresolved == ("c.json", "file:///b.json#/x/0")
    compiled = CompiledSchema(local.schema)
    assert compiled.accepts({"a": {"n": 1, "back": "x", "tree": [[]], "lost": 1}})
    for wrong in ({"n": "1"}, {"back": 1}):
        assert not compiled.accepts({"a": wrong})


def test_a_part_with_an_address_of_its_own_gets_its_own_copies() -> None:
    url = f"{YANNH}/v1.30.0/_definitions.json#/definitions/{CORE}.Probe"
    part = {"$id": "https://charts.example/part.json", "properties": {"p": {"$ref": url}}}
    local = localize_schema({"$id": "https://charts.example/values.json", "properties": {"part": part}})
    compiled = CompiledSchema(local.schema)
    assert compiled.accepts({"part": {"p": {"periodSeconds": 1}}})
    assert not compiled.accepts({"part": {"p": {"periodSeconds": "1"}}})


def test_an_unknown_metaschema_is_dropped_and_named() -> None:
    local = localize_schema({"$schema": "https://charts.example/meta", "type": "object"})
    assert (local.schema, local.unresolved) == ({"type": "object"}, ("https://charts.example/meta",))


def test_odd_schemas_crash_nothing() -> None:
    deep: dict[str, object] = {}
    for _ in range(5000):
        deep = {"not": deep}
    for schema in ({"$ref": 3}, {"properties": ["$ref"]}, {"$defs": None, "$ref": "x.json"}, {"$id": 1}, deep):
        localize_schema(schema)
