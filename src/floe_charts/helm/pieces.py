"""Pieces of a manifest that Helm decides about: what is there on a condition, what is repeated, and YAML in YAML."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

from floe_charts.errors import DeclarationError
from floe_charts.helm.expr import Splice, expression, node_of
from floe_charts.helm.functions import condition_of
from floe_charts.helm.nodes import LoopItem, LoopKey, Node
from floe_charts.helm.spec import BOOLEAN, STRING, Spec

__all__ = [
    "Conditional", "Loop", "SomeOf", "TextLines", "YamlText", "each", "loop_names", "some", "text_lines", "when",
    "yaml_text",
]  # fmt: skip


class _Spliceable:
    """What can be put among others with ``*`` and ``**``."""

    def keys(self) -> Iterator[Any]:
        """One key that stands for all, so that ``**`` works."""
        yield Splice(self)

    def __getitem__(self, key: Splice) -> object:
        return key.content

    def __iter__(self) -> Iterator[Any]:
        yield Splice(self)


class Conditional(_Spliceable):
    """A piece of a manifest that is there only where a condition holds."""

    def __init__(self, condition: bool | None, body: object, otherwise: object = None) -> None:
        """``otherwise`` takes the place of ``body`` where the condition does not hold; None leaves it out."""
        self.condition = condition_of(condition)
        self.body = body
        self.otherwise = otherwise

    def of(self, make: Callable[[Any], Any]) -> Conditional:
        """The same choice between what ``make`` makes of either side."""
        otherwise = None if self.otherwise is None else make(self.otherwise)
        return Conditional(expression(self.condition), make(self.body), otherwise)


def when(condition: bool | None, body: Mapping[str, Any] | Sequence[Any] | object, otherwise: object = None) -> Any:
    """A piece of a manifest that is there only where ``condition`` holds.

    As the value of a key, the key is there or not; ``**when(a, {...})`` puts several keys, ``*when(a, [...])`` several
    items; as an item of a list, the item is there or not.
    """
    return Conditional(condition, body, otherwise)


class Loop(_Spliceable):
    """A piece of a manifest repeated for each item of a list, or each entry of a map."""

    def __init__(self, source: Node, variable: str, key: str, body: object) -> None:
        """``body`` is written with the placeholders of ``variable`` and ``key`` in it."""
        self.source = source
        self.variable = variable
        self.key = key
        self.body = body


_depth: ContextVar[int] = ContextVar("loop_depth", default=0)


def each(source: object, body: Callable[..., Any]) -> Any:
    """``body`` for each item of a list (``body(item)``) or each entry of a map (``body(key, item)``).

    ``*each(...)`` puts the items into a list, ``**each(...)`` the entries into a mapping; their keys must begin or end
    differently from keys beside them.
    """
    node, item_spec = _repeated("each", source)
    with loop_names() as (variable, key):
        item = expression(LoopItem(variable, (), item_spec, node))
        if node.spec.kind == "map" and len(inspect.signature(body).parameters) > 1:
            made = body(expression(LoopKey(key, node.spec.key or STRING, node)), item)
        else:
            made = body(item)
    return Loop(node, variable, key, made)


def _repeated(function: str, source: object) -> tuple[Node, Spec]:
    """The node of a list or map, and the type of its items; raises :class:`DeclarationError` for another one."""
    node = node_of(source)
    if node.spec.item is None:
        raise DeclarationError(
            f"{function} runs over a list or a map of values, but {node.go('.')} is {node.spec.in_words}"
        )
    return node, node.spec.item


@dataclass(frozen=True)
class SomeOf(Node):
    """Whether something holds for an item, or a loop writes anything: found out by running the loop beforehand."""

    source: Node
    variable: str
    key: str
    inside: Node

    @property
    def spec(self) -> Spec:
        return BOOLEAN

    def go(self, root: str) -> str:
        """What the condition is about; never written, the writer puts a variable in its place."""
        return f"some {self.source.go(root)} {self.inside.go('$')}"

    def reads(self) -> Iterator[tuple[str, ...]]:
        return self.inside.reads()


def some(source: object, condition: Callable[[Any], bool | None]) -> bool:
    """Whether ``condition(item)`` holds for an item of a list, or for an entry of a map.

    For conditions of objects and of :func:`when`; it can stand in ``and_``, ``or_`` and ``not_``.
    """
    node, item_spec = _repeated("some", source)
    with loop_names() as (variable, key):
        inside = condition_of(condition(expression(LoopItem(variable, (), item_spec, node))))
    return cast("bool", expression(SomeOf(node, variable, key, inside)))


@contextmanager
def loop_names() -> Iterator[tuple[str, str]]:
    """The names of item and key in a loop, others than those of the loops around it."""
    depth = _depth.get()
    reset = _depth.set(depth + 1)
    try:
        yield ("item", "key") if depth == 0 else (f"item{depth + 1}", f"key{depth + 1}")
    finally:
        _depth.reset(reset)


class YamlText:
    """A string that holds a YAML document: a configuration file inside a ConfigMap."""

    def __init__(self, document: object) -> None:
        """``document`` is written as a manifest is: with expressions, conditions and loops."""
        self.document = document


def yaml_text(document: Mapping[str, Any] | Sequence[Any]) -> Any:
    """A YAML document as the text of a field; the values in it are as safe as those of the manifest itself."""
    return YamlText(document)


class TextLines:
    """A string of several lines: a configuration file that is no YAML."""

    def __init__(self, lines: Sequence[Any]) -> None:
        """``lines`` are texts, and what :func:`when` and :func:`each` make of texts."""
        self.lines = lines


def text_lines(*lines: Any) -> Any:
    """A text of ``lines`` as a field's value, each ended by a line break.

    ``*when(a, [...])`` puts several, ``*each(a, lambda key, item: f"{key}={item}")`` one for each entry. The lines
    stand in the template as they are, so that the values in them must be printable ASCII by their patterns; what else
    the file's own grammar forbids is for the patterns too.
    """
    return TextLines(lines)
