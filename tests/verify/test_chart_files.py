"""Reading charts out of directories and archives, hostile ones too."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from floe_charts.errors import HelmError
from floe_charts.verify import chart_reading
from floe_charts.verify.chart_files import read_chart
from floe_charts.verify.engine import load
from tests.support import write_chart

ABOUT = b"apiVersion: v2\nname: small\nversion: 0.1.0\n"


def pack(path: Path, files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> Path:
    """A .tgz with exactly these members."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return path


def parent_of(tmp_path: Path) -> Path:
    """A chart with one subchart in a directory, and one in an archive that holds another."""
    parent = write_chart(tmp_path / "parent", {"p.yaml": "a: 1\n"})
    write_chart(parent / "charts" / "flat", {"f.yaml": "b: {{ .Values.b }}\n"}, {"b": 2})
    packed = write_chart(tmp_path / "packed", {"q.yaml": "c: 3\n"})
    write_chart(packed / "charts" / "inner", {"i.yaml": "d: 4\n"}, {"d": 4})
    (parent / "charts" / "packed-0.1.0.tgz").write_bytes(read_chart(packed).archive())
    return parent


def test_a_directory_is_read_with_its_subcharts(tmp_path: Path) -> None:
    chart = read_chart(parent_of(tmp_path))
    assert chart.name == "parent"
    assert sorted(chart.files) == ["Chart.yaml", "templates/p.yaml", "values.yaml"]
    assert sorted(chart.subcharts) == ["flat", "packed"]
    assert chart.subcharts["flat"].values == {"b": 2}
    assert chart.subcharts["packed"].subcharts["inner"].metadata["name"] == "inner"
    assert (chart.values, chart.schema) == ({}, None)


def test_an_archive_gives_the_same_and_helm_loads_it(tmp_path: Path) -> None:
    parent = parent_of(tmp_path)
    archive = tmp_path / "parent.tgz"
    archive.write_bytes(read_chart(parent).archive())
    assert read_chart(archive) == read_chart(parent)
    assert read_chart(archive).archive() == archive.read_bytes()
    assert load(archive).render() == load(parent).render()
    assert len(load(archive).render()) == 4


def test_two_subcharts_of_one_name_are_both_kept(tmp_path: Path) -> None:
    parent = parent_of(tmp_path)
    write_chart(parent / "charts" / "other", {}, {"b": 5}, chart={"name": "flat"})
    assert {name: one.values for name, one in read_chart(parent).subcharts.items() if one.name == "flat"} == {
        "flat": {"b": 2},
        "other": {"b": 5},
    }


@pytest.mark.parametrize(
    ("rules", "gone"),
    [
        ("", ()),
        ("# comment\n\n  *.md  \n", ("README.md", "docs/a.md")),
        ("/README.md", ("README.md",)),
        ("docs/", ("docs/a.md", "docs/b.txt")),
        ("docs/*.md", ("docs/a.md",)),
        ("docs/?.[a-m]*", ("docs/a.md",)),
        ("docs/?.[^m]*", ("docs/b.txt",)),
        ("README\\.md", ("README.md",)),
        ("b.txt/", ()),
        ("\ufeff*.txt\r\n*.md\r\n", ("README.md", "docs/a.md", "docs/b.txt")),
    ],
)
def test_what_helmignore_names_is_left_out_as_helm_leaves_it_out(
    tmp_path: Path, rules: str, gone: tuple[str, ...]
) -> None:
    chart = write_chart(tmp_path / "c", {"x.yaml": '{{ range $p, $_ := .Files.Glob "**" }}{{ $p }} {{ end }}'})
    (chart / "docs").mkdir()
    for name in ("README.md", "docs/a.md", "docs/b.txt", "templates/.hidden.yaml"):
        (chart / name).write_text("text", encoding="utf-8")
    (chart / ".helmignore").write_text(rules, encoding="utf-8")
    here = {"README.md", "docs/a.md", "docs/b.txt"} - set(gone)
    files = set(read_chart(chart).files)
    assert files - {"Chart.yaml", "values.yaml", "templates/x.yaml", ".helmignore"} == here
    assert set(load(chart).render()["c/templates/x.yaml"].split()) - {".helmignore"} == here


def test_a_negated_rule_leaves_out_all_that_it_does_not_match(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", {"x.yaml": "a: 1\n"})
    (chart / ".helmignore").write_text("!*.yaml\n", encoding="utf-8")
    assert sorted(read_chart(chart).files) == ["Chart.yaml", "values.yaml"]


@pytest.mark.parametrize("rule", ["a/**", "[a"])
def test_a_rule_that_helm_refuses_is_named(tmp_path: Path, rule: str) -> None:
    chart = write_chart(tmp_path / "c", {})
    (chart / ".helmignore").write_text(rule, encoding="utf-8")
    with pytest.raises(HelmError) as caught:
        read_chart(chart)
    assert rule in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("member", "problem"),
    [
        ("/etc/passwd", "leads out of the chart"),
        ("small/../../x", "leads out of the chart"),
        ("small/C:/x", "leads out of the chart"),
        ("small\\..\\x", "leads out of the chart"),
        ("x", "outside the chart's directory"),
    ],
)
def test_names_that_lead_out_of_an_archive_are_refused(tmp_path: Path, member: str, problem: str) -> None:
    archive = pack(tmp_path / "c.tgz", {"small/Chart.yaml": ABOUT, member: b""})
    with pytest.raises(HelmError, match=problem):
        read_chart(archive)


def test_links_in_an_archive_are_refused(tmp_path: Path) -> None:
    archive = pack(tmp_path / "c.tgz", {"small/Chart.yaml": ABOUT}, {"small/templates/x.yaml": "/etc/passwd"})
    with pytest.raises(HelmError, match="link"):
        read_chart(archive)


def test_what_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = pack(tmp_path / "c.tgz", {"small/Chart.yaml": ABOUT, "small/x": bytes(5 * 2**20 + 1)})
    with pytest.raises(HelmError, match="x is larger than 5 MiB"):
        read_chart(large)
    small = {"small/Chart.yaml": ABOUT, **{f"small/{number}": bytes(2**20) for number in range(8)}}
    inner = pack(tmp_path / "i.tgz", small).read_bytes()
    both = {f"small/charts/{name}.tgz": inner for name in ("a", "b")}
    nested = pack(tmp_path / "n.tgz", {"small/Chart.yaml": ABOUT, **both})
    assert sorted(read_chart(nested).subcharts) == ["b", "small"]
    monkeypatch.setattr(chart_reading, "MAX_CHART_BYTES", 12 * 2**20)
    with pytest.raises(HelmError, match="more than 12 MiB"):
        read_chart(nested)
    monkeypatch.setattr(chart_reading, "MAX_FILES", 2)
    with pytest.raises(HelmError, match="2 files"):
        read_chart(nested)


def test_charts_inside_charts_without_end_are_refused(tmp_path: Path) -> None:
    archive = pack(tmp_path / "c.tgz", {"small/Chart.yaml": ABOUT}).read_bytes()
    for _ in range(12):
        archive = pack(tmp_path / "c.tgz", {"small/Chart.yaml": ABOUT, "small/charts/s.tgz": archive}).read_bytes()
    with pytest.raises(HelmError, match="charts inside charts"):
        read_chart(tmp_path / "c.tgz")


@pytest.mark.skipif(os.name == "nt", reason="links need rights")
def test_links_in_a_directory_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", {})
    (tmp_path / "beside.yaml").write_text("a: 1\n", encoding="utf-8")
    (chart / "templates" / "l.yaml").symlink_to(tmp_path / "beside.yaml")
    assert read_chart(chart).files["templates/l.yaml"] == b"a: 1\n"
    (chart / "templates" / "round").symlink_to(chart)
    with pytest.raises(HelmError, match="round is a link"):
        read_chart(chart)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "null\n", "\ufeff# mark\n"])
def test_empty_values_are_no_values(tmp_path: Path, text: str) -> None:
    chart = write_chart(tmp_path / "c", {"x.yaml": "a: 1\n"}, text)
    assert read_chart(chart).values == {} == load(chart).values


def test_a_byte_order_mark_several_documents_and_a_repeated_key_are_read_as_helm_reads_them(tmp_path: Path) -> None:
    for name, text in (
        ("bom", "\ufeffa: 1\n"),
        ("two", "a: {b: 1}\n---\na: {c: y}\n"),
        ("twice", "a: 1\na: 2\n3: x\n"),
    ):
        chart = write_chart(tmp_path / name, {"x.yaml": "a: 1\n"}, text)
        assert read_chart(chart).values == load(chart).values != {}


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("Chart.yaml", b""),
        ("Chart.yaml", b"- a\n"),
        ("Chart.yaml", b"name: [1]\n"),
        ("Chart.yaml", b"name: ../x\nversion: 1.0.0\napiVersion: v2\n"),
        ("Chart.yaml", b"name: {\n"),
        ("Chart.yaml", b"\xff\xfe"),
        ("values.yaml", b"a: [\n"),
        ("values.yaml", b"\xff"),
    ],
)
def test_a_malformed_chart_is_refused_in_one_line(tmp_path: Path, file: str, content: bytes) -> None:
    chart = write_chart(tmp_path / "c", {"x.yaml": "a: 1\n"})
    (chart / file).write_bytes(content)
    with pytest.raises(HelmError) as caught:
        _ = load(chart).values, read_chart(chart).values
    assert "\n" not in str(caught.value)


def test_a_broken_schema_is_told_when_it_is_asked_for(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", {"x.yaml": "a: 1\n"})
    (chart / "values.schema.json").write_text('{"$ref": ', encoding="utf-8")
    with pytest.raises(HelmError, match="this is not JSON"):
        _ = read_chart(chart).schema
    with pytest.raises(HelmError):
        load(chart).render()


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.tgz").write_bytes(b"no archive")
    (tmp_path / "cut.tgz").write_bytes(pack(tmp_path / "whole.tgz", {"small/Chart.yaml": ABOUT}).read_bytes()[:40])
    pack(tmp_path / "bare.tgz", {"small/values.yaml": b""})
    for name in ("c.tgz", "cut.tgz", "bare.tgz", "absent.tgz"):
        with pytest.raises(HelmError, match=name):
            read_chart(tmp_path / name)
