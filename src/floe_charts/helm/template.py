"""The template writer: a manifest with expressions in it becomes the text of a Helm template.

The text is built line by line, as a careful person would write it: conditions and loops on lines of their own, block
style, two spaces. Strings are always quoted by Helm, so that whatever text a value holds, the rendered YAML holds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from floe_charts.errors import DeclarationError
from floe_charts.helm.expr import Splice, expression, node_of, parse, parse_number
from floe_charts.helm.functions import Conditional, Loop, YamlText, presence
from floe_charts.helm.nodes import Call, Concat, LoopItem, LoopKey, Node
from floe_charts.helm.refs import child
from floe_charts.helm.scalars import block_lines, is_plain, yaml_key, yaml_scalar
from floe_charts.helm.spec import BOOLEAN, STRING, property_specs

__all__ = ["INLINE_HELPERS", "TemplateWriter", "action", "scalar_text"]

# Named templates whose text is a DNS label, so that a suffix can follow it without quotes.
INLINE_HELPERS = ("fullname",)


def action(node: Node, root: str) -> str:
    """The template action that renders ``node`` as a YAML scalar of its type."""
    text = node.go(root)
    kind = node.spec.kind
    if kind == "integer":
        return f"{{{{ {text} | int64 }}}}"
    if kind == "number":
        return f"{{{{ {text} | toJson }}}}"
    if kind == "boolean":
        return f"{{{{ {text} }}}}"
    return f"{{{{ {text} | quote }}}}"


def scalar_text(value: object, root: str) -> tuple[str, Node | None]:
    """A scalar of a manifest as template text, and the expression in it, if any."""
    if isinstance(value, str):
        parts = parse(value)
        if all(isinstance(part, str) for part in parts):
            return yaml_scalar("".join(part for part in parts if isinstance(part, str)), template=True), None
        if len(parts) == 1 and isinstance(parts[0], Node):
            return action(parts[0], root), parts[0]
        node = Concat(tuple(parts), STRING)
        return _name_text(parts, root) or action(node, root), node
    if isinstance(value, bool) or value is None:
        return yaml_scalar(value, template=True), None
    if isinstance(value, (int, float)):
        number = parse_number(value)
        return (action(number, root), number) if number else (yaml_scalar(value, template=True), None)
    node = node_of(value)
    return action(node, root), node


def _name_text(parts: Sequence[str | Node], root: str) -> str | None:
    """``{{ include "shop.fullname" . }}-web``: the one concatenation that needs no quotes."""
    if len(parts) != 2 or not isinstance(parts[0], Call) or not isinstance(parts[1], str):
        return None
    head, suffix = parts[0], parts[1]
    if head.function != "include" or not suffix.startswith("-") or not is_plain(suffix[1:]) or not suffix[1].isalpha():
        return None
    name = str(getattr(head.arguments[0], "value", ""))
    return f"{{{{ {head.go(root)} }}}}{suffix}" if name.endswith(INLINE_HELPERS) else None


class TemplateWriter:
    """Writes one template; ``reads`` collects the paths of the values that it reads."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self.reads: set[tuple[str, ...]] = set()
        self._root = "."

    def document(self, body: Mapping[Any, Any] | Sequence[Any]) -> list[str]:
        """The lines of a whole document."""
        return self._mapping(body, 0) if isinstance(body, Mapping) else self._list(body, 0)

    def condition(self, node: Node) -> str:
        """The text of a condition after ``if``, noting what it reads."""
        self.reads.update(node.reads())
        return node.go(self._root)

    # Mappings

    def _mapping(self, mapping: Mapping[Any, Any], indent: int) -> list[str]:
        known = [key for key in mapping if isinstance(key, str) and not isinstance(key, Splice)]
        lines: list[str] = []
        for key, value in mapping.items():
            if isinstance(key, Splice):
                lines += self._spliced_entries(value, indent, known)
            else:
                lines += self._entry(key, value, indent)
        return lines

    def _entry(self, key: object, value: Any, indent: int) -> list[str]:
        if isinstance(value, Splice):
            value = value.content
        if isinstance(value, Conditional):
            return self._conditional(value, lambda body: self._entry(key, body, indent), indent)
        there = self._presence(value)
        if there is not None:
            return self._guarded(there, self._plain_entry(key, value, indent), indent)
        return self._plain_entry(key, value, indent)

    def _plain_entry(self, key: object, value: Any, indent: int) -> list[str]:
        pad = " " * indent
        name = self._key(key)
        if isinstance(value, YamlText):
            return [f"{pad}{name}: |", *self.nested_document(value, indent + 2)]
        nested = self._block(value, indent + 2)
        if nested is not None:
            return [f"{pad}{name}:", *nested]
        if isinstance(value, Mapping):
            return [f"{pad}{name}: {{}}"]
        if _is_list(value):
            return [f"{pad}{name}: []"]
        block = block_lines(value, template=True) if type(value) is str and len(parse(value)) == 1 else None
        if block:
            header, body = block
            return [f"{pad}{name}: {header}", *((f"{pad}  {line}" if line else "") for line in body)]
        return [f"{pad}{name}: {self._scalar(value)}"]

    def nested_document(self, text: YamlText, indent: int) -> list[str]:
        """The lines of a document that is itself the text of a field."""
        document = text.document
        return self._mapping(document, indent) if isinstance(document, Mapping) else self._list(document, indent)  # type: ignore[arg-type]

    def _key(self, key: object) -> str:
        if not isinstance(key, str):
            raise DeclarationError(f"{key!r} is not a key that YAML can hold")
        parts = parse(key)
        if len(parts) == 1 and isinstance(parts[0], str):
            return yaml_key(parts[0], template=True)
        return self._scalar(key)

    def _spliced_entries(self, value: object, indent: int, known: Sequence[str]) -> list[str]:
        if isinstance(value, Conditional):
            return self._conditional(value, lambda body: self._mapping(body, indent), indent)
        if isinstance(value, Loop):
            return self._loop(value, lambda body: self._mapping(body, indent), indent)
        node = node_of(value)
        if node.spec.kind == "string":  # A named template that writes entries.
            self.reads.update(node.reads())
            return [f"{' ' * indent}{{{{- {node.go(self._root)} | nindent {indent} }}}}"]
        return self._typed_entries(node, indent, known)

    # Lists

    def _list(self, items: Iterable[Any], indent: int) -> list[str]:
        lines: list[str] = []
        for item in items:
            if isinstance(item, Splice):
                lines += self._spliced_items(item.content, indent)
            else:
                lines += self._item(item, indent)
        return lines

    def _spliced_items(self, value: object, indent: int) -> list[str]:
        if isinstance(value, Conditional):
            return self._conditional(value, lambda body: self._list(body, indent), indent)
        if isinstance(value, Loop):
            return self._loop(value, lambda body: self._item(body, indent), indent)
        return self._typed_items(node_of(value), indent)

    def _item(self, value: Any, indent: int) -> list[str]:
        if isinstance(value, Conditional):
            return self._conditional(value, lambda body: self._item(body, indent), indent)
        pad = " " * indent
        nested = self._block(value, indent + 2)
        if nested is None:
            empty = "{}" if isinstance(value, Mapping) else "[]" if _is_list(value) else None
            return [f"{pad}- {empty or self._scalar(value)}"]
        first = nested[0]
        if first.startswith(f"{pad}  ") and not first.lstrip().startswith("{{-"):
            return [f"{pad}- {first[indent + 2 :]}", *nested[1:]]
        return [f"{pad}-", *nested]

    # Values of either

    def _block(self, value: Any, indent: int) -> list[str] | None:
        """The lines of a value that needs lines of its own; None for a scalar and for an empty collection."""
        if isinstance(value, Loop):
            return self._loop(value, lambda body: self._loop_body(value, body, indent), indent)
        if isinstance(value, Mapping):
            return self._mapping(value, indent) if value else None
        if _is_list(value):
            return self._list(value, indent) if value else None
        node = getattr(value, "node", None)
        if isinstance(node, Node) and node.spec.kind in ("object", "map", "list", "any"):
            return self._typed_block(node, indent)
        return None

    def _loop_body(self, loop: Loop, body: object, indent: int) -> list[str]:
        return self._item(body, indent)

    def _scalar(self, value: object) -> str:
        text, node = scalar_text(value, self._root)
        if node is not None:
            self.reads.update(node.reads())
        return text

    def _conditional(self, piece: Conditional, write: Any, indent: int) -> list[str]:
        pad = " " * indent
        lines = [f"{pad}{{{{- if {self.condition(piece.condition)} }}}}", *write(piece.body)]
        if piece.otherwise is not None:
            lines += [f"{pad}{{{{- else }}}}", *write(piece.otherwise)]
        return [*lines, f"{pad}{{{{- end }}}}"]

    def _guarded(self, node: Node, lines: list[str], indent: int) -> list[str]:
        pad = " " * indent
        if node.spec.kind == "boolean":
            self.reads.update(node.reads())  # That a map or list is empty is seen by whoever writes its content.
        return [f"{pad}{{{{- if {node.go(self._root)} }}}}", *lines, f"{pad}{{{{- end }}}}"]

    def _loop(self, loop: Loop, write: Any, indent: int) -> list[str]:
        pad = " " * indent
        index = loop.key if loop.source.spec.kind == "map" else "_"
        head = f"{pad}{{{{- range ${index}, ${loop.variable} := {loop.source.go(self._root)} }}}}"
        outer, self._root = self._root, "$"
        try:
            return [head, *write(loop.body), f"{pad}{{{{- end }}}}"]
        finally:
            self._root = outer

    # What a type says about how a value is written

    def _presence(self, value: Any) -> Node | None:
        """The condition under which a value has anything to write; None where it always has."""
        if isinstance(value, (str, int, float)) or value is None:
            node = getattr(value, "node", None)
            return presence(node) if isinstance(node, Node) and node.spec.optional else None
        if isinstance(value, Loop):
            return value.source
        if isinstance(value, Mapping):
            return self._any_of([self._splice_presence(key, part) for key, part in value.items()])
        if _is_list(value):
            return self._any_of([self._splice_presence(item, item) for item in value])
        node = getattr(value, "node", None)
        if not isinstance(node, Node):
            return None
        if node.spec.kind in ("map", "list", "any"):
            return node
        return presence(node) if node.spec.optional else None

    def _splice_presence(self, key: object, value: Any) -> Node | None:
        content = value.content if isinstance(value, Splice) else value
        if isinstance(content, Conditional):
            return None if content.otherwise is not None else content.condition
        if isinstance(key, Splice):
            if isinstance(content, Loop):
                return content.source
            node = node_of(content)
            return node if node.spec.kind in ("map", "list", "any") else None
        return self._presence(value)

    @staticmethod
    def _any_of(conditions: list[Node | None]) -> Node | None:
        distinct = list(dict.fromkeys(conditions))
        if not distinct or None in distinct:
            return None
        known = [node for node in distinct if node is not None]
        return known[0] if len(known) == 1 else Call("or", tuple(known), BOOLEAN)

    def _typed_block(self, node: Node, indent: int) -> list[str]:
        """A whole object, map or list of values, in a form that keeps every text."""
        self.reads.update(node.reads())
        pad = " " * indent
        if node.spec.kind == "any" or node.spec.text_safe:
            return [f"{pad}{{{{- toYaml {node.operand(self._root)} | nindent {indent} }}}}"]
        return self._typed_items(node, indent) if node.spec.kind == "list" else self._typed_entries(node, indent, ())

    def _typed_entries(self, node: Node, indent: int, known: Sequence[str]) -> list[str]:
        self.reads.update(node.reads())
        spec, pad = node.spec, " " * indent
        if spec.kind == "object" and spec.model is not None:
            lines: list[str] = []
            for name, prop in property_specs(spec.model).items():
                lines += self._entry(name, expression(child(node, name, prop.spec)), indent)
            return lines
        source = node
        if known:
            # A key that stands beside the map already must not come a second time.
            source = Call("omit", (node, *(node_of(key) for key in known)), spec)
        if spec.item is None or (spec.text_safe and not known):
            text = f"{pad}{{{{- toYaml {source.operand(self._root)} | nindent {indent} }}}}"
            return [f"{pad}{{{{- if {source.go(self._root)} }}}}", text, f"{pad}{{{{- end }}}}"]
        loop = Loop(source, "value", "key", None)
        key = expression(LoopKey("key", STRING, node))
        item = expression(LoopItem("value", (), spec.item, node))
        return self._loop(loop, lambda _: self._entry(key, item, indent), indent)

    def _typed_items(self, node: Node, indent: int) -> list[str]:
        self.reads.update(node.reads())
        spec, pad = node.spec, " " * indent
        if spec.item is None or spec.text_safe:
            text = f"{pad}{{{{- toYaml {node.operand(self._root)} | nindent {indent} }}}}"
            return [f"{pad}{{{{- if {node.go(self._root)} }}}}", text, f"{pad}{{{{- end }}}}"]
        loop = Loop(node, "value", "key", None)
        item = expression(LoopItem("value", (), spec.item, node))
        return self._loop(loop, lambda _: self._item(item, indent), indent)


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))
