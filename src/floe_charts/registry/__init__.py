"""OCI registries: what a reference names, who may read and write there, and a client that tries again.

It knows blobs, manifests and tags; what is in them is the matter of those who push and pull.
"""

from __future__ import annotations

from floe_charts.registry.connection import Connection
from floe_charts.registry.reference import Reference, parse_reference, parse_target

__all__ = ["Connection", "Reference", "parse_reference", "parse_target"]
