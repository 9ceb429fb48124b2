"""The object store: what everybody who uses it is told, and how it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floe_charts.constructs.minio.server import Minio
from floe_charts.constructs.network import MINIO, OBJECT_STORE_OUTSIDE
from floe_charts.constructs.object_store import (
    ACCESS_KEY,
    SECRET_KEY,
    ObjectStore,
    ObjectStoreValues,
    object_store_edges,
)
from floe_charts.deployment import Deployment
from floe_charts.helm import Component, Field, Values
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import ChartHandle, ValuesRefused
from floe_charts.verify.schemas import validate_objects
from tests.constructs.rendering import new_chart, objects_of, spec_of, written

NAME = "floe-platform-object-store"


class UserValues(Values):
    """Somebody who uses the object store."""

    backups: bool = Field(True, description="Whether there are backups.")


class User(Component[UserValues]):
    """A Deployment with the store's variables, and a ConfigMap for each connection that is there."""

    def build(self, v: UserValues) -> None:
        store: ObjectStore = self.chart.component(ObjectStore)
        part = self.part("user")
        env_from = {"envFrom": store.env_from()}
        self.add(part.deployment(containers=[self.container("user", "example.com/user:1", **env_from)]))
        edges = object_store_edges(self.chart, "user", "backups", when=v.backups)
        for edge, name in zip(edges, ("inside", "outside") if len(edges) > 1 else ("outside",), strict=True):
            with self.when(edge.when):
                self.add(self.config_map(self.name(name), {"purpose": edge.purpose}), name=name)


def chart_of(directory: Path, *, minio: bool) -> ChartHandle:
    chart = new_chart()
    store = ObjectStore(chart)
    if minio:
        Minio(chart, store=store, strategy="native")
    User(chart, "user")
    return written(chart, directory)


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return chart_of(tmp_path_factory.mktemp("store"), minio=True)


def variables(handle: ChartHandle, values: Mapping[str, object] | None = None) -> Any:
    return objects_of(handle, {"objectStore": values or {}})[f"ConfigMap/{NAME}"].data["data"]


def test_clients_are_told_of_aws_by_its_region_alone(chart: ChartHandle) -> None:
    assert variables(chart) == {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_S3_FORCE_PATH_STYLE": "false",
    }


def test_clients_are_told_of_another_store(chart: ChartHandle) -> None:
    found = variables(chart, {"endpoint": "https://s3.example.com:9443/x", "region": "eu-1", "pathStyle": True})
    assert found == {
        "AWS_REGION": "eu-1",
        "AWS_DEFAULT_REGION": "eu-1",
        "AWS_S3_FORCE_PATH_STYLE": "true",
        "AWS_ENDPOINT_URL": "https://s3.example.com:9443/x",
    }


def test_keys_come_from_the_secret_that_the_values_name(chart: ChartHandle) -> None:
    def sources(values: Mapping[str, object]) -> Any:
        objects = objects_of(chart, {"objectStore": values})
        [container] = spec_of(objects, "Deployment/floe-platform-user")["template"]["spec"]["containers"]
        return container["envFrom"]

    ours = {"configMapRef": {"name": NAME}}
    assert sources({}) == [ours, {"secretRef": {"name": NAME}}]
    assert sources({"secretName": "theirs"}) == [ours, {"secretRef": {"name": "theirs"}}]
    assert sources({"credentials": "identity"}) == [ours]


def test_the_secret_is_needed_unless_pods_have_an_identity() -> None:
    [secret] = ObjectStore(new_chart()).required_secrets()
    assert (secret.name, secret.key_names) == (NAME, (ACCESS_KEY, SECRET_KEY))
    assert secret.condition == "objectStore.credentials is secret"
    [secret] = ObjectStore(new_chart(), values=ObjectStoreValues(secret_name="theirs")).required_secrets()
    assert secret.name == "theirs"


def test_environments_with_a_minio_point_there() -> None:
    chart, deployment = new_chart(), Deployment.default()
    store = ObjectStore(chart)
    assert store.environment_values(deployment.environment("dev")) == {}, "there is no MinIO in the release"
    Minio(chart, store=store)
    assert store.environment_values(deployment.environment("dev")) == {
        "endpoint": "http://floe-platform-minio:9000",
        "pathStyle": True,
        "credentials": "secret",
    }
    assert store.environment_values(deployment.environment("prod")) == {}


# Connections


def there(handle: ChartHandle, values: Mapping[str, object]) -> set[str]:
    names = {"ConfigMap/floe-platform-inside": "inside", "ConfigMap/floe-platform-outside": "outside"}
    return {names[name] for name in objects_of(handle, values) if name in names}


def test_pods_connect_to_minio_where_it_runs_and_outward_where_not(chart: ChartHandle) -> None:
    assert there(chart, {"minio": {"enabled": True}}) == {"inside"}
    assert there(chart, {}) == {"outside"}
    for minio in (True, False):
        assert there(chart, {"minio": {"enabled": minio}, "user": {"backups": False}}) == set()


def test_without_a_minio_in_the_chart_pods_connect_outward(tmp_path: Path) -> None:
    handle = chart_of(tmp_path, minio=False)
    assert there(handle, {}) == {"outside"}
    assert there(handle, {"user": {"backups": False}}) == set()


def test_edges_name_the_workload_and_the_purpose() -> None:
    chart = new_chart()
    Minio(chart, store=ObjectStore(chart))
    inside, outside = object_store_edges(chart, "polaris", "tables")
    assert (inside.source, inside.target, inside.purpose) == ("polaris", MINIO, "tables")
    assert (outside.source, outside.target, outside.purpose) == ("polaris", OBJECT_STORE_OUTSIDE, "tables")
    [alone] = object_store_edges(new_chart(), "polaris", "tables")
    assert (alone.target, alone.when) == (OBJECT_STORE_OUTSIDE, None)


@pytest.mark.parametrize(
    ("values", "ports"),
    [
        ({"endpoint": ""}, None),
        ({"endpoint": "https://s3.example.com"}, None),
        ({"endpoint": "http://floe-platform-minio:9000"}, None),
        ({"endpoint": "https://s3.example.com:9443/x"}, [9443]),
        ({"endpoint": "http://s3.example.com"}, [80]),
        ({"endpoint": "https://s3.example.com:9443", "credentials": "identity"}, [9443, 443]),
    ],
)
def test_policies_open_the_port_that_the_endpoint_names(values: dict[str, str], ports: list[int] | None) -> None:
    found = ObjectStore(new_chart()).outside_ports({"credentials": "secret", **values})
    assert {outside.id: [*numbers] for outside, numbers in found.items()} == ({"objectStore": ports} if ports else {})


# Values


_URL = r"(https?://[a-z0-9.-]{1,20}(:[0-9]{1,4})?(/[A-Za-z0-9._~/-]{0,20})?)?"


@settings(deadline=None, max_examples=50)
@given(
    values=st.fixed_dictionaries(
        {
            "endpoint": st.from_regex(_URL, fullmatch=True),
            "region": st.from_regex(r"[A-Za-z0-9-]{1,64}", fullmatch=True),
            "pathStyle": st.booleans(),
            "credentials": st.sampled_from(["secret", "identity"]),
        }
    )
)
def test_whatever_the_schema_takes_fits_kubernetes_and_comes_out_as_it_went_in(
    chart: ChartHandle, values: dict[str, Any]
) -> None:
    report = validate_objects(
        list(objects_of(chart, {"objectStore": values}).values()), (OLDEST, latest_kube_version())
    )
    assert [str(finding) for finding in report.findings] == []
    found = variables(chart, values)
    assert found.get("AWS_ENDPOINT_URL", "") == values["endpoint"]
    assert found["AWS_REGION"] == values["region"]
    assert found["AWS_S3_FORCE_PATH_STYLE"] == str(values["pathStyle"]).lower()


@pytest.mark.parametrize(
    "values",
    [
        {"endpoint": "s3.example.com"},
        {"endpoint": "https://me:secret@s3.example.com"},
        {"endpoint": "https://s3.example.com/{{ x }}"},
        {"endpoint": "https://s3.example.com\n"},
        {"region": ""},
        {"region": "eu 1"},
        {"pathStyle": "true"},
        {"credentials": "none"},
        {"secretName": ""},
        {"bucket": "data"},
    ],
)
def test_the_schema_refuses(chart: ChartHandle, values: Mapping[str, object]) -> None:
    with pytest.raises(ValuesRefused):
        chart.render({"objectStore": values})
