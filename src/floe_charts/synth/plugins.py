"""Helm values of installed floe plugins, found by entry point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.errors import PluginError

__all__ = ["ENTRY_POINT_GROUPS", "PluginValues", "installed_plugin_values"]

ENTRY_POINT_GROUPS: dict[str, str] = {
    "orchestrator": "floe.orchestrators",
    "catalog": "floe.catalogs",
    "storage": "floe.storage",
    "compute": "floe.computes",
    "ingestion": "floe.ingestion",
    "semantic": "floe.semantic_layers",
    "lineage_backend": "floe.lineage_backends",
    "telemetry_backend": "floe.telemetry_backends",
}
"""Entry point groups of floe's plugin types; an entry point's name is the plugin's ``type`` in the artifacts."""

# Both spellings exist among floe's plugins.
_METHODS = ("get_helm_values", "get_helm_values_override")


@dataclass(frozen=True)
class PluginValues:
    """What one plugin wants the chart's values to be; ``plugin`` is its name for messages."""

    plugin: str
    values: Mapping[str, Any]


def installed_plugin_values(artifacts: Iterable[CompiledArtifacts]) -> list[PluginValues]:
    """The Helm values of the installed plugins that the artifacts select, in a stable order.

    Raises :class:`PluginError` where such a plugin cannot be loaded or asked.
    """
    made: list[PluginValues] = []
    for group, selected in _selected(list(artifacts)).items():
        for point in sorted(entry_points(group=group), key=lambda found: (found.name, found.value)):
            if point.name not in selected:
                continue
            name = point.dist.name if point.dist else f"{group}:{point.name}"
            values = _ask(point, selected[point.name], name)
            if values:
                made.append(PluginValues(name, values))
    return made


def _selected(artifacts: list[CompiledArtifacts]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """By entry point group: the plugin types that artifacts name, with their configuration."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {group: {} for group in ENTRY_POINT_GROUPS.values()}
    for artifact in artifacts:
        found[ENTRY_POINT_GROUPS["telemetry_backend"]][artifact.observability.telemetry.backend] = {}
        for kind, group in ENTRY_POINT_GROUPS.items():
            plugin = getattr(artifact.plugins, kind, None) if artifact.plugins else None
            if plugin is not None:
                found[group].setdefault(plugin.type, plugin.config or {})
    return found


def _ask(point: EntryPoint, config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    try:
        plugin = _instance(point.load(), config)
        method = next((getattr(plugin, method) for method in _METHODS if callable(getattr(plugin, method, None))), None)
        values = method() if method else {}
    except Exception as error:
        raise PluginError(
            name, "", f"its Helm values cannot be had: {type(error).__name__}", "mend or uninstall it"
        ) from error
    if not isinstance(values, Mapping):
        raise PluginError(
            name, "", f"its Helm values are {type(values).__name__}, expected a mapping", "mend or uninstall it"
        )
    return values


def _instance(loaded: Any, config: Mapping[str, Any]) -> Any:
    """A plugin, from its class or factory; some take their configuration when they are made."""
    if not callable(loaded):
        return loaded
    try:
        return loaded()
    except TypeError:
        return loaded(dict(config))
