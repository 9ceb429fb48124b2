"""JSON Schema of the deployment file, as editors read it: draft-07, from the models' own declarations."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

__all__ = ["draft07"]

# A file may leave these out where a default of that name exists, which the loader checks and a schema cannot say.
_COMPLETED = ("ChartSource", "ResourceAmounts", "ResourcePreset")


def draft07(model: type[BaseModel]) -> dict[str, Any]:
    """The closed draft-07 schema of a file that ``model`` describes."""
    schema = _translated(model.model_json_schema(by_alias=True))
    schema["title"] = "floe-charts deployment (floe-charts.yaml)"
    schema["properties"] = {
        "$schema": {"type": "string", "description": "Address of this schema, for editors."},
        **schema["properties"],
    }
    definitions = {name.lstrip("_"): definition for name, definition in sorted(schema.pop("definitions").items())}
    for name in _COMPLETED:
        definitions[name].pop("required")
    return {"$schema": "http://json-schema.org/draft-07/schema#", **schema, "definitions": definitions}


def _translated(node: Any) -> Any:
    """Draft 2020-12 as pydantic writes it, in the words of draft-07; titles that only repeat a name are left out."""
    if isinstance(node, list):
        return [_translated(item) for item in node]
    if not isinstance(node, dict):
        return node
    known = {"$defs": "definitions"}
    translated = {known.get(key, key): _translated(value) for key, value in node.items() if not _is_title(key, value)}
    if "patternProperties" in translated:
        translated["additionalProperties"] = False
    if "$ref" in translated:
        reference = {
            "$ref": translated.pop("$ref").replace("#/$defs/_", "#/definitions/").replace("$defs", "definitions")
        }
        # In draft-07 nothing beside a $ref counts, not even a description.
        return {"allOf": [reference], **translated} if translated else reference
    return translated


def _is_title(key: str, value: Any) -> bool:
    return key == "title" and isinstance(value, str)
