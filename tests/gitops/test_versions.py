"""Which versions an environment takes: as Helm reads the ranges, and as charts in the working tree are told of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from floe_charts.deployment import EnvironmentKind
from floe_charts.gitops.versions import followed, takes, version_notices
from floe_charts.synth.versions import next_version
from floe_charts.verify.engine import load
from tests.gitops.deployments import deployment
from tests.support import write_chart

KINDS: tuple[EnvironmentKind, ...] = ("development", "test", "staging", "production")


@pytest.mark.parametrize(
    ("version", "kind", "expected"),
    [
        ("1.4.2", "production", "1.4.2"),
        ("1.4.2+build.1", "production", "1.4.2+build.1"),
        ("1.4.2", "staging", ">=1.4.2 <2.0.0"),
        ("1.4.2", "development", ">=1.4.2-0 <2.0.0-0"),
        ("0.1.0", "staging", ">=0.1.0 <0.2.0"),
        ("0.9.3", "test", ">=0.9.3-0 <0.10.0-0"),
        ("0.0.4", "staging", ">=0.0.4 <0.1.0"),
        ("2.0.0-rc.1", "development", ">=2.0.0-rc.1 <3.0.0-0"),
        ("2.0.0-rc.1+b", "staging", ">=2.0.0-rc.1 <3.0.0-0"),
    ],
)
def test_versions_by_kind(version: str, kind: EnvironmentKind, expected: str) -> None:
    assert followed(version, kind) == expected


def test_helm_takes_the_same(tmp_path: Path) -> None:
    text = "{{ range .Values.cases }}- {{ semverCompare .range .version }}\n{{ end }}"
    handle = load(write_chart(tmp_path / "chart", {"a.yaml": text}))
    versions = [f"{core}{rest}" for core in ("0.1.0", "0.1.9", "0.2.0", "1.4.2", "2.0.0") for rest in ("", "-rc.1")]
    cases = [(found, current, kind) for found in versions for current in versions for kind in KINDS]
    [rendered] = handle.render(
        {"cases": [{"version": found, "range": followed(current, kind)} for found, current, kind in cases]}
    ).values()
    helm = [line == "- true" for line in rendered.splitlines() if line.startswith("- ")]
    assert [takes(*case) for case in cases] == helm


@pytest.mark.parametrize("version", ["0.1.0", "1.4.2"])
def test_the_range_ends_where_synth_goes_for_an_incompatible_change(version: str) -> None:
    def chart(properties: str) -> dict[str, str]:
        schema = f'{{"type": "object", "additionalProperties": false, "properties": {{{properties}}}}}'
        return {"Chart.yaml": f"name: x\nversion: {version}\n", "values.schema.json": schema}

    one = '"a": {"type": "string"}'
    incompatible, compatible = (next_version(chart(one), chart(after)).version for after in ("", f'{one}, "b": {{}}'))
    assert not takes(incompatible, version, "staging")
    # Below 1.0.0 a new value raises the middle number too.
    assert takes(compatible, version, "staging") == (not version.startswith("0."))


class TestNotices:
    @pytest.fixture(autouse=True)
    def _working_tree(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    def notices(self, gitops: dict[str, Any] | None = None, /, directory: str = "charts", **charts: str) -> list[str]:
        for name, version in charts.items():
            file = Path(directory, name.replace("_", "-"), "Chart.yaml")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"name: x\nversion: {version}\n")
        return version_notices(deployment(gitops or {}))

    def test_nothing_is_said_where_no_charts_are_or_all_are_taken(self) -> None:
        assert self.notices() == []
        assert self.notices(floe_platform="0.1.0", floe_jobs="0.1.0") == []

    def test_a_patch_is_taken_by_all_but_production(self) -> None:
        assert self.notices(floe_jobs="0.1.1") == [
            "charts/floe-jobs has version 0.1.1, which these do not take: prod; set jobs.version: 0.1.1 in "
            "floe-charts.yaml, then gitops again"
        ]

    def test_a_version_that_the_file_is_ahead_of_needs_synth(self) -> None:
        [notice] = self.notices(floe_platform="0.0.9")
        assert notice.endswith("staging, prod; run synth, which makes it 0.1.0 as chart.version says")

    def test_environments_with_a_version_of_their_own_are_passed_over(self) -> None:
        own = {name: {"version": "0.1.0"} for name in ("dev", "test", "qa", "uat", "staging", "prod")}
        assert self.notices({"environments": own}, floe_platform="0.2.0") == []
        assert len(self.notices({"environments": own}, floe_jobs="0.2.0")) == 1

    def test_charts_are_where_the_file_says(self) -> None:
        assert self.notices({"charts": "deploy"}, directory="charts", floe_platform="2.0.0") == []
        [notice] = self.notices({"charts": "deploy"}, directory="deploy", floe_platform="2.0.0")
        assert notice.startswith("deploy/floe-platform has version 2.0.0")

    @pytest.mark.parametrize("text", ["version: [", "version: 1.0", "[]", ""])
    def test_what_is_no_chart_is_passed_over(self, text: str) -> None:
        self.notices(floe_platform="2.0.0")
        Path("charts/floe-platform/Chart.yaml").write_text(text)
        assert self.notices() == []
