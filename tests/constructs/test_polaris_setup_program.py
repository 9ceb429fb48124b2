"""The program that sets Polaris up, against a Polaris of our own: any number of times, and in any trouble."""

from __future__ import annotations

import copy
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from floe_charts.constructs.polaris import setup_program
from tests.constructs.fake_polaris import ROOT, FakePolaris, serving

PROGRAM = Path(setup_program.__file__)
MINIO = {
    "AWS_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": "http://minio:9000",
    "AWS_S3_FORCE_PATH_STYLE": "true",
}
LAKE = {
    "baseLocation": "s3://lake/orders",
    "role": "writer",
    "privileges": ["CATALOG_MANAGE_CONTENT"],
    "principalRoles": ["orders-writer"],
}
ORDERS = {"secretName": "s", "clientIdKey": "i", "clientSecretKey": "s", "roles": ["orders-writer"]}
WANTED: dict[str, Any] = {"catalogs": {"orders": LAKE}, "principals": {"orders": ORDERS}}
SECRET = "any secret: &=%+ ü {{ x }}"


@pytest.fixture
def polaris() -> Iterator[FakePolaris]:
    with serving(FakePolaris()) as running:
        yield running


@dataclass(frozen=True)
class Run:
    """How a run ended, and what it said, which is never a secret."""

    returncode: int
    stdout: str
    stderr: str

    def __post_init__(self) -> None:
        assert SECRET not in self.stdout + self.stderr
        assert ROOT[1] not in self.stdout + self.stderr


class Setup:
    """The files and variables of one Job."""

    def __init__(self, directory: Path, url: str, wanted: Mapping[str, Any] = WANTED, **env: str) -> None:
        self.directory, self.url = directory, url
        self.env = {**MINIO, **env}
        self.want(wanted)
        self.credentials("root", *ROOT)
        for name in wanted["principals"]:
            self.credentials(f"principals/{name}", f"{name}-id", SECRET)

    def want(self, wanted: Mapping[str, Any]) -> None:
        (self.directory / "wanted.json").write_text(json.dumps(wanted), encoding="utf-8")

    def credentials(self, whose: str, client_id: str, client_secret: str) -> None:
        place = self.directory / "credentials" / whose
        place.mkdir(parents=True, exist_ok=True)
        (place / "client-id").write_text(client_id, encoding="utf-8")
        (place / "client-secret").write_text(client_secret, encoding="utf-8")

    def run(self, *arguments: str, patience: float = 5) -> Run:
        """Run the program in this process."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = setup_program.main(arguments, self.environment(patience))
        return Run(code, out.getvalue(), err.getvalue())

    def run_alone(self, *arguments: str, patience: float = 5) -> Run:
        """Run the program as the Job does: a process of its own, with nothing but the standard library."""
        command = [sys.executable, "-I", "-S", str(PROGRAM), *arguments]
        env = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **self.environment(patience)}
        made = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
        return Run(made.returncode, made.stdout, made.stderr)

    def environment(self, patience: float) -> dict[str, str]:
        return {
            "http_proxy": "http://127.0.0.1:1",
            "POLARIS_URL": self.url,
            "POLARIS_REALMS": "POLARIS,OTHER",
            "WANTED_FILE": str(self.directory / "wanted.json"),
            "CREDENTIALS_DIRECTORY": str(self.directory / "credentials"),
            "PATIENCE_SECONDS": str(patience),
            **self.env,
        }


@pytest.mark.parametrize("how", ["run", "run_alone"])
def test_everything_is_made(polaris: FakePolaris, tmp_path: Path, how: str) -> None:
    made = getattr(Setup(tmp_path, polaris.url), how)()
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.splitlines() == [
        "catalog orders: made",
        "principal orders: made",
        "principal orders: credentials set",
        "Polaris is set up.",
    ]
    catalog = polaris.catalogs["orders"]
    assert catalog["type"] == "INTERNAL"
    assert catalog["properties"] == {"default-base-location": "s3://lake/orders"}
    assert catalog["storageConfigInfo"] == {
        "storageType": "S3",
        "allowedLocations": ["s3://lake/orders"],
        "region": "us-east-1",
        "endpoint": "http://minio:9000",
        "pathStyleAccess": True,
        "stsUnavailable": False,
    }
    assert polaris.grants == {("orders", "writer"): {"CATALOG_MANAGE_CONTENT"}}
    assert polaris.role_catalogs == {("orders-writer", "orders"): {"writer"}}
    principal = polaris.principals["orders"]
    assert (principal["clientId"], principal["secret"], principal["roles"]) == ("orders-id", SECRET, {"orders-writer"})


def test_a_second_run_changes_nothing(polaris: FakePolaris, tmp_path: Path) -> None:
    setup = Setup(tmp_path, polaris.url)
    assert setup.run().returncode == 0
    before = copy.deepcopy((polaris.catalogs, polaris.grants, polaris.principals))
    polaris.calls.clear()
    assert setup.run().stdout.splitlines() == ["Polaris is set up."]
    assert (polaris.catalogs, polaris.grants, polaris.principals) == before
    assert not [
        call
        for call in polaris.calls
        if call.endswith("/reset") or call.startswith("PUT /api/management/v1/catalogs/orders ")
    ]


def test_a_run_that_ended_anywhere_is_taken_up(tmp_path: Path) -> None:
    with serving(FakePolaris()) as whole:
        assert Setup(tmp_path, whole.url).run().returncode == 0
        steps = len(whole.calls)
    for step in range(steps):
        polaris, left = FakePolaris(), [step]

        def ends(method: str, path: str, left: list[int] = left) -> int | None:
            if path.endswith("/tokens"):
                return None
            left[0] -= 1
            return 418 if left[0] < 0 else None

        polaris.trouble.append(ends)
        with serving(polaris):
            setup = Setup(tmp_path, polaris.url)
            assert setup.run().returncode == 1
            polaris.trouble.clear()
            assert setup.run().returncode == 0
            assert setup.run("check").returncode == 0
        assert (polaris.catalogs, polaris.grants, polaris.principals) == (
            whole.catalogs,
            whole.grants,
            whole.principals,
        )


# What the catalogs say


@pytest.mark.parametrize(
    ("catalog", "env", "expected"),
    [
        ({}, {"AWS_ENDPOINT_URL": ""}, {"endpoint": None, "stsUnavailable": True}),
        (
            {"roleArn": "arn:aws:iam::123456789012:role/x", "externalId": "ab"},
            {"AWS_ENDPOINT_URL": "", "AWS_S3_FORCE_PATH_STYLE": "false"},
            {"roleArn": "arn:aws:iam::123456789012:role/x", "externalId": "ab", "stsUnavailable": False}
            | {"pathStyleAccess": False},
        ),
        ({"stsUnavailable": True}, {}, {"stsUnavailable": True}),
        ({"stsUnavailable": None, "allowedLocations": None, "properties": None}, {}, {"stsUnavailable": False}),
        (
            {},
            {"CLIENT_ENDPOINT_URL": "https://s3.example.com"},
            {"endpoint": "https://s3.example.com", "endpointInternal": "http://minio:9000"},
        ),
        (
            {"allowedLocations": ["s3://b/x", "s3://a/x"]},
            {},
            {"allowedLocations": ["s3://a/x", "s3://b/x", "s3://lake/orders"]},
        ),
    ],
)
def test_the_store_of_a_catalog(
    polaris: FakePolaris,
    tmp_path: Path,
    catalog: Mapping[str, Any],
    env: dict[str, str],
    expected: Mapping[str, Any],
) -> None:
    wanted = {"catalogs": {"orders": {**LAKE, **catalog}}, "principals": {}}
    assert Setup(tmp_path, polaris.url, wanted, **env).run().returncode == 0
    storage = polaris.catalogs["orders"]["storageConfigInfo"]
    assert {key: storage.get(key) for key in expected} == expected
    assert not [key for key, value in storage.items() if value in ("", None)]


def test_a_catalog_is_changed_where_it_differs_and_keeps_what_others_set(polaris: FakePolaris, tmp_path: Path) -> None:
    setup = Setup(tmp_path, polaris.url)
    assert setup.run().returncode == 0
    polaris.catalogs["orders"]["properties"]["theirs"] = "1"
    polaris.catalogs["orders"]["storageConfigInfo"]["storageName"] = "theirs"
    lake = {**LAKE, "allowedLocations": ["s3://lake/more"], "properties": {"ours": "2"}}
    setup.want({**WANTED, "catalogs": {"orders": lake}})
    assert "catalog orders: changed" in setup.run().stdout
    catalog = polaris.catalogs["orders"]
    assert catalog["properties"] == {"default-base-location": "s3://lake/orders", "theirs": "1", "ours": "2"}
    assert catalog["storageConfigInfo"]["allowedLocations"] == ["s3://lake/more", "s3://lake/orders"]
    assert catalog["storageConfigInfo"]["storageName"] == "theirs"
    version = catalog["entityVersion"]
    assert setup.run().returncode == 0
    assert catalog["entityVersion"] == version


def test_what_goes_from_the_values_stays(polaris: FakePolaris, tmp_path: Path) -> None:
    setup = Setup(tmp_path, polaris.url)
    assert setup.run().returncode == 0
    setup.want({"catalogs": {}, "principals": {}})
    assert setup.run().returncode == 0
    assert set(polaris.catalogs) == {"orders"}
    assert set(polaris.principals) == {"root", "orders"}


def test_somebody_else_changes_a_catalog_at_the_same_time(polaris: FakePolaris, tmp_path: Path) -> None:
    setup = Setup(tmp_path, polaris.url)
    assert setup.run().returncode == 0
    meddled: list[str] = []

    def meddles(method: str, path: str) -> None:
        if method == "PUT" and path.endswith("/catalogs/orders") and not meddled:
            meddled.append(path)
            polaris.catalogs["orders"]["entityVersion"] += 1

    polaris.trouble.append(meddles)
    setup.want({**WANTED, "catalogs": {"orders": {**LAKE, "allowedLocations": ["s3://lake/more"]}}})
    assert setup.run().returncode == 0
    assert meddled
    assert "s3://lake/more" in polaris.catalogs["orders"]["storageConfigInfo"]["allowedLocations"]


def test_a_catalog_that_appears_meanwhile_is_brought_into_shape(polaris: FakePolaris, tmp_path: Path) -> None:
    def appears(method: str, path: str) -> None:
        if method == "POST" and path.endswith("/catalogs"):
            storage = {"storageType": "S3", "allowedLocations": ["s3://lake/orders"]}
            properties = {"default-base-location": "s3://lake/orders"}
            polaris.catalogs["orders"] = {
                "name": "orders", "properties": properties, "storageConfigInfo": storage, "entityVersion": 7
            }  # fmt: skip

    polaris.trouble.append(appears)
    assert "catalog orders: changed" in Setup(tmp_path, polaris.url).run().stdout
    assert polaris.catalogs["orders"]["storageConfigInfo"]["endpoint"] == "http://minio:9000"


# Principals


def test_new_credentials_are_set_and_a_root_id_is_not_taken(polaris: FakePolaris, tmp_path: Path) -> None:
    setup = Setup(tmp_path, polaris.url)
    assert setup.run().returncode == 0
    setup.credentials("principals/orders", "orders-id", "another")
    assert "principal orders: credentials set" in setup.run().stdout
    assert polaris.principals["orders"]["secret"] == "another"
    setup.credentials("principals/orders", "other-id", "another")
    assert "principal orders: credentials set" in setup.run().stdout
    assert polaris.principals["orders"]["clientId"] == "other-id"
    setup.credentials("principals/orders", ROOT[0], "another")
    made = setup.run()
    assert (made.returncode, made.stderr) == (1, "principal orders: its client id is another principal's\n")
    assert polaris.principals["root"]["secret"] == ROOT[1]


def test_products_that_share_credentials_are_one_principal(polaris: FakePolaris, tmp_path: Path) -> None:
    returns = {**LAKE, "baseLocation": "s3://lake/returns", "principalRoles": ["returns-writer"]}
    wanted = {
        "catalogs": {"orders": LAKE, "returns": returns},
        "principals": {"orders": ORDERS, "returns": {**ORDERS, "roles": ["returns-writer"]}},
    }
    setup = Setup(tmp_path, polaris.url, wanted)
    setup.credentials("principals/returns", "orders-id", SECRET)
    assert setup.run().returncode == 0
    assert polaris.principals["orders"]["roles"] == {"orders-writer", "returns-writer"}
    assert "returns" not in polaris.principals
    assert setup.run("check").returncode == 0
    # A further product with a name before the others does not take the id away.
    wanted["principals"]["accounts"] = {**ORDERS, "roles": ["orders-writer"]}
    setup.want(wanted)
    setup.credentials("principals/accounts", "orders-id", SECRET)
    assert setup.run().returncode == 0
    assert set(polaris.principals) == {"root", "orders"}
    setup.credentials("principals/accounts", "orders-id", "another")
    made = setup.run()
    assert (made.returncode, made.stderr) == (
        1,
        "principals accounts and orders have one client id, but two secrets\n",
    )


# Trouble


def test_a_server_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    polaris = FakePolaris()
    made: list[Run] = []
    setup = Setup(tmp_path, f"http://127.0.0.1:{port}")
    runs = threading.Thread(target=lambda: made.append(setup.run_alone(patience=30)))
    runs.start()
    time.sleep(1)
    with serving(polaris, port):
        runs.join(timeout=40)
    assert made[0].returncode == 0, made[0].stderr
    assert "waiting for Polaris: " in made[0].stdout


@pytest.mark.parametrize("status", [500, 503, 429, 0])
def test_failures_that_pass_are_waited_for(polaris: FakePolaris, tmp_path: Path, status: int) -> None:
    """Such as those of a server whose realm is not bootstrapped, or that restarts."""
    failed: set[tuple[str, str]] = set()

    def once(method: str, path: str) -> int | None:
        if (method, path) in failed:
            return None
        failed.add((method, path))
        return status

    polaris.trouble.append(once)
    # Every request fails once; fewer of them keep the test short.
    wanted = {"catalogs": {}, "principals": {"orders": {**ORDERS, "roles": []}}}
    made = Setup(tmp_path, polaris.url, wanted).run(patience=20)
    assert made.returncode == 0, made.stderr
    assert polaris.principals["orders"]["secret"] == SECRET


def test_patience_ends(polaris: FakePolaris, tmp_path: Path) -> None:
    polaris.trouble.append(lambda method, path: 500)
    made = Setup(tmp_path, polaris.url).run(patience=1)
    assert made.returncode == 1
    assert made.stderr == "POST /api/catalog/v1/oauth/tokens: 500 trouble, for 1 seconds\n"


def test_a_token_that_is_not_good_any_more_is_renewed(polaris: FakePolaris, tmp_path: Path) -> None:
    def forgets(method: str, path: str) -> None:
        if method == "POST" and path.endswith("/principals"):
            polaris.forget_tokens()
            polaris.trouble.clear()

    polaris.trouble.append(forgets)
    assert Setup(tmp_path, polaris.url).run().returncode == 0


def test_other_credentials_than_those_of_the_bootstrap_are_named(polaris: FakePolaris, tmp_path: Path) -> None:
    setup = Setup(tmp_path, polaris.url)
    setup.credentials("root", ROOT[0], "rotated")
    made = setup.run()
    assert made.returncode == 1
    assert made.stderr == (
        "Polaris refuses the credentials of its root principal: the realm POLARIS was bootstrapped with others than "
        "the Secret holds; put the first ones back into the Secret\n"
    )
    assert polaris.calls == []


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (
            {"catalogs": {"a": LAKE, "b": {**LAKE, "baseLocation": "s3://lake/orders/b"}}, "principals": {}},
            "POST /api/management/v1/catalogs: 400 One or more of its locations overlaps with an existing catalog\n",
        ),
        (
            {"catalogs": {"a": {**LAKE, "privileges": ["NO_SUCH_PRIVILEGE"]}}, "principals": {}},
            "PUT /api/management/v1/catalogs/a/catalog-roles/writer/grants: 400 no such privilege\n",
        ),
    ],
)
def test_what_polaris_refuses_is_said(
    polaris: FakePolaris, tmp_path: Path, wanted: Mapping[str, Any], said: str
) -> None:
    made = Setup(tmp_path, polaris.url, wanted).run()
    assert (made.returncode, made.stderr) == (1, said)


def test_a_realm_that_is_not_there(tmp_path: Path) -> None:
    with serving(FakePolaris(realm="OTHER")) as polaris:
        made = Setup(tmp_path, polaris.url).run()
    assert (made.returncode, made.stderr) == (
        1,
        "POST /api/catalog/v1/oauth/tokens: 404 Missing or invalid realm\n",
    )


def test_a_secret_that_is_not_there(polaris: FakePolaris, tmp_path: Path) -> None:
    setup = Setup(tmp_path, polaris.url)
    (tmp_path / "credentials/principals/orders/client-id").unlink()
    made = setup.run()
    assert made.returncode == 1
    assert made.stderr.startswith("no credentials can be read from ")


# The check


def test_the_check_changes_nothing_and_sees_what_is_missing(polaris: FakePolaris, tmp_path: Path) -> None:
    setup = Setup(tmp_path, polaris.url)
    made = setup.run("check")
    assert (made.returncode, made.stderr) == (1, "Polaris refuses the credentials of the principal orders\n")
    assert setup.run().returncode == 0
    polaris.calls.clear()
    made = setup.run("check")
    assert (made.returncode, made.stdout) == (0, "principal orders: looks into catalog orders\n")
    assert polaris.calls == ["GET /api/catalog/v1/config?warehouse=orders", "GET /api/catalog/v1/orders/namespaces"]
    polaris.grants[("orders", "writer")].clear()
    made = setup.run("check")
    assert (made.returncode, made.stderr) == (1, "GET /api/catalog/v1/orders/namespaces: 403 not authorized\n")


def test_the_check_asks_only_for_what_the_privileges_allow(polaris: FakePolaris, tmp_path: Path) -> None:
    lake = {**LAKE, "privileges": ["TABLE_READ_DATA"]}
    setup = Setup(tmp_path, polaris.url, {**WANTED, "catalogs": {"orders": lake}})
    assert setup.run().returncode == 0
    assert setup.run("check").returncode == 0
