"""The values of Apache Polaris' Helm chart: what the platform hands it, and every key beside that.

Keys are those of values.schema.json and values.yaml of the version below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, ClassVar

import pydantic
from annotated_types import Ge, Le
from pydantic import create_model

from floe_charts.constructs.network import OTLP_GRPC, POLARIS, POLARIS_MANAGEMENT
from floe_charts.constructs.object_store import ObjectStore
from floe_charts.constructs.part import object_labels, over
from floe_charts.constructs.pod_values import ContainerSecurity, PodSecurity, VolumeMount
from floe_charts.constructs.polaris.chart_config import (
    AdvancedText,
    AuthenticationValues,
    JdbcSecret,
    JdbcValues,
    LoggingValues,
    PersistenceValues,
    PolarisTracing,
    RealmContext,
    TokenBroker,
    TokenSecret,
)
from floe_charts.constructs.polaris.chart_pods import (
    EnvSourceRef,
    InitContainer,
    ManagementService,
    NamedVolume,
    PolarisAutoscaling,
    PolarisDisruptionBudget,
    PolarisEnvVar,
    PolarisImage,
    PolarisIngress,
    PolarisLifecycle,
    PolarisLiveness,
    PolarisPort,
    PolarisRoute,
    PolarisService,
    PolarisServiceAccount,
    ServiceMonitor,
    Spread,
)
from floe_charts.constructs.polaris.properties import BEFORE_BOOTSTRAP, FeatureName, PropertyName
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
    UID,
    VERSION,
    PolarisServer,
)
from floe_charts.constructs.postgres.client import PostgresClient, postgres_client
from floe_charts.constructs.postgres.wait import CLIENT_IMAGE, WAIT_NAME, WAIT_SCRIPT, WAIT_UID, wait_variables
from floe_charts.constructs.shared_values import OptionalName, UntemplatedAnnotations, pod_label_type, shared_labels
from floe_charts.constructs.surroundings.images import image_name
from floe_charts.helm import (
    Affinity,
    AnyJson,
    Const,
    DnsLabel,
    DnsName,
    Field,
    HelmChart,
    LabelKey,
    LabelValue,
    NodeSelector,
    ResourceList,
    Resources,
    SubchartValues,
    Toleration,
    and_,
    eq,
    nonempty,
    not_,
    when,
)
from floe_charts.helm.layers import merge

__all__ = [
    "CHART_NAME",
    "ENVIRONMENT",
    "KNOWN_VERSION",
    "PolarisValues",
    "chart_server",
    "chart_values",
    "derived_chart_values",
    "server_variables",
]

KNOWN_VERSION = VERSION
"""The version of the chart whose keys stand here."""
CHART_NAME = "polaris"
ENVIRONMENT = "polaris-env"
"""The ConfigMap with variables of the server, behind the chart's full name."""


class PolarisValues(SubchartValues):
    """Apache Polaris, the Iceberg catalog (official chart)."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "cors",
            "deploymentAnnotations",
            "extraServices",
            "fileIo",
            "gateway",
            "global",
            "hostUsers",
            "maintenance",
            "metrics",
            "oidc",
            "rateLimiter",
            "readinessProbe",
            "revisionHistoryLimit",
            "storage",
            "tasks",
        }
    )

    enabled: bool = Field(True, description="Whether there is Polaris.")
    fullname_override: DnsLabel = Field(
        "", description="Name of Polaris' objects; other parts look for its Service there."
    )
    replica_count: Annotated[int, Ge(0), Le(100)] = Field(1, description="Pods, where autoscaling is off.")
    autoscaling: PolarisAutoscaling = PolarisAutoscaling()
    pod_disruption_budget: PolarisDisruptionBudget = PolarisDisruptionBudget()
    image: PolarisImage = Field(PolarisImage())
    image_pull_secrets: list[DnsName] = Field([], description="Secrets to pull images with.")
    service_account: PolarisServiceAccount = Field(PolarisServiceAccount())
    service: PolarisService = Field(PolarisService(), description="The Service of the REST API.")
    management_service: ManagementService = Field(ManagementService())
    ingress: PolarisIngress = PolarisIngress()
    httproute: PolarisRoute = PolarisRoute()
    persistence: PersistenceValues = Field(PersistenceValues())
    authentication: AuthenticationValues = Field(AuthenticationValues())
    realm_context: RealmContext = Field(RealmContext())
    features: dict[FeatureName, AnyJson] = Field({}, description="Polaris' feature flags by name.")
    advanced_config: dict[PropertyName, AdvancedText] = Field(
        {}, description="Further properties of Polaris and Quarkus."
    )
    logging: LoggingValues = LoggingValues()
    tracing: PolarisTracing = Field(PolarisTracing())
    service_monitor: ServiceMonitor = Field(ServiceMonitor())
    liveness_probe: PolarisLiveness = Field(PolarisLiveness())
    container_lifecycle: PolarisLifecycle = Field(PolarisLifecycle())
    extra_env: list[PolarisEnvVar] = Field([], description="Environment variables.")
    env_from: list[EnvSourceRef] = Field(
        [],
        description="Objects whose keys become environment variables; Polaris needs those that stand here by default.",
    )
    extra_volumes: list[NamedVolume] = Field([], description="Further volumes of the pods.")
    extra_volume_mounts: list[VolumeMount] = Field([], description="Where Polaris sees them.")
    extra_init_containers: list[InitContainer] = Field([], description="Containers that end before Polaris starts.")
    config_map_labels: dict[LabelKey, LabelValue] = Field({}, description="Labels of the ConfigMap.")
    pod_labels: dict[LabelKey, LabelValue] = Field({}, description="Labels of the pods.")
    pod_annotations: UntemplatedAnnotations = Field({}, description="Annotations of the pods.")
    node_selector: NodeSelector = Field({}, description="Labels that a node must have.")
    affinity: Affinity = Field({}, description="Affinity of the pods.")
    tolerations: list[Toleration] = Field([], description="Taints that the pods tolerate.")
    topology_spread_constraints: list[Spread] = Field([Spread()], description="How the pods spread.")
    priority_class_name: OptionalName = Field(
        "", description="PriorityClass of the pods; empty: the cluster's default."
    )
    termination_grace_period_seconds: Annotated[int, Ge(0), Le(3600)] = Field(
        30, description="Seconds that a pod has to end its work."
    )
    pod_security_context: PodSecurity = Field(PodSecurity())
    container_security_context: ContainerSecurity = Field(ContainerSecurity())
    resources: Resources = Field(Resources(), description="CPU and memory.")


def chart_server(v: PolarisValues) -> PolarisServer:
    """What others must know of the server."""
    secret = v.persistence.relational_jdbc.secret
    in_database = and_(eq(v.persistence.type, "relational-jdbc"), nonempty(secret.name))
    return PolarisServer(v.enabled, in_database, v.realm_context.realms, secret.name, secret.username, secret.password)


def chart_values(chart: HelmChart, version: str, root_secret: str, *, otlp: bool) -> PolarisValues:
    """The values for the official chart, of a class in which the names that others rely on are fixed.

    ``root_secret`` is the name of the Secret that Polaris is bootstrapped with; ``otlp`` sends traces to the gateway.
    """
    fullname, labels = POLARIS.static_host(chart), object_labels(chart, POLARIS.workload)
    tracing = PolarisTracing()
    if otlp:
        tracing = PolarisTracing(
            enabled=True, endpoint=OTLP_GRPC.static_url(chart), attributes={"service.name": fullname}
        )
    made = _values_class(fullname, tuple(labels.items()))(
        # Chart and image are released together, under one version.
        image=PolarisImage(tag=version),
        service_account=PolarisServiceAccount(name=fullname),
        service=PolarisService(ports=[PolarisPort(name=POLARIS.port_name, port=POLARIS.port)]),
        management_service=ManagementService(
            ports=[PolarisPort(name=POLARIS_MANAGEMENT.port_name, port=POLARIS_MANAGEMENT.port)]
        ),
        persistence=PersistenceValues(relational_jdbc=JdbcValues(secret=JdbcSecret(name=f"{fullname}-database"))),
        authentication=AuthenticationValues(token_broker=TokenBroker(secret=TokenSecret(name=f"{fullname}-token"))),
        features={"SUPPORTED_CATALOG_STORAGE_TYPES": ["S3"]},
        advanced_config={
            # A text, as the chart's own default is a boolean.
            "quarkus.http.access-log.enabled": "true",
            "quarkus.datasource.jdbc.max-size": f"{MAX_CONNECTIONS}",
            **dict([BEFORE_BOOTSTRAP]),
        },
        tracing=tracing,
        affinity=_apart(labels),
        pod_security_context=PodSecurity(run_as_user=UID, run_as_group=GID, fs_group=GID),
        container_security_context=ContainerSecurity(run_as_user=UID),
        resources=Resources(
            requests=ResourceList(cpu="200m", memory="512Mi"), limits=ResourceList(cpu="1000m", memory="1Gi")
        ),
    )
    return over(made, type(made).model_validate(derived_chart_values(chart, made.to_values(), {}, root_secret)))


def derived_chart_values(
    chart: HelmChart, own: Mapping[str, Any], values: Mapping[str, Any], root_secret: str
) -> dict[str, Any]:
    """What our own templates compute, for a chart that Helm evaluates nothing for.

    ``own`` are Polaris' final values, ``values`` the whole chart's.
    """
    client = PostgresClient.from_values(chart, values)
    in_database = own["persistence"]["type"] == "relational-jdbc"
    labels = {**object_labels(chart, POLARIS.workload), **shared_labels(values)}
    memory = [
        _from_secret(ROOT_ID, root_secret, CLIENT_ID_KEY),
        _from_secret(ROOT_SECRET, root_secret, CLIENT_SECRET_KEY),
        {"name": "POLARIS_BOOTSTRAP_CREDENTIALS", "value": _pairs(own["realmContext"]["realms"])},
    ]
    return {
        "extraEnv": [] if in_database else memory,
        "envFrom": _env_from(chart, values),
        "extraInitContainers": [_wait_container(own, values, client)] if in_database else [],
        "extraVolumes": list(client.volumes) if in_database else [],
        "extraVolumeMounts": _mounts(client) if in_database else [],
        "configMapLabels": labels,
        "podLabels": labels,
    }


def server_variables(chart: HelmChart, v: PolarisValues) -> dict[str, Any]:
    """The variables in the ConfigMap :data:`ENVIRONMENT`, which Helm evaluates and the chart's values cannot hold."""
    return {
        **JVM_VARIABLES,
        # The chart switches the traces off where they are off, but never on.
        "QUARKUS_OTEL_SDK_DISABLED": f"{not_(v.tracing.enabled)}",
        "QUARKUS_DATASOURCE_JDBC_URL": when(chart_server(v).in_database, postgres_client(chart).jdbc_url(DATABASE)),
    }


def _pairs(realms: Sequence[str]) -> str:
    return ";".join(f"{realm}{ROOT_PAIR}" for realm in realms)


def _from_secret(name: str, secret: str, key: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def _env_from(chart: HelmChart, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The server's own variables, and those of S3 clients; the keys only where the object store has keys."""
    own = {"configMapRef": {"name": f"{chart.values.fullname_override}-{ENVIRONMENT}"}}
    store: ObjectStore | None = chart.component(ObjectStore)
    if store is None:
        return [own]
    final = merge(store.values.to_values(), values.get(store.id, {}))
    keys = [{"secretRef": {"name": final["secretName"]}}] if final["credentials"] == "secret" else []
    return [own, {"configMapRef": {"name": store.config_map_name}}, *keys]


def _wait_container(own: Mapping[str, Any], values: Mapping[str, Any], client: PostgresClient) -> dict[str, Any]:
    secret = own["persistence"]["relationalJdbc"]["secret"]
    variables = [{"name": name, "value": value} for name, value in wait_variables(client, DATABASE).items()]
    role = [
        _from_secret("PGUSER", secret["name"], secret["username"]),
        _from_secret("PGPASSWORD", secret["name"], secret["password"]),
    ]
    made = InitContainer(
        name=WAIT_NAME,
        image=image_name(CLIENT_IMAGE, values),
        command=["sh", "-c", WAIT_SCRIPT],
        security_context=ContainerSecurity(run_as_user=WAIT_UID),
    )
    return {**made.to_values(), "env": [*variables, *role], "volumeMounts": _mounts(client)}


def _mounts(client: PostgresClient) -> list[dict[str, Any]]:
    return [{"name": name, "mountPath": path} for name, path in client.mounts.items()]


def _apart(labels: Mapping[str, str]) -> dict[str, Any]:
    """Affinity that keeps the pods with these labels on different nodes, as far as can be."""
    term = {"labelSelector": {"matchLabels": dict(labels)}, "topologyKey": "kubernetes.io/hostname"}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


@cache
def _values_class(fullname: str, labels: tuple[tuple[str, str], ...]) -> type[PolarisValues]:
    """The values with what other parts rely on: the name of the Services, and the labels of the pods."""
    name = pydantic.Field(fullname, description="Name of Polaris' objects, and of the Service that others look for.")
    marked = pod_label_type(dict(labels))
    fields: dict[str, Any] = {
        "fullname_override": (Annotated[str, Const(fullname)], name),
        "pod_labels": (marked, pydantic.Field(dict(labels), description="Labels of the pods.")),
        "config_map_labels": (marked, pydantic.Field(dict(labels), description="Labels of the ConfigMap.")),
    }
    return create_model("PolarisValues", __base__=PolarisValues, __doc__=PolarisValues.__doc__, **fields)
