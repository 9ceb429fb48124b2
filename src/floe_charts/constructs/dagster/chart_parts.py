"""The glue around Dagster's official chart (strategy ``dependency``), and what it is told of other parts' values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any, cast

from floe_charts.constructs.dagster.chart import COMPONENT, DagsterValues
from floe_charts.constructs.dagster.chart_wait import wait_container
from floe_charts.constructs.dagster.database import DagsterDatabase
from floe_charts.constructs.dagster.defaults import CHECKSUM, run_secrets
from floe_charts.constructs.dagster.migration import add_migration
from floe_charts.constructs.dagster.strategy import FEW_RUNS, DagsterStrategy
from floe_charts.constructs.dagster.wiring import DAGSTER_UID, WEBSERVER, DagsterWiring
from floe_charts.constructs.dagster.workspace import DagsterWorkspace
from floe_charts.constructs.network import DAGSTER_WEBSERVER, MARQUEZ, OTLP_GRPC
from floe_charts.constructs.part import Claim, workload_claim
from floe_charts.constructs.postgres.client import PostgresClient
from floe_charts.constructs.service_values import service_fields
from floe_charts.constructs.shared_values import shared_labels
from floe_charts.deployment import Environment
from floe_charts.helm import RELEASE_NAME, Component, Part, Values, and_, default, gt, nonempty, ternary
from floe_charts.helm.layers import merge

__all__ = ["ChartDagster", "digest"]


class ChartDagster(DagsterStrategy):
    """Makes what the official chart does not: its webserver under the platform's names, and the migration."""

    @property
    def v(self) -> DagsterValues:
        """The values, as expressions."""
        return cast("DagsterValues", self.component.refs)

    @property
    def database(self) -> DagsterDatabase:
        """What the chart is told."""
        server, secret = self.v.postgresql, self.v.global_.postgresql_secret_name
        return DagsterDatabase(
            self.component, server.postgresql_database, secret, host=server.postgresql_host, port=server.service.port
        )

    @property
    def default_names(self) -> tuple[str, str, str]:
        """Database, role, Secret."""
        values = cast("DagsterValues", self.component.values)
        server = values.postgresql
        return server.postgresql_database, server.postgresql_username, values.global_.postgresql_secret_name

    @property
    def has_daemon(self) -> bool | None:
        """The value."""
        return self.v.dagster_daemon.enabled

    @property
    def ends_runs(self) -> bool | None:
        """Always."""
        return None

    @property
    def starts_jobs(self) -> bool:
        """Where runs have a token."""
        spec = self.v.run_launcher.config.k8s_run_launcher.run_k8s_config.pod_spec_config
        return spec.automount_service_account_token

    @property
    def path_prefix(self) -> str:
        """None: the probes among the values are for the root."""
        return ""

    def claims(self, values: Mapping[str, Any]) -> Iterator[Claim]:
        """The daemon is ended before it is replaced."""
        web, daemon = values["dagsterWebserver"], values["dagsterDaemon"]
        yield workload_claim(web, replicas=web["replicaCount"])
        if daemon["enabled"]:
            yield Claim(1, daemon["resources"])
        runs = daemon["runCoordinator"]["config"]["queuedRunCoordinator"]["maxConcurrentRuns"]
        yield Claim(runs, values["runLauncher"]["config"]["k8sRunLauncher"]["resources"])

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """Two webservers where high availability matters; ports on the nodes where people try things out."""
        if environment.high_availability:
            return {
                "webserver": {"podDisruptionBudget": {"enabled": True}},
                "dagsterWebserver": {"replicaCount": 2},
            }
        if environment.kind in ("development", "test"):
            coordinator = {"config": {"queuedRunCoordinator": {"maxConcurrentRuns": FEW_RUNS}}}
            return {
                "webserver": {"service": {"type": "NodePort"}},
                "dagsterDaemon": {"runCoordinator": coordinator},
            }
        return {}

    def derived_values(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the chart cannot see, as it sees its own values only."""
        return _told_to_chart(self.wiring, base, values, self.component)

    def build(self) -> None:
        """Service, PodDisruptionBudget, Ingress and HTTPRoute of the webserver, and the migration."""
        v, component = self.v.webserver, self.component
        web = component.part(WEBSERVER, ports={DAGSTER_WEBSERVER.port_name: DAGSTER_WEBSERVER.port})
        component.add(self._selecting(web.service(**service_fields(v.service))), name=WEBSERVER)
        several = gt(self.v.dagster_webserver.replica_count, 1)
        with component.when(and_(v.pod_disruption_budget.enabled, several)):
            component.add(self._budget(web), name=WEBSERVER)
        with component.when(v.ingress.enabled):
            component.add(web.ingress(v.ingress), name=WEBSERVER)
        with component.when(v.route.enabled):
            component.add(web.http_route(v.route), name=WEBSERVER)
        self._add_migration()

    def _add_migration(self) -> None:
        web, waits = self.v.dagster_webserver, self.v.postgresql.image
        image = web.image
        uid = cast("int", default(web.pod_security_context.run_as_user, DAGSTER_UID))
        wait = self.database.wait_container(
            f"{waits.registry}/{waits.repository}:{waits.tag}", uid=uid, resources=web.init_container_resources
        )
        tagged, pinned = f"{image.repository}:{image.tag}", f"{image.repository}@{image.digest}"
        found = ternary(nonempty(image.digest), pinned, tagged)
        add_migration(self.v.migration, self.database, image=found, wait=wait, uid=uid)

    @property
    def _selector(self) -> dict[str, Any]:
        """The labels that the chart gives its webserver, and never changes."""
        return {
            "app.kubernetes.io/name": self.v.name_override,
            "app.kubernetes.io/instance": RELEASE_NAME,
            "component": COMPONENT,
        }

    def _selecting(self, service: dict[str, Any]) -> dict[str, Any]:
        return {**service, "spec": {**service["spec"], "selector": self._selector}}

    def _budget(self, web: Part) -> dict[str, Any]:
        made = web.pod_disruption_budget(max_unavailable=self.v.webserver.pod_disruption_budget.max_unavailable)
        return {**made, "spec": {**made["spec"], "selector": {"matchLabels": self._selector}}}


_LAUNCHER = ("runLauncher", "config", "k8sRunLauncher")


def _told_to_chart(
    wiring: DagsterWiring, base: Mapping[str, Any], values: Mapping[str, Any], component: Component[Values]
) -> dict[str, Any]:
    """What follows for the chart from the final ``values`` of an environment, of which it sees its own only.

    Connection to the database, Secret of the object store, labels of all pods, and an annotation that rolls webserver
    and daemon where the ConfigMaps change that they read when they start. ``base`` are the values of values.yaml.
    """
    # Without any layer, and with all of them.
    defaults = component.values.to_values()
    own = merge(defaults, values.get(component.id, {}))
    client = PostgresClient.from_values(wiring.chart, values)
    secrets = run_secrets(wiring, values.get(wiring.store.id, {}) if wiring.store is not None else {})
    labels = {**dict.fromkeys(shared_labels(base)), **shared_labels(values)}
    mounts = [{"name": name, "mountPath": path, "readOnly": True} for name, path in client.mounts.items()]

    def pods(*path: str) -> dict[str, Any]:
        own = reduce(lambda tree, key: tree[key], path, defaults)
        volumes, seen = [*own["volumes"], *client.volumes], [*own["volumeMounts"], *mounts]
        return {"labels": labels, "volumes": volumes, "volumeMounts": seen}

    read = [defaults["dagsterDaemon"]["annotations"], *_read_at_start(wiring, values)]
    wait = wait_container(wiring.chart, own["postgresql"], own["global"]["postgresqlSecretName"], values)
    both = {
        "annotations": {CHECKSUM: digest(read)},
        "deploymentLabels": labels,
        "extraPrependedInitContainers": [wait.to_values()],
    }
    return {
        "postgresql": {
            "postgresqlHost": client.host,
            "postgresqlParams": {"sslmode": client.ssl_mode, "sslrootcert": client.env.get("PGSSLROOTCERT")},
        },
        "dagsterWebserver": {**pods("dagsterWebserver"), **both},
        "dagsterDaemon": {**pods("dagsterDaemon"), **both},
        "runLauncher": {
            "config": {"k8sRunLauncher": {**pods(*_LAUNCHER), "envSecrets": [{"name": name} for name in secrets]}}
        },
    }


def _read_at_start(wiring: DagsterWiring, values: Mapping[str, Any]) -> list[Any]:
    """The values that shape the ConfigMaps of webserver and daemon."""
    servers = (wiring.server(endpoint) for endpoint in (OTLP_GRPC, MARQUEZ))
    switches = [values.get(server.id, {}).get("enabled") for server in servers if server is not None]
    workspace: DagsterWorkspace = wiring.chart.component(DagsterWorkspace)
    facts = values.get(wiring.products.id) if wiring.products is not None else None
    return [values.get(workspace.id, {}).get("locations"), facts, *switches]


def digest(facts: object) -> str:
    """The SHA-256 of facts that JSON can hold."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
