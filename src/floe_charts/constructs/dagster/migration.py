"""The Job that brings the schema of Dagster's database up to date, in both strategies."""

from __future__ import annotations

from typing import Any

from floe_charts.constructs.dagster.database import DagsterDatabase
from floe_charts.constructs.dagster.values import MigrationValues
from floe_charts.constructs.dagster.wiring import DAGSTER_HOME, MIGRATION
from floe_charts.helm import Image, pod_security, restricted_security, yaml_text

__all__ = ["add_migration"]


def add_migration(
    v: MigrationValues, database: DagsterDatabase, *, image: Image | str, wait: dict[str, Any], uid: int
) -> None:
    """Add Job and ConfigMap to the database's component; ``wait`` is the container that waits for the database.

    The Job runs after each installation and upgrade. Before an upgrade would not do: an upgrade may be what makes the
    database, and Argo CD runs such a hook before the first installation, too. Until it ends Dagster works with the old
    schema. On a schema that is up to date, and on the one that Dagster makes in an empty database when it starts, it
    changes nothing. The official chart's own Job is no hook, and its second version would be refused.
    """
    component = database.component
    part = component.part(MIGRATION)
    # With a run launcher the command would ask for a token of the API server.
    instance = {"storage": database.storage(), "telemetry": {"enabled": False}}
    container = part.container(
        image,
        command=["dagster", "instance", "migrate"],
        env={"DAGSTER_HOME": DAGSTER_HOME, "HOME": "/tmp", **database.env},
        resources=v.resources,
        security=restricted_security(uid=uid),
        mounts={"config": DAGSTER_HOME, "tmp": "/tmp", **database.mounts},
        values=v,
    )
    with component.when(v.enabled):
        component.add(component.config_map(part.name, {"dagster.yaml": yaml_text(instance)}, MIGRATION), name=MIGRATION)
        component.add(
            part.job(
                [container],
                hook="post-install,post-upgrade",
                deadline=v.deadline_seconds,
                backoff_limit=6,
                init_containers=[wait],
                volumes=[
                    {"name": "config", "configMap": {"name": part.name}},
                    {"name": "tmp", "emptyDir": {}},
                    *database.volumes,
                ],
                security=pod_security(uid=uid),
                pod={"enableServiceLinks": False},
                values=v,
            ),
            name=MIGRATION,
        )
