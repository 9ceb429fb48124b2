"""Templates are written once for what is alike, and never one for another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from floe_charts.helm import Component, Field, HelmChart, Values, each, text_lines, when, yaml_text
from floe_charts.helm.fingerprint import fingerprint


class ShopValues(Values):
    on: bool = Field(True, description="Switch.")
    off: bool = Field(False, description="Other switch.")
    name: str = Field("a", description="Name.")
    other: str = Field("b", description="Other name.")
    number: int = Field(1, description="Number.")
    items: list[str] = Field(["x"], description="Items.")
    labels: dict[str, str] = Field({"k": "v"}, description="Labels.")


class Shop(Component[ShopValues]):
    """A ConfigMap with whatever data a test gives."""

    def __init__(self, chart: HelmChart, data: Callable[[ShopValues], Mapping[str, Any]]) -> None:
        self.data = data
        super().__init__(chart, "shop", ShopValues())

    def build(self, v: ShopValues) -> None:
        """The object."""
        self.add(self.config_map(self.name("shop"), self.data(v)))


def fingerprint_of(data: Callable[[ShopValues], Mapping[str, Any]], head: str = "# head") -> bytes | None:
    chart = HelmChart("shop")
    Shop(chart, data)
    (template,) = chart.templates()
    return fingerprint(template, head)


DATA: dict[str, Callable[[ShopValues], Mapping[str, Any]]] = {
    "nothing": lambda v: {},
    "a text": lambda v: {"k": "a"},
    "another text": lambda v: {"k": "b"},
    "another key": lambda v: {"l": "a"},
    "texts that join alike": lambda v: {"ks1:": "a"},
    "two texts": lambda v: {"k": "a", "l": "b"},
    "in another order": lambda v: {"l": "b", "k": "a"},
    "a number's text": lambda v: {"k": "1"},
    "a number": lambda v: {"k": 1},
    "true": lambda v: {"k": True},
    "a fraction": lambda v: {"k": 1.0},
    "nothing there": lambda v: {"k": None},
    "a value": lambda v: {"k": v.name},
    "another value": lambda v: {"k": v.other},
    "a value in a text": lambda v: {"k": f"-{v.name}"},
    "a number of values": lambda v: {"k": v.number},
    "a condition": lambda v: {"k": when(v.on, "a")},
    "another condition": lambda v: {"k": when(v.off, "a")},
    "a choice": lambda v: {"k": when(v.on, "a", "b")},
    "a loop": lambda v: {**each(v.labels, lambda key, item: {f"x-{key}": item})},
    "another loop": lambda v: {**each(v.labels, lambda key, item: {f"y-{key}": item})},
    "lines": lambda v: {"k": text_lines("a", "b")},
    "lines in a loop": lambda v: {"k": text_lines(*each(v.items, lambda item: f"{item}="))},
    "yaml": lambda v: {"k": yaml_text({"a": "b"})},
    "other yaml": lambda v: {"k": yaml_text({"a": v.name})},
    "yaml with a list": lambda v: {"k": yaml_text({"a": ["b", "c"]})},
    "yaml with lists": lambda v: {"k": yaml_text({"a": [["b"], "c"]})},
}


def test_each_template_has_a_fingerprint_of_its_own() -> None:
    prints = {name: fingerprint_of(data) for name, data in DATA.items()}
    assert None not in prints.values()
    assert len(set(prints.values())) == len(DATA)


@pytest.mark.parametrize("name", DATA)
def test_it_is_the_same_when_made_again(name: str) -> None:
    assert fingerprint_of(DATA[name]) == fingerprint_of(DATA[name])


def test_the_comment_above_belongs_to_it() -> None:
    assert fingerprint_of(DATA["a text"], "# other") != fingerprint_of(DATA["a text"])
