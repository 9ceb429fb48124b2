"""Overrides from the command line: ``--set PATH=VALUE`` and ``--values FILE``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from floe_charts.documents import read_document
from floe_charts.errors import ValuesError, shorten
from floe_charts.helm.checking import DeclaredValues
from floe_charts.helm.spec import Spec

__all__ = ["Override", "parse_set", "read_values"]

_INDEX = re.compile(r"^(.*?)((?:\[\d+\])+)$")


@dataclass(frozen=True)
class Override:
    """Values that somebody hands in; ``source`` is the file or option that errors name."""

    source: str
    values: Mapping[str, Any]


def read_values(path: str | Path) -> Override:
    """The values in a YAML or JSON file.

    Raises :class:`DocumentError` for a file that cannot be read, :class:`ValuesError` for one that is no mapping.
    """
    document = read_document(path)
    if document.data is None:
        return Override(document.source, {})
    if not isinstance(document.data, Mapping):
        raise ValuesError(document.source, "", f"found {type(document.data).__name__}, expected a mapping of values")
    return Override(document.source, document.data)


def parse_set(text: str, declared: DeclaredValues) -> Override:
    """The values of one ``--set``: ``a.b=1``, several with commas, lists as ``{x,y}``, ``\\.`` and ``\\,`` for themselves.

    The grammar is Helm's; the type is that of the declared value, so that ``tag=1.20`` stays a text. ``null`` removes the
    value.

    Raises :class:`ValuesError` for text that is no assignment.
    """
    source = f"--set {text}"
    values: dict[str, Any] = {}
    for assignment in _split(text, ","):
        path, equals, raw = assignment.partition("=")
        if not equals or not path.strip():
            raise ValuesError(source, "", f"found {shorten(assignment)}, expected PATH=VALUE, such as web.replicas=2")
        keys = [key.replace("\\.", ".") for key in _split(path.strip(), ".")]
        if any(not key for key in keys):
            raise ValuesError(source, "", f"found an empty key in {shorten(path)}, expected PATH=VALUE")
        if any(_INDEX.match(key) for key in keys):
            raise ValuesError(source, "", "items of lists cannot be set one by one", "give the whole list: PATH={a,b}")
        spec = declared.spec_at(keys)
        value = _value(raw, spec)
        for key in reversed(keys):
            value = {key: value}
        values = _merge_keeping_nulls(values, value)
    return Override(source, values)


def _merge_keeping_nulls(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        nested = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = _merge_keeping_nulls(below, value) if nested and isinstance(below, Mapping) else value
    return merged


def _split(text: str, separator: str) -> list[str]:
    """``text`` cut at separators outside braces that no backslash precedes."""
    pieces, depth, piece, escaped = [], 0, "", False
    for char in text:
        if escaped:
            piece += "\\" + char if char != separator or separator == "." else char
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == separator and depth == 0:
            pieces.append(piece)
            piece = ""
        else:
            depth += {"{": 1, "}": -1}.get(char, 0)
            piece += char
    return [*pieces, piece + ("\\" if escaped else "")]


def _value(raw: str, spec: Spec | None) -> Any:
    if raw == "null":
        return None
    if raw.startswith("{") and raw.endswith("}") and (spec is None or spec.kind in ("list", "any")):
        item = spec.item if spec else None
        return [_value(piece, item) for piece in _split(raw[1:-1], ",")] if len(raw) > 2 else []
    if spec is not None and spec.kind in ("object", "map", "any") and raw.startswith(("{", "[")):
        return _json(raw) if _json(raw) is not None else raw
    kinds: dict[str, Callable[[str], Any]] = {
        "integer": _integer,
        "number": _number,
        "boolean": _boolean,
        "string": str,
    }
    convert = kinds.get(spec.kind if spec else "any")
    if convert is not None:
        return convert(raw)
    return next((value for value in (_integer(raw), _boolean(raw)) if not isinstance(value, str)), raw)


def _json(raw: str) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _integer(raw: str) -> int | str:
    return int(raw) if re.fullmatch(r"-?(0|[1-9]\d{0,17})", raw) else raw


def _number(raw: str) -> float | str:
    return (
        json.loads(raw)
        if re.fullmatch(r"-?\d{1,17}(\.\d+)?([eE][+-]?\d{1,2})?", raw) and not re.match(r"-?0\d", raw)
        else raw
    )


def _boolean(raw: str) -> bool | str:
    return {"true": True, "false": False}.get(raw, raw)
