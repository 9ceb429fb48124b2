"""Manifests and blobs of a registry: read with their digests checked, written in the order that leaves nothing half."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import tenacity
from oras.container import Container

from floe_charts.errors import RegistryError, shorten
from floe_charts.registry.connection import Connection
from floe_charts.registry.reference import Reference
from floe_charts.registry.transport import Transport, canonical, told

__all__ = ["ATTEMPTS", "Blob", "Client", "Manifest", "digest_of"]

ATTEMPTS = 5
"""How often a request is sent whose failure may pass."""

FIRST_WAIT = 0.5
"""Seconds before the second attempt; they double, and what the registry asks for counts where it is more."""

_LONGEST_WAIT = 30.0
# What registries have to take (OCI distribution specification, "Pushing manifests").
_MAX_MANIFEST = 4 * 1024 * 1024
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_ACCEPT = ", ".join(
    (
        _MANIFEST,
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a tag or a digest stands for. ``tree`` is a JSON object."""

    tree: Mapping[str, object]
    digest: str

    def descriptors(self, key: str) -> list[Mapping[str, object]]:
        """The objects in a list of the manifest, such as ``layers``; what is none of them is passed over."""
        listed = self.tree.get(key)
        return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


@dataclass(frozen=True, slots=True)
class Blob:
    """Content to be pushed, and what it is."""

    media_type: str
    content: bytes

    @property
    def descriptor(self) -> dict[str, object]:
        """How a manifest mentions it."""
        return {"mediaType": self.media_type, "digest": digest_of(self.content), "size": len(self.content)}


class Client:
    """A registry, as far as one repository of it is concerned; at the end of its ``with`` block it hangs up."""

    def __init__(self, reference: Reference, connection: Connection | None = None) -> None:
        """Find credentials and certificates; nothing is sent yet. Raises RegistryError where those cannot be read."""
        self._reference = reference
        self._transport = Transport(reference, connection or Connection())
        self._container = Container("repository")
        self._container.registry = reference.api_host
        self._container.namespace, _, self._container.repository = reference.repository.rpartition("/")
        self._container.tag, self._container.digest = reference.tag, reference.digest or None

    def __enter__(self) -> Self:
        """Nothing is sent yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections that were kept for the next request."""
        self._transport.session.close()

    def manifest(self) -> Manifest | None:
        """The manifest of the reference, its digest checked; None where there is none. Raises RegistryError."""
        return self._persistently(self._manifest)

    def blob(self, digest: str, limit: int) -> bytes:
        """The content with this digest, at most ``limit`` bytes of it; raises RegistryError where it is another."""
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            raise self._error(f"the manifest names its content {shorten(digest)}; expected a digest sha256:…")
        return self._persistently(lambda: self._blob(digest, limit))

    def push(self, config: Blob, layers: list[Blob], annotations: Mapping[str, str]) -> str:
        """Write the blobs, then the manifest under the tag: whoever is cut off before has written no version.

        Returns the digest of the manifest. The same content has the same digest at every push. Raises RegistryError.
        """
        tree = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": config.descriptor,
            "layers": [one.descriptor for one in layers],
            "annotations": dict(annotations),
        }
        for blob in (config, *layers):
            self._persistently(lambda blob=blob: self._push_blob(blob))  # type: ignore[misc]
        self._persistently(lambda: self._transport.upload_manifest(tree, self._container))
        return digest_of(canonical(tree))

    def _manifest(self) -> Manifest | None:
        url = f"{self._transport.prefix}://{self._container.manifest_url()}"
        content = self._read(url, _MAX_MANIFEST, {"Accept": _ACCEPT})
        if content is None:
            return None
        digest = digest_of(content)
        if self._reference.digest and digest != self._reference.digest:
            raise self._error("the registry hands out something else than what has this digest")
        try:
            tree = json.loads(content)
        except (ValueError, RecursionError):
            tree = None
        if not isinstance(tree, dict):
            raise self._error("the registry's answer is no manifest", "is this a registry?")
        return Manifest(tree, digest)

    def _blob(self, digest: str, limit: int) -> bytes:
        content = self._read(f"{self._transport.prefix}://{self._container.get_blob_url(digest)}", limit, {})
        if content is None:
            raise self._error(f"the registry has lost the content {digest}")
        if digest_of(content) != digest:
            raise self._error(f"what the registry hands out is not {digest}", passing=True)
        return content

    def _read(self, url: str, limit: int, headers: dict[str, str]) -> bytes | None:
        response = self._transport.do_request(url, headers=headers, stream=True)
        with told(str(self._reference)), response:
            if response.status_code == 404:
                return None
            content = bytearray()
            for piece in response.iter_content(64 * 1024):
                content += piece
                if len(content) > limit:
                    raise self._error(f"is larger than {limit // 2**20} MiB")
        return bytes(content)

    def _push_blob(self, blob: Blob) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "blob")  # oras reads from files only
            path.write_bytes(blob.content)
            try:
                self._transport.upload_blob(str(path), self._container, blob.descriptor)
            except (ValueError, RecursionError):
                raise self._error("the registry names no place for uploads", "is this a registry?") from None

    def _persistently(self, call: Callable[[], _T]) -> _T:
        """The result of ``call``, tried again while what fails may pass."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, RegistryError) and error.passing),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=_wait,
            reraise=True,
        )
        try:
            return retrying(call)
        except RegistryError as error:
            if not error.passing:
                raise
            raise RegistryError(error.source, f"{error.problem} (tried {ATTEMPTS} times)", error.hint) from None

    def _error(self, problem: str, hint: str = "", *, passing: bool = False) -> RegistryError:
        return RegistryError(str(self._reference), problem, hint, passing=passing)


def digest_of(content: bytes) -> str:
    """The digest by which a registry names content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    asked = error.retry_after if isinstance(error, RegistryError) else 0.0
    doubled = FIRST_WAIT * float(2 ** (state.attempt_number - 1))
    return min(max(doubled, asked), _LONGEST_WAIT)
