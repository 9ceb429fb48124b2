"""Requests above limits are refused: Kubernetes refuses such pods, and the schema cannot compare."""

from __future__ import annotations

import pytest

from floe_charts import Deployment, PlatformFiles, synth
from floe_charts.errors import ValuesError
from tests.synth.cases import artifact

WEBSERVER = "dagster.dagsterWebserver.resources"


def made(*sets: str, deployment: dict[str, object] | None = None) -> PlatformFiles:
    return synth([artifact()], Deployment.model_validate(deployment or {}), sets=sets, plugin_values=())


def test_the_message_names_both_values_and_who_said_them() -> None:
    with pytest.raises(ValuesError) as caught:
        made(f"{WEBSERVER}.requests.cpu=3")
    first = str(caught.value).splitlines()[0]
    assert first.startswith("values-")
    assert f"{WEBSERVER}.requests.cpu is 3 (--set), expected at most {WEBSERVER}.limits.cpu, which is " in first


@pytest.mark.parametrize(
    ("asked", "limit", "fits"),
    [
        ("cpu=500m", "cpu=0.5", True),
        ("cpu=501m", "cpu=0.5", False),
        ("cpu=1", "cpu=1000m", True),
        ("memory=1Gi", "memory=1024Mi", True),
        ("memory=1Gi", "memory=1G", False),
        ("memory=1G", "memory=1Gi", True),
        ("memory=1000M", "memory=1G", True),
        ("memory=2Ti", "memory=2T", False),
    ],
)
def test_amounts_are_compared_not_texts(asked: str, limit: str, fits: bool) -> None:
    sets = f"{WEBSERVER}.requests.{asked}", f"{WEBSERVER}.limits.{limit}"
    if fits:
        assert made(*sets)
    else:
        with pytest.raises(ValuesError, match="expected at most"):
            made(*sets)


def test_what_the_deployment_file_says_everywhere_is_held_against_each_environments_preset() -> None:
    limits = {"dagster": {"dagsterWebserver": {"resources": {"limits": {"cpu": "110m"}}}}}
    with pytest.raises(ValuesError, match=r"(?s)requests\.cpu is .* \(resource preset\).* which is 110m \(deployment"):
        made(deployment={"values": limits})


def test_a_quota_may_grant_more_requests_than_limits() -> None:
    assert made("quota.enabled=true", "quota.hard.requests.cpu=50", "quota.hard.limits.cpu=40")
