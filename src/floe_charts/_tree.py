"""Trees of JSON values: their limits, their paths and the words for them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from .errors import DocumentError, InputError, shorten

__all__ = ["MAX_DEPTH", "TOO_DEEP", "check_tree", "child_path", "kind_of", "leaves", "path_to"]

MAX_DEPTH = 200
TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels"

# Beyond 64 bits Helm reads a whole number as a float, and loses digits without a word.
_INTEGERS = range(-(2**63), 2**64)
_SAFE = 2**63
_KINDS: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
}

# How a node of a tree was reached: the link of what holds it, and its key there.
_Link: TypeAlias = "tuple[_Link, str | int] | None"


def check_tree(data: object, source: str, error: type[InputError] = DocumentError) -> None:
    """Raise ``error`` unless ``data`` is a tree of JSON values that is at most ``MAX_DEPTH`` levels deep.

    Keys must be strings, strings valid Unicode (no lone surrogates), numbers finite and whole numbers of 64 bits:
    nothing else can be written out again as it was.
    """
    _check_leaf(data, None, source, error)
    level: dict[int, tuple[object, _Link]] = {id(data): (data, None)}
    for _ in range(MAX_DEPTH):
        below: dict[int, tuple[object, _Link]] = {}  # by identity: what holds itself twice is seen once on a level
        for node, link in level.values():
            for key, value in _items(node, link, source, error):
                kind = type(value)
                if isinstance(value, (dict, list)):
                    below[id(value)] = (value, (link, key))
                elif (kind is str and value.isascii()) or (kind is int and -_SAFE < value < _SAFE):
                    continue  # nearly all values are these: millions in a hostile file
                else:
                    _check_leaf(value, (link, key), source, error)
        if not below:
            return
        level = below
    raise error(source, "", TOO_DEEP)


def _items(node: object, link: _Link, source: str, error: type[InputError]) -> Iterable[tuple[str | int, Any]]:
    if isinstance(node, list):
        return enumerate(node)
    if not isinstance(node, dict):
        return ()
    for key in node:
        if not (isinstance(key, str) and _encodes(key)):
            raise error(source, _link_path(link), f"found the key {shorten(key)}; expected keys that are strings")
    return node.items()


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


def path_to(data: object, wanted: object) -> str:
    """The path of the very object ``wanted`` inside ``data``."""
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


def _check_leaf(value: object, link: _Link, source: str, error: type[InputError]) -> None:
    problem = _leaf_problem(value)
    if problem:
        raise error(source, _link_path(link), problem)


def _leaf_problem(value: object) -> str:
    if isinstance(value, str):
        return "" if _encodes(value) else "found a string with a lone surrogate; expected valid Unicode"
    if isinstance(value, float):
        return "" if value - value == 0 else f"found {value}; expected a finite number"
    if isinstance(value, int):
        return "" if value in _INTEGERS else "found a whole number of more than 64 bits"
    return "" if value is None or isinstance(value, (dict, list)) else f"found {type(value).__name__}; expected JSON"


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
