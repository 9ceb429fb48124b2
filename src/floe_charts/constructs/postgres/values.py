"""The values of PostgreSQL in its three modes."""

from __future__ import annotations

from typing import Annotated, Literal

from floe_charts.constructs.network import POSTGRES
from floe_charts.constructs.postgres.operator_values import OperatorValues
from floe_charts.constructs.postgres.types import (
    ClaimSize,
    CronSchedule,
    HostName,
    OptionalName,
    ParameterName,
    ParameterText,
    SmallResources,
)
from floe_charts.constructs.service_values import ServiceValues
from floe_charts.helm import AccountPodValues, ExtraEnv, Field, Image, Resources, Values, VolumeSource, Without

__all__ = [
    "UNKNOWN_HOST",
    "DumpValues",
    "ExternalTls",
    "ExternalValues",
    "PostgresValues",
    "StatefulSetValues",
    "StorageValues",
]

UNKNOWN_HOST = "postgresql.invalid"
"""The host where nobody said which; a name that exists nowhere."""


class StorageValues(Values):
    """The volume of each PostgreSQL server."""

    size: ClaimSize = Field("10Gi", description="Size; fixed once it exists, in mode operator it can grow.")
    storage_class: OptionalName = Field("", description="StorageClass; empty: the cluster's default.")
    when_deleted: Literal["Retain", "Delete"] = Field(
        "Retain", description="Whether the data outlives an uninstalled release."
    )


class DumpStorage(Values):
    """The volume of the dumps."""

    size: ClaimSize = Field("10Gi", description="Size; it may grow where the StorageClass lets it.")
    storage_class: OptionalName = Field("", description="StorageClass, fixed once it exists; empty: the default.")


class DumpValues(Values):
    """Dumps of every database to a volume, by a CronJob."""

    enabled: bool = Field(False, description="Whether databases are dumped.")
    schedule: CronSchedule = Field("30 2 * * *", description="When: minute, hour, day, month, day of the week.")
    retention_days: int = Field(7, ge=1, le=3650, description="Days that a dump is kept.")
    deadline_seconds: int = Field(3600, ge=60, le=86400, description="Seconds after which a run is given up.")
    storage: DumpStorage = DumpStorage()
    resources: SmallResources = Field(SmallResources(), description="CPU and memory of a run.")


class StatefulSetValues(AccountPodValues):
    """What only mode statefulset reads; the image is also that of the test pod in mode external."""

    image: Image = Field(
        Image(repository="library/postgres", tag="17.9-bookworm"),
        description="Debian variant of the official image, 15 or newer; another major version cannot read the data.",
    )
    superuser_secret: OptionalName = Field(
        "", description="Secret with the password (key password) of role postgres; empty: no login over the network."
    )
    backup: DumpValues = DumpValues()
    extra_env: Annotated[ExtraEnv, Without("PGDATA")] = Field({}, description="Further environment variables, by name.")
    termination_grace_period_seconds: int = Field(
        120, ge=0, le=3600, description="Seconds that the server has to write a checkpoint and end."
    )


class ExternalTls(Values):
    """How clients protect their connections."""

    mode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = Field(
        "require", description="As in libpq: verify-ca and verify-full hold the server's certificate against ca."
    )
    ca: VolumeSource | None = Field(
        None, description="Volume with the certificate of the server's authority as ca.crt: configMap, secret or csi."
    )


class ExternalValues(Values):
    """What only mode external reads."""

    host: HostName = Field(
        UNKNOWN_HOST,
        description=f"DNS name of a server on port {POSTGRES.port} with the databases and roles; to be set.",
    )
    tls: ExternalTls = ExternalTls()


class PostgresValues(Values):
    """PostgreSQL, the database of the other parts."""

    mode: Literal["statefulset", "operator", "external"] = Field(
        "statefulset", description="One server made here, a CloudNativePG cluster, or a server elsewhere."
    )
    storage: StorageValues = Field(StorageValues(), description="Volume of each server; not in mode external.")
    resources: Resources = Field(Resources(), description="CPU and memory of each server; not in mode external.")
    parameters: dict[ParameterName, ParameterText] = Field(
        {"max_connections": "200", "log_lock_waits": "on"},
        description="Settings as in postgresql.conf, less those that the platform makes; not in mode external.",
    )
    service: ServiceValues = Field(ServiceValues(), description="The Service; not in mode external.")
    statefulset: StatefulSetValues = Field(
        StatefulSetValues(), description="What only mode statefulset reads; its image also tests mode external."
    )
    operator: OperatorValues = Field(OperatorValues(), description="What only mode operator reads.")
    external: ExternalValues = Field(ExternalValues(), description="What only mode external reads.")
