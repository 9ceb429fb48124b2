"""Texts come out as they went in, or the place is named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from floe_charts.verify.engine import ChartHandle, load
from floe_charts.verify.findings import CheckResult
from floe_charts.verify.text import (
    AWKWARD_STRINGS,
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
    assert result.figure.endswith("1 not at all")


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
    assert "1 only where Kubernetes demands a form" in result.figure


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


def test_a_fault_of_the_last_texts_is_not_lost_among_many(tmp_path: Path) -> None:
    data = "".join(f"  k{n}: '{{{{ .Values.v{n} }}}}'\n" for n in range(90))
    result = checked(tmp_path, data, **{f"v{n}": "x" for n in range(90)})
    assert {one.path for one in result.findings} == {f"v{n}" for n in range(90)}
    assert "of 0 of 90 values" in result.figure
    assert all("with the text 'two\\nlines' " in one.message for one in result.findings)


def test_too_many_values_with_which_helm_fails_are_counted_and_the_fault_is_told(tmp_path: Path) -> None:
    broken = '{{{{ if contains ":" .Values.v{n} }}}}{{{{ mustRegexMatch "(" "x" }}}}{{{{ end }}}}'
    data = "".join(f"  k{n}: {broken.format(n=n)}{{{{ .Values.v{n} | quote }}}}\n" for n in range(90))
    result = checked(tmp_path, data, **{f"v{n}": "x" for n in range(90)})
    assert {one.rule for one in result.findings} == {"template-fails"}
    assert len(result.findings) > 1
    assert "not all texts were tried in" in result.figure


def test_a_fault_that_is_not_placed_in_time_is_told_of_the_values_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floe_charts.verify.text_trials._RENDERS_FOR_A_TEXT", 2)
    data = '  k: {{ if contains ":" .Values.v9 }}{{ mustRegexMatch "(" "x" }}{{ end }}k\n'
    data += "".join(f"  k{n}: {{{{ .Values.v{n} | quote }}}}\n" for n in range(10))
    result = checked(tmp_path, data, **{f"v{n}": "x" for n in range(10)})
    assert [(one.rule, one.path, one.where) for one in result.findings] == [
        ("template-fails", "", "c/templates/c.yaml")
    ]
    assert "one of" in result.findings[0].message
    assert "not all texts were tried in 3 values" in result.figure


def test_each_template_in_which_a_value_goes_wrong_is_named_once(tmp_path: Path) -> None:
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\ndata:\n"
    templates = {
        "a.yaml": head.format("a") + "  k: {{ .Values.v }}\n",
        "b.yaml": head.format("b") + "  k: '{{ .Values.v }}'\n",
        "c.yaml": head.format("c") + "  k: {{ .Values.v | quote }}\n",
    }
    result = check_text_safety(subject_of(write_chart(tmp_path / "c", templates, {"v": "x"})))
    assert [(one.where, one.rule) for one in result.findings] == [
        ("c/templates/a.yaml", "changes-type"),
        ("c/templates/b.yaml", "changes-text"),
    ]


def test_the_guilty_value_is_told_from_those_around_it_whatever_else_changes(tmp_path: Path) -> None:
    data = (
        "  a: {{ .Values.a | quote }}\n  sum: {{ printf \"%s%s\" .Values.a .Values.b | sha256sum }}\n"
        "  enc: {{ .Values.b | b64enc }}\n  more:\n    {{- toYaml .Values.c | nindent 4 }}\n"
        "  b: '{{ .Values.b }}'\n---\n"
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata: {d: {{ .Values.d | quote }}}\n"
    )  # fmt: skip
    result = checked(tmp_path, data, a="x", b="x", c={"x": "y"}, d="x")
    assert {(one.path, one.rule) for one in result.findings} == {("b", "changes-text")}


def test_what_is_random_is_not_compared_and_hides_no_other_value(tmp_path: Path) -> None:
    data = '  r: {{ printf "%s-%s" .Values.a (randAlpha 8) | quote }}\n  b: {{ .Values.b }}\n'
    assert {one.path for one in checked(tmp_path, data, a="x", b="y").findings} == {"b"}


def test_values_that_hide_each_other_are_all_tried(tmp_path: Path) -> None:
    data = (
        '  k: k\n  {{- if eq .Values.kind "x" }}\n  a: {{ .Values.a }}\n  {{- end }}\n'
        "  {{- if not .Values.made }}\n  n: {{ .Values.n }}\n  {{- end }}\n  m: {{ .Values.made | quote }}\n"
        '  kind: {{ .Values.kind | quote }}\n'
    )  # fmt: skip
    result = checked(tmp_path, data, kind="x", a="alpha", made="", n="")
    assert {one.path for one in result.findings} == {"a", "n"}


def test_values_that_take_no_other_text_keep_no_other_from_being_tried(tmp_path: Path) -> None:
    refuse = '{{{{ if ne .Values.m{n} "x" }}}}{{{{ fail (printf "no %s" .Values.m{n}) }}}}{{{{ end }}}}'
    data = "  k: k\n" + "".join(refuse.format(n=n) for n in range(12)) + "\n"
    data += "".join(f"  k{n}: {{{{ .Values.v{n} }}}}\n" for n in range(12))
    values = {**{f"m{n}": "x" for n in range(12)}, **{f"v{n}": "x" for n in range(12)}}
    result = checked(tmp_path, data, **values)
    assert {one.path for one in result.findings} == {f"v{n}" for n in range(12)}


def test_a_value_of_a_subchart_that_the_chart_does_not_set_is_not_tried(tmp_path: Path) -> None:
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\ndata:\n"
    about = {"dependencies": [{"name": "sub", "version": "0.1.0", "repository": ""}]}
    path = write_chart(tmp_path / "c", {"c.yaml": head.format("c")}, {"sub": {"mine": "x"}}, chart=about)
    data = "  a: {{ .Values.mine }}\n  b: {{ .Values.theirs }}\n"
    write_chart(path / "charts" / "sub", {"s.yaml": head.format("s") + data}, {"mine": "y", "theirs": "z"})
    result = check_text_safety(subject_of(path))
    assert [(one.path, one.where) for one in result.findings] == [("sub.mine", "c/charts/sub/templates/s.yaml")]


def test_a_value_is_not_tried_again_in_a_case_that_shows_it_in_the_same_templates(tmp_path: Path) -> None:
    template, values = config("  k: {{ .Values.v }}\n", {"v": "x"})
    chart_dir = write_chart(tmp_path / "c", {"c.yaml": template}, values)
    result = check_text_safety(subject_of(chart_dir, {"other.yaml": {"v": "z"}}))
    assert {one.cases for one in result.findings} == {()}


def test_findings_are_the_same_each_time(tmp_path: Path) -> None:
    data = "".join(f"  k{n}: {{{{ .Values.v{n} }}}}\n" for n in range(30))
    template, values = config(data, {f"v{n}": "x" for n in range(30)})
    chart_dir = write_chart(tmp_path / "c", {"c.yaml": template}, values)
    assert check_text_safety(subject_of(chart_dir)) == check_text_safety(subject_of(chart_dir))


def test_base64_beside_what_goes_wrong_is_no_fault(tmp_path: Path) -> None:
    both = '{{ printf "first %s and then %s" .Values.a .Values.b | b64enc }}'
    data = f"  enc: {both}\n  raw: {{{{ .Values.c }}}}\n  sum: {{{{ .Values.a | sha256sum }}}}\n"
    assert {one.path for one in checked(tmp_path, data, a="x", b="y", c="z").findings} == {"c"}


def test_the_place_is_shown_at_the_value_that_goes_wrong(tmp_path: Path) -> None:
    data = (
        "  k.properties: |\n    a={{ .Values.a | quote }}\n    long.enough.to.be.far.away=x{{ .Values.b | squote }}\n"
    )
    found = checked(tmp_path, data.replace("squote", 'replace "\\n" "-"'), a="x", b="y").findings
    assert [one.path for one in found] == ["b"]
    assert "away=x" in found[0].message


def test_a_value_that_hides_others_does_not_where_a_third_takes_no_other_text(tmp_path: Path) -> None:
    data = '  k: k{{ if ne .Values.m "x" }}{{ fail "only x" }}{{ end }}\n  {{- if eq .Values.kind "x" }}\n'
    data += "".join(f"  k{n}: {{{{ .Values.v{n} }}}}\n" for n in range(20)) + "  {{- end }}\n"
    result = checked(tmp_path, data, kind="x", **{f"v{n}": "x" for n in range(20)}, m="x")
    assert {one.path for one in result.findings} == {f"v{n}" for n in range(20)}


def test_documents_that_a_text_adds_are_noticed(tmp_path: Path) -> None:
    added = '{{- if contains ":" .Values.b }}\n---\n{{- end }}\n'
    data = "  a: {{ .Values.a | quote }}\n" + added + "  b: {{ .Values.b | quote }}\n"
    assert {one.path for one in checked(tmp_path, data, a="x", b="y").findings} == {"b"}


def test_a_file_inside_a_file_is_read(tmp_path: Path) -> None:
    data = '  k.yaml: {{ printf "a: [%s, b]\\nc: \'x\'" (.Values.v | replace ":" "") | quote }}\n'
    assert {one.path for one in checked(tmp_path, data, v="x").findings} == {"v"}


def test_what_only_awkward_texts_together_break_is_found(tmp_path: Path) -> None:
    both = 'and (contains ":" .Values.v) (contains "#" .Values.v)'
    data = "  k: {{ if " + both + ' }}{{ mustRegexMatch "(" "x" }}{{ end }}{{ .Values.v | quote }}\n'
    assert [(one.rule, one.path) for one in checked(tmp_path, data, v="x").findings] == [("template-fails", "v")]


def test_a_value_for_which_the_subchart_demands_a_form_is_not_tried(tmp_path: Path) -> None:
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\ndata:\n"
    about = {"dependencies": [{"name": "sub", "alias": "other", "version": "0.1.0", "repository": ""}]}
    path = write_chart(tmp_path / "c", {"c.yaml": head.format("c")}, {"other": {"a": "x", "b": "x"}}, chart=about)
    schema = {"properties": {"a": {"pattern": "[a-z]"}}}
    data = "  a: {{ .Values.a }}\n  b: {{ .Values.b }}\n"
    write_chart(path / "charts" / "sub", {"s.yaml": head.format("s") + data}, {}, schema=schema)
    assert {one.path for one in check_text_safety(subject_of(path)).findings} == {"other.b"}


def test_a_text_that_changes_within_base64_is_found(tmp_path: Path) -> None:
    data = '  k: {{ .Values.v | replace ":" "" | b64enc }}\n'
    assert [(one.rule, one.path) for one in checked(tmp_path, data, v="x").findings] == [("changes-text", "v")]


def test_a_type_that_changes_in_a_file_within_the_object_is_found(tmp_path: Path) -> None:
    found = checked(tmp_path, "  k.yaml: |\n    a: {{ .Values.v }}\n", v="x").findings
    assert [one.rule for one in found] == ["changes-type"]
    assert "holds a file in which" in found[0].message
