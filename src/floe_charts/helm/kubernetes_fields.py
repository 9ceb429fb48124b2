"""One place of a Kubernetes object's schema: what it takes, and the sentences that say what does not fit.

Used by :mod:`floe_charts.helm.kubernetes`, which reads the schemas.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from floe_charts.errors import nearest, shorten

__all__ = ["Field", "FieldLibrary", "Path", "Schema", "SchemaFault", "describe", "field_path"]

Path = tuple[str | int, ...]
Schema = Mapping[str, object]

_WORDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "an integer",
    "null": "null",
    "number": "a number",
    "object": "a map",
    "string": "a string",
}
_SCALARS: tuple[type, ...] = (str, int, bool, type(None))
_JSON_TYPES: dict[type, str] = {
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "integer",
    list: "array",
    str: "string",
    type(None): "null",
}
_FOUND = {"array": "a list", "boolean": "a boolean", "object": "a map"}


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """One place where an object does not fit: ``str()`` gives the whole sentence.

    ``path`` leads to the field, ``message`` is a sentence that begins with it, ``expected`` is what the field takes
    (empty for an unknown field) and ``hint`` what to do, such as the nearest field that exists.
    """

    path: Path
    message: str
    expected: str = ""
    hint: str = ""

    def __str__(self) -> str:
        """The message and, where there is one, the hint."""
        return f"{self.message}; {self.hint}" if self.hint else self.message


def field_path(path: Sequence[str | int]) -> str:
    """A path as people write it.

    >>> field_path(("spec", "containers", 0, "image"))
    'spec.containers[0].image'
    >>> field_path(("metadata", "labels", "app.kubernetes.io/name"))
    'metadata.labels["app.kubernetes.io/name"]'
    """
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif re.fullmatch(r"[^\s.\[\]\"/]+", step):
            parts.append(f".{step}" if parts else step)
        else:
            parts.append(f"[{json.dumps(step, ensure_ascii=False)}]")
    return "".join(parts)


class FieldLibrary(Protocol):
    """Turns raw schemas into fields and follows references."""

    def field(self, schema: object, name: str) -> Field:
        """The field of a raw schema, ``name`` being what messages call it."""


class Field:
    """What one place of an object takes. Children stay raw schemas until something reaches them."""

    __slots__ = (
        "_fields",
        "_items",
        "_library",
        "_raw",
        "alternatives",
        "closed",
        "enum",
        "name",
        "required",
        "scalars",
        "types",
    )

    def __init__(self, schema: Schema, name: str, library: FieldLibrary) -> None:
        """Read what is needed at once; ``name`` is what messages call the map, such as ``DeploymentSpec``."""
        self.name = name
        self._library = library
        types = schema.get("type")
        self.types: frozenset[str] = frozenset([types] if isinstance(types, str) else _strings(types))
        self.enum = schema.get("enum")
        self.required = _strings(schema.get("required"))
        self.closed = schema.get("additionalProperties") is False
        options = schema.get("oneOf")
        self.alternatives = [library.field(one, name) for one in options] if isinstance(options, list) else []
        self.scalars = self._plain_scalars()
        self._raw = schema
        self._fields: dict[str, Field | None] = {}
        self._items: Field | None = None

    def _plain_scalars(self) -> frozenset[type]:
        """The Python types whose every value is right here: what most leaves of an object are decided by."""
        if self.enum is not None:
            return frozenset()
        taken = {kind for kind in _SCALARS if not self.types or _is_one_of(kind(), self.types)}
        if self.alternatives:
            taken = {kind for kind in taken if sum(kind in option.scalars for option in self.alternatives) == 1}
        return frozenset(taken)

    def properties(self) -> Mapping[str, object]:
        """The names and raw schemas of the fields that are declared here."""
        declared = self._raw.get("properties")
        return declared if isinstance(declared, dict) else {}

    def child(self, step: str | int) -> Field | None:
        """The field one step further in, or None where the schema says nothing of it."""
        if isinstance(step, int):
            if self._items is None and "items" in self._raw:
                self._items = self._library.field(self._raw["items"], self.name)
            return self._items
        if step not in self._fields:
            declared = self.properties()
            schema = declared.get(step, self._raw.get("additionalProperties"))
            name = step if step in declared else self.name
            self._fields[step] = self._library.field(schema, name) if isinstance(schema, dict) else None
        return self._fields[step]

    def types_taken(self) -> frozenset[str]:
        """The JSON types, also where they are spread over alternatives (an integer or a string)."""
        return self.types.union(*(option.types_taken() for option in self.alternatives))

    def fits(self, value: object) -> bool:
        """Whether ``faults`` would find nothing, told several times as fast."""
        if type(value) in self.scalars:
            return True
        if not self._fits_itself(value):
            return False
        if isinstance(value, dict):
            return self._map_fits(value)
        if isinstance(value, list | tuple):
            item = self.child(0)
            return item is None or all(item.fits(element) for element in value)
        return not isinstance(value, Mapping) or self._map_fits(value)

    def _fits_itself(self, value: object) -> bool:
        """Whether type, alternatives and enumeration allow the value, its inside left aside."""
        if self.types and not _is_one_of(value, self.types):
            return False
        if self.alternatives and sum(option.fits(value) for option in self.alternatives) != 1:
            return False
        return self.enum is None or _listed(value, self.enum)

    def _map_fits(self, value: Mapping[object, object]) -> bool:
        fields = self._fields
        for key, element in value.items():
            if not isinstance(key, str):
                return False
            field = fields[key] if key in fields else self.child(key)
            if field is None:
                if self.closed:
                    return False
            elif type(element) not in field.scalars and not field.fits(element):
                return False
        return all(key in value for key in self.required)

    def faults(self, value: object, path: Path) -> list[SchemaFault]:
        """What is wrong with ``value``, which stands at ``path``, and with everything inside it."""
        if not self._fits_itself(value):
            return [
                self._not_listed(value, path)
                if _is_one_of(value, self.types) and self.enum
                else self._wrong_type(value, path)
            ]
        if isinstance(value, Mapping):
            return self._map_faults(value, path)
        item = self.child(0) if isinstance(value, list | tuple) else None
        if item is None or not isinstance(value, list | tuple):
            return []
        return [fault for index, element in enumerate(value) for fault in item.faults(element, (*path, index))]

    def _map_faults(self, value: Mapping[object, object], path: Path) -> list[SchemaFault]:
        found: list[SchemaFault] = []
        for key, element in value.items():
            if not isinstance(key, str):
                found.append(SchemaFault(path, f"{_subject(path)} has a key that is not a string: {shorten(key)}"))
                continue
            field = self.child(key)
            if field is not None:
                found += field.faults(element, (*path, key))
            elif self.closed:
                found.append(self._unknown(key, path))
        for key in self.required:
            if key not in value:
                where = (*path, key)
                found.append(SchemaFault(where, f"{field_path(where)} is missing; {self.name} requires it"))
        return found

    def _unknown(self, key: str, path: Path) -> SchemaFault:
        where = (*path, key)
        near = nearest(key, self.properties())
        hint = f"did you mean {near}?" if near else ""
        return SchemaFault(where, f"{field_path(where)} is not a field of {self.name}", hint=hint)

    def _wrong_type(self, value: object, path: Path) -> SchemaFault:
        types = self.types_taken() - {"null"} or {"null"}
        if "number" in types:
            types -= {"integer"}
        expected = " or ".join(_WORDS[one] for one in sorted(types))
        return SchemaFault(path, f"{_subject(path)} takes {expected}, but found {describe(value)}", expected)

    def _not_listed(self, value: object, path: Path) -> SchemaFault:
        options = [str(one) for one in self.enum] if isinstance(self.enum, list) else []
        expected = options[0] if len(options) == 1 else f"one of {', '.join(options)}"
        near = nearest(value, options) if isinstance(value, str) and len(options) > 1 else None
        message = f"{_subject(path)} takes {expected}, but found {describe(value)}"
        return SchemaFault(path, message, expected, f"did you mean {near}?" if near else "")


def _strings(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _json_type(value: object) -> str:
    known = _JSON_TYPES.get(type(value))
    if known is not None:
        return known
    if isinstance(value, str):
        return "string"
    if isinstance(value, Mapping):
        return "object"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if value is None:
        return "null"
    if isinstance(value, list | tuple):
        return "array"
    return "number" if isinstance(value, float) else type(value).__name__


def _is_one_of(value: object, types: frozenset[str]) -> bool:
    found = _json_type(value)
    if found in types:
        return True
    if found == "integer":
        return "number" in types
    return found == "number" and "integer" in types and isinstance(value, float) and value.is_integer()


def _listed(value: object, options: object) -> bool:
    # True == 1 in Python, but not in JSON.
    return isinstance(options, Iterable) and any(
        value == one and isinstance(value, bool) == isinstance(one, bool) for one in options
    )


def describe(value: object) -> str:
    """A found value in words: ``a string ("x")``, ``an integer (5)``, ``null``, ``a list``."""
    found = _json_type(value)
    if found == "null":
        return "null"
    if found == "string":
        text = json.dumps(value, ensure_ascii=False)
        return f"a string ({text if len(text) <= 60 else text[:58] + '…'})"
    if found in {"integer", "number"}:
        return f"{'an integer' if found == 'integer' else 'a number'} ({value})"
    if found == "boolean":
        return f"a boolean ({'true' if value else 'false'})"
    return _FOUND.get(found, f"a {found}")


def _subject(path: Path) -> str:
    return field_path(path) or "the object"
