"""PostgreSQL in its three modes: what is rendered fits Kubernetes and CloudNativePG, and the script works for real."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from floe_charts.constructs.network import POSTGRES
from floe_charts.constructs.postgres import DatabaseConsumer, PostgresCluster, PostgresValues
from floe_charts.constructs.postgres_script import HBA_FILE
from floe_charts.constructs.postgres_values import ExternalValues, StatefulSetValues
from floe_charts.deployment import Deployment
from floe_charts.errors import DeclarationError
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import ChartHandle, ValuesRefused, lint
from floe_charts.verify.schemas import CustomSchemas, validate_objects
from tests.constructs.rendering import CONSUMERS, DAGSTER, new_chart, objects_of, postgres_chart, spec_of
from tests.support import SHARED

MODES = ("statefulset", "operator", "external")
CRDS = SHARED / "crds"


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return postgres_chart(tmp_path_factory.mktemp("postgres"))


@pytest.mark.parametrize("mode", MODES)
def test_objects_fit_kubernetes_and_cloudnativepg(chart: ChartHandle, mode: str) -> None:
    custom = CustomSchemas.from_directory(CRDS) if CRDS.is_dir() else None
    set_everything = {
        "mode": mode,
        "storage": {"storageClass": "fast"},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "db", "operator": "Exists"}],
        "statefulset": {"superuserSecret": "postgres-superuser"},
    }
    for values in ({"mode": mode}, set_everything):
        objects = list(objects_of(chart, {"postgres": values}).values())
        report = validate_objects(objects, (OLDEST, latest_kube_version()), custom)
        assert [str(finding) for finding in report.findings] == []
        if custom is not None:
            assert not report.without_schema
    if mode == "operator" and custom is None:
        pytest.skip("../shared/crds is absent: custom resources were not checked")


def test_lint_is_silent(tmp_path: Path) -> None:
    postgres_chart(tmp_path)
    assert lint(tmp_path / "floe-platform") == []


@pytest.mark.parametrize(
    ("mode", "kinds"),
    [
        (
            "statefulset",
            {
                "StatefulSet/floe-platform-postgres",
                "Service/floe-platform-postgres",
                "Service/floe-platform-postgres-headless",
                "ConfigMap/floe-platform-postgres",
            },
        ),
        (
            "operator",
            {
                "Cluster/floe-platform-postgres",
                "Database/floe-platform-postgres-dagster",
                "Database/floe-platform-postgres-polaris",
            },
        ),
        ("external", {"Service/floe-platform-postgres"}),
    ],
)
def test_each_mode_has_its_own_objects_only(chart: ChartHandle, mode: str, kinds: set[str]) -> None:
    assert set(objects_of(chart, {"postgres": {"mode": mode}})) == kinds


def test_every_mode_answers_to_the_same_service(chart: ChartHandle) -> None:
    stateful = spec_of(objects_of(chart, {}), "Service/floe-platform-postgres")
    assert [port["port"] for port in stateful["ports"]] == [POSTGRES.port] == [5432]
    operator = spec_of(objects_of(chart, {"postgres": {"mode": "operator"}}), "Cluster/floe-platform-postgres")
    [service] = operator["managed"]["services"]["additional"]
    assert service == {"selectorType": "rw", "serviceTemplate": {"metadata": {"name": "floe-platform-postgres"}}}
    values = {"postgres": {"mode": "external", "external": {"host": "db.example.com"}}}
    external = spec_of(objects_of(chart, values), "Service/floe-platform-postgres")
    assert (external["type"], external["externalName"]) == ("ExternalName", "db.example.com")
    assert [port["port"] for port in external["ports"]] == [5432]


def test_the_server_listens_on_the_port_that_services_and_probes_name(chart: ChartHandle) -> None:
    objects = objects_of(chart, {})
    pod = spec_of(objects, "StatefulSet/floe-platform-postgres")["template"]["spec"]
    [prepare], [server] = pod["initContainers"], pod["containers"]
    assert f"port={POSTGRES.port}" in server["args"]
    assert [port["containerPort"] for port in server["ports"]] == [POSTGRES.port]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert f"--port={POSTGRES.port}" in server[probe]["exec"]["command"]
    assert {"name": "PGPORT", "value": str(POSTGRES.port)} in prepare["env"]


def test_the_access_rules_have_the_name_that_server_and_script_read(chart: ChartHandle) -> None:
    objects = objects_of(chart, {})
    data: Any = objects["ConfigMap/floe-platform-postgres"].data["data"]
    [server] = spec_of(objects, "StatefulSet/floe-platform-postgres")["template"]["spec"]["containers"]
    assert f"hba_file=/etc/floe-postgres/{HBA_FILE}" in server["args"]
    assert HBA_FILE in data
    assert f"hba_file=$config/{HBA_FILE}" in data["prepare.sh"]


def test_stateful_set_selects_its_service_and_claims_its_volume(chart: ChartHandle) -> None:
    objects = objects_of(chart, {})
    spec = spec_of(objects, "StatefulSet/floe-platform-postgres")
    assert spec["serviceName"] == "floe-platform-postgres-headless"
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    for service in ("floe-platform-postgres", "floe-platform-postgres-headless"):
        assert spec_of(objects, f"Service/{service}")["selector"] == spec["selector"]["matchLabels"]
    [claim] = spec["volumeClaimTemplates"]
    assert "storageClassName" not in claim["spec"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "10Gi"
    values = {"postgres": {"storage": {"size": "1Ti", "storageClass": "fast"}}}
    changed = spec_of(objects_of(chart, values), "StatefulSet/floe-platform-postgres")
    assert changed["volumeClaimTemplates"][0]["spec"]["storageClassName"] == "fast"
    assert changed["volumeClaimTemplates"][0]["metadata"] == claim["metadata"]


def test_containers_are_restricted_and_only_the_preparation_sees_passwords(chart: ChartHandle) -> None:
    values = {"postgres": {"statefulset": {"superuserSecret": "su"}}}
    pod = spec_of(objects_of(chart, values), "StatefulSet/floe-platform-postgres")["template"]["spec"]
    [prepare], [server] = pod["initContainers"], pod["containers"]
    for one in (prepare, server):
        security = one["securityContext"]
        assert security["readOnlyRootFilesystem"] is True
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] == 999
        assert security["capabilities"] == {"drop": ["ALL"]}
    secrets = {
        entry["name"]: tuple(entry["valueFrom"]["secretKeyRef"].values())
        for entry in prepare["env"]
        if "valueFrom" in entry
    }
    assert secrets == {
        "SUPERUSER_PASSWORD": ("su", "password"),
        "CONSUMER_DAGSTER_USERNAME": ("floe-platform-dagster-postgresql", "username"),
        "CONSUMER_DAGSTER_PASSWORD": ("floe-platform-dagster-postgresql", "password"),
        "CONSUMER_POLARIS_USERNAME": ("polaris-db", "username"),
        "CONSUMER_POLARIS_PASSWORD": ("polaris-db", "password"),
    }
    assert not [entry for entry in server["env"] if "valueFrom" in entry]


def test_operator_makes_a_role_and_a_database_for_each_consumer(chart: ChartHandle) -> None:
    objects = objects_of(chart, {"postgres": {"mode": "operator", "operator": {"instances": 3}}})
    cluster = spec_of(objects, "Cluster/floe-platform-postgres")
    assert cluster["instances"] == 3
    assert {role["name"]: role["passwordSecret"]["name"] for role in cluster["managed"]["roles"]} == {
        "dagster": "floe-platform-dagster-postgresql",
        "polaris_owner": "polaris-db",
    }
    assert all(role["login"] and not role["superuser"] for role in cluster["managed"]["roles"])
    database = spec_of(objects, "Database/floe-platform-postgres-polaris")
    assert (database["name"], database["owner"]) == ("catalog", "polaris_owner")
    assert database["cluster"] == {"name": "floe-platform-postgres"}
    assert database["databaseReclaimPolicy"] == "retain"


def test_a_new_consumer_restarts_the_server_and_changes_nothing_immutable(tmp_path: Path, chart: ChartHandle) -> None:
    fewer = postgres_chart(tmp_path, (DAGSTER,))
    before, after = (spec_of(objects_of(one, {}), "StatefulSet/floe-platform-postgres") for one in (fewer, chart))
    assert before["template"]["metadata"]["annotations"] != after["template"]["metadata"]["annotations"]
    assert {key: value for key, value in before.items() if key != "template"} == {
        key: value for key, value in after.items() if key != "template"
    }


def test_a_chart_without_consumers_renders(tmp_path: Path) -> None:
    handle = postgres_chart(tmp_path, ())
    for mode in MODES:
        assert objects_of(handle, {"postgres": {"mode": mode}})


@pytest.mark.parametrize(
    "values",
    [
        {"mode": "Operator"},
        {"external": {"host": ""}},
        {"external": {"host": "10.0.0.1"}},
        {"external": {"host": "https://db.example.com"}},
        {"storage": {"size": "0"}},
        {"storage": {"storageclass": "fast"}},
        {"operator": {"instances": 0}},
        {"operator": {"image": {"tag": "latest"}}},
    ],
)
def test_values_that_cannot_work_are_refused(chart: ChartHandle, values: dict[str, object]) -> None:
    with pytest.raises(ValuesRefused):
        chart.check_values({"postgres": values})


def test_python_defaults_are_held_to_the_same_bounds() -> None:
    with pytest.raises(ValidationError):
        ExternalValues(host="10.0.0.1")


def test_required_secrets_name_every_key() -> None:
    values = PostgresValues(statefulset=StatefulSetValues(superuser_secret="su"))
    part = PostgresCluster(new_chart(), consumers=CONSUMERS, values=values)
    assert [(one.name, one.keys, one.condition) for one in part.required_secrets()] == [
        ("floe-platform-dagster-postgresql", ("username", "password", "postgresql-password"), ""),
        ("polaris-db", ("username", "password", "jdbcUrl"), ""),
        ("su", ("password",), "postgres.mode is statefulset"),
    ]
    assert len(PostgresCluster(new_chart(), consumers=CONSUMERS).required_secrets()) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "postgres"},
        {"role": "pg_x"},
        {"database": "template0"},
        {"role": "a'b"},
        {"database": "A"},
        {"name": "../x"},
        {"role": ""},
    ],
)
def test_names_that_postgresql_or_kubernetes_refuse_are_refused(changes: dict[str, str]) -> None:
    names: dict[str, Any] = {"name": "x", "database": "x", "role": "x", **changes}
    with pytest.raises(DeclarationError, match=re.escape(repr(next(iter(changes.values()))))):
        DatabaseConsumer(**names, secret="s", default_secret="s")


@pytest.mark.parametrize("shared", ["name", "database", "role"])
def test_two_consumers_cannot_share_a_name(shared: str) -> None:
    names: dict[str, Any] = {"name": "other", "database": "other", "role": "other", shared: "dagster"}
    with pytest.raises(DeclarationError, match=f"share the {shared} dagster"):
        PostgresCluster(new_chart(), consumers=(DAGSTER, DatabaseConsumer(**names, secret="s", default_secret="s")))


def test_environments_choose_the_mode(chart: ChartHandle) -> None:
    part = PostgresCluster(new_chart(), consumers=CONSUMERS)
    deployment = Deployment.default()
    values = {name: part.environment_values(deployment.environment(name)) for name in ("dev", "prod")}
    assert values == {"dev": {"mode": "statefulset"}, "prod": {"mode": "operator", "operator": {"instances": 3}}}
    assert spec_of(objects_of(chart, {"postgres": values["prod"]}), "Cluster/floe-platform-postgres")["instances"] == 3
