"""What the chart's README.md and NOTES.txt tell is so: who makes which Secret, what differs, how to install."""

from __future__ import annotations

from typing import Any

import pytest

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.deployment import Deployment
from floe_charts.synth.synthesis import PlatformFiles, synth
from tests.synth.charts import WrittenChart

COMPONENTS = ("dagster", "polaris", "otel", "minio")


def deployed(**deployment: Any) -> PlatformFiles:
    return synth([CompiledArtifacts.example()], Deployment.parse(deployment), plugin_values=())


class TestNotes:
    @pytest.fixture(scope="class")
    @staticmethod
    def chart(tmp_path_factory: pytest.TempPathFactory) -> WrittenChart:
        secrets = {"dev": {"secrets": "generated"}, "qa": {"secrets": "external"}}
        return WrittenChart(deployed(environments=secrets), tmp_path_factory.mktemp("notes"))

    def notes(self, chart: WrittenChart, environment: str, **values: Any) -> str:
        rendered = chart.bare().render({**chart.files.final_values(environment), **values})
        return rendered[f"{chart.path.name}/templates/NOTES.txt"]

    def test_tell_the_secrets_that_must_exist_and_no_others(self, chart: WrittenChart) -> None:
        line = "The Secret floe-platform-marquez-database must exist in the namespace, with username, password.\n"
        told = {name: self.notes(chart, name) for name in ("dev", "qa", "staging", "prod")}
        assert {name for name, text in told.items() if line in text} == {"staging", "prod"}
        assert "must exist" not in told["qa"] and "must exist" not in told["dev"]
        assert line not in self.notes(chart, "staging", marquez={"enabled": False})

    def test_tell_a_secret_by_the_name_that_the_values_give_it(self, chart: WrittenChart) -> None:
        assert "The Secret mine must exist" in self.notes(chart, "prod", marquez={"database": {"secretName": "mine"}})


class TestReadme:
    def test_tells_of_every_environment_what_the_deployment_says(self) -> None:
        files = deployed(environments={"dev": {"secrets": "generated", "quotas": True}})
        text = files["floe-platform/README.md"]
        row = "| dev | non-prod | `floe-dev` | development | small | statefulset | minio | generated | no | no | yes |"
        assert row in text
        assert (
            "| prod | prod | `floe-prod` | production | large | operator | external | existing | yes | yes | yes |"
            in text
        )

    def test_tells_every_secret_with_its_keys(self) -> None:
        files = deployed()
        for secret in files.required_secrets:
            assert f"| `{secret.name}` | `{secret.id}` | `{secret.key_names[0]}`" in files["floe-platform/README.md"]
            assert secret.id in files.final_values("prod")["secrets"]

    def test_fetches_dependencies_only_where_there_are_any(self) -> None:
        native = deployed(components={name: {"strategy": "native"} for name in COMPONENTS})
        assert "helm dependency build" not in native["floe-platform/README.md"]
        assert "helm dependency build" in deployed()["floe-platform/README.md"]

    def test_sets_the_environments_side_by_side(self) -> None:
        text = deployed()["floe-platform/README.md"]
        assert "| Key | dev | test | qa, uat, staging | prod |" in text
        assert "| `quota.enabled` | `false` | `false` | `false` | `true` |" in text
        assert (
            "| `marquez.resources` | `cpu 100m to 500m, memory 256Mi to 512Mi` "
            "| `cpu 100m to 500m, memory 256Mi to 512Mi` | `cpu 250m to 1000m, memory 512Mi to 1Gi` "
            "| `cpu 500m to 2000m, memory 1Gi to 2Gi` |"
        ) in text
        assert "| `environment` | `" not in text.partition("## Configuration")[0]
