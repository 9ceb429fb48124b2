"""Does every pod meet the Pod Security Standard: those of hooks, tests and templates inside ConfigMaps too?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from floe_charts.documents import child_path
from floe_charts.verify.findings import CheckResult, Finding, Progress, merge_cases, no_progress
from floe_charts.verify.kube_yaml import YamlFault, read_documents
from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.pod_security_controls import Pod, violations
from floe_charts.verify.pods import PodTemplate, pod_templates
from floe_charts.verify.subject import PodSecurityLevel, Rendering, Subject
from floe_charts.verify.values import Path, get_at

__all__ = ["check_pod_security"]

CHECK = "pod-security"

# A pod template file (Airflow's, Dagster's) has a few kB; what is much larger is data.
_LONGEST_TEMPLATE = 256 * 1024
# Custom resources out of which an operator makes pods of its own shape.
_MAKE_PODS = frozenset(
    {
        ("argoproj.io", "CronWorkflow"),
        ("argoproj.io", "Workflow"),
        ("argoproj.io", "WorkflowTemplate"),
        ("kafka.strimzi.io", "Kafka"),
        ("kafka.strimzi.io", "KafkaConnect"),
        ("monitoring.coreos.com", "Alertmanager"),
        ("monitoring.coreos.com", "Prometheus"),
        ("monitoring.coreos.com", "PrometheusAgent"),
        ("monitoring.coreos.com", "ThanosRuler"),
        ("opentelemetry.io", "OpenTelemetryCollector"),
        ("postgresql.cnpg.io", "Cluster"),
        ("postgresql.cnpg.io", "Pooler"),
        ("ray.io", "RayCluster"),
        ("sparkoperator.k8s.io", "SparkApplication"),
    }
)


def check_pod_security(subject: Subject, progress: Progress = no_progress) -> CheckResult:
    """Hold every pod of every case against ``subject.pod_security``, as Kubernetes' admission plugin does.

    The standard is that of the newest Kubernetes, whatever versions the chart is for. Looked at are the pod templates
    of Kubernetes' own workloads, of custom ones with a ``spec.template`` like a Deployment's (Rollout, Knative's
    Service), and the ``kind: Pod`` documents in ConfigMaps, out of which programs make pods. The figure names the
    objects that make pods of a shape of their own. The rule of a finding is the control's name.
    """
    findings: list[Finding] = []
    seen: dict[tuple[str, Path], int] = {}
    unjudged: set[str] = set()
    renderings = subject.newest
    for done, rendering in enumerate(renderings):
        progress(done, len(renderings))
        for obj, inside, template in _templates(rendering):
            pod = Pod(template)
            place = (str(obj), (*inside, *template.path))
            seen[place] = max(len(pod.containers), seen.get(place, 0))
            findings += _findings(obj, inside, pod, rendering.case.name, subject.pod_security)
        unjudged.update(obj.kind for obj in rendering.objects if (_group(obj), obj.kind) in _MAKE_PODS)
    progress(len(renderings), len(renderings))
    return CheckResult(CHECK, _figure(subject, len(seen), sum(seen.values()), unjudged), merge_cases(findings))


def _figure(subject: Subject, pods: int, containers: int, unjudged: set[str]) -> str:
    counted = f"{pods} pod{'s' * (pods != 1)} with {containers} container{'s' * (containers != 1)}"
    figure = f"{counted}, {subject.pod_security}" if pods else f"no pods, {subject.pod_security}"
    if unjudged:
        figure += f"; not judged: the pods that {', '.join(sorted(unjudged))} make{'s' * (len(unjudged) == 1)}"
    return figure


_Found = tuple[RenderedObject, Path, PodTemplate]


def _findings(obj: RenderedObject, inside: Path, pod: Pod, case: str, level: PodSecurityLevel) -> Iterator[Finding]:
    for control, violation in violations(pod, level):
        yield Finding(
            CHECK,
            f"{control.title}: {violation.found}",
            where=obj.template,
            object=str(obj),
            path=_text((*inside, *violation.path)),
            hint=violation.hint,
            rule=control.rule,
            cases=(case,),
        )


def _templates(rendering: Rendering) -> Iterator[_Found]:
    """Each pod template: the object of the release, the place of a document inside it (or ``()``), the template."""
    for template in pod_templates(rendering.objects):
        yield template.owner, (), template
    for obj in rendering.objects:
        if obj.kind == "ConfigMap" and obj.api_version == "v1":
            yield from _in_config_map(obj)
        elif "." in _group(obj):
            yield from _in_custom(obj)


def _in_custom(obj: RenderedObject) -> Iterator[_Found]:
    spec = get_at(obj.data, ("spec", "template", "spec"))
    if isinstance(spec, Mapping) and isinstance(spec.get("containers"), list):
        yield obj, (), PodTemplate(obj, ("spec", "template"), spec, {})


def _in_config_map(obj: RenderedObject) -> Iterator[_Found]:
    data = obj.data.get("data")
    for key, text in data.items() if isinstance(data, Mapping) else ():
        if not isinstance(text, str) or "Pod" not in text or "containers" not in text or len(text) > _LONGEST_TEMPLATE:
            continue
        try:
            documents = read_documents(text)
        except YamlFault:
            continue
        for document in documents:
            if isinstance(document, Mapping) and document.get("kind") == "Pod":
                inner = RenderedObject(obj.template, obj.index, document)
                for template in pod_templates([inner]):
                    yield obj, ("data", key), template


def _group(obj: RenderedObject) -> str:
    return obj.api_version.rpartition("/")[0]


def _text(path: Path) -> str:
    text = ""
    for step in path:
        text = child_path(text, step)
    return text
