"""Service names and ports, and who talks to whom: said here once, read by every part and by the NetworkPolicies."""

from __future__ import annotations

from dataclasses import dataclass

from floe_charts.helm import HelmChart

__all__ = [
    "CLIENTS",
    "DAGSTER_CODE",
    "DAGSTER_WEBSERVER",
    "DATABASE_OUTSIDE",
    "ELSEWHERE",
    "INGRESS",
    "KUBERNETES_API",
    "MARQUEZ",
    "MARQUEZ_ADMIN",
    "MARQUEZ_WEB",
    "MINIO",
    "MINIO_CONSOLE",
    "OBJECT_STORE_OUTSIDE",
    "OTEL_METRICS",
    "OTLP_GRPC",
    "OTLP_HTTP",
    "POLARIS",
    "POLARIS_MANAGEMENT",
    "POSTGRES",
    "POSTGRES_METRICS",
    "POSTGRES_OPERATOR",
    "POSTGRES_POOLER",
    "POSTGRES_POOLER_METRICS",
    "POSTGRES_STATUS",
    "PROMETHEUS",
    "SOURCES_OUTSIDE",
    "TELEMETRY_OUTSIDE",
    "Edge",
    "Endpoint",
    "Outside",
    "Workload",
    "platform_endpoints",
]


@dataclass(frozen=True)
class Endpoint:
    """A port of a Service of the platform.

    ``suffix`` follows the chart's full name in the Service's name; ``port_name`` is the port's name in the Service.
    ``workload`` names the pods behind it (:class:`Workload`), which listen on the same number. ``clients`` says whether
    pods beyond the release may ask it (:data:`CLIENTS`).
    """

    suffix: str
    port: int
    port_name: str
    workload: str
    scheme: str = "http"
    clients: bool = False

    @property
    def address(self) -> str:
        """``<suffix>:<port>``, by which endpoints are told apart."""
        return f"{self.suffix}:{self.port}"

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


@dataclass(frozen=True)
class Workload:
    """Pods of the release that are alike: all carry ``app.kubernetes.io/part-of: <chart>`` and ``component: <name>``.

    In every strategy: a dependency's pods are given these labels through its values. ``title`` is what people call it;
    ``when`` is the condition under which it exists (None: always).
    """

    name: str
    title: str
    when: bool | None = None


@dataclass(frozen=True)
class Outside:
    """Somebody outside the release that talks to it or is talked to: a key of ``networkPolicies.outside``.

    ``ports`` are those that are reached by default; without ports it comes in, from the namespace ``namespace``, by
    default the release's own.
    """

    id: str
    title: str
    ports: tuple[int, ...] = ()
    namespace: str = ""


@dataclass(frozen=True)
class Edge:
    """``source`` (the name of a workload, or somebody outside) opens connections to ``target``.

    ``purpose`` says what for, in a few words; ``when`` is the condition under which it does (None: always).
    """

    source: str | Outside
    target: Endpoint | Outside
    purpose: str
    when: bool | None = None


POSTGRES = Endpoint("postgres", 5432, "postgres", "postgres", "postgresql")
POSTGRES_METRICS = Endpoint("postgres", 9187, "metrics", "postgres")
POSTGRES_STATUS = Endpoint("postgres", 8000, "status", "postgres", "https")
# CloudNativePG labels its pods so itself.
POSTGRES_POOLER = Endpoint("postgres-pooler", 5432, "pgbouncer", "pooler", "postgresql", clients=True)
POSTGRES_POOLER_METRICS = Endpoint("postgres-pooler", 9127, "metrics", "pooler")
OTLP_GRPC = Endpoint("otel", 4317, "otlp", "otel", clients=True)
OTLP_HTTP = Endpoint("otel", 4318, "otlp-http", "otel", clients=True)
OTEL_METRICS = Endpoint("otel", 8888, "metrics", "otel")
DAGSTER_WEBSERVER = Endpoint("dagster-webserver", 3000, "http", "dagster-webserver")
# Each code location has a Service of its own: <full name>-code-<location>.
DAGSTER_CODE = Endpoint("code", 4000, "grpc", "dagster-code", "grpc")
POLARIS = Endpoint("polaris", 8181, "polaris-http", "polaris", clients=True)
POLARIS_MANAGEMENT = Endpoint("polaris-mgmt", 8182, "polaris-mgmt", "polaris")
MARQUEZ = Endpoint("marquez", 5000, "http", "marquez", clients=True)
MARQUEZ_ADMIN = Endpoint("marquez", 5001, "admin", "marquez")
MARQUEZ_WEB = Endpoint("marquez-web", 3000, "http", "marquez-web")
MINIO = Endpoint("minio", 9000, "minio-api", "minio", clients=True)
MINIO_CONSOLE = Endpoint("minio", 9001, "minio-console", "minio")

KUBERNETES_API = Outside("kubernetesApi", "Kubernetes API", (443, 6443))
OBJECT_STORE_OUTSIDE = Outside("objectStore", "external object store", (443,))
TELEMETRY_OUTSIDE = Outside("telemetry", "telemetry backends", (443, 4317, 4318))
DATABASE_OUTSIDE = Outside("database", "external PostgreSQL", (POSTGRES.port,))
SOURCES_OUTSIDE = Outside("sources", "data sources and APIs", (443,))
INGRESS = Outside("ingress", "Ingress controller, Gateway or load balancer", namespace="ingress-nginx")
PROMETHEUS = Outside("prometheus", "Prometheus", namespace="monitoring")
POSTGRES_OPERATOR = Outside("postgresOperator", "CloudNativePG operator", namespace="cnpg-system")
CLIENTS = Outside("clients", "data products and other clients")
"""Pods beyond the release that may ask every endpoint with ``clients``; nobody declares edges from them."""

ELSEWHERE = {POSTGRES: DATABASE_OUTSIDE}
"""Who answers in the place of an endpoint that no part of a release serves."""


def platform_endpoints() -> tuple[Endpoint, ...]:
    """The endpoints of this module: those that a platform can have, whether its parts serve them or not."""
    return tuple(value for value in globals().values() if isinstance(value, Endpoint))
