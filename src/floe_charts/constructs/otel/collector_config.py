"""The collector's configuration: one function, so that both strategies of the gateway configure the same collector.

Names and defaults of the components are those of collector 0.158 (distribution ``k8s``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, Le
from pydantic import StringConstraints

from floe_charts.constructs.network import OTEL_METRICS, OTLP_GRPC, OTLP_HTTP
from floe_charts.errors import DeclarationError, shorten
from floe_charts.helm.patterns import form

__all__ = [
    "DEBUG",
    "HEALTH_PORT",
    "SIGNALS",
    "BatchSize",
    "CollectorSettings",
    "Duration",
    "ExporterKind",
    "Interval",
    "LogLevel",
    "Percentage",
    "QueueSize",
    "Signal",
    "TelemetryExporter",
    "Verbosity",
    "collector_config",
    "collector_text",
    "exporter_body",
    "exporters_by_signal",
    "header_variables",
    "with_debug",
]

HEALTH_PORT = 13133
"""Where the health_check extension answers ``/``."""

ExporterKind: TypeAlias = Literal["debug", "otlp_grpc", "otlp_http"]
LogLevel: TypeAlias = Literal["debug", "info", "warn", "error"]
Verbosity: TypeAlias = Literal["basic", "normal", "detailed"]
Duration = Annotated[
    str, StringConstraints(pattern=form(r"^[0-9]{1,9}(ms|s|m)$", "a span of time, such as 200ms, 10s or 1m"))
]
"""A span of time: ``200ms``, ``10s``, ``1m``."""
Interval = Annotated[
    str,
    StringConstraints(pattern=form(r"^[1-9][0-9]{0,8}(ms|s|m)$", "a span of time above 0, such as 200ms, 10s or 1m")),
]
"""A span of time that is not zero."""
BatchSize = Annotated[int, Ge(1), Le(1_000_000)]
"""Spans, data points or log records."""
QueueSize = Annotated[int, Ge(1), Le(1_000_000)]
"""Batches."""
Percentage = Annotated[float, Ge(0), Le(100)]
"""A share of traces, in percent."""

_NAME = re.compile(r"(debug|otlp_grpc|otlp_http)(/[A-Za-z0-9][A-Za-z0-9_-]*)?\Z")
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

Signal: TypeAlias = Literal["traces", "metrics", "logs"]
SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")


@dataclass(frozen=True)
class TelemetryExporter:
    """Where the gateway sends telemetry.

    ``name`` is the component's id in the collector's configuration: the kind, and ``/`` with a name of its own where
    there are several (``otlp_grpc/jaeger``). ``endpoint`` is taken literally: ``host:port`` or a URL for ``otlp_grpc``,
    a base URL for ``otlp_http``, nothing for ``debug``. ``insecure`` turns TLS off. ``header`` is sent along: its name,
    and the environment variable (a Secret's key) that holds its value; ``header_prefix`` stands before the value.
    ``signals`` are what the other side takes: Jaeger takes traces only.

    Raises :class:`DeclarationError` for a name, header or endpoint that the collector could not read.
    """

    name: str
    kind: ExporterKind
    endpoint: str = ""
    insecure: bool = False
    header: tuple[str, str] | None = None
    header_prefix: Literal["", "Bearer "] = ""
    signals: tuple[Signal, ...] = SIGNALS

    def __post_init__(self) -> None:
        """Check once, here: the parts may come from artifacts."""
        match = _NAME.match(self.name)
        if match is None or match[1] != self.kind:
            raise DeclarationError(f"exporter {shorten(self.name)}: a name is {self.kind}, or {self.kind}/ and a word")
        if self.kind == "debug" and (self.endpoint or self.header):
            raise DeclarationError(f"exporter {self.name}: debug writes to the log and takes no endpoint and no header")
        if self.kind != "debug" and (not self.endpoint or _CONTROL.search(self.endpoint)):
            raise DeclarationError(f"exporter {self.name}: {shorten(self.endpoint)} is not an endpoint")
        if self.header and not (_HEADER.match(self.header[0]) and _VARIABLE.match(self.header[1])):
            raise DeclarationError(f"exporter {self.name}: {shorten(self.header)} is no header with a variable's name")


DEBUG = TelemetryExporter("debug", "debug")
"""Writes what arrives to the collector's own log."""


def with_debug(exporters: Sequence[TelemetryExporter]) -> tuple[TelemetryExporter, ...]:
    """``exporters``, and :data:`DEBUG` for the signals that none of them takes.

    It is there in any case, so that values can send any signal to it.
    """
    missing = tuple(signal for signal in SIGNALS if not any(signal in one.signals for one in exporters))
    if not any(one.name == DEBUG.name for one in exporters):
        return (*exporters, replace(DEBUG, signals=missing))
    return tuple(replace(one, signals=(*one.signals, *missing)) if one.name == DEBUG.name else one for one in exporters)


@dataclass(frozen=True)
class CollectorSettings:
    """What can be tuned; the fields may be expressions. ``exporters`` are the ids of those that a signal goes to."""

    exporters: Mapping[Signal, Sequence[str]]
    check_interval: str = "5s"
    limit_percentage: int = 80
    spike_limit_percentage: int = 20
    sampling_percentage: float = 100.0
    send_batch_size: int = 512
    batch_timeout: str = "5s"
    log_level: str = "info"


def exporters_by_signal(exporters: Sequence[TelemetryExporter]) -> dict[Signal, list[str]]:
    """The ids of the exporters that take each signal."""
    return {signal: [one.name for one in exporters if signal in one.signals] for signal in SIGNALS}


def collector_text(text: str) -> str:
    """``text`` as the collector's configuration has it: there ``$`` begins a variable, and ``$$`` is a dollar sign."""
    return text.replace("$", "$$")


def exporter_body(
    exporter: TelemetryExporter,
    *,
    endpoint: str = "",
    insecure: bool = False,
    timeout: str = "30s",
    queue_size: int = 2048,
    verbosity: str = "basic",
) -> dict[str, Any]:
    """The configuration of one exporter; ``endpoint`` (as the collector reads it) and the rest may be expressions."""
    if exporter.kind == "debug":
        return {"verbosity": verbosity}
    body: dict[str, Any] = {
        "endpoint": endpoint,
        "tls": {"insecure": insecure},
        "timeout": timeout,
        "sending_queue": {"queue_size": queue_size},
    }
    if exporter.header:
        name, variable = exporter.header
        body["headers"] = {name: f"{exporter.header_prefix}${{env:{variable}}}"}
    return body


def header_variables(exporters: Iterable[TelemetryExporter]) -> tuple[str, ...]:
    """The environment variables that the exporters' headers come from, each once."""
    return tuple(dict.fromkeys(exporter.header[1] for exporter in exporters if exporter.header))


def collector_config(settings: CollectorSettings, bodies: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The whole configuration: OTLP in, the exporters whose configurations are ``bodies`` (by id) out.

    There is a pipeline for each signal, and each must have an exporter (:func:`with_debug`). memory_limiter
    stands first in it and batch last, as their documentation asks; only traces are sampled, by their ids, so that every
    pod decides alike.
    """
    processors = {"traces": ["memory_limiter", "probabilistic_sampler", "batch"]}
    pipelines = {
        signal: {
            "receivers": ["otlp"],
            "processors": processors.get(signal, ["memory_limiter", "batch"]),
            "exporters": settings.exporters[signal],
        }
        for signal in SIGNALS
    }
    grpc, http = f"0.0.0.0:{OTLP_GRPC.port}", f"0.0.0.0:{OTLP_HTTP.port}"
    # Said here, the reader takes the place of the default one, which listens on localhost.
    reader = {"pull": {"exporter": {"prometheus": {"host": "0.0.0.0", "port": OTEL_METRICS.port}}}}
    return {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": grpc}, "http": {"endpoint": http}}}},
        "processors": {
            "memory_limiter": {
                "check_interval": settings.check_interval,
                "limit_percentage": settings.limit_percentage,
                "spike_limit_percentage": settings.spike_limit_percentage,
            },
            "probabilistic_sampler": {"sampling_percentage": settings.sampling_percentage},
            "batch": {
                "send_batch_size": settings.send_batch_size,
                "send_batch_max_size": settings.send_batch_size,
                "timeout": settings.batch_timeout,
            },
        },
        "exporters": {**bodies},
        "extensions": {"health_check": {"endpoint": f"0.0.0.0:{HEALTH_PORT}"}},
        "service": {
            "extensions": ["health_check"],
            "telemetry": {
                "logs": {"level": settings.log_level, "encoding": "json"},
                "metrics": {"level": "normal", "readers": [reader]},
            },
            "pipelines": pipelines,
        },
    }
