"""What a chart builds on, and what it hands to it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from floe_charts.verify.declared import lock_digest
from floe_charts.verify.dependencies import check_dependencies
from floe_charts.verify.findings import Finding
from tests.support import SHARED, write_chart
from tests.verify.subjects import subject_of

REPOSITORY = "https://example.com/charts"
SUBVALUES = {"replicas": 1, "auth": {"username": "a", "existingSecret": ""}, "labels": {}}
READS = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: sub\ndata:\n  n: "{{ .Values.replicas }}"\n'


def parent(directory: Path, values: Mapping[str, object], **entry: object) -> Path:
    """A chart with one dependency, sub 1.2.3, which is there."""
    dependency = {"name": "sub", "version": "~1.2.0", "repository": REPOSITORY, **entry}
    chart = write_chart(directory / "c", {}, values, chart={"dependencies": [dependency]})
    write_chart(chart / "charts" / "sub", {"x.yaml": READS}, SUBVALUES, chart={"version": "1.2.3"})
    return chart


def found(chart: Path, cases: Mapping[str, Mapping[str, object]] | None = None) -> tuple[Finding, ...]:
    return check_dependencies(subject_of(chart, cases)).findings


def rules(chart: Path) -> list[tuple[str, str]]:
    return [(one.rule, one.path) for one in found(chart)]


def test_a_dependency_in_order_passes(tmp_path: Path) -> None:
    chart = parent(tmp_path, {"sub": {"replicas": 2, "labels": {"a": "b"}, "enabled": True}}, condition="sub.enabled")
    result = check_dependencies(subject_of(chart))
    assert (result.findings, result.figure) == ((), "1 declared, 1 present")


def test_an_absent_one_is_a_note_that_says_what_was_not_looked_at(tmp_path: Path) -> None:
    dependency = {"name": "gone", "version": "1.0.0", "repository": REPOSITORY, "alias": "other"}
    chart = write_chart(tmp_path / "c", {}, chart={"dependencies": [dependency]})
    result = check_dependencies(subject_of(chart))
    (one,) = result.findings
    assert (one.rule, one.severity, one.path, one.hint) == ("absent", "note", "other", "run: helm dependency build")
    assert (result.passed, result.figure) == (True, "1 declared, 0 present")


@pytest.mark.parametrize("version", ["~1.3.0", "2.x.x", "not a version"])
def test_another_version_than_declared(tmp_path: Path, version: str) -> None:
    assert rules(parent(tmp_path, {}, version=version)) == [("wrong-version", "sub")]


def test_what_nobody_declares(tmp_path: Path) -> None:
    chart = parent(tmp_path, {})
    write_chart(chart / "charts" / "more", {})
    assert rules(chart) == [("undeclared", "more")]


def test_a_condition_that_no_values_define(tmp_path: Path) -> None:
    chart = parent(tmp_path, {"sub": {"enabled": True}}, condition="sub.enable")
    (one,) = found(chart)
    assert (one.rule, one.severity, one.hint) == ("condition-without-value", "warning", "did you mean sub.enabled?")


def lock(chart: Path, version: str, digest: str | None = None) -> None:
    declared = yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8"))["dependencies"]
    locked = [{"name": "sub", "repository": REPOSITORY, "version": version}]
    text = {
        "dependencies": locked,
        "digest": digest or lock_digest(declared, locked),
        "generated": "2026-01-01T00:00:00Z",
    }
    (chart / "Chart.lock").write_text(yaml.safe_dump(text), encoding="utf-8")


def test_a_lock_in_step_passes_and_another_does_not(tmp_path: Path) -> None:
    chart = parent(tmp_path, {})
    lock(chart, "1.2.3")
    assert rules(chart) == []
    lock(chart, "1.3.0")
    assert rules(chart) == [("lock-out-of-step", "sub")]
    lock(chart, "1.2.3", "sha256:0")
    assert rules(chart) == [("lock-out-of-step", "digest")]


def test_the_digest_is_helms() -> None:
    """Facts of a lock file that Helm wrote: one declared range, locked to one version."""
    declared = [
        {
            "name": "common",
            "version": "2.x.x",
            "repository": "oci://registry-1.docker.io/bitnamicharts",
            "tags": ["bitnami-common"],
        }
    ]
    locked = [{"name": "common", "version": "2.31.4", "repository": "oci://registry-1.docker.io/bitnamicharts"}]
    assert lock_digest(declared, locked) == "sha256:fc442e77200e1914dd46fe26490dcf62f44caa51db673c2f8e67d5319cd4c163"


@pytest.mark.parametrize("alias", ["", "store"])
def test_values_are_held_against_the_subcharts_schema(tmp_path: Path, alias: str) -> None:
    key = alias or "sub"
    chart = parent(tmp_path, {}, **({"alias": alias} if alias else {}))
    closed = {"type": "object", "additionalProperties": False, "properties": {"username": {}, "existingSecret": {}}}
    schema = {"properties": {"replicas": {"type": "integer"}, "auth": closed, "global": {}, "labels": {}}}
    (chart / "charts" / "sub" / "values.schema.json").write_text(json.dumps(schema), encoding="utf-8")
    assert rules(chart) == []
    bad = {key: {"replicas": "two", "auth": {"usrname": "x"}}}
    refused = [one for one in found(chart, {"bad": bad}) if one.rule == "refused-by-subchart"]
    assert {(one.path, one.hint, one.cases) for one in refused} == {
        (f"{key}.replicas", "", ("bad",)),
        (f"{key}.auth.usrname", "did you mean username?", ("bad",)),
    }


def test_a_subchart_that_is_switched_off_is_not_looked_at(tmp_path: Path) -> None:
    chart = parent(tmp_path, {"sub": {"enabled": False, "replicsa": 3}}, condition="sub.enabled")
    assert rules(chart) == []
    assert [one.rule for one in found(chart, {"on": {"sub": {"enabled": True}}})] == ["unknown-value"]


def test_a_key_that_nothing_in_the_subchart_knows(tmp_path: Path) -> None:
    chart = parent(tmp_path, {"sub": {"replcas": 2, "auth": {"userName": 1}, "labels": {"any": "x"}}})
    told = {one.path: one for one in found(chart)}
    assert set(told) == {"sub.replcas", "sub.auth.userName"}
    assert {one.severity for one in told.values()} == {"warning"}
    assert told["sub.replcas"].hint == "did you mean sub.replicas?"
    assert {one.where for one in told.values()} == {"c/values.yaml"}
    (given,) = (one for one in found(chart, {"prod.yaml": {"sub": {"colour": 1}}}) if one.path == "sub.colour")
    assert (given.where, given.hint) == ("prod.yaml", "take colour out of your values")


def test_a_key_that_a_template_reads_is_known(tmp_path: Path) -> None:
    chart = parent(tmp_path, {"sub": {"extra": 2}})
    (chart / "charts" / "sub" / "templates" / "y.yaml").write_text("# {{ .Values.extra }}\n", encoding="utf-8")
    assert rules(chart) == []


def test_odd_shapes_are_no_crash(tmp_path: Path) -> None:
    chart = parent(tmp_path, {"sub": None, "global": [1], "tags": "x"})
    (chart / "Chart.lock").write_text("dependencies: null\ndigest: 5\n", encoding="utf-8")
    assert {one.rule for one in found(chart, {"odd": {"sub": {"auth": None, "labels": 5}}})} <= {"lock-out-of-step"}


@pytest.mark.skipif(not (SHARED / "upstream" / "dagster").is_dir(), reason="the real chart is not at hand")
def test_values_handed_to_dagster_are_held_against_its_schema_without_the_network(tmp_path: Path) -> None:
    """Its schema takes half of its types from a file of Kubernetes definitions on the network."""
    entry = {"name": "dagster", "version": "*", "repository": REPOSITORY}
    chart = write_chart(tmp_path / "c", {}, {}, chart={"dependencies": [entry]})
    shutil.copytree(SHARED / "upstream" / "dagster", chart / "charts" / "dagster")
    good = {"dagster": {"dagsterWebserver": {"replicaCount": 2, "livenessProbe": {"periodSeconds": 5}}}}
    webserver = {"replicaCount": "two", "livenessProbe": {"periodSeconds": "often"}, "resources": {"limits": 3}}
    told = found(chart, {"good": good, "bad": {"dagster": {"dagsterWebserver": webserver}}})
    refused = [one for one in told if one.rule == "refused-by-subchart"]
    assert {one.cases for one in refused} == {("bad",)}
    assert sorted(one.path for one in refused) == [
        "dagster.dagsterWebserver.livenessProbe.periodSeconds",
        "dagster.dagsterWebserver.replicaCount",
        "dagster.dagsterWebserver.resources.limits",
    ]
    assert not [one for one in told if one.rule == "could-not-look"]
