"""Every object against Kubernetes' own schemas, strictly, and against rules of the API server that no schema holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from floe_charts.helm.kubernetes import KubernetesSchemas, SchemaFault, field_path, kube_versions
from floe_charts.verify.findings import CheckResult, Finding, Progress, no_progress
from floe_charts.verify.kubernetes_groups import is_kubernetes_group, removed_in
from floe_charts.verify.kubernetes_rules import rule_faults
from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.subject import Rendering, Subject
from floe_charts.verify.values import MISSING, get_at

__all__ = ["check_kubernetes", "fault_rule", "validate_renderings"]

CHECK = "kubernetes"

_MAX_FINDINGS_PER_OBJECT = 20


@dataclass(frozen=True, slots=True)
class _Seen:
    """A fault, and where it was met."""

    versions: dict[str, None]
    cases: dict[str, None]


def check_kubernetes(subject: Subject, progress: Progress = no_progress) -> CheckResult:
    """Hold the objects of every rendering against the schemas of the Kubernetes version it was rendered for.

    Unknown fields are faults. Rules: ``unknown-field``, ``wrong-type``, ``missing-field``, ``unknown-kind`` (the
    version has no such apiVersion and kind), ``invalid`` (values that are not allowed; names, labels and quantities,
    see :mod:`floe_charts.verify.kubernetes_rules`). Custom resources are left to ``custom-resources``.
    """
    findings, count = validate_renderings(subject.renderings, subject.kube_versions, progress)
    versions = " and ".join((", ".join(subject.kube_versions[:-1]), subject.kube_versions[-1])).removeprefix(" and ")
    return CheckResult(CHECK, f"{count} object{'' if count == 1 else 's'}, Kubernetes {versions}", findings)


def validate_renderings(
    renderings: Sequence[Rendering], versions: Sequence[str], progress: Progress = no_progress
) -> tuple[tuple[Finding, ...], int]:
    """The findings about the objects of Kubernetes' own kinds in ``renderings``, and how many objects were looked at.

    A fault that an object has in several cases and versions is one finding; it names the versions where they are not
    all of ``versions``. What was validated once is not validated again.
    """
    schemas = {version: KubernetesSchemas(version) for version in versions}
    known: dict[tuple[int, str], tuple[Finding, ...]] = {}
    # Objects are known by identity, so they must live as long as the findings about them.
    alive: list[Mapping[str, object]] = []
    seen: dict[Finding, _Seen] = {}
    count = 0
    for done, rendering in enumerate(renderings):
        progress(done, len(renderings))
        version = rendering.kube_version
        for obj in rendering.objects:
            if not is_kubernetes_group(obj.api_version):
                continue
            count += 1
            key = (id(obj.data), version)
            if key not in known:
                alive.append(obj.data)
                known[key] = tuple(_findings_of(obj, schemas[version], version))
            for finding in known[key]:
                placed = replace(finding, where=obj.template)
                met = seen.setdefault(placed, _Seen({}, {}))
                met.versions[version] = met.cases[rendering.case.name] = None
    progress(len(renderings), len(renderings))
    return tuple(_told(finding, met, versions) for finding, met in seen.items()), count


def fault_rule(fault: SchemaFault, obj: Mapping[str, object]) -> str:
    """The rule that a fault of a schema breaks: ``unknown-field``, ``wrong-type``, ``missing-field`` or ``invalid``."""
    found = get_at(obj, fault.path)
    if found is MISSING:
        return "missing-field"
    if not fault.expected:
        return "unknown-field" if " is not a field " in fault.message else "invalid"
    kinds = ("a ", "an ", "true or false", "null")
    return "wrong-type" if fault.expected.startswith(kinds) else "invalid"


def _findings_of(obj: RenderedObject, schemas: KubernetesSchemas, version: str) -> list[Finding]:
    if not schemas.knows(obj.api_version, obj.kind):
        message = f"Kubernetes has no {obj.api_version} {obj.kind}"
        hint = _where_known(obj.api_version, obj.kind)
        return [Finding(CHECK, message, object=str(obj), path="apiVersion", hint=hint, rule="unknown-kind")]
    faults = schemas.validate(obj.data)
    findings = [_finding(obj, fault, fault_rule(fault, obj.data), _since(obj, fault)) for fault in faults]
    ruled = rule_faults(obj.data, version)
    findings += [_finding(obj, fault, "invalid") for fault in ruled if not _covered(fault, faults)]
    if len(findings) > _MAX_FINDINGS_PER_OBJECT:
        more = len(findings) - _MAX_FINDINGS_PER_OBJECT
        del findings[_MAX_FINDINGS_PER_OBJECT:]
        findings.append(Finding(CHECK, f"and {more} more faults", object=str(obj), rule="invalid"))
    return findings


def _finding(obj: RenderedObject, fault: SchemaFault, rule: str, since: str = "") -> Finding:
    hint = "; ".join(part for part in (since, fault.hint) if part)
    return Finding(CHECK, fault.message, object=str(obj), path=field_path(fault.path), hint=hint, rule=rule)


def _covered(fault: SchemaFault, others: Sequence[SchemaFault]) -> bool:
    return any(fault.path[: len(other.path)] == other.path for other in others)


def _told(finding: Finding, met: _Seen, versions: Sequence[str]) -> Finding:
    message = finding.message
    if finding.rule == "unknown-kind":
        message = message.replace("Kubernetes has", f"Kubernetes {_listed(met.versions)} has", 1)
    elif len(met.versions) < len(versions):
        message = f"{message} (Kubernetes {_listed(met.versions)})"
    return replace(finding, message=message, cases=tuple(met.cases))


def _where_known(api_version: str, kind: str) -> str:
    """Which versions of Kubernetes have a kind, or what to write instead, as far as it is known."""
    knowing = [version for version in kube_versions() if KubernetesSchemas(version).knows(api_version, kind)]
    if knowing:
        return f"{_span(knowing)} has it"
    removed = removed_in(api_version, kind)
    if removed is not None:
        return f"it is gone since {removed[0]}; use {removed[1]}" if removed[1] else f"it is gone since {removed[0]}"
    group = api_version.rpartition("/")[0]
    newest = KubernetesSchemas(kube_versions()[-1])
    other = [one for one in ("v1", "v2", "v1beta1") if newest.knows(f"{group}/{one}" if group else one, kind)]
    return f"Kubernetes has it in {f'{group}/{other[0]}' if group else other[0]}" if other else ""


def _since(obj: RenderedObject, fault: SchemaFault) -> str:
    """Which versions of Kubernetes would take an unknown field."""
    if fault.expected or " is not a field " not in fault.message:
        return ""
    # Known kinds only: a version without the kind finds nothing wrong with it.
    taking = [
        version
        for version in kube_versions()
        if (schemas := KubernetesSchemas(version)).knows(obj.api_version, obj.kind)
        and not any(other.path == fault.path for other in schemas.validate(obj.data))
    ]
    return f"{_span(taking)} has it" if taking else ""


def _span(versions: Sequence[str]) -> str:
    known = kube_versions()
    first, last = known.index(versions[0]), known.index(versions[-1])
    if Counter(versions) != Counter(known[first : last + 1]):
        return f"Kubernetes {_listed(versions)}"
    if last == len(known) - 1 and first:
        return f"Kubernetes {versions[0]} and newer"
    return f"Kubernetes {versions[0]}" + (f" to {versions[-1]}" if first != last else "")


def _listed(versions: Mapping[str, None] | Sequence[str]) -> str:
    names = list(versions)
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
