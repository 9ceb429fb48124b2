"""Polaris with every template generated here: its objects, its configuration, and what it is told of the platform."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floe_charts.constructs.network import POLARIS, POLARIS_MANAGEMENT
from floe_charts.constructs.object_store import ObjectStore
from floe_charts.constructs.polaris.catalog import NativePolarisValues, PolarisCatalog
from floe_charts.constructs.polaris.native import NativeDatabase
from floe_charts.constructs.postgres.cluster import PostgresCluster
from floe_charts.deployment import Deployment
from floe_charts.helm import HelmChart
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import ChartHandle, ValuesRefused, lint
from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.schemas import validate_objects
from tests.constructs.rendering import new_chart, objects_of, spec_of, written

NAME = "floe-platform-polaris"
EXTERNAL = {"mode": "external", "external": {"host": "db.example.com"}}


def native(chart: HelmChart, **arguments: Any) -> PolarisCatalog:
    ObjectStore(chart)
    polaris = PolarisCatalog(chart, strategy="native", **{"otlp": True, **arguments})
    PostgresCluster(chart, consumers=(polaris.database_consumer(),))
    return polaris


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("polaris")


@pytest.fixture(scope="module")
def chart(directory: Path) -> ChartHandle:
    made = new_chart()
    native(made)
    return written(made, directory)


def objects(handle: ChartHandle, values: Mapping[str, Any] | None = None, **others: Any) -> dict[str, RenderedObject]:
    """The objects of Polaris and its setup."""
    found = objects_of(handle, {"polaris": values or {}, **others})
    return {name: one for name, one in found.items() if "/floe-platform-polaris" in name}


def pod_of(found: Mapping[str, RenderedObject]) -> dict[str, Any]:
    pod: dict[str, Any] = spec_of(found, f"Deployment/{NAME}")["template"]["spec"]
    return pod


def variables(container: Mapping[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"]}


def java_properties(text: str) -> dict[str, str]:
    """The properties of a file without continued lines, as java.util.Properties reads them."""
    found = {}
    for line in text.splitlines():
        assert "\\" not in line
        stripped = line.lstrip(" \t\f")
        if stripped and stripped[0] not in "#!":
            name, value = re.fullmatch(r"([^=:\s]+)[ \t\f]*[=:]?[ \t\f]*(.*)", stripped).groups()  # type: ignore[union-attr]
            found[name] = value
    return found


def properties(handle: ChartHandle, values: Mapping[str, Any] | None = None) -> dict[str, str]:
    data: Any = objects(handle, values)[f"ConfigMap/{NAME}"].data["data"]
    return java_properties(data["application.properties"])


# Objects

EVERYTHING: dict[str, Any] = {
    "replicas": 3,
    "podDisruptionBudget": {"enabled": True},
    "ingress": {"enabled": True, "host": "polaris.example.com", "tlsSecret": "tls", "clusterIssuer": "ca"},
    "route": {"enabled": True, "hostnames": ["polaris.example.com"]},
    "service": {"type": "LoadBalancer", "annotations": {"a": "b"}},
    "nodeSelector": {"a": "b"},
    "tolerations": [{"operator": "Exists"}],
    "priorityClassName": "high",
    "extraEnv": {"JAVA_OPTS_APPEND": {"value": "-Dx=1"}},
    "extraVolumes": {"/mnt/x": {"volume": {"emptyDir": {}}}},
    "realms": ["A", "B"],
    "properties": {"quarkus.http.cors.enabled": "true"},
}


@pytest.mark.parametrize(
    ("values", "others"),
    [
        ({}, {}),
        (EVERYTHING, {}),
        ({"autoscaling": {"enabled": True}, "podDisruptionBudget": {"enabled": True}}, {}),
        ({"persistence": {"type": "in-memory"}}, {}),
        ({}, {"postgres": EXTERNAL}),
        ({}, {"postgres": {"mode": "operator"}, "objectStore": {"credentials": "identity"}}),
    ],
)
def test_objects_fit_kubernetes(
    chart: ChartHandle, directory: Path, values: Mapping[str, Any], others: Mapping[str, Any]
) -> None:
    found = list(objects(chart, values, **others).values())
    report = validate_objects(found, (OLDEST, latest_kube_version()))
    gateway = [one for one in report.without_schema if "gateway.networking.k8s.io" not in str(one)]
    assert ([str(finding) for finding in report.findings], gateway) == ([], [])
    assert lint(directory / "floe-platform") == []


def test_services_answer_to_the_platforms_names_and_ports(chart: ChartHandle) -> None:
    found = objects(chart)
    api, management = spec_of(found, f"Service/{NAME}"), spec_of(found, f"Service/{NAME}-mgmt")
    assert [(port["name"], port["port"]) for port in api["ports"]] == [(POLARIS.port_name, 8181)]
    assert [(port["name"], port["port"]) for port in management["ports"]] == [(POLARIS_MANAGEMENT.port_name, 8182)]
    # As the official chart has it, so that neither must change an immutable field of the other's.
    assert (api.get("clusterIP"), management["clusterIP"]) == (None, "None")
    template = spec_of(found, f"Deployment/{NAME}")["template"]
    assert api["selector"] == management["selector"]
    assert api["selector"].items() <= template["metadata"]["labels"].items()
    listening = {port["name"]: port["containerPort"] for port in template["spec"]["containers"][0]["ports"]}
    assert listening == {POLARIS.port_name: 8181, POLARIS_MANAGEMENT.port_name: 8182}


def test_only_the_api_is_reached_from_outside(chart: ChartHandle) -> None:
    found = objects(chart, EVERYTHING)
    [rule] = spec_of(found, f"Ingress/{NAME}")["rules"]
    assert rule["http"]["paths"][0]["backend"]["service"] == {"name": NAME, "port": {"name": POLARIS.port_name}}
    [rule] = spec_of(found, f"HTTPRoute/{NAME}")["rules"]
    assert rule["backendRefs"] == [{"name": NAME, "port": 8181}]


def test_probes_ask_the_management_port_and_wait_for_a_slow_start(chart: ChartHandle) -> None:
    [server] = pod_of(objects(chart))["containers"]
    asked = {name: server[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {one["port"] for one in asked.values()} == {POLARIS_MANAGEMENT.port_name}
    assert asked["livenessProbe"]["path"] == "/q/health/live"
    assert asked["readinessProbe"]["path"] == "/q/health/ready"
    startup = server["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 180


def test_a_pod_is_asked_no_more_before_it_ends(chart: ChartHandle) -> None:
    pod = pod_of(objects(chart))
    [program, seconds] = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep" and 0 < int(seconds) < pod["terminationGracePeriodSeconds"]


def test_a_change_of_the_configuration_rolls_the_pods(chart: ChartHandle) -> None:
    before, after = (
        spec_of(objects(chart, values), f"Deployment/{NAME}")["template"]["metadata"]["annotations"]
        for values in ({}, {"properties": {"a": "b"}})
    )
    assert before != after


def test_scaling_and_budget(chart: ChartHandle) -> None:
    budget = {"podDisruptionBudget": {"enabled": True}}
    assert f"PodDisruptionBudget/{NAME}" not in objects(chart, budget)
    assert f"PodDisruptionBudget/{NAME}" in objects(chart, {**budget, "replicas": 2})
    scaled = objects(chart, {**budget, "autoscaling": {"enabled": True}})
    assert "replicas" not in spec_of(scaled, f"Deployment/{NAME}")
    assert spec_of(scaled, f"HorizontalPodAutoscaler/{NAME}")["minReplicas"] == 2


def test_switched_off_there_is_nothing(chart: ChartHandle) -> None:
    found = objects_of(chart, {"polaris": {"enabled": False}})
    assert not [name for name in found if "polaris" in name]
    assert not [one for one in found.values() if NAME in str(one.data)]


def test_default_names_follow_the_charts_full_name() -> None:
    chart = new_chart()
    polaris = native(chart)
    names = {secret.id: secret.name for part in (polaris, polaris.setup) for secret in part.required_secrets()}
    assert names == {
        "polarisDatabase": f"{NAME}-database",
        "polarisToken": f"{NAME}-token",
        "polarisBootstrap": f"{NAME}-bootstrap",
    }
    own = NativePolarisValues(replicas=3, database=NativeDatabase(secret_name="mine"))
    polaris = native(new_chart(), values=own)
    assert polaris.values.replicas == 3
    assert polaris.database_consumer().default_secret == "mine"
    assert polaris.values.token_secret_name == f"{NAME}-token"
    assert polaris.values.database.max_connections == 20


# What it is told


def test_credentials_come_from_secrets(chart: ChartHandle) -> None:
    pod = pod_of(objects(chart, {"database": {"secretName": "mine"}, "tokenSecretName": "signing"}))
    [wait], [server] = pod["initContainers"], pod["containers"]
    for one, names in (
        (wait, ("PGUSER", "PGPASSWORD")),
        (server, ("QUARKUS_DATASOURCE_USERNAME", "QUARKUS_DATASOURCE_PASSWORD")),
    ):
        found = [variables(one)[name]["secretKeyRef"] for name in names]
        assert found == [{"name": "mine", "key": "username"}, {"name": "mine", "key": "password"}]
    [token] = [volume for volume in pod["volumes"] if volume["name"] == "token"]
    assert token["secret"] == {"secretName": "signing", "items": [{"key": "symmetric.key", "path": "symmetric.key"}]}
    [mount] = [mount["mountPath"] for mount in server["volumeMounts"] if mount["name"] == "token"]
    key = properties(chart)["polaris.authentication.token-broker.symmetric-key.file"]
    assert key == f"{mount}/symmetric.key"


@pytest.mark.parametrize(
    ("postgres", "host", "mode"),
    [
        ({}, "floe-platform-postgres", "disable"),
        ({"mode": "operator"}, "floe-platform-postgres", "require"),
        (EXTERNAL, "floe-platform-postgres", "require"),
    ],
)
def test_the_database_is_asked_as_the_platform_says(
    chart: ChartHandle, postgres: Mapping[str, Any], host: str, mode: str
) -> None:
    pod = pod_of(objects(chart, postgres=postgres))
    [wait], [server] = pod["initContainers"], pod["containers"]
    url = variables(server)["QUARKUS_DATASOURCE_JDBC_URL"]
    assert url.startswith(f"jdbc:postgresql://{host}:5432/polaris?sslmode=")
    asked = variables(wait)
    assert (asked["PGHOST"], asked["PGPORT"], asked["PGDATABASE"]) == (host, "5432", "polaris")
    assert url.endswith(asked["PGSSLMODE"])
    if postgres is not EXTERNAL:
        assert asked["PGSSLMODE"] == mode


def test_the_object_stores_variables_are_the_servers(chart: ChartHandle) -> None:
    [server] = pod_of(objects(chart))["containers"]
    assert server["envFrom"] == [
        {"configMapRef": {"name": "floe-platform-object-store"}},
        {"secretRef": {"name": "floe-platform-object-store"}},
    ]
    [server] = pod_of(objects(chart, objectStore={"credentials": "identity"}))["containers"]
    assert server["envFrom"] == [{"configMapRef": {"name": "floe-platform-object-store"}}]


def test_without_an_object_store_there_are_no_such_variables(tmp_path: Path) -> None:
    chart = new_chart()
    PolarisCatalog(chart, strategy="native")
    [server] = pod_of(objects(written(chart, tmp_path)))["containers"]
    assert "envFrom" not in server


def test_in_memory_nothing_waits_for_a_database_and_the_server_bootstraps_itself(chart: ChartHandle) -> None:
    found = objects(chart, {"persistence": {"type": "in-memory"}, "realms": ["A", "B"]})
    pod = pod_of(found)
    assert "initContainers" not in pod
    assert "polaris-database" not in str(pod)
    env = pod["containers"][0]["env"]
    names = [entry["name"] for entry in env]
    bootstrap = variables(pod["containers"][0])["POLARIS_BOOTSTRAP_CREDENTIALS"]
    assert bootstrap == "A,$(ROOT_CLIENT_ID),$(ROOT_CLIENT_SECRET);B,$(ROOT_CLIENT_ID),$(ROOT_CLIENT_SECRET)"
    # Kubernetes puts in variables that stand before.
    assert max(map(names.index, ("ROOT_CLIENT_ID", "ROOT_CLIENT_SECRET"))) < names.index(
        "POLARIS_BOOTSTRAP_CREDENTIALS"
    )
    assert spec_of(found, f"Deployment/{NAME}")["strategy"] == {"type": "Recreate"}
    assert f"Job/{NAME}-bootstrap" not in found
    assert f"Job/{NAME}-setup" in found
    assert properties(chart, {"persistence": {"type": "in-memory"}})["polaris.persistence.type"] == "in-memory"


# application.properties


def test_what_the_properties_say_by_default(chart: ChartHandle) -> None:
    found = properties(chart)
    assert found["polaris.persistence.type"] == "relational-jdbc"
    assert found["polaris.realm-context.realms"] == "POLARIS"
    assert found["polaris.authentication.token-broker.type"] == "symmetric-key"
    assert found['polaris.features."SUPPORTED_CATALOG_STORAGE_TYPES"'] == '["S3"]'
    # A request before the bootstrap must do no harm.
    assert found['polaris.behavior-changes."SCHEMA_VERSION_FALL_BACK_ON_DNE"'] == "false"
    # The file system cannot be written.
    assert found["quarkus.log.file.enabled"] == "false"
    assert (found["quarkus.http.port"], found["quarkus.management.port"]) == ("8181", "8182")
    assert found["quarkus.otel.sdk.disabled"] == "false"
    assert found["quarkus.otel.exporter.otlp.endpoint"] == "http://floe-platform-otel:4317"


def test_traces_can_be_switched_off(chart: ChartHandle) -> None:
    found = properties(chart, {"tracing": {"enabled": False}})
    assert found["quarkus.otel.sdk.disabled"] == "true"
    assert not [name for name in found if "exporter" in name or "sampler" in name]


def test_own_properties_come_last(chart: ChartHandle) -> None:
    values = {"properties": {"quarkus.log.level": "TRACE"}, "features": {"DROP_WITH_PURGE_ENABLED": "true"}}
    found = properties(chart, values)
    assert found["quarkus.log.level"] == "TRACE"
    assert found['polaris.features."DROP_WITH_PURGE_ENABLED"'] == "true"


_names = st.from_regex(re.compile(r'[A-Za-z0-9_."\[\]-]{1,30}', re.ASCII), fullmatch=True)
_texts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="\\"), max_size=40).filter(
    lambda text: not text.startswith(" ")
)


@settings(max_examples=60, deadline=None)
@given(
    own=st.dictionaries(_names, _texts, max_size=4),
    features=st.dictionaries(st.sampled_from(["A", "B.c", "D_E"]), _texts),
)
def test_any_property_that_is_accepted_is_read_as_it_was_given(
    chart: ChartHandle, own: dict[str, str], features: dict[str, str]
) -> None:
    found = properties(chart, {"properties": own, "features": features})
    expected = {f'polaris.features."{name}"': text for name, text in features.items()} | own
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("text", ["a\nb", "a\\", "\\u0041", " a", "ü", "a\tb", "a\r"])
def test_what_the_file_would_read_as_something_else_is_refused(chart: ChartHandle, text: str) -> None:
    for values in ({"properties": {"a": text}}, {"features": {"A": text}}):
        with pytest.raises(ValuesRefused):
            chart.check_values({"polaris": values})


@pytest.mark.parametrize(
    "values",
    [
        {"replica": 1},
        {"persistence": {"type": "nosql"}},
        {"database": {"secretName": ""}},
        {"realms": []},
        {"realms": ["a,b"]},
        {"properties": {"a b": "c"}},
        {"properties": {"a=b": "c"}},
        {"features": {'A"': "true"}},
        {"tracing": {"sampleRatio": 1.5}},
        {"logLevel": "info"},
        {"extraEnv": {"QUARKUS_DATASOURCE_PASSWORD": {"value": "x"}}},
        {"affinity": {"nodeAffinit": {}}},
    ],
)
def test_values_that_cannot_work_are_refused(chart: ChartHandle, values: dict[str, Any]) -> None:
    with pytest.raises(ValuesRefused):
        chart.check_values({"polaris": values})


# Declarations and layers


def test_environments() -> None:
    polaris, deployment = native(new_chart()), Deployment.default()
    assert polaris.environment_values(deployment.environment("dev")) == {"service": {"type": "NodePort"}}
    assert polaris.environment_values(deployment.environment("test")) == {
        "service": {"type": "NodePort"},
        "persistence": {"type": "in-memory"},
    }
    assert polaris.environment_values(deployment.environment("staging")) == {}
    assert polaris.environment_values(deployment.environment("prod")) == {
        "replicas": 2,
        "podDisruptionBudget": {"enabled": True},
    }


def test_what_the_pods_may_ask_for() -> None:
    polaris = native(new_chart())
    values = polaris.values.to_values()
    assert [claim.pods for claim in polaris.claims(values)] == [2]
    scaled = {**values, "autoscaling": {**values["autoscaling"], "enabled": True, "maxReplicas": 8}}
    assert [claim.pods for claim in polaris.claims(scaled)] == [10]
    assert polaris.claims({**values, "enabled": False}) == ()
