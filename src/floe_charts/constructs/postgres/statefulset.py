"""What mode statefulset makes: one server whose init container makes data directory, roles and databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from floe_charts.constructs.network import POSTGRES
from floe_charts.constructs.postgres.database import PASSWORD_KEY, USERNAME_KEY, DatabaseConsumer
from floe_charts.constructs.postgres.script import HBA_FILE, SCRIPT_FILE
from floe_charts.constructs.postgres.values import PostgresValues
from floe_charts.helm import (
    Part,
    Template,
    each,
    exec_probe,
    nonempty,
    pod_security,
    restricted_security,
    secret_key,
    when,
)

__all__ = ["CONFIG", "DUMPS", "UID", "consumer_env", "stateful_set"]

UID = 999
"""The user postgres of the official image's Debian variants."""
CONFIG = "/etc/floe-postgres"
"""Where the scripts are mounted."""
DUMPS = "/var/lib/dumps"
"""Where the dumps are mounted."""
_DATA = "/var/lib/postgresql/data"
_SOCKET = "/var/run/postgresql"
_MOUNTS = {"config": CONFIG, "data": _DATA, "socket": _SOCKET, "tmp": "/tmp"}


def stateful_set(
    server: Part, v: PostgresValues, consumers: Sequence[DatabaseConsumer], headless: str, config: Template, dumps: str
) -> dict[str, Any]:
    """The StatefulSet of the part ``server``.

    ``config`` is the ConfigMap with its scripts. ``dumps`` is the claim of the dumps, which the server only reads: most
    StorageClasses make a volume once a pod wants it, and ``helm --wait`` and Argo CD would wait for the first dump.
    """
    storage, dumped = v.storage, v.statefulset.backup.enabled
    return server.stateful_set(
        service=headless,
        replicas=1,
        containers=[_server(server, v)],
        init_containers=[_prepare(server, v, consumers)],
        volumes=[
            {"name": "config", "configMap": {"name": server.name}},
            *({"name": name, "emptyDir": {"medium": "Memory"}} for name in ("socket", "shm")),
            {"name": "tmp", "emptyDir": {}},
            when(dumped, {"name": "dumps", "persistentVolumeClaim": {"claimName": dumps}}),
        ],
        volume_claims=[
            {
                "metadata": {"name": "data", "labels": server.selector},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": storage.size}},
                    "storageClassName": when(nonempty(storage.storage_class), storage.storage_class),
                },
            }
        ],
        claim_retention={"whenDeleted": storage.when_deleted, "whenScaled": "Retain"},
        checksums={"config": config},
        pod_security=pod_security(uid=UID, fs_group=UID),
        pod={"enableServiceLinks": False},
        values=v.statefulset,
    )


def _server(server: Part, v: PostgresValues) -> dict[str, Any]:
    ready = ["pg_isready", "--quiet", "--host=127.0.0.1", f"--port={POSTGRES.port}", "--username=postgres"]
    made = server.container(
        v.statefulset.image,
        values=v.statefulset,
        # Not the image's entry point: the init container has done its work.
        command=["postgres"],
        args=[
            *each(v.parameters, lambda name, text: f"--{name}={text}"),
            "--listen_addresses=*",
            f"--unix_socket_directories={_SOCKET}",
            f"--hba_file={CONFIG}/{HBA_FILE}",
            f"--port={POSTGRES.port}",
        ],
        env={"PGDATA": f"{_DATA}/pgdata"},
        resources=v.resources,
        security=restricted_security(uid=UID),
        mounts={**_MOUNTS, "shm": "/dev/shm"},
        startupProbe=exec_probe(ready, period=5, failures=120),
        livenessProbe=exec_probe(ready, failures=6),
        readinessProbe=exec_probe(ready),
    )
    dumps = when(v.statefulset.backup.enabled, {"name": "dumps", "mountPath": DUMPS, "readOnly": True})
    return {**made, "volumeMounts": [*made["volumeMounts"], dumps]}


def _prepare(server: Part, v: PostgresValues, consumers: Sequence[DatabaseConsumer]) -> dict[str, Any]:
    superuser = v.statefulset.superuser_secret
    made = server.component.container(
        "prepare",
        v.statefulset.image,
        command=["sh", f"{CONFIG}/{SCRIPT_FILE}"],
        env={
            "PGDATA": f"{_DATA}/pgdata",
            "PGHOST": _SOCKET,
            "PGPORT": str(POSTGRES.port),
            **when(nonempty(superuser), {"SUPERUSER_PASSWORD": secret_key(superuser, PASSWORD_KEY)}),
            **consumer_env(consumers),
        },
        resources=v.resources,
        security=restricted_security(uid=UID),
        mounts=_MOUNTS,
    )
    return made


def consumer_env(consumers: Sequence[DatabaseConsumer]) -> dict[str, Any]:
    """User and password of each consumer that is switched on, as variables that begin with its ``env_prefix``."""
    keys = {"USERNAME": USERNAME_KEY, "PASSWORD": PASSWORD_KEY}
    env: dict[str, Any] = {}
    for consumer in consumers:
        for end, key in keys.items():
            value = secret_key(consumer.secret, key)
            env[f"{consumer.env_prefix}_{end}"] = value if consumer.enabled is None else when(consumer.enabled, value)
    return env
