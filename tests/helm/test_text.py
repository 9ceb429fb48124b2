"""Text is safe: whatever stands in a string value comes out of Helm exactly as it went in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from floe_charts.helm import (
    AnyJson,
    Field,
    StringMap,
    Values,
    default,
    each,
    eq,
    ne,
    nonempty,
    present,
    ternary,
    token,
    when,
    yaml_text,
)
from floe_charts.verify.kube_yaml import read_documents
from tests.helm.rendering import HOSTILE_TEXTS, Rendering, any_text, probe

slow = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


class Item(Values):
    """An item."""

    name: str = Field("", description="A text.")
    note: str | None = Field(None, description="A text that need not be there.")
    marks: dict[str, str] = Field({}, description="Texts by name.")


class TextValues(Values):
    """Every place where a text can stand among values."""

    text: str = Field("", description="A text.")
    note: str | None = Field(None, description="A text that need not be there.")
    annotations: StringMap = Field({}, description="Texts under safe keys.")
    entries: dict[str, str] = Field({}, description="Texts under any keys.")
    texts: list[str] = Field([], description="Texts.")
    grid: list[list[str]] = Field([], description="Texts in lists in a list.")
    item: Item = Field(Item(), description="An object.")
    items: list[Item] = Field([], description="Objects.")
    by_name: dict[str, Item] = Field({}, description="Objects by name.")
    optional: Item | None = Field(None, description="An object that need not be there.")
    number: int = Field(5, description="A number.")


def _body(v: TextValues) -> dict[str, Any]:
    return {
        "scalar": v.text,
        "joined": f"a{{{{%s {v.text}: {v.number}\n{v.text}",
        "token": token(v.text),
        "ternary": ternary(eq(v.number, 5), v.text, "other"),
        "default": default(v.text, "fallback {{"),
        "note": default(v.note, "no"),
        "list": [v.text, f"{v.text}!", {"name": v.text}, [v.text]],
        "whole": v.annotations,
        "entries": {**v.entries, "own": v.text},
        "texts": [*v.texts, "last"],
        "grid": v.grid,
        "item": v.item,
        "items": v.items,
        "byName": v.by_name,
        "spread": {**v.item},
        "each": [*each(v.items, lambda item: {"name": f"<{item.name}>", "marks": item.marks, "of": v.text})],
        "nested": {
            **each(
                v.by_name, lambda key, item: {key: [*each(item.marks, lambda inner, mark: [inner, mark, key, v.text])]}
            )
        },
        "when": when(nonempty(v.text), {"text": v.text}),
        "optional": v.optional,
        "config": yaml_text(
            {
                "text": v.text,
                "joined": f"{v.text}{v.text}",
                "entries": v.entries,
                "texts": [*v.texts],
                "each": [*each(v.items, lambda item: {"name": item.name})],
                "inner": yaml_text({"text": v.text, "list": [v.text]}),
            }
        ),
    }


@pytest.fixture(scope="module")
def chart() -> Rendering:
    return probe(TextValues(), _body)


def _check(chart: Rendering, text: str, key: str) -> None:
    marks = {key: text, "b": f"{text}{text}"}
    item = {"name": text, "marks": marks}
    values = {
        "text": text, "annotations": {"a/b": text, "c": text + text}, "entries": {**marks, "own": "overridden"},
        "texts": [text, f" {text}", text], "grid": [[text], [text, text]], "item": {**item, "note": text},
        "items": [item, {**item, "note": text}], "byName": {key: item, "z": {"name": text, "marks": {}}},
        "optional": item, "note": text,
    }  # fmt: skip
    body = chart.data({"web": values})
    assert body["scalar"] == body["token"] == body["ternary"] == text
    assert body["joined"] == f"a{{{{%s {text}: 5\n{text}"
    assert body["default"] == (text or "fallback {{")
    assert body["note"] == text
    assert body["list"] == [text, f"{text}!", {"name": text}, [text]]
    assert body["whole"] == values["annotations"]
    assert body["entries"] == {**marks, "own": text}
    assert body["texts"] == [text, f" {text}", text, "last"]
    assert body["grid"] == values["grid"]
    assert body["item"] == body["spread"] == values["item"]
    assert body["items"] == values["items"]
    assert body["optional"] == item
    assert body["each"] == [{"name": f"<{text}>", "marks": marks, "of": text}] * 2
    assert body["nested"][key] == [[name, mark, key, text] for name, mark in sorted(marks.items(), key=_go_order)]
    assert body.get("when") == ({"text": text} if text else None)
    (config,) = read_documents(body["config"])
    assert isinstance(config, dict)
    assert (config["text"], config["joined"], config["entries"]) == (text, text + text, values["entries"])
    assert (config["texts"], config["each"]) == (values["texts"], [{"name": text}] * 2)
    assert read_documents(config["inner"]) == ({"text": text, "list": [text]},)
    # "z" has no marks, and an empty entry keeps its place among others.
    assert body["byName"][key] == item
    assert body["byName"]["z"]["name"] == text


def _go_order(entry: tuple[str, str]) -> bytes:
    return entry[0].encode()


@slow
@given(any_text, keys.filter(lambda key: key not in ("b", "z", "own")))
@example("\x85\u2028", "\ufeff")
def test_any_text_comes_out_exactly(chart: Rendering, text: str, key: str) -> None:
    _check(chart, text, key)


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=lambda text: ascii(text)[:20])
def test_hostile_text_comes_out_exactly(chart: Rendering, text: str) -> None:
    _check(chart, text, text[:90] or "empty")


class FreeValues(Values):
    """Free-form."""

    free: AnyJson = Field({}, description="Anything.")


# What values.schema.json lets through as free-form JSON.
_free_text = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufffe\uffff", include_characters="\n\t"
    ),
    max_size=30,
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | _free_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_free_text, inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def free() -> Rendering:
    return probe(FreeValues(), lambda v: {"free": v.free, "inner": yaml_text({"free": v.free}), "kept": 1})


@slow
@given(_json)
@example({"<<": "a"})
@example({"k" * 2000: "a"})
@example({"a": "\x85"})
def test_free_form_json_comes_out_exactly_or_is_refused(free: Rendering, tree: Any) -> None:
    values = {"web": {"free": {"is": tree}}}
    if free.refused(values):
        return
    body = free.data(values)
    assert body["kept"] == 1
    assert body["free"] == {"is": tree}
    assert read_documents(body["inner"]) == ({"free": {"is": tree}},)


class LabelValues(Values):
    """Labels."""

    labels: dict[str, str] = Field({}, description="Labels.")
    name: str = Field("x", description="A name.")
    note: str | None = Field(None, description="A text that need not be there.")


def test_labels_from_values_stand_among_the_charts_own() -> None:
    def body(v: LabelValues) -> dict[str, Any]:
        return {
            "labels": {"first": "own", **v.labels, "last": "own"},
            "there": present(v.note),
            "name": ne(v.name, "x"),
        }

    chart = probe(LabelValues(), body)
    assert chart.data() == {"labels": {"first": "own", "last": "own"}, "there": False, "name": False}
    # As in Python, what stands later wins.
    values = {"labels": {"first": "theirs", "last": "theirs", "more": "{{"}, "note": "", "name": "y"}
    assert chart.data({"web": values}) == {
        "labels": {"first": "theirs", "last": "own", "more": "{{"}, "there": True, "name": True,
    }  # fmt: skip
