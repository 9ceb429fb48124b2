"""NetworkPolicies let through the connections that the parts declare, DNS, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from floe_charts.constructs.network import INGRESS, KUBERNETES_API, PROMETHEUS, Edge, Endpoint, Outside, Workload
from floe_charts.constructs.surroundings.connections import Network
from floe_charts.constructs.surroundings.network_policies import NetworkPolicies
from floe_charts.deployment import Deployment
from floe_charts.helm import and_, not_
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import NAMESPACE, ChartHandle, ValuesRefused
from floe_charts.verify.schemas import validate_objects
from tests.constructs.declared import DeclaredPart
from tests.constructs.rendering import new_chart, objects_of, written
from tests.constructs.traffic import Party, allowed

SHOP = Endpoint("shop", 8080, "http", "shop", clients=True)
ADMIN = Endpoint("shop", 8081, "admin", "shop")
STORE = Endpoint("store", 5432, "postgres", "store")
PEER = Endpoint("store", 8000, "status", "store")
BANK = Outside("bank", "the bank", (443, 8443))
HERE = NAMESPACE


def pod(component: str, part_of: str = "floe-platform", namespace: str = HERE) -> Party:
    labels = {"app.kubernetes.io/part-of": part_of, "app.kubernetes.io/component": component}
    return Party(labels, namespace, "10.0.0.1")


TILL, SHOP_POD, STORE_POD = pod("till"), pod("shop"), pod("store")
DNS_POD = Party({"k8s-app": "kube-dns"}, "kube-system", "10.0.0.2")
CONTROLLER = Party({"app": "nginx"}, "ingress-nginx", "10.0.0.3")
SCRAPER = Party({"app": "prometheus"}, "monitoring", "10.0.0.4")
JOB = pod("orders", "floe-jobs")
NOTEBOOK = Party({"app": "notebook"}, "notebooks", "10.0.0.5")
STRANGER = Party({"app.kubernetes.io/component": "shop", "app.kubernetes.io/part-of": "another"}, HERE, "10.0.0.6")
TWIN = pod("till", namespace="floe-dev")
WORLD = Party(address="203.0.113.7")
EVERYBODY = {
    "till": TILL, "shop": SHOP_POD, "store": STORE_POD, "dns": DNS_POD, "controller": CONTROLLER, "scraper": SCRAPER,
    "job": JOB, "notebook": NOTEBOOK, "stranger": STRANGER, "twin": TWIN, "world": WORLD,
}  # fmt: skip
PORTS = (53, 443, 5432, 8000, 8080, 8081, 8443)


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    made = new_chart()
    shop = DeclaredPart(
        made,
        "shop",
        endpoints=[SHOP, ADMIN],
        workloads=lambda v: [Workload("shop", "Shop", v.enabled), Workload("till", "Till")],
        edges=lambda v: [
            Edge("till", SHOP, "sales"),
            Edge("till", ADMIN, "stock", v.extra),
            Edge("shop", STORE, "orders"),
            Edge("till", BANK, "payment"),
            Edge("shop", KUBERNETES_API, "jobs", v.extra),
            Edge(INGRESS, SHOP, "people", v.extra),
            Edge(PROMETHEUS, SHOP, "metrics"),
        ],
    )
    store = DeclaredPart(
        made,
        "store",
        endpoints=[STORE, PEER],
        workloads=lambda v: [Workload("store", "Store", v.enabled)],
        edges=lambda v: [Edge("store", PEER, "replication"), Edge("till", STORE, "count", and_(v.extra, v.enabled))],
    )
    NetworkPolicies(made, network=Network([shop, store]))
    return written(made, tmp_path_factory.mktemp("policies"))


def policies_of(chart: ChartHandle, values: Mapping[str, object] | None = None) -> list[Any]:
    objects = objects_of(chart, values or {}).values()
    return [one.data for one in objects if one.kind == "NetworkPolicy"]


def let_through(policies: list[Any], protocol: str = "TCP") -> set[tuple[str, str, int]]:
    """Who reaches whom on which port, without what concerns nobody of the namespace."""
    return {
        (source, target, port)
        for (source, one), (target, other), port in product(EVERYBODY.items(), EVERYBODY.items(), PORTS)
        if HERE in (one.namespace, other.namespace) and allowed(policies, one, other, port, protocol)
    }


ASKING_DNS = {(name, "dns", 53) for name in ("till", "shop", "store", "job", "stranger")}
BANKING = {
    ("till", other, port)
    for other in ("dns", "controller", "scraper", "notebook", "twin", "world")
    for port in (443, 8443)
}
ALWAYS = {
    *ASKING_DNS,
    *BANKING,
    ("till", "shop", 8080),
    ("shop", "store", 5432),
    ("store", "store", 8000),
    ("scraper", "shop", 8080),
}  # fmt: skip
API = {("shop", other, 443) for other in ("dns", "controller", "scraper", "notebook", "twin", "world")}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ALWAYS),
        ({"shop": {"extra": True}}, {*ALWAYS, *API, ("till", "shop", 8081), ("controller", "shop", 8080)}),
        ({"store": {"extra": True}}, {*ALWAYS, ("till", "store", 5432)}),
        (
            {"shop": {"enabled": False, "extra": True}},
            {*ASKING_DNS, *BANKING, ("store", "store", 8000)},
        ),
        (
            {"store": {"enabled": False, "extra": True}},
            {*ASKING_DNS, *BANKING, ("till", "shop", 8080), ("scraper", "shop", 8080)},
        ),
        (
            {"networkPolicies": {"outside": {"bank": {"ports": [8443], "cidrs": ["203.0.113.0/24", "2001:db8::/32"]}}}},
            {*(ALWAYS - BANKING), ("till", "world", 8443)},
        ),
        (
            {
                "networkPolicies": {
                    "outside": {"prometheus": {"namespaces": ["ingress-nginx"], "podLabels": {"app": "x"}}}
                }
            },
            ALWAYS - {("scraper", "shop", 8080)},
        ),
        (
            {"networkPolicies": {"outside": {"prometheus": {"namespaces": [], "cidrs": ["203.0.113.7/32"]}}}},
            # Pods of the namespace that are let in by the label of none, yet not let out themselves.
            {*(ALWAYS - {("scraper", "shop", 8080)}), ("world", "shop", 8080)},
        ),
        (
            {
                "networkPolicies": {
                    "dns": {"namespaces": ["ingress-nginx"], "podLabels": {"k8s-app": None}, "ports": [443]}
                }
            },
            {*(ALWAYS - ASKING_DNS), *((name, "controller", 443) for name, _, _ in ASKING_DNS)},
        ),
        (
            {"networkPolicies": {"dns": {"cidrs": ["203.0.113.7/32"]}}},
            {*ALWAYS, *((name, "world", 53) for name, _, _ in ASKING_DNS)},
        ),
    ],
)
def test_exactly_what_is_declared_passes(
    chart: ChartHandle, values: dict[str, Any], expected: set[tuple[str, str, int]]
) -> None:
    assert let_through(policies_of(chart, values)) == expected


def test_what_is_switched_off_is_in_nobodys_rules(chart: ChartHandle) -> None:
    off = policies_of(chart, {"shop": {"extra": True}, "store": {"enabled": False, "extra": True}})
    assert {one["metadata"]["name"] for one in off} == {
        f"floe-platform-{name}" for name in ("default-deny", "dns", "shop", "till")
    }
    assert "'store'" not in str(off)


def test_each_of_two_reasons_is_enough(tmp_path: Path) -> None:
    made = new_chart()
    shop = DeclaredPart(
        made,
        "shop",
        endpoints=[SHOP],
        workloads=lambda v: [Workload("shop", "Shop"), Workload("till", "Till")],
        edges=lambda v: [Edge("till", SHOP, "sales", v.extra), Edge("till", SHOP, "sales", not_(v.enabled))],
    )
    NetworkPolicies(made, network=Network([shop]))
    chart = written(made, tmp_path)
    for extra, enabled in product((True, False), repeat=2):
        policies = policies_of(chart, {"shop": {"extra": extra, "enabled": enabled}})
        assert allowed(policies, TILL, SHOP_POD, 8080) is (extra or not enabled)


def test_names_are_looked_up_over_udp_too(chart: ChartHandle) -> None:
    assert let_through(policies_of(chart), "UDP") == ASKING_DNS


def test_clients_come_in_once_they_are_let_out(chart: ChartHandle) -> None:
    out = {
        "metadata": {"namespace": HERE},
        "spec": {
            "podSelector": {"matchLabels": {"app.kubernetes.io/part-of": "floe-jobs"}},
            "policyTypes": ["Egress"],
            "egress": [{}],
        },
    }
    clients = {"notebooks": {"namespaces": ["notebooks"], "podLabels": {"app": "notebook"}}}
    expected = {"job": {("job", "shop", 8080)}, "notebook": {("notebook", "shop", 8080)}}
    for given, named in (
        ({}, ["job"]),
        ({"clients": clients}, ["job", "notebook"]),
        ({"clients": {"floe-jobs": None}}, []),
    ):
        reached = let_through([*policies_of(chart, {"networkPolicies": given}), out])
        inside = {one for one in reached if one[0] in expected and one[1] in ("till", "shop", "store")}
        assert inside == set().union(*(expected[name] for name in named))


def test_nobody_but_the_clients_that_are_named(chart: ChartHandle) -> None:
    nobody = policies_of(chart, {"networkPolicies": {"clients": {"floe-jobs": None}}})
    assert not allowed(nobody, Party({"app.kubernetes.io/part-of": "floe-jobs"}, "elsewhere"), SHOP_POD, 8080)
    everybody = policies_of(chart, {"networkPolicies": {"clients": {"all": {"namespaces": ["notebooks"]}}}})
    assert allowed(everybody, NOTEBOOK, SHOP_POD, 8080)
    assert not allowed(everybody, NOTEBOOK, SHOP_POD, 8081)


def test_policies_are_off_where_the_environment_does_without(chart: ChartHandle) -> None:
    assert policies_of(chart, {"networkPolicies": {"enabled": False}}) == []
    part = NetworkPolicies(new_chart(), network=Network([]))
    deployment = Deployment.default()
    wanted = {name: part.environment_values(deployment.environment(name)) for name in deployment.environment_names}
    assert {name for name, values in wanted.items() if values["enabled"]} == {"qa", "uat", "staging", "prod"}


def test_the_ports_of_somebody_outside_follow_the_values_of_who_asks() -> None:
    class Payer(DeclaredPart):
        def outside_ports(self, values: Mapping[str, Any]) -> Mapping[Outside, Sequence[int]]:
            return {BANK: values["ports"], KUBERNETES_API: [1]}

    made = new_chart()
    parts = [
        Payer(
            made,
            name,
            workloads=lambda v, name=name: [Workload(name, name)],
            edges=lambda v, name=name: [Edge(name, BANK, "payment")],
        )
        for name in ("one", "two")
    ]
    policies = NetworkPolicies(made, network=Network(parts))
    values = {"one": {"ports": [9443]}, "two": {"ports": [443, 9443]}}
    assert policies.derived_values(values, values) == {"outside": {"bank": {"ports": [443, 9443]}}}
    assert NetworkPolicies(new_chart(), network=Network([])).derived_values(values, values) == {}


def test_certificates_can_be_asked_for_over_http(chart: ChartHandle) -> None:
    """cert-manager answers from pods in the namespace of the Ingress."""
    solver = Party({"acme.cert-manager.io/http01-solver": "true"}, HERE, "10.0.0.7")
    policies = policies_of(chart)
    assert allowed(policies, CONTROLLER, solver, 8089) and allowed(policies, WORLD, solver, 8089)
    assert not allowed(policies, CONTROLLER, STRANGER, 8089)
    # It looks up names, and asks nobody else.
    assert allowed(policies, solver, DNS_POD, 53) and not allowed(policies, solver, STORE_POD, 5432)


def test_only_the_policies_of_the_namespace_select_pods_of_others(chart: ChartHandle) -> None:
    for one in policies_of(chart, {"shop": {"extra": True}}):
        selected = one["spec"]["podSelector"]
        if one["metadata"]["name"] in ("floe-platform-default-deny", "floe-platform-dns"):
            assert "matchLabels" not in selected
        else:
            component = one["metadata"]["name"].removeprefix("floe-platform-")
            assert selected == {"matchLabels": dict(pod(component).labels)}


def test_objects_fit_kubernetes(chart: ChartHandle) -> None:
    values = {
        "shop": {"extra": True},
        "networkPolicies": {
            "clients": {"a": {}, "b": {"namespaces": ["x"], "podLabels": {"a": "b"}}},
            "outside": {"ingress": {"cidrs": ["10.0.0.0/8"]}, "kubernetesApi": {"cidrs": ["::1/128"]}},
        },
    }
    for given in ({}, values):
        report = validate_objects(list(objects_of(chart, given).values()), (OLDEST, latest_kube_version()))
        assert [str(finding) for finding in report.findings] == []


@pytest.mark.parametrize(
    "values",
    [
        {"outside": {"bank": {"ports": []}}},
        {"outside": {"bank": {"cidrs": ["10.0.0.0"]}}},
        {"outside": {"bank": {"cidrs": ["10.0.0.256/8"]}}},
        {"outside": {"bank": {"cidrs": ["10.0.0.0/33"]}}},
        {"outside": {"bank": {"cidrs": ["10.0.0.01/8"]}}},
        {"outside": {"bank": {"cidrs": ["1::2::3/64"]}}},
        {"outside": {"bank": {"cidrs": ["1:2:3:4:5:6:7:8:9/64"]}}},
        {"outside": {"bank": {"cidrs": ["fe80::/129"]}}},
        {"outside": {"bank": {"namespaces": ["x"]}}},
        {"outside": {"ingress": {"ports": [80]}}},
        {"outside": {"object-store": {}}},
        {"dns": {"namespaces": []}},
        {"dns": {"ports": []}},
        {"clients": {"a": {"labels": {}}}},
    ],
)
def test_values_that_would_open_everything_or_nothing_are_refused(
    chart: ChartHandle, values: dict[str, object]
) -> None:
    with pytest.raises(ValuesRefused):
        chart.check_values({"networkPolicies": values})


@pytest.mark.parametrize(
    "cidr", ["0.0.0.0/0", "169.254.20.10/32", "::/0", "fd00:ec2::254/128", "1:2:3:4:5:6:7:8/9", "::1/128"]
)
def test_ranges_of_addresses_are_taken(chart: ChartHandle, cidr: str) -> None:
    chart.check_values({"networkPolicies": {"dns": {"cidrs": [cidr]}}})


def test_nothing_is_declared_that_no_connection_uses(tmp_path: Path) -> None:
    made = new_chart()
    alone = DeclaredPart(made, "alone", workloads=lambda v: [Workload("alone", "Alone", not_(v.extra))])
    NetworkPolicies(made, network=Network([alone]))
    chart = written(made, tmp_path)
    assert set(made.default_values()["networkPolicies"]) == {"enabled", "dns"}
    names = {one["metadata"]["name"] for one in policies_of(chart)}
    assert names == {f"floe-platform-{name}" for name in ("default-deny", "dns", "alone")}
    assert len(policies_of(chart, {"alone": {"extra": True}})) == 2
