"""The values of Dagster where every template is generated here (strategy ``native``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from floe_charts.constructs.dagster.values import DATABASE_VARIABLES, EntryValues, MigrationValues
from floe_charts.constructs.dagster.wiring import DagsterWiring
from floe_charts.constructs.pod_values import InitResources
from floe_charts.helm import (
    AccountPodValues,
    DnsName,
    ExtraEnv,
    Field,
    Image,
    Resources,
    Values,
    Without,
    WorkloadValues,
)
from floe_charts.helm.patterns import form

__all__ = [
    "NativeDaemonValues",
    "NativeDagsterValues",
    "NativeRunValues",
    "NativeWebserverValues",
    "native_values",
]

_PathPrefix = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$",
            "the beginning of a URL's path without / at its end, such as /dagster; or nothing",
        ),
        max_length=255,
    ),
]
_Tag = Annotated[
    str, StringConstraints(pattern=form(r"^[ -~]+$", "a text of printable ASCII, not empty"), max_length=255)
]
_ProcessEnv = Annotated[ExtraEnv, Without("DAGSTER_HOME", "HOME", "OTEL_SERVICE_NAME", *DATABASE_VARIABLES)]
_RUN_VARIABLES = Without("DAGSTER_HOME", "DAGSTER_RUN_JOB_NAME", "HOME", "OTEL_SERVICE_NAME", *DATABASE_VARIABLES)


class NativeWebserverValues(EntryValues, WorkloadValues):
    """The webserver: user interface and GraphQL API."""

    read_only: bool = Field(False, description="Show everything, and start and change nothing.")
    path_prefix: _PathPrefix = Field(
        "", description="Path that everything is served below, such as /dagster; then the path of an Ingress too."
    )
    extra_env: _ProcessEnv = Field({}, description="Further environment variables, by name.")


class NativeDaemonValues(AccountPodValues):
    """The daemon: schedules, sensors and the queue of runs. There is always one."""

    resources: Resources = Resources()
    extra_env: _ProcessEnv = Field({}, description="Further environment variables, by name.")


class TagLimit(Values):
    """How many runs with a tag go at once."""

    key: _Tag = Field("dagster/backfill", description="Name of the tag.")
    value: _Tag | None = Field(None, description="Its value; absent: any.")
    limit: int = Field(1, ge=0, le=10000, description="Runs at once.")


class NativeRunValues(AccountPodValues):
    """Runs: each is a Kubernetes Job with one pod."""

    max_concurrent_runs: int = Field(10, ge=1, le=10000, description="Runs at once; further ones wait.")
    tag_limits: list[TagLimit] = Field([], description="Limits of runs with certain tags.")
    resources: Resources = Field(Resources(), description="CPU and memory of a run.")
    env_config_maps: list[DnsName] = Field([], description="ConfigMaps that become environment variables.")
    env_secrets: list[DnsName] = Field([], description="Secrets that become environment variables; they must exist.")
    job_ttl_seconds: int = Field(86400, ge=0, le=31536000, description="Seconds for which a finished run's Job stays.")
    kubernetes_access: bool = Field(
        False, description="Let runs start Jobs and pods themselves: k8s_job_executor, k8s_job_op, PipesK8sClient."
    )
    extra_env: Annotated[ExtraEnv, _RUN_VARIABLES] = Field({}, description="Further environment variables, by name.")


class RunMonitoring(Values):
    """Runs whose pods are gone or hang are found and failed."""

    enabled: bool = Field(True, description="Look after runs.")
    start_timeout_seconds: int = Field(300, ge=1, le=86400, description="Seconds that a run may take to start.")
    cancel_timeout_seconds: int = Field(180, ge=1, le=86400, description="Seconds that a run may take to end.")
    max_runtime_seconds: int = Field(0, ge=0, le=31536000, description="Seconds that a run may take; 0: any time.")
    poll_interval_seconds: int = Field(120, ge=1, le=3600, description="Seconds between two looks.")


class RunRetries(Values):
    """Failed runs are started anew; Kubernetes restarts none, for Dagster would refuse the second start."""

    enabled: bool = Field(True, description="Heed the retries that runs ask for by their tags.")
    max_retries: int = Field(0, ge=0, le=100, description="Further tries of a run that asks for none itself.")


class Retention(Values):
    """How long the ticks of schedules and sensors are kept; their runs stay."""

    schedule_days: int = Field(90, ge=1, le=36500, description="Days for ticks of schedules.")
    sensor_days: int = Field(30, ge=1, le=36500, description="Days for ticks of sensors.")
    automation_days: int = Field(30, ge=1, le=36500, description="Days for evaluations of automation conditions.")


class NativeDatabase(Values):
    """The connection to PostgreSQL."""

    secret_name: DnsName = Field("dagster-postgresql", description="Secret with keys username and password.")


class NativeDagsterValues(Values):
    """Dagster, the orchestrator."""

    enabled: bool = Field(True, description="Whether there is Dagster.")
    image: Image = Field(
        Image(repository="dagster/dagster-celery-k8s", tag="1.12.17"),
        description="Image of webserver, daemon and runs, with the code of the data products that have no image.",
    )
    run_as_user: int = Field(10001, ge=1, le=2147483647, description="User of all processes, and their group.")
    log_format: Literal["colored", "json", "rich"] = Field("json", description="Form of the processes' logs.")
    log_level: Literal["debug", "info", "warning", "error", "critical"] = Field(
        "info", description="Least severity that webserver and daemon log."
    )
    rbac_enabled: bool = Field(True, description="Make Roles that let Dagster start and end runs.")
    webserver: NativeWebserverValues = NativeWebserverValues()
    daemon: NativeDaemonValues = NativeDaemonValues()
    runs: NativeRunValues = NativeRunValues()
    run_monitoring: RunMonitoring = RunMonitoring()
    run_retries: RunRetries = RunRetries()
    retention: Retention = Retention()
    database: NativeDatabase = NativeDatabase()
    wait_image: Image = Field(
        Image(repository="library/postgres", tag="17.9-bookworm"),
        description="Image that waits for the database: any with psql.",
    )
    wait_resources: InitResources = Field(InitResources(), description="CPU and memory of the containers that wait.")
    migration: MigrationValues = MigrationValues()


def native_values(wiring: DagsterWiring, version: str) -> NativeDagsterValues:
    """What the platform sets by default, for Dagster ``version``."""
    defaults = NativeDagsterValues()
    return defaults.model_copy(
        update={
            "image": defaults.image.model_copy(update={"tag": version}),
            "runs": NativeRunValues(env_secrets=list(wiring.secrets)),
            "database": NativeDatabase(secret_name=f"{wiring.fullname}-dagster-postgresql"),
        }
    )
