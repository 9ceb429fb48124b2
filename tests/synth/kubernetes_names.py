"""What the API server asks of objects, which Kubernetes' own JSON Schemas do not say: names, labels, ports, pods.

After k8s.io/apimachinery/pkg/util/validation and k8s.io/kubernetes/pkg/apis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.pods import pod_templates
from tests.synth.kubernetes_pods import pod_faults, selector_faults

__all__ = ["name_faults"]

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_KEY = re.compile(rf"({_SUBDOMAIN.pattern}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?")
_DATA_KEY = re.compile(r"(?!\.\.)[-._a-zA-Z0-9]{1,253}")
_SELECTORS = ("matchLabels", "matchExpressions")


def name_faults(found: RenderedObject) -> list[str]:
    """Everything in an object that its API server would refuse, a line each."""
    claims = [claim["metadata"]["name"] for claim in found.data.get("spec", {}).get("volumeClaimTemplates", ())]
    pods = [fault for pod in pod_templates([found]) for fault in _template_faults(found, pod.path, claims)]
    return [f"{found}: {fault}" for fault in (*_object(found), *_walk(found.data, ""), *pods, *_kind(found))]


def _template_faults(found: RenderedObject, path: tuple[str | int, ...], claims: list[str]) -> Iterator[str]:
    template: Any = found.data
    for key in path:
        template = template[key]
    yield from pod_faults(template, claims)
    selector = found.data.get("spec", {}).get("selector", {}).get("matchLabels", {})
    labels = template.get("metadata", {}).get("labels", {})
    if not selector.items() <= labels.items():
        yield f"the selector {selector} does not select the pods, which have {labels}"


def _object(found: RenderedObject) -> Iterator[str]:
    strict = found.kind in ("Service", "StatefulSet")
    pattern, most = (_LABEL, 63) if strict else (_SUBDOMAIN, 253)
    if not pattern.fullmatch(found.name) or len(found.name) > most:
        yield f"name {found.name!r}"
    data = found.data.get("data")
    if found.kind in ("ConfigMap", "Secret") and isinstance(data, Mapping):
        yield from (f"data key {key!r}" for key in data if not _DATA_KEY.fullmatch(key))


def _kind(found: RenderedObject) -> Iterator[str]:
    spec: Any = found.data.get("spec", {})
    if found.kind == "HorizontalPodAutoscaler" and not 1 <= spec["minReplicas"] <= spec["maxReplicas"]:
        yield f"minReplicas {spec['minReplicas']}, maxReplicas {spec['maxReplicas']}"
    if found.kind == "PodDisruptionBudget" and ("minAvailable" in spec) == ("maxUnavailable" in spec):
        yield "has one of minAvailable and maxUnavailable"
    if found.kind == "Ingress":
        for rule in spec.get("rules", ()):
            yield from (fault for path in rule["http"]["paths"] for fault in _path(path["path"]))
            if "host" in rule and not _SUBDOMAIN.fullmatch(rule["host"].removeprefix("*.")):
                yield f"host {rule['host']!r}"
    if found.kind == "HTTPRoute":
        matches = [match for rule in spec["rules"] for match in rule.get("matches", ())]
        yield from (fault for match in matches for fault in _path(match["path"]["value"]))
        if len(spec.get("hostnames", ())) > 16:
            yield "more than 16 hostnames"


def _path(path: str) -> Iterator[str]:
    wrong = ("//", "/./", "/../", "%2f", "%2F", "#")
    if not path.startswith("/") or path.endswith(("/.", "/..")) or any(part in path for part in wrong):
        yield f"path {path!r}"


def _walk(node: object, path: str) -> Iterator[str]:
    if isinstance(node, list):
        for index, value in enumerate(node):
            yield from _walk(value, f"{path}[{index}]")
    if not isinstance(node, Mapping):
        return
    if any(key in node for key in _SELECTORS):
        yield from selector_faults(path, node)
    for key, value in node.items():
        where = f"{path}.{key}"
        if key == "labels" and isinstance(value, Mapping):
            yield from _labels(where, value)
        elif key == "annotations" and isinstance(value, Mapping):
            yield from (f"{where}: key {name!r}" for name in value if not _KEY.fullmatch(name.lower()))
        elif key in ("port", "containerPort", "servicePort") and isinstance(value, int) and not 0 < value < 65536:
            yield f"{where}: {value}"
        elif key in ("secretName", "claimName") and isinstance(value, str) and not _SUBDOMAIN.fullmatch(value):
            yield f"{where}: {value!r}"
        if key != "nodeAffinity":  # Its selectors are of another kind.
            yield from _walk(value, where)


def _labels(where: str, labels: Mapping[str, object]) -> Iterator[str]:
    for key, value in labels.items():
        if not _KEY.fullmatch(key):
            yield f"{where}: key {key!r}"
        if not isinstance(value, str) or len(value) > 63 or not _LABEL_VALUE.fullmatch(value):
            yield f"{where}.{key}: {value!r}"
