"""Helm as a library inside this process, by the package helm-python-sdk."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from floe_charts.errors import HelmError
from floe_charts.verify.chart_files import ChartFiles, read_chart
from floe_charts.verify.chart_variants import for_kube_version, full_version, lintable_directory, without_schema
from floe_charts.verify.engine import NAMESPACE, RELEASE, LintMessage, RenderError, ValuesRefused
from floe_charts.verify.schema_references import LocalChart, localize_chart

if TYPE_CHECKING:
    import helm_python

__all__ = ["EmbeddedChart", "EmbeddedHelm"]

_SEVERITIES: dict[int, Literal["info", "warning", "error"]] = {0: "info", 1: "info", 2: "warning", 3: "error"}
_started_in: int | None = None


class EmbeddedHelm:
    """Helm 4 in the process. Its Go runtime dies in a forked child, which is therefore refused: spawn instead."""

    def load(self, chart: str | os.PathLike[str]) -> EmbeddedChart:
        """Load the chart in a directory or a .tgz; raise HelmError where it is none."""
        helm = _library()
        files = read_chart(chart)
        local = localize_chart(files)
        try:
            if local.changed:
                archive: bytes | None = local.files.archive()
                loaded = helm.Chart.load_archive(archive)
            else:
                loaded = helm.Chart.load(os.fspath(chart))
                archive = None
            if not (loaded.dependencies or loaded.metadata.get("dependencies")):
                archive = None
            elif archive is None:
                archive = _archive(loaded)
            return EmbeddedChart(loaded, archive, files, local)
        except helm.HelmError as error:
            raise HelmError(f"{os.fspath(chart)}: Helm cannot load this chart: {_one_line(error)}") from error

    def lint(
        self,
        chart: str | os.PathLike[str],
        values: Mapping[str, object] | None = None,
        *,
        strict: bool = True,
        kube_version: str | None = None,
    ) -> list[LintMessage]:
        """What ``helm lint`` says about a chart directory or .tgz, with ``values`` over its defaults."""
        helm = _library()
        version = None if kube_version is None else full_version(kube_version)
        try:
            with lintable_directory(chart) as directory:
                report = helm.lint(
                    os.fspath(directory), dict(values or {}), strict=strict, namespace=NAMESPACE, kube_version=version
                )
        except helm.HelmError as error:
            raise HelmError(f"{os.fspath(chart)}: Helm cannot lint this chart: {_one_line(error)}") from error
        return [_lint_message(one, directory) for one in report.get("messages") or ()]


class EmbeddedChart:
    """A chart that the library holds in memory; see :class:`floe_charts.verify.engine.ChartHandle`."""

    def __init__(self, chart: helm_python.Chart, archive: bytes | None, files: ChartFiles, local: LocalChart) -> None:
        """Take a loaded chart, its archive if it has dependencies, and its files; made by :meth:`EmbeddedHelm.load`.

        A render removes disabled subcharts from the library's chart and leaves the defaults of the others in its values
        (helm-python-sdk 0.2.2), so that the next render sees another chart. One with dependencies is therefore loaded
        from memory for each render; that costs less than the render.
        """
        self._chart = chart
        self._archive = archive
        self._files = files
        self._local = local
        self._variants: dict[str, tuple[helm_python.Chart, bytes | None]] = {}
        self._lock = threading.Lock()

    @cached_property
    def name(self) -> str:
        """The chart's name."""
        return self._chart.name

    @cached_property
    def values(self) -> dict[str, object]:
        """The defaults of values.yaml."""
        return self._chart.values or {}

    @cached_property
    def schema(self) -> dict[str, object] | None:
        """values.schema.json with what it refers to, or None where the chart has none."""
        found: object = self._chart.schema
        return found if isinstance(found, dict) else None

    @cached_property
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
        helm = _library()
        try:
            with self._fresh(kube_version) as chart:
                return chart.render(dict(values or {}), name=release, namespace=namespace)
        except helm.HelmValuesError as error:
            raise ValuesRefused(_tidy(error)) from error
        except helm.HelmError as error:
            raise RenderError(_tidy(error)) from error

    def check_values(self, values: Mapping[str, object] | None = None) -> None:
        """Hold ``values``, merged over the defaults, against the chart's schema; raise ValuesRefused."""
        helm = _library()
        try:
            with self._fresh() as chart:
                chart.validate_schema(dict(values or {}))
        except helm.HelmValuesError as error:
            raise ValuesRefused(_tidy(error)) from error
        except helm.HelmError as error:
            raise HelmError(_tidy(error)) from error

    def without_schema(self) -> EmbeddedChart:
        """The chart without its own values.schema.json."""
        files = without_schema(self._local.files)
        archive = files.archive()
        loaded = _library().Chart.load_archive(archive)
        return EmbeddedChart(
            loaded, None if self._archive is None else archive, files, replace(self._local, files=files)
        )

    def _fresh(self, kube_version: str | None = None) -> AbstractContextManager[helm_python.Chart]:
        chart, archive = (self._chart, self._archive) if kube_version is None else self._variant(kube_version)
        if archive is None:
            return nullcontext(chart)
        fresh: helm_python.Chart = _library().Chart.load_archive(archive)
        return fresh

    def _variant(self, kube_version: str) -> tuple[helm_python.Chart, bytes | None]:
        """The chart whose templates find another version of Kubernetes; made once for each version."""
        version = full_version(kube_version)
        with self._lock:
            if version not in self._variants:
                archive = for_kube_version(self._local.files, version).archive()
                chart = self._chart if self._archive is not None else _library().Chart.load_archive(archive)
                self._variants[version] = chart, None if self._archive is None else archive
            return self._variants[version]


def _library() -> ModuleType:
    """The package, or HelmError where it is missing, broken, or was started in the parent of this process."""
    global _started_in
    try:
        import helm_python
    except ImportError as error:
        raise HelmError("helm-python-sdk is not installed; run: pip install 'floe-charts[helm]'") from error
    if _started_in is None:
        _started_in = os.getpid()
    elif _started_in != os.getpid():
        raise HelmError("Helm's library does not survive a fork; start worker processes with the method 'spawn'")
    return helm_python


def _archive(chart: helm_python.Chart) -> bytes:
    with tempfile.TemporaryDirectory(prefix="floe-charts-") as directory:
        return Path(chart.save(directory)).read_bytes()


def _lint_message(raw: Mapping[str, object], directory: Path) -> LintMessage:
    severity = raw.get("severity")
    return LintMessage(
        severity=_SEVERITIES.get(severity, "error") if isinstance(severity, int) else "error",
        path=str(raw.get("path") or "").removeprefix(str(directory)).removeprefix("/"),
        text=str(raw.get("error") or "").replace(f"{directory}/", "").strip(),
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _tidy(error: Exception) -> str:
    return str(error).strip()
