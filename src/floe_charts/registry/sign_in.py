"""Answers to a registry that asks who is there: a password, or a token for just this request.

After the OCI distribution specification and docs.docker.com/registry/spec/auth/token and /oauth.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from floe_charts.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import Response

    from floe_charts.registry.credentials import Credentials

__all__ = ["authorization", "refusal"]

_CLIENT = "floe-charts"
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


def authorization(
    response: Response, source: str, credentials: Credentials | None, send: Callable[..., Response]
) -> str:
    """The Authorization header that answers the challenge in ``response``.

    ``send(method, url, **how)`` sends a request to the server of tokens. Raises RegistryError where credentials are
    missing or refused.
    """
    challenge = response.headers.get("WWW-Authenticate", "")
    bearer = re.search(r"\bBearer\s+(.*)", challenge, re.IGNORECASE | re.DOTALL)
    asked = dict(_PARAMETER.findall(bearer[1])) if bearer is not None else {}
    if asked.get("realm"):
        return f"Bearer {_token(asked, response.url, source, credentials, send)}"
    if re.search(r"\bBasic\b", challenge, re.IGNORECASE) is None:
        raise RegistryError(source, "the registry refuses, and does not say how to log in")
    if credentials is None or not credentials.basic:
        raise refusal(source, None)
    return credentials.basic


def refusal(source: str, credentials: Credentials | None) -> RegistryError:
    """What a person reads where a registry lets nobody in."""
    host = source.removeprefix("oci://").partition("/")[0]
    hint = f"log in: helm registry login {host}"
    if credentials is None:
        return RegistryError(source, "the registry wants credentials, and there are none for it", hint)
    return RegistryError(source, f"the registry refuses the credentials from {credentials.source}", hint)


def _token(
    asked: dict[str, str], url: str, source: str, credentials: Credentials | None, send: Callable[..., Response]
) -> str:
    realm = urljoin(url, asked["realm"])
    if credentials is not None and url.startswith("https://") and not realm.startswith("https://"):
        raise RegistryError(source, f"the registry wants the password sent to {realm[:200]}, without encryption")
    about = {key: asked[key] for key in ("service", "scope") if asked.get(key)}
    if credentials is not None and credentials.identity_token:
        grant = {"grant_type": "refresh_token", "refresh_token": credentials.identity_token, "client_id": _CLIENT}
        answer = send("POST", realm, data={**about, **grant})
    else:
        headers = {"Authorization": credentials.basic} if credentials is not None else {}
        answer = send("GET", realm, params=about, headers=headers)
    if answer.status_code in (400, 401, 403):
        raise refusal(source, credentials)
    try:
        said = answer.json() if answer.status_code == 200 else {}
    except (ValueError, RecursionError):
        said = {}
    token = (said.get("token") or said.get("access_token")) if isinstance(said, dict) else None
    if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
        raise RegistryError(source, f"the server of tokens answers {answer.status_code} and hands out none")
    return token
