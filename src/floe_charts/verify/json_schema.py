"""JSON Schemas of charts and custom resources: compiled once, asked thousands of times, never by way of the network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from floe_charts.errors import HelmError, nearest
from floe_charts.helm.kubernetes_fields import SchemaFault, describe, field_path
from floe_charts.verify.values import MISSING, Path, get_at

if TYPE_CHECKING:
    import jsonschema_rs

__all__ = ["CompiledSchema", "at_pointer", "declared_types", "has_pattern", "json_type", "schemas_at"]

_COMBINING = ("allOf", "anyOf", "oneOf")
_SHARED = ("$schema", "$id", "id", "definitions", "$defs")
"""What a schema for a part of the values takes over from the whole."""
_CHANGES_MEANING = frozenset({"$ref", "$recursiveAnchor", "$dynamicAnchor"})
"""Beside the first, ``properties`` counts for nothing before 2019-09; the others lead references to the whole."""
_WORDS = {"array": "a list", "boolean": "true or false", "integer": "an integer", "null": "null", "object": "a map"}


class CompiledSchema:
    """A JSON Schema, ready to be asked: of the draft that ``$schema`` says, by default 2020-12 as in Helm 4."""

    def __init__(self, schema: Mapping[str, object], name: str = "values.schema.json") -> None:
        """Compile; raise HelmError where it is no schema, or refers to something that is not in it.

        So it ends also where a ``pattern`` is no regular expression here. What refers to the network can be localized
        first (:func:`floe_charts.verify.schema_references.localize_schema`).
        """
        import jsonschema_rs

        self.schema: dict[str, object] = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
        try:
            self._validator: jsonschema_rs.Validator = jsonschema_rs.validator_for(self.schema, offline=True)
        except (ValueError, RecursionError, jsonschema_rs.ReferencingError) as error:
            raise HelmError(f"{name} cannot be used: {next(iter(str(error).splitlines()), 'it is broken')}") from error
        self._of_properties: dict[str, CompiledSchema | None] = {}

    def accepts(self, instance: object) -> bool:
        """Whether ``instance`` fits."""
        return self._validator.is_valid(instance)

    def of_property(self, name: str) -> CompiledSchema | None:
        """What the schema says of the property ``name`` of an object, whatever else is in that object.

        What it refuses, the schema refuses in an object, and it takes less time. None where it says nothing by itself.
        """
        if name not in self._of_properties:
            self._of_properties[name] = self._made_of_property(name)
        return self._of_properties[name]

    def _made_of_property(self, name: str) -> CompiledSchema | None:
        below = get_at(self.schema, ("properties", name))
        if not isinstance(below, Mapping) or self.schema.keys() & _CHANGES_MEANING:
            return None
        shared = {key: self.schema[key] for key in _SHARED if key in self.schema}
        try:
            return CompiledSchema({**shared, "allOf": [below]}, name)
        except HelmError:  # It refers to what is not in its own part.
            return None

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
    here = _spread([schema], schema)
    for step in path:
        here = _spread([below for node in here for below in _below(node, step)], schema)
    return here


def at_pointer(root: object, pointer: str) -> object:
    """What a JSON Pointer (RFC 6901, ``/a/0``) leads to, or MISSING."""
    if pointer and not pointer.startswith("/"):
        return MISSING
    node = root
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        node = get_at(node, (int(key) if isinstance(node, list) and key.isdecimal() else key,))
    return node


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


@lru_cache(maxsize=4096)
def has_pattern(pattern: str, text: str) -> bool:
    r"""Whether a schema's pattern is in a text, also one that Python does not know (``\p{L}``).

    False for what is no regular expression at all.
    """
    try:
        return re.search(pattern, text) is not None
    except (re.error, OverflowError, RecursionError):
        import jsonschema_rs
    try:
        return jsonschema_rs.is_valid({"pattern": pattern}, text)
    except ValueError:
        return False


def _spread(schemas: Iterable[object], root: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The schemas, what they refer to, and the parts of their allOf, anyOf, oneOf, then, else; each once."""
    found: dict[int, Mapping[str, object]] = {}
    waiting = list(reversed(list(schemas)))
    while waiting:
        schema = waiting.pop()
        if not isinstance(schema, Mapping) or id(schema) in found:
            continue
        found[id(schema)] = schema
        beside: list[object] = [_referred(root, schema.get("$ref"))]
        for keyword in _COMBINING:
            parts = schema.get(keyword)
            beside += parts if isinstance(parts, list) else []
        beside += [schema.get("then"), schema.get("else"), *_map_of(schema, "dependentSchemas").values()]
        waiting += reversed(beside)
    return list(found.values())


def _referred(root: Mapping[str, object], reference: object) -> object:
    """What a reference inside the schema leads to: a pointer (``#/$defs/x``) or the whole (``#``); else MISSING."""
    inside = isinstance(reference, str) and reference.startswith("#")
    return at_pointer(root, unquote(str(reference)[1:])) if inside else MISSING


def _below(schema: Mapping[str, object], step: str | int) -> Iterator[object]:
    if isinstance(step, int):
        items, first = schema.get("items"), schema.get("prefixItems")
        rest = items
        if isinstance(items, list):  # before draft 2020-12
            first, rest = items, schema.get("additionalItems")
        yield first[step] if isinstance(first, list) and step < len(first) else rest
        return
    properties = _map_of(schema, "properties")
    named = [properties[step]] if step in properties else []
    named += [part for pattern, part in _map_of(schema, "patternProperties").items() if has_pattern(pattern, step)]
    yield from named or [schema.get("additionalProperties"), schema.get("unevaluatedProperties")]


def _map_of(schema: Mapping[str, object], keyword: str) -> Mapping[str, object]:
    found = schema.get(keyword)
    return found if isinstance(found, Mapping) else {}
