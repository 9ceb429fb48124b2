"""The check "Text safety": awkward texts in values come out of Helm as they went in, or the template is named.

One render carries many values. Each gets a word of its own, which shows where it comes out; then an awkward text takes
the place of all the words at once: first one that has everything awkward in it, and only in the values with which that
goes wrong each text by itself. What stands around the words tells which value is to blame
(:mod:`floe_charts.verify.text_layout`); where it does not, the values are halved until the guilty one stands alone.

What the check does not see: a value that comes out where Kubernetes demands a form (a name, a port, an image) is tried
only with texts that such places take, so with none in a port; one that a template hands to ``tpl`` only with texts that
are no template; one for which the schema lists values or demands a form, or that the chart itself refuses, not at all.
A value that a function changes (``lower``, ``trim``, a checksum) is compared only where it comes out unchanged, and one
that comes out in NOTES.txt alone nowhere. Defaults of subcharts are the subchart's matter: only what values.yaml or a
case says is tried. A value that no case shows is counted as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from floe_charts.errors import shorten
from floe_charts.helm.kubernetes import field_path
from floe_charts.verify.findings import CheckResult, Finding, Progress, merge_cases, no_progress
from floe_charts.verify.subject import Case, Subject
from floe_charts.verify.text_compare import AWKWARD_STRINGS, TextReport, check_text, plain_text_leaves, round_trips
from floe_charts.verify.text_trials import TELLING_TEXTS, Faults, Group, Stage
from floe_charts.verify.values import Path, Values, get_at

__all__ = [
    "AWKWARD_STRINGS",
    "TELLING_TEXTS",
    "TextReport",
    "check_text",
    "check_text_safety",
    "plain_text_leaves",
    "round_trips",
]

CHECK = "text-safety"


def check_text_safety(subject: Subject, progress: Progress = no_progress) -> CheckResult:
    """Put awkward texts into the string values of each case and look for them in the objects.

    Rules: ``breaks-yaml``, ``changes-text``, ``changes-type``, ``template-fails``; one finding for each value and
    template, whose rule is that of the first text that goes wrong. Values of a dependency that is not at hand, and
    those for which the schema demands a form, are left out.
    """
    run = _Run(subject)
    findings: list[Finding] = []
    total = 2 * len(subject.cases)
    with ThreadPoolExecutor(subject.threads) as pool:
        for number, case in enumerate(subject.cases):
            progress(2 * number, total)
            groups = run.groups(case, pool)
            progress(2 * number + 1, total)
            findings += run.findings_of(case, groups, pool)
        progress(total, total)
    if not run.rendered:
        return CheckResult(CHECK, "", skipped="the chart does not render")
    return CheckResult(CHECK, run.figure, merge_cases(findings))


@dataclass
class _Run:
    """What is known after the cases so far."""

    subject: Subject
    rendered: bool = False
    refused: set[Path] = field(default_factory=set)
    left: set[Path] = field(default_factory=set)
    guilty: set[Path] = field(default_factory=set)
    shown: dict[Path, set[str]] = field(default_factory=dict)
    looked_at: dict[Path, None] = field(default_factory=dict)
    compared: dict[Path, None] = field(default_factory=dict)

    @property
    def figure(self) -> str:
        """How many values were compared, and why the others were not."""
        unseen = len(self.looked_at) - len(self.shown)
        formed = len(self.shown) - len(self.compared)
        safe = len(self.compared.keys() - self.guilty - self.left)
        parts = [
            f"any text comes out of {safe:,} of {len(self.compared):,} values as it went in; "
            f"{formed:,} only where Kubernetes demands a form, {unseen:,} not at all"
        ]
        if self.left:
            parts.append(f"not all texts were tried in {len(self.left):,} values")
        return ", ".join(parts)

    def groups(self, case: Case, pool: ThreadPoolExecutor) -> list[Group]:
        """The values of a case that come out, in groups in which they do so together."""
        stage = Stage(self.subject, case)
        if not stage.renders():
            return []
        self.rendered = True
        paths = [path for path in _plain_texts(self.subject, stage.merged) if path not in self.refused]
        groups = stage.groups(paths, self.looked_at, pool)
        self.looked_at.update(dict.fromkeys(paths))
        self.refused |= stage.refused
        self.left |= stage.left
        return groups

    def findings_of(self, case: Case, groups: list[Group], pool: ThreadPoolExecutor) -> list[Finding]:
        """What is wrong with the values that no earlier case showed just so."""
        # A value is tried once: what goes wrong with the defaults does so in every case that shows it.
        cases = () if case == self.subject.cases[0] else (case.name,)
        faults: Faults = {}
        findings: list[Finding] = []
        for group in groups:
            found, compared = group.faults(self._fresh(group), pool)
            faults.update(found)
            self.compared.update(dict.fromkeys(compared))
            self.left |= group.stage.left
            findings += _unplaced(group.stage, cases)
        self.guilty.update(path for path, _ in faults if path in self.compared)
        return [*_findings(faults, cases), *dict.fromkeys(findings)]

    def _fresh(self, group: Group) -> list[Path]:
        """The leaves that come out in a template in which no earlier case showed them."""
        found = []
        for path in group.paths:
            known = self.shown.setdefault(path, set())
            if not group.templates[path] <= known:
                found.append(path)
                known |= group.templates[path]
        return found


def _plain_texts(subject: Subject, values: Values) -> list[Path]:
    """The leaves that take any text, also by the schema of the subchart that they go to; it has to be at hand."""
    found = plain_text_leaves(values, subject.chart.schema)
    declared = subject.chart.metadata.get("dependencies")
    for one in declared if isinstance(declared, list) else ():
        if not isinstance(one, Mapping):
            continue
        key, subchart = (
            str(one.get("alias") or one.get("name")),
            subject.chart.files.subcharts.get(str(one.get("name"))),
        )
        below = get_at(values, (key,))
        plain: set[Path] = set()
        if subchart is not None and isinstance(below, Mapping):
            plain = {(key, *path) for path in plain_text_leaves(below, subchart.schema)}
        found = [path for path in found if path[0] != key or path in plain]
    return found


def _findings(faults: Faults, cases: tuple[str, ...]) -> Iterator[Finding]:
    """One for each leaf and template; the elements of one list are one leaf."""
    alike: dict[tuple[object, ...], list[tuple[Path, str]]] = {}
    for key, (rule, _, _) in faults.items():
        path, template = key
        steps = tuple("*" if isinstance(step, int) else step for step in path)
        alike.setdefault((steps, rule, template), []).append(key)
    for keys in alike.values():
        path, template = keys[0]
        rule, text, problem = faults[keys[0]]
        name = field_path(path)
        message = f"{name}: with the text {shorten(text)} {problem}"
        message += f"; so with {_count(len(keys) - 1, 'other element')} of the list" if len(keys) > 1 else ""
        yield Finding(CHECK, message, where=template, path=name, hint=_hint(path, rule), rule=rule, cases=cases)


def _unplaced(stage: Stage, cases: tuple[str, ...]) -> Iterator[Finding]:
    """The faults of many values together, for which it would have taken too many renders to find the one."""
    for (text, (template, rule, problem)), paths in stage.unplaced.items():
        names = ", ".join(field_path(path) for path in paths[:3]) + (", …" if len(paths) > 3 else "")
        message = f"with the text {shorten(text)} in one of {len(paths):,} values ({names}) {problem}"
        yield Finding(CHECK, message, where=template, hint=_hint((0,), rule), rule=rule, cases=cases)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _hint(path: Path, rule: str) -> str:
    if rule == "template-fails":
        return "let the template take any text, or the schema refuse it"
    if all(isinstance(step, str) and step.isidentifier() for step in path):
        return f"write {{{{ .Values.{field_path(path)} | quote }}}}, or quote the whole text that it is a part of"
    return "quote it in the template: {{ … | quote }}"
