"""Argo CD: an AppProject, and an Application for each chart in each environment.

Jobs come after the platform they run on. What Argo CD does about order decides between the two layouts:

- ``applicationSet``: an ApplicationSet makes its Applications all at once, and a sync wave on one of them means
  nothing. Its *progressive syncs* order them: they sync a step, wait until every Application in it is healthy, and go
  on. The controller has to be started with ``--enable-progressive-syncs``; it then takes over syncing, so that
  Applications show automated sync as off. It prunes where an Application says so; ``selfHeal`` it does not read. Up to
  3.2 it synced whatever was out of sync, since then what a new version or setting changes (argo-cd pull request 24507).
  Without that option all sync at once, each retrying until what it needs is there. An environment that is synced by
  hand is in no step, which Argo CD leaves to whoever syncs it. A CronJob whose last run has failed holds up no step:
  the charts take theirs out of the Application's health. Some versions do not see that a range matches a new version
  (argo-cd issue 29240, in 3.5.1). ``progressiveSyncs: false`` leaves the steps out.
- ``applications``: an Application above those of one environment syncs them in *sync waves*. It waits for the first
  wave only where Argo CD is told how healthy an Application is, which ``argocd-cm`` has not done by default since 1.8:
  the key ``resource.customizations.health.argoproj.io_Application``. Environments do not wait for each other. Waves
  order what changes in these files, such as pinned versions; a version that only matches a range is no such change.

Neither removes a platform whose environment leaves the deployment file: its volumes would go with it. Jobs hold no data
and go with their Application; those of a chart that is spread over several would run twice otherwise.

Facts: argo-cd.readthedocs.io, operator-manual/applicationset/Progressive-Syncs, operator-manual/health,
operator-manual/applicationset/Application-Deletion, user-guide/sync-waves, user-guide/diff-strategies.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from floe_charts.deployment import Deployment
from floe_charts.gitops.applications import (
    FINALIZER,
    RETRIES,
    Application,
    destination_of,
    git_repository,
    metadata_of,
    new_application,
    short_name,
    spec_of,
    sync_of,
)
from floe_charts.gitops.manifests import Manifest, file_text
from floe_charts.gitops.refusals import refuse_equal_names, refuse_shared_namespaces, without_generated_secrets
from floe_charts.gitops.releases import registry, releases
from floe_charts.synth.files import ChartFiles

__all__ = ["DIRECTORY", "argocd_files"]

DIRECTORY = "argocd"
"""The directory of all files, below the one that they are written to."""

_API = "argoproj.io/v1alpha1"
_WAVE = "argocd.argoproj.io/sync-wave"
_KINDS = ("development", "test", "staging", "production")
_COMPONENTS = ("platform", "jobs")
_PARAMETER = {"name": "cluster", "server": "server"}  # of a destination's keys, in the list of the generator
_IN_CLUSTER = "https://kubernetes.default.svc"

_NO_STEPS_NOTE = "Everything syncs at once and retries until what it needs is there."
_STEPS_NOTE = (
    "Progressive syncs put the steps in order: start the ApplicationSet controller with --enable-progressive-syncs. "
    "It then syncs what changes here or in the registry, and passes over selfHeal: from version 3.3 on it only shows "
    f"what somebody changes in a cluster. Without it: {_NO_STEPS_NOTE.lower()}"
)
_ROOTS_NOTE = (
    "One Application for each environment, which syncs the platform before its jobs. It waits for the platform where "
    "argocd-cm has a health check of Applications: resource.customizations.health.argoproj.io_Application."
)

# What differs in more than a text: automated sync is a matter of booleans, and some have a field that others have not.
# The retries stand here too because an empty `syncPolicy` would remove the whole of the template's.
_PATCH = f"""\
{{{{- if eq .component "jobs" }}}}
metadata:
  finalizers:
    - {FINALIZER}
{{{{- end }}}}
spec:
  syncPolicy:
    retry:
      limit: {RETRIES}
    {{{{- if eq .sync "automated" }}}}
    automated:
      prune: {{{{ .prune }}}}
      selfHeal: {{{{ .selfHeal }}}}
    {{{{- end }}}}
"""


def argocd_files(deployment: Deployment) -> ChartFiles:
    """The manifests, below ``argocd/``: ``project.yaml``, and what the layout in ``gitops.argocd`` says.

    An environment whose Secrets are generated is left out.

    Raises:
        DeploymentError: the file does not say the registry, or the repository where the layout or ``gitops.values``
            needs one; two Applications would have one name, or one namespace; every environment would be left out.
    """
    registry(deployment)
    if deployment.gitops.values == "git" or deployment.gitops.argocd.layout == "applications":
        git_repository(deployment)
    deployment = without_generated_secrets(deployment)
    applications = [new_application(deployment, release) for release in releases(deployment)]
    refuse_shared_namespaces(deployment, applications)
    project = {"project.yaml": file_text("argocd", _project(deployment))}
    if deployment.gitops.argocd.layout == "applications":
        files = project | _application_files(deployment, applications)
    else:
        refuse_equal_names(deployment, [one.name for one in applications])
        files = project | {"applicationset.yaml": _set_file(deployment, applications)}
    return ChartFiles({f"{DIRECTORY}/{path}": text for path, text in files.items()})


# What both layouts share


def _project(deployment: Deployment) -> Manifest:
    gitops = deployment.gitops
    sources = [registry(deployment)]
    if gitops.values == "git":
        sources.append(git_repository(deployment)["repoURL"])
    destinations = [
        {**destination_of(deployment, deployment.cluster_of(name)), "namespace": deployment.namespace(name)}
        for name in deployment.environments
    ]
    return {
        "apiVersion": _API,
        "kind": "AppProject",
        "metadata": {
            "name": gitops.argocd.project,
            "namespace": gitops.argocd.namespace,
            "finalizers": [FINALIZER],
            # For whom Argo CD applies this directory too: the project first.
            "annotations": {_WAVE: "-1"},
        },
        "spec": {
            "description": "The floe data platform and the jobs of its data products.",
            "sourceRepos": sources,
            "destinations": destinations,
            # The charts have no other object that lies in no namespace.
            "clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}],
        },
    }


# One ApplicationSet


def _set_file(deployment: Deployment, applications: list[Application]) -> str:
    steps = _steps(deployment, applications) if deployment.gitops.argocd.progressive_syncs else []
    note = _STEPS_NOTE if steps else _NO_STEPS_NOTE
    return file_text("argocd", _application_set(deployment, applications, steps), about=note)


def _application_set(deployment: Deployment, applications: list[Application], steps: list[dict[str, Any]]) -> Manifest:
    argocd = deployment.gitops.argocd
    keys = sorted({key for one in applications for key in one.destination})
    template = Application(
        **{field.name: f"{{{{ .{field.name} }}}}" for field in fields(Application) if field.name != "destination"},
        destination={key: f"{{{{ .{_PARAMETER[key]} }}}}" for key in keys},
    )
    return {
        "apiVersion": _API,
        "kind": "ApplicationSet",
        "metadata": {"name": argocd.project, "namespace": argocd.namespace},
        "spec": {
            "goTemplate": True,
            "goTemplateOptions": ["missingkey=error"],
            "generators": [{"list": {"elements": [_element(deployment, one, keys) for one in applications]}}],
            **({"strategy": {"type": "RollingSync", "rollingSync": {"steps": steps}}} if steps else {}),
            "syncPolicy": {"preserveResourcesOnDeletion": True},
            "template": {
                "metadata": metadata_of(deployment, template, "{{ .sync }}"),
                "spec": spec_of(deployment, template),
            },
            "templatePatch": _PATCH,
        },
    }


def _element(deployment: Deployment, application: Application, destination_keys: Iterable[str]) -> dict[str, Any]:
    given = deployment.gitops.environment(application.environment)
    return {
        "name": application.name,
        "environment": application.environment,
        "kind": application.kind,
        # Where some clusters are known by name and some by server, an empty text is neither.
        **{_PARAMETER[key]: application.destination.get(key, "") for key in destination_keys},
        "namespace": application.namespace,
        "chart": application.chart,
        "component": application.component,
        "version": application.version,
        "sync": sync_of(deployment, application.environment),
        "prune": given.prune,
        "selfHeal": given.self_heal,
    }


def _steps(deployment: Deployment, applications: list[Application]) -> list[dict[str, Any]]:
    """A step for each kind of environment and component, in the order in which a version earns its trust."""
    synced = {(one.kind, one.component) for one in applications if sync_of(deployment, one.environment) == "automated"}
    return [
        {
            "matchExpressions": [
                {"key": key, "operator": "In", "values": [value]}
                for key, value in (
                    ("floe-charts/kind", kind),
                    ("app.kubernetes.io/component", component),
                    ("floe-charts/sync", "automated"),
                )
            ]
        }
        for kind in _KINDS
        for component in _COMPONENTS
        if (kind, component) in synced
    ]


# Applications in files


def _application_files(deployment: Deployment, applications: list[Application]) -> dict[str, str]:
    roots = [_root(deployment, name) for name in deployment.environments]
    refuse_equal_names(deployment, [one["metadata"]["name"] for one in roots] + [one.name for one in applications])
    files = {
        f"environments/{one.environment}/{one.chart}.yaml": file_text("argocd", _single(deployment, one))
        for one in applications
    }
    return {"environments.yaml": file_text("argocd", *roots, about=_ROOTS_NOTE), **files}


def _single(deployment: Deployment, application: Application) -> Manifest:
    given, sync = deployment.gitops.environment(application.environment), sync_of(deployment, application.environment)
    metadata, spec = metadata_of(deployment, application, sync), spec_of(deployment, application)
    wave = str(_COMPONENTS.index(application.component))
    annotations = {_WAVE: wave, **metadata["annotations"]}
    finalizers = {"finalizers": [FINALIZER]} if application.component == "jobs" else {}
    if sync == "automated":
        spec["syncPolicy"]["automated"] = {"prune": given.prune, "selfHeal": given.self_heal}
    return {
        "apiVersion": _API,
        "kind": "Application",
        "metadata": {
            **metadata,
            "namespace": deployment.gitops.argocd.namespace,
            "annotations": annotations,
            **finalizers,
        },
        "spec": spec,
    }


def _root(deployment: Deployment, environment: str) -> Manifest:
    """The Application above those of an environment.

    It is in the project ``default``: one that may write into Argo CD's own namespace is an administrator's.
    """
    gitops = deployment.gitops
    path = posixpath.normpath(f"{gitops.path}/{DIRECTORY}/environments/{environment}")
    return {
        "apiVersion": _API,
        "kind": "Application",
        "metadata": {
            "name": short_name(f"{gitops.argocd.project}.{environment}"),  # No chart's name has a dot in it.
            "namespace": gitops.argocd.namespace,
            "labels": {"app.kubernetes.io/part-of": gitops.argocd.project, "floe-charts/environment": environment},
        },
        "spec": {
            "project": "default",
            "source": {**git_repository(deployment), "path": path},
            "destination": {"server": _IN_CLUSTER, "namespace": gitops.argocd.namespace},
            # It writes Applications; whether these sync by themselves, each says.
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        },
    }
