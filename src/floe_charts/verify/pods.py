"""The pods that objects make: where the pod template of each kind stands, and what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.values import MISSING, Path, get_at

__all__ = ["CONTAINER_LISTS", "PodTemplate", "pod_templates"]

CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")

_TEMPLATES: Mapping[str, Path] = {
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Deployment": ("spec", "template"),
    "Job": ("spec", "template"),
    "Pod": (),
    "PodTemplate": ("template",),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
}
_GROUPS = frozenset({"", "apps", "batch", "extensions"})


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """The pod template of an object; ``path`` leads to it inside the object, ``()`` for a Pod itself."""

    owner: RenderedObject
    path: Path
    spec: Mapping[str, object]
    labels: Mapping[str, object]

    def containers(self, lists: Sequence[str] = CONTAINER_LISTS) -> Iterator[tuple[Path, Mapping[str, object]]]:
        """Each container with its path inside the owner, init containers first."""
        for name in lists:
            found = self.spec.get(name)
            for index, one in enumerate(found if isinstance(found, list) else ()):
                if isinstance(one, Mapping):
                    yield (*self.path, "spec", name, index), one


def pod_templates(objects: Sequence[RenderedObject]) -> list[PodTemplate]:
    """The pod templates of Kubernetes' own kinds among ``objects``, hooks and tests included."""
    found = []
    for obj in objects:
        group = obj.api_version.rpartition("/")[0]
        if obj.kind not in _TEMPLATES or group not in _GROUPS:
            continue
        path = _TEMPLATES[obj.kind]
        template = get_at(obj.data, path)
        spec = get_at(template, ("spec",))
        labels = get_at(template, ("metadata", "labels"))
        if template is not MISSING and isinstance(spec, Mapping):
            found.append(PodTemplate(obj, path, spec, labels if isinstance(labels, Mapping) else {}))
    return found
