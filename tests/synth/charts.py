"""Charts of the cases on disk, in the shapes that the checks want them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from floe_charts.deployment import Deployment
from floe_charts.synth.jobs import JobsFiles
from floe_charts.synth.synthesis import PlatformFiles
from floe_charts.verify.engine import ChartHandle, load
from floe_charts.verify.json_schema import schemas_at
from floe_charts.verify.values import MISSING, get_at
from floe_charts.verify.values import Path as ValuePath
from tests.support import SHARED, load_yaml, with_echo_dependencies, write_chart

__all__ = ["UPSTREAM", "WrittenChart", "declared_leaves", "upstream_defaults"]

UPSTREAM = SHARED / "upstream"
_UPSTREAM_FOLDERS = {
    "dagster": "dagster",
    "polaris": "polaris",
    "minio": "minio",
    "opentelemetry-collector": "opentelemetry-collector-latest",
}


class WrittenChart:
    """One case's chart below a directory: that of the platform, or the first of the jobs, which say no deployment."""

    def __init__(self, files: PlatformFiles | JobsFiles, directory: Path, deployment: Deployment | None = None) -> None:
        files.write(directory)
        self.files: Any = files
        self.directory = directory
        self.path = directory / files.charts[0]
        self.deployment = deployment or self.files.platform.deployment
        self.schema: dict[str, Any] = json.loads(files[f"{self.path.name}/values.schema.json"])
        self.values: dict[str, Any] = load_yaml(files[f"{self.path.name}/values.yaml"])
        self.overlays: dict[str, dict[str, Any]] = {
            name: load_yaml(files[f"{self.path.name}/values-{name}.yaml"]) or {} for name in files.environments
        }

    def distinct_overlays(self) -> dict[str, dict[str, Any]]:
        """The overlays, of equal ones the first."""
        distinct: dict[str, str] = {}
        for name, overlay in self.overlays.items():
            distinct.setdefault(json.dumps(overlay, sort_keys=True), name)
        return {name: self.overlays[name] for name in distinct.values()}

    def whole(self) -> ChartHandle:
        """The chart as it is."""
        return load(self.path)

    def bare(self) -> ChartHandle:
        """The chart's own templates: without dependencies, and without the schema, which costs most of a render."""
        return load(self._copy("bare", dependencies=False))

    def reading(self, part: str) -> ChartHandle:
        """Of the bare chart only the templates that read the values of one part: a render costs a fraction then."""
        place = self.directory / "reading" / part / self.path.name
        if not place.exists():
            shutil.copytree(self._copy("bare", dependencies=False), place)
            for template in (place / "templates").glob("*.yaml"):
                if f".Values.{part}." not in template.read_text(encoding="utf-8"):
                    template.unlink()
        return load(place)

    def echoing(self) -> ChartHandle:
        """The chart with dependencies that print what they are given, without its schema."""
        place = self.directory / "echoing"
        if not place.exists():
            with_echo_dependencies(self._copy("plain", dependencies=True), place)
        return load(place / self.path.name)

    def with_upstream(self) -> Path:
        """The chart with dependencies that have the real charts' defaults and print their values."""
        place = self.directory / "upstream"
        chart = place / self.path.name
        if not place.exists():
            with_echo_dependencies(self.path, place, upstream_defaults())
            for name, folder in _UPSTREAM_FOLDERS.items():
                _add_inner_charts(chart / "charts" / name, UPSTREAM / folder)
        return chart

    def _copy(self, name: str, *, dependencies: bool) -> Path:
        chart = self.directory / name / self.path.name
        if not chart.exists():
            shutil.copytree(self.path, chart)
            (chart / "values.schema.json").unlink()
            if not dependencies:
                about = _read(chart / "Chart.yaml")
                about.pop("dependencies", None)
                (chart / "Chart.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
        return chart


def upstream_defaults() -> dict[str, Mapping[str, object]]:
    """The values.yaml of the real charts, by their names."""
    return {name: _read(UPSTREAM / folder / "values.yaml") for name, folder in _UPSTREAM_FOLDERS.items()}


def _add_inner_charts(stand_in: Path, upstream: Path) -> None:
    """Give a dependency the dependencies of its own, with their conditions; each has a default of its own."""
    inner = _read(upstream / "Chart.yaml").get("dependencies")
    if not stand_in.exists() or not inner:
        return
    about = _read(stand_in / "Chart.yaml")
    versions = {one["name"]: one["version"].replace("x", "0") for one in inner}
    listed = [{**one, "version": versions[one["name"]]} for one in inner]
    (stand_in / "Chart.yaml").write_text(yaml.safe_dump({**about, "dependencies": listed}), encoding="utf-8")
    for name, version in versions.items():
        defaults = upstream / name / "values.yaml"
        values = _read(defaults) if defaults.exists() else {"exampleValue": "a key of its own"}
        write_chart(stand_in / "charts" / name, {}, values, chart={"version": version})


def declared_leaves(schema: Mapping[str, object], values: Mapping[str, object]) -> list[ValuePath]:
    """The leaves that the schema declares and ``values`` leave unset; without keys that it only lets pass."""
    return list(_unset(schema, values, ()))


def _unset(schema: Mapping[str, object], values: Mapping[str, object], path: ValuePath) -> Iterator[ValuePath]:
    declared = {key: part for one in schemas_at(schema, path) for key, part in _properties(one).items()}
    for key, part in declared.items():
        where = (*path, key)
        described = isinstance(part, Mapping) and bool({"type", "const", "enum", "$ref"} & part.keys())
        if not isinstance(part, Mapping) or not described or where == ("global",):
            continue
        if part.get("type") == "object" and _properties(part):
            yield from _unset(schema, values, where)
        elif get_at(values, where) is MISSING:
            yield where


def _properties(schema: Mapping[str, object]) -> Mapping[str, object]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _read(path: Path) -> Any:
    return load_yaml(path.read_text(encoding="utf-8"))
