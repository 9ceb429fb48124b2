"""The telemetry gateway whose objects are all made here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import ChartHandle, ValuesRefused, lint
from floe_charts.verify.schemas import validate_objects
from tests.constructs.collectors import NAME, configuration, container_of, gateway_chart, native, pod_of
from tests.constructs.rendering import insecure, objects_of, spec_of


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("otel")


@pytest.fixture(scope="module")
def chart(directory: Path) -> ChartHandle:
    return native(directory)


@settings(deadline=None)
@given(text=st.text())
def test_any_text_in_an_exporters_endpoint_comes_out_exactly(chart: ChartHandle, text: str) -> None:
    config = configuration(chart, {"exporters": {"otlp_grpc/jaeger": {"endpoint": text}}})
    assert config["exporters"]["otlp_grpc/jaeger"]["endpoint"] == text


def test_tunables_reach_the_configuration(chart: ChartHandle) -> None:
    config = configuration(
        chart,
        {
            "sampling": {"percentage": 12.5},
            "batch": {"sendBatchSize": 1_000_000, "timeout": "200ms"},
            "memoryLimiter": {"checkInterval": "1s", "limitPercentage": 70, "spikeLimitPercentage": 15},
            "logLevel": "warn",
            "exporters": {
                "debug": {"verbosity": "detailed"},
                "otlp_http": {"insecure": True, "queueSize": 7, "timeout": "1m"},
            },
            "pipelines": {"logs": ["otlp_http"]},
        },
    )
    assert config["processors"] == {
        "memory_limiter": {"check_interval": "1s", "limit_percentage": 70, "spike_limit_percentage": 15},
        "probabilistic_sampler": {"sampling_percentage": 12.5},
        "batch": {"send_batch_size": 1_000_000, "send_batch_max_size": 1_000_000, "timeout": "200ms"},
    }
    assert config["service"]["telemetry"]["logs"]["level"] == "warn"
    assert config["exporters"]["debug"] == {"verbosity": "detailed"}
    assert config["exporters"]["otlp_http"]["tls"] == {"insecure": True}
    assert config["exporters"]["otlp_http"]["timeout"] == "1m"
    assert config["exporters"]["otlp_http"]["sending_queue"] == {"queue_size": 7}
    assert config["service"]["pipelines"]["logs"]["exporters"] == ["otlp_http"]


BACKENDS: Mapping[str, Any] = {
    "tempo": {"protocol": "grpc", "endpoint": "tempo:4317", "insecure": True, "metrics": False, "logs": False},
    "vendor": {
        "protocol": "http",
        "endpoint": "https://otlp.example.com",
        "headers": {"X-Api-Key": "${env:VENDOR}"},
        "caFile": "/mnt/ca/ca.crt",
    },
}


def test_values_name_further_backends_and_what_each_takes(chart: ChartHandle) -> None:
    config = configuration(chart, {"backends": BACKENDS})
    tempo, vendor = (config["exporters"][name] for name in ("otlp_grpc/tempo_own", "otlp_http/vendor_own"))
    assert (tempo["endpoint"], tempo["tls"]) == ("tempo:4317", {"insecure": True})
    assert "headers" not in tempo
    assert vendor["tls"] == {"insecure": False, "ca_file": "/mnt/ca/ca.crt"}
    assert vendor["headers"] == {"X-Api-Key": "${env:VENDOR}"}
    before = configuration(chart)
    for signal, pipeline in config["service"]["pipelines"].items():
        more = ["otlp_grpc/tempo_own", "otlp_http/vendor_own"] if signal == "traces" else ["otlp_http/vendor_own"]
        assert pipeline["exporters"] == [*before["service"]["pipelines"][signal]["exporters"], *more]
    assert config["exporters"].keys() - before["exporters"].keys() == {"otlp_grpc/tempo_own", "otlp_http/vendor_own"}


@settings(deadline=None)
@given(endpoint=st.text(min_size=1), header=st.text())
def test_any_text_of_a_backend_comes_out_exactly(chart: ChartHandle, endpoint: str, header: str) -> None:
    backend = {"protocol": "grpc", "endpoint": endpoint, "headers": {"X-A": header}}
    found = configuration(chart, {"backends": {"b": backend}})["exporters"]["otlp_grpc/b_own"]
    assert (found["endpoint"], found["headers"]) == (endpoint, {"X-A": header})


EVERYTHING: Mapping[str, Any] = {
    "autoscaling": {"enabled": True, "minReplicas": 3},
    "podDisruptionBudget": {"enabled": True},
    "service": {"type": "NodePort", "annotations": {"a.example/b": "c: d"}},
    "serviceAccount": {"name": "theirs", "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "priorityClassName": "high",
    "extraEnv": {"EXTRA": {"value": "x"}},
    "extraVolumes": {"/mnt/ca": {"volume": {"configMap": {"name": "ca"}}}},
    "podLabels": {"team": "data"},
    "podAnnotations": {"note": "x"},
    "backends": BACKENDS,
}


@pytest.mark.parametrize("values", [{}, EVERYTHING, {"replicas": 3, "podDisruptionBudget": {"enabled": True}}])
def test_objects_fit_kubernetes(chart: ChartHandle, directory: Path, values: Mapping[str, object]) -> None:
    objects = list(objects_of(chart, {"otel": values}).values())
    report = validate_objects(objects, (OLDEST, latest_kube_version()))
    assert [str(finding) for finding in report.findings] == []
    assert not report.without_schema
    assert lint(directory / "floe-platform", {"otel": values}) == []


def test_every_object_is_called_as_the_service(chart: ChartHandle) -> None:
    objects = objects_of(chart, {})
    assert sorted(objects) == [f"{kind}/{NAME}" for kind in ("ConfigMap", "Deployment", "Service", "ServiceAccount")]
    more = objects_of(chart, {"otel": {**EVERYTHING, "serviceAccount": {}}})
    assert sorted(more.keys() - objects.keys()) == [
        f"{kind}/{NAME}" for kind in ("HorizontalPodAutoscaler", "PodDisruptionBudget")
    ]
    assert {one.namespace for one in more.values()} == {"floe-test"}


def test_service_and_pods_have_the_gateways_ports(chart: ChartHandle) -> None:
    objects = objects_of(chart, {})
    ports = {port["name"]: (port["port"], port["targetPort"]) for port in spec_of(objects, f"Service/{NAME}")["ports"]}
    assert ports == {"otlp": (4317, "otlp"), "otlp-http": (4318, "otlp-http"), "metrics": (8888, "metrics")}
    [container] = pod_of(chart)["containers"]
    open_ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert open_ports == {"otlp": 4317, "otlp-http": 4318, "metrics": 8888, "health": 13133}
    labels = spec_of(objects, f"Deployment/{NAME}")["template"]["metadata"]["labels"]
    assert spec_of(objects, f"Service/{NAME}")["selector"].items() <= labels.items()
    told = {"app.kubernetes.io/part-of": "floe-platform", "app.kubernetes.io/component": "otel"}
    assert told.items() <= labels.items()


def test_either_the_autoscaler_or_a_number_decides_how_many_pods(chart: ChartHandle) -> None:
    scaled, fixed = objects_of(chart, {"otel": {"autoscaling": {"enabled": True}}}), objects_of(chart, {})
    autoscaler = spec_of(scaled, f"HorizontalPodAutoscaler/{NAME}")
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (2, 10)
    assert "replicas" not in spec_of(scaled, f"Deployment/{NAME}")
    assert spec_of(fixed, f"Deployment/{NAME}")["replicas"] == 1
    assert f"HorizontalPodAutoscaler/{NAME}" not in fixed
    without = {"autoscaling": {"enabled": True}, "resources": {"requests": {"cpu": "0"}}}
    assert f"HorizontalPodAutoscaler/{NAME}" not in objects_of(chart, {"otel": without})


def test_nothing_is_left_of_a_disabled_gateway(chart: ChartHandle) -> None:
    assert objects_of(chart, {"otel": {**EVERYTHING, "enabled": False}}) == {}


def test_the_pod_is_restricted_and_has_no_token(chart: ChartHandle) -> None:
    for values in ({}, EVERYTHING):
        objects = objects_of(chart, {"otel": values})
        pod = pod_of(chart, values)
        assert insecure(objects) == []
        assert pod["automountServiceAccountToken"] is False
        assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
        assert pod["containers"][0]["resources"]["limits"]["memory"]
        name = pod["serviceAccountName"]
        assert objects[f"ServiceAccount/{name}"].data["automountServiceAccountToken"] is False


def test_probes_ask_the_health_check_and_the_arguments_name_the_mounted_file(chart: ChartHandle) -> None:
    container = container_of(chart)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports[container["livenessProbe"]["httpGet"]["port"]] == 13133
    assert ports[container["readinessProbe"]["httpGet"]["port"]] == 13133
    data = objects_of(chart, {})[f"ConfigMap/{NAME}"].data["data"]
    assert isinstance(data, Mapping)
    assert container["args"] == [f"--config={container['volumeMounts'][0]['mountPath']}/{next(iter(data))}"]


def test_another_configuration_rolls_the_pods(chart: ChartHandle) -> None:
    def checksum(values: Mapping[str, object]) -> object:
        template = spec_of(objects_of(chart, {"otel": values}), f"Deployment/{NAME}")["template"]
        return template["metadata"]["annotations"]["checksum/config"]

    assert checksum({}) == checksum({"replicas": 5})
    assert checksum({}) != checksum({"batch": {"sendBatchSize": 2048}})


@pytest.mark.parametrize(
    ("memory", "percentage", "limit"),
    [
        ("512Mi", 80, "429496729"),
        ("1Gi", 80, "858993459"),
        ("1.5Gi", 80, "1288490188"),
        ("2G", 50, "1000000000"),
        ("1000000", 100, "1000000"),
        ("500000k", 75, "375000000"),
        ("1024Ki", 80, "838860"),
        ("1Ti", 80, "879609302220"),
    ],
)
def test_go_gets_the_share_of_the_memory_that_the_limiter_grants(
    chart: ChartHandle, memory: str, percentage: int, limit: str
) -> None:
    values = {"resources": {"limits": {"memory": memory}}, "memoryLimiter": {"limitPercentage": percentage}}
    assert {"name": "GOMEMLIMIT", "value": limit} in container_of(chart, values)["env"]


def test_a_headers_value_comes_from_a_secret_that_can_be_named(chart: ChartHandle) -> None:
    for values, name in (({}, f"{NAME}-exporter"), ({"exporterSecret": "theirs"}, "theirs")):
        env = {one["name"]: one for one in container_of(chart, values)["env"]}
        assert env["VENDOR_KEY"]["valueFrom"] == {"secretKeyRef": {"name": name, "key": "VENDOR_KEY"}}


@pytest.mark.parametrize(
    "values",
    [
        {"replicaCuont": 3},
        {"exporters": {"otlp_grpc/jaegr": {"endpoint": "x"}}},
        {"exporters": {"debug": {"endpoint": "x"}}},
        {"pipelines": {"traces": []}},
        {"pipelines": {"traces": ["otlp_grpc/jaegr"]}},
        {"pipelines": {"profiles": ["debug"]}},
        {"sampling": {"percentage": 101}},
        {"sampling": {"percentage": -1}},
        {"batch": {"timeout": "10"}},
        {"exporters": {"otlp_http": {"queueSize": 0}}},
        {"memoryLimiter": {"checkInterval": "0s"}},
        {"memoryLimiter": {"spikeLimitPercentage": 90}},
        {"autoscaling": {"minReplicas": 0}},
        {"extraEnv": {"GOMEMLIMIT": {"value": "1"}}},
        {"extraEnv": {"VENDOR_KEY": {"value": "1"}}},
        {"affinity": {"nodeAffinty": {}}},
        {"backends": {"tempo": {"endpoint": "tempo:4317"}}},
        {"backends": {"tempo": {"protocol": "grpc", "endpoint": ""}}},
        {"backends": {"tempo": {"protocol": "grpc", "endpoint": "x", "profiles": True}}},
        {"backends": {"Tempo": {"protocol": "grpc", "endpoint": "x"}}},
    ],
)
def test_the_schema_refuses(chart: ChartHandle, values: Mapping[str, object]) -> None:
    with pytest.raises(ValuesRefused):
        chart.render({"otel": values})


def test_there_is_no_dependency() -> None:
    assert "dependencies" not in gateway_chart("native").files()["Chart.yaml"]
