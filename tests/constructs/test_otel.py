"""The telemetry gateway: one configuration in both strategies, and what the gateway says of itself."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from floe_charts.constructs.network import (
    INGRESS,
    OTEL_METRICS,
    OTLP_GRPC,
    OTLP_HTTP,
    PROMETHEUS,
    TELEMETRY_OUTSIDE,
)
from floe_charts.constructs.otel.gateway import (
    DEBUG,
    NativeOtelValues,
    OtelChartValues,
    OtelGateway,
    TelemetryExporter,
    TelemetryFlow,
)
from floe_charts.constructs.part import Claim
from floe_charts.constructs.surroundings.connections import Network
from floe_charts.constructs.surroundings.network_policies import NetworkPolicies
from floe_charts.deployment import Deployment
from floe_charts.errors import DeclarationError
from floe_charts.helm import ChartValues, HelmChart
from floe_charts.helm.layers import merge
from floe_charts.verify.engine import ChartHandle
from tests.constructs.collectors import (
    EXPORTERS,
    FLOW,
    JAEGER,
    NAME,
    VENDOR,
    configuration,
    dependent,
    gateway_chart,
    native,
)
from tests.constructs.rendering import new_chart, objects_of, spec_of, written

STRATEGIES = ("dependency", "native")


@pytest.fixture(scope="module")
def native_chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return native(tmp_path_factory.mktemp("native"))


@pytest.fixture(scope="module")
def dependency_chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return dependent(tmp_path_factory.mktemp("dependency"))


@pytest.fixture(params=STRATEGIES)
def chart(request: pytest.FixtureRequest) -> ChartHandle:
    found: ChartHandle = request.getfixturevalue(f"{request.param}_chart")
    return found


# The configuration. Names and fields are those of collector 0.158, distribution k8s.


def test_otlp_comes_in_and_memory_is_limited_and_probes_are_answered(chart: ChartHandle) -> None:
    config = configuration(chart)
    assert config["receivers"] == {
        "otlp": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}, "http": {"endpoint": "0.0.0.0:4318"}}}
    }
    assert config["processors"]["memory_limiter"] == {
        "check_interval": "5s",
        "limit_percentage": 80,
        "spike_limit_percentage": 20,
    }
    assert config["extensions"] == {"health_check": {"endpoint": "0.0.0.0:13133"}}
    assert config["service"]["extensions"] == ["health_check"]


def test_each_signal_has_a_pipeline_and_only_traces_are_sampled(chart: ChartHandle) -> None:
    pipelines = configuration(chart)["service"]["pipelines"]
    exporters = ["debug", "otlp_grpc/jaeger", "otlp_http"]
    rest = {"receivers": ["otlp"], "processors": ["memory_limiter", "batch"], "exporters": exporters}
    sampled = {**rest, "processors": ["memory_limiter", "probabilistic_sampler", "batch"]}
    assert pipelines == {"traces": sampled, "metrics": rest, "logs": rest}


def test_whatever_a_pipeline_names_is_configured(chart: ChartHandle) -> None:
    config = configuration(chart)
    for pipeline in config["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(config[kind])


# Of the distribution's manifest, what a gateway might use.
DISTRIBUTION = {
    "receivers": {"otlp", "prometheus", "jaeger", "zipkin", "file_log"},
    "processors": {"batch", "memory_limiter", "probabilistic_sampler", "tail_sampling", "attributes", "resource"},
    "exporters": {"debug", "nop", "otlp_grpc", "otlp_http", "file", "loadbalancing"},
    "extensions": {"health_check", "zpages", "pprof", "basicauth", "bearertokenauth", "headers_setter"},
}


def test_every_component_is_in_the_distribution(chart: ChartHandle) -> None:
    config = configuration(chart)
    for kind, known in DISTRIBUTION.items():
        assert {name.partition("/")[0] for name in config[kind]} <= known
    assert set(config) == {*DISTRIBUTION, "service"}


def test_the_collectors_own_metrics_are_served_to_others(chart: ChartHandle) -> None:
    [reader] = configuration(chart)["service"]["telemetry"]["metrics"]["readers"]
    assert reader == {"pull": {"exporter": {"prometheus": {"host": "0.0.0.0", "port": OTEL_METRICS.port}}}}


def test_sizes_and_delays_are_those_of_the_artifacts(chart: ChartHandle) -> None:
    config = configuration(chart)
    batch = {"send_batch_size": 1024, "send_batch_max_size": 1024, "timeout": "1500ms"}
    assert config["processors"]["batch"] == batch
    for name in ("otlp_grpc/jaeger", "otlp_http"):
        assert config["exporters"][name]["timeout"] == "20s"
        assert config["exporters"][name]["sending_queue"] == {"queue_size": 4096}


def test_exporters_send_where_they_are_told_to(chart: ChartHandle) -> None:
    sending = {"timeout": "20s", "sending_queue": {"queue_size": 4096}}
    assert configuration(chart)["exporters"] == {
        "debug": {"verbosity": "basic"},
        "otlp_grpc/jaeger": {"endpoint": "jaeger:4317", "tls": {"insecure": True}, **sending},
        "otlp_http": {
            "endpoint": "https://otlp.example.com",
            "tls": {"insecure": False},
            "headers": {"X-Api-Key": "${env:VENDOR_KEY}"},
            **sending,
        },
    }


@pytest.mark.parametrize("exporters", [(DEBUG,), (JAEGER,), EXPORTERS], ids=["debug", "one", "several"])
def test_both_strategies_configure_the_same_collector(tmp_path: Path, exporters: tuple[TelemetryExporter, ...]) -> None:
    ours = configuration(native(tmp_path / "native", exporters))
    assert configuration(dependent(tmp_path / "dependency", exporters)) == ours


def test_debug_takes_what_nobody_else_does_and_can_take_all() -> None:
    traces = TelemetryExporter("otlp_grpc/jaeger", "otlp_grpc", "jaeger:4317", signals=("traces",))
    for exporters in ((traces,), (traces, DEBUG)):
        values = gateway_chart("native", exporters).default_values()["otel"]
        assert "debug" in values["exporters"]
        assert "debug" in values["pipelines"]["metrics"]
    alone = gateway_chart("native", (traces,)).default_values()["otel"]["pipelines"]
    assert alone == {"traces": ["otlp_grpc/jaeger"], "metrics": ["debug"], "logs": ["debug"]}
    everything = gateway_chart("native", (JAEGER,)).default_values()["otel"]
    assert everything["pipelines"]["traces"] == ["otlp_grpc/jaeger"]
    assert "debug" in everything["exporters"]


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


# Environments


def sampled(handle: ChartHandle, strategy: str, environment: str) -> float:
    part = OtelGateway(new_chart(), strategy=strategy, exporters=EXPORTERS, flow=FLOW)  # type: ignore[arg-type]
    layer = part.environment_values(Deployment.default().environment(environment))
    found = configuration(handle, layer)["processors"]["probabilistic_sampler"]["sampling_percentage"]
    assert isinstance(found, int | float)
    return found


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_artifacts_ratio_of_the_environments_stage_holds(strategy: str, request: pytest.FixtureRequest) -> None:
    handle = request.getfixturevalue(f"{strategy}_chart")
    assert {name: sampled(handle, strategy, name) for name in ("dev", "test", "qa", "staging", "prod")} == {
        "dev": 100,
        "test": 100,
        "qa": 50,
        "staging": 50,
        "prod": 7,
    }


def test_of_several_products_the_largest_of_each_number_holds() -> None:
    one = TelemetryFlow(max_queue_size=10, schedule_delay_millis=900, sampling=(("dev", 0.2), ("prod", 0.1)))
    other = TelemetryFlow(max_queue_size=5, schedule_delay_millis=9000, sampling=(("dev", 0.1), ("prod", 0.3)))
    both = TelemetryFlow.largest([one, other])
    assert (both.max_queue_size, both.batch_timeout, both.max_export_batch_size) == (10, "9s", 512)
    assert (both.percentage("dev"), both.percentage("prod"), both.percentage("staging")) == (20.0, 30.0, 100.0)
    assert TelemetryFlow.largest([]) == TelemetryFlow()


@pytest.mark.parametrize("name", ["max_export_batch_size", "max_queue_size", "schedule_delay_millis"])
@pytest.mark.parametrize("number", [0, 10**12])
def test_a_number_that_the_values_would_not_take_is_refused(name: str, number: int) -> None:
    with pytest.raises(DeclarationError, match=f"{name} is {number}"):
        TelemetryFlow(**{name: number})  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_environment_may_send_elsewhere_or_nowhere(strategy: str, request: pytest.FixtureRequest) -> None:
    only_debug: dict[str, Any] = {"pipelines": {"traces": ["debug"], "metrics": ["debug"], "logs": ["debug"]}}
    if strategy == "dependency":
        pipelines = {signal: {"exporters": ["debug"]} for signal in ("traces", "metrics", "logs")}
        only_debug = {"alternateConfig": {"service": {"pipelines": pipelines}}}
    config = configuration(request.getfixturevalue(f"{strategy}_chart"), only_debug)
    assert {tuple(pipeline["exporters"]) for pipeline in config["service"]["pipelines"].values()} == {("debug",)}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_only_where_availability_matters_pods_are_scaled_and_budgeted(strategy: str) -> None:
    part = OtelGateway(new_chart(), strategy=strategy)  # type: ignore[arg-type]
    prod = part.environment_values(Deployment.default().environment("prod"))
    assert (prod["autoscaling"], prod["podDisruptionBudget"]) == ({"enabled": True}, {"enabled": True})
    for name in ("dev", "test", "staging"):
        layer = part.environment_values(Deployment.default().environment(name))
        assert "autoscaling" not in layer
        assert layer.get("service") == ({"type": "NodePort"} if name != "staging" else None)


# What others need to know


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_the_gateway_declares(strategy: str) -> None:
    chart = new_chart()
    part = OtelGateway(chart, strategy=strategy, exporters=EXPORTERS)  # type: ignore[arg-type]
    assert part.endpoints() == (OTLP_GRPC, OTLP_HTTP, OTEL_METRICS)
    assert [workload.name for workload in part.workloads()] == ["otel"]
    assert [scrape.endpoint for scrape in part.scrapes()] == [OTEL_METRICS]
    assert [(edge.source, edge.target, edge.when is None) for edge in part.edges()] == [
        ("otel", TELEMETRY_OUTSIDE, True),
        (PROMETHEUS, OTEL_METRICS, True),
        (INGRESS, OTLP_GRPC, False),
        (INGRESS, OTLP_HTTP, False),
    ]


BACKEND = {"endpoint": "tempo.example.com:9999"}
ELSEWHERE: Mapping[str, Mapping[str, Any]] = {
    "dependency": {
        "alternateConfig": {
            "exporters": {"otlp_grpc": BACKEND},
            "service": {"pipelines": {"traces": {"exporters": ["otlp_grpc"]}}},
        }
    },
    "native": {"backends": {"tempo": {"protocol": "grpc", **BACKEND}}},
}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_policies_let_telemetry_out_once_values_name_a_backend(tmp_path: Path, strategy: str) -> None:
    chart = new_chart()
    part = OtelGateway(chart, strategy=strategy)  # type: ignore[arg-type]
    policies = NetworkPolicies(chart, network=Network([part]))
    handle = written(chart, tmp_path)
    for values, expected in (({}, []), (ELSEWHERE[strategy], [{"ports": [{"protocol": "TCP", "port": 9999}]}])):
        final = merge(chart.default_values(), {"otel": values})
        outside = policies.derived_values(chart.default_values(), final)
        objects = objects_of(handle, {"otel": values, "networkPolicies": outside})
        policy = spec_of(objects, f"NetworkPolicy/{NAME}")
        assert (policy["policyTypes"], policy.get("egress", [])) == (["Ingress", "Egress"], expected)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_synth_says_where_telemetry_goes_nowhere(strategy: str) -> None:
    chart = new_chart()
    part = OtelGateway(chart, strategy=strategy, log_in=["dev"])  # type: ignore[arg-type]
    values = chart.default_values()
    elsewhere = merge(values, {"otel": ELSEWHERE[strategy]})
    off = merge(values, {"otel": {"enabled": False}})
    served = {"dev": values, "qa": values, "uat": off, "prod": elsewhere}
    [line] = part.notices(served)
    assert line.startswith("otel only writes telemetry to its log in qa: set otel.")
    assert part.notices({"prod": elsewhere}) == []
    assert OtelGateway(new_chart(), strategy=strategy).notices(served) == ()  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_policies_open_the_ports_that_the_endpoints_name(strategy: str) -> None:
    def ports(*endpoints: str) -> object:
        exporters = [TelemetryExporter(f"otlp_http/{i}", "otlp_http", one) for i, one in enumerate(endpoints)]
        chart = new_chart()
        part = OtelGateway(chart, strategy=strategy, exporters=exporters)  # type: ignore[arg-type]
        return {outside.id: numbers for outside, numbers in part.outside_ports(chart.default_values()["otel"]).items()}

    assert ports("https://a.example.com", "b:4317", "http://c:4318/v1") == {}
    assert ports("https://a.example.com", "b:9999", "${env:HOST}") == {"telemetry": [443, 9999]}


def test_the_check_sends_a_span_that_is_valid_json() -> None:
    [check] = OtelGateway(HelmChart("x", values=named("acme")), strategy="native").checks()
    words = shlex.split(check.script)
    assert words[0] == "curl"
    assert words[-1].endswith("-otel:4318/v1/traces")
    [span] = json.loads(words[words.index("--data") + 1])["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert (len(span["traceId"]), len(span["spanId"]), span["name"]) == (32, 16, "helm-test")
    assert check.edges == (OTLP_HTTP,)


def named(fullname: str) -> ChartValues:
    return ChartValues(fullname_override=fullname)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_it_claims_what_its_pods_may_ask_for(strategy: str) -> None:
    chart = new_chart()
    part = OtelGateway(chart, strategy=strategy)  # type: ignore[arg-type]
    values = chart.default_values()["otel"]
    assert part.claims(values) == (Claim(2, values["resources"]),)
    scaled = merge(values, {"autoscaling": {"enabled": True, "maxReplicas": 12}})
    assert part.claims(scaled) == (Claim(15, values["resources"]),)
    assert part.claims({**values, "enabled": False}) == ()


# Secrets


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_secret_is_required_only_where_an_exporter_has_a_header(strategy: str) -> None:
    with_header = OtelGateway(new_chart(), strategy=strategy, exporters=EXPORTERS)  # type: ignore[arg-type]
    [secret] = with_header.required_secrets()
    assert (secret.name, secret.key_names, secret.can_be_generated) == (f"{NAME}-exporter", ("VENDOR_KEY",), False)
    assert OtelGateway(new_chart(), strategy=strategy).required_secrets() == ()  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_names_follow_the_charts_full_name(strategy: str) -> None:
    chart = HelmChart("x", values=named("acme"), fixed_fullname=True)
    gateway = OtelGateway(chart, strategy=strategy, exporters=EXPORTERS)  # type: ignore[arg-type]
    assert gateway.required_secrets()[0].name == "acme-otel-exporter"
    assert "floe-platform" not in chart.files()["values.yaml"]


# What is refused


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
    OtelGateway(chart, strategy="native", exporters=EXPORTERS, values=NativeOtelValues(replicas=5))
    values: Mapping[str, Any] = chart.default_values()["otel"]
    assert values["replicas"] == 5
    assert list(values["exporters"]) == ["debug", "otlp_grpc/jaeger", "otlp_http"]
    chart = new_chart()
    OtelGateway(chart, exporters=EXPORTERS, values=OtelChartValues(replica_count=5))
    values = chart.default_values()["otel"]
    assert values["replicaCount"] == 5
    assert values["fullnameOverride"] == NAME
    assert "otlp_grpc/jaeger" in values["alternateConfig"]["exporters"]
