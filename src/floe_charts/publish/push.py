"""A package into a registry, as ``helm push`` puts it there, and never over another one of the same version."""

from __future__ import annotations

from dataclasses import dataclass

from floe_charts.errors import PublishError
from floe_charts.publish.metadata import ChartMetadata
from floe_charts.publish.package import Package
from floe_charts.registry.client import Blob, Client, Manifest, digest_of
from floe_charts.registry.connection import Connection
from floe_charts.registry.reference import Reference, parse_target
from floe_charts.registry.transport import canonical

__all__ = ["CHART_LAYER", "CONFIG", "Pushed", "push", "target_of"]

# helm.sh/docs/topics/registries, "Helm chart manifest".
CONFIG = "application/vnd.cncf.helm.config.v1+json"
CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

_TITLE = "org.opencontainers.image."


@dataclass(frozen=True, slots=True)
class Pushed:
    """Where a package is now. ``digest`` is that of the manifest; ``was_there`` says that nothing had to be written."""

    reference: Reference
    digest: str
    was_there: bool


def target_of(package: Package, place: str) -> Reference:
    """Where a package goes below ``oci://host/path``; raises RegistryError where that is no place.

    Tags have no plus sign: Helm writes an underscore for it, and reads it back.
    """
    return parse_target(place, package.metadata.name, package.metadata.version.replace("+", "_"))


def push(package: Package, place: str, connection: Connection | None = None) -> Pushed:
    """Push a package to ``oci://host/path/<name>:<version>``.

    The manifest carries no time, so that the same package has the same digest wherever it is pushed. Nothing is written
    where the registry holds this package already. Raises RegistryError, or PublishError where the version is taken.
    """
    reference = target_of(package, place)
    with Client(reference, connection) as client:
        there = client.manifest()
        if there is not None:
            _require_same(there, package, reference)
            return Pushed(reference, there.digest, was_there=True)
        config = Blob(CONFIG, canonical(package.metadata.tree()))
        digest = client.push(config, [Blob(CHART_LAYER, package.content)], _annotations(package.metadata))
        # Registries know no "write where nothing is": of two that push at once, the earlier one learns it here.
        after = client.manifest()
    if after is None:
        raise PublishError(str(reference), "", "was pushed, and the registry does not show it", "push again")
    _require_same(after, package, reference)
    return Pushed(reference, digest, was_there=False)


def _require_same(found: Manifest, package: Package, reference: Reference) -> None:
    ours = digest_of(package.content)
    theirs = [one.get("digest") for one in found.descriptors("layers") if one.get("mediaType") == CHART_LAYER]
    if theirs == [ours]:
        return
    what = f"holds other content ({theirs[0]}, here {ours})" if theirs else "holds something that is no chart"
    raise PublishError(str(reference), "", f"{what}; nothing was overwritten", package.other_version)


def _annotations(metadata: ChartMetadata) -> dict[str, str]:
    """Those that Helm gives a manifest (``pkg/registry``), but for the time."""
    people = [f"{one.name or ''} ({one.email})" if one.email else one.name or "" for one in metadata.maintainers or ()]
    about = {
        "description": metadata.description,
        "url": metadata.home,
        "source": next(iter(metadata.sources or ()), None),
        "authors": ", ".join(people),
    }
    named = {f"{_TITLE}{key}": value for key, value in about.items() if value and value.strip()}
    fixed = {f"{_TITLE}title": metadata.name, f"{_TITLE}version": metadata.version}
    return {**named, **(metadata.annotations or {}), **fixed}
