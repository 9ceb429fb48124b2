"""Literal text of a manifest comes out of Helm exactly; Helm evaluates nothing in it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from floe_charts.errors import DeclarationError
from floe_charts.helm import Component, Field, HelmChart, Values, each, when, yaml_text
from floe_charts.verify.kube_yaml import read_documents
from tests.helm.rendering import HOSTILE_TEXTS, Rendering, any_text, probe

slow = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


class OneValue(Values):
    """One value."""

    on: bool = Field(True, description="Something to read.")
    items: list[str] = Field(["a"], description="Items.")


def _rendered(body: Any) -> Any:
    rendering = probe(OneValue(), lambda v: {"own": body, "read": v.on, "items": [*v.items]})
    found = rendering.data()
    assert (found.pop("read"), found.pop("items")) == (True, ["a"])
    return found["own"]


_lines = st.lists(any_text | st.sampled_from(HOSTILE_TEXTS), max_size=5).map("\n".join)
_scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _lines | st.sampled_from(HOSTILE_TEXTS)
# Helm counts in floats, so that beyond 2**53 a number that is whole is no longer exact.
_numbers = st.floats(-1e15, 1e15) | st.sampled_from([1e21, -1e300, 1e-9])
_keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(HOSTILE_TEXTS)
_trees = st.recursive(
    _scalars | _numbers,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=4),
    max_leaves=12,
)


@slow
@given(_trees)
@example({"a": {"b": {}}, "c": [[], [[]], {}, {"d": []}]})
@example({"k" * 1500: {"j" * 1500: "v"}, "list": [{"k" * 1500: "v"}]})
def test_any_tree_comes_out_exactly(tree: Any) -> None:
    assert _rendered(tree) == tree


@slow
@given(_trees)
def test_any_tree_comes_out_of_a_text_exactly(tree: Any) -> None:
    text = _rendered({"text": yaml_text({"tree": tree, "inner": yaml_text([tree])})})["text"]
    (outer,) = read_documents(text)
    assert isinstance(outer, dict)
    assert outer["tree"] == tree
    assert read_documents(outer["inner"]) == ([tree],)


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=lambda text: ascii(text)[:20])
def test_hostile_text_comes_out_exactly(text: str) -> None:
    def body(v: OneValue) -> dict[str, Any]:
        return {
            "scalar": text,
            "item": [text, {text: text}, [text]],
            "block": f"first\n{text}\nlast",
            "joined": f"{text}{v.items and '' if False else v.on}{text}",
            "when": when(v.on, text, f"not {text}"),
            **when(v.on, {f"{text}-when": text}),
            "each": [*each(v.items, lambda item: {text: f"{text}{item}"})],
            "text": yaml_text({text: text, "block": f"first\n{text}\nlast"}),
        }

    found = probe(OneValue(), body).data()
    assert found["scalar"] == found["when"] == found[f"{text}-when"] == text
    assert found["item"] == [text, {text: text}, [text]]
    assert found["block"] == f"first\n{text}\nlast"
    assert found["joined"] == f"{text}true{text}"
    assert found["each"] == [{text: f"{text}a"}]
    assert read_documents(found["text"]) == ({text: text, "block": f"first\n{text}\nlast"},)


def test_readable_text_of_several_lines_is_written_as_such() -> None:
    script = "#!/bin/sh\nset -eu\n\nif true; then\n  echo '{{ .Values }}' \"x\"\nfi\n"
    rendering = probe(OneValue(), lambda v: {"script": script, "read": v.on, "items": v.items})
    assert "script: |\n" in rendering.template
    assert "    if true; then\n      echo" in rendering.template
    assert rendering.data()["script"] == script


@pytest.mark.parametrize("text", ["72057594000000001", "5000000000000000", "\ue0000\ue001", "\ue0000000\ue001\ue000"])
def test_text_that_looks_like_a_placeholder_is_text(text: str) -> None:
    assert _rendered({text: [text, f"<{text}>", int(text) if text.isdigit() else text]}) == {
        text: [text, f"<{text}>", int(text) if text.isdigit() else text]
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"a": math.nan}, "nan is a number that JSON cannot hold"),
        ({"a": math.inf}, "inf is a number that JSON cannot hold"),
        ({"a": {1: "b"}}, "1 is no key of a map; keys are strings"),
        ({"a": b"bytes"}, "b'bytes' cannot stand in a template"),
        ({"a": {"set"}}, r"\{'set'\} cannot stand in a template"),
        ({"a": object}, "<class 'object'> cannot stand in a template"),
        ({"a": yaml_text("text")}, "a YAML document is a map or a list, found 'text'"),
    ],
)
def test_what_yaml_cannot_hold_is_refused_by_name(body: dict[str, Any], said: str) -> None:
    with pytest.raises(DeclarationError, match=rf"^Probe probe: .*{said}.*\(Probe.build\)$"):
        probe(OneValue(), lambda v: {**body, "read": v.on, "items": v.items})


class NoteValues(Values):
    """Values for notes."""

    name: str = Field("a {{ b", description="A name.")
    count: int = Field(1000000, description="A count.")
    ratio: float = Field(1e6, description="A ratio.")
    on: bool = Field(False, description="Whether.")


@pytest.mark.parametrize("text", ["{", "{{", "{{ .Values }}", "}}", "%s", "{{- /*"])
def test_notes_say_what_they_are_told(text: str) -> None:
    class Notes(Component[NoteValues]):
        pass

    chart = HelmChart("noted", description="A chart for a test.")
    v = Notes(chart, "web").refs
    chart.notes.append(f"{text}{v.name} {v.count} {v.ratio}{text}")
    chart.notes.append(when(v.on, f"on {text}", f"off {text}{v.on}"))
    notes = Rendering(chart.files()).texts()["NOTES.txt"]
    assert notes.strip().splitlines() == [f"{text}a {{{{ b 1000000 1000000{text}", f"off {text}false"]


def test_a_note_is_a_text() -> None:
    chart = HelmChart("noted", description="A chart for a test.")
    chart.notes.append(["a", "list"])
    with pytest.raises(DeclarationError, match=r"a note is a text or when\(condition, text\), found \['a', 'list'\]"):
        chart.files()
