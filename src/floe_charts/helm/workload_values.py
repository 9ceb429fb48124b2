"""The values that all workloads have in common: where pods run, how many there are, what is added to them.

A component's Values class inherits them, and :class:`~floe_charts.helm.workload.Part` reads them.
"""

from __future__ import annotations

from typing import Annotated, TypeVar, cast

from pydantic import StringConstraints

from floe_charts.helm.expr import whole_expression
from floe_charts.helm.kubernetes_types import (
    Affinity,
    ExtraEnv,
    Toleration,
    TopologySpreadConstraint,
    VolumeSource,
)
from floe_charts.helm.patterns import RELATIVE_PATH_PATTERN, form
from floe_charts.helm.values import (
    DnsName,
    Field,
    LabelKey,
    LabelValue,
    NodeSelector,
    PrintableText,
    Resources,
    Values,
)

__all__ = [
    "EXTRA_MOUNT_PATTERN",
    "RESERVED_ANNOTATIONS",
    "RESERVED_LABELS",
    "AccountPodValues",
    "AutoscalingValues",
    "DisruptionBudgetValues",
    "ExtraVolume",
    "ObjectAnnotationKey",
    "ObjectLabelKey",
    "PodValues",
    "ServiceAccountValues",
    "WorkloadValues",
    "declared_as",
]

RESERVED_LABELS = r"^((app\.kubernetes\.io|cnpg\.io|helm\.sh|pod-security\.kubernetes\.io)/|environment$)"
"""Labels that only a chart itself sets; those that values add have other keys."""
RESERVED_ANNOTATIONS = r"^(checksum/|helm\.sh/)"
"""Annotations that only a chart itself sets."""
EXTRA_MOUNT_PATTERN = form(
    r"^/(data|etc/pki|etc/ssl|extra|home|mnt|run|srv|usr/local)(/\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)*$",
    "a path in /data, /etc/pki, /etc/ssl, /extra, /home, /mnt, /run, /srv or /usr/local",
)
"""Where extra volumes may be mounted; what a chart mounts itself is elsewhere."""


class _NotMatching:
    """Refuses the texts that a pattern is found in."""

    def __init__(self, pattern: str) -> None:
        self.json_schema = {"not": {"pattern": pattern}}


ObjectLabelKey = Annotated[LabelKey, _NotMatching(RESERVED_LABELS)]
"""The key of a label that the chart does not set itself."""
ObjectAnnotationKey = Annotated[LabelKey, _NotMatching(RESERVED_ANNOTATIONS)]
"""The key of an annotation that the chart does not set itself."""
_MountPath = Annotated[str, StringConstraints(pattern=EXTRA_MOUNT_PATTERN, max_length=253)]


class ExtraVolume(Values):
    """A volume that the main container sees at a path."""

    volume: VolumeSource = Field(
        {"emptyDir": {}}, description="What it is: configMap, csi, emptyDir, persistentVolumeClaim or secret."
    )
    sub_path: Annotated[str, StringConstraints(pattern=RELATIVE_PATH_PATTERN, max_length=253)] | None = Field(
        None, description="What of it is seen, such as one file; absent: all."
    )
    read_only: bool | None = Field(None, description="Whether nothing can be written there.")


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
    extra_volumes: dict[_MountPath, ExtraVolume] = Field(
        {}, description="Further volumes of the main container, by the paths where it sees them."
    )


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


class AccountPodValues(PodValues):
    """Where pods run, and as whom; how long they have to end."""

    termination_grace_period_seconds: int = Field(
        30, ge=0, le=3600, description="Seconds that a pod has to end its work."
    )
    service_account: ServiceAccountValues = ServiceAccountValues()


class WorkloadValues(AccountPodValues):
    """How many pods there are, how big they are, where they run."""

    replicas: int = Field(1, ge=0, le=100, description="Pods, where autoscaling is off.")
    autoscaling: AutoscalingValues = AutoscalingValues()
    pod_disruption_budget: DisruptionBudgetValues = DisruptionBudgetValues()
    resources: Resources = Resources()


_V = TypeVar("_V", bound=Values)


def declared_as(values: Values | None, model: type[_V]) -> _V | None:
    """``values`` (references or a model) where they are of the class ``model``, else None."""
    node = whole_expression(values)
    found = node.spec.model if node is not None else type(values)
    return cast("_V", values) if found is not None and issubclass(found, model) else None
