"""What stands around pods: who they are, how many there are, how they are reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floe_charts.helm import Field, Image, IngressValues, RouteValues, Values, WorkloadValues
from floe_charts.verify.schemas import CustomSchemas
from tests.helm.one_chart import chart_with, taken_by_kubernetes
from tests.helm.rendering import Rendering
from tests.support import SHARED


class ShopValues(WorkloadValues):
    """A shop."""

    image: Image = Field(Image(repository="acme/shop", tag="1"), description="Its image.")
    ingress: IngressValues = IngressValues()
    route: RouteValues = RouteValues()


def build(self: Any, v: Any) -> None:
    web = self.part("web", ports={"http": 8080, "admin": 8081})
    self.add(web.deployment(image=v.image, resources=v.resources, values=v))
    self.add(web.service())
    web.add_service_account(v)
    web.add_scaling(v)
    with self.when(v.ingress.enabled):
        self.add(web.ingress(v.ingress, port="admin"))
    with self.when(v.route.enabled):
        self.add(web.http_route(v.route, port="admin"))


@pytest.fixture(scope="module")
def rendering() -> Rendering:
    return Rendering(chart_with(ShopValues(), build).files())


def objects_of(rendering: Rendering, **values: Any) -> dict[str, Any]:
    return {file.removeprefix("web-").removesuffix(".yaml"): made
            for file, made in taken_by_kubernetes(rendering, {"web": values}).items()}  # fmt: skip


# The ServiceAccount


def test_the_service_account_is_made_or_exists(rendering: Rendering) -> None:
    made = objects_of(rendering)
    assert made["serviceaccount"]["metadata"]["name"] == "shop-web"
    assert made["serviceaccount"]["automountServiceAccountToken"] is False
    pod = made["deployment"]["spec"]["template"]["spec"]
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("shop-web", False)
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/shop"}
    named = objects_of(rendering, serviceAccount={"name": "1-mine", "annotations": role})
    assert named["serviceaccount"]["metadata"]["name"] == "1-mine"
    assert named["serviceaccount"]["metadata"]["annotations"] == role
    assert named["deployment"]["spec"]["template"]["spec"]["serviceAccountName"] == "1-mine"
    theirs = objects_of(rendering, serviceAccount={"create": False, "name": "theirs"})
    assert "serviceaccount" not in theirs
    assert theirs["deployment"]["spec"]["template"]["spec"]["serviceAccountName"] == "theirs"


# How many pods there are


def scaled(**more: Any) -> dict[str, Any]:
    return {"autoscaling": {"enabled": True, **more}, "podDisruptionBudget": {"enabled": True}}


def test_an_autoscaler_takes_over_the_number_of_pods(rendering: Rendering) -> None:
    made = objects_of(rendering, **scaled(minReplicas=3, maxReplicas=7, targetCPUUtilizationPercentage=55))
    spec = made["horizontalpodautoscaler"]["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 7)
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop-web"}
    [metric] = spec["metrics"]
    assert metric["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 55}}
    assert "replicas" not in made["deployment"]["spec"]


def test_the_most_pods_are_never_fewer_than_the_fewest(rendering: Rendering) -> None:
    spec = objects_of(rendering, **scaled(minReplicas=9, maxReplicas=4))["horizontalpodautoscaler"]["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (9, 9)


@pytest.mark.parametrize("cpu", ["0", "0m", "0.0"])
def test_without_a_cpu_request_there_is_nothing_to_scale_by(rendering: Rendering, cpu: str) -> None:
    resources = {"requests": {"cpu": cpu}}
    made = objects_of(rendering, **scaled(minReplicas=3), replicas=1, resources=resources)
    assert made.keys() & {"horizontalpodautoscaler", "poddisruptionbudget"} == set()
    assert made["deployment"]["spec"]["replicas"] == 1
    assert "poddisruptionbudget" in objects_of(rendering, **scaled(minReplicas=1), replicas=2, resources=resources)


@settings(max_examples=60, deadline=None)
@given(
    st.booleans(), st.booleans(), st.integers(0, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4),
    st.sampled_from(["0", "100m"]),
)  # fmt: skip
def test_a_budget_never_stops_a_drain(
    rendering: Rendering, scale: bool, budget: bool, replicas: int, fewest: int, most: int, away: int, cpu: str
) -> None:
    made = objects_of(
        rendering,
        replicas=replicas,
        autoscaling={"enabled": scale, "minReplicas": fewest, "maxReplicas": most},
        podDisruptionBudget={"enabled": budget, "maxUnavailable": away},
        resources={"requests": {"cpu": cpu}},
    )
    pods = made["deployment"]["spec"].get("replicas")
    assert ("horizontalpodautoscaler" in made) == (pods is None) == (scale and cpu != "0")
    certain = made["horizontalpodautoscaler"]["spec"]["minReplicas"] if pods is None else pods
    assert ("poddisruptionbudget" in made) == (budget and certain > 1)
    if "poddisruptionbudget" in made:
        spec = made["poddisruptionbudget"]["spec"]
        assert spec["maxUnavailable"] == away
        assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
        labels = made["deployment"]["spec"]["template"]["metadata"]["labels"]
        assert spec["selector"]["matchLabels"].items() <= labels.items()


# How they are reached


def test_an_ingress_with_a_certificate(rendering: Rendering) -> None:
    values = {"enabled": True, "host": "shop.example.com", "path": "/.well-known/a_b~c.d/", "tlsSecret": "t",
              "clusterIssuer": "letsencrypt", "className": "nginx", "annotations": {"a": "{{ b"}}  # fmt: skip
    made = objects_of(rendering, ingress=values)["ingress"]
    assert made["metadata"]["annotations"] == {"a": "{{ b", "cert-manager.io/cluster-issuer": "letsencrypt"}
    [rule] = made["spec"]["rules"]
    assert rule["host"] == "shop.example.com"
    [path] = rule["http"]["paths"]
    assert (path["path"], path["backend"]["service"]) == (
        "/.well-known/a_b~c.d/",
        {"name": "shop-web", "port": {"name": "admin"}},
    )
    assert made["spec"]["tls"] == [{"hosts": ["shop.example.com"], "secretName": "t"}]


def test_the_issuer_among_the_values_wins_over_an_annotation(rendering: Rendering) -> None:
    annotations = {"cert-manager.io/cluster-issuer": "other", "b": "c"}
    for issuer in (None, "mine"):
        values = {"enabled": True, "annotations": annotations, **({"clusterIssuer": issuer} if issuer else {})}
        made = objects_of(rendering, ingress=values)["ingress"]
        assert made["metadata"]["annotations"] == {"cert-manager.io/cluster-issuer": issuer or "other", "b": "c"}


def test_a_route_belongs_to_a_gateway(rendering: Rendering) -> None:
    values = {"enabled": True, "gateway": {"name": "web", "namespace": "1-edge", "sectionName": "https"},
              "hostnames": ["a.example.com", "b.example.com"], "path": "/shop", "annotations": {"a": "y"}}  # fmt: skip
    made = objects_of(rendering, route=values)["httproute"]
    assert made["metadata"]["annotations"] == {"a": "y"}
    assert made["spec"] == {
        "parentRefs": [{"name": "web", "namespace": "1-edge", "sectionName": "https"}],
        "hostnames": ["a.example.com", "b.example.com"],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/shop"}}],
                "backendRefs": [{"name": "shop-web", "port": 8081}],
            }
        ],
    }
    bare = objects_of(rendering, route={"enabled": True})["httproute"]["spec"]
    assert bare["parentRefs"] == [{"name": "gateway"}]
    assert "hostnames" not in bare


@pytest.mark.skipif(not SHARED.exists(), reason="the schemas of custom resources are not beside the repository")
@pytest.mark.parametrize(
    "values", [{}, {"hostnames": ["a.example.com"], "path": "/a/"}, {"gateway": {"namespace": "b"}}]
)
def test_a_route_fits_the_gateway_api(rendering: Rendering, values: dict[str, Any]) -> None:
    schemas = CustomSchemas.from_paths([Path(SHARED, "crds")])
    made = objects_of(rendering, route={"enabled": True, **values})["httproute"]
    assert schemas.knows(made["apiVersion"], made["kind"])
    assert [str(fault) for fault in schemas.validate(made)] == []


@pytest.mark.parametrize("entry", ["ingress", "route"])
@pytest.mark.parametrize("path", ["", "shop", "//", "/a//b", "/a/../b", "/..", "/./", "/a/.", "/a%2fb", "/a#b", "/a b"])
def test_paths_that_the_api_server_refuses_are_refused(rendering: Rendering, entry: str, path: str) -> None:
    assert rendering.refused({"web": {entry: {"enabled": True, "path": path}}})


@pytest.mark.parametrize(
    "values",
    [
        {"autoscaling": {"minReplicas": 0}},
        {"autoscaling": {"targetCPUUtilisationPercentage": 5}},
        {"podDisruptionBudget": {"minAvailable": 1}},
        {"podDisruptionBudget": {"maxUnavailable": 0}},
        {"serviceAccount": {"name": "Not A Name"}},
        {"route": {"hostnames": [f"h{number}.example.com" for number in range(17)]}},
        {"ingress": {"host": "*"}},
        {"replicas": -1},
    ],
)
def test_what_would_not_work_is_refused(rendering: Rendering, values: Any) -> None:
    assert rendering.refused({"web": values})


def test_a_service_can_be_of_another_type_and_name() -> None:
    class Empty(Values):
        """Nothing."""

        mark: str = Field("{{", description="An annotation.")

    def build(self: Any, v: Any) -> None:
        web = self.part("web", ports={"http": 8080})
        self.add(web.service(name="other", annotations={"mark": v.mark}, type="NodePort"))

    from floe_charts.helm import ChartValues

    made = taken_by_kubernetes(Rendering(chart_with(Empty(), build, shared=ChartValues()).files()))
    service = made["web-service.yaml"]
    assert (service["metadata"]["name"], service["metadata"]["annotations"]) == ("other", {"mark": "{{"})
    assert service["spec"]["type"] == "NodePort"
