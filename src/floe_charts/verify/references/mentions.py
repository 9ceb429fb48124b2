"""Who mentions whom: every place of a manifest that names another object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.pods import PodTemplate
from floe_charts.verify.references.index import Index, is_custom, kind_of
from floe_charts.verify.references.nodes import list_at, map_at, maps_at, text_at
from floe_charts.verify.references.operators import operator_mentions
from floe_charts.verify.values import Path

__all__ = ["Mention", "mentions"]


@dataclass(frozen=True, slots=True)
class Mention:
    """``owner`` says at ``path`` that there is a ``kind`` called ``name``, and at ``key_path`` that it has a ``key``.

    An empty ``path`` means that another mention names the object, and only the key is to be looked at. ``port`` is the
    Service's port that is named beside it, None where none is. ``outside`` says that the object is usually none of the
    release's (a StorageClass): only a near-identical name in the release makes it a fault. ``in_pod`` says that the
    pod does not start without the object.
    """

    owner: RenderedObject
    path: Path
    kind: str
    name: str
    namespace: str
    key: str = ""
    key_path: Path = ()
    port: object = None
    port_path: Path = ()
    outside: bool = False
    in_pod: bool = False


def mentions(index: Index) -> list[Mention]:
    """All mentions in a rendering, in the order of its objects; what is ``optional`` is none."""
    found: list[Mention] = []
    for pod in index.pods:
        found += _of_pod(index, pod)
    for obj in index.objects:
        found += _of_object(index, obj)
    return [one for one in found if one.name]


def _of_pod(index: Index, pod: PodTemplate) -> Iterator[Mention]:
    place, base = index.namespace_of(pod.owner), (*pod.path, "spec")

    def mention(kind: str, at: Path, name: str, **more: object) -> Mention:
        return Mention(pod.owner, (*base, *at), kind, name, place, in_pod=True, **more)  # type: ignore[arg-type]

    account = "serviceAccountName" if text_at(pod.spec, "serviceAccountName") else "serviceAccount"
    yield mention("ServiceAccount", (account,), text_at(pod.spec, account))
    for at, secret in maps_at(pod.spec, "imagePullSecrets"):
        yield mention("Secret", (*at, "name"), text_at(secret, "name"))
    for field, kind in (("priorityClassName", "PriorityClass"), ("runtimeClassName", "RuntimeClass")):
        yield Mention(pod.owner, (*base, field), kind, text_at(pod.spec, field), "", outside=True)
    for at, volume in maps_at(pod.spec, "volumes"):
        for kind, step, name, key, key_at in _of_volume(volume):
            yield mention(kind, (*at, *step), name, key=key, key_path=(*base, *at, *key_at))
    for where, container in pod.containers():
        for kind, step, name, key, key_at in _of_container(pod, container):
            at = (*where, *step) if step else ()
            yield Mention(pod.owner, at, kind, name, place, key, (*where, *key_at) if key else (), in_pod=True)


Found = tuple[str, Path, str, str, Path]
"""Kind, path, name, key, path of the key."""


def _of_volume(volume: Mapping[str, object]) -> Iterator[Found]:
    yield from _source(map_at(volume, "secret"), ("secret",), "Secret", "secretName")
    yield from _source(map_at(volume, "configMap"), ("configMap",), "ConfigMap", "name")
    for at, source in maps_at(volume, "projected", "sources"):
        yield from _source(map_at(source, "secret"), (*at, "secret"), "Secret", "name")
        yield from _source(map_at(source, "configMap"), (*at, "configMap"), "ConfigMap", "name")
    claim = ("persistentVolumeClaim", "claimName")
    yield "PersistentVolumeClaim", claim, text_at(volume, *claim), "", ()
    for source_name in volume:
        for field in ("secretRef", "nodePublishSecretRef"):
            path = (source_name, field, "name")
            yield "Secret", path, text_at(volume, *path), "", ()
    yield "Secret", ("azureFile", "secretName"), text_at(volume, "azureFile", "secretName"), "", ()


def _source(source: Mapping[str, object], here: Path, kind: str, field: str) -> Iterator[Found]:
    if source.get("optional") is True:
        return
    name = text_at(source, field)
    yield kind, (*here, field), name, "", ()
    for item_at, item in maps_at(source, "items"):
        yield kind, (*here, field), name, text_at(item, "key"), (*here, *item_at, "key")


def _of_container(pod: PodTemplate, container: Mapping[str, object]) -> Iterator[Found]:
    for at, variable in maps_at(container, "env"):
        for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            source = map_at(variable, "valueFrom", field)
            if source.get("optional") is not True:
                here = (*at, "valueFrom", field)
                yield kind, (*here, "name"), text_at(source, "name"), text_at(source, "key"), (*here, "key")
    for at, bulk in maps_at(container, "envFrom"):
        for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            source = map_at(bulk, field)
            if source.get("optional") is not True:
                yield kind, (*at, field, "name"), text_at(source, "name"), "", ()
    volumes = {text_at(one, "name"): one for _, one in maps_at(pod.spec, "volumes")}
    for at, mount in maps_at(container, "volumeMounts"):
        volume, first = volumes.get(text_at(mount, "name")), text_at(mount, "subPath").strip("/").split("/")[0]
        for step, field, kind in (("secret", "secretName", "Secret"), ("configMap", "name", "ConfigMap")):
            body = map_at(volume, step)
            # With items, the first step is one of their paths, which name what keys exist by themselves.
            if first and body and not list_at(body, "items") and body.get("optional") is not True:
                yield kind, (), text_at(body, field), first, (*at, "subPath")


def _of_object(index: Index, obj: RenderedObject) -> Iterator[Mention]:
    place = index.namespace_of(obj)
    if is_custom(obj):
        for at, kind, name, key, port, outside in operator_mentions(obj):
            where = index.place_of(kind, place)
            yield Mention(obj, at, kind, name, where, key, (*at[:-1], "key"), port, (*at[:-1], "port"), outside)
        return
    kind = obj.kind
    if kind == "ServiceAccount":
        for field in ("secrets", "imagePullSecrets"):
            for at, one in maps_at(obj.data, field):
                yield Mention(obj, (*at, "name"), "Secret", text_at(one, "name"), place)
    elif kind == "StatefulSet":
        yield Mention(obj, ("spec", "serviceName"), "Service", text_at(obj.data, "spec", "serviceName"), place)
        for at, _ in maps_at(obj.data, "spec", "volumeClaimTemplates"):
            yield _storage_class(obj, (*at, "spec", "storageClassName"))
    elif kind == "PersistentVolumeClaim":
        yield _storage_class(obj, ("spec", "storageClassName"))
    elif kind in ("RoleBinding", "ClusterRoleBinding"):
        yield from _of_binding(obj, place)
    elif kind in ("HorizontalPodAutoscaler", "VerticalPodAutoscaler"):
        field = "scaleTargetRef" if kind.startswith("H") else "targetRef"
        target = map_at(obj.data, "spec", field)
        wanted = kind_of(text_at(target, "apiVersion"), text_at(target, "kind"))
        yield Mention(obj, ("spec", field, "name"), wanted, text_at(target, "name"), place)
    elif kind == "Ingress":
        yield from _of_ingress(obj, place)
    elif kind in ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute"):
        yield from _of_route(obj, place)
    elif kind == "Gateway":
        for at, listener in maps_at(obj.data, "spec", "listeners"):
            for ref_at, one in maps_at(listener, "tls", "certificateRefs"):
                where = text_at(one, "namespace") or place
                yield Mention(obj, (*at, *ref_at, "name"), "Secret", text_at(one, "name"), where)
    elif kind == "APIService":
        yield _backend(obj, ("spec", "service"), place)
    elif kind.endswith("WebhookConfiguration"):
        for at, _ in maps_at(obj.data, "webhooks"):
            yield _backend(obj, (*at, "clientConfig", "service"), place)
    elif kind == "CustomResourceDefinition":
        yield _backend(obj, ("spec", "conversion", "webhook", "clientConfig", "service"), place)


def _storage_class(obj: RenderedObject, path: Path) -> Mention:
    return Mention(obj, path, "StorageClass", text_at(obj.data, *path), "", outside=True)


def _backend(obj: RenderedObject, path: Path, place: str) -> Mention:
    service = map_at(obj.data, *path)
    where, name = text_at(service, "namespace") or place, text_at(service, "name")
    return Mention(
        obj, (*path, "name"), "Service", name, where, port=service.get("port", 443), port_path=(*path, "port")
    )


def _of_binding(obj: RenderedObject, place: str) -> Iterator[Mention]:
    role = map_at(obj.data, "roleRef")
    kind = text_at(role, "kind")
    yield Mention(obj, ("roleRef", "name"), kind, text_at(role, "name"), "" if kind == "ClusterRole" else place)
    for at, subject in maps_at(obj.data, "subjects"):
        if text_at(subject, "kind") == "ServiceAccount":
            where = text_at(subject, "namespace") or place
            yield Mention(obj, (*at, "name"), "ServiceAccount", text_at(subject, "name"), where)


def _of_ingress(obj: RenderedObject, place: str) -> Iterator[Mention]:
    yield Mention(
        obj,
        ("spec", "ingressClassName"),
        "IngressClass",
        text_at(obj.data, "spec", "ingressClassName"),
        "",
        outside=True,
    )
    for at, tls in maps_at(obj.data, "spec", "tls"):
        yield Mention(obj, (*at, "secretName"), "Secret", text_at(tls, "secretName"), place)
    backends: list[Path] = [("spec", "defaultBackend")]
    for at, rule in maps_at(obj.data, "spec", "rules"):
        backends += [(*at, *path_at, "backend") for path_at, _ in maps_at(rule, "http", "paths")]
    for path in backends:
        service, port = map_at(obj.data, *path, "service"), map_at(obj.data, *path, "service", "port")
        field = "number" if "number" in port else "name"
        # The controller of AWS takes this name for an action that an annotation describes.
        if text_at(port, "name") != "use-annotation":
            base = (*path, "service")
            yield Mention(
                obj,
                (*base, "name"),
                "Service",
                text_at(service, "name"),
                place,
                port=port.get(field),
                port_path=(*base, "port", field),
            )


def _of_route(obj: RenderedObject, place: str) -> Iterator[Mention]:
    for at, rule in maps_at(obj.data, "spec", "rules"):
        found = [(*at, *ref_at) for ref_at, _ in maps_at(rule, "backendRefs")]
        found += [(*at, *step, "requestMirror", "backendRef") for step, _ in maps_at(rule, "filters")]
        for path in found:
            one = map_at(obj.data, *path)
            if one.get("kind", "Service") == "Service" and not one.get("group"):
                where = text_at(one, "namespace") or place
                yield Mention(
                    obj,
                    (*path, "name"),
                    "Service",
                    text_at(one, "name"),
                    where,
                    port=one.get("port"),
                    port_path=(*path, "port"),
                )
