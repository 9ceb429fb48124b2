"""The names that custom resources of well-known operators mention."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.references.index import kind_of
from floe_charts.verify.references.nodes import map_at, maps_at, text_at
from floe_charts.verify.values import Path

__all__ = ["operator_mentions"]

Mentioned = tuple[Path, str, str, str, object, bool]
"""Path of the name, kind, name, key, port of a Service, and whether it is usually none of the release's."""


def operator_mentions(obj: RenderedObject) -> Iterator[Mentioned]:
    """What a custom resource of a well-known operator mentions: of CloudNativePG, KEDA, Traefik, cert-manager, ..."""
    group = obj.api_version.rpartition("/")[0]
    if group == "postgresql.cnpg.io":
        yield from _cnpg(obj)
    elif group == "barmancloud.cnpg.io" and obj.kind == "ObjectStore":
        yield from _secrets(obj, _credentials(obj, ("spec", "configuration")))
    elif group == "keda.sh" and obj.kind == "ScaledObject":
        target = map_at(obj.data, "spec", "scaleTargetRef")
        kind = kind_of(text_at(target, "apiVersion"), text_at(target, "kind") or "Deployment")
        yield ("spec", "scaleTargetRef", "name"), kind, text_at(target, "name"), "", None, False
    elif group in ("traefik.io", "traefik.containo.us") and obj.kind.startswith("IngressRoute"):
        yield ("spec", "tls", "secretName"), "Secret", text_at(obj.data, "spec", "tls", "secretName"), "", None, False
        for at, route in maps_at(obj.data, "spec", "routes"):
            for step, one in maps_at(route, "services"):
                if one.get("kind", "Service") == "Service" and not one.get("namespace"):
                    yield (*at, *step, "name"), "Service", text_at(one, "name"), "", one.get("port"), False
    elif group == "cert-manager.io" and obj.kind == "Certificate":
        issuer = map_at(obj.data, "spec", "issuerRef")
        kind = f"{text_at(issuer, 'kind') or 'Issuer'}.cert-manager.io"
        yield ("spec", "issuerRef", "name"), kind, text_at(issuer, "name"), "", None, True
    elif group == "external-secrets.io" and obj.kind == "ExternalSecret":
        store = map_at(obj.data, "spec", "secretStoreRef")
        kind = f"{text_at(store, 'kind') or 'SecretStore'}.external-secrets.io"
        yield ("spec", "secretStoreRef", "name"), kind, text_at(store, "name"), "", None, True
    elif group == "route.openshift.io" and obj.kind == "Route":
        yield ("spec", "to", "name"), "Service", text_at(obj.data, "spec", "to", "name"), "", None, False


def _cnpg(obj: RenderedObject) -> Iterator[Mentioned]:
    if obj.kind in ("Database", "ScheduledBackup", "Backup", "Pooler", "Publication", "Subscription"):
        name = text_at(obj.data, "spec", "cluster", "name")
        yield ("spec", "cluster", "name"), "Cluster.postgresql.cnpg.io", name, "", None, False
    if obj.kind != "Cluster":
        return
    places: list[Path] = [
        ("spec", "superuserSecret"),
        ("spec", "bootstrap", "initdb", "secret"),
        ("spec", "bootstrap", "recovery", "secret"),
    ]
    places += [(*at, "passwordSecret") for at, _ in maps_at(obj.data, "spec", "managed", "roles")]
    places += [at for at, _ in maps_at(obj.data, "spec", "imagePullSecrets")]
    places += _credentials(obj, ("spec", "backup", "barmanObjectStore"))
    yield from _secrets(obj, places)
    for at, plugin in maps_at(obj.data, "spec", "plugins"):
        name = text_at(plugin, "parameters", "barmanObjectName")
        yield (*at, "parameters", "barmanObjectName"), "ObjectStore.barmancloud.cnpg.io", name, "", None, False


def _credentials(obj: RenderedObject, store: Path) -> list[Path]:
    """Where the store that Barman writes to names Secrets."""
    kinds = ("s3Credentials", "azureCredentials", "googleCredentials")
    return [(*store, kind, str(field)) for kind in kinds for field in map_at(obj.data, *store, kind)]


def _secrets(obj: RenderedObject, places: Iterable[Path]) -> Iterator[Mentioned]:
    for path in places:
        one = map_at(obj.data, *path)
        yield (*path, "name"), "Secret", text_at(one, "name"), text_at(one, "key"), None, False
