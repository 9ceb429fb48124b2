"""Does values.schema.json refuse a misspelt key and a value of the wrong type?

Every object of the values gets misspelt keys, every leaf a value of each type that the schema does not name for it,
one change at a time, and the schema is asked. A schema without ``additionalProperties: false`` lets a misspelling
through in silence: that is how a chart comes to ignore what its users set.

``null`` is not tried: Helm removes a null before the schema sees it (measured with Helm 4.2.3).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from floe_charts.errors import ValuesError
from floe_charts.helm.kubernetes import field_path
from floe_charts.verify.engine import ChartHandle, ValuesRefused
from floe_charts.verify.findings import Finding
from floe_charts.verify.json_schema import CompiledSchema, declared_types, json_type, schemas_at
from floe_charts.verify.values import MISSING, Path, Values, get_at, helm_merge, leaves, objects, set_at

__all__ = [
    "Change",
    "LooseLeaf",
    "OpenObject",
    "SealedReport",
    "Trial",
    "changes",
    "check_sealed",
    "disagreements",
    "is_silent",
]

CHECK = "sealed-schema"

_SAMPLES: dict[str, object] = {
    "string": "wrong type",
    "integer": 7,
    "number": 0.5,
    "boolean": True,
    "array": ["wrong type"],
    "object": {"wrong": "type"},
}
_TALK = frozenset(["$comment", "$id", "$schema", "default", "deprecated", "description", "examples", "title"])
_FILLINGS: tuple[object, ...] = ("x", 1, True, {}, [])


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a schema ought to refuse: ``value`` at ``path``, a misspelt key or a wrong type."""

    path: Path
    value: object
    misspelt: bool

    def apply(self, values: Values) -> dict[str, object]:
        """The values with this change in them."""
        return set_at(values, self.path, self.value)


@dataclass(frozen=True, slots=True)
class OpenObject:
    """A map in which the schema accepts a key that it does not know, such as ``example``."""

    path: Path
    example: str


@dataclass(frozen=True, slots=True)
class LooseLeaf:
    """A leaf for which the schema accepts ``types`` though it names another type, or none."""

    path: Path
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SealedReport:
    """What :func:`check_sealed` found, with its figures.

    ``free`` are the maps whose keys are the user's own by declaration (labels, annotations): nothing is misspelt there.
    """

    misspelt: int
    misspelt_refused: int
    wrong_types: int
    wrong_types_refused: int
    open: tuple[OpenObject, ...]
    loose: tuple[LooseLeaf, ...]
    free: tuple[Path, ...]

    @property
    def sealed(self) -> bool:
        """Whether everything that was tried was refused."""
        return not self.open and not self.loose

    def findings(self, where: str = "values.schema.json") -> list[Finding]:
        """One finding for each open map and each loose leaf."""
        found = []
        for one in self.open:
            name = field_path(one.path) or "the top"
            message = f"{name} accepts keys that do not exist, such as {one.example}"
            hint = 'say "additionalProperties": false there'
            found.append(Finding(CHECK, message, where=where, path=field_path(one.path), hint=hint, rule="open-object"))
        for leaf in self.loose:
            name = field_path(leaf.path)
            message = f"{name} accepts a value of the wrong type: {', '.join(leaf.types)}"
            found.append(
                Finding(CHECK, message, where=where, path=name, hint='say its "type" there', rule="loose-type")
            )
        return found


def check_sealed(schema: Mapping[str, object], values: Values, *, ignore: Sequence[Path] = ()) -> SealedReport:
    """Try every change of :func:`changes` on ``values`` and count what the schema refuses.

    ``values`` are complete values, such as the chart's defaults. Raises ValuesError where the schema refuses even them,
    for then every change would be refused and the answer would be worth nothing.
    """
    compiled = CompiledSchema(schema)
    refused = compiled.faults(values)
    if refused:
        raise ValuesError("values", "", f"the schema refuses the values as they are: {refused[0]}")
    tried = {True: 0, False: 0}
    accepted: dict[bool, list[Change]] = {True: [], False: []}
    trial = Trial(compiled, values)
    for change in changes(schema, values, ignore=ignore):
        tried[change.misspelt] += 1
        if trial.accepts(change):
            accepted[change.misspelt].append(change)
    opened: dict[Path, OpenObject] = {}
    for change in accepted[True]:
        opened.setdefault(change.path[:-1], OpenObject(change.path[:-1], str(change.path[-1])))
    loose: dict[Path, list[str]] = {}
    for change in accepted[False]:
        loose.setdefault(change.path, []).append(json_type(change.value))
    return SealedReport(
        misspelt=tried[True],
        misspelt_refused=tried[True] - len(accepted[True]),
        wrong_types=tried[False],
        wrong_types_refused=tried[False] - len(accepted[False]),
        open=tuple(opened.values()),
        loose=tuple(LooseLeaf(path, tuple(types)) for path, types in loose.items()),
        free=tuple(path for path in objects(values) if _is_free(schema, path) and not _below(path, ignore)),
    )


def changes(schema: Mapping[str, object], values: Values, *, ignore: Sequence[Path] = ()) -> Iterator[Change]:
    """Everything that a sealed schema refuses of ``values``: misspelt keys first, then wrong types.

    Nothing at or below a path of ``ignore`` is changed (what is handed to a subchart has the subchart's own schema),
    and nothing below a map of the user's own keys that says nothing about its values.
    """
    anything: list[Path] = []
    for path in objects(values):
        if _below(path, ignore) or _below(path[:-1], anything):
            continue
        if _is_free(schema, path):
            if _takes_anything(schema, path):
                anything.append(path)
            continue
        found = get_at(values, path)
        here = dict(found) if isinstance(found, Mapping) else {}
        declared = {key for one in schemas_at(schema, path) for key in _keys(one)}
        for key in [*here, *sorted(declared - set(here))]:
            for wrong in _misspellings(key, declared | set(here)):
                yield Change((*path, wrong), here.get(key, "x"), misspelt=True)
        if not here and not declared:
            yield Change((*path, "unknownKey"), "x", misspelt=True)
    for path, value in leaves(values, into_lists=True):
        if not _below(path, ignore) and not _below(path[:-1], anything):
            for name in _wrong_types(schemas_at(schema, path), value):
                yield Change(path, _SAMPLES[name], misspelt=False)


def disagreements(
    chart: ChartHandle, schema: Mapping[str, object], values: Values, *, ignore: Sequence[Path] = (), sample: int = 40
) -> list[Change]:
    """Changes about which Helm's own schema check says something else than ours; there ought to be none.

    ``sample`` changes are tried, spread evenly. The chart has to be without subcharts in charts/: Helm would merge
    their defaults in before it checks.
    """
    compiled = CompiledSchema(schema)
    every = list(changes(schema, values, ignore=ignore))
    chosen = every[:: max(1, len(every) // sample)]
    return [one for one in chosen if _helm_accepts(chart, one.apply(values)) != _ours(compiled, chart, one, values)]


def _ours(compiled: CompiledSchema, chart: ChartHandle, change: Change, values: Values) -> bool:
    return compiled.accepts(helm_merge(chart.values, change.apply(values)))


def _helm_accepts(chart: ChartHandle, values: Values) -> bool:
    try:
        chart.check_values(values)
    except ValuesRefused:
        return False
    return True


class Trial:
    """One copy of the values in which changes are made and taken back: quicker than a copy for each.

    ``below`` are schemas of subcharts, by the path of the values that each has to accept as well.
    """

    def __init__(
        self, schema: CompiledSchema, values: Values, below: Mapping[Path, CompiledSchema] | None = None
    ) -> None:
        """Take a copy of the values."""
        self._schema = schema
        self._below = tuple((below or {}).items())
        self._values = copy.deepcopy(dict(values))

    def accepts(self, change: Change) -> bool:
        """Whether every schema that has a say accepts the values with the change, whatever stands at a misspelt key."""
        parent = get_at(self._values, change.path[:-1])
        step = change.path[-1]
        before = get_at(parent, (step,))
        if change.misspelt and isinstance(parent, dict):
            accepted = any(self._try(parent, step, value, change.path) for value in (change.value, *_FILLINGS))
            del parent[step]
            if before is not MISSING:
                parent[step] = before
            return accepted
        if not isinstance(parent, dict | list):
            raise TypeError(f"{field_path(change.path)} is not in the values")
        accepted = self._try(parent, step, change.value, change.path)
        parent[step] = before  # type: ignore[index]
        return accepted

    def _try(self, parent: dict[str, object] | list[object], step: str | int, value: object, path: Path) -> bool:
        parent[step] = value  # type: ignore[index]
        first = str(path[0])
        part = self._schema.of_property(first) if len(path) > 1 else None
        if part is not None and not part.accepts(self._values[first]):
            return False
        return self._schema.accepts(self._values) and all(
            schema.accepts(get_at(self._values, prefix))
            for prefix, schema in self._below
            if path[: len(prefix)] == prefix
        )


def _wrong_types(here: Sequence[Mapping[str, object]], value: object) -> list[str]:
    """The types that are wrong for a leaf: those the schema does not name there, or where it names none, all others."""
    right = set(declared_types(here) or {json_type(value)})
    if "number" in right or (not here and "integer" in right):
        right |= {"number", "integer"}
    return [name for name in _SAMPLES if name not in right]


def _misspellings(key: str, known: set[str]) -> Iterator[str]:
    """A letter left out, a letter twice, a letter in the other case; never a key that exists, and each once."""
    middle = len(key) // 2
    tried = [key[:middle] + key[middle + 1 :], key[:middle] + key[middle : middle + 1] * 2 + key[middle + 1 :]]
    cased = next((i for i in range(len(key) - 1, -1, -1) if key[i].swapcase() != key[i]), None)
    if cased is not None:
        tried.append(key[:cased] + key[cased].swapcase() + key[cased + 1 :])
    yield from (wrong for wrong in dict.fromkeys(tried) if wrong and wrong not in known)


def _is_free(schema: Mapping[str, object], path: Path) -> bool:
    """Whether the schema declares a map of the user's own keys: it describes values, but names no keys.

    The values as a whole are never free.
    """
    if not path:
        return False
    here = schemas_at(schema, path)
    extra = [one.get("additionalProperties") for one in here]
    describes = any(one is True or isinstance(one, Mapping) for one in extra)
    describes = describes or any("patternProperties" in one for one in here)
    return describes and not any(list(_keys(one)) for one in here)


def is_silent(schemas: Sequence[Mapping[str, object]]) -> bool:
    """Whether the subschemas about a value demand nothing of it, but that it may be a map."""
    return all(
        keyword in _TALK or (keyword, content) in (("type", "object"), ("additionalProperties", True))
        for one in schemas
        for keyword, content in one.items()
    )


def _takes_anything(schema: Mapping[str, object], path: Path) -> bool:
    """Whether the user's own keys at ``path`` may hold whatever the user likes."""
    here = schemas_at(schema, path)
    extra = [one.get("additionalProperties") for one in here]
    said = any(one is True for one in extra)
    return said and not any("patternProperties" in one for one in here)


def _keys(schema: Mapping[str, object]) -> Sequence[str]:
    found = schema.get("properties")
    return list(found) if isinstance(found, Mapping) else []


def _below(path: Path, prefixes: Sequence[Path]) -> bool:
    return any(path[: len(prefix)] == tuple(prefix) for prefix in prefixes)
