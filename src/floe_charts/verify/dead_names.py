"""What a chart's templates mention, and which living value a dead one may have meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from floe_charts.verify.chart_files import ChartFiles
from floe_charts.verify.declared import present_dependencies
from floe_charts.verify.values import Path, Values, leaves

__all__ = ["Mentions", "declared_paths", "nearest_path", "with_subchart_defaults"]

_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_INDEXED = re.compile(r'\b(?:index|get)\s+\$?(?:\.context|\.root)?\.Values((?:\s+"[^"]+")+)')
_DUG = re.compile(r'\bdig((?:\s+"[^"]+")+)\s+[^{}]*?\$?\.Values')
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


class Mentions:
    """Which values the text of a chart's templates, and of its subcharts', speaks of.

    That is only a hint: what is not mentioned is hardly read, and what is mentioned may still not be.
    """

    def __init__(self, files: ChartFiles) -> None:
        """Read the templates of a chart and of all charts in it."""
        self._words: set[str] = set()
        self._fields: set[str] = set()
        self._whole: set[Path] = set()
        self._sources: dict[str, str] = {}
        self.alternatives: dict[Path, list[str]] = {}
        for prefix, name, source in _templates(files, (), files.name, 0):
            text = _COMMENT.sub("", source)
            self._sources[name] = text
            self._words.update(_WORD.findall(text))
            self._fields.update(_FIELD.findall(text))
            self._whole.update((*prefix, *found.split(".")[1:]) for found in _VALUES_PATH.findall(text))
            for pattern in (_INDEXED, _DUG):
                self._whole.update((*prefix, *_QUOTED.findall(keys)) for keys in pattern.findall(text))
                self._fields.update(key for keys in pattern.findall(text) for key in _QUOTED.findall(keys))
            for path, value, other_value, other_path in _COMPARED.findall(text):
                found = (*prefix, *(path or other_path).split(".")[1:])
                self.alternatives.setdefault(found, []).append(value or other_value)

    def mentions(self, path: Path) -> bool:
        """Whether the leaf's own key stands in a template, or a map that it is in is handed on as a whole."""
        if any(path[:length] in self._whole for length in range(len(path))):
            return True
        return all(word in self._words for word in _WORD.findall(str(path[-1])))

    def reads(self, path: Path) -> bool:
        """Whether a template names the leaf by its path, or by its key within a map that it takes as a whole."""
        if path in self._whole:
            return True
        within = any(path[:length] in self._whole for length in range(1, len(path)))
        return within and str(path[-1]) in self._fields

    def mentioned_in(self, path: Path, templates: Iterable[str]) -> bool:
        """Whether one of the templates (named as Helm names them) speaks of the leaf's key; unknown ones may."""
        return any(str(path[-1]) in self._sources.get(name, str(path[-1])) for name in templates)


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
        merged = _merged(below.values, handed if isinstance(handed, Mapping) else {})
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
    return 1.0 if one == other else SequenceMatcher(None, one, other, autojunk=False).ratio()


def _fold(step: str | int) -> str:
    return "".join(char for char in str(step).lower() if char.isalnum())


def _merged(defaults: Values, given: Values) -> dict[str, object]:
    merged = dict(defaults)
    for key, value in given.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged
