"""The URLs in artifacts, and which of them are Services of the cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from floe_charts.artifacts import ArtifactEndpoint, CompiledArtifacts, find_endpoints
from tests.artifacts.conftest import parsed


def endpoints(config: object) -> list[ArtifactEndpoint]:
    """Endpoints in a plugin's configuration."""

    def change(data: dict[str, Any]) -> None:
        data["plugins"] = {
            "compute": {"type": "x", "version": "1.0.0", "config": config},
            "orchestrator": {"type": "x", "version": "1.0.0"},
        }

    return [endpoint for endpoint in find_endpoints(parsed(change)) if endpoint.field.startswith("plugins.")]


def endpoint(url: str) -> ArtifactEndpoint:
    (only,) = endpoints({"url": url})
    return only


def test_of_the_example_are_the_platforms_services() -> None:
    assert [(found.field, found.service, found.port) for found in find_endpoints(CompiledArtifacts.example())] == [
        ("observability.telemetry.otlp_endpoint", "floe-platform-otel", 4317),
        ("observability.lineage_endpoint", "floe-platform-marquez", 5000),
        ("plugins.catalog.config.uri", "floe-platform-polaris", 8181),
        ("plugins.catalog.config.oauth2.token_url", "floe-platform-polaris", 8181),
        ("plugins.storage.config.endpoint", "floe-platform-minio", 9000),
        ("plugins.lineage_backend.config.url", "floe-platform-marquez", 5000),
    ]


def test_of_a_real_artifact_with_one_outside_the_cluster(shared: Path) -> None:
    found = find_endpoints(CompiledArtifacts.load(shared / "full-featured.json"))
    assert [(one.field, one.host, one.service_port) for one in found if not one.in_cluster] == [
        ("plugins.ingestion.config.sources[0].source_config.base_url", "api.example.com", 443)
    ]
    assert len(found) == 10


@pytest.mark.parametrize(
    ("url", "host", "port", "service", "namespace"),
    [
        ("http://cube:4000", "cube", 4000, "cube", None),
        ("http://Cube", "cube", 80, "cube", None),
        ("grpc://otel:4317", "otel", 4317, "otel", None),
        ("tcp://postgres", "postgres", None, "postgres", None),
        ("https://cube.analytics.svc/x", "cube.analytics.svc", 443, "cube", "analytics"),
        ("http://cube.analytics.svc.cluster.local:4000", "cube.analytics.svc.cluster.local", 4000, "cube", "analytics"),
        (
            "http://cube.analytics.svc.cluster.local.:4000",
            "cube.analytics.svc.cluster.local",
            4000,
            "cube",
            "analytics",
        ),
        ("http://cube-0.cube.analytics.svc", "cube-0.cube.analytics.svc", 80, "cube", "analytics"),
        ("https://api.example.com/v1", "api.example.com", 443, None, None),
        ("http://cube.svc", "cube.svc", 80, None, None),
        ("http://localhost:4317", "localhost", 4317, None, None),
        ("http://127.0.0.1:4317", "127.0.0.1", 4317, None, None),
        ("http://[::1]:4317", "::1", 4317, None, None),
    ],
)
def test_hosts(url: str, host: str, port: int | None, service: str | None, namespace: str | None) -> None:
    found = endpoint(url)
    assert (found.url, found.host, found.service_port) == (url, host, port)
    assert (found.service, found.namespace, found.in_cluster) == (service, namespace, service is not None)


@pytest.mark.parametrize(
    "text",
    ["cube:4000", "s3://bucket/x", "jdbc:postgresql://db/x", "http://{{ env_var('HOST') }}:80", "http://{host}/x", "http://",
     "http://a:99999", "http://a:b", "http://[::1", "http:///path", "see http://a", "", "http://a b/", "http://-a"],
)  # fmt: skip
def test_what_is_no_endpoint(text: str) -> None:
    assert endpoints({"url": text}) == []


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("https://user:hunter2@example.com:8443/a", "https://example.com:8443/a"),
        ("http://hunter2@minio:9000", "http://minio:9000"),
        ("https://example.com/a?token=hunter2", "https://example.com/a"),
        ("https://hooks.slack.com/services/T0/hunter2", "https://hooks.slack.com"),
    ],
)
def test_urls_are_without_credentials(text: str, public: str) -> None:
    assert endpoint(text).url == public


def test_an_otlp_endpoint_may_come_without_a_scheme() -> None:
    artifacts = parsed(lambda data: data["observability"]["telemetry"].update(otlp_endpoint="collector:4317"))
    assert find_endpoints(artifacts)[0] == ArtifactEndpoint(
        "observability.telemetry.otlp_endpoint", "grpc://collector:4317", "collector", 4317, "grpc"
    )


def test_they_are_found_at_any_depth() -> None:
    found = endpoints({"a": [{"b.c": ["x", "http://one"]}], "d": {"e": "http://two"}})
    assert [one.field for one in found] == ['plugins.compute.config.a[0]["b.c"][1]', "plugins.compute.config.d.e"]
