"""The cases of the jobs' chart, each with its deployment."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from typing import Any

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.deployment import Deployment
from floe_charts.synth.jobs import JobsFiles, synth_jobs
from tests.synth.cases import CANARY, TWO_ENVIRONMENTS, artifact, two_products

__all__ = ["JOBS_CASES", "jobs_of", "made_jobs", "minimal_product"]


def jobs_of(artifacts: list[CompiledArtifacts], deployment: Mapping[str, Any] | None = None) -> JobsFiles:
    """The charts of jobs, for a deployment file."""
    return synth_jobs(artifacts, Deployment.parse(deployment or {}, source="floe-charts.yaml"))


def minimal_product() -> CompiledArtifacts:
    """A product that has neither dbt nor ingestion, sends nothing and knows no secret, as contract 0.1.0 allows it."""
    product = artifact(
        metadata__product_name="bare",
        observability__lineage=False,
        observability__lineage_endpoint=None,
        observability__telemetry__enabled=False,
        plugins=None,
        dbt_profiles=None,
        transforms=None,
    )
    return product


def _two_products() -> list[CompiledArtifacts]:
    """Two products with credentials, of which one has targets, ingestion and its lineage elsewhere."""
    orders, billing = copy.deepcopy(two_products())
    output = {"type": "postgres", "password": CANARY, "user": "{{ env_var('ORDERS_USER') }}"}
    orders["dbt_profiles"] = {"orders": {"target": "dev", "outputs": {"dev": output, "prod": output}}}
    billing["observability"]["lineage_endpoint"] = "https://lineage.example.com/api/v1/lineage"
    billing["transforms"]["models"] = [{"name": "invoices", "compute": "duckdb", "tags": None}]
    return [CompiledArtifacts.parse(one, "artifact.json") for one in (orders, billing)]


_SMALL = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "100m", "memory": "128Mi"}}
_FULL = {
    **TWO_ENVIRONMENTS,
    "environments": {
        "dev": {"defaultSchedules": True},
        "prod": {
            "values": {
                "jobs": {
                    "timeZone": "Europe/Berlin",
                    "secrets": {"source": "external", "remotePrefix": "floe/"},
                    "products": {"billing": {"ingestion": {"schedule": "@hourly"}}},
                }
            }
        },
    },
    "values": {
        "imageRegistry": "registry.example.com",
        "commonLabels": {"team": "data"},
        "jobs": {
            "envSecrets": ["floe-platform-object-store"],
            "products": {
                "orders-eu": {
                    "image": {"registry": "ghcr.io", "repository": "acme/orders", "tag": "2.1.0"},
                    "dbt": {"schedule": "30 6 * * MON-FRI", "exclude": ["tag:slow"], "args": ["--full-refresh"]},
                    "custom": {
                        "export": {
                            "command": ["python", "-m", "export"],
                            "schedule": "0 7 * * *",
                            "suspend": True,
                            "image": {"registry": "ghcr.io", "repository": "acme/export", "tag": "1.2"},
                            "resources": _SMALL,
                        },
                        "check": {"command": ["true"]},
                    },
                },
            },
        },
    },
}

JOBS_CASES: dict[str, tuple[str, ...]] = {
    "jobs": ("dev", "test", "qa", "uat", "staging", "prod"),
    "jobs-two-products": ("dev", "prod"),
    "jobs-minimal": ("dev", "prod"),
}
"""The cases, with the environments of each."""


@functools.cache
def made_jobs(case: str) -> tuple[JobsFiles, Deployment]:
    """The chart of a case, and its deployment."""
    artifacts, file = {
        "jobs": ([CompiledArtifacts.example()], {}),
        "jobs-two-products": (_two_products(), _FULL),
        "jobs-minimal": ([minimal_product()], TWO_ENVIRONMENTS),
    }[case]
    deployment = Deployment.parse(file, source="floe-charts.yaml")
    return synth_jobs(artifacts, deployment), deployment
