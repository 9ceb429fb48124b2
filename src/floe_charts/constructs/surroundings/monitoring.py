"""How Prometheus finds the parts' metrics: a ServiceMonitor, and a headless Service for it, for each that has any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

from floe_charts.constructs.network import PROMETHEUS, Edge
from floe_charts.constructs.part import PlatformPart, Scrape, object_labels
from floe_charts.constructs.surroundings.connections import joined, must_hold
from floe_charts.helm import Field, HelmChart, LabelValue, Values
from floe_charts.helm.patterns import form
from floe_charts.helm.workload_values import ObjectLabelKey

__all__ = ["Monitoring", "MonitoringValues"]

_Duration = Annotated[
    str, StringConstraints(pattern=form(r"^[1-9][0-9]{0,3}(s|m|h)$", "a span of time, such as 30s or 1m"))
]
_PORT = "metrics"


class MonitoringValues(Values):
    """How Prometheus finds the metrics of the parts."""

    enabled: bool = Field(False, description="Make ServiceMonitors, which need the Prometheus operator.")
    interval: _Duration = Field("30s", description="How often metrics are fetched.")
    labels: dict[ObjectLabelKey, LabelValue] = Field(
        {}, description="Labels of the ServiceMonitors, by which a Prometheus picks them: release: prometheus."
    )


class Monitoring(PlatformPart[MonitoringValues]):
    """A ServiceMonitor for each endpoint with metrics.

    It finds the pods through a headless Service ``<fullname>-<workload>-metrics`` of its own, which selects them by the
    labels that pods have in every strategy: the labels of a part's other Services are its chart's business, and several
    of them can lead to the same port.
    """

    title: ClassVar[str] = "Monitoring"

    def __init__(self, chart: HelmChart, id: str = "monitoring", *, scrapes: Sequence[Scrape]) -> None:
        """``scrapes`` are those of all parts."""
        self.scraped = tuple(scrapes)
        super().__init__(chart, id)

    def edges(self) -> tuple[Edge, ...]:
        """Prometheus comes for the metrics, however it was told of them."""
        return tuple(Edge(PROMETHEUS, scrape.endpoint, "metrics", scrape.when) for scrape in self.scraped)

    def build(self, v: MonitoringValues) -> None:
        """Service and ServiceMonitor, where they are wanted and there are metrics."""
        for scrape in self.scraped:
            condition = joined(must_hold(v.enabled, scrape.when))
            with self.when(condition):
                self._add(v, scrape)

    def _add(self, v: MonitoringValues, scrape: Scrape) -> None:
        file = f"{scrape.endpoint.workload}-metrics"
        name = self.name(file)
        port = {"name": _PORT, "port": scrape.endpoint.port, "targetPort": scrape.endpoint.port}
        pods = object_labels(self.chart, scrape.endpoint.workload)
        spec: dict[str, Any] = {"clusterIP": "None", "selector": pods, "ports": [port]}
        self.add({"apiVersion": "v1", "kind": "Service", "metadata": self.metadata(name, file), "spec": spec}, file)
        monitor = {
            "selector": {"matchLabels": self.selector(file)},
            "endpoints": [{"port": _PORT, "path": scrape.path, "interval": v.interval}],
        }
        labels = {**self.chart.pod_labels(v.labels), "app.kubernetes.io/component": file}
        metadata = {**self.metadata(name, file), "labels": labels}
        self.add(
            {"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": metadata, "spec": monitor},
            file,
        )
