"""What PostgreSQL may ask of the namespace, by its final values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from floe_charts.constructs.part import Claim

__all__ = ["postgres_claims"]


def postgres_claims(values: Mapping[str, Any]) -> Iterator[Claim]:
    """The servers with their volumes, and what is around them."""
    if values["mode"] == "statefulset":
        backup = values["statefulset"]["backup"]
        yield Claim(1, values["resources"], values["storage"]["size"], 1)
        if backup["enabled"]:
            yield Claim(1, backup["resources"], backup["storage"]["size"], 1)
    elif values["mode"] == "operator":
        yield from _cluster_claims(values)


def _cluster_claims(values: Mapping[str, Any]) -> Iterator[Claim]:
    operator = values["operator"]
    servers, wal, pool = operator["instances"], operator["walStorage"], operator["pooler"]
    # One pod more: the Job that makes a server.
    yield Claim(servers + 1, values["resources"], values["storage"]["size"], servers)
    if wal["enabled"]:
        yield Claim(0, values["resources"], wal["size"], servers)
    if operator["backup"]["enabled"]:
        yield Claim(servers, operator["backup"]["resources"])
    if pool["enabled"]:
        yield Claim(pool["instances"] + 1, pool["resources"])
