"""What the platform makes of several artifacts, and of values that switch its parts."""

from __future__ import annotations

from typing import Any

import pytest

from floe_charts import Deployment, FloePlatform, synth
from floe_charts.deployment import Environment
from floe_charts.errors import ArtifactError, DeploymentError, ValuesError
from floe_charts.synth.synthesis import PlatformFiles
from tests.support import load_yaml
from tests.synth.cases import artifact


def test_two_artifacts_of_one_product_are_refused() -> None:
    with pytest.raises(ArtifactError, match=r"metadata\.product_name: hello-floe is the data product of .* too"):
        synth([artifact(), artifact(metadata__product_version="9.9.9")], plugin_values=())


def test_a_part_that_values_switch_on_gets_the_resource_preset() -> None:
    deployment = Deployment.parse({"environments": {"qa": {"values": {"minio": {"enabled": True}}}}})
    files = synth([artifact()], deployment, plugin_values=())
    assert files.final_values("qa")["minio"]["resources"]["limits"] == {"cpu": "1000m", "memory": "1Gi"}
    assert files.origin("qa", "minio.resources.limits.cpu") == "resource preset"
    assert files.origin("uat", "minio.resources.limits.cpu") == "construct defaults"


def test_an_environment_that_does_not_exist_has_no_values() -> None:
    files = synth([artifact()], plugin_values=())
    with pytest.raises(DeploymentError, match=r"there is no environment prd; did you mean prod\?"):
        files.origin("prd", "minio.enabled")


def test_a_header_that_no_collector_takes_names_the_artifact() -> None:
    auth = {"auth_type": "api_key", "api_key": "x", "header_name": "bad header!"}
    with pytest.raises(ArtifactError, match=r"^artifact\.json: observability\.telemetry: "):
        synth(
            [artifact(observability__telemetry__backend="datadog", observability__telemetry__authentication=auth)],
            plugin_values=(),
        )


def test_exporters_of_two_products_do_not_share_a_variable() -> None:
    auth = {"auth_type": "bearer", "bearer_token": "x", "header_name": "Authorization"}
    both = [
        artifact(
            metadata__product_name=name,
            observability__telemetry__backend="datadog",
            observability__telemetry__otlp_endpoint=f"https://{name}.example.com:443",
            observability__telemetry__otlp_protocol=protocol,
            observability__telemetry__authentication=auth,
        )
        for name, protocol in (("first", "grpc"), ("second", "http"))
    ]
    files = synth(both, Deployment.parse({"components": {"otel": {"strategy": "native"}}}), plugin_values=())
    config = files["floe-platform/templates/otel-configmap.yaml"]
    assert '"Bearer ${env:TELEMETRY_DATADOG_BEARER_TOKEN}"' in config
    assert '"Bearer ${env:TELEMETRY_DATADOG_BEARER_TOKEN_2}"' in config


def test_a_variable_that_two_products_share_is_told() -> None:
    files = synth([artifact(), artifact(metadata__product_name="other")], plugin_values=())
    shared = [line for line in files.notices if "share the environment variable" in line]
    variable = "the environment variable POLARIS_CLIENT_SECRET"
    assert shared == [f"hello-floe and other share {variable}: give it one value in all their Secrets"]


def test_credentials_in_free_texts_do_not_arrive() -> None:
    uri = "postgres://user:hunter2xx@db:5432/x"
    made = artifact(
        observability__lineage_namespace=uri,
        observability__telemetry__resource_attributes__service_name=uri,
        transforms__default_compute=uri,
        identity__domain=uri,
    )
    assert not [path for path, text in synth([made], plugin_values=()).items() if "hunter2xx" in text]


def test_polaris_gets_storage_credentials_also_for_a_store_outside() -> None:
    made = artifact(
        plugins__storage__config={
            "endpoint": "https://s3.example.com",
            "bucket": "data",
            "access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "secret_access_key": "x",
        }
    )
    files = synth([made], plugin_values=())
    assert "minio" not in files.platform.components
    assert "floe-platform-object-store" in {secret.name for secret in files.required_secrets}
    assert {"secretRef": {"name": "floe-platform-object-store"}} in files.final_values("prod")["polaris"]["envFrom"]


def test_webserver_and_daemon_roll_where_an_environment_has_other_code_locations() -> None:
    files = synth([artifact()], sets=["workspace.locations.extra.module=extra"], environments=["dev"], plugin_values=())
    there, elsewhere = (files.final_values(name)["dagster"] for name in ("dev", "prod"))
    for part in ("dagsterWebserver", "dagsterDaemon"):
        assert there[part]["annotations"] != elsewhere[part]["annotations"]


def test_a_part_cannot_say_of_an_environment_what_is_not_declared() -> None:
    class Misspelt(FloePlatform):
        def environment_values(self, environment: Environment, name: str) -> dict[str, Any]:
            return {**super().environment_values(environment, name), "marquez": {"replcas": 2}}

    with pytest.raises(ValuesError, match=r"^values-dev\.yaml: marquez.*replcas"):
        synth([artifact()], plugin_values=(), platform=Misspelt)


def test_what_is_set_outright_wins_over_what_follows_from_other_values() -> None:
    sets = ["workspace.locations.extra.module=extra", "dagster.dagsterWebserver.annotations.checksum/locations=mine"]
    files = synth([artifact()], sets=sets, environments=["dev"], plugin_values=())
    path = "dagster.dagsterWebserver.annotations.checksum/locations"
    assert files.final_values("dev")["dagster"]["dagsterWebserver"]["annotations"]["checksum/locations"] == "mine"
    assert files.origin("dev", path) == "--set"


class TestDeploymentFile:
    """Values of the chart in the deployment file, for all environments and for one."""

    def made(self, *, sets: tuple[str, ...] = (), **deployment: Any) -> PlatformFiles:
        return synth([artifact()], Deployment.parse(deployment, source="f.yaml"), sets=sets, plugin_values=())

    def test_values_of_all_stand_in_values_yaml_and_in_no_overlay(self) -> None:
        files = self.made(values={"marquez": {"replicas": 3}, "commonLabels": {"team": "data"}})
        values, overlay = (load_yaml(files[f"floe-platform/{name}.yaml"]) for name in ("values", "values-prod"))
        assert (values["marquez"]["replicas"], values["commonLabels"]) == (3, {"team": "data"})
        assert "replicas" not in overlay["marquez"]
        # Without them production has two.
        assert synth([artifact()], plugin_values=()).final_values("prod")["marquez"]["replicas"] == 2
        assert files.final_values("prod")["marquez"]["replicas"] == 3
        assert files.origin("prod", "marquez.replicas") == "deployment file"

    def test_the_nearer_one_wins(self) -> None:
        everywhere = {"marquez": {"replicas": 3, "logLevel": "WARN", "web": {"replicas": 3}}}
        here = {"prod": {"values": {"marquez": {"replicas": 4, "web": {"replicas": 4}}}}}
        files = self.made(values=everywhere, environments=here, sets=("marquez.web.replicas=5",))
        marquez = files.final_values("prod")["marquez"]
        assert (marquez["logLevel"], marquez["replicas"], marquez["web"]["replicas"]) == ("WARN", 4, 5)
        assert files.final_values("dev")["marquez"]["replicas"] == 3

    def test_they_switch_parts_everywhere(self) -> None:
        files = self.made(values={"minio": {"enabled": True}})
        assert all(files.final_values(name)["minio"]["enabled"] for name in files.environments)
        assert files.final_values("prod")["minio"]["resources"]["limits"]["memory"] == "2Gi"

    @pytest.mark.parametrize(
        ("deployment", "message"),
        [
            ({"values": {"marquez": {"replcas": 1}}}, r"^f\.yaml: values: marquez\.replcas .* did you mean .*replicas"),
            ({"values": {"marquez": {"replicas": "x"}}}, r"^f\.yaml: values: marquez\.replicas"),
            (
                {"environments": {"qa": {"values": {"marquez": {"replicas": -1}}}}},
                r"^f\.yaml: environments\.qa\.values: marquez\.replicas",
            ),
            (
                {"values": {"secrets": {"source": "generated"}}},
                r"^f\.yaml: values: secrets\.source",
            ),
            (
                {"values": {"marquez": {"extraEnv": {"PASSWORD": {"value": "hunter2-hunter2"}}}}},
                r"holds a credential",
            ),
        ],
    )
    def test_mistakes_name_the_place_in_the_file(self, deployment: dict[str, Any], message: str) -> None:
        with pytest.raises(ValuesError, match=message):
            self.made(**deployment)


def test_the_readme_is_the_same_whatever_is_written_and_overridden() -> None:
    every = synth([artifact()], plugin_values=())["floe-platform/README.md"]
    assert "| Key | dev | test | qa, uat, staging | prod |" in every
    for options in ({"environments": ["dev"]}, {"sets": ["marquez.replicas=9"]}):
        assert synth([artifact()], plugin_values=(), **options)["floe-platform/README.md"] == every
