"""Dagster: webserver and daemon, and runs that are Kubernetes Jobs; by its official chart, or made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Literal, cast

from floe_charts.constructs.dagster.chart import CHART_NAME, KNOWN_VERSION, DagsterValues
from floe_charts.constructs.dagster.chart_parts import ChartDagster, digest
from floe_charts.constructs.dagster.code import CodeLocation, WorkspaceValues
from floe_charts.constructs.dagster.defaults import PASSWORD_KEY, chart_values
from floe_charts.constructs.dagster.edges import process_edges
from floe_charts.constructs.dagster.native import NativeDagsterValues, native_values
from floe_charts.constructs.dagster.native_parts import NativeDagster
from floe_charts.constructs.dagster.strategy import DagsterStrategy
from floe_charts.constructs.dagster.wiring import DAEMON, ENVIRONMENT, MIGRATION, RUN, WEBSERVER, DagsterWiring
from floe_charts.constructs.dagster.workspace import DagsterWorkspace
from floe_charts.constructs.network import DAGSTER_WEBSERVER, Edge, Endpoint, Workload
from floe_charts.constructs.part import Check, Claim, PlatformPart, RequiredSecret, SecretKey, over
from floe_charts.constructs.postgres.database import DatabaseConsumer
from floe_charts.constructs.service_values import opens_outward
from floe_charts.deployment import ChartSource, Components, Environment
from floe_charts.errors import DeclarationError
from floe_charts.helm import HelmChart, Values, and_, or_

__all__ = [
    "KNOWN_VERSION",
    "CodeLocation",
    "DagsterStack",
    "DagsterValues",
    "DagsterWorkspace",
    "NativeDagsterValues",
    "WorkspaceValues",
]

_HEALTH = '{"query": "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"}'


class DagsterStack(PlatformPart[Values]):
    """Webserver and daemon of Dagster; runs are Kubernetes Jobs.

    Strategy ``dependency`` hands typed values to the official chart, ``native`` makes every object here. In both the
    webserver is ``<fullname>-dagster-webserver`` on port 3000, the variables of all processes are in the ConfigMap
    ``<fullname>-dagster-env``, a Job migrates the database, and :class:`DagsterWorkspace` holds the code locations.
    """

    title: ClassVar[str] = "Dagster"

    def __init__(
        self,
        chart: HelmChart,
        id: str = CHART_NAME,
        *,
        strategy: Literal["dependency", "native"] = "dependency",
        source: ChartSource | None = None,
        locations: Sequence[CodeLocation] = (),
        credential_secrets: Sequence[str] = (),
        otlp: bool = False,
        lineage: bool = False,
        env: Mapping[str, str] | None = None,
        values: NativeDagsterValues | DagsterValues | None = None,
    ) -> None:
        """``source`` says which official chart, and so which version of Dagster; without it the known one.

        ``credential_secrets`` name Secrets that become environment variables of run pods. ``otlp`` sends telemetry to
        the platform's gateway, ``lineage`` sends OpenLineage events to its Marquez; ``env`` are further environment
        variables of all processes. ``values`` are defaults of the strategy's own class, :class:`NativeDagsterValues` or
        :class:`DagsterValues`: what they leave unset is the platform's. The facts of the data products and the object
        store are wired in where the chart has them already.

        Raises :class:`DeclarationError` where ``values`` are of the other strategy.
        """
        found = source or Components().dagster.chart
        native = strategy == "native"
        expected = NativeDagsterValues if native else DagsterValues
        if values is not None and not isinstance(values, expected):
            given = type(values).__name__
            raise DeclarationError(f"{id}: strategy {strategy} takes {expected.__name__}, found {given}")
        self.strategy = strategy
        self.wiring = DagsterWiring(chart, tuple(credential_secrets), otlp, lineage, dict(env or {}))
        defaults: Values = (
            native_values(self.wiring, found.version)
            if native
            else chart_values(self.wiring, found.version, _checksum(locations))
        )
        super().__init__(chart, id, over(defaults, values))
        self.made: DagsterStrategy = (NativeDagster if native else ChartDagster)(self, self.wiring)
        if not native:
            self.depend_on(CHART_NAME, found, known_version=KNOWN_VERSION)
        self.workspace = DagsterWorkspace(
            chart, "workspace" if id == CHART_NAME else f"{id}-workspace", self, locations
        )

    @property
    def _shared(self) -> NativeDagsterValues:
        """The values that both strategies have."""
        return cast("NativeDagsterValues", self.refs)

    @property
    def enabled(self) -> bool:
        """The condition that Dagster is switched on."""
        return self._shared.enabled

    # What others need to know

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The webserver's port."""
        return (DAGSTER_WEBSERVER,)

    def workloads(self) -> tuple[Workload, ...]:
        """Webserver, daemon, runs and the Job that migrates the database."""
        return (
            Workload(WEBSERVER, "Dagster webserver", self.enabled),
            Workload(DAEMON, "Dagster daemon", self._daemon),
            Workload(RUN, "Dagster runs", self.enabled),
            Workload(MIGRATION, "Dagster migration", and_(self.enabled, self._shared.migration.enabled)),
        )

    @property
    def _daemon(self) -> bool:
        has = self.made.has_daemon
        return self.enabled if has is None else and_(self.enabled, has)

    def edges(self) -> tuple[Edge, ...]:
        """Who the pods talk to."""
        entry = self._shared.webserver
        return tuple(
            process_edges(
                self.wiring,
                ends_runs=self.made.ends_runs,
                starts_jobs=self.made.starts_jobs,
                entered=or_(entry.ingress.enabled, entry.route.enabled, opens_outward(entry.service.type)),
            )
        )

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The Secret of the database."""
        return (self.database_consumer().required_secret,)

    def database_consumer(self) -> DatabaseConsumer:
        """What PostgreSQL must provide; the Secret holds the password also under the key that the chart reads."""
        database, role, secret = self.made.default_names
        return DatabaseConsumer(
            name="dagster",
            database=database,
            role=role,
            secret=self.made.database.secret,
            default_secret=secret,
            extra_keys=(SecretKey(PASSWORD_KEY, same_as="password"),),
            enabled=self.enabled,
        )

    def checks(self) -> tuple[Check, ...]:
        """The webserver answers; and it reads from the database that every daemon is healthy."""
        server = DAGSTER_WEBSERVER.url(self.chart, self.made.path_prefix)
        lines = (
            "answer=$(curl -fsS -H 'Content-Type: application/json' "
            f"--data '{_HEALTH}' {server}/graphql | tr -d '[:space:]')",
            'echo "$answer"',
            'case "$answer" in',
            """  *'"errors"'* | *'"healthy":false'*) exit 1 ;;""",
            """  *'"healthy":true'*) ;;""",
            "  *) exit 1 ;;",
            "esac",
        )
        return (
            Check("dagster", f"curl -fsS {server}/server_info", (DAGSTER_WEBSERVER,), when=self.enabled),
            Check("dagster-daemon", "\n".join(lines), (DAGSTER_WEBSERVER,), when=self._daemon),
        )

    def claims(self, values: Mapping[str, Any]) -> Sequence[Claim]:
        """Webserver and daemon, as many runs as go at once, and the migration."""
        if not values["enabled"]:
            return ()
        migration = values["migration"]
        own = [Claim(1, migration["resources"])] if migration["enabled"] else []
        return [*self.made.claims(values), *own]

    # Layers

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """More webservers in production, less of everything where people try things out; the daemon is always one."""
        return self.made.environment_values(environment)

    def derived_values(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the official chart cannot see; templates of our own see it themselves."""
        return self.made.derived_values(base, values)

    # Objects

    def build(self, v: Values) -> None:
        """The variables of all processes, and the objects of the strategy."""
        with self.when(self.enabled):
            self.add(self.config_map(self.name(ENVIRONMENT), self.wiring.environment(), ENVIRONMENT), name=ENVIRONMENT)
            self.made.build()


def _checksum(locations: Sequence[CodeLocation]) -> str:
    """The SHA-256 of the code locations.

    The official chart's own checksum does not see a ConfigMap from outside. So this covers what synth knows, not what
    somebody hands to ``helm --set``: then ``kubectl rollout restart`` rolls the pods.
    """
    return digest(sorted((asdict(one) for one in locations), key=lambda one: str(one["name"])))
