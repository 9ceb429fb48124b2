"""What is ignored is true of the charts."""

from __future__ import annotations

import re
from pathlib import Path

from floe_charts.gitops.differences import ARGOCD_DIFFERENCES

TEMPLATES = Path(__file__).resolve().parents[2] / "charts" / "floe-platform" / "templates"


def test_rules_are_of_kinds_that_the_chart_has() -> None:
    texts = [path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.yaml")]
    kinds = {
        (api.rpartition("/")[0], kind)
        for text in texts
        for api, kind in re.findall(r"^apiVersion: (\S+)\nkind: (\S+)$", text, re.MULTILINE)
    }
    assert {(rule["group"], rule["kind"]) for rule in ARGOCD_DIFFERENCES} <= kinds
    assert not [kind for _, kind in kinds if kind.endswith("WebhookConfiguration")]
    # The AppProject allows no other object outside of namespaces.
    assert {kind for _, kind in kinds if kind == "Namespace" or kind.startswith("Cluster")} == {"Namespace", "Cluster"}


def test_what_is_scaled_automatically_names_no_replicas() -> None:
    scaled = [path.name.replace("horizontalpodautoscaler", "deployment") for path in TEMPLATES.glob("*-horizontal*")]
    assert len(scaled) >= 2
    for name in scaled:
        text = (TEMPLATES / name).read_text(encoding="utf-8")
        assert re.search(r"\{\{- if not \(.*autoscaling\.enabled.*\n +replicas: ", text), name
