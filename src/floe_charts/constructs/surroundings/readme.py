"""What the chart's README.md and NOTES.txt say of the platform, made from what it declares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from floe_charts.constructs.part import RequiredSecret
from floe_charts.constructs.surroundings.compatibility import compatibility
from floe_charts.constructs.surroundings.edges_picture import edges_picture
from floe_charts.constructs.surroundings.helm_tests import WORKLOAD, HelmTests
from floe_charts.constructs.surroundings.prerequisites import custom_apis, first_steps, prerequisites
from floe_charts.deployment import Deployment
from floe_charts.helm import and_, when
from floe_charts.helm.docs import markdown_table

if TYPE_CHECKING:
    from floe_charts.constructs.platform import FloePlatform

__all__ = ["notes", "readme_sections"]

_NAMESPACE = (
    "Where `namespace.create` is true, the chart makes its namespace, with the labels of Pod Security admission: for "
    "Argo CD, Flux and `kubectl apply`. Helm itself keeps its record of the release in the namespace and so needs it "
    "beforehand: `helm upgrade --install --create-namespace --take-ownership` (Helm 3.17 or newer) makes it and then "
    "hands it to the release; without `--take-ownership` Helm refuses one that exists. Uninstalling leaves it."
)
_SECRETS = (
    "`secrets.source` says where they come from. With `existing` they must be there before the chart is installed. "
    "With `external` the External Secrets Operator fetches them: each is one entry of the store `secrets.store`, whose "
    "properties are the keys below, less those that the chart fills in, such as a database's `username`. With "
    "`generated` the chart makes those that it can, once: in development and test only, and not under Argo CD, which "
    "would make new ones at each sync. `secrets.<id>.source` is for one of them."
)
_TEST = "`helm test {} --namespace NAMESPACE --logs` asks each part what a user would."
_NETWORK = (
    "The connections that the parts declare. Where `networkPolicies.enabled` is true, the pods of the namespace may "
    "open these, ask for names, and nothing else: pods of other releases in the namespace need policies of their own. "
    "An arrow says what for and on which port, and is dotted where values decide; who has round ends is outside the "
    "release. The pods of `helm test`, which ask every part, are left out."
)


def readme_sections(platform: FloePlatform) -> list[str]:
    """The sections of README.md before the tables of the values."""
    products = [
        (f"`{fact.slug}`", fact.version, fact.domain or "", str(len(fact.models))) for fact in platform.plan.products
    ]
    secrets, steps = platform.required_secrets(), first_steps(platform)
    return [
        "## Environments",
        _environments(platform.deployment),
        "## Data products",
        markdown_table(("Product", "Version", "Domain", "Models"), products).rstrip("\n"),
        "## Install",
        f"The cluster needs:\n\n{_bullets(prerequisites(platform))}",
        "Create the namespace and the Secrets below, then:",
        _install_commands(platform),
        _NAMESPACE,
        *([f"Before first use:\n\n{_bullets(steps)}"] if steps else []),
        *([_TEST.format(platform.chart_name)] if platform.component(HelmTests) is not None else []),
        *compatibility(platform, custom_apis(platform)),
        *(["## Secrets", _SECRETS, _secrets(secrets)] if secrets else []),
        "## Network",
        _NETWORK,
        edges_picture(platform.network, platform.chart_name, without=[WORKLOAD]),
    ]


def notes(platform: FloePlatform) -> list[Any]:
    """The lines of NOTES.txt: the Secrets that nobody makes in this release, and what to do before first use."""
    made: list[Any] = []
    for secret in platform.required_secrets():
        needed = platform.secrets.must_exist(secret)
        condition = needed if secret.when is None else and_(secret.when, needed)
        name = secret.name if secret.reference is None else secret.reference
        line = f"The Secret {name} must exist in the namespace, with {', '.join(secret.key_names)}."
        made.append(when(condition, line))
    steps = first_steps(platform)
    return [*made, *(["Before first use:", *(f"  {step}" for step in steps)] if steps else [])]


def _environments(deployment: Deployment) -> str:
    head = (
        "Environment", "Cluster", "Namespace", "Kind", "Resources", "PostgreSQL", "Object store", "Secrets",
        "High availability", "Network policies", "Quota",
    )  # fmt: skip
    rows = [
        (
            name,
            deployment.cluster_of(name),
            f"`{deployment.namespace(name)}`",
            environment.kind,
            environment.resources,
            environment.postgres,
            environment.object_store,
            environment.secrets,
            *map(_yes, (environment.high_availability, environment.network_policies, environment.quotas)),
        )
        for name, environment in deployment.environments.items()
    ]
    return markdown_table(head, rows).rstrip("\n")


def _secrets(secrets: Iterable[RequiredSecret]) -> str:
    rows = [
        (
            f"`{secret.name}`",
            f"`{secret.id}`",
            ", ".join(f"`{key}`" for key in secret.key_names),
            secret.purpose,
            secret.condition or "always",
            _yes(secret.can_be_generated),
        )
        for secret in secrets
    ]
    head = ("Secret", "Id", "Keys", "For", "Where", "Can be generated")
    return markdown_table(head, rows).rstrip("\n")


def _install_commands(platform: FloePlatform) -> str:
    """The commands that install the chart in its first environment, as a Markdown block."""
    name = platform.deployment.environment_names[0]
    namespace = platform.deployment.namespace(name)
    install = f"helm upgrade --install {platform.chart_name} . --values values-{name}.yaml --namespace {namespace}"
    return "\n".join(("```sh", *(["helm dependency build ."] if platform.dependencies() else []), install, "```"))


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _yes(truth: bool) -> str:
    return "yes" if truth else "no"
