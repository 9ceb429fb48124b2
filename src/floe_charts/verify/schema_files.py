"""Schemas of custom resources in files: CustomResourceDefinitions, and JSON Schemas with an index or without."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from floe_charts.errors import InputError
from floe_charts.verify.crds import crd_schemas, is_crd
from floe_charts.verify.kube_yaml import YamlFault, read_documents
from floe_charts.verify.values import get_at

__all__ = ["Source", "crds_in", "read_schemas"]

Source = Path | Mapping[str, object]
"""A schema, or the JSON file that holds it."""

_YAML = frozenset({".yaml", ".yml"})
_CATALOGUE_NAME = re.compile(r"(?P<kind>[a-z0-9]+)_(?P<version>v[0-9]+((alpha|beta)[0-9]+)?)")
_EXPECTED = (
    "expected an index.json, JSON Schemas as <group>/<kind>_<version>.json, or CRDs as `kubectl get crd -o yaml`"
)


def read_schemas(path: Path) -> dict[str, Source]:
    """The schemas in a file or a directory by ``apiVersion/Kind``; the kind in lower case where only a name tells it.

    A directory with ``index.json`` is read by it; otherwise everything below it that ends in .json, .yaml or .yml is
    looked at. Raises InputError where there is nothing, or where a file cannot be read.
    """
    if path.is_dir():
        if (path / "index.json").is_file():
            return _indexed(path)
        found: dict[str, Source] = {}
        for file in sorted(path.rglob("*")):
            if file.is_file() and file.suffix in {".json", *_YAML}:
                found.update(_in_file(file, path))
    elif path.is_file():
        found = _in_file(path, path.parent, strict=True)
    else:
        raise InputError("--schemas", "", f"{path} is neither a file nor a directory", _EXPECTED)
    if not found:
        raise InputError("--schemas", "", f"{path} holds no schema of a custom resource", _EXPECTED)
    return found


def crds_in(text: str, source: str) -> Iterator[Mapping[str, object]]:
    """The CustomResourceDefinitions in a YAML text, those in a List too; raise InputError where it is no YAML."""
    try:
        documents = read_documents(text)
    except YamlFault as fault:
        raise InputError(source, f"line {fault.line}", fault.problem) from fault
    for document in documents:
        yield from _crds_of(document)


def _crds_of(document: object) -> Iterator[Mapping[str, object]]:
    items = get_at(document, ("items",))
    if isinstance(items, list):
        for item in items:
            yield from _crds_of(item)
    elif isinstance(document, Mapping) and is_crd(document):
        yield document


def _indexed(root: Path) -> dict[str, Source]:
    place = root / "index.json"
    index = _read_json(place)
    if not isinstance(index, dict):
        raise InputError(str(place), "", "expected a map of apiVersion/Kind to file")
    found: dict[str, Source] = {}
    for name, file in index.items():
        if not isinstance(file, str) or Path(file).name != file:
            raise InputError(str(place), str(name), "expected the name of a file beside the index")
        found[name] = root / file
    return found


def _in_file(file: Path, root: Path, *, strict: bool = False) -> dict[str, Source]:
    """The schemas in one file; ``strict`` where the user named this very file, so that it must hold some."""
    if file.suffix in _YAML:
        text = _read_text(file)
        # A directory may hold other YAML too, which need not even be readable.
        if "CustomResourceDefinition" not in text:
            return {}
        return {name: one for crd in crds_in(text, str(file)) for name, one in crd_schemas(crd, str(file)).items()}
    data = _read_json(file)
    crds = list(_crds_of(data))
    if crds:
        return {name: one for crd in crds for name, one in crd_schemas(crd, str(file)).items()}
    names = _names_in(data) or _names_of(file, root)
    if strict and not names:
        problem = "this JSON Schema does not say of which kind it is"
        raise InputError(
            str(file), "", problem, "add x-kubernetes-group-version-kind, or name it <group>/<kind>_<version>.json"
        )
    return dict.fromkeys(names, file) if isinstance(data, dict) else {}


def _names_in(schema: object) -> list[str]:
    """``apiVersion/Kind`` as a schema says it itself."""
    named = get_at(schema, ("x-kubernetes-group-version-kind",))
    names = []
    for one in named if isinstance(named, list) else [named]:
        group, version, kind = (get_at(one, (key,)) for key in ("group", "version", "kind"))
        if isinstance(group, str) and isinstance(version, str) and isinstance(kind, str):
            names.append(f"{group}/{version}/{kind}".removeprefix("/"))
    return names


def _names_of(file: Path, root: Path) -> list[str]:
    """``group/version/kind`` by the file's name and that of its directory, as in catalogues of CRDs."""
    match = _CATALOGUE_NAME.fullmatch(file.stem)
    group = file.resolve().parent.name
    if match is None or "." not in group:
        return []
    return [f"{group}/{match['version']}/{match['kind']}"]


def _read_json(file: Path) -> object:
    try:
        return json.loads(_read_text(file))
    except (ValueError, RecursionError) as error:
        raise InputError(str(file), "", f"this is not JSON: {error}") from error


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(file), "", f"cannot be read: {error}") from error
