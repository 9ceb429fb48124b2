"""The collector's components as values of the official chart: receivers, processors, exporters and extensions.

Keys are the collector's own, in snake_case. ``known_keys`` are the fields of the components in collector 0.158 that are
not set here, and the components of the distribution ``k8s`` that a platform team may add.
"""

from typing import Annotated, ClassVar

import pydantic
from pydantic import ConfigDict, StringConstraints

from floe_charts.constructs.otel.collector_config import BatchSize, Duration, Interval, Percentage, QueueSize, Verbosity
from floe_charts.helm import SubchartValues
from floe_charts.helm.patterns import form

__all__ = [
    "Address",
    "CollectorObject",
    "DebugExporterConfig",
    "ExportersConfig",
    "Extensions",
    "OtlpExporterConfig",
    "Processors",
    "Receivers",
]

# Less what Helm's toYaml, through which the chart sends its configuration, writes so that YAML readers refuse it.
_Text = Annotated[
    str,
    StringConstraints(pattern=form("^[^\\x00-\\x1f\\x7f-\\x9f]*$", "a text on one line without control characters")),
]
_HeaderName = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^[A-Za-z0-9][A-Za-z0-9_-]*$", "the name of a header: letters, digits, '_' and '-', such as x-api-key"
        )
    ),
]
Address = Annotated[
    str, StringConstraints(pattern=form(r"^[A-Za-z0-9_.:\[\]${}-]+$", "an address to listen on, such as 0.0.0.0:4317"))
]
"""An address to listen on, with a port or without."""


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
    endpoint: Address = pydantic.Field(description="Address and port to listen on.")


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
    limit_percentage: int = pydantic.Field(
        ge=50, le=100, description="Hard limit, in percent of the memory limit; the chart's GOMEMLIMIT is 80 percent."
    )
    spike_limit_percentage: int = pydantic.Field(
        ge=1, le=49, description="Refuse when this much below the hard limit, in percent of the memory limit."
    )


class ProbabilisticSampler(CollectorObject):
    """Keeps a share of the traces."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "attribute_source",
            "fail_closed",
            "from_attribute",
            "hash_seed",
            "mode",
            "sampling_precision",
            "sampling_priority",
        }
    )
    sampling_percentage: Percentage = pydantic.Field(
        description="Share of traces that is kept, in percent, by their ids; what senders sample comes on top of it."
    )


class BatchProcessor(CollectorObject):
    """Puts telemetry together before it is sent."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"metadata_cardinality_limit", "metadata_keys"})
    send_batch_size: BatchSize = pydantic.Field(description="Spans, data points or log records that make a batch.")
    send_batch_max_size: BatchSize = pydantic.Field(description="Most of them in a batch; not below send_batch_size.")
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
            "redaction",
            "resource",
            "resource_detection",
            "resourcedetection",
            "tail_sampling",
            "transform",
        }
    )
    memory_limiter: MemoryLimiterProcessor
    probabilistic_sampler: ProbabilisticSampler
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


class SendingQueue(CollectorObject):
    """Batches that wait until they are sent."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "batch",
            "block_on_overflow",
            "enabled",
            "num_consumers",
            "sizer",
            "storage",
            "wait_for_result",
        }
    )
    queue_size: QueueSize = pydantic.Field(description="Most of them; further ones are dropped.")


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
    timeout: Duration = pydantic.Field(description="Time that the other side has to take a batch.")
    sending_queue: SendingQueue
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
    endpoint: Address = pydantic.Field(description="Address and port to listen on.")


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
