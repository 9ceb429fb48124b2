"""Scalars as text: YAML that every YAML 1.1 reader takes for the same string, and Go string literals."""

from __future__ import annotations

import json
import math
import re
from functools import cache

from pydantic_core import to_json

from floe_charts.errors import DeclarationError

__all__ = ["block_lines", "go_string", "is_plain", "json_text", "key_head", "yaml_key", "yaml_scalar"]

# Letters first (a number never starts with one), then words; no ": ", no " #", no indicator.
_PLAIN = re.compile(r"[A-Za-z/](?:[A-Za-z0-9_./@+-]|[:=](?=[A-Za-z0-9_/.@-])| (?=[A-Za-z0-9_/.(]))*\Z")
# What YAML 1.1 reads as a boolean or null.
_RESERVED = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_quoted = json.JSONEncoder(ensure_ascii=False).encode
# What an escape can make of one character is part of the key's length.
_LONGEST_KEY = 1000


def is_plain(text: str) -> bool:
    """Whether ``text`` can stand in YAML without quotes and stay the same string."""
    return bool(_PLAIN.match(text)) and text.lower() not in _RESERVED


def _is_printable(text: str) -> bool:
    """Whether a text can stand in YAML without escapes."""
    return (text.isascii() and text.isprintable()) or not _unprintable().search(text)


@cache
def _unprintable() -> re.Pattern[str]:
    """What YAML 1.1 calls unprintable, the two line separators that readers break lines at, and the private use area.

    Compiled late: it takes as long as all the rest of this package, and ASCII does not need it.
    """
    return re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\uf8ff\ufeff\ufffe\uffff]")


def _escaped(text: str) -> str:
    return text if _is_printable(text) else _unprintable().sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _double_quoted(text: str) -> str:
    return _escaped(_quoted(text))


def go_string(text: str) -> str:
    """A Go string literal; JSON's escapes are a subset of Go's."""
    return _double_quoted(text)


def json_text(tree: object) -> str:
    """A tree as readable JSON; characters that an editor would not show are escaped."""
    # Python's own encoder is ten times slower where it indents.
    text = to_json(tree, indent=2).decode()
    if text.isascii() and "\x7f" not in text:
        return f"{text}\n"
    return "".join(
        f"{line if line.isascii() and line.isprintable() else _escaped(line)}\n" for line in text.split("\n")
    )


def yaml_scalar(value: str | int | float | bool | None, *, template: bool) -> str:
    """A literal as YAML on one line; ``template`` says whether Helm will evaluate ``{{`` in the text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _number(value)
    if template and "{{" in value:
        return f"{{{{ {go_string(value)} | quote }}}}"
    return value if is_plain(value) else _double_quoted(value)


def _number(value: float) -> str:
    """A float with a point in it, without which YAML 1.1 readers take ``1e+21`` for a string."""
    if not math.isfinite(value):
        raise DeclarationError(f"{value} is a number that JSON cannot hold")
    text = repr(value)
    return text if "." in text else text.replace("e", ".0e")


def key_head(key: str, indent: int) -> str:
    """A key with its colon; a long one in YAML's explicit form, because the short form ends at 1024 characters."""
    return f"{key}:" if len(key) < _LONGEST_KEY else f"? {key}\n{' ' * indent}:"


def yaml_key(key: str, *, template: bool) -> str:
    """A mapping key as YAML."""
    return yaml_scalar(key, template=template)


def block_lines(text: str, *, template: bool) -> tuple[str, list[str]] | None:
    """Text of several lines as a literal block: the header (``|``, ``|-``, ``|+``) and its lines; None where unsafe.

    Unsafe is what a block cannot hold exactly or readably: control characters, trailing white space, a first line
    that starts with a space.
    """
    if "\n" not in text.rstrip("\n") or text.startswith((" ", "\n", "\t")) or not _is_printable(text.replace("\n", "")):
        return None
    body = text.rstrip("\n")
    endings = len(text) - len(body)
    lines = body.split("\n")
    if any(line != line.rstrip() for line in lines) or endings > 1:
        return None
    if template:
        lines = [line.replace("{{", '{{ "{{" }}') for line in lines]
    return ("|" if endings == 1 else "|-"), lines
