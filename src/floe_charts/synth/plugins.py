"""Helm values of installed floe plugins, found by entry point."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_args, get_type_hints

from floe_charts.artifacts import (
    PLUGIN_KINDS,
    CompiledArtifacts,
    Credential,
    PluginKind,
    find_credentials,
    public_text,
    replace_credentials,
)
from floe_charts.documents import check_tree, kind_of
from floe_charts.errors import PluginError, shorten
from floe_charts.synth.secrets import MASK

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
"""Entry point groups of floe's plugin types (floe_core.plugin_types); its points are named like plugin types."""

# Both spellings exist among floe's plugins.
_METHODS = ("get_helm_values", "get_helm_values_override")
_HINT = "mend or uninstall it"


@dataclass(frozen=True)
class PluginValues:
    """What one plugin wants the chart's values to be; ``plugin`` is its name for messages.

    Raises :class:`PluginError` for values that are no mapping, or that a values file cannot hold.
    """

    plugin: str
    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Hold the values against what can be written."""
        source = f"plugin {self.plugin}"
        if not isinstance(self.values, Mapping):
            raise PluginError(source, "", f"its Helm values are {kind_of(self.values)}, expected a mapping", _HINT)
        check_tree(dict(self.values), source, PluginError)


def installed_plugin_values(artifacts: Iterable[CompiledArtifacts]) -> list[PluginValues]:
    """The Helm values of the installed plugins that the artifacts select, in a stable order.

    A plugin that must be told its configuration is told that of the artifacts, without the credentials in it.

    Raises :class:`PluginError` where such a plugin cannot be loaded or asked, or where two claim the same type.
    """
    made: list[PluginValues] = []
    installed = entry_points()
    for group, selected in _selected(artifacts).items():
        owners: dict[str, EntryPoint] = {}
        for point in sorted(installed.select(group=group), key=lambda found: (found.name, found.value)):
            if point.name not in selected:
                continue
            other = owners.setdefault(point.name, point)
            if other.value != point.value:
                problem = f"{_name(other)} and {_name(point)} both say that they are the plugin {point.name}"
                raise PluginError(group, point.name, problem, "uninstall one of them")
            if other is point:
                values = _ask(point, selected[point.name])
                made += [values] if values.values else []
    return made


def _name(point: EntryPoint) -> str:
    return point.dist.name if point.dist else f"{point.group}:{point.name}"


def _selected(artifacts: Iterable[CompiledArtifacts]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """By entry point group: the plugin types that artifacts name, with their configuration."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {group: {} for group in ENTRY_POINT_GROUPS.values()}
    for artifact in sorted(artifacts, key=lambda one: one.slug):
        found[ENTRY_POINT_GROUPS["telemetry_backend"]].setdefault(artifact.observability.telemetry.backend, {})
        for kind in PLUGIN_KINDS:
            plugin = artifact.plugin(kind)
            if plugin is not None:
                found[ENTRY_POINT_GROUPS[kind]].setdefault(plugin.type, _masked(artifact, kind, plugin.config))
    return found


def _masked(artifact: CompiledArtifacts, kind: PluginKind, config: object) -> Mapping[str, Any]:
    """A plugin's configuration without the credentials in it: what a plugin does not know it cannot tell."""
    secret = [found for found in find_credentials(artifact) if found.secret]

    def mask(_: Credential) -> object:
        return MASK

    masked = replace_credentials(config or {}, f"plugins.{kind}.config", secret, mask)
    return masked if isinstance(masked, Mapping) else {}


def _ask(point: EntryPoint, config: Mapping[str, Any]) -> PluginValues:
    """What the plugin says; whatever goes wrong inside it is a PluginError."""
    name = _name(point)
    try:
        plugin = _instance(point.load(), config)
        method = next((getattr(plugin, method) for method in _METHODS if callable(getattr(plugin, method, None))), None)
        values = method() if method else {}
    except (Exception, SystemExit) as error:  # A plugin that ends the process would do so without a word.
        said = public_text(str(error).strip().partition("\n")[0])
        reason = f"{type(error).__name__}: {shorten(said, 200)[1:-1]}" if said else type(error).__name__
        raise PluginError(f"plugin {name}", "", f"it cannot say its Helm values: {reason}", _HINT) from error
    return PluginValues(name, values)


def _instance(loaded: Any, config: Mapping[str, Any]) -> Any:
    """A plugin, from its class or factory; some take their configuration when they are made."""
    if not callable(loaded):
        return loaded
    name = _parameter(loaded)
    return loaded() if name is None else loaded(**{name: _as_annotated(loaded, name, config)})


def _parameter(factory: Any) -> str | None:
    """The parameter that takes the configuration: one called ``config``, or the only one that must be given."""
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):  # Written in C: nothing is known.
        return None
    if "config" in parameters:
        return "config"
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return next((name for name, one in parameters.items() if one.default is one.empty and one.kind in named), None)


def _as_annotated(factory: Any, name: str, config: Mapping[str, Any]) -> Any:
    """The configuration as the pydantic model that the parameter is annotated with, else as a dict."""
    try:
        annotation = get_type_hints(factory.__init__ if isinstance(factory, type) else factory).get(name)  # type: ignore[misc]
    except Exception:  # A hint that cannot be resolved says nothing; it is the plugin's own affair.
        annotation = None
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and hasattr(candidate, "model_validate"):
            return candidate.model_validate(dict(config))
    return dict(config)
