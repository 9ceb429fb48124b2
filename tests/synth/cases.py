"""The cases that the tests of whole charts go through: small artifacts and deployments, made from the example."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping
from typing import Any

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.deployment import Deployment
from floe_charts.synth.synthesis import PlatformFiles, synth

__all__ = ["CANARY", "CASES", "NATIVE", "artifact", "changed", "made", "two_products"]

CANARY = "canary-secret-DO-NOT-EMIT"
"""Stands where artifacts carry credentials; no generated file may hold it."""

TWO_ENVIRONMENTS = {
    "clusters": {"non-prod": {"environments": ["dev"]}, "prod": {"environments": ["prod"]}},
}

NATIVE = {"components": {name: {"strategy": "native"} for name in ("dagster", "polaris", "otel", "minio")}}
"""The deployment in which every template is made here and nothing is a dependency."""


@functools.cache
def _example() -> dict[str, Any]:
    return CompiledArtifacts.example().model_dump(mode="json")


def changed(**changes: object) -> dict[str, Any]:
    """The example's data with what stands at each dotted path replaced; two underscores stand for a dot."""
    data = copy.deepcopy(_example())
    for name, value in changes.items():
        *above, last = name.split("__")
        here = data
        for key in above:
            here = here[key]
        here[last] = value
    return data


def artifact(**changes: object) -> CompiledArtifacts:
    """The example as another artifact; see :func:`changed`."""
    return CompiledArtifacts.parse(changed(**changes), "artifact.json")


def two_products() -> list[dict[str, Any]]:
    """Two products with credentials at every place that may carry one, and a backend of their own each."""
    orders = changed(
        metadata__product_name="Orders_EU",
        metadata__product_version="2.1.0",
        identity__domain="sales",
        observability__telemetry__backend="jaeger",
        observability__lineage_namespace="orders",
        plugins__storage__config={
            "endpoint": "http://floe-platform-minio:9000",
            "bucket": "orders",
            "access_key_id": CANARY,
            "secret_access_key": CANARY,
        },
        plugins__lineage_backend__config={"url": "http://floe-platform-marquez:5000", "api_key": CANARY},
        dbt_profiles={"orders": {"target": "dev", "outputs": {"dev": {"type": "postgres", "password": CANARY}}}},
    )
    orders["plugins"]["catalog"]["config"]["oauth2"].update(client_id="orders", client_secret=CANARY)
    orders["plugins"]["compute"]["config"]["settings"] = {
        "s3_access_key_id": "{{ env_var('ORDERS_KEY_ID') }}",
        "s3_secret_access_key": CANARY,
    }
    billing = changed(
        metadata__product_name="billing",
        metadata__source_hash="sha256:" + "b1" * 32,
        identity__domain="finance: {{ .Values.secret }}",
        observability__telemetry__backend="otlp",
        observability__telemetry__otlp_endpoint=f"https://user:{CANARY}@otlp.example.com:4318/ingest",
        observability__telemetry__otlp_protocol="http",
        observability__telemetry__authentication={
            "auth_type": "api_key",
            "api_key": CANARY,
            "bearer_token": None,
            "header_name": "X-Api-Key",
        },
        plugins__ingestion={
            "type": "dlt",
            "version": "0.1.0",
            "config": {"sources": [{"name": "api", "credentials": CANARY}]},
        },
        plugins__semantic={
            "type": "cube",
            "version": "0.1.0",
            "config": {"server_url": "http://cube:4000", "api_secret": CANARY},
        },
    )
    return [orders, billing]


def _parsed(data: list[dict[str, Any]]) -> list[CompiledArtifacts]:
    names = [one["metadata"]["product_name"] for one in data]
    return [CompiledArtifacts.parse(one, f"{name}.json") for name, one in zip(names, data, strict=True)]


def _default() -> PlatformFiles:
    return _synth([CompiledArtifacts.example()], {})


def _native() -> PlatformFiles:
    clusters = {"non-prod": {"environments": ["dev", "test"]}, "prod": {"environments": ["prod"]}}
    return _synth([artifact()], {"clusters": clusters, **NATIVE})


def _two_products() -> PlatformFiles:
    return _synth(_parsed(two_products()), TWO_ENVIRONMENTS)


def _minimal() -> PlatformFiles:
    product = artifact(
        observability__lineage=False,
        observability__lineage_endpoint=None,
        plugins__catalog=None,
        plugins__lineage_backend=None,
        plugins__storage__config={"endpoint": "https://s3.eu-central-1.amazonaws.com", "bucket": "orders"},
    )
    return _synth([product], TWO_ENVIRONMENTS)


def _renamed() -> PlatformFiles:
    mirror = {"chart": {"repository": "https://charts.example.com/mirror"}}
    return _synth(
        [artifact()],
        {
            "chart": {"name": "data-platform", "version": "2.0.0", "appVersion": "9.9.9", "fullname": "acme"},
            "clusters": {
                "lab": {"namespace": "acme-{env}", "environments": ["sandbox", "ci"]},
                "live": {"namespace": "live-{env}", "environments": ["eu"]},
            },
            "environments": {"eu": {"kind": "production", "resources": "huge"}, "sandbox": {"kind": "development"}},
            "presets": {"huge": {"requests": {"cpu": "4", "memory": "8Gi"}, "limits": {"cpu": "8", "memory": "16Gi"}}},
            "components": {
                "dagster": mirror,
                "polaris": mirror,
                "minio": {"chart": {"repository": "oci://registry.example.com/charts"}},
                "otel": {"chart": {"version": "0.171.0", "repository": "@mirror"}, "resources": "small"},
            },
        },
    )


def _external_postgres() -> PlatformFiles:
    server = {"postgres": {"external": {"host": "db.example.com"}}}
    environments = {name: {"postgres": "external", "values": server} for name in ("dev", "prod")}
    return _synth([artifact()], {**TWO_ENVIRONMENTS, "environments": environments})


def _synth(artifacts: list[CompiledArtifacts], deployment: Mapping[str, object]) -> PlatformFiles:
    return synth(artifacts, Deployment.parse(deployment, source="floe-charts.yaml"), plugin_values=())


CASES: dict[str, Callable[[], PlatformFiles]] = {
    "default": _default,
    "native": _native,
    "two-products": _two_products,
    "minimal": _minimal,
    "renamed": _renamed,
    "external-postgres": _external_postgres,
}


@functools.cache
def made(case: str) -> PlatformFiles:
    """The chart of a case."""
    return CASES[case]()
