"""What an Application of Argo CD says of one release, in a file or in the template of an ApplicationSet."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from floe_charts.deployment import Deployment
from floe_charts.gitops.differences import ARGOCD_DIFFERENCES
from floe_charts.gitops.releases import Release, missing, pod_security_labels, registry

__all__ = [
    "FINALIZER", "RETRIES", "Application", "destination_of", "git_repository", "metadata_of", "new_application",
    "short_name", "spec_of", "sync_of",
]  # fmt: skip

RETRIES = 5
"""How often a failed sync is tried again."""

FINALIZER = "resources-finalizer.argocd.argoproj.io"
"""On an Application: its objects are deleted with it. On a project: it stays while an Application refers to it."""

_LONGEST = 63  # An Application's name can become a label's value.


@dataclass(frozen=True, slots=True)
class Application(Release):
    """A release as Argo CD has it: its Application's name, and the cluster by name or by server."""

    name: str
    destination: Mapping[str, str]


def new_application(deployment: Deployment, release: Release) -> Application:
    """The Application of a release, called after its chart and environment."""
    values = {field.name: getattr(release, field.name) for field in fields(Release)}
    destination = destination_of(deployment, release.cluster)
    return Application(**values, name=short_name(f"{release.chart}-{release.environment}"), destination=destination)


def destination_of(deployment: Deployment, cluster: str) -> dict[str, str]:
    """The cluster as a destination says it: ``name`` is its name in Argo CD, ``server`` the address of its API."""
    known = deployment.gitops.argocd.destinations.get(cluster, cluster)
    return {"server": known} if known.startswith("https://") else {"name": known}


def _labels(deployment: Deployment, application: Application, sync: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/part-of": deployment.gitops.argocd.project,
        "app.kubernetes.io/component": application.component,
        "floe-charts/environment": application.environment,
        "floe-charts/kind": application.kind,
        "floe-charts/sync": sync,
    }


def spec_of(deployment: Deployment, application: Application) -> dict[str, Any]:
    """An Application's spec but for ``automated``; for an ApplicationSet the parts of ``application`` are templates."""
    return {
        "project": deployment.gitops.argocd.project,
        **_sources(deployment, application),
        "destination": {**application.destination, "namespace": application.namespace},
        "syncPolicy": {
            "managedNamespaceMetadata": {"labels": pod_security_labels(deployment)},
            "syncOptions": [
                "CreateNamespace=true",
                # An annotation, which the other way of applying needs, cannot hold a large ConfigMap.
                "ServerSideApply=true",
                "PruneLast=true",
            ],
            "retry": {"limit": RETRIES, "backoff": {"duration": "30s", "factor": 2, "maxDuration": "10m"}},
        },
        "ignoreDifferences": ARGOCD_DIFFERENCES,
    }


def _sources(deployment: Deployment, application: Application) -> dict[str, Any]:
    gitops = deployment.gitops
    # A chart in an OCI registry: its address has neither oci:// nor the chart's name.
    chart = {
        "repoURL": registry(deployment), "chart": application.chart, "targetRevision": application.version,
    }  # fmt: skip
    file = f"values-{application.environment}.yaml"
    if gitops.values == "chart":
        return {"source": {**chart, "helm": {"releaseName": application.chart, "valueFiles": [file]}}}
    path = posixpath.normpath(f"{gitops.charts}/{application.chart}/{file}")
    helm = {"releaseName": application.chart, "valueFiles": [f"$values/{path}"]}
    return {"sources": [{**chart, "helm": helm}, {**git_repository(deployment), "ref": "values"}]}


def metadata_of(deployment: Deployment, application: Application, sync: str) -> dict[str, Any]:
    """An Application's name, labels and annotations; ``sync`` is what :func:`sync_of` says, or a template of it."""
    return {
        "name": application.name,
        "labels": _labels(deployment, application, sync),
        # The API server says what a manifest comes to with its defaults in it, before the two are compared.
        "annotations": {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"},
    }


def sync_of(deployment: Deployment, environment: str) -> str:
    """How an environment is synced; in production somebody says when, for its databases are migrated then."""
    by_kind = "manual" if deployment.environments[environment].kind == "production" else "automated"
    return deployment.gitops.environment(environment).sync or by_kind


def git_repository(deployment: Deployment) -> dict[str, str]:
    """The source that Git is; DeploymentError where the file does not say it."""
    repository = deployment.gitops.repository
    if repository.url is None:
        raise missing(deployment, "repository.url", "the Git repository, such as https://github.com/acme/platform.git")
    return {"repoURL": repository.url, "targetRevision": repository.revision}


def short_name(name: str) -> str:
    """``name``, cut where it is too long, with a sum of the whole at its end."""
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 9].rstrip('.-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
