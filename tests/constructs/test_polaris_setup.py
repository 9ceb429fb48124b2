"""Polaris' bootstrap and setup: hooks that can run again, the files that they read, and the credentials."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from floe_charts.constructs.network import POLARIS, POSTGRES
from floe_charts.constructs.object_store import ObjectStore
from floe_charts.constructs.polaris.catalog import CatalogValues, PolarisCatalog, PolarisSetup, PrincipalValues
from floe_charts.constructs.postgres.cluster import PostgresCluster
from floe_charts.deployment import ChartSource
from floe_charts.helm import HelmChart
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import ChartHandle, ValuesRefused, load
from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.schemas import validate_objects
from tests.constructs.rendering import new_chart, objects_of, spec_of, written
from tests.support import with_echo_dependencies

Strategy = Literal["dependency", "native"]
BOOTSTRAP, SETUP = "Job/floe-platform-polaris-bootstrap", "Job/floe-platform-polaris-setup"
CATALOGS = {"orders": CatalogValues(base_location="s3://lake/orders", principal_roles=["orders-writer"])}
PRINCIPALS = {
    "orders": PrincipalValues(
        secret_name="orders-credentials", client_id_key="ID", client_secret_key="KEY", roles=["orders-writer"]
    )
}


def platform(strategy: Strategy, **arguments: Any) -> tuple[HelmChart, PolarisCatalog]:
    chart = new_chart()
    ObjectStore(chart)
    given_ones = {"catalogs": CATALOGS, "principals": PRINCIPALS, **arguments}
    polaris = PolarisCatalog(chart, strategy=strategy, **given_ones)
    PostgresCluster(chart, consumers=(polaris.database_consumer(),))
    return chart, polaris


@pytest.fixture(scope="module", params=["dependency", "native"])
def strategy(request: pytest.FixtureRequest) -> Strategy:
    found: Strategy = request.param
    return found


@pytest.fixture(scope="module")
def chart(strategy: Strategy, tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    directory = tmp_path_factory.mktemp(strategy)
    made, _ = platform(strategy)
    written(made, directory)
    return load(with_echo_dependencies(directory / "floe-platform", directory / "echo"))


def objects(handle: ChartHandle, **values: Any) -> dict[str, RenderedObject]:
    found = objects_of(handle, values)
    return {name: one for name, one in found.items() if "floe-platform-polaris" in name}


def pod_of(found: Mapping[str, RenderedObject], job: str) -> dict[str, Any]:
    pod: dict[str, Any] = spec_of(found, job)["template"]["spec"]
    return pod


def variables(container: Mapping[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"]}


def file(handle: ChartHandle, name: str, **values: Any) -> str:
    data: Any = objects(handle, **values)["ConfigMap/floe-platform-polaris-setup"].data["data"]
    return str(data[name])


IN_MEMORY = {"polaris": {"persistence": {"type": "in-memory"}}}


# Jobs


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"polarisSetup": {"catalogs": {"orders": None}, "principals": {"orders": None}}},
        {"polarisSetup": {"clientEndpoint": "https://s3.example.com", "nodeSelector": {"a": "b"}}},
        {"polarisSetup": {"extraVolumes": {"/mnt/x": {"volume": {"emptyDir": {}}}}, "podLabels": {"team": "data"}}},
        {"postgres": {"mode": "external", "external": {"host": "db.example.com"}}},
        IN_MEMORY,
    ],
)
def test_objects_fit_kubernetes(chart: ChartHandle, values: dict[str, Any]) -> None:
    report = validate_objects(list(objects(chart, **values).values()), (OLDEST, latest_kube_version()))
    assert [str(finding) for finding in report.findings] == []


def test_jobs_are_hooks_in_order_that_can_run_again(chart: ChartHandle) -> None:
    found = objects(chart)
    weights = []
    for job in (BOOTSTRAP, SETUP):
        marks = found[job].data["metadata"]["annotations"]  # type: ignore[index]
        assert marks["helm.sh/hook"] == "post-install,post-upgrade"
        assert marks["helm.sh/hook-delete-policy"] == "before-hook-creation"
        weights.append(int(marks["helm.sh/hook-weight"]))
        spec = spec_of(found, job)
        assert spec["activeDeadlineSeconds"] == 600
        assert spec["backoffLimit"] > 0
        assert spec["ttlSecondsAfterFinished"] > 0
        # Two bootstraps at once would never end.
        assert spec.get("parallelism", 1) == 1
    assert weights == sorted(set(weights))


def test_every_container_is_restricted_and_no_pod_has_a_token(chart: ChartHandle) -> None:
    found = objects(chart)
    for job in (BOOTSTRAP, SETUP):
        pod = pod_of(found, job)
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for one in (*pod.get("initContainers", ()), *pod["containers"]):
            security = one["securityContext"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["runAsUser"] > 0
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert one["resources"]["limits"]["memory"]


def test_pods_carry_the_labels_of_their_workloads(chart: ChartHandle) -> None:
    found = objects(chart)
    for job, component in ((BOOTSTRAP, "polaris-bootstrap"), (SETUP, "polaris-setup")):
        labels = spec_of(found, job)["template"]["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "floe-platform"
        assert labels["app.kubernetes.io/component"] == component


def test_the_bootstrap_waits_for_the_database_with_its_own_credentials(chart: ChartHandle) -> None:
    pod = pod_of(objects(chart), BOOTSTRAP)
    [wait], [tool] = pod["initContainers"], pod["containers"]
    assert variables(wait)["PGHOST"] == "floe-platform-postgres"
    found = variables(tool)
    secret = "floe-platform-polaris-database"
    assert found["QUARKUS_DATASOURCE_USERNAME"]["secretKeyRef"] == {"name": secret, "key": "username"}
    assert found["QUARKUS_DATASOURCE_PASSWORD"]["secretKeyRef"] == {"name": secret, "key": "password"}
    assert found["QUARKUS_DATASOURCE_JDBC_URL"].startswith("jdbc:postgresql://floe-platform-postgres:5432/polaris?")
    [tmp] = [volume for volume in pod["volumes"] if volume["name"] == "tmp"]
    assert tmp["emptyDir"] == {"medium": "Memory"}


def test_the_admin_tool_is_of_the_servers_version() -> None:
    _, polaris = platform("dependency", source=ChartSource(version="1.8.0", repository="https://example.com/charts"))
    assert polaris.setup.values.admin_image.tag == "1.8.0"
    assert polaris.values.image.tag == "1.8.0"


def test_in_memory_there_is_only_the_setup(chart: ChartHandle) -> None:
    found = objects(chart, **IN_MEMORY)
    assert (BOOTSTRAP in found, SETUP in found) == (False, True)


def test_switched_off_there_are_no_jobs(chart: ChartHandle) -> None:
    for values in ({"polarisSetup": {"enabled": False}}, {"polaris": {"enabled": False}}):
        found = objects(chart, **values)
        assert not [name for name in found if "Job" in name or "polaris-setup" in name]


# What they read


def test_the_wanted_state_is_that_of_the_values(chart: ChartHandle) -> None:
    assert json.loads(file(chart, "wanted.json")) == {
        "catalogs": {
            "orders": {
                "baseLocation": "s3://lake/orders",
                "role": "writer",
                "privileges": ["CATALOG_MANAGE_CONTENT"],
                "principalRoles": ["orders-writer"],
            }
        },
        "principals": {
            "orders": {
                "secretName": "orders-credentials",
                "clientIdKey": "ID",
                "clientSecretKey": "KEY",
                "roles": ["orders-writer"],
            }
        },
    }


@settings(max_examples=30, deadline=None)
@given(
    text=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40)
    | st.sampled_from(["{{ .Values }}", '"', "\\", "</script>", "a: b #", "${x}", "%s"])
)
def test_any_property_of_a_catalog_comes_through(chart: ChartHandle, text: str) -> None:
    values = {"polarisSetup": {"catalogs": {"orders": {"properties": {"p": text}}}}}
    assert json.loads(file(chart, "wanted.json", **values))["catalogs"]["orders"]["properties"] == {"p": text}


def test_the_program_is_the_one_that_is_tested(chart: ChartHandle) -> None:
    from floe_charts.constructs.polaris import setup_program

    assert file(chart, "setup.py") == Path(setup_program.__file__).read_text(encoding="utf-8")


def test_credentials_are_files_of_the_principals_secrets(chart: ChartHandle) -> None:
    pod = pod_of(objects(chart), SETUP)
    [volume] = [volume for volume in pod["volumes"] if volume["name"] == "token"]
    sources = [source["secret"] for source in volume["projected"]["sources"]]
    assert [(one["name"], {item["path"]: item["key"] for item in one["items"]}) for one in sources] == [
        ("floe-platform-polaris-bootstrap", {"root/client-id": "client-id", "root/client-secret": "client-secret"}),
        ("orders-credentials", {"principals/orders/client-id": "ID", "principals/orders/client-secret": "KEY"}),
    ]
    [program] = pod["containers"]
    [mount] = [mount["mountPath"] for mount in program["volumeMounts"] if mount["name"] == "token"]
    found = variables(program)
    assert found["CREDENTIALS_DIRECTORY"] == mount
    assert not [name for name, value in found.items() if isinstance(value, dict)]


def test_the_program_is_told_the_server_and_the_store(chart: ChartHandle) -> None:
    [program] = pod_of(objects(chart), SETUP)["containers"]
    found = variables(program)
    assert found["POLARIS_URL"] == "http://floe-platform-polaris:8181"
    assert found["POLARIS_REALMS"] == "POLARIS"
    assert "CLIENT_ENDPOINT_URL" not in found
    # Endpoint, region and path style; the keys are not for setup.
    assert program["envFrom"] == [{"configMapRef": {"name": "floe-platform-object-store"}}]
    outside = {"polarisSetup": {"clientEndpoint": "https://s3.example.com"}}
    [program] = pod_of(objects(chart, **outside), SETUP)["containers"]
    assert variables(program)["CLIENT_ENDPOINT_URL"] == "https://s3.example.com"


@pytest.mark.parametrize(
    "values",
    [
        {"catalogs": {"new": {"baseLocation": "s3://b/w"}}},
        {"catalogs": {"orders": {"baseLocation": "file:///tmp"}}},
        {"catalogs": {"orders": {"baselocation": "s3://b/w"}}},
        {"catalogs": {"a/b": {**CATALOGS["orders"].to_values()}}},
        {"catalogs": {"orders": {"privileges": ["read"]}}},
        {"catalogs": {"orders": {"roleArn": ""}}},
        {"principals": {"root": PRINCIPALS["orders"].to_values()}},
        {"principals": {"../x": PRINCIPALS["orders"].to_values()}},
        {"principals": {"orders": {"secretName": ""}}},
        {"deadlineSeconds": 0},
        {"extraEnv": {"ROOT_CLIENT_SECRET": {"value": "x"}}},
    ],
)
def test_values_that_cannot_work_are_refused(chart: ChartHandle, values: dict[str, Any]) -> None:
    with pytest.raises(ValuesRefused):
        chart.check_values({"polarisSetup": values})


# The bootstrap's script


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@settings(max_examples=30, deadline=None)
@given(
    password=st.text(
        st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs", "Cn", "Co"]),
        min_size=1,
        max_size=12,
    )
    | st.sampled_from(["a'b\"c\\d$e`f", "line\nbreak\r\n", " #: {[", "\ttab\x01\x7f", "müller€", "$(id)", "%s%d"])
)
def test_any_credentials_come_through(
    chart: ChartHandle, tmp_path_factory: pytest.TempPathFactory, password: str
) -> None:
    if any(0x80 <= ord(char) < 0xA0 or char in "\u2028\u2029\ufeff" for char in password):
        return  # YAML has no raw form for them.
    made, arguments = _bootstrapped(chart, tmp_path_factory.mktemp("bootstrap"), password, "A,B_2")
    assert made == {realm: {"client-id": "root", "client-secret": password} for realm in ("A", "B_2")}
    assert arguments[0] == "bootstrap"
    assert len(arguments) == 2
    assert arguments[1].startswith("--credentials-file=")


def _bootstrapped(handle: ChartHandle, directory: Path, password: str, realms: str) -> tuple[Any, list[str]]:
    """What the admin tool finds in the file that it is given, and how it is called."""
    run, script = directory / "run-java.sh", directory / "bootstrap.sh"
    run.write_text('#!/bin/bash\nprintf "%s\\n" "$@" >"$ARGUMENTS"\n', encoding="utf-8")
    run.chmod(0o755)
    script.write_text(file(handle, "bootstrap.sh"), encoding="utf-8")
    env = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "POLARIS_REALMS": realms,
        "ROOT_CLIENT_ID": "root",
        "ROOT_CLIENT_SECRET": password,
        "RUN_JAVA": str(run),
        "ARGUMENTS": str(directory / "arguments"),
        "CREDENTIALS_FILE": str(directory / "credentials.json"),
    }
    done = subprocess.run(["bash", str(script)], env=env, capture_output=True, check=True)
    assert done.stdout + done.stderr == b""
    credentials = directory / "credentials.json"
    assert credentials.stat().st_mode & 0o077 == 0
    arguments = (directory / "arguments").read_text(encoding="utf-8").splitlines()
    return yaml.safe_load(credentials.read_text(encoding="utf-8")), arguments


# Declarations


def test_declarations(strategy: Strategy) -> None:
    chart, polaris = platform(strategy)
    setup = chart.component(PolarisSetup)
    assert setup is polaris.setup
    assert setup.id == "polarisSetup"
    assert [one.name for one in setup.workloads()] == ["polaris-bootstrap", "polaris-setup"]
    assert [(edge.source, edge.target) for edge in setup.edges()] == [
        ("polaris-bootstrap", POSTGRES),
        ("polaris-setup", POLARIS),
    ]
    [secret] = setup.required_secrets()
    assert (secret.id, secret.name) == ("polarisBootstrap", "floe-platform-polaris-bootstrap")
    assert (secret.key_names, secret.can_be_generated) == (("client-id", "client-secret"), True)
    [claim] = setup.claims(setup.values.to_values())
    assert claim.pods == 1
    assert setup.claims({**setup.values.to_values(), "enabled": False}) == ()


def test_the_check_runs_the_program_with_the_principals_credentials(strategy: Strategy) -> None:
    _, polaris = platform(strategy)
    [check] = polaris.setup.checks()
    assert check.script == "python3 /etc/polaris-setup/setup.py check"
    assert check.edges == (POLARIS,)
    assert check.mounts["token"] == check.env["CREDENTIALS_DIRECTORY"]
    assert "client-secret" not in str([volume for volume in check.volumes if volume["name"] == "config"])
