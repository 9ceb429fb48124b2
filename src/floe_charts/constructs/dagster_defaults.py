"""What the platform hands to Dagster's official chart by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

from floe_charts.constructs.dagster_chart import (
    DAGSTER_HOME,
    DaemonValues,
    DagsterGlobal,
    DagsterPostgres,
    DagsterValues,
    WebserverValues,
    WebserverWorkspace,
)
from floe_charts.constructs.dagster_chart_runs import (
    DagsterImage,
    RunImage,
    RunK8sConfig,
    RunLauncher,
    RunLauncherConfig,
    RunLauncherK8s,
    RunPodSpec,
)
from floe_charts.constructs.network import POSTGRES
from floe_charts.constructs.pod_values import (
    EnvVar,
    HttpGet,
    PodSecurity,
    Probe,
    StartupProbe,
    Volume,
    VolumeMount,
    config_map_volume,
    empty_dir,
    env_vars,
    mount,
)
from floe_charts.constructs.products import PRODUCTS_PATH
from floe_charts.helm import ObjectRef

__all__ = ["PASSWORD_KEY", "DagsterWiring", "dagster_values"]

PASSWORD_KEY = "postgresql-password"
"""The one key of the database's Secret that the chart reads."""

# The image names no user; any works that has a home to write to.
_UID = 1000
# Released together with the chart, under one version.
_IMAGE = "docker.io/dagster/dagster-celery-k8s"
_SECURITY = PodSecurity(run_as_user=_UID, run_as_group=_UID, fs_group=_UID)
_PROBE_PATH = "/server_info"


@dataclass(frozen=True)
class DagsterWiring:
    """What Dagster's values are made from: names of objects in the release, literal, as Helm does not evaluate them."""

    version: str
    fullname: str
    workspace: str
    locations_hash: str
    products: str | None
    secrets: tuple[str, ...]
    env: Mapping[str, str]
    service_names: bool


class _Common(TypedDict):
    """What webserver and daemon have in common."""

    image: DagsterImage
    env: list[EnvVar]
    annotations: dict[str, str]
    pod_security_context: PodSecurity
    volumes: list[Volume]
    volume_mounts: list[VolumeMount]


def dagster_values(wiring: DagsterWiring) -> DagsterValues:
    """The values, every object in the release named after ``wiring.fullname``."""
    return DagsterValues(
        global_=DagsterGlobal(
            postgresql_secret_name=f"{wiring.fullname}-dagster-postgresql",
            fullname_override=f"{wiring.fullname}-dagster",
        ),
        dagster_webserver=WebserverValues(
            **_common(wiring, "dagster-webserver"),
            workspace=WebserverWorkspace(external_configmap=wiring.workspace),
            readiness_probe=_probe(period=10, failures=3),
            liveness_probe=_probe(period=20, failures=6),
            # Importing the code locations can take minutes.
            startup_probe=StartupProbe(**_probe(period=10, failures=60).model_dump(exclude_unset=True)),
        ),
        dagster_daemon=DaemonValues(**_common(wiring, "dagster-daemon")),
        run_launcher=RunLauncher(config=RunLauncherConfig(k8s_run_launcher=_runs(wiring))),
        postgresql=DagsterPostgres(postgresql_host=f"{wiring.fullname}-{POSTGRES.suffix}"),
    )


def _common(wiring: DagsterWiring, service: str) -> _Common:
    volumes, mounts = _volumes(wiring)
    return {
        "image": DagsterImage(repository=_IMAGE, tag=wiring.version),
        "env": env_vars(_environment(wiring, service)),
        "annotations": {"checksum/locations": wiring.locations_hash},
        "pod_security_context": _SECURITY,
        "volumes": volumes,
        "volume_mounts": mounts,
    }


def _runs(wiring: DagsterWiring) -> RunLauncherK8s:
    volumes, mounts = _volumes(wiring)
    return RunLauncherK8s(
        image=RunImage(repository=_IMAGE, tag=wiring.version),
        env_secrets=[ObjectRef(name=secret) for secret in wiring.secrets],
        env_vars=[f"{name}={value}" for name, value in _environment(wiring, "dagster-run").items()],
        volumes=volumes,
        volume_mounts=mounts,
        run_k8s_config=RunK8sConfig(pod_spec_config=RunPodSpec(security_context=_SECURITY)),
    )


def _environment(wiring: DagsterWiring, service: str) -> dict[str, str]:
    named = {"OTEL_SERVICE_NAME": service} if wiring.service_names else {}
    return {"HOME": "/tmp", **wiring.env, **named}


def _volumes(wiring: DagsterWiring) -> tuple[list[Volume], list[VolumeMount]]:
    """Where the processes write, as the root file system cannot be written, and the facts of the data products."""
    volumes = [empty_dir("tmp"), empty_dir("dagster-home")]
    mounts = [mount("tmp", "/tmp"), mount("dagster-home", DAGSTER_HOME)]
    if wiring.products is not None:
        volumes.append(config_map_volume("products", wiring.products))
        mounts.append(mount("products", PRODUCTS_PATH, read_only=True))
    return volumes, mounts


def _probe(*, period: int, failures: int) -> Probe:
    request = HttpGet(path=_PROBE_PATH, port="http")
    return Probe(
        http_get=request, period_seconds=period, timeout_seconds=10, success_threshold=1, failure_threshold=failures
    )
