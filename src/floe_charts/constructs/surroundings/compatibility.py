"""What a chart goes with, in versions: the section "Compatibility" of its README.md."""

from __future__ import annotations

from collections.abc import Iterable

from floe_charts.artifacts.loader import KNOWN_MAJOR, KNOWN_MINORS
from floe_charts.helm import HelmChart
from floe_charts.helm.docs import markdown_table

__all__ = ["NEWEST_KUBERNETES", "compatibility"]

NEWEST_KUBERNETES = "1.37"
"""The newest Kubernetes whose schemas the charts are tested with; the newest installed would differ by machine."""

_HELM = "3.12 or newer, 4 too"


def compatibility(chart: HelmChart, apis: Iterable[tuple[str, str]]) -> list[str]:
    """The section's heading and its table; ``apis`` are those of custom resources, each with who brings it."""
    contract = f"{KNOWN_MAJOR}.{KNOWN_MINORS.start} to {KNOWN_MAJOR}.{KNOWN_MINORS[-1]}"
    rows = [
        ("This chart", chart.version, f"for floe {chart.app_version}"),
        ("Contract of compiled artifacts", contract, "fields that a newer one adds are passed over, with a warning"),
        ("Kubernetes", f"`{chart.kube_version}`", f"tested up to {NEWEST_KUBERNETES}"),
        ("Helm", _HELM, ""),
        *((f"Chart `{one.name}`", one.version, one.repository) for one in chart.dependencies()),
        *((name, f"`{api}`", "where values ask for it") for api, name in apis),
    ]
    return ["## Compatibility", markdown_table(("What", "Version", "Remark"), rows).rstrip("\n")]
