"""Dumps of mode statefulset: the CronJob, and its script on a real PostgreSQL."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from floe_charts.constructs.marquez.api import Marquez
from floe_charts.constructs.postgres.cluster import PostgresCluster
from floe_charts.verify.engine import ChartHandle
from tests.constructs.postgres_server import Server, credentials, server_of_its_own
from tests.constructs.rendering import DAGSTER, insecure, new_chart, objects_of, postgres_chart, spec_of, written

NAME = "floe-platform-pg-backup"
PASSWORDS = credentials(dagster="one", polaris="t'w$o")
DAY = 86400


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return postgres_chart(tmp_path_factory.mktemp("postgres"))


def dumped(backup: Mapping[str, Any] | None = None, **stateful: Any) -> dict[str, Any]:
    return {"postgres": {"statefulset": {**stateful, "backup": {"enabled": True, **(backup or {})}}}}


def test_one_run_at_a_time_which_ends(chart: ChartHandle) -> None:
    objects = objects_of(chart, dumped({"schedule": "0 3 * * 1,4", "deadlineSeconds": 900}))
    spec = spec_of(objects, f"CronJob/{NAME}")
    assert spec["schedule"] == "0 3 * * 1,4"
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 900
    assert {"startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"} <= spec.keys()
    assert insecure(objects) == []


def test_the_pod_is_told_where_and_as_whom(chart: ChartHandle) -> None:
    objects = objects_of(chart, dumped({"retentionDays": 30}, nodeSelector={"disk": "ssd"}))
    pod = spec_of(objects, f"CronJob/{NAME}")["jobTemplate"]["spec"]["template"]
    assert pod["metadata"]["labels"]["app.kubernetes.io/component"] == "pg-backup"
    assert pod["spec"]["nodeSelector"] == {"disk": "ssd"}
    assert pod["spec"]["serviceAccountName"] == "floe-platform-postgres"
    assert pod["spec"]["automountServiceAccountToken"] is False
    [container] = pod["spec"]["containers"]
    env = {one["name"]: one.get("value", one.get("valueFrom")) for one in container["env"]}
    assert (env["PGHOST"], env["PGPORT"], env["RETENTION_DAYS"]) == ("floe-platform-postgres", "5432", "30")
    assert env["CONSUMER_POLARIS_PASSWORD"] == {"secretKeyRef": {"name": "polaris-db", "key": "password"}}
    volumes = {one["name"]: one for one in pod["spec"]["volumes"]}
    assert volumes["data"]["persistentVolumeClaim"] == {"claimName": NAME}
    assert volumes["config"]["configMap"] == {"name": NAME}


@pytest.mark.parametrize("when_deleted", ["Retain", "Delete"])
def test_dumps_outlive_the_release_as_the_data_do(chart: ChartHandle, when_deleted: str) -> None:
    values = dumped({"storage": {"size": "3Gi", "storageClass": "slow"}})
    values["postgres"]["storage"] = {"whenDeleted": when_deleted}
    claim = objects_of(chart, values)[f"PersistentVolumeClaim/{NAME}"].data
    metadata: Any = claim["metadata"]
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "3Gi"}},
        "storageClassName": "slow",
    }
    kept = metadata.get("annotations", {}).get("helm.sh/resource-policy")
    assert kept == ("keep" if when_deleted == "Retain" else None)


def test_the_volume_is_there_from_the_start_and_on_the_servers_node(chart: ChartHandle) -> None:
    """Most StorageClasses make a volume once a pod wants it: at the first dump, for which helm --wait would wait."""
    server = spec_of(objects_of(chart, dumped()), "StatefulSet/floe-platform-postgres")["template"]
    [volume] = [one for one in server["spec"]["volumes"] if one["name"] == "dumps"]
    assert volume["persistentVolumeClaim"]["claimName"] == NAME
    [mounted] = [one for one in server["spec"]["containers"][0]["volumeMounts"] if one["name"] == "dumps"]
    assert mounted["readOnly"] is True
    job = spec_of(objects_of(chart, dumped()), f"CronJob/{NAME}")["jobTemplate"]["spec"]["template"]["spec"]
    [beside] = job["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert beside["topologyKey"] == "kubernetes.io/hostname"
    wanted = beside["labelSelector"]["matchLabels"]
    assert wanted.items() <= server["metadata"]["labels"].items()
    bare = spec_of(objects_of(chart, {}), "StatefulSet/floe-platform-postgres")["template"]["spec"]
    assert "dumps" not in str(bare)


class Dumps:
    """The script beside a running server, and an empty directory that it writes to."""

    def __init__(self, server: Server, port: int, directory: Path) -> None:
        self.server = server
        self.port = port
        self.env = PASSWORDS
        self.directory = directory
        assert server.run("mkdir", str(directory)).returncode == 0

    def run(self, **env: str) -> CompletedProcess[str]:
        given = {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "DUMPS": str(self.directory),
            "RETENTION_DAYS": "7",
            **self.env,
            **env,
        }
        return self.server.run("sh", str(self.server.directory / "dump.sh"), env=given)

    def names(self) -> list[str]:
        return sorted(file.name for file in self.directory.iterdir())

    def add(self, name: str, days: float) -> None:
        file = self.directory / name
        file.write_text("x", encoding="utf-8")
        at = time.time() - days * DAY
        os.utime(file, (at, at))


@pytest.fixture(scope="module")
def running(chart: ChartHandle) -> Iterator[tuple[Server, int]]:
    with server_of_its_own() as server:
        made = server.prepare(chart, PASSWORDS)
        assert made.returncode == 0, made.stdout + made.stderr
        yield server, server.start()


@pytest.fixture
def dumps(chart: ChartHandle, running: tuple[Server, int], tmp_path: Path) -> Dumps:
    server, port = running
    server.write(chart, dumped(), NAME)
    return Dumps(server, port, server.directory / "data" / tmp_path.name)


def test_a_dump_brings_the_data_back(dumps: Dumps) -> None:
    server = dumps.server
    server.sql(dumps.port, "dagster", "one", "dagster", "CREATE TABLE kept AS SELECT 42 AS answer")
    made = dumps.run()
    assert made.returncode == 0, made.stdout + made.stderr
    catalog, dagster = dumps.names()
    assert re.fullmatch(r"catalog-\d{8}T\d{6}Z\.dump", catalog)
    server.sql(dumps.port, "dagster", "one", "dagster", "DROP TABLE kept")
    env = {"PGPASSWORD": "one", "PGHOST": "127.0.0.1", "PGPORT": str(dumps.port)}
    restored = server.run(
        "pg_restore", "--username=dagster", "--dbname=dagster", str(dumps.directory / dagster), env=env
    )
    assert restored.returncode == 0, restored.stderr
    assert server.sql(dumps.port, "dagster", "one", "dagster", "SELECT answer FROM kept") == "42"


def test_old_dumps_go_once_new_ones_are_there(dumps: Dumps) -> None:
    dumps.add("dagster-20200101T000000Z.dump", 7.5)
    dumps.add("dagster-20200102T000000Z.dump", 6.5)
    dumps.add("notes.txt", 100)
    dumps.add("dagster-20200103T000000Z.dump.part", 1)
    made = dumps.run()
    assert made.returncode == 0, made.stderr
    names = dumps.names()
    assert "dagster-20200101T000000Z.dump" not in names
    assert {"dagster-20200102T000000Z.dump", "notes.txt"} < set(names)
    assert not [name for name in names if name.endswith(".part")]
    assert len(names) == 4


def test_a_failed_run_takes_nothing_away_and_says_so(dumps: Dumps) -> None:
    dumps.add("dagster-20200101T000000Z.dump", 100)
    made = dumps.run(CONSUMER_POLARIS_PASSWORD="wrong")
    assert made.returncode != 0
    assert "password authentication failed" in made.stderr
    assert "dagster-20200101T000000Z.dump" in dumps.names()
    assert not [name for name in dumps.names() if name.startswith("catalog") and name.endswith(".dump")]


def test_a_consumer_that_is_switched_off_is_left_out(dumps: Dumps, tmp_path: Path) -> None:
    made = new_chart()
    PostgresCluster(made, consumers=(DAGSTER, Marquez(made).database_consumer()))
    values = {**dumped(), "marquez": {"enabled": False}}
    objects = objects_of(handle := written(made, tmp_path), values)
    [container] = spec_of(objects, f"CronJob/{NAME}")["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert not [one for one in container["env"] if "MARQUEZ" in one["name"]]
    dumps.server.write(handle, values, NAME)
    dumps.env = credentials(dagster="one")
    ended = dumps.run()
    assert ended.returncode == 0, ended.stderr
    assert [name.partition("-")[0] for name in dumps.names()] == ["dagster"]
