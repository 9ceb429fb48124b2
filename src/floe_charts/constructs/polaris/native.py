"""Polaris with every template generated here: its values, and the objects that they shape."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import StringConstraints

from floe_charts.constructs.lifecycle import DRAIN
from floe_charts.constructs.network import POLARIS, POLARIS_MANAGEMENT
from floe_charts.constructs.object_store import ObjectStore
from floe_charts.constructs.polaris.properties import (
    FeatureName,
    PropertyName,
    PropertyText,
    RealmName,
    polaris_properties,
)
from floe_charts.constructs.polaris.server import (
    CLIENT_ID_KEY,
    CLIENT_SECRET_KEY,
    DATABASE,
    GID,
    JVM_VARIABLES,
    MAX_CONNECTIONS,
    ROOT_ID,
    ROOT_PAIR,
    ROOT_SECRET,
    TOKEN_KEY,
    UID,
    VERSION,
    PolarisServer,
)
from floe_charts.constructs.postgres.client import PostgresClient, postgres_client
from floe_charts.constructs.postgres.database import PASSWORD_KEY, USERNAME_KEY
from floe_charts.constructs.postgres.wait import CLIENT_IMAGE, wait_for_database
from floe_charts.constructs.service_values import ServiceValues, service_fields
from floe_charts.helm import (
    Component,
    DnsName,
    ExtraEnv,
    Field,
    Image,
    IngressValues,
    ResourceList,
    Resources,
    RouteValues,
    Template,
    Values,
    Without,
    WorkloadValues,
    eq,
    http_probe,
    join,
    not_,
    pod_security,
    restricted_security,
    secret_key,
    when,
)
from floe_charts.helm.patterns import form

__all__ = ["NativePolarisValues", "NativeTracing", "add_native", "native_server"]

_CONFIG = "/deployments/config"
_TOKEN = "/etc/polaris-token"
_Url = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$")]
_ServiceName = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^[A-Za-z0-9._-]+$", "a name of letters, digits, '.', '_' and '-'"), max_length=100
    ),
]


class NativePersistence(Values):
    """Where Polaris keeps its catalogs."""

    type: Literal["relational-jdbc", "in-memory"] = Field(
        "relational-jdbc", description="in-memory forgets everything at a restart: for tests, with one pod."
    )


class NativeDatabase(Values):
    """The connection to PostgreSQL."""

    secret_name: DnsName = Field("polaris-database", description="Secret with keys username and password.")
    max_connections: int = Field(MAX_CONNECTIONS, ge=1, le=1000, description="Most connections of each pod.")
    client_image: Image = Field(CLIENT_IMAGE, description="Image with psql, which waits for the database.")


class NativeTracing(Values):
    """Where Polaris sends its traces."""

    enabled: bool = Field(False, description="Send traces.")
    endpoint: _Url = Field("http://localhost:4317", description="OTLP gRPC address.")
    sample_ratio: float = Field(1.0, ge=0, le=1, description="Share of the traces that begin here and are sent.")
    service_name: _ServiceName = Field("polaris", description="Name of the service in the traces.")


_VARIABLES = Without(
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_S3_FORCE_PATH_STYLE",
    "AWS_SECRET_ACCESS_KEY",
    "POLARIS_BOOTSTRAP_CREDENTIALS",
    "QUARKUS_DATASOURCE_JDBC_URL",
    "QUARKUS_DATASOURCE_PASSWORD",
    "QUARKUS_DATASOURCE_USERNAME",
    ROOT_ID,
    ROOT_SECRET,
    *JVM_VARIABLES,
)


class NativePolarisValues(WorkloadValues):
    """Apache Polaris, the Iceberg catalog."""

    enabled: bool = Field(True, description="Whether there is Polaris.")
    image: Image = Field(Image(repository="apache/polaris", tag=VERSION), description="Image of the server.")
    persistence: NativePersistence = NativePersistence()
    database: NativeDatabase = Field(NativeDatabase(), description="The connection; with persistence relational-jdbc.")
    token_secret_name: DnsName = Field(
        "polaris-token", description=f"Secret with key {TOKEN_KEY}, which signs tokens: 32 bytes or more."
    )
    realms: list[RealmName] = Field(["POLARIS"], min_length=1, description="Realms; the first is the default.")
    require_realm_header: bool = Field(False, description="Refuse requests that name no realm.")
    features: dict[FeatureName, PropertyText] = Field(
        {}, description='Polaris\' feature flags by name, as JSON: true, 5, ["S3"].'
    )
    tracing: NativeTracing = NativeTracing()
    log_level: Literal["ERROR", "WARN", "INFO", "DEBUG", "TRACE"] = Field(
        "INFO", description="Least severity that is logged."
    )
    access_log: bool = Field(True, description="Log every request.")
    properties: dict[PropertyName, PropertyText] = Field(
        {}, description="Further properties of Polaris and Quarkus; ${NAME} in them is an environment variable."
    )
    service: ServiceValues = Field(ServiceValues(), description="The Service of the REST API.")
    ingress: IngressValues = IngressValues()
    route: RouteValues = RouteValues()
    resources: Resources = Resources(
        requests=ResourceList(cpu="200m", memory="512Mi"), limits=ResourceList(cpu="1000m", memory="1Gi")
    )
    extra_env: Annotated[ExtraEnv, _VARIABLES] = Field({}, description="Further environment variables, by name.")


def native_server(v: NativePolarisValues) -> PolarisServer:
    """What others must know of the server."""
    in_database = eq(cast("str", v.persistence.type), "relational-jdbc")
    return PolarisServer(v.enabled, in_database, v.realms, v.database.secret_name, USERNAME_KEY, PASSWORD_KEY)


def add_native(component: Component[Any], v: NativePolarisValues, root_secret: str) -> None:
    """Add the server's objects; ``root_secret`` is the Secret that it is bootstrapped with."""
    server = component.part(
        POLARIS.workload,
        ports={POLARIS.port_name: POLARIS.port, POLARIS_MANAGEMENT.port_name: POLARIS_MANAGEMENT.port},
    )
    api = component.part(POLARIS.workload, ports={POLARIS.port_name: POLARIS.port})
    management = component.part(POLARIS.workload, ports={POLARIS_MANAGEMENT.port_name: POLARIS_MANAGEMENT.port})
    data = {"application.properties": polaris_properties(v, f"{_TOKEN}/{TOKEN_KEY}")}
    config = component.add(component.config_map(server.name, data, POLARIS.workload))
    server.add_service_account(v)
    component.add(_deployment(component, v, root_secret, config))
    component.add(api.service(**service_fields(v.service)))
    suffix = POLARIS_MANAGEMENT.suffix
    component.add(management.service(headless=True, name=component.name(suffix)), name=suffix)
    server.add_scaling(v)
    with component.when(v.ingress.enabled):
        component.add(api.ingress(v.ingress))
    with component.when(v.route.enabled):
        component.add(api.http_route(v.route))


def _deployment(component: Component[Any], v: NativePolarisValues, root_secret: str, config: Template) -> Any:
    part = component.part(
        POLARIS.workload,
        ports={POLARIS.port_name: POLARIS.port, POLARIS_MANAGEMENT.port_name: POLARIS_MANAGEMENT.port},
    )
    known, client = native_server(v), postgres_client(component.chart)
    store: ObjectStore | None = component.chart.component(ObjectStore)
    more: dict[str, Any] = {"envFrom": store.env_from()} if store else {}
    wait = wait_for_database(
        component,
        v.database.client_image,
        client,
        database=DATABASE,
        secret=known.secret,
        username_key=known.username_key,
        password_key=known.password_key,
    )
    return part.deployment(
        image=v.image,
        env=_env(v, known, client, root_secret),
        **more,
        resources=v.resources,
        security=restricted_security(uid=UID),
        mounts={"config": _CONFIG, "token": _TOKEN, "tmp": "/tmp", **client.mounts},
        # What a cluster's network may make it wait for at the start takes minutes.
        startupProbe=http_probe("/q/health/live", POLARIS_MANAGEMENT.port_name, period=5, failures=48),
        livenessProbe=http_probe("/q/health/live", POLARIS_MANAGEMENT.port_name, timeout=10),
        readinessProbe=http_probe("/q/health/ready", POLARIS_MANAGEMENT.port_name, timeout=10),
        lifecycle=DRAIN,
        init_containers=[when(known.in_database, wait)],
        volumes=[
            {"name": "config", "configMap": {"name": part.name}},
            {"name": "token", "secret": {"secretName": v.token_secret_name, "items": _TOKEN_ITEMS}},
            {"name": "tmp", "emptyDir": {}},
            *client.volumes,
        ],
        checksums={"config": config},
        pod_security=pod_security(uid=UID, gid=GID, fs_group=GID),
        # Kubernetes' variables for Services would stand beside Quarkus' own.
        pod={"enableServiceLinks": False},
        # Two pods with a memory each would not know the same catalogs.
        strategy=when(not_(known.in_database), {"type": "Recreate"}),
        values=v,
    )


_TOKEN_ITEMS = [{"key": TOKEN_KEY, "path": TOKEN_KEY}]


def _env(v: NativePolarisValues, known: PolarisServer, client: PostgresClient, root_secret: str) -> dict[str, Any]:
    database = {
        "QUARKUS_DATASOURCE_USERNAME": secret_key(known.secret, known.username_key),
        "QUARKUS_DATASOURCE_PASSWORD": secret_key(known.secret, known.password_key),
        "QUARKUS_DATASOURCE_JDBC_URL": client.jdbc_url(DATABASE),
    }
    memory = {
        ROOT_ID: secret_key(root_secret, CLIENT_ID_KEY),
        ROOT_SECRET: secret_key(root_secret, CLIENT_SECRET_KEY),
        "POLARIS_BOOTSTRAP_CREDENTIALS": f"{join(f'{ROOT_PAIR};', v.realms)}{ROOT_PAIR}",
    }
    return {**JVM_VARIABLES, **when(known.in_database, database, memory)}
