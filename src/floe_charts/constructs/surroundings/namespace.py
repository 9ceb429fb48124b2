"""The namespace of the release, where the chart makes it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from floe_charts.constructs.part import PlatformPart
from floe_charts.helm import RELEASE_NAMESPACE, Field, HelmChart, Values
from floe_charts.helm.patterns import form

__all__ = ["Namespace", "NamespaceValues"]

_LABEL = "pod-security.kubernetes.io"
_Version = Annotated[
    str,
    StringConstraints(pattern=form(r"^(latest|v1\.[0-9]{1,3})$", "latest, or a version of Kubernetes such as v1.31")),
]


class NamespaceValues(Values):
    """The namespace of the release."""

    create: bool = Field(
        False,
        description="Make it: for Argo CD, Flux and kubectl apply. Helm keeps its record of the release there and so "
        "needs it beforehand: with --create-namespace give --take-ownership too.",
    )
    pod_security: Literal["restricted", "baseline"] = Field(
        "restricted", description="Pod Security Standard that pods must meet; restricted is warned about in any case."
    )
    pod_security_version: _Version = Field(
        "latest", description="Version of Kubernetes whose standard that is: latest, or such as v1.33."
    )


class Namespace(PlatformPart[NamespaceValues]):
    """A Namespace with the labels of Pod Security admission, called like the release's; off by default.

    ``helm uninstall`` leaves it, for its volumes would go with it.
    """

    title: ClassVar[str] = "Namespace"

    def __init__(self, chart: HelmChart, id: str = "namespace", *, values: NamespaceValues | None = None) -> None:
        """``values`` are defaults."""
        super().__init__(chart, id, values or NamespaceValues())

    def build(self, v: NamespaceValues) -> None:
        """The Namespace, which is in no namespace itself."""
        levels = {"enforce": v.pod_security, "audit": "restricted", "warn": "restricted"}
        labels = {
            **{f"{_LABEL}/{mode}": level for mode, level in levels.items()},
            **{f"{_LABEL}/{mode}-version": v.pod_security_version for mode in levels},
        }
        metadata = self.metadata(RELEASE_NAMESPACE, labels=labels, annotations={"helm.sh/resource-policy": "keep"})
        del metadata["namespace"]
        with self.when(v.create):
            self.add({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
