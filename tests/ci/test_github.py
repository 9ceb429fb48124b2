"""What GitHub's workflows may do, what starts them, and which commands they run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from floe_charts.ci.github import github_files
from floe_charts.ci.gitlab import gitlab_files
from floe_charts.ci.pipeline import HELM
from floe_charts.verify.engine import load
from tests.ci.pipelines import CASES, own_commands, pipeline, steps, workflows
from tests.support import write_chart

WRITES = {
    ("check", "verify"): {"security-events": "write"},
    ("update", "update"): {"contents": "write", "pull-requests": "write"},
    ("release", "release"): {"packages": "write"},
}


def runs(workflow: dict[str, object]) -> str:
    return "\n".join(step.get("run", "") for step in steps(workflow))


def test_each_job_may_write_only_what_it_writes() -> None:
    made = workflows()
    assert all(workflow["permissions"] == {"contents": "read"} for workflow in made.values())
    granted = {
        (name, job): {scope: access for scope, access in settings["permissions"].items() if access == "write"}
        for name, workflow in made.items()
        for job, settings in workflow["jobs"].items()
    }
    assert {key: scopes for key, scopes in granted.items() if scopes} == WRITES


@pytest.mark.parametrize("case", CASES)
def test_every_action_is_one_commit_with_its_version_behind(case: str) -> None:
    for text in github_files(pipeline(**CASES[case])).values():
        uses = re.findall(r"uses: (.*)", text)
        assert uses
        assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one) for one in uses)


def test_only_the_step_that_pushes_has_the_token() -> None:
    made = workflows()
    checkouts = [step for one in made.values() for step in steps(one) if "checkout" in step.get("uses", "")]
    assert len(checkouts) == 4
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    holders = [step["name"] for one in made.values() for step in steps(one) if "token" in str(step.get("env", ""))]
    assert holders == ["Propose what changed"]


def test_nothing_that_the_bot_commits_starts_it() -> None:
    for settings in CASES.values():
        update = workflows(**settings)["update"]["on"]
        assert set(update) == {"push", "workflow_dispatch", "repository_dispatch"}
        charts = settings.get("charts", "charts")
        assert not [path for path in update["push"]["paths"] if charts != "." and path.startswith(f"{charts}/")]


def test_the_bot_starts_where_its_inputs_change() -> None:
    assert workflows()["update"]["on"]["push"] == {
        "branches": ["main"],
        "paths": ["target/compiled_artifacts.json", "floe-charts.yaml"],  # what synth reads
    }
    assert workflows(**CASES["root"])["update"]["on"]["push"]["paths"] == [
        "target/compiled_artifacts.json",
        "artifacts/**",
        "floe-charts.yaml",
    ]
    assert workflows(**CASES["adapted"])["update"]["on"]["push"] == {
        "branches": ["trunk"],
        "paths": ["artifacts/orders.json", "deploy/floe.yaml"],
    }
    assert workflows(artifacts=("products/", "oci://ghcr.io/acme/x:1"))["update"]["on"]["push"]["paths"] == [
        "products",
        "products/*",
        "floe-charts.yaml",
    ]


def test_runs_of_the_bot_and_of_releases_wait_for_each_other_and_pull_requests_do_not() -> None:
    made = workflows()
    assert made["update"]["concurrency"] == {"group": "floe-charts-update", "cancel-in-progress": False}
    assert made["release"]["concurrency"] == {"group": "floe-charts-release", "cancel-in-progress": False}
    assert made["check"]["concurrency"]["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"


def test_findings_reach_code_scanning_and_an_upload_that_is_refused_fails_nothing() -> None:
    [upload] = [step for step in steps(workflows()["check"]) if "upload-sarif" in step.get("uses", "")]
    [command] = [one for one in own_commands(runs(workflows()["check"])) if one[0] == "verify"]
    assert command == ["verify", "--format", "sarif", "--output", upload["with"]["sarif_file"]]
    assert upload["continue-on-error"] is True and upload["if"].startswith("!cancelled()")


def test_the_version_is_pinned_and_decides_on_the_cache() -> None:
    for name, workflow in workflows().items():
        assert "python -m pip install 'floe-charts[helm]==1.2.3'" in runs(workflow)
        [setup, *_] = [step for step in steps(workflow) if "setup-python" in step.get("uses", "")]
        assert setup["with"]["cache"] == "pip"
        assert setup["with"]["cache-dependency-path"] == f".github/workflows/floe-charts-{name}.yaml"
    adapted = workflows(**CASES["adapted"])["check"]
    assert "python -m pip install -c constraints.txt -e '.[dev]'" in runs(adapted)
    assert "**/pyproject.toml" in steps(adapted)[1]["with"]["cache-dependency-path"].splitlines()


@pytest.mark.parametrize(
    ("registry", "target", "username"),
    [
        (None, "oci://ghcr.io/${GITHUB_REPOSITORY_OWNER,,}/charts", "${{ github.actor }}"),
        ("ghcr.io/acme/charts", "oci://ghcr.io/acme/charts", "${{ github.actor }}"),
        ("quay.io/acme", "oci://quay.io/acme", "${{ secrets.REGISTRY_USERNAME }}"),
    ],
)
def test_a_release_logs_in_where_it_pushes(registry: str | None, target: str, username: str) -> None:
    release = workflows(registry=registry)["release"]
    host = target.removeprefix("oci://").partition("/")[0]
    [login] = [step["with"] for step in steps(release) if "login-action" in step.get("uses", "")]
    assert (login["registry"], login["username"]) == (host, username)
    assert target in runs(release)
    assert ("packages" in release["jobs"]["release"]["permissions"]) == (host == "ghcr.io")


def test_a_registry_that_needs_secrets_says_which() -> None:
    text = github_files(pipeline(registry="quay.io/acme"))["workflows/floe-charts-release.yaml"]
    assert "# The secrets REGISTRY_USERNAME and REGISTRY_PASSWORD open the registry quay.io.\n" in text
    assert not [one for one in github_files(pipeline()).values() if "REGISTRY_PASSWORD" in one]


def test_a_release_says_what_to_do_where_a_version_is_taken() -> None:
    for text in (
        github_files(pipeline())["workflows/floe-charts-release.yaml"],
        *gitlab_files(pipeline()).values(),
    ):
        assert "give the charts the next one by synth --chart-version" in " ".join(text.replace("#", " ").split())


def test_artifacts_in_registries_are_pulled_with_a_login() -> None:
    for name in ("check", "update"):
        workflow = workflows(**CASES["adapted"])[name]
        logins = [step["with"]["registry"] for step in steps(workflow) if "login-action" in step.get("uses", "")]
        assert logins == ["ghcr.io", "quay.io"]
        assert {"packages": "read"}.items() <= next(iter(workflow["jobs"].values()))["permissions"].items()


def test_another_command_takes_the_place_of_synth() -> None:
    made = workflows(**CASES["root"])
    assert "python -m acme_platform --check" in runs(made["check"])
    assert "python -m acme_platform 2>&1 |" in runs(made["update"])
    assert "floe_charts synth" not in "".join(map(runs, made.values()))


def test_a_version_is_proved_before_it_is_pushed() -> None:
    for settings in CASES.values():
        commands = [one[0] for one in own_commands(runs(workflows(**settings)["release"]))]
        assert commands == ["verify", "package", "push"]


def test_manifests_are_compared_and_renewed_where_there_can_be_some() -> None:
    made = workflows(registry="ghcr.io/acme/charts", config="other.yaml", manifests="deploy")
    compared = [one for one in own_commands(runs(made["check"])) if one[0] == "gitops"]
    written = [one for one in own_commands(runs(made["update"])) if one[0] == "gitops"]
    assert written == [["gitops", tool, "--config", "other.yaml"] for tool in ("argocd", "flux")]
    assert compared == [[*one, "--check"] for one in written]
    assert "gitops" not in "".join(map(runs, workflows().values()))


def test_tests_run_beside_the_checks() -> None:
    assert [
        step["run"] for step in steps(workflows(**CASES["adapted"])["check"]) if "name" not in step and "run" in step
    ] == [
        "ruff check .",
        "pytest -q",
    ]


def test_dependencies_are_fetched_by_the_helm_that_verify_has(tmp_path: Path) -> None:
    handle = load(write_chart(tmp_path / "chart", {"a.yaml": "v: {{ .Capabilities.HelmVersion.Version }}\n"}))
    [text] = handle.render({}).values()
    assert HELM.startswith(f"{text.strip().removeprefix('v: v')}.")
