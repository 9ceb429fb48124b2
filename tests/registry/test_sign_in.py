"""Signing in where a registry hands out tokens: a small registry of our own, which asks for them as real ones do."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from floe_charts.errors import RegistryError
from floe_charts.registry.client import Blob, Client, digest_of
from floe_charts.registry.reference import Reference
from tests.registry.fixtures import log_in

MANIFEST = b'{"schemaVersion":2,"layers":[]}'


@dataclass
class Guarded:
    """A registry whose requests need a token of the right scope; ``asked`` are the requests for tokens."""

    host: str = ""
    anonymous: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    upload_host: str = ""
    moved_to: str = ""
    leaked: list[str] = field(default_factory=list)


@contextlib.contextmanager
def guarded() -> Iterator[Guarded]:
    state = Guarded()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            return

        def answer(self, code: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(code)
            for name, value in {"Content_Length": str(len(body)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body if self.command != "HEAD" else b"")

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = urlsplit(self.path)
            if url.path == "/token":
                return self.token({**parse_qs(url.query), **parse_qs(body.decode())})
            if url.path.startswith("/elsewhere"):
                if self.headers.get("Authorization"):
                    state.leaked.append(self.headers["Authorization"])
                return self.answer(201)
            if state.moved_to:
                return self.answer(307, Location=f"http://{state.moved_to}{self.path}")
            scope = "pull" if self.command in ("GET", "HEAD") else "pull,push"
            if self.headers.get("Authorization") != f"Bearer {scope}":
                realm = f'Bearer realm="http://{state.host}/token",service="tests",scope="repository:a:{scope}"'
                return self.answer(401, WWW_Authenticate=realm)
            if self.command == "HEAD":
                return self.answer(404)
            if self.command == "POST":
                where = f"http://{state.upload_host}/elsewhere/1" if state.upload_host else "/v2/a/blobs/uploads/1?x=y"
                return self.answer(202, Location=where)
            return self.answer(200 if self.command == "GET" else 201, MANIFEST if self.command == "GET" else b"")

        def token(self, asked: dict[str, list[str]]) -> None:
            about = {key: value[0] for key, value in asked.items()}
            packed = self.headers.get("Authorization", "").removeprefix("Basic ")
            state.asked.append({**about, "basic": base64.b64decode(packed).decode()})
            allowed = state.anonymous or packed or about.get("refresh_token") == "good-token"
            scope = about.get("scope", "").rpartition(":")[2]
            self.answer(200, json.dumps({"token": scope}).encode()) if allowed else self.answer(401)

        do_GET = do_HEAD = do_POST = do_PUT = handle_any

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.host = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join(5)


def look(host: str) -> object:
    with Client(Reference(host, "a", "1")) as client:
        return client.manifest()


def test_password_buys_a_token_for_each_scope(keyless: Path) -> None:
    with guarded() as state:
        log_in(keyless, state.host, "ann", "pw")
        with Client(Reference(state.host, "a", "1")) as client:
            found = client.manifest()
            assert found is not None and found.digest == digest_of(MANIFEST)
            client.push(Blob("a/b", b"{}"), [Blob("a/b", b"x")], {})
    assert {one["basic"] for one in state.asked} == {"ann:pw"} and {one["service"] for one in state.asked} == {"tests"}
    assert {one["scope"] for one in state.asked} == {"repository:a:pull", "repository:a:pull,push"}


def test_identity_token_is_exchanged(keyless: Path) -> None:
    with guarded() as state:
        keyless.write_text(json.dumps({"auths": {state.host: {"identitytoken": "good-token"}}}))
        assert look(state.host) is not None
        keyless.write_text(json.dumps({"auths": {state.host: {"identitytoken": "old-token"}}}))
        with pytest.raises(RegistryError, match="refuses the credentials from") as caught:
            look(state.host)
    assert "old-token" not in str(caught.value)
    assert state.asked[0]["grant_type"] == "refresh_token" and state.asked[0]["basic"] == ""


def test_nobody_gets_a_token_where_the_registry_gives_them_to_all() -> None:
    with guarded() as state:
        with pytest.raises(RegistryError, match="there are none for it"):
            look(state.host)
        state.anonymous = True
        assert look(state.host) is not None


def test_authorization_does_not_go_to_the_host_of_uploads(keyless: Path) -> None:
    with guarded() as state, guarded() as other:
        state.upload_host = other.host
        log_in(keyless, state.host, "ann", "pw")
        with Client(Reference(state.host, "a", "1")) as client:
            client.push(Blob("a/b", b"{}"), [], {})
        assert not other.leaked and not other.asked


@pytest.mark.parametrize("name", ["127.0.0.1", "LOCALHOST"])
def test_authorization_goes_to_uploads_at_the_registry_however_it_is_written(keyless: Path, name: str) -> None:
    with guarded() as state:
        state.upload_host = state.host.replace("127.0.0.1", name.lower())
        host = state.host.replace("127.0.0.1", name)
        log_in(keyless, host, "ann", "pw")
        with Client(Reference(host, "a", "1")) as client:
            client.push(Blob("a/b", b"{}"), [], {})
        assert state.leaked == ["Bearer pull,push"]


def test_password_does_not_go_where_another_host_wants_it(keyless: Path) -> None:
    with guarded() as state, guarded() as other:
        state.moved_to = other.host
        log_in(keyless, state.host, "ann", "pw")
        with pytest.raises(RegistryError, match=f"leads to http://{other.host}, which wants credentials of its own"):
            look(state.host)
        assert not other.asked and not state.asked
