"""What the API server refuses although the JSON schemas allow it: names, labels, quantities, schedules.

Only rules that the API server itself enforces (k8s.io/apimachinery/pkg/api/validation, pkg/util/validation,
pkg/apis/core/validation). Field types are the schemas' matter: what has another type than expected is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from floe_charts.helm.kubernetes_fields import SchemaFault, field_path
from floe_charts.helm.time_zones import is_time_zone, nearest_time_zone
from floe_charts.verify.cron import cron_problem
from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.pods import pod_templates
from floe_charts.verify.quantities import parse_quantity
from floe_charts.verify.values import Path, get_at

__all__ = ["rule_faults"]

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", re.ASCII)
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?", re.ASCII)
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", re.ASCII)
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]+", re.ASCII)
_ANNOTATIONS_LIMIT = 256 * 1024

# Kinds whose name is checked otherwise than as a DNS subdomain. RBAC takes path segments (`system:node`).
_NAMES_1123 = frozenset({"Namespace"})
_NAMES_PATH = frozenset({"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"})
_NAMES_FREE = frozenset(
    {"APIService", "CertificateSigningRequest", "ClusterTrustBundle", "CustomResourceDefinition", "IPAddress"}
)
_NAME_LIMITS = {"CronJob": 52}

_PORT_NAME = re.compile(r"(?!.*--)(?=.*[a-z])[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.ASCII)
_PERCENT = re.compile(r"[0-9]+%", re.ASCII)
_INT_OR_PERCENT: Mapping[str, tuple[Path, ...]] = {
    "DaemonSet": (
        ("spec", "updateStrategy", "rollingUpdate", "maxSurge"),
        ("spec", "updateStrategy", "rollingUpdate", "maxUnavailable"),
    ),
    "Deployment": (
        ("spec", "strategy", "rollingUpdate", "maxSurge"),
        ("spec", "strategy", "rollingUpdate", "maxUnavailable"),
    ),
    "PodDisruptionBudget": (("spec", "maxUnavailable"), ("spec", "minAvailable")),
}
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def rule_faults(obj: Mapping[str, object], kube_version: str) -> list[SchemaFault]:
    """What the API server of a version such as ``1.34`` would refuse in an object of Kubernetes' own kinds.

    That is, beyond what its schema says.
    """
    found = RenderedObject("", 0, obj)
    faults = [*_name_faults(found, kube_version), *_metadata_faults(obj, ()), *_data_faults(found)]
    for pods in pod_templates([found]):
        if pods.path:
            faults += _metadata_faults(get_at(obj, pods.path), pods.path)
        faults += _pod_faults(pods.spec, (*pods.path, "spec"))
        for path, container in pods.containers():
            faults += _resource_faults(container.get("resources"), (*path, "resources"))
            faults += _container_port_faults(container, path)
    if found.kind == "CronJob":
        faults += _schedule_faults(obj)
    if found.kind == "Service":
        faults += _service_port_faults(obj)
    faults += _percent_faults(found)
    if found.kind == "StatefulSet":
        claims = get_at(obj, ("spec", "volumeClaimTemplates"))
        for index, claim in enumerate(claims if isinstance(claims, list) else ()):
            path = ("spec", "volumeClaimTemplates", index, "spec", "resources")
            faults += _resource_faults(get_at(claim, ("spec", "resources")), path, compare=False)
    if found.kind == "PersistentVolumeClaim":
        faults += _resource_faults(get_at(obj, ("spec", "resources")), ("spec", "resources"), compare=False)
    return faults


def _name_faults(obj: RenderedObject, kube_version: str) -> Iterator[SchemaFault]:
    name, path = obj.metadata.get("name"), ("metadata", "name")
    if not isinstance(name, str) or obj.kind in _NAMES_FREE:
        return
    if obj.kind in _NAMES_PATH:
        if name in {".", ".."} or "/" in name or "%" in name:
            yield _fault(path, name, "may not be . or .. nor hold / or %")
        return
    # Since 1.36 (KEP-5311, on by default) the name of a Service may begin with a digit like that of other objects.
    if obj.kind == "Service" and tuple(map(int, kube_version.split("."))) < (1, 36):
        yield from _dns(path, name, _LABEL_1035, 63, "lower case letters, digits and -, a letter first")
    elif obj.kind == "Service" or obj.kind in _NAMES_1123:
        yield from _dns(path, name, _LABEL, 63, "lower case letters, digits and -")
    else:
        yield from _dns(path, name, _SUBDOMAIN, _NAME_LIMITS.get(obj.kind, 253), "lower case letters, digits, - and .")
    namespace = obj.metadata.get("namespace")
    if isinstance(namespace, str) and namespace:
        yield from _dns(("metadata", "namespace"), namespace, _LABEL, 63, "lower case letters, digits and -")


def _metadata_faults(holder: object, path: Path) -> Iterator[SchemaFault]:
    labels = get_at(holder, ("metadata", "labels"))
    for key, value in labels.items() if isinstance(labels, Mapping) else ():
        where = (*path, "metadata", "labels", key)
        yield from _key_faults(where, key)
        if isinstance(value, str) and value and (len(value) > 63 or not _QUALIFIED.fullmatch(value)):
            rule = "has at most 63 letters, digits, -, _ and ., with a letter or digit at both ends"
            yield _fault(where, value, f"is no value of a label, which {rule}")
    annotations = get_at(holder, ("metadata", "annotations"))
    if isinstance(annotations, Mapping):
        for key in annotations:
            # The API server holds annotations' keys in lower case against the rule.
            yield from _key_faults((*path, "metadata", "annotations", key), key.lower())
        size = sum(len(key.encode()) + len(str(value).encode()) for key, value in annotations.items())
        if size > _ANNOTATIONS_LIMIT:
            where = (*path, "metadata", "annotations")
            yield SchemaFault(where, f"{field_path(where)} are {size} bytes together; {_ANNOTATIONS_LIMIT} are allowed")


def _key_faults(path: Path, key: str) -> Iterator[SchemaFault]:
    prefix, slash, name = key.rpartition("/")
    wrong = len(name) > 63 or not _QUALIFIED.fullmatch(name)
    if wrong or (slash and (len(prefix) > 253 or not _SUBDOMAIN.fullmatch(prefix))):
        rule = "a name of at most 63 letters, digits, -, _ and ., before it a domain and / if need be"
        yield SchemaFault(path, f"{field_path(path)}: {key!r} is no key, which is {rule}")


def _data_faults(obj: RenderedObject) -> Iterator[SchemaFault]:
    if obj.kind not in {"ConfigMap", "Secret"} or "/" in obj.api_version:
        return
    for field in ("data", "binaryData", "stringData"):
        data = obj.data.get(field)
        for key in data if isinstance(data, Mapping) else ():
            if len(key) > 253 or not _DATA_KEY.fullmatch(key) or key in {".", ".."} or key.startswith(".."):
                yield _fault((field, key), key, "is no key: letters, digits, -, _ and . are allowed")


def _pod_faults(spec: Mapping[str, object], path: Path) -> Iterator[SchemaFault]:
    taken: dict[str, str] = {}
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from _named(spec.get(field), (*path, field), taken)
    yield from _named(spec.get("volumes"), (*path, "volumes"), {})
    for list_name in ("initContainers", "containers"):
        containers = spec.get(list_name)
        for index, one in enumerate(containers if isinstance(containers, list) else ()):
            yield from _mounts(one, (*path, list_name, index, "volumeMounts"))


def _named(items: object, path: Path, taken: dict[str, str]) -> Iterator[SchemaFault]:
    """Containers or volumes: each has a DNS label for a name, and no two the same."""
    for index, item in enumerate(items if isinstance(items, list) else ()):
        name = get_at(item, ("name",))
        if not isinstance(name, str):
            continue
        where = (*path, index, "name")
        yield from _dns(where, name, _LABEL, 63, "lower case letters, digits and -")
        if name in taken:
            yield _fault(where, name, f"is the name of {taken[name]} too")
        taken.setdefault(name, field_path((*path, index)))


def _mounts(container: object, path: Path) -> Iterator[SchemaFault]:
    mounts = get_at(container, ("volumeMounts",))
    taken: dict[str, str] = {}
    for index, mount in enumerate(mounts if isinstance(mounts, list) else ()):
        target = get_at(mount, ("mountPath",))
        if isinstance(target, str) and target:
            where = (*path, index, "mountPath")
            if target in taken:
                yield _fault(where, target, f"is mounted by {taken[target]} too")
            taken.setdefault(target, field_path((*path, index)))


def _resource_faults(resources: object, path: Path, *, compare: bool = True) -> Iterator[SchemaFault]:
    """Amounts that are none; and where ``compare`` says so (containers), requests above their limits."""
    amounts: dict[str, dict[str, Decimal]] = {"limits": {}, "requests": {}}
    for side, kept in amounts.items():
        given = get_at(resources, (side,))
        for name, value in given.items() if isinstance(given, Mapping) else ():
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                continue
            where = (*path, side, name)
            quantity = parse_quantity(str(value))
            if quantity is None:
                yield _fault(where, str(value), "is no quantity, such as 500m, 2 or 1.5Gi")
            elif quantity < 0:
                yield _fault(where, str(value), "is below 0")
            else:
                kept[name] = quantity
    for name, requested in amounts["requests"].items() if compare else ():
        limit = amounts["limits"].get(name)
        if limit is not None and requested > limit:
            where = (*path, "requests", name)
            asked = get_at(resources, ("requests", name))
            at_most = get_at(resources, ("limits", name))
            yield _fault(where, str(asked), f"is more than the limit, {at_most}")


def _container_port_faults(container: Mapping[str, object], path: Path) -> Iterator[SchemaFault]:
    ports = container.get("ports")
    for index, port in enumerate(ports if isinstance(ports, list) else ()):
        where = (*path, "ports", index)
        yield from _port_number((*where, "containerPort"), get_at(port, ("containerPort",)))
        name = get_at(port, ("name",))
        if isinstance(name, str) and name:
            yield from _port_name((*where, "name"), name)
    for probe in _PROBES:
        for way in ("httpGet", "tcpSocket"):
            yield from _port((*path, probe, way, "port"), get_at(container, (probe, way, "port")))


def _service_port_faults(obj: Mapping[str, object]) -> Iterator[SchemaFault]:
    found = get_at(obj, ("spec", "ports"))
    ports = found if isinstance(found, list) else []
    for index, port in enumerate(ports):
        path = ("spec", "ports", index)
        yield from _port_number((*path, "port"), get_at(port, ("port",)))
        target = get_at(port, ("targetPort",))
        # Nothing and 0 stand for the Service's own port.
        yield from _port((*path, "targetPort"), target) if target not in ("", 0) else ()
        name = get_at(port, ("name",))
        if isinstance(name, str) and name:
            yield from _dns((*path, "name"), name, _LABEL, 63, "lower case letters, digits and -")
        elif len(ports) > 1 and isinstance(port, Mapping):
            where = field_path((*path, "name"))
            yield SchemaFault((*path, "name"), f"{where} is missing; each of several ports of a Service has a name")


def _port(path: Path, port: object) -> Iterator[SchemaFault]:
    """A port by number or by name."""
    if isinstance(port, str):
        yield from _port_name(path, port)
    else:
        yield from _port_number(path, port)


def _port_number(path: Path, port: object) -> Iterator[SchemaFault]:
    if isinstance(port, int) and not isinstance(port, bool) and not 1 <= port <= 65535:
        yield _fault(path, str(port), "is no port: 1 to 65535 are allowed")


def _port_name(path: Path, name: str) -> Iterator[SchemaFault]:
    if len(name) > 15 or not _PORT_NAME.fullmatch(name):
        rule = "at most 15 lower case letters, digits and single -, a letter among them"
        yield _fault(path, name, f"is no name of a port: {rule}")


def _percent_faults(obj: RenderedObject) -> Iterator[SchemaFault]:
    for path in _INT_OR_PERCENT.get(obj.kind, ()):
        value = get_at(obj.data, path)
        if isinstance(value, str) and not _PERCENT.fullmatch(value):
            yield _fault(path, value, "is neither a whole number nor a percentage such as 25%")


def _schedule_faults(obj: Mapping[str, object]) -> Iterator[SchemaFault]:
    path = ("spec", "schedule")
    schedule = get_at(obj, path)
    problem = cron_problem(schedule) if isinstance(schedule, str) else ""
    if problem:
        yield _fault(path, str(schedule), f"is no schedule: {problem}")
    path = ("spec", "timeZone")
    zone = get_at(obj, path)
    if isinstance(zone, str) and not is_time_zone(zone):
        near = nearest_time_zone(zone)
        yield _fault(path, zone, "is no time zone of the IANA database" + (f"; did you mean {near}?" if near else ""))


def _dns(path: Path, name: str, pattern: re.Pattern[str], limit: int, allowed: str) -> Iterator[SchemaFault]:
    if len(name) > limit:
        yield _fault(path, name, f"has {len(name)} characters; {limit} are allowed")
    elif not pattern.fullmatch(name):
        yield _fault(path, name, f"is no name here: {allowed}, a letter or digit at both ends")


def _fault(path: Path, value: str, problem: str) -> SchemaFault:
    shown = value if len(value) <= 80 else f"{value[:79]}…"
    return SchemaFault(path, f"{field_path(path)}: {shown!r} {problem}")
