"""Values in layers: deep merge, differences as Helm understands them, and who set what.

Maps merge deeply, lists are replaced, and null removes a key, as ``helm install --values`` does it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from floe_charts.helm.nodes import path_text
from floe_charts.helm.shapes import is_list, is_map

__all__ = ["LayeredValues", "differences", "leaf_paths", "merge", "prune_nulls"]


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` merged over ``base``; a null in ``over`` removes the key. Neither is changed."""
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif is_map(value):
            below = merged.get(key)
            merged[key] = merge(below if is_map(below) else {}, value)
        else:
            merged[key] = _copied(value)
    return merged


def _copied(value: Any) -> Any:
    """A JSON value that shares nothing with ``value``."""
    if is_list(value):
        return [_copied(item) for item in value]
    return {key: _copied(item) for key, item in value.items()} if is_map(value) else value


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
        elif is_map(value) and is_map(base[key]):
            below = differences(base[key], value)
            if below:
                overlay[key] = below
        elif not _same(value, base[key]):
            overlay[key] = value
    overlay.update({key: None for key in base if key not in wanted})
    return overlay


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; Python takes 1 and True for equal."""
    if is_list(one) and is_list(other):
        return len(one) == len(other) and all(map(_same, one, other))
    if is_map(one) and is_map(other):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return type(one) is type(other) and bool(one == other)


def leaf_paths(values: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The paths of everything that is not a map with something in it, with its value."""
    for key, value in values.items():
        if is_map(value) and value:
            yield from leaf_paths(value, (*prefix, key))
        else:
            yield (*prefix, key), value


class LayeredValues:
    """Values built up in named layers; the later one wins, and each final value knows the layer that set it."""

    def __init__(self) -> None:
        """Start empty."""
        self._values: dict[str, Any] = {}
        self._trees: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    def put(self, layer: str, tree: Mapping[str, Any]) -> None:
        """Merge ``tree`` over what is there, in the name of ``layer``."""
        self._values = merge(self._values, tree)
        self._trees = (*self._trees, (layer, tree))

    @property
    def values(self) -> dict[str, Any]:
        """The final values."""
        return self._values

    def copy(self) -> LayeredValues:
        """An independent copy, to go on from a common base."""
        other = LayeredValues()
        other._values, other._trees = self._values, self._trees
        return other

    def origin(self, path: str) -> str | None:
        """The layer that set the value at a dotted path; None where no layer did."""
        return self.origins().get(path)

    def origins(self) -> dict[str, str]:
        """The layer of every final value, by dotted path."""
        found: dict[str, Any] = {}
        for layer, tree in self._trees:
            found = _merge_origins(found, tree, layer)
        return {path_text(path): layer for path, layer in leaf_paths(found)}


def _merge_origins(base: Mapping[str, Any], over: Mapping[str, Any], layer: str) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif is_map(value) and (value or is_map(below)):
            # A map that is empty afterwards is a value of its own.
            merged[key] = _merge_origins(below if is_map(below) else {}, value, layer) or layer
        else:
            merged[key] = layer
    return merged
