"""What the platform's parts have in common: each declares what others need to know of it.

A part says its Services, pods, connections, Secrets, metrics, checks and sizes here; what stands around the parts
(NetworkPolicies, Secrets, ServiceMonitors, test pods, quotas) is made from these declarations alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from floe_charts.constructs.network import Edge, Endpoint, Outside, Workload
from floe_charts.deployment import ChartSource, Environment
from floe_charts.errors import DeclarationError
from floe_charts.helm import Component, Dependency, HelmChart, Image, Values, or_
from floe_charts.helm.layers import merge

__all__ = [
    "Check",
    "Claim",
    "PlatformPart",
    "RequiredSecret",
    "Scrape",
    "SecretKey",
    "object_labels",
    "over",
    "workload_claim",
]

V = TypeVar("V", bound=Values)


@dataclass(frozen=True)
class SecretKey:
    """A key of a Secret, and what a generated Secret (development and test only) holds there.

    ``text`` is a fixed text, maybe with expressions; ``same_as`` another key of the same Secret; ``random`` so many
    random letters and digits. None of them: nobody but the Secret's provider knows the value.
    """

    name: str
    text: str = ""
    same_as: str = ""
    random: int = 0

    @property
    def known(self) -> bool:
        """Whether the value can be generated."""
        return bool(self.text or self.same_as or self.random)


@dataclass(frozen=True)
class RequiredSecret:
    """A Secret that the release reads.

    ``id`` is its key among the values ``secrets`` (camelCase), ``name`` its default name, ``reference`` the expression
    of the name where values decide it, ``keys`` what it must hold, ``purpose`` what for, in a few words. ``when`` is
    the condition under which it is needed (None: always), and ``condition`` the same in words
    (``postgres.mode is statefulset``). ``type`` and ``labels`` are those of a Secret that the release makes.
    """

    id: str
    name: str
    keys: tuple[SecretKey, ...]
    purpose: str
    reference: str | None = field(default=None, compare=False)
    when: bool | None = field(default=None, compare=False)
    condition: str = ""
    type: str = "Opaque"
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names of the keys."""
        return tuple(key.name for key in self.keys)

    @property
    def can_be_generated(self) -> bool:
        """Whether every value can be generated."""
        return all(key.known for key in self.keys)

    def merged(self, other: RequiredSecret) -> RequiredSecret:
        """One Secret that two parts read: the keys and purposes of both.

        Raises :class:`DeclarationError` where they are two Secrets, or one key is to be generated in two ways.
        """
        if self.name != other.name:
            raise DeclarationError(f"the Secrets {self.name} and {other.name} are both declared as {self.id}")
        keys = {key.name: key for key in self.keys}
        for key in other.keys:
            known = keys.setdefault(key.name, key)
            if known != key and known.known and key.known:
                raise DeclarationError(f"the key {key.name} of the Secret {self.name} is declared in two ways")
            keys[key.name] = known if known.known else key
        purpose = "; ".join(dict.fromkeys((self.purpose, other.purpose)))
        always = self.when is None or other.when is None
        return RequiredSecret(
            self.id,
            self.name,
            tuple(keys.values()),
            purpose,
            self.reference if self.reference is not None else other.reference,
            None if always else self.when if self.when == other.when else or_(self.when, other.when),
            "" if always else " or ".join(dict.fromkeys((self.condition, other.condition))),
            self.type if self.type != "Opaque" else other.type,
            {**self.labels, **other.labels},
        )


@dataclass(frozen=True)
class Scrape:
    """Metrics in Prometheus' form: the endpoint that serves them, at ``path``; ``when`` they are served."""

    endpoint: Endpoint
    path: str = "/metrics"
    when: bool | None = None


@dataclass(frozen=True)
class Check:
    """What ``helm test`` asks of a part: a pod that runs ``script`` (POSIX sh) and ends with 0 where all is well.

    ``name`` follows the chart's full name in the pod's (``<fullname>-test-<name>``). The pod runs the image of the test
    pods (it has sh and curl), or ``image``. ``env`` are its variables as containers have them, ``volumes`` and
    ``mounts`` what it reads from files, ``edges`` the endpoints that it connects to, ``when`` the condition under which
    the check makes sense.
    """

    name: str
    script: str
    edges: tuple[Endpoint, ...]
    env: Mapping[str, Any] = field(default_factory=dict)
    image: Image | None = None
    when: bool | None = None
    volumes: Sequence[Any] = ()
    mounts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """What the pods of a workload may ask of a namespace at most, for the ResourceQuota.

    ``resources`` is the tree of a :class:`~floe_charts.helm.Resources` value; ``pods`` how many such pods there can be
    at once, during an update too; ``storage`` bytes of volumes as a quantity (``10Gi``), of each of ``volumes`` claims.
    """

    pods: int
    resources: Mapping[str, Mapping[str, str]]
    storage: str = ""
    volumes: int = 0


class PlatformPart(Component[V]):
    """A part of the floe platform."""

    title: ClassVar[str] = ""
    """The part's name for people: ``OpenTelemetry Collector``."""

    def depend_on(self, chart_name: str, source: ChartSource, *, known_version: str) -> None:
        """Hand the part's values to the chart ``chart_name`` of ``source``; ``<id>.enabled`` switches it.

        ``known_version`` is the version whose keys the Values classes know.
        """
        alias = self.id if self.id != chart_name else None
        condition = f"{self.id}.enabled"
        self.depend(
            Dependency(chart_name, source.version, source.repository, alias=alias, condition=condition),
            known_version=known_version,
        )

    # What others need to know

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The Service ports that the part answers to."""
        return ()

    def workloads(self) -> tuple[Workload, ...]:
        """The part's pods, Jobs and hooks among them."""
        return ()

    def edges(self) -> tuple[Edge, ...]:
        """The connections that the part's pods open, and those from outside the release that they take."""
        return ()

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The Secrets that the part reads."""
        return ()

    def scrapes(self) -> tuple[Scrape, ...]:
        """The metrics that the part serves."""
        return ()

    def checks(self) -> tuple[Check, ...]:
        """What ``helm test`` asks of the part."""
        return ()

    def claims(self, values: Mapping[str, Any]) -> Sequence[Claim]:
        """What the part's pods may ask for at most, by its final ``values`` in an environment."""
        return ()

    def outside_ports(self, values: Mapping[str, Any]) -> Mapping[Outside, Sequence[int]]:
        """The ports of somebody outside that the part's pods ask, where its final ``values`` say other than his own."""
        return {}

    def notices(self, served: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
        """What people should know when the chart is written, a line each; ``served`` are the environments' values."""
        return ()

    # Layers

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """What is particular to an environment, as a tree of this part's values (camelCase keys)."""
        return {}

    def derived_values(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What follows from the whole chart's final values in an environment, as a tree of this part's values.

        ``base`` are the values that hold everywhere. For what a template computes and a dependency's values cannot.
        """
        return {}


def workload_claim(values: Mapping[str, Any], replicas: int | None = None) -> Claim:
    """What the pods of a workload with :class:`~floe_charts.helm.WorkloadValues` may ask for, one more during updates.

    ``replicas`` takes the place of the number that the values say.
    """
    scaling = values.get("autoscaling", {})
    pods = max(scaling["minReplicas"], scaling["maxReplicas"]) if scaling.get("enabled") else values.get("replicas", 1)
    count = pods if replicas is None else replicas
    # A rolling update makes a quarter more, rounded up.
    return Claim(count + -(-count // 4), values["resources"])


def object_labels(chart: HelmChart, workload: str) -> dict[str, str]:
    """The labels that tell a workload's pods, as literals, for the values of a dependency that makes them."""
    return {"app.kubernetes.io/part-of": chart.chart_name, "app.kubernetes.io/component": workload}


def over(defaults: V, values: V | None) -> V:
    """``defaults`` with what ``values`` set, at any depth; of the class of ``defaults``."""
    if values is None:
        return defaults
    given = values.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return type(defaults).model_validate(merge(defaults.to_values(), given))
