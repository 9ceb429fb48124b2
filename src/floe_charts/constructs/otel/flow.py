"""How telemetry flows through the gateway, as the data products' artifacts have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from floe_charts.errors import DeclarationError

__all__ = ["TelemetryFlow"]


@dataclass(frozen=True)
class TelemetryFlow:
    """How telemetry flows, as the data products' own exporters have it.

    ``max_export_batch_size`` becomes the size of a batch, ``schedule_delay_millis`` the time after which one is sent,
    ``export_timeout_millis`` the time that the other side has to take it, ``max_queue_size`` the number of batches that
    wait for that. ``sampling`` is the ratio of traces that are kept, per stage. The defaults are those of floe's
    compiled artifacts.
    """

    max_export_batch_size: int = 512
    schedule_delay_millis: int = 5000
    export_timeout_millis: int = 30000
    max_queue_size: int = 2048
    sampling: tuple[tuple[str, float], ...] = ()

    @classmethod
    def largest(cls, flows: Sequence[TelemetryFlow]) -> TelemetryFlow:
        """One flow for all: the largest of each number, so that nobody's telemetry is cut by another's wish."""
        if not flows:
            return cls()
        numbers = [one.name for one in fields(cls) if one.name != "sampling"]
        ratios = [dict(flow.sampling) for flow in flows]
        stages = dict.fromkeys(stage for found in ratios for stage in found)
        return cls(
            **{name: max(getattr(flow, name) for flow in flows) for name in numbers},
            sampling=tuple((stage, max(found.get(stage, 1.0) for found in ratios)) for stage in stages),
        )

    def __post_init__(self) -> None:
        """Refuse what the values would not take."""
        for name, most in (
            ("max_export_batch_size", 1_000_000),
            ("max_queue_size", 1_000_000),
            ("schedule_delay_millis", 999_999_999),
            ("export_timeout_millis", 999_999_999),
        ):
            if not 1 <= getattr(self, name) <= most:
                raise DeclarationError(f"{name} is {getattr(self, name)}, expected 1 to {most}")

    @property
    def batch_timeout(self) -> str:
        """``schedule_delay_millis`` as the collector has it."""
        return _duration(self.schedule_delay_millis)

    @property
    def export_timeout(self) -> str:
        """``export_timeout_millis`` as the collector has it."""
        return _duration(self.export_timeout_millis)

    def percentage(self, stage: str) -> float:
        """The share of traces that is kept at a stage, in percent; all where nothing is said of it."""
        return round(dict(self.sampling).get(stage, 1.0) * 100, 6)


def _duration(millis: int) -> str:
    return f"{millis}ms" if millis % 1000 else f"{millis // 1000}s"
