"""How the Service of a part is reached from outside the cluster's network, as values."""

from __future__ import annotations

from typing import Any, Literal

from floe_charts.helm import Field, Values, ne, when
from floe_charts.helm.values import StringMap

__all__ = ["ServiceValues", "opens_outward", "service_fields"]


class ServiceValues(Values):
    """The Service."""

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field(
        "ClusterIP", description="ClusterIP, or NodePort or LoadBalancer to be reached from outside."
    )
    annotations: StringMap = Field({}, description="Annotations, which load balancers are configured by.")


def opens_outward(kind: str) -> bool:
    """Whether people come in through a Service of this type: by a port of the nodes, or by a load balancer."""
    return ne(kind, "ClusterIP")


def service_fields(values: ServiceValues) -> dict[str, Any]:
    """What :meth:`~floe_charts.helm.Part.service` takes of the values; a ClusterIP is the default, and not said."""
    kind = when(opens_outward(values.type), values.type)
    return {"annotations": values.annotations, "type": kind}
