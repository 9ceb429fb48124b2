"""Marquez: keeps the lineage that OpenLineage clients send, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from floe_charts.constructs.database import PASSWORD_KEY, USERNAME_KEY, DatabaseConsumer
from floe_charts.constructs.marquez_files import CONFIG_FILE, FILES, START_FILE, WAIT_FILE
from floe_charts.constructs.network import MARQUEZ, MARQUEZ_ADMIN, MARQUEZ_WEB, POSTGRES, Endpoint
from floe_charts.constructs.part import PlatformPart, RequiredSecret
from floe_charts.deployment import Environment
from floe_charts.helm import (
    DnsName,
    Field,
    HelmChart,
    Image,
    NodeSelector,
    Resources,
    Toleration,
    Values,
    container,
    http_probe,
    pod_security,
    restricted_security,
    secret_key,
)

__all__ = ["Marquez", "MarquezDatabase", "MarquezValues", "MarquezWebValues"]

# The API's image names no user; it reads its files as anybody. The web image is made from Node's, whose user is 1000.
_API_UID = 10001
_WEB_UID = 1000
_CONFIG = "/etc/marquez"
_DATABASE = "marquez"


class MarquezDatabase(Values):
    """The connection to PostgreSQL."""

    secret_name: DnsName = Field("marquez-database", description="Secret with keys username and password.")


class MarquezWebValues(Values):
    """The web page that shows the lineage."""

    enabled: bool = Field(True, description="Whether the web page is served.")
    image: Image = Field(
        Image(repository="docker.io/marquezproject/marquez-web", tag="0.51.1"), description="Image of the web page."
    )
    replicas: int = Field(1, ge=0, le=100, description="Pods that serve the web page.")
    resources: Resources = Field(Resources(), description="CPU and memory of each pod of the web page.")


class MarquezValues(Values):
    """Marquez, which keeps the lineage of data."""

    enabled: bool = Field(True, description="Whether Marquez runs; its database needs its Secret only then.")
    image: Image = Field(
        Image(repository="docker.io/marquezproject/marquez", tag="0.51.1"), description="Image of the API."
    )
    replicas: int = Field(1, ge=0, le=100, description="Pods that serve the API.")
    resources: Resources = Field(Resources(), description="CPU and memory of each pod of the API.")
    log_level: Literal["ERROR", "WARN", "INFO", "DEBUG"] = Field(
        "INFO", description="Least severity that the API logs."
    )
    database: MarquezDatabase = Field(MarquezDatabase(), description="The connection to PostgreSQL.")
    web: MarquezWebValues = Field(MarquezWebValues(), description="The web page that shows the lineage.")
    node_selector: NodeSelector = Field({}, description="Labels of the nodes that the pods run on.")
    tolerations: list[Toleration] = Field([], description="Taints that the pods tolerate.")


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
            database = MarquezDatabase(secret_name=f"{prefix}-{MARQUEZ.suffix}-database")
            values = values.model_copy(update={"database": database})
        super().__init__(chart, id, values)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The ports of API and web page."""
        return (MARQUEZ, MARQUEZ_ADMIN, MARQUEZ_WEB)

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The Secret of the database's role."""
        return (self.database_consumer().required_secret,)

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """Two pods of the API where high availability matters."""
        return {"replicas": 2} if environment.high_availability else {}

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
        """ConfigMap, and Deployment and Service of API and web page."""
        with self.when(v.enabled):
            self._api(v)
            with self.when(v.web.enabled):
                self._web(v)

    def _api(self, v: MarquezValues) -> None:
        api = self.part(
            MARQUEZ.suffix, ports={MARQUEZ.port_name: MARQUEZ.port, MARQUEZ_ADMIN.port_name: MARQUEZ_ADMIN.port}
        )
        config = self.add(self.config_map(api.name, FILES))
        self.add(
            api.deployment(
                replicas=v.replicas,
                image=v.image,
                command=["bash", f"{_CONFIG}/{START_FILE}"],
                args=["/usr/src/app/entrypoint.sh"],
                env=self._api_env(v),
                resources=v.resources,
                security=restricted_security(uid=_API_UID),
                mounts={"config": _CONFIG, "tmp": "/tmp"},
                # The first start migrates the database. A database that is away makes a pod unready, not restart.
                startupProbe=http_probe("/ping", MARQUEZ_ADMIN.port_name, failures=60),
                livenessProbe=http_probe("/ping", MARQUEZ_ADMIN.port_name),
                readinessProbe=http_probe("/healthcheck", MARQUEZ_ADMIN.port_name),
                init_containers=[self._wait_container(v)],
                volumes=[{"name": "config", "configMap": {"name": api.name}}, {"name": "tmp", "emptyDir": {}}],
                checksums={"config": config},
                pod_security=pod_security(uid=_API_UID),
                pod=_placement(v),
            )
        )
        self.add(api.service())

    def _api_env(self, v: MarquezValues) -> dict[str, Any]:
        return {
            "MARQUEZ_CONFIG": f"{_CONFIG}/{CONFIG_FILE}",
            "MARQUEZ_PORT": str(MARQUEZ.port),
            "MARQUEZ_ADMIN_PORT": str(MARQUEZ_ADMIN.port),
            "POSTGRES_HOST": POSTGRES.host(self.chart),
            "POSTGRES_PORT": str(POSTGRES.port),
            "POSTGRES_DB": _DATABASE,
            "POSTGRES_USER": secret_key(v.database.secret_name, USERNAME_KEY),
            "POSTGRES_PASSWORD": secret_key(v.database.secret_name, PASSWORD_KEY),
            "MIGRATE_ON_STARTUP": "true",
            "LOG_LEVEL": v.log_level,
            "JAVA_OPTS": "-XX:MaxRAMPercentage=75.0",
        }

    def _wait_container(self, v: MarquezValues) -> dict[str, Any]:
        """Marquez's own image, which has PostgreSQL's client programs."""
        return container(
            "wait-for-database",
            v.image,
            command=["sh", f"{_CONFIG}/{WAIT_FILE}"],
            env={
                "PGHOST": POSTGRES.host(self.chart),
                "PGPORT": str(POSTGRES.port),
                "PGDATABASE": _DATABASE,
                "PGUSER": secret_key(v.database.secret_name, USERNAME_KEY),
                "PGPASSWORD": secret_key(v.database.secret_name, PASSWORD_KEY),
                "PGCONNECT_TIMEOUT": "5",
            },
            resources=v.resources,
            security=restricted_security(uid=_API_UID),
            mounts={"config": _CONFIG, "tmp": "/tmp"},
        )

    def _web(self, v: MarquezValues) -> None:
        web = self.part(MARQUEZ_WEB.suffix, ports={MARQUEZ_WEB.port_name: MARQUEZ_WEB.port})
        self.add(
            web.deployment(
                replicas=v.web.replicas,
                image=v.web.image,
                env={
                    "MARQUEZ_HOST": MARQUEZ.host(self.chart),
                    "MARQUEZ_PORT": str(MARQUEZ.port),
                    "WEB_PORT": str(MARQUEZ_WEB.port),
                },
                resources=v.web.resources,
                security=restricted_security(uid=_WEB_UID),
                mounts={"tmp": "/tmp"},
                startupProbe=http_probe("/healthcheck", MARQUEZ_WEB.port_name, period=5, failures=24),
                livenessProbe=http_probe("/healthcheck", MARQUEZ_WEB.port_name),
                readinessProbe=http_probe("/healthcheck", MARQUEZ_WEB.port_name),
                volumes=[{"name": "tmp", "emptyDir": {}}],
                pod_security=pod_security(uid=_WEB_UID),
                pod=_placement(v),
            ),
            name=f"{self.file_stem}-web",
        )
        self.add(web.service(), name=f"{self.file_stem}-web")


def _placement(v: MarquezValues) -> dict[str, Any]:
    # Kubernetes' variables for Services would stand beside Marquez's own.
    return {"enableServiceLinks": False, "nodeSelector": v.node_selector, "tolerations": v.tolerations}
