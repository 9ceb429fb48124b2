"""What the API server asks of the types that values hand through, beyond Kubernetes' own schemas.

After ``Validate...`` in k8s.io/kubernetes/pkg/apis/core/validation. What only a comparison of two places could tell
stays out: that no two spread constraints have the same ``topologyKey`` and ``whenUnsatisfiable``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from floe_charts.helm.patterns import (
    DNS_NAME_PATTERN,
    LABEL_KEY_PATTERN,
    LABEL_VALUE_PATTERN,
    NAMESPACE_PATTERN,
    RELATIVE_PATH_PATTERN,
    form,
)

__all__ = ["NARROWED", "Narrowing", "Schema", "text_schema"]

Schema = dict[str, Any]


@dataclass(frozen=True)
class Narrowing:
    """What is different from Kubernetes' schema of a type.

    ``fields`` are the schemas that take the place of a field's own; ``required`` fields that the schema does not
    require; ``only`` the fields that stay, where not all of them do; ``more`` further keywords, those under
    ``properties`` beside a field's own.
    """

    fields: Mapping[str, Schema] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    only: tuple[str, ...] | None = None
    more: Schema = field(default_factory=dict)


def text_schema(pattern: str, length: int = 253) -> Schema:
    """The schema of a text of a form, ``length`` characters at most."""
    return {"type": "string", "pattern": pattern, "maxLength": length}


def _choice(*members: str) -> Schema:
    return {"type": "string", "enum": list(members)}


def _all(item: Schema, **more: Any) -> Schema:
    """The schema of a list."""
    return {"type": "array", "items": item, **more}


def _if(condition: Schema, then: Schema) -> Schema:
    return {"if": condition, "then": then}


def _one_of(name: str, *members: str) -> Schema:
    """That the field ``name`` is one of ``members``."""
    told = {"const": members[0]} if len(members) == 1 else {"enum": list(members)}
    return {"required": [name], "properties": {name: told}}


_KEY = text_schema(LABEL_KEY_PATTERN)
_LABEL_VALUE = text_schema(LABEL_VALUE_PATTERN, 63)
_NAME = text_schema(DNS_NAME_PATTERN)
_DATA_KEY = text_schema(
    form(
        r"^([-_a-zA-Z0-9]|\.[-_a-zA-Z0-9])[-._a-zA-Z0-9]*$",
        "the key of a Secret or ConfigMap, such as password or tls.crt",
    )
)
_RELATIVE = text_schema(RELATIVE_PATH_PATTERN)
_MODE = {"type": "integer", "minimum": 0, "maximum": 0o777}
_WEIGHT = {"type": "integer", "minimum": 1, "maximum": 100}
_COUNT = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}
_ONE_FIELD = {"minProperties": 1, "maxProperties": 1}
_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")

# A selector's operator decides how many values there are.
_SOME_VALUES = {"required": ["values"], "properties": {"values": {"minItems": 1}}}
_NO_VALUES = {"properties": {"values": {"maxItems": 0}}}
_ONE_NUMBER = {
    "required": ["values"],
    "properties": {
        "values": {
            "minItems": 1,
            "maxItems": 1,
            "items": {"pattern": form("^(0|[1-9][0-9]{0,17})$", "a whole number as a text")},
        }
    },
}
_SET_OPERATORS = [
    _if(_one_of("operator", "In", "NotIn"), _SOME_VALUES),
    _if(_one_of("operator", "Exists", "DoesNotExist"), _NO_VALUES),
]
# The one field of nodes that selectors know.
_NODE_NAME = {
    "type": "object",
    "additionalProperties": False,
    "required": ["key", "operator", "values"],
    "properties": {
        "key": {"type": "string", "const": "metadata.name"},
        "operator": _choice("In", "NotIn"),
        "values": _all(_NAME, minItems=1, maxItems=1),
    },
}
# The label that tells a Deployment's revisions apart. Others are in the API too, but none may stand in the selector as
# well, which no schema can say of labels that it does not know.
_REVISION = "pod-template-hash"
_WITHOUT_REVISION = {
    "required": ["labelSelector"],
    "properties": {
        "labelSelector": {
            "properties": {
                "matchLabels": {"propertyNames": {"not": {"const": _REVISION}}},
                "matchExpressions": {"items": {"properties": {"key": {"not": {"const": _REVISION}}}}},
            }
        }
    },
}
_KEY_SELECTOR = Narrowing({"name": _NAME, "key": _DATA_KEY}, required=("name",))

NARROWED: Mapping[str, Narrowing] = {
    # Scheduling
    "Toleration": Narrowing(
        {
            "key": _KEY,
            "operator": _choice("Exists", "Equal"),
            "value": _LABEL_VALUE,
            "effect": _choice("NoSchedule", "PreferNoSchedule", "NoExecute"),
        },
        more={
            "allOf": [
                {
                    **_if(_one_of("operator", "Exists"), {"properties": {"value": {"maxLength": 0}}}),
                    "else": {"required": ["key"]},
                },
                _if({"required": ["tolerationSeconds"]}, _one_of("effect", "NoExecute")),
            ]
        },
    ),
    "NodeSelectorRequirement": Narrowing(
        {
            "key": _KEY,
            "operator": _choice("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"),
            "values": _all(_LABEL_VALUE),
        },
        more={"allOf": [*_SET_OPERATORS, _if(_one_of("operator", "Gt", "Lt"), _ONE_NUMBER)]},
    ),
    "NodeSelectorTerm": Narrowing({"matchFields": _all(_NODE_NAME)}, more={"minProperties": 1}),
    "NodeSelector": Narrowing(more={"properties": {"nodeSelectorTerms": {"minItems": 1}}}),
    "PreferredSchedulingTerm": Narrowing({"weight": _WEIGHT}),
    "WeightedPodAffinityTerm": Narrowing({"weight": _WEIGHT}),
    "PodAffinityTerm": Narrowing({"topologyKey": _KEY, "namespaces": _all(text_schema(NAMESPACE_PATTERN, 63))}),
    "LabelSelector": Narrowing(
        {
            "matchLabels": {
                "type": "object",
                "propertyNames": {"pattern": LABEL_KEY_PATTERN, "maxLength": 253},
                "additionalProperties": _LABEL_VALUE,
            }
        }
    ),
    "LabelSelectorRequirement": Narrowing(
        {
            "key": _KEY,
            "operator": _choice("In", "NotIn", "Exists", "DoesNotExist"),
            "values": _all(_LABEL_VALUE),
        },
        more={"allOf": _SET_OPERATORS},
    ),
    "TopologySpreadConstraint": Narrowing(
        {
            "maxSkew": _COUNT,
            "minDomains": _COUNT,
            "topologyKey": _KEY,
            "whenUnsatisfiable": _choice("DoNotSchedule", "ScheduleAnyway"),
            "nodeAffinityPolicy": _choice("Honor", "Ignore"),
            "nodeTaintsPolicy": _choice("Honor", "Ignore"),
            "matchLabelKeys": _all({"type": "string", "const": _REVISION}, maxItems=1),
        },
        more={
            "allOf": [
                _if({"required": ["minDomains"]}, _one_of("whenUnsatisfiable", "DoNotSchedule")),
                _if({"required": ["matchLabelKeys"]}, _WITHOUT_REVISION),
            ]
        },
    ),
    # Environment variables
    "EnvVar": Narrowing(more=_ONE_FIELD),
    "EnvVarSource": Narrowing(more=_ONE_FIELD),
    "SecretKeySelector": _KEY_SELECTOR,
    "ConfigMapKeySelector": _KEY_SELECTOR,
    "ObjectFieldSelector": Narrowing(
        {
            "apiVersion": {"type": "string", "const": "v1"},
            "fieldPath": text_schema(
                form(
                    rf"^(metadata\.(name|namespace|uid|(labels|annotations)\['{LABEL_KEY_PATTERN[1:-1]}'\])"
                    r"|spec\.(nodeName|serviceAccountName)|status\.(hostIP|podIP|podIPs))$",
                    "a field of the pod, such as metadata.name or status.podIP",
                ),
                300,
            ),
        }
    ),
    "ResourceFieldSelector": Narrowing(
        {
            "resource": text_schema(
                form(
                    r"^(limits|requests)\.(cpu|memory|ephemeral-storage)$",
                    "a resource of the container, such as limits.memory",
                )
            ),
            "containerName": text_schema(NAMESPACE_PATTERN, 63),
            "divisor": {"type": "string"},
        },
        more={
            **_if(_one_of("resource", "limits.cpu", "requests.cpu"), {"properties": {"divisor": _choice("1m", "1")}}),
            "else": {"properties": {"divisor": _choice(*_DIVISORS)}},
        },
    ),
    # The volumes that the Pod Security Standard restricted allows, less those with objects of their own inside.
    "Volume": Narrowing(only=("configMap", "csi", "emptyDir", "persistentVolumeClaim", "secret"), more=_ONE_FIELD),
    "EmptyDirVolumeSource": Narrowing({"medium": _choice("", "Memory")}),
    "KeyToPath": Narrowing({"key": _DATA_KEY, "path": _RELATIVE, "mode": _MODE}),
    "ConfigMapVolumeSource": Narrowing({"name": _NAME, "defaultMode": _MODE}, required=("name",)),
    "SecretVolumeSource": Narrowing({"secretName": _NAME, "defaultMode": _MODE}, required=("secretName",)),
    "PersistentVolumeClaimVolumeSource": Narrowing({"claimName": _NAME}),
    "CSIVolumeSource": Narrowing({"driver": text_schema(DNS_NAME_PATTERN, 63)}),
    "LocalObjectReference": Narrowing({"name": _NAME}, required=("name",)),
}
"""The types that are narrower among values than in Kubernetes' schemas, by the name of their definition."""
