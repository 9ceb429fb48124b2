"""The platform that ACME runs, and its chart."""

from __future__ import annotations

from pathlib import Path

from floe_charts import CompiledArtifacts, Deployment, FloePlatform, PlatformFiles, synth

from acme_platform.data_docs import DataDocs
from acme_platform.lineage_report import LineageReport
from acme_platform.marquez import AcmeMarquez

__all__ = ["ROOT", "AcmePlatform", "chart"]

ROOT = Path(__file__).resolve().parents[1]
"""This repository."""


class AcmePlatform(FloePlatform):
    """floe with a Marquez of our own, the data's documentation, and a report of the lineage."""

    part_classes = (AcmeMarquez,)

    def extend(self) -> None:
        DataDocs(self, "dataDocs")
        LineageReport(self, "lineageReport")


def chart() -> PlatformFiles:
    """The chart for the data products in ``artifacts/``, where ``floe-charts.yaml`` says."""
    artifacts = [CompiledArtifacts.load(path) for path in sorted((ROOT / "artifacts").glob("*.json"))]
    return synth(artifacts, Deployment.load(ROOT / "floe-charts.yaml"), platform=AcmePlatform)
