"""What can be computed inside a template: comparisons, defaults, choices, includes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar, cast

from floe_charts.errors import DeclarationError
from floe_charts.helm.expr import expression, node_of
from floe_charts.helm.nodes import AsFound, Builtin, Call, ChartFile, Constant, Node, Raw, Variable
from floe_charts.helm.spec import BOOLEAN, NUMBER, STRING, Spec

__all__ = [
    "CHART_APP_VERSION", "CHART_NAME", "CHART_VERSION", "RELEASE_NAME", "RELEASE_NAMESPACE", "RELEASE_SERVICE",
    "and_", "condition_of", "default", "eq", "file_text", "filled", "ge", "gt", "holds_objects", "include", "join",
    "le", "lt", "matches", "ne", "nonempty", "not_", "or_", "presence", "present", "raw_template", "ternary", "to_json",
    "tpl", "variable",
]  # fmt: skip

_T = TypeVar("_T")

RELEASE_NAME: str = expression(Builtin("Release.Name", STRING))
RELEASE_NAMESPACE: str = expression(Builtin("Release.Namespace", STRING))
RELEASE_SERVICE: str = expression(Builtin("Release.Service", STRING))
CHART_NAME: str = expression(Builtin("Chart.Name", STRING))
CHART_VERSION: str = expression(Builtin("Chart.Version", STRING))
CHART_APP_VERSION: str = expression(Builtin("Chart.AppVersion", STRING))


def condition_of(value: object) -> Node:
    """The node of a condition; raises :class:`DeclarationError` for what is not a boolean."""
    node = node_of(value)
    if node.spec.kind != "boolean":
        raise DeclarationError(
            f"{node.go('.')} is {node.spec.in_words}, not a condition; ask present(a), nonempty(a), ne(a, 0), ..."
        )
    return node


def _truth(function: str, *arguments: Node) -> bool:
    return cast("bool", expression(Call(function, arguments, BOOLEAN)))


def _comparison(function: str, left: object, right: object) -> tuple[list[Node], Node]:
    """A comparison as Go wants it, both sides of one scalar type; and what must be set before it can be made."""
    nodes = (node_of(left), node_of(right))
    kinds = {node.spec.kind for node in nodes}
    if kinds == {"integer", "number"}:
        nodes = (_as_number(nodes[0]), _as_number(nodes[1]))
    elif len(kinds) > 1 or not kinds <= {"string", "integer", "number", "boolean"}:
        named = " with ".join(f"{node.go('.')} ({node.spec.in_words})" for node in nodes)
        raise DeclarationError(f"{function} cannot compare {named}; it takes two values of one scalar type")
    return [presence(node) for node in nodes if node.spec.optional], Call(function, nodes, BOOLEAN)


def _compare(function: str, left: object, right: object) -> bool:
    there, compared = _comparison(function, left, right)
    return cast("bool", expression(Call("and", (*there, compared), BOOLEAN) if there else compared))


def _as_number(node: Node) -> Node:
    if isinstance(node, Constant):
        return Constant(float(node.value), NUMBER)  # 5 and 5.0 are of different types in Go.
    return node if node.spec.kind == "number" else Call("float64", (node,), NUMBER)


def eq(left: _T, right: _T) -> bool:
    """Whether two values of one type are equal; one that is not set equals nothing."""
    return _compare("eq", left, right)


def ne(left: _T, right: _T) -> bool:
    """Whether two values of one type differ; one that is not set differs from everything."""
    there, _ = _comparison("eq", left, right)
    return not_(eq(left, right)) if there else _compare("ne", left, right)


def lt(left: float, right: float) -> bool:
    """Whether ``left`` is less than ``right``; never where one of them is not set."""
    return _compare("lt", left, right)


def le(left: float, right: float) -> bool:
    """Whether ``left`` is at most ``right``; never where one of them is not set."""
    return _compare("le", left, right)


def gt(left: float, right: float) -> bool:
    """Whether ``left`` is greater than ``right``; never where one of them is not set."""
    return _compare("gt", left, right)


def ge(left: float, right: float) -> bool:
    """Whether ``left`` is at least ``right``; never where one of them is not set."""
    return _compare("ge", left, right)


def matches(text: str | None, pattern: str) -> bool:
    """Whether a regular expression (Go's RE2) is found in a text; one that is not set is taken for an empty one."""
    node = node_of(text)
    if node.spec.kind != "string":
        raise DeclarationError(f"matches looks into a text, but {node.go('.')} is {node.spec.in_words}")
    if node.spec.optional:
        node = Call("default", (Constant("", STRING), AsFound(node, node.spec)), STRING)
    return _truth("regexMatch", Constant(pattern, STRING), node)


def and_(first: bool | None, *others: bool | None) -> bool:
    """Whether all conditions hold; a switch that is not set is off."""
    return _truth("and", *map(condition_of, (first, *others))) if others else cast("bool", first)


def or_(first: bool | None, *others: bool | None) -> bool:
    """Whether one of the conditions holds; a switch that is not set is off."""
    return _truth("or", *map(condition_of, (first, *others))) if others else cast("bool", first)


def not_(condition: bool | None) -> bool:
    """Whether the condition does not hold."""
    return _truth("not", condition_of(condition))


def present(value: object) -> bool:
    """Whether an optional value is set; 0, false and "" are set."""
    return cast("bool", expression(presence(node_of(value))))


def presence(node: Node) -> Node:
    """The condition that an optional value is set: its kind is not Go's nil."""
    found = AsFound(node, node.spec, looks_inside=not holds_objects(node.spec))
    kind = Call("kindIs", (Constant("invalid", STRING), found), BOOLEAN)
    return Call("not", (kind,), BOOLEAN)


def nonempty(value: object) -> bool:
    """Whether a string, map or list has anything in it; one that is not set has not."""
    return cast("bool", expression(filled(node_of(value))))


def filled(node: Node) -> Node:
    """The condition that a string, map or list has anything in it."""
    kind = node.spec.kind
    if kind in ("integer", "number", "boolean", "object"):
        raise DeclarationError(
            f"{node.go('.')} is {node.spec.in_words}, which is never empty; ask present(a), ne(a, 0), ..."
        )
    if kind == "string" and not node.spec.optional:
        return Call("ne", (node, Constant("", STRING)), BOOLEAN)
    found = AsFound(node, node.spec, looks_inside=not holds_objects(node.spec))
    return Call("not", (Call("empty", (found,), BOOLEAN),), BOOLEAN)


def holds_objects(spec: Spec) -> bool:
    """Whether there are declared values inside, which are not read by asking whether there are any."""
    return spec.kind == "object" or (spec.item is not None and holds_objects(spec.item))


def default(value: _T, fallback: _T) -> _T:
    """``value``, or ``fallback`` where the value is an empty string or an optional value that is not set.

    Sprig's ``default`` for texts only, as it takes 0 and false for absent too.
    """
    node, other = node_of(value), node_of(fallback)
    made = _choose(presence(node), node, other)
    if node.spec.kind == "string" and not node.spec.optional:
        made = Call("default", (other, node), made.spec)
    return cast("_T", expression(made))


def ternary(condition: bool | None, then: _T, otherwise: _T) -> _T:
    """``then`` where the condition holds, else ``otherwise``; both are computed, and both are of one type."""
    nodes = node_of(then), node_of(otherwise)
    return cast("_T", expression(_choose(condition_of(condition), *nodes, optional=nodes[0].spec.optional)))


def _choose(condition: Node, then: Node, otherwise: Node, optional: bool = False) -> Node:
    kinds = {then.spec.kind, otherwise.spec.kind}
    kind = "number" if kinds == {"integer", "number"} else then.spec.kind
    if len(kinds) > 1 and kind != "number":
        one, other = then.spec.in_words, otherwise.spec.in_words
        raise DeclarationError(f"{then.go('.')} is {one} and {otherwise.go('.')} is {other}; a choice is of one type")
    spec = replace(
        then.spec,
        kind=kind,
        bounds=(),
        optional=optional or otherwise.spec.optional,
        text_safe=then.spec.text_safe and otherwise.spec.text_safe,
    )
    if condition.spec.optional:  # Sprig's ternary wants true or false, not nil.
        condition = Call("and", (presence(condition), condition), BOOLEAN)
    return Call("ternary", (AsFound(then, spec), AsFound(otherwise, spec), condition), spec)


def join(separator: str, texts: Sequence[str]) -> str:
    """The texts of a list as one, ``separator`` between them."""
    node = node_of(texts)
    if node.spec.kind != "list" or node.spec.item is None or node.spec.item.kind != "string":
        raise DeclarationError(f"join takes a list of strings, but {node.go('.')} is {node.spec.in_words}")
    spec = replace(STRING, text_safe=node.spec.text_safe and separator.isascii() and separator.isprintable())
    return cast("str", expression(Call("join", (Constant(separator, STRING), node), spec)))


def to_json(value: object) -> str:
    """A value as JSON on one line, for a program that reads it."""
    return cast("str", expression(Call("toJson", (AsFound(node_of(value), node_of(value).spec),), STRING)))


def include(template: str) -> str:
    """The text that a named template of ``_helpers.tpl`` makes, called with the root object."""
    return cast("str", expression(Call("include", (node_of(template),), STRING, context=True)))


def tpl(value: str) -> str:
    """The text that Helm makes of a value that is itself a template."""
    return cast("str", expression(Call("tpl", (node_of(value),), STRING, context=True)))


def file_text(path: str) -> str:
    """The text of a file of the chart at ``path``, below its directory; empty where there is none.

    It is taken as it is: template text in it is not evaluated.
    """
    return cast("str", expression(ChartFile(node_of(path), STRING)))


def raw_template(text: str, *, like: _T, reads: Sequence[object] = ()) -> _T:
    """Go template text taken as it is, without its braces: the escape hatch for what has no function here.

    ``like`` is an example of the result and decides its type; ``reads`` are the values that the text reads, which are
    not found in it.
    """
    paths = tuple(path for value in reads for path in node_of(value).reads())
    return cast("_T", expression(Raw(text, node_of(like).spec, paths)))


def variable(name: str, value: _T) -> _T:
    """``value`` computed once, above the object that uses it: for what differs at each computing, as random text does.

    ``name`` is the variable's, a word that no loop has (``item``, ``key``, ``value``). Hand what is returned to
    ``Component.add(..., variables=[...])`` too, before what uses it. Raises :class:`DeclarationError` for another name.
    """
    if not re.fullmatch(r"(?!(item|key|value|any)\d*$)[a-z][A-Za-z0-9]*", name):
        raise DeclarationError(f"{name!r} cannot be a variable's name: a word, and none that loops have")
    return cast("_T", expression(Variable(name, node_of(value))))
