"""Charts with Dagster in them, and what tests read of what Helm makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import yaml

from floe_charts.constructs.dagster.stack import CodeLocation, DagsterStack
from floe_charts.constructs.object_store import ObjectStore
from floe_charts.constructs.postgres.cluster import PostgresCluster
from floe_charts.constructs.products import DataProducts, ProductFacts
from floe_charts.helm import HelmChart
from floe_charts.verify.engine import ChartHandle
from floe_charts.verify.objects import RenderedObject
from tests.constructs.rendering import new_chart, objects_of

CREDENTIALS = "floe-platform-sales-daily-credentials"
LOCATIONS = (
    CodeLocation.of_product("Sales-Daily", "1.0.0", key="sales-daily", secrets=(CREDENTIALS,)),
    CodeLocation("iot", "acme.iot.definitions"),
)
IMAGE = {"registry": "ghcr.io", "repository": "acme/code", "tag": "1.2"}


def dagster_chart(
    strategy: Literal["dependency", "native"] = "dependency",
    *,
    locations: Sequence[CodeLocation] = LOCATIONS,
    products: bool = True,
    values: Any = None,
    env: Mapping[str, str] | None = None,
) -> HelmChart:
    """Dagster beside PostgreSQL, an object store and facts of a product."""
    chart = new_chart()
    if products:
        DataProducts(chart, "products", [ProductFacts(slug="sales-daily", name="Sales-Daily", version="1.0.0")])
    ObjectStore(chart)
    stack = DagsterStack(
        chart,
        strategy=strategy,
        locations=locations,
        credential_secrets=[CREDENTIALS],
        otlp=True,
        lineage=True,
        env=env,
        values=values,
    )
    PostgresCluster(chart, consumers=[stack.database_consumer()])
    return chart


def stack_of(chart: HelmChart) -> DagsterStack:
    found: DagsterStack = chart.component(DagsterStack)
    return found


def rendered(handle: ChartHandle, values: Mapping[str, Any] | None = None) -> dict[str, RenderedObject]:
    """The objects that the chart's values together with ``values`` make, of Dagster and its locations."""
    everything = objects_of(handle, values or {})
    return {name: one for name, one in everything.items() if "dagster" in name or "-code-" in name}


def data_of(objects: Mapping[str, RenderedObject], name: str) -> dict[str, Any]:
    found = objects[f"ConfigMap/floe-platform-{name}"].data["data"]
    assert isinstance(found, dict)
    return found


def document(objects: Mapping[str, RenderedObject], name: str, file: str) -> Any:
    return yaml.safe_load(data_of(objects, name)[file])


def pod_of(objects: Mapping[str, RenderedObject], name: str) -> dict[str, Any]:
    """The pod template of ``Deployment/...`` or ``Job/...``."""
    spec: Any = objects[name].data["spec"]
    template: dict[str, Any] = spec["template"]
    return template


def env_of(container: Mapping[str, Any]) -> dict[str, Any]:
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container.get("env", [])}
