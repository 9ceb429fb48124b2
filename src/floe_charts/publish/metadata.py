"""Chart.yaml as registries and indexes hold it: the fields that Helm knows, of the types that Helm takes.

The fields are those of Helm 4 (``pkg/chart/v2``: Metadata, Maintainer, Dependency). Helm reads an index strictly, so
fields that it does not know stay out of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from floe_charts.errors import PublishError, shorten
from floe_charts.helm.semver import SEMVER

__all__ = ["ChartMetadata", "read_metadata"]

# Helm packs and pulls versions with a v before them too, though its lint does not like them.
_VERSION = SEMVER.replace("^", "^v?", 1)
_EXPECTED = {"version": "expected a semantic version such as 1.2.0", "model_type": "expected a map"}
_NAME = r"^[a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?$"


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class _Maintainer(_Part):
    name: str | None = None
    email: str | None = None
    url: str | None = None


class _Dependency(_Part):
    name: str
    version: str | None = None
    repository: str | None = None
    condition: str | None = None
    tags: list[str] | None = None
    enabled: bool | None = None
    import_values: list[object] | None = Field(None, alias="import-values")
    alias: str | None = None


class ChartMetadata(_Part):
    """What Chart.yaml says about a chart."""

    apiVersion: Literal["v1", "v2"]
    name: Annotated[str, StringConstraints(pattern=_NAME, max_length=250)]
    version: Annotated[str, StringConstraints(pattern=_VERSION)]
    home: str | None = None
    sources: list[str] | None = None
    description: str | None = None
    keywords: list[str] | None = None
    maintainers: list[_Maintainer] | None = None
    icon: str | None = None
    condition: str | None = None
    tags: str | None = None
    appVersion: str | None = None
    deprecated: bool | None = None
    annotations: dict[str, str] | None = None
    kubeVersion: str | None = None
    dependencies: list[_Dependency] | None = None
    type: Literal["", "application", "library"] | None = None

    def tree(self) -> dict[str, object]:
        """The fields that say something, as JSON values."""
        dumped: dict[str, object] = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {key: value for key, value in dumped.items() if value or value == 0}


def read_metadata(chart_yaml: Mapping[str, object], source: str) -> ChartMetadata:
    """Check a Chart.yaml; raise PublishError, with the field, for what Helm would refuse to publish."""
    try:
        return ChartMetadata.model_validate(chart_yaml)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(map(str, first["loc"]))
        should = _EXPECTED.get(path if path == "version" else first["type"], first["msg"].replace("Input", "it"))
        found = "is missing" if first["type"] == "missing" else f"found {shorten(first['input'])}; {should}"
        raise PublishError(f"{source}/Chart.yaml", path, found) from None
