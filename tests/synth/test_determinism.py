"""The same bytes whatever the hash seed, locale, time zone, working directory and order of the artifacts."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import floe_charts
from floe_charts.artifacts import CompiledArtifacts
from floe_charts.deployment import Deployment
from floe_charts.synth.jobs import synth_jobs
from floe_charts.synth.synthesis import synth
from tests.synth.cases import two_products

SOURCE = Path(floe_charts.__file__).parents[1]


@functools.cache
def locales() -> frozenset[str]:
    """The locales of this machine."""
    try:
        listed = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=True).stdout
    except OSError:
        return frozenset({"C"})
    return frozenset(listed.split())


def written(directory: Path, artifacts: list[Path], *, options: tuple[str, ...] = (), **env: str) -> dict[str, bytes]:
    """The files that the command writes, run in ``directory`` with a changed environment."""
    directory.mkdir(parents=True)
    command = [sys.executable, *options, "-m", "floe_charts", "synth", "--out", str(directory / "out")]
    for path in artifacts:
        command += ["--artifact", str(path)]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "TZ", "PYTHON"))}
    done = subprocess.run(
        command, cwd=directory, env={**kept, "PYTHONPATH": str(SOURCE), **env}, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()
    out = directory / "out"
    return {str(file.relative_to(out)): file.read_bytes() for file in sorted(out.rglob("*")) if file.is_file()}


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    directory = tmp_path_factory.mktemp("artifacts")
    files = []
    for number, data in enumerate(two_products()):
        data["metadata"]["product_version"] = f"1.0.{number}-ä"
        file = directory / f"{number}.json"
        file.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        files.append(file)
    return files


@pytest.fixture(scope="module")
def expected(artifacts: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return written(tmp_path_factory.mktemp("expected") / "run", artifacts, PYTHONHASHSEED="0")


@pytest.mark.parametrize(
    ("options", "env"),
    [
        ((), {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati"}),
        ((), {"PYTHONHASHSEED": "random", "LC_ALL": "C", "TZ": "America/St_Johns"}),
        (("-O",), {"PYTHONHASHSEED": "random", "LC_ALL": "C.UTF-8"}),
        (("-X", "utf8=0"), {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0"}),
        ((), {"LC_ALL": "tr_TR.UTF-8"}),
    ],
    ids=["seed 1", "seed random, locale C", "-O", "no UTF-8 mode", "Turkish"],
)
def test_the_same_bytes_in_another_process(
    options: tuple[str, ...], env: dict[str, str], artifacts: list[Path], expected: dict[str, bytes], tmp_path: Path
) -> None:
    locale = env.get("LC_ALL", "C")
    if locale.startswith("tr_") and not {locale, locale.replace("UTF-8", "utf8")} & locales():
        pytest.skip(f"the locale {locale} is not installed")
    assert written(tmp_path / "elsewhere" / "deep", artifacts, options=options, **env) == expected


def test_the_same_bytes_for_artifacts_in_another_order(
    artifacts: list[Path], expected: dict[str, bytes], tmp_path: Path
) -> None:
    assert written(tmp_path / "run", artifacts[::-1]) == expected


def test_the_same_texts_inside_one_process(artifacts: list[Path], expected: dict[str, bytes]) -> None:
    """Nothing is left over from an earlier synth."""
    products = [CompiledArtifacts.load(path) for path in artifacts]
    first, second = (
        synth(given, Deployment.default(), plugin_values=()).joined(synth_jobs(given, Deployment.default()))
        for given in (products, products[::-1])
    )
    assert dict(first) == dict(second)
    assert {path: text.encode() for path, text in first.items()}.items() <= expected.items()
    assert len(expected) == len(first) + len(first.charts)  # and the lists of generated files


def test_templates_and_values_do_not_depend_on_the_environments(artifacts: list[Path]) -> None:
    products = [CompiledArtifacts.load(path) for path in artifacts]
    every, one = (
        synth(products, environments=names, plugin_values=()).joined(synth_jobs(products, environments=names))
        for names in (None, ["uat"])
    )
    assert dict(one).items() <= dict(every).items()
    assert set(every) - set(one) == {
        f"{chart}/values-{name}.yaml" for chart in every.charts for name in ("dev", "test", "qa", "staging", "prod")
    }


def test_nothing_of_this_machine_and_moment_is_in_the_files(expected: dict[str, bytes], tmp_path: Path) -> None:
    for path, content in expected.items():
        assert b"\r" not in content, path
        for word in (str(SOURCE), str(Path.home()), os.fspath(tmp_path.parents[1]), "2026-11-20"):
            assert word.encode() not in content, f"{path} holds {word}"
