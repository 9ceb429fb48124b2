"""DataProductJobs: the jobs of all data products, from a few templates that are repeated for each product.

Every job is a CronJob. One without a schedule is suspended: Dagster's runs, or people, start Jobs from it, as with
``kubectl create job --from=cronjob/<name>``. So a product's job looks the same however it is started, and an upgrade
never meets a Job that cannot be changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from floe_charts.constructs.jobs.files import ARTIFACTS_FILE, PROFILES_FILE
from floe_charts.constructs.jobs.values import CustomJob, DbtJob, IngestionJob, JobKind, JobsValues
from floe_charts.constructs.network import MARQUEZ, OTLP_GRPC, Endpoint, platform_endpoints
from floe_charts.constructs.part import PlatformPart
from floe_charts.constructs.surroundings.network_policies import addresses, dns_rule
from floe_charts.deployment import ChartInfo, Environment
from floe_charts.helm import (
    RELEASE_NAMESPACE,
    HelmChart,
    Part,
    and_,
    container,
    default,
    each,
    eq,
    file_text,
    nonempty,
    not_,
    pod_security,
    present,
    restricted_security,
    ternary,
    when,
)

__all__ = ["PRODUCTS", "DataProductJobs"]

PRODUCTS = "products"
"""The directory of the chart with the files of each product."""
# A prefix that values cannot add, as the labels of the chart itself have it.
PRODUCT_LABEL = "app.kubernetes.io/data-product"
_PRODUCT, _PACKED = "/etc/floe/product", "/etc/floe/packed"
# Where floe's dbt profiles have DuckDB's files; DuckDB makes no directories.
_SCRATCH = "/tmp/floe"
# A day that never comes, for Kubernetes wants a schedule where nothing is scheduled.
_NEVER = "0 0 31 2 *"
_UNPACK = f'for file in {_PACKED}/*.gz; do name=${{file##*/}}; gunzip -c < "$file" > "{_PRODUCT}/${{name%.gz}}"; done'


class DataProductJobs(PlatformPart[JobsValues]):
    """For each product a ConfigMap with its files, and a CronJob for dbt, for ingestion, and for each job of its own.

    They talk to the Services of the platform's release.
    """

    title: ClassVar[str] = "Data product jobs"

    def __init__(
        self, chart: HelmChart, id: str = "jobs", *, platform: ChartInfo, values: JobsValues | None = None
    ) -> None:
        """``platform`` names the platform's chart, ``values`` are the defaults with the products."""
        self.platform = platform
        super().__init__(chart, id, values)

    def host(self, endpoint: Endpoint) -> str:
        """The host of a Service of the platform, as an expression."""
        namespace = default(self.refs.platform.namespace, RELEASE_NAMESPACE)
        return f"{self.platform.fullname}-{endpoint.suffix}.{namespace}.svc"

    def url(self, endpoint: Endpoint, path: str = "") -> str:
        """The address of a Service of the platform, as an expression."""
        return f"{endpoint.scheme}://{self.host(endpoint)}:{endpoint.port}{path}"

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """The target of dbt by the environment's kind, and a policy where the environment has them."""
        target = {"production": "prod", "staging": "staging"}.get(environment.kind, "dev")
        return {"dbt": {"target": target}, "networkPolicy": {"enabled": environment.network_policies}}

    def build(self, v: JobsValues) -> None:
        """What all jobs share, then what is repeated for each product."""
        runner = self.part("runner")
        runner.add_service_account(v)
        account = runner.service_account_name(v)
        with self.when(nonempty(v.launchers)):
            self._add_launcher(v)
        products: Mapping[str, Any] = v.products
        with self.when(and_(v.network_policy.enabled, nonempty(products))):
            self.add(self._network_policy(v))
        with self.each(products) as (key, product):
            self.add(self._files(key, product))
            fetched = and_(present(product.credentials_secret), nonempty(product.credentials))
            with self.when(and_(fetched, eq(v.secrets.source, "external"))):
                self.add(self._external_secret(v, key, product))
            dbt, ingestion = self._part("dbt", key), self._part("ingestion", key)
            with self.when(and_(v.dbt.enabled, present(product.dbt))):
                made = self._container(v, dbt, key, product, product.dbt, v.dbt)
                made["command"] = _dbt_command(v, product)
                self.add(self._cron_job(v, dbt, key, product, product.dbt, v.dbt, made, account), name="dbt")
            with self.when(and_(v.ingestion.enabled, present(product.ingestion))):
                made = self._container(v, ingestion, key, product, product.ingestion, v.ingestion)
                made["command"] = default(product.ingestion.command, v.ingestion.command)
                job = self._cron_job(v, ingestion, key, product, product.ingestion, v.ingestion, made, account)
                self.add(job, name="ingestion")
            with self.when(present(product.custom)), self.each(product.custom) as (name, job):
                part = self._part("custom", key, name)
                made = self._container(v, part, key, product, job, v.custom)
                made["command"] = job.command
                made["image"] = when(present(job.image), self.image(job.image), made["image"])
                self.add(self._cron_job(v, part, key, product, job, v.custom, made, account), name="custom")

    # Jobs

    def _part(self, kind: str, key: str, name: str | None = None) -> Part:
        """The part of a product's jobs of a kind; ``name`` follows the product's key in the names of its objects."""
        ending = kind if name is None else name
        return self.part(kind, object_name=f"{key}-{ending}", labels={PRODUCT_LABEL: key})

    def _cron_job(
        self,
        v: JobsValues,
        part: Part,
        key: str,
        product: Any,
        job: DbtJob | IngestionJob | CustomJob,
        kind: JobKind,
        made: Mapping[str, Any],
        account: str,
    ) -> dict[str, Any]:
        compressed = default(product.compressed, False)
        files = {"name": self._files_name(key)}
        pod = part.pod(
            [made],
            init_containers=[when(compressed, self._unpack(v, product))],
            volumes=[
                when(compressed, {"name": "product", "emptyDir": {}}, {"name": "product", "configMap": files}),
                when(compressed, {"name": "packed", "configMap": files}),
                {"name": "tmp", "emptyDir": {}},
                {"name": "scratch", "emptyDir": {}},
            ],
            security=pod_security(uid=v.run_as_user),
            service_account=account,
            pod={
                "enableServiceLinks": False,
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": v.termination_grace_period_seconds,
            },
            values=v,
        )
        return {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": part.metadata(),
            "spec": {
                "schedule": default(job.schedule, _NEVER),
                "timeZone": v.time_zone,
                # Without a schedule it is what Jobs are started from.
                "suspend": ternary(present(job.schedule), default(job.suspend, False), True),
                "concurrencyPolicy": kind.concurrency_policy,
                "startingDeadlineSeconds": kind.starting_deadline_seconds,
                "successfulJobsHistoryLimit": kind.successful_jobs_history_limit,
                "failedJobsHistoryLimit": kind.failed_jobs_history_limit,
                "jobTemplate": {
                    "metadata": {"labels": part.metadata()["labels"]},
                    "spec": part.job_spec(
                        pod,
                        deadline=kind.active_deadline_seconds,
                        backoff_limit=kind.backoff_limit,
                        ttl=kind.ttl_seconds_after_finished,
                    ),
                },
            },
        }

    def _container(
        self, v: JobsValues, part: Part, key: str, product: Any, job: DbtJob | IngestionJob | CustomJob, kind: JobKind
    ) -> dict[str, Any]:
        own, theirs = {"name": self._fetched_name(key)}, {"name": product.credentials_secret}
        secret = {"secretRef": when(eq(v.secrets.source, "external"), own, theirs)}
        # Neither is there in a namespace of their own; with an identity there is no Secret.
        store = {"name": v.object_store, "optional": True}
        made = part.container(
            v.image,
            values=v,
            env=self._env(v, product),
            envFrom=[
                when(present(v.object_store), {"configMapRef": store}),
                when(present(v.object_store), {"secretRef": store}),
                when(present(product.credentials_secret), secret),
                *each(v.env_secrets, lambda name: {"secretRef": {"name": name}}),
            ],
            resources=kind.resources,
            security=restricted_security(uid=v.run_as_user),
            mounts={"product": _PRODUCT, "tmp": "/tmp", "scratch": _SCRATCH},
        )
        return {
            **made,
            "image": self._image(v, product),
            "resources": when(present(job.resources), job.resources, kind.resources),
        }

    def _image(self, v: JobsValues, product: Any) -> Any:
        return when(present(product.image), self.image(product.image), self.image(v.image))

    def _unpack(self, v: JobsValues, product: Any) -> dict[str, Any]:
        made = container(
            "unpack",
            "",
            command=["sh", "-ec", _UNPACK],
            resources=v.dbt.resources,
            security=restricted_security(uid=v.run_as_user),
            mounts={"packed": _PACKED, "product": _PRODUCT},
        )
        return {**made, "image": self._image(v, product), "imagePullPolicy": v.image.pull_policy}

    def _env(self, v: JobsValues, product: Any) -> dict[str, Any]:
        environment = getattr(self.chart.refs, "environment")  # noqa: B009
        telemetry = {
            "OTEL_SERVICE_NAME": product.service_name,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url(OTLP_GRPC),
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_RESOURCE_ATTRIBUTES": when(nonempty(environment), f"deployment.environment.name={environment}"),
        }
        lineage = {
            "OPENLINEAGE_URL": default(product.lineage_url, self.url(MARQUEZ)),
            "OPENLINEAGE_NAMESPACE": product.lineage_namespace,
        }
        return {
            "FLOE_PRODUCT": product.name,
            "FLOE_COMPILED_ARTIFACTS": f"{_PRODUCT}/{ARTIFACTS_FILE}",
            "DBT_PROFILES_DIR": _PRODUCT,
            # The image's own file system is read only.
            "DBT_TARGET_PATH": "/tmp/target",
            "DBT_LOG_PATH": "/tmp/logs",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "HOME": "/tmp",
            **when(present(product.service_name), telemetry, {"OTEL_SDK_DISABLED": "true"}),
            **when(present(product.lineage_namespace), lineage, {"OPENLINEAGE_DISABLED": "true"}),
        }

    # What they read

    def _files_name(self, key: str) -> str:
        return f"{self.chart.fullname}-{key}"

    def _files(self, key: str, product: Any) -> dict[str, Any]:
        """The ConfigMap of a product; the files of large ones are gzipped."""
        plain, place = not_(default(product.compressed, False)), f"{PRODUCTS}/{key}"
        names = {ARTIFACTS_FILE: None, PROFILES_FILE: present(product.dbt)}

        def data(ending: str, stored: str) -> dict[str, Any]:
            texts = {name: file_text(f"{place}/{name}{stored}") for name in names}
            return {
                f"{name}{ending}": texts[name] if needed is None else when(needed, texts[name])
                for name, needed in names.items()
            }

        metadata = self.metadata(self._files_name(key), "product", labels={PRODUCT_LABEL: key})
        metadata["annotations"] = {**metadata.get("annotations", {}), "floe-charts/product-version": product.version}
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": when(plain, data("", "")),
            "binaryData": when(not_(plain), data(".gz", ".gz.b64")),
        }

    def _fetched_name(self, key: str) -> str:
        """The Secret that the External Secrets Operator makes for a product."""
        return f"{self.chart.fullname}-{key}-credentials"

    def _external_secret(self, v: JobsValues, key: str, product: Any) -> dict[str, Any]:
        name, store = self._fetched_name(key), v.secrets.store
        remote = f"{default(v.secrets.remote_prefix, '')}{product.credentials_secret}"
        return {
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "metadata": self.metadata(name, "secrets", labels={PRODUCT_LABEL: key}),
            "spec": {
                "refreshInterval": v.secrets.refresh_interval,
                "secretStoreRef": {"name": store.name, "kind": store.kind},
                "target": {"name": name, "creationPolicy": "Owner"},
                "data": [
                    *each(
                        product.credentials,
                        lambda key: {"secretKey": key, "remoteRef": {"key": remote, "property": key}},
                    )
                ],
            },
        }

    # Who may do what

    def _add_launcher(self, v: JobsValues) -> None:
        part = self.part("launcher")
        group = "rbac.authorization.k8s.io"
        rules: Sequence[Any] = (
            {"apiGroups": ["batch"], "resources": ["cronjobs"], "verbs": ["get", "list"]},
            {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "delete", "get", "list", "watch"]},
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
        )
        role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": part.metadata(), "rules": list(rules)}
        self.add(role, name="launcher")
        namespace = default(v.platform.namespace, RELEASE_NAMESPACE)
        account = {"kind": "ServiceAccount", "namespace": namespace}
        binding = {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": part.metadata(),
            "roleRef": {"apiGroup": group, "kind": "Role", "name": part.name},
            "subjects": [*each(v.launchers, lambda name: {**account, "name": name})],
        }
        self.add(binding, name="launcher")

    def _network_policy(self, v: JobsValues) -> dict[str, Any]:
        """Nothing comes in; out go names, what the platform serves to clients, and sources."""
        policy = v.network_policy
        there = {"matchLabels": {"kubernetes.io/metadata.name": default(v.platform.namespace, RELEASE_NAMESPACE)}}
        platform = [
            {
                "to": [{"namespaceSelector": there, "podSelector": {"matchLabels": _served(self.platform, one)}}],
                "ports": [{"protocol": "TCP", "port": one.port}],
            }
            for one in platform_endpoints()
            if one.clients
        ]
        sources = {
            "to": when(nonempty(policy.sources.cidrs), [*addresses(policy.sources.cidrs)]),
            "ports": [*each(policy.sources.ports, lambda port: {"protocol": "TCP", "port": port})],
        }
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": self.metadata(self.name()),
            "spec": {
                "podSelector": {"matchLabels": {"app.kubernetes.io/part-of": self.chart.chart_name}},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [],
                "egress": [dns_rule(policy.dns), *platform, sources],
            },
        }


def _served(platform: ChartInfo, endpoint: Endpoint) -> dict[str, str]:
    """The labels of the platform's pods behind an endpoint."""
    return {"app.kubernetes.io/part-of": platform.name, "app.kubernetes.io/component": endpoint.workload}


def _dbt_command(v: JobsValues, product: Any) -> list[Any]:
    job = product.dbt
    return [
        *each(v.dbt.command, lambda word: word),
        "--profiles-dir",
        _PRODUCT,
        "--project-dir",
        v.dbt.project_dir,
        "--target",
        default(job.target, v.dbt.target),
        *when(nonempty(job.select), ["--select", *each(job.select, lambda one: one)]),
        *when(nonempty(job.exclude), ["--exclude", *each(job.exclude, lambda one: one)]),
        *when(nonempty(job.args), [*each(job.args, lambda one: one)]),
    ]
