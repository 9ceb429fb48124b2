"""Credentials inside artifacts: where they are, and the Secret key that each becomes.

Plugin configuration and dbt profiles are free-form and carry plaintext credentials. Nothing says which fields these
are, so that names and values decide; in doubt it is a credential, because a leak is worse than a key too many. A
:class:`Credential` never holds the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass

from ..documents import child_path
from ._keys import Finding, secret_keys
from .model import PLUGIN_KINDS, CompiledArtifacts

__all__ = [
    "Credential",
    "env_vars",
    "find_credentials",
    "is_secret_name",
    "is_secret_text",
    "public_text",
    "replace_credentials",
    "without_defaults",
    "without_placeholders",
    "without_userinfo",
]


@dataclass(frozen=True, slots=True)
class Credential:
    """A value that belongs in a Secret.

    ``path`` is its place in the artifacts, ``key`` the Secret key (in the style of an environment variable),
    ``env_var`` the variable that the artifacts name for it, if they do. ``secret`` is False for what is not
    confidential in itself but comes from the same Secret, such as a client's id or a plain environment variable.
    """

    path: str
    key: str
    env_var: str | None = None
    secret: bool = True


# -- names -------------------------------------------------------------------------------------------------------------

# Runs of capitals, capitalised words, digits that belong to the word before: clientSecret, APIKey, s3_access_key.
_WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")
_SECRET_NAME = re.compile(
    r"(?:secret|password|passwd|passphrase|token|credential|authori[sz]ation|connection_?string|connstr|conn_str"
    r"|(?:api|access|secret|private|account|shared|storage|encryption|signing|master|ssh|service|subscription|auth|deploy"
    r"|fernet|hmac|consumer|app|application|session|license)_?key(?:_?id)?)s?[0-9]*(?=_|$)"
    r"|(?:^|_)(?:sas|jwt|pwd|cookies?)(?=_|$)"
    r"|(?:^|_)(?:pass|pat|dsn|auth|auth_header|key_?file_json|service_account_(?:json|info))$"
)
# What such a name ends with where the value is no secret: token_url, secret_name, credential_vending_enabled.
_PUBLIC_SUFFIX = re.compile(
    r"_(?:url|uri|endpoint|host|type|kind|name|names|ref|refs|file|path|dir|directory|enabled|required|seconds|minutes|hours"
    r"|days|millis|ms|ttl|timeout|expiry|expiration|lifetime|margin|interval|provider|backend|manager|store|vending|policy"
    r"|length|count|limit|method|mode|scope|scopes|audience|issuer|field|column|columns|prefix|format|algorithm|rotation"
    r"|strategy|namespace|version|source|arn)$"
)
# A number is a credential under these only: `max_tokens: 4096` is none.
_NUMERIC_SECRET = re.compile(r"(?:^|_)(?:secret|password|passwd|pwd|pass|passphrase|token)[0-9]*$")
# An object under these is a group of settings, not one credential.
_GROUP_NAME = re.compile(r"(?:^|_)(?:auth|authori[sz]ation)$")


def _normal(name: str) -> str:
    return "_".join(_WORD.findall(name[-200:])).lower()


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a credential: ``clientSecret``, ``api_key``; not ``token_url``, ``sort_key``.

    >>> is_secret_name("s3_secret_access_key"), is_secret_name("credential_vending_enabled")
    (True, False)
    """
    normal = _normal(name)
    return bool(_SECRET_NAME.search(normal)) and not _PUBLIC_SUFFIX.search(normal)


# -- values ------------------------------------------------------------------------------------------------------------

_MASKED = re.compile(r"[*•]{3,}|[<\[](?:redacted|masked|hidden|secret)[>\]]", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"  # AWS access key ids
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY"
    r"|\beyJ[\w-]{5,400}\.eyJ[\w-]{5}"  # JSON web tokens
    r"|\b(?:gh[pousr]_\w{20}|github_pat_\w{20}|glpat-[\w-]{16}|xox[abprs]-\w{8}|dapi[0-9a-f]{32}|AIza[\w-]{35}|hvs\.\w{16}"
    r"|sk-[\w-]{20})"
    r"|hooks\.slack\.com/services/\w"
    r"|^(?:Bearer|Basic)\s+\S+$"
    r"|\bauthorization\s*[=:]\s*\S"
    r"|(?:^|[;,?&\s])(?:password|passwd|pwd|accountkey|sharedaccesskey|sharedaccesssignature)\s*=\s*[^\s;&]",
    re.IGNORECASE,
)
_AUTHORITY = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]{0,30})://([^/?#]*)")
# What no port is: the beginning of a password with a slash in it, which is no URL but is written nevertheless.
_BROKEN_USERINFO = re.compile(r"[^:\[]*:(?!(?:[0-9]*|\{\{[^{}]*\}\})$)")
_PLACEHOLDER = re.compile(r"\{\{[^{}]*\}\}")
_PARAMETER = re.compile(r"[?&;]([^=&;#\s?]{1,100})=[^&;#\s]*")
_SIGNATURES = frozenset(
    {"sig", "signature", "x_amz_signature", "x_amz_security_token", "x_goog_signature", "x_amz_credential"}
)
_ENV_VAR = re.compile(r"\benv_var\s*\(\s*(['\"])([A-Za-z_][A-Za-z0-9_]*)\1\s*(,)?")
_DEFAULT = re.compile(
    r"\benv_var\s*\(\s*(['\"])([A-Za-z_][A-Za-z0-9_]*)\1\s*,\s*(?:'[^']*'|\"[^\"]*\"|[A-Za-z0-9_.-]*)\s*\)"
)


def is_secret_text(text: str) -> bool:
    """Whether a text is or carries a credential whatever its name is: a URL with a password, a key, a mask."""
    if len(text) < 3:
        return False
    return bool(_MASKED.fullmatch(text.strip()) or _SECRET_TEXT.search(text)) or without_userinfo(text) != text


def without_userinfo(text: str) -> str:
    """``text`` with user and password, and secret parameters, taken out of the URLs in it."""
    if "://" not in text:
        return text
    compact = _PLACEHOLDER.sub(lambda match: re.sub(r"\s", "", match[0]), text)
    bare = re.sub(r"\S+", lambda match: _without_users(match[0]), compact)
    public = _PARAMETER.sub(_public_parameter, bare)
    return text if public == compact else _tidy(public)


def _without_users(word: str) -> str:
    last = word.rfind("@")
    kept, position = [], 0
    for match in _AUTHORITY.finditer(word) if last >= 0 else ():
        if match.end(1) < position:
            continue
        at = match[2].rfind("@")
        if at >= 0:
            user, end = match[2][:at], match.start(2) + at + 1
        elif last > match.end() and _BROKEN_USERINFO.match(match[2]):
            user, end = match[2], last + 1
        else:
            continue
        # A user alone is no secret (abfss://container@account, ssh://git@host), but with HTTP it is a token.
        if ":" in user or match[1].lower() in ("http", "https"):
            kept.append(word[position : match.start(2)])
            position = end
    return "".join([*kept, word[position:]])


def _public_parameter(match: re.Match[str]) -> str:
    name = match[1]
    return match[0][0] if is_secret_name(name) or _normal(name) in _SIGNATURES else match[0]


def _tidy(text: str) -> str:
    """Take away the separators that parameters left behind."""
    return re.sub(r"(?<![?&;])[?&;]+(?=$|[#\s])|(?<=[?&;])[&;]+", "", text)


def public_text(value: str, path: str = "") -> str:
    """``value`` without the credential in it: a URL loses user, password and secret parameters.

    Empty where nothing public is left: the text is a credential as a whole, or ``path`` ends in a secret's name.
    """
    field = re.split(r"[.\[]", re.sub(r"(\[[0-9]+\])+$", "", path).rstrip('"]'))[-1]
    if is_secret_name(field):
        return ""
    bare = without_userinfo(value)
    return "" if is_secret_text(bare) else bare


def without_placeholders(text: str) -> str:
    """``text`` without dbt's ``{{ ... }}``."""
    return _PLACEHOLDER.sub("", text)


def env_vars(text: str) -> list[tuple[str, bool]]:
    """The variables that dbt's ``{{ env_var('X') }}`` names in a text, each with whether it has a default."""
    if "{{" not in text:
        return []
    found = {match[2]: match[3] is not None for match in _ENV_VAR.finditer(text)}
    return list(found.items())


def without_defaults(text: str, names: Container[str]) -> str:
    """``text`` with ``{{ env_var('X') }}`` for ``{{ env_var('X', 'default') }}`` where X is one of ``names``.

    What is not written as a plain text or number stays.
    """

    def bare(found: re.Match[str]) -> str:
        return f"env_var({found[1]}{found[2]}{found[1]})" if found[2] in names else found[0]

    return _DEFAULT.sub(bare, text)


# -- the search --------------------------------------------------------------------------------------------------------


def find_credentials(artifacts: CompiledArtifacts) -> list[Credential]:
    """Every credential in plugin configuration, dbt profiles and telemetry, in the order in which they stand.

    Keys are unique, except that one key serves all places that name the same environment variable, and the same field
    of several dbt outputs where the values are equal.
    """
    findings = list(_findings(artifacts))
    keys = secret_keys(findings)
    return [Credential(found.path, key, found.env_var, found.secret) for found, key in zip(findings, keys, strict=True)]


def replace_credentials(
    value: object, path: str, credentials: Iterable[Credential], replacement: Callable[[Credential], object]
) -> object:
    """A copy of ``value``, which stands at ``path`` of the artifacts, with each credential replaced.

    ``replacement`` says what takes the place of one; where a text names several environment variables it is asked for
    the first.
    """
    by_path: dict[str, Credential] = {}
    for credential in credentials:
        by_path.setdefault(credential.path, credential)
    return _replaced(value, path, by_path, replacement)


def _replaced(
    value: object, path: str, by_path: dict[str, Credential], replacement: Callable[[Credential], object]
) -> object:
    if path in by_path:
        return replacement(by_path[path])
    if isinstance(value, dict):
        return {key: _replaced(item, child_path(path, key), by_path, replacement) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, child_path(path, index), by_path, replacement) for index, item in enumerate(value)]
    return value


def _findings(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    telemetry = artifacts.observability.telemetry
    endpoint = ("TELEMETRY", "otlp_endpoint")
    yield from _search(telemetry.otlp_endpoint, "observability.telemetry.otlp_endpoint", endpoint, "otlp_endpoint")
    if telemetry.authentication is not None:
        yield _authentication(telemetry.authentication.auth_type, telemetry.authentication)
    lineage = artifacts.observability.lineage_endpoint
    yield from _search(lineage, "observability.lineage_endpoint", ("LINEAGE", "endpoint"), "lineage_endpoint")
    for kind in PLUGIN_KINDS:
        plugin = artifacts.plugin(kind)
        if plugin is not None:
            yield from _search(plugin.config, f"plugins.{kind}.config", (kind,), "config")
    yield from _search(artifacts.dbt_profiles, "dbt_profiles", ("dbt",), "dbt_profiles")


def _authentication(auth_type: str, given: object) -> Finding:
    """The one that the exporter uses. It is needed also where floe wrote none: the header cannot be made without it."""
    field = {"api_key": "api_key", "bearer": "bearer_token"}[auth_type]
    names = env_vars(getattr(given, field) or "")
    path = f"observability.telemetry.authentication.{field}"
    return Finding(path, ("TELEMETRY", field), None, names[0][0] if names else None, True)


def _search(value: object, path: str, parts: tuple[str, ...], name: str) -> Iterator[Finding]:
    """Findings in ``value``, which is at ``path`` under ``name``; ``parts`` is what its key is made of."""
    if is_secret_name(name) and not _is_empty(value):
        yield from _under_secret_name(value, path, parts, name)
    elif isinstance(value, dict):
        yield from _search_object(value, path, parts)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            label = item.get("name") if isinstance(item, dict) else None
            part = label if isinstance(label, str) and label else str(index)
            yield from _search(item, child_path(path, index), (*parts, part), "")
    elif isinstance(value, str):
        secret = is_secret_text(value)
        needed = [env for env, has_default in env_vars(value) if secret or is_secret_name(env) or not has_default]
        for env in needed:
            yield Finding(path, parts, None, env, secret or is_secret_name(env))
        if secret and not needed:
            yield Finding(path, parts, _comparable(value), None, True)


def _search_object(value: dict[str, object], path: str, parts: tuple[str, ...]) -> Iterator[Finding]:
    label = value.get("name", value.get("key"))
    for key, item in value.items():
        # {name: Authorization, value: ...}: the name stands beside the value
        name = label if key == "value" and isinstance(label, str) else key
        where = child_path(path, key)
        if _is_client_id(key, value) and isinstance(item, str) and item and not env_vars(item):
            yield Finding(where, (*parts, key), item, None, False)
        else:
            yield from _search(item, where, (*parts, key), name)


def _under_secret_name(value: object, path: str, parts: tuple[str, ...], name: str) -> Iterator[Finding]:
    if isinstance(value, bool):
        return
    if isinstance(value, (int, float)):
        if _NUMERIC_SECRET.search(_normal(name)):
            yield Finding(path, parts, value, None, True)
        return
    if isinstance(value, str):
        names = [env for env, _ in env_vars(value)]
        for env in names:
            yield Finding(path, parts, None, env, True)
        if names:
            return
    elif _GROUP_NAME.search(_normal(name)) or _is_all_env_vars(value):
        yield from _search(value, path, parts, "")
        return
    yield Finding(path, parts, _comparable(value), None, True)


def _is_all_env_vars(value: object) -> bool:
    """Whether all texts in a tree are references to environment variables: then each is a credential of its own."""
    return all(_PLACEHOLDER.fullmatch(text.strip()) and env_vars(text) for text in _texts(value))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
    elif value is not None and value != "":
        yield str(value)


def _is_empty(value: object) -> bool:
    return next(_texts(value), None) is None


def _is_client_id(key: str, holder: dict[str, object]) -> bool:
    """Whether this is the id that goes with a client's secret: both come from one Secret."""
    if _normal(key) not in ("client_id", "clientid"):
        return False
    return any(_normal(other) in ("client_secret", "clientsecret") and not _is_empty(holder[other]) for other in holder)


def _comparable(value: object) -> object:
    """What two values are compared by; None where they cannot be: two masks may hide different secrets."""
    return None if isinstance(value, str) and _MASKED.fullmatch(value.strip()) else value
