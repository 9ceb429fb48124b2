"""The telemetry gateway: an OpenTelemetry Collector that every part sends OTLP to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, cast

from floe_charts.constructs.collector_config import (
    DEBUG,
    HEALTH_PORT,
    TelemetryExporter,
    collector_config,
    for_every_signal,
    header_variables,
)
from floe_charts.constructs.network import OTLP_GRPC, OTLP_HTTP, Endpoint
from floe_charts.constructs.otel_chart import CHART_NAME, KNOWN_VERSION, OtelChartValues, chart_values
from floe_charts.constructs.otel_native import (
    NativeOtelValues,
    native_exporter_bodies,
    native_settings,
    native_values,
)
from floe_charts.constructs.part import PlatformPart, RequiredSecret, SecretKey
from floe_charts.deployment import ChartSource, Components, Environment
from floe_charts.errors import DeclarationError
from floe_charts.helm import (
    HelmChart,
    Template,
    Values,
    http_probe,
    not_,
    raw_template,
    secret_key,
    when,
    yaml_text,
)
from floe_charts.helm.expr import node_of

__all__ = ["DEBUG", "KNOWN_VERSION", "NativeOtelValues", "OtelChartValues", "OtelGateway", "TelemetryExporter"]

_CONFIG_FILE = "collector.yaml"
_CONFIG_DIR = "/conf"


class OtelGateway(PlatformPart[Values]):
    """An OpenTelemetry Collector in front of everything: OTLP over gRPC on 4317 and over HTTP on 4318.

    Strategy ``dependency`` hands typed values to the official chart, ``native`` makes every object here. The
    collector's configuration is the same in both (:func:`~floe_charts.constructs.collector_config.collector_config`).
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
        values: NativeOtelValues | OtelChartValues | None = None,
    ) -> None:
        """``source`` says which official chart; without it the one whose keys are known.

        ``values`` are defaults of the strategy's own class, :class:`NativeOtelValues` or :class:`OtelChartValues`;
        what they leave unset is the gateway's.

        Raises :class:`DeclarationError` where there is no exporter, two have one name, or ``values`` are of the other
        strategy.
        """
        self.strategy = strategy
        self.exporters = for_every_signal(exporters)
        self.secret_name = f"{OTLP_GRPC.static_host(chart)}-exporter"
        self._check_exporters(id)
        expected = NativeOtelValues if strategy == "native" else OtelChartValues
        if values is not None and not isinstance(values, expected):
            found = type(values).__name__
            raise DeclarationError(f"{id}: strategy {strategy} takes {expected.__name__}, found {found}")
        super().__init__(chart, id, self._values(chart, values))
        if strategy == "dependency":
            self.depend_on(CHART_NAME, source or Components().otel.chart, known_version=KNOWN_VERSION)

    def _check_exporters(self, id: str) -> None:
        names = [exporter.name for exporter in self.exporters]
        if not names:
            raise DeclarationError(f"{id}: the collector needs an exporter, such as debug")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DeclarationError(f"{id}: two exporters are called {', '.join(twice)}")

    def _values(self, chart: HelmChart, given: Values | None) -> Values:
        if self.strategy == "native":
            return native_values(self.exporters, self.secret_name, cast("NativeOtelValues | None", given))
        fullname = OTLP_GRPC.static_host(chart)
        return chart_values(fullname, self.exporters, self.secret_name, cast("OtelChartValues | None", given))

    def endpoints(self) -> tuple[Endpoint, ...]:
        """OTLP over gRPC and over HTTP."""
        return (OTLP_GRPC, OTLP_HTTP)

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The Secret with the values of the exporters' headers, where one has a header."""
        keys = header_variables(self.exporters)
        if not keys:
            return ()
        purpose = "headers that the telemetry gateway authenticates with"
        made = tuple(SecretKey(key) for key in keys)
        return (
            RequiredSecret("otelExporter", self.secret_name, made, purpose, condition=f"{self.id}.enabled is true"),
        )

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """One pod and no autoscaling in development and test; two pods or more elsewhere."""
        if environment.kind in ("development", "test") and not environment.high_availability:
            return {"replicaCount": 1, "autoscaling": {"enabled": False}}
        return {}

    # Strategy native

    def build(self, v: Values) -> None:
        """Make the objects of strategy ``native``; the official chart makes its own."""
        if self.strategy == "native":
            self._build_native(cast("NativeOtelValues", v))

    def _build_native(self, v: NativeOtelValues) -> None:
        part = self.part(OTLP_GRPC.suffix, ports={port.port_name: port.port for port in self.endpoints()})
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": part.metadata()}
        with self.when(v.enabled):
            config = self.add(self._config_map(v, part.name))
            self.add({**account, "automountServiceAccountToken": False})
            self.add(self._deployment(v, config))
            self.add(part.service())
            with self.when(v.autoscaling.enabled):
                self.add(
                    part.horizontal_pod_autoscaler(
                        minimum=v.autoscaling.min_replicas,
                        maximum=v.autoscaling.max_replicas,
                        cpu_percent=v.autoscaling.target_cpu_utilization_percentage,
                    )
                )

    def _config_map(self, v: NativeOtelValues, name: str) -> dict[str, object]:
        config = collector_config(native_settings(v), self.exporters, native_exporter_bodies(v, self.exporters))
        return self.config_map(name, {_CONFIG_FILE: yaml_text(config)}, OTLP_GRPC.suffix)

    def _deployment(self, v: NativeOtelValues, config: Template) -> dict[str, object]:
        part = self.part(OTLP_GRPC.suffix)
        collector = self.container(
            "collector",
            v.image,
            args=[f"--config={_CONFIG_DIR}/{_CONFIG_FILE}"],
            ports={**{port.port_name: port.port for port in self.endpoints()}, "health": HEALTH_PORT},
            env={"GOMEMLIMIT": _go_memory_limit(v.resources.limits.memory), **self._header_env(v)},
            resources=v.resources,
            mounts={"config": _CONFIG_DIR},
            livenessProbe=http_probe("/", "health"),
            readinessProbe=http_probe("/", "health"),
        )
        return part.deployment(
            # A number here would fight with the HorizontalPodAutoscaler at every upgrade.
            replicas=when(not_(v.autoscaling.enabled), v.replica_count),
            containers=[collector],
            volumes=[{"name": "config", "configMap": {"name": part.name}}],
            checksums={"config": config},
            pod={"serviceAccountName": part.name, "nodeSelector": v.node_selector, "tolerations": v.tolerations},
        )

    def _header_env(self, v: NativeOtelValues) -> dict[str, object]:
        keys = header_variables(self.exporters)
        # Declared only where an exporter has a header (native_values).
        return {key: secret_key(cast("str", getattr(v, "exporter_secret")), key) for key in keys}  # noqa: B009


def _go_memory_limit(memory: str) -> str:
    """80 % of a memory limit in bytes, the share that the official chart gives to Go."""
    path = node_of(memory).go(".")
    powers = {
        "": "1",
        "m": "0.001",
        **{unit: str(1000**n) for n, unit in enumerate("kMGTP", 1)},
        **{f"{unit}i": str(1024**n) for n, unit in enumerate("KMGTP", 1)},
    }
    factors = "dict " + " ".join(f'"{unit}" {factor}' for unit, factor in powers.items())
    amount = f'(regexFind "^[0-9.]+" {path} | float64)'
    return raw_template(
        f'mulf {amount} (get ({factors}) (regexFind "[A-Za-z]*$" {path})) 0.8 | int64', like="", reads=[memory]
    )
