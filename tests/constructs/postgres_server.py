"""A real PostgreSQL, where its programs are installed: prepared by the scripts that the charts render."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from floe_charts.verify.engine import ChartHandle
from tests.constructs.rendering import CONSUMERS, objects_of

__all__ = ["Server", "credentials", "postgres_binaries", "server_of_its_own"]


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
        self.write(handle, {}, "floe-platform-postgres")
        return self.run("sh", str(self.directory / "prepare.sh"), env=env)

    def write(self, handle: ChartHandle, values: Mapping[str, object], config_map: str) -> None:
        """Write the files of a ConfigMap that the chart renders."""
        data: Any = objects_of(handle, values)[f"ConfigMap/{config_map}"].data["data"]
        for name, content in data.items():
            (self.directory / name).write_text(content, encoding="utf-8")
            (self.directory / name).chmod(0o644)

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


@contextmanager
def server_of_its_own() -> Iterator[Server]:
    """A server in a directory of its own; skips the test where PostgreSQL is not installed."""
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


def credentials(**passwords: str) -> dict[str, str]:
    """The variables with the consumers' names and ``passwords``, as the pods have them."""
    roles = {one.name: one for one in CONSUMERS}
    env: dict[str, str] = {}
    for name, password in passwords.items():
        env |= {f"{roles[name].env_prefix}_USERNAME": roles[name].role, f"{roles[name].env_prefix}_PASSWORD": password}
    return env
