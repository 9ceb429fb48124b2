"""The house: arrows run downward, the language stands on its own, and nothing heavy is imported that is not needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import floe_charts

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path(floe_charts.__file__).parents[1]


def imported(code: str, cwd: Path) -> set[str]:
    """The names of all modules that are imported when ``code`` has run in a process of its own."""
    report = "\nimport json, sys\nprint(json.dumps(list(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code + report],
        cwd=cwd, env={**os.environ, "PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def rooms(modules: set[str]) -> set[str]:
    return {name for name in modules if name.startswith("floe_charts.") and name.count(".") == 1}


def run_lint_imports(directory: Path, source: Path = SOURCE) -> tuple[int, str]:
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=directory, env={**os.environ, "PYTHONPATH": str(source)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


class TestContracts:
    def test_are_kept(self) -> None:
        code, said = run_lint_imports(ROOT)
        assert code == 0, said
        assert "0 broken" in said

    def test_notice_an_arrow_that_runs_upward(self, tmp_path: Path) -> None:
        import shutil

        shutil.copytree(SOURCE / "floe_charts", tmp_path / "floe_charts", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", tmp_path)
        with (tmp_path / "floe_charts" / "helm" / "values.py").open("a") as file:
            file.write("\nimport floe_charts.artifacts\n")
        code, said = run_lint_imports(tmp_path, tmp_path)
        assert code != 0 and "floe_charts.helm" in said


class TestImports:
    def test_the_language_needs_nothing_of_floe_and_no_node(self, tmp_path: Path) -> None:
        modules = imported("import floe_charts.helm", tmp_path)
        above = {"artifacts", "cli", "constructs", "deployment", "synth", "verify"}
        assert not {f"floe_charts.{name}" for name in above} & modules
        assert not {"jsii", "cdk8s", "constructs", "helm_python"} & modules

    def test_a_chart_of_manifests_needs_no_node(self, tmp_path: Path) -> None:
        code = (
            "from floe_charts.helm import Component, Field, HelmChart, Values\n"
            "class V(Values):\n    'Doc.'\n    text: str = Field('x', description='A text.')\n"
            "class C(Component[V]):\n    'Doc.'\n"
            "    def build(self, v): self.add(self.config_map('c', {'t': v.text}))\n"
            "chart = HelmChart('shop'); C(chart, 'c'); assert chart.files()\n"
        )
        assert not {"jsii", "helm_python"} & imported(code, tmp_path)

    def test_the_package_itself_is_light(self, tmp_path: Path) -> None:
        modules = imported("import floe_charts", tmp_path)
        assert rooms(modules) == set()
        assert not {"pydantic", "yaml", "click", "rich", "jsii"} & modules

    @pytest.mark.parametrize("arguments", [["--help"], ["synth", "--help"], ["synth", "--no-such-option"]])
    def test_help_and_usage_errors_load_no_room(self, tmp_path: Path, arguments: list[str]) -> None:
        code = f"from floe_charts.cli import main\ntry: main({arguments!r})\nexcept SystemExit: pass"
        modules = imported(code, tmp_path)
        assert rooms(modules) == {"floe_charts.cli", "floe_charts.errors"}
        assert "pydantic" not in modules

    def test_synth_starts_neither_node_nor_helm(self, tmp_path: Path) -> None:
        modules = imported("from floe_charts.cli import main\nmain(['synth'], standalone_mode=False)", tmp_path)
        assert "floe_charts.synth" in modules
        unwanted = {"jsii", "cdk8s", "constructs", "helm_python", "kubernetes_validate", "jsonschema", "rich", "mypy"}
        assert not unwanted & modules
        assert "floe_charts.verify" not in modules

    def test_cdk8s_needs_no_node_on_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("JSII_NODE", raising=False)
        code = (
            "import floe_charts.helm, cdk8s\n"
            "chart = floe_charts.helm.HelmChart('shop')\n"
            "cdk8s.ApiObject(chart, 'x', api_version='v1', kind='ConfigMap', metadata={'name': 'x'})\n"
            "assert any('configmap' in path for path in chart.files())\n"
        )
        assert {"jsii", "cdk8s"} <= imported(code, tmp_path)

    def test_every_public_name_is_there(self) -> None:
        assert all(hasattr(floe_charts, name) for name in floe_charts.__all__)
        with pytest.raises(AttributeError, match="'floe_charts' has no attribute 'synthh'"):
            _ = floe_charts.synthh  # type: ignore[attr-defined]
