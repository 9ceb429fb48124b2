"""Text of charts that nobody here wrote, made safe for a terminal, a JSON file or an XML file."""

from __future__ import annotations

import re

__all__ = ["encodable", "printable"]

_SURROGATES = re.compile("[\ud800-\udfff]")
# Control characters but tab and newline (a terminal obeys them), and what XML 1.0 cannot hold (its section 2.2, Char).
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def encodable(text: str) -> str:
    """``text`` as UTF-8 can hold it: a lone surrogate is written as ``\\udc80``."""
    return _SURROGATES.sub(_escape, text)


def printable(text: str) -> str:
    """``text`` with its control characters written as ``\\x1b``; newlines and tabs stay."""
    return _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
