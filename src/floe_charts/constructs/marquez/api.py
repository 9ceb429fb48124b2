"""Marquez: keeps the lineage that OpenLineage clients send, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from floe_charts.constructs.lifecycle import DRAIN
from floe_charts.constructs.marquez.files import CONFIG_FILE, FILES, START_FILE, WAIT_FILE
from floe_charts.constructs.network import (
    INGRESS,
    MARQUEZ,
    MARQUEZ_ADMIN,
    MARQUEZ_WEB,
    POSTGRES,
    PROMETHEUS,
    Edge,
    Endpoint,
    Workload,
)
from floe_charts.constructs.part import Check, Claim, PlatformPart, RequiredSecret, Scrape, workload_claim
from floe_charts.constructs.postgres.client import postgres_client
from floe_charts.constructs.postgres.database import PASSWORD_KEY, USERNAME_KEY, DatabaseConsumer
from floe_charts.constructs.service_values import ServiceValues, opens_outward, service_fields
from floe_charts.deployment import Environment
from floe_charts.helm import (
    DnsName,
    ExtraEnv,
    Field,
    HelmChart,
    Image,
    IngressValues,
    Part,
    RouteValues,
    Values,
    Without,
    WorkloadValues,
    and_,
    http_probe,
    or_,
    pod_security,
    restricted_security,
    secret_key,
)

__all__ = ["Marquez", "MarquezDatabase", "MarquezValues", "MarquezWebValues"]

# The images name no user, and read their files as anybody; a high one is nobody on the nodes.
_UID = 10001
_CONFIG = "/etc/marquez"
_DATABASE = "marquez"


class MarquezDatabase(Values):
    """The connection to PostgreSQL."""

    secret_name: DnsName = Field("marquez-database", description="Secret with keys username and password.")
    max_connections: int = Field(20, ge=1, le=1000, description="Most connections of each pod.")


class MarquezWebValues(WorkloadValues):
    """The web page that shows the lineage."""

    enabled: bool = Field(True, description="Whether the web page is served.")
    image: Image = Field(Image(repository="marquezproject/marquez-web", tag="0.51.1"), description="Its image.")
    service: ServiceValues = ServiceValues()
    ingress: IngressValues = IngressValues()
    route: RouteValues = RouteValues()
    extra_env: Annotated[ExtraEnv, Without("MARQUEZ_HOST", "MARQUEZ_PORT", "WEB_PORT")] = Field(
        {}, description="Further environment variables, by name."
    )


_API_VARIABLES = Without(
    "JAVA_OPTS",
    "LOG_LEVEL",
    "MARQUEZ_ADMIN_PORT",
    "MARQUEZ_CONFIG",
    "MARQUEZ_PORT",
    "MIGRATE_ON_STARTUP",
    "POSTGRES_DB",
    "POSTGRES_HOST",
    "POSTGRES_MAX_CONNECTIONS",
    "POSTGRES_PARAMETERS",
    "POSTGRES_PASSWORD",
    "POSTGRES_PORT",
    "POSTGRES_USER",
)


class MarquezValues(WorkloadValues):
    """Marquez, which keeps the lineage of data."""

    enabled: bool = Field(True, description="Whether Marquez runs; its database needs its Secret only then.")
    image: Image = Field(Image(repository="marquezproject/marquez", tag="0.51.1"), description="Image of the API.")
    log_level: Literal["ERROR", "WARN", "INFO", "DEBUG"] = Field(
        "INFO", description="Least severity that the API logs."
    )
    database: MarquezDatabase = Field(MarquezDatabase(), description="The connection to PostgreSQL.")
    service: ServiceValues = ServiceValues()
    ingress: IngressValues = IngressValues()
    route: RouteValues = RouteValues()
    web: MarquezWebValues = Field(MarquezWebValues(), description="The web page that shows the lineage.")
    extra_env: Annotated[ExtraEnv, _API_VARIABLES] = Field({}, description="Further environment variables, by name.")


class Marquez(PlatformPart[MarquezValues]):
    """Marquez's API on port 5000 (administration 5001) and its web page on port 3000.

    Its project publishes no Helm repository, so every object is made here. Names and variables follow its images
    0.51.1: the API migrates its database when it starts, after an init container has waited for the database.
    """

    title: ClassVar[str] = "Marquez"

    def __init__(self, chart: HelmChart, id: str = "marquez", *, values: MarquezValues | None = None) -> None:
        """Without a Secret's name in ``values`` it is ``<full name>-marquez-database``."""
        values = values or MarquezValues()
        if "secret_name" not in values.database.model_fields_set:
            prefix = chart.values.fullname_override or chart.chart_name
            database = values.database.model_copy(update={"secret_name": f"{prefix}-{MARQUEZ.suffix}-database"})
            values = values.model_copy(update={"database": database})
        super().__init__(chart, id, values)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The ports of API and web page."""
        return (MARQUEZ, MARQUEZ_ADMIN, MARQUEZ_WEB)

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The Secret of the database's role."""
        return (self.database_consumer().required_secret,)

    def workloads(self) -> tuple[Workload, ...]:
        """The API's pods and the web page's."""
        v = self.refs
        return (
            Workload(MARQUEZ.workload, "Marquez", v.enabled),
            Workload(MARQUEZ_WEB.workload, "Marquez web", and_(v.enabled, v.web.enabled)),
        )

    def edges(self) -> tuple[Edge, ...]:
        """The API asks the database, the web page the API; people come in through Ingresses."""
        v = self.refs
        return (
            Edge(MARQUEZ.workload, POSTGRES, "lineage"),
            Edge(MARQUEZ_WEB.workload, MARQUEZ, "shows lineage"),
            Edge(INGRESS, MARQUEZ, "OpenLineage API", _entered(v)),
            Edge(INGRESS, MARQUEZ_WEB, "web page", _entered(v.web)),
            Edge(PROMETHEUS, MARQUEZ, "metrics"),
        )

    def scrapes(self) -> tuple[Scrape, ...]:
        """The API's metrics, on its application port."""
        return (Scrape(MARQUEZ, when=self.refs.enabled),)

    def checks(self) -> tuple[Check, ...]:
        """The API lists its namespaces, which it reads from the database; the web page is served."""
        v = self.refs
        api = f"curl -fsS {MARQUEZ.url(self.chart, '/api/v1/namespaces')}"
        page = f"curl -fsS -o /dev/null {MARQUEZ_WEB.url(self.chart, '/')}"
        return (
            Check("marquez", api, (MARQUEZ,), when=v.enabled),
            Check("marquez-web", page, (MARQUEZ_WEB,), when=and_(v.enabled, v.web.enabled)),
        )

    def claims(self, values: Mapping[str, Any]) -> Sequence[Claim]:
        """The pods of API and web page."""
        if not values["enabled"]:
            return ()
        return (workload_claim(values), *([workload_claim(values["web"])] if values["web"]["enabled"] else []))

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """Two pods of the API where high availability matters, ports on the nodes where people try things out."""
        if environment.high_availability:
            return {"replicas": 2, "podDisruptionBudget": {"enabled": True}}
        if environment.kind in ("development", "test"):
            return {"service": {"type": "NodePort"}, "web": {"service": {"type": "NodePort"}}}
        return {}

    def database_consumer(self) -> DatabaseConsumer:
        """The database that Marquez needs, and the Secret that it shares with PostgreSQL."""
        return DatabaseConsumer(
            name="marquez",
            database=_DATABASE,
            role=_DATABASE,
            secret=self.refs.database.secret_name,
            default_secret=self.values.database.secret_name,
            enabled=self.refs.enabled,
        )

    def build(self, v: MarquezValues) -> None:
        """The objects of the API and of the web page."""
        with self.when(v.enabled):
            self._api(v)
            with self.when(v.web.enabled):
                self._web(v.web)

    def _api(self, v: MarquezValues) -> None:
        api = self.part(
            MARQUEZ.workload, ports={MARQUEZ.port_name: MARQUEZ.port, MARQUEZ_ADMIN.port_name: MARQUEZ_ADMIN.port}
        )
        config = self.add(self.config_map(api.name, FILES))
        client = postgres_client(self.chart)
        api.add_service_account(v)
        self.add(
            api.deployment(
                image=v.image,
                command=["bash", f"{_CONFIG}/{START_FILE}"],
                args=["/usr/src/app/entrypoint.sh"],
                env=self._api_env(v),
                resources=v.resources,
                security=restricted_security(uid=_UID),
                mounts={"config": _CONFIG, "tmp": "/tmp", **client.mounts},
                # The first start migrates the database. A database that is away makes a pod unready, not restart.
                startupProbe=http_probe("/ping", MARQUEZ_ADMIN.port_name, failures=60),
                livenessProbe=http_probe("/ping", MARQUEZ_ADMIN.port_name),
                readinessProbe=http_probe("/healthcheck", MARQUEZ_ADMIN.port_name),
                lifecycle=DRAIN,
                init_containers=[self._wait_container(v)],
                volumes=[
                    {"name": "config", "configMap": {"name": api.name}},
                    {"name": "tmp", "emptyDir": {}},
                    *client.volumes,
                ],
                checksums={"config": config},
                pod_security=pod_security(uid=_UID),
                pod=_POD,
                values=v,
            )
        )
        self.add(api.service(**service_fields(v.service)))
        api.add_scaling(v)
        self._add_entries(api, v)

    def _api_env(self, v: MarquezValues) -> dict[str, Any]:
        client = postgres_client(self.chart)
        return {
            "MARQUEZ_CONFIG": f"{_CONFIG}/{CONFIG_FILE}",
            "MARQUEZ_PORT": str(MARQUEZ.port),
            "MARQUEZ_ADMIN_PORT": str(MARQUEZ_ADMIN.port),
            "POSTGRES_HOST": client.host,
            "POSTGRES_PORT": str(POSTGRES.port),
            "POSTGRES_DB": _DATABASE,
            "POSTGRES_PARAMETERS": client.jdbc_parameters,
            "POSTGRES_MAX_CONNECTIONS": f"{v.database.max_connections}",
            "POSTGRES_USER": secret_key(v.database.secret_name, USERNAME_KEY),
            "POSTGRES_PASSWORD": secret_key(v.database.secret_name, PASSWORD_KEY),
            "MIGRATE_ON_STARTUP": "true",
            "LOG_LEVEL": v.log_level,
            "JAVA_OPTS": "-XX:MaxRAMPercentage=75.0",
        }

    def _wait_container(self, v: MarquezValues) -> dict[str, Any]:
        """Marquez's own image, which has PostgreSQL's client programs."""
        client = postgres_client(self.chart)
        return self.container(
            "wait-for-database",
            v.image,
            command=["sh", f"{_CONFIG}/{WAIT_FILE}"],
            env={
                "PGHOST": client.host,
                "PGPORT": str(POSTGRES.port),
                **client.env,
                "PGDATABASE": _DATABASE,
                "PGUSER": secret_key(v.database.secret_name, USERNAME_KEY),
                "PGPASSWORD": secret_key(v.database.secret_name, PASSWORD_KEY),
                "PGCONNECT_TIMEOUT": "5",
            },
            resources=v.resources,
            security=restricted_security(uid=_UID),
            mounts={"config": _CONFIG, "tmp": "/tmp", **client.mounts},
        )

    def _web(self, v: MarquezWebValues) -> None:
        web, file = self.part(MARQUEZ_WEB.workload, ports={MARQUEZ_WEB.port_name: MARQUEZ_WEB.port}), "marquez-web"
        web.add_service_account(v, file)
        self.add(
            web.deployment(
                image=v.image,
                env={
                    "MARQUEZ_HOST": MARQUEZ.host(self.chart),
                    "MARQUEZ_PORT": str(MARQUEZ.port),
                    "WEB_PORT": str(MARQUEZ_WEB.port),
                },
                resources=v.resources,
                security=restricted_security(uid=_UID),
                mounts={"tmp": "/tmp"},
                startupProbe=http_probe("/healthcheck", MARQUEZ_WEB.port_name, period=5, failures=24),
                livenessProbe=http_probe("/healthcheck", MARQUEZ_WEB.port_name),
                readinessProbe=http_probe("/healthcheck", MARQUEZ_WEB.port_name),
                lifecycle=DRAIN,
                volumes=[{"name": "tmp", "emptyDir": {}}],
                pod_security=pod_security(uid=_UID),
                pod=_POD,
                values=v,
            ),
            name=file,
        )
        self.add(web.service(**service_fields(v.service)), name=file)
        web.add_scaling(v, file)
        self._add_entries(web, v, file)

    def _add_entries(self, part: Part, v: MarquezValues | MarquezWebValues, file: str | None = None) -> None:
        with self.when(v.ingress.enabled):
            self.add(part.ingress(v.ingress), name=file)
        with self.when(v.route.enabled):
            self.add(part.http_route(v.route), name=file)


def _entered(v: MarquezValues | MarquezWebValues) -> bool:
    return or_(v.ingress.enabled, v.route.enabled, opens_outward(v.service.type))


# Kubernetes' variables for Services would stand beside Marquez's own.
_POD = {"enableServiceLinks": False}
