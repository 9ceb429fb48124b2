"""What GitLab's jobs do, and when."""

from __future__ import annotations

from typing import Any

import pytest

from floe_charts.ci.gitlab import gitlab_files
from tests.ci.pipelines import CASES, jobs, own_commands, pipeline

DEFAULT_BRANCH = "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"


def visible(made: dict[str, Any]) -> dict[str, Any]:
    return {name: job for name, job in made.items() if not name.startswith(".")}


def test_sets_nothing_for_other_jobs() -> None:
    """An included file's global keywords would be those of the whole pipeline."""
    assert all(name.startswith(("floe-charts-", ".floe-charts-")) for name in jobs())


def test_checks_run_in_merge_requests_and_on_the_default_branch() -> None:
    made = jobs()
    for name in ("floe-charts-check", "floe-charts-dependencies", "floe-charts-verify"):
        assert [rule["if"] for rule in made[name]["rules"]] == [
            "$CI_PIPELINE_SOURCE == 'merge_request_event'",
            DEFAULT_BRANCH,
        ]


def test_the_bot_runs_where_its_inputs_change_and_it_has_a_token() -> None:
    assert jobs()["floe-charts-update"]["rules"] == [
        {
            "if": f"{DEFAULT_BRANCH} && $FLOE_CHARTS_TOKEN",
            "changes": ["target/compiled_artifacts.json", "floe-charts.yaml"],
        }
    ]
    [rule] = jobs(**CASES["adapted"])["floe-charts-update"]["rules"]
    assert rule["if"] == "$CI_COMMIT_BRANCH == 'trunk' && $FLOE_CHARTS_TOKEN"


def test_releases_what_was_proved_where_charts_changed() -> None:
    release = jobs()["floe-charts-release"]
    assert release["rules"] == [{"if": DEFAULT_BRANCH, "changes": ["charts/**"]}]
    assert {"floe-charts-check", "floe-charts-verify", "floe-charts-dependencies"} == set(release["needs"])
    assert [command[0] for command in own_commands(release["script"])] == ["package", "push"]


def test_bot_and_release_run_one_at_a_time() -> None:
    groups = {name: job["resource_group"] for name, job in jobs().items() if "resource_group" in job}
    assert groups == {name: name for name in ("floe-charts-update", "floe-charts-release")}


def test_the_report_is_one_of_tests_also_where_something_was_found() -> None:
    verify = jobs()["floe-charts-verify"]
    [command] = own_commands(verify["script"])
    assert command == ["verify", "--format", "junit", "--output", verify["artifacts"]["reports"]["junit"]]
    assert verify["artifacts"]["when"] == "always"


def test_dependencies_go_from_job_to_job() -> None:
    assert jobs()["floe-charts-dependencies"]["artifacts"]["paths"] == ["charts/*/charts/", "charts/*/Chart.lock"]
    assert jobs(charts=".")["floe-charts-dependencies"]["artifacts"]["paths"] == ["*/charts/", "*/Chart.lock"]
    needing = [name for name, job in visible(jobs()).items() if "floe-charts-dependencies" in job.get("needs", [])]
    assert needing == ["floe-charts-verify", "floe-charts-release"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [({}, False), ({"registry": "registry.gitlab.com/acme/charts"}, False), ({"registry": "quay.io/acme"}, True)],
)
def test_a_jobs_own_token_goes_to_gitlabs_registry_only(settings: dict[str, Any], told: bool) -> None:
    [text] = gitlab_files(pipeline(**settings)).values()
    assert ("$CI_REGISTRY_PASSWORD" in text) != told
    assert ("open the registry quay.io." in text) == told
