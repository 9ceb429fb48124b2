"""What all objects and pods of a chart share: labels, annotations, a registry, pull secrets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floe_charts.errors import DeclarationError
from floe_charts.helm import ChartValues, Field, HelmChart, Image, LabelValue, Values, WorkloadValues
from tests.helm.one_chart import chart_with, taken_by_kubernetes
from tests.helm.rendering import HOSTILE_TEXTS, Rendering


class ShopValues(WorkloadValues):
    """A shop."""

    image: Image = Field(Image(registry="ghcr.io", repository="acme/shop", tag="1.4.2"), description="Its image.")
    side: Image = Field(Image(repository="side"), description="Another image.")


def build(self: Any, v: Any) -> None:
    web = self.part("web", ports={"http": 8080})
    config = self.add(self.config_map(web.name, {"a": "b"}))
    side = self.container("side", v.side)
    self.add(
        web.deployment(
            image=v.image,
            containers=[side],
            resources=v.resources,
            checksums={"config": config},
            annotations={"own": "chart's"},
            values=v,
        )
    )
    self.add(web.service())
    web.add_service_account(v)
    web.add_scaling(v)


class TaggedChart(HelmChart):
    """A chart whose objects have one more label."""

    def extra_labels(self) -> dict[str, str]:
        return {"environment": f"{self.refs.name_override}x"}


@pytest.fixture(scope="module")
def rendering() -> Rendering:
    return Rendering(chart_with(ShopValues(), build, kind=TaggedChart).files())


OWN_LABELS = {
    "app.kubernetes.io/name": "shop",
    "app.kubernetes.io/instance": "shop",
    "app.kubernetes.io/part-of": "shop",
    "app.kubernetes.io/component": "web",
    "environment": "x",
}


def pod_metadata(objects: dict[str, Any]) -> Any:
    return objects["web-deployment.yaml"]["spec"]["template"]["metadata"]


def test_common_labels_and_annotations_are_everywhere_but_in_selectors(rendering: Rendering) -> None:
    common = {"commonLabels": {"team": "true", "cost.example.com/center": "0123"}, "commonAnnotations": {"a": "y"}}
    objects = taken_by_kubernetes(rendering, common)
    assert len(objects) == 4
    for made in objects.values():
        labels = made["metadata"]["labels"]
        assert labels.pop("helm.sh/chart") == "shop-0.1.0"
        assert labels.pop("app.kubernetes.io/version") == "0.1.0"
        assert labels.pop("app.kubernetes.io/managed-by") == "Helm"
        assert labels == {**OWN_LABELS, **common["commonLabels"]}
        assert made["metadata"]["annotations"] == {"a": "y"}
    pod = pod_metadata(objects)
    assert pod["labels"] == {**OWN_LABELS, **common["commonLabels"]}
    assert pod["annotations"].keys() == {"a", "own", "checksum/config"}
    stable = {key: OWN_LABELS[key] for key in OWN_LABELS if key.split("/")[-1] in ("name", "instance", "component")}
    assert objects["web-deployment.yaml"]["spec"]["selector"]["matchLabels"] == stable
    assert objects["web-service.yaml"]["spec"]["selector"] == stable


_keys = st.sampled_from(["team", "example.com/a", "y", "b"])
_label_maps = st.dictionaries(_keys, st.sampled_from(["", "true", "0123", "1e3", "x-y_z.0"]), max_size=3)
_mark_maps = st.dictionaries(_keys, st.sampled_from(["", "no", "{{ x }}", "a: b # c", "'"]), max_size=3)


@settings(max_examples=60, deadline=None)
@given(_label_maps, _label_maps, _mark_maps, _mark_maps)
def test_what_pods_say_themselves_wins(
    rendering: Rendering, common: dict[str, str], own: dict[str, str], marks: dict[str, str], more: dict[str, str]
) -> None:
    values = {"commonLabels": common, "commonAnnotations": marks}
    objects = taken_by_kubernetes(rendering, {**values, "web": {"podLabels": own, "podAnnotations": more}})
    pod = pod_metadata(objects)
    assert pod["labels"] == {**OWN_LABELS, **common, **own}
    assert pod["annotations"].pop("checksum/config")
    assert pod["annotations"] == {"own": "chart's", **marks, **more}


@pytest.mark.parametrize(
    ("place", "key"),
    [
        *((place, key) for place in ("commonLabels", "podLabels") for key in (
            "app.kubernetes.io/component", "app.kubernetes.io/part-of", "helm.sh/chart", "environment",
            "pod-security.kubernetes.io/enforce", "not a key", "k" * 64, "a..b/c", "/a")),
        *((place, key) for place in ("commonAnnotations", "podAnnotations") for key in (
            "helm.sh/hook", "checksum/config", "not a key")),
        ("serviceAccount.annotations", "helm.sh/hook"),
    ],
)  # fmt: skip
def test_keys_that_the_chart_sets_itself_are_refused(rendering: Rendering, place: str, key: str) -> None:
    above, _, last = place.rpartition(".")
    values: dict[str, Any] = {last: {key: "x"}}
    values = {above: values} if above else values
    assert rendering.refused(values if place.startswith("common") else {"web": values})


@pytest.mark.parametrize("text", [text for text in HOSTILE_TEXTS if len(text) < 64], ids=ascii)
def test_any_text_comes_out_of_a_label_or_annotation_or_is_refused(rendering: Rendering, text: str) -> None:
    for place in ("commonLabels", "commonAnnotations"):
        values = {place: {"k": text}}
        if not rendering.refused(values):
            metadata = rendering.objects(values)["web-service.yaml"]["metadata"]
            assert metadata["labels" if place == "commonLabels" else "annotations"]["k"] == text


def image_of(rendering: Rendering, values: dict[str, Any], position: int = 0) -> str:
    pod = taken_by_kubernetes(rendering, values)["web-deployment.yaml"]["spec"]["template"]["spec"]
    image: str = pod["containers"][position]["image"]
    return image


def test_an_image_comes_from_its_registry_or_from_a_mirror_of_all(rendering: Rendering) -> None:
    assert image_of(rendering, {}) == "ghcr.io/acme/shop:1.4.2"
    assert image_of(rendering, {}, 1) == "docker.io/side:latest"
    mirror = {"imageRegistry": "mirror.example.com:5000/hub"}
    assert image_of(rendering, mirror) == "mirror.example.com:5000/hub/acme/shop:1.4.2"
    assert image_of(rendering, mirror, 1) == "mirror.example.com:5000/hub/side:latest"
    changed = {"web": {"image": {"registry": "quay.io", "tag": "0123", "pullPolicy": "Always"}}}
    assert image_of(rendering, changed) == "quay.io/acme/shop:0123"


def test_a_digest_pins_an_image(rendering: Rendering) -> None:
    digest = f"sha256:{'0123456789abcdef' * 4}"
    values = {"web": {"image": {"digest": digest}}}
    assert image_of(rendering, values) == f"ghcr.io/acme/shop:1.4.2@{digest}"
    assert image_of(rendering, {**values, "imageRegistry": "m.example.com"}).startswith(
        "m.example.com/acme/shop:1.4.2@"
    )


@pytest.mark.parametrize(
    "values",
    [
        {"imageRegistry": "https://mirror.example.com"},
        {"imageRegistry": "mirror.example.com/"},
        {"web": {"image": {"repository": "Acme/Shop"}}},
        {"web": {"image": {"repository": ""}}},
        {"web": {"image": {"tag": ""}}},
        {"web": {"image": {"tag": "a b"}}},
        {"web": {"image": {"digest": "sha256:abc"}}},
        {"web": {"image": {"pullPolicy": "Sometimes"}}},
        {"imagePullSecrets": ["mine"]},
        {"imagePullSecrets": [{}]},
        {"imagePullSecrets": [{"name": ""}]},
    ],
)
def test_images_that_cannot_be_pulled_are_refused(rendering: Rendering, values: dict[str, Any]) -> None:
    assert rendering.refused(values)


def test_all_pods_pull_with_the_same_secrets(rendering: Rendering) -> None:
    secrets = [{"name": "a"}, {"name": "b.example"}]
    pod = taken_by_kubernetes(rendering, {"imagePullSecrets": secrets})["web-deployment.yaml"]["spec"]["template"]
    assert pod["spec"]["imagePullSecrets"] == secrets


def test_a_chart_without_common_values_shares_nothing() -> None:
    rendering = Rendering(chart_with(ShopValues(), build, shared=ChartValues()).files())
    objects = taken_by_kubernetes(rendering, {"web": {"podLabels": {"a": "b"}}})
    assert "annotations" not in objects["web-service.yaml"]["metadata"]
    assert pod_metadata(objects)["labels"]["a"] == "b"
    assert image_of(rendering, {}) == "ghcr.io/acme/shop:1.4.2"
    for key in ("commonLabels", "commonAnnotations", "imageRegistry", "imagePullSecrets"):
        assert rendering.refused({key: {} if key.startswith("common") else ""})


def test_labels_that_values_could_set_too_are_refused() -> None:
    class Odd(HelmChart):
        def extra_labels(self) -> dict[str, str]:
            return {"team": "shop"}

    with pytest.raises(DeclarationError, match="the label 'team' could meet one that values add"):
        chart_with(ShopValues(), build, kind=Odd).files()


def test_labels_of_one_object_win_over_those_of_all() -> None:
    class Marked(Values):
        """Labels."""

        labels: dict[str, LabelValue] = Field({}, description="Labels.")
        image: Image = Field(Image(repository="shop"), description="An image.")

    def labelled(self: Any, v: Any) -> None:
        own = {"team": "chart", "app.kubernetes.io/component": "mine"}
        for name, labels in (("literal", own), ("values", {**v.labels}), ("reserved", {"environment": "x"})):
            metadata = self.metadata(name, labels=labels)
            self.add({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, name=name)
        self.add(self.part("web").deployment(image=v.image))

    rendering = Rendering(chart_with(Marked(), labelled).files())
    values = {"commonLabels": {"team": "values", "a": "b"}, "web": {"labels": {"team": "theirs", "c": ""}}}
    objects = taken_by_kubernetes(rendering, values)
    found = {
        name: objects[f"{name}-configmap.yaml"]["metadata"]["labels"] for name in ("literal", "values", "reserved")
    }
    assert (found["literal"]["team"], found["literal"]["a"]) == ("chart", "b")
    assert found["literal"]["app.kubernetes.io/component"] == "mine"
    assert (found["values"]["team"], found["values"]["a"], found["values"]["c"]) == ("theirs", "b", "")
    assert (found["reserved"]["team"], found["reserved"]["environment"]) == ("values", "x")
    # Where values cannot meet it, the named template writes all labels.
    assert "fromYaml" not in rendering.files["templates/reserved-configmap.yaml"]


def test_a_new_version_alone_rolls_no_pod() -> None:
    templates = []
    for version in ("1.0.0", "2.0.0+build.7"):
        chart = chart_with(ShopValues(), build)
        chart.version, chart.app_version = version, f"{version}-app"
        objects = taken_by_kubernetes(Rendering(chart.files()))
        assert objects["web-configmap.yaml"]["metadata"]["labels"]["helm.sh/chart"].startswith(f"shop-{version[:5]}")
        templates.append(objects["web-deployment.yaml"]["spec"]["template"])
    assert templates[0] == templates[1]
    assert templates[0]["metadata"]["annotations"]["checksum/config"]
