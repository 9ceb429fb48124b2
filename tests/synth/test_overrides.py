"""``--set`` and ``--values``: the grammar, the types, and where each final value comes from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe_charts import CompiledArtifacts, Deployment, synth
from floe_charts.errors import DocumentError, ValuesError
from floe_charts.helm import Field, HelmChart, Values
from floe_charts.helm.checking import DeclaredValues
from floe_charts.helm.component import Component
from floe_charts.synth import Override, PluginValues, read_values
from floe_charts.synth.overrides import parse_set
from floe_charts.synth.secrets import credential_paths


class Inner(Values):
    """Further down."""

    replicas: int = Field(2, ge=1, description="How many.")
    ratio: float = Field(0.5, description="How much.")


class ShopValues(Values):
    """One value of each type."""

    name: str = Field("shop", description="A text.")
    open: bool = Field(True, description="A switch.")
    items: list[str] = Field([], description="Texts.")
    numbers: list[int] = Field([], description="Numbers.")
    labels: dict[str, str] = Field({}, description="A map.")
    anything: Any = Field({}, description="Anything.")
    inner: Inner = Field(Inner())


class Shop(Component[ShopValues]):
    """Holds the values."""

    def build(self, v: ShopValues) -> None:
        self.config_map("all", {"all": f"{v.name}"})


@pytest.fixture(scope="module")
def declared() -> DeclaredValues:
    chart = HelmChart("shops")
    Shop(chart, "shop")
    return chart.declared_values()


def nested(path: str, value: object) -> object:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


class TestTypes:
    @pytest.mark.parametrize(
        ("text", "path", "value"),
        [
            ("shop.name=abc", "shop.name", "abc"),
            ("shop.name=1.20", "shop.name", "1.20"),
            ("shop.name=0123", "shop.name", "0123"),
            ("shop.name=true", "shop.name", "true"),
            ("shop.name=", "shop.name", ""),
            ("shop.name=a=b", "shop.name", "a=b"),
            ("shop.name=a\\,b", "shop.name", "a,b"),
            ("shop.name=a\\\\b", "shop.name", "a\\b"),
            ("shop.name=say {hi}", "shop.name", "say {hi}"),
            ("shop.name={{ x }}", "shop.name", "{{ x }}"),
            ("shop.name=null", "shop.name", None),
            ("shop.inner.replicas=5", "shop.inner.replicas", 5),
            ("shop.inner.replicas=05", "shop.inner.replicas", "05"),
            ("shop.inner.replicas=five", "shop.inner.replicas", "five"),
            ("shop.inner.ratio=1", "shop.inner.ratio", 1),
            ("shop.inner.ratio=1.5e-3", "shop.inner.ratio", 1.5e-3),
            ("shop.open=false", "shop.open", False),
            ("shop.open=False", "shop.open", False),
            ("shop.open=no", "shop.open", "no"),
            ("shop.items={}", "shop.items", []),
            ("shop.items={a,2,true}", "shop.items", ["a", "2", "true"]),
            ("shop.items={a\\,b,c}", "shop.items", ["a,b", "c"]),
            ("shop.numbers={1,2}", "shop.numbers", [1, 2]),
            ('shop.items=["x,y","z"]', "shop.items", ["x,y", "z"]),
            ("shop.labels={}", "shop.labels", {}),
            ('shop.labels={"a": "1", "b": "2"}', "shop.labels", {"a": "1", "b": "2"}),
            ('shop.inner={"replicas": 3}', "shop.inner", {"replicas": 3}),
            ("shop.anything=7", "shop.anything", 7),
            ("shop.anything=1.20", "shop.anything", "1.20"),
        ],
    )
    def test_follow_the_declaration(self, declared: DeclaredValues, text: str, path: str, value: object) -> None:
        found = parse_set(text, declared).values
        assert found == nested(path, value)
        assert json.dumps(found) == json.dumps(nested(path, value))  # 1 is not True

    def test_a_key_may_hold_a_dot(self, declared: DeclaredValues) -> None:
        found = parse_set("shop.labels.example\\.com/team=data", declared).values
        assert found == {"shop": {"labels": {"example.com/team": "data"}}}

    def test_several_in_one_and_their_lists(self, declared: DeclaredValues) -> None:
        found = parse_set("shop.name=a,shop.items={x,y},shop.inner.replicas=3,shop.inner.ratio=2", declared).values
        assert found == {"shop": {"name": "a", "items": ["x", "y"], "inner": {"replicas": 3, "ratio": 2}}}

    @pytest.mark.parametrize(
        "labels", [{"a": "x}y", "b": "2"}, {"a": "{"}, {"a": 'say "[", then'}, {"a": "back\\"}, {"a": "]},{"}]
    )
    def test_brackets_in_json_strings_close_nothing(self, declared: DeclaredValues, labels: dict[str, str]) -> None:
        found = parse_set(f"shop.labels={json.dumps(labels)},shop.name=b", declared).values
        assert found == {"shop": {"labels": labels, "name": "b"}}

    def test_a_quote_in_the_midst_of_a_word_is_a_quote(self, declared: DeclaredValues) -> None:
        found = parse_set('shop.items={5",6"},shop.name=7"', declared).values
        assert found == {"shop": {"items": ['5"', '6"'], "name": '7"'}}

    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def test_any_text_can_be_said(self, declared: DeclaredValues, text: str) -> None:
        escaped = "".join(f"\\{char}" if char in "\\,{[nN" else char for char in text)
        assert parse_set(f"shop.name={escaped}", declared).values == {"shop": {"name": text}}

    @given(st.text(alphabet="ab.=,\\{}[]0 \"'"))
    def test_any_nonsense_is_a_value_or_refused(self, declared: DeclaredValues, text: str) -> None:
        try:
            parse_set(text, declared)
        except ValuesError as error:
            assert error.source.startswith("--set ")


class TestGrammar:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("shop", "--set shop: found 'shop', expected PATH=VALUE, such as web.replicas=2"),
            ("=1", "found '=…', expected PATH=VALUE"),
            ("", "found '', expected PATH=VALUE"),
            ("shop.name=1,", "found '', expected PATH=VALUE"),
            ("shop..name=1", "found an empty key in 'shop..name', expected PATH=VALUE"),
            (".=1", "found an empty key"),
            ("shop.items[0]=1", "items of lists cannot be set one by one; give the whole list: PATH={a,b}"),
            ("a" + ".a" * 100_000 + "=1", "found a path of 100001 keys, expected at most 50"),
            ("shop.anything=" + "[" * 150 + "]" * 150, None),
            ("shop.anything=" + "[" * 250 + "]" * 250, "is nested deeper than 200 levels"),
            ("shop.name=\udcff", "lone surrogate"),
            ("shop.anything=[1e999]", "expected a finite number"),
        ],
    )
    def test_mistakes_are_said(self, declared: DeclaredValues, text: str, said: str | None) -> None:
        if said is None:
            parse_set(text, declared)
            return
        with pytest.raises(ValuesError) as caught:
            parse_set(text, declared)
        assert said in str(caught.value) and len(str(caught.value)) < 400

    @pytest.mark.parametrize(
        "text",
        [
            "shop.password hunter2",
            "shop.password: hunter2",
            "shop.password=abc,hunter2",
            "=hunter2",
            "shop..password=hunter2",
            "shop.items[0]=hunter2",
            "shop.password=[1e999,hunter2]\udcff",
            'shop.anything=["hunter2", 1e999]',
        ],
    )
    def test_values_are_not_repeated(self, declared: DeclaredValues, text: str) -> None:
        try:
            override = parse_set(text, declared)
        except ValuesError as error:
            assert "hunter2" not in str(error)
        else:
            assert "hunter2" not in override.source

    def test_the_source_is_the_path(self, declared: DeclaredValues) -> None:
        assert parse_set("shop.name=a,shop.open=true", declared).source == "--set shop.name"


class TestFiles:
    def test_yaml_and_json(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text("# mine\nweb: {replicas: 2}\n")
        (tmp_path / "a.json").write_text('{"web": {"replicas": 2}}')
        assert read_values(tmp_path / "a.yaml").values == read_values(tmp_path / "a.json").values

    def test_an_empty_document_is_no_value(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text("--- # nothing yet\n")
        assert read_values(tmp_path / "a.yaml").values == {}

    @pytest.mark.parametrize(("text", "found"), [("[1]", "a list"), ("7", "a number"), ("hello", "a string")])
    def test_that_hold_no_mapping_are_refused(self, tmp_path: Path, text: str, found: str) -> None:
        (tmp_path / "a.yaml").write_text(text)
        with pytest.raises(ValuesError, match=f"a.yaml: found {found}, expected an object with values"):
            read_values(tmp_path / "a.yaml")

    def test_that_cannot_be_read_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DocumentError, match="no such file"):
            read_values(tmp_path / "a.yaml")

    def test_trees_made_in_python_are_held_against_json(self) -> None:
        with pytest.raises(ValuesError, match=r"here: a\.b: found tuple; expected JSON"):
            Override("here", {"a": {"b": (1, 2)}})


class TestNearest:
    @pytest.mark.parametrize(
        ("path", "near"),
        [
            ("postgres.operator.instnces", "postgres.operator.instances"),
            ("postgres.operatr.instances", "postgres.operator.instances"),
            ("postgres.statefulset.storage.size", "postgres.storage.size"),
            ("dagster-webserver.replicaCount", "dagster.dagsterWebserver.replicaCount"),
            ("postgresql", "postgres"),
            ("marquez.zzz", None),
            ("zzz", None),
        ],
    )
    def test_is_a_path_that_exists(self, path: str, near: str | None) -> None:
        with pytest.raises(ValuesError) as caught:
            synth([CompiledArtifacts.example()], sets=[f"{path}=1"], plugin_values=())
        said = str(caught.value).partition(" is not a value of this chart")[2]
        assert said == (f"; did you mean {near}?" if near else "")


class TestCredentials:
    @pytest.mark.parametrize(
        "text",
        [
            "minio.auth.rootPassword=hunter2",
            "marquez.nodeSelector.note=https://user:hunter2@example.com",
            "dagster.dagster-user-deployments.extra.apiToken=hunter2",
            'dagster.dagsterWebserver.env=[{"name": "DB_PASSWORD", "value": "hunter2"}]',
            "minio.auth.rootPassword=82345678",
            "minio.provisioning.passwords={hunter2}",
            "minio.provisioning.credentials.a=hunter2",
            "minio.auth.rootPasword=hunter2",
        ],
    )
    def test_are_refused_and_not_repeated(self, text: str) -> None:
        with pytest.raises(ValuesError, match=r"holds a credential|is not a value") as caught:
            synth([CompiledArtifacts.example()], sets=[text], plugin_values=())
        assert not {"hunter2", "82345678"} & set(re.split(r"\W", str(caught.value)))

    @pytest.mark.parametrize(
        "text",
        [
            'dagster.dagsterWebserver.env=[{"name": "PWD", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]',
            'dagster.dagsterWebserver.env=[{"name": "DB_PASSWORD", "value": "$(OTHER)"}]',
            'dagster.dagsterWebserver.env=[{"name": "PASSWORD_FILE", "value": "/run/secrets/a"}]',
            "minio.provisioning.credentials.secretName=mine",
        ],
    )
    def test_references_are_taken(self, text: str) -> None:
        synth([CompiledArtifacts.example()], sets=[text], plugin_values=())

    def test_what_the_chart_itself_says_is_none(self) -> None:
        files = synth([CompiledArtifacts.example()], plugin_values=())
        chart = files.platform
        declared = chart.declared_values()
        for name in files.environments:
            assert list(credential_paths(files.final_values(name), declared)) == []

    def test_in_the_deployment_file_are_refused(self) -> None:
        deployment = Deployment.parse({"environments": {"dev": {"values": {"minio": {"auth": {"rootPassword": "x"}}}}}})
        with pytest.raises(ValuesError, match=r"environments\.dev\.values: minio\.auth\.rootPassword holds a cred"):
            synth([CompiledArtifacts.example()], deployment, plugin_values=())

    @pytest.mark.parametrize(
        ("tree", "found"),
        [
            ({"existingSecret": "x", "userPasswordKey": "x", "passwordSecret": "x", "imagePullSecrets": "x"}, []),
            ({"clientSecret": "x", "secret_key": "x"}, ["clientSecret", "secret_key"]),
            ({"env": [{"name": "API_TOKEN", "value": "x"}, {"name": "HOME", "value": "x"}]}, ["env.0.value"]),
            ({"token": "", "password": None, "max_tokens": 7, "tokenUrl": "https://example.com"}, []),
            ({"env": [{"key": "API_TOKEN", "value": "x"}]}, ["env.0.value"]),
            ({"rootPassword": 12345678, "pwd": 1.5, "max_tokens": 7, "token": True}, ["rootPassword", "pwd"]),
            ({"env": [{"name": "PASSWORD", "value": 1}, {"name": "PORT", "value": 1}]}, ["env.0.value"]),
            ({"passwords": ["x", 12345678, ["y"]]}, ["passwords.0", "passwords.1", "passwords.2.0"]),
            ({"passwords": [{"name": "me", "value": "x"}]}, ["passwords.0.value"]),
            ({"credentials": {"a": "x", "b": {"c": "y"}, "d": 7}}, ["credentials.a", "credentials.b.c"]),
            ({"passwords": {"a": 7}, "apiKeys": {"a": "x"}}, ["passwords.a", "apiKeys.a"]),
            ({"credentials": {"existingSecret": "x", "secretName": "x", "key": "x", "username": "x", "type": "x"}}, []),
            ({"password": {"valueFrom": {"secretKeyRef": {"name": "x", "key": "x"}}}}, []),
            ({"passwordSecret": {"name": "x", "key": "x"}, "imagePullSecrets": [{"name": "x"}, "x"]}, []),
            ({"secret": {"secretName": "x", "items": [{"key": "x", "path": "x"}], "defaultMode": 420}}, []),
            ({"secretKeys": {"adminPasswordKey": "x", "rootKey": "x"}, "secretLabels": {"a": "x"}}, []),
            ({"apiCredentials": "realm,$(ID),$(SECRET)"}, []),
            ({"apiCredentials": "realm,$(ID),hunter2"}, ["apiCredentials"]),
            ({"auth": {"enabled": "x", "user": "x"}, "headers": {"api-key": "${env:KEY}", "token": "$(KEY)"}}, []),
            ({"note": "**********", "url": "https://me:pw@example.com"}, ["note", "url"]),
        ],
    )
    def test_are_told_by_name_and_by_look(
        self, declared: DeclaredValues, tree: dict[str, Any], found: list[str]
    ) -> None:
        paths = credential_paths({"shop": {"anything": tree}}, declared)
        assert [".".join(path) for path in paths] == [f"shop.anything.{path}" for path in found]

    def test_names_of_secrets_are_none(self) -> None:
        files = synth([CompiledArtifacts.example()], sets=["minio.auth.existingSecret=other"], plugin_values=())
        assert files.final_values("dev")["minio"]["auth"]["existingSecret"] == "other"


class TestOrigin:
    def test_each_layer_wins_over_those_below(self) -> None:
        path = "marquez.resources.limits.memory"

        def limit(memory: str) -> dict[str, Any]:
            return {"marquez": {"resources": {"limits": {"memory": memory}}}}

        above: dict[str, Any] = {}

        def origin(path: str = path, deployment: Deployment | None = None) -> tuple[str | None, Any]:
            files = synth([CompiledArtifacts.example()], deployment, plugin_values=above.get("plugin", ()),
                          values=above.get("values", ()), sets=above.get("sets", ()))  # fmt: skip
            value: Any = files.final_values("dev")
            for key in path.split("."):
                value = value[key]
            return files.origin("dev", path), value

        assert origin("postgres.operator.instances")[0] == "construct defaults"
        assert origin() == ("resource preset", "512Mi")
        own = Deployment.parse({"environments": {"dev": {"values": limit("2601Mi")}}})
        assert origin(deployment=own) == ("environment", "2601Mi")
        above["plugin"] = [PluginValues("floe-x", limit("2602Mi"))]
        assert origin(deployment=own) == ("plugin floe-x", "2602Mi")
        above["values"] = [limit("2603Mi")]
        assert origin(deployment=own) == ("--values", "2603Mi")
        above["sets"] = ["marquez.resources.limits.memory=2604Mi"]
        assert origin(deployment=own) == ("--set", "2604Mi")

    def test_artifacts_are_a_layer(self) -> None:
        files = synth([CompiledArtifacts.example()], plugin_values=())
        origins = {files.origin("dev", path) for path in files._layers["dev"].origins()}
        assert {"construct defaults", "compiled artifacts", "resource preset", "environment"} <= origins

    def test_a_path_that_nobody_set_has_none(self) -> None:
        files = synth([CompiledArtifacts.example()], plugin_values=())
        assert files.origin("dev", "no.such.path") is None

    def test_other_environments_are_untouched(self) -> None:
        files = synth([CompiledArtifacts.example()], environments=["qa"], sets=["marquez.replicas=3"], plugin_values=())
        assert files.origin("qa", "marquez.replicas") == "--set"
        assert files.origin("dev", "marquez.replicas") == "construct defaults"
