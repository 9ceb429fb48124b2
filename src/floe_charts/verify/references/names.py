"""Whether what is mentioned exists, has the key, and exists by the time it is needed."""

from __future__ import annotations

from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.references.excuses import Excuses
from floe_charts.verify.references.index import Entry, Index
from floe_charts.verify.references.labels import plain
from floe_charts.verify.references.mentions import Mention, mentions
from floe_charts.verify.references.nodes import map_at, near_identical, number_of, suggestion
from floe_charts.verify.references.report import EXTERNAL, Report
from floe_charts.verify.references.services import service_port
from floe_charts.verify.values import Path

__all__ = ["judge_names"]

_RULES = {
    "Secret": "missing-secret",
    "ConfigMap": "missing-config-map",
    "ServiceAccount": "missing-service-account",
    "PersistentVolumeClaim": "missing-volume-claim",
    "Service": "missing-service",
    "Role": "missing-role",
    "ClusterRole": "missing-role",
}
_INSTALL_FIRST = "pre-install"


def judge_names(index: Index, excuses: Excuses, report: Report) -> None:
    """Every mention of an object, and of a key or port of it."""
    missing: dict[tuple[str, str, str, str], dict[Path, Mention]] = {}
    timed: set[tuple[str, str, str, str]] = set()
    for mention in mentions(index):
        if mention.outside:
            _judge_outside(index, report, mention)
            continue
        entries = index.find(mention.kind, mention.namespace, mention.name)
        if not entries and not index.is_ours(mention.namespace) and not _elsewhere(index, mention):
            continue
        report.look(mention.owner, mention.key_path or mention.path)
        both = (mention.owner.template, str(mention.owner), mention.kind, mention.name)
        if not entries:
            if mention.path:
                missing.setdefault(both, {}).setdefault(mention.path, mention)
            continue
        if mention.key:
            _judge_key(report, mention, entries)
        if mention.port is not None:
            _judge_port(index, report, mention)
        if mention.in_pod and both not in timed:
            timed.add(both)
            _judge_time(report, mention, entries)
    for places in missing.values():
        _missing(index, excuses, report, list(places.values()))


def _judge_outside(index: Index, report: Report, mention: Mention) -> None:
    known = index.names(mention.kind, mention.namespace)
    if not known:
        return
    report.look(mention.owner, mention.path)
    near = near_identical(mention.name, known) if mention.name not in known else ""
    if near:
        message = f"mentions {_called(mention)}, which is not in the release"
        report.add("misspelt-name", mention.owner, mention.path, message, f"did you mean {near}?")


def _elsewhere(index: Index, mention: Mention) -> bool:
    here = index.place_of(mention.kind, index.namespace)
    found = index.find(mention.kind, here, mention.name)
    return mention.name != "default" and any(entry.obj is not None for entry in found)


def _missing(index: Index, excuses: Excuses, report: Report, places: list[Mention]) -> None:
    """One finding for all places in which one object mentions what is not there; its path is the first of them."""
    mention = places[0]
    known = index.names(mention.kind, mention.namespace)
    excuse = None if near_identical(mention.name, known) else excuses.for_name(mention.kind, mention.name)
    if excuse is not None:
        report.unjudged(_plain(mention.kind), mention.name, mention.owner, mention.path, *excuse)
        return
    where = ", which is not in the release"
    hint = suggestion(mention.name, known, excuses.hint_for(mention.name) or EXTERNAL)
    governing = mention.path == ("spec", "serviceName") and mention.owner.kind == "StatefulSet"
    if governing:
        hint = _governing_hint(index, mention)
    if not index.is_ours(mention.namespace):
        where = f" in the namespace {mention.namespace}, where the release puts none"
        hint = f"the release's own is in {index.namespace}"
    more = len(places) - 1
    also = f" (and in {more} more place{'s' * (more != 1)})" if more else ""
    # A StatefulSet runs without its governing Service; its pods just have no names in DNS.
    rule = "governing-service" if governing else _RULES.get(mention.kind, "missing-target")
    message = f"mentions {_called(mention)}{also}{where}"
    report.add(rule, mention.owner, mention.path, message, hint, "warning" if governing else "error")


def _governing_hint(index: Index, mention: Mention) -> str:
    """The Service that selects the pods of the StatefulSet, a headless one first; else that one is to be made."""
    pod = index.pod_of(mention.owner)
    selecting = [
        one
        for one in index.services(index.namespace_of(mention.owner))
        if pod is not None and (pairs := map_at(one.data, "spec", "selector")) and plain(pairs, pod.labels)
    ]
    selecting.sort(key=lambda one: map_at(one.data, "spec").get("clusterIP") != "None")
    if selecting:
        return f"{selecting[0]} selects its pods: name that one, or add a headless Service of this name"
    return "add a headless Service of this name that selects its pods"


def _judge_key(report: Report, mention: Mention, entries: list[Entry]) -> None:
    if any(entry.keys is None or mention.key in entry.keys for entry in entries):
        return
    keys = sorted({key for entry in entries for key in entry.keys or ()})
    there = f"it holds {', '.join(keys[:8])}{' and more' * (len(keys) > 8)}" if keys else "it holds none"
    message = f"mentions the key {mention.key} of {_called(mention)}, which has no such key: {there}"
    report.add("missing-key", mention.owner, mention.key_path, message, suggestion(mention.key, keys, "add the key"))


def _judge_port(index: Index, report: Report, mention: Mention) -> None:
    service = index.service(mention.namespace, mention.name)
    if service is None or map_at(service.data, "spec").get("type") == "ExternalName":
        return
    report.look(mention.owner, mention.port_path)
    problem = service_port(service, mention.port)
    if problem:
        shown = number_of(mention.port) or mention.port
        message = f"mentions port {shown} of Service {mention.name}, {problem}"
        report.add("missing-service-port", mention.owner, mention.port_path, message, "name one of its ports")


def _judge_time(report: Report, mention: Mention, entries: list[Entry]) -> None:
    """Hooks run before or after the release: what they need must be there by then, and what stays must outlive them."""
    makers = [entry.maker for entry in entries]
    if None in makers:
        return
    made = [maker for maker in makers if maker is not None]
    owner = mention.owner
    if _INSTALL_FIRST in owner.hooks:
        report.look(owner, mention.path, "time")
        if any(_before(maker, owner) for maker in made):
            return
        if all(not maker.hooks for maker in made):
            late = "which belongs to the release and does not exist yet when the pre-install hook runs"
        else:
            late = "which is a hook, too, but one that is made later than this one"
        message = f"mentions {_called(mention)}, {late}"
        hint = f"make {mention.name} a pre-install hook of a lower weight, or this one a post-install hook"
        report.add("hook-too-early", owner, mention.path, message, hint)
    elif not owner.hooks and all(maker.hooks and not maker.hooks & _LASTING for maker in made):
        report.look(owner, mention.path, "time")
        when = ", ".join(sorted({hook for maker in made for hook in maker.hooks}))
        message = f"mentions {_called(mention)}, which is made by a hook ({when}) and is not there at install"
        hint = f"take the annotation helm.sh/hook away from {mention.name}"
        report.add("made-by-later-hook", owner, mention.path, message, hint)


_LASTING = frozenset({"pre-install", "post-install"})


def _before(maker: RenderedObject, owner: RenderedObject) -> bool:
    """Helm sorts hooks by weight, then by kind, so that a ConfigMap comes before a Job of the same weight."""
    return _INSTALL_FIRST in maker.hooks and _weight(maker) <= _weight(owner)


def _weight(obj: RenderedObject) -> int:
    text = str(map_at(obj.metadata, "annotations").get("helm.sh/hook-weight", "0")).strip()
    try:
        return int(text)
    except ValueError:
        return 0


def _plain(kind: str) -> str:
    return kind.partition(".")[0]


def _called(mention: Mention) -> str:
    return f"{_plain(mention.kind)} {mention.name}"
