"""For every object in values a misspelt key is refused, for every leaf a wrong type."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from floe_charts.verify.sealed import check_sealed, disagreements
from tests.synth.cases import CASES
from tests.synth.charts import WrittenChart
from tests.synth.jobs_cases import JOBS_CASES

ChartOf = Callable[[str], WrittenChart]

# Helm puts the umbrella's own `global` into that of a dependency, whatever is in it.
OPEN_FOR_HELM = {("global",), ("dagster", "global"), ("minio", "global")}
USERS_OWN = {
    "additionalLabels",
    "advancedConfig",
    "annotations",
    "attributes",
    "backends",
    "byName",
    "catalogs",
    "clients",
    "commonAnnotations",
    "commonLabels",
    "configMapLabels",
    "credentials",
    "custom",
    "deploymentLabels",
    "extraEnv",
    "extraVolumes",
    "features",
    "labels",
    "locations",
    "matchLabels",
    "nodeSelector",
    "parameters",
    "podAnnotations",
    "podLabels",
    "postgresqlParams",
    "principals",
    "properties",
}
"""Maps whose keys the user chooses."""


@pytest.mark.parametrize("case", [*(case for case in CASES if case != "renamed"), *JOBS_CASES])
def test_values_are_sealed(case: str, chart_of: ChartOf) -> None:
    chart = chart_of(case)
    # Environments differ in values, hardly in keys: the last, production, and of the default chart some more.
    names = ["dev", "prod"] if case == "default" else list(chart.overlays)[-1:]
    trees = {"values.yaml": chart.values} if case == "default" else {}
    for name, values in {**trees, **{name: chart.files.final_values(name) for name in names}}.items():
        report = check_sealed(chart.schema, values)
        opened = {one.path for one in report.open} - OPEN_FOR_HELM
        assert (name, opened, report.loose) == (name, set(), ())
        least = 300 if case in JOBS_CASES else 500
        assert report.misspelt_refused > least
        assert report.wrong_types == report.wrong_types_refused > least


@pytest.mark.parametrize("case", ["default", "native", "jobs-two-products"])
def test_only_maps_of_the_users_own_keys_are_free(case: str, chart_of: ChartOf) -> None:
    """Labels, annotations and the like; nothing else is a map in which a misspelling passes."""
    report = check_sealed(chart_of(case).schema, chart_of(case).files.final_values("prod"))
    # Of data products the schema lists the keys: tests/synth/test_jobs_values.py.
    assert {str(path[-1]) for path in report.free} <= USERS_OWN | {"products"}


def test_an_unknown_version_of_a_dependency_is_the_only_one_left_open(chart_of: ChartOf) -> None:
    """Its keys are not known, and synth says so; all other parts are as sealed as ever."""
    chart = chart_of("renamed")
    report = check_sealed(chart.schema, chart.files.final_values("eu"))
    assert {str(one.path[0]) for one in report.open if one.path not in OPEN_FOR_HELM} == {"otel"}
    assert any(
        line.startswith("otel: the keys of opentelemetry-collector 0.171.0 are not known")
        for line in chart.files.notices
    )


@pytest.mark.parametrize(
    ("case", "environment"), [("default", "dev"), ("default", "prod"), ("jobs-two-products", "prod")]
)
def test_helm_refuses_what_we_say_it_refuses(case: str, environment: str, chart_of: ChartOf) -> None:
    chart = chart_of(case)
    values = chart.files.final_values(environment)
    assert disagreements(chart.whole(), chart.schema, values, sample=24) == []
