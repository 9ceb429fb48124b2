"""CompiledArtifacts out of a real registry: as floe pushes them, by tag and by digest; and what is none."""

from __future__ import annotations

import json
from pathlib import Path

import oras.client
import pytest

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.artifacts import registry as pulling
from floe_charts.artifacts.loader import load
from floe_charts.errors import DocumentError, RegistryError
from floe_charts.publish import pack, push
from floe_charts.registry.client import ATTEMPTS, Blob, Client, digest_of
from floe_charts.registry.reference import Reference
from tests.artifacts.conftest import EXAMPLE
from tests.cli.conftest import Run, run
from tests.publish.charts import shop
from tests.registry.fixtures import keyless, locked, log_in, proxy, registry
from tests.registry.servers import PASSWORD, USER, Fault, Proxy, running_proxy

__all__ = ["keyless", "locked", "proxy", "registry", "run"]

TEXT = json.dumps(EXAMPLE).encode()
EMPTY = Blob("application/vnd.oci.empty.v1+json", b"{}")


def put(host: str, name: str, *layers: Blob, config: Blob = EMPTY) -> str:
    """Push an artifact with these layers as ``name:1``; returns its reference by tag."""
    reference = Reference(host, name, "1")
    with Client(reference) as client:
        client.push(config, list(layers), {})
    return str(reference)


class TestPull:
    def test_by_tag_and_by_digest(self, registry: str) -> None:
        reference = Reference(registry, "team/orders", "0.10.0")
        with Client(reference) as client:
            digest = client.push(EMPTY, [Blob(pulling.MEDIA_TYPE, TEXT)], {})
        by_tag = load(str(reference))
        assert by_tag.product_name == CompiledArtifacts.example().product_name and by_tag.source == str(reference)
        assert load(f"oci://{registry}/team/orders@{digest}").model_dump() == by_tag.model_dump()
        assert load(f"{reference}@{digest}").product_name == by_tag.product_name

    def test_as_floe_itself_pushes(self, registry: str, tmp_path: Path) -> None:
        file = tmp_path / "compiled_artifacts.json"
        file.write_bytes(TEXT)
        client = oras.client.OrasClient(insecure=True)
        client.push(target=f"{registry}/floe/orders:v1", files=[str(file)], disable_path_validation=True)
        client.session.close()
        assert load(f"oci://{registry}/floe/orders:v1").product_name == CompiledArtifacts.example().product_name

    def test_takes_the_layer_of_the_contract_first(self, registry: str) -> None:
        other = Blob("application/vnd.cyclonedx+json", b'{"bomFormat": "CycloneDX"}')
        assert load(put(registry, "two", other, Blob(pulling.MEDIA_TYPE, TEXT))).product_name

    def test_any_json_will_do(self, registry: str) -> None:
        assert load(put(registry, "plain", Blob("application/json", TEXT))).product_name

    def test_with_the_credentials_of_helm(self, locked: str, keyless: Path) -> None:
        with pytest.raises(RegistryError, match="wants credentials"):
            load(f"oci://{locked}/orders:1")
        log_in(keyless, locked, USER, PASSWORD)
        assert load(put(locked, "orders", Blob(pulling.MEDIA_TYPE, TEXT))).product_name


class TestRefusals:
    def test_what_is_not_there(self, registry: str) -> None:
        with pytest.raises(RegistryError, match=r"/no/orders:1: there is no such artifact"):
            load(f"oci://{registry}/no/orders:1")

    def test_a_reference_without_version(self, registry: str) -> None:
        with pytest.raises(RegistryError, match=r"names no version; add :tag or @sha256:digest"):
            load(f"oci://{registry}/orders")

    def test_a_chart(self, registry: str, tmp_path: Path) -> None:
        pushed = push(pack(shop(tmp_path)), f"oci://{registry}/charts")
        with pytest.raises(RegistryError, match="is a Helm chart; expected CompiledArtifacts"):
            load(str(pushed.reference))

    def test_what_holds_none(self, registry: str) -> None:
        reference = put(registry, "image", Blob("application/vnd.oci.image.layer.v1.tar+gzip", b"x"))
        with pytest.raises(RegistryError, match=r"holds no CompiledArtifacts \(found .*tar\+gzip; expected"):
            load(reference)

    def test_what_holds_several(self, registry: str) -> None:
        reference = put(registry, "many", *(Blob(pulling.MEDIA_TYPE, text) for text in (TEXT, b"{}")))
        with pytest.raises(RegistryError, match="holds 2 layers that could be"):
            load(reference)

    def test_what_is_too_large(self, registry: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pulling, "MAX_BYTES", 1024 * 1024)
        with pytest.raises(RegistryError, match="is larger than 1 MiB"):
            load(put(registry, "large", Blob(pulling.MEDIA_TYPE, b" " * (1024 * 1024 + 1))))

    def test_what_is_no_json(self, registry: str) -> None:
        reference = put(registry, "broken", Blob(pulling.MEDIA_TYPE, b'{"version":'))
        with pytest.raises(DocumentError, match=f"{reference}: line 1"):
            load(reference)

    def test_content_of_another_digest(self, registry: str) -> None:
        blob = Blob(pulling.MEDIA_TYPE, TEXT)
        reference = put(registry, "swapped", blob)
        false = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        with running_proxy(registry) as proxy:
            proxy.faults += [Fault(b"GET /v2/swapped/blobs", 99, false)]
            with pytest.raises(RegistryError, match=f"what the registry hands out is not {digest_of(TEXT)}"):
                load(reference.replace(registry, proxy.host))
            proxy.faults[0].start = b"GET /v2/swapped/manifests"
            digest = "sha256:" + "0" * 64
            with pytest.raises(RegistryError, match="something else than what has this digest"):
                load(f"oci://{proxy.host}/swapped@{digest}")


class TestARegistryThatFails:
    def test_in_the_middle_of_the_answer(self, registry: str, proxy: Proxy) -> None:
        reference = put(registry, "middle", Blob(pulling.MEDIA_TYPE, TEXT)).replace(registry, proxy.host)
        proxy.faults += [Fault(b"GET /v2/middle/blobs", 2, cut_answer=900)]
        assert load(reference).product_name
        proxy.faults += [Fault(b"GET /v2/middle/blobs", 99, cut_answer=900)]
        with pytest.raises(RegistryError, match=rf"cannot be reached: .* \(tried {ATTEMPTS} times\)"):
            load(reference)


class TestCommand:
    def test_synth_takes_it(self, run: Run, registry: str, tmp_path: Path) -> None:
        reference = put(registry, "command", Blob(pulling.MEDIA_TYPE, TEXT))
        done = run("generate", "--artifact", reference, "--env", "dev", "-o", "-")
        Path("file.json").write_bytes(TEXT)
        same = run("generate", "--artifact", "file.json", "--env", "dev", "-o", "-")
        assert done.exit_code == same.exit_code == 0 and same.stdout
        assert done.stdout.replace(reference, "file.json") == same.stdout

    def test_a_mistake_writes_nothing(self, run: Run, registry: str, tmp_path: Path) -> None:
        done = run("synth", "--artifact", f"oci://{registry}/none:1")
        assert done.exit_code == 2 and done.stderr.count("\n") == 1 and "there is no such artifact" in done.stderr
        assert not list(tmp_path.iterdir())
