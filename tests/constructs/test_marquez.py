"""Marquez: Services by their platform names, PostgreSQL from the Secret, and any password through its configuration."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from floe_charts.constructs.marquez import Marquez, MarquezDatabase, MarquezValues
from floe_charts.constructs.network import MARQUEZ, MARQUEZ_ADMIN, MARQUEZ_WEB
from floe_charts.constructs.postgres import PostgresCluster
from floe_charts.deployment import Deployment
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import ChartHandle, ValuesRefused, lint
from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.schemas import validate_objects
from tests.constructs.rendering import new_chart, objects_of, spec_of, written


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("marquez")


@pytest.fixture(scope="module")
def chart(directory: Path) -> ChartHandle:
    made = new_chart()
    marquez = Marquez(made)
    PostgresCluster(made, consumers=(marquez.database_consumer(),))
    return written(made, directory)


def marquez_objects(handle: ChartHandle, values: Mapping[str, object] | None = None) -> dict[str, RenderedObject]:
    return {name: one for name, one in objects_of(handle, {"marquez": values or {}}).items() if "marquez" in name}


def containers(objects: Mapping[str, RenderedObject], deployment: str) -> list[dict[str, Any]]:
    pod = spec_of(objects, f"Deployment/{deployment}")["template"]["spec"]
    return [*pod.get("initContainers", []), *pod["containers"]]


def test_objects_fit_kubernetes(chart: ChartHandle, directory: Path) -> None:
    everything = {
        "nodeSelector": {"a": "b"},
        "tolerations": [{"operator": "Exists"}],
        "replicas": 3,
        "logLevel": "DEBUG",
    }
    for values in ({}, everything):
        objects = list(marquez_objects(chart, values).values())
        report = validate_objects(objects, (OLDEST, latest_kube_version()))
        assert [str(finding) for finding in report.findings] == []
        assert not report.without_schema
    assert lint(directory / "floe-platform") == []


def test_services_answer_to_the_platforms_names_and_ports(chart: ChartHandle) -> None:
    objects = marquez_objects(chart)
    ports = {
        name: {port["name"]: port["port"] for port in spec_of(objects, f"Service/{name}")["ports"]}
        for name in ("floe-platform-marquez", "floe-platform-marquez-web")
    }
    assert ports["floe-platform-marquez"] == {MARQUEZ.port_name: 5000, MARQUEZ_ADMIN.port_name: 5001}
    assert ports["floe-platform-marquez-web"] == {MARQUEZ_WEB.port_name: 3000}
    for name in ports:
        labels = spec_of(objects, f"Deployment/{name}")["template"]["metadata"]["labels"]
        assert spec_of(objects, f"Service/{name}")["selector"].items() <= labels.items()
    api, web = (spec_of(objects, f"Service/{name}")["selector"] for name in ports)
    assert api != web


def test_every_container_is_restricted(chart: ChartHandle) -> None:
    objects = marquez_objects(chart)
    found = [*containers(objects, "floe-platform-marquez"), *containers(objects, "floe-platform-marquez-web")]
    assert [one["name"] for one in found] == ["wait-for-database", "marquez", "marquez-web"]
    for one in found:
        security = one["securityContext"]
        assert security["readOnlyRootFilesystem"] is True
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["allowPrivilegeEscalation"] is False
        assert one["resources"]["limits"]["memory"]


def test_credentials_come_from_the_secret_that_the_values_name(chart: ChartHandle) -> None:
    values = {"marquez": {"database": {"secretName": "mine"}}, "postgres": {"mode": "operator"}}
    objects = objects_of(chart, values)
    for one in containers(objects, "floe-platform-marquez"):
        secrets = [entry["valueFrom"]["secretKeyRef"] for entry in one["env"] if "valueFrom" in entry]
        assert secrets == [{"name": "mine", "key": "username"}, {"name": "mine", "key": "password"}]
    [role] = spec_of(objects, "Cluster/floe-platform-postgres")["managed"]["roles"]
    assert (role["name"], role["passwordSecret"]) == ("marquez", {"name": "mine"})


def test_default_secret_follows_the_charts_full_name() -> None:
    marquez = Marquez(new_chart())
    consumer = marquez.database_consumer()
    assert [one.name for one in marquez.required_secrets()] == ["floe-platform-marquez-database"]
    assert consumer.default_secret == "floe-platform-marquez-database"
    assert consumer.required_secret.keys == ("username", "password")
    given_name = Marquez(new_chart(), values=MarquezValues(database=MarquezDatabase(secret_name="mine")))
    assert given_name.database_consumer().default_secret == "mine"
    assert Marquez(new_chart(), values=MarquezValues(replicas=2)).values.database.secret_name == consumer.default_secret


def test_environments_with_high_availability_have_two_pods(chart: ChartHandle) -> None:
    part, deployment = Marquez(new_chart()), Deployment.default()
    assert part.environment_values(deployment.environment("dev")) == {}
    objects = marquez_objects(chart, part.environment_values(deployment.environment("prod")))
    assert spec_of(objects, "Deployment/floe-platform-marquez")["replicas"] == 2


def test_switches(chart: ChartHandle) -> None:
    without_web = marquez_objects(chart, {"web": {"enabled": False}})
    assert set(without_web) == {
        "ConfigMap/floe-platform-marquez",
        "Deployment/floe-platform-marquez",
        "Service/floe-platform-marquez",
    }
    for mode in ("statefulset", "operator"):
        off = objects_of(chart, {"marquez": {"enabled": False}, "postgres": {"mode": mode}})
        assert not [name for name in off if "marquez" in name]
        assert not [one for one in off.values() if "floe-platform-marquez-database" in str(one.data)]
        report = validate_objects(list(off.values()), (OLDEST,))
        assert [str(finding) for finding in report.findings] == []


@pytest.mark.parametrize(
    "values", [{"port": 5000}, {"logLevel": "info"}, {"database": {"secretName": ""}}, {"replicas": -1}]
)
def test_values_that_cannot_work_are_refused(chart: ChartHandle, values: dict[str, object]) -> None:
    with pytest.raises(ValuesRefused):
        chart.check_values({"marquez": values})


def config_map(handle: ChartHandle) -> dict[str, str]:
    data: Any = marquez_objects(handle)["ConfigMap/floe-platform-marquez"].data["data"]
    return dict(data)


def test_configuration_reads_nothing_but_declared_variables(chart: ChartHandle) -> None:
    [_, api] = containers(marquez_objects(chart), "floe-platform-marquez")
    env = {entry["name"]: entry.get("value", "x") for entry in api["env"]}
    config = yaml.safe_load(_substituted(config_map(chart)["marquez.yml"], env))
    assert config["server"]["applicationConnectors"][0]["port"] == MARQUEZ.port
    assert config["server"]["adminConnectors"][0]["port"] == MARQUEZ_ADMIN.port
    assert config["db"]["url"] == "jdbc:postgresql://floe-platform-postgres:5432/marquez"
    assert config["migrateOnStartup"] is True
    assert "${" not in str(config)


def _substituted(text: str, env: Mapping[str, str]) -> str:
    """What Dropwizard's substitutor does: variables again inside what it put in."""
    for _ in range(3):
        for name, value in env.items():
            text = text.replace(f"${{{name}}}", value)
    return text


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@settings(max_examples=30, deadline=None)
@given(
    password=st.text(
        st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs", "Cn", "Co"]),
        min_size=1,
        max_size=12,
    ).filter(lambda text: not {"\x85", "\u2028", "\u2029", "\ufeff"} & set(text))
    | st.sampled_from(
        [
            "a'b\"c\\d$e`f",
            "${LOG_LEVEL}",
            "$${LOG_LEVEL}",
            "line\nbreak\r\n",
            " #: {[",
            "\ttab\x01\x7f",
            "müller€",
        ]
    )
)
def test_any_password_survives_the_configuration(chart: ChartHandle, password: str) -> None:
    if any(0x80 <= ord(char) < 0xA0 for char in password):
        return  # YAML has no raw form for C1 control characters.
    files = config_map(chart)
    env = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "POSTGRES_USER": "marquez",
        "POSTGRES_PASSWORD": password,
        "LOG_LEVEL": "INFO",
    }
    shown = [
        "bash",
        "-c",
        files["start.sh"],
        "start.sh",
        "bash",
        "-c",
        'printf "%s\\0%s" "$POSTGRES_USER" "$POSTGRES_PASSWORD"',
    ]
    made = subprocess.run(shown, env=env, capture_output=True, check=True)
    user, _, escaped = made.stdout.decode("utf-8").partition("\0")
    text = _substituted(files["marquez.yml"], {**env, "POSTGRES_USER": user, "POSTGRES_PASSWORD": escaped})
    database = yaml.safe_load(text)["db"]
    assert database["password"] == password
    assert database["user"] == "marquez"
