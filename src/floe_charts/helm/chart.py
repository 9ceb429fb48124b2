"""A Helm chart as a construct: components in, a directory of generated files out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import yaml
from pydantic import StringConstraints

from floe_charts.errors import DeclarationError, nearest
from floe_charts.helm.books import check_balance, check_references
from floe_charts.helm.cdk8s_scope import ConstructScope
from floe_charts.helm.component import Component, Dependency, Template, cdk8s_template, helper_map
from floe_charts.helm.docs import configuration_table
from floe_charts.helm.expr import MapExpr
from floe_charts.helm.functions import include
from floe_charts.helm.helpers import helpers_text
from floe_charts.helm.kubernetes import OLDEST, KubernetesSchemas
from floe_charts.helm.nodes import path_text
from floe_charts.helm.notes import notes_text
from floe_charts.helm.refs import refs_to
from floe_charts.helm.schema import values_schema
from floe_charts.helm.spec import Property, Spec, property_specs
from floe_charts.helm.template import TemplateWriter
from floe_charts.helm.values import Const, Field, Values
from floe_charts.helm.valuesfile import overlay_text, values_text
from floe_charts.helm.witness import expression_at, has_alternatives, witness

__all__ = ["ChartValues", "HelmChart"]

# Room for the suffix of an object's name within the 63 characters of a DNS label.
NAME_LIMIT = 40
_OptionalName = Annotated[str, StringConstraints(pattern=r"^([a-z]([-a-z0-9]*[a-z0-9])?)?$", max_length=NAME_LIMIT)]


class ChartValues(Values):
    """Values of the chart as a whole."""

    name_override: _OptionalName = Field("", description="Takes the place of the chart's name in labels.")
    fullname_override: _OptionalName = Field(
        "", description="Full name, with which the names of all objects begin; empty: made from the release's name."
    )


class HelmChart(ConstructScope):
    """A Helm chart. Components register themselves; :meth:`files` returns the whole directory.

    Any cdk8s construct may be put under the chart or under a component; its objects become templates.
    """

    def __init__(
        self,
        name: str,
        *,
        version: str = "0.1.0",
        app_version: str | None = None,
        description: str = "",
        kube_version: str = ">=1.28.0-0",
        values: ChartValues | None = None,
        fixed_fullname: bool = False,
        generator: str = "floe-charts",
        keywords: Sequence[str] = (),
        icon: str = "",
    ) -> None:
        """``values`` are those at the top of values.yaml.

        ``fixed_fullname`` makes ``fullnameOverride`` unchangeable by values, for a chart whose dependencies are told names
        that follow from it. ``generator`` is named in each file's first line.
        """
        super().__init__()
        self.chart_name = name
        self.version = version
        self.app_version = app_version or version
        self.description = description
        self.kube_version = kube_version
        self.values = values or ChartValues()
        self.refs = refs_to(type(self.values), ())
        self.fixed_fullname = fixed_fullname
        self.generator = generator
        self.keywords = tuple(keywords)
        self.icon = icon
        self.components: dict[str, Component[Any]] = {}
        self.notes: list[Any] = []
        self.readme_sections: list[str] = []

    # What components use

    @property
    def fullname(self) -> str:
        """The name with which the names of all objects begin."""
        return include(f"{self.chart_name}.fullname")

    @property
    def common_labels(self) -> MapExpr:
        """The recommended labels, for ``{**chart.common_labels, ...}``."""
        return helper_map(f"{self.chart_name}.labels")

    @property
    def selector_labels(self) -> MapExpr:
        """The labels that never change, for ``{**chart.selector_labels, ...}``."""
        return helper_map(f"{self.chart_name}.selectorLabels")

    def register(self, component: Component[Any]) -> None:
        """Take in a component; its id becomes a key at the top of values.yaml."""
        taken = {*self.components, *(prop.name for prop in property_specs(type(self.values)).values()), "global"}
        if component.id in taken:
            raise DeclarationError(f"{self.chart_name}: {component.id!r} is already a key of the chart's values")
        self.components[component.id] = component

    def component(self, kind: type[Any]) -> Any:
        """The chart's component of a class, or None where it has none."""
        return next((found for found in self.components.values() if isinstance(found, kind)), None)

    # What the chart declares

    def properties(self) -> list[Property]:
        """The declared keys at the top of values.yaml."""
        own = []
        for prop in property_specs(type(self.values)).values():
            spec = prop.spec
            if prop.name == "fullnameOverride" and self.fixed_fullname:
                fixed = Const(getattr(self.values, prop.attribute)).json_schema
                spec = Spec(spec.kind, bounds=tuple(fixed.items()), text_safe=True)
            own.append(Property(prop.name, prop.attribute, spec, prop.description))
        parts = [
            Property(part.id, part.id, Spec("object", model=type(part.values)), part.description)
            for part in self.components.values()
        ]
        return own + parts

    def default_values(self) -> dict[str, Any]:
        """The values that the chart's components declare: what values.yaml holds without further layers."""
        return {**self.values.to_values(), **{part.id: part.values.to_values() for part in self.components.values()}}

    def construct_defaults(self) -> dict[str, Any]:
        """The defaults of the Values classes alone, before anybody gave a component others."""
        classes = {part.id: type(part.values) for part in self.components.values()}
        return {**type(self.values)().to_values(), **{key: model().to_values() for key, model in classes.items()}}

    def open_keys(self) -> frozenset[str]:
        """The components whose values are open, because they go to a dependency whose keys are not known."""
        return frozenset(part.id for part in self.components.values() if part.open_values)

    def schema(self) -> dict[str, Any]:
        """values.schema.json as a tree (draft-07)."""
        return values_schema(self.properties(), f"Values of {self.chart_name}", self.open_keys())

    def dependencies(self) -> list[Dependency]:
        """The charts that this chart depends on."""
        return [part.dependency for part in self.components.values() if part.dependency is not None]

    # What comes out

    def templates(self) -> list[Template]:
        """The objects of all components, then those of cdk8s constructs under the chart itself."""
        made = [template for part in self.components.values() for template in part.templates()]
        taken = {template.file for template in made}
        for manifest in self.cdk8s_manifests():
            template = cdk8s_template(manifest, self.chart_name, (), type(self).__name__, taken)
            taken.add(template.file)
            made.append(template)
        files = [template.file for template in made]
        for file in files:
            if files.count(file) > 1:
                owners = sorted({template.owner for template in made if template.file == file})
                raise DeclarationError(f"templates/{file} is made twice ({', '.join(owners)}); give add(..., name=...)")
        return made

    def files(
        self, *, base: Mapping[str, Any] | None = None, overlays: Mapping[str, Mapping[str, Any]] | None = None
    ) -> dict[str, str]:
        """The chart directory: relative path to text.

        ``base`` are the values for values.yaml, the declared defaults where it is not given; ``overlays`` the differences
        for ``values-<name>.yaml``. Both must have been checked against :meth:`schema`.

        Raises :class:`DeclarationError` where the books do not balance or an object is not valid Kubernetes.
        """
        values = dict(base) if base is not None else self.default_values()
        files: dict[str, str] = {}
        reads: set[tuple[str, ...]] = {("nameOverride",), ("fullnameOverride",)}
        templates = self.templates()
        check_references(templates)
        for template in templates:
            text, used = self._template_text(template)
            self._check_kubernetes(template, values)
            files[f"templates/{template.file}"] = text
            reads |= used
        notes, used = notes_text(self.notes)
        reads |= used
        check_balance(self.properties(), reads, self._handed_over(), {part.id: part for part in self.components.values()})
        files["templates/_helpers.tpl"] = f"{self._header('{{- /* ', ' */ -}}')}\n{helpers_text(self.chart_name, NAME_LIMIT)}"
        if notes:
            files["templates/NOTES.txt"] = notes
        files["Chart.yaml"] = self._chart_yaml()
        properties = self.properties()
        files["values.yaml"] = values_text(properties, values, self._header("", "") + "\n" + self.description)
        files["values.schema.json"] = json.dumps(self.schema(), indent=2, ensure_ascii=False) + "\n"
        files["README.md"] = self._readme(properties, values)
        files[".helmignore"] = "".join(f"{line}\n" for line in (".git/", ".floe-charts*", "*.orig", "*.swp", "ci/"))
        for name, overlay in (overlays or {}).items():
            files[f"values-{name}.yaml"] = overlay_text(overlay, f"{self._header('', '')}\nWhat is different in {name}.")
        return dict(sorted(files.items()))

    def _header(self, before: str, after: str) -> str:
        return f"{before}Generated by {self.generator}; change the construct, not this file.{after}"

    def _template_text(self, template: Template) -> tuple[str, set[tuple[str, ...]]]:
        writer = TemplateWriter()
        head = f"# Generated by {self.generator} from {template.owner}; change the construct, not this file."
        guard = [f"{{{{- if {writer.condition(node)} }}}}" for node in template.conditions]
        try:
            body = writer.document(template.manifest)
        except DeclarationError as error:
            raise DeclarationError(f"{template.title}: {error} ({template.owner})") from None
        lines = [head, *guard, *body, *("{{- end }}" for _ in guard)]
        return "\n".join(lines) + "\n", writer.reads

    def _check_kubernetes(self, template: Template, values: Mapping[str, Any]) -> None:
        schemas = KubernetesSchemas(OLDEST)
        cases = (False, True) if has_alternatives(template.manifest) else (False,)
        for otherwise in cases:
            made = witness(template.manifest, values, otherwise=otherwise)
            for fault in schemas.validate(made):
                node = expression_at(template.manifest, fault.path)
                read = f" (it is {path_text(next(iter(node.reads())))}, a {node.spec.json_type})" if node else ""
                raise DeclarationError(f"{template.title}: {fault.message}{read} ({template.owner})")

    def _handed_over(self) -> set[tuple[str, ...]]:
        """Paths that a dependency reads: its own values, and the condition that switches it."""
        paths: set[tuple[str, ...]] = set()
        for dependency in self.dependencies():
            paths.add((dependency.key,))
            if dependency.condition:
                path = tuple(dependency.condition.split("."))
                if path[0] not in self.components:
                    near = nearest(path[0], self.components)
                    hint = f"; did you mean {near}?" if near else ""
                    raise DeclarationError(f"{dependency.name}: condition {dependency.condition} is no declared value{hint}")
                paths.add(path)
        return paths

    def _chart_yaml(self) -> str:
        tree: dict[str, Any] = {
            "apiVersion": "v2",
            "name": self.chart_name,
            "description": self.description,
            "type": "application",
            "version": self.version,
            "appVersion": self.app_version,
            "kubeVersion": self.kube_version,
        }
        if self.icon:
            tree["icon"] = self.icon
        if self.keywords:
            tree["keywords"] = list(self.keywords)
        dependencies = [dependency.to_chart_yaml() for dependency in self.dependencies()]
        if dependencies:
            tree["dependencies"] = dependencies
        return f"{self._header('# ', '')}\n" + yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=110)

    def _readme(self, properties: Iterable[Property], values: Mapping[str, Any]) -> str:
        sections = [
            f"# {self.chart_name}", self.description, self._header("*", "*"), *self.readme_sections,
            "## Configuration", configuration_table(properties, values).rstrip("\n"),
        ]
        return "\n\n".join(section for section in sections if section) + "\n"
