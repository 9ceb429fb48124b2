"""One data product: what its compiled artifacts and the deployment say of the platform that it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import ValidationError

from floe_charts.artifacts import (
    ArtifactEndpoint,
    CompiledArtifacts,
    Credential,
    find_credentials,
    find_endpoints,
    public_text,
)
from floe_charts.constructs.dagster.stack import CodeLocation
from floe_charts.constructs.minio.buckets import is_bucket_name
from floe_charts.constructs.object_store import ObjectStoreValues
from floe_charts.constructs.otel.collector_config import DEBUG, SIGNALS, ExporterKind, Signal, TelemetryExporter
from floe_charts.constructs.otel.flow import TelemetryFlow
from floe_charts.constructs.part import RequiredSecret, SecretKey
from floe_charts.constructs.polaris.plan import CatalogWish
from floe_charts.constructs.products import ProductFacts
from floe_charts.errors import ArtifactError, DeclarationError, shorten

__all__ = ["Product"]

_OAUTH2 = "plugins.catalog.config.oauth2"


class Product:
    """One artifact, and what it asks of the platform."""

    def __init__(self, artifact: CompiledArtifacts, fullname: str) -> None:
        """``fullname`` is that of the platform's chart."""
        self.artifact = artifact
        self.fullname = fullname
        self.credentials: list[Credential] = find_credentials(artifact)
        self.endpoints = {endpoint.field: endpoint for endpoint in find_endpoints(artifact)}
        self.telemetry = artifact.observability.telemetry

    # Which parts

    @property
    def uses_dagster(self) -> bool:
        """Whether Dagster runs it."""
        return self._type("orchestrator") == "dagster"

    @property
    def uses_polaris(self) -> bool:
        """Whether its tables are in the platform's catalog."""
        return self._type("catalog") == "polaris" and not self._outside("plugins.catalog.config.uri")

    @property
    def uses_otel(self) -> bool:
        """Whether it sends telemetry."""
        return self.telemetry.enabled

    @property
    def uses_marquez(self) -> bool:
        """Whether its lineage goes to the platform."""
        observability = self.artifact.observability
        backend = self._type("lineage_backend")
        if not observability.lineage or observability.lineage_transport in ("console", "noop"):
            return False
        outside = self._outside("observability.lineage_endpoint") or self._outside("plugins.lineage_backend.config.url")
        return backend in (None, "marquez") and not outside

    @property
    def lineage_url(self) -> str | None:
        """The server outside that takes its lineage by HTTP, without the path of its API."""
        observability = self.artifact.observability
        endpoint = self.endpoints.get("observability.lineage_endpoint")
        if not observability.lineage or observability.lineage_transport in ("console", "noop") or endpoint is None:
            return None
        return endpoint.url.removesuffix("/").removesuffix("/api/v1/lineage") if _is_outside(endpoint) else None

    @property
    def uses_minio(self) -> bool:
        """Whether it names an object store inside the cluster."""
        endpoint = self.endpoints.get("plugins.storage.config.endpoint")
        return self._type("storage") == "s3" and endpoint is not None and not _is_outside(endpoint)

    @property
    def buckets(self) -> tuple[str, ...]:
        """The buckets that it needs there."""
        bucket = self._text("storage", "bucket")
        return (bucket,) if self.uses_minio and bucket and is_bucket_name(bucket) else ()

    def object_store(self) -> ObjectStoreValues | None:
        """The store that the artifact names, its address only where that is outside the cluster."""
        if self._type("storage") != "s3":
            return None
        given: dict[str, object] = {}
        endpoint, region = self.endpoints.get("plugins.storage.config.endpoint"), self._text("storage", "region")
        if endpoint is not None and _is_outside(endpoint):
            given["endpoint"] = endpoint.url
        if region:
            given["region"] = region
        if isinstance(style := self._config("storage").get("path_style_access"), bool) and "endpoint" in given:
            given["path_style"] = style
        try:
            return ObjectStoreValues.model_validate(given)
        except ValidationError:  # What no S3 client could use is reported by the plugins themselves.
            return ObjectStoreValues()

    # What they are told

    def facts(self) -> ProductFacts:
        """What pods of the platform, and jobs, are told of the product."""
        artifact, observability = self.artifact, self.artifact.observability
        transforms, governance = artifact.transforms, artifact.governance
        path_style = self._config("storage").get("path_style_access")
        return ProductFacts(
            slug=artifact.slug,
            name=artifact.product_name,
            version=public_text(artifact.metadata.product_version),
            domain=public_text(artifact.identity.domain),
            mode=artifact.mode,
            source_hash=public_text(artifact.metadata.source_hash),
            catalog_uri=self._text("catalog", "uri"),
            warehouse=self._text("catalog", "warehouse"),
            scope=self._text("catalog", "oauth2", "scope"),
            storage_endpoint=self._text("storage", "endpoint"),
            bucket=self._text("storage", "bucket"),
            region=self._text("storage", "region"),
            path_style=path_style if isinstance(path_style, bool) else None,
            lineage_namespace=public_text(observability.lineage_namespace),
            lineage_endpoint=_public(observability.lineage_endpoint),
            otlp_endpoint=public_text(self.telemetry.otlp_endpoint),
            otlp_protocol=self.telemetry.otlp_protocol,
            service_name=public_text(self.telemetry.resource_attributes.service_name),
            models=tuple(public_text(model.name) for model in transforms.models) if transforms else (),
            default_compute=public_text(transforms.default_compute) if transforms else None,
            data_retention_days=governance.data_retention_days if governance else None,
            credentials={credential.path: self.secret_key(credential) for credential in self.credentials},
            credentials_secret=self.secret_name if self.credentials else None,
        )

    def location(self) -> CodeLocation:
        """Its code location in Dagster."""
        version = public_text(self.artifact.metadata.product_version)
        secrets = (self.secret_name,) if self.credentials else ()
        return CodeLocation.of_product(self.artifact.product_name, version, key=self.artifact.slug, secrets=secrets)

    def catalog_wish(self) -> CatalogWish:
        """What it asks of the catalog."""
        bucket = self._text("storage", "bucket")
        keys = {credential.path: self.secret_key(credential) for credential in self.credentials}
        return CatalogWish(
            slug=self.artifact.slug,
            warehouse=self._text("catalog", "warehouse"),
            bucket=bucket if self._type("storage") == "s3" and bucket and is_bucket_name(bucket) else None,
            scope=self._text("catalog", "oauth2", "scope"),
            secret=self.secret_name,
            client_id_key=keys.get(f"{_OAUTH2}.client_id"),
            client_secret_key=keys.get(f"{_OAUTH2}.client_secret"),
        )

    def exporters(self) -> Iterator[TelemetryExporter]:
        """Where its telemetry goes in the end."""
        if not self.telemetry.enabled:
            return
        yield self._exporter()

    def _exporter(self) -> TelemetryExporter:
        try:
            return self._telemetry_exporter()
        except DeclarationError as error:
            raise ArtifactError(self.artifact.source, "observability.telemetry", str(error)) from None

    def _telemetry_exporter(self) -> TelemetryExporter:
        header, prefix = self._telemetry_header()
        endpoint = self.endpoints.get("observability.telemetry.otlp_endpoint")
        backend = public_text(self.telemetry.backend)
        if endpoint is not None and _is_outside(endpoint):
            kind: ExporterKind = "otlp_grpc" if self.telemetry.otlp_protocol == "grpc" else "otlp_http"
            address = f"{endpoint.host}:{endpoint.service_port or 443}" if kind == "otlp_grpc" else endpoint.url
            secure = endpoint.scheme == "https" or (kind == "otlp_grpc" and endpoint.port == 443)
            name = f"{kind}/{_component_name(backend)}"
            return TelemetryExporter(name, kind, address, not secure, header, prefix)
        if backend == "console":
            return DEBUG
        name = _component_name(backend)
        signals: tuple[Signal, ...] = ("traces",) if backend == "jaeger" else SIGNALS
        address = f"{name}-collector:4317"
        return TelemetryExporter(f"otlp_grpc/{name}", "otlp_grpc", address, True, header, prefix, signals)

    def flow(self) -> TelemetryFlow:
        """Sizes, delays and sampling of the product's telemetry."""
        sizes, ratios = self.telemetry.batch_processor, self.telemetry.sampling
        try:
            return TelemetryFlow(
                max_export_batch_size=sizes.max_export_batch_size,
                schedule_delay_millis=sizes.schedule_delay_millis,
                export_timeout_millis=sizes.export_timeout_millis,
                max_queue_size=sizes.max_queue_size,
                sampling=(("dev", ratios.dev), ("staging", ratios.staging), ("prod", ratios.prod)),
            )
        except DeclarationError as error:
            field = "observability.telemetry.batch_processor"
            raise ArtifactError(self.artifact.source, field, str(error)) from None

    def _telemetry_header(self) -> tuple[tuple[str, str] | None, Literal["", "Bearer "]]:
        """The gateway's header for authentication: its name and variable, and what stands before the variable."""
        auth = self.telemetry.authentication
        if auth is None:
            return None, ""
        backend = _component_name(self.telemetry.backend).replace("-", "_").upper()
        kind = "API_KEY" if auth.auth_type == "api_key" else "BEARER_TOKEN"
        variable = f"TELEMETRY_{backend}_{kind}"
        return (auth.header_name, variable), "Bearer " if auth.auth_type == "bearer" else ""

    # Credentials

    @property
    def secret_name(self) -> str:
        """The Secret with the product's credentials."""
        return f"{self.fullname}-{self.artifact.slug}-credentials"

    def secret_key(self, credential: Credential) -> str:
        """The credential's key: of its own product, as all products' Secrets meet in the environment of run pods."""
        if credential.env_var:
            return credential.env_var
        return f"{self.artifact.slug.replace('-', '_').upper()}_{credential.key}"

    def credential_secrets(self) -> Iterator[RequiredSecret]:
        """The Secret with its credentials, where it has any."""
        keys = {self.secret_key(credential): self._generated(credential) for credential in self.credentials}
        if keys:
            yield RequiredSecret(
                _values_key(f"{self.artifact.slug}-credentials"),
                self.secret_name,
                tuple(SecretKey(name, random=length) for name, length in sorted(keys.items())),
                f"credentials of the data product {self.artifact.product_name}",
            )

    def _generated(self, credential: Credential) -> int:
        """How long a generated value is; 0 where only the other side knows it. Our own catalog takes what we say."""
        lengths = {f"{_OAUTH2}.client_id": 16, f"{_OAUTH2}.client_secret": 32}
        return lengths.get(credential.path, 0) if self.uses_polaris else 0

    # Reports

    def notices(self) -> Iterator[str]:
        """What to look at, a line each."""
        yield from self.artifact.notices
        for kind, expected in (("orchestrator", "dagster"), ("catalog", "polaris")):
            found = self._type(kind)
            if found not in (None, expected):
                where = f"{self.artifact.source}: plugins.{kind}.type"
                yield f"{where} is {found}, for which there is no part; expected {expected}"

        if self.uses_polaris and self.catalog_wish().catalog is None:
            yield (
                f"{self.artifact.source}: plugins.catalog.config.warehouse and plugins.storage.config.bucket say no "
                "warehouse and bucket of S3 that Polaris could take; the catalog goes into polarisSetup.catalogs"
            )
        bucket = self._text("storage", "bucket")
        if self.uses_minio and bucket and not is_bucket_name(bucket):
            where = f"{self.artifact.source}: plugins.storage.config.bucket"
            yield f"{where} is {shorten(bucket)}, which is no name that S3 takes; MinIO makes no such bucket"
        backend = public_text(self.telemetry.backend)
        if (
            self.telemetry.enabled
            and backend != "console"
            and not self._outside("observability.telemetry.otlp_endpoint")
        ):
            address = self._exporter().endpoint
            yield (
                f"{self.artifact.source}: observability.telemetry.backend is {backend}, whose address the artifact "
                f"does not say; the gateway sends to {address}, which the values of otel can change"
            )

    # Reading the free-form configuration

    def _type(self, kind: str) -> str | None:
        plugin = getattr(self.artifact.plugins, kind) if self.artifact.plugins else None
        return plugin.type if plugin else None

    def _config(self, kind: str) -> dict[str, object]:
        plugin = getattr(self.artifact.plugins, kind) if self.artifact.plugins else None
        return dict(plugin.config or {}) if plugin else {}

    def _text(self, kind: str, *keys: str) -> str | None:
        """A text in a plugin's configuration, without credentials; None where it is not there or is one."""
        here: object = self._config(kind)
        for key in keys:
            here = here.get(key) if isinstance(here, dict) else None
        path = ".".join(("plugins", kind, "config", *keys))
        if not isinstance(here, str) or any(
            credential.path == path for credential in self.credentials if credential.secret
        ):
            return _public(here) if isinstance(here, str) and "://" in here else None
        return public_text(here, path)

    def _outside(self, field_path: str) -> bool:
        endpoint = self.endpoints.get(field_path)
        return endpoint is not None and _is_outside(endpoint)


def _is_outside(endpoint: ArtifactEndpoint) -> bool:
    """Whether an endpoint lies outside the cluster; localhost, a developer's default, stands for the platform's own."""
    return not endpoint.in_cluster and endpoint.host not in ("localhost", "127.0.0.1", "::1", "0.0.0.0")


def _values_key(name: str) -> str:
    """A name as a key among the values: ``orders-eu`` is ``ordersEu``; ``orders-2`` is another one than ``orders2``."""
    return re.sub(r"-([a-z])", lambda found: found[1].upper(), name).replace("-", "_")


def _public(url: str | None) -> str | None:
    return public_text(url) if url else url


def _component_name(text: str) -> str:
    """A text as the name of a collector component: letters, digits and dashes."""
    name = "".join(char if char.isascii() and char.isalnum() else "-" for char in text.lower()).strip("-")
    return name[:40].rstrip("-") or "backend"
