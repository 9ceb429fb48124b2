"""Scalars of a manifest as template text: the one place where it is decided how a text gets through Helm unharmed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from floe_charts.errors import DeclarationError, shorten
from floe_charts.helm.expr import node_of, whole_expression
from floe_charts.helm.nodes import Call, Concat, Constant, Node
from floe_charts.helm.scalars import block_lines, is_plain, yaml_key, yaml_scalar
from floe_charts.helm.spec import STRING
from floe_charts.helm.tokens import is_literal, parse

__all__ = ["action", "key_text", "line_text", "literal_text", "scalar_text"]

# Named templates whose text is a DNS label, so that a suffix can follow it without quotes.
_NAMES = (".fullname",)


def action(node: Node, root: str) -> str:
    """The template action that renders ``node`` as a YAML scalar of its type."""
    text = node.go(root)
    kind = node.spec.kind
    if kind == "integer":
        return f"{{{{ {text} | int64 }}}}"
    if kind == "boolean":
        return f"{{{{ {text} }}}}"
    if kind == "string":
        return f"{{{{ {text.removesuffix(' | toString')} | quote }}}}"  # quote makes a text of it anyway.
    return f"{{{{ {text} | toJson }}}}"


def scalar_text(value: object, root: str) -> tuple[str, Node | None]:
    """A scalar of a manifest as template text, and the expression in it, if any."""
    if value is None or isinstance(value, bool):
        return yaml_scalar(value, template=True), None
    node = whole_expression(value)
    if node is None and isinstance(value, str):
        parts = parse(value)
        if len(parts) > 1:
            node = Concat(parts, STRING)
            return _name_text(parts, root) or action(node, root), node
        return yaml_scalar(value, template=True), None
    if node is None and isinstance(value, (int, float)):
        return yaml_scalar(value, template=True), None
    found = node or node_of(value)
    return action(found, root), found


@lru_cache(maxsize=16384)
def literal_text(text: str) -> str | None:
    """A literal as template text on one line; None for a text that holds tokens or is written as a block."""
    if not is_literal(text) or block_lines(text, template=True) is not None:
        return None
    return yaml_scalar(text, template=True)


def key_text(key: object, root: str) -> tuple[str, Node | None]:
    """A key of a mapping as template text, and the expression in it, if any."""
    if type(key) is str and (literal := literal_text(key)) is not None:
        return literal, None
    if not isinstance(key, str):
        raise DeclarationError(f"{shorten(key)} is no key of a map; keys are strings")
    node = whole_expression(key)
    if node is not None and node.spec.kind != "string":
        return action(Concat((node,), STRING), root), node
    if node is None and len(parse(key)) == 1:
        return yaml_key(key, template=True), None
    return scalar_text(key, root)


def line_text(line: object, root: str) -> tuple[str, list[Node]]:
    """A line of a text that is no YAML as template text, and the expressions in it.

    Raises :class:`DeclarationError` for what could end the line, or be another text in YAML.
    """
    parts = parse(line) if isinstance(line, str) else ()
    nodes = [part for part in parts if isinstance(part, Node)]
    wild = [node for node in nodes if not node.spec.text_safe or node.spec.kind in ("object", "map", "list", "any")]
    if wild or not all(part.isascii() and part.isprintable() for part in parts if isinstance(part, str)) or not parts:
        found = f"{{{{ {wild[0].go('.')} }}}}" if wild else shorten(line)
        raise DeclarationError(f"a line of a text takes printable ASCII, by its pattern or as a number; found {found}")
    texts = (_line_part(part, root) for part in parts)
    return "".join(texts), nodes


def _line_part(part: str | Node, root: str) -> str:
    if isinstance(part, str):
        return part.replace("{{", '{{ "{{" }}')
    convert = {"integer": " | int64", "number": " | toJson"}.get(part.spec.kind, "")
    return f"{{{{ {part.go(root)}{convert} }}}}"


def _name_text(parts: Sequence[str | Node], root: str) -> str | None:
    """``{{ include "shop.fullname" . }}-web``: the one concatenation that needs no quotes."""
    if len(parts) != 2 or not isinstance(parts[0], Call) or not isinstance(parts[1], str):
        return None
    head, suffix = parts[0], parts[1]
    if head.function != "include" or not suffix.startswith("-") or not is_plain(suffix[1:]) or not suffix[1].isalpha():
        return None
    name = head.arguments[0].value if isinstance(head.arguments[0], Constant) else ""
    return f"{{{{ {head.go(root)} }}}}{suffix}" if str(name).endswith(_NAMES) else None
