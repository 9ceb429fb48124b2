"""Deployments that the tests of GitOps share, and how their files are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from floe_charts.deployment import Deployment
from floe_charts.verify.engine import load
from tests.support import write_chart

REGISTRY = "ghcr.io/acme/charts"
REPOSITORY = {"url": "https://github.com/acme/platform.git"}
CASES: dict[str, dict[str, Any]] = {
    "default": {"registry": REGISTRY},
    "git": {
        "registry": REGISTRY,
        "values": "git",
        "repository": {**REPOSITORY, "revision": "release"},
        "path": "deploy/gitops",
        "podSecurity": "baseline",
        "environments": {
            "dev": {"version": ">=0.0.0-0", "selfHeal": False},
            "qa": {"version": "~0.1.0", "jobsVersion": "0.1.3+build.7", "sync": "manual", "prune": False},
            "prod": {"version": "0.1.0", "sync": "automated"},
        },
        "argocd": {
            "namespace": "gitops", "project": "data", "layout": "applications",
            "destinations": {"non-prod": "in-cluster", "prod": "https://prod.acme.example:6443"},
        },
        "flux": {"source": "platform", "interval": "30m", "provider": "aws", "registrySecret": "registry"},
    },
}  # fmt: skip


def deployment(gitops: Mapping[str, Any], **more: Any) -> Deployment:
    return Deployment.parse({"gitops": gitops, **more}, source="floe-charts.yaml")


def objects(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(text))


def all_objects(files: Mapping[str, str]) -> list[dict[str, Any]]:
    return [one for text in files.values() for one in objects(text)]


def of_kind(files: Mapping[str, str], kind: str) -> list[dict[str, Any]]:
    return [one for one in all_objects(files) if one["kind"] == kind]


def expanded(application_set: Mapping[str, Any], directory: Path) -> list[dict[str, Any]]:
    """The Applications that the ApplicationSet makes: its templates rendered by the Go templates that Helm has too."""
    spec = application_set["spec"]
    template = yaml.safe_dump(spec["template"])
    files = {
        "template.yaml": f"{{{{ with .Values }}}}\n{template}{{{{ end }}}}",
        "patch.yaml": f"{{{{ with .Values }}}}\n{spec['templatePatch']}{{{{ end }}}}",
    }
    handle = load(write_chart(directory / "appset", files))
    found = []
    for element in spec["generators"][0]["list"]["elements"]:
        made = {Path(path).name: yaml.safe_load(text) for path, text in handle.render(element).items()}
        metadata = {**made["template.yaml"]["metadata"], "namespace": application_set["metadata"]["namespace"]}
        application = {**made["template.yaml"], "metadata": metadata}
        destination = application["spec"]["destination"]
        application["spec"]["destination"] = {key: text for key, text in destination.items() if text}
        found.append(
            merged(
                {"apiVersion": application_set["apiVersion"], "kind": "Application", **application}, made["patch.yaml"]
            )
        )
    return found


def merged(base: dict[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A merge patch of maps, as Argo CD applies ``templatePatch``."""
    result = dict(base)
    for key, value in patch.items():
        nested = isinstance(value, dict) and isinstance(base.get(key), dict)
        result[key] = merged(base[key], value) if nested else value
    return result
