"""Values of MinIO for Bitnami's chart ``minio``.

Keys are those of chart 14.10.5; a test holds ``known_keys`` against its values.yaml. The chart sends nearly all texts
through Helm's ``tpl``, so that none of them may hold what begins a template.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

import pydantic
from pydantic import StringConstraints, create_model

from floe_charts.constructs.minio.buckets import BucketList
from floe_charts.constructs.minio.native import MINIO_IMAGE
from floe_charts.constructs.network import MINIO, MINIO_CONSOLE
from floe_charts.constructs.object_store import ACCESS_KEY, SECRET_KEY
from floe_charts.constructs.part import object_labels
from floe_charts.constructs.pod_values import EnvVar, PullPolicy, Volume, VolumeMount
from floe_charts.constructs.shared_values import (
    OptionalName,
    SharedLabelKey,
    UntemplatedAnnotations,
    UntemplatedText,
    pod_label_type,
    shared_labels,
)
from floe_charts.helm import (
    Affinity,
    Const,
    DnsName,
    Field,
    HelmChart,
    LabelKey,
    LabelValue,
    NodeSelector,
    ObjectRef,
    Quantity,
    Resources,
    SubchartValues,
    Toleration,
    TopologySpreadConstraint,
)
from floe_charts.helm.patterns import REGISTRY_PATTERN, form

__all__ = ["CHART_NAME", "KNOWN_VERSION", "MinioChartValues", "derived_minio_values", "minio_chart_values"]

CHART_NAME = "minio"
KNOWN_VERSION = "14.10.5"
"""The version of the chart whose keys are known here."""


class ImageSecurity(SubchartValues):
    """What the chart checks of images."""

    # The chart knows docker.io/bitnami only, and fails without this for images from where Bitnami moved them.
    allow_insecure_images: Annotated[bool, Const(True)] = Field(True, description="Allow images from elsewhere.")


class MinioGlobal(SubchartValues):
    """Values that Helm shares with the chart's own dependencies; open, since the umbrella chart's come in here."""

    known_keys: ClassVar[frozenset[str] | None] = None
    security: ImageSecurity = ImageSecurity()


class MinioImage(SubchartValues):
    """Image of MinIO."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"debug"})
    registry: str = Field(MINIO_IMAGE.registry, pattern=REGISTRY_PATTERN, description="Host of the registry.")
    repository: str = Field(
        MINIO_IMAGE.repository,
        pattern=r"^[a-z0-9]([a-z0-9._/-]*[a-z0-9])?$",
        description="Repository in the registry.",
    )
    tag: str = Field(MINIO_IMAGE.tag, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", description="Tag of the image.")
    digest: str = Field(
        "", pattern=r"^(sha256:[a-f0-9]{64})?$", description="Digest in the tag's place; empty: the tag decides."
    )
    pull_policy: PullPolicy = Field("IfNotPresent", description="When a node pulls the image.")
    pull_secrets: list[ObjectRef] = Field([], description="Secrets to pull the image with.")


class MinioAuth(SubchartValues):
    """The administrator's name and password."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "forceNewKeys",
            "forcePassword",
            "rootPassword",
            "rootUser",
            "useCredentialsFiles",
            "useSecret",
        }
    )
    existing_secret: DnsName = Field("object-store", description="Secret with name and password: the object store's.")
    root_user_secret_key: Annotated[str, Const(ACCESS_KEY)] = Field(
        ACCESS_KEY, description="Key of the name; 3 characters at least."
    )
    root_password_secret_key: Annotated[str, Const(SECRET_KEY)] = Field(
        SECRET_KEY, description="Key of the password; 8 characters at least."
    )


class MinioPorts(SubchartValues):
    """Ports of the Service."""

    api: Annotated[int, Const(MINIO.port)] = Field(MINIO.port, description="S3's API.")
    console: Annotated[int, Const(MINIO_CONSOLE.port)] = Field(MINIO_CONSOLE.port, description="The console.")


class MinioService(SubchartValues):
    """The Service of MinIO."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "clusterIP",
            "externalTrafficPolicy",
            "extraPorts",
            "headless",
            "loadBalancerIP",
            "loadBalancerSourceRanges",
            "nodePorts",
        }
    )
    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field(
        "ClusterIP", description="ClusterIP, or NodePort or LoadBalancer to be reached from outside."
    )
    annotations: UntemplatedAnnotations = Field({}, description="Annotations, which load balancers are configured by.")
    ports: MinioPorts = MinioPorts()


class MinioPersistence(SubchartValues):
    """Where objects are kept."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"accessModes", "existingClaim", "mountPath", "selector"})
    enabled: bool = Field(True, description="Keep objects on a volume, which outlives the release; off: with the pod.")
    size: Quantity = Field("10Gi", description="Size of the volume; it can grow where its StorageClass allows it.")
    storage_class: Annotated[
        str,
        StringConstraints(
            pattern=form(r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$", "the name of a StorageClass; or nothing")
        ),
    ] = Field("", description="StorageClass, fixed once the volume exists; empty: the cluster's default.")
    annotations: dict[LabelKey, UntemplatedText] = Field(
        {"helm.sh/resource-policy": "keep"}, description="Annotations of the claim; these keep it."
    )


class MinioNetworkPolicy(SubchartValues):
    """The chart's own NetworkPolicy."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "allowExternal",
            "allowExternalEgress",
            "extraEgress",
            "extraIngress",
            "ingressNSMatchLabels",
            "ingressNSPodMatchLabels",
        }
    )
    enabled: bool = Field(False, description="Make a NetworkPolicy that lets everybody in.")


class MinioDisruptionBudget(SubchartValues):
    """The chart's own PodDisruptionBudget."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"maxUnavailable", "minAvailable"})
    create: bool = Field(False, description="Make a PodDisruptionBudget; of no use to a single pod.")


class MinioServiceAccount(SubchartValues):
    """ServiceAccount of the pod; it needs no rights."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"automountServiceAccountToken"})
    # The chart's own names a Secret that there is not.
    create: Annotated[bool, Const(False)] = Field(False, description="Off: it is made here.")
    annotations: UntemplatedAnnotations = Field({}, description="Its annotations.")


class MinioEnvVar(EnvVar):
    """An environment variable."""

    value: UntemplatedText | None = Field(None, description="Its value.")


class MinioChartValues(SubchartValues):
    """MinIO, an S3-compatible object store for development and test: one pod, no redundancy.

    Handed to Bitnami's chart.
    """

    # `common` is the chart's own dependency: Helm puts that one's values here.
    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "apiIngress",
            "args",
            "clientImage",
            "clusterDomain",
            "command",
            "common",
            "containerPorts",
            "containerSecurityContext",
            "customLivenessProbe",
            "customReadinessProbe",
            "customStartupProbe",
            "deployment",
            "disableWebUI",
            "extraDeploy",
            "extraEnvVarsCM",
            "extraEnvVarsSecret",
            "hostAliases",
            "ingress",
            "initContainers",
            "kubeVersion",
            "lifecycleHooks",
            "livenessProbe",
            "metrics",
            "nameOverride",
            "namespaceOverride",
            "nodeAffinityPreset",
            "podAffinityPreset",
            "podAntiAffinityPreset",
            "podSecurityContext",
            "provisioning",
            "readinessProbe",
            "resourcesPreset",
            "runtimeClassName",
            "schedulerName",
            "sidecars",
            "startupProbe",
            "statefulset",
            "terminationGracePeriodSeconds",
            "tls",
            "volumePermissions",
        }
    )
    enabled: bool = Field(False, description="Run MinIO; for development and test only.")
    global_: MinioGlobal = Field(MinioGlobal(), alias="global")
    mode: Annotated[str, Const("standalone")] = Field("standalone", description="One pod.")
    image: MinioImage = MinioImage()
    auth: MinioAuth = MinioAuth()
    default_buckets: BucketList = Field("", description="Buckets made at the start, separated by commas.")
    service: MinioService = MinioService()
    persistence: MinioPersistence = MinioPersistence()
    resources: Resources = Resources()
    network_policy: MinioNetworkPolicy = MinioNetworkPolicy()
    pdb: MinioDisruptionBudget = MinioDisruptionBudget()
    service_account: MinioServiceAccount = MinioServiceAccount()
    automount_service_account_token: bool = Field(False, description="Mount a token of the API server into the pod.")
    common_annotations: UntemplatedAnnotations = Field({}, description="Annotations of all objects.")
    pod_annotations: UntemplatedAnnotations = Field({}, description="Annotations of the pod.")
    pod_labels: dict[SharedLabelKey, LabelValue] = Field({}, description="Further labels of the pod.")
    node_selector: NodeSelector = Field({}, description="Labels that a node must have.")
    tolerations: list[Toleration] = Field([], description="Taints that the pod tolerates.")
    affinity: Affinity = Field({}, description="Affinity of the pod.")
    topology_spread_constraints: list[TopologySpreadConstraint] = Field(
        [], description="How the pod spreads; of use beside other workloads only."
    )
    priority_class_name: OptionalName = Field("", description="PriorityClass of the pod; empty: the default one.")
    extra_env_vars: list[MinioEnvVar] = Field([], description="Further environment variables of MinIO.")
    extra_volumes: list[Volume] = Field([], description="Further volumes of the pod.")
    extra_volume_mounts: list[VolumeMount] = Field([], description="Where MinIO sees them.")


def minio_chart_values(
    chart: HelmChart, secret: str, buckets: Sequence[str], given: MinioChartValues | None
) -> MinioChartValues:
    """Values for Bitnami's chart: all objects are called as the Service is, the administrator is in ``secret``.

    The fields that ``given`` sets are kept.
    """
    ours = {"auth": MinioAuth(existing_secret=secret), "default_buckets": ",".join(buckets)}
    kept = {field: getattr(given, field) for field in given.model_fields_set} if given is not None else {}
    labels = object_labels(chart, MINIO.workload)
    return _values_class(MINIO.static_host(chart), tuple(labels.items()))().model_copy(update={**ours, **kept})


def derived_minio_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The labels and annotations of all objects, which the chart's own templates see only among its values."""
    made = {"commonLabels": shared_labels(values), "commonAnnotations": values.get("commonAnnotations", {})}
    return {key: dict(tree) for key, tree in made.items() if tree}


@cache
def _values_class(fullname: str, labels: tuple[tuple[str, str], ...]) -> type[MinioChartValues]:
    name = pydantic.Field(fullname, description="Name of the Deployment, the Service and the rest.")
    account = _account_class(fullname)
    told = dict(labels)
    fields: dict[str, Any] = {
        "fullname_override": (Annotated[str, Const(fullname)], name),
        "common_labels": (pod_label_type(told), pydantic.Field(told, description="Labels of all objects.")),
        "service_account": (account, account()),
    }
    return create_model("MinioChartValues", __base__=MinioChartValues, __doc__=MinioChartValues.__doc__, **fields)


def _account_class(fullname: str) -> type[MinioServiceAccount]:
    name: Any = (Annotated[str, Const(fullname)], pydantic.Field(fullname, description="Its name."))
    return create_model(
        "MinioServiceAccount", __base__=MinioServiceAccount, __doc__=MinioServiceAccount.__doc__, name=name
    )
