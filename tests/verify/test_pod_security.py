"""Pod Security: each control of the standard, the awkward shapes, and where pods are looked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from floe_charts.verify.findings import CheckResult, Finding
from floe_charts.verify.pod_security import check_pod_security
from floe_charts.verify.values import Path as ValuePath
from floe_charts.verify.values import set_at
from tests.support import write_chart
from tests.verify.subjects import subject_of

Level = Literal["restricted", "baseline"]
CONTEXT = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
RESTRICTED: dict[str, Any] = {
    "initContainers": [{"name": "init", "image": "i", "securityContext": CONTEXT}],
    "containers": [{"name": "web", "image": "i", "securityContext": CONTEXT}],
    "ephemeralContainers": [{"name": "debug", "image": "i", "securityContext": CONTEXT}],
    "volumes": [
        {"name": "a", "emptyDir": {}},
        {"name": "b", "configMap": {"name": "b"}},
        {"name": "c", "secret": {"secretName": "c"}},
        {"name": "d", "csi": {"driver": "d"}},
        {"name": "e", "projected": {"sources": []}},
        {"name": "f", "ephemeral": {}},
        {"name": "g", "image": {"reference": "g"}},
        {"name": "h", "persistentVolumeClaim": {"claimName": "h"}},
        {"name": "i", "downwardAPI": {}},
        {"name": "j"},
    ],
}
BASELINE: dict[str, Any] = {
    "containers": [{"name": "web", "image": "i", "securityContext": {"capabilities": {"add": ["CHOWN"]}}}],
    "volumes": [{"name": "files", "nfs": {"server": "s", "path": "/"}}],
}
C = ("containers", 0)
S = ("containers", 0, "securityContext")


def set_many(spec: Mapping[str, Any], changes: Mapping[ValuePath, object]) -> dict[str, Any]:
    for path, value in changes.items():
        spec = set_at(spec, path, value)
    return dict(spec)


def checked(
    directory: Path, spec: object, level: Level = "restricted", annotations: Mapping[str, str] | None = None
) -> CheckResult:
    template = {"metadata": {"annotations": annotations or {}}, "spec": spec}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "w"},
        "spec": {"template": template},
    }
    chart = write_chart(directory / "shop", {"web.yaml": json.dumps(deployment)})
    return check_pod_security(subject_of(chart, pod_security=level))


# What each violates: rule, path below the pod's spec, the changes.
BASELINE_VIOLATIONS: list[tuple[str, str, dict[ValuePath, object]]] = [
    (
        "host-process",
        "securityContext.windowsOptions.hostProcess",
        {("securityContext",): {"windowsOptions": {"hostProcess": True}}},
    ),
    (
        "host-process",
        "containers[0].securityContext.windowsOptions.hostProcess",
        {(*S, "windowsOptions"): {"hostProcess": True}},
    ),
    ("host-namespaces", "hostNetwork", {("hostNetwork",): True}),
    ("host-namespaces", "hostPID", {("hostPID",): True}),
    ("host-namespaces", "hostIPC", {("hostIPC",): True}),
    ("privileged-containers", "containers[0].securityContext.privileged", {(*S, "privileged"): True}),
    ("capabilities", "containers[0].securityContext.capabilities.add[0]", {(*S, "capabilities", "add"): ["NET_RAW"]}),
    (
        "host-ports",
        "containers[0].ports[1].hostPort",
        {(*C, "ports"): [{"containerPort": 1, "hostPort": 0}, {"hostPort": 80}]},
    ),
    *(
        (
            "host-probes-lifecycle-hooks",
            f"containers[0].{probe}.{action}.host",
            {(*C, probe): {action: {"host": "10.0.0.1"}}},
        )
        for probe in ("livenessProbe", "readinessProbe", "startupProbe")
        for action in ("httpGet", "tcpSocket")
    ),
    *(
        (
            "host-probes-lifecycle-hooks",
            f"containers[0].lifecycle.{hook}.{action}.host",
            {(*C, "lifecycle"): {hook: {action: {"host": "a"}}}},
        )
        for hook in ("postStart", "preStop")
        for action in ("httpGet", "tcpSocket")
    ),
    (
        "apparmor",
        "securityContext.appArmorProfile.type",
        {("securityContext",): {"appArmorProfile": {"type": "Unconfined"}}},
    ),
    (
        "apparmor",
        "containers[0].securityContext.appArmorProfile.type",
        {(*S, "appArmorProfile"): {"type": "Unconfined"}},
    ),
    ("selinux", "securityContext.seLinuxOptions.type", {("securityContext",): {"seLinuxOptions": {"type": "spc_t"}}}),
    ("selinux", "containers[0].securityContext.seLinuxOptions.user", {(*S, "seLinuxOptions"): {"user": "system_u"}}),
    ("selinux", "containers[0].securityContext.seLinuxOptions.role", {(*S, "seLinuxOptions"): {"role": "system_r"}}),
    ("proc-mount-type", "containers[0].securityContext.procMount", {(*S, "procMount"): "Unmasked"}),
    (
        "seccomp",
        "securityContext.seccompProfile.type",
        {("securityContext",): {"seccompProfile": {"type": "Unconfined"}}},
    ),
    ("seccomp", "containers[0].securityContext.seccompProfile.type", {(*S, "seccompProfile"): {"type": "Unconfined"}}),
    (
        "sysctls",
        "securityContext.sysctls[0].name",
        {("securityContext",): {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}},
    ),
]
RESTRICTED_VIOLATIONS: list[tuple[str, str, dict[ValuePath, object]]] = [
    ("volume-types", "volumes[0].hostPath", {("volumes", 0): {"name": "a", "hostPath": {"path": "/"}}}),
    ("volume-types", "volumes[0].nfs", {("volumes", 0): {"name": "a", "nfs": {}}}),
    (
        "privilege-escalation",
        "containers[0].securityContext.allowPrivilegeEscalation",
        {(*S, "allowPrivilegeEscalation"): None},
    ),
    (
        "privilege-escalation",
        "containers[0].securityContext.allowPrivilegeEscalation",
        {(*S, "allowPrivilegeEscalation"): True},
    ),
    ("running-as-non-root", "securityContext.runAsNonRoot", {("securityContext",): {"runAsNonRoot": False}}),
    ("running-as-non-root", "containers[0].securityContext.runAsNonRoot", {(*S, "runAsNonRoot"): None}),
    (
        "running-as-non-root",
        "containers[0].securityContext.runAsNonRoot",
        {("securityContext",): {"runAsNonRoot": True}, (*S, "runAsNonRoot"): False},
    ),
    ("running-as-non-root-user", "securityContext.runAsUser", {("securityContext",): {"runAsUser": 0}}),
    ("running-as-non-root-user", "containers[0].securityContext.runAsUser", {(*S, "runAsUser"): 0}),
    ("seccomp", "containers[0].securityContext.seccompProfile.type", {(*S, "seccompProfile"): None}),
    ("capabilities", "containers[0].securityContext.capabilities.drop", {(*S, "capabilities"): {"drop": ["KILL"]}}),
    ("capabilities", "containers[0].securityContext.capabilities.add[0]", {(*S, "capabilities", "add"): ["CHOWN"]}),
    (
        "capabilities",
        "initContainers[0].securityContext.capabilities.drop",
        {("initContainers", 0, "securityContext", "capabilities"): None},
    ),
    (
        "privilege-escalation",
        "ephemeralContainers[0].securityContext.allowPrivilegeEscalation",
        {("ephemeralContainers", 0, "securityContext", "allowPrivilegeEscalation"): True},
    ),
]


@pytest.mark.parametrize(("rule", "path", "changes"), BASELINE_VIOLATIONS)
def test_what_breaks_the_baseline_breaks_both(
    rule: str, path: str, changes: dict[ValuePath, object], tmp_path: Path
) -> None:
    levels: dict[Level, dict[str, Any]] = {"baseline": BASELINE, "restricted": RESTRICTED}
    for level, spec in levels.items():
        [finding] = checked(tmp_path / level, set_many(spec, changes), level).findings
        assert (finding.rule, finding.path) == (rule, f"spec.template.spec.{path}")
        assert (finding.object, finding.where) == ("Deployment w", "shop/templates/web.yaml")
        assert finding.hint and finding.fails


@pytest.mark.parametrize(("rule", "path", "changes"), RESTRICTED_VIOLATIONS)
def test_what_breaks_the_restricted_standard(
    rule: str, path: str, changes: dict[ValuePath, object], tmp_path: Path
) -> None:
    [finding] = checked(tmp_path, set_many(RESTRICTED, changes)).findings
    assert (finding.rule, finding.path) == (rule, f"spec.template.spec.{path}")


@pytest.mark.parametrize(
    ("level", "spec"), [("restricted", RESTRICTED), ("baseline", RESTRICTED), ("baseline", BASELINE)]
)
def test_what_meets_the_standard(level: Level, spec: dict[str, Any], tmp_path: Path) -> None:
    result = checked(tmp_path, spec, level)
    assert result.findings == ()
    assert result.figure.endswith(level) and result.figure.startswith("1 pod with ")


def test_the_baseline_forbids_host_paths_by_its_own_control(tmp_path: Path) -> None:
    spec = set_many(BASELINE, {("volumes", 0): {"name": "a", "hostPath": {"path": "/"}}})
    [finding] = checked(tmp_path, spec, "baseline").findings
    assert (finding.rule, finding.message) == ("hostpath-volumes", "HostPath Volumes: volume a is a hostPath")


@pytest.mark.parametrize(
    "changes",
    [
        {("securityContext",): CONTEXT, (*S, "runAsNonRoot"): None, (*S, "seccompProfile"): None},
        {("securityContext",): {"sysctls": [{"name": "net.ipv4.tcp_rmem", "value": "1"}]}},
        {("securityContext",): {"seLinuxOptions": {"type": "container_engine_t", "level": "s0"}}},
        {("securityContext",): {"appArmorProfile": {"type": "Localhost", "localhostProfile": "a"}}},
        {("hostUsers",): False, (*S, "runAsUser"): 0, (*S, "runAsNonRoot"): False},
        {(*S, "runAsUser"): 1000, (*S, "procMount"): "Default", (*S, "privileged"): False},
        {(*C, "livenessProbe"): {"httpGet": {"port": 80, "host": ""}}},
    ],
)
def test_what_is_allowed(changes: dict[ValuePath, object], tmp_path: Path) -> None:
    assert checked(tmp_path, set_many(RESTRICTED, changes)).findings == ()


def test_a_user_namespace_unmasks_proc_in_the_baseline_only(tmp_path: Path) -> None:
    changes: dict[ValuePath, object] = {("hostUsers",): False, (*S, "procMount"): "Unmasked"}
    assert checked(tmp_path / "a", set_many(BASELINE, changes), "baseline").passed
    assert not checked(tmp_path / "b", set_many(RESTRICTED, changes)).passed


def test_windows_pods_need_not_say_what_they_cannot_say(tmp_path: Path) -> None:
    windows: dict[str, Any] = {
        "os": {"name": "windows"},
        "securityContext": {"runAsNonRoot": True},
        "containers": [{"name": "web"}],
    }
    assert checked(tmp_path / "a", windows).passed
    rules = {one.rule for one in checked(tmp_path / "b", {**windows, "os": {"name": "linux"}}).findings}
    assert rules == {"privilege-escalation", "capabilities", "seccomp"}


def test_annotations_of_apparmor(tmp_path: Path) -> None:
    key = "container.apparmor.security.beta.kubernetes.io/web"
    assert checked(tmp_path / "a", RESTRICTED, annotations={key: "runtime/default"}).passed
    assert checked(tmp_path / "b", RESTRICTED, annotations={key: "localhost/x"}).passed
    [finding] = checked(tmp_path / "c", RESTRICTED, annotations={key: "unconfined"}).findings
    assert (finding.rule, finding.path) == ("apparmor", f'spec.template.metadata.annotations["{key}"]')


def test_what_no_container_says_is_told_once_of_the_pod(tmp_path: Path) -> None:
    spec = {"containers": [{"name": "a"}, {"name": "b"}]}
    paths = [one.path for one in checked(tmp_path, spec).findings if one.rule in ("seccomp", "running-as-non-root")]
    assert sorted(paths) == [
        "spec.template.spec.securityContext.runAsNonRoot",
        "spec.template.spec.securityContext.seccompProfile.type",
    ]


@pytest.mark.parametrize(
    "spec",
    [
        None,
        "text",
        {},
        {"containers": None, "volumes": None, "securityContext": None},
        {"containers": ["web", None, 3], "volumes": ["data", None], "initContainers": {}},
        {
            "containers": [
                {"name": None, "securityContext": None, "ports": ["80"], "livenessProbe": "x", "lifecycle": []}
            ]
        },
        {
            "containers": [
                {"name": 1, "securityContext": {"capabilities": ["ALL"], "seccompProfile": "x", "runAsUser": "0"}}
            ]
        },
        {"containers": [{"securityContext": {"capabilities": {"add": [None, {}], "drop": "ALL"}}}], "os": "windows"},
        {"securityContext": {"sysctls": ["a", None, {}], "seLinuxOptions": [], "appArmorProfile": {"type": ["x"]}}},
        {
            "containers": [
                {"securityContext": {"seccompProfile": {"type": {}}, "procMount": {}, "seLinuxOptions": {"type": []}}}
            ]
        },
    ],
)
@pytest.mark.parametrize("level", ["restricted", "baseline"])
def test_awkward_shapes_do_not_crash(spec: object, level: Level, tmp_path: Path) -> None:
    checked(tmp_path, spec, level)


POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"hostPID": True, **BASELINE}}


def chart_of(directory: Path, *objects: Mapping[str, object]) -> Path:
    return write_chart(directory / "shop", {"all.yaml": "---\n".join(yaml.safe_dump(dict(one)) for one in objects)})


def found(directory: Path, *objects: Mapping[str, object]) -> tuple[Finding, ...]:
    return check_pod_security(subject_of(chart_of(directory, *objects), pod_security="baseline")).findings


def test_pods_of_hooks_and_cron_jobs_and_custom_workloads(tmp_path: Path) -> None:
    template = {"spec": POD["spec"]}
    hook = {**POD, "metadata": {"name": "t", "annotations": {"helm.sh/hook": "test"}}}
    job = {"jobTemplate": {"spec": {"template": template}}}
    findings = found(
        tmp_path,
        hook,
        {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c"}, "spec": job},
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": {"name": "r"},
            "spec": {"template": template},
        },
    )
    assert [(one.object, one.path) for one in findings] == [
        ("Pod t", "spec.hostPID"),
        ("CronJob c", "spec.jobTemplate.spec.template.spec.hostPID"),
        ("Rollout r", "spec.template.spec.hostPID"),
    ]


def test_pods_inside_config_maps(tmp_path: Path) -> None:
    data = {"pod.yaml": yaml.safe_dump(POD), "not.yaml": "kind: Pod\ncontainers: [", "notes": "Pod containers: none"}
    [finding] = found(tmp_path, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": data})
    assert (finding.object, finding.path) == ("ConfigMap m", 'data["pod.yaml"].spec.hostPID')


def test_what_an_operator_makes_is_named(tmp_path: Path) -> None:
    cluster = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "db"}, "spec": {}}
    result = check_pod_security(subject_of(chart_of(tmp_path, cluster)))
    assert result.figure == "no pods, restricted; not judged: the pods that Cluster makes"


def test_the_cases_of_a_finding(tmp_path: Path) -> None:
    pod = yaml.safe_dump({**POD, "spec": BASELINE}) + "  hostNetwork: {{ .Values.net }}\n"
    chart = write_chart(tmp_path / "shop", {"pod.yaml": pod}, {"net": False})
    subject = subject_of(chart, {"a": {"net": True}, "b": {"net": True}, "c": {}}, pod_security="baseline")
    [finding] = check_pod_security(subject).findings
    assert (finding.rule, finding.cases) == ("host-namespaces", ("a", "b"))
