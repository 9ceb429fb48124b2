"""Helm values of installed floe plugins, found by entry point."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, EntryPoints, entry_points
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
from floe_charts.helm.nodes import path_text
from floe_charts.synth.overrides import merge_keeping_nulls
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

    ``notices`` is what should be said about the values, a line each.

    Raises :class:`PluginError` for values that are no mapping, or that a values file cannot hold.
    """

    plugin: str
    values: Mapping[str, Any]
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Hold the values against what can be written."""
        source = f"plugin {self.plugin}"
        if not isinstance(self.values, Mapping):
            raise PluginError(source, "", f"its Helm values are {kind_of(self.values)}, expected a mapping", _HINT)
        check_tree(dict(self.values), source, PluginError)


def installed_plugin_values(artifacts: Iterable[CompiledArtifacts]) -> list[PluginValues]:
    """The Helm values of the installed plugins that the artifacts select, in a stable order.

    A plugin that must be told its configuration is told that of the artifacts, without the credentials in it. Where
    products configure it differently it is asked once for each configuration, and what it says is merged, in the order
    of the products' names; a notice tells where the answers contradict each other.

    Raises :class:`PluginError` where such a plugin cannot be loaded or asked, or where two claim the same type.
    """
    made: list[PluginValues] = []
    found = entry_points()
    installed = {group: found.select(group=group) for group in ENTRY_POINT_GROUPS.values()}
    for group, selected in _selected(artifacts, installed).items():
        owners: dict[str, EntryPoint] = {}
        for point in sorted(installed[group], key=lambda found: (found.name, found.value)):
            if point.name not in selected:
                continue
            other = owners.setdefault(point.name, point)
            if other.value != point.value:
                problem = f"{_name(other)} and {_name(point)} both say that they are the plugin {point.name}"
                raise PluginError(group, point.name, problem, "uninstall one of them")
            if other is point:
                values = _merged([(_ask(point, config), who) for config, who in selected[point.name]])
                made += [values] if values.values else []
    return made


def _name(point: EntryPoint) -> str:
    return point.dist.name if point.dist else f"{point.group}:{point.name}"


def _selected(
    artifacts: Iterable[CompiledArtifacts], installed: Mapping[str, EntryPoints]
) -> dict[str, dict[str, list[tuple[Mapping[str, Any], str]]]]:
    """By entry point group: the installed plugins that artifacts name, each configuration once, with its first product.

    What is not installed is passed over before its configuration is looked at, which takes long for many products.
    """
    found: dict[str, dict[str, dict[str, tuple[Mapping[str, Any], str]]]] = {group: {} for group in installed}

    def select(kind: str, name: str, config: Callable[[], Mapping[str, Any]], product: str) -> None:
        group = ENTRY_POINT_GROUPS[kind]
        if name in installed[group].names:
            asked = config()
            # Compared as text: 1 and true are different configuration.
            text = json.dumps(asked, sort_keys=True, default=str)
            found[group].setdefault(name, {}).setdefault(text, (asked, product))

    for artifact in sorted(artifacts, key=lambda one: one.slug):
        select("telemetry_backend", artifact.observability.telemetry.backend, dict, artifact.product_name)
        for kind in PLUGIN_KINDS:
            plugin = artifact.plugin(kind)
            if plugin is not None:
                select(kind, plugin.type, partial(_masked, artifact, kind, plugin.config), artifact.product_name)
    return {group: {name: list(asked.values()) for name, asked in by_name.items()} for group, by_name in found.items()}


def _merged(answers: Sequence[tuple[PluginValues, str]]) -> PluginValues:
    """The answers of one plugin, each with the product whose configuration it was asked with, as one."""
    first, _ = answers[0]
    values: Mapping[str, Any] = first.values
    notices: dict[str, None] = {}
    for answer, product in answers[1:]:
        for path in _contradictions(values, answer.values, ()):
            # Without the values: they may be credentials.
            notices[f"{path_text(path)} differs between products; that of {product} is taken"] = None
        values = merge_keeping_nulls(values, answer.values)
    return PluginValues(first.plugin, values, tuple(notices))


def _contradictions(
    one: Mapping[str, Any], other: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """The paths at which both say something, but not the same."""
    for key, value in other.items():
        if key not in one:
            continue
        if isinstance(value, Mapping) and isinstance(one[key], Mapping):
            yield from _contradictions(one[key], value, (*path, key))
        elif json.dumps(value, sort_keys=True) != json.dumps(one[key], sort_keys=True):
            yield (*path, key)


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
