"""Values of Apache Polaris' Helm chart that say how Polaris works: what becomes its application.properties.

Keys are those of chart 1.7.0. The chart passes texts through Helm's ``tpl``, so none of them may hold ``{{``.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from floe_charts.constructs.polaris.properties import RealmName
from floe_charts.constructs.polaris.server import TOKEN_KEY
from floe_charts.constructs.shared_values import OptionalName
from floe_charts.helm import Const, Field, SubchartValues
from floe_charts.helm.patterns import form

__all__ = [
    "AdvancedText",
    "AuthenticationValues",
    "JdbcSecret",
    "JdbcValues",
    "LoggingValues",
    "PersistenceValues",
    "PolarisTracing",
    "RealmContext",
    "TokenBroker",
    "TokenSecret",
]

_SecretKey = Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)]
AdvancedText = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^(([!-\[\]-z|}~]|\{[ -\[\]-z|}~])([ -\[\]-z|}~]|\{[ -\[\]-z|}~])*)?\{?$",
            "a text of printable ASCII without backslashes, two opening braces and a space in front",
        )
    ),
]
"""The text of a property, as :data:`~floe_charts.constructs.polaris.properties.PropertyText`, and without ``{{``."""
_AttributeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=200)]
_AttributeText = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^[A-Za-z0-9_.:/@+-]*$", "a text of letters, digits and the signs _ . : / @ + -"), max_length=200
    ),
]
_Url = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$")]


class JdbcSecret(SubchartValues):
    """The Secret with the role in PostgreSQL."""

    name: OptionalName = Field(
        "", description="Its name; empty with persistence.type in-memory, else pods wait for it."
    )
    username: _SecretKey = Field("username", description="Key of the role.")
    password: _SecretKey = Field("password", description="Key of the password.")
    jdbc_url: Annotated[str, Const("")] = Field(
        "", description="No key: the URL follows from the values of PostgreSQL, and stands in advancedConfig."
    )


class JdbcValues(SubchartValues):
    """The connection to PostgreSQL."""

    secret: JdbcSecret = Field(JdbcSecret())


class PersistenceValues(SubchartValues):
    """Where Polaris keeps its catalogs."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"nosql"})

    type: Literal["relational-jdbc", "in-memory"] = Field(
        "relational-jdbc", description="in-memory forgets everything at a restart: for tests, with one pod."
    )
    relational_jdbc: JdbcValues = Field(JdbcValues())


class SymmetricKey(SubchartValues):
    """The key with type symmetric-key."""

    secret_key: _SecretKey = Field(TOKEN_KEY, description="Key in the Secret.")


class RsaKeyPair(SubchartValues):
    """The key pair with type rsa-key-pair."""

    public_key: _SecretKey = Field("public.pem", description="Key of the public key in the Secret.")
    private_key: _SecretKey = Field("private.pem", description="Key of the private key in the Secret.")


class TokenSecret(SubchartValues):
    """The Secret with the key that signs tokens."""

    # The flat form of older versions, which the nested one overrules.
    known_keys: ClassVar[frozenset[str] | None] = frozenset({"privateKey", "publicKey", "secretKey"})

    name: OptionalName = Field(
        "", description="Its name; empty: a key made by each pod, good for one pod and no restart."
    )
    symmetric_key: SymmetricKey = Field(SymmetricKey())
    rsa_key_pair: RsaKeyPair = Field(RsaKeyPair())


class TokenBroker(SubchartValues):
    """How Polaris signs its tokens."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"maxTokenGeneration"})

    type: Literal["symmetric-key", "rsa-key-pair"] = Field("symmetric-key", description="Kind of the key.")
    secret: TokenSecret = Field(TokenSecret())


class AuthenticationValues(SubchartValues):
    """How clients prove who they are."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"authenticator", "realmOverrides", "tokenService"})

    type: Literal["internal", "external", "mixed"] = Field(
        "internal", description="Tokens of Polaris, of an OIDC provider, or both."
    )
    token_broker: TokenBroker = Field(TokenBroker())


class PolarisTracing(SubchartValues):
    """Where Polaris sends its traces."""

    enabled: bool = Field(False, description="Send traces.")
    endpoint: _Url = Field("http://localhost:4317", description="OTLP gRPC address.")
    sample: Annotated[
        str, StringConstraints(pattern=form(r"^(all|none|[01](\.[0-9]+)?d?)$", "all, none, or a ratio such as 0.1d"))
    ] = Field("1.0d", description="all, none, or the fraction of traces that is sent.")
    attributes: dict[_AttributeName, _AttributeText] = Field({}, description="Resource attributes of the traces.")


class LoggingValues(SubchartValues):
    """What Polaris logs."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset(
        {"categories", "console", "file", "mdc", "requestIdHeaderName"}
    )

    level: Literal["ERROR", "WARN", "INFO", "DEBUG", "TRACE"] = Field(
        "INFO", description="Least severity that is logged."
    )


class RealmContext(SubchartValues):
    """The realms that Polaris serves."""

    type: Literal["default"] = Field("default", description="How a request says its realm.")
    realms: list[RealmName] = Field(["POLARIS"], min_length=1, description="Realms; the first is the default.")
    require_header: bool = Field(False, description="Refuse requests that name no realm.")
