"""The books balance: every declared value is read, described, and fits its own bounds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from floe_charts.errors import DeclarationError, nearest
from floe_charts.helm.component import Component, Dependency, Repeated, Template
from floe_charts.helm.functions import RELEASE_NAMESPACE
from floe_charts.helm.nodes import AsFound, Node, path_text
from floe_charts.helm.spec import Property, Spec, property_specs
from floe_charts.helm.tokens import parse
from floe_charts.helm.values import Values

__all__ = ["check_balance", "check_condition", "check_defaults", "check_templates", "declared_paths"]

_Path = tuple[str, ...]


def declared_paths(properties: Iterable[Property], prefix: _Path = ()) -> Iterator[_Path]:
    """The path of every declared leaf; ``*`` stands for the items of a list or map of objects."""
    for prop in properties:
        yield from _leaves(prop.spec, (*prefix, prop.name))


def _leaves(spec: Spec, path: _Path) -> Iterator[_Path]:
    if spec.kind == "object" and spec.model is not None:
        yield from declared_paths(property_specs(spec.model).values(), path)
    elif spec.item is not None and spec.item.kind in ("object", "list", "map"):
        yield from _leaves(spec.item, (*path, "*"))
    else:
        yield path


def check_templates(templates: Iterable[Template]) -> None:
    """Refuse an object without a name, two of one kind and name, and two that want the same file.

    An object that is repeated over a map must have the map's key in its name, so that each is another.

    Two of one kind and name pass where neither's conditions include the other's: they are taken to exclude each other.

    References need no check: an attribute that is not declared is an AttributeError where it is written.
    """
    made = list(templates)
    objects: dict[tuple[object, ...], list[Template]] = {}
    for template in made:
        metadata = template.manifest.get("metadata")
        if not isinstance(metadata, Mapping) or "name" not in metadata:
            raise DeclarationError(f"{template.title}: metadata.name is missing ({template.owner})")
        _check_repeated(template, metadata["name"])
        same = objects.setdefault(_identity(template.manifest, metadata), [])
        for other in same:
            conditions = set(template.conditions), set(other.conditions)
            if conditions[0] <= conditions[1] or conditions[1] <= conditions[0]:
                owners = ", ".join(sorted({template.owner, other.owner}))
                files = f"templates/{other.file} and templates/{template.file}"
                raise DeclarationError(f"{template.title} is made twice, in {files} ({owners})")
        same.append(template)
    for file, count in Counter(template.file for template in made).items():
        if count > 1:
            owners = ", ".join(sorted({template.owner for template in made if template.file == file}))
            raise DeclarationError(
                f"templates/{file} is made twice ({owners}); give one of them a name: add(..., name=...)"
            )


def _check_repeated(template: Template, name: object) -> None:
    told = [part for part in parse(name) if isinstance(part, Node)] if isinstance(name, str) else []
    for guard in template.conditions:
        if isinstance(guard, Repeated) and not any(re.search(rf"\${guard.key}\b", node.go("$")) for node in told):
            what = f"each is made for one entry of {guard.source.go('.')}, and must have the key in its name"
            raise DeclarationError(f"{template.title}: {what} ({template.owner})")


def _identity(manifest: Mapping[str, Any], metadata: Mapping[str, Any]) -> tuple[object, ...]:
    """What two objects of a cluster cannot share; names that are no text are told apart by being other objects."""
    names = (metadata["name"], metadata.get("namespace", RELEASE_NAMESPACE))
    spoken = (tuple(_as_found(part) for part in parse(name)) if isinstance(name, str) else id(name) for name in names)
    return manifest["apiVersion"].rpartition("/")[0], manifest["kind"], *spoken


def _as_found(part: str | Node) -> str | Node:
    return part.inner if isinstance(part, AsFound) else part


def check_balance(
    properties: Iterable[Property],
    reads: set[_Path],
    handed: set[_Path],
    chart: str,
    components: Mapping[str, Component[Any]],
) -> None:
    """Raise :class:`DeclarationError` for declared values that nothing reads, or that have no description."""
    declared = list(properties)
    # A path that is read covers what is below it; what is read below an object or list covers its leaf.
    covered = reads | handed
    begun = {path[:length] for path in covered for length in range(1, len(path) + 1)}
    unread = [
        path
        for path in declared_paths(declared)
        if path not in begun and not any(path[:length] in covered for length in range(1, len(path)))
    ]
    if unread:
        raise DeclarationError("\n".join(_unread(path, chart, components) for path in unread))
    for prop in declared:
        owner = components.get(prop.name)
        _check_described(prop, type(owner.values).__name__ if owner else prop.name)


def _unread(path: _Path, chart: str, components: Mapping[str, Component[Any]]) -> str:
    owner = components.get(path[0])
    if owner is None:
        return f"{path_text(path)} is declared but no template reads it ({chart})"
    model: type[Values] | None = type(owner.values)
    words: list[str] = [type(owner.values).__name__]
    for key in path[1:]:
        prop = property_specs(model).get(key) if model is not None else None
        words.append(prop.attribute if prop else key)
        spec = prop.spec if prop else None
        while spec is not None and spec.item is not None:
            spec = spec.item
        model = spec.model if spec is not None else model
    return f"{'.'.join(words)} is declared but no template reads it ({chart}/{owner.id})"


def _check_described(prop: Property, name: str) -> None:
    if not prop.description:
        raise DeclarationError(f"{name} has no description: Field(..., description=...), or a docstring of its class")
    spec: Spec | None = prop.spec
    while spec is not None and spec.item is not None:
        spec = spec.item
    if spec is not None and spec.model is not None:
        for inner in property_specs(spec.model).values():
            _check_described(inner, f"{spec.model.__name__}.{inner.attribute}")


def check_defaults(values: Values, where: str) -> None:
    """Raise :class:`DeclarationError` for declared defaults that the declared bounds refuse.

    Pydantic does not hold defaults against the bounds of their own fields, Helm does at the first installation.
    """
    try:
        type(values).model_validate_json(values.model_dump_json(by_alias=True, exclude_none=True))
    except ValidationError as error:
        first = error.errors()[0]
        path = path_text(tuple(str(key) for key in first["loc"]))
        raise DeclarationError(
            f"{type(values).__name__}.{path}: the default {first['input']!r} does not fit: {first['msg']} ({where})"
        ) from None


def check_condition(dependency: Dependency, properties: Iterable[Property]) -> list[_Path]:
    """The paths of a dependency's condition; raise :class:`DeclarationError` for one that is no declared boolean."""
    declared = {prop.name: prop for prop in properties}
    paths = []
    for condition in (dependency.condition or "").split(",") if dependency.condition else ():
        path = tuple(condition.strip().split("."))
        known, spec = declared, None
        for key in path:
            spec = known[key].spec if key in known else None
            known = property_specs(spec.model) if spec is not None and spec.model is not None else {}
        if spec is None or spec.kind != "boolean":
            near = nearest(path_text(path), [path_text(leaf) for leaf in declared_paths(declared.values())])
            hint = f"; did you mean {near}?" if near and near != path_text(path) else ""
            problem = f"is {spec.in_words}, not a boolean" if spec is not None else "is not a declared value"
            raise DeclarationError(f"{dependency.name}: its condition {path_text(path)} {problem}{hint}")
        paths.append(path)
    return paths
