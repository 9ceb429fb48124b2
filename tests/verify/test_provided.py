"""What a chart says of objects outside the release comes back out of its Chart.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from floe_charts import CompiledArtifacts, synth
from floe_charts.errors import HelmError
from floe_charts.helm import Component, HelmChart, ProvidedObject, Values
from floe_charts.verify.engine import load
from floe_charts.verify.provided import provided_by_chart
from floe_charts.verify.subject import Provided


class Empty(Values):
    """Nothing."""


class Settings(Component[Empty]):
    def build(self, v: Empty) -> None:
        self.add({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}})


class Shop(HelmChart):
    def provided_objects(self) -> list[ProvidedObject]:
        return [ProvidedObject("Secret", "shop-db", ("user: name", "0123")), ProvidedObject("ConfigMap", "true")]


def test_what_a_chart_declares_is_read_back() -> None:
    chart = Shop("shop")
    Settings(chart, "settings")
    metadata = yaml.safe_load(chart.files()["Chart.yaml"])
    assert provided_by_chart(metadata) == (
        Provided("Secret", "shop-db", ("user: name", "0123")),
        Provided("ConfigMap", "true"),
    )


def test_the_platform_lists_the_secrets_that_it_requires(tmp_path: Path) -> None:
    files = synth([CompiledArtifacts.example()])
    files.write(tmp_path)
    listed = provided_by_chart(load(tmp_path / "floe-platform").metadata)
    assert listed == tuple(Provided("Secret", one.name, one.key_names) for one in files.required_secrets)
    assert listed


def test_a_chart_that_declares_nothing_has_no_annotation() -> None:
    chart = HelmChart("shop")
    Settings(chart, "settings")
    metadata = yaml.safe_load(chart.files()["Chart.yaml"])
    assert "annotations" not in metadata and provided_by_chart(metadata) == ()


@pytest.mark.parametrize(
    "text", ["shop-db", "[1]", "- kind: Secret", "- {kind: Secret, nme: x}", "a: [", "a\n---\nb", 5]
)
def test_another_form_is_refused_in_one_line(text: object) -> None:
    with pytest.raises(HelmError, match=r"^Chart\.yaml: annotations\.floe-charts/provided.*") as caught:
        provided_by_chart({"annotations": {"floe-charts/provided": text}})
    assert "\n" not in str(caught.value)
