"""The collector's configuration as values of the official chart: the class of ``alternateConfig``."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

import pydantic
from pydantic import StringConstraints, create_model

from floe_charts.constructs.network import OTEL_METRICS
from floe_charts.constructs.otel.chart_components import (
    Address,
    CollectorObject,
    DebugExporterConfig,
    ExportersConfig,
    Extensions,
    OtlpExporterConfig,
    Processors,
    Receivers,
)
from floe_charts.constructs.otel.collector_config import (
    CollectorSettings,
    LogLevel,
    TelemetryExporter,
    collector_config,
    collector_text,
    exporter_body,
    exporters_by_signal,
)
from floe_charts.constructs.otel.flow import TelemetryFlow
from floe_charts.helm import Const
from floe_charts.helm.patterns import form

__all__ = ["CollectorConfig", "chart_config", "template_text"]

_ComponentId = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^[a-z][a-z0-9_]*(/[A-Za-z0-9][A-Za-z0-9_-]*)?$",
            "a component of the collector: its type, or type/name, such as otlp or otlp/jaeger",
        )
    ),
]


def template_text(text: str) -> str:
    """``text`` as the chart wants it, which sends its configuration through ``tpl``: braces are not evaluated.

    Without spaces and double quotes, so that it stays whole in whatever style the YAML writer chooses.
    """
    return text.replace("{{", "{{`{{`}}")


class Pipeline(CollectorObject):
    """The way of one kind of telemetry, by the ids of components."""

    receivers: list[_ComponentId] = pydantic.Field(min_length=1, description="Where it comes from.")
    processors: list[_ComponentId] = pydantic.Field(description="What happens to it, in this order.")
    exporters: list[_ComponentId] = pydantic.Field(
        min_length=1, description="Where it goes; an environment may send to others, or only to debug."
    )


class Pipelines(CollectorObject):
    """The ways of telemetry through the collector."""

    traces: Pipeline = pydantic.Field(description="Traces.")
    metrics: Pipeline = pydantic.Field(description="Metrics.")
    logs: Pipeline = pydantic.Field(description="Logs.")


class CollectorLogs(CollectorObject):
    """The collector's own log."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "development",
            "disable_caller",
            "disable_stacktrace",
            "disable_zap_resource",
            "error_output_paths",
            "initial_fields",
            "output_paths",
            "processors",
            "sampling",
        }
    )
    level: LogLevel = pydantic.Field(description="Least level that is written.")
    encoding: Literal["json", "console"] = pydantic.Field(description="Form of a line.")


class PrometheusServer(CollectorObject):
    """Where Prometheus finds the metrics."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "translation_strategy",
            "with_resource_constant_labels",
            "without_scope_info",
            "without_type_suffix",
            "without_units",
        }
    )
    host: Address = pydantic.Field(description="Address to listen on.")
    port: Annotated[int, Const(OTEL_METRICS.port)] = pydantic.Field(description="Port of the Service.")


class PullExporter(CollectorObject):
    """Waits to be asked."""

    prometheus: PrometheusServer


class PullReader(CollectorObject):
    """Gives metrics away when asked."""

    exporter: PullExporter


class MetricReader(CollectorObject):
    """Where metrics of the collector itself go."""

    pull: PullReader


class CollectorMetrics(CollectorObject):
    """The collector's own metrics."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"views"})
    level: Literal["basic", "normal", "detailed"] = pydantic.Field(description="How many there are.")
    readers: list[MetricReader] = pydantic.Field(min_length=1, max_length=1, description="Where they go.")


class CollectorTelemetry(CollectorObject):
    """What the collector tells of itself."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"resource", "traces"})
    logs: CollectorLogs
    metrics: CollectorMetrics


class CollectorService(CollectorObject):
    """Which of the components run, and how they are put together."""

    extensions: list[_ComponentId] = pydantic.Field(min_length=1, description="Extensions that run.")
    telemetry: CollectorTelemetry
    pipelines: Pipelines


class CollectorConfig(CollectorObject):
    """Configuration of the collector, whole: takes the place of the chart's own."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"connectors"})
    receivers: Receivers
    processors: Processors
    exporters: ExportersConfig
    extensions: Extensions
    service: CollectorService


def chart_config(exporters: Sequence[TelemetryExporter], flow: TelemetryFlow) -> CollectorConfig:
    """The configuration, of a class that declares each of ``exporters`` by its id."""
    settings = CollectorSettings(
        exporters=exporters_by_signal(exporters),
        send_batch_size=flow.max_export_batch_size,
        batch_timeout=flow.batch_timeout,
    )
    config = collector_config(settings, {exporter.name: _body(exporter, flow) for exporter in exporters})
    return _config_class(tuple(exporters)).model_validate(config)


def _body(exporter: TelemetryExporter, flow: TelemetryFlow) -> dict[str, Any]:
    return exporter_body(
        exporter,
        endpoint=template_text(collector_text(exporter.endpoint)),
        insecure=exporter.insecure,
        timeout=flow.export_timeout,
        queue_size=flow.max_queue_size,
    )


@cache
def _config_class(exporters: tuple[TelemetryExporter, ...]) -> type[CollectorConfig]:
    by_id: dict[str, Any] = {
        f"exporter{index}": (
            DebugExporterConfig if exporter.kind == "debug" else OtlpExporterConfig,
            pydantic.Field(alias=exporter.name),
        )
        for index, exporter in enumerate(exporters)
    }
    group = create_model("ExportersConfig", __base__=ExportersConfig, __doc__=ExportersConfig.__doc__, **by_id)
    exporters_field: Any = (group, ...)
    return create_model(
        "CollectorConfig", __base__=CollectorConfig, __doc__=CollectorConfig.__doc__, exporters=exporters_field
    )
