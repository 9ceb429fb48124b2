"""Overrides from the command line: ``--set PATH=VALUE`` and ``--values FILE``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from floe_charts.documents import check_tree, kind_of, read_document
from floe_charts.errors import ValuesError, shorten
from floe_charts.helm.checking import DeclaredValues
from floe_charts.helm.spec import Spec

__all__ = ["Override", "merge_keeping_nulls", "parse_set", "read_values"]

_ASSIGNMENT = re.compile(r"((?:\\.|[^=\\])*)=(.*)", re.DOTALL)
_PATH = re.compile(r"(?:\\.|[^=\\\s:])*")
_INDEX = re.compile(r"(?:\[\d+\])+$")
_STRING = re.compile(r'"(?:\\.|[^"\\])*+"', re.DOTALL)
_MOST_KEYS = 50
_LONGEST = 100


@dataclass(frozen=True)
class Override:
    """Values that somebody hands in; ``source`` is the file or option that errors name.

    Raises :class:`ValuesError` for what is no tree of JSON values.
    """

    source: str
    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Hold the tree against what can be written."""
        check_tree(dict(self.values), self.source, ValuesError)


def read_values(path: str | Path) -> Override:
    """The values in a YAML or JSON file; an empty document (``---``) has none.

    Raises :class:`DocumentError` for a file that cannot be read, :class:`ValuesError` for one that is no mapping.
    """
    document = read_document(path)
    if document.data is None:
        return Override(document.source, {})
    if not isinstance(document.data, Mapping):
        raise ValuesError(document.source, "", f"found {kind_of(document.data)}, expected an object with values")
    return Override(document.source, document.data)


def parse_set(text: str, declared: DeclaredValues) -> Override:
    """The values of one ``--set``: ``a.b=1``, several with commas, lists as ``{x,y}``, ``\\.`` and ``\\,`` as they are.

    The grammar is Helm's; the type is that of the declared value, so that ``tag=1.20`` stays a text. Where a map goes,
    JSON goes too. ``null`` removes the value.

    Errors name the path and never the value, which may be a credential.

    Raises :class:`ValuesError` for text that is no assignment.
    """
    path = _said_path(text)
    source = f"--set {path}" if path.isprintable() and len(path) <= _LONGEST else f"--set {shorten(path, _LONGEST)}"
    values: dict[str, Any] = {}
    for position, assignment in enumerate(_split(text, ",")):
        keys, raw = _assignment(assignment, source, position == 0)
        value = _value(raw, declared.spec_at(keys))
        for key in reversed(keys):
            value = {key: value}
        values = merge_keeping_nulls(values, value)
    return Override(source, values)


def _said_path(text: str) -> str:
    """The part of an assignment that may be repeated; a value starts at a space or a colon too, as paths hold none."""
    return _PATH.match(text)[0]  # type: ignore[index]  # It matches any text.


def _assignment(text: str, source: str, is_first: bool) -> tuple[list[str], str]:
    """The keys of the path, and the text of the value."""
    match = _ASSIGNMENT.fullmatch(text)
    if match is None or not match[1].strip():
        if not is_first and text.strip() and match is None:  # Maybe the rest of a password.
            hint = "write a comma inside a value as \\,"
            raise ValuesError(source, "", "found a part without = after a comma, expected PATH=VALUE", hint)
        found = "=…" if match else _said_path(text) + "…" * (_said_path(text) != text)
        raise ValuesError(source, "", f"found {shorten(found)}, expected PATH=VALUE, such as web.replicas=2")
    keys = [_unescape(key) for key in _split(match[1].strip(), ".")]
    if not all(keys):
        raise ValuesError(source, "", f"found an empty key in {shorten(_said_path(text))}, expected PATH=VALUE")
    if any(_INDEX.search(key) for key in keys):
        raise ValuesError(source, "", "items of lists cannot be set one by one", "give the whole list: PATH={a,b}")
    if len(keys) > _MOST_KEYS:
        raise ValuesError(source, "", f"found a path of {len(keys)} keys, expected at most {_MOST_KEYS}")
    return keys, match[2]


def merge_keeping_nulls(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` merged over ``base``; a null stays, to remove later what is below it. Neither is changed."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = merge_keeping_nulls(below, value) if both else value  # type: ignore[arg-type]
    return merged


def _split(text: str, separator: str) -> list[str]:
    """``text`` cut at separators that no backslash precedes and that are in no value in brackets; all else stays."""
    pieces: list[str] = []
    start, depth, escaped, before, quoted_to = 0, 0, False, "", 0
    for position, char in enumerate(text):
        if position < quoted_to:
            continue
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif depth:
            # Brackets in a JSON string count for nothing; a quote in the midst of a word starts none.
            if char == '"' and text[start:position].rstrip()[-1:] in ("{", "[", ",", ":"):
                string = _STRING.match(text, position)
                quoted_to = string.end() if string else 0
            depth += (char in "{[") - (char in "}]")
        elif char in "{[" and (before == "=" or (separator == "," and position == start)):
            depth = 1  # Brackets count only where a value starts.
        elif char == separator:
            pieces.append(text[start:position])
            start = position + 1
        before = char
    return [*pieces, text[start:]]


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _value(raw: str, spec: Spec | None) -> Any:
    if raw.lower() == "null":
        return None
    kind = spec.kind if spec else "any"
    takes_json = kind in ("object", "map") or (kind in ("list", "any") and raw != "{}")  # {} is Helm's empty list.
    if takes_json and raw.startswith(("{", "[")):
        found = _json(raw)
        if found is not None:
            return found
    if raw.startswith("{") and raw.endswith("}") and kind in ("list", "any"):
        item = spec.item if spec else None
        return [_value(piece, item) for piece in _split(raw[1:-1], ",")] if len(raw) > 2 else []
    text = _unescape(raw)
    converters: dict[str, Iterable[Callable[[str], Any]]] = {
        "integer": (_integer,),
        "number": (_number,),
        "boolean": (_boolean,),
        "string": (),
    }
    for convert in converters.get(kind, (_integer, _boolean)):
        found = convert(text)
        if found is not None:
            return found
    return text


def _json(raw: str) -> Any:
    """The map or list of a JSON text; None where it is none."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _integer(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", text) else None


def _number(text: str) -> float | None:
    return (
        json.loads(text)
        if re.fullmatch(r"-?(0|[1-9][0-9]{0,16})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", text)
        else None
    )


def _boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())
