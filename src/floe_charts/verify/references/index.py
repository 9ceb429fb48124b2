"""Everything that exists once a rendering is installed, found by kind, namespace and name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.pods import PodTemplate, pod_templates
from floe_charts.verify.references.controllers import made_by
from floe_charts.verify.references.nodes import map_at, maps_at, text_at
from floe_charts.verify.subject import Provided

__all__ = ["CLUSTER", "Entry", "Index", "is_custom", "kind_of"]

CLUSTER = ""
"""The namespace under which objects stand that belong to none."""

_CLUSTER_KINDS = frozenset(
    [
        "APIService",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "GatewayClass",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "PersistentVolume",
        "PriorityClass",
        "RuntimeClass",
        "StorageClass",
        "ValidatingWebhookConfiguration",
        "ClusterIssuer.cert-manager.io",
        "ClusterSecretStore.external-secrets.io",
    ]
)
_ALWAYS: tuple[tuple[str, str | None, str], ...] = (
    ("ServiceAccount", None, "default"),
    ("ConfigMap", None, "kube-root-ca.crt"),
    ("Service", "default", "kubernetes"),
    ("Namespace", CLUSTER, "default"),
    ("Role", "kube-system", "extension-apiserver-authentication-reader"),
    *(("ClusterRole", CLUSTER, name) for name in ("cluster-admin", "admin", "edit", "view")),
    *(("PriorityClass", CLUSTER, f"system-{one}-critical") for one in ("cluster", "node")),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that exists. ``keys`` are those of a Secret or ConfigMap, None where any may be there.

    ``obj`` is the object itself where it is in the release; ``maker`` is that too, or the object whose controller makes
    it; neither is known of what the user provides.
    """

    kind: str
    namespace: str | None
    name: str
    keys: frozenset[str] | None = None
    obj: RenderedObject | None = None
    maker: RenderedObject | None = None


def is_custom(obj: RenderedObject) -> bool:
    """Whether its kind is none of Kubernetes' own (nor of the SIGs, whose groups end in ``.k8s.io``)."""
    group = obj.api_version.rpartition("/")[0]
    return "." in group and not group.endswith(".k8s.io")


def kind_of(api_version: str, kind: str) -> str:
    """``Deployment`` for a kind of Kubernetes' own, else ``Kind.group``: Knative has a Service, too."""
    group = api_version.rpartition("/")[0]
    return f"{kind}.{group}" if "." in group and not group.endswith(".k8s.io") else kind


class Index:
    """Built once for a rendering; rules only ask."""

    def __init__(
        self, objects: tuple[RenderedObject, ...], release: str, namespace: str, provided: Iterable[Provided] = ()
    ) -> None:
        """``release`` and ``namespace`` are those that the objects were rendered with."""
        self.objects = objects
        self.release = release
        self.namespace = namespace
        self._entries: dict[tuple[str, str | None, str], list[Entry]] = {}
        self._names: dict[tuple[str, str | None], dict[str, None]] = {}
        self.pods: tuple[PodTemplate, ...] = tuple(pod_templates(objects)) + tuple(_custom_pods(objects))
        self._pods: dict[str, list[PodTemplate]] = {}
        for pod in self.pods:
            self._pods.setdefault(self.namespace_of(pod.owner), []).append(pod)
        for obj in objects:
            kind, place = kind_of(obj.api_version, obj.kind), self.namespace_of(obj)
            self._add(Entry(kind, place, obj.name, _keys(obj), obj, obj))
            for made, name, keys in made_by(obj):
                self._add(Entry(made, place, name, keys, None, obj))
        for thing in provided:
            keys = frozenset(thing.keys) if thing.keys else None
            self._add(Entry(thing.kind, None, thing.name, keys))
        self._namespaces = {namespace, *(obj.name for obj in objects if obj.kind == "Namespace")}

    def _add(self, entry: Entry) -> None:
        self._entries.setdefault((entry.kind, entry.namespace, entry.name), []).append(entry)
        self._names.setdefault((entry.kind, entry.namespace), {}).setdefault(entry.name)

    def namespace_of(self, obj: RenderedObject) -> str:
        """Where the object will be: what it says, else the namespace of the release."""
        if kind_of(obj.api_version, obj.kind) in _CLUSTER_KINDS:
            return CLUSTER
        return obj.namespace or self.namespace

    def place_of(self, kind: str, namespace: str) -> str:
        """``namespace``, or CLUSTER for a kind that belongs to none."""
        return CLUSTER if kind in _CLUSTER_KINDS else namespace

    def is_ours(self, namespace: str) -> bool:
        """Whether the release decides what is in this namespace; others hold what nobody here can know."""
        return namespace == CLUSTER or namespace in self._namespaces

    def find(self, kind: str, namespace: str, name: str) -> list[Entry]:
        """All that goes by this name: several, where hooks or controllers make it too."""
        found = [*self._entries.get((kind, namespace, name), ()), *self._entries.get((kind, None, name), ())]
        always = any(one[0] == kind and one[1] in (None, namespace) and one[2] == name for one in _ALWAYS)
        if not found and (always or (kind == "ClusterRole" and name.startswith("system:"))):
            return [Entry(kind, namespace, name)]
        return found

    def names(self, kind: str, namespace: str) -> list[str]:
        """The names of all objects of a kind in a namespace, the provided ones too."""
        return [*self._names.get((kind, namespace), ()), *self._names.get((kind, None), ())]

    def services(self, namespace: str) -> list[RenderedObject]:
        """The Services of the release in a namespace."""
        return [
            obj
            for obj in self.objects
            if obj.kind == "Service" and self.namespace_of(obj) == namespace and not is_custom(obj)
        ]

    def service(self, namespace: str, name: str) -> RenderedObject | None:
        """The Service of the release with this name; None where it is absent, or not in the release itself."""
        return next((entry.obj for entry in self.find("Service", namespace, name) if entry.obj is not None), None)

    def pods_in(self, namespace: str, *, hooks: bool = True) -> list[PodTemplate]:
        """The pod templates of a namespace; ``hooks`` says whether those of Helm's hooks count."""
        return [pod for pod in self._pods.get(namespace, ()) if hooks or not pod.owner.hooks]

    def pod_of(self, owner: RenderedObject) -> PodTemplate | None:
        """The pod template of an object."""
        return next((pod for pod in self._pods.get(self.namespace_of(owner), ()) if pod.owner is owner), None)


def _custom_pods(objects: Iterable[RenderedObject]) -> Iterable[PodTemplate]:
    """Custom workloads that are made like a Deployment: Argo's Rollout, Knative's Service."""
    for obj in objects:
        spec = map_at(obj.data, "spec", "template", "spec")
        if is_custom(obj) and any(True for _ in maps_at(spec, "containers")):
            labels: Mapping[str, object] = map_at(obj.data, "spec", "template", "metadata", "labels")
            yield PodTemplate(obj, ("spec", "template"), spec, labels)


def _keys(obj: RenderedObject) -> frozenset[str] | None:
    if obj.kind == "ConfigMap":
        return frozenset((*map_at(obj.data, "data"), *map_at(obj.data, "binaryData")))
    if obj.kind == "Secret":
        keys = frozenset((*map_at(obj.data, "data"), *map_at(obj.data, "stringData")))
        # A controller of Kubernetes fills the Secret of a service account's token.
        return None if text_at(obj.data, "type") == "kubernetes.io/service-account-token" else keys
    return None
