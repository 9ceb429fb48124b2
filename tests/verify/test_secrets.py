"""Credentials in plain text: each rule, what is none, and where a literal is told."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from floe_charts.verify.findings import CheckResult
from floe_charts.verify.secrets import check_secrets
from tests.support import write_chart
from tests.verify.subjects import subject_of

# Put together here, so that no scanner takes this file for a leak.
AWS = "AKIA" + "QWERTYUIOPASDF12"
GITHUB = "ghp_" + "a1B2" * 9
SLACK = "xoxb-" + "123456789012-" + "abcdefghijkl"
STRIPE = "sk_live_" + "a1B2c3D4" * 3
JWT = ".".join(["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0In0", "c2lnbmF0dXJlLXNpZ25hdHVyZQ"])
KEY = "-----BEGIN RSA PRIVATE" + " KEY-----\n" + "MIIEowIBAAKCAQEA" * 4 + "\n-----END RSA PRIVATE KEY-----\n"
GOOD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          image: web:1
          args: ["--token-file=/etc/token", "--password", "$(DB_PASSWORD)", "--user=web"]
          env:
            - name: DB_PASSWORD
              valueFrom: {secretKeyRef: {name: db, key: password}}
            - {name: DB_URL, value: "postgres://web:$(DB_PASSWORD)@db:5432/web"}
            - {name: TOKEN_URL, value: "https://sso.example.com/token"}
"""


def checked(
    directory: Path,
    values: Mapping[str, object] | str = "",
    templates: Mapping[str, str] | None = None,
    cases: Mapping[str, Mapping[str, object]] | None = None,
) -> CheckResult:
    chart = write_chart(directory / "shop", {"web.yaml": GOOD} if templates is None else templates, values)
    return check_secrets(subject_of(chart, cases))


def config_map(data: Mapping[str, str]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data})


def pod(container: Mapping[str, object]) -> str:
    spec = {"containers": [{"name": "web", **container}]}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})


@pytest.mark.parametrize(
    ("rule", "path", "values"),
    [
        ("password-literal", "db.password", {"db": {"password": "hunter2hunter2"}}),
        ("password-literal", "db.password", {"db": {"password": "changeme"}}),
        ("password-literal", "db.password", {"db": {"password": "password"}}),
        ("password-literal", "db.password", {"db": {"password": 123456}}),
        ("password-literal", "db.password", {"db": {"password": "x"}}),
        ("password-literal", "apiKey", {"apiKey": "minio123"}),
        ("password-literal", "oauth.clientSecret", {"oauth": {"clientSecret": "abc-def"}}),
        ("password-literal", "s3.secretKey", {"s3": {"accessKeyId": "", "secretKey": "minio123"}}),
        ("password-literal", "auth.passwords[0]", {"auth": {"passwords": ["minio123"]}}),
        ("password-literal", "env[0].value", {"env": [{"name": "API_TOKEN", "value": "minio123"}]}),
        ("password-literal", "secret.password", {"secret": {"create": True, "name": "db", "password": "minio123"}}),
        ("password-literal", "dsn", {"dsn": "Host=db;Username=a;Password=minio123"}),
        ("password-literal", "config.db.password", {"config": "db:\n  password: minio123\n"}),
        ("password-literal", 'config["db.password"]', {"config": "[db]\nuser=a\ndb.password=minio123\n"}),
        ("password-literal", "cookie.secret", {"cookie": {"secret": "aB3" * 8}}),
        ("credentials-in-url", "url", {"url": "postgres://web:minio123@db:5432/web"}),
        ("known-token-format", "a", {"a": AWS}),
        ("known-token-format", "a", {"a": f"see {GITHUB}"}),
        ("known-token-format", "a", {"a": SLACK}),
        ("known-token-format", "a", {"a": STRIPE}),
        ("known-token-format", "a", {"a": JWT}),
        ("private-key", "tls.text", {"tls": {"text": KEY}}),
    ],
)
def test_credentials_in_values(rule: str, path: str, values: dict[str, object], tmp_path: Path) -> None:
    for where, defaults, cases in (("values.yaml", values, None), ("prod.yaml", {}, {"prod.yaml": values})):
        result = checked(tmp_path / where, defaults, cases=cases)
        assert [(one.rule, one.where, one.path) for one in result.findings] == [(rule, where, path)]
        assert not result.passed and result.findings[0].hint


@pytest.mark.parametrize(
    "values",
    [
        {"password": "", "token": None, "apiKey": "{{ .Values.global.apiKey }}", "secretName": "db"},
        {"existingSecret": "db", "passwordKey": "db-password", "existingSecretPasswordKey": "password"},
        {"passwordFile": "/etc/password", "tokenUrl": "https://a/token", "usePasswordFiles": True},
        {"secretKeyRef": {"name": "db", "key": "password"}, "auth": {"secretKeys": {"adminPasswordKey": "pw"}}},
        {"secret": {"name": "db", "username": "username", "password": "password"}, "imagePullSecrets": ["reg"]},
        {"data": [{"secretKey": "password", "remoteRef": {"key": "db", "property": "password"}}]},
        {"password": "$(DB_PASSWORD)", "token": "${TOKEN}", "apiKey": "<your key>", "clientSecret": "****"},
        {"auth": {"type": "basic"}, "authorization": "RBAC", "maxTokens": 4096, "tokenExpiration": "1h"},
        {"url": "http://user:$(PASSWORD)@db", "other": "https://example.com:8080/a@b", "ssh": "ssh://git@host/x"},
        {"credentials": {"DB_PASSWORD": ["job-a", "job-b"]}, "generatePassword": "yes"},
        {"script": "export PASSWORD=$(cat /etc/password)\nif [ -z $PASSWORD ]; then exit; fi\n"},
        {"token": "https://sso.example.com", "text": "-----BEGIN RSA PRIVATE" + " KEY-----\n...\n"},
    ],
)
def test_what_is_no_credential(values: dict[str, object], tmp_path: Path) -> None:
    result = checked(tmp_path, values)
    assert result.findings == ()
    assert result.figure == "1 set of values, 1 object, 1 template"


@pytest.mark.parametrize(
    ("rule", "template", "path"),
    [
        ("password-literal", config_map({"password": "minio123"}), "data.password"),
        ("password-literal", config_map({"a.yaml": "db: {password: minio123}\n\n# x"}), 'data["a.yaml"].db.password'),
        ("password-literal", config_map({"a.ini": "[x]\npassword = minio123\n"}), 'data["a.ini"].password'),
        ("credentials-in-url", config_map({"url": "amqp://a:minio123@mq"}), "data.url"),
        ("known-token-format", config_map({"x": AWS}), "data.x"),
        (
            "password-literal",
            pod({"env": [{"name": "PGPASSWORD", "value": "minio123"}]}),
            "spec.containers[0].env[0].value",
        ),
        ("password-literal", pod({"args": ["--password=minio123"]}), "spec.containers[0].args[0]"),
        ("password-literal", pod({"args": ["--password", "minio123"]}), "spec.containers[0].args[1]"),
        (
            "password-literal",
            pod({"command": ["sh", "-c", "PGPASSWORD=minio123 psql"]}),
            "spec.containers[0].command[2]",
        ),
        (
            "password-literal",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: minio123}",
            "stringData.password",
        ),
        (
            "password-literal",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
            f"data: {{password: {base64.b64encode(b'minio123').decode()}}}",
            "data.password",
        ),
        (
            "password-literal",
            "apiVersion: v1\nkind: Service\nmetadata: {name: s, annotations: {example.com/api-token: minio123}}",
            'metadata.annotations["example.com/api-token"]',
        ),
    ],
)
def test_credentials_in_templates(rule: str, template: str, path: str, tmp_path: Path) -> None:
    [finding] = checked(tmp_path, templates={"x.yaml": template}, cases={"a": {}}).findings
    assert (finding.rule, finding.where, finding.path) == (rule, "shop/templates/x.yaml", path)
    assert finding.cases == ("defaults", "a") and finding.object


def test_a_literal_is_told_once_where_it_is_set(tmp_path: Path) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {password: {{ .Values.db.password | b64enc }}}"
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {url: 'pg://u:{{ .Values.db.password }}@h'}"
    values = {"db": {"password": "hunter2hunter2"}}
    [finding] = checked(tmp_path, values, {"a.yaml": secret, "b.yaml": config}).findings
    assert (finding.where, finding.path) == ("values.yaml", "db.password")
    assert finding.message.endswith("it ends up in Secret s, ConfigMap c")
    assert "hu****" in finding.message and "hunter2" not in str(finding)


def test_a_value_of_a_harmless_name_that_becomes_a_password(tmp_path: Path) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: {{ .Values.db.word | quote }}}"
    [finding] = checked(tmp_path, {"db": {"word": "hunter2hunter2"}}, {"a.yaml": secret}).findings
    assert (finding.where, finding.path) == ("values.yaml", "db.word")


def test_values_of_a_subchart_count_where_they_are_rendered(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "shop", {"web.yaml": GOOD})
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: {{ .Values.password }}}"
    write_chart(chart / "charts" / "db", {"s.yaml": secret}, {"password": "changeme", "other": {"password": "idle"}})
    [finding] = check_secrets(subject_of(chart)).findings
    assert (finding.where, finding.path) == ("charts/db/values.yaml", "password")


def test_generated_passwords_are_no_literals(tmp_path: Path) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: {{ randAlphaNum 20 }}}"
    assert checked(tmp_path, templates={"s.yaml": secret}).passed


@pytest.mark.parametrize(
    "source",
    [
        "{{ if .Values.never }}\npassword: minio123\n{{ end }}",
        '{{ if .Values.never }}\npassword: {{ .Values.password | default "minio123" }}\n{{ end }}',
        '{{ if .Values.never }}\npassword: {{ default "minio123" .Values.db.password }}\n{{ end }}',
    ],
)
def test_sources_that_no_case_renders(source: str, tmp_path: Path) -> None:
    [finding] = checked(tmp_path, templates={"x.yaml": source}).findings
    assert (finding.rule, finding.where, finding.path) == ("password-literal", "shop/templates/x.yaml", "password")


def test_comments_are_searched_for_tokens_and_private_keys_only(tmp_path: Path) -> None:
    key = "".join(f"# {line}\n" for line in KEY.splitlines())
    result = checked(tmp_path, f"# password: minio123\n# {AWS}\n# AKIAIOSFODNN7EXAMPLE\n{key}a: 1\n")
    assert [(one.rule, one.where) for one in result.findings] == [
        ("known-token-format", "values.yaml"),
        ("private-key", "values.yaml"),
    ]
    assert checked(tmp_path / "b", "", {"x.yaml": f"{{{{/* {GITHUB} */}}}}"}).findings[0].rule == "known-token-format"


def test_a_credential_is_never_told_whole(tmp_path: Path) -> None:
    told = str(checked(tmp_path, {"a": {"password": "short"}, "b": {"token": GITHUB}, "c": KEY}).findings)
    assert "short" not in told and GITHUB[3:] not in told and "MIIEow" not in told


@pytest.mark.parametrize(
    "values",
    [
        {"password": {"a": None}, "token": [], "secret": [None, 1, {"x": [[]]}], "env": [{"name": 1, "value": "x"}]},
        {"args": [1, None, {"a": "b"}], "password": True, "apiKey": 1.5, "config": "a: [\npassword"},
        {"big": "password\n" * 100_000, "odd": "{{ \npassword: {{ x\n", "bytes": "\x07password=\x07"},
    ],
)
def test_awkward_shapes_do_not_crash(values: dict[str, object], tmp_path: Path) -> None:
    checked(tmp_path, values)


def test_awkward_objects_do_not_crash(tmp_path: Path) -> None:
    odd = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": ["x"], "stringData": None},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "b"},
            "data": {"password": 1, "token": "no base 64"},
        },
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "c"}, "data": {"key": "/////w=="}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"}, "data": {"password": None, "x": 1}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "e"}, "spec": {"containers": ["x"], "args": "y"}},
    ]
    text = "---\n".join(yaml.safe_dump(one) for one in odd)
    assert checked(tmp_path, templates={"x.yaml": text}).figure.startswith("1 set of values, 5 objects")
