"""Any text that a user puts into a plain string value comes out of Helm exactly as it went in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floe_charts.verify.json_schema import declared_types, schemas_at
from floe_charts.verify.text import AWKWARD_STRINGS, check_text, plain_text_leaves, round_trips
from floe_charts.verify.values import Path
from tests.synth.charts import WrittenChart, declared_leaves

ChartOf = Callable[[str], WrittenChart]

_FORMS = ("enum", "const", "pattern", "format")


def plain_texts(chart: WrittenChart, environment: str) -> list[Path]:
    """The leaves that take any text, also those that are not set."""
    values = chart.files.final_values(environment)
    unset = [path for path in declared_leaves(chart.schema, values) if _is_plain_text(chart, path)]
    return plain_text_leaves(values, chart.schema) + unset


def _is_plain_text(chart: WrittenChart, path: Path) -> bool:
    here = schemas_at(chart.schema, path)
    return declared_types(here) == {"string"} and not any(form in one for one in here for form in _FORMS)


def own_texts(chart: WrittenChart, environment: str) -> list[Path]:
    """Those that a template of ours reads; what goes to a dependency is written by its templates."""
    dependencies = {part.id for part in chart.files.platform.parts if part.dependency is not None}
    return [path for path in plain_texts(chart, environment) if path[0] not in dependencies]


@pytest.mark.parametrize("case", ["default", "native", "two-products"])
def test_awkward_texts_come_out_as_they_went_in(case: str, chart_of: ChartOf) -> None:
    chart = chart_of(case)
    # The products of one chart, and those of different charts, are written by the same template.
    paths = [path for path in own_texts(chart, "dev") if "orders-eu" not in path]
    some = AWKWARD_STRINGS if case == "two-products" else AWKWARD_STRINGS[::9]
    compared = 0
    for part in sorted({str(path[0]) for path in paths}):
        here = [path for path in paths if path[0] == part]
        report = check_text(chart.reading(part), [("dev", chart.overlays["dev"])], here, some)
        assert report.findings == ()
        assert report.unseen == ()
        compared += report.compared
    assert compared == len(paths) * len(some) > 50


def test_any_text_comes_out_as_it_went_in(chart_of: ChartOf, examples: int) -> None:
    chart = chart_of("two-products")
    overlay, paths = chart.overlays["dev"], own_texts(chart, "dev")
    handles = {part: chart.reading(part) for part in {str(path[0]) for path in paths}}
    characters = st.characters(exclude_categories=["Cs"])

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(paths), st.text(characters, max_size=40))
    def same(path: Path, text: str) -> None:
        assert round_trips(handles[str(path[0])], overlay, path, text) is True

    same()
