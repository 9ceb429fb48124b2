"""Values of MinIO whose templates are generated here."""

from __future__ import annotations

from typing import Annotated

from floe_charts.constructs.minio.buckets import BucketList
from floe_charts.constructs.service_values import ServiceValues
from floe_charts.helm import AccountPodValues, DnsName, ExtraEnv, Field, Image, Quantity, Resources, Values, Without

__all__ = ["DATA_PATH", "MINIO_IMAGE", "MINIO_UID", "MinioStorage", "NativeMinioValues"]

# MinIO's own images are gone; Bitnami's that can be pulled without a contract moved here in 2025 and stand still.
MINIO_IMAGE = Image(repository="bitnamilegacy/minio", tag="2024.12.18-debian-12-r1")
MINIO_UID = 1001
DATA_PATH = "/bitnami/minio/data"
"""Where the image keeps objects."""


class MinioStorage(Values):
    """Where objects are kept."""

    enabled: bool = Field(True, description="Keep objects on a volume, which outlives the release; off: with the pod.")
    size: Quantity = Field("10Gi", description="Size of the volume; it can grow where its StorageClass allows it.")
    storage_class: DnsName | None = Field(
        None, description="StorageClass, fixed once the volume exists; absent: the cluster's default."
    )


class NativeMinioValues(AccountPodValues):
    """MinIO, an S3-compatible object store for development and test: one pod, no redundancy."""

    enabled: bool = Field(False, description="Run MinIO; for development and test only.")
    image: Image = Field(MINIO_IMAGE, description="Bitnami's image, which makes the buckets when it starts.")
    default_buckets: BucketList = Field("", description="Buckets made at the start, separated by commas.")
    service: ServiceValues = ServiceValues()
    persistence: MinioStorage = MinioStorage()
    resources: Resources = Resources()
    extra_env: Annotated[
        ExtraEnv,
        Without("MINIO_DEFAULT_BUCKETS", "MINIO_PROMETHEUS_AUTH_TYPE", "MINIO_ROOT_PASSWORD", "MINIO_ROOT_USER"),
    ] = Field({}, description="Further environment variables, by name.")
