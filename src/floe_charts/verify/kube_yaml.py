"""YAML as Kubernetes and Helm read it, which is not quite as PyYAML does.

Both use Go's yaml.v2: ``y``, ``n``, ``on`` and ``off`` are booleans (PyYAML leaves ``y`` a string), ``012`` is 10,
``08`` is 8, ``12:30`` is a string (PyYAML: 750), a date stays a string, ``=`` is a string (PyYAML fails), and the keys
of a map become strings. A key that stands twice in one map is refused here, though Go takes the last one: nobody means
it.

Read by events, so that nothing is built twice; libyaml does the parsing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache

import yaml

__all__ = ["YamlFault", "read_documents"]

MAX_DEPTH = 100
MAX_NODES = 2_000_000

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"], True),
    **dict.fromkeys(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"], False),
    **dict.fromkeys(["", "~", "null", "Null", "NULL"], None),
}
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)|(?P<dec>[0-9]+))"
)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TEXT_TAGS = frozenset(["!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:binary"])
_BASES = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}


class YamlFault(Exception):
    """A text that is not YAML, or that says one thing twice; ``line`` counts from 1."""

    def __init__(self, line: int, problem: str) -> None:
        """Keep the place and what is wrong there."""
        self.line = line
        self.problem = problem
        super().__init__(f"line {line}: {problem}")


@lru_cache(maxsize=2048)
def read_documents(text: str) -> tuple[object, ...]:
    """The documents in ``text``; those that hold nothing are left out. Raises YamlFault.

    The same text gives the same objects again, because renders of one chart differ in few templates: never change them.
    """
    try:
        return tuple(_Reader(text).documents())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise YamlFault(mark.line + 1 if mark else 1, problem) from error
    except yaml.YAMLError as error:
        raise YamlFault(1, str(error)) from error


class _Reader:
    """Builds plain data out of the parser's events."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_Loader)
        self._anchors: dict[str, tuple[object, int]] = {}
        self._nodes = 0

    def documents(self) -> Iterator[object]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                data = self._node(next(self._events), 0)
                if data is not None:
                    yield data

    def _node(self, event: yaml.Event, depth: int) -> object:
        line = _line(event)
        before = self._nodes
        self._nodes += 1
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, line)
        data: object
        if isinstance(event, yaml.ScalarEvent):
            data = _scalar(event)
        elif depth >= MAX_DEPTH:
            raise YamlFault(line, f"more than {MAX_DEPTH} levels deep")
        elif isinstance(event, yaml.MappingStartEvent):
            data = self._map(depth)
        else:
            data = self._list(depth)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = (data, self._nodes - before)
        return data

    def _alias(self, anchor: str | None, line: int) -> object:
        if anchor is None or anchor not in self._anchors:
            raise YamlFault(line, f"the alias *{anchor} stands for nothing")
        data, size = self._anchors[anchor]
        self._nodes += size
        if self._nodes > MAX_NODES:
            raise YamlFault(line, "aliases make the document too large")
        return data

    def _list(self, depth: int) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return items

    def _map(self, depth: int) -> dict[str, object]:
        data: dict[str, object] = {}
        merged: list[object] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = _line(event)
            if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]:
                below = self._node(next(self._events), depth + 1)
                merged += below if isinstance(below, list) else [below]
                continue
            key = _key(self._node(event, depth + 1), line)
            if key in data:
                raise YamlFault(line, f"the key {key!r} stands twice in one map")
            data[key] = self._node(next(self._events), depth + 1)
        for one in merged:
            if isinstance(one, dict):
                data = {**one, **data}
        return data


def _scalar(event: yaml.ScalarEvent) -> object:
    text: str = event.value
    if event.tag in _TEXT_TAGS or (event.tag is None and not event.implicit[0]):
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INFINITE.fullmatch(text):
        raise YamlFault(_line(event), f"{text} is a number that Kubernetes cannot take; put it into quotes")
    plain = text.replace("_", "")
    number = _INTEGER.fullmatch(plain)
    if number is not None:
        base, digits = next((name, number[name]) for name in _BASES if number[name] is not None)
        value = int(f"{number['sign']}{digits}", _BASES[base])
        # Go has 64 bits, with and without a sign; what is larger it reads as a float.
        return value if -(2**63) <= value < 2**64 else float(value)
    if _FLOAT.fullmatch(plain) and math.isfinite(float(plain)):
        return float(plain)
    return text


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _key(key: object, line: int) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int | float):
        return str(int(key)) if float(key).is_integer() else str(key)
    raise YamlFault(line, f"a key has to be a string, but this is {'null' if key is None else 'a map or a list'}")
