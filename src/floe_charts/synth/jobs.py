"""``synth_jobs``: the charts of the data products' jobs, a pure function like :func:`~floe_charts.synth.synth`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.constructs.environment_chart import EnvironmentChart
from floe_charts.constructs.jobs.chart import FloeJobs, jobs_charts
from floe_charts.constructs.jobs.plan import sketch_products
from floe_charts.constructs.part import Claim
from floe_charts.constructs.unanswered import listed
from floe_charts.deployment import Deployment
from floe_charts.errors import ArtifactError, DeploymentError
from floe_charts.synth.files import ChartFiles
from floe_charts.synth.layering import JOBS, LayeredChart
from floe_charts.synth.overrides import Override, merge_keeping_nulls
from floe_charts.synth.release_size import RELEASE_LIMIT, release_size

__all__ = ["VALUES_LIMIT", "JobsFiles", "claims_of_jobs", "synth_jobs"]

VALUES_LIMIT = 1_000_000
"""Most bytes of a values.yaml: Helm keeps values, chart and what it rendered in one Secret of 1 MiB at most."""

_NEARLY = 0.85
"""What is taken for a full release, for its size is estimated."""
_TEMPLATES = 45_000
_PRODUCTS = "products"
"""The key of the products below :data:`JOBS`."""


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
        seen = [line for one in layered for line in one.chart.notices(one.served)]
        self._layered = {one.chart.chart_name: one for one in layered}
        self.notices: tuple[str, ...] = tuple(dict.fromkeys((*seen, *self._large_releases(layered))))
        """What to look at, a line each."""

    def _large_releases(self, layered: Sequence[LayeredChart]) -> Iterator[str]:
        """A line where Helm could not keep the release of a chart: that of the largest."""
        shards = len(layered)
        sizes = {one.chart.chart_name: self._release_size(one.chart) for one in layered}
        name = max(sizes, key=lambda one: sizes[one], default="")
        limit = _NEARLY * RELEASE_LIMIT
        if not name or sizes[name] <= limit:
            return
        alone = self._too_large_alone(name, limit)
        advice = (
            f", and {listed(alone)} alone too much for any chart: compile without data_contracts and quality_config, "
            "or split the data product"
            if alone
            else f": spread the products over more charts, jobs.shards: {_more_shards(shards, sizes[name], limit)}"
        )
        yield (
            f"{name}: a release takes about {sizes[name] / 1e6:.1f} MB with the products' artifacts, and Helm and Flux "
            f"keep 1 MB (Argo CD keeps none){advice}"
        )

    def _release_size(self, chart: EnvironmentChart) -> int:
        root = chart.chart_name
        texts = [self[f"{root}/{path}"] for path in chart.extra_files()]
        return _size(texts, len(self[f"{root}/values.yaml"]))

    def _too_large_alone(self, chart: str, limit: float) -> list[str]:
        """The keys of the products of a chart that would be too large for a release without any other."""
        texts: dict[str, list[str]] = {}
        for path in self._layered[chart].chart.extra_files():
            texts.setdefault(path.split("/")[1], []).append(self[f"{chart}/{path}"])
        # What is shorter than a third cannot be too large: it is there twice, in base 64.
        return [key for key, own in texts.items() if sum(map(len, own)) > limit / 3 and _size(own, 0) > limit]

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
    stands under ``jobs``, what all charts have in common, such as ``imageRegistry``, and which of the platform's parts
    are switched off.

    Raises :class:`ArtifactError` without artifacts or for one that is too large, :class:`ValuesError` for a value that
    is not declared or does not fit, :class:`DeploymentError` where the products are too many for the number of charts.
    """
    if not artifacts:
        raise ArtifactError("", "", "found no artifact, expected at least one")
    deployment = deployment or Deployment.default()
    chosen = list(dict.fromkeys(environments)) if environments is not None else list(deployment.environment_names)
    for name in chosen:
        deployment.environment(name)
    charts = jobs_charts(artifacts, deployment)
    known = frozenset(product.key for chart in charts for product in chart.products)
    layered = [_layered(chart, known, values, sets, chosen) for chart in charts]
    if not charts:
        # Values are checked all the same; an artifact that no ConfigMap holds may be why no chart is wanted.
        with suppress(ArtifactError):
            _layered(FloeJobs(artifacts, deployment), known, values, sets, chosen)
    files = JobsFiles(layered, chosen)
    _refuse_large(files, deployment)
    return files


def claims_of_jobs(
    artifacts: Sequence[CompiledArtifacts],
    deployment: Deployment,
    *,
    values: Sequence[Override | Mapping[str, Any]],
    sets: Sequence[str],
    chosen: Sequence[str],
) -> Callable[[str], Sequence[Claim]]:
    """What the jobs of the data products ask of the namespace of an environment, given by its name.

    Raises :class:`ValuesError` as :func:`synth_jobs` does.
    """
    if not deployment.jobs.enabled:
        return lambda environment: ()
    chart = FloeJobs(artifacts, deployment, plan=sketch_products)
    layered = _layered(chart, (), values, sets, chosen)
    return lambda environment: chart.jobs.claims(layered.layers.get(environment, layered.base).values[JOBS])


def _layered(
    chart: FloeJobs,
    known: Collection[str],
    values: Sequence[Override | Mapping[str, Any]],
    sets: Sequence[str],
    chosen: Sequence[str],
) -> LayeredChart:
    """``chart`` with its values; ``known`` are the keys of the products of all charts."""
    own = {prop.name for prop in chart.properties()} | {JOBS}
    elsewhere = set(known) - {product.key for product in chart.products}

    def mine(given: Mapping[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in given.items() if key in own}
        jobs = kept.get(JOBS)
        followed = chart.follow(given)
        if followed and (jobs is None or isinstance(jobs, Mapping)):
            kept[JOBS] = jobs = merge_keeping_nulls(followed, jobs or {})
        if isinstance(jobs, Mapping) and isinstance(products := jobs.get(_PRODUCTS), Mapping):
            kept[JOBS] = {**jobs, _PRODUCTS: {key: one for key, one in products.items() if key not in elsewhere}}
        return kept

    return LayeredChart(chart, chart.declared_values(), values=values, sets=sets, chosen=chosen, mine=mine)


def _size(texts: Sequence[str], values: int) -> int:
    """The size of a release of products with these files and ``values`` characters of values."""
    # The files become ConfigMaps as they are; the rest is alike from product to product.
    return release_size(texts, texts, _TEMPLATES + values // 10)


def _more_shards(shards: int, size: int, limit: float) -> int:
    """The number of charts, a power of two, of which none is too large if now ``shards`` are of ``size`` at most."""
    return next((2**power for power in range(1, 10) if 2**power * limit * 0.8 > size * shards), 1024)


def _refuse_large(files: JobsFiles, deployment: Deployment) -> None:
    sizes = {name: len(files[f"{name}/values.yaml"].encode()) for name in files.charts}
    largest = max(sizes.values(), default=0)
    if largest > VALUES_LIMIT:
        shards = deployment.jobs.shards
        wanted = _more_shards(shards, largest, VALUES_LIMIT)
        raise DeploymentError(
            deployment.source,
            "jobs.shards",
            f"the data products make values of {largest / 1e6:.1f} MB in a chart, expected at most "
            f"{VALUES_LIMIT / 1e6:.0f} MB, as a Helm release holds no more",
            f"spread them over more charts: jobs.shards: {wanted}",
        )
