"""The oracle of the property over any values: it finds what the API server refuses, and nothing in what it takes."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.values import set_at
from tests.synth.kubernetes_names import name_faults

LABELS = {"app": "shop"}
IP = {"fieldRef": {"fieldPath": "status.podIP"}}
NEAR = {"topologyKey": "zone", "namespaces": ["a"]}
SPREAD = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
POD: dict[str, Any] = {
    "containers": [
        {
            "name": "shop",
            "env": [{"name": "A", "value": "x"}, {"name": "B", "valueFrom": IP}],
            "volumeMounts": [{"name": "a", "mountPath": "/a"}, {"name": "b", "mountPath": "/b", "subPath": "c/.d"}],
            "resources": {"requests": {"cpu": "100m"}},
        }
    ],
    "volumes": [{"name": "a", "emptyDir": {"sizeLimit": "1Gi"}}, {"name": "b", "secret": {"secretName": "s"}}],
    "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["5"]}]}]
            }
        },
        "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [NEAR]},
    },
    "topologySpreadConstraints": [SPREAD, {**SPREAD, "topologyKey": "host"}],
    "priorityClassName": "high",
    "serviceAccountName": "shop",
    "imagePullSecrets": [{"name": "s"}],
    "nodeSelector": {"disk": "ssd"},
}


def faults(spec: dict[str, Any], *, labels: dict[str, str] | None = None) -> list[str]:
    template = {"metadata": {"labels": labels or LABELS}, "spec": spec}
    metadata = {"name": "shop", "labels": LABELS}
    body = {"selector": {"matchLabels": LABELS}, "template": template}
    return name_faults(
        RenderedObject("", 0, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": body})
    )


def test_what_the_api_server_takes_has_no_fault() -> None:
    assert faults(POD) == []


EXPRESSIONS = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms", 0,
               "matchExpressions", 0)  # fmt: skip
TERM = ("affinity", "podAffinity", "requiredDuringSchedulingIgnoredDuringExecution", 0)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("containers", 0, "env", 1, "name"), "A", "variable 'A' is there twice"),
        (("containers", 0, "env", 0, "name"), "a b", "name 'a b'"),
        (("containers", 0, "env", 1, "valueFrom"), {}, "valueFrom has 0 fields"),
        (("containers", 0, "env", 1, "valueFrom", "fieldRef", "fieldPath"), "spec.x", "fieldPath 'spec.x'"),
        (("containers", 0, "volumeMounts", 1, "mountPath"), "/a", "mountPath '/a' is there twice"),
        (("containers", 0, "volumeMounts", 1, "name"), "c", "mounts the volume c, which is none"),
        (("containers", 0, "volumeMounts", 1, "subPath"), "../c", "subPath '../c'"),
        (("containers", 0, "resources", "requests", "cpu"), "lots", "resources.requests.cpu 'lots'"),
        (("volumes", 1, "name"), "a", "volume 'a' is there twice"),
        (("volumes", 1, "secret", "secretName"), "S", "secret.secretName 'S'"),
        (("volumes", 1, "emptyDir"), {}, "volume b is of 2 kinds"),
        (("volumes", 0, "emptyDir", "sizeLimit"), "1 G", "sizeLimit '1 G'"),
        (("tolerations", 0, "value"), "b", "a toleration with Exists has no value"),
        (("tolerations", 0, "effect"), "NoSchedule", "tolerationSeconds without NoExecute"),
        ((*EXPRESSIONS, "values"), ["a"], "node: Gt with ['a']"),
        ((*EXPRESSIONS, "operator"), "In ", "node operator 'In '"),
        ((*TERM, "topologyKey"), "", "topologyKey ''"),
        ((*TERM, "labelSelector"), {"matchLabels": {"a": "b c"}}, "labelSelector.matchLabels.a 'b c'"),
        (("topologySpreadConstraints", 1, "topologyKey"), "zone", "is there twice"),
        (("topologySpreadConstraints", 0, "minDomains"), 2, "minDomains with ScheduleAnyway"),
        (("topologySpreadConstraints", 0, "matchLabelKeys"), ["a"], "matchLabelKeys without labelSelector"),
        (("priorityClassName",), "High", "priorityClassName 'High'"),
        (("nodeSelector", "a..b/c"), "x", "nodeSelector key 'a..b/c'"),
    ],
)
def test_what_it_refuses_is_found(path: tuple[str | int, ...], value: object, said: str) -> None:
    found = faults(set_at(copy.deepcopy(POD), path, value))
    assert [fault for fault in found if said in fault], found


def test_a_selector_that_selects_other_pods_is_found() -> None:
    assert "does not select the pods" in faults(POD, labels={"app": "other"})[0]
