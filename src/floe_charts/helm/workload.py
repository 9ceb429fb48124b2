"""A part: the objects that are made around one kind of pod, from its Deployment to its Ingress.

Small functions that return manifests as Kubernetes writes them; no second object model beside Kubernetes' own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from floe_charts.errors import DeclarationError
from floe_charts.helm.containers import pod_security
from floe_charts.helm.expr import expression, node_of, whole_expression
from floe_charts.helm.functions import and_, default, gt, matches, nonempty, not_, present, ternary
from floe_charts.helm.kubernetes_types import EXTRA_MOUNT_PATTERN
from floe_charts.helm.nodes import Call
from floe_charts.helm.pieces import each, when
from floe_charts.helm.spec import INTEGER
from floe_charts.helm.values import Image, IngressValues, RouteValues
from floe_charts.helm.workload_values import RESERVED_VOLUMES, PodValues, WorkloadValues

if TYPE_CHECKING:
    from floe_charts.helm.component import Component, Template

__all__ = ["Part"]


class Part:
    """A named part of a component: the objects made from it share one name, one set of labels and one set of ports."""

    def __init__(self, component: Component[Any], name: str, ports: Mapping[str, int]) -> None:
        """``ports`` maps the name of a port to its number."""
        self.component = component
        self.part_name = name
        self.ports = dict(ports)

    @property
    def name(self) -> str:
        """The name of the part's objects."""
        return self.component.name(self.part_name)

    def metadata(self, **more: Any) -> dict[str, Any]:
        """The metadata of an object of this part."""
        return self.component.metadata(self.name, self.part_name, **more)

    @property
    def selector(self) -> dict[str, Any]:
        """The labels of the part's pods that never change."""
        return self.component.selector(self.part_name)

    # Workloads

    def container(
        self,
        image: Image | str,
        *,
        name: str | None = None,
        env: Mapping[str, Any] | None = None,
        mounts: Mapping[str, str] | None = None,
        values: PodValues | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """The part's main container, called like the part, with its ports.

        ``values`` add their extra environment variables and volumes; ``more`` is what
        :func:`~floe_charts.helm.container` takes. Raises :class:`DeclarationError` where a variable or a volume of the
        chart's own could meet an extra one.
        """
        if values is not None:
            _refuse_meeting(env or {}, mounts or {}, values)
            env = {**(env or {}), **values.extra_env}
        more.setdefault("ports", self.ports)
        made = self.component.container(name or self.part_name, image, env=env, mounts=mounts, **more)
        if values is not None:
            extra = each(values.extra_volumes, lambda volume, body: {"name": volume, **body.mount})
            made["volumeMounts"] = [*made.get("volumeMounts", []), *extra]
        return made

    def deployment(
        self,
        *,
        replicas: Any = None,
        image: Image | str | None = None,
        containers: Sequence[Any] = (),
        values: PodValues | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """A Deployment.

        With ``image`` one container named like the part is made from ``env``, ``resources``, ``mounts``, ``args``,
        ``livenessProbe`` and the other arguments of :func:`container` (``security`` is the container's); or give
        ``containers``. ``pod_security`` and the rest go to :meth:`pod`; ``strategy`` to the Deployment. ``values`` are
        what the values say of the pods; where they are :class:`WorkloadValues` of their number too.
        """
        strategy = more.pop("strategy", None)
        template = self._template(image, containers, values, more)
        if replicas is None and values is not None and hasattr(values, "autoscaling"):
            # A number here would fight with the HorizontalPodAutoscaler at every upgrade.
            sized = cast("WorkloadValues", values)
            replicas = when(not_(autoscaled(sized)), sized.replicas)
        spec = {
            **({"replicas": replicas} if replicas is not None else {}),
            "selector": {"matchLabels": self.selector},
            **({"strategy": strategy} if strategy else {}),
            "template": template,
        }
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": self.metadata(), "spec": spec}

    def stateful_set(
        self,
        *,
        service: str,
        replicas: Any = 1,
        image: Image | str | None = None,
        containers: Sequence[Any] = (),
        volume_claims: Sequence[Any] = (),
        values: PodValues | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """A StatefulSet governed by the headless Service ``service``; the other arguments are those of a Deployment.

        ``claim_retention`` is its ``persistentVolumeClaimRetentionPolicy``.
        """
        retention = more.pop("claim_retention", None)
        spec = {
            "replicas": replicas,
            "serviceName": service,
            "selector": {"matchLabels": self.selector},
            **({"persistentVolumeClaimRetentionPolicy": retention} if retention else {}),
            "template": self._template(image, containers, values, more),
            **({"volumeClaimTemplates": list(volume_claims)} if volume_claims else {}),
        }
        return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": self.metadata(), "spec": spec}

    def job(
        self,
        containers: Sequence[Any],
        *,
        hook: str = "",
        hook_weight: int = 0,
        deadline: int = 600,
        backoff_limit: int = 3,
        ttl: int = 3600,
        values: PodValues | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """A Job that runs once; with ``hook`` (``post-install,post-upgrade``) as a hook of Helm, made anew each time.

        ``deadline`` and ``ttl`` in seconds, the latter after its end; ``more`` goes to :meth:`pod`.
        """
        pod = self.pod(containers, values=values, **{**more, "pod": {"restartPolicy": "Never", **more.pop("pod", {})}})
        annotations = {
            "helm.sh/hook": hook,
            "helm.sh/hook-weight": str(hook_weight),
            "helm.sh/hook-delete-policy": "before-hook-creation",
        }
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": self.metadata(annotations=annotations if hook else {}),
            "spec": self.job_spec(pod, deadline=deadline, backoff_limit=backoff_limit, ttl=ttl),
        }

    def job_spec(self, pod: Mapping[str, Any], *, deadline: int, backoff_limit: int, ttl: int) -> dict[str, Any]:
        """The spec of a Job around the pod template ``pod``; ``deadline`` and ``ttl`` in seconds."""
        return {
            "activeDeadlineSeconds": deadline,
            "backoffLimit": backoff_limit,
            "ttlSecondsAfterFinished": ttl,
            "template": pod,
        }

    def _template(
        self, image: Image | str | None, containers: Sequence[Any], values: PodValues | None, more: dict[str, Any]
    ) -> dict[str, Any]:
        pod_fields = {key: more.pop(key) for key in tuple(more) if key in _POD_FIELDS}
        if "pod_security" in more:
            pod_fields["security"] = more.pop("pod_security")
        if values is not None and hasattr(values, "service_account"):
            sized = cast("WorkloadValues", values)
            pod_fields.setdefault("service_account", self.service_account_name(sized))
            grace = {"terminationGracePeriodSeconds": sized.termination_grace_period_seconds}
            pod_fields["pod"] = {**grace, **pod_fields.get("pod", {})}
        if image is not None:
            main = self.container(image, values=values, **more)
            containers = [main, *containers]
        elif more:
            raise TypeError(f"without image, {', '.join(more)} must be said in containers")
        return self.pod(containers, values=values, **pod_fields)

    def pod(
        self,
        containers: Sequence[Any],
        *,
        annotations: Mapping[str, Any] | None = None,
        labels: Mapping[str, Any] | None = None,
        volumes: Sequence[Any] = (),
        init_containers: Sequence[Any] = (),
        security: Mapping[str, Any] | None = None,
        service_account: str | None = None,
        pod: Mapping[str, Any] | None = None,
        checksums: Mapping[str, Template] | None = None,
        values: PodValues | None = None,
    ) -> dict[str, Any]:
        """A pod template: labels, checksum annotations, a restricted security context, no service account token.

        ``checksums`` maps a name to the template whose change shall roll the pods; ``pod`` are further fields of the
        pod's spec as Kubernetes names them; ``values`` say where the pods run and what is added to them. Raises
        :class:`DeclarationError` for a volume whose name an extra one could have.
        """
        sums = {f"checksum/{name}": self.component.checksum(template) for name, template in (checksums or {}).items()}
        more = values.pod_annotations if values is not None else {}
        marks = {**self.component.chart.common_annotations, **({} if annotations is None else annotations), **more}
        marks.update(sums)
        spec: dict[str, Any] = {"automountServiceAccountToken": False, **({} if pod is None else pod)}
        if service_account is not None:
            spec["serviceAccountName"] = service_account
        spec.update(self.component.chart.pull_secrets)
        if values is not None:
            spec.update(self._placement(values))
        spec["securityContext"] = dict(pod_security(uid=10001) if security is None else security)
        if init_containers:
            spec["initContainers"] = list(init_containers)
        spec["containers"] = list(containers)
        mounted = list(volumes)
        if values is not None:
            _refuse_volumes(mounted)
            mounted += each(values.extra_volumes, lambda volume, body: {"name": volume, **body.volume})
        if mounted:
            spec["volumes"] = mounted
        # Not the chart's version, which would roll the pods at every release.
        own = self.component.chart.pod_labels(values.pod_labels if values is not None else None)
        tags = {**own, "app.kubernetes.io/component": self.part_name, **(labels or {})}
        return {"metadata": {**({"annotations": marks} if marks else {}), "labels": tags}, "spec": spec}

    def _placement(self, values: PodValues) -> dict[str, Any]:
        alike = {"labelSelector": {"matchLabels": self.selector}}
        apart = {"weight": 100, "podAffinityTerm": {**alike, "topologyKey": "kubernetes.io/hostname"}}
        spread = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
        return {
            "priorityClassName": values.priority_class_name,
            "nodeSelector": values.node_selector,
            "affinity": when(
                nonempty(values.affinity),
                values.affinity,
                {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [apart]}},
            ),
            "tolerations": values.tolerations,
            "topologySpreadConstraints": when(
                nonempty(values.topology_spread_constraints),
                values.topology_spread_constraints,
                [{**spread, **alike}],
            ),
        }

    # Around the workload

    def service_account_name(self, values: WorkloadValues) -> str:
        """The name of the ServiceAccount that the values name, else the part's own."""
        return default(values.service_account.name, self.name)

    def add_service_account(self, values: WorkloadValues, name: str | None = None) -> None:
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
        metadata = self.component.metadata(name or self.name, self.part_name, annotations=marks)
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
        issuer = {"cert-manager.io/cluster-issuer": values.cluster_issuer}
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


def autoscaled(values: WorkloadValues) -> bool:
    """Whether an autoscaler sets the number of pods: the values ask for one, and there is a CPU request to count by."""
    return and_(values.autoscaling.enabled, matches(values.resources.requests.cpu, "[1-9]"))


def _refuse_meeting(env: Mapping[str, Any], mounts: Mapping[str, str], values: PodValues) -> None:
    """Refuse a variable or a path of the chart's own that an extra one could have."""
    node = whole_expression(values.extra_env)
    refused = dict(node.spec.bounds).get("not", {}).get("anyOf", ()) if node is not None else ()
    kept = {one["required"][0] for one in refused}
    free = [name for name in env if isinstance(name, str) and name not in kept]
    if free:
        raise DeclarationError(
            f"the variables {', '.join(free)} could meet extra ones: extra_env: Annotated[ExtraEnv, Without(...)]"
        )
    for path in mounts.values():
        if re.search(EXTRA_MOUNT_PATTERN, path):
            raise DeclarationError(f"{path} could be the path of an extra volume; take one elsewhere, such as /etc/...")


def _refuse_volumes(volumes: Sequence[Any]) -> None:
    for volume in volumes:
        name = volume.get("name") if isinstance(volume, Mapping) else None
        if name is not None and name not in RESERVED_VOLUMES:
            raise DeclarationError(f"an extra volume could be called {name} too; take one of RESERVED_VOLUMES")


_POD_FIELDS = frozenset({"annotations", "checksums", "init_containers", "labels", "pod", "service_account", "volumes"})
