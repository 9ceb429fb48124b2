"""Dependencies that are declared, but make nothing: those that are not in charts/, and those that are switched off."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from floe_charts.verify.chart_files import ChartFiles
from floe_charts.verify.references.nodes import list_at, map_at, maps_at, text_at
from floe_charts.verify.values import MISSING, Values, get_at, helm_merge, leaves

__all__ = ["Absent", "absent_dependencies"]

_NAMED_BY_OVERRIDE = re.compile(r"(fullname|name)Override$")


@dataclass(frozen=True)
class Absent:
    """A dependency whose objects are not to be seen: its name, its alias (or the name again) and its values.

    ``enabled`` says that it is switched on, but is not in charts/.
    """

    name: str
    alias: str
    values: Values
    enabled: bool = True

    def could_be(self, text: str) -> bool:
        """Whether one of its objects could have this name, or one of its pods this label.

        Charts name their objects after themselves, or as values called ``fullnameOverride``, ``nameOverride`` or
        ``name`` say.
        """
        lowered = f"-{text.lower()}-"
        if any(f"-{one}-" in lowered for one in (self.name.lower(), self.alias.lower())):
            return True
        return any(text == one or text.startswith(f"{one}-") for one in self._names)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        found = []
        for path, value in leaves(self.values):
            last = str(path[-1])
            if isinstance(value, str) and value and (last == "name" or _NAMED_BY_OVERRIDE.search(last)):
                found.append(value)
        return tuple(found)


def absent_dependencies(files: ChartFiles, values: Values) -> list[Absent]:
    """The dependencies of a chart, and of the charts in its charts/, that make nothing with these values."""
    found: list[Absent] = []
    for _, one in maps_at(files.metadata, "dependencies"):
        name = text_at(one, "name")
        alias = text_at(one, "alias") or name
        if not name:
            continue
        below = {**map_at(values, alias)}
        if map_at(values, "global"):
            below["global"] = {**map_at(values, "global"), **map_at(below, "global")}
        subchart = files.subcharts.get(name)
        enabled = _enabled(one, values)
        if subchart is None or not enabled:
            found.append(Absent(name, alias, below, enabled))
        else:
            found += absent_dependencies(subchart, helm_merge(subchart.values, below))
    return found


def _enabled(dependency: Mapping[str, object], values: Values) -> bool:
    """As Helm decides: the first path of the condition that holds a boolean, else the tags, else yes."""
    for path in text_at(dependency, "condition").split(","):
        if path.strip():
            found = get_at(values, path.strip().split("."))
            if isinstance(found, bool):
                return found
    tags = [get_at(values, ("tags", str(tag))) for tag in list_at(dependency, "tags")]
    known = [tag for tag in tags if tag is not MISSING and isinstance(tag, bool)]
    return any(known) if known else True
