"""The values of a chart in layers, for all environments; each layer is held against what the chart declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from floe_charts.constructs.environment_chart import EnvironmentChart
from floe_charts.errors import ValuesError
from floe_charts.helm.checking import DeclaredValues, Fault
from floe_charts.helm.layers import LayeredValues, differences
from floe_charts.helm.nodes import path_text
from floe_charts.synth.overrides import Override, parse_set
from floe_charts.synth.resources import requests_above_limits
from floe_charts.synth.secrets import credential_paths, without_found

__all__ = ["JOBS", "Given", "LayeredChart"]

JOBS = "jobs"
"""The key of values that are those of the data products' jobs, wherever values are given."""
_MOST_FAULTS = 5
_CREDENTIAL = "holds a credential, and none is ever written to a file; put it into a Secret and name that"


@dataclass(frozen=True)
class Given:
    """Values that somebody says outright, not constructs: the layer's name, and what errors call the source."""

    layer: str
    source: str
    values: Mapping[str, Any]


class LayeredChart:
    """A chart with the values of all its environments.

    ``base`` is what is the same everywhere, ``layers`` holds each environment's final values; :meth:`files` are the
    chart's. Of values that somebody gives, ``mine`` keeps those that are not for other charts alone.
    """

    def __init__(
        self,
        chart: EnvironmentChart,
        declared: DeclaredValues,
        *,
        plugins: Sequence[Given] = (),
        values: Sequence[Override | Mapping[str, Any]] = (),
        sets: Sequence[str] = (),
        chosen: Sequence[str],
        mine: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    ) -> None:
        """``values`` and ``sets`` override those of the environments ``chosen``.

        Raises :class:`ValuesError` for a value that is not declared or does not fit.
        """
        self.chart, self.chosen = chart, tuple(chosen)
        self._declared, self._mine = declared, mine
        deployment = chart.deployment
        self._everywhere = self._of_file("deployment file", "values", deployment.values)
        self._plugins = tuple(plugins)
        self.base = self._base_layers([self._everywhere, *self._plugins])
        overrides = [*self._overrides(values), *self._overrides([parse_set(text, declared) for text in sets])]
        changed = {name: overrides if name in self.chosen else [] for name in deployment.environment_names}
        self.layers = {name: self._layers_of(name, given) for name, given in changed.items()}
        # The README is the same whatever is written of the overlays, and whatever an override puts into them.
        self._plain = {name: self._layers_of(name, []) if changed[name] else one for name, one in self.layers.items()}

    def files(self) -> dict[str, str]:
        """The chart directory: path below it to text, with the overlays of the chosen environments."""
        base = self.base.values
        return self.chart.files(
            base=base,
            overlays={name: differences(base, self.layers[name].values) for name in self.chosen},
            compared={name: differences(base, one.values) for name, one in self._plain.items()},
        )

    @property
    def served(self) -> dict[str, Mapping[str, Any]]:
        """The final values of the chosen environments."""
        return {name: self.layers[name].values for name in self.chosen}

    def _layers_of(self, name: str, overrides: Sequence[Given]) -> LayeredValues:
        given = self.chart.deployment.environment(name).values
        own = self._of_file("environment", f"environments.{name}.values", given)
        return self._environment_layers(name, [self._everywhere, own, *self._plugins, *overrides])

    def _base_layers(self, given: Sequence[Given]) -> LayeredValues:
        layers = LayeredValues()
        own = self.chart.construct_defaults()
        layers.put("construct defaults", own)
        layers.put("compiled artifacts", differences(own, self.chart.default_values()))
        self._put(layers, given)
        self._derive(layers, layers.values, "construct defaults", given)
        self._check(layers, "values.yaml")
        return layers

    def _environment_layers(self, name: str, given: Sequence[Given]) -> LayeredValues:
        environment = self.chart.deployment.environment(name)
        own, source = self.chart.environment_values(environment, name), f"values-{name}.yaml"
        layers = self.base.copy()
        # What is switched on decides which values a preset has anything to say about, and later layers may switch.
        switches = self.base.copy()
        for tree in (own, *(one.values for one in given)):
            switches.put("", tree)
        layers.put("resource preset", self.chart.preset_values(environment, switches.values))
        layers.put("environment", own)
        # What is removed everywhere comes back with what an environment says of it.
        layers.put(self._everywhere.layer, self._everywhere.values)
        # A part of somebody's own may say of an environment what no Values class declares.
        _refuse(self._declared.faults(layers.values), source)
        self._put(layers, given)
        self._derive(layers, self.base.values, "environment", given)
        self._check(layers, source, self.base.values)
        return layers

    def _put(self, layers: LayeredValues, given: Sequence[Given]) -> None:
        for one in given:
            if one.values:
                layers.put(one.layer, one.values)
                _refuse(self._declared.faults(layers.values), one.source)

    def _derive(self, layers: LayeredValues, base: Mapping[str, Any], layer: str, given: Sequence[Given]) -> None:
        """Add what follows from the values that are not those of ``base``; what somebody says outright stays."""
        layers.put(layer, self.chart.derived_values(base, layers.values))
        for one in given:
            layers.put(one.layer, one.values)

    def _check(self, layers: LayeredValues, source: str, checked: Mapping[str, Any] | None = None) -> None:
        """Refuse faults in the final values; in the amounts of ``checked`` there are none."""
        _refuse(self._declared.faults(layers.values), source)
        _refuse(requests_above_limits(layers, checked), source)

    # What is given

    def _of_file(self, layer: str, path: str, values: Mapping[str, Any]) -> Given:
        """Values of the deployment file, at ``path`` in it."""
        file = self.chart.deployment.source
        source = f"{file}: {path}" if file else path
        return Given(layer, source, self._checked(Override(source, values)) if values else {})

    def _overrides(self, values: Sequence[Override | Mapping[str, Any]]) -> list[Given]:
        items = [item if isinstance(item, Override) else Override("values", item) for item in values]
        return [
            Given("--set" if item.source.startswith("--set") else "--values", item.source, self._checked(item))
            for item in items
        ]

    def _checked(self, override: Override) -> Mapping[str, Any]:
        """The values that are this chart's."""
        mine = self._mine(override.values)
        secret = [Fault(path_text(path), _CREDENTIAL) for path in credential_paths(mine, self._declared)]
        _refuse(secret, override.source)
        _refuse(list(self._declared.unknown(mine)), override.source)
        return mine


def _refuse(faults: Sequence[Fault], source: str) -> None:
    """Raise :class:`ValuesError` that names the first few faults."""
    if not faults:
        return
    lines = [f"{source}: {without_found(fault)}" for fault in faults[:_MOST_FAULTS]]
    if len(faults) > _MOST_FAULTS:
        lines.append(f"{source}: and {len(faults) - _MOST_FAULTS} more")
    raise ValuesError("", "", "\n".join(lines))
