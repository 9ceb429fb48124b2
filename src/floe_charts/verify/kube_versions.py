"""Which versions of Kubernetes a chart is verified for, and Helm's own word on version constraints."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from floe_charts.errors import HelmError, InputError
from floe_charts.helm.kubernetes import kube_versions
from floe_charts.verify.chart_variants import full_version
from floe_charts.verify.engine import Helm

__all__ = ["check_kube_version", "chosen_kube_version", "default_kube_versions", "semver_matches"]

_VERSION = re.compile(
    r"v?[0-9]+(\.[0-9]+){0,2}(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?", re.ASCII
)
_ASK = """\
answer: |
  {{- range .Values.versions }}
  {{ semverCompare $.Values.constraint . }}
  {{- end }}
"""


def semver_matches(helm: Helm, constraint: str, versions: Sequence[str]) -> list[bool]:
    """Whether each version satisfies a constraint such as ``>=1.28.0-0 <2`` or ``~1.2 || 3.x``, as Helm judges it.

    Helm itself is asked, by a chart of one template that calls ``semverCompare``. What is no version satisfies
    nothing. Raises InputError where Helm does not understand the constraint.
    """
    wellformed = [version for version in versions if _VERSION.fullmatch(version)]
    if not wellformed:
        _ask(helm, constraint, ["1.0.0"])
        return [False] * len(versions)
    answers = dict(zip(wellformed, _ask(helm, constraint, wellformed), strict=True))
    return [answers.get(version, False) for version in versions]


def default_kube_versions(helm: Helm, constraint: str | None) -> tuple[str, ...]:
    """The oldest and the newest Kubernetes that a chart's ``kubeVersion`` allows and that there are schemas of.

    One version where both are the same; without a constraint all versions count. A minor version stands for its first
    release (``1.28`` for 1.28.0), because that is the one that Helm is told. Raises InputError where the constraint is
    none, or allows no version.
    """
    known = kube_versions()
    if constraint is not None and constraint.strip():
        allowed = _allowed(helm, constraint, [f"{version}.0" for version in known])
        shared = [version for version, fits in zip(known, allowed, strict=True) if fits]
        if not shared:
            problem = f"{constraint!r} allows none of the Kubernetes versions whose schemas are installed"
            raise InputError("Chart.yaml", "kubeVersion", problem, f"known are {known[0]} to {known[-1]}")
        known = tuple(shared)
    return tuple(dict.fromkeys((known[0], known[-1])))


def check_kube_version(text: str) -> str:
    """The version as the schemas are named, ``1.30`` for ``v1.30.4``; raise InputError where there are no schemas."""
    known = kube_versions()
    match = re.fullmatch(r"v?([0-9]+\.[0-9]+)(\.[0-9]+)?([-+][0-9A-Za-z.+-]+)?", text.strip())
    if match is None or match[1] not in known:
        problem = f"there are no schemas of Kubernetes {text!r}"
        raise InputError("--kube-version", "", problem, f"known are {known[0]} to {known[-1]}")
    return match[1]


def chosen_kube_version(helm: Helm, metadata: Mapping[str, object], text: str) -> str:
    """A version that a user chose for a chart, as the schemas are named; ``metadata`` is the chart's Chart.yaml.

    Raises InputError where there are no schemas, and where the chart's ``kubeVersion`` excludes the version. As Helm
    does, those of subcharts are not asked (measured with Helm 3.12).
    """
    short, constraint = check_kube_version(text), metadata.get("kubeVersion")
    version = full_version(text.strip())
    if constraint and not all(_allowed(helm, str(constraint), [version])):
        problem = f"the chart requires kubeVersion: {constraint} which is incompatible with Kubernetes {version}"
        raise InputError("--kube-version", "", problem)
    return short


def _allowed(helm: Helm, constraint: str, versions: Sequence[str]) -> list[bool]:
    try:
        return semver_matches(helm, constraint, versions)
    except InputError as error:
        raise InputError("Chart.yaml", "kubeVersion", error.problem) from error


def _ask(helm: Helm, constraint: str, versions: Sequence[str]) -> list[bool]:
    with tempfile.TemporaryDirectory(prefix="floe-charts-") as scratch:
        directory = Path(scratch, "ask")
        (directory / "templates").mkdir(parents=True)
        about = {"apiVersion": "v2", "name": "ask", "version": "1.0.0"}
        (directory / "Chart.yaml").write_text(json.dumps(about), encoding="utf-8")
        (directory / "values.yaml").write_text("", encoding="utf-8")
        (directory / "templates" / "ask.yaml").write_text(_ASK, encoding="utf-8")
        try:
            text = helm.load(directory).render({"constraint": constraint, "versions": list(versions)})
        except HelmError as error:
            raise InputError("", "", f"{constraint!r} is not a version constraint") from error
    return [line.strip() == "true" for line in "".join(text.values()).splitlines() if line.strip() in {"true", "false"}]
