"""The tables of a chart's README: every value that can be set, and what differs between environments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

from floe_charts.helm.layers import merge, prune_nulls
from floe_charts.helm.nodes import path_text
from floe_charts.helm.shapes import is_map
from floe_charts.helm.spec import Property, Spec, property_specs
from floe_charts.helm.valuesfile import bounds_text

__all__ = ["configuration_table", "differences_table", "markdown_table"]

# A table cell that a diff still shows on one line.
_WIDEST_DEFAULT = 120
# Several columns side by side.
_WIDEST_DIFFERENCE = 60
_ABSENT = "absent"
_encoder = json.JSONEncoder(ensure_ascii=False)


def configuration_table(properties: Iterable[Property], values: Mapping[str, Any]) -> str:
    """A Markdown table of every value that can be set: key, type, default, description."""
    rows = [
        (
            f"`{path}`",
            _type_name(prop.spec),
            _default(value),
            " ".join(filter(None, [prop.description, bounds_text(prop.spec, is_set=value is not None)])),
        )
        for path, prop, value in _leaves(properties, values, "")
    ]
    return markdown_table(("Key", "Type", "Default", "Description"), rows)


def differences_table(values: Mapping[str, Any], overlays: Mapping[str, Mapping[str, Any]]) -> str:
    """A Markdown table of every key that an overlay sets or removes, with the value that it has with each of them.

    ``values`` are those of values.yaml. Overlays that say the same share a column; a key that holds the name of each
    overlay says no more than the columns' heads, and makes no row. CPU and memory of a container make one row. Empty
    where no overlay says anything.
    """
    final = {name: merge(values, overlay) for name, overlay in overlays.items()}
    # In the order of values.yaml, keys that only overlays have behind their neighbours.
    every = reduce(merge, map(prune_nulls, overlays.values()), values)
    paths = list(_row_paths(every, list(overlays.values())))
    base = [_cell(values, path) for path in paths]
    cells = {name: [_cell(tree, path) for path in paths] for name, tree in final.items()}
    rows = [
        row
        for row, before in enumerate(base)
        if any(column[row] != before for column in cells.values())
        and any(column[row] != _json(name) for name, column in cells.items())
    ]
    if not rows:
        return ""
    columns: dict[tuple[str, ...], list[str]] = {}
    for name, column in cells.items():
        columns.setdefault(tuple(column[row] for row in rows), []).append(name)
    head = ("Key", *(", ".join(alike) for alike in columns.values()))
    shown = ((_code(_cut(text)) or _ABSENT for text in column) for column in columns)
    return markdown_table(head, zip((_code(path_text(paths[row])) for row in rows), *shown, strict=True))


def markdown_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table; bars and line breaks inside cells are escaped."""
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def _leaves(
    properties: Iterable[Property], values: Mapping[str, Any] | None, prefix: str
) -> Iterator[tuple[str, Property, Any]]:
    for prop in properties:
        value = values.get(prop.name) if values else None
        path = f"{prefix}{prop.name}"
        if prop.spec.kind == "object" and prop.spec.model is not None:
            yield from _leaves(property_specs(prop.spec.model).values(), value, f"{path}.")
        else:
            yield path, prop, value


def _type_name(spec: Spec) -> str:
    if spec.kubernetes is not None:
        return spec.kubernetes.definition
    if spec.kind == "list" and spec.item is not None:
        return f"list of {_type_name(spec.item)}"
    if spec.kind == "map" and spec.item is not None:
        return f"map of {_type_name(spec.item)}"
    return {"any": "JSON", "object": "object"}.get(spec.kind, spec.kind)


def _default(value: Any) -> str:
    text = _json(value) if value is not None else ""
    return _code(text) if len(text) <= _WIDEST_DEFAULT else "see values.yaml"


def _row_paths(
    values: Mapping[str, Any], overlays: Sequence[Mapping[str, Any]], path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """The paths in ``values`` that an overlay says something of; all below where it removes a map."""
    for key, value in values.items():
        said = [overlay[key] for overlay in overlays if key in overlay]
        if said and is_map(value) and value and not _amounts(value):
            yield from _row_paths(value, [one if is_map(one) else value for one in said], (*path, key))
        elif said:
            yield (*path, key)


def _cell(values: Mapping[str, Any], path: tuple[str, ...]) -> str:
    """The text of what stands at ``path``; empty where nothing does."""
    here: Any = values
    for key in path:
        if not is_map(here) or key not in here:
            return ""
        here = here[key]
    return (_amounts(here) if is_map(here) else "") or _json(here)


def _amounts(resources: Mapping[str, Any]) -> str:
    """``cpu 100m to 500m, memory 256Mi to 512Mi`` for requests and limits; empty for anything else."""
    if not resources.keys() <= {"requests", "limits"}:
        return ""
    if not all(is_map(one) and one.keys() <= {"cpu", "memory"} for one in resources.values()):
        return ""
    said = []
    for what in ("cpu", "memory"):
        asked, allowed = (resources.get(kind, {}).get(what) for kind in ("requests", "limits"))
        if asked or allowed:
            said.append(f"{what} {f'{asked} to {allowed}' if asked and allowed else asked or f'up to {allowed}'}")
    return ", ".join(said)


def _json(value: Any) -> str:
    return _encoder.encode(value)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST_DIFFERENCE else f"{text[: _WIDEST_DIFFERENCE - 1]}…"


def _code(text: str) -> str:
    """Text between as many backticks as it takes; none around nothing."""
    if "`" in text:
        return f"`` {text} ``" if "``" not in text else text
    return f"`{text}`" if text else ""
