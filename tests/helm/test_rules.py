"""Rules between values: Helm refuses what breaks them, and we say why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pytest

from floe_charts.helm import ChartValues, Component, Field, HelmChart, Values
from floe_charts.helm.rules import ValueRule
from tests.helm.one_chart import chart_with
from tests.helm.rendering import Rendering


class Source(Values):
    """Where it comes from."""

    kind: Literal["own", "made", "theirs"] = Field("own", description="Kind of source.")


class ShopValues(Values):
    """A shop."""

    source: Source = Field(Source(), description="Where goods come from.")
    other: Source | None = Field(None, description="Where other goods come from.")


class StageValues(ChartValues):
    """The chart's own."""

    stage: Literal["dev", "test", "prod"] = Field("dev", description="Stage.")


WHY = "made goods are for trying out"
RULES = (
    ValueRule("web.source.kind", ("made", "theirs"), "stage", ("dev", "test"), WHY),
    ValueRule("web.other.kind", ("made",), "stage", ("dev", "test"), WHY),
    ValueRule("web.other.kind", ("theirs",), "", (), "nobody knows them"),
)


class Staged(HelmChart):
    """A chart with rules."""

    def rules(self) -> Sequence[ValueRule]:
        return RULES


def chart() -> HelmChart:
    def build(self: Any, v: Any) -> None:
        stage = self.chart.refs.stage
        self.add({"apiVersion": "test/v1", "kind": "Probe", "metadata": {"name": "p"}, "all": v, "stage": stage})

    return chart_with(ShopValues(), build, shared=StageValues(), kind=Staged)


@pytest.fixture(scope="module")
def rendering() -> Rendering:
    return Rendering(chart().files())


def values(stage: str, kind: str = "own", other: str | None = None) -> dict[str, Any]:
    web = {"source": {"kind": kind}, **({"other": {"kind": other}} if other else {})}
    return {"stage": stage, "web": web}


def faults(tree: dict[str, Any]) -> list[str]:
    made = chart()
    declared = made.declared_values()
    return [str(fault) for fault in declared.faults({**made.default_values(), **tree})]


@pytest.mark.parametrize(
    "tree",
    [
        values("dev", "made"),
        values("test", "theirs", "made"),
        values("prod"),
        values("prod", other="own"),
    ],
)
def test_what_the_rules_allow_passes(rendering: Rendering, tree: dict[str, Any]) -> None:
    assert not rendering.refused(tree)
    assert faults(tree) == []


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        (values("prod", "made"), f'web.source.kind "made" is refused: {WHY}'),
        (values("prod", "theirs"), f'web.source.kind "theirs" is refused: {WHY}'),
        (values("prod", other="made"), f'web.other.kind "made" is refused: {WHY}'),
        (values("dev", other="theirs"), 'web.other.kind "theirs" is refused: nobody knows them'),
    ],
)
def test_what_breaks_a_rule_is_refused_and_told(rendering: Rendering, tree: dict[str, Any], said: str) -> None:
    assert rendering.refused(tree)
    assert faults(tree) == [said]


def test_each_rule_says_its_reason_in_the_schema() -> None:
    assert [rule["$comment"] for rule in chart().schema()["allOf"]] == [WHY, WHY, "nobody knows them"]


def test_a_wrong_value_is_no_matter_of_the_rules() -> None:
    [said] = faults(values("prod", "stolen"))
    assert said == 'web.source.kind takes one of own, made, theirs, found "stolen"'


class Guarded(Component[ShopValues]):
    """A component with a rule of its own: goods that are made need another source beside them."""

    def value_rules(self) -> Sequence[ValueRule]:
        return (ValueRule(f"{self.id}.other", (None,), f"{self.id}.source.kind", ("own", "theirs"), "made goods fail"),)

    def build(self, v: ShopValues) -> None:
        self.add({"apiVersion": "test/v1", "kind": "Probe", "metadata": {"name": "p"}, "all": v})


@pytest.mark.parametrize(
    ("kind", "other", "refused"), [("own", None, False), ("made", "own", False), ("made", None, True)]
)
def test_a_component_can_ask_for_a_value(kind: str, other: str | None, refused: bool) -> None:
    made = HelmChart("shop")
    Guarded(made, "web")
    tree = {"web": values("dev", kind, other)["web"]}
    assert Rendering(made.files()).refused(tree) is refused
    declared = made.declared_values()
    found = [str(fault) for fault in declared.faults({**made.default_values(), **tree})]
    assert found == (["web.other is missing: made goods fail"] if refused else [])
