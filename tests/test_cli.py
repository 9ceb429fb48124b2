"""The command line: what each option does, and how mistakes are answered."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

import floe_charts
from floe_charts.cli import main
from tests.artifacts.conftest import EXAMPLE, changed
from tests.support import SHARED

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = ("dev", "test", "qa", "uat", "staging", "prod")
CHARTS = ("floe-platform", "floe-jobs")
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run floe-charts in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments, **options: CliRunner().invoke(
        main, list(arguments), prog_name="python -m floe_charts", **options
    )


def process(*arguments: str, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run floe-charts as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "floe_charts", *arguments],
        cwd=cwd, env=environment(), capture_output=True, text=True, timeout=120, **options,
    )  # fmt: skip


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(floe_charts.__file__).parents[1]), **more}


def tree(directory: Path) -> dict[str, str]:
    return {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*") if path.is_file()}


def overlay(name: str, directory: str = "charts") -> Any:
    return yaml.safe_load(Path(directory, "floe-platform", f"values-{name}.yaml").read_text()) or {}


def write_artifact(path: str, name: str) -> str:
    data = changed(lambda data: data["metadata"].update(product_name=name))
    Path(path).write_text(json.dumps(data))
    return path


def refused(result: Result | subprocess.CompletedProcess[str]) -> str:
    """What a command says that ends with exit code 2 and has written nothing."""
    code = result.exit_code if isinstance(result, Result) else result.returncode
    assert code == 2, result.stdout + result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert not Path("charts").exists()
    return result.stderr


class TestArtifacts:
    def test_without_any_it_is_the_example_and_says_so(self, run: Run) -> None:
        result = run("synth", "--env", "dev")
        assert result.exit_code == 0
        assert result.stdout.startswith(
            "Artifacts:  the bundled example (no --artifact given, no target/compiled_artifacts.json here)\n"
            "Deployment: the embedded default\n"
        )

    def test_it_takes_no_other_products_place(self, run: Run) -> None:
        path = write_artifact("a.json", "own-product")
        assert run("synth", "--env", "dev", "--artifact", path).exit_code == 0
        result = run("synth", "--env", "dev")
        assert result.exit_code == 2
        assert result.stderr == (
            "Error: charts/floe-platform: products.byName: holds the data product own-product, and no artifact was "
            "named or found, expected target/compiled_artifacts.json; name them: --artifact PATH (the bundled example "
            "would take their place)\n"
        )

    def test_the_projects_own_come_before_the_example(self, run: Run) -> None:
        Path("target").mkdir()
        write_artifact("target/compiled_artifacts.json", "own-product")
        result = run("synth", "--env", "dev")
        assert "Artifacts:  target/compiled_artifacts.json\n" in result.stdout
        assert "own-product" in Path("charts/floe-platform/README.md").read_text()

    def test_a_broken_file_of_the_project_is_not_passed_over(self, run: Run) -> None:
        Path("target/compiled_artifacts.json").mkdir(parents=True)
        assert "target/compiled_artifacts.json: found a directory without" in refused(run("synth"))

    def test_several_are_several_products(self, run: Run) -> None:
        paths = [write_artifact("a.json", "alpha"), write_artifact("b.json", "beta")]
        result = run("synth", "--artifact", paths[0], "--artifact", paths[1])
        assert result.exit_code == 0 and "Artifacts:  a.json, b.json\n" in result.stdout
        readme = Path("charts/floe-platform/README.md").read_text()
        assert "`alpha`" in readme and "`beta`" in readme

    def test_a_directory_stands_for_the_files_in_it(self, run: Run) -> None:
        Path("products").mkdir()
        for name in ("c.yaml", "b.json", "a.json"):
            write_artifact(f"products/{name}", f"product-{name[0]}")
        Path("products", "notes.txt").write_text("no artifact")
        Path("products", ".hidden.json").write_text("no artifact")
        result = run("synth", "--env", "dev", "--artifact", "products/")
        assert result.exit_code == 0, result.stderr
        assert "Artifacts:  products/a.json, products/b.json, products/c.yaml\n" in result.stdout

    def test_of_many_the_first_are_named(self, run: Run) -> None:
        options = [
            ("--artifact", write_artifact(f"{number:02d}.json", f"product-{number:02d}")) for number in range(40)
        ]
        result = run("synth", "--env", "dev", *chain.from_iterable(options))
        assert result.exit_code == 0, result.stderr
        assert "09.json and 30 more\n" in result.stdout and "10.json" not in result.stdout
        secrets = result.stdout.partition("Secrets that must exist")[2].partition("Wrote")[0].splitlines()[1:]
        assert len(secrets) == 31 and "more, which the chart's README lists" in secrets[-1]

    def test_yaml_and_standard_input_give_the_same_chart(self, run: Run) -> None:
        Path("a.json").write_text(json.dumps(EXAMPLE))
        Path("a.yaml").write_text(yaml.safe_dump(EXAMPLE))
        assert run("synth", "--artifact", "a.json", "--out", "json").exit_code == 0
        assert run("synth", "--artifact", "a.yaml", "--out", "yaml").exit_code == 0
        piped = run("synth", "--artifact", "-", "--out", "stdin", input=json.dumps(EXAMPLE))
        assert piped.exit_code == 0 and "Artifacts:  standard input\n" in piped.stdout
        assert tree(Path("json")) == tree(Path("yaml")) == tree(Path("stdin"))

    def test_standard_input_can_be_read_once(self, run: Run) -> None:
        assert "Standard input (-) is named twice" in refused(run("synth", "--artifact", "-", "--values", "-"))

    def test_the_order_of_products_does_not_matter(self, run: Run) -> None:
        a, b = write_artifact("a.json", "alpha"), write_artifact("b.json", "beta")
        run("synth", "--artifact", a, "--artifact", b, "--out", "one")
        run("synth", "--artifact", b, "--artifact", a, "--out", "other")
        assert tree(Path("one")) == tree(Path("other"))


class TestEnvironments:
    def test_all_without_the_option(self, run: Run) -> None:
        result = run("synth")
        assert {path.stem.removeprefix("values-") for path in Path("charts/floe-platform").glob("values-*.yaml")} == {
            *ENVIRONMENTS
        }
        assert f"Wrote charts/floe-platform for {', '.join(ENVIRONMENTS)}: " in result.stdout

    def test_all_else_is_the_same_and_earlier_overlays_stay(self, run: Run) -> None:
        run("synth", "--env", "dev", "--env", "qa")
        before = tree(Path("charts"))
        assert {path for path in before if "/values-" in path} == {
            f"{chart}/values-{name}.yaml" for chart in CHARTS for name in ("dev", "qa")
        }
        run("synth", "--env", "prod")
        after = tree(Path("charts"))
        assert {path for path in after if path not in before} == {f"{chart}/values-prod.yaml" for chart in CHARTS}
        assert {path for path in before if before[path] != after[path]} == {
            f"{chart}/.floe-charts-files" for chart in CHARTS
        }
        run("synth", "--out", "all")
        assert (
            tree(Path("all")).items()
            >= {path: text for path, text in after.items() if ".floe-charts" not in path}.items()
        )

    def test_an_unknown_one_is_answered_with_the_nearest(self, run: Run) -> None:
        said = refused(run("synth", "--env", "dev", "--env", "stagin"))
        assert said == (
            "Error: there is no environment stagin; did you mean staging? known: dev, test, qa, uat, staging, prod\n"
        )


class TestDeploymentFile:
    def test_in_the_working_directory_is_found(self, run: Run) -> None:
        Path("floe-charts.yaml").write_text("clusters: {only: {environments: [lab], namespace: 'data-{env}'}}\n")
        result = run("synth")
        assert "Deployment: floe-charts.yaml\n" in result.stdout and "--namespace data-lab" in result.stdout
        assert [path.name for path in Path("charts/floe-platform").glob("values-*")] == ["values-lab.yaml"]

    def test_named_by_the_option_it_wins(self, run: Run) -> None:
        Path("floe-charts.yaml").write_text("chart: {name: found}\n")
        Path("other.yaml").write_text("chart: {name: named}\n")
        assert run("synth", "--config", "other.yaml", "--env", "dev").exit_code == 0
        charts = {path.name for path in Path("charts").iterdir() if not path.name.startswith(".")}
        assert charts == {"named", "floe-jobs"}

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("clusers: {}", "bad.yaml: clusers: there is no such setting; did you mean clusters"),
            ("[1]", "bad.yaml: found a list; expected a mapping"),
            ("chart: {name: ../../etc}", "bad.yaml: chart.name: '../../etc' cannot be a name"),
            ("clusters: {a: {environments: [../x]}}", "bad.yaml: clusters.a.environments[0]: '../x' cannot be a name"),
            ("environments: {dev: {postgres: operatr}}", "did you mean operator"),
            ("a: [", "bad.yaml: line 2, column 1: is not YAML"),
            ("environments: {dev: {values: {web: {replcas: 2}}}}", "bad.yaml: environments.dev.values: web is not"),
            (
                "environments: {dev: {values: {marquez: {replcas: 2}}}}",
                "Error: bad.yaml: environments.dev.values: marquez.replcas is not a value of this chart; did you mean "
                "marquez.replicas?\n",
            ),
        ],
    )
    def test_mistakes_are_refused(self, run: Run, text: str, said: str) -> None:
        Path("bad.yaml").write_text(text)
        assert said in refused(run("synth", "--config", "bad.yaml"))


class TestOverrides:
    def test_values_and_set_reach_the_overlays_being_written_only(self, run: Run) -> None:
        run("synth")
        before = tree(Path("charts"))
        Path("mine.yaml").write_text("marquez: {replicas: 3, image: {tag: 0.9.0}}\n")
        result = run("synth", "--env", "qa", "--values", "mine.yaml", "--set", "marquez.replicas=4")
        assert result.exit_code == 0
        after = tree(Path("charts"))
        assert [path for path in before if before[path] != after[path]] == ["floe-platform/values-qa.yaml"]
        assert overlay("qa")["marquez"] | {"image": {"tag": "0.9.0"}, "replicas": 4} == overlay("qa")["marquez"]

    def test_the_last_values_file_wins(self, run: Run) -> None:
        Path("1.yaml").write_text("marquez: {replicas: 3}\n")
        Path("2.yaml").write_text("marquez: {replicas: 5}\n")
        run("synth", "--env", "qa", "--values", "1.yaml", "--values", "2.yaml")
        assert overlay("qa")["marquez"]["replicas"] == 5

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (
                "postgres.operator.instnces=5",
                "Error: --set postgres.operator.instnces: postgres.operator.instnces is not a value of this chart; "
                "did you mean postgres.operator.instances?\n",
            ),
            (
                "postgres.operator.instances=many",
                "Error: --set postgres.operator.instances: "
                'postgres.operator.instances takes a whole number, found "many"\n',
            ),
            ("postgres", "Error: --set postgres: found 'postgres', expected PATH=VALUE, such as web.replicas=2\n"),
            (
                "postgres.mode=none",
                "Error: --set postgres.mode: "
                'postgres.mode takes one of statefulset, operator, external, found "none"\n',
            ),
            ("postgres=null", "Error: --set postgres: postgres is missing, and the chart needs it\n"),
            (
                "minio.auth.rootPassword=hunter2",
                "Error: --set minio.auth.rootPassword: minio.auth.rootPassword holds a credential, and none is ever "
                "written to a file; put it into a Secret and name that\n",
            ),
            (
                "minio.auth.rootPasword=hunter2",
                "Error: --set minio.auth.rootPasword: minio.auth.rootPasword is not a value of this chart; did you "
                "mean minio.auth.rootPassword?\n",
            ),
        ],
    )
    def test_a_set_that_does_not_fit_is_refused(self, run: Run, text: str, said: str) -> None:
        assert refused(run("synth", "--set", text)) == said

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[1]", "Error: values-mine.yaml: found a list, expected an object with values\n"),
            (
                "marquez: {replcas: 2}",
                "Error: values-mine.yaml: marquez.replcas is not a value of this chart; did you mean "
                "marquez.replicas?\n",
            ),
            (
                "marquez: {replicas: two}",
                'Error: values-mine.yaml: marquez.replicas takes a whole number, found "two"\n',
            ),
            ("a: [", "Error: values-mine.yaml: line 2, column 1: is not YAML"),
            ("a: 1\na: 2", "Error: values-mine.yaml:"),
            ("a: &a [*a]", "Error: values-mine.yaml:"),
        ],
    )
    def test_a_values_file_that_does_not_fit_is_refused(self, run: Run, text: str, said: str) -> None:
        Path("values-mine.yaml").write_text(text)
        assert refused(run("synth", "--values", "values-mine.yaml")).startswith(said)

    def test_a_missing_values_file_is_refused(self, run: Run) -> None:
        said = refused(run("synth", "--values", "none.yaml"))
        assert said == "Error: none.yaml: no such file; expected a JSON or YAML file\n"

    def test_many_faults_are_counted(self, run: Run) -> None:
        Path("many.yaml").write_text(json.dumps({f"key{number}": 1 for number in range(20)}))
        said = refused(run("synth", "--values", "many.yaml"))
        assert said.count("\n") == 6 and said.endswith("Error: many.yaml: and 15 more\n")


class TestCheck:
    def test_is_silent_about_what_is_up_to_date(self, run: Run) -> None:
        run("synth")
        result = run("synth", "--check")
        assert result.exit_code == 0
        assert re.search(r"^charts/floe-platform is up to date \(\d+ files\)\.$", result.stdout, re.MULTILINE)

    def test_prints_a_diff_that_git_takes_and_writes_nothing(self, run: Run) -> None:
        run("synth")
        wanted = tree(Path("charts"))
        values = Path("charts/floe-platform/values.yaml")
        values.write_text(values.read_text().replace("replicas: 1", "replicas: 7"))
        Path("charts/floe-platform/Chart.yaml").unlink()
        found = tree(Path("charts"))
        result = run("synth", "--check")
        assert result.exit_code == 1
        assert "-  replicas: 7\n+  replicas: 1\n" in result.stdout
        assert "Not up to date: run the same command without --check." in result.stderr
        assert tree(Path("charts")) == found
        subprocess.run(["git", "apply", "-p1", "--unsafe-paths", "--directory=charts"], input=result.stdout, text=True,
                       check=True, cwd=Path.cwd())  # fmt: skip
        assert tree(Path("charts")) == wanted

    def test_says_what_a_first_run_would_write(self, run: Run) -> None:
        result = run("synth", "--check", "--env", "dev")
        assert result.exit_code == 1 and "+++ b/floe-platform/Chart.yaml\n" in result.stdout
        assert not Path("charts").exists()

    def test_passes_over_earlier_overlays(self, run: Run) -> None:
        run("synth")
        assert run("synth", "--check", "--env", "dev").exit_code == 0

    def test_excludes_dry_run(self, run: Run) -> None:
        assert "--check and --dry-run exclude each other" in refused(run("synth", "--check", "--dry-run"))


class TestDryRun:
    def test_lists_every_file_and_writes_nothing(self, run: Run) -> None:
        first = run("synth", "--dry-run")
        assert first.exit_code == 0 and not Path("charts").exists()
        assert "    added  charts/floe-platform/Chart.yaml\n" in first.stdout
        Path("floe-charts.yaml").write_text("environments: {dev: {values: {marquez: {replicas: 2}}}}\n")
        run("synth")
        Path("floe-charts.yaml").write_text("components: {marquez: {enabled: false}}\n")
        before = tree(Path("charts"))
        second = run("synth", "--dry-run")
        assert tree(Path("charts")) == before
        assert "  removed  charts/floe-platform/templates/marquez-deployment.yaml\n" in second.stdout
        assert "  changed  charts/floe-platform/values-dev.yaml\n" in second.stdout
        assert "unchanged  charts/floe-platform/.helmignore\n" in second.stdout
        counts = re.search(r"^0 added, (\d+) changed, (\d+) removed, (\d+) unchanged\.$", second.stdout, re.MULTILINE)
        assert counts is not None
        for verb, count in zip(("changed", "removed", "unchanged"), counts.groups(), strict=True):
            assert len(re.findall(rf"^ *{verb}  ", second.stdout, re.MULTILINE)) == int(count)
        run("synth")
        assert len([path for path in before if path not in tree(Path("charts"))]) == int(counts[2])


class TestClosingLines:
    def test_say_what_was_written_where_and_what_is_next(self, run: Run) -> None:
        lines = run("synth", "--env", "staging", "--out", "my charts").stdout.splitlines()
        for chart, line in zip(CHARTS, lines[-6:-4], strict=True):
            done = rf"Wrote my charts/{chart} for staging: \d+ added, 0 changed, 0 removed, 0 unchanged\."
            assert re.fullmatch(done, line)
        assert lines[-4:] == [
            "Next:",
            "  helm dependency build 'my charts/floe-platform'",
            "  helm upgrade --install floe-platform 'my charts/floe-platform' "
            "--values 'my charts/floe-platform/values-staging.yaml' --namespace floe-staging --create-namespace",
            "  helm upgrade --install floe-jobs 'my charts/floe-jobs' "
            "--values 'my charts/floe-jobs/values-staging.yaml' --namespace floe-staging",
        ]

    def test_say_where_nothing_changed(self, run: Run) -> None:
        run("synth")
        said = run("synth").stdout
        for chart in CHARTS:
            assert f"Nothing to write: charts/{chart} for dev, test" in said

    def test_name_the_secrets_that_must_exist(self, run: Run) -> None:
        assert "Secrets that must exist in the namespace:\n" in run("synth").stdout

    def test_name_no_secret_that_the_release_makes(self, run: Run) -> None:
        Path("floe-charts.yaml").write_text("environments: {dev: {secrets: generated}, qa: {secrets: external}}\n")
        secret = "floe-platform-marquez-database: username, password (where marquez.enabled is true)"
        assert f"{secret}, in test, uat, staging, prod\n" in run("synth").stdout
        assert secret not in run("synth", "--env", "dev").stdout
        assert "Secrets that must exist" not in run("synth", "--env", "qa").stdout
        assert f"{secret}\n" in run("synth", "--env", "prod").stdout

    def test_say_how_helm_takes_in_a_namespace_that_the_chart_makes(self, run: Run) -> None:
        lines = run("synth", "--env", "dev", "--set", "namespace.create=true").stdout.splitlines()
        assert lines[-2].endswith("--namespace floe-dev --create-namespace --take-ownership")
        assert lines[-1].endswith("--namespace floe-dev")


class TestSchemaCommand:
    def test_prints_the_schema_of_the_deployment_file(self, run: Run) -> None:
        schema = json.loads(run("schema").stdout)
        assert schema["additionalProperties"] is False and "clusters" in schema["properties"]

    def test_writes_it_to_a_file(self, run: Run) -> None:
        assert run("schema", "--output", "s.json").stdout == "Wrote s.json.\n"
        assert json.loads(Path("s.json").read_text()) == json.loads(run("schema").stdout)

    def test_says_where_it_cannot(self, run: Run) -> None:
        result = run("schema", "--output", "no/such/s.json")
        assert result.exit_code == 2 and result.stderr.startswith("Error: no/such/s.json: cannot be written: ")


def _bomb() -> bytes:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines).encode()


def _with(change: Callable[[dict[str, Any]], object]) -> bytes:
    return json.dumps(changed(change)).encode()


_WHOLE = json.dumps(EXAMPLE).encode()
HOSTILE: dict[str, tuple[bytes, str]] = {
    "truncated": (_WHOLE[: len(_WHOLE) // 2], "the JSON text ends in the middle of a value; is the file truncated?"),
    "empty": (b"", "is empty; expected JSON or YAML"),
    "binary": (b"\x7fELF\x02\x01\x01" + bytes(100), "expected JSON or YAML"),
    "not UTF-8": (b"\x80\x81\x82", "byte 1: is not UTF-8 text; expected JSON or YAML in UTF-8"),
    "a list": (b"[1, 2]", "found a list; expected an object with CompiledArtifacts"),
    "a text": (b"hello", "expected an object with CompiledArtifacts"),
    "a wrong type": (_with(lambda d: d["metadata"].update(product_name=7)), "metadata.product_name: "),
    "a misspelt plugin": (
        _with(lambda d: d["plugins"].update(catlog=d["plugins"].pop("catalog"))), "plugins.catlog: ",
    ),
    "path traversal": (
        _with(lambda d: d["metadata"].update(product_name="../../etc/passwd")), "metadata.product_name: ",
    ),
    "brackets": (b"[" * 200_000, "line 1, column 201: is nested deeper than 200 levels"),
    "closed brackets": (b"[" * 200_000 + b"]" * 200_000, "is nested deeper than 200 levels"),
    "YAML brackets": (b"a: " + b"[" * 200_000, "nested deeper than 200 levels"),
    "an alias bomb": (_bomb(), "alias"),
    "a newer major version": (
        _with(lambda d: d.update(version="1.0.0")), "version: found 1.0.0; the known versions are 0.1 to 0.10",
    ),
    "a key twice": (b'{"version": "0.10.0", "version": "0.9.0"}', "the key 'version' stands twice"),
    "NaN": (b'{"version": NaN}', "holds NaN"),
}  # fmt: skip


class TestHostileArtifacts:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_are_refused_with_the_place(self, run: Run, name: str) -> None:
        content, said = HOSTILE[name]
        Path("input.txt").write_bytes(content)
        message = refused(run("synth", "--artifact", "input.txt"))
        assert message.startswith("Error: input.txt: ")
        assert said in message
        assert len(message) < 2000

    @pytest.mark.parametrize("name", ["truncated", "empty", "an alias bomb"])
    def test_on_standard_input_too(self, run: Run, name: str) -> None:
        message = refused(run("synth", "--artifact", "-", input=HOSTILE[name][0]))
        assert message.startswith("Error: <stdin>: ") and HOSTILE[name][1] in message

    def test_a_file_of_100_mb(self, run: Run) -> None:
        with Path("large.json").open("wb") as file:
            file.truncate(100 * 1024 * 1024)
        message = refused(run("synth", "--artifact", "large.json"))
        assert message == "Error: large.json: is too large (105 MB); expected at most 64 MiB\n"

    def test_a_missing_file_and_a_directory(self, run: Run) -> None:
        assert "Error: none.json: no such file" in refused(run("synth", "--artifact", "none.json"))
        assert ".: found a directory without JSON or YAML files" in refused(run("synth", "--artifact", "."))

    def test_two_of_one_name(self, run: Run) -> None:
        write_artifact("a.json", "same"), write_artifact("b.json", "same")
        message = refused(run("synth", "--artifact", "a.json", "--artifact", "b.json"))
        assert message.startswith("Error: b.json: metadata.product_name: the product same is also in a.json")

    def test_every_line_of_several_faults_is_marked(self, run: Run) -> None:
        Path("x.json").write_text('{"version": "0.10.0"}')
        assert all(line.startswith("Error: ") for line in refused(run("synth", "--artifact", "x.json")).splitlines())

    def test_the_old_chart_survives(self, run: Run) -> None:
        run("synth")
        before = tree(Path("charts"))
        Path("bad.json").write_text("{")
        assert run("synth", "--artifact", "bad.json").exit_code == 2
        assert run("synth", "--set", "no.such=1").exit_code == 2
        assert tree(Path("charts")) == before


class TestNewerContracts:
    def test_a_newer_minor_version_is_said_once(self, run: Run) -> None:
        for name in ("alpha", "beta"):
            data = changed(lambda data: data.update(new=1, version="0.99.0"))
            data["metadata"]["product_name"] = name
            Path(f"{name}.json").write_text(json.dumps(data))
        result = run("synth", "--artifact", "alpha.json", "--artifact", "beta.json")
        assert result.exit_code == 0
        assert result.stderr.count("alpha.json: contract version 0.99.0 is newer than 0.10") == 1
        assert result.stderr.count("beta.json: contract version") == 1

    def test_a_comment_is_allowed(self, run: Run) -> None:
        Path("a.json").write_text(json.dumps({"$comment": "made by hand", **EXAMPLE}))
        result = run("synth", "--artifact", "a.json", "--env", "dev")
        assert result.exit_code == 0 and "comment" not in result.stderr


class TestOutputDirectory:
    def test_that_is_a_file_is_refused(self, run: Run) -> None:
        Path("taken").write_text("mine")
        assert "Error: taken: found a file, expected a directory" in refused(run("synth", "--out", "taken"))
        assert Path("taken").read_text() == "mine"

    def test_with_a_file_of_somebody_else_in_the_way_is_refused(self, run: Run) -> None:
        Path("out/floe-platform").mkdir(parents=True)
        Path("out/floe-platform/Chart.yaml").write_text("mine")
        assert "out/floe-platform/Chart.yaml" in refused(run("synth", "--out", "out"))
        assert Path("out/floe-platform/Chart.yaml").read_text() == "mine"


class TestProcess:
    """What only a process of its own shows."""

    def test_exit_codes_and_silence_in_a_pipe(self, tmp_path: Path) -> None:
        done = process("synth", "--artifact", "-", "--env", "dev", cwd=tmp_path, input=json.dumps(EXAMPLE))
        assert done.returncode == 0
        assert all(line.startswith("Warning: ") for line in done.stderr.splitlines())
        assert "\x1b" not in done.stdout + done.stderr
        changed = process("synth", "--check", cwd=tmp_path)
        assert changed.returncode == 1 and "Traceback" not in changed.stderr

    def test_hostile_input_leaves_no_traceback(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        said = refused(process("synth", "--artifact", "-", cwd=tmp_path, input="[" * 200_000))
        assert said == "Error: <stdin>: line 1, column 201: is nested deeper than 200 levels\n"

    def test_a_reader_that_goes_away_leaves_no_traceback(self, tmp_path: Path) -> None:
        command = f"{shlex.quote(sys.executable)} -m floe_charts synth --check | head -n 1"
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120
        )
        assert done.stdout.startswith("--- ") and "Traceback" not in done.stderr and "Exception" not in done.stderr

    def test_a_terminal_without_unicode_is_no_reason_to_fail(self, tmp_path: Path) -> None:
        (tmp_path / "漢.yaml").write_text("chart: {name: plain}\n")
        done = subprocess.run(
            [sys.executable, "-m", "floe_charts", "synth", "--config", "漢.yaml", "--env", "dev"],
            cwd=tmp_path, env=environment(PYTHONIOENCODING="latin-1"), capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "Deployment: \\u6f22.yaml\n" in done.stdout

    def test_a_terminal_shows_that_something_happens(self, tmp_path: Path) -> None:
        controller, terminal = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "floe_charts", "synth", "--env", "dev"],
            cwd=tmp_path, env=environment(TERM="xterm"), stdout=subprocess.PIPE, stderr=terminal, text=True,
        ) as running:  # fmt: skip
            os.close(terminal)
            shown = _read_terminal(controller)
            assert running.stdout is not None
            printed = running.stdout.read()
        assert running.returncode == 0
        assert re.search("Reading the input|Synthesizing 1 data product|Writing the chart", shown) and "\x1b[" in shown
        assert "Wrote charts/floe-platform" in printed and "\x1b" not in printed

    @pytest.mark.skipif(os.getuid() == 0, reason="nothing is unreadable for root")
    def test_an_unreadable_file_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("a.json").write_text("{}")
        Path("a.json").chmod(stat.S_IWUSR)
        assert "permission denied" in refused(process("synth", "--artifact", "a.json", cwd=tmp_path))


def _read_terminal(controller: int) -> str:
    shown = b""
    while select.select([controller], [], [], 120)[0]:
        try:
            piece = os.read(controller, 4096)
        except OSError:  # Linux says so when the other side is closed.
            break
        if not piece:
            break
        shown += piece
    os.close(controller)
    return shown.decode(errors="replace")


def _examples(text: str) -> list[str]:
    """The commands in a help text."""
    return [line.strip() for line in text.splitlines() if line.strip().startswith("python -m floe_charts")]


class TestExamples:
    @pytest.mark.parametrize("command", [(), ("synth",), ("schema",)])
    def test_of_the_help_run(self, run: Run, command: tuple[str, ...]) -> None:
        help_text = run(*command, "--help").stdout
        examples = _examples(help_text)
        assert examples, f"{command} has no example"
        Path("target").mkdir()
        Path("target/compiled_artifacts.json").write_text(json.dumps(EXAMPLE))
        run("synth", "--out", "charts")
        for example in examples:
            run("synth")  # So that --check finds what it wants.
            done = run(*shlex.split(example)[3:])
            assert done.exit_code == 0, f"{example}: {done.stderr}"


class TestLibrary:
    """What the issue shows: ``from floe_charts import ...``, pure until the last line."""

    SNIPPET = """
        from floe_charts import CompiledArtifacts, Deployment, FloePlatform, synth
        files = synth(artifacts=[CompiledArtifacts.load("a.json")], deployment=Deployment.default())
        assert issubclass(FloePlatform, object)
        from pathlib import Path
        assert not Path("charts").exists()
        files.write("charts")
        files.check("charts")
        assert files.diff("charts") == ""
        assert synth(artifacts=[CompiledArtifacts.load("a.json")]) == files
    """

    @pytest.mark.parametrize(
        "before", ["", "import floe_charts.synth.files", "import floe_charts.synth", "import floe_charts.cli"]
    )
    def test_works_whatever_was_imported_before(self, tmp_path: Path, before: str) -> None:
        (tmp_path / "a.json").write_text(json.dumps(EXAMPLE))
        lines = "\n".join(line.strip() for line in self.SNIPPET.splitlines())
        done = subprocess.run(
            [sys.executable, "-c", f"{before}\n{lines}"],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    def test_is_typed(self, tmp_path: Path) -> None:
        from mypy import api

        blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
        texts = [*blocks, "\n".join(line.strip() for line in self.SNIPPET.splitlines())]
        paths = [tmp_path / f"snippet{number}.py" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text)
        arguments = ["--strict", "--follow-imports=silent", f"--cache-dir={ROOT / '.mypy_cache' / 'snippets'}"]
        found, errors, code = api.run([*arguments, f"--config-file={ROOT / 'pyproject.toml'}", *map(str, paths)])
        assert code == 0, found + errors


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real artifacts are not at hand")
class TestRealArtifacts:
    @pytest.mark.parametrize(
        "path", sorted(str(path.relative_to(SHARED / "artifacts")) for path in SHARED.glob("artifacts/**/*.json")
                       if not {"schema", "plugin", "versions"} & set(re.split("[-.]", path.name)))
    )  # fmt: skip
    def test_every_one_becomes_a_chart(self, run: Run, path: str) -> None:
        done = run("synth", "--artifact", str(SHARED / "artifacts" / path))
        assert done.exit_code == 0, done.stderr
        assert Path("charts/floe-platform/values-prod.yaml").is_file()
