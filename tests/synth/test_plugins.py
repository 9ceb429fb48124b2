"""Helm values of installed floe plugins: who is asked, what is merged, and what is said of the rest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import floe_charts
from floe_charts import CompiledArtifacts, Deployment, PlatformFiles, synth
from floe_charts.cli import main
from floe_charts.errors import PluginError
from floe_charts.helm.layers import leaf_paths
from floe_charts.synth import ENTRY_POINT_GROUPS, PluginValues, installed_plugin_values
from tests.artifacts.conftest import EXAMPLE, changed
from tests.support import SHARED

Install = Callable[..., None]
_REAL = SHARED / "artifacts" / "plugin-helm-values.json"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution with entry points, as pip leaves it: its metadata and a module on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def add(name: str, code: str, **points: str) -> None:
        module = name.replace("-", "_")
        monkeypatch.delitem(sys.modules, module, raising=False)
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(code))
        metadata = tmp_path / f"{module}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        groups = (f"[{ENTRY_POINT_GROUPS[kind]}]\n{entry}\n" for kind, entry in points.items())
        (metadata / "entry_points.txt").write_text("\n".join(groups))

    return add


def returning(values: object, method: str = "get_helm_values") -> str:
    return f"class Plugin:\n    def {method}(self):\n        return {values!r}\n"


def made(*plugins: tuple[str, Mapping[str, Any]], **options: Any) -> PlatformFiles:
    """The example's chart with these values of plugins."""
    given = [PluginValues(name, values) for name, values in plugins]
    return synth([CompiledArtifacts.example()], plugin_values=given, **options)


def said(files: PlatformFiles) -> list[str]:
    return [notice for notice in files.notices if notice.startswith("plugin ")]


REPLICAS = {"marquez": {"replicas": 4}}


class TestInstalled:
    @pytest.mark.parametrize("method", ["get_helm_values", "get_helm_values_override"])
    def test_both_spellings_are_asked(self, install: Install, method: str) -> None:
        install("floe-orchestrator-dagster", returning(REPLICAS, method), orchestrator="dagster = floe_orchestrator_dagster:Plugin")  # fmt: skip  # noqa: E501
        found = installed_plugin_values([CompiledArtifacts.example()])
        assert found == [PluginValues("floe-orchestrator-dagster", REPLICAS)]

    @pytest.mark.parametrize("kind", ENTRY_POINT_GROUPS)
    def test_every_group_is_looked_through(self, install: Install, kind: str) -> None:
        def select(data: dict[str, Any]) -> None:
            if kind == "telemetry_backend":
                data["observability"]["telemetry"]["backend"] = "jaeger"
            else:
                data["plugins"][kind] = {"type": "jaeger", "version": "1.0.0", "config": {}}

        install("floe-x", returning(REPLICAS), **{kind: "jaeger = floe_x:Plugin"})
        selected = CompiledArtifacts.parse(changed(select))
        assert installed_plugin_values([selected]) == [PluginValues("floe-x", REPLICAS)]
        if selected != CompiledArtifacts.example():
            assert installed_plugin_values([CompiledArtifacts.example()]) == []

    def test_only_those_that_the_artifacts_select_are_imported(self, install: Install) -> None:
        install("floe-airflow", "raise RuntimeError('imported')", orchestrator="airflow = floe_airflow:Plugin")
        install("floe-jaeger", "raise RuntimeError('imported')", telemetry_backend="jaegr = floe_jaeger:Plugin")
        assert installed_plugin_values([CompiledArtifacts.example()]) == []

    def test_a_plugin_without_the_method_says_nothing(self, install: Install) -> None:
        install("floe-x", "class Plugin: pass", orchestrator="dagster = floe_x:Plugin")
        install("floe-y", returning({}), catalog="polaris = floe_y:Plugin")
        assert installed_plugin_values([CompiledArtifacts.example()]) == []

    @pytest.mark.parametrize(
        "code",
        [
            "class Plugin:\n    def __init__(self, config): self.config = config",
            "class Plugin:\n    def __init__(self, config=None): self.config = config",
            "class Plugin:\n    def __init__(self, settings): self.config = settings",
            """
            from __future__ import annotations
            from pydantic import BaseModel
            class Config(BaseModel):
                uri: str
                def get(self, key): return getattr(self, key)
            class Plugin:
                def __init__(self, config: Config | None = None): self.config = config
            """,
        ],
    )
    def test_those_that_take_their_configuration_get_it(self, install: Install, code: str) -> None:
        method = "\n    def get_helm_values(self): return {'uri': self.config.get('uri')}\n"
        install("floe-x", textwrap.dedent(code).rstrip() + method, catalog="polaris = floe_x:Plugin")
        (found,) = installed_plugin_values([CompiledArtifacts.example()])
        assert found.values == {"uri": EXAMPLE["plugins"]["catalog"]["config"]["uri"]}

    def test_an_instance_and_a_factory_are_plugins_too(self, install: Install) -> None:
        code = returning(REPLICAS) + "instance = Plugin()\ndef make(): return Plugin()\n"
        install("floe-x", code, orchestrator="dagster = floe_x:instance", catalog="polaris = floe_x:make")
        found = installed_plugin_values([CompiledArtifacts.example()])
        assert [values.values for values in found] == [REPLICAS, REPLICAS]

    def test_credentials_of_the_configuration_are_not_told(self, install: Install) -> None:
        code = "class Plugin:\n    def __init__(self, config): self.config = config\n    def get_helm_values(self): return {'all': self.config}\n"  # fmt: skip  # noqa: E501
        install("floe-x", code, catalog="polaris = floe_x:Plugin")
        canary = "canary-8f2e"

        def plant(data: dict[str, Any]) -> None:
            data["plugins"]["catalog"]["config"]["oauth2"]["client_secret"] = canary
            data["plugins"]["catalog"]["config"]["uri"] = f"http://user:{canary}@floe-platform-polaris:8181/api/catalog"

        artifacts = CompiledArtifacts.parse(changed(plant))
        (found,) = installed_plugin_values([artifacts])
        assert canary not in json.dumps(found.values) and "*****" in json.dumps(found.values)
        assert canary not in "".join(synth([artifacts]).values())

    def test_each_configuration_is_asked_for(self, install: Install) -> None:
        code = """
            ASKED = []
            class Plugin:
                def __init__(self, config): self.config = config
                def get_helm_values(self):
                    ASKED.append(self.config)
                    team = self.config["team"]
                    return {"marquez": {"nodeSelector": {team: "yes"}, "replicas": self.config["replicas"]}}
            """
        install("floe-x", code, catalog="polaris = floe_x:Plugin")

        def product(name: str, team: str, replicas: int) -> CompiledArtifacts:
            def change(data: dict[str, Any]) -> None:
                data["metadata"]["product_name"] = name
                data["plugins"]["catalog"]["config"] |= {"team": team, "replicas": replicas}
                data["plugins"]["catalog"]["config"]["oauth2"]["client_secret"] = f"canary-{name}"

            return CompiledArtifacts.parse(changed(change))

        products = [product("c", "red", 2), product("b", "blue", 4), product("a", "red", 2)]
        (found,) = installed_plugin_values(products)
        assert found.values == {"marquez": {"nodeSelector": {"red": "yes", "blue": "yes"}, "replicas": 4}}
        assert [config["team"] for config in sys.modules["floe_x"].ASKED] == ["red", "blue"]
        assert "canary" not in str(sys.modules["floe_x"].ASKED)
        assert installed_plugin_values(products[::-1]) == [found]
        files = synth(products)
        assert said(files) == ["plugin floe-x: marquez.replicas differs between products; that of b is taken"]
        assert files.final_values("dev")["marquez"]["replicas"] == 4


class TestRefusals:
    @pytest.mark.parametrize(
        ("code", "problem"),
        [
            ("import no_such_module", "it cannot say its Helm values: ModuleNotFoundError: No module named"),
            ("pass", "it cannot say its Helm values: AttributeError"),
            ("class Plugin:\n    def __init__(self): raise RuntimeError('no\\nway')", "RuntimeError: no; mend"),
            ("class Plugin:\n    def get_helm_values(self): raise KeyError()", "Helm values: KeyError; mend"),
            ("class Plugin:\n    def get_helm_values(self): raise SystemExit(0)", "SystemExit: 0"),
            (returning([1]), "its Helm values are a list, expected a mapping; mend or uninstall it"),
            (returning("text"), "its Helm values are a string, expected a mapping"),
            (returning(None), "its Helm values are null, expected a mapping"),
            (returning({"a": {"b": (1, 2)}}), "a.b: found tuple; expected JSON"),
            (returning({"a": {1: 2}}), "a: found the key 1; expected keys that are strings"),
            (returning({"a": 1e308}).replace("1e+308", "float('nan')"), "a: found nan; expected a finite number"),
            ("VALUES = {}\nVALUES['a'] = VALUES\nclass Plugin:\n    def get_helm_values(self): return VALUES",
             "is nested deeper than 200 levels"),
        ],
    )  # fmt: skip
    def test_name_the_plugin(self, install: Install, code: str, problem: str) -> None:
        install("floe-broken", code, orchestrator="dagster = floe_broken:Plugin")
        with pytest.raises(PluginError) as caught:
            synth([CompiledArtifacts.example()])
        message = str(caught.value)
        assert message.startswith("plugin floe-broken: ") and problem in message and "\n" not in message

    def test_do_not_repeat_credentials(self, install: Install) -> None:
        code = (
            "class Plugin:\n    def get_helm_values(self): raise ValueError('https://me:hunter2@example.com is down')"
        )
        install("floe-broken", code, orchestrator="dagster = floe_broken:Plugin")
        with pytest.raises(PluginError, match="is down") as caught:
            synth([CompiledArtifacts.example()])
        assert "hunter2" not in str(caught.value)

    def test_two_of_one_type_are_refused(self, install: Install) -> None:
        for name in ("floe-one", "floe-two"):
            install(name, returning({}), orchestrator=f"dagster = {name.replace('-', '_')}:Plugin")
        with pytest.raises(PluginError, match="floe-one and floe-two both say that they are the plugin dagster"):
            installed_plugin_values([CompiledArtifacts.example()])

    def test_end_the_command_with_exit_code_2(
        self, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        install("floe-broken", returning([1]), orchestrator="dagster = floe_broken:Plugin")
        result = CliRunner().invoke(main, ["synth"])
        assert (result.exit_code, result.stdout, Path("charts").exists()) == (2, "", False)
        assert result.stderr == (
            "Error: plugin floe-broken: its Helm values are a list, expected a mapping; mend or uninstall it\n"
        )


class TestLayer:
    def test_stands_above_the_environment_and_below_values(self) -> None:
        deployment = Deployment.parse({"environments": {"dev": {"values": {"marquez": {"replicas": 2}}}}})
        files = made(("floe-x", REPLICAS), deployment=deployment)
        assert files.final_values("dev")["marquez"]["replicas"] == 4
        assert files.origin("dev", "marquez.replicas") == "plugin floe-x"
        over = made(("floe-x", REPLICAS), deployment=deployment, values=[{"marquez": {"replicas": 5}}])
        assert over.final_values("dev")["marquez"]["replicas"] == 5
        assert said(files) == said(over) == []

    def test_is_the_same_in_every_environment_and_so_in_values_yaml(self) -> None:
        files = made(("floe-x", REPLICAS))
        assert "  replicas: 4\n" in files["floe-platform/values.yaml"]
        assert all("replicas: 4" not in files[f"floe-platform/values-{name}.yaml"] for name in files.environments)

    def test_the_later_plugin_wins_and_maps_merge(self) -> None:
        files = made(
            ("a", {"marquez": {"replicas": 4, "image": {"tag": "0.1.0"}}}), ("b", {"marquez": {"replicas": 5}})
        )
        marquez = files.final_values("dev")["marquez"]
        assert (marquez["replicas"], marquez["image"]["tag"]) == (5, "0.1.0")

    def test_what_is_handed_in_is_not_changed(self) -> None:
        values = {"nobody": {"reads": [1]}, "marquez": {"replicas": "many"}}
        before = json.dumps(values)
        made(("floe-x", values))
        assert json.dumps(values) == before


class TestReports:
    @pytest.mark.parametrize(
        ("values", "lines"),
        [
            (
                {"dagster-webserver": {"replicaCount": 2}},
                [
                    "plugin floe-x: dagster-webserver.replicaCount is read by no chart; did you mean "
                    "dagster.dagsterWebserver.replicaCount?"
                ],
            ),
            (
                {"marquez": {"replcas": 2, "replicas": 3}},
                ["plugin floe-x: marquez.replcas is read by no chart; did you mean marquez.replicas?"],
            ),
            (
                {"cube": {"api": {"env": {}}, "on": True}},
                ["plugin floe-x: cube.api.env is read by no chart", "plugin floe-x: cube.on is read by no chart"],
            ),
            (
                {"marquez": {"replicas": "many"}},
                ['plugin floe-x: marquez.replicas takes a whole number, found "many"; it is left out'],
            ),
            (
                {"marquez": {"replicas": None}},
                ["plugin floe-x: marquez.replicas is missing, and the chart needs it; it is left out"],
            ),
            (
                {"marquez": "on"},
                ['plugin floe-x: marquez takes a map, found "on"; it is left out'],
            ),
            (
                {"minio": {"auth": {"rootPassword": "hunter2"}}},
                [
                    "plugin floe-x: minio.auth.rootPassword holds a credential, which is never written; it is left "
                    "out: name a Secret instead"
                ],
            ),
            (
                {
                    "dagster": {
                        "dagsterWebserver": {
                            "env": [{"name": "A", "value": "b"}, {"name": "API_TOKEN", "value": "hunter2"}]
                        }
                    }
                },
                [
                    "plugin floe-x: dagster.dagsterWebserver.env holds a credential at 1.value, which is never "
                    "written; the whole list dagster.dagsterWebserver.env is left out: name a Secret instead"
                ],
            ),
            (
                {"dagster": {"dagsterWebserver": {"env": [{"name": "A", "value": "b"}, {"name": "B", "valu": "c"}]}}},
                [
                    "plugin floe-x: dagster.dagsterWebserver.env holds a key at 1.valu that no chart reads; the whole "
                    "list dagster.dagsterWebserver.env is left out; did you mean dagster.dagsterWebserver.env.1.value?"
                ],
            ),
            (
                {
                    "dagster": {
                        "dagsterWebserver": {"env": [{"name": "A", "value": "b"}, {"name": "B", "value": ["c"]}]}
                    }
                },
                [
                    'plugin floe-x: dagster.dagsterWebserver.env.1.value takes null or a text, found ["c"]; the whole '
                    "list dagster.dagsterWebserver.env is left out"
                ],
            ),
            (
                {"minio": {"auth": {"existingSecret": ["hunter2"]}}},
                ["plugin floe-x: minio.auth.existingSecret takes a text; it is left out"],
            ),
            (
                {"marquez": {"nodeSelector": {"example.com/disk": 1, "example.com/zone": "a"}}},
                [
                    "plugin floe-x: marquez.nodeSelector.example.com/disk takes a text, "
                    'such as "1", found 1; it is left out'
                ],
            ),
        ],
    )
    def test_name_plugin_key_and_the_nearest_value(self, values: dict[str, Any], lines: list[str]) -> None:
        files = made(("floe-x", values))
        assert said(files) == lines
        assert "hunter2" not in "".join([*files.values(), *files.notices])

    def test_a_fault_takes_nothing_else_along(self) -> None:
        values = {"marquez": {"replicas": "many", "image": {"tag": "0.1.0"}}, "nobody": 1}
        files = made(("floe-x", values))
        marquez = files.final_values("dev")["marquez"]
        assert marquez["image"]["tag"] == "0.1.0" and marquez["replicas"] == 1
        assert len(said(files)) == 2

    def test_go_to_standard_error(self, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        install("floe-x", returning({"nobody": 1}), orchestrator="dagster = floe_x:Plugin")
        result = CliRunner().invoke(main, ["synth", "--env", "dev"])
        assert result.exit_code == 0
        assert "Warning: plugin floe-x: nobody is read by no chart\n" in result.stderr

    @pytest.mark.parametrize(
        ("values", "is_kept"),
        [
            ({"minio": {"auth": {"existingSecret": "mine"}}}, True),
            ({"minio": {"auth": {"rootPasswordSecretKey": "pw"}}}, True),
            ({"dagster": {"global": {"postgresqlSecretName": "mine"}}}, True),
            ({"marquez": {"image": {"repository": "https://me:hunter2@registry/x"}}}, False),
        ],
    )
    def test_names_of_secrets_are_no_credentials(self, values: dict[str, Any], is_kept: bool) -> None:
        assert any("credential" in line for line in said(made(("floe-x", values)))) != is_kept


@pytest.mark.skipif(not _REAL.is_file(), reason="the values that real plugins return are not at hand")
class TestRealPlugins:
    def test_every_key_is_merged_or_reported(self) -> None:
        real = {name: entry["values"] for name, entry in json.loads(_REAL.read_text()).items()}
        artifacts = CompiledArtifacts.load(SHARED / "artifacts" / "customer-360.json")
        files = synth([artifacts], plugin_values=[PluginValues(name, values) for name, values in real.items()])
        lines = said(files)
        assert len(lines) == len(set(lines))
        dead = 0
        for name, values in real.items():
            for path, value in leaf_paths(values):
                dotted = ".".join(path)
                reports = [line for line in lines if line.startswith(f"plugin {name}: {dotted} ")]
                if reports:
                    dead += 1
                    assert len(reports) == 1
                    assert dotted not in files._layers["dev"].origins()
                else:
                    found: Any = files.final_values("dev")
                    for key in path:
                        found = found[key]
                    assert found == value, f"{name}: {dotted} is neither merged nor reported"
                    assert files.origin("dev", dotted) == f"plugin {name}"
        assert dead == len(lines) > 40
        assert files.final_values("dev")["marquez"]["image"]["tag"] == "0.20.0"

    def test_the_schema_holds(self) -> None:
        import jsonschema_rs

        real = {name: entry["values"] for name, entry in json.loads(_REAL.read_text()).items()}
        files = made(*real.items())
        validator = jsonschema_rs.Draft7Validator(json.loads(files["floe-platform/values.schema.json"]))
        for name in files.environments:
            assert [error.message for error in validator.iter_errors(files.final_values(name))] == []


def test_a_plugin_on_pythonpath_is_found_by_the_process(install: Install, tmp_path: Path) -> None:
    install("floe-x", returning(REPLICAS), orchestrator="dagster = floe_x:Plugin")
    source = Path(floe_charts.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "floe_charts", "synth", "--env", "dev"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": f"{source}{os.pathsep}{tmp_path}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "  replicas: 4\n" in (tmp_path / "charts/floe-platform/values.yaml").read_text()
