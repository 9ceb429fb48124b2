"""Does any text that a user puts into a value come out of Helm exactly as it went in?

The chart is rendered twice: once with a plain word in the value, once with the text. Wherever the word stands in an
object (in a string, in a key, inside a larger string, in YAML or JSON that a ConfigMap carries, in base64 of a Secret),
the text has to stand in its place.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from floe_charts.errors import shorten
from floe_charts.helm.kubernetes import field_path
from floe_charts.verify.engine import ChartHandle, RenderError, ValuesRefused
from floe_charts.verify.findings import Finding
from floe_charts.verify.json_schema import schemas_at
from floe_charts.verify.kube_yaml import YamlFault, read_documents
from floe_charts.verify.subject import Case
from floe_charts.verify.values import MISSING, Path, Values, helm_merge, leaves, override_at

__all__ = ["AWKWARD_STRINGS", "TextReport", "check_text", "plain_text_leaves", "round_trips"]

AWKWARD_STRINGS = (
    "a: b", '"', "'", "two\nlines", "line end\n", "\n\nfar down", " before", "behind ", "a\ttab",
    "{{ .Values }}", "{{", "}}", "true", "no", "y", "null", "~", "0123", "1e3", "0x1F", "12:30",
    "2020-01-01", "-1", ".5", "# x", "a # b", "- a", "[a", "]", "{a: b}", "&a", "*a", "!t", "|",
    ">-", "%s", "@", "`", "\\", "\\n", "=", "<<", "?", "a,b", "$HOME ${X} $(Y)", "---", "é ☃ 😀",
    "\u0085\u2028", "\x7f", "x" * 300,
)  # fmt: skip
"""Texts that break templates which do not quote, or that another reader would take for something else."""

_WORD = "floewordq"
_STRUCTURED = (".yaml", ".yml", ".json")
_ONLY_TEXT = ("enum", "const", "pattern", "format")


@dataclass(frozen=True, slots=True)
class TextReport:
    """What :func:`check_text` found: ``compared`` texts came out somewhere, ``unseen`` leaves never did."""

    findings: tuple[Finding, ...]
    compared: int
    unseen: tuple[Path, ...]


def plain_text_leaves(values: Values, schema: Mapping[str, object] | None) -> list[Path]:
    """The leaves with a text for which the schema, if there is one, neither lists values nor demands a form."""
    found = []
    for path, value in leaves(values, into_lists=True):
        here = schemas_at(schema, path) if schema is not None else []
        if isinstance(value, str) and not any(keyword in one for one in here for keyword in _ONLY_TEXT):
            found.append(path)
    return found


def check_text(
    chart: ChartHandle,
    cases: Sequence[Case] = (Case("defaults", {}),),
    paths: Iterable[Path] | None = None,
    texts: Sequence[str] = AWKWARD_STRINGS,
    *,
    threads: int = 2,
) -> TextReport:
    """Put every text into every leaf of ``paths``, in the first case that shows the leaf in its output.

    ``paths`` are by default the plain texts among the chart's values in each case.
    """
    findings: list[Finding] = []
    compared = 0
    merged = [helm_merge(chart.values, values) for _, values in cases]
    wanted = paths if paths is not None else [path for one in merged for path in plain_text_leaves(one, chart.schema)]
    unseen = list(dict.fromkeys(wanted))
    with ThreadPoolExecutor(threads) as pool:
        for _, values in cases:
            probes = [_Probe(chart, values, path) for path in unseen]
            for faults in pool.map(lambda one: one.check(texts), probes):
                findings += [fault for one in faults for fault in one or ()]
                compared += sum(one is not None for one in faults)
            unseen = [probe.path for probe in probes if not probe.shown]
    return TextReport(tuple(findings), compared, tuple(unseen))


def round_trips(chart: ChartHandle, base_values: Values, path: Path, text: str) -> bool | None:
    """Whether ``text``, put at ``path`` over ``base_values``, comes out exactly as it went in.

    None where there is nothing to compare: a plain word at that place never comes out, or the schema or a template's
    ``fail`` refuses the word or the text.
    """
    faults = _Probe(chart, base_values, path).check([text])
    return not faults[0] if faults and faults[0] is not None else None


class _Probe:
    """One leaf in one case; rendered once with a plain word."""

    def __init__(self, chart: ChartHandle, values: Values, path: Path) -> None:
        self._chart = chart
        self._values = values
        self.path = path
        self.shown = False

    def check(self, texts: Sequence[str]) -> list[list[Finding] | None]:
        """For each text what is wrong with it; None where there was nothing to compare."""
        try:
            plain = self._chart.render(self._values)
            word = self._chart.render(self._with(_WORD))
        except (RenderError, ValuesRefused):
            return []
        changed = {
            template: text for template, text in word.items() if plain.get(template) != text and _is_manifest(template)
        }
        try:
            places = {template: read_documents(text) for template, text in changed.items()}
        except YamlFault:
            return []
        self.shown = any(_compare(documents, documents, _WORD, "") is not None for documents in places.values())
        return [self._faults(text, places) for text in texts] if self.shown else []

    def _with(self, text: str) -> Values:
        return override_at(self._values, helm_merge(self._chart.values, self._values), self.path, text)

    def _faults(self, text: str, places: Mapping[str, Sequence[object]]) -> list[Finding] | None:
        try:
            rendered = self._chart.render(self._with(text))
        except ValuesRefused:
            return None
        except RenderError as error:
            # The function `fail` says "execution error at": the chart refuses the text knowingly.
            return None if "execution error at" in str(error) else [self._finding(text, "", f"Helm fails: {error}")]
        found: list[Finding] = []
        for template, documents in places.items():
            try:
                after = read_documents(rendered.get(template, ""))
            except YamlFault as fault:
                found.append(self._finding(text, template, f"the output is not YAML any more ({fault})"))
                continue
            wrong = _compare(documents, after, text, "")
            found += [
                self._finding(text, template, f"{field_path(where)} holds something else") for where in wrong or ()
            ]
        return found

    def _finding(self, text: str, template: str, problem: str) -> Finding:
        name = field_path(self.path)
        message = f"{name}: with the text {shorten(text)} {problem}"
        return Finding("text-safety", message, where=template, path=name, hint="quote it in the template")


def _is_manifest(template: str) -> bool:
    return not template.endswith("NOTES.txt")


def _compare(word: object, text: object, replacement: str, key: str) -> list[Path] | None:
    """The paths where ``word`` has the word, but ``text`` not the replacement; None where the word never stands."""
    if isinstance(word, str):
        return _compare_strings(word, text, replacement, key)
    found: list[Path] = []
    seen = False
    for step, below, where in _children(word, replacement):
        here = _compare(below, _child(text, where), replacement, str(step))
        renamed = isinstance(step, str) and _WORD in step
        if renamed and _child(text, where) is MISSING:
            here = [()]
        if here is not None or renamed:
            seen = True
            found += [(step, *path) for path in here or ()]
    return found if seen else None


def _children(node: object, replacement: str) -> list[tuple[str | int, object, str | int]]:
    """Step in the word's tree, what is there, and the step in the text's tree."""
    if isinstance(node, Mapping):
        return [(key, value, key.replace(_WORD, replacement)) for key, value in node.items()]
    if isinstance(node, list | tuple):
        return [(index, value, index) for index, value in enumerate(node)]
    return []


def _child(node: object, step: str | int) -> object:
    if isinstance(node, Mapping):
        return node.get(step, MISSING)
    if isinstance(node, list | tuple) and isinstance(step, int) and step < len(node):
        return node[step]
    return MISSING


def _compare_strings(word: str, text: object, replacement: str, key: str) -> list[Path] | None:
    if _WORD not in word:
        decoded = _decode(word)
        return None if decoded is None else _compare_strings(decoded, _decode(text), replacement, key)
    if not isinstance(text, str):
        return [()]
    exact = text == word.replace(_WORD, replacement)
    inner = _structure(word, key)
    if inner is None:
        return [] if exact else [()]
    outer = _structure(text, key)
    wrong = [()] if outer is None else _compare(inner, outer, replacement, "")
    if not wrong:
        return []
    # A shell line such as "echo: x" is YAML by accident; a file named .yaml is meant to be.
    return [()] if key.endswith(_STRUCTURED) or not exact else []


def _structure(text: str, key: str) -> tuple[object, ...] | None:
    """The documents in a string that is JSON or YAML with at least one map or list, else None."""
    documents = _json(text) if text[:1] in {"{", "["} and not key.endswith((".yaml", ".yml")) else None
    if documents is None:
        try:
            documents = read_documents(text)
        except YamlFault:
            return None
    return documents if any(isinstance(one, dict | list) for one in documents) else None


def _json(text: str) -> tuple[object, ...] | None:
    """What is JSON is read as JSON: YAML folds some characters that JSON allows, such as U+0085."""
    try:
        return (json.loads(text),)
    except (ValueError, RecursionError):
        return None


def _decode(text: object) -> str | None:
    """The text that base64 of a Secret stands for, if it holds the word or is asked for its like."""
    if not isinstance(text, str) or len(text) < 4 or len(text) % 4:
        return None
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
