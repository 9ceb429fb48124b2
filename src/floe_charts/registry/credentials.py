"""Credentials for a registry, found where Helm finds them: its own registry config, then Docker's.

In each of the two files the order is that of Helm 4 (oras-go, ``registry/remote/credentials``): the helper of the host
(``credHelpers``), else the helper of all hosts (``credsStore``), else the entries themselves (``auths``). A file that
names neither helper nor entries leaves it to the helper that is usual on the system, where that is installed.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from floe_charts.errors import RegistryError

__all__ = ["Credentials", "config_files", "find_credentials"]

_HELPER_SECONDS = 60
_USUAL_HELPERS = {"darwin": ("osxkeychain",), "win32": ("wincred",), "linux": ("pass", "secretservice")}
_DOCKER_HUB = "https://index.docker.io/v1/"
_DOCKER_HUB_NAMES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
# With this name a helper hands out a token instead of a password (docker/cli, credentials/native_store.go).
_TOKEN_USER = "<token>"


@dataclass(frozen=True, slots=True)
class Credentials:
    """User and password, or a token of the identity provider. ``source`` says where they come from, for messages."""

    source: str
    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of an Authorization header; empty where there is no password."""
        if not self.username and not self.password:
            return ""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


def find_credentials(host: str) -> Credentials | None:
    """The credentials for the registry ``host``, or None; raise RegistryError where a file or a helper is broken."""
    key = _DOCKER_HUB if host in _DOCKER_HUB_NAMES else host
    found = (_in_config(path, key) for path in config_files())
    return next((one for one in found if one is not None), None)


def config_files() -> tuple[Path, ...]:
    """Helm's registry config and Docker's config; whether they exist is another matter."""
    environment = os.environ
    if named := environment.get("HELM_REGISTRY_CONFIG"):
        helm = Path(named)
    elif home := environment.get("HELM_CONFIG_HOME"):
        helm = Path(home, "registry", "config.json")
    else:
        helm = _helm_home() / "registry" / "config.json"
    docker = environment.get("DOCKER_CONFIG")
    return helm, Path(docker if docker else Path.home() / ".docker", "config.json")


def _helm_home() -> Path:
    """The directory of Helm's configuration (helm.sh/docs/helm/helm, "Default directories")."""
    if named := os.environ.get("XDG_CONFIG_HOME"):
        return Path(named, "helm")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Preferences" / "helm"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", Path.home()), "helm")
    return Path.home() / ".config" / "helm"


def _in_config(path: Path, key: str) -> Credentials | None:
    config = _read(path)
    auths = _mapping(config.get("auths"))
    helpers = _mapping(config.get("credHelpers"))
    helper = helpers.get(key) or config.get("credsStore")
    if not helper and not helpers and not auths:
        usual = _USUAL_HELPERS.get(sys.platform, ())
        helper = next((one for one in usual if shutil.which(f"docker-credential-{one}")), None)
    if helper:
        return _from_helper(str(helper), key)
    entry = _entry(auths, key)
    return None if entry is None else _from_entry(entry, path)


def _read(path: Path) -> Mapping[str, object]:
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise RegistryError(str(path), f"the credentials cannot be read: {error.strerror}") from None
    try:
        # Helm writes an empty file as well as none.
        return _mapping(json.loads(text or b"{}"))
    except (ValueError, RecursionError):
        hint = "log in again: helm registry login HOST"
        raise RegistryError(str(path), "the credentials cannot be read: this is not JSON", hint) from None


def _entry(auths: Mapping[str, object], key: str) -> Mapping[str, object] | None:
    """The entry of a host: under its name, or under an address of it, as old versions of Docker wrote them."""
    if key in auths:
        return _mapping(auths[key])
    host = _host_of(key)
    return next((_mapping(entry) for name, entry in auths.items() if _host_of(name) == host), None)


def _host_of(address: str) -> str:
    return re.sub(r"\Ahttps?://", "", address).partition("/")[0]


def _from_entry(entry: Mapping[str, object], path: Path) -> Credentials | None:
    username, password, token = (_text(entry.get(name)) for name in ("username", "password", "identitytoken"))
    if packed := _text(entry.get("auth")):
        try:
            username, _, password = base64.b64decode(packed, validate=True).decode().rstrip("\0").partition(":")
        except ValueError:
            raise RegistryError(str(path), "an entry's auth is not base64 text", "log in again") from None
    found = Credentials(str(path), username, password, token)
    return found if found.basic or token else None


def _from_helper(name: str, key: str) -> Credentials | None:
    """What ``docker-credential-NAME get`` says; the protocol is that of docker/docker-credential-helpers."""
    program = f"docker-credential-{name}"
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise RegistryError(program, "is no name of a credential helper")
    try:
        done = subprocess.run(
            [program, "get"], input=key.encode(), capture_output=True, timeout=_HELPER_SECONDS, check=False
        )
    except FileNotFoundError:
        raise RegistryError(program, "this credential helper is not installed", "install it, or log in again") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = getattr(error, "strerror", None) or f"no answer in {_HELPER_SECONDS} seconds"
        raise RegistryError(program, f"this credential helper failed: {reason}") from None
    if done.returncode:
        said = done.stdout.decode(errors="replace").strip()
        if "not found" in said.lower():
            return None
        raise RegistryError(
            program, f"this credential helper failed: {' '.join(said.split())[:200] or 'it says nothing'}"
        )
    try:
        answer = _mapping(json.loads(done.stdout))
    except ValueError:
        raise RegistryError(program, "this credential helper answers with something else than JSON") from None
    username, secret = _text(answer.get("Username")), _text(answer.get("Secret"))
    if username == _TOKEN_USER:
        return Credentials(program, identity_token=secret)
    return Credentials(program, username, secret) if username or secret else None


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
