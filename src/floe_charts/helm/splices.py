"""Maps of values put among written keys (``{**v.annotations, "key": "value"}``): later ones win, as in Python.

YAML would take a key that stands twice as an error or the last of them, so what is overridden is left out. Conditions
that meet other keys have been moved around the mapping before (:mod:`floe_charts.helm.choices`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from floe_charts.errors import DeclarationError
from floe_charts.helm.choices import refuse_unknown_keys
from floe_charts.helm.expr import Splice, node_of, whole_expression
from floe_charts.helm.functions import presence
from floe_charts.helm.nodes import AsFound, Call, Constant, Node
from floe_charts.helm.presence import NEVER, all_of
from floe_charts.helm.refs import child
from floe_charts.helm.spec import BOOLEAN, STRING, Property, Spec, property_specs

__all__ = ["SplicePlan", "has_splices"]

_MAP = Spec("map")


class SplicePlan:
    """Which keys and which maps of one mapping are overridden by what stands behind them."""

    def __init__(self, mapping: Mapping[Any, Any]) -> None:
        """Look at a mapping as it is written; raise :class:`DeclarationError` for keys that only Helm knows."""
        refuse_unknown_keys(mapping)
        self._keys: list[tuple[int, Node]] = []
        self._maps: list[tuple[int, Node]] = []
        self._objects: list[tuple[int, Node]] = []
        for place, (key, value) in enumerate(mapping.items()):
            if not isinstance(key, Splice):
                self._keys.append((place, node_of(key)))
                continue
            node = whole_expression(value)
            if node is not None and node.spec.kind in ("map", "any"):
                self._maps.append((place, node))
            elif node is not None and node.spec.kind == "object":
                self._objects.append((place, node))
                self._keys += [
                    (place, Constant(prop.name, STRING)) for prop in _keys_of(node) if not _asked(node, prop)
                ]

    def not_overridden(self, place: int, key: object) -> Node | None:
        """The condition under which the key at ``place``, written or an object's, stands; None for always."""
        own = node_of(key)
        if own in self._later_keys(place):
            return NEVER
        later = [
            Call("not", (Call("hasKey", (_whole(node), own), BOOLEAN),), BOOLEAN)
            for other, node in self._maps
            if other > place and not _lacks(node, own)
        ]
        later += [
            Call("not", (there,), BOOLEAN)
            for other, node in self._objects
            for prop in _keys_of(node)
            if other > place and prop.name == key and (there := all_of(map(presence, _asked(node, prop)))) is not None
        ]
        return all_of(later)

    def source(self, place: int, node: Node) -> Node | None:
        """What is written for the map at ``place``: all maps of the mapping at the place of the first.

        Raises :class:`DeclarationError` for a key that an object behind the map may have and may not.
        """
        if node.spec.kind not in ("map", "any"):
            return node
        if place != self._maps[0][0]:
            return None
        parts = [self._without_later(other, found) for other, found in self._maps]
        if len(parts) == 1:
            return parts[0]
        items = {found.spec.item for _, found in self._maps}
        if len({item.kind if item is not None else "any" for item in items}) > 1:
            raise DeclarationError("maps of different types are put into one mapping")
        # Of texts of several forms, the one that is written with the most care decides.
        spec = min((found.spec for _, found in self._maps), key=lambda spec: spec.text_safe)
        return Call("mergeOverwrite", (Call("dict", (), _MAP), *map(_whole, parts)), spec)

    def _later_keys(self, place: int) -> list[Node]:
        """The keys behind ``place`` that are there whatever the values say."""
        return [key for other, key in self._keys if other > place]

    def _without_later(self, place: int, node: Node) -> Node:
        later = tuple(key for key in self._later_keys(place) if not _lacks(node, key))
        for other, found in self._objects:
            for prop in _keys_of(found) if other > place else ():
                key = Constant(prop.name, STRING)
                if _asked(found, prop) and key not in later and not _lacks(node, key):
                    raise DeclarationError(
                        f"the key {prop.name} of {found.go('.')}, which need not be there, may be one of "
                        f"{node.go('.')} too; put the map behind the object, or into a mapping of its own"
                    )
        return Call("omit", (_whole(node), *later), node.spec) if later else node


def _keys_of(node: Node) -> Collection[Property]:
    """The declared keys of an object."""
    return property_specs(node.spec.model).values() if node.spec.model is not None else ()


def _asked(node: Node, prop: Property) -> list[Node]:
    """What must be there so that a key of an object is: the object, the key's value; empty for what always is."""
    return [one for one in (node, child(node, prop.name, prop.spec)) if one.spec.optional]


def _lacks(node: Node, key: Node) -> bool:
    """Whether a map cannot have a written key: by its type of Kubernetes, or by what its keys may be."""
    if not isinstance(key, Constant) or not isinstance(key.value, str):
        return False
    kind = node.spec.kubernetes
    if kind is not None:
        return key.value in kind.without
    bounds = dict(node.spec.key.bounds) if node.spec.key is not None else {}
    refused = bounds.get("not", {}).get("pattern")
    if refused is not None and re.search(refused, key.value):
        return True
    return "pattern" in bounds and not re.search(bounds["pattern"], key.value)


def has_splices(mapping: Mapping[Any, Any]) -> bool:
    """Whether anything is spliced into a mapping."""
    return any(type(key) is Splice for key in mapping)


def _whole(node: Node) -> Node:
    """A map that is there: Sprig's functions on maps refuse nil."""
    there = Call("default", (Call("dict", (), _MAP), node), node.spec) if node.spec.optional else node
    return AsFound(there, node.spec)
