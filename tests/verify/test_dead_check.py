"""The check of dead values: what nothing reads, what only a part that is off reads, what cannot be judged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from floe_charts.verify.dead import check_dead_values
from floe_charts.verify.findings import CheckResult
from tests.support import write_chart
from tests.verify.subjects import subject_of

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata:\n"


def verdicts(result: CheckResult) -> dict[str, tuple[str, str]]:
    return {finding.path: (finding.rule, finding.hint) for finding in result.findings}


def check(
    tmp_path: Path,
    templates: Mapping[str, str],
    values: Mapping[str, object],
    cases: Mapping[str, Mapping[str, object]] | None = None,
    **more: object,
) -> CheckResult:
    bodies = {name: MAP.replace("NAME", name.partition(".")[0]) + text for name, text in templates.items()}
    chart = write_chart(tmp_path / "shop", bodies, values, **more)  # type: ignore[arg-type]
    return check_dead_values(subject_of(chart, cases))


def test_a_chart_without_dead_values_passes(tmp_path: Path) -> None:
    template = "  a: {{ .Values.web.title | quote }}\n  b: {{ ternary `x` `y` .Values.web.on }}\n"
    result = check(tmp_path, {"a.yaml": template}, {"web": {"title": "t", "on": False}})
    assert result.passed and result.findings == ()
    assert "2 values" in result.figure and "0 dead" in result.figure


def test_a_misspelt_value_fails_and_names_the_living_one(tmp_path: Path) -> None:
    template = "  a: {{ .Values.web.replicas | quote }}\n"
    result = check(
        tmp_path,
        {"a.yaml": template},
        {"web": {"replicas": 1}},
        {"values-prod.yaml": {"web": {"replcas": 3, "replicaCount": 2}, "wbe": {"replicas": 4}, "theme": "dark"}},
    )
    assert not result.passed
    assert verdicts(result) == {
        "web.replicaCount": ("dead", "did you mean web.replicas?"),
        "web.replcas": ("dead", "did you mean web.replicas?"),
        "wbe.replicas": ("dead", "take it away"),
        "theme": ("dead", "take it away"),
    }
    assert {finding.where for finding in result.findings} == {"values-prod.yaml"}


def test_a_key_of_a_subchart_in_another_spelling_is_told(tmp_path: Path) -> None:
    """The finding of the hand-written chart that this project set out to replace."""
    chart = write_chart(
        tmp_path / "platform",
        {},
        {"dagster": {"dagster-webserver": {"replicaCount": 3}}},
        chart={"dependencies": [{"name": "dagster", "version": "1.0.0", "repository": "https://example.com"}]},
    )
    write_chart(
        chart / "charts" / "dagster",
        {"a.yaml": MAP + "  a: {{ .Values.dagsterWebserver.replicaCount | quote }}\n"},
        {"dagsterWebserver": {"replicaCount": 1}},
        chart={"version": "1.0.0"},
    )
    (finding,) = check_dead_values(subject_of(chart)).findings
    assert finding.path == "dagster.dagster-webserver.replicaCount"
    assert finding.hint == "did you mean dagster.dagsterWebserver.replicaCount?"


@pytest.mark.parametrize(
    ("template", "values", "said"),
    [
        ("{{ if .Values.web.enabled }}LEAF{{ end }}", {"enabled": False}, "web.enabled is true"),
        ("{{ if .Values.web.debug }}LEAF{{ end }}", {"debug": False}, "web.debug is true"),
        ('{{ if eq .Values.web.mode "b" }}LEAF{{ end }}', {"mode": "a"}, "web.mode is b"),
        ("{{ with .Values.web.host }}LEAF{{ end }}", {"host": ""}, "other values are not empty"),
        ("{{ if not .Values.web.own }}LEAF{{ end }}", {"own": True}, "switched off"),
    ],
)  # fmt: skip
def test_what_only_a_part_that_is_off_reads_is_a_note(
    tmp_path: Path, template: str, values: Mapping[str, object], said: str
) -> None:
    template = "  z: z\n" + template.replace("LEAF", "  a: {{ $.Values.web.leaf }}\n")
    result = check(tmp_path, {"a.yaml": template}, {"web": {**values, "leaf": "x", "dead": "y"}})
    assert {path: rule for path, (rule, _) in verdicts(result).items()} == {"web.leaf": "disabled", "web.dead": "dead"}
    (note,) = (finding for finding in result.findings if finding.rule == "disabled")
    assert said in note.message and note.severity == "note"
    assert result.figure.endswith(", 1 dead, 1 of what is switched off")


def test_switches_that_exclude_each_other_hide_nothing(tmp_path: Path) -> None:
    template = (
        "  z: z\n{{ if and .Values.a.enabled .Values.b.enabled }}{{ fail `one of both` }}{{ end }}"
        "{{ if .Values.a.enabled }}  a: {{ .Values.a.leaf }}\n{{ end }}"
        "{{ if .Values.b.enabled }}  b: {{ .Values.b.leaf }}\n{{ end }}"
    )
    part = {"enabled": False, "leaf": "x", "laef": "y"}
    result = check(tmp_path, {"a.yaml": template}, {"a": part, "b": part})
    rules = {path: rule for path, (rule, _) in verdicts(result).items()}
    assert rules == {"a.leaf": "disabled", "b.leaf": "disabled", "a.laef": "dead", "b.laef": "dead"}


BUDGET = "{{ if and .Values.web.budget.enabled .Values.web.scaling.enabled }}  b: OUT\n{{ end }}"


def test_a_switch_is_not_explained_by_itself(tmp_path: Path) -> None:
    """What takes two switches is told with both, and of the one of them with the other."""
    template = "  z: z\n" + BUDGET.replace("OUT", "{{ .Values.web.budget.most }}")
    template += "{{ if .Values.web.scaling.enabled }}  s: {{ .Values.web.scaling.most }}\n{{ end }}"
    part = {"enabled": False, "most": 1}
    result = check(tmp_path, {"a.yaml": template}, {"web": {"budget": part, "scaling": part}})
    said = {one.path: one.message.partition(" but does where ")[2] for one in result.findings}
    assert said == {
        "web.budget.enabled": "web.scaling.enabled is true",
        "web.budget.most": "web.budget.enabled is true and web.scaling.enabled is true",
        "web.scaling.most": "web.scaling.enabled is true",
    }


def test_a_mode_and_the_switch_in_it_are_told_together(tmp_path: Path) -> None:
    """Each condition is enough by itself: what is switched on for other values is not part of it."""
    template = (
        '  z: z\n{{ if eq .Values.db.mode "operator" }}  o: {{ .Values.db.operator.size }}\n'
        "{{ if .Values.db.operator.backup.enabled }}  b: {{ .Values.db.operator.backup.path }}\n{{ end }}{{ end }}"
        "{{ if .Values.db.other.enabled }}  c: {{ .Values.db.other.path }}\n{{ end }}"
    )
    part = {"enabled": False, "path": "p"}
    values = {"db": {"mode": "set", "operator": {"size": 1, "backup": part}, "other": part}}
    result = check(tmp_path, {"a.yaml": template}, values)
    said = {one.path: one.message.partition(" but does where ")[2] for one in result.findings}
    assert said == {
        "db.operator.size": "db.mode is operator",
        "db.operator.backup.enabled": "db.mode is operator",
        "db.operator.backup.path": "db.operator.backup.enabled is true and db.mode is operator",
        "db.other.path": "db.other.enabled is true",
    }


def test_values_of_an_absent_dependency_are_counted_and_not_judged(tmp_path: Path) -> None:
    dependency = {"name": "redis", "version": "1.0.0", "repository": "https://x", "alias": "r", "condition": "on.redis"}
    result = check(
        tmp_path,
        {"a.yaml": "  a: {{ .Values.a }}\n"},
        {"a": "x", "r": {"size": 1, "name": "n"}, "on": {"redis": True}, "global": {"y": 1}},
        chart={"dependencies": [dependency]},
    )
    assert result.passed and result.findings == ()
    assert "3 of absent dependencies not looked at" in result.figure


def test_what_templates_name_and_never_show_is_not_called_dead(tmp_path: Path) -> None:
    template = '  z: z\n{{ if .Capabilities.APIVersions.Has "nobody.example/v1" }}  a: {{ .Values.leaf }}\n{{ end }}'
    result = check(tmp_path, {"a.yaml": template}, {"leaf": "x"})
    assert verdicts(result) == {"leaf": ("undecided", "")} and result.passed
    assert result.figure.endswith("0 dead, 1 undecided")


def test_a_map_that_a_template_takes_as_a_whole_and_never_shows_is_not_called_dead(tmp_path: Path) -> None:
    template = (
        "  z: z\n{{ if .Capabilities.APIVersions.Has `nobody/v1` }}{{ toYaml .Values.probe | nindent 2 }}{{ end }}\n"
    )
    template += "  s: {{ .Values.web.size | quote }}{{ with .Values.web }}{{ end }}\n"
    values = {"probe": {"period": 5, "path": "/"}, "web": {"size": 1, "sizes": 2}}
    result = check(tmp_path, {"a.yaml": template}, values)
    rules = {path: rule for path, (rule, _) in verdicts(result).items()}
    assert rules == {"probe.period": "undecided", "probe.path": "undecided", "web.sizes": "dead"}


def test_a_template_that_takes_all_values_hides_no_dead_one(tmp_path: Path) -> None:
    first = "{{ $v := .Values }}  x: {{ ternary `1` `2` $v.b.flag }}\n  y: {{ hasKey .Values.a `nope` | quote }}\n"
    second = "  z: {{ ternary `1` `2` .Values.b.flag }}\n"
    values = {"a": {"flag": True}, "b": {"flag": True}}
    result = check(tmp_path, {"a.yaml": first, "b.yaml": second}, values)
    assert "a.flag" in verdicts(result) and "b.flag" not in verdicts(result)


def test_a_password_beside_a_random_one_lives(tmp_path: Path) -> None:
    template = "  p: {{ .Values.auth.password | default (randAlphaNum 9) | b64enc | quote }}\n"
    result = check(tmp_path, {"a.yaml": template}, {"auth": {"password": "", "user": ""}})
    assert {path: rule for path, (rule, _) in verdicts(result).items()} == {"auth.user": "dead"}


def test_random_lines_beside_a_switch_do_not_hide_it(tmp_path: Path) -> None:
    template = "  p: {{ randAlphaNum 20 }}\n  s: {{ .Values.on | quote }}\n"
    result = check(tmp_path, {"a.yaml": template}, {"on": False, "off": True})
    assert {path: rule for path, (rule, _) in verdicts(result).items()} == {"off": "dead"}


def test_cases_that_do_not_render_and_library_charts_are_left_out(tmp_path: Path) -> None:
    demanding = {"a.yaml": "  a: {{ required `say b` .Values.b | quote }}\n"}
    chart = write_chart(tmp_path / "one", {"a.yaml": MAP + demanding["a.yaml"]}, {"dead": 1})
    assert check_dead_values(subject_of(chart)).skipped == "no case renders"
    given = check_dead_values(subject_of(chart, {"b.yaml": {"b": "x"}}))
    assert {path: rule for path, (rule, _) in verdicts(given).items()} == {"dead": "dead"}
    library = write_chart(tmp_path / "two", {}, {"dead": 1}, chart={"type": "library"})
    assert "library" in check_dead_values(subject_of(library)).skipped


def test_odd_values_are_no_obstacle(tmp_path: Path) -> None:
    values: dict[str, object] = {
        "1": {"2": [None, {"a": []}]},
        "a.b": "x",
        "n": None,
        "e": "",
        "f": 1.5,
        "é": {"☃": [[]]},
    }
    result = check(tmp_path, {"a.yaml": "  a: {{ toJson .Values | quote }}\n"}, values)
    assert result.passed and not result.findings
    unread = check(tmp_path / "unread", {"a.yaml": "  a: b\n"}, values)
    assert {finding.rule for finding in unread.findings} == {"dead"}
