"""Values that change nothing are found, and only those."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from floe_charts.verify.dead import find_dead_values
from floe_charts.verify.engine import RenderError, ValuesRefused, load
from floe_charts.verify.values import Path as ValuePath
from tests.support import write_chart

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n"


def dead(
    tmp_path: Path,
    template: str,
    values: Mapping[str, object],
    cases: Mapping[str, Mapping[str, object]] | None = None,
    schema: Mapping[str, object] | None = None,
) -> list[ValuePath]:
    chart = load(write_chart(tmp_path / "c", {"c.yaml": HEAD + template}, values, schema=schema))
    return sorted(find_dead_values(chart, list((cases or {"defaults": {}}).items())).dead)


def test_read_values_live_and_unread_ones_are_dead(tmp_path: Path) -> None:
    template = "  a: {{ .Values.text | quote }}\n  b: {{ .Values.size | quote }}\n  c: {{ .Values.flag | quote }}\n"
    template += "  d: {{ toJson .Values.list | quote }}\n  e: {{ toJson .Values.map | quote }}\n"
    values = {"text": "x", "size": 1, "flag": False, "list": [], "map": {}}
    unread = {"text": "x", "size": 1, "flag": False, "list": [], "map": {}, "nothing": None}
    assert dead(tmp_path, template, {**values, "un": unread}) == [
        ("un", key) for key in sorted(unread) if key != "nothing"
    ]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("{{ .Values.v | upper | quote }}", "x"),
        ("{{ .Values.v | sha256sum }}", "x"),
        ("{{ if .Values.v }}a{{ end }}b", "x"),
        ("{{ if eq .Values.v \"special\" }}a{{ end }}b", "special"),
        ("{{ len .Values.v | quote }}", []),
        ("{{ len .Values.v | quote }}", [1]),
        ("{{ range .Values.v }}{{ .name }}{{ end }}x", [{"name": "a"}]),
        ("{{ .Values.v | int64 | add 1 | quote }}", 5),
        ("{{ required \"say v\" .Values.v | trunc 1 }}", "x"),
        ("{{ if gt (int .Values.v) 5 }}a{{ end }}b", 3),
        ("{{ keys .Values.v | len | quote }}", {}),
    ],
)  # fmt: skip
def test_a_value_that_is_read_in_any_way_lives(tmp_path: Path, expression: str, value: object) -> None:
    assert dead(tmp_path, f"  k: {expression}\n", {"v": value}) == []


def test_a_witness_follows_the_schema(tmp_path: Path) -> None:
    host: dict[str, object] = {
        "type": "object",
        "required": ["host", "port"],
        "additionalProperties": False,
        "properties": {"host": {"type": "string"}, "port": {"type": "integer", "minimum": 8}},
    }
    schema: dict[str, object] = {
        "properties": {
            "mode": {"enum": ["a", "b"]},
            "share": {"type": "integer", "minimum": 1, "maximum": 3},
            "memory": {"type": "string", "pattern": "^[0-9]+Mi$"},
            "when": {"type": "string", "pattern": r"^\S+ \S+ \S+ \S+ \S+$"},
            "hosts": {"type": "array", "items": host},
            "limits": {"type": "object", "additionalProperties": False, "properties": {"cpu": {"type": "string"}}},
        }
    }
    values = {"mode": "a", "share": 1, "memory": "5Mi", "when": "0 * * * *", "hosts": [], "limits": {}}
    template = "".join(f"  {key}: {{{{ toJson .Values.{key} | quote }}}}\n" for key in values)
    assert dead(tmp_path / "read", template, values, schema=schema) == []
    assert dead(tmp_path / "unread", "  k: v\n", values, schema=schema) == [(key,) for key in sorted(values)]


def test_a_leaf_that_the_schema_leaves_no_choice_is_not_called_dead(tmp_path: Path) -> None:
    schema: dict[str, object] = {"properties": {"fixed": {"const": "x"}, "free": {"type": "string"}}}
    chart = load(write_chart(tmp_path / "c", {"c.yaml": HEAD}, {"fixed": "x", "free": "y"}, schema=schema))
    report = find_dead_values(chart)
    assert (report.dead, report.unchangeable) == ((("free",),), (("fixed",),))


def test_a_value_that_lives_in_one_case_only_lives(tmp_path: Path) -> None:
    template = "{{ if .Values.on }}  a: {{ .Values.text }}\n  b: {{ .Values.flag }}\n{{ end }}  z: z\n"
    values = {"on": False, "text": "x", "flag": True, "dead": {"text": "x", "flag": True}}
    without = [("dead", "flag"), ("dead", "text"), ("flag",), ("text",)]
    assert dead(tmp_path / "one", template, values) == without
    both: dict[str, Mapping[str, object]] = {"off": {}, "on": {"on": True}}
    assert dead(tmp_path / "two", template, values, both) == without[:2]


def test_leaves_that_only_a_case_sets_are_tried_too(tmp_path: Path) -> None:
    cases: dict[str, Mapping[str, object]] = {"prod": {"a": {"misspelt": 5}}}
    assert dead(tmp_path, "  k: {{ .Values.a.right }}\n", {"a": {"right": 1}}, cases) == [("a", "misspelt")]


def test_random_output_does_not_make_everything_live(tmp_path: Path) -> None:
    template = "  p: {{ randAlphaNum 20 }}\n"
    chart = load(write_chart(tmp_path / "c", {"r.yaml": HEAD + template}, {"dead": True}))
    report = find_dead_values(chart)
    assert (report.dead, report.unstable) == ((("dead",),), ("c/templates/r.yaml",))


def test_a_value_that_breaks_the_render_of_all_together_hides_no_other(tmp_path: Path) -> None:
    values: dict[str, object] = {f"v{n:02d}": f"x{n}" for n in range(40)}
    template = "".join(f"  {key}: {{{{ .Values.{key} }}}}\n" for key in values if key != "v07")
    template += '  t: {{ if ne .Values.v20 "x20" }}{{ fail "v20 is x20" }}{{ end }}\n'
    assert dead(tmp_path, template, values) == [("v07",)]


def test_a_case_that_does_not_render_is_an_error(tmp_path: Path) -> None:
    schema: dict[str, object] = {"properties": {"a": {"type": "integer"}}}
    chart = load(write_chart(tmp_path / "c", {"c.yaml": '{{ required "say b" .Values.b }}'}, {"a": 1}, schema=schema))
    with pytest.raises(RenderError, match=r"bare: .*say b"):
        find_dead_values(chart, [("bare", {})])
    with pytest.raises(ValuesRefused, match="wrong: "):
        find_dead_values(chart, [("wrong", {"a": "x"})])


def test_progress_is_told(tmp_path: Path) -> None:
    chart = load(
        write_chart(
            tmp_path / "c",
            {"c.yaml": HEAD + "  k: {{ .Values.web.replicas }}\n"},
            {"web": {"replicas": 1, "replcas": 2}},
        )
    )
    told: list[tuple[int, int]] = []
    find_dead_values(chart, progress=lambda done, whole: told.append((done, whole)))
    assert told[-1] == (2, 2)


def test_a_large_chart_takes_far_fewer_renders_than_leaves(tmp_path: Path) -> None:
    values = {f"p{part}": {f"v{n}": f"x{n}" for n in range(50)} for part in range(20)}
    template = "".join(f"  {part}{key}: {{{{ .Values.{part}.{key} }}}}\n" for part in values for key in values[part])
    chart = load(write_chart(tmp_path / "c", {"c.yaml": HEAD + template}, values))
    start = time.monotonic()
    report = find_dead_values(chart)
    assert (len(report.alive), report.dead) == (1000, ())
    assert report.renders <= 10
    assert time.monotonic() - start < 60
