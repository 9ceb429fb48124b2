"""Dagster by its official chart: what it is handed, the glue around it, and that upstream accepts and knows both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from floe_charts.constructs.dagster import KNOWN_VERSION, CodeLocation, DagsterStack, DagsterValues
from floe_charts.constructs.dagster_chart import WebserverValues
from floe_charts.constructs.network import DAGSTER_WEBSERVER
from floe_charts.constructs.products import PRODUCTS_PATH, DataProducts, ProductFacts
from floe_charts.deployment import ChartSource, Deployment
from floe_charts.helm import HelmChart
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.helm.layers import merge, prune_nulls
from floe_charts.verify.engine import ChartHandle, ValuesRefused, lint, load
from floe_charts.verify.schemas import validate_objects
from tests.constructs.rendering import new_chart, objects_of, spec_of, written
from tests.constructs.upstream import missing_keys, unknown_keys
from tests.support import SHARED, echoed_values, with_echo_dependencies

UPSTREAM = SHARED / "upstream" / "dagster"
needs_upstream = pytest.mark.skipif(not UPSTREAM.is_dir(), reason="the official chart's values are not at hand")
DEFINITIONS = "https://raw.githubusercontent.com/yannh/kubernetes-json-schema/master/v1.19.0/_definitions.json"

LOCATIONS = (CodeLocation.of_product("Sales-Daily", "1.0.0"), CodeLocation("iot", "acme.iot.definitions"))
SERVICE = "Service/floe-platform-dagster-webserver"
WORKSPACE = "ConfigMap/floe-platform-dagster-workspace"


def dagster_chart(
    *, locations: tuple[CodeLocation, ...] = LOCATIONS, products: bool = True, values: DagsterValues | None = None
) -> HelmChart:
    chart = new_chart()
    if products:
        DataProducts(chart, "products", [ProductFacts(slug="sales-daily", name="Sales-Daily", version="1.0.0")])
    DagsterStack(
        chart,
        "dagster",
        locations=locations,
        credential_secrets=["floe-platform-sales-daily-credentials"],
        otlp=True,
        lineage=True,
        values=values,
    )
    return chart


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return written(dagster_chart(), tmp_path_factory.mktemp("dagster"))


def workspace_of(handle: ChartHandle, values: Mapping[str, object] | None = None) -> Any:
    data = objects_of(handle, values or {})[WORKSPACE].data["data"]
    assert isinstance(data, Mapping)
    return yaml.safe_load(data["workspace.yaml"])


def handed(**arguments: Any) -> dict[str, Any]:
    """What the official chart is handed by default."""
    values: dict[str, Any] = dagster_chart(**arguments).default_values()["dagster"]
    return values


def upstream_values() -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((UPSTREAM / "values.yaml").read_text(encoding="utf-8"))
    return values


def upstream_schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((UPSTREAM / "values.schema.json").read_text(encoding="utf-8"))
    return schema


# The glue


def test_the_service_has_the_platforms_name_and_leads_to_the_charts_pods(chart: ChartHandle) -> None:
    spec = spec_of(objects_of(chart, {}), SERVICE)
    assert spec["selector"] == {
        "app.kubernetes.io/name": "dagster",
        "app.kubernetes.io/instance": "floe-platform",
        "component": "dagster-webserver",
    }
    assert spec["ports"] == [{"name": "http", "port": DAGSTER_WEBSERVER.port, "targetPort": "http"}]


def test_the_charts_own_service_never_has_the_platforms_name() -> None:
    assert handed()["dagsterWebserver"]["nameOverride"] != DAGSTER_WEBSERVER.suffix


def test_the_workspace_lists_a_module_per_product(chart: ChartHandle) -> None:
    assert workspace_of(chart) == {
        "load_from": [
            {"python_module": {"module_name": "sales_daily", "location_name": "Sales-Daily"}},
            {"python_module": {"module_name": "acme.iot.definitions", "location_name": "iot"}},
        ]
    }


def test_a_location_can_be_changed_added_and_removed_by_values(chart: ChartHandle) -> None:
    added = {"module": "b", "attribute": "defs", "workingDirectory": "/code"}
    found = workspace_of(
        chart, {"workspace": {"locations": {"iot": None, "Sales-Daily": {"module": "a"}, "new": added}}}
    )
    assert [one["python_module"] for one in found["load_from"]] == [
        {"module_name": "a", "location_name": "Sales-Daily"},
        {"module_name": "b", "location_name": "new", "attribute": "defs", "working_directory": "/code"},
    ]


def test_a_workspace_without_locations_is_an_empty_list(tmp_path: Path) -> None:
    assert workspace_of(written(dagster_chart(locations=()), tmp_path)) == {"load_from": []}


@pytest.mark.parametrize("name", ["yes", "null", "a" * 128, "e1"])
def test_location_names_stay_text(tmp_path: Path, name: str) -> None:
    handle = written(dagster_chart(locations=(CodeLocation.of_product(name),)), tmp_path)
    (found,) = workspace_of(handle)["load_from"]
    assert found["python_module"]["location_name"] == name


@pytest.mark.parametrize("locations", [{"a b": {"module": "m"}}, {"{{x}}": {"module": "m"}}, {"a": {"module": "m; x"}}])
def test_what_is_no_location_is_refused(chart: ChartHandle, locations: Mapping[str, object]) -> None:
    with pytest.raises(ValuesRefused):
        chart.render({"workspace": {"locations": locations}})


def test_nothing_is_left_where_dagster_is_off(chart: ChartHandle) -> None:
    assert not {SERVICE, WORKSPACE} & objects_of(chart, {"dagster": {"enabled": False}}).keys()


@pytest.mark.parametrize("version", [OLDEST, latest_kube_version()])
def test_the_objects_fit_kubernetes(chart: ChartHandle, version: str) -> None:
    objects = objects_of(chart, {})
    assert not validate_objects(list(objects.values()), [version]).findings
    assert all(one.data["metadata"]["namespace"] for one in objects.values())  # type: ignore[index]


def test_helm_lints_the_chart(tmp_path: Path) -> None:
    written(dagster_chart(), tmp_path)
    messages = [message.text for message in lint(tmp_path / "floe-platform")]
    assert messages == ["chart directory is missing these dependencies: dagster"]


# What is handed over


def test_the_dependency_is_switched_by_its_own_value() -> None:
    (found,) = dagster_chart().dependencies()
    assert found.to_chart_yaml() == {
        "name": "dagster",
        "version": KNOWN_VERSION,
        "repository": Deployment.default().components.dagster.chart.repository,
        "condition": "dagster.enabled",
    }


def test_a_mirror_and_another_version_bring_the_image_of_that_version() -> None:
    chart = new_chart()
    stack = DagsterStack(chart, source=ChartSource(version="1.12.18", repository="oci://mirror.example.com/charts"))
    assert stack.dependency is not None and stack.dependency.repository == "oci://mirror.example.com/charts"
    images = [
        stack.values.dagster_webserver.image,
        stack.values.dagster_daemon.image,
        stack.values.run_launcher.config.k8s_run_launcher.image,
    ]
    assert {image.tag for image in images} == {"1.12.18"}


def test_dagster_uses_the_platforms_postgres() -> None:
    values = handed()
    assert values["postgresql"]["enabled"] is False
    assert values["postgresql"]["postgresqlHost"] == "floe-platform-postgres"
    assert values["generatePostgresqlPasswordSecret"] is False
    assert values["global"]["postgresqlSecretName"] == "floe-platform-dagster-postgresql"


def test_the_database_consumer_names_the_secret_and_the_key_that_the_chart_reads() -> None:
    stack = dagster_chart().component(DagsterStack)
    consumer = stack.database_consumer()
    assert (consumer.database, consumer.role) == ("dagster", "dagster")
    assert consumer.required_secret in stack.required_secrets()
    assert set(consumer.required_secret.keys) == {"username", "password", "postgresql-password"}


def test_every_process_is_told_where_telemetry_and_lineage_go() -> None:
    values = handed()
    runs = values["runLauncher"]["config"]["k8sRunLauncher"]["envVars"]
    for env in (
        {one["name"]: one["value"] for one in values["dagsterWebserver"]["env"]},
        {one["name"]: one["value"] for one in values["dagsterDaemon"]["env"]},
        dict(one.split("=", 1) for one in runs),
    ):
        assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://floe-platform-otel:4317"
        assert env["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc"
        assert env["OPENLINEAGE_URL"] == "http://floe-platform-marquez:5000"


def test_without_gateway_and_lineage_nothing_points_there() -> None:
    chart = new_chart()
    DagsterStack(chart, env={"LOG": "{{ env_var('X') }}"})
    values = chart.default_values()["dagster"]
    assert not any(name in json.dumps(values) for name in ("OTEL_", "OPENLINEAGE_"))
    assert {"name": "LOG", "value": "{{ env_var('X') }}"} in values["dagsterDaemon"]["env"]


def test_runs_get_the_credentials_of_the_products() -> None:
    launcher = handed()["runLauncher"]["config"]["k8sRunLauncher"]
    assert launcher["envSecrets"] == [{"name": "floe-platform-sales-daily-credentials"}]


@pytest.mark.parametrize("products", [True, False])
def test_every_pod_sees_the_facts_of_the_products_where_there_are_any(products: bool) -> None:
    values = handed(products=products)
    for place in (
        values["dagsterWebserver"],
        values["dagsterDaemon"],
        values["runLauncher"]["config"]["k8sRunLauncher"],
    ):
        mounts = {one["name"]: one["mountPath"] for one in place["volumeMounts"]}
        assert mounts.keys() == {one["name"] for one in place["volumes"]}
        assert mounts.get("products") == (PRODUCTS_PATH if products else None)


def test_the_pods_roll_when_the_locations_change_and_only_then() -> None:
    def annotation(*locations: CodeLocation) -> str:
        values = handed(locations=locations)
        assert values["dagsterWebserver"]["annotations"] == values["dagsterDaemon"]["annotations"]
        found: str = values["dagsterWebserver"]["annotations"]["checksum/locations"]
        return found

    first, second = LOCATIONS
    assert annotation(first, second) == annotation(second, first)
    newer = CodeLocation(first.name, first.module, "1.0.1")
    assert len({annotation(first, second), annotation(first), annotation(newer, second)}) == 3


def test_values_are_defaults_beside_the_platforms_own() -> None:
    own = DagsterValues(dagster_webserver=WebserverValues(replica_count=3), rbac_enabled=False)
    values = handed(values=own)
    assert values["dagsterWebserver"]["replicaCount"] == 3
    assert values["rbacEnabled"] is False
    assert values["dagsterWebserver"]["workspace"]["externalConfigmap"] == "floe-platform-dagster-workspace"


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_high_availability_means_two_webservers(environment: str) -> None:
    stack, found = dagster_chart().component(DagsterStack), Deployment.default().environment(environment)
    expected = {"dagsterWebserver": {"replicaCount": 2}} if found.high_availability else {}
    assert stack.environment_values(found) == expected


@pytest.mark.parametrize("part", ["dagsterWebserver", "dagsterDaemon"])
@pytest.mark.parametrize(("text", "taken"), [('ü: "{x}" # \\', True), ("it's", False), ("two\nlines", False)])
def test_annotations_that_the_chart_would_change_between_single_quotes_are_refused(
    chart: ChartHandle, part: str, text: str, taken: bool
) -> None:
    values: dict[str, object] = {"dagster": {part: {"annotations": {"example.com/note": text}}}}
    if taken:
        chart.render(values)
    else:
        with pytest.raises(ValuesRefused):
            chart.render(values)


@pytest.mark.parametrize(
    ("launcher", "taken"), [({"imagePullPolicy": "Always"}, True), ({"image": {"pullPolicy": "Always"}}, False)]
)
def test_the_pull_policy_of_runs_that_the_chart_ignores_cannot_be_set(
    chart: ChartHandle, launcher: Mapping[str, object], taken: bool
) -> None:
    values: dict[str, object] = {"dagster": {"runLauncher": {"config": {"k8sRunLauncher": launcher}}}}
    if taken:
        chart.render(values)
    else:
        with pytest.raises(ValuesRefused):
            chart.render(values)


def test_names_that_end_up_unquoted_in_a_shell_are_refused() -> None:
    with pytest.raises(ValidationError):
        DagsterValues.model_validate({"postgresql": {"postgresqlUsername": "dagster; reboot"}})


# Upstream


@needs_upstream
def test_every_key_of_the_official_chart_passes() -> None:
    """Helm merges the chart's defaults in before it holds the values against our schema."""
    schema = _inlined(upstream_schema(), upstream_schema()["$defs"])
    assert set(missing_keys(DagsterValues, upstream_values(), schema)) == set()


@needs_upstream
def test_no_key_is_made_up() -> None:
    # `enabled` is the dependency's condition.
    assert unknown_keys(DagsterValues, upstream_values(), upstream_schema()) == {"enabled"}
    schema = _inlined(upstream_schema(), upstream_schema()["$defs"])
    # Both are read by the chart's templates; its schema does not know them.
    made_up = set(_undeclared(handed(), schema)) - upstream_values().keys()
    assert made_up == {"enabled", "global.fullnameOverride", "postgresql.image.registry"}


@needs_upstream
def test_the_official_charts_schema_accepts_what_it_is_handed() -> None:
    values = merge({key: value for key, value in upstream_values().items() if value is not None}, handed())
    definitions = json.loads((UPSTREAM / "kubernetes-v1.19.0-definitions.json").read_text(encoding="utf-8"))
    resource: Resource[Any] = Resource.from_contents(definitions, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource(DEFINITIONS, resource)
    faults = [error.message for error in Draft202012Validator(upstream_schema(), registry=registry).iter_errors(values)]
    assert faults == []


@needs_upstream
def test_an_overlay_may_set_any_value_under_the_charts_own_defaults(tmp_path: Path) -> None:
    """Helm keeps a dependency's null where an overlay sets something beside it, and the schema sees the null."""
    written(dagster_chart(), tmp_path)
    defaults = {"dagster": upstream_values()}
    handle = load(with_echo_dependencies(tmp_path / "floe-platform", tmp_path / "echo", defaults))
    again = echoed_values(handle.render({"dagster": handed()}))
    assert prune_nulls(again) == prune_nulls(echoed_values(handle.render({})))


@needs_upstream
@pytest.mark.parametrize(
    "misspelt",
    [
        {"dagsterWebServer": {}},
        {"dagsterWebserver": {"replicas": 2}},
        {"dagsterDaemon": {"replicaCount": 2}},
        {"runLauncher": {"config": {"k8sRunLauncher": {"nodeSelector": {}}}}},
        {"postgresql": {"enabled": True}},
        {"dagster-user-deployments": {"enableSubchart": True}},
    ],
)
def test_under_the_charts_own_defaults_the_schema_passes_and_refuses_what_nobody_reads(
    tmp_path: Path, misspelt: Mapping[str, object]
) -> None:
    written(dagster_chart(), tmp_path)
    defaults = {"dagster": upstream_values()}
    handle = load(with_echo_dependencies(tmp_path / "floe-platform", tmp_path / "echo", defaults))
    got = echoed_values(handle.render({"global": {"team": "data"}}))["dagster"]
    assert got["dagsterWebserver"]["workspace"]["servers"] == []  # type: ignore[index]
    with pytest.raises(ValuesRefused):
        handle.render({"dagster": misspelt})


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> dict[str, Any]:
    """``schema`` with its own definitions in place, as far as they describe keys; optional ones as if they were not."""
    if not isinstance(schema, Mapping):
        return {}
    reference = str(schema.get("$ref", ""))
    if reference.startswith("#/$defs/"):
        schema = {**schema, **definitions[reference.rpartition("/")[2]]}
    for choice in schema.get("anyOf", ()):
        found = _inlined(choice, definitions)
        if found.get("properties"):
            return found
    properties = {key: _inlined(below, definitions) for key, below in schema.get("properties", {}).items()}
    return {"properties": properties} if properties else {}


def _undeclared(values: Mapping[str, Any], schema: Mapping[str, Any], path: str = "") -> list[str]:
    """Paths in ``values`` of which ``schema`` says nothing, where it says which keys there are."""
    found: list[str] = []
    properties = schema.get("properties", {})
    # A place that Kubernetes' own definitions describe has none, or only what Dagster adds (startupProbe.enabled).
    if not properties or (properties.keys() == {"enabled"} and len(values) > 2):
        return found
    for key, value in values.items():
        if key not in properties:
            found.append(f"{path}{key}")
        elif isinstance(value, Mapping):
            found += _undeclared(value, properties[key], f"{path}{key}.")
    return found
