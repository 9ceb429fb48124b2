"""Service names and ports: said here once, read by the part that serves and by every part that calls it."""

from __future__ import annotations

from dataclasses import dataclass

from floe_charts.helm import HelmChart

__all__ = [
    "DAGSTER_WEBSERVER",
    "MARQUEZ",
    "MARQUEZ_ADMIN",
    "MARQUEZ_WEB",
    "MINIO",
    "MINIO_CONSOLE",
    "OTLP_GRPC",
    "OTLP_HTTP",
    "POLARIS",
    "POLARIS_MANAGEMENT",
    "POSTGRES",
    "Endpoint",
]


@dataclass(frozen=True)
class Endpoint:
    """A port of a Service of the platform.

    ``suffix`` follows the chart's full name in the Service's name; ``port_name`` is the port's name in the Service.
    """

    suffix: str
    port: int
    port_name: str
    scheme: str = "http"

    def host(self, chart: HelmChart) -> str:
        """The Service's name, as an expression."""
        return f"{chart.fullname}-{self.suffix}"

    def url(self, chart: HelmChart, path: str = "") -> str:
        """``http://<service>:<port><path>``, as an expression."""
        return f"{self.scheme}://{self.host(chart)}:{self.port}{path}"

    def static_host(self, chart: HelmChart) -> str:
        """The Service's name as a literal, for values handed to a dependency, which Helm does not evaluate.

        The chart's full name is fixed by its schema wherever there is a dependency, so it is the same name.
        """
        return f"{chart.values.fullname_override}-{self.suffix}"

    def static_url(self, chart: HelmChart, path: str = "") -> str:
        """``http://<service>:<port><path>`` as a literal."""
        return f"{self.scheme}://{self.static_host(chart)}:{self.port}{path}"


POSTGRES = Endpoint("postgres", 5432, "postgres", "postgresql")
OTLP_GRPC = Endpoint("otel", 4317, "otlp-grpc")
OTLP_HTTP = Endpoint("otel", 4318, "otlp-http")
DAGSTER_WEBSERVER = Endpoint("dagster-webserver", 3000, "http")
POLARIS = Endpoint("polaris", 8181, "polaris-http")
POLARIS_MANAGEMENT = Endpoint("polaris-mgmt", 8182, "polaris-mgmt")
MARQUEZ = Endpoint("marquez", 5000, "http")
MARQUEZ_ADMIN = Endpoint("marquez", 5001, "admin")
MARQUEZ_WEB = Endpoint("marquez-web", 3000, "http")
MINIO = Endpoint("minio", 9000, "minio-api")
MINIO_CONSOLE = Endpoint("minio", 9001, "minio-console")
