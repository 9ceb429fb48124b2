"""An overlay holds differences only, and Helm makes of values.yaml and overlay exactly the environment's values."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from floe_charts.synth.synthesis import synth
from floe_charts.verify.engine import load
from floe_charts.verify.values import MISSING, get_at, leaves
from tests.support import write_chart
from tests.synth.cases import artifact
from tests.synth.charts import WrittenChart
from tests.synth.test_renders import of_both_charts

ChartOf = Callable[[str], WrittenChart]


@of_both_charts
def test_an_overlay_holds_differences_only(case: str, environment: str, chart_of: ChartOf) -> None:
    chart = chart_of(case)
    for path, value in leaves(chart.overlays[environment]):
        default = get_at(chart.values, path)
        assert value != default or type(value) is not type(default), f"{path} says what values.yaml says"
        assert value is not None or default is not MISSING, f"{path} removes nothing"
        assert value != {}, f"{path} changes nothing"


@of_both_charts
def test_helm_merges_exactly_the_values_of_the_environment(
    case: str, environment: str, chart_of: ChartOf, tmp_path: Path
) -> None:
    chart = chart_of(case)
    assert merged_by_helm(chart, environment, tmp_path) == chart.files.final_values(environment)


def merged_by_helm(chart: WrittenChart, environment: str, directory: Path) -> object:
    """What templates see of values.yaml with the overlay of an environment."""
    text = chart.files[f"{chart.path.name}/values.yaml"]
    twin = load(write_chart(directory / "twin", {"values.json": "{{ toJson .Values }}"}, text))
    merged = json.loads(twin.render(chart.overlays[environment])["twin/templates/values.json"])
    merged.pop("global", None)
    return merged


def test_a_value_that_an_environment_removes_is_removed_by_helm(tmp_path: Path) -> None:
    """The overlay says null, which is how Helm takes away what values.yaml sets."""
    removed = {"otel": {"podSecurityContext": {"runAsGroup": None}}}
    chart = WrittenChart(synth([artifact()], values=[removed], plugin_values=()), tmp_path)
    assert get_at(chart.overlays["dev"], ("otel", "podSecurityContext")) == {"runAsGroup": None}
    final = chart.files.final_values("dev")
    assert get_at(final, ("otel", "podSecurityContext", "runAsGroup")) is MISSING
    assert merged_by_helm(chart, "dev", tmp_path) == final
