"""PostgreSQL in its three modes: what is rendered fits Kubernetes and CloudNativePG, and the script works for real."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from floe_charts.constructs.marquez.api import Marquez
from floe_charts.constructs.network import OBJECT_STORE_OUTSIDE, POSTGRES
from floe_charts.constructs.postgres.cluster import DatabaseConsumer, PostgresCluster, PostgresValues
from floe_charts.constructs.postgres.script import HBA_FILE
from floe_charts.constructs.postgres.values import ExternalValues, StatefulSetValues
from floe_charts.constructs.surroundings.connections import Network
from floe_charts.constructs.surroundings.network_policies import NetworkPolicies
from floe_charts.constructs.surroundings.secrets import PlatformSecrets
from floe_charts.deployment import Deployment, Environment
from floe_charts.errors import DeclarationError
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.helm.layers import merge
from floe_charts.verify.engine import ChartHandle, ValuesRefused, lint
from floe_charts.verify.schemas import CustomSchemas, validate_objects
from tests.constructs.rendering import (
    CONSUMERS,
    DAGSTER,
    insecure,
    new_chart,
    objects_of,
    postgres_chart,
    spec_of,
    written,
)
from tests.support import SHARED

MODES = ("statefulset", "operator", "external")
CRDS = SHARED / "crds"


CLIENT = "ConfigMap/floe-platform-postgres-client"
EVERYTHING: dict[str, dict[str, Any]] = {
    "statefulset": {
        "storage": {"storageClass": "fast", "whenDeleted": "Delete"},
        "parameters": {"work_mem": "8MB", "auto_explain.log_min_duration": "1s"},
        "service": {"type": "LoadBalancer", "annotations": {"a.example/b": "c"}},
        "statefulset": {
            "superuserSecret": "postgres-superuser",
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "db", "operator": "Exists"}],
            "priorityClassName": "high",
            "podLabels": {"team": "data"},
            "extraEnv": {"LANG": {"value": "C.UTF-8"}},
            "extraVolumes": {"/mnt/spare": {"volume": {"emptyDir": {}}}},
            "serviceAccount": {"name": "database"},
            "backup": {"enabled": True, "storage": {"storageClass": "slow"}},
        },
    },
    "operator": {
        "storage": {"storageClass": "fast"},
        "service": {"type": "NodePort", "annotations": {"a.example/b": "c"}},
        "operator": {
            "instances": 3,
            "walStorage": {"enabled": True, "storageClass": "fast"},
            "affinity": {
                "podAntiAffinityType": "required",
                "nodeSelector": {"disk": "ssd"},
                "tolerations": [{"key": "db", "operator": "Exists"}],
            },
            "priorityClassName": "high",
            "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/database"}},
            "backup": {"enabled": True, "serverName": "second", "endpoint": "https://s3.example.com", "region": "eu-1"},
            "pooler": {"enabled": True, "instances": 2},
        },
    },
    "external": {"external": {"host": "db.example.com", "tls": {"ca": {"secret": {"secretName": "database-ca"}}}}},
}


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return postgres_chart(tmp_path_factory.mktemp("postgres"))


@pytest.mark.parametrize("mode", MODES)
def test_objects_fit_kubernetes_and_cloudnativepg(chart: ChartHandle, mode: str) -> None:
    custom = CustomSchemas.from_directory(CRDS) if CRDS.is_dir() else None
    for values in ({}, EVERYTHING[mode]):
        objects = objects_of(chart, {"postgres": {"mode": mode, **values}})
        report = validate_objects(list(objects.values()), (OLDEST, latest_kube_version()), custom)
        assert [str(finding) for finding in report.findings] == []
        if mode == "statefulset":
            assert insecure(objects) == []
        if custom is not None:
            assert not report.without_schema
    if mode == "operator" and custom is None:
        pytest.skip("../shared/crds is absent: custom resources were not checked")


def test_lint_is_silent(tmp_path: Path) -> None:
    postgres_chart(tmp_path)
    assert lint(tmp_path / "floe-platform") == []


@pytest.mark.parametrize(
    ("mode", "kinds", "more"),
    [
        (
            "statefulset",
            {
                "StatefulSet/floe-platform-postgres",
                "Service/floe-platform-postgres",
                "Service/floe-platform-postgres-headless",
                "ServiceAccount/floe-platform-postgres",
                "ConfigMap/floe-platform-postgres",
            },
            {
                "ServiceAccount/database",
                "CronJob/floe-platform-pg-backup",
                "ConfigMap/floe-platform-pg-backup",
                "PersistentVolumeClaim/floe-platform-pg-backup",
            },
        ),
        (
            "operator",
            {
                "Cluster/floe-platform-postgres",
                "Database/floe-platform-postgres-dagster",
                "Database/floe-platform-postgres-polaris",
            },
            {
                "ObjectStore/floe-platform-postgres",
                "ScheduledBackup/floe-platform-postgres",
                "Pooler/floe-platform-postgres-pooler",
                "PodDisruptionBudget/floe-platform-postgres-pooler",
            },
        ),
        ("external", {"Service/floe-platform-postgres"}, set()),
    ],
)
def test_each_mode_has_its_own_objects_only(chart: ChartHandle, mode: str, kinds: set[str], more: set[str]) -> None:
    assert set(objects_of(chart, {"postgres": {"mode": mode}})) == {CLIENT, *kinds}
    everything = set(objects_of(chart, {"postgres": {"mode": mode, **EVERYTHING[mode]}}))
    renamed = {"ServiceAccount/floe-platform-postgres"} if "ServiceAccount/database" in more else set()
    assert everything == ({CLIENT, *kinds} - renamed) | more


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
    assert f"--port={POSTGRES.port}" in server["args"]
    assert [port["containerPort"] for port in server["ports"]] == [POSTGRES.port]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert f"--port={POSTGRES.port}" in server[probe]["exec"]["command"]
    assert {"name": "PGPORT", "value": str(POSTGRES.port)} in prepare["env"]


def test_the_access_rules_have_the_name_that_server_and_script_read(chart: ChartHandle) -> None:
    objects = objects_of(chart, {})
    data: Any = objects["ConfigMap/floe-platform-postgres"].data["data"]
    [server] = spec_of(objects, "StatefulSet/floe-platform-postgres")["template"]["spec"]["containers"]
    assert f"--hba_file=/etc/floe-postgres/{HBA_FILE}" in server["args"]
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
    assert spec["replicas"] == 1
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
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
        {"external": {"tls": {"mode": "verify-full"}}},
        {"external": {"tls": {"mode": "verify-ca", "ca": None}}},
        {"external": {"tls": {"ca": {"hostPath": {"path": "/etc"}}}}},
        {"parameters": {"port": "1"}},
        {"parameters": {"archive_command": "true"}},
        {"parameters": {"ssl_cert_file": "x"}},
        {"parameters": {"work_mem": "$(HOME)"}},
        {"parameters": {"Work_Mem": "1MB"}},
        {"statefulset": {"extraEnv": {"PGDATA": {"value": "/x"}}}},
        {"statefulset": {"backup": {"schedule": "0 0 2 * * *"}}},
        {"statefulset": {"backup": {"schedule": "61 2 * * *"}}},
        {"operator": {"backup": {"schedule": "0 2 * * *"}}},
        {"operator": {"backup": {"destinationPath": "https://bucket"}}},
        {"operator": {"backup": {"retention": "30"}}},
        {"operator": {"pooler": {"parameters": {"auth_user": "x"}}}},
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


def test_values_without_a_rule_against_them_are_taken(chart: ChartHandle) -> None:
    ca = {"configMap": {"name": "rds", "items": [{"key": "eu.pem", "path": "ca.crt"}]}}
    for mode in ("verify-ca", "verify-full"):
        chart.check_values({"postgres": {"external": {"tls": {"mode": mode, "ca": ca}}}})
    for name in ("sslmode_hint", "portal_limit", "log_connections", "recovery_prefetch", "temp_buffers"):
        chart.check_values({"postgres": {"parameters": {name: "x"}}})


def test_required_secrets_name_every_key() -> None:
    values = PostgresValues(statefulset=StatefulSetValues(superuser_secret="su"))
    part = PostgresCluster(new_chart(), consumers=CONSUMERS, values=values)
    assert [(one.name, one.key_names, one.condition) for one in part.required_secrets()] == [
        ("floe-platform-dagster-postgresql", ("username", "password", "postgresql-password"), ""),
        ("polaris-db", ("username", "password", "jdbcUrl"), ""),
        ("su", ("password",), "postgres.mode is statefulset"),
        (
            "floe-platform-postgres-backup",
            ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
            "postgres.mode is operator, postgres.operator.backup.enabled is true and its credentials are secret",
        ),
    ]
    assert len(PostgresCluster(new_chart(), consumers=CONSUMERS).required_secrets()) == 3


@pytest.mark.parametrize("source", ["generated", "external"])
def test_secrets_of_roles_are_what_cloudnativepg_asks_for(tmp_path: Path, source: str) -> None:
    made = new_chart()
    part = PostgresCluster(made, consumers=CONSUMERS)
    PlatformSecrets(made, secrets=part.required_secrets())
    objects = objects_of(written(made, tmp_path), {"secrets": {"source": source}})
    if source == "generated":
        secret = objects["Secret/floe-platform-dagster-postgresql"].data
        labels: Any = secret["metadata"]
        assert secret["type"] == "kubernetes.io/basic-auth"
        assert labels["labels"]["cnpg.io/reload"] == "true"
    else:
        template = spec_of(objects, "ExternalSecret/floe-platform-dagster-postgresql")["target"]["template"]
        assert template["type"] == "kubernetes.io/basic-auth"
        assert template["metadata"] == {"labels": {"cnpg.io/reload": "true"}}
        assert template["data"] == {"username": "dagster", "postgresql-password": "{{ .password }}"}


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "postgres"},
        {"role": "pg_x"},
        {"role": "cnpg_pooler_pgbouncer"},
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


def test_a_consumer_may_come_later_and_shares_no_name() -> None:
    part = PostgresCluster(new_chart())
    part.serve(DAGSTER)
    assert part.consumers == (DAGSTER,)
    with pytest.raises(DeclarationError, match="share the name dagster"):
        part.serve(DAGSTER)


def test_environments_choose_the_mode_and_the_smallest_where_people_try_things_out() -> None:
    part = PostgresCluster(new_chart(), consumers=CONSUMERS)
    deployment = Deployment.default()
    values = {
        name: part.environment_values(deployment.environment(name)) for name in ("dev", "test", "staging", "prod")
    }
    assert values == {
        "dev": {"mode": "statefulset", "service": {"type": "NodePort"}},
        "test": {
            "mode": "statefulset",
            "service": {"type": "NodePort"},
            "storage": {"whenDeleted": "Delete"},
        },
        "staging": {"mode": "statefulset"},
        "prod": {"mode": "operator", "operator": {"instances": 3, "walStorage": {"enabled": True}}},
    }
    external = Environment(kind="test", postgres="external")
    assert part.environment_values(external) == {"mode": "external"}


def test_claims_count_servers_volumes_and_what_is_around_them() -> None:
    part = PostgresCluster(new_chart(), consumers=CONSUMERS)

    def claims(values: dict[str, Any]) -> list[tuple[int, str, int]]:
        final = merge(part.values.to_values(), values)
        return [(claim.pods, claim.storage, claim.volumes) for claim in part.claims(final)]

    assert claims({"mode": "external"}) == []
    assert claims({}) == [(1, "10Gi", 1)]
    backup = {"enabled": True, "storage": {"size": "20Gi"}}
    assert claims({"statefulset": {"backup": backup}}) == [(1, "10Gi", 1), (1, "20Gi", 1)]
    operator = {
        "instances": 3,
        "walStorage": {"enabled": True, "size": "5Gi"},
        "backup": {"enabled": True},
        "pooler": {"enabled": True, "instances": 2},
    }
    assert claims({"mode": "operator", "operator": operator}) == [(4, "10Gi", 3), (0, "5Gi", 3), (3, "", 0), (3, "", 0)]


def test_what_people_should_know_is_said(chart: ChartHandle) -> None:
    part = PostgresCluster(new_chart(), consumers=CONSUMERS)

    def served(**values: Any) -> dict[str, dict[str, Any]]:
        return {"prod": {"postgres": merge(part.values.to_values(), values)}}

    assert part.notices(served()) == []
    assert part.notices({"prod": {}}) == []
    assert part.notices(served(mode="operator")) == [
        "postgres makes no backups in prod: set postgres.operator.backup.enabled and .destinationPath"
    ]
    assert part.notices(served(mode="operator", operator={"backup": {"enabled": True}})) == []
    assert part.notices(served(mode="external")) == ["postgres is elsewhere in prod: set postgres.external.host"]
    assert part.notices(served(mode="external", external={"host": "db.example.com"})) == []


@pytest.mark.parametrize(
    ("mode", "backup", "ports"),
    [
        ("operator", {"enabled": True, "endpoint": "https://s3.example.com:9443"}, (443, 9443)),
        ("operator", {"enabled": True, "endpoint": "https://s3.example.com"}, None),
        ("operator", {"enabled": True}, None),
        ("operator", {"endpoint": "https://s3.example.com:9443"}, None),
        ("statefulset", {"enabled": True, "endpoint": "https://s3.example.com:9443"}, None),
    ],
)
def test_policies_learn_the_port_of_a_store_for_backups(
    mode: str, backup: dict[str, Any], ports: tuple[int, ...] | None
) -> None:
    part = PostgresCluster(new_chart(), consumers=CONSUMERS)
    values = merge(part.values.to_values(), {"mode": mode, "operator": {"backup": backup}})
    assert part.outside_ports(values) == ({} if ports is None else {OBJECT_STORE_OUTSIDE: ports})


def allowed(policy: Any, direction: str) -> set[tuple[str, int]]:
    """Who is let in or asked at which port: a component, namespaces, or nobody in particular."""
    found: set[tuple[str, int]] = set()
    for rule in policy.get(direction, []):
        for peer in rule.get("from" if direction == "ingress" else "to", [{}]):
            labels = peer.get("podSelector", {}).get("matchLabels", {})
            spaces = [one["values"] for one in peer.get("namespaceSelector", {}).get("matchExpressions", [])]
            who = labels.get("app.kubernetes.io/component") or ",".join(name for names in spaces for name in names)
            who = who or labels.get("app.kubernetes.io/part-of")
            found |= {(who or "anybody", port["port"]) for port in rule["ports"]}
    return found


def test_policies_let_through_what_each_mode_needs(tmp_path: Path) -> None:
    made = new_chart()
    marquez = Marquez(made)
    postgres = PostgresCluster(made, consumers=(marquez.database_consumer(),))
    NetworkPolicies(made, network=Network([marquez, postgres]))
    handle = written(made, tmp_path)

    def policies(mode: str, **values: Any) -> dict[str, Any]:
        objects = objects_of(handle, {"postgres": {"mode": mode, **values}})
        return {one.name: one.data["spec"] for one in objects.values() if one.kind == "NetworkPolicy"}

    stateful = policies("statefulset", statefulset={"backup": {"enabled": True}})
    assert allowed(stateful["floe-platform-postgres"], "ingress") == {("marquez", 5432), ("pg-backup", 5432)}
    assert allowed(stateful["floe-platform-postgres"], "egress") == set()
    assert allowed(stateful["floe-platform-pg-backup"], "egress") == {("postgres", 5432)}
    assert allowed(stateful["floe-platform-marquez"], "egress") == {("postgres", 5432)}

    operator = {"backup": {"enabled": True, "endpoint": "https://s3.example.com"}, "pooler": {"enabled": True}}
    operated = policies("operator", operator=operator)
    assert allowed(operated["floe-platform-postgres"], "ingress") == {
        ("marquez", 5432),
        ("pooler", 5432),
        ("postgres", 5432),
        ("postgres", 8000),
        ("cnpg-system", 5432),
        ("cnpg-system", 8000),
        ("monitoring", 9187),
    }
    assert allowed(operated["floe-platform-postgres"], "egress") == {
        ("postgres", 5432),
        ("postgres", 8000),
        ("anybody", 443),
        ("anybody", 6443),
    }
    # The pool is for clients beyond the release.
    assert allowed(operated["floe-platform-pooler"], "ingress") == {("monitoring", 9127), ("floe-jobs", 5432)}
    assert ("postgres", 5432) in allowed(operated["floe-platform-pooler"], "egress")

    external = policies("external")
    assert external.keys() & {f"floe-platform-{name}" for name in ("postgres", "pooler", "pg-backup")} == set()
    assert allowed(external["floe-platform-marquez"], "egress") == {("anybody", 5432)}
