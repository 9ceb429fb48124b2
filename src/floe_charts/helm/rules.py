"""Rules between values: what one of them may be only where another one allows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["ValueRule", "rules_schema"]


@dataclass(frozen=True)
class ValueRule:
    """The value at ``path`` is none of ``refused``, unless the value at ``unless`` is one of ``among``.

    Paths are dotted; None among the ``refused`` is a value that is not set; an empty ``among`` refuses always.
    ``because`` completes the sentence "it is refused: ...".
    """

    path: str
    refused: tuple[str | None, ...]
    unless: str
    among: tuple[str, ...]
    because: str

    def refuses(self, values: Mapping[str, Any]) -> bool:
        """Whether ``values`` break the rule."""
        return _value_at(values, self.path) in self.refused and _value_at(values, self.unless) not in self.among


def _value_at(values: Any, path: str) -> Any:
    for key in path.split("."):
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def rules_schema(rules: Sequence[ValueRule]) -> list[dict[str, Any]]:
    """The rules as members of ``allOf`` in values.schema.json."""
    return [_rule_schema(rule) for rule in rules]


def _rule_schema(rule: ValueRule) -> dict[str, Any]:
    refusal = _at(rule.path, {"not": {"enum": list(rule.refused)}}, required=None in rule.refused)
    if not rule.among:
        return {"$comment": rule.because, **refusal}
    return {"$comment": rule.because, "if": _at(rule.unless, {"enum": list(rule.among)}), "else": refusal}


def _at(path: str, schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    """``schema`` for the value at a dotted path."""
    for key in reversed(path.split(".")):
        schema = {**({"required": [key]} if required else {}), "properties": {key: schema}}
    return schema
