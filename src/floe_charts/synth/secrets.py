"""Nothing secret is written to a chart, whoever hands it in: credentials in values that plugins and people give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from floe_charts.artifacts.credentials import is_secret_name, is_secret_text
from floe_charts.helm.checking import DeclaredValues

__all__ = ["MASK", "credential_paths"]

MASK = "**********"
"""What stands for a credential that must not be told; pydantic writes the same."""

# Keys of charts that name a Secret or a key in it, although they sound like one: auth.existingSecret, passwordSecret,
# userPasswordKey, imagePullSecrets.
_REFERENCE = re.compile(
    r"^existing_|(?:^|_)(?:password|credentials?|tls|pull)_secrets?$|(?:password|user|username|token)_(?:secret_)?key$"
)


def credential_paths(tree: Mapping[str, Any], declared: DeclaredValues) -> Iterator[tuple[str, ...]]:
    """The paths of the values in ``tree`` that are credentials, by what they are called or by what they look like.

    Keys of our own Values classes are judged by the look alone: none of them takes a credential, only names of Secrets.
    """
    for path, name, value in _texts(tree, ()):
        named = is_secret_name(name) and not _REFERENCE.search(_normal(name)) and not declared.is_declared(path)
        if is_secret_text(value) or MASK in value or (value and named):
            yield path


def _texts(value: Any, path: tuple[str, ...], name: str = "") -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Every text in a tree, with its path and what it is called; items of a list have no name."""
    if isinstance(value, str):
        yield path, name, value
    elif isinstance(value, Mapping):
        label = value.get("name")
        for key, item in value.items():
            # {name: API_TOKEN, value: ...}: the name stands beside the value.
            called = label if key == "value" and isinstance(label, str) else str(key)
            yield from _texts(item, (*path, str(key)), called)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _texts(item, (*path, str(position)))


def _normal(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[-.]", "_", name).lower()
