"""Is there a credential in plain text: in values, templates, or in what they render?"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from floe_charts.documents import child_path
from floe_charts.errors import HelmError
from floe_charts.verify.chart_files import ChartFiles
from floe_charts.verify.findings import CheckResult, Finding, Progress, merge_cases, no_progress
from floe_charts.verify.objects import RenderedObject, parse_objects
from floe_charts.verify.secret_literals import (
    LONGEST,
    SecretLiteral,
    find_in_lines,
    find_in_source,
    find_literals,
    mask,
)
from floe_charts.verify.subject import Case, Rendering, Subject
from floe_charts.verify.values import Path, leaves

__all__ = ["check_secrets"]

CHECK = "secrets"

_HINTS: Mapping[str, str] = {
    "password-literal": "take it from an existing Secret (secretKeyRef) and leave the value empty",
    "credentials-in-url": "take user and password out of the URL and from an existing Secret",
    "known-token-format": "revoke it, then take the new one from an existing Secret",
    "private-key": "replace the key, then mount the new one from an existing Secret",
}
# What is read as it stands: values files and templates, with their comments.
_SOURCES = re.compile(r"(?:values[^/]*\.ya?ml|templates/.*\.(?:ya?ml|tpl|txt|json))$")
_SHOWN = 5


@dataclass(slots=True)
class _Fault:
    """A literal in a file: the finding, and the objects that it was seen in."""

    where: str
    literal: SecretLiteral
    cases: tuple[str, ...] = ()
    object: str = ""
    seen_in: dict[str, None] = field(default_factory=dict)

    def finding(self) -> Finding:
        seen = list(self.seen_in)
        ends = f"; it ends up in {', '.join(seen[:_SHOWN])}" if seen else ""
        more = f" and {len(seen) - _SHOWN} more" if len(seen) > _SHOWN else ""
        what = self.literal.what
        named = f"the literal value of {what}" if self.literal.rule == "password-literal" else what
        return Finding(
            CHECK,
            f"{named} ({mask(self.literal.text)}) stands here in plain text{ends}{more}",
            where=self.where,
            object=self.object,
            path=_text(self.literal.path),
            hint=_HINTS[self.literal.rule],
            rule=self.literal.rule,
            cases=self.cases,
        )


def check_secrets(subject: Subject, progress: Progress = no_progress) -> CheckResult:
    """Look for credentials in plain text in values.yaml, the values of every case, the templates, and all they render.

    Rules: ``password-literal`` (a name that says password, token and the like, with a value that is neither empty nor a
    reference), ``credentials-in-url``, ``known-token-format``, ``private-key``. A literal is one finding, at the values
    that set it, which says where it ends up; one that no value sets is a finding at the template. What differs between
    two renders is generated, not written down. Values of a subchart count where they are rendered.
    """
    files = _files(subject)
    renderings = subject.newest
    steps = len(renderings) + 2
    progress(0, steps)
    faults = _in_values(subject)
    trace = _Trace(subject, files, faults)
    progress(1, steps)
    for done, rendering in enumerate(renderings, 2):
        trace.follow(rendering)
        progress(done, steps)
    told = {fault.literal.text for fault in trace.faults}
    raw = [fault for fault in _in_sources(files) if fault.literal.text not in told]
    progress(steps, steps)
    findings = [fault.finding() for fault in (*trace.faults, *raw)]
    counts = ((len(subject.cases), "set"), (trace.looked_at, "object"), (_count(files), "template"))
    sets, objects, templates = (f"{count} {word}{'s' * (count != 1)}" for count, word in counts)
    figure = f"{sets} of values, {objects}, {templates}"
    return CheckResult(CHECK, figure, merge_cases(findings))


# -- values and sources ------------------------------------------------------------------------------------------------


def _in_values(subject: Subject) -> list[_Fault]:
    given = [("values.yaml", subject.chart.values), *((case.name, case.values) for case in subject.cases)]
    return [_Fault(where, literal) for where, values in given for literal in _once(find_literals(values))]


def _in_sources(files: ChartFiles | None) -> Iterator[_Fault]:
    """What is seen in the text of values files and templates alone: comments, and templates that no case renders."""
    for name in sorted(files.files) if files is not None else ():
        content = files.files[name] if files is not None else b""
        if not _SOURCES.fullmatch(name) or b"\0" in content[:1024]:
            continue
        text = content[:LONGEST].decode("utf-8", "replace")
        found = list(find_in_lines(text))
        is_template = name.startswith("templates/")
        if is_template and name.endswith((".yaml", ".yml", ".tpl")):
            found += find_in_source(text)
        where = f"{files.name}/{name}" if files is not None and is_template else name
        yield from (_Fault(where, literal) for literal in _once(iter(found)))


def _files(subject: Subject) -> ChartFiles | None:
    try:
        return subject.chart.files
    except (HelmError, OSError):
        return None


def _count(files: ChartFiles | None) -> int:
    return sum(name.startswith("templates/") for name in files.files) if files is not None else 0


# -- what is rendered --------------------------------------------------------------------------------------------------


class _Trace:
    """Follows the literals in rendered objects back to the values that set them."""

    def __init__(self, subject: Subject, files: ChartFiles | None, faults: Sequence[_Fault]) -> None:
        self.faults = list(faults)
        self.looked_at = 0
        self._subject = subject
        self._by_text: dict[str, list[_Fault]] = {}
        for fault in faults:
            self._by_text.setdefault(fault.literal.text, []).append(fault)
        self._defaults = [("values.yaml", subject.chart.values), *(_subcharts(files) if files is not None else ())]
        self._leaves: dict[str, dict[str, list[Path]]] = {}
        self._known: dict[int, tuple[SecretLiteral, ...]] = {}
        self._at_templates: dict[tuple[str, str, Path, str], _Fault] = {}

    def follow(self, rendering: Rendering) -> None:
        """Take in what one case renders."""
        self.looked_at = max(self.looked_at, len(rendering.objects))
        open_ends: list[tuple[RenderedObject, SecretLiteral]] = []
        for obj in rendering.objects:
            for literal in self._literals(obj):
                origins = self._origins(literal, rendering.case)
                for origin in origins:
                    origin.seen_in[str(obj)] = None
                if not origins:
                    open_ends.append((obj, literal))
        if open_ends:
            self._at_template(rendering, open_ends)

    def _literals(self, obj: RenderedObject) -> tuple[SecretLiteral, ...]:
        if id(obj.data) not in self._known:
            # The subject keeps its objects, and renders of one text share them: an id stands for one tree.
            self._known[id(obj.data)] = tuple(_once(_in_object(obj)))
        return self._known[id(obj.data)]

    def _origins(self, literal: SecretLiteral, case: Case) -> list[_Fault]:
        """The findings in values that a literal comes from; made here where its value goes by no telling name."""
        sources = {"values.yaml", case.name}
        found = [one for one in self._by_text.get(literal.text, ()) if one.where in sources or "/" in one.where]
        if found:
            return found
        for where, values in ((case.name, case.values), *self._defaults):
            paths = self._paths(where, values).get(literal.text, [])
            if len(paths) == 1 or (paths and where.startswith("charts/")):
                fault = _Fault(where, literal._replace(path=paths[0]))
                self.faults.append(fault)
                self._by_text.setdefault(literal.text, []).append(fault)
                return [fault]
        # A part of a longer text, such as a configuration file or a URL.
        return [
            one
            for text, faults in self._by_text.items()
            if len(text) >= 6 and (text in literal.text or literal.text in text)
            for one in faults
        ]

    def _paths(self, where: str, values: Mapping[str, object]) -> dict[str, list[Path]]:
        if where not in self._leaves:
            known = self._leaves.setdefault(where, {})
            for path, value in leaves(values, into_lists=True):
                if isinstance(value, str | int | float) and not isinstance(value, bool):
                    known.setdefault(str(value), []).append(path)
        return self._leaves[where]

    def _at_template(self, rendering: Rendering, found: list[tuple[RenderedObject, SecretLiteral]]) -> None:
        """Findings for literals that no value sets, unless a second render makes other ones."""
        again = {
            (obj.template, str(obj), literal.path, literal.text)
            for obj in self._again(rendering)
            for literal in _once(_in_object(obj))
        }
        for obj, literal in found:
            key = (obj.template, str(obj), literal.path, literal.text)
            if key not in again:
                continue
            fault = self._at_templates.get(key)
            if fault is None:
                fault = self._at_templates[key] = _Fault(obj.template, literal, (), str(obj))
                self.faults.append(fault)
            fault.cases = (*fault.cases, rendering.case.name)

    def _again(self, rendering: Rendering) -> Sequence[RenderedObject]:
        subject = self._subject
        try:
            manifests = subject.chart.render(
                rendering.case.values,
                release=subject.release,
                namespace=subject.namespace,
                kube_version=rendering.kube_version,
            )
        except HelmError:
            return rendering.objects
        return parse_objects(manifests)[0]


def _subcharts(files: ChartFiles, prefix: str = "") -> Iterator[tuple[str, Mapping[str, object]]]:
    for name in sorted(files.subcharts):
        subchart = files.subcharts[name]
        yield f"{prefix}charts/{name}/values.yaml", subchart.values
        yield from _subcharts(subchart, f"{prefix}charts/{name}/")


def _in_object(obj: RenderedObject) -> Iterator[SecretLiteral]:
    if obj.kind == "CustomResourceDefinition":
        return
    for key, value in obj.data.items():
        if obj.kind == "Secret" and key == "data" and isinstance(value, Mapping):
            value = {name: _decoded(text) for name, text in value.items()}
        if key not in ("apiVersion", "kind"):
            yield from find_literals(value, (key,), key)


def _decoded(text: object) -> object:
    """What a Secret holds under ``data``; binary data as nothing."""
    if not isinstance(text, str) or len(text) > 2 * LONGEST:
        return None
    try:
        return base64.b64decode(text, validate=False).decode("utf-8")
    except (binascii.Error, ValueError):
        return None


def _once(literals: Iterator[SecretLiteral]) -> Iterator[SecretLiteral]:
    seen: set[tuple[Path, str]] = set()
    for literal in literals:
        if (literal.path, literal.text) not in seen:
            seen.add((literal.path, literal.text))
            yield literal


def _text(path: Path) -> str:
    text = ""
    for step in path:
        text = child_path(text, step)
    return text
