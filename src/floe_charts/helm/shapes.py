"""Whether a value is written as a map or as a list.

By exact types first: Python's abstract ones take ten times as long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

__all__ = ["SCALARS", "is_list", "is_map"]

SCALARS = frozenset({str, int, float, bool, type(None)})
"""The types of JSON's scalars."""


def is_map(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Whether ``value`` is written as a map."""
    kind = type(value)
    return kind is dict or (kind not in SCALARS and kind is not list and isinstance(value, Mapping))


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether ``value`` is written as a list."""
    kind = type(value)
    if kind is list or kind is tuple:
        return True
    return (
        kind not in SCALARS and kind is not dict and isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    )
