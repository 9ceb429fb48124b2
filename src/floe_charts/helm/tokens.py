"""The table of expressions that stand in Python and JavaScript as strings and numbers.

An expression's text is a token between two private-use characters, its number a whole number out of a range that
nobody uses. Both are drawn anew in each process: text from a file can then neither hold one by chance nor on purpose.
"""

from __future__ import annotations

import os
import re
import threading
from functools import lru_cache

from floe_charts.helm.nodes import Call, Concat, Constant, Node
from floe_charts.helm.spec import STRING

__all__ = ["is_literal", "node_behind", "number_token", "parse", "place_of", "text_token"]

_OPEN, _CLOSE = "\ue000", "\ue001"
_SALT = os.urandom(6).hex()
# Whole numbers of 16 digits that survive JavaScript exactly (below 2**53); ten million expressions fit in.
_WIDTH = 7
_PREFIX = str(500_000_000 + int.from_bytes(os.urandom(4), "big") % 400_000_000)
_FIRST: int = int(_PREFIX) * 10**_WIDTH
_TOKEN = re.compile(f"{_OPEN}{_SALT}\\.(\\d+){_CLOSE}|(?<!\\d){_PREFIX}(\\d{{{_WIDTH}}})(\\.0+)?(?!\\d)")
_lock = threading.Lock()
_nodes: list[Node] = []
_places: dict[Node, int] = {}


def place_of(node: Node) -> int:
    """The number of ``node`` in the table; equal nodes have one."""
    place = _places.get(node)
    if place is None:
        with _lock:
            place = _places.get(node)
            if place is None:
                place = len(_nodes)
                _nodes.append(node)
                _places[node] = place
    return place


def text_token(node: Node) -> str:
    """The text that stands for ``node``. Of one width, so that sorting by it keeps the order of making."""
    return f"{_OPEN}{_SALT}.{place_of(node):0{_WIDTH}}{_CLOSE}"


def number_token(node: Node) -> int:
    """The whole number that stands for ``node``."""
    return _FIRST + place_of(node)


def is_literal(text: str) -> bool:
    """Whether a text surely holds no token."""
    return _OPEN not in text and _PREFIX not in text


def parse(text: str) -> tuple[str | Node, ...]:
    """``text`` cut into literal pieces and the expressions whose tokens it holds; without tokens it is one piece."""
    if type(text) is not str:
        text = str.__str__(text)
    return (text,) if is_literal(text) else _parts(text)


@lru_cache(maxsize=1 << 16)
def _parts(text: str) -> tuple[str | Node, ...]:
    parts: list[str | Node] = []
    end = 0
    for match in _TOKEN.finditer(text):
        place = int(match[1] or match[2])
        if place >= len(_nodes):
            continue
        if match.start() > end:
            parts.append(text[end : match.start()])
        node, end = _nodes[place], match.end()
        if match[3] and node.spec.kind != "number":
            end = match.start(3)  # Only a fraction is written with zeros behind it.
        elif match[3] and len(match[3]) > 2:
            pattern = Constant(f"%.{len(match[3]) - 1}f", STRING)  # "%.2f" % v.ratio, or JavaScript's toFixed.
            node = Call("printf", (pattern, node), STRING)
        # A concatenation inside a text is part of that text, unless it is all of it.
        parts += node.parts if isinstance(node, Concat) and match.group() != text else (node,)
    if end < len(text) or not parts:
        parts.append(text[end:])
    return tuple(parts)


def node_behind(value: float) -> Node | None:
    """The expression that a number stands for, if any; numbers come back from JavaScript without their class."""
    if not _FIRST <= value < _FIRST + len(_nodes):
        return None
    place = int(value) - _FIRST
    return _nodes[place] if value == _FIRST + place else None
