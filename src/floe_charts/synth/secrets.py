"""Nothing secret is written to a chart, whoever hands it in: credentials in values that plugins and people give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from floe_charts.artifacts.credentials import is_secret_name, is_secret_text
from floe_charts.helm.checking import DeclaredValues, Fault
from floe_charts.helm.spec import Spec

__all__ = ["MASK", "credential_paths", "without_found"]

MASK = "**********"
"""What stands for a credential that must not be told; pydantic writes the same."""

# Keys of charts that name a Secret or a key in it, although they sound like one: auth.existingSecret, passwordSecret,
# userPasswordKey, imagePullSecrets, secretKeys.adminKey.
_REFERENCE = re.compile(
    r"^existing_|(?:^|_)(?:password|credentials?|tls|pull)_secrets?$|(?:password|user|username|token)_(?:secret_)?key$"
    r"|(?:^|_)secret_keys_\w*_key$"
)
# Kubernetes' own references; what stands below them names things.
_SOURCES = frozenset(
    {"valueFrom", "secretKeyRef", "configMapKeyRef", "secretRef", "configMapRef", "fieldRef", "resourceFieldRef"}
)
# What a reference says beside the name of the Secret: {name: db, key: password}, {secretName: db, items: [...]}.
_NAMES_OF_SECRETS = ("name", "secretName", "existingSecret")
_BESIDE_A_NAME = frozenset({"key", "keys", "items", "optional"})
# A map under these is a group of settings, or what is said about a Secret, not one credential.
_GROUP = re.compile(r"(?:^|_)(?:auth|authori[sz]ation|annotations|labels|mounts|volumes|broker)$")
# What is public although it stands among credentials.
_PUBLIC = re.compile(r"(?:^|_)(?:public_?key|user_?name|user)$")
# A number is a credential under these only: `max_tokens: 4096` is none. As for artifacts, but lists have plural names.
_NUMERIC = re.compile(r"(?:^|_)(?:secrets?|passwords?|passwd|pwd|pass|passphrases?|token)[0-9]*$")
# The text names an environment variable: of Kubernetes, or of the collector; or several, as `realm,$(ID),$(SECRET)`.
_NAMED = r"(?:\$\([A-Za-z_][A-Za-z0-9_]*\)|\$\{(?:env:)?[A-Za-z_][A-Za-z0-9_]*\})"
_VARIABLE = re.compile(rf"{_NAMED}|[A-Za-z0-9_-]+,{_NAMED}(?:,{_NAMED})*")


def credential_paths(tree: Mapping[str, Any], declared: DeclaredValues) -> Iterator[tuple[str, ...]]:
    """The paths of the values in ``tree`` that are credentials, by what they are called or by what they look like.

    What stands in a map or a list that is called like a credential is one too. Keys of our own Values classes are
    judged by the look alone: none of them takes a credential, only names of Secrets. The ``value`` beside a ``name``
    is called by that name, and no class vouches for it.
    """
    return _search(tree, (), "", declared)


def without_found(fault: Fault) -> str:
    """The fault in a line; where a key on its path sounds secret, without the value that was found there."""
    if not any(is_secret_name(key) for key in fault.keys or fault.path.split(".")):
        return str(fault)
    problem = "does not fit" if fault.problem.startswith("does not fit") else fault.problem.partition(", found ")[0]
    return str(Fault(fault.path, problem, fault.suggestion, fault.keys))


def _search(
    value: Any, path: tuple[str, ...], secret: str | None, declared: DeclaredValues
) -> Iterator[tuple[str, ...]]:
    """Credentials in ``value``; ``secret`` is the secret name that it goes by, its own or one above it.

    It is None in a declared map whose keys name credentials without holding any.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            here = (*path, str(key))
            yield from _search(item, here, _secret_name(here, value, secret, declared), declared)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _search(item, (*path, str(position)), secret, declared)
    elif _is_credential(value, secret or ""):
        yield path


def _is_credential(value: Any, secret: str) -> bool:
    if isinstance(value, str):
        named = bool(secret and value and not _VARIABLE.fullmatch(value.strip()))
        return is_secret_text(value) or MASK in value or named
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(_NUMERIC.search(_normal(secret)))


def _secret_name(
    path: tuple[str, ...], holder: Mapping[str, Any], above: str | None, declared: DeclaredValues
) -> str | None:
    """The secret name that the last key of ``path`` goes by in ``holder``, itself under ``above``; empty for none."""
    key = path[-1]
    label = holder.get("name", holder.get("key")) if key == "value" else None
    if isinstance(label, str) and _is_secret(label):
        return label  # {name: API_TOKEN, value: ...}: the name stands beside the value.
    if _REFERENCE.search(_normal(key)):
        return ""
    if declared.is_declared(path):
        return None if above is None or (_is_secret(key) and _is_map_of_lists(declared.spec_at(path))) else ""
    if above is None or _is_secret(key):
        return None if above is None else key
    return above if above and _is_inherited(key, holder, above) else ""


def _is_map_of_lists(spec: Spec | None) -> bool:
    """Whether keys name credentials and the lists below say where each goes: products.byName.*.credentials."""
    return spec is not None and spec.kind == "map" and spec.item is not None and spec.item.kind == "list"


def _is_secret(name: str) -> bool:
    return is_secret_name(name) and not _REFERENCE.search(_normal(name))


def _is_inherited(key: str, holder: Mapping[str, Any], above: str) -> bool:
    """Whether what stands at ``key`` of a map called ``above`` is a credential: neither a reference nor a setting."""
    if key in _SOURCES or _GROUP.search(_normal(above)) or _PUBLIC.search(_normal(key)):
        return False
    if key in _BESIDE_A_NAME and any(isinstance(holder.get(name), str) for name in _NAMES_OF_SECRETS):
        return False
    return _is_secret(f"{above}_{key}")


def _normal(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[-.]", "_", name).lower()
