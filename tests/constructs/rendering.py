"""Charts of single parts, rendered by Helm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from floe_charts.constructs.part import SecretKey
from floe_charts.constructs.postgres.cluster import DatabaseConsumer, PostgresCluster
from floe_charts.helm import ChartValues, HelmChart
from floe_charts.verify.engine import ChartHandle, load
from floe_charts.verify.objects import RenderedObject, parse_objects
from floe_charts.verify.pod_security_controls import Pod, violations
from floe_charts.verify.pods import pod_templates

DAGSTER = DatabaseConsumer(
    "dagster",
    "dagster",
    "dagster",
    "floe-platform-dagster-postgresql",
    "floe-platform-dagster-postgresql",
    (SecretKey("postgresql-password", same_as="password"),),
)
POLARIS = DatabaseConsumer("polaris", "catalog", "polaris_owner", "polaris-db", "polaris-db", (SecretKey("jdbcUrl"),))
CONSUMERS = (DAGSTER, POLARIS)


def new_chart() -> HelmChart:
    values = ChartValues(fullname_override="floe-platform")
    return HelmChart(
        "floe-platform",
        version="0.1.0",
        description="x",
        values=values,
        fixed_fullname=True,
        icon="https://x.example/i.png",
    )


def written(chart: HelmChart, directory: Path) -> ChartHandle:
    for name, text in chart.files().items():
        file = directory / "floe-platform" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return load(directory / "floe-platform")


def objects_of(handle: ChartHandle, values: Mapping[str, object]) -> dict[str, RenderedObject]:
    """The rendered objects by ``Kind/name``."""
    objects, findings = parse_objects(handle.render(values))
    assert not findings
    return {f"{one.kind}/{one.name}": one for one in objects}


def spec_of(objects: Mapping[str, RenderedObject], name: str) -> Any:
    return objects[name].data["spec"]


def insecure(objects: Mapping[str, RenderedObject]) -> list[str]:
    """What the pods that the objects make have against the Pod Security Standard restricted."""
    pods = [Pod(template) for template in pod_templates(list(objects.values()))]
    assert pods
    return [f"{control.rule}: {found.found}" for pod in pods for control, found in violations(pod, "restricted")]


def postgres_chart(directory: Path, consumers: Sequence[DatabaseConsumer] = CONSUMERS) -> ChartHandle:
    chart = new_chart()
    PostgresCluster(chart, consumers=consumers)
    return written(chart, directory)
