"""Helm itself, as a library and as a program."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from floe_charts.errors import HelmError
from floe_charts.verify import engine
from floe_charts.verify.engine import RenderError, ValuesRefused, find_helm, lint, load
from floe_charts.verify.engine_binary import HelmBinary
from floe_charts.verify.engine_embedded import EmbeddedHelm
from tests.support import write_chart

SCHEMA: dict[str, object] = {"properties": {"size": {"type": "integer"}}, "additionalProperties": False}
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-c
data:
  size: {{ .Values.size | quote }}
"""


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A chart with one template and a closed schema."""
    return write_chart(tmp_path / "small", {"c.yaml": CONFIG, "_h.tpl": ""}, {"size": 1}, schema=SCHEMA)


def test_a_chart_renders_with_its_defaults_and_with_a_users_values(chart: Path) -> None:
    handle = load(chart)
    assert (handle.name, handle.values, handle.schema) == ("small", {"size": 1}, SCHEMA)
    assert list(handle.render()) == ["small/templates/c.yaml"]
    assert 'size: "7"' in handle.render({"size": 7}, release="mine")["small/templates/c.yaml"]
    assert "name: mine-c" in handle.render(release="mine")["small/templates/c.yaml"]


def test_threads_share_one_chart(chart: Path) -> None:
    handle = load(chart)
    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda size: handle.render({"size": size})["small/templates/c.yaml"], range(200)))
    assert all(f'size: "{size}"' in text for size, text in enumerate(texts))


def test_values_that_the_schema_refuses(chart: Path) -> None:
    for call in (load(chart).render, load(chart).check_values):
        with pytest.raises(ValuesRefused, match="'sise' not allowed"):
            call({"sise": 1})
    load(chart).check_values({"size": 2})


def test_a_template_that_fails_names_itself_and_the_line(tmp_path: Path) -> None:
    broken = write_chart(tmp_path / "broken", {"b.yaml": 'a: 1\nb: {{ required "say b" .Values.b }}\n'})
    with pytest.raises(RenderError, match=r"b\.yaml:2.*say b"):
        load(broken).render()


def test_what_is_no_chart_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(HelmError, match=str(path)):
            load(path)


def test_lint_says_what_helm_lint_says(chart: Path) -> None:
    assert [one for one in lint(chart) if one.severity != "info"] == []
    (chart / "values.yaml").write_text("size: x\n", encoding="utf-8")
    assert any(one.severity == "error" and "/size" in one.text for one in lint(chart, kube_version="1.28"))


def test_lint_reports_missing_dependencies_as_warnings(tmp_path: Path) -> None:
    needy = write_chart(
        tmp_path / "needy", {"c.yaml": CONFIG}, chart={"dependencies": [{"name": "d", "version": "1.0.0"}]}
    )
    warnings = [one.text for one in lint(needy) if one.severity == "warning"]
    assert warnings == ["chart directory is missing these dependencies: d"]


def test_without_any_helm_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(HelmError, match=r"floe-charts\[helm\]"):
        find_helm()


def test_the_library_is_preferred_and_the_program_is_the_alternative(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert isinstance(find_helm(), EmbeddedHelm)
    program(tmp_path, "")
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert isinstance(find_helm(), HelmBinary)


def _render_in_child(chart: Path, answers: multiprocessing.Queue[str]) -> None:
    try:
        load(chart).render()
    except HelmError as error:
        answers.put(str(error))
    else:
        answers.put("rendered")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_is_told_instead_of_hanging(chart: Path) -> None:
    load(chart).render()
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[str] = context.Queue()
    child = context.Process(target=_render_in_child, args=(chart, answers))
    child.start()
    try:
        assert "spawn" in answers.get(timeout=20)
    finally:
        child.kill()
        child.join()


def test_a_disabled_dependency_comes_back_when_it_is_enabled(tmp_path: Path) -> None:
    dependencies = [{"name": "sub", "version": "1.0.0", "condition": "sub.on"}]
    chart = write_chart(
        tmp_path / "parent",
        {"v.yaml": "{{ toJson .Values }}"},
        {"sub": {"on": False}},
        chart={"dependencies": dependencies},
    )
    write_chart(chart / "charts" / "sub", {"c.yaml": "a: {{ .Values.own }}\n"}, {"own": 1}, chart={"version": "1.0.0"})
    handle = load(chart)
    off = {"parent/templates/v.yaml": '{"sub":{"on":false}}'}
    assert handle.render() == off
    assert handle.render({"sub": {"on": True}})["parent/charts/sub/templates/c.yaml"] == "a: 1\n"
    assert handle.render() == off
    with ThreadPoolExecutor(4) as pool:
        sizes = list(pool.map(lambda on: len(handle.render({"sub": {"on": on}})), [True, False] * 100))
    assert sizes == [2, 1] * 100


# ---- the program, played by a script that says what helm says --------------------------------------------------------

TEMPLATE_OUTPUT = """\
---
# Source: small/templates/a.yaml
a: 1
---
# Source: small/templates/a.yaml
b: 2
---
# Source: small/charts/sub/templates/c.yaml
c: |
  ---
  inner
"""


def program(directory: Path, body: str) -> Path:
    """An executable ``helm`` that runs a piece of Python."""
    script = directory / "helm"
    script.write_text(f"#!{sys.executable}\nimport json, sys\nargs = sys.argv[1:]\n{body}", encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


def test_the_programs_output_is_taken_apart_by_template(tmp_path: Path, chart: Path) -> None:
    handle = HelmBinary(program(tmp_path, f"sys.stdout.write({TEMPLATE_OUTPUT!r})")).load(chart)
    assert (handle.name, handle.values, handle.schema) == ("small", {"size": 1}, SCHEMA)
    assert handle.render() == {
        "small/templates/a.yaml": "a: 1\n---\nb: 2\n",
        "small/charts/sub/templates/c.yaml": "c: |\n  ---\n  inner\n",
    }


def test_the_program_gets_values_release_and_namespace(tmp_path: Path, chart: Path) -> None:
    body = """
assert args[:5] == ["template", "mine", args[2], "--namespace", "there"], args
values = open(args[args.index("--values") + 1]).read()
print("---\\n# Source: small/templates/c.yaml\\n" + values)
"""
    handle = HelmBinary(program(tmp_path, body)).load(chart)
    assert handle.render({"size": 7}, release="mine", namespace="there") == {"small/templates/c.yaml": '{"size": 7}\n'}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Error: values don't meet the specifications of the schema(s) in the following chart(s):\nsmall:\n",
            ValuesRefused,
        ),
        ("Error: template: small/templates/c.yaml:1:2: executing ...", RenderError),
    ],
)
def test_the_programs_failures_are_told_apart(
    tmp_path: Path, chart: Path, message: str, expected: type[Exception]
) -> None:
    handle = HelmBinary(program(tmp_path, f"sys.stderr.write({message!r}); sys.exit(1)")).load(chart)
    with pytest.raises(expected, match="small"):
        handle.render()


def test_the_programs_lint_lines_are_read(tmp_path: Path, chart: Path) -> None:
    lines = [
        "==> Linting x",
        "[INFO] Chart.yaml: icon is recommended",
        "[WARNING] templates/: odd: name",
        "[ERROR] broken",
    ]
    output = "\n".join([*lines, "", "Error: 1 chart(s) linted", ""])
    found = HelmBinary(program(tmp_path, f"sys.stdout.write({output!r}); sys.exit(1)")).lint(chart)
    assert [(one.severity, one.path, one.text) for one in found] == [
        ("info", "Chart.yaml", "icon is recommended"),
        ("warning", "templates/", "odd: name"),
        ("error", "", "broken"),
    ]


def test_the_program_refuses_what_is_no_chart(tmp_path: Path) -> None:
    with pytest.raises(HelmError, match="not a chart"):
        HelmBinary(program(tmp_path, "")).load(tmp_path / "absent")


def test_the_library_is_not_imported_before_it_is_used() -> None:
    assert importlib.util.find_spec("helm_python") is not None
    modules = ", ".join(f"floe_charts.verify.{name}" for name in ("engine", "dead", "text", "schemas", "sealed"))
    code = f"import sys, {modules}; sys.exit('helm_python' in sys.modules)"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0
