"""Helm as a library inside this process, by the package helm-python-sdk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from floe_charts.errors import HelmError
from floe_charts.verify.engine import NAMESPACE, RELEASE, LintMessage, RenderError, ValuesRefused

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
        try:
            loaded = helm.Chart.load(os.fspath(chart))
            archive = _archive(loaded) if loaded.dependencies or loaded.metadata.get("dependencies") else None
            return EmbeddedChart(loaded, archive)
        except helm.HelmError as error:
            raise HelmError(f"{os.fspath(chart)}: Helm cannot load this chart: {_tidy(error)}") from error

    def lint(
        self,
        chart: str | os.PathLike[str],
        values: Mapping[str, object] | None = None,
        *,
        strict: bool = True,
        kube_version: str | None = None,
    ) -> list[LintMessage]:
        """What ``helm lint`` says about a chart directory, with ``values`` over its defaults."""
        helm = _library()
        version = None if kube_version is None else f"v{kube_version.removeprefix('v')}"
        try:
            report = helm.lint(os.fspath(chart), dict(values or {}), strict=strict, kube_version=version)
        except helm.HelmError as error:
            raise HelmError(f"{os.fspath(chart)}: Helm cannot lint this chart: {_tidy(error)}") from error
        return [_lint_message(one) for one in report.get("messages") or ()]


class EmbeddedChart:
    """A chart that the library holds in memory; see :class:`floe_charts.verify.engine.ChartHandle`."""

    def __init__(self, chart: helm_python.Chart, archive: bytes | None) -> None:
        """Take a loaded chart, and its archive if it has dependencies; made by :meth:`EmbeddedHelm.load`.

        A render removes disabled subcharts from the library's chart and leaves the defaults of the others in its values
        (helm-python-sdk 0.2.2), so that the next render sees another chart. One with dependencies is therefore loaded
        from memory for each render; that costs less than the render.
        """
        self._chart = chart
        self._archive = archive

    @cached_property
    def name(self) -> str:
        """The chart's name."""
        return self._chart.name

    @cached_property
    def values(self) -> dict[str, object]:
        """The defaults of values.yaml."""
        return self._chart.values

    @cached_property
    def schema(self) -> dict[str, object] | None:
        """values.schema.json, or None where the chart has none."""
        return self._chart.schema

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
            with self._fresh() as chart:
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

    def _fresh(self) -> AbstractContextManager[helm_python.Chart]:
        if self._archive is None:
            return nullcontext(self._chart)
        fresh: helm_python.Chart = _library().Chart.load_archive(self._archive)
        return fresh


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


def _lint_message(raw: Mapping[str, object]) -> LintMessage:
    severity = raw.get("severity")
    return LintMessage(
        severity=_SEVERITIES.get(severity, "error") if isinstance(severity, int) else "error",
        path=str(raw.get("path") or ""),
        text=str(raw.get("error") or "").strip(),
    )


def _tidy(error: Exception) -> str:
    return str(error).strip()
