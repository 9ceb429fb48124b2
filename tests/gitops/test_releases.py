"""What is deployed where, and which versions an environment follows."""

from __future__ import annotations

import pytest

from floe_charts.errors import DeploymentError
from floe_charts.gitops.argocd import argocd_files
from floe_charts.gitops.flux import flux_files
from floe_charts.gitops.releases import releases
from tests.gitops.deployments import REGISTRY, deployment


def test_every_chart_is_in_every_environment_on_its_cluster() -> None:
    found = releases(deployment({}))
    assert [(one.environment, one.chart) for one in found] == [
        (environment, chart)
        for environment in ("dev", "test", "qa", "uat", "staging", "prod")
        for chart in ("floe-platform", "floe-jobs")
    ]
    assert {(one.cluster, one.namespace) for one in found if one.environment == "prod"} == {("prod", "floe-prod")}
    assert {one.cluster for one in found if one.environment != "prod"} == {"non-prod"}


def test_versions_by_file() -> None:
    own = {"dev": {"version": "~1.2"}, "qa": {"jobsVersion": "3.0.0"}}
    found = {
        (one.environment, one.component): one.version
        for one in releases(deployment({"environments": own}, chart={"version": "1.2.3"}, jobs={"version": "2.0.0"}))
    }
    assert found["dev", "platform"] == "~1.2" and found["dev", "jobs"] == ">=2.0.0-0 <3.0.0-0"
    assert found["qa", "platform"] == ">=1.2.3 <2.0.0" and found["qa", "jobs"] == "3.0.0"
    assert found["prod", "platform"] == "1.2.3" and found["prod", "jobs"] == "2.0.0"


def test_several_charts_of_jobs_or_none() -> None:
    def charts(**jobs: object) -> set[str]:
        return {one.chart for one in releases(deployment({}, jobs=jobs)) if one.component == "jobs"}

    assert charts(shards=3) == {"floe-jobs-1", "floe-jobs-2", "floe-jobs-3"}
    assert charts(enabled=False) == set()
    assert charts(name="work") == {"work"}


@pytest.mark.parametrize("files", [argocd_files, flux_files])
def test_the_registry_has_no_default(files: object) -> None:
    with pytest.raises(DeploymentError, match=r"floe-charts\.yaml: gitops\.registry: .*ghcr\.io/acme/charts"):
        files(deployment({}))  # type: ignore[operator]
    assert files(deployment({"registry": REGISTRY}))  # type: ignore[operator]
