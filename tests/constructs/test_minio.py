"""MinIO: off until switched on, from images that can be pulled, with the buckets that S3 would take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from floe_charts.constructs.minio import KNOWN_VERSION, MinioAuth, MinioValues, Minio, is_bucket_name
from floe_charts.constructs.network import MINIO, MINIO_CONSOLE
from floe_charts.deployment import ChartSource
from floe_charts.errors import DeclarationError
from floe_charts.helm import ChartValues, HelmChart
from floe_charts.helm.layers import prune_nulls
from floe_charts.verify.engine import ChartHandle, ValuesRefused, load
from tests.constructs.rendering import new_chart, written
from tests.constructs.upstream import missing_keys, unknown_keys
from tests.support import SHARED, echoed_values, with_echo_dependencies

UPSTREAM = SHARED / "upstream" / "minio"
needs_upstream = pytest.mark.skipif(not UPSTREAM.is_dir(), reason="Bitnami's chart's values are not at hand")


def store_chart() -> HelmChart:
    chart = new_chart()
    Minio(chart, buckets=["floe-iceberg", "raw.data", "floe-iceberg"])
    return chart


def with_minio(directory: Path, defaults: Mapping[str, object]) -> ChartHandle:
    """The chart with a stand-in for Bitnami's that says what it is given."""
    written(store_chart(), directory / "made")
    return load(with_echo_dependencies(directory / "made" / "floe-platform", directory, {"minio": defaults}))


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return with_minio(tmp_path_factory.mktemp("minio"), {})


def given_values(handle: ChartHandle, values: Mapping[str, object] | None = None) -> dict[str, Any]:
    return echoed_values(handle.render({"minio": {"enabled": True, **(values or {})}}))["minio"]


def test_it_is_off_until_switched_on(chart: ChartHandle) -> None:
    assert echoed_values(chart.render()) == {}
    (entry,) = yaml.safe_load(store_chart().files()["Chart.yaml"])["dependencies"]
    assert (entry["name"], entry["version"], entry["condition"]) == ("minio", KNOWN_VERSION, "minio.enabled")


def test_a_warning_is_printed_where_it_is_on(chart: ChartHandle) -> None:
    def notes(values: Mapping[str, object]) -> str:
        return next(text for name, text in chart.render(values).items() if name.endswith("NOTES.txt"))

    assert "WARNING" not in notes({})
    assert "development and test only" in notes({"minio": {"enabled": True}})


def test_service_secret_and_buckets_reach_the_chart(chart: ChartHandle) -> None:
    values = given_values(chart)
    assert values["fullnameOverride"] == "floe-platform-minio"
    assert values["service"]["ports"] == {"api": MINIO.port, "console": MINIO_CONSOLE.port}
    assert values["defaultBuckets"] == "floe-iceberg,raw.data"
    assert values["mode"] == "standalone"
    assert values["auth"] == {
        "existingSecret": "floe-platform-minio",
        "rootUserSecretKey": "root-user",
        "rootPasswordSecretKey": "root-password",
    }


def test_the_image_is_where_it_can_be_pulled_and_the_chart_lets_it_pass(chart: ChartHandle) -> None:
    values = given_values(chart)
    assert values["image"]["repository"] == "bitnamilegacy/minio"
    assert values["global"]["security"] == {"allowInsecureImages": True}


def test_the_secret_that_must_exist_is_the_one_that_is_read() -> None:
    (secret,) = Minio(new_chart()).required_secrets()
    assert (secret.name, secret.keys, secret.condition) == (
        "floe-platform-minio",
        ("root-user", "root-password"),
        "minio.enabled is true",
    )
    theirs = MinioValues(auth=MinioAuth(existing_secret="theirs", root_user_secret_key="user"))
    (secret,) = Minio(new_chart(), values=theirs).required_secrets()
    assert (secret.name, secret.keys) == ("theirs", ("user", "root-password"))


def test_names_follow_the_charts_full_name() -> None:
    chart = HelmChart("x", values=ChartValues(fullname_override="acme"), fixed_fullname=True)
    store = Minio(chart, source=ChartSource(version="14.10.4", repository="oci://mirror.example.com/charts"))
    assert store.required_secrets()[0].name == "acme-minio"
    assert chart.default_values()["minio"]["fullnameOverride"] == "acme-minio"
    assert "floe-platform" not in chart.files()["values.yaml"]
    (entry,) = yaml.safe_load(chart.files()["Chart.yaml"])["dependencies"]
    assert (entry["version"], entry["repository"]) == ("14.10.4", "oci://mirror.example.com/charts")


@pytest.mark.parametrize("name", ["abc", "floe-iceberg", "raw.data", "1-2", "a" * 63])
def test_s3_takes_a_bucket(name: str) -> None:
    assert is_bucket_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "a" * 64,
        "Abc",
        "a_b",
        "-abc",
        "abc-",
        "a..b",
        "192.168.0.1",
        "a,b",
        "abc\n",
        "{{ x }}",
        "a b",
        "é12",
        "\u0663\u0663\u0663",
    ],
)
def test_s3_refuses_a_bucket(name: str) -> None:
    assert not is_bucket_name(name)
    with pytest.raises(DeclarationError, match="S3 bucket"):
        Minio(new_chart(), buckets=[name])


@given(st.lists(st.text(st.sampled_from("ab1.-"), min_size=3, max_size=8).filter(is_bucket_name), max_size=4))
def test_buckets_never_run_into_each_other(buckets: list[str]) -> None:
    chart = new_chart()
    Minio(chart, buckets=buckets)
    given_names = chart.default_values()["minio"]["defaultBuckets"].split(",")
    assert [name for name in given_names if name] == list(dict.fromkeys(buckets))


@pytest.mark.parametrize(
    "values",
    [
        {"enbaled": True},
        {"mode": "distributed"},
        {"fullnameOverride": "other"},
        {"defaultBuckets": "A B"},
        {"persistence": {"sise": "1Gi"}},
        {"persistence": {"size": "big"}},
        {"service": {"ports": {"api": 80}}},
        {"auth": {"existingSecret": "{{ x }}"}},
        {"resources": {"limits": {"memroy": "1Gi"}}},
    ],
)
def test_the_schema_refuses(chart: ChartHandle, values: Mapping[str, object]) -> None:
    with pytest.raises(ValuesRefused):
        chart.render({"minio": {"enabled": True, **values}})


def test_values_that_helm_shares_with_all_charts_may_come_in(chart: ChartHandle) -> None:
    everywhere = {"imageRegistry": "mirror", "acme": 1}
    shared = echoed_values(chart.render({"global": everywhere, "minio": {"enabled": True}}))["minio"]["global"]
    assert isinstance(shared, Mapping)
    assert shared["acme"] == 1


@needs_upstream
def test_every_key_of_bitnamis_chart_is_known(tmp_path: Path) -> None:
    defaults = yaml.safe_load((UPSTREAM / "values.yaml").read_text(encoding="utf-8"))
    model = type(Minio(new_chart()).values)
    assert list(missing_keys(model, defaults)) == []
    # The switch is this chart's, `common` a dependency of Bitnami's whose values Helm puts among its own.
    assert unknown_keys(model, defaults) == {"enabled", "common"}
    handle = with_minio(tmp_path, defaults)
    assert given_values(handle)["persistence"]["mountPath"] == "/bitnami/minio/data"
    with pytest.raises(ValuesRefused):
        given_values(handle, {"persistance": {"size": "1Gi"}})


@needs_upstream
def test_an_overlay_may_set_any_value_under_the_charts_own_defaults(tmp_path: Path) -> None:
    """Helm keeps a dependency's null where an overlay sets something beside it, and the schema sees the null."""
    handle = with_minio(tmp_path, yaml.safe_load((UPSTREAM / "values.yaml").read_text(encoding="utf-8")))
    again = given_values(handle, {**store_chart().default_values()["minio"], "enabled": True})
    assert prune_nulls(again) == prune_nulls(given_values(handle))
