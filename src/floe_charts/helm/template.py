"""The template writer: a manifest with expressions in it becomes the text of a Helm template.

The text is built line by line, as a careful person would write it: conditions and loops on lines of their own, block
style, two spaces. Strings are always quoted by Helm, so that whatever text a value holds, the rendered YAML holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from floe_charts.errors import DeclarationError, shorten
from floe_charts.helm.choices import choice_between
from floe_charts.helm.component import Repeated, Template
from floe_charts.helm.expr import Splice, expression, node_of, whole_expression
from floe_charts.helm.functions import presence
from floe_charts.helm.nodes import LoopItem, LoopKey, Node, Raw
from floe_charts.helm.pieces import Conditional, Loop, SomeOf, TextLines, YamlText
from floe_charts.helm.presence import (
    NEVER,
    entries_presence,
    filled_presence,
    holding,
    item_presence,
    simplified,
    value_presence,
    with_flags,
)
from floe_charts.helm.refs import child
from floe_charts.helm.scalars import block_lines, key_head
from floe_charts.helm.shapes import is_list, is_map
from floe_charts.helm.spec import BOOLEAN, STRING, property_specs
from floe_charts.helm.splices import SplicePlan, has_splices
from floe_charts.helm.texts import key_text, line_text, literal_text, scalar_text
from floe_charts.helm.tokens import parse

__all__ = ["TemplateWriter"]

_COLLECTIONS = frozenset({"object", "map", "list", "any"})
_Lines = list[str]
_Write = Callable[[], _Lines]


class TemplateWriter:
    """Writes one template; ``reads`` collects the paths of the values that it reads."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self.reads: set[tuple[str, ...]] = set()
        self._root = "."
        self._held: frozenset[Node] = frozenset()
        self._flags = 0

    def document(self, body: Mapping[Any, Any] | Sequence[Any]) -> _Lines:
        """The lines of a whole document."""
        return self._mapping(body, 0) if is_map(body) else self._list(body, 0)

    def whole(self, template: Template) -> _Lines:
        """The lines of an object inside its conditions and loops, with its variables above it."""
        return self._guarded(list(template.conditions), template)

    def _guarded(self, guards: Sequence[Node | Repeated], template: Template) -> _Lines:
        if not guards:
            lines = [f"{{{{- ${one.name} := {self.condition(one.inner)} }}}}" for one in template.variables]
            return [*lines, *self.document(template.manifest)]
        guard, rest = guards[0], guards[1:]
        if isinstance(guard, Repeated):
            item = guard.source.spec.item
            if item is None or item.model is None:  # What is read of an object is known where it is read.
                self.reads.update(guard.source.reads())
            loop = Loop(guard.source, guard.variable, guard.key, None)
            return self._loop(loop, lambda _: ["---", *self._guarded(rest, template)], 0)
        head = self._asked(guard, 0)
        return [*head, *self._where(guard, lambda: self._guarded(rest, template)), "{{- end }}"]

    def condition(self, node: Node) -> str:
        """The text of a condition after ``if``, noting what it reads."""
        self.reads.update(node.reads())
        return node.go(self._root)

    # Mappings

    def _mapping(self, mapping: Mapping[Any, Any], indent: int) -> _Lines:
        lines: _Lines = []
        if not has_splices(mapping):
            for key, value in mapping.items():
                lines += self._entry(key, value, indent)
            return lines
        choice = choice_between(mapping)
        if choice is not None:
            return self._conditional(choice, lambda body: self._mapping(body, indent), indent)
        plan = SplicePlan(mapping)
        for place, (key, value) in enumerate(mapping.items()):
            if isinstance(key, Splice):
                lines += self._spliced_entries(value, indent, plan, place)
                continue
            lines += self._if(plan.not_overridden(place, key), _late(self._entry, key, value, indent), indent)
        return lines

    def _entry(self, key: object, value: Any, indent: int) -> _Lines:
        if type(value) is str and (text := literal_text(value)) is not None:
            return [f"{self._head(key, indent)} {text}"]
        if isinstance(value, Splice):
            value = value.content
        if isinstance(value, Conditional):
            return self._conditional(value, lambda body: self._entry(key, body, indent), indent)
        return self._if(value_presence(value), _late(self._plain_entry, key, value, indent), indent)

    def _plain_entry(self, key: object, value: Any, indent: int) -> _Lines:
        return self._headed(self._head(key, indent), value, indent)

    def _head(self, key: object, indent: int) -> str:
        name, node = key_text(key, self._root)
        self._note(node)
        return f"{' ' * indent}{key_head(name, indent)}"

    def _headed(self, head: str, value: Any, indent: int) -> _Lines:
        """``head`` (a key with its colon, or the dash of an item) followed by a value."""
        nested = self._block(value, indent + 2)
        if nested is not None:
            return [head, *nested]
        if isinstance(value, YamlText):
            return [f"{head} |", *self._nested_document(value.document, indent + 2)]
        if isinstance(value, TextLines):
            return [f"{head} |", *self._text_lines(value.lines, indent + 2)]
        block = block_lines(value, template=True) if type(value) is str and len(parse(value)) == 1 else None
        if block and whole_expression(value) is None:
            return [f"{head} {block[0]}", *(f"{' ' * (indent + 2)}{line}" if line else "" for line in block[1])]
        return [f"{head} {self._scalar(value)}"]

    def _nested_document(self, document: Any, indent: int) -> _Lines:
        """The lines of a document that is itself the text of a field; ``{}`` or ``[]`` where nothing is left of it."""
        empty = [f"{' ' * indent}{'{}' if _is_map(document) else '[]'}"]
        return self._if(
            value_presence(document), lambda: self._document_block(document, indent) or empty, indent, empty
        )

    def _document_block(self, document: Any, indent: int) -> _Lines | None:
        lines = self._block(document, indent)
        if lines is None and not is_map(document) and not is_list(document):
            raise DeclarationError(f"a YAML document is a map or a list, found {shorten(document)}")
        return lines

    def _text_lines(self, lines: Iterable[Any], indent: int) -> _Lines:
        made: _Lines = []
        for line in lines:
            made += self._spliced_lines(line.content if isinstance(line, Splice) else line, indent)
        return made

    def _spliced_lines(self, value: Any, indent: int) -> _Lines:
        if isinstance(value, Conditional):
            return self._conditional(value, lambda body: self._spliced_lines(body, indent), indent)
        if isinstance(value, Loop):
            return self._loop(value, lambda body: self._spliced_lines(body, indent), indent)
        if is_list(value):
            return self._text_lines(value, indent)
        text, nodes = line_text(value, self._root)
        for node in nodes:
            self._note(node)
        return [f"{' ' * indent}{text}"]

    def _spliced_entries(self, value: Any, indent: int, plan: SplicePlan | None = None, place: int = 0) -> _Lines:
        if isinstance(value, Conditional):
            return self._conditional(value, lambda body: self._spliced_entries(body, indent), indent)
        if isinstance(value, Loop):
            return self._loop(value, lambda body: self._spliced_entries(body, indent), indent)
        if is_map(value):
            return self._mapping(value, indent)
        node = node_of(value)
        if node.spec.kind == "string":  # A named template that writes entries.
            self._note(node)
            return [f"{' ' * indent}{{{{- {node.go(self._root)} | nindent {indent} }}}}"]
        source = plan.source(place, node) if plan is not None else node
        if source is None:
            return []
        if source.spec.kind != "object":
            return self._typed_entries(source, indent)
        # The keys of an object that is not there cannot be asked for.
        there = presence(source) if source.spec.optional else None
        return self._if(there, lambda: self._object_entries(source, indent, plan, place), indent)

    # Lists

    def _list(self, items: Iterable[Any], indent: int) -> _Lines:
        lines: _Lines = []
        for item in items:
            lines += self._spliced_items(item.content, indent) if isinstance(item, Splice) else self._item(item, indent)
        return lines

    def _spliced_items(self, value: Any, indent: int) -> _Lines:
        if isinstance(value, Conditional):
            return self._conditional(value, lambda body: self._spliced_items(body, indent), indent)
        if isinstance(value, Loop):
            return self._loop(value, lambda body: self._item(body, indent), indent)
        return self._list(value, indent) if is_list(value) else self._typed_items(node_of(value), indent)

    def _item(self, value: Any, indent: int) -> _Lines:
        if isinstance(value, Conditional):
            return self._conditional(value, lambda body: self._item(body, indent), indent)
        return self._if(item_presence(value), _late(self._plain_item, value, indent), indent)

    def _plain_item(self, value: Any, indent: int) -> _Lines:
        return self._kept(f"{' ' * indent}-", value, _late(self._filled_item, value, indent), indent)

    def _filled_item(self, value: Any, indent: int) -> _Lines:
        pad = " " * indent
        nested = self._block(value, indent + 2)
        if nested is None:
            return self._headed(f"{pad}-", value, indent)
        first = nested[0] if nested else ""
        if first.startswith(f"{pad}  ") and not first.lstrip().startswith("{{-"):
            return [f"{pad}- {first[indent + 2 :]}", *nested[1:]]
        return [f"{pad}-", *nested]

    def _kept(self, head: str, value: Any, write: _Write, indent: int) -> _Lines:
        """What ``write`` writes of ``head`` and ``value``; what is empty stays: Kubernetes tells [{}] from []."""
        filled = self._written(value)
        empty = [f"{head} {'{}' if _is_map(value) else '[]'}"] if filled is not None else None
        return self._if(filled, write, indent, empty)

    def _written(self, value: Any) -> Node | None:
        """When a collection writes anything of its own; toYaml always does, and so does what is empty as it stands."""
        if not isinstance(value, Loop) and not _is_collection(value):
            return None
        node = whole_expression(value)
        if node is not None and (node.spec.text_safe or node.spec.kind == "any"):
            return None
        return entries_presence(value, item_presence) if isinstance(value, Loop) else entries_presence(value)

    # Values of either

    def _block(self, value: Any, indent: int) -> _Lines | None:
        """The lines of a value that needs lines of its own; None for a scalar and for an empty collection."""
        kind = type(value)
        if kind is dict or kind is list:
            return (self._mapping(value, indent) if kind is dict else self._list(value, indent)) if value else None
        if isinstance(value, Loop):
            return self._loop(value, lambda body: self._item(body, indent), indent)
        if isinstance(value, Conditional):
            return self._conditional(value, lambda body: self._block(body, indent) or [], indent)
        if is_map(value):
            return self._mapping(value, indent) if value else None
        if is_list(value):
            return self._list(value, indent) if value else None
        node = whole_expression(value)
        return self._typed_block(node, indent) if node is not None and node.spec.kind in _COLLECTIONS else None

    def _scalar(self, value: object) -> str:
        if is_map(value) or is_list(value):
            return "{}" if is_map(value) else "[]"
        text, node = scalar_text(value, self._root)
        self._note(node)
        return text

    def _note(self, node: Node | None) -> None:
        if node is not None:
            self.reads.update(node.reads())

    def _if(self, node: Node | None, write: _Write, indent: int, otherwise: _Lines | None = None) -> _Lines:
        """What ``write`` writes where the condition holds, else ``otherwise``; what is known to hold is not asked."""
        if node is not None:
            node = simplified(node, self._held)
        if node is None:
            return write()
        if node == NEVER:
            return otherwise or []
        pad = " " * indent
        other = [f"{pad}{{{{- else }}}}", *otherwise] if otherwise else []
        return [*self._asked(node, indent), *self._where(node, write), *other, f"{pad}{{{{- end }}}}"]

    def _asked(self, node: Node, indent: int) -> _Lines:
        """The line that asks for a condition, after those of the loops that it takes to know."""
        before: _Lines = []
        condition = self.condition(with_flags(node, lambda some: self._flag(some, before, indent)))
        return [*before, f"{' ' * indent}{{{{- if {condition} }}}}"]

    def _where(self, node: Node, write: _Write) -> _Lines:
        """What ``write`` writes, knowing that the condition holds."""
        outer, self._held = self._held, self._held | holding(node)
        try:
            return write()
        finally:
            self._held = outer

    def _flag(self, some: SomeOf, before: _Lines, indent: int) -> Node:
        """A variable that says whether a loop writes anything, and in ``before`` the lines that set it."""
        self._flags += 1
        name, pad = f"$any{self._flags}", " " * indent
        loop = Loop(some.source, some.variable, some.key, None)
        found = [f"{pad}{{{{- {name} = true }}}}"]
        before.append(f"{pad}{{{{- {name} := false }}}}")
        before += self._loop(loop, lambda _: self._if(some.inside, lambda: found, indent), indent)
        return Raw(name, BOOLEAN)

    def _conditional(self, piece: Conditional, write: Callable[[Any], _Lines], indent: int) -> _Lines:
        pad = " " * indent
        condition = simplified(piece.condition, self._held)
        if condition is None:
            return write(piece.body)
        lines = self._asked(condition, indent)
        lines += self._where(piece.condition, _late(write, piece.body))
        if piece.otherwise is not None:
            lines += [f"{pad}{{{{- else }}}}", *write(piece.otherwise)]
        return [*lines, f"{pad}{{{{- end }}}}"]

    def _loop(self, loop: Loop, write: Callable[[Any], _Lines], indent: int) -> _Lines:
        pad = " " * indent
        index = loop.key if loop.source.spec.kind == "map" else "_"
        head = f"{pad}{{{{- range ${index}, ${loop.variable} := {loop.source.go(self._root)} }}}}"
        outer = self._root, self._held
        # What is known of another loop's item of the same name is not known of this one's.
        names = (f"${loop.variable}", f"${loop.key}")
        self._root = "$"
        self._held = frozenset(node for node in self._held if not _mentions(node, names))
        try:
            return [head, *write(loop.body), f"{pad}{{{{- end }}}}"]
        finally:
            self._root, self._held = outer

    # What a type says about how a value is written

    def _typed_block(self, node: Node, indent: int) -> _Lines:
        """A whole object, map or list of values, in a form that keeps every text."""
        self._note(node)
        if node.spec.kind == "any" or node.spec.text_safe:
            return [self._to_yaml(node, indent)]
        write = {"list": self._typed_items, "object": self._object_entries}.get(node.spec.kind, self._typed_entries)
        return write(node, indent)

    def _to_yaml(self, node: Node, indent: int) -> str:
        return f"{' ' * indent}{{{{- toYaml {node.operand(self._root)} | nindent {indent} }}}}"

    def _object_entries(self, node: Node, indent: int, plan: SplicePlan | None = None, place: int = 0) -> _Lines:
        """The entries of an object; without those that something behind it in the ``plan`` overrides."""
        self._note(node)
        lines: _Lines = []
        for prop in property_specs(node.spec.model).values() if node.spec.model is not None else ():
            stands = plan.not_overridden(place, prop.name) if plan is not None else None
            value = expression(child(node, prop.name, prop.spec))
            lines += self._if(stands, _late(self._entry, prop.name, value, indent), indent)
        return lines

    def _typed_entries(self, node: Node, indent: int) -> _Lines:
        self._note(node)
        spec = node.spec
        if spec.item is None or spec.text_safe:
            return self._if(filled_presence(node), lambda: [self._to_yaml(node, indent)], indent)
        loop = Loop(node, "value", "key", None)
        key = expression(LoopKey("key", STRING, node))
        item = expression(LoopItem("value", (), spec.item, node))
        return self._loop(loop, lambda _: self._kept_entry(key, item, indent), indent)

    def _kept_entry(self, key: object, value: Any, indent: int) -> _Lines:
        """An entry under a key that is the values' own, which stays where it comes out empty."""
        head = self._head(key, indent)
        write = _late(self._kept, head, value, _late(self._headed, head, value, indent), indent)
        return self._if(item_presence(value), write, indent)

    def _typed_items(self, node: Node, indent: int) -> _Lines:
        self._note(node)
        spec = node.spec
        if spec.item is None or spec.text_safe:
            return self._if(filled_presence(node), lambda: [self._to_yaml(node, indent)], indent)
        loop = Loop(node, "value", "key", None)
        item = expression(LoopItem("value", (), spec.item, node))
        return self._loop(loop, lambda _: self._item(item, indent), indent)


def _mentions(node: Node, variables: Iterable[str]) -> bool:
    """Whether the text of an expression holds one of the variables' names."""
    text = node.go("$")
    return any(name in text for name in variables)


def _late(write: Callable[..., _Lines], *arguments: Any) -> _Write:
    """A call that is made once it is known what holds around it."""
    return partial(write, *arguments)


def _is_collection(value: Any) -> bool:
    node = whole_expression(value)
    return bool(value) and (is_map(value) or is_list(value)) if node is None else node.spec.kind in _COLLECTIONS


def _is_map(value: Any) -> bool:
    """Whether an empty ``value`` is a map rather than a list."""
    if isinstance(value, Conditional):
        return _is_map(value.body)
    node = whole_expression(value)
    return is_map(value) if node is None else node.spec.kind != "list"
