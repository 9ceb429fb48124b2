"""One request to a registry: signed in where it asks, within time limits, every failure told in one line."""

from __future__ import annotations

import json as json_module
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import oras.logger
import requests
import urllib3
from oras.provider import Registry

from floe_charts.errors import RegistryError
from floe_charts.registry.credentials import Credentials, find_credentials
from floe_charts.registry.reference import Reference
from floe_charts.registry.sign_in import authorization, refusal

__all__ = ["Transport", "told"]

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 60.0
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class Transport(Registry):  # type: ignore[misc]  # oras has no types
    """The client of oras-py with another way to send: one attempt each, so that retries are one matter in one place.

    What oras sends itself is tried again for minutes, whatever failed, knows passwords or tokens but not both, and is
    digested nowhere.
    """

    def __init__(self, reference: Reference, plain_http: bool) -> None:
        """Prepare for requests about ``reference``; nothing is sent yet. Raises RegistryError for bad credentials."""
        oras.logger.setup_logger(quiet=True)
        super().__init__(hostname=reference.api_host, insecure=plain_http, tls_verify=_certificates())
        self._source = str(reference)
        self._here = (self.prefix, reference.api_host)
        self._credentials: Credentials | None = find_credentials(reference.host)
        self._authorization = ""
        self.session.auth = _as_it_is

    def do_request(
        self,
        url: str,
        method: str = "GET",
        data: dict[str, Any] | bytes | None = None,
        headers: dict[str, str] | None = None,
        json: dict[str, Any] | None = None,
        stream: bool = False,
    ) -> requests.Response:
        """Send one request and return what the registry says; 404 is an answer where something was looked for.

        A body in ``json`` is sent in one canonical form, so that its digest is always the same. Raises RegistryError.
        """
        body = data if json is None else canonical(json)
        response = self._send(method, url, data=body, headers=self._headers(url, headers), stream=stream)
        if response.status_code == 401 and self._is_here(url):
            response.close()
            self._authorization = authorization(response, self._source, self._credentials, self._send)
            response = self._send(method, url, data=body, headers=self._headers(url, headers), stream=stream)
        if response.ok or (response.status_code == 404 and method in ("GET", "HEAD")):
            return response
        raise self._refused(response)

    def _headers(self, url: str, headers: dict[str, str] | None) -> dict[str, str]:
        """With the authorization, but only for the registry itself: uploads may lead to another host."""
        signed = {"Authorization": self._authorization} if self._authorization and self._is_here(url) else {}
        return {"User-Agent": "floe-charts", **(headers or {}), **signed}

    def _is_here(self, url: str) -> bool:
        parts = urlsplit(url)
        return (parts.scheme, parts.netloc) == self._here

    def _send(self, method: str, url: str, **how: Any) -> requests.Response:
        with told(self._source):
            response: requests.Response = self.session.request(
                method, url, verify=self._tls_verify, timeout=(_CONNECT_SECONDS, _READ_SECONDS), **how
            )
            return response

    def _refused(self, response: requests.Response) -> RegistryError:
        status = response.status_code
        with told(self._source), response:
            said = _said(response)
        if status == 401:
            return refusal(self._source, self._credentials)
        if status == 403:
            who = f" to the credentials from {self._credentials.source}" if self._credentials else ""
            return RegistryError(self._source, f"the registry denies this{who}{said}")
        problem = f"the registry answers {status} {response.reason or ''}".rstrip() + said
        wait = response.headers.get("Retry-After", "")
        return RegistryError(
            self._source, problem, passing=status in _PASSING, retry_after=float(wait) if wait.isdecimal() else 0.0
        )


def canonical(tree: object) -> bytes:
    """A tree as JSON, without spaces and with sorted keys: equal trees have equal digests."""
    return json_module.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@contextmanager
def told(source: str) -> Iterator[None]:
    """Turn every failure of a request into a RegistryError."""
    try:
        yield
    except requests.exceptions.SSLError as error:
        problem = f"no encrypted connection: {_reason(error)}"
        raise RegistryError(source, problem, "a registry without encryption needs --plain-http") from None
    except requests.exceptions.Timeout:
        raise RegistryError(source, "the registry does not answer in time", passing=True) from None
    except (
        requests.exceptions.ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        urllib3.exceptions.ProtocolError,
    ) as error:
        raise RegistryError(source, f"the registry cannot be reached: {_reason(error)}", passing=True) from None
    except requests.exceptions.RequestException as error:
        raise RegistryError(source, f"the registry's answer makes no sense: {_reason(error)}") from None


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Requests takes a password for the host from ~/.netrc where nobody says how to sign in; Helm does not."""
    return request


def _certificates() -> bool | str:
    """The system's certificates (or those in SSL_CERT_FILE, SSL_CERT_DIR) as Helm has it, else those of certifi."""
    if os.environ.get("REQUESTS_CA_BUNDLE"):
        return True
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return paths.cafile
    return paths.capath if paths.capath and any(Path(paths.capath).iterdir()) else True


def _said(response: requests.Response) -> str:
    """The first message of an error as registries write them, with a colon before it; else nothing."""
    try:
        errors = response.json()["errors"]
        message = errors[0].get("message") or errors[0].get("code")
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
    return f": {' '.join(str(message).split())[:200]}" if message else ""


def _reason(error: BaseException) -> str:
    """The innermost reason in words: requests and urllib3 wrap it several times."""
    seen: list[BaseException] = []
    pending: list[object] = [error]
    while pending:
        one = pending.pop()
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            pending += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    if any(isinstance(one, urllib3.exceptions.NameResolutionError) for one in seen):
        return "its name is not known"
    for kind in (ssl.SSLError, OSError):
        for one in seen:
            if isinstance(one, kind) and not isinstance(one, requests.exceptions.RequestException) and one.strerror:
                return one.strerror.lower() if kind is OSError else one.strerror
    if isinstance(error, (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        return "the connection was cut"
    return " ".join(str(error).split())[:200]
