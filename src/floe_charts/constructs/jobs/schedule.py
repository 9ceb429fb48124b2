"""When a job runs, as a CronJob takes it: five fields, with ranges that go upward."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import StringConstraints

__all__ = ["JobSchedule", "is_schedule"]


def _field(lowest: int, highest: int) -> str:
    """The pattern of a field: ``*``, ``*/5``, or numbers and ranges, with commas between them."""
    numbers = range(lowest, highest + 1)
    # A range whose ends are reversed is refused by Kubernetes, so that each is spelt out; in minutes nobody needs one.
    ranges = [f"{one}-({'|'.join(str(end) for end in numbers if end > one)})" for one in numbers if one < highest]
    item = "|".join(["[1-5]?[0-9]"] if highest > 31 else [*map(str, numbers), *ranges])
    return rf"(\*(/[1-9][0-9]?)?|({item})(,({item}))*)"


_PATTERN = f"^{' '.join(_field(*ends) for ends in ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6)))}$"
JobSchedule = Annotated[str, StringConstraints(pattern=_PATTERN, max_length=100)]
"""Minute, hour, day of the month, month, day of the week: ``30 6 * * 1-5``."""


def is_schedule(text: str) -> bool:
    """Whether ``text`` is a :data:`JobSchedule`."""
    return len(text) <= 100 and re.match(_PATTERN, text) is not None
