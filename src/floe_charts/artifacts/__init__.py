"""What floe compiled: the input model, its loaders, and what a deployment must know about it.

>>> CompiledArtifacts.example().product_name
'hello-floe'
"""

from __future__ import annotations

from .credentials import Credential, find_credentials, public_text, replace_credentials
from .endpoints import ArtifactEndpoint, find_endpoints
from .loader import load_all, resolve_sources
from .model import (
    PLUGIN_KINDS,
    CompiledArtifacts,
    ObservabilityConfig,
    PluginKind,
    PluginRef,
    ResolvedModel,
    ResolvedPlugins,
    SamplingConfig,
    TelemetryAuth,
    TelemetryConfig,
    distinct_slugs,
)

__all__ = [
    "PLUGIN_KINDS",
    "ArtifactEndpoint",
    "CompiledArtifacts",
    "Credential",
    "ObservabilityConfig",
    "PluginKind",
    "PluginRef",
    "ResolvedModel",
    "ResolvedPlugins",
    "SamplingConfig",
    "TelemetryAuth",
    "TelemetryConfig",
    "distinct_slugs",
    "find_credentials",
    "find_endpoints",
    "load_all",
    "public_text",
    "replace_credentials",
    "resolve_sources",
]
