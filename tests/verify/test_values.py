"""Walking, changing and merging values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floe_charts.verify.engine import load
from floe_charts.verify.values import MISSING, delete_at, get_at, helm_merge, leaves, objects, override_at, set_at
from tests.support import write_chart

VALUES = {"a": 1, "b": {"c": "x", "d": {}, "e": []}, "f": [{"g": None}, 2]}


def test_leaves_take_a_list_as_a_whole() -> None:
    assert leaves(VALUES) == [
        (("a",), 1),
        (("b", "c"), "x"),
        (("b", "d"), {}),
        (("b", "e"), []),
        (("f",), [{"g": None}, 2]),
    ]


def test_leaves_can_go_into_lists() -> None:
    assert leaves(VALUES, into_lists=True)[-2:] == [(("f", 0, "g"), None), (("f", 1), 2)]


def test_objects_are_found_in_lists_too() -> None:
    assert objects(VALUES) == [(), ("b",), ("b", "d"), ("f", 0)]


def test_get_set_delete() -> None:
    assert get_at(VALUES, ("f", 0, "g")) is None
    assert get_at(VALUES, ("f", 9)) is MISSING
    assert get_at(VALUES, ("a", "below")) is MISSING
    assert set_at(VALUES, ("b", "new", "er"), 5)["b"] == {"c": "x", "d": {}, "e": [], "new": {"er": 5}}
    assert set_at(VALUES, ("f", 0, "g"), 5)["f"] == [{"g": 5}, 2]
    assert delete_at(VALUES, ("f", 1))["f"] == [{"g": None}]
    assert "a" not in delete_at(VALUES, ("a",))
    assert delete_at(VALUES, ("no", "such")) == VALUES
    with pytest.raises(IndexError):
        set_at(VALUES, ("f", 9), 5)
    assert VALUES == {"a": 1, "b": {"c": "x", "d": {}, "e": []}, "f": [{"g": None}, 2]}


def test_an_override_inside_a_list_takes_the_list_along() -> None:
    assert override_at({"a": 2}, VALUES, ("f", 0, "g"), 5) == {"a": 2, "f": [{"g": 5}, 2]}


TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x"]),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.sampled_from("abc"), below, max_size=3),
    max_leaves=12,
)
MAPS = st.dictionaries(st.sampled_from("abc"), TREES, max_size=3)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(base=MAPS, overlay=MAPS)
def test_merging_gives_what_helms_templates_see(
    tmp_path: Path, base: dict[str, object], overlay: dict[str, object]
) -> None:
    directory = tmp_path / "merge"
    if not directory.exists():
        write_chart(directory, {"x.yaml": "{{ toJson .Values }}"})
    (directory / "values.yaml").write_text(json.dumps(base), encoding="utf-8")
    seen = json.loads(load(directory).render(overlay)["merge/templates/x.yaml"])
    assert helm_merge(base, overlay) == seen
