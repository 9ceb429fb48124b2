"""Reading a manifest whose shape nobody has vouched for: what is not there, or is something else, is empty."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping

from floe_charts.errors import nearest
from floe_charts.verify.values import Path, get_at

__all__ = ["list_at", "map_at", "maps_at", "near_identical", "number_of", "suggestion", "text_at"]


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

    Names of one release all begin alike, so the first words that both share do not count, but a short form does:
    ``shop-db`` suggests ``shop-database``, ``shop-minio`` does not suggest ``shop-marquez``. Where both end in the same
    word, too, only a misspelling counts: ``otel-collector`` does not suggest ``jaeger-collector``.
    """
    near = nearest(name, sorted(one for one in known if one != name and _akin(name, one)))
    return f"did you mean {near}?" if near else otherwise


def _akin(name: str, other: str) -> bool:
    ours, theirs = name.split("-"), other.split("-")
    while len(ours) > 1 and len(theirs) > 1 and ours[0] == theirs[0]:
        ours, theirs = ours[1:], theirs[1:]
    a, b = "-".join(ours), "-".join(theirs)
    if len(ours) > 1 and len(theirs) > 1 and ours[-1] == theirs[-1]:
        return _misspelt(a, b)
    return nearest(a, [b]) is not None or _is_short_for(a, b) or _is_short_for(b, a)


def _is_short_for(short: str, long: str) -> bool:
    letters = iter(long)
    return bool(short) and short[0] == long[:1] and all(letter in letters for letter in short)


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
