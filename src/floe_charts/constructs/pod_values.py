"""Kubernetes' own types as values, for what is handed to a dependency, which writes them into its pods as they are.

Each class declares every field that people set there; an unknown field is refused by values.schema.json. Plain
:class:`~floe_charts.helm.Values`: the charts that use them have no keys of their own beside the declared ones.
"""

from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Le
from pydantic import StringConstraints

from floe_charts.helm import DnsLabel, DnsName, EnvName, Field, KubernetesType, ResourceList, SubchartValues, Values
from floe_charts.helm.patterns import form

__all__ = [
    "AbsolutePath",
    "ChartImage",
    "ContainerSecurity",
    "EnvFrom",
    "EnvVar",
    "HandedText",
    "HttpGet",
    "InitContainer",
    "InitResources",
    "PodSecurity",
    "Probe",
    "PullPolicy",
    "QuotedText",
    "SourceRef",
    "StartupProbe",
    "Volume",
    "VolumeMount",
    "config_map_volume",
    "empty_dir",
    "env_vars",
    "mount",
    "secret_env",
]

# Less the control characters, which Helm's toYaml writes so that YAML readers refuse them.
HandedText = Annotated[
    str, StringConstraints(pattern=form(r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$", "a text without control characters"))
]
"""Free text that a dependency writes with toYaml."""
# Sprig's squote doubles no quote, and YAML takes a line break between quotes for a space.
QuotedText = Annotated[
    str,
    StringConstraints(
        pattern=form(
            "^[^'\\x00-\\x1f\\x7f-\\x9f\u2028\u2029\ufeff\ufffe\uffff]*$",
            "a text on one line without single quotes and control characters",
        )
    ),
]
"""Free text that a dependency writes with squote."""
AbsolutePath = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^/[A-Za-z0-9._/-]*$", "a path that begins with /, of letters, digits, '.', '_' and '-'"),
        max_length=255,
    ),
]
"""A path inside a container."""
_SecretKey = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^[-._a-zA-Z0-9]+$", "the key of a Secret or ConfigMap: letters, digits, '-', '_' and '.'"),
        max_length=253,
    ),
]
_ConfigMap = Annotated[dict[str, Any], KubernetesType("ConfigMapVolumeSource")]
_Csi = Annotated[dict[str, Any], KubernetesType("CSIVolumeSource")]
_EmptyDir = Annotated[dict[str, Any], KubernetesType("EmptyDirVolumeSource")]
_Claim = Annotated[dict[str, Any], KubernetesType("PersistentVolumeClaimVolumeSource")]
_Secret = Annotated[dict[str, Any], KubernetesType("SecretVolumeSource")]
_UserId = Annotated[int, Ge(1), Le(2147483647)]
_Seconds = Annotated[int, Ge(1), Le(3600)]
PullPolicy = Literal["Always", "IfNotPresent", "Never"]
"""When a node pulls an image."""


class SeccompProfile(Values):
    """System calls that a container may make."""

    type: Literal["RuntimeDefault", "Localhost"] = Field("RuntimeDefault", description="Kind of the profile.")
    localhost_profile: AbsolutePath | None = Field(None, description="File on the node; only with Localhost.")


class Capabilities(Values):
    """Linux capabilities."""

    drop: list[Literal["ALL"]] = Field(["ALL"], min_length=1, description="Capabilities taken away.")


class PodSecurity(Values):
    """Security context of a pod; the defaults meet the Pod Security Standard restricted."""

    fs_group: _UserId | None = Field(None, description="Group that owns the volumes.")
    run_as_group: _UserId | None = Field(None, description="Group of the processes.")
    run_as_non_root: Literal[True] = Field(True, description="Refuse to run as root.")
    run_as_user: _UserId | None = Field(None, description="User of the processes.")
    seccomp_profile: SeccompProfile = Field(SeccompProfile(), description="System calls that the pod may make.")


class ContainerSecurity(Values):
    """Security context of a container; the defaults meet the Pod Security Standard restricted."""

    allow_privilege_escalation: Literal[False] = Field(False, description="Whether a process may gain privileges.")
    capabilities: Capabilities = Field(Capabilities(), description="Linux capabilities.")
    read_only_root_filesystem: bool = Field(True, description="Only volumes can be written.")
    run_as_non_root: Literal[True] = Field(True, description="Refuse to run as root.")
    run_as_user: _UserId | None = Field(None, description="User of the processes, instead of the pod's.")
    seccomp_profile: SeccompProfile = Field(SeccompProfile(), description="System calls that the container may make.")


class SourceRef(Values):
    """A Secret or ConfigMap all keys of which become environment variables."""

    name: DnsName = Field("", description="Name of the object.")
    optional: bool | None = Field(None, description="Whether pods start without the object.")


class ChartImage(Values):
    """An image as most charts take it: the registry's host is part of the repository."""

    repository: Annotated[
        str,
        StringConstraints(
            pattern=form(
                r"^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?$",
                "a repository without tag, such as docker.io/acme/shop, in small letters",
            )
        ),
    ] = Field("", description="Repository, with the registry's host.")
    tag: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")] = Field(
        "latest", description="Tag of the image."
    )


class KeyRef(Values):
    """A key of a Secret or ConfigMap."""

    name: DnsName = Field("", description="Name of the object.")
    key: _SecretKey = Field("", description="Key in it.")
    optional: bool | None = Field(None, description="Whether pods start without the key.")


class FieldRef(Values):
    """A field of the pod itself."""

    field_path: Annotated[
        str,
        StringConstraints(
            pattern=form(
                r"^(metadata|spec|status)\.[A-Za-z.]+$", "a field of the pod, such as metadata.name or status.podIP"
            )
        ),
    ] = Field("metadata.name", description="Path of the field, such as status.podIP.")


class EnvSource(Values):
    """Where the value of an environment variable comes from."""

    secret_key_ref: KeyRef | None = Field(None, description="Key of a Secret.")
    config_map_key_ref: KeyRef | None = Field(None, description="Key of a ConfigMap.")
    field_ref: FieldRef | None = Field(None, description="Field of the pod.")


class EnvVar(Values):
    """An environment variable."""

    name: EnvName = Field("", description="Name of the variable.")
    value: HandedText | None = Field(None, description="Its value.")
    value_from: EnvSource | None = Field(None, description="Where its value comes from, instead of value.")


class Volume(Values):
    """A volume of a pod: a name, and one of the kinds."""

    name: DnsLabel = Field("", description="Name of the volume.")
    config_map: _ConfigMap | None = Field(None, description="The keys of a ConfigMap as files.")
    csi: _Csi | None = Field(None, description="What a storage driver provides.")
    empty_dir: _EmptyDir | None = Field(None, description="A directory that lives as long as the pod.")
    persistent_volume_claim: _Claim | None = Field(None, description="A PersistentVolumeClaim.")
    secret: _Secret | None = Field(None, description="The keys of a Secret as files.")


class VolumeMount(Values):
    """Where a container sees a volume."""

    name: DnsLabel = Field("", description="Name of the volume.")
    mount_path: AbsolutePath = Field("/", description="Path in the container.")
    sub_path: (
        Annotated[
            str,
            StringConstraints(
                pattern=form(r"^[A-Za-z0-9._-][A-Za-z0-9._/-]*$", "a path inside the volume, such as data/in")
            ),
        ]
        | None
    ) = Field(None, description="File or directory of the volume, instead of all of it.")
    read_only: bool | None = Field(None, description="Mount it for reading only.")


class HttpGet(Values):
    """A request over HTTP."""

    path: Annotated[str, StringConstraints(pattern=form(r"^/[!-z|~]*$", "the path of a request, such as /healthz"))] = (
        Field("/", description="Path of the request.")
    )
    port: DnsLabel = Field("http", description="Name of the container's port.")


class ExecAction(Values):
    """A command in the container."""

    command: list[HandedText] = Field([], min_length=1, description="The command and its arguments.")


class Probe(Values):
    """How the kubelet asks a container."""

    http_get: HttpGet | None = Field(None, description="Ask over HTTP.")
    exec: ExecAction | None = Field(None, description="Run a command.")
    initial_delay_seconds: _Seconds | None = Field(None, description="Before the first try.")
    period_seconds: _Seconds | None = Field(None, description="Between two tries.")
    timeout_seconds: _Seconds | None = Field(None, description="For an answer.")
    success_threshold: Annotated[int, Ge(1), Le(1)] | None = Field(None, description="Successes that count as one.")
    failure_threshold: Annotated[int, Ge(1), Le(1000)] | None = Field(None, description="Failures that count as one.")


class StartupProbe(Probe):
    """How the kubelet asks a container while it starts."""

    enabled: bool = Field(True, description="Whether there is the probe.")


class InitResources(Values):
    """CPU and memory of the init containers."""

    requests: ResourceList = Field(ResourceList(cpu="10m", memory="32Mi"), description="What the scheduler reserves.")
    limits: ResourceList = Field(ResourceList(cpu="100m", memory="64Mi"), description="What the container may use.")


class EnvFrom(Values):
    """An object all keys of which become environment variables."""

    config_map_ref: SourceRef | None = Field(None, description="A ConfigMap.")
    secret_ref: SourceRef | None = Field(None, description="A Secret.")


class InitContainer(SubchartValues):
    """A container that ends before the others start, or with ``restartPolicy: Always`` goes on beside them."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "args",
            "lifecycle",
            "livenessProbe",
            "ports",
            "readinessProbe",
            "restartPolicy",
            "startupProbe",
            "workingDir",
        }
    )

    name: DnsLabel = Field("init", description="Its name.")
    image: Annotated[
        str,
        StringConstraints(
            pattern=form(r"^[a-z0-9]([a-zA-Z0-9._:/@-]*[a-zA-Z0-9])?$", "an image, such as docker.io/acme/shop:1.4.2"),
            max_length=500,
        ),
    ] = Field("docker.io/library/busybox:1", description="Its image.")
    image_pull_policy: PullPolicy = Field("IfNotPresent", description="When a node pulls the image.")
    command: list[HandedText] = Field([], description="Program and arguments; none: the image's.")
    env: list[EnvVar] = Field([], description="Environment variables.")
    env_from: list[EnvFrom] = Field([], description="Objects whose keys become environment variables.")
    resources: InitResources = Field(InitResources(), description="CPU and memory.")
    security_context: ContainerSecurity = ContainerSecurity()
    volume_mounts: list[VolumeMount] = Field([], description="Where it sees volumes.")


def env_vars(env: dict[str, str]) -> list[EnvVar]:
    """Environment variables by name as the list that charts take."""
    return [EnvVar(name=name, value=value) for name, value in env.items()]


def secret_env(name: str, secret: str, key: str) -> EnvVar:
    """An environment variable taken from a Secret's key."""
    return EnvVar(name=name, value_from=EnvSource(secret_key_ref=KeyRef(name=secret, key=key)))


def empty_dir(name: str, size_limit: str | None = None) -> Volume:
    """A volume that lives as long as the pod."""
    return Volume(name=name, empty_dir={"sizeLimit": size_limit} if size_limit is not None else {})


def config_map_volume(name: str, config_map: str, *, optional: bool | None = None) -> Volume:
    """A volume with the keys of a ConfigMap as files."""
    return Volume(
        name=name, config_map={"name": config_map, **({"optional": optional} if optional is not None else {})}
    )


def mount(name: str, path: str, *, read_only: bool | None = None) -> VolumeMount:
    """A volume at a path."""
    return VolumeMount(name=name, mount_path=path, read_only=read_only)
