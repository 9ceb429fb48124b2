"""The init container that waits until PostgreSQL lets a role into its database."""

from __future__ import annotations

from typing import Any

from floe_charts.constructs.network import POSTGRES
from floe_charts.constructs.postgres.client import PostgresClient
from floe_charts.helm import Component, Image, restricted_security, secret_key

__all__ = ["CLIENT_IMAGE", "WAIT_NAME", "WAIT_SCRIPT", "WAIT_UID", "wait_for_database", "wait_variables"]

CLIENT_IMAGE = Image(repository="library/postgres", tag="17.9-bookworm")
"""An image with PostgreSQL's client programs."""
WAIT_NAME = "wait-for-database"
WAIT_UID = 999
"""The user postgres of the official image's Debian variants."""
WAIT_SCRIPT = (
    # psql asks for the database itself: the server answers before it has made that and its role.
    "trap 'exit 143' INT TERM; until pg_isready -q -t 5 && psql -Xqt -o /dev/null -c 'SELECT 1'; "
    "do echo Waiting for the database $PGDATABASE at $PGHOST.; sleep 3; done"
)
"""On one line, as it also stands among the values of dependencies."""
_RESOURCES = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}}


def wait_variables(client: PostgresClient, database: str) -> dict[str, Any]:
    """The variables of the script, less user and password."""
    return {
        "PGHOST": client.host,
        "PGPORT": str(POSTGRES.port),
        "PGDATABASE": database,
        "PGCONNECT_TIMEOUT": "5",
        **client.env,
    }


def wait_for_database(
    component: Component[Any],
    image: Image,
    client: PostgresClient,
    *,
    database: str,
    secret: str,
    username_key: str,
    password_key: str,
) -> dict[str, Any]:
    """The container; its pod needs the volumes of ``client``."""
    return component.container(
        WAIT_NAME,
        image,
        command=["sh", "-c", WAIT_SCRIPT],
        env={
            **wait_variables(client, database),
            "PGUSER": secret_key(secret, username_key),
            "PGPASSWORD": secret_key(secret, password_key),
        },
        resources=_RESOURCES,
        security=restricted_security(uid=WAIT_UID),
        mounts=client.mounts,
    )
