"""What stands around Dagster on the platform, and what its processes are told of it, whatever the strategy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from floe_charts.constructs.network import MARQUEZ, OTLP_GRPC, Endpoint
from floe_charts.constructs.object_store import ObjectStore
from floe_charts.constructs.part import PlatformPart
from floe_charts.constructs.products import PRODUCTS_PATH, DataProducts
from floe_charts.helm import HelmChart, nonempty, not_, when

__all__ = [
    "DAEMON",
    "DAGSTER_HOME",
    "DAGSTER_UID",
    "ENVIRONMENT",
    "MIGRATION",
    "PG_PASSWORD",
    "PG_USERNAME",
    "RUN",
    "WEBSERVER",
    "WORKSPACE",
    "DagsterWiring",
]

WEBSERVER, DAEMON, RUN, MIGRATION = "dagster-webserver", "dagster-daemon", "dagster-run", "dagster-migrate"
"""Names of workloads."""
WORKSPACE = "dagster-workspace"
"""The ConfigMap of the code locations, behind the chart's full name."""
ENVIRONMENT = "dagster-env"
"""The ConfigMap of environment variables, behind the chart's full name."""
DAGSTER_HOME = "/opt/dagster/dagster_home"
DAGSTER_UID = 10001
"""The images of Dagster name no user, and work as any."""
PG_USERNAME, PG_PASSWORD = "DAGSTER_PG_USERNAME", "DAGSTER_PG_PASSWORD"
"""The variables from which dagster.yaml takes user and password; a process without them cannot open the instance."""


@dataclass(frozen=True)
class DagsterWiring:
    """What Dagster in ``chart`` is wired to.

    ``secrets`` are those whose keys become variables of runs. ``otlp`` and ``lineage`` say whether the platform's
    gateway and its Marquez take telemetry and OpenLineage events; ``env`` are further variables of all processes.
    """

    chart: HelmChart
    secrets: tuple[str, ...] = ()
    otlp: bool = False
    lineage: bool = False
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def fullname(self) -> str:
        """The chart's full name as a literal, for values handed to a dependency."""
        return self.chart.values.fullname_override

    @property
    def products(self) -> DataProducts | None:
        """The facts of the data products, which pods mount."""
        found: DataProducts | None = self.chart.component(DataProducts)
        return found

    @property
    def facts_mounts(self) -> dict[str, str]:
        """Where pods see the facts of the data products, by volume."""
        return {"products": PRODUCTS_PATH} if self.products is not None else {}

    @property
    def facts_volumes(self) -> list[dict[str, Any]]:
        """The volume with the facts of the data products."""
        if self.products is None:
            return []
        return [{"name": "products", "configMap": {"name": self.products.name("products")}}]

    @property
    def store(self) -> ObjectStore | None:
        """The object store, which runs and code servers use."""
        found: ObjectStore | None = self.chart.component(ObjectStore)
        return found

    def service_name(self, process: str) -> dict[str, str]:
        """The variable that names a process in its telemetry, where there is any."""
        return {"OTEL_SERVICE_NAME": process} if self.otlp else {}

    def environment(self) -> dict[str, Any]:
        """The data of the ConfigMap :data:`ENVIRONMENT`: variables of all of Dagster's processes, runs too.

        A ConfigMap, for the values of a dependency cannot tell one environment from another. OpenTelemetry's and
        OpenLineage's clients are told to be silent where the server is switched off.
        """
        found: dict[str, Any] = {}
        if self.otlp:
            found |= _told(
                self._switch(OTLP_GRPC),
                {
                    "OTEL_EXPORTER_OTLP_ENDPOINT": OTLP_GRPC.url(self.chart),
                    "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                    # The gateway decides which traces are kept.
                    "OTEL_TRACES_SAMPLER": "parentbased_always_on",
                    "OTEL_RESOURCE_ATTRIBUTES": self._resource(),
                },
                "OTEL_SDK_DISABLED",
            )
        if self.lineage:
            found |= _told(self._switch(MARQUEZ), {"OPENLINEAGE_URL": MARQUEZ.url(self.chart)}, "OPENLINEAGE_DISABLED")
        return {**found, **self.env}

    def server(self, endpoint: Endpoint) -> PlatformPart[Any] | None:
        """The part that serves ``endpoint``; ask once all parts exist."""
        parts = (part for part in self.chart.components.values() if isinstance(part, PlatformPart))
        return next((part for part in parts if endpoint in part.endpoints()), None)

    def _switch(self, endpoint: Endpoint) -> bool | None:
        """The condition that the part is on which serves ``endpoint``; None where there is none to ask."""
        server = self.server(endpoint)
        return None if server is None else getattr(server.refs, "enabled", None)

    def _resource(self) -> Any:
        """The environment's name, where the chart's values have it."""
        name: str | None = getattr(self.chart.refs, "environment", None)
        return None if name is None else when(nonempty(name), f"deployment.environment.name={name}")


def _told(switch: bool | None, variables: Mapping[str, Any], silencer: str) -> dict[str, Any]:
    """``variables`` where ``switch`` is on, else the one that silences the client."""
    found = {name: value for name, value in variables.items() if value is not None}
    if switch is None:
        return found
    return {**{name: when(switch, value) for name, value in found.items()}, silencer: when(not_(switch), "true")}
