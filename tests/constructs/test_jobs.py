"""The jobs of data products: what runs, when, with which image, variables and rights."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.constructs.jobs.schedule import is_schedule
from floe_charts.deployment import Deployment
from floe_charts.errors import ArtifactError
from floe_charts.synth.synthesis import synth
from floe_charts.verify.cron import cron_problem
from tests.constructs.jobs_charts import STORE, container_of, env_of, job_pod, jobs_objects, of_kind
from tests.constructs.rendering import insecure, objects_of
from tests.synth.cases import artifact
from tests.synth.charts import WrittenChart
from tests.synth.jobs_cases import jobs_of, made_jobs, minimal_product
from tests.synth.test_upgrades import others

DBT, NAMESPACE = "floe-jobs-hello-floe-dbt", "floe-test"
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

    def test_a_product_without_profiles_has_no_dbt_job(self, tmp_path: Path) -> None:
        objects = jobs_objects(tmp_path, [minimal_product()])
        assert of_kind(objects, "CronJob") == {}
        assert set(of_kind(objects, "ConfigMap")["floe-jobs-bare"]["data"]) == {"compiled_artifacts.json"}


class TestTimes:
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
        own = {"values": {"jobs": {"image": OWN_IMAGE}}}
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


class TestWhoTheyTalkTo:
    def test_the_platforms_services(self, tmp_path: Path) -> None:
        env = env_of(jobs_objects(tmp_path, [artifact()]), DBT)
        assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://floe-platform-otel.{NAMESPACE}.svc:4317"
        assert env["OTEL_SERVICE_NAME"] == "hello-floe"
        assert env["OTEL_RESOURCE_ATTRIBUTES"] == "deployment.environment.name=dev"
        assert env["OPENLINEAGE_URL"] == f"http://floe-platform-marquez.{NAMESPACE}.svc:5000"
        assert env["OPENLINEAGE_NAMESPACE"] == "hello-floe"
        assert env["FLOE_COMPILED_ARTIFACTS"] == "/etc/floe/product/compiled_artifacts.json"
        assert env["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "false"

    def test_of_another_name_in_another_namespace(self, tmp_path: Path) -> None:
        objects = jobs_objects(
            tmp_path,
            [artifact()],
            {"platform": {"namespace": "platform"}, "launchers": ["runs"], "networkPolicy": {"enabled": True}},
            deployment={"chart": {"name": "acme", "fullname": "acme-data"}},
        )
        env = env_of(objects, DBT)
        assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://acme-data-otel.platform.svc:4317"
        assert of_kind(objects, "RoleBinding")["floe-jobs-launcher"]["subjects"] == [
            {"kind": "ServiceAccount", "namespace": "platform", "name": "runs"}
        ]
        policy = of_kind(objects, "NetworkPolicy")["floe-jobs"]["spec"]
        otel = {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "platform"}},
            "podSelector": {
                "matchLabels": {"app.kubernetes.io/part-of": "acme", "app.kubernetes.io/component": "otel"}
            },
        }
        assert {"to": [otel], "ports": [{"protocol": "TCP", "port": 4317}]} in policy["egress"]
        checks = [one["spec"]["containers"][0]["command"][-2] for one in of_kind(objects, "Pod").values()]
        assert len(checks) == 3
        assert all("acme-data-" in check and ".platform.svc:" in check for check in checks)

    def test_nobody_where_the_product_tells_nothing(self, tmp_path: Path) -> None:
        quiet = artifact(observability__lineage=False, observability__telemetry__enabled=False, plugins__catalog=None)
        objects = jobs_objects(tmp_path, [quiet])
        env = env_of(objects, DBT)
        assert (env["OTEL_SDK_DISABLED"], env["OPENLINEAGE_DISABLED"]) == ("true", "true")
        assert not {"OPENLINEAGE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"} & env.keys()
        assert of_kind(objects, "Pod") == {}

    @pytest.mark.parametrize("part", ["otel", "marquez"])
    def test_no_part_that_the_platform_does_not_have(self, part: str, tmp_path: Path) -> None:
        objects = jobs_objects(tmp_path, [artifact()], deployment={"components": {part: {"enabled": False}}})
        assert f"floe-platform-{part}." not in str([one.data for one in objects.values()])

    def test_lineage_goes_elsewhere_where_the_artifact_says_so(self, tmp_path: Path) -> None:
        elsewhere = artifact(observability__lineage_endpoint="https://lineage.example.com/x/api/v1/lineage")
        objects = jobs_objects(tmp_path, [elsewhere])
        # As clients of OpenLineage do it; they replace what is behind the last slash.
        url = urljoin(env_of(objects, DBT)["OPENLINEAGE_URL"], "api/v1/lineage")
        assert url == "https://lineage.example.com/x/api/v1/lineage"
        assert "floe-jobs-test-lineage" not in of_kind(objects, "Pod")

    def test_network_policies_let_them_out_to_the_platform_and_nobody_in(self, tmp_path: Path) -> None:
        objects = jobs_objects(tmp_path, [artifact()], environment="prod")
        spec = of_kind(objects, "NetworkPolicy")["floe-jobs"]["spec"]
        assert spec["podSelector"] == {"matchLabels": {"app.kubernetes.io/part-of": "floe-jobs"}}
        assert spec["policyTypes"] == ["Ingress", "Egress"] and not spec.get("ingress")
        ports = {port["port"] for rule in spec["egress"] for port in rule["ports"]}
        assert ports >= {53, 4317, 4318, 5000, 8181, 443}
        labels = of_kind(objects, "CronJob")[DBT]["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "floe-jobs"
        assert "NetworkPolicy/floe-jobs" not in jobs_objects(tmp_path / "dev", [artifact()])

    def test_network_policies_are_there_where_pods_are(self, tmp_path: Path) -> None:
        quiet, no_tests = minimal_product(), {"tests": {"enabled": False}}
        custom = {"products": {"bare": {"custom": {"own": {"command": ["a"]}}}}}
        kinds = {kind: {"enabled": False} for kind in ("dbt", "ingestion")}

        def policy(number: int, product: CompiledArtifacts, jobs: dict[str, Any], **values: Any) -> bool:
            file = {"values": {"jobs": jobs, **values}}
            objects = jobs_objects(tmp_path / str(number), [product], deployment=file, environment="prod")
            return "floe-jobs" in of_kind(objects, "NetworkPolicy")

        assert not policy(1, quiet, {})
        assert policy(2, quiet, custom)
        assert policy(3, artifact(), {}, **no_tests)
        # Test pods ask the platform, too.
        assert policy(4, artifact(), kinds)
        assert not policy(5, artifact(), kinds, **no_tests)


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
            return jobs_of(products or [artifact(), *others()], {"values": {"jobs": jobs}}).notices

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
        [line] = jobs_of([artifact()], staging).notices
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
        files = jobs_of([artifact(dbt_profiles={"a": profile})], {"values": {"jobs": {"image": OWN_IMAGE, **jobs}}})
        line = (
            f"jobs can write nothing at {path}, where dbt's profile has DuckDB's file: mount a volume there, "
            "jobs.extraVolumes"
        )
        assert files.notices == ((line,) if told else ())


class TestLaunchers:
    @pytest.mark.parametrize(
        ("deployment", "launchers"),
        [
            ({}, ["floe-platform-dagster-chart"]),
            ({"components": {"dagster": {"strategy": "native"}}}, ["floe-platform-dagster-run"]),
            ({"components": {"dagster": {"enabled": False}}}, []),
        ],
    )
    def test_they_are_dagsters_runs(self, deployment: dict[str, Any], launchers: list[str], tmp_path: Path) -> None:
        objects = jobs_objects(tmp_path, [artifact()], deployment=deployment)
        bound = [subject["name"] for one in of_kind(objects, "RoleBinding").values() for subject in one["subjects"]]
        assert bound == launchers
        assert len(of_kind(objects, "Role")) == len(launchers)

    @pytest.mark.parametrize("strategy", ["native", "dependency"])
    def test_the_platform_starts_dagsters_runs_by_this_account(self, strategy: str, tmp_path: Path) -> None:
        file = {"components": {"dagster": {"strategy": strategy}}}
        [launcher] = jobs_of([artifact()], file).final_values("dev")["jobs"]["launchers"]
        platform = WrittenChart(synth([artifact()], Deployment.parse(file), plugin_values=()), tmp_path)
        accounts = set(of_kind(objects_of(platform.bare(), platform.overlays["dev"]), "ServiceAccount"))
        handed = platform.files.final_values("dev")["dagster"]
        # The official chart calls it by its own full name where no name is given.
        assert launcher in accounts | {handed.get("global", {}).get("fullnameOverride")}

    def test_they_start_jobs_and_change_nothing_else(self, tmp_path: Path) -> None:
        rules = of_kind(jobs_objects(tmp_path, [artifact()]), "Role")["floe-jobs-launcher"]["rules"]
        verbs = {resource: set(rule["verbs"]) for rule in rules for resource in rule["resources"]}
        assert set(verbs) == {"cronjobs", "jobs", "pods", "pods/log"}
        assert verbs["cronjobs"] == {"get", "list"} and verbs["pods/log"] == {"get"}
        assert "create" in verbs["jobs"]


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
