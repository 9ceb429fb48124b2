"""The files of a chart, as Helm would load them: a directory or a .tgz, with the charts inside its ``charts/``.

Helm shows neither the text of a chart's files nor those of its subcharts, and some of them have to be changed before
Helm may see them (:mod:`floe_charts.verify.schema_references`). An archive is a stranger's work: names that lead out of
the chart, links, and contents larger than Helm's own limits are refused.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from floe_charts.errors import HelmError
from floe_charts.verify.chart_reading import Budget, read_files
from floe_charts.verify.kube_yaml import YamlFault, read_documents

__all__ = ["SCHEMA", "ChartFiles", "read_chart"]

SCHEMA = "values.schema.json"
"""The file that holds the schema of the values."""

_MAX_CHARTS_DEEP = 10


@dataclass(frozen=True)
class ChartFiles:
    """A chart in memory. It never changes; threads may share it.

    ``files`` are the chart's own files by path inside the chart (``templates/x.yaml``), ``subcharts`` the charts found
    in ``charts/`` by the name that their Chart.yaml gives them (an alias is the parent's matter). Where two have the
    same name, the second and later ones stand under the name of their directory or archive.
    """

    name: str
    files: Mapping[str, bytes]
    subcharts: Mapping[str, ChartFiles] = field(default_factory=dict)

    @cached_property
    def metadata(self) -> dict[str, object]:
        """Chart.yaml; empty where it holds no map. Raises HelmError where it is not YAML."""
        return self._yaml_map("Chart.yaml")

    @cached_property
    def values(self) -> dict[str, object]:
        """The defaults of values.yaml; empty where there is none. Raises HelmError where it is not YAML."""
        return self._yaml_map("values.yaml")

    @cached_property
    def schema(self) -> dict[str, object] | None:
        """values.schema.json as it stands there, or None where there is none. Raises HelmError where it is not JSON."""
        if not self.files.get(SCHEMA, b"").strip():
            return None
        try:
            read = json.loads(self._text(SCHEMA))
        except (ValueError, RecursionError) as error:
            raise HelmError(f"{self.name}: {SCHEMA}: this is not JSON: {_one_line(error)}") from error
        return read if isinstance(read, dict) else None

    def archive(self) -> bytes:
        """A .tgz that Helm loads, with all subcharts; the same files give the same bytes."""
        packed = io.BytesIO()
        with (
            gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as stream,
            tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for path, content in sorted(self.all_files().items()):
                info = tarfile.TarInfo(f"{self.name}/{path}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return packed.getvalue()

    def all_files(self) -> dict[str, bytes]:
        """The chart's files and those of its subcharts, these under ``charts/<name>/``."""
        found = dict(self.files)
        for name, subchart in self.subcharts.items():
            found.update({f"charts/{name}/{path}": content for path, content in subchart.all_files().items()})
        return found

    def write(self, directory: Path) -> Path:
        """Write the chart into a directory of its name inside ``directory``; returns that directory."""
        root = directory / self.name
        for path, content in self.all_files().items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return root

    def _yaml_map(self, file: str) -> dict[str, object]:
        """The map in a YAML file; where there are several documents, they are merged, as Helm does with values.yaml."""
        merged: dict[str, object] = {}
        for document in self._documents(file):
            if isinstance(document, Mapping):
                merged = _merge(merged, document)
        return merged

    def _documents(self, file: str) -> tuple[object, ...]:
        text = self._text(file)
        try:
            return read_documents(text)
        except YamlFault as fault:
            fallback = _lenient_yaml(text)
            if fallback is None:
                raise HelmError(f"{self.name}: {file}: {_one_line(fault)}") from fault
            return fallback

    def _text(self, file: str) -> str:
        try:
            return self.files.get(file, b"").decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise HelmError(f"{self.name}: {file}: byte {error.start + 1} is not UTF-8 text") from error


def read_chart(path: str | os.PathLike[str]) -> ChartFiles:
    """Read the chart in a directory or a .tgz, with its subcharts.

    ``.helmignore`` is honoured in a directory, as Helm does. Raises HelmError, with one line that names ``path``, where
    there is no chart or the archive is not safe to read.
    """
    budget = Budget()
    try:
        return _chart(read_files(path, budget), 0, budget)
    except HelmError as error:
        raise HelmError(f"{os.fspath(path)}: {_one_line(error)}") from error


def _chart(files: Mapping[str, bytes], depth: int, budget: Budget) -> ChartFiles:
    if depth > _MAX_CHARTS_DEEP:
        raise HelmError(f"charts inside charts, more than {_MAX_CHARTS_DEEP} deep")
    if "Chart.yaml" not in files:
        raise HelmError("this is not a chart: there is no Chart.yaml")
    own: dict[str, bytes] = {}
    below: dict[str, dict[str, bytes]] = {}
    for path, content in files.items():
        first, _, rest = path.partition("/")
        if first != "charts" or not rest or rest.endswith(".prov"):
            own[path] = content
        elif not rest.startswith(("_", ".")):
            entry, _, inner = rest.partition("/")
            below.setdefault(entry, {})[inner] = content
    chart = ChartFiles("chart", own)
    return ChartFiles(_name(chart.metadata), own, _subcharts(below, depth, budget))


def _subcharts(below: Mapping[str, Mapping[str, bytes]], depth: int, budget: Budget) -> dict[str, ChartFiles]:
    found: dict[str, ChartFiles] = {}
    for entry in sorted(below):
        files = below[entry]
        packed = files.get("") if entry.endswith(".tgz") else None
        if packed is None and "Chart.yaml" not in files:
            continue
        try:
            chart = _chart(files if packed is None else read_files(packed, budget), depth + 1, budget)
        except HelmError as error:
            raise HelmError(f"charts/{entry}: {error}") from error
        found[entry.removesuffix(".tgz") if chart.name in found else chart.name] = chart
    return found


def _name(metadata: Mapping[str, object]) -> str:
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        raise HelmError("this is not a chart: Chart.yaml names none")
    if name in (".", "..") or "/" in name or "\\" in name or not name.isprintable():
        raise HelmError(f"Chart.yaml: {name!r} is no name for a chart")
    return name


def _lenient_yaml(text: str) -> tuple[object, ...] | None:
    """The documents of a text that says something twice, where Helm takes the last one; None where it is not YAML."""
    import yaml

    try:
        documents = tuple(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return tuple(_with_text_keys(document, 0) for document in documents if document is not None)


def _with_text_keys(node: object, depth: int) -> object:
    if depth > _MAX_CHARTS_DEEP * 10:
        return None
    if isinstance(node, dict):
        return {str(key): _with_text_keys(value, depth + 1) for key, value in node.items()}
    return [_with_text_keys(one, depth + 1) for one in node] if isinstance(node, list) else node


def _merge(under: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = _merge(below, value) if both else value  # type: ignore[arg-type]
    return merged


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
