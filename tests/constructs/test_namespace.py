"""The namespace of the release: made only on wish, cluster-wide, with the labels of Pod Security admission."""

from __future__ import annotations

from typing import Any

import pytest

from floe_charts.constructs.surroundings.namespace import Namespace
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import ChartHandle, ValuesRefused
from floe_charts.verify.schemas import validate_objects
from tests.constructs.rendering import new_chart, objects_of, written


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    made = new_chart()
    Namespace(made)
    return written(made, tmp_path_factory.mktemp("namespace"))


def metadata(chart: ChartHandle, **values: object) -> dict[str, Any]:
    [made] = objects_of(chart, {"namespace": {"create": True, **values}}).values()
    assert (made.kind, made.api_version) == ("Namespace", "v1")
    assert not validate_objects([made], (OLDEST, latest_kube_version())).findings
    found: dict[str, Any] = made.data["metadata"]
    return found


def pod_security(found: dict[str, Any]) -> dict[str, str]:
    prefix = "pod-security.kubernetes.io/"
    return {key.removeprefix(prefix): text for key, text in found["labels"].items() if key.startswith(prefix)}


def test_there_is_none_by_default(chart: ChartHandle) -> None:
    assert objects_of(chart, {}) == {}


def test_it_is_the_releases_own_and_in_no_namespace(chart: ChartHandle) -> None:
    [made] = objects_of(chart, {"namespace": {"create": True}})
    found = metadata(chart)
    assert made == f"Namespace/{found['name']}"
    assert "namespace" not in found
    assert found["labels"]["app.kubernetes.io/part-of"] == "floe-platform"
    # Uninstalling the release must not take the volumes along.
    assert found["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_pods_are_restricted_by_default(chart: ChartHandle) -> None:
    assert pod_security(metadata(chart)) == {
        "enforce": "restricted",
        "enforce-version": "latest",
        "audit": "restricted",
        "audit-version": "latest",
        "warn": "restricted",
        "warn-version": "latest",
    }


def test_what_baseline_lets_pass_is_warned_about(chart: ChartHandle) -> None:
    found = pod_security(metadata(chart, podSecurity="baseline", podSecurityVersion="v1.33"))
    assert (found["enforce"], found["audit"], found["warn"]) == ("baseline", "restricted", "restricted")
    assert {found[f"{mode}-version"] for mode in ("enforce", "audit", "warn")} == {"v1.33"}


@pytest.mark.parametrize(
    "values", [{"podSecurity": "privileged"}, {"podSecurityVersion": "1.33"}, {"create": "yes"}, {"name": "other"}]
)
def test_other_values_are_refused(chart: ChartHandle, values: dict[str, object]) -> None:
    with pytest.raises(ValuesRefused):
        chart.check_values({"namespace": values})
