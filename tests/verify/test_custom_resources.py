"""Custom resources of a chart against the schemas that are at hand."""

from __future__ import annotations

import json
from pathlib import Path

from floe_charts.verify.custom_resources import check_custom_resources
from floe_charts.verify.schemas import CustomSchemas
from tests.support import write_chart
from tests.verify.subjects import subject_of

SHOP = """\
apiVersion: example.com/v1
kind: Shop
metadata:
  name: s
spec: {{ toJson .Values.spec }}
"""
SPEC = {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}, "note": {"type": "string"}}}


def crd(kind: str = "Shop") -> str:
    schema = {"type": "object", "properties": {"spec": SPEC}}
    versions = [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]
    names = {"kind": kind, "plural": f"{kind.lower()}s"}
    spec = {"group": "example.com", "names": names, "scope": "Namespaced", "versions": versions}
    metadata = {"name": f"{kind.lower()}s.example.com"}
    api_version = "apiextensions.k8s.io/v1"
    return json.dumps(
        {"apiVersion": api_version, "kind": "CustomResourceDefinition", "metadata": metadata, "spec": spec}
    )


def custom(directory: Path) -> CustomSchemas:
    (directory / "shop.yaml").write_text(crd(), encoding="utf-8")
    return CustomSchemas.from_paths([directory / "shop.yaml"])


def test_a_resource_that_fits_passes(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", {"x.yaml": SHOP}, {"spec": {"size": 1, "note": None}})
    result = check_custom_resources(subject_of(chart, custom=custom(tmp_path)))
    assert (result.findings, result.figure) == ((), "1 object")


def test_each_fault_is_told_once_with_its_rule(tmp_path: Path) -> None:
    bad = {"sze": 1, "note": 5}
    chart = write_chart(tmp_path / "c", {"x.yaml": SHOP}, {"spec": bad})
    subject = subject_of(chart, {"b": {"other": 1}}, custom=custom(tmp_path), kube_versions=("1.28", "1.34"))
    result = check_custom_resources(subject)
    assert {(one.rule, one.path) for one in result.findings} == {
        ("unknown-field", "spec.sze"),
        ("wrong-type", "spec.note"),
        ("missing-field", "spec.size"),
    }
    assert {(one.where, one.object, one.cases) for one in result.findings} == {
        ("c/templates/x.yaml", "Shop s", ("defaults", "b"))
    }
    assert next(one for one in result.findings if one.rule == "unknown-field").hint == "did you mean size?"


def test_what_has_no_schema_is_counted_and_named(tmp_path: Path) -> None:
    other = SHOP.replace("name: s", "name: t")
    chart = write_chart(tmp_path / "c", {"x.yaml": SHOP, "y.yaml": other}, {"spec": {}})
    result = check_custom_resources(subject_of(chart, {"b": {"a": 1}}))
    (found,) = result.findings
    assert (found.severity, found.rule, found.object) == ("note", "no-schema", "example.com/v1 Shop")
    assert str(found).endswith("2 Shop of example.com/v1 were not checked: no schema; hand in its CRD by --schemas")
    assert result.passed
    assert result.figure == "4 objects, none of them checked: no schema for 1 kind"


def test_the_chart_brings_its_own_definitions(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", {"x.yaml": SHOP}, {"spec": {"sze": 1, "size": 2}})
    (chart / "crds").mkdir()
    (chart / "crds" / "shop.yaml").write_text(crd(), encoding="utf-8")
    assert [one.rule for one in check_custom_resources(subject_of(chart)).findings] == ["unknown-field"]


def test_so_do_subcharts_and_templates(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", {"x.yaml": SHOP, "crd.yaml": crd()}, {"spec": {"sze": 1, "size": 2}})
    assert [one.rule for one in check_custom_resources(subject_of(chart)).findings] == ["unknown-field"]
    outer = write_chart(tmp_path / "d", {"x.yaml": SHOP}, {"spec": {"sze": 1, "size": 2}})
    below = write_chart(outer / "charts" / "sub", {})
    (below / "crds").mkdir()
    (below / "crds" / "shop.yaml").write_text(crd(), encoding="utf-8")
    assert [one.rule for one in check_custom_resources(subject_of(outer)).findings] == ["unknown-field"]


def test_a_definition_that_cannot_be_used_is_a_finding(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", {"x.yaml": SHOP}, {"spec": {}})
    (chart / "crds").mkdir()
    text = "group: example.com\nkind: Shop\nkind: CustomResourceDefinition\n"
    (chart / "crds" / "shop.yaml").write_text(text, encoding="utf-8")
    found = check_custom_resources(subject_of(chart)).findings
    assert [(one.rule, one.where) for one in found if one.fails] == [("broken-schema", "c/crds/shop.yaml")]
