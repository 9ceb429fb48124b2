"""A real registry on loopback, and a proxy in front of it that breaks what it is told to."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROGRAM = "docker-registry"
USER, PASSWORD = "bot", "correct-horse"
_HTPASSWD = "bot:$2y$04$5fhc3sz.GeKnCcHdj7WfuOnU.O1Q3G.hQPFbhRqfVSHFD71tyKS3K\n"

_CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "{host}"{tls}}}
{auth}
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@dataclass(frozen=True)
class Certificate:
    """A certificate that is its own authority, and good for servers and clients at 127.0.0.1."""

    file: Path
    key: Path


def make_certificate(directory: Path) -> Certificate:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    made = Certificate(directory / "certificate.pem", directory / "key.pem")
    how = ["-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"]
    names = ["-subj", "/CN=tests", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [program, "req", *how, *names, "-out", str(made.file), "-keyout", str(made.key)],
        check=True,
        capture_output=True,
    )
    return made


@contextlib.contextmanager
def running_registry(directory: Path, *, locked: bool = False, certificate: Certificate | None = None) -> Iterator[str]:
    """Debian's docker-registry on loopback; gives its host and port, and ends with the block.

    With a certificate it wants encryption, and clients that show the same one.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        pytest.skip(f"{PROGRAM} is not installed (apt-get install {PROGRAM})")
    directory.mkdir(parents=True, exist_ok=True)
    host = f"127.0.0.1:{free_port()}"
    auth = ""
    if locked:
        (directory / "htpasswd").write_text(_HTPASSWD)
        auth = f"auth: {{htpasswd: {{realm: tests, path: {directory}/htpasswd}}}}"
    config = directory / "config.yml"
    one = certificate
    tls = f", tls: {{certificate: {one.file}, key: {one.key}, clientcas: [{one.file}]}}" if one else ""
    config.write_text(_CONFIG.format(root=directory / "data", host=host, auth=auth, tls=tls))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("REGISTRY_")}
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", str(config)], stdout=log, stderr=log, env={**environment, "OTEL_TRACES_EXPORTER": "none"}
        )
    try:
        _wait_for(_connection(host, certificate), process, directory / "log")
        yield host
    finally:
        process.terminate()
        process.wait(timeout=10)


def _connection(host: str, certificate: Certificate | None) -> http.client.HTTPConnection:
    if certificate is None:
        return http.client.HTTPConnection(host, timeout=2)
    context = ssl.create_default_context(cafile=certificate.file)
    context.load_cert_chain(certificate.file, certificate.key)
    return http.client.HTTPSConnection(host, timeout=2, context=context)


def _wait_for(connection: http.client.HTTPConnection, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError):
            connection.request("GET", "/v2/")
            connection.getresponse().read()
            connection.close()
            return
        connection.close()
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@dataclass
class Fault:
    """What happens to the next ``times`` requests that start with ``start``.

    They are cut off, or answered with ``answer``; with ``cut_answer`` the answer to them ends after so many bytes.
    """

    start: bytes
    times: int = 1
    answer: bytes = b""
    cut_answer: int | None = None


@dataclass
class Proxy:
    """Passes everything on to a registry but for its ``faults``; ``seen`` are the first lines of all requests."""

    host: str
    faults: list[Fault] = field(default_factory=list)
    seen: list[bytes] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault_of(self, data: bytes) -> Fault | None:
        with self.lock:
            found = next((one for one in self.faults if one.times and data.startswith(one.start)), None)
            if found is not None:
                found.times -= 1
            return found


@contextlib.contextmanager
def running_proxy(target: str) -> Iterator[Proxy]:
    """A proxy on loopback in front of the registry at ``target``."""
    name, port = target.split(":")

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), socket.create_connection((name, int(port))) as behind:
                limit: list[int | None] = [None]
                back = threading.Thread(target=self.back, args=(behind, limit), daemon=True)
                back.start()
                while data := self.request.recv(65536):
                    if data.split(b" ", 1)[0] in (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH"):
                        proxy.seen.append(data.split(b"\r\n", 1)[0])
                        fault = proxy.fault_of(data)
                        if fault is not None and fault.cut_answer is None:
                            if fault.answer:
                                self.request.sendall(fault.answer)
                            else:
                                behind.sendall(data[:-1])
                            break
                        if fault is not None:
                            limit[0] = fault.cut_answer
                    behind.sendall(data)
                self.end(behind)
                back.join(5)

        def back(self, behind: socket.socket, limit: list[int | None]) -> None:
            with contextlib.suppress(OSError):
                while data := behind.recv(65536):
                    self.request.sendall(data if limit[0] is None else data[: limit[0]])
                    if limit[0] is not None:
                        break
                self.end(behind)

        def end(self, behind: socket.socket) -> None:
            for one in (self.request, behind):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        proxy = Proxy(f"127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join(5)
