"""The values of Apache Polaris' Helm chart, as far as the platform sets them, and every key beside them.

Keys are those of values.schema.json and values.yaml of the version below. The chart passes most texts through Helm's
``tpl``, so none of them may hold ``{{``.
"""

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge
from pydantic import StringConstraints

from floe_charts.constructs.pod_values import ChartImage, ContainerSecurity, EnvVar, PodSecurity, PullPolicy
from floe_charts.helm import (
    AnyJson,
    DnsLabel,
    DnsName,
    Field,
    NodeSelector,
    Port,
    Resources,
    StringMap,
    SubchartValues,
    Toleration,
    Values,
)

__all__ = [
    "CHART_NAME",
    "KNOWN_VERSION",
    "AuthenticationValues",
    "JdbcSecret",
    "JdbcValues",
    "PersistenceValues",
    "PolarisImage",
    "PolarisPort",
    "PolarisService",
    "PolarisTracing",
    "PolarisValues",
    "StorageSecret",
    "StorageValues",
    "TokenBroker",
    "TokenSecret",
]

KNOWN_VERSION = "1.7.0"
"""The version of the chart whose keys stand here."""
CHART_NAME = "polaris"

_OptionalName = Annotated[
    str,
    StringConstraints(pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$", max_length=253),
]
_SecretKey = Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)]
_OptionalKey = Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]*$", max_length=253)]
# Java properties: no line breaks, no backslashes; and nothing that tpl would evaluate.
_PropertyText = Annotated[str, StringConstraints(pattern=r"^([ -\[\]-z|}~]|\{[ -\[\]-z|}~])*\{?$")]
_PropertyName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\"-]+$", max_length=200)]
_AttributeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=200)]
_AttributeText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/@+-]*$", max_length=200)]
_FeatureName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=200)]
_RealmName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=64)]
_Url = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$")]


class PolarisImage(SubchartValues, ChartImage):
    """Polaris' image."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"configDir"})

    repository: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?$")] = Field(
        "docker.io/apache/polaris", description="Repository, with the registry's host."
    )
    tag: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")] = Field(
        KNOWN_VERSION, description="Tag of the image."
    )
    pull_policy: PullPolicy = Field("IfNotPresent", description="When a node pulls the image.")


class PolarisPort(Values):
    """A port of a Service."""

    name: DnsLabel = Field("http", description="Name of the port.")
    port: Port = Field(8181, description="Number; the first port's is the one that Polaris listens on.")
    target_port: Annotated[int, Ge(0)] | None = Field(None, description="Port of the container; 0: the same.")
    node_port: Annotated[int, Ge(0)] | None = Field(None, description="Port on the nodes; 0: chosen by Kubernetes.")
    protocol: Literal["TCP"] = Field("TCP", description="Protocol.")


class PolarisService(SubchartValues):
    """A Service of Polaris."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "annotations",
            "clusterIP",
            "externalTrafficPolicy",
            "internalTrafficPolicy",
            "sessionAffinity",
            "trafficDistribution",
        }
    )

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field("ClusterIP", description="Kind of the Service.")
    ports: list[PolarisPort] = Field([], min_length=1, description="Its ports; other parts rely on the default ones.")


class JdbcSecret(SubchartValues):
    """The Secret with the connection to PostgreSQL."""

    name: _OptionalName = Field(
        "", description="Its name; empty with persistence.type in-memory, else pods wait for it."
    )
    username: _SecretKey = Field("username", description="Key of the role.")
    password: _SecretKey = Field("password", description="Key of the password.")
    jdbc_url: _OptionalKey = Field(
        "jdbcUrl", description="Key of the JDBC URL, such as jdbc:postgresql://host:5432/polaris."
    )


class JdbcValues(SubchartValues):
    """The connection to PostgreSQL."""

    secret: JdbcSecret = Field(JdbcSecret())


class PersistenceValues(SubchartValues):
    """Where Polaris keeps its catalogs."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"nosql"})

    type: Literal["relational-jdbc", "in-memory"] = Field(
        "relational-jdbc", description="in-memory forgets everything at a restart: for tests."
    )
    relational_jdbc: JdbcValues = Field(JdbcValues())


class SymmetricKey(SubchartValues):
    """The key with type symmetric-key."""

    secret_key: _SecretKey = Field("symmetric.key", description="Key in the Secret.")


class RsaKeyPair(SubchartValues):
    """The key pair with type rsa-key-pair."""

    public_key: _SecretKey = Field("public.pem", description="Key of the public key in the Secret.")
    private_key: _SecretKey = Field("private.pem", description="Key of the private key in the Secret.")


class TokenSecret(SubchartValues):
    """The Secret with the key that signs tokens."""

    # The flat form of older versions, which the nested one overrules.
    known_keys: ClassVar[frozenset[str] | None] = frozenset({"privateKey", "publicKey", "secretKey"})

    name: _OptionalName = Field(
        "", description="Its name; empty: a key made by each pod, good for one pod and no restart."
    )
    symmetric_key: SymmetricKey = Field(SymmetricKey())
    rsa_key_pair: RsaKeyPair = Field(RsaKeyPair())


class TokenBroker(SubchartValues):
    """How Polaris signs its tokens."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"maxTokenGeneration"})

    type: Literal["symmetric-key", "rsa-key-pair"] = Field("symmetric-key", description="Kind of the key.")
    secret: TokenSecret = Field(TokenSecret())


class AuthenticationValues(SubchartValues):
    """How clients prove who they are."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"authenticator", "realmOverrides", "tokenService"})

    type: Literal["internal", "external", "mixed"] = Field(
        "internal", description="Tokens of Polaris, of an OIDC provider, or both."
    )
    token_broker: TokenBroker = Field(TokenBroker())


class StorageSecret(SubchartValues):
    """The Secret with the credentials of the object store."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"gcpToken", "gcpTokenLifespan"})

    name: _OptionalName = Field("", description="Its name; empty: credentials come from the pod's identity.")
    aws_access_key_id: _OptionalKey = Field("", description="Key of the access key's id.")
    aws_secret_access_key: _OptionalKey = Field("", description="Key of the secret access key.")


class StorageValues(SubchartValues):
    """Access to the object store."""

    secret: StorageSecret = Field(StorageSecret())


class PolarisTracing(SubchartValues):
    """Where Polaris sends its traces."""

    enabled: bool = Field(False, description="Send traces.")
    endpoint: _Url = Field("http://localhost:4317", description="OTLP gRPC address.")
    sample: Annotated[str, StringConstraints(pattern=r"^(all|none|[01](\.[0-9]+)?d?)$")] = Field(
        "1.0d", description="all, none, or the fraction of traces that is sent."
    )
    attributes: dict[_AttributeName, _AttributeText] = Field({}, description="Resource attributes of the traces.")


class RealmContext(SubchartValues):
    """The realms that Polaris serves."""

    type: Literal["default"] = Field("default", description="How a request says its realm.")
    realms: list[_RealmName] = Field(["POLARIS"], min_length=1, description="Realms; the first is the default.")
    require_header: bool = Field(False, description="Refuse requests that name no realm.")


class ServiceMonitor(SubchartValues):
    """Scraping by the Prometheus operator."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"interval", "labels", "metricRelabelings"})

    enabled: bool = Field(False, description="Make a ServiceMonitor, where the cluster knows them.")


class PolarisLiveness(SubchartValues):
    """When a pod's container is restarted. The chart has no startup probe, so this one waits for a slow start."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "failureThreshold",
            "periodSeconds",
            "successThreshold",
            "terminationGracePeriodSeconds",
            "timeoutSeconds",
        }
    )

    initial_delay_seconds: Annotated[int, Ge(0)] = Field(60, description="Seconds before the first try.")


class PolarisServiceAccount(SubchartValues):
    """Polaris' ServiceAccount."""

    create: bool = Field(True, description="Make it.")
    name: _OptionalName = Field("", description="Its name; empty: fullnameOverride.")
    annotations: StringMap = Field({}, description="Its annotations, for a cloud's workload identity.")


class PolarisValues(SubchartValues):
    """Apache Polaris, the Iceberg catalog (official chart)."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "affinity",
            "autoscaling",
            "configMapLabels",
            "containerLifecycle",
            "cors",
            "deploymentAnnotations",
            "envFrom",
            "extraInitContainers",
            "extraServices",
            "extraVolumeMounts",
            "extraVolumes",
            "fileIo",
            "gateway",
            "global",
            "hostUsers",
            "httproute",
            "ingress",
            "logging",
            "maintenance",
            "metrics",
            "oidc",
            "podDisruptionBudget",
            "podLabels",
            "priorityClassName",
            "rateLimiter",
            "readinessProbe",
            "revisionHistoryLimit",
            "tasks",
            "terminationGracePeriodSeconds",
            "topologySpreadConstraints",
        }
    )

    enabled: bool = Field(True, description="Whether there is Polaris.")
    fullname_override: DnsLabel = Field(
        "", description="Name of Polaris' objects; other parts look for its Service there."
    )
    replica_count: Annotated[int, Ge(0)] = Field(1, description="Pods.")
    image: PolarisImage = Field(PolarisImage())
    image_pull_secrets: list[DnsName] = Field([], description="Secrets to pull images with.")
    service_account: PolarisServiceAccount = Field(PolarisServiceAccount())
    service: PolarisService = Field(PolarisService(), description="The Service of the REST API.")
    management_service: PolarisService = Field(PolarisService(), description="The Service of health and metrics.")
    persistence: PersistenceValues = Field(PersistenceValues())
    authentication: AuthenticationValues = Field(AuthenticationValues())
    storage: StorageValues = Field(StorageValues())
    realm_context: RealmContext = Field(RealmContext())
    features: dict[_FeatureName, AnyJson] = Field({}, description="Polaris' feature flags by name.")
    advanced_config: dict[_PropertyName, _PropertyText] = Field(
        {}, description="Further properties of Polaris and Quarkus."
    )
    tracing: PolarisTracing = Field(PolarisTracing())
    service_monitor: ServiceMonitor = Field(ServiceMonitor())
    liveness_probe: PolarisLiveness = Field(PolarisLiveness())
    extra_env: list[EnvVar] = Field([], description="Environment variables.")
    pod_annotations: StringMap = Field({}, description="Annotations of the pods.")
    node_selector: NodeSelector = Field({}, description="Labels that a node must have.")
    tolerations: list[Toleration] = Field([], description="Taints that the pods tolerate.")
    pod_security_context: PodSecurity = Field(PodSecurity())
    container_security_context: ContainerSecurity = Field(ContainerSecurity())
    resources: Resources = Field(Resources(), description="CPU and memory.")
