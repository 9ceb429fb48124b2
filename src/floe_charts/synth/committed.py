"""The charts that git has: what was committed last, and the version that comes after it."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from floe_charts.deployment import Deployment
from floe_charts.deployment.fields import is_version
from floe_charts.documents import parse_document
from floe_charts.errors import DocumentError, InputError, shorten
from floe_charts.helm.semver import semver_key
from floe_charts.synth.compare import LIST_NAME
from floe_charts.synth.files import ChartFiles
from floe_charts.synth.versions import NextVersion, next_version

__all__ = ["ChartVersion", "committed_chart", "with_chart_version", "with_next_versions"]

_P = TypeVar("_P", bound=ChartFiles)
_J = TypeVar("_J", bound=ChartFiles)


@dataclass(frozen=True)
class ChartVersion:
    """The version of a chart, the one committed before (empty: none), and in one line why it is that one."""

    chart: str
    version: str
    last: str
    reason: str


def committed_chart(directory: str | Path, chart: str) -> dict[str, str]:
    """The generated files of ``directory/chart`` in the last commit, by their paths in the chart.

    Empty where there is no git, no commit, or nothing of the chart in it: files that nobody committed do not count.
    """
    place = Path(directory).absolute()
    while not place.is_dir():
        place = place.parent
    inside = (Path(directory).absolute() / chart).relative_to(place).as_posix()
    try:
        done = subprocess.run(
            ["git", "-C", str(place), "archive", "--format=tar", "HEAD", "--", f"./{inside}"],
            capture_output=True,
            check=False,
        )
    except OSError:
        return {}
    if done.returncode != 0:
        return {}
    files: dict[str, str] = {}
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            path = member.name.removeprefix(f"{inside}/")
            if content is not None:
                files[path] = content.read().decode(errors="replace")
    generated = {line for line in files.get(LIST_NAME, "").splitlines() if not line.startswith("#")}
    return {path: text for path, text in files.items() if path in generated}


def with_chart_version(deployment: Deployment, version: str) -> Deployment:
    """``deployment`` with charts of this version, all of them; InputError for what is no semantic version."""
    if not is_version(version):
        raise InputError("--chart-version", "", f"found {shorten(version)}; expected a version such as 1.4.0")
    return _with_versions(deployment, version, version)


def with_next_versions(
    deployment: Deployment,
    directory: str | Path,
    platform: Callable[[Deployment], _P],
    jobs: Callable[[Deployment], _J],
) -> tuple[_P, _J, list[ChartVersion]]:
    """What ``platform`` and ``jobs`` make, with the versions that come after the committed charts in ``directory``.

    The version of the deployment file is the lowest that a chart takes. Charts of jobs that the products are spread
    over have one version.
    """
    chart, spread = deployment.chart, deployment.jobs.charts()
    last = {name: committed_chart(directory, name) for name in (chart.name, *spread)}
    known = {name: _version_of(files) for name, files in last.items()}
    own = _highest([chart.version, known[chart.name]])
    theirs = _highest([deployment.jobs.version, *(known[name] for name in spread)])
    same = _with_versions(deployment, own, theirs)
    platform_files, jobs_files = platform(same), jobs(same)
    place = Path(directory)
    found = {chart.name: _next(platform_files, place / chart.name, last[chart.name], own)}
    found |= {name: _next(jobs_files, place / name, last[name], theirs) for name in spread}
    next_own = found[chart.name].version
    next_theirs = _highest([theirs, *(found[name].version for name in spread)])
    wanted = _with_versions(deployment, next_own, next_theirs)
    if next_own != own:
        platform_files = platform(wanted)
    if next_theirs != theirs:
        jobs_files = jobs(wanted)
    told = [
        ChartVersion(name, next_own if name == chart.name else next_theirs, known[name], one.reason)
        for name, one in found.items()
        if known[name]
    ]
    return platform_files, jobs_files, told


def _next(files: ChartFiles, place: Path, last: dict[str, str], version: str) -> NextVersion:
    """The version after ``last`` of the chart at ``place``; not below ``version``, with which ``files`` were made."""
    if not last:
        return NextVersion(version, "")
    if version.startswith("v"):  # Helm's leniency, in which nothing can be counted on.
        return NextVersion(version, "that of the deployment file")
    prefix = f"{place.name}/"
    new = {path.removeprefix(prefix): text for path, text in files.items() if path.startswith(prefix)}
    # What this run was told to keep is still there.
    names = {path.removeprefix(prefix) for path in files.keep if path.startswith(prefix)}
    kept = {name: (place / name).read_text(encoding="utf-8") for name in names if (place / name).is_file()}
    after = next_version(last, {**kept, **new})
    if _highest([after.version, version]) == after.version:
        return after
    return NextVersion(version, "that of the deployment file")


def _version_of(files: dict[str, str]) -> str:
    """The version in a chart's Chart.yaml; empty where there is none."""
    try:
        data = parse_document(files.get("Chart.yaml", "{}").encode(), "Chart.yaml").data
    except DocumentError:
        return ""
    return str(data.get("version", "")) if isinstance(data, dict) else ""


def _highest(versions: Sequence[str]) -> str:
    return max((one for one in versions if one), key=semver_key)


def _with_versions(deployment: Deployment, platform: str, jobs: str) -> Deployment:
    made = deployment.model_copy(
        update={
            "chart": deployment.chart.model_copy(update={"version": platform}),
            "jobs": deployment.jobs.model_copy(update={"version": jobs}),
        }
    )
    return made
