"""One request to a registry: signed in where it asks, within time limits, every failure told in one line."""

from __future__ import annotations

import json as json_module
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import oras.logger
import requests
import urllib3
from oras.provider import Registry

from floe_charts.errors import RegistryError
from floe_charts.registry.connection import Connection
from floe_charts.registry.credentials import Credentials, find_credentials
from floe_charts.registry.reference import Reference
from floe_charts.registry.sign_in import authorization, refusal

__all__ = ["Transport", "told"]

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 60.0
_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class Transport(Registry):  # type: ignore[misc]  # oras has no types
    """The client of oras-py with another way to send: one attempt each, so that retries are one matter in one place.

    What oras sends itself is tried again for minutes, whatever failed, knows passwords or tokens but not both, and is
    digested nowhere.
    """

    def __init__(self, reference: Reference, connection: Connection) -> None:
        """Prepare for requests about ``reference``; nothing is sent yet.

        Raises RegistryError for bad credentials or certificates.
        """
        oras.logger.setup_logger(quiet=True)
        plain = connection.is_plain(reference)
        super().__init__(
            hostname=reference.api_host, insecure=plain, tls_verify=True if plain else connection.authorities()
        )
        self._source = str(reference)
        self._here = _place(f"{self.prefix}://{reference.api_host}")
        # No proxy leads to this machine: Helm asks none for it either, whatever NO_PROXY says.
        self.session.trust_env = not reference.is_loopback
        self.session.cert = None if plain else connection.identity()
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
        # Not where a redirect led to another host: that one would name the server to which the password goes.
        if response.status_code == 401 and self._is_here(response.url):
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
        return _place(url) == self._here

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
        if status == 401 and not self._is_here(response.url):
            host = response.url.split("/v2/")[0].split("?")[0][:200]
            return RegistryError(self._source, f"the registry leads to {host}, which wants credentials of its own")
        if status == 401:
            return refusal(self._source, self._credentials)
        if status == 403:
            who = f" to the credentials from {self._credentials.source}" if self._credentials else ""
            return RegistryError(self._source, f"the registry denies this{who}{said}")
        problem = f"the registry answers {status} {response.reason or ''}".rstrip() + said
        wait = response.headers.get("Retry-After", "")
        passing = status in _PASSING
        return RegistryError(
            self._source,
            problem,
            "" if said or passing else "is this a registry?",
            passing=passing,
            retry_after=float(wait) if wait.isdecimal() else 0.0,
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
        raise _without_encryption(source, error) from None
    except requests.exceptions.Timeout:
        raise RegistryError(source, "the registry does not answer in time", passing=True) from None
    except (
        requests.exceptions.ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        urllib3.exceptions.ProtocolError,
    ) as error:
        what = "proxy" if isinstance(error, requests.exceptions.ProxyError) else "registry"
        # A name that nobody has will not have been given a moment later; a name server may be back by then.
        passing = not any(isinstance(one, socket.gaierror) and one.errno in _NO_SUCH_NAME for one in _causes(error))
        raise RegistryError(source, f"the {what} cannot be reached: {_reason(error)}", passing=passing) from None
    except (requests.exceptions.InvalidURL, urllib3.exceptions.LocationParseError) as error:
        raise RegistryError(source, f"is no address: {_reason(error)}") from None
    except requests.exceptions.RequestException as error:
        raise RegistryError(source, f"the registry's answer makes no sense: {_reason(error)}") from None


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Requests takes a password for the host from ~/.netrc where nobody says how to sign in; Helm does not."""
    return request


def _place(url: str) -> tuple[str, str | None, int | None]:
    """Who answers at a URL: ``https://Host:443`` and ``https://host`` are the same."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", None, None


def _without_encryption(source: str, error: requests.exceptions.SSLError) -> RegistryError:
    """What stands in the way of an encrypted connection, and what to do about it."""
    causes = _causes(error)
    if any(isinstance(one, ssl.SSLEOFError | ssl.SSLZeroReturnError) for one in causes):
        return RegistryError(source, "the registry cannot be reached: the connection was cut", passing=True)
    hint = ""
    refused = next((one for one in causes if isinstance(one, ssl.SSLCertVerificationError)), None)
    if refused is not None and "mismatch" not in refused.verify_message:
        hint = "certificates of an authority of your own: SSL_CERT_FILE, or push --ca-file"
    elif any(isinstance(one, ssl.SSLError) and one.reason == "WRONG_VERSION_NUMBER" for one in causes):
        hint = "a registry without encryption needs --plain-http"
    return RegistryError(source, f"no encrypted connection: {_reason(error)}", hint)


def _said(response: requests.Response) -> str:
    """The first message of an error as registries write them, with a colon before it; else nothing."""
    try:
        errors = response.json()["errors"]
        message = errors[0].get("message") or errors[0].get("code")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    return f": {' '.join(str(message).split())[:200]}" if message else ""


def _reason(error: BaseException) -> str:
    """The innermost reason in words: requests and urllib3 wrap it several times."""
    causes = _causes(error)
    if any(isinstance(one, urllib3.exceptions.NameResolutionError) for one in causes):
        return "its name is not known"
    for kind in (ssl.SSLError, OSError):
        for one in causes:
            if isinstance(one, kind) and not isinstance(one, requests.exceptions.RequestException) and one.strerror:
                return one.strerror.lower() if kind is OSError else re.sub(r"\.? \(_ssl\.c:\d+\)$", "", one.strerror)
    if isinstance(error, (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        return "the connection was cut"
    return " ".join(str(error).split())[:200]


def _causes(error: BaseException) -> list[BaseException]:
    """An exception, and those that it wraps."""
    seen: list[BaseException] = []
    pending: list[object] = [error]
    while pending:
        one = pending.pop()
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            pending += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return seen
