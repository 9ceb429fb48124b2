"""The charts that git has: what was committed last, and the version that comes after it."""

from __future__ import annotations

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
from floe_charts.synth.git import contents, git, has_commit
from floe_charts.synth.versions import CHART, NextVersion, next_version

__all__ = ["ChartVersion", "committed_chart", "with_chart_version", "with_next_versions"]

_P = TypeVar("_P", bound=ChartFiles)
_J = TypeVar("_J", bound=ChartFiles)


@dataclass(frozen=True)
class ChartVersion:
    """The version of a chart, the one committed before (empty: not known), and in one line why it is that one."""

    chart: str
    version: str
    last: str
    reason: str

    def __str__(self) -> str:
        """All of it in one line."""
        return f"{self.chart} {self.version}{f', after {self.last}' if self.last else ''}; {self.reason}"


def committed_chart(directory: str | Path, chart: str) -> dict[str, str]:
    """The generated files of ``directory/chart`` in the last commit, by their paths in the chart.

    Empty where there is no repository, no commit, or nothing of the chart in it: files that nobody committed do not
    count. They are read as they were committed, without what git makes of them in a directory (line endings, filters).
    Raises InputError where there is a repository that git does not read.
    """
    place = Path(directory).absolute()
    while not place.is_dir():
        place = place.parent
    inside = (Path(directory).absolute() / chart).relative_to(place).as_posix()
    if not has_commit(place):
        return {}
    blobs: dict[str, str] = {}
    for entry in git(place, "ls-tree", "-r", "-z", "HEAD", "--", f"{inside}/").decode(errors="replace").split("\0"):
        about, _, path = entry.partition("\t")
        mode, _, blob = about.partition(" blob ")
        if mode in ("100644", "100755"):
            blobs[path.removeprefix(f"{inside}/")] = blob
    if LIST_NAME not in blobs:
        return {}
    listed = contents(place, [blobs[LIST_NAME]])[0].splitlines()
    paths = [path for path in listed if path in blobs]
    return dict(zip(paths, contents(place, [blobs[path] for path in paths]), strict=True))


def with_chart_version(deployment: Deployment, version: str) -> Deployment:
    """``deployment`` with charts of this version, all of them.

    Raises InputError for what is no semantic version, or begins with a ``v``, which Helm's strict lint refuses.
    """
    if not is_version(version) or version.startswith("v"):
        expected = version.removeprefix("v") if is_version(version) else "a version such as 1.4.0"
        raise InputError("--chart-version", "", f"found {shorten(version)}; expected {expected}")
    return _with_versions(deployment, version, version)


def with_next_versions(
    deployment: Deployment,
    directory: str | Path,
    platform: Callable[[Deployment], _P],
    jobs: Callable[[Deployment], _J],
) -> tuple[_P, _J, list[ChartVersion]]:
    """What ``platform`` and ``jobs`` make, with the versions that come after the committed charts in ``directory``.

    The version of the deployment file is the lowest that a chart takes. Charts of jobs that the products are spread
    over have one version. Where git does not read its repository, the versions in ``directory`` stay, so that none goes
    back. Raises InputError where a committed chart cannot be read.
    """
    chart, spread = deployment.chart, deployment.jobs.charts()
    last: dict[str, dict[str, str]] = {name: {} for name in (chart.name, *spread)}
    unknown = ""
    try:
        last = {name: committed_chart(directory, name) for name in last}
        known = {name: _version_of(files.get(CHART, "")) for name, files in last.items()}
    except InputError as error:
        known = {name: _version_of(_text(Path(directory, name, CHART))) for name in last}
        unknown = f"what was committed last is not known: {error}"
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
        ChartVersion(
            name, next_own if name == chart.name else next_theirs, "" if unknown else known[name], unknown or one.reason
        )
        for name, one in found.items()
        if known[name]
    ]
    return platform_files, jobs_files, told


def _next(files: ChartFiles, place: Path, last: dict[str, str], version: str) -> NextVersion:
    """The version after ``last`` of the chart at ``place``; not below ``version``, with which ``files`` were made."""
    if not last:
        return NextVersion(version, "")
    prefix = f"{place.name}/"
    new = {path.removeprefix(prefix): text for path, text in files.items() if path.startswith(prefix)}
    # What this run was told to keep is still there.
    names = {path.removeprefix(prefix) for path in files.keep if path.startswith(prefix)}
    kept = {name: _text(place / name) for name in names if (place / name).is_file()}
    try:
        after = next_version(last, {**kept, **new})
    except InputError as error:
        where, problem = str(place / error.source), f"as committed last: {error.problem}"
        raise InputError(where, error.path, problem, "say the version: --chart-version") from None
    if _highest([after.version, version]) == after.version:
        return after
    return NextVersion(version, "that of the deployment file")


def _text(path: Path) -> str:
    """A file of a chart as text, whatever is in it; empty where there is none. Raises InputError."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise InputError(str(path), "", f"cannot be read: {(error.strerror or str(error)).lower()}") from None


def _version_of(chart_yaml: str) -> str:
    """The version in a Chart.yaml; empty where there is none."""
    try:
        data = parse_document(chart_yaml.encode(), CHART).data
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
