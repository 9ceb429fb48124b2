"""Flux' manifests."""

from __future__ import annotations

import posixpath
from typing import Any

import pytest
import yaml

from floe_charts.gitops.flux import cluster_path, flux_files
from tests.gitops.deployments import CASES, REGISTRY, deployment, objects, of_kind

DEFAULT = flux_files(deployment(CASES["default"]))
GIT = flux_files(deployment(CASES["git"]))


STAYS = {"kustomize.toolkit.fluxcd.io/prune": "disabled"}


def release(files: Any, environment: str, chart: str) -> dict[str, Any]:
    (found,) = [
        one["spec"]
        for one in of_kind(files, "HelmRelease")
        if (one["metadata"]["name"], one["metadata"]["namespace"]) == (chart, f"floe-{environment}")
    ]
    spec: dict[str, Any] = found
    return spec


class TestDirectories:
    @pytest.mark.parametrize("case", CASES)
    def test_a_cluster_leads_to_every_file_of_its_environments(self, case: str) -> None:
        given = deployment(CASES[case])
        files = flux_files(given)
        reached = set()
        for cluster in given.clusters:
            entry = f"{cluster_path(given, cluster)}/floe.yaml".removeprefix(f"{given.gitops.path}/")
            reached.add(entry)
            (kustomization,) = objects(files[entry])
            folders = [kustomization["spec"]["path"].removeprefix(f"./{given.gitops.path}/")]
            while folders:
                folder = folders.pop()
                reached.add(f"{folder}/kustomization.yaml")
                for name in yaml.safe_load(files[f"{folder}/kustomization.yaml"])["resources"]:
                    path = f"{folder}/{name}"
                    (reached.add if path in files else folders.append)(path)
        assert reached == set(files)

    def test_one_kustomization_for_each_cluster_from_the_source_of_the_bootstrap(self) -> None:
        found = [one for one in of_kind(DEFAULT, "Kustomization") if "spec" in one]
        assert [one["spec"]["path"] for one in found] == [
            "./gitops/flux/releases/non-prod", "./gitops/flux/releases/prod",
        ]  # fmt: skip
        assert all(one["spec"]["sourceRef"] == {"kind": "GitRepository", "name": "flux-system"} for one in found)
        assert all(one["spec"]["prune"] is True for one in found)

    def test_nothing_stands_where_the_bootstrap_writes(self) -> None:
        assert [path for path in DEFAULT if path.startswith("flux/clusters/")] == [
            "flux/clusters/non-prod/floe.yaml", "flux/clusters/prod/floe.yaml",
        ]  # fmt: skip


class TestReleases:
    def test_jobs_depend_on_the_platform(self) -> None:
        assert release(DEFAULT, "prod", "floe-jobs")["dependsOn"] == [{"name": "floe-platform"}]
        assert "dependsOn" not in release(DEFAULT, "prod", "floe-platform")
        shards = flux_files(deployment(CASES["default"], jobs={"shards": 2}))
        assert release(shards, "dev", "floe-jobs-2")["dependsOn"] == [{"name": "floe-platform"}]

    def test_values_out_of_the_chart(self) -> None:
        spec = release(DEFAULT, "staging", "floe-platform")
        assert spec["chart"]["spec"]["valuesFiles"] == ["values.yaml", "values-staging.yaml"]
        assert spec["chart"]["spec"]["version"] == ">=0.1.0 <0.2.0"
        assert spec["valuesFrom"] == [{"kind": "ConfigMap", "name": "floe-platform-overrides", "optional": True}]
        (repository,) = objects(DEFAULT["flux/releases/non-prod/staging/source.yaml"])
        assert repository["spec"] == {"type": "oci", "url": f"oci://{REGISTRY}"}
        assert spec["chart"]["spec"]["sourceRef"]["name"] == repository["metadata"]["name"]

    def test_values_from_git(self) -> None:
        spec = release(GIT, "qa", "floe-platform")
        assert spec["chartRef"] == {"kind": "OCIRepository", "name": "floe-platform"} and "chart" not in spec
        folder = "flux/releases/non-prod/qa"
        kustomization = yaml.safe_load(GIT[f"{folder}/kustomization.yaml"])
        generator = kustomization["configMapGenerator"][0]
        assert spec["valuesFrom"][0] == {"kind": "ConfigMap", "name": generator["name"]}
        assert spec["valuesFrom"][1]["optional"] is True
        key, file = generator["files"][0].split("=")
        assert key == "values.yaml"
        assert posixpath.normpath(f"deploy/gitops/{folder}/{file}") == "charts/floe-platform/values-qa.yaml"
        assert kustomization["generatorOptions"]["disableNameSuffixHash"] is True

    def test_a_version_is_a_tag_and_a_range_is_not(self) -> None:
        refs = {
            (one["metadata"]["namespace"], one["metadata"]["name"]): one["spec"]["ref"]
            for one in of_kind(GIT, "OCIRepository")
        }
        assert refs["floe-qa", "floe-platform"] == {"semver": "~0.1.0"}
        assert refs["floe-qa", "floe-jobs"] == {"tag": "0.1.3_build.7"}
        assert refs["floe-prod", "floe-platform"] == {"tag": "0.1.0"}

    def test_the_registry_is_opened_as_the_file_says(self) -> None:
        (spec,) = [
            one["spec"]
            for one in of_kind(GIT, "OCIRepository")
            if one["metadata"] == {"name": "floe-platform", "namespace": "floe-dev"}
        ]
        assert spec["provider"] == "aws" and spec["secretRef"] == {"name": "registry"}
        assert spec["url"] == f"oci://{REGISTRY}/floe-platform"
        assert "secretRef" not in of_kind(DEFAULT, "HelmRepository")[0]["spec"]

    def test_drift_is_undone_or_told(self) -> None:
        assert release(GIT, "dev", "floe-jobs")["driftDetection"]["mode"] == "warn"
        assert release(GIT, "prod", "floe-jobs")["driftDetection"]["mode"] == "enabled"

    @pytest.mark.parametrize("case", CASES)
    def test_nothing_that_happens_in_git_uninstalls_a_platform(self, case: str) -> None:
        found = of_kind(flux_files(deployment(CASES[case], jobs={"shards": 2})), "HelmRelease")
        staying = {one["metadata"]["name"] for one in found if one["metadata"].get("annotations") == STAYS}
        pruned = {one["metadata"]["name"] for one in found if "annotations" not in one["metadata"]}
        assert (staying, pruned) == ({"floe-platform"}, {"floe-jobs-1", "floe-jobs-2"})

    def test_a_platform_that_failed_is_tried_again_and_never_uninstalled(self) -> None:
        spec = release(DEFAULT, "prod", "floe-platform")
        again = {"strategy": {"name": "RetryOnFailure", "retryInterval": "5m"}}
        assert spec["install"] == {"createNamespace": False, **again}
        assert spec["upgrade"] == again

    def test_jobs_that_failed_are_rolled_back(self) -> None:
        spec = release(DEFAULT, "prod", "floe-jobs")
        assert spec["install"] == {"createNamespace": False, "remediation": {"retries": 3}}
        assert spec["upgrade"]["remediation"] == {"retries": 3, "remediateLastFailure": True}


class TestNamespaces:
    def test_say_their_pod_security_and_stay(self) -> None:
        found = {one["metadata"]["name"]: one["metadata"] for one in of_kind(GIT, "Namespace")}
        assert set(found) == {f"floe-{name}" for name in ("dev", "test", "qa", "uat", "staging", "prod")}
        for metadata in found.values():
            assert metadata["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
            assert metadata["labels"]["pod-security.kubernetes.io/warn"] == "restricted"
            assert metadata["annotations"] == STAYS
