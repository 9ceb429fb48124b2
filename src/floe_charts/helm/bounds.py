"""Bounds of a value: pydantic's metadata in the words of JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import annotated_types
from pydantic.fields import FieldInfo

from floe_charts.errors import DeclarationError

__all__ = ["bounds_of", "is_printable_enum", "is_printable_pattern"]

_LENGTHS = {"string": "Length", "list": "Items", "map": "Properties", "object": "Properties"}
_LIMITS: dict[type, tuple[str, str]] = {
    annotated_types.Ge: ("ge", "minimum"),
    annotated_types.Gt: ("gt", "exclusiveMinimum"),
    annotated_types.Le: ("le", "maximum"),
    annotated_types.Lt: ("lt", "exclusiveMaximum"),
    annotated_types.MultipleOf: ("multiple_of", "multipleOf"),
}
# Where a keyword comes twice, pydantic wants both: the narrower one says it.
_NARROWER: dict[str, Callable[[Any, Any], Any]] = {
    "minimum": max, "exclusiveMinimum": max, "minLength": max, "minItems": max, "minProperties": max,
    "maximum": min, "exclusiveMaximum": min, "maxLength": min, "maxItems": min, "maxProperties": min,
}  # fmt: skip
_WIDE = re.compile(r"\\[SWDPpxuUN]|\[\^|[^ -~]")


def bounds_of(metadata: Iterable[object], kind: str, where: str) -> dict[str, Any]:
    """The keywords that pydantic's metadata of a field of ``kind`` amounts to.

    Raises :class:`DeclarationError` where a keyword is said twice and differs.
    """
    found: dict[str, Any] = {}
    for keyword, value in _keywords(metadata, kind):
        if keyword in found and keyword in _NARROWER:
            found[keyword] = _NARROWER[keyword](found[keyword], value)
        elif found.setdefault(keyword, value) != value:
            raise DeclarationError(f"{where}: {keyword} is said twice, {found[keyword]!r} and {value!r}")
    return found


def _keywords(metadata: Iterable[object], kind: str) -> Iterator[tuple[str, Any]]:
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from _keywords(item.metadata, kind)
            continue
        yield from _pattern(item)
        limit = _LIMITS.get(type(item))
        extra = getattr(item, "json_schema", None)
        if limit:
            yield limit[1], getattr(item, limit[0])
        elif isinstance(item, annotated_types.MinLen):
            yield f"min{_LENGTHS.get(kind, 'Length')}", item.min_length
        elif isinstance(item, annotated_types.MaxLen):
            yield f"max{_LENGTHS.get(kind, 'Length')}", item.max_length
        elif isinstance(extra, dict):
            yield from extra.items()
        elif _is_group(item):
            yield from _keywords(cast("Iterable[object]", item), kind)


def _pattern(item: object) -> Iterator[tuple[str, str]]:
    # Pydantic's regular expressions have no more than Helm's: neither look-around nor back-references.
    pattern = getattr(item, "pattern", None)
    pattern = getattr(pattern, "pattern", pattern)
    if isinstance(pattern, str) and not _is_group(item):
        yield "pattern", pattern


def _is_group(item: object) -> bool:
    """Whether a piece of metadata stands for several; isinstance() asks a protocol, which takes fifty times as long."""
    return hasattr(item, "__is_annotated_types_grouped_metadata__")


def is_printable_pattern(pattern: str) -> bool:
    """Whether all text that a pattern lets through is printable ASCII; False where that is not plain to see."""
    if not pattern.startswith("^") or not pattern.endswith("$") or _WIDE.search(pattern):
        return False
    outside = re.sub(r"\[[^\]]*\]", "", re.sub(r"\\.", "", pattern))
    depth = 0
    for char in outside:
        depth += (char == "(") - (char == ")")
        if char == "." or (char == "|" and depth == 0):
            return False
    return True


def is_printable_enum(members: Iterable[object]) -> bool:
    """Whether every member, as text, is printable ASCII."""
    return all(str(member).isascii() and str(member).isprintable() for member in members)
