"""Kubernetes' own types as values: what users hand through to pods carries Kubernetes' schema into values.schema.json.

``affinity: Affinity = Field({}, ...)`` takes any affinity that Kubernetes takes, and a wrong field in it is refused.
The schemas are those of the oldest Kubernetes that a chart supports, closed, without nulls, and narrowed where the API
server asks for more than they say (:mod:`floe_charts.helm.kubernetes_narrowing`). Every text in them is such that
Helm's ``toYaml`` writes it unharmed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from floe_charts.errors import DeclarationError
from floe_charts.helm.kubernetes import OLDEST, KubernetesSchemas
from floe_charts.helm.kubernetes_narrowing import NARROWED, Narrowing, Schema, text_schema
from floe_charts.helm.patterns import QUANTITY_PATTERN, WRITABLE_PATTERN
from floe_charts.helm.values import EnvName

__all__ = [
    "Affinity",
    "EnvSource",
    "ExtraEnv",
    "KubernetesType",
    "Toleration",
    "TopologySpreadConstraint",
    "VolumeSource",
    "Without",
    "kubernetes_definitions",
    "kubernetes_example",
    "kubernetes_fields",
]

_CORE = "io.k8s.api.core.v1."
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_NOT_CORE = frozenset({"LabelSelector", "LabelSelectorRequirement"})
_INT32 = {"minimum": -(2**31), "maximum": 2**31 - 1}
# Helm reads numbers as floats: whole numbers beyond these are no longer exact.
_EXACT = {"minimum": -(2**53) + 1, "maximum": 2**53 - 1}
# YAML would merge the key <<, and its keys end at 1024 characters.
_KEYS = {"pattern": WRITABLE_PATTERN, "maxLength": 253, "not": {"const": "<<"}}


@dataclass(frozen=True)
class KubernetesType:
    """Marks a field whose values are of a type of Kubernetes.

    ``Annotated[dict[str, Any], KubernetesType("Affinity")]``; ``definition`` is the name in Kubernetes' OpenAPI
    document, without ``io.k8s.api.core.v1.``; ``without`` are fields that do not stand here, because the chart says
    them.
    """

    definition: str
    without: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """The name in Kubernetes' OpenAPI document."""
        return f"{_META if self.definition in _NOT_CORE else _CORE}{self.definition}"

    @property
    def name(self) -> str:
        """The name among the definitions of values.schema.json; no Values class can have it."""
        return ".without.".join((self.full_name, *self.without))


@dataclass(frozen=True)
class Without:
    """Refuses keys of a map that the chart itself writes beside it: ``Annotated[ExtraEnv, Without("HOME")]``."""

    keys: tuple[str, ...]

    def __init__(self, *keys: str) -> None:
        """Refuse ``keys``."""
        object.__setattr__(self, "keys", keys)

    @property
    def json_schema(self) -> dict[str, Any]:
        """The keyword for values.schema.json."""
        return {"not": {"anyOf": [{"required": [key]} for key in self.keys]}}


@cache
def kubernetes_definitions(kind: KubernetesType) -> Mapping[str, Schema]:
    """The definitions that a reference to ``kind`` needs, by name; not to be changed.

    Raises :class:`DeclarationError` for a type that Kubernetes does not have.
    """
    found: dict[str, Schema] = {}
    _collect(kind, found)
    return found


def kubernetes_fields(kind: KubernetesType, steps: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """The name of Kubernetes' type ``steps`` inside a value of ``kind``, and the fields that can be set there.

    None for a place that has no fields.
    """
    definitions = kubernetes_definitions(kind)
    name, schema = kind.definition, definitions[kind.name]
    for step in steps:
        schema = schema.get("properties", {}).get(step) or schema.get("items") or {}
        if "$ref" in schema:
            full = schema["$ref"].rpartition("/")[2]
            name, schema = full.rpartition(".")[2], definitions[full]
    return (name, tuple(schema["properties"])) if "properties" in schema else None


@cache
def kubernetes_example(kind: KubernetesType) -> Any:
    """The smallest value that the schema of ``kind`` takes; not to be changed."""
    definitions = kubernetes_definitions(kind)
    return _example(definitions[kind.name], definitions)


def _collect(kind: KubernetesType, found: dict[str, Schema]) -> None:
    if kind.name in found:
        return
    found[kind.name], used = _narrowed(kind)
    for name in used:
        _collect(KubernetesType(name), found)


@cache
def _narrowed(kind: KubernetesType) -> tuple[Schema, tuple[str, ...]]:
    """The schema of one type, and the names of those that it refers to."""
    own = KubernetesSchemas(OLDEST).definition(kind.full_name)
    raw = own.properties() if own is not None else {}
    if own is None or not raw:
        raise DeclarationError(f"{kind.definition} is no type of Kubernetes with fields")
    rules = NARROWED.get(kind.definition, Narrowing())
    kept = [name for name in rules.only or raw if name not in kind.without]
    used: list[str] = []
    properties = {name: rules.fields.get(name) or _translated(raw[name], used) for name in kept}
    more = dict(rules.more)
    for name, extra in more.pop("properties", {}).items():
        properties[name] = {**properties[name], **extra}
    required = sorted({*(name for name in own.required if name in kept), *rules.required})
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**schema, **({"required": required} if required else {}), **more}, tuple(used)


def _translated(raw: object, used: list[str]) -> Schema:
    """A field's schema in the words of values.schema.json: without nulls, descriptions and formats."""
    schema = raw if isinstance(raw, Mapping) else {}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        full = reference.rpartition("/")[2]
        if full.endswith(".Quantity"):
            return text_schema(QUANTITY_PATTERN, 24)
        kind = KubernetesType(full.rpartition(".")[2])
        if full != kind.full_name:
            raise DeclarationError(f"{full} cannot stand among the values")
        used.append(kind.definition)
        return {"$ref": f"#/definitions/{kind.name}"}
    types = schema.get("type", ())
    [kind_of] = [one for one in ([types] if isinstance(types, str) else types) if one != "null"] or ["object"]
    if kind_of == "array":
        return {"type": "array", "items": _translated(schema.get("items"), used)}
    if kind_of == "object":
        values = _translated(schema.get("additionalProperties"), used)
        return {"type": "object", "additionalProperties": values, "propertyNames": _KEYS}
    if kind_of == "string":
        return {"type": "string", "pattern": WRITABLE_PATTERN}
    if kind_of == "integer":
        return {"type": "integer", **(_INT32 if schema.get("format") == "int32" else _EXACT)}
    return {"type": kind_of}


def _example(schema: Mapping[str, Any], definitions: Mapping[str, Schema]) -> Any:
    if "$ref" in schema:
        return _example(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        needed = list(schema.get("required", ()))
        if schema.get("minProperties") and not needed:
            needed = [next(iter(schema["properties"]))]
        return {name: _example(schema["properties"][name], definitions) for name in needed}
    if kind == "array":
        return [_example(schema["items"], definitions)] if schema.get("minItems") else []
    return {"string": "text", "integer": max(1, schema.get("minimum", 1)), "boolean": True}[str(kind)]


Affinity = Annotated[dict[str, Any], KubernetesType("Affinity")]
"""Which nodes pods prefer or need, and which pods they want to be near to or far from."""
Toleration = Annotated[dict[str, Any], KubernetesType("Toleration")]
"""A taint that pods tolerate."""
TopologySpreadConstraint = Annotated[dict[str, Any], KubernetesType("TopologySpreadConstraint")]
"""How pods spread over nodes, zones and the like."""
EnvSource = Annotated[dict[str, Any], KubernetesType("EnvVar", without=("name",))]
"""The value of an environment variable: ``value`` or ``valueFrom``."""
VolumeSource = Annotated[dict[str, Any], KubernetesType("Volume", without=("name",))]
"""What a volume is: one of the kinds that the Pod Security Standard restricted allows."""
ExtraEnv = dict[EnvName, EnvSource]
"""Environment variables by name."""
