"""The documents of Kubernetes' definitions that schemas on the network refer to, from the package kubernetes-validate.

Known are the addresses of the projects that publish them: kubernetesjsonschema.dev and yannh/kubernetes-json-schema
(``.../v1.19.0-standalone-strict/_definitions.json``, ``.../master/deployment-apps-v1.json``) and Kubernetes' own
OpenAPI document (``.../kubernetes/v1.30.0/api/openapi-spec/swagger.json``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["KUBERNETES", "kubernetes_document"]

_SET = re.compile(
    r"(?:v?(?P<major>\d+)\.(?P<minor>\d+)(?:\.\d+)?|master|main)(?:-local|-standalone)*(?P<strict>-strict)?"
)
_OPENAPI = re.compile(
    r"/(?:v|release-)?(?:(?P<major>\d+)\.(?P<minor>\d+)[^/]*|master|main)/api/openapi-spec/swagger\.json$"
)
_FILE = re.compile(r"[a-z0-9_.-]+\.json")
KUBERNETES = "kubernetes://schemas/"
"""How the addresses of the documents begin that :func:`kubernetes_document` gives."""


def kubernetes_document(address: str, fragment: str) -> tuple[str, Mapping[str, object]] | None:
    """The document behind an address, from the nearest version that defines ``fragment``; None where there is none.

    Returned with the address of the document that was taken, which references inside it are relative to.
    """
    wanted = _local(address) if address.startswith(KUBERNETES) else _published(address)
    if wanted is None:
        return None
    number, strict, file = wanted
    name = fragment.split("/")[2] if file == "_definitions.json" and fragment.count("/") >= 2 else ""
    for minor in sorted(_sets(), key=lambda one: (abs(one - number), -one)):
        document = _read(minor, strict, file)
        definitions = document.get("$defs") if document is not None else None
        if document is not None and (not name or (isinstance(definitions, Mapping) and name in definitions)):
            return f"{KUBERNETES}v1.{minor}{'-strict' if strict else ''}/{file}", document
    return None


def _published(address: str) -> tuple[int, bool, str] | None:
    path = urlsplit(address).path
    openapi = _OPENAPI.search(path)
    if openapi is not None and "kubernetes" in address:
        return _minor(openapi), False, "_definitions.json"
    directory, _, file = path.rpartition("/")
    match = _SET.fullmatch(directory.rpartition("/")[2])
    if match is None or not re.search(r"kubernetes-?json-?schema", address) or not _FILE.fullmatch(file):
        return None
    return _minor(match), match["strict"] is not None, file


def _local(address: str) -> tuple[int, bool, str] | None:
    match = re.fullmatch(r"kubernetes://schemas/v1\.(\d+)(-strict)?/([a-z0-9_.-]+\.json)", address)
    return None if match is None else (int(match[1]), match[2] is not None, match[3])


def _minor(match: re.Match[str]) -> int:
    """The minor version; the branch that is worked on is newer than any."""
    return int(match["minor"]) if match["minor"] else 10_000


@lru_cache(maxsize=1)
def _sets() -> dict[int, Path]:
    """Minor version to the directory of its schemas, without ``-strict``."""
    spec = find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        return {}
    found: dict[int, Path] = {}
    for directory in (Path(spec.origin).parent / "kubernetes-json-schema").iterdir():
        match = re.fullmatch(r"v1\.(\d+)\.\d+-local", directory.name)
        if match:
            found[int(match[1])] = directory
    return found


@lru_cache(maxsize=8)
def _read(minor: int, strict: bool, file: str) -> Mapping[str, object] | None:
    directory = _sets()[minor]
    directory = directory.with_name(f"{directory.name}-strict") if strict else directory
    try:
        read = json.loads((directory / file).read_bytes())
    except (OSError, ValueError):
        return None
    return read if isinstance(read, dict) else None
