"""The values that all workloads have in common: where pods run, how many there are, what is added to them.

A component's Values class inherits them, and :class:`~floe_charts.helm.workload.Part` reads them.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import StringConstraints

from floe_charts.helm.kubernetes_types import (
    Affinity,
    ExtraEnv,
    KubernetesType,
    Toleration,
    TopologySpreadConstraint,
    VolumeSource,
)
from floe_charts.helm.values import (
    LABEL_KEY_PATTERN,
    DnsName,
    Field,
    LabelValue,
    NodeSelector,
    PrintableText,
    Resources,
    Values,
)

__all__ = [
    "RESERVED_VOLUMES",
    "AutoscalingValues",
    "DisruptionBudgetValues",
    "ExtraVolume",
    "ObjectAnnotationKey",
    "ObjectLabelKey",
    "PodValues",
    "ServiceAccountValues",
    "WorkloadValues",
]

RESERVED_VOLUMES = ("cache", "ca", "config", "data", "home", "products", "shm", "socket", "tmp", "token", "work")
"""Names of volumes that a chart's own pods may have; an extra volume has another name."""


class _NotIn:
    """Refuses some texts: as names of volumes, prefixes of labels."""

    def __init__(self, **keywords: Any) -> None:
        self.json_schema = {"not": keywords}


ObjectLabelKey = Annotated[
    str,
    StringConstraints(pattern=LABEL_KEY_PATTERN, max_length=253),
    _NotIn(pattern=r"^((app\.kubernetes\.io|helm\.sh)/|environment$)"),
]
"""The key of a label that the chart does not set itself."""
ObjectAnnotationKey = Annotated[
    str,
    StringConstraints(pattern=LABEL_KEY_PATTERN, max_length=253),
    _NotIn(pattern=r"^(checksum/|helm\.sh/|pod-security\.kubernetes\.io/)"),
]
"""The key of an annotation that the chart does not set itself."""
_VolumeName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=63),
    _NotIn(enum=list(RESERVED_VOLUMES)),
]
_Mount = Annotated[dict[str, Any], KubernetesType("VolumeMount", without=("name",))]


class ExtraVolume(Values):
    """A volume and where the main container sees it."""

    volume: VolumeSource = Field({"emptyDir": {}}, description="What it is: configMap, csi, emptyDir, secret, ...")
    mount: _Mount = Field(
        {"mountPath": "/mnt/extra"}, description="Where it is: mountPath, each its own; readOnly, subPath."
    )


class PodValues(Values):
    """Where pods run, and what is added to them."""

    node_selector: NodeSelector = Field({}, description="Labels that a node must have.")
    affinity: Affinity = Field({}, description="Affinity of the pods; empty: they keep away from each other.")
    tolerations: list[Toleration] = Field([], description="Taints that the pods tolerate.")
    topology_spread_constraints: list[TopologySpreadConstraint] = Field(
        [], description="How the pods spread; empty: over zones as far as can be."
    )
    priority_class_name: DnsName | None = Field(None, description="PriorityClass of the pods.")
    pod_labels: dict[ObjectLabelKey, LabelValue] = Field({}, description="Further labels of the pods.")
    pod_annotations: dict[ObjectAnnotationKey, PrintableText] = Field(
        {}, description="Further annotations of the pods."
    )
    extra_env: ExtraEnv = Field({}, description="Further environment variables of the main container, by name.")
    extra_volumes: dict[_VolumeName, ExtraVolume] = Field({}, description="Further volumes of the main container.")


class ServiceAccountValues(Values):
    """The ServiceAccount of the pods."""

    create: bool = Field(True, description="Make it; off: it exists.")
    name: Annotated[str, StringConstraints(pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$", max_length=63)] = Field(
        "", description="Its name; empty: that of the workload."
    )
    annotations: dict[ObjectAnnotationKey, PrintableText] = Field(
        {}, description="Its annotations, for a cloud's workload identity."
    )


class AutoscalingValues(Values):
    """How the number of pods follows the load."""

    enabled: bool = Field(False, description="Let a HorizontalPodAutoscaler set the number of pods.")
    min_replicas: int = Field(2, ge=1, le=100, description="Fewest pods.")
    max_replicas: int = Field(5, ge=1, le=100, description="Most pods; where less than minReplicas, that many.")
    target_cpu_utilization_percentage: int = Field(
        80,
        ge=1,
        le=100,
        alias="targetCPUUtilizationPercentage",
        description="CPU that pods shall use, in percent of their request.",
    )


class DisruptionBudgetValues(Values):
    """How many pods a drain may take at once."""

    enabled: bool = Field(False, description="Make a PodDisruptionBudget, where there is more than one pod.")
    max_unavailable: int = Field(1, ge=1, le=100, description="Pods that may be away at once.")


class WorkloadValues(PodValues):
    """How many pods there are, how big they are, where they run."""

    replicas: int = Field(1, ge=0, le=100, description="Pods, where autoscaling is off.")
    autoscaling: AutoscalingValues = AutoscalingValues()
    pod_disruption_budget: DisruptionBudgetValues = DisruptionBudgetValues()
    resources: Resources = Resources()
    termination_grace_period_seconds: int = Field(
        30, ge=0, le=3600, description="Seconds that a pod has to end its work."
    )
    service_account: ServiceAccountValues = ServiceAccountValues()
