"""The values of Dagster's official Helm chart that shape the pods of runs (``runLauncher``)."""

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge
from pydantic import StringConstraints

from floe_charts.constructs.pod_values import (
    ChartImage,
    ContainerSecurity,
    PodSecurity,
    PullPolicy,
    Volume,
    VolumeMount,
)
from floe_charts.helm import (
    Affinity,
    DnsName,
    Field,
    LabelKey,
    LabelValue,
    NodeSelector,
    ObjectRef,
    Resources,
    SubchartValues,
    Toleration,
    TopologySpreadConstraint,
)
from floe_charts.helm.patterns import form

__all__ = [
    "DIGESTED_TAG",
    "DagsterImage",
    "JobSpec",
    "PodLabels",
    "RunImage",
    "RunK8sConfig",
    "RunLauncher",
    "RunLauncherConfig",
    "RunLauncherK8s",
    "RunPodSpec",
]

DIGESTED_TAG = form(
    r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[a-f0-9]{64})?$",
    "the tag of an image, such as 1.4.2, maybe with @sha256: and 64 digits of base 16",
)
"""The tag of an image, maybe with a digest, as charts take it that know no digests."""
PodLabels = dict[LabelKey, LabelValue]
"""Labels of pods."""
_OptionalNamespace = Annotated[str, StringConstraints(pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$", max_length=63)]
_RunVariable = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^[A-Za-z_][A-Za-z0-9_]*(=[^\x00-\x08\x0b-\x1f\x7f-\x9f]*)?$",
            "an environment variable, as NAME or NAME=text",
        )
    ),
]


class DagsterImage(SubchartValues, ChartImage):
    """An image of Dagster."""

    digest: Annotated[str, StringConstraints(pattern=r"^(sha256:[a-f0-9]{64})?$")] | None = Field(
        None, description="Digest that pins the image, sha256: and 64 digits; absent: the tag decides."
    )
    pull_policy: PullPolicy = Field("IfNotPresent", description="When a node pulls the image.")


class RunImage(SubchartValues, ChartImage):
    """The image of runs whose code location has none."""

    # The chart does not read the digest of this image, so that it is part of the tag.
    known_keys: ClassVar[frozenset[str] | None] = frozenset({"digest"})

    tag: Annotated[str, StringConstraints(pattern=DIGESTED_TAG)] = Field(
        "latest", description="Tag of the image, or tag@sha256:digest."
    )

    # The chart's schema demands it, and no template reads it.
    pull_policy: Literal["IfNotPresent"] = Field(
        "IfNotPresent", description="Without effect: imagePullPolicy is what counts."
    )


class RunPodSpec(SubchartValues):
    """Fields of a run's pod, as Kubernetes names them."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "activeDeadlineSeconds",
            "dnsConfig",
            "dnsPolicy",
            "hostAliases",
            "imagePullSecrets",
            "initContainers",
            "runtimeClassName",
            "schedulerName",
            "volumes",
        }
    )

    security_context: PodSecurity = Field(PodSecurity())
    node_selector: NodeSelector = Field({}, description="Labels that a node must have.")
    tolerations: list[Toleration] = Field([], description="Taints that the pods tolerate.")
    affinity: Affinity = Field({}, description="Affinity of the pods.")
    topology_spread_constraints: list[TopologySpreadConstraint] = Field([], description="How the pods spread.")
    priority_class_name: DnsName | None = Field(None, description="PriorityClass of the pods.")
    automount_service_account_token: bool = Field(
        False, description="Let runs start Jobs and pods themselves: k8s_job_executor, k8s_job_op, PipesK8sClient."
    )
    enable_service_links: bool = Field(False, description="Give the pods variables for every Service.")
    termination_grace_period_seconds: Annotated[int, Ge(0)] = Field(
        30, description="Seconds that a run has to end its work."
    )


class JobSpec(SubchartValues):
    """Fields of a run's Job, as Kubernetes names them."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"activeDeadlineSeconds", "backoffLimit"})

    ttl_seconds_after_finished: Annotated[int, Ge(0)] = Field(
        86400, description="Seconds for which a finished run's Job stays."
    )


class RunK8sConfig(SubchartValues):
    """What the pods of runs have beyond the launcher's own settings."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {"containerConfig", "jobMetadata", "podTemplateSpecMetadata"}
    )

    pod_spec_config: RunPodSpec = Field(RunPodSpec())
    job_spec_config: JobSpec = Field(JobSpec())


class RunLauncherK8s(SubchartValues):
    """The pods of runs, one Job for each."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {
            "kubeconfigFile",
            "loadInclusterConfig",
            "schedulerName",
        }
    )

    image: RunImage = Field(RunImage(), description="Image with Dagster and the code of the data products.")
    image_pull_policy: PullPolicy = Field("IfNotPresent", description="When a node pulls the image.")
    # Not optional: Helm keeps the chart's own null beside an overlay, and the schema would refuse it.
    job_namespace: _OptionalNamespace = Field("", description="Namespace of the Jobs; empty: the release's.")
    env_config_maps: list[ObjectRef] = Field([], description="ConfigMaps that become environment variables.")
    env_secrets: list[ObjectRef] = Field([], description="Secrets that become environment variables.")
    env_vars: list[_RunVariable] = Field([], description="NAME=value, or NAME alone: taken over from the launcher.")
    labels: PodLabels = Field({}, description="Labels of the pods and their Jobs.")
    resources: Resources = Field(Resources(), description="CPU and memory of a run.")
    security_context: ContainerSecurity = Field(ContainerSecurity())
    volumes: list[Volume] = Field([], description="Volumes; the root file system cannot be written.")
    volume_mounts: list[VolumeMount] = Field([], description="Where the container sees them.")
    fail_pod_on_run_failure: bool = Field(False, description="Let the pod of a failed run fail.")
    run_k8s_config: RunK8sConfig = Field(RunK8sConfig(), alias="runK8sConfig")


class RunLauncherConfig(SubchartValues):
    """Settings of the run launcher."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"celeryK8sRunLauncher", "customRunLauncher"})

    k8s_run_launcher: RunLauncherK8s = Field(RunLauncherK8s(), alias="k8sRunLauncher")


class RunLauncher(SubchartValues):
    """How runs are started."""

    type: Literal["K8sRunLauncher"] = Field("K8sRunLauncher", description="One Kubernetes Job per run.")
    config: RunLauncherConfig = Field(RunLauncherConfig())
