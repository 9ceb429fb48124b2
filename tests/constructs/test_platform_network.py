"""The whole platform: the pods of every environment reach each other exactly where the parts say so."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from floe_charts.constructs import FloePlatform
from floe_charts.constructs.network import CLIENTS, DATABASE_OUTSIDE, Edge, Endpoint, Outside
from floe_charts.deployment import Deployment
from floe_charts.helm import Component, Image, Values, when
from floe_charts.helm.layers import merge
from floe_charts.synth.synthesis import PlatformFiles, synth
from floe_charts.verify.engine import NAMESPACE
from floe_charts.verify.objects import RenderedObject, parse_objects
from floe_charts.verify.pods import pod_templates
from tests.constructs.traffic import Party, allowed
from tests.synth.cases import artifact
from tests.synth.charts import WrittenChart

NATIVE = {"components": {name: {"strategy": "native"} for name in ("dagster", "polaris", "otel", "minio")}}
OTEL = {"components": {"otel": {"strategy": "native"}}}
STRATEGIES: dict[str, dict[str, Any]] = {"dependency": {}, "otel": OTEL, "native": NATIVE}
ENVIRONMENTS = ("dev", "test", "staging", "prod")
# What an environment switches off is tried too.
MORE = {"networkPolicies": {"enabled": True}}


class Conditions(Component[Values]):
    """A ConfigMap that says what Helm makes of the conditions of edges and workloads."""

    def build(self, v: Values) -> None:
        chart = self.chart
        assert isinstance(chart, FloePlatform)
        workloads = {one.name: one.when for part in chart.parts for one in part.workloads()}
        data = {f"workload.{name}": _said(condition) for name, condition in workloads.items()}
        data |= {f"edge.{index}": _said(edge.when) for index, edge in enumerate(_edges(chart))}
        self.add(self.config_map(self.name("conditions"), data))


def _said(condition: bool | None) -> Any:
    return "yes" if condition is None else when(condition, "yes", "no")


def _edges(chart: FloePlatform) -> Iterator[Edge]:
    for part in chart.parts:
        yield from part.edges()


class Probed(FloePlatform):
    def _add_surroundings(self) -> None:
        super()._add_surroundings()
        Conditions(self, "conditions")


@cache
def platform(strategy: str) -> PlatformFiles:
    deployment = Deployment.parse(STRATEGIES[strategy], source="floe-charts.yaml")
    return synth([artifact()], deployment, platform=Probed, plugin_values=())


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Any:
    @cache
    def render(strategy: str, environment: str) -> list[RenderedObject]:
        chart = WrittenChart(platform(strategy), tmp_path_factory.mktemp(strategy))
        values = merge(chart.overlays[environment], MORE)
        objects, findings = parse_objects(chart.bare().render(values))
        assert not findings
        return objects

    return render


def pod(workload: str) -> Party:
    labels = {"app.kubernetes.io/part-of": "floe-platform", "app.kubernetes.io/component": workload}
    return Party(labels, NAMESPACE, "10.0.0.1")


def outside(party: Outside) -> Party:
    labels = {"app.kubernetes.io/part-of": "floe-jobs"} if party == CLIENTS else {}
    return Party(labels, party.namespace or "elsewhere", "10.0.0.2")


@pytest.mark.parametrize(("strategy", "environment"), list(product(STRATEGIES, ENVIRONMENTS)))
def test_the_pods_reach_each_other_where_the_parts_say_so(rendered: Any, strategy: str, environment: str) -> None:
    chart, objects = platform(strategy).platform, rendered(strategy, environment)
    policies = [one.data for one in objects if one.kind == "NetworkPolicy"]
    [said] = [one.data["data"] for one in objects if one.name == "floe-platform-conditions"]
    running = {name.removeprefix("workload.") for name in said if name.startswith("workload.") and said[name] == "yes"}
    served = {endpoint.address for part in chart.parts for endpoint in part.endpoints()}
    edges = [edge for index, edge in enumerate(_edges(chart)) if said[f"edge.{index}"] == "yes"]
    # Who comes in, and where to, by the declarations; who is not there takes part in nothing.
    expected = {
        (edge.source if isinstance(edge.source, str) else edge.source.id, edge.target.workload, edge.target.port)
        for edge in edges
        if isinstance(edge.target, Endpoint)
        and edge.target.address in served
        and edge.target.workload in running
        and (isinstance(edge.source, Outside) or edge.source in running)
    }
    parties = {name: pod(name) for name in running}
    parties |= {edge.source.id: outside(edge.source) for edge in _edges(chart) if isinstance(edge.source, Outside)}
    ports = {endpoint.port for part in chart.parts for endpoint in part.endpoints()} | {80, 443, 6443}
    found = {
        (source, target, port)
        for source, target, port in product(parties, running, ports)
        if allowed(policies, parties[source], pod(target), port)
    }
    assert found == expected
    assert len(found) > 10


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_who_comes_by_a_load_balancer_is_let_in(tmp_path: Path, strategy: str) -> None:
    chart = WrittenChart(platform(strategy), tmp_path)
    balanced = {"service": {"type": "LoadBalancer"}}
    values = {
        "dagster": {"webserver": balanced},
        "polaris": balanced,
        "marquez": {**balanced, "web": balanced},
        "otel": balanced,
        "postgres": balanced,
        "networkPolicies": {"outside": {"ingress": {"cidrs": ["203.0.113.0/24"]}}},
    }
    reached = {}
    for case, more in (("bare", {}), ("balanced", values)):
        objects, _ = parse_objects(chart.bare().render(merge(chart.overlays["qa"], more)))
        policies = [one.data for one in objects if one.kind == "NetworkPolicy"]
        endpoints = {endpoint for part in platform(strategy).platform.parts for endpoint in part.endpoints()}
        world = Party(address="203.0.113.7")
        reached[case] = {one.address for one in endpoints if allowed(policies, world, pod(one.workload), one.port)}
    assert reached == {
        "bare": set(),
        "balanced": {
            "dagster-webserver:3000",
            "marquez:5000",
            "marquez-web:3000",
            "otel:4317",
            "otel:4318",
            "polaris:8181",
            "postgres:5432",
        },
    }


@pytest.mark.parametrize(("strategy", "environment"), list(product(STRATEGIES, ENVIRONMENTS)))
def test_what_goes_out_is_what_the_parts_say(rendered: Any, strategy: str, environment: str) -> None:
    chart, objects = platform(strategy).platform, rendered(strategy, environment)
    policies = [one.data for one in objects if one.kind == "NetworkPolicy"]
    [said] = [one.data["data"] for one in objects if one.name == "floe-platform-conditions"]
    running = {name.removeprefix("workload.") for name in said if name.startswith("workload.") and said[name] == "yes"}
    edges = [edge for index, edge in enumerate(_edges(chart)) if said[f"edge.{index}"] == "yes"]
    values = platform(strategy).final_values(environment)["networkPolicies"]["outside"]
    expected = {
        (edge.source, port)
        for edge in edges
        if isinstance(edge.target, Outside) and edge.source in running
        for port in values[edge.target.id]["ports"]
    }
    ports = {port for one in values.values() for port in one.get("ports", ())} | {80, 8080}
    world = Party(address="203.0.113.7")
    assert {
        (name, port) for name, port in product(running, ports) if allowed(policies, pod(name), world, port)
    } == expected
    assert not any(allowed(policies, world, pod(name), port) for name, port in product(running, ports))


@pytest.mark.parametrize(("strategy", "environment"), list(product(STRATEGIES, ENVIRONMENTS)))
def test_every_pod_is_of_a_declared_workload(rendered: Any, strategy: str, environment: str) -> None:
    objects = rendered(strategy, environment)
    [said] = [one.data["data"] for one in objects if one.name == "floe-platform-conditions"]
    templates = pod_templates(objects)
    assert templates
    for template in templates:
        assert template.labels["app.kubernetes.io/part-of"] == "floe-platform", str(template.owner)
        assert said[f"workload.{template.labels['app.kubernetes.io/component']}"] == "yes", str(template.owner)


def test_clients_reach_the_apis_for_data_products(rendered: Any) -> None:
    policies = [one.data for one in rendered("native", "prod") if one.kind == "NetworkPolicy"]
    job = Party({"app.kubernetes.io/part-of": "floe-jobs"}, NAMESPACE, "10.0.0.9")
    opened = {
        "metadata": {"namespace": NAMESPACE},
        "spec": {"podSelector": {"matchLabels": dict(job.labels)}, "policyTypes": ["Egress"], "egress": [{}]},
    }
    chart = platform("native").platform
    endpoints = {endpoint for part in chart.parts for endpoint in part.endpoints()}
    reached = {one.address for one in endpoints if allowed([*policies, opened], job, pod(one.workload), one.port)}
    assert reached == {"polaris:8181", "otel:4317", "otel:4318", "marquez:5000"}
    assert not any(allowed(policies, job, pod(one.workload), one.port) for one in endpoints)


def test_an_external_database_is_asked_in_its_place(tmp_path: Path) -> None:
    external = {"postgres": "external", "values": {"postgres": {"external": {"host": "db.example.com"}}}}
    deployment = Deployment.parse({"environments": {"prod": external}}, source="floe-charts.yaml")
    chart = WrittenChart(synth([artifact()], deployment, plugin_values=()), tmp_path)
    objects, _ = parse_objects(chart.bare().render(chart.overlays["prod"]))
    policies = [one.data for one in objects if one.kind == "NetworkPolicy"]
    server = Party(address="203.0.113.7")
    [port] = DATABASE_OUTSIDE.ports
    assert allowed(policies, pod("marquez"), server, port)
    assert not allowed(policies, pod("marquez-web"), server, port)
    assert "floe-platform-postgres" not in {one["metadata"]["name"] for one in policies}


class AloneValues(Values):
    """A pod of somebody's own."""

    image: Image = Image(repository="alone", tag="1")


class Alone(Component[AloneValues]):
    """A pod that declares nothing."""

    def build(self, v: AloneValues) -> None:
        self.add(self.part("alone").deployment(image=v.image))


class OneAlone(FloePlatform):
    def extend(self) -> None:
        Alone(self, "alone")


def test_a_platform_without_parts_has_nobody_to_talk_to(tmp_path: Path) -> None:
    off = {name: {"enabled": False} for name in ("dagster", "polaris", "otel", "marquez", "minio", "postgres")}
    deployment = Deployment.parse({"components": off}, source="floe-charts.yaml")
    chart = WrittenChart(synth([artifact()], deployment, platform=OneAlone, plugin_values=()), tmp_path)
    assert {"tests", "monitoring"}.isdisjoint(chart.values)
    objects, _ = parse_objects(chart.bare().render(chart.overlays["prod"]))
    policies = {one.name for one in objects if one.kind == "NetworkPolicy"}
    assert policies == {"floe-platform-default-deny", "floe-platform-dns"}


def test_the_readme_has_the_picture() -> None:
    readme = platform("dependency")["floe-platform/README.md"]
    picture = readme[readme.index("```mermaid") :].partition("```\n")[0]
    assert 'marquez -->|"lineage 5432"| postgres' in picture
    assert "helm-test" not in picture
