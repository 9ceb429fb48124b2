"""Time zones, as a CronJob's ``timeZone`` takes them: names of the IANA database."""

from __future__ import annotations

from functools import cache

from floe_charts.errors import nearest

__all__ = ["is_time_zone", "nearest_time_zone"]


@cache
def _names() -> frozenset[str]:
    # Those of the package, whatever the machine has: what is refused must not depend on it.
    from importlib import resources

    return frozenset(resources.files("tzdata").joinpath("zones").read_text("ascii").split())


def is_time_zone(name: str) -> bool:
    """Whether the API server knows the time zone ``name``; ``Local``, which would be the server's own, it refuses."""
    return name in _names()


def nearest_time_zone(name: str) -> str | None:
    """The time zone most like ``name``, of those that are called by their region; None where none is near."""
    return nearest(name, sorted(zone for zone in _names() if "/" in zone))
