"""values.schema.json: draft-07, because Helm 3.12 reads it, every object closed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from floe_charts.helm.kubernetes_types import kubernetes_definitions
from floe_charts.helm.rules import ValueRule, rules_schema
from floe_charts.helm.scalars import json_text
from floe_charts.helm.spec import Property, Spec, property_specs
from floe_charts.helm.values import SubchartValues

__all__ = ["SchemaRequest", "schema_text", "values_schema"]

# What Helm's toYaml writes so that YAML readers refuse it or read another text. As characters, not as escapes: Go's
# regular expressions do not know \\u.
_UNWRITABLE = "\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\u2028\u2029\ufffe\uffff"
# Free-form JSON. The key << would be a merge, and YAML's keys end at 1024 characters.
_JSON_DEFINITION = {
    "anyOf": [
        {"type": ["boolean", "null", "number"]},
        {"type": "string", "pattern": f"^[^{_UNWRITABLE}]*$"},
        {"type": "array", "items": {"$ref": "#/definitions/json"}},
        {
            "type": "object",
            "additionalProperties": {"$ref": "#/definitions/json"},
            "propertyNames": {"maxLength": 253, "pattern": f"^[^{_UNWRITABLE}]*$", "not": {"const": "<<"}},
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
    """What the text of a schema follows from; equal requests have equal texts."""

    properties: tuple[Property, ...]
    title: str
    comment: str
    open_keys: frozenset[str]
    rules: tuple[ValueRule, ...] = ()
    # Bounds are no part of the equality of types.
    bounds: str = field(init=False)

    def __post_init__(self) -> None:
        """Note the bounds of the properties themselves; those below follow from the Values classes."""
        object.__setattr__(self, "bounds", repr([prop.spec.bounds for prop in self.properties]))


@lru_cache(maxsize=32)
def schema_text(request: SchemaRequest) -> str:
    """values.schema.json as text; the same request is answered from memory, as a snapshot test asks it often."""
    schema = values_schema(request.properties, request.title, request.open_keys, request.rules)
    return json_text({"$comment": request.comment, **schema})


def values_schema(
    properties: Iterable[Property],
    title: str,
    open_keys: frozenset[str] = frozenset(),
    rules: Sequence[ValueRule] = (),
) -> dict[str, Any]:
    """The schema of a chart whose values have ``properties`` at the top and keep to ``rules``.

    Below ``open_keys`` any further key passes.
    """
    definitions: dict[str, Any] = {}
    body = _object_schema(list(properties), definitions)
    for key in open_keys:
        _open(body["properties"][key])
    # Helm hands `global` to every chart and subchart.
    body["properties"]["global"] = {"type": "object", "description": "Values that Helm shares with dependencies."}
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": title}
    if rules:
        body["allOf"] = rules_schema(rules)
    return {**head, **body, **({"definitions": dict(sorted(definitions.items()))} if definitions else {})}


def _object_schema(properties: list[Property], definitions: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [prop.name for prop in properties if not prop.spec.optional],
        "properties": {
            prop.name: {"description": prop.description, **_schema(prop.spec, definitions)} for prop in properties
        },
    }


def _schema(spec: Spec, definitions: dict[str, Any]) -> dict[str, Any]:
    made = _present_schema(spec, definitions)
    if spec.optional and "type" in made:
        # Helm keeps a null over a key that nobody sets, such as a dependency's own null default.
        made["type"] = [made["type"], "null"]
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
    return made


def _present_schema(spec: Spec, definitions: dict[str, Any]) -> dict[str, Any]:
    bounds = dict(spec.bounds)
    if spec.kind == "object" and spec.model is not None:
        return {**_model_schema(spec, definitions), **bounds}
    if spec.kubernetes is not None:
        definitions.update(kubernetes_definitions(spec.kubernetes))
        return {"$ref": f"#/definitions/{spec.kubernetes.name}"}
    if spec.kind == "any":
        definitions["json"] = _JSON_DEFINITION
        return {"$ref": "#/definitions/json"}
    if spec.kind == "list" and spec.item is not None:
        return {"type": "array", "items": _schema(spec.item, definitions), **bounds}
    if spec.kind == "map" and spec.item is not None:
        names = dict(spec.key.bounds) if spec.key else {}
        if "enum" not in names:
            names.setdefault("maxLength", _KEY_LENGTH if spec.key and spec.key.text_safe else _FREE_KEY_LENGTH)
        item = _schema(spec.item, definitions)
        return {"type": "object", "additionalProperties": item, "propertyNames": names, **bounds}
    if spec.kind == "integer" and not {"const", "enum"} & bounds.keys():
        bounds = {**_whole_bounds(bounds), **bounds}
    return {"type": spec.json_type, **bounds}


def _whole_bounds(bounds: dict[str, Any]) -> dict[str, int]:
    """The ends that a whole number's own bounds leave open."""
    lower = not {"minimum", "exclusiveMinimum"} & bounds.keys()
    upper = not {"maximum", "exclusiveMaximum"} & bounds.keys()
    return {name: end for name, end in _EXACT.items() if (lower if name == "minimum" else upper)}


def _model_schema(spec: Spec, definitions: dict[str, Any]) -> dict[str, Any]:
    assert spec.model is not None
    body = _object_schema(list(property_specs(spec.model).values()), definitions)
    if not issubclass(spec.model, SubchartValues):
        return body
    known = spec.model.known_keys
    if known is None:
        return {**body, "additionalProperties": True}
    for key in sorted(known - body["properties"].keys()):
        body["properties"][key] = {}
    return body


def _open(schema: dict[str, Any]) -> None:
    """Let every object of ``schema`` take keys that are not declared."""
    if schema.get("additionalProperties") is False:
        schema["additionalProperties"] = True
    for part in (*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")):
        if isinstance(part, dict):
            _open(part)
