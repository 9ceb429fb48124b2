"""What is known of Polaris' server whatever the strategy: names, keys, users, variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "CLIENT_ID_KEY",
    "CLIENT_SECRET_KEY",
    "DATABASE",
    "GID",
    "JVM_VARIABLES",
    "MAX_CONNECTIONS",
    "ROOT_ID",
    "ROOT_PAIR",
    "ROOT_SECRET",
    "TOKEN_KEY",
    "UID",
    "VERSION",
    "PolarisServer",
]

VERSION = "1.7.0"
"""The version of Polaris, and of its chart, that is known here."""
DATABASE = "polaris"
"""Database and role in PostgreSQL."""
UID, GID = 10000, 10001
"""User and group of Polaris' images."""
TOKEN_KEY = "symmetric.key"
"""The key of the Secret with the key that signs tokens."""
CLIENT_ID_KEY, CLIENT_SECRET_KEY = "client-id", "client-secret"
"""The keys of the Secret that Polaris is bootstrapped with."""
JVM_VARIABLES = {
    # The image gives 80 % to the heap, which leaves too little beside it of a small limit.
    "JAVA_MAX_MEM_RATIO": "60",
    # It asks Google's metadata server, and where a policy drops that, Polaris starts two minutes late.
    "OTEL_JAVA_DISABLED_RESOURCE_PROVIDERS": "io.opentelemetry.contrib.gcp.resource.GCPResourceProvider",
}
"""Variables of the server's Java."""
MAX_CONNECTIONS = 20
"""Most connections to PostgreSQL of each pod, by default: several pods, and others, share what the server takes."""
ROOT_ID, ROOT_SECRET = "ROOT_CLIENT_ID", "ROOT_CLIENT_SECRET"
"""Variables with the credentials of the root principal."""
ROOT_PAIR = f",$({ROOT_ID}),$({ROOT_SECRET})"
"""What follows a realm's name in ``POLARIS_BOOTSTRAP_CREDENTIALS``; realms are separated by a semicolon.

A server that keeps its catalogs in memory bootstraps itself from that variable. Kubernetes puts in the variables, which
must stand before it. No comma or semicolon may be in them.
"""


@dataclass(frozen=True)
class PolarisServer:
    """What others must know of the server, as expressions of its values, which differ by strategy.

    ``in_database`` is the condition that it keeps its catalogs in PostgreSQL, ``realms`` the list of its realms, the
    rest the Secret of its role there.
    """

    enabled: bool
    in_database: bool
    realms: Sequence[str]
    secret: str
    username_key: str
    password_key: str
