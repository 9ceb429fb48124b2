"""The collector's configuration: one function, so that both strategies of the gateway configure the same collector.

Names and defaults of the components are those of collector 0.158 (distribution ``k8s``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import StringConstraints

from floe_charts.constructs.network import OTLP_GRPC, OTLP_HTTP
from floe_charts.errors import DeclarationError, shorten

__all__ = [
    "DEBUG",
    "HEALTH_PORT",
    "CollectorSettings",
    "Duration",
    "SIGNALS",
    "ExporterKind",
    "Interval",
    "LogLevel",
    "Signal",
    "TelemetryExporter",
    "Verbosity",
    "collector_config",
    "collector_text",
    "exporter_body",
    "for_every_signal",
    "header_variables",
]

HEALTH_PORT = 13133
"""Where the health_check extension answers ``/``."""

ExporterKind: TypeAlias = Literal["debug", "otlp_grpc", "otlp_http"]
LogLevel: TypeAlias = Literal["debug", "info", "warn", "error"]
Verbosity: TypeAlias = Literal["basic", "normal", "detailed"]
Duration = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(ms|s|m)$")]
"""A span of time: ``200ms``, ``10s``, ``1m``."""
Interval = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}(ms|s|m)$")]
"""A span of time that is not zero."""

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


def for_every_signal(exporters: Sequence[TelemetryExporter]) -> tuple[TelemetryExporter, ...]:
    """``exporters``, and one that logs the signals that none of them takes."""
    missing = tuple(signal for signal in SIGNALS if not any(signal in one.signals for one in exporters))
    return (*exporters, replace(DEBUG, signals=missing)) if exporters and missing else tuple(exporters)


@dataclass(frozen=True)
class CollectorSettings:
    """What can be tuned; the fields may be expressions."""

    check_interval: str = "5s"
    limit_percentage: int = 80
    spike_limit_percentage: int = 20
    send_batch_size: int = 1024
    batch_timeout: str = "10s"
    log_level: str = "info"


def collector_text(text: str) -> str:
    """``text`` as the collector's configuration has it: there ``$`` begins a variable, and ``$$`` is a dollar sign."""
    return text.replace("$", "$$")


def exporter_body(
    exporter: TelemetryExporter, *, endpoint: str = "", insecure: bool = False, verbosity: str = "basic"
) -> dict[str, Any]:
    """The configuration of one exporter; ``endpoint`` (as the collector reads it) and the rest may be expressions."""
    if exporter.kind == "debug":
        return {"verbosity": verbosity}
    body: dict[str, Any] = {"endpoint": endpoint, "tls": {"insecure": insecure}}
    if exporter.header:
        name, variable = exporter.header
        body["headers"] = {name: f"{exporter.header_prefix}${{env:{variable}}}"}
    return body


def header_variables(exporters: Iterable[TelemetryExporter]) -> tuple[str, ...]:
    """The environment variables that the exporters' headers come from, each once."""
    return tuple(dict.fromkeys(exporter.header[1] for exporter in exporters if exporter.header))


def collector_config(
    settings: CollectorSettings, exporters: Sequence[TelemetryExporter], bodies: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The whole configuration: OTLP in, ``exporters`` (with their ``bodies`` by name) out.

    There is a pipeline for each signal, and each must have an exporter (:func:`for_every_signal`). memory_limiter
    stands first in it and batch last, as their documentation asks.
    """
    pipelines = {
        signal: {
            "receivers": ["otlp"],
            "processors": ["memory_limiter", "batch"],
            "exporters": [one.name for one in exporters if signal in one.signals],
        }
        for signal in SIGNALS
    }
    grpc, http = f"0.0.0.0:{OTLP_GRPC.port}", f"0.0.0.0:{OTLP_HTTP.port}"
    return {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": grpc}, "http": {"endpoint": http}}}},
        "processors": {
            "memory_limiter": {
                "check_interval": settings.check_interval,
                "limit_percentage": settings.limit_percentage,
                "spike_limit_percentage": settings.spike_limit_percentage,
            },
            "batch": {"send_batch_size": settings.send_batch_size, "timeout": settings.batch_timeout},
        },
        "exporters": {name: dict(body) for name, body in bodies.items()},
        "extensions": {"health_check": {"endpoint": f"0.0.0.0:{HEALTH_PORT}"}},
        "service": {
            "extensions": ["health_check"],
            "telemetry": {"logs": {"level": settings.log_level, "encoding": "json"}},
            "pipelines": pipelines,
        },
    }
