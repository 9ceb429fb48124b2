"""Dagster: the official chart as a dependency, its values wired to the platform, and the glue that it cannot make."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

from floe_charts.constructs.dagster_chart import (
    CHART_NAME,
    COMPONENT,
    KNOWN_VERSION,
    DagsterValues,
)
from floe_charts.constructs.dagster_defaults import PASSWORD_KEY, DagsterWiring, dagster_values
from floe_charts.constructs.database import DatabaseConsumer
from floe_charts.constructs.network import DAGSTER_WEBSERVER, MARQUEZ, OTLP_GRPC, Endpoint
from floe_charts.constructs.part import PlatformPart, RequiredSecret, SecretKey, over
from floe_charts.constructs.pod_values import AbsolutePath
from floe_charts.constructs.products import DataProducts
from floe_charts.deployment import ChartSource, Components, Environment
from floe_charts.helm import (
    RELEASE_NAME,
    Field,
    HelmChart,
    Values,
    each,
    nonempty,
    when,
    yaml_text,
)

__all__ = ["KNOWN_VERSION", "CodeLocation", "DagsterStack", "DagsterValues", "DagsterWorkspace", "WorkspaceValues"]

_LocationName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z][a-zA-Z0-9_-]*$", max_length=128)]
_ModuleName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$", max_length=255)
]
_AttributeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]


@dataclass(frozen=True)
class CodeLocation:
    """Where Dagster finds the definitions of a data product: a Python module in the image.

    A new ``version`` rolls webserver and daemon, which read the code when they start.
    """

    name: str
    module: str
    version: str = ""

    @classmethod
    def of_product(cls, name: str, version: str = "") -> CodeLocation:
        """The code location of the product ``name``: the module is its name in small letters, dashes as underscores."""
        return cls(name=name, module=name.lower().replace("-", "_"), version=version)


class LocationValues(Values):
    """A code location that is a Python module in Dagster's image."""

    module: _ModuleName = Field("definitions", description="Module that holds the definitions.")
    attribute: _AttributeName | None = Field(None, description="Name of the Definitions object in the module.")
    working_directory: AbsolutePath | None = Field(None, description="Directory from which the module is imported.")


class WorkspaceValues(Values):
    """Dagster's workspace: the code locations that webserver and daemon load."""

    locations: dict[_LocationName, LocationValues] = Field({}, description="Code locations by name.")


class DagsterWorkspace(PlatformPart[WorkspaceValues]):
    """The ConfigMap ``<fullname>-dagster-workspace`` with ``workspace.yaml``; made by :class:`DagsterStack`."""

    title: ClassVar[str] = "Dagster workspace"

    def __init__(self, chart: HelmChart, id: str, dagster: DagsterStack, locations: Iterable[CodeLocation]) -> None:
        """``locations`` become the default values, in the order of their names."""
        made = {one.name: LocationValues(module=one.module) for one in sorted(locations, key=lambda one: one.name)}
        super().__init__(chart, id, WorkspaceValues(locations=made))
        self.dagster = dagster

    def build(self, v: WorkspaceValues) -> None:
        """The ConfigMap, where Dagster is switched on."""
        locations = [
            *each(
                v.locations,
                lambda name, location: {
                    "python_module": {
                        "module_name": location.module,
                        "location_name": name,
                        "attribute": location.attribute,
                        "working_directory": location.working_directory,
                    }
                },
            )
        ]
        # Dagster wants the list, also an empty one.
        document = when(nonempty(v.locations), {"load_from": locations}, otherwise={"load_from": []})
        with self.when(self.dagster.refs.enabled):
            name = self.name(_WORKSPACE)
            self.add(self.config_map(name, {"workspace.yaml": yaml_text({**document})}, "dagster-workspace"))


_WORKSPACE = "dagster-workspace"
_CHECKSUM = "checksum/locations"


class DagsterStack(PlatformPart[DagsterValues]):
    """Webserver and daemon of Dagster by its official chart; runs are Kubernetes Jobs.

    The chart names its webserver's Service after the release; the platform's own, ``<fullname>-dagster-webserver`` on
    port 3000, leads to the same pods under a name that never changes.
    """

    title: ClassVar[str] = "Dagster"

    def __init__(
        self,
        chart: HelmChart,
        id: str = "dagster",
        *,
        source: ChartSource | None = None,
        locations: Sequence[CodeLocation] = (),
        credential_secrets: Sequence[str] = (),
        otlp: bool = False,
        lineage: bool = False,
        env: Mapping[str, str] | None = None,
        values: DagsterValues | None = None,
    ) -> None:
        """``source`` says which official chart; without it the one whose keys are known.

        ``credential_secrets`` name Secrets that become environment variables of run pods. ``otlp`` sends telemetry to
        the platform's gateway, ``lineage`` sends OpenLineage events to its Marquez; ``env`` are further environment
        variables of webserver, daemon and runs. ``values`` are defaults: what they leave unset is the platform's. The
        facts of a :class:`DataProducts` that the chart has already are mounted into every pod.
        """
        found = source or Components().dagster.chart
        products: DataProducts | None = chart.component(DataProducts)
        wiring = DagsterWiring(
            version=found.version,
            fullname=chart.values.fullname_override,
            workspace=f"{chart.values.fullname_override}-{_WORKSPACE}",
            locations_hash=_checksum(locations),
            products=products.config_map_name if products else None,
            secrets=tuple(credential_secrets),
            env={**_platform_env(chart, otlp=otlp, lineage=lineage), **(env or {})},
            service_names=otlp,
        )
        defaults = dagster_values(wiring)
        super().__init__(chart, id, over(defaults, values))
        self.depend_on(CHART_NAME, found, known_version=KNOWN_VERSION)
        self.workspace = DagsterWorkspace(
            chart, "workspace" if id == CHART_NAME else f"{id}-workspace", self, locations
        )

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The webserver's port."""
        return (DAGSTER_WEBSERVER,)

    def database_consumer(self) -> DatabaseConsumer:
        """What PostgreSQL must provide; the Secret holds the password also under the key that the chart reads."""
        postgres = self.values.postgresql
        return DatabaseConsumer(
            name="dagster",
            database=postgres.postgresql_database,
            role=postgres.postgresql_username,
            secret=self.refs.global_.postgresql_secret_name,
            default_secret=self.values.global_.postgresql_secret_name,
            extra_keys=(SecretKey(PASSWORD_KEY, same_as="password"),),
            enabled=self.refs.enabled,
        )

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The Secret of the database."""
        return (self.database_consumer().required_secret,)

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """Two webservers where high availability matters; the daemon is always one."""
        return {"dagsterWebserver": {"replicaCount": 2}} if environment.high_availability else {}

    def derived_values(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
        """An annotation that rolls webserver and daemon where an environment has code locations of its own."""
        locations = values.get(self.workspace.id, {}).get("locations", {})
        if locations == base.get(self.workspace.id, {}).get("locations", {}):
            return {}
        mark = {"annotations": {_CHECKSUM: _digest(locations)}}
        return {"dagsterWebserver": mark, "dagsterDaemon": mark}

    def build(self, v: DagsterValues) -> None:
        """The webserver's Service under the platform's name for it."""
        selector = {
            "app.kubernetes.io/name": v.name_override,
            "app.kubernetes.io/instance": RELEASE_NAME,
            "component": COMPONENT,
        }
        # The chart's name for the container's port.
        port = {"name": DAGSTER_WEBSERVER.port_name, "port": DAGSTER_WEBSERVER.port, "targetPort": "http"}
        spec = {"type": "ClusterIP", "selector": selector, "ports": [port]}
        metadata = self.metadata(self.name(DAGSTER_WEBSERVER.suffix), DAGSTER_WEBSERVER.suffix)
        with self.when(v.enabled):
            service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
            self.add(service, name=DAGSTER_WEBSERVER.suffix)


def _platform_env(chart: HelmChart, *, otlp: bool, lineage: bool) -> dict[str, str]:
    """The environment variables that point Dagster at the platform's services."""
    env: dict[str, str] = {}
    if otlp:
        env["OTEL_EXPORTER_OTLP_ENDPOINT"] = OTLP_GRPC.static_url(chart)
        env["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"
    if lineage:
        env["OPENLINEAGE_URL"] = MARQUEZ.static_url(chart)
    return env


def _checksum(locations: Sequence[CodeLocation]) -> str:
    """The SHA-256 of the code locations.

    The chart's values are static, and its own checksum does not see a ConfigMap from outside. So this covers what synth
    knows, not what somebody hands to ``helm --set``: then ``kubectl rollout restart`` rolls the pods.
    """
    return _digest([asdict(one) for one in sorted(locations, key=lambda one: one.name)])


def _digest(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
