"""Values of all kinds that a chart's schema takes, for property tests."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis_jsonschema import from_schema

__all__ = ["AnyValues", "leaf_schemas"]

Path = tuple[str | int, ...]
Schema = Mapping[str, Any]
Strategy = st.SearchStrategy[Any]

# How deep free-form JSON goes, the one thing that refers to itself.
_DEEPEST = 2
_SCALARS: dict[str, Any] = {"type": ["boolean", "null", "number"]}
# What hypothesis-jsonschema must not decide alone where something else is drawn piece by piece.
_RULES = frozenset({"allOf", "else", "if", "maxProperties", "minProperties", "not", "then", "uniqueItems"})
_LONGEST_LIST = 2
_TRIES = 12


def leaf_schemas(schema: Schema, definitions: Schema | None = None, path: Path = ()) -> dict[Path, Schema]:
    """Every leaf that the schema describes; keys that only pass, because a dependency has them, are not among them."""
    known = schema.get("definitions", {}) if definitions is None else definitions
    found: dict[Path, Schema] = {}
    for key, part in schema.get("properties", {}).items():
        if key == "global" and not path:
            continue
        target = part.get("$ref", "")
        described = known[_name(target)] if target and "/io.k8s." not in target else part
        if described.get("type") == "object" and described.get("properties"):
            found.update(leaf_schemas(described, known, (*path, key)))
        elif part.keys() - {"description"}:
            found[(*path, key)] = part
    return found


class AnyValues:
    """Strategies for the schemas of one chart.

    Objects and lists are drawn piece by piece and held against their own rules; only the pieces, and free-form JSON,
    are left to hypothesis-jsonschema, which takes its time.
    """

    def __init__(self, definitions: Schema) -> None:
        self._definitions = definitions
        self._known: dict[str, Strategy] = {}

    def of(self, schema: Schema) -> Strategy:
        """Any value that ``schema`` takes, null excepted, which Helm removes."""
        return _drawn_until(self._any(schema), lambda value: value is not None)

    def _any(self, schema: Schema) -> Strategy:
        text = json.dumps(schema)
        if text not in self._known:
            self._known[text] = self._strategy(schema)
        return self._known[text]

    def _strategy(self, schema: Schema) -> Strategy:
        target = schema.get("$ref")
        if isinstance(target, str) and _name(target) != "json":
            return self._any(self._definitions[_name(target)])
        if schema.get("if") == {"type": "null"}:
            return st.none() | self._any(schema["else"])
        pieces = self._pieces(schema)
        if pieces is None:
            return _from_schema(json.dumps(_generating(schema, self._definitions, ())))
        if not schema.keys() & _RULES:
            return pieces
        rules = {**{key: schema[key] for key in schema.keys() & _RULES}, "definitions": self._definitions}
        return _drawn_until(pieces, jsonschema_rs.Draft7Validator(rules).is_valid)

    def _pieces(self, schema: Schema) -> Strategy | None:
        """The parts of a list or map; None for what is none, or has no parts that are described."""
        if "$ref" in schema.get("allOf", [{}])[0]:
            return self._any(schema["allOf"][0])
        if schema.get("type") == "array":
            least = schema.get("minItems", 0)
            most = min(schema.get("maxItems", _LONGEST_LIST), least + _LONGEST_LIST)
            return st.lists(self._any(schema["items"]), min_size=least, max_size=most)
        if schema.get("type") != "object":
            return None
        if schema.get("properties"):
            return self._fields(schema)
        if isinstance(schema.get("additionalProperties"), Mapping):
            keys = self._any({"type": "string", **schema.get("propertyNames", {})})
            return st.dictionaries(keys, self._any(schema["additionalProperties"]), max_size=_LONGEST_LIST)
        return None

    def _fields(self, schema: Schema) -> Strategy:
        fields = {name: self._any(part) for name, part in schema["properties"].items()}
        if schema.get("maxProperties") == 1:
            return st.one_of([st.fixed_dictionaries({name: drawn}) for name, drawn in fields.items()])
        needed = {name: fields.pop(name) for name in schema.get("required", ())}
        return st.fixed_dictionaries(needed, optional=fields)


def _drawn_until(strategy: Strategy, is_right: Callable[[Any], bool]) -> Strategy:
    """What is drawn, again where it is wrong; and a strategy whose name is short, for Hypothesis prints it."""

    @st.composite
    def drawn(draw: st.DrawFn) -> Any:
        for _ in range(_TRIES):
            value = draw(strategy)
            if is_right(value):
                return value
        return reject()

    return drawn()


def _name(target: str) -> str:
    return target.rpartition("/")[2]


@functools.cache
def _from_schema(schema: str) -> Strategy:
    return from_schema(json.loads(schema))


def _generating(schema: Any, definitions: Schema, inside: tuple[str, ...]) -> Any:
    """The schema as hypothesis-jsonschema takes it: Python's expressions, no descriptions, references followed.

    RE2's ``$`` is the very end of a text, Python's may stand before a newline.
    """
    if isinstance(schema, list):
        return [_generating(one, definitions, inside) for one in schema]
    if not isinstance(schema, dict):
        return schema
    target = schema.get("$ref")
    if isinstance(target, str):
        name = _name(target)
        deeper = inside.count(name) < _DEEPEST
        return _generating(definitions[name], definitions, (*inside, name)) if deeper else _SCALARS
    made = {key: _generating(value, definitions, inside) for key, value in schema.items() if not _is_prose(key, value)}
    if isinstance(made.get("pattern"), str):
        made["pattern"] = _python_pattern(made["pattern"])
    return made


def _is_prose(key: str, value: object) -> bool:
    return key in ("$comment", "description", "title") and isinstance(value, str)


def _python_pattern(pattern: str) -> str:
    return pattern[:-1] + r"\Z" if pattern.endswith("$") and not pattern.endswith(r"\$") else pattern
