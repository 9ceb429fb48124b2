"""What is verified: a chart, the values it is rendered with, the versions of Kubernetes it is meant for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from floe_charts.errors import HelmError
from floe_charts.verify.engine import NAMESPACE, RELEASE, ChartHandle, Helm, RenderError, ValuesRefused
from floe_charts.verify.findings import Finding
from floe_charts.verify.objects import RenderedObject, parse_objects
from floe_charts.verify.schemas import CustomSchemas
from floe_charts.verify.values import helm_merge

__all__ = ["Case", "Failure", "PodSecurityLevel", "Provided", "Rendering", "Subject"]

PodSecurityLevel = Literal["restricted", "baseline"]


class Case(NamedTuple):
    """A name for people (``defaults``, or a values file as it was named), and the values that go over the defaults."""

    name: str
    values: Mapping[str, object]


class Provided(NamedTuple):
    """An object that is not in the release because the user provides it; ``keys`` are those of a Secret or ConfigMap.

    Empty ``keys`` say nothing about the keys.
    """

    kind: str
    name: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rendering:
    """What Helm rendered of one case for one version of Kubernetes.

    ``manifests`` maps a template's path to its text, ``objects`` are the Kubernetes objects in them, ``unreadable`` the
    findings of :func:`~floe_charts.verify.objects.parse_objects` about what is none.
    """

    case: Case
    kube_version: str
    manifests: Mapping[str, str]
    objects: tuple[RenderedObject, ...]
    unreadable: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that Helm did not render."""

    case: Case
    kube_version: str
    error: HelmError


@dataclass(frozen=True)
class Subject:
    """A chart under verification. Checks share it, also from several threads; nothing in it changes.

    ``path`` is the chart as the user named it, ``cases`` begin with the chart's defaults, ``kube_versions`` are such as
    ``1.30``, oldest first. ``custom`` knows the schemas of custom resources. ``provided`` are the objects that the user
    says exist outside the release.
    """

    path: Path
    helm: Helm
    chart: ChartHandle
    cases: tuple[Case, ...]
    kube_versions: tuple[str, ...]
    custom: CustomSchemas = field(default_factory=lambda: CustomSchemas({}))
    provided: tuple[Provided, ...] = ()
    pod_security: PodSecurityLevel = "restricted"
    release: str = RELEASE
    namespace: str = NAMESPACE
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)

    def values_of(self, case: Case) -> dict[str, object]:
        """The values that templates see in a case (those of subcharts not merged)."""
        return helm_merge(self.chart.values, case.values)

    @property
    def renderings(self) -> tuple[Rendering, ...]:
        """Every case for every version of Kubernetes that Helm could render; case by case, oldest version first."""
        return tuple(one for one in self._attempts if isinstance(one, Rendering))

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Every case that Helm could not render."""
        return tuple(one for one in self._attempts if isinstance(one, Failure))

    @property
    def newest(self) -> tuple[Rendering, ...]:
        """One rendering of each case, for the newest version of Kubernetes."""
        return tuple(one for one in self.renderings if one.kube_version == self.kube_versions[-1])

    @cached_property
    def _attempts(self) -> tuple[Rendering | Failure, ...]:
        wanted = [(case, version) for case in self.cases for version in self.kube_versions]
        with ThreadPoolExecutor(self.threads) as pool:
            return tuple(pool.map(self._attempt, wanted))

    def _attempt(self, wanted: tuple[Case, str]) -> Rendering | Failure:
        case, version = wanted
        try:
            manifests = self.chart.render(
                case.values, release=self.release, namespace=self.namespace, kube_version=version
            )
        except (RenderError, ValuesRefused) as error:
            return Failure(case, version, error)
        objects, unreadable = parse_objects(manifests)
        return Rendering(case, version, manifests, tuple(objects), tuple(unreadable))
