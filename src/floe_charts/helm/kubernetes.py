"""Kubernetes objects held against Kubernetes' own JSON Schemas, strictly: an unknown field is a fault.

The schemas are those that the package kubernetes-validate carries, one set for each minor version. They use eight
keywords of JSON Schema in all (``type``, ``enum``, ``required``, ``properties``, ``additionalProperties``, ``items``,
``oneOf``, ``$ref``), so a small walk over the object does what a general validator does. It reads only the definitions
that an object touches out of the 1.8 MB of them, which makes the first use several times quicker than compiling whole
kinds, and it knows the names that a message needs. That both agree is a test (tests/verify/test_kubernetes.py).

Nothing is read at import.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from floe_charts.errors import HelmError, InputError
from floe_charts.helm.kubernetes_fields import Field, Schema, SchemaFault, describe, field_path

__all__ = ["OLDEST", "KubernetesSchemas", "SchemaFault", "field_path", "kube_versions", "latest_kube_version"]

OLDEST = "1.28"
"""The oldest Kubernetes that generated charts support (``kubeVersion`` in Chart.yaml)."""


def kube_versions() -> tuple[str, ...]:
    """The Kubernetes versions whose schemas are installed, oldest first, such as ``("1.25", ..., "1.37")``.

    Raises HelmError where kubernetes-validate is not installed.
    """
    return tuple(_directories())


def latest_kube_version() -> str:
    """The newest Kubernetes version whose schemas are installed."""
    return kube_versions()[-1]


class KubernetesSchemas:
    """The schemas of one Kubernetes version. Making one costs nothing; kinds are read when they are first met.

    Safe to use from several threads, and cheap to make again: instances of one version share what was read.
    """

    def __init__(self, version: str = OLDEST) -> None:
        """Take ``version`` as ``1.28``, ``v1.28`` or ``1.28.3``; raise InputError where its schemas are missing."""
        match = re.fullmatch(r"v?(\d+\.\d+)(\.\d+)?", version)
        known = _directories()
        if match is None or match[1] not in known:
            span = f"{next(iter(known))} to {next(reversed(known))}"
            raise InputError("", "", f"there are no schemas of Kubernetes {version!r}", f"known are {span}")
        self.version = match[1]
        self._library = _library(known[self.version])

    def knows(self, api_version: str, kind: str) -> bool:
        """Whether Kubernetes itself has this kind (a custom resource is not known)."""
        return self._library.kind(api_version, kind) is not None

    def definition(self, name: str) -> Field | None:
        """The schema of a type by its full name, such as ``io.k8s.api.core.v1.Affinity``; None where there is none."""
        return self._library.field({"$ref": name}, name) if self._library.defines(name) else None

    def validate(self, obj: Mapping[str, object]) -> list[SchemaFault]:
        """Every place where ``obj`` does not fit the schema of its kind; none for a kind that is not known.

        ``obj`` is the object as JSON has it: maps, lists, strings, numbers, booleans and None.
        """
        api_version, kind = obj.get("apiVersion"), obj.get("kind")
        for key, value in (("apiVersion", api_version), ("kind", kind)):
            if not isinstance(value, str):
                found = f"found {describe(value)}" if key in obj else "it is missing"
                return [SchemaFault((key,), f"{key} takes a string, but {found}", "a string")]
        field = self._library.kind(str(api_version), str(kind))
        if field is None:
            return []
        return [] if field.fits(obj) else field.faults(obj, ())

    def field_types(self, api_version: str, kind: str, path: Sequence[str | int]) -> frozenset[str]:
        """The JSON types that the field at ``path`` takes; empty where anything goes or the field is not known.

        >>> sorted(KubernetesSchemas("1.28").field_types("apps/v1", "Deployment", ("spec", "replicas")))
        ['integer', 'null']
        """
        field = self._library.kind(api_version, kind)
        for step in path:
            if field is None:
                return frozenset()
            field = field.child(step)
        return field.types_taken() if field is not None else frozenset()


class _Library:
    """The schemas in one directory: definitions by name, kinds by apiVersion and kind."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._texts: dict[str, str] | None = None
        self._definitions: dict[str, Field] = {}
        self._kinds: dict[tuple[str, str], Field | None] = {}

    def kind(self, api_version: str, kind: str) -> Field | None:
        key = (api_version, kind)
        if key not in self._kinds:
            self._kinds[key] = self._read_kind(api_version, kind)
        return self._kinds[key]

    def field(self, schema: object, name: str) -> Field:
        """The field of a raw schema; one field stands for all references to a definition."""
        if not isinstance(schema, dict):
            schema = {}
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return Field(schema, name, self)
        full = reference.rpartition("/")[2]
        if full not in self._definitions:
            self._definitions[full] = Field(self._definition(full), full.rpartition(".")[2], self)
        return self._definitions[full]

    def _read_kind(self, api_version: str, kind: str) -> Field | None:
        """The root schema of a kind: rbac.authorization.k8s.io/v1 Role is in role-rbac-v1.json."""
        if not re.fullmatch(r"[A-Za-z0-9]+", kind) or not re.fullmatch(r"[a-z0-9.-]+(/[a-z0-9]+)?", api_version):
            return None
        group, slash, version = api_version.rpartition("/")
        suffix = f"{group.partition('.')[0]}-{version}" if slash else version
        try:
            schema = json.loads((self._directory / f"{kind.lower()}-{suffix}.json").read_bytes())
        except FileNotFoundError:
            return None
        # The file's name holds only the first word of the group and the kind in lower case.
        named = {key: schema.get("properties", {}).get(key, {}).get("enum", ()) for key in ("apiVersion", "kind")}
        if api_version not in named["apiVersion"] or kind not in named["kind"]:
            return None
        return Field(schema, kind, self)

    def defines(self, name: str) -> bool:
        return name in self._definition_texts()

    def _definition_texts(self) -> dict[str, str]:
        if self._texts is None:
            self._texts = _split_definitions((self._directory / "_definitions.json").read_text(encoding="utf-8"))
        return self._texts

    def _definition(self, name: str) -> Schema:
        text = self._definition_texts().get(name)
        if text is None:
            raise HelmError(
                f"kubernetes-validate's schemas refer to {name}, which they do not define; reinstall the package"
            )
        schema, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
        return dict(schema)


def _split_definitions(text: str) -> dict[str, str]:
    """Name to JSON text of each definition, cut at the indentation: parsing all of them takes ten times as long."""
    chunks = text.split('\n    "')[1:]
    if chunks:
        return {chunk[: chunk.index('"')]: chunk for chunk in chunks}
    whole = json.loads(text)
    return {name: json.dumps(schema) for name, schema in whole["$defs"].items()}


@cache
def _directories() -> dict[str, Path]:
    """Version to directory of its strict schemas, oldest first, found without the package's slow import."""
    spec = find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        raise HelmError(
            "the schemas of Kubernetes are not installed; install them with: pip install kubernetes-validate"
        )
    found: dict[tuple[int, int], Path] = {}
    for directory in (Path(spec.origin).parent / "kubernetes-json-schema").iterdir():
        match = re.fullmatch(r"v(\d+)\.(\d+)\.\d+-local-strict", directory.name)
        if match:
            found[int(match[1]), int(match[2])] = directory
    return {f"{major}.{minor}": found[major, minor] for major, minor in sorted(found)}


@cache
def _library(directory: Path) -> _Library:
    return _Library(directory)
