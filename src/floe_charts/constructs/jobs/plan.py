"""What the artifacts say of the jobs of each data product."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from floe_charts.artifacts import CompiledArtifacts, ResolvedModel, public_text
from floe_charts.constructs.jobs.files import SCRATCH, ProductFiles, product_files
from floe_charts.constructs.jobs.schedule import is_schedule
from floe_charts.constructs.jobs.values import CUSTOM_NAME_LENGTH, DbtJob, IngestionJob, ProductJobs
from floe_charts.constructs.plan import refuse_collisions
from floe_charts.constructs.product import Product
from floe_charts.deployment import Deployment, EnvironmentKind

__all__ = ["ProductPlan", "plan_products", "sketch_products"]

_CRON_JOB_NAME = 52
"""Longest name of a CronJob: Kubernetes adds eleven characters for its Jobs."""
_SHARD = len("-1024")
"""What the number of one of several charts takes in a name; kept free always, so that no key depends on it."""
_WRITABLE = ("/tmp", SCRATCH)
# In this order the targets of a profile are tried, after the environment's own name.
_TARGETS: dict[EnvironmentKind, tuple[str, ...]] = {
    "development": ("dev",),
    "test": ("test", "ci", "dev"),
    "staging": ("staging",),
    "production": ("prod", "production"),
}


@dataclass(frozen=True)
class ProductPlan:
    """A data product: its key among the values, its entry there, its files, and the targets of its dbt profile."""

    key: str
    values: ProductJobs
    files: ProductFiles
    targets: tuple[str, ...]
    default_target: str | None
    default_schedule: str | None
    source: str
    """The file of its artifact."""
    databases: tuple[str, ...]
    """Files of DuckDB that its profile has where jobs can write only with a volume of somebody's own."""
    uses_dagster: bool
    uses_polaris: bool
    uses_object_store: bool
    unusable_schedule: str | None
    """A line on a default schedule that is none."""

    def own_target(self, environment: str, kind: EnvironmentKind) -> str | None:
        """The target that the profile has for an environment."""
        return next((one for one in (environment, *_TARGETS[kind]) if one in self.targets), None)

    def target(self, environment: str, kind: EnvironmentKind, usual: str) -> str:
        """The target of the profile for an environment; ``usual`` where the profile says nothing."""
        return self.own_target(environment, kind) or self.default_target or usual

    def unwritable(self, mounts: Collection[str]) -> Iterator[str]:
        """Those of :attr:`databases` that lie in no volume mounted at ``mounts``."""
        return (path for path in self.databases if not any(path.startswith(f"{mount}/") for mount in mounts))


def plan_products(artifacts: Sequence[CompiledArtifacts], deployment: Deployment) -> tuple[ProductPlan, ...]:
    """The plans of ``artifacts`` beside the platform of ``deployment``.

    Keys are shortened so that CronJobs get names. Raises :class:`~floe_charts.errors.ArtifactError` for an artifact
    that no ConfigMap holds, and for a second one of a data product.
    """
    refuse_collisions(artifacts)
    longest = _longest_key(deployment)
    return tuple(_plan(artifact, deployment, longest) for artifact in artifacts)


def sketch_products(artifacts: Sequence[CompiledArtifacts], deployment: Deployment) -> tuple[ProductPlan, ...]:
    """The plans of ``artifacts`` as far as they say which jobs there are: no files, facts and credentials.

    It takes a tenth of the time of :func:`plan_products`.
    """
    longest = _longest_key(deployment)
    return tuple(
        ProductPlan(
            key=_key(artifact.slug, longest),
            values=ProductJobs(name=artifact.product_name, **_resolved_jobs(artifact)),
            files=ProductFiles({}, compressed=False),
            targets=(),
            default_target=None,
            default_schedule=None,
            source=artifact.source,
            databases=(),
            uses_dagster=False,
            uses_polaris=False,
            uses_object_store=False,
            unusable_schedule=None,
        )
        for artifact in artifacts
    )


def _longest_key(deployment: Deployment) -> int:
    return _CRON_JOB_NAME - len(deployment.jobs.fullname) - _SHARD - CUSTOM_NAME_LENGTH - 2


def _resolved_jobs(artifact: CompiledArtifacts) -> dict[str, Any]:
    """The kinds of jobs that an artifact resolves, as values of its product."""
    return {
        "dbt": DbtJob(select=_selectors(artifact)) if artifact.dbt_profiles is not None else None,
        "ingestion": IngestionJob() if artifact.plugin("ingestion") is not None else None,
    }


def _plan(artifact: CompiledArtifacts, deployment: Deployment, longest: int) -> ProductPlan:
    product = Product(artifact, deployment.chart.fullname)
    facts = product.facts()
    files = product_files(artifact, facts.credentials)
    targets, default_target = _targets(artifact)
    orchestrator = artifact.plugin("orchestrator")
    schedule = (orchestrator.config or {}).get("default_schedule") if orchestrator is not None else None
    usable = isinstance(schedule, str) and is_schedule(schedule)
    elsewhere = None if product.uses_marquez else _base(product.lineage_url)
    values = ProductJobs(
        name=facts.name,
        version=facts.version,
        compressed=True if files.compressed else None,
        credentials_secret=facts.credentials_secret,
        credentials=sorted(set(facts.credentials.values())) or None,
        service_name=facts.service_name if product.uses_otel else None,
        lineage_namespace=facts.lineage_namespace if product.uses_marquez or elsewhere else None,
        lineage_url=elsewhere,
        lineage_variable=_lineage_variable(product, facts.credentials, elsewhere),
        **_resolved_jobs(artifact),
    )
    where = f"{artifact.source}: plugins.orchestrator.config.default_schedule"
    return ProductPlan(
        _key(artifact.slug, longest),
        values,
        files,
        targets,
        default_target,
        schedule if isinstance(schedule, str) and usable else None,
        artifact.source,
        tuple(sorted(set(_databases(artifact)))),
        product.uses_dagster,
        product.uses_polaris,
        product.object_store() is not None,
        f"{where} is none that a CronJob takes, and its job has no schedule" if schedule and not usable else None,
    )


def _lineage_variable(product: Product, credentials: Mapping[str, str], elsewhere: str | None) -> str | None:
    """The Secret's key of the API key that the product's backend of lineage has, where its lineage goes to that one."""
    backend = product.endpoints.get("plugins.lineage_backend.config.url")
    here = product.uses_marquez or (elsewhere and (backend is None or backend.host == urlsplit(elsewhere).hostname))
    return credentials.get("plugins.lineage_backend.config.api_key") if here else None


def _selectors(artifact: CompiledArtifacts) -> list[str] | None:
    """dbt's selectors of the product's models: their tags, and the names of those without."""
    models = artifact.transforms.models if artifact.transforms is not None else []
    return sorted({selector for model in models for selector in _selectors_of(model) if selector}) or None


def _selectors_of(model: ResolvedModel) -> list[str]:
    tags = [public_text(tag) for tag in model.tags or []]
    # In dbt's syntax a space or a comma is between two selectors.
    return [f"tag:{tag}" for tag in tags if re.fullmatch(r"[^\s,]+", tag)] or [public_text(model.name)]


def _targets(artifact: CompiledArtifacts) -> tuple[tuple[str, ...], str | None]:
    """The targets of the product's dbt profile, and the one that it takes by itself."""
    profile = _profile(artifact)
    targets, target = tuple(profile.get("outputs", ())), profile.get("target")
    if target not in targets:  # Maybe dbt is to read it from a variable.
        target = targets[0] if len(targets) == 1 else None
    return targets, target


def _databases(artifact: CompiledArtifacts) -> Iterator[str]:
    """The files of DuckDB in the product's dbt profile that lie in no directory where jobs can write by themselves."""
    for output in _profile(artifact).get("outputs", {}).values():
        path = output.get("path") if isinstance(output, dict) and output.get("type") == "duckdb" else None
        # With a colon it is no file but a database in memory or a service; a variable's value nobody knows.
        if isinstance(path, str) and not re.search(r":|{{", path) and posixpath.dirname(path) not in _WRITABLE:
            yield public_text(path)


def _profile(artifact: CompiledArtifacts) -> Mapping[str, Any]:
    """The product's dbt profile, the first that has outputs; an empty one where there is none."""
    found = (artifact.dbt_profiles or {}).values()
    return next((one for one in found if isinstance(one, dict) and isinstance(one.get("outputs"), dict)), {})


def _base(url: str | None) -> str | None:
    """An address as clients of OpenLineage join it with the path of the API: they replace what is behind the last /."""
    return f"{url}/" if url and urlsplit(url).path.strip("/") else url


def _key(slug: str, longest: int) -> str:
    """The product's key; a long one ends in a hash of the whole."""
    if len(slug) <= longest:
        return slug
    return f"{slug[: longest - 9].rstrip('-')}-{hashlib.sha256(slug.encode()).hexdigest()[:8]}"
