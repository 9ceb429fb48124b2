"""The configuration table of a chart's README, from the declared values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from floe_charts.helm.spec import Property, Spec, property_specs
from floe_charts.helm.valuesfile import bounds_text

__all__ = ["configuration_table", "markdown_table"]

# A table cell that a diff still shows on one line.
_WIDEST_DEFAULT = 120


def configuration_table(properties: Iterable[Property], values: Mapping[str, Any]) -> str:
    """A Markdown table of every value that can be set: key, type, default, description."""
    rows = [
        (
            f"`{path}`",
            _type_name(prop.spec),
            _code(value),
            " ".join(filter(None, [prop.description, bounds_text(prop.spec, is_set=value is not None)])),
        )
        for path, prop, value in _leaves(properties, values, "")
    ]
    return markdown_table(("Key", "Type", "Default", "Description"), rows)


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


def _code(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if value is not None else ""
    if len(text) > _WIDEST_DEFAULT:
        return "see values.yaml"
    return f"`{text}`" if text and "`" not in text else text
