"""A CloudNativePG cluster (1.25 to 1.30): the Cluster itself, the Database of each consumer, and PodMonitors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from floe_charts.constructs.network import POSTGRES, POSTGRES_METRICS
from floe_charts.constructs.part import object_labels
from floe_charts.constructs.postgres.archive import kept, plugin
from floe_charts.constructs.postgres.database import DatabaseConsumer
from floe_charts.constructs.postgres.operator_values import ClusterAffinity, OperatorValues, SynchronousValues
from floe_charts.constructs.postgres.values import PostgresValues
from floe_charts.constructs.service_values import service_fields
from floe_charts.constructs.surroundings.monitoring import MonitoringValues
from floe_charts.helm import Component, and_, gt, nonempty, when
from floe_charts.helm.expr import expression, node_of
from floe_charts.helm.nodes import Call
from floe_charts.helm.spec import INTEGER

__all__ = ["cluster", "cluster_pods", "database", "pod_monitor"]


def cluster(part: Component[PostgresValues], consumers: Sequence[DatabaseConsumer]) -> dict[str, Any]:
    """The Cluster, with a managed role for each consumer, and the platform's Service beside CloudNativePG's own."""
    v, chart, name = part.refs, part.chart, part.name(POSTGRES.suffix)
    operator, account = v.operator, v.operator.service_account
    spec = {
        "instances": operator.instances,
        "imageName": part.image(operator.image),
        "imagePullPolicy": operator.image.pull_policy,
        **chart.pull_secrets,
        # Of pods, of Jobs' pods, and of all else that CloudNativePG makes.
        "inheritedMetadata": {
            "labels": {**object_labels(chart, POSTGRES.workload), **chart.shared_labels},
            "annotations": chart.common_annotations,
        },
        "serviceAccountTemplate": when(
            nonempty(account.annotations), {"metadata": {"annotations": account.annotations}}
        ),
        "enableSuperuserAccess": False,
        # One for a single server would let its node never be drained.
        "enablePDB": gt(operator.instances, 1),
        # Read only once, when the cluster is made.
        "bootstrap": {"initdb": {"dataChecksums": True, "encoding": "UTF8"}},
        "postgresql": {"parameters": v.parameters, "synchronous": _synchronous(operator)},
        "storage": _volume(v.storage.size, v.storage.storage_class),
        "walStorage": when(
            operator.wal_storage.enabled, _volume(operator.wal_storage.size, operator.wal_storage.storage_class)
        ),
        "resources": v.resources,
        "affinity": _affinity(operator.affinity),
        "topologySpreadConstraints": when(
            nonempty(operator.topology_spread_constraints),
            operator.topology_spread_constraints,
            [{**_ZONES, "labelSelector": {"matchLabels": cluster_pods(part)}}],
        ),
        "priorityClassName": operator.priority_class_name,
        "plugins": when(operator.backup.enabled, [plugin(operator.backup, name)]),
        "managed": {
            "roles": [_role(consumer) for consumer in consumers],
            "services": {"additional": [{"selectorType": "rw", "serviceTemplate": _service(v, name)}]},
        },
    }
    metadata = part.metadata(name, POSTGRES.suffix, annotations=kept(v.storage))
    return {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": metadata, "spec": spec}


def cluster_pods(part: Component[PostgresValues]) -> dict[str, Any]:
    """The labels of the servers' pods, and of no others."""
    return {"cnpg.io/cluster": part.name(POSTGRES.suffix), "cnpg.io/podRole": "instance"}


def database(part: Component[PostgresValues], consumer: DatabaseConsumer) -> dict[str, Any]:
    """The Database of a consumer; uninstalling the chart leaves the data."""
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Database",
        "metadata": part.metadata(part.name(f"{POSTGRES.suffix}-{consumer.name}"), POSTGRES.suffix),
        "spec": {
            "cluster": {"name": part.name(POSTGRES.suffix)},
            "name": consumer.database,
            "owner": consumer.role,
            "ensure": "present",
            "databaseReclaimPolicy": "retain",
        },
    }


def pod_monitor(
    part: Component[PostgresValues], suffix: str, pods: Mapping[str, Any], monitoring: MonitoringValues
) -> dict[str, Any]:
    """A PodMonitor of the pods with the labels ``pods``, as the platform's other monitors are."""
    labels = {**part.chart.pod_labels(monitoring.labels), "app.kubernetes.io/component": suffix}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {**part.metadata(part.name(suffix), suffix), "labels": labels},
        "spec": {
            "selector": {"matchLabels": pods},
            "podMetricsEndpoints": [{"port": POSTGRES_METRICS.port_name, "interval": monitoring.interval}],
        },
    }


_ZONES = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}


def _synchronous(operator: OperatorValues) -> Any:
    """What CloudNativePG takes only for fewer replicas than there are servers."""
    v: SynchronousValues = operator.synchronous
    fewer = Call("min", (node_of(v.number), node_of(operator.instances - 1)), INTEGER)
    stanza = {"method": v.method, "number": expression(fewer), "dataDurability": v.data_durability}
    return when(and_(v.enabled, gt(operator.instances, 1)), stanza)


def _volume(size: str, storage_class: str) -> dict[str, Any]:
    return {"size": size, "storageClass": when(nonempty(storage_class), storage_class)}


def _affinity(v: ClusterAffinity) -> dict[str, Any]:
    return {
        "podAntiAffinityType": v.pod_anti_affinity_type,
        "topologyKey": v.topology_key,
        "nodeSelector": v.node_selector,
        "nodeAffinity": v.node_affinity,
        "tolerations": v.tolerations,
        "additionalPodAffinity": v.additional_pod_affinity,
        "additionalPodAntiAffinity": v.additional_pod_anti_affinity,
    }


def _service(v: PostgresValues, name: str) -> dict[str, Any]:
    fields = service_fields(v.service)
    return {"metadata": {"name": name, "annotations": fields.pop("annotations")}, "spec": fields}


def _role(consumer: DatabaseConsumer) -> Any:
    role = {
        "name": consumer.role,
        "ensure": "present",
        "login": True,
        "superuser": False,
        "passwordSecret": {"name": consumer.secret},
    }
    return role if consumer.enabled is None else when(consumer.enabled, role)
