"""All checks of one chart: which there are, what they look at, and how they run side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from threading import Event

from floe_charts.errors import InputError, nearest
from floe_charts.verify.acceptance import Acceptance, apply_acceptance, find_acceptance, read_acceptance
from floe_charts.verify.cases import find_cases, require_chart
from floe_charts.verify.declared import declared_dependencies, find_dependency
from floe_charts.verify.engine import find_helm
from floe_charts.verify.findings import CheckResult, Progress
from floe_charts.verify.kube_versions import chosen_kube_version, default_kube_versions
from floe_charts.verify.provided import provided_by_chart
from floe_charts.verify.report import ChartReport
from floe_charts.verify.schemas import CustomSchemas
from floe_charts.verify.subject import PodSecurityLevel, Provided, Subject

__all__ = [
    "CHECKS",
    "QUICK_CHECKS",
    "CheckProgress",
    "Verification",
    "choose_checks",
    "only_newest",
    "open_subject",
    "run_checks",
]

CheckProgress = Callable[[str, int, int], None]
"""Told the name of a check, how much of it is done, and of how much; also from other threads."""

_MODULES = {
    "lint": "lint",
    "renders": "renders",
    "kubernetes": "kubernetes",
    "custom-resources": "custom_resources",
    "pod-security": "pod_security",
    "dead-values": "dead",
    "sealed-schema": "sealed",
    "text-safety": "text",
    "dependencies": "dependencies",
    "references": "references",
    "secrets": "secrets",
}

CHECKS: tuple[str, ...] = tuple(_MODULES)
"""The names of all checks, in the order in which they are reported."""

QUICK_CHECKS: tuple[str, ...] = tuple(
    name for name in CHECKS if name not in ("dead-values", "sealed-schema", "text-safety")
)
"""The checks that look at what is rendered anyway, and do not render the chart again and again."""

# Whoever renders a thousand times begins first, so that no core waits for it in the end.
_SLOW = ("dead-values", "text-safety", "sealed-schema")


class _Stopped(Exception):
    """Another check failed, or somebody pressed Ctrl-C; nobody waits for this one any more."""


def choose_checks(only: Sequence[str] = (), skip: Sequence[str] = ()) -> tuple[str, ...]:
    """The checks to run, in their fixed order: ``only`` these, all where it is empty, without those in ``skip``.

    Raises InputError for a name that no check has, and where no check is left.
    """
    for option, names in (("--check", only), ("--skip", skip)):
        for name in names:
            if name not in CHECKS:
                near = nearest(name, CHECKS)
                known = f"known: {', '.join(CHECKS)}"
                hint = f"did you mean {near}? {known}" if near else known
                raise InputError(option, "", f"there is no check {name}", hint)
    chosen = tuple(name for name in CHECKS if (not only or name in only) and name not in skip)
    if not chosen:
        raise InputError("--skip", "", "no check is left to run")
    return chosen


def open_subject(
    path: str | os.PathLike[str],
    *,
    values_files: Sequence[str] = (),
    environments: Sequence[str] = (),
    kube_versions: Sequence[str] = (),
    schemas: Sequence[str | os.PathLike[str]] = (),
    pod_security: PodSecurityLevel = "restricted",
    provided: Sequence[Provided] = (),
    threads: int | None = None,
) -> Subject:
    """The chart in a directory or a .tgz, ready to be checked.

    ``values_files`` and ``environments`` choose the cases (:func:`~floe_charts.verify.cases.find_cases`),
    ``kube_versions`` the versions of Kubernetes (default: the oldest and the newest that the chart allows), ``schemas``
    are files and directories with schemas of custom resources. ``provided`` are objects outside the release, beside
    those that Chart.yaml lists. Raises InputError or HelmError for what cannot be used.
    """
    chart = require_chart(Path(path))
    cases = find_cases(chart, values_files, environments)
    custom = CustomSchemas.from_paths(schemas)
    helm = find_helm()
    handle = helm.load(chart)
    wanted = [chosen_kube_version(helm, handle.metadata, version) for version in kube_versions]
    if not wanted:
        constraint = handle.metadata.get("kubeVersion")
        wanted = list(default_kube_versions(helm, None if constraint is None else str(constraint)))
    return Subject(
        path=chart,
        helm=helm,
        chart=handle,
        cases=cases,
        kube_versions=tuple(sorted(dict.fromkeys(wanted), key=_by_number)),
        custom=custom,
        provided=(*provided_by_chart(handle.metadata), *provided),
        pod_security=pod_security,
        release=handle.name,
        threads=threads or os.cpu_count() or 1,
    )


@dataclass(frozen=True)
class Verification:
    """A chart with what its people accept."""

    subject: Subject
    acceptance: Acceptance

    @classmethod
    def of(cls, subject: Subject, accept: str | os.PathLike[str] | None = None) -> Verification:
        """The subject with the acceptance file ``accept``, or the one beside the chart; InputError where it is wrong.

        What the file says is provided exists for the checks.
        """
        file = find_acceptance(subject.path, subject.chart.name) if accept is None else Path(accept)
        acceptance = read_acceptance(file) if file is not None else Acceptance()
        return cls(replace(subject, provided=(*subject.provided, *acceptance.provided)), acceptance)

    def run(
        self, checks: Sequence[str] = CHECKS, progress: CheckProgress | None = None, *, partial: bool = False
    ) -> ChartReport:
        """Run the checks and take out what is accepted; ``partial`` where not all cases of the chart are verified."""
        subject = self.subject
        files = subject.chart.files
        absent = [one.key for one in declared_dependencies(files) if find_dependency(files, one) is None]
        results, accepted = apply_acceptance(
            run_checks(subject, checks, progress), self.acceptance, partial=partial, absent=absent
        )
        return ChartReport(
            chart=str(subject.path),
            name=subject.chart.name,
            version=str(subject.chart.metadata.get("version", "")),
            kube_versions=subject.kube_versions,
            cases=tuple(case.name for case in subject.cases),
            results=results,
            accepted=accepted,
        )


def run_checks(
    subject: Subject, checks: Sequence[str] = CHECKS, progress: CheckProgress | None = None
) -> tuple[CheckResult, ...]:
    """The result of each check, in the order of ``checks``; as many run side by side as the subject has threads.

    An error of the user's (InputError, HelmError) and a bug in a check both end the others and are raised.
    """
    _ = subject.renderings  # Once, before several checks ask for it at the same time.
    stop = Event()
    pool = ThreadPoolExecutor(subject.threads, thread_name_prefix="check")
    try:
        order = sorted(checks, key=lambda name: _SLOW.index(name) if name in _SLOW else len(_SLOW))
        running = {name: pool.submit(_run, subject, name, stop, progress) for name in order}
        wait(running.values(), return_when=FIRST_EXCEPTION)
        _raise_first([running[name] for name in checks])
        return tuple(running[name].result() for name in checks)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _raise_first(running: Sequence[Future[CheckResult]]) -> None:
    for one in running:
        if one.done() and (error := one.exception()) is not None:
            raise error


def _run(subject: Subject, name: str, stop: Event, progress: CheckProgress | None) -> CheckResult:
    def report(done: int, total: int) -> None:
        if stop.is_set():
            raise _Stopped
        if progress is not None:
            progress(name, done, total)

    report(0, 0)
    result = _check(name)(subject, report)
    if progress is not None:
        progress(name, 1, 1)
    return result


def _check(name: str) -> Callable[[Subject, Progress], CheckResult]:
    module = import_module(f"floe_charts.verify.{_MODULES[name]}")
    check: Callable[[Subject, Progress], CheckResult] = getattr(module, f"check_{name.replace('-', '_')}")
    return check


def only_newest(subject: Subject) -> Subject:
    """The subject with its newest version of Kubernetes alone."""
    return replace(subject, kube_versions=subject.kube_versions[-1:])


def _by_number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
