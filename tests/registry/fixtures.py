"""Fixtures that several rooms' tests share; each conftest.py names those that it wants."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from floe_charts.registry import client
from tests.registry.servers import Proxy, running_proxy, running_registry


@pytest.fixture(autouse=True)
def keyless(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without credentials, and retries that do not wait; gives the path of Helm's registry config."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in ("DOCKER_CONFIG", "HELM_CONFIG_HOME", "XDG_CONFIG_HOME", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HELM_REGISTRY_CONFIG", str(home / "registry.json"))
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    return home / "registry.json"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry that everybody may write to."""
    with running_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry that wants a password."""
    with running_registry(tmp_path_factory.mktemp("locked"), locked=True) as host:
        yield host


@pytest.fixture
def proxy(registry: str) -> Iterator[Proxy]:
    """A proxy in front of the open registry."""
    with running_proxy(registry) as one:
        yield one


def log_in(config: Path, host: str, user: str, password: str) -> None:
    """Write what ``helm registry login`` writes."""
    packed = base64.b64encode(f"{user}:{password}".encode()).decode()
    config.write_text(json.dumps({"auths": {host: {"auth": packed}}}))
