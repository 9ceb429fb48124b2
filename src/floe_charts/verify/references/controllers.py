"""What controllers make of the objects of a release: an ExternalSecret becomes a Secret, a Cluster three Services.

The facts are those of the operators' documentation: External Secrets, Sealed Secrets, cert-manager, CloudNativePG,
OpenTelemetry, Prometheus, and Kubernetes' own StatefulSet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.references.nodes import map_at, maps_at, text_at

__all__ = ["made_by", "understood"]

Made = tuple[str, str, frozenset[str] | None]
"""Kind, name, and the keys (None: any)."""

_TLS = frozenset({"tls.crt", "tls.key", "ca.crt"})
_CNPG_LOGIN = frozenset(
    ["username", "user", "password", "host", "port", "dbname", "uri", "jdbc-uri", "fqdn-uri", "fqdn-jdbc-uri", "pgpass"]
)
_ISSUERS = ("cert-manager.io/issuer", "cert-manager.io/cluster-issuer", "kubernetes.io/tls-acme")
_NO_CHILDREN = frozenset(
    [
        "cert-manager.io",
        "acme.cert-manager.io",
        "external-secrets.io",
        "bitnami.com",
        "postgresql.cnpg.io",
        "barmancloud.cnpg.io",
        "traefik.io",
        "traefik.containo.us",
        "opentelemetry.io",
        "route.openshift.io",
        "security.openshift.io",
        "keda.sh",
        "cilium.io",
    ]
)
_MONITORS = frozenset(["ServiceMonitor", "PodMonitor", "PrometheusRule", "Probe", "ScrapeConfig", "AlertmanagerConfig"])


def made_by(obj: RenderedObject) -> Iterator[Made]:
    """What exists because ``obj`` does, besides itself."""
    make = _MAKERS.get((obj.api_version.rpartition("/")[0], obj.kind))
    if make is not None:
        yield from make(obj)
    if obj.kind in ("Ingress", "Gateway"):
        yield from _by_ingress_shim(obj)


def understood(obj: RenderedObject) -> bool:
    """Whether it is known what the controller of a custom resource makes of it (which may be nothing)."""
    group = obj.api_version.rpartition("/")[0]
    return group in _NO_CHILDREN or (group == "monitoring.coreos.com" and obj.kind in _MONITORS)


def _external_secret(obj: RenderedObject) -> Iterator[Made]:
    target = map_at(obj.data, "spec", "target")
    name = text_at(target, "name") or obj.name
    keys: frozenset[str] | None = frozenset(text_at(one, "secretKey") for _, one in maps_at(obj.data, "spec", "data"))
    template = map_at(target, "template")
    if template.get("templateFrom"):
        keys = None
    elif map_at(template, "data"):
        merged = keys if text_at(template, "mergePolicy") == "Merge" else frozenset()
        open_ = text_at(template, "mergePolicy") == "Merge" and map_at(obj.data, "spec").get("dataFrom")
        keys = None if open_ or merged is None else merged | frozenset(map_at(template, "data"))
    elif map_at(obj.data, "spec").get("dataFrom") or text_at(target, "creationPolicy") in ("Merge", "None"):
        keys = None
    yield "Secret", name, keys


def _sealed_secret(obj: RenderedObject) -> Iterator[Made]:
    template = map_at(obj.data, "spec", "template")
    keys = frozenset((*map_at(obj.data, "spec", "encryptedData"), *map_at(template, "data")))
    yield "Secret", text_at(template, "metadata", "name") or obj.name, keys


def _certificate(obj: RenderedObject) -> Iterator[Made]:
    spec = map_at(obj.data, "spec")
    more = spec.get("keystores") or spec.get("additionalOutputFormats")
    yield "Secret", text_at(spec, "secretName"), None if more else _TLS


def _cnpg_cluster(obj: RenderedObject) -> Iterator[Made]:
    for suffix in ("rw", "ro", "r", "any"):
        yield "Service", f"{obj.name}-{suffix}", None
    yield "Secret", f"{obj.name}-app", _CNPG_LOGIN
    yield "Secret", f"{obj.name}-superuser", _CNPG_LOGIN
    yield "Secret", f"{obj.name}-ca", frozenset({"ca.crt", "ca.key"})
    for suffix in ("server", "replication"):
        yield "Secret", f"{obj.name}-{suffix}", _TLS
    yield "ServiceAccount", obj.name, None
    for _, service in maps_at(obj.data, "spec", "managed", "services", "additional"):
        yield "Service", text_at(service, "serviceTemplate", "metadata", "name"), None


def _cnpg_pooler(obj: RenderedObject) -> Iterator[Made]:
    yield "Service", obj.name, None


def _collector(obj: RenderedObject) -> Iterator[Made]:
    for part in ("collector", "collector-headless", "collector-monitoring", "targetallocator", "extension"):
        yield "Service", f"{obj.name}-{part}", None
    for part in ("collector", "targetallocator"):
        for kind in ("ServiceAccount", "ConfigMap", "Deployment", "StatefulSet", "DaemonSet"):
            yield kind, f"{obj.name}-{part}", None


def _prometheus(obj: RenderedObject) -> Iterator[Made]:
    plain = obj.kind.lower()
    yield "Service", f"{plain}-operated", None
    yield "StatefulSet", f"{plain}-{obj.name}", None
    yield "Secret", f"{plain}-{obj.name}", None
    yield "Secret", f"{plain}-{obj.name}-generated", None


def _stateful_set(obj: RenderedObject) -> Iterator[Made]:
    replicas = map_at(obj.data, "spec").get("replicas", 1)
    for _, claim in maps_at(obj.data, "spec", "volumeClaimTemplates"):
        for ordinal in range(min(replicas, 100) if isinstance(replicas, int) else 1):
            yield "PersistentVolumeClaim", f"{text_at(claim, 'metadata', 'name')}-{obj.name}-{ordinal}", None


def _by_ingress_shim(obj: RenderedObject) -> Iterator[Made]:
    annotations = map_at(obj.metadata, "annotations")
    if not any(key in annotations for key in _ISSUERS):
        return
    for _, tls in maps_at(obj.data, "spec", "tls"):
        yield "Secret", text_at(tls, "secretName"), _TLS
    for _, listener in maps_at(obj.data, "spec", "listeners"):
        for _, reference in maps_at(listener, "tls", "certificateRefs"):
            yield "Secret", text_at(reference, "name"), _TLS


_MAKERS: Mapping[tuple[str, str], Callable[[RenderedObject], Iterator[Made]]] = {
    ("external-secrets.io", "ExternalSecret"): _external_secret,
    ("bitnami.com", "SealedSecret"): _sealed_secret,
    ("cert-manager.io", "Certificate"): _certificate,
    ("postgresql.cnpg.io", "Cluster"): _cnpg_cluster,
    ("postgresql.cnpg.io", "Pooler"): _cnpg_pooler,
    ("opentelemetry.io", "OpenTelemetryCollector"): _collector,
    ("monitoring.coreos.com", "Prometheus"): _prometheus,
    ("monitoring.coreos.com", "Alertmanager"): _prometheus,
    ("apps", "StatefulSet"): _stateful_set,
}
