"""Clusters, environments and resource presets, with what holds where the file says nothing."""

from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from .fields import (
    CpuQuantity,
    KubeContext,
    MemoryQuantity,
    Name,
    NamespaceTemplate,
    Settings,
    cores,
    memory_bytes,
    refusal,
)

__all__ = [
    "CLUSTERS",
    "KIND_BY_NAME",
    "PRESETS",
    "Cluster",
    "Environment",
    "EnvironmentKind",
    "ObjectStoreKind",
    "PostgresKind",
    "ResourceAmounts",
    "ResourcePreset",
    "Sampling",
    "SecretsKind",
]

EnvironmentKind = Literal["development", "test", "staging", "production"]
PostgresKind = Literal["statefulset", "operator", "external"]
ObjectStoreKind = Literal["minio", "external"]
Sampling = Literal["dev", "staging", "prod"]
SecretsKind = Literal["existing", "external", "generated"]

KIND_BY_NAME: dict[str, EnvironmentKind] = {  # An environment of another name is staging unless it says its kind.
    "dev": "development",
    "development": "development",
    "local": "development",
    "test": "test",
    "ci": "test",
    "qa": "staging",
    "uat": "staging",
    "staging": "staging",
    "prod": "production",
    "production": "production",
}
_PRESET_OF: dict[EnvironmentKind, str] = {
    "development": "small",
    "test": "small",
    "staging": "medium",
    "production": "large",
}
_SAMPLING_OF: dict[EnvironmentKind, Sampling] = {
    "development": "dev",
    "test": "dev",
    "staging": "staging",
    "production": "prod",
}


class Cluster(Settings):
    """A physical Kubernetes cluster and the environments that live in it."""

    namespace: NamespaceTemplate = Field(
        default="floe-{env}", description="Namespace of each environment; {env} stands for the environment's name."
    )
    environments: list[Name] = Field(
        min_length=1, description="Environments in this cluster; each belongs to exactly one cluster."
    )
    context: KubeContext | None = Field(default=None, description="Context of the kubeconfig that reaches the cluster.")


class Environment(Settings):
    """What is particular to one environment; its kind says what is not given."""

    kind: EnvironmentKind = Field(
        default="staging", description="What the environment is for; decides every other default."
    )
    resources: str = Field(
        default_factory=lambda known: _PRESET_OF[known["kind"]],
        description="Resource preset of every component. Production takes large, staging medium, the others small.",
    )
    postgres: PostgresKind = Field(
        default_factory=lambda known: "operator" if known["kind"] == "production" else "statefulset",
        description="Who runs PostgreSQL: a built-in StatefulSet, the CloudNativePG operator (the default in "
        "production), or a server outside the cluster.",
    )
    object_store: ObjectStoreKind = Field(
        default_factory=lambda known: "minio" if known["kind"] in ("development", "test") else "external",
        description="Where objects are stored: MinIO inside the release (the default in development and test) or an "
        "S3 service outside.",
    )
    high_availability: bool = Field(
        default_factory=lambda known: known["kind"] == "production",
        description="Whether components run more than one replica; true by default in production only.",
    )
    sampling: Sampling = Field(
        default_factory=lambda known: _SAMPLING_OF[known["kind"]],
        description="Which of the trace sampling ratios of the artifacts holds here.",
    )
    secrets: SecretsKind = Field(
        default="existing",
        description="Where Secrets come from: they exist, the External Secrets Operator fetches them, or the chart "
        "generates those that it can (development and test only).",
    )
    network_policies: bool = Field(
        default_factory=lambda known: known["kind"] in ("staging", "production"),
        description="Whether pods reach each other only where the parts say so; false by default in development and "
        "test.",
    )
    quotas: bool = Field(
        default_factory=lambda known: known["kind"] == "production",
        description="Whether the namespace has a ResourceQuota and a LimitRange; true by default in production only.",
    )
    default_schedules: bool = Field(
        default=False,
        description="Whether dbt jobs of data products that values give no schedule follow the default_schedule of "
        "their artifact's orchestrator, which is Dagster's own otherwise.",
    )
    values: dict[str, Any] = Field(
        default_factory=dict, description="Chart values of this environment; checked against the chart's own schema."
    )

    @field_validator("secrets")
    @classmethod
    def _generated_where_nothing_is_lost(cls, found: SecretsKind, info: ValidationInfo) -> SecretsKind:
        kind = info.data.get("kind")
        if found == "generated" and kind in ("staging", "production"):
            raise refusal(
                f"generated Secrets are for development and test, and this environment's kind is {kind}",
                "a GitOps controller would make new passwords at each sync: take existing or external",
            )
        return found


class ResourceAmounts(Settings):
    """An amount of CPU and of memory."""

    cpu: CpuQuantity = Field(description="Cores or millicores, such as 2, 0.5 or 500m.")
    memory: MemoryQuantity = Field(description="Bytes, such as 512Mi or 2Gi.")


class ResourcePreset(Settings):
    """What a container asks for and what it may use."""

    requests: ResourceAmounts = Field(description="What the scheduler reserves.")
    limits: ResourceAmounts = Field(description="What the container may use at most; not below the requests.")

    @model_validator(mode="after")
    def _requests_fit(self) -> Self:
        for field, amount in (("cpu", cores), ("memory", memory_bytes)):
            asked, allowed = getattr(self.requests, field), getattr(self.limits, field)
            if amount(asked) > amount(allowed):
                raise refusal(
                    f"requests.{field} {asked} is above limits.{field} {allowed}", "lower one or raise the other"
                )
        return self


def _preset(cpu: str, memory: str, cpu_limit: str, memory_limit: str) -> ResourcePreset:
    return ResourcePreset(
        requests=ResourceAmounts(cpu=cpu, memory=memory), limits=ResourceAmounts(cpu=cpu_limit, memory=memory_limit)
    )


PRESETS = {
    "small": _preset("100m", "256Mi", "500m", "512Mi"),
    "medium": _preset("250m", "512Mi", "1000m", "1Gi"),
    "large": _preset("500m", "1Gi", "2000m", "2Gi"),
}
# Logical environments on two physical clusters: ADR-0042 of floe.
CLUSTERS = {
    "non-prod": Cluster(environments=["dev", "test", "qa", "uat", "staging"]),
    "prod": Cluster(environments=["prod"]),
}
