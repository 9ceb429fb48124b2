"""What selects pods or Services must select some, and lead to ports that they have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.pods import PodTemplate
from floe_charts.verify.references.excuses import Excuses
from floe_charts.verify.references.index import Index
from floe_charts.verify.references.labels import best, fits, is_empty, nearly, plain, shown, wanted
from floe_charts.verify.references.nodes import list_at, map_at, maps_at, text_at
from floe_charts.verify.references.report import Report
from floe_charts.verify.references.services import judge_pod_port, service_port
from floe_charts.verify.values import Path

__all__ = ["judge_selectors"]

_INSTANCE, _NAME = "app.kubernetes.io/instance", "app.kubernetes.io/name"


def judge_selectors(index: Index, excuses: Excuses, report: Report) -> None:
    """The selectors of Services, workloads, budgets, network policies and monitors, and the ports they lead to."""
    judge = _Judge(index, excuses, report)
    for obj in index.objects:
        rule = _RULES.get((obj.api_version.rpartition("/")[0], obj.kind))
        if rule is not None and index.is_ours(index.namespace_of(obj)):
            rule(judge, obj)


class _Judge:
    def __init__(self, index: Index, excuses: Excuses, report: Report) -> None:
        self._index = index
        self._excuses = excuses
        self._report = report

    def _select(
        self, rule: str, obj: RenderedObject, path: Path, pairs: Mapping[str, object], pods: Sequence[PodTemplate]
    ) -> None:
        """Tell that a selector finds no pod, or why it cannot be known."""
        labels = [pod.labels for pod in pods]
        hint = nearly(pairs, labels)
        excuse = None if hint else self._excuses.for_labels(pairs)
        if excuse is not None:
            self._report.unjudged("pods", shown(pairs), obj, path, *excuse)
            return
        closest = best(pairs, [(str(pod.owner), pod.labels) for pod in pods])
        message = f"selects {shown(pairs)}, which no pod of the release carries{f' ({closest})' if closest else ''}"
        self._report.add(rule, obj, path, message, hint or "select labels that the pod template carries")

    def service(self, obj: RenderedObject) -> None:
        """The faults of a Service: its selector and its target ports."""
        spec = map_at(obj.data, "spec")
        pairs = map_at(spec, "selector")
        if not pairs or spec.get("type") == "ExternalName":
            return
        path: Path = ("spec", "selector")
        pods = self._index.pods_in(self._index.namespace_of(obj))
        self._report.look(obj, path)
        selected = [pod for pod in pods if plain(pairs, pod.labels)]
        if not selected:
            self._select("service-selects-nothing", obj, path, pairs, pods)
            return
        for at, port in maps_at(spec, "ports"):
            # Kubernetes takes a targetPort of 0 or "" for none.
            field = "targetPort" if port.get("targetPort") else "port"
            target = port.get(field)
            if field == "targetPort" or spec.get("clusterIP") != "None":
                judge_pod_port(
                    self._report, "service-target-port", obj, ("spec", *at, field), target, selected, "it selects"
                )

    def workload(self, obj: RenderedObject) -> None:
        """The faults of a workload: its selector against the labels of its own pods."""
        pod, selector = self._index.pod_of(obj), map_at(obj.data, "spec", "selector")
        if pod is None or (not selector and obj.kind != "ReplicationController"):
            return
        path: Path = ("spec", "selector")
        self._report.look(obj, path)
        if not fits(selector, pod.labels):
            pairs = wanted(selector)
            missing = {key: value for key, value in pairs.items() if str(pod.labels.get(key, "")) != str(value)}
            message = f"selects {shown(missing or pairs)}, but its own pods carry {shown(pod.labels) or 'none'}"
            self._report.add("workload-selector", obj, path, message, "give selector and template the same labels")
        name = text_at(obj.data, "spec", "serviceName") if obj.kind == "StatefulSet" else ""
        service = self._index.service(self._index.namespace_of(obj), name) if name else None
        pairs = dict(map_at(service.data, "spec", "selector")) if service is not None else {}
        if pairs and not plain(pairs, pod.labels):
            message = f"mentions Service {name}, which selects {shown(pairs)} and so not the pods of this StatefulSet"
            self._report.add(
                "governing-service", obj, ("spec", "serviceName"), message, "name the one that does", "warning"
            )

    def budget(self, obj: RenderedObject) -> None:
        self._pods_of("budget-selects-nothing", obj, ("spec", "selector"))

    def policy(self, obj: RenderedObject) -> None:
        """The faults of a NetworkPolicy: its pods, its peers and its ports."""
        selected = self._pods_of("policy-selects-nothing", obj, ("spec", "podSelector"))
        for direction, side in (("ingress", "from"), ("egress", "to")):
            for at, rule in maps_at(obj.data, "spec", direction):
                for peer_at, peer in maps_at(rule, side):
                    self._peer(obj, (*at, *peer_at), peer)
                for port_at, port in maps_at(rule, "ports"):
                    if direction == "ingress" and selected and "endPort" not in port:
                        judge_pod_port(
                            self._report,
                            "policy-port",
                            obj,
                            (*at, *port_at, "port"),
                            port.get("port"),
                            selected,
                            "the policy selects",
                            "warning",
                        )

    def _peer(self, obj: RenderedObject, path: Path, peer: Mapping[str, object]) -> None:
        selector = map_at(peer, "podSelector")
        if "namespaceSelector" in peer or is_empty(selector):
            return
        pods, pairs = self._index.pods_in(self._index.namespace_of(obj)), wanted(selector)
        names = {str(pod.labels[_NAME]) for pod in pods if _NAME in pod.labels}
        if pairs.get(_INSTANCE) != self._index.release and str(pairs.get(_NAME)) not in names:
            return
        self._report.look(obj, (*path, "podSelector"))
        if not any(fits(selector, pod.labels) for pod in pods):
            self._select("policy-peer", obj, (*path, "podSelector"), pairs, pods)

    def _pods_of(self, rule: str, obj: RenderedObject, path: Path) -> list[PodTemplate]:
        """The pods that a LabelSelector finds; a finding where there are none, and none are hidden."""
        selector = map_at(obj.data, *path)
        if is_empty(selector):
            return []
        pods = self._index.pods_in(self._index.namespace_of(obj))
        self._report.look(obj, path)
        selected = [pod for pod in pods if fits(selector, pod.labels)]
        if not selected:
            self._select(rule, obj, path, wanted(selector), pods)
        return selected

    def pod_monitor(self, obj: RenderedObject) -> None:
        """The faults of a PodMonitor: the pods it selects and their ports."""
        if self._foreign(obj):
            return
        selected = self._pods_of("monitor-selects-nothing", obj, ("spec", "selector"))
        for at, endpoint in maps_at(obj.data, "spec", "podMetricsEndpoints"):
            if selected and text_at(endpoint, "port"):
                judge_pod_port(
                    self._report, "monitor-port", obj, (*at, "port"), endpoint.get("port"), selected, "it selects"
                )

    def service_monitor(self, obj: RenderedObject) -> None:
        """The faults of a ServiceMonitor: the Services it selects and their ports."""
        selector = map_at(obj.data, "spec", "selector")
        if self._foreign(obj) or is_empty(selector):
            return
        path: Path = ("spec", "selector")
        services = self._index.services(self._index.namespace_of(obj))
        labels = [(str(one), map_at(one.metadata, "labels")) for one in services]
        selected = [one for one, (_, carried) in zip(services, labels, strict=True) if fits(selector, carried)]
        self._report.look(obj, path)
        if not selected:
            pairs = wanted(selector)
            hint = nearly(pairs, [carried for _, carried in labels])
            excuse = None if hint else self._excuses.for_labels(pairs)
            if excuse is not None:
                self._report.unjudged("Services", shown(pairs), obj, path, *excuse)
                return
            closest = best(pairs, labels)
            more = f" ({closest})" if closest else ""
            message = f"selects {shown(pairs)}, which no Service of the release carries{more}"
            self._report.add("monitor-selects-nothing", obj, path, message, hint or "select labels of a Service")
        for at, endpoint in maps_at(obj.data, "spec", "endpoints"):
            port = text_at(endpoint, "port")
            self._report.look(obj, (*at, "port"))
            if port and selected and all(_lacks(one, port) for one in selected):
                found = f"Service {selected[0].name}, {service_port(selected[0], port)}"
                message = f"names port {port}, but it selects {found}"
                self._report.add("monitor-port", obj, (*at, "port"), message, "name a port of the Service")

    def _foreign(self, obj: RenderedObject) -> bool:
        names = list_at(obj.data, "spec", "namespaceSelector", "matchNames")
        return bool(names) and self._index.namespace_of(obj) not in names


def _lacks(service: RenderedObject, port: str) -> bool:
    return all(text_at(one, "name") != port for _, one in maps_at(service.data, "spec", "ports"))


_RULES: Mapping[tuple[str, str], Callable[[_Judge, RenderedObject], None]] = {
    ("", "Service"): _Judge.service,
    ("apps", "Deployment"): _Judge.workload,
    ("apps", "StatefulSet"): _Judge.workload,
    ("apps", "DaemonSet"): _Judge.workload,
    ("apps", "ReplicaSet"): _Judge.workload,
    ("policy", "PodDisruptionBudget"): _Judge.budget,
    ("networking.k8s.io", "NetworkPolicy"): _Judge.policy,
    ("monitoring.coreos.com", "ServiceMonitor"): _Judge.service_monitor,
    ("monitoring.coreos.com", "PodMonitor"): _Judge.pod_monitor,
}
