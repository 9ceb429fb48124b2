"""The script that prepares the data directory, run from the rendered ConfigMap on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe_charts.constructs.postgres.cluster import DatabaseConsumer
from floe_charts.constructs.postgres.script import prepare_script
from floe_charts.errors import DeclarationError
from floe_charts.verify.engine import ChartHandle
from tests.constructs.postgres_server import Server, credentials, server_of_its_own
from tests.constructs.rendering import DAGSTER, postgres_chart


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return postgres_chart(tmp_path_factory.mktemp("postgres"))


@pytest.fixture
def server() -> Iterator[Server]:
    with server_of_its_own() as made:
        yield made


WEIRD = "a'b\"c\\d$HOME`id`$(id)\n:'role' :\"x\" %I {{ .Values }} \\gexec ; -- é€ \t end "


def test_any_password_opens_the_consumers_own_database_only(server: Server, chart: ChartHandle) -> None:
    made = server.prepare(chart, credentials(dagster=WEIRD, polaris="' OR 1=1 --"))
    assert made.returncode == 0, made.stdout + made.stderr
    port = server.start()
    assert server.sql(port, "dagster", WEIRD, "dagster", "CREATE TABLE t(); SELECT current_user") == "dagster"
    assert server.sql(port, "polaris_owner", "' OR 1=1 --", "catalog", "SELECT current_database()") == "catalog"
    assert "permission denied for database" in server.sql(port, "dagster", WEIRD, "catalog", "SELECT 1")
    assert "password authentication failed" in server.sql(port, "dagster", "wrong", "dagster", "SELECT 1")
    assert "password authentication failed" in server.sql(port, "postgres", "postgres", "postgres", "SELECT 1")
    assert WEIRD not in made.stdout + made.stderr + (server.directory / "run" / "log").read_text(encoding="utf-8")


def test_later_consumers_and_changed_passwords_reach_an_existing_volume(
    server: Server, chart: ChartHandle, tmp_path: Path
) -> None:
    first = server.prepare(
        postgres_chart(tmp_path, (DAGSTER,)), {**credentials(dagster="one"), "SUPERUSER_PASSWORD": "su'1"}
    )
    assert first.returncode == 0, first.stdout + first.stderr
    port = server.start()
    assert server.sql(port, "postgres", "su'1", "postgres", "SELECT 1") == "1"
    server.sql(port, "dagster", "one", "dagster", "CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()  # As a crash: the next start recovers.
    second = server.prepare(chart, credentials(dagster="two", polaris="three"))
    assert second.returncode == 0, second.stdout + second.stderr
    port = server.start()
    assert server.sql(port, "dagster", "two", "dagster", "SELECT answer FROM kept") == "42"
    assert server.sql(port, "polaris_owner", "three", "catalog", "SELECT 1") == "1"
    assert "failed" in server.sql(port, "dagster", "one", "dagster", "SELECT 1")
    assert "failed" in server.sql(port, "postgres", "su'1", "postgres", "SELECT 1")


def test_half_made_directory_is_made_anew(server: Server, chart: ChartHandle) -> None:
    half = server.run("mkdir", "-p", f"{server.data}.new/base")
    assert half.returncode == 0
    assert server.run("sh", "-c", f"echo 17 > {server.data}.new/PG_VERSION").returncode == 0
    made = server.prepare(chart, credentials(dagster="one", polaris="two"))
    assert made.returncode == 0, made.stdout + made.stderr


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"CONSUMER_DAGSTER_USERNAME": "other"}, "username in the Secret of the role dagster must hold dagster"),
        ({"CONSUMER_DAGSTER_PASSWORD": ""}, "password in the Secret of the role dagster is empty"),
    ],
)
def test_a_wrong_secret_stops_the_start_and_says_which(
    server: Server, chart: ChartHandle, env: dict[str, str], told: str
) -> None:
    made = server.prepare(chart, {**credentials(dagster="one", polaris="two"), **env})
    assert made.returncode == 1
    assert told in made.stderr
    assert not (server.data / "postmaster.pid").exists()


@given(st.from_regex(r"[a-z_][a-z0-9_]{0,62}\Z").filter(lambda text: not text.startswith("pg_")))
def test_the_script_names_roles_literally_and_passwords_never(role: str) -> None:
    try:
        consumer = DatabaseConsumer("x", role, role, "s", "s")
    except DeclarationError:
        return
    last = prepare_script([consumer]).splitlines()[-1]
    assert last == f'consumer {role} {role} "$CONSUMER_X_USERNAME" "$CONSUMER_X_PASSWORD"'
