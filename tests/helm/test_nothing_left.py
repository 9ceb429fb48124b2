"""What is empty among the values: an entry that somebody wrote stays, a key of a manifest goes where nothing is set."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from pydantic import StringConstraints

from floe_charts.errors import DeclarationError
from floe_charts.helm import AnyJson, EnvName, Field, Values, yaml_text
from floe_charts.verify.kube_yaml import read_documents
from tests.helm.rendering import Rendering, probe


class Amount(Values):
    """An amount, of which nothing need be set; no text in it is free."""

    cpu: int | None = Field(None, description="CPU.")
    memory: int | None = Field(None, description="Memory.")


class Label(Values):
    """A label, of which nothing need be set; its text is free."""

    text: str | None = Field(None, description="Text.")


class Sizes(Values):
    """What is there."""

    cpu: int = Field(1, description="CPU.")
    disk: int = Field(2, description="Disk.")


class ManyValues(Values):
    """Maps of everything."""

    lists: dict[EnvName, list[str]] = Field({}, description="Lists.")
    maps: dict[str, dict[str, str]] = Field({}, description="Maps.")
    amounts: dict[str, Amount] = Field({}, description="Objects without free text.")
    labels: dict[str, Label] = Field({}, description="Objects with free text.")
    trees: dict[str, AnyJson] = Field({}, description="Anything.")
    tree: AnyJson = Field({}, description="Anything.")
    amount: Amount = Field(Amount(), description="An object without free text.")
    label: Label = Field(Label(), description="An object with free text.")
    optional: Sizes | None = Field(None, description="An object that need not be there.")


@pytest.fixture(scope="module")
def chart() -> Rendering:
    names = ("lists", "maps", "amounts", "labels", "trees", "tree")
    return probe(
        ManyValues(),
        lambda v: {
            **{name: getattr(v, name) for name in names},
            "text": yaml_text({name: getattr(v, name) for name in names}),
            "spread": {"amount": {**v.amount}, "label": {**v.label}},
            "kept": {"cpu": 7, **v.optional, "disk": 8},
            "rest": [v.amount, v.label],
        },
    )


@pytest.mark.parametrize(
    "values",
    [
        {"lists": {"A": []}},
        {"lists": {"A": [], "B": ["b"], "C": [""]}},
        {"maps": {"a": {}}},
        {"maps": {"a": {}, "b": {"c": ""}}},
        {"amounts": {"a": {}, "b": {"cpu": 0}}},
        {"labels": {"a": {}}},
        {"labels": {"a": {}, "b": {"text": ""}}},
        {"trees": {"a": False}},
        {"trees": {"a": False, "b": 0, "c": "", "d": None, "e": {}, "f": [], "g": "x: y"}},
    ],
)
def test_every_entry_of_a_map_comes_out(chart: Rendering, values: dict[str, Any]) -> None:
    body = chart.data({"web": values})
    (inner,) = read_documents(body["text"])
    assert isinstance(inner, dict)
    for name, wanted in values.items():
        assert body[name] == wanted
        assert inner[name] == wanted


@pytest.mark.parametrize("tree", [False, 0, "", [], "text", [0], {"a": None}])
def test_anything_comes_out_as_a_whole(chart: Rendering, tree: Any) -> None:
    body = chart.data({"web": {"tree": tree}})
    assert body["tree"] == tree
    assert read_documents(body["text"]) == ({"tree": tree},)


def test_a_spread_object_of_which_nothing_is_set_leaves_nothing_behind(chart: Rendering) -> None:
    assert "spread" not in chart.data()
    assert chart.data({"web": {"amount": {"cpu": 0}}})["spread"] == {"amount": {"cpu": 0}}
    assert chart.data({"web": {"label": {"text": ""}}})["spread"] == {"label": {"text": ""}}


def test_a_spread_object_need_not_be_there(chart: Rendering) -> None:
    assert chart.data()["kept"] == {"cpu": 7, "disk": 8}
    assert chart.data({"web": {"optional": {"cpu": 3, "disk": 4}}})["kept"] == {"cpu": 3, "disk": 8}


class TwoValues(Values):
    """Objects and maps that may share keys."""

    one: Sizes = Field(Sizes(), description="An object.")
    other: Sizes = Field(Sizes(cpu=3, disk=4), description="Another one.")
    amount: Amount = Field(Amount(), description="One that shares a key, which need not be there.")
    away: Sizes | None = Field(None, description="One that need not be there.")
    free: dict[EnvName, int] = Field({}, description="A map.")
    more: dict[EnvName, int] = Field({}, description="Another one.")
    dashed: dict[Annotated[str, StringConstraints(pattern="^x-[a-z]+$")], int] = Field({}, description="Other keys.")


def _spread(v: Any) -> list[dict[str, Any]]:
    return [
        {**v.one, **v.other},
        {**v.one, **v.amount},
        {**v.amount, **v.one},
        {**v.one, **v.away},
        {**v.one, **v.free},
        {**v.amount, **v.free},
        {**v.free, **v.one},
        {**v.free, **v.one, **v.more},
        {**v.one, "cpu": 9, **v.away},
        {**v.free, **v.amount, "cpu": 9, "memory": 9},
        {**v.dashed, **v.amount},
    ]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"free": {"cpu": 10, "other": 11}},
        {"free": {"cpu": 10, "memory": 11}, "more": {"disk": 12, "cpu": 13}},
        {"amount": {"cpu": 0}, "free": {"cpu": 10}},
        {"amount": {"cpu": 20, "memory": 21}, "away": {"cpu": 30, "disk": 31}, "dashed": {"x-a": 1}},
        {"away": {"cpu": 30, "disk": 31}, "free": {"disk": 1}},
    ],
)
def test_of_spread_objects_and_maps_the_later_one_wins(values: dict[str, Any]) -> None:
    chart = probe(TwoValues(), lambda v: {"is": _spread(v)})
    default = {"one": {"cpu": 1, "disk": 2}, "other": {"cpu": 3, "disk": 4}, "away": {}, "amount": {}}
    plain = {**default, "free": {}, "more": {}, "dashed": {}, **values}
    assert chart.data({"web": values})["is"] == _spread(SimpleNamespace(**plain))


@pytest.mark.parametrize("name", ["amount", "away"])
def test_what_need_not_be_there_cannot_override_a_map(name: str) -> None:
    with pytest.raises(
        DeclarationError, match=rf"the key cpu of \.Values\.web\.{name}, which need not be there, may be"
    ):
        probe(TwoValues(), lambda v: {"is": {**v.free, **getattr(v, name)}, "all": v})
