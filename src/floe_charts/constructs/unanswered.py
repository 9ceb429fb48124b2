"""Addresses in the artifacts that nothing in the release answers to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from floe_charts.artifacts import ArtifactEndpoint, CompiledArtifacts, find_endpoints
from floe_charts.errors import nearest
from floe_charts.helm import Component

if TYPE_CHECKING:
    from floe_charts.constructs.platform import FloePlatform

__all__ = ["listed", "switched_on", "unanswered"]

_STORE = "plugins.storage.config.endpoint"


def unanswered(platform: FloePlatform, served: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """In-cluster endpoints in the artifacts that no Service of the release answers to, a line for each.

    ``served`` holds the final values of each environment: what is switched off there does not answer, and a
    product whose values name another object store does not ask its artifact's.
    """
    by_environment = {
        name: {
            f"{endpoint.static_host(platform)}:{endpoint.port}"
            for part, endpoint in platform.endpoints()
            if switched_on(values, part)
        }
        for name, values in served.items()
    }
    everywhere = sorted({f"{endpoint.static_host(platform)}:{endpoint.port}" for _, endpoint in platform.endpoints()})
    namespaces = {platform.deployment.namespace(name) for name in platform.deployment.environment_names}
    own = {fact.slug: fact.storage_endpoint for fact in platform.plan.products}
    sources: dict[str, list[str]] = {}
    for artifact in platform.artifacts:
        for found in find_endpoints(artifact):
            if not found.in_cluster and found.host != "localhost":
                continue
            if found.namespace is not None and found.namespace not in namespaces:
                continue
            address = f"{found.service or found.host}:{found.service_port}"
            missing = [
                name
                for name, answers in by_environment.items()
                if address not in answers and not _another_store(artifact, found, own.get(artifact.slug), served[name])
            ]
            if not missing:
                continue
            problem = f"no Service of the release answers to {found.url}"
            if address in everywhere:
                problem += f" in {', '.join(missing)}; it is switched off there"
                if found.field == _STORE and found.namespace is None:
                    problem += ", and AWS S3 takes its place; "
                    problem += "another store's address goes into objectStore.endpoint"
            else:
                problem += f"; the nearest is {_nearest_address(address, everywhere)}"
            sources.setdefault(f"{found.field}: {problem}", []).append(artifact.source)
    return [f"{listed(list(dict.fromkeys(names)))}: {problem}" for problem, names in sources.items()]


def _another_store(
    artifact: CompiledArtifacts, found: ArtifactEndpoint, own: str | None, values: Mapping[str, Any]
) -> bool:
    """Whether ``found`` is the product's object store ``own``, and the values name another: its own or all parts'."""
    if found.field != _STORE:
        return False
    product = values.get("products", {}).get("byName", {}).get(artifact.slug, {})
    store = product.get("storage", {}).get("endpoint")
    platforms = values.get("objectStore", {}).get("endpoint")
    return store not in (None, own) or bool(platforms)


def switched_on(values: Mapping[str, Any], part: Component[Any]) -> bool:
    """Whether ``values``, which nobody has checked yet, leave a part switched on."""
    own = values.get(part.id)
    return not isinstance(own, Mapping) or own.get("enabled", True) is not False


def listed(names: Sequence[str]) -> str:
    """Some names in a line: two or three, or the first three and how many more."""
    if len(names) > 3:
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _nearest_address(address: str, known: Sequence[str]) -> str:
    """The known ``host:port`` most like ``address``: on the same host, by its name, on the same port, or at all."""
    host, _, port = address.rpartition(":")
    same_host = [one for one in known if one.startswith(f"{host}:")]
    if same_host and port.isdigit():
        return min(same_host, key=lambda one: abs(int(one.rpartition(":")[2]) - int(port)))
    same_port = next((one for one in known if one.endswith(f":{port}")), None)
    close = nearest(address, known) or same_port or next(iter(get_close_matches(address, known, n=1, cutoff=0.0)), None)
    return close or "none"
