"""The CronJob of a product's job: when it runs, its pod, and what the pod's container is told.

Every job is a CronJob. One without a schedule is suspended: Dagster's runs, or people, start Jobs from it, as with
``kubectl create job --from=cronjob/<name>``. So a product's job looks the same however it is started, and an upgrade
never meets a Job that cannot be changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from floe_charts.constructs.jobs.files import ARTIFACTS_FILE, SCRATCH
from floe_charts.constructs.jobs.values import CustomJob, DbtJob, IngestionJob, JobKind, JobsValues
from floe_charts.constructs.network import MARQUEZ, OTLP_GRPC
from floe_charts.helm import (
    Part,
    and_,
    container,
    default,
    each,
    eq,
    nonempty,
    or_,
    pod_security,
    present,
    restricted_security,
    ternary,
    when,
)

if TYPE_CHECKING:
    from floe_charts.constructs.environment_chart import PlatformValues
    from floe_charts.constructs.jobs.product_jobs import DataProductJobs

__all__ = ["ProductJob", "cron_job", "dbt_command"]

_PRODUCT, _PACKED = "/etc/floe/product", "/etc/floe/packed"
# A day that never comes, for Kubernetes wants a schedule where nothing is scheduled.
_NEVER = "0 0 31 2 *"
# Argo CD since 3.2 takes an Application for degraded while the last run of one of its CronJobs has failed, and then
# holds up a new version of the chart, which may be the repair.
_ANNOTATIONS = {"argocd.argoproj.io/ignore-healthcheck": "true"}
_UNPACK = f'for file in {_PACKED}/*.gz; do name=${{file##*/}}; gunzip -c < "$file" > "{_PRODUCT}/${{name%.gz}}"; done'


@dataclass(frozen=True)
class ProductJob:
    """A job of a product: what it runs, its own values, and those that jobs of its kind share.

    ``key`` is the product's. ``product``, ``own`` and ``kind`` are references, ``command`` is what they make; ``image``
    is the job's own, None for the product's.
    """

    part: Part
    key: str
    product: Any
    own: DbtJob | IngestionJob | CustomJob
    kind: JobKind
    command: Sequence[Any]
    image: Any = None


def dbt_command(v: JobsValues, job: DbtJob) -> list[Any]:
    """What runs dbt for a product whose values ``job`` are."""
    return [
        *each(v.dbt.command, lambda word: word),
        "--profiles-dir",
        _PRODUCT,
        "--project-dir",
        default(job.project_dir, v.dbt.project_dir),
        "--target",
        default(job.target, v.dbt.target),
        *when(nonempty(job.select), ["--select", *each(job.select, lambda one: one)]),
        *when(nonempty(job.exclude), ["--exclude", *each(job.exclude, lambda one: one)]),
        *when(nonempty(job.args), [*each(job.args, lambda one: one)]),
    ]


def cron_job(jobs: DataProductJobs, v: JobsValues, job: ProductJob) -> dict[str, Any]:
    """The CronJob of ``job``."""
    part, kind = job.part, job.kind
    metadata = part.metadata(annotations=_ANNOTATIONS)
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": metadata,
        "spec": {
            "schedule": default(job.own.schedule, _NEVER),
            "timeZone": v.time_zone,
            # Without a schedule it is what Jobs are started from.
            "suspend": ternary(present(job.own.schedule), default(job.own.suspend, False), True),
            "concurrencyPolicy": kind.concurrency_policy,
            "startingDeadlineSeconds": kind.starting_deadline_seconds,
            "successfulJobsHistoryLimit": kind.successful_jobs_history_limit,
            "failedJobsHistoryLimit": kind.failed_jobs_history_limit,
            "jobTemplate": {
                "metadata": {"labels": metadata["labels"]},
                "spec": part.job_spec(
                    _pod(jobs, v, job),
                    deadline=kind.active_deadline_seconds,
                    backoff_limit=kind.backoff_limit,
                    ttl=kind.ttl_seconds_after_finished,
                ),
            },
        },
    }


def _pod(jobs: DataProductJobs, v: JobsValues, job: ProductJob) -> dict[str, Any]:
    compressed, files = default(job.product.compressed, False), {"configMap": {"name": jobs.files_name(job.key)}}
    image = when(present(job.product.image), jobs.image(job.product.image), jobs.image(v.image))
    return job.part.pod(
        [_container(jobs, v, job, image)],
        init_containers=[when(compressed, _unpack(v, image))],
        volumes=[
            when(compressed, {"name": "product", "emptyDir": {}}, {"name": "product", **files}),
            when(compressed, {"name": "packed", **files}),
            {"name": "tmp", "emptyDir": {}},
            {"name": "scratch", "emptyDir": {}},
        ],
        security=pod_security(uid=v.run_as_user, fs_group=v.run_as_user),
        service_account=jobs.runner.service_account_name(v),
        pod={
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": v.termination_grace_period_seconds,
        },
        values=v,
    )


def _container(jobs: DataProductJobs, v: JobsValues, job: ProductJob, image: Any) -> dict[str, Any]:
    # With an identity there is no Secret.
    store = {"name": v.object_store, "optional": True}
    made = job.part.container(
        v.image,
        values=v,
        env=_env(jobs, v, job),
        envFrom=[
            when(present(v.object_store), {"configMapRef": store}),
            when(present(v.object_store), {"secretRef": store}),
            when(present(job.product.credentials_secret), {"secretRef": {"name": _secret(jobs, v, job)}}),
            *each(v.env_secrets, lambda name: {"secretRef": {"name": name}}),
        ],
        resources=job.kind.resources,
        security=restricted_security(uid=v.run_as_user),
        mounts={"product": _PRODUCT, "tmp": "/tmp", "scratch": SCRATCH},
    )
    return {
        **made,
        "image": image if job.image is None else when(present(job.image), jobs.image(job.image), image),
        "resources": when(present(job.own.resources), job.own.resources, job.kind.resources),
        "command": job.command,
    }


def _unpack(v: JobsValues, image: Any) -> dict[str, Any]:
    made = container(
        "unpack",
        "",
        command=["sh", "-ec", _UNPACK],
        resources=v.dbt.resources,
        security=restricted_security(uid=v.run_as_user),
        mounts={"packed": _PACKED, "product": _PRODUCT},
    )
    return {**made, "image": image, "imagePullPolicy": v.image.pull_policy}


def _secret(jobs: DataProductJobs, v: JobsValues, job: ProductJob) -> Any:
    """The name of the Secret with the product's credentials."""
    return when(eq(v.secrets.source, "external"), jobs.fetched_name(job.key), job.product.credentials_secret)


def _env(jobs: DataProductJobs, v: JobsValues, job: ProductJob) -> dict[str, Any]:
    environment = cast("PlatformValues", jobs.chart.refs).environment
    product = job.product
    telemetry = {
        "OTEL_SERVICE_NAME": product.service_name,
        "OTEL_EXPORTER_OTLP_ENDPOINT": jobs.url(OTLP_GRPC),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_RESOURCE_ATTRIBUTES": when(nonempty(environment), f"deployment.environment.name={environment}"),
    }
    has_key = and_(present(product.lineage_variable), present(product.credentials_secret))
    api_key = {"name": _secret(jobs, v, job), "key": product.lineage_variable}
    lineage = {
        "OPENLINEAGE_URL": default(product.lineage_url, jobs.url(MARQUEZ)),
        "OPENLINEAGE_NAMESPACE": product.lineage_namespace,
        # OpenLineage's clients send it as a bearer token.
        "OPENLINEAGE_API_KEY": when(has_key, {"valueFrom": {"secretKeyRef": api_key}}),
    }
    has_telemetry = and_(present(product.service_name), v.platform.otel)
    taken = or_(present(product.lineage_url), v.platform.marquez)
    has_lineage = and_(present(product.lineage_namespace), taken)
    return {
        "FLOE_PRODUCT": product.name,
        "FLOE_COMPILED_ARTIFACTS": f"{_PRODUCT}/{ARTIFACTS_FILE}",
        "DBT_PROFILES_DIR": _PRODUCT,
        # The image's own file system is read only.
        "DBT_TARGET_PATH": "/tmp/target",
        "DBT_LOG_PATH": "/tmp/logs",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "HOME": "/tmp",
        **when(has_telemetry, telemetry, {"OTEL_SDK_DISABLED": "true"}),
        **when(has_lineage, lineage, {"OPENLINEAGE_DISABLED": "true"}),
    }
