"""Flux: a Kustomization for each cluster, and a HelmRelease for each chart in each environment.

``clusters/<cluster>`` is what ``flux bootstrap --path`` takes, and holds nothing but the Kustomization of
``releases/<cluster>``, so that what the bootstrap writes beside it is left alone.

A release of jobs depends on that of the platform, which is ready only when Helm has seen every object ready and every
hook done; so the order is real. Where values come from decides what the chart is read from:

- ``chart``: a HelmRelease takes ``values-<env>.yaml`` out of the chart by ``spec.chart.spec.valuesFiles``, which only a
  HelmRepository (of type oci) has; from an OCIRepository no file inside of a chart can be named.
- ``git``: an OCIRepository, and a ConfigMap that kustomize makes of the file in Git. Flux' kustomize reads files
  anywhere in the repository; by hand it needs ``kustomize build --load-restrictor LoadRestrictionsNone``.

In both, a ConfigMap that somebody may add in the namespace goes over these values.

Nothing that is done in Git removes a platform, whether its environment or a whole cluster leaves the deployment file
or gets another name there: to uninstall the release is to delete its databases. Jobs hold no data and are pruned. For
the same reason a platform's release that failed is tried again as it is (``RetryOnFailure``, of Flux 2.7), where the
usual remediation uninstalls it, or goes back to a version that does not know the migrated database.

Facts: fluxcd.io, components/helm/helmreleases (install, upgrade), components/kustomize/kustomizations (prune),
components/source/helmcharts and ocirepositories, guides/repository-structure.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Any

from floe_charts.deployment import Deployment
from floe_charts.deployment.fields import is_version
from floe_charts.gitops.differences import FLUX_DIFFERENCES
from floe_charts.gitops.manifests import Manifest, file_text
from floe_charts.gitops.releases import Release, pod_security_labels, registry, releases
from floe_charts.synth.files import ChartFiles

__all__ = ["DIRECTORY", "cluster_path", "flux_files"]

DIRECTORY = "flux"
"""The directory of all files, below the one that they are written to."""

_SOURCES = "source.toolkit.fluxcd.io/v1"
_REPOSITORY = "floe-charts"
_KUSTOMIZE = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
_CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_NOTE = (
    "For Flux 2.7 or newer. A platform that is no longer named here stays in the cluster until somebody deletes its "
    "HelmRelease: its databases would go with it."
)
_STAYS = {"kustomize.toolkit.fluxcd.io/prune": "disabled"}

# What is done about a release that failed: of a platform, and of jobs.
_AGAIN = {"strategy": {"name": "RetryOnFailure", "retryInterval": "5m"}}
_RETRY: dict[str, dict[str, Any]] = {"install": _AGAIN, "upgrade": _AGAIN}
_REMEDIATE: dict[str, dict[str, Any]] = {
    "install": {"remediation": {"retries": 3}},
    "upgrade": {"cleanupOnFail": True, "remediation": {"retries": 3, "remediateLastFailure": True}},
}


def flux_files(deployment: Deployment) -> ChartFiles:
    """The manifests, below ``flux/``; raises DeploymentError where the file does not say the registry."""
    registry(deployment)
    by_environment: dict[str, list[Release]] = {}
    for release in releases(deployment):
        by_environment.setdefault(release.environment, []).append(release)
    files: dict[str, str] = {}
    for cluster, settings in deployment.clusters.items():
        files[f"clusters/{cluster}/floe.yaml"] = file_text("flux", _cluster(deployment, cluster), about=_NOTE)
        files[f"releases/{cluster}/kustomization.yaml"] = file_text(
            "flux", {**_KUSTOMIZE, "resources": list(settings.environments)}
        )
        for environment in settings.environments:
            for name, manifests in _environment(deployment, by_environment[environment]).items():
                files[f"releases/{cluster}/{environment}/{name}"] = file_text("flux", *manifests)
    return ChartFiles({f"{DIRECTORY}/{path}": text for path, text in files.items()})


def cluster_path(deployment: Deployment, cluster: str) -> str:
    """The directory of the repository that the bootstrap of ``cluster`` is told."""
    return _path(deployment, f"clusters/{cluster}")


def _path(deployment: Deployment, below: str) -> str:
    return posixpath.normpath(f"{deployment.gitops.path}/{DIRECTORY}/{below}")


def _cluster(deployment: Deployment, cluster: str) -> Manifest:
    flux = deployment.gitops.flux
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "floe", "namespace": flux.namespace},
        "spec": {
            "interval": flux.interval,
            "retryInterval": "2m",
            "timeout": "5m",
            "sourceRef": {"kind": "GitRepository", "name": flux.source},
            "path": f"./{_path(deployment, f'releases/{cluster}')}",
            "prune": True,
        },
    }


def _environment(deployment: Deployment, its: Sequence[Release]) -> dict[str, list[Manifest]]:
    files: dict[str, list[Manifest]] = {"namespace.yaml": [_namespace(deployment, its[0].namespace)]}
    if deployment.gitops.values == "chart":
        files["source.yaml"] = [_helm_repository(deployment, its[0].namespace)]
    for release in its:
        source = [_oci_repository(deployment, release)] if deployment.gitops.values == "git" else []
        files[f"release-{release.chart}.yaml"] = [*source, _helm_release(deployment, release, its)]
    kustomization: dict[str, Any] = {**_KUSTOMIZE, "resources": list(files)}
    if deployment.gitops.values == "git":
        kustomization["configMapGenerator"] = [_config_map(deployment, release) for release in its]
        # Flux sees a new content by this label; a new name would need to be told to the HelmRelease.
        kustomization["generatorOptions"] = {
            "disableNameSuffixHash": True, "labels": {"reconcile.fluxcd.io/watch": "Enabled"},
        }  # fmt: skip
    return {"kustomization.yaml": [kustomization], **files}


def _namespace(deployment: Deployment, name: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": pod_security_labels(deployment),
            "annotations": _STAYS,  # With the namespace its volumes would go.
        },
    }


def _access(deployment: Deployment) -> dict[str, Any]:
    flux = deployment.gitops.flux
    return {
        **({"provider": flux.provider} if flux.provider != "generic" else {}),
        **({"secretRef": {"name": flux.registry_secret}} if flux.registry_secret else {}),
    }


def _helm_repository(deployment: Deployment, namespace: str) -> Manifest:
    return {
        "apiVersion": _SOURCES,
        "kind": "HelmRepository",
        "metadata": {"name": _REPOSITORY, "namespace": namespace},
        "spec": {"type": "oci", "url": f"oci://{registry(deployment)}", **_access(deployment)},
    }


def _oci_repository(deployment: Deployment, release: Release) -> Manifest:
    version = release.version
    # A tag has no plus sign; Helm pushes an underscore in its place.
    ref = {"tag": version.replace("+", "_")} if is_version(version) else {"semver": version}
    return {
        "apiVersion": _SOURCES,
        "kind": "OCIRepository",
        "metadata": {"name": release.chart, "namespace": release.namespace},
        "spec": {
            "interval": deployment.gitops.flux.interval,
            "url": f"oci://{registry(deployment)}/{release.chart}",
            "ref": ref,
            "layerSelector": {"mediaType": _CHART_LAYER, "operation": "copy"},
            **_access(deployment),
        },
    }


def _config_map(deployment: Deployment, release: Release) -> dict[str, Any]:
    file = f"{deployment.gitops.charts}/{release.chart}/values-{release.environment}.yaml"
    here = _path(deployment, f"releases/{release.cluster}/{release.environment}")
    return {
        "name": f"{release.chart}-values",
        "namespace": release.namespace,
        "files": [f"values.yaml={posixpath.relpath(file, here)}"],
    }


def _helm_release(deployment: Deployment, release: Release, its: Sequence[Release]) -> Manifest:
    flux, follows = deployment.gitops.flux, deployment.gitops.environment(release.environment)
    has_data = release.component == "platform"
    needed = [{"name": one.chart} for one in its if one.component == "platform" and not has_data]
    on_failure = _RETRY if has_data else _REMEDIATE
    return {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {
            "name": release.chart,
            "namespace": release.namespace,
            **({"annotations": _STAYS} if has_data else {}),
        },
        "spec": {
            "releaseName": release.chart,
            "interval": flux.interval,
            "timeout": "15m",
            **({"dependsOn": needed} if needed else {}),
            **_chart(deployment, release),
            "valuesFrom": _values(deployment, release),
            # The namespace is a manifest of its own, for Helm would make one without labels.
            "install": {"createNamespace": False, **on_failure["install"]},
            "upgrade": on_failure["upgrade"],
            "driftDetection": {"mode": "enabled" if follows.self_heal else "warn", "ignore": FLUX_DIFFERENCES},
        },
    }


def _chart(deployment: Deployment, release: Release) -> dict[str, Any]:
    if deployment.gitops.values == "git":
        return {"chartRef": {"kind": "OCIRepository", "name": release.chart}}
    spec = {
        "chart": release.chart,
        "version": release.version,
        "interval": deployment.gitops.flux.interval,
        "sourceRef": {"kind": "HelmRepository", "name": _REPOSITORY},
        # They take the place of the chart's own values, so that these are named too.
        "valuesFiles": ["values.yaml", f"values-{release.environment}.yaml"],
    }
    return {"chart": {"spec": spec}}


def _values(deployment: Deployment, release: Release) -> list[dict[str, Any]]:
    """ConfigMaps, the last one wins; the optional one is for what a version of the chart does not say yet."""
    of_git = [{"kind": "ConfigMap", "name": f"{release.chart}-values"}] if deployment.gitops.values == "git" else []
    return [*of_git, {"kind": "ConfigMap", "name": f"{release.chart}-overrides", "optional": True}]
