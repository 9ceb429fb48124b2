"""What the checks of a chart came to, before it is written in any format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from floe_charts.verify.findings import CheckResult, Finding

__all__ = ["AcceptedFinding", "ChartReport"]


class AcceptedFinding(NamedTuple):
    """A finding that somebody accepted, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class ChartReport:
    """One chart with the results of its checks, in the order in which they are told.

    ``chart`` is the path as the user named it, ``name`` and ``version`` are those of Chart.yaml. ``cases`` name
    the sets of values it was rendered with, ``accepted`` the findings that no longer stand in ``results``.
    """

    chart: str
    name: str
    version: str
    kube_versions: tuple[str, ...]
    cases: tuple[str, ...]
    results: tuple[CheckResult, ...]
    accepted: tuple[AcceptedFinding, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no check found anything that fails it."""
        return all(result.passed for result in self.results)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all checks, notes too."""
        return tuple(finding for result in self.results for finding in result.findings)
