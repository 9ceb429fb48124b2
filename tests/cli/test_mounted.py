"""The group ``helm`` inside another Click application, as the floe CLI mounts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from floe_charts.cli import helm
from tests.support import write_chart


@click.group(name="acme", context_settings={"help_option_names": ["--hilfe"], "auto_envvar_prefix": "ACME"})
@click.option("--verbose", is_flag=True)
@click.pass_context
def acme(ctx: click.Context, verbose: bool) -> None:
    """Somebody else's program."""
    ctx.obj = {"verbose": verbose}


acme.add_command(helm, "helm")


@acme.command()
def fail() -> None:
    """Somebody else's mistake."""
    raise RuntimeError("theirs")


@pytest.fixture(autouse=True)
def _empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, **options: Any) -> Result:
    return CliRunner(catch_exceptions=False).invoke(acme, ["helm", *arguments], prog_name="acme", **options)


class TestMounted:
    def test_holds_three_commands(self) -> None:
        assert set(helm.commands) == {"generate", "template", "lint"}

    def test_generates_values_to_standard_output(self) -> None:
        result = run("generate", "--env", "staging", "-o", "-")
        assert result.exit_code == 0
        assert yaml.safe_load(result.stdout)["marquez"]["replicas"] == 1

    def test_renders_and_lints(self) -> None:
        template = (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {a: {{ .Values.a }}}\n"
        )
        write_chart(Path("shop"), {"x.yaml": template}, "a: one\n")
        assert "data: {a: two}" in run("template", "--chart", "shop", "--set", "a=two").stdout
        assert run("lint", "--chart", "shop").exit_code == 0

    @pytest.mark.parametrize("command", [(), ("generate",), ("template",), ("lint",)])
    def test_help_shows_examples_as_they_are_typed_here(self, command: tuple[str, ...]) -> None:
        for flag in ("--help", "-h"):
            result = run(*command, flag)
            assert result.exit_code == 0 and "floe_charts" not in result.stdout
            assert f"    acme helm {command[0] if command else 'generate'} " in result.stdout

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("generate", "--env", "stagin"), "Error: there is no environment stagin; did you mean staging?"),
            (("generate", "--env", "dev", "--artifact", "no.json"), "Error: no.json: no such file"),
            (("template", "--chart", "none"), "Error: none: there is no such chart"),
            (("lint",), "Error: charts: there is no chart directory here"),
        ],
    )
    def test_a_mistake_ends_with_a_message_and_a_code(self, arguments: tuple[str, ...], said: str) -> None:
        result = run(*arguments)
        assert result.exit_code == 2 and result.stdout == ""
        assert result.stderr.startswith(said) and "Traceback" not in result.stderr
        assert isinstance(result.exception, SystemExit)

    @pytest.mark.parametrize("arguments", [("generate", "--env", "stagin"), ("lint", "--chart", "none")])
    def test_without_standalone_mode_the_code_is_returned(self, arguments: tuple[str, ...]) -> None:
        result = run(*arguments, standalone_mode=False)
        assert result.return_value == 2 and result.stderr.startswith("Error: ")

    def test_without_standalone_mode_findings_return_one(self) -> None:
        write_chart(Path("shop"), {"x.yaml": "{{ fail `no` }}\n"})
        assert run("lint", "--chart", "shop", standalone_mode=False).return_value == 1

    def test_a_wrong_option_is_clicks_own_mistake(self) -> None:
        result = run("generate", "--envv", "dev")
        assert result.exit_code == 2 and "No such option" in result.stderr
        with pytest.raises(click.UsageError):
            acme.main(["helm", "generate", "--envv", "dev"], standalone_mode=False)

    def test_the_other_programs_bugs_stay_its_own(self) -> None:
        result = CliRunner().invoke(acme, ["fail"])
        assert isinstance(result.exception, RuntimeError)
