"""What ``helm test`` runs: a pod for each question that a part wants asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from floe_charts.constructs.network import Edge, Workload
from floe_charts.constructs.part import Check, Claim, PlatformPart
from floe_charts.constructs.surroundings.connections import joined, must_hold
from floe_charts.helm import (
    RELEASE_NAMESPACE,
    DnsName,
    Field,
    HelmChart,
    Image,
    NodeSelector,
    PrintableText,
    ResourceList,
    Toleration,
    Values,
    pod_security,
    restricted_security,
)
from floe_charts.helm.workload_values import ObjectAnnotationKey

__all__ = ["WORKLOAD", "HelmTests", "HelmTestsValues", "TestResources"]

WORKLOAD = "helm-test"
"""The pods of all checks."""
# Nobody's in particular: the programs of every image run as anybody.
_UID = 10001
# Until the check succeeds or time is up; a try that hangs is ended. sh, date, sleep and timeout are in every image.
_LOOP = """\
end=$(( $(date +%s) + $2 ))
until timeout 30 sh -ec "$1"; do
  [ "$(date +%s)" -lt "$end" ] || { echo "not within $2 seconds" >&2; exit 1; }
  sleep 3
done
"""


class TestResources(Values):
    """CPU and memory of a test pod."""

    requests: ResourceList = Field(ResourceList(cpu="10m", memory="32Mi"), description="What the scheduler reserves.")
    limits: ResourceList = Field(ResourceList(cpu="100m", memory="128Mi"), description="What the container may use.")


class HelmTestsValues(Values):
    """What `helm test` asks of the parts, each in a pod of its own."""

    enabled: bool = Field(True, description="Make the test pods; they run only when `helm test` is called.")
    image: Image = Field(Image(repository="curlimages/curl", tag="8.21.0"), description="Image with sh and curl.")
    timeout_seconds: int = Field(120, ge=1, le=500, description="Seconds that a part has to give the right answer.")
    resources: TestResources = TestResources()
    node_selector: NodeSelector = Field({}, description="Labels that a node must have.")
    tolerations: list[Toleration] = Field([], description="Taints that the pods tolerate.")
    priority_class_name: DnsName | None = Field(None, description="PriorityClass of the pods.")
    pod_annotations: dict[ObjectAnnotationKey, PrintableText] = Field(
        {}, description="Annotations of the pods, such as those that keep a service mesh's sidecar away."
    )


class HelmTests(PlatformPart[HelmTestsValues]):
    """A pod ``<fullname>-test-<check>`` for each check, which tries until the answer is right or its time is up.

    The pods stay until the next test, so that ``helm test --logs`` can show what they said.
    """

    title: ClassVar[str] = "Tests"

    def __init__(self, chart: HelmChart, id: str = "tests", *, checks: Sequence[Check]) -> None:
        """``checks`` are those of all parts."""
        self.asked = tuple(checks)
        super().__init__(chart, id)

    def workloads(self) -> tuple[Workload, ...]:
        """The test pods, all of one kind."""
        return (Workload(WORKLOAD, "helm test", self.refs.enabled),)

    def edges(self) -> tuple[Edge, ...]:
        """What the checks connect to."""
        return tuple(Edge(WORKLOAD, endpoint, "test", check.when) for check in self.asked for endpoint in check.edges)

    def claims(self, values: Mapping[str, Any]) -> Sequence[Claim]:
        """One pod at a time."""
        return (Claim(1, values["resources"]),) if values["enabled"] and self.asked else ()

    def build(self, v: HelmTestsValues) -> None:
        """The pods."""
        for check in self.asked:
            with self.when(joined(must_hold(v.enabled, check.when))):
                self.add(self._pod(v, check), name=f"test-{check.name}")

    def _pod(self, v: HelmTestsValues, check: Check) -> dict[str, Any]:
        container = self.container(
            "check",
            check.image if check.image is not None else v.image,
            command=["sh", "-ec", _LOOP, "check", check.script, f"{v.timeout_seconds}"],
            env=check.env,
            resources=v.resources,
            security=restricted_security(uid=_UID),
            mounts={"tmp": "/tmp", **check.mounts},
        )
        pod = {
            "activeDeadlineSeconds": 600,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            "nodeSelector": v.node_selector,
            "tolerations": v.tolerations,
            "priorityClassName": v.priority_class_name,
        }
        made = self.part(WORKLOAD).pod(
            [container],
            annotations={**v.pod_annotations, **_HOOK},
            volumes=[{"name": "tmp", "emptyDir": {}}, *check.volumes],
            security=pod_security(uid=_UID),
            pod=pod,
        )
        metadata = {"name": self.name(f"test-{check.name}"), "namespace": RELEASE_NAMESPACE, **made["metadata"]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": made["spec"]}


_HOOK = {
    "helm.sh/hook": "test",
    "helm.sh/hook-delete-policy": "before-hook-creation",
    # Scanners ask every Pod for probes.
    "checkov.io/skip-liveness": "CKV_K8S_8=the pod ends by itself",
    "checkov.io/skip-readiness": "CKV_K8S_9=nobody connects to the pod",
}
