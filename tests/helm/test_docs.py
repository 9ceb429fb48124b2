"""The tables of a chart's README: they say what Helm will do, and a reader can take them in."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from floe_charts.helm import HelmChart
from floe_charts.helm.docs import differences_table
from floe_charts.helm.layers import differences, merge
from tests.helm.webshop import WebShop

BASE: dict[str, Any] = {
    "environment": "",
    "web": {"replicas": 1, "debug": False, "host": "a", "marks": {"x": "y"}, "names": ["one"]},
    "store": {"enabled": False},
}


def table(overlays: dict[str, dict[str, Any]], base: dict[str, Any] | None = None) -> list[list[str]]:
    """The cells of the table, row by row, its head first."""
    lines = differences_table(base or BASE, overlays).splitlines()
    rows = [[cell.replace("\\|", "|") for cell in re.split(r" (?<!\\)\| ", line[2:-2])] for line in lines]
    return [row for row in rows if set("".join(row)) != {"-"}]


def test_every_key_that_an_overlay_sets_has_its_value_in_each() -> None:
    overlays = {"dev": {"store": {"enabled": True}}, "prod": {"web": {"replicas": 3, "host": "b|c"}}}
    assert table(overlays) == [
        ["Key", "dev", "prod"],
        ["`web.replicas`", "`1`", "`3`"],
        ["`web.host`", '`"a"`', '`"b|c"`'],
        ["`store.enabled`", "`true`", "`false`"],
    ]


def test_overlays_that_say_the_same_share_a_column() -> None:
    said = {name: {"environment": name, "web": {"replicas": 2}} for name in ("qa", "uat", "staging")}
    [head, row] = table({"dev": {"environment": "dev"}, **said, "prod": {"environment": "prod"}})
    assert head == ["Key", "dev, prod", "qa, uat, staging"]
    assert row == ["`web.replicas`", "`1`", "`2`"]


def test_a_value_that_happens_to_be_an_environments_name_is_told() -> None:
    rows = table({"dev": {"web": {"host": "prod"}}, "prod": {"web": {"host": "prod"}}})
    assert rows == [["Key", "dev, prod"], ["`web.host`", '`"prod"`']]


def test_what_an_overlay_removes_and_what_only_one_has() -> None:
    rows = table({"dev": {"web": {"marks": {"x": None, "new": "`{`"}, "names": []}}, "prod": {"store": None}})
    assert rows[1:] == [
        ["`web.marks.x`", "absent", '`"y"`'],
        ["`web.marks.new`", '`` "`{`" ``', "absent"],
        ["`web.names`", "`[]`", '`["one"]`'],
        ["`store.enabled`", "`false`", "absent"],
    ]


def test_true_is_not_one() -> None:
    assert table({"dev": {"a": True}, "prod": {"a": 1}}, {"a": 1})[1:] == [["`a`", "`true`", "`1`"]]


def test_long_values_are_cut() -> None:
    [_, [_, cell]] = table({"dev": {"web": {"names": ["x" * 30, "y" * 30]}}})
    assert len(cell) == 62 and cell.endswith("…`")


def test_cpu_and_memory_of_a_container_are_one_row() -> None:
    small = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}}
    base = {"web": {"resources": small, "init": {"requests": {"cpu": "1"}}}}
    unlimited = {"web": {"resources": {"limits": {"cpu": None}, "requests": {"memory": None}}}}
    larger = {"web": {"resources": {"requests": {"cpu": "1.5"}}, "init": {"requests": {"storage": "1Gi"}}}}
    assert table({"dev": unlimited, "prod": larger}, base)[1:] == [
        ["`web.resources`", "`cpu 1, memory up to 2Gi`", "`cpu 1.5 to 2, memory 1Gi to 2Gi`"],
        ["`web.init.requests.storage`", "absent", '`"1Gi"`'],
    ]


def test_without_overlays_there_is_no_table() -> None:
    assert differences_table(BASE, {}) == ""
    assert differences_table(BASE, {"dev": {"environment": "dev"}, "prod": {"environment": "prod"}}) == ""


trees = st.recursive(
    st.booleans() | st.integers(0, 2) | st.sampled_from(["", "dev", "a|b", "`", "c\nd"]),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=6,
)
maps = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)


@given(base=maps, wanted=maps)
def test_a_difference_is_in_the_table_and_nothing_else(base: dict[str, Any], wanted: dict[str, Any]) -> None:
    overlay = differences(base, wanted)
    rows = table({"x": overlay, "y": {}}, base)
    told = {row[0].strip("`").partition(".")[0] for row in rows[1:]}
    assert told <= overlay.keys()
    assert merge(base, overlay) == wanted
    assert all(len(row) == 3 and row[1] != row[2] for row in rows[1:])


def test_the_readme_of_a_chart_holds_it() -> None:
    chart = HelmChart("shop", description="A web shop.")
    WebShop(chart, "web")
    assert "What differs" not in chart.files()["README.md"]
    readme = chart.files(overlays={"prod": {"web": {"replicas": 5}}})["README.md"]
    assert "## What differs between environments" in readme
    assert "| `web.replicas` | `5` |" in readme
    other = chart.files(overlays={"prod": {}}, compared={"dev": {"web": {"replicas": 9}}})["README.md"]
    assert "| Key | dev |" in other and "| `web.replicas` | `9` |" in other
