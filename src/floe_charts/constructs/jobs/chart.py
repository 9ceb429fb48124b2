"""The chart of the data products' jobs, or one of several that they are spread over."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Annotated, Any

import pydantic
from pydantic import create_model

from floe_charts.artifacts import CompiledArtifacts, distinct_slugs
from floe_charts.constructs.environment_chart import EnvironmentChart, PlatformValues, newest_floe
from floe_charts.constructs.jobs.declared import DeclaredJobs
from floe_charts.constructs.jobs.notices import notices
from floe_charts.constructs.jobs.plan import ProductPlan, plan_products
from floe_charts.constructs.jobs.product_jobs import PRODUCTS, DataProductJobs
from floe_charts.constructs.jobs.readme import checks, readme_sections
from floe_charts.constructs.jobs.values import JobsValues, PlatformParts, ProductJobs
from floe_charts.constructs.network import MARQUEZ, OTLP_GRPC, POLARIS
from floe_charts.constructs.surroundings.helm_tests import HelmTests
from floe_charts.deployment import Deployment, Environment
from floe_charts.helm import DnsLabel, OneOf
from floe_charts.helm.checking import DeclaredValues
from floe_charts.helm.layers import merge
from floe_charts.helm.provided import ProvidedObject

__all__ = ["FloeJobs", "jobs_charts"]


class FloeJobs(EnvironmentChart):
    """The jobs of some data products."""

    def __init__(
        self,
        artifacts: Sequence[CompiledArtifacts],
        deployment: Deployment | None = None,
        *,
        shard: int = 0,
        plan: Callable[[Sequence[CompiledArtifacts], Deployment], tuple[ProductPlan, ...]] = plan_products,
    ) -> None:
        """``artifacts`` are the data products; of several charts (``jobs.shards``) this is number ``shard``, from 1.

        ``plan`` says what there is of them; with :func:`~floe_charts.constructs.jobs.plan.sketch_products` the chart is
        good for its values alone.
        Raises :class:`~floe_charts.errors.ArtifactError` for an artifact that no ConfigMap holds.
        """
        self.deployment = deployment or Deployment.default()
        self.artifacts = tuple(sorted(distinct_slugs(artifacts), key=lambda artifact: artifact.slug))
        info = self.deployment.jobs
        ending = f"-{shard}" if shard else ""
        self.products: tuple[ProductPlan, ...] = plan(self.artifacts, self.deployment)
        self.product_names = {product.key: product.values.name for product in self.products}
        """The names of the products by their keys; of several charts those of all."""
        super().__init__(
            f"{info.name}{ending}",
            version=info.version,
            app_version=newest_floe(self.artifacts),
            description="Jobs of floe's data products on Kubernetes.",
            values=PlatformValues(fullname_override=f"{info.fullname}{ending}"),
            fixed_fullname=True,
            generator="`floe-charts synth`",
            keywords=("floe", "data-platform", "dbt"),
            icon="https://github.com/Obsidian-Owl.png",
        )
        values = _values_class(tuple(product.key for product in self.products))(
            products={product.key: product.values for product in self.products},
            launchers=list(_launchers(self.deployment, self.products)),
            platform=PlatformParts(**{part: self._exists(part) for part in PlatformParts.model_fields}),
            object_store=_object_store(self.deployment, self.products),
        )
        self.jobs = DataProductJobs(self, platform=self.deployment.chart, values=values)
        if asked := checks(self):
            HelmTests(self, checks=asked)
        self.readme_sections += readme_sections(self)

    def extra_files(self) -> Mapping[str, str]:
        """The files of each product."""
        return {
            f"{PRODUCTS}/{product.key}/{name}{'.gz.b64' if product.files.compressed else ''}": text
            for product in self.products
            for name, text in product.files.texts.items()
        }

    def environment_values(self, environment: Environment, name: str) -> dict[str, Any]:
        """What the parts say; the targets of products whose profiles have others; schedules where they are wished."""
        layer = super().environment_values(environment, name)
        target = layer[self.jobs.id]["dbt"]["target"]
        products: dict[str, Any] = {}
        for product in self.products:
            own = product.target(name, environment.kind, target)
            dbt = {"target": own} if own != target else {}
            if environment.default_schedules and product.default_schedule:
                dbt["schedule"] = product.default_schedule
            if dbt and product.values.dbt is not None:
                products[product.key] = {"dbt": dbt}
        return merge(layer, {self.jobs.id: {"products": products}}) if products else layer

    def declared_values(self) -> DeclaredValues:
        """Those of every chart, which knows besides which jobs the artifacts resolve."""
        return DeclaredJobs(self._schema_request(), self.jobs.id, self.products, self.product_names)

    def follow(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What ``given`` values of the platform say to the jobs, as values of theirs: which parts there are."""
        switches = {part: _switch(given, part) for part in PlatformParts.model_fields}
        parts = {part: on for part, on in switches.items() if on is not None}
        return {"platform": parts} if parts else {}

    def _exists(self, part: str) -> bool:
        """Whether the platform has a part, as far as the deployment file's components say."""
        return getattr(self.deployment.components, part).enabled is not False

    def _is_somewhere(self, part: str) -> bool:
        """Whether a part of the platform is there, where nothing is said of an environment or in one of them."""
        everywhere = _switch(self.deployment.values, part)
        own = [_switch(one.values, part) for one in self.deployment.environments.values()]
        return self._exists(part) and (everywhere is not False or any(own))

    def provided_objects(self) -> list[ProvidedObject]:
        """What the platform's release provides: the Secrets with credentials, its Services, who starts jobs.

        And the Secrets to pull images with.
        """
        products = [product.values for product in self.products]
        served = {
            OTLP_GRPC: any(product.service_name for product in products),
            MARQUEZ: any(product.lineage_namespace and not product.lineage_url for product in products),
            POLARIS: any(product.uses_polaris for product in self.products),
        }
        platform = self.deployment.chart.fullname
        return [
            *(
                ProvidedObject("Secret", product.credentials_secret, tuple(product.credentials or ()))
                for product in products
                if product.credentials_secret is not None
            ),
            *(
                ProvidedObject("Service", f"{platform}-{one.suffix}")
                for one, asked in served.items()
                if asked and self._is_somewhere(one.suffix)
            ),
            *(ProvidedObject("ServiceAccount", name) for name in self.jobs.values.launchers),
            *self.pulled_secrets(),
        ]

    def notices(self, served: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Those of the parts and of the products."""
        return [*super().notices(served), *notices(self, served)]


def jobs_charts(artifacts: Sequence[CompiledArtifacts], deployment: Deployment) -> list[FloeJobs]:
    """The charts of jobs that ``deployment`` wants; a product is in the one that a hash of its name says.

    A product stays where it is whatever others come and go, as long as the number of charts is the same.
    """
    shards = deployment.jobs.shards
    if not deployment.jobs.enabled:
        return []
    if shards == 1:
        return [FloeJobs(artifacts, deployment)]
    spread: dict[int, list[CompiledArtifacts]] = {one: [] for one in range(1, shards + 1)}
    for artifact in distinct_slugs(artifacts):
        digest = hashlib.sha256(artifact.product_name.encode()).digest()
        spread[int.from_bytes(digest[:8], "big") % shards + 1].append(artifact)
    charts = [FloeJobs(found, deployment, shard=one) for one, found in spread.items()]
    names = {key: name for chart in charts for key, name in chart.product_names.items()}
    for chart in charts:
        chart.product_names = names
    return charts


@cache
def _values_class(keys: tuple[str, ...]) -> type[JobsValues]:
    """The values whose products are those of ``keys``: of no other one there are files."""
    known: Any = Annotated[DnsLabel, OneOf(keys)] if keys else DnsLabel
    most = None if keys else 0
    field: Any = pydantic.Field({}, max_length=most, description=JobsValues.model_fields["products"].description)
    return create_model(
        "JobsValues", __base__=JobsValues, __doc__=JobsValues.__doc__, products=(dict[known, ProductJobs], field)
    )


def _switch(values: Mapping[str, Any], part: str) -> bool | None:
    """What ``values``, which nobody has checked yet, say of a part of the platform: on, off, or nothing."""
    own = values.get(part)
    enabled = own.get("enabled") if isinstance(own, Mapping) else None
    return enabled if isinstance(enabled, bool) else None


def _object_store(deployment: Deployment, products: Sequence[ProductPlan]) -> str | None:
    """The name that ConfigMap and Secret of the platform's object store have by default, where a product uses one."""
    used = any(product.uses_object_store for product in products)
    return f"{deployment.chart.fullname}-object-store" if used else None


def _launchers(deployment: Deployment, products: Sequence[ProductPlan]) -> list[str]:
    """The ServiceAccounts of Dagster's runs, where the platform has Dagster."""
    dagster = deployment.components.dagster
    if dagster.enabled is False or not any(product.uses_dagster for product in products):
        return []
    ending = "dagster-run" if dagster.strategy == "native" else "dagster-chart"
    return [f"{deployment.chart.fullname}-{ending}"]
