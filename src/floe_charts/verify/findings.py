"""What a check found, in one shape for all checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

__all__ = ["CHECKS", "CheckResult", "Finding", "Progress", "Severity", "merge_cases", "no_progress"]

Severity = Literal["error", "warning", "note"]

CHECKS: Mapping[str, str] = {
    "lint": "Helm's own strict lint accepts the chart.",
    "renders": "Helm renders the chart with its defaults and with each values file.",
    "kubernetes": "Every object fits the schemas of each version of Kubernetes, with no unknown field.",
    "custom-resources": "Every custom resource fits the schema of its definition.",
    "pod-security": "Every pod meets the Pod Security Standard.",
    "dead-values": "Every value that is set changes something in what Helm renders.",
    "sealed-schema": "values.schema.json refuses misspelt keys and values of a wrong type.",
    "text-safety": "Text in a value comes out of the templates as it went in.",
    "dependencies": "Every dependency is present, and the values handed to it fit its own schema.",
    "references": "What one object names in another exists, in the release or among what the user provides.",
    "secrets": "No credential stands in values, templates or rendered objects.",
}
"""The checks in the order in which they are told, and what each proves."""

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
