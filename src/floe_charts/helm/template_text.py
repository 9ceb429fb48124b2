"""The text of a template file, which is written once for all charts of a process that have the same template in them.

Constructs are built anew for every chart; most of their templates come out as before.
"""

from __future__ import annotations

from floe_charts.helm.component import Template
from floe_charts.helm.fingerprint import fingerprint
from floe_charts.helm.template import TemplateWriter

__all__ = ["template_text"]

_Written = tuple[str, frozenset[tuple[str, ...]]]

_MOST = 4096
_written: dict[bytes, _Written] = {}


def template_text(template: Template, head: str) -> _Written:
    """The text of ``template`` under the comment ``head``, and the paths of the values that it reads.

    Raises :class:`DeclarationError` for what cannot be written.
    """
    known = fingerprint(template, head)
    found = _written.get(known) if known is not None else None
    if found is None:
        writer = TemplateWriter()
        text = "\n".join([head, *writer.whole(template)]) + "\n"
        found = text, frozenset(writer.reads)
        if known is not None:
            if len(_written) >= _MOST:
                _written.clear()
            _written[known] = found
    return found
