"""Packages: the files that Helm packs, always the same bytes, and read by Helm."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import helm_python
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe_charts.errors import HelmError, PublishError
from floe_charts.publish.archive import tgz
from floe_charts.publish.package import open_package, pack
from tests.cli.conftest import Run, run
from tests.publish.charts import shop
from tests.support import with_echo_dependencies

__all__ = ["run"]

OWN = Path(__file__).resolve().parents[2] / "charts" / "floe-platform"


def names(content: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return archive.getnames()


class TestArchive:
    def test_has_these_bytes_whatever_the_machine(self) -> None:
        files = {"shop/Chart.yaml": b"name: shop\n", "shop/templates/ä.yaml": b"x" * 200_000, "shop/empty": b""}
        assert hashlib.sha256(tgz(files)).hexdigest() == (
            "9fe83f425831f7d1f6ae7aaa064e178c094f4f4f5d1e459019f1f03c3972c01d"
        )

    @given(
        st.dictionaries(
            st.text("abc-.ä", min_size=1, max_size=150).map("d/".__add__), st.binary(max_size=300), min_size=1
        )
    )
    def test_gives_back_what_went_in(self, files: dict[str, bytes]) -> None:
        with tarfile.open(fileobj=io.BytesIO(tgz(files))) as archive:
            members = archive.getmembers()
            assert [one.name for one in members] == sorted(files)
            for one in members:
                assert (one.mode, one.uid, one.gid, one.uname, one.gname, one.mtime) == (0o644, 0, 0, "", "", 0)

    @given(st.integers(0, 4), st.integers(-2, 2))
    def test_blocks_end_where_they_may(self, blocks: int, more: int) -> None:
        content = os.urandom(1) * max(0, blocks * 65535 + more)
        assert gzip.decompress(tgz({"a/b": content})).count(content) >= 1


class TestBytes:
    def test_depend_on_nothing_but_the_files(self, tmp_path: Path) -> None:
        first = pack(shop(tmp_path / "one"))
        other = shop(tmp_path / "a" / "longer" / "way")
        for path in sorted(other.rglob("*"), reverse=True):
            path.chmod(0o700)
            os.utime(path, (1, 1))
        shuffled = tmp_path / "shuffled"
        shutil.copytree(other, shuffled / "shop")
        assert pack(other).content == first.content == pack(shuffled / "shop").content

    def test_are_the_same_in_another_process(self, tmp_path: Path) -> None:
        chart = shop(tmp_path)
        code = f"import os; os.umask(0o077); from floe_charts.publish import pack; print(pack({str(chart)!r}).sha256)"
        environment = {**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == pack(chart).sha256

    def test_do_not_know_when_the_dependencies_were_resolved(self, tmp_path: Path) -> None:
        chart = shop(tmp_path)
        found = set()
        for time in ("2026-01-01T00:00:00.123Z", "2025-05-05T05:05:05+02:00"):
            (chart / "Chart.lock").write_text(f'dependencies: []\ndigest: sha256:abc\ngenerated: "{time}"\n')
            found.add(pack(chart).content)
        assert len(found) == 1
        assert b'digest: sha256:abc\ngenerated: "1970-01-01T00:00:00Z"\n' in gzip.decompress(found.pop())


class TestFiles:
    def test_are_those_that_helm_packs(self, tmp_path: Path) -> None:
        chart = with_echo_dependencies(OWN, tmp_path)
        (chart / "notes.orig").write_text("left out by .helmignore")
        theirs = helm_python.package(chart, destination=tmp_path)
        assert sorted(names(pack(chart).content)) == sorted(names(Path(theirs).read_bytes()))

    def test_never_hold_what_belongs_to_no_chart(self, tmp_path: Path) -> None:
        chart = shop(tmp_path)
        for path in (".git/config", "files/.DS_Store", ".floe-charts-files"):
            (chart / path).parent.mkdir(exist_ok=True)
            (chart / path).write_text("x")
        assert names(pack(chart).content) == ["shop/Chart.yaml", "shop/templates/config.yaml", "shop/values.yaml"]

    def test_are_read_by_helm(self, tmp_path: Path) -> None:
        path, is_new = pack(shop(tmp_path)).write(tmp_path / "dist")
        assert is_new and path.name == "shop-1.2.0.tgz"
        chart = helm_python.Chart.load(path)
        assert chart.metadata["description"] == "Sells things — of all kinds."
        assert 'a: "x"' in str(chart.render({}))
        report = helm_python.lint(path)
        assert not report["errors"] and report["total_charts_linted"] == 1
        assert "a: x" in helm_python.show(str(path), output_format="values")

    def test_of_a_version_with_a_v_are_packed_as_by_helm(self, tmp_path: Path) -> None:
        chart = shop(tmp_path, "v1.2.0")
        assert pack(chart).file_name == Path(helm_python.package(chart, destination=tmp_path)).name

    def test_of_a_package_by_helm_are_read(self, tmp_path: Path) -> None:
        made = Path(helm_python.package(shop(tmp_path), destination=tmp_path))
        package = open_package(made)
        assert package.content == made.read_bytes() and package.file_name == made.name


class TestRefusals:
    def test_names_missing_dependencies_and_how_to_get_them(self) -> None:
        with pytest.raises(PublishError) as caught:
            pack(OWN)
        said = str(caught.value)
        assert "charts/ lacks" in said and "dagster 1." in said and f"run: helm dependency build {OWN}" in said

    def test_notices_another_version_of_a_dependency(self, tmp_path: Path) -> None:
        chart = with_echo_dependencies(OWN, tmp_path)
        text = (chart / "Chart.yaml").read_text()
        (chart / "Chart.yaml").write_text(text.replace('version: "1.7.0"', 'version: "1.7.1"'))
        with pytest.raises(PublishError, match=r"charts/ holds 1\.7\.0 instead of polaris 1\.7\.1"):
            pack(chart)

    @pytest.mark.parametrize(
        ("about", "said"),
        [
            ({"version": "1.2"}, "Chart.yaml: version: found '1.2'; expected a semantic version"),
            ({"version": 1.2}, "Chart.yaml: version: found 1.2; expected"),
            ({"name": "Über"}, "name"),
            ({"annotations": {"a": 1}}, "annotations.a"),
            ({"maintainers": [None]}, "maintainers.0: found None; expected a map"),
        ],
    )
    def test_what_helm_would_not_publish(self, tmp_path: Path, about: dict[str, object], said: str) -> None:
        with pytest.raises(PublishError, match=r"Chart\.yaml") as caught:
            pack(shop(tmp_path, **about) if "version" not in about else shop(tmp_path, about["version"]))  # type: ignore[arg-type]
        assert said in str(caught.value)

    def test_a_schema_that_is_no_json(self, tmp_path: Path) -> None:
        chart = shop(tmp_path)
        (chart / "values.schema.json").write_text("{")
        with pytest.raises(HelmError, match=r"values\.schema\.json: this is not JSON"):
            pack(chart)

    def test_values_that_are_no_yaml(self, tmp_path: Path) -> None:
        chart = shop(tmp_path)
        (chart / "values.yaml").write_text("a: [\n")
        with pytest.raises(HelmError, match=r"values\.yaml: "):
            pack(chart)
        with pytest.raises(helm_python.HelmError):
            helm_python.package(chart, destination=tmp_path)


class TestCommand:
    def test_packs_every_chart_and_says_the_digests(self, run: Run, tmp_path: Path) -> None:
        chart = shop(tmp_path / "charts")
        done = run("package")
        digest = hashlib.sha256((tmp_path / "dist" / "shop-1.2.0.tgz").read_bytes()).hexdigest()
        assert (done.exit_code, done.stdout) == (0, f"dist/shop-1.2.0.tgz  sha256:{digest}\n")
        assert run("package", str(chart)).stdout == f"dist/shop-1.2.0.tgz  sha256:{digest}  (unchanged)\n"

    def test_writes_nothing_where_one_chart_is_wrong(self, run: Run, tmp_path: Path) -> None:
        done = run("package", str(shop(tmp_path)), str(OWN))
        assert done.exit_code == 2 and done.stderr.count("\n") == 1 and "helm dependency build" in done.stderr
        assert not (tmp_path / "dist").exists()

    def test_says_that_it_cannot_write(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "dist").write_text("a file")
        done = run("package", str(shop(tmp_path)))
        assert done.exit_code == 2 and "dist/shop-1.2.0.tgz: cannot be written" in done.stderr

    def test_two_charts_of_one_name_are_a_mistake(self, run: Run, tmp_path: Path) -> None:
        done = run("package", str(shop(tmp_path / "a")), str(shop(tmp_path / "b")))
        assert done.exit_code == 2 and "make shop-1.2.0.tgz" in done.stderr
