"""Which dependencies a preview lacks, and which values reach it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from floe_charts.verify.engine import load
from floe_charts.verify.preview import absent_dependencies, given_values
from tests.support import write_chart


@pytest.mark.parametrize(
    ("entry", "values", "absent"),
    [
        ({}, {}, ("db",)),
        ({"alias": "store"}, {}, ("store",)),
        ({"condition": "db.enabled"}, {}, ("db",)),
        ({"condition": "db.enabled"}, {"db": {"enabled": False}}, ()),
        ({"condition": "db.enabled"}, {"db": {"enabled": True}}, ("db",)),
        ({"condition": "db.on, db.enabled"}, {"db": {"enabled": False}}, ()),
        ({"condition": "db.enabled"}, {"db": {"enabled": "no"}}, ("db",)),
        ({"tags": ["storage"]}, {"tags": {"storage": False}}, ()),
        ({"tags": ["storage", "all"]}, {"tags": {"storage": False, "all": True}}, ("db",)),
        (
            {"tags": ["storage"], "condition": "db.enabled"},
            {"tags": {"storage": False}, "db": {"enabled": True}},
            ("db",),
        ),
        ({"tags": ["storage"], "condition": "db.enabled"}, {"tags": {"storage": True}, "db": {"enabled": False}}, ()),
    ],
)
def test_a_dependency_is_absent_where_it_is_switched_on(
    tmp_path: Path, entry: Mapping[str, object], values: Mapping[str, object], absent: tuple[str, ...]
) -> None:
    dependency = {"name": "db", "version": "1.0.0", "repository": "https://example.com", **entry}
    chart = write_chart(tmp_path / "shop", {}, chart={"dependencies": [dependency]})
    assert absent_dependencies(load(chart), values) == absent
    write_chart(chart / "charts" / "db", {}, chart={"version": "1.0.0"})
    assert absent_dependencies(load(chart), values) == ()


def test_odd_declarations_are_passed_over(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "shop", {}, chart={"dependencies": []})
    assert absent_dependencies(load(chart), {"tags": 1}) == ()


def test_layers_merge_deeply_and_keep_nulls(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "shop", {})
    (chart / "values-prod.yaml").write_text("web: {a: 1, b: null, c: [1, 2]}\n")
    mine = tmp_path / "mine.yaml"
    mine.write_text("web: {c: [3]}\n")
    given = given_values(chart, "prod", [str(mine)], ["web.a=2,web.d=1.20"])
    assert given == {"web": {"a": 2, "b": None, "c": [3], "d": "1.20"}}
    assert given_values(chart) == {}
