"""The jobs of data products: what runs, when, with which image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import floe_charts
from floe_charts.artifacts import CompiledArtifacts
from floe_charts.constructs.jobs.schedule import is_schedule
from floe_charts.errors import ArtifactError
from floe_charts.verify.cron import cron_problem
from tests.constructs.jobs_charts import STORE, container_of, job_pod, jobs_objects, of_kind
from tests.constructs.rendering import insecure
from tests.synth.cases import artifact
from tests.synth.jobs_cases import jobs_of, made_jobs, minimal_product
from tests.synth.test_upgrades import others

DBT = "floe-jobs-hello-floe-dbt"
ONLY_DEV = {"clusters": {"one": {"environments": ["dev"]}}}
OWN_IMAGE = {"registry": "ghcr.io", "repository": "acme/projects", "tag": "1"}


def models(*models: dict[str, Any]) -> CompiledArtifacts:
    return artifact(transforms__models=[{"compute": "duckdb", **model} for model in models])


def profiles(target: str | None, *outputs: str) -> CompiledArtifacts:
    profile: dict[str, Any] = {"outputs": {name: {"type": "duckdb"} for name in outputs}}
    return artifact(dbt_profiles={"hello": profile | ({"target": target} if target else {})})


class TestDbt:
    def test_the_command(self, tmp_path: Path) -> None:
        own = {"dbt": {"exclude": ["tag:slow"], "args": ["--vars", '{"a": "b c"}']}}
        objects = jobs_objects(tmp_path, [artifact()], {"products": {"hello-floe": own}})
        assert container_of(objects, DBT)["command"] == [
            "dbt", "build",
            "--profiles-dir", "/etc/floe/product",
            "--project-dir", "/dbt",
            "--target", "dev",
            "--select", "tag:intermediate", "tag:marts", "tag:staging",
            "--exclude", "tag:slow",
            "--vars", '{"a": "b c"}',
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("found", "selectors"),
        [
            ([{"name": "a", "tags": ["x", "y"]}, {"name": "b", "tags": ["x"]}], ["tag:x", "tag:y"]),
            ([{"name": "a", "tags": None}, {"name": "b", "tags": ["x"]}], ["a", "tag:x"]),
            # Between two selectors dbt takes a space for "or" and a comma for "and".
            ([{"name": "a", "tags": ["two words"]}, {"name": "b", "tags": ["x,y", "z"]}], ["a", "tag:z"]),
        ],
    )
    def test_tags_become_selectors(self, found: list[dict[str, Any]], selectors: list[str], tmp_path: Path) -> None:
        command = container_of(jobs_objects(tmp_path, [models(*found)]), DBT)["command"]
        assert command[command.index("--select") + 1 :] == selectors

    def test_without_models_everything_is_built(self, tmp_path: Path) -> None:
        objects = jobs_objects(tmp_path, [artifact(transforms=None)])
        assert "--select" not in container_of(objects, DBT)["command"]

    @pytest.mark.parametrize(
        ("product", "targets"),
        [
            (profiles("dev", "dev"), {"dev": "dev", "staging": "dev", "prod": "dev"}),
            (profiles("dev", "dev", "staging", "prod"), {"dev": "dev", "staging": "staging", "prod": "prod"}),
            (profiles("dev", "dev", "qa", "production"), {"dev": "dev", "qa": "qa", "prod": "production"}),
            (profiles(None, "only"), {"dev": "only", "prod": "only"}),
            # dbt would read its target from a variable that nobody sets.
            (profiles("{{ env_var('T') }}", "a", "b"), {"dev": "dev", "staging": "staging", "prod": "prod"}),
            (profiles("lost", "one", "two"), {"dev": "dev", "prod": "prod"}),
        ],
    )
    def test_the_target_of_an_environment(self, product: CompiledArtifacts, targets: dict[str, str]) -> None:
        files = jobs_of([product])
        for environment, target in targets.items():
            jobs = files.final_values(environment)["jobs"]
            own = jobs["products"]["hello-floe"]["dbt"].get("target")
            assert (environment, own or jobs["dbt"]["target"]) == (environment, target)

    def test_another_environments_target_is_told(self) -> None:
        def told(*products: CompiledArtifacts, prod: dict[str, Any] | None = None, **jobs: Any) -> list[str]:
            file = {"values": {"jobs": {"image": OWN_IMAGE, **jobs}}, "environments": {"prod": {"values": prod or {}}}}
            return [*jobs_of(list(products), {**file, "clusters": {"a": {"environments": ["dev", "prod"]}}}).notices]

        [line] = told(profiles("dev", "dev"))
        assert line == (
            "jobs run dbt with --target dev in prod, for which the profiles of hello-floe have no output: add one, or "
            "set jobs.products.<product>.dbt.target"
        )
        assert told(profiles("dev", "dev", "prod")) == told(profiles("dev", "dev"), dbt={"enabled": False}) == []
        # Who says it outright means it, be it what it would be anyway.
        said = {"hello-floe": {"dbt": {"target": "dev"}}}
        assert told(profiles("dev", "dev"), products=said) == []
        assert told(profiles("dev", "dev"), prod={"jobs": {"products": said}}) == []
        # dbt would not find it at all.
        [line] = told(profiles(None, "a", "b"))
        assert "--target prod in prod" in line
        many = [artifact(metadata__product_name=f"p{number}") for number in range(5)]
        [line] = told(*many)
        assert "the profiles of p0, p1, p2 and 2 more have" in line

    def test_each_product_can_have_a_project_of_its_own(self, tmp_path: Path) -> None:
        values = {"dbt": {"projectDir": "/projects"}, "products": {"billing": {"dbt": {"projectDir": "/billing"}}}}
        objects = jobs_objects(tmp_path, others(), values)
        found = {}
        for product in ("billing", "orders-eu"):
            command = container_of(objects, f"floe-jobs-{product}-dbt")["command"]
            found[product] = command[command.index("--project-dir") + 1]
        assert found == {"billing": "/billing", "orders-eu": "/projects"}

    def test_a_product_without_profiles_has_no_dbt_job(self, tmp_path: Path) -> None:
        objects = jobs_objects(tmp_path, [minimal_product()])
        assert of_kind(objects, "CronJob") == {}
        assert set(of_kind(objects, "ConfigMap")["floe-jobs-bare"]["data"]) == {"compiled_artifacts.json"}


class TestTimes:
    def test_a_failed_job_does_not_hold_up_argo_cd(self, tmp_path: Path) -> None:
        """The annotation that Argo CD's notes on upgrading to 3.2 advise keeps them out of an Application's health."""
        values = {"products": {"billing": {"custom": {"own": {"command": ["a"]}}}}}
        found = of_kind(jobs_objects(tmp_path, others(), values), "CronJob")
        ignored = {
            name for name, one in found.items()
            if one["metadata"]["annotations"]["argocd.argoproj.io/ignore-healthcheck"] == "true"
        }  # fmt: skip
        assert ignored == set(found) and len(found) == 4

    def test_a_job_without_schedule_waits_until_somebody_starts_it(self, tmp_path: Path) -> None:
        spec = of_kind(jobs_objects(tmp_path, [artifact()]), "CronJob")[DBT]["spec"]
        assert spec["suspend"] is True
        assert cron_problem(spec["schedule"]) == ""
        assert spec["concurrencyPolicy"] == "Forbid"
        assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (3, 3)
        job = spec["jobTemplate"]["spec"]
        assert (job["backoffLimit"], job["activeDeadlineSeconds"], job["ttlSecondsAfterFinished"]) == (1, 7200, 86400)

    def test_a_schedule_of_the_deployment_file(self, tmp_path: Path) -> None:
        products = {"hello-floe": {"dbt": {"schedule": "30 6 * * MON-FRI"}}}
        objects = jobs_objects(tmp_path, [artifact()], {"products": products, "timeZone": "Europe/Berlin"})
        spec = of_kind(objects, "CronJob")[DBT]["spec"]
        found = (spec["schedule"], spec["suspend"], spec["timeZone"])
        assert found == ("30 6 * * MON-FRI", False, "Europe/Berlin")

    def test_a_schedule_can_be_passed_over(self, tmp_path: Path) -> None:
        products = {"hello-floe": {"dbt": {"schedule": "@daily", "suspend": True}}}
        objects = jobs_objects(tmp_path, [artifact()], {"products": products})
        assert of_kind(objects, "CronJob")[DBT]["spec"]["suspend"] is True

    def test_dagsters_own_default_schedule_only_where_it_is_wished(self, tmp_path: Path) -> None:
        deployment = {"environments": {"staging": {"defaultSchedules": True}}}
        for environment, suspended in (("staging", False), ("prod", True)):
            objects = jobs_objects(tmp_path / environment, [artifact()], deployment=deployment, environment=environment)
            spec = of_kind(objects, "CronJob")[DBT]["spec"]
            assert (spec["suspend"], spec["schedule"] == "0 6 * * *") == (suspended, not suspended)

    def test_a_default_schedule_that_is_none_is_told_where_it_is_wished(self) -> None:
        odd = artifact(plugins__orchestrator__config={"default_schedule": "every morning"})
        own = {"values": {"jobs": {"image": OWN_IMAGE}}, **ONLY_DEV}
        assert jobs_of([odd], own).notices == ()
        wished = jobs_of([odd], {**own, "environments": {"dev": {"defaultSchedules": True}}})
        assert wished.notices == (
            "artifact.json: plugins.orchestrator.config.default_schedule is none that a CronJob takes, and its job has "
            "no schedule",
        )

    @pytest.mark.parametrize(
        "text",
        [
            "0 6 * * *",
            "*/15 * * * *",
            "0 6 * * MON-FRI",
            "0,30 6,18 1-15 JAN-3 0",
            "0 0 31 12 SUN",
            "@daily",
            "@hourly",
        ],
    )
    def test_schedules(self, text: str) -> None:
        assert is_schedule(text) and cron_problem(text) == ""

    @pytest.mark.parametrize(
        "text",
        ["", "a", "0 6 * *", "60 6 * * *", "0 24 * * *", "0 6 0 * *", "0 6 * * 7", "0 6 * * 5-1", "0 6 * * FRI-MON",
         "@every 1h", "TZ=UTC 0 6 * * *", "0 6 * * *\n"],
    )  # fmt: skip
    def test_no_schedules(self, text: str) -> None:
        assert not is_schedule(text)


class TestPods:
    def test_they_meet_the_restricted_standard(self, tmp_path: Path) -> None:
        values = {"products": {"hello-floe": {"custom": {"own": {"command": ["true"]}}, "compressed": True}}}
        objects = jobs_objects(tmp_path, [artifact(), *others()], values)
        assert insecure(objects) == []
        for name in of_kind(objects, "CronJob"):
            pod = job_pod(objects, name)
            assert pod["automountServiceAccountToken"] is False
            for one in (*pod["containers"], *pod.get("initContainers", ())):
                assert one["securityContext"]["readOnlyRootFilesystem"] is True
                assert one["resources"]["requests"] and one["resources"]["limits"]

    def test_the_registry_of_all_images(self, tmp_path: Path) -> None:
        image = {"registry": "ghcr.io", "repository": "acme/own", "tag": "1"}
        values = {
            "products": {
                "hello-floe": {"custom": {"own": {"command": ["a"], "image": image}, "its": {"command": ["a"]}}},
                "billing": {"image": image},
            }
        }
        file = {"values": {"imageRegistry": "mirror.example.com/x", "jobs": values}}
        objects = jobs_objects(tmp_path, [artifact(), *others()], deployment=file)
        images = {name: container_of(objects, name)["image"] for name in of_kind(objects, "CronJob")}
        dbt = "mirror.example.com/x/dbt-labs/dbt-core:1.8.0"
        own = "mirror.example.com/x/acme/own:1"
        assert images == {
            DBT: dbt,
            "floe-jobs-hello-floe-own": own,
            "floe-jobs-hello-floe-its": dbt,
            "floe-jobs-billing-dbt": own,
            "floe-jobs-billing-ingestion": own,
            "floe-jobs-orders-eu-dbt": dbt,
        }
        tests = [one["spec"]["containers"][0]["image"] for one in of_kind(objects, "Pod").values()]
        assert tests and all(one.startswith("mirror.example.com/x/") for one in tests)

    def test_resources_by_preset_by_kind_and_by_job(self, tmp_path: Path) -> None:
        own = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "9Gi"}}
        values = {
            "custom": {"resources": {"limits": {"memory": "7Gi"}}},
            "products": {
                "billing": {
                    "ingestion": {"resources": own},
                    "custom": {"plain": {"command": ["a"]}, "own": {"command": ["a"], "resources": own}},
                }
            },
        }
        objects = jobs_objects(tmp_path, others(), values, environment="prod")
        memory = {
            name.removeprefix("floe-jobs-billing-"): container_of(objects, name)["resources"]["limits"]["memory"]
            for name in of_kind(objects, "CronJob")
            if "billing" in name
        }
        assert memory == {"dbt": "2Gi", "ingestion": "9Gi", "plain": "7Gi", "own": "9Gi"}

    def test_a_kind_of_jobs_can_be_left_out(self, tmp_path: Path) -> None:
        values = {"dbt": {"enabled": False}, "products": {"orders-eu": {"custom": {"own": {"command": ["a"]}}}}}
        objects = jobs_objects(tmp_path, others(), values)
        assert set(of_kind(objects, "CronJob")) == {"floe-jobs-billing-ingestion", "floe-jobs-orders-eu-own"}

    def test_an_ingestion_job_runs_the_products_own_program(self, tmp_path: Path) -> None:
        values = {"products": {"billing": {"ingestion": {"command": ["load", "all"], "schedule": "@hourly"}}}}
        objects = jobs_objects(tmp_path, others(), values)
        assert container_of(objects, "floe-jobs-billing-ingestion")["command"] == ["load", "all"]
        assert of_kind(objects, "CronJob")["floe-jobs-billing-ingestion"]["spec"]["suspend"] is False

    def test_they_can_write_into_volumes_of_ones_own(self, tmp_path: Path) -> None:
        claim = {"volume": {"persistentVolumeClaim": {"claimName": "duckdb"}}}
        pod = job_pod(jobs_objects(tmp_path, [artifact()], {"extraVolumes": {"/data": claim}, "runAsUser": 4711}), DBT)
        assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsUser"] == 4711
        assert "/data" in {one["mountPath"] for one in pod["containers"][0]["volumeMounts"]}

    def test_an_image_without_a_project_is_told(self) -> None:
        def told(jobs: dict[str, Any], products: list[CompiledArtifacts] | None = None) -> tuple[str, ...]:
            lines = jobs_of(products or [artifact(), *others()], {"values": {"jobs": jobs}}).notices
            return tuple(line for line in lines if "--target" not in line)

        [line] = told({})
        assert line == (
            "jobs run dbt-labs/dbt-core, which holds no dbt project, in dev, test, qa, uat, staging, prod: set "
            "jobs.image, or jobs.products.<product>.image"
        )
        assert told({"image": {"tag": "1.8.9"}}) == (line,)
        assert told({"image": OWN_IMAGE}) == ()
        own = {name: {"image": OWN_IMAGE} for name in ("hello-floe", "billing", "orders-eu")}
        assert told({"products": own}) == ()
        assert told({"products": {**own, "billing": {}}}) == (line,)
        assert told({}, [minimal_product()]) == told({"dbt": {"enabled": False}}, [artifact()]) == ()
        staging = {"environments": {"prod": {"values": {"jobs": {"image": OWN_IMAGE}}}}}
        line = jobs_of([artifact()], staging).notices[0]
        assert "in dev, test, qa, uat, staging: set" in line

    @pytest.mark.parametrize(
        ("path", "jobs", "told"),
        [
            ("/tmp/floe/a.duckdb", {}, False),
            (":memory:", {}, False),
            ("{{ env_var('DB') }}", {}, False),
            ("/data/a.duckdb", {}, True),
            ("a.duckdb", {}, True),
            ("/data/a.duckdb", {"extraVolumes": {"/data": {"volume": {"emptyDir": {}}}}}, False),
            ("/data2/a.duckdb", {"extraVolumes": {"/data": {"volume": {"emptyDir": {}}}}}, True),
            ("/data/a.duckdb", {"dbt": {"enabled": False}}, False),
        ],
    )
    def test_a_database_where_nothing_can_be_written_is_told(self, path: str, jobs: dict[str, Any], told: bool) -> None:
        profile = {"target": "dev", "outputs": {"dev": {"type": "duckdb", "path": path}}}
        file = {"values": {"jobs": {"image": OWN_IMAGE, **jobs}}, **ONLY_DEV}
        files = jobs_of([artifact(dbt_profiles={"a": profile})], file)
        line = (
            f"jobs can write nothing at {path}, where dbt's profile has DuckDB's file: mount a volume there, "
            "jobs.extraVolumes"
        )
        assert files.notices == ((line,) if told else ())


def test_the_library_offers_them() -> None:
    deployment = floe_charts.Deployment.default()
    chart = floe_charts.FloeJobs([artifact()], deployment)
    assert isinstance(chart.jobs, floe_charts.DataProductJobs)
    assert floe_charts.synth_jobs([artifact()], deployment).charts == (chart.chart_name,)


def test_two_artifacts_of_one_product_are_refused() -> None:
    with pytest.raises(ArtifactError, match="hello-floe is the data product of"):
        jobs_of([artifact(), artifact(metadata__product_version="2.0.0")])


def test_the_readme_lists_the_products() -> None:
    readme = made_jobs("jobs-two-products")[0]["floe-jobs/README.md"]
    assert "| `orders-eu` | Orders_EU | 2.1.0 | yes | no | `floe-platform-orders-eu-credentials` |" in readme
    assert "`helm test`" in readme
    assert "`helm test`" not in made_jobs("jobs-minimal")[0]["floe-jobs/README.md"].partition("## Configuration")[0]


def test_jobs_see_the_object_store_where_it_is_and_can_write_where_duckdb_does(tmp_path: Path) -> None:
    container = container_of(jobs_objects(tmp_path, [artifact()]), DBT)
    assert container["envFrom"][:2] == STORE
    assert {"name": "scratch", "mountPath": "/tmp/floe"} in container["volumeMounts"]
