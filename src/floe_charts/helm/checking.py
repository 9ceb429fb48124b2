"""Holding values against what a chart declares: unknown paths with the nearest that exists, and wrong types."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from floe_charts.errors import nearest
from floe_charts.helm.books import declared_paths
from floe_charts.helm.kubernetes_types import kubernetes_fields
from floe_charts.helm.nodes import path_text
from floe_charts.helm.schema import SchemaRequest, values_validator
from floe_charts.helm.spec import ANY, Property, Spec, property_specs
from floe_charts.helm.values import SubchartValues
from floe_charts.helm.wording import found_text, problem

if TYPE_CHECKING:
    from jsonschema_rs import Draft7Validator

__all__ = ["DeclaredValues", "Fault"]


@dataclass(frozen=True)
class Fault:
    """A value that does not fit: its dotted path, what is wrong with it, and the nearest path that exists.

    ``keys`` is the path taken apart; a key may hold a dot.
    """

    path: str
    problem: str
    suggestion: str | None = None
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The fault in a line."""
        where = self.path or "the values"
        return f"{where} {self.problem}" + (f"; did you mean {self.suggestion}?" if self.suggestion else "")


class DeclaredValues:
    """The values that a chart declares, to be asked about paths and trees."""

    def __init__(self, request: SchemaRequest) -> None:
        """``request`` says what the chart declares; below its ``open_keys`` any path goes.

        The schema is made when the first values are held against it.
        """
        self._request = request
        self._open = request.open_keys
        self._properties = {prop.name: prop for prop in request.properties}
        self._rules = request.rules

    def unknown(self, tree: Mapping[str, Any]) -> Iterator[Fault]:
        """A fault for every path of ``tree`` that the chart does not declare."""
        for path in self._unknown(tree, self._properties, False, ()):
            if path[0] in self._open and len(path) > 1:
                continue
            near = self.nearest(_to_only_leaf(tree, path))
            yield Fault(path_text(path), "is not a value of this chart", near, path)

    def nearest(self, path: tuple[str, ...]) -> str | None:
        """The declared path most like ``path``: a sibling, then the same end elsewhere, then a parent spelt right."""
        near = self._nearest_key(path)
        if near is not None:
            return path_text((*path[:-1], near))
        declared = list(declared_paths(self._properties.values()))
        same_path = _ending(path, declared)  # What a chart calls so may be a dependency here, one level down.
        if same_path:
            return path_text(same_path[0])
        # People misplace a key inside a component, hardly from one into another.
        component = path[0] if path[0] in self._properties else nearest(path[0], self._properties)
        same_end = _nearest_end(path, [known for known in declared if known[0] == component])
        if same_end is not None:
            return path_text(same_end)
        for length in range(len(path) - 1, 0, -1):
            near = self._nearest_key(path[:length])
            if near is not None:
                corrected = (*path[: length - 1], near, *path[length:])
                return path_text(corrected if self.spec_at(corrected) is not None else corrected[:length])
        inside = [known for known in declared if known[0] == path[0]] or declared
        return _nearest_path(path_text(path), [path_text(known) for known in inside])

    def _nearest_key(self, path: tuple[str, ...]) -> str | None:
        """The sibling most like the last key of ``path``, where that is not declared itself."""
        siblings = self._siblings(path[:-1])
        return nearest(path[-1], siblings) if siblings and path[-1] not in siblings else None

    def is_declared(self, path: Sequence[str]) -> bool:
        """Whether the last key of ``path`` is a key of a Values class, not one that a subchart or a free map knows."""
        properties = self._properties if len(path) == 1 else _properties_of(self.spec_at(path[:-1]))[0]
        return path[-1] in properties

    def spec_at(self, path: Sequence[str]) -> Spec | None:
        """The type of the value at ``path``; None where nothing is declared there."""
        spec: Spec | None = None
        for position, key in enumerate(path):
            properties, is_open = (self._properties, False) if position == 0 else _properties_of(spec)
            if key in properties:
                spec = properties[key].spec
            elif spec is not None and spec.kind in ("map", "list") and spec.item is not None:
                spec = spec.item
            elif (
                (spec is not None and spec.kind == "any")
                or is_open
                or key in _known_keys(spec)
                or path[0] in self._open
            ):
                return ANY
            else:
                return None
        return spec

    def faults(self, values: Mapping[str, Any]) -> list[Fault]:
        """What is wrong with complete values by the chart's schema; empty where Helm will accept them."""
        validator = self._validator
        if validator.is_valid(values):  # Much quicker than looking for errors.
            return []
        # A rule between values may find again what is wrong with one of them.
        return list(dict.fromkeys(self._fault(error, values) for error in validator.iter_errors(values)))

    @cached_property
    def _validator(self) -> Draft7Validator:
        return values_validator(self._request)

    def _fault(self, error: Any, values: Mapping[str, Any]) -> Fault:
        keys = tuple(str(key) for key in error.instance_path)
        if error.kind.name == "not":
            for rule in self._rules:
                if rule.path == path_text(keys) and rule.refuses(values):
                    return Fault(rule.path, f"{found_text(error.instance)} is refused: {rule.because}", keys=keys)
        inside = self._kubernetes_fields(keys)
        if error.kind.name == "required":
            keys = (*keys, str(error.kind.property))
            needed = "is missing, and the chart needs it" if inside is None else f"is missing; {inside[0]} needs it"
            for rule in self._rules:
                if rule.path == path_text(keys) and rule.refuses(values):
                    needed = f"is missing: {rule.because}"
            return Fault(path_text(keys), needed, keys=keys)
        if error.kind.name == "additionalProperties" and inside is not None:
            key = str(next(iter(error.kind.unexpected)))
            near = nearest(key, inside[1])
            said = f"is not a field of Kubernetes' {inside[0]} that can be set here"
            return Fault(path_text((*keys, key)), said, path_text((*keys, near)) if near else None, (*keys, key))
        return Fault(path_text(keys), problem(error), keys=keys)

    def _kubernetes_fields(self, keys: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
        """The type of Kubernetes at a path, and its fields; None outside of such."""
        for length in range(1, len(keys) + 1):
            spec = self.spec_at(keys[:length])
            if spec is not None and spec.kubernetes is not None:
                return kubernetes_fields(spec.kubernetes, keys[length:])
        return None

    def _siblings(self, path: tuple[str, ...]) -> list[str]:
        if not path:
            return list(self._properties)
        spec = self.spec_at(path)
        properties, _ = _properties_of(spec)
        return [*properties, *_known_keys(spec)]

    def _unknown(
        self,
        tree: Mapping[str, Any],
        properties: Mapping[str, Property],
        is_open: bool,
        path: tuple[str, ...],
        known: frozenset[str] = frozenset(),
    ) -> Iterator[tuple[str, ...]]:
        for key, value in tree.items():
            here = (*path, str(key))
            prop = properties.get(key)
            if prop is None:
                if not is_open and key not in known and not (not path and key == "global"):
                    yield here
            else:
                yield from self._unknown_in(value, prop.spec, here)

    def _unknown_in(self, value: Any, spec: Spec, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if spec.kind == "object" and isinstance(value, Mapping):
            properties, is_open = _properties_of(spec)
            yield from self._unknown(value, properties, is_open, path, _known_keys(spec))
        elif spec.kind == "map" and isinstance(value, Mapping) and spec.item is not None:
            for key, item in value.items():
                yield from self._unknown_in(item, spec.item, (*path, str(key)))
        elif (
            spec.kind == "list" and isinstance(value, Sequence) and not isinstance(value, str) and spec.item is not None
        ):
            for position, item in enumerate(value):
                yield from self._unknown_in(item, spec.item, (*path, str(position)))


def _properties_of(spec: Spec | None) -> tuple[Mapping[str, Property], bool]:
    if spec is None or spec.model is None:
        return {}, False
    is_open = issubclass(spec.model, SubchartValues) and spec.model.known_keys is None
    return property_specs(spec.model), is_open


def _known_keys(spec: Spec | None) -> frozenset[str]:
    if spec is None or spec.model is None or not issubclass(spec.model, SubchartValues):
        return frozenset()
    return spec.model.known_keys or frozenset()


def _to_only_leaf(tree: Mapping[str, Any], path: tuple[str, ...]) -> tuple[str, ...]:
    """``path``, gone on below as long as there is one key only: what a ``--set`` names as a whole."""
    here: Any = tree
    for key in path:
        here = here.get(key) if isinstance(here, Mapping) else None
    while isinstance(here, Mapping) and len(here) == 1:
        key, here = next(iter(here.items()))
        path = (*path, str(key))
    return path


def _nearest_end(path: tuple[str, ...], declared: list[tuple[str, ...]]) -> tuple[str, ...] | None:
    """The declared path that ends in the same two keys, or more of them; of several the one that is shorter."""
    for length in range(len(path) - 1, 1, -1):
        found = _ending(path[-length:], declared)
        if found:
            return found[0] if len(found) == 1 or len(found[0]) < len(found[1]) else None
    return None


def _ending(end: tuple[str, ...], declared: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The declared paths that end so, the shortest first."""
    folded = tuple(map(_fold, end))
    return sorted((known for known in declared if tuple(map(_fold, known[-len(end) :])) == folded), key=len)


def _nearest_path(path: str, candidates: list[str]) -> str | None:
    """The candidate most like ``path`` where they differ: two long paths are alike already when they start alike."""
    folded = {_fold(candidate): candidate for candidate in candidates}
    wanted = _fold(path)
    for close in difflib.get_close_matches(wanted, folded, n=5, cutoff=0.6):
        rest, other = _rests(wanted, close)
        heads = difflib.SequenceMatcher(None, rest.split(".")[0], other.split(".")[0]).ratio()
        if difflib.SequenceMatcher(None, rest, other).ratio() >= 0.6 and heads >= 0.6:
            return folded[close]
    return None


def _rests(path: str, other: str) -> tuple[str, str]:
    """Both paths without the keys that they start with in common."""
    keys, others = path.split("."), other.split(".")
    same = 0
    while same < min(len(keys), len(others)) and keys[same] == others[same]:
        same += 1
    return ".".join(keys[same:]), ".".join(others[same:])


def _fold(path: str) -> str:
    return "".join(char for char in path.lower() if char.isalnum() or char == ".")
