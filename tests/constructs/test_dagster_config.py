"""dagster.yaml: the keys that Dagster reads, no credential, and pods of runs that are like all other pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from floe_charts.constructs.products import PRODUCTS_PATH
from floe_charts.verify.engine import ChartHandle
from floe_charts.verify.objects import parse_objects
from tests.constructs.dagster_charts import CREDENTIALS, dagster_chart, data_of, env_of, rendered
from tests.constructs.rendering import insecure, written

# ``dagster_instance_config_schema`` of dagster 1.12.17; any other key at the top is an error there.
ROOT_KEYS = {
    "local_artifact_storage", "compute_logs", "storage", "run_queue", "run_storage", "event_log_storage",
    "schedule_storage", "scheduler", "run_coordinator", "run_launcher", "telemetry", "nux", "instance_class",
    "python_logs", "run_monitoring", "run_retries", "code_servers", "secrets", "defs_state_storage", "retention",
    "backfills", "sensors", "schedules", "auto_materialize", "freshness", "concurrency",
}  # fmt: skip
# ``DagsterK8sJobConfig.config_type_run_launcher`` of dagster-k8s 0.28.17.
LAUNCHER_KEYS = {
    "service_account_name", "instance_config_map", "postgres_password_secret", "dagster_home", "job_image",
    "image_pull_policy", "image_pull_secrets", "load_incluster_config", "kubeconfig_file", "job_namespace",
    "env_config_maps", "env_secrets", "env_vars", "volumes", "volume_mounts", "labels", "resources", "scheduler_name",
    "security_context", "run_k8s_config", "fail_pod_on_run_failure",
}  # fmt: skip
RUN_CONFIG_KEYS = {
    "container_config", "pod_spec_config", "pod_template_spec_metadata", "job_config", "job_metadata",
    "job_spec_config",
}  # fmt: skip
COORDINATOR_KEYS = {
    "max_concurrent_runs", "tag_concurrency_limits", "dequeue_interval_seconds", "dequeue_use_threads",
    "dequeue_num_workers", "max_user_code_failure_retries", "user_code_failure_retry_delay",
    "block_op_concurrency_limited_runs",
}  # fmt: skip
MONITORING_KEYS = {
    "enabled", "start_timeout_seconds", "cancel_timeout_seconds", "max_runtime_seconds", "max_resume_run_attempts",
    "poll_interval_seconds", "cancellation_thread_poll_interval_seconds", "free_slots_after_run_end_seconds",
}  # fmt: skip
# Printable, as annotations of Kubernetes' objects may be.
PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
# What a container's environment can hold and Helm's schema lets through.
WRITABLE = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"], exclude_characters="\u2028\u2029"),
    max_size=20,
)


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return written(dagster_chart("native"), tmp_path_factory.mktemp("dagster"))


def instance(handle: ChartHandle, values: Mapping[str, Any] | None = None, **others: Any) -> dict[str, Any]:
    objects = rendered(handle, {"dagster": values or {}, **others})
    found: dict[str, Any] = yaml.safe_load(data_of(objects, "dagster-instance")["dagster.yaml"])
    return found


def launcher(handle: ChartHandle, runs: Mapping[str, Any] | None = None, **others: Any) -> dict[str, Any]:
    config: dict[str, Any] = instance(handle, {"runs": runs or {}}, **others)["run_launcher"]["config"]
    return config


def pod_of_run(config: Mapping[str, Any]) -> dict[str, Any]:
    """The pod template that the launcher makes of its configuration (``construct_dagster_k8s_job``)."""
    run = config["run_k8s_config"]
    container = {
        "name": "dagster",
        "image": config["job_image"],
        "env": run["container_config"]["env"],
        "resources": config["resources"],
        "securityContext": config["security_context"],
        "volumeMounts": config["volume_mounts"],
    }
    spec = {**run["pod_spec_config"], "containers": [container], "volumes": config["volumes"]}
    metadata = {**run.get("pod_template_spec_metadata", {}), "labels": config["labels"]}
    return {"metadata": metadata, "spec": spec}


def test_every_key_is_one_that_dagster_reads(chart: ChartHandle) -> None:
    config = instance(chart, {"runs": {"tagLimits": [{"key": "a", "limit": 1}]}})
    assert config.keys() <= ROOT_KEYS
    made = config["run_launcher"]
    assert (made["module"], made["class"]) == ("dagster_k8s", "K8sRunLauncher")
    assert made["config"].keys() <= LAUNCHER_KEYS
    # Without these the launcher cannot be made, or starts its Jobs in the namespace default.
    assert {"instance_config_map", "service_account_name", "job_namespace"} <= made["config"].keys()
    assert made["config"]["run_k8s_config"].keys() <= RUN_CONFIG_KEYS
    coordinator = config["run_coordinator"]
    assert coordinator["class"] == "QueuedRunCoordinator"
    assert coordinator["config"].keys() <= COORDINATOR_KEYS
    assert config["run_monitoring"].keys() <= MONITORING_KEYS
    assert config["retention"].keys() <= {"schedule", "sensor", "auto_materialize"}
    # Two ways to say where runs are kept exclude each other.
    assert not {"run_storage", "event_log_storage", "schedule_storage", "run_queue"} & config.keys()
    assert config["telemetry"] == {"enabled": False}


def test_user_and_password_come_from_the_environment(chart: ChartHandle) -> None:
    config = instance(chart)
    connection = config["storage"]["postgres"]["postgres_db"]
    assert connection["username"] == {"env": "DAGSTER_PG_USERNAME"}
    assert connection["password"] == {"env": "DAGSTER_PG_PASSWORD"}
    assert (connection["hostname"], connection["port"]) == ("floe-platform-postgres", 5432)
    assert connection["db_name"] == "dagster"
    assert connection["scheme"] == "postgresql+psycopg2"
    # Runs open the instance too, and the launcher hands them neither.
    env = env_of(config["run_launcher"]["config"]["run_k8s_config"]["container_config"])
    secret = "floe-platform-dagster-postgresql"
    assert env["DAGSTER_PG_USERNAME"] == {"secretKeyRef": {"name": secret, "key": "username"}}
    assert env["DAGSTER_PG_PASSWORD"] == {"secretKeyRef": {"name": secret, "key": "password"}}


def test_a_server_elsewhere_is_reached_as_the_values_say(chart: ChartHandle) -> None:
    ca = {"secret": {"secretName": "pg-ca"}}
    external = {"host": "pg.example.com", "tls": {"mode": "verify-full", "ca": ca}}
    config = instance(chart, postgres={"mode": "external", "external": external})
    connection = config["storage"]["postgres"]["postgres_db"]
    assert connection["hostname"] == "pg.example.com"
    assert connection["params"]["sslmode"] == "verify-full"
    [mount] = [one for one in config["run_launcher"]["config"]["volume_mounts"] if one["name"] == "ca"]
    assert connection["params"]["sslrootcert"].startswith(f"{mount['mountPath']}/")
    assert {"name": "ca", **ca} in config["run_launcher"]["config"]["volumes"]
    # The code of data products has databases of its own.
    assert "PGSSLMODE" not in env_of(config["run_launcher"]["config"]["run_k8s_config"]["container_config"])


def test_pods_of_runs_are_restricted_and_told_apart(chart: ChartHandle) -> None:
    template = pod_of_run(launcher(chart))
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "run"}, "spec": {"template": template}}
    objects, _ = parse_objects({"run.yaml": yaml.safe_dump(job)})
    assert insecure({"Job/run": objects[0]}) == []
    labels = template["metadata"]["labels"]
    assert labels["app.kubernetes.io/part-of"] == "floe-platform"
    assert labels["app.kubernetes.io/component"] == "dagster-run"
    spec = template["spec"]
    assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert spec["enableServiceLinks"] is False
    alike = spec["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
    assert alike.items() <= labels.items()


def test_runs_write_where_the_instance_says_and_read_what_all_read(chart: ChartHandle) -> None:
    config = instance(chart)
    made = config["run_launcher"]["config"]
    volumes = {one["name"]: one for one in made["volumes"]}
    mounts = {one["mountPath"]: volumes[one["name"]] for one in made["volume_mounts"]}
    assert len(volumes) == len(mounts)
    # The directory of the process that starts the run, in the run's own pod.
    assert mounts[config["local_artifact_storage"]["config"]["base_dir"]]["emptyDir"] == {}
    assert mounts["/tmp"]["emptyDir"] == {}
    assert mounts[PRODUCTS_PATH]["configMap"]["name"] == "floe-platform-products"
    assert mounts[made["dagster_home"]]["projected"]["sources"] == [
        {"configMap": {"name": "floe-platform-dagster-instance"}}
    ]


def test_runs_read_credentials_as_far_as_they_are_secrets(chart: ChartHandle) -> None:
    more = {"envConfigMaps": ["ours"], "envSecrets": ["mine"]}
    made = launcher(chart, more, objectStore={"secretName": "keys"})
    assert made["env_secrets"] == ["keys", "mine"]
    assert made["env_config_maps"] == ["floe-platform-dagster-env", "floe-platform-object-store", "ours"]
    assert launcher(chart, objectStore={"credentials": "identity"})["env_secrets"] == [CREDENTIALS]


def test_what_the_values_say_of_runs_arrives(chart: ChartHandle) -> None:
    runs = {
        "maxConcurrentRuns": 7,
        "jobTtlSeconds": 60,
        "tagLimits": [{"key": "team", "value": "a: {{ b }}", "limit": 2}, {"key": "any", "limit": 0}],
        "resources": {"limits": {"memory": "3Gi"}},
        "terminationGracePeriodSeconds": 99,
        "tolerations": [{"key": "runs", "operator": "Exists"}],
        "extraVolumes": {"/data/cache": {"volume": {"emptyDir": {"sizeLimit": "1Gi"}}}},
    }
    values = {"runs": runs, "image": {"registry": "r.example", "repository": "d", "tag": "9", "pullPolicy": "Always"}}
    config = instance(chart, values)
    coordinator = config["run_coordinator"]["config"]
    assert coordinator["max_concurrent_runs"] == 7
    assert coordinator["tag_concurrency_limits"] == runs["tagLimits"]
    made = config["run_launcher"]["config"]
    assert (made["job_image"], made["image_pull_policy"]) == ("r.example/d:9", "Always")
    assert made["resources"]["limits"]["memory"] == "3Gi"
    assert made["run_k8s_config"]["job_spec_config"] == {"ttlSecondsAfterFinished": 60}
    spec = pod_of_run(made)["spec"]
    assert (spec["terminationGracePeriodSeconds"], spec["tolerations"]) == (99, runs["tolerations"])
    [mount] = [one for one in made["volume_mounts"] if one["mountPath"] == "/data/cache"]
    assert {"name": mount["name"], "emptyDir": {"sizeLimit": "1Gi"}} in made["volumes"]


@pytest.mark.parametrize(
    ("values", "path", "expected"),
    [
        (
            {"runMonitoring": {"enabled": False, "maxRuntimeSeconds": 1000000}},
            "run_monitoring.max_runtime_seconds",
            10**6,
        ),
        ({"runRetries": {"maxRetries": 3}}, "run_retries.max_retries", 3),
        ({"retention": {"sensorDays": 5}}, "retention.sensor.purge_after_days", 5),
        ({"retention": {"automationDays": 6}}, "retention.auto_materialize.purge_after_days", 6),
    ],
)
def test_what_the_values_say_of_the_instance_arrives(
    chart: ChartHandle, values: Mapping[str, Any], path: str, expected: int
) -> None:
    found: Any = instance(chart, values)
    for key in path.split("."):
        found = found[key]
    assert found == expected


@settings(max_examples=25, deadline=None)
@given(note=PRINTABLE, text=WRITABLE, tag=PRINTABLE.filter(bool))
def test_any_text_stays_as_it_is_inside_the_file(chart: ChartHandle, note: str, text: str, tag: str) -> None:
    runs = {
        "podAnnotations": {"example.com/note": note},
        "extraEnv": {"TEXT": {"value": text}},
        "tagLimits": [{"key": tag, "value": tag, "limit": 1}],
    }
    config = instance(chart, {"runs": runs})
    run = config["run_launcher"]["config"]["run_k8s_config"]
    assert run["pod_template_spec_metadata"]["annotations"] == {"example.com/note": note}
    assert env_of(run["container_config"])["TEXT"] == text
    assert config["run_coordinator"]["config"]["tag_concurrency_limits"] == runs["tagLimits"]
