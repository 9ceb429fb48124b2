"""Helm itself: it lints, renders and checks values against values.schema.json.

Two ways to it stand behind one protocol: the Helm library inside the process (``helm-python-sdk``, quick: about 1 ms a
render, and threads run side by side), and a ``helm`` program on the PATH (one process for each render).
:func:`find_helm` picks the first that is there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from floe_charts.errors import HelmError

if TYPE_CHECKING:
    from floe_charts.verify.chart_files import ChartFiles

__all__ = [
    "NAMESPACE",
    "RELEASE",
    "ChartHandle",
    "Helm",
    "LintMessage",
    "RenderError",
    "ValuesRefused",
    "find_helm",
    "lint",
    "load",
]

RELEASE = "floe-platform"
NAMESPACE = "floe-test"


class RenderError(HelmError):
    """A template failed; the message is Helm's, with the template's name and line."""


class ValuesRefused(HelmError):
    """The chart's values.schema.json, or that of a subchart, refuses the values; the message is Helm's."""


@dataclass(frozen=True, slots=True)
class LintMessage:
    """One line of ``helm lint``; ``path`` is a file inside the chart, empty for the chart as a whole."""

    severity: Literal["info", "warning", "error"]
    path: str
    text: str


class ChartHandle(Protocol):
    """A chart that Helm has loaded. It never changes, and threads may share it."""

    @property
    def name(self) -> str:
        """The chart's name."""

    @property
    def values(self) -> dict[str, object]:
        """The defaults of values.yaml."""

    @property
    def schema(self) -> dict[str, object] | None:
        """values.schema.json, or None where the chart has none.

        What it refers to outside itself is copied into it, as far as that is at hand.
        """

    @property
    def metadata(self) -> dict[str, object]:
        """Chart.yaml."""

    @property
    def files(self) -> ChartFiles:
        """The chart's files and its subcharts, as they stand on disk."""

    @property
    def unresolved_references(self) -> tuple[str, ...]:
        """References in values schemas, of subcharts too, to what is not at hand: ``chart: url``; let through."""

    def render(
        self,
        values: Mapping[str, object] | None = None,
        *,
        release: str = RELEASE,
        namespace: str = NAMESPACE,
        kube_version: str | None = None,
    ) -> dict[str, str]:
        """What each template gives, by its path (``chart/templates/x.yaml``), with ``values`` over the defaults.

        ``kube_version`` (``1.30``) is what templates find in ``.Capabilities.KubeVersion``; default: Helm's own.
        Raises ValuesRefused or RenderError. Partials (``_*.tpl``) are not in the result; NOTES.txt may be.
        """

    def check_values(self, values: Mapping[str, object] | None = None) -> None:
        """Hold ``values``, merged over the defaults, against the chart's schema; raise ValuesRefused."""

    def without_schema(self) -> ChartHandle:
        """The chart without its own values.schema.json, those of subcharts stay; for who asks the schema otherwise.

        Helm compiles the schemas anew for each render, which costs several times what the render itself does.
        """


class Helm(Protocol):
    """A way to Helm."""

    def load(self, chart: str | os.PathLike[str]) -> ChartHandle:
        """Load the chart in a directory or a .tgz; raise HelmError where it is none."""

    def lint(
        self,
        chart: str | os.PathLike[str],
        values: Mapping[str, object] | None = None,
        *,
        strict: bool = True,
        kube_version: str | None = None,
    ) -> list[LintMessage]:
        """What ``helm lint`` says about a chart directory or .tgz, with ``values`` over its defaults.

        Raises HelmError where there is no chart.
        """


def find_helm() -> Helm:
    """The Helm library where it is installed, else the ``helm`` program; raise HelmError where there is neither."""
    if find_spec("helm_python") is not None:
        from floe_charts.verify.engine_embedded import EmbeddedHelm

        return EmbeddedHelm()
    program = shutil.which("helm")
    if program is not None:
        from floe_charts.verify.engine_binary import HelmBinary

        return HelmBinary(Path(program))
    raise HelmError("Helm is not installed; run: pip install 'floe-charts[helm]', or put a helm program on the PATH")


def load(chart: str | os.PathLike[str]) -> ChartHandle:
    """``find_helm().load(chart)``."""
    return find_helm().load(chart)


def lint(
    chart: str | os.PathLike[str],
    values: Mapping[str, object] | None = None,
    *,
    strict: bool = True,
    kube_version: str | None = None,
) -> list[LintMessage]:
    """``find_helm().lint(chart, ...)``."""
    return find_helm().lint(chart, values, strict=strict, kube_version=kube_version)
