"""Workloads come out as Kubernetes writes them, with what the values say of their pods."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from floe_charts.errors import DeclarationError
from floe_charts.helm import (
    ChartValues,
    Component,
    ExtraEnv,
    Field,
    HelmChart,
    Image,
    PodValues,
    Resources,
    Values,
    Without,
    WorkloadValues,
    container,
    restricted_security,
    secret_volume,
    tcp_probe,
    when,
)
from tests.helm.one_chart import chart_with, taken_by_kubernetes
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


class ShopValues(WorkloadValues):
    """A shop."""

    image: Image = Field(Image(repository="acme/shop", tag="1"), description="Its image.")
    debug: bool = Field(False, description="A switch.")
    extra_env: Annotated[ExtraEnv, Without("MODE", "NOTE")] = Field({}, description="Further variables.")


ENV = {"MODE": "x"}
TMP = {"name": "tmp", "emptyDir": {}}


def shop(self: Any, v: Any, **more: Any) -> None:
    web = self.part("web", ports={"http": 8080})
    arguments = {"env": ENV, "mounts": {"tmp": "/tmp"}, "volumes": [TMP], **more}
    self.add(web.deployment(image=v.image, resources=v.resources, values=v, **arguments))
    web.add_service_account(v)
    web.add_scaling(v)
    self.add({"apiVersion": "test/v1", "kind": "Probe", "metadata": {"name": "p"}, "debug": v.debug})


@pytest.fixture(scope="module")
def rendering() -> Rendering:
    return Rendering(chart_with(ShopValues(), shop).files())


def template_of(rendering: Rendering, values: dict[str, Any]) -> Any:
    return taken_by_kubernetes(rendering, {"web": values})["web-deployment.yaml"]["spec"]["template"]


ALIKE = {
    "app.kubernetes.io/name": "shop",
    "app.kubernetes.io/instance": "shop",
    "app.kubernetes.io/component": "web",
}


def test_pods_keep_apart_and_spread_unless_the_values_say_otherwise(rendering: Rendering) -> None:
    pod = template_of(rendering, {})["spec"]
    [term] = pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert term["podAffinityTerm"] == {
        "labelSelector": {"matchLabels": ALIKE},
        "topologyKey": "kubernetes.io/hostname",
    }
    [spread] = pod["topologySpreadConstraints"]
    assert (spread["topologyKey"], spread["whenUnsatisfiable"]) == ("topology.kubernetes.io/zone", "ScheduleAnyway")
    assert spread["labelSelector"] == {"matchLabels": ALIKE}
    assert pod.keys() & {"nodeSelector", "tolerations", "priorityClassName", "imagePullSecrets"} == set()
    own = {
        "affinity": {"nodeAffinity": {}},
        "topologySpreadConstraints": [{"maxSkew": 2, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule"}],
        "nodeSelector": {"disk": "true"},
        "tolerations": [{"operator": "Exists"}],
        "priorityClassName": "high",
        "terminationGracePeriodSeconds": 90,
    }
    assert {key: template_of(rendering, own)["spec"][key] for key in own} == own


def test_extra_variables_and_volumes_join_the_charts_own(rendering: Rendering) -> None:
    volumes = {
        "/mnt/a": {"volume": {"emptyDir": {}}},
        "/home/me/.config": {"volume": {"configMap": {"name": "c"}}, "subPath": "a.toml", "readOnly": True},
    }
    pod = template_of(rendering, {"extraEnv": {"B": {"value": "{{"}, "A": {"value": ""}}, "extraVolumes": volumes})
    pod = pod["spec"]
    [main] = pod["containers"]
    assert main["env"] == [
        {"name": "MODE", "value": "x"},
        {"name": "A", "value": ""},
        {"name": "B", "value": "{{"},
    ]
    own, home, mnt = main["volumeMounts"]
    assert own == {"name": "tmp", "mountPath": "/tmp"}
    assert home == {"name": home["name"], "mountPath": "/home/me/.config", "subPath": "a.toml", "readOnly": True}
    assert mnt == {"name": mnt["name"], "mountPath": "/mnt/a"}
    assert pod["volumes"] == [
        TMP,
        {"name": home["name"], "configMap": {"name": "c"}},
        {"name": mnt["name"], "emptyDir": {}},
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"env": {"MODE": "x", "HOME": "/"}}, "the variables HOME could meet extra ones"),
        ({"env": {"MODE": "x", "A": when(True, "y")}}, "the variables A could meet extra ones"),
        ({"mounts": {"tmp": "/mnt/tmp"}}, "/mnt/tmp could be the path of an extra volume"),
        ({"mounts": {"tmp": when(True, "/tmp", "/data")}}, "/data could be the path of an extra volume"),
        ({"volumes": [{"name": "extra-own", "emptyDir": {}}]}, "an extra volume could be called extra-own too"),
        ({"volumes": [when(True, {"name": "extra-own"})]}, "an extra volume could be called extra-own too"),
        ({"labels": {"team": "shop"}}, "the label 'team' could meet one that values add"),
    ],
)
def test_what_an_extra_one_could_meet_is_refused(more: dict[str, Any], said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        chart_with(ShopValues(), lambda self, v: shop(self, v, **more)).files()


def test_variables_on_a_condition_are_looked_at_too() -> None:
    def build(self: Any, v: Any) -> None:
        shop(self, v, env={**ENV, **when(v.debug, {"NOTE": "y"}, {"OTHER": "z"})})

    with pytest.raises(DeclarationError, match="the variables OTHER could meet extra ones"):
        chart_with(ShopValues(), build).files()


def test_variables_of_another_map_of_values_are_refused() -> None:
    class Twice(ShopValues):
        """Two maps."""

        more_env: ExtraEnv = Field({}, description="More variables.")

    def build(self: Any, v: Any) -> None:
        shop(self, v, env={**ENV, **v.more_env})

    with pytest.raises(DeclarationError, match="could meet extra ones; let one map hold both"):
        chart_with(Twice(), build).files()


def test_extra_volumes_are_only_in_pods_that_see_them() -> None:
    def build(self: Any, v: Any) -> None:
        web = self.part("web")
        self.add(web.job([web.container("shop:1", name="init")], values=v), name="init")
        containers = [web.container("shop:1", values=v), web.container("side:1", name="side")]
        self.add(web.deployment(containers=containers, values=v))

    values = {"extraVolumes": {"/mnt/a": {"volume": {"persistentVolumeClaim": {"claimName": "c"}}}}}
    objects = taken_by_kubernetes(
        Rendering(chart_with(PodValues(), build, shared=ChartValues()).files()), {"web": values}
    )
    # A claim that one node holds would keep a Job from starting.
    assert "volumes" not in objects["init-job.yaml"]["spec"]["template"]["spec"]
    pod = objects["web-deployment.yaml"]["spec"]["template"]["spec"]
    assert [len(one.get("volumeMounts", [])) for one in pod["containers"]] == [1, 0]
    assert len(pod["volumes"]) == 1


def test_a_job_as_a_hook_and_by_itself() -> None:
    def build(self: Any, v: Any) -> None:
        web = self.part("migrate")
        main = web.container(v.image, command=["migrate"], resources=v.resources, values=v)
        hooked = web.job([main], hook="pre-install,pre-upgrade", hook_weight=-5, deadline=60, backoff_limit=1, ttl=5,
                         values=v, pod={"enableServiceLinks": False}, volumes=[TMP])  # fmt: skip
        self.add(hooked)
        self.add(self.part("once").job([main], values=v, pod={"restartPolicy": "OnFailure"}), name="once")

    class Migration(PodValues):
        """A migration."""

        image: Image = Field(Image(repository="acme/shop"), description="Its image.")
        resources: Resources = Resources()

    rendering = Rendering(chart_with(Migration(), build).files())
    common = {"commonAnnotations": {"team": "shop"}}
    objects = taken_by_kubernetes(rendering, {**common, "web": {"podAnnotations": {"a": "b"}, "podLabels": {"c": "d"}}})
    hooked = objects["web-job.yaml"]
    assert hooked["metadata"]["annotations"] == {
        "team": "shop",
        "helm.sh/hook": "pre-install,pre-upgrade",
        "helm.sh/hook-weight": "-5",
        "helm.sh/hook-delete-policy": "before-hook-creation",
    }
    spec = hooked["spec"]
    assert (spec["activeDeadlineSeconds"], spec["backoffLimit"], spec["ttlSecondsAfterFinished"]) == (60, 1, 5)
    pod = spec["template"]
    assert pod["metadata"]["annotations"] == {"team": "shop", "a": "b"}
    assert pod["metadata"]["labels"]["c"] == "d"
    assert (pod["spec"]["restartPolicy"], pod["spec"]["enableServiceLinks"]) == ("Never", False)
    plain = objects["once-job.yaml"]
    assert plain["metadata"]["annotations"] == {"team": "shop"}
    assert plain["spec"]["template"]["spec"]["restartPolicy"] == "OnFailure"


def test_a_stateful_set_has_as_many_pods_as_the_values_say() -> None:
    def build(self: Any, v: Any) -> None:
        web = self.part("web", ports={"sql": 5432})
        claim = {
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }
        made = web.stateful_set(service=web.name, image=v.image, env=ENV, mounts={"data": "/var/lib/data"}, values=v,
                                volume_claims=[claim], claim_retention={"whenDeleted": "Retain"},
                                security=restricted_security(uid=5), resources=v.resources)  # fmt: skip
        self.add(made)
        web.add_scaling(v, kind="StatefulSet")
        web.add_service_account(v)
        self.add(web.service(headless=True))
        self.add({"apiVersion": "test/v1", "kind": "Probe", "metadata": {"name": "p"}, "debug": v.debug})

    rendering = Rendering(chart_with(ShopValues(), build).files())
    spec = taken_by_kubernetes(rendering, {"web": {"replicas": 3}})["web-statefulset.yaml"]["spec"]
    assert (spec["replicas"], spec["persistentVolumeClaimRetentionPolicy"]) == (3, {"whenDeleted": "Retain"})
    objects = taken_by_kubernetes(rendering, {"web": {"autoscaling": {"enabled": True}}})
    assert "replicas" not in objects["web-statefulset.yaml"]["spec"]
    assert objects["web-horizontalpodautoscaler.yaml"]["spec"]["scaleTargetRef"]["kind"] == "StatefulSet"
    assert objects["web-service.yaml"]["spec"]["clusterIP"] == "None"


def test_a_stateful_set_without_values_has_one_pod() -> None:
    rendering = Rendering(
        chart_with(
            DatabaseValues(),
            lambda self, v: self.add(
                self.part("db").stateful_set(service="db", image="db:1", env={"SECRET": v.secret}), name="db"
            ),
            shared=ChartValues(),
        ).files()
    )
    assert rendering.objects()["db-statefulset.yaml"]["spec"]["replicas"] == 1
