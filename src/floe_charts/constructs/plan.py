"""What the artifacts and the deployment ask for: which parts exist, and the facts that shape them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from floe_charts.artifacts import (
    CompiledArtifacts,
)
from floe_charts.constructs.dagster.stack import CodeLocation
from floe_charts.constructs.object_store import ObjectStoreValues
from floe_charts.constructs.otel.collector_config import DEBUG, TelemetryExporter
from floe_charts.constructs.otel.flow import TelemetryFlow
from floe_charts.constructs.part import RequiredSecret
from floe_charts.constructs.polaris.plan import CatalogWish
from floe_charts.constructs.product import Product
from floe_charts.constructs.products import ProductFacts
from floe_charts.constructs.unanswered import listed
from floe_charts.deployment import Deployment
from floe_charts.errors import ArtifactError

__all__ = ["PlatformPlan", "plan_platform", "refuse_collisions"]


@dataclass(frozen=True)
class PlatformPlan:
    """Which parts the platform has, and what the artifacts say about them."""

    products: tuple[ProductFacts, ...]
    locations: tuple[CodeLocation, ...]
    exporters: tuple[TelemetryExporter, ...]
    flow: TelemetryFlow
    buckets: tuple[str, ...]
    credentials: tuple[RequiredSecret, ...]
    dagster: bool
    polaris: bool
    otel: bool
    marquez: bool
    minio: bool
    object_store: ObjectStoreValues | None
    catalog_wishes: tuple[CatalogWish, ...] = ()
    notices: tuple[str, ...] = field(default=())


def plan_platform(artifacts: Sequence[CompiledArtifacts], deployment: Deployment) -> PlatformPlan:
    """The plan for the data products in ``artifacts``; their order does not matter."""
    products = sorted(artifacts, key=lambda artifact: artifact.slug)
    refuse_collisions(products)
    wanted = deployment.components
    found = [Product(artifact, deployment.chart.fullname) for artifact in products]
    notices = [notice for product in found for notice in product.notices()]
    notices += _shared_keys(found)
    locations = tuple(product.location() for product in found if product.uses_dagster)
    notices += _shared_modules(locations)
    minio = _decide(wanted.minio.enabled, (product.uses_minio for product in found))
    return PlatformPlan(
        products=tuple(product.facts() for product in found),
        locations=locations,
        exporters=_distinct_exporters(found),
        flow=TelemetryFlow.largest([product.flow() for product in found if product.telemetry.enabled]),
        buckets=tuple(sorted({bucket for product in found for bucket in product.buckets})),
        credentials=tuple(secret for product in found for secret in product.credential_secrets()),
        dagster=_decide(wanted.dagster.enabled, (product.uses_dagster for product in found)),
        polaris=_decide(wanted.polaris.enabled, (product.uses_polaris for product in found)),
        otel=_decide(wanted.otel.enabled, (product.uses_otel for product in found)),
        marquez=_decide(wanted.marquez.enabled, (product.uses_marquez for product in found)),
        minio=minio,
        object_store=_object_store(found) or (ObjectStoreValues() if minio else None),
        catalog_wishes=tuple(product.catalog_wish() for product in found if product.uses_polaris),
        notices=tuple(dict.fromkeys(notices)),
    )


def refuse_collisions(artifacts: Sequence[CompiledArtifacts]) -> None:
    """Refuse two artifacts that would be one data product, of which one would be lost."""
    seen: dict[str, CompiledArtifacts] = {}
    for artifact in artifacts:
        other = seen.setdefault(artifact.slug, artifact)
        if other is not artifact:
            problem = f"{artifact.product_name} is the data product of {other.source or 'another artifact'} too"
            hint = "expected one artifact for each data product"
            raise ArtifactError(artifact.source, "metadata.product_name", problem, hint)


def _shared_keys(products: Sequence[Product]) -> Iterator[str]:
    """A line for each Secret key that two products name alike: in a run's environment there is room for one."""
    owners: dict[str, list[str]] = {}
    for product in products:
        for key in {product.secret_key(credential) for credential in product.credentials}:
            owners.setdefault(key, []).append(product.artifact.product_name)
    for key, names in sorted(owners.items()):
        if len(names) > 1:
            yield f"{listed(names)} share the environment variable {key}: give it one value in all their Secrets"


def _shared_modules(locations: Sequence[CodeLocation]) -> Iterator[str]:
    """A line for each module that two code locations load: their names differ in case or punctuation only."""
    owners: dict[str, list[str]] = {}
    for location in locations:
        owners.setdefault(location.module, []).append(location.name)
    for module, names in sorted(owners.items()):
        if len(names) > 1:
            yield f"{listed(names)} load the same module {module} in Dagster: set workspace.locations.*.module"


def _decide(wish: bool | None, uses: Iterable[bool]) -> bool:
    return any(uses) if wish is None else wish


def _object_store(products: Sequence[Product]) -> ObjectStoreValues | None:
    """The store that the products name, the first of them where they differ; None where none uses S3."""
    stores = [store for product in products if (store := product.object_store()) is not None]
    return next((store for store in stores if store.endpoint), stores[0] if stores else None)


def _distinct_exporters(products: Sequence[Product]) -> tuple[TelemetryExporter, ...]:
    """The exporters of all products; two that differ but share a name or a variable are told apart by a number."""
    distinct = dict.fromkeys(exporter for product in products for exporter in product.exporters())
    named: dict[str, TelemetryExporter] = {}
    variables: set[str] = set()
    for exporter in sorted(distinct, key=lambda found: (found.name, found.endpoint, found.header or ("", ""))):
        name, count = exporter.name, 2
        while name in named:
            name, count = f"{exporter.name}-{count}", count + 1
        header = exporter.header
        if header is not None:
            variable, count = header[1], 2
            while variable in variables:
                variable, count = f"{header[1]}_{count}", count + 1
            variables.add(variable)
            header = (header[0], variable)
        named[name] = replace(exporter, name=name, header=header)
    return tuple(named.values()) or (DEBUG,)
