"""Brings Polaris into a wanted state: catalogs with their roles, principals with their credentials.

It creates, adds and changes, and takes nothing away; what is as it should be stays untouched, so that it can run again
at any time, also after a run that ended half-way. What may pass (no answer yet, a server error) it tries again; what
only people can put right ends it with 1 and a sentence. With the argument ``check`` it changes nothing: every principal
logs in and looks into its catalogs. It needs Python's standard library only.

The wanted state is the JSON file WANTED_FILE: ``catalogs`` and ``principals`` by name. Credentials are files of
CREDENTIALS_DIRECTORY: ``root/client-id``, ``root/client-secret``, and the same under ``principals/<name>/``. The object
store is told by AWS_REGION, AWS_ENDPOINT_URL and AWS_S3_FORCE_PATH_STYLE, CLIENT_ENDPOINT_URL where clients reach it
elsewhere; the server by POLARIS_URL and POLARIS_REALMS, the first of which is set up.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANAGEMENT = "/api/management/v1"
CATALOG = "/api/catalog/v1"
TOKENS = f"{CATALOG}/oauth/tokens"
# Server errors too: that is how Polaris answers before its realm is bootstrapped.
PASSING = frozenset({429, 500, 502, 503, 504})
# The fields of a catalog's storage configuration that are decided here; others stay as they are.
STORAGE_FIELDS = (
    "allowedLocations",
    "endpoint",
    "endpointInternal",
    "externalId",
    "pathStyleAccess",
    "region",
    "roleArn",
    "storageType",
    "stsUnavailable",
)


class Problem(Exception):
    """What trying again would not change."""


@dataclass(frozen=True)
class Credentials:
    """A client's id and secret; the secret is never shown."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"Credentials({self.id!r})"

    @classmethod
    def read(cls, directory: Path) -> Credentials:
        """Those in the files of a directory."""
        try:
            return cls(*((directory / name).read_text(encoding="utf-8") for name in ("client-id", "client-secret")))
        except (OSError, ValueError) as error:
            raise Problem(f"no credentials can be read from {directory}: {error}") from None


@dataclass(frozen=True)
class Answer:
    """A response: its status, and its JSON."""

    status: int
    body: Mapping[str, Any]

    @property
    def message(self) -> str:
        """What the server says of an error."""
        error = self.body.get("error")
        return str(error.get("message", "")) if isinstance(error, Mapping) else ""


class Polaris:
    """The server, asked as the principal ``name``."""

    def __init__(self, url: str, realm: str, name: str, credentials: Credentials, *, patience: float = 300) -> None:
        """``patience`` is for how many seconds one question is asked again while the server fails."""
        self._url = url
        self._realm = realm
        self._name = name
        self._credentials = credentials
        self._patience = patience
        self._token = ""
        # Inside the cluster, whatever proxy the environment names.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, expect: tuple[int, ...]) -> Answer:
        """The answer; raises :class:`Problem` for a status that is not expected."""
        for renewed in (False, True):
            if renewed or not self._token:
                self._token = self._log_in()
            headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
            data = None if body is None else json.dumps(body).encode()
            answer = self._send(method, path, headers, data)
            # A server that came up with another key, or a token that is too old.
            if answer.status != 401 or renewed:
                break
        if answer.status not in expect:
            raise Problem(f"{method} {path}: {answer.status} {answer.message}".rstrip())
        return answer

    def token(self, credentials: Credentials) -> str | None:
        """A token for a principal; None where the server does not know the credentials."""
        form = (
            ("grant_type", "client_credentials"),
            ("client_id", credentials.id),
            ("client_secret", credentials.secret),
            ("scope", "PRINCIPAL_ROLE:ALL"),
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._send("POST", TOKENS, headers, urllib.parse.urlencode(form).encode())
        if answer.status == 401:
            return None
        token = answer.body.get("access_token")
        if answer.status != 200 or not isinstance(token, str):
            raise Problem(f"POST {TOKENS}: {answer.status} {answer.message}".rstrip())
        return token

    def lets_in(self) -> bool:
        """Whether the server knows the principal's credentials."""
        self._token = self.token(self._credentials) or ""
        return bool(self._token)

    def _log_in(self) -> str:
        token = self.token(self._credentials)
        if token is None:
            raise Problem(f"Polaris refuses the credentials of the principal {self._name}")
        return token

    def _send(self, method: str, path: str, headers: Mapping[str, str], data: bytes | None) -> Answer:
        """The first answer that is no passing failure; raises :class:`Problem` where patience ends."""
        request = urllib.request.Request(f"{self._url}{path}", data, {**headers, "Polaris-Realm": self._realm})
        request.method = method
        end, pause, said = time.monotonic() + self._patience, 0.2, ""
        while True:
            try:
                answer = self._once(request)
                if answer.status not in PASSING:
                    return answer
                failure = f"{answer.status} {answer.message}".rstrip()
            except (OSError, http.client.HTTPException) as error:
                failure = str(getattr(error, "reason", error)) or type(error).__name__
            if time.monotonic() + pause > end:
                raise Problem(f"{method} {path}: {failure}, for {self._patience:g} seconds")
            if failure != said:
                say(f"waiting for Polaris: {failure}")
            said = failure
            time.sleep(pause)
            pause = min(2 * pause, 10)

    def _once(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=30) as response:
                return Answer(response.status, _json(response.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _json(error.read()))


def _json(data: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(data or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def say(text: str) -> None:
    """A line for the log of the Job."""
    print(text, flush=True)


# Catalogs


def storage_of(catalog: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    """The storage configuration of a catalog, in Polaris' words."""
    endpoint, outside = env.get("AWS_ENDPOINT_URL", ""), env.get("CLIENT_ENDPOINT_URL", "")
    role = catalog.get("roleArn")
    locations = {catalog["baseLocation"], *(catalog.get("allowedLocations") or ())}
    without_sts = catalog.get("stsUnavailable")
    wanted = {
        "storageType": "S3",
        "allowedLocations": sorted(locations),
        "region": env.get("AWS_REGION"),
        "endpoint": outside or endpoint,
        "endpointInternal": endpoint if outside else None,
        "pathStyleAccess": env.get("AWS_S3_FORCE_PATH_STYLE") == "true",
        # AWS makes short-lived credentials for a role; stores of one's own need none.
        "stsUnavailable": without_sts if without_sts is not None else not endpoint and not role,
        "roleArn": role,
        "externalId": catalog.get("externalId"),
    }
    # Polaris takes no empty texts.
    return {key: value for key, value in wanted.items() if value not in (None, "")}


def ensure_catalog(polaris: Polaris, name: str, catalog: Mapping[str, Any], env: Mapping[str, str]) -> None:
    """The catalog is there, with these locations and this store."""
    path = f"{MANAGEMENT}/catalogs/{_quoted(name)}"
    properties = {**(catalog.get("properties") or {}), "default-base-location": catalog["baseLocation"]}
    storage = storage_of(catalog, env)
    found = polaris.ask("GET", path, expect=(200, 404))
    if found.status == 404:
        body = {"type": "INTERNAL", "name": name, "properties": properties, "storageConfigInfo": storage}
        made = polaris.ask("POST", f"{MANAGEMENT}/catalogs", {"catalog": body}, expect=(201, 409))
        if made.status == 201:
            say(f"catalog {name}: made")
            return
        found = polaris.ask("GET", path, expect=(200,))
    for _ in range(5):
        if not _differs(found.body, properties, storage):
            return
        kept = found.body.get("storageConfigInfo") or {}
        change = {
            "currentEntityVersion": found.body.get("entityVersion"),
            "properties": {**found.body.get("properties", {}), **properties},
            "storageConfigInfo": {**{key: kept[key] for key in kept if key not in STORAGE_FIELDS}, **storage},
        }
        if polaris.ask("PUT", path, change, expect=(200, 409)).status == 200:
            say(f"catalog {name}: changed")
            return
        # Somebody else changed it meanwhile.
        found = polaris.ask("GET", path, expect=(200,))
    raise Problem(f"catalog {name}: somebody else keeps changing it")


def _differs(found: Mapping[str, Any], properties: Mapping[str, str], storage: Mapping[str, Any]) -> bool:
    there = found.get("storageConfigInfo") or {}
    changed = any(_plain(there.get(field)) != _plain(storage.get(field)) for field in STORAGE_FIELDS)
    return changed or any(found.get("properties", {}).get(key) != value for key, value in properties.items())


def _plain(value: object) -> object:
    """Lists without their order; what is not set is as good as false."""
    return sorted(value) if isinstance(value, list) else value or None


def ensure_roles(polaris: Polaris, name: str, catalog: Mapping[str, Any]) -> None:
    """The catalog's role has these privileges, and the principal roles have the role."""
    path, role = f"{MANAGEMENT}/catalogs/{_quoted(name)}/catalog-roles", catalog["role"]
    polaris.ask("POST", path, {"catalogRole": {"name": role}}, expect=(201, 409))
    for privilege in catalog["privileges"]:
        grant = {"grant": {"type": "catalog", "privilege": privilege}}
        polaris.ask("PUT", f"{path}/{_quoted(role)}/grants", grant, expect=(201,))
    for principal_role in catalog["principalRoles"]:
        ensure_principal_role(polaris, principal_role)
        where = f"{MANAGEMENT}/principal-roles/{_quoted(principal_role)}/catalog-roles/{_quoted(name)}"
        polaris.ask("PUT", where, {"catalogRole": {"name": role}}, expect=(201,))


def ensure_principal_role(polaris: Polaris, name: str) -> None:
    """The principal role is there."""
    polaris.ask("POST", f"{MANAGEMENT}/principal-roles", {"principalRole": {"name": name}}, expect=(201, 409))


# Principals


def ensure_principal(polaris: Polaris, name: str, roles: Sequence[str], credentials: Credentials) -> None:
    """The principal is there, has these roles, and logs in with these credentials."""
    path = f"{MANAGEMENT}/principals/{_quoted(name)}"
    if polaris.ask("POST", f"{MANAGEMENT}/principals", {"principal": {"name": name}}, expect=(201, 409)).status == 201:
        say(f"principal {name}: made")
    for role in roles:
        ensure_principal_role(polaris, role)
        polaris.ask("PUT", f"{path}/principal-roles", {"principalRole": {"name": role}}, expect=(201,))
    known = polaris.ask("GET", path, expect=(200,)).body.get("clientId")
    if known == credentials.id and polaris.token(credentials) is not None:
        return
    body = {"clientId": credentials.id, "clientSecret": credentials.secret}
    if polaris.ask("POST", f"{path}/reset", body, expect=(200, 409)).status == 409:
        raise Problem(f"principal {name}: its client id is another principal's")
    if polaris.token(credentials) is None:
        raise Problem(f"principal {name}: Polaris took its credentials, and does not let it log in with them")
    say(f"principal {name}: credentials set")


def owner_of(polaris: Polaris, names: Sequence[str], client_id: str) -> str:
    """Which of the principals ``names`` has the client id, or shall have it: in Polaris it is one principal's."""
    for name in names if len(names) > 1 else ():
        found = polaris.ask("GET", f"{MANAGEMENT}/principals/{_quoted(name)}", expect=(200, 404))
        if found.body.get("clientId") == client_id:
            return name
    return names[0]


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")


# The program


class Wanted:
    """The wanted state, and where it is wanted."""

    def __init__(self, env: Mapping[str, str], *, patience: float) -> None:
        """Read both from ``env`` and the files that it names."""
        found = json.loads(Path(env["WANTED_FILE"]).read_text(encoding="utf-8"))
        self.catalogs: dict[str, Any] = dict(sorted(found["catalogs"].items()))
        self.principals: dict[str, Any] = dict(sorted(found["principals"].items()))
        self.realm = env["POLARIS_REALMS"].split(",")[0]
        self._url, self._patience = env["POLARIS_URL"], patience
        self._directory = Path(env["CREDENTIALS_DIRECTORY"])

    def root(self) -> Polaris:
        """The server, asked as the root principal."""
        return self._server("root", Credentials.read(self._directory / "root"))

    def credentials(self, principal: str) -> Credentials:
        """Those that a principal shall have."""
        return Credentials.read(self._directory / "principals" / principal)

    def clients(self) -> list[tuple[list[str], Credentials]]:
        """The principals, those together that log in with the same credentials: data products may share them."""
        found: dict[str, tuple[list[str], Credentials]] = {}
        for name in self.principals:
            own = self.credentials(name)
            names, credentials = found.setdefault(own.id, ([], own))
            if own != credentials:
                raise Problem(f"principals {names[0]} and {name} have one client id, but two secrets")
            names.append(name)
        return list(found.values())

    def principal(self, name: str) -> Polaris:
        """The server, asked as a principal."""
        return self._server(name, self.credentials(name))

    def _server(self, name: str, credentials: Credentials) -> Polaris:
        return Polaris(self._url, self.realm, name, credentials, patience=self._patience)


def set_up(wanted: Wanted, env: Mapping[str, str]) -> None:
    """Bring everything into the wanted state; raises :class:`Problem`."""
    polaris = wanted.root()
    if not polaris.lets_in():
        raise Problem(
            f"Polaris refuses the credentials of its root principal: the realm {wanted.realm} was bootstrapped with "
            "others than the Secret holds; put the first ones back into the Secret"
        )
    for name, catalog in wanted.catalogs.items():
        ensure_catalog(polaris, name, catalog, env)
        ensure_roles(polaris, name, catalog)
    for names, credentials in wanted.clients():
        roles = sorted({role for name in names for role in wanted.principals[name]["roles"]})
        ensure_principal(polaris, owner_of(polaris, names, credentials.id), roles, credentials)
    say("Polaris is set up.")


def check(wanted: Wanted) -> None:
    """Every principal logs in and looks into its catalogs; raises :class:`Problem`."""
    for name, principal in wanted.principals.items():
        polaris, roles = wanted.principal(name), {*principal["roles"]}
        for catalog, its in wanted.catalogs.items():
            if roles.isdisjoint(its["principalRoles"]):
                continue
            config = polaris.ask("GET", f"{CATALOG}/config?warehouse={_quoted(catalog)}", expect=(200,))
            # The configuration asks for no privilege.
            if "CATALOG_MANAGE_CONTENT" in its["privileges"]:
                prefix = config.body.get("overrides", {}).get("prefix", _quoted(catalog))
                polaris.ask("GET", f"{CATALOG}/{prefix}/namespaces", expect=(200,))
            say(f"principal {name}: looks into catalog {catalog}")


def main(arguments: Sequence[str], env: Mapping[str, str]) -> int:
    """Run with a process' arguments and environment; 0 where all is as it should be."""
    try:
        if list(arguments) == ["check"]:
            check(Wanted(env, patience=0))
        else:
            set_up(Wanted(env, patience=float(env.get("PATIENCE_SECONDS", "300"))), env)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
