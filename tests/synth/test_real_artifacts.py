"""What the real compiler wrote, of this contract and older ones, becomes charts that Helm and Kubernetes take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from floe_charts.artifacts import CompiledArtifacts, load_all
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.synth.plugins import PluginValues
from floe_charts.synth.synthesis import PlatformFiles, synth
from floe_charts.verify.engine import lint
from floe_charts.verify.objects import find_duplicates, parse_objects
from floe_charts.verify.schemas import validate_objects
from tests.support import SHARED
from tests.synth.cases import CANARY
from tests.synth.charts import WrittenChart

ARTIFACTS = SHARED / "artifacts"
_NOT_ARTIFACTS = {"compiled-artifacts.schema.json", "plugin-helm-values.json", "versions.json"}
FILES = sorted(path for path in ARTIFACTS.rglob("*.json") if path.name not in _NOT_ARTIFACTS)
DEMO = [ARTIFACTS / f"{name}.json" for name in ("customer-360", "iot-telemetry", "financial-risk")]
_OLD_GATEWAY = {"http://otel-collector:4317"}
NOT_OURS = {
    "full-featured": {"http://cube:4000"},
    # On a developer's machine; in a pod nobody listens there.
    "quickstart-dry-run": {"http://localhost:4317"},
    "v0.1_compiled_artifacts": _OLD_GATEWAY,
    "v0.5_compiled_artifacts_with_semantic": _OLD_GATEWAY | {"http://cube:4000"},
    "v0.6_compiled_artifacts_with_ingestion": _OLD_GATEWAY,
}

pytestmark = pytest.mark.skipif(not ARTIFACTS.exists(), reason="the real artifacts are not beside the repository")
of_each_file = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


def assert_good(files: PlatformFiles, directory: Path) -> None:
    """The chart lints, renders in all its environments, and Kubernetes takes every object."""
    chart = WrittenChart(files, directory)
    assert len(chart.overlays) == 6
    for overlay in chart.distinct_overlays().values():
        faults = [one for one in lint(chart.path, overlay, strict=True) if one.severity != "info"]
        assert [one for one in faults if "missing these dependencies" not in one.text] == []
        objects, findings = parse_objects(chart.whole().render(overlay))
        assert (findings, find_duplicates(objects)) == ([], [])
        assert validate_objects(objects, [OLDEST, latest_kube_version()]).findings == ()


@of_each_file
def test_a_real_artifact_becomes_a_good_chart(path: Path, tmp_path: Path) -> None:
    assert_good(synth([CompiledArtifacts.load(path)], plugin_values=()), tmp_path)


@of_each_file
def test_its_endpoints_in_the_cluster_are_answered(path: Path) -> None:
    """All but those of somebody else's services, and MinIO where objects are stored elsewhere."""
    files = synth([CompiledArtifacts.load(path)], plugin_values=())
    silent = [line.partition("answers to ")[2] for line in files.notices if "no Service of the release" in line]
    elsewhere = {"http://floe-platform-minio:9000 in qa, uat, staging, prod"}
    assert {line.partition(";")[0] for line in silent} - elsewhere == NOT_OURS.get(path.stem, set())


@of_each_file
def test_its_credentials_are_in_no_file(path: Path) -> None:
    files = synth([CompiledArtifacts.load(path)], plugin_values=())
    for name, text in files.items():
        for secret in (CANARY, "demo-secret", "**********"):
            assert secret not in text, f"{name} holds {secret}"


def test_the_demo_on_one_platform(tmp_path: Path) -> None:
    files = synth(load_all([str(path) for path in DEMO]), plugin_values=())
    assert_good(files, tmp_path)
    assert {product.slug for product in files.platform.plan.products} == {path.stem for path in DEMO}


def test_what_real_plugins_say_is_merged_or_told() -> None:
    given = json.loads((ARTIFACTS / "plugin-helm-values.json").read_text(encoding="utf-8"))
    plugins = [PluginValues(name, entry["values"]) for name, entry in given.items()]
    files = synth([CompiledArtifacts.load(DEMO[0])], plugin_values=plugins)
    # The key of a chart that the platform does not have is told, with the plugin; the rest arrives.
    dead = [line for line in files.notices if "is read by no chart" in line]
    assert any(
        line.startswith("plugin floe-orchestrator-dagster: dagster-webserver.replicaCount is read") for line in dead
    )
    assert {line.split(":")[0].removeprefix("plugin ") for line in dead} >= {
        "floe-orchestrator-dagster",
        "floe-lineage-marquez",
        "floe-semantic-cube",
        "floe-telemetry-jaeger",
    }
    assert files.final_values("dev")["marquez"]["image"]["tag"] == "0.20.0"
    assert files.origin("dev", "marquez.image.tag") == "plugin floe-lineage-marquez"
