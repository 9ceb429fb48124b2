"""The values of PostgreSQL in mode operator, a CloudNativePG cluster."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from floe_charts.constructs.postgres.types import BackupSchedule, ClaimSize, OptionalName, ParameterText, SmallResources
from floe_charts.helm import (
    Affinity,
    DnsName,
    Field,
    Image,
    KubernetesType,
    LabelKey,
    NodeSelector,
    PrintableText,
    Toleration,
    TopologySpreadConstraint,
    Values,
)
from floe_charts.helm.patterns import form
from floe_charts.helm.workload_values import ObjectAnnotationKey

__all__ = [
    "ArchiveValues",
    "OperandImage",
    "OperatorValues",
    "PoolerValues",
    "SynchronousValues",
    "WalStorage",
]

_OPERAND_TAG_PATTERN = form(
    r"^[1-9][0-9](\.[0-9]+)?(-[A-Za-z0-9_.-]+)?$",
    "a tag that begins with PostgreSQL's version, such as 17.5 or 17.5-minimal-bookworm",
)
_Annotations = dict[ObjectAnnotationKey, PrintableText]
_NodeAffinity = Annotated[dict[str, Any], KubernetesType("NodeAffinity")]
_PodAffinity = Annotated[dict[str, Any], KubernetesType("PodAffinity")]
_PodAntiAffinity = Annotated[dict[str, Any], KubernetesType("PodAntiAffinity")]
_Url = Annotated[
    str, StringConstraints(pattern=r"^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?)?$", max_length=2000)
]
_S3Path = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*/?$", "a place in S3, such as s3://backups/floe"
        ),
        max_length=1000,
    ),
]
# Those that every version of CloudNativePG lets be set and that say nothing of authentication or TLS.
_PoolParameter = Literal[
    "client_idle_timeout",
    "default_pool_size",
    "idle_transaction_timeout",
    "ignore_startup_parameters",
    "log_connections",
    "log_disconnections",
    "max_client_conn",
    "max_db_connections",
    "max_prepared_statements",
    "max_user_connections",
    "min_pool_size",
    "query_timeout",
    "query_wait_timeout",
    "reserve_pool_size",
    "reserve_pool_timeout",
    "server_idle_timeout",
    "server_lifetime",
]


class OperandImage(Image):
    """An image that CloudNativePG runs; it reads the PostgreSQL version from the tag."""

    tag: Annotated[str, StringConstraints(pattern=_OPERAND_TAG_PATTERN, max_length=128)] = Field(
        "17.9-standard-trixie", description="Tag; begins with the PostgreSQL version."
    )


class SynchronousValues(Values):
    """Replicas that must have a transaction before its client hears of its success; only with several instances."""

    enabled: bool = Field(True, description="Whether a transaction waits for replicas.")
    number: int = Field(1, ge=1, le=8, description="How many replicas it waits for; all where there are fewer.")
    method: Literal["any", "first"] = Field("any", description="Any of the replicas, or the first ones by name.")
    data_durability: Literal["required", "preferred"] = Field(
        "required", description="Whether writes stop where too few replicas are there, or go on without them."
    )


class WalStorage(Values):
    """A volume of its own for the write-ahead log of each server; once it exists it stays."""

    enabled: bool = Field(False, description="Whether there is one; off: the log is on the volume of the data.")
    size: ClaimSize = Field("10Gi", description="Size; it can grow.")
    storage_class: OptionalName = Field("", description="StorageClass; empty: the cluster's default.")


class ClusterAffinity(Values):
    """Which nodes the servers run on; CloudNativePG's own fields."""

    pod_anti_affinity_type: Literal["preferred", "required"] = Field(
        "preferred", description="Whether servers only prefer to be apart, or must."
    )
    topology_key: LabelKey = Field("kubernetes.io/hostname", description="Label of nodes by which servers are apart.")
    node_selector: NodeSelector = Field({}, description="Labels that a node must have.")
    node_affinity: _NodeAffinity = Field({}, description="Nodes that the servers prefer or need.")
    tolerations: list[Toleration] = Field([], description="Taints that the servers tolerate.")
    additional_pod_affinity: _PodAffinity = Field({}, description="Pods that the servers want to be near.")
    additional_pod_anti_affinity: _PodAntiAffinity = Field({}, description="Pods that they keep away from.")


class ClusterAccount(Values):
    """The ServiceAccount that CloudNativePG makes for the servers."""

    annotations: _Annotations = Field({}, description="Its annotations, for a cloud's workload identity.")


class ArchiveValues(Values):
    """Backups and the write-ahead log in an object store, by the plugin Barman Cloud, which must be installed."""

    enabled: bool = Field(False, description="Whether backups are made.")
    destination_path: _S3Path = Field(
        "s3://postgres-backup/", description="Bucket and path, which must exist; to be set."
    )
    server_name: DnsName | None = Field(
        None, description="Directory in the path; absent: the cluster's name. A cluster made anew needs another one."
    )
    endpoint: _Url | None = Field(
        None, description="Address of the S3 API, empty for AWS; absent: that of objectStore, where there is one."
    )
    region: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")] | None = Field(
        None, description="Region; absent: that of objectStore, where there is one."
    )
    credentials: Literal["secret", "identity"] | None = Field(
        None,
        description="Keys in a Secret, or the ServiceAccount's identity; absent: as objectStore, where there is one.",
    )
    secret_name: DnsName = Field(
        "postgres-backup",
        description="Secret with keys AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; read where credentials is secret.",
    )
    schedule: BackupSchedule = Field(
        "0 0 2 * * *", description="When: second, minute, hour, day, month, day of the week."
    )
    retention: Annotated[
        str, StringConstraints(pattern=form(r"^[1-9][0-9]{0,3}[dwm]$", "days, weeks or months, such as 30d, 4w or 3m"))
    ] = Field("30d", description="How long one can go back: days, weeks or months.")
    compression: Literal["none", "bzip2", "gzip", "lz4", "snappy"] = Field(
        "gzip", description="How backups and the log are compressed."
    )
    resources: SmallResources = Field(SmallResources(), description="CPU and memory of the plugin beside each server.")


class PoolerValues(Values):
    """A pool of connections (PgBouncer) at ``<fullname>-postgres-pooler:5432``, for clients that open many.

    The platform's parts do without: they keep pools of their own.
    """

    enabled: bool = Field(False, description="Whether there is one.")
    instances: int = Field(1, ge=1, le=20, description="Pods.")
    pool_mode: Literal["session", "transaction"] = Field(
        "session", description="When a server's connection is free again; with transaction, sessions keep no state."
    )
    parameters: dict[_PoolParameter, ParameterText] = Field(
        {"max_client_conn": "1000", "default_pool_size": "20"}, description="Settings of PgBouncer."
    )
    image: Image = Field(
        Image(registry="ghcr.io", repository="cloudnative-pg/pgbouncer", tag="1.25.1"), description="Its image."
    )
    resources: SmallResources = Field(SmallResources(), description="CPU and memory of each pod.")
    node_selector: NodeSelector = Field({}, description="Labels that a node must have.")
    affinity: Affinity = Field({}, description="Affinity of the pods; empty: they keep away from each other.")
    tolerations: list[Toleration] = Field([], description="Taints that the pods tolerate.")


class OperatorValues(Values):
    """What only mode operator reads; CloudNativePG 1.25 or newer must be installed, for backups 1.26."""

    instances: int = Field(1, ge=1, le=9, description="Servers: one primary, the others streaming replicas.")
    image: OperandImage = Field(
        OperandImage(registry="ghcr.io", repository="cloudnative-pg/postgresql"), description="Image of the servers."
    )
    synchronous: SynchronousValues = SynchronousValues()
    wal_storage: WalStorage = WalStorage()
    affinity: ClusterAffinity = ClusterAffinity()
    topology_spread_constraints: list[TopologySpreadConstraint] = Field(
        [], description="How the servers spread; empty: over zones as far as can be."
    )
    priority_class_name: DnsName | None = Field(None, description="PriorityClass of the servers.")
    service_account: ClusterAccount = ClusterAccount()
    backup: ArchiveValues = ArchiveValues()
    pooler: PoolerValues = PoolerValues()
