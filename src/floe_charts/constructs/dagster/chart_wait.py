"""The container in which the official chart's pods wait for Dagster's database.

The chart's own one asks for the server only, which answers before it has made the database and its role.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from floe_charts.constructs.dagster.chart import DagsterPostgres
from floe_charts.constructs.pod_values import EnvFrom, InitContainer, SourceRef, env_vars, mount, secret_env
from floe_charts.constructs.postgres.client import PostgresClient, client_config_map
from floe_charts.constructs.postgres.wait import WAIT_NAME, WAIT_SCRIPT, wait_variables
from floe_charts.helm import HelmChart

__all__ = ["PASSWORD_KEY", "wait_container"]

PASSWORD_KEY = "postgresql-password"
"""The one key of the database's Secret that the chart reads."""


def wait_container(
    chart: HelmChart, server: Mapping[str, Any], secret: str, values: Mapping[str, Any]
) -> InitContainer:
    """The container, as literals: ``server`` are the official chart's values ``postgresql``, ``values`` all of ours.

    Its image is the one that the chart itself would wait with. What differs between environments is read from the
    ConfigMap of PostgreSQL's clients, where there is one.
    """
    client, settings = PostgresClient.from_values(chart, values), client_config_map(chart)
    variables = wait_variables(client, server["postgresqlDatabase"])
    if settings is not None:
        variables = {name: text for name, text in variables.items() if name not in ("PGHOST", *client.env)}
    own = {"PGPORT": f"{server['service']['port']}", "PGUSER": server["postgresqlUsername"]}
    return InitContainer(
        name=WAIT_NAME,
        image=_image(server["image"], values),
        image_pull_policy=server["image"]["pullPolicy"],
        command=["sh", "-c", WAIT_SCRIPT],
        env=[*env_vars({**variables, **own}), secret_env("PGPASSWORD", secret, PASSWORD_KEY)],
        env_from=[EnvFrom(config_map_ref=SourceRef(name=settings))] if settings is not None else [],
        volume_mounts=[mount(name, path, read_only=True) for name, path in client.mounts.items()],
    )


def _image(image: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """The image's name; ``imageRegistry`` takes the place of the registry that nobody named."""
    registry = image["registry"]
    if registry == DagsterPostgres().image.registry:
        registry = values.get("imageRegistry") or registry
    return f"{registry}/{image['repository']}:{image['tag']}"
