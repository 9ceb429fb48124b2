"""Objects that a chart's templates mention and that somebody outside the release provides, such as its Secrets.

They are written into an annotation of Chart.yaml, so that a tool which looks for what is missing knows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import yaml

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
    entries = [
        {"kind": one.kind, "name": one.name, **({"keys": list(one.keys)} if one.keys else {})} for one in objects
    ]
    return yaml.safe_dump(entries, sort_keys=False, default_flow_style=None, width=10**6) if entries else ""
