"""CustomResourceDefinitions turned into strict JSON Schemas.

The API server prunes what a structural schema does not declare, and refuses it where field validation is strict; so a
map with declared properties is closed here unless it says ``x-kubernetes-preserve-unknown-fields`` (kubernetes.io:
"Extend the Kubernetes API with CustomResourceDefinitions"). A null in a field that is not nullable is dropped before
validation, so null fits any field. Formats are not looked at, and neither are the CEL rules of
``x-kubernetes-validations``: only the API server evaluates them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from floe_charts.errors import InputError
from floe_charts.verify.values import MISSING, get_at

__all__ = ["crd_schemas", "is_crd"]

Schema = dict[str, object]

_STRINGS: Schema = {"type": ["object", "null"], "additionalProperties": {"type": ["string", "null"]}}
_TEXT: Schema = {"type": ["string", "null"]}
_COUNT: Schema = {"type": ["integer", "null"]}
_OBJECT_META: Schema = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "properties": {
        "annotations": _STRINGS,
        "labels": _STRINGS,
        **dict.fromkeys(("generateName", "name", "namespace", "resourceVersion", "selfLink", "uid"), _TEXT),
        **dict.fromkeys(("creationTimestamp", "deletionTimestamp"), _TEXT),
        **dict.fromkeys(("deletionGracePeriodSeconds", "generation"), _COUNT),
        "finalizers": {"type": ["array", "null"], "items": {"type": "string"}},
        "managedFields": {"type": ["array", "null"]},
        "ownerReferences": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["apiVersion", "kind", "name", "uid"],
                "properties": {
                    **{key: {"type": "string"} for key in ("apiVersion", "kind", "name", "uid")},
                    **{key: {"type": ["boolean", "null"]} for key in ("blockOwnerDeletion", "controller")},
                },
            },
        },
    },
}
_INT_OR_STRING: Schema = {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}
_KEPT = (
    "enum", "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum",
    "multipleOf", "required", "uniqueItems",
)  # fmt: skip
_VALUE_RULES = ("allOf", "anyOf", "oneOf")


def is_crd(document: object) -> bool:
    """Whether a document is a CustomResourceDefinition."""
    return (
        isinstance(document, Mapping)
        and document.get("kind") == "CustomResourceDefinition"
        and str(document.get("apiVersion")).startswith("apiextensions.k8s.io/")
    )


def crd_schemas(document: object, source: str) -> dict[str, Schema]:
    """The strict JSON Schema of each version that a CustomResourceDefinition serves, by ``apiVersion/Kind``.

    Takes ``apiextensions.k8s.io/v1`` and ``v1beta1``; ``source`` names the file in the InputError that is raised where
    the document has no group, kind or versions. A version without a schema takes anything, which v1beta1 allows.
    """
    spec = get_at(document, ("spec",))
    group, kind = get_at(spec, ("group",)), get_at(spec, ("names", "kind"))
    if not isinstance(group, str) or not isinstance(kind, str):
        raise InputError(source, "spec", "a CustomResourceDefinition has a group and names.kind here")
    old = get_at(document, ("apiVersion",)) == "apiextensions.k8s.io/v1beta1"
    # v1beta1 keeps unknown fields unless it says otherwise; v1 cannot.
    keeps = get_at(spec, ("preserveUnknownFields",))
    open_everywhere = keeps is True or (old and keeps is not False)
    shared = get_at(spec, ("validation", "openAPIV3Schema"))
    found: dict[str, Schema] = {}
    for name, version in _versions(spec):
        own = get_at(version, ("schema", "openAPIV3Schema"))
        raw = own if own is not MISSING else shared
        if not isinstance(raw, Mapping):
            if not old:
                raise InputError(source, f"{kind} {name}", "this version has no schema.openAPIV3Schema")
            raw = {"type": "object"}
        found[f"{group}/{name}/{kind}"] = _Strict(closing=not open_everywhere).root(raw)
    if not found:
        raise InputError(source, "spec.versions", f"the CustomResourceDefinition of {kind} serves no version")
    return found


def _versions(spec: object) -> Iterator[tuple[str, object]]:
    listed = get_at(spec, ("versions",))
    for version in listed if isinstance(listed, list) else ():
        name = get_at(version, ("name",))
        if isinstance(name, str) and get_at(version, ("served",)) is not False:
            yield name, version
    single = get_at(spec, ("version",))
    if not (isinstance(listed, list) and listed) and isinstance(single, str):
        yield single, {}


class _Strict:
    """Converts structural schemas; ``closing`` is False where a definition keeps unknown fields everywhere."""

    def __init__(self, *, closing: bool) -> None:
        self._closing = closing

    def root(self, raw: Mapping[str, object]) -> Schema:
        schema = self._convert(raw)
        if isinstance(properties := schema.get("properties"), dict):
            narrowed = get_at(properties, ("metadata", "properties"))
            metadata = _OBJECT_META if narrowed is MISSING else {"allOf": [_OBJECT_META, {"properties": narrowed}]}
            schema["properties"] = {**properties, "apiVersion": _TEXT, "kind": _TEXT, "metadata": metadata}
        return schema

    def _convert(self, raw: object) -> Schema:
        if not isinstance(raw, Mapping):
            return {}
        schema: Schema = {key: raw[key] for key in _KEPT if raw.get(key) is not None}
        if raw.get("x-kubernetes-int-or-string") is True:
            return {**schema, **_INT_OR_STRING}
        kind = raw.get("type")
        if isinstance(kind, str):
            schema["type"] = [kind, "null"]
        if isinstance(options := schema.get("enum"), list):
            schema["enum"] = [*options, None]
        if isinstance(pattern := raw.get("pattern"), str) and _usable(pattern):
            schema["pattern"] = pattern
        for bound in ("minimum", "maximum"):
            # OpenAPI 3.0 has a flag where draft-07 has a number.
            if raw.get(f"exclusive{bound.title()}") is True and bound in schema:
                schema[f"exclusive{bound.title()}"] = schema.pop(bound)
        if "items" in raw:
            schema["items"] = self._convert(raw["items"])
        self._add_fields(schema, raw)
        for keyword in _VALUE_RULES:
            if isinstance(rules := raw.get(keyword), list):
                schema[keyword] = [self._rule(one) for one in rules]
        if isinstance(raw.get("not"), Mapping):
            schema["not"] = self._rule(raw["not"])
        return schema

    def _add_fields(self, schema: Schema, raw: Mapping[str, object]) -> None:
        declared = raw.get("properties")
        properties = {str(key): self._convert(one) for key, one in _items(declared)}
        if raw.get("x-kubernetes-embedded-resource") is True:
            properties = {**properties, "apiVersion": {"type": "string"}, "kind": {"type": "string"}}
            properties["metadata"] = _OBJECT_META
            schema["required"] = sorted({"apiVersion", "kind", *_strings(schema.get("required"))})
        if properties:
            schema["properties"] = properties
        extra = raw.get("additionalProperties")
        if isinstance(extra, Mapping):
            schema["additionalProperties"] = self._convert(extra)
        elif (
            self._closing
            and extra is not True
            and raw.get("x-kubernetes-preserve-unknown-fields") is not True
            and (properties or raw.get("type") == "object")
        ):
            schema["additionalProperties"] = False

    def _rule(self, raw: object) -> Schema:
        """A part of allOf, anyOf, oneOf or not: it rules values, and neither declares nor closes anything."""
        if not isinstance(raw, Mapping):
            return {}
        rule: Schema = {key: raw[key] for key in (*_KEPT, "type") if raw.get(key) is not None}
        if isinstance(pattern := raw.get("pattern"), str) and _usable(pattern):
            rule["pattern"] = pattern
        if "properties" in raw:
            rule["properties"] = {str(key): self._rule(one) for key, one in _items(raw["properties"])}
        for keyword in ("items", "additionalProperties", "not"):
            if isinstance(raw.get(keyword), Mapping):
                rule[keyword] = self._rule(raw[keyword])
        for keyword in _VALUE_RULES:
            if isinstance(rules := raw.get(keyword), list):
                rule[keyword] = [self._rule(one) for one in rules]
        return rule


def _usable(pattern: str) -> bool:
    """Whether the validator takes a pattern, which was written for Go."""
    import jsonschema_rs

    try:
        jsonschema_rs.validator_for({"pattern": re.sub(r"\\z$", "$", pattern)})
    except ValueError:
        return False
    return not pattern.endswith(r"\z")


def _items(node: object) -> Iterable[tuple[object, object]]:
    return node.items() if isinstance(node, Mapping) else ()


def _strings(node: object) -> list[str]:
    return [one for one in node if isinstance(one, str)] if isinstance(node, list) else []
