"""How a registry is spoken to: with encryption or without, whose certificates count, and as whom we come."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from floe_charts.errors import RegistryError
from floe_charts.registry.reference import Reference

__all__ = ["Connection"]


@dataclass(frozen=True, slots=True)
class Connection:
    """What a user says about the way to a registry; the files are PEM, and empty where there are none.

    ``ca_file`` holds the authorities that count instead of the system's, ``cert_file`` and ``key_file`` are shown to a
    registry that knows its clients by certificates.
    """

    plain_http: bool = False
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    def is_plain(self, reference: Reference) -> bool:
        """Whether to go without encryption: to a registry on this machine too, as Docker and oras do.

        Whoever names authorities for it wants encryption there as well.
        """
        return self.plain_http or (reference.is_loopback and not self.ca_file)

    def authorities(self) -> bool | str:
        """Where requests finds the authorities: a path, or True for those of certifi. Raises RegistryError.

        Named ones first, then those that Helm takes: the system's, or SSL_CERT_FILE and SSL_CERT_DIR.
        """
        if named := self.ca_file or os.environ.get("REQUESTS_CA_BUNDLE", ""):
            context = ssl.create_default_context
            _try(named, lambda: context(cafile=named) if Path(named).is_file() else any(Path(named).iterdir()))
            return named
        paths = ssl.get_default_verify_paths()
        if paths.cafile:
            return paths.cafile
        return paths.capath if paths.capath and any(Path(paths.capath).iterdir()) else True

    def identity(self) -> tuple[str, str] | None:
        """Certificate and key to show, or None; one file may hold both. Raises RegistryError where they do not fit."""
        if not self.cert_file:
            if self.key_file:
                raise RegistryError(self.key_file, "is a key without a certificate", "give --cert-file too")
            return None
        key = self.key_file or self.cert_file
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Without a password OpenSSL would ask the terminal for it.
        _try(self.cert_file, lambda: context.load_cert_chain(self.cert_file, key, password=lambda: b""))
        return self.cert_file, key


def _try(file: str, load: Callable[[], object]) -> None:
    try:
        load()
    except ssl.SSLError as error:
        words = (error.reason or "not PEM").replace("_", " ").lower()
        raise RegistryError(file, f"cannot be used as a certificate: {words}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RegistryError(file, f"the certificate cannot be read: {reason.lower()}") from None
