"""The report as SARIF 2.1.0, as GitHub's code scanning reads it.

Facts of the format: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0". Facts of GitHub: its
documentation "SARIF support for code scanning": a result needs a location with a region, a rule needs its texts, and of
the fingerprints only ``primaryLocationLineHash`` is read.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from floe_charts.verify.findings import CHECKS, Finding
from floe_charts.verify.report import ChartReport
from floe_charts.verify.reports.escapes import encodable

__all__ = ["sarif_report"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# What findings call by its name inside the chart; any other name is that of a file as the user said it.
_OWN_FILES = frozenset({"Chart.yaml", "Chart.lock", "values.yaml", "values.schema.json"})
_OWN_FOLDERS = frozenset({"templates", "charts", "crds"})


def sarif_report(reports: Sequence[ChartReport]) -> str:
    """All charts as one run; what is accepted is a suppressed result with its reason. Files are named from here."""
    found = [(report, finding, "") for report in reports for finding in report.findings]
    found += [(report, one.finding, one.reason) for report in reports for one in report.accepted]
    rules = {rule: index for index, rule in enumerate(sorted({_rule_id(finding) for _, finding, _ in found}))}
    checks = {_rule_id(finding): finding.check for _, finding, _ in found}
    seen: Counter[str] = Counter()
    results = []
    for report, finding, reason in found:
        result = _result(report, finding, rules, seen)
        if reason:
            result["suppressions"] = [{"kind": "external", "justification": encodable(reason)}]
        results.append(result)
    driver = {
        "name": "floe-charts",
        "version": _version(),
        "rules": [_rule(rule, checks[rule]) for rule in rules],
    }
    run = {"tool": {"driver": driver}, "results": results}
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _version() -> str:
    try:
        return version("floe-charts")
    except PackageNotFoundError:  # run from its sources
        return "0"


def _rule_id(finding: Finding) -> str:
    return encodable(f"{finding.check}/{finding.rule}" if finding.rule else finding.check)


def _rule(rule: str, check: str) -> dict[str, object]:
    proves = CHECKS.get(check, "What is accepted is accepted one by one, and still found.")
    text = f"{proves} The check {check} of floe-charts verify found that it does not hold."
    return {"id": rule, "shortDescription": {"text": f"{rule}: {proves}"}, "help": {"text": text}}


def _result(report: ChartReport, finding: Finding, rules: dict[str, int], seen: Counter[str]) -> dict[str, object]:
    rule, uri = _rule_id(finding), _uri(report, finding.where)
    identity = json.dumps([finding.check, finding.rule, uri, finding.object, finding.path])
    fingerprint = hashlib.sha256(identity.encode()).hexdigest()
    seen[fingerprint] += 1
    text = f"{finding.message}; {finding.hint}" if finding.hint else finding.message
    place = ": ".join(part for part in (finding.object, finding.path) if part)
    location: dict[str, object] = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}}
    logical = [
        {"name": encodable(name), "kind": kind}
        for name, kind in ((finding.object, "resource"), (finding.path, "member"))
        if name
    ]
    if logical:
        location["logicalLocations"] = logical
    return {
        "ruleId": rule,
        "ruleIndex": rules[rule],
        "level": finding.severity,
        "message": {"text": encodable(f"{place}: {text}" if place else text)},
        "locations": [location],
        "partialFingerprints": {
            "floeChartsFinding/v1": fingerprint,
            # Every line is 1, so that a hash of the line, as GitHub would take it, made all findings of a file one.
            "primaryLocationLineHash": f"{fingerprint}:{seen[fingerprint]}",
        },
    }


def _uri(report: ChartReport, where: str) -> str:
    """The file of a finding as a URI reference from the working directory, or as a file URI where it is outside."""
    chart = PurePosixPath(Path(report.chart).as_posix())
    path = chart if chart.suffix in (".tgz", ".gz") and _is_own(report, where) else _file(report, chart, where)
    if path.is_absolute():
        here = PurePosixPath(Path.cwd().as_posix())
        if not path.is_relative_to(here):
            return "file://" + _quoted(path)
        path = path.relative_to(here)
    return _quoted(path)


def _quoted(path: PurePosixPath) -> str:
    return quote(str(path).encode("utf-8", "surrogatepass"), safe="/")


def _is_own(report: ChartReport, where: str) -> bool:
    """Whether a file belongs to the chart: Helm calls templates ``<chart name>/templates/...``.

    A case is named like the values file that the user gave, which may stand in a folder of the chart's name.
    """
    inside = where.removeprefix(f"{report.name}/")
    if inside != where and where in report.cases:
        return False
    return not where or inside in _OWN_FILES or inside.split("/")[0] in _OWN_FOLDERS


def _file(report: ChartReport, chart: PurePosixPath, where: str) -> PurePosixPath:
    if not where:
        return chart / "Chart.yaml"
    if not _is_own(report, where):
        return PurePosixPath(Path(where).as_posix())
    return chart / where.removeprefix(f"{report.name}/")
