"""The platform's components: how each is made, and which chart a dependency is."""

from typing import Any, Literal

from pydantic import Field, field_validator

from .fields import Repository, SemanticVersion, Settings

__all__ = ["ChartSource", "Component", "Components", "Strategy"]


Strategy = Literal["dependency", "native"]
_STRATEGY = "dependency: the official chart. native: every template generated here."


class ChartSource(Settings):
    """Which chart a dependency is, and where Helm fetches it."""

    version: SemanticVersion = Field(description="The one version of the chart; ranges are refused.")
    repository: Repository = Field(description="https://, oci:// or file:// address of the repository, or @alias.")


class Component(Settings):
    """What every component can be told."""

    enabled: bool | None = Field(default=None, description="Whether the part exists; without it the artifacts decide.")
    resources: str | None = Field(default=None, description="Resource preset, instead of the environment's.")


class _Dependency(Component):
    chart: ChartSource

    @field_validator("chart", mode="before")
    @classmethod
    def _keep_the_rest(cls, given: object) -> object:
        """A file that names a mirror only keeps the version, and the other way round."""
        default = cls.model_fields["chart"].default
        return {**default.model_dump(), **given} if isinstance(given, dict) else given


def _chart(version: str, repository: str) -> Any:
    source = ChartSource(version=version, repository=repository)
    return Field(default=source, description="Version and repository of the chart; point it at a mirror here.")


class _Dagster(_Dependency):
    """Dagster: webserver, daemon and code locations."""

    strategy: Strategy = Field(default="dependency", description=_STRATEGY)
    chart: ChartSource = _chart("1.12.17", "https://dagster-io.github.io/helm")


class _Polaris(_Dependency):
    """Apache Polaris, the Iceberg catalog."""

    strategy: Strategy = Field(default="dependency", description=_STRATEGY)
    # The foundation moves superseded releases to its archive: a long-lived pin wants a mirror.
    chart: ChartSource = _chart("1.7.0", "https://downloads.apache.org/polaris/helm-chart")


class _Otel(_Dependency):
    """The OpenTelemetry Collector, run as a gateway."""

    strategy: Strategy = Field(default="dependency", description=_STRATEGY)
    chart: ChartSource = _chart("0.170.0", "https://open-telemetry.github.io/opentelemetry-helm-charts")


class _Minio(_Dependency):
    """MinIO, an object store for development and test."""

    strategy: Strategy = Field(default="dependency", description=_STRATEGY)
    chart: ChartSource = _chart("14.10.5", "oci://registry-1.docker.io/bitnamicharts")


class Components(Settings):
    """The parts of the platform, and where each comes from."""

    dagster: _Dagster = Field(default=_Dagster(), description="The orchestrator.")
    polaris: _Polaris = Field(default=_Polaris(), description="The catalog.")
    otel: _Otel = Field(default=_Otel(), description="The telemetry gateway.")
    postgres: Component = Field(
        default=Component(), description="The database of the other components; generated here."
    )
    marquez: Component = Field(default=Component(), description="The lineage store; generated here.")
    minio: _Minio = Field(default=_Minio(), description="The object store of development and test.")
