"""A component: one part of a chart, with values of its own and the objects that they shape."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from floe_charts.errors import DeclarationError
from floe_charts.helm.cdk8s_scope import ConstructScope
from floe_charts.helm.containers import container
from floe_charts.helm.expr import StrExpr, expression, node_of
from floe_charts.helm.functions import RELEASE_NAMESPACE, condition_of
from floe_charts.helm.nodes import Call, Constant, LoopItem, LoopKey, Node, Variable
from floe_charts.helm.pieces import loop_names
from floe_charts.helm.refs import refs_to
from floe_charts.helm.rules import ValueRule
from floe_charts.helm.spec import STRING
from floe_charts.helm.tokens import parse
from floe_charts.helm.values import Image, Values

if TYPE_CHECKING:
    from floe_charts.helm.chart import HelmChart
    from floe_charts.helm.workload import Part

__all__ = ["Component", "Dependency", "Repeated", "Template"]

V = TypeVar("V", bound=Values)
T = TypeVar("T")
_COMPONENT_ID = re.compile(r"[a-z][A-Za-z0-9]*(-[a-z0-9]+)*\Z")


@dataclass(frozen=True)
class Dependency:
    """A chart that the umbrella chart depends on (an entry of ``dependencies`` in Chart.yaml).

    ``alias`` decides the key under which the dependency finds its values; ``condition`` is the path of a boolean in
    values that switches it.
    """

    name: str
    version: str
    repository: str
    alias: str | None = None
    condition: str | None = None

    @property
    def key(self) -> str:
        """The key of the dependency's values in the parent's values."""
        return self.alias or self.name

    def to_chart_yaml(self) -> dict[str, str]:
        """The entry in Chart.yaml."""
        entry = {"name": self.name, "version": self.version, "repository": self.repository}
        return {
            **entry,
            **{key: value for key, value in (("alias", self.alias), ("condition", self.condition)) if value},
        }


@dataclass(frozen=True)
class Repeated:
    """Marks an object that is there once for each item of ``source``, with ``variable`` and ``key`` in it."""

    source: Node
    variable: str
    key: str


@dataclass(frozen=True)
class Template:
    """One object of a chart: its manifest, the conditions around it, and the component that made it.

    ``conditions`` are those that must hold, and the loops in which the object is repeated, outermost first.
    ``variables`` are set above the object, once, however often they are used in it.
    """

    file: str
    manifest: Mapping[str, Any]
    conditions: tuple[Node | Repeated, ...]
    owner: str
    variables: tuple[Variable, ...] = ()

    @property
    def title(self) -> str:
        """How errors name the object: ``Deployment shop-web``."""
        metadata = self.manifest.get("metadata")
        name = metadata.get("name", "") if isinstance(metadata, Mapping) else ""
        return f"{self.manifest.get('kind', 'object')} {_readable(name)}".strip()


def _readable(name: object) -> str:
    """A name with expressions in it, as people would say it: the chart's name for its full name."""
    parts = parse(name) if isinstance(name, str) else []
    return "".join(part if isinstance(part, str) else _spoken(part) for part in parts)


def _spoken(node: Node) -> str:
    first = node.arguments[0] if isinstance(node, Call) and node.function == "include" else None
    chart, found, _ = str(first.value).partition(".fullname") if isinstance(first, Constant) else ("", "", "")
    return chart if found else "…"


class Component(ConstructScope, Generic[V]):
    """One part of a chart: a Values class of its own, and ``build`` that makes objects out of it.

    ``Component[WebValues]`` says which class. The values stand in values.yaml under the component's id.
    """

    def __init__(self, chart: HelmChart, id: str, values: V | None = None) -> None:
        """``values`` are this component's defaults; without them those of its Values class.

        Raises :class:`DeclarationError` for an id that cannot be a key of values or is taken.
        """
        if not _COMPONENT_ID.match(id):
            raise DeclarationError(
                f"{id!r} cannot be a component's id: a letter, then letters, digits and single dashes"
            )
        self.chart = chart
        self.id = id
        super().__init__(chart.fullname, self.file_stem)
        self.values: V = values if values is not None else self.values_class()()
        self.refs: V = refs_to(type(self.values), (id,), f"{type(self).__name__} at {chart.chart_name}/{id}")
        self.dependency: Dependency | None = None
        # Whether keys that are not declared pass, for a dependency of a version whose keys are not known.
        self.open_values = False
        self._conditions: list[Node | Repeated] = []
        self._templates: list[Template] = []
        self._scopes: list[tuple[ConstructScope, tuple[Node | Repeated, ...]]] = [(self, ())]
        chart.register(self)

    @cached_property
    def default_values(self) -> dict[str, Any]:
        """The component's defaults as they stand in values.yaml, not to be changed."""
        return self.values.to_values()

    @classmethod
    def values_class(cls) -> type[V]:
        """The Values class between the brackets of ``Component[...]``."""
        for base in cls.__mro__:
            for origin in getattr(base, "__orig_bases__", ()):
                for argument in typing.get_args(origin):
                    if isinstance(argument, type) and issubclass(argument, Values):
                        return cast("type[V]", argument)
        raise DeclarationError(
            f"{cls.__name__} does not say its Values class: class {cls.__name__}(Component[MyValues])"
        )

    @property
    def description(self) -> str:
        """The first paragraph of the Values class's docstring, on one line."""
        return " ".join((type(self.values).__doc__ or "").strip().split("\n\n")[0].split())

    def build(self, v: V) -> None:
        """Make the component's objects with :meth:`add`; ``v`` reads like the values, its leaves are expressions."""

    def value_rules(self) -> Sequence[ValueRule]:
        """What one of the component's values may be only where another one allows it."""
        return ()

    # What build works with

    def add(
        self, manifest: Mapping[str, Any], name: str | None = None, *, variables: Sequence[object] = ()
    ) -> Template:
        """Add an object, written as Kubernetes writes it; it becomes the template ``<component>-<kind>.yaml``.

        ``name`` takes the place of ``<component>`` in the file's name, for a second object of the kind. ``variables``
        are what :func:`variable` made and the manifest uses. Raises :class:`DeclarationError` for a manifest without
        ``apiVersion`` and ``kind``.
        """
        file = _file_name(name or self.file_stem, manifest, self.id)
        nodes = tuple(node for node in map(node_of, variables) if isinstance(node, Variable))
        template = Template(file, manifest, tuple(self._conditions), f"{type(self).__name__}.build", nodes)
        self._templates.append(template)
        return template

    @property
    def file_stem(self) -> str:
        """The component's id as a file's name has it."""
        return re.sub(r"(?<=[a-z0-9])([A-Z])", r"-\1", self.id).lower()

    @contextmanager
    def when(self, condition: bool | None) -> Iterator[ConstructScope]:
        """Objects added inside the block are there only where ``condition`` holds.

        The block's scope is for cdk8s constructs that the condition shall hold for, too.
        """
        with self._within(condition_of(condition)) as scope:
            yield scope

    @contextmanager
    def each(self, source: Mapping[str, T]) -> Iterator[tuple[str, T]]:
        """Objects added inside the block are there once for each entry of a map among the values.

        The block is given the placeholders of key and item; an object's name must be made with the key.
        """
        node = node_of(source)
        if node.spec.kind != "map" or node.spec.item is None:
            raise DeclarationError(f"{self.id}: objects are repeated over a map, but {node.go('.')} is not one")
        with loop_names() as (variable, key), self._within(Repeated(node, variable, key)):
            name = expression(LoopKey(key, node.spec.key or STRING, node))
            yield name, expression(LoopItem(variable, (), node.spec.item, node))

    @contextmanager
    def _within(self, guard: Node | Repeated) -> Iterator[ConstructScope]:
        self._conditions.append(guard)
        scope = ConstructScope(self.chart.fullname, f"{self.file_stem}-{len(self._scopes) + 1}")
        self._scopes.append((scope, tuple(self._conditions)))
        try:
            yield scope
        finally:
            self._conditions.pop()

    def part(self, name: str, ports: Mapping[str, int] | None = None, **more: Any) -> Part:
        """A named part with ports, from which workloads and Services are made.

        ``more`` tells several parts of one name apart (``object_name``, ``labels``: :class:`~floe_charts.helm.Part`).
        """
        from floe_charts.helm.workload import Part

        return Part(self, name, dict(ports or {}), **more)

    def name(self, suffix: str = "") -> str:
        """The chart's full name followed by ``-suffix``."""
        return f"{self.chart.fullname}-{suffix}" if suffix else self.chart.fullname

    def labels(self, component: str | None = None) -> dict[str, Any]:
        """The recommended labels, with ``app.kubernetes.io/component``."""
        return {**self.chart.common_labels, "app.kubernetes.io/component": component or self.file_stem}

    def selector(self, component: str | None = None) -> dict[str, Any]:
        """The labels that never change: name, instance, component. For selectors, which must not change either."""
        return {**self.chart.selector_labels, "app.kubernetes.io/component": component or self.file_stem}

    def metadata(self, name: str, component: str | None = None, **more: Any) -> dict[str, Any]:
        """The metadata of a namespaced object called ``name``; ``labels`` and ``annotations`` join the common ones."""
        annotations = {**self.chart.common_annotations, **more.pop("annotations", {})}
        own = more.pop("labels", {})
        component_label = {"app.kubernetes.io/component": component or self.file_stem}
        labels = {**self.chart.labels_beside(own), **component_label, **own}
        made = {"name": name, "namespace": RELEASE_NAMESPACE, "labels": labels, **more}
        return {**made, "annotations": annotations} if annotations else made

    def image(self, image: Image) -> str:
        """``registry/repository:tag`` of an image among the values, with its digest where it has one."""
        return cast("str", StrExpr(self.chart.helper("image", node_of(image))))

    def container(self, name: str, image: Image | str, **more: Any) -> dict[str, Any]:
        """A container of an image among the values, or of one by its name.

        ``more`` is what :func:`~floe_charts.helm.container` takes.
        """
        if isinstance(image, str):
            return container(name, image, **more)
        made = container(name, self.image(image), **more)
        return {**made, "imagePullPolicy": image.pull_policy}

    def config_map(self, name: str, data: Mapping[str, Any], component: str | None = None) -> dict[str, Any]:
        """A ConfigMap; a text in ``data`` may be ``yaml_text(...)``."""
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": self.metadata(name, component), "data": data}

    def checksum(self, template: Template | str) -> str:
        """The SHA-256 of a template's text without versions, for an annotation that rolls pods when it changes.

        The template of another component is said by its file (:meth:`file_of`).
        """
        file = template if isinstance(template, str) else template.file
        return cast("str", StrExpr(self.chart.helper("checksum", Constant(file, STRING))))

    def file_of(self, kind: str) -> str:
        """The template file of the component's object of a kind, where that was added without a name."""
        return f"{self.file_stem}-{kind.lower()}.yaml"

    def depend(self, dependency: Dependency, *, known_version: str | None = None) -> None:
        """Hand this component's values to a dependency; its key must be the component's id.

        ``known_version`` is the version whose keys the Values classes know; for another their objects are left open.
        """
        if dependency.key != self.id:
            raise DeclarationError(
                f"{self.id}: Helm hands {dependency.name} the values under {dependency.key!r}; set alias={self.id!r}"
            )
        self.dependency = dependency
        self.open_values = known_version is not None and dependency.version.removeprefix("v") != known_version

    # What the chart asks for

    def templates(self) -> Sequence[Template]:
        """Build, and return the objects: those added from outside, those of ``build``, those of cdk8s constructs."""
        outside = self._templates, self._scopes, self._cdk8s_chart
        try:
            # What build makes is made anew each time; cdk8s refuses a construct whose id is taken.
            self._templates, self._scopes, self._cdk8s_chart = [], [(self, ())], None
            self.build(self.refs)
            made = [*outside[0], *self._templates]
            manifests = [(conditions, found) for scope, conditions in self._scopes for found in scope.cdk8s_manifests()]
        finally:
            self._templates, self._scopes, self._cdk8s_chart = outside
        manifests += [(conditions, found) for scope, conditions in self._scopes for found in scope.cdk8s_manifests()]
        taken = {template.file for template in made}
        for conditions, manifest in manifests:
            shared = self.chart.shared_metadata(manifest, {"app.kubernetes.io/component": self.file_stem})
            made.append(cdk8s_template(shared, self.file_stem, conditions, type(self).__name__, taken))
            taken.add(made[-1].file)
        return made


_FILE_STEM = re.compile(r"[a-z0-9][a-z0-9.-]*\Z")


def _file_name(stem: str, manifest: Mapping[str, Any], where: str) -> str:
    kind = manifest.get("kind")
    if (
        not isinstance(kind, str)
        or not kind.isalnum()
        or not kind.isascii()
        or not isinstance(manifest.get("apiVersion"), str)
    ):
        raise DeclarationError(f"{where}: an object needs apiVersion and kind, found {sorted(map(str, manifest))}")
    if not _FILE_STEM.match(stem):
        raise DeclarationError(f"{where}: {stem!r} cannot begin a file's name: lower-case letters, digits, dashes")
    return f"{stem}-{kind.lower()}.yaml"


def cdk8s_template(
    manifest: Mapping[str, Any], stem: str, conditions: tuple[Node | Repeated, ...], owner: str, taken: set[str]
) -> Template:
    """The template of an object that a cdk8s construct made, in a file whose name is not ``taken``."""
    name = _readable(manifest.get("metadata", {}).get("name", ""))
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    base = f"{stem}-{slug}" if slug else stem
    file, count = _file_name(stem, manifest, owner), 2
    if file in taken:
        file = _file_name(base, manifest, owner)
    while file in taken:
        file, count = _file_name(f"{base}-{count}", manifest, owner), count + 1
    return Template(file, manifest, conditions, owner)
