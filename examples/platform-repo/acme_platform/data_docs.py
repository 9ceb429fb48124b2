"""The site with the documentation of all data products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from floe_charts.constructs import Check, Claim, Edge, Endpoint, PlatformPart, Workload, workload_claim
from floe_charts.constructs.network import INGRESS
from floe_charts.deployment import Environment
from floe_charts.helm import (
    ExtraEnv,
    Field,
    Image,
    IngressValues,
    Without,
    WorkloadValues,
    http_probe,
    pod_security,
    restricted_security,
)

__all__ = ["DATA_DOCS", "DataDocs", "DataDocsValues"]

DATA_DOCS = Endpoint("data-docs", 8080, "http", "data-docs")
# The user of the image, which is made from nginx-unprivileged.
_UID = 101


class DataDocsValues(WorkloadValues):
    """The site that `dbt docs` makes of all data products."""

    image: Image = Field(
        Image(registry="registry.acme.example", repository="data/docs", tag="2026.47"),
        description="Image that holds the site; made whenever a product is released.",
    )
    title: str = Field("Data at ACME", description="Title of its pages.")
    ingress: IngressValues = IngressValues()
    extra_env: Annotated[ExtraEnv, Without("SITE_TITLE")] = Field(
        {}, description="Further environment variables, by name."
    )


class DataDocs(PlatformPart[DataDocsValues]):
    """Serves the site over HTTP on port 8080."""

    title: ClassVar[str] = "Data docs"

    # What the NetworkPolicies, the ResourceQuota, `helm test` and the README are made from

    def endpoints(self) -> tuple[Endpoint, ...]:
        return (DATA_DOCS,)

    def workloads(self) -> tuple[Workload, ...]:
        return (Workload(DATA_DOCS.workload, self.title),)

    def edges(self) -> tuple[Edge, ...]:
        return (Edge(INGRESS, DATA_DOCS, "documentation", self.refs.ingress.enabled),)

    def checks(self) -> tuple[Check, ...]:
        return (Check("data-docs", f"curl -fsS -o /dev/null {DATA_DOCS.url(self.chart)}/", (DATA_DOCS,)),)

    def claims(self, values: Mapping[str, Any]) -> Sequence[Claim]:
        return (workload_claim(values),)

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        return {"replicas": 2, "podDisruptionBudget": {"enabled": True}} if environment.high_availability else {}

    def build(self, v: DataDocsValues) -> None:
        web = self.part(DATA_DOCS.workload, ports={DATA_DOCS.port_name: DATA_DOCS.port})
        web.add_service_account(v)
        self.add(
            web.deployment(
                image=v.image,
                env={"SITE_TITLE": v.title},
                resources=v.resources,
                security=restricted_security(uid=_UID),
                mounts={"tmp": "/tmp"},
                livenessProbe=http_probe("/", DATA_DOCS.port_name),
                readinessProbe=http_probe("/", DATA_DOCS.port_name),
                volumes=[{"name": "tmp", "emptyDir": {}}],
                pod_security=pod_security(uid=_UID),
                values=v,
            )
        )
        self.add(web.service())
        web.add_scaling(v)
        with self.when(v.ingress.enabled):
            self.add(web.ingress(v.ingress))
