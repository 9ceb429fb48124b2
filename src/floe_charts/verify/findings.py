"""What a check found, in one shape for all checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

__all__ = ["CheckResult", "Finding", "Progress", "Severity", "merge_cases", "no_progress"]

Severity = Literal["error", "warning", "note"]

Progress = Callable[[int, int], None]
"""Told how much of a check is done, and of how much."""


def no_progress(done: int, total: int) -> None:
    """A Progress that keeps silent."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: which check found it, where, what is wrong, and what to do about it.

    ``where`` is a file (a template, a values file), ``object`` a Kubernetes object such as ``Deployment shop-web``,
    ``path`` the place inside the object or the values; each may be empty. ``message`` is a sentence, ``hint`` what to
    do about it. ``rule`` names the rule within the check, such as a control of the Pod Security Standards. ``cases``
    are the names of the cases in which it was found; empty where it does not depend on values. A ``note`` is told, but
    fails nothing.
    """

    check: str
    message: str
    where: str = ""
    object: str = ""
    path: str = ""
    hint: str = ""
    severity: Severity = "error"
    rule: str = ""
    cases: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether it makes the check fail."""
        return self.severity != "note"

    def __str__(self) -> str:
        """One line: ``where: object: message; hint``."""
        line = ": ".join(part for part in (self.where, self.object, self.message) if part)
        return f"{line}; {self.hint}" if self.hint else line


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check of a chart came to.

    ``figure`` says in a few words how much was looked at (``231 objects, Kubernetes 1.28 and 1.37``); ``skipped`` says
    why the check could not look at all, and is empty where it did.
    """

    check: str
    figure: str
    findings: tuple[Finding, ...] = ()
    skipped: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing was found that fails it."""
        return not any(finding.fails for finding in self.findings)


def merge_cases(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once, with all the cases in which it was found, in the order of their first appearance."""
    merged: dict[Finding, dict[str, None]] = {}
    for finding in findings:
        merged.setdefault(replace(finding, cases=()), {}).update(dict.fromkeys(finding.cases))
    return tuple(replace(finding, cases=tuple(cases)) for finding, cases in merged.items())
