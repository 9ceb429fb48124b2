"""How the pods of the release connect to PostgreSQL: said here once, for every program that does.

``postgres_client(chart)`` is for templates: its texts are expressions of the values ``postgres``.
``PostgresClient.from_values(chart, values)`` is for values handed to a dependency, which Helm does not evaluate: its
texts are literals made from the final values of an environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from floe_charts.constructs.network import POSTGRES
from floe_charts.constructs.postgres.values import PostgresValues
from floe_charts.helm import Component, HelmChart, and_, eq, present, ternary, when

__all__ = ["CA_FILE", "CA_PATH", "CA_VOLUME", "CLIENT_SUFFIX", "PostgresClient", "client_config_map", "postgres_client"]

CLIENT_SUFFIX = "postgres-client"
"""The ConfigMap with the variables of libpq, behind the chart's full name."""
CA_VOLUME = "ca"
"""The volume with the certificate that the server's is held against."""
CA_PATH = "/etc/postgres-ca"
"""Where containers mount it."""
CA_FILE = f"{CA_PATH}/ca.crt"


@dataclass(frozen=True)
class PostgresClient:
    """What a program needs beside user, password and database.

    ``host`` is the platform's own Service; the server's real name only where certificates are compared with it
    (``verify-full`` of a server elsewhere), which the alias would not match. The port is always that of ``POSTGRES``.

    - ``env``: variables of libpq (psql, psycopg): ``PGSSLMODE``, ``PGSSLROOTCERT``;
    - ``jdbc_parameters``: the same for the driver of Java, to follow the URL's question mark;
    - ``volumes`` of the pod and ``mounts`` of the container: the CA, where there is one.
    """

    host: str
    ssl_mode: str
    env: Mapping[str, Any]
    jdbc_parameters: str
    volumes: tuple[Any, ...]
    mounts: Mapping[str, Any]

    def jdbc_url(self, database: str) -> str:
        """The whole URL of a database for Java."""
        return f"jdbc:postgresql://{self.host}:{POSTGRES.port}/{database}?{self.jdbc_parameters}"

    @classmethod
    def from_values(cls, chart: HelmChart, values: Mapping[str, Any]) -> PostgresClient:
        """The client as literals, by the whole chart's final ``values``."""
        part = _part(chart)
        given: Mapping[str, Any] = values.get(part.id, {}) if part is not None else {}
        external = given.get("external", {}) if given.get("mode") == "external" else {}
        tls = external.get("tls", {})
        mode = tls.get("mode", _MODES.get(given.get("mode", ""), _ANY))
        host = external["host"] if mode == _FULL else POSTGRES.static_host(chart)
        env, parameters = {"PGSSLMODE": mode}, f"sslmode={mode}"
        if not tls.get("ca"):
            return cls(host, mode, env, parameters, (), {})
        volume = {"name": CA_VOLUME, **tls["ca"]}
        ca = {"PGSSLROOTCERT": CA_FILE}
        return cls(host, mode, {**env, **ca}, f"{parameters}{_CA_PARAMETER}", (volume,), {CA_VOLUME: CA_PATH})


def client_config_map(chart: HelmChart) -> str | None:
    """The ConfigMap with host, port and encryption as variables of libpq, as a literal; None where nobody makes it."""
    return f"{chart.values.fullname_override}-{CLIENT_SUFFIX}" if _part(chart) is not None else None


def postgres_client(chart: HelmChart) -> PostgresClient:
    """The client as expressions; of a chart without PostgreSQL, one that takes what the Service's server offers."""
    part = _part(chart)
    if part is None:
        return PostgresClient(POSTGRES.host(chart), _ANY, {"PGSSLMODE": _ANY}, f"sslmode={_ANY}", (), {})
    v = part.refs
    external, tls = eq(v.mode, "external"), v.external.tls
    own = ternary(eq(v.mode, "operator"), _MODES["operator"], _MODES["statefulset"])
    mode = ternary(external, tls.mode, own)
    has_ca = and_(external, present(tls.ca))
    return PostgresClient(
        host=ternary(and_(external, eq(tls.mode, _FULL)), v.external.host, POSTGRES.host(chart)),
        ssl_mode=mode,
        env={"PGSSLMODE": mode, "PGSSLROOTCERT": when(has_ca, CA_FILE)},
        jdbc_parameters=f"sslmode={mode}{ternary(has_ca, _CA_PARAMETER, '')}",
        volumes=(when(has_ca, {"name": CA_VOLUME, **cast("dict[str, Any]", tls.ca)}),),
        mounts={CA_VOLUME: when(has_ca, CA_PATH)},
    )


_CA_PARAMETER = f"&sslrootcert={CA_FILE}"
_FULL = "verify-full"
# What a server that nothing is known of is asked for: TLS where it has it.
_ANY = "prefer"
# The servers of a StatefulSet have no certificates; CloudNativePG gives each cluster a CA of its own.
_MODES = {"statefulset": "disable", "operator": "require"}


def _part(chart: HelmChart) -> Component[PostgresValues] | None:
    return next((part for part in chart.components.values() if isinstance(part.values, PostgresValues)), None)
