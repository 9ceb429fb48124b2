"""The values of the data products' jobs: what all jobs have in common, each kind's own, and an entry per product.

An entry in a map is written as a whole, so that what need not be said is optional there.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from floe_charts.constructs.jobs.schedule import JobSchedule
from floe_charts.constructs.pod_values import AbsolutePath
from floe_charts.constructs.surroundings.network_policies import DnsValues, OutsideAddresses
from floe_charts.constructs.surroundings.secrets import StoreRef
from floe_charts.helm import (
    AccountPodValues,
    DnsLabel,
    DnsName,
    EnvName,
    ExtraEnv,
    Field,
    Image,
    Resources,
    Values,
    Without,
)
from floe_charts.helm.patterns import REGISTRY_PATTERN, WRITABLE_PATTERN, form

__all__ = [
    "CUSTOM_NAME_LENGTH",
    "DBT_IMAGE",
    "CustomJob",
    "CustomJobs",
    "DbtJob",
    "DbtJobs",
    "IngestionJob",
    "IngestionJobs",
    "JobImage",
    "JobsValues",
    "PlatformParts",
    "ProductJobs",
]

CUSTOM_NAME_LENGTH = 13
"""Longest name of a job of somebody's own; ``ingestion``, the longest of ours, is shorter."""
DBT_IMAGE = Image(registry="ghcr.io", repository="dbt-labs/dbt-core", tag="1.8.0")
"""dbt alone: a job needs adapters and a project beside it."""
_Argument = Annotated[str, StringConstraints(pattern=WRITABLE_PATTERN, max_length=4000)]
_Text = Annotated[str, StringConstraints(pattern=WRITABLE_PATTERN, max_length=500)]
_TimeZone = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^(Etc/UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_-]+){1,2})$",
            "a time zone by its whole name, such as Europe/Vienna or Etc/UTC",
        ),
        max_length=60,
    ),
]
# Without '-', so that no job of one product has the name of another product's.
_JobName = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^[a-z][a-z0-9]*$", "a name of lower-case letters and digits that begins with a letter"),
        max_length=CUSTOM_NAME_LENGTH,
    ),
]
_RemoteKey = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^[A-Za-z0-9._/:-]+$", "the beginning of a key in the store: letters, digits and the signs . _ / : -"
        ),
        max_length=500,
    ),
]
OWN_VARIABLES = Without(
    "DBT_LOG_PATH",
    "DBT_PROFILES_DIR",
    "DBT_SEND_ANONYMOUS_USAGE_STATS",
    "DBT_TARGET_PATH",
    "FLOE_COMPILED_ARTIFACTS",
    "FLOE_PRODUCT",
    "HOME",
    "OPENLINEAGE_API_KEY",
    "OPENLINEAGE_DISABLED",
    "OPENLINEAGE_NAMESPACE",
    "OPENLINEAGE_URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SDK_DISABLED",
    "OTEL_SERVICE_NAME",
)


class JobImage(Values):
    """An image of a product's own."""

    registry: Annotated[str, StringConstraints(pattern=REGISTRY_PATTERN)] = Field(
        "docker.io", description="Host of the registry; imageRegistry takes its place."
    )
    repository: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9._/-]*[a-z0-9])?$")] = Field(
        "product", description="Repository in the registry."
    )
    tag: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")] = Field(
        "latest", description="Tag of the image."
    )
    digest: Annotated[str, StringConstraints(pattern=r"^(sha256:[a-f0-9]{64})?$")] | None = Field(
        None, description="Digest that pins the image, sha256: and 64 digits; absent: the tag decides."
    )


class JobKind(Values):
    """How jobs of one kind run, in all products."""

    resources: Resources = Resources()
    backoff_limit: int = Field(1, ge=0, le=100, description="Pods that may fail before the job has failed.")
    active_deadline_seconds: int = Field(
        7200, ge=60, le=604800, description="Seconds after which a job that still runs is ended."
    )
    ttl_seconds_after_finished: int = Field(
        86400, ge=0, le=2592000, description="Seconds after which a job that has ended is removed."
    )
    concurrency_policy: Literal["Allow", "Forbid", "Replace"] = Field(
        "Forbid", description="What happens at the next time while a job still runs."
    )
    starting_deadline_seconds: int = Field(
        600,
        ge=10,
        le=86400,
        description="Seconds by which a job may begin late; else it waits for the next time.",
    )
    successful_jobs_history_limit: int = Field(3, ge=0, le=100, description="Jobs that went well which are kept.")
    failed_jobs_history_limit: int = Field(3, ge=0, le=100, description="Failed jobs that are kept.")


class DbtJobs(JobKind):
    """Jobs that run dbt."""

    enabled: bool = Field(True, description="Make them.")
    command: list[_Argument] = Field(
        ["dbt", "build"],
        min_length=1,
        max_length=20,
        description="Program and subcommand; options follow it. Of an image that has it, dbt-ol in the place of dbt "
        "tells lineage.",
    )
    project_dir: AbsolutePath = Field("/dbt", description="Directory of the image that holds the dbt project.")
    target: _Text = Field("dev", min_length=1, description="Target of the profile, of products that name none.")


class IngestionJobs(JobKind):
    """Jobs that load sources, of products with an ingestion plugin."""

    enabled: bool = Field(True, description="Make them.")
    command: list[_Argument] = Field(
        ["python", "-m", "ingestion"],
        min_length=1,
        max_length=20,
        description="Program of the products' images, of those that name none.",
    )


class CustomJobs(JobKind):
    """Jobs of somebody's own."""


class DbtJob(Values):
    """When and what dbt runs for one product."""

    schedule: JobSchedule | None = Field(
        None,
        description="When: minute, hour, day, month, day of the week, as 30 6 * * MON-FRI, or @daily; absent: when "
        "somebody asks for it.",
    )
    suspend: bool | None = Field(None, description="Whether the schedule is passed over.")
    target: _Text | None = Field(None, description="Target of the profile; absent: dbt.target.")
    select: list[_Argument] | None = Field(None, description="Selectors of models, one of which must hold; none: all.")
    exclude: list[_Argument] | None = Field(None, description="Selectors of models that are left out.")
    args: list[_Argument] | None = Field(None, description="Further arguments.")
    project_dir: AbsolutePath | None = Field(None, description="Directory of its project; absent: dbt.projectDir.")
    resources: Resources | None = Field(None, description="CPU and memory; absent: dbt.resources.")


class IngestionJob(Values):
    """When and how the sources of one product are loaded."""

    schedule: JobSchedule | None = Field(None, description="When, as in dbt; absent: when somebody asks for it.")
    suspend: bool | None = Field(None, description="Whether the schedule is passed over.")
    command: list[_Argument] | None = Field(None, description="Program of the image; absent: ingestion.command.")
    resources: Resources | None = Field(None, description="CPU and memory; absent: ingestion.resources.")


class CustomJob(Values):
    """A job of somebody's own for one product."""

    command: list[_Argument] = Field(["true"], min_length=1, max_length=100, description="Program and arguments.")
    schedule: JobSchedule | None = Field(None, description="When, as in dbt; absent: when somebody asks for it.")
    suspend: bool | None = Field(None, description="Whether the schedule is passed over.")
    image: JobImage | None = Field(None, description="Its image; absent: the product's.")
    resources: Resources | None = Field(None, description="CPU and memory; absent: custom.resources.")


class ProductJobs(Values):
    """One data product."""

    name: _Text = Field("", description="Its name in floe.")
    version: _Text = Field("", description="Its version.")
    image: JobImage | None = Field(None, description="Image with its code; absent: jobs.image.")
    compressed: bool | None = Field(None, description="Whether its files are too large for a ConfigMap as they are.")
    credentials_secret: DnsName | None = Field(None, description="Secret with its credentials, by variable.")
    credentials: list[EnvName] | None = Field(None, description="Keys of that Secret.")
    service_name: _Text | None = Field(None, description="service.name of its telemetry; absent: it sends none.")
    lineage_namespace: _Text | None = Field(None, description="OpenLineage namespace; absent: it tells no lineage.")
    lineage_url: _Text | None = Field(None, description="Server that takes its lineage; absent: the platform's.")
    lineage_variable: EnvName | None = Field(
        None, description="Key of credentialsSecret with the API key of that server; absent: it wants none."
    )
    dbt: DbtJob | None = Field(None, description="Its dbt job; absent: it has none.")
    ingestion: IngestionJob | None = Field(None, description="Its ingestion job; absent: it has none.")
    custom: Annotated[dict[_JobName, CustomJob], Without("dbt", "ingestion")] | None = Field(
        None, description="Jobs of your own, by a name of letters and digits."
    )


class JobSecrets(Values):
    """Where the Secrets with the products' credentials come from."""

    source: Literal["existing", "external"] = Field(
        "existing",
        description="They exist, for the platform's chart makes them or asks for them; or are external: jobs have "
        "Secrets of their own, fetched by the External Secrets Operator.",
    )
    store: StoreRef = StoreRef()
    refresh_interval: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,5}(s|m|h)$")] = Field(
        "1h", description="How often they are fetched."
    )
    remote_prefix: _RemoteKey | None = Field(
        None, description="What stands before the Secret's name in its key in the store."
    )


class JobNetwork(Values):
    """What the pods of jobs may reach; nothing comes in."""

    enabled: bool = Field(False, description="Let them reach names, the platform and their sources only.")
    dns: DnsValues = DnsValues()
    sources: OutsideAddresses = Field(
        OutsideAddresses(), description="Object stores, data sources and APIs outside the platform."
    )


class PlatformParts(Values):
    """The parts of the platform that jobs can talk to: those that the deployment file switches on for it."""

    marquez: bool = Field(True, description="It takes lineage.")
    otel: bool = Field(True, description="The collector takes telemetry.")
    polaris: bool = Field(True, description="The catalog answers.")


class JobsValues(AccountPodValues):
    """Jobs of the data products."""

    image: Image = Field(
        DBT_IMAGE,
        description="Image of products that name none: it has dbt and its adapters, and holds their projects.",
    )
    run_as_user: int = Field(1000, ge=1, le=2147483647, description="User of the processes, and their group.")
    time_zone: _TimeZone | None = Field(None, description="Time zone of schedules; absent: that of the controller.")
    object_store: DnsName | None = Field(
        None,
        description="ConfigMap and Secret with address and keys of the platform's object store, which become variables "
        "of all jobs where they exist; absent: none.",
    )
    env_secrets: list[DnsName] = Field([], description="Further Secrets that become variables of all jobs.")
    launchers: list[DnsName] = Field(
        [], description="ServiceAccounts that may start jobs: those of Dagster's runs, for one."
    )
    extra_env: Annotated[ExtraEnv, OWN_VARIABLES] = Field({}, description="Further environment variables, by name.")
    dbt: DbtJobs = DbtJobs()
    ingestion: IngestionJobs = IngestionJobs()
    custom: CustomJobs = CustomJobs()
    secrets: JobSecrets = JobSecrets()
    network_policy: JobNetwork = JobNetwork()
    platform: PlatformParts = PlatformParts()
    products: dict[DnsLabel, ProductJobs] = Field({}, description="Data products by a DNS label.")
