"""PostgreSQL in mode operator: what CloudNativePG and its plugin for backups take, and what they make of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from floe_charts.constructs.object_store import ObjectStore
from floe_charts.constructs.postgres.cluster import PostgresCluster
from floe_charts.constructs.surroundings.monitoring import Monitoring
from floe_charts.helm import CommonChartValues, HelmChart
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import ChartHandle
from floe_charts.verify.json_schema import CompiledSchema
from floe_charts.verify.pod_security_controls import Pod, violations
from floe_charts.verify.pods import PodTemplate
from floe_charts.verify.quantities import parse_quantity
from floe_charts.verify.schemas import CustomSchemas, validate_objects
from floe_charts.verify.values import helm_merge, set_at
from tests.any_values import AnyValues, leaf_schemas
from tests.constructs.rendering import CONSUMERS, objects_of, postgres_chart, spec_of, written
from tests.support import SHARED
from tests.synth.immutable import changed_fields, upgraded

CLUSTER = "Cluster/floe-platform-postgres"
STORE = "ObjectStore/floe-platform-postgres"
CRDS = SHARED / "crds"


def whole_chart() -> HelmChart:
    """PostgreSQL among the parts that it looks for, in a chart with values that all objects share."""
    chart = HelmChart("floe-platform", values=CommonChartValues(fullname_override="floe-platform"), fixed_fullname=True)
    ObjectStore(chart)
    PostgresCluster(chart, consumers=CONSUMERS)
    Monitoring(chart, scrapes=())
    return chart


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return written(whole_chart(), tmp_path_factory.mktemp("postgres"))


def operated(operator: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"postgres": {"mode": "operator", "operator": dict(operator or {}), **more}}


def cluster(chart: ChartHandle, operator: Mapping[str, Any] | None = None, **more: Any) -> Any:
    return spec_of(objects_of(chart, operated(operator, **more)), CLUSTER)


def test_a_role_and_a_database_for_each_consumer(chart: ChartHandle) -> None:
    objects = objects_of(chart, operated())
    roles = spec_of(objects, CLUSTER)["managed"]["roles"]
    assert {role["name"]: role["passwordSecret"]["name"] for role in roles} == {
        "dagster": "floe-platform-dagster-postgresql",
        "polaris_owner": "polaris-db",
    }
    assert all(role["login"] and not role["superuser"] for role in roles)
    database = spec_of(objects, "Database/floe-platform-postgres-polaris")
    assert (database["name"], database["owner"]) == ("catalog", "polaris_owner")
    assert database["cluster"] == {"name": "floe-platform-postgres"}
    assert database["databaseReclaimPolicy"] == "retain"


@pytest.mark.parametrize("instances", range(1, 10))
def test_no_more_replicas_are_waited_for_than_there_are(chart: ChartHandle, instances: int) -> None:
    for number in range(1, 9):
        found = cluster(chart, {"instances": instances, "synchronous": {"number": number}})
        synchronous = found["postgresql"].get("synchronous")
        assert found["enablePDB"] is (instances > 1)
        if instances == 1:
            assert synchronous is None
        else:
            expected = min(number, instances - 1)
            assert synchronous == {"method": "any", "number": expected, "dataDurability": "required"}


def test_synchronous_replication_can_be_left_out(chart: ChartHandle) -> None:
    found = cluster(chart, {"instances": 3, "synchronous": {"enabled": False}})
    assert "synchronous" not in found["postgresql"]


def test_where_servers_run_is_said_in_kubernetes_own_types(chart: ChartHandle) -> None:
    terms = [{"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}]
    term = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}}
    spread = {"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    affinity = {
        "podAntiAffinityType": "required",
        "topologyKey": "zone",
        "nodeSelector": {"disk": "ssd"},
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}},
        "tolerations": [{"key": "db", "operator": "Exists"}],
        "additionalPodAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]},
        "additionalPodAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]},
    }
    found = cluster(chart, {"affinity": affinity, "topologySpreadConstraints": [spread], "priorityClassName": "high"})
    assert found["affinity"] == affinity
    assert found["topologySpreadConstraints"] == [spread]
    assert found["priorityClassName"] == "high"
    [usual] = cluster(chart)["topologySpreadConstraints"]
    labels = {"cnpg.io/cluster": "floe-platform-postgres", "cnpg.io/podRole": "instance"}
    assert usual["labelSelector"] == {"matchLabels": labels}


def test_pods_carry_the_labels_that_policies_go_by_and_those_that_all_share(chart: ChartHandle) -> None:
    shared = {"commonLabels": {"team": "data"}, "commonAnnotations": {"note": "a: b"}}
    pooler = {"pooler": {"enabled": True}}
    objects = objects_of(chart, {**operated(pooler), **shared})
    inherited = spec_of(objects, CLUSTER)["inheritedMetadata"]
    pool = spec_of(objects, "Pooler/floe-platform-postgres-pooler")["template"]["metadata"]
    labels = {"app.kubernetes.io/part-of": "floe-platform", "team": "data"}
    assert inherited["labels"] == {**labels, "app.kubernetes.io/component": "postgres"}
    # CloudNativePG itself calls the pool's pods so.
    named = {"app.kubernetes.io/component": "pooler", "cnpg.io/poolerName": "floe-platform-postgres-pooler"}
    assert pool["labels"] == {**labels, **named}
    assert inherited["annotations"] == pool["annotations"] == {"note": "a: b"}


def test_images_come_from_the_mirror(chart: ChartHandle) -> None:
    shared = {"imageRegistry": "mirror.example.com", "imagePullSecrets": [{"name": "pull"}]}
    digest = f"sha256:{'0' * 64}"
    operator = {"image": {"digest": digest, "pullPolicy": "Always"}, "pooler": {"enabled": True}}
    objects = objects_of(chart, {**operated(operator), **shared})
    found = spec_of(objects, CLUSTER)
    assert re.fullmatch(rf"mirror\.example\.com/cloudnative-pg/postgresql:17[^@]*@{digest}", found["imageName"])
    assert (found["imagePullPolicy"], found["imagePullSecrets"]) == ("Always", [{"name": "pull"}])
    pool = spec_of(objects, "Pooler/floe-platform-postgres-pooler")["template"]["spec"]
    assert pool["containers"][0]["image"].startswith("mirror.example.com/cloudnative-pg/pgbouncer:")
    assert pool["imagePullSecrets"] == [{"name": "pull"}]


@pytest.mark.parametrize("when_deleted", ["Retain", "Delete"])
def test_data_outlive_the_release_where_they_shall(chart: ChartHandle, when_deleted: str) -> None:
    values = operated({"backup": {"enabled": True}}, storage={"whenDeleted": when_deleted})
    objects = objects_of(chart, values)
    for name in (CLUSTER, STORE):
        metadata: Any = objects[name].data["metadata"]
        kept = metadata.get("annotations", {}).get("helm.sh/resource-policy")
        assert kept == ("keep" if when_deleted == "Retain" else None)


def test_storage_and_parameters(chart: ChartHandle) -> None:
    found = cluster(
        chart,
        {"walStorage": {"enabled": True, "size": "5Gi", "storageClass": "fast"}},
        storage={"size": "1Ti"},
        parameters={"max_connections": "300", "log_line_prefix": "%t: # ", "log_lock_waits": None},
    )
    assert found["storage"] == {"size": "1Ti"}
    assert found["walStorage"] == {"size": "5Gi", "storageClass": "fast"}
    assert found["postgresql"]["parameters"] == {"max_connections": "300", "log_line_prefix": "%t: # "}
    assert "walStorage" not in cluster(chart)


# Backups


def test_backups_go_where_the_platforms_objects_are(chart: ChartHandle) -> None:
    values = operated({"backup": {"enabled": True, "destinationPath": "s3://backups/pg", "retention": "4w"}})
    store = {"endpoint": "https://s3.example.com", "region": "eu-1", "secretName": "keys"}
    objects = objects_of(chart, {**values, "objectStore": store})
    spec = spec_of(objects, STORE)
    assert spec["retentionPolicy"] == "4w"
    assert spec["configuration"] == {
        "destinationPath": "s3://backups/pg",
        "endpointURL": "https://s3.example.com",
        "s3Credentials": {
            "accessKeyId": {"name": "keys", "key": "AWS_ACCESS_KEY_ID"},
            "secretAccessKey": {"name": "keys", "key": "AWS_SECRET_ACCESS_KEY"},
        },
        "wal": {"compression": "gzip"},
        "data": {"compression": "gzip"},
    }
    environment = {one["name"]: one["value"] for one in spec["instanceSidecarConfiguration"]["env"]}
    assert environment["AWS_DEFAULT_REGION"] == "eu-1"
    assert environment["AWS_REQUEST_CHECKSUM_CALCULATION"] == "when_required"
    [plugin] = spec_of(objects, CLUSTER)["plugins"]
    assert plugin == {
        "name": "barman-cloud.cloudnative-pg.io",
        "isWALArchiver": True,
        "parameters": {"barmanObjectName": "floe-platform-postgres"},
    }
    backup = spec_of(objects, "ScheduledBackup/floe-platform-postgres")
    assert (backup["method"], backup["pluginConfiguration"]) == ("plugin", {"name": plugin["name"]})
    assert backup["cluster"] == {"name": "floe-platform-postgres"}


@pytest.mark.parametrize(
    ("backup", "store", "credentials"),
    [
        ({}, {"credentials": "identity"}, {"inheritFromIAMRole": True}),
        ({"credentials": "identity"}, {}, {"inheritFromIAMRole": True}),
        ({"credentials": "secret"}, {"credentials": "identity"}, "floe-platform-postgres-backup"),
        ({"credentials": "secret", "secretName": "own"}, {}, "own"),
        ({"secretName": "own"}, {}, "floe-platform-object-store"),
    ],
)
def test_credentials_are_the_platforms_or_backups_own(
    chart: ChartHandle, backup: dict[str, Any], store: dict[str, Any], credentials: object
) -> None:
    objects = objects_of(chart, {**operated({"backup": {"enabled": True, **backup}}), "objectStore": store})
    found = spec_of(objects, STORE)["configuration"]["s3Credentials"]
    named = found["accessKeyId"]["name"] if "accessKeyId" in found else found
    assert named == credentials


def test_a_store_of_their_own_may_be_aws(chart: ChartHandle) -> None:
    backup = {"enabled": True, "endpoint": "", "compression": "none", "serverName": "second"}
    objects = objects_of(chart, {**operated({"backup": backup}), "objectStore": {"endpoint": "https://s3.example.com"}})
    spec = spec_of(objects, STORE)
    assert not spec["configuration"].keys() & {"endpointURL", "wal", "data"}
    assert [one["name"] for one in spec["instanceSidecarConfiguration"]["env"]] == ["AWS_DEFAULT_REGION"]
    assert spec_of(objects, CLUSTER)["plugins"][0]["parameters"]["serverName"] == "second"


def test_without_an_object_store_beside_it_backups_have_a_secret_of_their_own(tmp_path: Path) -> None:
    alone = postgres_chart(tmp_path)
    spec = spec_of(objects_of(alone, operated({"backup": {"enabled": True}})), STORE)
    assert spec["configuration"]["s3Credentials"]["accessKeyId"]["name"] == "floe-platform-postgres-backup"
    assert "endpointURL" not in spec["configuration"]


# Around the cluster


def test_monitors_find_servers_and_pool_where_the_platform_is_watched(chart: ChartHandle) -> None:
    watched = {"monitoring": {"enabled": True, "interval": "1m", "labels": {"release": "prometheus"}}}
    objects = objects_of(chart, {**operated({"pooler": {"enabled": True}}), **watched})
    expected = {
        "floe-platform-postgres": {"cnpg.io/cluster": "floe-platform-postgres", "cnpg.io/podRole": "instance"},
        "floe-platform-postgres-pooler": {"cnpg.io/poolerName": "floe-platform-postgres-pooler"},
    }
    for name, labels in expected.items():
        metadata: Any = objects[f"PodMonitor/{name}"].data["metadata"]
        assert metadata["labels"]["release"] == "prometheus"
        spec = spec_of(objects, f"PodMonitor/{name}")
        assert spec["selector"] == {"matchLabels": labels}
        assert spec["podMetricsEndpoints"] == [{"port": "metrics", "interval": "1m"}]
    assert not [name for name in objects_of(chart, operated()) if name.startswith("PodMonitor/")]


def test_the_pool_has_a_budget_only_where_one_pod_may_go(chart: ChartHandle) -> None:
    for instances in (1, 2):
        objects = objects_of(chart, operated({"pooler": {"enabled": True, "instances": instances}}))
        assert ("PodDisruptionBudget/floe-platform-postgres-pooler" in objects) is (instances > 1)
        pool = spec_of(objects, name := "Pooler/floe-platform-postgres-pooler")
        pod = PodTemplate(objects[name], ("spec", "template"), pool["template"]["spec"], {})
        assert list(violations(Pod(pod), "restricted")) == []
        assert pool["pgbouncer"]["parameters"]["max_client_conn"] == "1000"
        [container] = pool["template"]["spec"]["containers"]
        assert container["name"] == "pgbouncer"
        assert container["resources"]["limits"].keys() == {"cpu", "memory"}


# What CloudNativePG's webhook asks beyond the schema (internal/webhook/v1/cluster_webhook.go, 1.30)


def webhook_faults(spec: Any) -> Iterator[str]:
    synchronous = spec["postgresql"].get("synchronous")
    if synchronous is not None and not 0 < synchronous["number"] < spec["instances"]:
        yield f"{synchronous['number']} synchronous replicas of {spec['instances']} servers"
    fixed = {"archive_mode", "archive_command", "cluster_name", "port", "ssl", "synchronous_standby_names", "hba_file"}
    for name in spec["postgresql"].get("parameters", {}):
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?", name):
            yield f"{name} is no parameter"
        if name in fixed:
            yield f"{name} is fixed"
    if not re.search(r":[0-9]+(\.[0-9]+)?([-_][^@]*)?(@.*)?$", spec["imageName"]):
        yield f"{spec['imageName']} has no version"
    for volume in ("storage", "walStorage"):
        if volume in spec and parse_quantity(spec[volume]["size"]) is None:
            yield f"{volume} has no size"


def test_any_values_make_objects_that_cloudnativepg_takes(chart: ChartHandle, examples: int) -> None:
    if not CRDS.is_dir():
        pytest.skip("../shared/crds is absent")
    custom = CustomSchemas.from_directory(CRDS)
    tree = whole_chart().schema()
    schema, defaults = CompiledSchema(tree), whole_chart().default_values()
    any_values = AnyValues(tree.get("definitions", {}))
    leaves = {
        path: leaf
        for path, leaf in leaf_schemas(tree).items()
        if path[0] == "postgres" and path[1] in ("operator", "parameters", "service", "storage")
    }
    base = operated({"instances": 2, "backup": {"enabled": True}, "pooler": {"enabled": True}})

    @st.composite
    def overlays(draw: st.DrawFn) -> dict[str, Any]:
        overlay: dict[str, Any] = {}
        for path in draw(st.lists(st.sampled_from(list(leaves)), min_size=1, max_size=4, unique=True)):
            overlay = set_at(overlay, path, draw(any_values.of(leaves[path])))
        return overlay

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(overlays())
    def taken(overlay: dict[str, Any]) -> None:
        values = helm_merge(base, overlay)
        assume(schema.accepts(helm_merge(defaults, values)))
        note(f"changed: {overlay}")
        objects = objects_of(chart, values)
        report = validate_objects(list(objects.values()), (OLDEST, latest_kube_version()), custom)
        assert [str(finding) for finding in report.findings] == []
        assert not report.without_schema
        assert list(webhook_faults(spec_of(objects, CLUSTER))) == []

    taken()


@pytest.mark.parametrize(
    "change",
    [
        {"operator": {"image": {"tag": "17.10-standard-trixie"}}},
        {"operator": {"instances": 5, "synchronous": {"number": 2}}},
        {"operator": {"backup": {"enabled": True, "schedule": "0 0 3 * * *"}}},
        {"operator": {"pooler": {"enabled": True, "poolMode": "transaction"}}},
        {"operator": {"walStorage": {"enabled": True}}},
        {"resources": {"limits": {"memory": "4Gi"}}},
        {"parameters": {"max_connections": "500"}},
        {"service": {"type": "NodePort"}},
    ],
)
def test_changes_leave_immutable_fields_alone(chart: ChartHandle, change: dict[str, Any]) -> None:
    before = operated({"instances": 3})
    after = helm_merge(before, {"postgres": change})
    old, new = (upgraded(list(objects_of(chart, values).values())) for values in (before, after))
    assert old.keys() <= new.keys()
    assert [fault for name, one in old.items() for fault in changed_fields(one, new[name])] == []
