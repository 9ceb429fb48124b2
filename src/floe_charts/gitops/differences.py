"""What others write into the charts' objects once they are in a cluster, so that it is no drift.

Nothing else is ignored. Deployments that are scaled automatically name no number of replicas, in generated templates
and in every dependency, so that a sync resets nothing of this: Argo CD needs no ``RespectIgnoreDifferences``, which
would put the cluster's whole list in the place of a custom resource's own, and lose its new items. Webhooks, whose
caBundle others would write, are in none of the charts.
"""

from __future__ import annotations

from typing import Any

__all__ = ["ARGOCD_DIFFERENCES", "FLUX_DIFFERENCES"]


def _defaulted(group: str, kind: str, *paths: str) -> dict[str, Any]:
    return {"group": group, "kind": kind, "jqPathExpressions": list(paths)}


ARGOCD_DIFFERENCES: list[dict[str, Any]] = [
    # Whatever an autoscaler wrote. Not /spec/replicas: nobody's change of that value would be seen any more.
    {"group": "apps", "kind": "Deployment", "managedFieldsManagers": ["kube-controller-manager"]},
    # Defaults inside of lists, which a comparison takes whole: the API server fills them in.
    _defaulted("apps", "StatefulSet", ".spec.volumeClaimTemplates[]?.apiVersion", ".spec.volumeClaimTemplates[]?.kind"),
    _defaulted(
        "external-secrets.io",
        "ExternalSecret",
        *(
            f".spec.data[]?.remoteRef.{name}"
            for name in ("conversionStrategy", "decodingStrategy", "metadataPolicy", "nullBytePolicy")
        ),
    ),
    _defaulted(
        "gateway.networking.k8s.io",
        "HTTPRoute",
        ".spec.parentRefs[]?.group",
        ".spec.parentRefs[]?.kind",
        ".spec.rules[]?.backendRefs[]?.group",
        ".spec.rules[]?.backendRefs[]?.kind",
        ".spec.rules[]?.backendRefs[]?.weight",
    ),
    _defaulted(
        "postgresql.cnpg.io",
        "Cluster",
        ".spec.managed.roles[]?.connectionLimit",
        ".spec.managed.roles[]?.inherit",
        ".spec.managed.services.additional[]?.updateStrategy",
        ".spec.plugins[]?.enabled",
    ),
]
"""``ignoreDifferences`` of Argo CD's Applications."""

FLUX_DIFFERENCES: list[dict[str, Any]] = [
    # A finished Job is removed after its time to live, and to make it again would be to run it again. All the rest
    # Flux finds by a dry run in the cluster, which fills in the same defaults.
    {"paths": [""], "target": {"group": "batch", "kind": "Job"}},
]
"""``driftDetection.ignore`` of Flux's HelmReleases."""
