"""DataProductJobs: the jobs of all data products, from a few templates that are repeated for each product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from floe_charts.constructs.jobs.access import launcher, network_policy
from floe_charts.constructs.jobs.cron_jobs import ProductJob, cron_job, dbt_command
from floe_charts.constructs.jobs.files import ARTIFACTS_FILE, PROFILES_FILE
from floe_charts.constructs.jobs.values import DBT_IMAGE, JobsValues, ProductJobs
from floe_charts.constructs.network import Endpoint
from floe_charts.constructs.part import Claim, PlatformPart
from floe_charts.constructs.surroundings.helm_tests import HelmTests
from floe_charts.deployment import ChartInfo, Environment
from floe_charts.helm import (
    HelmChart,
    Part,
    and_,
    default,
    each,
    eq,
    file_text,
    nonempty,
    not_,
    or_,
    present,
    some,
    when,
)

__all__ = ["PRODUCTS", "DataProductJobs"]

PRODUCTS = "products"
"""The directory of the chart with the files of each product."""
# A prefix that values cannot add, as the labels of the chart itself have it.
_PRODUCT_LABEL = "app.kubernetes.io/data-product"


class DataProductJobs(PlatformPart[JobsValues]):
    """For each product a ConfigMap with its files, and a CronJob for dbt, for ingestion, and for each job of its own.

    They run in the platform's namespace and talk to the Services of its release.
    """

    title: ClassVar[str] = "Data product jobs"

    def __init__(
        self, chart: HelmChart, id: str = "jobs", *, platform: ChartInfo, values: JobsValues | None = None
    ) -> None:
        """``platform`` names the platform's chart, ``values`` are the defaults with the products."""
        self.platform = platform
        super().__init__(chart, id, values)

    def host(self, endpoint: Endpoint) -> str:
        """The host of a Service of the platform."""
        return f"{self.platform.fullname}-{endpoint.suffix}"

    def url(self, endpoint: Endpoint, path: str = "") -> str:
        """The address of a Service of the platform."""
        return f"{endpoint.scheme}://{self.host(endpoint)}:{endpoint.port}{path}"

    @property
    def runner(self) -> Part:
        """The part whose ServiceAccount all jobs have."""
        return self.part("runner")

    def files_name(self, key: str) -> str:
        """The ConfigMap with the files of the product ``key``."""
        return f"{self.chart.fullname}-{key}"

    def fetched_name(self, key: str) -> str:
        """The Secret that the External Secrets Operator makes for the product ``key``."""
        return f"{self.chart.fullname}-{key}-credentials"

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """The target of dbt by the environment's kind, and a policy where the environment has them."""
        target = {"production": "prod", "staging": "staging"}.get(environment.kind, "dev")
        return {"dbt": {"target": target}, "networkPolicy": {"enabled": environment.network_policies}}

    def notices(self, served: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
        """Where jobs would run an image that has nothing to run."""
        bare = [name for name, values in served.items() if _runs_nothing(values[self.id])]
        if not bare:
            return []
        where = f"{self.id} run {DBT_IMAGE.repository}, which holds no dbt project, in {', '.join(bare)}"
        return [f"{where}: set {self.id}.image, or {self.id}.products.<product>.image"]

    def claims(self, values: Mapping[str, Any]) -> Sequence[Claim]:
        """One pod of each job, all at once: those that somebody starts too, and whatever the schedules say."""
        return [Claim(1, resources) for one in values["products"].values() for resources in _resources(values, one)]

    def build(self, v: JobsValues) -> None:
        """What all jobs share, then what is repeated for each product."""
        self.runner.add_service_account(v)
        with self.when(nonempty(v.launchers)):
            for made in launcher(self, v):
                self.add(made, name="launcher")
        products: Mapping[str, Any] = v.products
        with self.when(and_(v.network_policy.enabled, or_(*self._pods(v)))):
            self.add(network_policy(self, v))
        with self.each(products) as (key, product):
            self.add(self._files(key, product))
            fetched = and_(present(product.credentials_secret), nonempty(product.credentials))
            with self.when(and_(fetched, eq(v.secrets.source, "external"))):
                self.add(self._external_secret(v, key, product))
            with self.when(_has_dbt(v, product)):
                command: Sequence[Any] = dbt_command(v, product.dbt)
                job = ProductJob(self._part("dbt", key), key, product, product.dbt, v.dbt, command)
                self.add(cron_job(self, v, job), name="dbt")
            with self.when(_has_ingestion(v, product)):
                command = default(product.ingestion.command, v.ingestion.command)
                part = self._part("ingestion", key)
                job = ProductJob(part, key, product, product.ingestion, v.ingestion, command)
                self.add(cron_job(self, v, job), name="ingestion")
            with self.when(present(product.custom)), self.each(product.custom) as (name, own):
                part = self._part("custom", key, name)
                job = ProductJob(part, key, product, own, v.custom, own.command, own.image)
                self.add(cron_job(self, v, job), name="custom")

    def _pods(self, v: JobsValues) -> Iterator[bool]:
        """The conditions under which the chart has pods."""
        tests: HelmTests | None = self.chart.component(HelmTests)
        if tests is not None:
            yield and_(tests.refs.enabled, or_(*(check.when for check in tests.asked)))
        yield some(v.products, lambda one: or_(_has_dbt(v, one), _has_ingestion(v, one), nonempty(one.custom)))

    def _part(self, kind: str, key: str, name: str | None = None) -> Part:
        """The part of a product's jobs of a kind; ``name`` follows the product's key in the names of its objects."""
        ending = kind if name is None else name
        return self.part(kind, object_name=f"{key}-{ending}", labels={_PRODUCT_LABEL: key})

    # What they read

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

        metadata = self.metadata(self.files_name(key), "product", labels={_PRODUCT_LABEL: key})
        metadata["annotations"] = {**metadata.get("annotations", {}), "floe-charts/product-version": product.version}
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": when(plain, data("", "")),
            "binaryData": when(not_(plain), data(".gz", ".gz.b64")),
        }

    def _external_secret(self, v: JobsValues, key: str, product: Any) -> dict[str, Any]:
        name, store = self.fetched_name(key), v.secrets.store
        remote = f"{default(v.secrets.remote_prefix, '')}{product.credentials_secret}"
        return {
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "metadata": self.metadata(name, "secrets", labels={_PRODUCT_LABEL: key}),
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


def _resources(values: Mapping[str, Any], product: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What each job of a product may ask for, by an environment's final values."""
    for kind in ("dbt", "ingestion"):
        job = product.get(kind)
        if job is not None and values[kind]["enabled"]:
            yield job.get("resources") or values[kind]["resources"]
    for job in (product.get("custom") or {}).values():
        yield job.get("resources") or values["custom"]["resources"]


def _has_dbt(v: JobsValues, product: ProductJobs) -> bool:
    return and_(v.dbt.enabled, present(product.dbt))


def _has_ingestion(v: JobsValues, product: ProductJobs) -> bool:
    return and_(v.ingestion.enabled, present(product.ingestion))


def _runs_nothing(values: Mapping[str, Any]) -> bool:
    """Whether a job of dbt or ingestion runs the default image, by an environment's final values."""
    if values["image"]["repository"] != DBT_IMAGE.repository:
        return False
    kinds = [kind for kind in ("dbt", "ingestion") if values[kind]["enabled"]]
    products = values["products"].values()
    return any(product.get(kind) is not None and not product.get("image") for product in products for kind in kinds)
