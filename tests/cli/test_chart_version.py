"""The version of a chart follows from what git has of it."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from floe_charts.cli import main
from tests.cli.conftest import Run
from tests.synth.cases import changed

PLATFORM, JOBS = "Version:    floe-platform", "Version:    floe-jobs"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(*words: str) -> None:
    identity = ("-c", "user.name=Bot", "-c", "user.email=bot@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the charts of the example."""
    place = tmp_path_factory.mktemp("repository")
    with contextlib.chdir(place):
        assert CliRunner(catch_exceptions=False).invoke(main, ["synth"]).exit_code == 0
        git("init", "-q", ".")
        git("add", "-A")
        git("commit", "-qm", "charts")
    return place


@pytest.fixture
def committed(run: Run, repository: Path) -> None:
    """A copy of it in the working directory of ``run``."""
    shutil.copytree(repository, ".", dirs_exist_ok=True)


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

    @pytest.mark.parametrize(("found", "expected"), [("1.x", "a version such as 1.4.0"), ("v2.0.0", "2.0.0")])
    def test_that_is_none_is_refused(self, run: Run, found: str, expected: str) -> None:
        done = run("synth", "--chart-version", found)
        assert done.exit_code == 2
        assert done.stderr == f"Error: --chart-version: found '{found}'; expected {expected}\n"


def shallow_clone() -> str:
    git("commit", "-q", "--allow-empty", "-m", "another")
    git("clone", "-q", "--depth", "1", f"file://{Path.cwd()}", "clone")
    return "clone"


def detached_head() -> str:
    git("checkout", "-q", "--detach")
    return "."


def worktree() -> str:
    git("worktree", "add", "-q", "tree")
    return "tree"


def submodule() -> str:
    git("init", "-q", "outer")
    git("-C", "outer", "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(Path.cwd()), "inner")
    return "outer/inner"


def charts_elsewhere_by_a_link() -> str:
    Path("elsewhere").mkdir()
    Path("elsewhere/charts").symlink_to(Path("charts").absolute())
    return "elsewhere"


@pytest.mark.usefixtures("committed")
class TestRepositories:
    @pytest.mark.parametrize(
        "made",
        [shallow_clone, detached_head, worktree, submodule, charts_elsewhere_by_a_link],
        ids=lambda one: one.__name__,
    )
    def test_tell_what_was_committed_last(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, made: Callable[[], str]
    ) -> None:
        monkeypatch.chdir(made())
        assert "Version:" not in run("synth").stdout
        assert "floe-platform 0.1.1, after 0.1.0; patch" in run("synth", "--set", "marquez.replicas=3").stdout
        assert version() == "0.1.1"

    def test_around_a_submodule_do_not_count(self, run: Run) -> None:
        place = submodule()
        run("synth", "--chart-version", "0.7.0", "--out", f"{place}/charts")
        git("-C", place, "commit", "-qam", "seven")
        assert "Version:" not in run("synth", "--out", f"{place}/charts").stdout
        assert '"0.7.0"' in Path(place, "charts/floe-jobs/Chart.yaml").read_text()

    def test_that_do_not_hold_the_charts_do_not_count(self, run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
        Path("floe-charts.yaml").write_text('chart: {version: "0.4.0"}\n')
        outside = tmp_path_factory.mktemp("outside") / "charts"
        for replicas in (3, 4):
            assert "Version:" not in run("synth", "--out", str(outside), "--set", f"marquez.replicas={replicas}").stdout
        assert '"0.4.0"' in (outside / "floe-platform/Chart.yaml").read_text()

    def test_whose_other_half_is_out_of_reach_let_no_version_go_back(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So it is with a worktree in a container: what its .git names is not there."""
        monkeypatch.chdir(worktree())
        run("synth", "--chart-version", "0.3.0")
        Path(".git").write_text("gitdir: /nowhere/.git/worktrees/tree\n")
        done = run("synth")
        assert (version(), version("floe-jobs")) == ("0.3.0", "0.3.0")
        assert "0.3.0; what was committed last is not known: git: not a git repository: /nowhere/" in done.stdout


@pytest.mark.usefixtures("committed")
class TestProducts:
    @pytest.mark.parametrize("has_credentials", [True, False])
    def test_are_values_of_both_charts(self, run: Run, has_credentials: bool) -> None:
        """A new one takes nothing from anybody, though its credentials come with a rule; one less is a value less."""
        for name in ("orders", "customers"):
            data = changed(metadata__product_name=name, plugins__catalog__config__oauth2=None)
            if has_credentials:
                data["plugins"]["catalog"]["config"]["oauth2"] = {"client_id": "a", "client_secret": "b"}
            Path(f"{name}.json").write_text(json.dumps(data))
        one, two = (("--artifact", "orders.json"), ("--artifact", "orders.json", "--artifact", "customers.json"))
        run("synth", *one, "--chart-version", "1.0.0")
        git("add", "-A")
        git("commit", "-qm", "one")
        added = run("synth", *two).stdout
        assert f"{PLATFORM} 1.1.0, after 1.0.0; minor: values added: products.byName.customers, " in added
        assert f"{JOBS} 1.1.0, after 1.0.0; minor: values added: jobs.products.customers\n" in added
        assert ("secrets.customersCredentials" in added) is has_credentials
        git("add", "-A")
        git("commit", "-qm", "two")
        removed = run("synth", *one).stdout
        assert f"{PLATFORM} 2.0.0, after 1.1.0; major: values removed: products.byName.customers, " in removed
        assert f"{JOBS} 2.0.0, after 1.1.0; major: values removed: jobs.products.customers\n" in removed


@pytest.mark.usefixtures("committed")
class TestGit:
    def test_makes_no_line_endings_of_its_own(self, run: Run) -> None:
        git("config", "core.autocrlf", "true")
        Path(".gitattributes").write_text("charts/** export-ignore\n")
        git("add", "-A")
        git("commit", "-qm", "attributes")
        assert "Version:" not in run("synth").stdout and version() == "0.1.0"

    def test_in_a_hook_looks_at_the_charts_all_the_same(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GIT_DIR", ".git")
        monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
        run("synth", "--set", "marquez.replicas=3")
        assert version() == "0.1.1"

    @pytest.mark.parametrize("gone", ["program", "configuration"])
    def test_that_does_not_say_what_was_committed_lets_no_version_go_back(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
    ) -> None:
        run("synth", "--chart-version", "0.3.0")
        if gone == "program":
            monkeypatch.setenv("PATH", str(tmp_path))
        else:
            Path(".git", "config").write_text("no configuration\n")
        done = run("synth", "--set", "marquez.replicas=3")
        assert done.exit_code == 0 and (version(), version("floe-jobs")) == ("0.3.0", "0.3.0")
        why = "git: is not installed" if gone == "program" else "git: bad config line 1 in file .git/config"
        assert f"Version:    floe-platform 0.3.0; what was committed last is not known: {why}\n" in done.stdout

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("<<<<<<< HEAD\nname: a\n", "line 2, column 5: as committed last: is not YAML"),
            ("name: a\nversion: one\n", "version: as committed last: found 'one'; expected a semantic version"),
        ],
    )
    def test_that_holds_a_broken_chart(self, run: Run, text: str, said: str) -> None:
        Path("charts/floe-platform/Chart.yaml").write_text(text)
        git("commit", "-qam", "broken")
        done = run("synth")
        assert done.exit_code == 2 and done.stderr.count("\n") == 1
        assert f"charts/floe-platform/Chart.yaml: {said}" in done.stderr
        assert done.stderr.endswith("; say the version: --chart-version\n")
        assert run("synth", "--chart-version", "0.2.0").exit_code == 0 and version() == "0.2.0"


@pytest.mark.usefixtures("committed")
def test_an_overlay_that_is_kept_may_hold_anything(run: Run) -> None:
    path = Path("charts/floe-platform/values-prod.yaml")
    path.write_bytes(path.read_bytes() + b"# \xff\n")
    assert run("synth", "--env", "dev").exit_code == 0
    assert version() == "0.1.1"


def test_without_git_it_is_that_of_the_deployment_file(run: Run) -> None:
    run("synth")
    run("synth", "--set", "marquez.replicas=3")
    assert version() == "0.1.0"


def test_charts_that_are_not_committed_do_not_count(run: Run) -> None:
    git("init", "-q", ".")
    run("synth")
    run("synth", "--set", "marquez.replicas=3")
    assert version() == "0.1.0"
