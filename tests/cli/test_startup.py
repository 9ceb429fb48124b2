"""Help and wrong options answer at once, and a terminal shows that something happens."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.artifacts.conftest import EXAMPLE
from tests.cli.conftest import Run
from tests.support import write_chart
from tests.test_architecture import imported, rooms
from tests.test_cli import _read_terminal, environment

COMMANDS = ("synth", "generate", "template", "lint", "verify", "schema", "package", "push", "index")


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS), ["verify", "--formt"]])
def test_help_and_usage_errors_load_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    code = f"from floe_charts.cli import main\ntry: main({arguments!r})\nexcept SystemExit: pass"
    modules = imported(code, tmp_path)
    assert rooms(modules) == {"floe_charts.cli", "floe_charts.errors"}
    assert not {"pydantic", "yaml", "rich", "jsii", "helm_python", "jsonschema_rs"} & modules


def test_generate_needs_neither_helm_nor_node(tmp_path: Path) -> None:
    code = "from floe_charts.cli import main\nmain(['generate', '--env', 'dev'], standalone_mode=False)"
    modules = imported(code, tmp_path)
    assert "floe_charts.verify" not in modules and not {"jsii", "helm_python", "rich"} & modules


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_an_example(run: Run, command: str) -> None:
    text = run(command, "--help").stdout
    assert f"    python -m floe_charts {command}" in text


@pytest.mark.parametrize("command", ["generate", "template", "lint", "verify"])
def test_examples_run(run: Run, command: str) -> None:
    Path("target").mkdir()
    if command == "verify":  # All its checks: on a chart of one environment and of few parts.
        off = {name: {"enabled": False} for name in ("dagster", "marquez", "minio", "polaris")}
        parts = {**off, "otel": {"strategy": "native"}}
        deployment = {"clusters": {"one": {"environments": ["prod"]}}, "components": parts}
        Path("floe-charts.yaml").write_text(json.dumps(deployment))
    run("synth")
    Path("target/compiled_artifacts.json").write_text(json.dumps(EXAMPLE))
    lines = [line.strip() for line in run(command, "--help").stdout.splitlines()]
    examples = [line for line in lines if line.startswith("python -m floe_charts")]
    assert examples
    for line in examples:
        # Whether something is found is the chart's matter.
        done = run(*shlex.split(line)[3:])
        assert done.exit_code in (0, 1) and "Error" not in done.stderr, f"{line}: {done.stderr}"


def test_a_terminal_shows_a_line_for_each_check(tmp_path: Path) -> None:
    write_chart(tmp_path / "shop", {})
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "floe_charts", "verify", "shop", "--check", "lint", "--check", "renders"],
        cwd=tmp_path, env=environment(TERM="xterm"), stdout=subprocess.PIPE, stderr=terminal, text=True,
    ) as running:  # fmt: skip
        os.close(terminal)
        shown = _read_terminal(controller)
        assert running.stdout is not None
        printed = running.stdout.read()
    assert running.returncode == 0
    assert "Verifying shop" in shown and "lint" in shown and "renders" in shown and "\x1b[" in shown
    assert "shop (shop 0.1.0)" in printed and "\x1b" not in printed
