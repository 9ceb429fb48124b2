"""How the pods of Dagster connect to PostgreSQL, and the container that waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from floe_charts.constructs.dagster.wiring import PG_PASSWORD, PG_USERNAME
from floe_charts.constructs.network import POSTGRES
from floe_charts.constructs.pod_values import InitResources
from floe_charts.constructs.postgres.client import PostgresClient, postgres_client
from floe_charts.constructs.postgres.database import PASSWORD_KEY, USERNAME_KEY
from floe_charts.helm import Component, Image, restricted_security, secret_key

__all__ = ["DagsterDatabase"]

# psql asks for the database itself: the server answers before it has made that and its role.
_WAIT = """\
trap 'exit 143' INT TERM
until pg_isready --quiet --timeout=5; do
  echo "Waiting for PostgreSQL at $PGHOST:$PGPORT."
  sleep 3
done
until psql --no-psqlrc --quiet --tuples-only --output=/dev/null --command='SELECT 1'; do
  echo "Waiting for the database $PGDATABASE."
  sleep 3
done
"""


@dataclass(frozen=True)
class DagsterDatabase:
    """The database of Dagster: its ``name``, and the ``secret`` with user and password; all may be expressions.

    The ``host`` is that of the platform's PostgreSQL where none is named.
    """

    component: Component[Any]
    name: str
    secret: str
    host: str = ""
    port: int = POSTGRES.port

    @property
    def client(self) -> PostgresClient:
        """What a connection needs beside user and password."""
        return postgres_client(self.component.chart)

    @property
    def _host(self) -> str:
        # An expression cannot be asked whether it is empty.
        return self.client.host if self.host is DagsterDatabase.host else self.host

    @property
    def env(self) -> dict[str, Any]:
        """The environment variables of a process that opens the instance."""
        return {
            PG_USERNAME: secret_key(self.secret, USERNAME_KEY),
            PG_PASSWORD: secret_key(self.secret, PASSWORD_KEY),
        }

    @property
    def volumes(self) -> list[Any]:
        """The volumes of a pod with such a process."""
        return list(self.client.volumes)

    @property
    def mounts(self) -> Mapping[str, Any]:
        """What such a process mounts."""
        return self.client.mounts

    def storage(self) -> dict[str, Any]:
        """``storage`` of dagster.yaml: runs, events and schedules in PostgreSQL.

        Dagster takes user and password from the process's own environment. Encryption is not said by libpq's variables,
        which the code of the data products would see too. The scheme names the driver that the images have, for
        SQLAlchemy 2.1 takes another one by default.
        """
        connection = {
            "hostname": self._host,
            "port": self.port,
            "db_name": self.name,
            "username": {"env": PG_USERNAME},
            "password": {"env": PG_PASSWORD},
            "params": {"sslmode": self.client.ssl_mode, "sslrootcert": self.client.env.get("PGSSLROOTCERT")},
            "scheme": "postgresql+psycopg2",
        }
        return {"postgres": {"postgres_db": connection}}

    def wait_container(
        self, image: Image | str, *, uid: int, resources: InitResources | Mapping[str, Any]
    ) -> dict[str, Any]:
        """An init container of an image with PostgreSQL's client programs, which ends when the database can be used."""
        return self.component.container(
            "wait-for-database",
            image,
            command=["sh", "-c", _WAIT],
            env={
                "PGHOST": self._host,
                "PGPORT": f"{self.port}",
                "PGDATABASE": self.name,
                "PGUSER": secret_key(self.secret, USERNAME_KEY),
                "PGPASSWORD": secret_key(self.secret, PASSWORD_KEY),
                "PGCONNECT_TIMEOUT": "5",
                **self.client.env,
            },
            resources=resources,
            security=restricted_security(uid=uid),
            mounts=self.mounts,
        )
