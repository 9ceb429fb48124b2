"""Values of Apache Polaris' Helm chart that say how its pods run, and how they are reached.

Keys are those of chart 1.7.0. The chart passes texts through Helm's ``tpl``, so none of them may hold ``{{``.
"""

from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Le
from pydantic import StringConstraints

from floe_charts.constructs.lifecycle import DRAIN
from floe_charts.constructs.pod_values import (
    ChartImage,
    ContainerSecurity,
    EnvVar,
    InitResources,
    PullPolicy,
    SourceRef,
    VolumeMount,
)
from floe_charts.constructs.polaris.server import VERSION
from floe_charts.constructs.shared_values import OptionalName, UntemplatedAnnotations, UntemplatedText
from floe_charts.helm import Const, DnsLabel, DnsName, Field, KubernetesType, LabelKey, Port, SubchartValues, Values
from floe_charts.helm.patterns import form

__all__ = [
    "EnvSourceRef",
    "InitContainer",
    "ManagementService",
    "NamedVolume",
    "PolarisAutoscaling",
    "PolarisDisruptionBudget",
    "PolarisEnvVar",
    "PolarisImage",
    "PolarisIngress",
    "PolarisLifecycle",
    "PolarisLiveness",
    "PolarisPort",
    "PolarisRoute",
    "PolarisService",
    "PolarisServiceAccount",
    "ServiceMonitor",
    "Spread",
]

_Reference = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-zA-Z0-9._:/@-]*[a-zA-Z0-9])?$", max_length=500)]
_Script = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^([\t\n -z|}~]|\{[\t\n -z|}~])*\{?$", "a text of printable ASCII without two opening braces")
    ),
]
_ConfigMap = Annotated[dict[str, Any], KubernetesType("ConfigMapVolumeSource")]
_Csi = Annotated[dict[str, Any], KubernetesType("CSIVolumeSource")]
_Claim = Annotated[dict[str, Any], KubernetesType("PersistentVolumeClaimVolumeSource")]
_EmptyDir = Annotated[dict[str, Any], KubernetesType("EmptyDirVolumeSource")]
_Secret = Annotated[dict[str, Any], KubernetesType("SecretVolumeSource")]


class PolarisImage(SubchartValues, ChartImage):
    """Polaris' image."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"configDir"})

    repository: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?$")] = Field(
        "docker.io/apache/polaris", description="Repository, with the registry's host."
    )
    tag: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[a-f0-9]{64})?$")] = (
        Field(VERSION, description="Tag of the image, and a digest that pins it: 1.7.0@sha256:...")
    )
    pull_policy: PullPolicy = Field("IfNotPresent", description="When a node pulls the image.")


class PolarisPort(Values):
    """A port of a Service."""

    name: DnsLabel = Field("http", description="Name of the port.")
    port: Port = Field(8181, description="Number; the first port's is the one that Polaris listens on.")
    target_port: Annotated[int, Ge(0)] | None = Field(None, description="Port of the container; 0: the same.")
    node_port: Annotated[int, Ge(0)] | None = Field(None, description="Port on the nodes; 0: chosen by Kubernetes.")
    protocol: Literal["TCP"] = Field("TCP", description="Protocol.")


_SERVICE_KEYS = frozenset(
    {"clusterIP", "externalTrafficPolicy", "internalTrafficPolicy", "sessionAffinity", "trafficDistribution"}
)


class PolarisService(SubchartValues):
    """A Service of Polaris."""

    known_keys: ClassVar[frozenset[str] | None] = _SERVICE_KEYS

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field("ClusterIP", description="Kind of the Service.")
    ports: list[PolarisPort] = Field([], min_length=1, description="Its ports; other parts rely on the default ones.")
    annotations: dict[LabelKey, str] = Field({}, description="Annotations, which load balancers are configured by.")


class ManagementService(SubchartValues):
    """The Service of health and metrics, which ask nobody who they are."""

    known_keys: ClassVar[frozenset[str] | None] = _SERVICE_KEYS | {"annotations"}

    type: Annotated[str, Const("ClusterIP")] = Field("ClusterIP", description="Inside the cluster only.")
    ports: list[PolarisPort] = Field([], min_length=1, description="Its ports; other parts rely on the default ones.")


class IngressPath(Values):
    """A path that leads to Polaris."""

    path: Annotated[
        str, StringConstraints(pattern=form(r"^/[A-Za-z0-9._~/-]*$", "the path of a URL, such as /api/catalog"))
    ] = Field("/", description="The path.")
    path_type: Literal["Prefix", "Exact"] = Field("Prefix", description="Whether what is below it counts.")


class IngressHost(Values):
    """A host that is asked for."""

    host: DnsName = Field("polaris.invalid", description="The host; to be set.")
    paths: list[IngressPath] = Field([IngressPath()], min_length=1, description="Its paths.")


class IngressTls(Values):
    """A certificate."""

    secret_name: DnsName = Field("polaris-tls", description="Secret with the certificate.")
    hosts: list[DnsName] = Field([], min_length=1, description="Hosts that it is for.")


class PolarisIngress(SubchartValues):
    """How the REST API is reached from outside the cluster; not together with httproute."""

    enabled: bool = Field(False, description="Whether there is an Ingress.")
    class_name: OptionalName = Field("", description="Class of the Ingress; empty: the cluster's default.")
    annotations: UntemplatedAnnotations = Field({}, description="Annotations, which ingress controllers read.")
    hosts: list[IngressHost] = Field([IngressHost()], min_length=1, description="Hosts that are asked for.")
    tls: list[IngressTls] = Field([], description="Certificates.")


class PolarisRoute(SubchartValues):
    """How the REST API is reached through a Gateway; not together with ingress."""

    enabled: bool = Field(False, description="Whether there is an HTTPRoute.")
    annotations: dict[LabelKey, UntemplatedText] = Field({}, description="Annotations of the HTTPRoute.")
    gateway_name: DnsName = Field("gateway", description="Name of the Gateway.")
    gateway_namespace: DnsName = Field("default", description="Its namespace.")
    section_name: OptionalName = Field("", description="Its listener; empty: every listener.")
    # The chart writes the list so that more than one is no list any more.
    hosts: list[DnsName] = Field(["polaris.invalid"], min_length=1, max_length=1, description="The host; to be set.")
    expose_management_endpoints: Annotated[bool, Const(False)] = Field(
        False, description="Off: health and metrics ask nobody who they are."
    )


class PolarisAutoscaling(SubchartValues):
    """How the number of pods follows the load."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"targetMemoryUtilizationPercentage"})

    enabled: bool = Field(False, description="Let a HorizontalPodAutoscaler set the number of pods.")
    # These bounds make every pair a valid one.
    min_replicas: Annotated[int, Ge(1), Le(5)] = Field(2, description="Fewest pods.")
    max_replicas: Annotated[int, Ge(5), Le(100)] = Field(5, description="Most pods.")
    target_cpu_utilization_percentage: Annotated[int, Ge(1), Le(100)] = Field(
        80, alias="targetCPUUtilizationPercentage", description="CPU that pods shall use, in percent of their request."
    )


class PolarisDisruptionBudget(SubchartValues):
    """How many pods a drain may take at once."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"annotations", "minAvailable"})

    enabled: bool = Field(False, description="Make a PodDisruptionBudget.")
    max_unavailable: Annotated[int, Ge(1), Le(100)] = Field(1, description="Pods that may be away at once.")


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

    initial_delay_seconds: Annotated[int, Ge(0)] = Field(180, description="Seconds before the first try.")


class ExecAction(Values):
    """A command in the container."""

    command: list[_Script] = Field([], min_length=1, description="The command and its arguments.")


class PreStop(SubchartValues):
    """What happens before the container is told to end."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"httpGet", "sleep", "tcpSocket"})

    exec: ExecAction | None = Field(None, description="Run a command.")


class PolarisLifecycle(SubchartValues):
    """What happens when the container has begun, and before it ends."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"postStart", "stopSignal"})

    pre_stop: PreStop = Field(
        PreStop(exec=ExecAction(command=DRAIN["preStop"]["exec"]["command"])),
        description="Before the end; by default it waits until no node sends requests any more.",
    )


class PolarisServiceAccount(SubchartValues):
    """Polaris' ServiceAccount, which is made by this chart: the dependency would give the pods a token."""

    create: Annotated[bool, Const(False)] = Field(False, description="Not by the dependency.")
    name: DnsName = Field("polaris", description="Its name.")
    annotations: UntemplatedAnnotations = Field({}, description="Its annotations, for a cloud's workload identity.")


class Spread(Values):
    """How the pods spread; the chart adds the selector, and leaves out what else a constraint can say."""

    max_skew: Annotated[int, Ge(1), Le(100)] = Field(1, description="How many pods more one domain may have.")
    topology_key: LabelKey = Field("topology.kubernetes.io/zone", description="Label that tells the domains.")
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"] = Field(
        "ScheduleAnyway", description="What happens where it cannot be."
    )


class PolarisEnvVar(EnvVar):
    """An environment variable."""

    value: UntemplatedText | None = Field(None, description="Its value.")


class EnvSourceRef(Values):
    """Whence environment variables come, all keys of one object."""

    config_map_ref: SourceRef | None = Field(None, description="A ConfigMap.")
    secret_ref: SourceRef | None = Field(None, description="A Secret.")


class NamedVolume(Values):
    """A volume of a pod: a name, and one of the kinds."""

    name: DnsLabel = Field("", description="Name of the volume.")
    config_map: _ConfigMap | None = Field(None, description="The keys of a ConfigMap as files.")
    csi: _Csi | None = Field(None, description="What a storage driver provides.")
    empty_dir: _EmptyDir | None = Field(None, description="A directory of the pod's own.")
    persistent_volume_claim: _Claim | None = Field(None, description="A PersistentVolumeClaim.")
    secret: _Secret | None = Field(None, description="The keys of a Secret as files.")


class InitContainer(Values):
    """A container that ends before Polaris starts."""

    name: DnsLabel = Field("init", description="Its name.")
    image: _Reference = Field("docker.io/library/busybox:1", description="Its image.")
    image_pull_policy: PullPolicy = Field("IfNotPresent", description="When a node pulls the image.")
    command: list[_Script] = Field([], description="Program and arguments; none: the image's.")
    env: list[PolarisEnvVar] = Field([], description="Environment variables.")
    resources: InitResources = InitResources()
    security_context: ContainerSecurity = ContainerSecurity()
    volume_mounts: list[VolumeMount] = Field([], description="Where it sees volumes.")
