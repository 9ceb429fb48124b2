"""What all objects of a chart share: the beginning of their names, labels, annotations, where images come from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import StringConstraints

from floe_charts.errors import DeclarationError
from floe_charts.helm.cdk8s_scope import ConstructScope
from floe_charts.helm.expr import MapExpr, expression, node_of, whole_expression
from floe_charts.helm.functions import include
from floe_charts.helm.nodes import Call, HelperCall, Node
from floe_charts.helm.patterns import REGISTRY_PATTERN
from floe_charts.helm.spec import STRING, Spec
from floe_charts.helm.values import Field, LabelValue, ObjectRef, PrintableText, Values
from floe_charts.helm.workload_values import RESERVED_LABELS, ObjectAnnotationKey, ObjectLabelKey

__all__ = ["NAME_LIMIT", "ChartValues", "CommonChartValues", "SharedByObjects"]

NAME_LIMIT = 40
"""The longest full name: there is room for an object's suffix within the 63 characters of a DNS label."""
_LABELS = Spec("map", item=STRING, text_safe=True)
_OptionalName = Annotated[str, StringConstraints(pattern=r"^([a-z]([-a-z0-9]*[a-z0-9])?)?$", max_length=NAME_LIMIT)]


class ChartValues(Values):
    """Values of the chart as a whole."""

    name_override: _OptionalName = Field("", description="Takes the place of the chart's name in labels.")
    fullname_override: _OptionalName = Field(
        "", description="Full name, with which the names of all objects begin; empty: made from the release's name."
    )


class CommonChartValues(ChartValues):
    """Values of a chart whose objects are made by its components' own methods: what all objects and pods share."""

    common_labels: dict[ObjectLabelKey, LabelValue] = Field({}, description="Labels of all objects and pods.")
    common_annotations: dict[ObjectAnnotationKey, PrintableText] = Field(
        {}, description="Annotations of all objects and pods."
    )
    image_registry: Annotated[str, StringConstraints(pattern=f"^({REGISTRY_PATTERN[1:-1]})?$")] = Field(
        "", description="Registry that takes the place of every image's own: a mirror; empty: each its own."
    )
    image_pull_secrets: list[ObjectRef] = Field([], description="Secrets to pull images with.")


class SharedByObjects(ConstructScope):
    """The side of a chart that its components see when they make objects."""

    chart_name: str
    values: ChartValues
    refs: Any

    @property
    def fullname(self) -> str:
        """The name with which the names of all objects begin."""
        return include(f"{self.chart_name}.fullname")

    @property
    def common_labels(self) -> MapExpr:
        """The recommended labels, for ``{**chart.common_labels, ...}``."""
        return _helper_map(f"{self.chart_name}.labels")

    @property
    def common_annotations(self) -> Mapping[str, str]:
        """The annotations that the values give all objects, for ``{**chart.common_annotations, ...}``."""
        return cast("CommonChartValues", self.refs).common_annotations if self._shares else {}

    @property
    def shared_labels(self) -> Mapping[str, str]:
        """The labels of all objects beside the recommended ones, for ``{**chart.shared_labels, ...}``."""
        given = cast("CommonChartValues", self.refs).common_labels if self._shares else {}
        return {**self.extra_labels(), **given}

    @property
    def _shares(self) -> bool:
        return isinstance(self.values, CommonChartValues)

    def extra_labels(self) -> Mapping[str, str]:
        """Labels of all objects and pods beside the recommended ones, such as the environment; values may be texts with
        expressions."""
        return {}

    def pod_labels(self, labels: Mapping[str, str] | None = None) -> MapExpr:
        """The labels of pods: those that never change, what all objects have, and ``labels`` (an expression).

        Without the chart's version, which would roll the pods at every release.
        """
        given = node_of(labels) if labels is not None else Call("dict", (), Spec("map"))
        return MapExpr(self.helper("podLabels", given))

    def labels_beside(self, own: Mapping[Any, Any]) -> MapExpr:
        """The recommended labels, for ``{**chart.labels_beside(own), **own}``: without those of ``own``.

        Where values could set a label of ``own`` too, that of ``own`` counts.
        """
        free = any(not _is_reserved(key) and (self._shares or not isinstance(key, str)) for key in own)
        return self._common_labels_as_map() if free else self.common_labels

    def _common_labels_as_map(self) -> MapExpr:
        """The recommended labels read as a map, of which keys can be left out; the named template writes them all."""
        return MapExpr(Call("fromYaml", (node_of(self.common_labels),), _LABELS))

    def own_labels(self, labels: Mapping[str, Any], *, beside_values: bool = False) -> Mapping[str, Any]:
        """``labels`` that pods have of their own; none may be one that values could set too.

        ``beside_values`` says that values add labels there, also where the chart has no common ones. Raises
        :class:`DeclarationError` for a label whose key is not reserved for the chart.
        """
        free = [key for key in labels if not _is_reserved(key)]
        if free and (beside_values or self._shares):
            raise DeclarationError(
                f"the label {free[0]!r} could meet one that values add; the chart's own begin with app.kubernetes.io/"
            )
        return labels

    def helper(self, name: str, *arguments: Node) -> Node:
        """The text that a named template of ``_helpers.tpl`` makes of the root object and ``arguments``."""
        reads: tuple[tuple[str, ...], ...] = ()
        if name == "image" and self._shares:
            reads = (("imageRegistry",),)
        return HelperCall(f"{self.chart_name}.{name}", arguments, STRING, reads)

    @property
    def pull_secrets(self) -> Mapping[str, Any]:
        """The field ``imagePullSecrets`` of pods, where the chart's values have it."""
        return {"imagePullSecrets": cast("CommonChartValues", self.refs).image_pull_secrets} if self._shares else {}

    def shared_metadata(self, manifest: Mapping[str, Any], labels: Mapping[str, str] | None = None) -> dict[str, Any]:
        """An object that somebody else made, with the labels and annotations of all objects, and ``labels``, beside its
        own; where one is its own already, its own stays."""
        metadata = manifest.get("metadata") or {}
        common = self._common_labels_as_map() if metadata.get("labels") else self.common_labels
        marks = {**self.common_annotations, **_entries(metadata.get("annotations"))}
        made = {
            **metadata,
            "labels": {**common, **(labels or {}), **_entries(metadata.get("labels"))},
            **({"annotations": marks} if marks else {}),
        }
        return {**manifest, "metadata": made}

    @property
    def selector_labels(self) -> MapExpr:
        """The labels that never change, for ``{**chart.selector_labels, ...}``."""
        return _helper_map(f"{self.chart_name}.selectorLabels")


def _is_reserved(key: object) -> bool:
    """Whether a label is the chart's own; not, where it stands for several."""
    return isinstance(key, str) and re.search(RESERVED_LABELS, key) is not None


def _entries(found: Any) -> Mapping[str, Any]:
    """Labels or annotations that came back from JavaScript: a map, one of values, or nothing."""
    node = whole_expression(found)
    return expression(node) if node is not None else found or {}


def _helper_map(template: str) -> MapExpr:
    """The entries that a named template writes, for ``{**_helper_map("x.labels"), ...}``."""
    return MapExpr(node_of(include(template)))
