"""The CompiledArtifacts contract: what ``floe platform compile`` writes, as far as a deployment reads it.

The constraints are those of the contract's JSON Schema (``CompiledArtifacts.export_json_schema()`` of floe-core,
contract version 0.10.0). Plugin configuration, dbt profiles, data contracts and quality gates are free-form here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr

__all__ = [
    "PLUGIN_KINDS",
    "BatchSpanProcessorConfig",
    "CompilationMetadata",
    "CompiledArtifacts",
    "EnforcementResultSummary",
    "LoggingConfig",
    "ManifestRef",
    "ObservabilityConfig",
    "PluginKind",
    "PluginRef",
    "ProductIdentity",
    "QualityCheck",
    "ResolvedGovernance",
    "ResolvedModel",
    "ResolvedPlugins",
    "ResolvedTransforms",
    "ResourceAttributes",
    "SamplingConfig",
    "TelemetryAuth",
    "TelemetryConfig",
    "distinct_slugs",
]

PluginKind = Literal["compute", "orchestrator", "catalog", "storage", "ingestion", "semantic", "lineage_backend"]
PLUGIN_KINDS: tuple[PluginKind, ...] = (
    "compute",
    "orchestrator",
    "catalog",
    "storage",
    "ingestion",
    "semantic",
    "lineage_backend",
)

_MAX_LABEL = 63  # Kubernetes: a DNS label


def _timestamp(value: object) -> object:
    """ISO 8601 text to a datetime; floe writes it without a time zone. Numbers are no timestamps in the contract."""
    if isinstance(value, str) and re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}", value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return value


Name = Annotated[str, Field(min_length=1)]
ShortName = Annotated[str, Field(min_length=1, max_length=128)]
Semver = Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]
Ratio = Annotated[float, Field(ge=0.0, le=1.0)]
Timestamp = Annotated[datetime, BeforeValidator(_timestamp)]
Enforcement = Literal["off", "warn", "strict"]


class _Contract(BaseModel):
    """A type of the contract: strict types, read-only, no input in error messages. Built when first used."""

    # Unknown fields are looked for by the loader, which knows what the version allows; here they are passed over.
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", defer_build=True, hide_input_in_errors=True)


class CompilationMetadata(_Contract):
    """What was compiled, when and from what."""

    compiled_at: Timestamp
    floe_version: str
    source_hash: str
    product_name: Annotated[ShortName, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_-]*$")]
    product_version: str


class ProductIdentity(_Contract):
    """The data product in the catalog."""

    product_id: Name
    domain: Name
    repository: str
    namespace_registered: bool = False
    registration_timestamp: Timestamp | None = None


class ManifestRef(_Contract):
    """A platform manifest that the product inherits from."""

    name: str
    version: str
    scope: Literal["enterprise", "domain"]
    ref: str


class SamplingConfig(_Contract):
    """Ratio of traces that are kept, per environment."""

    dev: Ratio = 1.0
    staging: Ratio = 0.5
    prod: Ratio = 0.1


class ResourceAttributes(_Contract):
    """OpenTelemetry resource attributes of the product."""

    service_name: ShortName
    service_version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+.*$")]
    deployment_environment: Literal["dev", "staging", "prod"]
    floe_namespace: ShortName
    floe_product_name: ShortName
    floe_product_version: str
    floe_mode: Literal["dev", "staging", "prod"]


class TelemetryAuth(_Contract):
    """How the exporter authenticates; floe masks the values, so they are of no use but to say that one is needed."""

    auth_type: Literal["api_key", "bearer"]
    api_key: str | None = Field(None, repr=False)
    bearer_token: str | None = Field(None, repr=False)
    header_name: str = "Authorization"


class BatchSpanProcessorConfig(_Contract):
    """Sizes and delays of the OpenTelemetry batch span processor."""

    max_queue_size: Positive = 2048
    max_export_batch_size: Positive = 512
    schedule_delay_millis: Positive = 5000
    export_timeout_millis: Positive = 30000


class LoggingConfig(_Contract):
    """Structured logging of the product's processes."""

    log_level: Annotated[str, Field(pattern=r"(?i)^(DEBUG|INFO|WARNING|ERROR|CRITICAL)$")] = "INFO"
    json_output: bool = True


class TelemetryConfig(_Contract):
    """Where traces, metrics and logs go."""

    enabled: bool = True
    otlp_endpoint: str = Field("http://localhost:4317", repr=False)
    otlp_protocol: Literal["grpc", "http"] = "grpc"
    sampling: SamplingConfig = Field(default_factory=lambda: SamplingConfig())
    resource_attributes: ResourceAttributes
    authentication: TelemetryAuth | None = None
    batch_processor: BatchSpanProcessorConfig = Field(default_factory=lambda: BatchSpanProcessorConfig())
    logging: LoggingConfig = Field(default_factory=lambda: LoggingConfig())
    backend: str = "console"


class ObservabilityConfig(_Contract):
    """Telemetry and lineage."""

    telemetry: TelemetryConfig
    lineage: bool = True
    lineage_namespace: Name
    lineage_endpoint: str | None = Field(None, repr=False)
    lineage_transport: Literal["http", "console", "noop"] | None = None


class PluginRef(_Contract):
    """A plugin that was chosen, and its free-form configuration."""

    # The contract asks for a character only; a plugin's name is an entry point's and may become a file's.
    type: Annotated[ShortName, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]
    version: Semver
    config: dict[str, Any] | None = Field(None, repr=False)


class ResolvedPlugins(_Contract):
    """One plugin per kind; all but the first two may be absent."""

    compute: PluginRef
    orchestrator: PluginRef
    catalog: PluginRef | None = None
    storage: PluginRef | None = None
    ingestion: PluginRef | None = None
    semantic: PluginRef | None = None
    lineage_backend: PluginRef | None = None


class QualityCheck(_Contract):
    """A check on one model."""

    name: Name
    type: Name
    column: str | None = None
    dimension: Literal["completeness", "accuracy", "validity", "consistency", "timeliness"]
    severity: Literal["critical", "warning", "info"] = "warning"
    custom_weight: Annotated[float, Field(ge=0.1, le=10.0)] | None = None
    parameters: dict[str, Any] = {}
    enabled: bool = True


class ResolvedModel(_Contract):
    """A dbt model and the compute it runs on."""

    name: Name
    compute: Name
    tags: Annotated[list[str], Field(fail_fast=True)] | None = None
    depends_on: Annotated[list[str], Field(fail_fast=True)] | None = None
    quality_checks: Annotated[list[QualityCheck], Field(fail_fast=True)] | None = None
    quality_tier: Literal["bronze", "silver", "gold"] | None = None


class ResolvedTransforms(_Contract):
    """The product's models."""

    models: Annotated[list[ResolvedModel], Field(fail_fast=True, min_length=1)]
    default_compute: Name


class ResolvedGovernance(_Contract):
    """Governance settings after inheritance; None is unset."""

    pii_encryption: Literal["required", "optional"] | None = None
    audit_logging: Literal["enabled", "disabled"] | None = None
    policy_enforcement_level: Enforcement | None = None
    data_retention_days: Annotated[int, Field(ge=1)] | None = None
    default_ttl_hours: Annotated[int, Field(ge=1, le=8760)] | None = None
    snapshot_keep_last: Annotated[int, Field(ge=1, le=100)] | None = None
    stale_table_recovery_mode: Literal["strict", "repair"] | None = None


class EnforcementResultSummary(_Contract):
    """What policy enforcement found at compile time."""

    passed: bool
    error_count: Count
    warning_count: Count
    policy_types_checked: Annotated[list[str], Field(fail_fast=True)]
    models_validated: Count
    enforcement_level: Enforcement
    rbac_principal: str | None = None
    secrets_scanned: Count = 0


class CompiledArtifacts(_Contract):
    """What floe compiled for one data product; made by :meth:`load`, :meth:`parse`, :meth:`find` or :meth:`example`."""

    version: Semver = "0.10.0"
    metadata: CompilationMetadata
    identity: ProductIdentity
    mode: Literal["simple", "centralized", "mesh"] = "simple"
    inheritance_chain: Annotated[list[ManifestRef], Field(fail_fast=True)] = []
    observability: ObservabilityConfig
    plugins: ResolvedPlugins | None = None
    transforms: ResolvedTransforms | None = None
    dbt_profiles: dict[str, Any] | None = Field(None, repr=False)
    governance: ResolvedGovernance | None = None
    enforcement_result: EnforcementResultSummary | None = None
    data_contracts: list[Any] = Field([], repr=False)
    quality_config: dict[str, Any] | None = Field(None, repr=False)

    _slug: str = PrivateAttr(default="")
    _source: str = PrivateAttr(default="")
    _notices: tuple[str, ...] = PrivateAttr(default=())
    _unknown_fields: tuple[str, ...] = PrivateAttr(default=())

    @classmethod
    def load(cls, path: str | Path) -> CompiledArtifacts:
        """Read the JSON or YAML file at ``path``; ``"-"`` is standard input. Raises DocumentError or ArtifactError."""
        from . import loader

        return loader.load(path)

    @classmethod
    def parse(cls, data: object, source: str = "") -> CompiledArtifacts:
        """Check a tree of JSON values; ``source`` names it in errors. Raises ArtifactError and nothing else."""
        from . import loader

        return loader.parse(data, source)

    @classmethod
    def find(cls, directory: str | Path) -> CompiledArtifacts:
        """The artifacts of the project in ``directory`` (``target/compiled_artifacts.json``), else the example."""
        from . import loader

        return loader.find(directory)

    @classmethod
    def example(cls) -> CompiledArtifacts:
        """The small example that ships inside the package."""
        from . import loader

        return loader.example()

    @property
    def source(self) -> str:
        """The file's name as the user gave it, ``<stdin>``, or ``the bundled example``."""
        return self._source

    @property
    def notices(self) -> tuple[str, ...]:
        """What a user should be told once, such as that the contract's version is newer than the known ones."""
        return self._notices

    @property
    def unknown_fields(self) -> tuple[str, ...]:
        """Paths that a newer minor version brought; list indexes read ``[*]``."""
        return self._unknown_fields

    @property
    def product_name(self) -> str:
        """The data product's name as floe knows it."""
        return self.metadata.product_name

    @property
    def slug(self) -> str:
        """The product's name as a DNS label: ``Orders_EU`` is ``orders-eu``. Long names end in a hash of the whole.

        Among artifacts of which two would have one label, :func:`distinct_slugs` makes it another.
        """
        if self._slug:
            return self._slug
        label = re.sub(r"-+", "-", self.product_name.lower().replace("_", "-")).strip("-")
        return label if len(label) <= _MAX_LABEL else self._hashed(label)

    def _hashed(self, label: str) -> str:
        import hashlib  # loads OpenSSL, which nothing else here needs

        digest = hashlib.sha256(self.product_name.encode()).hexdigest()[:8]
        return f"{label[: _MAX_LABEL - 9].rstrip('-')}-{digest}"

    def plugin(self, kind: PluginKind) -> PluginRef | None:
        """The plugin of a kind, or None where the product has none."""
        plugin: PluginRef | None = getattr(self.plugins, kind) if self.plugins is not None else None
        return plugin


def distinct_slugs(artifacts: Iterable[CompiledArtifacts]) -> list[CompiledArtifacts]:
    """``artifacts``, each with a slug of its own where their names differ.

    Names that differ only in case or punctuation have one label; each of them ends in a hash of the whole name then. So
    none takes over what belongs to another, such as a Secret or a schedule, whichever came first.
    """
    found = list(artifacts)
    names: dict[str, set[str]] = {}
    for artifact in found:
        names.setdefault(artifact.slug, set()).add(artifact.product_name)
    return [artifact if len(names[artifact.slug]) == 1 else _apart(artifact) for artifact in found]


def _apart(artifact: CompiledArtifacts) -> CompiledArtifacts:
    other = artifact.model_copy()
    other._slug = artifact._hashed(artifact.slug)
    return other
