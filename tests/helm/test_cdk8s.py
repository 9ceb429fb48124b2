"""Any cdk8s construct under a chart, a component or a condition becomes a template, with expressions in its fields.

These tests start Node, once in the process.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from floe_charts.errors import DeclarationError
from floe_charts.helm import CommonChartValues, Component, Field, HelmChart, Image, StringMap, Values, token
from tests.helm.rendering import NAMESPACE, RELEASE, Rendering

pytest.importorskip("cdk8s")


def api_object(scope: Any, id: str, kind: str, metadata: dict[str, Any], spec: Any = None) -> Any:
    """An ApiObject with a spec, which Python's cdk8s takes as a patch."""
    import cdk8s

    made = cdk8s.ApiObject(
        scope, id, api_version="v1" if kind in ("Service", "ResourceQuota") else "test/v1", kind=kind, metadata=metadata
    )
    if spec is not None:
        made.add_json_patch(cdk8s.JsonPatch.add("/spec", spec))
    return made


class CdkValues(Values):
    """Values for cdk8s constructs."""

    replicas: int = Field(1000000, description="A number.")
    ratio: float = Field(0.5, description="A ratio.")
    name: str = Field("a: {{ b", description="A text.")
    note: str | None = Field(None, description="A text that need not be there.")
    on: bool = Field(False, description="A switch.")
    marks: StringMap = Field({}, description="Marks.")
    names: list[str] = Field([], description="Names.")
    memory: int = Field(512, description="Memory in MiB.")


INCLUDED = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: included
data:
  text: "{{ .Values.web }} {{"
  lines: |
    {{- if x }}
    a
---
apiVersion: v1
kind: Secret
metadata:
  name: included
"""


class CdkPart(Component[CdkValues]):
    """Objects of cdk8s constructs, and one written by hand."""

    included: str = ""

    def build(self, v: CdkValues) -> None:
        import cdk8s

        import constructs

        class Pair(constructs.Construct):
            """A user's own construct."""

            def __init__(self, scope: Any, id: str) -> None:
                super().__init__(scope, id)
                for part in ("one", "two"):
                    cdk8s.ApiObject(self, part, api_version="test/v1", kind="Pair", metadata={"name": f"pair-{part}"})

        self.add({"apiVersion": "test/v1", "kind": "Thing", "metadata": {"name": "by-hand"}})
        thing = api_object(
            self,
            "thing",
            "Thing",
            {"name": self.name("thing"), "labels": {"text": v.name}},
            {
                "replicas": v.replicas,
                "ratio": v.ratio,
                "sum": v.replicas + 1,
                "text": v.name,
                "joined": f"<{v.name}:{v.replicas}>",
                "hostile": "{{ .Values.web }}",
                "on": token(v.on),
                "marks": token(v.marks),
                "names": token(v.names),
                "note": token(v.note),
                "list": [v.name, v.replicas, {v.name: v.ratio}],
            },
        )
        thing.add_json_patch(cdk8s.JsonPatch.add("/spec/patched", v.replicas))
        memory = cdk8s.Size.mebibytes(v.memory).as_string()
        api_object(self, "memory", "ResourceQuota", {"name": "quota"}, {"hard": {"memory": memory}})
        Pair(self, "pair")
        cdk8s.Include(self, "include", url=self.included)
        with self.when(v.on) as scope:
            api_object(scope, "thing", "Guarded", {"name": "guarded"}, {"a": v.name})


def _chart(directory: Path) -> HelmChart:
    included = directory / "included.yaml"
    included.write_text(INCLUDED)
    chart = HelmChart("cdk", description="A chart for a test.", icon="https://example.com/i.png")
    CdkPart.included = str(included)
    CdkPart(chart, "web")
    return chart


def test_cdk8s_constructs_become_templates(tmp_path: Path) -> None:
    chart = _chart(tmp_path)
    # Under the chart itself, and from outside a component's build.
    web = chart.components["web"].refs
    api_object(chart, "top", "Top", {"name": "top"}, {"on": token(web.on)})
    api_object(chart.components["web"], "thing", "Outside", {"name": "outside"})
    files = chart.files()
    # A second synth gives the same bytes, though cdk8s takes each id once.
    assert chart.files() == files
    assert {name for name in files if name.startswith("templates/")} == {
        "templates/_helpers.tpl", "templates/cdk-top.yaml", "templates/web-outside.yaml", "templates/web-thing.yaml",
        "templates/web-cdk-thing-thing.yaml", "templates/web-resourcequota.yaml", "templates/web-pair.yaml",
        "templates/web-pair-two-pair.yaml", "templates/web-configmap.yaml", "templates/web-secret.yaml",
        "templates/web-guarded.yaml",
    }  # fmt: skip
    assert "replicas: {{ .Values.web.replicas | int64 }}" in files["templates/web-cdk-thing-thing.yaml"]
    rendering = Rendering(files)
    assert rendering.lint() == []
    objects = rendering.objects()
    assert "web-guarded.yaml" not in objects
    assert objects["cdk-top.yaml"]["spec"] == {"on": False}
    thing = objects["web-cdk-thing-thing.yaml"]
    own = thing["metadata"].pop("labels")
    assert thing["metadata"] == {"name": "shop-cdk-thing", "namespace": NAMESPACE}
    assert own["text"] == "a: {{ b" and own["app.kubernetes.io/part-of"] == "cdk"
    assert thing["spec"] == {
        "replicas": 1000000,
        "ratio": 0.5,
        "sum": 1000001,
        "patched": 1000000,
        "text": "a: {{ b",
        "joined": "<a: {{ b:1000000>",
        "hostile": "{{ .Values.web }}",
        "on": False,
        "list": ["a: {{ b", 1000000, {"a: {{ b": 0.5}],
    }
    # JavaScript made a text of a number: 512Mi.
    assert objects["web-resourcequota.yaml"]["spec"] == {"hard": {"memory": "512Mi"}}
    included = next(yaml.safe_load_all(INCLUDED))
    found = objects["web-configmap.yaml"]
    included["metadata"] |= {"namespace": NAMESPACE, "labels": found["metadata"]["labels"]}
    assert found == included
    values = {"on": True, "marks": {"a": "{{"}, "names": ["x"], "note": "", "name": "n"}
    objects = rendering.objects({"web": values})
    assert objects["web-guarded.yaml"]["spec"] == {"a": "n"}
    found = objects["web-cdk-thing-thing.yaml"]["spec"]
    assert (found["on"], found["marks"], found["names"], found["note"]) == (True, {"a": "{{"}, ["x"], "")


def test_an_object_of_a_construct_is_held_against_kubernetes_too() -> None:
    class Plain(Values):
        """Nothing."""

        name: str = Field("x", description="A name.")

    class Wrong(Component[Plain]):
        def build(self, v: Plain) -> None:
            api_object(self, "s", "Service", {"name": "s"}, {"clusterIPs": v.name})

    chart = HelmChart("cdk", description="A chart for a test.")
    Wrong(chart, "web")
    with pytest.raises(
        DeclarationError, match=r"^Service s: spec.clusterIPs takes a list, but web.name is a string \(Wrong\)$"
    ):
        chart.files()


class Switch(Values):
    """A switch."""

    on: bool = Field(True, description="A switch.")


def test_an_object_without_a_name_gets_one_of_its_scope() -> None:
    import cdk8s

    class Part(Component[Switch]):
        def build(self, v: Switch) -> None:
            made = cdk8s.ApiObject(self, "config", api_version="v1", kind="ConfigMap")
            api_object(self, "long-and-longer-and-longest", "Thing", {}, {"config": made.name})
            with self.when(v.on) as scope:
                cdk8s.ApiObject(scope, "config", api_version="v1", kind="ConfigMap")

    chart = HelmChart("cdk", description="A chart for a test.")
    for id in ("web", "api"):
        Part(chart, id)
    cdk8s.ApiObject(chart, "config", api_version="v1", kind="ConfigMap")
    objects = Rendering(chart.files()).objects().values()
    names = sorted(made["metadata"]["name"] for made in objects if made["kind"] == "ConfigMap")
    suffixes = ["api-2-config", "api-config", "config", "web-2-config", "web-config"]
    assert names == [f"{RELEASE}-cdk-{suffix}" for suffix in suffixes]
    things = {made["metadata"]["name"]: made["spec"]["config"] for made in objects if made["kind"] == "Thing"}
    # What refers to the name has the same; a long one is cut.
    assert sorted(things.values()) == [f"{RELEASE}-cdk-api-config", f"{RELEASE}-cdk-web-config"]
    assert all(name.startswith(f"{RELEASE}-cdk-web-long-and-lo-") for name, of in things.items() if "web" in of)
    assert all(len(name.removeprefix(f"{RELEASE}-cdk-")) <= 22 for name in things)


def test_an_object_is_in_the_releases_namespace_if_it_can_be_in_one() -> None:
    import cdk8s

    from floe_charts.helm import RELEASE_NAMESPACE

    class Part(Component[Switch]):
        def build(self, v: Switch) -> None:
            for kind in ("Role", "ClusterRole"):
                cdk8s.ApiObject(self, kind, api_version="rbac.authorization.k8s.io/v1", kind=kind)
            cdk8s.ApiObject(self, "Namespace", api_version="v1", kind="Namespace")
            api_object(self, "Other", "Other", {"namespace": "other"}, {"on": token(v.on)})
            # A custom resource of whose scope nothing is known.
            wide = api_object(self, "Wide", "Wide", {})
            wide.add_json_patch(cdk8s.JsonPatch.remove("/metadata/namespace"))
            api_object(self, "ClusterOwn", "ClusterOwn", {"namespace": RELEASE_NAMESPACE})

    chart = HelmChart("cdk", description="A chart for a test.")
    Part(chart, "web")
    objects = Rendering(chart.files()).objects().values()
    assert {made["kind"]: made["metadata"].get("namespace") for made in objects} == {
        "Role": NAMESPACE,
        "ClusterRole": None,
        "Namespace": None,
        "Other": "other",
        "Wide": None,
        "ClusterOwn": NAMESPACE,
    }


class Marked(Values):
    """Marks, and a pod."""

    marks: StringMap = Field({}, description="Labels of an object.")
    image: Image = Field(Image(repository="acme/shop"), description="Image of the pod.")


class Labelled(Component[Marked]):
    """Objects with labels and annotations of their own, and one without; and a pod, so that all values are read."""

    def build(self, v: Marked) -> None:
        import cdk8s

        api_object(self, "plain", "Plain", {})
        own = {"labels": {"team": "mine", "app.kubernetes.io/version": "7"}, "annotations": {"note": "mine"}}
        api_object(self, "own", "Own", own)
        of_values = api_object(self, "values", "OfValues", {})
        of_values.add_json_patch(cdk8s.JsonPatch.add("/metadata/labels", token(v.marks)))
        self.add(self.part("pods").deployment(image=v.image))


class LabelledChart(HelmChart):
    def extra_labels(self) -> dict[str, str]:
        return {"environment": "dev"}


COMMON = {
    "helm.sh/chart": "cdk-1.2.3",
    "app.kubernetes.io/version": "1.2.3",
    "app.kubernetes.io/managed-by": "Helm",
    "app.kubernetes.io/name": "cdk",
    "app.kubernetes.io/instance": RELEASE,
    "app.kubernetes.io/part-of": "cdk",
    "environment": "dev",
}
OF_COMPONENT = {**COMMON, "app.kubernetes.io/component": "web"}


def test_an_object_has_the_labels_and_annotations_of_all_objects_beside_its_own() -> None:
    chart = LabelledChart("cdk", description="A chart for a test.", version="1.2.3", values=CommonChartValues())
    Labelled(chart, "web")
    api_object(chart, "top", "Top", {})
    rendering = Rendering(chart.files())

    def metadata(values: dict[str, Any]) -> dict[str, Any]:
        return {made["kind"]: made["metadata"] for made in rendering.objects(values).values()}

    found = metadata({})
    assert found["Top"]["labels"] == COMMON
    assert found["Plain"]["labels"] == found["OfValues"]["labels"] == OF_COMPONENT
    assert found["Own"]["labels"] == {**OF_COMPONENT, "team": "mine", "app.kubernetes.io/version": "7"}
    assert found["Own"]["annotations"] == {"note": "mine"}
    assert "annotations" not in found["Plain"]

    common = {"commonLabels": {"team": "all", "tier": "x"}, "commonAnnotations": {"note": "all", "seen": "yes"}}
    marks = {"team": "marked", "app.kubernetes.io/component": "other"}
    found = metadata({**common, "web": {"marks": marks}})
    assert found["Top"]["labels"] == {**COMMON, "team": "all", "tier": "x"}
    assert found["Own"]["labels"].items() >= {"team": "mine", "tier": "x", "environment": "dev"}.items()
    assert found["Own"]["annotations"] == {"note": "mine", "seen": "yes"}
    assert found["OfValues"]["labels"] == {**OF_COMPONENT, "tier": "x", **marks}
    assert found["Plain"]["annotations"] == {"note": "all", "seen": "yes"}
