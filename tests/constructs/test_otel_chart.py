"""The telemetry gateway by the official chart: the values that it is handed, and those that it would refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floe_charts.constructs.otel.chart_config import template_text
from floe_charts.constructs.otel.gateway import KNOWN_VERSION, OtelGateway
from floe_charts.deployment import ChartSource
from floe_charts.helm.layers import prune_nulls
from floe_charts.verify.engine import ChartHandle, RenderError, ValuesRefused, load
from tests.constructs.collectors import EXPORTERS, NAME, UPSTREAM, configuration, dependent, gateway_chart
from tests.constructs.rendering import new_chart, written
from tests.constructs.upstream import missing_keys, unknown_keys
from tests.support import echoed_values, load_yaml, with_echo_dependencies

needs_upstream = pytest.mark.skipif(not UPSTREAM.is_dir(), reason="the official chart's values are not at hand")
LABELS = {"app.kubernetes.io/part-of": "floe-platform", "app.kubernetes.io/component": "otel"}


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return dependent(tmp_path_factory.mktemp("dependency"))


def defaults() -> dict[str, Any]:
    values = gateway_chart("dependency").default_values()["otel"]
    assert isinstance(values, dict)
    return values


@settings(deadline=None, max_examples=50)
@given(text=st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1))
def test_any_printable_endpoint_comes_out_of_the_official_chart_exactly(chart: ChartHandle, text: str) -> None:
    exporters = {"otlp_grpc/jaeger": {"endpoint": template_text(text)}}
    config = configuration(chart, {"alternateConfig": {"exporters": exporters}})
    assert config["exporters"]["otlp_grpc/jaeger"]["endpoint"] == text


def test_a_headers_value_comes_from_a_secret() -> None:
    reference = {"name": f"{NAME}-exporter", "key": "VENDOR_KEY"}
    assert defaults()["extraEnvs"] == [{"name": "VENDOR_KEY", "valueFrom": {"secretKeyRef": reference}}]


def test_pods_carry_the_labels_that_tell_them_and_spread_by_these() -> None:
    values = defaults()
    assert values["podLabels"] == LABELS
    [spread] = values["topologySpreadConstraints"]
    [apart] = values["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert spread["labelSelector"] == apart["podAffinityTerm"]["labelSelector"] == {"matchLabels": LABELS}


def test_the_service_has_the_metrics_port_too() -> None:
    ports = defaults()["ports"]
    assert {name for name, port in ports.items() if port.get("enabled", True)} == {"otlp", "otlp-http", "metrics"}
    assert ports["metrics"] == {"enabled": True, "servicePort": 8888}


def test_what_holds_of_all_objects_is_handed_over() -> None:
    part = OtelGateway(new_chart())
    values = {"environment": "dev", "commonLabels": {"team": "data"}, "commonAnnotations": {"a": "b"}}
    told = {"environment": "dev", "team": "data"}
    assert part.derived_values({}, values) == {
        "additionalLabels": told,
        "podLabels": told,
        "annotations": {"a": "b"},
        "podAnnotations": {"a": "b"},
    }
    assert part.derived_values({}, {"environment": "", "commonLabels": {}}) == {}
    assert OtelGateway(new_chart(), strategy="native").derived_values({}, values) == {}


@pytest.mark.parametrize(
    "values",
    [
        {"podLabels": {"environment": "dev", "team": "data"}, "additionalLabels": {"environment": "dev"}},
        {"podAnnotations": {"a": "{ x } { y"}},
        {"affinity": {"nodeAffinity": {}}},
        {"extraVolumes": [{"name": "ca", "secret": {"secretName": "ca"}}]},
        {"imagePullSecrets": [{"name": "mirror"}], "priorityClassName": "high"},
        {"autoscaling": {"enabled": True, "maxReplicas": 10}},
    ],
)
def test_the_schema_takes(chart: ChartHandle, values: Mapping[str, object]) -> None:
    chart.render({"otel": values})


@pytest.mark.parametrize(
    "values",
    [
        {"mode": "daemonset"},
        {"fullnameOverride": "other"},
        {"replicaCuont": 3},
        {"autoscaling": {"maxReplicsa": 3}},
        {"autoscaling": {"minReplicas": 11}},
        {"ports": {"otlp": {"servicePort": 1}}},
        {"ports": {"jaeger-grpc": {"enabled": True}}},
        {"ports": {"metrics": {"enabled": False}}},
        {"podLabels": {"app.kubernetes.io/component": "other"}},
        {"podLabels": {"app.kubernetes.io/part-of": None}},
        {"podLabels": {"app.kubernetes.io/name": "other"}},
        {"podLabels": {"component": "other"}},
        {"podAnnotations": {"a": "{{ .Values }}"}},
        {"affinity": {"nodeAffinty": {}}},
        {"topologySpreadConstraints": [{"maxSkew": 1}]},
        {"extraVolumes": [{"name": "x", "hostPath": {"path": "/"}}]},
        {"podDisruptionBudget": {"minAvailable": 1}},
        {"podSecurityContext": {"runAsNonRoot": False}},
        {"securityContext": {"allowPrivilegeEscalation": True}},
        {"alternateConfig": {"processors": {"btach": {}}}},
        {"alternateConfig": {"processors": {"batch": {"send_batch_sise": 1}}}},
        {"alternateConfig": {"processors": {"probabilistic_sampler": {"sampling_percentage": 101}}}},
        {"alternateConfig": {"service": {"pipelines": {"profiles": {}}}}},
        {"alternateConfig": {"service": {"pipelines": {"traces": {"exporters": []}}}}},
        {"alternateConfig": {"service": {"telemetry": {"metrics": {"readers": []}}}}},
        {"alternateConfig": {"exporters": {"otlp_grpc/jaegr": {}}}},
    ],
)
def test_the_schema_refuses(chart: ChartHandle, values: Mapping[str, object]) -> None:
    with pytest.raises(ValuesRefused):
        chart.render({"otel": values})


def test_a_component_of_the_distribution_can_be_added(chart: ChartHandle) -> None:
    added = {"processors": {"tail_sampling": {"policies": [{"name": "x", "type": "always_sample"}]}}}
    config = configuration(chart, {"alternateConfig": added})
    assert config["processors"]["tail_sampling"] == added["processors"]["tail_sampling"]
    assert config["processors"]["batch"]["send_batch_size"] == 1024


# The official chart


def test_the_dependency_is_pinned_aliased_and_can_come_from_a_mirror() -> None:
    chart = new_chart()
    OtelGateway(chart)
    (entry,) = load_yaml(chart.files()["Chart.yaml"])["dependencies"]
    assert (entry["name"], entry["version"], entry["alias"], entry["condition"]) == (
        "opentelemetry-collector",
        KNOWN_VERSION,
        "otel",
        "otel.enabled",
    )
    mirrored = new_chart()
    OtelGateway(mirrored, source=ChartSource(version="0.169.0", repository="oci://mirror.example.com/charts"))
    (entry,) = load_yaml(mirrored.files()["Chart.yaml"])["dependencies"]
    assert (entry["version"], entry["repository"]) == ("0.169.0", "oci://mirror.example.com/charts")


@needs_upstream
def test_every_key_of_the_official_chart_is_known() -> None:
    upstream = load_yaml((UPSTREAM / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((UPSTREAM / "values.schema.json").read_text(encoding="utf-8"))
    model = type(OtelGateway(new_chart(), exporters=EXPORTERS).values)
    assert list(missing_keys(model, upstream, schema)) == []
    assert unknown_keys(model, upstream, schema) == set()


@needs_upstream
def test_the_official_charts_schema_accepts_the_values() -> None:
    upstream = load_yaml((UPSTREAM / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((UPSTREAM / "values.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft7Validator(schema)
    assert [error.message for error in validator.iter_errors(_merged(upstream, defaults()))] == []


@needs_upstream
def test_helm_accepts_the_chart_with_the_official_charts_defaults_in_it(tmp_path: Path) -> None:
    handle = dependent(tmp_path, upstream=True)
    assert configuration(handle) == configuration(handle, {"replicaCount": 3})
    for values in ({"replicaCuont": 3}, {"service": {"tpye": "ClusterIP"}}, {"image": {"tga": "1"}}):
        with pytest.raises((ValuesRefused, RenderError)):
            handle.render({"otel": values})


@needs_upstream
def test_an_overlay_may_set_any_value_under_the_charts_own_defaults(tmp_path: Path) -> None:
    """Helm keeps a dependency's null where an overlay sets something beside it, and the schema sees the null."""
    written(gateway_chart("dependency"), tmp_path)
    upstream = load_yaml((UPSTREAM / "values.yaml").read_text(encoding="utf-8"))
    handle = load(with_echo_dependencies(tmp_path / "floe-platform", tmp_path / "echo", {"otel": upstream}))
    again = echoed_values(handle.render({"otel": defaults()}))
    assert again
    assert prune_nulls(again) == prune_nulls(echoed_values(handle.render({})))


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(under[key], value)
        for key, value in over.items()
        if isinstance(value, Mapping) and isinstance(under.get(key), Mapping)
    }
    return {**under, **over, **both}
