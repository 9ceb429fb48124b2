"""What a check found, in one shape for all checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Severity"]

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: which check found it, where, what is wrong, and what to do about it.

    ``where`` is a file (a template, a values file), ``object`` a Kubernetes object such as ``Deployment shop-web``,
    ``path`` the place inside the object or the values; each may be empty. ``message`` is a sentence, ``hint`` what to
    do about it.
    """

    check: str
    message: str
    where: str = ""
    object: str = ""
    path: str = ""
    hint: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        """One line: ``where: object: message; hint``."""
        line = ": ".join(part for part in (self.where, self.object, self.message) if part)
        return f"{line}; {self.hint}" if self.hint else line
