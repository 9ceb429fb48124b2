"""The values of Dagster's code locations: Python modules in its own image, or gRPC servers with images of their own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal

import pydantic
from pydantic import StringConstraints, create_model

from floe_charts.constructs.dagster.values import DATABASE_VARIABLES
from floe_charts.constructs.network import DAGSTER_CODE
from floe_charts.constructs.pod_values import AbsolutePath
from floe_charts.errors import DeclarationError
from floe_charts.helm import AccountPodValues, DnsName, ExtraEnv, Field, HelmChart, Resources, Values, Without
from floe_charts.helm.patterns import DNS_LABEL_PATTERN, REGISTRY_PATTERN, form
from floe_charts.helm.shared import NAME_LIMIT

__all__ = [
    "CodeImage",
    "CodeLocation",
    "CodeServerValues",
    "LocationValues",
    "WorkspaceValues",
    "workspace_values",
]

_LocationName = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^[a-zA-Z][a-zA-Z0-9_-]*$", "a name of letters, digits, '_' and '-' that begins with a letter"),
        max_length=128,
    ),
]
_ModuleName = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$", "a module of Python, such as sales.definitions"
        ),
        max_length=255,
    ),
]
_AttributeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
_SERVER_VARIABLES = Without("DAGSTER_CURRENT_IMAGE", "HOME", "OTEL_SERVICE_NAME", *DATABASE_VARIABLES)
# Of the name of a Service.
_NAME_LENGTH = 63


@dataclass(frozen=True)
class CodeLocation:
    """Where Dagster finds the definitions of a data product: a Python module.

    ``key`` is a DNS label that tells it among the values; without it, it follows from ``name``. ``secrets`` become
    environment variables of its server, where it has one. A new ``version`` rolls webserver and daemon, which read the
    code when they start.
    """

    name: str
    module: str
    version: str = ""
    key: str = ""
    secrets: tuple[str, ...] = ()

    @classmethod
    def of_product(cls, name: str, version: str = "", *, key: str = "", secrets: Iterable[str] = ()) -> CodeLocation:
        """The code location of the product ``name``: the module is its name in small letters, dashes as underscores."""
        return cls(name, name.lower().replace("-", "_"), version, key, tuple(secrets))


class CodeImage(Values):
    """An image with the code of one location, Dagster and dagster-postgres."""

    registry: Annotated[str, StringConstraints(pattern=REGISTRY_PATTERN)] = Field(
        "docker.io", description="Host of the registry; imageRegistry takes its place."
    )
    repository: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9._/-]*[a-z0-9])?$")] = Field(
        "code", description="Repository in the registry."
    )
    tag: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")] = Field(
        "latest", description="Tag of the image."
    )
    # Optional, for in an entry of a map everything else must be said.
    digest: Annotated[str, StringConstraints(pattern=r"^(sha256:[a-f0-9]{64})?$")] | None = Field(
        None, description="Digest that pins the image, sha256: and 64 digits; absent: the tag decides."
    )
    pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = Field(
        None, description="When a node pulls it for the server; absent: Always for the tag latest, else IfNotPresent."
    )


class LocationValues(Values):
    """A code location."""

    name: _LocationName | None = Field(None, description="Its name in Dagster, which no two share; absent: the key.")
    module: _ModuleName = Field("definitions", description="Python module that holds the definitions.")
    attribute: _AttributeName | None = Field(None, description="Name of the Definitions object in the module.")
    working_directory: AbsolutePath | None = Field(None, description="Directory from which the module is imported.")
    image: CodeImage | None = Field(
        None,
        description="Image of a gRPC server that serves the location, and of its runs; absent: webserver, daemon and "
        "runs import the module from their own image, at about 130 MiB in webserver and daemon.",
    )
    resources: Resources | None = Field(
        None, description="CPU and memory of its server; absent: codeServers.resources."
    )
    env_config_maps: list[DnsName] | None = Field(
        None, description="ConfigMaps that become environment variables of its server."
    )
    env_secrets: list[DnsName] | None = Field(
        None, description="Secrets that become environment variables of its server; they must exist."
    )


class CodeServerValues(AccountPodValues):
    """What all gRPC servers of code locations have in common."""

    resources: Resources = Resources()
    run_as_user: int = Field(10001, ge=1, le=2147483647, description="User of the processes, and their group.")
    log_format: Literal["colored", "json", "rich"] = Field("json", description="Form of the servers' logs.")
    log_level: Literal["debug", "info", "warning", "error", "critical"] = Field(
        "info", description="Least severity that the servers log."
    )
    extra_env: Annotated[ExtraEnv, _SERVER_VARIABLES] = Field({}, description="Further environment variables, by name.")


class WorkspaceValues(Values):
    """Dagster's workspace: the code locations that webserver and daemon load."""

    locations: dict[str, LocationValues] = Field({}, description="Code locations by a DNS label.")
    code_servers: CodeServerValues = CodeServerValues()


def workspace_values(chart: HelmChart, locations: Iterable[CodeLocation]) -> WorkspaceValues:
    """Values whose default are ``locations``; a key is as long as the name of a Service lets it be.

    Raises :class:`DeclarationError` for two locations of one name or key.
    """
    fullname = len(chart.values.fullname_override) if chart.fixed_fullname else NAME_LIMIT
    longest = _NAME_LENGTH - fullname - len(f"-{DAGSTER_CODE.suffix}-")
    made: dict[str, LocationValues] = {}
    names: set[str] = set()
    for one in sorted(locations, key=lambda one: one.name):
        key = _key(one, longest)
        if key in made or one.name in names:
            raise DeclarationError(
                f"two code locations are called {one.name}, or differ in no more than case and signs"
            )
        secrets = list(one.secrets) or None
        made[key] = LocationValues(name=one.name, module=one.module, env_secrets=secrets)
        names.add(one.name)
    return _values_class(longest)(locations=made)


def _key(location: CodeLocation, longest: int) -> str:
    """The location's key; a long one ends in a hash of the whole."""
    label = location.key or re.sub(r"[^a-z0-9]+", "-", location.name.lower()).strip("-")
    if len(label) <= longest:
        return label
    return f"{label[: longest - 9].rstrip('-')}-{hashlib.sha256(label.encode()).hexdigest()[:8]}"


@cache
def _values_class(longest: int) -> type[WorkspaceValues]:
    key = Annotated[str, StringConstraints(pattern=DNS_LABEL_PATTERN, max_length=longest)]
    field: Any = pydantic.Field({}, description="Code locations by a DNS label.")
    return create_model(
        "WorkspaceValues",
        __base__=WorkspaceValues,
        __doc__=WorkspaceValues.__doc__,
        locations=(dict[key, LocationValues], field),
    )
