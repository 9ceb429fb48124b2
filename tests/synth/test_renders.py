"""Helm lints and renders every case in every environment, and Kubernetes takes what comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import lint, load
from floe_charts.verify.objects import RenderedObject, find_duplicates, parse_objects
from floe_charts.verify.schemas import CustomSchemas, validate_objects
from tests.support import SHARED, echoed_values
from tests.synth.cases import CASES, made
from tests.synth.charts import UPSTREAM, WrittenChart
from tests.synth.jobs_cases import JOBS_CASES, made_jobs

ChartOf = Callable[[str], WrittenChart]

CRDS = SHARED / "crds"
ENVIRONMENTS = [
    (case, environment)
    for case, environments in {
        "default": ("dev", "test", "qa", "uat", "staging", "prod"),
        "native": ("dev", "test", "prod"),
        "two-products": ("dev", "prod"),
        "minimal": ("dev", "prod"),
        "renamed": ("sandbox", "ci", "eu"),
        "external-postgres": ("dev", "prod"),
    }.items()
    for environment in environments
]
JOBS_ENVIRONMENTS = [(case, environment) for case, names in JOBS_CASES.items() for environment in names]
in_every_environment = pytest.mark.parametrize(("case", "environment"), ENVIRONMENTS)
of_both_charts = pytest.mark.parametrize(("case", "environment"), ENVIRONMENTS + JOBS_ENVIRONMENTS)


def objects_in(chart: WrittenChart, environment: str) -> list[RenderedObject]:
    """The objects of a release in an environment."""
    namespace = chart.deployment.namespace(environment)
    rendered = chart.whole().render(chart.overlays[environment], namespace=namespace)
    objects, findings = parse_objects(rendered)
    assert not findings
    return objects


def test_all_environments_of_all_cases_are_tried() -> None:
    assert [(case, environment) for case in CASES for environment in made(case).environments] == ENVIRONMENTS
    assert {case: made_jobs(case)[0].environments for case in JOBS_CASES} == JOBS_CASES


@of_both_charts
def test_lint_misses_nothing_but_dependencies(case: str, environment: str, chart_of: ChartOf) -> None:
    chart = chart_of(case)
    messages = lint(chart.path, chart.overlays[environment], strict=True, kube_version=f"{OLDEST}.0")
    faults = [one for one in messages if one.severity != "info"]
    assert [one for one in faults if "missing these dependencies" not in one.text] == []


@of_both_charts
def test_every_object_fits_kubernetes_and_says_its_namespace(case: str, environment: str, chart_of: ChartOf) -> None:
    chart = chart_of(case)
    objects = objects_in(chart, environment)
    assert find_duplicates(objects) == []
    report = validate_objects(objects, [OLDEST, latest_kube_version()])
    assert report.findings == ()
    assert report.checked >= 2 * (len(objects) - sum(report.without_schema.values())) > 0
    assert set(report.without_schema) <= {
        "postgresql.cnpg.io/v1/Cluster",
        "postgresql.cnpg.io/v1/Database",
        "external-secrets.io/v1/ExternalSecret",
    }
    # Nothing here is cluster-wide.
    wanted = chart.deployment.namespace(environment)
    assert [str(one) for one in objects if one.namespace != wanted] == []


@pytest.mark.skipif(not CRDS.exists(), reason="the schemas of custom resources are not beside the repository")
@pytest.mark.parametrize(
    ("case", "environment"),
    [("default", "prod"), ("two-products", "prod"), ("renamed", "eu"), ("jobs-two-products", "prod")],
)
def test_custom_resources_fit_their_schemas(case: str, environment: str, chart_of: ChartOf) -> None:
    objects = objects_in(chart_of(case), environment)
    report = validate_objects(objects, [OLDEST, latest_kube_version()], CustomSchemas.from_directory(CRDS))
    assert report.findings == ()
    assert report.without_schema == {}
    expected = {"ExternalSecret"} if case.startswith("jobs") else {"Cluster", "Database"}
    assert expected <= {one.kind for one in objects}


@pytest.mark.skipif(not UPSTREAM.exists(), reason="the values of upstream's charts are not beside the repository")
@pytest.mark.parametrize(
    ("case", "environment"),
    [("default", "dev"), ("default", "prod"), ("native", "dev"), ("two-products", "dev"), ("minimal", "prod")],
)
def test_renders_with_the_defaults_of_the_real_dependencies(case: str, environment: str, chart_of: ChartOf) -> None:
    """Helm merges the dependencies' defaults into the values before it asks our schema."""
    chart = chart_of(case)
    rendered = load(chart.with_upstream()).render(chart.overlays[environment])
    given = echoed_values(rendered)
    assert set(given) == set(_enabled(chart, environment))
    messages = lint(chart.with_upstream(), chart.overlays[environment], strict=True)
    # Beside our chart, lint looks into the stand-ins, which are no business of ours.
    assert [one for one in messages if one.severity == "error"] == []


def _enabled(chart: WrittenChart, environment: str) -> Sequence[str]:
    values = chart.files.final_values(environment)
    parts = chart.files.platform.parts
    return [part.id for part in parts if part.dependency is not None and values[part.id]["enabled"]]
