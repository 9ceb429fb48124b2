"""Rendered objects against Kubernetes and custom schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from floe_charts.errors import InputError
from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.schemas import CustomSchemas, validate_objects
from tests.support import SHARED

SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
CLUSTER = {
    "apiVersion": "postgresql.cnpg.io/v1",
    "kind": "Cluster",
    "metadata": {"name": "pg"},
    "spec": {"instances": 3, "storage": {"size": "1Gi"}},
}


def rendered(data: Mapping[str, object]) -> RenderedObject:
    return RenderedObject("c/templates/x.yaml", 0, data)


def test_a_fault_is_told_once_for_all_versions_and_names_the_object() -> None:
    report = validate_objects([rendered({**SERVICE, "spec": {"prts": []}})], ["1.28", "1.37"])
    assert [str(one) for one in report.findings] == [
        "c/templates/x.yaml: Service web: "
        "spec.prts is not a field of ServiceSpec (Kubernetes 1.28); did you mean ports?"
    ]
    assert report.checked == 2


def test_a_field_that_only_the_newer_kubernetes_has_is_a_fault_of_the_older() -> None:
    spec = {**SERVICE["spec"], "trafficDistribution": "PreferClose"}  # type: ignore[dict-item]
    report = validate_objects([rendered({**SERVICE, "spec": spec})], ["1.28", "1.37"])
    assert ["(Kubernetes 1.28)" in one.message for one in report.findings] == [True]


def test_a_kind_that_one_of_the_versions_has_not_is_a_fault() -> None:
    data = {"apiVersion": "autoscaling/v2beta2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}}
    report = validate_objects([rendered(data)], ["1.25", "1.28"])
    assert any("Kubernetes 1.28 has no autoscaling/v2beta2" in one.message for one in report.findings)


def test_what_has_no_schema_is_counted_and_named() -> None:
    report = validate_objects([rendered(CLUSTER), rendered(CLUSTER), rendered(SERVICE)], ["1.28"])
    assert (report.findings, report.checked) == ((), 1)
    assert report.without_schema == {"postgresql.cnpg.io/v1/Cluster": 2}


@pytest.fixture
def custom(tmp_path: Path) -> CustomSchemas:
    """A small schema of a Cluster."""
    spec = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"instances": {"type": "integer"}, "storage": {}, "mode": {"enum": ["a", "b"]}},
        "required": ["storage"],
    }
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"spec": spec}}
    (tmp_path / "cluster.json").write_text(json.dumps(schema), encoding="utf-8")
    index = {"postgresql.cnpg.io/v1/Cluster": "cluster.json", "x/v1/Absent": "absent.json"}
    (tmp_path / "index.json").write_text(json.dumps(index), encoding="utf-8")
    return CustomSchemas.from_directory(tmp_path)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"instances": 3, "storage": {}}, None),
        (
            {"instnces": 3, "storage": {}},
            "spec.instnces is not a field that exists (custom resource); did you mean instances?",
        ),
        (
            {"instances": "3", "storage": {}},
            'spec.instances takes an integer, but found a string ("3") (custom resource)',
        ),
        ({"instances": 3}, "spec.storage is missing (custom resource)"),
        ({"storage": {}, "mode": "c"}, 'spec.mode: "c" is not one of "a" or "b" (custom resource)'),
    ],
)
def test_custom_resources_are_held_against_their_schema(
    custom: CustomSchemas, spec: dict[str, object], message: str | None
) -> None:
    report = validate_objects([rendered({**CLUSTER, "spec": spec})], ["1.28"], custom)
    prefix = "c/templates/x.yaml: Cluster pg: "
    assert [str(one) for one in report.findings] == ([] if message is None else [prefix + message])
    assert (report.checked, report.without_schema) == (1, {})


def test_schemas_that_cannot_be_read_are_named(tmp_path: Path, custom: CustomSchemas) -> None:
    with pytest.raises(InputError, match=r"absent\.json"):
        custom.validate({"apiVersion": "x/v1", "kind": "Absent"})
    with pytest.raises(InputError, match=r"nowhere is neither a file nor a directory.*index\.json"):
        CustomSchemas.from_directory(tmp_path / "nowhere")
    (tmp_path / "index.json").write_text('{"a/v1/B": "../outside.json"}', encoding="utf-8")
    with pytest.raises(InputError, match="beside the index"):
        CustomSchemas.from_directory(tmp_path)


@pytest.mark.skipif(not (SHARED / "crds").is_dir(), reason="the real custom resources' schemas are not here")
def test_real_schemas_of_custom_resources() -> None:
    real = CustomSchemas.from_directory(SHARED / "crds")
    assert real.validate(CLUSTER) == []
    for name in real.kinds:
        api_version, _, kind = name.rpartition("/")
        assert real.knows(api_version, kind)
        faults = real.validate({"apiVersion": api_version, "kind": kind, "metadata": {"nme": "x"}})
        assert "metadata.nme is not a field that exists; did you mean name?" in [str(one) for one in faults]


def crd(version: str = "v1", **changed: object) -> dict[str, object]:
    """A CustomResourceDefinition of example.com/v1 Shop."""
    spec = {
        "type": "object",
        "required": ["size"],
        "properties": {
            "size": {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
            "port": {"x-kubernetes-int-or-string": True},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "tags": {"type": "object", "additionalProperties": {"type": "string"}},
            "mode": {"type": "string", "enum": ["a", "b"], "nullable": True},
            "pod": {"type": "object", "x-kubernetes-embedded-resource": True},
            "list": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
        },
    }
    schema = {"type": "object", "properties": {"spec": spec, "metadata": {"type": "object"}}}
    names = {"kind": "Shop", "plural": "shops"}
    if version == "v1":
        versions: list[object] = [{"name": "v1", "served": True, "schema": {"openAPIV3Schema": schema}}]
        body: dict[str, object] = {"group": "example.com", "names": names, "versions": versions}
    else:
        body = {"group": "example.com", "names": names, "version": "v1", "validation": {"openAPIV3Schema": schema}}
    metadata = {"name": "shops.example.com"}
    api_version = f"apiextensions.k8s.io/{version}"
    kind = "CustomResourceDefinition"
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": {**body, **changed}}


def shop(**spec: object) -> dict[str, object]:
    return {"apiVersion": "example.com/v1", "kind": "Shop", "metadata": {"name": "s"}, "spec": {"size": 1, **spec}}


@pytest.mark.parametrize(
    ("spec", "fits"),
    [
        ({"port": 80, "free": {"any": {"thing": 1}}, "tags": {"a": "b"}, "mode": "a", "list": [{"name": "x"}]}, True),
        ({"port": "http", "mode": None, "list": None}, True),
        ({"pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"a": "b"}}}}, True),
        ({"pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"lbels": {}}}}, False),
        ({"pod": {"kind": "Pod"}}, False),
        ({"sze": 1}, False),
        ({"size": 0}, False),
        ({"size": "1"}, False),
        ({"port": 1.5}, False),
        ({"tags": {"a": 1}}, False),
        ({"mode": "c"}, False),
        ({"list": [{"nme": "x"}]}, False),
    ],
)
def test_a_crd_is_as_strict_as_the_api_server(tmp_path: Path, spec: dict[str, object], fits: bool) -> None:
    (tmp_path / "crd.yaml").write_text(json.dumps(crd()), encoding="utf-8")
    custom = CustomSchemas.from_paths([tmp_path / "crd.yaml"])
    assert custom.kinds == ("example.com/v1/Shop",)
    assert (custom.validate(shop(**spec)) == []) is fits


def test_metadata_is_closed_and_required_fields_are_missed(tmp_path: Path) -> None:
    (tmp_path / "crd.json").write_text(json.dumps(crd()), encoding="utf-8")
    custom = CustomSchemas.from_directory(tmp_path)
    faults = custom.validate({**shop(), "metadata": {"nme": "x"}, "spec": {}})
    assert sorted(str(one) for one in faults) == [
        "metadata.nme is not a field that exists; did you mean name?",
        "spec.size is missing",
    ]


def test_the_list_that_kubectl_gives_and_several_documents(tmp_path: Path) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": [crd(), crd(names={"kind": "Till"})]}
    other = json.dumps(crd(names={"kind": "Cart"}))
    (tmp_path / "all.yaml").write_text(f"{json.dumps(listed)}\n---\n{other}\n", encoding="utf-8")
    (tmp_path / "other.yaml").write_text("{{ not: yaml", encoding="utf-8")
    found = CustomSchemas.from_directory(tmp_path)
    assert found.kinds == ("example.com/v1/Shop", "example.com/v1/Till", "example.com/v1/Cart")


def test_a_v1beta1_crd_keeps_unknown_fields_unless_it_says_otherwise(tmp_path: Path) -> None:
    for keeps, faults in ((True, 0), (None, 0), (False, 1)):
        (tmp_path / "crd.yaml").write_text(json.dumps(crd("v1beta1", preserveUnknownFields=keeps)), encoding="utf-8")
        assert len(CustomSchemas.from_directory(tmp_path).validate(shop(sze=1))) == faults


def test_catalogues_of_json_schemas(tmp_path: Path) -> None:
    (tmp_path / "example.com").mkdir()
    closed = {"type": "object", "properties": {"spec": {"additionalProperties": False, "properties": {"size": {}}}}}
    (tmp_path / "example.com" / "shop_v1.json").write_text(json.dumps(closed), encoding="utf-8")
    named = {**closed, "x-kubernetes-group-version-kind": [{"group": "a.b", "version": "v2", "kind": "Till"}]}
    (tmp_path / "till.json").write_text(json.dumps(named), encoding="utf-8")
    custom = CustomSchemas.from_directory(tmp_path)
    assert custom.knows("example.com/v1", "Shop")
    assert custom.knows("a.b/v2", "Till")
    assert not custom.knows("a.b/v2", "Shop")
    assert [str(one) for one in custom.validate(shop(sze=1))] == [
        "spec.sze is not a field that exists; did you mean size?"
    ]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.json", "{", "this is not JSON"),
        ("a.json", "{}", "does not say of which kind it is"),
        ("a.yaml", "a: 1", "holds no schema"),
        ("a.yaml", "kind: CustomResourceDefinition\nx: [", "line "),
        ("a.yaml", json.dumps(crd(group=None)), "has a group and names.kind"),
        ("a.yaml", json.dumps(crd(versions=[])), "serves no version"),
        ("a.yaml", json.dumps(crd(versions=[{"name": "v1"}])), "has no schema.openAPIV3Schema"),
    ],
)
def test_what_is_wrong_with_a_schema_file_is_told(tmp_path: Path, name: str, text: str, problem: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=problem) as caught:
        CustomSchemas.from_paths([tmp_path / name])
    assert name in str(caught.value)
