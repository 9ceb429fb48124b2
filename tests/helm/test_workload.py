"""Small pieces of workloads come out as Kubernetes writes them, and Kubernetes' own schema takes them."""

from __future__ import annotations

from typing import Any

from floe_charts.helm import Component, Field, HelmChart, Values, container, secret_volume, tcp_probe
from tests.helm.rendering import Rendering


class DatabaseValues(Values):
    """A database."""

    secret: str = Field("db: {{ password", description="The Secret with its password.")


class Database(Component[DatabaseValues]):
    def build(self, v: DatabaseValues) -> None:
        probe = tcp_probe("sql", period=7, failures=4, timeout=2)
        pod: dict[str, Any] = {
            "containers": [{**container("db", "db:1", ports={"sql": 5432}), "livenessProbe": probe}],
            "volumes": [secret_volume("password", v.secret, defaultMode=0o400)],
        }
        self.add({"apiVersion": "v1", "kind": "Pod", "metadata": self.metadata(self.name("db")), "spec": pod})


def test_a_tcp_probe_and_the_volume_of_a_secret() -> None:
    chart = HelmChart("shop", description="A shop.")
    Database(chart, "db")
    pod = Rendering(chart.files()).objects()["db-pod.yaml"]["spec"]
    assert pod["containers"][0]["livenessProbe"] == {
        "tcpSocket": {"port": "sql"},
        "periodSeconds": 7,
        "timeoutSeconds": 2,
        "failureThreshold": 4,
    }
    assert pod["volumes"] == [{"name": "password", "secret": {"secretName": "db: {{ password", "defaultMode": 0o400}}]
