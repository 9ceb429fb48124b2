"""The collector's configuration as values of the official chart: the classes of ``alternateConfig``.

Keys are the collector's own, in snake_case. ``known_keys`` are the fields of the components in collector 0.158 that are
not set here, and the components of the distribution ``k8s`` that a platform team may add.
"""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

import pydantic
from pydantic import ConfigDict, StringConstraints, create_model

from floe_charts.constructs.collector_config import (
    CollectorSettings,
    Duration,
    Interval,
    LogLevel,
    TelemetryExporter,
    Verbosity,
    collector_config,
    collector_text,
    exporter_body,
)
from floe_charts.helm import SubchartValues

__all__ = ["CollectorObject", "chart_config", "template_text"]

# Less what Helm's toYaml, through which the chart sends its configuration, writes so that YAML readers refuse it.
_Text = Annotated[str, StringConstraints(pattern="^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
_ComponentId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(/[A-Za-z0-9][A-Za-z0-9_-]*)?$")]
_HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
_Address = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:\[\]${}-]+$")]


def template_text(text: str) -> str:
    """``text`` as the chart wants it, which sends its configuration through ``tpl``: braces are not evaluated.

    Without spaces and double quotes, so that it stays whole in whatever style the YAML writer chooses.
    """
    return text.replace("{{", "{{`{{`}}")


class CollectorObject(SubchartValues):
    """An object of the collector's configuration."""

    model_config = ConfigDict(alias_generator=None)


# What the collector can be told of any server that speaks HTTP.
_HTTP_SERVER_KEYS = frozenset(
    {
        "auth",
        "compression_algorithms",
        "cors",
        "idle_timeout",
        "include_metadata",
        "keep_alives_enabled",
        "max_request_body_size",
        "middlewares",
        "read_header_timeout",
        "read_timeout",
        "response_headers",
        "tls",
        "write_timeout",
    }
)


class Listener(CollectorObject):
    """Where a protocol is served."""

    known_keys: ClassVar[frozenset[str] | None] = _HTTP_SERVER_KEYS | {
        "keepalive",
        "logs_url_path",
        "max_concurrent_streams",
        "max_recv_msg_size_mib",
        "metrics_url_path",
        "profiles_url_path",
        "read_buffer_size",
        "traces_url_path",
        "transport",
        "write_buffer_size",
    }
    endpoint: _Address = pydantic.Field(description="Address and port to listen on.")


class Protocols(CollectorObject):
    """OTLP's two protocols."""

    grpc: Listener = pydantic.Field(description="OTLP over gRPC.")
    http: Listener = pydantic.Field(description="OTLP over HTTP.")


class OtlpReceiver(CollectorObject):
    """Receives OTLP."""

    protocols: Protocols


class Receivers(CollectorObject):
    """What telemetry comes in by."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "file_log",
            "filelog",
            "host_metrics",
            "hostmetrics",
            "jaeger",
            "k8s_cluster",
            "k8s_events",
            "k8s_objects",
            "k8sobjects",
            "kubelet_stats",
            "kubeletstats",
            "prometheus",
            "receiver_creator",
            "zipkin",
        }
    )
    otlp: OtlpReceiver


class MemoryLimiterProcessor(CollectorObject):
    """Refuses telemetry when memory runs short."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "limit_mib",
            "min_gc_interval_when_hard_limited",
            "min_gc_interval_when_soft_limited",
            "spike_limit_mib",
        }
    )
    check_interval: Interval = pydantic.Field(description="Time between two looks at the memory in use.")
    limit_percentage: int = pydantic.Field(ge=50, le=100, description="Hard limit, in percent of the memory limit.")
    spike_limit_percentage: int = pydantic.Field(
        ge=1, le=49, description="Refuse when this much below the hard limit, in percent of the memory limit."
    )


class BatchProcessor(CollectorObject):
    """Puts telemetry together before it is sent."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "metadata_cardinality_limit",
            "metadata_keys",
            "send_batch_max_size",
        }
    )
    send_batch_size: int = pydantic.Field(
        ge=1, le=1_000_000, description="Spans, data points or log records that make a batch."
    )
    timeout: Duration = pydantic.Field(description="Time after which a batch is sent whatever its size.")


class Processors(CollectorObject):
    """What happens to telemetry on its way."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "attributes",
            "cumulative_to_delta",
            "cumulativetodelta",
            "filter",
            "group_by_attrs",
            "groupbyattrs",
            "k8s_attributes",
            "k8sattributes",
            "metrics_transform",
            "metricstransform",
            "probabilistic_sampler",
            "redaction",
            "resource",
            "resource_detection",
            "resourcedetection",
            "tail_sampling",
            "transform",
        }
    )
    memory_limiter: MemoryLimiterProcessor
    batch: BatchProcessor


class DebugExporterConfig(CollectorObject):
    """Writes telemetry to the collector's log."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "output_paths",
            "sampling_initial",
            "sampling_thereafter",
            "sending_queue",
            "use_internal_logger",
        }
    )
    verbosity: Verbosity = pydantic.Field(description="How much of each batch is written.")


class ClientTls(CollectorObject):
    """TLS towards the receiver."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "ca_file",
            "ca_pem",
            "cert_file",
            "cert_pem",
            "cipher_suites",
            "curve_preferences",
            "include_system_ca_certs_pool",
            "insecure_skip_verify",
            "key_file",
            "key_pem",
            "max_version",
            "min_version",
            "reload_interval",
            "server_name_override",
            "tpm",
        }
    )
    insecure: bool = pydantic.Field(description="Send without TLS.")


class OtlpExporterConfig(CollectorObject):
    """Sends telemetry over OTLP."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "auth",
            "authority",
            "balancer_name",
            "compression",
            "compression_params",
            "cookies",
            "disable_keep_alives",
            "encoding",
            "force_attempt_http2",
            "http2_ping_timeout",
            "http2_read_idle_timeout",
            "idle_conn_timeout",
            "keepalive",
            "logs_endpoint",
            "max_conns_per_host",
            "max_idle_conns",
            "max_idle_conns_per_host",
            "metrics_endpoint",
            "middlewares",
            "profiles_endpoint",
            "proxy_url",
            "read_buffer_size",
            "retry_on_failure",
            "sending_queue",
            "timeout",
            "traces_endpoint",
            "user_agent",
            "wait_for_ready",
            "write_buffer_size",
        }
    )
    endpoint: _Text = pydantic.Field(
        description="Where to, as the collector reads it: ${env:NAME} is a variable, $$ a dollar sign."
    )
    tls: ClientTls
    headers: dict[_HeaderName, _Text] | None = pydantic.Field(
        default=None, description="Headers sent along; a secret one as ${env:NAME}, with NAME in extraEnvs."
    )


class ExportersConfig(CollectorObject):
    """Where telemetry goes, by the exporter's id."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "debug",
            "file",
            "load_balancing",
            "loadbalancing",
            "nop",
            "otlp_grpc",
            "otlp_http",
        }
    )


class HealthCheck(CollectorObject):
    """Answers the kubelet's probes."""

    known_keys: ClassVar[frozenset[str] | None] = _HTTP_SERVER_KEYS | {
        "check_collector_pipeline",
        "path",
        "response_body",
    }
    endpoint: _Address = pydantic.Field(description="Address and port to listen on.")


class Extensions(CollectorObject):
    """What the collector does beside its pipelines."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "basicauth",
            "bearertokenauth",
            "file_storage",
            "headers_setter",
            "k8s_leader_elector",
            "k8s_observer",
            "oauth2client",
            "oidc",
            "pprof",
            "zpages",
        }
    )
    health_check: HealthCheck


class Pipeline(CollectorObject):
    """The way of one kind of telemetry, by the ids of components."""

    receivers: list[_ComponentId] = pydantic.Field(min_length=1, description="Where it comes from.")
    processors: list[_ComponentId] = pydantic.Field(description="What happens to it, in this order.")
    exporters: list[_ComponentId] = pydantic.Field(min_length=1, description="Where it goes.")


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


class CollectorTelemetry(CollectorObject):
    """What the collector tells of itself."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"metrics", "resource", "traces"})
    logs: CollectorLogs


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


def chart_config(exporters: Sequence[TelemetryExporter]) -> CollectorConfig:
    """The configuration, of a class that declares each of ``exporters`` by its id."""
    bodies = {exporter.name: _body(exporter) for exporter in exporters}
    config = collector_config(CollectorSettings(), exporters, bodies)
    return _config_class(tuple(exporters)).model_validate(config)


def _body(exporter: TelemetryExporter) -> dict[str, Any]:
    return exporter_body(
        exporter, endpoint=template_text(collector_text(exporter.endpoint)), insecure=exporter.insecure
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
