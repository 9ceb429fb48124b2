"""index.yaml: read by Helm, the same for the same packages, and true to what was published before."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import helm_python
import pytest
import yaml

from floe_charts.errors import FloeChartsError, PublishError
from floe_charts.helm.semver import semver_key
from floe_charts.publish import pack, write_index
from tests.cli.conftest import Run, run
from tests.publish.charts import shop

__all__ = ["run"]


@contextlib.contextmanager
def served(directory: Path) -> Iterator[str]:
    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

    handler = functools.partial(Handler, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(5)


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A directory with three versions of a chart whose texts YAML readers love to misread."""
    odd = {"appVersion": "1e3", "keywords": ["no", "0123", "12:30", "ä: b"], "annotations": {"y": "a\nb: {{ c }}\n"}}
    for version in ("1.9.0", "1.10.0", "1.10.0-rc.1"):
        chart = shop(tmp_path, version)
        about = {**yaml.safe_load((chart / "Chart.yaml").read_text()), **odd}
        (chart / "Chart.yaml").write_text(json.dumps(about))
        pack(chart).write(tmp_path / "dist")
    return tmp_path / "dist"


def versions(path: Path) -> list[str]:
    return [one["version"] for one in yaml.safe_load(path.read_text())["entries"]["shop"]]


def test_helm_finds_and_pulls_what_it_lists(dist: Path, tmp_path: Path) -> None:
    write_index(dist)
    with served(dist) as url:
        index = helm_python.repo_index(url)
        helm_python.pull("shop", repo_url=url, destination=tmp_path)
    newest = index["entries"]["shop"][0]
    assert newest["appVersion"] == "1e3" and newest["keywords"] == ["no", "0123", "12:30", "ä: b"]
    assert newest["annotations"] == {"y": "a\nb: {{ c }}\n"}
    assert (tmp_path / "shop-1.10.0.tgz").read_bytes() == (dist / "shop-1.10.0.tgz").read_bytes()


def test_says_what_helm_says_of_the_same_directory(dist: Path) -> None:
    write_index(dist, "https://acme.github.io/charts/")
    ours = yaml.safe_load((dist / "index.yaml").read_text())["entries"]
    helm_python.repo_index_generate(dist, base_url="https://acme.github.io/charts/")
    theirs = yaml.safe_load((dist / "index.yaml").read_text())["entries"]
    for one in (*ours["shop"], *theirs["shop"]):
        one.pop("created")
    assert ours == theirs


def test_is_always_the_same_and_newest_first(dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, count, changed = write_index(dist)
    text = path.read_text()
    assert count == 3 and changed and versions(path) == ["1.10.0", "1.10.0-rc.1", "1.9.0"]
    assert write_index(dist) == (path, 3, False) and path.read_text() == text
    assert "1970-01-01T00:00:00Z" in text
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    write_index(dist)
    assert path.read_text().count("2026-01-01T00:00:00Z") == 4


def test_a_v_before_a_version_changes_no_order(dist: Path, tmp_path: Path) -> None:
    for version in ("v1.9.5", "v2.0.0"):
        pack(shop(tmp_path, version)).write(dist)
    path, _, _ = write_index(dist)
    assert versions(path) == ["v2.0.0", "1.10.0", "1.10.0-rc.1", "v1.9.5", "1.9.0"]


def test_keeps_what_was_published_before(dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    before = tmp_path / "published.yaml"
    write_index(dist, "https://old.example.com")
    before.write_text((dist / "index.yaml").read_text())
    (dist / "shop-1.9.0.tgz").unlink()
    pack(shop(tmp_path, "2.0.0")).write(dist)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1770000000")
    path, count, _ = write_index(dist, "https://new.example.com", str(before))
    entries = {one["version"]: one for one in yaml.safe_load(path.read_text())["entries"]["shop"]}
    assert count == 4 and list(entries) == ["2.0.0", "1.10.0", "1.10.0-rc.1", "1.9.0"]
    assert entries["1.9.0"]["urls"] == ["https://old.example.com/shop-1.9.0.tgz"]
    assert str(entries["1.10.0"]["created"]).startswith("2026-01-01")
    assert entries["2.0.0"]["urls"] == ["https://new.example.com/shop-2.0.0.tgz"]
    assert 'generated: "2026-02-02T02:40:00Z"' in path.read_text().replace("'", '"')


def test_refuses_a_published_version_with_other_content(dist: Path, tmp_path: Path) -> None:
    path, _, _ = write_index(dist)
    before = path.read_text()
    pack(shop(tmp_path, "1.9.0", a="other")).write(dist)
    with pytest.raises(PublishError, match=r"shop 1\.9\.0 is listed with other content .*--chart-version 1\.9\.1$"):
        write_index(dist, merge=str(path))
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("foo", "found 'foo'; expected http://HOST/PATH or https://HOST/PATH; without --url addresses are relative"),
        ("https://", "found 'https://'; expected http://HOST/PATH"),
        ("https://a.example.com/charts?x=1", "expected http://HOST/PATH"),
        ("https://a.example.com:port/", "expected http://HOST/PATH"),
        ("https://bot:secret@a.example.com/charts", "must not carry a user or password"),
        # Helm would look for the tag of oci://HOST/PATH/shop-1.9.0.tgz.
        ("oci://a.example.com/charts", "a registry needs no index; charts get there by push"),
    ],
)
def test_refuses_what_is_no_address(run: Run, dist: Path, url: str, said: str) -> None:
    done = run("index", "dist", "--url", url)
    assert done.exit_code == 2 and done.stderr.startswith("Error: --url: ") and done.stderr.count("\n") == 1
    assert said in done.stderr and "secret" not in done.stderr and not (dist / "index.yaml").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no such file"),
        ("a: 1\n", "is no index of a Helm repository"),
        ("apiVersion: v1\nentries: {shop: [{digest: a}]}\n", "entries.shop[0]: is no entry: it has no version"),
        ("apiVersion: v1\nentries: {shop: [", "is not YAML"),
    ],
)
def test_refuses_what_is_no_index(dist: Path, tmp_path: Path, text: str | None, said: str) -> None:
    merge = tmp_path / "earlier.yaml"
    if text is not None:
        merge.write_text(text)
    with pytest.raises(FloeChartsError) as caught:
        write_index(dist, merge=str(merge))
    assert said in str(caught.value) and not (dist / "index.yaml").exists()


def test_command(run: Run, dist: Path, tmp_path: Path) -> None:
    assert run("index", "dist").stdout == "dist/index.yaml: 3 versions\n"
    assert run("index", "dist").stdout == "dist/index.yaml: 3 versions (unchanged)\n"
    (tmp_path / "empty").mkdir()
    for place, said in (("empty", "there is no package (.tgz) here"), ("nowhere", "is no directory")):
        done = run("index", place)
        assert done.exit_code == 2 and said in done.stderr and done.stderr.count("\n") == 1
    (dist / "bad.tgz").write_bytes(b"no archive")
    assert "bad.tgz" in run("index", "dist").stderr


def test_precedence_is_that_of_semver() -> None:
    ordered = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11"]
    ordered += ["1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0"]
    assert sorted(reversed(ordered), key=semver_key) == ordered
