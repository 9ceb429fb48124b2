"""What an error of the schema's validator says, in words of those who write values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from floe_charts.errors import nearest
from floe_charts.helm.patterns import form_in_words

__all__ = ["found_text", "problem"]

_NOUNS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a map",
    "array": "a list",
    "null": "null",
}
_UNTOLD = "a text of the form that its description in values.yaml says"


def problem(error: Any) -> str:
    """What an error of jsonschema-rs says, to stand behind the path of the value."""
    kind, found = error.kind, found_text(error.instance)
    if kind.name == "type":
        taken = " or ".join(_NOUNS.get(name, name) for name in kind.types)
        scalar = isinstance(error.instance, (bool, int, float))
        return (
            f"takes {taken}"
            + (f', such as "{found}"' if kind.types == ["string"] and scalar else "")
            + f", found {found}"
        )
    if kind.name == "enum":
        return f"takes one of {', '.join(map(str, kind.options))}, found {found}"
    if kind.name == "const":
        return f"is fixed to {found_text(kind.expected_value)}, found {found}"
    if kind.name == "pattern":
        return f"takes {form_in_words(kind.pattern) or _UNTOLD}, found {found}"
    if kind.name == "propertyNames":
        return f"has a key that cannot be one: {_key_problem(kind.error)}"
    if kind.name == "not":
        kept = [key for key in _kept_keys(kind.schema) if isinstance(error.instance, dict) and key in error.instance]
        if kept:
            return f"cannot have {', '.join(kept)}, which the chart sets itself"
    return f"does not fit: {_cut(error.message)}"


def _key_problem(error: Any) -> str:
    found, kind = found_text(error.instance), error.kind
    if kind.name == "pattern":
        return f"found {found}, expected {form_in_words(kind.pattern) or _UNTOLD}"
    if kind.name == "not":
        return f"found {found}, which is not for values to set"
    if kind.name == "enum":
        near = nearest(str(error.instance), kind.options)
        return f"found {found}, " + (
            f"did you mean {near}?" if near else f"expected one of {_cut(', '.join(kind.options))}"
        )
    return _cut(error.message)


def _kept_keys(schema: Any) -> Iterator[str]:
    """The keys that :class:`~floe_charts.helm.kubernetes_types.Without` refuses."""
    for option in schema.get("anyOf", []) if isinstance(schema, dict) else []:
        yield from option.get("required", [])


def found_text(value: object) -> str:
    """``value`` as JSON, cut to a length that a line takes."""
    return _cut(json.dumps(value, ensure_ascii=False, default=str), 60)


def _cut(text: str, limit: int = 300) -> str:
    """``text``, cut to ``limit`` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
