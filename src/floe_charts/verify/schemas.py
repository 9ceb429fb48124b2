"""Do the objects fit Kubernetes, and the custom resources their own schemas?"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from floe_charts.errors import HelmError
from floe_charts.helm.kubernetes import KubernetesSchemas, SchemaFault, field_path
from floe_charts.verify.findings import Finding
from floe_charts.verify.json_schema import CompiledSchema
from floe_charts.verify.objects import RenderedObject

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

    def __init__(self, files: Mapping[str, Path]) -> None:
        """Take the file of each kind."""
        self._files = dict(files)
        self._compiled: dict[str, CompiledSchema] = {}

    @classmethod
    def from_directory(cls, directory: str | os.PathLike[str]) -> CustomSchemas:
        """The schemas that ``index.json`` in a directory lists: a map of ``apiVersion/Kind`` to a file beside it.

        Raises HelmError where there is no such index, or where it names a file outside the directory.
        """
        root = Path(directory)
        try:
            index = json.loads((root / "index.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise HelmError(f"{root}: there is no readable index.json of schemas here: {error}") from error
        if not isinstance(index, dict):
            raise HelmError(f"{root / 'index.json'}: expected a map of apiVersion/Kind to file")
        files = {}
        for name, file in index.items():
            if not isinstance(file, str) or Path(file).name != file:
                raise HelmError(f"{root / 'index.json'}: {name}: expected the name of a file beside the index")
            files[name] = root / file
        return cls(files)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The ``apiVersion/Kind`` that have a schema here."""
        return tuple(self._files)

    def knows(self, api_version: str, kind: str) -> bool:
        """Whether there is a schema of this kind."""
        return f"{api_version}/{kind}" in self._files

    def validate(self, obj: Mapping[str, object]) -> list[SchemaFault]:
        """Every place where a custom resource does not fit; none for a kind that is not known."""
        name = f"{obj.get('apiVersion')}/{obj.get('kind')}"
        if name not in self._files:
            return []
        if name not in self._compiled:
            file = self._files[name]
            try:
                schema = json.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise HelmError(f"{file}: the schema of {name} cannot be read: {error}") from error
            self._compiled[name] = CompiledSchema(schema, str(file))
        return self._compiled[name].faults(obj)


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
