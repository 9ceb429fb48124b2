"""Kubernetes' own types as values: what users hand through to pods carries Kubernetes' schema into values.schema.json.

``affinity: Affinity = Field({}, ...)`` takes any affinity that Kubernetes takes, and a wrong field in it is refused.
The schemas are those of the oldest Kubernetes that a chart supports, closed, without nulls, and narrowed where the API
server asks for more than they say (:data:`_NARROWED`, after k8s.io/kubernetes/pkg/apis/core/validation). Every text in
them is such that Helm's ``toYaml`` writes it unharmed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import StringConstraints

from floe_charts.errors import DeclarationError
from floe_charts.helm.kubernetes import OLDEST, KubernetesSchemas
from floe_charts.helm.kubernetes_fields import Field as SchemaField

__all__ = [
    "EXTRA_MOUNT_PATTERN",
    "Affinity",
    "EnvSource",
    "ExtraEnv",
    "KubernetesType",
    "Toleration",
    "TopologySpreadConstraint",
    "VolumeMountOptions",
    "VolumeSource",
    "Without",
    "kubernetes_definitions",
    "kubernetes_example",
    "kubernetes_field",
]

_CORE = "io.k8s.api.core.v1."
_LABEL_KEY = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
_LABEL_VALUE = r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"
_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
_QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"
# As characters, not as escapes: Go's regular expressions do not know \\u.
_WRITABLE = "^[^\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\u2028\u2029\ufffe\uffff]*$"
_INT32 = {"minimum": -(2**31), "maximum": 2**31 - 1}
_EXACT = {"minimum": -(2**53) + 1, "maximum": 2**53 - 1}

_Schema = dict[str, Any]


def _text(pattern: str, length: int = 253) -> _Schema:
    return {"type": "string", "pattern": pattern, "maxLength": length}


def _choice(*members: str) -> _Schema:
    return {"type": "string", "enum": list(members)}


def _when(field: str, members: Sequence[str], then: _Schema, otherwise: _Schema | None = None) -> _Schema:
    """A rule about the other fields where ``field`` is one of ``members``."""
    rule: _Schema = {"if": {"required": [field], "properties": {field: {"enum": list(members)}}}, "then": then}
    return {**rule, **({"else": otherwise} if otherwise is not None else {})}


def _has(field: str, value: str) -> _Schema:
    return {"required": [field], "properties": {field: {"const": value}}}


_NO_VALUES = {"properties": {"values": {"type": "array", "maxItems": 0}}}
_KEY = _text(_LABEL_KEY, 317)
_NAME = _text(_SUBDOMAIN)
_MODE = {"type": "integer", "minimum": 0, "maximum": 0o777}
_DATA_KEY = _text(r"^[-._a-zA-Z0-9]+$")
# Relative, and not upwards.
_RELATIVE = _text(r"^[A-Za-z0-9_-][A-Za-z0-9_-]*([./][A-Za-z0-9_-]+)*$")
_KEY_REF: Mapping[str, Any] = {"fields": {"name": _NAME, "key": _DATA_KEY}, "required": ["name"]}
EXTRA_MOUNT_PATTERN = r"^/(data|etc/pki|etc/ssl|extra|home|mnt|run|srv|usr/local)(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$"
"""Where extra volumes may be mounted; a chart's own are elsewhere."""
_WEIGHT = {"type": "integer", "minimum": 1, "maximum": 100}

# Definition to what the API server asks beyond the schema: ``fields`` in the place of the schema's own, further
# ``required`` ones, ``more`` keywords; ``only`` are the fields that stay.
_NARROWED: dict[str, Mapping[str, Any]] = {
    "Toleration": {
        "fields": {
            "key": _KEY,
            "operator": _choice("Exists", "Equal"),
            "value": _text(_LABEL_VALUE, 63),
            "effect": _choice("NoSchedule", "PreferNoSchedule", "NoExecute"),
        },
        "more": {
            "allOf": [
                _when("operator", ["Exists"], {"properties": {"value": {"type": "string", "maxLength": 0}}}),
                {"anyOf": [{"required": ["key"]}, _has("operator", "Exists")]},
                {"anyOf": [{"not": {"required": ["tolerationSeconds"]}}, _has("effect", "NoExecute")]},
            ]
        },
    },
    "NodeSelectorRequirement": {
        "fields": {
            "key": _KEY,
            "operator": _choice("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"),
            "values": {"type": "array", "items": _text(_LABEL_VALUE, 63)},
        },
        "more": {
            "allOf": [
                _when("operator", ["In", "NotIn"], {"required": ["values"], "properties": {"values": {"minItems": 1}}}),
                _when("operator", ["Exists", "DoesNotExist"], _NO_VALUES),
                _when("operator", ["Gt", "Lt"], {
                    "required": ["values"],
                    "properties": {
                        "values": {"minItems": 1, "maxItems": 1, "items": {"pattern": "^(0|[1-9][0-9]{0,17})$"}}
                    },
                }),
            ]
        },
    },
    "NodeSelectorTerm": {"only": ("matchExpressions",), "more": {"minProperties": 1}},
    "NodeSelector": {"more": {"properties": {"nodeSelectorTerms": {"minItems": 1}}}},
    "LabelSelectorRequirement": {
        "fields": {
            "key": _KEY,
            "operator": _choice("In", "NotIn", "Exists", "DoesNotExist"),
            "values": {"type": "array", "items": _text(_LABEL_VALUE, 63)},
        },
        "more": _when(
            "operator",
            ["In", "NotIn"],
            {"required": ["values"], "properties": {"values": {"minItems": 1}}},
            _NO_VALUES,
        ),
    },
    "LabelSelector": {
        "fields": {
            "matchLabels": {
                "type": "object",
                "propertyNames": {"pattern": _LABEL_KEY},
                "additionalProperties": _text(_LABEL_VALUE, 63),
            }
        }
    },
    "PreferredSchedulingTerm": {"fields": {"weight": _WEIGHT}},
    "WeightedPodAffinityTerm": {"fields": {"weight": _WEIGHT}},
    "PodAffinityTerm": {
        "fields": {
            "topologyKey": _KEY,
            "namespaces": {"type": "array", "items": _text(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", 63)},
        }
    },
    "TopologySpreadConstraint": {
        "fields": {
            "maxSkew": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
            "minDomains": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
            "topologyKey": _KEY,
            "whenUnsatisfiable": _choice("DoNotSchedule", "ScheduleAnyway"),
            "nodeAffinityPolicy": _choice("Honor", "Ignore"),
            "nodeTaintsPolicy": _choice("Honor", "Ignore"),
            "matchLabelKeys": {"type": "array", "items": _KEY, "uniqueItems": True},
        },
        "more": {
            "allOf": [
                _when("whenUnsatisfiable", ["ScheduleAnyway"], {"not": {"required": ["minDomains"]}}),
                {"anyOf": [{"not": {"required": ["matchLabelKeys"]}}, {"required": ["labelSelector"]}]},
            ]
        },
    },
    "EnvVar": {"more": {"minProperties": 1, "maxProperties": 1}},
    "EnvVarSource": {"more": {"minProperties": 1, "maxProperties": 1}},
    "SecretKeySelector": _KEY_REF,
    "ConfigMapKeySelector": _KEY_REF,
    "ObjectFieldSelector": {
        "fields": {
            "apiVersion": {"type": "string", "const": "v1"},
            "fieldPath": _text(
                r"^(metadata\.(name|namespace|uid|(labels|annotations)\['[A-Za-z0-9./_-]+'\])"
                r"|spec\.(nodeName|serviceAccountName)|status\.(hostIP|podIP|podIPs))$"
            ),
        }
    },
    "ResourceFieldSelector": {
        "fields": {
            "resource": _text(r"^(limits|requests)\.(cpu|memory|ephemeral-storage)$"),
            "containerName": _text(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", 63),
        }
    },
    "EmptyDirVolumeSource": {"fields": {"medium": _choice("", "Memory")}},
    "KeyToPath": {"fields": {"key": _DATA_KEY, "path": _RELATIVE, "mode": _MODE}},
    "ConfigMapVolumeSource": {"fields": {"name": _NAME, "defaultMode": _MODE}, "required": ["name"]},
    "SecretVolumeSource": {"fields": {"secretName": _NAME, "defaultMode": _MODE}, "required": ["secretName"]},
    "PersistentVolumeClaimVolumeSource": {"fields": {"claimName": _NAME}},
    "CSIVolumeSource": {
        "fields": {"driver": _text(r"^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$", 63)},
        "only": ("driver", "readOnly", "volumeAttributes"),
    },
    # The volumes that the Pod Security Standard restricted allows, less those with objects of their own inside.
    "Volume": {
        "only": ("configMap", "csi", "emptyDir", "persistentVolumeClaim", "secret"),
        "more": {"minProperties": 1, "maxProperties": 1},
    },
    "VolumeMount": {
        "fields": {
            # Not where a chart's own volumes are, nor over the programs of the image.
            "mountPath": _text(EXTRA_MOUNT_PATTERN, 255),
            "subPath": _RELATIVE,
        },
        "only": ("mountPath", "readOnly", "subPath"),
    },
}  # fmt: skip


@dataclass(frozen=True)
class KubernetesType:
    """Marks a field whose values are of a type of Kubernetes.

    ``Annotated[dict[str, Any], KubernetesType("Affinity")]``; ``definition`` is the name in Kubernetes' OpenAPI
    document, without ``io.k8s.api.core.v1.``; ``without`` are fields that do not stand here, because the chart says
    them.
    """

    definition: str
    without: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name among the definitions of values.schema.json."""
        return self.definition if not self.without else f"{self.definition}.without.{'.'.join(self.without)}"


@dataclass(frozen=True)
class Without:
    """Refuses keys of a map that the chart itself writes beside it: ``Annotated[ExtraEnv, Without("HOME")]``."""

    keys: tuple[str, ...]

    def __init__(self, *keys: str) -> None:
        """Refuse ``keys``."""
        object.__setattr__(self, "keys", keys)

    @property
    def json_schema(self) -> dict[str, Any]:
        """The keyword for values.schema.json."""
        return {"not": {"anyOf": [{"required": [key]} for key in self.keys]}}


def kubernetes_definitions(kind: KubernetesType) -> dict[str, _Schema]:
    """The definitions that a reference to ``kind`` needs, by name; those of a chart are put together."""
    found: dict[str, _Schema] = {}
    _collect(kind, found)
    return found


def kubernetes_field(kind: KubernetesType) -> SchemaField:
    """The strict schema of ``kind`` as it is asked about fields that do not exist."""
    return KubernetesSchemas(OLDEST).definition(_full_name(kind.definition))


@cache
def kubernetes_example(kind: KubernetesType) -> Any:
    """The smallest value that the schema of ``kind`` takes; not to be changed."""
    definitions = kubernetes_definitions(kind)
    return _example({"$ref": f"#/definitions/{kind.name}"}, definitions)


def _full_name(definition: str) -> str:
    if definition in ("LabelSelector", "LabelSelectorRequirement"):
        return f"io.k8s.apimachinery.pkg.apis.meta.v1.{definition}"
    return f"{_CORE}{definition}"


def _collect(kind: KubernetesType, found: dict[str, _Schema]) -> None:
    if kind.name in found:
        return
    found[kind.name] = {}
    schema, used = _narrowed(kind)
    found[kind.name] = schema
    for name in used:
        _collect(KubernetesType(name), found)


@cache
def _narrowed(kind: KubernetesType) -> tuple[_Schema, tuple[str, ...]]:
    """The schema of one definition, and the names of those that it refers to."""
    raw = kubernetes_field(kind).properties()
    if not raw:
        raise DeclarationError(f"{kind.definition} is no type of Kubernetes with fields")
    rules = _NARROWED.get(kind.definition, {})
    fields: Mapping[str, Any] = rules.get("fields", {})
    kept = [name for name in raw if name in rules.get("only", raw) and name not in kind.without]
    used: list[str] = []
    properties = {name: fields[name] if name in fields else _translated(raw[name], used) for name in kept}
    required = [name for name in kubernetes_field(kind).required if name in kept]
    more = dict(rules.get("more", {}))
    for name, extra in more.pop("properties", {}).items():
        properties[name] = {**properties[name], **extra}
    schema: _Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    needed = sorted({*required, *rules.get("required", ())})
    return {**schema, **({"required": needed} if needed else {}), **more}, tuple(used)


def _translated(raw: object, used: list[str]) -> _Schema:
    """A field's schema in the words of values.schema.json: without nulls, descriptions and formats."""
    schema = raw if isinstance(raw, Mapping) else {}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        full = reference.rpartition("/")[2]
        if full.endswith(".Quantity"):
            return _text(_QUANTITY, 24)
        name = full.rpartition(".")[2]
        if full != _full_name(name) or name == "Quantity":
            raise DeclarationError(f"{full} cannot stand among the values")
        used.append(name)
        return {"$ref": f"#/definitions/{name}"}
    types = schema.get("type", ())
    [kind] = [one for one in ([types] if isinstance(types, str) else types) if one != "null"] or ["object"]
    if kind == "array":
        return {"type": "array", "items": _translated(schema.get("items"), used)}
    if kind == "object":
        return {"type": "object", "additionalProperties": _translated(schema.get("additionalProperties"), used)}
    if kind == "string":
        return {"type": "string", "pattern": _WRITABLE}
    if kind == "integer":
        return {"type": "integer", **(_INT32 if schema.get("format") == "int32" else _EXACT)}
    return {"type": kind}


def _example(schema: Mapping[str, Any], definitions: Mapping[str, _Schema]) -> Any:
    if "$ref" in schema:
        return _example(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        needed = list(schema.get("required", ()))
        if schema.get("minProperties") and not needed:
            needed = [next(iter(schema["properties"]))]
        return {name: _example(schema["properties"][name], definitions) for name in needed}
    if kind == "array":
        return [_example(schema["items"], definitions)] if schema.get("minItems") else []
    if kind == "string":
        return "/text" if str(schema.get("pattern", "")).startswith("^/") else "text"
    return {"integer": max(1, schema.get("minimum", 1)), "boolean": True, "number": 1.0}[str(kind)]


_EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=253)]

Affinity = Annotated[dict[str, Any], KubernetesType("Affinity")]
"""Which nodes pods prefer or need, and which pods they want to be near to or far from."""
Toleration = Annotated[dict[str, Any], KubernetesType("Toleration")]
"""A taint that pods tolerate."""
TopologySpreadConstraint = Annotated[dict[str, Any], KubernetesType("TopologySpreadConstraint")]
"""How pods spread over nodes, zones and the like."""
EnvSource = Annotated[dict[str, Any], KubernetesType("EnvVar", without=("name",))]
"""The value of an environment variable: ``value`` or ``valueFrom``."""
VolumeSource = Annotated[dict[str, Any], KubernetesType("Volume", without=("name",))]
"""What a volume is: one of the kinds that the Pod Security Standard restricted allows."""
VolumeMountOptions = Annotated[dict[str, Any], KubernetesType("VolumeMount", without=("name",))]
"""Where a container sees a volume, and how."""
ExtraEnv = dict[_EnvName, EnvSource]
"""Environment variables by name."""
