"""What a deployment is where the file says little, and what it answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from floe_charts.deployment import Cluster, Deployment, Environment
from floe_charts.errors import DeploymentError, DocumentError


def parsed(data: object) -> Deployment:
    return Deployment.parse(data, source="floe-charts.yaml")


class TestDefault:
    """Somebody who wrote no file."""

    def test_has_six_environments_on_two_clusters(self) -> None:
        deployment = Deployment.default()
        assert deployment.environment_names == ("dev", "test", "qa", "uat", "staging", "prod")
        assert list(deployment.clusters) == ["non-prod", "prod"]
        assert deployment.cluster_of("uat") == "non-prod"
        assert deployment.cluster_of("prod") == "prod"
        assert deployment.namespace("qa") == "floe-qa"

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("dev", ("development", "small", "statefulset", "minio", False, "dev")),
            ("test", ("test", "small", "statefulset", "minio", False, "dev")),
            ("qa", ("staging", "medium", "statefulset", "external", False, "staging")),
            ("staging", ("staging", "medium", "statefulset", "external", False, "staging")),
            ("prod", ("production", "large", "operator", "external", True, "prod")),
        ],
    )
    def test_settings_follow_from_the_kind(self, name: str, expected: tuple[object, ...]) -> None:
        found = Deployment.default().environment(name)
        settings = (found.kind, found.resources, found.postgres, found.object_store)
        assert (*settings, found.high_availability, found.sampling) == expected

    @pytest.mark.parametrize(
        ("name", "policies", "quotas"),
        [
            ("dev", False, False),
            ("test", False, False),
            ("qa", True, False),
            ("uat", True, False),
            ("prod", True, True),
        ],
    )
    def test_surroundings_follow_from_the_kind(self, name: str, policies: bool, quotas: bool) -> None:
        found = Deployment.default().environment(name)
        assert (found.network_policies, found.quotas, found.secrets) == (policies, quotas, "existing")

    def test_presets_are_those_of_the_platform(self) -> None:
        amounts = {
            name: (preset.requests.cpu, preset.requests.memory, preset.limits.cpu, preset.limits.memory)
            for name, preset in Deployment.default().presets.items()
        }
        assert amounts == {
            "small": ("100m", "256Mi", "500m", "512Mi"),
            "medium": ("250m", "512Mi", "1000m", "1Gi"),
            "large": ("500m", "1Gi", "2000m", "2Gi"),
        }

    def test_dependencies_are_pinned(self) -> None:
        components = Deployment.default().components
        assert (components.dagster.chart.version, components.polaris.chart.version) == ("1.12.17", "1.7.0")
        assert (components.otel.chart.version, components.minio.chart.version) == ("0.170.0", "14.10.5")

    def test_is_not_shared(self) -> None:
        Deployment.default().clusters["prod"].environments.append("more")
        assert Deployment.default().environment_names[-1] == "prod"

    def test_survives_a_round_trip(self) -> None:
        deployment = Deployment.default()
        assert parsed(deployment.model_dump(by_alias=True, mode="json")) == deployment

    def test_equals_an_empty_file(self) -> None:
        assert parsed({}) == Deployment.default()


class TestDeepDefaults:
    """A file says only what differs."""

    def test_one_strategy_keeps_all_the_rest(self) -> None:
        deployment = parsed({"components": {"otel": {"strategy": "native"}}})
        assert deployment.components.otel.strategy == "native"
        assert deployment.components.otel.chart == Deployment.default().components.otel.chart
        assert deployment.model_copy(update={"components": Deployment.default().components}) == Deployment.default()

    def test_a_mirror_keeps_the_version(self) -> None:
        chart = parsed({"components": {"dagster": {"chart": {"repository": "oci://mirror.acme.io/charts"}}}})
        assert chart.components.dagster.chart.repository == "oci://mirror.acme.io/charts"
        assert chart.components.dagster.chart.version == "1.12.17"

    def test_a_changed_preset_keeps_its_other_amounts(self) -> None:
        presets = parsed({"presets": {"large": {"limits": {"memory": "8Gi"}}}}).presets
        assert (presets["large"].limits.memory, presets["large"].limits.cpu) == ("8Gi", "2000m")
        assert presets["small"] == Deployment.default().presets["small"]

    def test_a_new_preset_can_be_chosen(self) -> None:
        amounts = {"requests": {"cpu": 4, "memory": "8Gi"}, "limits": {"cpu": 4.5, "memory": "8Gi"}}
        deployment = parsed({"presets": {"huge": amounts}, "environments": {"prod": {"resources": "huge"}}})
        assert deployment.presets["huge"].limits.cpu == "4.5"
        assert deployment.environment("prod").resources == "huge"

    def test_one_setting_of_an_environment_keeps_its_kind(self) -> None:
        prod = parsed({"environments": {"prod": {"postgres": "external"}}}).environment("prod")
        assert (prod.kind, prod.postgres, prod.high_availability) == ("production", "external", True)

    def test_a_kind_decides_what_is_not_said(self) -> None:
        qa = parsed({"environments": {"qa": {"kind": "production", "highAvailability": False}}}).environment("qa")
        assert (qa.resources, qa.postgres, qa.high_availability, qa.sampling) == ("large", "operator", False, "prod")
        assert (qa.network_policies, qa.quotas) == (True, True)

    def test_values_of_the_chart_are_of_all_environments_or_of_one(self) -> None:
        given = {"values": {"imageRegistry": "mirror.acme.io"}, "environments": {"dev": {"values": {"a": 1}}}}
        deployment = parsed(given)
        assert deployment.values == {"imageRegistry": "mirror.acme.io"}
        assert (deployment.environment("dev").values, deployment.environment("qa").values) == ({"a": 1}, {})

    def test_clusters_replace_the_default_ones(self) -> None:
        deployment = parsed(
            {
                "clusters": {
                    "lab": {"environments": ["sandbox", "dev"], "namespace": "acme-{env}-data"},
                    "live": {"environments": ["prod"], "namespace": "data", "context": "arn:aws:eks:eu:1:cluster/x"},
                }
            }
        )
        assert deployment.environment_names == ("sandbox", "dev", "prod")
        assert [deployment.environment(name).kind for name in deployment.environment_names] == [
            "staging",
            "development",
            "production",
        ]
        assert deployment.namespace("sandbox") == "acme-sandbox-data"
        assert deployment.namespace("prod") == "data"

    def test_environments_come_in_the_order_of_the_clusters(self) -> None:
        deployment = parsed({"environments": {"prod": {"sampling": "dev"}, "dev": {"sampling": "prod"}}})
        assert deployment.environment_names == Deployment.default().environment_names

    def test_the_same_in_python_with_python_names(self) -> None:
        deployment = Deployment(
            clusters={"one": Cluster(environments=["dev", "prod"])},
            environments={"dev": Environment(kind="development", high_availability=True)},
        )
        assert deployment.environment("dev").high_availability
        assert deployment.environment("prod").postgres == "operator"

    def test_wrong_python_is_a_validation_error(self) -> None:
        with pytest.raises(ValidationError, match="no cluster names this environment"):
            Deployment(environments={"nope": Environment()})


class TestQuestions:
    """Names that do not exist."""

    @pytest.mark.parametrize("ask", ["environment", "cluster_of", "namespace"])
    def test_an_unknown_environment_names_the_nearest(self, ask: str) -> None:
        with pytest.raises(DeploymentError) as caught:
            getattr(Deployment.default(), ask)("prd")
        known = "known: dev, test, qa, uat, staging, prod"
        assert str(caught.value) == f"there is no environment prd; did you mean prod? {known}"
        assert caught.value.exit_code == 2

    def test_without_a_near_one_all_are_named(self) -> None:
        with pytest.raises(DeploymentError, match=r"there is no environment zzz; known: dev, test"):
            Deployment.default().environment("zzz")


class TestFiles:
    """Reading from disk."""

    def test_find_reads_the_file_of_the_directory(self, tmp_path: Path) -> None:
        (tmp_path / "floe-charts.yaml").write_text("chart:\n  name: acme-data\n")
        found = Deployment.find(tmp_path)
        assert found is not None
        assert found.chart.name == "acme-data"
        assert found.chart.fullname == "floe-platform"

    def test_find_without_a_file_is_none(self, tmp_path: Path) -> None:
        assert Deployment.find(tmp_path) is None

    def test_a_file_that_would_be_ignored_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "floe-charts.yml").write_text("{}")
        with pytest.raises(DeploymentError, match=r"floe-charts\.yml: this name is not read; rename"):
            Deployment.find(tmp_path)

    def test_errors_name_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.yaml"
        path.write_text("environments:\n  dev:\n    high_availability: true\n")
        with pytest.raises(DeploymentError) as caught:
            Deployment.load(path)
        where = f"{path}: environments.dev.high_availability"
        assert str(caught.value) == f"{where}: there is no such setting; did you mean highAvailability"

    def test_a_missing_file_is_a_document_error(self, tmp_path: Path) -> None:
        with pytest.raises(DocumentError):
            Deployment.load(tmp_path / "nowhere.yaml")

    def test_an_editor_may_note_the_schema(self, tmp_path: Path) -> None:
        path = tmp_path / "floe-charts.json"
        path.write_text('{"$schema": "floe-charts.schema.json", "chart": {"version": "2.0.0"}}')
        assert Deployment.load(path).chart.version == "2.0.0"
