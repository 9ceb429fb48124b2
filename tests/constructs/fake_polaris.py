"""A Polaris for tests: the part of its APIs that setup uses, with the answers and the codes of 1.7.0."""

from __future__ import annotations

import json
import re
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ROOT = ("root-id", "root: s3cret &=%+ü")
_Answer = tuple[int, Any]


def _error(status: int, message: str) -> _Answer:
    return status, {"error": {"message": message, "type": "Error", "code": status}}


@dataclass
class FakePolaris:
    """The server's state. ``calls`` are all requests as ``METHOD path``, without those for tokens."""

    realm: str = "POLARIS"
    catalogs: dict[str, dict[str, Any]] = field(default_factory=dict)
    grants: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    role_catalogs: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    principal_roles: set[str] = field(default_factory=set)
    principals: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    trouble: list[Callable[[str, str], int | None]] = field(default_factory=list)
    """Asked for each request: a status to fail with, 0 to hang up, None for no trouble."""
    url: str = ""

    def __post_init__(self) -> None:
        self.principals["root"] = {"clientId": ROOT[0], "secret": ROOT[1], "roles": {"service_admin"}}

    @property
    def changes(self) -> list[str]:
        """The requests that change something."""
        return [call for call in self.calls if not call.startswith("GET")]

    def forget_tokens(self) -> None:
        """As a server does that comes up with another key."""
        self.tokens.clear()

    # Answers

    def token(self, form: dict[str, str]) -> _Answer:
        if form.get("grant_type") != "client_credentials" or not form.get("scope", "").startswith("PRINCIPAL_ROLE:"):
            return _error(400, "bad request")
        for name, principal in self.principals.items():
            if (principal["clientId"], principal["secret"]) == (form.get("client_id"), form.get("client_secret")):
                made = f"token-{len(self.tokens)}-{name}"
                self.tokens[made] = name
                return 200, {"access_token": made, "token_type": "bearer", "expires_in": 3600}
        return _error(401, "unauthorized_client")

    def answer(self, method: str, path: str, who: str, body: Any) -> _Answer:
        for pattern, handler in _ROUTES:
            match = re.fullmatch(pattern, f"{method} {path}")
            if match:
                return handler(self, who, body, *map(urllib.parse.unquote, match.groups()))
        return _error(404, f"no route {method} {path}")

    # Catalogs

    def create_catalog(self, who: str, body: Any) -> _Answer:
        made = body["catalog"]
        places = _places(made)
        if made["name"] in self.catalogs:
            return _error(409, "Catalog already exists")
        if any(_overlap(places, _places(other)) for other in self.catalogs.values()):
            return _error(400, "One or more of its locations overlaps with an existing catalog")
        self.catalogs[made["name"]] = {**made, "entityVersion": 1}
        return 201, self.catalogs[made["name"]]

    def get_catalog(self, who: str, body: Any, name: str) -> _Answer:
        found = self.catalogs.get(name)
        return (200, found) if found else _error(404, "no catalog")

    def update_catalog(self, who: str, body: Any, name: str) -> _Answer:
        found = self.catalogs[name]
        if body["currentEntityVersion"] != found["entityVersion"]:
            return _error(409, "version mismatch")
        found.update({key: body[key] for key in ("properties", "storageConfigInfo")})
        found["entityVersion"] += 1
        return 200, found

    def create_catalog_role(self, who: str, body: Any, name: str) -> _Answer:
        if name not in self.catalogs:
            return _error(404, "no catalog")
        key = (name, body["catalogRole"]["name"])
        if key in self.grants:
            return _error(409, "exists")
        self.grants[key] = set()
        return 201, {}

    def grant(self, who: str, body: Any, name: str, role: str) -> _Answer:
        if (name, role) not in self.grants:
            return _error(404, "no role")
        if body["grant"]["type"] != "catalog" or body["grant"]["privilege"] == "NO_SUCH_PRIVILEGE":
            return _error(400, "no such privilege")
        self.grants[(name, role)].add(body["grant"]["privilege"])
        return 201, {}

    # Principals and their roles

    def create_principal_role(self, who: str, body: Any) -> _Answer:
        name = body["principalRole"]["name"]
        known = name in self.principal_roles
        self.principal_roles.add(name)
        return _error(409, "exists") if known else (201, {})

    def give_catalog_role(self, who: str, body: Any, principal_role: str, name: str) -> _Answer:
        if principal_role not in self.principal_roles or (name, body["catalogRole"]["name"]) not in self.grants:
            return _error(404, "no role")
        self.role_catalogs.setdefault((principal_role, name), set()).add(body["catalogRole"]["name"])
        return 201, {}

    def create_principal(self, who: str, body: Any) -> _Answer:
        name = body["principal"]["name"]
        if name in self.principals:
            return _error(409, "exists")
        self.principals[name] = {"clientId": f"random-{name}", "secret": f"random-{name}", "roles": set()}
        return 201, {"principal": {"name": name}, "credentials": {"clientId": "r", "clientSecret": "r"}}

    def get_principal(self, who: str, body: Any, name: str) -> _Answer:
        found = self.principals.get(name)
        return (200, {"name": name, "clientId": found["clientId"]}) if found else _error(404, "no principal")

    def give_principal_role(self, who: str, body: Any, name: str) -> _Answer:
        role = body["principalRole"]["name"]
        if name not in self.principals or role not in self.principal_roles:
            return _error(404, "not found")
        self.principals[name]["roles"].add(role)
        return 201, {}

    def reset(self, who: str, body: Any, name: str) -> _Answer:
        if who != "root":
            return _error(403, "only root")
        taken = {one["clientId"] for other, one in self.principals.items() if other != name}
        if body["clientId"] in taken:
            return _error(409, "Client ID already in use")
        self.principals[name].update(clientId=body["clientId"], secret=body["clientSecret"])
        return 200, {}

    # Iceberg REST

    def config(self, who: str, body: Any, warehouse: str) -> _Answer:
        if warehouse not in self.catalogs:
            return _error(404, f"Unable to find warehouse {warehouse}")
        return 200, {"defaults": {}, "overrides": {"prefix": urllib.parse.quote(warehouse, safe="")}}

    def namespaces(self, who: str, body: Any, name: str) -> _Answer:
        roles = self.principals[who]["roles"]
        own = {role for principal_role in roles for role in self.role_catalogs.get((principal_role, name), ())}
        allowed = any("CATALOG_MANAGE_CONTENT" in self.grants[(name, role)] for role in own)
        return (200, {"namespaces": []}) if allowed else _error(403, "not authorized")


_M = r"/api/management/v1"
_ROUTES: list[tuple[str, Callable[..., _Answer]]] = [
    (rf"POST {_M}/catalogs", FakePolaris.create_catalog),
    (rf"GET {_M}/catalogs/([^/]+)", FakePolaris.get_catalog),
    (rf"PUT {_M}/catalogs/([^/]+)", FakePolaris.update_catalog),
    (rf"POST {_M}/catalogs/([^/]+)/catalog-roles", FakePolaris.create_catalog_role),
    (rf"PUT {_M}/catalogs/([^/]+)/catalog-roles/([^/]+)/grants", FakePolaris.grant),
    (rf"POST {_M}/principal-roles", FakePolaris.create_principal_role),
    (rf"PUT {_M}/principal-roles/([^/]+)/catalog-roles/([^/]+)", FakePolaris.give_catalog_role),
    (rf"POST {_M}/principals", FakePolaris.create_principal),
    (rf"GET {_M}/principals/([^/]+)", FakePolaris.get_principal),
    (rf"PUT {_M}/principals/([^/]+)/principal-roles", FakePolaris.give_principal_role),
    (rf"POST {_M}/principals/([^/]+)/reset", FakePolaris.reset),
    (r"GET /api/catalog/v1/config\?warehouse=([^&]+)", FakePolaris.config),
    (r"GET /api/catalog/v1/([^/]+)/namespaces", FakePolaris.namespaces),
]


def _places(catalog: dict[str, Any]) -> set[str]:
    places = {catalog["properties"]["default-base-location"], *catalog["storageConfigInfo"]["allowedLocations"]}
    return {place.rstrip("/") + "/" for place in places}


def _overlap(some: set[str], others: set[str]) -> bool:
    return any(one.startswith(other) or other.startswith(one) for one in some for other in others)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    polaris: FakePolaris

    def _handle(self) -> None:
        polaris, length = self.polaris, int(self.headers.get("Content-Length") or 0)
        data = self.rfile.read(length)
        is_token = self.path == "/api/catalog/v1/oauth/tokens"
        if not is_token:
            polaris.calls.append(f"{self.command} {self.path}")
        for trouble in polaris.trouble:
            status = trouble(self.command, self.path)
            if status == 0:
                self.close_connection = True
                return
            if status is not None:
                self._send(*_error(status, "trouble"))
                return
        if self.headers.get("Polaris-Realm") != polaris.realm:
            self._send(*_error(404, "Missing or invalid realm"))
        elif is_token:
            form = dict(urllib.parse.parse_qsl(data.decode(), keep_blank_values=True))
            self._send(*polaris.token(form))
        else:
            who = polaris.tokens.get((self.headers.get("Authorization") or "").removeprefix("Bearer "))
            body = json.loads(data) if data else None
            self._send(*(polaris.answer(self.command, self.path, who, body) if who else _error(401, "no token")))

    do_GET = do_POST = do_PUT = _handle

    def _send(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(polaris: FakePolaris, port: int = 0) -> Iterator[FakePolaris]:
    """``polaris`` on a port of the loopback interface, for as long as the block lasts."""
    handler = type("Handler", (_Handler,), {"polaris": polaris})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    polaris.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield polaris
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
