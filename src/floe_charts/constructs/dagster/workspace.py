"""Dagster's workspace: the ConfigMap of the code locations, and a gRPC server for each that has an image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from floe_charts.constructs.dagster.code import CodeLocation, LocationValues, WorkspaceValues, workspace_values
from floe_charts.constructs.dagster.edges import code_edges
from floe_charts.constructs.dagster.wiring import ENVIRONMENT, WORKSPACE
from floe_charts.constructs.network import DAGSTER_CODE, POSTGRES, Edge, Endpoint, Workload
from floe_charts.constructs.part import Claim, PlatformPart
from floe_charts.helm import (
    HelmChart,
    Image,
    default,
    each,
    grpc_probe,
    nonempty,
    pod_security,
    present,
    restricted_security,
    when,
    yaml_text,
)

if TYPE_CHECKING:
    from floe_charts.constructs.dagster.stack import DagsterStack

__all__ = ["DagsterWorkspace"]

# What a server calls itself among gRPC's health services (dagster/_grpc/server.py).
_HEALTH = "DagsterApi"
# No extra label of a pod begins so.
_LABEL = "app.kubernetes.io/code-location"


class DagsterWorkspace(PlatformPart[WorkspaceValues]):
    """The ConfigMap ``<fullname>-dagster-workspace`` with ``workspace.yaml``; made by :class:`DagsterStack`.

    A location with an image is a gRPC server, ``<fullname>-code-<key>`` on port 4000: its runs get the same image.
    """

    title: ClassVar[str] = "Dagster workspace"

    def __init__(self, chart: HelmChart, id: str, dagster: DagsterStack, locations: Iterable[CodeLocation]) -> None:
        """``locations`` become the default values, in the order of their names."""
        super().__init__(chart, id, workspace_values(chart, locations))
        self.dagster = dagster

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The port of the servers, of which each has a Service of its own."""
        return (DAGSTER_CODE,)

    def workloads(self) -> tuple[Workload, ...]:
        """The servers, all of one kind."""
        return (Workload(DAGSTER_CODE.workload, "Dagster code locations", self.dagster.enabled),)

    def edges(self) -> tuple[Edge, ...]:
        """The code of the data products asks what their runs ask; schedules and sensors ask the database too."""
        server = DAGSTER_CODE.workload
        return (Edge(server, POSTGRES, "schedules and sensors"), *code_edges(self.dagster.wiring, server))

    def claims(self, values: Mapping[str, Any]) -> Sequence[Claim]:
        """A server for each location with an image, and one more while it is replaced."""
        shared = values["codeServers"]["resources"]
        served = [one for one in values["locations"].values() if one.get("image")]
        return [Claim(2, one.get("resources") or shared) for one in served]

    def build(self, v: WorkspaceValues) -> None:
        """The ConfigMap and the servers, where Dagster is switched on."""
        # Dagster wants the list, also an empty one.
        locations = [*each(v.locations, self._entry)]
        document = when(nonempty(v.locations), {"load_from": locations}, otherwise={"load_from": []})
        with self.when(self.dagster.enabled):
            name = self.name(WORKSPACE)
            self.add(self.config_map(name, {"workspace.yaml": yaml_text({**document})}, WORKSPACE), name=WORKSPACE)
            server = self.part(DAGSTER_CODE.workload)
            server.add_service_account(v.code_servers, DAGSTER_CODE.workload)
            with self.each(v.locations) as (key, location), self.when(present(location.image)):
                self._add_server(v, key, location)

    def _entry(self, key: str, location: LocationValues) -> Any:
        name = default(location.name, key)
        server = {"host": self._host(key), "port": DAGSTER_CODE.port, "location_name": name}
        module = {
            "module_name": location.module,
            "location_name": name,
            "attribute": location.attribute,
            "working_directory": location.working_directory,
        }
        return when(present(location.image), {"grpc_server": server}, {"python_module": module})

    def _host(self, key: str) -> str:
        return f"{DAGSTER_CODE.host(self.chart)}-{key}"

    def _add_server(self, v: WorkspaceValues, key: str, location: LocationValues) -> None:
        part = self.part(
            DAGSTER_CODE.workload,
            ports={DAGSTER_CODE.port_name: DAGSTER_CODE.port},
            object_name=f"{DAGSTER_CODE.suffix}-{key}",
            labels={_LABEL: key},
        )
        shared = v.code_servers
        # Its optional fields are required in an Image.
        image = cast("Image", location.image)
        resources = when(present(location.resources), location.resources, shared.resources)
        probe = grpc_probe(DAGSTER_CODE.port, _HEALTH, timeout=10)
        wiring, database = self.dagster.wiring, self.dagster.made.database
        deployment = part.deployment(
            image=image,
            # A module that cannot be imported ends the process: the old pod stays.
            command=["dagster", "api", "grpc", "--host=0.0.0.0", f"--port={DAGSTER_CODE.port}"],
            args=[
                f"--module-name={location.module}",
                when(present(location.attribute), f"--attribute={location.attribute}"),
                when(present(location.working_directory), f"--working-directory={location.working_directory}"),
                f"--log-level={shared.log_level}",
                f"--log-format={shared.log_format}",
            ],
            env={
                # Runs of the location get it.
                "DAGSTER_CURRENT_IMAGE": self.image(image),
                "HOME": "/tmp",
                # Without DAGSTER_HOME: the instance comes with each request, and starting does not need a database.
                **database.env,
                **wiring.service_name(f"{DAGSTER_CODE.workload}-{key}"),
            },
            envFrom=self._env_from(location),
            resources=resources,
            security=restricted_security(uid=shared.run_as_user),
            mounts={"tmp": "/tmp", **wiring.facts_mounts, **database.mounts},
            startupProbe={**probe, "failureThreshold": 60},
            livenessProbe={**probe, "periodSeconds": 20, "failureThreshold": 6},
            readinessProbe=probe,
            volumes=[{"name": "tmp", "emptyDir": {}}, *wiring.facts_volumes, *database.volumes],
            checksums=self.dagster.made.checksums(),
            pod_security=pod_security(uid=shared.run_as_user, fs_group=shared.run_as_user),
            pod={"enableServiceLinks": False},
            values=shared,
            # Each has its own Deployment; they share the account.
            service_account=self.part(DAGSTER_CODE.workload).service_account_name(shared),
        )
        self.add(deployment, name=DAGSTER_CODE.workload)
        self.add(part.service(), name=DAGSTER_CODE.workload)

    def _env_from(self, location: LocationValues) -> list[Any]:
        store = self.dagster.wiring.store
        return [
            {"configMapRef": {"name": self.name(ENVIRONMENT)}},
            *(store.env_from() if store is not None else []),
            *each(location.env_config_maps, lambda name: {"configMapRef": {"name": name}}),
            *each(location.env_secrets, lambda name: {"secretRef": {"name": name}}),
        ]
