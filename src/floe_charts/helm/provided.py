"""Objects that a chart's templates mention and that somebody outside the release provides, such as its Secrets.

They are written into an annotation of Chart.yaml, so that a tool which looks for what is missing knows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from floe_charts.helm.scalars import yaml_scalar

__all__ = ["PROVIDED_ANNOTATION", "ProvidedObject", "provided_text"]

PROVIDED_ANNOTATION = "floe-charts/provided"


@dataclass(frozen=True, slots=True)
class ProvidedObject:
    """An object that must exist in the namespace: its ``kind`` (``Secret``), its ``name``, the ``keys`` it holds."""

    kind: str
    name: str
    keys: tuple[str, ...] = ()


def provided_text(objects: Sequence[ProvidedObject]) -> str:
    """The annotation's text: a YAML list of maps with ``kind``, ``name`` and, where they are known, ``keys``."""
    lines = []
    for one in objects:
        lines += [f"- kind: {_text(one.kind)}", f"  name: {_text(one.name)}"]
        if one.keys:
            lines += ["  keys:", *(f"    - {_text(key)}" for key in one.keys)]
    return "".join(f"{line}\n" for line in lines)


def _text(value: str) -> str:
    return yaml_scalar(value, template=False)
