"""Which versions of a chart an environment takes, and whether the charts in the working tree are among them."""

from __future__ import annotations

import re
from pathlib import Path

from floe_charts.deployment import FILE_NAME, Deployment, EnvironmentKind
from floe_charts.documents import read_document
from floe_charts.errors import DocumentError
from floe_charts.helm.semver import SEMVER, semver_key

__all__ = ["followed", "takes", "version_notices"]


def followed(version: str, kind: EnvironmentKind) -> str:
    """The versions that an environment takes by default, once ``version`` of a chart is the current one.

    Production takes that version and no other. The rest follow what is pushed, up to the next incompatible version by
    the rule of :mod:`floe_charts.synth.versions`: the first number is raised, below 1.0.0 the middle one. Only
    development and test take pre-releases. In Helm, Argo CD and Flux alike a range takes some where one of its bounds
    is one (github.com/Masterminds/semver from 3.4 on; before, where each is): either both bounds are, or none.

    >>> followed("1.4.2", "staging")
    '>=1.4.2 <2.0.0'
    >>> followed("0.1.0", "test")
    '>=0.1.0-0 <0.2.0-0'
    """
    if kind == "production":
        return version
    lower, upper = _bounds(version, kind)
    return f">={lower} <{upper}"


def takes(found: str, version: str, kind: EnvironmentKind) -> bool:
    """Whether an environment takes ``found`` where ``version`` is the current one, as :func:`followed` says it."""
    if kind == "production":
        return found == version
    lower, upper = _bounds(version, kind)
    plain = _plain(found)
    if "-" in plain and "-" not in lower:
        return False
    return semver_key(lower) <= semver_key(plain) < semver_key(upper)


def version_notices(deployment: Deployment) -> list[str]:
    """A line for each chart in the working tree that environments do not take, and what to do about it.

    ``synth`` raises a chart's version, and the deployment file stays as it is. An environment that is given a version
    of its own is passed over, and so is a chart that is not there or cannot be read.
    """
    notices = []
    charts = [(deployment.chart.name, "chart", deployment.chart.version, "version")]
    # Those that the products are spread over have one version.
    charts += [(name, "jobs", deployment.jobs.version, "jobs_version") for name in deployment.jobs.charts()[:1]]
    for name, key, version, own in charts:
        place = Path(deployment.gitops.charts, name)
        found = _version_in(place)
        without = [
            environment
            for environment, settings in deployment.environments.items()
            if getattr(deployment.gitops.environment(environment), own) is None
            and not takes(found, version, settings.kind)
        ]
        if not found or not without:
            continue
        do = f"set {key}.version: {found} in {deployment.source or FILE_NAME}, then gitops again"
        if semver_key(_plain(found)) < semver_key(_plain(version)):
            do = f"run synth, which makes it {version} as {key}.version says"
        notices.append(f"{place} has version {found}, which these do not take: {', '.join(without)}; {do}")
    return notices


def _bounds(version: str, kind: EnvironmentKind) -> tuple[str, str]:
    lower = _plain(version)
    major, minor = map(int, lower.split(".")[:2])
    upper = f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"
    if kind in ("development", "test") and "-" not in lower:
        lower += "-0"
    return lower, f"{upper}-0" if "-" in lower else upper


def _plain(version: str) -> str:
    return version.partition("+")[0]


def _version_in(chart: Path) -> str:
    """The version in the Chart.yaml of a directory; empty where there is none."""
    try:
        data = read_document(chart / "Chart.yaml").data
    except DocumentError:
        return ""
    version = data.get("version") if isinstance(data, dict) else None
    return version if isinstance(version, str) and re.match(SEMVER, version) else ""
