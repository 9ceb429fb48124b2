"""Rules between values: what one of them may be only where another one allows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["ValueRule", "rules_schema"]


@dataclass(frozen=True)
class ValueRule:
    """The value at ``path`` is none of ``refused``, unless the value at ``unless`` is one of ``among``.

    Paths are dotted; an empty ``among`` refuses always. ``because`` completes the sentence "it is refused: ...".
    """

    path: str
    refused: tuple[str, ...]
    unless: str
    among: tuple[str, ...]
    because: str


def rules_schema(rules: Sequence[ValueRule]) -> list[dict[str, Any]]:
    """The rules as members of ``allOf`` in values.schema.json."""
    return [_rule_schema(rule) for rule in rules]


def _rule_schema(rule: ValueRule) -> dict[str, Any]:
    refusal = _at(rule.path, {"not": {"enum": list(rule.refused)}}, required=False)
    if not rule.among:
        return {"$comment": rule.because, **refusal}
    return {"$comment": rule.because, "if": _at(rule.unless, {"enum": list(rule.among)}), "else": refusal}


def _at(path: str, schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    """``schema`` for the value at a dotted path."""
    for key in reversed(path.split(".")):
        schema = {**({"required": [key]} if required else {}), "properties": {key: schema}}
    return schema
