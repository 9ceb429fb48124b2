"""The telemetry gateway in both strategies: one configuration, the same names and ports, and text that stays text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from floe_charts.constructs.network import OTLP_GRPC, OTLP_HTTP
from floe_charts.constructs.otel import (
    DEBUG,
    KNOWN_VERSION,
    NativeOtelValues,
    OtelChartValues,
    OtelGateway,
    TelemetryExporter,
)
from floe_charts.constructs.otel_chart_config import template_text
from floe_charts.deployment import ChartSource
from floe_charts.errors import DeclarationError
from floe_charts.helm import ChartValues, HelmChart
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.helm.layers import prune_nulls
from floe_charts.verify.engine import ChartHandle, RenderError, ValuesRefused, lint, load
from floe_charts.verify.schemas import validate_objects
from tests.constructs.rendering import new_chart, objects_of, spec_of, written
from tests.constructs.upstream import missing_keys, unknown_keys
from tests.support import SHARED, echoed_values, with_echo_dependencies, write_chart

UPSTREAM = SHARED / "upstream" / "opentelemetry-collector-latest"
needs_upstream = pytest.mark.skipif(not UPSTREAM.is_dir(), reason="the official chart's values are not at hand")

JAEGER = TelemetryExporter("otlp_grpc/jaeger", "otlp_grpc", "jaeger:4317", insecure=True)
VENDOR = TelemetryExporter("otlp_http", "otlp_http", "https://otlp.example.com", header=("X-Api-Key", "VENDOR_KEY"))
EXPORTERS = (DEBUG, JAEGER, VENDOR)
NAME = "floe-platform-otel"

# What the official chart does with its configuration: through toYaml, and through tpl.
_UPSTREAM_CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Values.fullnameOverride }}
data:
  relay: |
    {{- tpl (toYaml (toYaml .Values.alternateConfig | fromYaml)) . | nindent 4 }}
"""


def gateway_chart(
    strategy: Literal["dependency", "native"], exporters: tuple[TelemetryExporter, ...] = EXPORTERS
) -> HelmChart:
    chart = new_chart()
    OtelGateway(chart, strategy=strategy, exporters=exporters)
    return chart


def native(directory: Path, exporters: tuple[TelemetryExporter, ...] = EXPORTERS) -> ChartHandle:
    return written(gateway_chart("native", exporters), directory)


def dependent(
    directory: Path, exporters: tuple[TelemetryExporter, ...] = EXPORTERS, *, upstream: bool = False
) -> ChartHandle:
    """The chart with a stand-in for the official one; with ``upstream`` under that one's own defaults and schema."""
    written(gateway_chart("dependency", exporters), directory)
    write_chart(
        directory / "floe-platform" / "charts" / "opentelemetry-collector",
        {"configmap.yaml": _UPSTREAM_CONFIG_MAP},
        (UPSTREAM / "values.yaml").read_text(encoding="utf-8") if upstream else "",
        schema=json.loads((UPSTREAM / "values.schema.json").read_text(encoding="utf-8")) if upstream else None,
        chart={"version": KNOWN_VERSION},
    )
    return load(directory / "floe-platform")


def configuration(handle: ChartHandle, values: Mapping[str, object] | None = None) -> Any:
    """The collector's configuration, whichever ConfigMap it is in."""
    data = objects_of(handle, {"otel": values or {}})[f"ConfigMap/{NAME}"].data["data"]
    assert isinstance(data, Mapping)
    (text,) = data.values()
    return yaml.safe_load(text)


def container_of(handle: ChartHandle, values: Mapping[str, object] | None = None) -> dict[str, Any]:
    pod = spec_of(objects_of(handle, {"otel": values or {}}), f"Deployment/{NAME}")["template"]["spec"]
    (container,) = pod["containers"]
    assert isinstance(container, dict)
    return container


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("otel")


@pytest.fixture(scope="module")
def chart(directory: Path) -> ChartHandle:
    """The native gateway."""
    return native(directory)


# The configuration


def test_the_configuration_takes_otlp_limits_memory_batches_and_answers_probes(chart: ChartHandle) -> None:
    config = configuration(chart)
    assert config["receivers"]["otlp"]["protocols"] == {
        "grpc": {"endpoint": "0.0.0.0:4317"},
        "http": {"endpoint": "0.0.0.0:4318"},
    }
    assert config["processors"]["memory_limiter"] == {
        "check_interval": "5s",
        "limit_percentage": 80,
        "spike_limit_percentage": 20,
    }
    assert config["processors"]["batch"] == {"send_batch_size": 1024, "timeout": "10s"}
    assert config["extensions"] == {"health_check": {"endpoint": "0.0.0.0:13133"}}
    assert config["service"]["extensions"] == ["health_check"]
    for signal in ("traces", "metrics", "logs"):
        assert config["service"]["pipelines"][signal] == {
            "receivers": ["otlp"],
            "processors": ["memory_limiter", "batch"],
            "exporters": ["debug", "otlp_grpc/jaeger", "otlp_http"],
        }


def test_exporters_send_where_they_are_told_to(chart: ChartHandle) -> None:
    assert configuration(chart)["exporters"] == {
        "debug": {"verbosity": "basic"},
        "otlp_grpc/jaeger": {"endpoint": "jaeger:4317", "tls": {"insecure": True}},
        "otlp_http": {
            "endpoint": "https://otlp.example.com",
            "tls": {"insecure": False},
            "headers": {"X-Api-Key": "${env:VENDOR_KEY}"},
        },
    }


@pytest.mark.parametrize("exporters", [(DEBUG,), EXPORTERS], ids=["debug", "several"])
def test_both_strategies_configure_the_same_collector(tmp_path: Path, exporters: tuple[TelemetryExporter, ...]) -> None:
    ours = configuration(native(tmp_path / "native", exporters))
    assert configuration(dependent(tmp_path / "dependency", exporters)) == ours


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://$HOST:4317/${env:HOME}/$$",
        "http://{{ .Values.secret }}:4317",
        '{{ fail "no" }}',
        "{{{{{ `x` }} \"'#: ",
        "a: b # c, " + "long " * 60 + "{{",
        "é {{`{{`}} ☃",
    ],
)
def test_an_endpoint_is_taken_literally_by_both_strategies(tmp_path: Path, endpoint: str) -> None:
    exporters = (TelemetryExporter("otlp_grpc/x", "otlp_grpc", endpoint),)
    for made in (native(tmp_path / "native", exporters), dependent(tmp_path / "dependency", exporters)):
        assert configuration(made)["exporters"]["otlp_grpc/x"]["endpoint"] == endpoint.replace("$", "$$")


@settings(deadline=None)
@given(text=st.text())
def test_any_text_in_an_exporters_endpoint_comes_out_exactly(chart: ChartHandle, text: str) -> None:
    config = configuration(chart, {"exporters": {"otlp_grpc/jaeger": {"endpoint": text}}})
    assert config["exporters"]["otlp_grpc/jaeger"]["endpoint"] == text


@settings(deadline=None, max_examples=50)
@given(text=st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1))
def test_any_printable_endpoint_comes_out_of_the_official_chart_exactly(dependency: ChartHandle, text: str) -> None:
    exporters = {"otlp_grpc/jaeger": {"endpoint": template_text(text)}}
    config = configuration(dependency, {"alternateConfig": {"exporters": exporters}})
    assert config["exporters"]["otlp_grpc/jaeger"]["endpoint"] == text


@pytest.fixture(scope="module")
def dependency(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return dependent(tmp_path_factory.mktemp("dependency"))


def test_tunables_reach_the_configuration(chart: ChartHandle) -> None:
    config = configuration(
        chart,
        {
            "batch": {"sendBatchSize": 1_000_000, "timeout": "200ms"},
            "memoryLimiter": {"checkInterval": "1s", "limitPercentage": 70, "spikeLimitPercentage": 15},
            "logLevel": "warn",
            "exporters": {"debug": {"verbosity": "detailed"}, "otlp_http": {"insecure": True}},
        },
    )
    assert config["processors"]["batch"] == {"send_batch_size": 1_000_000, "timeout": "200ms"}
    assert config["processors"]["memory_limiter"] == {
        "check_interval": "1s",
        "limit_percentage": 70,
        "spike_limit_percentage": 15,
    }
    assert config["service"]["telemetry"]["logs"]["level"] == "warn"
    assert config["exporters"]["debug"] == {"verbosity": "detailed"}
    assert config["exporters"]["otlp_http"]["tls"] == {"insecure": True}


# Objects of the native strategy


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"autoscaling": {"enabled": False}, "replicaCount": 3},
        {"nodeSelector": {"disk": "ssd"}, "tolerations": [{"key": "a", "operator": "Exists"}]},
    ],
)
def test_objects_fit_kubernetes(chart: ChartHandle, directory: Path, values: Mapping[str, object]) -> None:
    report = validate_objects(list(objects_of(chart, {"otel": values}).values()), (OLDEST, latest_kube_version()))
    assert [str(finding) for finding in report.findings] == []
    assert not report.without_schema
    assert lint(directory / "floe-platform", {"otel": values}) == []


def test_every_object_is_called_as_the_service(chart: ChartHandle) -> None:
    kinds = ("ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Service", "ServiceAccount")
    objects = objects_of(chart, {})
    assert sorted(objects) == [f"{kind}/{NAME}" for kind in kinds]
    assert {one.namespace for one in objects.values()} == {"floe-test"}
    ports = {port["name"]: port["port"] for port in spec_of(objects, f"Service/{NAME}")["ports"]}
    assert ports == {OTLP_GRPC.port_name: 4317, OTLP_HTTP.port_name: 4318}
    labels = spec_of(objects, f"Deployment/{NAME}")["template"]["metadata"]["labels"]
    assert spec_of(objects, f"Service/{NAME}")["selector"].items() <= labels.items()


def test_names_follow_the_charts_full_name() -> None:
    for strategy in ("dependency", "native"):
        chart = HelmChart("x", values=ChartValues(fullname_override="acme"), fixed_fullname=True)
        gateway = OtelGateway(chart, strategy=strategy, exporters=EXPORTERS)
        assert gateway.required_secrets()[0].name == "acme-otel-exporter"
        assert "floe-platform" not in chart.files()["values.yaml"]


def test_either_the_autoscaler_or_a_number_decides_how_many_pods(chart: ChartHandle) -> None:
    scaled, fixed = objects_of(chart, {}), objects_of(chart, {"otel": {"autoscaling": {"enabled": False}}})
    autoscaler = spec_of(scaled, f"HorizontalPodAutoscaler/{NAME}")
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (2, 10)
    assert autoscaler["metrics"][0]["resource"] == {
        "name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": 70},
    }
    assert "replicas" not in spec_of(scaled, f"Deployment/{NAME}")
    assert spec_of(fixed, f"Deployment/{NAME}")["replicas"] == 2
    assert f"HorizontalPodAutoscaler/{NAME}" not in fixed


def test_nothing_is_left_of_a_disabled_gateway(chart: ChartHandle) -> None:
    assert objects_of(chart, {"otel": {"enabled": False}}) == {}


def test_the_pod_is_restricted_and_has_no_token(chart: ChartHandle) -> None:
    objects = objects_of(chart, {})
    pod = spec_of(objects, f"Deployment/{NAME}")["template"]["spec"]
    security = container_of(chart)["securityContext"]
    assert pod["automountServiceAccountToken"] is False
    assert objects[f"ServiceAccount/{NAME}"].data["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security["runAsNonRoot"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["readOnlyRootFilesystem"] is True
    assert security["capabilities"] == {"drop": ["ALL"]}


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

    assert checksum({}) == checksum({"autoscaling": {"maxReplicas": 5}})
    assert checksum({}) != checksum({"batch": {"sendBatchSize": 2048}})


@pytest.mark.parametrize(
    ("memory", "limit"),
    [
        ("512Mi", "429496729"),
        ("1Gi", "858993459"),
        ("1.5Gi", "1288490188"),
        ("2G", "1600000000"),
        ("1000000", "800000"),
        ("500000k", "400000000"),
        ("1024Ki", "838860"),
        ("1Ti", "879609302220"),
    ],
)
def test_go_gets_four_fifths_of_the_memory_limit(chart: ChartHandle, memory: str, limit: str) -> None:
    env = container_of(chart, {"resources": {"limits": {"memory": memory}}})["env"]
    assert {"name": "GOMEMLIMIT", "value": limit} in env


# Secrets


def test_a_headers_value_comes_from_a_secret(chart: ChartHandle) -> None:
    env = {one["name"]: one for one in container_of(chart)["env"]}
    reference = {"name": "floe-platform-otel-exporter", "key": "VENDOR_KEY"}
    assert env["VENDOR_KEY"]["valueFrom"] == {"secretKeyRef": reference}
    made = gateway_chart("dependency").default_values()["otel"]
    assert made["extraEnvs"] == [{"name": "VENDOR_KEY", "valueFrom": {"secretKeyRef": reference}}]


def test_the_secret_is_required_only_where_an_exporter_has_a_header() -> None:
    for strategy in ("dependency", "native"):
        with_header = OtelGateway(new_chart(), strategy=strategy, exporters=EXPORTERS)
        (secret,) = with_header.required_secrets()
        assert (secret.name, secret.keys) == ("floe-platform-otel-exporter", ("VENDOR_KEY",))
        assert OtelGateway(new_chart(), strategy=strategy).required_secrets() == ()


def test_another_secret_can_be_named(chart: ChartHandle) -> None:
    env = {one["name"]: one for one in container_of(chart, {"exporterSecret": "theirs"})["env"]}
    assert env["VENDOR_KEY"]["valueFrom"]["secretKeyRef"]["name"] == "theirs"


# What is refused


@pytest.mark.parametrize(
    "values",
    [
        {"replicaCuont": 3},
        {"exporters": {"otlp_grpc/jaegr": {"endpoint": "x"}}},
        {"exporters": {"debug": {"endpoint": "x"}}},
        {"batch": {"timeout": "10"}},
        {"memoryLimiter": {"checkInterval": "0s"}},
        {"memoryLimiter": {"spikeLimitPercentage": 90}},
        {"autoscaling": {"minReplicas": 0}},
    ],
)
def test_the_native_schema_refuses(chart: ChartHandle, values: Mapping[str, object]) -> None:
    with pytest.raises(ValuesRefused):
        chart.render({"otel": values})


@pytest.mark.parametrize(
    "values",
    [
        {"mode": "daemonset"},
        {"fullnameOverride": "other"},
        {"replicaCuont": 3},
        {"autoscaling": {"maxReplicsa": 3}},
        {"ports": {"otlp": {"servicePort": 1}}},
        {"ports": {"jaeger-grpc": {"enabled": True}}},
        {"podSecurityContext": {"runAsNonRoot": False}},
        {"securityContext": {"allowPrivilegeEscalation": True}},
        {"alternateConfig": {"processors": {"btach": {}}}},
        {"alternateConfig": {"processors": {"batch": {"send_batch_sise": 1}}}},
        {"alternateConfig": {"service": {"pipelines": {"profiles": {}}}}},
        {"alternateConfig": {"exporters": {"otlp_grpc/jaegr": {}}}},
    ],
)
def test_the_dependencys_schema_refuses(dependency: ChartHandle, values: Mapping[str, object]) -> None:
    with pytest.raises(ValuesRefused):
        dependency.render({"otel": values})


def test_a_component_of_the_distribution_can_be_added(dependency: ChartHandle) -> None:
    added = {"processors": {"tail_sampling": {"policies": [{"name": "x", "type": "always_sample"}]}}}
    config = configuration(dependency, {"alternateConfig": added})
    assert config["processors"]["tail_sampling"] == added["processors"]["tail_sampling"]
    assert config["processors"]["batch"]["send_batch_size"] == 1024


@pytest.mark.parametrize(
    "arguments",
    [
        ("jaeger", "otlp_grpc", "x:1"),
        ("otlp_http/x", "otlp_grpc", "x:1"),
        ("otlp_grpc/a b", "otlp_grpc", "x:1"),
        ("otlp_grpc/", "otlp_grpc", "x:1"),
        ("otlp_grpc\n", "otlp_grpc", "x:1"),
        ("otlp_grpc", "otlp_grpc", ""),
        ("otlp_grpc", "otlp_grpc", "x:1\n"),
        ("otlp_grpc", "otlp_grpc", "x\x7f:1"),
        ("debug", "debug", "x:1"),
        ("otlp_grpc", "otlp_grpc", "x:1", False, ("a: b", "KEY")),
        ("otlp_grpc", "otlp_grpc", "x:1", False, ("a", "KEY}")),
    ],
)
def test_an_exporter_that_the_collector_could_not_read_is_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(DeclarationError, match="exporter"):
        TelemetryExporter(*arguments)


def test_a_gateway_needs_exporters_with_names_of_their_own() -> None:
    with pytest.raises(DeclarationError, match="needs an exporter"):
        OtelGateway(new_chart(), exporters=())
    with pytest.raises(DeclarationError, match="otlp_http"):
        OtelGateway(new_chart(), exporters=(VENDOR, VENDOR))


def test_values_must_be_those_of_the_strategy() -> None:
    with pytest.raises(DeclarationError, match="takes NativeOtelValues, found OtelChartValues"):
        OtelGateway(new_chart(), strategy="native", values=OtelChartValues())
    with pytest.raises(DeclarationError, match="takes OtelChartValues, found NativeOtelValues"):
        OtelGateway(new_chart(), values=NativeOtelValues())


def test_given_values_are_kept_and_the_rest_is_the_gateways() -> None:
    chart = new_chart()
    OtelGateway(chart, strategy="native", exporters=EXPORTERS, values=NativeOtelValues(replica_count=5))
    values = chart.default_values()["otel"]
    assert values["replicaCount"] == 5
    assert list(values["exporters"]) == ["debug", "otlp_grpc/jaeger", "otlp_http"]
    chart = new_chart()
    OtelGateway(chart, exporters=EXPORTERS, values=OtelChartValues(replica_count=5))
    values = chart.default_values()["otel"]
    assert values["replicaCount"] == 5
    assert values["fullnameOverride"] == NAME
    assert "otlp_grpc/jaeger" in values["alternateConfig"]["exporters"]


# The official chart


def test_the_dependency_is_pinned_aliased_and_can_come_from_a_mirror() -> None:
    chart = new_chart()
    OtelGateway(chart)
    (entry,) = yaml.safe_load(chart.files()["Chart.yaml"])["dependencies"]
    assert (entry["name"], entry["version"], entry["alias"], entry["condition"]) == (
        "opentelemetry-collector",
        KNOWN_VERSION,
        "otel",
        "otel.enabled",
    )
    mirrored = new_chart()
    OtelGateway(mirrored, source=ChartSource(version="0.169.0", repository="oci://mirror.example.com/charts"))
    (entry,) = yaml.safe_load(mirrored.files()["Chart.yaml"])["dependencies"]
    assert (entry["version"], entry["repository"]) == ("0.169.0", "oci://mirror.example.com/charts")
    native_only = gateway_chart("native").files()["Chart.yaml"]
    assert "dependencies" not in yaml.safe_load(native_only)


@needs_upstream
def test_every_key_of_the_official_chart_is_known() -> None:
    defaults = yaml.safe_load((UPSTREAM / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((UPSTREAM / "values.schema.json").read_text(encoding="utf-8"))
    model = type(OtelGateway(new_chart(), exporters=EXPORTERS).values)
    assert list(missing_keys(model, defaults, schema)) == []
    assert unknown_keys(model, defaults, schema) == set()


@needs_upstream
def test_the_official_charts_schema_accepts_the_values() -> None:
    defaults = yaml.safe_load((UPSTREAM / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((UPSTREAM / "values.schema.json").read_text(encoding="utf-8"))
    values = gateway_chart("dependency").default_values()["otel"]
    validator = jsonschema.Draft7Validator(schema)
    assert [error.message for error in validator.iter_errors(_merged(defaults, values))] == []


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
    defaults = yaml.safe_load((UPSTREAM / "values.yaml").read_text(encoding="utf-8"))
    handle = load(with_echo_dependencies(tmp_path / "floe-platform", tmp_path / "echo", {"otel": defaults}))
    again = echoed_values(handle.render({"otel": gateway_chart("dependency").default_values()["otel"]}))
    assert again
    assert prune_nulls(again) == prune_nulls(echoed_values(handle.render({})))


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(under[key], value)
        for key, value in over.items()
        if isinstance(value, Mapping) and isinstance(under.get(key), Mapping)
    }
    return {**under, **over, **both}
