"""PostgreSQL: a StatefulSet, a CloudNativePG cluster, or a server elsewhere, behind one Service name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

from floe_charts.constructs.database import PASSWORD_KEY, USERNAME_KEY, DatabaseConsumer, check_consumers
from floe_charts.constructs.network import POSTGRES, Endpoint
from floe_charts.constructs.part import PlatformPart, RequiredSecret, SecretKey
from floe_charts.constructs.postgres_script import HBA, HBA_FILE, SCRIPT_FILE, prepare_script
from floe_charts.constructs.postgres_values import PostgresValues, StorageValues
from floe_charts.deployment import Environment
from floe_charts.helm import (
    HelmChart,
    Part,
    Template,
    env_list,
    eq,
    exec_probe,
    nonempty,
    pod_security,
    restricted_security,
    secret_key,
    when,
)

__all__ = ["DatabaseConsumer", "PostgresCluster", "PostgresValues"]

# The user postgres of the official image's Debian variants.
_UID = 999
_CONFIG = "/etc/floe-postgres"
_DATA = "/var/lib/postgresql/data"
_SOCKET = "/var/run/postgresql"


class PostgresCluster(PlatformPart[PostgresValues]):
    """The platform's PostgreSQL; in every mode the Service ``<fullname>-postgres`` leads to it on port 5432.

    - ``statefulset``: one server. An init container makes data directory, roles and databases before every start (see
      :mod:`floe_charts.constructs.postgres_script`). A consumer that comes later changes the pod template, and the
      restart makes its database; a password changed in a Secret takes effect after ``kubectl rollout restart``. No Helm
      hook takes part, so ``helm install --wait`` and GitOps controllers see nothing special.
    - ``operator``: a CloudNativePG ``Cluster`` with managed roles, and a ``Database`` per consumer; the operator keeps
      both up to date. The database ``app`` that it makes at bootstrap stays unused: making a consumer's there would tie
      the bootstrap, which runs once, to the list of consumers.
    - ``external``: an ExternalName Service; databases and roles are the business of the server's administrator. Clients
      that verify host names compare the server's certificate with the Service's name.
    """

    title: ClassVar[str] = "PostgreSQL"

    def __init__(
        self,
        chart: HelmChart,
        id: str = "postgres",
        *,
        consumers: Sequence[DatabaseConsumer],
        values: PostgresValues | None = None,
    ) -> None:
        """``consumers`` get one database and one role each; raises DeclarationError where two share a name."""
        super().__init__(chart, id, values)
        self.consumers = check_consumers(consumers)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The server's port."""
        return (POSTGRES,)

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The Secret of each consumer, and the superuser's where the defaults name one."""
        found = [consumer.required_secret for consumer in self.consumers]
        superuser = self.values.statefulset.superuser_secret
        if superuser:
            condition = f"{self.id}.mode is statefulset"
            keys = (SecretKey(PASSWORD_KEY, random=32),)
            purpose = "superuser of PostgreSQL"
            found.append(RequiredSecret("postgresSuperuser", superuser, keys, purpose, condition=condition))
        return tuple(found)

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """The environment's mode; a primary and two replicas where the operator provides high availability."""
        if environment.postgres == "operator" and environment.high_availability:
            return {"mode": "operator", "operator": {"instances": 3}}
        return {"mode": environment.postgres}

    def build(self, v: PostgresValues) -> None:
        """The objects of the three modes, each guarded by its mode."""
        with self.when(eq(v.mode, "statefulset")):
            self._stateful_set(v)
        with self.when(eq(v.mode, "operator")):
            self._operator(v)
        with self.when(eq(v.mode, "external")):
            self._external(v)

    # StatefulSet

    def _stateful_set(self, v: PostgresValues) -> None:
        server = self.part(POSTGRES.suffix, ports={POSTGRES.port_name: POSTGRES.port})
        headless = f"{server.name}-headless"
        script = self.add(
            self.config_map(
                server.name,
                {
                    SCRIPT_FILE: prepare_script(self.consumers),
                    HBA_FILE: HBA,
                },
            )
        )
        self.add(server.service())
        self.add(server.service(headless=True, name=headless), name=f"{self.file_stem}-headless")
        self.add(self._stateful_set_manifest(v, server, headless, script))

    def _stateful_set_manifest(
        self, v: PostgresValues, server: Part, headless: str, script: Template
    ) -> dict[str, Any]:
        return server.stateful_set(
            service=headless,
            containers=[self._server_container(v)],
            init_containers=[self._prepare_container(v)],
            volumes=[
                {"name": "config", "configMap": {"name": server.name}},
                *({"name": name, "emptyDir": {"medium": "Memory"}} for name in ("socket", "shm")),
                {"name": "tmp", "emptyDir": {}},
            ],
            volume_claims=[
                {
                    "metadata": {"name": "data", "labels": server.selector},
                    "spec": {
                        "accessModes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": v.storage.size}},
                        "storageClassName": _storage_class(v.storage),
                    },
                }
            ],
            checksums={"config": script},
            pod_security=pod_security(uid=_UID, fs_group=_UID),
            pod={
                "enableServiceLinks": False,
                "nodeSelector": v.node_selector,
                # A fast shutdown writes a checkpoint.
                "terminationGracePeriodSeconds": 120,
                "tolerations": v.tolerations,
            },
        )

    def _server_container(self, v: PostgresValues) -> dict[str, Any]:
        ready = ["pg_isready", "--quiet", "--host=127.0.0.1", f"--port={POSTGRES.port}", "--username=postgres"]
        return self.container(
            POSTGRES.suffix,
            v.statefulset.image,
            # Not the image's entry point: the init container has done its work.
            command=["postgres"],
            args=[
                "-c",
                "listen_addresses=*",
                "-c",
                f"unix_socket_directories={_SOCKET}",
                "-c",
                f"hba_file={_CONFIG}/{HBA_FILE}",
                "-c",
                f"port={POSTGRES.port}",
            ],
            ports={POSTGRES.port_name: POSTGRES.port},
            env={"PGDATA": f"{_DATA}/pgdata"},
            resources=v.resources,
            security=restricted_security(uid=_UID),
            mounts={**_MOUNTS, "shm": "/dev/shm"},
            startupProbe=exec_probe(ready, period=5, failures=120),
            livenessProbe=exec_probe(ready, failures=6),
            readinessProbe=exec_probe(ready),
        )

    def _prepare_container(self, v: PostgresValues) -> dict[str, Any]:
        made = self.container(
            "prepare",
            v.statefulset.image,
            command=["sh", f"{_CONFIG}/{SCRIPT_FILE}"],
            env={"PGDATA": f"{_DATA}/pgdata", "PGHOST": _SOCKET, "PGPORT": str(POSTGRES.port)},
            resources=v.resources,
            security=restricted_security(uid=_UID),
            mounts=_MOUNTS,
        )
        superuser = v.statefulset.superuser_secret
        made["env"] += [
            *when(nonempty(superuser), env_list({"SUPERUSER_PASSWORD": secret_key(superuser, PASSWORD_KEY)})),
            *(entry for consumer in self.consumers for entry in _credentials(consumer)),
        ]
        return made

    # CloudNativePG

    def _operator(self, v: PostgresValues) -> None:
        name = self.name(POSTGRES.suffix)
        self.add(
            {
                "apiVersion": "postgresql.cnpg.io/v1",
                "kind": "Cluster",
                "metadata": self.metadata(name),
                "spec": {
                    "instances": v.operator.instances,
                    "imageName": self.image(v.operator.image),
                    "enableSuperuserAccess": False,
                    "storage": {"size": v.storage.size, "storageClass": _storage_class(v.storage)},
                    "resources": v.resources,
                    "affinity": {"nodeSelector": v.node_selector, "tolerations": v.tolerations},
                    "managed": {
                        "roles": [_managed_role(consumer) for consumer in self.consumers],
                        # Beside the operator's own Services, the name that the other parts know.
                        "services": {
                            "additional": [{"selectorType": "rw", "serviceTemplate": {"metadata": {"name": name}}}]
                        },
                    },
                },
            }
        )
        for consumer in self.consumers:
            with _enabled(self, consumer):
                self.add(self._database(name, consumer), name=f"{self.file_stem}-{consumer.name}")

    def _database(self, cluster: str, consumer: DatabaseConsumer) -> dict[str, Any]:
        return {
            "apiVersion": "postgresql.cnpg.io/v1",
            "kind": "Database",
            "metadata": self.metadata(self.name(f"{POSTGRES.suffix}-{consumer.name}")),
            "spec": {
                "cluster": {"name": cluster},
                "name": consumer.database,
                "owner": consumer.role,
                "ensure": "present",
                # Uninstalling the chart leaves the data.
                "databaseReclaimPolicy": "retain",
            },
        }

    # A server elsewhere

    def _external(self, v: PostgresValues) -> None:
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


_MOUNTS = {"config": _CONFIG, "data": _DATA, "socket": _SOCKET, "tmp": "/tmp"}


def _storage_class(storage: StorageValues) -> Any:
    return when(nonempty(storage.storage_class), storage.storage_class)


def _credentials(consumer: DatabaseConsumer) -> Iterator[Any]:
    keys = {"USERNAME": USERNAME_KEY, "PASSWORD": PASSWORD_KEY}
    entries = env_list({f"{consumer.env_prefix}_{end}": secret_key(consumer.secret, key) for end, key in keys.items()})
    yield from entries if consumer.enabled is None else when(consumer.enabled, entries)


def _managed_role(consumer: DatabaseConsumer) -> Any:
    role = {
        "name": consumer.role,
        "ensure": "present",
        "login": True,
        "superuser": False,
        "passwordSecret": {"name": consumer.secret},
    }
    return role if consumer.enabled is None else when(consumer.enabled, role)


def _enabled(part: PostgresCluster, consumer: DatabaseConsumer) -> AbstractContextManager[object]:
    return nullcontext() if consumer.enabled is None else part.when(consumer.enabled)
