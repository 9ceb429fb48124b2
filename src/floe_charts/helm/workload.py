"""A part: the pods of one kind, what runs them (Deployment, StatefulSet, Job), and what stands around them.

Small functions that return manifests as Kubernetes writes them; no second object model beside Kubernetes' own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from floe_charts.helm.containers import pod_security
from floe_charts.helm.extras import extra_mounts, extra_volumes, refuse_meeting, refuse_volumes, sees_extra_volumes
from floe_charts.helm.functions import nonempty, not_
from floe_charts.helm.pieces import when
from floe_charts.helm.surroundings import Surroundings, autoscaled
from floe_charts.helm.values import Image
from floe_charts.helm.workload_values import AccountPodValues, PodValues, WorkloadValues, declared_as

if TYPE_CHECKING:
    from floe_charts.helm.component import Template

__all__ = ["Part"]


class Part(Surroundings):
    """A named part of a component: the objects made from it share one name, one set of labels and one set of ports."""

    def container(
        self,
        image: Image | str,
        *,
        name: str | None = None,
        env: Mapping[str, Any] | None = None,
        mounts: Mapping[str, Any] | None = None,
        values: PodValues | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """The part's main container, called like the part, with its ports.

        ``values`` add their extra environment variables and volumes; ``more`` is what
        :func:`~floe_charts.helm.container` takes. Raises :class:`DeclarationError` where a variable or a volume of the
        chart's own could meet an extra one.
        """
        if values is not None:
            refuse_meeting(env or {}, mounts or {}, values)
            env = {**(env or {}), **values.extra_env}
        more.setdefault("ports", self.ports)
        made = self.component.container(name or self.part_name, image, env=env, mounts=mounts, **more)
        if values is not None:
            made["volumeMounts"] = [*made.get("volumeMounts", []), *extra_mounts(values)]
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
        spec = {
            **_number(replicas, values),
            "selector": {"matchLabels": self.selector},
            **({"strategy": strategy} if strategy else {}),
            "template": self._template(image, containers, values, more),
        }
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": self.metadata(), "spec": spec}

    def stateful_set(
        self,
        *,
        service: str,
        replicas: Any = None,
        image: Image | str | None = None,
        containers: Sequence[Any] = (),
        volume_claims: Sequence[Any] = (),
        values: PodValues | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """A StatefulSet governed by the headless Service ``service``; the other arguments are those of a Deployment.

        It has one pod where neither ``replicas`` nor ``values`` say how many. ``claim_retention`` is its
        ``persistentVolumeClaimRetentionPolicy``.
        """
        retention = more.pop("claim_retention", None)
        spec = {
            "replicas": 1,
            **_number(replicas, values),
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
        fields = {"restartPolicy": "Never", **more.pop("pod", {})}
        annotations = {
            "helm.sh/hook": hook,
            "helm.sh/hook-weight": str(hook_weight),
            "helm.sh/hook-delete-policy": "before-hook-creation",
        }
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": self.metadata(annotations=annotations if hook else {}),
            "spec": self.job_spec(
                self.pod(containers, values=values, pod=fields, **more),
                deadline=deadline,
                backoff_limit=backoff_limit,
                ttl=ttl,
            ),
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
        account = declared_as(values, AccountPodValues)
        if account is not None:
            pod_fields.setdefault("service_account", self.service_account_name(account))
            grace = {"terminationGracePeriodSeconds": account.termination_grace_period_seconds}
            pod_fields["pod"] = {**grace, **pod_fields.get("pod", {})}
        if image is not None:
            containers = [self.container(image, values=values, **more), *containers]
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
        checksums: Mapping[str, Template | str] | None = None,
        values: PodValues | None = None,
    ) -> dict[str, Any]:
        """A pod template: labels, checksum annotations, a restricted security context, no service account token.

        ``checksums`` maps a name to the template (or its file) whose change shall roll the pods; ``pod`` are further
        fields of the pod's spec as Kubernetes names them; ``values`` say where the pods run and what is added to them,
        the extra volumes where a container sees them. Raises :class:`DeclarationError` for a volume or a label that an
        extra one could meet.
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
        if values is not None and sees_extra_volumes([*init_containers, *containers], values):
            refuse_volumes(mounted)
            mounted += extra_volumes(values)
        if mounted:
            spec["volumes"] = mounted
        # Not the chart's version, which would roll the pods at every release.
        shared = self.component.chart.pod_labels(values.pod_labels if values is not None else None)
        own = self.component.chart.own_labels(labels or {}, beside_values=values is not None)
        tags = {**shared, "app.kubernetes.io/component": self.part_name, **self.own_labels, **own}
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


def _number(replicas: Any, values: PodValues | None) -> dict[str, Any]:
    """The field ``replicas`` of a workload."""
    workload = declared_as(values, WorkloadValues)
    if replicas is None and workload is not None:
        # A number here would fight with the HorizontalPodAutoscaler at every upgrade.
        replicas = when(not_(autoscaled(workload)), workload.replicas)
    return {"replicas": replicas} if replicas is not None else {}


_POD_FIELDS = frozenset({"annotations", "checksums", "init_containers", "labels", "pod", "service_account", "volumes"})
