"""What an error of the schema's validator says, in words of those who write values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from floe_charts.errors import nearest
from floe_charts.helm.patterns import (
    DNS_LABEL_PATTERN,
    DNS_NAME_PATTERN,
    ENV_NAME_PATTERN,
    LABEL_KEY_PATTERN,
    LABEL_VALUE_PATTERN,
    NAMESPACE_PATTERN,
    QUANTITY_PATTERN,
    REGISTRY_PATTERN,
    RELATIVE_PATH_PATTERN,
    URL_PATH_PATTERN,
    WRITABLE_PATTERN,
)

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
_LONGEST_PATTERN = 150
"""Of longer ones nobody reads what is wrong."""
_FORMS: dict[str, str] = {
    DNS_LABEL_PATTERN: "a name of lower-case letters, digits and '-' that begins with a letter",
    DNS_NAME_PATTERN: "a name of lower-case letters, digits, '-' and '.', with a letter or digit at both ends",
    ENV_NAME_PATTERN: "the name of an environment variable: letters, digits and '_', no digit first",
    LABEL_KEY_PATTERN: "a key of a label, such as tier or example.com/tier",
    LABEL_VALUE_PATTERN: "a label's value: letters, digits, '-', '_' and '.', with a letter or digit at both ends",
    NAMESPACE_PATTERN: "a name of lower-case letters, digits and '-', with a letter or digit at both ends",
    QUANTITY_PATTERN: "an amount as Kubernetes writes it, such as 2, 250m or 512Mi",
    REGISTRY_PATTERN: "the host of a registry without https://, such as registry.example.com:5000/mirror",
    RELATIVE_PATH_PATTERN: "a path inside the volume, such as data/in, without '..'",
    URL_PATH_PATTERN: "the path of a URL, such as /data",
    WRITABLE_PATTERN: "a text without control characters",
}
_FORMS |= {f"^({form[1:-1]})?$": f"{words}; or nothing" for form, words in _FORMS.items()}


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
    if kind.name == "pattern" and kind.pattern in _FORMS:
        return f"takes {_FORMS[kind.pattern]}, found {found}"
    if kind.name == "pattern" and len(kind.pattern) > _LONGEST_PATTERN:
        return f"is not of the form that its description in values.yaml or values.schema.json says, found {found}"
    if kind.name == "propertyNames":
        return f"has a key that cannot be one: {_key_problem(kind.error)}"
    if kind.name == "not":
        kept = [key for key in _kept_keys(kind.schema) if isinstance(error.instance, dict) and key in error.instance]
        if kept:
            return f"cannot have {', '.join(kept)}, which the chart sets itself"
    return f"does not fit: {_cut(error.message)}"


def _key_problem(error: Any) -> str:
    if error.kind.name == "pattern" and error.kind.pattern in _FORMS:
        return f"found {found_text(error.instance)}, expected {_FORMS[error.kind.pattern]}"
    if error.kind.name == "enum":
        near = nearest(str(error.instance), error.kind.options)
        return f"found {found_text(error.instance)}, " + (
            f"did you mean {near}?" if near else f"expected one of {_cut(', '.join(error.kind.options))}"
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
