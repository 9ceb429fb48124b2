"""JSON Schemas of charts and custom resources: compiled once, asked thousands of times, never by way of the network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from floe_charts.errors import HelmError, nearest
from floe_charts.helm.kubernetes_fields import SchemaFault, describe, field_path
from floe_charts.verify.values import Path, get_at

if TYPE_CHECKING:
    import jsonschema_rs

__all__ = ["CompiledSchema", "declared_types", "json_type", "schemas_at"]

_COMBINING = ("allOf", "anyOf", "oneOf")
_WORDS = {"array": "a list", "boolean": "true or false", "integer": "an integer", "null": "null", "object": "a map"}
_MAX_REFERENCES = 50


class CompiledSchema:
    """A JSON Schema (its draft is what ``$schema`` says, draft-07 where it says nothing), ready to be asked."""

    def __init__(self, schema: Mapping[str, object], name: str = "values.schema.json") -> None:
        """Compile; raise HelmError where it is no schema or refers to something that is not in it."""
        import jsonschema_rs

        self.schema: dict[str, object] = {"$schema": "http://json-schema.org/draft-07/schema#", **schema}
        try:
            self._validator: jsonschema_rs.Validator = jsonschema_rs.validator_for(self.schema, offline=True)
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            raise HelmError(f"{name} cannot be used: {str(error).splitlines()[0]}") from error

    def accepts(self, instance: object) -> bool:
        """Whether ``instance`` fits."""
        return self._validator.is_valid(instance)

    def faults(self, instance: object) -> list[SchemaFault]:
        """Every place where ``instance`` does not fit."""
        if self._validator.is_valid(instance):
            return []
        return [fault for error in self._validator.iter_errors(instance) for fault in self._explain(error)]

    def _explain(self, error: jsonschema_rs.ValidationError) -> Iterator[SchemaFault]:
        path = tuple(error.instance_path)
        subject = field_path(path) or "the whole"
        kind = error.kind.as_dict()
        if error.kind.name == "additionalProperties":
            for key in kind.get("unexpected", ()):
                yield self._unknown(path, str(key), error.schema_path)
        elif error.kind.name == "required":
            where = (*path, str(kind.get("property")))
            yield SchemaFault(where, f"{field_path(where)} is missing")
        elif error.kind.name == "type":
            expected = " or ".join(_WORDS.get(one, f"a {one}") for one in sorted(kind.get("types", ())))
            yield SchemaFault(path, f"{subject} takes {expected}, but found {describe(error.instance)}", expected)
        else:
            yield SchemaFault(path, f"{subject}: {error.message}")

    def _unknown(self, path: Path, key: str, schema_path: Sequence[str | int]) -> SchemaFault:
        declared = get_at(self.schema, (*schema_path[:-1], "properties"))
        if not isinstance(declared, Mapping):
            declared = {name: None for one in schemas_at(self.schema, path) for name in _map_of(one, "properties")}
        near = nearest(key, declared)
        where = (*path, key)
        hint = f"did you mean {near}?" if near else ""
        return SchemaFault(where, f"{field_path(where)} is not a field that exists", hint=hint)


def json_type(value: object) -> str:
    """The JSON type of a value, such as ``integer``; ``object`` for what JSON does not have."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list | tuple):
        return "array"
    return "null" if value is None else "object"


def schemas_at(schema: Mapping[str, object], path: Sequence[str | int]) -> list[Mapping[str, object]]:
    """The subschemas that speak about the value at ``path``: references followed, alternatives side by side."""
    here = list(_spread(schema, schema, 0))
    for step in path:
        here = [found for node in here for below in _below(node, step) for found in _spread(below, schema, 0)]
    return here


def declared_types(schemas: Iterable[Mapping[str, object]]) -> frozenset[str]:
    """The JSON types that subschemas name, by ``type``, ``enum`` or ``const``; empty where they name none."""
    types: set[str] = set()
    for schema in schemas:
        named = schema.get("type")
        types.update([named] if isinstance(named, str) else named if isinstance(named, list) else ())
        options = schema.get("enum")
        if named is None:
            types.update(json_type(one) for one in (options if isinstance(options, list) else ()))
            types.update([json_type(schema["const"])] if "const" in schema else ())
    return frozenset(types)


def _spread(schema: object, root: Mapping[str, object], references: int) -> Iterator[Mapping[str, object]]:
    """The schema itself, what it refers to, and the parts of its allOf, anyOf, oneOf, if/then/else."""
    if not isinstance(schema, Mapping) or references > _MAX_REFERENCES:
        return
    target = schema.get("$ref")
    if isinstance(target, str):
        yield from _spread(_resolve(root, target), root, references + 1)
    yield schema
    for keyword in _COMBINING:
        parts = schema.get(keyword)
        for part in parts if isinstance(parts, list) else ():
            yield from _spread(part, root, references + 1)
    for keyword in ("then", "else"):
        yield from _spread(schema.get(keyword), root, references + 1)


def _resolve(root: Mapping[str, object], reference: str) -> object:
    if not reference.startswith("#"):
        return None
    steps = [step.replace("~1", "/").replace("~0", "~") for step in reference[1:].split("/")[1:]]
    return get_at(root, steps)


def _below(schema: Mapping[str, object], step: str | int) -> Iterator[object]:
    if isinstance(step, int):
        items = schema.get("items")
        if isinstance(items, list):
            yield items[step] if step < len(items) else schema.get("additionalItems")
        else:
            yield items
        return
    properties = _map_of(schema, "properties")
    named = [properties[step]] if step in properties else []
    named += [part for pattern, part in _map_of(schema, "patternProperties").items() if re.search(pattern, step)]
    yield from named or [schema.get("additionalProperties")]


def _map_of(schema: Mapping[str, object], keyword: str) -> Mapping[str, object]:
    found = schema.get(keyword)
    return found if isinstance(found, Mapping) else {}
