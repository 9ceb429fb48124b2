from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from floe_charts.verify.findings import CheckResult, Finding
from floe_charts.verify.report import AcceptedFinding, ChartReport
from floe_charts.verify.reports import render_report

ROOT = Finding(
    "pod-security",
    "The container may run as root.",
    "shop/templates/web.yaml",
    "Deployment shop-web",
    "spec.template.spec",
    "set runAsNonRoot: true",
    rule="run-as-non-root",
    cases=("values-prod.yaml",),
)
NOTE = Finding("dead-values", "Only a disabled part reads it.", "values.yaml", path="db.size", severity="note")
KNOWN = Finding("pod-security", "m", "shop/charts/db/templates/db.yaml", "Pod db", rule="seccomp")
REPORT = ChartReport(
    "charts/shop",
    "shop",
    "1.2.3",
    ("1.28", "1.37"),
    ("defaults", "values-prod.yaml"),
    (
        CheckResult("lint", "2 cases"),
        CheckResult("pod-security", "3 pods, restricted", (ROOT,)),
        CheckResult("dead-values", "12 values", (NOTE,)),
        CheckResult("references", "", skipped="nothing was rendered"),
    ),
    (AcceptedFinding(KNOWN, "Upstream has no setting for it."),),
)
TEXT = """\
charts/shop (shop 1.2.3)
Kubernetes 1.28 and 1.37; values: defaults and values-prod.yaml

  check         result   findings             figure
  lint          passed                        2 cases
  pod-security  failed   1 error, 1 accepted  3 pods, restricted
  dead-values   passed   1 note               12 values
  references    skipped                       nothing was rendered

pod-security

  error    Deployment shop-web: spec.template.spec (run-as-non-root)
           shop/templates/web.yaml
           The container may run as root.
           to do: set runAsNonRoot: true
           only with values-prod.yaml

dead-values (notes)

  note     db.size
           values.yaml
           Only a disabled part reads it.

accepted

  pod-security: Pod db (seccomp): Upstream has no setting for it.

1 finding in 1 check (1 accepted)
"""
_TEXT = {"type": "string"}
_SARIF = {
    # The required properties of the SARIF 2.1.0 schema that a report has, closed for what it may hold.
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "required": ["id"],
                                            "properties": {
                                                "shortDescription": {"required": ["text"]},
                                                "help": {"required": ["text"]},
                                            },
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "required": ["message", "locations"],
                            "properties": {
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": {"required": ["text"], "properties": {"text": _TEXT}},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "partialFingerprints": {"additionalProperties": _TEXT},
                                "suppressions": {
                                    "type": "array",
                                    "items": {
                                        "required": ["kind"],
                                        "properties": {"kind": {"enum": ["inSource", "external"]}},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def _one(finding: Finding, chart: str = "charts/shop") -> ChartReport:
    return replace(REPORT, chart=chart, results=(CheckResult(finding.check, "", (finding,)),), accepted=())


def _uri(where: str, chart: str = "charts/shop") -> str:
    report = replace(_one(Finding("lint", "m", where), chart), cases=("defaults", "shop/values.yaml"))
    [result] = json.loads(render_report([report], "sarif"))["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert isinstance(uri, str)
    return uri


def test_text() -> None:
    assert render_report([REPORT], "text") == TEXT


def test_text_on_a_terminal_has_colours_and_the_same_words() -> None:
    from rich.text import Text

    console = Console(force_terminal=True, width=30, color_system="standard", legacy_windows=False)
    coloured = render_report([REPORT], "text", console=console)
    assert "\x1b[" in coloured
    assert [line.rstrip() for line in Text.from_ansi(coloured).plain.splitlines()] == TEXT.splitlines()


def test_text_of_a_chart_without_findings() -> None:
    report = replace(REPORT, results=(CheckResult("lint", "2 cases"),), accepted=())
    assert render_report([report], "text").splitlines()[-1] == "No findings"


def test_text_tells_no_more_than_the_limit() -> None:
    findings = tuple(Finding("lint", f"m{number}", "a.yaml") for number in range(30))
    text = render_report([replace(REPORT, results=(CheckResult("lint", "", findings),))], "text", limit=3)
    assert "m2" in text
    assert "m3" not in text
    assert "  ... and 27 more (--format json lists all)\n" in text


def test_text_lets_no_chart_command_the_terminal() -> None:
    assert "\x1b" not in render_report([_one(Finding("lint", "a\x1b[2Jb", "\x1b]0;x"))], "text")


def test_json() -> None:
    document = json.loads(render_report([REPORT], "json"))
    [chart] = document["charts"]
    assert (document["version"], document["passed"], chart["kubeVersions"]) == (1, False, ["1.28", "1.37"])
    assert [check["check"] for check in chart["checks"]] == ["lint", "pod-security", "dead-values", "references"]
    assert chart["checks"][3]["skipped"] == "nothing was rendered"
    assert chart["checks"][1]["findings"][0]["cases"] == ["values-prod.yaml"]
    assert chart["accepted"][0]["reason"] == "Upstream has no setting for it."


def test_sarif() -> None:
    document = json.loads(render_report([REPORT], "sarif"))
    jsonschema.validate(document, _SARIF)
    [run] = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["dead-values", "pod-security/run-as-non-root", "pod-security/seccomp"]
    assert [(rules[one["ruleIndex"]], one["ruleId"]) for one in run["results"]] == [
        (one["ruleId"], one["ruleId"]) for one in run["results"]
    ]
    assert [one["level"] for one in run["results"]] == ["error", "note", "error"]
    assert [one.get("suppressions") for one in run["results"]] == [
        None,
        None,
        [{"kind": "external", "justification": "Upstream has no setting for it."}],
    ]
    assert all(one["locations"][0]["physicalLocation"]["region"] == {"startLine": 1} for one in run["results"])


@pytest.mark.parametrize(
    ("where", "uri"),
    [
        ("shop/templates/web.yaml", "charts/shop/templates/web.yaml"),
        ("shop/charts/db/templates/db.yaml", "charts/shop/charts/db/templates/db.yaml"),
        ("templates/web.yaml", "charts/shop/templates/web.yaml"),
        ("values.yaml", "charts/shop/values.yaml"),
        ("shop/values.schema.json", "charts/shop/values.schema.json"),
        ("shop/values.yaml", "shop/values.yaml"),
        ("environments/prod.yaml", "environments/prod.yaml"),
        ("", "charts/shop/Chart.yaml"),
        ("my values/50%.yaml", "my%20values/50%25.yaml"),
        ("/elsewhere/prod.yaml", "file:///elsewhere/prod.yaml"),
    ],
)
def test_sarif_names_files_in_the_repository(where: str, uri: str) -> None:
    assert _uri(where) == uri


def test_sarif_names_an_archive_for_what_is_in_it() -> None:
    assert _uri("shop/templates/web.yaml", "shop-1.2.3.tgz") == "shop-1.2.3.tgz"


def test_sarif_fingerprints_stay_when_the_message_changes() -> None:
    def prints(finding: Finding) -> object:
        return json.loads(render_report([_one(finding)], "sarif"))["runs"][0]["results"][0]["partialFingerprints"]

    assert prints(ROOT) == prints(replace(ROOT, message="other", hint="")) != prints(replace(ROOT, path="spec"))


def test_junit() -> None:
    [suite] = ElementTree.fromstring(render_report([REPORT], "junit"))
    counts = {name: suite.get(name) for name in ("name", "tests", "failures", "skipped")}
    assert counts == {"name": "charts/shop", "tests": "4", "failures": "1", "skipped": "1"}
    assert [case.get("name") for case in suite] == ["lint", "pod-security", "dead-values", "references"]
    failure = suite[1].find("failure")
    assert failure is not None
    assert failure.get("message") == "1 finding"
    assert "Deployment shop-web: spec.template.spec: The container may run as root." in (failure.text or "")
    assert suite[2].find("failure") is None
    assert suite[3].find("skipped") is not None


def test_junit_tells_charts_of_the_same_name_apart() -> None:
    root = ElementTree.fromstring(render_report([REPORT, replace(REPORT, chart="b/shop")], "junit"))
    assert {case.get("classname") for case in root.iter("testcase")} == {"charts/shop", "b/shop"}


_ANY = st.text(
    st.characters(exclude_categories=[]) | st.sampled_from("\x00\x1b\x7f\ud800\udc80\ufffe\r\n<&]>"), max_size=20
)


@given(_ANY, _ANY, _ANY, _ANY)
def test_any_text_gives_a_readable_report(message: str, where: str, object: str, rule: str) -> None:
    finding = Finding("lint", message, where, object, message, rule, rule=rule, cases=(where,))
    results = (CheckResult("lint", message, (finding,)), CheckResult("renders", "", skipped=message))
    reports = [
        ChartReport(where, object, rule, ("1.34",), (message,), results, (AcceptedFinding(finding, "x" + rule),))
    ]
    for text in (render_report(reports, "json"), render_report(reports, "sarif")):
        json.loads(text.encode())
    assert len(list(ElementTree.fromstring(render_report(reports, "junit").encode()).iter("testcase"))) == 2
    plain = render_report(reports, "text")
    plain.encode()
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in plain if char not in "\n\t")


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ("a", "only with a"),
        ("abcdefgh", "with all values but i and j"),
        ("abcd", "only with a, b, c and d"),
        ("abcde", "only with a, b, c, d and e"),
        ("abcdef", "with all values but g, h, i and j"),
        ("abcdefghij", ""),
    ],
)
def test_text_names_the_cases_the_shorter_way_round(found: str, told: str) -> None:
    cases = tuple("abcdefghij")
    result = CheckResult("pod-security", "", (replace(ROOT, cases=tuple(found)),))
    lines = render_report([replace(REPORT, cases=cases, results=(result,), accepted=())], "text").splitlines()
    assert [line.strip() for line in lines if " with " in line] == ([told] if told else [])


def test_text_cuts_a_long_list_of_cases() -> None:
    cases = tuple("abcdefghijklmnopqrst")
    result = CheckResult("pod-security", "", (replace(ROOT, cases=cases[:10]),))
    text = render_report([replace(REPORT, cases=cases, results=(result,), accepted=())], "text")
    assert "only with a, b, c, d and 6 more\n" in text
