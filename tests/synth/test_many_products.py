"""Ten data products that differ in their names alone: what is there once stays as it is with one of them."""

from __future__ import annotations

import functools
import json
import random
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import pytest

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.deployment import Deployment
from floe_charts.synth.synthesis import PlatformFiles, synth
from floe_charts.verify.objects import RenderedObject, parse_objects
from floe_charts.verify.values import leaves
from tests.support import SHARED, load_yaml
from tests.synth.cases import NATIVE, artifact
from tests.synth.charts import WrittenChart

REAL = ["customer-360", "iot-telemetry", "financial-risk", "hello-orders", "full-featured"]
NUMBER = 10

TEXTS = {"Chart.yaml", "README.md", "templates/NOTES.txt", "values.yaml", "values.schema.json"}
"""What lists the products, or the Secrets of theirs that somebody must provide."""
LISTS = (
    r"products\.byName\..*",
    r"workspace\..*",
    r"secrets\.[a-z0-9A-Z_]+Credentials\..*",
    r"(secrets\.required|allOf) .*[a-z0-9A-Z_]Credentials\b.*",
    # The environment of runs, and the catalogs and their principals.
    r"dagster\..*(envSecrets|locations).*",
    r"polarisSetup\.(catalogs|principals)\..*",
    # Their jobs run beside the platform.
    r"quota\.hard\..*",
)
"""The values that name each product, or count its jobs."""


def source(name: str) -> str:
    """The text of an artifact: one beside the repository, or the bundled example."""
    if name == "example":
        return resources("floe_charts.artifacts").joinpath("example.json").read_text(encoding="utf-8")
    path = SHARED / "artifacts" / f"{name}.json"
    if not path.exists():
        pytest.skip("the real artifacts are not beside the repository")
    return path.read_text(encoding="utf-8")


@functools.cache
def copies(name: str) -> tuple[CompiledArtifacts, ...]:
    """An artifact, and others that are told from it by nothing but the product's name."""
    text = source(name)
    product = json.loads(text)["metadata"]["product_name"]
    texts = [text]
    for number in range(2, NUMBER + 1):
        plain, joined = f"{product}-{number}", f"{product}-{number}".replace("-", "_")
        texts.append(text.replace(product, plain).replace(product.replace("-", "_"), joined))
    return tuple(CompiledArtifacts.parse(json.loads(one), f"{number}.json") for number, one in enumerate(texts))


STRATEGIES: dict[str, Mapping[str, Any]] = {"default": {}, "native": NATIVE}
ENVIRONMENTS = ("dev", "staging", "prod")
of_each_artifact = pytest.mark.parametrize("name", ["example", *REAL])
in_both_strategies = pytest.mark.parametrize("strategy", STRATEGIES)


@functools.cache
def made(name: str, strategy: str, number: int) -> PlatformFiles:
    deployment = Deployment.parse(STRATEGIES[strategy], source="floe-charts.yaml")
    return synth(copies(name)[:number], deployment, environments=ENVIRONMENTS, plugin_values=())


def is_listed(path: str) -> bool:
    return any(re.fullmatch(pattern, path) for pattern in LISTS)


def changed_leaves(one: Mapping[str, object], ten: Mapping[str, object]) -> Iterator[str]:
    """The dotted paths of what differs; of a list that only has more items, each of these."""
    before, after = dict(leaves(one)), dict(leaves(ten))
    for path in before.keys() | after.keys():
        was, is_now, name = before.get(path), after.get(path), ".".join(map(str, path))
        if isinstance(was, list) and isinstance(is_now, list) and was == [item for item in is_now if item in was]:
            yield from (f"{name} {json.dumps(item)}" for item in is_now if item not in was)
        elif was != is_now:
            yield name


@of_each_artifact
@in_both_strategies
def test_templates_stay_as_they_are(name: str, strategy: str) -> None:
    """All but those of the Secrets, of which each product has its own."""
    one, ten = made(name, strategy, 1), made(name, strategy, NUMBER)
    assert set(one) <= set(ten)
    new = {path.partition("/")[2] for path in set(ten) - set(one)}
    slugs = [artifact.slug for artifact in copies(name)[1:]]
    own = re.compile(rf"templates/({'|'.join(slugs)})-credentials-(externalsecret|secret)\.yaml")
    assert [path for path in sorted(new) if not own.fullmatch(path)] == []
    assert len(new) % (NUMBER - 1) == 0
    changed = {path.partition("/")[2] for path in one if one[path] != ten[path]}
    assert {path for path in changed if not re.fullmatch(r"values-[a-z]+\.yaml", path)} <= TEXTS


@of_each_artifact
@in_both_strategies
def test_values_of_everything_else_stay_as_they_are(name: str, strategy: str) -> None:
    one, ten = made(name, strategy, 1), made(name, strategy, NUMBER)
    for path in one:
        if re.search(r"/values[^/]*\.yaml$", path):
            before, after = (load_yaml(files[path]) or {} for files in (one, ten))
            assert [leaf for leaf in sorted(changed_leaves(before, after)) if not is_listed(leaf)] == [], path
    before, after = (json.loads(files["floe-platform/values.schema.json"]) for files in (one, ten))
    declared = [leaf.replace("properties.", "") for leaf in sorted(changed_leaves(before, after))]
    assert [leaf for leaf in declared if not is_listed(leaf)] == []


@of_each_artifact
def test_the_order_of_the_artifacts_does_not_matter(name: str) -> None:
    deployment = Deployment.parse(NATIVE, source="floe-charts.yaml")
    turned = synth(copies(name)[::-1], deployment, environments=ENVIRONMENTS, plugin_values=())
    assert dict(turned) == dict(made(name, "native", NUMBER))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_restarts_that_knows_no_product(environment: str, tmp_path: Path) -> None:
    """Databases, gateway, lineage and object store run on as they are when nine products come."""
    before, after = (
        _objects(made("example", "native", number), environment, tmp_path / str(number)) for number in (1, NUMBER)
    )
    for title, one in before.items():
        if one.kind in ("Deployment", "StatefulSet", "Cluster") and "-dagster" not in title:
            assert after[title].data == one.data, title


def _objects(files: PlatformFiles, environment: str, directory: Path) -> dict[str, RenderedObject]:
    chart = WrittenChart(files, directory)
    objects, findings = parse_objects(chart.bare().render(chart.overlays[environment]))
    assert findings == []
    return {str(one): one for one in objects}


def test_products_whose_names_differ_only_in_case_or_punctuation_are_all_there() -> None:
    names = ("orders-eu", "Orders_EU", "ORDERS-eu")
    files = synth([artifact(metadata__product_name=name) for name in names], plugin_values=())
    products = files.final_values("dev")["products"]["byName"]
    assert sorted(product["name"] for product in products.values()) == sorted(names)
    assert "orders-eu" not in products
    locations = files.final_values("dev")["dagster"] and files.final_values("dev")["workspace"]["locations"]
    assert sorted(location["name"] for location in locations.values()) == sorted(names)


def test_a_release_that_helm_could_not_keep_is_told() -> None:
    """Facts of the products are values; a release holds these twice, packed."""
    data = json.loads(source("example"))
    rng = random.Random(1)
    data["transforms"]["models"] = [{**data["transforms"]["models"][0], "name": f"m{rng.randbytes(16).hex()}"}] * 2
    assert not large_release(data)
    one = data["transforms"]["models"][0]
    data["transforms"]["models"] = [{**one, "name": f"m{rng.randbytes(100).hex()}"} for _ in range(9_000)]
    [said] = large_release(data)
    assert said.startswith("floe-platform: a release takes about ") and "over several platforms" in said


def large_release(data: dict[str, Any]) -> list[str]:
    notices = synth([CompiledArtifacts.parse(data, "a.json")], environments=["dev"], plugin_values=()).notices
    return [notice for notice in notices if "a release takes" in notice]
