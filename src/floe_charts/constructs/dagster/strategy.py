"""What is particular to a strategy of Dagster: the official chart, or every template made here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from floe_charts.constructs.dagster.database import DagsterDatabase
from floe_charts.constructs.dagster.wiring import ENVIRONMENT, DagsterWiring
from floe_charts.constructs.part import Claim
from floe_charts.deployment import Environment
from floe_charts.helm import Component, Values

__all__ = ["FEW_RUNS", "DagsterStrategy"]

FEW_RUNS = 4
"""Runs at once where people try things out."""


class DagsterStrategy(ABC):
    """One way to make Dagster. The conditions are expressions of the component's values."""

    def __init__(self, component: Component[Values], wiring: DagsterWiring) -> None:
        """The objects are ``component``'s; ``wiring`` says what stands around."""
        self.component = component
        self.wiring = wiring

    @property
    @abstractmethod
    def database(self) -> DagsterDatabase:
        """The database, as pods see it."""

    @property
    @abstractmethod
    def default_names(self) -> tuple[str, str, str]:
        """The literal names of database, role and Secret."""

    @property
    @abstractmethod
    def has_daemon(self) -> bool | None:
        """The condition that there is a daemon where there is Dagster; None where there always is."""

    @property
    @abstractmethod
    def ends_runs(self) -> bool | None:
        """The condition that the webserver may end runs; None where it always may."""

    @property
    @abstractmethod
    def starts_jobs(self) -> bool:
        """The condition that runs may start Jobs of their own."""

    @property
    @abstractmethod
    def path_prefix(self) -> str:
        """The path that the webserver serves everything below."""

    @abstractmethod
    def claims(self, values: Mapping[str, Any]) -> Iterator[Claim]:
        """What webserver, daemon and runs may ask for, by the final ``values``."""

    @abstractmethod
    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """What is particular to an environment."""

    def derived_values(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What follows from the whole chart's final values and no template sees."""
        return {}

    @abstractmethod
    def build(self) -> None:
        """Make the objects of this strategy, and the migration."""

    def checksums(self) -> dict[str, str]:
        """The files of the ConfigMaps that every process reads when it starts, for annotations that roll pods."""
        products = self.wiring.products
        facts = {"products": products.file_of("ConfigMap")} if products is not None else {}
        return {"environment": f"{ENVIRONMENT}-configmap.yaml", **facts}
