"""The check "Text safety": awkward texts in values come out of Helm as they went in, or the template is named.

One render carries many values. Each gets a word of its own, which shows where it comes out; then one awkward text takes
the place of all the words of a group at once, and only where something is wrong the group is halved until the guilty
value stands alone. A value that comes out where Kubernetes demands a form (a name, a port, an image) is tried only with
texts that such places take, and one that a template hands to ``tpl`` only with texts that are no template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from floe_charts.errors import shorten
from floe_charts.helm.kubernetes import field_path
from floe_charts.verify.engine import RenderError, ValuesRefused
from floe_charts.verify.findings import CheckResult, Finding, Progress, merge_cases, no_progress
from floe_charts.verify.kube_yaml import YamlFault, read_documents
from floe_charts.verify.subject import Case, Subject
from floe_charts.verify.text_compare import AWKWARD_STRINGS, TextReport, check_text, plain_text_leaves, round_trips
from floe_charts.verify.text_places import WORD, Form, compare, find_words, word
from floe_charts.verify.values import Path, Values, get_at, override_at

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

TELLING_TEXTS = (
    "true", "0123", "null", "a: b", '"', "{{", "a # b", "behind ", "two\nlines", "'", "\\", "- a", "[a", "é ☃ 😀",
)  # fmt: skip
"""The texts that a chart is tried with: one for each way in which a template without ``quote`` goes wrong."""

_LABEL_TEXTS = ("true", "0123", "null")
_IMAGE = frozenset(["digest", "registry", "repository", "tag"])
_GROUP = 64
_SMALLEST = 8
_SINGLE_TRIALS = 600
_TEMPLATE = re.compile(r"[\w.-]+/(?:charts/[\w.-]+/)*templates/[^\s:()>]+")
_Faults = dict[tuple[Path, str, str], dict[str, str]]
"""By leaf, rule and template: each text with the problem that it has."""


def check_text_safety(subject: Subject, progress: Progress = no_progress) -> CheckResult:
    """Put awkward texts into the string values of each case and look for them in the objects.

    Rules: ``breaks-yaml``, ``changes-text``, ``changes-type``, ``template-fails``; one finding for each value, rule and
    template. Values of a dependency that is not at hand, and those for which the schema demands a form, are left out.
    """
    run = _Run(subject)
    findings: list[Finding] = []
    for done, case in enumerate(subject.cases, 1):
        findings += run.findings_of(case)
        progress(done, len(subject.cases))
    if not run.rendered:
        return CheckResult(CHECK, "", skipped="the chart does not render")
    return CheckResult(CHECK, run.figure, merge_cases(findings))


class _Refused(Exception):
    """Helm, a schema or a template's ``fail`` refuses the values knowingly."""


@dataclass
class _Run:
    """What is known after the cases so far."""

    subject: Subject
    rendered: bool = False
    texts: int = 0
    refused: set[Path] = field(default_factory=set)
    shown: dict[Path, set[str]] = field(default_factory=dict)
    looked_at: dict[Path, None] = field(default_factory=dict)
    compared: dict[Path, None] = field(default_factory=dict)

    @property
    def figure(self) -> str:
        unseen = len(self.looked_at) - len(self.shown)
        formed = len(self.shown) - len(self.compared)
        return (
            f"{self.texts:,} texts in {len(self.compared):,} values came out as they went in; "
            f"{formed:,} values come out only where Kubernetes demands a form, {unseen:,} never come out"
        )

    def findings_of(self, case: Case) -> list[Finding]:
        stage = _Stage(self.subject, case)
        if not stage.renders():
            return []
        self.rendered = True
        paths = [path for path in _plain_texts(self.subject, stage.merged) if path not in self.refused]
        self.looked_at.update(dict.fromkeys(paths))
        # An empty text often stands for "make one yourself"; a word there hides what is made.
        filled = [path for path in paths if get_at(stage.merged, path)]
        empty = [path for path in paths if not get_at(stage.merged, path)]
        chunks = [part[start : start + _GROUP] for part in (filled, empty) for start in range(0, len(part), _GROUP)]
        faults: _Faults = {}
        with ThreadPoolExecutor(self.subject.threads) as pool:
            groups = [group for found in pool.map(lambda chunk: list(stage.groups(chunk)), chunks) for group in found]
            fresh = [(group, self._fresh(group)) for group in groups]
            for found, passed in pool.map(lambda one: one[0].faults(one[1]), fresh):
                faults.update(found)
                self.texts += sum(passed.values())
                self.compared.update(dict.fromkeys(passed))
        self.refused |= stage.refused
        return list(_findings(case, faults))

    def _fresh(self, group: _Group) -> list[Path]:
        """The leaves that come out in a template in which no earlier case showed them."""
        found = []
        for path in group.paths:
            known = self.shown.setdefault(path, set())
            if not group.templates[path] <= known:
                found.append(path)
                known |= group.templates[path]
        return found


@dataclass
class _Stage:
    """One case, in which texts are put into leaves."""

    subject: Subject
    case: Case

    def __post_init__(self) -> None:
        self.merged = self.subject.values_of(self.case)
        self.readable: set[str] = set()
        self.refused: set[Path] = set()

    def renders(self) -> bool:
        """Whether Helm renders the case as it is; what is no YAML even then is not looked at."""
        try:
            rendered = self.render({})
        except (_Refused, RenderError):
            return False
        self.readable = {name for name, text in rendered.items() if _is_manifest(name) and _is_yaml(text)}
        return True

    def render(self, texts: Mapping[Path, str]) -> dict[str, str]:
        """What comes out with the texts; raises _Refused or RenderError."""
        values, merged = self.case.values, self.merged
        for path, text in texts.items():
            values = override_at(values, merged, path, text)
            if any(isinstance(step, int) for step in path):
                merged = override_at(merged, merged, path, text)
        subject = self.subject
        try:
            return subject.chart.render(
                values,
                release=subject.release,
                namespace=subject.namespace,
                kube_version=subject.kube_versions[-1],
            )
        except ValuesRefused as error:
            raise _Refused from error
        except RenderError as error:
            # The function `fail` says "execution error at": the chart refuses the text knowingly.
            if "execution error at" in str(error):
                raise _Refused from error
            raise

    def groups(self, paths: Sequence[Path]) -> Iterator[_Group]:
        """The leaves that come out, in groups in which they do so together."""
        words = {path: word(number) for number, path in enumerate(paths)}
        try:
            group = _Group(self, words, self.render(words)) if paths else None
        except (_Refused, RenderError, YamlFault):
            group = None
        if group is not None and group.paths:
            yield group
            hidden = [path for path in paths if path not in group.templates]
            yield from self.groups(hidden) if hidden else ()
        elif group is None and len(paths) == 1:
            self.refused.add(paths[0])
        elif len(paths) > (1 if group is None else _SMALLEST):
            half = len(paths) // 2
            yield from self.groups(paths[:half])
            yield from self.groups(paths[half:])


class _Group:
    """Leaves that come out side by side, and what a render with a word in each of them looks like."""

    def __init__(self, stage: _Stage, words: Mapping[Path, str], rendered: Mapping[str, str]) -> None:
        """Read the render; raises YamlFault where a word alone breaks it."""
        self._stage = stage
        self._words = dict(words)
        paths = {text: path for path, text in words.items()}
        self._documents = {name: read_documents(text) for name, text in rendered.items() if name in stage.readable}
        self._again: dict[str, Sequence[object]] = {}
        self.templates: dict[Path, set[str]] = {}
        self._forms: dict[Path, set[Form]] = {}
        for name, documents in self._documents.items():
            for document in documents:
                for found, form in find_words(document):
                    if found in paths:
                        self.templates.setdefault(paths[found], set()).add(name)
                        self._forms.setdefault(paths[found], set()).add(form)
        self.paths = [path for path in words if path in self.templates]

    def faults(self, wanted: Sequence[Path]) -> tuple[_Faults, dict[Path, int]]:
        """What is wrong with the wanted leaves, and how many texts came out as they went in, leaf by leaf."""
        free = [path for path in wanted if self._forms[path] == {"free"} and path[-1] not in _IMAGE]
        labels = [path for path in wanted if path not in free and self._forms[path] != {"formed"}]
        if not free and not labels:
            return {}, {}
        again = self._stage.render(self._words)
        self._again = {name: read_documents(again.get(name, "")) for name in self._documents}
        templates = self._templated(free)
        texts: dict[Path, tuple[str, ...]] = dict.fromkeys(labels, _LABEL_TEXTS)
        for path in free:
            texts[path] = tuple(one for one in TELLING_TEXTS if path not in templates or "{{" not in one)
        guilty: dict[Path, None] = {}
        for text in TELLING_TEXTS:
            tried = [path for path in texts if text in texts[path] and path not in guilty]
            guilty.update(dict.fromkeys(self._guilty(text, tried)))
        limit = None if len(guilty) * len(TELLING_TEXTS) <= _SINGLE_TRIALS else 4
        found: _Faults = {}
        passed = {path: len(texts[path]) for path in texts}
        for path in guilty:
            passed[path] = 0
            for text in texts[path][:limit]:
                wrong = self._try(text, [path])
                passed[path] += not wrong
                for one, rule, name, problem in wrong:
                    found.setdefault((one, rule, name), {})[text] = problem
        return found, passed

    def _guilty(self, text: str, paths: Sequence[Path]) -> list[Path]:
        """The leaves with which the text does not come out as it went in."""
        if not paths or not self._try(text, paths):
            return []
        if len(paths) == 1:
            return list(paths)
        half = len(paths) // 2
        return self._guilty(text, paths[:half]) + self._guilty(text, paths[half:])

    def _try(self, text: str, paths: Sequence[Path]) -> list[tuple[Path, str, str, str]]:
        """Leaf, rule, template and problem of what is wrong when all of ``paths`` hold the text."""
        try:
            rendered = self._stage.render({**self._words, **dict.fromkeys(paths, text)})
        except _Refused:
            return [(path, "", "", "") for path in paths] if len(paths) > 1 else []
        except RenderError as error:
            if "{{" in text and "error calling tpl" in str(error) and len(paths) == 1:
                # A text that is meant to be a template.
                return []
            named = _TEMPLATE.search(str(error))
            problem = f"Helm fails: {' '.join(str(error).split())[-160:]}"
            return [(path, "template-fails", named[0] if named else "", problem) for path in paths]
        words = {self._words[path]: path for path in paths}
        wrong: list[tuple[Path, str, str, str]] = []
        for name, documents in self._documents.items():
            here = [path for path in paths if name in self.templates[path]]
            if not here:
                continue
            try:
                after = read_documents(rendered.get(name, ""))
            except YamlFault as fault:
                problem = f"the output is not YAML any more (line {fault.line}: {fault.problem})"
                wrong += [(path, "breaks-yaml", name, problem) for path in here]
                continue
            for index, document in enumerate(documents):
                second, now = (one[index] if index < len(one) else None for one in (self._again[name], after))
                found = compare(document, second, now, text, frozenset(words))
                wrong += [(words[one], rule, name, problem) for one, (rule, problem) in found.items()]
        return wrong

    def _templated(self, paths: Sequence[Path]) -> set[Path]:
        """The leaves whose text Helm takes for a template: a quoted word in braces comes out without them."""
        if not paths:
            return set()
        marked = {path: f'{{{{ "{self._words[path]}" }}}}' for path in paths}
        try:
            rendered = self._stage.render({**self._words, **marked})
        except (_Refused, RenderError) as error:
            if len(paths) == 1:
                return set(paths) if "tpl" in str(error) else set()
            half = len(paths) // 2
            return self._templated(paths[:half]) | self._templated(paths[half:])
        bare = {
            found[0]
            for text in rendered.values()
            for found in WORD.finditer(text)
            if not re.search(r"\{\{ [^\w{}]*$", text[max(0, found.start() - 12) : found.start()])
        }
        return {path for path in paths if self._words[path] in bare or "{{" in str(get_at(self._stage.merged, path))}


def _is_manifest(template: str) -> bool:
    name = template.rpartition("/")[2]
    return name != "NOTES.txt" and not name.startswith("_")


def _is_yaml(text: str) -> bool:
    try:
        read_documents(text)
    except YamlFault:
        return False
    return True


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


def _findings(case: Case, faults: _Faults) -> Iterator[Finding]:
    """One for each leaf, rule and template; the elements of one list are one leaf."""
    alike: dict[tuple[object, ...], list[tuple[Path, str, str]]] = {}
    for key in faults:
        path, rule, template = key
        steps = tuple("*" if isinstance(step, int) else step for step in path)
        alike.setdefault((steps, rule, template), []).append(key)
    for keys in alike.values():
        path, rule, template = keys[0]
        problems = faults[keys[0]]
        text = min(problems, key=lambda one: (len(one), TELLING_TEXTS.index(one)))
        name = field_path(path)
        also = [_count(len(problems) - 1, "other text"), _count(len(keys) - 1, "other element") + " of the list"]
        shown = [one for one, count in zip(also, (len(problems), len(keys)), strict=True) if count > 1]
        message = f"{name}: with the text {shorten(text)} {problems[text]}"
        message += f"; so with {' and '.join(shown)}" if shown else ""
        yield Finding(CHECK, message, where=template, path=name, hint=_hint(path, rule), rule=rule, cases=(case.name,))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _hint(path: Path, rule: str) -> str:
    if rule == "template-fails":
        return "let the template take any text, or the schema refuse it"
    if all(isinstance(step, str) and step.isidentifier() for step in path):
        return f"write {{{{ .Values.{field_path(path)} | quote }}}}, or quote the whole text that it is a part of"
    return "quote it in the template: {{ … | quote }}"
