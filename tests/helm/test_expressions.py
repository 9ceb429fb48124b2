"""References read like the values; what Python cannot decide about them is refused with advice."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe_charts.errors import DeclarationError
from floe_charts.helm import Component, Field, HelmChart, Image, Values, each, eq, token
from tests.helm.rendering import probe


class Inner(Values):
    """An inner object."""

    name: str = Field("n", description="A name.")


class ShopValues(Values):
    """Values of a shop."""

    x: str = Field("a", description="A text.")
    port: int = Field(80, description="A port.")
    ratio: float = Field(0.5, description="A ratio.")
    on: bool = Field(True, description="A switch.")
    items: list[str] = Field([], description="Items.")
    marks: dict[str, str] = Field({}, description="Marks.")
    image: Image = Image(repository="shop")
    inner: Inner | None = Field(None, description="An inner object.")
    objects: list[Inner] = Field([], description="Objects.")


class Shop(Component[ShopValues]):
    """A shop."""


@pytest.fixture
def v() -> Any:
    return Shop(HelmChart("acme", description="Acme."), "web").refs


MISUSES: list[tuple[Any, str]] = [
    (lambda v: bool(v.x), r"\.Values\.web\.x is known only when Helm renders; ask in the template"),
    (lambda v: v.x == "a", r"compare it in the template: eq\(a, b\)"),
    (lambda v: v.x == "a", r"compare it in the template: eq\(a, b\)"),
    (lambda v: v.x != "a", r"compare it in the template"),
    (lambda v: v.x < "a", r"compare it in the template"),
    (lambda v: v.x in ("a", "b"), r"compare it in the template"),
    (lambda v: "a" in v.x, r"its text is known when Helm renders"),
    (lambda v: len(v.x), r"its length is known when Helm renders"),
    (lambda v: v.x[0], r"its text is known when Helm renders"),
    (lambda v: list(v.x), r"its text is known when Helm renders"),
    (lambda v: v.x.upper(), r"join it with others in an f-string"),
    (lambda v: v.x.startswith("a"), r"its text is known when Helm renders"),
    (lambda v: v.x.split(","), r"its text is known when Helm renders"),
    (lambda v: f"{v.x:>10}", r"it cannot be formatted as '>10'"),
    (lambda v: f"{v.port:05}", r"it cannot be formatted as '05'"),
    (lambda v: v.port < 3, r"compare it in the template"),
    (lambda v: v.port <= 3, r"compare it in the template"),
    (lambda v: v.port == 80, r"compare it in the template"),
    (lambda v: bool(v.port), r"ask in the template"),
    (lambda v: v.port / 2, r"\+, - and \* for whole numbers"),
    (lambda v: v.port // 2, r"\+, - and \* for whole numbers"),
    (lambda v: v.port + 0.5, r"Helm computes with whole numbers only"),
    (lambda v: v.port + v.ratio, r"whole numbers"),
    (lambda v: v.ratio * 2, r"\+, - and \* for whole numbers"),
    (lambda v: v.ratio < 1, r"compare it in the template"),
    (lambda v: round(v.ratio), r"\+, - and \* for whole numbers"),
    (lambda v: not v.on, r"decide in the template: when\(a, ...\), not_\(a\), and_\(a, b\)"),
    (lambda v: v.on and v.x, r"decide in the template"),
    (lambda v: v.on == True, r"compare it in the template"),  # noqa: E712
    (lambda v: len(v.items), r"ask nonempty\(a\)"),
    (lambda v: bool(v.items), r"ask in the template"),
    (lambda v: v.items[0], r"use each\(a, ...\)"),
    (lambda v: "a" in v.items, r"what is in it is known when Helm renders"),
    (lambda v: f"{v.items}", r"a map or list cannot stand in a text"),
    (lambda v: [f"{item}" for item in v.items], r"each\(a, lambda item: ...\) instead of a Python loop"),
    (lambda v: v.marks["a"], r"use each\(a, ...\)"),
    (lambda v: v.marks.get("a"), r"use each\(a, ...\)"),
    (lambda v: list(v.marks.items()), r"use each\(a, ...\)"),
    (lambda v: f"{v.image}", r"\.Values\.web\.image is an object"),
    (lambda v: bool(v.inner), r"ask when\(present\(a\), ...\)"),
]  # fmt: skip


@pytest.mark.parametrize(("use", "said"), MISUSES)
def test_what_helm_decides_is_refused_in_python(v: Any, use: Any, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        use(v)


def test_a_python_loop_over_objects_is_refused(v: Any) -> None:
    with pytest.raises(AttributeError, match=r"each\(a, lambda item: ...\) instead of a Python loop"):
        [item.name for item in v.objects]


def test_a_misspelt_reference_names_what_is_near(v: Any) -> None:
    with pytest.raises(AttributeError) as refused:
        _ = v.prot
    assert str(refused.value) == "Shop at acme/web: v.prot is not declared in ShopValues; did you mean port?"
    with pytest.raises(AttributeError) as refused:
        _ = v.image.tagg
    assert str(refused.value) == "Shop at acme/web: v.image.tagg is not declared in Image; did you mean tag?"
    with pytest.raises(AttributeError) as refused:
        each(v.objects, lambda item: item.nam)
    assert str(refused.value) == "v.nam is not declared in Inner; did you mean name?"
    with pytest.raises(AttributeError, match=r"; it declares registry, repository, tag, digest, pull_policy$"):
        _ = v.image.zzzzzz


def test_references_are_values_of_their_own_kind(v: Any) -> None:
    assert isinstance(v.x, str)
    assert isinstance(v.port, int)
    assert isinstance(v.ratio, float)
    assert v.x == v.x
    assert v.port != v.port + 1
    assert {v.x: 1, v.image.tag: 2}[v.x] == 1
    assert {f"{v.x}": 1}[v.x] == 1
    assert repr([v.x, v.port, v.on, v.items, v.image]) == (
        "[<.Values.web.x>, <.Values.web.port>, <.Values.web.on>, <.Values.web.items>, <.Values.web.image>]"
    )


def test_copies_and_json_stand_for_the_same_expression() -> None:
    def body(v: Any) -> dict[str, Any]:
        plain = {"x": v.x, "port": v.port, "ratio": v.ratio, "on": v.on, "items": v.items, "marks": {**v.marks}}
        read = {"all": [v.image, v.inner, v.objects]}
        by_json = json.loads(
            json.dumps({"x": v.x, "port": v.port, "ratio": v.ratio, "on": token(v.on), "sum": v.port + 1})
        )
        return {
            "plain": plain,
            "copy": copy.deepcopy(plain),
            "shallow": copy.copy(plain),
            "json": by_json,
            "read": read,
        }

    data = probe(ShopValues(items=["i"], marks={"m": "1"}), body).data()
    assert data["plain"] == {"x": "a", "port": 80, "ratio": 0.5, "on": True, "items": ["i"], "marks": {"m": "1"}}
    assert data["copy"] == data["shallow"] == data["plain"]
    assert data["json"] == {"x": "a", "port": 80, "ratio": 0.5, "on": True, "sum": 81}


@given(st.text(), st.text())
def test_text_around_an_expression_stays_where_it_is(before: str, after: str) -> None:
    v: Any = Shop(HelmChart("acme", description="Acme."), "web").refs
    joined = f"{before}{v.x}{after}"
    assert joined.startswith(before)
    assert joined.endswith(after)
    assert eq(joined, joined) is not None


def test_expressions_of_two_charts_do_not_mix() -> None:
    class First(Values):
        """First."""

        mode: str = Field("one", description="A mode.", pattern="^(one|two)$")

    class Second(Values):
        """Second."""

        mode: str = Field("three", description="Another mode.", pattern="^three$")

    first = probe(First(), lambda v: {"mode": v.mode})
    second = probe(Second(), lambda v: {"mode": v.mode})
    assert (first.data(), second.data()) == ({"mode": "one"}, {"mode": "three"})
