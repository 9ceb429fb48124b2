"""Which checks run, in which order their results come, and what ends them."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from floe_charts.errors import HelmError, InputError
from floe_charts.verify import lint, renders, secrets
from floe_charts.verify.findings import CheckResult, Finding, Progress
from floe_charts.verify.subject import Provided, Subject
from floe_charts.verify.verification import (
    CHECKS,
    QUICK_CHECKS,
    Verification,
    choose_checks,
    only_newest,
    open_subject,
    run_checks,
)
from tests.support import write_chart

ISSUE = (
    "lint", "renders", "kubernetes", "custom-resources", "pod-security", "dead-values", "sealed-schema", "text-safety",
    "dependencies", "references", "secrets",
)  # fmt: skip


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    return write_chart(tmp_path / "shop", {}, chart={"kubeVersion": ">=1.30.0-0"})


class TestChoice:
    def test_is_in_the_order_of_the_issue(self) -> None:
        assert ISSUE == CHECKS == choose_checks()
        assert choose_checks(["secrets", "lint"]) == ("lint", "secrets")
        assert choose_checks(skip=QUICK_CHECKS) == ("dead-values", "sealed-schema", "text-safety")

    @pytest.mark.parametrize(("option", "arguments"), [("--check", (["rendrs"],)), ("--skip", ([], ["rendrs"]))])
    def test_an_unknown_one_is_answered_with_the_nearest(self, option: str, arguments: tuple[list[str], ...]) -> None:
        with pytest.raises(InputError, match=f"{option}: there is no check rendrs; did you mean renders"):
            choose_checks(*arguments)

    def test_none_is_a_mistake(self) -> None:
        with pytest.raises(InputError, match="no check is left"):
            choose_checks(["lint"], ["lint"])


class TestSubject:
    def test_versions_follow_from_the_chart(self, chart: Path) -> None:
        subject = open_subject(chart)
        assert subject.kube_versions[0] == "1.30" and len(subject.kube_versions) == 2
        assert only_newest(subject).kube_versions == subject.kube_versions[1:]

    def test_given_versions_are_sorted_by_number(self, chart: Path) -> None:
        subject = open_subject(chart, kube_versions=["v1.33.2", "1.30", "1.33"])
        assert subject.kube_versions == ("1.30", "1.33")

    def test_what_is_provided_comes_from_chart_and_caller(self, tmp_path: Path) -> None:
        listed = {"annotations": {"floe-charts/provided": "- {kind: Secret, name: a}"}}
        chart = write_chart(tmp_path / "shop", {}, chart=listed)
        subject = open_subject(chart, provided=[Provided("ConfigMap", "b")])
        assert subject.provided == (Provided("Secret", "a"), Provided("ConfigMap", "b"))

    def test_a_mistake_is_refused(self, chart: Path) -> None:
        with pytest.raises(InputError):
            open_subject(chart, environments=["prod"])
        with pytest.raises(InputError):
            open_subject(chart, schemas=["none.yaml"])
        with pytest.raises(InputError):
            open_subject(chart, kube_versions=["1"])


class TestRuns:
    def test_results_come_in_the_order_asked(self, chart: Path) -> None:
        wanted = ("secrets", "lint", "renders")
        assert tuple(result.check for result in run_checks(open_subject(chart), wanted)) == wanted

    def test_progress_is_told_for_each_check(self, chart: Path) -> None:
        told: dict[str, list[tuple[int, int]]] = {}
        run_checks(
            open_subject(chart), ("lint", "renders"), lambda *step: told.setdefault(step[0], []).append(step[1:])
        )
        assert set(told) == {"lint", "renders"}
        assert all(steps[0] == (0, 0) and steps[-1] == (1, 1) for steps in told.values())

    def test_run_side_by_side(self, chart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        met = threading.Barrier(2, timeout=20)

        def meets(subject: Subject, progress: Progress) -> CheckResult:
            met.wait()
            return CheckResult("x", "")

        monkeypatch.setattr(lint, "check_lint", meets)
        monkeypatch.setattr(renders, "check_renders", meets)
        assert len(run_checks(open_subject(chart, threads=2), ("lint", "renders"))) == 2

    @pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), HelmError("gone"), InputError("f", "", "wrong")])
    def test_an_error_is_raised_and_ends_the_others(
        self, chart: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        asked = 0

        def fails(subject: Subject, progress: Progress) -> CheckResult:
            raise error

        def goes_on(subject: Subject, progress: Progress) -> CheckResult:
            nonlocal asked
            for asked in range(2000):
                progress(asked, 2000)
                time.sleep(0.01)
            return CheckResult("lint", "")

        monkeypatch.setattr(lint, "check_lint", goes_on)
        monkeypatch.setattr(secrets, "check_secrets", fails)
        with pytest.raises(type(error)) as caught:
            run_checks(open_subject(chart, threads=2), ("lint", "renders", "secrets"))
        assert caught.value is error and caught.traceback[-1].name == "fails"
        assert asked < 1000


class TestVerification:
    def test_takes_out_what_is_accepted(self, chart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        found = Finding("lint", "is wrong", rule="r", object="Service s")
        monkeypatch.setattr(lint, "check_lint", lambda subject, progress: CheckResult("lint", "1", (found,)))
        subject = open_subject(chart)
        report = Verification.of(subject).run(("lint",))
        assert report.findings == (found,) and not report.passed
        assert (report.chart, report.name, report.version, report.cases) == (str(chart), "shop", "0.1.0", ("defaults",))
        beside = chart.with_name("shop.verify.yaml")
        beside.write_text("accept: [{check: lint, rule: r, reason: known}]\nprovided: [{kind: Secret, name: a}]\n")
        verification = Verification.of(subject)
        assert verification.subject.provided == (Provided("Secret", "a"),)
        report = verification.run(("lint",))
        assert report.passed and [one.reason for one in report.accepted] == ["known"]
        named = chart.with_name("other.yaml")
        named.write_text("accept: []\n")
        assert not Verification.of(subject, named).run(("lint",)).passed

    def test_a_chart_without_values_yaml_and_a_release_of_its_own_name(self, chart: Path) -> None:
        (chart / "values.yaml").unlink()
        (chart / "templates" / "name.yaml").write_text(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata: {a: b}\n"
        )
        subject = open_subject(chart)
        assert subject.chart.values == {}
        results = run_checks(subject, CHECKS)
        assert [one.check for one in results] == list(CHECKS)
        assert "shop" in [obj.name for one in subject.renderings for obj in one.objects]

    @pytest.mark.parametrize("schema", ["true", "[]"])
    def test_a_schema_that_is_no_map_counts_as_none(self, chart: Path, schema: str) -> None:
        (chart / "values.schema.json").write_text(schema)
        results = {one.check: one for one in run_checks(open_subject(chart), CHECKS)}
        assert {finding.rule for finding in results["sealed-schema"].findings} >= {"no-schema"}
