"""What the API server asks of pods, which Kubernetes' own JSON Schemas do not say.

After k8s.io/kubernetes/pkg/apis/core/validation; an oracle of its own, not what the charts' schema is made from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["pod_faults", "selector_faults"]

_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_NAME = re.compile(_SUBDOMAIN)
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_KEY = re.compile(rf"({_SUBDOMAIN}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?")
_ENV = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_DATA_KEY = re.compile(r"(?!\.\.)[-._a-zA-Z0-9]{1,253}")
_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?([numkMGTPE]|[KMGTPE]i)?")
_FIELDS = re.compile(
    r"metadata\.(name|namespace|uid)|spec\.(nodeName|serviceAccountName)|status\.(hostIP|hostIPs|podIP|podIPs)"
)
_MARKED_FIELDS = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]")
_RESOURCES = re.compile(r"(limits|requests)\.(cpu|memory|ephemeral-storage)")
_LARGE_DIVISORS = frozenset(["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"])
_OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})

_Map = Mapping[str, Any]


def pod_faults(template: _Map, claims: Sequence[str] = ()) -> Iterator[str]:
    """Everything in a pod template that the API server would refuse, a line each.

    ``claims`` are the names of a StatefulSet's claim templates, which are volumes too.
    """
    spec = template.get("spec", {})
    volumes = [*claims, *(str(one.get("name")) for one in spec.get("volumes", ()))]
    yield from _twice("volume", volumes)
    for volume in spec.get("volumes", ()):
        yield from _volume(volume)
    containers = [*spec.get("initContainers", ()), *spec.get("containers", ())]
    yield from _twice("container", [str(one.get("name")) for one in containers])
    for container in containers:
        yield from (f"container {container['name']}: {fault}" for fault in _container(container, set(volumes)))
    for reference in spec.get("imagePullSecrets", ()):
        yield from _form("imagePullSecrets", reference.get("name"), _NAME, 253)
    for field in ("priorityClassName", "serviceAccountName"):
        if field in spec:
            yield from _form(field, spec[field], _NAME, 253)
    yield from _labels("nodeSelector", spec.get("nodeSelector", {}))
    for toleration in spec.get("tolerations", ()):
        yield from _toleration(toleration)
    yield from _affinity(spec.get("affinity", {}))
    yield from _spread(spec.get("topologySpreadConstraints", ()))


def selector_faults(where: str, selector: _Map) -> Iterator[str]:
    """What is wrong with a label selector."""
    yield from _labels(f"{where}.matchLabels", selector.get("matchLabels", {}))
    for one in selector.get("matchExpressions", ()):
        yield from _expression(where, one, _OPERATORS)


def _container(container: _Map, volumes: set[str]) -> Iterator[str]:
    env = container.get("env", ())
    yield from _twice("variable", [str(one.get("name")) for one in env])
    for one in env:
        yield from (f"variable {one.get('name')}: {fault}" for fault in _variable(one))
    mounts = container.get("volumeMounts", ())
    yield from _twice("mountPath", [str(one.get("mountPath")) for one in mounts])
    for mount in mounts:
        if mount.get("name") not in volumes:
            yield f"mounts the volume {mount.get('name')}, which is none of the pod's"
        if not mount.get("mountPath") or ":" in mount["mountPath"]:
            yield f"mountPath {mount.get('mountPath')!r}"
        yield from _relative("subPath", mount.get("subPath"))
    for side in ("requests", "limits"):
        for name, amount in container.get("resources", {}).get(side, {}).items():
            yield from _form(f"resources.{side}.{name}", str(amount), _QUANTITY)


def _variable(variable: _Map) -> Iterator[str]:
    yield from _form("name", variable.get("name"), _ENV)
    source = variable.get("valueFrom")
    if source is None:
        return
    if variable.get("value"):
        yield "has value and valueFrom"
    if len(source) != 1:
        yield f"valueFrom has {len(source)} fields"
    for kind in ("configMapKeyRef", "secretKeyRef"):
        if kind in source:
            yield from _form(f"{kind}.name", source[kind].get("name"), _NAME, 253)
            yield from _form(f"{kind}.key", source[kind].get("key"), _DATA_KEY, 253)
    if "fieldRef" in source:
        yield from _field(source["fieldRef"])
    if "resourceFieldRef" in source:
        yield from _resource_field(source["resourceFieldRef"])


def _field(reference: _Map) -> Iterator[str]:
    if reference.get("apiVersion", "v1") != "v1":
        yield f"fieldRef.apiVersion {reference['apiVersion']!r}"
    path = str(reference.get("fieldPath"))
    marked = _MARKED_FIELDS.fullmatch(path)
    if not (_KEY.fullmatch(marked[2]) if marked else _FIELDS.fullmatch(path)):
        yield f"fieldPath {path!r}"


def _resource_field(reference: _Map) -> Iterator[str]:
    resource = str(reference.get("resource"))
    yield from _form("resource", resource, _RESOURCES)
    divisor = reference.get("divisor", "0")
    if divisor != "0" and divisor not in ({"1m", "1"} if resource.endswith(".cpu") else _LARGE_DIVISORS):
        yield f"divisor {divisor!r} of {resource}"


def _volume(volume: _Map) -> Iterator[str]:
    name = volume.get("name")
    yield from _form("volume", name, _LABEL, 63)
    if len(volume) != 2:
        yield f"volume {name} is of {len(volume) - 1} kinds"
    for kind, naming in (("configMap", "name"), ("secret", "secretName"), ("persistentVolumeClaim", "claimName")):
        if kind in volume:
            yield from _form(f"{kind}.{naming}", volume[kind].get(naming), _NAME, 253)
            yield from _files(volume[kind])
    if "csi" in volume:
        yield from _form("csi.driver", volume["csi"].get("driver"), _NAME, 63)
        secret = volume["csi"].get("nodePublishSecretRef")
        if secret is not None:
            yield from _form("csi.nodePublishSecretRef.name", secret.get("name"), _NAME, 253)
    if "sizeLimit" in volume.get("emptyDir", {}):
        yield from _form("sizeLimit", str(volume["emptyDir"]["sizeLimit"]), _QUANTITY)


def _files(source: _Map) -> Iterator[str]:
    for mode in (source.get("defaultMode", 0), *(item.get("mode", 0) for item in source.get("items", ()))):
        if not 0 <= mode <= 0o777:
            yield f"mode {mode}"
    for item in source.get("items", ()):
        if not item.get("key"):
            yield "items.key is empty"
        yield from _relative("items.path", item.get("path", ""))


def _relative(where: str, path: str | None) -> Iterator[str]:
    if path is not None and (not path or path.startswith("/") or ".." in path.split("/") or path.startswith("..")):
        yield f"{where} {path!r}"


def _toleration(toleration: _Map) -> Iterator[str]:
    key, operator, effect = (toleration.get(field, "") for field in ("key", "operator", "effect"))
    if key:
        yield from _form("toleration.key", key, _KEY)
    elif operator != "Exists":
        yield "a toleration without a key has the operator Exists"
    if operator not in ("", "Equal", "Exists"):
        yield f"toleration.operator {operator!r}"
    if operator == "Exists" and toleration.get("value"):
        yield "a toleration with Exists has no value"
    yield from _form("toleration.value", toleration.get("value", ""), _LABEL_VALUE, 63)
    if effect not in ("", "NoSchedule", "PreferNoSchedule", "NoExecute"):
        yield f"toleration.effect {effect!r}"
    if "tolerationSeconds" in toleration and effect != "NoExecute":
        yield "tolerationSeconds without NoExecute"


def _affinity(affinity: _Map) -> Iterator[str]:
    nodes = affinity.get("nodeAffinity", {})
    required = nodes.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is not None and not required.get("nodeSelectorTerms"):
        yield "nodeSelectorTerms are none"
    terms = list((required or {}).get("nodeSelectorTerms", ()))
    for preferred in nodes.get("preferredDuringSchedulingIgnoredDuringExecution", ()):
        yield from _weight(preferred)
        terms.append(preferred["preference"])
    for term in terms:
        for one in term.get("matchExpressions", ()):
            yield from _expression("node", one, _OPERATORS | {"Gt", "Lt"})
        for one in term.get("matchFields", ()):
            yield from _node_field(one)
    for kind in ("podAffinity", "podAntiAffinity"):
        pods = affinity.get(kind, {})
        for term in pods.get("requiredDuringSchedulingIgnoredDuringExecution", ()):
            yield from _pod_term(term)
        for preferred in pods.get("preferredDuringSchedulingIgnoredDuringExecution", ()):
            yield from _weight(preferred)
            yield from _pod_term(preferred["podAffinityTerm"])


def _weight(preferred: _Map) -> Iterator[str]:
    if not 1 <= preferred["weight"] <= 100:
        yield f"weight {preferred['weight']}"


def _node_field(requirement: _Map) -> Iterator[str]:
    if requirement["key"] != "metadata.name" or requirement["operator"] not in ("In", "NotIn"):
        yield f"matchFields {requirement}"
    if len(requirement.get("values", ())) != 1 or not _NAME.fullmatch(requirement["values"][0]):
        yield f"matchFields {requirement}"


def _pod_term(term: _Map) -> Iterator[str]:
    yield from _form("topologyKey", term["topologyKey"], _KEY)
    for namespace in term.get("namespaces", ()):
        yield from _form("namespaces", namespace, _LABEL, 63)
    for field in ("labelSelector", "namespaceSelector"):
        yield from selector_faults(field, term.get(field, {}))


def _expression(where: str, requirement: _Map, operators: frozenset[str]) -> Iterator[str]:
    operator, values = requirement.get("operator"), requirement.get("values", ())
    yield from _form(f"{where} key", requirement.get("key"), _KEY)
    for value in values:
        yield from _form(f"{where} value", value, _LABEL_VALUE, 63)
    if operator not in operators:
        yield f"{where} operator {operator!r}"
    if operator in ("In", "NotIn") and not values:
        yield f"{where}: {operator} without values"
    if operator in ("Exists", "DoesNotExist") and values:
        yield f"{where}: {operator} with values"
    if operator in ("Gt", "Lt") and (len(values) != 1 or not re.fullmatch("-?[0-9]+", values[0])):
        yield f"{where}: {operator} with {values}"


def _spread(constraints: Sequence[_Map]) -> Iterator[str]:
    pairs = [f"{one['topologyKey']} {one['whenUnsatisfiable']}" for one in constraints]
    yield from _twice("spread constraint", pairs)
    for one in constraints:
        selector, whenever = one.get("labelSelector"), one["whenUnsatisfiable"]
        yield from _form("topologyKey", one["topologyKey"], _KEY)
        yield from selector_faults("labelSelector", selector or {})
        if whenever not in ("DoNotSchedule", "ScheduleAnyway"):
            yield f"whenUnsatisfiable {whenever!r}"
        if one["maxSkew"] < 1 or one.get("minDomains", 1) < 1:
            yield "maxSkew and minDomains are at least 1"
        if "minDomains" in one and whenever != "DoNotSchedule":
            yield f"minDomains with {whenever}"
        for policy in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            if one.get(policy, "Honor") not in ("Honor", "Ignore"):
                yield f"{policy} {one[policy]!r}"
        taken = {*(selector or {}).get("matchLabels", {})}
        taken |= {each["key"] for each in (selector or {}).get("matchExpressions", ())}
        keys = one.get("matchLabelKeys", ())
        if keys and selector is None:
            yield "matchLabelKeys without labelSelector"
        yield from (f"matchLabelKeys and labelSelector have {key}" for key in keys if key in taken)


def _labels(where: str, labels: _Map) -> Iterator[str]:
    for key, value in labels.items():
        yield from _form(f"{where} key", key, _KEY)
        yield from _form(f"{where}.{key}", value, _LABEL_VALUE, 63)


def _twice(what: str, names: Sequence[str]) -> Iterator[str]:
    yield from (f"{what} {name!r} is there twice" for name in sorted({one for one in names if names.count(one) > 1}))


def _form(where: str, text: object, pattern: re.Pattern[str], longest: int = 400) -> Iterator[str]:
    if not isinstance(text, str) or len(text) > longest or not pattern.fullmatch(text):
        yield f"{where} {text!r}"
