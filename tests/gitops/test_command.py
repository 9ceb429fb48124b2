"""``floe-charts gitops`` as it is typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from floe_charts.cli import main
from tests.gitops.deployments import REGISTRY

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run floe-charts in a directory that holds a deployment file with a registry."""
    monkeypatch.chdir(tmp_path)
    Path("floe-charts.yaml").write_text(f"gitops:\n  registry: {REGISTRY}\n")
    return lambda *arguments: CliRunner().invoke(main, list(arguments), prog_name="python -m floe_charts")


def files(directory: str) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in Path(directory).rglob("*") if path.is_file()}


@pytest.mark.parametrize("tool", ["argocd", "flux"])
def test_writes_and_then_finds_it_up_to_date(run: Run, tool: str) -> None:
    assert run("gitops", tool, "--check").exit_code == 1
    assert not Path("gitops").exists()
    first = run("gitops", tool)
    assert first.exit_code == 0 and f"Wrote gitops/{tool} for dev, test" in first.stdout
    before = {path: Path("gitops", path).stat().st_mtime_ns for path in files("gitops")}
    again = run("gitops", tool)
    assert again.exit_code == 0 and "Nothing to write" in again.stdout
    assert before == {path: Path("gitops", path).stat().st_mtime_ns for path in files("gitops")}
    assert "is up to date" in run("gitops", tool, "--check").stdout


def test_check_shows_the_difference(run: Run) -> None:
    run("gitops", "argocd")
    Path("floe-charts.yaml").write_text("gitops:\n  registry: quay.io/acme/charts\n")
    result = run("gitops", "argocd", "--check")
    assert result.exit_code == 1
    assert f"-        repoURL: {REGISTRY}" in result.stdout and "+        repoURL: quay.io/acme/charts" in result.stdout


def test_an_environment_that_is_gone_takes_its_files_along_and_no_others(run: Run) -> None:
    run("gitops", "flux")
    kept = Path("gitops/flux/clusters/prod/flux-system/gotk-sync.yaml")
    kept.parent.mkdir()
    kept.write_text("kind: Kustomization\n")
    Path("floe-charts.yaml").write_text(
        f"gitops:\n  registry: {REGISTRY}\nclusters:\n  prod:\n    environments: [prod]\n"
    )
    assert run("gitops", "flux").exit_code == 0
    assert kept.read_text() == "kind: Kustomization\n"
    assert not [path for path in files("gitops") if "non-prod" in path]


def test_directory_and_file_can_be_named(run: Run) -> None:
    Path("other.yaml").write_text(f"gitops:\n  registry: {REGISTRY}\n  path: deploy\n")
    result = run("gitops", "flux", "--config", "other.yaml", "--out", "here/it-is")
    assert result.exit_code == 0
    assert "flux/clusters/prod/floe.yaml" in files("here/it-is")
    # What the files say of each other is where they are.
    assert "--path here/it-is/flux/clusters/non-prod" in result.stdout
    assert 'path: "./here/it-is/flux/releases/prod"\n' in Path("here/it-is/flux/clusters/prod/floe.yaml").read_text()
    assert result.stderr == "Warning: ci looks in deploy; set gitops.path: here/it-is to have it look here\n"


def test_a_directory_is_one_however_it_is_written(run: Run) -> None:
    assert run("gitops", "flux").exit_code == 0
    for same in ("gitops/", "./gitops", str(Path("gitops").absolute())):
        result = run("gitops", "flux", "--out", same, "--check")
        assert result.exit_code == 0 and result.stderr == "", same


@pytest.mark.parametrize("how", [Path.absolute, lambda path: Path("..", path.name)])
def test_a_directory_outside_is_told_where_it_belongs(run: Run, tmp_path: Path, how: Callable[[Path], Path]) -> None:
    outside = how(tmp_path.with_name(f"{tmp_path.name}-outside"))
    result = run("gitops", "flux", "--out", str(outside))
    assert result.exit_code == 0 and result.stderr == ""
    assert "In the repository these files belong into gitops, which is gitops.path." in result.stdout
    assert "--path gitops/flux/clusters/prod" in result.stdout
    assert 'path: "./gitops/flux/' in Path(outside, "flux/clusters/prod/floe.yaml").read_text()


def test_a_directory_that_manifests_cannot_name_is_refused(run: Run) -> None:
    result = run("gitops", "flux", "--out", "my manifests")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: --out: found 'my manifests'; expected a directory of the repository, such as gitops\n"
    )


def test_a_directory_that_cannot_be_written_is_one_line(run: Run) -> None:
    Path("gitops").mkdir()
    Path("gitops/flux").write_text("a file")
    result = run("gitops", "flux")
    assert result.exit_code == 2 and result.stderr.startswith("Error: gitops/flux: ")
    assert "chart" not in result.stderr


def test_an_environment_that_is_left_out_is_told(run: Run) -> None:
    Path("floe-charts.yaml").write_text(
        f"gitops:\n  registry: {REGISTRY}\nenvironments:\n  dev:\n    secrets: generated\n"
    )
    result = run("gitops", "argocd")
    assert result.exit_code == 0 and "for test, qa," in result.stdout
    assert result.stderr.startswith(
        "Warning: dev is left out: its Secrets are generated (environments.dev.secrets), and Argo CD"
    )
    assert result.stderr.count("\n") == 1
    flux = run("gitops", "flux")  # Helm in the cluster finds the passwords that are there.
    assert flux.stderr == "" and "for dev, test, qa," in flux.stdout


def test_charts_that_nobody_takes_are_told(run: Run) -> None:
    file = Path("charts/floe-platform/Chart.yaml")
    file.parent.mkdir(parents=True)
    file.write_text("name: floe-platform\nversion: 0.2.0\n")
    result = run("gitops", "flux")
    assert result.exit_code == 0
    assert result.stderr == (
        "Warning: charts/floe-platform has version 0.2.0, which these do not take: dev, test, qa, uat, staging, prod; "
        "set chart.version: 0.2.0 in floe-charts.yaml, then gitops again\n"
    )


def test_says_what_is_missing(run: Run) -> None:
    Path("floe-charts.yaml").write_text("chart:\n  version: 1.0.0\n")
    result = run("gitops", "argocd")
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr == (
        "Error: floe-charts.yaml: gitops.registry: this setting is missing; expected where the charts are pushed to, "
        "such as registry: ghcr.io/acme/charts\n"
    )
    assert not Path("gitops").exists()


def test_without_a_file_it_names_the_one_to_write(run: Run) -> None:
    Path("floe-charts.yaml").unlink()
    assert "Error: floe-charts.yaml: gitops.registry" in run("gitops", "flux").stderr


def test_refuses_another_tool(run: Run) -> None:
    result = run("gitops", "fleet")
    assert result.exit_code == 2 and "argocd" in result.stderr


def test_help_shows_commands_that_run(run: Run) -> None:
    text = run("gitops", "--help").stdout
    commands = [line.split("floe_charts ")[1].split() for line in text.splitlines() if "  python -m" in line]
    assert len(commands) == 3
    for command in commands:
        assert run(*command).exit_code == 0, command
