"""Code locations: Python modules, and gRPC servers for those that have an image, in both strategies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest

from floe_charts.constructs.dagster.stack import CodeLocation, DagsterStack
from floe_charts.constructs.products import PRODUCTS_PATH
from floe_charts.errors import DeclarationError
from floe_charts.helm import ChartValues, HelmChart
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import ChartHandle, ValuesRefused
from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.schemas import validate_objects
from tests.constructs.dagster_charts import (
    CREDENTIALS,
    IMAGE,
    dagster_chart,
    document,
    env_of,
    pod_of,
    rendered,
    stack_of,
)
from tests.constructs.rendering import insecure, objects_of, spec_of, written

STRATEGIES: tuple[Literal["dependency", "native"], ...] = ("dependency", "native")


@pytest.fixture(scope="module", params=STRATEGIES)
def chart(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return written(dagster_chart(request.param), tmp_path_factory.mktemp(request.param))


def located(handle: ChartHandle, locations: Mapping[str, Any] | None = None, **more: Any) -> dict[str, RenderedObject]:
    return rendered(handle, {"workspace": {"locations": locations or {}, **more}})


def workspace_of(objects: Mapping[str, RenderedObject]) -> list[Any]:
    found: dict[str, list[Any]] = document(objects, "dagster-workspace", "workspace.yaml")
    assert found.keys() == {"load_from"}
    return found["load_from"]


def servers(objects: Mapping[str, RenderedObject]) -> list[str]:
    return sorted(name.rpartition("/")[2] for name in objects if name.startswith("Deployment/floe-platform-code-"))


def container_of(objects: Mapping[str, RenderedObject], key: str) -> dict[str, Any]:
    [found] = pod_of(objects, f"Deployment/floe-platform-code-{key}")["spec"]["containers"]
    assert isinstance(found, dict)
    return found


# Python modules


def test_the_workspace_lists_a_module_per_product(chart: ChartHandle) -> None:
    objects = located(chart)
    assert workspace_of(objects) == [
        {"python_module": {"module_name": "acme.iot.definitions", "location_name": "iot"}},
        {"python_module": {"module_name": "sales_daily", "location_name": "Sales-Daily"}},
    ]
    assert servers(objects) == []


def test_a_location_can_be_changed_added_and_removed_by_values(chart: ChartHandle) -> None:
    added = {"module": "b", "attribute": "defs", "workingDirectory": "/code"}
    objects = located(chart, {"iot": None, "sales-daily": {"module": "a"}, "new": added})
    assert [one["python_module"] for one in workspace_of(objects)] == [
        {"module_name": "b", "location_name": "new", "attribute": "defs", "working_directory": "/code"},
        {"module_name": "a", "location_name": "Sales-Daily"},
    ]


def test_a_workspace_without_locations_is_an_empty_list(tmp_path: Path) -> None:
    assert workspace_of(located(written(dagster_chart(locations=()), tmp_path))) == []


@pytest.mark.parametrize("name", ["yes", "null", "e1", "On", "A_b-C"])
def test_names_stay_text(tmp_path: Path, name: str) -> None:
    handle = written(dagster_chart(locations=(CodeLocation.of_product(name),)), tmp_path)
    [found] = workspace_of(located(handle))
    assert found["python_module"]["location_name"] == name


@pytest.mark.parametrize(
    "locations",
    [
        {"A": {"module": "m"}},
        {"a b": {"module": "m"}},
        {"1a": {"module": "m"}},
        {"{{x}}": {"module": "m"}},
        {"a": {"module": "m; x"}},
        {"a": {"module": "m", "name": "it's"}},
        {"a": {"module": "m", "image": {"repository": "x"}}},
        {"a": {"module": "m", "image": {**IMAGE, "digest": "sha256:1"}}},
        {"a": {"module": "m", "image": IMAGE, "envSecrets": ["Not_A_Name"]}},
        {"a": {"module": "m", "imege": IMAGE}},
    ],
    ids=str,
)
def test_what_is_no_location_is_refused(chart: ChartHandle, locations: Mapping[str, Any]) -> None:
    with pytest.raises(ValuesRefused):
        chart.check_values({"workspace": {"locations": locations}})


# Servers


def test_each_location_with_an_image_is_a_server_of_its_own(chart: ChartHandle) -> None:
    pinned = {**IMAGE, "digest": f"sha256:{'a' * 64}", "pullPolicy": "Always"}
    new = {"module": "b.defs", "attribute": "defs", "workingDirectory": "/code", "image": pinned, "name": "Third"}
    objects = located(chart, {"iot": {"image": IMAGE}, "new": new})
    assert workspace_of(objects) == [
        {"grpc_server": {"host": "floe-platform-code-iot", "port": 4000, "location_name": "iot"}},
        {"grpc_server": {"host": "floe-platform-code-new", "port": 4000, "location_name": "Third"}},
        {"python_module": {"module_name": "sales_daily", "location_name": "Sales-Daily"}},
    ]
    assert servers(objects) == ["floe-platform-code-iot", "floe-platform-code-new"]
    images = {key: container_of(objects, key) for key in ("iot", "new")}
    assert images["iot"]["image"] == "ghcr.io/acme/code:1.2"
    assert images["new"]["image"] == f"ghcr.io/acme/code:1.2@sha256:{'a' * 64}"
    assert images["new"]["imagePullPolicy"] == "Always"
    assert images["iot"]["args"][0] == "--module-name=acme.iot.definitions"
    assert images["new"]["args"][:3] == ["--module-name=b.defs", "--attribute=defs", "--working-directory=/code"]
    for key, container in images.items():
        service = spec_of(objects, f"Service/floe-platform-code-{key}")
        deployment = spec_of(objects, f"Deployment/floe-platform-code-{key}")
        labels = deployment["template"]["metadata"]["labels"]
        assert [port["port"] for port in service["ports"]] == [4000]
        assert service["selector"] == deployment["selector"]["matchLabels"]
        assert service["selector"].items() <= labels.items()
        assert labels["app.kubernetes.io/component"] == "dagster-code"
        # Runs of the location get the image of its server.
        assert env_of(container)["DAGSTER_CURRENT_IMAGE"] == container["image"]
    first, second = (spec_of(objects, f"Service/floe-platform-code-{key}")["selector"] for key in images)
    assert first != second


def test_servers_fit_kubernetes_and_are_restricted(chart: ChartHandle) -> None:
    extra = {
        "extraEnv": {"NOTE": {"value": "it's: {{ x }}"}},
        "extraVolumes": {"/data/x": {"volume": {"emptyDir": {}}}},
    }
    objects = located(chart, {"iot": {"image": IMAGE}}, codeServers={**extra, "podLabels": {"team": "x"}})
    report = validate_objects(list(objects.values()), (OLDEST, latest_kube_version()))
    assert [str(finding) for finding in report.findings] == []
    assert insecure(objects) == []
    container = container_of(objects, "iot")
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert env_of(container)["NOTE"] == "it's: {{ x }}"
    volumes = pod_of(objects, "Deployment/floe-platform-code-iot")["spec"]["volumes"]
    mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    assert mounts.keys() == {one["name"] for one in volumes}
    assert {"/tmp", "/data/x", PRODUCTS_PATH} == set(mounts.values())


def test_a_server_is_asked_by_grpc_itself(chart: ChartHandle) -> None:
    container = container_of(located(chart, {"iot": {"image": IMAGE}}), "iot")
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[kind]["grpc"] == {"port": 4000, "service": "DagsterApi"}
    assert container["command"] == ["dagster", "api", "grpc", "--host=0.0.0.0", "--port=4000"]


def test_a_server_reads_what_the_code_of_its_product_needs(chart: ChartHandle) -> None:
    more = {"image": IMAGE, "envConfigMaps": ["ours"], "envSecrets": ["mine", "too"]}
    objects = located(chart, {"iot": more, "sales-daily": {"image": IMAGE}})
    sources = container_of(objects, "iot")["envFrom"]
    assert [one["configMapRef"]["name"] for one in sources if "configMapRef" in one] == [
        "floe-platform-dagster-env",
        "floe-platform-object-store",
        "ours",
    ]
    assert [one["secretRef"]["name"] for one in sources if "secretRef" in one] == [
        "floe-platform-object-store",
        "mine",
        "too",
    ]
    secrets = [
        one["secretRef"]["name"] for one in container_of(objects, "sales-daily")["envFrom"] if "secretRef" in one
    ]
    assert secrets == ["floe-platform-object-store", CREDENTIALS]
    env = env_of(container_of(objects, "iot"))
    # Schedules and sensors open the instance that comes with a request.
    assert env["DAGSTER_PG_PASSWORD"] == {
        "secretKeyRef": {"name": "floe-platform-dagster-postgresql", "key": "password"}
    }
    # With it, the server would open the instance when it starts, and end where the database is away.
    assert "DAGSTER_HOME" not in env
    assert env["OTEL_SERVICE_NAME"] == "dagster-code-iot"


def test_a_location_can_have_other_resources_than_all(chart: ChartHandle) -> None:
    own = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}}
    shared = {"resources": {"limits": {"memory": "777Mi"}}}
    objects = located(
        chart, {"iot": {"image": IMAGE, "resources": own}, "sales-daily": {"image": IMAGE}}, codeServers=shared
    )
    assert container_of(objects, "iot")["resources"] == own
    assert container_of(objects, "sales-daily")["resources"]["limits"]["memory"] == "777Mi"


def test_servers_roll_when_the_facts_of_the_products_change(chart: ChartHandle) -> None:
    def marks(values: Mapping[str, Any]) -> dict[str, str]:
        objects = rendered(chart, {"workspace": {"locations": {"iot": {"image": IMAGE}}}, **values})
        found: dict[str, str] = pod_of(objects, "Deployment/floe-platform-code-iot")["metadata"]["annotations"]
        return found

    before, after = marks({}), marks({"products": {"byName": {"sales-daily": {"version": "2.0.0"}}}})
    assert {key for key in after if after[key] != before[key]} == {"checksum/products"}


# Names


@pytest.mark.parametrize("fullname", ["f", "floe-platform", "f" * 40])
def test_every_key_that_passes_makes_valid_names(tmp_path: Path, fullname: str) -> None:
    chart = HelmChart("shop", description="x", values=ChartValues(fullname_override=fullname), fixed_fullname=True)
    long = CodeLocation.of_product("Sales_" * 20 + "x")
    DagsterStack(chart, strategy="native", locations=[long, CodeLocation.of_product("Sales_" * 20 + "y")])
    assert len(set(chart.default_values()["workspace"]["locations"])) == 2
    handle = written(chart, tmp_path)
    longest = 63 - len(f"{fullname}-code-")
    objects = objects_of(handle, {"workspace": {"locations": {"k" * longest: {"module": "m", "image": IMAGE}}}})
    assert f"Service/{fullname}-code-{'k' * longest}" in objects
    assert [str(one) for one in validate_objects(list(objects.values()), (OLDEST,)).findings] == []
    with pytest.raises(ValuesRefused):
        handle.check_values({"workspace": {"locations": {"k" * (longest + 1): {"module": "m"}}}})


@pytest.mark.parametrize(("one", "other"), [("Sales-Daily", "sales_daily"), ("same", "same")])
def test_locations_that_would_be_one_are_refused(one: str, other: str) -> None:
    with pytest.raises(DeclarationError, match="two code locations"):
        dagster_chart(locations=[CodeLocation.of_product(one), CodeLocation.of_product(other)])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_servers_claim_their_resources_twice_while_they_are_replaced(strategy: Literal["dependency", "native"]) -> None:
    workspace = stack_of(dagster_chart(strategy)).workspace
    values = workspace.values.to_values()
    assert list(workspace.claims(values)) == []
    own = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}}
    values["locations"]["iot"].update(image=IMAGE, resources=own)
    values["locations"]["sales-daily"].update(image=IMAGE)
    claims = [(claim.pods, claim.resources) for claim in workspace.claims(values)]
    assert (2, own) in claims
    assert (2, values["codeServers"]["resources"]) in claims
    assert len(claims) == 2
