"""The report of the lineage that the team's chat gets each morning: a construct of cdk8s-plus with typed values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import cdk8s_plus_33 as kplus
from floe_charts.constructs import (
    Claim,
    Edge,
    Outside,
    PlatformPart,
    RequiredSecret,
    SecretKey,
    Workload,
    object_labels,
)
from floe_charts.constructs.network import MARQUEZ
from floe_charts.constructs.postgres.types import CronSchedule
from floe_charts.deployment import Environment
from floe_charts.helm import DnsName, Field, HelmChart, Image, Values, cdk8s

__all__ = ["LineageReport", "LineageReportValues"]

CHAT = Outside("chat", "team chat", (443,))
_WORKLOAD = "lineage-report"
_URL = "webhook-url"
_SCRIPT = """\
jobs=$(curl -fsS "$MARQUEZ_URL/api/v1/jobs?limit=1000")
failed=$(echo "$jobs" | jq '[.jobs[] | select(.latestRun.state == "FAILED") | .name]')
echo "$failed" | jq '{text: "Failed last: \\(join(", "))"}' | curl -fsS --json @- "$WEBHOOK_URL"
"""


class LineageReportValues(Values):
    """The report of failed jobs, sent to the team's chat."""

    enabled: bool = Field(True, description="Whether it is sent.")
    schedule: CronSchedule = Field(
        "30 7 * * *", description="When it is sent: minute, hour, day, month, day of the week."
    )
    image: Image = Field(
        Image(registry="registry.acme.example", repository="base/toolbox", tag="3.21"),
        description="Image with sh, curl and jq.",
    )
    pull_secret: DnsName = Field("acme-registry", description="Secret to pull the image with.")
    retries: int = Field(2, ge=0, le=10, description="Further tries after a failed one.")
    deadline_seconds: int = Field(300, ge=30, le=3600, description="Seconds that a report may take, tries and all.")
    history: int = Field(3, ge=0, le=20, description="Reports whose pods are kept.")
    memory_mebibytes: int = Field(64, ge=16, le=1024, description="Memory of its pod.")
    secret_name: DnsName = Field("lineage-report", description=f"Secret with the key {_URL}.")


class LineageReport(PlatformPart[LineageReportValues]):
    """A CronJob that asks Marquez and tells the chat."""

    title: ClassVar[str] = "Lineage report"

    def __init__(self, chart: HelmChart, id: str) -> None:
        prefix = chart.values.fullname_override
        super().__init__(chart, id, LineageReportValues(secret_name=f"{prefix}-{_WORKLOAD}"))

    def workloads(self) -> tuple[Workload, ...]:
        return (Workload(_WORKLOAD, self.title, self.refs.enabled),)

    def edges(self) -> tuple[Edge, ...]:
        return (Edge(_WORKLOAD, MARQUEZ, "failed jobs"), Edge(_WORKLOAD, CHAT, "report"))

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        return (
            RequiredSecret(
                "lineageReport",
                self.values.secret_name,
                (SecretKey(_URL),),
                "address of the team's chat",
                self.refs.secret_name,
                self.refs.enabled,
                f"{self.id}.enabled is true",
            ),
        )

    def claims(self, values: Mapping[str, Any]) -> Sequence[Claim]:
        if not values["enabled"]:
            return ()
        amounts = {"cpu": "100m", "memory": f"{values['memoryMebibytes']}Mi"}
        return (Claim(1, {"requests": amounts, "limits": amounts}),)

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        return {"enabled": environment.kind == "production"}

    def build(self, v: LineageReportValues) -> None:
        labels = object_labels(self.chart, _WORKLOAD)
        with self.when(v.enabled) as scope:
            webhook = kplus.Secret.from_secret_name(scope, "webhook", v.secret_name)
            report = kplus.CronJob(
                scope,
                "report",
                metadata=cdk8s.ApiObjectMetadata(name=self.name(_WORKLOAD)),
                pod_metadata=cdk8s.ApiObjectMetadata(labels=labels),
                # cdk8s-plus wants the fields of a schedule; the whole one takes their place below.
                schedule=cdk8s.Cron.daily(),
                starting_deadline=cdk8s.Duration.minutes(10),
                concurrency_policy=kplus.ConcurrencyPolicy.FORBID,
                # Numbers from values, which pass through cdk8s-plus as numbers.
                successful_jobs_retained=v.history,
                failed_jobs_retained=v.history,
                backoff_limit=v.retries,
                active_deadline=cdk8s.Duration.seconds(v.deadline_seconds),
                docker_registry_auth=kplus.Secret.from_secret_name(scope, "registry", v.pull_secret),
                security_context=kplus.PodSecurityContextProps(user=10001, group=10001, ensure_non_root=True),
                containers=[self._container(v, webhook.env_value(_URL))],
            )
            cdk8s.ApiObject.of(report).add_json_patch(cdk8s.JsonPatch.replace("/spec/schedule", v.schedule))

    def _container(self, v: LineageReportValues, webhook: kplus.EnvValue) -> kplus.ContainerProps:
        cpu, memory = kplus.Cpu.millis(100), cdk8s.Size.mebibytes(v.memory_mebibytes)
        return kplus.ContainerProps(
            name=_WORKLOAD,
            image=self.image(v.image),
            image_pull_policy=kplus.ImagePullPolicy.IF_NOT_PRESENT,
            command=["sh", "-euc", _SCRIPT],
            env_variables={"MARQUEZ_URL": kplus.EnvValue.from_value(MARQUEZ.url(self.chart)), "WEBHOOK_URL": webhook},
            resources=kplus.ContainerResources(
                cpu=kplus.CpuResources(request=cpu, limit=cpu),
                memory=kplus.MemoryResources(request=memory, limit=memory),
            ),
            security_context=kplus.ContainerSecurityContextProps(
                user=10001,
                capabilities=kplus.ContainerSecutiryContextCapabilities(drop=[kplus.Capability.ALL]),
                seccomp_profile=kplus.SeccompProfile(type=kplus.SeccompProfileType.RUNTIME_DEFAULT),
            ),
        )
