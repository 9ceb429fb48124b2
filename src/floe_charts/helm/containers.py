"""The recurring pieces of a container: environment variables, probes, security contexts, volumes.

Small functions that return manifests as Kubernetes writes them; no second object model beside Kubernetes' own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from floe_charts.helm.expr import Splice, StrExpr, whole_expression
from floe_charts.helm.functions import present
from floe_charts.helm.pieces import Conditional, each, when
from floe_charts.helm.values import Resources

__all__ = [
    "container",
    "env_list",
    "exec_probe",
    "field_ref",
    "grpc_probe",
    "http_probe",
    "pod_security",
    "restricted_security",
    "secret_key",
    "secret_volume",
    "tcp_probe",
]


def secret_key(secret: str, key: str, *, optional: bool = False) -> dict[str, Any]:
    """The value of an environment variable taken from a Secret's key."""
    reference: dict[str, Any] = {"name": secret, "key": key}
    return {"valueFrom": {"secretKeyRef": {**reference, "optional": True} if optional else reference}}


def field_ref(path: str) -> dict[str, Any]:
    """The value of an environment variable taken from the pod's own fields, such as ``status.podIP``."""
    return {"valueFrom": {"fieldRef": {"fieldPath": path}}}


def env_list(env: Mapping[str, Any]) -> list[Any]:
    """Environment variables by name as the list that a container takes; a value is a text or a ``valueFrom`` mapping.

    ``{**v.extra_env, **when(v.debug, {...}), "NAME": when(a, "text")}`` do what they say; an optional value that is not
    set is no variable.
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
    node = whole_expression(value)
    if node is not None and node.spec.item is not None and node.spec.item.kubernetes is not None:
        return [*each(value, lambda name, body: {"name": name, **body})]
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


def grpc_probe(
    port: int, service: str = "", *, period: int = 10, failures: int = 3, timeout: int = 5
) -> dict[str, Any]:
    """A probe that asks gRPC's health service about ``service``; ``period`` and ``timeout`` in seconds."""
    return _probe({"grpc": {"port": port, "service": service}}, period, failures, timeout)


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
    image: str,
    *,
    ports: Mapping[str, int] | None = None,
    env: Mapping[str, Any] | None = None,
    resources: Resources | None = None,
    security: Mapping[str, Any] | None = None,
    mounts: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A container of the image ``image`` (``repository:tag``) that meets the Pod Security Standard ``restricted``.

    ``mounts`` maps the name of a volume to where it is mounted, or to ``when(condition, path)``. ``more`` are fields of
    the container as Kubernetes names them: ``args``, ``command``, ``livenessProbe``, ...
    """
    made: dict[str, Any] = {"name": name, "image": image, "imagePullPolicy": "IfNotPresent"}
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
        made["volumeMounts"] = [_mount(volume, path) for volume, path in mounts.items()]
    return made


def _mount(volume: str, path: Any) -> Any:
    if isinstance(path, Conditional):
        return path.of(lambda body: _mount(volume, body))
    return {"name": volume, "mountPath": path}


def secret_volume(name: str, secret: str | StrExpr, **more: Any) -> dict[str, Any]:
    """A volume with the keys of a Secret as files."""
    return {"name": name, "secret": {"secretName": secret, **more}}
