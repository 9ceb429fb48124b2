"""What a chart itself says of objects that exist outside the release: an annotation in its Chart.yaml."""

from __future__ import annotations

from collections.abc import Mapping

from floe_charts.errors import HelmError, shorten
from floe_charts.helm.provided import PROVIDED_ANNOTATION
from floe_charts.verify.kube_yaml import YamlFault, read_documents
from floe_charts.verify.subject import Provided

__all__ = ["provided_by_chart"]


def provided_by_chart(metadata: Mapping[str, object]) -> tuple[Provided, ...]:
    """The objects that the annotation ``floe-charts/provided`` of a Chart.yaml lists; none where there is none.

    The annotation is a YAML list of maps with ``kind``, ``name`` and ``keys`` (those of a Secret or ConfigMap, may be
    left out). Raises HelmError where it is something else.
    """
    annotations = metadata.get("annotations")
    text = annotations.get(PROVIDED_ANNOTATION) if isinstance(annotations, Mapping) else None
    if text is None:
        return ()
    try:
        documents = read_documents(str(text))
    except YamlFault as fault:
        raise HelmError(f"Chart.yaml: annotations.{PROVIDED_ANNOTATION} is no YAML: {fault}") from fault
    if len(documents) == 1 and isinstance(documents[0], list):
        return tuple(_provided(entry) for entry in documents[0])
    raise _refusal(str(text))


def _provided(entry: object) -> Provided:
    if isinstance(entry, Mapping) and not set(entry) - {"kind", "name", "keys"}:
        kind, name, keys = entry.get("kind"), entry.get("name"), entry.get("keys", [])
        if isinstance(kind, str) and isinstance(name, str) and isinstance(keys, list):
            return Provided(kind, name, tuple(str(key) for key in keys))
    raise _refusal(entry)


def _refusal(found: object) -> HelmError:
    return HelmError(
        f"Chart.yaml: annotations.{PROVIDED_ANNOTATION}: expected a list of maps with kind, name and keys, "
        f"but found {shorten(found)}"
    )
