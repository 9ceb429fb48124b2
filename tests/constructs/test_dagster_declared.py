"""What Dagster declares for others: pods, connections, checks, sizes and variables, in both strategies."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.constructs import FloePlatform
from floe_charts.constructs.dagster.stack import DagsterStack
from floe_charts.constructs.marquez.api import Marquez
from floe_charts.constructs.network import Edge, Endpoint, Outside
from floe_charts.constructs.part import PlatformPart
from floe_charts.constructs.postgres.cluster import PostgresCluster
from floe_charts.constructs.surroundings.connections import Network
from floe_charts.deployment import Deployment
from floe_charts.helm import CommonChartValues, Field, HelmChart, LabelValue
from floe_charts.verify.engine import ChartHandle
from tests.constructs.dagster_charts import dagster_chart, data_of, rendered, stack_of
from tests.constructs.rendering import new_chart, objects_of, written

Strategy = Literal["dependency", "native"]
STRATEGIES: tuple[Strategy, ...] = ("dependency", "native")
both = pytest.mark.parametrize("strategy", STRATEGIES)


def named(end: str | Endpoint | Outside) -> str:
    return end if isinstance(end, str) else end.address if isinstance(end, Endpoint) else end.id


def edges_of(stack: DagsterStack) -> set[tuple[str, str]]:
    edges: list[Edge] = [*stack.edges(), *stack.workspace.edges()]
    return {(named(edge.source), named(edge.target)) for edge in edges}


@both
def test_the_pods_are_the_same_in_both_strategies(strategy: Strategy) -> None:
    stack = stack_of(dagster_chart(strategy))
    names = [one.name for one in (*stack.workloads(), *stack.workspace.workloads())]
    assert names == ["dagster-webserver", "dagster-daemon", "dagster-run", "dagster-migrate", "dagster-code"]


@both
def test_connections_are_those_that_the_pods_are_told_of(strategy: Strategy) -> None:
    found = edges_of(stack_of(dagster_chart(strategy)))
    database = {(name, "postgres:5432") for name in ("dagster-webserver", "dagster-daemon", "dagster-run")}
    code = {
        (name, target)
        for name in ("dagster-run", "dagster-code")
        for target in ("polaris:8181", "otel:4317", "marquez:5000", "objectStore", "sources")
    }
    assert found == {
        *database,
        ("dagster-migrate", "postgres:5432"),
        ("dagster-code", "postgres:5432"),
        *code,
        ("dagster-webserver", "kubernetesApi"),
        ("dagster-daemon", "kubernetesApi"),
        ("dagster-run", "kubernetesApi"),
        ("dagster-webserver", "code:4000"),
        ("dagster-daemon", "code:4000"),
        ("dagster-webserver", "otel:4317"),
        ("dagster-daemon", "otel:4317"),
        ("dagster-daemon", "marquez:5000"),
        ("ingress", "dagster-webserver:3000"),
    }


@both
def test_without_gateway_lineage_and_store_nobody_asks_them(strategy: Strategy) -> None:
    stack = DagsterStack(new_chart(), strategy=strategy)
    targets = {target for _, target in edges_of(stack)}
    assert not {"otel:4317", "marquez:5000", "objectStore", "minio:9000"} & targets


@both
def test_a_network_can_be_made_of_the_connections(strategy: Strategy) -> None:
    chart = dagster_chart(strategy)
    network = Network(part for part in chart.components.values() if isinstance(part, PlatformPart))
    served = {(one.source, one.target, one.port) for one in network.connections}
    workloads = {one.name: one for one in network.workloads}
    assert (workloads["dagster-daemon"], workloads["dagster-code"], 4000) in served


@both
def test_the_deployment_file_chooses_the_strategy(strategy: Strategy) -> None:
    deployment = Deployment.parse({"components": {"dagster": {"strategy": strategy}}})
    platform = FloePlatform([CompiledArtifacts.example()], deployment)
    stack = stack_of(platform)
    assert stack.strategy == strategy
    assert ("dagster" in {one.name for one in platform.dependencies()}) is (strategy == "dependency")
    [(key, location)] = stack.workspace.values.locations.items()
    assert (key, location.name, location.module) == ("hello-floe", "hello-floe", "hello_floe")
    assert location.env_secrets == ["floe-platform-hello-floe-credentials"]
    # The Secrets, and so what they are generated or fetched from, are those of the other strategy.
    [database] = stack.required_secrets()
    assert (database.id, database.name) == ("dagsterDatabase", "floe-platform-dagster-postgresql")
    assert database.key_names == ("username", "password", "postgresql-password")


# Checks


@both
def test_checks_ask_the_webserver(strategy: Strategy, tmp_path: Path) -> None:
    asked = stack_of(dagster_chart(strategy)).checks()
    assert [check.name for check in asked] == ["dagster", "dagster-daemon"]
    assert all([one.address for one in check.edges] == ["dagster-webserver:3000"] for check in asked)


def _answers(answer: str, tmp_path: Path) -> bool:
    """Whether the check of the daemon is content with what curl prints."""
    script = stack_of(dagster_chart("native")).checks()[1].script
    curl = tmp_path / "curl"
    curl.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n" if answer else "#!/bin/sh\nexit 22\n")
    curl.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    return subprocess.run(["sh", "-ec", script], env=env, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("statuses", "content"),
    [
        ([("SCHEDULER", True), ("SENSOR", True)], True),
        ([("SCHEDULER", True), ("SENSOR", False)], False),
        ([("SCHEDULER", True), ("ASSET", None)], True),
        ([], False),
    ],
)
def test_the_daemon_is_healthy_where_every_one_that_is_required_is(
    tmp_path: Path, statuses: list[tuple[str, bool | None]], content: bool
) -> None:
    found = [{"daemonType": name, "required": ok is not None, "healthy": ok} for name, ok in statuses]
    answer = {"data": {"instance": {"daemonHealth": {"allDaemonStatuses": found}}}}
    assert _answers(json.dumps(answer), tmp_path) is content
    assert _answers(json.dumps(answer, separators=(",", ":")), tmp_path) is content


@pytest.mark.parametrize("answer", ["", '{"data":null,"errors":[{"message":"x"}]}', "<html>"])
def test_no_answer_and_an_error_are_not_healthy(tmp_path: Path, answer: str) -> None:
    assert not _answers(answer, tmp_path)


# Claims


@both
def test_claims_count_webservers_the_daemon_runs_and_the_migration(strategy: Strategy) -> None:
    stack = stack_of(dagster_chart(strategy))
    values = stack.values.to_values()
    if strategy == "native":
        values["webserver"]["replicas"] = 2
        values["runs"]["maxConcurrentRuns"] = 7
    else:
        values["dagsterWebserver"]["replicaCount"] = 2
        values["dagsterDaemon"]["runCoordinator"]["config"]["queuedRunCoordinator"]["maxConcurrentRuns"] = 7
    # One webserver more while they are replaced.
    assert sorted(claim.pods for claim in stack.claims(values)) == [1, 1, 3, 7]
    assert stack.claims({**values, "enabled": False}) == ()


# Variables


@pytest.fixture(scope="module", params=STRATEGIES)
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    """Dagster and Marquez in a chart whose values name the environment."""

    class Common(CommonChartValues):
        """Values of the chart."""

        environment: LabelValue = Field("", description="The environment.")

    class Chart(HelmChart):
        def extra_labels(self) -> dict[str, str]:
            return {"environment": self.refs.environment}  # type: ignore[attr-defined]

    chart = Chart(
        "floe-platform", description="x", values=Common(fullname_override="floe-platform"), fixed_fullname=True
    )
    stack = DagsterStack(chart, strategy=request.param, otlp=True, lineage=True, env={"LOG": "{{ env_var('X') }}: 'a'"})
    marquez = Marquez(chart)
    PostgresCluster(chart, consumers=[stack.database_consumer(), marquez.database_consumer()])
    return written(chart, tmp_path_factory.mktemp(request.param))


def variables(handle: ChartHandle, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return data_of(rendered(handle, values), "dagster-env")


def test_variables_point_at_the_platforms_services(platform: ChartHandle) -> None:
    assert variables(platform, {"environment": "qa"}) == {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://floe-platform-otel:4317",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_TRACES_SAMPLER": "parentbased_always_on",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=qa",
        "OPENLINEAGE_URL": "http://floe-platform-marquez:5000",
        "LOG": "{{ env_var('X') }}: 'a'",
    }


def test_clients_are_silent_where_nobody_listens(platform: ChartHandle) -> None:
    found = variables(platform, {"marquez": {"enabled": False}})
    assert "OPENLINEAGE_URL" not in found
    assert found["OPENLINEAGE_DISABLED"] == "true"
    assert "OTEL_RESOURCE_ATTRIBUTES" not in found


@both
def test_without_gateway_and_lineage_nothing_points_there(strategy: Strategy, tmp_path: Path) -> None:
    chart = new_chart()
    stack = DagsterStack(chart, strategy=strategy)
    PostgresCluster(chart, consumers=[stack.database_consumer()])
    objects = objects_of(written(chart, tmp_path), {})
    assert data_of(objects, "dagster-env") == {}
    assert not any(name in json.dumps(chart.default_values()) for name in ("OTEL_", "OPENLINEAGE_"))
