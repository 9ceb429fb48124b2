"""Types and labels that the values of several dependencies have in common.

Templates that are made here read the labels of all objects when Helm renders. A dependency sees its own values only,
so that synth copies them there (:meth:`~floe_charts.constructs.part.PlatformPart.derived_values`): what ``helm --set``
says of them later does not reach the dependency.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import StringConstraints

from floe_charts.helm import LabelKey, LabelValue
from floe_charts.helm.patterns import form
from floe_charts.helm.workload_values import ObjectAnnotationKey

__all__ = [
    "OptionalName",
    "SharedLabelKey",
    "UntemplatedAnnotations",
    "UntemplatedText",
    "pod_label_type",
    "shared_labels",
]

OptionalName = Annotated[
    str,
    StringConstraints(pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$", max_length=253),
]
"""The name of an object, or an empty text for none."""
UntemplatedText = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^([ -z|}~]|\{[ -z|}~])*\{?$", "a text of printable ASCII on one line without two opening braces")
    ),
]
"""Printable text for a dependency that sends it through ``tpl``: without two braces, which begin a template."""
UntemplatedAnnotations = dict[ObjectAnnotationKey, UntemplatedText]
"""Annotations for such a dependency."""


class _Schema:
    """Adds keywords to the schema of a value."""

    def __init__(self, **keywords: Any) -> None:
        self.json_schema = keywords


SharedLabelKey = Annotated[LabelKey, _Schema(**{"not": {"pattern": r"^(app\.kubernetes\.io|helm\.sh)/"}})]
"""The key of a label that a dependency does not set itself on its objects."""
# Charts append these themselves: a second one would be a duplicate key, or change what a selector selects.
_OWN = r"^(app\.kubernetes\.io/(name|instance|version|managed-by)|helm\.sh/chart|component|deployment)$"
_PodLabelKey = Annotated[LabelKey, _Schema(**{"not": {"pattern": _OWN}})]


def pod_label_type(labels: Mapping[str, str]) -> Any:
    """The type of a dependency's value for the labels of its pods, which keep ``labels`` whatever values say.

    ``labels`` are those that tell the workload (:func:`~floe_charts.constructs.part.object_labels`); they are the
    default, too.
    """
    kept = {f"^{re.escape(key)}$": {"const": value} for key, value in labels.items()}
    return Annotated[dict[_PodLabelKey, LabelValue], _Schema(required=sorted(labels), patternProperties=kept)]


def shared_labels(values: Mapping[str, Any]) -> dict[str, str]:
    """The labels of all objects by the chart's final ``values``: the environment's name and ``commonLabels``."""
    environment = {"environment": values["environment"]} if values.get("environment") else {}
    return {**environment, **values.get("commonLabels", {})}
