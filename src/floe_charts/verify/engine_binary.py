"""Helm as a program on the PATH: one process for each call, so it suits a few renders, not thousands."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from floe_charts.verify.chart_files import ChartFiles, read_chart
from floe_charts.verify.chart_variants import full_version, lintable_directory, without_schema
from floe_charts.verify.engine import NAMESPACE, RELEASE, LintMessage, RenderError, ValuesRefused
from floe_charts.verify.schema_references import LocalChart, localize_chart

__all__ = ["BinaryChart", "HelmBinary"]

_SOURCE = re.compile(r"^# Source: (?P<template>\S+)[ \t]*\n", re.MULTILINE)
_LINT_LINE = re.compile(r"^\[(?P<severity>INFO|WARNING|ERROR)\] (?P<rest>.*)$")
_SCHEMA = "values don't meet the specifications of the schema"


class HelmBinary:
    """Helm 3 or 4 as a program."""

    def __init__(self, program: Path) -> None:
        """Take the path of the program."""
        self._program = program

    def load(self, chart: str | os.PathLike[str]) -> BinaryChart:
        """Take the chart in a directory or a .tgz; raise HelmError where it is none."""
        files = read_chart(chart)
        local = localize_chart(files)
        return BinaryChart(self, Path(chart), files, local)

    def lint(
        self,
        chart: str | os.PathLike[str],
        values: Mapping[str, object] | None = None,
        *,
        strict: bool = True,
        kube_version: str | None = None,
    ) -> list[LintMessage]:
        """What ``helm lint`` says about a chart directory or .tgz, with ``values`` over its defaults."""
        options = ["--namespace", NAMESPACE, *(["--strict"] if strict else [])]
        if kube_version is not None:
            options += ["--kube-version", full_version(kube_version)]
        with lintable_directory(chart) as directory:
            _, output, errors = self.run(["lint", os.fspath(directory), *options], values)
        return _lint_messages(f"{output}\n{errors}".replace(f"{directory}/", ""))

    def run(self, arguments: Sequence[str], values: Mapping[str, object] | None) -> tuple[int, str, str]:
        """Run helm with ``values`` as a values file; its exit code, output and error output."""
        with tempfile.TemporaryDirectory(prefix="floe-charts-") as directory:
            file = Path(directory) / "values.json"
            file.write_text(json.dumps(dict(values or {})), encoding="utf-8")
            done = subprocess.run(
                [os.fspath(self._program), *arguments, "--values", os.fspath(file)],
                capture_output=True,
                check=False,
                encoding="utf-8",
                stdin=subprocess.DEVNULL,
            )
        return done.returncode, done.stdout, done.stderr


class BinaryChart:
    """A chart on disk that the program reads anew for each render."""

    def __init__(self, helm: HelmBinary, chart: Path, files: ChartFiles, local: LocalChart) -> None:
        """Take a chart directory or .tgz and its files; made by :meth:`HelmBinary.load`.

        A chart whose schemas had to be changed is written to a temporary archive, which goes with this object.
        """
        self._helm = helm
        self._files = files
        self._local = local
        self._chart = chart
        if local.changed:
            directory = tempfile.mkdtemp(prefix="floe-charts-")
            weakref.finalize(self, shutil.rmtree, directory, ignore_errors=True)
            self._chart = Path(directory) / f"{files.name}.tgz"
            self._chart.write_bytes(local.files.archive())

    @property
    def name(self) -> str:
        """The chart's name."""
        return self._files.name

    @property
    def values(self) -> dict[str, object]:
        """The defaults of values.yaml."""
        return self._files.values

    @property
    def schema(self) -> dict[str, object] | None:
        """values.schema.json with what it refers to, or None where the chart has none."""
        return self._local.files.schema

    @property
    def metadata(self) -> dict[str, object]:
        """Chart.yaml."""
        return self._files.metadata

    @property
    def files(self) -> ChartFiles:
        """The chart's files and its subcharts, as they stand on disk."""
        return self._files

    @property
    def unresolved_references(self) -> tuple[str, ...]:
        """References in values schemas to what is not at hand: ``chart: url``."""
        return self._local.unresolved

    def render(
        self,
        values: Mapping[str, object] | None = None,
        *,
        release: str = RELEASE,
        namespace: str = NAMESPACE,
        kube_version: str | None = None,
    ) -> dict[str, str]:
        """What each template gives, by its path; raise ValuesRefused or RenderError."""
        arguments = ["template", release, os.fspath(self._chart), "--namespace", namespace]
        if kube_version is not None:
            arguments += ["--kube-version", full_version(kube_version)]
        code, output, errors = self._helm.run(arguments, values)
        if code != 0:
            raise (ValuesRefused if _SCHEMA in errors else RenderError)(errors.strip())
        return _by_template(output)

    def check_values(self, values: Mapping[str, object] | None = None) -> None:
        """Hold ``values``, merged over the defaults, against the chart's schema; raise ValuesRefused.

        Helm has no command for just this, so the chart is rendered; failures of templates are passed over.
        """
        try:
            self.render(values)
        except RenderError:
            return

    def without_schema(self) -> BinaryChart:
        """The chart without its own values.schema.json."""
        files = without_schema(self._local.files)
        return BinaryChart(self._helm, self._chart, files, LocalChart(files, self._local.unresolved, changed=True))


def _by_template(output: str) -> dict[str, str]:
    """Split the stream of ``helm template`` at its ``# Source:`` lines; documents of one template are put together."""
    rendered: dict[str, str] = {}
    parts = _SOURCE.split(output)
    for template, text in zip(parts[1::2], parts[2::2], strict=True):
        # The separator before the next document is at the end of this one.
        text = re.sub(r"\n?---\s*\Z", "\n", text)
        before = rendered.get(template)
        rendered[template] = text if before is None else f"{before}---\n{text}"
    return rendered


def _lint_messages(output: str) -> list[LintMessage]:
    messages: list[LintMessage] = []
    names: dict[str, Literal["info", "warning", "error"]] = {"INFO": "info", "WARNING": "warning", "ERROR": "error"}
    for line in output.splitlines():
        match = _LINT_LINE.match(line)
        if match is None:
            continue
        path, colon, text = match["rest"].partition(": ")
        if not colon:
            path, text = "", match["rest"]
        messages.append(LintMessage(names[match["severity"]], path, text.strip()))
    return messages
