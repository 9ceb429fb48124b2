"""Object storage: where the platform keeps tables and files, whoever serves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import StringConstraints

from floe_charts.constructs.network import MINIO, OBJECT_STORE_OUTSIDE, Edge, Outside
from floe_charts.constructs.part import PlatformPart, RequiredSecret, SecretKey
from floe_charts.constructs.ports import port_of
from floe_charts.deployment import Environment
from floe_charts.helm import DnsName, Field, HelmChart, Values, and_, eq, nonempty, not_, when
from floe_charts.helm.patterns import form

__all__ = ["ACCESS_KEY", "SECRET_KEY", "ObjectStore", "ObjectStoreValues", "object_store_edges"]

ACCESS_KEY = "AWS_ACCESS_KEY_ID"
"""The Secret's key of the access key's id: the variable that S3 clients read."""
SECRET_KEY = "AWS_SECRET_ACCESS_KEY"
"""The Secret's key of the secret access key."""

_Url = Annotated[str, StringConstraints(pattern=r"^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?)?$")]
_Region = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^[A-Za-z0-9-]{1,64}$", "a region of letters, digits and '-', such as eu-central-1")
    ),
]


class ObjectStoreValues(Values):
    """The S3-compatible object store that the platform's parts and runs use."""

    endpoint: _Url = Field("", description="Address of its S3 API; empty: AWS S3 of the region.")
    region: _Region = Field("us-east-1", description="Region.")
    path_style: bool = Field(False, description="Whether the bucket's name stands in the path, not in the host.")
    credentials: Literal["secret", "identity"] = Field(
        "secret", description="Keys in a Secret, or the identity of the pods' ServiceAccounts (annotate these)."
    )
    secret_name: DnsName = Field(
        "object-store", description=f"Secret with keys {ACCESS_KEY} and {SECRET_KEY}; not read with identity."
    )


class ObjectStore(PlatformPart[ObjectStoreValues]):
    """Endpoint, region and credentials of the object store, for everybody who uses it.

    The ConfigMap ``<fullname>-object-store`` holds ``AWS_REGION``, ``AWS_DEFAULT_REGION``,
    ``AWS_S3_FORCE_PATH_STYLE`` and, where it is not AWS, ``AWS_ENDPOINT_URL``; the Secret of the same name
    ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``. In development and test that is :class:`Minio`, whose
    administrator's name and password these are.
    """

    title: ClassVar[str] = "Object store"

    def __init__(self, chart: HelmChart, id: str = "objectStore", *, values: ObjectStoreValues | None = None) -> None:
        """Without a Secret's name in ``values`` it is ``<full name>-object-store``."""
        values = values or ObjectStoreValues()
        if "secret_name" not in values.model_fields_set:
            values = values.model_copy(update={"secret_name": f"{chart.values.fullname_override}-object-store"})
        super().__init__(chart, id, values)

    @property
    def config_map_name(self) -> str:
        """The ConfigMap's name as a literal, for values handed to a dependency."""
        return f"{self.chart.values.fullname_override}-object-store"

    @property
    def has_secret(self) -> bool:
        """The condition that there are keys in a Secret."""
        return eq(self.refs.credentials, "secret")

    def env_from(self) -> list[Any]:
        """``envFrom`` of a container that uses the object store."""
        secret = {"secretRef": {"name": self.refs.secret_name}}
        return [{"configMapRef": {"name": self.name("object-store")}}, when(self.has_secret, secret)]

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The Secret with the keys."""
        return (self.key_secret("access to the object store", self.has_secret, f"{self.id}.credentials is secret"),)

    def key_secret(self, purpose: str, when: bool, condition: str) -> RequiredSecret:
        """The Secret with the keys, needed for ``purpose`` under a ``condition`` (``when`` is its expression)."""
        keys = (SecretKey(ACCESS_KEY, random=20), SecretKey(SECRET_KEY, random=40))
        return RequiredSecret(
            "objectStore", self.values.secret_name, keys, purpose, self.refs.secret_name, when, condition
        )

    def outside_ports(self, values: Mapping[str, Any]) -> Mapping[Outside, Sequence[int]]:
        """The port of a store that does not answer on 443; a cloud gives identities there whatever the store."""
        endpoint = values["endpoint"]
        port = port_of(endpoint)
        if port in (None, *OBJECT_STORE_OUTSIDE.ports) or endpoint == MINIO.static_url(self.chart):
            return {}
        return {OBJECT_STORE_OUTSIDE: (port, *((443,) if values["credentials"] == "identity" else ()))}

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """MinIO's address where the environment keeps its objects there, and the chart has one."""
        if environment.object_store == "minio" and _minio_of(self.chart) is not None:
            return {"endpoint": MINIO.static_url(self.chart), "pathStyle": True, "credentials": "secret"}
        return {}

    def build(self, v: ObjectStoreValues) -> None:
        """The ConfigMap with the variables that S3 clients read."""
        data = {
            "AWS_REGION": v.region,
            "AWS_DEFAULT_REGION": v.region,
            "AWS_ENDPOINT_URL": when(nonempty(v.endpoint), v.endpoint),
            "AWS_S3_FORCE_PATH_STYLE": f"{v.path_style}",
        }
        self.add(self.config_map(self.name("object-store"), data))


def object_store_edges(chart: HelmChart, workload: str, purpose: str, *, when: bool | None = None) -> tuple[Edge, ...]:
    """The connections of the pods of ``workload`` to the object store: to MinIO where it runs, else outside.

    ``when`` is a further condition of theirs. Ask once all parts exist, as :meth:`PlatformPart.edges` is.
    """
    minio = _minio_of(chart)
    if minio is None:
        return (Edge(workload, OBJECT_STORE_OUTSIDE, purpose, when),)
    inside: bool = minio.refs.enabled
    return tuple(
        Edge(workload, target, purpose, condition if when is None else and_(when, condition))
        for target, condition in ((MINIO, inside), (OBJECT_STORE_OUTSIDE, not_(inside)))
    )


def _minio_of(chart: HelmChart) -> PlatformPart[Any] | None:
    """The part that serves MinIO's endpoint."""
    parts = [part for part in chart.components.values() if isinstance(part, PlatformPart)]
    return next((part for part in parts if MINIO in part.endpoints()), None)
