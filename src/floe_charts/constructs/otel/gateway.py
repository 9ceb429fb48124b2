"""The telemetry gateway: an OpenTelemetry Collector that every part sends OTLP to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, cast

from floe_charts.constructs.network import (
    INGRESS,
    OTEL_METRICS,
    OTLP_GRPC,
    OTLP_HTTP,
    PROMETHEUS,
    TELEMETRY_OUTSIDE,
    Edge,
    Endpoint,
    Outside,
    Workload,
)
from floe_charts.constructs.otel.chart import (
    CHART_NAME,
    KNOWN_VERSION,
    OtelChartValues,
    chart_values,
    derived_chart_values,
)
from floe_charts.constructs.otel.collector_config import (
    DEBUG,
    HEALTH_PORT,
    TelemetryExporter,
    collector_config,
    header_variables,
    with_debug,
)
from floe_charts.constructs.otel.flow import TelemetryFlow
from floe_charts.constructs.otel.native import (
    GO_MEMORY_LIMIT,
    NativeOtelValues,
    go_memory_limit,
    native_exporter_bodies,
    native_settings,
    native_values,
)
from floe_charts.constructs.part import (
    Check,
    Claim,
    PlatformPart,
    RequiredSecret,
    Scrape,
    SecretKey,
    workload_claim,
)
from floe_charts.constructs.ports import port_of
from floe_charts.constructs.service_values import opens_outward, service_fields
from floe_charts.deployment import ChartSource, Components, Environment
from floe_charts.errors import DeclarationError
from floe_charts.helm import HelmChart, Part, Template, Values, http_probe, nonempty, secret_key, yaml_text
from floe_charts.helm.expr import node_of
from floe_charts.helm.functions import raw_template

__all__ = [
    "DEBUG",
    "KNOWN_VERSION",
    "NativeOtelValues",
    "OtelChartValues",
    "OtelGateway",
    "TelemetryExporter",
    "TelemetryFlow",
]

_CONFIG_FILE = "collector.yaml"
_CONFIG_DIR = "/conf"
_SPAN = (
    '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"helm-test"}}]},'
    '"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174",'
    '"name":"helm-test","kind":1,"startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]}'
)


class OtelGateway(PlatformPart[Values]):
    """An OpenTelemetry Collector in front of everything: OTLP over gRPC on 4317 and over HTTP on 4318.

    Traces, metrics and logs each have a pipeline; where they go, and which share of the traces is kept, is particular
    to an environment. Port 8888 serves the collector's own metrics. Strategy ``dependency`` hands typed values to the
    official chart, ``native`` makes every object here. The collector's configuration is the same in both
    (:func:`~floe_charts.constructs.otel.collector_config.collector_config`).
    """

    title: ClassVar[str] = "OpenTelemetry Collector"

    def __init__(
        self,
        chart: HelmChart,
        id: str = "otel",
        *,
        strategy: Literal["dependency", "native"] = "dependency",
        source: ChartSource | None = None,
        exporters: Sequence[TelemetryExporter] = (DEBUG,),
        flow: TelemetryFlow | None = None,
        log_in: Sequence[str] | None = None,
        values: NativeOtelValues | OtelChartValues | None = None,
    ) -> None:
        """``source`` says which official chart; without it the one whose keys are known.

        ``flow`` are sizes, delays and sampling, where several products have their own the largest of each
        (:meth:`TelemetryFlow.largest`). ``log_in`` names the environments where nobody needs to be told that telemetry
        ends in the collector's own log; None: all. ``values`` are defaults of the strategy's own class,
        :class:`NativeOtelValues` or :class:`OtelChartValues`; what they leave unset is the gateway's.

        Raises :class:`DeclarationError` where there is no exporter, two have one name, or ``values`` are of the other
        strategy.
        """
        self.strategy = strategy
        self.exporters = _checked(id, exporters)
        self.flow = flow or TelemetryFlow()
        self.log_in = log_in
        self.secret_name = f"{OTLP_GRPC.static_host(chart)}-exporter"
        expected = NativeOtelValues if strategy == "native" else OtelChartValues
        if values is not None and not isinstance(values, expected):
            found = type(values).__name__
            raise DeclarationError(f"{id}: strategy {strategy} takes {expected.__name__}, found {found}")
        super().__init__(chart, id, self._values(chart, values))
        if strategy == "dependency":
            self.depend_on(CHART_NAME, source or Components().otel.chart, known_version=KNOWN_VERSION)

    def _values(self, chart: HelmChart, given: Values | None) -> Values:
        if self.strategy == "native":
            return native_values(self.exporters, self.secret_name, self.flow, cast("NativeOtelValues | None", given))
        return chart_values(chart, self.exporters, self.secret_name, self.flow, cast("OtelChartValues | None", given))

    @property
    def _enabled(self) -> bool:
        """Of either class."""
        return cast("NativeOtelValues", self.refs).enabled

    def endpoints(self) -> tuple[Endpoint, ...]:
        """OTLP over gRPC and over HTTP, and the collector's own metrics."""
        return (OTLP_GRPC, OTLP_HTTP, OTEL_METRICS)

    def workloads(self) -> tuple[Workload, ...]:
        """The collector's pods."""
        return (Workload(OTLP_GRPC.workload, "OpenTelemetry Collector", self._enabled),)

    def edges(self) -> tuple[Edge, ...]:
        """The collector sends to backends, where an exporter is one; who sends to it says so itself."""
        outward = opens_outward(cast("NativeOtelValues", self.refs).service.type)
        return (
            Edge(OTLP_GRPC.workload, TELEMETRY_OUTSIDE, "traces, metrics and logs", self._sends),
            Edge(PROMETHEUS, OTEL_METRICS, "metrics"),
            Edge(INGRESS, OTLP_GRPC, "telemetry", outward),
            Edge(INGRESS, OTLP_HTTP, "telemetry", outward),
        )

    @property
    def _sends(self) -> bool | None:
        """The condition that telemetry goes further than the collector's log; None where it does in any case."""
        if any(exporter.kind != "debug" for exporter in self.exporters):
            return None
        if self.strategy == "native":
            return nonempty(cast("NativeOtelValues", self.refs).backends)
        exporters = getattr(self.refs, "alternate_config").exporters  # noqa: B009
        further = f'not (empty (omit {node_of(exporters).go(".")} "{DEBUG.name}"))'
        return raw_template(further, like=True, reads=[exporters])

    def outside_ports(self, values: Mapping[str, Any]) -> Mapping[Outside, Sequence[int]]:
        """The ports of the exporters' endpoints, where one is not among those that backends have anyway."""
        addresses = [one["endpoint"] for one in self._exporters_in(values) if "endpoint" in one]
        ports = {port for port in map(port_of, addresses) if port is not None}
        return {} if ports <= set(TELEMETRY_OUTSIDE.ports) else {TELEMETRY_OUTSIDE: sorted(ports)}

    def _exporters_in(self, values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The exporters among the final values."""
        native = self.strategy == "native"
        tree = values if native else values["alternateConfig"]
        further = values["backends"].values() if native else ()
        return [one for one in (*tree["exporters"].values(), *further) if isinstance(one, Mapping)]

    def scrapes(self) -> tuple[Scrape, ...]:
        """The collector's own metrics."""
        return (Scrape(OTEL_METRICS, when=self._enabled),)

    def checks(self) -> tuple[Check, ...]:
        """A span is taken."""
        url = OTLP_HTTP.url(self.chart, "/v1/traces")
        send = f"curl -fsS -H 'Content-Type: application/json' --data '{_SPAN}' {url}"
        return (Check("otel", send, (OTLP_HTTP,), when=self._enabled),)

    def claims(self, values: Mapping[str, Any]) -> Sequence[Claim]:
        """The collector's pods."""
        if not values["enabled"]:
            return ()
        return (workload_claim({"replicas": values.get("replicaCount"), **values}),)

    def notices(self, served: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
        """Where telemetry is only written to the collector's log, and so is gone."""
        if self.log_in is None:
            return ()
        others = {name: values[self.id] for name, values in served.items() if name not in self.log_in}
        lost = [name for name, own in others.items() if own["enabled"] and not self._leaves(own)]
        where = "backends" if self.strategy == "native" else "alternateConfig.exporters and .service.pipelines"
        told = f"{self.id} only writes telemetry to its log in {', '.join(lost)}: set {self.id}.{where}"
        return [told] if lost else []

    def _leaves(self, values: Mapping[str, Any]) -> bool:
        """Whether a pipeline leads to something else than the collector's log."""
        if self.strategy == "native":
            used, further = values["pipelines"].values(), bool(values["backends"])
        else:
            pipelines = values["alternateConfig"]["service"]["pipelines"].values()
            used, further = [one["exporters"] for one in pipelines], False
        return further or any(name != DEBUG.name for names in used for name in names)

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The Secret with the values of the exporters' headers, where one has a header."""
        keys = header_variables(self.exporters)
        if not keys:
            return ()
        return (
            RequiredSecret(
                "otelExporter",
                self.secret_name,
                tuple(SecretKey(key) for key in keys),
                "headers that the telemetry gateway authenticates with",
                self._secret_reference if self.strategy == "native" else None,
                self._enabled,
                f"{self.id}.enabled is true",
            ),
        )

    @property
    def _secret_reference(self) -> str:
        """Declared only where an exporter has a header (:func:`native_values`)."""
        return cast("str", getattr(self.refs, "exporter_secret"))  # noqa: B009

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """The share of the traces that is kept; autoscaling where high availability matters."""
        percentage = self.flow.percentage(environment.sampling)
        if self.strategy == "native":
            sampled: dict[str, Any] = {"sampling": {"percentage": percentage}}
        else:
            sampler = {"probabilistic_sampler": {"sampling_percentage": percentage}}
            sampled = {"alternateConfig": {"processors": sampler}}
        if environment.high_availability:
            return {**sampled, "autoscaling": {"enabled": True}, "podDisruptionBudget": {"enabled": True}}
        if environment.kind in ("development", "test"):
            return {**sampled, "service": {"type": "NodePort"}}
        return sampled

    def derived_values(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What holds of all objects, for the official chart; templates of our own see it themselves."""
        return derived_chart_values(values) if self.strategy == "dependency" else {}

    # Strategy native

    def build(self, v: Values) -> None:
        """Make the objects of strategy ``native``; the official chart makes its own."""
        if self.strategy == "native":
            self._build_native(cast("NativeOtelValues", v))

    def _build_native(self, v: NativeOtelValues) -> None:
        part = self.part(OTLP_GRPC.workload, ports={port.port_name: port.port for port in self.endpoints()})
        with self.when(v.enabled):
            config = self.add(self._config_map(v, part))
            part.add_service_account(v)
            self.add(self._deployment(v, part, config))
            self.add(part.service(**service_fields(v.service)))
            part.add_scaling(v)

    def _config_map(self, v: NativeOtelValues, part: Part) -> dict[str, Any]:
        config = collector_config(native_settings(v), native_exporter_bodies(v, self.exporters))
        return self.config_map(part.name, {_CONFIG_FILE: yaml_text(config)}, part.part_name)

    def _deployment(self, v: NativeOtelValues, part: Part, config: Template) -> dict[str, Any]:
        headers = {key: secret_key(self._secret_reference, key) for key in header_variables(self.exporters)}
        return part.deployment(
            image=v.image,
            args=[f"--config={_CONFIG_DIR}/{_CONFIG_FILE}"],
            ports={**part.ports, "health": HEALTH_PORT},
            env={GO_MEMORY_LIMIT: go_memory_limit(v), **headers},
            resources=v.resources,
            mounts={"config": _CONFIG_DIR},
            livenessProbe=http_probe("/", "health"),
            readinessProbe=http_probe("/", "health"),
            volumes=[{"name": "config", "configMap": {"name": part.name}}],
            checksums={"config": config},
            values=v,
        )


def _checked(id: str, exporters: Sequence[TelemetryExporter]) -> tuple[TelemetryExporter, ...]:
    """The exporters, each of a name of its own, so many that each signal has one."""
    names = [exporter.name for exporter in exporters]
    if not names:
        raise DeclarationError(f"{id}: the collector needs an exporter, such as debug")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DeclarationError(f"{id}: two exporters are called {', '.join(twice)}")
    return with_debug(exporters)
