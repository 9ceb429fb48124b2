"""Dagster with every template made here: objects that fit Kubernetes, are restricted, and hold what processes need."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from floe_charts.constructs.dagster.native import NativeWebserverValues
from floe_charts.constructs.dagster.stack import DagsterStack, DagsterValues, NativeDagsterValues
from floe_charts.constructs.network import DAGSTER_WEBSERVER
from floe_charts.constructs.products import PRODUCTS_PATH
from floe_charts.deployment import ChartSource, Deployment
from floe_charts.errors import DeclarationError
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import ChartHandle, ValuesRefused, lint
from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.schemas import validate_objects
from tests.constructs.dagster_charts import (
    IMAGE,
    dagster_chart,
    data_of,
    document,
    env_of,
    pod_of,
    rendered,
    stack_of,
)
from tests.constructs.rendering import insecure, new_chart, spec_of, written

WEBSERVER = "Deployment/floe-platform-dagster-webserver"
DAEMON = "Deployment/floe-platform-dagster-daemon"
MIGRATION = "Job/floe-platform-dagster-migrate"
HOSTILE = 'it\'s "quoted": {{ .Values }} # ü\nand a line\\'
# Everything that the values of the pods can say.
PODS: dict[str, Any] = {
    "nodeSelector": {"pool": "a"},
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "priorityClassName": "high",
    "podLabels": {"team": "data"},
    "podAnnotations": {"example.com/note": 'it\'s: "x" {{ y }}'},
    "extraEnv": {"NOTE": {"value": HOSTILE}, "NODE": {"valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}},
    "extraVolumes": {"/mnt/cache": {"volume": {"emptyDir": {}}}},
}
EVERYTHING: dict[str, Any] = {
    "webserver": {
        **PODS,
        "replicas": 3,
        "pathPrefix": "/dagster",
        "service": {"type": "LoadBalancer"},
        "ingress": {"enabled": True, "host": "d.example.com", "path": "/dagster"},
        "route": {"enabled": True},
        "podDisruptionBudget": {"enabled": True},
        "autoscaling": {"enabled": True},
    },
    "daemon": PODS,
    "runs": {**PODS, "kubernetesAccess": True, "envSecrets": ["mine"], "envConfigMaps": ["ours"]},
    "migration": PODS,
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dagster")


@pytest.fixture(scope="module")
def chart(directory: Path) -> ChartHandle:
    return written(dagster_chart("native"), directory)


def made(handle: ChartHandle, values: Mapping[str, Any] | None = None) -> dict[str, RenderedObject]:
    return rendered(handle, {"dagster": values or {}})


def main_of(objects: Mapping[str, RenderedObject], name: str) -> dict[str, Any]:
    container: dict[str, Any] = pod_of(objects, name)["spec"]["containers"][0]
    return container


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_objects_fit_kubernetes_and_are_restricted(chart: ChartHandle, values: Mapping[str, Any]) -> None:
    objects = made(chart, values)
    report = validate_objects(list(objects.values()), (OLDEST, latest_kube_version()))
    assert [str(finding) for finding in report.findings] == []
    assert all(one.data["metadata"]["namespace"] for one in objects.values())  # type: ignore[index]
    assert insecure(objects) == []
    for name in (WEBSERVER, DAEMON, MIGRATION):
        spec = pod_of(objects, name)["spec"]
        for container in [*spec["initContainers"], *spec["containers"]]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["resources"]["limits"]["memory"]


def test_helm_lints_the_chart_which_depends_on_nobody(chart: ChartHandle, directory: Path) -> None:
    assert lint(directory / "floe-platform") == []
    assert dagster_chart("native").dependencies() == []


def test_the_service_has_the_platforms_name_and_leads_to_the_webserver(chart: ChartHandle) -> None:
    objects = made(chart)
    service = spec_of(objects, "Service/floe-platform-dagster-webserver")
    assert service["ports"] == [{"name": "http", "port": DAGSTER_WEBSERVER.port, "targetPort": "http"}]
    labels = pod_of(objects, WEBSERVER)["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()
    assert not service["selector"].items() <= pod_of(objects, DAEMON)["metadata"]["labels"].items()


@pytest.mark.parametrize("prefix", ["", "/dagster", "/a/b~c"])
def test_probes_ask_where_the_webserver_serves(chart: ChartHandle, prefix: str) -> None:
    container = main_of(made(chart, {"webserver": {"pathPrefix": prefix}}), WEBSERVER)
    probes = [container[kind]["httpGet"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert probes == [{"path": f"{prefix}/server_info", "port": "http"}] * 3
    assert (f"--path-prefix={prefix}" in container["command"]) == bool(prefix)
    assert container["ports"] == [{"name": "http", "containerPort": 3000}]


@pytest.mark.parametrize("prefix", ["dagster", "/dagster/", "/a b", "/{{x}}", "/../x"])
def test_a_prefix_that_no_path_begins_with_is_refused(chart: ChartHandle, prefix: str) -> None:
    with pytest.raises(ValuesRefused):
        chart.check_values({"dagster": {"webserver": {"pathPrefix": prefix}}})


def test_there_is_one_daemon_that_ends_before_its_successor_starts(chart: ChartHandle) -> None:
    spec = spec_of(made(chart, EVERYTHING), DAEMON)
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    with pytest.raises(ValuesRefused):
        chart.check_values({"dagster": {"daemon": {"replicas": 2}}})


def test_processes_wait_for_their_database(chart: ChartHandle) -> None:
    objects = made(chart, {"database": {"secretName": "mine"}, "waitImage": {"tag": "18"}})
    for name in (WEBSERVER, DAEMON, MIGRATION):
        [wait] = pod_of(objects, name)["spec"]["initContainers"]
        env = env_of(wait)
        assert wait["image"] == "docker.io/library/postgres:18"
        assert (env["PGHOST"], env["PGDATABASE"]) == ("floe-platform-postgres", "dagster")
        assert env["PGPASSWORD"] == {"secretKeyRef": {"name": "mine", "key": "password"}}
        assert env_of(main_of(objects, name))["DAGSTER_PG_USERNAME"] == {
            "secretKeyRef": {"name": "mine", "key": "username"}
        }


def test_every_file_that_a_process_reads_rolls_its_pods(chart: ChartHandle) -> None:
    def marks(values: Mapping[str, Any]) -> dict[str, Any]:
        objects = rendered(chart, values)
        both = [pod_of(objects, name)["metadata"]["annotations"] for name in (WEBSERVER, DAEMON)]
        assert both[0] == both[1]
        found: dict[str, Any] = both[0]
        return found

    before = marks({})
    for name, values in {
        "instance": {"dagster": {"runs": {"maxConcurrentRuns": 3}}},
        "workspace": {"workspace": {"locations": {"iot": {"module": "other"}}}},
        "products": {"products": {"byName": {"sales-daily": {"version": "9"}}}},
    }.items():
        after = marks(values)
        assert {key for key in after if after[key] != before[key]} == {f"checksum/{name}"}
    assert set(before) == {f"checksum/{name}" for name in ("environment", "instance", "products", "workspace")}


def test_what_is_written_are_volumes_and_everything_mounted_is_there(chart: ChartHandle) -> None:
    objects = made(chart)
    for name in (WEBSERVER, DAEMON):
        spec, container = pod_of(objects, name)["spec"], main_of(objects, name)
        mounts = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
        volumes = {one["name"]: one for one in spec["volumes"]}
        assert set(mounts.values()) == volumes.keys()
        assert volumes[mounts["/tmp"]]["emptyDir"] == volumes[mounts["/opt/dagster/storage"]]["emptyDir"] == {}
        assert volumes[mounts[PRODUCTS_PATH]]["configMap"]["name"] == "floe-platform-products"
        home = env_of(container)["DAGSTER_HOME"]
        sources = [one["configMap"]["name"] for one in volumes[mounts[home]]["projected"]["sources"]]
        files = [file for source in sources for file in data_of(objects, source.removeprefix("floe-platform-"))]
        assert files == ["dagster.yaml", "workspace.yaml"]
        assert f"--workspace={home}/workspace.yaml" in container["command"]


def test_extra_variables_and_volumes_come_out_as_they_went_in(chart: ChartHandle) -> None:
    objects = made(chart, EVERYTHING)
    for name in (WEBSERVER, DAEMON, MIGRATION):
        container = main_of(objects, name)
        assert env_of(container)["NOTE"] == HOSTILE
        [mount] = [one for one in container["volumeMounts"] if one["mountPath"] == "/mnt/cache"]
        assert mount["name"] in {one["name"] for one in pod_of(objects, name)["spec"]["volumes"]}
        labels = pod_of(objects, name)["metadata"]["labels"]
        assert labels["team"] == "data"


@pytest.mark.parametrize(
    "values",
    [
        {"webserver": {"extraEnv": {"DAGSTER_HOME": {"value": "/x"}}}},
        {"daemon": {"extraEnv": {"DAGSTER_PG_PASSWORD": {"value": "x"}}}},
        {"runs": {"extraEnv": {"DAGSTER_RUN_JOB_NAME": {"value": "x"}}}},
        {"runs": {"extraVolumes": {"/opt/dagster/storage": {"volume": {"emptyDir": {}}}}}},
        {"runs": {"podLabels": {"app.kubernetes.io/component": "x"}}},
        {"runs": {"maxConcurrentRuns": 0}},
        {"runs": {"tagLimits": [{"key": "a", "limit": -1}]}},
        {"runs": {"envSecrets": ["Not_A_Name"]}},
        {"runAsUser": 0},
        {"database": {"secretName": ""}},
        {"logFormat": "xml"},
        {"websever": {}},
        {"daemon": {"affinity": {"nodeAfinity": {}}}},
        {"migration": {"deadlineSeconds": 1}},
    ],
    ids=str,
)
def test_values_that_cannot_work_are_refused(chart: ChartHandle, values: dict[str, Any]) -> None:
    with pytest.raises(ValuesRefused):
        chart.check_values({"dagster": values})


# Who may do what


def rules_of(objects: Mapping[str, RenderedObject], name: str) -> dict[tuple[str, str], set[str]]:
    rules: Any = objects[f"Role/floe-platform-{name}"].data["rules"]
    return {(rule["apiGroups"][0], rule["resources"][0]): set(rule["verbs"]) for rule in rules}


def subject_of(objects: Mapping[str, RenderedObject], name: str) -> tuple[str, str]:
    binding = objects[f"RoleBinding/floe-platform-{name}"].data
    [subject] = binding["subjects"]  # type: ignore[misc]
    role = binding["roleRef"]
    assert isinstance(role, Mapping)
    return role["name"], subject["name"]


def test_the_daemon_starts_and_ends_jobs_and_the_webserver_only_ends_them(chart: ChartHandle) -> None:
    objects = made(chart)
    assert rules_of(objects, "dagster-daemon") == {
        ("batch", "jobs"): {"create", "delete", "get", "list"},
        ("batch", "jobs/status"): {"get"},
        ("", "pods"): {"delete", "get", "list"},
        ("", "pods/log"): {"get"},
        ("", "events"): {"list"},
    }
    assert rules_of(objects, "dagster-webserver") == {("batch", "jobs"): {"delete"}, ("", "pods"): {"delete", "list"}}
    for workload, name in (("dagster-daemon", DAEMON), ("dagster-webserver", WEBSERVER)):
        account = pod_of(objects, name)["spec"]["serviceAccountName"]
        assert subject_of(objects, workload) == (f"floe-platform-{workload}", account)
        assert f"ServiceAccount/{account}" in objects
    assert not [name for name in objects if name.startswith("ClusterRole")]


def test_accounts_that_exist_are_bound_and_not_made(chart: ChartHandle) -> None:
    account = {"serviceAccount": {"create": False, "name": "mine"}}
    objects = made(chart, {"daemon": account, "runs": account})
    assert subject_of(objects, "dagster-daemon")[1] == "mine"
    assert pod_of(objects, DAEMON)["spec"]["serviceAccountName"] == "mine"
    launcher = document(objects, "dagster-instance", "dagster.yaml")["run_launcher"]["config"]
    assert launcher["service_account_name"] == "mine"
    accounts = {name for name in objects if name.startswith("ServiceAccount/")}
    assert accounts == {f"ServiceAccount/floe-platform-dagster-{name}" for name in ("code", "webserver")}


@pytest.mark.parametrize("allowed", [False, True])
def test_runs_ask_the_kubernetes_api_only_where_the_values_let_them(chart: ChartHandle, allowed: bool) -> None:
    objects = made(chart, {"runs": {"kubernetesAccess": allowed}})
    spec = document(objects, "dagster-instance", "dagster.yaml")["run_launcher"]["config"]["run_k8s_config"]
    assert spec["pod_spec_config"]["automountServiceAccountToken"] is allowed
    assert ("Role/floe-platform-dagster-run" in objects) is allowed
    if allowed:
        assert ("create" in rules_of(objects, "dagster-run")[("batch", "jobs")]) is True


def test_a_webserver_that_only_shows_has_no_token_and_no_role(chart: ChartHandle) -> None:
    objects = made(chart, {"webserver": {"readOnly": True}})
    assert pod_of(objects, WEBSERVER)["spec"]["automountServiceAccountToken"] is False
    assert "--read-only" in main_of(objects, WEBSERVER)["command"]
    assert "Role/floe-platform-dagster-webserver" not in objects
    assert "Role/floe-platform-dagster-daemon" in objects


def test_tokens_are_where_the_kubernetes_api_is_asked(chart: ChartHandle) -> None:
    objects = rendered(chart, {"workspace": {"locations": {"iot": {"image": IMAGE}}}})
    tokens = {
        name: pod_of(objects, name)["spec"]["automountServiceAccountToken"]
        for name in objects
        if name.startswith(("Deployment/", "Job/"))
    }
    assert {name for name, has in tokens.items() if has} == {WEBSERVER, DAEMON}
    assert {"Deployment/floe-platform-code-iot", MIGRATION} < tokens.keys()


def test_without_rbac_there_are_no_roles(chart: ChartHandle) -> None:
    objects = made(chart, {"rbacEnabled": False, "runs": {"kubernetesAccess": True}})
    assert not [name for name in objects if name.startswith(("Role/", "RoleBinding/"))]


# The migration, the variables, the scale


def test_the_migration_is_a_hook_that_asks_no_kubernetes(chart: ChartHandle) -> None:
    objects = made(chart, {"migration": {"deadlineSeconds": 99}})
    job = objects[MIGRATION].data
    assert job["metadata"]["annotations"] == {  # type: ignore[index]
        "helm.sh/hook": "post-install,post-upgrade",
        "helm.sh/hook-weight": "0",
        "helm.sh/hook-delete-policy": "before-hook-creation",
    }
    spec = spec_of(objects, MIGRATION)
    assert (spec["activeDeadlineSeconds"], spec["backoffLimit"]) == (99, 6)
    assert spec["ttlSecondsAfterFinished"] > 0
    container = main_of(objects, MIGRATION)
    assert container["command"] == ["dagster", "instance", "migrate"]
    assert container["image"] == main_of(objects, DAEMON)["image"]
    # With a run launcher the command would want a token.
    instance = document(objects, "dagster-migrate", "dagster.yaml")
    assert instance.keys() == {"storage", "telemetry"}
    assert instance["storage"] == document(objects, "dagster-instance", "dagster.yaml")["storage"]
    assert not [name for name in made(chart, {"migration": {"enabled": False}}) if "migrate" in name]


def test_all_processes_read_the_same_variables(chart: ChartHandle) -> None:
    objects = made(chart)
    for name in (WEBSERVER, DAEMON):
        [source] = main_of(objects, name)["envFrom"]
        assert source == {"configMapRef": {"name": "floe-platform-dagster-env"}}
    launcher = document(objects, "dagster-instance", "dagster.yaml")["run_launcher"]["config"]
    assert launcher["env_config_maps"][0] == "floe-platform-dagster-env"
    names = [env_of(main_of(objects, name))["OTEL_SERVICE_NAME"] for name in (WEBSERVER, DAEMON)]
    assert names == ["dagster-webserver", "dagster-daemon"]


def test_the_number_of_webservers_is_the_autoscalers_where_there_is_one(chart: ChartHandle) -> None:
    assert spec_of(made(chart, {"webserver": {"replicas": 3}}), WEBSERVER)["replicas"] == 3
    objects = made(chart, EVERYTHING)
    assert "replicas" not in spec_of(objects, WEBSERVER)
    for kind in ("HorizontalPodAutoscaler", "PodDisruptionBudget", "Ingress", "HTTPRoute"):
        assert f"{kind}/floe-platform-dagster-webserver" in objects


def test_nothing_is_left_where_dagster_is_off(chart: ChartHandle) -> None:
    values = {"dagster": {**EVERYTHING, "enabled": False}, "workspace": {"locations": {"iot": {"image": IMAGE}}}}
    assert rendered(chart, values) == {}


# What it is made from


def test_values_are_defaults_beside_the_platforms_own() -> None:
    own = NativeDagsterValues(webserver=NativeWebserverValues(replicas=3))
    values = dagster_chart("native", values=own).default_values()["dagster"]
    assert values["webserver"]["replicas"] == 3
    assert values["database"]["secretName"] == "floe-platform-dagster-postgresql"
    assert values["runs"]["envSecrets"] == ["floe-platform-sales-daily-credentials"]


def test_the_image_is_of_the_version_that_the_deployment_names() -> None:
    stack = DagsterStack(new_chart(), strategy="native", source=ChartSource(version="1.12.18", repository="@x"))
    assert isinstance(stack.values, NativeDagsterValues)
    assert stack.values.image.tag == "1.12.18"


def test_values_of_the_other_strategy_are_refused() -> None:
    with pytest.raises(DeclarationError, match="strategy native takes NativeDagsterValues, found DagsterValues"):
        DagsterStack(new_chart(), strategy="native", values=DagsterValues())


@pytest.mark.parametrize("name", Deployment.default().environment_names)
def test_every_environment_renders(chart: ChartHandle, name: str) -> None:
    environment = Deployment.default().environment(name)
    values = dict(stack_of(dagster_chart("native")).environment_values(environment))
    objects = made(chart, values)
    assert [str(one) for one in validate_objects(list(objects.values()), (OLDEST,)).findings] == []
    webservers = spec_of(objects, WEBSERVER)["replicas"]
    assert (webservers > 1) is environment.high_availability
    assert ("PodDisruptionBudget/floe-platform-dagster-webserver" in objects) is environment.high_availability
    kind = spec_of(objects, "Service/floe-platform-dagster-webserver").get("type", "ClusterIP")
    assert (kind == "NodePort") is (environment.kind in ("development", "test"))
