"""The type of a value: what pydantic's annotations say, in the words of JSON Schema."""

from __future__ import annotations

import enum
import re
import types
import typing
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from floe_charts.errors import DeclarationError
from floe_charts.helm.bounds import bounds_of, is_printable_enum, is_printable_pattern
from floe_charts.helm.kubernetes_types import KubernetesType

if TYPE_CHECKING:
    from floe_charts.helm.values import Values

__all__ = [
    "ANY", "BOOLEAN", "INTEGER", "NUMBER", "STRING", "Kind", "Property", "Spec", "attribute_specs", "property_specs",
    "spec_of",
]  # fmt: skip

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
    # Compared, because equal expressions are one; not hashed, because an enum is a list.
    bounds: tuple[tuple[str, Any], ...] = field(default=(), hash=False)
    kubernetes: KubernetesType | None = None
    """Of an ``any``: the type of Kubernetes that its values are of, always a map."""
    text_safe: bool = False
    """Whether every text in the value is printable ASCII, by its pattern or enum: Helm's toYaml keeps such text."""

    @property
    def json_type(self) -> str:
        """The JSON type's name."""
        if self.kubernetes is not None:
            return "object"
        return {"map": "object", "list": "array"}.get(self.kind, self.kind)

    @property
    def in_words(self) -> str:
        """The JSON type as sentences have it: ``an integer``."""
        return f"{'an' if self.json_type[0] in 'aeio' else 'a'} {self.json_type}"


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
_ATTRIBUTES: dict[type, dict[str, Property]] = {}
_BEING_READ: ContextVar[tuple[type, ...]] = ContextVar("being_read", default=())
# What an object of references needs itself: its expression, and what makes `**` work.
_TAKEN = frozenset({"keys", "node"})


def property_specs(model: type[Values]) -> dict[str, Property]:
    """The declared keys of ``model`` by the name that they have in values.yaml, in the order of declaration."""
    known = _PROPERTIES.get(model)
    if known is None:
        outer = _BEING_READ.get()
        if model in outer:
            raise DeclarationError(f"{model.__name__} holds itself; values have an end")
        reset = _BEING_READ.set((*outer, model))
        try:
            known = _PROPERTIES[model] = _read_properties(model)
        finally:
            _BEING_READ.reset(reset)
    return known


def attribute_specs(model: type[Values]) -> dict[str, Property]:
    """The declared keys of ``model`` by the name that they have in Python."""
    known = _ATTRIBUTES.get(model)
    if known is None:
        known = _ATTRIBUTES[model] = {prop.attribute: prop for prop in property_specs(model).values()}
    return known


def _read_properties(model: type[Values]) -> dict[str, Property]:
    known: dict[str, Property] = {}
    for attribute in _declared_order(model):
        info = model.model_fields[attribute]
        where = f"{model.__name__}.{attribute}"
        if attribute in _TAKEN:
            raise DeclarationError(
                f"{where}: references have a {attribute!r} of their own; name it {attribute}_ and give "
                f"Field(..., alias={attribute!r})"
            )
        spec = spec_of(info.annotation, info.metadata, where=where)
        description = (info.description or "").strip() or _summary(spec)
        name = info.alias or attribute
        known[name] = Property(name, attribute, spec, description)
    return known


def _declared_order(model: type[Values]) -> list[str]:
    """The attributes of ``model``: its own first, then those that it shares with others of its base class."""
    inherited = {name for base in model.__mro__[1:] for name in getattr(base, "__pydantic_fields__", ())}
    return sorted(model.model_fields, key=lambda name: name in inherited)


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
    kubernetes = next((item for item in metadata if isinstance(item, KubernetesType)), None)
    base = _base(annotation, where) if kubernetes is None else Spec("any", kubernetes=kubernetes, text_safe=True)
    found = bounds_of(metadata, base.kind, where)
    if not found:
        return base
    safe = base.text_safe
    if base.kind == "string":
        safe = safe or is_printable_pattern(found.get("pattern", "")) or "const" in found
    return replace(base, bounds=tuple({**dict(base.bounds), **found}.items()), text_safe=safe)


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
            return replace(spec_of(rest[0], where=where), optional=True)
    if origin is list and len(arguments) == 1:
        item = spec_of(arguments[0], where=where)
        return Spec("list", item=item, text_safe=item.text_safe)
    if origin is dict and len(arguments) == 2:
        key, item = (spec_of(part, where=where) for part in arguments)
        if key.kind != "string":
            raise DeclarationError(f"{where}: the keys of a map are strings, found {arguments[0]!r}")
        return Spec("map", item=item, key=key, text_safe=key.text_safe and item.text_safe and _is_key(key))
    raise DeclarationError(
        f"{where}: {annotation!r} has no counterpart in a values file; use str, int, float, bool, "
        "Literal, a Values class, list, dict[str, ...], or one of these with `| None`"
    )


def _enumeration(members: list[Any], where: str) -> Spec:
    kinds = {type(member) for member in members}
    if len(kinds) != 1 or next(iter(kinds)) not in _SCALARS:
        raise DeclarationError(f"{where}: the members of a Literal must be of one scalar type, found {members!r}")
    base = _SCALARS[kinds.pop()]
    return Spec(base.kind, bounds=(("enum", members),), text_safe=is_printable_enum(members))


def _is_key(spec: Spec) -> bool:
    """Whether toYaml writes every such key well, which it does not for ``<<`` (a merge) and beyond 1024 characters."""
    bounds = dict(spec.bounds)
    return "enum" in bounds or not re.search(bounds.get("pattern", ""), "<<")
