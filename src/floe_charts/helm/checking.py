"""Holding values against what a chart declares: unknown paths with the nearest that exists, and wrong types."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from floe_charts.errors import nearest
from floe_charts.helm.books import declared_paths
from floe_charts.helm.nodes import path_text
from floe_charts.helm.spec import ANY, Property, Spec, property_specs
from floe_charts.helm.values import SubchartValues

__all__ = ["DeclaredValues", "Fault"]


@dataclass(frozen=True)
class Fault:
    """A value that does not fit: its dotted path, what is wrong with it, and the nearest path that exists."""

    path: str
    problem: str
    suggestion: str | None = None

    def __str__(self) -> str:
        """The fault in a line."""
        return f"{self.path} {self.problem}" + (f"; did you mean {self.suggestion}?" if self.suggestion else "")


class DeclaredValues:
    """The values that a chart declares, to be asked about paths and trees."""

    def __init__(
        self, properties: Sequence[Property], schema: Mapping[str, Any], open_keys: frozenset[str] = frozenset()
    ) -> None:
        """``properties`` and ``schema`` are the chart's own; below ``open_keys`` any path goes."""
        self._open = open_keys
        self._properties = {prop.name: prop for prop in properties}
        self._schema = schema
        self._validator: Any = None

    def unknown(self, tree: Mapping[str, Any]) -> Iterator[Fault]:
        """A fault for every path of ``tree`` that the chart does not declare."""
        for path in self._unknown(tree, self._properties, False, ()):
            if path[0] in self._open and len(path) > 1:
                continue
            yield Fault(path_text(path), "is not a value of this chart", self.nearest(path))

    def nearest(self, path: tuple[str, ...]) -> str | None:
        """The declared path most like ``path``: among its siblings first, then anywhere."""
        siblings = self._siblings(path[:-1])
        near = nearest(path[-1], siblings) if siblings else None
        if near is not None:
            return path_text((*path[:-1], near))
        return _nearest_path(path_text(path), [path_text(known) for known in declared_paths(self._properties.values())])

    def spec_at(self, path: Sequence[str]) -> Spec | None:
        """The type of the value at ``path``; None where nothing is declared there."""
        spec: Spec | None = None
        for position, key in enumerate(path):
            properties, is_open = (self._properties, False) if position == 0 else _properties_of(spec)
            if key in properties:
                spec = properties[key].spec
            elif spec is not None and spec.kind in ("map", "list") and spec.item is not None:
                spec = spec.item
            elif (spec is not None and spec.kind == "any") or is_open or key in _known_keys(spec) or path[0] in self._open:
                return ANY
            else:
                return None
        return spec

    def faults(self, values: Mapping[str, Any]) -> list[Fault]:
        """What is wrong with complete values by the chart's schema; empty where Helm will accept them."""
        if self._validator is None:
            import jsonschema_rs

            self._validator = jsonschema_rs.Draft7Validator(dict(self._schema))
        made = []
        for error in self._validator.iter_errors(values):
            path = path_text(tuple(str(key) for key in error.instance_path))
            made.append(Fault(path, _problem(error.message)))
        return made

    def _siblings(self, path: tuple[str, ...]) -> list[str]:
        if not path:
            return list(self._properties)
        spec = self.spec_at(path)
        properties, _ = _properties_of(spec)
        return [*properties, *_known_keys(spec)]

    def _unknown(
        self, tree: Mapping[str, Any], properties: Mapping[str, Property], is_open: bool, path: tuple[str, ...],
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
        elif spec.kind == "list" and isinstance(value, Sequence) and not isinstance(value, str) and spec.item is not None:
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


def _nearest_path(path: str, candidates: list[str]) -> str | None:
    """The candidate that ends like ``path``: people misplace a key more often than they misspell it."""
    folded = {_fold(candidate): candidate for candidate in candidates}
    wanted = _fold(path)
    for length in range(len(path.split(".")), 1, -1):
        tail = _fold(".".join(path.split(".")[-length:]))
        ends = [candidate for key, candidate in folded.items() if key == tail or key.endswith("." + tail)]
        if ends:
            return min(ends, key=len)
    close = difflib.get_close_matches(wanted, folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def _fold(path: str) -> str:
    return "".join(char for char in path.lower() if char.isalnum() or char == ".")


def _problem(message: str) -> str:
    return f"does not fit: {message}"
