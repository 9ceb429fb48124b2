"""Any values that the schema takes render, and fit Kubernetes.

An example is a few leaves, each with any value that its own schema takes, over the values of an environment; Helm
merges them. What the whole schema refuses (two leaves that contradict each other) is left out.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, find, given, note, settings
from hypothesis import strategies as st
from hypothesis_jsonschema import from_schema

from floe_charts.helm.kubernetes import OLDEST
from floe_charts.verify.json_schema import CompiledSchema
from floe_charts.verify.objects import find_duplicates, parse_objects
from floe_charts.verify.schemas import validate_objects
from floe_charts.verify.values import Path, helm_merge, set_at
from tests.synth.charts import WrittenChart
from tests.synth.kubernetes_names import name_faults

ChartOf = Callable[[str], WrittenChart]
Strategy = st.SearchStrategy[Any]

_MOST_CHANGES = 4


def leaf_schemas(schema: Mapping[str, Any], path: Path = ()) -> dict[Path, Mapping[str, Any]]:
    """Every leaf that the schema describes; keys that only pass, because a dependency has them, are not among them."""
    found: dict[Path, Mapping[str, Any]] = {}
    for key, part in schema.get("properties", {}).items():
        if key == "global" and not path:
            continue
        if part.get("type") == "object" and part.get("properties"):
            found.update(leaf_schemas(part, (*path, key)))
        elif part.keys() - {"description"}:
            found[(*path, key)] = part
    return found


def generating(schema: Any, definitions: Mapping[str, Any], depth: int = 2) -> Any:
    """The schema as generation takes it: Python's expressions, no descriptions, free-form JSON a few levels deep.

    RE2's ``$`` is the very end of a text, Python's may stand before a newline.
    """
    if isinstance(schema, list):
        return [generating(one, definitions, depth) for one in schema]
    if not isinstance(schema, dict):
        return schema
    target = schema.get("$ref")
    if isinstance(target, str):
        plain: dict[str, Any] = {"type": ["boolean", "null", "number"]}
        return generating(definitions[target.rpartition("/")[2]], definitions, depth - 1) if depth else plain
    made = {key: generating(value, definitions, depth) for key, value in schema.items() if not _is_prose(key, value)}
    if isinstance(made.get("pattern"), str):
        made["pattern"] = _python_pattern(made["pattern"])
    return made


def _is_prose(key: str, value: object) -> bool:
    return key in ("description", "title") and isinstance(value, str)


def _python_pattern(pattern: str) -> str:
    return pattern[:-1] + r"\Z" if pattern.endswith("$") and not pattern.endswith(r"\$") else pattern


@functools.cache
def _values_of(schema: str) -> Strategy:
    return from_schema(json.loads(schema)).filter(lambda value: value is not None)


def overlays(chart: WrittenChart) -> Strategy:
    """A few leaves of one part, with any values; nulls are left out, for Helm removes them."""
    definitions = chart.schema.get("definitions", {})
    by_part: dict[str, dict[Path, Mapping[str, Any]]] = {}
    for path, leaf in leaf_schemas(chart.schema).items():
        by_part.setdefault(str(path[0]), {})[path] = leaf

    def values_of(path: Path) -> Strategy:
        return _values_of(json.dumps(generating(by_part[str(path[0])][path], definitions)))

    # What goes to a dependency is seldom read by a template of ours.
    handed = {part.id for part in chart.files.platform.parts if part.dependency is not None}
    parts = [part for part in sorted(by_part) for _ in range(1 if part in handed else 4)]

    @st.composite
    def drawn(draw: st.DrawFn) -> dict[str, Any]:
        paths = list(by_part[draw(st.sampled_from(parts))])
        chosen = draw(st.lists(st.sampled_from(paths), min_size=1, max_size=_MOST_CHANGES, unique=True))
        overlay: dict[str, Any] = {}
        for path in chosen:
            overlay = set_at(overlay, path, draw(values_of(path)))
        return overlay

    return drawn()


@pytest.mark.parametrize("case", ["default", "native"])
def test_any_values_render_and_fit_kubernetes(case: str, chart_of: ChartOf, examples: int) -> None:
    chart = chart_of(case)
    schema = CompiledSchema(chart.schema)
    handle = chart.bare()
    external = {"postgres": {"mode": "external", "external": {"host": "db.example.com"}}}
    bases = [chart.overlays["dev"], chart.overlays["prod"], helm_merge(chart.overlays["dev"], external)]

    @settings(max_examples=examples if case == "default" else examples // 4, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(bases), overlays(chart))
    def fits(base: Mapping[str, Any], overlay: dict[str, Any]) -> None:
        values = helm_merge(base, overlay)
        assume(schema.accepts(helm_merge(chart.values, values)))
        note(f"changed: {overlay}")
        objects, findings = parse_objects(handle.render(values))
        assert findings == []
        assert find_duplicates(objects) == []
        assert validate_objects(objects, [OLDEST]).findings == ()
        assert [fault for one in objects for fault in name_faults(one)] == []

    fits()


def test_every_leaf_can_be_generated(chart_of: ChartOf) -> None:
    """No schema is one that generation gives up on, so that the property above leaves nothing out in silence."""
    chart = chart_of("default")
    definitions = chart.schema.get("definitions", {})
    leaves = leaf_schemas(chart.schema)
    assert len(leaves) > 300
    once = settings(max_examples=1, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    for made in sorted({json.dumps(generating(leaf, definitions)) for leaf in leaves.values()}):
        find(_values_of(made), lambda value: True, settings=once)
