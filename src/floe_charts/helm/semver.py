"""Semantic versions: their form, and which of two comes first (semver.org, version 2.0.0)."""

from __future__ import annotations

import re

__all__ = ["SEMVER", "semver_key"]

_NUMBER = r"(?:0|[1-9][0-9]*)"
_WORD = rf"(?:{_NUMBER}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
SEMVER = rf"^{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_WORD}(?:\.{_WORD})*)?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$"
"""A semantic version, as a regular expression for the whole of a text."""


def semver_key(version: str) -> tuple[object, ...]:
    """Sorts versions by precedence, then by text; what is no semantic version comes before all others.

    >>> sorted(["1.10.0", "1.9.0", "1.10.0-rc.1", "old"], key=semver_key)
    ['old', '1.9.0', '1.10.0-rc.1', '1.10.0']
    """
    if not re.match(SEMVER, version):
        return (0, version)
    core, _, words = version.partition("+")[0].partition("-")
    parts = tuple((0, int(one), "") if one.isdecimal() else (1, 0, one) for one in words.split("."))
    return (1, tuple(map(int, core.split("."))), not words, parts if words else (), version)
