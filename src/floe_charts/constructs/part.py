"""What the platform's parts have in common: the Services that they answer to and the Secrets that they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from floe_charts.constructs.network import Endpoint
from floe_charts.deployment import Environment
from floe_charts.helm import Component, Values

__all__ = ["PlatformPart", "RequiredSecret"]

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

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The Service ports that the part answers to."""
        return ()

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The Secrets that the part reads and that nobody in the chart makes."""
        return ()

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """What is particular to an environment, as a tree of this part's values (camelCase keys)."""
        return {}
