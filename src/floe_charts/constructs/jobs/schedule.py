"""When a job runs, as a CronJob takes it: five fields, with ranges that go upward, or a word such as ``@daily``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import StringConstraints

from floe_charts.helm.patterns import form

__all__ = ["JobSchedule", "is_schedule"]

_WORDS = "@(yearly|annually|monthly|weekly|daily|midnight|hourly)"
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def _field(lowest: int, highest: int, names: Sequence[str] = ()) -> str:
    """The pattern of a field: ``*``, ``*/5``, or numbers, names and ranges, with commas between them."""
    if highest > 31:
        # Nobody needs ranges of minutes.
        return _listed("[1-5]?[0-9]")
    known = {number: [str(number)] for number in range(lowest, highest + 1)}
    for number, name in enumerate(names, lowest):
        known[number].append(name)
    # A range whose ends are reversed is refused by Kubernetes, so that each is spelt out.
    above = {one: _any_of([text for end in known if end > one for text in known[end]]) for one in known}
    ranges = [f"{_any_of(texts)}-{above[one]}" for one, texts in known.items() if one < highest]
    return _listed("|".join([text for texts in known.values() for text in texts] + ranges))


def _any_of(texts: Sequence[str]) -> str:
    return f"({'|'.join(texts)})" if len(texts) > 1 else "".join(texts)


def _listed(item: str) -> str:
    return rf"(\*(/[1-9][0-9]?)?|({item})(,({item}))*)"


_FIELDS = (_field(0, 59), _field(0, 23), _field(1, 31), _field(1, 12, _MONTHS), _field(0, 6, _DAYS))
_PATTERN = form(
    f"^({_WORDS}|{' '.join(_FIELDS)})$",
    "a cron expression of five fields (minute, hour, day, month, weekday) such as 30 2 * * *, or @daily",
)
JobSchedule = Annotated[str, StringConstraints(pattern=_PATTERN, max_length=100)]
"""Minute, hour, day of the month, month, day of the week: ``30 6 * * MON-FRI``; or ``@daily``."""


def is_schedule(text: str) -> bool:
    """Whether ``text`` is a :data:`JobSchedule`."""
    return len(text) <= 100 and re.fullmatch(_PATTERN, text) is not None
