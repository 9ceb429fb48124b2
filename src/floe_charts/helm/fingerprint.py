"""What tells one template from another: two of one fingerprint have one text.

Within a process only: an expression's number in the table of tokens (:mod:`~floe_charts.helm.tokens`) stands for it.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from floe_charts.helm.component import Repeated, Template
from floe_charts.helm.expr import Splice
from floe_charts.helm.nodes import Node
from floe_charts.helm.pieces import Conditional, Loop, TextLines, YamlText
from floe_charts.helm.shapes import is_list, is_map
from floe_charts.helm.tokens import place_of

__all__ = ["fingerprint"]

_Add = Callable[[str], None]


def fingerprint(template: Template, head: str) -> bytes | None:
    """16 bytes for everything that the text under the comment ``head`` is made of; None where something is unknown."""
    parts: list[str] = []
    add = parts.append
    _text(head, add)
    for guard in template.conditions:
        if isinstance(guard, Repeated):
            add(f"r{place_of(guard.source)} {guard.variable} {guard.key};")
        else:
            add(f"g{place_of(guard)};")
    for variable in template.variables:
        add(f"v{place_of(variable)};")
    try:
        _describe(template.manifest, add)
    except TypeError:
        return None
    return blake2b("".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _text(text: str, add: _Add) -> None:
    # With its length before it, no text can pass for two, or for something else.
    add(f"s{len(text)}:")
    add(text)


def _describe(value: Any, add: _Add) -> None:
    kind = type(value)
    if kind is str:
        _text(value, add)
    elif kind is bool or kind is int or kind is float or value is None:
        add(f"{value!r};")
    elif (node := getattr(value, "node", None)) is not None:
        if not isinstance(node, Node):
            raise TypeError(kind)
        add(f"n{place_of(node)};")
    elif isinstance(value, Splice):
        add("*")
        _describe(value.content, add)
    elif is_map(value):
        add("{")
        for key, item in value.items():
            _describe(key, add)
            _describe(item, add)
        add("}")
    elif is_list(value):
        add("[")
        for item in value:
            _describe(item, add)
        add("]")
    else:
        _piece(value, add)


def _piece(value: object, add: _Add) -> None:
    if isinstance(value, Conditional):
        add(f"?{place_of(value.condition)};")
        _describe(value.body, add)
        _describe(value.otherwise, add)
    elif isinstance(value, Loop):
        add(f"@{place_of(value.source)} {value.variable} {value.key};")
        _describe(value.body, add)
    elif isinstance(value, YamlText):
        add("y")
        _describe(value.document, add)
    elif isinstance(value, TextLines):
        add("t")
        _describe(value.lines, add)
    else:
        raise TypeError(type(value))
