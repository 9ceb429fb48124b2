"""Witnesses: what a manifest would be with plain values, held against the Kubernetes schema before Helm sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from floe_charts.helm.expr import Splice, node_of, whole_expression
from floe_charts.helm.kubernetes_types import kubernetes_example
from floe_charts.helm.nodes import Concat, Constant, Node, ValueRef
from floe_charts.helm.pieces import Conditional, Loop, TextLines, YamlText
from floe_charts.helm.spec import Spec, property_specs
from floe_charts.helm.tokens import is_literal, parse

__all__ = ["expression_at", "has_alternatives", "witness"]

_ABSENT = object()


def witness(value: Any, values: Mapping[str, Any], *, otherwise: bool = False) -> Any:
    """``value`` with every expression replaced by a plain value of its type.

    A reference takes what ``values`` holds at its path, where that is not empty. Conditions are taken to hold, or, with
    ``otherwise``, not to.
    """
    made = _witness(value, values, otherwise)
    return None if made is _ABSENT else made


def _witness(value: Any, values: Mapping[str, Any], otherwise: bool) -> Any:
    # By exact types first: Python's abstract ones take ten times as long.
    kind = type(value)
    if value is None or kind is bool or (kind is str and is_literal(value)):
        return value
    if kind is dict:
        return _mapping(value, values, otherwise)
    if kind is list:
        return _list(value, values, otherwise)
    if isinstance(value, Splice):
        return _witness(value.content, values, otherwise)
    if isinstance(value, Conditional):
        body = value.otherwise if otherwise else value.body
        return _ABSENT if body is None else _witness(body, values, otherwise)
    if isinstance(value, Loop):
        return _list([Splice(value)], values, otherwise)
    if isinstance(value, (TextLines, YamlText)):
        return "text"
    node = whole_expression(value)
    if node is not None:
        return _of(node, values)
    if isinstance(value, Mapping):
        return _mapping(value, values, otherwise)
    if isinstance(value, str):
        return _string(value, values)
    if isinstance(value, Sequence):
        return _list(value, values, otherwise)
    return value if isinstance(value, (int, float)) else _of(node_of(value), values)


def _mapping(mapping: Mapping[Any, Any], values: Mapping[str, Any], otherwise: bool) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, item in mapping.items():
        inner = _entries(item, values, otherwise) if isinstance(key, Splice) else _witness(item, values, otherwise)
        if inner is _ABSENT:
            continue
        if isinstance(key, Splice):
            made.update(inner if isinstance(inner, dict) else {})
        else:
            made[str(_string(key, values))] = inner
    return made


def _entries(value: Any, values: Mapping[str, Any], otherwise: bool) -> Any:
    """What is put into a mapping with ``**``."""
    if isinstance(value, Loop):
        return _entries(value.body, values, otherwise)
    if isinstance(value, Conditional):
        body = value.otherwise if otherwise else value.body
        return {} if body is None else _entries(body, values, otherwise)
    return _witness(value, values, otherwise)


def _list(items: Sequence[Any], values: Mapping[str, Any], otherwise: bool) -> list[Any]:
    made: list[Any] = []
    for item in items:
        content = item.content if isinstance(item, Splice) else item
        loop = content if isinstance(item, Splice) and isinstance(content, Loop) else None
        inner = _witness(content if loop is None else loop.body, values, otherwise)
        if inner is _ABSENT:
            continue
        spliced = isinstance(item, Splice) and isinstance(inner, list) and loop is None
        made.extend(inner if spliced else [inner])
    return made


def _string(text: str, values: Mapping[str, Any]) -> Any:
    if type(text) is str and is_literal(text):
        return text
    parts = parse(text)
    if len(parts) == 1:
        return parts[0] if isinstance(parts[0], str) else _of(parts[0], values)
    return "".join(part if isinstance(part, str) else str(_of(part, values)) for part in parts)


def _of(node: Node, values: Mapping[str, Any]) -> Any:
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, Concat):
        return "".join(part if isinstance(part, str) else str(_of(part, values)) for part in node.parts)
    if isinstance(node, ValueRef):
        here: Any = values
        for key in node.path:
            here = here.get(key) if isinstance(here, Mapping) else None
        if here not in (None, "", {}, []):
            return here
    return _example(node.spec)


def _example(spec: Spec) -> Any:
    if spec.kubernetes is not None:
        return kubernetes_example(spec.kubernetes)
    bounds = dict(spec.bounds)
    if "const" in bounds:
        return bounds["const"]
    if "enum" in bounds:
        return bounds["enum"][0]
    if spec.kind == "object" and spec.model is not None:
        return {
            name: _example(prop.spec) for name, prop in property_specs(spec.model).items() if not prop.spec.optional
        }
    if spec.kind == "list":
        return [_example(spec.item)] if spec.item else []
    if spec.kind in ("map", "any"):
        return {"key": _example(spec.item)} if spec.item else {}
    if spec.kind in ("integer", "number"):
        return _number(bounds) if spec.kind == "integer" else float(_number(bounds))
    return "text" if spec.kind == "string" else True


def _number(bounds: Mapping[str, Any]) -> Any:
    """A number within bounds, one where they allow it."""
    lowest = bounds.get("minimum", bounds.get("exclusiveMinimum", 0) + 1)
    highest = bounds.get("maximum", bounds.get("exclusiveMaximum", lowest + 2) - 1)
    return max(min(lowest, highest), min(1, highest))


def has_alternatives(value: Any) -> bool:
    """Whether a condition stands anywhere in ``value``."""
    if type(value) is dict:
        return any(has_alternatives(item) for item in value.values())
    if isinstance(value, str):
        return False
    if isinstance(value, Splice):
        return has_alternatives(value.content)
    if isinstance(value, Conditional):
        return True
    if isinstance(value, Loop):
        return has_alternatives(value.body)
    if isinstance(value, Mapping):
        return any(has_alternatives(item) for item in value.values())
    return isinstance(value, Sequence) and any(has_alternatives(item) for item in value)


def expression_at(value: Any, path: Sequence[str | int], *, otherwise: bool = False) -> Node | None:
    """The expression that stands at ``path`` of a manifest, if it can be found there.

    ``otherwise`` says which side of conditions is looked at, as in :func:`witness`.
    """
    here: Any = _side(value, otherwise)
    for key in path:
        here = _side(next(_inside(here, key, otherwise), None), otherwise)
    node = whole_expression(here)
    return node if node is not None and any(True for _ in node.reads()) else None


def _side(value: Any, otherwise: bool) -> Any:
    """A piece without the choices around it."""
    while isinstance(value, (Conditional, Splice)):
        value = value.content if isinstance(value, Splice) else value.otherwise if otherwise else value.body
    return value


def _inside(value: Any, key: str | int, otherwise: bool) -> Iterator[Any]:
    if isinstance(value, Mapping):
        if key in value:
            yield value[key]
        for other, item in value.items():
            if isinstance(other, Splice):
                yield from _inside(_side(item, otherwise), key, otherwise)
    elif isinstance(value, (list, tuple)) and isinstance(key, int):
        here = value[key : key + 1]
        # Behind a piece that may be absent, places are not what they were.
        yield from () if any(isinstance(item, (Splice, Conditional)) for item in value[: key + 1]) else here
