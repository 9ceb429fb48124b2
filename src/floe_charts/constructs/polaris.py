"""Polaris, the Iceberg catalog: the official chart as a dependency, its values wired to the platform."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, cast

from pydantic import create_model

from floe_charts.constructs.database import PASSWORD_KEY, USERNAME_KEY, DatabaseConsumer
from floe_charts.constructs.network import OTLP_GRPC, POLARIS, POLARIS_MANAGEMENT, POSTGRES, Endpoint
from floe_charts.constructs.part import PlatformPart, RequiredSecret, SecretKey, over
from floe_charts.constructs.pod_values import ContainerSecurity, PodSecurity
from floe_charts.constructs.polaris_chart import (
    CHART_NAME,
    KNOWN_VERSION,
    AuthenticationValues,
    JdbcSecret,
    JdbcValues,
    PersistenceValues,
    PolarisImage,
    PolarisPort,
    PolarisService,
    PolarisTracing,
    PolarisValues,
    StorageSecret,
    StorageValues,
    TokenBroker,
    TokenSecret,
)
from floe_charts.deployment import ChartSource, Components, Environment
from floe_charts.helm import Const, Field, HelmChart, ResourceList, Resources, and_, eq

__all__ = ["KNOWN_VERSION", "PolarisCatalog", "PolarisValues"]

# User and group of the image.
_UID, _GID = 10000, 10001
_DATABASE = "polaris"
_JDBC_URL_KEY = "jdbcUrl"
_STORAGE_KEYS = ("access-key-id", "secret-access-key")


class PolarisCatalog(PlatformPart[PolarisValues]):
    """Polaris by its official chart: the REST API at ``<fullname>-polaris:8181``, health and metrics at ``-mgmt:8182``.

    Its realms must be bootstrapped once with Polaris' admin tool before clients can log in.
    """

    title: ClassVar[str] = "Polaris"

    def __init__(
        self,
        chart: HelmChart,
        id: str = "polaris",
        *,
        source: ChartSource | None = None,
        otlp: bool = False,
        storage: bool = False,
        storage_secret: str | None = None,
        values: PolarisValues | None = None,
    ) -> None:
        """``source`` says which official chart; without it the one whose keys are known.

        ``otlp`` sends traces to the platform's gateway. ``storage`` gives Polaris the credentials of an object store,
        from the Secret ``storage_secret`` (``<fullname>-polaris-storage`` by default). ``values`` are defaults: what
        they leave unset is the platform's.
        """
        found = source or Components().polaris.chart
        defaults = _defaults(chart, found.version, otlp=otlp)
        if storage or storage_secret is not None:
            secret = storage_secret or f"{POLARIS.static_host(chart)}-storage"
            defaults = defaults.model_copy(update={"storage": _storage(secret)})
        super().__init__(chart, id, over(defaults, values))
        self.depend_on(CHART_NAME, found, known_version=KNOWN_VERSION)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The ports of the REST API and of health and metrics."""
        return (POLARIS, POLARIS_MANAGEMENT)

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The Secrets of the database, of the key that signs tokens, and of the object store."""
        found: list[RequiredSecret] = []
        in_database = f"{self.id}.persistence.type is relational-jdbc"
        jdbc, token = self.values.persistence.relational_jdbc.secret, self.values.authentication.token_broker
        if jdbc.name:
            url = f"jdbc:postgresql://{POSTGRES.static_host(self.chart)}:{POSTGRES.port}/{_DATABASE}"
            keys = tuple(SecretKey(key) for key in (jdbc.username, jdbc.password) if key)
            keys += (SecretKey(jdbc.jdbc_url, text=url),) if jdbc.jdbc_url else ()
            purpose = f"Polaris' connection to PostgreSQL ({url})"
            found.append(RequiredSecret("polarisDatabase", jdbc.name, keys, purpose, condition=in_database))
        if token.secret.name:
            pair = token.secret.rsa_key_pair
            keys = (
                (SecretKey(token.secret.symmetric_key.secret_key, random=64),)
                if token.type == "symmetric-key"
                else (SecretKey(pair.public_key), SecretKey(pair.private_key))
            )
            purpose, enabled = "key that signs Polaris' tokens", f"{self.id}.enabled is true"
            found.append(RequiredSecret("polarisToken", token.secret.name, keys, purpose, condition=enabled))
        store = self.values.storage.secret
        if store.name:
            keys = tuple(SecretKey(key) for key in (store.aws_access_key_id, store.aws_secret_access_key) if key)
            purpose, enabled = "Polaris' access to the object store", f"{self.id}.enabled is true"
            found.append(RequiredSecret("polarisStorage", store.name, keys, purpose, condition=enabled))
        return tuple(found)

    def database_consumer(self) -> DatabaseConsumer:
        """What PostgreSQL must provide; needed only where Polaris keeps its catalogs there."""
        secret, v = self.values.persistence.relational_jdbc.secret, self.refs
        return DatabaseConsumer(
            name="polaris",
            database=_DATABASE,
            role=_DATABASE,
            secret=v.persistence.relational_jdbc.secret.name,
            default_secret=secret.name,
            extra_keys=(SecretKey(_JDBC_URL_KEY),),
            enabled=and_(v.enabled, eq(cast("str", v.persistence.type), "relational-jdbc")),
        )

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """Two pods where high availability matters; everything in memory in a test environment."""
        if environment.kind == "test":
            # The chart reads the connection wherever the Secret has a name, whatever the type is.
            return {"persistence": {"type": "in-memory", "relationalJdbc": {"secret": {"name": ""}}}}
        return {"replicaCount": 2} if environment.high_availability else {}


def _defaults(chart: HelmChart, version: str, *, otlp: bool) -> PolarisValues:
    fullname = POLARIS.static_host(chart)
    tracing = PolarisTracing()
    if otlp:
        tracing = PolarisTracing(
            enabled=True, endpoint=OTLP_GRPC.static_url(chart), attributes={"service.name": fullname}
        )
    return _values_class(fullname)(
        # Chart and image are released together, under one version.
        image=PolarisImage(tag=version),
        service=PolarisService(ports=[PolarisPort(name=POLARIS.port_name, port=POLARIS.port)]),
        management_service=PolarisService(
            ports=[PolarisPort(name=POLARIS_MANAGEMENT.port_name, port=POLARIS_MANAGEMENT.port)]
        ),
        persistence=PersistenceValues(
            relational_jdbc=JdbcValues(
                secret=JdbcSecret(
                    name=f"{fullname}-database", username=USERNAME_KEY, password=PASSWORD_KEY, jdbc_url=_JDBC_URL_KEY
                )
            )
        ),
        authentication=AuthenticationValues(token_broker=TokenBroker(secret=TokenSecret(name=f"{fullname}-token"))),
        features={"SUPPORTED_CATALOG_STORAGE_TYPES": ["S3"]},
        # A text, as the chart's own default is a boolean.
        advanced_config={"quarkus.http.access-log.enabled": "true"},
        tracing=tracing,
        pod_security_context=PodSecurity(run_as_user=_UID, run_as_group=_GID, fs_group=_GID),
        container_security_context=ContainerSecurity(run_as_user=_UID),
        resources=Resources(
            requests=ResourceList(cpu="200m", memory="512Mi"), limits=ResourceList(cpu="1000m", memory="1Gi")
        ),
    )


def _storage(secret: str) -> StorageValues:
    access, key = _STORAGE_KEYS
    return StorageValues(secret=StorageSecret(name=secret, aws_access_key_id=access, aws_secret_access_key=key))


@cache
def _values_class(fullname: str) -> type[PolarisValues]:
    """The values with a full name that cannot be changed: the platform's other parts look for the Service under it."""
    name = Field(fullname, description="Name of Polaris' objects, and of the Service that other parts look for.")
    return create_model(
        "PolarisValues",
        __base__=PolarisValues,
        __doc__=PolarisValues.__doc__,
        fullname_override=(Annotated[str, Const(fullname)], name),
    )
