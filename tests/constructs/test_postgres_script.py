"""The script that prepares the data directory, run from the rendered ConfigMap on a real PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe_charts.constructs.postgres import DatabaseConsumer
from floe_charts.constructs.postgres_script import prepare_script
from floe_charts.errors import DeclarationError
from floe_charts.verify.engine import ChartHandle
from tests.constructs.rendering import CONSUMERS, DAGSTER, objects_of, postgres_chart


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return postgres_chart(tmp_path_factory.mktemp("postgres"))


class Server:
    """A PostgreSQL server prepared by the rendered script, as a user who is not root."""

    def __init__(self, binaries: Path, directory: Path) -> None:
        self.directory = directory
        self.data = directory / "data" / "pgdata"
        self._path = f"{binaries}:/usr/bin:/bin"
        self._ids: dict[str, Any] = {}
        for name in ("data", "run"):
            (directory / name).mkdir()
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._ids = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            directory.chmod(0o755)
            for name in ("data", "run"):
                os.chown(directory / name, nobody.pw_uid, nobody.pw_gid)

    def run(self, *command: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        given = {
            "PATH": self._path,
            "PGDATA": str(self.data),
            "PGHOST": str(self.directory / "run"),
            # Whatever the port is: the script takes it from here.
            "PGPORT": "54329",
            "LANG": "C.UTF-8",
            **(env or {}),
        }
        return subprocess.run(
            command, env=given, capture_output=True, encoding="utf-8", cwd=self.directory, check=False, **self._ids
        )

    def prepare(self, handle: ChartHandle, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run the script of the chart's ConfigMap."""
        data: Any = objects_of(handle, {})["ConfigMap/floe-platform-postgres"].data["data"]
        for name, content in data.items():
            (self.directory / name).write_text(content, encoding="utf-8")
            (self.directory / name).chmod(0o644)
        return self.run("sh", str(self.directory / "prepare.sh"), env=env)

    def start(self) -> int:
        """Start the server on a TCP port, as the container does; returns the port."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        options = (
            f"-c listen_addresses=127.0.0.1 -p {port} -c unix_socket_directories={self.directory / 'run'} "
            f"-c hba_file={self.directory / 'pg_hba.conf'}"
        )
        log = str(self.directory / "run" / "log")
        made = self.run("pg_ctl", "start", "--wait", "--silent", f"--log={log}", f"--options={options}")
        assert made.returncode == 0, made.stdout + made.stderr
        return port

    def stop(self) -> None:
        self.run("pg_ctl", "stop", "--mode=immediate", "--wait", "--silent")

    def sql(self, port: int, role: str, password: str, database: str, statement: str) -> str:
        """The answer to a statement over TCP, with a password; or what psql says about the refusal."""
        env = {"PGPASSWORD": password, "PGHOST": "127.0.0.1", "PGPORT": str(port)}
        made = self.run("psql", "-XqtA", "-U", role, "-d", database, "-v", "ON_ERROR_STOP=1", "-c", statement, env=env)
        return made.stdout.strip() if made.returncode == 0 else f"error: {made.stderr.strip()}"


def postgres_binaries() -> Path | None:
    """The directory of PostgreSQL 15 or newer, where its server is installed."""
    on_path = shutil.which("initdb")
    installed = Path("/usr/lib/postgresql").glob("[0-9]*/bin/initdb")
    found = [Path(on_path)] if on_path else sorted(installed, key=lambda file: int(file.parts[-3]))
    return found[-1].resolve().parent if found else None


@pytest.fixture
def server() -> Iterator[Server]:
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL's server programs (initdb, pg_ctl, postgres) are not installed")
    # Not tmp_path: the path of a socket is limited to 107 characters, and another user must reach it.
    directory = Path(tempfile.mkdtemp(prefix="floe-pg-"))
    made = Server(binaries, directory)
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(directory, ignore_errors=True)


WEIRD = "a'b\"c\\d$HOME`id`$(id)\n:'role' :\"x\" %I {{ .Values }} \\gexec ; -- é€ \t end "


def credentials(**passwords: str) -> dict[str, str]:
    roles = {one.name: one for one in CONSUMERS}
    env: dict[str, str] = {}
    for name, password in passwords.items():
        env |= {f"{roles[name].env_prefix}_USERNAME": roles[name].role, f"{roles[name].env_prefix}_PASSWORD": password}
    return env


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
