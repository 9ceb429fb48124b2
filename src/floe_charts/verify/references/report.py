"""What the rules looked at and found, gathered over all cases."""

from __future__ import annotations

from floe_charts.helm.kubernetes import field_path
from floe_charts.verify.findings import Finding, Severity, merge_cases
from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.values import Path

__all__ = ["CHECK", "EXTERNAL", "Report"]

CHECK = "references"
EXTERNAL = "if it exists outside the release, list it under provided in the acceptance file"


class Report:
    """Counts each reference once, however many cases have it, and keeps the findings in the order they were made."""

    def __init__(self) -> None:
        """An empty report; ``case`` is the name of the case that is looked at."""
        self.case = ""
        self._looked: set[tuple[str, str, str, Path]] = set()
        self._objects: set[tuple[str, str]] = set()
        self._findings: list[Finding] = []
        self._unjudged: dict[tuple[str, str], Finding] = {}
        self._reasons: dict[str, None] = {}

    def begin(self, case: str, objects: tuple[RenderedObject, ...]) -> None:
        """From here on, findings belong to this case."""
        self.case = case
        self._objects.update((obj.template, str(obj)) for obj in objects)

    def look(self, owner: RenderedObject, path: Path, what: str = "") -> None:
        """A reference was looked at: the place of the one who mentions, and what is held against it."""
        self._looked.add((owner.template, str(owner), what, path))

    def add(
        self,
        rule: str,
        owner: RenderedObject,
        path: Path,
        message: str,
        hint: str = "",
        severity: Severity = "error",
    ) -> None:
        """A fault of ``owner`` at ``path``; the message begins with the path."""
        place = field_path(path)
        where, text = owner.template, f"{place} {message}" if place else message
        found = Finding(CHECK, text, where, str(owner), place, hint, severity, rule, (self.case,))
        self._findings.append(found)

    def unjudged(self, kind: str, name: str, owner: RenderedObject, path: Path, reason: str, cause: str) -> None:
        """Whether ``kind name`` exists cannot be known; told once for each name. ``cause`` goes into the figure."""
        first = self._unjudged.get((kind, name))
        if first is None:
            place = field_path(path)
            message = f"{place} mentions {kind} {name}, which cannot be judged: {reason}"
            first = Finding(CHECK, message, owner.template, str(owner), place, severity="note", rule="unjudged")
            self._unjudged[kind, name] = first
            self._reasons.setdefault(cause)
        self._findings.append(
            Finding(
                CHECK,
                first.message,
                first.where,
                first.object,
                first.path,
                severity="note",
                rule="unjudged",
                cases=(self.case,),
            )
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Each finding once, with all its cases."""
        return merge_cases(self._findings)

    @property
    def figure(self) -> str:
        """``214 references among 36 objects, 3 not judged (dagster absent)``."""
        looked, objects = len(self._looked), len(self._objects)
        text = f"{looked} reference{'s' * (looked != 1)} among {objects} object{'s' * (objects != 1)}"
        if self._unjudged:
            text += f", {len(self._unjudged)} not judged ({', '.join(self._reasons)})"
        return text
