"""``synth``: the pure function from artifacts and deployment to chart files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.constructs.part import RequiredSecret
from floe_charts.constructs.platform import FloePlatform
from floe_charts.deployment import Deployment
from floe_charts.errors import ArtifactError, ValuesError
from floe_charts.helm.checking import DeclaredValues, Fault
from floe_charts.helm.layers import LayeredValues, differences
from floe_charts.helm.nodes import path_text
from floe_charts.synth.files import ChartFiles
from floe_charts.synth.overrides import Override, parse_set
from floe_charts.synth.plugin_layer import usable_plugin_values
from floe_charts.synth.plugins import PluginValues, installed_plugin_values
from floe_charts.synth.secrets import credential_paths, without_found

__all__ = ["PlatformFiles", "synth"]

_MOST_FAULTS = 5
_CREDENTIAL = "holds a credential, and none is ever written to a file; put it into a Secret and name that"


class PlatformFiles(ChartFiles):
    """The files of a synthesized platform, and what a person should know about them."""

    __slots__ = ("_layers", "environments", "notices", "platform", "required_secrets")

    def __init__(
        self,
        files: Mapping[str, str],
        keep: Sequence[str],
        *,
        platform: FloePlatform,
        layers: Mapping[str, LayeredValues],
        environments: Sequence[str],
        notices: Sequence[str],
    ) -> None:
        """Made by :func:`synth`."""
        super().__init__(files, keep)
        self.platform = platform
        self.environments: tuple[str, ...] = tuple(environments)
        """The environments whose overlays are among the files."""
        self.notices: tuple[str, ...] = tuple(notices)
        """What to look at, a line each: unread plugin values, endpoints that nobody answers to, newer contracts."""
        self.required_secrets: tuple[RequiredSecret, ...] = tuple(platform.required_secrets())
        """The Secrets that must exist before the chart is installed."""
        self._layers = dict(layers)

    def final_values(self, environment: str) -> dict[str, Any]:
        """The final values of an environment: values.yaml with its overlay."""
        return self._layer(environment).values

    def origin(self, environment: str, path: str) -> str | None:
        """The layer that set the value at a dotted path in an environment, such as ``resource preset``."""
        return self._layer(environment).origin(path)

    def _layer(self, environment: str) -> LayeredValues:
        self.platform.deployment.environment(environment)
        return self._layers[environment]


def synth(
    artifacts: Sequence[CompiledArtifacts],
    deployment: Deployment | None = None,
    *,
    environments: Sequence[str] | None = None,
    values: Sequence[Override | Mapping[str, Any]] = (),
    sets: Sequence[str] = (),
    plugin_values: Sequence[PluginValues] | None = None,
    platform: type[FloePlatform] = FloePlatform,
) -> PlatformFiles:
    """The chart of the platform for the data products in ``artifacts``.

    ``environments`` are those whose overlay is made, all of the deployment without it; templates and values.yaml do not
    depend on it. ``values`` and ``sets`` (``PATH=VALUE``) override the values in these overlays. ``plugin_values`` are
    the Helm values of floe plugins; without it those of the installed plugins that the artifacts select, ``()`` for
    none.
    ``platform`` is a subclass with parts of your own.

    Raises :class:`ArtifactError` without artifacts, :class:`DeploymentError` for an unknown environment,
    :class:`ValuesError` for a value that is not declared or does not fit, :class:`DeclarationError` for a construct
    that contradicts itself.
    """
    if not artifacts:
        raise ArtifactError("", "", "found no artifact, expected at least one")
    deployment = deployment or Deployment.default()
    chosen = list(dict.fromkeys(environments)) if environments is not None else list(deployment.environment_names)
    for name in chosen:
        deployment.environment(name)
    chart = platform(artifacts, deployment)
    declared = DeclaredValues(chart.properties(), chart.schema, chart.open_keys())
    plugins = installed_plugin_values(artifacts) if plugin_values is None else plugin_values
    usable, notices = usable_plugin_values(plugins, declared, chart.default_values())

    base = _base_layers(chart, usable)
    _refuse(declared.faults(base.values), "values.yaml")
    overrides = [_checked(item, declared) for item in _overrides(values, sets, declared)]
    layers = {
        name: _environment_layers(chart, name, base, usable, overrides if name in chosen else [], declared)
        for name in deployment.environment_names
    }
    overlays = {name: differences(base.values, layers[name].values) for name in chosen}
    made = chart.files(base=base.values, overlays=overlays)
    root = chart.chart_name
    keep = [f"{root}/values-{name}.yaml" for name in deployment.environment_names if name not in chosen]
    unanswered = chart.unanswered({name: layers[name].values for name in chosen})
    return PlatformFiles(
        {f"{root}/{path}": text for path, text in made.items()},
        keep,
        platform=chart,
        layers=layers,
        environments=chosen,
        notices=[*chart.plan.notices, *notices, *chart.open_dependencies(), *unanswered],
    )


def _base_layers(chart: FloePlatform, plugins: Sequence[PluginValues]) -> LayeredValues:
    """What is the same in every environment."""
    layers = LayeredValues()
    declared = chart.default_values()
    own = chart.construct_defaults()
    layers.put("construct defaults", own)
    layers.put("compiled artifacts", differences(own, declared))
    _put_plugins(layers, plugins)
    return layers


def _environment_layers(
    chart: FloePlatform,
    name: str,
    base: LayeredValues,
    plugins: Sequence[PluginValues],
    overrides: Sequence[Override],
    declared: DeclaredValues,
) -> LayeredValues:
    environment = chart.deployment.environment(name)
    layers = base.copy()
    # What is switched on decides which values a preset has anything to say about, and later layers may switch.
    switches = base.copy()
    later = [*(plugin.values for plugin in plugins), *(override.values for override in overrides)]
    for tree in (chart.environment_values(environment), environment.values, *later):
        switches.put("", tree)
    layers.put("resource preset", chart.preset_values(environment, switches.values))
    layers.put("environment", chart.environment_values(environment))
    # A part of somebody's own may say of an environment what no Values class declares.
    _refuse(declared.faults(layers.values), f"values-{name}.yaml")
    if environment.values:
        file = chart.deployment.source
        source = f"{file}: environments.{name}.values" if file else f"environments.{name}.values"
        layers.put("environment", _checked(Override(source, environment.values), declared).values)
        _refuse(declared.faults(layers.values), source)
    _put_plugins(layers, plugins)
    for override in overrides:
        _put_overrides(layers, [override])
        _refuse(declared.faults(layers.values), override.source)
    derived = chart.derived_values(base.values, layers.values)
    if derived:
        layers.put("environment", derived)
        _refuse(declared.faults(layers.values), f"values-{name}.yaml")
        _put_overrides(layers, overrides)  # What somebody says outright stays.
    return layers


def _put_plugins(layers: LayeredValues, plugins: Sequence[PluginValues]) -> None:
    for plugin in plugins:
        layers.put(f"plugin {plugin.plugin}", plugin.values)


def _put_overrides(layers: LayeredValues, overrides: Sequence[Override]) -> None:
    for override in overrides:
        layers.put("--set" if override.source.startswith("--set") else "--values", override.values)


def _overrides(
    values: Sequence[Override | Mapping[str, Any]], sets: Sequence[str], declared: DeclaredValues
) -> list[Override]:
    trees = [item if isinstance(item, Override) else Override("values", item) for item in values]
    return [*trees, *(parse_set(text, declared) for text in sets)]


def _checked(override: Override, declared: DeclaredValues) -> Override:
    secret = [Fault(path_text(path), _CREDENTIAL) for path in credential_paths(override.values, declared)]
    _refuse(secret, override.source)
    _refuse(list(declared.unknown(override.values)), override.source)
    return override


def _refuse(faults: Sequence[Fault], source: str) -> None:
    """Raise :class:`ValuesError` that names the first few faults."""
    if not faults:
        return
    lines = [f"{source}: {without_found(fault)}" for fault in faults[:_MOST_FAULTS]]
    if len(faults) > _MOST_FAULTS:
        lines.append(f"{source}: and {len(faults) - _MOST_FAULTS} more")
    raise ValuesError("", "", "\n".join(lines))
