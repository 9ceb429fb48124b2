"""Who may start jobs, and what the pods of jobs may reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from floe_charts.constructs.jobs.values import JobsValues
from floe_charts.constructs.network import Endpoint, platform_endpoints
from floe_charts.constructs.surroundings.network_policies import addresses, dns_rule
from floe_charts.deployment import ChartInfo
from floe_charts.helm import RELEASE_NAMESPACE, default, each, nonempty, when

if TYPE_CHECKING:
    from floe_charts.constructs.jobs.product_jobs import DataProductJobs

__all__ = ["launcher", "network_policy"]

_RBAC = "rbac.authorization.k8s.io"
_RULES = (
    {"apiGroups": ["batch"], "resources": ["cronjobs"], "verbs": ["get", "list"]},
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "delete", "get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
)


def launcher(jobs: DataProductJobs, v: JobsValues) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Role of those who start Jobs, and its RoleBinding."""
    part = jobs.part("launcher")
    role = {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": part.metadata(), "rules": list(_RULES)}
    namespace = default(v.platform.namespace, RELEASE_NAMESPACE)
    account = {"kind": "ServiceAccount", "namespace": namespace}
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": part.metadata(),
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": part.name},
        "subjects": [*each(v.launchers, lambda name: {**account, "name": name})],
    }
    return role, binding


def network_policy(jobs: DataProductJobs, v: JobsValues) -> dict[str, Any]:
    """Nothing comes in; out go names, what the platform serves to clients, and sources."""
    policy = v.network_policy
    there = {"matchLabels": {"kubernetes.io/metadata.name": default(v.platform.namespace, RELEASE_NAMESPACE)}}
    platform = [
        {
            "to": [{"namespaceSelector": there, "podSelector": {"matchLabels": _served(jobs.platform, one)}}],
            "ports": [{"protocol": "TCP", "port": one.port}],
        }
        for one in platform_endpoints()
        if one.clients
    ]
    sources = {
        "to": when(nonempty(policy.sources.cidrs), [*addresses(policy.sources.cidrs)]),
        "ports": [*each(policy.sources.ports, lambda port: {"protocol": "TCP", "port": port})],
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": jobs.metadata(jobs.name()),
        "spec": {
            "podSelector": {"matchLabels": {"app.kubernetes.io/part-of": jobs.chart.chart_name}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [],
            "egress": [dns_rule(policy.dns), *platform, sources],
        },
    }


def _served(platform: ChartInfo, endpoint: Endpoint) -> dict[str, str]:
    """The labels of the platform's pods behind an endpoint."""
    return {"app.kubernetes.io/part-of": platform.name, "app.kubernetes.io/component": endpoint.workload}
