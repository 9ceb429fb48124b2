"""Where the platform goes: environments, clusters, presets and strategies, from ``floe-charts.yaml``."""

from __future__ import annotations

from .components import ChartSource, Component, Components
from .environments import (
    Cluster,
    Environment,
    EnvironmentKind,
    ObjectStoreKind,
    PostgresKind,
    ResourceAmounts,
    ResourcePreset,
    Sampling,
    SecretsKind,
)
from .gitops import ArgoCd, Flux, GitOps, GitOpsEnvironment, GitRepository
from .loader import FILE_NAME
from .model import ChartInfo, Deployment, JobsInfo

__all__ = [
    "FILE_NAME",
    "ArgoCd",
    "ChartInfo",
    "ChartSource",
    "Cluster",
    "Component",
    "Components",
    "Deployment",
    "Environment",
    "EnvironmentKind",
    "Flux",
    "GitOps",
    "GitOpsEnvironment",
    "GitRepository",
    "JobsInfo",
    "ObjectStoreKind",
    "PostgresKind",
    "ResourceAmounts",
    "ResourcePreset",
    "Sampling",
    "SecretsKind",
]
