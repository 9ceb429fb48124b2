"""The jobs' chart, rendered for a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.deployment import Deployment
from floe_charts.synth.jobs import synth_jobs
from floe_charts.verify.objects import RenderedObject
from tests.constructs.rendering import objects_of
from tests.synth.charts import WrittenChart

__all__ = ["STORE", "container_of", "env_of", "job_pod", "jobs_objects", "of_kind"]

STORE: list[dict[str, Any]] = [
    {kind: {"name": "floe-platform-object-store", "optional": True}} for kind in ("configMapRef", "secretRef")
]
"""Where a job's variables of the object store come from, first of all."""
Objects = dict[str, RenderedObject]


def jobs_objects(
    directory: Path,
    artifacts: Sequence[CompiledArtifacts],
    values: Mapping[str, Any] | None = None,
    *,
    deployment: Mapping[str, Any] | None = None,
    environment: str = "dev",
) -> Objects:
    """The objects of an environment; ``values`` are those of the part ``jobs`` in the deployment file."""
    file = {**(deployment or {}), **({"values": {"jobs": values}} if values else {})}
    parsed = Deployment.parse(file, source="floe-charts.yaml")
    chart = WrittenChart(synth_jobs(artifacts, parsed), directory, parsed)
    return objects_of(chart.whole(), chart.overlays[environment])


def of_kind(objects: Objects, kind: str) -> dict[str, Any]:
    """The objects of a kind, by name."""
    return {one.name: one.data for one in objects.values() if one.kind == kind}


def job_pod(objects: Objects, name: str) -> Any:
    """The spec of a CronJob's pods."""
    return of_kind(objects, "CronJob")[name]["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def container_of(objects: Objects, name: str) -> Any:
    """The container of a CronJob."""
    return job_pod(objects, name)["containers"][0]


def env_of(objects: Objects, name: str) -> dict[str, str]:
    """The plain variables of a CronJob's container."""
    return {one["name"]: one["value"] for one in container_of(objects, name)["env"]}
