"""The values of Polaris' bootstrap and setup."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from floe_charts.constructs.postgres.wait import CLIENT_IMAGE
from floe_charts.helm import (
    DnsName,
    ExtraEnv,
    Field,
    Image,
    PodValues,
    PrintableText,
    ResourceList,
    Values,
    Without,
)
from floe_charts.helm.patterns import form

__all__ = ["CatalogValues", "JobResources", "PolarisSetupValues", "PrincipalValues", "SetupVariables"]

NAME_PATTERN = form(
    r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", "a name of letters, digits, '_', '.' and '-', with a letter or digit first"
)
LOCATION_PATTERN = form(
    r"^s3://[a-z0-9][a-z0-9.-]*[a-z0-9](/[A-Za-z0-9!_.*'()-]+)*/?$", "a place in S3, such as s3://lake/orders"
)

_Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=128)]
_Location = Annotated[str, StringConstraints(pattern=LOCATION_PATTERN, max_length=1024)]
_Privilege = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^[A-Z]+(_[A-Z]+)*$", "a privilege of Polaris, such as CATALOG_MANAGE_CONTENT"), max_length=64
    ),
]
_PropertyName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=200)]
_SecretKey = Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)]
_RoleArn = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$",
            "the ARN of a role, such as arn:aws:iam::123456789012:role/lake",
        )
    ),
]
_ExternalId = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^[A-Za-z0-9+=,.@:/-]+$", "an external id of letters, digits and the signs + = , . @ : / -"),
        min_length=2,
        max_length=1224,
    ),
]
_Url = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$")]

SetupVariables = Without(
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_S3_FORCE_PATH_STYLE",
    "CLIENT_ENDPOINT_URL",
    "CREDENTIALS_DIRECTORY",
    "POLARIS_REALMS",
    "POLARIS_URL",
    "PYTHONDONTWRITEBYTECODE",
    "QUARKUS_DATASOURCE_JDBC_URL",
    "QUARKUS_DATASOURCE_PASSWORD",
    "QUARKUS_DATASOURCE_USERNAME",
    "ROOT_CLIENT_ID",
    "ROOT_CLIENT_SECRET",
    "WANTED_FILE",
)
"""The Jobs' own variables."""


class CatalogValues(Values):
    """A catalog: what clients call a warehouse."""

    base_location: _Location = Field("s3://bucket/warehouse", description="Where its tables are by default.")
    allowed_locations: list[_Location] | None = Field(
        None, description="Further places where tables may be; no two catalogs may overlap."
    )
    properties: dict[_PropertyName, PrintableText] | None = Field(None, description="Properties of the catalog.")
    role: _Name = Field("writer", description="Role in the catalog that is given the privileges.")
    privileges: list[_Privilege] = Field(
        ["CATALOG_MANAGE_CONTENT"], description="Privileges of the role; one that goes from here stays in Polaris."
    )
    principal_roles: list[_Name] = Field([], description="Principal roles that are given the role.")
    role_arn: _RoleArn | None = Field(
        None, description="Role in AWS that Polaris takes on to give clients short-lived credentials."
    )
    external_id: _ExternalId | None = Field(None, description="External id that the role in AWS asks for.")
    sts_unavailable: bool | None = Field(
        None,
        description="Whether the store has no STS, which makes the credentials; absent: AWS without a role has none.",
    )


class PrincipalValues(Values):
    """A principal: who logs in."""

    secret_name: DnsName = Field("principal", description="Secret with the client's id and secret.")
    client_id_key: _SecretKey = Field("client-id", description="Key of the id; each principal has its own id.")
    client_secret_key: _SecretKey = Field("client-secret", description="Key of the client's secret.")
    roles: list[_Name] = Field([], description="Principal roles; one that goes from here stays in Polaris.")


class JobResources(Values):
    """CPU and memory of each Job."""

    requests: ResourceList = Field(ResourceList(cpu="100m", memory="256Mi"), description="What the scheduler reserves.")
    limits: ResourceList = Field(ResourceList(cpu="1000m", memory="512Mi"), description="What the container may use.")


class PolarisSetupValues(PodValues):
    """What Helm does in Polaris after each install and upgrade; it adds and changes, and takes nothing away."""

    enabled: bool = Field(True, description="Bootstrap Polaris, and make catalogs and principals.")
    image: Image = Field(
        Image(repository="library/python", tag="3.13.16-slim-trixie"),
        description="Image with Python, 3.11 or newer, that makes catalogs and principals.",
    )
    admin_image: Image = Field(
        Image(repository="apache/polaris-admin-tool"),
        description="Image of Polaris' admin tool, which bootstraps; of the server's version.",
    )
    client_image: Image = Field(CLIENT_IMAGE, description="Image with psql, which waits for the database.")
    secret_name: DnsName = Field(
        "polaris-bootstrap",
        description="Secret with keys client-id and client-secret: those that Polaris is bootstrapped with, for good.",
    )
    catalogs: dict[_Name, CatalogValues] = Field({}, description="Catalogs by name.")
    principals: Annotated[dict[_Name, PrincipalValues], Without("root")] = Field({}, description="Principals by name.")
    client_endpoint: _Url | None = Field(
        None, description="Address of the object store for clients of the catalogs; absent: objectStore.endpoint."
    )
    deadline_seconds: int = Field(600, ge=60, le=86400, description="Seconds that each Job has.")
    resources: JobResources = JobResources()
    extra_env: Annotated[ExtraEnv, SetupVariables] = Field({}, description="Further environment variables, by name.")
