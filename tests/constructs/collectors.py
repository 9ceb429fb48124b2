"""Charts with a telemetry gateway in each strategy, and what its collector is configured to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml

from floe_charts.constructs.otel.gateway import DEBUG, KNOWN_VERSION, OtelGateway, TelemetryExporter, TelemetryFlow
from floe_charts.helm import HelmChart
from floe_charts.verify.engine import ChartHandle, load
from tests.constructs.rendering import new_chart, objects_of, spec_of, written
from tests.support import SHARED, write_chart

UPSTREAM = SHARED / "upstream" / "opentelemetry-collector-latest"

JAEGER = TelemetryExporter("otlp_grpc/jaeger", "otlp_grpc", "jaeger:4317", insecure=True)
VENDOR = TelemetryExporter("otlp_http", "otlp_http", "https://otlp.example.com", header=("X-Api-Key", "VENDOR_KEY"))
EXPORTERS = (DEBUG, JAEGER, VENDOR)
FLOW = TelemetryFlow(
    max_export_batch_size=1024,
    schedule_delay_millis=1500,
    export_timeout_millis=20000,
    max_queue_size=4096,
    sampling=(("dev", 1.0), ("staging", 0.5), ("prod", 0.07)),
)
NAME = "floe-platform-otel"

# What the official chart does with its configuration: through toYaml, and through tpl.
_UPSTREAM_CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Values.fullnameOverride }}
data:
  relay: |
    {{- tpl (toYaml (toYaml .Values.alternateConfig | fromYaml)) . | nindent 4 }}
"""


def gateway_chart(
    strategy: Literal["dependency", "native"],
    exporters: tuple[TelemetryExporter, ...] = EXPORTERS,
    flow: TelemetryFlow = FLOW,
) -> HelmChart:
    chart = new_chart()
    OtelGateway(chart, strategy=strategy, exporters=exporters, flow=flow)
    return chart


def native(directory: Path, exporters: tuple[TelemetryExporter, ...] = EXPORTERS) -> ChartHandle:
    return written(gateway_chart("native", exporters), directory)


def dependent(
    directory: Path, exporters: tuple[TelemetryExporter, ...] = EXPORTERS, *, upstream: bool = False
) -> ChartHandle:
    """The chart with a stand-in for the official one; with ``upstream`` under that one's own defaults and schema."""
    written(gateway_chart("dependency", exporters), directory)
    write_chart(
        directory / "floe-platform" / "charts" / "opentelemetry-collector",
        {"configmap.yaml": _UPSTREAM_CONFIG_MAP},
        (UPSTREAM / "values.yaml").read_text(encoding="utf-8") if upstream else "",
        schema=json.loads((UPSTREAM / "values.schema.json").read_text(encoding="utf-8")) if upstream else None,
        chart={"version": KNOWN_VERSION},
    )
    return load(directory / "floe-platform")


def configuration(handle: ChartHandle, values: Mapping[str, object] | None = None) -> Any:
    """The collector's configuration, whichever ConfigMap it is in."""
    data = objects_of(handle, {"otel": values or {}})[f"ConfigMap/{NAME}"].data["data"]
    assert isinstance(data, Mapping)
    (text,) = data.values()
    return yaml.safe_load(text)


def pod_of(handle: ChartHandle, values: Mapping[str, object] | None = None) -> dict[str, Any]:
    """The pod's spec of the native gateway."""
    pod = spec_of(objects_of(handle, {"otel": values or {}}), f"Deployment/{NAME}")["template"]["spec"]
    assert isinstance(pod, dict)
    return pod


def container_of(handle: ChartHandle, values: Mapping[str, object] | None = None) -> dict[str, Any]:
    (container,) = pod_of(handle, values)["containers"]
    assert isinstance(container, dict)
    return container
