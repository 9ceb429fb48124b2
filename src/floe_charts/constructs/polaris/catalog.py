"""Polaris, the Iceberg catalog: by its official chart, or with every template generated here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, cast

from floe_charts.constructs.network import (
    INGRESS,
    OTLP_GRPC,
    POLARIS,
    POLARIS_MANAGEMENT,
    POSTGRES,
    PROMETHEUS,
    Edge,
    Endpoint,
    Workload,
)
from floe_charts.constructs.object_store import ObjectStore, object_store_edges
from floe_charts.constructs.part import (
    Check,
    Claim,
    PlatformPart,
    RequiredSecret,
    Scrape,
    SecretKey,
    over,
    workload_claim,
)
from floe_charts.constructs.polaris.chart import (
    CHART_NAME,
    ENVIRONMENT,
    KNOWN_VERSION,
    PolarisValues,
    chart_server,
    chart_values,
    derived_chart_values,
    server_variables,
)
from floe_charts.constructs.polaris.native import NativePolarisValues, NativeTracing, add_native, native_server
from floe_charts.constructs.polaris.server import DATABASE, TOKEN_KEY, PolarisServer
from floe_charts.constructs.polaris.setup import PolarisSetup
from floe_charts.constructs.polaris.setup_values import CatalogValues, PrincipalValues
from floe_charts.constructs.postgres.database import DatabaseConsumer
from floe_charts.constructs.service_values import opens_outward
from floe_charts.deployment import ChartSource, Components, Environment
from floe_charts.errors import DeclarationError
from floe_charts.helm import HelmChart, Values, and_, or_
from floe_charts.helm.rules import ValueRule

__all__ = [
    "KNOWN_VERSION",
    "CatalogValues",
    "NativePolarisValues",
    "PolarisCatalog",
    "PolarisSetup",
    "PolarisValues",
    "PrincipalValues",
]


class PolarisCatalog(PlatformPart[Values]):
    """Polaris: the REST API at ``<fullname>-polaris:8181``, health and metrics at ``<fullname>-polaris-mgmt:8182``.

    Strategy ``dependency`` hands typed values to the official chart, ``native`` makes every object here. In both,
    :class:`PolarisSetup` bootstraps it and makes catalogs and principals, and the object store that the chart has
    already (:class:`ObjectStore`) is the one that the server uses.
    """

    title: ClassVar[str] = "Polaris"

    def __init__(
        self,
        chart: HelmChart,
        id: str = "polaris",
        *,
        strategy: Literal["dependency", "native"] = "dependency",
        source: ChartSource | None = None,
        otlp: bool = False,
        catalogs: Mapping[str, CatalogValues] | None = None,
        principals: Mapping[str, PrincipalValues] | None = None,
        memory_in: Sequence[str] | None = None,
        values: PolarisValues | NativePolarisValues | None = None,
    ) -> None:
        """``source`` says which official chart; without it the one whose keys are known.

        ``otlp`` sends traces to the platform's gateway. ``catalogs`` and ``principals`` are made after each install.
        ``memory_in`` names the environments (the chart's value ``environment``) where catalogs may be kept in memory;
        None: anywhere.
        ``values`` are defaults of the strategy's own class, :class:`PolarisValues` or :class:`NativePolarisValues`:
        what they leave unset is the platform's.

        Raises :class:`DeclarationError` where ``values`` are of the other strategy.
        """
        self.strategy = strategy
        self.otlp = otlp
        self.memory_in = memory_in
        expected = NativePolarisValues if strategy == "native" else PolarisValues
        if values is not None and not isinstance(values, expected):
            found = type(values).__name__
            raise DeclarationError(f"{id}: strategy {strategy} takes {expected.__name__}, found {found}")
        found_source = source or Components().polaris.chart
        version = found_source.version if strategy == "dependency" else KNOWN_VERSION
        defaults = (
            _native_defaults(chart, otlp=otlp)
            if strategy == "native"
            else chart_values(chart, version, _root_secret(chart), otlp=otlp)
        )
        super().__init__(chart, id, over(defaults, cast("Values | None", values)))
        if strategy == "dependency":
            self.depend_on(CHART_NAME, found_source, known_version=KNOWN_VERSION)
        self.setup = PolarisSetup(
            chart, f"{id}Setup", self.server, version=version, catalogs=catalogs, principals=principals
        )

    @property
    def server(self) -> PolarisServer:
        """What others must know of the server."""
        if self.strategy == "native":
            return native_server(cast("NativePolarisValues", self.refs))
        return chart_server(cast("PolarisValues", self.refs))

    # What others need to know

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The ports of the REST API and of health and metrics."""
        return (POLARIS, POLARIS_MANAGEMENT)

    def workloads(self) -> tuple[Workload, ...]:
        """The server's pods."""
        return (Workload(POLARIS.workload, "Polaris", self.server.enabled),)

    def edges(self) -> tuple[Edge, ...]:
        """The server asks the database and the object store, and tells the gateway; people come in by Ingresses."""
        v: Any = self.refs
        route = v.route if self.strategy == "native" else v.httproute
        entries = (v.ingress.enabled, route.enabled, opens_outward(v.service.type))
        store = self.chart.component(ObjectStore) is not None
        return (
            Edge(POLARIS.workload, POSTGRES, "catalogs", self.server.in_database),
            *(object_store_edges(self.chart, POLARIS.workload, "tables' metadata") if store else ()),
            *((Edge(POLARIS.workload, OTLP_GRPC, "traces", v.tracing.enabled),) if self.otlp else ()),
            Edge(INGRESS, POLARIS, "Iceberg REST API", or_(*entries)),
            Edge(PROMETHEUS, POLARIS_MANAGEMENT, "metrics"),
        )

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The Secrets of the database, and of the key that signs tokens."""
        consumer = self.database_consumer()
        found = [consumer.required_secret] if consumer.default_secret else []
        token = self._token_secret()
        return (*found, token) if token is not None else tuple(found)

    def _token_secret(self) -> RequiredSecret | None:
        if self.strategy == "native":
            keys: tuple[SecretKey, ...] = (SecretKey(TOKEN_KEY, random=64),)
            name = cast("NativePolarisValues", self.values).token_secret_name
            reference = cast("NativePolarisValues", self.refs).token_secret_name
        else:
            broker = cast("PolarisValues", self.values).authentication.token_broker
            pair = broker.secret.rsa_key_pair
            signing = SecretKey(broker.secret.symmetric_key.secret_key, random=64)
            symmetric = broker.type == "symmetric-key"
            keys = (signing,) if symmetric else (SecretKey(pair.public_key), SecretKey(pair.private_key))
            name = broker.secret.name
            reference = cast("PolarisValues", self.refs).authentication.token_broker.secret.name
        if not name:
            return None
        purpose, condition = "key that signs Polaris' tokens", f"{self.id}.enabled is true"
        return RequiredSecret("polarisToken", name, keys, purpose, reference, self.server.enabled, condition)

    def scrapes(self) -> tuple[Scrape, ...]:
        """The server's metrics, on its management port."""
        return (Scrape(POLARIS_MANAGEMENT, "/q/metrics", self.server.enabled),)

    def checks(self) -> tuple[Check, ...]:
        """The server says that it is ready, which asks the database."""
        ready = f"curl -fsS {POLARIS_MANAGEMENT.url(self.chart, '/q/health/ready')}"
        return (Check("polaris", ready, (POLARIS_MANAGEMENT,), when=self.server.enabled),)

    def claims(self, values: Mapping[str, Any]) -> Sequence[Claim]:
        """The server's pods."""
        if not values["enabled"]:
            return ()
        return (workload_claim({"replicas": values.get("replicaCount"), **values}),)

    def database_consumer(self) -> DatabaseConsumer:
        """What PostgreSQL must provide; needed only where Polaris keeps its catalogs there."""
        values: Any = self.values
        native = self.strategy == "native"
        name = values.database.secret_name if native else values.persistence.relational_jdbc.secret.name
        return DatabaseConsumer(
            name="polaris",
            database=DATABASE,
            role=DATABASE,
            secret=self.server.secret,
            default_secret=name,
            enabled=and_(self.server.enabled, self.server.in_database),
        )

    # Layers

    def value_rules(self) -> Sequence[ValueRule]:
        """Catalogs are kept in memory where that loses nothing."""
        if self.memory_in is None:
            return ()
        because = (
            "a restart forgets every catalog and leaves the tables behind, which is for environments of the kind test"
        )
        path = f"{self.id}.persistence.type"
        return (ValueRule(path, ("in-memory",), "environment", tuple(self.memory_in), because),)

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """Two pods where high availability matters, ports on the nodes where people try things out.

        In a test environment everything is in memory, of one pod.
        """
        native = self.strategy == "native"
        found: dict[str, Any] = {}
        if environment.kind in ("development", "test"):
            found["service"] = {"type": "NodePort"}
        if environment.kind == "test":
            found["persistence"] = {"type": "in-memory"}
            if not native:
                # The official chart reads a connection wherever there is one, whatever the type is.
                found["persistence"]["relationalJdbc"] = {"secret": {"name": ""}}
        elif environment.high_availability:
            found |= {"replicas" if native else "replicaCount": 2, "podDisruptionBudget": {"enabled": True}}
        return found

    def derived_values(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the official chart must be told that our own templates compute."""
        if self.strategy == "native":
            return {}
        secret = values.get(self.setup.id, {}).get("secretName", self.setup.values.secret_name)
        return derived_chart_values(self.chart, values[self.id], values, secret)

    # Objects

    def build(self, v: Values) -> None:
        """The objects of strategy ``native``; what the official chart cannot make or be told of its pods."""
        with self.when(self.server.enabled):
            if self.strategy == "native":
                add_native(self, cast("NativePolarisValues", v), self.setup.refs.secret_name)
            else:
                self._add_beside_chart(cast("PolarisValues", v))

    def _add_beside_chart(self, v: PolarisValues) -> None:
        name = self.name(ENVIRONMENT)
        self.add(self.config_map(name, server_variables(self.chart, v), POLARIS.workload), name=ENVIRONMENT)
        metadata = self.metadata(v.service_account.name, POLARIS.workload, annotations=v.service_account.annotations)
        self.add(
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": metadata,
                "automountServiceAccountToken": False,
            }
        )


def _root_secret(chart: HelmChart) -> str:
    return f"{POLARIS.static_host(chart)}-bootstrap"


def _native_defaults(chart: HelmChart, *, otlp: bool) -> NativePolarisValues:
    fullname, defaults = POLARIS.static_host(chart), NativePolarisValues()
    tracing = NativeTracing(service_name=fullname)
    if otlp:
        tracing = NativeTracing(service_name=fullname, enabled=True, endpoint=OTLP_GRPC.static_url(chart))
    database = defaults.database.model_copy(update={"secret_name": f"{fullname}-database"})
    return defaults.model_copy(
        update={
            "database": database,
            "features": {"SUPPORTED_CATALOG_STORAGE_TYPES": '["S3"]'},
            "token_secret_name": f"{fullname}-token",
            "tracing": tracing,
        }
    )
