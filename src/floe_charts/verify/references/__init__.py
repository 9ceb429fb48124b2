"""The check ``references``: names, labels, ports and keys that one object mentions are those that another one has.

kube-linter's checks ``dangling-*``, ``mismatching-selector`` and ``non-existent-service-account`` were the measure;
like them it needs no cluster, but it knows hooks, controllers, keys, ports and hosts in texts, and what it cannot know.
"""

from __future__ import annotations

from floe_charts.verify.findings import CheckResult, Progress, no_progress
from floe_charts.verify.references.absent import absent_dependencies
from floe_charts.verify.references.containers import judge_containers
from floe_charts.verify.references.excuses import Excuses
from floe_charts.verify.references.hosts import judge_hosts
from floe_charts.verify.references.index import Index
from floe_charts.verify.references.names import judge_names
from floe_charts.verify.references.report import CHECK, Report
from floe_charts.verify.references.scaling import judge_scaling
from floe_charts.verify.references.selectors import judge_selectors
from floe_charts.verify.subject import Subject

__all__ = ["check_references"]


def check_references(subject: Subject, progress: Progress = no_progress) -> CheckResult:
    """Look at every reference in each case, as it renders for the newest version of Kubernetes.

    What exists is what the release holds (hooks too), what ``subject.provided`` lists, what controllers are known to
    make of objects of the release, and what every cluster has. What an absent dependency, an unknown controller, a
    pod of the release or a template whose output is no YAML may make is told as a note, ``unjudged``, once for each
    name.
    """
    report = Report()
    renderings = subject.newest
    for done, rendering in enumerate(renderings):
        progress(done, len(renderings))
        report.begin(rendering.case.name, rendering.objects)
        index = Index(rendering.objects, subject.release, subject.namespace, subject.provided)
        absent = absent_dependencies(subject.chart.files, subject.values_of(rendering.case))
        unreadable = tuple(dict.fromkeys(one.where for one in rendering.unreadable))
        excuses = Excuses(index, absent, unreadable)
        judge_names(index, excuses, report)
        judge_selectors(index, excuses, report)
        judge_scaling(index, report)
        judge_containers(index, report)
        judge_hosts(index, excuses, report)
    progress(len(renderings), len(renderings))
    return CheckResult(CHECK, report.figure, report.findings)
