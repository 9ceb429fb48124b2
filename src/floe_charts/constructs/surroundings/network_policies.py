"""NetworkPolicies: nothing in, nothing out, then DNS and exactly the connections that the parts declare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, cast

import pydantic
from pydantic import StringConstraints, create_model

from floe_charts.constructs.network import CLIENTS, Outside, Workload
from floe_charts.constructs.part import PlatformPart, object_labels
from floe_charts.constructs.surroundings.connections import Connection, Network, joined, must_hold
from floe_charts.deployment import Environment
from floe_charts.helm import DnsLabel, Field, HelmChart, LabelKey, LabelValue, Port, Values, each, nonempty, when
from floe_charts.helm.patterns import form

__all__ = [
    "ClientPods",
    "DnsValues",
    "NetworkPolicies",
    "NetworkPoliciesValues",
    "OutsideAddresses",
    "OutsidePods",
    "addresses",
    "dns_rule",
]

# Pods with which cert-manager answers an HTTP-01 challenge, in the namespace of the Ingress that wants the certificate:
# the world asks them, for a minute.
_SOLVER = "acme.cert-manager.io/http01-solver"
_ALL_BUT_SOLVERS = {"matchExpressions": [{"key": _SOLVER, "operator": "DoesNotExist"}]}
_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_GROUP = "[0-9a-f]{1,4}"
_IPV6 = "|".join(
    (
        f"({_GROUP}:){{7}}{_GROUP}",
        f"({_GROUP}:){{1,7}}:",
        *(f"({_GROUP}:){{1,{7 - count}}}(:{_GROUP}){{1,{count}}}" for count in range(1, 7)),
        f":(:{_GROUP}){{1,7}}",
        "::",
    )
)
Cidr = Annotated[
    str,
    StringConstraints(
        pattern=form(
            rf"^(({_OCTET}\.){{3}}{_OCTET}/(3[0-2]|[12]?[0-9])|({_IPV6})/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))$",
            "a range of addresses, such as 10.0.0.0/8 or fd00::/8",
        )
    ),
]
"""A range of addresses."""
_Labels = dict[LabelKey, LabelValue]


class DnsValues(Values):
    """Where names are looked up, which every pod may."""

    namespaces: list[DnsLabel] = Field(["kube-system"], min_length=1, description="Namespaces of the DNS pods.")
    pod_labels: _Labels = Field({"k8s-app": "kube-dns"}, description="Labels of the DNS pods; none: all pods there.")
    ports: list[Port] = Field([53], min_length=1, description="Ports of the DNS pods, UDP and TCP.")
    cidrs: list[Cidr] = Field(
        [], description="Further addresses that answer: 169.254.20.10/32 is that of NodeLocal DNSCache."
    )


class ClientPods(Values):
    """Pods beyond the release."""

    namespaces: list[DnsLabel] | None = Field(None, description="Their namespaces; none: the release's own.")
    pod_labels: _Labels | None = Field(None, description="Their labels; none: all pods there.")


class OutsidePods(Values):
    """Somebody outside the release that comes in."""

    namespaces: list[DnsLabel] = Field([], description="Namespaces of the pods that come in; none: the release's own.")
    pod_labels: _Labels = Field({}, description="Labels of the pods; none: all pods there.")
    cidrs: list[Cidr] = Field([], description="Addresses that come in too: of load balancers, of nodes.")


class OutsideAddresses(Values):
    """Somebody outside the release that is asked."""

    ports: list[Port] = Field(
        [443], min_length=1, description="TCP ports, of what is behind a Service, not of the Service."
    )
    cidrs: list[Cidr] = Field([], description="Addresses; none: any, in the cluster too.")


class OutsideValues(Values):
    """Who is outside the release: who comes in, by namespaces, labels and addresses, and who is asked."""


class NetworkPoliciesValues(Values):
    """Who may talk to whom: the pods of the release only as far as they must, other pods of the namespace not at all.

    Pods of other releases in the namespace need policies of their own.
    """

    enabled: bool = Field(
        True, description="Deny all traffic in the namespace but what the parts declare; needs a network that enforces."
    )
    dns: DnsValues = DnsValues()


class NetworkPolicies(PlatformPart[NetworkPoliciesValues]):
    """One NetworkPolicy that denies everything, one for DNS, and one for each workload with exactly its connections.

    Pods are told apart by the labels ``app.kubernetes.io/part-of`` and ``app.kubernetes.io/component`` alone. The
    kubelet's probes need no rule. Pods of data products, which another chart makes, come in as ``clients``; what goes
    out of them, that chart opens. Pods with which cert-manager answers HTTP-01 challenges take whoever comes in.
    """

    title: ClassVar[str] = "NetworkPolicies"

    def __init__(
        self,
        chart: HelmChart,
        id: str = "networkPolicies",
        *,
        network: Network,
        clients: tuple[str, ...] = ("floe-jobs",),
    ) -> None:
        """``network`` is what the parts declare, ``clients`` are the names of the charts of data products."""
        self.network = network
        super().__init__(chart, id, _values_class(network.outside, clients)())

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """On where the environment wants it."""
        return {"enabled": environment.network_policies}

    def derived_values(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The ports of those outside, where the parts' final values say others than the default ones."""
        ports: dict[str, set[int]] = {}
        for part in self.network.parts:
            for outside, asked in part.outside_ports(values.get(part.id, {})).items():
                if outside in self.network.outside:
                    ports.setdefault(outside.id, set()).update(asked)
        return {_OUTSIDE: {id: {"ports": sorted(found)} for id, found in ports.items()}} if ports else {}

    def build(self, v: NetworkPoliciesValues) -> None:
        """The policies of the namespace, then those of the workloads."""
        with self.when(v.enabled):
            self._add("default-deny", "network", {"podSelector": _ALL_BUT_SOLVERS}, ingress=[], egress=[])
            self._add("dns", "network", {"podSelector": {}}, egress=[dns_rule(v.dns)])
        for workload in self.network.workloads:
            chosen = {"podSelector": {"matchLabels": object_labels(self.chart, workload.name)}}
            with self.when(joined(must_hold(v.enabled, workload.when))):
                rules = {"ingress": self._ingress(v, workload), "egress": self._egress(v, workload)}
                self._add(workload.name, workload.name, chosen, **rules)

    def _add(self, name: str, component: str, chosen: Mapping[str, Any], **rules: Sequence[Any]) -> None:
        types = [direction.capitalize() for direction in rules]
        policy = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": self.metadata(self.name(name), component),
            "spec": {**chosen, "policyTypes": types, **rules},
        }
        self.add(policy, name=name)

    # A rule for each connection: a list of peers or of ports of which nothing is left would allow everything.

    def _ingress(self, v: NetworkPoliciesValues, workload: Workload) -> list[Any]:
        rules: list[Any] = []
        for one in _needed([one for one in self.network.connections if one.target is workload]):
            ports = [{"protocol": "TCP", "port": one.port}]
            rules += _where(one.when, self._callers(v, one.source, ports))
        return rules

    def _callers(self, v: NetworkPoliciesValues, source: Workload | Outside, ports: list[Any]) -> list[Any]:
        if isinstance(source, Workload):
            return [{"from": [self._pods_of(source)], "ports": ports}]
        if source == CLIENTS:
            clients: Mapping[str, ClientPods] = getattr(v, _CLIENTS)
            return [*each(clients, lambda _, client: {"from": [_pods(client)], "ports": ports})]
        values: OutsidePods = getattr(getattr(v, _OUTSIDE), source.id)
        return [{"from": [_pods(values), *addresses(values.cidrs)], "ports": ports}]

    def _egress(self, v: NetworkPoliciesValues, workload: Workload) -> list[Any]:
        rules: list[Any] = []
        for one in _needed([one for one in self.network.connections if one.source is workload]):
            if isinstance(one.target, Workload):
                rule = {"to": [self._pods_of(one.target)], "ports": [{"protocol": "TCP", "port": one.port}]}
            else:
                values: OutsideAddresses = getattr(getattr(v, _OUTSIDE), one.target.id)
                rule = {
                    "to": when(nonempty(values.cidrs), [*addresses(values.cidrs)]),
                    "ports": [*each(values.ports, lambda port: {"protocol": "TCP", "port": port})],
                }
            rules += _where(one.when, [rule])
        return rules

    def _pods_of(self, workload: Workload) -> dict[str, Any]:
        return {"podSelector": {"matchLabels": object_labels(self.chart, workload.name)}}


def _needed(connections: Sequence[Connection]) -> list[Connection]:
    """Without those that are there only where another one of the same ends is anyway."""
    kept: list[Connection] = []
    for one in sorted(connections, key=lambda one: len(one.conditions)):
        if not any(other.ends == one.ends and set(other.conditions) <= set(one.conditions) for other in kept):
            kept.append(one)
    return [one for one in connections if one in kept]


def _where(condition: bool | None, rules: list[Any]) -> list[Any]:
    return rules if condition is None else [*when(condition, rules)]


def dns_rule(dns: DnsValues) -> dict[str, Any]:
    """The rule by which pods look up names."""
    return {
        "to": [_pods(dns), *addresses(dns.cidrs)],
        "ports": [
            *each(dns.ports, lambda port: {"protocol": "UDP", "port": port}),
            *each(dns.ports, lambda port: {"protocol": "TCP", "port": port}),
        ],
    }


def _pods(values: ClientPods | OutsidePods | DnsValues) -> dict[str, Any]:
    """The peer of pods in other namespaces, or in the release's own where none is named."""
    named = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": values.namespaces}
    labels = {"matchLabels": values.pod_labels}
    return {
        "namespaceSelector": when(nonempty(values.namespaces), {"matchExpressions": [named]}),
        # Written where it is empty, too: a peer that says nothing is refused.
        "podSelector": when(nonempty(values.pod_labels), labels, {}),
    }


def addresses(cidrs: list[str]) -> list[Any]:
    """The peers of a rule that are ranges of addresses."""
    return [*each(cidrs, lambda cidr: {"ipBlock": {"cidr": cidr}})]


# The values of somebody outside are declared only where a connection is with him.

_CLIENTS = "clients"
_OUTSIDE = "outside"


@cache
def _values_class(outside: tuple[Outside, ...], clients: tuple[str, ...]) -> type[NetworkPoliciesValues]:
    """A class with the fields of :class:`NetworkPoliciesValues` first; what is inherited would come last."""
    base = NetworkPoliciesValues
    fields: dict[str, Any] = {name: (field.annotation, field) for name, field in base.model_fields.items()}
    if CLIENTS in outside:
        pods = {name: ClientPods(pod_labels={"app.kubernetes.io/part-of": name}) for name in clients}
        fields[_CLIENTS] = (dict[DnsLabel, ClientPods], pydantic.Field(pods, description=_CLIENTS_TEXT))
    others = {one.id: _declared(one) for one in outside if one != CLIENTS}
    if others:
        model = create_model("OutsideValues", __base__=OutsideValues, __doc__=OutsideValues.__doc__, **others)
        fields[_OUTSIDE] = (model, model())
    made = create_model(base.__name__, __base__=Values, __doc__=base.__doc__, **fields)
    return cast("type[NetworkPoliciesValues]", made)


def _declared(outside: Outside) -> Any:
    values: Values = OutsidePods(namespaces=[outside.namespace] if outside.namespace else [])
    if outside.ports:
        values = OutsideAddresses(ports=list(outside.ports))
    described = f"{outside.title[0].upper()}{outside.title[1:]}."
    return type(values), pydantic.Field(values, description=described)


_CLIENTS_TEXT = (
    "Pods beyond the release that may ask the APIs for data products (catalog, telemetry, lineage, objects) and the "
    "pool of database connections, by a name of yours; what goes out of them needs policies of their own."
)
