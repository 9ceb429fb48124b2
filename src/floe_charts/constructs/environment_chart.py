"""A chart that is deployed to environments: what the platform's chart and that of the data products have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from floe_charts.artifacts import CompiledArtifacts, public_text
from floe_charts.constructs.part import PlatformPart
from floe_charts.constructs.surroundings.images import image_values
from floe_charts.constructs.unanswered import switched_on
from floe_charts.deployment import Deployment, Environment
from floe_charts.helm import CommonChartValues, Field, HelmChart, LabelValue, Resources
from floe_charts.helm.layers import merge
from floe_charts.helm.provided import ProvidedObject
from floe_charts.helm.spec import Spec, property_specs

__all__ = ["EnvironmentChart", "PlatformValues", "newest_floe"]


class PlatformValues(CommonChartValues):
    """Values of a chart as a whole."""

    environment: LabelValue = Field("", description="Name of the environment, a label of all objects and pods.")


class EnvironmentChart(HelmChart):
    """A chart whose values come in layers: what is the same everywhere, and what an environment says."""

    deployment: Deployment
    """Where it goes."""

    @property
    def parts(self) -> list[PlatformPart[Any]]:
        """The platform's parts."""
        return [part for part in self.components.values() if isinstance(part, PlatformPart)]

    def environments_of(self, *kinds: str) -> list[str]:
        """The names of the environments of these kinds."""
        return [name for name, environment in self.deployment.environments.items() if environment.kind in kinds]

    def extra_labels(self) -> dict[str, str]:
        """The environment's name."""
        return {"environment": cast("PlatformValues", self.refs).environment}

    def pulled_secrets(self) -> list[ProvidedObject]:
        """The Secrets to pull images with that the deployment file names, for all environments or for some."""
        given = (self.deployment.values, *(one.values for one in self.deployment.environments.values()))
        names = {secret["name"] for values in given for secret in values.get("imagePullSecrets") or []}
        return [ProvidedObject("Secret", name) for name in sorted(names)]

    # Layers

    def preset_values(self, environment: Environment, values: Mapping[str, Any]) -> dict[str, Any]:
        """The layer of the resource preset: every value of the type Resources, by the component's preset.

        ``values`` say which parts are switched on in the environment; the others are left out, as their values would
        say nothing.
        """
        tree: dict[str, Any] = {}
        for part in self.components.values():
            if not switched_on(values, part):
                continue
            component = getattr(self.deployment.components, part.id, None)
            name = (component.resources if component else None) or environment.resources
            preset = self.deployment.presets[name].model_dump(mode="json")
            below = _resources(Spec("object", model=type(part.values)), preset)
            if below:
                tree[part.id] = below
        return tree

    def environment_values(self, environment: Environment, name: str) -> dict[str, Any]:
        """The layer of the environment ``name``: what each part says of it."""
        layers = {part.id: dict(part.environment_values(environment)) for part in self.parts}
        parts = {part: values for part, values in layers.items() if values}
        return {"environment": name, **parts}

    def derived_values(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """What follows from the final ``values`` of an environment where they are not those of ``base``."""
        layers = {part.id: image_values(part, base, values) for part in self.components.values()}
        for part in self.parts:
            layers[part.id] = merge(layers[part.id], part.derived_values(base, values))
        return {part: tree for part, tree in layers.items() if tree}

    def open_dependencies(self) -> list[str]:
        """A line for each dependency of a version whose keys are not known, so that misspelt ones pass."""
        return [
            f"{part.id}: the keys of {part.dependency.name} {part.dependency.version} are not known: misspelt ones pass"
            for part in self.components.values()
            if part.open_values and part.dependency is not None
        ]

    def notices(self, served: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """What the parts give reason to look at, a line each; ``served`` holds the final values of each environment."""
        return [line for part in self.parts for line in part.notices(served)]


def _resources(spec: Spec, preset: Mapping[str, Any]) -> dict[str, Any]:
    """The tree in which every value of the type Resources is ``preset``."""
    tree: dict[str, Any] = {}
    if spec.model is None:
        return tree
    for name, prop in property_specs(spec.model).items():
        if prop.spec.model is None or prop.spec.kind != "object":
            continue
        if issubclass(prop.spec.model, Resources):
            tree[name] = dict(preset)
        else:
            below = _resources(prop.spec, preset)
            if below:
                tree[name] = below
    return tree


def newest_floe(artifacts: Iterable[CompiledArtifacts]) -> str:
    """The newest version of floe that made one of ``artifacts``; numbers compare as numbers."""

    def key(version: str) -> list[tuple[int, str]]:
        return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in version.split(".")]

    return public_text(max((one.metadata.floe_version for one in artifacts), key=key, default="0.0.0"))
