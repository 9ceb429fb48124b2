"""A mirror and pull secrets reach every image: our own when Helm renders, a dependency's in its chart's own form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.constructs.surroundings.images import image_values
from floe_charts.deployment import Deployment
from floe_charts.helm import Component, Dependency, DnsName, Field, HelmChart, Image, ObjectRef, SubchartValues, Values
from floe_charts.synth.synthesis import PlatformFiles, synth
from floe_charts.verify.engine import load
from tests.constructs.rendering import new_chart
from tests.support import echoed_values
from tests.synth.charts import WrittenChart

MIRROR = "mirror.example.com:5000/hub"
PULL = [{"name": "one"}, {"name": "two"}]


class WholeImage(SubchartValues):
    """The host is part of the repository."""

    repository: str = Field("ghcr.io/acme/tool", description="Repository.")
    tag: str = Field("1", description="Tag.")


class ShortImage(SubchartValues):
    """No host."""

    repository: str = Field("acme/tool", description="Repository.")
    tag: str = Field("1", description="Tag.")
    pull_secrets: list[DnsName] = Field([], description="Secrets.")


class SplitImage(SubchartValues):
    """The host by itself."""

    registry: str = Field("quay.io", description="Registry.")
    repository: str = Field("acme/tool", description="Repository.")
    tag: str = Field("1", description="Tag.")


class Inner(Values):
    """Further in."""

    image: WholeImage = WholeImage(repository="localhost/tool")
    wait: SplitImage = SplitImage()
    # Read by a template of our own.
    ours: Image = Field(Image(repository="acme/ours"), description="Ours.")


class Told(SubchartValues):
    """Values of a chart."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset()

    enabled: bool = Field(True, description="On.")
    image: WholeImage = WholeImage()
    second: ShortImage = ShortImage()
    inner: Inner = Inner()
    image_pull_secrets: list[ObjectRef] = Field([], description="Secrets.")


class Tool(Component[Told]):
    def __init__(self, chart: HelmChart, id: str) -> None:
        super().__init__(chart, id, Told(image_pull_secrets=[ObjectRef(name="own")]))
        self.depend(Dependency("tool", "1.0.0", "https://charts.example.com", alias=id, condition=f"{id}.enabled"))


class OurTool(Component[Told]):
    """The same values, read by templates."""


class TestValues:
    tool = Tool(new_chart(), "tool")

    def test_every_image_comes_from_the_mirror_in_its_charts_form(self) -> None:
        assert image_values(self.tool, {}, {"imageRegistry": MIRROR}) == {
            "image": {"repository": f"{MIRROR}/acme/tool"},
            "second": {"repository": f"{MIRROR}/acme/tool"},
            "inner": {"image": {"repository": f"{MIRROR}/tool"}, "wait": {"registry": MIRROR}},
        }

    def test_pull_secrets_are_names_or_objects(self) -> None:
        assert image_values(self.tool, {}, {"imagePullSecrets": PULL}) == {
            "second": {"pullSecrets": ["one", "two"]},
            "imagePullSecrets": PULL,
        }

    def test_an_environment_takes_back_what_holds_everywhere(self) -> None:
        base = {"imageRegistry": MIRROR, "imagePullSecrets": PULL}
        assert image_values(self.tool, base, {"imageRegistry": "", "imagePullSecrets": []}) == {
            "image": {"repository": "ghcr.io/acme/tool"},
            "second": {"repository": "acme/tool", "pullSecrets": []},
            "inner": {"image": {"repository": "localhost/tool"}, "wait": {"registry": "quay.io"}},
            "imagePullSecrets": [{"name": "own"}],
        }

    def test_nothing_is_told_where_nothing_is_said(self) -> None:
        assert image_values(self.tool, {}, {"imageRegistry": "", "imagePullSecrets": []}) == {}
        ours = OurTool(new_chart(), "ours")
        assert image_values(ours, {}, {"imageRegistry": MIRROR, "imagePullSecrets": PULL}) == {}


def deployed(**deployment: Any) -> PlatformFiles:
    return synth([CompiledArtifacts.example()], Deployment.parse(deployment, source="f"), plugin_values=())


def images(values: Any) -> Iterator[str]:
    """Every image among values, as its chart puts it together."""
    if isinstance(values, Mapping):
        if {"repository", "tag"} <= values.keys():
            registry = values.get("registry")
            yield f"{registry}/{values['repository']}" if registry else values["repository"]
        for below in values.values():
            yield from images(below)


def texts(values: Any) -> Iterator[str]:
    if isinstance(values, str):
        yield values
    for below in values.values() if isinstance(values, Mapping) else values if isinstance(values, list) else ():
        yield from texts(below)


DEPENDENCIES = ("dagster", "polaris", "otel", "minio")


@pytest.fixture(scope="module")
def mirrored() -> PlatformFiles:
    everywhere = {"imageRegistry": MIRROR, "imagePullSecrets": PULL}
    here = {
        "dev": {"values": {"imageRegistry": "other.example.com"}},
        "test": {"values": {"imageRegistry": "", "imagePullSecrets": []}},
        "qa": {"values": {"polaris": {"image": {"repository": "quay.io/acme/polaris"}}}},
    }
    return deployed(values=everywhere, environments=here)


class TestPlatform:
    def test_dependencies_have_no_image_from_elsewhere(self, mirrored: PlatformFiles) -> None:
        for environment, registry in (("dev", "other.example.com"), ("staging", MIRROR), ("prod", MIRROR)):
            final = mirrored.final_values(environment)
            for part in DEPENDENCIES:
                found = list(images(final[part]))
                assert found and all(image.startswith(f"{registry}/") for image in found), (environment, part, found)

    def test_no_text_names_another_registry(self, mirrored: PlatformFiles) -> None:
        """Such as the image of an init container that synth hands to a chart."""
        for environment in ("dev", "prod"):
            final = mirrored.final_values(environment)
            for part in DEPENDENCIES:
                assert not [
                    text for text in texts(final[part]) if text.startswith(("docker.io/", "ghcr.io/", "quay.io/"))
                ]

    @pytest.mark.parametrize("strategy", ["dependency", "native"])
    def test_our_own_templates_take_every_image_from_the_mirror(self, strategy: str, tmp_path: Path) -> None:
        components = {part: {"strategy": strategy} for part in DEPENDENCIES}
        chart = WrittenChart(deployed(values={"imageRegistry": MIRROR}, components=components), tmp_path)
        for environment in ("dev", "prod"):
            rendered = "".join(chart.bare().render(chart.overlays[environment]).values())
            found = re.findall(r'^ *(?:- )?(?:image|imageName|job_image): "?([^"\n]+)', rendered, re.MULTILINE)
            assert len(found) > 5 and all(image.startswith(f"{MIRROR}/") for image in found), found

    def test_an_environment_without_a_mirror_has_the_images_own_registries(self, mirrored: PlatformFiles) -> None:
        plain = deployed().final_values("test")
        final = mirrored.final_values("test")
        for part in DEPENDENCIES:
            assert list(images(final[part])) == list(images(plain[part]))
        assert final["dagster"]["imagePullSecrets"] == final["polaris"]["imagePullSecrets"] == []

    def test_one_image_that_somebody_names_outright_stays(self, mirrored: PlatformFiles) -> None:
        assert next(images(mirrored.final_values("qa")["polaris"])) == "quay.io/acme/polaris"
        everywhere = {"imageRegistry": MIRROR, "polaris": {"image": {"repository": "quay.io/acme/polaris"}}}
        files = deployed(values=everywhere)
        for environment in ("dev", "prod"):
            assert next(images(files.final_values(environment)["polaris"])) == "quay.io/acme/polaris"

    def test_an_overlay_does_not_repeat_what_values_yaml_says(self, mirrored: PlatformFiles) -> None:
        values, overlay = (mirrored[f"floe-platform/{name}.yaml"] for name in ("values", "values-prod"))
        assert f"imageRegistry: {MIRROR}" in values and f"repository: {MIRROR}/apache/polaris" in values
        assert "imageRegistry" not in overlay and "repository:" not in overlay

    def test_every_dependency_is_told_the_pull_secrets(self, mirrored: PlatformFiles) -> None:
        final = mirrored.final_values("prod")
        assert final["dagster"]["imagePullSecrets"] == final["otel"]["imagePullSecrets"] == PULL
        assert final["polaris"]["imagePullSecrets"] == ["one", "two"]
        assert final["minio"]["image"]["pullSecrets"] == PULL

    def test_the_chart_says_that_somebody_else_provides_them(self, mirrored: PlatformFiles) -> None:
        about = yaml.safe_load(mirrored["floe-platform/Chart.yaml"])
        provided = yaml.safe_load(about["annotations"]["floe-charts/provided"])
        assert [one for one in provided if one["name"] in ("one", "two")] == [{"kind": "Secret", **one} for one in PULL]

    def test_what_is_set_for_one_run_alone_holds_too(self) -> None:
        artifacts = [CompiledArtifacts.example()]
        files = synth(artifacts, environments=["prod"], sets=["imageRegistry=once.example.com"], plugin_values=())
        assert all(image.startswith("once.example.com/") for image in images(files.final_values("prod")["polaris"]))
        assert "once.example.com" not in str(files.final_values("dev"))

    def test_helm_hands_it_to_the_dependencies(self, mirrored: PlatformFiles, tmp_path: Path) -> None:
        chart = WrittenChart(mirrored, tmp_path)
        given = echoed_values(load(chart.with_upstream()).render(chart.overlays["dev"]))
        assert given.keys() == set(DEPENDENCIES)
        assert next(images(given["polaris"])) == "other.example.com/apache/polaris"
        assert given["otel"]["imagePullSecrets"] == PULL
