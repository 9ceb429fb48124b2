"""Backups of a CloudNativePG cluster: the custom resources of its plugin Barman Cloud (0.14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from floe_charts.constructs.network import POSTGRES
from floe_charts.constructs.object_store import ACCESS_KEY, SECRET_KEY, ObjectStore, ObjectStoreValues
from floe_charts.constructs.postgres.operator_values import ArchiveValues
from floe_charts.constructs.postgres.values import PostgresValues, StorageValues
from floe_charts.helm import Component, HelmChart, default, env_list, eq, ne, nonempty, present, ternary, when

__all__ = ["Archive", "archive_of", "kept", "object_store", "plugin", "scheduled_backup"]

_PLUGIN = "barman-cloud.cloudnative-pg.io"


@dataclass(frozen=True)
class Archive:
    """Where backups go, as expressions: what the part's own values say, else what the platform's object store says."""

    endpoint: str | None
    region: str | None
    has_secret: bool
    secret: str


def archive_of(chart: HelmChart, v: ArchiveValues) -> Archive:
    """Where the backups of ``chart`` go; to be asked once all its parts exist."""
    found: ObjectStore | None = chart.component(ObjectStore)
    credentials = v.credentials
    if found is None:
        return Archive(v.endpoint, v.region, ne(credentials, "identity"), v.secret_name)
    store: ObjectStoreValues = found.refs
    return Archive(
        default(v.endpoint, store.endpoint),
        default(v.region, store.region),
        eq(default(credentials, store.credentials), "secret"),
        ternary(present(credentials), v.secret_name, store.secret_name),
    )


def kept(storage: StorageValues) -> dict[str, Any]:
    """The annotation of what Helm leaves when the release is uninstalled, where the data shall outlive it."""
    return {"helm.sh/resource-policy": when(eq(storage.when_deleted, "Retain"), "keep")}


def plugin(v: ArchiveValues, name: str) -> Mapping[str, Any]:
    """The plugin as the Cluster ``name`` uses it: it archives the write-ahead log."""
    return {
        "name": _PLUGIN,
        "isWALArchiver": True,
        "parameters": {"barmanObjectName": name, "serverName": when(present(v.server_name), v.server_name)},
    }


def object_store(part: Component[PostgresValues], archive: Archive) -> dict[str, Any]:
    """The ObjectStore of the plugin; it stays with a Cluster that stays."""
    v, name = part.refs.operator.backup, part.name(POSTGRES.suffix)
    keys = {"accessKeyId": ACCESS_KEY, "secretAccessKey": SECRET_KEY}
    compression = when(ne(v.compression, "none"), {"compression": v.compression})
    environment = {
        # The plugin takes a region from a Secret only; its client reads this variable.
        "AWS_DEFAULT_REGION": archive.region,
        # Stores that are not AWS's can refuse the checksums that the client adds by itself.
        **when(
            nonempty(archive.endpoint),
            {"AWS_REQUEST_CHECKSUM_CALCULATION": "when_required", "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required"},
        ),
    }
    return {
        "apiVersion": "barmancloud.cnpg.io/v1",
        "kind": "ObjectStore",
        "metadata": part.metadata(name, POSTGRES.suffix, annotations=kept(part.refs.storage)),
        "spec": {
            "retentionPolicy": v.retention,
            "configuration": {
                "destinationPath": v.destination_path,
                "endpointURL": when(nonempty(archive.endpoint), archive.endpoint),
                "s3Credentials": when(
                    archive.has_secret,
                    {field: {"name": archive.secret, "key": key} for field, key in keys.items()},
                    {"inheritFromIAMRole": True},
                ),
                "wal": compression,
                "data": compression,
            },
            "instanceSidecarConfiguration": {"env": env_list(environment), "resources": v.resources},
        },
    }


def scheduled_backup(part: Component[PostgresValues]) -> dict[str, Any]:
    """The ScheduledBackup: one at once, then by the schedule."""
    name = part.name(POSTGRES.suffix)
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "ScheduledBackup",
        "metadata": part.metadata(name, POSTGRES.suffix),
        "spec": {
            "cluster": {"name": name},
            "schedule": part.refs.operator.backup.schedule,
            "immediate": True,
            "backupOwnerReference": "self",
            "method": "plugin",
            "pluginConfiguration": {"name": _PLUGIN},
        },
    }
