"""What is deployed where: every chart in every environment, with the versions that it follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from floe_charts.deployment import FILE_NAME, Deployment, EnvironmentKind
from floe_charts.errors import DeploymentError

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


def followed(version: str, kind: EnvironmentKind) -> str:
    """The versions that an environment takes by default, once ``version`` of a chart is the current one.

    Production takes that version and no other. The rest follow what is pushed, up to the next major version, with
    which values are removed or change their type. Below 1.0.0 any version may do that, and they follow all the same:
    a chart brings the values of its environments along. Only development and test take pre-releases: in the ranges of
    Helm, Argo CD and Flux alike, a bound without ``-0`` matches none.

    >>> followed("1.4.2", "staging")
    '>=1.4.2 <2.0.0-0'
    """
    if kind == "production":
        return version
    plain = version.removeprefix("v").partition("+")[0]
    takes_prereleases = kind in ("development", "test") and "-" not in plain
    return f">={plain}{'-0' if takes_prereleases else ''} <{int(plain.partition('.')[0]) + 1}.0.0-0"


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
