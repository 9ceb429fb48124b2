"""Expressions as Python sees them: placeholders that are real strings and numbers.

A reference to a string value is a ``str`` whose text is a token, so it can stand in an f-string, in a manifest, and in
any cdk8s construct. A reference to a whole number is an ``int`` out of a range that nobody uses. The template writer
finds both and puts the expression in their place. What cannot be decided before Helm renders (truth, equality, length)
raises an error that names the function to use instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from floe_charts.errors import DeclarationError, shorten
from floe_charts.helm.nodes import Call, Concat, Constant, Node
from floe_charts.helm.spec import BOOLEAN, INTEGER, NUMBER, STRING
from floe_charts.helm.tokens import is_literal, node_behind, number_token, parse, text_token

__all__ = [
    "BoolExpr", "FloatExpr", "IntExpr", "ListExpr", "MapExpr", "Splice", "StrExpr", "UndecidedError", "expression",
    "node_of", "parse", "token", "whole_expression",
]  # fmt: skip


class UndecidedError(DeclarationError, TypeError):
    """Python was asked for what is known only when Helm renders.

    A TypeError too, because that is what Python's own protocols (``[*v.items]``) expect of an object without length.
    """


_COMPARE = "compare it in the template: eq(a, b), ne(a, b), lt(a, b), ..."
_TRUTH = "ask in the template: when(nonempty(a), ...), present(a)"
_TEXT = "its text is known when Helm renders; join it with others in an f-string"
_NUMBER = "in the template there are +, - and * for whole numbers"


def _undecided(node: Node, advice: str) -> NoReturn:
    raise UndecidedError(f"{node.go('.')} is known only when Helm renders; {advice}")


def _refuse(advice: str) -> Callable[..., Any]:
    """A method that Python offers and an expression cannot."""

    def method(self: Any, *_: object, **__: object) -> NoReturn:
        _undecided(self.node, advice)

    return method


class _Placeholder:
    """What all expressions have: the node behind them, an identity that survives copies, and no truth."""

    __slots__ = ()
    node: Node

    def __repr__(self) -> str:
        return f"<{self.node.go('.')}>"

    def __eq__(self, other: object) -> bool:
        node = whole_expression(other)
        return self.node == node if node is not None else _undecided(self.node, _COMPARE)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.node)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: object) -> Any:
        return self

    __bool__ = _refuse(_TRUTH)
    __lt__ = __le__ = __gt__ = __ge__ = _refuse(_COMPARE)


class _Scalar(_Placeholder):
    """An expression that can stand inside a text."""

    __slots__ = ()

    def __str__(self) -> str:
        return text_token(Concat((self.node,), STRING))

    def __format__(self, format_spec: str) -> str:
        if format_spec:
            _undecided(self.node, f"it cannot be formatted as {format_spec!r}")
        return self.__str__()


class StrExpr(_Scalar, str):
    """A string that Helm will compute."""

    def __new__(cls, node: Node) -> StrExpr:
        """Make the token of ``node``."""
        made = super().__new__(cls, text_token(node))
        made.node = node
        return made

    def __str__(self) -> str:
        return str.__str__(self)

    __hash__ = str.__hash__
    __len__ = _refuse("its length is known when Helm renders")
    __contains__ = __getitem__ = __iter__ = __mod__ = __mul__ = __rmul__ = _refuse(_TEXT)
    capitalize = casefold = center = count = encode = endswith = expandtabs = find = format = format_map = _refuse(
        _TEXT
    )
    index = isalnum = isalpha = isascii = isdecimal = isdigit = isidentifier = islower = isnumeric = _refuse(_TEXT)
    isprintable = isspace = istitle = isupper = join = ljust = lower = lstrip = partition = _refuse(_TEXT)
    removeprefix = removesuffix = replace = rfind = rindex = rjust = rpartition = rsplit = rstrip = _refuse(_TEXT)
    split = splitlines = startswith = strip = swapcase = title = translate = upper = zfill = _refuse(_TEXT)


class IntExpr(_Scalar, int):
    """A whole number that Helm will compute; ``+``, ``-`` and ``*`` are computed by Helm too."""

    def __new__(cls, node: Node) -> IntExpr:
        """Make the number that stands for ``node``."""
        made = super().__new__(cls, number_token(node))
        made.node = node
        return made

    __hash__ = int.__hash__

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

    def __neg__(self) -> int:
        return _arithmetic("sub", 0, self)

    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _refuse(_NUMBER)
    __divmod__ = __rdivmod__ = __pow__ = __rpow__ = __abs__ = __round__ = __invert__ = _refuse(_NUMBER)
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __lshift__ = __rshift__ = _refuse(_NUMBER)


class FloatExpr(_Scalar, float):
    """A number that Helm will compute."""

    def __new__(cls, node: Node) -> FloatExpr:
        """Make the number that stands for ``node``."""
        made = super().__new__(cls, float(number_token(node)))
        made.node = node
        return made

    __hash__ = float.__hash__
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = __abs__ = __round__ = _refuse(_NUMBER)
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = _refuse(_NUMBER)
    __rpow__ = __divmod__ = __rdivmod__ = __trunc__ = __floor__ = __ceil__ = __int__ = _refuse(_NUMBER)


class BoolExpr(_Scalar):
    """A truth that Helm will compute: a condition for ``when``, or the value of a field."""

    def __init__(self, node: Node) -> None:
        """Wrap ``node``."""
        self.node = node

    __bool__ = _refuse("decide in the template: when(a, ...), not_(a), and_(a, b)")
    __and__ = __or__ = __invert__ = _refuse("combine it in the template: and_(a, b), or_(a, b), not_(a)")


class Splice:
    """Marks the place in a mapping or list where the entries of an expression, or of a condition, are put."""

    __slots__ = ("content",)

    def __init__(self, content: object) -> None:
        """Keep what is to be put there."""
        self.content = content

    def __copy__(self) -> Splice:
        return self

    def __deepcopy__(self, memo: object) -> Splice:
        return self

    def __getattr__(self, name: str) -> NoReturn:
        if name == "content":  # Not made yet: pickle asks.
            raise AttributeError(name)
        raise AttributeError(f"{_LOOP}; found .{name} of what stands for all entries of {self.content!r}")

    def __str__(self) -> str:
        raise UndecidedError(f"{_LOOP}; found a text made of what stands for all entries of {self.content!r}")

    def __repr__(self) -> str:
        return f"<entries of {self.content!r}>"


_LOOP = "how many entries there are is known only when Helm renders: each(a, lambda item: ...) instead of a Python loop"


class _Collection(_Placeholder):
    """An expression that is a map or a list."""

    def __init__(self, node: Node) -> None:
        """Wrap ``node``."""
        self.node = node

    def __str__(self) -> str:
        _undecided(self.node, "a map or list cannot stand in a text; let it be the value of a key")

    __len__ = _refuse("its length is known when Helm renders; ask nonempty(a)")
    __contains__ = _refuse("what is in it is known when Helm renders")


class MapExpr(_Collection):
    """A map that Helm will fill; ``{**a, "key": "value"}`` puts its entries among others."""

    def keys(self) -> Iterator[Any]:
        """One key that stands for all, so that ``**`` works."""
        yield Splice(self)

    def __getitem__(self, key: object) -> object:
        if isinstance(key, Splice):
            return key.content
        return _undecided(self.node, "its keys are known when Helm renders; use each(a, ...)")

    __iter__ = items = values = get = _refuse("its entries are known when Helm renders; use each(a, ...)")


class ListExpr(_Collection):
    """A list that Helm will fill; ``[*a, "item"]`` puts its items among others."""

    def __iter__(self) -> Iterator[Any]:
        yield Splice(self)

    __getitem__ = _refuse("its items are known when Helm renders; use each(a, ...)")


def _arithmetic(function: str, *arguments: int) -> int:
    nodes = tuple(node_of(argument) for argument in arguments)
    for node in nodes:
        if node.spec.kind != "integer":
            raise UndecidedError(f"{node.go('.')} is {node.spec.in_words}; Helm computes with whole numbers only")
    return IntExpr(Call(function, nodes, INTEGER))


_CLASSES: dict[str, Callable[[Node], Any]] = {
    "string": StrExpr, "integer": IntExpr, "number": FloatExpr, "boolean": BoolExpr, "list": ListExpr,
}  # fmt: skip


def expression(node: Node) -> Any:
    """The Python-side placeholder of ``node``, of the class that its type asks for."""
    if node.spec.kind == "object":
        from floe_charts.helm.refs import Refs

        return Refs(node)
    return _CLASSES.get(node.spec.kind, MapExpr)(node)


_NEVER = frozenset({dict, list, tuple, bool, type(None)})


def whole_expression(value: object) -> Node | None:
    """The expression that ``value`` is as a whole: a placeholder, or a token that came back from JavaScript."""
    kind = type(value)
    if kind in _NEVER:
        return None
    if kind is str:
        if is_literal(value):  # type: ignore[arg-type]  # It is a str; a check by isinstance takes longer.
            return None
        parts = parse(value)  # type: ignore[arg-type]
        return parts[0] if len(parts) == 1 and isinstance(parts[0], Node) else None
    if kind is int or kind is float:
        return node_behind(value)  # type: ignore[arg-type]
    node = getattr(value, "node", None) if not isinstance(value, type) else None
    return node if isinstance(node, Node) else None


def node_of(value: object) -> Node:
    """The expression behind a placeholder, a text with tokens in it, or a literal.

    Raises :class:`DeclarationError` for what has no place in an expression.
    """
    node = whole_expression(value)
    if node is not None:
        return node
    if isinstance(value, str):
        parts = parse(value)
        return Concat(parts, STRING) if len(parts) > 1 else Constant(value, STRING)
    if isinstance(value, bool):
        return Constant(value, BOOLEAN)
    if isinstance(value, int):
        return Constant(value, INTEGER)
    if isinstance(value, float) and math.isfinite(value):
        return Constant(value, NUMBER)
    raise DeclarationError(
        f"{shorten(value)} cannot stand in a template; it takes text, numbers, booleans, maps, lists"
    )


def token(value: object) -> str:
    """A string that stands for any expression, of whatever type, and comes out with that type.

    For cdk8s constructs that pass a field through but would refuse Python's placeholder for it, such as a boolean, a
    map or a list.
    """
    return StrExpr(node_of(value))
