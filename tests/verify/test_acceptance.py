from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe_charts.errors import InputError
from floe_charts.verify.acceptance import Acceptance, Entry, apply_acceptance, find_acceptance, read_acceptance
from floe_charts.verify.findings import CHECKS, CheckResult, Finding
from floe_charts.verify.subject import Provided

WEB = Finding("pod-security", "runs as root", "shop/templates/web.yaml", "Deployment shop-web", "spec", rule="non-root")
JOB = Finding("pod-security", "runs as root", "shop/templates/job.yaml", "Job shop-job", "spec", rule="non-root")
NOTE = Finding("pod-security", "no limit", object="Pod x", severity="note", rule="limits")
RESULTS = (CheckResult("pod-security", "2 pods", (WEB, JOB, NOTE)), CheckResult("lint", "", skipped="no Helm"))


def _entry(check: str = "pod-security", **fields: str) -> Entry:
    return Entry(check, "It is known.", fields)


def _apply(*entries: Entry, partial: bool = False) -> tuple[list[Finding], list[tuple[str, str, str]]]:
    """The findings that are accepted; rule, severity and hint of the findings about the entries."""
    results, accepted = apply_acceptance(RESULTS, Acceptance(entries, source="f.yaml"), partial=partial)
    left = [finding for result in results[:-1] for finding in result.findings]
    assert sorted(map(str, [*left, *(one.finding for one in accepted)])) == sorted(map(str, (WEB, JOB, NOTE)))
    assert results[-1].check == "acceptance"
    return [one.finding for one in accepted], [(one.rule, one.severity, one.hint) for one in results[-1].findings]


def _read(tmp_path: Path, text: str) -> Acceptance:
    (tmp_path / "shop.verify.yaml").write_text(text, encoding="utf-8")
    return read_acceptance(tmp_path / "shop.verify.yaml")


def test_an_entry_accepts_the_finding_it_names() -> None:
    assert _apply(_entry(object="Deployment shop-web")) == ([WEB], [])


def test_no_entries_change_nothing() -> None:
    assert apply_acceptance(RESULTS, Acceptance()) == (RESULTS, ())


def test_an_entry_for_several_findings_accepts_none() -> None:
    accepted, [(rule, severity, hint)] = _apply(_entry(rule="non-root"))
    assert (accepted, rule, severity) == ([], "too-wide", "error")
    assert hint == "accept them one by one: say where and object too"


def test_messages_do_not_make_two_findings_of_one() -> None:
    again = Finding(**{name: getattr(WEB, name) for name in ("check", "where", "object", "path", "rule")}, message="m")
    results, accepted = apply_acceptance(
        [CheckResult("pod-security", "", (WEB, again))], Acceptance((_entry(rule="non-root"),))
    )
    assert all(result.passed for result in results)
    assert [one.finding for one in accepted] == [WEB, again]


def test_an_entry_that_matches_nothing_is_a_finding_with_what_may_be_meant() -> None:
    unmatched = ("unmatched", "error", "did you mean object: Deployment shop-web")
    assert _apply(_entry(object="Deployment shop-wbe")) == ([], [unmatched])


def test_an_entry_for_a_note_is_not_needed() -> None:
    unmatched = ("unmatched", "error", "it matches only a note, which fails nothing: remove it")
    assert _apply(_entry(rule="limits")) == ([], [unmatched])


@pytest.mark.parametrize("check", ["lint", "secrets"])
def test_an_entry_of_a_check_that_did_not_run_is_only_noted(check: str) -> None:
    assert _apply(_entry(check, rule="x")) == ([], [("unmatched", "note", "")])


def test_an_unmatched_entry_is_only_noted_when_some_cases_were_left_out() -> None:
    assert _apply(_entry(rule="x"), partial=True) == ([], [("unmatched", "note", "")])


@pytest.mark.parametrize("again", [{"object": "Job shop-job"}, {"where": "shop/templates/job.yaml"}])
def test_the_same_finding_is_accepted_once(again: dict[str, str]) -> None:
    accepted, faults = _apply(_entry(object="Job shop-job"), _entry(**again))
    assert (accepted, faults) == ([JOB], [("duplicate", "error", "remove one of them")])


@pytest.mark.parametrize("text", ["", "\n", "# later\n", "---\n", "accept:\n#  - check: lint\nprovided:\n", "{}"])
def test_a_file_that_says_nothing_accepts_nothing(tmp_path: Path, text: str) -> None:
    found = _read(tmp_path, text)
    assert (found.entries, found.provided) == ((), ())


def test_what_is_provided(tmp_path: Path) -> None:
    text = "provided:\n- {kind: Secret, name: db, keys: [user]}\n- {kind: ConfigMap, name: ca}\n"
    assert _read(tmp_path, text).provided == (Provided("Secret", "db", ("user",)), Provided("ConfigMap", "ca"))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "accept: [{check: pod-securty, rule: x, reason: r}]",
            "accept[0].check: there is no check 'pod-securty'; did you",
        ),
        ("accept: [{check: lint, rule: x}]", "accept[0].reason: this setting is missing"),
        ("accept: [{check: lint, rule: x, reason: ' '}]", "accept[0].reason: found empty text"),
        ("accept: [{check: lint, reason: r}]", "accept[0]: names only a check; expected at least one of rule, where"),
        ("accept: [{check: lint, rul: x, reason: r}]", "accept[0].rul: there is no such setting; did you mean rule"),
        ("accept: [{check: lint, path: 1, reason: r}]", "accept[0].path: found the number 1; expected text; put it in"),
        ("accept: [lint]", "accept[0]: found"),
        ("acept: []", "acept: there is no such setting; did you mean accept"),
        ("provided: [{kind: Secret}]", "provided[0].name: this setting is missing"),
        ("- a", "found a list"),
        ("accept: [", "shop.verify.yaml"),
    ],
)
def test_a_faulty_file_is_refused_with_the_place(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(InputError) as error:
        _read(tmp_path, text)
    assert "shop.verify.yaml" in str(error.value)
    assert fault in str(error.value)


def test_the_file_stands_beside_the_chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop").mkdir()
    assert find_acceptance(tmp_path / "shop") is None
    beside = tmp_path / "shop.verify.yaml"
    beside.touch()
    assert find_acceptance(tmp_path / "shop") == beside
    assert find_acceptance(tmp_path / "shop-1.2.3.tgz", "shop") == beside
    monkeypatch.chdir(tmp_path / "shop")
    found = find_acceptance(".")
    assert found is not None
    assert found.samefile(beside)


def test_a_file_of_another_ending_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop.verify.yml").touch()
    with pytest.raises(InputError, match=r"rename the file to shop\.verify\.yaml"):
        find_acceptance(tmp_path / "shop")


_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@given(st.sampled_from(sorted(CHECKS)), _TEXT, _TEXT, _TEXT, _TEXT)
def test_a_findings_own_fields_always_accept_it(check: str, rule: str, where: str, object: str, path: str) -> None:
    fields = {"rule": rule, "where": where, "object": object, "path": path}
    with tempfile.TemporaryDirectory() as directory:
        entry = {"check": check, **fields, "reason": "known"}
        acceptance = _read(Path(directory), json.dumps({"accept": [entry]}))
    results, accepted = apply_acceptance(
        [CheckResult(check, "", (Finding(check, "m", where, object, path, rule=rule),))], acceptance
    )
    assert all(result.passed for result in results)
    assert len(accepted) == 1


def test_an_entry_about_an_absent_dependency_is_only_noted() -> None:
    entry = _entry(where="shop/charts/redis/templates/pod.yaml")
    results, _ = apply_acceptance([CheckResult("pod-security", "")], Acceptance((entry,), (), "a"), absent=["redis"])
    (finding,) = results[-1].findings
    assert (finding.rule, finding.severity) == ("unmatched", "note") and "redis is not in charts/" in finding.message
    results, _ = apply_acceptance([CheckResult("pod-security", "")], Acceptance((entry,), (), "a"), absent=["kafka"])
    assert results[-1].findings[0].fails
