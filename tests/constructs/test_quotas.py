"""The quota holds whatever the platform renders in an environment, and no more than a little beside it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.constructs.marquez.api import Marquez, MarquezValues, MarquezWebValues
from floe_charts.constructs.part import Claim, PlatformPart
from floe_charts.constructs.surroundings.quotas import Quotas, QuotaValues
from floe_charts.deployment import Deployment
from floe_charts.helm import Component, Field, Image, Resources, Values
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.helm.layers import merge
from floe_charts.synth.jobs import synth_jobs
from floe_charts.synth.synthesis import PlatformFiles, synth
from floe_charts.verify.engine import ValuesRefused
from floe_charts.verify.objects import RenderedObject, parse_objects
from floe_charts.verify.schemas import validate_objects
from tests.constructs.quota_needs import needs, quantity
from tests.constructs.rendering import new_chart, objects_of, written
from tests.synth.cases import artifact
from tests.synth.charts import WrittenChart


class Sizes(Values):
    """A shop by somebody who has never heard of claims."""

    replicas: int = Field(2, ge=0, description="Pods.")
    image: Image = Field(Image(repository="acme/shop"), description="Image.")
    resources: Resources = Field(Resources(), description="CPU and memory.")


class Shop(Component[Sizes]):
    def build(self, v: Sizes) -> None:
        part = self.part("shop")
        self.add(part.deployment(replicas=v.replicas, image=v.image, resources=v.resources))


class Disks(PlatformPart[Sizes]):
    """A part with volumes."""

    def claims(self, values: Mapping[str, Any]) -> list[Claim]:
        return [Claim(values["replicas"], values["resources"], "1.5Gi", volumes=3)]

    def build(self, v: Sizes) -> None:
        part = self.part("disks")
        self.add(part.stateful_set(service="disks", replicas=v.replicas, image=v.image, resources=v.resources))


def hard_of(objects: Mapping[str, RenderedObject]) -> dict[str, Decimal]:
    [quota] = (one for one in objects.values() if one.kind == "ResourceQuota")
    spec: Any = quota.data["spec"]
    return {key: quantity(amount) for key, amount in spec["hard"].items()}


def too_little(objects: Mapping[str, RenderedObject]) -> dict[str, tuple[Decimal, Decimal]]:
    """What the quota keeps out: needed and allowed."""
    needed, hard = needs(objects.values()), hard_of(objects)
    return {key: (amount, hard[key]) for key, amount in needed.items() if amount > hard[key]}


def too_much(objects: Mapping[str, RenderedObject]) -> dict[str, tuple[Decimal, Decimal]]:
    """Where the quota lets in more than twice of what is needed and the least step that it is told in."""
    needed, hard = needs(objects.values()), hard_of(objects)
    steps = {"cpu": 1, "memory": 1024**3, "storage": 1024**3, "pods": 1, "persistentvolumeclaims": 1}
    most = {key: 2 * needed[key] + steps[key.rpartition(".")[2]] for key in hard}
    return {key: (needed[key], amount) for key, amount in hard.items() if amount > most[key]}


class TestPart:
    """With Marquez, a part with volumes and a component that declares nothing."""

    @pytest.fixture
    def made(self, tmp_path: Path) -> Any:
        chart = new_chart()
        Marquez(chart, values=MarquezValues(web=MarquezWebValues(replicas=3)))
        Shop(chart, "shop")
        Disks(chart, "disks")
        quotas = Quotas(chart)
        handle = written(chart, tmp_path)

        def objects(values: Mapping[str, Any]) -> dict[str, RenderedObject]:
            final = merge(merge(chart.default_values(), {"quota": {"enabled": True}}), values)
            derived = quotas.derived_values(chart.default_values(), final)
            return objects_of(handle, merge({"quota": {**final["quota"], **derived}}, values))

        return objects

    @pytest.mark.parametrize(
        "values",
        [
            {},
            {"marquez": {"replicas": 7, "resources": {"requests": {"cpu": "1.5", "memory": "700M"}}}},
            {"marquez": {"autoscaling": {"enabled": True, "minReplicas": 9, "maxReplicas": 4}}},
            {"marquez": {"web": {"enabled": False}}, "shop": {"replicas": 5}},
            {"marquez": {"enabled": False}, "shop": {"replicas": 1, "resources": {"limits": {"memory": "3Gi"}}}},
            {"marquez": {"enabled": False}, "shop": {"replicas": 0}, "disks": {"replicas": 0}},
        ],
    )
    def test_the_quota_holds_what_is_rendered(self, made: Any, values: dict[str, Any]) -> None:
        objects = made(values)
        report = validate_objects(list(objects.values()), (OLDEST, latest_kube_version()))
        assert not report.findings
        assert not too_little(objects)

    def test_amounts_are_such_as_people_and_kubernetes_write_them(self, made: Any) -> None:
        [quota] = (one for one in made({}).values() if one.kind == "ResourceQuota")
        # Marquez 1 and 1 more, its web page 3 and 1, the shop 2 and 1, the disks 2: 11 pods of 100m and 256Mi.
        assert quota.data["spec"]["hard"] == {
            "requests.cpu": "2",
            "requests.memory": "4Gi",
            "requests.storage": "6Gi",
            "limits.cpu": "7",
            "limits.memory": "7Gi",
            "pods": 14,
            "persistentvolumeclaims": 4,
        }

    def test_small_amounts_are_told_in_small_units(self, made: Any) -> None:
        small = {"requests": {"cpu": "10m", "memory": "10Mi"}, "limits": {"cpu": "200m", "memory": "500M"}}
        off = {"marquez": {"enabled": False}, "disks": {"replicas": 0}}
        [quota] = (
            one
            for one in made({**off, "shop": {"replicas": 1, "resources": small}}).values()
            if one.kind == "ResourceQuota"
        )
        hard: Any = quota.data["spec"]
        assert {
            key: hard["hard"][key] for key in ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
        } == {
            "requests.cpu": "100m",
            "requests.memory": "25Mi",
            "limits.cpu": "500m",
            "limits.memory": "2Gi",
        }

    def test_containers_that_say_nothing_get_the_limit_ranges(self, made: Any) -> None:
        [limits] = (one for one in made({}).values() if one.kind == "LimitRange")
        assert limits.data["spec"] == {
            "limits": [
                {
                    "type": "Container",
                    "defaultRequest": {"cpu": "50m", "memory": "64Mi"},
                    "default": {"cpu": "500m", "memory": "256Mi"},
                }
            ]
        }

    def test_a_claim_that_leaves_an_amount_open_counts_with_the_default(self) -> None:
        class Open(PlatformPart[Sizes]):
            def claims(self, values: Mapping[str, Any]) -> list[Claim]:
                return [Claim(10, {"requests": {"cpu": "1"}})]

        chart = new_chart()
        Open(chart, "open")
        quotas = Quotas(chart, values=QuotaValues(enabled=True))
        values = chart.default_values()
        hard = quotas.derived_values(values, values)["hard"]
        assert hard["requests"] == {"cpu": "13", "memory": "800Mi", "storage": "0"}
        assert hard["limits"] == {"cpu": "7", "memory": "4Gi"}

    def test_off_there_is_nothing(self, made: Any) -> None:
        kinds = {one.kind for one in made({"quota": {"enabled": False}}).values()}
        assert not kinds & {"ResourceQuota", "LimitRange"}

    def test_only_amounts_are_taken(self, tmp_path: Path) -> None:
        chart = new_chart()
        Quotas(chart)
        handle = written(chart, tmp_path)
        for hard in ({"requests": {"cpu": "much"}}, {"pods": -1}, {"pods": "50"}, {"requests.cpu": "1"}):
            with pytest.raises(ValuesRefused):
                handle.check_values({"quota": {"hard": hard}})


SMALL = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "100m", "memory": "128Mi"}}
LARGE = {"requests": {"cpu": "3", "memory": "5Gi"}, "limits": {"cpu": "7", "memory": "9Gi"}}
EXPORT = {"command": ["true"], "schedule": "@daily"}


class TestJobs:
    """The jobs of the data products come from charts of their own into the same namespace."""

    @pytest.mark.parametrize(
        ("jobs", "sets"),
        [
            ({}, ()),
            ({"dbt": {"resources": LARGE}}, ()),
            ({}, ("jobs.dbt.resources.requests.cpu=1900m",)),
            ({"products": {"p-3": {"dbt": {"schedule": "@hourly", "resources": LARGE}}}}, ()),
            ({"products": {"p-1": {"custom": {"export": EXPORT, "small": {**EXPORT, "resources": SMALL}}}}}, ()),
            ({"custom": {"resources": LARGE}, "products": {"p-1": {"custom": {"export": EXPORT}}}}, ()),
        ],
    )
    def test_all_of_them_fit_at_once(self, jobs: dict[str, Any], sets: tuple[str, ...], tmp_path: Path) -> None:
        products = [artifact(metadata__product_name=f"p-{number}") for number in range(40)]
        strategies = {name: {"strategy": "native"} for name in ("dagster", "polaris", "otel", "minio")}
        file = {"components": strategies, "environments": {"prod": {"values": {"jobs": jobs}}}}
        deployment = Deployment.parse(file)
        given: Any = {"environments": ["prod"], "sets": sets}
        made = (synth(products, deployment, plugin_values=(), **given), synth_jobs(products, deployment, **given))
        found: dict[str, RenderedObject] = {}
        for one in made:
            objects, findings = parse_objects(
                WrittenChart(one, tmp_path, deployment).bare().render(one.final_values("prod"))
            )
            assert not findings
            found |= {f"{one.kind}/{one.name}": one for one in objects}
        assert sum(one.kind == "CronJob" for one in found.values()) >= len(products)
        assert not too_little(found) and not too_much(found)

    def test_those_that_are_not_made_do_not_count(self) -> None:
        def pods(file: dict[str, Any]) -> int:
            products = [artifact(metadata__product_name=f"p-{number}") for number in range(20)]
            values = synth(products, Deployment.parse(file), plugin_values=()).final_values("prod")
            found: int = values["quota"]["hard"]["pods"]
            return found

        everything = pods({})
        assert pods({"jobs": {"enabled": False}}) == pods({"values": {"jobs": {"dbt": {"enabled": False}}}})
        assert everything - pods({"jobs": {"enabled": False}}) == 25
        assert everything - pods({"values": {"jobs": {"products": {f"p-{one}": None for one in range(4)}}}}) == 5
        assert pods({"jobs": {"shards": 3}}) == everything


NAMES = Deployment.default().environment_names
STRATEGIES = ("dependency", "native")


@pytest.fixture(scope="module")
def charts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, WrittenChart]:
    """The platform with a quota in every environment, in either strategy."""

    def made(strategy: str) -> PlatformFiles:
        components = {name: {"strategy": strategy} for name in ("dagster", "polaris", "otel", "minio")}
        deployment = {"components": components, "environments": {name: {"quotas": True} for name in NAMES}}
        return synth([CompiledArtifacts.example()], Deployment.parse(deployment), plugin_values=())

    return {one: WrittenChart(made(one), tmp_path_factory.mktemp(one)) for one in STRATEGIES}


class TestPlatform:
    """Every environment of the platform, with hooks, test pods and as many runs as there can be."""

    @pytest.mark.parametrize("environment", NAMES)
    @pytest.mark.parametrize("strategy", STRATEGIES)
    def test_the_quota_holds_what_is_rendered(
        self, charts: dict[str, WrittenChart], strategy: str, environment: str
    ) -> None:
        chart = charts[strategy]
        objects, findings = parse_objects(chart.bare().render(chart.files.final_values(environment)))
        assert not findings
        found = {f"{one.kind}/{one.name}": one for one in objects}
        assert not too_little(found)
        # Of a dependency's pods nothing is rendered here.
        assert strategy == "dependency" or not too_much(found)

    def test_only_production_has_one_by_default(self) -> None:
        files = synth([CompiledArtifacts.example()], plugin_values=())
        on = {name: files.final_values(name)["quota"]["enabled"] for name in NAMES}
        assert on == {name: name == "prod" for name in NAMES}
        # Where there is none, the overlay says nothing of it.
        assert files.final_values("dev")["quota"]["hard"] == files.final_values("qa")["quota"]["hard"]
        assert files.final_values("prod")["quota"]["hard"] != files.final_values("qa")["quota"]["hard"]

    def test_what_somebody_sets_outright_stays(self) -> None:
        everywhere, here = {"quota": {"hard": {"pods": 500}}}, {"quota": {"hard": {"requests": {"cpu": "77"}}}}
        deployment = Deployment.parse({"values": everywhere, "environments": {"prod": {"values": here}}})
        files = synth([CompiledArtifacts.example()], deployment, sets=["quota.hard.limits.cpu=99"], plugin_values=())
        hard = files.final_values("prod")["quota"]["hard"]
        assert (hard["pods"], hard["requests"]["cpu"], hard["limits"]["cpu"]) == (500, "77", "99")
        assert files.origin("prod", "quota.hard.pods") == "deployment file"
        assert files.origin("prod", "quota.hard.requests.memory") == "environment"

    def test_it_follows_the_size_of_the_parts(self) -> None:
        def pods(*sets: str) -> int:
            files = synth([CompiledArtifacts.example()], sets=sets, plugin_values=())
            found: int = files.final_values("prod")["quota"]["hard"]["pods"]
            return found

        assert pods("marquez.replicas=20") >= pods() + 18
        assert pods("marquez.enabled=false") < pods()
