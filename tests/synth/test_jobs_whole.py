"""The jobs' chart as a whole: no dead value, texts unharmed, no field changed that cannot be, and every file as it was.

That it lints, fits Kubernetes, is sealed and has overlays of differences only is tried beside the platform's chart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.deployment import Deployment
from floe_charts.helm.kubernetes import field_path
from floe_charts.helm.patterns import UNWRITABLE
from floe_charts.verify.dead import find_dead_values
from floe_charts.verify.json_schema import CompiledSchema
from floe_charts.verify.objects import RenderedObject, parse_objects
from floe_charts.verify.report import ChartReport
from floe_charts.verify.subject import Case
from floe_charts.verify.text import AWKWARD_STRINGS
from floe_charts.verify.values import get_at, helm_merge, leaves, set_at
from floe_charts.verify.verification import Verification, choose_checks, open_subject
from tests.snapshots import assert_files_match
from tests.support import SHARED
from tests.synth.cases import artifact
from tests.synth.charts import WrittenChart, declared_leaves
from tests.synth.immutable import changed_fields, upgraded
from tests.synth.jobs_cases import JOBS_CASES, jobs_of, made_jobs
from tests.synth.test_upgrades import others

ChartOf = Callable[[str], WrittenChart]
CRDS = SHARED / "crds"


@pytest.mark.parametrize("case", ["jobs-two-products", "jobs-minimal"])
def test_every_file_is_what_it_was(case: str, snapshot: SnapshotAssertion, request: pytest.FixtureRequest) -> None:
    assert_files_match(snapshot, request, case, made_jobs(case)[0])


@pytest.mark.parametrize("case", JOBS_CASES)
def test_every_check_of_verify_passes(case: str, tmp_path: Path, chart_of: ChartOf) -> None:
    # Whoever names a Secret of his own in values says so here, too.
    own = tmp_path / "own.verify.yaml"
    own.write_text("provided:\n  - {kind: Secret, name: floe-platform-object-store}\naccept: []\n", encoding="utf-8")
    # Dead values are looked for below, with more switched on.
    checks = choose_checks(skip=["dead-values", "sealed-schema"])
    subject = open_subject(chart_of(case).path, schemas=[CRDS] if CRDS.is_dir() else [])
    report: ChartReport = Verification.of(subject, own).run(checks)
    assert [str(one) for one in report.findings if one.fails] == []


# Dead values


def switched(chart: WrittenChart) -> Iterator[Case]:
    """Everything that is off by default, in ways that exclude each other."""
    everything: dict[str, Any] = {
        "jobs": {
            "networkPolicy": {"enabled": True, "sources": {"cidrs": ["10.0.0.0/8"]}},
            "launchers": ["dagster"],
            "products": {"orders-eu": {"ingestion": {}, "compressed": True}},
        }
    }
    yield "all on", everything
    yield "images of the chart", helm_merge(everything, {"imageRegistry": "", "jobs": {"products": NO_IMAGE}})
    external = {"secrets": {"source": "external", "remotePrefix": "a/"}}
    yield "external", helm_merge(everything, {"jobs": external, "imageRegistry": ""})
    yield from chart.overlays.items()


NO_IMAGE = {"orders-eu": {"image": None, "custom": {"export": {"image": None}}}}


def test_no_declared_value_is_dead(chart_of: ChartOf) -> None:
    chart = chart_of("jobs-two-products")
    cases, schema = list(switched(chart)), CompiledSchema(chart.schema)
    assert [name for name, values in cases if not schema.accepts(helm_merge(chart.values, values))] == []
    values = chart.files.final_values("prod")
    paths = [path for path, _ in leaves(values)] + declared_leaves(chart.schema, values)
    report = find_dead_values(chart.bare(), cases, paths, schema=chart.schema)
    assert [field_path(path) for path in report.dead] == []
    assert report.unstable == ()
    assert [field_path(path) for path in report.unchangeable] == ["fullnameOverride"]
    assert len(report.alive) > 120


# Texts: all that the chart takes have a bound or a pattern, so that the usual property passes them over

PRODUCT = ("jobs", "products", "orders-eu")
LIST_PLACES = [(*PRODUCT, "dbt", "args"), (*PRODUCT, "dbt", "select"), (*PRODUCT, "custom", "export", "command")]
TEXT_PLACES = [(*PRODUCT, "name"), (*PRODUCT, "version"), (*PRODUCT, "dbt", "target"), (*PRODUCT, "lineageNamespace")]


def test_texts_come_out_as_they_went_in(chart_of: ChartOf, examples: int) -> None:
    chart = chart_of("jobs-two-products")
    schema, handle = CompiledSchema(chart.schema), chart.bare()

    def comes_out(text: str) -> None:
        values: dict[str, Any] = dict(chart.overlays["dev"])
        for path in LIST_PLACES:
            values = set_at(values, path, [f"{path[-1]}{text}"])
        for path in TEXT_PLACES:
            values = set_at(values, path, f"{path[-1]}{text}")
        if not schema.accepts(helm_merge(chart.values, values)):
            assert re.search(f"[{UNWRITABLE}]", text), text
            return
        objects, findings = parse_objects(handle.render(values))
        assert findings == []
        found = {piece for one in objects for piece in texts_in(one.data)}
        assert {f"{path[-1]}{text}" for path in (*LIST_PLACES, *TEXT_PLACES)} <= found

    for text in AWKWARD_STRINGS:
        comes_out(text)

    @settings(max_examples=max(examples // 4, 1), suppress_health_check=list(HealthCheck))
    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
    def any_text_comes_out(text: str) -> None:
        comes_out(text)

    any_text_comes_out()


def texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)


# Upgrades


def objects_of(
    directory: Path,
    artifacts: list[CompiledArtifacts],
    file: Mapping[str, Any] | None = None,
    environment: str = "staging",
) -> dict[str, RenderedObject]:
    """What Helm changes in place."""
    files = jobs_of(artifacts, file)
    chart = WrittenChart(files, directory, Deployment.default())
    objects, findings = parse_objects(chart.bare().render(chart.overlays[environment]))
    assert findings == []
    return upgraded(objects)


SCHEDULE = {"values": {"jobs": {"products": {"hello-floe": {"dbt": {"schedule": "@daily"}}}}}}
CHANGES: dict[str, tuple[dict[str, object], Mapping[str, Any], str]] = {
    "new version of the product": ({"metadata__product_version": "9.0.0"}, {}, "staging"),
    "new version of floe": ({"metadata__floe_version": "9.0.0"}, {}, "staging"),
    "other models": ({"transforms__models": [{"name": "a", "compute": "duckdb", "tags": ["x"]}]}, {}, "staging"),
    "new version of the chart": ({}, {"jobs": {"version": "9.0.0"}}, "staging"),
    "other environment": ({}, {}, "prod"),
    "a schedule": ({}, SCHEDULE, "staging"),
    "common labels": ({}, {"values": {"commonLabels": {"team": "data"}}}, "staging"),
    "the other strategy of Dagster": ({}, {"components": {"dagster": {"strategy": "native"}}}, "staging"),
    "Secrets from a store": ({}, {"values": {"jobs": {"secrets": {"source": "external"}}}}, "staging"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_chart_made_anew_upgrades_a_release_in_place(change: str, tmp_path: Path) -> None:
    changes, file, environment = CHANGES[change]
    before = objects_of(tmp_path / "before", [artifact()])
    after = objects_of(tmp_path / "after", [artifact(**changes)], file, environment)
    assert before != after, "the change changes nothing"
    assert before.keys() <= after.keys()
    assert [line for name, one in before.items() for line in changed_fields(one, after[name])] == []
    # Kubernetes keeps no selector of a Job, and changes ConfigMaps in place.
    assert [name for name, one in after.items() if one.data.get("immutable")] == []


def test_further_products_leave_the_objects_of_one_as_they_are(tmp_path: Path) -> None:
    before = objects_of(tmp_path / "before", [artifact()])
    after = objects_of(tmp_path / "after", [artifact(), *others()])
    assert {name: one.data for name, one in before.items()}.items() <= {
        name: one.data for name, one in after.items()
    }.items()


def test_a_new_version_of_the_chart_alone_changes_no_pod(tmp_path: Path) -> None:
    before = objects_of(tmp_path / "before", [artifact()])
    after = objects_of(tmp_path / "after", [artifact()], {"jobs": {"version": "9.0.0"}})
    for name, one in before.items():
        path = ("spec", "jobTemplate", "spec")
        assert get_at(one.data, path) == get_at(after[name].data, path)


@pytest.mark.skipif(not SHARED.exists(), reason="the real artifacts are not beside the repository")
@pytest.mark.parametrize("path", sorted((SHARED / "artifacts").rglob("*.json")), ids=lambda path: path.stem)
def test_a_real_artifact_becomes_a_good_chart(path: Path, tmp_path: Path) -> None:
    data = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or "metadata" not in data:
        pytest.skip("it is no artifact")
    objects = objects_of(tmp_path, [CompiledArtifacts.load(path)], environment="prod")
    jobs = [one for one in objects.values() if one.kind == "CronJob"]
    assert len(jobs) == ("dbt_profiles" in data and data["dbt_profiles"] is not None) + bool(
        (data.get("plugins") or {}).get("ingestion")
    )
