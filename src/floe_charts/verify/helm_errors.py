"""Helm's error texts taken apart: which template, which line, which value, and what is wrong there.

Helm nests them: a template that includes another one gives the place of both, one inside the other (``error calling
include: template: ...``); Helm 4 spreads that over several lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from floe_charts.errors import nearest
from floe_charts.helm.kubernetes_fields import field_path
from floe_charts.verify.json_schema import schemas_at
from floe_charts.verify.values import Path

__all__ = ["HelmFault", "read_refusal", "read_render_error", "values_read"]

_PLACE = re.compile(
    r"(?:template: )?(?P<file>[^\s:()]+):(?P<line>\d+)(?::\d+)?:?\s+executing \"[^\"]*\" at <(?P<at>.*?)>:\s", re.DOTALL
)
_DEMAND = re.compile(r"execution error at \((?P<file>[^\s:()]+):(?P<line>\d+)(?::\d+)?\):\s*")
_PARSE = re.compile(r"parse error at \((?P<file>[^\s:()]+):(?P<line>\d+)(?::\d+)?\):\s*")
_VALUE = re.compile(r"\.Values((?:\.[A-Za-z_][A-Za-z0-9_]*)+)")
_CALLING = re.compile(r"^(?:error calling \w+:\s*)+")
_LEAF = re.compile(r"^(?P<indent>\s*)- at '(?P<at>[^']*)': (?P<problem>.*)$")
_CHART_LINE = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*):$")
_EXTRA = re.compile(r"additional propert(?:y|ies) (?P<names>'.*') not allowed")
_ABSENT = re.compile(r"missing propert(?:y|ies) (?P<names>'.*')")
_CLOSE = 0.8
_NO_TEXT = re.compile(r"got (number|boolean), want (?:[^;]*\b)?string\b")
_QUOTED = {"number": '"1"', "boolean": '"true"'}
_ONE_OF = re.compile(r"'(anyOf|oneOf)' failed|\b(anyOf|oneOf)\b")


@dataclass(frozen=True, slots=True)
class HelmFault:
    """One fault that Helm told: the rule it breaks, the file, the path of the value (may be empty), a line of text."""

    rule: str
    message: str
    where: str = ""
    path: str = ""
    hint: str = ""
    line: int = 0

    def __str__(self) -> str:
        """The message and the hint, for who shows a fault without a report."""
        return f"{self.message}; {self.hint}" if self.hint else self.message


def read_render_error(text: str, chart: str) -> HelmFault:
    """The fault in the text of a render that failed; ``where`` is the template that Helm began with.

    The message tells the innermost place. ``path`` is the value that this place reads, where the text shows one.
    """
    demand = _DEMAND.search(text)
    if demand is not None:
        said = _one_line(text[demand.end() :])
        mentioned = _VALUE.search(said)
        path = mentioned[1][1:].rstrip(".") if mentioned else ""
        return HelmFault(
            "demanded-by-chart", f"line {demand['line']}: {said}", demand["file"], path, line=int(demand["line"])
        )
    parse = _PARSE.search(text)
    if parse is not None:
        return HelmFault(
            "template-error",
            f"line {parse['line']}: {_one_line(text[parse.end() :])}",
            parse["file"],
            line=int(parse["line"]),
        )
    places = list(_PLACE.finditer(text))
    if not places:
        return HelmFault("template-error", _one_line(text), chart)
    outer, inner = places[0], places[-1]
    # Text that tpl evaluates has no file: Helm calls it gotpl.
    nearby = next((one for one in reversed(places) if "/" in one["file"]), outer)
    problem = _CALLING.sub("", _one_line(text[inner.end() :]))
    where = f"line {outer['line']}" if nearby["file"] == outer["file"] else f"line {outer['line']}, by {nearby['file']}"
    if nearby["file"] != outer["file"]:
        where += f" line {nearby['line']}"
    message = f"{where}: {_one_line(inner['at'])}: {problem}"
    return HelmFault("template-error", message, outer["file"], _value_of([one["at"] for one in reversed(places)]))


def read_refusal(text: str, chart: str, schema: Mapping[str, object] | None = None) -> list[HelmFault]:
    """The faults in the text that says which values a schema refused; ``schema`` is the one of ``chart`` itself.

    Alternatives of which none fits are one fault. ``path`` is the value's path inside the chart whose schema it is.
    """
    if "is not valid against metaschema" in text or "failing loading" in text:
        return [HelmFault("broken-schema", _one_line(text), f"{chart}/values.schema.json")]
    faults: list[HelmFault] = []
    lines = text.splitlines()
    current, index = chart, 0
    while index < len(lines):
        named = _CHART_LINE.match(lines[index])
        if named is not None:
            current = named["name"]
        leaf = _LEAF.match(lines[index])
        index += 1
        if leaf is None:
            continue
        below = _deeper(lines[index:], len(leaf["indent"]))
        if below and not _ONE_OF.search(leaf["problem"]):
            # The lines below say it more exactly.
            continue
        index += len(below)
        problem = leaf["problem"]
        if below:
            options = dict.fromkeys(one["problem"] for one in map(_LEAF.match, below) if one and "failed" not in one[0])
            problem = f"fits no alternative: {'; '.join(options)}" if options else problem
        known = schema if current == chart else None
        faults += _refusals(current, _pointer(leaf["at"]), problem, known)
    return faults or [HelmFault("refused-by-schema", _one_line(text), f"{chart}/values.schema.json")]


def values_read(text: str) -> list[str]:
    """The paths of the values that a piece of a template reads, each once."""
    return list(dict.fromkeys(match[1][1:] for match in _VALUE.finditer(text)))


def _refusals(chart: str, path: Path, problem: str, schema: Mapping[str, object] | None) -> Iterator[HelmFault]:
    where = f"{chart}/values.schema.json"
    extra, absent = _EXTRA.search(problem), _ABSENT.search(problem)
    declared: list[str] = []
    if extra is not None and schema is not None:
        for one in schemas_at(schema, path):
            found = one.get("properties")
            declared += [str(key) for key in found] if isinstance(found, Mapping) else []
    for key in re.findall(r"'([^']*)'", extra["names"]) if extra else ():
        near = nearest(key, [one for one in declared if _alike(key, one)])
        named = field_path((*path, key))
        hint = f"did you mean {field_path((*path, near))}?" if near else ""
        yield HelmFault("refused-by-schema", f"{named} is not a value of this chart", where, named, hint)
    for key in re.findall(r"'([^']*)'", absent["names"]) if absent else ():
        named = field_path((*path, key))
        yield HelmFault("refused-by-schema", f"{named} is missing", where, named)
    if extra is None and absent is None:
        named = field_path(path)
        unquoted = _NO_TEXT.search(problem)
        hint = f"write it in quotes, such as {_QUOTED[unquoted[1]]}" if unquoted else ""
        yield HelmFault("refused-by-schema", f"{named or 'the whole'}: {problem}", where, named, hint)


def _alike(one: str, other: str) -> bool:
    """Whether one may be a misspelling of the other; a schema that names few keys has little that is nearest."""
    from difflib import SequenceMatcher

    one, other = one.lower(), other.lower()
    return one[:1] == other[:1] or SequenceMatcher(None, one, other).ratio() >= _CLOSE


def _deeper(lines: Sequence[str], indent: int) -> list[str]:
    found = []
    for line in lines:
        if len(line) - len(line.lstrip()) <= indent:
            break
        found.append(line)
    return found


def _pointer(text: str) -> Path:
    """``/list/0/a~1b`` as a path; what looks like a number is taken for the place in a list."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:]]
    return tuple(int(step) if step.isascii() and step.isdigit() else step for step in steps)


def _value_of(places: Sequence[str]) -> str:
    for place in places:
        match = _VALUE.search(place)
        if match is not None:
            return match[1][1:]
    return ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
