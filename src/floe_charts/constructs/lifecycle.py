"""How the pod of a server ends without a request being refused."""

from __future__ import annotations

from typing import Any

__all__ = ["DRAIN"]

DRAIN: dict[str, Any] = {"preStop": {"exec": {"command": ["sleep", "5"]}}}
"""``lifecycle`` of a container that goes on serving until no node sends it requests any more.

Kubernetes ends a pod and takes it out of its Services at the same time, and the latter takes some seconds to reach all
nodes. A command, as the field ``sleep`` is younger than the oldest Kubernetes that a chart supports; so it is for
images that have ``sleep``.
"""
