"""Values of Dagster that are the same in both strategies: how its webserver is reached, and its migration."""

from __future__ import annotations

from typing import Annotated

from floe_charts.constructs.dagster.wiring import PG_PASSWORD, PG_USERNAME
from floe_charts.constructs.service_values import ServiceValues
from floe_charts.helm import (
    DisruptionBudgetValues,
    ExtraEnv,
    Field,
    IngressValues,
    PodValues,
    Resources,
    RouteValues,
    Values,
    Without,
)

__all__ = ["DATABASE_VARIABLES", "EntryValues", "MigrationValues"]

DATABASE_VARIABLES = (PG_USERNAME, PG_PASSWORD)
"""The variables of the database that containers have, which no extra one may be."""


class EntryValues(Values):
    """How the webserver is reached."""

    service: ServiceValues = ServiceValues()
    ingress: IngressValues = IngressValues()
    route: RouteValues = RouteValues()
    pod_disruption_budget: DisruptionBudgetValues = DisruptionBudgetValues()


class MigrationValues(PodValues):
    """The Job that brings the database's schema up to date after each installation and upgrade."""

    enabled: bool = Field(True, description="Run it.")
    resources: Resources = Resources()
    deadline_seconds: int = Field(
        1800, ge=60, le=86400, description="Seconds after which it is given up, waiting for the database included."
    )
    extra_env: Annotated[ExtraEnv, Without("DAGSTER_HOME", "HOME", *DATABASE_VARIABLES)] = Field(
        {}, description="Further environment variables, by name."
    )
