"""Which texts are credentials: by what they look like, or by the name that they go by.

Own rules, because scanners of source code read lines: in YAML a credential is told from a reference by its place
(``existingSecret: db``, ``passwordKey: admin``). What a name says about its value is
:func:`floe_charts.artifacts.credentials.is_secret_name`'s matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from floe_charts.artifacts.credentials import is_secret_name
from floe_charts.verify.kube_yaml import YamlFault, read_documents
from floe_charts.verify.values import Path

__all__ = ["SecretLiteral", "find_in_lines", "find_in_source", "find_in_text", "find_literals", "mask"]

LONGEST = 256 * 1024
"""Texts longer than this are read up to here only."""


class SecretLiteral(NamedTuple):
    """A credential in a tree: the rule that it breaks, its place, the text of the credential itself, what it is."""

    rule: str
    path: Path
    text: str
    what: str


def mask(text: str) -> str:
    """What may be told of a credential: two characters of it, where it is long enough for that to tell little."""
    return f"{text[:2]}****" if len(text) >= 8 and text[:2].isprintable() else "****"


# -- by the look -------------------------------------------------------------------------------------------------------

# The formats that their makers document; each has a prefix or a shape that nothing else has.
_FORMATS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (what, re.compile(rf"(?<![A-Za-z0-9_]){pattern}"))
    for what, pattern in (
        ("an AWS access key id", r"(?:AKIA|ASIA|ABIA|ACCA)(?![0-9A-Z]*EXAMPLE)[0-9A-Z]{16}(?![0-9A-Za-z])"),
        ("a GitHub token", r"(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40})"),
        ("a GitLab token", r"(?:glpat|gldt|glft|glsoat|glrt|glcbt)-[\w-]{20}"),
        ("a Slack token", r"xox[abeoprs]-(?:[0-9]+-)+[A-Za-z0-9]{8}"),
        ("a Slack webhook", r"https://hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{16,}"),
        ("a Stripe key", r"[rs]k_(?:live|test)_[A-Za-z0-9]{24}"),
        ("a Google API key", r"AIza[\w-]{35}"),
        ("a JSON web token", r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}"),
        ("an npm token", r"npm_[A-Za-z0-9]{36}"),
        ("a PyPI token", r"pypi-Ag[\w-]{70}"),
        ("a SendGrid key", r"SG\.[\w-]{22}\.[\w-]{43}"),
        ("a Databricks token", r"dapi[0-9a-f]{32}"),
        ("a Vault token", r"hv[sb]\.[\w-]{24}"),
        ("an OpenAI key", r"sk-[\w-]*[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
        ("an Anthropic key", r"sk-ant-[\w-]{32}"),
        ("an Azure storage key", r"AccountKey=[A-Za-z0-9+/]{86}=="),
    )
)
# One test for all of them, because most texts hold none.
_HINTS = re.compile(
    r"AKIA|ASIA|ABIA|ACCA|gh[pousr]_|github_pat_|gl(?:pat|dt|ft|soat|rt|cbt)-|xox[abeoprs]-|hooks\.slack|[rs]k_(?:live|test)"
    r"|AIza|eyJ|npm_|pypi-|SG\.|dapi|hv[sb]\.|sk-|AccountKey=|PRIVATE KEY"
)
# A header alone (in a test for it, in a comment's example) is no key.
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n|#)+(?:[\w-]+: .*(?:\s|#)+)*"
    r"(?P<key>[A-Za-z0-9+/=]{32,})"
)
_URL = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s:/?#@\"'`]*:(?P<password>[^\s/?#@\"'`]+)@[\w\[$({-]")


def find_in_text(text: str, path: Path = ()) -> Iterator[SecretLiteral]:
    """What is a credential by its look, whatever its name: a known token, a private key, a URL with a password."""
    text = text[:LONGEST]
    yield from find_in_lines(text, path)
    if "://" in text and "@" in text:
        for match in _URL.finditer(text):
            if _is_literal(match["password"]):
                yield SecretLiteral("credentials-in-url", path, match["password"], "a URL with a password")


def find_in_lines(text: str, path: Path = ()) -> Iterator[SecretLiteral]:
    """The known tokens and private keys in a text, comments included."""
    if not _HINTS.search(text):
        return
    for what, pattern in _FORMATS:
        for match in pattern.finditer(text):
            yield SecretLiteral("known-token-format", path, match[0], what)
    for match in _PRIVATE_KEY.finditer(text):
        yield SecretLiteral("private-key", path, match["key"], "a private key")


# -- by the name -------------------------------------------------------------------------------------------------------

# What names a Secret or a key in it, a place or a setting, although it sounds like a credential.
_REFERENCE = re.compile(
    r"(?:^|_)existing_"
    r"|_(?:ref|refs|reference|selector|headers?|mounts?|volumes?|class|ids?|issuer|realm|claim|labels?|annotations|env|var"
    r"|size|max|min|service|server|review|reviewer|hash|algo|encryption|changed|update|templates?|regex|pattern|requests?"
    r"|roles?|groups?|user|user_name|username|resources?|property|generation|duration|lifespan)$"
    r"|(?:^|_)(?:passwords?|credentials?|tls|pull|cert|certificate|ca|ssl|config|env|extra|image_pull|auth)_secrets?$"
    r"|(?:password|passwd|user|username|token|secret|cert|certificate|tls|ca)_(?:secret_)?key$"
    r"|(?:^|_)passwords?_(?:\w+_)?key$|(?:^|_)secret_keys?_(?:\w+_)?key$|(?:^|_)secrets$"
    r"|(?:^|_)(?:from|use|is|has|no|allow|disable|enable|skip)_|^(?:generate|create|rotate|automount)_"
)
# Where the name alone says too little: `auth: basic`, `secret: name-of-a-secret`, `credentials: my-creds`.
_VAGUE = re.compile(
    r"(?:^|_)(?:auth|authori[sz]ation|auth_header|secret|credentials?|cookies?|session_key|connection_string|key_id|pass)$"
)
_STRONG_SECRET = re.compile(
    r"(?:client|app|application|consumer|cookie|oidc|oauth2?|session|shared|jwt|signing|webhook)_secret$"
)
# Kubernetes' references; what stands below them names things.
_SOURCES = frozenset(
    {
        *("valueFrom", "secretKeyRef", "configMapKeyRef", "secretRef", "configMapRef", "fieldRef", "resourceFieldRef"),
        *("fileKeyRef", "serviceAccountToken", "labels", "matchLabels", "selector", "openAPIV3Schema"),
    }
)
_NUMERIC = re.compile(r"(?:^|_)(?:password|passwd|pwd|passphrase|secret|token)[0-9]*$")
_PLACEHOLDER = re.compile(
    r"^P[0-9T][0-9DHMSWYT.]*$|^[0-9]+(?:ms|[smhd])$|\{\{|\$[({]"
    r"|^[<\[].*[>\]]$|^%[({\w]|^[*•.xX]{3,}$|^/|^\.{1,2}/|^(?:file|vault|ref\+\w+|env|secret|awssm|gcpsm|https?):"
    r"|^ENC\[|^\$|^(?:os\.|process\.|getenv)|^@|^`|[()]"
    r"|^(?:true|false|null|none|nil|yes|no|on|off|default|disabled|enabled|required|optional|auto|undefined|keep"
    r"|drop|redact(?:ed)?)$",
    re.IGNORECASE,
)
# A credential in a text that is no YAML: `db.password = x`, `export PGPASSWORD='x'`, `password: "x"`.
_ASSIGNMENT = re.compile(
    r"^[ \t]*(?:export[ \t]+|set[ \t]+|[-*][ \t]+)?[\"']?(?P<name>[A-Za-z][\w.-]{1,80})[\"']?[ \t]*[=:][ \t]*"
    r"(?P<quote>[\"']?)(?P<value>[^\s\"'#;,]{3,200})(?P=quote)[ \t]*[;,]?[ \t]*$",
    re.MULTILINE,
)
_ARGUMENT = re.compile(
    r"(?:^|[\s;])(?:--?(?P<flag>[A-Za-z][\w.-]+)(?:=|[ \t]+)|(?P<name>[A-Za-z_]\w+)=)"
    r"(?P<quote>[\"']?)(?P<value>[^\s\"';|&]+)(?P=quote)"
)
_CONNECTION = re.compile(
    r"(?:^|[;,?&\s])(?:password|passwd|pwd|accountkey|sharedaccesskey)\s*=\s*[\"']?(?P<value>[^\s;&\"',]{3,})",
    re.IGNORECASE,
)
_MIGHT_NAME = re.compile(r"pass|secret|token|pwd|key|credential|auth|dsn|conn", re.IGNORECASE)


def _normal(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[-./\s]", "_", name).lower()


def _may_be_number(name: str) -> bool:
    """Whether a number under this name is a credential: ``password: 12345`` is, ``maxTokens: 4096`` is not."""
    return _sort_of(name) == "credential" and bool(_NUMERIC.search(_normal(name)))


@lru_cache(maxsize=8192)
def _sort_of(name: str) -> str:
    """Of a name: ``credential``, ``vague`` (it may name a Secret), or empty."""
    if not is_secret_name(name):
        return ""
    normal = _normal(name)
    if _REFERENCE.search(normal):
        return ""
    return "vague" if _VAGUE.search(normal) and not _STRONG_SECRET.search(normal) else "credential"


def _is_literal(text: str) -> bool:
    text = text.strip()
    return bool(text) and not _PLACEHOLDER.search(text) and len(text.split()) < 4 and len(text) <= 4096


def _is_credential(name: str, text: str) -> bool:
    sort = _sort_of(name)
    if sort == "vague":
        # Letters and digits mixed, as nobody names a Secret; or an HTTP header's value.
        return _is_literal(text) and (bool(re.match(r"(?:Bearer|Basic) \S{8}", text)) or _is_random(text))
    return sort == "credential" and _is_literal(text)


def _is_random(text: str) -> bool:
    kinds = sum(bool(re.search(kind, text)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return kinds == 3 and bool(re.fullmatch(r"[A-Za-z0-9+/=_!@#%^&*.~-]{12,}", text))


def find_literals(node: object, path: Path = (), name: str = "") -> Iterator[SecretLiteral]:
    """The credentials in a tree of values, or of a Kubernetes object, that stand in it in plain text.

    ``name`` is what ``node`` itself goes by. A text that is a document (YAML, JSON, properties) is looked into.
    """
    if isinstance(node, Mapping):
        yield from _in_map(node, path)
    elif isinstance(node, list):
        if path and path[-1] in ("args", "command", "commands", "cmd"):
            yield from _in_arguments(node, path)
            return
        for index, item in enumerate(node):
            # passwords: [...]; but POLARIS_CLIENT_SECRET: [job-a] says who gets it.
            below = name if isinstance(item, str) and name.lower().endswith("s") else ""
            yield from find_literals(item, (*path, index), below)
    elif isinstance(node, str):
        yield from _in_string(node, path, name)
    elif isinstance(node, int | float) and not isinstance(node, bool) and _may_be_number(name):
        yield SecretLiteral("password-literal", path, str(node), name)


def _in_map(node: Mapping[str, object], path: Path) -> Iterator[SecretLiteral]:
    label = node.get("name", node.get("key"))
    names_keys = _names_keys(node, path)
    has_access_key = any(_normal(str(key)).startswith("access_key") for key in node)
    for key, value in node.items():
        if key in _SOURCES:
            continue
        # {name: API_TOKEN, value: ...}: the name stands beside the value.
        name = label if key == "value" and isinstance(label, str) else str(key)
        if has_access_key and _normal(name) == "secret_key":
            # S3's pair; alone, secretKey is the key in a Secret.
            name = "secretAccessKey"
        for found in find_literals(value, (*path, str(key)), name):
            if found.rule != "password-literal" or not names_keys:
                # The finding shows the key as it stands there.
                yield found._replace(what=str(key)) if found.what == "secretAccessKey" else found


def _names_keys(node: Mapping[str, object], path: Path) -> bool:
    """Whether a map tells a Secret and the keys in it: ``secret: {name: db, password: password-key}``."""
    called = str(path[-1]).lower() if path else ""
    if called.endswith(("secretkeys", "remoteref", "secretref")):
        return True
    makes = any(key in node for key in ("create", "stringData", "data"))
    return "secret" in called and not makes and any(key in node for key in ("name", "secretName", "existingSecret"))


def _in_string(text: str, path: Path, name: str) -> Iterator[SecretLiteral]:
    if len(text) < 3:
        if _is_credential(name, text):
            yield SecretLiteral("password-literal", path, text, name)
        return
    found = list(find_in_text(text, path))
    yield from found
    if found:
        return
    if "\n" in text.strip():
        yield from _in_document(text, path)
    elif _is_credential(name, text):
        yield SecretLiteral("password-literal", path, text, name)
    elif "=" in text:
        for match in _CONNECTION.finditer(text):
            if _is_literal(match["value"]):
                yield SecretLiteral("password-literal", path, match["value"], "a connection string")


def _in_document(text: str, path: Path) -> Iterator[SecretLiteral]:
    if len(text) > LONGEST or not _MIGHT_NAME.search(text):
        return
    trees: tuple[object, ...] = ()
    if "{{" not in text:
        try:
            trees = tuple(tree for tree in read_documents(text) if isinstance(tree, Mapping | list))
        except YamlFault:
            trees = ()
    for tree in trees:
        yield from find_literals(tree, path)
    for match in () if trees else _ASSIGNMENT.finditer(text):
        if _is_credential(match["name"], match["value"]):
            yield SecretLiteral("password-literal", (*path, match["name"]), match["value"], match["name"])


def _in_arguments(arguments: list[object], path: Path) -> Iterator[SecretLiteral]:
    previous = ""
    for index, argument in enumerate(arguments):
        if isinstance(argument, str):
            yield from _in_argument(argument, previous, (*path, index))
            previous = argument.lstrip("-") if re.fullmatch(r"--?[A-Za-z][\w.-]+", argument) else ""
        else:
            yield from find_literals(argument, (*path, index))


def _in_argument(argument: str, previous: str, path: Path) -> Iterator[SecretLiteral]:
    found = list(find_in_text(argument, path))
    yield from found
    if found:
        return
    if previous and not argument.startswith("-") and _is_credential(previous, argument):
        yield SecretLiteral("password-literal", path, argument, previous)
    for match in _ARGUMENT.finditer(argument[:LONGEST]):
        name = match["flag"] or match["name"]
        if _is_credential(name, match["value"]):
            yield SecretLiteral("password-literal", path, match["value"], name)


# -- a template's source -----------------------------------------------------------------------------------------------

_SOURCE_LINE = re.compile(
    r"^[ \t]*(?:- +)?[\"']?(?P<name>[A-Za-z][\w.-]{1,80})[\"']?:[ \t]+"
    r"(?:\"(?P<double>[^\"{\n]+)\"|'(?P<single>[^'{\n]+)'|(?P<plain>[^\s{#\"'|>&*!\[][^\s{#]*))[ \t]*(?:#.*)?$",
    re.MULTILINE,
)
# .Values.db.password | default "x"; default "x" .Values.db.password
_DEFAULT_AFTER = re.compile(r"\.(?P<name>[A-Za-z]\w*)\s*\|\s*default\s+(?P<quote>[\"`])(?P<value>[^\"`{}]+)(?P=quote)")
_DEFAULT_BEFORE = re.compile(
    r"\bdefault\s+(?P<quote>[\"`])(?P<value>[^\"`{}]+)(?P=quote)\s+\$?(?:\.\w+)*\.(?P<name>\w+)"
)


def find_in_source(text: str) -> Iterator[SecretLiteral]:
    """The password literals that a template's source names: ``password: abc``, ``.Values.password | default "abc"``.

    So what no case renders is seen too. The path is the name that the literal goes by.
    """
    for match in _SOURCE_LINE.finditer(text):
        value = match["double"] or match["single"] or match["plain"]
        if _is_credential(match["name"], value):
            yield SecretLiteral("password-literal", (match["name"],), value, match["name"])
    for pattern in (_DEFAULT_AFTER, _DEFAULT_BEFORE):
        for match in pattern.finditer(text) if "default" in text else ():
            if _is_credential(match["name"], match["value"]):
                yield SecretLiteral("password-literal", (match["name"],), match["value"], match["name"])
