"""``template``: what Helm renders."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support import load_all_yaml, load_yaml, with_echo_dependencies, write_chart

MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-map
  namespace: {{ .Release.Namespace }}
data:
  text: {{ .Values.text | quote }}
  number: {{ .Values.number | quote }}
  kube: {{ .Capabilities.KubeVersion.Minor | quote }}
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n"
NEEDS_DB = {"dependencies": [{"name": "db", "version": "1.0.0", "condition": "db.enabled", "alias": "store"}]}


@pytest.fixture
def chart(run: Run) -> Path:
    """A chart with two objects, notes and an environment, in the working directory."""
    templates = {"map.yaml": MAP, "service.yaml": SERVICE, "NOTES.txt": "thanks"}
    chart = write_chart(Path("shop"), templates, "text: default\nnumber: 1\n")
    (chart / "values-prod.yaml").write_text("text: prod\nnumber: 2\n")
    return chart


def data(stream: str) -> dict[str, str]:
    return next(one["data"] for one in load_all_yaml(stream) if one["kind"] == "ConfigMap")


class TestSomebodysChart:
    def test_is_rendered_with_its_defaults(self, run: Run, chart: Path) -> None:
        result = run("template", "--chart", "shop")
        assert result.exit_code == 0 and result.stderr == ""
        assert "# Source: shop/templates/map.yaml\n" in result.stdout and "thanks" not in result.stdout
        found = next(one for one in load_all_yaml(result.stdout) if one["kind"] == "ConfigMap")
        assert found["metadata"] == {"name": "shop-map", "namespace": "default"}
        assert found["data"]["text"] == "default"

    def test_the_later_layer_wins(self, run: Run, chart: Path) -> None:
        Path("1.yaml").write_text("text: one\n")
        Path("2.yaml").write_text("text: two\n")
        arguments = ["template", "--chart", "shop"]
        wanted = {
            "prod": ("--env", "prod"),
            "one": ("--values", "2.yaml", "--values", "1.yaml"),
            "set": ("--set", "text=set"),
        }
        for text, more in wanted.items():
            arguments += more
            assert data(run(*arguments).stdout)["text"] == text
        assert data(run(*arguments).stdout)["number"] == "2"

    def test_values_come_from_standard_input_too(self, run: Run, chart: Path) -> None:
        result = run("template", "--chart", "shop", "--values", "-", input="text: piped\n")
        assert data(result.stdout)["text"] == "piped"

    def test_release_namespace_and_version(self, run: Run, chart: Path) -> None:
        result = run("template", "--chart", "shop", "--release", "r", "--namespace", "n", "--kube-version", "1.30")
        found = next(one for one in load_all_yaml(result.stdout) if one["kind"] == "ConfigMap")
        assert found["metadata"] == {"name": "r-map", "namespace": "n"}
        assert found["data"]["kube"] == "30"

    def test_a_packaged_one(self, run: Run, chart: Path) -> None:
        with tarfile.open("shop-0.1.0.tgz", "w:gz") as file:
            file.add("shop")
        packed = run("template", "--chart", "shop-0.1.0.tgz", "--env", "prod")
        assert packed.exit_code == 0 and packed.stdout == run("template", "--chart", "shop", "--env", "prod").stdout

    def test_one_template_only(self, run: Run, chart: Path) -> None:
        result = run("template", "--chart", "shop", "--show-only", "templates/service.yaml")
        assert [one["kind"] for one in load_all_yaml(result.stdout)] == ["Service"]
        missing = run("template", "--chart", "shop", "--show-only", "templates/servic.yaml")
        assert missing.exit_code == 2 and "did you mean templates/service.yaml?" in missing.stderr

    def test_into_a_directory(self, run: Run, chart: Path) -> None:
        result = run("template", "--chart", "shop", "--output-dir", "out")
        assert sorted(result.stdout.splitlines()) == [
            "Wrote out/shop/templates/map.yaml.", "Wrote out/shop/templates/service.yaml.",
        ]  # fmt: skip
        assert load_yaml(Path("out/shop/templates/service.yaml").read_text())["kind"] == "Service"

    def test_absent_dependencies_are_named_where_they_are_switched_on(self, run: Run) -> None:
        write_chart(Path("shop"), {"service.yaml": SERVICE}, "store: {}\ndb: {enabled: true}\n", chart=NEEDS_DB)
        assert run("template", "--chart", "shop").stderr == (
            "Warning: not in the preview, because they are not in the chart's charts/: store\n"
        )
        assert run("template", "--chart", "shop", "--set", "db.enabled=false").stderr == ""
        write_chart(Path("shop/charts/db"), {}, chart={"version": "1.0.0"})
        assert run("template", "--chart", "shop").stderr == ""

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--chart", "shopp"), "Error: shopp: there is no such chart; did you mean shop?"),
            (("--chart", "shop", "--env", "prd"), "did you mean prod?"),
            (("--chart", "shop", "--values", "none.yaml"), "Error: none.yaml: no such file"),
            (("--chart", "shop", "--set", "text"), "expected PATH=VALUE"),
            (("--chart", "shop", "--kube-version", "7"), "there are no schemas of Kubernetes '7'"),
            (("--chart", "shop", "--release", "Bad_Name"), "Error: --release: 'Bad_Name' is no name of a release; "),
            (("--chart", "shop", "--release", ""), "Error: --release: '' is no name of a release; "),
            (("--chart", "shop", "--release", "a" * 54), "is no name of a release; "),
            (("--chart", "shop", "--namespace", "-x"), "Error: --namespace: '-x' is no name of a namespace; "),
            (("--chart", "shop", "--namespace", "a.b"), "is no name of a namespace; "),
            (("--env", "dev", "--namespace", "a" * 64), "is no name of a namespace; "),
            (("--chart", "shop", "--values", "list.yaml"), "Error: list.yaml: found a list, expected an object"),
            (("--env", "dev", "--values", "list.yaml"), "Error: list.yaml: found a list, expected an object"),
            (("--chart", "shop", "--artifact", "a.json"), "--artifact goes with the chart that synth would write"),
            ((), "Name the environment with --env"),
        ],
    )
    def test_mistakes_are_refused(self, run: Run, chart: Path, arguments: tuple[str, ...], said: str) -> None:
        Path("list.yaml").write_text("- a\n")
        result = run("template", *arguments)
        assert result.exit_code == 2 and said in result.stderr and result.stdout == ""
        assert result.stderr.startswith("Usage") or result.stderr.count("\n") == 1

    def test_names_that_helm_takes_are_taken(self, run: Run, chart: Path) -> None:
        assert run("template", "--chart", "shop", "--release", "1a.b-c" + 47 * "d", "--namespace", "9").exit_code == 0

    def test_a_kubernetes_that_the_chart_excludes_is_refused(self, run: Run) -> None:
        write_chart(Path("shop"), {"service.yaml": SERVICE}, chart={"kubeVersion": ">=1.28.3-0"})
        result = run("template", "--chart", "shop", "--kube-version", "1.28.2")
        assert result.exit_code == 2 and result.stdout == ""
        assert result.stderr == (
            "Error: --kube-version: the chart requires kubeVersion: >=1.28.3-0 which is incompatible with "
            "Kubernetes v1.28.2\n"
        )
        assert run("template", "--chart", "shop", "--kube-version", "1.28.3").exit_code == 0

    @pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "{}"])
    def test_values_in_which_nothing_stands_set_nothing(self, run: Run, chart: Path, text: str) -> None:
        Path("mine.yaml").write_text(text)
        assert data(run("template", "--chart", "shop", "--values", "mine.yaml").stdout)["text"] == "default"

    def test_values_that_the_schema_refuses_are_a_line_each(self, run: Run) -> None:
        schema = {"properties": {"cpu": {"type": "string"}, "size": {"type": "integer"}}}
        write_chart(Path("shop"), {"service.yaml": SERVICE}, {"cpu": "1", "size": 1}, schema=schema)
        result = run("template", "--chart", "shop", "--set", "cpu=2,size=x")
        assert result.exit_code == 2 and sorted(result.stderr.splitlines()) == [
            'Error: cpu: got number, want string; write it in quotes, such as "1"',
            "Error: size: got string, want integer",
        ]
        write_chart(Path("shop/charts/db"), {}, chart={"version": "1.0.0"}, schema=schema)
        below = run("template", "--chart", "shop", "--set", "db.size=x")
        assert below.stderr == "Error: db/values.schema.json: size: got string, want integer\n"

    def test_notes_are_shown_to_who_names_them(self, run: Run, chart: Path) -> None:
        notes = "---\n# Source: shop/templates/NOTES.txt\nthanks\n"
        assert run("template", "--chart", "shop", "--show-only", "templates/NOTES.txt").stdout == notes
        assert "thanks" not in run("template", "--chart", "shop", "--show-only", "templates/*").stdout
        run("template", "--chart", "shop", "--show-only", "templates/NOTES.txt", "--output-dir", "out")
        assert Path("out/shop/templates/NOTES.txt").read_text() == notes
        (chart / "templates" / "NOTES.txt").write_text("{{ if .Values.none }}thanks{{ end }}")
        empty = run("template", "--chart", "shop", "--show-only", "templates/NOTES.txt")
        assert empty.exit_code == 2 and "this template renders to nothing with these values" in empty.stderr
        (chart / "templates" / "NOTES.txt").unlink()
        absent = run("template", "--chart", "shop", "--show-only", "templates/NOTES.txt")
        assert absent.exit_code == 2
        assert absent.stderr == "Error: --show-only: templates/NOTES.txt: the chart has no such notes\n"

    def test_a_template_that_fails_is_named(self, run: Run, chart: Path) -> None:
        (chart / "templates" / "bad.yaml").write_text("a: {{ required `text is needed` .Values.none }}\n")
        result = run("template", "--chart", "shop")
        assert result.exit_code == 2 and "bad.yaml" in result.stderr and "text is needed" in result.stderr


class TestOurChart:
    def test_is_previewed_before_it_is_written(self, run: Run) -> None:
        preview = run("template", "--env", "staging")
        assert preview.exit_code == 0 and not Path("charts").exists()
        assert 'namespace: "floe-staging"' in preview.stdout
        assert "Warning: not in the preview, because they are not in the chart's charts/: otel, dagster, polaris\n" in (
            preview.stderr
        )
        run("synth")
        written = run("template", "--chart", "charts/floe-platform", "--env", "staging")
        assert written.stdout == preview.stdout

    def test_takes_its_dependencies_from_the_working_directory(self, run: Run, tmp_path: Path) -> None:
        run("synth")
        complete = with_echo_dependencies("charts/floe-platform", tmp_path / "complete")
        (complete / "charts").rename("charts/floe-platform/charts")
        result = run("template", "--env", "prod", "--set", "otel.autoscaling.maxReplicas=17")
        assert "in the preview" not in result.stderr
        assert "# Source: floe-platform/charts/otel/templates/echo.yaml" in result.stdout and "17" in result.stdout

    def test_says_what_the_deployment_says(self, run: Run) -> None:
        Path("floe-charts.yaml").write_text("clusters: {only: {environments: [lab], namespace: 'data-{env}'}}\n")
        assert 'namespace: "data-lab"' in run("template", "--env", "lab").stdout
        write_chart(Path("shop"), {"map.yaml": MAP})
        Path("shop/values-lab.yaml").write_text("{}")
        assert "namespace: data-lab" in run("template", "--chart", "shop", "--env", "lab").stdout
        refused = run("template", "--env", "dev")
        assert refused.exit_code == 2 and "there is no environment dev" in refused.stderr

    @pytest.mark.parametrize("text", ["", "# nothing\n"])
    def test_values_in_which_nothing_stands_set_nothing(self, run: Run, text: str) -> None:
        Path("mine.yaml").write_text(text)
        for command in (("template", "--env", "dev"), ("generate", "--env", "dev"), ("synth", "--dry-run")):
            with_it = run(*command, "--values", "mine.yaml")
            assert with_it.exit_code == 0 and with_it.stdout == run(*command).stdout
        piped = run("generate", "--env", "dev", "--values", "-", input=text)
        assert piped.exit_code == 0 and piped.stdout == run("generate", "--env", "dev").stdout
