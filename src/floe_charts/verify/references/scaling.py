"""Autoscalers that can work, and disruption budgets that let a node be drained."""

from __future__ import annotations

from collections.abc import Iterator

from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.pods import PodTemplate
from floe_charts.verify.references.index import Index, kind_of
from floe_charts.verify.references.labels import fits, is_empty
from floe_charts.verify.references.nodes import map_at, maps_at, number_of, text_at
from floe_charts.verify.references.report import Report
from floe_charts.verify.values import Path

__all__ = ["judge_scaling"]

_SCALED = frozenset({"Deployment", "StatefulSet", "ReplicaSet"})


def judge_scaling(index: Index, report: Report) -> None:
    """Each HorizontalPodAutoscaler against its target, each PodDisruptionBudget against the replicas it covers."""
    scaled: dict[int, RenderedObject] = {}
    for obj in index.objects:
        if obj.kind == "HorizontalPodAutoscaler":
            target = _target(index, obj)
            if target is not None:
                scaled[id(target)] = obj
                _judge_autoscaler(index, report, obj, target)
    for obj in index.objects:
        if obj.kind == "PodDisruptionBudget":
            _judge_budget(index, report, obj, scaled)


def _target(index: Index, obj: RenderedObject) -> RenderedObject | None:
    reference = map_at(obj.data, "spec", "scaleTargetRef")
    kind = kind_of(text_at(reference, "apiVersion"), text_at(reference, "kind"))
    entries = index.find(kind, index.namespace_of(obj), text_at(reference, "name"))
    return next((entry.obj for entry in entries if entry.obj is not None), None)


def _judge_autoscaler(index: Index, report: Report, obj: RenderedObject, target: RenderedObject) -> None:
    pod = index.pod_of(target)
    for path, resource, only in _resource_metrics(obj):
        report.look(obj, path)
        containers = _counted(pod) if pod is not None else []
        if only and containers and only not in [text_at(one, "name") for _, one in containers]:
            message = f"measures the container {only}, which {target} does not have"
            report.add("autoscaler-container", obj, path, message, "name one of its containers")
        for _, container in containers:
            name = text_at(container, "name")
            if only and name != only:
                continue
            # Kubernetes takes a limit for the request, where there is only the limit.
            asked = (*map_at(container, "resources", "requests"), *map_at(container, "resources", "limits"))
            if resource not in asked:
                message = f"scales by {resource}, but the container {name} of {target} requests no {resource}"
                hint = f"set resources.requests.{resource} of {name}; without it there is nothing to divide by"
                report.add("autoscaler-without-request", obj, path, message, hint)
    replicas = map_at(target.data, "spec").get("replicas")
    if replicas is not None:
        message = f"scales {target}, whose spec.replicas is set to {replicas}: each upgrade sets it back"
        hint = "leave spec.replicas out where the autoscaler is on"
        path = ("spec", "scaleTargetRef")
        report.add("replicas-beside-autoscaler", obj, path, message, hint, "note")


def _resource_metrics(obj: RenderedObject) -> Iterator[tuple[Path, str, str]]:
    """Path, resource, and the container, where the metric is of one alone."""
    spec = map_at(obj.data, "spec")
    if spec.get("targetCPUUtilizationPercentage") is not None:
        yield ("spec", "targetCPUUtilizationPercentage"), "cpu", ""
    for at, metric in maps_at(spec, "metrics"):
        for field in ("resource", "containerResource"):
            source = map_at(metric, field)
            # An average in absolute units needs no request to divide by.
            if text_at(source, "name") and map_at(source, "target").get("averageUtilization") is not None:
                only = text_at(source, "container") if field == "containerResource" else ""
                yield ("spec", *at, field), text_at(source, "name"), only
            elif text_at(source, "name") and source.get("targetAverageUtilization") is not None:
                yield ("spec", *at, field), text_at(source, "name"), ""


def _counted(pod: PodTemplate) -> list[tuple[Path, dict[str, object]]]:
    return [(where, dict(one)) for where, one in pod.containers(("containers",))]


def _judge_budget(index: Index, report: Report, obj: RenderedObject, scaled: dict[int, RenderedObject]) -> None:
    selector = map_at(obj.data, "spec", "selector")
    if is_empty(selector):
        return
    pods = index.pods_in(index.namespace_of(obj), hooks=False)
    owners = [pod.owner for pod in pods if fits(selector, pod.labels)]
    if not owners or any(owner.kind not in _SCALED for owner in owners):
        return
    counts = [_replicas(owner, scaled.get(id(owner))) for owner in owners]
    total = sum(count for count in counts if count is not None)
    if None in counts or total == 0:
        return
    for field, blocks in (("minAvailable", _all_needed), ("maxUnavailable", _none_spared)):
        value = map_at(obj.data, "spec").get(field)
        report.look(obj, ("spec", field))
        if value is not None and blocks(value, total):
            who = ", ".join(dict.fromkeys(map(str, owners)))
            least = "at times only " if any(id(owner) in scaled for owner in owners) else ""
            message = f"is {value}, and {who} runs {least}{total} pod{'s' * (total != 1)}, so none may be evicted"
            hint = "a node cannot be drained then; allow one, or make the budget only where there are several replicas"
            report.add("budget-never-evicts", obj, ("spec", field), message, hint, "warning")


def _replicas(owner: RenderedObject, autoscaler: RenderedObject | None) -> int | None:
    if autoscaler is not None:
        return number_of(map_at(autoscaler.data, "spec").get("minReplicas", 1))
    return number_of(map_at(owner.data, "spec").get("replicas", 1))


def _all_needed(value: object, total: int) -> bool:
    number = number_of(value)
    if number is not None:
        return number >= total
    share = _percent(value)
    # Kubernetes rounds up: 60 % of two pods are two.
    return share is not None and -(-share * total // 100) >= total


def _none_spared(value: object, total: int) -> bool:
    return number_of(value) == 0 or _percent(value) == 0


def _percent(value: object) -> int | None:
    return number_of(value[:-1]) if isinstance(value, str) and value.endswith("%") else None
