"""Schedules of a CronJob, as its controller's parser (robfig/cron, standard specification) takes them."""

from __future__ import annotations

import re

__all__ = ["cron_problem"]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_WORDS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_EVERY = re.compile(r"@every [-+]?([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+")


def cron_problem(schedule: str) -> str:
    """What is wrong with a schedule, in a few words; empty for one that Kubernetes takes.

    A time zone in the schedule itself (``TZ=``) is refused by Kubernetes, which has ``spec.timeZone`` for that.
    """
    if "TZ" in schedule:
        return "a time zone belongs into spec.timeZone"
    text = schedule.strip()
    if text.startswith("@"):
        return "" if text in _WORDS or _EVERY.fullmatch(text) else f"{text} is not a word that it knows"
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return f"it has {len(fields)} fields instead of five"
    for found, (name, low, high, words) in zip(fields, _FIELDS, strict=True):
        for part in found.split(","):
            if part and not _fits(part, low, high, words):
                return f"{part} is not a {name} ({low} to {high})"
    return ""


def _fits(part: str, low: int, high: int, words: dict[str, int]) -> bool:
    span, slash, step = part.partition("/")
    if slash and not (step.isascii() and step.isdigit() and int(step) > 0):
        return False
    first, dash, last = span.partition("-")
    if first in {"*", "?"}:
        # What follows a star is not read: robfig/cron takes `*-5` for `*`.
        return True
    start = _number(first, words)
    if start is None or not low <= start <= high:
        return False
    if not dash:
        return True
    end = _number(last, words)
    return end is not None and start <= end <= high


def _number(text: str, words: dict[str, int]) -> int | None:
    if text.lower() in words:
        return words[text.lower()]
    return int(text) if text.isascii() and text.isdigit() else None
