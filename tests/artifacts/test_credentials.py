"""Credentials in artifacts: all are found, keys are stable, and nothing of a value is left when they are replaced."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe_charts.artifacts import CompiledArtifacts, Credential, find_credentials, public_text, replace_credentials
from floe_charts.artifacts.credentials import is_secret_name, is_secret_text, without_userinfo
from tests.artifacts.conftest import parsed

CANARY = "canary-secret-DO-NOT-EMIT"

SECRET_NAMES = """
    secret password PASSWORD dbPassword pgpassword passwd pwd db_pass passphrase token access_token refreshToken
    api_key apiKey APIKey api-key x-api-key apikey access_key access_key_id accessKeyId AWS_SECRET_ACCESS_KEY
    s3_secret_access_key credentials credential private_key private_key_passphrase private_key_pem secret_id
    connection_string connectionString sas_token sas dsn jwt authorization auth_header auth account_key
    client_secret clientsecret client_secret_1 password2 keyfile_json service_account_json signing_key
    secret_key_base session_cookie
"""
OTHER_NAMES = """
    token_url token_endpoint token_type token_refresh_seconds primary_key partition_key sort_key key keys cursor_field
    foreign_key unique_key secret_name secretName credential_vending_enabled credentials_path password_file
    private_key_path access_key_enabled monkey tokenizer compass bypass passthrough secretary author auth_type
    auth_method oauth2 client_id username user warehouse scope region bucket key_prefix primaryKey kms_key
"""


def found(config: object, kind: str = "storage") -> list[Credential]:
    """The credentials in a plugin's configuration."""

    def change(data: dict[str, Any]) -> None:
        for plugin in data["plugins"].values():
            if plugin:
                plugin["config"] = None
        data["plugins"][kind] = {"type": "x", "version": "1.0.0", "config": config}

    return find_credentials(parsed(change))


def keys(config: object) -> dict[str, str]:
    """Path below the configuration, and key."""
    return {credential.path.removeprefix("plugins.storage.config."): credential.key for credential in found(config)}


def profiles(outputs: dict[str, Any], profile: str = "shop") -> list[Credential]:
    artifacts = parsed(
        lambda data: data.update(plugins=None, dbt_profiles={profile: {"target": "dev", "outputs": outputs}})
    )
    return find_credentials(artifacts)


class TestRealArtifacts:
    def test_all_canaries_of_the_full_artifact(self, shared: Path) -> None:
        artifacts = CompiledArtifacts.load(shared / "full-featured.json")
        credentials = {credential.path: credential for credential in find_credentials(artifacts)}
        canaries = _paths_of(CANARY, json.loads((shared / "full-featured.json").read_text("utf-8")))
        assert len(canaries) == 10
        assert canaries <= set(credentials)
        assert {path: credential.key for path, credential in credentials.items() if "dbt" not in path} == {
            "observability.telemetry.authentication.api_key": "TELEMETRY_API_KEY",
            "plugins.compute.config.settings.s3_access_key_id": "FLOE_EXAMPLE_ACCESS_KEY_ID",
            "plugins.compute.config.settings.s3_secret_access_key": "COMPUTE_SETTINGS_S3_SECRET_ACCESS_KEY",
            "plugins.catalog.config.oauth2.client_id": "CATALOG_OAUTH2_CLIENT_ID",
            "plugins.catalog.config.oauth2.client_secret": "CATALOG_OAUTH2_CLIENT_SECRET",
            "plugins.storage.config.access_key_id": "STORAGE_ACCESS_KEY_ID",
            "plugins.storage.config.secret_access_key": "STORAGE_SECRET_ACCESS_KEY",
            "plugins.ingestion.config.sources[0].credentials": "INGESTION_SOURCES_EXAMPLE_API_CREDENTIALS",
            "plugins.semantic.config.api_secret": "SEMANTIC_API_SECRET",
            "plugins.lineage_backend.config.api_key": "LINEAGE_BACKEND_API_KEY",
        }
        dbt = {credential.key for path, credential in credentials.items() if path.startswith("dbt_profiles.")}
        assert dbt == {"FLOE_EXAMPLE_ACCESS_KEY_ID", "DBT_SETTINGS_S3_SECRET_ACCESS_KEY"}

    def test_no_canary_is_left_when_they_are_replaced(self, shared: Path) -> None:
        artifacts = CompiledArtifacts.load(shared / "full-featured.json")
        credentials = find_credentials(artifacts)
        written = artifacts.model_dump(mode="json", include={"observability", "plugins", "dbt_profiles"})
        replaced = replace_credentials(written, "", credentials, lambda credential: {"from": credential.key})
        text = json.dumps(replaced)
        assert CANARY not in text and CANARY in json.dumps(written)
        assert CANARY not in repr(credentials)

    @pytest.mark.parametrize("name", ["customer-360", "iot-telemetry", "financial-risk", "hello-orders"])
    def test_of_the_demo_are_the_catalogs(self, shared: Path, name: str) -> None:
        credentials = find_credentials(CompiledArtifacts.load(shared / f"{name}.json"))
        assert [(credential.key, credential.secret) for credential in credentials] == [
            ("CATALOG_OAUTH2_CLIENT_ID", False),
            ("CATALOG_OAUTH2_CLIENT_SECRET", True),
        ]

    def test_of_the_example(self) -> None:
        assert find_credentials(CompiledArtifacts.example()) == [
            Credential("plugins.catalog.config.oauth2.client_id", "CATALOG_OAUTH2_CLIENT_ID", None, secret=False),
            Credential(
                "plugins.catalog.config.oauth2.client_secret",
                "POLARIS_CLIENT_SECRET",
                "POLARIS_CLIENT_SECRET",
                secret=True,
            ),
        ]


class TestNames:
    @pytest.mark.parametrize("name", SECRET_NAMES.split())
    def test_of_secrets(self, name: str) -> None:
        assert is_secret_name(name)

    @pytest.mark.parametrize("name", OTHER_NAMES.split())
    def test_of_others(self, name: str) -> None:
        assert not is_secret_name(name)

    def test_need_a_value(self) -> None:
        config = {"password": "", "token": None, "api_key": [], "secret": {"a": None, "b": [""]}, "passwd": False}
        assert found(config) == []

    def test_numbers_are_credentials_where_a_password_is_meant(self) -> None:
        assert keys({"password": 12345, "max_tokens": 4096, "client": {"access_key": 1}}) == {
            "password": "STORAGE_PASSWORD"
        }

    def test_a_tree_under_a_secrets_name_is_one_credential(self) -> None:
        config = {"credentials": {"user": "a", "parts": ["b", {"c": "d"}]}}
        assert keys(config) == {"credentials": "STORAGE_CREDENTIALS"}

    def test_unless_it_only_names_variables(self) -> None:
        config = {"credentials": {"user": "{{ env_var('S3_USER') }}", "password": "{{ env_var('S3_PASSWORD') }}"}}
        assert keys(config) == {"credentials.user": "S3_USER", "credentials.password": "S3_PASSWORD"}

    def test_or_is_a_group_of_settings(self) -> None:
        assert keys({"auth": {"type": "basic", "user": "me", "password": "x"}}) == {
            "auth.password": "STORAGE_AUTH_PASSWORD"
        }

    def test_may_stand_beside_the_value(self) -> None:
        config = {"headers": [{"name": "X-Api-Key", "value": "abc"}, {"name": "Accept", "value": "text/plain"}]}
        assert keys(config) == {"headers[0].value": "STORAGE_HEADERS_X_API_KEY_VALUE"}

    def test_a_clients_id_comes_with_its_secret_only(self) -> None:
        assert keys({"client_id": "me"}) == {}
        assert keys({"clientId": "me", "clientSecret": ""}) == {}
        assert [credential.secret for credential in found({"clientId": "me", "clientSecret": "x"})] == [False, True]


class TestValues:
    SECRET_TEXTS = (
        "**********",
        "https://user:pass@example.com/path",
        "https://ghp-token@github.com/org/repo",
        "postgresql://u:p@db:5432/x",
        "redis://:p@cache:6379",
        "postgresql://u:pa/ss@db/x",
        "jdbc:postgresql://db/x?user=u&password=p",
        "https://account.blob.core.windows.net/c?sv=1&sig=abc",
        "Server=db;User Id=u;Password=p;",
        "host=db password=p",
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abc==",
        "AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN RSA PRIVATE KEY-----\nabc",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc",
        "Bearer abcdef",
        "authorization=Bearer abc",
        "ghp_" + "a" * 36,
        "https://hooks.slack.com/services/T0/B0/abc",
    )
    PUBLIC_TEXTS = (
        "",
        "hello",
        "http://floe-platform-polaris:8181/api/catalog",
        "https://example.com:8443/a@b?page=2&sort=name",
        "http://[::1]:8080/x@y",
        "s3://bucket/path",
        "ssh://git@github.com/org/repo",
        "abfss://container@account.dfs.core.windows.net/path",
        "postgresql://user@db/x",
        "{{ env_var('X') }}",
        "PRINCIPAL_ROLE:ALL",
        "0 6 * * *",
        "*/10 * * * *",
        "2GB",
        "me@example.com",
    )

    @pytest.mark.parametrize("text", SECRET_TEXTS)
    def test_that_are_credentials_under_any_name(self, text: str) -> None:
        assert is_secret_text(text)
        assert keys({"anything": text}) == {"anything": "STORAGE_ANYTHING"}
        assert public_text(text) != text

    @pytest.mark.parametrize("text", PUBLIC_TEXTS)
    def test_that_are_none(self, text: str) -> None:
        assert not is_secret_text(text)
        assert public_text(text) == text

    @pytest.mark.parametrize(
        ("text", "path", "public"),
        [
            ("https://user:pass@example.com:8443/a?b=c", "", "https://example.com:8443/a?b=c"),
            ("https://example.com/a?token=x&b=c&sig=y#d", "", "https://example.com/a?b=c#d"),
            ("https://example.com/a?token=x", "", "https://example.com/a"),
            ("http://user:pa/ss@example.com/a", "", "http://example.com/a"),
            ("http://user:{{ env_var('P', 'x y') }}@example.com/a", "", "http://example.com/a"),
            ("see https://u:p@a.b and https://u:p@c.d", "", "see https://a.b and https://c.d"),
            ("**********", "", ""),
            ("plain", "plugins.catalog.config.api_key", ""),
            ("plain", "plugins.catalog.config.tokens[0]", ""),
            ("plain", 'plugins.catalog.config["x.api_key"]', ""),
            ("plain", "plugins.catalog.config.token_url", "plain"),
        ],
    )
    def test_public_text(self, text: str, path: str, public: str) -> None:
        assert public_text(text, path) == public

    @given(
        st.sampled_from(["http", "https", "postgresql", "redis", "grpc"]),
        st.from_regex(r"[a-z0-9._~%-]{0,8}", fullmatch=True),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12),
        st.sampled_from(["db", "db:5432", "db.example.com", "127.0.0.1:80", "[::1]:80"]),
    )
    def test_a_password_in_a_url_is_never_left(self, scheme: str, user: str, password: str, host: str) -> None:
        password = "p" + password.replace("@", "") + "Zq9"  # not a port, and to be told from the rest
        bare = without_userinfo(f"{scheme}://{user}:{password}@{host}/x")
        assert bare == f"{scheme}://{host}/x"

    def test_hostile_texts_do_not_take_long(self) -> None:
        started = time.perf_counter()
        parts = (
            "a.",
            "eyJ-",
            "eyJa.",
            "://",
            "a://b:",
            "?&;",
            "a=b&",
            "{{",
            "env_var(",
            "password ",
            "x://@",
            "=?",
            "gh",
            "[",
            "*",
        )
        for part in parts:
            text = part * (60_000 // len(part))
            for whole in (text, f"http://u:p@h/?{text}", f"{text}://x:y@z?a=b"):
                is_secret_text(whole)
                public_text(whole)
        assert time.perf_counter() - started < 15  # a guard against quadratic behaviour, not a measurement


class TestVariables:
    @pytest.mark.parametrize(
        "text",
        [
            "{{ env_var('POLARIS_SECRET') }}",
            '{{env_var("POLARIS_SECRET")}}',
            "{{ env_var('POLARIS_SECRET', 'default') }}",
            "{{ env_var('POLARIS_SECRET') | as_native }}",
        ],
    )
    def test_give_the_key_their_name(self, text: str) -> None:
        assert found({"client": {"secret": text}}) == [
            Credential("plugins.storage.config.client.secret", "POLARIS_SECRET", "POLARIS_SECRET")
        ]

    def test_are_needed_also_where_they_are_not_secret(self) -> None:
        assert [(found.key, found.secret) for found in found({"path": "{{ env_var('DATA_DIR') }}/x"})] == [
            ("DATA_DIR", False)
        ]
        assert found({"path": "{{ env_var('DATA_DIR', '/tmp') }}/x"}) == []
        assert [found.secret for found in found({"path": "{{ env_var('DB_PASSWORD', '') }}"})] == [True]

    def test_in_a_url_are_the_credential(self) -> None:
        config = {"url": "postgresql://{{ env_var('PGUSER') }}:{{ env_var('PGPASS', 'x') }}@db/x"}
        assert [(found.key, found.secret) for found in found(config)] == [("PGUSER", True), ("PGPASS", True)]

    def test_of_one_name_are_one_key(self) -> None:
        config = {"a": {"token": "{{ env_var('T') }}"}, "b": {"token": "{{ env_var('T') }}"}}
        assert keys(config) == {"a.token": "T", "b.token": "T"}

    def test_keep_their_names_from_other_credentials(self) -> None:
        config = {"token": "plain", "other": {"token": "{{ env_var('STORAGE_TOKEN') }}"}}
        assert keys(config) == {"token": "STORAGE_TOKEN_2", "other.token": "STORAGE_TOKEN"}


class TestTelemetry:
    @pytest.mark.parametrize(("auth_type", "field"), [("api_key", "api_key"), ("bearer", "bearer_token")])
    def test_needs_the_credential_of_its_kind(self, auth_type: str, field: str) -> None:
        given = {"auth_type": auth_type, "api_key": "**********", "bearer_token": "**********"}
        artifacts = parsed(
            lambda data: (data.update(plugins=None), data["observability"]["telemetry"].update(authentication=given))
        )
        assert find_credentials(artifacts) == [
            Credential(f"observability.telemetry.authentication.{field}", f"TELEMETRY_{field.upper()}")
        ]

    def test_also_where_it_was_not_written(self) -> None:
        artifacts = parsed(
            lambda data: (
                data.update(plugins=None),
                data["observability"]["telemetry"].update(authentication={"auth_type": "bearer"}),
            )
        )
        assert [credential.key for credential in find_credentials(artifacts)] == ["TELEMETRY_BEARER_TOKEN"]

    def test_endpoints_may_carry_one(self) -> None:
        def change(data: dict[str, Any]) -> None:
            data["plugins"] = None
            data["observability"]["lineage_endpoint"] = "https://u:p@lineage.example.com"
            data["observability"]["telemetry"]["otlp_endpoint"] = "https://otlp.example.com?token=x"

        assert [credential.key for credential in find_credentials(parsed(change))] == [
            "TELEMETRY_OTLP_ENDPOINT",
            "LINEAGE_ENDPOINT",
        ]


class TestDbt:
    def test_outputs_with_equal_values_share_a_key(self) -> None:
        assert {found.key for found in profiles({"dev": {"password": "a"}, "prod": {"password": "a"}})} == {
            "DBT_PASSWORD"
        }

    def test_outputs_with_different_values_do_not(self) -> None:
        outputs = {"dev": {"password": "a"}, "prod": {"password": "b"}}
        assert [found.key for found in profiles(outputs)] == ["DBT_DEV_PASSWORD", "DBT_PROD_PASSWORD"]

    def test_masks_may_hide_different_values(self) -> None:
        outputs = {"dev": {"password": "****"}, "prod": {"password": "****"}}
        assert [found.key for found in profiles(outputs)] == ["DBT_DEV_PASSWORD", "DBT_PROD_PASSWORD"]

    def test_profiles_with_different_values_are_named(self) -> None:
        both = {name: {"outputs": {"dev": {"password": name}}} for name in ("a", "b")}
        artifacts = parsed(lambda data: data.update(plugins=None, dbt_profiles=both))
        assert [found.key for found in find_credentials(artifacts)] == ["DBT_A_DEV_PASSWORD", "DBT_B_DEV_PASSWORD"]


class TestKeys:
    def test_list_items_are_named_else_counted(self) -> None:
        config = {"sources": [{"name": "Orders API", "token": "a"}, {"token": "b"}]}
        assert keys(config) == {
            "sources[0].token": "STORAGE_SOURCES_ORDERS_API_TOKEN",
            "sources[1].token": "STORAGE_SOURCES_1_TOKEN",
        }

    def test_names_that_become_one_are_kept_apart(self) -> None:
        config = {"a-b": {"token": "x"}, "a_b": {"token": "y"}, "a.b": {"token": "z"}}
        assert list(keys(config).values()) == ["STORAGE_A_B_TOKEN", "STORAGE_A_B_TOKEN_2", "STORAGE_A_B_TOKEN_3"]


NAMES = st.sampled_from(
    ["a", "a-b", "a_b", "Ab", "\u043f\u0430\u0440", "name", "value", "x" * 300, "password_file"]
) | st.text(max_size=6)
CONFIGS = st.dictionaries(
    NAMES,
    st.recursive(
        st.dictionaries(st.sampled_from(["password", "api_key", "clientSecret", "dsn"]), st.just(CANARY), max_size=2)
        | st.just(f"https://me:{CANARY}@example.com")
        | st.just(f"Password={CANARY}")
        | st.just("{{ env_var('SOME_TOKEN', '" + CANARY + "') }}")
        | st.just("harmless"),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=12,
    ),
    max_size=4,
)


@given(CONFIGS)
def test_whatever_the_configuration_nothing_is_left_and_keys_are_keys(config: dict[str, Any]) -> None:
    credentials = found(config)
    text = json.dumps(
        replace_credentials(config, "plugins.storage.config", credentials, lambda credential: credential.key)
    )
    assert CANARY not in text
    for credential in credentials:
        assert re.fullmatch("[A-Z][A-Z0-9_]*", credential.key) and len(credential.key) <= 253
    plain = [credential.key for credential in credentials if credential.env_var is None]
    assert len(plain) == len(set(plain))
    assert found(config) == credentials


def _paths_of(wanted: str, value: object, path: str = "") -> set[str]:
    if isinstance(value, dict):
        return set().union(*(_paths_of(wanted, item, f"{path}.{key}".lstrip(".")) for key, item in value.items()))
    if isinstance(value, list):
        return set().union(*(_paths_of(wanted, item, f"{path}[{index}]") for index, item in enumerate(value)))
    return {path} if value == wanted else set()
