"""Marquez as ACME runs it."""

from __future__ import annotations

from pathlib import Path

from floe_charts.constructs import Marquez
from floe_charts.constructs.marquez.api import MarquezValues
from floe_charts.helm import HelmChart

__all__ = ["AcmeMarquez"]

_DASHBOARD = Path(__file__).with_name("marquez_dashboard.json")


class AcmeMarquez(Marquez):
    """Marquez that logs warnings only, and a dashboard of it, which our Grafana picks up by its label."""

    def __init__(self, chart: HelmChart, id: str = "marquez", *, values: MarquezValues | None = None) -> None:
        super().__init__(chart, id, values=values or MarquezValues(log_level="WARN"))

    def build(self, v: MarquezValues) -> None:
        super().build(v)
        dashboard = {_DASHBOARD.name: _DASHBOARD.read_text(encoding="utf-8")}
        made = self.config_map(self.name("marquez-dashboard"), dashboard)
        made["metadata"]["labels"] = {**made["metadata"]["labels"], "grafana_dashboard": "1"}
        with self.when(v.enabled):
            self.add(made, name="marquez-dashboard")
