"""Who may start jobs, and what the pods of jobs may reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from floe_charts.constructs.jobs.values import JobsValues, PlatformParts
from floe_charts.constructs.network import Endpoint, platform_endpoints
from floe_charts.constructs.surroundings.network_policies import addresses, dns_rule
from floe_charts.deployment import ChartInfo
from floe_charts.helm import RELEASE_NAMESPACE, each, nonempty, when

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
    account = {"kind": "ServiceAccount", "namespace": RELEASE_NAMESPACE}
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
    platform = [_to(jobs.platform, v.platform, one) for one in platform_endpoints() if one.clients]
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


def _to(platform: ChartInfo, parts: PlatformParts, endpoint: Endpoint) -> Any:
    """The rule that lets jobs reach the platform's pods behind an endpoint, where it has them."""
    labels = {"app.kubernetes.io/part-of": platform.name, "app.kubernetes.io/component": endpoint.workload}
    rule = {
        "to": [{"podSelector": {"matchLabels": labels}}],
        "ports": [{"protocol": "TCP", "port": endpoint.port}],
    }
    known = endpoint.suffix in PlatformParts.model_fields
    return when(getattr(parts, endpoint.suffix), rule) if known else rule
