"""The schemas of Kubernetes: messages, and agreement with a general validator."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floe_charts.errors import InputError
from floe_charts.helm.kubernetes import OLDEST, KubernetesSchemas, field_path, kube_versions, latest_kube_version
from floe_charts.verify.values import delete_at, get_at, leaves, objects, set_at

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"app.kubernetes.io/name": "web"}, "annotations": {"a": "b"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
        "template": {
            "metadata": {"labels": {"app": "web"}, "creationTimestamp": None},
            "spec": {
                "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [
                    {
                        "name": "web",
                        "image": "web:1",
                        "ports": [{"containerPort": 80, "protocol": "TCP"}],
                        "resources": {"limits": {"cpu": 1, "memory": "1Gi"}, "requests": {"cpu": 0.5}},
                        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
                        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                    }
                ],
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            },
        },
    },
    "status": {},
}
SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"type": "ClusterIP", "ports": [{"port": 80, "targetPort": "http"}], "selector": {"app": "web"}},
}
ROLE: dict[str, Any] = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "r"},
    "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
}
CRD: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "xs.example.com"},
    "spec": {
        "group": "example.com",
        "names": {"kind": "X", "plural": "xs"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "properties": {"a": {"type": "string", "default": {"b": 1}}}}
                },
            }
        ],
    },
}
OBJECTS = [DEPLOYMENT, SERVICE, ROLE, CRD]


def messages(obj: Mapping[str, object], version: str = OLDEST) -> list[str]:
    return [str(fault) for fault in KubernetesSchemas(version).validate(obj)]


@pytest.mark.parametrize("version", kube_versions())
@pytest.mark.parametrize("obj", OBJECTS, ids=lambda obj: obj["kind"])
def test_objects_as_people_write_them_fit(obj: dict[str, Any], version: str) -> None:
    assert KubernetesSchemas(version).knows(obj["apiVersion"], obj["kind"])
    assert messages(obj, version) == []


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("spec", "replcas"), 1, "spec.replcas is not a field of DeploymentSpec; did you mean replicas?"),
        (("spec", "replicas"), "x", 'spec.replicas takes an integer, but found a string ("x")'),
        (("spec", "replicas"), 1.5, "spec.replicas takes an integer, but found a number (1.5)"),
        (("spec", "paused"), "yes", 'spec.paused takes true or false, but found a string ("yes")'),
        (("metadata", "labels", "a"), 1, "metadata.labels.a takes a string, but found an integer (1)"),
        (("metadata", "labels", "a.b/c"), True, 'metadata.labels["a.b/c"] takes a string, but found a boolean (true)'),
        (("spec", "template"), [], "spec.template takes a map, but found a list"),
        (
            ("spec", "template", "spec", "containers", 0, "ports"),
            {},
            "spec.template.spec.containers[0].ports takes a list, but found a map",
        ),
        (
            ("spec", "template", "spec", "containers", 0, "resources", "limits", "cpu"),
            True,
            "spec.template.spec.containers[0].resources.limits.cpu takes a number or a string, "
            "but found a boolean (true)",
        ),
        (
            ("spec", "strategy", "rollingUpdate", "maxSurge"),
            None,
            "spec.strategy.rollingUpdate.maxSurge takes an integer or a string, but found null",
        ),
    ],
)
def test_a_fault_says_the_field_what_it_takes_and_what_was_found(
    path: tuple[str | int, ...], value: object, message: str
) -> None:
    assert messages(set_at(DEPLOYMENT, path, value)) == [message]


def test_a_missing_field_is_named() -> None:
    assert messages(delete_at(DEPLOYMENT, ("spec", "selector"))) == [
        "spec.selector is missing; DeploymentSpec requires it"
    ]


def test_every_fault_is_reported() -> None:
    wrong = set_at(set_at(SERVICE, ("spec", "typ"), "x"), ("spec", "ports", 0, "port"), "80")
    assert len(messages(wrong)) == 2


def test_an_object_without_kind_or_version_is_a_fault() -> None:
    assert messages({"kind": "Service"}) == ["apiVersion takes a string, but it is missing"]
    assert messages({"apiVersion": "v1", "kind": 5}) == ["kind takes a string, but found an integer (5)"]


def test_custom_resources_are_not_known_even_where_names_look_alike() -> None:
    schemas = KubernetesSchemas(OLDEST)
    assert not schemas.knows("postgresql.cnpg.io/v1", "Cluster")
    assert not schemas.knows("networking.istio.io/v1", "Ingress")
    assert not schemas.knows("apps/v1", "deployment")
    assert not schemas.knows("../../v1", "Service")
    assert schemas.validate({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster"}) == []


def test_kinds_come_and_go_with_versions() -> None:
    assert KubernetesSchemas("1.25").knows("autoscaling/v2beta2", "HorizontalPodAutoscaler")
    assert not KubernetesSchemas("1.28").knows("autoscaling/v2beta2", "HorizontalPodAutoscaler")


@pytest.mark.parametrize("spelling", ["1.28", "v1.28", "1.28.3", "v1.28.0"])
def test_a_version_may_be_spelt_as_people_spell_it(spelling: str) -> None:
    assert KubernetesSchemas(spelling).version == "1.28"


@pytest.mark.parametrize("version", ["1.2", "2", "latest", "", "1.28/../x"])
def test_an_unknown_version_names_the_known_ones(version: str) -> None:
    with pytest.raises(InputError, match=rf"known are 1.25 to {latest_kube_version()}"):
        KubernetesSchemas(version)


def test_field_types() -> None:
    schemas = KubernetesSchemas(OLDEST)
    assert schemas.field_types("apps/v1", "Deployment", ("spec", "replicas")) == {"integer", "null"}
    assert schemas.field_types("v1", "Service", ("spec", "ports", 0, "targetPort")) == {"integer", "string", "null"}
    assert schemas.field_types("v1", "Service", ("spec", "nothing", "here")) == set()


def test_paths_are_written_so_that_they_can_be_read_back() -> None:
    assert field_path(("a", 0, "b.c/d", "e-f", "")) == 'a[0]["b.c/d"].e-f[""]'


def test_nothing_slow_is_imported() -> None:
    code = (
        "import sys, floe_charts.helm; before = set(sys.modules);"
        "from floe_charts.helm.kubernetes import KubernetesSchemas as K;"
        "K('1.28').validate({'apiVersion': 'v1', 'kind': 'Service', 'spec': {}});"
        "print(*{'jsonschema', 'kubernetes_validate', 'jsonschema_rs'} & (set(sys.modules) - before))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "\n"


# ---- agreement with a general validator ------------------------------------------------------------------------------


def general_validator(version: str, obj: Mapping[str, Any]) -> jsonschema_rs.Validator:
    """The same schema, compiled whole by jsonschema-rs."""
    spec = find_spec("kubernetes_validate")
    assert spec is not None and spec.origin is not None
    directory = Path(spec.origin).parent / "kubernetes-json-schema" / f"v{version}.0-local-strict"
    group, _, api = obj["apiVersion"].rpartition("/")
    suffix = f"{group.partition('.')[0]}-{api}" if group else api
    definitions = json.loads((directory / "_definitions.json").read_bytes())
    schema = json.loads((directory / f"{obj['kind'].lower()}-{suffix}.json").read_bytes())
    registry = jsonschema_rs.Registry([("https://kubernetes.io/api/_definitions.json", definitions)])
    return jsonschema_rs.Draft202012Validator(schema, registry=registry)


VALIDATORS = {
    (version, obj["kind"]): general_validator(version, obj)
    for version in (OLDEST, latest_kube_version())
    for obj in OBJECTS
}
WRONG = st.sampled_from(
    [None, True, False, 0, 1, -1, 0.5, 2.0, 1e300, 10**30, "", "x", "1", [], [1], ["a"], {}, {"a": 1}]
)


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_a_general_validator_agrees(data: st.DataObject) -> None:
    """One to three places of a good object are changed, added or taken away: both validators must say the same."""
    version = data.draw(st.sampled_from([OLDEST, latest_kube_version()]))
    obj: dict[str, Any] = copy.deepcopy(data.draw(st.sampled_from(OBJECTS)))
    kind = obj["kind"]
    for _ in range(data.draw(st.integers(1, 3))):
        places = [path for path, _ in leaves(obj, into_lists=True)] + [path for path in objects(obj) if path]
        path = data.draw(st.sampled_from([("spec",), *(one for one in places if one[0] not in ("apiVersion", "kind"))]))
        action = data.draw(st.sampled_from(["change", "add", "delete"]))
        if action == "delete":
            obj = delete_at(obj, path)
        elif action == "change":
            obj = set_at(obj, path, data.draw(WRONG))
        elif isinstance(get_at(obj, path[:-1]), dict):
            obj = set_at(obj, (*path[:-1], data.draw(st.sampled_from(["name", "unknown", "type"]))), data.draw(WRONG))
    expected = VALIDATORS[version, kind].is_valid(obj)
    assert (messages(obj, version) == []) is expected
