"""Pushing to a real registry on loopback: what Helm pulls back, what is refused, and what is left behind."""

from __future__ import annotations

import hashlib
import http.client
import json
from pathlib import Path

import helm_python
import oras.client
import pytest

from floe_charts.errors import PublishError, RegistryError
from floe_charts.publish import pack, push
from floe_charts.registry import Connection
from floe_charts.registry.client import ATTEMPTS
from tests.cli.conftest import Run, run
from tests.publish.charts import shop
from tests.registry.fixtures import log_in
from tests.registry.servers import PASSWORD, USER, Fault, Proxy, free_port, running_proxy

__all__ = ["run"]

UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 0\r\n\r\n"


def manifest(host: str, repository: str, tag: str) -> tuple[dict[str, object], str] | None:
    """What the registry itself says, without the code under test."""
    connection = http.client.HTTPConnection(host)
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    connection.request("GET", f"/v2/{repository}/manifests/{tag}", headers=accept)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return (json.loads(content), f"sha256:{hashlib.sha256(content).hexdigest()}") if response.status == 200 else None


class TestPush:
    def test_is_pulled_back_by_helm_byte_for_byte(self, registry: str, tmp_path: Path) -> None:
        package = pack(shop(tmp_path))
        done = push(package, f"oci://{registry}/back/charts")
        assert str(done.reference) == f"oci://{registry}/back/charts/shop:1.2.0" and not done.was_there
        helm_python.pull(f"oci://{registry}/back/charts/shop", version="1.2.0", destination=tmp_path, plain_http=True)
        assert (tmp_path / "shop-1.2.0.tgz").read_bytes() == package.content
        client = helm_python.RegistryClient(plain_http=True)
        assert client.resolve(f"oci://{registry}/back/charts/shop:1.2.0")["digest"] == done.digest
        assert client.tags(f"oci://{registry}/back/charts/shop") == ["1.2.0"]

    def test_makes_the_manifest_that_helm_makes(self, registry: str, tmp_path: Path) -> None:
        about = {
            "home": "https://example.com",
            "sources": ["https://example.com/src"],
            "maintainers": [{"name": "Ann", "email": "ann@example.com"}, {"name": "Bob"}],
            "annotations": {"team": "data", "org.opencontainers.image.title": "not this"},
            "keywords": ["a"],
        }
        package = pack(shop(tmp_path, **about))
        path, _ = package.write(tmp_path)
        push(package, f"oci://{registry}/ours")
        helm_python.push(path, f"oci://{registry}/theirs", plain_http=True)
        ours, theirs = (manifest(registry, f"{one}/shop", "1.2.0") for one in ("ours", "theirs"))
        assert ours is not None and theirs is not None
        annotations = theirs[0]["annotations"]
        assert isinstance(annotations, dict) and annotations.pop("org.opencontainers.image.created")
        config = [one[0].pop("config") for one in (ours, theirs)]
        assert ours[0] == {"mediaType": "application/vnd.oci.image.manifest.v1+json", **theirs[0]}
        assert config[0]["mediaType"] == config[1]["mediaType"] == "application/vnd.cncf.helm.config.v1+json"  # type: ignore[index]

    def test_has_the_same_digest_at_every_registry(self, registry: str, tmp_path: Path) -> None:
        package = pack(shop(tmp_path))
        assert push(package, f"oci://{registry}/one").digest == push(package, f"oci://{registry}/two").digest

    def test_writes_a_plus_sign_as_helm_does(self, registry: str, tmp_path: Path) -> None:
        done = push(pack(shop(tmp_path, "1.2.0+build.7")), f"oci://{registry}/plus")
        assert done.reference.tag == "1.2.0_build.7"
        helm_python.pull(f"oci://{registry}/plus/shop", version="1.2.0+build.7", destination=tmp_path, plain_http=True)
        assert (tmp_path / "shop-1.2.0+build.7.tgz").exists()


class TestAVersionThatExists:
    def test_with_the_same_content_is_left_alone(self, registry: str, tmp_path: Path) -> None:
        first = push(pack(shop(tmp_path)), f"oci://{registry}/same")
        with running_proxy(registry) as proxy:
            again = push(pack(shop(tmp_path)), f"oci://{proxy.host}/same")
        assert again.was_there and again.digest == first.digest
        assert not [line for line in proxy.seen if line.startswith((b"PUT", b"POST"))]

    def test_pushed_by_helm_counts_too(self, registry: str, tmp_path: Path) -> None:
        package = pack(shop(tmp_path))
        path, _ = package.write(tmp_path)
        helm_python.push(path, f"oci://{registry}/helm", plain_http=True)
        assert push(package, f"oci://{registry}/helm").was_there

    def test_with_other_content_is_never_overwritten(self, registry: str, tmp_path: Path) -> None:
        push(pack(shop(tmp_path)), f"oci://{registry}/other")
        before = manifest(registry, "other/shop", "1.2.0")
        with pytest.raises(PublishError, match=r"holds other content .*; nothing was overwritten; ") as caught:
            push(pack(shop(tmp_path, a="y")), f"oci://{registry}/other")
        way_out = "a version never changes; make the next one: python -m floe_charts synth --chart-version 1.2.1"
        assert caught.value.hint == way_out and "\n" not in str(caught.value)
        assert manifest(registry, "other/shop", "1.2.0") == before

    def test_as_something_else_is_never_overwritten(self, registry: str, tmp_path: Path) -> None:
        client = oras.client.OrasClient(insecure=True)
        (tmp_path / "note.txt").write_text("an image, perhaps")
        client.push(f"{registry}/thing/shop:1.2.0", files=[str(tmp_path / "note.txt")], disable_path_validation=True)
        client.session.close()
        with pytest.raises(PublishError, match="holds something that is no chart"):
            push(pack(shop(tmp_path)), f"oci://{registry}/thing")

    def test_that_somebody_else_pushes_meanwhile_is_noticed(
        self, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from floe_charts.registry import client

        ours, theirs = pack(shop(tmp_path)), pack(shop(tmp_path, a="theirs"))
        written = client.Client.push

        def slowly(self: client.Client, *what: object) -> str:
            digest = written(self, *what)  # type: ignore[arg-type]
            monkeypatch.setattr(client.Client, "push", written)
            monkeypatch.setattr(client.Client, "manifest", lambda self: None)
            written_by_them = push_blindly(theirs, f"oci://{registry}/race")
            monkeypatch.setattr(client.Client, "manifest", looked)
            assert written_by_them != digest
            return digest

        def push_blindly(package: object, place: str) -> str:
            with pytest.raises(PublishError, match="does not show it"):
                push(package, place)  # type: ignore[arg-type]
            return "theirs"

        looked = client.Client.manifest
        monkeypatch.setattr(client.Client, "push", slowly)
        with pytest.raises(PublishError, match="holds other content"):
            push(ours, f"oci://{registry}/race")


class TestCredentials:
    def test_are_those_of_helm(self, locked: str, tmp_path: Path, keyless: Path) -> None:
        with helm_python.RegistryClient(plain_http=True, credentials_file=keyless) as client:
            client.login(locked, USER, PASSWORD, plain_http=True)
        done = push(pack(shop(tmp_path)), f"oci://{locked}/mine")
        with helm_python.RegistryClient(plain_http=True, credentials_file=keyless) as client:
            assert client.resolve(f"oci://{locked}/mine/shop:1.2.0")["digest"] == done.digest

    def test_that_are_missing(self, locked: str, tmp_path: Path) -> None:
        with pytest.raises(RegistryError, match=f"wants credentials.*; log in: helm registry login {locked}"):
            push(pack(shop(tmp_path)), f"oci://{locked}/none")

    def test_that_are_wrong(self, locked: str, tmp_path: Path, keyless: Path) -> None:
        log_in(keyless, locked, USER, "secret-guess")
        with running_proxy(locked) as proxy, pytest.raises(RegistryError) as caught:
            log_in(keyless, proxy.host, USER, "secret-guess")
            push(pack(shop(tmp_path)), f"oci://{proxy.host}/wrong")
        assert f"the registry refuses the credentials from {keyless}" in str(caught.value)
        assert "secret-guess" not in str(caught.value)
        assert len(proxy.seen) == 2, "a wrong password is not tried again"

    def test_from_netrc_are_not_taken(self, locked: str, tmp_path: Path) -> None:
        netrc = Path.home() / ".netrc"
        netrc.write_text(f"machine {locked.split(':')[0]} login {USER} password {PASSWORD}\n")
        netrc.chmod(0o600)
        with pytest.raises(RegistryError, match="wants credentials"):
            push(pack(shop(tmp_path)), f"oci://{locked}/netrc")


class TestARegistryThatFails:
    @pytest.mark.parametrize("start", [b"GET ", b"HEAD ", b"POST ", b"PUT "])
    @pytest.mark.parametrize("answer", [b"", UNAVAILABLE], ids=["cut", "503"])
    def test_for_a_moment_is_asked_again(self, proxy: Proxy, tmp_path: Path, start: bytes, answer: bytes) -> None:
        proxy.faults += [Fault(start, 2, answer)]
        where = f"moment/{start.decode().strip().lower()}{len(answer)}"
        done = push(pack(shop(tmp_path)), f"oci://{proxy.host}/{where}")
        assert not done.was_there and not proxy.faults[0].times
        found = manifest(proxy.host, f"{where}/shop", "1.2.0")
        assert found is not None and found[1] == done.digest

    @pytest.mark.parametrize("start", [b"POST ", b"PUT /v2/gone/1/shop/blobs/", b"PUT /v2/gone/2/shop/manifests/"])
    def test_for_good_has_no_half_version(self, proxy: Proxy, tmp_path: Path, start: bytes) -> None:
        where = "/".join(start.decode().split("/")[2:4]) or "gone/0"
        proxy.faults += [Fault(start, 99)]
        with pytest.raises(RegistryError, match=rf"cannot be reached: .* \(tried {ATTEMPTS} times\)"):
            push(pack(shop(tmp_path)), f"oci://{proxy.host}/{where}")
        assert proxy.faults[0].times == 99 - ATTEMPTS
        proxy.faults.clear()
        assert manifest(proxy.host, f"{where}/shop", "1.2.0") is None
        assert not push(pack(shop(tmp_path)), f"oci://{proxy.host}/{where}").was_there

    def test_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(RegistryError, match="cannot be reached: connection refused"):
            push(pack(shop(tmp_path)), f"oci://127.0.0.1:{free_port()}/charts")

    def test_that_speaks_without_encryption(
        self, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from floe_charts.registry.reference import Reference

        monkeypatch.setattr(Reference, "is_loopback", False)
        with pytest.raises(RegistryError, match=r"no encrypted connection.*needs --plain-http"):
            push(pack(shop(tmp_path)), f"oci://{registry}/tls")
        assert push(pack(shop(tmp_path)), f"oci://{registry}/plain", Connection(plain_http=True)).digest

    @pytest.mark.parametrize(
        ("place", "said"),
        [
            ("charts", "is no reference to a registry; expected oci://host/"),
            ("oci://127.0.0.1:1/Charts", "is no place in a registry"),
            ("oci://127.0.0.1:1/charts:1.0", "without the chart's name and version"),
            ("oci://me:secret@127.0.0.1:1/charts", "holds a user's name or password; log in instead"),
        ],
    )
    def test_because_it_is_named_wrongly(self, tmp_path: Path, place: str, said: str) -> None:
        with pytest.raises(RegistryError) as caught:
            push(pack(shop(tmp_path)), place)
        assert said in str(caught.value) and "secret" not in str(caught.value)


class TestCommand:
    def test_pushes_directories_and_packages(self, run: Run, registry: str, tmp_path: Path) -> None:
        chart = shop(tmp_path / "charts")
        run("package")
        where = f"oci://{registry}/command"
        done = run("push", str(chart), where, "--plain-http")
        found = manifest(registry, "command/shop", "1.2.0")
        assert found is not None
        assert (done.exit_code, done.stdout) == (0, f"{where}/shop:1.2.0@{found[1]}\n")
        again = run("push", "dist/shop-1.2.0.tgz", where)
        assert (again.exit_code, again.stdout) == (0, f"{where}/shop:1.2.0@{found[1]}  (already there)\n")

    @pytest.mark.parametrize(
        "arguments",
        [["nothing.tgz", "oci://127.0.0.1:1/a"], ["charts/shop", "oci://127.0.0.1:1/a"], ["charts/shop", "a"]],
    )
    def test_ends_mistakes_with_one_line_and_2(self, run: Run, tmp_path: Path, arguments: list[str]) -> None:
        shop(tmp_path / "charts")
        done = run("push", *arguments)
        assert done.exit_code == 2 and done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1

    def test_takes_files_with_certificates(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "a.pem").write_text("none")
        for option in ("--ca-file", "--cert-file"):
            done = run("push", str(shop(tmp_path)), "oci://127.0.0.1:1/a", option, "a.pem", "--ca-file", "a.pem")
            assert done.exit_code == 2 and done.stderr.startswith("Error: a.pem: cannot be used as a certificate: ")

    def test_looks_at_all_before_it_pushes_one(self, run: Run, registry: str, tmp_path: Path) -> None:
        done = run("push", str(shop(tmp_path)), str(tmp_path / "nothing"), f"oci://{registry}/first")
        assert done.exit_code == 2 and manifest(registry, "first/shop", "1.2.0") is None
