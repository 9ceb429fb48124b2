"""What the chart's README asks for before the installation, and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floe_charts.constructs.surroundings.monitoring import Monitoring

if TYPE_CHECKING:
    from floe_charts.constructs.platform import FloePlatform

__all__ = ["EXTERNAL_SECRETS", "custom_apis", "first_steps", "prerequisites"]

EXTERNAL_SECRETS = ("external-secrets.io/v1", "External Secrets Operator")
"""An API, and who brings it: of the objects that fetch Secrets."""


def prerequisites(platform: FloePlatform) -> list[str]:
    """What the cluster must have, a sentence each."""
    found = ["Kubernetes 1.28 or newer, and a default StorageClass or one named in the values."]
    if "postgres" in platform.components:
        found.append(
            "The CloudNativePG operator (`postgresql.cnpg.io/v1`) where `postgres.mode` is `operator`, with its "
            "plugin Barman Cloud (`barmancloud.cnpg.io/v1`) where `postgres.operator.backup.enabled` is true."
        )
    if platform.plan.polaris:
        found.append("A role `polaris` that may create schemas in its database where `postgres.mode` is `external`.")
    if platform.plan.otel or platform.plan.dagster or platform.plan.polaris or platform.plan.marquez:
        found.append("A metrics server where `autoscaling.enabled` of a part is true.")
    if platform.plan.dagster or platform.plan.polaris or platform.plan.marquez:
        found.append(
            "An ingress controller where `ingress.enabled` of a part is true, with cert-manager where it names a "
            "`clusterIssuer`; the Gateway API (`gateway.networking.k8s.io/v1`) where `route.enabled` is true."
        )
    if platform.required_secrets():
        found.append(
            "The External Secrets Operator (`external-secrets.io/v1`) where `secrets.source`, or that of one "
            "Secret, is `external`."
        )
    if platform.component(Monitoring) is not None:
        found.append("The Prometheus operator (`monitoring.coreos.com/v1`) where `monitoring.enabled` is true.")
    found.append("A network that enforces NetworkPolicies where `networkPolicies.enabled` is true.")
    if platform.dependencies():
        found.append("Access to the repositories of the dependencies in Chart.yaml, or to mirrors of them.")
    return found


def custom_apis(platform: FloePlatform) -> list[tuple[str, str]]:
    """The APIs of the custom resources that the chart can make, each with who brings it."""
    routes = platform.plan.dagster or platform.plan.polaris or platform.plan.marquez
    found = [
        ("postgresql.cnpg.io/v1", "CloudNativePG", "postgres" in platform.components),
        ("barmancloud.cnpg.io/v1", "Barman Cloud, plugin of CloudNativePG", "postgres" in platform.components),
        (*EXTERNAL_SECRETS, platform.required_secrets()),
        ("monitoring.coreos.com/v1", "Prometheus operator", platform.component(Monitoring) is not None),
        ("gateway.networking.k8s.io/v1", "Gateway API", routes),
    ]
    return [(api, name) for api, name, is_used in found if is_used]


def first_steps(platform: FloePlatform) -> list[str]:
    """What somebody must do once that no chart here does, a sentence each."""
    found = []
    if platform.plan.dagster:
        found.append(
            "Dagster's images (webserver, daemon, runs) must hold the Python modules of the data products, but for "
            "those with an image of their own in `workspace.locations`."
        )
    if platform.plan.polaris and platform.plan.object_store is not None:
        found.append(
            "Where the object store is AWS S3, each of `polarisSetup.catalogs` needs the `roleArn` that Polaris "
            "takes on for its clients; without it they must ask for no credentials "
            "(`header.X-Iceberg-Access-Delegation` empty) and have their own."
        )
    return found
