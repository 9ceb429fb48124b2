"""Killed at any moment, a writer leaves the old chart or the new one, whole; writers do not disturb each other."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from floe_charts.errors import WriteError
from floe_charts.synth import replace
from floe_charts.synth.files import LIST_NAME, ChartFiles

NAMES = ["Chart.yaml", "values.yaml", "templates/a.yaml", "templates/deep/b.yaml"]
OLD = ChartFiles({f"shop/{name}": f"{name}: old\n" for name in [*NAMES, "templates/gone/c.yaml"]})
NEW = ChartFiles({f"shop/{name}": f"{name}: new\n" for name in [*NAMES, "templates/came/d.yaml"]})
STRAY = {"Chart.lock": "digest\n", "templates/mine.yaml": "kind: ConfigMap\n"}
KILLS = 40


def whole(chart: Path) -> str | None:
    """Which version the chart is, with the user's files in it; None for anything else."""
    paths = [path for path in chart.rglob("*") if path.is_file()]
    found = {f"shop/{path.relative_to(chart)}": path.read_text() for path in paths}
    listed = [line for line in found.pop(f"shop/{LIST_NAME}", "").splitlines() if not line.startswith("#")]
    for name, version in (("old", OLD), ("new", NEW)):
        complete = dict(version) | {f"shop/{path}": text for path, text in STRAY.items()}
        if found == complete and listed == [path.removeprefix("shop/") for path in version]:
            return name
    return None


@pytest.fixture
def charts(tmp_path: Path) -> Path:
    """A directory with the old version, and with files of the user's in it."""
    charts = tmp_path / "charts"
    OLD.write(charts)
    for path, text in STRAY.items():
        (charts / "shop" / path).write_text(text)
    return charts


def started(action: Callable[[], object]) -> int:
    """The id of a new process that runs ``action``; its exit code is 0 where that returned."""
    child = os.fork()
    if child == 0:
        try:
            action()
            os._exit(0)
        finally:
            os._exit(1)
    return child


def test_killed_at_random(charts: Path) -> None:
    def write_for_ever() -> None:
        for version in itertools.cycle((NEW, OLD)):
            version.write(charts)

    chance = random.Random(2)
    for _ in range(KILLS):
        writer = started(write_for_ever)
        for _ in range(chance.randrange(80)):
            assert (charts / "shop" / "Chart.yaml").exists()
            time.sleep(0.0005)
        os.kill(writer, signal.SIGKILL)
        assert os.waitpid(writer, 0)[1] == signal.SIGKILL
        assert whole(charts / "shop")
    OLD.write(charts)
    assert whole(charts / "shop") == "old"
    assert [path.name for path in charts.iterdir()] == ["shop"]


def killed_at(step: int, action: Callable[[], object]) -> bool:
    """Runs ``action`` in a process that is killed when it is about to do its ``step``-th thing to the system.

    False where it ended before.
    """
    steps = iter(range(step))

    def hook(event: str, _: object) -> None:
        if event == "os.kill" or event.split(".")[0] not in ("open", "os", "fcntl", "shutil", "ctypes"):
            return
        if next(steps, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    def hooked() -> None:
        sys.addaudithook(hook)
        action()

    _, status = os.waitpid(started(hooked), 0)
    assert status in (0, signal.SIGKILL)
    return status != 0


def no_exchange(*_: Path) -> bool:
    return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux exchanges two names in one step")
def test_killed_at_every_step(charts: Path) -> None:
    seen: list[str | None] = []
    while killed_at(len(seen), partial(NEW.write, charts)):
        seen.append(whole(charts / "shop"))
        assert OLD.write(charts).directory == charts
        assert whole(charts / "shop") == "old"
        assert [path.name for path in charts.iterdir()] == ["shop"]
    assert whole(charts / "shop") == "new"
    assert set(seen) == {"old", "new"}
    assert seen == ["old"] * seen.count("old") + ["new"] * seen.count("new"), "the new one, once there, stays"


def test_killed_at_every_step_where_nothing_exchanges(charts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two renames the chart is away for a moment; nothing of it is lost, and the next write brings it back."""
    monkeypatch.setattr(replace, "exchange", no_exchange)
    seen: list[str | None] = []
    while killed_at(len(seen), partial(NEW.write, charts)):
        found = whole(charts / "shop")
        if found is None:
            assert not (charts / "shop").exists()
            assert not OLD.diff(charts)
        seen.append(found)
        OLD.write(charts)
        assert whole(charts / "shop") == "old"
        assert [path.name for path in charts.iterdir()] == ["shop"]
    assert whole(charts / "shop") == "new"
    assert seen.count(None) == 1


def test_killed_while_it_recovers(charts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second crash, in the middle of mending the first."""
    monkeypatch.setattr(replace, "exchange", no_exchange)
    step = 0
    while True:
        (charts / "shop").rename(charts / ".shop.floe-charts-old")
        (charts / ".shop.floe-charts-new").mkdir()
        if not killed_at(step, partial(NEW.write, charts)):
            break
        OLD.write(charts)
        assert whole(charts / "shop") == "old"
        step += 1
    assert step
    assert whole(charts / "shop") == "new"


def test_killed_while_it_writes_a_new_chart(tmp_path: Path) -> None:
    step = 0
    while killed_at(step, partial(NEW.write, tmp_path / str(step))):
        chart = tmp_path / str(step) / "shop"
        assert not chart.exists() or not NEW.diff(chart.parent)
        NEW.write(chart.parent)
        assert [path.name for path in chart.parent.iterdir()] == ["shop"]
        step += 1
    assert step
    NEW.check(tmp_path / str(step))


class TestWithoutExchange:
    """File systems that cannot swap two names in one step."""

    def test_writes_the_same(self, charts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(replace, "exchange", no_exchange)
        NEW.write(charts)
        assert whole(charts / "shop") == "new"
        assert [path.name for path in charts.iterdir()] == ["shop"]

    def test_a_failing_second_rename_puts_the_old_chart_back(
        self, charts: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rename = os.rename

        def fail(source: Path, target: Path) -> None:
            if source.name.endswith("-new"):
                raise OSError(5, "Input/output error", str(source))
            rename(source, target)

        monkeypatch.setattr(replace, "exchange", no_exchange)
        monkeypatch.setattr(os, "rename", fail)
        with pytest.raises(WriteError, match="input/output error"):
            NEW.write(charts)
        assert whole(charts / "shop") == "old"
        assert [path.name for path in charts.iterdir()] == ["shop"]


class TestOtherWriters:
    """Several at once."""

    def test_each_leaves_a_whole_chart(self, charts: Path) -> None:
        with ThreadPoolExecutor(12) as pool:
            list(pool.map(lambda version: version.write(charts), [OLD, NEW] * 12))
        assert whole(charts / "shop")
        assert [path.name for path in charts.iterdir()] == ["shop"]

    def test_one_that_does_not_end_is_named(self, charts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(replace, "LOCK_SECONDS", 0)
        with replace.locked(charts / "shop"), pytest.raises(WriteError, match="another floe-charts is writing here"):
            NEW.write(charts)
        assert whole(charts / "shop") == "old"

    def test_what_a_living_one_builds_is_left_alone(self, charts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(replace, "LOCK_SECONDS", 0)
        with replace.locked(charts / "shop"):
            replace.staging(charts / "shop").mkdir()
            with pytest.raises(WriteError):
                NEW.write(charts)
            assert replace.staging(charts / "shop").exists()

    def test_what_a_dead_one_left_goes_although_nothing_changes(self, charts: Path) -> None:
        (charts / ".shop.floe-charts-new" / "templates").mkdir(parents=True)
        (charts / ".shop.floe-charts-new" / "templates").chmod(0o555)
        (charts / ".shop.floe-charts-lock").touch()
        before = (charts / "shop").stat().st_ino
        assert not OLD.write(charts).differs
        assert [path.name for path in charts.iterdir()] == ["shop"]
        assert (charts / "shop").stat().st_ino == before
