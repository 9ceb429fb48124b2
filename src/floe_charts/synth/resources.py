"""Containers that request more than their limit: Kubernetes refuses such pods, and JSON Schema cannot compare."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from floe_charts.deployment.fields import amount
from floe_charts.helm.checking import Fault
from floe_charts.helm.layers import LayeredValues
from floe_charts.helm.nodes import path_text
from floe_charts.helm.patterns import QUANTITY_PATTERN

__all__ = ["requests_above_limits"]

_COMPUTE = frozenset({"cpu", "memory", "ephemeral-storage"})


def requests_above_limits(layers: LayeredValues, checked: Mapping[str, Any] | None = None) -> list[Fault]:
    """A fault for every amount among the final values that is requested and above its limit.

    What is one object with a part of ``checked``, values in which there is no fault, is not looked at again.
    Source: the field ``resources`` of a Kubernetes Container, and a LimitRange's ``defaultRequest``.
    """
    found = list(_found(layers.values, checked, ()))
    origins = layers.origins() if found else {}
    return [
        Fault(
            path_text((*path, "requests", name)),
            f"is {asked}{_from(origins, (*path, 'requests', name))}, expected at most "
            f"{path_text((*path, 'limits', name))}, which is {limit}{_from(origins, (*path, 'limits', name))}",
            keys=(*path, "requests", name),
        )
        for path, name, asked, limit in found
    ]


def _found(value: Any, checked: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, str, str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _found(item, None, (*path, str(index)))
    if not isinstance(value, Mapping) or value is checked:
        return
    requests, limits = value.get("requests"), value.get("limits")
    if _is_compute(requests) and _is_compute(limits):
        for name, asked in requests.items():
            limit = limits.get(name)
            if _is_quantity(asked) and _is_quantity(limit) and amount(asked) > amount(limit):
                yield path, name, asked, limit
    for key, below in value.items():
        yield from _found(below, checked.get(key) if isinstance(checked, Mapping) else None, (*path, key))


def _is_compute(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping) and value.keys() <= _COMPUTE


def _is_quantity(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and re.fullmatch(QUANTITY_PATTERN, value) is not None


def _from(origins: Mapping[str, str], path: tuple[str, ...]) -> str:
    layer = origins.get(path_text(path))
    return f" ({layer})" if layer else ""
