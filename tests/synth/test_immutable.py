"""The table of immutable fields notices what the API server refuses, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from floe_charts.verify.objects import RenderedObject
from tests.synth.immutable import changed_fields, upgraded


def rendered(kind: str, api_version: str = "v1", **body: object) -> RenderedObject:
    return RenderedObject("x.yaml", 0, {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, **body})


def claims(labels: Mapping[str, str]) -> dict[str, object]:
    return {"replicas": 1, "volumeClaimTemplates": [{"metadata": {"name": "data", "labels": labels}}]}


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        (
            rendered("StatefulSet", "apps/v1", spec=claims({"helm.sh/chart": "x-1"})),
            rendered("StatefulSet", "apps/v1", spec={**claims({"helm.sh/chart": "x-2"}), "replicas": 2}),
            "spec.volumeClaimTemplates",
        ),
        (
            rendered("StatefulSet", "apps/v1", spec={}),
            rendered("StatefulSet", "apps/v1", spec={"podManagementPolicy": "Parallel"}),
            "spec.podManagementPolicy",
        ),
        (
            rendered("Deployment", "apps/v1", spec={"selector": {"matchLabels": {"version": "1"}}}),
            rendered("Deployment", "apps/v1", spec={"selector": {"matchLabels": {"version": "2"}}}),
            "spec.selector",
        ),
        (
            rendered("Job", "batch/v1", spec={"template": {"a": 1}, "backoffLimit": 1}),
            rendered("Job", "batch/v1", spec={"template": {"a": 2}, "backoffLimit": 2}),
            "spec.template",
        ),
        (
            rendered("Service", spec={"clusterIP": "None", "ports": []}),
            rendered("Service", spec={"ports": [1]}),
            "spec.clusterIP",
        ),
        (
            rendered("PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "10Gi"}}}),
            rendered("PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "9Gi"}}}),
            "spec.resources.requests.storage",
        ),
        (
            rendered("PersistentVolumeClaim", spec={"storageClassName": "fast"}),
            rendered("PersistentVolumeClaim", spec={}),
            "spec.storageClassName",
        ),
        (
            rendered("Secret", type="Opaque"),
            rendered("Secret", type="kubernetes.io/basic-auth", data={}),
            "type",
        ),
        (
            rendered("RoleBinding", "rbac.authorization.k8s.io/v1", roleRef={"name": "a"}, subjects=[1]),
            rendered("RoleBinding", "rbac.authorization.k8s.io/v1", roleRef={"name": "b"}, subjects=[2]),
            "roleRef",
        ),
        (
            rendered("ConfigMap", immutable=True, data={"a": "1"}),
            rendered("ConfigMap", immutable=True, data={"a": "2"}),
            "data",
        ),
        (
            rendered("Cluster", "postgresql.cnpg.io/v1", spec={"walStorage": {"size": "2Gi"}, "instances": 3}),
            rendered("Cluster", "postgresql.cnpg.io/v1", spec={"instances": 1}),
            "spec.walStorage.size",
        ),
    ],
    ids=lambda one: str(one) if isinstance(one, str) else one.kind,
)
def test_what_the_api_server_refuses_is_noticed(before: RenderedObject, after: RenderedObject, path: str) -> None:
    assert [line.split(" was ")[0] for line in changed_fields(before, after)] == [f"{before}: {path}"]


def test_hooks_are_made_anew() -> None:
    hook = {"name": "x", "annotations": {"helm.sh/hook": "post-upgrade"}}
    assert upgraded([rendered("Job", metadata=hook), rendered("ConfigMap")]).keys() == {"ConfigMap x"}
