"""Any nesting of conditions and loops comes out as the same nesting would in Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floe_charts.helm import Field, Values, each, not_, when, yaml_text
from floe_charts.verify.kube_yaml import read_documents
from tests.helm.rendering import probe


class Switches(Values):
    """Switches and names."""

    a: bool = Field(False, description="A switch.")
    b: bool = Field(False, description="Another switch.")
    names: list[str] = Field([], description="Names.")
    note: str | None = Field(None, description="A text that need not be there.")


@dataclass(frozen=True)
class Choice:
    """A piece on a condition: the name of a switch, with `not` before it or not."""

    condition: str
    body: Any
    otherwise: Any


@dataclass(frozen=True)
class Spread:
    """A piece put among others."""

    piece: Any


@dataclass(frozen=True)
class Repeat:
    """A piece for each name."""

    body: Any


NAME, NOTE = object(), object()
"""The name of the innermost loop (or the text "-" outside), and the optional text."""

_conditions = st.sampled_from(["a", "b", "not a", "not b"])
_leaves = st.sampled_from([NOTE, NOTE, NAME, 1, "text", True])


def _choices(body: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(Choice, _conditions, body, st.none() | body)


def _inside(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    values = inner | _choices(inner)
    lists = st.lists(values | st.builds(Spread, st.builds(Repeat, values)), max_size=3)
    maps = st.lists(values, max_size=3).map(lambda items: [("key", item) for item in items])
    spread_lists = _choices(lists).map(Spread)
    spread_maps = _choices(maps.map(dict_of)).map(lambda choice: [("spread", choice)])
    return (
        maps.map(dict_of)
        | st.builds(lambda one, other: dict_of([*one, *other]), maps, spread_maps)
        | st.lists(values | spread_lists, max_size=3)
        | lists
        | st.builds(Repeat, values)
    )


@dataclass(frozen=True)
class Entries:
    """A map: keys are numbered when it is written, so that none stands twice."""

    entries: tuple[tuple[str, Any], ...]


def dict_of(entries: list[tuple[str, Any]]) -> Entries:
    """A map of the entries."""
    return Entries(tuple(entries))


_trees = st.recursive(_leaves, _inside, max_leaves=7).filter(lambda tree: not isinstance(tree, Spread))


def _manifest(tree: Any, v: Any, name: Any, counter: Iterator[int]) -> Any:
    """The tree as a manifest."""
    if isinstance(tree, Choice):
        switch = getattr(v, tree.condition[-1])
        condition = not_(switch) if tree.condition.startswith("not") else switch
        otherwise = None if tree.otherwise is None else _manifest(tree.otherwise, v, name, counter)
        return when(condition, _manifest(tree.body, v, name, counter), otherwise)
    if isinstance(tree, Repeat):
        return each(v.names, lambda item: _manifest(tree.body, v, item, counter))
    if isinstance(tree, Entries):
        made: dict[Any, Any] = {}
        for kind, item in tree.entries:
            inner = _manifest(item, v, name, counter)
            made.update({**inner} if kind == "spread" else {f"k{next(counter)}": inner})
        return made
    if isinstance(tree, list):
        items: list[Any] = []
        for item in tree:
            items += (
                [*_manifest(item.piece, v, name, counter)]
                if isinstance(item, Spread)
                else [_manifest(item, v, name, counter)]
            )
        return items
    return v.note if tree is NOTE else name if tree is NAME else tree


ABSENT = object()


def _expected(tree: Any, values: dict[str, Any], name: str, *, item: bool = False, spread: bool = False) -> Any:
    """What must come out; a map or list of which nothing is left is absent, but stays as an item of a list."""
    if isinstance(tree, Choice):
        held = values[tree.condition[-1]] != tree.condition.startswith("not")
        chosen = tree.body if held else tree.otherwise
        return ABSENT if chosen is None else _expected(chosen, values, name, item=item, spread=spread)
    if isinstance(tree, Repeat):
        found = [_expected(tree.body, values, one, item=True) for one in values["names"]]
        left: Any = [one for one in found if one is not ABSENT]
        return left if left or item or spread else ABSENT
    if isinstance(tree, Entries):
        entries: list[Any] = []
        for kind, inner in tree.entries:
            made = _expected(inner, values, name, spread=kind == "spread")
            if made is not ABSENT:
                entries += made if kind == "spread" else [made]
        # Keys are left out of the comparison: a map is its values in order.
        return entries if entries or item or spread or not tree.entries else ABSENT
    if isinstance(tree, list):
        left = []
        for one in tree:
            if isinstance(one, Spread):
                more = _expected(one.piece, values, name, spread=True)
                left += [] if more is ABSENT else more
            elif (made := _expected(one, values, name, item=True)) is not ABSENT:
                left.append(made)
        return left if left or item or spread or not tree else ABSENT
    if tree is NOTE:
        return ABSENT if values["note"] is None else values["note"]
    return name if tree is NAME else tree


def _without_keys(tree: Any) -> Any:
    if isinstance(tree, dict):
        return [_without_keys(item) for item in tree.values()]
    return [_without_keys(item) for item in tree] if isinstance(tree, list) else tree


def _count() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(_trees)
def test_any_nesting_comes_out_as_in_python(tree: Any) -> None:
    def body(v: Any) -> dict[str, Any]:
        own = _manifest(tree, v, "-", _count())
        is_document = isinstance(tree, (Entries, list, Repeat))
        text = {"text": yaml_text(own)} if is_document else {}
        return {"kept": 1, "own": own, **text, "read": [v.a, v.b, f"{v.note}", *v.names]}

    rendering = probe(Switches(), body)
    for a, b, names, note in product((False, True), (False, True), ([], ["x", "{{"]), (None, "")):
        values = {"a": a, "b": b, "names": names, **({} if note is None else {"note": note})}
        found = rendering.data({"web": values})
        assert found["kept"] == 1
        expected = _expected(tree, {**values, "note": note}, "-")
        assert _without_keys(found.get("own", ABSENT)) == expected, rendering.template
        if "text" in found:
            (document,) = read_documents(found["text"])
            assert _without_keys(document) == ([] if expected is ABSENT else expected), rendering.template
