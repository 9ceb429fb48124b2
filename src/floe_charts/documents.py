"""Reading JSON and YAML files that somebody else wrote, safely.

Whatever the bytes are, the result is a tree of dict, list, str, int, float, bool and None, or an
:class:`~floe_charts.errors.InputError` that names the file and the place. Sizes, nesting and aliases are limited, so that
no file can exhaust memory, the stack or anybody's patience.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn, TypeAlias

from .errors import DocumentError, InputError, shorten

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
MAX_DEPTH = 200
# PyYAML reads about 2 MB a second and needs a kilobyte per node, so that 64 MiB would take minutes and gigabytes.
MAX_YAML_BYTES = 8 * 1024 * 1024

# How a node of a tree was reached: the link of what holds it, and its key there.
_Link: TypeAlias = "tuple[_Link, object] | None"

_STDIN = "<stdin>"
_DEEP = f"is nested deeper than {MAX_DEPTH} levels"
_BYTE_ORDER_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_CONTROL = frozenset(range(32)) - {9, 10, 12, 13}
_KINDS: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
}


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read: ``data`` is the tree, ``source`` the name that error messages give the file."""

    data: object
    source: str


def read_document(path: str | Path) -> Document:
    """Read the JSON or YAML file at ``path``; ``"-"`` is standard input.

    Raises :class:`~floe_charts.errors.DocumentError` where there is no such file, it is too large, or it does not parse.
    """
    if str(path) == "-":
        return parse_document(_read_stdin(), _STDIN)
    source = _printable(str(path))
    try:
        with Path(path).open("rb") as stream:
            status = os.fstat(stream.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_size > MAX_BYTES:
                raise _too_large(source, f"{status.st_size / 1e6:.0f} MB")
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
        raise _too_large(source, f"{len(text) / 1e6:.0f} MB")
    decoded = _decode(text, source)
    if not decoded.strip():
        raise DocumentError(source, "", "is empty; expected JSON or YAML")
    try:
        data = _parse_json(decoded, source)
    except json.JSONDecodeError as error:
        looks_like_json = decoded.lstrip()[0] in "{["
        if source.lower().endswith(".json") or (looks_like_json and len(text) > MAX_YAML_BYTES):
            raise _json_error(error, source) from None
        if len(text) > MAX_YAML_BYTES:
            size = f"{len(text) / 1e6:.0f} MB"
            raise DocumentError(
                source, "", f"is {size} of YAML; expected at most {MAX_YAML_BYTES // 2**20} MiB", "write it as JSON"
            ) from None
        data = _parse_yaml(decoded, source, error if looks_like_json else None)
    return Document(data, source)


def check_tree(data: object, source: str, error: type[InputError] = DocumentError) -> None:
    """Raise ``error`` unless ``data`` is a tree of JSON values that is at most ``MAX_DEPTH`` levels deep.

    Strings must be valid Unicode (no lone surrogates) and numbers finite, because nothing else can be written out again.
    """
    level: dict[int, tuple[object, _Link]] = {id(data): (data, None)}
    for _ in range(MAX_DEPTH + 1):
        below: dict[int, tuple[object, _Link]] = {}  # by identity: a list that holds itself twice is seen once a level
        for node, link in level.values():
            if isinstance(node, dict):
                items: Iterator[tuple[object, object]] = iter(node.items())
            elif isinstance(node, list):
                items = iter(enumerate(node))
            else:
                _check_leaf(node, link, source, error)
                continue
            is_dict = isinstance(node, dict)
            for key, value in items:
                if is_dict and not (isinstance(key, str) and _encodes(key)):
                    raise error(
                        source, _link_path(link), f"found the key {shorten(key)}; expected keys that are strings"
                    )
                if isinstance(value, (dict, list)):
                    below[id(value)] = (value, (link, key))
                elif not (isinstance(value, str) and value.isascii()):
                    _check_leaf(value, (link, key), source, error)
        if not below:
            return
        level = below
    raise error(source, "", _DEEP)


def kind_of(value: object) -> str:
    """What a JSON value is, in words: ``an object``, ``a list``, ``a string``, ... ``null``."""
    return "null" if value is None else _KINDS.get(type(value), type(value).__name__)


def child_path(path: str, key: str | int) -> str:
    """The path of what ``path`` holds under ``key``: ``a.b``, ``a[0]``, ``a["odd.key"]``."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    plain = key.replace("_", "").replace("-", "").replace("$", "")
    if plain.isalnum() and len(key) <= 80:
        return f"{path}.{key}" if path else key
    return f"{path}[{json.dumps(_cut(key), ensure_ascii=not key.isprintable())}]"


def leaves(data: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every value in the tree that is no object and no list, with its path, in document order."""
    pending: list[tuple[str, object]] = [(path, data)]
    while pending:
        where, value = pending.pop()
        if isinstance(value, dict):
            pending.extend([(child_path(where, key), value[key]) for key in reversed(value)])
        elif isinstance(value, list):
            pending.extend([(child_path(where, index), value[index]) for index in reversed(range(len(value)))])
        else:
            yield where, value


def _cut(key: str, limit: int = 80) -> str:
    return key if len(key) <= limit else key[: limit - 1] + "…"


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
        raise _too_large(source, "larger")
    return content


def _too_large(source: str, found: str) -> DocumentError:
    return DocumentError(source, "", f"is too large ({found}); expected at most {MAX_BYTES // 2**20} MiB")


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
        raise DocumentError(source, _path_to(data, holder), f"the key {shorten(key)} stands twice in one object")
    try:
        check_tree(data, source)
    except DocumentError as error:
        raise (_too_deep(text, source) if error.problem == _DEEP else error) from None
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
                return DocumentError(source, _place(text, offset), _DEEP)
        elif char in "]}":
            depth -= 1
    return DocumentError(source, "", "is nested too deeply to be read")


def _path_to(data: object, wanted: object) -> str:
    pending: list[tuple[str, object]] = [("", data)]
    while pending:
        path, node = pending.pop()
        if node is wanted:
            return path
        if isinstance(node, dict):
            pending.extend((child_path(path, key), value) for key, value in node.items())
        elif isinstance(node, list):
            pending.extend((child_path(path, index), value) for index, value in enumerate(node))
    return ""


# -- trees -------------------------------------------------------------------------------------------------------------


def _check_leaf(value: object, link: _Link, source: str, error: type[InputError]) -> None:
    if isinstance(value, str):
        if not _encodes(value):
            raise error(source, _link_path(link), "found a string with a lone surrogate; expected valid Unicode")
    elif isinstance(value, float):
        if value - value != 0:
            raise error(source, _link_path(link), f"found {value}; expected a finite number")
    elif not (value is None or isinstance(value, (bool, int))):
        raise error(source, _link_path(link), f"found {type(value).__name__}; expected a JSON value")


def _encodes(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _link_path(link: _Link) -> str:
    keys: list[str | int] = []
    while link is not None:
        link, key = link
        keys.append(key)
    path = ""
    for key in reversed(keys):
        path = child_path(path, key)
    return path


def _parse_yaml(text: str, source: str, json_error: json.JSONDecodeError | None) -> object:
    """The tree of a YAML text; where the text looks like JSON and is no YAML either, the error is JSON's."""
    from ._yaml import YamlReader  # PyYAML takes longer to import than a JSON artifact takes to load

    try:
        data = YamlReader(text, source).read()
        check_tree(data, source)
    except DocumentError:
        if json_error is None:
            raise
        raise _json_error(json_error, source) from None
    return data
