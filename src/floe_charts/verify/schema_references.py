"""References of a values schema that lead out of it: Kubernetes' definitions on the network, files of the chart.

Helm would fetch them, and offline every render fails before any template runs (the Dagster chart's schema refers to
``https://raw.githubusercontent.com/yannh/kubernetes-json-schema/...``). Here what they refer to is copied into the
schema, Kubernetes' definitions from the package kubernetes-validate; what is nowhere at hand is let through and named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from posixpath import normpath
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit

from floe_charts.errors import HelmError
from floe_charts.verify.chart_files import SCHEMA, ChartFiles
from floe_charts.verify.json_schema import at_pointer
from floe_charts.verify.kubernetes_definitions import KUBERNETES, kubernetes_document
from floe_charts.verify.values import MISSING

__all__ = ["LocalChart", "LocalSchema", "localize_chart", "localize_schema"]

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_DATA = frozenset({"const", "default", "enum", "example", "examples", "required", "type"})
_MAPS = frozenset({"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"})
_KEPT_BESIDE = frozenset({"$defs", "$id", "$schema", "definitions", "description", "id", "title"})
_DROPPED = frozenset({"$anchor", "$dynamicAnchor", "$id", "$schema", "description", "id"})
_OLD_DRAFTS = ("draft-03", "draft-04", "draft-06", "draft-07")
_CHART = "chart://files/"
_PREFIX = "floe-charts-"
_MAX_DEPTH = 400
_PLAIN = "$&+,:;=@!'()*~"


@dataclass(frozen=True, slots=True)
class LocalSchema:
    """A schema that refers to nothing outside it.

    ``unresolved`` are the references that were let through because what they refer to is not at hand; ``changed`` says
    whether the schema is another one than before.
    """

    schema: dict[str, object]
    unresolved: tuple[str, ...] = ()
    changed: bool = False


@dataclass(frozen=True, slots=True)
class LocalChart:
    """A chart whose schemas, and those of its subcharts, refer to nothing outside.

    ``unresolved`` are lines ``chart: url``; ``changed`` says whether any schema is another one than before.
    """

    files: ChartFiles
    unresolved: tuple[str, ...] = ()
    changed: bool = False


def localize_schema(schema: Mapping[str, object], files: Mapping[str, bytes] | None = None) -> LocalSchema:
    """Copy what a values schema refers to into it.

    ``files`` are the files of the chart, in which relative references are looked up. The copies stand under
    ``definitions`` (``$defs`` from draft 2019-09 on), each under a name that begins with ``floe-charts-``.
    """
    return _Bundle(schema, files or {}).localized()


def localize_chart(chart: ChartFiles) -> LocalChart:
    """Copy what the schemas of a chart and of its subcharts refer to into them. A broken schema is left as it is."""
    unresolved: list[str] = []
    changed = False
    files = dict(chart.files)
    if b"$ref" in files.get(SCHEMA, b"") or b"$schema" in files.get(SCHEMA, b""):
        schema = _readable_schema(chart)
        local = LocalSchema({}) if schema is None else localize_schema(schema, files)
        unresolved += [f"{chart.name}: {reference}" for reference in local.unresolved]
        if local.changed:
            changed = True
            files[SCHEMA] = json.dumps(local.schema, ensure_ascii=False).encode()
    below = {name: localize_chart(one) for name, one in chart.subcharts.items()}
    unresolved += [line for one in below.values() for line in one.unresolved]
    if not changed and not any(one.changed for one in below.values()):
        return LocalChart(chart, tuple(dict.fromkeys(unresolved)))
    local_chart = replace(chart, files=files, subcharts={name: one.files for name, one in below.items()})
    return LocalChart(local_chart, tuple(dict.fromkeys(unresolved)), changed=True)


@dataclass(frozen=True, slots=True)
class _Document:
    """A document that schemas are copied from; ``address`` is what its own references are relative to."""

    address: str
    content: Mapping[str, object]


@dataclass
class _Resource:
    """A part of the schema with an address of its own (``$id``): its ``#`` references begin here."""

    address: str
    copies: dict[str, object] = field(default_factory=dict)


class _Bundle:
    """One schema while its references are brought home."""

    def __init__(self, schema: Mapping[str, object], files: Mapping[str, bytes]) -> None:
        self._schema = schema
        self._files = files
        self._unresolved: dict[str, None] = {}
        self._changed = False
        self._documents: dict[str, _Document | None] = {}
        declared = str(schema.get("$schema") or "")
        self._ignores_siblings = any(draft in declared for draft in _OLD_DRAFTS)
        self._keyword = "definitions" if self._ignores_siblings else "$defs"
        self._own = set(_addresses(schema, f"{_CHART}{SCHEMA}", 0))

    def localized(self) -> LocalSchema:
        """The schema with the copies that it needs."""
        result = self._resource(self._schema, f"{_CHART}{SCHEMA}", 0)
        declared = result.get("$schema")
        if "$schema" in result and not _is_known_metaschema(declared):
            del result["$schema"]
            self._changed = True
            self._unresolved.setdefault(str(declared))
        return LocalSchema(result, tuple(self._unresolved), self._changed)

    def _resource(self, node: Mapping[str, object], base: str, depth: int) -> dict[str, object]:
        """A schema with an address of its own, with the copies that it needs."""
        resource = _Resource(_address(node, base))
        result = self._members(node, resource, resource.address, depth)
        if resource.copies:
            present = result.get(self._keyword)
            result[self._keyword] = {**(present if isinstance(present, dict) else {}), **resource.copies}
        return result

    def _node(self, node: object, resource: _Resource, base: str, depth: int) -> object:
        if depth > _MAX_DEPTH:
            return node
        if isinstance(node, list):
            return [self._node(one, resource, base, depth + 1) for one in node]
        if not isinstance(node, Mapping):
            return node
        # Inside a copy there are no addresses but that of the document it came from.
        if base == resource.address and _has_address(node):
            return self._resource(node, base, depth)
        return self._members(node, resource, base, depth)

    def _members(self, node: Mapping[str, object], resource: _Resource, base: str, depth: int) -> dict[str, object]:
        result: dict[str, object] = {}
        lost = False
        for keyword, below in node.items():
            if keyword in _REFERENCES and isinstance(below, str):
                reference = self._reference(below, resource, base)
                lost = lost or reference is None
                if reference is not None:
                    result[keyword] = reference
            elif keyword in _MAPS and isinstance(below, Mapping):
                result[keyword] = {name: self._node(one, resource, base, depth + 2) for name, one in below.items()}
            else:
                result[keyword] = below if keyword in _DATA else self._node(below, resource, base, depth + 1)
        if lost and self._ignores_siblings:
            # What stood beside the reference had no effect, and must not get one.
            result = {keyword: below for keyword, below in result.items() if keyword in _KEPT_BESIDE}
        return result

    def _reference(self, reference: str, resource: _Resource, base: str) -> str | None:
        """The reference as it has to stand in the local schema; None where it leads nowhere."""
        in_copy = base != resource.address
        address, fragment = urldefrag(_join(base, reference))
        if not in_copy and (reference.startswith("#") or address in self._own):
            return reference
        self._changed = True
        name = self._copy(address, unquote(fragment), resource)
        if name is None:
            self._unresolved.setdefault(reference if not address.startswith("http") else _join(base, reference))
            return None
        return f"#/{self._keyword}/{quote(name.replace('~', '~0').replace('/', '~1'), safe=_PLAIN)}"

    def _copy(self, address: str, fragment: str, resource: _Resource) -> str | None:
        """The name of the copy of one place in another document; made where it is not there yet."""
        document = self._document(address, fragment)
        if document is None:
            return None
        place = fragment.removeprefix("/definitions/").removeprefix("/$defs/").replace("/", ":")
        name = f"{_PREFIX}{_short(document.address)}{place and '-'}{place}"
        if name not in resource.copies:
            target = _target(document.content, "" if fragment == "/" else fragment)
            if isinstance(target, bool):
                resource.copies[name] = target
                return name
            if not isinstance(target, Mapping):
                return None
            resource.copies[name] = True  # so that a schema that refers to itself comes to an end
            plain = _without_identity(target, 0)
            resource.copies[name] = self._node(plain, resource, document.address, 1)
        return name

    def _document(self, address: str, fragment: str) -> _Document | None:
        key = f"{address}#{fragment}"
        if key not in self._documents:
            self._documents[key] = self._find(address, fragment)
        return self._documents[key]

    def _find(self, address: str, fragment: str) -> _Document | None:
        if address.startswith(_CHART):
            return self._chart_file(address)
        found = kubernetes_document(address, fragment)
        return None if found is None else _Document(*found)

    def _chart_file(self, address: str) -> _Document | None:
        path = normpath(unquote(urlsplit(address).path).lstrip("/"))
        if path == SCHEMA:
            return _Document(address, self._schema)
        try:
            content = json.loads(self._files[path])
        except (KeyError, ValueError, RecursionError):
            return None
        return _Document(address, content) if isinstance(content, dict) else None


def _readable_schema(chart: ChartFiles) -> dict[str, object] | None:
    try:
        return chart.schema
    except HelmError:
        return None


def _addresses(node: object, base: str, depth: int) -> Iterator[str]:
    """The addresses that a schema and its parts give themselves."""
    if isinstance(node, Mapping) and depth <= _MAX_DEPTH:
        base = _address(node, base)
        yield base
        for keyword, below in node.items():
            if keyword not in _DATA:
                yield from _addresses(below, base, depth + 1)
    elif isinstance(node, list):
        for one in node:
            yield from _addresses(one, base, depth + 1)


def _has_address(node: Mapping[str, object]) -> bool:
    own = node.get("$id")
    return isinstance(own, str) and bool(urldefrag(own)[0])


def _address(node: Mapping[str, object], base: str) -> str:
    own = node.get("$id")
    return urldefrag(_join(base, own))[0] if isinstance(own, str) else base


def _join(base: str, reference: str) -> str:
    try:
        if not reference or reference.startswith("#"):
            return urldefrag(base)[0] + reference
        for scheme in (_CHART, KUBERNETES):
            # urljoin knows only the schemes that it was born with.
            if base.startswith(scheme) and not urlsplit(reference).scheme:
                # kubernetes-validate's files say /api/_definitions.json for the file beside them.
                beside = reference.removeprefix("/api/") if scheme == KUBERNETES else reference
                return scheme + urljoin(f"http://h/{base.removeprefix(scheme)}", beside).removeprefix("http://h/")
        return urljoin(base, reference)
    except ValueError:  # no address at all
        return f"unreadable:{quote(reference)}"


def _target(content: Mapping[str, object], pointer: str) -> object:
    found = at_pointer(content, pointer)
    if found is MISSING and pointer.startswith("/definitions/"):
        # kubernetes-validate keeps them under the keyword of newer drafts.
        found = at_pointer(content, f"/$defs/{pointer.removeprefix('/definitions/')}")
    return found


def _without_identity(node: object, depth: int) -> object:
    """A schema without what says where it is from, and without descriptions."""
    if isinstance(node, list):
        return [_without_identity(one, depth + 1) for one in node]
    if not isinstance(node, Mapping) or depth > _MAX_DEPTH:
        return node
    result: dict[str, object] = {}
    for keyword, below in node.items():
        if keyword in _MAPS and isinstance(below, Mapping):
            result[keyword] = {name: _without_identity(one, depth + 2) for name, one in below.items()}
        elif keyword in _DATA:
            result[keyword] = below
        elif keyword not in _DROPPED or not isinstance(below, str):
            result[keyword] = _without_identity(below, depth + 1)
    return result


def _short(address: str) -> str:
    """The end of an address, for a name that people can read; two documents never share it."""
    parts = urlsplit(address)
    if address.startswith(KUBERNETES):
        return parts.path.strip("/").removesuffix("/_definitions.json").replace("/", "-")
    return parts.path.strip("/")


def _is_known_metaschema(declared: object) -> bool:
    if not isinstance(declared, str):
        return True
    address = urldefrag(declared)[0].rstrip("/")
    known = ("draft-04", "draft-06", "draft-07", "draft/2019-09", "draft/2020-12")
    hosts = ("http://json-schema.org/", "https://json-schema.org/")
    return address in {f"{host}{draft}/schema" for host in hosts for draft in known} | {f"{h}schema" for h in hosts}
