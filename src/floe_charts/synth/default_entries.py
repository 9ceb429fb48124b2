"""Entries of maps that the defaults bring along, such as the data products: which of them come and go.

No schema declares them one by one, and they are values all the same: whoever sets one field of an entry relies on the
others, which are required, to be there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from floe_charts.synth.schema_changes import Document
from floe_charts.synth.schema_scalars import Change, Path, as_map, change

__all__ = ["entry_changes"]


def entry_changes(schema: object, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """The entries, maps themselves, that the defaults ``new`` have and ``old`` had not, and the other way round.

    ``schema`` is the values schema of ``new``. Where it takes anything there are no entries.
    """
    return list(_entries(Document(schema), schema, old, new, ()))


def _entries(
    document: Document, schema: object, old: Mapping[str, Any], new: Mapping[str, Any], path: Path
) -> Iterator[Change]:
    shape = as_map(document.resolve(schema))
    declared = as_map(shape.get("properties"))
    for key in dict.fromkeys((*old, *new)):
        below = declared.get(key, shape.get("additionalProperties"))
        was, now = old.get(key), new.get(key)
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            yield from _entries(document, below, was, now, (*path, key))
        elif key not in declared and isinstance(below, Mapping):
            if isinstance(was, Mapping) and key not in new:
                yield change("removed", (*path, key))
            elif isinstance(now, Mapping) and key not in old:
                yield change("added", (*path, key))
