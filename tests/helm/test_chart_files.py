"""Files of a chart that templates read, and texts that are one of some which only the chart's maker knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floe_charts.helm import DnsLabel, Field, HelmChart, OneOf, Values, file_text, nonempty, when
from tests.helm.one_chart import chart_with
from tests.helm.rendering import HOSTILE_TEXTS, Rendering, any_text

KNOWN = ("blue", "green")


class Pages(Values):
    """Pages."""

    page: str = Field("a.html", description="The page in front.")
    color: Annotated[str, OneOf(KNOWN)] = Field("blue", description="Its colour.")
    titles: dict[Annotated[DnsLabel, OneOf(KNOWN)], str] = Field({}, description="Titles by colour.")


class Site(HelmChart):
    """A chart with a page."""

    pages: Mapping[str, str] = {}

    def extra_files(self) -> Mapping[str, str]:
        return self.pages


def rendering(**pages: str) -> Rendering:
    """A ConfigMap of the page that values name, of one with a fixed name, and of those with titles."""

    def build(self: Any, v: Pages) -> None:
        data = {
            "chosen": file_text(f"pages/{v.page}"),
            "fixed": file_text("pages/a.html"),
            "both": f"<{file_text('pages/a.html')}>",
            "maybe": when(nonempty(v.titles), file_text("pages/b.html")),
        }
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "pages"}, "data": data}
        self.add(config_map)
        self.add({"apiVersion": "test/v1", "kind": "Probe", "metadata": {"name": "p"}, "all": v})

    kind = type("Site", (Site,), {"pages": {f"pages/{name.replace('_', '.')}": text for name, text in pages.items()}})
    return Rendering(chart_with(Pages(), build, kind=kind).files())


def data(chart: Rendering, values: Mapping[str, Any] | None = None) -> dict[str, str]:
    found: dict[str, str] = chart.objects({"web": values or {}})["web-configmap.yaml"]["data"]
    return found


class TestFileText:
    def test_it_is_the_text_of_the_file(self) -> None:
        chart = rendering(a_html="<h1>\n  {{ .Values.web.color }}\n</h1>\n", b_html="b")
        text = "<h1>\n  {{ .Values.web.color }}\n</h1>\n"
        assert data(chart) == {"chosen": text, "fixed": text, "both": f"<{text}>"}
        assert data(chart, {"page": "b.html", "titles": {"blue": "x"}}) == {
            "chosen": "b",
            "fixed": text,
            "both": f"<{text}>",
            "maybe": "b",
        }

    def test_where_there_is_none_it_is_empty(self) -> None:
        assert data(rendering(), {"page": "none"}) == {"chosen": "", "fixed": "", "both": "<>"}

    def test_the_files_are_in_the_chart_beside_its_own(self) -> None:
        files = rendering(a_html="a").files
        assert files["pages/a.html"] == "a"
        assert "Chart.yaml" in files and "templates/web-configmap.yaml" in files

    def test_the_value_in_the_path_counts_as_read(self) -> None:
        assert ".Values.web.page" in rendering().files["templates/web-configmap.yaml"]

    @pytest.mark.parametrize("text", HOSTILE_TEXTS)
    def test_hostile_texts(self, text: str) -> None:
        assert data(rendering(a_html=text))["fixed"] == text.removeprefix("\ufeff")

    @settings(max_examples=50)
    @given(any_text)
    def test_any_text(self, text: str) -> None:
        assert data(rendering(a_html=text))["fixed"] == text.removeprefix("\ufeff")


class TestOneOf:
    @pytest.mark.parametrize("value", [{"color": "green"}, {"titles": {"green": "x", "blue": "y"}}])
    def test_what_is_known_is_taken(self, value: dict[str, Any]) -> None:
        assert not rendering().refused({"web": value})

    @pytest.mark.parametrize("value", [{"color": "gren"}, {"color": ""}, {"titles": {"gren": "x"}}])
    def test_everything_else_is_refused_by_helm(self, value: dict[str, Any]) -> None:
        assert rendering().refused({"web": value})

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ({"titles": {"gren": "x"}}, 'web.titles has a key that cannot be one: found "gren", did you mean green?'),
            (
                {"titles": {"xyz": "x"}},
                'web.titles has a key that cannot be one: found "xyz", expected one of blue, green',
            ),
            ({"color": "gren"}, 'web.color takes one of blue, green, found "gren"'),
        ],
    )
    def test_and_by_us_in_words(self, value: dict[str, Any], said: str) -> None:
        def build(self: Any, v: Pages) -> None:
            self.add({"apiVersion": "test/v1", "kind": "Probe", "metadata": {"name": "p"}, "all": v})

        declared = chart_with(Pages(), build).declared_values()
        whole = {"web": {"page": "a", "color": "blue", "titles": {}, **value}}
        assert [str(fault) for fault in declared.faults(whole) if fault.path.startswith("web")] == [said]

    @given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=4, unique=True))
    @settings(max_examples=20)
    def test_the_schema_lists_them(self, texts: list[str]) -> None:
        assert OneOf(tuple(texts)).json_schema == {"enum": texts}
