"""NOTES.txt: what Helm prints after an installation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from floe_charts.helm.expr import parse
from floe_charts.helm.functions import Conditional
from floe_charts.helm.nodes import Node

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
            lines.append(_text(str(note.body), reads))
            if note.otherwise is not None:
                lines += ["{{- else }}", _text(str(note.otherwise), reads)]
            lines.append("{{- end }}")
        else:
            lines.append(_text(str(note), reads))
    return ("\n".join(lines) + "\n" if lines else ""), reads


def _text(text: str, reads: set[tuple[str, ...]]) -> str:
    made = ""
    for part in parse(text):
        if isinstance(part, Node):
            reads.update(part.reads())
            whole = " | int64" if part.spec.kind == "integer" else ""
            made += f"{{{{ {part.go('.')}{whole} }}}}"
        else:
            made += part.replace("{{", '{{ "{{" }}')
    return made
