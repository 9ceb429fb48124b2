"""The controls of the Pod Security Standards, one function each.

The facts are those of Kubernetes' own admission plugin (``kubernetes/pod-security-admission``, the rules of version
1.37) and of the page "Pod Security Standards", with all that the newest version allows, such as root in a user
namespace (``hostUsers: false``). A field is judged after the API server's defaults: a volume without a source is an
``emptyDir``. Whatever has a wrong shape counts as not set; that it is wrong, the check ``kubernetes`` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from floe_charts.verify.pods import PodTemplate
from floe_charts.verify.values import Path, get_at

__all__ = ["CONTROLS", "Control", "Pod", "Violation", "violations"]

Level = Literal["restricted", "baseline"]


class Violation(NamedTuple):
    """What breaks a control: the place inside the pod's owner, what was found there, and what to write instead."""

    path: Path
    found: str
    hint: str


class Control(NamedTuple):
    """A control: the rule's name here, its name in the standard, and what finds violations."""

    rule: str
    title: str
    violations: Callable[[Pod], Iterator[Violation]]


@dataclass(frozen=True)
class Pod:
    """A pod template as the controls look at it."""

    template: PodTemplate

    @property
    def spec(self) -> Mapping[str, object]:
        """The pod's spec."""
        return self.template.spec

    @cached_property
    def containers(self) -> tuple[tuple[Path, str, Mapping[str, object]], ...]:
        """Each container with its path inside the owner and what to call it."""
        return tuple(
            (path, f"container {container.get('name', path[-1])}", container)
            for path, container in self.template.containers()
        )

    @cached_property
    def contexts(self) -> tuple[tuple[Path, str, Mapping[str, object]], ...]:
        """The security context of each container; empty where it has none."""
        return tuple(
            ((*path, "securityContext"), who, _map(container.get("securityContext")))
            for path, who, container in self.containers
        )

    @cached_property
    def context(self) -> tuple[Path, str, Mapping[str, object]]:
        """The security context of the pod itself."""
        return self.at("spec", "securityContext"), "the pod", _map(self.spec.get("securityContext"))

    @property
    def all_contexts(self) -> tuple[tuple[Path, str, Mapping[str, object]], ...]:
        """That of the pod, then those of its containers."""
        return (self.context, *self.contexts)

    @property
    def volumes(self) -> Iterator[tuple[Path, Mapping[str, object]]]:
        """Each volume with its path inside the owner."""
        for index, volume in enumerate(_list(self.spec.get("volumes"))):
            if isinstance(volume, Mapping):
                yield self.at("spec", "volumes", index), volume

    @property
    def annotations(self) -> Mapping[str, object]:
        """The annotations of the pod."""
        return _map(get_at(self.template.owner.data, self.at("metadata", "annotations")))

    @property
    def is_windows(self) -> bool:
        """Whether the pod says that it is for Windows, where some fields may not be set."""
        return _map(self.spec.get("os")).get("name") == "windows"

    @property
    def has_own_users(self) -> bool:
        """Whether it runs in a user namespace, where root is nobody on the host."""
        return self.spec.get("hostUsers") is False

    def at(self, *steps: str | int) -> Path:
        """A path below the template as one inside its owner."""
        return (*self.template.path, *steps)


def violations(pod: Pod, level: Level) -> Iterator[tuple[Control, Violation]]:
    """What in ``pod`` breaks the standard, control by control in the standard's order."""
    for control in CONTROLS[level]:
        for violation in control.violations(pod):
            yield control, violation


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


# -- baseline ----------------------------------------------------------------------------------------------------------

_DEFAULT_CAPABILITIES = frozenset(
    {
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"),
        *("SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    }
)
_PROBES = (
    ("livenessProbe",),
    ("readinessProbe",),
    ("startupProbe",),
    ("lifecycle", "postStart"),
    ("lifecycle", "preStop"),
)
_APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
_SELINUX_TYPES = ("container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_notsent_lowat",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_slow_start_after_idle",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)


def _host_process(pod: Pod) -> Iterator[Violation]:
    for path, who, context in pod.all_contexts:
        if _map(context.get("windowsOptions")).get("hostProcess") is True:
            yield Violation(
                (*path, "windowsOptions", "hostProcess"), f"{who} is a HostProcess", "write hostProcess: false"
            )


def _host_namespaces(pod: Pod) -> Iterator[Violation]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.spec.get(field) is True:
            yield Violation(pod.at("spec", field), f"{field} is true", f"take {field} out")


def _privileged(pod: Pod) -> Iterator[Violation]:
    for path, who, context in pod.contexts:
        if context.get("privileged") is True:
            yield Violation((*path, "privileged"), f"{who} is privileged", "write privileged: false")


def _added(pod: Pod, allowed: frozenset[str], hint: str) -> Iterator[Violation]:
    for path, who, context in pod.contexts:
        for index, name in enumerate(_list(_map(context.get("capabilities")).get("add"))):
            if not isinstance(name, str) or name not in allowed:
                yield Violation((*path, "capabilities", "add", index), f"{who} adds {name}", hint)


def _capabilities(pod: Pod) -> Iterator[Violation]:
    return _added(pod, _DEFAULT_CAPABILITIES, "add none beyond the default set of the container runtime")


def _host_path(pod: Pod) -> Iterator[Violation]:
    for path, volume in pod.volumes:
        if volume.get("hostPath") is not None:
            hint = "use an emptyDir, a PersistentVolumeClaim, a ConfigMap or a Secret"
            yield Violation((*path, "hostPath"), f"volume {volume.get('name')} is a hostPath", hint)


def _host_ports(pod: Pod) -> Iterator[Violation]:
    for path, who, container in pod.containers:
        for index, port in enumerate(_list(container.get("ports"))):
            number = _map(port).get("hostPort")
            if number:
                hint = "take hostPort out and reach the pod through a Service"
                yield Violation((*path, "ports", index, "hostPort"), f"{who} takes port {number} of its host", hint)


def _probe_hosts(pod: Pod) -> Iterator[Violation]:
    for path, who, container in pod.containers:
        for steps in _PROBES:
            for action in ("httpGet", "tcpSocket"):
                found = get_at(container, (*steps, action, "host"))
                if isinstance(found, str) and found:
                    place = (*path, *steps, action, "host")
                    hint = "take host out: the kubelet then asks the pod itself"
                    yield Violation(place, f"{steps[-1]} of {who} goes to the host {found}", hint)


def _app_armor(pod: Pod) -> Iterator[Violation]:
    hint = "write type: RuntimeDefault or type: Localhost, or leave appArmorProfile out"
    for path, who, context in pod.all_contexts:
        profile = context.get("appArmorProfile")
        if isinstance(profile, Mapping) and profile.get("type") not in ("RuntimeDefault", "Localhost"):
            found = f"the profile of {who} is of type {profile.get('type')}"
            yield Violation((*path, "appArmorProfile", "type"), found, hint)
    for key, value in pod.annotations.items():
        allowed = not value or value == "runtime/default" or str(value).startswith("localhost/")
        if key.startswith(_APPARMOR_ANNOTATION) and not allowed:
            hint = "write runtime/default or localhost/PROFILE, or take the annotation out"
            yield Violation(pod.at("metadata", "annotations", key), f"the annotation {key} is {value}", hint)


def _selinux(pod: Pod) -> Iterator[Violation]:
    for path, who, context in pod.all_contexts:
        options = _map(context.get("seLinuxOptions"))
        label = options.get("type")
        if label and label not in _SELINUX_TYPES:
            hint = f"write one of {', '.join(_SELINUX_TYPES)}, or leave type out"
            yield Violation((*path, "seLinuxOptions", "type"), f"{who} has the type {label}", hint)
        for field in ("user", "role"):
            if options.get(field):
                found = f"{who} has the {field} {options[field]}"
                yield Violation((*path, "seLinuxOptions", field), found, f"take {field} out")


def _proc_mount(pod: Pod) -> Iterator[Violation]:
    for path, who, context in pod.contexts:
        found = context.get("procMount")
        if found is not None and found != "Default":
            yield Violation((*path, "procMount"), f"{who} has procMount {found}", "write procMount: Default")


def _proc_mount_baseline(pod: Pod) -> Iterator[Violation]:
    return iter(()) if pod.has_own_users else _proc_mount(pod)


def _wrong_seccomp(pod: Pod) -> Iterator[Violation]:
    for path, who, context in pod.all_contexts:
        profile = context.get("seccompProfile")
        if isinstance(profile, Mapping) and not _is_seccomp(profile):
            found = f"the profile of {who} is of type {profile.get('type')}"
            hint = "write type: RuntimeDefault (or Localhost)"
            yield Violation((*path, "seccompProfile", "type"), found, hint)


def _is_seccomp(profile: object) -> bool:
    return _map(profile).get("type") in ("RuntimeDefault", "Localhost")


def _sysctls(pod: Pod) -> Iterator[Violation]:
    path, _, context = pod.context
    for index, sysctl in enumerate(_list(context.get("sysctls"))):
        name = _map(sysctl).get("name")
        if isinstance(name, str) and name not in _SAFE_SYSCTLS:
            hint = "take it out; only the safe sysctls of the standard are allowed"
            yield Violation((*path, "sysctls", index, "name"), f"the pod sets {name}", hint)


# -- restricted --------------------------------------------------------------------------------------------------------

_VOLUMES = frozenset(
    {
        *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected"),
        "secret",
    }
)
_OTHER_VOLUMES = (
    *("hostPath", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "nfs", "iscsi", "glusterfs", "rbd"),
    *("flexVolume", "cinder", "cephfs", "flocker", "fc", "azureFile", "azureDisk", "vsphereVolume", "quobyte"),
    *("photonPersistentDisk", "portworxVolume", "scaleIO", "storageos"),
)


def _volume_types(pod: Pod) -> Iterator[Violation]:
    hint = "use an emptyDir, a PersistentVolumeClaim, a ConfigMap, a Secret or a projected volume"
    for path, volume in pod.volumes:
        if any(volume.get(kind) is not None for kind in _VOLUMES):
            continue
        for kind in _OTHER_VOLUMES:
            if volume.get(kind) is not None:
                yield Violation((*path, kind), f"volume {volume.get('name')} is of type {kind}", hint)


def _privilege_escalation(pod: Pod) -> Iterator[Violation]:
    for path, who, context in () if pod.is_windows else pod.contexts:
        if context.get("allowPrivilegeEscalation") is not False:
            says = "allows it" if context.get("allowPrivilegeEscalation") is True else "does not forbid it"
            hint = "write allowPrivilegeEscalation: false"
            yield Violation((*path, "allowPrivilegeEscalation"), f"{who} {says}", hint)


def _non_root(pod: Pod) -> Iterator[Violation]:
    if pod.has_own_users:
        return
    hint = "write runAsNonRoot: true"
    wrong = [one for one in pod.all_contexts if one[2].get("runAsNonRoot") is False]
    for path, who, _ in wrong:
        yield Violation((*path, "runAsNonRoot"), f"{who} says runAsNonRoot: false", hint)
    if not wrong and pod.context[2].get("runAsNonRoot") is not True:
        missing = [one for one in pod.contexts if one[2].get("runAsNonRoot") is not True]
        yield from _missing(pod, missing, ("runAsNonRoot",), "runAsNonRoot: true", hint)


def _root_user(pod: Pod) -> Iterator[Violation]:
    for path, who, context in () if pod.has_own_users else pod.all_contexts:
        user = context.get("runAsUser")
        if isinstance(user, int | float) and not isinstance(user, bool) and user == 0:
            hint = "write the number of another user, or leave runAsUser to the image"
            yield Violation((*path, "runAsUser"), f"{who} runs as user 0", hint)


def _seccomp(pod: Pod) -> Iterator[Violation]:
    if pod.is_windows:
        return
    wrong = list(_wrong_seccomp(pod))
    yield from wrong
    if not wrong and not _is_seccomp(pod.context[2].get("seccompProfile")):
        missing = [one for one in pod.contexts if not isinstance(one[2].get("seccompProfile"), Mapping)]
        hint = "write seccompProfile: {type: RuntimeDefault}"
        yield from _missing(pod, missing, ("seccompProfile", "type"), "a seccompProfile", hint)


def _missing(
    pod: Pod, missing: list[tuple[Path, str, Mapping[str, object]]], field: Path, what: str, hint: str
) -> Iterator[Violation]:
    """That neither the pod nor these containers say ``what``: at the pod where none of its containers does."""
    if missing and len(missing) == len(pod.contexts):
        names = ", ".join(who for _, who, _ in missing)
        has = f"neither the pod nor {names} has" if len(missing) == 1 else f"neither the pod nor any of {names} has"
        yield Violation((*pod.context[0], *field), f"{has} {what}", hint)
    else:
        for path, who, _ in missing:
            yield Violation((*path, *field), f"neither the pod nor {who} has {what}", hint)


def _capabilities_restricted(pod: Pod) -> Iterator[Violation]:
    if pod.is_windows:
        return
    for path, who, context in pod.contexts:
        if "ALL" not in _list(_map(context.get("capabilities")).get("drop")):
            hint = "write capabilities: {drop: [ALL]}"
            yield Violation((*path, "capabilities", "drop"), f"{who} does not drop ALL", hint)
    yield from _added(pod, frozenset({"NET_BIND_SERVICE"}), "add none but NET_BIND_SERVICE")


_BASELINE = (
    Control("host-process", "HostProcess", _host_process),
    Control("host-namespaces", "Host Namespaces", _host_namespaces),
    Control("privileged-containers", "Privileged Containers", _privileged),
    Control("capabilities", "Capabilities", _capabilities),
    Control("hostpath-volumes", "HostPath Volumes", _host_path),
    Control("host-ports", "Host Ports", _host_ports),
    Control("host-probes-lifecycle-hooks", "Host Probes / Lifecycle Hooks", _probe_hosts),
    Control("apparmor", "AppArmor", _app_armor),
    Control("selinux", "SELinux", _selinux),
    Control("proc-mount-type", "/proc Mount Type", _proc_mount_baseline),
    Control("seccomp", "Seccomp", _wrong_seccomp),
    Control("sysctls", "Sysctls", _sysctls),
)
# These say the same as their namesakes of the baseline and more; a fault is told once.
_STRICTER = {
    "capabilities": Control("capabilities", "Capabilities", _capabilities_restricted),
    "hostpath-volumes": Control("volume-types", "Volume Types", _volume_types),
    "proc-mount-type": Control("proc-mount-type", "/proc Mount Type", _proc_mount),
    "seccomp": Control("seccomp", "Seccomp", _seccomp),
}
CONTROLS: Mapping[Level, tuple[Control, ...]] = {
    "baseline": _BASELINE,
    "restricted": (
        *(_STRICTER.get(control.rule, control) for control in _BASELINE),
        Control("privilege-escalation", "Privilege Escalation", _privilege_escalation),
        Control("running-as-non-root", "Running as Non-root", _non_root),
        Control("running-as-non-root-user", "Running as Non-root user", _root_user),
    ),
}
"""The controls of each standard; ``restricted`` holds those of the baseline too."""
