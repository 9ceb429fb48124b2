"""The floe platform as one umbrella chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, cast

from floe_charts.artifacts import ArtifactEndpoint, CompiledArtifacts, find_endpoints, public_text
from floe_charts.constructs.dagster import DagsterStack
from floe_charts.constructs.marquez import Marquez
from floe_charts.constructs.minio import Minio
from floe_charts.constructs.network import Endpoint
from floe_charts.constructs.object_store import ObjectStore
from floe_charts.constructs.otel import OtelGateway
from floe_charts.constructs.part import PlatformPart, RequiredSecret
from floe_charts.constructs.plan import plan_platform
from floe_charts.constructs.polaris import PolarisCatalog
from floe_charts.constructs.postgres import DatabaseConsumer, PostgresCluster
from floe_charts.constructs.products import DataProducts
from floe_charts.constructs.secrets import PlatformSecrets
from floe_charts.deployment import Deployment, Environment
from floe_charts.errors import nearest
from floe_charts.helm import CommonChartValues, Field, HelmChart, LabelValue, Resources
from floe_charts.helm.docs import markdown_table
from floe_charts.helm.provided import ProvidedObject
from floe_charts.helm.rules import ValueRule
from floe_charts.helm.spec import Spec, property_specs

__all__ = ["FloePlatform"]

_STORE = "plugins.storage.config.endpoint"


class PlatformValues(CommonChartValues):
    """Values of the platform as a whole."""

    environment: LabelValue = Field("", description="Name of the environment, a label of all objects and pods.")


class FloePlatform(HelmChart):
    """The floe data platform: the parts that the artifacts ask for, wired to each other.

    Subclass it and override :meth:`extend` to add parts of your own.
    """

    def __init__(self, artifacts: Sequence[CompiledArtifacts], deployment: Deployment | None = None) -> None:
        """``artifacts`` are the data products on the platform, one or more; ``deployment`` says where it goes."""
        self.artifacts = tuple(sorted(artifacts, key=lambda artifact: artifact.slug))
        self.deployment = deployment or Deployment.default()
        self.plan = plan_platform(self.artifacts, self.deployment)
        info = self.deployment.chart
        super().__init__(
            info.name,
            version=info.version,
            app_version=info.app_version or public_text(_newest([one.metadata.floe_version for one in self.artifacts])),
            description="The floe data platform on Kubernetes.",
            values=PlatformValues(fullname_override=info.fullname),
            # Dependencies and artifacts name the platform's Services, which Helm cannot change along with a value.
            fixed_fullname=True,
            generator="`floe-charts synth`",
            keywords=("floe", "data-platform", "dagster", "iceberg"),
        )
        self._add_parts()
        self.extend()
        self._add_surroundings()
        self._add_notes()
        self._add_readme()

    def extend(self) -> None:
        """Add parts of your own; called once the platform's parts exist."""

    # Parts

    def _add_parts(self) -> None:
        plan, components = self.plan, self.deployment.components
        consumers: list[DatabaseConsumer] = []
        if plan.products:
            DataProducts(self, "products", plan.products)
        if plan.object_store is not None:
            ObjectStore(self, values=plan.object_store)
        if plan.otel:
            OtelGateway(
                self, "otel", strategy=components.otel.strategy, source=components.otel.chart, exporters=plan.exporters
            )
        if plan.dagster:
            dagster = DagsterStack(
                self,
                "dagster",
                source=components.dagster.chart,
                locations=plan.locations,
                credential_secrets=[secret.name for secret in plan.credentials],
                otlp=plan.otel,
                lineage=plan.marquez,
            )
            consumers.append(dagster.database_consumer())
        if plan.polaris:
            polaris = PolarisCatalog(
                self,
                "polaris",
                source=components.polaris.chart,
                otlp=plan.otel,
                storage=plan.object_store is not None,
            )
            consumers.append(polaris.database_consumer())
        if plan.marquez:
            consumers.append(Marquez(self, "marquez").database_consumer())
        if consumers and components.postgres.enabled is not False:
            PostgresCluster(self, "postgres", consumers=consumers)
        if plan.minio:
            Minio(self, "minio", source=components.minio.chart, buckets=plan.buckets)

    def _add_surroundings(self) -> None:
        """What stands around the parts, made from what they declare; so it comes last."""
        self.secrets = PlatformSecrets(self, "secrets", secrets=self.required_secrets())

    def extra_labels(self) -> dict[str, str]:
        """The environment's name."""
        return {"environment": cast("PlatformValues", self.refs).environment}

    def rules(self) -> tuple[ValueRule, ...]:
        """Secrets are generated in development and test only."""
        kinds = {name: environment.kind for name, environment in self.deployment.environments.items()}
        return self.secrets.rules([name for name, kind in kinds.items() if kind in ("development", "test")])

    @property
    def parts(self) -> list[PlatformPart[Any]]:
        """The platform's parts."""
        return [part for part in self.components.values() if isinstance(part, PlatformPart)]

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
        """The Secrets of :meth:`required_secrets`."""
        return [ProvidedObject("Secret", secret.name, secret.key_names) for secret in self.required_secrets()]

    # Layers

    def preset_values(self, environment: Environment, values: Mapping[str, Any]) -> dict[str, Any]:
        """The layer of the resource preset: every value of the type Resources, by the component's preset.

        ``values`` say which parts are switched on in the environment; the others are left out, as their values would
        say nothing.
        """
        tree: dict[str, Any] = {}
        for part in self.components.values():
            if not values.get(part.id, {}).get("enabled", True):
                continue
            component = getattr(self.deployment.components, part.id, None)
            name = (component.resources if component else None) or environment.resources
            preset = self.deployment.presets[name].model_dump(mode="json")
            below = _resources(Spec("object", model=type(part.values)), preset)
            if below:
                tree[part.id] = below
        return tree

    def environment_values(self, environment: Environment, name: str) -> dict[str, Any]:
        """The layer of the environment ``name``: what each part says of it."""
        layers = {part.id: dict(part.environment_values(environment)) for part in self.parts}
        parts = {part: values for part, values in layers.items() if values}
        return {"environment": name, **parts}

    def derived_values(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """What follows from the final ``values`` of an environment where they are not those of ``base``."""
        layers = {part.id: dict(part.derived_values(base, values)) for part in self.parts}
        return {part: tree for part, tree in layers.items() if tree}

    # Reports

    def open_dependencies(self) -> list[str]:
        """A line for each dependency of a version whose keys are not known, so that misspelt ones pass."""
        return [
            f"{part.id}: the keys of {part.dependency.name} {part.dependency.version} are not known: misspelt ones pass"
            for part in self.components.values()
            if part.open_values and part.dependency is not None
        ]

    def unanswered(self, served: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """In-cluster endpoints in the artifacts that no Service of the release answers to, a line for each.

        ``served`` holds the final values of each environment: what is switched off there does not answer, and a
        product whose values name another object store does not ask its artifact's.
        """
        by_environment = {
            name: {
                f"{endpoint.static_host(self)}:{endpoint.port}"
                for part, endpoint in self.endpoints()
                if values.get(part.id, {}).get("enabled", True)
            }
            for name, values in served.items()
        }
        everywhere = sorted({f"{endpoint.static_host(self)}:{endpoint.port}" for _, endpoint in self.endpoints()})
        namespaces = {self.deployment.namespace(name) for name in self.deployment.environment_names}
        lines: list[str] = []
        for artifact in self.artifacts:
            for found in find_endpoints(artifact):
                if not found.in_cluster and found.host != "localhost":
                    continue
                if found.namespace is not None and found.namespace not in namespaces:
                    continue
                address = f"{found.service or found.host}:{found.service_port}"
                missing = [
                    name
                    for name, answers in by_environment.items()
                    if address not in answers and not self._another_store(artifact, found, served[name])
                ]
                if not missing:
                    continue
                problem = f"no Service of the release answers to {found.url}"
                if address in everywhere:
                    problem += f" in {', '.join(missing)}; it is switched off there"
                    if found.field == _STORE and found.namespace is None:
                        value = f"products.byName.{artifact.slug}.storage.endpoint"
                        problem += (
                            f", and the product's file does not name it; a store that is not AWS S3 goes into {value}"
                        )
                else:
                    problem += f"; the nearest is {_nearest_address(address, everywhere)}"
                lines.append(f"{artifact.source}: {found.field}: {problem}")
        return list(dict.fromkeys(lines))

    def _another_store(self, artifact: CompiledArtifacts, found: ArtifactEndpoint, values: Mapping[str, Any]) -> bool:
        """Whether ``found`` is the product's object store, and the values name another."""
        product = values.get("products", {}).get("byName", {}).get(artifact.slug, {})
        store = product.get("storage", {}).get("endpoint")
        own = next(fact.storage_endpoint for fact in self.plan.products if fact.slug == artifact.slug)
        return found.field == _STORE and store not in (None, own)

    # Texts

    def _add_notes(self) -> None:
        secrets = self.required_secrets()
        if secrets:
            self.notes.append("Secrets that must exist in the namespace, each with its keys:")
            self.notes += [
                f"  {secret.name}: {', '.join(secret.key_names)}"
                + (f"  (where {secret.condition})" if secret.condition else "")
                for secret in secrets
            ]
        steps = self.first_steps()
        if steps:
            self.notes += ["Before first use:", *(f"  {step}" for step in steps)]

    def prerequisites(self) -> list[str]:
        """What the cluster must have, a sentence each."""
        found = ["Kubernetes 1.28 or newer, and a default StorageClass or one named in the values."]
        if "postgres" in self.components:
            found.append("The CloudNativePG operator (`postgresql.cnpg.io/v1`) where `postgres.mode` is `operator`.")
        if self.plan.otel:
            found.append("A metrics server where `otel.autoscaling.enabled` is true.")
        if self.dependencies():
            found.append("Access to the repositories of the dependencies in Chart.yaml, or to mirrors of them.")
        return found

    def first_steps(self) -> list[str]:
        """What somebody must do once that no chart here does, a sentence each."""
        found = []
        if self.plan.dagster:
            found.append(
                "Dagster's images (webserver, daemon, runs) must hold the Python modules of the data products."
            )
        if self.plan.polaris:
            found.append(
                "Polaris' realm must be bootstrapped once with its admin tool where it keeps catalogs in a database."
            )
        return found

    def _add_readme(self) -> None:
        deployment = self.deployment
        environments = [
            (
                name,
                deployment.cluster_of(name),
                f"`{deployment.namespace(name)}`",
                environment.resources,
                environment.postgres,
                environment.object_store,
                "yes" if environment.high_availability else "no",
            )
            for name, environment in deployment.environments.items()
        ]
        head = ("Environment", "Cluster", "Namespace", "Resources", "PostgreSQL", "Object store", "High availability")
        products = [
            (f"`{fact.slug}`", fact.version, fact.domain or "", str(len(fact.models))) for fact in self.plan.products
        ]
        secrets: list[tuple[str, ...]] = [
            (
                f"`{secret.name}`",
                ", ".join(f"`{key}`" for key in secret.key_names),
                secret.purpose,
                secret.condition or "always",
            )
            for secret in self.required_secrets()
        ]
        self.readme_sections += [
            "## Environments",
            markdown_table(head, environments).rstrip("\n"),
            "## Data products",
            markdown_table(("Product", "Version", "Domain", "Models"), products).rstrip("\n"),
        ]
        self.readme_sections += [
            "## Install",
            "The cluster needs:\n\n" + "\n".join(f"- {line}" for line in self.prerequisites()),
            "Create the namespace and the Secrets below, then:",
            _install_commands(self.chart_name, deployment),
        ]
        steps = self.first_steps()
        if steps:
            self.readme_sections.append("Before first use:\n\n" + "\n".join(f"- {line}" for line in steps))
        if secrets:
            self.readme_sections += [
                "## Secrets",
                "They must exist in the namespace before the chart is installed.",
                markdown_table(("Secret", "Keys", "For", "Where"), secrets).rstrip("\n"),
            ]


def _install_commands(chart: str, deployment: Deployment) -> str:
    """The commands that install the chart in its first environment, as a Markdown block."""
    name = deployment.environment_names[0]
    return "\n".join(
        (
            "```sh",
            "helm dependency build .",
            f"helm upgrade --install {chart} . --values values-{name}.yaml --namespace {deployment.namespace(name)}",
            "```",
        )
    )


def _resources(spec: Spec, preset: Mapping[str, Any]) -> dict[str, Any]:
    """The tree in which every value of the type Resources is ``preset``."""
    tree: dict[str, Any] = {}
    if spec.model is None:
        return tree
    for name, prop in property_specs(spec.model).items():
        if prop.spec.model is None or prop.spec.kind != "object":
            continue
        if issubclass(prop.spec.model, Resources):
            tree[name] = dict(preset)
        else:
            below = _resources(prop.spec, preset)
            if below:
                tree[name] = below
    return tree


def _nearest_address(address: str, known: Sequence[str]) -> str:
    """The known ``host:port`` most like ``address``: on the same host, by its name, on the same port, or at all."""
    host, _, port = address.rpartition(":")
    same_host = [one for one in known if one.startswith(f"{host}:")]
    if same_host and port.isdigit():
        return min(same_host, key=lambda one: abs(int(one.rpartition(":")[2]) - int(port)))
    same_port = next((one for one in known if one.endswith(f":{port}")), None)
    close = nearest(address, known) or same_port or next(iter(get_close_matches(address, known, n=1, cutoff=0.0)), None)
    return close or "none"


def _newest(versions: Any) -> str:
    """The newest of dotted versions; numbers compare as numbers."""

    def key(version: str) -> list[tuple[int, str]]:
        return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in version.split(".")]

    return max(versions, key=key, default="0.0.0")
