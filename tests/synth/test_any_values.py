"""Any values that the schema takes render, and make objects that Kubernetes takes.

An example is a few leaves, each with any value that its own schema takes, over the values of an environment; Helm
merges them. What the whole schema refuses (two leaves that contradict each other) is left out, and so is what no schema
can compare: requests above limits, two spread constraints of one kind, two objects that values give one name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, find, given, note, settings
from hypothesis import strategies as st

from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.json_schema import CompiledSchema
from floe_charts.verify.kubernetes_rules import rule_faults
from floe_charts.verify.objects import RenderedObject, find_duplicates, parse_objects
from floe_charts.verify.schemas import validate_objects
from floe_charts.verify.values import helm_merge, set_at
from tests.any_values import AnyValues, leaf_schemas
from tests.synth.charts import WrittenChart
from tests.synth.kubernetes_names import name_faults

ChartOf = Callable[[str], WrittenChart]
Strategy = st.SearchStrategy[Any]

_MOST_CHANGES = 4
_VERSIONS = (OLDEST, latest_kube_version())
# What only a comparison of two values tells; and the kinds of objects whose names are values.
_COMPARED = ("is more than the limit", "spread constraint")
_NAMED_BY_VALUES = ("ServiceAccount ", "Secret ")


def overlays(chart: WrittenChart) -> Strategy:
    """A few leaves of one part, with any values; nulls are left out, for Helm removes them."""
    any_values = AnyValues(chart.schema.get("definitions", {}))
    by_part: dict[str, dict[tuple[str | int, ...], Mapping[str, Any]]] = {}
    for path, leaf in leaf_schemas(chart.schema).items():
        by_part.setdefault(str(path[0]), {})[path] = leaf

    # What goes to a dependency is seldom read by a template of ours.
    handed = {part.id for part in chart.files.platform.parts if part.dependency is not None}
    parts = [part for part in sorted(by_part) for _ in range(1 if part in handed else 4)]

    @st.composite
    def drawn(draw: st.DrawFn) -> dict[str, Any]:
        leaves = by_part[draw(st.sampled_from(parts))]
        chosen = draw(st.lists(st.sampled_from(list(leaves)), min_size=1, max_size=_MOST_CHANGES, unique=True))
        overlay: dict[str, Any] = {}
        for path in chosen:
            overlay = set_at(overlay, path, draw(any_values.of(leaves[path])))
        return overlay

    return drawn()


def faults(objects: list[RenderedObject]) -> list[str]:
    """What the API servers of the oldest and the newest Kubernetes would refuse."""
    found = [str(finding) for finding in validate_objects(objects, _VERSIONS).findings]
    for one in objects:
        found += name_faults(one)
        found += [str(fault) for version in _VERSIONS for fault in rule_faults(one.data, version)]
    return found


def _are_all(found: list[str], kinds: tuple[str, ...]) -> bool:
    """Whether there is something, and each of it is of a kind that no schema can refuse."""
    return bool(found) and all(any(kind in one for kind in kinds) for one in found)


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
        twice = [str(finding) for finding in find_duplicates(objects)]
        assume(not _are_all(twice, _NAMED_BY_VALUES))
        assert twice == []
        found = faults(objects)
        assume(not _are_all(found, _COMPARED))
        assert found == []

    fits()


def test_every_leaf_can_be_generated(chart_of: ChartOf) -> None:
    """No schema is one that generation gives up on, so that the property above leaves nothing out in silence."""
    chart = chart_of("default")
    any_values = AnyValues(chart.schema.get("definitions", {}))
    leaves = leaf_schemas(chart.schema)
    assert len(leaves) > 300
    once = settings(max_examples=1, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    for leaf in leaves.values():
        find(any_values.of(leaf), lambda value: True, settings=once)
