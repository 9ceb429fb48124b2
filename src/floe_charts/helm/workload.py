"""The recurring pieces of a workload: containers, probes, security contexts, Services.

Small functions that return manifests as Kubernetes writes them; no second object model beside Kubernetes' own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from floe_charts.helm.expr import Splice, StrExpr, whole_expression
from floe_charts.helm.functions import present
from floe_charts.helm.pieces import Conditional, each, when
from floe_charts.helm.values import Image, IngressValues, Resources

if TYPE_CHECKING:
    from floe_charts.helm.component import Component, Template

__all__ = [
    "Part",
    "container",
    "env_list",
    "exec_probe",
    "field_ref",
    "http_probe",
    "image_name",
    "pod_security",
    "restricted_security",
    "secret_key",
    "tcp_probe",
]


def image_name(image: Image | str) -> str:
    """``repository:tag`` of an image among the values."""
    return image if isinstance(image, str) else f"{image.repository}:{image.tag}"


def secret_key(secret: str, key: str, *, optional: bool = False) -> dict[str, Any]:
    """The value of an environment variable taken from a Secret's key."""
    reference: dict[str, Any] = {"name": secret, "key": key}
    return {"valueFrom": {"secretKeyRef": {**reference, "optional": True} if optional else reference}}


def field_ref(path: str) -> dict[str, Any]:
    """The value of an environment variable taken from the pod's own fields, such as ``status.podIP``."""
    return {"valueFrom": {"fieldRef": {"fieldPath": path}}}


def env_list(env: Mapping[str, Any]) -> list[Any]:
    """Environment variables by name as the list that a container takes; a value is a text or a ``valueFrom`` mapping.

    ``{**v.extra, **when(v.debug, {...}), "NAME": when(a, "text")}`` do what they say; an optional value that is not set
    is no variable.
    """
    variables: list[Any] = []
    for name, value in {**env}.items():
        variables += _spliced_variables(value) if isinstance(name, Splice) else [_variable(name, value)]
    return variables


def _variable(name: str, value: Any) -> Any:
    if isinstance(value, Conditional):
        return value.of(lambda body: _variable(name, body))
    made = {"name": name, **(value if isinstance(value, Mapping) else {"value": value})}
    node = whole_expression(value)
    return when(present(value), made) if node is not None and node.spec.optional else made


def _spliced_variables(value: Any) -> list[Any]:
    if isinstance(value, Conditional):
        return [*value.of(env_list)]
    return [*each(value, lambda name, text: {"name": name, "value": text})]


def restricted_security(*, uid: int | None = None, read_only: bool = True) -> dict[str, Any]:
    """A container's security context that meets the Pod Security Standard ``restricted``."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": read_only,
        "runAsNonRoot": True,
        **({"runAsUser": uid} if uid is not None else {}),
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def pod_security(*, uid: int, gid: int | None = None, fs_group: int | None = None) -> dict[str, Any]:
    """A pod's security context that meets the Pod Security Standard ``restricted``."""
    return {
        **({"fsGroup": fs_group, "fsGroupChangePolicy": "OnRootMismatch"} if fs_group is not None else {}),
        "runAsGroup": gid if gid is not None else uid,
        "runAsNonRoot": True,
        "runAsUser": uid,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def http_probe(path: str, port: str | int, *, period: int = 10, failures: int = 3, timeout: int = 5) -> dict[str, Any]:
    """A probe that asks over HTTP; ``period`` and ``timeout`` in seconds."""
    return _probe({"httpGet": {"path": path, "port": port}}, period, failures, timeout)


def tcp_probe(port: str | int, *, period: int = 10, failures: int = 3, timeout: int = 5) -> dict[str, Any]:
    """A probe that opens a connection; ``period`` and ``timeout`` in seconds."""
    return _probe({"tcpSocket": {"port": port}}, period, failures, timeout)


def exec_probe(command: Sequence[str], *, period: int = 10, failures: int = 3, timeout: int = 5) -> dict[str, Any]:
    """A probe that runs a command in the container; ``period`` and ``timeout`` in seconds."""
    return _probe({"exec": {"command": list(command)}}, period, failures, timeout)


def _probe(action: dict[str, Any], period: int, failures: int, timeout: int) -> dict[str, Any]:
    return {**action, "periodSeconds": period, "timeoutSeconds": timeout, "failureThreshold": failures}


def container(
    name: str,
    image: Image | str,
    *,
    ports: Mapping[str, int] | None = None,
    env: Mapping[str, Any] | None = None,
    resources: Resources | None = None,
    security: Mapping[str, Any] | None = None,
    mounts: Mapping[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A container that meets the Pod Security Standard ``restricted``.

    ``mounts`` maps the name of a volume to where it is mounted. ``more`` are fields of the container as Kubernetes
    names them: ``args``, ``command``, ``livenessProbe``, ...
    """
    made: dict[str, Any] = {"name": name, "image": image_name(image), "imagePullPolicy": "IfNotPresent"}
    made.update({key: more.pop(key) for key in ("command", "args") if key in more})
    if env is not None and (variables := env_list(env)):
        made["env"] = variables
    made.update({key: more.pop(key) for key in ("envFrom",) if key in more})
    if ports:
        made["ports"] = [{"name": port, "containerPort": number} for port, number in ports.items()]
    made.update(more)
    if resources is not None:
        made["resources"] = resources
    made["securityContext"] = dict(restricted_security() if security is None else security)
    if mounts:
        made["volumeMounts"] = [{"name": volume, "mountPath": path} for volume, path in mounts.items()]
    return made


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

    def deployment(
        self, *, replicas: Any = None, image: Image | str | None = None, containers: Sequence[Any] = (), **more: Any
    ) -> dict[str, Any]:
        """A Deployment.

        With ``image`` one container named like the part is made from ``env``, ``resources``, ``mounts``, ``args``,
        ``livenessProbe`` and the other arguments of :func:`container` (``security`` is the container's); or give
        ``containers``. ``pod_security`` and the rest go to :meth:`pod`; ``strategy`` to the Deployment.
        """
        strategy = more.pop("strategy", None)
        template = self._template(image, containers, more)
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
        **more: Any,
    ) -> dict[str, Any]:
        """A StatefulSet governed by the headless Service ``service``; the other arguments are those of a Deployment."""
        spec = {
            "replicas": replicas,
            "serviceName": service,
            "selector": {"matchLabels": self.selector},
            "template": self._template(image, containers, more),
            **({"volumeClaimTemplates": list(volume_claims)} if volume_claims else {}),
        }
        return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": self.metadata(), "spec": spec}

    def _template(self, image: Image | str | None, containers: Sequence[Any], more: dict[str, Any]) -> dict[str, Any]:
        pod_fields = {key: more.pop(key) for key in tuple(more) if key in _POD_FIELDS}
        if "pod_security" in more:
            pod_fields["security"] = more.pop("pod_security")
        if image is not None:
            main = container(self.part_name, image, ports=self.ports, **more)
            containers = [main, *containers]
        elif more:
            raise TypeError(f"without image, {', '.join(more)} must be said in containers")
        return self.pod(containers, **pod_fields)

    def pod(
        self,
        containers: Sequence[Any],
        *,
        annotations: Mapping[str, Any] | None = None,
        volumes: Sequence[Any] = (),
        init_containers: Sequence[Any] = (),
        security: Mapping[str, Any] | None = None,
        pod: Mapping[str, Any] | None = None,
        checksums: Mapping[str, Template] | None = None,
    ) -> dict[str, Any]:
        """A pod template: labels, checksum annotations, a restricted security context, no service account token.

        ``checksums`` maps a name to the template whose change shall roll the pods; ``pod`` are further fields of the
        pod's spec as Kubernetes names them.
        """
        sums = {f"checksum/{name}": self.component.checksum(template) for name, template in (checksums or {}).items()}
        marks = {**({} if annotations is None else annotations), **sums}
        spec: dict[str, Any] = {"automountServiceAccountToken": False, **({} if pod is None else pod)}
        spec["securityContext"] = dict(pod_security(uid=10001) if security is None else security)
        if init_containers:
            spec["initContainers"] = list(init_containers)
        spec["containers"] = list(containers)
        if volumes:
            spec["volumes"] = list(volumes)
        # Not the chart's version, which would roll the pods at every release.
        return {"metadata": {**({"annotations": marks} if marks else {}), "labels": self.selector}, "spec": spec}

    def service(self, *, headless: bool = False, name: str | None = None, **spec: Any) -> dict[str, Any]:
        """A Service for the part's ports; ``spec`` are further fields as Kubernetes names them."""
        ports = [{"name": port, "port": number, "targetPort": port} for port, number in self.ports.items()]
        metadata = self.component.metadata(name or self.name, self.part_name)
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
        metadata = self.metadata(annotations=values.annotations)
        return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}

    def horizontal_pod_autoscaler(self, *, minimum: int, maximum: int, cpu_percent: int) -> dict[str, Any]:
        """A HorizontalPodAutoscaler of the part's Deployment on CPU, in percent of what its pods request."""
        metric = {
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": cpu_percent}},
        }
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": self.name}
        spec = {"scaleTargetRef": target, "minReplicas": minimum, "maxReplicas": maximum, "metrics": [metric]}
        return {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": self.metadata(),
            "spec": spec,
        }


_POD_FIELDS = frozenset({"annotations", "volumes", "init_containers", "pod", "checksums"})


def secret_volume(name: str, secret: str | StrExpr, **more: Any) -> dict[str, Any]:
    """A volume with the keys of a Secret as files."""
    return {"name": name, "secret": {"secretName": secret, **more}}
