"""A chart made anew upgrades a release in place: nothing that the API server refuses to change depends on what changed.

Each change is rendered before and after by Helm, and the fields of :mod:`tests.synth.immutable` are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.deployment import Deployment
from floe_charts.helm.layers import merge
from floe_charts.synth.synthesis import synth
from floe_charts.verify.objects import RenderedObject, parse_objects
from floe_charts.verify.values import leaves
from tests.synth.cases import NATIVE, artifact, two_products
from tests.synth.charts import WrittenChart
from tests.synth.immutable import HOLDS_DATA, changed_fields, immutable_fields, upgraded


@dataclass(frozen=True)
class Release:
    """What a release is made of: the products, the deployment file, the environment, and values of a person's own."""

    artifacts: Sequence[CompiledArtifacts]
    deployment: Mapping[str, Any]
    environment: str = "staging"
    values: Mapping[str, Any] = field(default_factory=dict)

    def but(self, **changes: Any) -> Release:
        """The release with something else; a tree for the deployment or the values is merged into theirs."""
        for tree in {"deployment", "values"} & changes.keys():
            changes[tree] = merge(getattr(self, tree), changes[tree])
        return replace(self, **changes)

    def settings(self, **settings: Any) -> Release:
        """The release with other settings of its environment."""
        return self.but(deployment={"environments": {self.environment: settings}})


Change = Callable[[Release], Release]
Objects = Callable[[Release], dict[str, RenderedObject]]

STRATEGIES: dict[str, Mapping[str, Any]] = {"default": {}, "native": NATIVE}
PARTS = ("dagster", "polaris", "otel", "minio")


def products(*more: CompiledArtifacts, **changes: object) -> list[CompiledArtifacts]:
    """The example, changed, and further products."""
    return [artifact(**changes), *more]


def others() -> list[CompiledArtifacts]:
    return [CompiledArtifacts.parse(one, "artifact.json") for one in two_products()]


MODELS = [{"name": "mart_other", "compute": "duckdb", "tags": ["marts"]}]
JAEGER = {
    "observability__telemetry__backend": "jaeger",
    "observability__telemetry__otlp_endpoint": "https://otlp.example.com:4317",
}
STORE = {
    "plugins__storage__config": {"endpoint": "https://s3.example.com", "bucket": "other", "region": "eu-central-1"}
}
HUGE = {"requests": {"cpu": "3", "memory": "6Gi"}, "limits": {"cpu": "6", "memory": "12Gi"}}
INGRESS = {"ingress": {"enabled": True, "host": "marquez.example.com"}}

CHANGES: dict[str, Change] = {
    "new version of the product": lambda one: one.but(
        artifacts=products(metadata__product_version="9.0.0", metadata__source_hash="sha256:" + "ab" * 32)
    ),
    "new version of floe": lambda one: one.but(artifacts=products(metadata__floe_version="9.0.0")),
    "new version of the chart": lambda one: one.but(deployment={"chart": {"version": "9.0.0", "appVersion": "9.9"}}),
    "product added": lambda one: one.but(artifacts=products(*others())),
    "product replaced": lambda one: one.but(artifacts=others()),
    "other models": lambda one: one.but(artifacts=products(transforms__models=MODELS)),
    "other telemetry backend": lambda one: one.but(artifacts=products(**JAEGER)),
    "other object store": lambda one: one.but(artifacts=products(**STORE)),
    "other preset": lambda one: one.settings(resources="large"),
    "preset of one's own": lambda one: one.but(deployment={"presets": {"medium": HUGE}}),
    "high availability": lambda one: one.settings(highAvailability=True),
    "network policies and quotas": lambda one: one.settings(networkPolicies=False, quotas=True),
    "Secrets from a store": lambda one: one.settings(secrets="external"),
    "common labels and annotations": lambda one: one.but(
        values={"commonLabels": {"team": "data"}, "commonAnnotations": {"acme.example/owner": "data"}}
    ),
    "name of the environment": lambda one: one.but(values={"environment": "another"}),
    "mirror of images": lambda one: one.but(
        values={"imageRegistry": "mirror.example.com", "imagePullSecrets": [{"name": "mirror"}]}
    ),
    "image tags": lambda one: one.but(values=everywhere(one, "tag", "9.9.9")),
    "numbers of pods": lambda one: one.but(values=everywhere(one, "replicas", 7)),
    "autoscaling": lambda one: one.but(values=everywhere(one, "autoscaling.enabled", True)),
    "memory": lambda one: one.but(values=everywhere(one, "resources.limits.memory", "7Gi")),
    "Ingress": lambda one: one.but(values={"marquez": {**INGRESS, "web": INGRESS}}),
}
"""From a release in ``staging``; the environment stays."""

MOVES = [("dev", "test"), ("dev", "staging"), ("staging", "prod"), ("dev", "prod")]


def everywhere(release: Release, name: str, value: object) -> dict[str, Any]:
    """The tree that says ``value`` of every value whose path ends with ``name``."""
    final = _synth(release).final_values(release.environment)
    tree: dict[str, Any] = {}
    for path, _ in leaves(final):
        if ".".join(map(str, path)).endswith(f".{name}"):
            here = tree
            for key in path[:-1]:
                here = here.setdefault(str(key), {})
            here[str(path[-1])] = value
    assert tree, f"there is no value {name}"
    return tree


def _synth(release: Release) -> Any:
    deployment = Deployment.parse(release.deployment, source="floe-charts.yaml")
    return synth(release.artifacts, deployment, environments=[release.environment], plugin_values=())


@pytest.fixture(scope="module")
def objects_of(tmp_path_factory: pytest.TempPathFactory) -> Objects:
    """The objects of a release that Helm changes in place; a dependency's own are not among them."""
    known: dict[str, list[RenderedObject]] = {}

    def find(release: Release) -> dict[str, RenderedObject]:
        key = repr((release.deployment, release.environment, release.values, [id(one) for one in release.artifacts]))
        if key not in known:
            chart = WrittenChart(_synth(release), tmp_path_factory.mktemp("release"))
            values = merge(chart.overlays[release.environment], release.values)
            known[key], findings = parse_objects(chart.bare().render(values))
            assert findings == []
        return upgraded(known[key])

    return find


EXAMPLE = products()


def first(strategy: str) -> Release:
    return Release(EXAMPLE, STRATEGIES[strategy])


def refused(before: Mapping[str, RenderedObject], after: Mapping[str, RenderedObject]) -> Iterator[str]:
    for name in sorted(before.keys() & after.keys()):
        yield from changed_fields(before[name], after[name])


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_chart_made_anew_upgrades_a_release_in_place(strategy: str, change: str, objects_of: Objects) -> None:
    release = first(strategy)
    before, after = objects_of(release), objects_of(CHANGES[change](release))
    assert before != after, "the change changes nothing"
    assert list(refused(before, after)) == []
    assert [name for name, one in before.items() if one.kind in HOLDS_DATA and name not in after] == []


@pytest.mark.parametrize(("source", "target"), MOVES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_release_can_take_the_values_of_another_environment(
    strategy: str, source: str, target: str, objects_of: Objects
) -> None:
    """What holds its data may be another then: PostgreSQL of the operator, an object store outside."""
    before, after = (objects_of(first(strategy).but(environment=name)) for name in (source, target))
    assert list(refused(before, after)) == []


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_strategy_of_a_part_changes_nothing_of_the_others(environment: str, part: str, objects_of: Objects) -> None:
    """The part's own objects are the dependency's before and ours after; those of the chart itself stay."""
    release = first("default").but(environment=environment)
    native = {"components": {part: NATIVE["components"][part]}}
    before, after = objects_of(release), objects_of(release.but(deployment=native))
    assert list(refused(before, after)) == []
    assert [name for name, one in before.items() if one.kind in HOLDS_DATA and name not in after] == []


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_selectors_hold_only_what_never_changes(strategy: str, environment: str, objects_of: Objects) -> None:
    """Name, instance and component; nothing of a version, an artifact or an environment."""
    found = 0
    for name, one in objects_of(first(strategy).but(environment=environment)).items():
        selector = immutable_fields(one).get("spec.selector")
        if one.kind in ("Deployment", "StatefulSet", "DaemonSet"):
            assert isinstance(selector, Mapping), name
            labels = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"}
            assert set(selector["matchLabels"]) == labels, name
            found += 1
    assert found > 1


@pytest.mark.parametrize("change", ["new version of floe", "new version of the chart"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_new_version_alone_restarts_no_pod(strategy: str, change: str, objects_of: Objects) -> None:
    release = first(strategy)
    before, after = objects_of(release), objects_of(CHANGES[change](release))
    assert before.keys() == after.keys()
    for name, one in before.items():
        if one.kind in ("Deployment", "StatefulSet", "DaemonSet"):
            assert pod_template(after[name]) == pod_template(one), name


def pod_template(one: RenderedObject) -> object:
    spec = one.data["spec"]
    assert isinstance(spec, Mapping)
    return spec["template"]
