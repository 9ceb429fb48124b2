"""Loading artifacts: where they come from, and what is refused with which words."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from floe_charts.artifacts import CompiledArtifacts, distinct_slugs, load_all, resolve_sources
from floe_charts.errors import ArtifactError, DocumentError, InputError
from tests.artifacts.conftest import EXAMPLE, changed, parsed, refusal


class TestSources:
    def test_the_example_says_what_it_is(self) -> None:
        example = CompiledArtifacts.example()
        assert (example.source, example.product_name, example.slug) == (
            "the bundled example",
            "hello-floe",
            "hello-floe",
        )
        assert example.metadata.compiled_at == datetime(2026, 11, 20, 9, 30)
        catalog, ingestion = example.plugin("catalog"), example.plugin("ingestion")
        assert catalog is not None and catalog.type == "polaris" and ingestion is None

    def test_json_and_yaml_are_the_same(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_text(json.dumps(EXAMPLE))
        (tmp_path / "a.yaml").write_text(yaml.safe_dump(EXAMPLE))
        as_json, as_yaml = CompiledArtifacts.load(tmp_path / "a.json"), CompiledArtifacts.load(str(tmp_path / "a.yaml"))
        assert as_json.model_dump() == as_yaml.model_dump()

    def test_find_takes_the_projects_artifacts_else_the_example(self, tmp_path: Path) -> None:
        assert CompiledArtifacts.find(tmp_path).source == "the bundled example"
        (tmp_path / "target").mkdir()
        path = tmp_path / "target" / "compiled_artifacts.json"
        path.write_text(json.dumps(EXAMPLE))
        assert CompiledArtifacts.find(tmp_path).source == str(path)

    @pytest.mark.parametrize(
        ("source", "said"),
        [
            (
                "s3://user:hunter2@registry.example.com/a",
                "s3://registry.example.com/a: artifacts cannot be read from s3://",
            ),
            ("https://example.com/a.json", "artifacts cannot be read from https://; expected a file's path, -"),
        ],
    )
    def test_other_kinds_of_sources_are_refused(self, source: str, said: str) -> None:
        with pytest.raises(ArtifactError) as caught:
            CompiledArtifacts.load(source)
        assert said in str(caught.value)
        assert "hunter2" not in str(caught.value)

    def test_standard_input_can_be_named_once(self) -> None:
        with pytest.raises(ArtifactError, match="standard input"):
            resolve_sources(["-", "a.json", "-"])

    def test_a_missing_file_is_a_document_error(self) -> None:
        with pytest.raises(DocumentError, match=r"no/such\.json: no such file"):
            load_all(["no/such.json"])


class TestSeveralProducts:
    def write(self, directory: Path, *names: str) -> list[Path]:
        paths = []
        for index, name in enumerate(names):
            data = changed(lambda data, name=name: data["metadata"].update(product_name=name))  # type: ignore[misc]
            paths.append(directory / f"{index}.json")
            paths[-1].write_text(json.dumps(data))
        return paths

    def test_keep_their_order(self, tmp_path: Path) -> None:
        loaded = load_all(self.write(tmp_path, "b", "a", "c"))
        assert [artifacts.product_name for artifacts in loaded] == ["b", "a", "c"]

    def test_of_one_name_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ArtifactError) as caught:
            load_all(self.write(tmp_path, "a", "b", "a"))
        message = str(caught.value)
        assert message.startswith(
            f"{tmp_path}/2.json: metadata.product_name: the product a is also in {tmp_path}/0.json"
        )

    def test_whose_names_differ_in_case_or_punctuation_are_taken(self, tmp_path: Path) -> None:
        loaded = load_all(self.write(tmp_path, "orders_eu", "Orders-EU"))
        assert [artifacts.product_name for artifacts in loaded] == ["orders_eu", "Orders-EU"]


class TestSlug:
    @given(st.from_regex(r"[a-zA-Z][a-zA-Z0-9_-]{0,127}", fullmatch=True))
    def test_is_a_dns_label(self, name: str) -> None:
        slug = parsed(lambda data: data["metadata"].update(product_name=name)).slug
        assert len(slug) <= 63
        assert slug[0].isalpha() and slug[-1].isalnum() and set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")

    def test_long_names_stay_apart(self) -> None:
        slugs = {
            parsed(lambda data, end=end: data["metadata"].update(product_name="a" * 100 + end)).slug for end in "xy"
        }  # type: ignore[misc]
        assert len(slugs) == 2


class TestVersions:
    @pytest.mark.parametrize(
        ("version", "said"),
        [
            ("1.0.0", "version: found 1.0.0; the known versions are 0.1 to 0.10; a newer floe-charts may know it"),
            ("0.0.9", "version: found 0.0.9; the known versions are 0.1 to 0.10"),
            ("0.10", "version: found '0.10'; expected a version such as 0.10.0"),
            ("0.10.0\n", "expected a version such as 0.10.0"),
            ("0.\u0661.0", "expected a version such as 0.10.0"),
            ("9" * 5000, "expected a version such as 0.10.0"),
            (0.1, "version: found 0.1; expected the contract's version"),
            (None, "version: found None; expected the contract's version"),
            ({}, "version: found an object; expected the contract's version"),
        ],
    )
    def test_that_are_refused(self, version: object, said: str) -> None:
        assert said in refusal(lambda data: data.update(version=version))

    def test_a_newer_major_is_all_that_is_said(self) -> None:
        assert "\n" not in refusal(lambda data: (data.clear(), data.update(version="2.3.4", new=1)))

    def test_without_one_it_is_the_contracts_default(self) -> None:
        assert parsed(lambda data: data.pop("version")).version == "0.10.0"

    def test_a_newer_minor_may_bring_fields_and_says_so_once(self) -> None:
        def change(data: dict[str, Any]) -> None:
            data.update(version="0.11.2", network={"policy": "strict"})
            data["plugins"]["telemetry_backend"] = None
            for model in data["transforms"]["models"]:
                model["owner"] = "me"

        artifacts = parsed(change)
        assert artifacts.unknown_fields == ("network", "plugins.telemetry_backend", "transforms.models[*].owner")
        assert artifacts.notices == (
            "x.json: contract version 0.11.2 is newer than 0.10, the newest known; passed over: "
            "network, plugins.telemetry_backend, transforms.models[*].owner",
        )

    def test_a_newer_minor_without_new_fields_says_that(self) -> None:
        artifacts = parsed(lambda data: data.update(version="0.42.0"))
        assert artifacts.notices[0].endswith("the newest known; it holds no unknown fields")

    @pytest.mark.parametrize(
        ("wrong", "right"), [("catlog", "catalog"), ("Storage", "storage"), ("lineage_backnd", "lineage_backend")]
    )
    def test_a_newer_minor_does_not_excuse_a_misspelt_plugin(self, wrong: str, right: str) -> None:
        def change(data: dict[str, Any]) -> None:
            data["version"] = "0.11.0"
            data["plugins"][wrong] = data["plugins"].pop(right)

        said = f"plugins.{wrong}: is not a field of the contract; did you mean plugins.{right}?"
        assert refusal(change) == said

    def test_a_newer_minor_may_bring_a_second_kind_of_a_plugin(self) -> None:
        def change(data: dict[str, Any]) -> None:
            data["version"] = "0.11.0"
            data["plugins"]["catalog_v2"] = data["plugins"]["catalog"]

        assert parsed(change).unknown_fields == ("plugins.catalog_v2",)


class TestUnknownFields:
    @pytest.mark.parametrize(
        ("path", "wrong", "right"),
        [
            ((), "metadta", "metadata"),
            (("plugins",), "catlog", "catalog"),
            (("plugins",), "orchestrater", "orchestrator"),
            (("plugins", "storage"), "configs", "config"),
            (("observability", "telemetry"), "otlpEndpoint", "otlp_endpoint"),
        ],
    )
    def test_a_misspelling_is_one_problem_with_its_correction(
        self, path: tuple[str, ...], wrong: str, right: str
    ) -> None:
        def change(data: dict[str, Any]) -> None:
            for key in path:
                data = data[key]
            data[wrong] = data.pop(right)

        where = ".".join([*path, ""])
        assert refusal(change) == f"{where}{wrong}: is not a field of the contract; did you mean {where}{right}?"

    def test_others_name_the_fields_that_exist(self) -> None:
        message = refusal(lambda data: data["transforms"]["models"][1].update(zzz=1))
        assert message == (
            "transforms.models[1].zzz: is not a field of the contract; "
            "expected name, compute, tags, depends_on, quality_checks, quality_tier"
        )

    def test_a_comment_is_allowed_at_the_top_only(self) -> None:
        assert parsed(lambda data: data.update({"$comment": ["any"]})).unknown_fields == ()
        assert "metadata.$comment" in refusal(lambda data: data["metadata"].update({"$comment": ""}))

    def test_free_form_parts_hold_anything(self) -> None:
        def change(data: dict[str, Any]) -> None:
            data["plugins"]["catalog"]["config"]["anything"] = {"at": ["all", None]}
            data["dbt_profiles"]["anything"] = 1
            data["data_contracts"] = [{"any": "thing"}]
            data["quality_config"] = {"any": "thing"}

        catalog = parsed(change).plugin("catalog")
        assert catalog is not None and catalog.config is not None
        assert catalog.config["anything"] == {"at": ["all", None]}


class TestWrongValues:
    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            (
                "metadata.product_name",
                "../../etc/passwd",
                "found '../../etc/passwd'; expected a name that begins with a letter",
            ),
            ("metadata.product_name", "a/b", "expected a name that begins with a letter"),
            ("metadata.product_name", "a\n", "expected a name that begins with a letter"),
            ("metadata.product_name", "", "found ''; expected text that is not empty"),
            ("metadata.product_name", "a" * 129, "expected at most 128 characters"),
            (
                "metadata.compiled_at",
                1700000000,
                'found 1700000000; expected a date and time such as "2026-01-15T12:00:00Z"',
            ),
            ("metadata.compiled_at", "yesterday", "found 'yesterday'; expected a date and time"),
            ("metadata.compiled_at", "2026-13-45T12:00:00", "expected a date and time"),
            ("metadata", [], "found an empty list; expected an object"),
            (
                "mode",
                "centralised",
                "found 'centralised'; expected one of simple, centralized, mesh; did you mean centralized?",
            ),
            ("mode", 3, "found 3; expected one of simple, centralized, mesh"),
            ("inheritance_chain", [1, 2, 3], "inheritance_chain[0]: found 1; expected an object"),
            ("observability.telemetry.enabled", "true", "found 'true'; expected true or false"),
            ("observability.telemetry.sampling.dev", 1.5, "found 1.5; expected a number of at most 1.0"),
            ("observability.telemetry.batch_processor.max_queue_size", 0, "found 0; expected a number of more than 0"),
            ("observability.telemetry.batch_processor.max_queue_size", True, "found true; expected an integer"),
            ("observability.telemetry.logging.log_level", "LOUD", "found 'LOUD'; expected DEBUG, INFO, WARNING"),
            ("plugins", "none", "plugins: found a string; expected an object"),
            ("plugins.compute", None, "plugins.compute: found null; expected an object"),
            ("plugins.compute.type", "../duckdb", "found '../duckdb'; expected a plugin's name"),
            ("plugins.compute.version", "1", "found '1'; expected a version such as 1.2.3"),
            ("transforms.models", [], "found an empty list; expected at least 1 item"),
            ("governance.snapshot_keep_last", 101, "found 101; expected a number of at most 100"),
            ("enforcement_result.error_count", -1, "found -1; expected a number of at least 0"),
        ],
    )
    def test_name_the_path_what_was_found_and_what_was_expected(self, path: str, value: object, said: str) -> None:
        message = refusal(lambda data: _set(data, path, value))
        assert message.startswith(path) and said in message and "\n" not in message

    def test_log_levels_are_of_any_case(self) -> None:
        parsed(lambda data: _set(data, "observability.telemetry.logging.log_level", "wArNiNg"))

    def test_five_problems_are_told_the_rest_is_counted(self) -> None:
        def change(data: dict[str, Any]) -> None:
            data["metadata"] = {"product_name": 1, "pruduct_version": "1"}
            data["mode"] = "x"
            data["identity"] = {}

        lines = refusal(change).split("\n")
        assert lines[0] == "9 problems"
        assert (
            lines[1]
            == "  metadata.pruduct_version: is not a field of the contract; did you mean metadata.product_version?"
        )
        assert lines[-1] == "  and 4 more"
        assert len(lines) == 7

    @pytest.mark.parametrize("data", [[], [EXAMPLE], "text", 3, None, True])
    def test_at_the_top(self, data: object) -> None:
        with pytest.raises(
            ArtifactError, match=r"^a\.json: found (a|an|null).*; expected an object with CompiledArtifacts$"
        ):
            CompiledArtifacts.parse(data, "a.json")

    def test_a_manifest_is_told_from_artifacts(self) -> None:
        with pytest.raises(
            ArtifactError, match=r"found a 'FloeSpec' manifest; .* compile it first: floe platform compile"
        ):
            CompiledArtifacts.parse(
                {"apiVersion": "floe.dev/v1", "kind": "FloeSpec", "metadata": {"name": "x"}}, "floe.yaml"
            )

    def test_an_object_full_of_unknown_fields_is_quick(self) -> None:
        assert "1000 problems" in refusal(lambda data: data.update({f"k{n}": n for n in range(200_000)}))

    def test_a_list_full_of_mistakes_is_one_problem(self) -> None:
        assert "\n" not in refusal(lambda data: data.update(inheritance_chain=[1] * 200_000))


class TestConfidentiality:
    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("plugins.catalog.config", "hunter2"),
            ("plugins.catalog.config", ["hunter2"]),
            ("plugins.catalog", "hunter2"),
            ("plugins", "hunter2"),
            ("dbt_profiles", "hunter2"),
            ("dbt_profiles", ["hunter2"]),
            ("observability.telemetry.authentication", "hunter2"),
            ("observability.telemetry.authentication", {"auth_type": "api_key", "api_key": ["hunter2"]}),
            ("observability.telemetry.authentication", {"auth_type": "api_key", "api_key": 1, "api_kye": "hunter2"}),
            ("observability.lineage_transport", "http://user:hunter2@host"),
            ("observability.telemetry", "https://hunter2@host"),
            ("mode", "Bearer hunter2"),
        ],
    )
    def test_values_that_may_be_credentials_are_not_in_messages(self, path: str, value: object) -> None:
        assert "hunter2" not in refusal(lambda data: _set(data, path, value))

    def test_nor_in_what_is_printed_of_a_model(self) -> None:
        def change(data: dict[str, Any]) -> None:
            data["plugins"]["storage"]["config"]["secret_access_key"] = "hunter2"
            data["dbt_profiles"]["password"] = "hunter2"
            data["observability"]["lineage_endpoint"] = "http://user:hunter2@host"
            data["observability"]["telemetry"]["authentication"] = {"auth_type": "bearer", "bearer_token": "hunter2"}

        artifacts = parsed(change)
        assert "hunter2" not in repr(artifacts) and "hunter2" not in str(artifacts)

    def test_nor_in_errors_of_the_class_itself(self) -> None:
        with pytest.raises(ValidationError) as caught:
            CompiledArtifacts.model_validate({"dbt_profiles": "hunter2"})
        assert "hunter2" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.sampled_from(sorted(EXAMPLE)), inner)
    ),
    max_leaves=15,
)


def _paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    keys: list[str | int] = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    return [path] + [found for key in keys for found in _paths(value[key], (*path, key))]  # type: ignore[index]


class TestAnyInput:
    @given(JSON | st.dictionaries(st.sampled_from(sorted(EXAMPLE)), JSON))
    def test_any_json_is_loaded_or_refused(self, data: object) -> None:
        _load_or_refuse(data)

    @given(
        st.sampled_from(_paths(EXAMPLE)[1:]),
        JSON,
        st.sampled_from(["replace", "remove", "rename"]),
        st.text(max_size=10),
    )
    def test_any_change_of_the_example_is_loaded_or_refused(
        self, path: tuple[str | int, ...], value: object, how: str, name: str
    ) -> None:
        data = holder = copy.deepcopy(EXAMPLE)
        for key in path[:-1]:
            holder = holder[key]  # type: ignore[index]
        last: Any = path[-1]
        if how == "replace":
            holder[last] = value
        elif how == "remove" or isinstance(holder, list):
            del holder[last]
        else:
            holder[name] = holder.pop(last)
        _load_or_refuse(data)


def _load_or_refuse(data: object) -> None:
    try:
        artifacts = CompiledArtifacts.parse(data, "f")
    except ArtifactError as error:
        assert isinstance(error, InputError) and str(error).startswith("f: ")
        assert str(error).replace("\n", "").isprintable()
        assert str(error).count("\n") <= 6
    else:
        assert artifacts.slug and not artifacts.notices


def test_importing_is_light() -> None:
    heavy = {"yaml", "jsonschema", "importlib.metadata"}
    command = [sys.executable, "-c", f"import sys, floe_charts.artifacts; print(sorted({heavy} & set(sys.modules)))"]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "[]\n"


def _set(data: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split(".")
    for key in parents:
        data = data[key]
    data[last] = value


def test_names_that_differ_only_in_case_or_punctuation_have_slugs_of_their_own() -> None:
    example = CompiledArtifacts.example().model_dump(mode="json")

    def named(name: str) -> CompiledArtifacts:
        return CompiledArtifacts.parse({**example, "metadata": {**example["metadata"], "product_name": name}}, name)

    names = ("orders-eu", "Orders_EU", "orders_eu", "billing", "Sales_US")
    slugs = {one.product_name: one.slug for one in distinct_slugs(map(named, names))}
    assert len(set(slugs.values())) == len(names)
    assert (slugs["billing"], slugs["Sales_US"]) == ("billing", "sales-us")
    # None depends on how many others there are.
    assert (
        slugs["Orders_EU"] == {one.product_name: one.slug for one in distinct_slugs(map(named, names[:2]))}["Orders_EU"]
    )
    assert re.fullmatch(r"orders-eu-[0-9a-f]{8}", slugs["Orders_EU"])


@pytest.mark.parametrize(("first", "second"), [("sales-eu", "Sales_EU"), ("Sales-EU", "sales_eu"), ("SALES", "sAles")])
def test_no_product_takes_over_the_slug_of_another(first: str, second: str) -> None:
    example = CompiledArtifacts.example().model_dump(mode="json")
    one, other = (
        CompiledArtifacts.parse({**example, "metadata": {**example["metadata"], "product_name": name}})
        for name in (first, second)
    )
    for products in ([one, other], [other, one]):
        slugs = {artifact.product_name: artifact.slug for artifact in distinct_slugs(products)}
        assert len({*slugs.values(), one.slug}) == 3
