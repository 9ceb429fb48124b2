"""Texts come out as they went in, or the place is named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from floe_charts.verify.engine import ChartHandle, load
from floe_charts.verify.findings import CheckResult
from floe_charts.verify.text import (
    AWKWARD_STRINGS,
    TELLING_TEXTS,
    check_text,
    check_text_safety,
    plain_text_leaves,
    round_trips,
)
from tests.support import write_chart
from tests.verify.subjects import subject_of

HEAD = "apiVersion: v1\nkind: {kind}\nmetadata:\n  name: c\ndata:\n"


def chart(
    tmp_path: Path, data: str, *, kind: str = "ConfigMap", schema: Mapping[str, object] | None = None
) -> ChartHandle:
    values = {"v": "plain", "list": [{"name": "x"}]}
    return load(write_chart(tmp_path / "c", {"c.yaml": HEAD.format(kind=kind) + data}, values, schema=schema))


SAFE = [
    "  k: {{ .Values.v | quote }}\n",
    "  k: {{ printf \"http://%s/x\" .Values.v | quote }}\n",
    "  {{ .Values.v | quote }}: k\n",
    "  k: {{ toJson (dict \"a\" (list .Values.v)) | quote }}\n",
    "  k.yaml: |\n    a:\n      b: {{ .Values.v | quote }}\n",
    "  k.yaml: {{ printf \"a:\\n  b: %s\" (quote .Values.v) | quote }}\n",
    "  k.json: {{ toJson (dict \"a\" .Values.v) | quote }}\n",
    "  k: {{ .Values.v | b64enc | quote }}\n",
    "  script: {{ printf \"echo: %s\" .Values.v | quote }}\n",
]  # fmt: skip


@pytest.mark.parametrize("data", SAFE)
def test_safe_templates_pass_with_every_awkward_text(tmp_path: Path, data: str) -> None:
    report = check_text(chart(tmp_path, data), paths=[("v",)])
    assert [str(one) for one in report.findings] == []
    assert report.compared == len(AWKWARD_STRINGS)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("  k: {{ .Values.v }}\n", "a: b"),
        ("  k: {{ .Values.v }}\n", "true"),
        ("  k: {{ .Values.v }}\n", "y"),
        ("  k: {{ .Values.v }}\n", "0123"),
        ("  k: {{ .Values.v }}\n", "a # b"),
        ("  k: {{ .Values.v }}\n", " before"),
        ("  k: '{{ .Values.v }}'\n", "'"),
        ('  k: "{{ .Values.v }}"\n', "\\"),
        ('  k: "{{ .Values.v }}"\n', "two\nlines"),
        ("  k: {{ tpl .Values.v . | quote }}\n", "{{ .Values.list }}"),
        ("  k: {{ tpl .Values.v . | quote }}\n", "{{"),
        ("  k: {{ .Values.v | trim | quote }}\n", "behind "),
        ("  {{ .Values.v }}: k\n", "a: b"),
        ("  k.yaml: |\n    a: {{ .Values.v }}\n", "true"),
        ("  k.yaml: {{ toYaml (dict \"a\" (dict .Values.v 1)) | quote }}\n", "<<"),
        ("  k.yaml: {{ toYaml (dict \"a\" .Values.v) | quote }}\n", "line end\n"),
        ("  k.yaml: {{ toYaml (dict \"a\" .Values.v) | quote }}\n", "\x7f"),
        ("  k.yaml: {{ toJson (dict \"a\" .Values.v) | quote }}\n", "\u0085"),
        ("  k.yaml: |\n    a: {{ .Values.v }}\n", "a: b"),
        ("  k.json: |\n    {\"a\": \"{{ .Values.v }}\"}\n", '"'),
        ("  k: {{ .Values.v | trimSuffix \"x\" | b64enc | quote }}\n", "ax"),
        ("  k: {{ printf \"http://%s/x\" .Values.v }}\n", "a # b"),
    ],
)  # fmt: skip
def test_unsafe_templates_are_found(tmp_path: Path, data: str, text: str) -> None:
    handle = chart(tmp_path, data)
    assert round_trips(handle, {}, ("v",), text) is False
    finding = check_text(handle, paths=[("v",)], texts=[text]).findings[0]
    assert finding.path == "v"


@pytest.mark.parametrize(
    ("data", "schema"),
    [
        ("  k: k\n", None),
        ("  k: {{ .Values.v | sha256sum }}\n", None),
        ("  k: {{ if ne .Values.v \"plain\" }}{{ fail \"only plain\" }}{{ end }}\n", None),
        ("  k: {{ .Values.v | quote }}\n", {"properties": {"v": {"enum": ["plain"]}}}),
    ],
)  # fmt: skip
def test_where_nothing_can_be_compared_nothing_is_said(
    tmp_path: Path, data: str, schema: dict[str, object] | None
) -> None:
    handle = chart(tmp_path, data, schema=schema)
    assert round_trips(handle, {}, ("v",), "a: b") is None
    report = check_text(handle, paths=[("v",)])
    assert (report.findings, report.compared, report.unseen) == ((), 0, (("v",),))


def test_a_text_that_the_schema_or_the_chart_refuses_is_no_fault(tmp_path: Path) -> None:
    refusing = {"properties": {"v": {"pattern": "^[a-z]+$"}}}
    handle = chart(tmp_path / "schema", "  k: {{ .Values.v }}\n", schema=refusing)
    assert round_trips(handle, {}, ("v",), "a: b") is None
    fails = '  k: {{ if contains ":" .Values.v }}{{ fail "no colon" }}{{ end }}{{ .Values.v }}\n'
    assert round_trips(chart(tmp_path / "fail", fails), {}, ("v",), "a: b") is None


def test_a_checksum_beside_the_text_does_not_matter(tmp_path: Path) -> None:
    assert round_trips(
        chart(tmp_path, "  k: {{ .Values.v | quote }}\n  s: {{ .Values.v | sha256sum }}\n"), {}, ("v",), "x: y"
    )


def test_texts_inside_lists(tmp_path: Path) -> None:
    handle = chart(tmp_path, "  k: {{ (index .Values.list 0).name }}\n")
    assert round_trips(handle, {}, ("list", 0, "name"), "a: b") is False
    assert round_trips(handle, {}, ("list", 0, "name"), "ab") is True


def test_a_leaf_is_tried_in_the_first_case_that_shows_it(tmp_path: Path) -> None:
    handle = chart(tmp_path, "  k: k{{ if .Values.on }}\n  l: {{ .Values.v }}{{ end }}\n")
    assert check_text(handle, paths=[("v",)]).unseen == (("v",),)
    report = check_text(handle, [("off", {}), ("on", {"on": True})], paths=[("v",)])
    assert report.unseen == ()
    assert report.findings


def test_plain_texts_are_those_without_a_form() -> None:
    values = {"a": "x", "b": "x", "c": "x", "d": "x", "n": 1, "l": ["x"]}
    schema = {
        "properties": {"b": {"enum": ["x"]}, "c": {"pattern": "x"}, "d": {"format": "uri"}, "a": {"maxLength": 5}}
    }
    assert plain_text_leaves(values, schema) == [("a",), ("l", 0)]


def config(data: str, values: Mapping[str, object], *, annotation: str = "fixed") -> tuple[str, dict[str, object]]:
    head = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  annotations:\n    note: {annotation}\n"
    return head + "data:\n" + data, dict(values)


def checked(tmp_path: Path, data: str, annotation: str = "fixed", **values: object) -> CheckResult:
    template, given = config(data, values, annotation=annotation)
    return check_text_safety(subject_of(write_chart(tmp_path / "c", {"c.yaml": template}, given)))


def test_a_chart_that_quotes_passes(tmp_path: Path) -> None:
    data = '  k: {{ .Values.v | quote }}\n  l: {{ printf "a %s" .Values.w | quote }}\n'
    result = checked(tmp_path, data, "{{ .Values.v | quote }}", v="x", w="y", unused="z")
    assert result.findings == ()
    assert result.passed
    assert result.figure.startswith("any text comes out of 2 of 2 values as it went in")
    assert result.figure.endswith("1 never come out")


@pytest.mark.parametrize(
    ("data", "rules"),
    [
        ("  k: {{ .Values.v }}\n", {"changes-type", "breaks-yaml", "changes-text"}),
        ("  k: '{{ .Values.v }}'\n", {"breaks-yaml", "changes-text"}),
        ("  k: http://{{ .Values.v }}:80\n", {"changes-type", "breaks-yaml", "changes-text"}),
        ("  k.yaml: |\n    a: {{ .Values.v }}\n", {"changes-type", "breaks-yaml", "changes-text"}),
    ],
)
def test_a_value_without_quotes_is_named(tmp_path: Path, data: str, rules: set[str]) -> None:
    result = checked(tmp_path, data + "  safe: {{ .Values.w | quote }}\n", v="x", w="y")
    assert {one.rule for one in result.findings} <= rules
    assert result.findings
    assert {(one.where, one.path, one.check) for one in result.findings} == {("c/templates/c.yaml", "v", "text-safety")}
    assert not result.passed


def test_a_text_that_turns_into_another_type_is_found_in_an_annotation(tmp_path: Path) -> None:
    result = checked(tmp_path, "  k: x\n", "{{ .Values.v }}", v="x")
    assert "changes-type" in {one.rule for one in result.findings}
    assert "write {{ .Values.v | quote }}" in result.findings[0].hint


def test_a_template_that_fails_is_found(tmp_path: Path) -> None:
    data = '  k: {{ if contains ":" .Values.v }}{{ mustRegexMatch "(" "x" }}{{ end }}{{ .Values.v | quote }}\n'
    found = [one for one in checked(tmp_path, data, v="x").findings]
    assert [(one.rule, one.where) for one in found] == [("template-fails", "c/templates/c.yaml")]


@pytest.mark.parametrize(
    "data",
    [
        "  k: {{ tpl .Values.v . | quote }}\n",
        "  k: {{ .Values.v | lower | quote }}\n",
        "  k: {{ .Values.v | trim | quote }}\n",
        "  k: {{ printf \"%s %s\" .Values.v (upper .Values.v) | quote }}\n",
        "  k: {{ printf \"%s %s\" .Values.v (randAlpha 9) | quote }}\n",
        "  k.conf: {{ printf \"a = %s\" (quote .Values.v) | quote }}\n",
        "  k: {{ if contains \":\" .Values.v }}{{ fail \"no colon\" }}{{ end }}{{ .Values.v | quote }}\n",
    ],
)  # fmt: skip
def test_what_a_template_does_on_purpose_is_no_fault(tmp_path: Path, data: str) -> None:
    assert checked(tmp_path, data, v="x").findings == ()


def test_a_name_is_not_tried_with_what_kubernetes_refuses_there(tmp_path: Path) -> None:
    template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Values.v }}\n"
    result = check_text_safety(subject_of(write_chart(tmp_path / "c", {"c.yaml": template}, {"v": "x"})))
    assert result.findings == ()
    assert "1 values come out only where Kubernetes demands a form" in result.figure


def test_a_label_that_becomes_a_number_is_found(tmp_path: Path) -> None:
    template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  labels:\n    a: {{ .Values.v }}\n"
    result = check_text_safety(subject_of(write_chart(tmp_path / "c", {"c.yaml": template}, {"v": "x"})))
    assert [one.rule for one in result.findings] == ["changes-type"]


def test_a_value_that_comes_out_in_one_case_only_is_tried_there(tmp_path: Path) -> None:
    template, values = config("  k: k{{ if .Values.on }}\n  l: {{ .Values.v }}{{ end }}\n", {"v": "x", "on": False})
    chart_dir = write_chart(tmp_path / "c", {"c.yaml": template}, values)
    result = check_text_safety(subject_of(chart_dir, {"on.yaml": {"on": True}}))
    assert {one.cases for one in result.findings} == {("on.yaml",)}


def test_the_elements_of_a_list_are_one_finding(tmp_path: Path) -> None:
    result = checked(tmp_path, '  k: "{{ join "," .Values.list }}"\n', list=["a", "b", "c"])
    assert {one.path for one in result.findings} == {"list[0]"}
    assert "2 other elements of the list" in result.findings[0].message


def test_many_values_are_tried_together_and_only_the_guilty_one_is_named(tmp_path: Path) -> None:
    data = "".join(f"  k{n}: {{{{ .Values.v{n}{'' if n == 77 else ' | quote'} }}}}\n" for n in range(150))
    result = checked(tmp_path, data, **{f"v{n}": "x" for n in range(150)})
    assert {one.path for one in result.findings} == {"v77"}
    assert "149 of 150 values" in result.figure


def test_a_chart_that_does_not_render_is_skipped(tmp_path: Path) -> None:
    assert checked(tmp_path, '  k: {{ fail "no" }}\n', v="x").skipped


def test_odd_shapes_crash_nothing(tmp_path: Path) -> None:
    templates = {
        "c.yaml": "- {{ .Values.v }}\n---\n{{ .Values.w }}: 1\n---\na: [b",
        "n.yaml": "metadata: 3\nkind: []\n",
    }
    values = {"v": "x", "w": "y", "n": None, "l": [None, ["z"], 1]}
    chart_dir = write_chart(tmp_path / "c", templates, values, chart={"annotations": {}})
    assert check_text_safety(subject_of(chart_dir)).passed
