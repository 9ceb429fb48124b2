"""The values of PostgreSQL in its three modes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from floe_charts.constructs.network import POSTGRES
from floe_charts.helm import Field, Image, NodeSelector, Resources, Toleration, Values

__all__ = ["ExternalValues", "OperandImage", "OperatorValues", "PostgresValues", "StatefulSetValues", "StorageValues"]

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_OptionalName = Annotated[str, StringConstraints(pattern=rf"^({_LABEL}(\.{_LABEL})*)?$", max_length=253)]
# An ExternalName Service takes a name, not an address: the last label begins with a letter.
_HostName = Annotated[str, StringConstraints(pattern=rf"^({_LABEL}\.)*[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=253)]
_StorageSize = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(Mi|Gi|Ti|M|G|T)$", max_length=12)]


class StorageValues(Values):
    """The volume of each PostgreSQL server; in mode statefulset fixed once it exists."""

    size: _StorageSize = Field("10Gi", description="Size.")
    storage_class: _OptionalName = Field("", description="StorageClass; empty: the cluster's default.")


class StatefulSetValues(Values):
    """What only mode statefulset reads."""

    image: Image = Field(
        Image(repository="library/postgres", tag="17.9-bookworm"),
        description="Debian variant of the official image, 15 or newer; another major version cannot read the data.",
    )
    superuser_secret: _OptionalName = Field(
        "", description="Secret with the password (key password) of role postgres; empty: no login over the network."
    )


_OPERAND_TAG_PATTERN = r"^[1-9][0-9](\.[0-9]+)?(-[A-Za-z0-9_.-]+)?$"


class OperandImage(Image):
    """An image that CloudNativePG runs; it reads the PostgreSQL version from the tag."""

    tag: Annotated[str, StringConstraints(pattern=_OPERAND_TAG_PATTERN, max_length=128)] = Field(
        "17.9-standard-trixie", description="Tag; begins with the PostgreSQL version."
    )


class OperatorValues(Values):
    """What only mode operator reads; CloudNativePG 1.25 or newer must be installed."""

    instances: int = Field(1, ge=1, le=9, description="Servers: one primary, the others streaming replicas.")
    image: OperandImage = Field(
        OperandImage(registry="ghcr.io", repository="cloudnative-pg/postgresql"), description="Image of the servers."
    )


class ExternalValues(Values):
    """What only mode external reads."""

    host: _HostName = Field(
        "postgresql.invalid",
        description=f"DNS name of a server on port {POSTGRES.port} with the databases and roles; to be set.",
    )


class PostgresValues(Values):
    """PostgreSQL, the database of the other parts."""

    mode: Literal["statefulset", "operator", "external"] = Field(
        "statefulset", description="One server made here, a CloudNativePG cluster, or a server elsewhere."
    )
    storage: StorageValues = Field(
        StorageValues(),
        description="Volume of each server, not in mode external; in mode statefulset fixed once it exists.",
    )
    resources: Resources = Field(Resources(), description="CPU and memory of each server; not in mode external.")
    node_selector: NodeSelector = Field({}, description="Labels of the nodes to run on; not in mode external.")
    tolerations: list[Toleration] = Field([], description="Taints that the servers tolerate; not in mode external.")
    statefulset: StatefulSetValues = Field(StatefulSetValues(), description="What only mode statefulset reads.")
    operator: OperatorValues = Field(OperatorValues(), description="What only mode operator reads.")
    external: ExternalValues = Field(ExternalValues(), description="What only mode external reads.")
