"""Who jobs talk to, and who starts them: the platform's parts where there are such, and nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.deployment import Deployment
from floe_charts.synth.jobs import synth_jobs
from floe_charts.synth.synthesis import synth
from tests.constructs.jobs_charts import container_of, env_of, jobs_objects, of_kind
from tests.constructs.rendering import objects_of
from tests.synth.cases import artifact
from tests.synth.charts import WrittenChart
from tests.synth.jobs_cases import jobs_of, minimal_product

DBT = "floe-jobs-hello-floe-dbt"


class TestWhoTheyTalkTo:
    def test_the_platforms_services(self, tmp_path: Path) -> None:
        env = env_of(jobs_objects(tmp_path, [artifact()]), DBT)
        assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://floe-platform-otel:4317"
        assert env["OTEL_SERVICE_NAME"] == "hello-floe"
        assert env["OTEL_RESOURCE_ATTRIBUTES"] == "deployment.environment.name=dev"
        assert env["OPENLINEAGE_URL"] == "http://floe-platform-marquez:5000"
        assert env["OPENLINEAGE_NAMESPACE"] == "hello-floe"
        assert env["FLOE_COMPILED_ARTIFACTS"] == "/etc/floe/product/compiled_artifacts.json"
        assert env["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "false"

    def test_of_another_name(self, tmp_path: Path) -> None:
        objects = jobs_objects(
            tmp_path,
            [artifact()],
            {"launchers": ["runs"], "networkPolicy": {"enabled": True}},
            deployment={"chart": {"name": "acme", "fullname": "acme-data"}},
        )
        env = env_of(objects, DBT)
        assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://acme-data-otel:4317"
        assert of_kind(objects, "RoleBinding")["floe-jobs-launcher"]["subjects"] == [
            {"kind": "ServiceAccount", "namespace": "floe-test", "name": "runs"}
        ]
        policy = of_kind(objects, "NetworkPolicy")["floe-jobs"]["spec"]
        labels = {"app.kubernetes.io/part-of": "acme", "app.kubernetes.io/component": "otel"}
        assert {
            "to": [{"podSelector": {"matchLabels": labels}}],
            "ports": [{"protocol": "TCP", "port": 4317}],
        } in policy["egress"]
        checks = [one["spec"]["containers"][0]["command"][-2] for one in of_kind(objects, "Pod").values()]
        assert len(checks) == 3
        assert all("//acme-data-" in check for check in checks)

    def test_nobody_where_the_product_tells_nothing(self, tmp_path: Path) -> None:
        quiet = artifact(observability__lineage=False, observability__telemetry__enabled=False, plugins__catalog=None)
        objects = jobs_objects(tmp_path, [quiet])
        env = env_of(objects, DBT)
        assert (env["OTEL_SDK_DISABLED"], env["OPENLINEAGE_DISABLED"]) == ("true", "true")
        assert not {"OPENLINEAGE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"} & env.keys()
        assert of_kind(objects, "Pod") == {}

    @pytest.mark.parametrize("part", ["otel", "marquez", "polaris"])
    @pytest.mark.parametrize("where", ["components", "values", "environment", "set"])
    def test_no_part_that_the_platform_does_not_have(self, part: str, where: str, tmp_path: Path) -> None:
        """Where one of the deployment file's ways to switch it off holds, nothing asks for it."""
        off = {part: {"enabled": False}}
        files: dict[str, dict[str, Any]] = {
            "components": {"components": off},
            # What an environment says wins.
            "values": {"values": off, "environments": {"staging": {"values": {part: {"enabled": True}}}}},
            "environment": {"environments": {name: {"values": off} for name in ("prod", "dev")}},
            "set": {},
        }
        deployment = Deployment.parse(files[where], source="floe-charts.yaml")
        sets = [f"{part}.enabled=false"] if where == "set" else []
        made = synth_jobs([artifact()], deployment, environments=["dev", "prod", "staging"], sets=sets)
        chart = WrittenChart(made, tmp_path, deployment)

        def asked(environment: str) -> bool:
            objects = objects_of(chart.whole(), chart.overlays[environment])
            policies = of_kind(objects, "NetworkPolicy")
            assert len(policies) == (environment != "dev")
            # What the artifact says stays in its file.
            asks = f"floe-platform-{part}:" in str([one.data for one in objects.values() if one.kind != "ConfigMap"])
            assert asks == (f"'{part}'" in str(policies)) or environment == "dev"
            return asks

        there = {"values": ["staging"], "environment": ["staging"]}.get(where, [])
        assert [name for name in ("dev", "prod", "staging") if asked(name)] == there
        provided = f"- kind: Service\n      name: floe-platform-{part}\n" in made["floe-jobs/Chart.yaml"]
        # What --set says is in no Chart.yaml.
        assert provided == bool(there or where == "set")

    def test_jobs_can_be_told_otherwise_of_a_part(self) -> None:
        said = {"marquez": {"enabled": False}, "jobs": {"platform": {"marquez": True}}}
        assert jobs_of([artifact()], {"values": said}).final_values("dev")["jobs"]["platform"]["marquez"] is True

    @pytest.mark.parametrize(
        ("url", "endpoint", "sent"),
        [
            ("http://floe-platform-marquez:5000", None, True),
            (None, None, True),
            ("https://lineage.example.com", "https://lineage.example.com/api/v1/lineage", True),
            (None, "https://lineage.example.com/api/v1/lineage", True),
            # The key of one server is nothing for another.
            ("https://other.example.com", "https://lineage.example.com/api/v1/lineage", False),
        ],
    )
    def test_the_servers_api_key_goes_with_lineage(
        self, url: str | None, endpoint: str | None, sent: bool, tmp_path: Path
    ) -> None:
        backend = {"type": "marquez", "version": "0.1.0", "config": {"url": url, "api_key": "hunter2"}}
        product = artifact(observability__lineage_endpoint=endpoint, plugins__lineage_backend=backend)

        def key(where: str, jobs: dict[str, Any], **values: Any) -> dict[str, str] | None:
            file = {"values": {"jobs": jobs, **values}}
            container = container_of(jobs_objects(tmp_path / where, [product], deployment=file), DBT)
            found = [one["valueFrom"] for one in container["env"] if one["name"] == "OPENLINEAGE_API_KEY"]
            return found[0]["secretKeyRef"] if found else None

        variable = "HELLO_FLOE_LINEAGE_BACKEND_API_KEY"
        expected = {"name": "floe-platform-hello-floe-credentials", "key": variable} if sent else None
        assert key("existing", {}) == expected
        if sent:
            fetched = key("external", {"secrets": {"source": "external"}})
            assert fetched == {"name": "floe-jobs-hello-floe-credentials", "key": variable}
        if endpoint is None:
            assert key("off", {}, marquez={"enabled": False}) is None

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
