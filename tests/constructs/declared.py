"""A part that only declares: what a test hands it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from floe_charts.constructs.network import Edge, Endpoint, Workload
from floe_charts.constructs.part import Check, PlatformPart, Scrape
from floe_charts.helm import Field, HelmChart, Values

__all__ = ["DeclaredPart", "SwitchValues"]

_Of = Callable[[Any], Sequence[Any]]


class SwitchValues(Values):
    """Two switches."""

    enabled: bool = Field(True, description="Whether the part runs.")
    extra: bool = Field(False, description="Whether it does more.")


class DeclaredPart(PlatformPart[SwitchValues]):
    """Declares what the functions make of its values; its one object reads them."""

    def __init__(
        self,
        chart: HelmChart,
        id: str,
        *,
        endpoints: Sequence[Endpoint] = (),
        workloads: _Of = lambda v: (),
        edges: _Of = lambda v: (),
        scrapes: _Of = lambda v: (),
        checks: _Of = lambda v: (),
    ) -> None:
        super().__init__(chart, id)
        self._declared = tuple(endpoints), workloads, edges, scrapes, checks

    def endpoints(self) -> tuple[Endpoint, ...]:
        return self._declared[0]

    def workloads(self) -> tuple[Workload, ...]:
        return tuple(self._declared[1](self.refs))

    def edges(self) -> tuple[Edge, ...]:
        return tuple(self._declared[2](self.refs))

    def scrapes(self) -> tuple[Scrape, ...]:
        return tuple(self._declared[3](self.refs))

    def checks(self) -> tuple[Check, ...]:
        return tuple(self._declared[4](self.refs))

    def build(self, v: SwitchValues) -> None:
        self.add(self.config_map(self.name(self.id), {"enabled": f"{v.enabled}", "extra": f"{v.extra}"}))
