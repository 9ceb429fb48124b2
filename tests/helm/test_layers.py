"""Values in layers merge as Helm merges them, and overlays hold exactly the differences."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from floe_charts.helm.layers import LayeredValues, differences, leaf_paths, merge, prune_nulls
from floe_charts.helm.valuesfile import overlay_text
from tests.helm.rendering import Rendering

slow = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
_keys = st.sampled_from(["a", "b", "c", "a.b", "y"])
_scalars = st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "1", "true", "null"])
_lists = st.lists(
    st.recursive(_scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_keys, inner, max_size=2)),
    max_size=3,
)
_values = st.recursive(_scalars | _lists, lambda inner: st.dictionaries(_keys, inner, max_size=3), max_leaves=8)
_trees = st.dictionaries(_keys, _values, max_size=4)
_nullable = st.dictionaries(
    _keys,
    st.recursive(_scalars | _lists | st.none(), lambda inner: st.dictionaries(_keys, inner, max_size=3), max_leaves=8),
    max_size=4,
)


def _exactly(tree: Any) -> Any:
    """A tree in which 1 and true differ."""
    if isinstance(tree, dict):
        return {key: _exactly(item) for key, item in tree.items()}
    return [_exactly(item) for item in tree] if isinstance(tree, list) else (type(tree), tree)


@slow
@given(_trees, _trees)
@example({"a": [0]}, {"a": [False]})
@example({"a": {"b": 1}}, {"a": {}})
@example({"a": 1}, {"a": {}})
@example({"a": {}}, {"a": []})
@example({"a": {"b": {"c": 1}}}, {"a": {"b": 2}})
def test_helm_and_python_merge_the_differences_to_what_is_wanted(base: dict[str, Any], wanted: dict[str, Any]) -> None:
    overlay = differences(base, wanted)
    assert _exactly(merge(base, overlay)) == _exactly(wanted)
    chart = Rendering(
        {"Chart.yaml": "apiVersion: v2\nname: c\nversion: 0.1.0\n", "values.yaml": overlay_text(base, "Base.")}
    )
    assert _exactly(chart.merged(overlay)) == _exactly(wanted)
    if _exactly(base) == _exactly(wanted):
        assert overlay == {}


@slow
@given(_trees, _nullable)
def test_an_overlay_with_nulls_merges_as_helm_merges_it(base: dict[str, Any], overlay: dict[str, Any]) -> None:
    chart = Rendering(
        {"Chart.yaml": "apiVersion: v2\nname: c\nversion: 0.1.0\n", "values.yaml": overlay_text(base, "Base.")}
    )
    # Helm keeps a null over a key that nobody sets; here it is as good as nothing.
    assert _exactly(merge(base, overlay)) == _exactly(prune_nulls(chart.merged(overlay)))


@slow
@given(st.lists(_nullable, max_size=4))
def test_each_final_value_knows_the_layer_that_set_it(trees: list[dict[str, Any]]) -> None:
    layered = LayeredValues()
    for number, tree in enumerate(trees):
        layered.put(f"layer {number}", tree)
    leaves = {".".join(path): value for path, value in leaf_paths(layered.values)}
    origins = layered.origins()
    assert origins.keys() == leaves.keys()
    assert set(origins.values()) <= {f"layer {number}" for number in range(len(trees))}
    for path in origins:
        assert layered.origin(path) == origins[path]


def test_the_later_layer_wins() -> None:
    layered = LayeredValues()
    layered.put("defaults", {"web": {"replicas": 1, "image": {"tag": "1"}, "args": ["a"]}, "off": {"x": 1}})
    copied = layered.copy()
    layered.put("environment", {"web": {"replicas": 3, "args": ["b"], "more": {}}, "off": {"x": None}})
    assert layered.values == {"web": {"replicas": 3, "image": {"tag": "1"}, "args": ["b"], "more": {}}, "off": {}}
    assert layered.origins() == {
        "web.replicas": "environment",
        "web.image.tag": "defaults",
        "web.args": "environment",
        "web.more": "environment",
        "off": "environment",
    }
    assert layered.origin("web.nothing") is None
    assert copied.values["web"]["replicas"] == 1
    assert copied.origin("web.replicas") == "defaults"


def test_merging_changes_neither_side() -> None:
    base, over = {"a": {"b": [1]}}, {"a": {"c": [2]}}
    merged = merge(base, over)
    merged["a"]["c"].append(3)
    assert (base, over) == ({"a": {"b": [1]}}, {"a": {"c": [2]}})
