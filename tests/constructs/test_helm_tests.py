"""``helm test``: one restricted pod for each check, which tries until the answer is right."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from floe_charts.constructs.network import POLARIS, Endpoint, Workload
from floe_charts.constructs.part import Check
from floe_charts.constructs.surroundings.connections import Network
from floe_charts.constructs.surroundings.helm_tests import WORKLOAD, HelmTests
from floe_charts.helm import secret_key
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import ChartHandle, ValuesRefused
from floe_charts.verify.pod_security_controls import Pod, violations
from floe_charts.verify.pods import pod_templates
from floe_charts.verify.schemas import validate_objects
from tests.constructs.declared import DeclaredPart
from tests.constructs.rendering import new_chart, objects_of, spec_of, written

SHOP = Endpoint("shop", 8080, "http", "shop")
AWKWARD = 'test "$A" = \'{{ a }}: #\'\necho "done"\n'


def declared(chart: Any) -> DeclaredPart:
    return DeclaredPart(
        chart,
        "shop",
        endpoints=[SHOP],
        workloads=lambda v: [Workload("shop", "Shop", v.enabled)],
        checks=lambda v: [
            Check("shop", f"curl -fsS {SHOP.url(chart, '/health')}", (SHOP, POLARIS), when=v.enabled),
            Check(
                "shop-orders",
                AWKWARD,
                (SHOP,),
                env={"A": "{{ a }}: #", "PASSWORD": secret_key("orders", "password")},
                when=v.extra,
                volumes=[{"name": "ca", "secret": {"secretName": "ca"}}],
                mounts={"ca": "/etc/ca"},
            ),
        ],
    )


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    made = new_chart()
    HelmTests(made, checks=declared(made).checks())
    return written(made, tmp_path_factory.mktemp("tests"))


def pods(chart: ChartHandle, values: dict[str, Any] | None = None) -> dict[str, Any]:
    return {name: one for name, one in objects_of(chart, values or {}).items() if name.startswith("Pod/")}


BOTH = {"shop": {"extra": True}}


def test_there_is_a_pod_for_each_check_that_makes_sense(chart: ChartHandle) -> None:
    assert set(pods(chart)) == {"Pod/floe-platform-test-shop"}
    assert set(pods(chart, BOTH)) == {"Pod/floe-platform-test-shop", "Pod/floe-platform-test-shop-orders"}
    assert pods(chart, {"shop": {"enabled": False}}) == {}
    assert pods(chart, {"tests": {"enabled": False}, **BOTH}) == {}


def test_they_are_hooks_that_end(chart: ChartHandle) -> None:
    for pod in pods(chart, BOTH).values():
        annotations = pod.data["metadata"]["annotations"]
        assert annotations["helm.sh/hook"] == "test"
        # What failed can be looked at.
        assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation"
        assert (pod.data["spec"]["restartPolicy"], pod.data["spec"]["activeDeadlineSeconds"]) == ("Never", 600)


def test_every_pod_is_restricted_and_says_what_it_needs(chart: ChartHandle) -> None:
    for pod in pods(chart, BOTH).values():
        spec = pod.data["spec"]
        [container] = spec["containers"]
        [template] = pod_templates([pod])
        assert list(violations(Pod(template), "restricted")) == []
        assert spec["automountServiceAccountToken"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert set(container["resources"]) == {"requests", "limits"}
        assert (
            pod.data["metadata"]["labels"].items()
            >= {
                "app.kubernetes.io/part-of": "floe-platform",
                "app.kubernetes.io/component": WORKLOAD,
            }.items()
        )
    report = validate_objects(list(pods(chart, BOTH).values()), (OLDEST, latest_kube_version()))
    assert [str(finding) for finding in report.findings] == []


def test_where_the_pods_run_is_a_value(chart: ChartHandle) -> None:
    values = {
        "tests": {
            "image": {"registry": "mirror.example.com", "repository": "curl", "tag": "1", "digest": ""},
            "nodeSelector": {"pool": "small"},
            "tolerations": [{"operator": "Exists"}],
            "priorityClassName": "low",
            "podAnnotations": {"sidecar.istio.io/inject": "false"},
        }
    }
    pod = pods(chart, values)["Pod/floe-platform-test-shop"].data
    assert pod["spec"]["containers"][0]["image"] == "mirror.example.com/curl:1"
    assert {key: pod["spec"][key] for key in ("nodeSelector", "tolerations", "priorityClassName")} == {
        key: values["tests"][key] for key in ("nodeSelector", "tolerations", "priorityClassName")
    }
    assert pod["metadata"]["annotations"]["sidecar.istio.io/inject"] == "false"
    with pytest.raises(ValuesRefused):
        chart.check_values({"tests": {"podAnnotations": {"helm.sh/hook": "pre-install"}}})


def run(
    chart: ChartHandle, name: str, tmp_path: Path, timeout: int, env: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """What the pod's command does, in a shell here."""
    objects = pods(chart, {"tests": {"timeoutSeconds": timeout}, **BOTH})
    [container] = spec_of(objects, f"Pod/{name}")["containers"]
    return subprocess.run(
        container["command"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_script_runs_as_it_was_written(chart: ChartHandle, tmp_path: Path) -> None:
    made = run(chart, "floe-platform-test-shop-orders", tmp_path, 1, {"A": "{{ a }}: #"})
    assert (made.returncode, made.stdout) == (0, "done\n")


def test_it_tries_until_the_answer_is_right(chart: ChartHandle, tmp_path: Path) -> None:
    count = tmp_path / "count"
    program(tmp_path, "curl", f'echo "$2" >> {count}\n[ "$(wc -l < {count})" -ge 2 ]')
    # A try that hangs is ended.
    program(tmp_path, "timeout", f'echo "$1" >> {tmp_path}/limits\nshift\nexec "$@"')
    assert run(chart, "floe-platform-test-shop", tmp_path, 60, {}).returncode == 0
    assert count.read_text() == "http://floe-platform-shop:8080/health\n" * 2
    assert (tmp_path / "limits").read_text() == "30\n30\n"


def program(directory: Path, name: str, text: str) -> None:
    (directory / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    (directory / name).chmod(0o755)


def test_it_gives_up_when_its_time_is_up(chart: ChartHandle, tmp_path: Path) -> None:
    program(tmp_path, "curl", "echo refused >&2\nexit 7")
    begun = time.monotonic()
    made = run(chart, "floe-platform-test-shop", tmp_path, 1, {})
    assert made.returncode == 1
    assert made.stderr.startswith("refused\n")
    assert made.stderr.endswith("not within 1 seconds\n")
    assert time.monotonic() - begun < 20


def test_the_pods_reach_what_they_ask() -> None:
    made = new_chart()
    part = declared(made)
    found = Network([part, HelmTests(made, checks=part.checks())])
    assert [(one.source, one.target, one.port) for one in found.connections if one.optional] == [
        (one.source, one.target, 8080) for one in found.connections
    ]
    # One for each check, as each has a condition of its own; Polaris is not in this chart.
    assert {getattr(one.source, "name", "") for one in found.connections} == {WORKLOAD}
    assert len(found.connections) == 2


def test_a_quota_has_room_for_one_pod() -> None:
    made = new_chart()
    tests = HelmTests(made, checks=declared(made).checks())
    values = tests.values.to_values()
    [claim] = tests.claims(values)
    assert (claim.pods, claim.resources["limits"]["memory"]) == (1, "128Mi")
    assert tests.claims({**values, "enabled": False}) == ()
    assert HelmTests(new_chart(), checks=()).claims(values) == ()
