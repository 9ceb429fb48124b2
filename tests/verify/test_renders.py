"""Failures of Helm, told by template, line and value."""

from __future__ import annotations

from pathlib import Path

import pytest

from floe_charts.verify.dependencies import check_dependencies
from floe_charts.verify.findings import Finding
from floe_charts.verify.helm_errors import read_refusal, read_render_error
from floe_charts.verify.renders import check_renders
from tests.support import write_chart
from tests.verify.subjects import subject_of

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Values.name }}\n"
HELPER = '{{- define "a.host" -}}{{ .Values.ingress.hosts.first }}{{- end }}'


def findings_of(directory: Path, templates: dict[str, str], values: dict[str, object]) -> tuple[Finding, ...]:
    return check_renders(subject_of(write_chart(directory / "c", templates, values))).findings


def test_a_chart_that_renders_passes(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", {"x.yaml": CONFIG}, {"name": "a"})
    result = check_renders(subject_of(chart, {"b": {"name": "b"}}, kube_versions=("1.28", "1.34")))
    assert (result.findings, result.figure) == ((), "2 cases, 2 versions of Kubernetes, 4 objects")


@pytest.mark.parametrize(
    ("templates", "values", "path", "message"),
    [
        ({"x.yaml": "a: 1\nb: {{ .Values.a.b.c }}\n"}, {}, "a.b.c", "line 2: .Values.a.b.c: nil pointer"),
        (
            {"x.yaml": 'b: {{ include "a.host" . }}\n', "_h.tpl": HELPER},
            {"ingress": {}},
            "ingress.hosts.first",
            "line 1, by c/templates/_h.tpl line 1: .Values.ingress.hosts.first: nil pointer",
        ),
        ({"x.yaml": "b: {{ index .Values.n 5 }}"}, {"n": ["a"]}, "n", "line 1: index .Values.n 5: index out of range"),
        ({"x.yaml": "b: {{ tpl .Values.t . }}"}, {"t": "{{ .Values.q.r }}"}, "q.r", "line 1: .Values.q.r: nil pointer"),
        ({"x.yaml": "b: {{ nofunction 1 }}"}, {}, "", 'line 1: function "nofunction" not defined'),
        ({"x.yaml": "b: {{ .Values.a"}, {}, "a", "unclosed action"),
    ],
)
def test_a_template_that_fails_is_told_by_place_and_value(
    tmp_path: Path, templates: dict[str, str], values: dict[str, object], path: str, message: str
) -> None:
    (found,) = findings_of(tmp_path, templates, values)
    assert (found.rule, found.where, found.path, found.cases) == (
        "template-error", "c/templates/x.yaml", path, ("defaults",),
    )  # fmt: skip
    assert message in found.message
    assert "\n" not in str(found)


def test_the_same_failure_in_helm_3s_words() -> None:
    text = (
        'template: c/templates/x.yaml:2:6: executing "c/templates/x.yaml" at <include "a.host" .>: '
        "error calling include: template: c/templates/_h.tpl:1:30: "
        'executing "a.host" at <.Values.ingress.hosts.first>: nil pointer evaluating x'
    )
    fault = read_render_error(text, "c")
    assert (fault.where, fault.path) == ("c/templates/x.yaml", "ingress.hosts.first")
    assert fault.message == (
        "line 2, by c/templates/_h.tpl line 1: .Values.ingress.hosts.first: nil pointer evaluating x"
    )
    assert read_render_error("something else\n entirely", "c").message == "something else entirely"


def test_a_chart_that_demands_values_gets_a_note_where_other_values_render(tmp_path: Path) -> None:
    template = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ required "give a name" .Values.name }}\n'
    chart = write_chart(tmp_path / "c", {"x.yaml": template})
    (found,) = check_renders(subject_of(chart, {"named": {"name": "a"}})).findings
    assert (found.severity, found.rule, found.path) == ("note", "demanded-by-chart", "name")
    assert "line 4: give a name" in found.message
    (found,) = check_renders(subject_of(chart)).findings
    assert found.severity == "error"
    assert "--values" in found.hint
    found = check_renders(subject_of(chart, {"named": {"name": "a"}, "none": {"other": 1}})).findings[1]
    assert (found.severity, found.cases) == ("error", ("none",))


def test_values_that_the_schema_refuses_are_told_one_by_one(tmp_path: Path) -> None:
    schema = {
        "additionalProperties": False,
        "required": ["needed"],
        "properties": {
            "needed": {},
            "replicas": {"type": "integer"},
            "list": {"items": {"properties": {"a/b": {"type": "string"}}}},
            "either": {"anyOf": [{"type": "integer"}, {"type": "boolean"}]},
        },
    }
    chart = write_chart(tmp_path / "c", {"x.yaml": CONFIG}, schema=schema)
    bad = {"replcas": 1, "replicas": "two", "list": [{"a/b": 1}], "either": "x"}
    found = [one for one in check_renders(subject_of(chart, {"bad": bad})).findings if one.cases == ("bad",)]
    assert {one.rule for one in found} == {"refused-by-schema"}
    assert {one.where for one in found} == {"c/values.schema.json"}
    told = {one.path: one for one in found}
    assert set(told) == {"needed", "replcas", "replicas", 'list[0]["a/b"]', "either"}
    assert told["replcas"].hint == "did you mean replicas?"


def test_a_refusal_by_a_subchart_names_its_schema() -> None:
    text = "values don't meet the specifications of the schema(s) in the following chart(s):\nsub:\n- at '/a': got x\n"
    (fault,) = read_refusal(text, "c")
    assert (fault.where, fault.path, fault.message) == ("sub/values.schema.json", "a", "a: got x")


def test_a_schema_that_is_none_is_not_taken_for_refused_values(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", {"x.yaml": CONFIG}, schema={"type": "nothing"})
    assert [one.rule for one in check_renders(subject_of(chart)).findings] == ["broken-schema"]


def test_what_is_no_object_is_found_in_all_cases(tmp_path: Path) -> None:
    twice = f"{CONFIG}---\n{CONFIG}"
    chart = write_chart(tmp_path / "c", {"w.yaml": twice, "x.yaml": "a: [", "y.yaml": "kind: X\n"}, {"name": "a"})
    result = check_renders(subject_of(chart, {"b": {"name": "b"}}, kube_versions=("1.28", "1.34")))
    assert [(one.rule, one.where) for one in result.findings] == [
        ("invalid-yaml", "c/templates/x.yaml"),
        ("not-an-object", "c/templates/y.yaml"),
        ("duplicate-object", "c/templates/w.yaml"),
        ("duplicate-object", "c/templates/w.yaml"),
    ]
    assert result.findings[0].cases == ("defaults", "b")


def test_an_absent_dependency_is_the_hint(tmp_path: Path) -> None:
    dependency = {"name": "common", "version": "1.0.0", "repository": "https://example.com"}
    template = 'a: {{ include "common.name" . }}'
    chart = write_chart(tmp_path / "c", {"x.yaml": template}, chart={"dependencies": [dependency]})
    (found,) = check_renders(subject_of(chart)).findings
    assert "helm dependency build" in found.hint


def test_what_a_subchart_refuses_is_one_finding_and_dependencies_tells_the_rest(tmp_path: Path) -> None:
    chart = write_chart(
        tmp_path / "c",
        {},
        {"sub": {"replicas": 1, "port": 2}, "own": 1},
        schema={"properties": {"own": {"type": "integer"}}},
        chart={"dependencies": [{"name": "sub", "version": "1.2.3"}]},
    )
    schema = {"properties": {"replicas": {"type": "integer"}, "port": {"type": "integer"}}}
    write_chart(chart / "charts" / "sub", {}, {}, schema=schema, chart={"version": "1.2.3"})
    subject = subject_of(chart, {"bad": {"sub": {"replicas": "two", "port": "three"}, "own": "x"}})
    assert [(one.rule, one.where, one.path) for one in check_renders(subject).findings] == [
        ("refused-by-schema", "c/values.schema.json", "own"),
        ("refused-by-schema", "c/charts/sub/values.schema.json", ""),
    ]
    told = [one for one in check_dependencies(subject).findings if one.rule == "refused-by-subchart"]
    assert {(one.where, one.path) for one in told} == {
        ("c/charts/sub/values.schema.json", "sub.port"),
        ("c/charts/sub/values.schema.json", "sub.replicas"),
    }


def test_a_refused_key_suggests_only_what_it_may_be_a_misspelling_of() -> None:
    schema = {"properties": {"replicaCount": {}, "serviceAccount": {}}}
    text = "c:\n- at '': additional properties 'serviceAcount', 'replicaSet', 'image' not allowed\n"
    hints = [one.hint for one in read_refusal(text, "c", schema)]
    assert hints == ["did you mean serviceAccount?", "did you mean replicaCount?", ""]
    del schema["properties"]["serviceAccount"]
    assert read_refusal(text, "c", schema)[0].hint == ""


@pytest.mark.parametrize("dependencies", [[], [{"name": "db", "version": "1.0.0"}]])
def test_a_value_that_is_not_there_and_makes_no_yaml(tmp_path: Path, dependencies: list[object]) -> None:
    """As in Marquez' chart, whose image is read from the values of its database."""
    template = CONFIG + 'data:\n  image: {{ printf "%s:12" .Values.db.image }}\n'
    chart = write_chart(tmp_path / "c", {"x.yaml": template}, {"db": {}}, chart={"dependencies": dependencies})
    (found,) = check_renders(subject_of(chart)).findings
    assert found.rule == "invalid-yaml" and found.hint.startswith("<nil> is a value that is not set")
    assert found.hint.endswith("; it may be one of db, which is not in charts/") is bool(dependencies)
