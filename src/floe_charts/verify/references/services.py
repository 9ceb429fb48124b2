"""The ports of Services and pods, and what a Service selects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from floe_charts.verify.findings import Severity
from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.pods import PodTemplate
from floe_charts.verify.references.nodes import list_at, maps_at, number_of, suggestion, text_at
from floe_charts.verify.references.report import Report
from floe_charts.verify.values import Path

__all__ = ["container_ports", "declares_all_ports", "judge_pod_port", "port_list", "service_port"]


def service_port(service: RenderedObject, port: object) -> str:
    """Empty where the Service has this port, a number or a name; else ``which has port http (80)``."""
    ports = [one for _, one in maps_at(service.data, "spec", "ports")]
    number = number_of(port)
    for one in ports:
        if port == text_at(one, "name") or (number is not None and number == number_of(one.get("port"))):
            return ""
    return f"which has {port_list(ports, 'port')}"


def port_list(ports: Iterable[Mapping[str, object]], field: str) -> str:
    """``ports http (80), metrics (9090)``."""
    shown = []
    for one in ports:
        name, number = text_at(one, "name"), one.get(field)
        shown.append(f"{name} ({number})" if name else str(number))
    if not shown:
        return "no ports"
    shown = list(dict.fromkeys(shown))
    return f"port{'s' * (len(shown) > 1)} {', '.join(shown[:8])}{' and more' * (len(shown) > 8)}"


def container_ports(pods: Iterable[PodTemplate]) -> list[tuple[PodTemplate, Path, Mapping[str, object]]]:
    """All ports that containers of these pods declare, those of sidecars among the init containers too."""
    return [
        (pod, (*where, *at), port)
        for pod in pods
        for where, container in _running(pod)
        for at, port in maps_at(container, "ports")
    ]


def _running(pod: PodTemplate) -> Iterator[tuple[Path, Mapping[str, object]]]:
    for where, container in pod.containers(("initContainers", "containers")):
        if where[-2] == "containers" or container.get("restartPolicy") == "Always":
            yield where, container


def declares_all_ports(pod: PodTemplate) -> bool:
    """Whether each container of the pod says which ports it listens on; one that says none may listen on any."""
    return all(list_at(container, "ports") for _, container in _running(pod))


def judge_pod_port(
    report: Report,
    rule: str,
    owner: RenderedObject,
    path: Path,
    port: object,
    pods: Sequence[PodTemplate],
    what: str,
    severity: Severity = "error",
) -> None:
    """Find fault where ``port``, a number or a name, is a port of none of the pods that ``what`` leads to.

    Kubernetes lets a container listen on ports that it does not declare; a number is a fault only where every container
    declares ports, and this is none of them.
    """
    ports = container_ports(pods)
    report.look(owner, path, "port")
    number = number_of(port)
    if number is None and not isinstance(port, str):
        return
    known = [one for _, _, one in ports]
    if number is None:
        if any(text_at(one, "name") == port for one in known):
            return
    elif any(number_of(one.get("containerPort")) == number for one in known) or not all(
        declares_all_ports(pod) for pod in pods
    ):
        return
    workloads = ", ".join(dict.fromkeys(str(pod.owner) for pod in pods))
    message = f"leads to port {port}, but {workloads}, which {what}, has {port_list(known, 'containerPort')}"
    if number is None:
        names = [text_at(one, "name") for one in known]
        # As near as can be, and yet another thing.
        other = {"http": "https", "https": "http"}.get(str(port), "")
        hint = suggestion(str(port), [one for one in names if one != other], "name one of its ports")
        report.add(rule, owner, path, message, hint, severity)
    else:
        report.add(rule, owner, path, message, "name one of its ports, or declare this one", "warning")
