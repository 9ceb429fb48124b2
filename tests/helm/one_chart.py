"""A chart of one component, and objects that Kubernetes must take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from floe_charts.helm import ChartValues, CommonChartValues, Component, HelmChart, Values
from floe_charts.helm.kubernetes import OLDEST, KubernetesSchemas, latest_kube_version
from floe_charts.verify.objects import RenderedObject
from tests.helm.rendering import Rendering
from tests.synth.kubernetes_names import name_faults

__all__ = ["chart_with", "named", "taken_by_kubernetes"]

Build = Callable[[Any, Any], object]


def chart_with(
    values: Values, build: Build, *, shared: ChartValues | None = None, kind: type[HelmChart] = HelmChart
) -> HelmChart:
    """A chart `shop` with one component at `web`, whose build is ``build(component, v)``."""
    chart = kind("shop", description="A shop.", icon="https://example.com/i.png", values=shared or CommonChartValues())
    component: Any = type("WebShop", (Component,), {"build": build})
    component(chart, "web", values)
    return chart


def taken_by_kubernetes(rendering: Rendering, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The objects by their file's name; each must be one that the oldest and the newest Kubernetes take."""
    objects = rendering.objects(values)
    for made in objects.values():
        for version in (OLDEST, latest_kube_version()):
            assert [str(fault) for fault in KubernetesSchemas(version).validate(made)] == []
        assert name_faults(RenderedObject("", 0, made)) == []
    return objects


def named(objects: Mapping[str, Any]) -> dict[str, str]:
    """The names of objects, by their file's name."""
    return {file: made["metadata"]["name"] for file, made in objects.items()}
