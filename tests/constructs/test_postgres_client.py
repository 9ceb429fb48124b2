"""How clients connect to PostgreSQL in each mode: said once, for templates and for the values of dependencies."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from floe_charts.constructs.marquez.api import Marquez
from floe_charts.constructs.network import DATABASE_OUTSIDE, POSTGRES
from floe_charts.constructs.part import PlatformPart, SecretKey
from floe_charts.constructs.postgres.client import PostgresClient, postgres_client
from floe_charts.constructs.postgres.cluster import PostgresCluster
from floe_charts.constructs.postgres.database import DatabaseConsumer
from floe_charts.constructs.surroundings.connections import Network
from floe_charts.constructs.surroundings.helm_tests import HelmTests
from floe_charts.constructs.surroundings.secrets import PlatformSecrets
from floe_charts.helm import HelmChart
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import ChartHandle
from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.schemas import validate_objects
from floe_charts.verify.values import helm_merge
from tests.constructs.postgres_server import credentials, server_of_its_own
from tests.constructs.rendering import CONSUMERS, insecure, new_chart, objects_of, postgres_chart, spec_of, written

SERVICE = "floe-platform-postgres"
HOST = "db.example.com"
CA = {"configMap": {"name": "rds", "items": [{"key": "eu.pem", "path": "ca.crt"}]}}
FILE = "/etc/postgres-ca/ca.crt"


def external(mode: str, ca: Mapping[str, Any] | None = None) -> dict[str, Any]:
    tls: dict[str, Any] = {"mode": mode, **({"ca": ca} if ca else {})}
    return {"postgres": {"mode": "external", "external": {"host": HOST, "tls": tls}}}


CASES: list[tuple[dict[str, Any], str, dict[str, str], str]] = [
    ({}, SERVICE, {"PGSSLMODE": "disable"}, "sslmode=disable"),
    ({"postgres": {"mode": "operator"}}, SERVICE, {"PGSSLMODE": "require"}, "sslmode=require"),
    (external("prefer"), SERVICE, {"PGSSLMODE": "prefer"}, "sslmode=prefer"),
    (
        external("verify-ca", CA),
        SERVICE,
        {"PGSSLMODE": "verify-ca", "PGSSLROOTCERT": FILE},
        f"sslmode=verify-ca&sslrootcert={FILE}",
    ),
    # The certificate is the host's; an alias of it does not match.
    (
        external("verify-full", CA),
        HOST,
        {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": FILE},
        f"sslmode=verify-full&sslrootcert={FILE}",
    ),
    # What another mode says of an external server is not read.
    (
        helm_merge(external("verify-full", CA), {"postgres": {"mode": "statefulset"}}),
        SERVICE,
        {"PGSSLMODE": "disable"},
        "sslmode=disable",
    ),
]


def platform() -> HelmChart:
    """PostgreSQL, a client, and a consumer whose Secret holds a URL."""
    made = new_chart()
    postgres = PostgresCluster(made)
    marquez = Marquez(made)
    postgres.serve(marquez.database_consumer())
    key = SecretKey("jdbcUrl", text=postgres_client(made).jdbc_url("catalog"))
    postgres.serve(DatabaseConsumer("other", "catalog", "catalog", "other-db", "other-db", (key,)))
    PlatformSecrets(made, secrets=postgres.required_secrets())
    HelmTests(made, checks=(*postgres.checks(), *marquez.checks()))
    return made


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return written(platform(), tmp_path_factory.mktemp("client"))


def pod_of(objects: Mapping[str, RenderedObject], name: str) -> Any:
    spec = spec_of(objects, name)
    return spec["template"]["spec"] if "template" in spec else spec


@pytest.mark.parametrize(("values", "host", "env", "parameters"), CASES)
def test_templates_and_static_values_say_the_same(
    chart: ChartHandle, values: dict[str, Any], host: str, env: dict[str, str], parameters: str
) -> None:
    made = platform()
    literal = PostgresClient.from_values(made, helm_merge(made.default_values(), values))
    assert (literal.host, dict(literal.env), literal.jdbc_parameters) == (host, env, parameters)
    assert literal.jdbc_url("x") == f"jdbc:postgresql://{host}:5432/x?{parameters}"
    objects = objects_of(chart, {**values, "secrets": {"source": "generated"}})
    assert objects["ConfigMap/floe-platform-postgres-client"].data["data"] == {"PGHOST": host, "PGPORT": "5432", **env}
    secret: Any = objects["Secret/other-db"].data["data"]
    assert base64.b64decode(secret["jdbcUrl"]).decode() == literal.jdbc_url("catalog")
    pod = pod_of(objects, "Deployment/floe-platform-marquez")
    [wait], [api] = pod["initContainers"], pod["containers"]
    told = {one["name"]: one.get("value") for one in api["env"]}
    assert (told["POSTGRES_HOST"], told["POSTGRES_PARAMETERS"]) == (host, parameters)
    assert {one["name"]: one.get("value") for one in wait["env"]}.items() >= {"PGHOST": host, **env}.items()
    mounts = [{"name": name, "mountPath": path} for name, path in literal.mounts.items()]
    for container in (wait, api):
        assert [one for one in container["volumeMounts"] if one["name"] == "ca"] == mounts
    assert [one for one in pod["volumes"] if one["name"] == "ca"] == list(literal.volumes)


def test_a_client_of_a_platform_without_postgresql_takes_what_it_gets(tmp_path: Path) -> None:
    made = new_chart()
    Marquez(made)
    pod = pod_of(objects_of(written(made, tmp_path), {}), "Deployment/floe-platform-marquez")
    told = {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}
    assert (told["POSTGRES_HOST"], told["POSTGRES_PARAMETERS"]) == (SERVICE, "sslmode=prefer")
    literal = PostgresClient.from_values(made, made.default_values())
    assert (literal.host, literal.env, literal.volumes) == (SERVICE, {"PGSSLMODE": "prefer"}, ())


# What others make of it


def test_clients_of_a_server_elsewhere_may_go_out(chart: ChartHandle) -> None:
    made = platform()
    parts = [part for part in made.components.values() if isinstance(part, PlatformPart)]
    found = Network(parts).connections
    outward = {
        one.source.name: [node.go(".") for node in one.conditions]
        for one in found
        if one.target == DATABASE_OUTSIDE and not hasattr(one.source, "ports")
    }
    assert outward.keys() == {"marquez", "helm-test"}
    assert all(any('"external"' in condition for condition in conditions) for conditions in outward.values())
    inward = [one for one in found if one.port == POSTGRES.port and one.source.title == "Marquez"]
    assert inward
    assert all(any("external" in node.go(".") for node in one.conditions) for one in inward)


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ({}, "docker.io/library/postgres"),
        ({"postgres": {"mode": "operator"}}, "ghcr.io/cloudnative-pg/postgresql"),
        (external("verify-full", CA), "docker.io/library/postgres"),
    ],
)
def test_a_pod_asks_as_each_consumer(chart: ChartHandle, values: dict[str, Any], image: str) -> None:
    pods = "Pod/floe-platform-test-postgres"
    objects = {name: one for name, one in objects_of(chart, values).items() if name.startswith(pods)}
    report = validate_objects(list(objects.values()), (OLDEST, latest_kube_version()))
    assert [str(finding) for finding in report.findings] == []
    assert insecure(objects) == []
    [name] = objects
    [container] = spec_of(objects, name)["containers"]
    assert container["image"].startswith(f"{image}:17")
    literal = PostgresClient.from_values(made := platform(), helm_merge(made.default_values(), values))
    told = {one["name"]: one.get("value") for one in container["env"]}
    assert told.items() >= {"PGHOST": literal.host, **literal.env}.items()
    assert {"CONSUMER_MARQUEZ_PASSWORD", "CONSUMER_OTHER_PASSWORD"} <= told.keys()
    assert [one["mountPath"] for one in container["volumeMounts"]] == ["/tmp", *literal.mounts.values()]


def test_the_question_is_answered_to_who_knows_the_password(tmp_path: Path) -> None:
    made = new_chart()
    check = PostgresCluster(made, consumers=CONSUMERS).checks()[0]
    with server_of_its_own() as server:
        passwords = credentials(dagster="o'ne", polaris='t"w$o')
        prepared = server.prepare(postgres_chart(tmp_path), passwords)
        assert prepared.returncode == 0, prepared.stderr
        env = {"PGHOST": "127.0.0.1", "PGPORT": str(server.start()), "PGSSLMODE": "disable", **passwords}
        asked = server.run("sh", "-ec", check.script, env=env)
        assert asked.returncode == 0, asked.stderr
        wrong = server.run("sh", "-ec", check.script, env={**env, **credentials(polaris="other")})
        assert wrong.returncode != 0
        assert "password authentication failed" in wrong.stderr
