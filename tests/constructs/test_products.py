"""The facts of the data products: what the artifacts say arrives in the pods, letter by letter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floe_charts.constructs.minio.server import Minio
from floe_charts.constructs.object_store import ObjectStore, ObjectStoreValues
from floe_charts.constructs.platform import FloePlatform
from floe_charts.constructs.products import DataProducts, DataProductsValues, ProductFacts
from floe_charts.constructs.surroundings.secrets import PlatformSecrets
from floe_charts.deployment import Deployment
from floe_charts.errors import DeclarationError
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import ChartHandle, ValuesRefused, lint
from floe_charts.verify.schemas import validate_objects
from tests.constructs.rendering import new_chart, objects_of, written
from tests.synth.cases import NATIVE, artifact

NAME = "ConfigMap/floe-platform-products"
FULL = ProductFacts(
    slug="full-featured",
    name="full-featured",
    version="1.2.3",
    domain="retail",
    mode="centralized",
    source_hash="sha256:00",
    catalog_uri="http://floe-platform-polaris:8181/api/catalog",
    warehouse="example-warehouse",
    scope="PRINCIPAL_ROLE:ALL",
    storage_endpoint="http://floe-platform-minio:9000",
    bucket="example-bucket",
    region="us-east-1",
    path_style=True,
    lineage_namespace="full-featured",
    lineage_endpoint="http://floe-platform-marquez:5000/api/v1/lineage",
    otlp_endpoint="http://floe-platform-otel:4317",
    otlp_protocol="grpc",
    service_name="full-featured",
    models=("stg_orders", "mart_orders"),
    default_compute="duckdb",
    data_retention_days=90,
    credentials={
        "plugins.storage.config.secret_access_key": "FULL_FEATURED_SECRET_ACCESS_KEY",
        "plugins.compute.config.b": "SHARED",
        "plugins.compute.config.a": "SHARED",
    },
    credentials_secret="floe-platform-full-featured-credentials",
)
SMALL = ProductFacts(slug="small", name="Small", version="0.1.0")


def chart_of(directory: Path, *products: ProductFacts) -> ChartHandle:
    chart = new_chart()
    DataProducts(chart, "products", products)
    return written(chart, directory)


def files_of(handle: ChartHandle, values: dict[str, object] | None = None) -> dict[str, Any]:
    data = objects_of(handle, values or {})[NAME].data.get("data", {})
    assert isinstance(data, dict)
    return {name: yaml.safe_load(text) for name, text in data.items()}


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return chart_of(tmp_path_factory.mktemp("products"), SMALL, FULL)


def test_every_fact_is_in_the_products_file(chart: ChartHandle) -> None:
    assert files_of(chart)["full-featured.yaml"] == {
        "name": "full-featured",
        "version": "1.2.3",
        "domain": "retail",
        "mode": "centralized",
        "source_hash": "sha256:00",
        "default_compute": "duckdb",
        "models": ["stg_orders", "mart_orders"],
        "data_retention_days": 90,
        "catalog": {
            "uri": "http://floe-platform-polaris:8181/api/catalog",
            "warehouse": "example-warehouse",
            "scope": "PRINCIPAL_ROLE:ALL",
        },
        "storage": {
            "endpoint": "http://floe-platform-minio:9000",
            "bucket": "example-bucket",
            "region": "us-east-1",
            "path_style": True,
        },
        "lineage": {"namespace": "full-featured", "endpoint": "http://floe-platform-marquez:5000/api/v1/lineage"},
        "telemetry": {
            "endpoint": "http://floe-platform-otel:4317",
            "protocol": "grpc",
            "service_name": "full-featured",
        },
        "credentials": {
            "secret": "floe-platform-full-featured-credentials",
            "keys": {
                "FULL_FEATURED_SECRET_ACCESS_KEY": ["plugins.storage.config.secret_access_key"],
                "SHARED": ["plugins.compute.config.a", "plugins.compute.config.b"],
            },
        },
    }


def test_what_an_artifact_does_not_say_is_not_there(chart: ChartHandle) -> None:
    assert files_of(chart)["small.yaml"] == {"name": "Small", "version": "0.1.0"}


def test_false_and_zero_are_facts(tmp_path: Path) -> None:
    found = files_of(chart_of(tmp_path, replace(SMALL, path_style=False, data_retention_days=0, warehouse="")))
    assert found["small.yaml"] == {
        "name": "Small",
        "version": "0.1.0",
        "data_retention_days": 0,
        "catalog": {"warehouse": ""},
        "storage": {"path_style": False},
    }


def store_chart(directory: Path, *, minio: bool) -> ChartHandle:
    chart = new_chart()
    store = ObjectStore(chart, values=ObjectStoreValues(region="eu-west-1"))
    PlatformSecrets(chart, secrets=store.required_secrets())
    if minio:
        Minio(chart, store=store)
    DataProducts(chart, "products", [SMALL, FULL])
    return written(chart, directory)


@pytest.fixture(scope="module")
def with_minio(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return store_chart(tmp_path_factory.mktemp("minio"), minio=True)


@pytest.fixture(scope="module")
def without_minio(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return store_chart(tmp_path_factory.mktemp("external"), minio=False)


def storage_of(handle: ChartHandle, endpoint: str, **values: object) -> Any:
    facts = {"full-featured": {"storage": {"endpoint": endpoint}}}
    return files_of(handle, {"products": {"byName": facts}, **values})["full-featured.yaml"]["storage"]


OWN = {"bucket": "example-bucket", "region": "us-east-1", "path_style": True}
PLATFORMS = {"bucket": "example-bucket", "region": "eu-west-1", "path_style": False}
ENDPOINTS = pytest.mark.parametrize(
    ("endpoint", "ours"),
    [
        ("http://floe-platform-minio:9000", True),
        ("http://floe-platform-minio:9000/", True),
        ("https://floe-platform-minio", True),
        ("http://floe-platform-minio-2:9000", False),
        ("http://floe-platform-minio.shared.svc:9000", False),
        ("https://s3.example.com", False),
        ("", False),
    ],
)


@ENDPOINTS
def test_a_minio_that_is_switched_off_is_nobodys_store(with_minio: ChartHandle, endpoint: str, ours: bool) -> None:
    assert storage_of(with_minio, endpoint, minio={"enabled": True}) == {"endpoint": endpoint, **OWN}
    found = storage_of(with_minio, endpoint, minio={"enabled": False})
    assert found == (PLATFORMS if ours else {"endpoint": endpoint, **OWN})


@ENDPOINTS
def test_a_minio_that_is_not_in_the_chart_is_nobodys_store(
    without_minio: ChartHandle, endpoint: str, ours: bool
) -> None:
    assert storage_of(without_minio, endpoint) == (PLATFORMS if ours else {"endpoint": endpoint, **OWN})


def test_the_platforms_store_takes_the_place_of_a_minio_that_is_off(with_minio: ChartHandle) -> None:
    there = {"endpoint": "https://s3.example.com", "region": "r", "pathStyle": True}
    found = storage_of(with_minio, "http://floe-platform-minio:9000", objectStore=there)
    assert found == {
        "endpoint": "https://s3.example.com",
        "bucket": "example-bucket",
        "region": "r",
        "path_style": True,
    }
    found = storage_of(with_minio, "https://theirs.example.com", objectStore=there)
    assert found == {"endpoint": "https://theirs.example.com", **OWN}


def test_a_product_without_a_store_has_none_beside_minio_either(with_minio: ChartHandle) -> None:
    for enabled in (False, True):
        assert files_of(with_minio, {"minio": {"enabled": enabled}})["small.yaml"] == {
            "name": "Small",
            "version": "0.1.0",
        }


def test_the_order_of_the_products_does_not_matter(tmp_path: Path) -> None:
    first, second = new_chart(), new_chart()
    DataProducts(first, "products", [SMALL, FULL])
    DataProducts(second, "products", [FULL, SMALL])
    assert first.files() == second.files()


def test_a_platform_without_products_has_an_empty_config_map(tmp_path: Path) -> None:
    assert files_of(chart_of(tmp_path)) == {}


@pytest.mark.parametrize(
    "text", ["{{ env_var('X') }}", "{{ .Values }}", "yes", "0123", "a: b # c", "x\n\ny ", "'\"\\", "ü€\u2028\x7f"]
)
def test_hostile_text_comes_out_as_it_went_in(tmp_path: Path, text: str) -> None:
    facts = replace(SMALL, name=text, warehouse=text, models=(text,), credentials={text: "KEY"})
    found = files_of(chart_of(tmp_path, facts))["small.yaml"]
    assert (found["name"], found["catalog"]["warehouse"], found["models"]) == (text, text, [text])
    assert found["credentials"]["keys"] == {"KEY": [text]}


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_comes_out_as_it_went_in(chart: ChartHandle, text: str) -> None:
    values: dict[str, object] = {
        "products": {"byName": {"small": {"name": text, "models": [text], "lineage": {"endpoint": text}}}}
    }
    found = files_of(chart, values)["small.yaml"]
    assert (found["name"], found["models"], found["lineage"]["endpoint"]) == (text, [text], text)


@pytest.mark.parametrize("version", [OLDEST, latest_kube_version()])
def test_the_config_map_fits_kubernetes(chart: ChartHandle, version: str) -> None:
    assert not validate_objects(list(objects_of(chart, {}).values()), [version]).findings


@pytest.mark.parametrize(
    "values", [{"byname": {}}, {"byName": {"small": {"verson": "1"}}}, {"byName": {"Not A Label": {}}}]
)
def test_what_is_not_declared_is_refused(chart: ChartHandle, values: dict[str, object]) -> None:
    with pytest.raises(ValuesRefused):
        chart.render({"products": values})


def test_helm_lints_the_chart(tmp_path: Path) -> None:
    chart_of(tmp_path, SMALL, FULL)
    assert lint(tmp_path / "floe-platform") == []


def test_the_id_is_the_key_in_values() -> None:
    chart = new_chart()
    DataProducts(chart, "products")
    with pytest.raises(DeclarationError):
        DataProducts(chart, "products", values=DataProductsValues())


@pytest.mark.parametrize(
    ("part", "group", "key"),
    [("marquez", "lineage", "endpoint"), ("polaris", "catalog", "uri"), ("otel", "telemetry", "endpoint")],
)
def test_addresses_of_parts_that_are_off_are_left_out(part: str, group: str, key: str, tmp_path: Path) -> None:
    handle = written(FloePlatform([artifact()], Deployment.parse(NATIVE)), tmp_path).without_schema()
    on, off = (files_of(handle, {part: {"enabled": enabled}})["hello-floe.yaml"] for enabled in (True, False))
    assert f"floe-platform-{part}" in on[group][key]
    assert key not in off[group]
    assert {name: facts for name, facts in on.items() if name != group} == {
        name: facts for name, facts in off.items() if name != group
    }
