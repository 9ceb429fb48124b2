"""Other values for a leaf, of its own type and acceptable to the schema: what a check puts in to see what happens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from floe_charts.verify.json_schema import declared_types, has_pattern, json_type, schemas_at
from floe_charts.verify.values import MISSING, Path

__all__ = ["other_values"]

Schemas = Sequence[Mapping[str, object]]

_TEXTS = (
    "witness",
    "Witness1",
    "witness-1.example.com",
    "http://witness.example.com:1234/x",
    "witness/x:1.2.3",
    "77Mi",
    "370m",
    "7",
    "77%",
    "1h7m",
    "7s",
    "1.2.7",
    "1.28",
    "v1.28",
    "/witness/x",
    "/mnt/witness",
    "*/7 * * * *",
    "7 3 * * *",
    "10.7.0.0/16",
    "10.7.7.7",
    "w@example.com",
    "2001-07-07T07:07:07Z",
    "sha256:" + "a7" * 32,
    "WITNESS",
    "a",
    "",
)
_MAX_DEPTH = 6
_ALL = 1000
"""As many keys as a map may have."""
_WORDS_OF = re.compile(r"\^\(([A-Za-z0-9|-]+)\)\$")
"""A pattern that lists words."""


def other_values(
    schema: Mapping[str, object] | None, path: Path, value: object, accepts: Callable[[object], bool], limit: int = 4
) -> list[object]:
    """Up to ``limit`` values that differ from ``value`` and that ``accepts`` (a question to the whole schema) takes.

    The subschemas at ``path`` give enumerations, bounds and the shape of list elements; a leaf that no schema describes
    gets values of its own type. Empty where the schema leaves no choice.
    """
    schemas = schemas_at(schema, path) if schema is not None else []
    chosen: list[object] = []
    for candidate in _candidates(schemas, schema or {}, path, value):
        if len(chosen) >= limit:
            break
        if not _same(candidate, value) and not any(_same(candidate, one) for one in chosen) and accepts(candidate):
            chosen.append(candidate)
    return chosen


def _candidates(schemas: Schemas, root: Mapping[str, object], path: Path, value: object) -> Iterator[object]:
    yield from _listed(schemas)
    own = json_type(value)
    if value is not None and value is not MISSING:
        yield from _of_type(own, schemas, root, path, value)
    declared = declared_types(schemas)
    for name in sorted(declared - {own, "null"}) or ([] if value is not None and value is not MISSING else ["string"]):
        yield from _of_type(name, schemas, root, path, None)


def _listed(schemas: Schemas) -> Iterator[object]:
    for one in schemas:
        options = one.get("enum")
        yield from options if isinstance(options, list) else ()
        for keyword in ("const", "default"):
            if keyword in one:
                yield one[keyword]
        examples = one.get("examples")
        yield from examples if isinstance(examples, list) else ()


def _of_type(name: str, schemas: Schemas, root: Mapping[str, object], path: Path, value: object) -> Iterator[object]:
    if name == "boolean":
        yield not value
        yield bool(value)
    elif name in {"integer", "number"}:
        yield from _numbers(name, schemas, value)
    elif name == "string":
        yield from _texts(value if isinstance(value, str) else "")
    elif name == "array":
        yield from _lists(schemas, root, path, value if isinstance(value, list) else [])
    elif name == "object":
        yield from _maps(schemas, root, path, value if isinstance(value, Mapping) else {})


def _numbers(name: str, schemas: Schemas, value: object) -> Iterator[float]:
    start = value if isinstance(value, int | float) and not isinstance(value, bool) else 1
    yield from (start + 1, start - 1, start * 2 + 7)
    if name == "number":
        yield from (start + 0.25, start / 2)
    for one in schemas:
        for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
            bound = one.get(keyword)
            if isinstance(bound, int | float):
                yield from (bound, bound + 1, bound - 1)


def _texts(value: str) -> Iterator[str]:
    """Small changes of the text itself first, because they keep its form: a digit, a letter, something more."""
    match = re.search(r"[0-9]", value)
    if match:
        digit = "7" if match[0] != "7" else "6"
        yield value[: match.start()] + digit + value[match.end() :]
    if value:
        yield from (value + "x", value + "-x", value + "7", "x" + value, value[:-1])
    yield from _TEXTS


def _lists(schemas: Schemas, root: Mapping[str, object], path: Path, value: list[object]) -> Iterator[object]:
    element = (*path, 0)
    for item in _elements(root, element, value[-1] if value else MISSING):
        yield [*value, item]
        yield [item]
    if value:
        yield from ([], value[:-1], [*value, value[-1]])
    elif not schemas:
        yield from (["witness"], [{"name": "witness"}])


def _elements(root: Mapping[str, object], path: Path, last: object) -> Iterator[object]:
    if last is not MISSING:
        yield from _changed(root, path, last)
    yield from _made(root, path, _MAX_DEPTH)


def _changed(root: Mapping[str, object], path: Path, value: object) -> Iterator[object]:
    """The value with one scalar in it changed."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            for other in _changed(root, (*path, str(key)), below):
                yield {**value, key: other}
    elif not isinstance(value, list):
        yield from _of_type(json_type(value), schemas_at(root, path), root, path, value)


def _made(
    root: Mapping[str, object], path: Path, depth: int, every: Sequence[bool] = (False, True)
) -> Iterator[object]:
    """A few small values that a schema may accept at ``path``, made from its types and required keys.

    Maps have what they must have, or every key that is declared; what is in them is made in the same way.
    """
    schemas = schemas_at(root, path)
    types = declared_types(schemas)
    listed = list(_listed(schemas))
    yield from listed
    if "object" in types and depth > 0:
        for all_keys in every:
            yield _map_of(schemas, root, path, depth, every=all_keys)
    if "array" in types and depth > 0:
        for all_keys in every:
            yield from ([one] for one in _first(_made(root, (*path, 0), depth - 1, (all_keys,))))
    if "string" in types:
        yield from (text for text in (*_words(schemas), *_TEXTS) if _has_form(schemas, text))
    if types & {"integer", "number"}:
        yield from (number for number in _numbers("integer", schemas, 6) if _in_bounds(schemas, number))
    if "boolean" in types:
        yield True


def _words(schemas: Schemas) -> Iterator[str]:
    for one in schemas:
        listed = _WORDS_OF.fullmatch(str(one.get("pattern", "")))
        yield from listed[1].split("|") if listed else ()


def _has_form(schemas: Schemas, text: str) -> bool:
    patterns = [pattern for one in schemas if isinstance(pattern := one.get("pattern"), str)]
    return all(has_pattern(pattern, text) for pattern in patterns) and all(
        len(text) >= least for one in schemas if isinstance(least := one.get("minLength"), int)
    )


def _in_bounds(schemas: Schemas, number: float) -> bool:
    for one in schemas:
        least, most = one.get("minimum"), one.get("maximum")
        if (isinstance(least, int | float) and number < least) or (isinstance(most, int | float) and number > most):
            return False
    return True


def _map_of(schemas: Schemas, root: Mapping[str, object], path: Path, depth: int, *, every: bool) -> dict[str, object]:
    keys: dict[str, None] = {}
    optional: list[str] = []
    least, most = 0, _ALL
    for one in schemas:
        required = one.get("required")
        keys.update(dict.fromkeys(required if isinstance(required, list) else []))
        optional += _keys(one)
        least = max(least, _count(one, "minProperties", least))
        most = min(most, _count(one, "maxProperties", most))
    further = [key for key in optional if key not in keys]
    keys.update(dict.fromkeys(further[: max(0, (most if every else least) - len(keys))]))
    made: dict[str, object] = {}
    for key in keys:
        for value in _first(_made(root, (*path, key), depth - 1, (every,))):
            made[key] = value
    return made


def _count(schema: Mapping[str, object], keyword: str, otherwise: int) -> int:
    found = schema.get(keyword)
    return found if isinstance(found, int) else otherwise


def _maps(
    schemas: Schemas, root: Mapping[str, object], path: Path, value: Mapping[str, object]
) -> Iterator[dict[str, object]]:
    declared = [key for one in schemas for key in _keys(one)]
    for key in declared:
        for made in _first(_made(root, (*path, key), _MAX_DEPTH)):
            yield {**value, key: made}
    if declared:
        yield {**value, **_map_of(schemas, root, path, _MAX_DEPTH, every=True)}
    for name in _names(schemas):
        for below in _made(root, (*path, name), _MAX_DEPTH):
            yield {**value, name: below}
    yield {**value, "witness": "witness"}
    yield {**value, "witness": {"witness": "witness"}}
    if value:
        yield {}


def _names(schemas: Schemas) -> list[str]:
    """A key that a map may have where the keys are the user's own."""
    forms = [names for one in schemas if isinstance(names := one.get("propertyNames"), Mapping)]
    return [text for text in ("witness", *_TEXTS) if _has_form(forms, text)][:1]


def _keys(schema: Mapping[str, object]) -> list[str]:
    found = schema.get("properties")
    return list(found) if isinstance(found, Mapping) else []


def _first(values: Iterator[object]) -> list[object]:
    return [value for value, _ in zip(values, range(1), strict=False)]


def _same(one: object, other: object) -> bool:
    """Equality as JSON has it: true is not 1."""
    return one == other and json_type(one) == json_type(other)
