"""What Argo CD and Flux are told: registry, Git repository, versions and how each environment follows them."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from floe_charts.errors import shorten

from .fields import Name, Settings, is_version, refusal

__all__ = ["ArgoCd", "Flux", "GitOps", "GitOpsEnvironment", "GitRepository", "is_repository_path"]

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_PATH = rf"(\.|{_SEGMENT}(/{_SEGMENT})*)"
_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?"
_REGISTRY = rf"{_HOST}(/[a-z0-9]+([._-]+[a-z0-9]+)*)+"
_GIT_PATH = r"[A-Za-z0-9._~/%+-]+"
_GIT_URL = rf"(https://{_HOST}/{_GIT_PATH}|ssh://([A-Za-z0-9._-]+@)?{_HOST}/{_GIT_PATH}|git@{_HOST}:{_GIT_PATH})"
_REVISION = r"[A-Za-z0-9_][A-Za-z0-9._/-]*"
_SERVER = rf"https://{_HOST}(/{_GIT_PATH})?"
_DESTINATION = rf"({_SERVER}|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)"
_DURATION = r"([0-9]+(ms|s|m|h))+"
# Ranges as github.com/Masterminds/semver reads them, which Helm, Argo CD and Flux use: no field starts with a zero.
_NUMBER = r"(0|[1-9][0-9]{0,8}|[xX*])"
_PARTIAL = rf"v?{_NUMBER}(\.{_NUMBER}(\.{_NUMBER}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?)?)?"
_TERM = rf"((=|!=|>=|<=|>|<|~|\^) ?)?{_PARTIAL}"
_ALL_OF = rf"({_PARTIAL} - {_PARTIAL}|{_TERM}((, ?| ){_TERM})*)"
_RANGE = rf"{_ALL_OF}( ?\|\| ?{_ALL_OF})*"


def _fits(pattern: str, problem: str, expected: str) -> tuple[AfterValidator, WithJsonSchema]:
    def check(found: str) -> str:
        if re.fullmatch(pattern, found) is None:
            raise refusal(f"{shorten(found)} {problem}", expected)
        return found

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


def _registry(found: str) -> str:
    expected = "expected HOST/PATH, such as ghcr.io/acme/charts"
    if "@" in found:  # Nothing of it is shown: what stands before the @ is a password.
        raise refusal("a registry must not carry a user or password", "name a Secret in gitops.flux.registrySecret")
    if found.startswith("oci://"):
        raise refusal(f"{shorten(found)} starts with oci://", f"leave that out, {expected}")
    if re.fullmatch(_REGISTRY, found) is None:
        raise refusal(f"{shorten(found)} is not an OCI registry", expected)
    return found


def _git_url(found: str) -> str:
    if re.fullmatch(_GIT_URL, found) is not None:
        return found
    if re.match(r"https?://[^/]*@", found):
        raise refusal("a Git address must not carry a user or password", "give them to Argo CD as a repository Secret")
    raise refusal(f"{shorten(found)} is not a Git address", "expected https://, ssh:// or git@HOST:PATH")


def is_repository_path(text: str) -> bool:
    """Whether ``text`` is what ``gitops.path`` takes: a relative path that does not climb up, in plain letters."""
    return re.fullmatch(_PATH, text) is not None


Registry = Annotated[str, AfterValidator(_registry), WithJsonSchema({"type": "string", "pattern": f"^{_REGISTRY}$"})]
GitUrl = Annotated[str, AfterValidator(_git_url), WithJsonSchema({"type": "string", "pattern": f"^{_GIT_URL}$"})]
RepositoryPath = Annotated[
    str, *_fits(_PATH, "is not a directory of the repository", "expected a relative path, such as gitops, or '.'")
]
Revision = Annotated[str, *_fits(_REVISION, "is not a Git revision", "expected a branch, tag or commit, such as main")]
VersionRange = Annotated[
    str, *_fits(_RANGE, "is neither a version nor a range", "expected such as 1.4.2, ~1.4 or '>=1.4.2 <2.0.0'")
]
Destination = Annotated[
    str, *_fits(_DESTINATION, "is not a cluster", "expected a cluster's name in Argo CD, or https://HOST of its server")
]
Duration = Annotated[str, *_fits(_DURATION, "is not a duration", "expected such as 10m or 1h30m")]


class GitRepository(Settings):
    """The Git repository that holds the generated manifests, and the charts where values come from Git."""

    url: GitUrl | None = Field(
        default=None, description="Address that Argo CD clones: https://, ssh:// or git@HOST:PATH."
    )
    revision: Revision = Field(default="main", description="Branch, tag or commit.")


class GitOpsEnvironment(Settings):
    """How one environment follows the registry; its kind says what is not given."""

    version: VersionRange | None = Field(
        default=None,
        description="Version of the platform's chart, or a range. Without it production takes exactly chart.version; "
        "staging takes releases from there up to the next incompatible version (2.0.0 after 1.4.0, 0.2.0 after 0.1.0), "
        "development and test pre-releases too.",
    )
    jobs_version: VersionRange | None = Field(
        default=None, description="Version of the charts of jobs, or a range; without it as version, from jobs.version."
    )
    sync: Literal["automated", "manual"] | None = Field(
        default=None,
        description="Whether Argo CD syncs by itself or when somebody says so; without it manual in production. Flux "
        "always follows Git.",
    )
    prune: bool = Field(default=True, description="Whether Argo CD removes what is no longer in the chart.")
    self_heal: bool = Field(
        default=True,
        description="Whether changes made in the cluster are undone; Flux warns of them otherwise. Argo CD passes "
        "over this while progressive syncs are on, and from version 3.3 on only shows such changes.",
    )


class ArgoCd(Settings):
    """Where Argo CD is, and how its Applications are laid out."""

    namespace: Name = Field(default="argocd", description="Namespace of Argo CD.")
    project: Name = Field(default="floe", description="Name of the AppProject, and of the ApplicationSet.")
    layout: Literal["applicationSet", "applications"] = Field(
        default="applicationSet",
        description="applicationSet: one ApplicationSet makes all Applications, and its progressive syncs order them. "
        "applications: one Application in a file for each chart and environment, in sync waves below one Application "
        "for each environment; needs gitops.repository.url.",
    )
    progressive_syncs: bool = Field(
        default=True,
        description="Whether the ApplicationSet has the steps of progressive syncs: platform before jobs, development "
        "before test before staging. The controller passes over them unless --enable-progressive-syncs is set. Then it "
        "syncs by itself what sync calls automated, prunes as prune says, and passes over selfHeal.",
    )
    destinations: dict[Name, Destination] = Field(
        default_factory=dict,
        description="What Argo CD knows a cluster by, where that is not the cluster's name here: its name there (such "
        "as in-cluster), or https://HOST of its server.",
    )


class Flux(Settings):
    """Where Flux is, and how it reaches Git and the registry."""

    namespace: Name = Field(default="flux-system", description="Namespace of Flux.")
    source: Name = Field(
        default="flux-system", description="GitRepository that holds the manifests; flux bootstrap makes flux-system."
    )
    interval: Duration = Field(default="10m", description="How often sources and releases are looked at.")
    provider: Literal["generic", "aws", "azure", "gcp"] = Field(
        default="generic", description="Whose workload identity opens the registry; generic takes a Secret or none."
    )
    registry_secret: Name | None = Field(
        default=None,
        description="Secret (kubernetes.io/dockerconfigjson) that opens the registry; it must exist in each namespace.",
    )


class GitOps(Settings):
    """How Argo CD or Flux deploy the charts; `floe-charts gitops` reads it."""

    registry: Registry | None = Field(
        default=None, description="OCI registry that the charts are pushed to, such as ghcr.io/acme/charts."
    )
    values: Literal["chart", "git"] = Field(
        default="chart",
        description="Where values-<env>.yaml comes from: out of the chart, so that both are of one version, or from "
        "Git, where it can change without a new version.",
    )
    repository: GitRepository = Field(
        default=GitRepository(),
        description="Git repository of the manifests and charts, for Argo CD; Flux has its own source.",
    )
    path: RepositoryPath = Field(default="gitops", description="Directory of the repository for the manifests.")
    charts: RepositoryPath = Field(default="charts", description="Directory of the repository that holds the charts.")
    pod_security: Literal["restricted", "baseline"] = Field(
        default="restricted", description="Pod Security Standard that the namespaces enforce."
    )
    environments: dict[Name, GitOpsEnvironment] = Field(
        default_factory=dict, description="Versions and syncs of single environments."
    )
    argocd: ArgoCd = Field(default=ArgoCd(), description="What Argo CD is told.")
    flux: Flux = Field(default=Flux(), description="What Flux is told.")

    def environment(self, name: str) -> GitOpsEnvironment:
        """The settings of an environment, the defaults where the file has none."""
        return self.environments.get(name) or GitOpsEnvironment()

    def ranges(self, name: str) -> dict[str, str]:
        """What is given for an environment as a range instead of one version, by the setting's name in the file."""
        given = self.environment(name)
        versions = {"version": given.version, "jobsVersion": given.jobs_version}
        return {key: text for key, text in versions.items() if text is not None and not is_version(text)}
