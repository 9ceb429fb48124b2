"""Secret keys for credentials: readable, stable from one compile to the next, unique in one product."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Finding", "secret_keys"]

_MAX_KEY = 200  # Kubernetes allows 253; the rest is for a number that keeps keys apart


@dataclass(frozen=True, slots=True)
class Finding:
    """A credential that was found: its path, the parts that its key is made of, and its value for comparison only.

    ``value`` is None where it must not be compared, ``env_var`` what the artifacts call it, ``secret`` whether it is
    confidential in itself.
    """

    path: str
    parts: tuple[str, ...]
    value: object
    env_var: str | None
    secret: bool

    def __repr__(self) -> str:
        """The path alone: the value is nobody's business."""
        return f"Finding({self.path!r})"


def secret_keys(findings: Sequence[Finding]) -> list[str]:
    """A key for each finding, in order. Variables keep their names; they are given out first, so that no other key
    takes one of them.
    """
    owners: dict[str, object] = {found.env_var: found.env_var for found in findings if found.env_var}
    shared = _dbt_names(findings)
    keys = []
    for index, found in enumerate(findings):
        if found.env_var:
            keys.append(found.env_var)
        else:
            name, owner = shared.get(index, (_name(found.parts), ("at", found.path)))
            keys.append(_claim(name, owner, owners))
    return keys


def _claim(name: str, owner: object, owners: dict[str, object]) -> str:
    key, number = name, 1
    while owners.setdefault(key, owner) != owner:
        number += 1
        key = f"{name}_{number}"
    return key


def _name(parts: Sequence[str]) -> str:
    words = [word for part in parts if (word := re.sub(r"[^A-Z0-9]+", "_", _spaced(part).upper()).strip("_"))]
    return "_".join(words)[:_MAX_KEY].strip("_")


def _spaced(part: str) -> str:
    """``clientSecret`` as ``client_Secret``; what is no ASCII letter or digit becomes a separator."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", part[:_MAX_KEY].encode("ascii", "replace").decode())


# What a dbt key may be made of, from short to long: dbt / profile / "outputs" / target / the rest.
_DBT_NAMES: tuple[Callable[[tuple[str, ...]], tuple[str, ...]], ...] = (
    lambda parts: (parts[0], *parts[4:]),
    lambda parts: (parts[0], *parts[3:]),
    lambda parts: (parts[0], parts[1], *parts[3:]),
)


def _dbt_names(findings: Sequence[Finding]) -> dict[int, tuple[str, object]]:
    """Names of dbt credentials, by index, each with its owner: outputs share a key where their values are equal."""
    waiting = [
        index
        for index, found in enumerate(findings)
        if not found.env_var and found.parts[0] == "dbt" and len(found.parts) > 4 and found.parts[2] == "outputs"
    ]
    names: dict[int, tuple[str, object]] = {}
    for shorten in _DBT_NAMES:
        groups: dict[str, list[int]] = {}
        for index in waiting:
            groups.setdefault(_name(shorten(findings[index].parts)), []).append(index)
        for name, members in groups.items():
            if len(members) == 1 or _equal([findings[index].value for index in members]):
                names.update({index: (name, ("dbt", name)) for index in members})
        waiting = [index for index in waiting if index not in names]
    return names


def _equal(values: list[object]) -> bool:
    first = values[0]
    return first is not None and all(type(value) is type(first) and value == first for value in values)
