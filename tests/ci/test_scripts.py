"""The scripts in the files do what they say: run here, with git itself, and stand-ins for what asks a server."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import click
import pytest
from click.testing import CliRunner

from floe_charts.cli import main
from tests.ci.pipelines import CASES, jobs, own_commands, pipeline, scripts, steps, workflows

BRANCH = "floe-charts/update"


class Repository:
    """A clone with charts, the bare repository it came from, and stand-ins on PATH that note how they are called."""

    def __init__(self, directory: Path) -> None:
        self.remote, self.clone, self.calls = directory / "remote.git", directory / "clone", directory / "calls"
        self.programs = directory / "bin"
        self.programs.mkdir()
        self.calls.touch()
        self.environment = {
            **os.environ,
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "HOME": str(directory),
            "RUNNER_TEMP": str(directory),
            "GIT_CONFIG_GLOBAL": str(directory / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        (directory / "gitconfig").write_text("[user]\n  name = Ada\n  email = ada@acme.example\n")
        (directory / "synth.txt").write_text("Version: floe-platform 0.2.0\n")
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote), cwd=directory)
        self.git("clone", "--quiet", str(self.remote), str(self.clone), cwd=directory)
        self.chart("1")
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "First")
        self.git("push", "--quiet", "origin", "HEAD:main")

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        command = ["git", *arguments]
        where = cwd or self.clone
        done = subprocess.run(command, cwd=where, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def chart(self, text: str) -> None:
        file = self.clone / "charts" / "floe-platform" / "values.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def program(self, name: str, *lines: str) -> None:
        noted = f"echo {name} \"$@\" >> '{self.calls}'"
        (self.programs / name).write_text("\n".join(["#!/bin/bash", noted, *lines, ""]))
        (self.programs / name).chmod(0o755)

    def run(self, script: str, **variables: str) -> str:
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.clone, env={**self.environment, **variables}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def branches(self) -> set[str]:
        return set(self.git("branch", "--format=%(refname:short)", cwd=self.remote).split())

    def proposed(self) -> set[str]:
        return set(self.git("diff", "--name-only", "main", BRANCH, cwd=self.remote).split())


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


class TestGithubsBot:
    script = steps(workflows()["update"])[-1]["run"]

    def test_does_nothing_where_nothing_changed(self, repository: Repository) -> None:
        repository.program("gh")
        (repository.clone / "other.txt").write_text("not a chart")
        assert "up to date" in repository.run(self.script)
        assert repository.branches() == {"main"} and repository.calls.read_text() == ""

    def test_proposes_the_charts_and_nothing_else(self, repository: Repository) -> None:
        repository.program("gh")
        before = repository.git("rev-parse", "main", cwd=repository.remote)
        (repository.clone / "other.txt").write_text("not a chart")
        repository.chart("2")
        repository.run(self.script)
        assert repository.proposed() == {"charts/floe-platform/values.yaml"}
        assert repository.git("rev-parse", "main", cwd=repository.remote) == before
        assert repository.git("log", "-1", "--format=%an: %s", BRANCH, cwd=repository.remote) == (
            "github-actions[bot]: Update the charts"
        )
        calls = repository.calls.read_text()
        assert f"gh pr create --head {BRANCH} --base main --title Update the charts --body ```\n" in calls
        assert "Version: floe-platform 0.2.0\n```" in calls

    def test_renews_what_is_open(self, repository: Repository) -> None:
        repository.program("gh", '[ "$2" != list ] || echo 7')
        for text in ("2", "3"):
            repository.git("switch", "--quiet", "--detach", "origin/main")
            repository.chart(text)
            repository.run(self.script)
        assert repository.git("show", f"{BRANCH}:charts/floe-platform/values.yaml", cwd=repository.remote) == "3"
        assert repository.git("rev-list", "--count", f"main..{BRANCH}", cwd=repository.remote) == "1"
        assert "gh pr create" not in repository.calls.read_text()
        assert f"gh pr edit {BRANCH} --body" in repository.calls.read_text()


class TestGitlabsBot:
    script = jobs()["floe-charts-update"]["script"]
    variables: ClassVar = {
        "CI_SERVER_PROTOCOL": "https", "CI_SERVER_FQDN": "gitlab.example:8443", "CI_SERVER_HOST": "gitlab.example",
        "CI_PROJECT_PATH": "acme/platform", "CI_COMMIT_BRANCH": "main", "FLOE_CHARTS_TOKEN": "glpat-x",
    }  # fmt: skip

    def serve(self, repository: Repository, chart: str) -> Path:
        """Send pushes to GitLab into the bare repository, which notes their options; ``synth`` writes ``chart``."""
        options = repository.remote / "options"
        url = "https://floe-charts:glpat-x@gitlab.example:8443/acme/platform.git"
        repository.git("config", "--global", f"url.{repository.remote}.insteadOf", url)
        repository.git("config", "receive.advertisePushOptions", "true", cwd=repository.remote)
        hook = repository.remote / "hooks" / "post-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\nenv | grep ^GIT_PUSH_OPTION_ > '{options}'\n")
        hook.chmod(0o755)
        repository.program("python", f"printf {chart} > charts/floe-platform/values.yaml")
        return options

    def test_does_nothing_where_nothing_changed(self, repository: Repository) -> None:
        self.serve(repository, "1")
        assert "up to date" in repository.run(self.script, **self.variables)
        assert repository.branches() == {"main"}

    def test_opens_a_merge_request_with_the_charts(self, repository: Repository) -> None:
        options = self.serve(repository, "2")
        (repository.clone / ".cache").mkdir()
        (repository.clone / ".cache" / "wheel").touch()
        repository.run(self.script, **self.variables)
        assert repository.proposed() == {"charts/floe-platform/values.yaml"}
        assert "python -m floe_charts synth\n" in repository.calls.read_text()
        told = dict(line.split("=", 1) for line in options.read_text().splitlines())
        del told["GIT_PUSH_OPTION_COUNT"]
        assert sorted(told.values()) == [
            "merge_request.create",
            "merge_request.remove_source_branch",
            "merge_request.target=main",
            "merge_request.title=Update the charts",
        ]


class TestManifests:
    """The steps about manifests run with our own commands."""

    SETTINGS: ClassVar = {"registry": "ghcr.io/acme/charts"}

    @pytest.fixture
    def kept(self, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
        """A repository with the manifests of Flux, whose deployment file has changed since."""
        monkeypatch.chdir(repository.clone)
        file = Path("floe-charts.yaml")
        file.write_text("gitops: {registry: ghcr.io/acme/charts}\n")
        assert CliRunner().invoke(main, ["gitops", "flux"]).exit_code == 0
        repository.git("add", ".")
        repository.git("commit", "--quiet", "--message", "Manifests")
        file.write_text("gitops: {registry: ghcr.io/acme/charts}\nclusters: {only: {environments: [prod]}}\n")
        repository.environment["PATH"] = f"{Path(sys.executable).parent}:{repository.environment['PATH']}"
        return repository

    def test_those_that_are_out_of_date_are_found(self, kept: Repository) -> None:
        script = pipeline(**self.SETTINGS).manifests_check_command
        assert script is not None
        with pytest.raises(AssertionError, match="flux/clusters/non-prod"):
            kept.run(script)

    def test_the_bot_stages_those_that_are_there_and_writes_no_others(self, kept: Repository) -> None:
        script = pipeline(**self.SETTINGS).manifests_command()
        assert script is not None
        kept.run(script)
        staged = kept.git("diff", "--cached", "--no-renames", "--name-only").splitlines()
        assert {f"gitops/flux/clusters/{name}/floe.yaml" for name in ("only", "prod")} <= set(staged)
        assert not (kept.clone / "gitops" / "argocd").exists() and "floe-charts.yaml" not in staged
        check = pipeline(**self.SETTINGS).manifests_check_command
        assert check is not None
        assert "is up to date" in kept.run(check)


@pytest.mark.parametrize("registry", [None, "quay.io/acme/charts"])
def test_gitlabs_release_leaves_a_login_that_push_reads(registry: str | None, repository: Repository) -> None:
    repository.program("python")
    (repository.clone / "dist").mkdir()
    (repository.clone / "dist" / "floe-jobs-0.1.0.tgz").touch()
    repository.run(
        jobs(registry=registry)["floe-charts-release"]["script"],
        CI_REGISTRY="registry.acme.example:5050", CI_REGISTRY_IMAGE="registry.acme.example:5050/data",
        CI_REGISTRY_USER="job", CI_REGISTRY_PASSWORD="of/gitlab+",
        REGISTRY_USERNAME="robot$1", REGISTRY_PASSWORD="s3:cret",
    )  # fmt: skip
    config = json.loads((Path(repository.environment["HOME"]) / ".docker" / "config.json").read_text())
    logins = {host: base64.b64decode(entry["auth"]).decode() for host, entry in config["auths"].items()}
    assert logins == ({"quay.io": "robot$1:s3:cret"} if registry else {"registry.acme.example:5050": "job:of/gitlab+"})
    place = registry or "registry.acme.example:5050/data/charts"
    assert repository.calls.read_text().endswith(f"push dist/floe-jobs-0.1.0.tgz oci://{place}\n")


def test_a_login_to_several_registries_is_one(repository: Repository) -> None:
    repository.program("python")
    (repository.clone / "deploy" / "charts" / "x").mkdir(parents=True)
    repository.run(
        jobs(**CASES["adapted"])["floe-charts-check"]["script"].replace("ruff check .", "").replace("pytest -q", ""),
        REGISTRY_USERNAME="robot", REGISTRY_PASSWORD="secret",
    )  # fmt: skip
    config = json.loads((Path(repository.environment["HOME"]) / ".docker" / "config.json").read_text())
    assert list(config["auths"]) == ["ghcr.io", "quay.io"]


@pytest.mark.parametrize("case", CASES)
def test_the_shell_and_our_own_commands_understand_every_script(case: str) -> None:
    seen = set()
    for script in scripts(**CASES[case]):
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        for name, *arguments in own_commands(script):
            # A command keeps the help option that its first context gave it.
            parent = click.Context(main, **main.context_settings)
            main.commands[name].make_context(name, arguments, parent=parent)
            seen.add(name)
    own = {"lint", "verify", "package", "push", *(["gitops"] if "registry" in CASES[case] else [])}
    assert seen == (own if "synth" in CASES[case] else own | {"synth"})


@pytest.mark.parametrize("place", ["charts", "."])
def test_the_checks_pass_on_what_synth_wrote(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = pipeline(charts=place)
    assert CliRunner().invoke(main, ["synth", "--out", place]).exit_code == 0
    Path("artifacts").mkdir()  # a directory of the repository that is no chart
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    script = f"{given.check_command}\n{given.lint_command}"
    done = subprocess.run(["bash", "-e", "-c", script], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("(floe-") == 2
