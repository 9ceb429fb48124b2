"""The way to a registry: encryption, certificates, proxies, and what is said where it is barred."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from floe_charts.errors import RegistryError
from floe_charts.registry import Connection, Reference
from floe_charts.registry.client import ATTEMPTS, Blob, Client
from tests.registry.servers import Certificate, Fault, Proxy, free_port, make_certificate, running_registry


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[str]:
    """A registry with encryption that lets in who shows its certificate."""
    with running_registry(tmp_path_factory.mktemp("encrypted"), certificate=certificate) as host:
        yield host


def look(host: str, connection: Connection | None = None) -> object:
    with Client(Reference(host, "a", "1"), connection) as client:
        return client.manifest()


@contextlib.contextmanager
def hanging_up() -> Iterator[str]:
    """A server that hears a client out for once, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(65536)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


class TestEncryption:
    def test_with_certificates_of_our_own(self, encrypted: str, certificate: Certificate) -> None:
        file, key = str(certificate.file), str(certificate.key)
        ours = Connection(ca_file=file, cert_file=file, key_file=key)
        with Client(Reference(encrypted, "pushed", "1"), ours) as client:
            digest = client.push(Blob("a/b", b"{}"), [Blob("a/b", b"x")], {})
            found = client.manifest()
        assert found is not None and found.digest == digest
        with pytest.raises(RegistryError, match=r"certificate"):
            look(encrypted, Connection(ca_file=file))

    def test_with_one_file_for_certificate_and_key(
        self, encrypted: str, certificate: Certificate, tmp_path: Path
    ) -> None:
        both = tmp_path / "both.pem"
        both.write_bytes(certificate.file.read_bytes() + certificate.key.read_bytes())
        assert look(encrypted, Connection(ca_file=str(both), cert_file=str(both))) is None

    @pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
    def test_with_an_authority_from_the_environment(
        self, encrypted: str, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, variable: str
    ) -> None:
        monkeypatch.setattr(Reference, "is_loopback", False)
        file, key = str(certificate.file), str(certificate.key)
        shown = Connection(cert_file=file, key_file=key)
        with pytest.raises(RegistryError, match=r"certificate verify failed: self-signed certificate; .*--ca-file$"):
            look(encrypted, shown)
        monkeypatch.setenv(variable, file)
        assert look(encrypted, shown) is None

    def test_to_another_name_has_nothing_to_do_with_authorities(self, encrypted: str, certificate: Certificate) -> None:
        with pytest.raises(RegistryError, match=r"certificate is not valid for 'localhost'$"):
            look(encrypted.replace("127.0.0.1", "localhost"), Connection(ca_file=str(certificate.file)))

    def test_that_breaks_off_is_tried_again(self, certificate: Certificate) -> None:
        with (
            hanging_up() as host,
            pytest.raises(RegistryError, match=rf"the connection was cut \(tried {ATTEMPTS} times\)"),
        ):
            look(host, Connection(ca_file=str(certificate.file)))

    def test_is_not_left_out_for_a_registry_elsewhere(self) -> None:
        assert not Connection().is_plain(Reference("registry.example.com", "a"))
        assert Connection(plain_http=True).is_plain(Reference("registry.example.com", "a"))


class TestFiles:
    @pytest.mark.parametrize(
        ("how", "said"),
        [
            ({"ca_file": "nothing.pem"}, "nothing.pem: the certificate cannot be read: no such file or directory"),
            ({"ca_file": "junk.pem"}, "junk.pem: cannot be used as a certificate: no certificate or crl found"),
            ({"cert_file": "junk.pem"}, "junk.pem: cannot be used as a certificate: "),
            ({"cert_file": "nothing.pem"}, "nothing.pem: the certificate cannot be read"),
            ({"key_file": "junk.pem"}, "junk.pem: is a key without a certificate; give --cert-file too"),
        ],
    )
    def test_that_are_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, str], said: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("junk.pem").write_text("no certificate")
        with pytest.raises(RegistryError) as caught:
            look("registry.example.com", Connection(**how))
        assert str(caught.value).startswith(said)

    def test_named_by_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem")
        with pytest.raises(RegistryError, match=r"^/nowhere/bundle\.pem: the certificate cannot be read"):
            look("registry.example.com")


class TestWay:
    def test_to_this_machine_leads_through_no_proxy(self, registry: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
        assert look(registry) is None

    def test_through_a_proxy_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
        with pytest.raises(RegistryError, match="the proxy cannot be reached: connection refused"):
            look("registry.example.com")

    @pytest.mark.parametrize(
        ("error", "said"),
        [(socket.EAI_NONAME, "its name is not known$"), (socket.EAI_AGAIN, r"not known \(tried \d times\)$")],
    )
    def test_to_a_name_that_is_not_known(self, monkeypatch: pytest.MonkeyPatch, error: int, said: str) -> None:
        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(error, "no")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        with pytest.raises(RegistryError, match=said):
            look("registry.example.com")

    @pytest.mark.parametrize("host", ["a..b", f"{'a' * 64}.example.com", "localhost:99999", "[::::]"])
    def test_to_what_is_no_address(self, host: str) -> None:
        with pytest.raises(RegistryError, match=r"/a:1: is no address: "):
            look(host)


DEEP = b"[" * 100_000


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Connection: close", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class TestAnswersOfNoRegistry:
    @pytest.mark.parametrize(
        ("said_there", "said"),
        [
            (answer("200 OK", b"<html>"), "the registry's answer is no manifest; is this a registry?"),
            (answer("200 OK", DEEP), "the registry's answer is no manifest; is this a registry?"),
            (answer("400 Bad Request", DEEP), "answers 400 Bad Request; is this a registry?"),
            (
                answer("418 Teapot", b'{"errors":[{"message":"short and stout"}]}'),
                "answers 418 Teapot: short and stout",
            ),
            (answer("401 No"), "the registry refuses, and does not say how to log in"),
            (answer("401 No", b"", 'WWW-Authenticate: Bearer service="x"'), "does not say how to log in"),
            (answer("302 Found", b"", "Location: /v2/"), "makes no sense: Exceeded 30 redirects"),
            (answer("200 OK", b"not gzip", "Content-Encoding: gzip"), "makes no sense"),
            (b"SSH-2.0-OpenSSH\r\n", f"the connection was cut (tried {ATTEMPTS} times)"),
        ],
    )
    def test_are_told(self, proxy: Proxy, said_there: bytes, said: str) -> None:
        proxy.faults += [Fault(b"GET ", 99, said_there)]
        with pytest.raises(RegistryError) as caught:
            look(proxy.host)
        assert said in str(caught.value) and "\n" not in str(caught.value)

    @pytest.mark.parametrize("token", [DEEP, b"", b'{"token":"a\\nb"}', '{"token":"ä"}'.encode(), b'{"token":1}'])
    def test_to_the_question_for_a_token(self, proxy: Proxy, token: bytes) -> None:
        proxy.faults += [
            Fault(b"GET /v2", 1, answer("401 No", b"", f'WWW-Authenticate: Bearer realm="http://{proxy.host}/token"')),
            Fault(b"GET /token", 1, answer("200 OK", token)),
        ]
        with pytest.raises(RegistryError, match="the server of tokens answers 200 and hands out none"):
            look(proxy.host)

    @pytest.mark.parametrize("body", [b"", DEEP])
    def test_that_name_no_place_for_uploads(self, proxy: Proxy, body: bytes) -> None:
        proxy.faults += [Fault(b"POST ", 1, answer("202 Accepted", body))]
        with (
            Client(Reference(proxy.host, "a", "1")) as client,
            pytest.raises(RegistryError, match="names no place for uploads"),
        ):
            client.push(Blob("a/b", b"{}"), [], {})

    @pytest.mark.parametrize("digest", ["None", "../../x", "sha512:" + "0" * 128])
    def test_that_name_content_by_no_digest(self, registry: str, digest: str) -> None:
        with (
            Client(Reference(registry, "a", "1")) as client,
            pytest.raises(RegistryError, match=r"the manifest names its content .*; expected a digest sha256:"),
        ):
            client.blob(digest, 1)
