r"""Dumps of mode statefulset: a CronJob that writes every database to a volume, and the script that it runs.

Each consumer's database is dumped as its owner, in pg_dump's custom format, which ``pg_restore`` reads: the server sees
them too. A dump has its name only once it is complete, and old ones go only after all new ones are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from floe_charts.constructs.network import POSTGRES
from floe_charts.constructs.postgres.database import DatabaseConsumer
from floe_charts.constructs.postgres.script import consumer_calls
from floe_charts.constructs.postgres.statefulset import CONFIG, DUMPS, UID, consumer_env
from floe_charts.constructs.postgres.values import PostgresValues
from floe_charts.helm import Part, eq, nonempty, pod_security, restricted_security, when

__all__ = ["DUMP_FILE", "DUMP_WORKLOAD", "dump_claim", "dump_job", "dump_script"]

DUMP_WORKLOAD = "pg-backup"
"""The pods of the CronJob; short, as a CronJob's name ends at 52 characters."""
DUMP_FILE = "dump.sh"

_HEAD = r"""#!/bin/sh
# Dumps every database to $DUMPS, then removes dumps that are older than $RETENTION_DAYS days.
set -eu
umask 077
trap 'exit 143' INT TERM
export PGCONNECT_TIMEOUT=10
# Left by a run that was ended; no other runs at the same time.
rm -f "$DUMPS"/*.part

# consumer ROLE DATABASE USERNAME PASSWORD
consumer() {
  file="$DUMPS/$2-$(date -u +%Y%m%dT%H%M%SZ).dump"
  PGUSER="$3" PGPASSWORD="$4" pg_dump --format=custom --no-password --file="$file.part" "$2"
  sync "$file.part"
  mv "$file.part" "$file"
  echo "$file: $(wc -c < "$file") bytes"
}

"""
_TAIL = r"""
find "$DUMPS" -maxdepth 1 -name '*.dump' -mtime "+$((RETENTION_DAYS - 1))" -print -delete
"""


def dump_script(consumers: Sequence[DatabaseConsumer]) -> str:
    """The script for the given consumers; their credentials are in the environment under ``env_prefix``."""
    return _HEAD + consumer_calls(consumers) + _TAIL


def dump_claim(part: Part, v: PostgresValues) -> dict[str, Any]:
    """The volume of the dumps."""
    storage = v.statefulset.backup.storage
    keep = when(eq(v.storage.when_deleted, "Retain"), "keep")
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": part.metadata(annotations={"helm.sh/resource-policy": keep}),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": storage.size}},
            "storageClassName": when(nonempty(storage.storage_class), storage.storage_class),
        },
    }


def dump_job(part: Part, v: PostgresValues, consumers: Sequence[DatabaseConsumer], account: str) -> dict[str, Any]:
    """The CronJob; its pods run as the ServiceAccount ``account``, with the script in the part's ConfigMap."""
    stateful, backup = v.statefulset, v.statefulset.backup
    server = {"matchLabels": part.component.selector(POSTGRES.workload)}
    # Both have the volume, which one node can have at a time.
    beside = [{"labelSelector": server, "topologyKey": "kubernetes.io/hostname"}]
    container = part.component.container(
        "dump",
        stateful.image,
        command=["sh", f"{CONFIG}/{DUMP_FILE}"],
        env={
            "DUMPS": DUMPS,
            "RETENTION_DAYS": f"{backup.retention_days}",
            "PGHOST": POSTGRES.host(part.component.chart),
            "PGPORT": str(POSTGRES.port),
            **consumer_env(consumers),
        },
        resources=backup.resources,
        security=restricted_security(uid=UID),
        mounts={"config": CONFIG, "data": DUMPS, "tmp": "/tmp"},
    )
    pod = part.pod(
        [container],
        volumes=[
            {"name": "config", "configMap": {"name": part.name}},
            {"name": "data", "persistentVolumeClaim": {"claimName": part.name}},
            {"name": "tmp", "emptyDir": {}},
        ],
        security=pod_security(uid=UID, fs_group=UID),
        service_account=account,
        pod={
            "enableServiceLinks": False,
            "nodeSelector": stateful.node_selector,
            "affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": beside}},
            "priorityClassName": stateful.priority_class_name,
            "restartPolicy": "Never",
            "tolerations": stateful.tolerations,
        },
    )
    job = part.job_spec(pod, deadline=backup.deadline_seconds, backoff_limit=2, ttl=_A_WEEK)
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": part.metadata(),
        "spec": {
            "schedule": backup.schedule,
            "concurrencyPolicy": "Forbid",
            # A run that could not begin within an hour waits for the next time.
            "startingDeadlineSeconds": 3600,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {"spec": job},
        },
    }


_A_WEEK = 604800
