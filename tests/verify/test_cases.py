"""Which values files are cases, and how charts are found."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from floe_charts.errors import FloeChartsError, HelmError, InputError
from floe_charts.verify.cases import chart_directories, find_cases, only_chart, read_values_file, require_chart
from tests.support import write_chart


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A chart with values files of its own, one of them ignored by Helm, and files that are none."""
    chart = write_chart(tmp_path / "charts" / "shop", {}, "a: 1\n")
    (chart / "ci").mkdir()
    (chart / ".helmignore").write_text("ci/\n")
    for name, text in {
        "values-prod.yaml": "a: 2\n",
        "values-dev.yaml": "# nothing\n",
        "values-empty.yaml": "",
        "ci/high-values.yaml": "a: 3\n",
        "ci/other.yaml": "a: [\n",
        "ci/values-x.yaml": "a: [\n",
        "values.schema.json": "{}",
    }.items():
        (chart / name).write_text(text)
    return chart


def packed(chart: Path) -> Path:
    archive = chart.parent.parent / "shop-0.1.0.tgz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(chart, "shop")
    return archive


def found(chart: Path, *arguments: tuple[str, ...]) -> dict[str, Mapping[str, object]]:
    return {case.name: case.values for case in find_cases(chart, *arguments)}


class TestCases:
    def test_of_the_chart_itself(self, chart: Path) -> None:
        cases = found(chart)
        assert cases == {
            "defaults": {}, "values-dev.yaml": {}, "values-empty.yaml": {}, "values-prod.yaml": {"a": 2},
            "ci/high-values.yaml": {"a": 3},
        }  # fmt: skip
        assert next(iter(cases)) == "defaults"

    def test_are_the_same_in_an_archive(self, chart: Path) -> None:
        assert found(packed(chart)) == found(chart)
        assert list(found(packed(chart), (), ("prod",))) == ["defaults", "values-prod.yaml"]

    def test_of_an_environment(self, chart: Path) -> None:
        assert found(chart, (), ("prod", "dev")) == {
            "defaults": {},
            "values-prod.yaml": {"a": 2},
            "values-dev.yaml": {},
        }

    def test_an_environment_is_answered_with_the_nearest(self, chart: Path) -> None:
        with pytest.raises(InputError, match=r"there is no values-prd.yaml in this chart; did you mean prod\? known: "):
            find_cases(chart, (), ("prd",))

    def test_a_chart_without_environments_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="it has no values-"):
            find_cases(write_chart(tmp_path / "plain", {}), (), ("prod",))

    def test_of_given_files_are_named_as_given(self, chart: Path, tmp_path: Path) -> None:
        file = tmp_path / "mine.yaml"
        file.write_text("b: {c: true}\n")
        assert found(chart, (str(file),)) == {"defaults": {}, str(file): {"b": {"c": True}}}
        assert list(found(chart, (str(file),), ("prod",))) == ["defaults", "values-prod.yaml", str(file)]

    def test_of_standard_input(self, chart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"b: 1\n")))
        assert found(chart, ("-",))["-"] == {"b": 1}

    @pytest.mark.parametrize(
        ("text", "said"), [("[1]", "found a list, expected an object"), ("a: [", "line 2, column 1: is not YAML")]
    )
    def test_a_file_that_holds_no_map_is_refused(self, chart: Path, text: str, said: str) -> None:
        (chart / "values-bad.yaml").write_text(text)
        with pytest.raises(InputError, match=r"values-bad\.yaml: ") as caught:
            find_cases(chart)
        assert said in str(caught.value)
        with pytest.raises(InputError):
            read_values_file(str(chart / "values-bad.yaml"))

    def test_a_missing_file_is_refused(self, chart: Path) -> None:
        with pytest.raises(InputError, match="no such file"):
            find_cases(chart, ("none.yaml",))


class TestCharts:
    def test_below_a_directory(self, chart: Path) -> None:
        other = write_chart(chart.parent / "bakery", {})
        write_chart(chart.parent / ".shop.new", {})
        (chart.parent / "notes").mkdir()
        assert chart_directories(chart.parent) == (other, chart)

    def test_without_any_it_says_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="there is no chart directory here; run synth first, or name a chart"):
            chart_directories(tmp_path / "charts")

    def test_the_only_one_or_the_platform(self, chart: Path) -> None:
        assert only_chart(chart.parent) == chart
        other = write_chart(chart.parent / "bakery", {})
        with pytest.raises(InputError, match="several charts here: bakery, shop; name one with --chart"):
            only_chart(chart.parent)
        platform = write_chart(chart.parent / "floe-platform", {})
        assert only_chart(chart.parent) == platform and other.is_dir()

    def test_a_directory_that_is_none_is_refused(self, chart: Path) -> None:
        with pytest.raises(InputError, match=r"there is no Chart.yaml in it; did you mean .*/charts/shop\?"):
            require_chart(chart.parent)
        with pytest.raises(InputError, match=r"there is no such chart; did you mean .*/charts/shop\?"):
            require_chart(chart.parent / "shopp")
        with pytest.raises(InputError, match=r"expected a chart directory or a \.tgz"):
            require_chart(chart / "templates")

    def test_a_file_that_is_no_archive_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "chart.tgz"
        file.write_bytes(b"PK\x03\x04")
        with pytest.raises(HelmError, match=r"chart\.tgz: "):
            find_cases(file)

    def test_a_hostile_name_is_refused(self) -> None:
        with pytest.raises(FloeChartsError, match="there is no such chart"):
            require_chart(Path("a\0b"))
