"""Values in layers: deep merge, differences as Helm understands them, and who set what.

Maps merge deeply, lists are replaced, and null removes a key, as ``helm install --values`` does it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from floe_charts.helm.nodes import path_text

__all__ = ["LayeredValues", "differences", "leaf_paths", "merge", "prune_nulls"]


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` merged over ``base``; a null in ``over`` removes the key. Neither is changed."""
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            below = merged.get(key)
            merged[key] = merge(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def prune_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` without the keys whose value is null."""
    return merge({}, values)


def differences(base: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The overlay that Helm must merge over ``base`` to get exactly ``wanted``, and nothing else in it.

    ``merge(base, differences(base, wanted)) == wanted`` for all trees without nulls.
    """
    overlay: dict[str, Any] = {}
    for key, value in wanted.items():
        if key not in base:
            overlay[key] = value
        elif value is base[key]:
            continue  # What a merge did not touch is the same object, however large.
        elif isinstance(value, Mapping) and isinstance(base[key], Mapping):
            below = differences(base[key], value)
            if below:
                overlay[key] = below
        elif not _same(value, base[key]):
            overlay[key] = value
    overlay.update({key: None for key in base if key not in wanted})
    return overlay


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; Python takes 1 and True for equal."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return type(one) is type(other) and bool(one == other)


def leaf_paths(values: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The paths of everything that is not a map with something in it, with its value."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaf_paths(value, (*prefix, key))
        else:
            yield (*prefix, key), value


class LayeredValues:
    """Values built up in named layers; the later one wins, and each final value knows the layer that set it."""

    def __init__(self) -> None:
        """Start empty."""
        self._values: dict[str, Any] = {}
        self._origins: dict[str, Any] = {}

    def put(self, layer: str, tree: Mapping[str, Any]) -> None:
        """Merge ``tree`` over what is there, in the name of ``layer``."""
        self._values = merge(self._values, tree)
        self._origins = _merge_origins(self._origins, tree, layer)

    @property
    def values(self) -> dict[str, Any]:
        """The final values."""
        return self._values

    def copy(self) -> LayeredValues:
        """An independent copy, to go on from a common base."""
        other = LayeredValues()
        other._values, other._origins = self._values, self._origins
        return other

    def origin(self, path: str) -> str | None:
        """The layer that set the value at a dotted path; None where no layer did."""
        return self.origins().get(path)

    def origins(self) -> dict[str, str]:
        """The layer of every final value, by dotted path."""
        return {path_text(path): layer for path, layer in leaf_paths(self._origins)}


def _merge_origins(base: Mapping[str, Any], over: Mapping[str, Any], layer: str) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and (value or isinstance(below, Mapping)):
            # A map that is empty afterwards is a value of its own.
            merged[key] = _merge_origins(below if isinstance(below, Mapping) else {}, value, layer) or layer
        else:
            merged[key] = layer
    return merged
