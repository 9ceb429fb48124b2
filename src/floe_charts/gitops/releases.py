"""What is deployed where: every chart in every environment, with the versions that it follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from floe_charts.deployment import FILE_NAME, Deployment
from floe_charts.errors import DeploymentError
from floe_charts.gitops.versions import followed

__all__ = ["Release", "missing", "pod_security_labels", "registry", "releases"]

Component = Literal["platform", "jobs"]
_MODES = ("enforce", "audit", "warn")


@dataclass(frozen=True, slots=True)
class Release:
    """A chart in an environment; the release is called like the chart.

    ``version`` is one version or a range. ``component`` says whether it is the platform or jobs that run on it.
    """

    chart: str
    component: str
    environment: str
    kind: str
    cluster: str
    namespace: str
    version: str


def releases(deployment: Deployment) -> tuple[Release, ...]:
    """Every release, by environment in the clusters' order; the platform comes before its jobs."""
    return tuple(release for name in deployment.environments for release in _of_environment(deployment, name))


def _of_environment(deployment: Deployment, name: str) -> list[Release]:
    kind, given = deployment.environments[name].kind, deployment.gitops.environment(name)
    platform, jobs = deployment.chart, deployment.jobs
    charts: list[tuple[str, Component, str]] = [
        (platform.name, "platform", given.version or followed(platform.version, kind)),
        *((chart, "jobs", given.jobs_version or followed(jobs.version, kind)) for chart in jobs.charts()),
    ]
    cluster, namespace = deployment.cluster_of(name), deployment.namespace(name)
    return [Release(chart, component, name, kind, cluster, namespace, version) for chart, component, version in charts]


def registry(deployment: Deployment) -> str:
    """The registry's address without ``oci://``; DeploymentError where the file does not say it."""
    if deployment.gitops.registry is None:
        raise missing(deployment, "registry", "where the charts are pushed to, such as registry: ghcr.io/acme/charts")
    return deployment.gitops.registry


def missing(deployment: Deployment, setting: str, expected: str) -> DeploymentError:
    """The error for a setting of ``gitops`` that has no default."""
    return DeploymentError(
        deployment.source or FILE_NAME, f"gitops.{setting}", "this setting is missing", f"expected {expected}"
    )


def pod_security_labels(deployment: Deployment) -> dict[str, str]:
    """Labels of a namespace for Pod Security admission: the standard is enforced; restricted is always warned about."""
    levels = {**dict.fromkeys(_MODES, "restricted"), "enforce": deployment.gitops.pod_security}
    label = "pod-security.kubernetes.io"
    return {
        **{f"{label}/{mode}": level for mode, level in levels.items()},
        **{f"{label}/{mode}-version": "latest" for mode in _MODES},
    }
