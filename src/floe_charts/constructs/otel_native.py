"""Values of the gateway whose templates are generated here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any

import pydantic
from pydantic import create_model

from floe_charts.constructs.collector_config import (
    CollectorSettings,
    Duration,
    Interval,
    LogLevel,
    TelemetryExporter,
    Verbosity,
    collector_text,
    exporter_body,
)
from floe_charts.helm import DnsName, Field, Image, NodeSelector, Resources, Toleration, Values

__all__ = ["COLLECTOR_IMAGE", "NativeOtelValues", "native_exporter_bodies", "native_settings", "native_values"]

COLLECTOR_IMAGE = Image(
    registry="ghcr.io",
    repository="open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-k8s",
    tag="0.158.0",
)
Percentage = Annotated[int, pydantic.Field(ge=1, le=100)]
Replicas = Annotated[int, pydantic.Field(ge=1, le=100)]
BatchSize = Annotated[int, pydantic.Field(ge=1, le=1_000_000)]


class NativeAutoscaling(Values):
    """Scaling of the collector on CPU."""

    enabled: bool = Field(True, description="Let a HorizontalPodAutoscaler set the number of pods.")
    min_replicas: Replicas = Field(2, description="Fewest pods.")
    max_replicas: Replicas = Field(10, description="Most pods; not less than minReplicas.")
    target_cpu_utilization_percentage: Percentage = Field(
        70, alias="targetCPUUtilizationPercentage", description="CPU that pods shall use, in percent of their request."
    )


class Batch(Values):
    """How telemetry is put together before it is sent."""

    send_batch_size: BatchSize = Field(1024, description="Spans, data points or log records that make a batch.")
    timeout: Duration = Field("10s", description="Time after which a batch is sent whatever its size.")


class MemoryLimiter(Values):
    """When the collector refuses telemetry so as not to run out of memory."""

    check_interval: Interval = Field("5s", description="Time between two looks at the memory in use.")
    # The collector wants the spike below the limit; these bounds make every pair a valid one.
    limit_percentage: int = Field(80, ge=50, le=100, description="Hard limit, in percent of the memory limit.")
    spike_limit_percentage: int = Field(
        20, ge=1, le=49, description="Refuse when this much below the hard limit, in percent of the memory limit."
    )


class DebugExporter(Values):
    """Writes telemetry to the collector's log."""

    verbosity: Verbosity = Field("basic", description="How much of each batch is written.")


class OtlpExporter(Values):
    """Sends telemetry over OTLP."""

    endpoint: str = Field(
        "", description="Where to, as the collector reads it: ${env:NAME} is a variable, $$ a dollar sign."
    )
    insecure: bool = Field(False, description="Send without TLS.")


class Exporters(Values):
    """Where telemetry goes, by the exporter's id."""


class NativeOtelValues(Values):
    """OpenTelemetry Collector as a gateway: takes OTLP on ports 4317 (gRPC) and 4318 (HTTP) and sends it on."""

    enabled: bool = Field(True, description="Run the gateway.")
    image: Image = Field(COLLECTOR_IMAGE, description="Collector; distribution k8s, or one that has its components.")
    replica_count: Replicas = Field(2, description="Pods where autoscaling is off.")
    autoscaling: NativeAutoscaling = NativeAutoscaling()
    resources: Resources = Resources()
    batch: Batch = Batch()
    memory_limiter: MemoryLimiter = MemoryLimiter()
    log_level: LogLevel = Field("info", description="Least level of the collector's own log.")
    exporters: Exporters = Exporters()
    node_selector: NodeSelector = Field({}, description="Labels of the nodes that pods may run on.")
    tolerations: list[Toleration] = Field([], description="Taints that pods tolerate.")


def native_values(
    exporters: Sequence[TelemetryExporter], secret: str, given: NativeOtelValues | None
) -> NativeOtelValues:
    """Values of the native gateway, of a class that declares each of ``exporters`` by its id.

    ``secret`` is the default name of the Secret with the headers' values. The fields that ``given`` sets are kept.
    """
    made = _values_class(tuple(exporters), secret)()
    kept = given.model_fields_set - {"exporters"} if given is not None else ()
    return made.model_copy(update={field: getattr(given, field) for field in kept})


@cache
def _values_class(exporters: tuple[TelemetryExporter, ...], secret: str) -> type[NativeOtelValues]:
    by_id: dict[str, Any] = {}
    for index, exporter in enumerate(exporters):
        default = _exporter_values(exporter)
        by_id[_attribute(index)] = (type(default), pydantic.Field(default, alias=exporter.name))
    group = create_model("Exporters", __base__=Exporters, __doc__=Exporters.__doc__, **by_id)
    fields: dict[str, Any] = {"exporters": (group, group())}
    if any(exporter.header for exporter in exporters):
        text = "Secret with the values of the exporters' headers; its keys are the names of the variables."
        fields["exporter_secret"] = (DnsName, pydantic.Field(secret, description=text))
    return create_model("NativeOtelValues", __base__=NativeOtelValues, __doc__=NativeOtelValues.__doc__, **fields)


def _attribute(index: int) -> str:
    """The attribute of an exporter; its id, which may hold a slash, is the key in values.yaml."""
    return f"exporter{index}"


def _exporter_values(exporter: TelemetryExporter) -> Values:
    if exporter.kind == "debug":
        return DebugExporter()
    return OtlpExporter(endpoint=collector_text(exporter.endpoint), insecure=exporter.insecure)


def native_settings(v: NativeOtelValues) -> CollectorSettings:
    """The collector's settings as expressions."""
    return CollectorSettings(
        check_interval=v.memory_limiter.check_interval,
        limit_percentage=v.memory_limiter.limit_percentage,
        spike_limit_percentage=v.memory_limiter.spike_limit_percentage,
        send_batch_size=v.batch.send_batch_size,
        batch_timeout=v.batch.timeout,
        log_level=v.log_level,
    )


def native_exporter_bodies(v: NativeOtelValues, exporters: Sequence[TelemetryExporter]) -> dict[str, dict[str, Any]]:
    """The exporters' configurations with expressions, by id."""
    bodies: dict[str, dict[str, Any]] = {}
    for index, exporter in enumerate(exporters):
        values = getattr(v.exporters, _attribute(index))
        fields = ("verbosity",) if exporter.kind == "debug" else ("endpoint", "insecure")
        bodies[exporter.name] = exporter_body(exporter, **{field: getattr(values, field) for field in fields})
    return bodies
