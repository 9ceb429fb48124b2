"""What a chart's templates mention, and which living value a dead one may have meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from floe_charts.verify.chart_files import ChartFiles
from floe_charts.verify.declared import present_dependencies
from floe_charts.verify.values import Path, Values, helm_merge, leaves

__all__ = ["Mentions", "declared_paths", "nearest_path", "with_subchart_defaults"]

_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_INDEXED = re.compile(r'\b(?:index|get)\s+\$?(?:\.context|\.root)?\.Values((?:\s+"[^"]+")+)')
_RANGED = re.compile(r"\brange\b[^{}]*?\.Values((?:\.[A-Za-z0-9_]+)+)")
_DUG = re.compile(r'\bdig((?:\s+"[^"]+")+)\s+[^{}]*?\$?\.Values')
_DEFINED = re.compile(r'\{\{-?\s*(?:define|block)\s+"([^"]+)"')
_INCLUDED = re.compile(r'\b(?:include|template)\s+"([^"]+)"')
_INCLUDES_ANY = re.compile(r"\b(?:include|template)\s+[^\s\"]")
_BY_KEY = re.compile(r"\b(?:dig|get|hasKey|index|omit|pick|pluck)\b[^{}]*")
_DOTTED = re.compile(r'"([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)+)"')
_QUOTED = re.compile(r'"([^"]+)"')
_FIELD = re.compile(r"\.([A-Za-z0-9_]+)")
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_VALUES_PATH = re.compile(r"\.Values((?:\.[A-Za-z0-9_]+)*)(?!\.?[A-Za-z0-9_(])")
_COMPARED = re.compile(
    r'\b(?:eq|ne)\s+(?:\$?\.Values((?:\.[A-Za-z0-9_]+)+)\s+"([^"]+)"|"([^"]+)"\s+\$?\.Values((?:\.[A-Za-z0-9_]+)+))'
)
_UNREAD = re.compile(r"(^|/)(values[^/]*\.ya?ml|values\.schema\.json|Chart\.(yaml|lock)|README[^/]*|CHANGELOG[^/]*)$")
_MAX_DEPTH = 10
_ALIKE = 0.75
_STEM = 5


class Mentions:
    """Which values the text of a chart's templates, and of its subcharts', speaks of.

    That is only a hint: what is not mentioned is hardly read, and what is mentioned may still not be.
    """

    def __init__(self, files: ChartFiles) -> None:
        """Read the templates of a chart and of all charts in it."""
        self._words: set[str] = set()
        self._fields: set[str] = set()
        self._whole: set[Path] = set()
        self._ranged: set[Path] = set()
        self._sources: dict[str, str] = {}
        self.alternatives: dict[Path, list[str]] = {}
        self._named: dict[str, frozenset[Path]] = {}
        for prefix, name, source in _templates(files, (), files.name, 0):
            text = _COMMENT.sub("", source)
            self._sources[name] = text
            self._words.update(_WORD.findall(text))
            self._fields.update(_FIELD.findall(text))
            self._named[name] = frozenset(_named_values(text, prefix))
            self._whole |= self._named[name]
            self._ranged.update((*prefix, *found.split(".")[1:]) for found in _RANGED.findall(text))
            self._fields.update(key for call in _BY_KEY.findall(text) for key in _QUOTED.findall(call))
            for path, value, other_value, other_path in _COMPARED.findall(text):
                found = (*prefix, *(path or other_path).split(".")[1:])
                self.alternatives.setdefault(found, []).append(value or other_value)
        self._speakers: dict[Path, set[str]] = {}
        for name, named in _with_included(self._sources, self._named).items():
            for path in named:
                self._speakers.setdefault(path, set()).add(name)

    def speakers(self, path: Path) -> frozenset[str]:
        """The templates (as Helm names what they give) that name the leaf or what it is in, helpers included."""
        found: set[str] = set()
        for length in range(len(path) + 1):
            found |= self._speakers.get(path[:length], set())
        return frozenset(found)

    def mentions(self, path: Path) -> bool:
        """Whether the leaf's own key stands in a template, or a map that it is in is handed on as a whole."""
        if any(path[:length] in self._whole for length in range(len(path))):
            return True
        return all(word in self._words for word in _WORD.findall(str(path[-1])))

    def reads(self, path: Path) -> bool:
        """Whether a template names the leaf by its path, or by a key within the innermost map that it takes whole."""
        if path in self._whole:
            return True
        whole = len(self.taken_whole(path))
        # Below a map that is ranged over stand keys of the user's own.
        step = whole + (path[:whole] in self._ranged)
        return whole > 0 and (step >= len(path) or str(path[step]) in self._fields)

    def taken_whole(self, path: Path) -> Path:
        """The innermost map around a leaf that a template takes as a whole; ``()`` where there is none."""
        return next((path[:length] for length in range(len(path) - 1, 0, -1) if path[:length] in self._whole), ())

    def mentioned_in(self, path: Path, templates: Iterable[str]) -> bool:
        """Whether one of the templates (named as Helm names them) speaks of the leaf's key; unknown ones may."""
        return any(str(path[-1]) in self._sources.get(name, str(path[-1])) for name in templates)


def _named_values(text: str, prefix: Path) -> Iterator[Path]:
    """The paths of values that a template names, from the top; those below ``global`` are also the top's own."""
    paths: list[Path] = [tuple(found.split(".")[1:]) for found in _VALUES_PATH.findall(text)]
    paths += [tuple(_QUOTED.findall(keys)) for pattern in (_INDEXED, _DUG) for keys in pattern.findall(text)]
    # Helpers take the path of a value as a text, such as "auth.password".
    paths += [tuple(dotted.split(".")) for dotted in _DOTTED.findall(text)]
    for path in paths:
        yield (*prefix, *path)
        if prefix and path[:1] == ("global",):
            yield path


def _with_included(sources: Mapping[str, str], named: Mapping[str, frozenset[Path]]) -> dict[str, set[Path]]:
    """What each template that Helm writes out names itself or by the helpers that it includes, directly or not."""
    defining: dict[str, set[str]] = {}
    for name, text in sources.items():
        for defined in _DEFINED.findall(text):
            defining.setdefault(defined, set()).add(name)
    helpers = {name for files in defining.values() for name in files}
    direct: dict[str, set[str]] = {}
    for name, text in sources.items():
        wanted = {file for included in _INCLUDED.findall(text) for file in defining.get(included, ())}
        # A name that is put together may be any.
        direct[name] = helpers if _INCLUDES_ANY.search(text) else wanted
    found: dict[str, set[Path]] = {}
    for name in sources:
        if "/templates/" not in name or name.rpartition("/")[2].startswith("_"):
            continue
        seen = {name}
        waiting = [name]
        while waiting:
            new = direct[waiting.pop()] - seen
            seen |= new
            waiting += sorted(new)
        found[name] = {path for file in seen for path in named[file]}
    return found


def _templates(files: ChartFiles, prefix: Path, name: str, depth: int) -> Iterator[tuple[Path, str, str]]:
    """Where a chart's values stand, Helm's name of each text in it, and the text."""
    for path, content in sorted(files.files.items()):
        if not _UNREAD.search(path) and len(content) < 2**20:
            yield prefix, f"{name}/{path}", content.decode("utf-8", "replace")
    if depth < _MAX_DEPTH:
        for dependency, below in present_dependencies(files):
            # The helpers of a library chart read the values of the chart that includes them.
            place = prefix if below.metadata.get("type") == "library" else (*prefix, dependency.key)
            yield from _templates(below, place, f"{name}/charts/{dependency.key}", depth + 1)


def with_subchart_defaults(files: ChartFiles, values: Values, depth: int = 0) -> dict[str, object]:
    """``values`` with the defaults of the subcharts under them, as Helm merges them before it renders."""
    complete = dict(values)
    for dependency, below in present_dependencies(files) if depth < _MAX_DEPTH else ():
        handed = values.get(dependency.key)
        merged = helm_merge(below.values, handed if isinstance(handed, Mapping) else {})
        complete[dependency.key] = with_subchart_defaults(below, merged, depth + 1)
    return complete


def declared_paths(files: ChartFiles) -> list[Path]:
    """Every leaf that the values.yaml of the chart's subcharts declares, as a path from the top."""
    return [path for path, _ in leaves(with_subchart_defaults(files, {}))]


def nearest_path(path: Path, candidates: Iterable[Path]) -> Path | None:
    """The candidate that ``path`` was probably meant to be, or None where none is evidently near.

    Near is: the same keys in another spelling; a misspelt key among the same others; or the last two keys or more under
    one other parent.
    """
    keys = [_fold(step) for step in path]
    best: tuple[float, Path] | None = None
    moved: list[Path] = []
    for candidate in candidates:
        if candidate == path:
            continue
        others = [_fold(step) for step in candidate]
        if len(others) == len(keys):
            ratios = [_alike(one, other) for one, other in zip(keys, others, strict=True)]
            score = sum(ratios) - 0.5 * (ratios[0] < 1)
            if min(ratios) >= _ALIKE and (best is None or score > best[0]):
                best = (score, candidate)
        if len(keys) > 2 and _same_end(keys, others):
            moved.append(candidate)
    if best is not None:
        return best[1]
    return moved[0] if len(moved) == 1 else None


def _same_end(keys: Sequence[str], others: Sequence[str]) -> bool:
    """Whether both end alike in all but one of the keys, and in two at least."""
    same = max(2, len(keys) - 1)
    return len(others) >= same and keys[-same:] == others[-same:]


def _alike(one: str, other: str) -> float:
    if one == other:
        return 1.0
    # replicaCount for replicas: one begins with nearly all of the other.
    shorter, longer = sorted((len(one), len(other)))
    stem = shorter - 1
    if stem >= _STEM and longer < 2 * shorter and one[:stem] == other[:stem]:
        return _ALIKE
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _fold(step: str | int) -> str:
    return "".join(char for char in str(step).lower() if char.isalnum())
