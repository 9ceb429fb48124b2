"""values.schema.json: draft-07, because Helm 3.12 reads it, every object closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from floe_charts.helm.kubernetes_types import kubernetes_definitions
from floe_charts.helm.patterns import WRITABLE_PATTERN
from floe_charts.helm.rules import ValueRule, rules_schema
from floe_charts.helm.scalars import json_text
from floe_charts.helm.spec import Property, Spec, property_specs
from floe_charts.helm.values import SubchartValues, Values

if TYPE_CHECKING:
    from jsonschema_rs import Draft7Validator

__all__ = ["SchemaRequest", "schema_text", "values_schema", "values_validator"]

# Free-form JSON. The key << would be a merge, and YAML's keys end at 1024 characters.
_JSON_DEFINITION = {
    "anyOf": [
        {"type": ["boolean", "null", "number"]},
        {"type": "string", "pattern": WRITABLE_PATTERN},
        {"type": "array", "items": {"$ref": "#/definitions/json"}},
        {
            "type": "object",
            "additionalProperties": {"$ref": "#/definitions/json"},
            "propertyNames": {"maxLength": 253, "pattern": WRITABLE_PATTERN, "not": {"const": "<<"}},
        },
    ]
}
# Helm reads numbers as floats: whole numbers beyond these are no longer exact.
_EXACT = {"minimum": -(2**53) + 1, "maximum": 2**53 - 1}
# YAML's keys end at 1024 characters; where any text goes, an escape can take ten.
_KEY_LENGTH = 253
_FREE_KEY_LENGTH = 100


@dataclass(frozen=True)
class SchemaRequest:
    """What a schema follows from: the keys at the top of the values, and the rules that they keep to.

    Below ``open_keys`` any further key passes. Equal requests have equal schemas.
    """

    properties: tuple[Property, ...]
    title: str
    comment: str
    open_keys: frozenset[str]
    rules: tuple[ValueRule, ...] = ()


@lru_cache(maxsize=32)
def schema_text(request: SchemaRequest) -> str:
    """values.schema.json as text; the same request is answered from memory, as a snapshot test asks it often."""
    return json_text(values_schema(request))


@lru_cache(maxsize=32)
def values_schema(request: SchemaRequest) -> dict[str, Any]:
    """values.schema.json as a tree, not to be changed; the same request is answered from memory."""
    declared, open_keys = request.properties, request.open_keys
    definitions: dict[str, Any] = {}
    writer = _SchemaWriter(definitions, _shared(prop.spec for prop in declared if prop.name not in open_keys))
    # What is open is no definition: others would share it, and they are closed.
    inline = _SchemaWriter(definitions, {})
    opened = {prop.name: _open(inline.property(prop)) for prop in declared if prop.name in open_keys}
    body = writer.object(declared, opened)
    # Helm hands `global` to every chart and subchart.
    body["properties"]["global"] = {"type": "object", "description": "Values that Helm shares with dependencies."}
    schema = "http://json-schema.org/draft-07/schema#"
    head = {"$comment": request.comment, "$schema": schema, "title": request.title}
    if request.rules:
        body["allOf"] = rules_schema(request.rules)
    return {**head, **body, **({"definitions": dict(sorted(definitions.items()))} if definitions else {})}


@lru_cache(maxsize=32)
def values_validator(request: SchemaRequest) -> Draft7Validator:
    """values.schema.json, compiled, which takes longer than to hold values against it; answered from memory too."""
    import jsonschema_rs

    return jsonschema_rs.Draft7Validator(values_schema(request))


class _SchemaWriter:
    """Writes schemas, and into ``definitions`` what they refer to: the Values classes that have a name in ``names``."""

    def __init__(self, definitions: dict[str, Any], names: Mapping[type[Values], str]) -> None:
        self._definitions = definitions
        self._names = names

    def object(self, properties: Iterable[Property], instead: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The closed schema of an object; ``instead`` are the schemas of keys that are written already."""
        declared, written = list(properties), instead or {}
        return {
            "type": "object",
            "additionalProperties": False,
            "required": [prop.name for prop in declared if not prop.spec.optional],
            "properties": {prop.name: written.get(prop.name) or self.property(prop) for prop in declared},
        }

    def property(self, prop: Property) -> dict[str, Any]:
        """The schema of a key, with its description."""
        # Validators overlook what stands beside a $ref; people and editors read the description there.
        return {"description": prop.description, **self._schema(prop.spec)}

    def _schema(self, spec: Spec) -> dict[str, Any]:
        made = self._present(spec)
        if not spec.optional or (spec.kind == "any" and spec.kubernetes is None):
            return made
        # Helm keeps a null over a key that nobody sets, such as a dependency's own null default.
        if "type" not in made:
            return {"if": {"type": "null"}, "else": made}
        made["type"] = [made["type"], "null"]
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
        return made

    def _present(self, spec: Spec) -> dict[str, Any]:
        bounds = dict(spec.bounds)
        if spec.kind == "object" and spec.model is not None:
            return self._model(spec.model, bounds)
        if spec.kubernetes is not None:
            self._definitions.update(kubernetes_definitions(spec.kubernetes))
            return _reference(spec.kubernetes.name, bounds)
        if spec.kind == "any":
            self._definitions["json"] = _JSON_DEFINITION
            return _reference("json", bounds)
        if spec.kind == "list" and spec.item is not None:
            return {"type": "array", "items": self._schema(spec.item), **bounds}
        if spec.kind == "map" and spec.item is not None:
            names = dict(spec.key.bounds) if spec.key else {}
            if "enum" not in names:
                names.setdefault("maxLength", _KEY_LENGTH if spec.key and spec.key.text_safe else _FREE_KEY_LENGTH)
            item = self._schema(spec.item)
            return {"type": "object", "additionalProperties": item, "propertyNames": names, **bounds}
        if spec.kind == "integer" and not {"const", "enum"} & bounds.keys():
            bounds = {**_whole_bounds(bounds), **bounds}
        return {"type": spec.json_type, **bounds}

    def _model(self, model: type[Values], bounds: Mapping[str, Any]) -> dict[str, Any]:
        name = self._names.get(model)
        if name is None:
            return {**self._declared(model), **bounds}
        if name not in self._definitions:
            self._definitions[name] = self._declared(model)
        return _reference(name, bounds)

    def _declared(self, model: type[Values]) -> dict[str, Any]:
        body = self.object(property_specs(model).values())
        if not issubclass(model, SubchartValues):
            return body
        if model.known_keys is None:
            return {**body, "additionalProperties": True}
        for key in sorted(model.known_keys - body["properties"].keys()):
            body["properties"][key] = {}
        return body


def _models(spec: Spec | None) -> Iterator[type[Values]]:
    """The Values classes in a type, each as often as it occurs."""
    if spec is None:
        return
    if spec.model is not None:
        yield spec.model
        for prop in property_specs(spec.model).values():
            yield from _models(prop.spec)
    yield from _models(spec.item)


def _shared(specs: Iterable[Spec]) -> dict[type[Values], str]:
    """The Values classes that occur more than once, with their names as definitions."""
    found = Counter(model for spec in specs for model in _models(spec))
    taken: Counter[str] = Counter()
    names: dict[type[Values], str] = {}
    for model in (model for model, count in found.items() if count > 1):
        taken[model.__name__] += 1
        number = taken[model.__name__]
        names[model] = model.__name__ if number == 1 else f"{model.__name__}{number}"
    return names


def _reference(name: str, bounds: Mapping[str, Any]) -> dict[str, Any]:
    found = {"$ref": f"#/definitions/{name}"}
    return {"allOf": [found], **bounds} if bounds else found


def _whole_bounds(bounds: dict[str, Any]) -> dict[str, int]:
    """The ends that a whole number's own bounds leave open."""
    lower = not {"minimum", "exclusiveMinimum"} & bounds.keys()
    upper = not {"maximum", "exclusiveMaximum"} & bounds.keys()
    return {name: end for name, end in _EXACT.items() if (lower if name == "minimum" else upper)}


def _open(schema: dict[str, Any]) -> dict[str, Any]:
    """``schema``, with every object in it changed to take keys that are not declared."""
    if schema.get("additionalProperties") is False:
        schema["additionalProperties"] = True
    for part in (*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")):
        if isinstance(part, dict):
            _open(part)
    return schema
