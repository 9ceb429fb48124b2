"""The type of a value: what pydantic's annotations say, in the words of JSON Schema."""

from __future__ import annotations

import enum
import types
import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import annotated_types
from pydantic.fields import FieldInfo

from floe_charts.errors import DeclarationError

if TYPE_CHECKING:
    from floe_charts.helm.values import Values

__all__ = ["ANY", "BOOLEAN", "INTEGER", "NUMBER", "STRING", "Kind", "Property", "Spec", "property_specs", "spec_of"]

Kind: TypeAlias = Literal["string", "integer", "number", "boolean", "object", "map", "list", "any"]
"""``object`` has declared keys (a Values class), ``map`` has free keys, ``any`` is free-form JSON."""


@dataclass(frozen=True)
class Spec:
    """A type: its kind, what it is made of, and its bounds as JSON Schema keywords."""

    kind: Kind
    optional: bool = False
    model: type[Values] | None = None
    item: Spec | None = None
    key: Spec | None = None
    bounds: tuple[tuple[str, Any], ...] = field(default=(), compare=False)
    text_safe: bool = False
    """Whether the text of the value, wherever a string stands in it, is printable ASCII by its pattern or enum."""

    @property
    def json_type(self) -> str:
        """The JSON type's name."""
        return {"map": "object", "list": "array"}.get(self.kind, self.kind)


STRING = Spec("string")
INTEGER = Spec("integer", text_safe=True)
NUMBER = Spec("number", text_safe=True)
BOOLEAN = Spec("boolean", text_safe=True)
ANY = Spec("any")

_SCALARS: dict[type, Spec] = {str: STRING, int: INTEGER, float: NUMBER, bool: BOOLEAN}


@dataclass(frozen=True)
class Property:
    """A declared key of a Values class."""

    name: str
    attribute: str
    spec: Spec
    description: str


_PROPERTIES: dict[type, dict[str, Property]] = {}


def property_specs(model: type[Values]) -> dict[str, Property]:
    """The declared keys of ``model`` by the name that they have in values.yaml, in the order of declaration."""
    known = _PROPERTIES.get(model)
    if known is None:
        known = {}
        for attribute, info in model.model_fields.items():
            name = info.alias or attribute
            spec = spec_of(info.annotation, info.metadata, where=f"{model.__name__}.{attribute}")
            description = (info.description or "").strip() or _summary(spec)
            known[name] = Property(name, attribute, spec, description)
        _PROPERTIES[model] = known
    return known


def _summary(spec: Spec) -> str:
    """The first paragraph of a Values class's docstring, on one line."""
    text = (spec.model.__doc__ or "") if spec.model else ""
    return " ".join(text.strip().split("\n\n")[0].split())


def spec_of(annotation: Any, metadata: typing.Sequence[object] = (), *, where: str) -> Spec:
    """The Spec of a type annotation; ``where`` names the field in errors.

    Raises :class:`DeclarationError` for what a values file cannot hold (a tuple, a union of two types).
    """
    if typing.get_origin(annotation) is typing.Annotated:
        annotation, *inner = typing.get_args(annotation)
        return spec_of(annotation, [*inner, *metadata], where=where)
    if isinstance(annotation, typing.TypeAliasType if hasattr(typing, "TypeAliasType") else ()):
        return spec_of(annotation.__value__, metadata, where=where)
    base = _base(annotation, where)
    bounds = dict(base.bounds)
    safe = base.text_safe
    for item in metadata:
        found = _bounds(item, base)
        bounds.update(found)
        safe = safe or "pattern" in found
    return Spec(base.kind, base.optional, base.model, base.item, base.key, tuple(bounds.items()), safe)


def _base(annotation: Any, where: str) -> Spec:
    from floe_charts.helm.values import Values

    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if annotation is Any:
        return ANY
    if origin is Literal:
        return _enumeration(list(arguments), where)
    if isinstance(annotation, type) and issubclass(annotation, enum.StrEnum):
        return _enumeration([member.value for member in annotation], where)
    if isinstance(annotation, type) and issubclass(annotation, Values):
        safe = all(item.spec.text_safe for item in property_specs(annotation).values())
        return Spec("object", model=annotation, text_safe=safe)
    if origin in (types.UnionType, typing.Union):
        rest = [item for item in arguments if item is not type(None)]
        if len(rest) == 1 and len(rest) < len(arguments):
            inner = spec_of(rest[0], where=where)
            return Spec(inner.kind, True, inner.model, inner.item, inner.key, inner.bounds, inner.text_safe)
    if origin is list and len(arguments) == 1:
        item = spec_of(arguments[0], where=where)
        return Spec("list", item=item, text_safe=item.text_safe)
    if origin is dict and len(arguments) == 2:
        key, item = (spec_of(part, where=where) for part in arguments)
        return Spec("map", item=item, key=key, text_safe=key.text_safe and item.text_safe)
    raise DeclarationError(f"{where}: {annotation!r} has no counterpart in a values file; use str, int, float, bool, "
                           "Literal, a Values class, list, dict[str, ...], or one of these with `| None`")


def _enumeration(members: list[Any], where: str) -> Spec:
    kinds = {type(member) for member in members}
    if len(kinds) != 1 or next(iter(kinds)) not in _SCALARS:
        raise DeclarationError(f"{where}: the members of a Literal must be of one scalar type, found {members!r}")
    base = _SCALARS[kinds.pop()]
    return Spec(base.kind, bounds=(("enum", members),), text_safe=True)


def _bounds(item: object, base: Spec) -> dict[str, Any]:
    """JSON Schema keywords of one piece of pydantic's metadata."""
    if isinstance(item, FieldInfo):
        merged: dict[str, Any] = {}
        for part in item.metadata:
            merged.update(_bounds(part, base))
        return merged
    sized = {"string": "Length", "list": "Items", "map": "Properties", "object": "Properties"}.get(base.kind, "Length")
    if isinstance(item, annotated_types.MinLen):
        return {f"min{sized}": item.min_length}
    if isinstance(item, annotated_types.MaxLen):
        return {f"max{sized}": item.max_length}
    names = {annotated_types.Ge: "ge", annotated_types.Gt: "gt", annotated_types.Le: "le", annotated_types.Lt: "lt"}
    keywords = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
    for kind, name in names.items():
        if isinstance(item, kind):
            return {keywords[name]: getattr(item, name)}
    pattern = getattr(item, "pattern", None)
    if isinstance(pattern, str):
        return {"pattern": pattern}
    extra = getattr(item, "json_schema", None)
    return cast("dict[str, Any]", extra) if isinstance(extra, dict) else {}
