"""The pool of connections before a CloudNativePG cluster: a Pooler, and the PodDisruptionBudget that it lacks."""

from __future__ import annotations

from typing import Any

from floe_charts.constructs.network import POSTGRES, POSTGRES_POOLER, POSTGRES_POOLER_METRICS
from floe_charts.constructs.part import object_labels
from floe_charts.constructs.postgres.values import PostgresValues
from floe_charts.helm import Component, nonempty, pod_security, restricted_security, when

__all__ = ["pooler", "pooler_budget", "pooler_pods"]

# What CloudNativePG gives the pods by itself; said for who reads the chart, or checks it.
_UID, _GID = 998, 996
_PORTS = {one.port_name: one.port for one in (POSTGRES_POOLER, POSTGRES_POOLER_METRICS)}


def pooler(part: Component[PostgresValues]) -> dict[str, Any]:
    """The Pooler; CloudNativePG names its Service and its Deployment after it, and restricts its pods."""
    v, chart = part.refs.operator.pooler, part.chart
    apart = {"labelSelector": {"matchLabels": pooler_pods(part)}, "topologyKey": "kubernetes.io/hostname"}
    preferred = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": apart}]}
    pods = {
        "metadata": {
            "labels": {**object_labels(chart, POSTGRES_POOLER.workload), **pooler_pods(part), **chart.shared_labels},
            "annotations": chart.common_annotations,
        },
        "spec": {
            **chart.pull_secrets,
            "nodeSelector": v.node_selector,
            "affinity": when(nonempty(v.affinity), v.affinity, {"podAntiAffinity": preferred}),
            "tolerations": v.tolerations,
            "securityContext": pod_security(uid=_UID, gid=_GID, fs_group=_GID),
            "containers": [
                {
                    "name": "pgbouncer",
                    "image": part.image(v.image),
                    "imagePullPolicy": v.image.pull_policy,
                    "ports": [{"name": name, "containerPort": number} for name, number in _PORTS.items()],
                    "resources": v.resources,
                    "securityContext": restricted_security(),
                }
            ],
        },
    }
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Pooler",
        "metadata": part.metadata(part.name(POSTGRES_POOLER.suffix), POSTGRES_POOLER.workload),
        "spec": {
            "cluster": {"name": part.name(POSTGRES.suffix)},
            "instances": v.instances,
            "type": "rw",
            "pgbouncer": {"poolMode": v.pool_mode, "parameters": v.parameters},
            "template": pods,
        },
    }


def pooler_budget(part: Component[PostgresValues]) -> dict[str, Any]:
    """The PodDisruptionBudget of several pods."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": part.metadata(part.name(POSTGRES_POOLER.suffix), POSTGRES_POOLER.workload),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": pooler_pods(part)},
        },
    }


def pooler_pods(part: Component[PostgresValues]) -> dict[str, Any]:
    """The label of the pool's pods, and of no others."""
    return {"cnpg.io/poolerName": part.name(POSTGRES_POOLER.suffix)}
