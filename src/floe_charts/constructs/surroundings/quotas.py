"""ResourceQuota and LimitRange of the namespace, sized by what the parts say they may ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any, ClassVar

from floe_charts.constructs.part import Claim, PlatformPart, workload_claim
from floe_charts.deployment import Environment
from floe_charts.deployment.fields import amount
from floe_charts.helm import Field, HelmChart, Quantity, ResourceList, Resources, Values
from floe_charts.helm.layers import merge
from floe_charts.helm.spec import Property, property_specs

__all__ = ["QuotaValues", "Quotas"]

# For what nobody declares: a pod to look around, one that ends slowly while its successor starts, a volume to restore.
_HEADROOM = Decimal("1.25")
_GI, _MI = Decimal(1024**3), Decimal(1024**2)


class QuotaRequests(Values):
    """What all pods and volumes may ask for together."""

    cpu: Quantity = Field("10", description="CPU.")
    memory: Quantity = Field("20Gi", description="Memory.")
    storage: Quantity = Field("200Gi", description="Volumes.")


class QuotaLimits(Values):
    """What all pods may use together."""

    cpu: Quantity = Field("40", description="CPU.")
    memory: Quantity = Field("40Gi", description="Memory.")


class QuotaHard(Values):
    """The most that the namespace takes; sized by synth for what runs in the environment, with the jobs of all data
    products at once, and a quarter more."""

    requests: QuotaRequests = QuotaRequests()
    limits: QuotaLimits = QuotaLimits()
    pods: int = Field(50, ge=0, description="Pods that have not ended.")
    persistent_volume_claims: int = Field(10, ge=0, description="PersistentVolumeClaims.")


class ContainerDefaults(Values):
    """What a container gets that does not say its own; the quota refuses pods without."""

    requests: ResourceList = Field(ResourceList(cpu="50m", memory="64Mi"), description="What the scheduler reserves.")
    limits: ResourceList = Field(ResourceList(cpu="500m", memory="256Mi"), description="What it may use.")


class QuotaValues(Values):
    """How much the namespace takes."""

    enabled: bool = Field(False, description="Make a ResourceQuota and a LimitRange.")
    hard: QuotaHard = QuotaHard()
    limit_range: ContainerDefaults = ContainerDefaults()


class Quotas(PlatformPart[QuotaValues]):
    """A ResourceQuota over everything in the namespace, and a LimitRange for containers that say nothing.

    Synth sizes it: it adds up what every part claims with the final values of an environment, and a quarter. A
    component that is no :class:`PlatformPart` claims by its values: each ``resources`` of them, for as many pods as the
    ``replicas`` beside it. The jobs of the data products come into the same namespace from charts of their own, for
    which :attr:`beside` speaks. What else runs there, such as pods of a cdk8s construct, needs ``quota.hard`` by
    values.
    """

    title: ClassVar[str] = "Quota"
    beside: Callable[[str], Iterable[Claim]] = staticmethod(lambda environment: ())
    """What other charts claim in the namespace of an environment, by its name, which is empty for values.yaml."""

    def __init__(self, chart: HelmChart, id: str = "quota", *, values: QuotaValues | None = None) -> None:
        """``values`` are defaults, for what synth does not size."""
        super().__init__(chart, id, values or QuotaValues())

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """On where the environment has quotas."""
        return {"enabled": True} if environment.quotas else {}

    def derived_values(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The sums for values.yaml, and for each environment that has the quota."""
        own = values.get(self.id, {})
        if not own.get("enabled") and values != base:
            return {}
        defaults = merge(self.default_values["limitRange"], own.get("limitRange", {}))
        claims = [*self._claims(values), *self.beside(values.get("environment", ""))]
        return {"hard": _hard(claims, defaults)}

    def _claims(self, values: Mapping[str, Any]) -> Iterator[Claim]:
        for component in self.chart.components.values():
            # A value that an environment removes is as good as its default.
            final = merge(component.default_values, values.get(component.id, {}))
            if isinstance(component, PlatformPart):
                yield from component.claims(final)
            elif component.dependency is None:
                yield from _assumed_claims(property_specs(type(component.values)), final)

    def build(self, v: QuotaValues) -> None:
        """Both objects."""
        metadata = self.metadata(self.name())
        hard = {
            "requests.cpu": v.hard.requests.cpu,
            "requests.memory": v.hard.requests.memory,
            "requests.storage": v.hard.requests.storage,
            "limits.cpu": v.hard.limits.cpu,
            "limits.memory": v.hard.limits.memory,
            "pods": v.hard.pods,
            "persistentvolumeclaims": v.hard.persistent_volume_claims,
        }
        limit = {"type": "Container", "defaultRequest": v.limit_range.requests, "default": v.limit_range.limits}
        with self.when(v.enabled):
            self.add({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}})
            self.add({"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": [limit]}})


def _assumed_claims(properties: Mapping[str, Property], values: Mapping[str, Any]) -> Iterator[Claim]:
    """A claim for each map among the values that has ``resources``; none below ``enabled: false``."""
    if not values.get("enabled", True):
        return
    for name, prop in properties.items():
        below = values.get(name)
        if prop.spec.kind != "object" or prop.spec.model is None or not isinstance(below, Mapping):
            continue
        if issubclass(prop.spec.model, Resources):
            scaled = "maxReplicas" in values.get("autoscaling", {})
            counted = ("replicas", "autoscaling") if scaled else ("replicas",)
            yield workload_claim({"resources": below, **{key: values[key] for key in counted if key in values}})
        else:
            yield from _assumed_claims(property_specs(prop.spec.model), below)


def _hard(claims: Iterable[Claim], defaults: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """``quota.hard`` for ``claims``; a container that leaves an amount open gets that of ``defaults``."""
    made = list(claims)

    def total(kind: str, resource: str) -> Decimal:
        return _HEADROOM * sum(
            claim.pods * amount(claim.resources.get(kind, {}).get(resource) or defaults[kind][resource])
            for claim in made
        )

    volumes = sum(claim.volumes for claim in made)
    storage = sum(claim.volumes * amount(claim.storage) for claim in made if claim.volumes)
    return {
        "requests": {
            "cpu": _cpu(total("requests", "cpu")),
            "memory": _memory(total("requests", "memory")),
            "storage": _memory(_HEADROOM * storage),
        },
        "limits": {"cpu": _cpu(total("limits", "cpu")), "memory": _memory(total("limits", "memory"))},
        "pods": _ceiling(_HEADROOM * sum(claim.pods for claim in made)),
        "persistentVolumeClaims": _ceiling(_HEADROOM * volumes),
    }


def _ceiling(number: Decimal) -> int:
    return int(number.to_integral_value(ROUND_CEILING))


def _cpu(amount: Decimal) -> str:
    """``amount`` of cores or a little more, as Kubernetes writes it itself: whole cores, below one hundreds of m."""
    tenths = _ceiling(10 * amount)
    return f"{100 * tenths}m" if 0 < tenths < 10 else str(_ceiling(amount))


def _memory(amount: Decimal) -> str:
    """``amount`` of bytes or a little more, as Kubernetes writes it itself: whole Gi, below one whole Mi."""
    mebi = _ceiling(amount / _MI)
    return f"{mebi}Mi" if 0 < mebi < 1024 else f"{_ceiling(amount / _GI)}Gi" if mebi else "0"
