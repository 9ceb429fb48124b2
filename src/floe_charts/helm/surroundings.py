"""What stands around the pods of a part: how they are found, reached and scaled, and who they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from floe_charts.helm.expr import expression, node_of
from floe_charts.helm.functions import and_, default, gt, matches, present, ternary
from floe_charts.helm.nodes import Call
from floe_charts.helm.pieces import when
from floe_charts.helm.spec import INTEGER
from floe_charts.helm.values import IngressValues, RouteValues
from floe_charts.helm.workload_values import AccountPodValues, WorkloadValues

if TYPE_CHECKING:
    from floe_charts.helm.component import Component

__all__ = ["Surroundings", "autoscaled"]


class Surroundings:
    """A named part of a component, and the objects around its pods. They share one name, labels and ports."""

    def __init__(
        self,
        component: Component[Any],
        name: str,
        ports: Mapping[str, int],
        *,
        object_name: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """``ports`` maps the name of a port to its number.

        Where there are several parts called ``name``, one for each entry of a map among the values, each has an
        ``object_name``, which follows the chart's full name in place of ``name``, and ``labels`` of its own.
        """
        self.component = component
        self.part_name = name
        self.ports = dict(ports)
        self.own_labels = component.chart.own_labels(labels or {}, beside_values=True)
        self._object_name = object_name or name

    @property
    def name(self) -> str:
        """The name of the part's objects."""
        return self.component.name(self._object_name)

    def metadata(self, **more: Any) -> dict[str, Any]:
        """The metadata of an object of this part."""
        labels = {**self.own_labels, **more.pop("labels", {})}
        return self.component.metadata(self.name, self.part_name, labels=labels, **more)

    @property
    def selector(self) -> dict[str, Any]:
        """The labels of the part's pods that never change."""
        return {**self.component.selector(self.part_name), **self.own_labels}

    # Who the pods are, and how many

    def service_account_name(self, values: AccountPodValues) -> str:
        """The name of the ServiceAccount that the values name, else the part's own."""
        return default(values.service_account.name, self.name)

    def add_service_account(self, values: AccountPodValues, name: str | None = None) -> None:
        """Add the ServiceAccount, without a token in pods that do not ask for one; ``name`` begins its file's name."""
        account = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {
                **self.metadata(annotations=values.service_account.annotations),
                "name": self.service_account_name(values),
            },
            "automountServiceAccountToken": False,
        }
        with self.component.when(values.service_account.create):
            self.component.add(account, name=name)

    def add_scaling(self, values: WorkloadValues, name: str | None = None, *, kind: str = "Deployment") -> None:
        """Add HorizontalPodAutoscaler and PodDisruptionBudget, each where the values ask for it and it makes sense.

        An autoscaler needs a CPU request to count by. A budget is there only for more than one pod, and lets at least
        one go, so that it never stops a drain.
        """
        scaling, budget = values.autoscaling, values.pod_disruption_budget
        with self.component.when(autoscaled(values)):
            maximum = expression(Call("max", (node_of(scaling.min_replicas), node_of(scaling.max_replicas)), INTEGER))
            self.component.add(
                self.horizontal_pod_autoscaler(
                    minimum=scaling.min_replicas,
                    maximum=maximum,
                    cpu_percent=scaling.target_cpu_utilization_percentage,
                    kind=kind,
                ),
                name=name,
            )
        several = gt(ternary(autoscaled(values), scaling.min_replicas, values.replicas), 1)
        with self.component.when(and_(budget.enabled, several)):
            self.component.add(self.pod_disruption_budget(max_unavailable=budget.max_unavailable), name=name)

    def horizontal_pod_autoscaler(
        self, *, minimum: int, maximum: int, cpu_percent: int, kind: str = "Deployment"
    ) -> dict[str, Any]:
        """A HorizontalPodAutoscaler of the part's workload on CPU, in percent of what its pods request."""
        metric = {
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": cpu_percent}},
        }
        target = {"apiVersion": "apps/v1", "kind": kind, "name": self.name}
        spec = {"scaleTargetRef": target, "minReplicas": minimum, "maxReplicas": maximum, "metrics": [metric]}
        return {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": self.metadata(),
            "spec": spec,
        }

    def pod_disruption_budget(self, *, max_unavailable: int) -> dict[str, Any]:
        """A PodDisruptionBudget that lets a drain take ``max_unavailable`` pods at once, and unready ones always."""
        spec = {
            "maxUnavailable": max_unavailable,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": self.selector},
        }
        return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": self.metadata(), "spec": spec}

    # How they are reached

    def service(
        self,
        *,
        headless: bool = False,
        name: str | None = None,
        annotations: Mapping[str, Any] | None = None,
        **spec: Any,
    ) -> dict[str, Any]:
        """A Service for the part's ports; ``spec`` are further fields as Kubernetes names them."""
        ports = [{"name": port, "port": number, "targetPort": port} for port, number in self.ports.items()]
        marks = {} if annotations is None else annotations
        metadata = {**self.metadata(annotations=marks), "name": name or self.name}
        cluster_ip = {"clusterIP": "None"} if headless else {}
        body = {**cluster_ip, **spec, "selector": self.selector, "ports": ports}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": body}

    def ingress(self, values: IngressValues, *, port: str | None = None) -> dict[str, Any]:
        """An Ingress to the part's Service, to its first port or the one named ``port``.

        Whether there is one is for the caller to say: ``with self.when(v.ingress.enabled):``.
        """
        backend = {"service": {"name": self.name, "port": {"name": port or next(iter(self.ports))}}}
        path = {"path": values.path, "pathType": "Prefix", "backend": backend}
        spec = {
            "ingressClassName": values.class_name,
            "rules": [{"host": values.host, "http": {"paths": [path]}}],
            "tls": when(present(values.tls_secret), [{"hosts": [values.host], "secretName": values.tls_secret}]),
        }
        # Where it is absent, an annotation of the same key stays.
        issuer = when(present(values.cluster_issuer), {"cert-manager.io/cluster-issuer": values.cluster_issuer})
        metadata = self.metadata(annotations={**values.annotations, **issuer})
        return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}

    def http_route(self, values: RouteValues, *, port: str | None = None) -> dict[str, Any]:
        """An HTTPRoute of the Gateway API to the part's Service, to its first port or the one named ``port``.

        Whether there is one is for the caller to say: ``with self.when(v.route.enabled):``.
        """
        gateway = {
            "name": values.gateway.name,
            "namespace": values.gateway.namespace,
            "sectionName": values.gateway.section_name,
        }
        match = {"path": {"type": "PathPrefix", "value": values.path}}
        backend = {"name": self.name, "port": self.ports[port or next(iter(self.ports))]}
        spec = {
            "parentRefs": [gateway],
            "hostnames": values.hostnames,
            "rules": [{"matches": [match], "backendRefs": [backend]}],
        }
        metadata = self.metadata(annotations=values.annotations)
        return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": metadata, "spec": spec}


def autoscaled(values: WorkloadValues) -> bool:
    """Whether an autoscaler sets the number of pods: the values ask for one, and there is a CPU request to count by."""
    return and_(values.autoscaling.enabled, matches(values.resources.requests.cpu, "[1-9]"))
