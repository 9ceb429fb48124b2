"""Expressions as Python sees them: placeholders that are real strings and numbers.

A reference to a string value is a ``str`` whose text is a token, so it can stand in an f-string, in a manifest, and in
any cdk8s construct. A reference to a whole number is an ``int`` out of a range that nobody uses. The template writer
finds both and puts the expression in their place. What cannot be decided before Helm renders (truth, equality, length)
raises an error that names the function to use instead.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any, NoReturn, cast

from floe_charts.errors import DeclarationError
from floe_charts.helm.nodes import Call, Concat, Constant, Node
from floe_charts.helm.spec import BOOLEAN, INTEGER, NUMBER, STRING

__all__ = ["BoolExpr", "FloatExpr", "IntExpr", "ListExpr", "MapExpr", "Splice", "StrExpr", "expression", "node_of", "parse", "token"]

# Tokens are delimited by private-use characters. The number of a node is its place in this table, which holds each
# distinct expression once.
_OPEN, _CLOSE = "\ue000", "\ue001"
# Whole numbers that survive JavaScript exactly (below 2**53) and that no manifest holds by chance.
_FIRST_NUMBER = 7_205_759_400_000_000
_TOKEN = re.compile(f"{_OPEN}(\\d+){_CLOSE}|(72057594\\d{{8}})")
_lock = threading.Lock()
_nodes: list[Node] = []
_numbers: dict[Node, int] = {}


def _number(node: Node) -> int:
    with _lock:
        if node not in _numbers:
            _numbers[node] = len(_nodes)
            _nodes.append(node)
        return _numbers[node]


def _token(node: Node) -> str:
    return f"{_OPEN}{_number(node)}{_CLOSE}"


class StrExpr(str):
    """A string that Helm will compute."""

    node: Node

    def __new__(cls, node: Node) -> StrExpr:
        """Make the token of ``node``."""
        made = super().__new__(cls, _token(node))
        made.node = node
        return made

    __hash__ = str.__hash__

    def __repr__(self) -> str:
        return f"<{self.node.go('.')}>"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, StrExpr):
            return self.node == other.node
        return _undecided(self.node, "compare it in the template: eq(a, b)")

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __bool__(self) -> bool:
        return _undecided(self.node, "ask in the template: when(nonempty(a), ...)")

    def __len__(self) -> int:
        return _undecided(self.node, "its length is known when Helm renders")


class IntExpr(int):
    """A whole number that Helm will compute; ``+``, ``-`` and ``*`` are computed by Helm too."""

    node: Node

    def __new__(cls, node: Node) -> IntExpr:
        """Make the number that stands for ``node``."""
        made = super().__new__(cls, _FIRST_NUMBER + _number(node))
        made.node = node
        return made

    __hash__ = int.__hash__

    def __str__(self) -> str:
        return _token(self.node)

    def __format__(self, format_spec: str) -> str:
        return _token(self.node)

    def __add__(self, other: int) -> int:
        return _arithmetic("add", self, other)

    def __radd__(self, other: int) -> int:
        return _arithmetic("add", other, self)

    def __sub__(self, other: int) -> int:
        return _arithmetic("sub", self, other)

    def __rsub__(self, other: int) -> int:
        return _arithmetic("sub", other, self)

    def __mul__(self, other: int) -> int:
        return _arithmetic("mul", self, other)

    def __rmul__(self, other: int) -> int:
        return _arithmetic("mul", other, self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, IntExpr):
            return self.node == other.node
        return _undecided(self.node, "compare it in the template: eq(a, b)")

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: int) -> bool:
        return _undecided(self.node, "compare it in the template: lt(a, b)")

    __le__ = __gt__ = __ge__ = __lt__

    def __bool__(self) -> bool:
        return _undecided(self.node, "compare it in the template: ne(a, 0)")


class FloatExpr(float):
    """A number that Helm will compute."""

    node: Node

    def __new__(cls, node: Node) -> FloatExpr:
        """Make the number that stands for ``node``."""
        made = super().__new__(cls, float(_FIRST_NUMBER + _number(node)))
        made.node = node
        return made

    __hash__ = float.__hash__

    def __str__(self) -> str:
        return _token(self.node)

    def __format__(self, format_spec: str) -> str:
        return _token(self.node)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FloatExpr):
            return self.node == other.node
        return _undecided(self.node, "compare it in the template: eq(a, b)")

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __bool__(self) -> bool:
        return _undecided(self.node, "compare it in the template: ne(a, 0)")


class BoolExpr:
    """A truth that Helm will compute: a condition for ``when``, or the value of a field."""

    def __init__(self, node: Node) -> None:
        """Wrap ``node``."""
        self.node = node

    def __repr__(self) -> str:
        return f"<{self.node.go('.')}>"

    def __str__(self) -> str:
        return _token(self.node)

    def __format__(self, format_spec: str) -> str:
        return _token(self.node)

    def __bool__(self) -> bool:
        return _undecided(self.node, "decide in the template: when(a, ...), not_(a), and_(a, b)")


class Splice:
    """Marks the place in a mapping or list where the entries of an expression, or of a condition, are put."""

    __slots__ = ("content",)

    def __init__(self, content: object) -> None:
        """Keep what is to be put there."""
        self.content = content


class MapExpr:
    """A map that Helm will fill; ``{**a, "key": "value"}`` puts its entries among others."""

    def __init__(self, node: Node) -> None:
        """Wrap ``node``."""
        self.node = node

    def __repr__(self) -> str:
        return f"<{self.node.go('.')}>"

    def keys(self) -> Iterator[Any]:
        """One key that stands for all, so that ``**`` works."""
        yield Splice(self)

    def __getitem__(self, key: object) -> object:
        if isinstance(key, Splice):
            return key.content
        return _undecided(self.node, "its keys are known when Helm renders; use each(a, ...)")

    def __bool__(self) -> bool:
        return _undecided(self.node, "ask in the template: when(nonempty(a), ...)")


class ListExpr:
    """A list that Helm will fill; ``[*a, "item"]`` puts its items among others."""

    def __init__(self, node: Node) -> None:
        """Wrap ``node``."""
        self.node = node

    def __repr__(self) -> str:
        return f"<{self.node.go('.')}>"

    def __iter__(self) -> Iterator[Any]:
        yield Splice(self)

    def __bool__(self) -> bool:
        return _undecided(self.node, "ask in the template: when(nonempty(a), ...)")


def _undecided(node: Node, advice: str) -> NoReturn:
    raise DeclarationError(f"{node.go('.')} is known only when Helm renders; {advice}")


def _arithmetic(function: str, *arguments: int) -> int:
    return IntExpr(Call(function, tuple(node_of(argument) for argument in arguments), INTEGER))


def expression(node: Node) -> Any:
    """The Python-side placeholder of ``node``, of the class that its type asks for."""
    kind = node.spec.kind
    if kind == "string":
        return StrExpr(node)
    if kind == "integer":
        return IntExpr(node)
    if kind == "number":
        return FloatExpr(node)
    if kind == "boolean":
        return BoolExpr(node)
    if kind == "list":
        return ListExpr(node)
    if kind == "object":
        from floe_charts.helm.refs import Refs

        return Refs(node)
    return MapExpr(node)


def node_of(value: object) -> Node:
    """The expression behind a placeholder, a text with tokens in it, or a literal.

    Raises :class:`DeclarationError` for what has no place in an expression.
    """
    node = getattr(value, "node", None) if not isinstance(value, type) else None
    if isinstance(node, Node):
        return node
    if isinstance(value, str):
        parts = parse(value)
        if any(isinstance(part, Node) for part in parts):
            return parts[0] if len(parts) == 1 and isinstance(parts[0], Node) else Concat(tuple(parts), STRING)
        return Constant(value, STRING)
    if isinstance(value, bool):
        return Constant(value, BOOLEAN)
    if isinstance(value, int):
        return parse_number(value) or Constant(value, INTEGER)
    if isinstance(value, float):
        return parse_number(value) or Constant(value, NUMBER)
    raise DeclarationError(f"{value!r} cannot stand in a template expression")


def parse(text: str) -> list[str | Node]:
    """``text`` cut into literal pieces and the expressions whose tokens it holds."""
    if _OPEN not in text and "72057594" not in text:
        return [str.__str__(text)] if type(text) is not str else [text]
    plain = str.__str__(text)
    parts: list[str | Node] = []
    end = 0
    for match in _TOKEN.finditer(plain):
        number = int(match[1]) if match[1] else int(match[2]) - _FIRST_NUMBER
        if not 0 <= number < len(_nodes):
            continue
        if match.start() > end:
            parts.append(plain[end : match.start()])
        parts.append(_nodes[number])
        end = match.end()
    if end < len(plain) or not parts:
        parts.append(plain[end:])
    return parts


def parse_number(value: float) -> Node | None:
    """The expression that a number stands for, if it does; numbers come back from JavaScript without their class."""
    node = getattr(value, "node", None)
    if isinstance(node, Node):
        return node
    plain = float.__float__(value) if isinstance(value, float) else int.__int__(value)
    if not _FIRST_NUMBER <= plain < _FIRST_NUMBER + len(_nodes) or plain != int(plain):
        return None
    return _nodes[int(plain) - _FIRST_NUMBER]


def token(value: object) -> str:
    """A string that stands for any expression, of whatever type, and comes out with that type.

    For cdk8s constructs that pass a field through but would refuse Python's placeholder for it, such as a boolean.
    """
    return cast("str", StrExpr(node_of(value)))
