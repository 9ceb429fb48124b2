"""The platform's parts, each a construct with values of its own, and the platform that wires them."""

from __future__ import annotations

from floe_charts.constructs.dagster import CodeLocation, DagsterStack
from floe_charts.constructs.marquez import Marquez
from floe_charts.constructs.minio import Minio
from floe_charts.constructs.network import Endpoint
from floe_charts.constructs.object_store import ObjectStore
from floe_charts.constructs.otel import OtelGateway, TelemetryExporter
from floe_charts.constructs.part import PlatformPart, RequiredSecret
from floe_charts.constructs.platform import FloePlatform
from floe_charts.constructs.polaris import PolarisCatalog
from floe_charts.constructs.postgres import DatabaseConsumer, PostgresCluster
from floe_charts.constructs.products import DataProducts, ProductFacts

__all__ = [
    "CodeLocation",
    "DagsterStack",
    "DataProducts",
    "DatabaseConsumer",
    "Endpoint",
    "FloePlatform",
    "Marquez",
    "Minio",
    "ObjectStore",
    "OtelGateway",
    "PlatformPart",
    "PolarisCatalog",
    "PostgresCluster",
    "ProductFacts",
    "RequiredSecret",
    "TelemetryExporter",
]
