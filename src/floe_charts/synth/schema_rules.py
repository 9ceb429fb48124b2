"""Rules between values (``allOf``): whether one that is new takes anything from somebody.

It takes nothing where all that it binds are keys that were refused until now: nobody has set them, and their defaults
are as the rule wants them. What it asks before (``if``) may be about any key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from floe_charts.synth.schema_scalars import SILENT, Path, as_map, listed, matches

__all__ = ["NewRule"]


@dataclass(frozen=True, slots=True)
class NewRule:
    """A rule, with what is needed to judge it: ``resolve`` finds the old schema behind a reference.

    ``definitions`` are those of the new schema, to which the rule may refer.
    """

    rule: object
    resolve: Callable[[object], object]
    definitions: object

    def new_keys(self, old: object, defaults: object) -> list[Path]:
        """The new keys that it binds, by their paths below ``old``; none where it binds others too, or nothing.

        ``old`` is the schema of the values that the rule is about, ``defaults`` are the new defaults there.
        """
        found = list(self._bound(self.rule, old, defaults, (), None))
        return [] if None in found else list(dict.fromkeys(key for key in found if key is not None))

    def _bound(self, rule: object, old: object, default: object, path: Path, new: Path | None) -> Iterator[Path | None]:
        """For all that the rule says: the new key that it is about, None where it is about something else.

        ``new`` is the key on the way to ``path`` that is new. A default that the rule refuses counts as something else.
        """
        if rule is False:
            yield None
        for keyword, said in as_map(rule).items():
            if keyword in ("then", "else"):
                yield from self._bound(said, old, default, path, new)
            elif keyword == "allOf":
                for one in listed(said):
                    yield from self._bound(one, old, default, path, new)
            elif keyword == "properties":
                for key, below in as_map(said).items():
                    at = as_map(default).get(key)
                    place = (*path, key)
                    is_new = new or (place if self._refused(old, key) else None)
                    yield from self._bound(below, self._declared(old, key), at, place, is_new)
            elif keyword not in SILENT and keyword != "if" and not _has_all(keyword, said, default):
                yield new if default is None or self._accepts(keyword, said, default) else None

    def _refused(self, old: object, key: str) -> bool:
        """Whether the old schema accepts no object with this key."""
        schema = as_map(self.resolve(old))
        if key in as_map(schema.get("properties")):
            return False
        if any(matches(pattern, key) for pattern in as_map(schema.get("patternProperties"))):
            return False
        return self.resolve(schema.get("additionalProperties", True)) is False

    def _declared(self, old: object, key: str) -> object:
        return as_map(as_map(self.resolve(old)).get("properties")).get(key, True)

    def _accepts(self, keyword: str, said: object, default: object) -> bool:
        import jsonschema_rs

        return jsonschema_rs.Draft7Validator({keyword: said, "definitions": self.definitions}).is_valid(default)


def _has_all(keyword: str, said: object, default: object) -> bool:
    """Whether a keyword only asks for keys that have defaults, which then are always there."""
    return keyword == "required" and all(as_map(default).get(key) is not None for key in listed(said))
