"""The house: arrows run downward, the language stands on its own, and nothing heavy is imported that is not needed."""

from __future__ import annotations

import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import floe_charts
import floe_charts.verify

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


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the house, to be built wrongly."""
    shutil.copytree(SOURCE / "floe_charts", tmp_path / "floe_charts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


class TestContracts:
    def test_are_kept(self) -> None:
        code, said = run_lint_imports(ROOT)
        assert code == 0, said
        assert "0 broken" in said

    def test_notice_what_they_forbid(self, copied: Path) -> None:
        wrong = {
            "helm/values.py": "floe_charts.artifacts",
            "constructs/minio/server.py": "floe_charts.verify.engine",
            "verify/objects.py": "floe_charts.synth.files",
            "verify/lint.py": "floe_charts.verify.renders",
        }
        for file, module in wrong.items():
            with (copied / "floe_charts" / file).open("a") as opened:
                opened.write(f"\nimport {module}\n")
        code, said = run_lint_imports(copied, copied)
        assert code != 0 and "0 kept" in said
        for file, module in wrong.items():
            assert f"floe_charts.{file[:-3].replace('/', '.')} -> {module}" in said, said

    def test_notice_a_room_that_has_no_floor(self, copied: Path) -> None:
        (copied / "floe_charts" / "attic.py").write_text("")
        code, said = run_lint_imports(copied, copied)
        assert code != 0 and "attic" in said


class TestVerify:
    def test_says_truly_what_is_where(self) -> None:
        text = floe_charts.verify.__doc__ or ""
        modules = {one.name for one in pkgutil.iter_modules(floe_charts.verify.__path__)}
        named = set(re.findall(r":mod:`~floe_charts\.verify\.(\w+)`", text))
        assert named <= modules
        parts = {one for one in re.findall(r"``(\w+)``", text) if one.isidentifier()}
        assert parts <= modules
        untold = {one for one in modules - named - parts if not one.startswith(tuple(f"{name}_" for name in named))}
        assert untold == set()

    def test_importing_the_package_loads_nothing(self, tmp_path: Path) -> None:
        modules = imported("import floe_charts.verify", tmp_path)
        assert {name for name in modules if name.startswith("floe_charts")} == {"floe_charts", "floe_charts.verify"}
        assert "yaml" not in modules

    def test_neither_node_nor_what_makes_our_chart_is_needed(self, tmp_path: Path) -> None:
        code = (
            "from floe_charts.verify.verification import open_subject, run_checks\n"
            f"results = run_checks(open_subject({str(ROOT / 'tests/verify/charts/bookshop')!r}))\n"
            "assert all(result.passed for result in results)\n"
        )
        modules = imported(code, tmp_path)
        assert not {"floe_charts.synth", "floe_charts.constructs", "floe_charts.cli", "jsii", "cdk8s", "rich"} & modules


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
