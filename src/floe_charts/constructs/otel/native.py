"""Values of the gateway whose templates are generated here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, Literal

import pydantic
from pydantic import StringConstraints, create_model

from floe_charts.constructs.otel.collector_config import (
    SIGNALS,
    BatchSize,
    CollectorSettings,
    Duration,
    Interval,
    LogLevel,
    Percentage,
    QueueSize,
    Signal,
    TelemetryExporter,
    Verbosity,
    collector_text,
    exporter_body,
    exporters_by_signal,
    header_variables,
)
from floe_charts.constructs.otel.flow import TelemetryFlow
from floe_charts.constructs.pod_values import AbsolutePath
from floe_charts.constructs.service_values import ServiceValues
from floe_charts.helm import (
    AutoscalingValues,
    DnsName,
    ExtraEnv,
    Field,
    Image,
    Values,
    Without,
    WorkloadValues,
    default,
    each,
    eq,
    ternary,
    when,
)
from floe_charts.helm.expr import node_of
from floe_charts.helm.functions import raw_template
from floe_charts.helm.patterns import form

__all__ = [
    "AUTOSCALING",
    "COLLECTOR_IMAGE",
    "GO_MEMORY_LIMIT",
    "NativeOtelValues",
    "go_memory_limit",
    "native_exporter_bodies",
    "native_settings",
    "native_values",
]

COLLECTOR_IMAGE = Image(
    registry="ghcr.io",
    repository="open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-k8s",
    tag="0.158.0",
)
BackendName = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
            "a name of lower-case letters, digits and '-', with a letter or digit at both ends",
        ),
        max_length=40,
    ),
]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)]
AUTOSCALING = AutoscalingValues(max_replicas=10, target_cpu_utilization_percentage=70)
GO_MEMORY_LIMIT = "GOMEMLIMIT"
"""The variable that says how much memory Go may use before it collects garbage eagerly."""


class Sampling(Values):
    """Which traces are kept."""

    percentage: Percentage = Field(
        100.0,
        description="Share of traces that is kept, in percent, by their ids; what senders sample comes on top of it.",
    )


class Batch(Values):
    """How telemetry is put together before it is sent."""

    send_batch_size: BatchSize = Field(
        512, description="Spans, data points or log records that make a batch; larger ones are split."
    )
    timeout: Duration = Field("5s", description="Time after which a batch is sent whatever its size.")


class MemoryLimiter(Values):
    """When the collector refuses telemetry so as not to run out of memory."""

    check_interval: Interval = Field("5s", description="Time between two looks at the memory in use.")
    # The collector wants the spike below the limit; these bounds make every pair a valid one.
    limit_percentage: int = Field(
        80, ge=50, le=100, description="Hard limit, in percent of the memory limit; GOMEMLIMIT is the same."
    )
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
    timeout: Duration = Field("30s", description="Time that the other side has to take a batch.")
    queue_size: QueueSize = Field(2048, description="Batches that wait until they are sent; further ones are dropped.")


class OtlpBackend(Values):
    """A backend that takes OTLP."""

    protocol: Literal["grpc", "http"] = Field("grpc", description="OTLP over gRPC, or over HTTP.")
    endpoint: str = Field(
        "",
        min_length=1,
        description="Where to, as the collector reads it: host:port, over HTTP a URL; ${env:NAME} is a variable.",
    )
    insecure: bool | None = Field(None, description="Whether it is sent to without TLS; absent: no.")
    ca_file: AbsolutePath | None = Field(
        None, description="Certificate of its authority, a file in extraVolumes; absent: the image's own authorities."
    )
    headers: dict[HeaderName, str] | None = Field(
        None, description="Headers sent along; a secret one as ${env:NAME}, with NAME in extraEnv."
    )
    traces: bool | None = Field(None, description="Whether it takes traces; absent: yes.")
    metrics: bool | None = Field(None, description="Whether it takes metrics; absent: yes.")
    logs: bool | None = Field(None, description="Whether it takes logs; absent: yes.")


class Exporters(Values):
    """Where telemetry can go, by the exporter's id."""


class Pipelines(Values):
    """Where each kind of telemetry goes: the ids of exporters. An environment may send to others, or only to debug."""


class NativeOtelValues(WorkloadValues):
    """OpenTelemetry Collector as a gateway: takes OTLP on ports 4317 (gRPC) and 4318 (HTTP) and sends it on."""

    enabled: bool = Field(True, description="Run the gateway.")
    image: Image = Field(COLLECTOR_IMAGE, description="Collector; distribution k8s, or one that has its components.")
    sampling: Sampling = Sampling()
    batch: Batch = Batch()
    memory_limiter: MemoryLimiter = MemoryLimiter()
    log_level: LogLevel = Field("info", description="Least level of the collector's own log.")
    exporters: Exporters = Exporters()
    pipelines: Pipelines = Pipelines()
    backends: dict[BackendName, OtlpBackend] = Field(
        {}, description="Where telemetry goes beside that, which an environment may say: backends by a name of yours."
    )
    service: ServiceValues = ServiceValues()
    autoscaling: AutoscalingValues = AUTOSCALING
    extra_env: Annotated[ExtraEnv, Without(GO_MEMORY_LIMIT)] = Field(
        {}, description="Further environment variables, by name, such as for ${env:NAME} in an endpoint."
    )


def native_values(
    exporters: Sequence[TelemetryExporter], secret: str, flow: TelemetryFlow, given: NativeOtelValues | None
) -> NativeOtelValues:
    """Values of the native gateway, of a class that declares each of ``exporters`` by its id.

    ``secret`` is the default name of the Secret with the headers' values. The fields that ``given`` sets are kept.
    """
    batch = Batch(send_batch_size=flow.max_export_batch_size, timeout=flow.batch_timeout)
    made = _values_class(tuple(exporters), secret, flow)()
    kept = given.model_fields_set - {"exporters", "pipelines"} if given is not None else ()
    return made.model_copy(update={"batch": batch, **{field: getattr(given, field) for field in kept}})


@cache
def _values_class(exporters: tuple[TelemetryExporter, ...], secret: str, flow: TelemetryFlow) -> type[NativeOtelValues]:
    by_id: dict[str, Any] = {}
    for index, exporter in enumerate(exporters):
        default = _exporter_values(exporter, flow)
        by_id[_attribute(index)] = (type(default), pydantic.Field(default, alias=exporter.name))
    group = create_model("Exporters", __base__=Exporters, __doc__=Exporters.__doc__, **by_id)
    pipelines = _pipelines_class(exporters)
    keys = header_variables(exporters)
    env: Any = pydantic.Field({}, description=NativeOtelValues.model_fields["extra_env"].description)
    fields: dict[str, Any] = {
        "exporters": (group, group()),
        "pipelines": (pipelines, pipelines()),
        "extra_env": (Annotated[ExtraEnv, Without(GO_MEMORY_LIMIT, *keys)], env),
    }
    if keys:
        text = "Secret with the values of the exporters' headers; its keys are the names of the variables."
        fields["exporter_secret"] = (DnsName, pydantic.Field(secret, description=text))
    return create_model("NativeOtelValues", __base__=NativeOtelValues, __doc__=NativeOtelValues.__doc__, **fields)


def _pipelines_class(exporters: tuple[TelemetryExporter, ...]) -> type[Pipelines]:
    """One list for each signal: some of the exporters, and never none, which the collector would refuse."""
    known: Any = Literal[tuple(one.name for one in exporters)]
    fields: dict[str, Any] = {
        signal: (list[known], pydantic.Field(names, min_length=1, description=f"Where {signal} go."))
        for signal, names in exporters_by_signal(exporters).items()
    }
    return create_model("Pipelines", __base__=Pipelines, __doc__=Pipelines.__doc__, **fields)


def _attribute(index: int) -> str:
    """The attribute of an exporter; its id, which may hold a slash, is the key in values.yaml."""
    return f"exporter{index}"


def _exporter_values(exporter: TelemetryExporter, flow: TelemetryFlow) -> Values:
    if exporter.kind == "debug":
        return DebugExporter()
    return OtlpExporter(
        endpoint=collector_text(exporter.endpoint),
        insecure=exporter.insecure,
        timeout=flow.export_timeout,
        queue_size=flow.max_queue_size,
    )


def native_settings(v: NativeOtelValues) -> CollectorSettings:
    """The collector's settings as expressions."""
    return CollectorSettings(
        exporters={signal: _receivers_of(v, signal) for signal in SIGNALS},
        check_interval=v.memory_limiter.check_interval,
        limit_percentage=v.memory_limiter.limit_percentage,
        spike_limit_percentage=v.memory_limiter.spike_limit_percentage,
        sampling_percentage=v.sampling.percentage,
        send_batch_size=v.batch.send_batch_size,
        batch_timeout=v.batch.timeout,
        log_level=v.log_level,
    )


def _receivers_of(v: NativeOtelValues, signal: Signal) -> list[Any]:
    """The ids of the exporters of a pipeline: those that it names, and the backends that take its signal."""
    taken = each(v.backends, lambda name, one: when(default(getattr(one, signal), True), _backend_id(name, one)))
    return [*each(getattr(v.pipelines, signal), lambda one: one), *taken]


def _backend_id(name: str, backend: OtlpBackend) -> str:
    """No exporter of an artifact is called so."""
    return f"{ternary(eq(backend.protocol, 'http'), 'otlp_http', 'otlp_grpc')}/{name}_own"


def _backend_body(backend: OtlpBackend) -> dict[str, Any]:
    body = exporter_body(TelemetryExporter("otlp_grpc", "otlp_grpc", "backend"), endpoint=backend.endpoint)
    tls = {"insecure": default(backend.insecure, False), "ca_file": backend.ca_file}
    return {**body, "tls": tls, "headers": backend.headers}


def native_exporter_bodies(v: NativeOtelValues, exporters: Sequence[TelemetryExporter]) -> dict[str, dict[str, Any]]:
    """The exporters' configurations with expressions, by id."""
    bodies: dict[str, dict[str, Any]] = {}
    for index, exporter in enumerate(exporters):
        values = getattr(v.exporters, _attribute(index))
        sending = ("endpoint", "insecure", "timeout", "queue_size")
        fields = ("verbosity",) if exporter.kind == "debug" else sending
        bodies[exporter.name] = exporter_body(exporter, **{field: getattr(values, field) for field in fields})
    return {**bodies, **each(v.backends, lambda name, one: {_backend_id(name, one): _backend_body(one)})}


def go_memory_limit(v: NativeOtelValues) -> str:
    """The share of the memory limit that memory_limiter grants, in bytes: Go collects garbage before it is reached."""
    memory, percentage = v.resources.limits.memory, v.memory_limiter.limit_percentage
    path = node_of(memory).go(".")
    powers = {
        "": "1",
        "m": "0.001",
        **{unit: str(1000**n) for n, unit in enumerate("kMGTP", 1)},
        **{f"{unit}i": str(1024**n) for n, unit in enumerate("KMGTP", 1)},
    }
    factors = "dict " + " ".join(f'"{unit}" {factor}' for unit, factor in powers.items())
    amount = f'(regexFind "^[0-9.]+" {path} | float64)'
    unit = f'(get ({factors}) (regexFind "[A-Za-z]*$" {path}))'
    share = f"(divf {node_of(percentage).go('.')} 100)"
    return raw_template(f"mulf {amount} {unit} {share} | int64", like="", reads=[memory, percentage])
