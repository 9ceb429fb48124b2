"""A Helm chart as a construct: components in, a directory of generated files out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, cast

from pydantic import StringConstraints

from floe_charts.errors import DeclarationError
from floe_charts.helm.books import check_balance, check_condition, check_defaults, check_templates
from floe_charts.helm.cdk8s_scope import ConstructScope
from floe_charts.helm.component import Component, Dependency, Template, cdk8s_template, helper_map
from floe_charts.helm.docs import configuration_table
from floe_charts.helm.expr import MapExpr, expression, node_of
from floe_charts.helm.functions import include
from floe_charts.helm.helpers import Helpers, helpers_text
from floe_charts.helm.kubernetes import OLDEST, KubernetesSchemas, SchemaFault, field_path
from floe_charts.helm.nodes import Call, HelperCall, Node, ValueRef, path_text
from floe_charts.helm.notes import notes_text
from floe_charts.helm.provided import PROVIDED_ANNOTATION, ProvidedObject, provided_text
from floe_charts.helm.refs import refs_to
from floe_charts.helm.rules import ValueRule
from floe_charts.helm.schema import SchemaRequest, schema_text, values_schema
from floe_charts.helm.spec import STRING, Property, Spec, property_specs
from floe_charts.helm.template import TemplateWriter
from floe_charts.helm.texts import scalar_text
from floe_charts.helm.values import (
    REGISTRY_PATTERN,
    Const,
    Field,
    LabelValue,
    ObjectRef,
    PrintableText,
    Values,
)
from floe_charts.helm.valuesfile import comment_lines, overlay_text, values_text
from floe_charts.helm.witness import expression_at, has_alternatives, witness
from floe_charts.helm.workload_values import ObjectAnnotationKey, ObjectLabelKey

__all__ = ["ChartValues", "HelmChart", "CommonChartValues"]

_IGNORED = (".git/", ".floe-charts*", "*.orig", "*.swp", "ci/")
_CHART_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
# Room for the suffix of an object's name within the 63 characters of a DNS label.
NAME_LIMIT = 40
_OptionalName = Annotated[str, StringConstraints(pattern=r"^([a-z]([-a-z0-9]*[a-z0-9])?)?$", max_length=NAME_LIMIT)]


class ChartValues(Values):
    """Values of the chart as a whole."""

    name_override: _OptionalName = Field("", description="Takes the place of the chart's name in labels.")
    fullname_override: _OptionalName = Field(
        "", description="Full name, with which the names of all objects begin; empty: made from the release's name."
    )


class CommonChartValues(ChartValues):
    """Values of a chart whose objects are made by its components' own methods: what all objects and pods share."""

    common_labels: dict[ObjectLabelKey, LabelValue] = Field({}, description="Labels of all objects and pods.")
    common_annotations: dict[ObjectAnnotationKey, PrintableText] = Field(
        {}, description="Annotations of all objects and pods."
    )
    image_registry: Annotated[str, StringConstraints(pattern=f"{REGISTRY_PATTERN}|^$")] = Field(
        "", description="Registry that takes the place of every image's own: a mirror; empty: each its own."
    )
    image_pull_secrets: list[ObjectRef] = Field([], description="Secrets to pull images with.")


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

    @property
    def fullname(self) -> str:
        """The name with which the names of all objects begin."""
        return include(f"{self.chart_name}.fullname")

    @property
    def common_labels(self) -> MapExpr:
        """The recommended labels, for ``{**chart.common_labels, ...}``."""
        return helper_map(f"{self.chart_name}.labels")

    @property
    def common_annotations(self) -> Mapping[str, str]:
        """The annotations that the values give all objects, for ``{**chart.common_annotations, ...}``."""
        return cast("CommonChartValues", self.refs).common_annotations if self._shares else {}

    @property
    def _shares(self) -> bool:
        return isinstance(self.values, CommonChartValues)

    def extra_labels(self) -> Mapping[str, str]:
        """Labels of all objects and pods beside the recommended ones, such as the environment; values may be texts with
        expressions."""
        return {}

    def pod_labels(self, labels: Mapping[str, str] | None = None) -> MapExpr:
        """The labels of pods: those that never change, what all objects have, and ``labels`` (an expression).

        Without the chart's version, which would roll the pods at every release.
        """
        given = node_of(labels) if labels is not None else Call("dict", (), Spec("map"))
        return MapExpr(self.helper("podLabels", given))

    def helper(self, name: str, *arguments: Node) -> Node:
        """The text that a named template of ``_helpers.tpl`` makes of the root object and ``arguments``."""
        reads: tuple[tuple[str, ...], ...] = ()
        if name == "image" and self._shares:
            reads = (("imageRegistry",),)
        return HelperCall(f"{self.chart_name}.{name}", arguments, STRING, reads)

    @property
    def pull_secrets(self) -> Mapping[str, Any]:
        """The field ``imagePullSecrets`` of pods, where the chart's values have it."""
        return {"imagePullSecrets": cast("CommonChartValues", self.refs).image_pull_secrets} if self._shares else {}

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
        return values_schema(self.properties(), self._schema_title, self.open_keys(), self.rules())

    def rules(self) -> Sequence[ValueRule]:
        """What one value may be only where another one allows it."""
        return ()

    @property
    def _schema_title(self) -> str:
        return f"Values of {self.chart_name}"

    def dependencies(self) -> list[Dependency]:
        """The charts that this chart depends on."""
        return [part.dependency for part in self.components.values() if part.dependency is not None]

    def provided_objects(self) -> Sequence[ProvidedObject]:
        """What the templates mention and somebody outside the release provides; Chart.yaml tells of it."""
        return ()

    # What comes out

    def templates(self) -> list[Template]:
        """The objects of all components, then those of cdk8s constructs under the chart itself."""
        made = [template for part in self.components.values() for template in part.templates()]
        taken = {template.file for template in made}
        for manifest in self.cdk8s_manifests():
            template = cdk8s_template(manifest, self.chart_name, (), type(self).__name__, taken)
            taken.add(template.file)
            made.append(template)
        check_templates(made)
        return made

    def files(
        self, *, base: Mapping[str, Any] | None = None, overlays: Mapping[str, Mapping[str, Any]] | None = None
    ) -> dict[str, str]:
        """The chart directory: relative path to text.

        ``base`` are the values for values.yaml, the declared defaults where it is not given; ``overlays`` are the
        differences for ``values-<name>.yaml``. Both must have been checked against :meth:`schema`.

        Raises :class:`DeclarationError` where the books do not balance or an object is not valid Kubernetes.
        """
        self._check_values()
        values = dict(base) if base is not None else self.default_values()
        properties = self.properties()
        files: dict[str, str] = {}
        extra = {key: node_of(value) for key, value in self.extra_labels().items()}
        reads: set[tuple[str, ...]] = {("nameOverride",), ("fullnameOverride",)}
        reads |= {("commonLabels",)} if self._shares else set()
        reads |= {path for node in extra.values() for path in node.reads()}
        for template in self.templates():
            text, used = self._template_text(template)
            self._check_kubernetes(template, values)
            files[f"templates/{template.file}"] = text
            reads |= used
        notes, used = notes_text(self.notes)
        reads |= used
        check_balance(properties, reads, self._handed_over(properties), self.chart_name, self.components)
        comment = self._header("{{- /* ", " */ -}}")
        files["templates/_helpers.tpl"] = f"{comment}\n{helpers_text(self._helpers(extra))}"
        if notes:
            files["templates/NOTES.txt"] = f"{comment}\n{notes}"
        files["Chart.yaml"] = self._chart_yaml()
        files["values.yaml"] = values_text(properties, values, f"{self._header()}\n{self.description}")
        request = SchemaRequest(
            tuple(properties), self._schema_title, self._header(), self.open_keys(), tuple(self.rules())
        )
        files["values.schema.json"] = schema_text(request)
        files["README.md"] = self._readme(properties, values)
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

    def _template_text(self, template: Template) -> tuple[str, set[tuple[str, ...]]]:
        writer = TemplateWriter()
        source = template.owner.removesuffix(".build")
        head = f"# Generated by {self.generator} from {source}; change the construct, not this file."
        try:
            body = writer.whole(template)
        except DeclarationError as error:
            raise DeclarationError(f"{template.title}: {error} ({template.owner})") from None
        return "\n".join([head, *body]) + "\n", writer.reads

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

    def _readme(self, properties: Iterable[Property], values: Mapping[str, Any]) -> str:
        sections = [
            f"# {self.chart_name}",
            self.description,
            self._header("*", "*"),
            *self.readme_sections,
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
