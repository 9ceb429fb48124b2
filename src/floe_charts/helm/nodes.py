"""Template expressions as trees: what a reference, a call or a concatenation reads, its JSON type, and its Go text.

A node is a value: equal nodes are the same expression. Nothing here knows Python-side placeholders (see
:mod:`floe_charts.helm.expr`) or YAML (see :mod:`floe_charts.helm.template`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from floe_charts.helm.scalars import go_string

if TYPE_CHECKING:
    from floe_charts.helm.spec import Spec

__all__ = [
    "AsFound",
    "Builtin",
    "Call",
    "ChartFile",
    "Concat",
    "Constant",
    "HelperCall",
    "LoopItem",
    "LoopKey",
    "Node",
    "Raw",
    "ValueRef",
    "Variable",
    "path_text",
]

_CONVERSIONS = {"integer": "int64", "number": "float64"}
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def path_text(path: tuple[str, ...]) -> str:
    """A path as people write it: ``("web", "image", "tag")`` is ``web.image.tag``."""
    return ".".join(path)


@dataclass(frozen=True)
class Node:
    """An expression of known type."""

    @property
    def spec(self) -> Spec:
        """The type of the result."""
        raise NotImplementedError

    def go(self, root: str) -> str:
        """The Go text of the expression; ``root`` is ``.`` at the top of a template and ``$`` inside a range."""
        raise NotImplementedError

    def operand(self, root: str) -> str:
        """The Go text as an argument of a function: in brackets where needed, whole numbers as int64.

        A whole number from values is a float inside Helm, and ``eq`` and ``printf`` are strict about types.
        """
        text = _parenthesised(self.go(root))
        convert = _CONVERSIONS.get(self.spec.kind)
        return f"({convert} {text})" if convert else text

    def reads(self) -> Iterator[tuple[str, ...]]:
        """Paths in values that the result depends on."""
        return iter(())


def _parenthesised(text: str) -> str:
    return f"({text})" if " " in text else text


@lru_cache(maxsize=16384)
def _select(base: str, path: tuple[str, ...]) -> str:
    """``base`` followed by the keys of ``path``; keys that Go cannot write as fields go through ``index``."""
    text = base
    for position, key in enumerate(path):
        if not _IDENTIFIER.match(key):
            rest = " ".join(go_string(item) for item in path[position:])
            return f"index {text} {rest}"
        text = f"{text}{'' if text == '.' else '.'}{key}"
    return text


@dataclass(frozen=True)
class ValueRef(Node):
    """A value of the chart, by its path."""

    path: tuple[str, ...]
    type: Spec = field(hash=False)

    @property
    def spec(self) -> Spec:
        return self.type

    def go(self, root: str) -> str:
        return _select(f"{'' if root == '.' else root}.Values", self.path)

    def reads(self) -> Iterator[tuple[str, ...]]:
        yield self.path


@dataclass(frozen=True)
class LoopItem(Node):
    """The item of a ``range``, or a field of it; ``source`` is what the range runs over."""

    variable: str
    path: tuple[str, ...]
    type: Spec = field(hash=False)
    source: Node

    @property
    def spec(self) -> Spec:
        return self.type

    def go(self, root: str) -> str:
        return _select(f"${self.variable}", self.path)

    def reads(self) -> Iterator[tuple[str, ...]]:
        for path in self.source.reads():
            yield (*path, "*", *self.path)


@dataclass(frozen=True)
class LoopKey(Node):
    """The key of a ``range`` over a map."""

    variable: str
    type: Spec = field(hash=False)
    source: Node

    @property
    def spec(self) -> Spec:
        return self.type

    def go(self, root: str) -> str:
        return f"${self.variable}"

    def reads(self) -> Iterator[tuple[str, ...]]:
        # A key says nothing of the fields of the object that stands under it.
        item = self.source.spec.item
        return iter(()) if item is not None and item.kind == "object" else self.source.reads()


@dataclass(frozen=True)
class Builtin(Node):
    """One of Helm's own objects: ``Release.Namespace``, ``Chart.AppVersion``."""

    name: str
    type: Spec = field(hash=False)

    @property
    def spec(self) -> Spec:
        return self.type

    def go(self, root: str) -> str:
        return f"{'' if root == '.' else root}.{self.name}"


@dataclass(frozen=True)
class ChartFile(Node):
    """The text of a file of the chart, by its path."""

    path: Node
    type: Spec = field(hash=False)

    @property
    def spec(self) -> Spec:
        return self.type

    def go(self, root: str) -> str:
        return f"{'' if root == '.' else root}.Files.Get {self.path.operand(root)}"

    def reads(self) -> Iterator[tuple[str, ...]]:
        return self.path.reads()


@dataclass(frozen=True)
class Constant(Node):
    """A literal inside an expression."""

    value: str | int | float | bool
    type: Spec = field(hash=False)

    @property
    def spec(self) -> Spec:
        return self.type

    def go(self, root: str) -> str:
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if isinstance(self.value, str):
            return go_string(self.value)
        return repr(self.value)

    def operand(self, root: str) -> str:
        """The literal itself, which needs no brackets and no conversion."""
        return self.go(root)


@dataclass(frozen=True)
class Call(Node):
    """A template function applied to arguments; ``context`` passes the root object as the last argument."""

    function: str
    arguments: tuple[Node, ...]
    type: Spec = field(hash=False)
    context: bool = False
    extra_reads: tuple[tuple[str, ...], ...] = ()

    @property
    def spec(self) -> Spec:
        return self.type

    def go(self, root: str) -> str:
        words = [self.function, *(argument.operand(root) for argument in self.arguments)]
        if self.context:
            words.append(root)
        return " ".join(words)

    def reads(self) -> Iterator[tuple[str, ...]]:
        yield from self.extra_reads
        for argument in self.arguments:
            yield from argument.reads()


@dataclass(frozen=True)
class AsFound(Node):
    """An expression handed on as Helm finds it: a conversion of its type would turn nil into zero.

    ``looks_inside`` says whether the result depends on what is inside, or only on whether anything is there.
    """

    inner: Node
    type: Spec = field(hash=False)
    looks_inside: bool = True

    @property
    def spec(self) -> Spec:
        return self.type

    def go(self, root: str) -> str:
        return self.inner.go(root)

    def operand(self, root: str) -> str:
        """The expression in brackets where needed, and never converted."""
        return self.inner.operand(root) if isinstance(self.inner, Constant) else _parenthesised(self.go(root))

    def reads(self) -> Iterator[tuple[str, ...]]:
        return self.inner.reads() if self.looks_inside else iter(())


@dataclass(frozen=True)
class Concat(Node):
    """Text with expressions in it."""

    parts: tuple[str | Node, ...]
    type: Spec = field(hash=False)

    @property
    def spec(self) -> Spec:
        return self.type

    def go(self, root: str) -> str:
        if len(self.parts) == 1 and isinstance(self.parts[0], Node):
            return _text_of(self.parts[0], root)
        pattern, arguments = "", []
        for part in self.parts:
            if isinstance(part, str):
                pattern += part.replace("%", "%%")
                continue
            verb, argument = _printf(part, root)
            pattern += verb
            arguments.append(argument)
        return " ".join(["printf", go_string(pattern), *arguments])

    def reads(self) -> Iterator[tuple[str, ...]]:
        for part in self.parts:
            if isinstance(part, Node):
                yield from part.reads()


def _text_of(node: Node, root: str) -> str:
    """One expression as a text: ``.Values.web.port | int64 | toString``."""
    kind = node.spec.kind
    if kind == "string":
        return node.go(root)
    convert = {"integer": "int64 | toString", "boolean": "toString"}.get(kind, "toJson")
    return f"{node.go(root)} | {convert}"


def _printf(node: Node, root: str) -> tuple[str, str]:
    kind = node.spec.kind
    if kind == "integer":
        return "%d", node.operand(root)
    if kind == "boolean":
        return "%t", node.operand(root)
    if kind == "string":
        return "%s", node.operand(root)
    return "%s", f"(toJson {_parenthesised(node.go(root))})"


@dataclass(frozen=True)
class Raw(Node):
    """Template text taken as it is: the escape hatch, made by :func:`floe_charts.helm.raw_template`."""

    text: str
    type: Spec = field(hash=False)
    paths: tuple[tuple[str, ...], ...] = ()

    @property
    def spec(self) -> Spec:
        return self.type

    def go(self, root: str) -> str:
        return self.text

    def reads(self) -> Iterator[tuple[str, ...]]:
        return iter(self.paths)


@dataclass(frozen=True)
class Variable(Node):
    """A variable of a template: computed once, above the object, and the same wherever it stands in it."""

    name: str
    inner: Node

    @property
    def spec(self) -> Spec:
        return self.inner.spec

    def go(self, root: str) -> str:
        return f"${self.name}"

    def reads(self) -> Iterator[tuple[str, ...]]:
        return self.inner.reads()


@dataclass(frozen=True)
class HelperCall(Node):
    """A named template called with a list: the root object, then the arguments."""

    template: str
    arguments: tuple[Node, ...]
    type: Spec = field(hash=False)
    extra_reads: tuple[tuple[str, ...], ...] = ()

    @property
    def spec(self) -> Spec:
        return self.type

    def go(self, root: str) -> str:
        words = " ".join(argument.operand(root) for argument in self.arguments)
        return f"include {go_string(self.template)} (list {root} {words})"

    def reads(self) -> Iterator[tuple[str, ...]]:
        yield from self.extra_reads
        for argument in self.arguments:
            yield from argument.reads()
