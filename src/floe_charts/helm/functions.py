"""What can be computed inside a template: comparisons, defaults, conditions, loops, includes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from floe_charts.helm.expr import Splice, expression, node_of
from floe_charts.helm.nodes import Builtin, Call, LoopItem, LoopKey, Node, Raw
from floe_charts.helm.spec import BOOLEAN, STRING, Spec

__all__ = [
    "CHART_APP_VERSION", "CHART_NAME", "CHART_VERSION", "RELEASE_NAME", "RELEASE_NAMESPACE", "RELEASE_SERVICE",
    "Conditional", "Loop", "YamlText", "and_", "default", "each", "eq", "ge", "gt", "include", "le", "lt", "ne",
    "nonempty", "not_", "or_", "present", "raw_template", "ternary", "tpl", "when", "yaml_text",
]

_T = TypeVar("_T")

RELEASE_NAME: str = expression(Builtin("Release.Name", STRING))
RELEASE_NAMESPACE: str = expression(Builtin("Release.Namespace", STRING))
RELEASE_SERVICE: str = expression(Builtin("Release.Service", STRING))
CHART_NAME: str = expression(Builtin("Chart.Name", STRING))
CHART_VERSION: str = expression(Builtin("Chart.Version", STRING))
CHART_APP_VERSION: str = expression(Builtin("Chart.AppVersion", STRING))


def _truth(function: str, *arguments: object) -> bool:
    return cast("bool", expression(Call(function, tuple(node_of(argument) for argument in arguments), BOOLEAN)))


def eq(left: _T, right: _T) -> bool:
    """Whether two values of one type are equal."""
    return _truth("eq", left, right)


def ne(left: _T, right: _T) -> bool:
    """Whether two values of one type differ."""
    return _truth("ne", left, right)


def lt(left: float, right: float) -> bool:
    """Whether ``left`` is less than ``right``."""
    return _truth("lt", left, right)


def le(left: float, right: float) -> bool:
    """Whether ``left`` is at most ``right``."""
    return _truth("le", left, right)


def gt(left: float, right: float) -> bool:
    """Whether ``left`` is greater than ``right``."""
    return _truth("gt", left, right)


def ge(left: float, right: float) -> bool:
    """Whether ``left`` is at least ``right``."""
    return _truth("ge", left, right)


def and_(*conditions: bool) -> bool:
    """Whether all conditions hold."""
    return conditions[0] if len(conditions) == 1 else _truth("and", *conditions)


def or_(*conditions: bool) -> bool:
    """Whether one of the conditions holds."""
    return conditions[0] if len(conditions) == 1 else _truth("or", *conditions)


def not_(condition: bool) -> bool:
    """Whether the condition does not hold."""
    return _truth("not", condition)


def present(value: object) -> bool:
    """Whether an optional value is set; 0, false and "" are set."""
    return cast("bool", expression(presence(node_of(value))))


def presence(node: Node) -> Node:
    """The condition that an optional value is set: its kind is not Go's nil."""
    kind = Call("kindIs", (node_of("invalid"), _Untyped(node)), BOOLEAN)
    return Call("not", (kind,), BOOLEAN)


@dataclass(frozen=True)
class _Untyped(Node):
    """A node passed on without a conversion of its type, which would turn nil into zero."""

    inner: Node

    @property
    def spec(self) -> Spec:
        return STRING

    def go(self, root: str) -> str:
        return self.inner.go(root)

    def reads(self) -> Iterator[tuple[str, ...]]:
        return self.inner.reads()


def nonempty(value: object) -> bool:
    """Whether a string, map or list has anything in it."""
    return cast("bool", expression(_filled(node_of(value))))


def _filled(node: Node) -> Node:
    if node.spec.kind == "string":
        return Call("ne", (node, node_of("")), BOOLEAN)
    # Go's truth of a map or list is its length, which is what is asked here.
    return Call("not", (Call("empty", (node,), BOOLEAN),), BOOLEAN)


def default(value: _T, fallback: _T) -> _T:
    """``value``, or ``fallback`` where the value is an empty string or an optional value that is not set.

    Not Sprig's ``default``, which takes 0 and false for absent.
    """
    node = node_of(value)
    condition = _filled(node) if node.spec.kind == "string" and not node.spec.optional else presence(node)
    return ternary(cast("bool", expression(condition)), value, fallback)


def ternary(condition: bool, then: _T, otherwise: _T) -> _T:
    """``then`` where the condition holds, else ``otherwise``; both are computed."""
    chosen = node_of(then)
    kind = Spec(chosen.spec.kind, model=chosen.spec.model, item=chosen.spec.item, key=chosen.spec.key)
    return cast("_T", expression(Call("ternary", (chosen, node_of(otherwise), node_of(condition)), kind)))


def include(template: str) -> str:
    """The text that a named template of ``_helpers.tpl`` makes, called with the root object."""
    return cast("str", expression(Call("include", (node_of(template),), STRING, context=True)))


def tpl(value: str) -> str:
    """The text that Helm makes of a value that is itself a template."""
    return cast("str", expression(Call("tpl", (node_of(value),), STRING, context=True)))


def raw_template(text: str, *, like: _T, reads: Sequence[object] = ()) -> _T:
    """Go template text taken as it is, without its braces: the escape hatch for what has no function here.

    ``like`` is an example of the result and decides its type; ``reads`` are the values that the text reads, which are
    not found in it.
    """
    paths = tuple(path for value in reads for path in node_of(value).reads())
    return cast("_T", expression(Raw(text, node_of(like).spec, paths)))


class Conditional:
    """A piece of a manifest that is there only where a condition holds."""

    def __init__(self, condition: bool, body: object, otherwise: object = None) -> None:
        """``otherwise`` takes the place of ``body`` where the condition does not hold; None leaves it out."""
        self.condition = node_of(condition)
        self.body = body
        self.otherwise = otherwise

    def keys(self) -> Iterator[Any]:
        """One key that stands for all, so that ``**`` works."""
        yield Splice(self)

    def __getitem__(self, key: Splice) -> object:
        return key.content

    def __iter__(self) -> Iterator[Any]:
        yield Splice(self)


def when(condition: bool, body: Mapping[str, Any] | Sequence[Any] | object, otherwise: object = None) -> Any:
    """A piece of a manifest that is there only where ``condition`` holds.

    As the value of a key, the key is there or not; ``**when(a, {...})`` puts several keys, ``*when(a, [...])`` several
    items; as an item of a list, the item is there or not.
    """
    return Conditional(condition, body, otherwise)


class Loop:
    """A piece of a manifest repeated for each item of a list, or each entry of a map."""

    def __init__(self, source: Node, variable: str, key: str, body: object) -> None:
        """``body`` is written with the placeholders of ``variable`` and ``key`` in it."""
        self.source = source
        self.variable = variable
        self.key = key
        self.body = body

    def keys(self) -> Iterator[Any]:
        """One key that stands for all, so that ``**`` works."""
        yield Splice(self)

    def __getitem__(self, key: Splice) -> object:
        return key.content

    def __iter__(self) -> Iterator[Any]:
        yield Splice(self)


_depth: ContextVar[int] = ContextVar("loop_depth", default=0)


def each(source: object, body: Callable[..., Any]) -> Any:
    """``body`` for each item of a list (``body(item)``) or each entry of a map (``body(key, item)``).

    ``*each(...)`` puts the items into a list, ``**each(...)`` the entries into a mapping.
    """
    node = node_of(source)
    spec = node.spec
    if spec.item is None:
        raise TypeError(f"{source!r} is neither a list nor a map of values")
    depth = _depth.get()
    variable, key = ("item", "key") if depth == 0 else (f"item{depth + 1}", f"key{depth + 1}")
    item = expression(LoopItem(variable, (), spec.item, node))
    reset = _depth.set(depth + 1)
    try:
        if spec.kind == "map" and len(inspect.signature(body).parameters) > 1:
            made = body(expression(LoopKey(key, spec.key or STRING, node)), item)
        else:
            made = body(item)
    finally:
        _depth.reset(reset)
    return Loop(node, variable, key, made)


class YamlText:
    """A string that holds a YAML document: a configuration file inside a ConfigMap."""

    def __init__(self, document: object) -> None:
        """``document`` is written as a manifest is: with expressions, conditions and loops."""
        self.document = document


def yaml_text(document: Mapping[str, Any] | Sequence[Any]) -> Any:
    """A YAML document as the text of a field; the values in it are as safe as those of the manifest itself."""
    return YamlText(document)
