"""Helm as a program on the PATH: one process for each call, so it suits a few renders, not thousands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

from floe_charts.errors import HelmError
from floe_charts.verify.engine import NAMESPACE, RELEASE, LintMessage, RenderError, ValuesRefused
from floe_charts.verify.kube_yaml import YamlFault, read_documents

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
        try:
            return BinaryChart(self, Path(chart))
        except (OSError, KeyError, tarfile.TarError, YamlFault, ValueError) as error:
            raise HelmError(f"{os.fspath(chart)}: this is not a chart: {error}") from error

    def lint(
        self,
        chart: str | os.PathLike[str],
        values: Mapping[str, object] | None = None,
        *,
        strict: bool = True,
        kube_version: str | None = None,
    ) -> list[LintMessage]:
        """What ``helm lint`` says about a chart directory, with ``values`` over its defaults."""
        options = ["--strict"] if strict else []
        if kube_version is not None:
            options += ["--kube-version", kube_version]
        _, output, errors = self.run(["lint", os.fspath(chart), *options], values)
        return _lint_messages(f"{output}\n{errors}")

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

    def __init__(self, helm: HelmBinary, chart: Path) -> None:
        """Take a chart directory or .tgz; raises what reading Chart.yaml raises. Made by :meth:`HelmBinary.load`."""
        self._helm = helm
        self._chart = chart
        self._name = str(_map(self._read("Chart.yaml"))["name"])

    @property
    def name(self) -> str:
        """The chart's name."""
        return self._name

    @cached_property
    def values(self) -> dict[str, object]:
        """The defaults of values.yaml."""
        try:
            return _map(self._read("values.yaml"))
        except (FileNotFoundError, KeyError):
            return {}

    @cached_property
    def schema(self) -> dict[str, object] | None:
        """values.schema.json, or None where the chart has none."""
        try:
            read = json.loads(self._read("values.schema.json"))
        except (FileNotFoundError, KeyError):
            return None
        return read if isinstance(read, dict) else None

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

    def _read(self, name: str) -> str:
        if self._chart.is_dir():
            return (self._chart / name).read_text(encoding="utf-8")
        with tarfile.open(self._chart) as archive:
            found = [one for one in archive.getmembers() if one.name.count("/") == 1 and one.name.endswith(f"/{name}")]
            stream = archive.extractfile(found[0]) if found else None
            if stream is None:
                raise KeyError(f"{name} is not in the archive")
            return stream.read().decode("utf-8")


def _map(text: str) -> dict[str, object]:
    read = next(iter(read_documents(text)), None)
    return dict(read) if isinstance(read, dict) else {}


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
