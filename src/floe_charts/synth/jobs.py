"""``synth_jobs``: the charts of the data products' jobs, a pure function like :func:`~floe_charts.synth.synth`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.constructs.jobs.chart import FloeJobs, jobs_charts
from floe_charts.deployment import Deployment
from floe_charts.errors import ArtifactError, DeploymentError
from floe_charts.synth.files import ChartFiles
from floe_charts.synth.layering import JOBS, LayeredChart
from floe_charts.synth.overrides import Override

__all__ = ["VALUES_LIMIT", "JobsFiles", "synth_jobs"]

VALUES_LIMIT = 1_000_000
"""Most bytes of a values.yaml: Helm keeps values, chart and what it rendered in one Secret of 1 MiB at most."""


class JobsFiles(ChartFiles):
    """The files of the charts of jobs."""

    __slots__ = ("_layered", "environments", "notices")

    def __init__(self, layered: Sequence[LayeredChart], environments: Sequence[str]) -> None:
        """Made by :func:`synth_jobs`."""
        files: dict[str, str] = {}
        keep: list[str] = []
        for one in layered:
            root = one.chart.chart_name
            files |= {f"{root}/{path}": text for path, text in one.files().items()}
            others = [name for name in one.chart.deployment.environment_names if name not in one.chosen]
            keep += [f"{root}/values-{name}.yaml" for name in others]
        super().__init__(files, keep)
        self.environments: tuple[str, ...] = tuple(environments)
        """The environments whose overlays are among the files."""
        self.notices: tuple[str, ...] = tuple(
            dict.fromkeys(line for one in layered for line in one.chart.notices(one.served))
        )
        """What to look at, a line each."""
        self._layered = {one.chart.chart_name: one for one in layered}

    def final_values(self, environment: str, chart: str | None = None) -> dict[str, Any]:
        """The final values of an environment, of the chart of this name where there are several."""
        found = self._layered[chart] if chart is not None else next(iter(self._layered.values()))
        found.chart.deployment.environment(environment)
        return found.layers[environment].values


def synth_jobs(
    artifacts: Sequence[CompiledArtifacts],
    deployment: Deployment | None = None,
    *,
    environments: Sequence[str] | None = None,
    values: Sequence[Override | Mapping[str, Any]] = (),
    sets: Sequence[str] = (),
) -> JobsFiles:
    """The charts of the jobs of the data products in ``artifacts``; none where the deployment wants none.

    The arguments are those of :func:`~floe_charts.synth.synth`; of values, those that the charts have are taken: what
    stands under ``jobs``, and what all charts have in common, such as ``imageRegistry``.

    Raises :class:`ArtifactError` without artifacts or for one that is too large, :class:`ValuesError` for a value that
    is not declared or does not fit, :class:`DeploymentError` where the products are too many for the number of charts.
    """
    if not artifacts:
        raise ArtifactError("", "", "found no artifact, expected at least one")
    deployment = deployment or Deployment.default()
    chosen = list(dict.fromkeys(environments)) if environments is not None else list(deployment.environment_names)
    for name in chosen:
        deployment.environment(name)
    layered = [_layered(chart, values, sets, chosen) for chart in jobs_charts(artifacts, deployment)]
    files = JobsFiles(layered, chosen)
    _refuse_large(files, deployment)
    return files


def _layered(
    chart: FloeJobs, values: Sequence[Override | Mapping[str, Any]], sets: Sequence[str], chosen: Sequence[str]
) -> LayeredChart:
    own = {prop.name for prop in chart.properties()} | {JOBS}
    return LayeredChart(
        chart, chart.declared_values(), values=values, sets=sets, chosen=chosen, mine=lambda key: key in own
    )


def _refuse_large(files: JobsFiles, deployment: Deployment) -> None:
    sizes = {name: len(files[f"{name}/values.yaml"].encode()) for name in files.charts}
    largest = max(sizes.values(), default=0)
    if largest > VALUES_LIMIT:
        shards = deployment.jobs.shards
        wanted = next(2**power for power in range(1, 11) if 2**power * VALUES_LIMIT * 0.8 > largest * shards)
        raise DeploymentError(
            deployment.source,
            "jobs.shards",
            f"the data products make values of {largest / 1e6:.1f} MB in a chart, expected at most "
            f"{VALUES_LIMIT / 1e6:.0f} MB, as a Helm release holds no more",
            f"spread them over more charts: jobs.shards: {wanted}",
        )
