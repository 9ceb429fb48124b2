"""floe-charts: Helm charts for the floe data platform, generated from typed Python constructs.

    from floe_charts import CompiledArtifacts, Deployment, FloePlatform, synth

    files = synth(artifacts=[CompiledArtifacts.load("compiled_artifacts.json")], deployment=Deployment.default())
    files.write("charts")

The language to write constructs of one's own is :mod:`floe_charts.helm`; it does not need the rest, so that these names
are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from floe_charts.artifacts import CompiledArtifacts
    from floe_charts.constructs import DataProductJobs, FloeJobs, FloePlatform
    from floe_charts.deployment import Deployment
    from floe_charts.errors import FloeChartsError
    from floe_charts.synth.jobs import JobsFiles, synth_jobs
    from floe_charts.synth.synthesis import PlatformFiles, synth

__all__ = [
    "CompiledArtifacts",
    "DataProductJobs",
    "Deployment",
    "FloeChartsError",
    "FloeJobs",
    "FloePlatform",
    "JobsFiles",
    "PlatformFiles",
    "synth",
    "synth_jobs",
]

_HOMES = {
    "CompiledArtifacts": "floe_charts.artifacts",
    "DataProductJobs": "floe_charts.constructs",
    "Deployment": "floe_charts.deployment",
    "FloeChartsError": "floe_charts.errors",
    "FloeJobs": "floe_charts.constructs",
    "FloePlatform": "floe_charts.constructs",
    "JobsFiles": "floe_charts.synth",
    "PlatformFiles": "floe_charts.synth",
    "synth_jobs": "floe_charts.synth",
}


def __getattr__(name: str) -> Any:
    if name == "synth":  # The room, which can be called like the function in it.
        return import_module("floe_charts.synth")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'floe_charts' has no attribute {name!r}")
