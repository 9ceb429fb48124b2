"""``verify`` and ``lint``: exit codes, formats, which chart and which values."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from floe_charts.verify.verification import CHECKS
from tests.cli.conftest import Run
from tests.support import write_chart
from tests.test_cli import process

GOOD = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-map
data:
  text: {{ .Values.text | quote }}
"""
BAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n{{ if .Values.broken }}dta: {}{{ end }}\n"
QUICK = ("--check", "renders", "--check", "kubernetes")


def write(name: str, *, broken: bool = False) -> Path:
    """A chart in charts/; only with values-prod.yaml, or where it is broken, it is no valid Kubernetes."""
    chart = write_chart(
        Path("charts") / name, {"map.yaml": GOOD, "bad.yaml": BAD}, f"text: a\nbroken: {str(broken).lower()}\n"
    )
    (chart / "values-dev.yaml").write_text("text: b\n")
    return chart


class TestExitCodes:
    def test_nothing_found_is_zero(self, run: Run) -> None:
        write("shop")
        result = run("verify", "charts/shop", *QUICK)
        assert result.exit_code == 0, result.output
        assert "charts/shop (shop 0.1.0)" in result.stdout and "No findings" in result.stdout
        assert result.stderr == ""

    def test_a_finding_is_one(self, run: Run) -> None:
        write("shop", broken=True)
        result = run("verify", "charts/shop", *QUICK)
        assert result.exit_code == 1 and result.stderr == ""
        assert "templates/bad.yaml" in result.stdout and "dta" in result.stdout

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--check", "rendrs"), "Error: --check: there is no check rendrs; did you mean renders?"),
            (("--skip", "secrts"), "Error: --skip: there is no check secrts; did you mean secrets?"),
            (("charts/shopp",), "Error: charts/shopp: there is no such chart; did you mean charts/shop?"),
            (("charts",), "Error: charts: is no chart: there is no Chart.yaml in it; did you mean charts/shop?"),
            (("--env", "dve"), "there is no values-dve.yaml in this chart; did you mean dev?"),
            (("--values", "none.yaml"), "Error: none.yaml: no such file"),
            (("--kube-version", "0.1"), "Error: --kube-version: there are no schemas of Kubernetes '0.1'"),
            (("--schemas", "none"), "none"),
            (("--accept", "none.yaml"), "Error: none.yaml: no such file"),
            (("--format", "xml"), "Invalid value for '--format'"),
            (("--pod-security", "strict"), "Invalid value for '--pod-security'"),
            (("--output", "no/such/file", "--check", "renders"), "Error: no/such/file: cannot be written"),
        ],
    )
    def test_a_mistake_is_two(self, run: Run, arguments: tuple[str, ...], said: str) -> None:
        write("shop")
        result = run("verify", *arguments)
        assert result.exit_code == 2, result.output
        assert said in result.stderr and "Traceback" not in result.stderr and result.stdout == ""

    @pytest.mark.parametrize("command", [("lint", "--chart", "shop"), ("verify", "shop", *QUICK)])
    def test_a_kubernetes_that_the_chart_excludes_is_two(self, run: Run, command: tuple[str, ...]) -> None:
        write_chart(Path("shop"), {"map.yaml": GOOD}, "text: a\n", chart={"kubeVersion": ">=1.28.0-0"})
        refused = run(*command, "--kube-version", "1.30", "--kube-version", "1.27")
        assert refused.exit_code == 2 and refused.stdout == ""
        assert refused.stderr == (
            "Error: --kube-version: the chart requires kubeVersion: >=1.28.0-0 which is incompatible with "
            "Kubernetes v1.27.0\n"
        )
        assert run(*command, "--kube-version", "1.28").exit_code == 0

    def test_a_number_where_a_text_belongs_is_told_with_its_quotes(self, run: Run) -> None:
        schema = {"properties": {"text": {"type": "string"}}}
        write_chart(Path("shop"), {"map.yaml": GOOD}, "text: a\n", schema=schema)
        Path("mine.yaml").write_text("text: 1\n")
        result = run("verify", "shop", "--values", "mine.yaml", "--check", "renders")
        said = " ".join(result.stdout.split())
        assert result.exit_code == 1 and 'text: got number, want string to do: write it in quotes, such as "1"' in said

    def test_no_chart_at_all_is_two(self, run: Run) -> None:
        for command in ("verify", "lint"):
            result = run(command)
            assert result.exit_code == 2
            assert result.stderr == (
                "Error: charts: there is no chart directory here; run synth first, or name a chart\n"
            )

    def test_in_a_process_of_its_own(self, run: Run, tmp_path: Path) -> None:
        write("shop", broken=True)
        found = process("verify", *QUICK, cwd=tmp_path)
        assert found.returncode == 1 and found.stderr == "" and "\x1b" not in found.stdout
        assert process("verify", "none", cwd=tmp_path).returncode == 2


def test_help_names_all_checks(run: Run) -> None:
    text = " ".join(run("verify", "--help").stdout.split())
    assert f"The checks: {', '.join(CHECKS)}." in text


class TestCharts:
    def test_without_a_name_all_are_verified(self, run: Run) -> None:
        write("bakery"), write("shop")
        result = run("verify", *QUICK)
        assert result.exit_code == 0
        assert result.stdout.index("charts/bakery (") < result.stdout.index("charts/shop (")

    def test_one_that_fails_among_two_is_enough(self, run: Run) -> None:
        write("bakery", broken=True), write("shop")
        assert run("verify", *QUICK).exit_code == 1
        assert run("verify", "charts/shop", *QUICK).exit_code == 0

    def test_a_packaged_one(self, run: Run) -> None:
        chart = write("shop", broken=True)
        with tarfile.open("shop-0.1.0.tgz", "w:gz") as file:
            file.add(chart, "shop")
        result = run("verify", "shop-0.1.0.tgz", *QUICK)
        assert result.exit_code == 1 and "values-dev.yaml" in result.stdout
        assert run("verify", "shop-0.1.0.tgz", "--env", "dev", "--check", "renders").exit_code == 0


class TestValues:
    def test_a_case_of_its_own_for_each_file(self, run: Run) -> None:
        write("shop")
        Path("prod.yaml").write_text("broken: true\n")
        assert run("verify", *QUICK).exit_code == 0
        result = run("verify", *QUICK, "--values", "prod.yaml")
        assert result.exit_code == 1 and "only with prod.yaml" in result.stdout
        assert run("verify", *QUICK, "--env", "dev").exit_code == 0

    def test_from_standard_input(self, run: Run) -> None:
        write("shop")
        assert run("verify", *QUICK, "--values", "-", input="broken: true\n").exit_code == 1
        assert "named twice" in run("verify", "--values", "-", "--values", "-").stderr
        write("bakery")
        assert "there are several charts" in run("verify", "--values", "-").stderr

    def test_that_an_environment_needs_are_all_looked_at(self, run: Run) -> None:
        chart = write("shop")
        (chart / "values-prod.yaml").write_text("broken: true\n")
        assert run("verify", *QUICK).exit_code == 1
        assert run("verify", *QUICK, "--env", "dev").exit_code == 0


class TestReports:
    @pytest.mark.parametrize("output_format", ["text", "json", "sarif", "junit"])
    def test_go_to_a_file_and_leave_one_line(self, run: Run, output_format: str) -> None:
        write("shop", broken=True)
        printed = run("verify", *QUICK, "--format", output_format)
        result = run("verify", *QUICK, "--format", output_format, "--output", "report")
        assert result.exit_code == printed.exit_code == 1
        assert result.stdout.endswith(" Wrote report.\n") and result.stdout.count("\n") == 1
        assert result.stdout.startswith("1 chart: ")
        text = Path("report").read_text()
        assert text == printed.stdout
        if output_format == "junit":
            assert ET.fromstring(text).tag == "testsuites"
        elif output_format != "text":
            assert json.loads(text)

    def test_kube_versions_are_those_asked(self, run: Run) -> None:
        write("shop")
        result = run("verify", *QUICK, "--kube-version", "1.30", "--kube-version", "1.33")
        assert "Kubernetes 1.30 and 1.33" in result.stdout

    def test_accepted_findings_fail_nothing(self, run: Run) -> None:
        write("shop", broken=True)
        found = json.loads(run("verify", *QUICK, "--format", "json").stdout)
        finding = next(one for one in _findings(found) if one["check"] == "kubernetes")
        entry = {"check": "kubernetes", "path": finding["path"], "object": finding["object"], "reason": "old"}
        Path("charts/shop.verify.yaml").write_text(json.dumps({"accept": [entry]}))
        Path("mine.yaml").write_text("accept: []\n")
        assert run("verify", *QUICK).exit_code == 0
        assert run("verify", *QUICK, "--accept", "mine.yaml").exit_code == 1
        write("bakery")
        assert "--accept is for one chart" in run("verify", *QUICK, "--accept", "mine.yaml").stderr


def _findings(tree: object) -> list[dict[str, str]]:
    """Every map in a JSON report that names a check and an object."""
    if isinstance(tree, dict):
        here = [tree] if {"check", "object", "path"} <= set(tree) else []
        return here + [found for value in tree.values() for found in _findings(value)]
    return [found for value in tree for found in _findings(value)] if isinstance(tree, list) else []


class TestLint:
    def test_takes_the_platform_or_the_only_chart(self, run: Run) -> None:
        write("shop")
        assert "charts/shop (shop 0.1.0)" in run("lint").stdout
        write("bakery")
        several = run("lint")
        assert several.exit_code == 2 and "several charts here: bakery, shop; name one with --chart" in several.stderr
        write("floe-platform")
        assert run("lint").stdout.startswith("charts/floe-platform (")
        assert run("lint", "--chart", "charts/bakery").stdout.startswith("charts/bakery (")

    def test_runs_what_is_quick_for_the_newest_version(self, run: Run) -> None:
        write("shop")
        report = json.loads(run("lint", "--format", "json").stdout)
        text = run("lint").stdout
        assert "dead-values" not in text and "text-safety" not in text and "sealed-schema" not in text
        assert all(name in text for name in ("renders", "kubernetes", "pod-security", "references", "secrets"))
        assert len(report["charts"][0]["kubeVersions"]) == 1

    def test_finds_what_is_wrong(self, run: Run) -> None:
        chart = write("shop")
        assert run("lint").exit_code == 0
        (chart / "values-prod.yaml").write_text("broken: true\n")
        assert run("lint").exit_code == 1
        assert run("lint", "--env", "dev").exit_code == 0
        assert run("lint", "--env", "prod").exit_code == 1


def test_helm_s_own_log_stays_off_standard_error(tmp_path: Path) -> None:
    """Helm's library logs each value that cannot be merged to the process's standard error, past Python."""
    template = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: {{ toJson .Values.web.labels | quote }}\n"
    )
    chart = write_chart(tmp_path / "shop", {"a.yaml": template}, {"web": {"labels": {}}})
    (tmp_path / "v.yaml").write_text("web: {labels: text}\n")
    done = subprocess.run(
        [sys.executable, "-m", "floe_charts", "verify", str(chart), "--values", str(tmp_path / "v.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "sealed-schema" in done.stdout
    assert done.stderr == ""
