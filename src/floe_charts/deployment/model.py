"""Where a platform goes: clusters, environments, resource presets and the strategy of each component.

:class:`Deployment` is what ``floe-charts.yaml`` says, with everything that the file leaves out filled in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from floe_charts.errors import DeploymentError, nearest

from . import loader
from .components import Components
from .environments import CLUSTERS, KIND_BY_NAME, PRESETS, Cluster, Environment, ResourcePreset
from .fields import NAMESPACE_LENGTH, FullName, Name, OwnVersion, PrintableText, Settings, ShortName, dns_label
from .gitops import GitOps
from .schema import draft07

__all__ = ["ChartInfo", "Deployment", "JobsInfo"]


class ChartInfo(Settings):
    """What Chart.yaml says of the generated chart itself."""

    name: Name = Field(default="floe-platform", description="Name of the chart and of its directory.")
    version: OwnVersion = Field(default="0.1.0", description="Version of the chart, a semantic version.")
    app_version: PrintableText | None = Field(
        default=None, description="appVersion of the chart; without it floe-charts says one."
    )
    fullname: FullName = Field(
        default="floe-platform", description="First part of the name of every object, whatever the release is called."
    )


class JobsInfo(Settings):
    """The chart of the data products' jobs."""

    enabled: bool = Field(default=True, description="Whether the chart is made.")
    name: ShortName = Field(default="floe-jobs", description="Name of the chart and of its directory.")
    version: OwnVersion = Field(default="0.1.0", description="Version of the chart, a semantic version.")
    fullname: ShortName = Field(
        default="floe-jobs", description="First part of the name of every object, whatever the release is called."
    )
    shards: int = Field(
        default=1,
        ge=1,
        le=1024,
        description="Charts that the products are spread over, by a hash of their names, where one would be too large "
        "for a release; they are called floe-jobs-1 and so on.",
    )

    def charts(self) -> tuple[str, ...]:
        """The names of the charts; none where they are not made."""
        if not self.enabled:
            return ()
        return (self.name,) if self.shards == 1 else tuple(f"{self.name}-{one}" for one in range(1, self.shards + 1))


@dataclass(frozen=True)
class _Source:
    """Where a deployment was read; two that say the same are equal all the same."""

    file: str = field(compare=False)


class Deployment(Settings):
    """Where the platform goes, complete: what the file says over what floe-charts takes for granted."""

    chart: ChartInfo = Field(default=ChartInfo(), description="Name and version of the generated chart.")
    jobs: JobsInfo = Field(default=JobsInfo(), description="Name of the chart with the data products' jobs.")
    clusters: dict[Name, Cluster] = Field(
        default_factory=lambda: {name: cluster.model_copy(deep=True) for name, cluster in CLUSTERS.items()},
        min_length=1,
        description="Physical clusters by name; given ones replace the default ones altogether.",
    )
    environments: dict[Name, Environment] = Field(
        default_factory=dict,
        validate_default=True,
        description="Settings of the environments that the clusters name; what is left out follows from the kind.",
    )
    presets: dict[Name, ResourcePreset] = Field(
        default_factory=dict,
        validate_default=True,
        description="Resource presets by name; small, medium and large exist and can be changed or added to.",
    )
    components: Components = Field(
        default=Components(), description="Strategy and source of each part of the platform."
    )
    values: dict[str, Any] = Field(
        default_factory=dict,
        description="Chart values of all environments, over those that follow from their kinds and under their own; "
        "checked against the chart's own schema.",
    )
    gitops: GitOps = Field(default=GitOps(), description="How Argo CD or Flux deploy the charts.")
    _source: _Source = PrivateAttr(default_factory=lambda: _Source(""))

    @field_validator("environments", mode="before")
    @classmethod
    def _complete_environments(cls, given: object, info: ValidationInfo) -> object:
        """One entry for each environment of a cluster, in the clusters' order; a kind where the name tells it."""
        clusters = info.data.get("clusters")
        if clusters is None or not isinstance(given, dict):
            return given
        named = [name for cluster in clusters.values() for name in cluster.environments]
        complete = {name: given.get(name, {}) for name in named} | given
        return {name: _with_kind(name, entry) for name, entry in complete.items()}

    @field_validator("presets", mode="before")
    @classmethod
    def _complete_presets(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        known = {name: preset.model_dump() for name, preset in PRESETS.items()}
        return known | {name: _merged(known.get(name, {}), preset) for name, preset in given.items()}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = [*_chart_faults(self), *_cluster_faults(self), *_preset_faults(self), *_gitops_faults(self)]
        if faults:
            raise loader.faulty(faults)
        return self

    @classmethod
    def default(cls) -> Deployment:
        """The deployment of somebody who wrote no file: six environments on two clusters."""
        return cls()

    @classmethod
    def load(cls, path: str | Path) -> Deployment:
        """The deployment that the file ``path`` (YAML or JSON) describes.

        Raises:
            DocumentError: the file cannot be read.
            DeploymentError: it says something that cannot be; one line for each fault.
        """
        data, source = loader.read(path)
        return cls.parse(data, source=source)

    @classmethod
    def parse(cls, data: object, *, source: str = "") -> Deployment:
        """The deployment in ``data``, the tree of a file that errors call ``source``; raises DeploymentError."""
        deployment = loader.validated(cls, data, source)
        deployment._source = _Source(source)
        return deployment

    @property
    def source(self) -> str:
        """The file that it comes from, for errors that show later; empty where there is none."""
        return self._source.file

    @classmethod
    def find(cls, directory: str | Path = ".") -> Deployment | None:
        """The deployment of ``floe-charts.yaml`` in ``directory``; None without one. Raises as :meth:`load` does."""
        path = loader.find(directory)
        return cls.load(path) if path else None

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON Schema (draft-07) of the file, for editors; every property is described and no other is allowed."""
        return draft07(cls)

    @property
    def environment_names(self) -> tuple[str, ...]:
        """All environments, in the order in which the clusters name them."""
        return tuple(self.environments)

    def environment(self, name: str) -> Environment:
        """The settings of the environment ``name``; DeploymentError with the nearest name where there is none."""
        if name in self.environments:
            return self.environments[name]
        known = f"known: {', '.join(self.environments)}"
        near = nearest(name, self.environments)
        raise DeploymentError(
            "", "", f"there is no environment {name}", f"did you mean {near}? {known}" if near else known
        )

    def cluster_of(self, environment: str) -> str:
        """The name of the cluster that holds ``environment``; raises as :meth:`environment` does."""
        self.environment(environment)
        return next(name for name, cluster in self.clusters.items() if environment in cluster.environments)

    def namespace(self, environment: str) -> str:
        """The namespace of ``environment`` in its cluster; raises as :meth:`environment` does."""
        return self.clusters[self.cluster_of(environment)].namespace.replace("{env}", environment)


def _with_kind(name: object, entry: object) -> object:
    if not isinstance(entry, dict) or "kind" in entry:
        return entry
    return {"kind": KIND_BY_NAME.get(str(name), "staging"), **entry}


def _merged(default: dict[str, Any], given: object) -> object:
    if not isinstance(given, dict):
        return given
    deeper = {key: _merged(default[key], value) for key, value in given.items() if isinstance(default.get(key), dict)}
    return default | given | deeper


def _chart_faults(deployment: Deployment) -> list[loader.Fault]:
    """Two charts in one directory, and objects in one namespace, cannot have one name."""
    jobs, chart = deployment.jobs, deployment.chart
    return [
        loader.Fault(f"jobs.{field}", f"{own} is the platform's chart.{field} too", "give the jobs' chart its own")
        for field, own, names in (("name", jobs.name, jobs.charts()), ("fullname", jobs.fullname, (jobs.fullname,)))
        if getattr(chart, field) in names
    ]


def _cluster_faults(deployment: Deployment) -> list[loader.Fault]:
    faults = []
    homes: dict[str, str] = {}
    taken: dict[tuple[str, str], str] = {}
    for cluster_name, cluster in deployment.clusters.items():
        place = f"clusters.{cluster_name}.environments"
        for name in cluster.environments:
            if name in homes:
                where = "twice" if homes[name] == cluster_name else f"here and in clusters.{homes[name]}"
                faults.append(loader.Fault(place, f"{name} is named {where}", "an environment lives in one cluster"))
                continue
            homes[name] = cluster_name
            faults += _namespace_faults(cluster_name, cluster, name, taken)
    for name in deployment.environments:
        if name not in homes:
            faults.append(
                loader.Fault(f"environments.{name}", "no cluster names this environment", _known(name, homes))
            )
    return faults


def _namespace_faults(
    cluster_name: str, cluster: Cluster, environment: str, taken: dict[tuple[str, str], str]
) -> list[loader.Fault]:
    place = f"clusters.{cluster_name}.namespace"
    namespace = cluster.namespace.replace("{env}", environment)
    if not dns_label(namespace, NAMESPACE_LENGTH):
        expected = f"expected at most {NAMESPACE_LENGTH} characters with a letter or digit at both ends"
        return [loader.Fault(place, f"{environment} would live in {namespace}, which is no namespace", expected)]
    if namespace.startswith("kube-"):
        return [loader.Fault(place, f"{namespace} belongs to Kubernetes", "take another prefix than kube-")]
    # Two names for one context are one physical cluster.
    other = taken.setdefault((cluster.context or f"cluster {cluster_name}", namespace), environment)
    if other != environment:
        problem = f"{other} and {environment} would share the namespace {namespace}"
        return [loader.Fault(place, problem, "put {env} into the template")]
    return []


def _preset_faults(deployment: Deployment) -> list[loader.Fault]:
    chosen: dict[str, str | None] = {
        f"environments.{name}.resources": environment.resources for name, environment in deployment.environments.items()
    }
    for name in Components.model_fields:
        chosen[f"components.{name}.resources"] = getattr(deployment.components, name).resources
    return [
        loader.Fault(place, f"nonexistent preset {preset}", _known(preset, deployment.presets))
        for place, preset in chosen.items()
        if preset is not None and preset not in deployment.presets
    ]


def _gitops_faults(deployment: Deployment) -> list[loader.Fault]:
    """Names that do not exist, and production that is not pinned: what runs there is decided in Git, not by a push."""
    gitops = deployment.gitops
    faults = []
    for where, names, known in (
        ("environments", gitops.environments, deployment.environments),
        ("argocd.destinations", gitops.argocd.destinations, deployment.clusters),
    ):
        what = "environment" if where == "environments" else "cluster"
        faults += [
            loader.Fault(f"gitops.{where}.{name}", f"there is no such {what}", _known(name, known))
            for name in names
            if name not in known
        ]
    for name, environment in deployment.environments.items():
        if environment.kind == "production":
            faults += [
                loader.Fault(
                    f"gitops.environments.{name}.{key}",
                    f"found the range {text}, and {name} is a production environment",
                    "pin one version, such as 1.4.2",
                )
                for key, text in gitops.ranges(name).items()
            ]
    return faults


def _known(name: str, candidates: dict[str, Any]) -> str:
    near = nearest(name, candidates)
    known = f"known: {', '.join(candidates)}"
    return f"did you mean {near}; {known}" if near else known
