"""The model against the contract: its schema, the artifacts that the real compiler wrote, and older versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from floe_charts.artifacts import PLUGIN_KINDS, CompiledArtifacts, model
from tests.artifacts.conftest import EXAMPLE

MODELS = [
    value
    for value in vars(model).values()
    if isinstance(value, type) and issubclass(value, BaseModel) and value.__name__ in model.__all__
]
# Free-form here: nothing of them is deployed.
FREE_FORM = {("CompiledArtifacts", "data_contracts"), ("CompiledArtifacts", "quality_config")}
# Said on purpose in another way, or more strictly.
PATTERNS = {
    r"^\d+\.\d+\.\d+$": r"^[0-9]+\.[0-9]+\.[0-9]+$",
    r"^\d+\.\d+\.\d+.*$": r"^[0-9]+\.[0-9]+\.[0-9]+.*$",
    "^(?i)(DEBUG|INFO|WARNING|ERROR|CRITICAL)$": "(?i)^(DEBUG|INFO|WARNING|ERROR|CRITICAL)$",
}
STRICTER = {("PluginRef", "type"): {"maxLength": 128, "pattern": "^[A-Za-z0-9][A-Za-z0-9_.+-]*$"}}
# Filled from environment variables by floe, so that the contract names no default.
OWN_DEFAULTS = {("LoggingConfig", "log_level"), ("LoggingConfig", "json_output")}


@pytest.fixture
def contract(shared: Path) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((shared / "compiled-artifacts.schema.json").read_text("utf-8"))
    return {**schema["$defs"], "CompiledArtifacts": schema}


@pytest.mark.parametrize("ours", MODELS, ids=lambda ours: ours.__name__)
def test_each_type_has_the_contracts_fields_and_constraints(ours: type[BaseModel], contract: dict[str, Any]) -> None:
    name, theirs = ours.__name__, contract[ours.__name__]
    schema = ours.model_json_schema()
    assert sorted(schema["properties"]) == sorted(theirs["properties"])
    assert sorted(schema.get("required", [])) == sorted(theirs.get("required", []))
    for field, described in theirs["properties"].items():
        if (name, field) in FREE_FORM:
            continue
        expected = {**_plain(described, contract), **STRICTER.get((name, field), {})}
        found = _plain(schema["properties"][field], schema.get("$defs", {}))
        if "default" not in expected and (name, field) not in OWN_DEFAULTS and "default" in found:
            assert found.pop("default") in ([], {})  # the contract's default_factory
        if (name, field) in OWN_DEFAULTS:
            found.pop("default")
        assert found == expected, f"{name}.{field}"


def test_every_type_that_a_modelled_field_uses_is_modelled(contract: dict[str, Any]) -> None:
    known = {ours.__name__ for ours in MODELS}
    enums = {"Dimension", "SeverityLevel"}  # literals here
    for name in known:
        for field, described in contract[name]["properties"].items():
            if (name, field) not in FREE_FORM:
                assert _references(described) <= known | enums, f"{name}.{field}"


def test_plugin_kinds_are_the_contracts(contract: dict[str, Any]) -> None:
    assert list(contract["ResolvedPlugins"]["properties"]) == list(PLUGIN_KINDS)


def test_known_versions_are_the_contracts(shared: Path) -> None:
    versions = json.loads((shared / "history" / "versions.json").read_text("utf-8"))
    for version in versions:
        artifacts = CompiledArtifacts.parse({**EXAMPLE, "version": version})
        assert (artifacts.version, artifacts.notices) == (version, ())


def test_every_real_artifact_loads(shared: Path) -> None:
    files = [path for path in sorted(shared.glob("*.json")) if "schema" not in path.name and "plugin" not in path.name]
    files += sorted(shared.glob("history/v[0-9]*.json"))
    assert len(files) >= 9
    for path in files:
        artifacts = CompiledArtifacts.load(path)
        written = json.loads(path.read_text("utf-8"))
        assert artifacts.source == str(path)
        assert artifacts.product_name == written["metadata"]["product_name"]
        assert (artifacts.unknown_fields, artifacts.notices) == ((), ())
        assert _lost(written, artifacts.model_dump(mode="json")) == []


def test_the_bundled_example_is_an_artifact_of_the_newest_contract(contract: dict[str, Any]) -> None:
    import jsonschema

    schema = json.loads(json.dumps(contract["CompiledArtifacts"]).replace("^(?i)(DEBUG", "(?i)^(DEBUG"))
    jsonschema.Draft202012Validator(schema).validate(EXAMPLE)
    assert EXAMPLE["version"] == schema["properties"]["version"]["default"]


def _plain(described: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A field's schema without words for people, references to enums followed, nullable types unfolded."""
    described = dict(described)
    if "$ref" in described:
        name = described.pop("$ref").rpartition("/")[2]
        target = definitions[name]
        described = {**({"enum": target["enum"], "type": "string"} if "enum" in target else {"is": name}), **described}
    for key in ("anyOf", "items"):
        if isinstance(described.get(key), dict):
            described[key] = _plain(described[key], definitions)
        elif key in described:
            described[key] = sorted((_plain(option, definitions) for option in described[key]), key=str)
    if "pattern" in described:
        described["pattern"] = PATTERNS.get(described["pattern"], described["pattern"])
    words = ("title", "description", "examples", "writeOnly")
    described = {key: value for key, value in described.items() if key not in words}
    return {key: value for key, value in described.items() if (key, value) != ("format", "password")}


def _references(described: object) -> set[str]:
    if isinstance(described, list):
        return set().union(*map(_references, described))
    if not isinstance(described, dict):
        return set()
    own = {described["$ref"].rpartition("/")[2]} if "$ref" in described else set()
    return own.union(*map(_references, described.values()))


def _lost(written: Any, kept: Any, path: str = "") -> list[str]:
    """Where a value of the file is not in the model."""
    if isinstance(written, dict):
        return [
            line for key in written if key != "$comment" for line in _lost(written[key], kept.get(key), f"{path}.{key}")
        ]
    if isinstance(written, list):
        assert len(written) == len(kept), path
        return [line for index, item in enumerate(written) for line in _lost(item, kept[index], f"{path}[{index}]")]
    return [] if written == kept else [path]
