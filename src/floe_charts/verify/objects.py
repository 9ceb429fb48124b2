"""The Kubernetes objects in what Helm rendered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from floe_charts.verify.engine import NAMESPACE
from floe_charts.verify.findings import Finding
from floe_charts.verify.kube_yaml import YamlFault, read_documents

__all__ = ["RenderedObject", "find_duplicates", "parse_objects"]

CHECK = "renders"

_SEPARATOR = re.compile(r"^---", re.MULTILINE)
_YAML_HINT = "render the template (floe-charts template --show-only) and look at that line"


@dataclass(frozen=True, slots=True)
class RenderedObject:
    """One object: the template it came from, its place there (from 0), and what it is. Never change ``data``."""

    template: str
    index: int
    data: Mapping[str, object]

    @property
    def api_version(self) -> str:
        """Such as ``apps/v1``."""
        return str(self.data.get("apiVersion", ""))

    @property
    def kind(self) -> str:
        """Such as ``Deployment``."""
        return str(self.data.get("kind", ""))

    @property
    def metadata(self) -> Mapping[str, object]:
        """The object's metadata; empty where it has none."""
        found = self.data.get("metadata")
        return found if isinstance(found, Mapping) else {}

    @property
    def name(self) -> str:
        """``metadata.name``, empty where there is none."""
        found = self.metadata.get("name")
        return found if isinstance(found, str) else ""

    @property
    def namespace(self) -> str | None:
        """``metadata.namespace``, or None where the object does not say."""
        found = self.metadata.get("namespace")
        return found if isinstance(found, str) else None

    @property
    def hooks(self) -> frozenset[str]:
        """The Helm hooks it runs at, such as ``test``; empty for an object of the release itself."""
        annotations = self.metadata.get("annotations")
        hook = annotations.get("helm.sh/hook") if isinstance(annotations, Mapping) else None
        return frozenset(one.strip() for one in hook.split(",")) if isinstance(hook, str) else frozenset()

    def __str__(self) -> str:
        """``Deployment shop-web``."""
        return f"{self.kind} {self.name}".strip()


def parse_objects(rendered: Mapping[str, str]) -> tuple[list[RenderedObject], list[Finding]]:
    """The objects in what Helm rendered, by template and place, and what is wrong with the texts.

    Wrong are: a text that is not YAML, a key that stands twice, a document that is no object (no ``apiVersion``,
    ``kind`` or name). A ``v1 List`` is taken apart. NOTES.txt and partials hold no objects.
    """
    objects: list[RenderedObject] = []
    findings: list[Finding] = []
    for template in sorted(rendered):
        name = template.rpartition("/")[2]
        if name == "NOTES.txt" or name.startswith("_"):
            continue
        documents, faults = _documents(rendered[template])
        for fault in faults:
            line = _line_of(rendered[template], fault.line)
            message = f"line {fault.line} of the output: {fault.problem}{line}"
            findings.append(Finding(CHECK, message, where=template, hint=_YAML_HINT, rule="invalid-yaml"))
        for index, data in enumerate(_flat(documents)):
            problem = _problem(data)
            if problem or not isinstance(data, Mapping):
                message = f"document {index + 1} is no Kubernetes object: {problem}"
                findings.append(Finding(CHECK, message, where=template, rule="not-an-object"))
            else:
                objects.append(RenderedObject(template, index, data))
    return objects, findings


def find_duplicates(objects: Sequence[RenderedObject], namespace: str = NAMESPACE) -> list[Finding]:
    """Objects of one kind, namespace and name: the later one would overwrite the earlier one.

    ``namespace`` is that of the release, for objects that name none. Two hooks that never run together may share a
    name.
    """
    seen: dict[tuple[str, str, str, str], list[RenderedObject]] = {}
    findings: list[Finding] = []
    for obj in objects:
        if not obj.name:
            continue
        group = obj.api_version.rpartition("/")[0]
        others = seen.setdefault((group, obj.kind, obj.namespace or namespace, obj.name), [])
        for other in others:
            if not obj.hooks or not other.hooks or obj.hooks & other.hooks:
                message = f"the release holds this object twice; the other one is in {other.template}"
                hint = "give one of them another name"
                findings.append(
                    Finding(CHECK, message, where=obj.template, object=str(obj), hint=hint, rule="duplicate-object")
                )
        others.append(obj)
    return findings


def _documents(text: str) -> tuple[list[object], list[YamlFault]]:
    """The documents in what a template gave, and the faults of those that are not YAML.

    Helm cuts a template's output at every line that begins with ``---`` before it reads YAML, so ``---# a comment`` is
    right for it although YAML knows no such line.
    """
    try:
        return list(read_documents(text)), []
    except YamlFault as whole:
        cuts = [0, *(match.start() for match in _SEPARATOR.finditer(text)), len(text)]
        documents: list[object] = []
        faults: list[YamlFault] = []
        for start, end in pairwise(cuts):
            before = text.count("\n", 0, start)
            try:
                documents += read_documents(_SEPARATOR.sub("", text[start:end], count=1))
            except YamlFault as fault:
                faults.append(YamlFault(before + fault.line, fault.problem))
        return (documents, faults) if len(cuts) > 2 else ([], [whole])


def _flat(documents: Sequence[object]) -> Iterator[object]:
    for data in documents:
        items = data.get("items") if isinstance(data, Mapping) else None
        if isinstance(data, Mapping) and data.get("kind") == "List" and isinstance(items, list):
            yield from items
        else:
            yield data


def _problem(data: object) -> str:
    if not isinstance(data, Mapping):
        return f"it is {'a list' if isinstance(data, list) else 'a single value'}, not a map"
    for key in ("apiVersion", "kind"):
        if not isinstance(data.get(key), str) or not data[key]:
            return f"it has no {key}"
    metadata = data.get("metadata")
    if not isinstance(metadata, Mapping) or not (metadata.get("name") or metadata.get("generateName")):
        return "it has no metadata.name"
    return ""


def _line_of(text: str, number: int) -> str:
    lines = text.splitlines()
    return f": {lines[number - 1].strip()[:80]}" if 0 < number <= len(lines) else ""
