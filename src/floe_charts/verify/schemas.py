"""Do the objects fit Kubernetes, and the custom resources their own schemas?"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from floe_charts.errors import HelmError, InputError
from floe_charts.helm.kubernetes import KubernetesSchemas, SchemaFault, field_path
from floe_charts.verify.findings import Finding
from floe_charts.verify.json_schema import CompiledSchema
from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.schema_files import Source, read_schemas

__all__ = ["CustomSchemas", "SchemaReport", "validate_objects"]


@dataclass(frozen=True, slots=True)
class SchemaReport:
    """What :func:`validate_objects` found.

    ``checked`` counts the objects that were held against a schema, once for each version of Kubernetes;
    ``without_schema`` names the kinds (``apiVersion/Kind``) that have none, with the number of their objects.
    """

    findings: tuple[Finding, ...]
    checked: int
    without_schema: Mapping[str, int]


class CustomSchemas:
    """The JSON Schemas of custom resources, by ``apiVersion/Kind``; each is read when it is first needed."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        """Take the schema of each kind, or the JSON file that holds it."""
        self._sources = dict(sources)
        self._compiled: dict[str, CompiledSchema] = {}

    @classmethod
    def from_directory(cls, directory: str | os.PathLike[str]) -> CustomSchemas:
        """The schemas in one directory; see :meth:`from_paths`."""
        return cls.from_paths([directory])

    @classmethod
    def from_paths(cls, paths: Iterable[str | os.PathLike[str]]) -> CustomSchemas:
        """The schemas in files and directories; where two have the same kind, the later one counts.

        A directory holds JSON Schemas with an ``index.json`` (a map of ``apiVersion/Kind`` to a file beside it), or
        JSON Schemas that say what they are (``x-kubernetes-group-version-kind``, or the name
        ``<group>/<kind>_<version>.json``), or CustomResourceDefinitions as ``kubectl get crd -o yaml`` gives them.
        Raises InputError with the file where there is no schema, or one that cannot be read.
        """
        sources: dict[str, Source] = {}
        for path in paths:
            sources.update(read_schemas(Path(path)))
        return cls(sources)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The ``apiVersion/Kind`` that have a schema here."""
        return tuple(self._sources)

    def with_schemas(self, sources: Mapping[str, Source]) -> CustomSchemas:
        """These schemas, and ``sources`` for the kinds that have none here."""
        return CustomSchemas({**sources, **self._sources}) if sources else self

    def knows(self, api_version: str, kind: str) -> bool:
        """Whether there is a schema of this kind."""
        return self._name(api_version, kind) is not None

    def validate(self, obj: Mapping[str, object]) -> list[SchemaFault]:
        """Every place where a custom resource does not fit; none for a kind that is not known.

        Raises InputError where the schema's file cannot be read or is no JSON Schema.
        """
        name = self._name(str(obj.get("apiVersion")), str(obj.get("kind")))
        if name is None:
            return []
        if name not in self._compiled:
            self._compiled[name] = self._compile(name)
        return self._compiled[name].faults(obj)

    def _name(self, api_version: str, kind: str) -> str | None:
        exact = f"{api_version}/{kind}"
        if exact in self._sources:
            return exact
        # A catalogue's file names have the kind in lower case.
        folded = f"{api_version}/{kind.lower()}"
        return folded if folded in self._sources else None

    def _compile(self, name: str) -> CompiledSchema:
        source = self._sources[name]
        schema, label = source, f"the schema of {name}"
        if isinstance(source, Path):
            label = str(source)
            try:
                schema = json.loads(source.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise InputError(label, "", f"the schema of {name} cannot be read: {error}") from error
        if not isinstance(schema, Mapping):
            raise InputError(label, "", f"the schema of {name} is not a map")
        try:
            return CompiledSchema(schema, label)
        except HelmError as error:
            raise InputError(label, "", str(error).removeprefix(f"{label} ")) from error


def validate_objects(
    objects: Sequence[RenderedObject], kube_versions: Sequence[str], custom: CustomSchemas | None = None
) -> SchemaReport:
    """Hold every object against Kubernetes of each version, or against the schema of its custom resource."""
    versions = [KubernetesSchemas(version) for version in kube_versions]
    findings: list[Finding] = []
    without: Counter[str] = Counter()
    checked = 0
    for obj in objects:
        knowing = [version for version in versions if version.knows(obj.api_version, obj.kind)]
        for version in knowing:
            findings += _findings(obj, version.validate(obj.data), f"Kubernetes {version.version}")
        if knowing and len(knowing) < len(versions):
            missing = ", ".join(one.version for one in versions if one not in knowing)
            message = f"Kubernetes {missing} has no {obj.api_version} {obj.kind}"
            findings.append(Finding("kubernetes", message, where=obj.template, object=str(obj)))
        if not knowing and custom is not None and custom.knows(obj.api_version, obj.kind):
            findings += _findings(obj, custom.validate(obj.data), "custom resource")
            checked += 1
        elif not knowing:
            without[f"{obj.api_version}/{obj.kind}"] += 1
        checked += len(knowing)
    return SchemaReport(tuple(_together(findings)), checked, dict(sorted(without.items())))


def _findings(obj: RenderedObject, faults: Sequence[SchemaFault], against: str) -> list[Finding]:
    check = "kubernetes" if against.startswith("Kubernetes") else "custom-resources"
    return [
        Finding(
            check,
            f"{fault.message} ({against})",
            where=obj.template,
            object=str(obj),
            path=field_path(fault.path),
            hint=fault.hint,
        )
        for fault in faults
    ]


def _together(findings: Sequence[Finding]) -> list[Finding]:
    """One finding where two versions of Kubernetes find the same."""
    kept: dict[tuple[str, ...], Finding] = {}
    for one in findings:
        sentence = one.message.rpartition(" (")[0] or one.message
        kept.setdefault((one.check, one.where, one.object, one.path, sentence), one)
    return list(kept.values())
