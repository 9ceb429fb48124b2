"""What the data products say of themselves, as files that the platform's pods can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from floe_charts.constructs.minio.server import Minio
from floe_charts.constructs.network import MARQUEZ, MINIO, OTLP_GRPC, POLARIS, Endpoint
from floe_charts.constructs.object_store import ObjectStore
from floe_charts.constructs.part import PlatformPart
from floe_charts.helm import (
    DnsLabel,
    DnsName,
    EnvName,
    Field,
    HelmChart,
    Values,
    and_,
    each,
    matches,
    nonempty,
    not_,
    present,
    ternary,
    when,
    yaml_text,
)

__all__ = ["PRODUCTS_PATH", "DataProducts", "DataProductsValues", "ProductFacts", "ProductValues"]

PRODUCTS_PATH = "/etc/floe/products"
"""Where Dagster's pods see the files."""


@dataclass(frozen=True)
class ProductFacts:
    """What a data product's compiled artifacts say; None (or "") where they say nothing. Texts are free.

    ``credentials`` maps the path of each credential in the artifacts to the key that holds it in the Secret
    ``credentials_secret``; the credentials themselves are never here.
    """

    slug: str
    name: str
    version: str
    domain: str = ""
    mode: str | None = None
    source_hash: str | None = None
    catalog_uri: str | None = None
    warehouse: str | None = None
    scope: str | None = None
    storage_endpoint: str | None = None
    bucket: str | None = None
    region: str | None = None
    path_style: bool | None = None
    lineage_namespace: str | None = None
    lineage_endpoint: str | None = None
    otlp_endpoint: str | None = None
    otlp_protocol: str | None = None
    service_name: str | None = None
    models: tuple[str, ...] = ()
    default_compute: str | None = None
    data_retention_days: int | None = None
    credentials: Mapping[str, str] = field(default_factory=dict)
    credentials_secret: str | None = None

    def to_values(self) -> ProductValues:
        """The facts as values of the chart."""
        return ProductValues(
            name=self.name,
            version=self.version,
            domain=self.domain or None,
            mode=self.mode,
            source_hash=self.source_hash,
            default_compute=self.default_compute,
            models=list(self.models),
            data_retention_days=self.data_retention_days,
            catalog=CatalogFacts(uri=self.catalog_uri, warehouse=self.warehouse, scope=self.scope),
            storage=StorageFacts(
                endpoint=self.storage_endpoint, bucket=self.bucket, region=self.region, path_style=self.path_style
            ),
            lineage=LineageFacts(namespace=self.lineage_namespace, endpoint=self.lineage_endpoint),
            telemetry=TelemetryFacts(
                endpoint=self.otlp_endpoint, protocol=self.otlp_protocol, service_name=self.service_name
            ),
            credentials_secret=self.credentials_secret,
            credentials=_by_key(self.credentials),
        )


class CatalogFacts(Values):
    """The catalog that holds the product's tables."""

    uri: str | None = Field(None, description="Address of the catalog's REST API.")
    warehouse: str | None = Field(None, description="Name of the catalog in it.")
    scope: str | None = Field(None, description="OAuth2 scope of a session.")


class StorageFacts(Values):
    """The object store that holds the product's files."""

    endpoint: str | None = Field(
        None, description="Address of the S3 API; where it is a MinIO of this release that is off: objectStore's."
    )
    bucket: str | None = Field(None, description="Bucket.")
    region: str | None = Field(None, description="Region.")
    path_style: bool | None = Field(None, description="Whether the bucket's name stands in the path.")


class LineageFacts(Values):
    """Where the product's lineage goes."""

    namespace: str | None = Field(None, description="OpenLineage namespace of its jobs.")
    endpoint: str | None = Field(None, description="Address that takes its events.")


class TelemetryFacts(Values):
    """Where the product's telemetry goes."""

    endpoint: str | None = Field(None, description="OTLP address.")
    protocol: str | None = Field(None, description="OTLP protocol.")
    service_name: str | None = Field(None, description="service.name of its spans.")


class ProductValues(Values):
    """One data product."""

    name: str = Field("", description="Name of the product.")
    version: str = Field("", description="Version of the product.")
    domain: str | None = Field(None, description="Domain that the product belongs to.")
    mode: str | None = Field(None, description="Mode that it was compiled in.")
    source_hash: str | None = Field(None, description="Checksum of the sources that it was compiled from.")
    default_compute: str | None = Field(None, description="Compute engine of models that name none.")
    models: list[str] = Field([], description="Names of its models.")
    data_retention_days: Annotated[int, Ge(0)] | None = Field(None, description="Days that its data is kept.")
    catalog: CatalogFacts = Field(CatalogFacts())
    storage: StorageFacts = Field(StorageFacts())
    lineage: LineageFacts = Field(LineageFacts())
    telemetry: TelemetryFacts = Field(TelemetryFacts())
    credentials_secret: DnsName | None = Field(None, description="Secret with the product's credentials.")
    credentials: dict[EnvName, list[str]] = Field(
        {}, description="Keys of the Secret, and where in the artifacts their values belong."
    )


class DataProductsValues(Values):
    """The data products on the platform, as their compiled artifacts describe them."""

    by_name: dict[DnsLabel, ProductValues] = Field({}, description="Facts by product; each becomes <product>.yaml.")


class DataProducts(PlatformPart[DataProductsValues]):
    """A ConfigMap ``<fullname>-products`` with a file ``<slug>.yaml`` per data product; Dagster's pods mount it.

    Nothing in the chart reads the files; they are there for the code of the data products. A product whose store is a
    MinIO that an environment switches off keeps its files in the platform's :class:`ObjectStore` there: the file names
    that one's endpoint (none for AWS S3), region and path style. An address of a catalog, of lineage or of telemetry
    that is a part of the release is left out where that part is switched off.
    """

    title: ClassVar[str] = "Data products"

    def __init__(
        self,
        chart: HelmChart,
        id: str = "products",
        products: Sequence[ProductFacts] = (),
        *,
        values: DataProductsValues | None = None,
    ) -> None:
        """``products`` become the default values, in the order of their slugs."""
        made = {fact.slug: fact.to_values() for fact in sorted(products, key=lambda fact: fact.slug)}
        super().__init__(chart, id, values or DataProductsValues(by_name=made))

    @property
    def config_map_name(self) -> str:
        """The ConfigMap's name as a literal, for values handed to a dependency."""
        return f"{self.chart.values.fullname_override}-products"

    def build(self, v: DataProductsValues) -> None:
        """The ConfigMap."""
        data = {
            **each(
                v.by_name,
                lambda slug, product: {f"{slug}.yaml": yaml_text(self._document(product))},
            )
        }
        self.add(self.config_map(self.name("products"), data))

    def _document(self, product: ProductValues) -> dict[str, Any]:
        facts = ("name", "version", "domain", "mode", "source_hash", "default_compute", "models", "data_retention_days")
        catalog, lineage, telemetry = product.catalog, product.lineage, product.telemetry
        return {
            **{key: getattr(product, key) for key in facts},
            "catalog": {
                "uri": self._unless_off(catalog.uri, POLARIS),
                **{key: getattr(catalog, key) for key in ("warehouse", "scope")},
            },
            "storage": self._storage(product.storage),
            "lineage": {
                "namespace": lineage.namespace,
                "endpoint": self._unless_off(lineage.endpoint, MARQUEZ),
            },
            "telemetry": {
                "endpoint": self._unless_off(telemetry.endpoint, OTLP_GRPC),
                **{key: getattr(telemetry, key) for key in ("protocol", "service_name")},
            },
            "credentials": {"secret": product.credentials_secret, "keys": product.credentials},
        }

    def _unless_off(self, url: str | None, service: Endpoint) -> Any:
        """An address, but that of a part of the release where it is switched off: there nothing answers to it."""
        component = self.chart.components.get(service.suffix)  # These parts are called as their Service is.
        if component is None:
            return url
        own = matches(url, rf"^([a-z]+://)?{service.static_host(self.chart)}(:|/|$)")
        return when(and_(present(url), not_(and_(own, not_(component.refs.enabled)))), url)

    def _storage(self, storage: StorageFacts) -> dict[str, Any]:
        """Where the product's objects are: in the store that it names, unless that is a MinIO that is off."""
        own = {key: getattr(storage, key) for key in ("endpoint", "bucket", "region", "path_style")}
        store: ObjectStore | None = self.chart.component(ObjectStore)
        if store is None:
            return own
        minio: Minio | None = self.chart.component(Minio)
        named = matches(storage.endpoint, rf"^https?://{MINIO.static_host(self.chart)}(:|/|$)")
        absent = named if minio is None else and_(named, not_(minio.enabled))
        there = store.refs
        endpoint = ternary(absent, there.endpoint, storage.endpoint)
        return {
            **own,
            "endpoint": when(and_(present(endpoint), not_(and_(absent, not_(nonempty(there.endpoint))))), endpoint),
            "region": ternary(absent, there.region, storage.region),
            "path_style": ternary(absent, there.path_style, storage.path_style),
        }


def _by_key(credentials: Mapping[str, str]) -> dict[str, list[str]]:
    """The paths of each key of the Secret; one key may stand in several places."""
    keys = sorted(set(credentials.values()))
    return {key: sorted(path for path, found in credentials.items() if found == key) for key in keys}
