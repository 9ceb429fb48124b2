"""What the artifacts say arrives in the chart: each fact in its place, and each part where it is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.deployment import Deployment
from floe_charts.errors import ArtifactError
from floe_charts.synth.synthesis import PlatformFiles, synth
from floe_charts.verify.objects import parse_objects
from floe_charts.verify.values import get_at
from tests.support import load_yaml
from tests.synth.cases import CANARY, CASES, artifact, changed, made, two_products
from tests.synth.charts import WrittenChart

PRODUCT = ("products", "byName", "hello-floe")
_CATALOG, _STORE = {"polaris", "polarisSetup"}, {"minio", "objectStore"}
_ALL = {"products", "otel", "dagster", "workspace", "marquez", "postgres"} | _CATALOG | _STORE
_AROUND = {"secrets", "tests", "monitoring", "networkPolicies", "namespace", "quota"}


def chart(**changes: object) -> PlatformFiles:
    """The chart of the example with changes."""
    return synth([artifact(**changes)], plugin_values=())


def texts(files: PlatformFiles) -> dict[str, str]:
    """The files by their path inside the chart."""
    return {path.partition("/")[2]: text for path, text in files.items()}


def values_of(files: PlatformFiles) -> dict[str, Any]:
    found: dict[str, Any] = load_yaml(texts(files)["values.yaml"])
    return found


FACTS: list[tuple[str, object, tuple[str, ...], set[str]]] = [
    # What changes in the artifact, to what, where it arrives in values.yaml, and which other files change.
    ("metadata__product_version", "7.7.7", (*PRODUCT, "version"), {"README.md"}),
    ("metadata__source_hash", "sha256:77", (*PRODUCT, "sourceHash"), set()),
    ("identity__domain", "retail", (*PRODUCT, "domain"), {"README.md"}),
    ("mode", "mesh", (*PRODUCT, "mode"), set()),
    ("transforms__default_compute", "spark", (*PRODUCT, "defaultCompute"), set()),
    ("governance__data_retention_days", 77, (*PRODUCT, "dataRetentionDays"), set()),
    ("plugins__catalog__config__warehouse", "lake", (*PRODUCT, "catalog", "warehouse"), set()),
    ("plugins__catalog__config__oauth2__scope", "S", (*PRODUCT, "catalog", "scope"), set()),
    ("plugins__storage__config__region", "eu-7", (*PRODUCT, "storage", "region"), set()),
    ("plugins__storage__config__bucket", "lake-7", (*PRODUCT, "storage", "bucket"), set()),
    ("plugins__storage__config__path_style_access", False, (*PRODUCT, "storage", "pathStyle"), set()),
    ("observability__lineage_namespace", "ns7", (*PRODUCT, "lineage", "namespace"), set()),
    ("observability__telemetry__otlp_protocol", "http", (*PRODUCT, "telemetry", "protocol"), set()),
    (
        "observability__telemetry__resource_attributes__service_name",
        "orders-7",
        (*PRODUCT, "telemetry", "serviceName"),
        set(),
    ),
]


@pytest.mark.parametrize(("field", "value", "path", "others"), FACTS, ids=[fact[0] for fact in FACTS])
def test_each_fact_arrives_in_its_place(field: str, value: object, path: tuple[str, ...], others: set[str]) -> None:
    before, after = made("default"), chart(**{field: value})
    assert get_at(values_of(before), path) != value
    assert get_at(values_of(after), path) == value
    # The table of the README shows defaults, that is what values.yaml holds; templates stay as they are.
    old, new = texts(before), texts(after)
    different = {name for name in old if old[name] != new.get(name)}
    assert set(old) == set(new)
    assert {"values.yaml"} | others <= different <= {"values.yaml", "README.md", "values.schema.json"}


def test_the_models_arrive_in_their_order() -> None:
    models = [{"name": name, "compute": "duckdb"} for name in ("stg", "int", "mart")]
    after = chart(transforms__models=models)
    assert get_at(values_of(after), (*PRODUCT, "models")) == ["stg", "int", "mart"]


def test_the_release_of_floe_is_the_version_of_the_app() -> None:
    about = load_yaml(texts(chart(metadata__floe_version="0.9.1"))["Chart.yaml"])
    assert about["appVersion"] == "0.9.1"


def test_each_product_is_a_code_location_and_a_file() -> None:
    values = values_of(made("two-products"))
    assert values["products"]["byName"].keys() == {"billing", "orders-eu"}
    assert {key: (one["name"], one["module"]) for key, one in values["workspace"]["locations"].items()} == {
        "billing": ("billing", "billing"),
        "orders-eu": ("Orders_EU", "orders_eu"),
    }


def test_each_backend_is_an_exporter_of_the_gateway() -> None:
    exporters = values_of(made("two-products"))["otel"]["alternateConfig"]["exporters"]
    assert exporters["otlp_grpc/jaeger"]["endpoint"] == "jaeger-collector:4317"
    assert exporters["otlp_http/otlp"]["endpoint"].startswith("https://otlp.example.com:4318")
    assert "X-Api-Key" in json.dumps(exporters["otlp_http/otlp"])


def test_buckets_of_all_products_are_made() -> None:
    assert values_of(made("two-products"))["minio"]["defaultBuckets"] == "floe-iceberg,orders"


def test_two_artifacts_give_two_charts() -> None:
    other = chart(metadata__product_name="other", transforms__models=[{"name": "one", "compute": "duckdb"}])
    before, after = texts(made("default")), texts(other)
    both = before.keys() & after.keys()
    assert {name for name in both if before[name] != after[name]} >= {"values.yaml", "README.md"}
    assert "hello-floe" not in json.dumps(values_of(other)["workspace"])
    assert set(values_of(other)["products"]["byName"]) == {"other"}


PARTS: list[tuple[str, dict[str, object], set[str]]] = [
    ("all that the example asks for", {}, set()),
    ("no catalog", {"plugins__catalog": None}, _CATALOG),
    ("another catalog", {"plugins__catalog__type": "glue"}, _CATALOG),
    ("a catalog outside", {"plugins__catalog__config__uri": "https://polaris.example.com/api/catalog"}, _CATALOG),
    ("a store outside", {"plugins__storage__config__endpoint": "https://s3.example.com"}, {"minio"}),
    ("a store without address", {"plugins__storage__config": {"bucket": "b-1"}}, {"minio"}),
    ("another store", {"plugins__storage__type": "gcs"}, _STORE),
    ("no store", {"plugins__storage": None}, _STORE),
    ("no lineage", {"observability__lineage": False}, {"marquez"}),
    ("lineage on the console", {"observability__lineage_transport": "console"}, {"marquez"}),
    ("lineage nowhere", {"observability__lineage_transport": "noop"}, {"marquez"}),
    ("lineage outside", {"observability__lineage_endpoint": "https://lineage.example.com"}, {"marquez"}),
    ("lineage backend outside", {"plugins__lineage_backend__config__url": "https://l.example.com"}, {"marquez"}),
    ("another lineage backend", {"plugins__lineage_backend__type": "atlan"}, {"marquez"}),
    ("no plugin for lineage", {"plugins__lineage_backend": None}, set()),
    ("no telemetry", {"observability__telemetry__enabled": False}, {"otel"}),
    ("telemetry sent on", {"observability__telemetry__otlp_endpoint": "https://otlp.example.com"}, set()),
    ("another orchestrator", {"plugins__orchestrator__type": "airflow"}, {"dagster", "workspace"}),
]


@pytest.mark.parametrize(("changes", "without"), [rule[1:] for rule in PARTS], ids=[rule[0] for rule in PARTS])
def test_which_parts_exist_follows_from_the_artifacts(changes: dict[str, object], without: set[str]) -> None:
    files = chart(**changes)
    assert {part.id for part in files.platform.parts} == (_ALL - without) | _AROUND
    # A part that is not there has no values, no files and no dependency.
    dependencies = {one.get("alias", one["name"]) for one in load_yaml(texts(files)["Chart.yaml"])["dependencies"]}
    assert dependencies == {"otel", "dagster", "polaris", "minio"} - without
    assert not without & set(values_of(files))
    assert [path for path in texts(files) if path.removeprefix("templates/").split("-")[0] in without] == []


def test_no_part_needs_a_database_no_database() -> None:
    files = chart(plugins__orchestrator__type="airflow", plugins__catalog=None, observability__lineage=False)
    assert {part.id for part in files.platform.parts} == {"products", "objectStore", "otel", "minio"} | _AROUND


def test_one_product_that_asks_is_enough() -> None:
    both = [artifact(), artifact(metadata__product_name="plain", plugins__catalog=None, observability__lineage=False)]
    assert {part.id for part in synth(both, plugin_values=()).platform.parts} == _ALL | _AROUND


def test_a_part_for_which_there_is_no_construct_is_told() -> None:
    notices = chart(plugins__orchestrator__type="airflow").notices
    assert any("plugins.orchestrator.type is airflow" in line for line in notices)


# Endpoints


def test_an_endpoint_that_nobody_answers_to_is_told_with_field_and_nearest_service() -> None:
    files = chart(plugins__catalog__config__uri="http://floe-platform-polariss:8181/api/catalog")
    (line,) = [line for line in files.notices if "plugins.catalog.config.uri" in line]
    assert line == (
        "artifact.json: plugins.catalog.config.uri: no Service of the release answers to "
        "http://floe-platform-polariss:8181/api/catalog; the nearest is floe-platform-polaris:8181"
    )


def test_a_wrong_port_is_no_answer() -> None:
    files = chart(observability__lineage_endpoint="http://floe-platform-marquez:5999/api/v1/lineage")
    (line,) = [line for line in files.notices if "observability.lineage_endpoint" in line]
    assert "; the nearest is floe-platform-marquez:500" in line


def test_the_service_that_has_the_port_is_nearest_where_no_name_is_near() -> None:
    files = chart(observability__telemetry__otlp_endpoint="http://otel-collector:4317")
    (line,) = [line for line in files.notices if "otlp_endpoint" in line]
    assert line.endswith("to http://otel-collector:4317; the nearest is floe-platform-otel:4317")


def test_a_service_in_the_namespace_of_another_release_is_not_ours() -> None:
    files = chart(observability__lineage_endpoint="http://marquez.lineage.svc.cluster.local:5000/api/v1/lineage")
    assert [line for line in files.notices if "lineage_endpoint" in line] == []


def store_notices(**options: Any) -> list[str]:
    files = synth([artifact()], plugin_values=(), **options)
    return [line for line in files.notices if "plugins.storage.config.endpoint" in line]


def test_where_minio_is_switched_off_it_is_told_what_says_where_objects_are() -> None:
    assert store_notices() == [
        "artifact.json: plugins.storage.config.endpoint: no Service of the release answers to "
        "http://floe-platform-minio:9000 in qa, uat, staging, prod; it is switched off there, and AWS S3 takes its "
        "place; another store's address goes into objectStore.endpoint"
    ]


def test_a_store_that_the_values_name_is_not_asked_for() -> None:
    for path in ("objectStore.endpoint", "products.byName.hello-floe.storage.endpoint"):
        assert store_notices(sets=[f"{path}=https://s3.example.com"], environments=["dev", "prod"]) == []
    assert len(store_notices(sets=["products.byName.hello-floe.storage.bucket=data"], environments=["prod"])) == 1


def minio_notices(**options: Any) -> list[str]:
    files = synth([artifact()], plugin_values=(), **options)
    return [line for line in files.notices if line.startswith("minio ")]


def test_environments_with_a_minio_are_named() -> None:
    [line] = minio_notices()
    assert line.startswith("minio runs in dev, test: a single pod without redundancy")
    [line] = minio_notices(sets=["minio.enabled=true"], environments=["prod"])
    assert line.startswith("minio runs in prod: ")
    assert minio_notices(environments=["prod"]) == []


# Telemetry


@pytest.mark.parametrize("strategy", ["dependency", "native"])
def test_sizes_delays_and_sampling_of_the_artifacts_hold_in_the_gateway(strategy: str) -> None:
    sizes = {"max_queue_size": 4096, "max_export_batch_size": 1024, "schedule_delay_millis": 250}
    two = [
        artifact(
            observability__telemetry__otlp_endpoint="https://otlp.example.com:4317",
            observability__telemetry__batch_processor=sizes,
            observability__telemetry__sampling={"dev": 0.5, "prod": 0.01},
        ),
        artifact(
            metadata__product_name="other",
            observability__telemetry__otlp_endpoint="https://otlp.example.com:4317",
            observability__telemetry__sampling={"dev": 0.1, "staging": 0.2, "prod": 0.05},
        ),
    ]
    files = synth(two, Deployment.parse({"components": {"otel": {"strategy": strategy}}}), plugin_values=())
    kept = {}
    for name in ("dev", "qa", "prod"):
        otel = files.final_values(name)["otel"]
        if strategy == "native":
            kept[name] = otel["sampling"]["percentage"]
            batch, exporter = otel["batch"], otel["exporters"]["otlp_grpc/console"]
            found = (batch["sendBatchSize"], batch["timeout"], exporter["queueSize"], exporter["timeout"])
        else:
            processors, exporters = (otel["alternateConfig"][kind] for kind in ("processors", "exporters"))
            kept[name] = processors["probabilistic_sampler"]["sampling_percentage"]
            batch, exporter = processors["batch"], exporters["otlp_grpc/console"]
            queue = exporter["sending_queue"]["queue_size"]
            found = (batch["send_batch_size"], batch["timeout"], queue, exporter["timeout"])
        assert found == (1024, "5s", 4096, "30s")
    assert kept == {"dev": 50.0, "qa": 50.0, "prod": 5.0}


def test_a_size_that_no_collector_takes_names_the_artifact() -> None:
    sizes = {"max_queue_size": 10**9}
    with pytest.raises(ArtifactError, match=r"observability\.telemetry\.batch_processor: max_queue_size is 1000000000"):
        synth([artifact(observability__telemetry__batch_processor=sizes)], plugin_values=())


# Credentials and placeholders


@pytest.mark.parametrize("case", CASES)
def test_no_credential_is_in_any_file(case: str) -> None:
    for path, text in made(case).items():
        assert CANARY not in text, path
    assert CANARY not in "\n".join(made(case).notices)


def test_every_credential_is_a_key_of_a_secret_that_must_exist() -> None:
    given = json.dumps(two_products())
    assert given.count(CANARY) >= 8
    secrets = {secret.name: set(secret.key_names) for secret in made("two-products").required_secrets}
    for product in values_of(made("two-products"))["products"]["byName"].values():
        assert product["credentials"]
        assert set(product["credentials"]) <= secrets[product["credentialsSecret"]]
    assert "ORDERS_KEY_ID" in secrets["floe-platform-orders-eu-credentials"]


def test_a_secret_in_a_text_that_is_otherwise_public_is_taken_out() -> None:
    files = chart(plugins__catalog__config__uri=f"http://me:{CANARY}@floe-platform-polaris:8181/api/catalog")
    assert not [path for path, text in files.items() if CANARY in text]
    assert get_at(values_of(files), (*PRODUCT, "catalog", "uri")) == "http://floe-platform-polaris:8181/api/catalog"


def test_masked_values_are_treated_like_secrets() -> None:
    data = changed()
    data["plugins"]["catalog"]["config"]["oauth2"]["client_secret"] = "**********"
    files = synth([CompiledArtifacts.parse(data, "a.json")], plugin_values=())
    assert not [path for path, text in files.items() if "**********" in text]


def test_placeholders_of_dbt_are_not_evaluated(tmp_path: Path) -> None:
    """`{{ env_var('X') }}` and whatever else looks like a template reaches the pods as it stands in the artifacts."""
    text = "{{ env_var('LAKE') }} {{ .Values.postgres }} {{"
    files = chart(plugins__catalog__config__warehouse=text, identity__domain="{{ fail `no` }}")
    assert get_at(values_of(files), (*PRODUCT, "catalog", "warehouse")) == text
    objects, _ = parse_objects(WrittenChart(files, tmp_path).whole().render())
    (products,) = [one.data["data"] for one in objects if one.name == "floe-platform-products"]
    assert isinstance(products, dict)
    facts = load_yaml(products["hello-floe.yaml"])
    assert facts["catalog"]["warehouse"] == text
    assert facts["domain"] == "{{ fail `no` }}"
