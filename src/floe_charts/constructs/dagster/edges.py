"""Who Dagster's pods talk to."""

from __future__ import annotations

from collections.abc import Iterator

from floe_charts.constructs.dagster.wiring import DAEMON, MIGRATION, RUN, WEBSERVER, DagsterWiring
from floe_charts.constructs.network import (
    DAGSTER_CODE,
    DAGSTER_WEBSERVER,
    INGRESS,
    KUBERNETES_API,
    MARQUEZ,
    OTLP_GRPC,
    POLARIS,
    POSTGRES,
    SOURCES_OUTSIDE,
    Edge,
)
from floe_charts.constructs.object_store import object_store_edges

__all__ = ["code_edges", "process_edges"]


def code_edges(wiring: DagsterWiring, workload: str) -> Iterator[Edge]:
    """The connections of pods that execute the code of data products."""
    yield Edge(workload, POLARIS, "tables")
    if wiring.store is not None:
        yield from object_store_edges(wiring.chart, workload, "data files")
    yield Edge(workload, SOURCES_OUTSIDE, "reads sources")
    if wiring.otlp:
        yield Edge(workload, OTLP_GRPC, "telemetry")
    if wiring.lineage:
        yield Edge(workload, MARQUEZ, "lineage")


def process_edges(wiring: DagsterWiring, *, ends_runs: bool | None, starts_jobs: bool, entered: bool) -> Iterator[Edge]:
    """The connections of webserver, daemon, runs and migration.

    ``ends_runs`` is the condition that the webserver may end runs (None: always), ``starts_jobs`` that runs start Jobs
    themselves, ``entered`` that people come in through an Ingress or a Gateway.
    """
    for process in (WEBSERVER, DAEMON, RUN):
        yield Edge(process, POSTGRES, "runs, events and schedules")
    yield Edge(MIGRATION, POSTGRES, "migrates the schema")
    yield Edge(WEBSERVER, KUBERNETES_API, "ends runs", ends_runs)
    yield Edge(DAEMON, KUBERNETES_API, "starts and ends runs")
    yield Edge(RUN, KUBERNETES_API, "starts Jobs of their own", starts_jobs)
    for process in (WEBSERVER, DAEMON):
        yield Edge(process, DAGSTER_CODE, "code locations")
        # The code of Python modules is loaded by a child of these, and schedules and sensors are executed there.
        if wiring.otlp:
            yield Edge(process, OTLP_GRPC, "telemetry")
    if wiring.lineage:
        yield Edge(DAEMON, MARQUEZ, "lineage")
    yield from code_edges(wiring, RUN)
    yield Edge(INGRESS, DAGSTER_WEBSERVER, "user interface and API", entered)
