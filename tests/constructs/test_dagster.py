"""Dagster by its official chart: what it is handed, the glue around it, and that upstream accepts and knows both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from floe_charts.constructs.dagster.chart import WebserverValues
from floe_charts.constructs.dagster.stack import KNOWN_VERSION, CodeLocation, DagsterStack, DagsterValues
from floe_charts.constructs.network import DAGSTER_WEBSERVER
from floe_charts.constructs.products import PRODUCTS_PATH
from floe_charts.deployment import ChartSource, Deployment
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.helm.layers import merge, prune_nulls
from floe_charts.verify.engine import ChartHandle, ValuesRefused, lint, load
from floe_charts.verify.schemas import validate_objects
from tests.constructs.dagster_charts import (
    CREDENTIALS,
    LOCATIONS,
    dagster_chart,
    document,
    env_of,
    pod_of,
    stack_of,
)
from tests.constructs.rendering import new_chart, objects_of, spec_of, written
from tests.constructs.upstream import missing_keys, unknown_keys
from tests.support import SHARED, echoed_values, load_yaml, with_echo_dependencies

UPSTREAM = SHARED / "upstream" / "dagster"
needs_upstream = pytest.mark.skipif(not UPSTREAM.is_dir(), reason="the official chart's values are not at hand")
DEFINITIONS = "https://raw.githubusercontent.com/yannh/kubernetes-json-schema/master/v1.19.0/_definitions.json"

SERVICE = "Service/floe-platform-dagster-webserver"
BUDGET = "PodDisruptionBudget/floe-platform-dagster-webserver"
WORKSPACE = "ConfigMap/floe-platform-dagster-workspace"
CONFIG = "ConfigMap/floe-platform-dagster-env"
LAUNCHER = ("runLauncher", "config", "k8sRunLauncher")


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return written(dagster_chart(), tmp_path_factory.mktemp("dagster"))


def handed(**arguments: Any) -> dict[str, Any]:
    """What the official chart is handed by default."""
    values: dict[str, Any] = dagster_chart(**arguments).default_values()["dagster"]
    return values


def launcher_of(values: Mapping[str, Any]) -> dict[str, Any]:
    return _at(values, LAUNCHER)


def _at(tree: Any, path: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = reduce(lambda below, key: below[key], path, tree)
    return found


def _tree(path: tuple[str, ...], leaf: Mapping[str, Any]) -> dict[str, Any]:
    return reduce(lambda below, key: {key: below}, reversed(path), dict(leaf))


def upstream_values() -> dict[str, Any]:
    values: dict[str, Any] = load_yaml((UPSTREAM / "values.yaml").read_text(encoding="utf-8"))
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


def test_nothing_is_left_where_dagster_is_off(chart: ChartHandle) -> None:
    entries = {"ingress": {"enabled": True}, "route": {"enabled": True}}
    objects = objects_of(chart, {"dagster": {"enabled": False, "webserver": entries}})
    assert {SERVICE, WORKSPACE, CONFIG} <= objects_of(chart, {}).keys()
    assert not [name for name in objects if "dagster" in name]


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
    keys = {key.name: key for key in consumer.required_secret.keys}
    assert keys.keys() == {"username", "password", "postgresql-password"}
    assert keys["postgresql-password"].same_as == "password"


def test_every_process_reads_the_variables_that_helm_makes() -> None:
    values = handed()
    for place in (values["dagsterWebserver"], values["dagsterDaemon"], launcher_of(values)):
        assert {"name": "floe-platform-dagster-env"} in place["envConfigMaps"]
    names = [
        *(
            {one["name"]: one["value"] for one in values[place]["env"]}
            for place in ("dagsterWebserver", "dagsterDaemon")
        ),
        dict(one.split("=", 1) for one in launcher_of(values)["envVars"]),
    ]
    assert [one["OTEL_SERVICE_NAME"] for one in names] == ["dagster-webserver", "dagster-daemon", "dagster-run"]


def test_runs_get_the_object_store_and_the_credentials_of_the_products() -> None:
    launcher = launcher_of(handed())
    assert {"name": "floe-platform-object-store"} in launcher["envConfigMaps"]
    assert launcher["envSecrets"] == [{"name": "floe-platform-object-store"}, {"name": CREDENTIALS}]


def test_pods_carry_the_labels_that_network_policies_select_by(chart: ChartHandle) -> None:
    values = handed()
    places = {"dagster-webserver": ("dagsterWebserver",), "dagster-daemon": ("dagsterDaemon",), "dagster-run": LAUNCHER}
    for workload, path in places.items():
        labels = _at(values, path)["labels"]
        assert labels == {"app.kubernetes.io/part-of": "floe-platform", "app.kubernetes.io/component": workload}
        chart.render({"dagster": _tree(path, {"labels": {"team": "x"}})})
        for lost in ({"app.kubernetes.io/component": "other"}, {"app.kubernetes.io/part-of": None}, {"component": "x"}):
            with pytest.raises(ValuesRefused):
                chart.render({"dagster": _tree(path, {"labels": lost})})


def test_runs_have_no_token_unless_the_values_say_so() -> None:
    spec = launcher_of(handed())["runK8sConfig"]["podSpecConfig"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False


@pytest.mark.parametrize(
    "path", [("dagsterWebserver",), ("dagsterDaemon",), (*LAUNCHER, "runK8sConfig", "podSpecConfig")]
)
def test_what_kubernetes_would_not_know_is_refused(chart: ChartHandle, path: tuple[str, ...]) -> None:
    requirement = {"key": "disk", "operator": "In", "values": ["ssd"]}
    node = {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [requirement]}]}
    }
    chart.render({"dagster": _tree(path, {"affinity": {"nodeAffinity": node}})})
    for affinity in ({"nodeAfinity": node}, {"nodeAffinity": {"required": []}}):
        with pytest.raises(ValuesRefused):
            chart.render({"dagster": _tree(path, {"affinity": affinity})})


# What the other parts' values mean for the chart


def told(values: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the chart is told where the platform's final values are ``values``."""
    chart = dagster_chart()
    below = merge(chart.default_values(), base or {})
    return dict(stack_of(chart).derived_values(below, merge(below, values)))


def test_the_chart_is_told_how_to_connect_to_postgres() -> None:
    ca = {"secret": {"secretName": "pg-ca"}}
    external = {"host": "pg.example.com", "tls": {"mode": "verify-full", "ca": ca}}
    tree = told({"postgres": {"mode": "external", "external": external}})
    assert tree["postgresql"]["postgresqlHost"] == "pg.example.com"
    params = tree["postgresql"]["postgresqlParams"]
    assert params["sslmode"] == "verify-full"
    for place in (tree["dagsterWebserver"], tree["dagsterDaemon"], launcher_of(tree)):
        [volume] = [one for one in place["volumes"] if one["name"] == "ca"]
        assert volume["secret"]["secretName"] == "pg-ca"
        [mounted] = [one for one in place["volumeMounts"] if one["name"] == "ca"]
        assert params["sslrootcert"].startswith(f"{mounted['mountPath']}/")
        assert {"tmp", "dagster-home", "products"} < {one["name"] for one in place["volumes"]}
    assert told({"postgres": {"mode": "operator"}})["postgresql"]["postgresqlHost"] == "floe-platform-postgres"


@pytest.mark.parametrize("place", ["dagsterWebserver", "dagsterDaemon"])
def test_the_charts_pods_wait_for_the_database_not_only_for_the_server(place: str) -> None:
    def waiting(tree: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        [wait] = tree[place]["extraPrependedInitContainers"]
        assert "psql" in wait["command"][-1] and "pg_isready" in wait["command"][-1]
        return wait, {one["name"]: one.get("value", one.get("valueFrom")) for one in wait["env"]}

    # Its user, and how to reach the server: from the ConfigMap that says so in every mode, where there is one.
    wait, env = waiting(told({"postgres": {"mode": "operator"}}))
    assert wait["envFrom"] == [{"configMapRef": {"name": "floe-platform-postgres-client"}}]
    assert (env["PGDATABASE"], env["PGUSER"], env["PGPORT"]) == ("dagster", "dagster", "5432")
    assert not {"PGHOST", "PGSSLMODE"} & env.keys()
    assert (wait, env) == waiting(told({}))
    alone = DagsterStack(new_chart()).values.to_values()
    wait, env = waiting(alone)
    assert (env["PGHOST"], wait["envFrom"]) == ("floe-platform-postgres", [])
    # What somebody else says of the server, and of its authority.
    tls = {"mode": "verify-full", "ca": {"secret": {"secretName": "pg-ca"}}}
    server = {"postgresqlDatabase": "runs", "postgresqlUsername": "runner", "service": {"port": 6543}}
    dagster = {"postgresql": server, "global": {"postgresqlSecretName": "mine"}}
    outside = {"mode": "external", "external": {"host": "pg.example.com", "tls": tls}}
    wait, env = waiting(told({"postgres": outside, "dagster": dagster}))
    assert (env["PGDATABASE"], env["PGUSER"], env["PGPORT"]) == ("runs", "runner", "6543")
    assert env["PGPASSWORD"]["secretKeyRef"] == {"name": "mine", "key": "postgresql-password"}
    assert wait["volumeMounts"] == [{"name": "ca", "mountPath": "/etc/postgres-ca", "readOnly": True}]


def test_the_image_that_waits_comes_from_the_mirror_unless_somebody_names_one() -> None:
    def image(values: Mapping[str, Any]) -> str:
        [wait] = told(values)["dagsterDaemon"]["extraPrependedInitContainers"]
        return str(wait["image"])

    own = {"dagster": {"postgresql": {"image": {"registry": "ghcr.io", "repository": "acme/pg", "tag": "1"}}}}
    assert image({}) == "docker.io/library/postgres:17.9-bookworm"
    assert image({"imageRegistry": "m.example/x"}) == "m.example/x/library/postgres:17.9-bookworm"
    assert image({"imageRegistry": "m.example/x", **own}) == "ghcr.io/acme/pg:1"


def test_the_chart_takes_what_it_is_told(chart: ChartHandle) -> None:
    ca = {"configMap": {"name": "pg-ca", "items": [{"key": "root", "path": "ca.crt"}]}}
    external = {"host": "pg.example.com", "tls": {"mode": "verify-ca", "ca": ca}}
    values = {"postgres": {"mode": "external", "external": external}, "commonLabels": {"team": "data"}}
    tree = told(values)
    chart.render({"dagster": prune_nulls(tree), "postgres": values["postgres"]})
    assert tree["dagsterDaemon"]["labels"]["team"] == "data"


def test_labels_of_all_pods_come_and_go() -> None:
    for place in ("dagsterWebserver", "dagsterDaemon"):
        tree = told({"environment": "prod"})[place]
        assert tree["labels"]["environment"] == tree["deploymentLabels"]["environment"] == "prod"
        assert handed()[place]["deploymentLabels"] == handed()[place]["labels"]
    gone = told({"commonLabels": {"a": None}}, {"commonLabels": {"a": "b"}})
    assert launcher_of(gone)["labels"]["a"] is None


def test_runs_read_the_secret_of_the_object_store_only_where_there_is_one() -> None:
    assert launcher_of(told({"objectStore": {"secretName": "mine"}}))["envSecrets"][0] == {"name": "mine"}
    assert launcher_of(told({"objectStore": {"credentials": "identity"}}))["envSecrets"] == [{"name": CREDENTIALS}]


@pytest.mark.parametrize(
    "values",
    [
        {"workspace": {"locations": {"iot": {"module": "other"}}}},
        {"products": {"byName": {"sales-daily": {"version": "2.0.0"}}}},
    ],
)
def test_pods_roll_when_an_environment_has_other_files(values: Mapping[str, Any]) -> None:
    def mark(tree: Mapping[str, Any]) -> str:
        found: str = tree["dagsterWebserver"]["annotations"]["checksum/locations"]
        assert tree["dagsterDaemon"]["annotations"]["checksum/locations"] == found
        return found

    assert mark(told(values)) != mark(told({})) == mark(told({"dagster": {"rbacEnabled": False}}))


# The glue in more than one form


def test_the_budget_and_the_entries_lead_to_the_charts_pods(chart: ChartHandle) -> None:
    entry = {"podDisruptionBudget": {"enabled": True}, "ingress": {"enabled": True}, "route": {"enabled": True}}
    values = {
        "dagster": {"dagsterWebserver": {"replicaCount": 2}, "webserver": {**entry, "service": {"type": "NodePort"}}}
    }
    objects = objects_of(chart, values)
    assert spec_of(objects, BUDGET)["selector"]["matchLabels"] == spec_of(objects, SERVICE)["selector"]
    assert spec_of(objects, SERVICE)["type"] == "NodePort"
    [rule] = spec_of(objects, "Ingress/floe-platform-dagster-webserver")["rules"]
    assert rule["http"]["paths"][0]["backend"]["service"]["name"] == "floe-platform-dagster-webserver"
    [route] = spec_of(objects, "HTTPRoute/floe-platform-dagster-webserver")["rules"]
    assert route["backendRefs"] == [{"name": "floe-platform-dagster-webserver", "port": 3000}]
    # A budget of a single pod would stop a drain.
    values["dagster"]["dagsterWebserver"]["replicaCount"] = 1
    assert BUDGET not in objects_of(chart, values)


def test_the_migration_has_the_charts_image_and_connection(chart: ChartHandle) -> None:
    digest = f"sha256:{'a' * 64}"
    postgres = {"postgresqlHost": "pg.example.com", "service": {"port": 6432}, "postgresqlDatabase": "runs"}
    for image, expected in (({"tag": "9"}, "r.example/d:9"), ({"digest": digest}, f"r.example/d@{digest}")):
        web = {"image": {"repository": "r.example/d", **image}}
        objects = objects_of(chart, {"dagster": {"dagsterWebserver": web, "postgresql": postgres}})
        spec = pod_of(objects, "Job/floe-platform-dagster-migrate")["spec"]
        assert spec["containers"][0]["image"] == expected
        assert {"PGHOST": "pg.example.com", "PGPORT": "6432", "PGDATABASE": "runs"}.items() <= env_of(
            spec["initContainers"][0]
        ).items()
        connection = document(objects, "dagster-migrate", "dagster.yaml")["storage"]["postgres"]["postgres_db"]
        assert (connection["hostname"], connection["port"], connection["db_name"]) == ("pg.example.com", 6432, "runs")


def test_the_charts_own_migration_cannot_be_switched_on(chart: ChartHandle) -> None:
    with pytest.raises(ValuesRefused):
        chart.render({"dagster": {"migrate": {"enabled": True}}})


def test_the_chart_shares_no_deployment_with_strategy_native(tmp_path: Path) -> None:
    """A Deployment cannot change its selector, so that a release can change its strategy only where names differ."""
    prefix = handed()["global"]["fullnameOverride"]
    native = objects_of(written(dagster_chart("native"), tmp_path), {})
    assert not [name for name in native if name.startswith(f"Deployment/{prefix}-")]


@pytest.mark.parametrize("tag", ["1.12.17", f"1.12.17@sha256:{'0' * 64}"])
def test_images_that_the_chart_knows_no_digest_of_are_pinned_by_their_tag(chart: ChartHandle, tag: str) -> None:
    launcher = {"k8sRunLauncher": {"image": {"tag": tag}}}
    chart.render({"dagster": {"postgresql": {"image": {"tag": tag}}, "runLauncher": {"config": launcher}}})


@pytest.mark.parametrize("products", [True, False])
def test_every_pod_sees_the_facts_of_the_products_where_there_are_any(products: bool) -> None:
    values = handed(products=products)
    for place in (
        values["dagsterWebserver"],
        values["dagsterDaemon"],
        launcher_of(values),
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


def test_high_availability_means_two_webservers_of_which_one_may_go() -> None:
    found = stack_of(dagster_chart()).environment_values(Deployment.default().environment("prod"))
    budget = {"podDisruptionBudget": {"enabled": True}}
    assert found == {"webserver": budget, "dagsterWebserver": {"replicaCount": 2}}


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
    # `enabled` is the condition; the others are read by templates of ours, at the paths that strategy native has.
    ours = {"enabled", "migration", "webserver"}
    assert unknown_keys(DagsterValues, upstream_values(), upstream_schema()) == ours
    schema = _inlined(upstream_schema(), upstream_schema()["$defs"])
    # Both are read by the chart's templates; its schema does not know them.
    made_up = set(_undeclared(handed(), schema)) - upstream_values().keys()
    assert made_up == {*ours, "global.fullnameOverride", "postgresql.image.registry"}


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
