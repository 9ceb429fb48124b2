"""The chart is what was reviewed, and what we rely on in it is there."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from floe_charts import PlatformFiles
from floe_charts.verify.engine import ChartHandle, ValuesRefused, load
from floe_charts.verify.objects import RenderedObject, parse_objects
from syrupy.assertion import SnapshotAssertion

from acme_platform.platform import chart

ENVIRONMENTS = ("dev", "staging", "prod")


@functools.cache
def files() -> PlatformFiles:
    """The chart, made once."""
    return chart()


@pytest.fixture(scope="session")
def handle(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    """The chart, as Helm has read it."""
    directory = tmp_path_factory.mktemp("charts")
    files().write(directory)
    return load(directory / "acme-data")


def objects(handle: ChartHandle, environment: str) -> dict[str, RenderedObject]:
    """What Helm makes of the chart in an environment: the objects by kind and name."""
    overlay = yaml.safe_load(files()[f"acme-data/values-{environment}.yaml"])
    found, faults = parse_objects(handle.render(overlay))
    assert not faults
    return {str(one): one for one in found}


def test_our_own_templates_are_as_reviewed(snapshot: SnapshotAssertion) -> None:
    own = ("data-docs-", "lineage-report-", "marquez-dashboard-")
    templates = {path: text for path, text in files().items() if Path(path).name.startswith(own)}
    assert templates == snapshot


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_image_comes_from_our_registry(environment: str, handle: ChartHandle) -> None:
    images = {image for one in objects(handle, environment).values() for image in images_of(one.data)}
    assert images
    assert {image.partition("/")[0] for image in images} == {"registry.acme.example"}


def images_of(node: Any) -> set[str]:
    """Every ``image`` and ``imageName`` in an object."""
    if isinstance(node, list):
        return {image for item in node for image in images_of(item)}
    if not isinstance(node, dict):
        return set()
    own = {node[key] for key in ("image", "imageName") if isinstance(node.get(key), str)}
    return own | images_of(list(node.values()))


def test_the_report_takes_its_numbers_from_values(handle: ChartHandle) -> None:
    """Numbers too, through a construct of cdk8s-plus; and Helm refuses those out of bounds."""
    values = {"enabled": True, "retries": 7, "deadlineSeconds": 60, "history": 0, "schedule": "0 6 * * *"}
    rendered = handle.render({"environment": "prod", "lineageReport": values})
    spec = yaml.safe_load(rendered["acme-data/templates/lineage-report-cronjob.yaml"])["spec"]
    assert (spec["schedule"], spec["successfulJobsHistoryLimit"]) == ("0 6 * * *", 0)
    job = spec["jobTemplate"]["spec"]
    assert (job["backoffLimit"], job["activeDeadlineSeconds"]) == (7, 60)
    with pytest.raises(ValuesRefused, match="retries"):
        handle.check_values({"lineageReport": {"retries": 99}})


def test_the_report_runs_in_production_only(handle: ChartHandle) -> None:
    assert [name for name in ENVIRONMENTS if "CronJob acme-data-lineage-report" in objects(handle, name)] == ["prod"]


def test_the_docs_are_asked_on_their_port_and_ask_nobody(handle: ChartHandle) -> None:
    """What the part declares of its connections became a NetworkPolicy."""
    policy = objects(handle, "prod")["NetworkPolicy acme-data-data-docs"].data["spec"]
    assert isinstance(policy, dict)
    assert {port["port"] for rule in policy["ingress"] for port in rule["ports"]} == {8080}
    assert policy["egress"] == []


def test_the_dashboard_is_json_with_grafanas_own_braces(handle: ChartHandle) -> None:
    """Helm leaves ``{{ method }}``, which Grafana fills in, alone."""
    board = objects(handle, "prod")["ConfigMap acme-data-marquez-dashboard"].data["data"]
    assert isinstance(board, dict)
    [panel] = json.loads(board["marquez_dashboard.json"])["panels"]
    assert panel["targets"][0]["legendFormat"] == "{{ method }}"


def test_secrets_come_from_the_store_but_in_development(handle: ChartHandle) -> None:
    for environment, kind in (("dev", "Secret"), ("staging", "ExternalSecret"), ("prod", "ExternalSecret")):
        found = {one.kind for one in objects(handle, environment).values()} & {"Secret", "ExternalSecret"}
        assert found == {kind}
