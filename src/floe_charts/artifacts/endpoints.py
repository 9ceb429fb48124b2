"""The URLs in artifacts: what the platform's parts must answer to, and what lies outside the cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..documents import leaves
from .credentials import public_text, without_userinfo
from .model import PLUGIN_KINDS, CompiledArtifacts

__all__ = ["ArtifactEndpoint", "find_endpoints"]

_SCHEMES = ("http", "https", "grpc", "tcp")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9]([a-z0-9_.-]*[a-z0-9])?")
_IPV4 = re.compile(r"[0-9]+(\.[0-9]+){3}")


@dataclass(frozen=True, slots=True)
class ArtifactEndpoint:
    """A URL at the path ``field`` of the artifacts, without user and password; ``port`` is None where it says none."""

    field: str
    url: str
    host: str
    port: int | None
    scheme: str

    @property
    def in_cluster(self) -> bool:
        """Whether the host is a Service's: a name without dots, or one that ends in ``.svc[.cluster.local]``."""
        if self.host == "localhost" or ":" in self.host or _IPV4.fullmatch(self.host):
            return False
        return "." not in self.host or len(self._service_labels) >= 2

    @property
    def service(self) -> str | None:
        """The name of the Service, or None outside the cluster."""
        if not self.in_cluster:
            return None
        return self._service_labels[-2] if self._service_labels else self.host

    @property
    def namespace(self) -> str | None:
        """The namespace that the host names, or None where it names none: the release's own."""
        return self._service_labels[-1] if self.in_cluster and self._service_labels else None

    @property
    def service_port(self) -> int | None:
        """The port, or the scheme's own where the URL says none."""
        return self.port if self.port is not None else _DEFAULT_PORTS.get(self.scheme)

    @property
    def _service_labels(self) -> list[str]:
        """What stands before ``.svc``: [pod,] service, namespace."""
        match = re.fullmatch(r"(.+)\.svc(\.cluster\.local)?", self.host)
        return match[1].split(".") if match else []


def find_endpoints(artifacts: CompiledArtifacts) -> list[ArtifactEndpoint]:
    """Every http, https, grpc and tcp URL in ``observability`` and plugin configuration, in the order of the contract.

    Texts that are no URL with a host of its own, such as one with a placeholder for the host, are passed over.
    """
    found = (_endpoint(field, text) for field, text in _texts(artifacts))
    return [endpoint for endpoint in found if endpoint is not None]


def _texts(artifacts: CompiledArtifacts) -> Iterator[tuple[str, str]]:
    observability = artifacts.observability
    otlp = observability.telemetry.otlp_endpoint
    if "://" not in otlp:  # `collector:4317`, which OTLP exporters accept
        otlp = f"{observability.telemetry.otlp_protocol}://{otlp}"
    yield "observability.telemetry.otlp_endpoint", otlp
    if observability.lineage_endpoint:
        yield "observability.lineage_endpoint", observability.lineage_endpoint
    for kind in PLUGIN_KINDS:
        plugin = artifacts.plugin(kind)
        if plugin is not None:
            for path, value in leaves(plugin.config, f"plugins.{kind}.config"):
                if isinstance(value, str):
                    yield path, value


def _endpoint(field: str, text: str) -> ArtifactEndpoint | None:
    scheme, separator, _ = text.partition("://")
    if not separator or scheme.lower() not in _SCHEMES:
        return None
    url = without_userinfo(text.strip())
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:  # a bracket without its pair, a port that is no number
        return None
    if not (_HOST.fullmatch(host) or ":" in host):
        return None
    if not public_text(text, field):  # a credential further on, such as a webhook's path: only the host is public
        name = f"[{host}]" if ":" in host else host
        url = f"{scheme.lower()}://{name}" + (f":{port}" if port is not None else "")
    return ArtifactEndpoint(field, url, host, port, scheme.lower())
