"""References: what they name, and what is none."""

from __future__ import annotations

import pytest

from floe_charts.errors import RegistryError
from floe_charts.registry import Reference, parse_reference, parse_target

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oci://ghcr.io/acme/orders:1.2.0", Reference("ghcr.io", "acme/orders", "1.2.0")),
        (f"oci://localhost:5000/orders@{DIGEST}", Reference("localhost:5000", "orders", "", DIGEST)),
        (f"oci://[::1]:5000/a/b__c/d-e:v1@{DIGEST}", Reference("[::1]:5000", "a/b__c/d-e", "v1", DIGEST)),
        ("OCI://localhost/orders:latest", Reference("localhost", "orders", "latest")),
    ],
)
def test_are_read(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected
    assert str(expected).lower() == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "oci://ghcr.io",
        "oci://ghcr.io/Acme:1",
        "oci://ghcr.io/a:",
        "oci://ghcr.io/a@sha256:12",
        "oci:///a:1",
        "ghcr.io/a:1",
        "oci://a b/c:1",
        "oci://ghcr.io/a/../b:1",
        "oci://ghcr.io/a:1\n",
        "oci://ghcr.io/a",
    ],
)
def test_are_refused(text: str) -> None:
    with pytest.raises(RegistryError):
        parse_reference(text)


def test_of_a_password_do_not_repeat_it() -> None:
    with pytest.raises(RegistryError) as caught:
        parse_reference("oci://me:s3cret@ghcr.io/a:1")
    assert str(caught.value).startswith("oci://ghcr.io/a:1: holds a user's name or password")


def test_docker_hub_answers_elsewhere() -> None:
    assert parse_reference("oci://docker.io/acme/orders:1").api_host == "registry-1.docker.io"
    assert parse_reference("oci://ghcr.io/acme/orders:1").api_host == "ghcr.io"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1:5000", True),
        ("Localhost:5000", True),
        ("[::1]:5000", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert Reference(host, "a").is_loopback is expected


def test_target_is_formed_as_helm_does() -> None:
    assert str(parse_target("oci://ghcr.io/acme/", "shop", "1.0.0")) == "oci://ghcr.io/acme/shop:1.0.0"
    assert str(parse_target("oci://ghcr.io", "shop", "1.0.0")) == "oci://ghcr.io/shop:1.0.0"


@pytest.mark.parametrize("name", ["Shop", "s..hop", "-shop", "shop-"])
def test_target_takes_no_name_that_registries_do_not(name: str) -> None:
    with pytest.raises(RegistryError, match=f"takes no chart named '{name}'; expected lower-case letters"):
        parse_target("oci://ghcr.io/acme", name, "1.0.0")
