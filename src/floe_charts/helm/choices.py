"""Mappings in which a key could come out twice because of a condition or a loop among their entries.

A condition whose keys may also stand beside it is moved around the whole mapping: in either case what is left is a
mapping of keys and maps, in which the later one wins. Whether a loop makes a key that also stands beside it is known
only when Helm renders; that is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from floe_charts.errors import DeclarationError
from floe_charts.helm.expr import Splice, expression, parse, whole_expression
from floe_charts.helm.pieces import Conditional, Loop
from floe_charts.helm.spec import property_specs

__all__ = ["choice_between", "refuse_unknown_keys"]


class _Keys(NamedTuple):
    """The keys that begin and end so; ``exact`` is the one key that ``first`` is."""

    first: str
    last: str
    exact: bool = False

    def may_be(self, other: _Keys) -> bool:
        """Whether one key can be of both."""
        if self.exact and other.exact:
            return self.first == other.first
        if self.exact or other.exact:
            key, keys = (self.first, other) if self.exact else (other.first, self)
            return len(key) >= len(keys.first + keys.last) and key.startswith(keys.first) and key.endswith(keys.last)
        return _begins(self.first, other.first) and _begins(self.last[::-1], other.last[::-1])

    def __str__(self) -> str:
        return self.first if self.exact else f"{self.first}…{self.last}"


def _begins(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


_ANY = _Keys("", "")


def choice_between(mapping: Mapping[Any, Any]) -> Conditional | None:
    """The same mapping as a choice between two; None where no condition in it meets a key beside it."""
    for place, (key, value) in enumerate(mapping.items()):
        if isinstance(key, Splice) and isinstance(value, Conditional) and _met(mapping, place, value) is not None:
            sides = (_with(mapping, place, side) for side in (value.body, value.otherwise))
            return Conditional(expression(value.condition), *sides)
    return None


def refuse_unknown_keys(mapping: Mapping[Any, Any]) -> None:
    """Raise :class:`DeclarationError` for a loop whose keys may also stand beside it."""
    for place, (key, value) in enumerate(mapping.items()):
        if isinstance(key, Splice) and isinstance(value, Loop) and (met := _met(mapping, place, value)) is not None:
            beside = "entries of a map or of another loop" if not met.exact else f"the key {met}"
            raise DeclarationError(
                f"{beside} beside **each(...) may be a key that the loop makes, which only Helm knows; "
                "let the keys begin or end differently, or put them into mappings of their own"
            )


def _met(mapping: Mapping[Any, Any], place: int, value: object) -> _Keys | None:
    """Keys of the other entries, of which the piece at ``place`` may make one."""
    own = list(_keys(value))
    for other, (key, item) in enumerate(mapping.items()):
        for found in _entry_keys(key, item) if other != place else ():
            if any(found.may_be(keys) for keys in own):
                return found
    return None


def _with(mapping: Mapping[Any, Any], place: int, side: object) -> dict[Any, Any]:
    """The mapping with one side of a condition in the condition's place."""
    if side is None:
        entries: Mapping[Any, Any] = {}
    else:
        entries = side if isinstance(side, Mapping) else {Splice(side): side}
    made: dict[Any, Any] = {}
    for other, (key, value) in enumerate(mapping.items()):
        for name, item in entries.items() if other == place else ((key, value),):
            made.pop(name, None)  # What comes later wins, and stands at its own place.
            made[name] = item
    return made


def _entry_keys(key: object, value: object) -> Iterator[_Keys]:
    if isinstance(key, Splice):
        yield from _keys(value)
    elif isinstance(key, str):
        parts = parse(key)
        first, last = (part if isinstance(part, str) else "" for part in (parts[0], parts[-1]))
        yield _Keys(first, last, exact=len(parts) == 1 and isinstance(parts[0], str))


def _keys(value: object) -> Iterator[_Keys]:
    """The keys that a piece put into a mapping may make; a named template's are its author's affair."""
    if isinstance(value, Conditional):
        yield from _keys(value.body)
        yield from _keys(value.otherwise)
    elif isinstance(value, Loop):
        yield from _keys(value.body)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _entry_keys(key, item)
    elif (node := whole_expression(value)) is not None and node.spec.kind != "string":
        model = node.spec.model if node.spec.kind == "object" else None
        yield from (_Keys(name, name, exact=True) for name in property_specs(model)) if model else (_ANY,)
