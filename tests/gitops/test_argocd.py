"""Argo CD's manifests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from floe_charts.deployment import Deployment
from floe_charts.errors import DeploymentError
from floe_charts.gitops.argocd import argocd_files
from tests.gitops.deployments import CASES, REGISTRY, REPOSITORY, deployment, expanded, objects, of_kind

SET = "argocd/applicationset.yaml"
FINALIZER = "resources-finalizer.argocd.argoproj.io"


def application_set(gitops: dict[str, Any], **more: Any) -> dict[str, Any]:
    (found,) = objects(argocd_files(deployment(gitops, **more))[SET])
    return found


def by_name(applications: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in applications}


class TestApplicationSet:
    def test_goes_over_environments_and_charts(self) -> None:
        spec = application_set({"registry": REGISTRY})["spec"]
        assert spec["goTemplate"] is True and spec["goTemplateOptions"] == ["missingkey=error"]
        elements = spec["generators"][0]["list"]["elements"]
        assert len(elements) == 12
        prod = next(one for one in elements if one["name"] == "floe-jobs-prod")
        assert prod.items() >= {"cluster": "prod", "namespace": "floe-prod", "version": "0.1.0"}.items()

    def test_makes_an_application_of_the_chart_in_the_registry(self, tmp_path: Path) -> None:
        spec = by_name(expanded(application_set({"registry": REGISTRY}), tmp_path))["floe-platform-qa"]["spec"]
        assert spec["source"] == {
            "repoURL": REGISTRY,
            "chart": "floe-platform",
            "targetRevision": ">=0.1.0 <0.2.0",
            "helm": {"releaseName": "floe-platform", "valueFiles": ["values-qa.yaml"]},
        }
        assert spec["destination"] == {"name": "non-prod", "namespace": "floe-qa"}
        assert "CreateNamespace=true" in spec["syncPolicy"]["syncOptions"]
        labels = spec["syncPolicy"]["managedNamespaceMetadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"

    def test_production_waits_for_somebody_and_the_others_do_not(self, tmp_path: Path) -> None:
        made = by_name(expanded(application_set({"registry": REGISTRY}), tmp_path))
        automated = {name: one["spec"]["syncPolicy"].get("automated") for name, one in made.items()}
        assert automated.pop("floe-platform-prod") is None
        assert automated.pop("floe-jobs-prod") is None
        assert set(map(str, automated.values())) == {str({"prune": True, "selfHeal": True})}
        assert all(one["spec"]["syncPolicy"]["retry"]["backoff"]["factor"] == 2 for one in made.values())

    def test_jobs_go_with_their_application_and_a_platform_stays(self, tmp_path: Path) -> None:
        found = application_set({"registry": REGISTRY}, jobs={"shards": 2})
        assert found["spec"]["syncPolicy"] == {"preserveResourcesOnDeletion": True}
        made = by_name(expanded(found, tmp_path))
        going = {name for name, one in made.items() if one["metadata"].get("finalizers") == [FINALIZER]}
        staying = {name for name, one in made.items() if "finalizers" not in one["metadata"]}
        environments = Deployment.default().environments
        assert going == {f"floe-jobs-{shard}-{name}" for shard in (1, 2) for name in environments}
        assert staying == {f"floe-platform-{name}" for name in environments}

    def test_steps_select_each_automated_application_once_and_the_platform_first(self, tmp_path: Path) -> None:
        own = {"dev": {"sync": "manual"}, "prod": {"sync": "automated"}}
        found = application_set({"registry": REGISTRY, "environments": own})
        made = expanded(found, tmp_path)
        order = [
            [
                one["metadata"]["name"]
                for one in made
                if all(one["metadata"]["labels"][rule["key"]] in rule["values"] for rule in step["matchExpressions"])
            ]
            for step in found["spec"]["strategy"]["rollingSync"]["steps"]
        ]
        assert order == [
            ["floe-platform-test"],
            ["floe-jobs-test"],
            ["floe-platform-qa", "floe-platform-uat", "floe-platform-staging"],
            ["floe-jobs-qa", "floe-jobs-uat", "floe-jobs-staging"],
            ["floe-platform-prod"],
            ["floe-jobs-prod"],
        ]

    def test_nothing_is_stepped_where_all_is_manual(self) -> None:
        own = {name: {"sync": "manual"} for name in Deployment.default().environments}
        assert "strategy" not in application_set({"registry": REGISTRY, "environments": own})["spec"]

    def test_steps_can_be_left_out(self) -> None:
        given = {"registry": REGISTRY, "argocd": {"progressiveSyncs": False}}
        assert "strategy" not in application_set(given)["spec"]
        text = argocd_files(deployment(given))[SET]
        assert "--enable-progressive-syncs" not in text and "syncs at once" in text

    def test_clusters_by_name_and_by_server(self, tmp_path: Path) -> None:
        server = "https://prod.acme.example"
        gitops = {"registry": REGISTRY, "argocd": {"destinations": {"prod": server, "non-prod": "in-cluster"}}}
        made = by_name(expanded(application_set(gitops), tmp_path))
        assert made["floe-jobs-prod"]["spec"]["destination"] == {"server": server, "namespace": "floe-prod"}
        assert made["floe-jobs-dev"]["spec"]["destination"] == {"name": "in-cluster", "namespace": "floe-dev"}
        everywhere = {"registry": REGISTRY, "argocd": {"destinations": {"prod": server, "non-prod": server}}}
        destination = application_set(everywhere)["spec"]["template"]["spec"]["destination"]
        assert destination == {"server": "{{ .server }}", "namespace": "{{ .namespace }}"}

    @pytest.mark.parametrize("case", CASES)
    def test_makes_what_the_other_layout_writes(self, case: str, tmp_path: Path) -> None:
        gitops = {"repository": REPOSITORY, **CASES[case]}
        layouts = {
            layout: {**gitops, "argocd": {**gitops.get("argocd", {}), "layout": layout}}
            for layout in ("applicationSet", "applications")
        }
        made = by_name(expanded(application_set(layouts["applicationSet"]), tmp_path))
        written = by_name(of_kind(argocd_files(deployment(layouts["applications"])), "Application"))
        for name in [name for name in written if "." in name]:
            del written[name]
        waves = {one["metadata"]["annotations"].pop("argocd.argoproj.io/sync-wave") for one in written.values()}
        assert waves == {"0", "1"}
        assert made == written


class TestApplications:
    FILES = argocd_files(deployment({**CASES["git"]}))

    def test_an_application_of_each_environment_finds_those_below_it(self) -> None:
        roots = objects(self.FILES["argocd/environments.yaml"])
        assert [one["metadata"]["name"] for one in roots] == [
            f"data.{name}" for name in ("dev", "test", "qa", "uat", "staging", "prod")
        ]
        for root in roots:
            path = root["spec"]["source"]["path"].removeprefix("deploy/gitops/")
            assert {name for name in self.FILES if name.startswith(f"{path}/")} == {
                f"{path}/floe-platform.yaml", f"{path}/floe-jobs.yaml",
            }  # fmt: skip
            assert root["spec"]["destination"]["namespace"] == "gitops"
            assert root["spec"]["project"] == "default"

    def test_jobs_come_in_the_second_wave(self) -> None:
        waves = {
            path: objects(text)[0]["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]
            for path, text in self.FILES.items()
            if path.startswith("argocd/environments/")
        }
        assert {wave for path, wave in waves.items() if "floe-platform" in path} == {"0"}
        assert {wave for path, wave in waves.items() if "floe-jobs" in path} == {"1"}

    def test_values_come_from_git(self) -> None:
        (found,) = objects(self.FILES["argocd/environments/qa/floe-jobs.yaml"])
        assert found["spec"]["sources"] == [
            {
                "repoURL": REGISTRY,
                "chart": "floe-jobs",
                "targetRevision": "0.1.3+build.7",
                "helm": {
                    "releaseName": "floe-jobs",
                    "valueFiles": ["$values/charts/floe-jobs/values-qa.yaml"],
                },
            },
            {"repoURL": REPOSITORY["url"], "targetRevision": "release", "ref": "values"},
        ]

    @pytest.mark.parametrize("gitops", [{"values": "git"}, {"argocd": {"layout": "applications"}}])
    def test_need_the_repository(self, gitops: dict[str, Any]) -> None:
        with pytest.raises(DeploymentError, match=r"gitops\.repository\.url: .*https://github\.com/"):
            argocd_files(deployment({"registry": REGISTRY, **gitops}))


class TestProject:
    @pytest.mark.parametrize("case", CASES)
    def test_allows_what_the_applications_need_and_no_more(self, case: str) -> None:
        gitops = {**CASES[case], "repository": REPOSITORY}
        gitops["argocd"] = {**gitops.get("argocd", {}), "layout": "applications"}
        files = argocd_files(deployment(gitops))
        (project,) = of_kind(files, "AppProject")
        below = [one for one in of_kind(files, "Application") if one["spec"]["project"] != "default"]
        assert {one["spec"]["project"] for one in below} == {project["metadata"]["name"]}
        used = {tuple(sorted(one["spec"]["destination"].items())) for one in below}
        assert used == {tuple(sorted(one.items())) for one in project["spec"]["destinations"]}
        sources = [one["spec"].get("sources") or [one["spec"]["source"]] for one in below]
        assert {one["repoURL"] for some in sources for one in some} == set(project["spec"]["sourceRepos"])
        assert project["spec"]["clusterResourceWhitelist"] == [{"group": "", "kind": "Namespace"}]


class TestRefusals:
    @pytest.mark.parametrize(
        ("given", "place"),
        [
            ({"environments": {"dev": {"secrets": "generated"}}}, "environments.dev.secrets"),
            (
                {"environments": {"test": {"values": {"secrets": {"source": "generated"}}}}},
                "environments.test.values.secrets.source",
            ),
            (
                {"values": {"secrets": {"objectStore": {"source": "generated"}}}},
                "values.secrets.objectStore.source",
            ),
        ],
    )
    def test_generated_secrets_where_nothing_else_is(self, given: dict[str, Any], place: str) -> None:
        clusters = {"one": {"environments": list(given.get("environments", ["dev", "test"]))}}
        with pytest.raises(DeploymentError, match=rf"floe-charts\.yaml: {re.escape(place)}: .*at each sync"):
            argocd_files(deployment({"registry": REGISTRY}, clusters=clusters, **given))

    @pytest.mark.parametrize("layout", ["applicationSet", "applications"])
    def test_an_environment_with_generated_secrets_is_left_out_and_the_others_are_not(self, layout: str) -> None:
        gitops = {"registry": REGISTRY, "repository": REPOSITORY, "argocd": {"layout": layout}}
        whole = argocd_files(deployment(gitops))
        files = argocd_files(deployment(gitops, environments={"dev": {"secrets": "generated"}}))
        assert "floe-dev" in "".join(whole.values())
        assert "dev" not in re.split(r"[\W_]+", "".join([*files, *files.values()]))
        assert {path for path in whole if "/dev/" not in path} == set(files)

    def test_secrets_that_a_later_layer_takes_from_elsewhere_are_fine(self) -> None:
        values = {"secrets": {"source": "external", "objectStore": {"remoteKey": "minio"}}}
        given = {"environments": {"dev": {"secrets": "generated", "values": values}}}
        assert argocd_files(deployment({"registry": REGISTRY}, **given)) == argocd_files(
            deployment({"registry": REGISTRY})
        )

    def test_two_clusters_that_are_one_where_environments_would_meet(self) -> None:
        clusters = {name: {"environments": [name], "namespace": "data"} for name in ("blue", "green")}
        known = {"blue": "in-cluster", "green": "in-cluster"}
        assert argocd_files(deployment({"registry": REGISTRY}, clusters=clusters))
        with pytest.raises(
            DeploymentError, match=r"destinations\.green: .*blue too, and blue and green would share the namespace data"
        ):
            argocd_files(deployment({"registry": REGISTRY, "argocd": {"destinations": known}}, clusters=clusters))

    def test_two_applications_of_one_name(self) -> None:
        clusters = {"c": {"environments": ["a-x", "x"]}}
        names = {"chart": {"name": "floe"}, "jobs": {"name": "floe-a"}}
        with pytest.raises(DeploymentError, match="two Applications would be called floe-a-x"):
            argocd_files(deployment({"registry": REGISTRY}, clusters=clusters, **names))

    def test_long_names_are_cut_and_stay_apart(self) -> None:
        long = [f"{'e' * 38}{n}" for n in range(10, 30)]
        found = application_set(
            {"registry": REGISTRY}, clusters={"c": {"environments": long}}, chart={"name": "p" * 40}
        )
        names = [one["name"] for one in found["spec"]["generators"][0]["list"]["elements"]]
        assert len(set(names)) == len(names) == 40
        assert max(map(len, names)) <= 63
