"""What a chart's files do to a directory, and what they leave alone."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe_charts.errors import CheckFailed, WriteError
from floe_charts.synth.files import LIST_NAME, ChartFiles

CHART = {
    "floe-platform/Chart.yaml": "name: floe-platform\n",
    "floe-platform/templates/web.yaml": "kind: Deployment\n",
    "floe-platform/values.yaml": "a: 1\n",
    "floe-platform/values-prod.yaml": "a: 2\n",
}
LIST = f"floe-platform/{LIST_NAME}"


def content(directory: Path) -> dict[str, str]:
    """All files below ``directory``, but for the lists of generated files."""
    return {
        str(path.relative_to(directory)): path.read_text()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != LIST_NAME
    }


def without(*names: str) -> dict[str, str]:
    return {path: text for path, text in CHART.items() if Path(path).name not in names}


_USER = os.getuid() or 65534
"""Somebody who is not root, for whom nothing is read-only."""


def as_user(action: Callable[[], object]) -> str:
    """What a WriteError says that ``action`` raises when ``_USER`` runs it, in a process of its own."""
    inlet, outlet = os.pipe()
    child = os.fork()
    if child == 0:
        if os.getuid() == 0:
            os.setuid(_USER)
        try:
            action()
        except WriteError as error:
            os.write(outlet, str(error).encode())
        finally:
            os._exit(0)
    os.close(outlet)
    os.waitpid(child, 0)
    with os.fdopen(inlet) as said:
        return said.read()


@pytest.fixture
def charts(tmp_path: Path) -> Path:
    """A directory into which the chart has been written."""
    ChartFiles(CHART).write(tmp_path / "charts")
    return tmp_path / "charts"


@pytest.fixture
def chart(charts: Path) -> Path:
    return charts / "floe-platform"


class TestMapping:
    """A sorted, immutable mapping of safe paths."""

    def test_is_a_sorted_mapping(self) -> None:
        files = ChartFiles({"b/x": "2", "a/y": "1", "a/x": "0"})
        assert list(files.items()) == [("a/x", "0"), ("a/y", "1"), ("b/x", "2")]
        assert files == {"a/x": "0", "a/y": "1", "b/x": "2"}
        assert files.charts == ("a", "b")
        assert repr(files) == "ChartFiles(a, b: 3 files)"

    def test_later_changes_of_the_source_do_not_reach_it(self) -> None:
        source = dict(CHART)
        files = ChartFiles(source)
        source.clear()
        assert files == CHART
        with pytest.raises(TypeError):
            files["x/y"] = ""  # type: ignore[index]

    @pytest.mark.parametrize(
        "path",
        [
            *("/etc/passwd", "../x", "a/../../x", "a/./x", "a//x", "a/", "a", "", "a\\x", "a/b\\c", "a/x\n", "a/\0"),
            *("a/\x1b", ".hidden/x", "./a/x", f"a/{LIST_NAME}", "a/#x", "a/\ud800"),
        ],
    )
    def test_unsafe_paths_are_refused(self, path: str) -> None:
        with pytest.raises(ValueError, match=r"path|names no file|hidden|list of"):
            ChartFiles({path: ""})
        with pytest.raises(ValueError, match=r"path|names no file|hidden|list of"):
            ChartFiles({}, keep=[path])

    def test_a_file_below_a_file_is_refused(self) -> None:
        with pytest.raises(ValueError, match="'a/b/c' lies below 'a/b', which is a file"):
            ChartFiles({"a/b": "", "a/b/c": ""})

    def test_text_must_be_unicode(self) -> None:
        with pytest.raises(ValueError, match="not Unicode"):
            ChartFiles({"a/b": "\ud800"})


class TestWrite:
    """Writing into nothing, over an earlier run, and again."""

    def test_a_new_chart(self, tmp_path: Path) -> None:
        result = ChartFiles(CHART).write(tmp_path / "deep" / "charts")
        assert content(tmp_path / "deep" / "charts") == CHART
        assert result.directory == tmp_path / "deep" / "charts"
        assert result.added == tuple(sorted([*CHART, LIST]))
        assert (result.changed, result.removed, result.unchanged, result.kept) == ((), (), (), ())
        assert result.differs

    def test_nothing_else_is_left_beside_it(self, charts: Path) -> None:
        ChartFiles(CHART | {"floe-platform/values.yaml": "a: 3\n"}).write(charts)
        assert [path.name for path in charts.iterdir()] == ["floe-platform"]

    def test_the_same_again_touches_nothing(self, charts: Path) -> None:
        def marks() -> dict[str, tuple[int, int]]:
            paths = [charts, *charts.rglob("*")]
            return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in paths}

        before = marks()
        result = ChartFiles(CHART).write(charts)
        assert marks() == before
        assert result.unchanged == tuple(sorted([*CHART, LIST]))
        assert not result.differs

    def test_each_file_has_its_fate(self, charts: Path) -> None:
        files = without("web.yaml") | {
            "floe-platform/values.yaml": "a: 9\n",
            "floe-platform/templates/api.yaml": "kind: Service\n",
        }
        result = ChartFiles(files).write(charts)
        assert content(charts) == files
        assert result.added == ("floe-platform/templates/api.yaml",)
        assert result.changed == (LIST, "floe-platform/values.yaml")
        assert result.removed == ("floe-platform/templates/web.yaml",)
        assert result.unchanged == ("floe-platform/Chart.yaml", "floe-platform/values-prod.yaml")

    def test_an_unchanged_file_keeps_its_time(self, charts: Path, chart: Path) -> None:
        before = (chart / "Chart.yaml").stat().st_mtime_ns
        ChartFiles(CHART | {"floe-platform/values.yaml": "a: 9\n"}).write(charts)
        assert (chart / "Chart.yaml").stat().st_mtime_ns == before

    def test_an_emptied_folder_goes(self, charts: Path, chart: Path) -> None:
        ChartFiles(without("web.yaml")).write(charts)
        assert not (chart / "templates").exists()

    def test_a_file_may_become_a_folder_and_back(self, charts: Path) -> None:
        for files in ({"floe-platform/x": "file\n"}, {"floe-platform/x/y": "below\n"}, {"floe-platform/x": "file\n"}):
            ChartFiles(files).write(charts)
            assert content(charts) == files

    def test_a_file_changed_by_hand_is_changed_back(self, charts: Path, chart: Path) -> None:
        (chart / "values.yaml").write_bytes(b"a: 1\r\n")
        assert ChartFiles(CHART).write(charts).changed == ("floe-platform/values.yaml",)
        assert (chart / "values.yaml").read_bytes() == b"a: 1\n"

    def test_a_changed_file_keeps_its_mode(self, charts: Path, chart: Path) -> None:
        (chart / "values.yaml").chmod(0o600)
        ChartFiles(CHART | {"floe-platform/values.yaml": "a: 9\n"}).write(charts)
        assert stat.S_IMODE((chart / "values.yaml").stat().st_mode) == 0o600

    def test_text_is_utf8_with_its_own_line_ends(self, tmp_path: Path) -> None:
        ChartFiles({"a/x": "ä\nb\r\nc"}).write(tmp_path)
        assert (tmp_path / "a" / "x").read_bytes() == "ä\nb\r\nc".encode()

    def test_several_charts(self, tmp_path: Path) -> None:
        files = CHART | {"floe-jobs/Chart.yaml": "name: floe-jobs\n"}
        ChartFiles(files).write(tmp_path)
        assert content(tmp_path) == files
        result = ChartFiles(CHART | {"floe-jobs/Chart.yaml": "name: jobs\n"}).write(tmp_path)
        assert result.changed == ("floe-jobs/Chart.yaml",)

    def test_what_was_done_in_one_chart(self, charts: Path) -> None:
        (charts / "floe-platform" / "values-qa.yaml").write_text("a: 1\n")
        files = ChartFiles(without("web.yaml") | {"floe-platform-2/Chart.yaml": "name: two\n"})
        result = files.write(charts)
        both = ("floe-platform", "floe-platform-2")
        first, second = (result.of_chart(name) for name in both)
        assert first.removed == ("floe-platform/templates/web.yaml",) and first.added == ()
        assert second.added == ("floe-platform-2/.floe-charts-files", "floe-platform-2/Chart.yaml")
        assert second.removed == second.changed == second.unchanged == ()
        for fate in ("added", "changed", "removed", "unchanged", "kept"):
            assert sorted(getattr(first, fate) + getattr(second, fate)) == sorted(getattr(result, fate))
        assert first.differs and second.differs and not result.of_chart("floe").differs
        assert first.directory == result.directory

    def test_a_chart_of_an_earlier_run_stays_where_this_run_makes_another(self, charts: Path) -> None:
        ChartFiles({"other/Chart.yaml": "name: other\n"}).write(charts)
        assert content(charts) == CHART | {"other/Chart.yaml": "name: other\n"}

    def test_the_list_names_every_generated_file(self, chart: Path) -> None:
        lines = (chart / LIST_NAME).read_text().splitlines()
        assert lines[0].startswith("# Written by floe-charts")
        assert lines[1:] == ["Chart.yaml", "templates/web.yaml", "values-prod.yaml", "values.yaml"]


JOBS = {"floe-jobs/Chart.yaml": "name: floe-jobs\n"}


class TestJoined:
    """The files of two runs as those of one."""

    def test_all_are_there_and_kept_ones_stay_kept(self, charts: Path) -> None:
        platform = ChartFiles(without("values-prod.yaml"), keep={"floe-platform/values-prod.yaml"})
        jobs = ChartFiles(JOBS, keep={"floe-jobs/values-prod.yaml"})
        joined = platform.joined(jobs)
        assert dict(joined) == dict(platform) | JOBS
        assert joined.charts == ("floe-jobs", "floe-platform")
        assert joined.keep == platform.keep | jobs.keep
        assert joined.write(charts).kept == ("floe-platform/values-prod.yaml",)
        assert content(charts) == CHART | JOBS

    def test_neither_is_changed(self) -> None:
        platform, jobs = ChartFiles(CHART), ChartFiles(JOBS)
        platform.joined(jobs, ChartFiles({}))
        assert (dict(platform), dict(jobs)) == (CHART, JOBS)

    def test_one_chart_cannot_come_from_two(self) -> None:
        with pytest.raises(ValueError, match="two are one chart"):
            ChartFiles(CHART).joined(ChartFiles(JOBS), ChartFiles({"floe-jobs/README.md": ""}))


class TestKeep:
    """Overlays of environments that a run leaves out."""

    def test_a_kept_file_stays_and_stays_on_the_list(self, charts: Path, chart: Path) -> None:
        files = ChartFiles(without("values-prod.yaml"), keep={"floe-platform/values-prod.yaml"})
        result = files.write(charts)
        assert result.kept == ("floe-platform/values-prod.yaml",)
        assert not result.differs
        assert "values-prod.yaml" in (chart / LIST_NAME).read_text()
        assert ChartFiles(without("values-prod.yaml")).write(charts).removed == ("floe-platform/values-prod.yaml",)

    def test_a_kept_file_that_is_not_there_is_not_made(self, charts: Path) -> None:
        result = ChartFiles(CHART, keep={"floe-platform/values-qa.yaml"}).write(charts)
        assert not result.kept
        assert not result.differs

    def test_a_users_overlay_is_not_taken_over(self, charts: Path, chart: Path) -> None:
        (chart / "values-qa.yaml").write_text("mine: 1\n")
        assert not ChartFiles(CHART, keep={"floe-platform/values-qa.yaml"}).write(charts).kept
        ChartFiles(without("values.yaml")).write(charts)
        assert (chart / "values-qa.yaml").read_text() == "mine: 1\n"


class TestStrayFiles:
    """What the user put there."""

    def test_they_survive_as_they_are(self, charts: Path, chart: Path) -> None:
        (chart / "Chart.lock").write_text("digest: x\n")
        (chart / "charts").mkdir()
        (chart / "charts" / "dagster.tgz").write_bytes(b"\x1f\x8b\0\xff")
        (chart / "templates" / "mine.yaml").write_text("kind: ConfigMap\n")
        (chart / "templates" / "mine.yaml").chmod(0o640)
        os.utime(chart / "templates" / "mine.yaml", (1, 2))
        (chart / "empty" / "deeper").mkdir(parents=True)
        (chart / "empty").chmod(0o711)
        (chart / "link").symlink_to("/nowhere")
        (chart / "folder-link").symlink_to("charts")
        (chart / "names with spaces.txt").write_text("x")
        os.mkfifo(chart / "pipe")
        ChartFiles(without("web.yaml")).write(charts)
        assert (chart / "Chart.lock").read_text() == "digest: x\n"
        assert (chart / "charts" / "dagster.tgz").read_bytes() == b"\x1f\x8b\0\xff"
        mine = (chart / "templates" / "mine.yaml").stat()
        assert (stat.S_IMODE(mine.st_mode), mine.st_mtime) == (0o640, 2)
        assert (chart / "empty" / "deeper").is_dir()
        assert stat.S_IMODE((chart / "empty").stat().st_mode) == 0o711
        assert (chart / "link").readlink() == Path("/nowhere")
        assert (chart / "folder-link").readlink() == Path("charts")
        assert (chart / "names with spaces.txt").read_text() == "x"
        assert (chart / "pipe").is_fifo()

    def test_they_survive_where_hard_links_are_refused(
        self, charts: Path, chart: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        (chart / "mine").write_text("x")
        (chart / "mine").chmod(0o640)
        (chart / "link").symlink_to("mine")
        monkeypatch.setattr(os, "link", refuse)
        ChartFiles(without("web.yaml")).write(charts)
        assert (chart / "mine").read_text() == "x"
        assert stat.S_IMODE((chart / "mine").stat().st_mode) == 0o640
        assert (chart / "link").readlink() == Path("mine")

    def test_one_that_appears_while_writing_survives(
        self, charts: Path, chart: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        link = os.link

        def meddle(old: str, new: str, **options: bool) -> None:
            link(old, new, **options)
            if not (chart / "late").exists():
                (chart / "late").write_text("saved by an editor\n")

        monkeypatch.setattr(os, "link", meddle)
        ChartFiles(without("web.yaml")).write(charts)
        assert (chart / "late").read_text() == "saved by an editor\n"

    def test_a_directory_that_never_rests_is_given_up(
        self, charts: Path, chart: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        link, numbers = os.link, iter(range(10**6))

        def meddle(old: str, new: str, **options: bool) -> None:
            link(old, new, **options)
            (chart / f"late-{next(numbers)}").touch()

        monkeypatch.setattr(os, "link", meddle)
        with pytest.raises(WriteError, match="keep changing"):
            ChartFiles(without("web.yaml")).write(charts)
        assert (chart / "templates" / "web.yaml").exists()

    def test_one_in_the_way_is_refused(self, charts: Path, chart: Path) -> None:
        (chart / "templates" / "api.yaml").write_text("mine\n")
        files = ChartFiles(
            CHART | {"floe-platform/templates/api.yaml": "ours\n", "floe-platform/values.yaml": "a: 5\n"}
        )
        for attempt in (files.write, files.plan):
            with pytest.raises(WriteError) as caught:
                attempt(charts)
            path = chart / "templates" / "api.yaml"
            problem = "this file was not written by floe-charts; move it away, or add templates/api.yaml to"
            assert str(caught.value).startswith(f"{path}: {problem}")
        assert content(charts) == CHART | {"floe-platform/templates/api.yaml": "mine\n"}

    def test_after_it_was_put_on_the_list_it_is_replaced(self, charts: Path, chart: Path) -> None:
        (chart / "extra.yaml").write_text("mine\n")
        with (chart / LIST_NAME).open("a") as listed:
            listed.write("extra.yaml\n")
        result = ChartFiles(CHART | {"floe-platform/extra.yaml": "ours\n"}).write(charts)
        assert "floe-platform/extra.yaml" in result.changed

    def test_one_with_the_same_content_is_adopted(self, charts: Path, chart: Path) -> None:
        (chart / "extra.yaml").write_text("same\n")
        result = ChartFiles(CHART | {"floe-platform/extra.yaml": "same\n"}).write(charts)
        assert "floe-platform/extra.yaml" in result.unchanged
        assert ChartFiles(CHART).write(charts).removed == ("floe-platform/extra.yaml",)

    def test_a_chart_without_a_list_is_adopted_where_it_is_the_same(self, charts: Path, chart: Path) -> None:
        (chart / LIST_NAME).unlink()
        assert ChartFiles(CHART).write(charts).added == (LIST,)

    def test_a_conflict_in_one_chart_leaves_all_untouched(self, charts: Path) -> None:
        (charts / "zoo").mkdir()
        (charts / "zoo" / "Chart.yaml").write_text("mine\n")
        files = CHART | {"floe-platform/values.yaml": "a: 7\n", "zoo/Chart.yaml": "ours\n"}
        with pytest.raises(WriteError, match=r"zoo/Chart\.yaml"):
            ChartFiles(files).write(charts)
        assert (charts / "floe-platform" / "values.yaml").read_text() == "a: 1\n"

    @pytest.mark.parametrize("what", ["folder", "file", "link", "pipe"])
    def test_other_things_in_the_way_are_refused(self, charts: Path, chart: Path, what: str) -> None:
        outside = charts.parent / "outside"
        outside.mkdir()
        if what == "folder":
            (chart / "new" / "api.yaml").mkdir(parents=True)
        elif what == "file":
            (chart / "new").write_text("mine")
        elif what == "link":
            (chart / "new").symlink_to(outside)
        else:
            (chart / "new").mkdir()
            os.mkfifo(chart / "new" / "api.yaml")
        with pytest.raises(WriteError, match="move it away"):
            ChartFiles(CHART | {"floe-platform/new/api.yaml": "ours\n"}).write(charts)
        assert not list(outside.iterdir())

    def test_a_generated_file_that_became_a_link_is_written_as_a_file(self, charts: Path, chart: Path) -> None:
        outside = charts.parent / "outside"
        outside.write_text("a: 1\n")
        (chart / "values.yaml").unlink()
        (chart / "values.yaml").symlink_to(outside)
        assert ChartFiles(CHART).write(charts).changed == ("floe-platform/values.yaml",)
        assert not (chart / "values.yaml").is_symlink()
        assert outside.read_text() == "a: 1\n"

    def test_many_conflicts_are_cut(self, charts: Path, chart: Path) -> None:
        for number in range(30):
            (chart / f"f{number}").write_text("mine")
        with pytest.raises(WriteError) as caught:
            ChartFiles({f"floe-platform/f{number}": "ours" for number in range(30)}).write(charts)
        assert str(caught.value).split("\n")[-1] == "and 20 more files"

    @pytest.mark.parametrize("line", ["../../outside", "/etc/passwd", "a//b", "\x1b[2J"])
    def test_a_damaged_list_removes_nothing(self, charts: Path, chart: Path, line: str) -> None:
        (charts.parent / "outside").write_text("precious")
        with (chart / LIST_NAME).open("a") as listed:
            listed.write(f"{line}\n")
        with pytest.raises(WriteError, match="cannot be the path of a generated file"):
            ChartFiles(CHART).write(charts)
        assert (charts.parent / "outside").read_text() == "precious"


class TestDirectories:
    """Places where no chart can be written."""

    def test_a_file_as_output_directory(self, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("x")
        with pytest.raises(WriteError, match="found a file, expected a directory"):
            ChartFiles(CHART).write(tmp_path / "out")

    def test_a_file_as_chart(self, tmp_path: Path) -> None:
        (tmp_path / "floe-platform").write_text("x")
        with pytest.raises(WriteError, match="found a file, expected a directory"):
            ChartFiles(CHART).write(tmp_path)

    def test_a_linked_chart_is_written_where_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "real" / "mine").write_text("x")
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "floe-platform").symlink_to("../real")
        for text in ("1", "2"):
            ChartFiles({"floe-platform/x": text}).write(tmp_path / "out")
            assert (tmp_path / "out" / "floe-platform").is_symlink()
            assert content(tmp_path / "real") == {"mine": "x", "x": text}
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "real"]

    def test_a_link_to_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "floe-platform").symlink_to("nowhere")
        with pytest.raises(WriteError, match="symbolic link to nothing"):
            ChartFiles(CHART).write(tmp_path)

    def test_an_existing_empty_chart(self, tmp_path: Path) -> None:
        (tmp_path / "floe-platform").mkdir()
        ChartFiles(CHART).write(tmp_path)
        assert content(tmp_path) == CHART

    @pytest.mark.parametrize(
        ("locked", "message"), [("charts", "permission denied"), ("charts/floe-platform", "read-only")]
    )
    def test_without_permission(self, locked: str, message: str) -> None:
        with tempfile.TemporaryDirectory() as base:
            charts = Path(base) / "charts"
            ChartFiles(CHART).write(charts)
            ChartFiles(without("web.yaml")).write(charts)
            for path in [Path(base), *Path(base).rglob("*")]:
                path.chmod(path.stat().st_mode | 0o444)
                os.chown(path, _USER, -1)
            (Path(base) / locked).chmod(0o555)
            said = as_user(lambda: ChartFiles(CHART).write(charts))
            assert message in said
            assert content(charts) == without("web.yaml")

    def test_a_full_disk_leaves_the_old_chart(self, charts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(WriteError, match="no space left on device"):
            ChartFiles(CHART | {"floe-platform/values.yaml": "a: 5\n"}).write(charts)
        assert content(charts) == CHART
        assert [path.name for path in charts.iterdir()] == ["floe-platform"]


class TestPlan:
    """What would be done, without doing it."""

    def test_is_what_write_then_does(self, charts: Path) -> None:
        files = ChartFiles(without("web.yaml") | {"floe-platform/new": "x\n", "floe-platform/values.yaml": "a: 0\n"})
        before = content(charts)
        planned = files.plan(charts)
        assert content(charts) == before
        assert files.write(charts) == planned

    def test_makes_no_directory(self, tmp_path: Path) -> None:
        assert ChartFiles(CHART).plan(tmp_path / "new").differs
        assert not list(tmp_path.iterdir())


class TestDiff:
    """Unified diffs and --check."""

    def test_nothing_to_say_about_the_same(self, charts: Path) -> None:
        assert ChartFiles(CHART).diff(charts) == ""
        ChartFiles(CHART).check(charts)

    def test_shows_changed_added_and_removed_files(self, charts: Path) -> None:
        files = without("web.yaml") | {"floe-platform/new.yaml": "x: 1\ny", "floe-platform/values.yaml": "a: 2\n"}
        text = ChartFiles(files).diff(charts)
        assert text.endswith(
            "--- /dev/null\n+++ b/floe-platform/new.yaml\n@@ -0,0 +1,2 @@\n+x: 1\n+y\n\\ No newline at end of file\n"
            "--- a/floe-platform/templates/web.yaml\n+++ /dev/null\n@@ -1 +0,0 @@\n-kind: Deployment\n"
            "--- a/floe-platform/values.yaml\n+++ b/floe-platform/values.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n"
        )

    def test_check_fails_with_the_diff(self, charts: Path) -> None:
        files = ChartFiles(CHART | {"floe-platform/values.yaml": "a: 2\n"})
        with pytest.raises(CheckFailed) as caught:
            files.check(charts)
        assert str(caught.value) == files.diff(charts).rstrip("\n")
        assert caught.value.exit_code == 1
        assert content(charts) == CHART

    def test_check_fails_where_nothing_was_written(self, tmp_path: Path) -> None:
        with pytest.raises(CheckFailed, match=r"\+\+\+ b/floe-platform/Chart.yaml"):
            ChartFiles(CHART).check(tmp_path / "nowhere")

    def test_kept_and_stray_files_do_not_count(self, charts: Path, chart: Path) -> None:
        (chart / "Chart.lock").write_text("x")
        ChartFiles(without("values-prod.yaml"), keep={"floe-platform/values-prod.yaml"}).check(charts)

    def test_a_users_file_in_the_way_is_shown(self, charts: Path, chart: Path) -> None:
        (chart / "new").write_text("mine\n")
        assert "-mine\n+ours\n" in ChartFiles(CHART | {"floe-platform/new": "ours\n"}).diff(charts)

    @pytest.mark.parametrize("old", [b"\xff\xfe", b"a\0b"])
    def test_binary_content_is_named(self, charts: Path, chart: Path, old: bytes) -> None:
        (chart / "values.yaml").write_bytes(old)
        path = "floe-platform/values.yaml"
        assert ChartFiles(CHART).diff(charts) == f"Binary files a/{path} and b/{path} differ\n"

    def test_an_empty_file_is_a_difference(self, charts: Path) -> None:
        text = ChartFiles(CHART | {"floe-platform/empty": ""}).diff(charts)
        assert "--- /dev/null\n+++ b/floe-platform/empty\n" in text

    def test_works_in_a_read_only_checkout(self, charts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "access", lambda *_: False)
        ChartFiles(CHART).check(charts)
        assert ChartFiles(without("web.yaml")).diff(charts)


texts = st.text("a\n\r\u2028-+ \u00e4", max_size=12)
trees = st.dictionaries(st.sampled_from(["c/x", "c/y", "c/d/x", "c/d/e/z", "k/x"]), texts, min_size=1)


@given(old=trees, new=trees)
def test_any_version_follows_any_other(old: dict[str, str], new: dict[str, str]) -> None:
    """What plan says is what write does, and then nothing differs; a chart that is not made is left alone."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name) / "charts"
        ChartFiles(old).write(directory)
        difference = ChartFiles(new).diff(directory)
        planned = ChartFiles(new).plan(directory)
        assert bool(difference) == planned.differs
        assert ChartFiles(new).write(directory) == planned
        ChartFiles(new).check(directory)
        charts = {path.partition("/")[0] for path in new}
        kept = {path: text for path, text in old.items() if path.partition("/")[0] not in charts}
        assert {path: (directory / path).read_bytes().decode() for path in content(directory)} == new | kept


@given(old=trees, new=trees)
def test_git_applies_the_diff(old: dict[str, str], new: dict[str, str]) -> None:
    """Empty files apart, whose diff git spells in its own way."""
    full_old, full_new = ({path: f"{text}." for path, text in tree.items()} for tree in (old, new))
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        ChartFiles(full_old).write(directory)
        difference = ChartFiles(full_new).diff(directory)
        if difference:
            applied = ["git", "apply", "--whitespace=nowarn", "-"]
            subprocess.run(
                applied, input=difference.encode(), cwd=directory, check=True, env={"GIT_DIR": "/nowhere"} | os.environ
            )
        ChartFiles(full_new).check(directory)
