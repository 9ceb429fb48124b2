"""No declared value is dead: changed one at a time, each changes what Helm renders, or is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from floe_charts.helm.kubernetes import field_path
from floe_charts.verify.dead import find_dead_values
from floe_charts.verify.json_schema import CompiledSchema, schemas_at
from floe_charts.verify.subject import Case
from floe_charts.verify.values import Path, helm_merge, leaves, set_at
from tests.synth.charts import WrittenChart, declared_leaves

ChartOf = Callable[[str], WrittenChart]
Tree = dict[str, object]

EXTERNAL: Tree = {"postgres": {"mode": "external", "external": {"host": "db.example.com"}}}
OPERATOR: Tree = {"postgres": {"mode": "operator", "operator": {"backup": {"credentials": "secret"}}}}
BACKEND: Tree = {"protocol": "grpc", "endpoint": "otlp.example.com:4317"}
CODE_SERVER: Tree = {"image": {"registry": "ghcr.io", "repository": "acme/orders", "tag": "1.0.0"}}


def toggles(chart: WrittenChart) -> Iterator[Case]:
    """Everything that can be switched on, in each mode; what environments have; and what is read only without it."""
    on = switched_on(chart)
    locations = {name: CODE_SERVER for name in chart.values["workspace"]["locations"]}
    yield "everything", helm_merge(on, {"workspace": {"locations": locations}})
    yield "operator", helm_merge(on, helm_merge(OPERATOR, {"secrets": {"source": "external"}}))
    yield "external", helm_merge(on, EXTERNAL)
    yield from chart.distinct_overlays().items()
    sent: Tree = {"alternateConfig": {"exporters": {"otlp_grpc": BACKEND}}}
    if "backends" in chart.values["otel"]:
        sent = {"backends": {"up": BACKEND}}
    yield "telemetry sent on", helm_merge(on, {"otel": sent})
    yield "one gateway", {"otel": {"autoscaling": {"enabled": False}}}


def switched_on(chart: WrittenChart) -> Tree:
    """The tree in which every ``enabled`` and ``create`` is true that the schema lets be so."""
    schema, values = CompiledSchema(chart.schema), chart.files.final_values("dev")
    tree: Tree = {}
    for path, value in leaves(values):
        on = set_at(tree, path, True)
        if path[-1] in ("enabled", "create") and value is False and schema.accepts(helm_merge(values, on)):
            tree = on
    return tree


@pytest.mark.parametrize("case", ["default", "native"])
def test_no_declared_value_is_dead(case: str, chart_of: ChartOf) -> None:
    chart = chart_of(case)
    assert alive(chart, _paths(chart)) > 500


def test_no_value_of_further_products_is_dead(chart_of: ChartOf) -> None:
    """What two products with credentials have more than the example."""
    chart, known = chart_of("two-products"), set(_paths(chart_of("default")))
    assert alive(chart, [path for path in _paths(chart) if path not in known]) > 50


def alive(chart: WrittenChart, paths: list[Path]) -> int:
    """How many of the leaves are alive, which all must be; but for those that the schema fixes."""
    cases, schema = list(toggles(chart)), CompiledSchema(chart.schema)
    # What the schema refuses as a whole, it refuses with any leaf changed.
    assert [name for name, values in cases if not schema.accepts(helm_merge(chart.values, values))] == []
    report = find_dead_values(chart.echoing(), cases, paths, schema=chart.schema)
    assert [field_path(path) for path in report.dead] == []
    assert report.unstable == ()
    # What nobody can change is fixed on purpose: a constant in the schema.
    assert [field_path(path) for path in report.unchangeable if not _is_constant(chart.schema, path)] == []
    return len(report.alive)


def _paths(chart: WrittenChart) -> list[Path]:
    """Every leaf that is set, and those that are declared and not set by default."""
    values = chart.files.final_values(chart.files.environments[0])
    return [path for path, _ in leaves(values)] + declared_leaves(chart.schema, values)


def _is_constant(schema: dict[str, object], path: Path) -> bool:
    return any("const" in one or one.get("maxItems") == 0 or _one_choice(one) for one in schemas_at(schema, path))


def _one_choice(schema: Mapping[str, object]) -> bool:
    options, least = schema.get("enum"), schema.get("minimum")
    return (isinstance(options, list) and len(options) == 1) or (least is not None and least == schema.get("maximum"))
