"""What tests of the checks share: a Subject out of a chart directory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from floe_charts.verify.engine import find_helm
from floe_charts.verify.schemas import CustomSchemas
from floe_charts.verify.subject import Case, PodSecurityLevel, Provided, Subject


def subject_of(
    chart: str | os.PathLike[str],
    cases: Mapping[str, Mapping[str, object]] | None = None,
    *,
    kube_versions: Sequence[str] = ("1.34",),
    custom: CustomSchemas | None = None,
    provided: Sequence[Provided] = (),
    pod_security: PodSecurityLevel = "restricted",
) -> Subject:
    """The chart in a directory or .tgz with its defaults, and with ``cases`` beside them (name to values)."""
    helm = find_helm()
    return Subject(
        path=Path(chart),
        helm=helm,
        chart=helm.load(chart),
        cases=(Case("defaults", {}), *(Case(name, values) for name, values in (cases or {}).items())),
        kube_versions=tuple(kube_versions),
        custom=custom or CustomSchemas({}),
        provided=tuple(provided),
        pod_security=pod_security,
    )
