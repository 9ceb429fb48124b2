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

from floe_charts.constructs.marquez.api import Marquez, MarquezDatabase, MarquezValues
from floe_charts.constructs.network import MARQUEZ, MARQUEZ_ADMIN, MARQUEZ_WEB, POSTGRES
from floe_charts.constructs.postgres.cluster import PostgresCluster
from floe_charts.deployment import Deployment
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import ChartHandle, ValuesRefused, lint
from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.schemas import validate_objects
from floe_charts.verify.values import helm_merge
from tests.constructs.rendering import insecure, new_chart, objects_of, spec_of, written
from tests.synth.kubernetes_names import name_faults


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
        assert security["runAsUser"] >= 10000
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
    assert consumer.required_secret.key_names == ("username", "password")
    given_name = Marquez(new_chart(), values=MarquezValues(database=MarquezDatabase(secret_name="mine")))
    assert given_name.database_consumer().default_secret == "mine"
    assert Marquez(new_chart(), values=MarquezValues(replicas=2)).values.database.secret_name == consumer.default_secret
    pooled = Marquez(new_chart(), values=MarquezValues(database=MarquezDatabase(max_connections=5))).values.database
    assert (pooled.secret_name, pooled.max_connections) == (consumer.default_secret, 5)


def test_environments_with_high_availability_have_two_pods(chart: ChartHandle) -> None:
    part, deployment = Marquez(new_chart()), Deployment.default()
    service = {"service": {"type": "NodePort"}}
    assert part.environment_values(deployment.environment("dev")) == {**service, "web": service}
    assert part.environment_values(deployment.environment("staging")) == {}
    objects = marquez_objects(chart, part.environment_values(deployment.environment("prod")))
    assert spec_of(objects, "Deployment/floe-platform-marquez")["replicas"] == 2


def test_switches(chart: ChartHandle) -> None:
    without_web = marquez_objects(chart, {"web": {"enabled": False}})
    assert set(without_web) == {
        "ConfigMap/floe-platform-marquez",
        "Deployment/floe-platform-marquez",
        "Service/floe-platform-marquez",
        "ServiceAccount/floe-platform-marquez",
    }
    for mode in ("statefulset", "operator"):
        off = objects_of(chart, {"marquez": {"enabled": False}, "postgres": {"mode": mode}})
        assert not [name for name in off if "marquez" in name]
        assert not [one for one in off.values() if "floe-platform-marquez-database" in str(one.data)]
        report = validate_objects(list(off.values()), (OLDEST,))
        assert [str(finding) for finding in report.findings] == []


@pytest.mark.parametrize(
    "values",
    [
        {"port": 5000},
        {"logLevel": "info"},
        {"database": {"secretName": ""}},
        {"database": {"maxConnections": 0}},
        {"replicas": -1},
    ],
)
def test_values_that_cannot_work_are_refused(chart: ChartHandle, values: dict[str, object]) -> None:
    with pytest.raises(ValuesRefused):
        chart.check_values({"marquez": values})


API, WEB = "floe-platform-marquez", "floe-platform-marquez-web"


def both(values: dict[str, Any]) -> dict[str, Any]:
    """The values for the API and for the web page."""
    return {**values, "web": values}


def rightful(handle: ChartHandle, values: Mapping[str, object]) -> dict[str, RenderedObject]:
    """Marquez's objects, which the oldest and the newest Kubernetes take, with pods that are restricted."""
    objects = marquez_objects(handle, values)
    kubernetes = [one for one in objects.values() if not one.api_version.startswith("gateway.")]
    report = validate_objects(kubernetes, (OLDEST, latest_kube_version()))
    assert [str(finding) for finding in report.findings] == []
    assert [fault for one in objects.values() for fault in name_faults(one)] == []
    assert insecure(objects) == []
    return objects


def pod_of(objects: Mapping[str, RenderedObject], name: str) -> Any:
    return spec_of(objects, f"Deployment/{name}")["template"]["spec"]


def test_api_and_web_page_scale_apart(chart: ChartHandle) -> None:
    scaled = {"autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 4}}
    for values, name, other in ((scaled, API, WEB), ({"web": scaled}, WEB, API)):
        budget = both({"podDisruptionBudget": {"enabled": True}})
        objects = rightful(chart, helm_merge(budget, values))
        scaler = spec_of(objects, f"HorizontalPodAutoscaler/{name}")
        assert (scaler["scaleTargetRef"]["name"], scaler["minReplicas"], scaler["maxReplicas"]) == (name, 2, 4)
        assert f"HorizontalPodAutoscaler/{other}" not in objects
        assert "replicas" not in spec_of(objects, f"Deployment/{name}")
        assert spec_of(objects, f"Deployment/{other}")["replicas"] == 1
        # A budget for one pod would stop a drain.
        assert {one for one in objects if one.startswith("PodDisruptionBudget/")} == {f"PodDisruptionBudget/{name}"}
    pods = rightful(chart, both({"replicas": 3, "podDisruptionBudget": {"enabled": True, "maxUnavailable": 2}}))
    assert spec_of(pods, f"PodDisruptionBudget/{WEB}")["maxUnavailable"] == 2


def test_api_and_web_page_are_reached_from_outside(chart: ChartHandle) -> None:
    entries = {
        "ingress": {"enabled": True, "host": "m.example.com", "tlsSecret": "t", "clusterIssuer": "le"},
        "route": {"enabled": True, "hostnames": ["m.example.com"]},
    }
    objects = rightful(chart, both(entries))
    for name, port in ((API, MARQUEZ), (WEB, MARQUEZ_WEB)):
        [rule] = spec_of(objects, f"Ingress/{name}")["rules"]
        assert rule["http"]["paths"][0]["backend"] == {"service": {"name": name, "port": {"name": port.port_name}}}
        [match] = spec_of(objects, f"HTTPRoute/{name}")["rules"]
        assert match["backendRefs"] == [{"name": name, "port": port.port}]
    for one in ("ingress", "route"):
        only = rightful(chart, {"web": {one: {"enabled": True}}})
        assert [name for name in only if name.startswith(("Ingress/", "HTTPRoute/"))] == [
            f"{'Ingress' if one == 'ingress' else 'HTTPRoute'}/{WEB}"
        ]


def test_services_change_their_type(chart: ChartHandle) -> None:
    annotations = {"service.beta.kubernetes.io/aws-load-balancer-internal": "true"}
    objects = rightful(chart, both({"service": {"type": "LoadBalancer", "annotations": annotations}}))
    for name in (API, WEB):
        assert spec_of(objects, f"Service/{name}")["type"] == "LoadBalancer"
        assert objects[f"Service/{name}"].metadata["annotations"] == annotations


def test_variables_and_volumes_are_added_to_the_main_container_only(chart: ChartHandle) -> None:
    extra = {
        "extraEnv": {
            "PROXY": {"value": "http://p: {{"},
            "TOKEN": {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        },
        "extraVolumes": {
            "/etc/pki/ca.crt": {"volume": {"configMap": {"name": "ca"}}, "subPath": "ca.crt", "readOnly": True},
            "/mnt/scratch": {"volume": {"emptyDir": {"sizeLimit": "1Gi"}}},
        },
    }  # fmt: skip
    objects = rightful(chart, both(extra))
    for name in (API, WEB):
        *init, main = containers(objects, name)
        env = {entry["name"]: entry for entry in main["env"]}
        assert len(env) == len(main["env"])
        assert env["PROXY"]["value"] == "http://p: {{"
        assert env["TOKEN"]["valueFrom"]["secretKeyRef"] == {"name": "s", "key": "k"}
        paths = {mount["mountPath"]: mount for mount in main["volumeMounts"]}
        assert {"/etc/pki/ca.crt", "/mnt/scratch", "/tmp"} <= paths.keys()
        assert paths["/etc/pki/ca.crt"]["subPath"] == "ca.crt"
        assert not [one for one in init for entry in one["env"] if entry["name"] in extra["extraEnv"]]


def test_variables_that_marquez_sets_itself_are_refused(chart: ChartHandle) -> None:
    objects = marquez_objects(chart)
    for name, key in ((API, {}), (WEB, {"web": None})):
        own = [entry["name"] for entry in containers(objects, name)[-1]["env"]]
        assert len(own) > 2
        for variable in own:
            values: dict[str, Any] = {"extraEnv": {variable: {"value": "x"}}}
            with pytest.raises(ValuesRefused):
                chart.check_values({"marquez": {"web": values} if key else values})


def test_pods_run_as_the_values_say(chart: ChartHandle) -> None:
    role = {"iam.gke.io/gcp-service-account": "a@b"}
    values = {
        "serviceAccount": {"name": "my-marquez", "annotations": role},
        "priorityClassName": "high",
        "nodeSelector": {"disk": "ssd"},
        "affinity": {"nodeAffinity": {}},
        "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoSchedule"}],
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}],
        "terminationGracePeriodSeconds": 77,
    }
    objects = rightful(chart, {**values, "web": {**values, "serviceAccount": {"create": False, "name": "theirs"}}})
    assert objects["ServiceAccount/my-marquez"].metadata["annotations"] == role
    assert [name for name in objects if name.startswith("ServiceAccount/")] == ["ServiceAccount/my-marquez"]
    for name, account in ((API, "my-marquez"), (WEB, "theirs")):
        pod = pod_of(objects, name)
        assert pod["serviceAccountName"] == account
        assert pod["automountServiceAccountToken"] is False
        assert {key: pod[key] for key in values if key != "serviceAccount"} == {
            key: value for key, value in values.items() if key != "serviceAccount"
        }


def test_pods_keep_apart_by_themselves(chart: ChartHandle) -> None:
    objects = rightful(chart, {})
    for name, component in ((API, MARQUEZ.workload), (WEB, MARQUEZ_WEB.workload)):
        pod = pod_of(objects, name)
        [apart] = pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
        [spread] = pod["topologySpreadConstraints"]
        for one in (apart["podAffinityTerm"], spread):
            assert one["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == component
        labels = spec_of(objects, f"Deployment/{name}")["template"]["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "floe-platform"
        assert spread["labelSelector"]["matchLabels"].items() <= labels.items()


def test_it_declares_what_others_need_to_know() -> None:
    marquez = Marquez(new_chart())
    assert {one.name for one in marquez.workloads()} == {"marquez", "marquez-web"}
    assert {(edge.source, edge.target) for edge in marquez.edges() if isinstance(edge.source, str)} == {
        ("marquez", POSTGRES),
        ("marquez-web", MARQUEZ),
    }
    assert [scrape.endpoint for scrape in marquez.scrapes()] == [MARQUEZ]
    assert [check.name for check in marquez.checks()] == ["marquez", "marquez-web"]
    values = marquez.values.to_values()
    api, web = marquez.claims({**values, "replicas": 4})
    # One more for each four pods, while they are replaced.
    assert (api.pods, web.pods) == (5, 2)
    assert api.resources == values["resources"]
    assert len(marquez.claims({**values, "web": {**values["web"], "enabled": False}})) == 1
    assert marquez.claims({**values, "enabled": False}) == ()


def config_map(handle: ChartHandle) -> dict[str, str]:
    data: Any = marquez_objects(handle)["ConfigMap/floe-platform-marquez"].data["data"]
    return dict(data)


def test_configuration_reads_nothing_but_declared_variables(chart: ChartHandle) -> None:
    [_, api] = containers(marquez_objects(chart), "floe-platform-marquez")
    env = {entry["name"]: entry.get("value", "x") for entry in api["env"]}
    config = yaml.safe_load(_substituted(config_map(chart)["marquez.yml"], env))
    assert config["server"]["applicationConnectors"][0]["port"] == MARQUEZ.port
    assert config["server"]["adminConnectors"][0]["port"] == MARQUEZ_ADMIN.port
    assert config["db"]["url"] == "jdbc:postgresql://floe-platform-postgres:5432/marquez?sslmode=disable"
    assert config["migrateOnStartup"] is True
    assert "${" not in str(config)


@pytest.mark.parametrize("most", [1, 5, 20, 1000])
def test_the_pool_of_connections_is_one_that_dropwizard_takes(chart: ChartHandle, most: int) -> None:
    values = {} if most == 20 else {"database": {"maxConnections": most}}
    objects = marquez_objects(chart, values)
    env = {entry["name"]: entry.get("value", "x") for entry in containers(objects, API)[-1]["env"]}
    data: Any = objects[f"ConfigMap/{API}"].data["data"]
    database = yaml.safe_load(_substituted(data["marquez.yml"], env))["db"]
    assert database["maxSize"] == most
    # Its own defaults are 10, 10 and 100, of which it wants the first not below the second and not over the third.
    assert 0 < database["minSize"] <= database["initialSize"] <= database["maxSize"]


def test_pods_are_asked_no_more_before_they_end(chart: ChartHandle) -> None:
    objects = marquez_objects(chart)
    for name in (API, WEB):
        pod = pod_of(objects, name)
        [main] = pod["containers"]
        [program, seconds] = main["lifecycle"]["preStop"]["exec"]["command"]
        assert program == "sleep"
        assert 0 < int(seconds) < pod["terminationGracePeriodSeconds"]


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
