"""Reading JSON and YAML files that somebody else wrote, safely.

Whatever the bytes are, the result is a tree of dict, list, str, int, float, bool and None, or an
:class:`~floe_charts.errors.InputError` that names the file and the place. Sizes, nesting and aliases are limited, so
that no file can exhaust memory, the stack or anybody's patience.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from ._tree import MAX_DEPTH, TOO_DEEP, check_tree, child_path, kind_of, leaves, path_to
from .errors import DocumentError, shorten

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_YAML_BYTES",
    "Document",
    "check_tree",
    "child_path",
    "kind_of",
    "leaves",
    "parse_document",
    "read_document",
]

MAX_BYTES = 64 * 1024 * 1024
# PyYAML's events take a second for each MB, so that 64 MiB would take a minute; real artifacts have 50 kB.
MAX_YAML_BYTES = 4 * 1024 * 1024

_STDIN = "<stdin>"
_BYTE_ORDER_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_CONTROL = frozenset(range(32)) - {9, 10, 12, 13}


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read: ``data`` is the tree, ``source`` the name that error messages give the file."""

    data: object
    source: str


def read_document(path: str | Path) -> Document:
    """Read the JSON or YAML file at ``path``; ``"-"`` is standard input.

    Raises :class:`~floe_charts.errors.DocumentError` where there is no such file, it is too large or does not parse.
    """
    if str(path) == "-":
        return parse_document(_read_stdin(), _STDIN)
    source = _printable(str(path))
    try:
        with Path(path).open("rb") as stream:
            status = os.fstat(stream.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_size > MAX_BYTES:
                raise _too_large(source, status.st_size)
            content = _read_limited(stream, source)
    except FileNotFoundError:
        raise DocumentError(source, "", "no such file; expected a JSON or YAML file") from None
    except IsADirectoryError:
        raise DocumentError(source, "", "is a directory; expected a JSON or YAML file") from None
    except PermissionError:
        raise DocumentError(source, "", "cannot be read: permission denied") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise DocumentError(source, "", f"cannot be read: {reason}") from None
    return parse_document(content, source)


def parse_document(text: bytes, source: str) -> Document:
    """Parse ``text``, JSON or else YAML; ``source`` names it in errors. Raises DocumentError."""
    if len(text) > MAX_BYTES:
        raise _too_large(source, len(text))
    decoded = _decode(text, source)
    if not decoded.strip():
        raise DocumentError(source, "", "is empty; expected JSON or YAML")
    named_json = source.lower().endswith(".json")
    meant_as_json = named_json or decoded.lstrip()[0] in "{["
    try:
        return Document(_parse_json(decoded, source), source)
    except json.JSONDecodeError as error:
        json_error = _json_error(error, source)
    except DocumentError as error:
        if meant_as_json:
            raise
        json_error = error  # `NaN: 1` is YAML
    if named_json:
        raise json_error
    if len(text) > MAX_YAML_BYTES:
        size = f"is {len(text) / 1e6:.0f} MB of YAML; expected at most {MAX_YAML_BYTES // 2**20} MiB"
        raise json_error if meant_as_json else DocumentError(source, "", size, "write it as JSON")
    try:
        return Document(_parse_yaml(decoded, source), source)
    except DocumentError as error:
        raise (json_error if meant_as_json else error) from None


# -- bytes and text ----------------------------------------------------------------------------------------------------


def _read_stdin() -> bytes:
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise DocumentError(_STDIN, "", "standard input is closed; expected JSON or YAML")
    try:
        return _read_limited(stream, _STDIN)
    except (OSError, ValueError) as error:
        raise DocumentError(_STDIN, "", f"cannot be read: {error}") from None


def _read_limited(stream: BinaryIO, source: str) -> bytes:
    """All of ``stream``, never more than the limit and one byte: a pipe or a device has no size to ask for."""
    content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise _too_large(source)
    return content


def _too_large(source: str, size: int = 0) -> DocumentError:
    found = f" ({size / 1e6:.0f} MB)" if size else ""
    return DocumentError(source, "", f"is too large{found}; expected at most {MAX_BYTES // 2**20} MiB")


def _printable(path: str) -> str:
    """A file's name can hold anything; a message must be printable on one line."""
    return path if path.isprintable() else repr(path)[1:-1]


def _decode(text: bytes, source: str) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if text.startswith(mark):
            raise DocumentError(source, "", f"is {encoding} text; expected UTF-8")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = f"byte {error.start + 1}"
        raise DocumentError(source, place, "is not UTF-8 text; expected JSON or YAML in UTF-8") from None
    if not decoded.isprintable():
        for code in _CONTROL:
            if chr(code) in decoded:
                place = _place(decoded, decoded.index(chr(code)))
                raise DocumentError(source, place, f"binary data (byte 0x{code:02x}); expected JSON or YAML text")
    return decoded


def _place(text: str, offset: int) -> str:
    return f"line {text.count(chr(10), 0, offset) + 1}, column {offset - text.rfind(chr(10), 0, offset)}"


# -- JSON --------------------------------------------------------------------------------------------------------------


class _Refused(Exception):
    """A JSON text that parses but says something that is not accepted."""


def _parse_json(text: str, source: str) -> object:
    """The tree of a JSON text; raises JSONDecodeError where it is not JSON, DocumentError where it is hostile JSON."""
    clashes: list[tuple[dict[str, object], str]] = []

    def to_dict(pairs: list[tuple[str, object]]) -> dict[str, object]:
        result = dict(pairs)
        if len(result) != len(pairs):
            clashes.append((result, _first_repeated(key for key, _ in pairs)))
        return result

    try:
        data = json.loads(text, object_pairs_hook=to_dict, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise _too_deep(text, source) from None
    except _Refused as error:
        raise DocumentError(source, "", str(error)) from None
    except ValueError:  # Python refuses to convert a number of more than 4,300 digits
        raise DocumentError(source, "", "holds a number with thousands of digits") from None
    if clashes:
        holder, key = clashes[0]
        raise DocumentError(source, path_to(data, holder), f"the key {shorten(key)} stands twice in one object")
    try:
        check_tree(data, source)
    except DocumentError as error:
        raise (_too_deep(text, source) if error.problem == TOO_DEEP else error) from None
    return data


def _first_repeated(keys: Iterable[str]) -> str:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    return ""


def _refuse_constant(name: str) -> NoReturn:
    raise _Refused(f"holds {name}, which JSON does not have; expected a number")


def _finite(digits: str) -> float:
    number = float(digits)
    if number - number != 0:
        raise _Refused(f"holds the number {digits[:40]}, which is too large")
    return number


def _json_error(error: json.JSONDecodeError, source: str) -> DocumentError:
    place = f"line {error.lineno}, column {error.colno}"
    rest = error.doc[error.pos :].strip()
    if not rest or error.msg.startswith("Unterminated string"):
        return DocumentError(source, place, "the JSON text ends in the middle of a value", "is the file truncated?")
    message = error.msg[0].lower() + error.msg[1:]
    return DocumentError(source, place, f"is not JSON: {message}")


def _too_deep(text: str, source: str) -> DocumentError:
    """The error for JSON with too many brackets, with the place of the bracket that is one too many."""
    depth, in_string, escaped = 0, False, False
    for offset, char in enumerate(text):
        if in_string:
            in_string = escaped or char != '"'
            escaped = not escaped and char == "\\"
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return DocumentError(source, _place(text, offset), TOO_DEEP)
        elif char in "]}":
            depth -= 1
    return DocumentError(source, "", "is nested too deeply to be read")


# -- YAML --------------------------------------------------------------------------------------------------------------


def _parse_yaml(text: str, source: str) -> object:
    from ._yaml import YamlReader  # PyYAML takes longer to import than an artifact in JSON takes to load

    data = YamlReader(text, source).read()
    check_tree(data, source)
    return data
