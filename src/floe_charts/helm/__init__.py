"""The language: typed values, expressions, components, and the Helm chart that comes out of them.

Knows Helm and Kubernetes, and nothing of floe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from floe_charts.helm.cdk8s_scope import start_cdk8s
from floe_charts.helm.chart import HelmChart
from floe_charts.helm.component import Component, Dependency, Template
from floe_charts.helm.containers import (
    container,
    env_list,
    exec_probe,
    field_ref,
    grpc_probe,
    http_probe,
    pod_security,
    restricted_security,
    secret_key,
    secret_volume,
    tcp_probe,
)
from floe_charts.helm.expr import token
from floe_charts.helm.functions import (
    CHART_APP_VERSION,
    CHART_NAME,
    CHART_VERSION,
    RELEASE_NAME,
    RELEASE_NAMESPACE,
    RELEASE_SERVICE,
    and_,
    default,
    eq,
    file_text,
    ge,
    gt,
    include,
    join,
    le,
    lt,
    matches,
    ne,
    nonempty,
    not_,
    or_,
    present,
    raw_template,
    ternary,
    to_json,
    tpl,
    variable,
)
from floe_charts.helm.kubernetes_types import (
    Affinity,
    EnvSource,
    ExtraEnv,
    KubernetesType,
    Toleration,
    TopologySpreadConstraint,
    VolumeSource,
    Without,
)
from floe_charts.helm.pieces import each, some, text_lines, when, yaml_text
from floe_charts.helm.provided import ProvidedObject
from floe_charts.helm.shared import ChartValues, CommonChartValues
from floe_charts.helm.surroundings import autoscaled
from floe_charts.helm.values import (
    AnyJson,
    Const,
    DnsLabel,
    DnsName,
    EnvName,
    Field,
    Image,
    IngressValues,
    LabelKey,
    LabelValue,
    NodeSelector,
    ObjectRef,
    OneOf,
    Port,
    PrintableText,
    Quantity,
    ResourceList,
    Resources,
    RouteValues,
    StringMap,
    SubchartValues,
    Values,
)
from floe_charts.helm.workload import Part
from floe_charts.helm.workload_values import (
    AccountPodValues,
    AutoscalingValues,
    DisruptionBudgetValues,
    PodValues,
    ServiceAccountValues,
    WorkloadValues,
)

if TYPE_CHECKING:
    import cdk8s as cdk8s  # Not in __all__: a star import must not start Node.

__all__ = [
    "CHART_APP_VERSION",
    "CHART_NAME",
    "CHART_VERSION",
    "RELEASE_NAME",
    "RELEASE_NAMESPACE",
    "RELEASE_SERVICE",
    "AccountPodValues",
    "Affinity",
    "AnyJson",
    "AutoscalingValues",
    "ChartValues",
    "CommonChartValues",
    "Component",
    "Const",
    "Dependency",
    "DisruptionBudgetValues",
    "DnsLabel",
    "DnsName",
    "EnvName",
    "EnvSource",
    "ExtraEnv",
    "Field",
    "HelmChart",
    "Image",
    "IngressValues",
    "KubernetesType",
    "LabelKey",
    "LabelValue",
    "NodeSelector",
    "ObjectRef",
    "OneOf",
    "Part",
    "PodValues",
    "Port",
    "PrintableText",
    "ProvidedObject",
    "Quantity",
    "ResourceList",
    "Resources",
    "RouteValues",
    "ServiceAccountValues",
    "StringMap",
    "SubchartValues",
    "Template",
    "Toleration",
    "TopologySpreadConstraint",
    "Values",
    "VolumeSource",
    "Without",
    "WorkloadValues",
    "and_",
    "autoscaled",
    "container",
    "default",
    "each",
    "env_list",
    "eq",
    "exec_probe",
    "file_text",
    "field_ref",
    "ge",
    "grpc_probe",
    "gt",
    "http_probe",
    "include",
    "join",
    "le",
    "lt",
    "matches",
    "ne",
    "nonempty",
    "not_",
    "or_",
    "pod_security",
    "present",
    "raw_template",
    "restricted_security",
    "secret_key",
    "secret_volume",
    "some",
    "tcp_probe",
    "ternary",
    "text_lines",
    "to_json",
    "token",
    "tpl",
    "variable",
    "when",
    "yaml_text",
]


def __getattr__(name: str) -> Any:
    # `from floe_charts.helm import cdk8s` is the package of that name, on a Node that need not be installed.
    if name == "cdk8s":
        return start_cdk8s()
    raise AttributeError(f"module 'floe_charts.helm' has no attribute {name!r}")
