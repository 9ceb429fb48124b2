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
from floe_charts.verify.cron import cron_problem
from floe_charts.verify.kubernetes import check_kubernetes
from floe_charts.verify.kubernetes_groups import is_kubernetes_group
from floe_charts.verify.kubernetes_rules import rule_faults
from floe_charts.verify.quantities import parse_quantity
from floe_charts.verify.values import delete_at, get_at, leaves, objects, set_at
from tests.support import write_chart
from tests.verify.subjects import subject_of

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


def chart_of(directory: Path, *found: Mapping[str, object]) -> Path:
    return write_chart(directory / "c", {f"{index}.yaml": json.dumps(one) for index, one in enumerate(found)})


def test_a_chart_of_right_objects_passes(tmp_path: Path) -> None:
    custom = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "g"}, "spec": 5}
    subject = subject_of(chart_of(tmp_path, DEPLOYMENT, custom), {"b": {"a": 1}}, kube_versions=("1.28", "1.34"))
    result = check_kubernetes(subject)
    assert (result.findings, result.figure) == ((), "4 objects, Kubernetes 1.28 and 1.34")


def test_each_fault_is_told_once_for_all_cases_and_versions(tmp_path: Path) -> None:
    bad = set_at(DEPLOYMENT, ("spec", "replcas"), 1)
    bad = set_at(bad, ("spec", "paused"), "yes")
    bad = delete_at(bad, ("spec", "selector"))
    subject = subject_of(chart_of(tmp_path, bad), {"b": {"a": 1}}, kube_versions=("1.28", "1.34"))
    found = check_kubernetes(subject).findings
    assert {(one.rule, one.path) for one in found} == {
        ("unknown-field", "spec.replcas"),
        ("wrong-type", "spec.paused"),
        ("missing-field", "spec.selector"),
    }
    assert {(one.where, one.object, one.cases) for one in found} == {
        ("c/templates/0.yaml", "Deployment web", ("defaults", "b"))
    }
    assert next(one for one in found if one.rule == "unknown-field").hint == "did you mean replicas?"


def test_what_only_some_versions_know_is_said(tmp_path: Path) -> None:
    metadata = {"name": "x"}
    newer = {"trafficDistribution": "PreferClose", "ports": [{"port": 80}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": newer}
    gone = {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": metadata}
    scaler = {"apiVersion": "autoscaling/v2beta2", "kind": "HorizontalPodAutoscaler", "metadata": metadata}
    chart = chart_of(tmp_path, service, gone, scaler)
    told = {one.object: one for one in check_kubernetes(subject_of(chart, kube_versions=("1.25", "1.34"))).findings}
    assert told["Service x"].message.endswith("(Kubernetes 1.25)")
    assert "and newer has it" in told["Service x"].hint
    assert told["PodDisruptionBudget x"].rule == "unknown-kind"
    assert told["PodDisruptionBudget x"].hint == "it is gone since 1.25; use policy/v1"
    scaled = told["HorizontalPodAutoscaler x"]
    assert (scaled.message, scaled.hint) == (
        "Kubernetes 1.34 has no autoscaling/v2beta2 HorizontalPodAutoscaler", "Kubernetes 1.25 has it",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("api_version", "kubernetes"),
    [
        ("v1", True), ("apps/v1", True), ("extensions/v1beta1", True), ("rbac.authorization.k8s.io/v1", True),
        ("snapshot.storage.k8s.io/v1", False), ("gateway.networking.k8s.io/v1", False), ("metrics.k8s.io/v1", False),
        ("example.com/v1", False),
    ],
)  # fmt: skip
def test_custom_groups_are_told_from_kubernetes_own(api_version: str, kubernetes: bool) -> None:
    assert is_kubernetes_group(api_version) is kubernetes


CONTAINER = ("spec", "template", "spec", "containers", 0)


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("metadata", "name"), "Web", "is no name here"),
        (("metadata", "name"), "x" * 254, "has 254 characters"),
        (("metadata", "labels"), {"a b": "x"}, "is no key"),
        (("metadata", "labels"), {"a": "x" * 64}, "is no value of a label"),
        (("metadata", "labels"), {"a": "x y"}, "is no value of a label"),
        (("metadata", "labels"), {"Example.com/a": "x"}, "is no key"),
        (("metadata", "labels"), {"a": "", "example.com/A_b": "v1.0_x"}, ""),
        (("metadata", "annotations"), {"Example.com/A": "any thing"}, ""),
        (("metadata", "annotations"), {"a/b/c": "x"}, "is no key"),
        (("spec", "template", "metadata", "labels"), {"app": "-web"}, "is no value of a label"),
        ((*CONTAINER, "name"), "my_web", "is no name here"),
        ((*CONTAINER, "ports"), [{"containerPort": 0}], "is no port"),
        ((*CONTAINER, "ports"), [{"containerPort": 1, "name": "a-name-too-long-"}], "is no name of a port"),
        ((*CONTAINER, "livenessProbe"), {"httpGet": {"port": "80"}}, "is no name of a port"),
        ((*CONTAINER, "resources"), {"limits": {"memory": "1GB"}}, "is no quantity"),
        ((*CONTAINER, "resources"), {"limits": {"cpu": "1"}, "requests": {"cpu": "1500m"}}, "is more than the limit"),
        ((*CONTAINER, "resources"), {"limits": {"memory": "1G"}, "requests": {"memory": "1Gi"}}, "more than the limit"),
        ((*CONTAINER, "resources"), {"limits": {"cpu": 1}, "requests": {"cpu": "1000m"}}, ""),
        ((*CONTAINER, "volumeMounts"), [{"mountPath": "/a"}, {"mountPath": "/a"}], "is mounted by"),
        (("spec", "template", "spec", "initContainers"), [{"name": "web"}], "is the name of"),
        (("spec", "strategy"), {"rollingUpdate": {"maxSurge": "25"}}, "neither a whole number nor a percentage"),
        (("metadata", "labels"), None, ""),
        (("spec", "template", "spec", "containers"), [None, {"name": None, "ports": 5, "resources": "x"}], ""),
    ],
)
def test_what_the_api_server_refuses_beyond_the_schemas(path: tuple[str | int, ...], value: object, fault: str) -> None:
    faults = [one.message for one in rule_faults(set_at(DEPLOYMENT, path, value), "1.37")]
    assert len(faults) == bool(fault)
    assert all(fault in one for one in faults)


@pytest.mark.parametrize(
    ("kind", "name", "fits"),
    [
        ("Service", "1web", False), ("Service", "web", True), ("ConfigMap", "1.web", True),
        ("CronJob", 53 * "x", False),
        ("Namespace", "a.b", False), ("ClusterRole", "system:node", True), ("Role", "a/b", False),
    ],
)  # fmt: skip
def test_names_by_kind(kind: str, name: str, fits: bool) -> None:
    assert (rule_faults({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}, "1.35") == []) is fits


@pytest.mark.parametrize(("version", "fits"), [("1.9", False), ("1.35", False), ("1.36", True), ("1.37", True)])
def test_the_name_of_a_service_may_begin_with_a_digit_since_1_36(version: str, fits: bool) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "1web"}}
    assert (rule_faults(service, version) == []) is fits
    for name in ("-web", "a.b", "Web", 64 * "x"):
        assert rule_faults({**service, "metadata": {"name": name}}, version)


def test_ports_of_a_service() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}}
    right = [{"name": "a", "port": 80, "targetPort": 0}, {"name": "b", "port": 81, "targetPort": "http"}]
    assert rule_faults({**service, "spec": {"ports": right}}, "1.37") == []
    wrong = [{"port": 70000}, {"name": "b", "port": 81, "targetPort": "8080"}]
    assert [field_path(one.path) for one in rule_faults({**service, "spec": {"ports": wrong}}, "1.37")] == [
        "spec.ports[0].port", "spec.ports[0].name", "spec.ports[1].targetPort",
    ]  # fmt: skip


@pytest.mark.parametrize("schedule", ["* * * * *", "*/5 0-4,6 1 JAN mon-fri", "@daily", "@every 1h30m", " 0 2 * * 0 "])
def test_schedules_that_kubernetes_takes(schedule: str) -> None:
    assert cron_problem(schedule) == ""


@pytest.mark.parametrize(
    "schedule",
    ["", "* * * *", "60 * * * *", "* * * * 7", "* * 0 * *", "5-3 * * * *", "*/0 * * * *", "@never", "TZ=UTC * * * * *"],
)
def test_schedules_that_kubernetes_refuses(schedule: str) -> None:
    assert cron_problem(schedule)
    job = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "x"}, "spec": {"schedule": schedule}}
    assert len(rule_faults(job, "1.37")) == 1


@pytest.mark.parametrize(
    ("zone", "faults"),
    [
        ("Europe/Vienna", []),
        ("UTC", []),
        ("Etc/GMT+5", []),
        ("Europe/Wien", ["'Europe/Wien' is no time zone of the IANA database; did you mean Europe/Vienna?"]),
        ("Local", ["'Local' is no time zone of the IANA database"]),
        ("", ["'' is no time zone of the IANA database"]),
    ],
)
def test_time_zones(zone: str, faults: list[str]) -> None:
    spec = {"schedule": "@daily", "timeZone": zone}
    job = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "x"}, "spec": spec}
    assert [str(one) for one in rule_faults(job, "1.37")] == [f"spec.timeZone: {fault}" for fault in faults]


@pytest.mark.parametrize(
    "text", ["1", "0.5", ".5", "1.", "100m", "1Ki", "1.5Gi", "1e3", "1E3", "1E", "5k", "+1", "-1n"]
)
def test_quantities(text: str) -> None:
    assert parse_quantity(text) is not None


@pytest.mark.parametrize("text", ["", "1 Gi", "1GB", "1K", "Gi", "1.2.3", "0x10", "1mi", "one", "1e"])
def test_what_is_no_quantity(text: str) -> None:
    assert parse_quantity(text) is None
