"""What Helm renders, without an installation: of any chart, or of one that is synthesized and not written yet."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from floe_charts.errors import InputError, shorten
from floe_charts.helm.checking import DeclaredValues
from floe_charts.helm.patterns import DNS_NAME_PATTERN, NAMESPACE_PATTERN
from floe_charts.helm.schema import SchemaRequest
from floe_charts.synth.files import ChartFiles
from floe_charts.synth.overrides import merge_keeping_nulls, parse_set
from floe_charts.verify.cases import environment_values, read_values_file
from floe_charts.verify.engine import ChartHandle, ValuesRefused, find_helm
from floe_charts.verify.helm_errors import read_refusal
from floe_charts.verify.kube_versions import chosen_kube_version
from floe_charts.verify.values import MISSING, get_at, helm_merge

__all__ = ["Preview", "absent_dependencies", "check_place", "given_values", "render_chart", "written"]

_LONGEST_RELEASE = 53
_LONGEST_LABEL = 63


@dataclass(frozen=True, slots=True)
class Preview:
    """What Helm rendered.

    ``manifests`` maps a template's path to its text; ``absent`` are the dependencies that are declared and switched on
    but not in the chart, so that they are missing in ``manifests``.
    """

    manifests: Mapping[str, str]
    absent: tuple[str, ...]


def render_chart(
    chart: ChartHandle,
    values: Mapping[str, object],
    *,
    namespace: str,
    release: str | None = None,
    kube_version: str | None = None,
) -> Preview:
    """What Helm renders of a chart with ``values`` over its defaults.

    ``release`` is the chart's name without it, ``kube_version`` as a user wrote it. Raises InputError for a version
    that is none or that the chart excludes, and HelmError where Helm does not render the chart; values that a schema
    refuses have a line each.
    """
    if kube_version is not None:
        kube_version = chosen_kube_version(find_helm(), chart.metadata, kube_version)
    try:
        manifests = chart.render(values, release=release or chart.name, namespace=namespace, kube_version=kube_version)
    except ValuesRefused as error:
        faults = read_refusal(str(error), chart.name, chart.schema)
        # The paths of a subchart's faults are those inside the subchart.
        said = [str(one) if one.where.startswith(f"{chart.name}/") else f"{one.where}: {one}" for one in faults]
        raise ValuesRefused("\n".join(said)) from error
    return Preview(manifests, absent_dependencies(chart, values))


def check_place(release: str | None, namespace: str | None) -> None:
    """Refuse names of a release and of a namespace that Helm or Kubernetes would: raise InputError."""
    if release is not None and not (len(release) <= _LONGEST_RELEASE and re.fullmatch(DNS_NAME_PATTERN, release)):
        raise InputError(
            "--release",
            "",
            f"{shorten(release)} is no name of a release",
            f"expected lower-case letters, digits, - and ., at most {_LONGEST_RELEASE}, such as shop-prod",
        )
    if namespace and not (len(namespace) <= _LONGEST_LABEL and re.fullmatch(NAMESPACE_PATTERN, namespace)):
        raise InputError(
            "--namespace",
            "",
            f"{shorten(namespace)} is no name of a namespace",
            f"expected lower-case letters, digits and -, at most {_LONGEST_LABEL}, such as shop-prod",
        )


def given_values(
    chart: Path, environment: str | None = None, values_files: Sequence[str] = (), sets: Sequence[str] = ()
) -> Mapping[str, object]:
    """What a user gives to a chart: its ``values-<environment>.yaml``, files over it, and ``--set`` over all.

    Raises InputError for an environment, a file or an assignment that cannot be used.
    """
    # Of somebody's chart, types are not known: Helm's own rules hold.
    undeclared = DeclaredValues(SchemaRequest((), "", "", frozenset()))
    layers = [environment_values(chart, environment)] if environment is not None else []
    layers += [read_values_file(file) for file in values_files]
    layers += [parse_set(text, undeclared).values for text in sets]
    given: dict[str, object] = {}
    for layer in layers:
        given = merge_keeping_nulls(given, layer)
    return given


def absent_dependencies(chart: ChartHandle, values: Mapping[str, object]) -> tuple[str, ...]:
    """The dependencies (alias or name) that the values switch on and that are not in the chart's ``charts/``."""
    declared = chart.metadata.get("dependencies")
    final = helm_merge(chart.values, values)
    entries = [entry for entry in declared if isinstance(entry, Mapping)] if isinstance(declared, list) else []
    absent = [entry for entry in entries if str(entry.get("name")) not in chart.files.subcharts]
    return tuple(str(entry.get("alias") or entry.get("name")) for entry in absent if _is_enabled(entry, final))


@contextmanager
def written(files: ChartFiles, chart: str, installed: Path) -> Iterator[Path]:
    """The directory of the chart named ``chart`` among ``files`` for a while, on disk and complete.

    Dependencies are taken from ``installed``, the chart's directory as ``helm dependency build`` left it, where that
    exists.
    """
    with tempfile.TemporaryDirectory(prefix="floe-charts-") as scratch:
        for path, text in files.items():
            target = Path(scratch, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
        if (installed / "charts").is_dir():
            shutil.copytree(installed / "charts", Path(scratch, chart, "charts"), dirs_exist_ok=True)
        yield Path(scratch, chart)


def _is_enabled(dependency: Mapping[str, object], values: Mapping[str, object]) -> bool:
    """Whether Helm would take the dependency in: the first condition that the values answer, else its tags."""
    conditions = dependency.get("condition")
    for condition in str(conditions).split(",") if conditions else ():
        found = get_at(values, condition.strip().split("."))
        if isinstance(found, bool):
            return found
    tags = dependency.get("tags")
    answers = [get_at(values, ("tags", str(tag))) for tag in (tags if isinstance(tags, list) else ())]
    said = [answer for answer in answers if answer is not MISSING and isinstance(answer, bool)]
    return any(said) if said else True
