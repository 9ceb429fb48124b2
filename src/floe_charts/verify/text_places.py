"""Where the words that were put into values come out, and whether a text in their place came out as it went in."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from floe_charts.helm.kubernetes import field_path
from floe_charts.verify.kube_yaml import YamlFault, read_documents
from floe_charts.verify.values import MISSING, Path

__all__ = [
    "ANY_CASE",
    "WORD",
    "Fault",
    "FaultRule",
    "Form",
    "compare",
    "find_words",
    "from_base64",
    "proper",
    "spellings",
    "word",
]

Form = Literal["free", "label", "formed"]
"""What Kubernetes takes at a place: any text, a label's value, or a form of its own (a name, a port, an image...)."""

FaultRule = Literal["breaks-yaml", "changes-text", "changes-type"]

WORD = re.compile(r"FloeW\d{5}q")
ANY_CASE = re.compile(WORD.pattern, re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_LABELS = frozenset(["labels", "matchLabels", "nodeSelector", "selector", "commonLabels"])
_STRUCTURED = (".yaml", ".yml", ".json")


class Fault(NamedTuple):
    """What became of a text; ``problem`` is the rest of a sentence."""

    rule: FaultRule
    problem: str


def word(number: int) -> str:
    """A word that stands in no chart, one for each number: it has both cases, so that ``lower`` shows."""
    return f"FloeW{number:05d}q"


def find_words(document: object) -> Iterator[tuple[str, Form]]:
    """Every word in an object, in whatever case it is now, with what Kubernetes takes there."""
    kind = document.get("kind") if isinstance(document, Mapping) else None
    yield from _find(document, (), str(kind))


def _find(node: object, path: Path, kind: str) -> Iterator[tuple[str, Form]]:
    if isinstance(node, Mapping):
        for key, below in node.items():
            yield from ((proper(found), "formed") for found in ANY_CASE.findall(key))
            yield from _find(below, (*path, key), kind)
    elif isinstance(node, list | tuple):
        for index, below in enumerate(node):
            yield from _find(below, (*path, index), kind)
    elif isinstance(node, str):
        text = node if ANY_CASE.search(node) else from_base64(node) or ""
        form = _form(path, kind)
        yield from ((proper(found), form if WORD.fullmatch(found) else "formed") for found in ANY_CASE.findall(text))


def proper(found: str) -> str:
    """The word as it was put in, whatever case it is in now."""
    return f"FloeW{found[5:-1]}q"


def _form(path: Path, kind: str) -> Form:
    steps = [str(step) for step in path]
    if len(steps) < 2:
        return "formed"
    if steps[-2] == "annotations":
        return "formed" if steps[-1].startswith("helm.sh/") else "free"
    if steps[-2] in _LABELS:
        return "label"
    if kind in {"ConfigMap", "Secret"} and steps[0] in {"data", "stringData"}:
        return "free"
    if steps[-1] == "value" and len(steps) > 2 and steps[-3] == "env":
        return "free"
    return "free" if steps[-2] in {"args", "command"} else "formed"


def compare(before: object, again: object, after: object, text: str, words: frozenset[str]) -> dict[str, Fault]:
    """The first fault of each of ``words``, where ``before`` has the word and ``after`` ought to have ``text`` instead.

    Only the places where Kubernetes takes any text, or a label's value, are looked at. A string that is another one in
    ``again``, a second render of the same, holds something random and says nothing; nor does one in which a function of
    the template changed the word's case.
    """
    kind = before.get("kind") if isinstance(before, Mapping) else None
    faults: dict[str, Fault] = {}
    for path, string in _strings(before, ()):
        decoded = None if WORD.search(string) else from_base64(string)
        whole = string if decoded is None else decoded
        standing = words & set(WORD.findall(whole))
        if not standing or _form(path, str(kind)) == "formed" or _at(again, path) != string:
            continue
        if any(not WORD.fullmatch(one) and proper(one) in standing for one in ANY_CASE.findall(whole)):
            continue
        found = _at(after, path)
        if decoded is not None:
            string, found = decoded, from_base64(found) if isinstance(found, str) else found
        fault = _judge(string, found, text, words, str(path[-1]))
        if fault is not None:
            said = fault._replace(problem=f"{field_path(path)} {fault.problem}")
            for one in sorted(standing):
                faults.setdefault(one, said)
    return faults


def _judge(before: str, after: object, text: str, words: frozenset[str], key: str) -> Fault | None:
    if not isinstance(after, str):
        return Fault("changes-type", f"is {_named(after)}, not a text any more")
    pieces = re.split("|".join(sorted(words)), before)
    exact = after == text.join(pieces)
    inner = _structure(before, key) if key.endswith(_STRUCTURED) or not exact else None
    if inner is None:
        same = exact or _is_written(pieces, after, text)
        return None if same else Fault("changes-text", f"holds {_cut(after, before, words)}")
    outer = _structure(after, key)
    if outer is None:
        return Fault("breaks-yaml", "holds a file that cannot be read any more")
    for path, string in _strings(inner, ()):
        if words & set(WORD.findall(string)):
            fault = _judge(string, _at(outer, path), text, words, "")
            if fault is not None:
                return fault._replace(problem=f"holds a file in which {field_path(path[1:])} {fault.problem}")
    return None


def spellings(text: str) -> list[str]:
    """The ways in which formats write a text in quotes, without the quotes, and as it is."""
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    found = [text, plain, json.dumps(text)[1:-1], text.replace("'", "''"), text.replace("\\", "\\\\"), text.strip()]
    # Go's toJson writes a few characters as escapes that JSON does not ask for.
    found += [plain.replace(char, f"\\u{ord(char):04x}") for char in "<>&"]
    return list(dict.fromkeys(found))


def _is_written(pieces: list[str], after: str, text: str) -> bool:
    """Whether a file of an unknown format holds the text as such formats write it: in quotes, escaped, trimmed."""
    # A text of several lines is indented with what is around it, or each line end is escaped (Java properties).
    lines = r"\\?\n\s*".join(map(re.escape, text.splitlines()))
    chosen = "|".join([*(re.escape(one) for one in spellings(text)), rf"(?:\\?\n\s*)?{lines}"])
    pattern = rf"[\"']?(?:{chosen})[\"']?".join(map(re.escape, pieces))
    return re.fullmatch(pattern, after) is not None or re.fullmatch(pattern, after.strip()) is not None


def _strings(node: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, Mapping):
        for key, below in node.items():
            # What a word in a key becomes is a matter of the key's form.
            if not WORD.search(key):
                yield from _strings(below, (*path, key))
    elif isinstance(node, list | tuple):
        for index, below in enumerate(node):
            yield from _strings(below, (*path, index))


def _at(node: object, path: Path) -> object:
    for step in path:
        if isinstance(node, Mapping):
            node = node.get(str(step), MISSING)
        elif isinstance(node, list | tuple) and isinstance(step, int) and step < len(node):
            node = node[step]
        else:
            return MISSING
    return node


def _structure(text: str, key: str) -> tuple[object, ...] | None:
    """The documents in a string that is JSON or YAML with at least one map or list, else None."""
    if text[:1] in {"{", "["} and not key.endswith((".yaml", ".yml")):
        try:
            return (json.loads(text),)
        except (ValueError, RecursionError):
            pass
    try:
        documents = read_documents(text)
    except YamlFault:
        return None
    return documents if any(isinstance(one, dict | list) for one in documents) else None


def from_base64(text: str) -> str | None:
    """The text that base64 stands for, or None."""
    if len(text) % 4 or not _BASE64.fullmatch(text):
        return None
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None


def _named(found: object) -> str:
    if found is MISSING:
        return "gone"
    if isinstance(found, Mapping):
        return "a map"
    return "a list" if isinstance(found, list | tuple) else json.dumps(found)


def _cut(after: str, before: str, words: frozenset[str]) -> str:
    """The text that is there now, as far as it is of interest: from a little before the place of the word."""
    match = re.search("|".join(sorted(words)), before)
    start = max(0, match.start() - 10 if match else 0)
    shown = after[start : start + 40]
    return ("…" if start else "") + repr(shown)[1:-1] + ("…" if len(after) > start + 40 else "")
