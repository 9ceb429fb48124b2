"""A chart as it has to be changed before Helm gets it: for another version of Kubernetes, for a lint offline."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from floe_charts.errors import HelmError, InputError
from floe_charts.verify.chart_files import ChartFiles, read_chart
from floe_charts.verify.schema_references import localize_chart

__all__ = ["for_kube_version", "full_version", "lintable_directory", "without_schema"]

# Before the template's first character, so that its lines keep their numbers, and without trim markers at the end, so
# that what follows stays as it is. A template may be included by another one, which hands it whatever it likes.
_SET_VERSION = (
    '{{{{- if and (kindIs "map" $) (hasKey $ "Capabilities") }}}}{{{{ $_ := set $ "Capabilities" (dict "KubeVersion"'
    ' (dict "Version" "{version}" "GitVersion" "{version}" "String" "{version}" "Major" "{major}" "Minor" "{minor}")'
    ' "APIVersions" $.Capabilities.APIVersions "HelmVersion" $.Capabilities.HelmVersion) }}}}{{{{ end }}}}'
)


def full_version(kube_version: str) -> str:
    """``v1.30.0`` of ``1.30``; raise InputError where it is no version."""
    match = re.fullmatch(r"v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,6}))?([-+][0-9A-Za-z.+-]+)?", kube_version)
    if match is None:
        raise InputError("", "", f"{kube_version!r} is no version of Kubernetes; expected such as 1.30")
    return f"v{match[1]}.{match[2]}.{match[3] or 0}{match[4] or ''}"


def for_kube_version(chart: ChartFiles, version: str) -> ChartFiles:
    """The chart whose templates find ``version`` (``v1.30.0``) in ``.Capabilities.KubeVersion``; subcharts too.

    The library that renders knows only one version. Every template sets another one before it does anything else; the
    text that it renders to stays the same otherwise.
    """
    major, minor = version.removeprefix("v").split(".")[:2]
    prefix = _SET_VERSION.format(version=version, major=major, minor=minor).encode()
    return _prefixed(chart, prefix)


def _prefixed(chart: ChartFiles, prefix: bytes) -> ChartFiles:
    files = dict(chart.files)
    if chart.metadata.get("type") != "library":
        files = {path: prefix + content if _is_rendered(path) else content for path, content in files.items()}
    return replace(
        chart, files=files, subcharts={name: _prefixed(one, prefix) for name, one in chart.subcharts.items()}
    )


def _is_rendered(path: str) -> bool:
    return path.startswith("templates/") and not path.rpartition("/")[2].startswith("_")


def without_schema(chart: ChartFiles) -> ChartFiles:
    """The chart without its own values.schema.json; its subcharts keep theirs."""
    return replace(chart, files={path: text for path, text in chart.files.items() if path != "values.schema.json"})


@contextmanager
def lintable_directory(chart: str | os.PathLike[str]) -> Iterator[Path]:
    """A directory in which Helm may lint the chart without the network.

    That is the chart's own directory, or a temporary copy of a .tgz or of a chart whose schemas refer to the network.
    Raises HelmError where there is no chart.
    """
    path = Path(chart)
    try:
        local = localize_chart(read_chart(path))
    except HelmError:
        if not (path / "Chart.yaml").is_file():
            raise
        # What is wrong with it is for the lint to say.
        yield path
        return
    if path.is_dir() and not local.changed:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="floe-charts-") as directory:
        yield local.files.write(Path(directory))
