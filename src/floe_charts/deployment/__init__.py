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
from .loader import FILE_NAME
from .model import ChartInfo, Deployment

__all__ = [
    "FILE_NAME",
    "ChartInfo",
    "ChartSource",
    "Cluster",
    "Component",
    "Components",
    "Deployment",
    "Environment",
    "EnvironmentKind",
    "ObjectStoreKind",
    "PostgresKind",
    "ResourceAmounts",
    "ResourcePreset",
    "Sampling",
    "SecretsKind",
]
