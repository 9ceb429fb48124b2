"""The books balance: every reference is declared, and every declared value is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from floe_charts.errors import DeclarationError
from floe_charts.helm.component import Component, Template
from floe_charts.helm.nodes import path_text
from floe_charts.helm.spec import Property, Spec, property_specs

__all__ = ["check_balance", "check_references", "declared_paths"]


def declared_paths(properties: Iterable[Property], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every declared leaf; ``*`` stands for the items of a list or map of objects."""
    for prop in properties:
        yield from _leaves(prop.spec, (*prefix, prop.name))


def _leaves(spec: Spec, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if spec.kind == "object" and spec.model is not None:
        for prop in property_specs(spec.model).values():
            yield from _leaves(prop.spec, (*path, prop.name))
    elif spec.kind in ("list", "map") and spec.item is not None and spec.item.kind in ("object", "list", "map"):
        yield from _leaves(spec.item, (*path, "*"))
    else:
        yield path


def check_references(templates: Iterable[Template]) -> None:
    """Refuse an object without a description of where it lives, before Helm does.

    References themselves cannot dangle: an attribute that is not declared is an AttributeError where it is written.
    """
    for template in templates:
        if not template.manifest.get("metadata", {}).get("name"):
            raise DeclarationError(f"{template.title}: metadata.name is missing ({template.owner})")


def check_balance(
    properties: Iterable[Property],
    reads: set[tuple[str, ...]],
    handed: set[tuple[str, ...]],
    components: Mapping[str, Component[Any]],
) -> None:
    """Raise :class:`DeclarationError` for a declared value that nothing reads, or that has no description."""
    declared = list(properties)
    covered = reads | handed
    for path in declared_paths(declared):
        if not any(path[: len(known)] == known or known[: len(path)] == path for known in _related(path, covered)):
            owner = components.get(path[0])
            who = type(owner.values).__name__ if owner else "the chart"
            raise DeclarationError(f"{path_text(path)} is declared in {who} but no template reads it")
    for prop in declared:
        _check_described(prop, (prop.name,))


def _related(path: tuple[str, ...], covered: set[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    for length in range(1, len(path) + 1):
        if path[:length] in covered:
            yield path[:length]
    starred = (*path, "*")
    if starred in covered:
        yield starred


def _check_described(prop: Property, path: tuple[str, ...]) -> None:
    if not prop.description:
        raise DeclarationError(f"{path_text(path)} has no description")
    model = prop.spec.model or (prop.spec.item.model if prop.spec.item else None)
    if model is not None:
        for inner in property_specs(model).values():
            _check_described(inner, (*path, inner.name))
