"""What the platform hands to Dagster's official chart by default."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypedDict

import pydantic
from pydantic import create_model

from floe_charts.constructs.dagster.chart import (
    DaemonValues,
    DagsterGlobal,
    DagsterPostgres,
    DagsterValues,
    WebserverValues,
    WebserverWorkspace,
)
from floe_charts.constructs.dagster.chart_runs import (
    DagsterImage,
    RunImage,
    RunK8sConfig,
    RunLauncher,
    RunLauncherConfig,
    RunLauncherK8s,
    RunPodSpec,
)
from floe_charts.constructs.dagster.chart_wait import PASSWORD_KEY, wait_container
from floe_charts.constructs.dagster.wiring import (
    DAEMON,
    DAGSTER_HOME,
    DAGSTER_UID,
    ENVIRONMENT,
    RUN,
    WEBSERVER,
    WORKSPACE,
    DagsterWiring,
)
from floe_charts.constructs.network import POSTGRES
from floe_charts.constructs.part import object_labels
from floe_charts.constructs.pod_values import (
    EnvVar,
    HttpGet,
    InitContainer,
    PodSecurity,
    Probe,
    SourceRef,
    StartupProbe,
    Volume,
    VolumeMount,
    config_map_volume,
    empty_dir,
    env_vars,
    mount,
)
from floe_charts.constructs.products import PRODUCTS_PATH
from floe_charts.constructs.shared_values import pod_label_type
from floe_charts.helm import Affinity, ObjectRef

__all__ = ["CHECKSUM", "PASSWORD_KEY", "chart_values", "run_secrets"]

CHECKSUM = "checksum/locations"
"""The annotation that rolls webserver and daemon."""
# Released together with the chart, under one version.
_IMAGE = "docker.io/dagster/dagster-celery-k8s"
_SECURITY = PodSecurity(run_as_user=DAGSTER_UID, run_as_group=DAGSTER_UID, fs_group=DAGSTER_UID)
_PROBE_PATH = "/server_info"


class _Common(TypedDict):
    """What webserver and daemon have in common."""

    image: DagsterImage
    env: list[EnvVar]
    env_config_maps: list[SourceRef]
    annotations: dict[str, str]
    labels: dict[str, str]
    deployment_labels: dict[str, str]
    extra_prepended_init_containers: list[InitContainer]
    pod_security_context: PodSecurity
    volumes: list[Volume]
    volume_mounts: list[VolumeMount]


def chart_values(wiring: DagsterWiring, version: str, checksum: str) -> DagsterValues:
    """The values, every object in the release named after the chart's full name; ``checksum`` is an annotation.

    Their class keeps the labels by which NetworkPolicies tell the pods.
    """
    fullname, labels = wiring.fullname, _labels(wiring)
    models = _classes(*(tuple(labels[name].items()) for name in (WEBSERVER, DAEMON, RUN)))
    return models.values(
        global_=DagsterGlobal(
            postgresql_secret_name=_secret(wiring),
            # Not that of the objects that strategy native makes: a Deployment cannot change its selector.
            fullname_override=f"{fullname}-dagster-chart",
        ),
        dagster_webserver=models.webserver(
            **_common(wiring, WEBSERVER, version, checksum),
            affinity=_apart(labels[WEBSERVER]),
            workspace=WebserverWorkspace(external_configmap=f"{fullname}-{WORKSPACE}"),
            readiness_probe=_probe(period=10, failures=3),
            liveness_probe=_probe(period=20, failures=6),
            # Importing the code locations can take minutes.
            startup_probe=StartupProbe(**_probe(period=10, failures=60).model_dump(exclude_unset=True)),
        ),
        dagster_daemon=models.daemon(**_common(wiring, DAEMON, version, checksum)),
        run_launcher=models.run_launcher(config=models.config(k8s_run_launcher=_runs(models.runs, wiring, version))),
        postgresql=_server(wiring),
    )


def run_secrets(wiring: DagsterWiring, store: Mapping[str, Any]) -> list[str]:
    """The Secrets that become environment variables of runs; ``store`` are the values of the object store, if any."""
    return [*([store["secretName"]] if store.get("credentials") == "secret" else []), *wiring.secrets]


def _secret(wiring: DagsterWiring) -> str:
    return f"{wiring.fullname}-dagster-postgresql"


def _server(wiring: DagsterWiring) -> DagsterPostgres:
    return DagsterPostgres(postgresql_host=f"{wiring.fullname}-{POSTGRES.suffix}")


def _waiting(wiring: DagsterWiring) -> InitContainer:
    return wait_container(wiring.chart, _server(wiring).to_values(), _secret(wiring), {})


def _labels(wiring: DagsterWiring) -> dict[str, dict[str, str]]:
    return {name: object_labels(wiring.chart, name) for name in (WEBSERVER, DAEMON, RUN)}


def _common(wiring: DagsterWiring, process: str, version: str, checksum: str) -> _Common:
    volumes, mounts = _volumes(wiring)
    return {
        "image": DagsterImage(repository=_IMAGE, tag=version),
        "env": env_vars(_environment(wiring, process)),
        "env_config_maps": [SourceRef(name=f"{wiring.fullname}-{ENVIRONMENT}")],
        "annotations": {CHECKSUM: checksum},
        "labels": object_labels(wiring.chart, process),
        "deployment_labels": object_labels(wiring.chart, process),
        "extra_prepended_init_containers": [_waiting(wiring)],
        "pod_security_context": _SECURITY,
        "volumes": volumes,
        "volume_mounts": mounts,
    }


def _runs(model: type[RunLauncherK8s], wiring: DagsterWiring, version: str) -> RunLauncherK8s:
    volumes, mounts = _volumes(wiring)
    labels, store = object_labels(wiring.chart, RUN), wiring.store
    config_maps = [f"{wiring.fullname}-{ENVIRONMENT}", *([store.config_map_name] if store is not None else [])]
    return model(
        image=RunImage(repository=_IMAGE, tag=version),
        env_config_maps=[ObjectRef(name=name) for name in config_maps],
        env_secrets=[ObjectRef(name=name) for name in run_secrets(wiring, store.values.to_values() if store else {})],
        env_vars=[f"{name}={value}" for name, value in _environment(wiring, RUN).items()],
        labels=labels,
        volumes=volumes,
        volume_mounts=mounts,
        run_k8s_config=RunK8sConfig(pod_spec_config=RunPodSpec(security_context=_SECURITY, affinity=_apart(labels))),
    )


def _environment(wiring: DagsterWiring, process: str) -> dict[str, str]:
    return {"HOME": "/tmp", **wiring.service_name(process)}


def _volumes(wiring: DagsterWiring) -> tuple[list[Volume], list[VolumeMount]]:
    """Where the processes write, as the root file system cannot be written, and the facts of the data products."""
    volumes = [empty_dir("tmp"), empty_dir("dagster-home")]
    mounts = [mount("tmp", "/tmp"), mount("dagster-home", DAGSTER_HOME)]
    if wiring.products is not None:
        volumes.append(config_map_volume("products", wiring.products.config_map_name))
        mounts.append(mount("products", PRODUCTS_PATH, read_only=True))
    return volumes, mounts


def _apart(labels: dict[str, str]) -> Affinity:
    """Pods that rather run on other nodes than those of the same ``labels``."""
    term = {"labelSelector": {"matchLabels": labels}, "topologyKey": "kubernetes.io/hostname"}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


def _probe(*, period: int, failures: int) -> Probe:
    request = HttpGet(path=_PROBE_PATH, port="http")
    return Probe(
        http_get=request, period_seconds=period, timeout_seconds=10, success_threshold=1, failure_threshold=failures
    )


class _Classes:
    """The classes of the values whose labels tell the pods of one chart."""

    def __init__(self, webserver: dict[str, str], daemon: dict[str, str], runs: dict[str, str]) -> None:
        self.webserver = _labelled(WebserverValues, webserver, "labels", "deployment_labels")
        self.daemon = _labelled(DaemonValues, daemon, "labels", "deployment_labels")
        self.runs = _labelled(RunLauncherK8s, runs, "labels")
        self.config: type[RunLauncherConfig] = _with(
            RunLauncherConfig, k8s_run_launcher=(self.runs, pydantic.Field(self.runs(), alias="k8sRunLauncher"))
        )
        self.run_launcher: type[RunLauncher] = _with(RunLauncher, config=(self.config, self.config()))
        self.values: type[DagsterValues] = _with(
            DagsterValues,
            dagster_webserver=(self.webserver, self.webserver()),
            dagster_daemon=(self.daemon, self.daemon()),
            run_launcher=(self.run_launcher, self.run_launcher()),
        )


@cache
def _classes(*labels: tuple[tuple[str, str], ...]) -> _Classes:
    return _Classes(*(dict(pairs) for pairs in labels))


def _labelled(model: type[Any], labels: dict[str, str], *fields: str) -> type[Any]:
    """``model`` with ``fields`` for labels that keep ``labels``."""
    kept = {
        name: (pod_label_type(labels), pydantic.Field(labels, description=model.model_fields[name].description))
        for name in fields
    }
    return _with(model, **kept)


def _with(model: type[Any], **fields: Any) -> type[Any]:
    """``model`` with other types of some fields."""
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, **fields)
