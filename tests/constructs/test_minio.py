"""MinIO: off until switched on, one pod with the object store's keys and the buckets that S3 would take."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe_charts.constructs.minio.buckets import is_bucket_name
from floe_charts.constructs.minio.server import KNOWN_VERSION, Minio, MinioChartValues, NativeMinioValues
from floe_charts.constructs.network import INGRESS, MINIO, MINIO_CONSOLE, PROMETHEUS
from floe_charts.constructs.object_store import ObjectStore, ObjectStoreValues
from floe_charts.constructs.part import Claim
from floe_charts.constructs.surroundings.secrets import PlatformSecrets
from floe_charts.deployment import ChartSource, Deployment
from floe_charts.errors import DeclarationError
from floe_charts.helm import ChartValues, HelmChart
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.helm.layers import merge, prune_nulls
from floe_charts.verify.engine import ChartHandle, ValuesRefused, lint, load
from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.schemas import validate_objects
from tests.constructs.rendering import insecure, new_chart, objects_of, spec_of, written
from tests.constructs.upstream import missing_keys, unknown_keys
from tests.support import SHARED, echoed_values, load_yaml, with_echo_dependencies

UPSTREAM = SHARED / "upstream" / "minio"
needs_upstream = pytest.mark.skipif(not UPSTREAM.is_dir(), reason="Bitnami's chart's values are not at hand")

Strategy = Literal["dependency", "native"]
STRATEGIES: tuple[Strategy, ...] = ("dependency", "native")
BUCKETS = ("floe-iceberg", "raw.data", "floe-iceberg")
NAME = "floe-platform-minio"
SECRET = "floe-platform-object-store"


def minio(chart: HelmChart, strategy: Strategy = "dependency", **more: Any) -> Minio:
    store = more.pop("store", None) or ObjectStore(chart)
    made = Minio(chart, store=store, strategy=strategy, **{"buckets": BUCKETS, **more})
    PlatformSecrets(chart, secrets=store.required_secrets())
    return made


def store_chart(strategy: Strategy = "dependency") -> HelmChart:
    chart = new_chart()
    minio(chart, strategy)
    return chart


def with_minio(directory: Path, defaults: Mapping[str, object]) -> ChartHandle:
    """The chart with a stand-in for Bitnami's that says what it is given."""
    written(store_chart(), directory / "made")
    return load(with_echo_dependencies(directory / "made" / "floe-platform", directory, {"minio": defaults}))


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return with_minio(tmp_path_factory.mktemp("minio"), {})


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("native")


@pytest.fixture(scope="module")
def native(directory: Path) -> ChartHandle:
    return written(store_chart("native"), directory)


def given_values(handle: ChartHandle, values: Mapping[str, object] | None = None) -> dict[str, Any]:
    return echoed_values(handle.render({"minio": {"enabled": True, **(values or {})}}))["minio"]


def native_objects(handle: ChartHandle, values: Mapping[str, object] | None = None) -> dict[str, RenderedObject]:
    found = objects_of(handle, {"minio": {"enabled": True, **(values or {})}})
    return {name: one for name, one in found.items() if name != f"ConfigMap/{SECRET}"}


# Both strategies


def test_it_is_off_until_switched_on(chart: ChartHandle, native: ChartHandle) -> None:
    assert echoed_values(chart.render()) == {}
    assert set(objects_of(native, {})) == {f"ConfigMap/{SECRET}"}
    (entry,) = load_yaml(store_chart().files()["Chart.yaml"])["dependencies"]
    assert (entry["name"], entry["version"], entry["condition"]) == ("minio", KNOWN_VERSION, "minio.enabled")
    assert "dependencies" not in load_yaml(store_chart("native").files()["Chart.yaml"])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_warning_is_printed_where_it_is_on(strategy: Strategy, request: pytest.FixtureRequest) -> None:
    handle: ChartHandle = request.getfixturevalue("chart" if strategy == "dependency" else "native")

    def notes(values: Mapping[str, object]) -> str:
        found = (text for name, text in handle.render(values).items() if name.endswith("NOTES.txt"))
        return next(found, "")

    assert "WARNING" not in notes({})
    assert "for development and test only" in notes({"minio": {"enabled": True}})


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_who_writes_the_chart_is_told_where_it_is_on(strategy: Strategy) -> None:
    part = minio(new_chart(), strategy)
    served = {name: {"minio": {"enabled": on}} for name, on in (("dev", True), ("staging", True), ("prod", False))}
    [line] = part.notices(served)
    assert line.startswith("minio runs in dev, staging: ")
    assert "development and test only" in line
    assert part.notices({"prod": {"minio": {"enabled": False}}}) == []


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_secret_is_the_object_stores(strategy: Strategy) -> None:
    [secret] = minio(new_chart(), strategy).required_secrets()
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    assert (secret.id, secret.name, secret.key_names) == ("objectStore", SECRET, keys)
    assert secret.condition == "minio.enabled is true"
    assert secret.can_be_generated
    chart = new_chart()
    theirs = ObjectStore(chart, values=ObjectStoreValues(secret_name="theirs"))
    [secret] = minio(chart, strategy, store=theirs).required_secrets()
    assert secret.name == "theirs"


def test_the_secret_of_store_and_minio_is_needed_where_either_needs_it() -> None:
    chart = new_chart()
    store = ObjectStore(chart)
    [one], [other] = store.required_secrets(), minio(chart, store=store).required_secrets()
    both = one.merged(other)
    assert both.condition == "objectStore.credentials is secret or minio.enabled is true"
    assert both.when is not None
    assert both.purpose == "access to the object store; MinIO's administrator"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_it_declares(strategy: Strategy) -> None:
    part = minio(new_chart(), strategy)
    assert part.endpoints() == (MINIO, MINIO_CONSOLE)
    assert [workload.name for workload in part.workloads()] == ["minio"]
    assert [(edge.source, edge.target) for edge in part.edges()] == [
        (PROMETHEUS, MINIO),
        (INGRESS, MINIO),
        (INGRESS, MINIO_CONSOLE),
    ]
    assert [(scrape.endpoint, scrape.path) for scrape in part.scrapes()] == [(MINIO, "/minio/v2/metrics/cluster")]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_it_claims_one_pod_and_its_volume(strategy: Strategy) -> None:
    chart = new_chart()
    part = minio(chart, strategy)
    values = merge(chart.default_values()["minio"], {"enabled": True})
    assert part.claims(values) == (Claim(1, values["resources"], "10Gi", 1),)
    assert part.claims(merge(values, {"persistence": {"enabled": False}})) == (Claim(1, values["resources"], "", 0),)
    assert part.claims({**values, "enabled": False}) == ()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_environments_with_a_minio_switch_it_on(strategy: Strategy) -> None:
    part, deployment = minio(new_chart(), strategy), Deployment.default()
    nodes = {"enabled": True, "service": {"type": "NodePort"}}
    assert part.environment_values(deployment.environment("dev")) == nodes
    assert part.environment_values(deployment.environment("test")) == {**nodes, "persistence": {"enabled": False}}
    assert part.environment_values(deployment.environment("prod")) == {}
    demo = deployment.environment("staging").model_copy(update={"object_store": "minio"})
    assert part.environment_values(demo) == {"enabled": True}


def test_the_check_asks_for_health_and_for_each_bucket(tmp_path: Path) -> None:
    [check] = minio(HelmChart("x", values=ChartValues(fullname_override="acme")), "native").checks()
    assert check.edges == (MINIO,)
    assert set(check.env) == {"BUCKETS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    curl = tmp_path / "curl"
    log = tmp_path / "log"
    curl.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {shlex.quote(str(log))}\ncase "$*" in */gone) exit 22;; esac\n')
    curl.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "a b$c"}

    def asked(buckets: str) -> tuple[int, list[str]]:
        log.write_text("")
        script = check.script.replace(MINIO.url(minio(new_chart()).chart), "http://minio")
        done = subprocess.run(["/bin/sh", "-ec", script], env={**env, "BUCKETS": buckets}, check=False)
        return done.returncode, log.read_text().splitlines()

    code, lines = asked("one,two")
    assert code == 0
    assert len(lines) == 3
    assert lines[1].startswith("-fsS -o /dev/null --aws-sigv4 aws:amz:us-east-1:s3 --user me:a b$c ")
    assert lines[2].endswith("/two")
    assert asked("") == (0, lines[:1])
    assert asked("gone,two")[0] == 22


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_names_follow_the_charts_full_name(strategy: Strategy) -> None:
    chart = HelmChart("x", values=ChartValues(fullname_override="acme"), fixed_fullname=True)
    store = minio(chart, strategy)
    assert store.required_secrets()[0].name == "acme-object-store"
    assert "floe-platform" not in chart.files()["values.yaml"]


def test_values_must_be_those_of_the_strategy() -> None:
    with pytest.raises(DeclarationError, match="takes NativeMinioValues, found MinioChartValues"):
        minio(new_chart(), "native", values=MinioChartValues())
    with pytest.raises(DeclarationError, match="takes MinioChartValues, found NativeMinioValues"):
        minio(new_chart(), values=NativeMinioValues())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_given_values_are_kept_and_the_rest_is_ours(strategy: Strategy) -> None:
    given_class = NativeMinioValues if strategy == "native" else MinioChartValues
    chart = new_chart()
    minio(chart, strategy, values=given_class(node_selector={"disk": "ssd"}))
    values = chart.default_values()["minio"]
    assert (values["nodeSelector"], values["defaultBuckets"]) == ({"disk": "ssd"}, "floe-iceberg,raw.data")


# Buckets


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
        minio(new_chart(), buckets=[name])


@given(st.lists(st.text(st.sampled_from("ab1.-"), min_size=3, max_size=8).filter(is_bucket_name), max_size=4))
def test_buckets_never_run_into_each_other(buckets: list[str]) -> None:
    for strategy in STRATEGIES:
        chart = new_chart()
        minio(chart, strategy, buckets=buckets)
        given_names = chart.default_values()["minio"]["defaultBuckets"].split(",")
        assert [name for name in given_names if name] == list(dict.fromkeys(buckets))


# Bitnami's chart


def test_service_secret_labels_and_buckets_reach_the_chart(chart: ChartHandle) -> None:
    values = given_values(chart)
    assert values["fullnameOverride"] == NAME
    assert values["service"]["ports"] == {"api": MINIO.port, "console": MINIO_CONSOLE.port}
    assert values["defaultBuckets"] == "floe-iceberg,raw.data"
    assert values["mode"] == "standalone"
    assert values["commonLabels"] == {
        "app.kubernetes.io/part-of": "floe-platform",
        "app.kubernetes.io/component": "minio",
    }
    assert values["auth"] == {
        "existingSecret": SECRET,
        "rootUserSecretKey": "AWS_ACCESS_KEY_ID",
        "rootPasswordSecretKey": "AWS_SECRET_ACCESS_KEY",
    }


def test_the_image_is_where_it_can_be_pulled_and_the_chart_lets_it_pass(chart: ChartHandle) -> None:
    values = given_values(chart)
    assert values["image"]["repository"] == "bitnamilegacy/minio"
    assert values["global"]["security"] == {"allowInsecureImages": True}


def test_the_service_account_is_made_here_as_bitnamis_names_a_secret_that_there_is_not(chart: ChartHandle) -> None:
    assert given_values(chart)["serviceAccount"] == {"create": False, "annotations": {}, "name": NAME}
    values: dict[str, Any] = {"enabled": True, "serviceAccount": {"annotations": {"a.example/b": "c"}}}
    account = objects_of(chart, {"minio": values})[f"ServiceAccount/{NAME}"].data
    assert account["automountServiceAccountToken"] is False
    assert account["metadata"]["annotations"] == {"a.example/b": "c"}  # type: ignore[index]
    assert "secrets" not in account
    assert f"ServiceAccount/{NAME}" not in objects_of(chart, {})


def test_what_holds_of_others_is_handed_over() -> None:
    values = {
        "environment": "dev",
        "commonLabels": {"team": "data"},
        "commonAnnotations": {"a": "b"},
        "objectStore": {"secretName": "theirs"},
        "minio": {"enabled": True},
    }
    assert minio(new_chart()).derived_values({}, values) == {
        "commonLabels": {"environment": "dev", "team": "data"},
        "commonAnnotations": {"a": "b"},
        "auth": {"existingSecret": "theirs"},
    }
    assert minio(new_chart(), "native").derived_values({}, values) == {}
    assert minio(new_chart()).derived_values({}, {**values, "minio": {"enabled": False}}) == {}


def test_the_dependency_can_come_from_a_mirror() -> None:
    chart = new_chart()
    minio(chart, source=ChartSource(version="14.10.4", repository="oci://mirror.example.com/charts"))
    (entry,) = load_yaml(chart.files()["Chart.yaml"])["dependencies"]
    assert (entry["version"], entry["repository"]) == ("14.10.4", "oci://mirror.example.com/charts")


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
        {"auth": {"rootUserSecretKey": "root-user"}},
        {"commonLabels": {"app.kubernetes.io/component": "other"}},
        {"podLabels": {"app.kubernetes.io/component": "other"}},
        {"podAnnotations": {"a": "{{ x }}"}},
        {"affinity": {"nodeAffinty": {}}},
        {"extraEnvVars": [{"name": "A", "value": "{{ x }}"}]},
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
    defaults = load_yaml((UPSTREAM / "values.yaml").read_text(encoding="utf-8"))
    model = type(minio(new_chart()).values)
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
    handle = with_minio(tmp_path, load_yaml((UPSTREAM / "values.yaml").read_text(encoding="utf-8")))
    again = given_values(handle, {**store_chart().default_values()["minio"], "enabled": True})
    assert prune_nulls(again) == prune_nulls(given_values(handle))


# Objects made here

EVERYTHING: Mapping[str, Any] = {
    "service": {"type": "NodePort", "annotations": {"a": "b"}},
    "persistence": {"size": "20Gi", "storageClass": "fast"},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"operator": "Exists"}],
    "priorityClassName": "low",
    "extraEnv": {"MINIO_BROWSER": {"value": "off"}},
    "extraVolumes": {"/mnt/x": {"volume": {"emptyDir": {}}}},
    "serviceAccount": {"annotations": {"a.example/b": "c"}},
}


@pytest.mark.parametrize("values", [{}, EVERYTHING, {"persistence": {"enabled": False}, "defaultBuckets": ""}])
def test_objects_fit_kubernetes(native: ChartHandle, directory: Path, values: Mapping[str, object]) -> None:
    objects = native_objects(native, values)
    report = validate_objects(list(objects.values()), (OLDEST, latest_kube_version()))
    assert [str(finding) for finding in report.findings] == []
    assert not report.without_schema
    assert insecure(objects) == []
    assert lint(directory / "floe-platform", {"minio": {"enabled": True, **values}}) == []


def test_every_object_is_called_as_the_service(native: ChartHandle) -> None:
    kinds = ("Deployment", "PersistentVolumeClaim", "Service", "ServiceAccount")
    assert sorted(native_objects(native)) == [f"{kind}/{NAME}" for kind in kinds]
    without = native_objects(native, {"persistence": {"enabled": False}})
    assert sorted(native_objects(native).keys() - without.keys()) == [f"PersistentVolumeClaim/{NAME}"]


def test_the_service_leads_to_api_and_console(native: ChartHandle) -> None:
    objects = native_objects(native)
    ports = {port["name"]: (port["port"], port["targetPort"]) for port in spec_of(objects, f"Service/{NAME}")["ports"]}
    assert ports == {"minio-api": (9000, "minio-api"), "minio-console": (9001, "minio-console")}
    template = spec_of(objects, f"Deployment/{NAME}")["template"]
    open_ports = {port["name"]: port["containerPort"] for port in template["spec"]["containers"][0]["ports"]}
    assert open_ports == {"minio-api": 9000, "minio-console": 9001}
    assert spec_of(objects, f"Service/{NAME}")["selector"].items() <= template["metadata"]["labels"].items()


def container(handle: ChartHandle, values: Mapping[str, object] | None = None) -> dict[str, Any]:
    [found] = spec_of(native_objects(handle, values), f"Deployment/{NAME}")["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def test_the_administrator_is_who_the_stores_secret_says(native: ChartHandle) -> None:
    rendered = objects_of(native, {"minio": {"enabled": True}, "objectStore": {"secretName": "theirs"}})
    [found] = spec_of(rendered, f"Deployment/{NAME}")["template"]["spec"]["containers"]
    references = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in found["env"] if "valueFrom" in one}
    assert references == {
        "MINIO_ROOT_USER": {"name": "theirs", "key": "AWS_ACCESS_KEY_ID"},
        "MINIO_ROOT_PASSWORD": {"name": "theirs", "key": "AWS_SECRET_ACCESS_KEY"},
    }


def test_the_image_makes_the_buckets(native: ChartHandle) -> None:
    found = container(native)
    assert found["image"] == "docker.io/bitnamilegacy/minio:2024.12.18-debian-12-r1"
    assert {"name": "MINIO_DEFAULT_BUCKETS", "value": "floe-iceberg,raw.data"} in found["env"]
    none = container(native, {"defaultBuckets": ""})
    assert "MINIO_DEFAULT_BUCKETS" not in [one["name"] for one in none["env"]]


def test_one_pod_at_a_time_writes_to_the_volume(native: ChartHandle) -> None:
    spec = spec_of(native_objects(native), f"Deployment/{NAME}")
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    volumes = {volume["name"]: volume for volume in spec["template"]["spec"]["volumes"]}
    assert volumes["data"]["persistentVolumeClaim"] == {"claimName": NAME}
    mounts = {one["mountPath"]: one["name"] for one in container(native)["volumeMounts"]}
    assert mounts["/bitnami/minio/data"] == "data"
    passing = spec_of(native_objects(native, {"persistence": {"enabled": False}}), f"Deployment/{NAME}")
    assert {"name": "data", "emptyDir": {}} in passing["template"]["spec"]["volumes"]


def test_the_volume_outlives_the_release_and_only_its_size_can_change(native: ChartHandle) -> None:
    def claim(values: Mapping[str, object]) -> RenderedObject:
        return native_objects(native, values)[f"PersistentVolumeClaim/{NAME}"]

    found, grown = claim({}), claim({"persistence": {"size": "50Gi"}, "image": {"tag": "x"}})
    assert found.data["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"  # type: ignore[index]
    spec: Any = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
    assert found.data["spec"] == spec
    assert grown.data["spec"] == {**spec, "resources": {"requests": {"storage": "50Gi"}}}


def test_probes_ask_minios_health(native: ChartHandle) -> None:
    found = container(native)
    paths = {name: found[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    live = "/minio/health/live"
    assert paths == {"startup": live, "liveness": live, "readiness": "/minio/health/ready"}
    assert {found[f"{name}Probe"]["httpGet"]["port"] for name in paths} == {"minio-api"}
    assert found["securityContext"]["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize(
    "values",
    [
        {"enbaled": True},
        {"replicas": 2},
        {"defaultBuckets": "A B"},
        {"defaultBuckets": "a,b"},
        {"persistence": {"size": "big"}},
        {"persistence": {"storageClass": "A"}},
        {"extraEnv": {"MINIO_ROOT_USER": {"value": "x"}}},
        {"affinity": {"nodeAffinty": {}}},
    ],
)
def test_the_native_schema_refuses(native: ChartHandle, values: Mapping[str, object]) -> None:
    with pytest.raises(ValuesRefused):
        native.render({"minio": {"enabled": True, **values}})
