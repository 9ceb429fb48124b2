"""Values of the gateway for the official chart ``opentelemetry-collector``.

Keys are those of chart 0.170.0; a test holds ``known_keys`` against its values.schema.json and values.yaml.
"""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, ClassVar

import pydantic
from pydantic import create_model

from floe_charts.constructs.collector_config import TelemetryExporter, header_variables
from floe_charts.constructs.network import OTLP_GRPC, OTLP_HTTP
from floe_charts.constructs.otel_chart_config import chart_config
from floe_charts.constructs.otel_native import COLLECTOR_IMAGE, Percentage, Replicas
from floe_charts.constructs.pod_values import ContainerSecurity, EnvVar, PodSecurity, secret_env
from floe_charts.helm import Const, Field, NodeSelector, Resources, SubchartValues, Toleration

__all__ = ["CHART_NAME", "KNOWN_VERSION", "OtelChartValues", "chart_values"]

CHART_NAME = "opentelemetry-collector"
KNOWN_VERSION = "0.170.0"
"""The version of the chart whose keys are known here."""

Never = Annotated[bool, Const(False)]


class CollectorImage(SubchartValues):
    """Image of the collector."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"digest", "pullPolicy", "registry"})
    repository: str = Field(
        f"{COLLECTOR_IMAGE.registry}/{COLLECTOR_IMAGE.repository}",
        pattern=r"^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?$",
        description="Repository, with the registry's host.",
    )
    tag: str = Field(
        COLLECTOR_IMAGE.tag, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", description="Tag of the image."
    )


_PORT_KEYS = frozenset({"appProtocol", "containerPort", "enabled", "hostPort", "nodePort", "protocol", "servicePort"})


class UnusedPort(SubchartValues):
    """A port that the gateway does not serve."""

    known_keys: ClassVar[frozenset[str] | None] = _PORT_KEYS
    enabled: Never = Field(False, description="Off: the gateway takes OTLP only.")


class GrpcPort(SubchartValues):
    """OTLP over gRPC."""

    known_keys: ClassVar[frozenset[str] | None] = _PORT_KEYS
    service_port: Annotated[int, Const(OTLP_GRPC.port)] = Field(OTLP_GRPC.port, description="Port of the Service.")


class HttpPort(SubchartValues):
    """OTLP over HTTP."""

    known_keys: ClassVar[frozenset[str] | None] = _PORT_KEYS
    service_port: Annotated[int, Const(OTLP_HTTP.port)] = Field(OTLP_HTTP.port, description="Port of the Service.")


class CollectorPorts(SubchartValues):
    """Ports of the pods and the Service."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"metrics"})
    otlp: GrpcPort = GrpcPort()
    otlp_http: HttpPort = Field(HttpPort(), alias="otlp-http")
    jaeger_compact: UnusedPort = Field(UnusedPort(), alias="jaeger-compact")
    jaeger_thrift: UnusedPort = Field(UnusedPort(), alias="jaeger-thrift")
    jaeger_grpc: UnusedPort = Field(UnusedPort(), alias="jaeger-grpc")
    zipkin: UnusedPort = UnusedPort()


class ChartAutoscaling(SubchartValues):
    """Scaling of the collector on CPU."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "additionalMetrics",
            "behavior",
            "targetMemoryUtilizationPercentage",
        }
    )
    enabled: bool = Field(True, description="Let a HorizontalPodAutoscaler set the number of pods.")
    min_replicas: Replicas = Field(2, description="Fewest pods.")
    max_replicas: Replicas = Field(10, description="Most pods; not less than minReplicas.")
    target_cpu_utilization_percentage: Percentage = Field(
        70, alias="targetCPUUtilizationPercentage", description="CPU that pods shall use, in percent of their request."
    )


class CollectorServiceAccount(SubchartValues):
    """ServiceAccount of the pods; it needs no rights."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"annotations", "create", "name"})
    automount_service_account_token: bool = Field(False, description="Mount a token of the API server into the pods.")


class OtelChartValues(SubchartValues):
    """OpenTelemetry Collector as a gateway: takes OTLP on ports 4317 (gRPC) and 4318 (HTTP) and sends it on.

    Handed to the official chart.
    """

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "additionalLabels",
            "affinity",
            "annotations",
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
            "extraVolumeMounts",
            "extraVolumes",
            "global",
            "hostAliases",
            "hostNetwork",
            "hostPID",
            "httproute",
            "imagePullSecrets",
            "ingress",
            "initContainers",
            "internalTelemetryViaOTLP",
            "lifecycleHooks",
            "livenessProbe",
            "nameOverride",
            "namespaceOverride",
            "networkPolicy",
            "podAnnotations",
            "podDisruptionBudget",
            "podLabels",
            "podMonitor",
            "presets",
            "priorityClassName",
            "prometheusRule",
            "readinessProbe",
            "resizePolicy",
            "revisionHistoryLimit",
            "rewriteDeprecatedComponentNames",
            "rollout",
            "runtimeClassName",
            "schedulerName",
            "service",
            "serviceMonitor",
            "shareProcessNamespace",
            "startupProbe",
            "statefulset",
            "terminationGracePeriodSeconds",
            "topologySpreadConstraints",
            "useGOMEMLIMIT",
        }
    )
    enabled: bool = Field(True, description="Run the gateway.")
    mode: Annotated[str, Const("deployment")] = Field("deployment", description="A gateway is a Deployment.")
    image: CollectorImage = CollectorImage()
    replica_count: Replicas = Field(2, description="Pods where autoscaling is off.")
    autoscaling: ChartAutoscaling = ChartAutoscaling()
    resources: Resources = Resources()
    ports: CollectorPorts = CollectorPorts()
    extra_envs: list[EnvVar] = Field([], description="Variables of the collector, for ${env:NAME} in alternateConfig.")
    service_account: CollectorServiceAccount = CollectorServiceAccount()
    pod_security_context: PodSecurity = PodSecurity(run_as_user=10001, run_as_group=10001)
    security_context: ContainerSecurity = ContainerSecurity()
    node_selector: NodeSelector = Field({}, description="Labels of the nodes that pods may run on.")
    tolerations: list[Toleration] = Field([], description="Taints that pods tolerate.")


def chart_values(
    fullname: str, exporters: Sequence[TelemetryExporter], secret: str, given: OtelChartValues | None
) -> OtelChartValues:
    """Values for the official chart: all objects are called ``fullname``, telemetry goes to ``exporters``.

    ``secret`` is the name of the Secret with the headers' values. The fields that ``given`` sets are kept.
    """
    made = _values_class(fullname, tuple(exporters))()
    kept = {field: getattr(given, field) for field in given.model_fields_set} if given is not None else {}
    if "extra_envs" not in kept:
        kept["extra_envs"] = [secret_env(variable, secret, variable) for variable in header_variables(exporters)]
    return made.model_copy(update=kept)


@cache
def _values_class(fullname: str, exporters: tuple[TelemetryExporter, ...]) -> type[OtelChartValues]:
    config = chart_config(exporters)
    name = pydantic.Field(fullname, description="Name of the Deployment, the Service and the rest.")
    fields: dict[str, Any] = {
        "fullname_override": (Annotated[str, Const(fullname)], name),
        "alternate_config": (type(config), config),
    }
    return create_model("OtelChartValues", __base__=OtelChartValues, __doc__=OtelChartValues.__doc__, **fields)
