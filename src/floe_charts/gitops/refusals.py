"""What Argo CD cannot deploy, said before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from floe_charts.deployment import FILE_NAME, Deployment
from floe_charts.errors import DeploymentError
from floe_charts.gitops.applications import Application

__all__ = ["generated_secrets", "refuse_equal_names", "refuse_shared_namespaces", "without_generated_secrets"]


def generated_secrets(deployment: Deployment) -> dict[str, str]:
    """The environments whose Secrets, or one of them, are generated, each with the place in the file that says so.

    Argo CD renders a chart without a cluster, so that the passwords there cannot be looked up and would be others at
    each sync.
    """
    places = {name: _place_of_generated(deployment, name) for name in deployment.environments}
    return {name: place for name, place in places.items() if place is not None}


def without_generated_secrets(deployment: Deployment) -> Deployment:
    """``deployment`` without the environments of :func:`generated_secrets`; DeploymentError where none is left."""
    left_out = generated_secrets(deployment)
    kept = {name: settings for name, settings in deployment.environments.items() if name not in left_out}
    if not kept:
        raise _error(
            deployment,
            next(iter(left_out.values())),
            "Secrets that are generated would be others at each sync: Argo CD renders the chart without a cluster, and "
            "there is no other environment",
            "take existing or external",
        )
    return deployment.model_copy(update={"environments": kept})


def refuse_equal_names(deployment: Deployment, names: Sequence[str]) -> None:
    """DeploymentError where two Applications would have one name."""
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise _error(deployment, "", f"two Applications would be called {twice}", "rename an environment")


def refuse_shared_namespaces(deployment: Deployment, applications: Sequence[Application]) -> None:
    """DeploymentError where two clusters of the file are one of Argo CD's, and environments share a namespace there."""
    homes: dict[tuple[str, str], Application] = {}
    for one in applications:
        [known] = one.destination.values()
        other = homes.setdefault((known, one.namespace), one)
        if other.environment != one.environment:
            raise _error(
                deployment,
                f"gitops.argocd.destinations.{one.cluster}",
                f"{known} is the cluster {other.cluster} too, and {other.environment} and {one.environment} would "
                f"share the namespace {one.namespace} there",
                f"give clusters.{one.cluster}.namespace another name",
            )


def _place_of_generated(deployment: Deployment, name: str) -> str | None:
    """Where the file says that Secrets of an environment are generated; a later layer takes the place of an earlier."""
    environment = deployment.environments[name]
    said: dict[str, tuple[object, str]] = {"": (environment.secrets, f"environments.{name}.secrets")}
    for layer, values in (("values", deployment.values), (f"environments.{name}.values", environment.values)):
        secrets = values.get("secrets")
        for key, value in secrets.items() if isinstance(secrets, dict) else ():
            if key == "source":
                said[""] = value, f"{layer}.secrets.source"
            elif isinstance(value, dict) and "source" in value:
                said[key] = value["source"], f"{layer}.secrets.{key}.source"
    return next((place for source, place in said.values() if source == "generated"), None)


def _error(deployment: Deployment, place: str, problem: str, hint: str) -> DeploymentError:
    return DeploymentError(deployment.source or FILE_NAME, place, problem, hint)
