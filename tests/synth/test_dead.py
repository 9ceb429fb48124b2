"""No declared value is dead: changed one at a time, each changes what Helm renders, or is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from floe_charts.helm.kubernetes import field_path
from floe_charts.verify.dead import find_dead_values
from floe_charts.verify.json_schema import schemas_at
from floe_charts.verify.subject import Case
from floe_charts.verify.values import Path, leaves
from tests.synth.charts import WrittenChart, declared_leaves

ChartOf = Callable[[str], WrittenChart]

EXTERNAL: dict[str, object] = {"postgres": {"mode": "external", "external": {"host": "db.example.com"}}}
TOGGLES: list[Case] = [
    ("operator", {"postgres": {"mode": "operator"}}),
    ("external", EXTERNAL),
    ("one gateway", {"otel": {"autoscaling": {"enabled": False}}}),
    ("minio", {"minio": {"enabled": True}}),
]


@pytest.mark.parametrize("case", ["default", "native", "two-products"])
def test_no_declared_value_is_dead(case: str, chart_of: ChartOf) -> None:
    chart = chart_of(case)
    cases: list[Case] = [*chart.distinct_overlays().items(), *TOGGLES]
    report = find_dead_values(chart.echoing(), cases, _paths(chart), schema=chart.schema)
    assert [field_path(path) for path in report.dead] == []
    assert report.unstable == ()
    assert len(report.alive) > 200
    # What nobody can change is fixed on purpose: a constant in the schema.
    assert [field_path(path) for path in report.unchangeable if not _is_constant(chart.schema, path)] == []


def _paths(chart: WrittenChart) -> list[Path]:
    """Every leaf that is set, and those that are declared and not set by default."""
    values = chart.files.final_values(chart.files.environments[0])
    return [path for path, _ in leaves(values)] + declared_leaves(chart.schema, values)


def _is_constant(schema: dict[str, object], path: Path) -> bool:
    return any("const" in one or one.get("maxItems") == 0 or _one_choice(one) for one in schemas_at(schema, path))


def _one_choice(schema: Mapping[str, object]) -> bool:
    options, least = schema.get("enum"), schema.get("minimum")
    return (isinstance(options, list) and len(options) == 1) or (least is not None and least == schema.get("maximum"))
