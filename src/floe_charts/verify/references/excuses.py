"""Why it cannot be known whether something exists: it may be made by what nobody sees before the chart runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.references.absent import Absent
from floe_charts.verify.references.controllers import understood
from floe_charts.verify.references.index import Index, is_custom
from floe_charts.verify.references.nodes import list_at, map_at, maps_at

__all__ = ["Excuse", "Excuses"]

_WRITES = frozenset({"create", "update", "patch", "*"})
_PODS = frozenset(["*", "pods", "jobs", "deployments", "statefulsets", "daemonsets", "replicasets", "cronjobs"])
_RESOURCES: Mapping[str, str] = {
    "Secret": "secrets",
    "ConfigMap": "configmaps",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "PersistentVolumeClaim": "persistentvolumeclaims",
}
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")


class Excuse(NamedTuple):
    """``reason`` is for the finding, ``cause`` a word or two for the check's figure."""

    reason: str
    cause: str


class Excuses:
    """Answers for one rendering."""

    def __init__(self, index: Index, absent: Sequence[Absent], unreadable: Sequence[str] = ()) -> None:
        """``absent`` are the dependencies that this case does not show: switched off, or not in charts/.

        ``unreadable`` are the templates whose output is no YAML or no object, so that nobody knows what they make.
        """
        self._hidden = _hidden(unreadable)
        self._absent = [one for one in absent if one.enabled]
        self._off = [one for one in absent if not one.enabled]
        self._release = index.release
        self._custom = [obj for obj in index.objects if is_custom(obj) and not understood(obj) and obj.name]
        self._clusters: Mapping[str, Mapping[str, object]] = {
            obj.name: map_at(obj.data, "spec", "inheritedMetadata", "labels")
            for obj in index.objects
            if obj.kind == "Cluster" and is_custom(obj)
        }
        self._rules = [
            (obj, rule)
            for obj in index.objects
            if obj.kind in ("Role", "ClusterRole")
            for _, rule in maps_at(obj.data, "rules")
        ]
        self._words: dict[str, RenderedObject] = {}
        for pod in index.pods:
            for _, container in pod.containers():
                texts = [*list_at(container, "command"), *list_at(container, "args")]
                for word in {word for text in texts if isinstance(text, str) for word in _TOKEN.findall(text)}:
                    self._words.setdefault(word, pod.owner)

    def for_name(self, kind: str, name: str) -> Excuse | None:
        """Why ``kind name`` may exist though the release does not hold it."""
        for dependency in self._absent:
            if dependency.could_be(name):
                return _absent(dependency)
        if self._hidden is not None:
            return self._hidden
        for obj in self._custom:
            if obj.name != self._release and (name == obj.name or name.startswith(f"{obj.name}-")):
                return Excuse(f"the controller of {obj} may make it", "made by controllers")
        if kind not in _RESOURCES:
            return None
        for obj, rule in self._rules:
            named = name in list_at(rule, "resourceNames") and _RESOURCES[kind] in list_at(rule, "resources")
            if named and self._can_write(obj, kind):
                return Excuse(f"{obj} lets a pod of the release make it", "made at run time")
        maker = self._words.get(name) if kind in ("Secret", "ConfigMap") else None
        if maker is not None and any(self._can_write(obj, kind) for obj, _ in self._rules):
            return Excuse(f"{maker} names it in its command, so it may make it", "made at run time")
        return None

    def hint_for(self, name: str) -> str:
        """What to do about a missing name that a dependency which is switched off could make; empty for any other."""
        for dependency in self._off:
            if dependency.could_be(name):
                return f"the dependency {dependency.alias}, which could make it, is switched off"
        return ""

    def for_labels(self, labels: Mapping[str, object]) -> Excuse | None:
        """Why there may be pods with these labels though no pod template has them."""
        for dependency in self._absent:
            if any(isinstance(value, str) and dependency.could_be(value) for value in labels.values()):
                return _absent(dependency)
        if self._hidden is not None:
            return self._hidden
        cluster = labels.get("cnpg.io/cluster")
        if cluster is not None:
            return _pods_of(str(cluster)) if str(cluster) in self._clusters else None
        for name, inherited in self._clusters.items():
            if labels and labels.items() <= inherited.items():
                return _pods_of(name)
        if self._custom:
            return Excuse(f"the controller of {self._custom[0]} may make such pods", "made by controllers")
        for obj, rule in self._rules:
            if _PODS & _texts(rule, "resources") and {"create", "*"} & _texts(rule, "verbs"):
                return Excuse(f"{obj} lets a pod of the release make others", "made at run time")
        return None

    def _can_write(self, role: RenderedObject, kind: str) -> bool:
        return any(
            {_RESOURCES[kind], "*"} & _texts(rule, "resources") and _WRITES & _texts(rule, "verbs")
            for obj, rule in self._rules
            if obj is role
        )


def _hidden(unreadable: Sequence[str]) -> Excuse | None:
    if not unreadable:
        return None
    more = f" and {len(unreadable) - 1} more" if len(unreadable) > 1 else ""
    return Excuse(f"{unreadable[0]}{more} may make it, but gives no YAML that can be read", "unreadable templates")


def _absent(dependency: Absent) -> Excuse:
    called = dependency.alias if dependency.alias == dependency.name else f"{dependency.name} ({dependency.alias})"
    return Excuse(f"the dependency {called} is switched on, but is not in charts/", f"{dependency.alias} absent")


def _pods_of(cluster: str) -> Excuse:
    return Excuse(f"the controller of Cluster {cluster} makes such pods", "made by controllers")


def _texts(rule: Mapping[str, object], field: str) -> set[str]:
    return {one for one in list_at(rule, field) if isinstance(one, str)}
