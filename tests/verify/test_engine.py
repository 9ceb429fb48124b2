"""Helm itself, as a library and as a program."""

from __future__ import annotations

import gc
import importlib.util
import json
import multiprocessing
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from floe_charts.errors import HelmError, InputError
from floe_charts.verify import engine
from floe_charts.verify.chart_files import read_chart
from floe_charts.verify.engine import RenderError, ValuesRefused, find_helm, lint, load
from floe_charts.verify.engine_binary import HelmBinary
from floe_charts.verify.engine_embedded import EmbeddedHelm
from tests.support import SHARED, write_chart

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


def test_without_its_own_schema_a_chart_renders_what_that_refuses_and_subcharts_keep_theirs(tmp_path: Path) -> None:
    about = {"dependencies": [{"name": "inner", "version": "0.1.0", "repository": ""}]}
    closed = {**SCHEMA, "properties": {"size": {"type": "integer"}, "global": {}}}
    outer = write_chart(tmp_path / "outer", {"c.yaml": CONFIG}, {"size": 1}, schema=SCHEMA, chart=about)
    write_chart(outer / "charts" / "inner", {"c.yaml": CONFIG}, {"size": 1}, schema=closed)
    bare = load(outer).without_schema()
    for kube_version in (None, "1.30"):
        rendered = bare.render({"size": "x", "sise": 1}, kube_version=kube_version)
        assert 'size: "x"' in rendered["outer/templates/c.yaml"]
        with pytest.raises(ValuesRefused):
            bare.render({"inner": {"sise": 1}}, kube_version=kube_version)
    assert (bare.schema, bare.values) == (None, {"size": 1})


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
    for path in (needy, packed(needy, tmp_path)):
        warnings = [(one.path, one.text) for one in lint(path) if one.severity == "warning"]
        assert warnings == [("", "chart directory is missing these dependencies: d")]


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


def test_the_handle_shows_the_charts_files(chart: Path) -> None:
    write_chart(chart / "charts" / "sub", {})
    for helm in (find_helm(), HelmBinary(Path("helm"))):
        handle = helm.load(chart)
        assert (handle.metadata["name"], handle.files.name) == ("small", "small")
        assert handle.files.files["templates/c.yaml"] == CONFIG.encode()
        assert sorted(handle.files.subcharts) == ["sub"]
        assert handle.unresolved_references == ()


# ---- the version of Kubernetes ---------------------------------------------------------------------------------------

VERSIONS = """\
{{- $k := .Capabilities.KubeVersion -}}
a: {{ $k.Version }} {{ $k.GitVersion }} {{ $k.Major }} {{ $k.Minor }} {{ .Capabilities.APIVersions.Has "v1" }}
b: {{ .Capabilities.HelmVersion.Version }}
c: {{ semverCompare ">=1.31-0" $k.Version }}
"""
HELMS_DEFAULT = "1.36"


def test_templates_find_the_version_of_kubernetes_that_is_asked_for(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", {"v.yaml": VERSIONS, "n.txt": "{{ .Capabilities.KubeVersion.Minor }}"})
    library = write_chart(chart / "charts" / "lib", {"_l.tpl": "", "l.yaml": "a: 1"}, chart={"type": "library"})
    write_chart(chart / "charts" / "sub", {"s.yaml": "s: {{ .Capabilities.KubeVersion.Minor }}"})
    assert library.is_dir()
    for handle in (load(chart), load(packed(chart, tmp_path))):
        texts = handle.render(kube_version="1.30")
        assert texts["c/templates/v.yaml"].startswith("a: v1.30.0 v1.30.0 1 30 true\nb: v4.")
        assert texts["c/templates/v.yaml"].endswith("c: false\n")
        assert texts["c/templates/n.txt"] == "30"
        assert texts["c/charts/sub/templates/s.yaml"] == "s: 30"
        assert sorted(texts) == sorted(handle.render())
        assert handle.render(kube_version="v1.31.2")["c/templates/v.yaml"].startswith("a: v1.31.2 ")
        assert handle.render()["c/templates/n.txt"] == "36"


def packed(chart: Path, directory: Path) -> Path:
    """A chart directory as a .tgz."""
    archive = directory / f"{chart.name}.tgz"
    archive.write_bytes(read_chart(chart).archive())
    return archive


@pytest.mark.parametrize(
    "text", ["\n\n  a: 1\n", "{{- /* x */ -}}\n\na: 1", "  {{- with .Values }}\n{{ . }}{{ end }} ", "é"]
)
def test_the_version_changes_nothing_else_in_the_output(tmp_path: Path, text: str) -> None:
    handle = load(write_chart(tmp_path / "c", {"v.yaml": text}, {"a": 1}))
    assert handle.render(kube_version=HELMS_DEFAULT) == handle.render()


@pytest.mark.parametrize("name", ["floe-platform", "floe-jobs"])
def test_our_charts_render_the_same_with_helms_own_version(name: str) -> None:
    directory = Path(__file__).resolve().parents[2] / "charts" / name
    if not directory.is_dir():
        pytest.skip("not generated")
    handle = load(directory)
    assert handle.render(kube_version=HELMS_DEFAULT) == handle.render()


def test_a_template_that_is_included_with_other_data_renders_too(tmp_path: Path) -> None:
    calls = {
        "a.yaml": 'a: {{ include (print $.Template.BasePath "/b.yaml") (dict "x" 1) | sha256sum }}\n',
        "b.yaml": "b: 1\n",
        "c.yaml": 'c: {{ include (print $.Template.BasePath "/b.yaml") "text" }}\n',
    }
    handle = load(write_chart(tmp_path / "c", calls))
    assert handle.render(kube_version="1.28") == handle.render()


def test_a_failing_template_keeps_its_line_with_a_version(tmp_path: Path) -> None:
    broken = write_chart(tmp_path / "broken", {"b.yaml": 'a: 1\nb: {{ required "say b" .Values.b }}\n'})
    with pytest.raises(RenderError, match=r"b\.yaml:2.*say b"):
        load(broken).render(kube_version="1.28")


def test_threads_share_the_variants_of_a_chart(tmp_path: Path) -> None:
    handle = load(write_chart(tmp_path / "c", {"v.yaml": "{{ .Capabilities.KubeVersion.Minor }}"}))
    versions = [f"1.{minor}" for minor in range(25, 33)] * 10
    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda one: handle.render(kube_version=one)["c/templates/v.yaml"], versions))
    assert texts == [one.partition(".")[2] for one in versions]


@pytest.mark.parametrize("version", ["", "new", "1", '1.30"', "1.30.0}}"])
def test_what_is_no_version_is_refused(chart: Path, version: str) -> None:
    with pytest.raises(InputError, match="no version of Kubernetes"):
        load(chart).render(kube_version=version)


# ---- schemas that refer to the network -------------------------------------------------------------------------------

PROBE = "https://kubernetesjsonschema.dev/v1.18.0/_definitions.json#/definitions/io.k8s.api.core.v1.Probe"
REMOTE: dict[str, object] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "properties": {"probe": {"$ref": PROBE}, "other": {"$ref": "https://charts.example/other.json"}},
}


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A chart whose schema, and that of its subchart, refer to the network."""
    dependencies = {"dependencies": [{"name": "sub", "version": "0.1.0"}]}
    chart = write_chart(tmp_path / "remote", {"c.yaml": CONFIG}, schema=REMOTE, chart=dependencies)
    write_chart(chart / "charts" / "sub", {"s.yaml": CONFIG}, schema=REMOTE)
    return chart


def test_references_to_the_network_are_resolved_or_named(remote: Path, tmp_path: Path) -> None:
    for path in (remote, packed(remote, tmp_path)):
        handle = load(path)
        assert handle.unresolved_references == (
            "remote: https://charts.example/other.json",
            "sub: https://charts.example/other.json",
        )
        assert handle.schema is not None and "charts.example" not in str(handle.schema)
        assert handle.files.schema == REMOTE
        good: dict[str, object] = {"probe": {"periodSeconds": 3}, "other": [1]}
        for values in (good, {"sub": good}):
            handle.check_values(values)
            assert len(handle.render(values)) == 2
            assert len(handle.render(values, kube_version="1.28")) == 2
        bad = {"probe": {"periodSeconds": "often"}}
        for values in (bad, {"sub": bad}):
            with pytest.raises(ValuesRefused, match="/probe/periodSeconds"):
                handle.render(values)


def test_lint_does_not_go_to_the_network(remote: Path, tmp_path: Path) -> None:
    for path in (remote, packed(remote, tmp_path)):
        assert [one for one in lint(path) if one.severity != "info"] == []
        refused = [one for one in lint(path, {"probe": 3}) if one.severity == "error"]
        assert refused and all("/probe" in one.text for one in refused if one.path == "values.yaml")
        assert not any("floe-charts-" in f"{one.path}{one.text}" for one in lint(path, {"probe": 3}))


def test_lint_takes_an_archive_and_refuses_what_is_no_chart(chart: Path, tmp_path: Path) -> None:
    (chart / "templates" / "d.yaml").write_text("a: {{ .Values.size\n", encoding="utf-8")
    found = [(one.severity, one.path, one.text) for one in lint(packed(chart, tmp_path))]
    assert found == [(one.severity, one.path, one.text) for one in lint(chart)]
    assert any(severity == "error" for severity, _, _ in found)
    with pytest.raises(HelmError, match="absent"):
        lint(tmp_path / "absent")


@pytest.mark.skipif(not (SHARED / "upstream" / "dagster").is_dir(), reason="the Dagster chart is not at hand")
def test_the_dagster_charts_schema_works_offline(tmp_path: Path) -> None:
    upstream = SHARED / "upstream" / "dagster"
    chart = write_chart(tmp_path / "dagster", {"x.yaml": "a: 1\n"})
    for name in ("values.yaml", "values.schema.json"):
        (chart / name).write_bytes((upstream / name).read_bytes())
    handle = load(chart)
    assert handle.unresolved_references == ()
    handle.render({"dagsterWebserver": {"affinity": {"nodeAffinity": {}}, "resources": {"limits": {"cpu": 1}}}})
    for key, value in (("affinity", {"podAffinity": 3}), ("tolerations", [{"key": 1}]), ("nodeSelector", ["x"])):
        with pytest.raises(ValuesRefused, match=f"/dagsterWebserver/{key}"):
            handle.check_values({"dagsterWebserver": {key: value}})


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


def test_the_program_gets_the_version_and_a_chart_without_the_network(tmp_path: Path, remote: Path) -> None:
    body = """
import os
print("---\\n# Source: small/templates/c.yaml\\n" + json.dumps([args[2], os.path.exists(args[2]), args[5:7]]))
"""
    handle = HelmBinary(program(tmp_path, body)).load(remote)
    path, exists, version = json.loads(handle.render(kube_version="1.30")["small/templates/c.yaml"])
    assert (exists, version) == (True, ["--kube-version", "v1.30.0"])
    assert path != str(remote)
    assert read_chart(path).schema == handle.schema != REMOTE
    assert handle.unresolved_references[0] == "remote: https://charts.example/other.json"
    del handle
    gc.collect()
    assert not Path(path).exists()


def test_the_program_lints_a_copy_that_needs_no_network(tmp_path: Path, remote: Path) -> None:
    body = """
print("[ERROR] values.yaml: " + args[1] + "/values.yaml is wrong " + open(args[1] + "/values.schema.json").read()[:9])
"""
    helm = HelmBinary(program(tmp_path, body))
    assert [(one.path, one.text[:24]) for one in helm.lint(remote)] == [("values.yaml", 'values.yaml is wrong {"$')]
