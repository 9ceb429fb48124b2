"""Which API groups are Kubernetes' own, and which of their kinds are gone.

The removals are those of the deprecated API migration guide (kubernetes.io/docs/reference/using-api/deprecation-guide).
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["is_kubernetes_group", "removed_in"]

_GROUPS = frozenset(
    f"{name}.k8s.io"
    for name in (
        "admissionregistration",
        "apiextensions",
        "apiregistration",
        "authentication",
        "authorization",
        "certificates",
        "coordination",
        "discovery",
        "events",
        "flowcontrol.apiserver",
        "internal.apiserver",
        "lifecycle",
        "networking",
        "node",
        "rbac.authorization",
        "resource",
        "scheduling",
        "storage",
        "storagemigration",
    )
)

_INGRESS = ("1.22", "networking.k8s.io/v1")
_WEBHOOK = ("1.22", "admissionregistration.k8s.io/v1")
_RBAC = ("1.22", "rbac.authorization.k8s.io/v1")
_REMOVED: Mapping[tuple[str, str], tuple[str, str]] = {
    **{
        (f"apps/{version}", kind): ("1.16", "apps/v1")
        for version in ("v1beta1", "v1beta2")
        for kind in ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")
    },
    **{
        ("extensions/v1beta1", kind): ("1.16", group)
        for kind, group in (
            ("DaemonSet", "apps/v1"),
            ("Deployment", "apps/v1"),
            ("NetworkPolicy", "networking.k8s.io/v1"),
            ("PodSecurityPolicy", ""),
            ("ReplicaSet", "apps/v1"),
        )
    },
    ("admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration"): _WEBHOOK,
    ("admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration"): _WEBHOOK,
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"): ("1.22", "apiextensions.k8s.io/v1"),
    ("apiregistration.k8s.io/v1beta1", "APIService"): ("1.22", "apiregistration.k8s.io/v1"),
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler"): ("1.25", "autoscaling/v2"),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler"): ("1.26", "autoscaling/v2"),
    ("batch/v1beta1", "CronJob"): ("1.25", "batch/v1"),
    ("certificates.k8s.io/v1beta1", "CertificateSigningRequest"): ("1.22", "certificates.k8s.io/v1"),
    ("discovery.k8s.io/v1beta1", "EndpointSlice"): ("1.25", "discovery.k8s.io/v1"),
    ("extensions/v1beta1", "Ingress"): _INGRESS,
    ("networking.k8s.io/v1beta1", "Ingress"): _INGRESS,
    ("networking.k8s.io/v1beta1", "IngressClass"): _INGRESS,
    ("node.k8s.io/v1beta1", "RuntimeClass"): ("1.25", "node.k8s.io/v1"),
    ("policy/v1beta1", "PodDisruptionBudget"): ("1.25", "policy/v1"),
    ("policy/v1beta1", "PodSecurityPolicy"): ("1.25", ""),
    **{
        ("rbac.authorization.k8s.io/v1beta1", kind): _RBAC
        for kind in ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
    },
    ("scheduling.k8s.io/v1beta1", "PriorityClass"): ("1.22", "scheduling.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", "CSIDriver"): ("1.22", "storage.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", "StorageClass"): ("1.22", "storage.k8s.io/v1"),
}


def is_kubernetes_group(api_version: str) -> bool:
    """Whether an apiVersion belongs to Kubernetes itself.

    A group without a dot does, because a CustomResourceDefinition's group needs one. Of the groups that end in
    ``.k8s.io`` only some do: ``snapshot.storage.k8s.io`` or ``gateway.networking.k8s.io`` are custom resources.
    """
    group = api_version.rpartition("/")[0]
    return "." not in group or group in _GROUPS


def removed_in(api_version: str, kind: str) -> tuple[str, str] | None:
    """The version that no longer has a kind and the apiVersion that replaces it (may be empty), or None."""
    return _REMOVED.get((api_version, kind))
