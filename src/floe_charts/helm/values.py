"""Values: declared once, as pydantic models; and the types that their fields share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, cast

import pydantic
from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

from floe_charts.helm.patterns import (
    DIGEST_PATTERN,
    DNS_LABEL_PATTERN,
    DNS_NAME_PATTERN,
    ENV_NAME_PATTERN,
    LABEL_KEY_PATTERN,
    LABEL_VALUE_PATTERN,
    NAMESPACE_PATTERN,
    PRINTABLE_PATTERN,
    QUANTITY_PATTERN,
    REGISTRY_PATTERN,
    REPOSITORY_PATTERN,
    TAG_PATTERN,
    URL_PATH_PATTERN,
)

__all__ = [
    "AnyJson",
    "Const",
    "DnsLabel",
    "DnsName",
    "EnvName",
    "Field",
    "GatewayRef",
    "Image",
    "IngressValues",
    "LabelKey",
    "LabelValue",
    "NodeSelector",
    "ObjectRef",
    "OneOf",
    "Port",
    "PrintableText",
    "Quantity",
    "ResourceList",
    "Resources",
    "RouteValues",
    "StringMap",
    "SubchartValues",
    "UrlPath",
    "Values",
]


class Values(BaseModel):
    """The values of one component: defaults, types, bounds and one-line descriptions.

    Attributes are written in snake_case and stand in values.yaml in camelCase. The docstring's first paragraph
    describes the whole; each field has a description, as its own ``description`` or as its class's docstring.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        defer_build=True,
        strict=True,
    )

    if TYPE_CHECKING:
        # A reference has these, so that ``{**v.resources}`` puts the object's entries among others.
        def keys(self) -> Iterator[str]:
            """The keys."""

        def __getitem__(self, key: str) -> Any:
            """The value of a key."""

    def to_values(self) -> dict[str, Any]:
        """The tree as it stands in values.yaml: camelCase keys, JSON types; fields that are None are left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class SubchartValues(Values):
    """Values handed to a dependency, or an object inside them.

    ``known_keys`` are the keys that the dependency's own values have at this place beside the declared ones: Helm
    merges a dependency's defaults into its parent's values before it holds them against the parent's schema, so these
    keys must pass. None leaves the object open, for a dependency whose keys are not known.
    """

    known_keys: ClassVar[frozenset[str] | None] = frozenset()


_T = TypeVar("_T")


def Field(default: _T, *, description: str = "", **bounds: Any) -> _T:
    """A field's default, description and bounds (``ge``, ``le``, ``pattern``, ``min_length``, ``alias``, ...).

    The same as ``pydantic.Field`` for a field that has a default, as every value of a chart has.
    """
    return cast("_T", pydantic.Field(default, description=description, **bounds))


@dataclass(frozen=True)
class Const:
    """Marks a field whose default may not be changed by values (JSON Schema's ``const``)."""

    value: str | int | float | bool

    @property
    def json_schema(self) -> dict[str, Any]:
        """The keyword for values.schema.json."""
        return {"const": self.value}


@dataclass(frozen=True)
class OneOf:
    """Marks a text, or the key of a map, that is one of some known only when the chart is made (``enum``)."""

    texts: tuple[str, ...]

    @property
    def json_schema(self) -> dict[str, Any]:
        """The keyword for values.schema.json."""
        return {"enum": list(self.texts)}


Quantity = Annotated[str, StringConstraints(pattern=QUANTITY_PATTERN, max_length=24)]
"""An amount of a resource: ``250m``, ``512Mi``."""
DnsLabel = Annotated[str, StringConstraints(pattern=DNS_LABEL_PATTERN, max_length=63)]
"""A name as Services and ports of a pod have it (RFC 1035 label)."""
DnsName = Annotated[str, StringConstraints(pattern=DNS_NAME_PATTERN, max_length=253)]
"""A name as Secrets and ConfigMaps have it (RFC 1123 subdomain), or a host."""
EnvName = Annotated[str, StringConstraints(pattern=ENV_NAME_PATTERN, max_length=253)]
"""The name of an environment variable, or of a Secret's key that becomes one."""
LabelKey = Annotated[str, StringConstraints(pattern=LABEL_KEY_PATTERN, max_length=253)]
"""The key of a label or annotation."""
LabelValue = Annotated[str, StringConstraints(pattern=LABEL_VALUE_PATTERN, max_length=63)]
"""The value of a label."""
UrlPath = Annotated[str, StringConstraints(pattern=URL_PATH_PATTERN, max_length=1024)]
"""The path of a URL."""
Port = Annotated[int, pydantic.Field(ge=1, le=65535)]
"""A TCP port."""
PrintableText = Annotated[str, StringConstraints(pattern=PRINTABLE_PATTERN)]
"""Text of printable ASCII."""
StringMap = dict[LabelKey, str]
"""Annotations."""
NodeSelector = dict[LabelKey, LabelValue]
"""Labels that a node must have."""
AnyJson = Any
"""Free-form JSON; only for what is handed to a dependency."""


class Image(Values):
    """A container image."""

    registry: Annotated[str, StringConstraints(pattern=REGISTRY_PATTERN)] = Field(
        "docker.io", description="Host of the registry; imageRegistry, where the chart has it, takes its place."
    )
    repository: Annotated[str, StringConstraints(pattern=REPOSITORY_PATTERN)] = Field(
        "", description="Repository in the registry."
    )
    tag: Annotated[str, StringConstraints(pattern=TAG_PATTERN)] = Field("latest", description="Tag of the image.")
    digest: Annotated[str, StringConstraints(pattern=DIGEST_PATTERN)] = Field(
        "", description="Digest that pins the image, sha256: and 64 digits; empty: the tag decides."
    )
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        "IfNotPresent", description="When a node pulls the image."
    )


class ObjectRef(Values):
    """An object by its name."""

    name: DnsName = Field("", description="Name of the object.")


class ResourceList(Values):
    """An amount of CPU and memory."""

    cpu: Quantity = Field("100m", description="CPU, in cores or thousandths of a core.")
    memory: Quantity = Field("256Mi", description="Memory, in bytes.")


class Resources(Values):
    """CPU and memory that a container asks for and may use; set by the resource preset."""

    requests: ResourceList = Field(ResourceList(cpu="100m", memory="256Mi"), description="What the scheduler reserves.")
    limits: ResourceList = Field(ResourceList(cpu="500m", memory="512Mi"), description="What the container may use.")


class IngressValues(Values):
    """How the service is reached from outside the cluster."""

    enabled: bool = Field(False, description="Whether there is an Ingress.")
    class_name: DnsName | None = Field(None, description="Class of the Ingress; absent: the cluster's default.")
    host: DnsName | None = Field(None, description="Host that is asked for; absent: every host.")
    path: UrlPath = Field("/", description="Path, with all that is below it.")
    tls_secret: DnsName | None = Field(None, description="Secret with the host's certificate; absent: no TLS.")
    cluster_issuer: DnsName | None = Field(
        None, description="ClusterIssuer of cert-manager that fills tlsSecret; absent: somebody else does."
    )
    annotations: StringMap = Field({}, description="Annotations, which ingress controllers are configured by.")


class GatewayRef(Values):
    """A listener of a Gateway."""

    name: DnsName = Field("gateway", description="Name of the Gateway.")
    namespace: Annotated[str, StringConstraints(pattern=NAMESPACE_PATTERN, max_length=63)] | None = Field(
        None, description="Its namespace; absent: the release's."
    )
    section_name: DnsName | None = Field(None, description="Its listener; absent: every listener.")


class RouteValues(Values):
    """How the service is reached through a Gateway (Gateway API v1)."""

    enabled: bool = Field(False, description="Whether there is an HTTPRoute.")
    gateway: GatewayRef = Field(GatewayRef(), description="The Gateway that the route belongs to.")
    hostnames: list[DnsName] = Field(
        [], max_length=16, description="Hosts that are asked for; none: those of the listener."
    )
    path: UrlPath = Field("/", description="Path, with all that is below it.")
    annotations: StringMap = Field({}, description="Annotations of the HTTPRoute.")
