"""Credentials: found in the files and helpers in which Helm finds them, in its order."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from floe_charts.errors import RegistryError
from floe_charts.registry.credentials import config_files, find_credentials

HOST = "registry.example.com"


def packed(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def write(path: Path, **config: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config))


def helper(directory: Path, name: str, says: str, code: int = 0) -> None:
    program = directory / f"docker-credential-{name}"
    program.write_text(f"#!/bin/sh\nread host\n[ \"$host\" = {HOST} ] || exit 9\necho '{says}'\nexit {code}\n")
    program.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_helm_comes_before_docker(keyless: Path) -> None:
    docker = Path.home() / ".docker" / "config.json"
    write(docker, auths={HOST: packed("docker", "d")})
    found = find_credentials(HOST)
    assert found is not None and (found.username, found.password, found.source) == ("docker", "d", str(docker))
    write(keyless, auths={HOST: packed("helm", "h:with:colons")})
    found = find_credentials(HOST)
    assert found is not None and (found.username, found.password) == ("helm", "h:with:colons")
    assert "with" not in repr(found)


@pytest.mark.parametrize(
    ("variables", "helm"),
    [
        ({"HELM_REGISTRY_CONFIG": "/a/b.json", "HELM_CONFIG_HOME": "/c"}, "/a/b.json"),
        ({"HELM_CONFIG_HOME": "/c", "XDG_CONFIG_HOME": "/d"}, "/c/registry/config.json"),
        ({"XDG_CONFIG_HOME": "/d"}, "/d/helm/registry/config.json"),
        ({}, "HOME/.config/helm/registry/config.json"),
    ],
)
def test_files_are_where_helm_has_them(variables: dict[str, str], helm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HELM_REGISTRY_CONFIG")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DOCKER_CONFIG", "/docker")
    monkeypatch.setattr("sys.platform", "linux")
    assert config_files() == (Path(helm.replace("HOME", str(Path.home()))), Path("/docker/config.json"))


def test_helper_of_the_host_comes_before_that_of_all(keyless: Path, path: Path) -> None:
    helper(path, "one", '{"Username":"u","Secret":"s"}')
    helper(path, "all", '{"Username":"<token>","Secret":"t"}')
    write(keyless, auths={HOST: packed("file", "f")}, credsStore="all")
    found = find_credentials(HOST)
    assert found is not None and (found.identity_token, found.basic) == ("t", "")
    write(keyless, credHelpers={HOST: "one"}, credsStore="all")
    found = find_credentials(HOST)
    assert found is not None and (found.username, found.password) == ("u", "s")


def test_helper_that_knows_nothing_leaves_it_to_docker(keyless: Path, path: Path) -> None:
    helper(path, "one", "credentials not found in native keychain", code=1)
    write(keyless, credsStore="one")
    assert find_credentials(HOST) is None
    write(Path.home() / ".docker" / "config.json", auths={f"https://{HOST}/v2/": packed("docker", "d")})
    found = find_credentials(HOST)
    assert found is not None and found.username == "docker"


def test_usual_helper_is_asked_where_nothing_is_configured(keyless: Path, path: Path) -> None:
    helper(path, "pass", '{"Username":"u","Secret":"s"}')
    found = find_credentials(HOST)
    assert found is not None and found.source == "docker-credential-pass"
    for config in (keyless, Path.home() / ".docker" / "config.json"):
        write(config, credHelpers={"other.example.com": "pass"})
    assert find_credentials(HOST) is None


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"credsStore": "absent"}, "docker-credential-absent: this credential helper is not installed"),
        ({"credsStore": "../../bin/sh"}, "is no name of a credential helper"),
        ({"credsStore": "bad"}, "this credential helper failed: locked out"),
        ({"auths": {HOST: {"auth": "???"}}}, "an entry's auth is not base64 text"),
    ],
)
def test_what_is_broken_is_told(keyless: Path, path: Path, config: dict[str, object], said: str) -> None:
    helper(path, "bad", "locked out", code=1)
    write(keyless, **config)
    with pytest.raises(RegistryError) as caught:
        find_credentials(HOST)
    assert said in str(caught.value)


def test_a_file_that_is_no_json_is_told(keyless: Path) -> None:
    keyless.write_text('{"auths":')
    with pytest.raises(RegistryError, match="the credentials cannot be read: this is not JSON"):
        find_credentials(HOST)
    keyless.write_text("")
    assert find_credentials(HOST) is None


def test_docker_hub_stands_under_its_old_address(keyless: Path) -> None:
    write(keyless, auths={"https://index.docker.io/v1/": packed("u", "p")})
    found = find_credentials("docker.io")
    assert found is not None and found.username == "u"
