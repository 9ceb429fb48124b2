"""PostgreSQL: a StatefulSet, a CloudNativePG cluster, or a server elsewhere, behind one Service name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

from floe_charts.constructs.network import (
    POSTGRES,
    POSTGRES_METRICS,
    POSTGRES_POOLER,
    POSTGRES_POOLER_METRICS,
    POSTGRES_STATUS,
    Edge,
    Endpoint,
    Outside,
    Workload,
)
from floe_charts.constructs.object_store import ACCESS_KEY, SECRET_KEY
from floe_charts.constructs.part import Check, Claim, PlatformPart, RequiredSecret, SecretKey, over
from floe_charts.constructs.postgres.archive import archive_of, object_store, scheduled_backup
from floe_charts.constructs.postgres.claims import postgres_claims
from floe_charts.constructs.postgres.client import CLIENT_SUFFIX, postgres_client
from floe_charts.constructs.postgres.database import PASSWORD_KEY, DatabaseConsumer, check_consumers
from floe_charts.constructs.postgres.dump import DUMP_FILE, DUMP_WORKLOAD, dump_claim, dump_job, dump_script
from floe_charts.constructs.postgres.network import postgres_edges, postgres_outside_ports, postgres_workloads
from floe_charts.constructs.postgres.operator import cluster, cluster_pods, database, pod_monitor
from floe_charts.constructs.postgres.operator_values import ArchiveValues, OperatorValues
from floe_charts.constructs.postgres.pooler import pooler, pooler_budget, pooler_pods
from floe_charts.constructs.postgres.script import HBA, HBA_FILE, SCRIPT_FILE, consumer_calls, prepare_script
from floe_charts.constructs.postgres.statefulset import consumer_env, stateful_set
from floe_charts.constructs.postgres.values import UNKNOWN_HOST, PostgresValues
from floe_charts.constructs.service_values import service_fields
from floe_charts.constructs.surroundings.monitoring import Monitoring
from floe_charts.deployment import Environment
from floe_charts.helm import HelmChart, Image, and_, eq, gt, nonempty, not_
from floe_charts.helm.rules import ValueRule

__all__ = ["DatabaseConsumer", "PostgresCluster", "PostgresValues"]


class PostgresCluster(PlatformPart[PostgresValues]):
    """The platform's PostgreSQL; in every mode the Service ``<fullname>-postgres`` leads to it on port 5432.

    - ``statefulset``: one server. An init container makes data directory, roles and databases before every start (see
      :mod:`floe_charts.constructs.postgres.script`). A consumer that comes later changes the pod template, and the
      restart makes its database; a password changed in a Secret takes effect after ``kubectl rollout restart``. No Helm
      hook takes part, so ``helm install --wait`` and GitOps controllers see nothing special. A CronJob dumps every
      database on wish.
    - ``operator``: a CloudNativePG ``Cluster`` with managed roles, and a ``Database`` per consumer; the operator keeps
      both up to date. The database ``app`` that it makes at bootstrap stays unused: making a consumer's there would tie
      the bootstrap, which runs once, to the list of consumers. Backups go to an object store on wish.
    - ``external``: an ExternalName Service; databases and roles are the business of the server's administrator.

    How clients connect in each mode, :func:`~floe_charts.constructs.postgres.client.postgres_client` says, and the
    ConfigMap ``<fullname>-postgres-client`` in the variables of libpq.
    """

    title: ClassVar[str] = "PostgreSQL"

    def __init__(
        self,
        chart: HelmChart,
        id: str = "postgres",
        *,
        consumers: Sequence[DatabaseConsumer] = (),
        values: PostgresValues | None = None,
    ) -> None:
        """``consumers`` get one database and one role each; raises DeclarationError where two share a name."""
        name = f"{chart.values.fullname_override or chart.chart_name}-{POSTGRES.suffix}-backup"
        defaults = PostgresValues(operator=OperatorValues(backup=ArchiveValues(secret_name=name)))
        super().__init__(chart, id, over(defaults, values))
        self.consumers = check_consumers(consumers)

    def serve(self, consumer: DatabaseConsumer) -> None:
        """Give one more consumer its database and its role; raises DeclarationError where it shares a name."""
        self.consumers = check_consumers((*self.consumers, consumer))

    # What others need to know

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The server's port; those of CloudNativePG's servers and of the pool are there in mode operator only."""
        return (POSTGRES, POSTGRES_STATUS, POSTGRES_METRICS, POSTGRES_POOLER, POSTGRES_POOLER_METRICS)

    def workloads(self) -> tuple[Workload, ...]:
        """The servers, the pool of connections, the dumps."""
        return postgres_workloads(self)

    def edges(self) -> tuple[Edge, ...]:
        """Those among the servers and around them; and where the server is elsewhere, those of everybody to it."""
        return tuple(postgres_edges(self))

    def outside_ports(self, values: Mapping[str, Any]) -> Mapping[Outside, Sequence[int]]:
        """That of an object store for backups alone."""
        return postgres_outside_ports(values)

    def notices(self, served: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
        """Where CloudNativePG keeps the data and makes no backups, and where nobody said which server it is."""
        found = {name: values[self.id] for name, values in served.items() if self.id in values}
        bare = [name for name, v in found.items() if v["mode"] == "operator" and not v["operator"]["backup"]["enabled"]]
        unknown = [
            name for name, v in found.items() if v["mode"] == "external" and v["external"]["host"] == UNKNOWN_HOST
        ]
        lines = []
        if bare:
            told = f"set {self.id}.operator.backup.enabled and .destinationPath"
            lines.append(f"{self.id} makes no backups in {', '.join(bare)}: {told}")
        if unknown:
            lines.append(f"{self.id} is elsewhere in {', '.join(unknown)}: set {self.id}.external.host")
        return lines

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The Secret of each consumer; the superuser's where the defaults name one; that of backups of their own."""
        found = [consumer.required_secret for consumer in self.consumers]
        superuser, backup = self.refs.statefulset.superuser_secret, self.refs.operator.backup
        if name := self.values.statefulset.superuser_secret:
            found.append(
                RequiredSecret(
                    "postgresSuperuser",
                    name,
                    (SecretKey(PASSWORD_KEY, random=32),),
                    "superuser of PostgreSQL",
                    superuser,
                    and_(self._stateful, nonempty(superuser)),
                    f"{self.id}.mode is statefulset",
                )
            )
        found.append(
            RequiredSecret(
                "postgresBackup",
                self.values.operator.backup.secret_name,
                (SecretKey(ACCESS_KEY), SecretKey(SECRET_KEY)),
                "backups of PostgreSQL in an object store of their own",
                backup.secret_name,
                and_(self._operated, backup.enabled, eq(backup.credentials, "secret")),
                f"{self.id}.mode is operator, {self.id}.operator.backup.enabled is true and its credentials are secret",
            )
        )
        return tuple(found)

    def checks(self) -> tuple[Check, ...]:
        """Each consumer logs in to its database through the Service."""
        if not self.consumers:
            return ()
        client = postgres_client(self.chart)
        env = {"PGCONNECT_TIMEOUT": "5", **self._connection(), **consumer_env(self.consumers)}
        v = self.refs

        def check(name: str, image: Image, when: bool) -> Check:
            script = _QUERY + consumer_calls(self.consumers)
            return Check(name, script, (POSTGRES,), env, image, when, volumes=client.volumes, mounts=client.mounts)

        # Each mode with the image that it has anyway.
        return (
            check("postgres", v.statefulset.image, not_(self._operated)),
            check("postgres-cluster", v.operator.image, self._operated),
        )

    def claims(self, values: Mapping[str, Any]) -> Sequence[Claim]:
        """The servers with their volumes, and what is around them."""
        return tuple(postgres_claims(values))

    def value_rules(self) -> Sequence[ValueRule]:
        """Certificates are held against those of somebody."""
        tls = f"{self.id}.external.tls"
        because = "verify-ca and verify-full hold the server's certificate against that of an authority: name it"
        return (ValueRule(f"{tls}.ca", (None,), f"{tls}.mode", ("disable", "prefer", "require"), because),)

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """The environment's mode; three servers with volumes for their logs where high availability matters."""
        values: dict[str, Any] = {"mode": environment.postgres}
        if environment.postgres == "operator" and environment.high_availability:
            values["operator"] = {"instances": 3, "walStorage": {"enabled": True}}
        if environment.postgres != "external" and environment.kind in ("development", "test"):
            values["service"] = {"type": "NodePort"}
        if environment.postgres != "external" and environment.kind == "test":
            values["storage"] = {"whenDeleted": "Delete"}
        return values

    # The objects

    @property
    def _stateful(self) -> bool:
        return eq(self.refs.mode, "statefulset")

    @property
    def _operated(self) -> bool:
        return eq(self.refs.mode, "operator")

    @property
    def _external(self) -> bool:
        return eq(self.refs.mode, "external")

    def build(self, v: PostgresValues) -> None:
        """How to connect, and the objects of the three modes, each guarded by its mode."""
        client = self.config_map(self.name(CLIENT_SUFFIX), self._connection(), POSTGRES.suffix)
        self.add(client, name=f"{self.file_stem}-client")
        with self.when(self._stateful):
            self._add_stateful_set(v)
        with self.when(self._operated):
            self._add_cluster(v)
        with self.when(self._external):
            self._add_alias(v)

    def _connection(self) -> dict[str, Any]:
        client = postgres_client(self.chart)
        return {"PGHOST": client.host, "PGPORT": str(POSTGRES.port), **client.env}

    def _add_stateful_set(self, v: PostgresValues) -> None:
        server = self.part(POSTGRES.workload, ports={POSTGRES.port_name: POSTGRES.port})
        headless = f"{server.name}-headless"
        config = self.add(
            self.config_map(
                server.name, {SCRIPT_FILE: prepare_script(self.consumers), HBA_FILE: HBA}, POSTGRES.workload
            )
        )
        server.add_service_account(v.statefulset)
        self.add(server.service(**service_fields(v.service)))
        self.add(server.service(headless=True, name=headless), name=f"{self.file_stem}-headless")
        dumps = self.part(DUMP_WORKLOAD)
        self.add(stateful_set(server, v, self.consumers, headless, config, dumps.name))
        with self.when(v.statefulset.backup.enabled):
            self.add(
                self.config_map(dumps.name, {DUMP_FILE: dump_script(self.consumers)}, DUMP_WORKLOAD), DUMP_WORKLOAD
            )
            self.add(dump_claim(dumps, v), DUMP_WORKLOAD)
            account = server.service_account_name(v.statefulset)
            self.add(dump_job(dumps, v, self.consumers, account), DUMP_WORKLOAD)

    def _add_cluster(self, v: PostgresValues) -> None:
        monitoring: Monitoring | None = self.chart.component(Monitoring)
        self.add(cluster(self, self.consumers))
        for consumer in self.consumers:
            with self._enabled(consumer):
                self.add(database(self, consumer), name=f"{self.file_stem}-{consumer.name}")
        with self.when(v.operator.backup.enabled):
            self.add(object_store(self, archive_of(self.chart, v.operator.backup)))
            self.add(scheduled_backup(self))
        with self.when(v.operator.pooler.enabled):
            self.add(pooler(self))
            with self.when(gt(v.operator.pooler.instances, 1)):
                self.add(pooler_budget(self), name=POSTGRES_POOLER.suffix)
        if monitoring is not None:
            watched = monitoring.refs
            with self.when(watched.enabled):
                self.add(pod_monitor(self, POSTGRES.suffix, cluster_pods(self), watched))
                with self.when(v.operator.pooler.enabled):
                    suffix = POSTGRES_POOLER.suffix
                    self.add(pod_monitor(self, suffix, pooler_pods(self), watched), name=suffix)

    def _add_alias(self, v: PostgresValues) -> None:
        port = {"name": POSTGRES.port_name, "port": POSTGRES.port}
        self.add(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": self.metadata(self.name(POSTGRES.suffix)),
                "spec": {"type": "ExternalName", "externalName": v.external.host, "ports": [port]},
            },
            name=f"{self.file_stem}-external",
        )

    def _enabled(self, consumer: DatabaseConsumer) -> AbstractContextManager[object]:
        return nullcontext() if consumer.enabled is None else self.when(consumer.enabled)


_QUERY = """\
consumer() {
  PGUSER="$3" PGPASSWORD="$4" psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --command='SELECT 1' "$2"
}
"""
