"""What README.md shows is true: its commands run, its files are read, and its transcript is what ``verify`` prints."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result

from floe_charts.cli import main
from floe_charts.deployment import Environment
from floe_charts.verify.findings import CHECKS
from tests.artifacts.conftest import EXAMPLE
from tests.cli.conftest import Run
from tests.support import load_all_yaml, load_yaml
from tests.test_cli import environment

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = "python -m floe_charts "
SHOP = "tests/charts/shop"


def section(title: str) -> str:
    """The text under a heading of the second level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found is not None, f"README.md has no section {title}"
    return found[1]


def blocks(language: str, text: str = README) -> list[str]:
    """The code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def typed_commands() -> list[str]:
    """What the README tells people to type, without what stands before the name of the program."""
    inline = re.findall(rf"`{COMMAND}([^`A-Z]+)`", README)
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [*inline, *(line.split(COMMAND)[1] for line in lines if COMMAND in line)]


def verify_shop(run: Run, monkeypatch: pytest.MonkeyPatch, *options: str) -> Result:
    monkeypatch.chdir(ROOT)
    return run("verify", SHOP, *options)


class TestCommands:
    @pytest.mark.parametrize("command", ["synth", "generate", "template", "lint", "schema", "ci"])
    def test_are_all_shown(self, command: str) -> None:
        assert any(shlex.split(text)[0] == command for text in typed_commands())

    @pytest.mark.parametrize("command", typed_commands())
    def test_run(self, run: Run, command: str) -> None:
        run("synth", "--env", "staging")
        done = run(*shlex.split(command))
        assert done.exit_code == 0, done.output

    @pytest.mark.parametrize(("command", "title"), [("synth", "Write the charts"), ("verify", "Verify any chart")])
    def test_options_are_those_of_the_command(self, run: Run, command: str, title: str) -> None:
        told = re.findall(r"^\| `(--[a-z-]+)", section(title), re.MULTILINE)
        long = [option for item in main.commands[command].params for option in item.opts if option.startswith("--")]
        assert sorted(told) == sorted(long)
        helped = re.findall(r"^  (?:-\w, )?(--[a-z-]+)", run(command, "--help").stdout, re.MULTILINE)
        assert sorted(told) == sorted(set(helped) - {"--help"})


class TestFiles:
    def test_the_deployment_file_works(self, run: Run) -> None:
        text = next(block for block in blocks("yaml") if block.startswith("# floe-charts.yaml\n"))
        Path("floe-charts.yaml").write_text(text)
        done = run("synth")
        assert done.exit_code == 0, done.stderr
        chart = Path("charts/floe-platform")
        overlay = load_yaml((chart / "values-prod-us.yaml").read_text())
        assert overlay["postgres"]["external"]["host"] == "pg.example.com"
        assert "oci://mirror.example.com/charts" in (chart / "Chart.yaml").read_text()
        assert load_yaml((chart / "values.yaml").read_text())["imageRegistry"] == "registry.example.com"
        assert load_yaml((chart / "values-dev.yaml").read_text())["secrets"] == {"source": "generated"}

    def test_the_deployment_file_of_jobs_works(self, run: Run) -> None:
        text = next(block for block in blocks("yaml") if block.startswith("# floe-charts.yaml, with jobs\n"))
        Path("floe-charts.yaml").write_text(text)
        assert run("synth").exit_code == 0
        rendered = run("template", "--chart", "charts/floe-jobs", "--env", "prod").stdout
        jobs = {one["metadata"]["name"]: one["spec"] for one in load_all_yaml(rendered) if one["kind"] == "CronJob"}
        assert jobs["floe-jobs-hello-floe-dbt"]["schedule"] == "30 5 * * *"
        assert jobs["floe-jobs-hello-floe-export"]["schedule"] == "0 7 * * 1-5"

    def test_an_air_gapped_chart_needs_nothing_but_images(self, run: Run) -> None:
        text = next(block for block in blocks("yaml") if block.startswith("# floe-charts.yaml, air-gapped\n"))
        Path("floe-charts.yaml").write_text(text)
        assert run("synth").exit_code == 0
        assert "dependencies" not in load_yaml(Path("charts/floe-platform/Chart.yaml").read_text())
        assert "docker.io/" not in run("template", "--env", "prod").stdout

    def test_the_settings_of_an_environment_follow_from_its_kind_as_told(self) -> None:
        lines = [line for line in section("Environments").splitlines() if line.startswith("|")]
        head, _, *rows = ([cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines)
        described = Environment.model_fields.values()
        settings = {field.alias: field for field in described if field.alias not in ("kind", "values")}
        assert [row[0] for row in rows] == list(settings)
        for kind, *told in zip(*(line[1:5] for line in (head, *rows)), strict=True):
            made = Environment.model_validate({"kind": kind}).model_dump(by_alias=True)
            assert told == [str(made[name]).lower() for name in settings], kind

    def test_the_python_runs(self, tmp_path: Path) -> None:
        library, mounted, shop = sorted(blocks("python"), key=lambda text: ("class " in text, "click" in text))
        (tmp_path / "compiled_artifacts.json").write_text(json.dumps(EXAMPLE))
        shop += (
            "from floe_charts import CompiledArtifacts, synth\n"
            "files = synth([CompiledArtifacts.example()], platform=OurPlatform)\n"
            'assert "floe-platform/templates/shop-deployment.yaml" in files, list(files)\n'
        )
        mounted += 'floe(["helm", "generate", "--env", "staging", "-o", "values.yaml"], prog_name="floe")\n'
        for number, text in enumerate((library, mounted, shop)):
            script = tmp_path / f"snippet{number}.py"
            script.write_text(text)
            done = subprocess.run(
                [sys.executable, script.name], cwd=tmp_path, env=environment(), capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
        assert (tmp_path / "charts/floe-platform/Chart.yaml").is_file()
        assert (tmp_path / "values.yaml").is_file()


class TestVerify:
    def test_every_check_is_told(self) -> None:
        told = re.findall(r"^\| `([a-z-]+)` \|", section("Verify any chart"), re.MULTILINE)
        assert told == list(CHECKS)

    def test_the_transcript_is_what_is_printed(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
    ) -> None:
        (block,) = blocks("console")
        done = verify_shop(run, monkeypatch)
        assert done.exit_code == 1, done.output
        told = f"$ {COMMAND}verify {SHOP}\n{done.stdout}"
        if request.config.getoption("update_snapshots"):
            (ROOT / "README.md").write_text(README.replace(block, told), encoding="utf-8")
        else:
            assert masked(block) == masked(told), "pytest --snapshot-update writes the transcript anew"

    def test_helm_itself_has_nothing_to_say(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        done = verify_shop(run, monkeypatch, "--check", "lint", "--check", "renders", "--check", "kubernetes")
        assert done.exit_code == 0, done.stdout

    def test_the_acceptance_file_accepts(self, run: Run) -> None:
        text = next(block for block in blocks("yaml") if block.startswith("# charts/shop.verify.yaml\n"))
        shutil.copytree(ROOT / SHOP, "charts/shop")
        assert run("verify", "charts/shop", "--check", "pod-security").exit_code == 1
        Path("charts/shop.verify.yaml").write_text(text)
        done = run("verify", "charts/shop", "--check", "pod-security")
        assert done.exit_code == 0 and done.stdout.endswith("No findings (1 accepted)\n")


def masked(text: str) -> str:
    """The text without what depends on the schemas at hand, and on how the work was done."""
    return re.sub(r"\b\d+ renders\b", "N renders", re.sub(r"\b1\.\d\d\b", "1.XX", text))
