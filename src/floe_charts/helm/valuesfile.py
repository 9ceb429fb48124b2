"""values.yaml and its overlays as text, with the descriptions of the declared values as comments."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from floe_charts.errors import DeclarationError
from floe_charts.helm.nodes import Node
from floe_charts.helm.scalars import block_lines, key_head, yaml_key, yaml_scalar
from floe_charts.helm.shapes import is_list, is_map
from floe_charts.helm.spec import Property, Spec, property_specs
from floe_charts.helm.tokens import parse

__all__ = ["bounds_text", "comment_lines", "overlay_text", "values_text"]

_WIDTH = 110


def values_text(properties: Iterable[Property], values: Mapping[str, Any], header: str) -> str:
    """values.yaml: every declared value with its description above it."""
    lines = comment_lines(header)
    for prop in properties:
        lines += ["", *_property(prop, values, 0)]
    return "\n".join(lines) + "\n"


def overlay_text(differences: Mapping[str, Any], header: str) -> str:
    """values-<env>.yaml: the differences of one environment and nothing else."""
    lines = comment_lines(header)
    body = _mapping(differences, 0) if differences else ["{}"]
    return "\n".join([*lines, *body]) + "\n"


def comment_lines(text: str, width: int = _WIDTH) -> list[str]:
    """``text`` as comments, each line wrapped at ``width``; characters that a comment cannot hold become spaces."""
    return list(_comment_lines(text, width))


# A snapshot test synthesizes the same descriptions again and again, and wrapping them is a tenth of its time.
@lru_cache(maxsize=8192)
def _comment_lines(text: str, width: int) -> tuple[str, ...]:
    if text and len(text) <= width and text.isprintable():
        return (f"# {' '.join(text.split())}",)
    shown = ("".join(char if char.isprintable() else " " for char in line) for line in text.splitlines())
    wrapped = (
        part for line in shown for part in textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)
    )
    return tuple(f"# {' '.join(part.split())}" for part in wrapped)


def _property(prop: Property, values: Mapping[str, Any], indent: int) -> list[str]:
    pad = " " * indent
    notes = " ".join(filter(None, [prop.description, bounds_text(prop.spec, is_set=prop.name in values)]))
    comment = [f"{pad}{line}" for line in comment_lines(" ".join(notes.split()), _WIDTH - indent)]
    if prop.name not in values:
        return [*comment, f"{pad}# {yaml_key(prop.name, template=False)}:"]
    return [*comment, *_entry(prop.name, values[prop.name], indent, prop.spec)]


def _is_fixed(bounds: Mapping[str, Any]) -> bool:
    """Whether the bounds leave one value only."""
    least, most = bounds.get("minimum"), bounds.get("maximum")
    return "const" in bounds or len(bounds.get("enum", ())) == 1 or (least is not None and least == most)


def bounds_text(spec: Spec, *, is_set: bool = False) -> str:
    """What a value may be, in words and in brackets: ``(at least 1)``; empty where nothing is to be said.

    ``is_set`` says that an optional value has a default here.
    """
    bounds = dict(spec.bounds)
    words: list[str] = []
    if _is_fixed(bounds):
        return "(fixed)"
    if "enum" in bounds:
        words.append("one of " + ", ".join(str(member) for member in bounds["enum"]))
    for keyword, text in (
        ("minimum", "at least"),
        ("exclusiveMinimum", "more than"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "less than"),
        ("maxLength", "characters at most"),
    ):
        if keyword in bounds and not (keyword == "maxLength" and "pattern" in bounds):
            words.append(f"{bounds[keyword]} {text}" if keyword == "maxLength" else f"{text} {bounds[keyword]}")
    if spec.optional and not is_set:
        words.append("not set by default")
    return f"({'; '.join(words)})" if words else ""


def _entry(key: str, value: Any, indent: int, spec: Spec | None = None) -> list[str]:
    pad = " " * indent
    head = pad + key_head(yaml_key(key, template=False), indent)
    if is_map(value) and value:
        if spec is not None and spec.model is not None:
            declared = property_specs(spec.model)
            lines = [line for prop in declared.values() for line in _property(prop, value, indent + 2)]
            rest = {other: item for other, item in value.items() if other not in declared}
            return [head, *lines, *_mapping(rest, indent + 2)]
        return [head, *_mapping(value, indent + 2)]
    if is_list(value) and value:
        return [head, *_list(value, indent + 2)]
    block = block_lines(value, template=False) if isinstance(value, str) else None
    if block:
        return [f"{head} {block[0]}", *((f"{pad}  {line}" if line else "") for line in block[1])]
    return [f"{head} {_scalar(value)}"]


def _mapping(values: Mapping[str, Any], indent: int) -> list[str]:
    return [line for key, value in values.items() for line in _entry(key, value, indent)]


def _list(items: Sequence[Any], indent: int) -> list[str]:
    lines: list[str] = []
    pad = " " * indent
    for item in items:
        nested = _mapping(item, indent + 2) if is_map(item) else _list(item, indent + 2) if is_list(item) else []
        lines += [f"{pad}- {nested[0][indent + 2 :]}", *nested[1:]] if nested else [f"{pad}- {_scalar(item)}"]
    return lines


def _scalar(value: Any) -> str:
    if is_map(value):
        return "{}"
    if is_list(value):
        return "[]"
    if isinstance(value, str) and len(parse(value)) + isinstance(parse(value)[0], Node) > 1:
        raise DeclarationError("an expression stands among the values; values are what expressions refer to")
    return yaml_scalar(value, template=False)
