"""Catalogs and principals by default: from the artifacts, one catalog per warehouse, one principal per product."""

from __future__ import annotations

from typing import Any

import pytest

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.constructs.plan import plan_platform
from floe_charts.constructs.platform import FloePlatform
from floe_charts.constructs.polaris.plan import CatalogWish, wished_catalogs, wished_principals
from floe_charts.deployment import Deployment
from tests.synth.cases import artifact, changed


def wish(slug: str, **changes: Any) -> CatalogWish:
    facts = {"warehouse": slug, "bucket": "lake", "secret": f"{slug}-credentials"}
    keys = {"client_id_key": "ID", "client_secret_key": "KEY"}
    return CatalogWish(**{"slug": slug, **facts, **keys, **changes})


def test_each_warehouse_is_a_catalog_with_a_role_of_its_own() -> None:
    wishes = [wish("orders"), wish("returns", bucket="other")]
    assert {name: one.to_values() for name, one in wished_catalogs(wishes).items()} == {
        "orders": {
            "baseLocation": "s3://lake/orders",
            "role": "writer",
            "privileges": ["CATALOG_MANAGE_CONTENT"],
            "principalRoles": ["orders-writer"],
        },
        "returns": {
            "baseLocation": "s3://other/returns",
            "role": "writer",
            "privileges": ["CATALOG_MANAGE_CONTENT"],
            "principalRoles": ["returns-writer"],
        },
    }
    assert {name: one.roles for name, one in wished_principals(wishes).items()} == {
        "orders": ["orders-writer"],
        "returns": ["returns-writer"],
    }


def test_products_of_one_warehouse_share_its_catalog() -> None:
    wishes = [wish("orders"), wish("returns", warehouse="orders"), wish("stock", warehouse="orders", bucket="b")]
    [(name, catalog)] = wished_catalogs(wishes).items()
    assert (name, catalog.base_location) == ("orders", "s3://lake/orders")
    assert catalog.allowed_locations == ["s3://b/orders"]
    assert catalog.principal_roles == ["orders-writer"]
    assert {one.roles[0] for one in wished_principals(wishes).values()} == {"orders-writer"}
    assert len(wished_principals(wishes)) == 3


def test_a_scope_names_the_roles() -> None:
    scoped = wish("orders", scope="PRINCIPAL_ROLE:engineer PRINCIPAL_ROLE:ALL email")
    assert wished_catalogs([scoped])["orders"].principal_roles == ["engineer"]
    assert wished_principals([scoped])["orders"].roles == ["engineer"]
    assert wish("orders", scope="PRINCIPAL_ROLE:ALL").roles == ("orders-writer",)
    assert wish("orders", scope="PRINCIPAL_ROLE:a/b").roles == ("orders-writer",)


@pytest.mark.parametrize(
    "changes",
    [{"warehouse": None}, {"bucket": None}, {"warehouse": "a/b"}, {"warehouse": "a\n"}, {"warehouse": "x" * 200}],
)
def test_what_polaris_would_not_take_is_no_catalog(changes: dict[str, Any]) -> None:
    odd = wish("orders", **changes)
    assert wished_catalogs([odd]) == {}
    assert wished_principals([odd])["orders"].roles == []


@pytest.mark.parametrize("missing", ["client_id_key", "client_secret_key", "secret"])
def test_without_credentials_there_is_no_principal(missing: str) -> None:
    assert wished_principals([wish("orders", **{missing: None})]) == {}


def test_the_artifacts_say_what_is_wished() -> None:
    plan = plan_platform([CompiledArtifacts.example()], Deployment.default())
    [found] = plan.catalog_wishes
    assert (found.slug, found.catalog, found.bucket) == ("hello-floe", "hello-floe", "floe-iceberg")
    assert found.secret == "floe-platform-hello-floe-credentials"
    assert found.client_id_key == "HELLO_FLOE_CATALOG_OAUTH2_CLIENT_ID"
    # The artifact names a variable for it.
    assert found.client_secret_key == "POLARIS_CLIENT_SECRET"
    assert not [notice for notice in plan.notices if "polarisSetup" in notice]


def test_a_product_without_a_warehouse_is_named() -> None:
    product = artifact(plugins__catalog__config__warehouse="")
    [notice] = [one for one in plan_platform([product], Deployment.default()).notices if "polarisSetup" in one]
    assert notice.startswith("artifact.json: plugins.catalog.config.warehouse and plugins.storage.config.bucket")


def test_a_catalog_elsewhere_is_not_set_up() -> None:
    product = artifact(plugins__catalog__config__uri="https://polaris.example.com/api/catalog")
    assert plan_platform([product], Deployment.default()).catalog_wishes == ()


def test_the_platform_sets_up_what_the_products_wish() -> None:
    other = changed(metadata__product_name="returns", plugins__storage__config__bucket="returns")
    other["plugins"]["catalog"]["config"]["warehouse"] = "returns"
    platform = FloePlatform([CompiledArtifacts.example(), CompiledArtifacts.parse(other, "returns.json")])
    values = platform.default_values()["polarisSetup"]
    assert {name: one["baseLocation"] for name, one in values["catalogs"].items()} == {
        "hello-floe": "s3://floe-iceberg/hello-floe",
        "returns": "s3://returns/returns",
    }
    secrets = {name: one["secretName"] for name, one in values["principals"].items()}
    assert secrets["returns"] == "floe-platform-returns-credentials"
    needed = {secret.name: secret.key_names for secret in platform.required_secrets()}
    for one in values["principals"].values():
        assert {one["clientIdKey"], one["clientSecretKey"]} <= set(needed[one["secretName"]])


def test_catalogs_are_kept_in_memory_in_test_environments_only() -> None:
    rules = [rule for rule in FloePlatform([CompiledArtifacts.example()]).rules() if rule.path.startswith("polaris.")]
    assert [(rule.path, rule.refused, rule.among) for rule in rules] == [
        ("polaris.persistence.type", ("in-memory",), ("test",))
    ]
