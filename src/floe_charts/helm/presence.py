"""When a piece of a manifest has anything to write: so that no key is left with nothing behind it.

``None`` stands for always, :data:`NEVER` for never, a node for a condition that Helm decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from floe_charts.helm.choices import choice_between
from floe_charts.helm.expr import Splice, expression, parse, whole_expression
from floe_charts.helm.functions import holds_objects, presence
from floe_charts.helm.nodes import AsFound, Call, Concat, Constant, Node
from floe_charts.helm.pieces import Conditional, Loop, SomeOf, TextLines, YamlText
from floe_charts.helm.refs import child
from floe_charts.helm.shapes import SCALARS, is_list, is_map
from floe_charts.helm.spec import BOOLEAN, property_specs
from floe_charts.helm.tokens import is_literal

__all__ = [
    "NEVER", "all_of", "entries_presence", "filled_presence", "holding", "item_presence", "simplified",
    "value_presence", "with_flags",
]  # fmt: skip

NEVER = Constant(False, BOOLEAN)


def value_presence(value: Any) -> Node | None:
    """When the value of a key is there; an empty map or list that is written as such always is."""
    kind = type(value)
    if kind is dict or kind is list:
        return entries_presence(value) if value else None
    if kind in SCALARS:
        return None if kind is bool or (kind is str and is_literal(value)) else _expression_presence(value)
    if isinstance(value, Splice):
        value = value.content
    if isinstance(value, Conditional):
        return _chosen(value, value_presence)
    if isinstance(value, Loop):
        return entries_presence(value, item_presence)
    if is_map(value) or is_list(value):
        return entries_presence(value) if value else None
    return _expression_presence(value)


def item_presence(value: Any) -> Node | None:
    """When an item of a list is there; a map or list always is, if need be as an empty one."""
    if isinstance(value, Conditional):
        return _chosen(value, item_presence)
    if isinstance(value, (Loop, TextLines, YamlText)) or is_map(value) or is_list(value):
        return None
    node = whole_expression(value)
    if node is not None and node.spec.kind in ("object", "map", "list", "any"):
        return presence(node) if node.spec.optional else None
    return value_presence(value)


def entries_presence(value: Any, of_item: Any = None) -> Node | None:
    """When there is at least one entry of a mapping, or item of a list; ``of_item`` says what a loop's body is."""
    if type(value) is dict and any(type(item) is str and is_literal(item) for item in value.values()):
        return None
    if isinstance(value, Conditional):
        return _chosen(value, entries_presence)
    if isinstance(value, Loop):
        inside = (of_item or entries_presence)(value.body)
        if inside is None or inside == NEVER:
            return filled_presence(value.source) if inside is None else NEVER
        return SomeOf(value.source, value.variable, value.key, inside)
    if is_map(value):
        choice = choice_between(value)
        if choice is not None:
            return _chosen(choice, entries_presence)
        return _any_of(
            entries_presence(item) if isinstance(key, Splice) else value_presence(item) for key, item in value.items()
        )
    if is_list(value):
        return _any_of(
            entries_presence(item.content, item_presence) if isinstance(item, Splice) else item_presence(item)
            for item in value
        )
    node = whole_expression(value)
    return _own_entries(node) if node is not None else _expression_presence(value)


def _own_entries(node: Node) -> Node | None:
    """When an expression has entries or items; a text, which a named template writes, always has."""
    if node.spec.kind in ("map", "list", "any"):
        return filled_presence(node)
    return all_of((presence(node) if node.spec.optional else None, _any_key(node)))


def _any_key(node: Node) -> Node | None:
    """When one of the declared keys of an object is there."""
    model = node.spec.model
    if model is None:
        return None
    keys = property_specs(model).values()
    return _any_of(value_presence(expression(child(node, prop.name, prop.spec))) for prop in keys)


def _expression_presence(value: Any) -> Node | None:
    node = whole_expression(value)
    if node is None:
        if not isinstance(value, str) or is_literal(value):
            return None
        return all_of(_expression_of(part) for part in parse(value) if isinstance(part, Node))
    return _expression_of(node)


def _expression_of(node: Node) -> Node | None:
    spec = node.spec
    if isinstance(node, Call) and node.function == "printf":  # The text of a number.
        return all_of(map(_expression_of, node.arguments))
    if isinstance(node, Concat):
        return all_of(_expression_of(part) for part in node.parts if isinstance(part, Node))
    if spec.kind in ("map", "list") or spec.kubernetes is not None:
        return filled_presence(node)
    there = presence(node) if spec.optional else None
    # Only an object that is written entry by entry can come out empty; toYaml writes {}.
    return all_of((there, _any_key(node))) if spec.kind == "object" and not spec.text_safe else there


def filled_presence(node: Node) -> Node:
    """Go's truth of a map or list: that there is something in it."""
    if isinstance(node, Call) and node.function == "mergeOverwrite":
        parts = (part.inner if isinstance(part, AsFound) else part for part in node.arguments[1:])
        return _any_of(map(filled_presence, parts)) or NEVER
    return AsFound(node, BOOLEAN, looks_inside=not holds_objects(node.spec))


def _chosen(piece: Conditional, of: Any) -> Node | None:
    held = all_of((piece.condition, simplified(of(piece.body), frozenset(holding(piece.condition)))))
    if piece.otherwise is None:
        return held
    other = of(piece.otherwise)
    if held == piece.condition:
        return None if other is None else _any_of((held, other))
    return _any_of((held, all_of((Call("not", (piece.condition,), BOOLEAN), other))))


def _any_of(conditions: Iterable[Node | None]) -> Node | None:
    found: dict[Node, None] = {}
    for condition in conditions:
        if condition is None:
            return None
        if condition != NEVER:
            found[condition] = None
    return _joined("or", found) if found else NEVER


def all_of(conditions: Iterable[Node | None]) -> Node | None:
    """The condition that all of them hold; None where nothing is asked."""
    found = dict.fromkeys(condition for condition in conditions if condition is not None)
    if NEVER in found:
        return NEVER
    return _joined("and", found) if found else None


def _joined(function: str, conditions: dict[Node, None]) -> Node:
    first, *others = conditions
    return Call(function, (first, *others), BOOLEAN) if others else first


def holding(node: Node) -> set[Node]:
    """The conditions that hold where ``node`` does: itself, each part of an ``and``, and the other way to say it."""
    if not isinstance(node, Call):
        return {node}
    parts = node.arguments if node.function == "and" else ()
    return {node, *_said_by_nonempty(node)}.union(*map(holding, parts))


def _said_by_nonempty(node: Call) -> Iterator[Node]:
    """What ``nonempty(a)``, which is ``not (empty a)``, says of a map or list in the words of this module."""
    inner = node.arguments[0] if node.function == "not" else None
    if isinstance(inner, Call) and inner.function == "empty":
        source = inner.arguments[0]
        yield filled_presence(source.inner if isinstance(source, AsFound) else source)


def simplified(node: Node | None, held: frozenset[Node]) -> Node | None:
    """``node`` without what is known to hold; None where nothing is left to ask."""
    if node is None or not held or node in held:
        return None if node in held else node
    if isinstance(node, Call) and node.function in ("and", "or"):
        parts = [simplified(part, held) for part in node.arguments]
        return _any_of(parts) if node.function == "or" else all_of(parts)
    return node


def with_flags(node: Node, flag: Any) -> Node:
    """``node`` with every :class:`SomeOf` in it replaced by what ``flag`` makes of it."""
    if isinstance(node, SomeOf):
        made: Node = flag(node)
        return made
    if isinstance(node, Call) and any(isinstance(argument, (Call, SomeOf)) for argument in node.arguments):
        return replace(node, arguments=tuple(with_flags(argument, flag) for argument in node.arguments))
    return node
