"""What the containers of a pod mention of the pod itself: volumes, ports of probes, variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from floe_charts.verify.pods import PodTemplate
from floe_charts.verify.references.index import Index
from floe_charts.verify.references.nodes import list_at, maps_at, number_of, suggestion, text_at
from floe_charts.verify.references.report import Report
from floe_charts.verify.references.services import port_list
from floe_charts.verify.values import Path

__all__ = ["judge_containers"]

_PROBES = (
    ("livenessProbe",),
    ("readinessProbe",),
    ("startupProbe",),
    ("lifecycle", "postStart"),
    ("lifecycle", "preStop"),
)
_VARIABLE = re.compile(r"(?<!\$)(?:\$\$)*\$\(([A-Z_][A-Z0-9_]*)\)")
_OF_SERVICES = re.compile(r"^KUBERNETES_|_SERVICE_HOST$|_SERVICE_PORT|_PORT(_\d+_(TCP|UDP)(_(ADDR|PORT|PROTO))?)?$")
_SHELLS = frozenset({"-c", "-ec", "-exc", "-xc", "-lc", "-euc", "-eu", "-euxc", "-cex", "-ce"})


def judge_containers(index: Index, report: Report) -> None:
    """Every container of every pod template."""
    for pod in index.pods:
        volumes = {text_at(one, "name") for _, one in maps_at(pod.spec, "volumes")}
        volumes |= {
            text_at(one, "metadata", "name") for _, one in maps_at(pod.owner.data, "spec", "volumeClaimTemplates")
        }
        for where, container in pod.containers():
            _judge_mounts(report, pod, where, container, volumes)
            _judge_ports(report, pod, where, container)
            _judge_variables(index, report, pod, where, container)


def _judge_mounts(
    report: Report, pod: PodTemplate, where: Path, container: Mapping[str, object], volumes: set[str]
) -> None:
    for field in ("volumeMounts", "volumeDevices"):
        for at, mount in maps_at(container, field):
            name, path = text_at(mount, "name"), (*where, *at, "name")
            report.look(pod.owner, path)
            if name and name not in volumes:
                message = f"mounts the volume {name}, which the pod does not have"
                report.add("missing-volume", pod.owner, path, message, suggestion(name, volumes, "add it to volumes"))


def _judge_ports(report: Report, pod: PodTemplate, where: Path, container: Mapping[str, object]) -> None:
    ports = list(maps_at(container, "ports"))
    names: set[str] = set()
    numbers: set[tuple[str, str]] = set()
    for at, port in ports:
        name, number = text_at(port, "name"), (str(port.get("containerPort")), str(port.get("protocol", "TCP")))
        if name and name in names:
            message = f"is {name}, the name of another port of the container"
            report.add("duplicate-port", pod.owner, (*where, *at, "name"), message, "give each port a name of its own")
        elif number in numbers:
            message = f"is {number[0]} ({number[1]}), which another port of the container is, too"
            hint = "declare it once"
            report.add("duplicate-port", pod.owner, (*where, *at, "containerPort"), message, hint, "warning")
        names.add(name)
        numbers.add(number)
    for probe in _PROBES:
        for handler in ("httpGet", "tcpSocket"):
            path = (*probe, handler, "port")
            named = text_at(container, *path)
            if not named or number_of(named) is not None:
                continue
            report.look(pod.owner, (*where, *path))
            if named not in names:
                declared = port_list([one for _, one in ports], "containerPort")
                message = f"names port {named}, but the container declares {declared}"
                hint = suggestion(named, names - {""}, "name one of its ports")
                report.add("probe-port", pod.owner, (*where, *path), message, hint)


def _judge_variables(
    index: Index, report: Report, pod: PodTemplate, where: Path, container: Mapping[str, object]
) -> None:
    bulk = _from_bulk(index, pod, container)
    defined: dict[str, Path] = {}
    later = {text_at(one, "name") for _, one in maps_at(container, "env")}
    for at, variable in maps_at(container, "env"):
        name, path = text_at(variable, "name"), (*where, *at)
        if bulk is not None:
            _judge_text(report, pod, (*path, "value"), text_at(variable, "value"), {*defined, *bulk}, later)
        if name and name in defined:
            message = f"sets {name}, which stands in the list before: Kubernetes takes the last one"
            report.add("duplicate-variable", pod.owner, (*path, "name"), message, "set it once", "warning")
        defined.setdefault(name, path)
    if bulk is None or _is_shell(container):
        return
    for field in ("command", "args"):
        for place, text in enumerate(list_at(container, field)):
            if isinstance(text, str):
                _judge_text(report, pod, (*where, field, place), text, {*defined, *bulk}, set())


def _judge_text(
    report: Report, pod: PodTemplate, path: Path, text: str, defined: Iterable[str], later: set[str]
) -> None:
    if "$(" not in text:
        return
    known = set(defined)
    for name in dict.fromkeys(_VARIABLE.findall(text)):
        report.look(pod.owner, path, name)
        if name in known or _OF_SERVICES.search(name):
            continue
        if name in later:
            message = f"mentions $({name}), which is set only later in the list: Kubernetes leaves it as it stands"
            report.add("undefined-variable", pod.owner, path, message, f"set {name} before it", "warning")
        else:
            message = f"mentions $({name}), which the container does not set: Kubernetes leaves it as it stands"
            hint = suggestion(name, known - {""}, f"set {name} in env, or write $$({name}) for the text itself")
            report.add("undefined-variable", pod.owner, path, message, hint, "warning")


def _from_bulk(index: Index, pod: PodTemplate, container: Mapping[str, object]) -> set[str] | None:
    """The variables that envFrom brings; None where that cannot be known."""
    found: set[str] = set()
    for _, one in maps_at(container, "envFrom"):
        for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            name = text_at(one, field, "name")
            if not name:
                continue
            entries = index.find(kind, index.namespace_of(pod.owner), name)
            if not entries or any(entry.keys is None for entry in entries):
                return None
            found |= {text_at(one, "prefix") + key for entry in entries for key in entry.keys or ()}
    return found


def _is_shell(container: Mapping[str, object]) -> bool:
    """Whether a shell reads the command: there, ``$(NAME)`` runs a program."""
    words = [*list_at(container, "command"), *list_at(container, "args")]
    return any(isinstance(word, str) and (word in _SHELLS or word.endswith("sh")) for word in words)
