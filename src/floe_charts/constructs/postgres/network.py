"""Who talks to PostgreSQL, and whom it talks to, in each of its modes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from floe_charts.constructs.network import (
    DATABASE_OUTSIDE,
    INGRESS,
    KUBERNETES_API,
    OBJECT_STORE_OUTSIDE,
    POSTGRES,
    POSTGRES_METRICS,
    POSTGRES_OPERATOR,
    POSTGRES_POOLER,
    POSTGRES_POOLER_METRICS,
    POSTGRES_STATUS,
    PROMETHEUS,
    Edge,
    Outside,
    Workload,
)
from floe_charts.constructs.object_store import ObjectStore, object_store_edges
from floe_charts.constructs.part import PlatformPart
from floe_charts.constructs.ports import port_of
from floe_charts.constructs.postgres.dump import DUMP_WORKLOAD
from floe_charts.constructs.postgres.values import PostgresValues
from floe_charts.constructs.service_values import opens_outward
from floe_charts.helm import and_, eq, not_, present

__all__ = ["postgres_edges", "postgres_outside_ports", "postgres_workloads"]


def postgres_workloads(part: PlatformPart[PostgresValues]) -> tuple[Workload, ...]:
    """The servers, the pool of connections, the dumps."""
    v = part.refs
    pooled = and_(eq(v.mode, "operator"), v.operator.pooler.enabled)
    dumped = and_(eq(v.mode, "statefulset"), v.statefulset.backup.enabled)
    return (
        Workload(POSTGRES.workload, part.title, not_(eq(v.mode, "external"))),
        Workload(POSTGRES_POOLER.workload, "connection pool", pooled),
        Workload(DUMP_WORKLOAD, "database dumps", dumped),
    )


def postgres_edges(part: PlatformPart[PostgresValues]) -> Iterator[Edge]:
    """Those among the servers and around them; and where the server is elsewhere, those of everybody to it."""
    v, servers, pool = part.refs, POSTGRES.workload, POSTGRES_POOLER.workload
    operated = eq(v.mode, "operator")
    yield Edge(servers, POSTGRES, "replication", operated)
    yield Edge(servers, POSTGRES_STATUS, "state of the other servers", operated)
    yield Edge(servers, KUBERNETES_API, "state of the cluster", operated)
    yield from _archive_edges(part, and_(operated, v.operator.backup.enabled))
    yield Edge(POSTGRES_OPERATOR, POSTGRES, "management", operated)
    yield Edge(POSTGRES_OPERATOR, POSTGRES_STATUS, "management", operated)
    yield Edge(PROMETHEUS, POSTGRES_METRICS, "metrics", operated)
    yield Edge(INGRESS, POSTGRES, "queries", opens_outward(v.service.type))
    yield Edge(pool, POSTGRES, "queries")
    yield Edge(pool, KUBERNETES_API, "state of the pool")
    yield Edge(PROMETHEUS, POSTGRES_POOLER_METRICS, "metrics")
    yield Edge(DUMP_WORKLOAD, POSTGRES, "dumps")
    yield from _outward_edges(part, eq(v.mode, "external"))


def _archive_edges(part: PlatformPart[PostgresValues], archived: bool) -> Iterator[Edge]:
    own, purpose = present(part.refs.operator.backup.endpoint), "backups"
    if part.chart.component(ObjectStore) is None:
        yield Edge(POSTGRES.workload, OBJECT_STORE_OUTSIDE, purpose, archived)
        return
    yield Edge(POSTGRES.workload, OBJECT_STORE_OUTSIDE, purpose, and_(archived, own))
    yield from object_store_edges(part.chart, POSTGRES.workload, purpose, when=and_(archived, not_(own)))


def _outward_edges(part: PlatformPart[PostgresValues], external: bool) -> Iterator[Edge]:
    """NetworkPolicies know pods and addresses, and no Service's name: who asks the Service asks what is behind it."""
    for other in part.chart.components.values():
        if not isinstance(other, PlatformPart) or other is part:
            continue
        for edge in other.edges():
            if edge.target == POSTGRES:
                when = external if edge.when is None else and_(external, edge.when)
                yield Edge(edge.source, DATABASE_OUTSIDE, edge.purpose, when)


def postgres_outside_ports(values: Mapping[str, Any]) -> Mapping[Outside, Sequence[int]]:
    """The port of an object store for backups that is not the platform's, beside those of the platform's."""
    backup = values["operator"]["backup"]
    endpoint = backup.get("endpoint") if values["mode"] == "operator" and backup["enabled"] else None
    port = port_of(endpoint) if endpoint else None
    if port is None or port in OBJECT_STORE_OUTSIDE.ports:
        return {}
    return {OBJECT_STORE_OUTSIDE: (*OBJECT_STORE_OUTSIDE.ports, port)}
