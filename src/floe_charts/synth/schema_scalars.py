"""What one value may be, whatever is inside it: its types, its members, its bounds; and how a change is told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "ABSENT",
    "SCALAR_KEYWORDS",
    "SILENT",
    "Change",
    "Path",
    "Schema",
    "as_map",
    "canonical",
    "change",
    "have_a_type_in_common",
    "listed",
    "matches",
    "scalar_changes",
]

Kind = Literal["removed", "narrowed", "added", "widened"]
Path = tuple[str, ...]
Schema = Mapping[str, Any]

ABSENT = object()
"""Stands for a keyword that a schema has not."""

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_LOWER_BOUNDS = ("exclusiveMinimum", "minItems", "minLength", "minProperties", "minimum")
_UPPER_BOUNDS = ("exclusiveMaximum", "maxItems", "maxLength", "maxProperties", "maximum")
SCALAR_KEYWORDS = ("type", "enum", "const", *_LOWER_BOUNDS, *_UPPER_BOUNDS)
"""The keywords that :func:`scalar_changes` compares."""

SILENT = frozenset({"$comment", "$id", "$schema", "default", "definitions", "description", "examples", "title"})
"""The keywords that say something to readers and refuse nothing."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``path`` is that of the value, ``detail`` says what about it, where there is something to say."""

    kind: Kind
    path: str
    detail: str = ""

    def __str__(self) -> str:
        """The path, and the detail in brackets."""
        name = self.path or "the values"
        return f"{name} ({self.detail})" if self.detail else name


def scalar_changes(old: Schema, new: Schema, path: Path) -> Iterator[Change]:
    """The changes of types, members and bounds between two schemas of one value."""
    was, now = _types(old), _types(new)
    if was != now:
        detail = f"{_words(new)}, was {_words(old)}"
        if was - now:
            yield change("narrowed", path, detail)
        if now - was:
            yield change("widened", path, detail)
    yield from _members(old, new, path)
    for keyword, sign in (*((one, 1) for one in _LOWER_BOUNDS), *((one, -1) for one in _UPPER_BOUNDS)):
        yield from _bound(keyword, sign, old.get(keyword), new.get(keyword), path)


def have_a_type_in_common(old: Schema, new: Schema) -> bool:
    """Whether some value could be of a type that both take; without, what is inside cannot be compared."""
    return bool(_types(old) & _types(new))


def change(kind: Kind, path: Path, detail: str = "") -> Change:
    """A change at a path; items of a list are ``[]`` in it, entries of a map ``*``."""
    return Change(kind, ".".join(path).replace(".[]", "[]"), detail)


def _members(old: Schema, new: Schema, path: Path) -> Iterator[Change]:
    """The changes of ``enum`` and ``const``."""
    was, now = _allowed(old), _allowed(new)
    if now is not None and (was is None or was.keys() - now.keys()):
        gone = "" if was is None else "no longer " + ", ".join(was[key] for key in sorted(was.keys() - now.keys()))
        yield change("narrowed", path, gone or "only some values now")
    if was is not None and (now is None or now.keys() - was.keys()):
        come = "" if now is None else "also " + ", ".join(now[key] for key in sorted(now.keys() - was.keys()))
        yield change("widened", path, come or "any value now")


def _allowed(schema: Schema) -> dict[str, str] | None:
    """The members that a value may be, by canonical text; None where any may be."""
    if "const" in schema:
        return {canonical(schema["const"]): canonical(schema["const"])}
    if "enum" in schema:
        return {canonical(one): canonical(one) for one in listed(schema["enum"])}
    return None


def _bound(keyword: str, sign: int, old: object, new: object, path: Path) -> Iterator[Change]:
    """A bound; ``sign`` is 1 where a larger number refuses more."""
    if old == new:
        return
    if new is None:
        yield change("widened", path, f"{keyword} fell away")
    elif old is None or not isinstance(old, int | float) or not isinstance(new, int | float) or (new - old) * sign > 0:
        yield change("narrowed", path, f"{keyword} {new}" + (f", was {old}" if old is not None else " is new"))
    else:
        yield change("widened", path, f"{keyword} {new}, was {old}")


def _types(schema: Schema) -> frozenset[str]:
    """The types of JSON that a value may have; every integer is a number too."""
    if "type" not in schema:
        return _TYPES
    said = schema["type"]
    names = frozenset([said] if isinstance(said, str) else listed(said))
    return names | {"integer"} if "number" in names else names


def _words(schema: Schema) -> str:
    types = _types(schema)
    if types == _TYPES:
        return "anything"
    return " or ".join(sorted(types - {"integer"} if "number" in types else types)) or "nothing"


def listed(value: object) -> list[Any]:
    """A list, or none where there is something else."""
    return value if isinstance(value, list) else []


def as_map(value: object) -> Schema:
    """A map, or an empty one where there is something else."""
    return value if isinstance(value, Mapping) else {}


def matches(pattern: str, key: str) -> bool:
    """Whether a key falls under a pattern; yes where Python does not know the pattern."""
    try:
        return re.search(pattern, key) is not None
    except re.error:
        return True


def canonical(value: object) -> str:
    """One text for equal JSON values; 1 and 1.0 are equal, 1 and true are not."""
    if value is ABSENT:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
