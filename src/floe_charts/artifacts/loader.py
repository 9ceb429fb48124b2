"""From a file, standard input, a registry or the package itself to :class:`CompiledArtifacts`.

:func:`read_source` is the one place where what a user names becomes a document; another kind of source is added there.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..documents import Document, check_tree, kind_of, parse_document, read_document
from ..errors import ArtifactError, nearest, shorten
from .model import PLUGIN_KINDS, CompiledArtifacts
from .problems import UnknownField, as_error, unknown_fields, validation_problems

__all__ = [
    "DEFAULT_PATH",
    "EXAMPLE_SOURCE",
    "example",
    "find",
    "load",
    "load_all",
    "parse",
    "read_source",
    "resolve_sources",
]

DEFAULT_PATH = Path("target", "compiled_artifacts.json")
EXAMPLE_SOURCE = "the bundled example"
KNOWN_MAJOR = 0
KNOWN_MINORS = range(1, 11)

# More of them than any newer version could bring: a file that is something else.
_MAX_UNKNOWN = 1000
# How like a known kind of plugin an unknown one must be to be a misspelling, where the version may bring new kinds:
# `catlog` is (0.92), `telemetry_backend` is no misspelling of `lineage_backend` (0.60).
_MISSPELLING = 0.8
_SUFFIXES = (".json", ".yaml", ".yml")


def read_source(source: str | Path) -> Document:
    """The document that ``source`` names: a path, ``"-"`` for standard input, or ``oci://host/repository:tag``.

    Raises DocumentError where it cannot be read, RegistryError where a registry does not hand it out, ArtifactError
    where its kind is not known.
    """
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/?/", str(source))
    if scheme is None:
        return read_document(source)
    name = scheme[1].lower()
    if name == "oci":
        from .registry import pull  # HTTP takes longer to import than an artifact takes to load

        return pull(str(source))
    problem = f"artifacts cannot be read from {name}://; expected a file's path, - for standard input, or oci://"
    raise ArtifactError(_public_source(str(source)), "", problem)


def _public_source(source: str) -> str:
    """A source's name as a message may show it: without user and password."""
    return re.sub(r"//[^/@]*@", "//", source)


def resolve_sources(sources: Sequence[str | Path]) -> list[Document]:
    """Read each source once, in order; a directory stands for the JSON and YAML files in it, by name.

    Standard input may be named once only. Raises what :func:`read_source` does.
    """
    return list(_documents(sources))


def _documents(sources: Sequence[str | Path]) -> Iterator[Document]:
    if sum(str(source) == "-" for source in sources) > 1:
        raise ArtifactError("<stdin>", "", "standard input (-) is named twice; it can be read once")
    for source in sources:
        yield from map(read_source, _files(source))


def _files(source: str | Path) -> list[str | Path]:
    if str(source) == "-" or not Path(source).is_dir():
        return [source]
    try:
        listed = sorted(Path(source).iterdir())
    except OSError as error:
        raise ArtifactError(str(source), "", f"cannot be read: {error.strerror}") from None
    found: list[str | Path] = [one for one in listed if one.suffix in _SUFFIXES and not one.name.startswith(".")]
    if not found:
        raise ArtifactError(str(source), "", "found a directory without JSON or YAML files; expected CompiledArtifacts")
    return found


def load(path: str | Path) -> CompiledArtifacts:
    """Read and check the artifacts that ``path`` names. Raises DocumentError or ArtifactError."""
    return _from_document(read_source(path))


def load_all(paths: Sequence[str | Path]) -> list[CompiledArtifacts]:
    """Load several data products, in order; refuses two of one name."""
    # One after the other: the trees of many documents take more memory than their models.
    loaded = [_from_document(document) for document in _documents(paths)]
    _refuse_duplicates(loaded)
    return loaded


def find(directory: str | Path) -> CompiledArtifacts:
    """The artifacts of the project in ``directory`` (``target/compiled_artifacts.json``), else the example."""
    path = Path(directory, DEFAULT_PATH)
    return load(path) if path.exists() else example()


def example() -> CompiledArtifacts:
    """The artifacts that ship inside the package."""
    from importlib import resources

    text = resources.files(__package__).joinpath("example.json").read_bytes()
    return _from_document(parse_document(text, EXAMPLE_SOURCE))


def parse(data: object, source: str = "") -> CompiledArtifacts:
    """Check a tree of JSON values against the contract. Raises ArtifactError and nothing else."""
    check_tree(data, source, ArtifactError)
    return _from_document(Document(data, source))


def _from_document(document: Document) -> CompiledArtifacts:
    data, source = document.data, document.source
    if not isinstance(data, dict):
        raise ArtifactError(source, "", f"found {kind_of(data)}; expected an object with CompiledArtifacts")
    if "kind" in data and "metadata" in data and "observability" not in data:
        problem = f"found a {shorten(data['kind'])} manifest; expected CompiledArtifacts"
        raise ArtifactError(source, "", problem, "compile it first: floe platform compile")
    version, is_newer = _check_version(data, source)
    unknown = _distinct(islice(unknown_fields(CompiledArtifacts, data), _MAX_UNKNOWN))
    refused = [field for field in unknown if not is_newer or _is_misspelt_plugin(field)]
    problems = [field.problem() for field in refused]
    try:
        artifacts = CompiledArtifacts.model_validate(data)
    except ValidationError as error:
        raise as_error(source, [*validation_problems(error), *problems]) from None
    if problems:
        raise as_error(source, problems)
    artifacts._source = source
    artifacts._unknown_fields = tuple(field.pattern for field in unknown)
    artifacts._notices = (_newer_notice(source, version, artifacts.unknown_fields),) if is_newer else ()
    return artifacts


def _check_version(data: dict[str, Any], source: str) -> tuple[str, bool]:
    """The contract's version, and whether it is a newer minor version than the known ones."""
    version = data.get("version", CompiledArtifacts.model_fields["version"].default)
    if not isinstance(version, str):
        found = kind_of(version) if isinstance(version, (dict, list)) else shorten(version)
        raise ArtifactError(source, "version", f'found {found}; expected the contract\'s version, such as "0.10.0"')
    parts = re.fullmatch(r"([0-9]{1,9})\.([0-9]{1,9})\.[0-9]{1,9}", version)
    if parts is None:
        raise ArtifactError(source, "version", f"found {shorten(version)}; expected a version such as 0.10.0")
    major, minor = int(parts[1]), int(parts[2])
    if major != KNOWN_MAJOR or minor < KNOWN_MINORS.start:
        known = f"{KNOWN_MAJOR}.{KNOWN_MINORS.start} to {KNOWN_MAJOR}.{KNOWN_MINORS[-1]}"
        hint = "a newer floe-charts may know it" if major > KNOWN_MAJOR else ""
        raise ArtifactError(source, "version", f"found {version}; the known versions are {known}", hint)
    return version, minor > KNOWN_MINORS[-1]


def _distinct(fields: Iterable[UnknownField]) -> list[UnknownField]:
    """One for each path, list indexes apart; ``$comment`` at the top is allowed and not among them."""
    first: dict[str, UnknownField] = {}
    for field in fields:
        if field.path != "$comment":
            first.setdefault(field.pattern, field)
    return list(first.values())


def _is_misspelt_plugin(field: UnknownField) -> bool:
    """Whether a field of a newer version is rather a known kind of plugin, misspelt, than a new one."""
    if field.parent != "plugins":
        return False
    meant = nearest(field.key, PLUGIN_KINDS)
    if meant is None or meant in field.present:
        return False
    return difflib.SequenceMatcher(None, field.key.lower(), meant).ratio() >= _MISSPELLING


def _newer_notice(source: str, version: str, unknown: tuple[str, ...]) -> str:
    newest = f"{KNOWN_MAJOR}.{KNOWN_MINORS[-1]}"
    known = f"contract version {version} is newer than {newest}, the newest known"
    if not unknown:
        return f"{source}: {known}; it holds no unknown fields"
    listed = ", ".join(unknown[:10]) + (f" and {len(unknown) - 10} more" if len(unknown) > 10 else "")
    return f"{source}: {known}; passed over: {listed}"


def _refuse_duplicates(loaded: Iterable[CompiledArtifacts]) -> None:
    first: dict[str, CompiledArtifacts] = {}
    for artifacts in loaded:
        name = artifacts.product_name
        other = first.setdefault(name, artifacts)
        if other is not artifacts:
            problem = f"the product {name} is also in {other.source}; expected one file for each product"
            raise ArtifactError(artifacts.source, "metadata.product_name", problem)
