"""What the platform's parts have in common: the Services that they answer to and the Secrets that they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from floe_charts.constructs.network import Endpoint
from floe_charts.deployment import ChartSource, Environment
from floe_charts.helm import Component, Dependency, Values
from floe_charts.helm.layers import merge

__all__ = ["PlatformPart", "RequiredSecret", "over"]

V = TypeVar("V", bound=Values)


@dataclass(frozen=True)
class RequiredSecret:
    """A Secret that must exist in the namespace before the chart is installed.

    ``name`` is its default name, ``keys`` the keys that it must hold, ``purpose`` what for, in a few words;
    ``condition`` says when it is needed where it is not always (``postgres.mode is statefulset``).
    """

    name: str
    keys: tuple[str, ...]
    purpose: str
    condition: str = ""


class PlatformPart(Component[V]):
    """A part of the floe platform."""

    title: ClassVar[str] = ""
    """The part's name for people: ``OpenTelemetry Collector``."""

    def depend_on(self, chart_name: str, source: ChartSource, *, known_version: str) -> None:
        """Hand the part's values to the chart ``chart_name`` of ``source``; ``<id>.enabled`` switches it.

        ``known_version`` is the version whose keys the Values classes know.
        """
        alias = self.id if self.id != chart_name else None
        condition = f"{self.id}.enabled"
        self.depend(
            Dependency(chart_name, source.version, source.repository, alias=alias, condition=condition),
            known_version=known_version,
        )

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The Service ports that the part answers to."""
        return ()

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The Secrets that the part reads and that nobody in the chart makes."""
        return ()

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """What is particular to an environment, as a tree of this part's values (camelCase keys)."""
        return {}

    def derived_values(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What follows from the whole chart's final values in an environment, as a tree of this part's values.

        ``base`` are the values that hold everywhere. For what a template computes and a dependency's values cannot.
        """
        return {}


def over(defaults: V, values: V | None) -> V:
    """``defaults`` with what ``values`` set, at any depth; of the class of ``defaults``."""
    if values is None:
        return defaults
    given = values.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return type(defaults).model_validate(merge(defaults.to_values(), given))
