"""Polaris by its official chart: what it is handed, and that upstream accepts and knows it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from floe_charts.constructs.network import POLARIS, POLARIS_MANAGEMENT
from floe_charts.constructs.polaris import KNOWN_VERSION, PolarisCatalog, PolarisValues
from floe_charts.constructs.polaris_chart import PolarisTracing, StorageSecret, StorageValues
from floe_charts.constructs.postgres import PostgresCluster
from floe_charts.deployment import ChartSource, Deployment
from floe_charts.helm import HelmChart, SubchartValues, Values
from floe_charts.helm.layers import merge, prune_nulls
from floe_charts.helm.spec import property_specs
from floe_charts.verify.engine import ChartHandle, ValuesRefused, lint, load
from tests.constructs.rendering import new_chart, objects_of, written
from tests.constructs.upstream import missing_keys
from tests.support import SHARED, echoed_values, with_echo_dependencies

UPSTREAM = SHARED / "upstream" / "polaris"
needs_upstream = pytest.mark.skipif(not UPSTREAM.is_dir(), reason="the official chart's values are not at hand")


def polaris_chart(**arguments: Any) -> HelmChart:
    chart = new_chart()
    PolarisCatalog(chart, "polaris", **{"otlp": True, "storage": True, **arguments})
    return chart


def polaris(**arguments: Any) -> PolarisCatalog:
    found: PolarisCatalog = polaris_chart(**arguments).component(PolarisCatalog)
    return found


def handed(**arguments: Any) -> dict[str, Any]:
    """What the official chart is handed by default."""
    values: dict[str, Any] = polaris_chart(**arguments).default_values()["polaris"]
    return values


def upstream_values() -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((UPSTREAM / "values.yaml").read_text(encoding="utf-8"))
    return values


def upstream_schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((UPSTREAM / "values.schema.json").read_text(encoding="utf-8"))
    return schema


def echoing(directory: Path, chart: HelmChart, defaults: Mapping[str, object] | None = None) -> ChartHandle:
    """The chart with a dependency that says what it is given, by default under the official chart's own values."""
    written(chart, directory)
    known = {"polaris": defaults if defaults is not None else upstream_values()}
    return load(with_echo_dependencies(directory / "floe-platform", directory / "echo", known))


# Names, ports, switches


def test_the_services_answer_where_the_platform_says() -> None:
    values = handed()
    assert values["fullnameOverride"] == "floe-platform-polaris"
    assert [(one["name"], one["port"]) for one in values["service"]["ports"]] == [("polaris-http", POLARIS.port)]
    assert [(one["name"], one["port"]) for one in values["managementService"]["ports"]] == [
        ("polaris-mgmt", POLARIS_MANAGEMENT.port)
    ]
    # The chart adds -mgmt to its full name for the second Service.
    assert POLARIS_MANAGEMENT.suffix == f"{POLARIS.suffix}-mgmt"
    assert set(polaris().endpoints()) == {POLARIS, POLARIS_MANAGEMENT}


def test_the_name_that_others_rely_on_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(ValuesRefused):
        written(polaris_chart(), tmp_path).render({"polaris": {"fullnameOverride": "other"}})


def test_the_dependency_is_switched_by_its_own_value() -> None:
    (found,) = polaris_chart().dependencies()
    assert found.to_chart_yaml() == {
        "name": "polaris",
        "version": KNOWN_VERSION,
        "repository": Deployment.default().components.polaris.chart.repository,
        "condition": "polaris.enabled",
    }


def test_a_mirror_and_another_version_bring_the_image_of_that_version() -> None:
    part = polaris(source=ChartSource(version="1.8.0", repository="https://mirror.example.com/charts"))
    assert part.dependency is not None and part.dependency.repository == "https://mirror.example.com/charts"
    assert part.values.image.tag == "1.8.0"


def test_helm_lints_the_chart(tmp_path: Path) -> None:
    written(polaris_chart(), tmp_path)
    messages = [message.text for message in lint(tmp_path / "floe-platform")]
    assert messages == ["chart directory is missing these dependencies: polaris"]


# What is handed over


def test_traces_go_to_the_gateway_where_there_is_one() -> None:
    tracing = handed()["tracing"]
    assert (tracing["enabled"], tracing["endpoint"]) == (True, "http://floe-platform-otel:4317")
    assert handed(otlp=False)["tracing"]["enabled"] is False


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({}, "floe-platform-polaris-storage"),
        ({"storage_secret": "s3"}, "s3"),
        ({"storage": False}, ""),
        ({"storage": False, "storage_secret": "s3"}, "s3"),
    ],
)
def test_storage_credentials_come_from_a_secret_only_where_storage_is_used(
    arguments: Mapping[str, Any], name: str
) -> None:
    assert handed(**arguments)["storage"]["secret"]["name"] == name
    needed = [secret.keys for secret in polaris(**arguments).required_secrets() if secret.name == name]
    assert needed == ([("access-key-id", "secret-access-key")] if name else [])


def test_the_secrets_that_must_exist_are_those_that_the_chart_reads() -> None:
    values = handed()
    secrets = {secret.name: set(secret.keys) for secret in polaris().required_secrets()}
    jdbc = values["persistence"]["relationalJdbc"]["secret"]
    token = values["authentication"]["tokenBroker"]["secret"]
    assert secrets[jdbc["name"]] == {jdbc["username"], jdbc["password"], jdbc["jdbcUrl"]}
    assert secrets[token["name"]] == {token["symmetricKey"]["secretKey"]}


def test_the_database_consumer_names_the_secret_that_the_chart_reads() -> None:
    consumer = polaris().database_consumer()
    assert consumer.default_secret == "floe-platform-polaris-database"
    assert consumer.required_secret.keys == ("username", "password", "jdbcUrl")


def test_a_test_environment_needs_no_database_and_waits_for_no_secret(tmp_path: Path) -> None:
    chart = polaris_chart()
    part = chart.component(PolarisCatalog)
    PostgresCluster(chart, "postgres", consumers=[part.database_consumer()])
    handle = written(chart, tmp_path)
    layer = part.environment_values(Deployment.default().environment("test"))
    kept = json.dumps([one.data for one in objects_of(handle, {}).values()])
    assert "floe-platform-polaris-database" in kept
    without = json.dumps([one.data for one in objects_of(handle, {"polaris": layer}).values()])
    assert "polaris-database" not in without
    assert merge(handed(), layer)["persistence"]["relationalJdbc"]["secret"]["name"] == ""


def test_high_availability_means_two_pods() -> None:
    deployment = Deployment.default()
    assert polaris().environment_values(deployment.environment("prod")) == {"replicaCount": 2}
    assert polaris().environment_values(deployment.environment("staging")) == {}


def test_values_are_defaults_beside_the_platforms_own() -> None:
    own = PolarisValues(replica_count=3, storage=StorageValues(secret=StorageSecret(name="mine")))
    values = handed(values=own)
    assert values["replicaCount"] == 3
    assert values["storage"]["secret"] == {
        "name": "mine",
        "awsAccessKeyId": "access-key-id",
        "awsSecretAccessKey": "secret-access-key",
    }
    assert values["fullnameOverride"] == "floe-platform-polaris"


def test_pods_are_restricted() -> None:
    values = handed()
    assert values["podSecurityContext"]["runAsNonRoot"] is True
    assert values["containerSecurityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 10000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


@pytest.mark.parametrize("text", ["{{ .Values.x }}", "a{{b", "{{"])
def test_what_the_chart_would_evaluate_is_refused(text: str) -> None:
    """The chart passes its properties through tpl."""
    with pytest.raises(ValidationError):
        PolarisTracing(attributes={"a": text})
    with pytest.raises(ValidationError):
        PolarisValues(advanced_config={"quarkus.x": text})


@pytest.mark.parametrize("text", ["${env.X}", "{a}", "a{", "jdbc:postgresql://h:5432/d?sslmode=require", "a=b #c"])
def test_other_properties_are_taken(text: str) -> None:
    assert PolarisValues(advanced_config={"quarkus.x": text}).advanced_config == {"quarkus.x": text}


# Upstream


@needs_upstream
def test_every_key_of_the_official_chart_passes() -> None:
    """Helm merges the chart's defaults in before it holds the values against our schema."""
    assert set(missing_keys(PolarisValues, upstream_values(), _resolved(upstream_schema()))) == set()


@needs_upstream
def test_no_key_is_made_up() -> None:
    # Switches that Helm and the chart's templates read, though they do not stand in its values.yaml.
    read = {"enabled", "fullnameOverride", "global"}
    found = set(_made_up(PolarisValues, upstream_values(), _resolved(upstream_schema()))) - read
    # Kubernetes' own, which the chart writes as they are.
    assert {path for path in found if not re.match(r"(pod|container)SecurityContext\.|resources\.", path)} == set()


@needs_upstream
@pytest.mark.parametrize("arguments", [{}, {"otlp": False, "storage": False}])
def test_the_official_charts_schema_accepts_what_it_is_handed(arguments: Mapping[str, Any]) -> None:
    values = merge({key: value for key, value in upstream_values().items() if value is not None}, handed(**arguments))
    jsonschema.validate(values, upstream_schema())


@needs_upstream
def test_the_official_chart_gets_its_defaults_and_the_platforms_values(tmp_path: Path) -> None:
    got: Any = echoed_values(echoing(tmp_path, polaris_chart()).render({"global": {"team": "data"}}))["polaris"]
    assert got["service"]["ports"] == [{"name": "polaris-http", "port": 8181, "protocol": "TCP"}]
    assert got["maintenance"]["image"]["repository"] == "apache/polaris-admin-tool"
    assert got["tracing"]["endpoint"] == "http://floe-platform-otel:4317"


@needs_upstream
def test_an_overlay_may_set_any_value_under_the_charts_own_defaults(tmp_path: Path) -> None:
    """Helm keeps a dependency's null where an overlay sets something beside it, and the schema sees the null."""
    handle = echoing(tmp_path, polaris_chart())
    again = echoed_values(handle.render({"polaris": handed()}))
    assert prune_nulls(again) == prune_nulls(echoed_values(handle.render({})))


@needs_upstream
@pytest.mark.parametrize(
    "misspelt",
    [
        {"replicas": 2},
        {"persistence": {"kind": "in-memory"}},
        {"persistence": {"type": "memory"}},
        {"authentication": {"tokenBroker": {"secret": {"symmetrickey": {}}}}},
        {"storage": {"secret": {"awsAccessKey": "x"}}},
        {"tracing": {"endpoint": "floe-platform-otel:4317"}},
        {"image": {"registry": "docker.io"}},
        {"service": {"ports": []}},
    ],
)
def test_under_the_charts_own_defaults_a_misspelt_key_is_refused(
    tmp_path: Path, misspelt: Mapping[str, object]
) -> None:
    with pytest.raises(ValuesRefused):
        echoing(tmp_path, polaris_chart()).render({"polaris": misspelt})


def _resolved(schema: Any, root: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """``schema`` with references inside it in place, as far as they describe keys."""
    if not isinstance(schema, Mapping):
        return {}
    root = root if root is not None else schema
    reference = str(schema.get("$ref", ""))
    if reference.startswith("#/"):
        target: Any = root
        for step in reference[2:].split("/"):
            target = target[step]
        return _resolved(target, root)
    properties = {key: _resolved(below, root) for key, below in schema.get("properties", {}).items()}
    return {"properties": properties} if properties else {}


def _made_up(model: type[Values], defaults: Any, schema: Mapping[str, Any], path: str = "") -> list[str]:
    """Paths that ``model`` declares or knows and that upstream has neither in its values nor in its schema."""
    properties = schema.get("properties", {})
    known = (model.known_keys or frozenset()) if issubclass(model, SubchartValues) else frozenset()
    there = {*(defaults if isinstance(defaults, Mapping) else ()), *properties}
    declared = property_specs(model)
    found = [f"{path}{key}" for key in sorted({*known, *declared} - there)]
    for name, prop in declared.items():
        if name in there and prop.spec.kind == "object" and prop.spec.model is not None:
            below = defaults.get(name) if isinstance(defaults, Mapping) else None
            found += _made_up(prop.spec.model, below, properties.get(name, {}), f"{path}{name}.")
    return found
