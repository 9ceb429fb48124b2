"""Findings that somebody accepts, one by one and with a reason, in a file kept beside the chart.

The file of ``charts/shop`` is ``charts/shop.verify.yaml``::

    accept:
      - check: pod-security
        rule: run-as-non-root
        object: Deployment shop-web
        reason: The image of upstream runs as root until version 3.
    provided:
      - kind: Secret
        name: shop-database
        keys: [username, password]

An entry names a check and at least one of ``rule``, ``where``, ``object`` and ``path``; what it gives must equal what
the finding says. It accepts one finding: an entry that matches several, or none, is itself a finding.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from floe_charts.errors import DeploymentError, DocumentError, InputError, nearest
from floe_charts.verify.findings import CheckResult, Finding, Severity
from floe_charts.verify.report import AcceptedFinding
from floe_charts.verify.subject import Provided

if TYPE_CHECKING:
    from floe_charts.verify.acceptance_file import AcceptanceFile

__all__ = ["CHECK", "Acceptance", "Entry", "apply_acceptance", "find_acceptance", "read_acceptance"]

CHECK = "acceptance"
"""The check that findings about acceptances themselves belong to."""

_SUFFIX = ".verify.yaml"
_FIELDS = ("rule", "where", "object", "path")


class _Identity(NamedTuple):
    """What makes two findings the same one, whatever their messages say."""

    check: str
    rule: str
    where: str
    object: str
    path: str

    @classmethod
    def of(cls, finding: Finding) -> _Identity:
        return cls(finding.check, finding.rule, finding.where, finding.object, finding.path)

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.where, self.object, self.path) if part)
        return f"{place or self.check} ({self.rule})" if self.rule else place or self.check


@dataclass(frozen=True)
class Entry:
    """One acceptance. ``fields`` are those that it gives of rule, where, object and path."""

    check: str
    reason: str
    fields: Mapping[str, str]

    def matches(self, identity: _Identity) -> bool:
        """Whether the finding is of this check and equal in every field that is given."""
        return identity.check == self.check and not self._differing(identity)

    def _differing(self, identity: _Identity) -> list[str]:
        return [name for name, value in self.fields.items() if getattr(identity, name) != value]

    def near_miss(self, identities: Iterable[_Identity]) -> str:
        """``did you mean object: Deployment shop-web``, where a finding differs in one field and little; or nothing."""
        for name in _FIELDS:
            ours = [one for one in identities if one.check == self.check and self._differing(one) == [name]]
            near = nearest(self.fields[name], (getattr(one, name) for one in ours)) if ours else None
            if near:
                return f"did you mean {name}: {near}"
        return ""


@dataclass(frozen=True)
class Acceptance:
    """What an acceptance file says; ``source`` names it in findings. Without arguments, one that accepts nothing."""

    entries: tuple[Entry, ...] = ()
    provided: tuple[Provided, ...] = ()
    source: str = ""


def find_acceptance(chart: str | os.PathLike[str], name: str = "") -> Path | None:
    """The acceptance file beside a chart directory or archive, or None where there is none.

    For a directory it has the directory's name; for ``shop-1.2.3.tgz`` it is ``shop-1.2.3.verify.yaml``, or else
    ``shop.verify.yaml`` by the chart's ``name``. Raises InputError for a file that only ends in ``.verify.yml``.
    """
    path = Path(chart)
    if path.name in ("", ".."):
        # ``.`` has no name of its own: take the real one, but say the path as the user can follow it.
        path = Path(os.path.relpath(path.resolve()))
        path = path if path.name not in ("", "..") else path.resolve()
    stems = [path.name] if path.is_dir() else [path.name.removesuffix(".tgz").removesuffix(".tar.gz"), name]
    for stem in filter(None, stems):
        found = path.parent / f"{stem}{_SUFFIX}"
        if found.exists():
            return found
        misnamed = found.with_suffix(".yml")
        if misnamed.exists():
            raise InputError(str(misnamed), "", "this name is not read", f"rename the file to {found.name}")
    return None


def read_acceptance(path: str | os.PathLike[str]) -> Acceptance:
    """The acceptance in a file; one that holds nothing or only comments accepts nothing.

    Raises InputError, a line for each fault with the file, the path inside it, what was found and what was expected.
    """
    from floe_charts.documents import read_document

    try:
        document = read_document(Path(path))
    except DocumentError:
        if _says_nothing(Path(path)):
            return Acceptance(source=str(path))
        raise
    if document.data is None:
        return Acceptance(source=document.source)
    return _checked(document.data, document.source)


def _says_nothing(path: Path) -> bool:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError):
        return False
    return all(not line.strip() or line.lstrip().startswith("#") or line.strip() == "---" for line in lines)


def _checked(data: object, source: str) -> Acceptance:
    from floe_charts.deployment.loader import validated
    from floe_charts.verify.acceptance_file import AcceptanceFile  # Imports pydantic.

    try:
        model: AcceptanceFile = validated(AcceptanceFile, data, source)
    except DeploymentError as error:
        raise InputError(error.source, error.path, error.problem, error.hint) from None
    entries = (
        Entry(one.check, one.reason, {name: getattr(one, name) for name in _FIELDS if name in one.model_fields_set})
        for one in model.accept
    )
    provided = (Provided(one.kind, one.name, tuple(one.keys)) for one in model.provided)
    return Acceptance(tuple(entries), tuple(provided), source)


def apply_acceptance(
    results: Sequence[CheckResult], acceptance: Acceptance, *, partial: bool = False, absent: Sequence[str] = ()
) -> tuple[tuple[CheckResult, ...], tuple[AcceptedFinding, ...]]:
    """Take what is accepted out of ``results``.

    Returns the results without it, and what was taken out with the reason. Where there are entries, a result of the
    check ``acceptance`` follows: its findings are ``too-wide`` (matches several findings, and accepts none of them),
    ``unmatched`` (matches none) and ``duplicate`` (the same entry again, or another one for the same finding). An
    unmatched entry is only a note where its check did not run or was skipped, where it is about a template of one of
    the ``absent`` dependencies (their keys), and with ``partial``: then only a part of the cases was verified.
    """
    if not acceptance.entries:
        return tuple(results), ()
    findings = [finding for result in results for finding in result.findings]
    failing = tuple(dict.fromkeys(_Identity.of(finding) for finding in findings if finding.fails))
    notes = tuple(dict.fromkeys(_Identity.of(finding) for finding in findings if not finding.fails))
    ran = {result.check for result in results if not result.skipped}
    reasons: dict[_Identity, tuple[int, str]] = {}
    faults = []
    for index, entry in enumerate(acceptance.entries):
        earlier = next((one for one in acceptance.entries[:index] if _same(one, entry)), None)
        matched = [identity for identity in failing if entry.matches(identity)]
        if earlier is not None:
            first = acceptance.entries.index(earlier)
            faults.append(_fault(acceptance, index, "duplicate", f"accepts the same as accept[{first}]", _REMOVE))
        elif len(matched) > 1:
            faults.append(_too_wide(acceptance, index, matched))
        elif not matched:
            only_a_note = any(entry.matches(identity) for identity in notes)
            faults.append(_unmatched(acceptance, index, failing, only_a_note, partial, entry.check in ran, absent))
        elif matched[0] in reasons:
            first = reasons[matched[0]][0]
            faults.append(_fault(acceptance, index, "duplicate", f"accepts the same as accept[{first}]", _REMOVE))
        else:
            reasons[matched[0]] = (index, entry.reason)
    return _taken_out(results, acceptance, reasons, faults)


_REMOVE = "remove one of them"


def _same(one: Entry, other: Entry) -> bool:
    return (one.check, one.fields) == (other.check, other.fields)


def _taken_out(
    results: Sequence[CheckResult],
    acceptance: Acceptance,
    reasons: Mapping[_Identity, tuple[int, str]],
    faults: Sequence[Finding],
) -> tuple[tuple[CheckResult, ...], tuple[AcceptedFinding, ...]]:
    kept, accepted = [], []
    for result in results:
        left = []
        for finding in result.findings:
            identity = _Identity.of(finding)
            if finding.fails and identity in reasons:
                accepted.append(AcceptedFinding(finding, reasons[identity][1]))
            else:
                left.append(finding)
        kept.append(replace(result, findings=tuple(left)))
    count = len(acceptance.entries)
    figure = f"{len(reasons)} of {count} {'entry' if count == 1 else 'entries'} in use"
    return (*kept, CheckResult(CHECK, figure, tuple(faults))), tuple(accepted)


def _too_wide(acceptance: Acceptance, index: int, matched: Sequence[_Identity]) -> Finding:
    message = f"matches {len(matched)} findings, such as {matched[0]} and {matched[1]}"
    given = acceptance.entries[index].fields
    missing = [
        name for name in _FIELDS if name not in given and len({getattr(identity, name) for identity in matched}) > 1
    ]
    hint = f"accept them one by one: say {' and '.join(missing)} too"
    return _fault(acceptance, index, "too-wide", message, hint)


def _unmatched(
    acceptance: Acceptance,
    index: int,
    failing: Sequence[_Identity],
    only_a_note: bool,
    partial: bool,
    ran: bool,
    absent: Sequence[str],
) -> Finding:
    entry = acceptance.entries[index]
    for key in absent:
        if f"/charts/{key}/" in str(entry.fields.get("where", "")):
            message = f"is not judged: the dependency {key} is not in charts/"
            return _fault(acceptance, index, "unmatched", message, severity="note")
    if only_a_note:
        hint = "it matches only a note, which fails nothing: remove it"
        return _fault(acceptance, index, "unmatched", "matches no finding that fails", hint)
    if not ran:
        message = f"is not judged: the check {entry.check} did not run"
        return _fault(acceptance, index, "unmatched", message, severity="note")
    hint = entry.near_miss(failing)
    if partial:
        message = "matches no finding in the part of the cases that was verified"
        return _fault(acceptance, index, "unmatched", message, hint, "note")
    return _fault(acceptance, index, "unmatched", "matches no finding", hint or "remove it if the fault is repaired")


def _fault(
    acceptance: Acceptance, index: int, rule: str, message: str, hint: str = "", severity: Severity = "error"
) -> Finding:
    entry = acceptance.entries[index]
    told = ", ".join(f"{name}: {value}" for name, value in {"check": entry.check, **entry.fields}.items())
    path = f"accept[{index}]"
    return Finding(
        CHECK,
        f"the entry ({told}) {message}",
        where=acceptance.source,
        path=path,
        hint=hint,
        severity=severity,
        rule=rule,
    )
