"""What objects and values refer to exists: in the release, among the Secrets that must exist, or in a dependency."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

import pytest

from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.values import leaves
from tests.synth.charts import WrittenChart
from tests.synth.test_renders import in_every_environment, objects_in

ChartOf = Callable[[str], WrittenChart]


@in_every_environment
def test_secrets_and_config_maps_that_pods_read_exist(case: str, environment: str, chart_of: ChartOf) -> None:
    chart = chart_of(case)
    objects = objects_in(chart, environment)
    keys = {("Secret", one.name): set(one.key_names) for one in chart.files.required_secrets}
    for one in objects:
        data = one.data.get("data")
        if one.kind in ("ConfigMap", "Secret") and isinstance(data, Mapping):
            keys[one.kind, one.name] = set(data)
    found = [(one, *reference) for one in objects for reference in references(one.data)]
    assert found or case == "minimal"
    for one, kind, name, key in found:
        assert (kind, name) in keys, f"{one} reads {kind} {name}, which does not exist"
        assert key is None or key in keys[kind, name], f"{one} reads {key} of {kind} {name}, which has none"


def references(node: object) -> Iterator[tuple[str, str, str | None]]:
    """Kind, name and key of every Secret and ConfigMap that an object reads."""
    if isinstance(node, list):
        for value in node:
            yield from references(value)
    if not isinstance(node, Mapping):
        return
    for key, value in node.items():
        if isinstance(value, Mapping) and isinstance(value.get("name"), str):
            if key in ("secretKeyRef", "configMapKeyRef"):
                yield ("Secret" if key == "secretKeyRef" else "ConfigMap", value["name"], str(value["key"]))
            elif key in ("secretRef", "passwordSecret", "superuserSecret"):
                yield "Secret", value["name"], None
            elif key in ("configMapRef", "configMap"):
                yield from _items("ConfigMap", value["name"], value)
            elif key == "secret" and "items" in value:
                yield from _items("Secret", value["name"], value)
        if key == "secret" and isinstance(value, Mapping) and isinstance(value.get("secretName"), str):
            yield from _items("Secret", value["secretName"], value)
        yield from references(value)


def _items(kind: str, name: str, volume: Mapping[str, object]) -> Iterator[tuple[str, str, str | None]]:
    yield kind, name, None
    items = volume.get("items")
    for item in items if isinstance(items, list) else ():
        yield kind, name, str(item["key"])


@in_every_environment
def test_names_and_addresses_in_values_exist(case: str, environment: str, chart_of: ChartOf) -> None:
    """Values that go to a dependency are texts; those that name something of the platform name something that is."""
    chart = chart_of(case)
    platform, values = chart.files.platform, chart.files.final_values(environment)
    fullname = chart.deployment.chart.fullname
    objects = objects_in(chart, environment)
    served = {f"{endpoint.static_host(platform)}:{endpoint.port}" for _, endpoint in platform.endpoints()}
    # Names that a dependency gives to what it makes itself.
    own = {str(value) for path, value in leaves(values) if path[-1] in ("fullnameOverride", "service.name")}
    names = {one.name for one in objects} | {one.name for one in chart.files.required_secrets} | own | {fullname}
    switched_on = {part.id for part in platform.parts if values[part.id].get("enabled", True)}
    for path, value in leaves(values, into_lists=True):
        if not isinstance(value, str) or path[0] not in switched_on or path[0] == "products":
            continue
        if re.fullmatch(rf"{fullname}-[a-z0-9-]+", value):
            assert value in names, f"{path} names {value}, which does not exist"
        address = urlsplit(value).netloc if "://" in value else value
        if re.fullmatch(rf"{fullname}-[a-z0-9-]+:[0-9]+", address):
            assert address in served, f"{path} calls {value}, which nobody serves"


@in_every_environment
def test_services_lead_to_pods(case: str, environment: str, chart_of: ChartOf) -> None:
    """The selector of each Service fits the pods of a workload in the release, or of a dependency or an operator."""
    objects = objects_in(chart_of(case), environment)
    pods = [_pod_labels(one) for one in objects if one.kind in ("Deployment", "StatefulSet")]
    for one in objects:
        spec = one.data.get("spec")
        selector = spec.get("selector") if isinstance(spec, Mapping) else None
        if (
            one.kind != "Service"
            or not isinstance(selector, Mapping)
            or selector.get("component") == "dagster-webserver"
        ):
            continue
        assert any(selector.items() <= labels.items() for labels in pods), f"{one} leads nowhere"


def _pod_labels(one: RenderedObject) -> Mapping[str, object]:
    spec = one.data["spec"]
    assert isinstance(spec, Mapping)
    labels: Mapping[str, object] = spec["template"]["metadata"]["labels"]
    return labels


def test_the_names_that_real_artifacts_use_are_served(chart_of: ChartOf) -> None:
    platform = chart_of("default").files.platform
    served = {f"{endpoint.static_host(platform)}:{endpoint.port}" for _, endpoint in platform.endpoints()}
    assert served >= {
        "floe-platform-otel:4317",
        "floe-platform-otel:4318",
        "floe-platform-polaris:8181",
        "floe-platform-marquez:5000",
        "floe-platform-minio:9000",
        "floe-platform-postgres:5432",
    }


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_our_own_services_have_these_names_and_ports(environment: str, chart_of: ChartOf) -> None:
    """Those of the native strategy; a dependency's are named by values that the schema fixes."""
    services = {}
    for one in objects_in(chart_of("native"), environment):
        spec = one.data.get("spec")
        if one.kind == "Service" and isinstance(spec, Mapping):
            services[one.name] = {port["port"] for port in spec.get("ports", ())}
    assert services["floe-platform-otel"] >= {4317, 4318}
    assert services["floe-platform-marquez"] >= {5000}
    # In production the operator makes it, as the Cluster asks.
    assert environment == "prod" or services["floe-platform-postgres"] == {5432}
