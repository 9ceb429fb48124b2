"""Object storage for development and test: MinIO, by Bitnami's chart or made here from the same image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, cast

from floe_charts.constructs.minio.buckets import is_bucket_name
from floe_charts.constructs.minio.chart import (
    CHART_NAME,
    KNOWN_VERSION,
    MinioChartValues,
    derived_minio_values,
    minio_chart_values,
)
from floe_charts.constructs.minio.native import DATA_PATH, MINIO_UID, MinioStorage, NativeMinioValues
from floe_charts.constructs.network import INGRESS, MINIO, MINIO_CONSOLE, PROMETHEUS, Edge, Endpoint, Workload
from floe_charts.constructs.object_store import ACCESS_KEY, SECRET_KEY, ObjectStore
from floe_charts.constructs.part import Check, Claim, PlatformPart, RequiredSecret, Scrape
from floe_charts.constructs.service_values import opens_outward, service_fields
from floe_charts.deployment import ChartSource, Components, Environment
from floe_charts.errors import DeclarationError, shorten
from floe_charts.helm import (
    HelmChart,
    Part,
    Values,
    http_probe,
    nonempty,
    pod_security,
    restricted_security,
    secret_key,
    when,
)

__all__ = ["KNOWN_VERSION", "Minio", "MinioChartValues", "NativeMinioValues"]

_BECAUSE = "a single pod without redundancy, from images that are no longer updated"
_INSTEAD = "for development and test only, use an external S3-compatible object store in production"
_METRICS_PATH = "/minio/v2/metrics/cluster"
# The buckets as the administrator sees them: MinIO answers, knows the credentials, and has made each.
_CHECK = """\
curl -fsS {url}/minio/health/ready
for bucket in $(echo "$BUCKETS" | tr , ' '); do
  curl -fsS -o /dev/null --aws-sigv4 "aws:amz:us-east-1:s3" --user "${key_id}:${key}" "{url}/$bucket"
done
"""


class Minio(PlatformPart[Values]):
    """MinIO with the buckets that the data products name; off until an environment switches it on.

    Its administrator's name and password are the keys of the object store's Secret. Strategy ``dependency`` hands typed
    values to Bitnami's chart, ``native`` makes every object here: one pod on port 9000 (console 9001) with one volume,
    from the same image, which makes the buckets whenever it starts.
    """

    title: ClassVar[str] = "MinIO"

    def __init__(
        self,
        chart: HelmChart,
        id: str = "minio",
        *,
        store: ObjectStore,
        strategy: Literal["dependency", "native"] = "dependency",
        source: ChartSource | None = None,
        buckets: Sequence[str] = (),
        values: NativeMinioValues | MinioChartValues | None = None,
    ) -> None:
        """``store`` is the object store that this is in some environments; ``source`` says which chart.

        ``buckets`` are made at MinIO's start. ``values`` are defaults of the strategy's own class; the fields that they
        set are kept.

        Raises :class:`DeclarationError` for a bucket that S3 would not take (ask :func:`is_bucket_name` first), and
        where ``values`` are of the other strategy.
        """
        refused = next((bucket for bucket in buckets if not is_bucket_name(bucket)), None)
        if refused is not None:
            raise DeclarationError(f"{id}: {shorten(refused)} is not the name of an S3 bucket")
        expected = NativeMinioValues if strategy == "native" else MinioChartValues
        if values is not None and not isinstance(values, expected):
            found = type(values).__name__
            raise DeclarationError(f"{id}: strategy {strategy} takes {expected.__name__}, found {found}")
        self.store = store
        self.strategy = strategy
        self.buckets = tuple(dict.fromkeys(buckets))
        super().__init__(chart, id, self._values(chart, values))
        if strategy == "dependency":
            self.depend_on(CHART_NAME, source or Components().minio.chart, known_version=KNOWN_VERSION)
        self.chart.notes.append(when(self.enabled, f"WARNING: MinIO is {_BECAUSE}:\n{_INSTEAD}."))

    def _values(self, chart: HelmChart, given: Values | None) -> Values:
        if self.strategy == "native":
            made = NativeMinioValues(default_buckets=",".join(self.buckets))
            kept = {field: getattr(given, field) for field in given.model_fields_set} if given is not None else {}
            return made.model_copy(update=kept)
        secret = self.store.values.secret_name
        return minio_chart_values(chart, secret, self.buckets, cast("MinioChartValues | None", given))

    @property
    def _either(self) -> NativeMinioValues:
        """The values, for what both classes have."""
        return cast("NativeMinioValues", self.refs)

    @property
    def enabled(self) -> bool:
        """The condition that MinIO runs."""
        return self._either.enabled

    def endpoints(self) -> tuple[Endpoint, ...]:
        """S3's API and the console."""
        return (MINIO, MINIO_CONSOLE)

    def workloads(self) -> tuple[Workload, ...]:
        """MinIO's one pod."""
        return (Workload(MINIO.workload, "MinIO", self.enabled),)

    def edges(self) -> tuple[Edge, ...]:
        """MinIO asks nobody; who uses it says so itself, by ``object_store_edges``."""
        outward = opens_outward(self._either.service.type)
        return (
            Edge(PROMETHEUS, MINIO, "metrics", self.enabled),
            Edge(INGRESS, MINIO, "S3 API", outward),
            Edge(INGRESS, MINIO_CONSOLE, "console", outward),
        )

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The object store's Secret, which holds the administrator's name and password."""
        secret = self.store.key_secret("MinIO's administrator", self.enabled, f"{self.id}.enabled is true")
        return (secret,)

    def scrapes(self) -> tuple[Scrape, ...]:
        """The server's metrics."""
        return (Scrape(MINIO, _METRICS_PATH, self.enabled),)

    def checks(self) -> tuple[Check, ...]:
        """MinIO answers, and lists each bucket to who has the credentials."""
        script = _CHECK.format(url=MINIO.url(self.chart), key_id=f"{{{ACCESS_KEY}}}", key=f"{{{SECRET_KEY}}}")
        env = {"BUCKETS": self._either.default_buckets, **self._credentials(ACCESS_KEY, SECRET_KEY)}
        return (Check("minio", script, (MINIO,), env=env, when=self.enabled),)

    def claims(self, values: Mapping[str, Any]) -> Sequence[Claim]:
        """One pod, which is gone before the next one comes, and its volume."""
        if not values["enabled"]:
            return ()
        kept = values["persistence"]["enabled"]
        size = values["persistence"]["size"] if kept else ""
        return (Claim(1, values["resources"], size, int(kept)),)

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """On where the environment keeps its objects in MinIO; in test they end with the pod."""
        if environment.object_store != "minio":
            return {}
        nodes = {"service": {"type": "NodePort"}} if environment.kind in ("development", "test") else {}
        passing = {"persistence": {"enabled": False}} if environment.kind == "test" else {}
        return {"enabled": True, **nodes, **passing}

    def derived_values(self, base: Mapping[str, Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What Bitnami's chart cannot read of others' values: the Secret's name, what holds of all objects."""
        if self.strategy == "native" or not values[self.id]["enabled"]:
            return {}
        secret = values[self.store.id]["secretName"]
        return {**derived_minio_values(values), "auth": {"existingSecret": secret}}

    def notices(self, served: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
        """A warning that names the environments in which MinIO runs."""
        found = [name for name, values in served.items() if values[self.id]["enabled"]]
        return [f"{self.id} runs in {', '.join(found)}: {_BECAUSE}; {_INSTEAD}"] if found else []

    def build(self, v: Values) -> None:
        """Make the objects of strategy ``native``; Bitnami's chart makes its own, but for the ServiceAccount."""
        if self.strategy == "native":
            self._build_native(cast("NativeMinioValues", v))
            return
        annotations = cast("MinioChartValues", v).service_account.annotations
        metadata = self.metadata(self.name(MINIO.suffix), MINIO.workload, annotations=annotations)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
        with self.when(self.enabled):
            self.add({**account, "automountServiceAccountToken": False})

    def _build_native(self, v: NativeMinioValues) -> None:
        ports = {MINIO.port_name: MINIO.port, MINIO_CONSOLE.port_name: MINIO_CONSOLE.port}
        part = self.part(MINIO.workload, ports=ports)
        with self.when(v.enabled):
            part.add_service_account(v)
            with self.when(v.persistence.enabled):
                self.add(_claim(part, v.persistence))
            self.add(self._deployment(v, part))
            self.add(part.service(**service_fields(v.service)))

    def _deployment(self, v: NativeMinioValues, part: Part) -> dict[str, Any]:
        claim = {"persistentVolumeClaim": {"claimName": part.name}}
        return part.deployment(
            replicas=1,
            # Two servers must not write to one volume.
            strategy={"type": "Recreate"},
            image=v.image,
            env={
                **self._credentials("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"),
                "MINIO_DEFAULT_BUCKETS": when(nonempty(v.default_buckets), v.default_buckets),
                "MINIO_PROMETHEUS_AUTH_TYPE": "public",
            },
            resources=v.resources,
            security=restricted_security(uid=MINIO_UID),
            # The image writes to these directories only.
            mounts={"data": DATA_PATH, "tmp": "/tmp", "work": "/opt/bitnami/minio/tmp", "home": "/.mc"},
            # The buckets are made before the server is there for good.
            startupProbe=http_probe("/minio/health/live", MINIO.port_name, period=5, failures=24),
            livenessProbe=http_probe("/minio/health/live", MINIO.port_name),
            readinessProbe=http_probe("/minio/health/ready", MINIO.port_name),
            volumes=[
                {"name": "data", **when(v.persistence.enabled, claim, {"emptyDir": {}})},
                *({"name": name, "emptyDir": {}} for name in ("tmp", "work", "home")),
            ],
            pod_security=pod_security(uid=MINIO_UID, fs_group=MINIO_UID),
            # Kubernetes' variables for Services would stand beside MinIO's own.
            pod={"enableServiceLinks": False},
            values=v,
        )

    def _credentials(self, key_id: str, key: str) -> dict[str, Any]:
        """Environment variables of these names with the keys of the object store's Secret."""
        secret = self.store.refs.secret_name
        return {key_id: secret_key(secret, ACCESS_KEY), key: secret_key(secret, SECRET_KEY)}


def _claim(part: Part, storage: MinioStorage) -> dict[str, Any]:
    """The volume's claim, kept when the release goes: the catalog's tables, which are kept too, lie there."""
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage.storage_class,
        "resources": {"requests": {"storage": storage.size}},
    }
    metadata = part.metadata(annotations={"helm.sh/resource-policy": "keep"})
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
