"""Registries for the tests of this room and of those above it."""

from __future__ import annotations

from tests.registry.fixtures import keyless, locked, proxy, registry

__all__ = ["keyless", "locked", "proxy", "registry"]
