"""What NetworkPolicies let through: a small reading of them, as Kubernetes describes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

__all__ = ["Party", "allowed"]


@dataclass(frozen=True)
class Party:
    """A pod with its namespace, or an address outside the cluster."""

    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: str = ""
    address: str = "192.0.2.1"


def allowed(
    policies: Sequence[Mapping[str, Any]], source: Party, target: Party, port: int, protocol: str = "TCP"
) -> bool:
    """Whether ``source`` may open a connection to ``port`` of ``target``, where all ``policies`` are there."""
    out = [one for one in policies if _concerns(one, source, "Egress")]
    into = [one for one in policies if _concerns(one, target, "Ingress")]
    goes = not out or any(
        _matches(rule, "to", target, port, protocol, one) for one in out for rule in one["spec"].get("egress") or ()
    )
    comes = not into or any(
        _matches(rule, "from", source, port, protocol, one) for one in into for rule in one["spec"].get("ingress") or ()
    )
    return goes and comes


def _concerns(policy: Mapping[str, Any], pod: Party, direction: str) -> bool:
    spec = policy["spec"]
    here = pod.namespace == policy["metadata"]["namespace"]
    return here and direction in spec["policyTypes"] and _selects(spec["podSelector"], pod.labels)


def _matches(
    rule: Mapping[str, Any], side: str, other: Party, port: int, protocol: str, policy: Mapping[str, Any]
) -> bool:
    peers: Iterable[Mapping[str, Any]] = rule.get(side) or ()
    ports: Iterable[Mapping[str, Any]] = rule.get("ports") or ()
    here = policy["metadata"]["namespace"]
    return (not peers or any(_is(peer, other, here) for peer in peers)) and (
        not ports or any(one.get("port") == port and one.get("protocol", "TCP") == protocol for one in ports)
    )


def _is(peer: Mapping[str, Any], other: Party, here: str) -> bool:
    assert peer, "a peer that says nothing is refused by Kubernetes"
    if "ipBlock" in peer:
        return ip_address(other.address) in ip_network(peer["ipBlock"]["cidr"])
    if not other.namespace:
        return False
    named = {"kubernetes.io/metadata.name": other.namespace}
    there = _selects(peer["namespaceSelector"], named) if "namespaceSelector" in peer else other.namespace == here
    return there and _selects(peer.get("podSelector", {}), other.labels)


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    found = (selector.get("matchLabels") or {}).items() <= labels.items()
    for one in selector.get("matchExpressions") or ():
        assert one["operator"] in ("In", "DoesNotExist")
        held = labels.get(one["key"]) in one["values"] if one["operator"] == "In" else one["key"] not in labels
        found = found and held
    return found
