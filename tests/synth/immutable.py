"""The fields that the API server refuses to change in an object that exists: what an upgrade in place must leave alone.

From the validation of updates in Kubernetes 1.28 to 1.37 (``pkg/apis/*/validation``) and in the admission webhooks and
CRDs of CloudNativePG 1.30.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.quantities import parse_quantity

__all__ = ["HOLDS_DATA", "changed_fields", "immutable_fields", "upgraded"]

_EVERYTHING_BUT = {
    # Labels inside volumeClaimTemplates too: the list is compared as a whole.
    ("apps", "StatefulSet"): (
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ),
    ("", "PersistentVolumeClaim"): ("resources", "volumeAttributesClassName"),
    ("", "Pod"): ("activeDeadlineSeconds",),
}
_THESE = {
    ("apps", "Deployment"): ("spec.selector",),
    ("apps", "DaemonSet"): ("spec.selector",),
    ("apps", "ReplicaSet"): ("spec.selector",),
    ("batch", "Job"): (
        "spec.selector",
        "spec.template",
        "spec.completions",
        "spec.completionMode",
        "spec.podFailurePolicy",
        "spec.successPolicy",
        "spec.backoffLimitPerIndex",
        "spec.managedBy",
    ),
    ("", "Service"): ("spec.clusterIP", "spec.clusterIPs", "spec.ipFamilies", "spec.loadBalancerClass"),
    ("", "Secret"): ("type",),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
    ("scheduling.k8s.io", "PriorityClass"): ("value", "preemptionPolicy"),
    ("postgresql.cnpg.io", "Cluster"): ("spec.postgresUID", "spec.postgresGID", "spec.serviceAccountName"),
    ("postgresql.cnpg.io", "Database"): (
        "spec.cluster",
        "spec.name",
        "spec.template",
        "spec.encoding",
        "spec.locale",
        "spec.localeProvider",
        "spec.localeCollate",
        "spec.localeCType",
    ),
    ("postgresql.cnpg.io", "Pooler"): ("spec.cluster",),
    ("postgresql.cnpg.io", "ScheduledBackup"): ("spec.cluster",),
}
_GROWS_ONLY = {
    ("", "PersistentVolumeClaim"): ("spec.resources.requests.storage",),
    # The webhook also refuses a WAL volume that goes away.
    ("postgresql.cnpg.io", "Cluster"): ("spec.storage.size", "spec.walStorage.size"),
}

HOLDS_DATA = frozenset({"StatefulSet", "PersistentVolumeClaim", "Cluster", "Database"})
"""Kinds whose objects hold data: one that goes away, or gets another name, takes it along."""


def upgraded(objects: Sequence[RenderedObject]) -> dict[str, RenderedObject]:
    """The objects that Helm changes in place, by kind and name; hooks are made anew."""
    return {str(one): one for one in objects if not one.hooks}


def immutable_fields(one: RenderedObject) -> dict[str, object]:
    """What must not change in an object, by path; a field that is not there is None."""
    kind = (one.api_version.rpartition("/")[0], one.kind)
    paths = list(_THESE.get(kind, ()))
    if kind in _EVERYTHING_BUT:
        spec = _mapping(one.data.get("spec"))
        paths += [f"spec.{key}" for key in spec if key not in _EVERYTHING_BUT[kind]]
    if one.data.get("immutable") is True:
        paths += ["data", "stringData", "binaryData", "immutable"]
    return {path: _at(one.data, path) for path in paths}


def changed_fields(before: RenderedObject, after: RenderedObject) -> Iterator[str]:
    """What the API server would refuse when ``after`` takes the place of ``before``, a line each."""
    old, new = immutable_fields(before), immutable_fields(after)
    for path in dict.fromkeys((*old, *new)):
        was, is_now = _at(before.data, path), _at(after.data, path)
        if was != is_now:
            yield f"{before}: {path} was {was!r}, is {is_now!r}"
    kind = (before.api_version.rpartition("/")[0], before.kind)
    for path in _GROWS_ONLY.get(kind, ()):
        was, is_now = _at(before.data, path), _at(after.data, path)
        if was is not None and (is_now is None or _amount(is_now) < _amount(was)):
            yield f"{before}: {path} was {was!r}, is {is_now!r}, and may only grow"


def _at(data: Mapping[str, object], path: str) -> Any:
    here: object = data
    for key in path.split("."):
        here = _mapping(here).get(key)
    return here


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _amount(quantity: object) -> Decimal:
    amount = parse_quantity(str(quantity))
    assert amount is not None, quantity
    return amount
