"""The values of Dagster's official Helm chart, as far as the platform sets them, and every key beside them.

Keys are those of values.schema.json and values.yaml of the version below.
"""

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge
from pydantic import StringConstraints

from floe_charts.constructs.dagster.chart_runs import DIGESTED_TAG, DagsterImage, PodLabels, RunLauncher
from floe_charts.constructs.dagster.values import EntryValues, MigrationValues
from floe_charts.constructs.network import POSTGRES
from floe_charts.constructs.pod_values import (
    ChartImage,
    ContainerSecurity,
    EnvVar,
    HandedText,
    InitContainer,
    InitResources,
    PodSecurity,
    Probe,
    PullPolicy,
    QuotedText,
    SourceRef,
    StartupProbe,
    Volume,
    VolumeMount,
)
from floe_charts.helm import (
    Affinity,
    DnsLabel,
    DnsName,
    Field,
    LabelKey,
    NodeSelector,
    ObjectRef,
    Port,
    Resources,
    StringMap,
    SubchartValues,
    Toleration,
)
from floe_charts.helm.patterns import REGISTRY_PATTERN, form

__all__ = [
    "CHART_NAME",
    "COMPONENT",
    "KNOWN_VERSION",
    "DaemonValues",
    "DagsterGlobal",
    "DagsterPostgres",
    "DagsterService",
    "DagsterValues",
    "QueuedRunCoordinator",
    "RunCoordinator",
    "RunCoordinatorConfig",
    "WebserverValues",
    "WebserverWorkspace",
]

KNOWN_VERSION = "1.12.17"
"""The version of the chart whose keys stand here."""
CHART_NAME = "dagster"
"""What the chart's pods carry as ``app.kubernetes.io/name``."""
COMPONENT = "dagster-webserver"
"""What the webserver's pods carry as ``component``, whatever ``nameOverride`` says."""

# The chart writes them without quotes into dagster.yaml and into a shell command.
_Identifier = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^[a-z_][a-z0-9_]*$", "a name of lower-case letters, digits and '_', no digit first"),
        max_length=63,
    ),
]
_Registry = Annotated[str, StringConstraints(pattern=REGISTRY_PATTERN)]
_Positive = Annotated[int, Ge(1)]

_WORKLOAD_KEYS = frozenset(
    {
        "extraContainers",
        "logFormat",
        "schedulerName",
    }
)


class DagsterGlobal(SubchartValues):
    """What the chart shares with its own subcharts."""

    # Open: Helm adds the globals of every parent chart here.
    known_keys: ClassVar[frozenset[str] | None] = None

    postgresql_secret_name: DnsName = Field(
        "", description="Secret with the database password, key postgresql-password."
    )
    fullname_override: DnsLabel = Field("", description="What the names of Dagster's objects begin with.")


class WebserverWorkspace(SubchartValues):
    """Where the webserver finds its code locations."""

    enabled: Literal[True] = Field(True, description="Read the workspace from a ConfigMap.")
    servers: list[HandedText] = Field(
        [], max_length=0, description="Stays empty: workspace.locations are the code locations."
    )
    external_configmap: DnsName = Field("", description="ConfigMap with the workspace, made by this chart.")


class DagsterService(SubchartValues):
    """The chart's own Service of the webserver; the platform's (webserver.service) leads to the same pods."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"annotations"})

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field("ClusterIP", description="Kind of the Service.")
    port: Port = Field(3000, description="Port of the Service and of the webserver itself.")


class _Workload(SubchartValues):
    """What webserver and daemon have in common."""

    known_keys: ClassVar[frozenset[str] | None] = _WORKLOAD_KEYS

    image: DagsterImage = Field(DagsterImage(), description="Image with Dagster and the code of the data products.")
    env: list[EnvVar] = Field([], description="Environment variables.")
    env_config_maps: list[SourceRef] = Field([], description="ConfigMaps that become environment variables.")
    env_secrets: list[SourceRef] = Field([], description="Secrets that become environment variables.")
    annotations: dict[LabelKey, QuotedText] = Field(
        {}, description="Annotations of Deployment and pods; a change rolls the pods."
    )
    labels: PodLabels = Field({}, description="Further labels of the pods.")
    deployment_labels: PodLabels = Field({}, description="Further labels of the Deployment.")
    affinity: Affinity = Field({}, description="Affinity of the pods.")
    node_selector: NodeSelector = Field({}, description="Labels that a node must have.")
    tolerations: list[Toleration] = Field([], description="Taints that the pods tolerate.")
    pod_security_context: PodSecurity = Field(PodSecurity())
    security_context: ContainerSecurity = Field(ContainerSecurity())
    resources: Resources = Field(Resources(), description="CPU and memory.")
    init_container_resources: InitResources = Field(InitResources())
    extra_prepended_init_containers: list[InitContainer] = Field(
        [], description="Containers that end before all others start; by default one that waits for the database."
    )
    check_db_ready_init_container: bool = Field(True, description="Wait for the database's server, too.")
    volumes: list[Volume] = Field([], description="Volumes; the root file system cannot be written.")
    volume_mounts: list[VolumeMount] = Field([], description="Where the container sees them.")


class WebserverValues(_Workload):
    """Dagster's webserver: user interface and GraphQL API."""

    known_keys: ClassVar[frozenset[str] | None] = _WORKLOAD_KEYS | {
        "dbPoolMaxOverflow",
        "dbPoolRecycle",
        "dbStatementTimeout",
        "enableReadOnly",
        "logLevel",
        "pathPrefix",
    }

    replica_count: Annotated[int, Ge(0)] = Field(1, description="Pods.")
    name_override: DnsLabel = Field("dagster-web", description="Follows the release's name in the Deployment's name.")
    service: DagsterService = Field(DagsterService())
    workspace: WebserverWorkspace = Field(WebserverWorkspace())
    readiness_probe: Probe = Field(Probe(), description="When the Service leads to a pod.")
    liveness_probe: Probe = Field(Probe(), description="When a pod's container is restarted.")
    startup_probe: StartupProbe = Field(StartupProbe(), description="How long a pod may take to start.")


class QueuedRunCoordinator(SubchartValues):
    """How many runs go at once."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "blockOpConcurrencyLimitedRuns",
            "dequeueIntervalSeconds",
            "dequeueNumWorkers",
            "dequeueUseThreads",
            "tagConcurrencyLimits",
        }
    )

    max_concurrent_runs: _Positive = Field(10, description="Runs at once; further ones wait.")


class RunCoordinatorConfig(SubchartValues):
    """Settings of the run coordinator."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"customRunCoordinator"})

    queued_run_coordinator: QueuedRunCoordinator = Field(QueuedRunCoordinator())


class RunCoordinator(SubchartValues):
    """Which run goes when."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"enabled"})

    type: Literal["QueuedRunCoordinator"] = Field("QueuedRunCoordinator", description="Kind of the coordinator.")
    config: RunCoordinatorConfig = Field(RunCoordinatorConfig())


class DaemonValues(_Workload):
    """Dagster's daemon: schedules, sensors and the queue of runs. There is always one."""

    known_keys: ClassVar[frozenset[str] | None] = _WORKLOAD_KEYS | {
        "backfills",
        "heartbeatTolerance",
        "livenessProbe",
        "readinessProbe",
        "runMonitoring",
        "runRetries",
        "schedules",
        "sensors",
        "startupProbe",
    }

    enabled: bool = Field(True, description="Whether there is the daemon; without it no schedule or sensor fires.")
    run_coordinator: RunCoordinator = Field(RunCoordinator())


class ReadyImage(SubchartValues, ChartImage):
    """Image that waits for the database: any with pg_isready."""

    # The chart does not read the digest of this image, so that it is part of the tag.
    known_keys: ClassVar[frozenset[str] | None] = frozenset({"digest"})

    registry: _Registry = Field("docker.io", description="Host of the registry.")
    repository: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9._/-]*[a-z0-9])?$")] = Field(
        "library/postgres", description="Repository, without the registry's host."
    )
    tag: Annotated[str, StringConstraints(pattern=DIGESTED_TAG)] = Field(
        "17.9-bookworm", description="Tag of the image, or tag@sha256:digest."
    )
    pull_policy: PullPolicy = Field("IfNotPresent", description="When a node pulls the image.")


class PostgresPort(SubchartValues):
    """The database server's port."""

    port: Port = Field(POSTGRES.port, description="Port of the database server.")


class DagsterPostgres(SubchartValues):
    """The database that Dagster keeps its runs in."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            # Never rendered: the password is read from the Secret.
            "postgresqlPassword",
        }
    )

    enabled: Literal[False] = Field(False, description="The chart brings no database of its own.")
    image: ReadyImage = Field(ReadyImage())
    postgresql_host: DnsName = Field("", description="Host of the database server.")
    postgresql_username: _Identifier = Field("dagster", description="Role.")
    postgresql_database: _Identifier = Field("dagster", description="Database.")
    postgresql_params: dict[_Identifier, HandedText] = Field({}, description="Connection parameters, such as sslmode.")
    # SQLAlchemy 2.1 takes another driver by default, which Dagster's images do not have.
    postgresql_scheme: Literal["postgresql", "postgresql+psycopg2"] = Field(
        "postgresql+psycopg2", description="Kind of the database, and the driver."
    )
    service: PostgresPort = Field(PostgresPort())


class ChartMigration(SubchartValues):
    """The chart's own Job for the database's schema, which the platform does not use: migration is its own."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"extraContainers", "initContainers"})

    enabled: Literal[False] = Field(False, description="A second version of that Job would be refused.")


class UserDeployments(SubchartValues):
    """The chart's own gRPC servers for code locations, which the platform does not use."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"global", "imagePullSecrets"})

    enabled: Literal[True] = Field(True, description="Without it the chart mounts no workspace.")
    enable_subchart: Literal[False] = Field(False, description="No gRPC servers by the subchart.")
    deployments: list[HandedText] = Field([], max_length=0, description="Stays empty.")


class DagsterTelemetry(SubchartValues):
    """What Dagster reports to its makers."""

    enabled: bool = Field(False, description="Send usage statistics to Dagster Labs.")


class DagsterServiceAccount(SubchartValues):
    """The ServiceAccount of webserver, daemon and runs."""

    create: bool = Field(True, description="Make it.")
    name: Annotated[str, StringConstraints(pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$", max_length=63)] = Field(
        "", description="Its name; empty: global.fullnameOverride."
    )
    annotations: StringMap = Field({}, description="Its annotations, for a cloud's workload identity.")


class DagsterValues(SubchartValues):
    """Dagster, the orchestrator (official chart)."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "additionalInstanceConfig",
            "busybox",
            "computeLogManager",
            "concurrency",
            "extraManifests",
            "flower",
            "fullnameOverride",
            "ingress",
            "pipelineRun",
            "pythonLogs",
            "rabbitmq",
            "redis",
            "retention",
            "scheduler",
        }
    )

    enabled: bool = Field(True, description="Whether there is Dagster.")
    global_: DagsterGlobal = Field(DagsterGlobal(), alias="global")
    name_override: Literal["dagster"] = Field("dagster", description="The platform's Service finds the pods by it.")
    rbac_enabled: bool = Field(True, description="Make the Role that lets Dagster start runs.")
    image_pull_secrets: list[ObjectRef] = Field([], description="Secrets to pull images with.")
    service_account: DagsterServiceAccount = Field(DagsterServiceAccount())
    webserver: EntryValues = EntryValues()
    dagster_webserver: WebserverValues = Field(WebserverValues())
    dagster_daemon: DaemonValues = Field(DaemonValues())
    run_launcher: RunLauncher = Field(RunLauncher())
    user_deployments: UserDeployments = Field(UserDeployments(), alias="dagster-user-deployments")
    postgresql: DagsterPostgres = Field(DagsterPostgres())
    migration: MigrationValues = MigrationValues()
    migrate: ChartMigration = ChartMigration()
    generate_postgresql_password_secret: Literal[False] = Field(False, description="The Secret exists already.")
    generate_celery_config_secret: Literal[False] = Field(False, description="There is no Celery.")
    telemetry: DagsterTelemetry = Field(DagsterTelemetry())
