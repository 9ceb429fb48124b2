"""YAML to a tree of JSON values, from the parser's events: PyYAML's own constructors trust the text too much.

Limited are the nesting and what aliases expand to; refused are duplicate keys, keys that are no strings, tags that make
objects, and several documents. Scalars are read as PyYAML's safe loader reads them (YAML 1.1: ``yes`` and ``off`` are
booleans), but dates and times stay text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import yaml

from ._tree import MAX_DEPTH, TOO_DEEP
from .errors import DocumentError, shorten

__all__ = ["MAX_ALIASED_NODES", "YamlReader"]

MAX_ALIASED_NODES = 100_000

_TAG = "tag:yaml.org,2002:"
_NOT_A_KEY = object()
_MERGE = object()
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end has not come yet."""

    node: dict[str, object] | list[object]
    event: Any
    key: object = _NOT_A_KEY  # of a mapping: the key that waits for its value
    merged: list[object] | None = None  # of a mapping: what ``<<`` names


class YamlReader:
    """Reads one YAML document; use it once."""

    def __init__(self, text: str, source: str) -> None:
        """``source`` is the file's name in errors."""
        self._source = source
        self._text = text
        self._loader: Any = None
        self._anchors: dict[str, object] = {}
        self._aliased = 0

    def read(self) -> object:
        """Return the tree, or raise DocumentError with the line and column of what is wrong."""
        try:
            self._loader = _Loader(self._text)
            return self._document()
        except yaml.MarkedYAMLError as error:
            problem = f"is not YAML: {error.problem or error.context}"
            raise self._error(error.problem_mark or error.context_mark, problem) from None
        except yaml.YAMLError as error:
            reason = getattr(error, "reason", None) or "it does not parse"
            raise self._error(None, f"is not YAML: {reason}") from None
        finally:
            if self._loader is not None:
                self._loader.dispose()

    def _document(self) -> object:
        self._next()
        start = self._next()
        if not isinstance(start, yaml.DocumentStartEvent):
            raise self._error(None, "holds nothing but comments; expected JSON or YAML")
        data = self._tree()
        self._next()
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._error(after.start_mark, "a second document begins; expected one document")
        return data

    def _next(self) -> Any:
        return self._loader.get_event()

    def _tree(self) -> object:
        stack: list[_Open] = []
        while True:
            event = self._next()
            if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                self._open(event, stack)
                continue
            if isinstance(event, yaml.ScalarEvent):
                value = self._scalar(event)
                self._remember(event, value)
            elif isinstance(event, yaml.AliasEvent):
                value = self._alias(event, len(stack))
            else:
                closed = stack.pop()
                value = closed.node
                _merge(closed)
                self._remember(closed.event, value)
                event = closed.event
            if not stack:
                return value if value is not _MERGE else "<<"
            self._put(stack[-1], value, event)

    def _open(self, event: Any, stack: list[_Open]) -> None:
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", _TAG + ("map" if is_mapping else "seq")):
            raise self._tag_error(event)
        if len(stack) >= MAX_DEPTH:
            raise self._error(event.start_mark, TOO_DEEP)
        stack.append(_Open({} if is_mapping else [], event))

    def _put(self, parent: _Open, value: object, event: Any) -> None:
        node = parent.node
        if isinstance(node, list):
            node.append("<<" if value is _MERGE else value)
        elif parent.key is _NOT_A_KEY:
            parent.key = self._key(value, event)
            if parent.key in node or (value is _MERGE and parent.merged is not None):
                name = shorten("<<" if value is _MERGE else value)
                raise self._error(event.start_mark, f"the key {name} stands twice in one object")
        elif parent.key is _MERGE:
            parent.merged = value if isinstance(value, list) else [value]
            if not all(isinstance(item, dict) for item in parent.merged):
                raise self._error(event.start_mark, "`<<` takes a mapping or a list of mappings")
            parent.key = _NOT_A_KEY
        else:
            node[str(parent.key)] = "<<" if value is _MERGE else value
            parent.key = _NOT_A_KEY

    def _key(self, value: object, event: Any) -> object:
        if value is _MERGE or isinstance(value, str):
            return value
        text = event.value if isinstance(event, yaml.ScalarEvent) else ""
        if type(value) is int and str(value) == text:
            return text  # as Helm reads `8080: x`
        what = f"`{text[:40]}`, which YAML reads as {json.dumps(value)}" if text else "no string"
        raise self._error(event.start_mark, f"a key is {what}; expected a string", "put it in quotes")

    def _remember(self, event: Any, value: object) -> None:
        if event.anchor is not None:
            self._anchors[event.anchor] = value

    def _alias(self, event: Any, depth: int) -> object:
        if event.anchor not in self._anchors:
            raise self._error(event.start_mark, f"*{event.anchor[:40]} names no anchor that is complete before it")
        return self._copy(self._anchors[event.anchor], depth, event)

    def _copy(self, value: object, depth: int, event: Any) -> object:
        """A copy, because a reader of the tree may change one place and not mean the other; counted as it is made."""
        self._aliased += 1
        if self._aliased > MAX_ALIASED_NODES:
            problem = f"aliases expand to more than {MAX_ALIASED_NODES:,} nodes"
            raise self._error(event.start_mark, problem, "write the values out, or use JSON")
        if depth > MAX_DEPTH:
            raise self._error(event.start_mark, TOO_DEEP)
        if isinstance(value, dict):
            copied: dict[str, object] = {}
            for key, item in value.items():
                copied[key] = self._copy(item, depth + 1, event)
            return copied
        if isinstance(value, list):
            items: list[object] = []
            for item in value:
                items.append(self._copy(item, depth + 1, event))
            return items
        return value

    def _scalar(self, event: Any) -> object:
        tag = event.tag
        if tag in (None, "!"):
            tag = self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        kind = tag.removeprefix(_TAG)
        if kind in ("str", "timestamp", "value"):
            return event.value
        if kind == "merge":
            return _MERGE
        if kind == "null":
            return None
        if kind not in ("bool", "int", "float"):
            raise self._tag_error(event)
        if ":" in event.value:
            return event.value  # 12:30 is a time, not a number to the base of 60
        return self._convert(kind, event)

    def _convert(self, kind: str, event: Any) -> object:
        text = event.value
        if kind == "int" and len(text) < 19 and text.isdecimal() and text[0] != "0":
            return int(text)  # nearly all numbers; the rest is left to PyYAML
        node = yaml.ScalarNode(_TAG + kind, text)
        try:
            value: object = getattr(self._loader, f"construct_yaml_{kind}")(node)
        except (ValueError, KeyError, IndexError):
            expected = {"bool": "a boolean", "int": "an integer", "float": "a number"}[kind]
            raise self._error(event.start_mark, f"cannot be read as {expected}", "put it in quotes") from None
        if isinstance(value, float) and value - value != 0:
            raise self._error(event.start_mark, f"found {event.value[:40]}; expected a finite number")
        return value

    def _tag_error(self, event: Any) -> DocumentError:
        tag = event.tag.replace(_TAG, "!!")
        return self._error(event.start_mark, f"the tag {shorten(tag)} is not accepted; expected plain YAML")

    def _error(self, mark: Any, problem: str, hint: str = "") -> DocumentError:
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        return DocumentError(self._source, place, problem, hint)


def _merge(closed: _Open) -> None:
    """Add what ``<<`` names: keys of the mapping itself win, then those of earlier mappings."""
    if isinstance(closed.node, dict):
        for item in closed.merged or ():
            assert isinstance(item, dict)
            for key, value in item.items():
                closed.node.setdefault(key, value)
