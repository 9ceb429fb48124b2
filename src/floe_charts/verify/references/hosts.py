"""Services that stand in texts: a URL in a variable, ``name:port`` in a configuration file."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.references.excuses import Excuses
from floe_charts.verify.references.index import Index
from floe_charts.verify.references.labels import plain
from floe_charts.verify.references.nodes import list_at, map_at, maps_at, near_identical, suggestion, text_at
from floe_charts.verify.references.report import EXTERNAL, Report
from floe_charts.verify.references.services import container_ports, service_port
from floe_charts.verify.values import Path

__all__ = ["Host", "hosts_in", "judge_hosts"]

_DEFAULT_PORTS: Mapping[str, int] = {
    "http": 80, "https": 443, "ws": 80, "wss": 443, "postgres": 5432, "postgresql": 5432, "mysql": 3306, "redis": 6379,
    "mongodb": 27017, "amqp": 5672, "nats": 4222, "ldap": 389, "ldaps": 636,
}  # fmt: skip
_SCHEMES = "|".join(
    sorted(
        {*_DEFAULT_PORTS, "grpc", "grpcs", "tcp", "udp", "tls", "rediss", "amqps", "kafka", "otlp", "memcached"},
        key=len,
        reverse=True,
    )
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_URL = re.compile(
    rf"(?<![\w+.-])({_SCHEMES})://(?:[^\s/@\"'<>$]*@)?({_LABEL}(?:\.{_LABEL})*)\.?(?::(\d+))?(?=[/?#,;\"'\s)\]}}>\\]|$)"
)
_SVC = re.compile(rf"(?<![\w-])({_LABEL})\.({_LABEL})\.svc(?![\w-])(?:\.cluster\.local\.?)?(?::(\d+)(?![\w.]))?")
_BARE = re.compile(rf"(?<![\w./:@%$={{-])({_LABEL}):(\d{{2,5}})(?![\w.:-])|(?<==)({_LABEL}):(\d{{2,5}})(?![\w.:-])")
_COMMENT = re.compile(r"^\s*(#|//|;|--\s)|\bimage\b", re.IGNORECASE)
_HINT = re.compile(r"://|\.svc|:\d\d")


class Host(NamedTuple):
    """A mention of a host; ``namespace`` is empty for a single label, ``port`` None where none is named or implied."""

    name: str
    namespace: str
    port: int | None
    text: str
    url: bool


@lru_cache(maxsize=4096)
def hosts_in(text: str) -> tuple[Host, ...]:
    """The hosts in a text, each once; comment lines and those that name images are not read."""
    if _HINT.search(text) is None:
        return ()
    found: dict[Host, None] = {}
    for line in text.splitlines():
        if _HINT.search(line) is None or _COMMENT.search(line):
            continue
        line = line.split(" #", 1)[0]
        for match in _URL.finditer(line):
            scheme, host, port = match.group(1), match.group(2), match.group(3)
            if "." not in host:
                number = int(port) if port else _DEFAULT_PORTS.get(scheme)
                found.setdefault(Host(host, "", number, match.group(0), True))
        for match in _SVC.finditer(line):
            number = int(match.group(3)) if match.group(3) else None
            found.setdefault(Host(match.group(1), match.group(2), number, match.group(0), False))
        for match in _BARE.finditer(line):
            host, port = match.group(1) or match.group(3), match.group(2) or match.group(4)
            if not host.isdigit():
                found.setdefault(Host(host, "", int(port), match.group(0), False))
    return tuple(found)


def judge_hosts(index: Index, excuses: Excuses, report: Report) -> None:
    """Every host in the variables, commands, ConfigMaps and Secrets of a rendering."""
    fullnames = _fullnames(index)
    for owner, path, text, in_pod in _texts(index):
        for host in hosts_in(text):
            _judge_host(index, excuses, report, fullnames, owner, path, host, in_pod)


def _texts(index: Index) -> Iterator[tuple[RenderedObject, Path, str, bool]]:
    for pod in index.pods:
        for where, container in pod.containers():
            for at, variable in maps_at(container, "env"):
                yield pod.owner, (*where, *at, "value"), text_at(variable, "value"), True
            for field in ("command", "args"):
                for place, one in enumerate(list_at(container, field)):
                    if isinstance(one, str):
                        yield pod.owner, (*where, field, place), one, True
    for obj in index.objects:
        if obj.kind in ("ConfigMap", "Secret"):
            for field in ("data", "stringData"):
                for key, one in map_at(obj.data, field).items():
                    if isinstance(one, str):
                        text = _decoded(one) if obj.kind == "Secret" and field == "data" else one
                        yield obj, (field, str(key)), text, False


@lru_cache(maxsize=1024)
def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode()
    except (binascii.Error, ValueError):
        return ""


def _fullnames(index: Index) -> tuple[str, ...]:
    """What names of the release's own Services begin with: the release's name, and names that others build on."""
    names = index.names("Service", index.namespace)
    stems = {name for name in names if any(other.startswith(f"{name}-") for other in names)}
    return (index.release, *sorted(stems - {index.release}))


def _judge_host(
    index: Index,
    excuses: Excuses,
    report: Report,
    fullnames: tuple[str, ...],
    owner: RenderedObject,
    path: Path,
    host: Host,
    in_pod: bool,
) -> None:
    here = index.namespace_of(owner)
    place = host.namespace or here
    if not index.is_ours(place):
        return
    if index.find("Service", place, host.name):
        report.look(owner, path, host.text)
        service = index.service(place, host.name)
        if service is not None and host.port is not None:
            _judge_port(index, report, owner, path, host, service)
        return
    known = [name for name in index.names("Service", place) if name]
    evident = bool(host.namespace) or any(host.name == stem or host.name.startswith(f"{stem}-") for stem in fullnames)
    near = near_identical(host.name, known)
    if not evident and in_pod and host.url:
        near = near or next((name for name in sorted(known) if name == f"{index.release}-{host.name}"), "")
        evident = bool(near)
    if not evident:
        return
    report.look(owner, path, host.text)
    excuse = None if near else excuses.for_name("Service", host.name)
    if excuse is not None:
        report.unjudged("Service", host.name, owner, path, *excuse)
        return
    if not near:
        serving = [name for name in known if _may_serve(index.service(place, name), host.port)]
        hint = suggestion(host.name, serving, excuses.hint_for(host.name) or EXTERNAL)
    else:
        hint = f"did you mean {near}?"
    message = f"mentions {_without_login(host.text)}, but Service {host.name} is not in the release"
    report.add("missing-host", owner, path, message, hint)


def _may_serve(service: RenderedObject | None, port: int | None) -> bool:
    return service is None or port is None or not service_port(service, port)


def _judge_port(
    index: Index, report: Report, owner: RenderedObject, path: Path, host: Host, service: RenderedObject
) -> None:
    spec = map_at(service.data, "spec")
    problem = service_port(service, host.port)
    if not problem or spec.get("type") == "ExternalName" or not map_at(spec, "selector"):
        return
    if spec.get("clusterIP") == "None":
        # A headless Service is but a name for its pods, and any port of theirs will do.
        all_pods = index.pods_in(index.namespace_of(service))
        pods = [pod for pod in all_pods if plain(map_at(spec, "selector"), pod.labels)]
        if not pods or any(port.get("containerPort") == host.port for _, _, port in container_ports(pods)):
            return
    message = f"mentions {_without_login(host.text)}, that is port {host.port} of Service {service.name}, {problem}"
    report.add("host-port", owner, path, message, "name one of its ports")


def _without_login(text: str) -> str:
    """A URL without the user and the password that may stand in it."""
    return re.sub(r"://[^/@]*@", "://", text)
