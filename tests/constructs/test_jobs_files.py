"""What jobs read: artifacts and profiles without credentials, Secrets with them, and large files gzipped."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.artifacts.credentials import env_vars
from floe_charts.cli import main
from floe_charts.errors import ArtifactError
from tests.constructs.jobs_charts import STORE, container_of, job_pod, jobs_objects, of_kind
from tests.support import SHARED
from tests.synth.cases import CANARY, artifact, changed
from tests.synth.jobs_cases import jobs_of, made_jobs

FILE = "floe-jobs/products/hello-floe/compiled_artifacts.json"
DBT = "floe-jobs-hello-floe-dbt"


def named(files: Any, key: str) -> set[str]:
    """The variables that the files of a product name."""
    texts = [text for path, text in files.items() if f"/products/{key}/" in path]
    return {name for text in texts for name, has_default in env_vars(text.replace('\\"', '"')) if not has_default}


class TestCredentials:
    def test_no_file_holds_one(self) -> None:
        files = made_jobs("jobs-two-products")[0]
        assert [path for path, text in files.items() if CANARY in text] == []

    @pytest.mark.parametrize("name", ["full-featured", "customer-360", "financial-risk", "iot-telemetry"])
    def test_of_real_artifacts_neither(self, name: str) -> None:
        path = SHARED / "artifacts" / f"{name}.json"
        if not path.exists():
            pytest.skip("the real artifacts are not beside the repository")
        files = jobs_of([CompiledArtifacts.load(path)])
        assert [path for path, text in files.items() if CANARY in text or "demo-secret" in text] == []
        assert named(files, name) == set(files.final_values("dev")["jobs"]["products"][name]["credentials"])

    def test_every_variable_in_the_files_is_a_key_of_the_secret(self) -> None:
        files = made_jobs("jobs-two-products")[0]
        for key, product in files.final_values("dev")["jobs"]["products"].items():
            assert named(files, key) == set(product["credentials"])

    def test_the_files_are_what_they_were_but_for_credentials(self) -> None:
        """Everything that is none stands where it stood, variables that floe wrote too; floe reads the file again.

        The moment alone is left out: compiled anew from the same sources, an artifact shall change nothing.
        """
        files = jobs_of([artifact()])
        text = files[FILE]
        expected = artifact().model_dump(mode="json")
        expected["metadata"]["compiled_at"] = "1970-01-01T00:00:00Z"
        oauth2 = expected["plugins"]["catalog"]["config"]["oauth2"]
        oauth2["client_id"] = "{{ env_var('HELLO_FLOE_CATALOG_OAUTH2_CLIENT_ID') }}"
        assert oauth2["client_secret"] == "{{ env_var('POLARIS_CLIENT_SECRET') }}"
        found = json.loads(text)
        assert found == expected
        assert CompiledArtifacts.parse(found, "again.json").product_name == "hello-floe"

    @pytest.mark.parametrize(
        ("field", "written", "becomes"),
        [
            ("password", "hunter2", "{{ env_var('HELLO_FLOE_DBT_PASSWORD') }}"),
            ("password", "{{ env_var('PW') }}", "{{ env_var('PW') }}"),
            ("password", "{{ env_var('PW', 'hunter2') }}", "{{ env_var('PW') }}"),
            ("password", '{{ env_var("PW","hunter2") | trim }}', '{{ env_var("PW") | trim }}'),
            ("password", "{{ env_var('PW', 'a' ~ 'hunter2') }}", "{{ env_var('PW') }}"),
            ("user", "{{ env_var('USER', 'somebody') }}", "{{ env_var('USER', 'somebody') }}"),
            ("url", "pg://{{ env_var('U', 'me') }}:{{ env_var('PW', 'hunter2') }}@db/x", None),
            ("url", "https://me:hunter2@db.example.com/x", "{{ env_var('HELLO_FLOE_DBT_URL') }}"),
            ("note", "{{ env_var('NOTE') }}", "{{ env_var('NOTE') }}"),
        ],
    )
    def test_each_way_to_write_one(self, field: str, written: str, becomes: str | None) -> None:
        output = {"type": "postgres", field: written}
        files = jobs_of([artifact(dbt_profiles={"p": {"target": "dev", "outputs": {"dev": output}}})])
        assert [path for path, text in files.items() if "hunter2" in text] == []
        profiles = yaml.safe_load(files["floe-jobs/products/hello-floe/profiles.yml"])
        found = profiles["p"]["outputs"]["dev"][field]
        assert becomes is None or found == becomes
        assert named(files, "hello-floe") == set(
            files.final_values("dev")["jobs"]["products"]["hello-floe"]["credentials"]
        )

    def test_where_nobody_expects_one_it_is_left_out(self) -> None:
        """A token in a data contract is no setting of a job: nothing takes its place."""
        files = jobs_of([artifact(data_contracts=[{"url": f"https://u:{CANARY}@x.example.com/", "token": CANARY}])])
        assert CANARY not in "".join(files.values())

    def test_the_secret_becomes_variables(self, tmp_path: Path) -> None:
        objects = jobs_objects(tmp_path, [artifact()], {"envSecrets": ["floe-platform-object-store"]})
        assert container_of(objects, DBT)["envFrom"] == [
            *STORE,
            {"secretRef": {"name": "floe-platform-hello-floe-credentials"}},
            {"secretRef": {"name": "floe-platform-object-store"}},
        ]
        assert of_kind(objects, "ExternalSecret") == {}

    def test_or_is_fetched(self, tmp_path: Path) -> None:
        secrets = {"source": "external", "remotePrefix": "floe/", "store": {"name": "vault"}}
        objects = jobs_objects(tmp_path, [artifact()], {"secrets": secrets})
        name = "floe-jobs-hello-floe-credentials"
        assert container_of(objects, DBT)["envFrom"] == [*STORE, {"secretRef": {"name": name}}]
        spec = of_kind(objects, "ExternalSecret")[name]["spec"]
        assert spec["target"]["name"] == name
        assert spec["secretStoreRef"] == {"name": "vault", "kind": "ClusterSecretStore"}
        key = "floe/floe-platform-hello-floe-credentials"
        assert {one["secretKey"]: one["remoteRef"] for one in spec["data"]} == {
            variable: {"key": key, "property": variable}
            for variable in ("HELLO_FLOE_CATALOG_OAUTH2_CLIENT_ID", "POLARIS_CLIENT_SECRET")
        }

    def test_a_product_without_any_has_no_secret(self, tmp_path: Path) -> None:
        bare = artifact(plugins__catalog=None)
        objects = jobs_objects(tmp_path, [bare], {"secrets": {"source": "external"}})
        assert of_kind(objects, "ExternalSecret") == {}
        assert container_of(objects, DBT)["envFrom"] == STORE


def large(size: int, *, seed: int | None = None) -> CompiledArtifacts:
    """The example with a data contract of about ``size`` bytes, random where there is a ``seed``."""
    rng = random.Random(seed)
    text = "lorem ipsum " * (size // 12) if seed is None else "".join(rng.choices("abcdefghijklmnop", k=size))
    return CompiledArtifacts.parse({**changed(), "data_contracts": [{"description": text}]}, "large.json")


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return jobs_objects(tmp_path_factory.mktemp("large"), [large(1_000_000)])


class TestLargeFiles:
    def test_small_ones_stand_as_they_are(self, tmp_path: Path) -> None:
        objects = jobs_objects(tmp_path, [large(100_000)])
        config_map = of_kind(objects, "ConfigMap")["floe-jobs-hello-floe"]
        assert set(config_map["data"]) == {"compiled_artifacts.json", "profiles.yml"}
        assert "binaryData" not in config_map
        pod = job_pod(objects, DBT)
        assert "initContainers" not in pod
        assert pod["volumes"][0] == {"name": "product", "configMap": {"name": "floe-jobs-hello-floe"}}

    def test_large_ones_are_gzipped_always_to_the_same_bytes(self, objects: Any) -> None:
        config_map = of_kind(objects, "ConfigMap")["floe-jobs-hello-floe"]
        assert "data" not in config_map
        packed = {name: b64decode(text) for name, text in config_map["binaryData"].items()}
        assert set(packed) == {"compiled_artifacts.json.gz", "profiles.yml.gz"}
        found = json.loads(gzip.decompress(packed["compiled_artifacts.json.gz"]))
        assert len(found["data_contracts"][0]["description"]) > 900_000
        assert sum(map(len, packed.values())) < 100_000
        assert dict(jobs_of([large(1_000_000)])) == dict(jobs_of([large(1_000_000)]))

    def test_the_pod_unpacks_them(self, objects: Any, tmp_path: Path) -> None:
        """As the kubelet mounts a ConfigMap: names that are links into a directory that is one, too."""
        pod = job_pod(objects, DBT)
        [init] = pod["initContainers"]
        assert init["image"] == pod["containers"][0]["image"]
        mounts = {one["name"]: one["mountPath"] for one in init["volumeMounts"]}
        packed, product = tmp_path / "packed", tmp_path / "product"
        (packed / "..2026").mkdir(parents=True)
        product.mkdir()
        (packed / "..data").symlink_to("..2026")
        for name, text in of_kind(objects, "ConfigMap")["floe-jobs-hello-floe"]["binaryData"].items():
            (packed / "..2026" / name).write_bytes(b64decode(text))
            (packed / name).symlink_to(f"..data/{name}")
        script = init["command"][-1].replace(mounts["packed"], str(packed)).replace(mounts["product"], str(product))
        subprocess.run([*init["command"][:-1], script], check=True, cwd=tmp_path)
        assert {path.name for path in product.iterdir()} == {"compiled_artifacts.json", "profiles.yml"}
        assert json.loads((product / "compiled_artifacts.json").read_text())["version"] == "0.10.0"
        volumes = {one["name"]: one for one in pod["volumes"]}
        assert volumes["product"] == {"name": "product", "emptyDir": {}}
        assert volumes["packed"]["configMap"]["name"] == "floe-jobs-hello-floe"

    def test_what_fits_no_config_map_is_refused_with_advice(self) -> None:
        with pytest.raises(ArtifactError) as caught:
            jobs_of([large(2_000_000, seed=1)])
        said = str(caught.value)
        assert said.startswith("large.json: it has 19") and "KiB gzipped, expected at most 900 KiB" in said
        assert "compile it without data_contracts and quality_config, or split the data product" in said

    def test_the_command_ends_with_exit_code_2_then(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("large.json").write_text(json.dumps(large(2_000_000, seed=1).model_dump(mode="json")))
        result = CliRunner().invoke(main, ["synth", "--artifact", "large.json"])
        assert (result.exit_code, result.stdout) == (2, "")
        assert "as a ConfigMap holds" in result.stderr
        assert not Path("charts").exists()
