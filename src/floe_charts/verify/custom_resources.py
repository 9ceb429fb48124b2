"""Custom resources against their own schemas: those that the user hands in, and those that the chart brings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from floe_charts.errors import InputError
from floe_charts.helm.kubernetes import field_path
from floe_charts.verify.chart_files import ChartFiles
from floe_charts.verify.crds import crd_schemas, is_crd
from floe_charts.verify.findings import CheckResult, Finding, Progress, merge_cases, no_progress
from floe_charts.verify.kubernetes import fault_rule
from floe_charts.verify.kubernetes_groups import is_kubernetes_group
from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.schema_files import Source, crds_in
from floe_charts.verify.schemas import CustomSchemas
from floe_charts.verify.subject import Subject
from floe_charts.verify.values import get_at

__all__ = ["check_custom_resources"]

CHECK = "custom-resources"

_MAX_FINDINGS_PER_OBJECT = 20


@dataclass(slots=True)
class _Kind:
    """What is said once for each apiVersion and kind."""

    objects: set[str] = field(default_factory=set)
    cases: dict[str, None] = field(default_factory=dict)


def check_custom_resources(subject: Subject, progress: Progress = no_progress) -> CheckResult:
    """Hold every object that is not of Kubernetes' own kinds against the schema of its CustomResourceDefinition.

    Schemas are those of ``subject.custom``, then those of the CRDs that the chart or a subchart brings in ``crds/``
    and of those that the release itself holds. Rules: ``unknown-field``, ``wrong-type``, ``missing-field``,
    ``invalid``, ``broken-schema`` (a CRD that cannot be used);
    ``no-schema`` is a note for each kind whose schema is not at hand. CEL rules (``x-kubernetes-validations``) are not
    evaluated.
    """
    found = [(one.case.name, obj) for one in subject.renderings for obj in one.objects]
    custom_objects = [(case, obj) for case, obj in found if not is_kubernetes_group(obj.api_version)]
    wanted = {(obj.api_version.rpartition("/")[0], obj.kind) for _, obj in custom_objects}
    schemas, findings = _schemas(subject, (obj for _, obj in found), wanted)
    known: dict[int, tuple[Finding, ...]] = {}
    unknown: dict[str, _Kind] = {}
    checked = 0
    for done, (case, obj) in enumerate(custom_objects):
        progress(done, len(custom_objects))
        if not schemas.knows(obj.api_version, obj.kind):
            kind = unknown.setdefault(f"{obj.api_version} {obj.kind}", _Kind())
            kind.objects.add(f"{obj.namespace}/{obj.name}")
            kind.cases[case] = None
            continue
        checked += 1
        if id(obj.data) not in known:
            known[id(obj.data)] = tuple(_findings_of(obj, schemas))
        findings += [replace(one, where=obj.template, cases=(case,)) for one in known[id(obj.data)]]
    progress(len(custom_objects), len(custom_objects))
    findings += [_no_schema(name, kind) for name, kind in sorted(unknown.items())]
    return CheckResult(CHECK, _figure(checked, len(custom_objects) - checked, len(unknown)), merge_cases(findings))


def _figure(checked: int, unchecked: int, kinds: int) -> str:
    total = checked + unchecked
    figure = f"{total} object{'' if total == 1 else 's'}"
    if not unchecked:
        return figure
    none = f"{unchecked} of them not checked" if checked else "none of them checked"
    return f"{figure}, {none}: no schema for {kinds} kind{'' if kinds == 1 else 's'}"


def _no_schema(name: str, kind: _Kind) -> Finding:
    api_version, _, word = name.partition(" ")
    count = len(kind.objects)
    were = "was" if count == 1 else "were"
    message = f"{count} {word} of {api_version} {were} not checked: no schema"
    hint = "hand in its CRD by --schemas"
    # The kind stands where other findings name an object, so that each can be accepted alone.
    return Finding(CHECK, message, object=name, hint=hint, severity="note", rule="no-schema", cases=tuple(kind.cases))


def _findings_of(obj: RenderedObject, schemas: CustomSchemas) -> Iterator[Finding]:
    try:
        faults = schemas.validate(obj.data)
    except InputError as error:
        yield Finding(CHECK, str(error), object=str(obj), rule="broken-schema")
        return
    seen: set[tuple[str, str]] = set()
    for fault in faults:
        path = field_path(fault.path)
        # The API server drops a null from a map before it validates, unless the field is nullable.
        is_null = fault.path and isinstance(fault.path[-1], str) and get_at(obj.data, fault.path) is None
        if is_null or (path, fault.message) in seen:
            continue
        seen.add((path, fault.message))
        if len(seen) > _MAX_FINDINGS_PER_OBJECT:
            yield Finding(CHECK, "and more faults", object=str(obj), rule="invalid")
            return
        rule = fault_rule(fault, obj.data)
        yield Finding(CHECK, fault.message, object=str(obj), path=path, hint=fault.hint, rule=rule)


def _schemas(
    subject: Subject, objects: Iterable[RenderedObject], wanted: set[tuple[str, str]]
) -> tuple[CustomSchemas, list[Finding]]:
    """The schemas of the wanted groups and kinds, and what is wrong with the definitions that the chart brings."""
    findings: list[Finding] = []
    sources: dict[str, Source] = {}

    def take(crds: Callable[[], Iterable[Mapping[str, object]]], where: str) -> None:
        try:
            for crd in crds():
                sources.update(crd_schemas(crd, where))
        except InputError as error:
            findings.append(Finding(CHECK, error.problem, where=where, path=error.path, rule="broken-schema"))

    for where, text in _crd_files(subject.chart.files, ""):
        if any(_mentions(text, group, kind) for group, kind in sorted(wanted)):
            take(lambda text=text, where=where: crds_in(text, where), where)  # type: ignore[misc]
    taken: set[int] = set()
    for obj in objects:
        if id(obj.data) not in taken and is_crd(obj.data) and _defines(obj, wanted):
            taken.add(id(obj.data))
            take(lambda data=obj.data: [data], obj.template)  # type: ignore[misc]
    return subject.custom.with_schemas(sources), findings


def _crd_files(chart: ChartFiles, prefix: str) -> Iterator[tuple[str, str]]:
    """The texts in ``crds/`` of a chart and of the charts inside it."""
    name = f"{prefix}{chart.name}"
    for path, content in sorted(chart.files.items()):
        if path.startswith("crds/") and path.endswith((".yaml", ".yml", ".json")):
            yield f"{name}/{path}", content.decode("utf-8", errors="replace")
    for _, below in sorted(chart.subcharts.items()):
        yield from _crd_files(below, f"{name}/charts/")


def _mentions(text: str, group: str, kind: str) -> bool:
    """Whether it is worth reading a text, which may be megabytes."""
    return group in text and re.search(rf"\bkind\"?:\s*\"?{re.escape(kind)}\b", text) is not None


def _defines(obj: RenderedObject, wanted: set[tuple[str, str]]) -> bool:
    spec = obj.data.get("spec")
    names = spec.get("names") if isinstance(spec, Mapping) else None
    kind = names.get("kind") if isinstance(names, Mapping) else None
    return isinstance(spec, Mapping) and (spec.get("group"), kind) in wanted
