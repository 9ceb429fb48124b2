"""What the parts declare fits together, or is refused with the name that was meant; and the picture of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from floe_charts.constructs import network
from floe_charts.constructs.network import (
    DATABASE_OUTSIDE,
    INGRESS,
    KUBERNETES_API,
    POLARIS,
    POSTGRES,
    Edge,
    Endpoint,
    Outside,
    Workload,
    platform_endpoints,
)
from floe_charts.constructs.surroundings.connections import Network
from floe_charts.constructs.surroundings.edges_picture import edges_picture
from floe_charts.errors import DeclarationError
from floe_charts.helm import and_
from tests.constructs.declared import DeclaredPart
from tests.constructs.rendering import new_chart

SHOP = Endpoint("shop", 8080, "http", "shop")
ADMIN = Endpoint("shop", 8081, "admin", "shop")


def shop(*edges: Edge, endpoints: tuple[Endpoint, ...] = (SHOP,), workloads: tuple[str, ...] = ("shop",)) -> Network:
    part = DeclaredPart(
        new_chart(),
        "shop",
        endpoints=endpoints,
        workloads=lambda v: [Workload(name, name.title(), v.enabled) for name in workloads],
        edges=lambda v: edges,
    )
    return Network([part])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: shop(Edge("shpo", SHOP, "x")), "no part declares the workload shpo; did you mean shop?"),
        (lambda: shop(Edge("shop", ADMIN, "x")), "no part serves shop:8081; did you mean shop:8080?"),
        (lambda: shop(workloads=("ship",), endpoints=(SHOP,)).connections, None),
        (lambda: shop(Edge(INGRESS, SHOP, "x"), workloads=("ship",)), "the workload shop; did you mean ship?"),
        (
            lambda: shop(workloads=("shop", "shop")),
            "the workload shop is declared by DeclaredPart at floe-platform/shop",
        ),
        (lambda: shop(Edge(INGRESS, KUBERNETES_API, "x")), "Kubernetes API has no ports that pods of the release ask"),
        (lambda: shop(Edge("shop", INGRESS, "x")), "Ingress controller, Gateway or load balancer has no ports"),
        (lambda: shop(Edge(KUBERNETES_API, SHOP, "x")), "Kubernetes API has ports: it is asked, and does not come in"),
        (
            lambda: shop(Edge("shop", Outside("a", "A", (1,)), "x"), Edge("shop", Outside("a", "A", (2,)), "x")),
            "somebody outside is declared in two ways as a",
        ),
    ],
)
def test_a_declaration_that_leads_nowhere_is_refused(make: Callable[[], object], said: str | None) -> None:
    if said is None:
        assert make() == ()
        return
    with pytest.raises(DeclarationError, match=re.escape(said)):
        make()


def test_an_edge_to_a_part_that_the_chart_does_not_have_is_left_out() -> None:
    assert shop(Edge("shop", POLARIS, "tables"), Edge(INGRESS, POLARIS, "API")).connections == ()


def test_without_postgresql_of_its_own_the_chart_asks_one_outside() -> None:
    [one] = shop(Edge("shop", POSTGRES, "orders")).connections
    assert (one.target, one.port) == (DATABASE_OUTSIDE, None)


def test_all_endpoints_of_the_module_are_known() -> None:
    named = {name for name in network.__all__ if isinstance(getattr(network, name), Endpoint)}
    assert {getattr(network, name) for name in named} == set(platform_endpoints())
    assert len({endpoint.address for endpoint in platform_endpoints()}) == len(named)


def test_everything_that_must_hold_is_asked_once() -> None:
    part = DeclaredPart(
        new_chart(),
        "shop",
        endpoints=[SHOP],
        workloads=lambda v: [Workload("shop", "Shop", v.enabled), Workload("till", "Till", and_(v.enabled, v.extra))],
        edges=lambda v: [Edge("till", SHOP, "sales", v.enabled), Edge("till", SHOP, "sales", v.enabled)],
    )
    [one] = Network([part]).connections
    assert [node.go(".") for node in one.conditions] == [".Values.shop.enabled", ".Values.shop.extra"]


def test_the_picture_shows_every_pair_once_and_whom_the_values_decide() -> None:
    part = DeclaredPart(
        new_chart(),
        "shop",
        endpoints=[SHOP, ADMIN],
        workloads=lambda v: [Workload("till", 'The "till"'), Workload("shop", "Shop"), Workload("check", "Check")],
        edges=lambda v: [
            Edge("till", SHOP, "sales"),
            Edge("till", ADMIN, "sales", v.extra),
            Edge("till", SHOP, "stock"),
            Edge("shop", KUBERNETES_API, "jobs"),
            Edge(INGRESS, SHOP, "people", v.extra),
            Edge("check", SHOP, "test"),
        ],
    )
    picture = edges_picture(Network([part]), "floe-platform", without=["check"])
    assert picture.splitlines() == [
        "```mermaid",
        "flowchart LR",
        '    outside_ingress(["Ingress controller, Gateway or load balancer"])',
        '    outside_kubernetesApi(["Kubernetes API"])',
        '    subgraph release["floe-platform"]',
        '        shop["Shop"]',
        '        till["The #quot;till#quot;"]',
        "    end",
        '    shop -->|"jobs"| outside_kubernetesApi',
        '    till -->|"sales 8080, 8081; stock 8080"| shop',
        '    outside_ingress -.->|"people 8080"| shop',
        "```",
    ]
