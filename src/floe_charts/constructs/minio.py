"""Object storage for development and test: MinIO, from Bitnami's chart."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

import pydantic
from pydantic import create_model

from floe_charts.constructs.network import MINIO, MINIO_CONSOLE, Endpoint
from floe_charts.constructs.part import PlatformPart, RequiredSecret, SecretKey
from floe_charts.deployment import ChartSource, Components, Environment
from floe_charts.errors import DeclarationError, shorten
from floe_charts.helm import (
    Const,
    DnsName,
    Field,
    HelmChart,
    NodeSelector,
    Quantity,
    Resources,
    SubchartValues,
    Toleration,
    when,
)

__all__ = ["KNOWN_VERSION", "MinioValues", "Minio", "is_bucket_name"]

CHART_NAME = "minio"
KNOWN_VERSION = "14.10.5"
"""The version of the chart whose keys are known here."""

# S3's rules for the names of general purpose buckets, less its reserved prefixes and suffixes.
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}\Z")
_SecretKeyName = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z0-9._-]+$", max_length=253)]


def is_bucket_name(name: str) -> bool:
    """Whether S3 takes ``name`` for a bucket: 3 to 63 characters of a-z, 0-9, dot and dash, and not an IP address."""
    return bool(re.fullmatch(_BUCKET, name)) and ".." not in name and not _ADDRESS.match(name)


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

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"debug", "digest", "pullPolicy", "pullSecrets"})
    registry: str = Field(
        "docker.io", pattern=r"^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?$", description="Host of the registry."
    )
    # Bitnami moved the images that can be pulled without a contract here in 2025; they are no longer updated.
    repository: str = Field(
        "bitnamilegacy/minio", pattern=r"^[a-z0-9]([a-z0-9._/-]*[a-z0-9])?$", description="Repository in the registry."
    )
    tag: str = Field(
        "2024.12.18-debian-12-r1", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", description="Tag of the image."
    )


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
    existing_secret: DnsName = Field("minio", description="Secret with name and password.")
    root_user_secret_key: _SecretKeyName = Field("root-user", description="Key of the name; 3 characters at least.")
    root_password_secret_key: _SecretKeyName = Field(
        "root-password", description="Key of the password; 8 characters at least."
    )


class MinioPorts(SubchartValues):
    """Ports of the Service."""

    api: Annotated[int, Const(MINIO.port)] = Field(MINIO.port, description="S3's API.")
    console: Annotated[int, Const(MINIO_CONSOLE.port)] = Field(MINIO_CONSOLE.port, description="The console.")


class MinioService(SubchartValues):
    """The Service of MinIO."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "annotations",
            "clusterIP",
            "externalTrafficPolicy",
            "extraPorts",
            "headless",
            "loadBalancerIP",
            "loadBalancerSourceRanges",
            "nodePorts",
        }
    )
    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field("ClusterIP", description="Type of the Service.")
    ports: MinioPorts = MinioPorts()


class MinioPersistence(SubchartValues):
    """Where objects are kept."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "accessModes",
            "annotations",
            "existingClaim",
            "mountPath",
            "selector",
        }
    )
    enabled: bool = Field(True, description="Keep objects on a volume; off: they end with the pod.")
    size: Quantity = Field("10Gi", description="Size of the volume.")
    storage_class: Annotated[str, pydantic.Field(pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$")] = Field(
        "", description="StorageClass of the volume; empty: the cluster's default."
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


class MinioValues(SubchartValues):
    """MinIO, an S3-compatible object store for development and test: one pod, no redundancy.

    Handed to Bitnami's chart.
    """

    # `common` is the chart's own dependency: Helm puts that one's values here.
    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "affinity",
            "apiIngress",
            "args",
            "automountServiceAccountToken",
            "clientImage",
            "clusterDomain",
            "command",
            "common",
            "commonAnnotations",
            "commonLabels",
            "containerPorts",
            "containerSecurityContext",
            "customLivenessProbe",
            "customReadinessProbe",
            "customStartupProbe",
            "deployment",
            "disableWebUI",
            "extraDeploy",
            "extraEnvVars",
            "extraEnvVarsCM",
            "extraEnvVarsSecret",
            "extraVolumeMounts",
            "extraVolumes",
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
            "podAnnotations",
            "podAntiAffinityPreset",
            "podLabels",
            "podSecurityContext",
            "priorityClassName",
            "provisioning",
            "readinessProbe",
            "resourcesPreset",
            "runtimeClassName",
            "schedulerName",
            "serviceAccount",
            "sidecars",
            "startupProbe",
            "statefulset",
            "terminationGracePeriodSeconds",
            "tls",
            "topologySpreadConstraints",
            "volumePermissions",
        }
    )
    enabled: bool = Field(False, description="Run MinIO; for development and test only.")
    global_: MinioGlobal = Field(MinioGlobal(), alias="global")
    mode: Annotated[str, Const("standalone")] = Field("standalone", description="One pod.")
    image: MinioImage = MinioImage()
    auth: MinioAuth = MinioAuth()
    default_buckets: Annotated[str, pydantic.Field(pattern=rf"^({_BUCKET}(,{_BUCKET})*)?$")] = Field(
        "", description="Buckets made at the start, separated by commas."
    )
    service: MinioService = MinioService()
    persistence: MinioPersistence = MinioPersistence()
    resources: Resources = Resources()
    network_policy: MinioNetworkPolicy = MinioNetworkPolicy()
    pdb: MinioDisruptionBudget = MinioDisruptionBudget()
    node_selector: NodeSelector = Field({}, description="Labels of the nodes that the pod may run on.")
    tolerations: list[Toleration] = Field([], description="Taints that the pod tolerates.")


@cache
def _values_class(fullname: str) -> type[MinioValues]:
    name = pydantic.Field(fullname, description="Name of the Deployment, the Service and the rest.")
    fields: dict[str, Any] = {"fullname_override": (Annotated[str, Const(fullname)], name)}
    return create_model("MinioValues", __base__=MinioValues, __doc__=MinioValues.__doc__, **fields)


class Minio(PlatformPart[MinioValues]):
    """MinIO with the buckets that the data products name; off until an environment switches it on."""

    title: ClassVar[str] = "MinIO"

    def __init__(
        self,
        chart: HelmChart,
        id: str = "minio",
        *,
        source: ChartSource | None = None,
        buckets: Sequence[str] = (),
        values: MinioValues | None = None,
    ) -> None:
        """``source`` says which chart; ``buckets`` are made at MinIO's start; the fields that ``values`` sets are kept.

        Raises :class:`DeclarationError` for a bucket that S3 would not take (ask :func:`is_bucket_name` first).
        """
        refused = next((bucket for bucket in buckets if not is_bucket_name(bucket)), None)
        if refused is not None:
            raise DeclarationError(f"{id}: {shorten(refused)} is not the name of an S3 bucket")
        self.buckets = tuple(dict.fromkeys(buckets))
        self.secret_name = MINIO.static_host(chart)
        super().__init__(chart, id, self._values(self.secret_name, values))
        self.depend_on(CHART_NAME, source or Components().minio.chart, known_version=KNOWN_VERSION)
        self.chart.notes.append(when(self.refs.enabled, _WARNING))

    def _values(self, fullname: str, given: MinioValues | None) -> MinioValues:
        auth, buckets = MinioAuth(existing_secret=fullname), ",".join(self.buckets)
        ours: dict[str, object] = {"auth": auth, "default_buckets": buckets}
        kept = {field: getattr(given, field) for field in given.model_fields_set} if given is not None else {}
        return _values_class(fullname)().model_copy(update={**ours, **kept})

    def endpoints(self) -> tuple[Endpoint, ...]:
        """S3's API and the console."""
        return (MINIO, MINIO_CONSOLE)

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The Secret with the administrator's name and password."""
        auth = self.values.auth
        keys = (SecretKey(auth.root_user_secret_key, random=16), SecretKey(auth.root_password_secret_key, random=32))
        condition = f"{self.id}.enabled is true"
        return (RequiredSecret("minio", auth.existing_secret, keys, "MinIO's administrator", condition=condition),)

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """On where the environment keeps its objects in MinIO."""
        return {"enabled": True} if environment.object_store == "minio" else {}


_WARNING = (
    "WARNING: MinIO runs as a single pod without redundancy, from images that are no longer updated.\n"
    "It is for development and test only: use an external S3-compatible object store in production."
)
