"""NOTES.txt: what Helm prints after an installation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from floe_charts.errors import DeclarationError, shorten
from floe_charts.helm.nodes import Node
from floe_charts.helm.pieces import Conditional
from floe_charts.helm.tokens import parse

__all__ = ["notes_text"]


def notes_text(notes: Iterable[Any]) -> tuple[str, set[tuple[str, ...]]]:
    """The text of NOTES.txt, and the values that it reads.

    A note is a text, which may hold expressions, or ``when(condition, text)``.
    """
    reads: set[tuple[str, ...]] = set()
    lines: list[str] = []
    for note in notes:
        if isinstance(note, Conditional):
            reads.update(note.condition.reads())
            lines.append(f"{{{{- if {note.condition.go('.')} }}}}")
            lines.append(_text(note.body, reads))
            if note.otherwise is not None:
                lines += ["{{- else }}", _text(note.otherwise, reads)]
            lines.append("{{- end }}")
        else:
            lines.append(_text(note, reads))
    return ("\n".join(lines) + "\n" if lines else ""), reads


def _text(text: object, reads: set[tuple[str, ...]]) -> str:
    if not isinstance(text, str):
        raise DeclarationError(f"a note is a text or when(condition, text), found {shorten(text)}")
    made = ""
    for part in parse(text):
        if isinstance(part, Node):
            reads.update(part.reads())
            # A brace before an action would become part of it.
            made = made[:-1] + '{{ "{" }}' if made.endswith("{") else made
            made += f"{{{{ {_shown(part)} }}}}"
        else:
            made += part.replace("{{", '{{ "{{" }}')
    return made


def _shown(node: Node) -> str:
    convert = {"string": "", "boolean": "", "integer": " | int64"}.get(node.spec.kind, " | toJson")
    return node.go(".") + convert
