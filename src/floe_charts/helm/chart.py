"""A Helm chart as a construct: components in, a directory of generated files out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from floe_charts.errors import DeclarationError
from floe_charts.helm.books import check_balance, check_condition, check_defaults, check_templates
from floe_charts.helm.checking import DeclaredValues
from floe_charts.helm.component import Component, Dependency, Template, cdk8s_template
from floe_charts.helm.docs import configuration_table, differences_table
from floe_charts.helm.expr import expression, node_of
from floe_charts.helm.helpers import Helpers, helpers_text
from floe_charts.helm.kubernetes import OLDEST, KubernetesSchemas, SchemaFault, field_path
from floe_charts.helm.nodes import Node, ValueRef, path_text
from floe_charts.helm.notes import notes_text
from floe_charts.helm.provided import PROVIDED_ANNOTATION, ProvidedObject, provided_text
from floe_charts.helm.refs import refs_to
from floe_charts.helm.rules import ValueRule
from floe_charts.helm.schema import SchemaRequest, schema_text, values_schema
from floe_charts.helm.shared import NAME_LIMIT, ChartValues, CommonChartValues, SharedByObjects
from floe_charts.helm.spec import Property, Spec, property_specs
from floe_charts.helm.template_text import template_text
from floe_charts.helm.texts import scalar_text
from floe_charts.helm.values import Const
from floe_charts.helm.valuesfile import comment_lines, overlay_text, values_text
from floe_charts.helm.witness import expression_at, has_alternatives, witness

__all__ = ["HelmChart"]

_DIFFERENCES = "Every key that one of the files `values-<environment>.yaml` sets, with its value in each."
_IGNORED = (".git/", ".floe-charts*", "*.orig", "*.swp", "ci/")
_CHART_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")


class HelmChart(SharedByObjects):
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

        ``fixed_fullname`` makes ``fullnameOverride`` unchangeable by values, for a chart that tells dependencies names
        that follow from it. ``generator`` is named in each file's first line.
        """
        if not _CHART_NAME.match(name) or len(name) > 53:
            raise DeclarationError(
                f"{name!r} cannot be a chart's name: lower-case letters, digits and dashes, 53 at most"
            )
        self.chart_name = name
        super().__init__(self.fullname, "")
        self.version = version
        self.app_version = app_version or version
        self.description = description
        self.kube_version = kube_version
        self.values = values or ChartValues()
        self.refs = refs_to(type(self.values), (), f"{type(self).__name__} {name}")
        self.fixed_fullname = fixed_fullname
        self.generator = generator
        self.keywords = tuple(keywords)
        self.icon = icon
        self.components: dict[str, Component[Any]] = {}
        self.notes: list[Any] = []
        self.readme_sections: list[str] = []

    # What components use

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
        return {**self.values.to_values(), **{part.id: part.default_values for part in self.components.values()}}

    def construct_defaults(self) -> dict[str, Any]:
        """The defaults of the Values classes alone, before anybody gave a component others."""
        classes = {part.id: type(part.values) for part in self.components.values()}
        return {**type(self.values)().to_values(), **{key: model().to_values() for key, model in classes.items()}}

    def open_keys(self) -> frozenset[str]:
        """The components whose values are open, because they go to a dependency whose keys are not known."""
        return frozenset(part.id for part in self.components.values() if part.open_values)

    def schema(self) -> dict[str, Any]:
        """values.schema.json as a tree (draft-07), not to be changed."""
        return values_schema(self._schema_request())

    def declared_values(self) -> DeclaredValues:
        """What values can be held against, by path and as a whole."""
        return DeclaredValues(self._schema_request())

    def rules(self) -> Sequence[ValueRule]:
        """What one value may be only where another one allows it."""
        return tuple(rule for part in self.components.values() for rule in part.value_rules())

    def _schema_request(self) -> SchemaRequest:
        title = f"Values of {self.chart_name}"
        return SchemaRequest(tuple(self.properties()), title, self._header(), self.open_keys(), tuple(self.rules()))

    def dependencies(self) -> list[Dependency]:
        """The charts that this chart depends on."""
        return [part.dependency for part in self.components.values() if part.dependency is not None]

    def provided_objects(self) -> Sequence[ProvidedObject]:
        """What the templates mention and somebody outside the release provides; Chart.yaml tells of it."""
        return ()

    def extra_files(self) -> Mapping[str, str]:
        """Further files of the chart, by their paths, which templates read with :func:`~floe_charts.helm.file_text`."""
        return {}

    # What comes out

    def templates(self) -> list[Template]:
        """The objects of all components, then those of cdk8s constructs under the chart itself."""
        made = [template for part in self.components.values() for template in part.templates()]
        taken = {template.file for template in made}
        for manifest in self.cdk8s_manifests():
            shared = self.shared_metadata(manifest)
            template = cdk8s_template(shared, self.chart_name, (), type(self).__name__, taken)
            taken.add(template.file)
            made.append(template)
        check_templates(made)
        return made

    def files(
        self,
        *,
        base: Mapping[str, Any] | None = None,
        overlays: Mapping[str, Mapping[str, Any]] | None = None,
        compared: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> dict[str, str]:
        """The chart directory: relative path to text.

        ``base`` are the values for values.yaml, the declared defaults where it is not given; ``overlays`` are the
        differences for ``values-<name>.yaml``. Both must have been checked against :meth:`schema`. ``compared`` are the
        overlays that the README sets side by side, where they are others than those that are written.

        Raises :class:`DeclarationError` where the books do not balance or an object is not valid Kubernetes.
        """
        self._check_values()
        values = dict(base) if base is not None else self.default_values()
        properties = self.properties()
        files: dict[str, str] = dict(self.extra_files())
        extra = {key: node_of(value) for key, value in self.own_labels(self.extra_labels(), beside_values=True).items()}
        reads: set[tuple[str, ...]] = {("nameOverride",), ("fullnameOverride",)}
        if self._shares:  # For every object and pod, whether there is one or not.
            reads |= {(prop.name,) for prop in property_specs(CommonChartValues).values()}
        reads |= {path for node in extra.values() for path in node.reads()}
        for template in self.templates():
            text, used = self._template_text(template)
            self._check_kubernetes(template, values)
            files[f"templates/{template.file}"] = text
            reads |= used
        notes, noted = notes_text(self.notes)
        reads |= noted
        check_balance(properties, reads, self._handed_over(properties), self.chart_name, self.components)
        comment = self._header("{{- /* ", " */ -}}")
        files["templates/_helpers.tpl"] = f"{comment}\n{helpers_text(self._helpers(extra))}"
        if notes:
            files["templates/NOTES.txt"] = f"{comment}\n{notes}"
        files["Chart.yaml"] = self._chart_yaml()
        files["values.yaml"] = values_text(properties, values, f"{self._header()}\n{self.description}")
        files["values.schema.json"] = schema_text(self._schema_request())
        shown = compared if compared is not None else overlays or {}
        files["README.md"] = self._readme(properties, values, differences_table(values, shown))
        files[".helmignore"] = "".join(f"{line}\n" for line in (*comment_lines(self._header()), *_IGNORED))
        for name, overlay in (overlays or {}).items():
            files[f"values-{name}.yaml"] = overlay_text(overlay, f"{self._header()}\nWhat is different in {name}.")
        return dict(sorted(files.items()))

    def _helpers(self, labels: Mapping[str, Node]) -> Helpers:
        texts = tuple((key, scalar_text(expression(node), "$root")[0]) for key, node in labels.items())
        return Helpers(self.chart_name, NAME_LIMIT, texts, self._shares)

    def _check_values(self) -> None:
        check_defaults(self.values, self.chart_name)
        for part in self.components.values():
            check_defaults(part.values, f"{self.chart_name}/{part.id}")

    def _header(self, before: str = "", after: str = "") -> str:
        return f"{before}Generated by {self.generator}; change the construct, not this file.{after}"

    def _template_text(self, template: Template) -> tuple[str, frozenset[tuple[str, ...]]]:
        source = template.owner.removesuffix(".build")
        head = f"# Generated by {self.generator} from {source}; change the construct, not this file."
        if template.conditions:  # Where the object is not there, its comment is not either.
            head = f"{{{{- /* {head[2:]} */}}}}"
        try:
            return template_text(template, head)
        except DeclarationError as error:
            raise DeclarationError(f"{template.title}: {error} ({template.owner})") from None

    def _check_kubernetes(self, template: Template, values: Mapping[str, Any]) -> None:
        schemas = KubernetesSchemas(OLDEST)
        cases = (False, True) if has_alternatives(template.manifest) else (False,)
        for otherwise in cases:
            made = witness(template.manifest, values, otherwise=otherwise)
            for fault in schemas.validate(made):
                said = f"{fault.message}{f'; {fault.hint}' if fault.hint else ''}"
                node = expression_at(template.manifest, fault.path, otherwise=otherwise)
                if node is not None:
                    said = (
                        _misplaced(node, fault, schemas.field_types(made["apiVersion"], made["kind"], fault.path))
                        or said
                    )
                raise DeclarationError(f"{template.title}: {said} ({template.owner})")

    def _handed_over(self, properties: Iterable[Property]) -> set[tuple[str, ...]]:
        """Paths that a dependency reads: its own values, and the condition that switches it."""
        declared = list(properties)
        paths = {path for dependency in self.dependencies() for path in check_condition(dependency, declared)}
        return paths | {(dependency.key,) for dependency in self.dependencies()}

    def _chart_yaml(self) -> str:
        tree: dict[str, Any] = {
            "apiVersion": "v2",
            "name": self.chart_name,
            "description": self.description,
            "type": "application",
            "version": self.version,
            "appVersion": self.app_version,
            "kubeVersion": self.kube_version,
            "icon": self.icon,
            "keywords": list(self.keywords),
            "dependencies": [dependency.to_chart_yaml() for dependency in self.dependencies()],
        }
        provided = provided_text(self.provided_objects())
        if provided:
            tree["annotations"] = {PROVIDED_ANNOTATION: provided}
        return overlay_text({key: value for key, value in tree.items() if value}, self._header())

    def _readme(self, properties: Iterable[Property], values: Mapping[str, Any], differences: str) -> str:
        sections = [
            f"# {self.chart_name}",
            self.description,
            self._header("*", "*"),
            *self.readme_sections,
            *(["## What differs between environments", _DIFFERENCES, differences.rstrip("\n")] if differences else []),
            "## Configuration",
            configuration_table(properties, values).rstrip("\n"),
        ]
        return "\n\n".join(section for section in sections if section) + "\n"


def _misplaced(node: Node, fault: SchemaFault, taken: frozenset[str]) -> str | None:
    """What is wrong where an expression of another type stands; None where its type is right and its value is not."""
    kind = node.spec.json_type
    if not fault.expected or kind in taken or not taken or (kind == "integer" and "number" in taken):
        return None
    source = path_text(node.path) if isinstance(node, ValueRef) else f"{{{{ {node.go('.')} }}}}"
    return f"{field_path(fault.path)} takes {fault.expected}, but {source} is {node.spec.in_words}"
