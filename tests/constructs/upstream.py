"""An upstream chart's values.yaml and values.schema.json, held against the classes that describe its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from floe_charts.helm import SubchartValues, Values
from floe_charts.helm.spec import property_specs


def missing_keys(
    model: type[Values], defaults: Mapping[str, Any], schema: Mapping[str, Any] | None = None, path: str = ""
) -> Iterator[str]:
    """Keys that upstream has and ``model`` would refuse.

    ``defaults`` are what values.yaml holds at this place, which Helm puts there whoever renders; ``schema`` is what
    values.schema.json says of it.
    """
    declared = property_specs(model)
    known = model.known_keys if issubclass(model, SubchartValues) else frozenset()
    schema = schema or {}
    described = schema.get("properties", {}) if issubclass(model, SubchartValues) else {}
    if known is not None:
        yield from (f"{path}{key}" for key in sorted({*defaults, *described} - declared.keys() - known))
    for name, prop in declared.items():
        if prop.spec.kind == "object" and prop.spec.model is not None:
            inner = defaults.get(name)
            patterns = schema.get("patternProperties", {})
            inside = schema.get("properties", {}).get(name) or next(iter(patterns.values()), None)
            found = inner if isinstance(inner, Mapping) else {}
            yield from missing_keys(prop.spec.model, found, inside, f"{path}{name}.")


def unknown_keys(model: type[Values], defaults: Mapping[str, Any], schema: Mapping[str, Any] | None = None) -> set[str]:
    """Keys that ``model`` knows at its top and upstream does not."""
    known = (model.known_keys or frozenset()) if issubclass(model, SubchartValues) else frozenset()
    upstream: set[str] = {*defaults, *(schema or {}).get("properties", {})}
    return {*known, *property_specs(model)} - upstream
