"""The dependencies that a chart declares: what they are called, where their values stand, whether they are switched on.

After helm.sh/docs/helm/helm_dependency and helm.sh/docs/topics/charts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from floe_charts.verify.chart_files import ChartFiles
from floe_charts.verify.kube_yaml import YamlFault, read_documents
from floe_charts.verify.values import Path, get_at

__all__ = [
    "Dependency",
    "declared_dependencies",
    "find_dependency",
    "lock_digest",
    "present_dependencies",
    "read_lock",
    "version_of",
]

_DIGESTED = ("name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias")
_ALWAYS_DIGESTED = frozenset({"name", "repository"})


@dataclass(frozen=True, slots=True)
class Dependency:
    """One entry of ``dependencies``. ``key`` is where its values stand: its alias, or else its name."""

    name: str
    key: str
    version: str
    conditions: tuple[Path, ...]
    tags: tuple[str, ...]
    raw: Mapping[str, object]

    def enabled(self, values: Mapping[str, object], tags: Mapping[str, object]) -> bool:
        """Whether Helm takes it: the first condition that leads to true or false counts, then the tags.

        ``values`` are those of the chart that declares it, ``tags`` the ``tags`` of the values as a whole.
        """
        for condition in self.conditions:
            found = get_at(values, condition)
            if isinstance(found, bool):
                return found
        switches = [tags[tag] for tag in self.tags if isinstance(tags.get(tag), bool)]
        return any(switches) or not switches


def declared_dependencies(chart: ChartFiles) -> list[Dependency]:
    """The dependencies in Chart.yaml (or the requirements.yaml of old charts) that have a name, in their order."""
    listed = chart.metadata.get("dependencies")
    if not listed and "requirements.yaml" in chart.files:
        listed = get_at(_read(chart, "requirements.yaml"), ("dependencies",))
    found = []
    for one in listed if isinstance(listed, list) else ():
        if not isinstance(one, Mapping) or not isinstance(one.get("name"), str):
            continue
        alias, version, condition, tags = (one.get(key) for key in ("alias", "version", "condition", "tags"))
        name = str(one["name"])
        paths = condition.split(",") if isinstance(condition, str) else []
        found.append(
            Dependency(
                name=name,
                key=alias if isinstance(alias, str) and alias else name,
                version="" if version is None else str(version),
                conditions=tuple(tuple(path.strip().split(".")) for path in paths if path.strip()),
                tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
                raw=one,
            )
        )
    return found


def present_dependencies(chart: ChartFiles) -> list[tuple[Dependency, ChartFiles]]:
    """The declared dependencies of a chart that are in its ``charts/``, and each chart there that is not declared."""
    found = [(one, below) for one in declared_dependencies(chart) if (below := find_dependency(chart, one)) is not None]
    names = {one.name for one, _ in found}
    for name, below in sorted(chart.subcharts.items()):
        if below.name not in names and below.name not in {one.name for one in declared_dependencies(chart)}:
            found.append((Dependency(name, below.name, "", (), (), {}), below))
    return found


def find_dependency(chart: ChartFiles, dependency: Dependency) -> ChartFiles | None:
    """The chart in ``charts/`` of that name; of several, the one whose version is declared."""
    named = [one for _, one in sorted(chart.subcharts.items()) if one.name == dependency.name]
    exact = [one for one in named if version_of(one) == dependency.version]
    return next(iter(exact or named), None)


def version_of(chart: ChartFiles) -> str:
    """The version in a Chart.yaml; empty where there is none."""
    version = chart.metadata.get("version")
    return "" if version is None else str(version)


def read_lock(chart: ChartFiles) -> Mapping[str, object] | None:
    """Chart.lock as a map, or None where there is none."""
    for file in ("Chart.lock", "requirements.lock"):
        if file in chart.files:
            return _read(chart, file)
    return None


def lock_digest(declared: Sequence[object], locked: Sequence[object]) -> str:
    """The digest that ``helm dependency update`` writes: SHA-256 over both lists as Go's encoding/json writes them."""
    both = [[_digested(one) for one in side if isinstance(one, Mapping)] for side in (declared, locked)]
    text = json.dumps(both, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _digested(entry: Mapping[str, object]) -> dict[str, object]:
    kept = [key for key in _DIGESTED if key in _ALWAYS_DIGESTED or entry.get(key)]
    return {key: entry.get(key) or "" for key in kept}


def _read(chart: ChartFiles, file: str) -> Mapping[str, object]:
    try:
        documents = read_documents(chart.files[file].decode("utf-8", errors="replace"))
    except YamlFault:
        return {}
    return documents[0] if documents and isinstance(documents[0], Mapping) else {}
