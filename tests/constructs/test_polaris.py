"""Polaris by its official chart: what it is handed, and that upstream accepts and knows it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from floe_charts.constructs.network import (
    INGRESS,
    MINIO,
    OBJECT_STORE_OUTSIDE,
    OTLP_GRPC,
    POLARIS,
    POLARIS_MANAGEMENT,
    POSTGRES,
    PROMETHEUS,
)
from floe_charts.constructs.object_store import ObjectStore
from floe_charts.constructs.polaris.catalog import KNOWN_VERSION, NativePolarisValues, PolarisCatalog, PolarisValues
from floe_charts.constructs.polaris.chart_config import JdbcSecret, JdbcValues, PersistenceValues, PolarisTracing
from floe_charts.constructs.polaris.chart_pods import InitContainer, PolarisEnvVar
from floe_charts.constructs.postgres.cluster import PostgresCluster
from floe_charts.constructs.surroundings.secrets import PlatformSecrets
from floe_charts.deployment import ChartSource, Deployment
from floe_charts.errors import DeclarationError
from floe_charts.helm import HelmChart, SubchartValues, Values
from floe_charts.helm.layers import merge, prune_nulls
from floe_charts.helm.spec import property_specs
from floe_charts.verify.engine import ChartHandle, ValuesRefused, lint, load
from floe_charts.verify.objects import RenderedObject
from tests.constructs.rendering import new_chart, objects_of, written
from tests.constructs.upstream import missing_keys
from tests.support import SHARED, echoed_values, load_yaml, with_echo_dependencies

UPSTREAM = SHARED / "upstream" / "polaris"
needs_upstream = pytest.mark.skipif(not UPSTREAM.is_dir(), reason="the official chart's values are not at hand")


def polaris_chart(*, store: bool = True, **arguments: Any) -> HelmChart:
    chart = new_chart()
    if store:
        ObjectStore(chart)
    PolarisCatalog(chart, "polaris", **{"otlp": True, **arguments})
    # As in the platform; without them nothing would read the names of the object store's Secret.
    PlatformSecrets(chart, secrets=[one for part in list(chart.components.values()) for one in part.required_secrets()])
    return chart


def polaris(**arguments: Any) -> PolarisCatalog:
    found: PolarisCatalog = polaris_chart(**arguments).component(PolarisCatalog)
    return found


def handed(**arguments: Any) -> dict[str, Any]:
    """What the official chart is handed by default."""
    values: dict[str, Any] = polaris_chart(**arguments).default_values()["polaris"]
    return values


def derived(base: Mapping[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    """What the official chart is handed by synth, with ``base`` of its own values and ``values`` of the others."""
    chart = polaris_chart()
    PostgresCluster(chart, consumers=[chart.component(PolarisCatalog).database_consumer()])
    final = merge(chart.default_values(), {"polaris": base or {}, **values})
    return merge(final["polaris"], chart.component(PolarisCatalog).derived_values(chart.default_values(), final))


def environment(objects: Mapping[str, RenderedObject]) -> dict[str, str]:
    """The server's variables beside those of the object store."""
    data: Any = objects["ConfigMap/floe-platform-polaris-env"].data["data"]
    return dict(data)


def variables(values: Mapping[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in values["extraEnv"]}


def upstream_values() -> dict[str, Any]:
    values: dict[str, Any] = load_yaml((UPSTREAM / "values.yaml").read_text(encoding="utf-8"))
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


def test_traces_are_switched_on_and_off(tmp_path: Path) -> None:
    """The official chart switches them off where they are off, but never on."""
    handle = written(polaris_chart(), tmp_path)
    for values, disabled in (({}, "false"), ({"polaris": {"tracing": {"enabled": False}}}, "true")):
        assert environment(objects_of(handle, values))["QUARKUS_OTEL_SDK_DISABLED"] == disabled


def test_a_request_before_the_bootstrap_does_no_harm() -> None:
    assert handed()["advancedConfig"]['polaris.behavior-changes."SCHEMA_VERSION_FALL_BACK_ON_DNE"'] == "false"


def test_each_pod_takes_as_many_connections_as_in_the_other_strategy() -> None:
    assert handed()["advancedConfig"]["quarkus.datasource.jdbc.max-size"] == "20"
    assert NativePolarisValues().database.max_connections == 20


def test_a_pod_is_asked_no_more_before_it_ends(tmp_path: Path) -> None:
    values = handed()
    [program, seconds] = values["containerLifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep" and 0 < int(seconds) < values["terminationGracePeriodSeconds"]
    handle = written(polaris_chart(), tmp_path)
    handle.check_values({"polaris": {"containerLifecycle": {"preStop": {"exec": None, "sleep": {"seconds": 9}}}}})
    for wrong in ({"preStopp": {}}, {"preStop": {"exec": {"command": ["{{ x }}"]}}}):
        with pytest.raises(ValuesRefused):
            handle.check_values({"polaris": {"containerLifecycle": wrong}})


def test_the_object_stores_variables_are_the_servers() -> None:
    settings, keys = ({kind: {"name": "floe-platform-object-store"}} for kind in ("configMapRef", "secretRef"))
    own = {"configMapRef": {"name": "floe-platform-polaris-env"}}
    assert handed()["envFrom"] == [own, settings, keys]
    assert derived()["envFrom"] == [own, settings, keys]
    assert derived(objectStore={"secretName": "mine"})["envFrom"] == [own, settings, {"secretRef": {"name": "mine"}}]
    assert derived(objectStore={"credentials": "identity"})["envFrom"] == [own, settings]
    assert handed(store=False)["envFrom"] == [own]


@pytest.mark.parametrize(
    ("postgres", "url"),
    [
        ({}, "jdbc:postgresql://floe-platform-postgres:5432/polaris?sslmode=disable"),
        ({"mode": "operator"}, "jdbc:postgresql://floe-platform-postgres:5432/polaris?sslmode=require"),
    ],
)
def test_the_database_is_asked_as_the_platform_says(tmp_path: Path, postgres: Mapping[str, Any], url: str) -> None:
    chart = polaris_chart()
    PostgresCluster(chart, consumers=[chart.component(PolarisCatalog).database_consumer()])
    found = environment(objects_of(written(chart, tmp_path), {"postgres": postgres}))
    assert found["QUARKUS_DATASOURCE_JDBC_URL"] == url
    values = derived(postgres=postgres)
    [wait] = values["extraInitContainers"]
    env = {entry["name"]: entry.get("value") for entry in wait["env"]}
    assert (env["PGHOST"], env["PGDATABASE"]) == ("floe-platform-postgres", "polaris")
    assert url.endswith(env["PGSSLMODE"])


def test_a_ca_of_the_database_reaches_both_containers() -> None:
    tls = {"mode": "verify-full", "ca": {"secret": {"secretName": "db-ca"}}}
    values = derived(postgres={"mode": "external", "external": {"host": "db.example.com", "tls": tls}})
    [volume], [mount] = values["extraVolumes"], values["extraVolumeMounts"]
    assert volume == {"name": mount["name"], "secret": {"secretName": "db-ca"}}
    assert values["extraInitContainers"][0]["volumeMounts"] == [mount]
    PolarisValues.model_validate({key: values[key] for key in ("extraVolumes", "extraVolumeMounts")})


def test_the_secrets_that_must_exist_are_those_that_the_chart_reads() -> None:
    values = handed()
    secrets = {secret.name: set(secret.key_names) for secret in polaris().required_secrets()}
    jdbc = values["persistence"]["relationalJdbc"]["secret"]
    token = values["authentication"]["tokenBroker"]["secret"]
    assert secrets == {
        jdbc["name"]: {jdbc["username"], jdbc["password"]},
        token["name"]: {token["symmetricKey"]["secretKey"]},
    }
    assert all(secret.can_be_generated for secret in polaris().required_secrets())


def test_the_database_consumer_names_the_secret_that_the_chart_reads() -> None:
    consumer = polaris().database_consumer()
    assert consumer.default_secret == "floe-platform-polaris-database"
    assert consumer.required_secret.key_names == ("username", "password")


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
    values = derived(layer)
    assert values["persistence"]["relationalJdbc"]["secret"]["name"] == ""
    assert "QUARKUS_DATASOURCE_JDBC_URL" not in environment(objects_of(handle, {"polaris": layer}))
    assert values["extraInitContainers"] == []


def test_in_memory_the_server_bootstraps_itself() -> None:
    layer = {"persistence": {"type": "in-memory"}, "realmContext": {"realms": ["A", "B"]}}
    values = derived(layer, polarisSetup={"secretName": "mine"})
    found = variables(values)
    pair = "$(ROOT_CLIENT_ID),$(ROOT_CLIENT_SECRET)"
    assert found["POLARIS_BOOTSTRAP_CREDENTIALS"] == f"A,{pair};B,{pair}"
    assert found["ROOT_CLIENT_SECRET"]["secretKeyRef"] == {"name": "mine", "key": "client-secret"}
    # Kubernetes puts in variables that stand before.
    assert list(found)[-1] == "POLARIS_BOOTSTRAP_CREDENTIALS"
    assert "ROOT_CLIENT_ID" not in variables(derived())


def test_environments() -> None:
    part, deployment = polaris(), Deployment.default()
    assert part.environment_values(deployment.environment("staging")) == {}
    assert part.environment_values(deployment.environment("dev")) == {"service": {"type": "NodePort"}}
    assert part.environment_values(deployment.environment("prod")) == {
        "replicaCount": 2,
        "podDisruptionBudget": {"enabled": True},
    }
    assert part.environment_values(deployment.environment("test")) == {
        "service": {"type": "NodePort"},
        "persistence": {"type": "in-memory", "relationalJdbc": {"secret": {"name": ""}}},
    }


def test_values_are_defaults_beside_the_platforms_own() -> None:
    persistence = PersistenceValues(relational_jdbc=JdbcValues(secret=JdbcSecret(name="mine")))
    values = handed(values=PolarisValues(replica_count=3, persistence=persistence))
    assert values["replicaCount"] == 3
    assert values["persistence"]["relationalJdbc"]["secret"]["name"] == "mine"
    assert values["persistence"]["type"] == "relational-jdbc"
    assert values["fullnameOverride"] == "floe-platform-polaris"


def test_values_of_the_other_strategy_are_refused() -> None:
    with pytest.raises(DeclarationError, match="strategy dependency takes PolarisValues, found NativePolarisValues"):
        polaris(values=NativePolarisValues())
    with pytest.raises(DeclarationError, match="strategy native takes NativePolarisValues, found PolarisValues"):
        polaris(strategy="native", values=PolarisValues())


def test_memory_is_for_some_environments() -> None:
    assert polaris().value_rules() == ()
    [rule] = polaris(memory_in=["test"]).value_rules()
    kept = {"polaris": {"persistence": {"type": "in-memory"}}}
    assert rule.refuses({**kept, "environment": "prod"})
    assert not rule.refuses({**kept, "environment": "test"})


def test_pods_carry_the_labels_of_their_workload_whatever_values_say(tmp_path: Path) -> None:
    labels = {"app.kubernetes.io/part-of": "floe-platform", "app.kubernetes.io/component": "polaris"}
    assert handed()["podLabels"] == labels
    assert derived(environment="dev", commonLabels={"team": "data"})["podLabels"] == {
        **labels,
        "environment": "dev",
        "team": "data",
    }
    for values in (handed(), derived(environment="dev", commonLabels={"team": "data"})):
        assert values["configMapLabels"] == values["podLabels"]
    handle = written(polaris_chart(), tmp_path)
    for wrong in ({"app.kubernetes.io/component": "other"}, {"app.kubernetes.io/name": "x"}):
        with pytest.raises(ValuesRefused):
            handle.check_values({"polaris": {"podLabels": wrong}})


def test_the_service_account_is_ours_and_gives_no_token(tmp_path: Path) -> None:
    handle = written(polaris_chart(), tmp_path)
    annotations = {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/polaris"}
    found = objects_of(handle, {"polaris": {"serviceAccount": {"annotations": annotations}}})
    account = found["ServiceAccount/floe-platform-polaris"].data
    assert account["automountServiceAccountToken"] is False
    assert account["metadata"]["annotations"] == annotations
    values = handed()["serviceAccount"]
    assert (values["create"], values["name"]) == (False, "floe-platform-polaris")
    assert not [name for name in objects_of(handle, {"polaris": {"enabled": False}}) if name.startswith("ServiceAcc")]


def test_what_the_pods_may_ask_for() -> None:
    part, values = polaris(), handed()
    assert [claim.pods for claim in part.claims(values)] == [2]
    assert [claim.pods for claim in part.claims({**values, "replicaCount": 4})] == [5]
    scaled = {**values, "autoscaling": {**values["autoscaling"], "enabled": True, "maxReplicas": 8}}
    assert [claim.pods for claim in part.claims(scaled)] == [10]


@pytest.mark.parametrize("strategy", ["dependency", "native"])
def test_declarations_are_the_same_in_both_strategies(strategy: str) -> None:
    part = polaris(strategy=strategy)
    assert part.endpoints() == (POLARIS, POLARIS_MANAGEMENT)
    assert [one.name for one in part.workloads()] == ["polaris"]
    assert [(edge.source, edge.target) for edge in part.edges()] == [
        ("polaris", POSTGRES),
        ("polaris", OBJECT_STORE_OUTSIDE),
        ("polaris", OTLP_GRPC),
        (INGRESS, POLARIS),
        (PROMETHEUS, POLARIS_MANAGEMENT),
    ]
    assert [(one.endpoint, one.path) for one in part.scrapes()] == [(POLARIS_MANAGEMENT, "/q/metrics")]
    [check] = part.checks()
    assert "floe-platform" not in check.script
    assert check.edges == (POLARIS_MANAGEMENT,)
    names = {secret.id: (secret.name, secret.key_names) for secret in part.required_secrets()}
    assert names == {
        "polarisDatabase": ("floe-platform-polaris-database", ("username", "password")),
        "polarisToken": ("floe-platform-polaris-token", ("symmetric.key",)),
    }
    assert MINIO not in [edge.target for edge in part.edges()]


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
    """The chart passes its values through tpl."""
    refused: list[tuple[type[Values], dict[str, Any]]] = [
        (PolarisTracing, {"attributes": {"a": text}}),
        (PolarisValues, {"advancedConfig": {"quarkus.x": text}}),
        (PolarisValues, {"podAnnotations": {"a": text}}),
        (PolarisEnvVar, {"name": "A", "value": text}),
        (InitContainer, {"command": [text]}),
    ]
    for model, values in refused:
        with pytest.raises(ValidationError):
            model.model_validate(values)


@pytest.mark.parametrize("text", ["${env.X}", "{a}", "a{", "jdbc:postgresql://h:5432/d?sslmode=require", "a=b #c", "{"])
def test_other_properties_are_taken(text: str) -> None:
    assert PolarisValues(advanced_config={"quarkus.x": text}).advanced_config == {"quarkus.x": text}


@pytest.mark.parametrize("text", [" a", "a\\", "a\nb", "ü"])
def test_what_a_properties_file_would_read_as_something_else_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        PolarisValues(advanced_config={"quarkus.x": text})


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
    assert {
        path
        for path in found
        if not re.match(r"(pod|container)SecurityContext\.|containerLifecycle\.|resources\.", path)
    } == set()


@needs_upstream
@pytest.mark.parametrize("arguments", [{}, {"otlp": False, "store": False}])
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
        {"httproute": {"hosts": ["a", "b"]}},
        {"httproute": {"exposeManagementEndpoints": True}},
        {"managementService": {"type": "NodePort"}},
        {"podDisruptionBudget": {"maxUnavailable": 0}},
        {"affinity": {"podAffinit": {}}},
        {"topologySpreadConstraints": [{"maxskew": 1}]},
        {"extraInitContainers": [{"name": "x", "imag": "y"}]},
        {"serviceAccount": {"create": True}},
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
