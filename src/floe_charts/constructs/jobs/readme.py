"""What the README of the jobs' chart says, and what ``helm test`` asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floe_charts.constructs.network import MARQUEZ, OTLP_HTTP, POLARIS
from floe_charts.constructs.part import Check
from floe_charts.constructs.surroundings.compatibility import compatibility
from floe_charts.constructs.surroundings.prerequisites import EXTERNAL_SECRETS
from floe_charts.helm.docs import markdown_table

if TYPE_CHECKING:
    from floe_charts.constructs.jobs.chart import FloeJobs

__all__ = ["checks", "readme_sections"]

_RUN = (
    "Each job is a CronJob `<fullname>-<product>-<job>`. One without a `schedule` is suspended and waits until "
    "somebody starts a Job from it: a person with the command below, or a run of Dagster, whose ServiceAccount stands "
    "in `jobs.launchers`, by the API that the command uses. Runs reach that API where the platform's values say so: "
    "`dagster.runs.kubernetesAccess`, or with Dagster's own chart "
    "`dagster.runLauncher.config.k8sRunLauncher.runK8sConfig.podSpecConfig.automountServiceAccountToken`."
)
_FILES = (
    "The files of a product, its compiled artifacts and dbt profiles, stand in `products/` without credentials, and "
    "become a ConfigMap. Where a credential was, they name a variable, which comes from the Secret "
    "`credentialsSecret`: that is the Secret that the platform's chart makes or asks for, too. With "
    "`jobs.secrets.source: external` the jobs have one of their own, which the External Secrets Operator fetches."
)


def checks(chart: FloeJobs) -> list[Check]:
    """That what the jobs talk to answers from where they run."""
    jobs = chart.jobs
    parts = jobs.refs.platform
    found = []
    if any(product.values.service_name for product in chart.products):
        post = "curl -fsS -o /dev/null -H 'Content-Type: application/json' -d '{\"resourceSpans\":[]}'"
        found.append(Check("telemetry", f"{post} {jobs.url(OTLP_HTTP, '/v1/traces')}", (), when=parts.otel))
    if any(product.values.lineage_namespace and not product.values.lineage_url for product in chart.products):
        ask = f"curl -fsS -o /dev/null {jobs.url(MARQUEZ, '/api/v1/namespaces')}"
        found.append(Check("lineage", ask, (), when=parts.marquez))
    if any(product.uses_polaris for product in chart.products):
        # Who has no token is refused, but answered.
        ask = f"curl -sS -o /dev/null -w '%{{http_code}}' {jobs.url(POLARIS, '/api/catalog/v1/config')}"
        found.append(Check("catalog", f'[ "$({ask})" = 401 ]', (), when=parts.polaris))
    return found


def readme_sections(chart: FloeJobs) -> list[str]:
    """The sections of README.md before the tables of the values."""
    name = chart.deployment.environment_names[0]
    namespace = chart.deployment.namespace(name)
    rows = [
        (
            f"`{product.key}`",
            product.values.name,
            product.values.version,
            "yes" if product.values.dbt is not None else "no",
            "yes" if product.values.ingestion is not None else "no",
            f"`{product.values.credentials_secret}`" if product.values.credentials_secret else "",
        )
        for product in chart.products
    ]
    install = f"helm upgrade --install {chart.chart_name} . --values values-{name}.yaml --namespace {namespace}"
    start = "kubectl create job my-run --from=cronjob/<name>"
    head = ("Key", "Product", "Version", "dbt", "Ingestion", "Secret")
    return [
        "## Install",
        f"The platform's chart first, in the same namespace; then:\n\n```sh\n{install}\n```",
        *(["`helm test` asks the platform's Services from where the jobs run."] if checks(chart) else []),
        *compatibility(
            chart, [EXTERNAL_SECRETS] if any(one.values.credentials_secret for one in chart.products) else []
        ),
        "## Jobs",
        _RUN,
        f"```sh\n{start} --namespace {namespace}\n```",
        _FILES,
        *([markdown_table(head, rows).rstrip("\n")] if rows else []),
    ]
