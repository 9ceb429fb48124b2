"""dagster.yaml: the instance that Dagster's processes share.

Keys as in ``dagster_instance_config_schema`` (dagster 1.12.17) and ``DagsterK8sJobConfig`` (dagster-k8s 0.28.17).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from floe_charts.constructs.dagster.native import NativeDagsterValues
from floe_charts.constructs.dagster.wiring import DAGSTER_HOME
from floe_charts.helm import RELEASE_NAMESPACE, each

__all__ = ["STORAGE_PATH", "instance_config", "launcher_config"]

STORAGE_PATH = "/opt/dagster/storage"
"""Where runs keep what no other storage takes; as long as the pod lives."""


def instance_config(v: NativeDagsterValues, storage: Mapping[str, Any], launcher: Mapping[str, Any]) -> dict[str, Any]:
    """The whole of dagster.yaml; no credential is in it, for it stands in the arguments of each run's Job."""
    monitoring = v.run_monitoring
    limits = each(v.runs.tag_limits, lambda one: {"key": one.key, "value": one.value, "limit": one.limit})
    threads = {"use_threads": True, "num_workers": 4}
    return {
        "storage": storage,
        "run_coordinator": {
            "module": "dagster.core.run_coordinator",
            "class": "QueuedRunCoordinator",
            "config": {
                "max_concurrent_runs": v.runs.max_concurrent_runs,
                "tag_concurrency_limits": limits,
                "dequeue_use_threads": True,
                "dequeue_num_workers": 4,
            },
        },
        "run_launcher": {"module": "dagster_k8s", "class": "K8sRunLauncher", "config": launcher},
        "run_monitoring": {
            "enabled": monitoring.enabled,
            "start_timeout_seconds": monitoring.start_timeout_seconds,
            "cancel_timeout_seconds": monitoring.cancel_timeout_seconds,
            "max_runtime_seconds": monitoring.max_runtime_seconds,
            "poll_interval_seconds": monitoring.poll_interval_seconds,
            # More would have every process, runs too, ask the API server.
            "max_resume_run_attempts": 0,
        },
        "run_retries": {"enabled": v.run_retries.enabled, "max_retries": v.run_retries.max_retries},
        "retention": {
            "schedule": {"purge_after_days": v.retention.schedule_days},
            "sensor": {"purge_after_days": v.retention.sensor_days},
            "auto_materialize": {"purge_after_days": v.retention.automation_days},
        },
        "schedules": threads,
        "sensors": threads,
        # What a run prints is in its pod's log; nobody could read a file in the pod.
        "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"},
        "local_artifact_storage": {
            "module": "dagster._core.storage.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": STORAGE_PATH},
        },
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
    }


def launcher_config(
    pod: Mapping[str, Any],
    *,
    instance_config_map: str,
    config_maps: Sequence[Any],
    secrets: Sequence[Any],
    job_ttl_seconds: int,
) -> dict[str, Any]:
    """The K8sRunLauncher's configuration, by which it makes the Job of a run.

    ``pod`` is a pod template with one container, as :meth:`~floe_charts.helm.Part.pod` makes it; its image is that of
    runs whose code location has none. ``config_maps`` and ``secrets`` name what becomes environment variables. What
    a location or a run's tag may say too stands in the launcher's own fields, the rest in Kubernetes' words.
    """
    spec, metadata = dict(pod["spec"]), pod["metadata"]
    [container] = spec.pop("containers")
    return {
        # Demanded, and read by nobody.
        "instance_config_map": instance_config_map,
        "dagster_home": DAGSTER_HOME,
        "job_namespace": RELEASE_NAMESPACE,
        "job_image": container["image"],
        "image_pull_policy": container["imagePullPolicy"],
        "image_pull_secrets": spec.pop("imagePullSecrets", []),
        "service_account_name": spec.pop("serviceAccountName"),
        "env_config_maps": config_maps,
        "env_secrets": secrets,
        "labels": metadata["labels"],
        "resources": container["resources"],
        "security_context": container["securityContext"],
        "volumes": spec.pop("volumes"),
        "volume_mounts": container["volumeMounts"],
        "run_k8s_config": {
            "container_config": {"env": container["env"]},
            "pod_spec_config": spec,
            "pod_template_spec_metadata": {"annotations": metadata.get("annotations", {})},
            "job_spec_config": {"ttlSecondsAfterFinished": job_ttl_seconds},
        },
    }
