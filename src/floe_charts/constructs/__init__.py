"""The platform's parts, each a construct with values of its own, and the platform that wires them."""

from __future__ import annotations

from floe_charts.constructs.dagster.stack import CodeLocation, DagsterStack
from floe_charts.constructs.jobs.chart import FloeJobs
from floe_charts.constructs.jobs.product_jobs import DataProductJobs
from floe_charts.constructs.marquez.api import Marquez
from floe_charts.constructs.minio.server import Minio
from floe_charts.constructs.network import Edge, Endpoint, Outside, Workload
from floe_charts.constructs.object_store import ObjectStore
from floe_charts.constructs.otel.gateway import OtelGateway, TelemetryExporter, TelemetryFlow
from floe_charts.constructs.part import (
    Check,
    Claim,
    PlatformPart,
    RequiredSecret,
    Scrape,
    SecretKey,
    object_labels,
    workload_claim,
)
from floe_charts.constructs.platform import FloePlatform
from floe_charts.constructs.polaris.catalog import PolarisCatalog
from floe_charts.constructs.postgres.cluster import DatabaseConsumer, PostgresCluster
from floe_charts.constructs.products import DataProducts, ProductFacts

__all__ = [
    "Check",
    "Claim",
    "CodeLocation",
    "DagsterStack",
    "DataProductJobs",
    "DataProducts",
    "DatabaseConsumer",
    "Edge",
    "Endpoint",
    "FloeJobs",
    "FloePlatform",
    "Marquez",
    "Minio",
    "ObjectStore",
    "OtelGateway",
    "Outside",
    "PlatformPart",
    "PolarisCatalog",
    "PostgresCluster",
    "ProductFacts",
    "RequiredSecret",
    "Scrape",
    "SecretKey",
    "TelemetryExporter",
    "TelemetryFlow",
    "Workload",
    "object_labels",
    "workload_claim",
]
