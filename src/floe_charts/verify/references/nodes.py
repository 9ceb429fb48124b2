"""Reading a manifest whose shape nobody has vouched for: what is not there, or is something else, is empty."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile

from floe_charts.errors import nearest
from floe_charts.verify.values import Path, get_at

__all__ = ["list_at", "map_at", "maps_at", "near_identical", "number_of", "suggestion", "text_at"]


_ALIKE = 0.65
_SHORTEST = 2
_VOWEL = re.compile("[aeiou]", re.IGNORECASE)
_BETWEEN = re.compile("[-_.]")


def map_at(node: object, *path: str | int) -> Mapping[str, object]:
    """The map at ``path``, empty where there is none."""
    found = get_at(node, path)
    return found if isinstance(found, Mapping) else {}


def list_at(node: object, *path: str | int) -> list[object]:
    """The list at ``path``, empty where there is none."""
    found = get_at(node, path)
    return found if isinstance(found, list) else []


def maps_at(node: object, *path: str | int) -> Iterator[tuple[Path, Mapping[str, object]]]:
    """The maps in the list at ``path``, each with its own path."""
    for index, one in enumerate(list_at(node, *path)):
        if isinstance(one, Mapping):
            yield (*path, index), one


def text_at(node: object, *path: str | int) -> str:
    """The text at ``path``, empty where there is none."""
    found = get_at(node, path)
    return found if isinstance(found, str) else ""


def number_of(value: object) -> int | None:
    """A whole number, also one written as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def suggestion(name: str, known: Iterable[str], otherwise: str) -> str:
    """``did you mean X?`` with the known name that looks most like ``name``, else ``otherwise``.

    Names of one release all begin alike, so the first words that both share do not count; the others must be alike one
    by one, or short forms: ``shop-db`` suggests ``shop-database`` and not ``shop-dagster-web``. Failing that, the only
    one that goes on where the other ends is suggested: ``shop-code`` suggests ``shop-code-server``, but not one of
    ``shop-code-a`` and ``shop-code-b``. What all names begin with is no name of its own: ``shop-redis`` does not
    suggest ``shop``.
    """
    others = sorted({one for one in known if one != name})
    near = nearest(name, [one for one in others if _akin(name, one)])
    if near is None:
        columns = zip(*map(_words, others), strict=False)
        shared = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
        shorter = [one for one in others if _goes_on(one, name) and len(_words(one)) > shared]
        related = [*shorter, *(one for one in others if _goes_on(name, one))]
        near = related[0] if len(related) == 1 else None
    return f"did you mean {near}?" if near else otherwise


def _akin(name: str, other: str) -> bool:
    ours, theirs = _words(name), _words(other)
    while len(ours) > 1 and len(theirs) > 1 and ours[0] == theirs[0]:
        ours, theirs = ours[1:], theirs[1:]
    if _bare("".join(ours)) == _bare("".join(theirs)):
        return True
    same_length = len(ours) == len(theirs)
    return same_length and all(_alike(one, another) for one, another in zip(ours, theirs, strict=True))


def _alike(one: str, other: str) -> bool:
    if difflib.SequenceMatcher(None, one.lower(), other.lower(), False).ratio() >= _ALIKE:
        return True
    return _is_short_for(one, other) or _is_short_for(other, one)


def _is_short_for(short: str, long: str) -> bool:
    """Whether it is the beginning of a word, or some of its consonants: ``pg`` and ``post`` for ``postgres``."""
    if len(short) < _SHORTEST or short[0] != long[:1]:
        return False
    letters = iter(long)
    return long.startswith(short) or (not _VOWEL.search(short[1:]) and all(letter in letters for letter in short))


def _goes_on(name: str, other: str) -> bool:
    ours, theirs = _words(name), _words(other)
    return len(ours) < len(theirs) and theirs[: len(ours)] == ours


def _words(name: str) -> list[str]:
    return _BETWEEN.split(name)


def near_identical(name: str, known: Iterable[str]) -> str:
    """The known name that can only be a misspelling of ``name``, or empty.

    They differ in case and punctuation, or by one letter inside a word of four letters and more: ``shop-databse`` is
    ``shop-database``, but ``shop-a`` is not ``shop-b`` and ``shop-1`` not ``shop-2``.
    """
    return next((other for other in sorted(known) if other != name and _misspelt(name, other)), "")


def _misspelt(name: str, other: str) -> bool:
    if _bare(name) == _bare(other):
        return True
    if abs(len(name) - len(other)) > 1:
        return False
    ours, theirs = name.split("-"), other.split("-")
    if len(ours) != len(theirs):
        return False
    differing = [(a, b) for a, b in zip(ours, theirs, strict=True) if a != b]
    if len(differing) != 1:
        return False
    a, b = differing[0]
    # A plural is often a second thing (metric, metrics), and a digit another instance.
    if min(len(a), len(b)) < 4 or any(char.isdigit() for char in a + b):
        return False
    if a + "s" == b or b + "s" == a:
        return False
    same = sum(block.size for block in difflib.SequenceMatcher(None, a, b, False).get_matching_blocks())
    return max(len(a), len(b)) - same <= 1


def _bare(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum())
