"""The floe platform as one umbrella chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from floe_charts.artifacts import CompiledArtifacts, distinct_slugs
from floe_charts.constructs.dagster.stack import DagsterStack
from floe_charts.constructs.environment_chart import EnvironmentChart, PlatformValues, newest_floe
from floe_charts.constructs.marquez.api import Marquez
from floe_charts.constructs.minio.server import Minio
from floe_charts.constructs.network import POSTGRES, Endpoint
from floe_charts.constructs.object_store import ObjectStore
from floe_charts.constructs.otel.gateway import OtelGateway
from floe_charts.constructs.part import PlatformPart, RequiredSecret
from floe_charts.constructs.plan import plan_platform
from floe_charts.constructs.polaris.catalog import PolarisCatalog
from floe_charts.constructs.polaris.plan import wished_catalogs, wished_principals
from floe_charts.constructs.postgres.cluster import DatabaseConsumer, PostgresCluster
from floe_charts.constructs.products import DataProducts
from floe_charts.constructs.surroundings.connections import Network
from floe_charts.constructs.surroundings.helm_tests import HelmTests
from floe_charts.constructs.surroundings.monitoring import Monitoring
from floe_charts.constructs.surroundings.namespace import Namespace
from floe_charts.constructs.surroundings.network_policies import NetworkPolicies
from floe_charts.constructs.surroundings.quotas import Quotas
from floe_charts.constructs.surroundings.readme import notes, readme_sections
from floe_charts.constructs.surroundings.secrets import PlatformSecrets
from floe_charts.constructs.unanswered import unanswered
from floe_charts.deployment import Deployment
from floe_charts.errors import DeclarationError
from floe_charts.helm import Component
from floe_charts.helm.provided import ProvidedObject
from floe_charts.helm.rules import ValueRule

__all__ = ["FloePlatform"]

P = TypeVar("P", bound=Component[Any])

_PARTS = (
    DagsterStack,
    DataProducts,
    Marquez,
    Minio,
    ObjectStore,
    OtelGateway,
    PolarisCatalog,
    PostgresCluster,
)


class FloePlatform(EnvironmentChart):
    """The floe data platform: the parts that the artifacts ask for, wired to each other.

    Subclass it: override :meth:`extend` to add parts of your own, and name subclasses of the platform's parts in
    ``part_classes``.
    """

    part_classes: ClassVar[tuple[type[Component[Any]], ...]] = ()
    """Subclasses of the platform's parts, which take their place: ``(OurMarquez,)``."""

    def __init__(self, artifacts: Sequence[CompiledArtifacts], deployment: Deployment | None = None) -> None:
        """``artifacts`` are the data products on the platform, one or more; ``deployment`` says where it goes."""
        self.artifacts = tuple(sorted(distinct_slugs(artifacts), key=lambda artifact: artifact.slug))
        self.deployment = deployment or Deployment.default()
        self.plan = plan_platform(self.artifacts, self.deployment)
        info = self.deployment.chart
        super().__init__(
            info.name,
            version=info.version,
            app_version=info.app_version or newest_floe(self.artifacts),
            description="The floe data platform on Kubernetes.",
            values=PlatformValues(fullname_override=info.fullname),
            # Dependencies and artifacts name the platform's Services, which Helm cannot change along with a value.
            fixed_fullname=True,
            generator="`floe-charts synth`",
            keywords=("floe", "data-platform", "dagster", "iceberg"),
            # The picture that GitHub keeps for floe's owner.
            icon="https://github.com/Obsidian-Owl.png",
        )
        self._add_parts()
        self.extend()
        self._add_surroundings()
        self.notes += notes(self)
        self.readme_sections += readme_sections(self)

    def extend(self) -> None:
        """Add parts of your own; called once the platform's parts exist."""

    # Parts

    def _class(self, kind: type[P]) -> type[P]:
        """The class of a part: ``kind``, or the subclass that takes its place."""
        return next((found for found in self.part_classes if issubclass(found, kind)), kind)

    def _add_parts(self) -> None:
        for found in self.part_classes:
            if not issubclass(found, _PARTS):
                known = ", ".join(part.__name__ for part in _PARTS)
                raise DeclarationError(f"{found.__name__} takes the place of no part; expected a subclass of {known}")
        plan, components = self.plan, self.deployment.components
        consumers: list[DatabaseConsumer] = []
        if plan.products:
            self._class(DataProducts)(self, "products", plan.products)
        if plan.object_store is not None:
            self._class(ObjectStore)(self, values=plan.object_store)
        if plan.otel:
            self._class(OtelGateway)(
                self,
                "otel",
                strategy=components.otel.strategy,
                source=components.otel.chart,
                exporters=plan.exporters,
                flow=plan.flow,
                log_in=self.environments_of("development", "test"),
            )
        if components.postgres.enabled is not False and (plan.dagster or plan.polaris or plan.marquez):
            # Before its clients, which ask it how they connect.
            postgres = self._class(PostgresCluster)(self, "postgres")
        else:
            postgres = None
        if plan.dagster:
            dagster = self._class(DagsterStack)(
                self,
                "dagster",
                strategy=components.dagster.strategy,
                source=components.dagster.chart,
                locations=plan.locations,
                credential_secrets=[secret.name for secret in plan.credentials],
                otlp=plan.otel,
                lineage=plan.marquez,
            )
            consumers.append(dagster.database_consumer())
        if plan.polaris:
            polaris = self._class(PolarisCatalog)(
                self,
                "polaris",
                strategy=components.polaris.strategy,
                source=components.polaris.chart,
                otlp=plan.otel,
                catalogs=wished_catalogs(plan.catalog_wishes),
                principals=wished_principals(plan.catalog_wishes),
                memory_in=self.environments_of("test"),
            )
            consumers.append(polaris.database_consumer())
        if plan.marquez:
            consumers.append(self._class(Marquez)(self, "marquez").database_consumer())
        if postgres is not None:
            for consumer in consumers:
                postgres.serve(consumer)
        if plan.minio:
            self._class(Minio)(
                self,
                "minio",
                store=self.component(ObjectStore),
                strategy=components.minio.strategy,
                source=components.minio.chart,
                buckets=plan.buckets,
            )

    def _add_surroundings(self) -> None:
        """What stands around the parts, made from what they declare; so it comes last."""
        self.secrets = PlatformSecrets(self, "secrets", secrets=self.required_secrets())
        if checks := [check for part in self.parts for check in part.checks()]:
            HelmTests(self, checks=checks)
        if scrapes := [scrape for part in self.parts for scrape in part.scrapes()]:
            Monitoring(self, scrapes=scrapes)
        self.network = Network(self.parts)
        NetworkPolicies(self, network=self.network, clients=self.deployment.jobs.charts())
        Namespace(self)
        Quotas(self)

    def rules(self) -> tuple[ValueRule, ...]:
        """Those of the parts; and Secrets are generated in development and test only."""
        return (*super().rules(), *self.secrets.rules(self.environments_of("development", "test")))

    def endpoints(self) -> list[tuple[PlatformPart[Any], Endpoint]]:
        """Every Service port that the release can answer to, with the part that serves it."""
        return [(part, endpoint) for part in self.parts for endpoint in part.endpoints()]

    def required_secrets(self) -> list[RequiredSecret]:
        """The Secrets that must exist in the namespace before the chart is installed, by name."""
        found: dict[str, RequiredSecret] = {}
        for secret in (*self.plan.credentials, *(secret for part in self.parts for secret in part.required_secrets())):
            known = found.get(secret.id)
            found[secret.id] = secret if known is None else known.merged(secret)
        return sorted(found.values(), key=lambda secret: secret.name)

    def provided_objects(self) -> list[ProvidedObject]:
        """The Secrets of :meth:`required_secrets`, and those to pull images with that the deployment file names."""
        required = [ProvidedObject("Secret", secret.name, secret.key_names) for secret in self.required_secrets()]
        return [*required, *self.pulled_secrets()]

    def notices(self, served: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """What the parts and the artifacts give reason to look at, a line each.

        ``served`` holds the final values of each environment.
        """
        lines = super().notices(served)
        if self.deployment.components.postgres.enabled is False and self.component(PostgresCluster) is None:
            host = f"{POSTGRES.static_host(self)}:{POSTGRES.port}"
            lines.append(
                f"components.postgres.enabled is false: the other parts look for PostgreSQL at {host}, a Service that "
                "you make; for a server elsewhere, postgres: external of the environment makes it"
            )
        return [*lines, *unanswered(self, served)]
