"""What the API server asks of names, labels and ports, which Kubernetes' own JSON Schemas do not say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from floe_charts.verify.objects import RenderedObject

__all__ = ["name_faults"]

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_ENV = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")


def name_faults(found: RenderedObject) -> list[str]:
    """Everything in an object that its API server would refuse, a line each."""
    return [f"{found}: {fault}" for fault in (*_object(found), *_walk(found.data, ""))]


def _object(found: RenderedObject) -> Iterator[str]:
    strict = found.kind in ("Service", "StatefulSet")
    pattern, most = (_LABEL, 63) if strict else (_SUBDOMAIN, 253)
    if not pattern.fullmatch(found.name) or len(found.name) > most:
        yield f"name {found.name!r}"
    data = found.data.get("data")
    if found.kind in ("ConfigMap", "Secret") and isinstance(data, Mapping):
        yield from (f"data key {key!r}" for key in data if not _DATA_KEY.fullmatch(key))


def _walk(node: object, path: str) -> Iterator[str]:
    if isinstance(node, list):
        for index, value in enumerate(node):
            yield from _walk(value, f"{path}[{index}]")
    if not isinstance(node, Mapping):
        return
    for key, value in node.items():
        where = f"{path}.{key}"
        if key in ("labels", "matchLabels", "nodeSelector") and isinstance(value, Mapping):
            yield from _labels(where, value)
        elif key == "annotations" and isinstance(value, Mapping):
            yield from (f"{where}: key {name!r}" for name in value if not _KEY.fullmatch(name))
        elif key == "env" and isinstance(value, list):
            names = [one.get("name") for one in value if isinstance(one, Mapping)]
            yield from (f"{where}: name {name!r}" for name in names if not _ENV.fullmatch(str(name)))
        elif key in ("port", "containerPort", "servicePort") and isinstance(value, int) and not 0 < value < 65536:
            yield f"{where}: {value}"
        elif key in ("secretName", "claimName") and isinstance(value, str) and not _SUBDOMAIN.fullmatch(value):
            yield f"{where}: {value!r}"
        yield from _walk(value, where)


def _labels(where: str, labels: Mapping[str, object]) -> Iterator[str]:
    for key, value in labels.items():
        if not _KEY.fullmatch(key):
            yield f"{where}: key {key!r}"
        if not isinstance(value, str) or len(value) > 63 or not _LABEL_VALUE.fullmatch(value):
            yield f"{where}.{key}: {value!r}"
