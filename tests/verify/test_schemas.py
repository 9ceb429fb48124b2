"""Rendered objects against Kubernetes and custom schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from floe_charts.errors import HelmError
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
    with pytest.raises(HelmError, match=r"absent\.json"):
        custom.validate({"apiVersion": "x/v1", "kind": "Absent"})
    with pytest.raises(HelmError, match=r"index\.json"):
        CustomSchemas.from_directory(tmp_path / "nowhere")
    (tmp_path / "index.json").write_text('{"a/v1/B": "../outside.json"}', encoding="utf-8")
    with pytest.raises(HelmError, match="beside the index"):
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
