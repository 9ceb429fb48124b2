"""Numbers and booleans keep their type; what is not set leaves no key behind; comparisons mean what they say."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest

from floe_charts.errors import DeclarationError
from floe_charts.helm import (
    Field,
    Values,
    and_,
    default,
    each,
    eq,
    ge,
    gt,
    le,
    lt,
    matches,
    ne,
    nonempty,
    not_,
    or_,
    present,
    raw_template,
    ternary,
    token,
    when,
    yaml_text,
)
from floe_charts.verify.kube_yaml import read_documents
from tests.helm.rendering import Rendering, probe


class Limits(Values):
    """Limits of an item."""

    count: int = Field(0, description="A count.")
    ratio: float | None = Field(None, description="A ratio.")


class TypedValues(Values):
    """Values of every type."""

    small: int = Field(0, description="A number.")
    large: int = Field(10**12, description="A number.")
    million: int = Field(1000000, description="A number.")
    ratio: float = Field(0.1, description="A number.")
    huge: float = Field(1e21, description="A number.")
    on: bool = Field(True, description="A switch.")
    off: bool = Field(False, description="A switch.")
    counts: list[int] = Field([1000000, 0], description="Numbers.")
    ratios: dict[str, float] = Field({"a": 1e21, "b": 0.5, "c": 2.0}, description="Numbers by name.")
    flags: dict[str, bool] = Field({"y": True, "n": False}, description="Switches by name.")
    limits: Limits = Field(Limits(count=1000000), description="Limits.")
    mode: Literal["a", "b"] = Field("a", description="A choice.")
    text: str = Field("", description="A text.")


@pytest.fixture(scope="module")
def types() -> Rendering:
    def body(v: TypedValues) -> dict[str, Any]:
        plain = {
            "small": v.small,
            "large": v.large,
            "million": v.million,
            "ratio": v.ratio,
            "huge": v.huge,
            "on": v.on,
            "off": v.off,
        }
        return {
            **plain,
            "tokens": [token(v.small), token(v.large), token(v.ratio), token(v.on), token(v.counts), token(v.limits)],
            "texts": [f"{v.large}", f"{v.million}", f"{v.ratio}", f"{v.huge}", f"{v.on}", f"{v.off}", str(v.small)],
            "joined": f"{v.large}/{v.million}/{v.ratio}/{v.huge}/{v.on}/{v.off}",
            "counts": v.counts,
            "ratios": v.ratios,
            "flags": v.flags,
            "limits": v.limits,
            "spread": {"first": 1, **v.limits, **v.ratios},
            "loops": [*each(v.counts, lambda count: {"count": count, "text": f"{count}"})],
            "sums": [
                v.million + 1,
                1 + v.small,
                v.million - 1,
                5 - v.small,
                v.million * 3,
                -v.million,
                v.large + v.million,
            ],
            "choice": [ternary(v.on, v.million, 5), ternary(v.off, v.ratio, 1), ternary(v.on, v.on, v.off)],
            "text": yaml_text({**plain, "limits": v.limits, "counts": v.counts}),
            "raw": raw_template(".Values.web.million | int64 | add 1", like=1, reads=[v.million]),
            "read": f"{v.mode}{v.text}",
        }

    return probe(TypedValues(), body)


def test_values_keep_their_type(types: Rendering) -> None:
    plain = {"small": 0, "large": 10**12, "million": 1000000, "ratio": 0.1, "huge": 1e21, "on": True, "off": False}
    limits = {"count": 1000000}
    body = types.data()
    (text,) = read_documents(body.pop("text"))
    assert _typed(text) == _typed({**plain, "limits": limits, "counts": [1000000, 0]})
    ratios = {"a": 1e21, "b": 0.5, "c": 2}
    expected = {
        **plain,
        "tokens": [0, 10**12, 0.1, True, [1000000, 0], limits],
        "texts": ["1000000000000", "1000000", "0.1", "1e+21", "true", "false", "0"],
        "joined": "1000000000000/1000000/0.1/1e+21/true/false",
        "counts": [1000000, 0],
        "ratios": ratios,
        "flags": {"y": True, "n": False},
        "limits": limits,
        "spread": {"first": 1, **limits, **ratios},
        "loops": [{"count": 1000000, "text": "1000000"}, {"count": 0, "text": "0"}],
        "sums": [1000001, 1, 999999, 5, 3000000, -1000000, 10**12 + 10**6],
        "choice": [1000000, 1, True],
        "raw": 1000001,
        "read": "a",
    }
    assert _typed(body) == _typed(expected)


def _typed(tree: Any) -> Any:
    """A tree in which 1 and true, and 1 and 1.0, differ as far as JSON tells them apart."""
    if isinstance(tree, dict):
        return {key: _typed(item) for key, item in tree.items()}
    if isinstance(tree, list):
        return [_typed(item) for item in tree]
    return type(tree).__name__, tree


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (lambda v: eq(v.small, 0), True),
        (lambda v: eq(v.large, 10**12), True),
        (lambda v: ne(v.small, v.large), True),
        (lambda v: lt(v.ratio, 1), True),
        (lambda v: gt(v.ratio, v.small), True),
        (lambda v: ge(v.huge, 1e21), True),
        (lambda v: le(v.small, -0.5), False),
        (lambda v: lt(v.large, 1e13), True),
        (lambda v: eq(v.on, True), True),
        (lambda v: eq(v.on, v.off), False),
        (lambda v: eq(v.mode, "a"), True),
        (lambda v: eq(v.text, ""), True),
        (lambda v: ne(f"{v.mode}-{v.small}", "a-0"), False),
        (lambda v: and_(v.on, not_(v.off), eq(v.small, 0)), True),
        (lambda v: and_(v.on, v.off), False),
        (lambda v: or_(v.off, v.on), True),
        (lambda v: or_(v.off), False),
        (lambda v: nonempty(v.text), False),
        (lambda v: nonempty(v.counts), True),
        (lambda v: present(v.small), True),
        (lambda v: present(v.limits.ratio), False),
        (lambda v: gt(v.limits.ratio, 0), False),
        (lambda v: ne(v.limits.ratio, 0.5), True),
        (lambda v: matches(v.mode, "^[ab]$"), True),
        (lambda v: matches(v.mode, r"\."), False),
        (lambda v: matches(f"{v.mode}-{v.small}", "^a-0$"), True),
    ],
)
def test_conditions(condition: Any, holds: bool) -> None:
    rendering = probe(
        TypedValues(),
        lambda v: {
            "is": condition(v),
            "if": when(condition(v), 1, 2),
            "ternary": ternary(condition(v), 1, 2),
            "all": v,
        },
    )
    body = rendering.data()
    assert (body["is"], body["if"], body["ternary"]) == (holds, *((1, 1) if holds else (2, 2)))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda v: eq(v.small, "0"), r"eq cannot compare .Values.web.small \(an integer\) with"),
        (lambda v: eq(v.counts, v.counts), "it takes two values of one scalar type"),
        (lambda v: lt(v.text, 1), "lt cannot compare"),
        (lambda v: matches(v.small, "0"), r"matches looks into a text, but .Values.web.small is an integer"),
        (lambda v: when(v.small, 1), "not a condition; ask present"),
        (lambda v: when(v.text, 1), "not a condition; ask present"),
        (lambda v: not_(v.counts), "not a condition"),
        (lambda v: and_(v.on, v.text), "not a condition"),
        (lambda v: ternary(v.on, v.small, v.text), "a choice is of one type"),
        (lambda v: default(v.text, 5), "a choice is of one type"),
        (lambda v: nonempty(v.small), "which is never empty"),
        (lambda v: each(v.text, lambda item: item), "each runs over a list or a map"),
    ],
)
def test_types_that_do_not_fit_are_refused_in_python(make: Any, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        probe(TypedValues(), lambda v: {"is": make(v), "all": v})


class Part(Values):
    """A part."""

    name: str | None = Field(None, description="A name.")
    port: int | None = Field(None, description="A port.")
    tags: list[str] = Field([], description="Tags.")


class OptionalValues(Values):
    """Values that need not be there."""

    text: str | None = Field(None, description="A text.")
    count: int | None = Field(None, description="A count.")
    ratio: float | None = Field(None, description="A ratio.")
    on: bool | None = Field(None, description="A switch.")
    names: list[str] | None = Field(None, description="Names.")
    marks: dict[str, str] | None = Field(None, description="Marks.")
    part: Part | None = Field(None, description="A part.")
    always: Part = Field(Part(), description="A part that is there.")
    parts: list[Part] = Field([], description="Parts.")


def _optional_body(v: Any) -> dict[str, Any]:
    return {
        "text": v.text,
        "count": v.count,
        "ratio": v.ratio,
        "on": v.on,
        "names": v.names,
        "marks": v.marks,
        "part": v.part,
        "always": v.always,
        "parts": v.parts,
        "joined": f"<{v.text}:{v.count}>",
        "list": [v.text, v.count, "kept"],
        "onlyList": [v.text, v.count],
        "map": {"a": v.text, "b": {"c": v.count}},
        "deep": {"a": {"b": [{"c": v.text}]}},
        "spread": {"kept": 1, **v.marks, "own": "last"},
        "items": ["kept", *v.names],
        "defaults": {
            "text": default(v.text, "d"),
            "count": default(v.count, 5),
            "ratio": default(v.ratio, 0.5),
            "on": default(v.on, True),
        },
        "if": when(v.on, "on", "off"),
        "choice": ternary(v.on, "on", "off"),
        "optionalChoice": ternary(present(v.count), v.count, v.count),
        "filled": [nonempty(v.text), nonempty(v.names), nonempty(v.marks)],
        "matching": [matches(v.text, "t"), matches(v.text, "^$")],
        "there": [present(v.text), present(v.count), present(v.on), present(v.names), present(v.part)],
        "text2": yaml_text({"text": v.text, "count": v.count}),
    }


@pytest.fixture(scope="module")
def optional() -> Rendering:
    return probe(OptionalValues(), _optional_body)


def test_what_is_not_set_leaves_nothing_behind(optional: Rendering) -> None:
    body = optional.data()
    assert body == {
        "list": ["kept"],
        "deep": {"a": {"b": [{}]}},
        "spread": {"kept": 1, "own": "last"},
        "items": ["kept"],
        "defaults": {"text": "d", "count": 5, "ratio": 0.5, "on": True},
        "if": "off",
        "choice": "off",
        "filled": [False, False, False],
        "matching": [False, True],
        "there": [False] * 5,
        "text2": "{}\n",
    }
    # A null that Helm keeps is as good as nothing.
    nothing = {key: None for key in ("text", "count", "ratio", "on", "names", "marks", "part")}
    assert optional.data({"web": nothing}) == body


def test_zero_false_and_empty_are_set(optional: Rendering) -> None:
    values = {"text": "", "count": 0, "ratio": 0, "on": False, "names": [], "marks": {}, "part": {"tags": []}}
    assert optional.data({"web": {**values, "parts": [{"tags": []}, {"name": "", "port": 0, "tags": ["t"]}]}}) == {
        "text": "",
        "count": 0,
        "ratio": 0,
        "on": False,
        "parts": [{}, {"name": "", "port": 0, "tags": ["t"]}],
        "joined": "<:0>",
        "list": ["", 0, "kept"],
        "onlyList": ["", 0],
        "map": {"a": "", "b": {"c": 0}},
        "deep": {"a": {"b": [{"c": ""}]}},
        "spread": {"kept": 1, "own": "last"},
        "items": ["kept"],
        "defaults": {"text": "", "count": 0, "ratio": 0, "on": False},
        "if": "off",
        "choice": "off",
        "optionalChoice": 0,
        "filled": [False, False, False],
        "matching": [False, True],
        "there": [True] * 5,
        "text2": 'text: ""\ncount: 0\n',
    }


def test_what_is_set_is_there(optional: Rendering) -> None:
    part = {"name": "n", "port": 1000000, "tags": ["a"]}
    values = {
        "text": "t",
        "count": 1000000,
        "ratio": 2,
        "on": True,
        "names": ["x"],
        "marks": {"m": "1", "own": "no"},
        "part": part,
    }
    body = optional.data({"web": {**values, "always": part, "parts": [part]}})
    for name in ("text", "count", "ratio", "on", "names", "marks", "part"):
        assert body[name] == values[name]
    assert body["always"] == part
    assert body["parts"] == [part]
    assert body["joined"] == "<t:1000000>"
    assert body["spread"] == {"kept": 1, "m": "1", "own": "last"}
    assert body["items"] == ["kept", "x"]
    assert body["defaults"] == {"text": "t", "count": 1000000, "ratio": 2, "on": True}
    assert (body["if"], body["choice"]) == ("on", "on")
    assert (body["filled"], body["there"]) == ([True] * 3, [True] * 5)
    assert body["matching"] == [True, False]


class Fraction(Values):
    """A fraction."""

    ratio: float = Field(0.5, description="A ratio.")
    most: float | None = Field(None, description="Another ratio.")
    count: int = Field(3, description="A count.")


def _formatted(pattern: str, number: float) -> str:
    return pattern % number


def test_a_number_that_python_wrote_into_a_text_is_the_number() -> None:
    def body(v: Any) -> dict[str, Any]:
        return {
            "json": json.dumps({"r": v.ratio, "c": v.count}),
            "end": f"<{float.__repr__(v.ratio)}>.",
            "fixed": _formatted("%.2f s", v.ratio),
            "count": f"<{int.__repr__(v.count)}.0>",
            "whole": _formatted("%.3f", v.ratio),
            "most": _formatted("at most %.2f", v.most),
        }

    rendering = probe(Fraction(), body)
    assert rendering.data() == {
        "json": '{"r": 0.5, "c": 3}',
        "end": "<0.5>.",
        "fixed": "0.50 s",
        "count": "<3.0>",
        "whole": "0.500",
    }
    assert rendering.data({"web": {"ratio": 2, "most": 0.25}})["fixed"] == "2.00 s"
    assert rendering.data({"web": {"most": 0.25}})["most"] == "at most 0.25"
