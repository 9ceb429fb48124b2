"""CompiledArtifacts out of an OCI registry, as ``floe`` pushes them: an artifact with one layer of JSON."""

from __future__ import annotations

from collections.abc import Mapping

from ..documents import MAX_BYTES, Document, parse_document
from ..errors import RegistryError
from ..registry.client import Client, Manifest
from ..registry.reference import Reference, parse_reference

__all__ = ["MEDIA_TYPE", "pull"]

MEDIA_TYPE = "application/vnd.floe.compiled-artifacts.v1+json"
"""The media type of the contract (floe_core, ``schemas/oci.py``)."""

# What floe's own client (0.3) pushes has the media type of a tar and only this name to tell it by.
_FILE_NAME = "compiled_artifacts.json"
_TITLE = "org.opencontainers.image.title"
_HELM_CHART = "application/vnd.cncf.helm.config.v1+json"


def pull(reference: str) -> Document:
    """The document behind ``oci://host/repository:tag`` or ``…@digest``; credentials are those of Helm and Docker.

    Raises RegistryError where there is no such artifact, DocumentError where it is no JSON or YAML.
    """
    parsed = parse_reference(reference)
    with Client(parsed) as client:
        manifest = client.manifest()
        if manifest is None:
            problem = "there is no such artifact in the registry, or it is not shown to you"
            raise RegistryError(str(parsed), problem)
        content = client.blob(str(_layer(manifest, parsed).get("digest")), MAX_BYTES)
    return parse_document(content, str(parsed))


def _layer(manifest: Manifest, reference: Reference) -> Mapping[str, object]:
    """The one layer that holds the artifacts; what tells it surest comes first."""
    if manifest.descriptors("manifests"):
        raise RegistryError(str(reference), "is a list of several artifacts", "name one of them by @sha256:digest")
    layers = manifest.descriptors("layers")
    of_contract = [one for one in layers if one.get("mediaType") == MEDIA_TYPE]
    of_name = [one for one in layers if _title(one) == _FILE_NAME]
    of_json = [one for one in layers if _is_json(str(one.get("mediaType", "")))]
    found = of_contract or of_name or of_json
    if len(found) == 1:
        return found[0]
    if found:
        raise RegistryError(str(reference), f"holds {len(found)} layers that could be CompiledArtifacts; expected one")
    config = manifest.tree.get("config")
    if isinstance(config, Mapping) and config.get("mediaType") == _HELM_CHART:
        raise RegistryError(str(reference), "is a Helm chart; expected CompiledArtifacts")
    types = ", ".join(sorted({str(one.get("mediaType")) for one in layers})[:3]) or "no layers"
    raise RegistryError(str(reference), f"holds no CompiledArtifacts (found {types}; expected {MEDIA_TYPE})")


def _title(layer: Mapping[str, object]) -> str:
    annotations = layer.get("annotations")
    return str(annotations.get(_TITLE, "")) if isinstance(annotations, Mapping) else ""


def _is_json(media_type: str) -> bool:
    plain = media_type.partition(";")[0].strip()
    return plain == "application/json" or plain.endswith("+json")
