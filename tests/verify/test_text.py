"""Texts come out as they went in, or the place is named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from floe_charts.verify.engine import ChartHandle, load
from floe_charts.verify.text import AWKWARD_STRINGS, check_text, plain_text_leaves, round_trips
from tests.support import write_chart

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
