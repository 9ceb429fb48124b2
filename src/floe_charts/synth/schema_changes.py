"""What changed between two schemas of values, as somebody sees it who sets them.

Every change is one of four: a value is gone, a value is new, fewer contents of a value are accepted, or more. The
comparison walks both schemas side by side. Where it cannot tell what a keyword's change means (another pattern, another
condition), it takes it for the narrowing that it may be: a version that promises too little harms nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from floe_charts.synth.schema_rules import NewRule
from floe_charts.synth.schema_scalars import (
    ABSENT,
    SCALAR_KEYWORDS,
    SILENT,
    Change,
    Path,
    Schema,
    as_map,
    canonical,
    change,
    have_a_type_in_common,
    listed,
    matches,
    scalar_changes,
)

__all__ = ["Change", "Document", "schema_changes"]

_HANDLED = frozenset(
    {
        *(*SCALAR_KEYWORDS, "required", "properties", "additionalProperties"),
        *("patternProperties", "propertyNames", "items", "allOf", "anyOf", "$ref"),
    }
)


def schema_changes(old: object, new: object, defaults: Mapping[str, Any] | None = None) -> list[Change]:
    """The changes from the values schema ``old`` to ``new``; a schema is a parsed JSON Schema (draft-07).

    ``defaults`` are the values.yaml that go with ``new``: Helm merges what a user sets over them, so a property that
    has a default there is never missing, required or not.
    """
    walk = _Walk(Document(old), Document(new))
    return list(dict.fromkeys(walk.compare(old, new, (), _Defaults(defaults or {}))))


@dataclass(frozen=True, slots=True)
class Document:
    """A whole schema, for what its references lead to."""

    root: object

    def resolve(self, schema: object) -> object:
        """The schema behind a ``$ref``, beside which in draft-07 nothing counts; {} where it leads nowhere."""
        seen = 0
        while isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str):
            found = self.root
            for part in schema["$ref"].removeprefix("#").split("/")[1:]:
                key = part.replace("~1", "/").replace("~0", "~")
                found = found.get(key, {}) if isinstance(found, Mapping) else {}
            schema, seen = found, seen + 1
            if seen > 100:
                return {}
        return schema


@dataclass(frozen=True, slots=True)
class _Defaults:
    """The defaults at a place of the values, or that there are none: an entry of a map has none."""

    at: object

    def below(self, key: str) -> _Defaults:
        return _Defaults(self.at.get(key) if isinstance(self.at, Mapping) else None)


_NO_DEFAULTS = _Defaults(None)


@dataclass(slots=True)
class _Walk:
    old: Document
    new: Document
    under_way: set[tuple[int, int]] = field(default_factory=set)

    def compare(self, old: object, new: object, path: Path, defaults: _Defaults) -> Iterator[Change]:
        """All changes at ``path`` and below it."""
        old, new = self.old.resolve(old), self.new.resolve(new)
        pair = (id(old), id(new))
        if pair in self.under_way:
            return
        if old is False or new is False:
            if old is not new:
                yield change("narrowed" if new is False else "widened", path)
            return
        before, after = as_map(old), as_map(new)
        if before == after and not _holds_reference(before):
            return
        if not before.keys() - SILENT or not after.keys() - SILENT:
            if before.keys() - SILENT:
                yield change("widened", path, "anything now")
            elif after.keys() - SILENT:
                yield change("narrowed", path, "was anything")
            return
        self.under_way.add(pair)
        try:
            yield from scalar_changes(before, after, path)
            if not have_a_type_in_common(before, after):
                return
            yield from self._objects(before, after, path, defaults)
            yield from self._others(before, after, path, defaults)
        finally:
            self.under_way.discard(pair)

    # -- objects and lists -----------------------------------------------------------------------------------------

    def _objects(self, old: Schema, new: Schema, path: Path, defaults: _Defaults) -> Iterator[Change]:
        before, after = as_map(old.get("properties")), as_map(new.get("properties"))
        for key in before:
            if key in after:
                yield from self.compare(before[key], after[key], (*path, key), defaults.below(key))
            else:
                yield from self._removed(before[key], new, key, path)
        for key in after:
            if key not in before:
                yield from self._added(old, after[key], key, path, defaults)
        yield from self._required(old, new, path, defaults)
        was, now = old.get("additionalProperties", True), new.get("additionalProperties", True)
        yield from self._patterns(old, new, path)
        yield from self._rest(was, now, path)
        yield from self._names(old, new, path)

    def _patterns(self, old: Schema, new: Schema, path: Path) -> Iterator[Change]:
        """Keys by patterns: each against the same pattern, or against what held for keys of no pattern."""
        before, after = as_map(old.get("patternProperties")), as_map(new.get("patternProperties"))
        for pattern in sorted(before.keys() | after.keys()):
            was = before.get(pattern, old.get("additionalProperties", True))
            now = after.get(pattern, new.get("additionalProperties", True))
            yield from self._rest(was, now, path)
            declared = as_map(new.get("properties"))
            if not self._same(was, now) and any(matches(pattern, key) for key in declared):
                yield change("narrowed", (*path, "*"), "another rule for its keys")
        if before and after.keys() - before.keys():
            yield change("narrowed", (*path, "*"), "another rule for its keys")

    def _names(self, old: Schema, new: Schema, path: Path) -> Iterator[Change]:
        """What keys may be called; those of two lists of names are told one by one."""
        was, now = self.old.resolve(old.get("propertyNames", True)), self.new.resolve(new.get("propertyNames", True))
        if "enum" in as_map(was) and "enum" in as_map(now):
            before, after = (dict(as_map(one)) for one in (was, now))
            gone, come = listed(before.pop("enum")), listed(after.pop("enum"))
            yield from (change("removed", (*path, str(name))) for name in gone if name not in come)
            yield from (change("added", (*path, str(name))) for name in come if name not in gone)
            was, now = before, after
        yield from self._rest(was, now, path)

    def _rest(self, old: object, new: object, path: Path) -> Iterator[Change]:
        """What holds for keys that are not declared one by one."""
        yield from self.compare(old, new, (*path, "*"), _NO_DEFAULTS)

    def _removed(self, schema: object, new: Schema, key: str, path: Path) -> Iterator[Change]:
        """A property that is declared no longer: gone, unless the keys that are not declared say the same of it."""
        rest = new.get("additionalProperties", True)
        kept = isinstance(self.new.resolve(rest), Mapping) and not any(self.compare(schema, rest, path, _NO_DEFAULTS))
        if not kept:
            yield change("removed", (*path, key))

    def _added(self, old: Schema, schema: object, key: str, path: Path, defaults: _Defaults) -> Iterator[Change]:
        """A property that is declared now: new, and where any key was accepted, perhaps narrower than what was."""
        patterns = as_map(old.get("patternProperties"))
        before = [one for pattern, one in patterns.items() if matches(pattern, key)]
        for rest in before or [old.get("additionalProperties", True)]:
            if self.old.resolve(rest) is not False:
                changes = self.compare(rest, schema, (*path, key), defaults.below(key))
                yield from (one for one in changes if one.kind in ("removed", "narrowed"))
        yield change("added", (*path, key))

    def _required(self, old: Schema, new: Schema, path: Path, defaults: _Defaults) -> Iterator[Change]:
        was, now = set(listed(old.get("required"))), set(listed(new.get("required")))
        for key in sorted(now - was):
            if defaults.below(key).at is None:
                yield change("narrowed", (*path, key), "required now")
        for key in sorted(was - now):
            # One that is gone altogether is told as that.
            if key in as_map(new.get("properties")) or key not in as_map(old.get("properties")):
                yield change("widened", (*path, key), "required no longer")

    # -- everything else -------------------------------------------------------------------------------------------

    def _others(self, old: Schema, new: Schema, path: Path, defaults: _Defaults) -> Iterator[Change]:
        yield from self._items(old.get("items", True), new.get("items", True), path)
        yield from self._all_of(old, new, path, defaults)
        yield from self._any_of(old, new, path, defaults)
        for keyword in sorted((old.keys() | new.keys()) - _HANDLED - SILENT):
            was, now = old.get(keyword, ABSENT), new.get(keyword, ABSENT)
            if now is ABSENT:
                yield change("widened", path, f"{keyword} fell away")
            elif not self._same(was, now):
                yield change("narrowed", path, f"another {keyword}" if was is not ABSENT else f"{keyword} is new")

    def _items(self, old: object, new: object, path: Path) -> Iterator[Change]:
        if isinstance(old, list) or isinstance(new, list):
            if not self._same(old, new):
                yield change("narrowed", path, "other items")
        else:
            yield from self.compare(old, new, (*path, "[]"), _NO_DEFAULTS)

    def _all_of(self, old: Schema, new: Schema, path: Path, defaults: _Defaults) -> Iterator[Change]:
        """Rules between values: one more refuses more, unless it is about new values; one less refuses less."""
        gone, come = self._unmatched(listed(old.get("allOf")), listed(new.get("allOf")))
        definitions = as_map(self.new.root).get("definitions", {})
        for rule in come:
            keys = NewRule(rule, self.old.resolve, definitions).new_keys(old, defaults.at)
            yield from (change("added", (*path, *key)) for key in keys)
            if not keys:
                yield change("narrowed", path, "a rule between values is new")
        if gone:
            yield change("widened", path, "a rule between values fell away")

    def _any_of(self, old: Schema, new: Schema, path: Path, defaults: _Defaults) -> Iterator[Change]:
        """Alternatives: one less accepts less, one more accepts more; what was free of them is narrowed by any."""
        was, now = listed(old.get("anyOf")), listed(new.get("anyOf"))
        if not was or not now:
            if was or now:
                yield change("narrowed" if now else "widened", path, "other alternatives")
            return
        gone, come = self._unmatched(was, now)
        if len(gone) == len(come):
            for one, other in zip(gone, come, strict=True):
                yield from self.compare(one, other, path, defaults)
        else:
            if gone:
                yield change("narrowed", path, "an alternative fell away")
            if come:
                yield change("widened", path, "an alternative is new")

    def _unmatched(self, old: Sequence[object], new: Sequence[object]) -> tuple[list[object], list[object]]:
        """The schemas of each side that have no equal on the other."""
        gone = [one for one in old if not any(self._same(one, other) for other in new)]
        return gone, [one for one in new if not any(self._same(other, one) for other in old)]

    def _same(self, old: object, new: object) -> bool:
        """Whether two parts of the schemas say the same, whatever they are."""
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            before, after = self.old.resolve(old), self.new.resolve(new)
            pair = (id(before), id(after))
            if pair in self.under_way:
                return True
            if not isinstance(before, Mapping) or not isinstance(after, Mapping):
                return before is after
            self.under_way.add(pair)
            keys = (before.keys() | after.keys()) - SILENT
            same = all(self._same(before.get(key, ABSENT), after.get(key, ABSENT)) for key in keys)
            self.under_way.discard(pair)
            return same
        if isinstance(old, list) and isinstance(new, list):
            return len(old) == len(new) and all(self._same(*pair) for pair in zip(old, new, strict=True))
        return canonical(old) == canonical(new)


def _holds_reference(schema: Schema) -> bool:
    """Whether equal texts can still mean different things, because a definition may have changed."""
    pending: list[object] = [schema]
    while pending:
        one = pending.pop()
        if isinstance(one, Mapping):
            if "$ref" in one:
                return True
            pending += one.values()
        elif isinstance(one, list):
            pending += one
    return False
