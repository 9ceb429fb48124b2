"""The version of a chart follows from what git has of it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Run

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(*words: str) -> None:
    identity = ("-c", "user.name=Bot", "-c", "user.email=bot@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *words], check=True, capture_output=True)


@pytest.fixture
def committed(run: Run) -> None:
    """A repository with the charts of the example, in the working directory of ``run``."""
    git("init", "-q", ".")
    assert run("synth").exit_code == 0
    git("add", "-A")
    git("commit", "-qm", "charts")


def version(chart: str = "floe-platform") -> str:
    found: str = yaml.safe_load(Path("charts", chart, "Chart.yaml").read_text())["version"]
    return found


@pytest.mark.usefixtures("committed")
class TestVersion:
    def test_stays_where_nothing_changed(self, run: Run) -> None:
        done = run("synth")
        assert (version(), version("floe-jobs")) == ("0.1.0", "0.1.0")
        assert "Version:" not in done.stdout
        assert run("synth", "--check").exit_code == 0

    def test_follows_from_what_changed_and_says_why(self, run: Run) -> None:
        done = run("synth", "--set", "marquez.replicas=3")
        assert (version(), version("floe-jobs")) == ("0.1.1", "0.1.0")
        assert "Version:    floe-platform 0.1.1, after 0.1.0; patch: files changed: values-" in done.stdout

    def test_of_a_value_that_is_gone_is_incompatible(self, run: Run) -> None:
        Path("floe-charts.yaml").write_text("components: {minio: {enabled: false}}\n")
        done = run("synth")
        assert version() == "0.2.0"
        assert "values removed: minio" in done.stdout

    def test_does_not_rise_again_before_the_next_commit(self, run: Run) -> None:
        for replicas in (3, 4):
            run("synth", "--set", f"marquez.replicas={replicas}")
            assert version() == "0.1.1"
        git("add", "-A")
        git("commit", "-qm", "three")
        assert run("synth", "--set", "marquez.replicas=4", "--check").exit_code == 0
        run("synth")
        assert version() == "0.1.2"

    def test_an_environment_alone_leaves_the_others_out_of_account(self, run: Run) -> None:
        run("synth", "--env", "prod")
        assert version() == "0.1.0"

    def test_check_says_that_the_version_is_out_of_date(self, run: Run) -> None:
        done = run("synth", "--set", "marquez.replicas=3", "--check")
        assert done.exit_code == 1
        assert '+version: "0.1.1"' in done.output

    def test_of_the_deployment_file_is_the_lowest(self, run: Run) -> None:
        Path("floe-charts.yaml").write_text('chart: {version: "1.4.0"}\n')
        done = run("synth")
        assert (version(), version("floe-jobs")) == ("1.4.0", "0.1.0")
        assert "floe-platform 1.4.0, after 0.1.0" in done.stdout

    def test_said_outright_wins(self, run: Run) -> None:
        run("synth", "--chart-version", "0.0.9")
        assert (version(), version("floe-jobs")) == ("0.0.9", "0.0.9")

    def test_that_is_none_is_refused(self, run: Run) -> None:
        done = run("synth", "--chart-version", "1.x")
        assert done.exit_code == 2
        assert done.stderr == "Error: --chart-version: found '1.x'; expected a version such as 1.4.0\n"


def test_without_git_it_is_that_of_the_deployment_file(run: Run) -> None:
    run("synth")
    run("synth", "--set", "marquez.replicas=3")
    assert version() == "0.1.0"


def test_charts_that_are_not_committed_do_not_count(run: Run) -> None:
    git("init", "-q", ".")
    run("synth")
    run("synth", "--set", "marquez.replicas=3")
    assert version() == "0.1.0"
