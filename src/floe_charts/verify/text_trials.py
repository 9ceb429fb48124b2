"""The renders behind the check "Text safety": which values come out side by side, and what awkward texts do to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from floe_charts.verify.engine import RenderError, ValuesRefused
from floe_charts.verify.kube_yaml import YamlFault, read_documents
from floe_charts.verify.subject import Case, Subject
from floe_charts.verify.text_layout import Layout
from floe_charts.verify.text_places import WORD, Form, word
from floe_charts.verify.values import Path, get_at, override_at

__all__ = ["COMBINED_TEXT", "TELLING_TEXTS", "TYPE_TEXTS", "Fault", "Faults", "Group", "Refused", "Stage"]

TYPE_TEXTS = ("true", "0123", "null")
"""What YAML takes for something else than a text; the only texts that a label's value may be as well."""

TELLING_TEXTS = (
    *TYPE_TEXTS, "a: b", '"', "{{", "a # b", "behind ", "two\nlines", "'", "\\", "- a", "[a", "é ☃ 😀",
)  # fmt: skip
"""The texts that a chart is tried with: one for each way in which a template without ``quote`` goes wrong."""

COMBINED_TEXT = "[a: b \"c\" 'd' \\ {{ # e\n- é ☃ 😀 "
"""All of TELLING_TEXTS but TYPE_TEXTS in one: where it comes out, so do they."""

Faults = dict[tuple[Path, str], tuple[str, str, str]]
"""By leaf and template: the rule, the text and the problem that it has."""

Fault = tuple[str, str, str]
"""Template, rule and problem of a fault that several leaves have together."""

_IMAGE = frozenset(["digest", "registry", "repository", "tag"])
_TEMPLATE = re.compile(r"[\w.-]+/(?:charts/[\w.-]+/)*templates/[^\s:()>]+")
_ROUNDS = 3
_RENDERS_FOR_GROUPS = 120
_RENDERS_FOR_A_TEXT = 48


class Refused(Exception):
    """Helm, a schema or a template's ``fail`` refuses the values knowingly."""


@dataclass
class Stage:
    """One case, in which texts are put into leaves.

    ``refused`` are the leaves that take no other text at all, ``left`` those that there were too many renders for.
    ``unplaced`` are the faults, by text, of several leaves together of which none alone was found in time.
    """

    subject: Subject
    case: Case
    refused: set[Path] = field(default_factory=set)
    left: set[Path] = field(default_factory=set)
    unplaced: dict[tuple[str, Fault], tuple[Path, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.merged = self.subject.values_of(self.case)
        self.plain: dict[str, str] = {}

    def renders(self) -> bool:
        """Whether Helm renders the case as it is; what is no YAML even then is not looked at."""
        for rendering in self.subject.newest:
            if rendering.case.name == self.case.name:
                texts = rendering.manifests.items()
                self.plain = {name: text for name, text in texts if _is_manifest(name) and _is_yaml(text)}
                return True
        return False

    def render(self, texts: Mapping[Path, str]) -> dict[str, str]:
        """What comes out with the texts; raises Refused or RenderError."""
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
            raise Refused(str(error)) from error
        except RenderError as error:
            # The function `fail` says "execution error at": the chart refuses the text knowingly.
            if "execution error at" in str(error):
                raise Refused(str(error)) from error
            raise

    def groups(self, paths: Sequence[Path], known: Iterable[Path], pool: ThreadPoolExecutor) -> list[Group]:
        """The leaves that come out, in groups in which they do so together.

        A leaf that does not come out may be hidden by the word in another one. So those whose own text does come out,
        and the empty ones, are tried again in other company, but for those ``known`` from other cases.
        """
        whole = "".join(self.plain.values())
        found: list[Group] = []
        parts = [
            [path for path in paths if get_at(self.merged, path)],
            [path for path in paths if not get_at(self.merged, path)],
        ]
        old = set(known)
        for number in range(1, _ROUNDS + 1):
            hidden: list[Path] = []
            for group in self._together([part for part in parts if part], pool):
                if group.paths:
                    found.append(group)
                hidden += [path for path in group.tried if path not in group.templates]
            out = {path for group in found for path in group.paths}
            hidden = [path for path in dict.fromkeys(hidden) if path not in out]
            # An empty text often stands for "make one yourself", and a word there hides what is made.
            again = [path for path in hidden if path not in old and str(get_at(self.merged, path)) in whole]
            parts = [again[start :: 2**number] for start in range(2**number)]
        together = self._group([path for group in found for path in group.paths]) if len(found) > 1 else ""
        return [together, *found] if isinstance(together, Group) else found

    def _together(self, parts: Sequence[Sequence[Path]], pool: ThreadPoolExecutor) -> list[Group]:
        """Groups of leaves with which the chart renders; those with which it fails are halved, down to a single one."""
        waiting = [tuple(part) for part in parts]
        groups: list[Group] = []
        spent = 0
        while waiting:
            if spent > _RENDERS_FOR_GROUPS:
                self.left.update(path for part in waiting for path in part)
                break
            spent += len(waiting)
            results = list(pool.map(self._group, waiting))
            failed: list[tuple[Path, ...]] = []
            for part, result in zip(waiting, results, strict=True):
                if isinstance(result, Group):
                    groups.append(result)
                elif len(part) == 1:
                    self.refused.update(part)
                else:
                    failed += _divided(part, result)
            waiting = failed
        good = tuple(path for group in groups for path in group.tried)
        if len(groups) > len(parts) and isinstance(whole := self._group(good), Group):
            shown = {path for group in groups for path in group.paths}
            return [whole] if shown <= set(whole.paths) else [whole, *groups]
        return groups

    def _group(self, paths: Sequence[Path]) -> Group | str:
        """The leaves with a word in each, or why that does not work."""
        words = {path: word(number) for number, path in enumerate(paths)}
        try:
            return Group(self, words, self.render(words))
        except (Refused, RenderError, YamlFault) as error:
            return str(error)


class Group:
    """Leaves that come out side by side, and what a render with a word in each of them looks like."""

    def __init__(self, stage: Stage, words: Mapping[Path, str], rendered: Mapping[str, str]) -> None:
        """Read the render; raises YamlFault where a word alone breaks it."""
        self.stage = stage
        self.tried = tuple(words)
        self._words = dict(words)
        self._rendered = {name: text for name, text in rendered.items() if name in stage.plain}
        self._layouts = {name: Layout(text, "") for name, text in self._rendered.items()}
        paths = {text: path for path, text in words.items()}
        self.templates: dict[Path, set[str]] = {}
        self._forms: dict[Path, set[Form]] = {}
        for name, layout in self._layouts.items():
            for found, forms in layout.forms.items():
                if found in paths:
                    self.templates.setdefault(paths[found], set()).add(name)
                    self._forms.setdefault(paths[found], set()).update(forms)
        self.paths = [path for path in words if path in self.templates]

    def faults(self, wanted: Sequence[Path], pool: ThreadPoolExecutor) -> tuple[Faults, list[Path]]:
        """What is wrong with the wanted leaves, and which of them were compared."""
        free = [path for path in wanted if self._forms[path] == {"free"} and path[-1] not in _IMAGE]
        labels = [path for path in wanted if path not in free and self._forms[path] != {"formed"}]
        if not free and not labels:
            return {}, []
        again = self.stage.render(self._words)
        self._layouts = {name: Layout(text, again.get(name, "")) for name, text in self._rendered.items()}
        templates = self._templated(free)
        plain = [path for path in free if path not in templates]
        tasks = [
            (TYPE_TEXTS[0], [*free, *labels]),
            (COMBINED_TEXT, plain),
            (COMBINED_TEXT.replace("{{", ""), [path for path in free if path in templates]),
        ]
        trials = list(pool.map(lambda task: self._try(*task), tasks))
        blamed = {path for trial in trials for path in trial.blamed}
        odd = {path for trial in trials for path in trial.odd | trial.left}
        changed = odd.union(*(trial.changed for trial in trials[1:]))
        tasks = []
        found: Faults = dict(trials[0].faults)
        blamed -= {path for path in blamed if all((path, name) in found for name in self.templates[path])}
        for text in TELLING_TEXTS[1:]:
            takes = [path for path in free if path in blamed and not (path in templates and "{{" in text)]
            takes += [path for path in labels if path in blamed and text in TYPE_TEXTS]
            for path in takes:
                if path not in changed and path in free:
                    self._as_it_is(found, path, text)
            rest = [path for path in takes if path in changed or path not in free]
            # What fails alone would bring down the others; what did so before is tried apart.
            tasks += [(text, [path for path in rest if (path in odd) is apart]) for apart in (False, True)]
        singles = list(pool.map(lambda task: self._try(*task), tasks))
        for trial in [trials[0], *singles]:
            for key, fault in trial.faults.items():
                found.setdefault(key, fault)
            self.stage.left |= trial.left
            self.stage.unplaced.update({(trial.text, fault): some for fault, some in trial.unplaced.items()})
        guilty = {path for path, _ in found}
        for trial in trials[1:]:
            # Where each text alone came out in a way in which files are written, so did the whole.
            whole = {key: fault for key, fault in trial.faults.items() if fault[0] != "changes-text"}
            found.update({key: fault for key, fault in whole.items() if key[0] not in guilty})
        return found, [*free, *labels]

    def _as_it_is(self, found: Faults, path: Path, text: str) -> None:
        """Note what is wrong with a text that the templates put out as it is: nothing has to be rendered for that."""
        for name in sorted(self.templates[path]):
            fault = self._layouts[name].judge_verbatim(text, self._words[path]) if (path, name) not in found else None
            if fault is not None:
                found[path, name] = (fault.rule, text, fault.problem)

    def _try(self, text: str, paths: Sequence[Path]) -> _Trial:
        """Put the text into all the leaves, and into ever fewer of them where that does not say which is to blame."""
        trial = _Trial(text)
        waiting: list[tuple[tuple[Path, ...], Fault | None]] = [(tuple(paths), None)] if paths else []
        for _ in range(_RENDERS_FOR_A_TEXT):
            if not waiting:
                break
            some, _fault = waiting.pop()
            try:
                rendered = self.stage.render({**self._words, **dict.fromkeys(some, text)})
            except Refused:
                trial.odd.update(some if len(some) == 1 else ())
                waiting += [(part, None) for part in reversed(_halves(some)) if len(some) > 1]
            except RenderError as error:
                fault = trial.fails(some, error)
                waiting += [(part, fault) for part in reversed(_halves(some)) if len(some) > 1]
            else:
                waiting += reversed(self._judge(trial, some, rendered))
        trial.leave(waiting)
        return trial

    def _judge(
        self, trial: _Trial, paths: Sequence[Path], rendered: Mapping[str, str]
    ) -> list[tuple[tuple[Path, ...], Fault | None]]:
        """Note what is wrong; in two halves the leaves that have to be tried apart, for it is not clear with which."""
        unclear: dict[Path, None] = {}
        reason: Fault | None = None
        for name, layout in self._layouts.items():
            here = {self._words[path]: path for path in paths if name in self.templates[path]}
            if not here:
                continue
            same = layout.verbatim(rendered.get(name, ""), trial.text, frozenset(here))
            trial.changed.update(path for found, path in here.items() if found not in same)
            judged = layout.judge(rendered.get(name, ""), trial.text, frozenset(here))
            if judged is None:
                unclear.update(dict.fromkeys(here.values()))
                reason = reason or (name, "breaks-yaml", "the output is not as it was any more")
                continue
            for found, (rule, problem) in judged.items():
                trial.faults.setdefault((here[found], name), (rule, trial.text, problem))
        return [(part, reason) for part in _halves(tuple(unclear))]

    def _templated(self, paths: Sequence[Path]) -> set[Path]:
        """The leaves whose text Helm takes for a template: a quoted word in braces comes out without them."""
        if not paths:
            return set()
        marked = {path: f'{{{{ "{self._words[path]}" }}}}' for path in paths}
        try:
            rendered = self.stage.render({**self._words, **marked})
        except (Refused, RenderError) as error:
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
        return {path for path in paths if self._words[path] in bare or "{{" in str(get_at(self.stage.merged, path))}


@dataclass
class _Trial:
    """What one text did: faults; leaves with which the chart does not render; leaves left when there were too many.

    ``changed`` are the leaves whose text did not come out just as it is: in quotes, or in another form. ``unplaced``
    are faults of several leaves together of which none alone was found.
    """

    text: str
    faults: Faults = field(default_factory=dict)
    odd: set[Path] = field(default_factory=set)
    changed: set[Path] = field(default_factory=set)
    left: set[Path] = field(default_factory=set)
    unplaced: dict[Fault, tuple[Path, ...]] = field(default_factory=dict)

    @property
    def blamed(self) -> set[Path]:
        """The leaves with which the text did not simply come out as it went in."""
        return {path for path, _ in self.faults} | self.odd | self.left

    def fails(self, paths: Sequence[Path], error: RenderError) -> Fault:
        """Note that Helm fails with the text in the leaves."""
        named = _TEMPLATE.search(str(error))
        fault = (named[0] if named else "", "template-fails", f"Helm fails: {' '.join(str(error).split())[-160:]}")
        if len(paths) == 1:
            self.odd.add(paths[0])
            # What `tpl` fails with is meant to be a template.
            if not ("{{" in self.text and "error calling tpl" in str(error)):
                self.faults[paths[0], fault[0]] = (fault[1], self.text, fault[2])
        return fault

    def leave(self, waiting: Iterable[tuple[tuple[Path, ...], Fault | None]]) -> None:
        """Note what there were too many renders for; a fault that is known to be among it is not lost."""
        placed = {(template, rule) for (_, template), (rule, _, _) in self.faults.items()}
        for some, fault in waiting:
            self.left.update(some)
            if fault is not None and fault[:2] not in placed:
                self.unplaced[fault] = (*self.unplaced.get(fault, ()), *some)


def _divided(paths: Sequence[Path], problem: str) -> list[tuple[Path, ...]]:
    """The leaves whose words Helm's message names, each alone, and the others; or two halves where it names none."""
    named = {int(one[5:-1]) for one in WORD.findall(problem)}
    chosen = [path for number, path in enumerate(paths) if number in named]
    if not chosen or len(chosen) > len(paths) // 4:
        return _halves(paths)
    return [*((path,) for path in chosen), tuple(path for path in paths if path not in chosen)]


def _halves(paths: Sequence[Path]) -> list[tuple[Path, ...]]:
    half = len(paths) // 2
    return [part for part in (tuple(paths[:half]), tuple(paths[half:])) if part]


def _is_manifest(template: str) -> bool:
    name = template.rpartition("/")[2]
    return name != "NOTES.txt" and not name.startswith("_")


def _is_yaml(text: str) -> bool:
    try:
        read_documents(text)
    except YamlFault:
        return False
    return True
