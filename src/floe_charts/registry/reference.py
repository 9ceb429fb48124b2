"""References to what lies in an OCI registry: ``oci://host/repository:tag`` and ``oci://host/repository@digest``.

Read strictly, after the grammar of the OCI distribution specification (v1.1, "Pulling manifests"): a host that looks
like a directory never becomes a repository of some default registry.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from floe_charts.errors import RegistryError

__all__ = ["SCHEME", "Reference", "parse_reference", "parse_target"]

SCHEME = "oci://"

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_REFERENCE = re.compile(
    rf"(?P<host>{_HOST})/(?P<repository>{_PART}(?:/{_PART})*)(?::(?P<tag>{_TAG}))?(?:@(?P<digest>sha256:[0-9a-f]{{64}}))?"
)
_PLACE = re.compile(rf"(?P<host>{_HOST})(?P<path>(?:/{_PART})*)/?")

# Docker Hub answers under another name than the one in references.
_API_HOSTS = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}


@dataclass(frozen=True, slots=True)
class Reference:
    """A manifest in a registry. The digest, where there is one, decides; the tag then is for people."""

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        """The reference as it is typed."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{SCHEME}{self.host}/{self.repository}{tag}{f'@{self.digest}' if self.digest else ''}"

    @property
    def api_host(self) -> str:
        """The host that answers; another one than :attr:`host` for Docker Hub only."""
        return _API_HOSTS.get(self.host, self.host)

    @property
    def is_loopback(self) -> bool:
        """Whether the registry runs on this machine."""
        name = re.sub(r":[0-9]+\Z", "", self.host).strip("[]").lower()
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return name == "localhost" or name.endswith(".localhost")


def parse_reference(text: str) -> Reference:
    """Read ``oci://host/repository:tag``, ``…@sha256:…`` or both; raise RegistryError for anything else.

    >>> parse_reference("oci://ghcr.io/acme/orders:1.2.0")
    Reference(host='ghcr.io', repository='acme/orders', tag='1.2.0', digest='')
    """
    found = _REFERENCE.fullmatch(_after_scheme(text))
    if found is None:
        raise RegistryError(public(text), "is no reference that a registry takes", "expected oci://host/repository:tag")
    if not found["tag"] and not found["digest"]:
        raise RegistryError(text, "names no version", "add :tag or @sha256:digest")
    return Reference(found["host"], found["repository"], found["tag"] or "", found["digest"] or "")


def parse_target(text: str, name: str, tag: str) -> Reference:
    """The reference of the chart ``name`` under the place ``oci://host/path``, as ``helm push`` forms it.

    Raises RegistryError where ``text`` names no place, or ``name`` or ``tag`` is none that a registry takes.
    """
    found = _PLACE.fullmatch(_after_scheme(text))
    if found is None:
        raise RegistryError(
            public(text), "is no place in a registry", "expected oci://host/path, without the chart's name and version"
        )
    if not re.fullmatch(_PART, name):
        expected = "expected lower-case letters and digits, with single '.', '_' or any '-' between them"
        raise RegistryError(text, f"takes no chart named {name[:140]!r}", expected)
    if not re.fullmatch(_TAG, tag):
        raise RegistryError(text, f"takes no tag {tag[:140]!r}")
    return Reference(found["host"], f"{found['path'].removeprefix('/')}/{name}".removeprefix("/"), tag)


def public(text: str) -> str:
    """A reference as a message may show it: without user and password."""
    return re.sub(r"//[^/]*@", "//", text)


def _after_scheme(text: str) -> str:
    if text[: len(SCHEME)].lower() != SCHEME:
        raise RegistryError(public(text), "is no reference to a registry", f"expected {SCHEME}host/…")
    rest = text[len(SCHEME) :]
    if "@" in rest.partition("/")[0]:
        problem = "holds a user's name or password"
        raise RegistryError(public(text), problem, "log in instead: helm registry login HOST")
    return rest
