"""Kubernetes' own types among the values: what Kubernetes takes comes out as it went in, and nothing else passes."""

from __future__ import annotations

import json
from typing import Annotated, Any

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from floe_charts.errors import DeclarationError
from floe_charts.helm import (
    Component,
    ExtraEnv,
    Field,
    HelmChart,
    Image,
    KubernetesType,
    Values,
    Without,
    WorkloadValues,
)
from floe_charts.helm.kubernetes import OLDEST, KubernetesSchemas, latest_kube_version
from floe_charts.verify.objects import RenderedObject
from tests.any_values import AnyValues
from tests.helm.rendering import HOSTILE_TEXTS, Rendering, probe
from tests.synth.kubernetes_names import name_faults


class ShopValues(WorkloadValues):
    """A shop."""

    image: Image = Field(Image(repository="shop"), description="Its image.")
    extra_env: Annotated[ExtraEnv, Without("MODE")] = Field({}, description="Further variables.")


class Shop(Component[ShopValues]):
    """A shop."""

    def build(self, v: ShopValues) -> None:
        shop = self.part("shop", ports={"http": 8080})
        self.add(shop.deployment(image=v.image, env={"MODE": "x"}, resources=v.resources, values=v))
        shop.add_service_account(v)
        shop.add_scaling(v)


def shop_chart() -> HelmChart:
    chart = HelmChart("shop", description="A chart for a test.", icon="https://example.com/icon.png")
    Shop(chart, "web")
    return chart


@pytest.fixture(scope="module")
def shop() -> Rendering:
    return Rendering(shop_chart().files())


def pod_of(rendering: Rendering, values: dict[str, Any]) -> Any:
    """The pod that comes out of the values; it must be one that Kubernetes takes."""
    made = rendering.objects({"web": values})["web-deployment.yaml"]
    for version in (OLDEST, latest_kube_version()):
        assert [str(fault) for fault in KubernetesSchemas(version).validate(made)] == []
    assert name_faults(RenderedObject("", 0, made)) == []
    return made["spec"]["template"]["spec"]


def env_of(pod: Any) -> dict[str, Any]:
    """What values added to the main container, by name."""
    [container] = pod["containers"]
    return {one.pop("name"): one for one in container["env"] if one["name"] != "MODE"}


def volume_of(pod: Any) -> Any:
    [volume] = pod["volumes"]
    volume.pop("name")
    return volume


EXPRESSION = {"key": "disk", "operator": "In", "values": ["ssd", "0123", "true"]}
NODES = {"nodeSelectorTerms": [{"matchExpressions": [EXPRESSION]}]}
POD_TERM = {
    "topologyKey": "topology.kubernetes.io/zone",
    "labelSelector": {"matchLabels": {"a": "y", "b": ""}, "matchExpressions": [{"key": "c", "operator": "Exists"}]},
    "namespaceSelector": {},
    "namespaces": ["default", "1st"],
}
AFFINITIES: list[dict[str, Any]] = [
    {"nodeAffinity": {}},
    {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": NODES}},
    {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {
                        "matchExpressions": [
                            {"key": "example.com/gpu", "operator": "Exists"},
                            {"key": "a", "operator": "DoesNotExist", "values": []},
                            {"key": "cores", "operator": "Gt", "values": ["16"]},
                            {"key": "cores", "operator": "Lt", "values": ["0"]},
                            {"key": "b", "operator": "NotIn", "values": [""]},
                        ]
                    },
                    {"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["node-1.example.com"]}]},
                ]
            },
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 1, "preference": {"matchExpressions": [EXPRESSION]}},
                {"weight": 100, "preference": {"matchExpressions": [EXPRESSION], "matchFields": []}},
            ],
        }
    },
    {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [POD_TERM]}},
    {
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 50, "podAffinityTerm": POD_TERM}],
            "requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname"}],
        }
    },
]
TOLERATIONS: list[dict[str, Any]] = [
    {"operator": "Exists"},
    {"key": "a", "operator": "Exists"},
    {"key": "example.com/a.b", "operator": "Equal", "value": "no", "effect": "NoSchedule"},
    {"key": "a", "value": "1e3", "effect": "PreferNoSchedule"},
    {"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1000000},
    {"key": "a", "value": "", "effect": "NoExecute", "tolerationSeconds": -1},
]
SPREADS: list[dict[str, Any]] = [
    {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"},
    {
        "maxSkew": 1000000,
        "minDomains": 3,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "shop"}},
        "matchLabelKeys": ["pod-template-hash"],
        "nodeAffinityPolicy": "Honor",
        "nodeTaintsPolicy": "Ignore",
    },
]
ENVS: list[dict[str, Any]] = [
    {"value": ""},
    {"value": "$(HOME)/a: b"},
    {"valueFrom": {"secretKeyRef": {"name": "db.example", "key": "pass.word"}}},
    {"valueFrom": {"configMapKeyRef": {"name": "c", "key": ".config", "optional": True}}},
    {"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
    {"valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.labels['app.kubernetes.io/name']"}}},
    {"valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
    {"valueFrom": {"resourceFieldRef": {"resource": "requests.memory", "divisor": "1Mi", "containerName": "shop"}}},
]
VOLUMES: list[dict[str, Any]] = [
    {"emptyDir": {}},
    {"emptyDir": {"medium": "Memory", "sizeLimit": "1.5Gi"}},
    {"configMap": {"name": "c", "optional": True, "items": [{"key": "a", "path": "b/.c.d", "mode": 0o400}]}},
    {"secret": {"secretName": "s", "defaultMode": 0o440}},
    {"persistentVolumeClaim": {"claimName": "data", "readOnly": True}},
    {"csi": {"driver": "secrets-store.csi.k8s.io", "readOnly": True, "volumeAttributes": {"y": "no", "true": "a: {{"}}},
    {"csi": {"driver": "a", "fsType": "ext4", "nodePublishSecretRef": {"name": "s"}}},
]  # fmt: skip


@pytest.mark.parametrize("affinity", AFFINITIES)
def test_affinities_come_out_as_they_went_in(shop: Rendering, affinity: dict[str, Any]) -> None:
    assert pod_of(shop, {"affinity": affinity})["affinity"] == affinity


@pytest.mark.parametrize("toleration", TOLERATIONS)
def test_tolerations_come_out_as_they_went_in(shop: Rendering, toleration: dict[str, Any]) -> None:
    assert pod_of(shop, {"tolerations": [toleration, *TOLERATIONS]})["tolerations"][0] == toleration


def test_spread_constraints_come_out_as_they_went_in(shop: Rendering) -> None:
    assert pod_of(shop, {"topologySpreadConstraints": SPREADS})["topologySpreadConstraints"] == SPREADS


@pytest.mark.parametrize("source", ENVS)
def test_environment_variables_come_out_as_they_went_in(shop: Rendering, source: dict[str, Any]) -> None:
    assert env_of(pod_of(shop, {"extraEnv": {"A": source, "B_2": {"value": "x"}}})) == {
        "A": source,
        "B_2": {"value": "x"},
    }


@pytest.mark.parametrize("volume", VOLUMES)
def test_volumes_come_out_as_they_went_in(shop: Rendering, volume: dict[str, Any]) -> None:
    pod = pod_of(shop, {"extraVolumes": {"/mnt/a": {"volume": volume, "readOnly": True, "subPath": ".a/b"}}})
    [mount] = pod["containers"][0]["volumeMounts"]
    assert mount == {"name": pod["volumes"][0]["name"], "mountPath": "/mnt/a", "readOnly": True, "subPath": ".a/b"}
    assert volume_of(pod) == volume


def test_numbers_stay_whole_and_texts_stay_texts(shop: Rendering) -> None:
    # Kubernetes would not take 1e+06, or the boolean that some YAML readers make of y.
    text = shop.texts({"web": {"tolerations": [TOLERATIONS[4]], "affinity": AFFINITIES[3]}})["web-deployment.yaml"]
    assert "tolerationSeconds: 1000000\n" in text
    assert 'a: "y"\n' in text


def selecting(**more: Any) -> dict[str, Any]:
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", **more}]}]}}}}  # fmt: skip


def spreading(**more: Any) -> dict[str, Any]:
    return {"topologySpreadConstraints": [{**SPREADS[0], **more}]}


def preferring(weight: int) -> dict[str, Any]:
    term = {"weight": weight, "podAffinityTerm": POD_TERM}
    return {"affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [term]}}}


REVISION = {"matchLabelKeys": ["pod-template-hash"]}
WRONG: list[dict[str, Any]] = [
    # Fields that do not exist, and types that are not theirs.
    {"affinity": {"nodeAffinty": {}}},
    {"affinity": []},
    {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}},
    {"tolerations": {"operator": "Exists"}},
    {"tolerations": [{"operator": "Exists", "seconds": 5}]},
    # Enumerations and forms.
    {"tolerations": [{"operator": "exists"}]},
    {"tolerations": [{"key": "a", "effect": "Never"}]},
    {"tolerations": [{"key": "not a key", "operator": "Exists"}]},
    {"tolerations": [{"key": "a..b/c", "operator": "Exists"}]},
    {"tolerations": [{"key": "a", "value": "x" * 64}]},
    selecting(operator="Is", values=["b"]),
    selecting(operator="In", values=["not a label!"]),
    spreading(maxSkew=0),
    spreading(whenUnsatisfiable="Perhaps"),
    spreading(topologyKey=""),
    spreading(nodeTaintsPolicy="honor"),
    preferring(0),
    preferring(101),
    # Rules between fields.
    {"tolerations": [{}]},
    {"tolerations": [{"operator": "Equal", "value": "b"}]},
    {"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]},
    {"tolerations": [{"key": "a", "tolerationSeconds": 5}]},
    {"tolerations": [{"key": "a", "tolerationSeconds": 5, "effect": "NoSchedule"}]},
    selecting(operator="In"),
    selecting(operator="NotIn", values=[]),
    selecting(operator="Exists", values=["b"]),
    selecting(operator="Gt", values=["1", "2"]),
    selecting(operator="Lt", values=["five"]),
    {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}},
    {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchFields": [{"key": "metadata.namespace", "operator": "In", "values": ["a"]}]}]}}}},
    spreading(minDomains=2),
    spreading(**REVISION),
    spreading(**REVISION, labelSelector={"matchLabels": {"pod-template-hash": "1"}}),
    spreading(**REVISION, labelSelector={"matchExpressions": [{"key": "pod-template-hash", "operator": "Exists"}]}),
    spreading(matchLabelKeys=["app"], labelSelector={}),
    spreading(labelSelector={"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}),
    # Environment variables.
    {"extraEnv": {"A": "text"}},
    {"extraEnv": {"A": {}}},
    {"extraEnv": {"A": {"value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}}},
    {"extraEnv": {"A": {"name": "B", "value": "x"}}},
    {"extraEnv": {"A": {"valueFrom": {}}}},
    {"extraEnv": {"A": {"valueFrom": {"secretKeyRef": {"key": "k"}}}}},
    {"extraEnv": {"A": {"valueFrom": {"secretKeyRef": {"name": "s", "key": "a b"}}}}},
    {"extraEnv": {"A": {"valueFrom": {"secretKeyRef": {"name": "s", "key": "..a"}}}}},
    {"extraEnv": {"A": {"valueFrom": {"fieldRef": {"fieldPath": "spec.nodeSelector"}}}}},
    {"extraEnv": {"A": {"valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a b']"}}}}},
    {"extraEnv": {"A": {"valueFrom": {"resourceFieldRef": {"resource": "limits.gpu"}}}}},
    {"extraEnv": {"A": {"valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1m"}}}}},
    {"extraEnv": {"A": {"valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1k"}}}}},
    {"extraEnv": {"not-a-name": {"value": "x"}}},
    {"extraEnv": {"MODE": {"value": "x"}}},
    # Volumes.
    *({"extraVolumes": {"/mnt/a": {"volume": volume}}} for volume in (
        {},
        {"emptyDir": {}, "configMap": {"name": "c"}},
        {"hostPath": {"path": "/"}},
        {"emptyDir": {"medium": "memory"}},
        {"emptyDir": {"sizeLimit": "lots"}},
        {"configMap": {}},
        {"secret": {"name": "s"}},
        {"secret": {"secretName": "Not A Name"}},
        {"secret": {"secretName": "s", "defaultMode": 0o1000}},
        {"secret": {"secretName": "s", "items": [{"key": "a", "path": "../b"}]}},
        {"secret": {"secretName": "s", "items": [{"key": "a", "path": "/b"}]}},
        {"csi": {"driver": "a..b"}},
        {"csi": {"driver": "a", "volumeAttributes": {"<<": "x"}}},
        {"csi": {"driver": "a", "nodePublishSecretRef": {}}},
    )),
    {"extraVolumes": {"/etc/shop": {"volume": {"emptyDir": {}}}}},
    {"extraVolumes": {"/mnt/../etc": {"volume": {"emptyDir": {}}}}},
    {"extraVolumes": {"/mnt/a/": {"volume": {"emptyDir": {}}}}},
    {"extraVolumes": {"mnt": {"volume": {"emptyDir": {}}}}},
    {"extraVolumes": {"/mnt/a": {}}},
    {"extraVolumes": {"/mnt/a": {"volume": {"emptyDir": {}}, "subPath": "../b"}}},
    {"extraVolumes": {"/mnt/a": {"volume": {"emptyDir": {}}, "readonly": True}}},
]  # fmt: skip


@pytest.mark.parametrize("values", WRONG, ids=lambda values: json.dumps(values)[:70])
def test_what_kubernetes_refuses_is_refused(shop: Rendering, values: dict[str, Any]) -> None:
    assert shop.refused({"web": values})
    schema = json.loads(shop.files["values.schema.json"])
    assert not jsonschema.Draft7Validator(schema).is_valid(shop.merged({"web": values}))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"affinity": {"nodeAffinty": {}}},
            "web.affinity.nodeAffinty is not a field of Kubernetes' Affinity that can be set here; "
            "did you mean web.affinity.nodeAffinity?",
        ),
        (
            {"tolerations": [{"operator": "Exists", "efect": "NoSchedule"}]},
            "web.tolerations.0.efect is not a field of Kubernetes' Toleration that can be set here; "
            "did you mean web.tolerations.0.effect?",
        ),
        (
            {"extraVolumes": {"/mnt/a": {"volume": {"hostPath": {"path": "/"}}}}},
            "web.extraVolumes./mnt/a.volume.hostPath is not a field of Kubernetes' Volume that can be set here",
        ),
        (
            selecting(operator="In", values=["a"], value="a"),
            "web.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.0."
            "matchExpressions.0.value is not a field of Kubernetes' NodeSelectorRequirement that can be set here; did "
            "you mean web.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.0."
            "matchExpressions.0.values?",
        ),
        ({"tolerations": [{}]}, "web.tolerations.0.key is missing; Toleration needs it"),
        (
            {"tolerations": [{"key": "a", "tolerationSeconds": 5}]},
            "web.tolerations.0.effect is missing; Toleration needs it",
        ),
        (
            {"tolerations": [{"key": "a", "operator": "exists"}]},
            'web.tolerations.0.operator takes one of Exists, Equal, found "exists"',
        ),
        (
            spreading(minDomains=2),
            'web.topologySpreadConstraints.0.whenUnsatisfiable is fixed to "DoNotSchedule", found "ScheduleAnyway"',
        ),
    ],
)
def test_mistakes_are_told_in_words(values: dict[str, Any], said: str) -> None:
    chart = shop_chart()
    declared = chart.declared_values()
    defaults = chart.default_values()
    assert str(declared.faults({**defaults, "web": {**defaults["web"], **values}})[0]) == said


TYPES = {
    "affinity": KubernetesType("Affinity"),
    "tolerations": KubernetesType("Toleration"),
    "topologySpreadConstraints": KubernetesType("TopologySpreadConstraint"),
    "extraEnv": KubernetesType("EnvVar", without=("name",)),
    "extraVolumes": KubernetesType("Volume", without=("name",)),
}


@pytest.mark.parametrize("name", TYPES)
def test_whatever_the_schema_takes_fits_kubernetes(shop: Rendering, name: str, examples: int) -> None:
    definitions = json.loads(shop.files["values.schema.json"])["definitions"]
    any_value = AnyValues(definitions).of(definitions[TYPES[name].name])

    @settings(max_examples=examples // 6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(any_value, min_size=1, max_size=2))
    def fits(values: list[Any]) -> None:
        if name in ("tolerations", "topologySpreadConstraints"):
            # Which two constraints are alike, no schema can say.
            assume(len({(one.get("topologyKey"), one.get("whenUnsatisfiable")) for one in values}) == len(values))
            assert pod_of(shop, {name: values})[name] == values
        elif name == "extraEnv":
            assert [*env_of(pod_of(shop, {name: dict(zip("AB", values, strict=False))})).values()] == values
        elif name == "extraVolumes":
            assert volume_of(pod_of(shop, {name: {"/mnt/a": {"volume": values[0]}}})) == values[0]
        elif values[0]:
            assert pod_of(shop, {name: values[0]})[name] == values[0]

    fits()


@pytest.mark.parametrize("text", [text for text in HOSTILE_TEXTS if len(text) < 200], ids=ascii)
def test_any_text_comes_out_or_is_refused(shop: Rendering, text: str) -> None:
    values = {
        "extraEnv": {"A": {"value": text}},
        "extraVolumes": {"/mnt/a": {"volume": {"csi": {"driver": "d", "volumeAttributes": {"k": text, text: "v"}}}}},
    }
    for name, value in values.items():
        if shop.refused({"web": {name: value}}):
            continue
        pod = pod_of(shop, {name: value})
        found = env_of(pod) if name == "extraEnv" else {"/mnt/a": {"volume": volume_of(pod)}}
        assert found == value
    # What YAML can hold is never refused.
    plain = text.isprintable() and text not in ("<<",) and not set(text) & set("\ufffe\uffff\ufeff")
    assert not plain or not shop.refused({"web": values})


def test_the_description_of_a_type_that_may_be_absent_is_kept() -> None:
    class Spare(Values):
        """Spare."""

        affinity: Annotated[dict[str, Any], KubernetesType("Affinity")] | None = Field(None, description="Affinity.")
        many: Annotated[ExtraEnv, Without("A")] = Field({}, description="Variables.", max_length=2)

    rendering = probe(Spare(), lambda v: {"all": v.affinity, "many": v.many})
    assert rendering.data() is None
    affinity = {"nodeAffinity": {}}
    assert rendering.data({"web": {"affinity": affinity}}) == {"all": affinity}
    assert rendering.refused({"web": {"affinity": {"a": 1}}})
    assert rendering.refused({"web": {"many": {name: {"value": ""} for name in "BCD"}}})


@pytest.mark.parametrize("definition", ["Afinity", "Secret.data", "Quantity"])
def test_a_type_that_kubernetes_does_not_have_is_refused(definition: str) -> None:
    class Odd(Values):
        """Odd."""

        odd: Annotated[dict[str, Any], KubernetesType(definition)] = Field({}, description="Odd.")

    with pytest.raises(DeclarationError, match=f"{definition} is no type of Kubernetes with fields"):
        probe(Odd(), lambda v: {"all": v.odd})
