"""Values of the gateway for the official chart ``opentelemetry-collector``.

Keys are those of chart 0.170.0; a test holds ``known_keys`` against its values.schema.json and values.yaml.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

import pydantic
from annotated_types import Ge, Le
from pydantic import StringConstraints, create_model

from floe_charts.constructs.network import OTEL_METRICS, OTLP_GRPC, OTLP_HTTP
from floe_charts.constructs.otel.chart_config import chart_config
from floe_charts.constructs.otel.collector_config import TelemetryExporter, header_variables
from floe_charts.constructs.otel.flow import TelemetryFlow
from floe_charts.constructs.otel.native import AUTOSCALING, COLLECTOR_IMAGE
from floe_charts.constructs.part import object_labels
from floe_charts.constructs.pod_values import (
    ContainerSecurity,
    EnvVar,
    PodSecurity,
    PullPolicy,
    Volume,
    VolumeMount,
    secret_env,
)
from floe_charts.constructs.shared_values import (
    OptionalName,
    SharedLabelKey,
    UntemplatedAnnotations,
    pod_label_type,
    shared_labels,
)
from floe_charts.helm import (
    Affinity,
    Const,
    Field,
    HelmChart,
    LabelValue,
    NodeSelector,
    ObjectRef,
    Resources,
    SubchartValues,
    Toleration,
    TopologySpreadConstraint,
)

__all__ = ["CHART_NAME", "KNOWN_VERSION", "OtelChartValues", "chart_values", "derived_chart_values"]

CHART_NAME = "opentelemetry-collector"
KNOWN_VERSION = "0.170.0"
"""The version of the chart whose keys are known here."""

_Replicas = Annotated[int, Ge(1), Le(100)]


class CollectorImage(SubchartValues):
    """Image of the collector."""

    # The chart's schema takes a registry that no template reads.
    known_keys: ClassVar[frozenset[str] | None] = frozenset({"registry"})
    repository: str = Field(
        f"{COLLECTOR_IMAGE.registry}/{COLLECTOR_IMAGE.repository}",
        pattern=r"^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?$",
        description="Repository, with the registry's host.",
    )
    tag: str = Field(
        COLLECTOR_IMAGE.tag, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", description="Tag of the image."
    )
    digest: str = Field(
        "",
        pattern=r"^(sha256:[a-f0-9]{64})?$",
        description="Digest in the tag's place; empty: the tag decides.",
    )
    pull_policy: PullPolicy = Field("IfNotPresent", description="When a node pulls the image.")


_PORT_KEYS = frozenset({"appProtocol", "containerPort", "enabled", "hostPort", "nodePort", "protocol", "servicePort"})


class UnusedPort(SubchartValues):
    """A port that the gateway does not serve."""

    known_keys: ClassVar[frozenset[str] | None] = _PORT_KEYS
    enabled: Annotated[bool, Const(False)] = Field(False, description="Off: the gateway takes OTLP only.")


class GrpcPort(SubchartValues):
    """OTLP over gRPC."""

    known_keys: ClassVar[frozenset[str] | None] = _PORT_KEYS
    service_port: Annotated[int, Const(OTLP_GRPC.port)] = Field(OTLP_GRPC.port, description="Port of the Service.")


class HttpPort(SubchartValues):
    """OTLP over HTTP."""

    known_keys: ClassVar[frozenset[str] | None] = _PORT_KEYS
    service_port: Annotated[int, Const(OTLP_HTTP.port)] = Field(OTLP_HTTP.port, description="Port of the Service.")


class MetricsPort(SubchartValues):
    """The collector's own metrics."""

    known_keys: ClassVar[frozenset[str] | None] = _PORT_KEYS
    enabled: Annotated[bool, Const(True)] = Field(True, description="On: Prometheus asks here.")
    service_port: Annotated[int, Const(OTEL_METRICS.port)] = Field(
        OTEL_METRICS.port, description="Port of the Service."
    )


class CollectorPorts(SubchartValues):
    """Ports of the pods and the Service."""

    otlp: GrpcPort = GrpcPort()
    otlp_http: HttpPort = Field(HttpPort(), alias="otlp-http")
    metrics: MetricsPort = MetricsPort()
    jaeger_compact: UnusedPort = Field(UnusedPort(), alias="jaeger-compact")
    jaeger_thrift: UnusedPort = Field(UnusedPort(), alias="jaeger-thrift")
    jaeger_grpc: UnusedPort = Field(UnusedPort(), alias="jaeger-grpc")
    zipkin: UnusedPort = UnusedPort()


class CollectorService(SubchartValues):
    """The Service."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "clusterIP",
            "enabled",
            "externalTrafficPolicy",
            "internalTrafficPolicy",
            "loadBalancerIP",
            "loadBalancerSourceRanges",
            "trafficDistribution",
        }
    )
    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field(
        "ClusterIP", description="ClusterIP, or NodePort or LoadBalancer to be reached from outside."
    )
    annotations: UntemplatedAnnotations = Field({}, description="Annotations, which load balancers are configured by.")


class ChartAutoscaling(SubchartValues):
    """How the number of pods follows the load."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "additionalMetrics",
            "behavior",
            "targetMemoryUtilizationPercentage",
        }
    )
    enabled: bool = Field(False, description="Let a HorizontalPodAutoscaler set the number of pods.")
    # These bounds make every pair a valid one.
    min_replicas: Annotated[int, Ge(1), Le(10)] = Field(AUTOSCALING.min_replicas, description="Fewest pods.")
    max_replicas: Annotated[int, Ge(10), Le(100)] = Field(AUTOSCALING.max_replicas, description="Most pods.")
    target_cpu_utilization_percentage: Annotated[int, Ge(1), Le(100)] = Field(
        AUTOSCALING.target_cpu_utilization_percentage,
        alias="targetCPUUtilizationPercentage",
        description="CPU that pods shall use, in percent of their request.",
    )


class ChartDisruptionBudget(SubchartValues):
    """How many pods a drain may take at once."""

    enabled: bool = Field(False, description="Make a PodDisruptionBudget.")
    max_unavailable: Annotated[int, Ge(1), Le(100)] = Field(1, description="Pods that may be away at once.")


class CollectorServiceAccount(SubchartValues):
    """ServiceAccount of the pods; it needs no rights."""

    create: bool = Field(True, description="Make it; off: it exists.")
    name: Annotated[str, StringConstraints(pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$", max_length=63)] = Field(
        "", description="Its name; empty: that of the Deployment, or default where it is not made."
    )
    annotations: UntemplatedAnnotations = Field({}, description="Its annotations, for a cloud's workload identity.")
    automount_service_account_token: bool = Field(False, description="Mount a token of the API server into the pods.")


class OtelChartValues(SubchartValues):
    """OpenTelemetry Collector as a gateway: takes OTLP on ports 4317 (gRPC) and 4318 (HTTP) and sends it on.

    Handed to the official chart.
    """

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "apiVersion",
            "clusterRole",
            "command",
            "config",
            "configMap",
            "dnsConfig",
            "dnsPolicy",
            "enableConfigChecksumAnnotation",
            "extraContainers",
            "extraEnvsFrom",
            "extraManifests",
            "global",
            "hostAliases",
            "hostNetwork",
            "hostPID",
            "httproute",
            "ingress",
            "initContainers",
            "internalTelemetryViaOTLP",
            "lifecycleHooks",
            "livenessProbe",
            "nameOverride",
            "namespaceOverride",
            "networkPolicy",
            "podMonitor",
            "presets",
            "prometheusRule",
            "readinessProbe",
            "resizePolicy",
            "revisionHistoryLimit",
            "rewriteDeprecatedComponentNames",
            "rollout",
            "runtimeClassName",
            "schedulerName",
            "serviceMonitor",
            "shareProcessNamespace",
            "startupProbe",
            "statefulset",
            "useGOMEMLIMIT",
        }
    )
    enabled: bool = Field(True, description="Run the gateway.")
    mode: Annotated[str, Const("deployment")] = Field("deployment", description="A gateway is a Deployment.")
    image: CollectorImage = CollectorImage()
    image_pull_secrets: list[ObjectRef] = Field([], description="Secrets to pull the image with.")
    replica_count: _Replicas = Field(1, description="Pods, where autoscaling is off.")
    autoscaling: ChartAutoscaling = ChartAutoscaling()
    pod_disruption_budget: ChartDisruptionBudget = ChartDisruptionBudget()
    resources: Resources = Resources()
    ports: CollectorPorts = CollectorPorts()
    service: CollectorService = CollectorService()
    extra_envs: list[EnvVar] = Field([], description="Variables of the collector, for ${env:NAME} in alternateConfig.")
    extra_volumes: list[Volume] = Field([], description="Further volumes of the pods.")
    extra_volume_mounts: list[VolumeMount] = Field([], description="Where the collector sees them.")
    service_account: CollectorServiceAccount = CollectorServiceAccount()
    pod_security_context: PodSecurity = PodSecurity(run_as_user=10001, run_as_group=10001)
    security_context: ContainerSecurity = ContainerSecurity()
    additional_labels: dict[SharedLabelKey, LabelValue] = Field({}, description="Further labels of all objects.")
    annotations: UntemplatedAnnotations = Field({}, description="Annotations of the Deployment.")
    pod_annotations: UntemplatedAnnotations = Field({}, description="Annotations of the pods.")
    node_selector: NodeSelector = Field({}, description="Labels that a node must have.")
    tolerations: list[Toleration] = Field([], description="Taints that the pods tolerate.")
    affinity: Affinity = Field({}, description="Affinity of the pods.")
    topology_spread_constraints: list[TopologySpreadConstraint] = Field([], description="How the pods spread.")
    priority_class_name: OptionalName = Field("", description="PriorityClass of the pods; empty: the default one.")
    termination_grace_period_seconds: Annotated[int, Ge(1), Le(3600)] = Field(
        30, description="Seconds that a pod has to send what it holds."
    )


def chart_values(
    chart: HelmChart,
    exporters: Sequence[TelemetryExporter],
    secret: str,
    flow: TelemetryFlow,
    given: OtelChartValues | None,
) -> OtelChartValues:
    """Values for the official chart: all objects are called as the Service is, telemetry goes to ``exporters``.

    ``secret`` is the name of the Secret with the headers' values. The fields that ``given`` sets are kept.
    """
    labels = object_labels(chart, OTLP_GRPC.workload)
    alike = {"labelSelector": {"matchLabels": labels}}
    apart = {"weight": 100, "podAffinityTerm": {**alike, "topologyKey": "kubernetes.io/hostname"}}
    spread = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
    ours: dict[str, Any] = {
        "extra_envs": [secret_env(variable, secret, variable) for variable in header_variables(exporters)],
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [apart]}},
        "topology_spread_constraints": [{**spread, **alike}],
    }
    kept = {field: getattr(given, field) for field in given.model_fields_set} if given is not None else {}
    made = _values_class(OTLP_GRPC.static_host(chart), tuple(labels.items()), tuple(exporters), flow)()
    return made.model_copy(update={**ours, **kept})


def derived_chart_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The labels and annotations of all objects, which the chart's own templates see only among its values."""
    labels, annotations = shared_labels(values), values.get("commonAnnotations", {})
    made = {"additionalLabels": labels, "podLabels": labels, "annotations": annotations, "podAnnotations": annotations}
    return {key: dict(tree) for key, tree in made.items() if tree}


@cache
def _values_class(
    fullname: str, labels: tuple[tuple[str, str], ...], exporters: tuple[TelemetryExporter, ...], flow: TelemetryFlow
) -> type[OtelChartValues]:
    config = chart_config(exporters, flow)
    told = dict(labels)
    fields: dict[str, Any] = {
        "fullname_override": (
            Annotated[str, Const(fullname)],
            pydantic.Field(fullname, description="Name of the Deployment, the Service and the rest."),
        ),
        "pod_labels": (pod_label_type(told), pydantic.Field(told, description="Labels of the pods.")),
        "alternate_config": (type(config), config),
    }
    return create_model("OtelChartValues", __base__=OtelChartValues, __doc__=OtelChartValues.__doc__, **fields)
