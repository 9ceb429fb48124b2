"""Secrets in three ways: they exist, the External Secrets Operator fetches them, the release generates them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.constructs.part import PlatformPart, RequiredSecret, SecretKey
from floe_charts.constructs.platform import FloePlatform
from floe_charts.constructs.surroundings.secrets import PlatformSecrets
from floe_charts.deployment import Deployment
from floe_charts.errors import DeclarationError, FloeChartsError
from floe_charts.helm import ChartValues, DnsName, Field, HelmChart, Values
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.helm.rules import ValueRule
from floe_charts.synth import synth
from floe_charts.verify.engine import ChartHandle, ValuesRefused, load
from floe_charts.verify.objects import RenderedObject, find_duplicates, parse_objects
from floe_charts.verify.schemas import CustomSchemas, validate_objects
from tests.constructs.rendering import new_chart, objects_of, written
from tests.support import SHARED
from tests.synth.kubernetes_names import name_faults


class ChartOfStages(ChartValues):
    """The chart's own values."""

    environment: str = Field("", description="Name of the environment.")


class StagedChart(HelmChart):
    """A chart whose Secrets are generated in development only."""

    def rules(self) -> Sequence[ValueRule]:
        return self.component(PlatformSecrets).rules(["dev", "test"])


class ReaderValues(Values):
    """A part that reads Secrets."""

    enabled: bool = Field(True, description="Whether it runs.")
    database: DnsName = Field("floe-platform-reader-database", description="Name of a Secret.")


class Reader(PlatformPart[ReaderValues]):
    """Reads three Secrets: one that can be generated, one that only somebody else knows, one of a fixed name."""

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        v = self.refs
        database = (
            SecretKey("username", text="reader"),
            SecretKey("password", random=32),
            SecretKey("postgresql-password", same_as="password"),
            SecretKey("pin", random=4),
        )
        return (
            RequiredSecret(
                "readerDatabase", "floe-platform-reader-database", database, "database of the reader", v.database,
                v.enabled, "reader.enabled is true", type="kubernetes.io/basic-auth", labels={"cnpg.io/reload": "true"},
            ),
            RequiredSecret("cloud", "cloud", (SecretKey("accessKey"), SecretKey("secretKey")), "object store"),
            RequiredSecret("token", "floe-platform-token", (SecretKey("token", random=40),), "tokens"),
        )  # fmt: skip

    def build(self, v: ReaderValues) -> None:
        with self.when(v.enabled):
            self.add(self.config_map(self.name("reader"), {"secret": v.database, "stage": self.chart.refs.environment}))


@pytest.fixture(scope="module")
def made() -> HelmChart:
    values = ChartOfStages(fullname_override="floe-platform")
    chart = StagedChart("floe-platform", description="x", values=values, fixed_fullname=True)
    reader = Reader(chart, "reader")
    PlatformSecrets(chart, "secrets", secrets=reader.required_secrets())
    return chart


@pytest.fixture(scope="module")
def chart(made: HelmChart, tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    return written(made, tmp_path_factory.mktemp("secrets"))


def secrets_of(handle: ChartHandle, values: Mapping[str, object]) -> dict[str, RenderedObject]:
    found = objects_of(handle, values)
    return {name: one for name, one in found.items() if one.kind in ("Secret", "ExternalSecret")}


def decoded(secret: RenderedObject) -> dict[str, str]:
    data: Any = secret.data["data"]
    return {key: base64.b64decode(text, validate=True).decode() for key, text in data.items()}


EXTERNAL: dict[str, Any] = {"secrets": {"source": "external"}}
GENERATED: dict[str, Any] = {"environment": "dev", "secrets": {"source": "generated"}}


def test_existing_secrets_are_not_made(chart: ChartHandle) -> None:
    assert secrets_of(chart, {}) == {}
    assert secrets_of(chart, {"secrets": {"source": "existing", "readerDatabase": {"remoteKey": "a/b"}}}) == {}


# Fetched


def test_an_external_secret_fetches_what_only_its_provider_knows(chart: ChartHandle) -> None:
    found = secrets_of(chart, EXTERNAL)
    assert set(found) == {
        "ExternalSecret/floe-platform-reader-database",
        "ExternalSecret/cloud",
        "ExternalSecret/floe-platform-token",
    }
    spec: Any = found["ExternalSecret/floe-platform-reader-database"].data["spec"]
    assert spec["secretStoreRef"] == {"name": "floe", "kind": "ClusterSecretStore"}
    assert spec["refreshInterval"] == "1h"
    assert spec["data"] == [
        {"secretKey": key, "remoteRef": {"key": "floe-platform-reader-database", "property": key}}
        for key in ("password", "pin")
    ]
    assert spec["target"] == {
        "name": "floe-platform-reader-database",
        "creationPolicy": "Owner",
        "template": {
            "engineVersion": "v2",
            "mergePolicy": "Merge",
            "type": "kubernetes.io/basic-auth",
            "metadata": {"labels": {"cnpg.io/reload": "true"}},
            # What is fixed, and what is another key's value, is no matter of the store.
            "data": {"username": "reader", "postgresql-password": "{{ .password }}"},
        },
    }
    cloud: Any = found["ExternalSecret/cloud"].data["spec"]
    assert [one["secretKey"] for one in cloud["data"]] == ["accessKey", "secretKey"]
    assert cloud["target"] == {"name": "cloud", "creationPolicy": "Owner"}


def test_any_key_can_be_said_twice(tmp_path: Path) -> None:
    chart = new_chart()
    keys = (SecretKey("client-id", random=4), SecretKey("again", same_as="client-id"))
    PlatformSecrets(chart, "secrets", secrets=[RequiredSecret("shop", "shop", keys, "x")])
    found = objects_of(written(chart, tmp_path), EXTERNAL)
    spec: Any = found["ExternalSecret/shop"].data["spec"]
    assert spec["target"]["template"]["data"] == {"again": '{{ index . "client-id" }}'}


def test_store_interval_and_remote_keys_come_from_values(chart: ChartHandle) -> None:
    values = {
        "secrets": {
            "source": "external",
            "store": {"name": "vault.team", "kind": "SecretStore"},
            "refreshInterval": "15m",
            "cloud": {"remoteKey": "floe/prod:cloud"},
        },
        "reader": {"database": "mine"},
    }
    found = secrets_of(chart, values)
    spec: Any = found["ExternalSecret/mine"].data["spec"]
    assert spec["secretStoreRef"] == {"name": "vault.team", "kind": "SecretStore"}
    assert (spec["refreshInterval"], spec["target"]["name"]) == ("15m", "mine")
    assert {one["remoteRef"]["key"] for one in spec["data"]} == {"mine"}
    cloud: Any = found["ExternalSecret/cloud"].data["spec"]
    assert {one["remoteRef"]["key"] for one in cloud["data"]} == {"floe/prod:cloud"}


@pytest.mark.skipif(not SHARED.exists(), reason="the schemas of custom resources are not beside the repository")
def test_external_secrets_fit_their_definition(chart: ChartHandle) -> None:
    schemas = CustomSchemas.from_paths([Path(SHARED, "crds")])
    for one in secrets_of(chart, EXTERNAL).values():
        assert schemas.knows(one.api_version, one.kind)
        assert [str(fault) for fault in schemas.validate(one.data)] == []


# Generated


def test_generated_secrets_hold_what_can_be_made(chart: ChartHandle) -> None:
    found = secrets_of(chart, GENERATED)
    # Nobody can make up the keys of a cloud: that Secret has to exist.
    assert set(found) == {"Secret/floe-platform-reader-database", "Secret/floe-platform-token"}
    report = validate_objects(list(found.values()), (OLDEST, latest_kube_version()))
    assert [str(finding) for finding in report.findings] == []
    assert [fault for one in found.values() for fault in name_faults(one)] == []
    database = found["Secret/floe-platform-reader-database"]
    assert database.data["type"] == "kubernetes.io/basic-auth"
    assert database.metadata["labels"]["cnpg.io/reload"] == "true"
    assert database.metadata["annotations"] == {"helm.sh/resource-policy": "keep"}
    texts = decoded(database)
    assert texts["username"] == "reader"
    assert texts["postgresql-password"] == texts["password"]
    assert (len(texts["password"]), len(texts["pin"])) == (32, 4)
    assert texts["password"].isalnum()
    assert len(decoded(found["Secret/floe-platform-token"])["token"]) == 40


def test_each_rendering_without_a_cluster_makes_others(chart: ChartHandle) -> None:
    one, other = ({name: decoded(secret) for name, secret in secrets_of(chart, GENERATED).items()} for _ in range(2))
    assert one.keys() == other.keys()
    for name, key in (("Secret/floe-platform-reader-database", "password"), ("Secret/floe-platform-token", "token")):
        assert one[name][key] != other[name][key]


def test_in_a_cluster_what_is_there_already_stays(made: HelmChart, tmp_path: Path) -> None:
    files = made.files()
    file = "templates/reader-database-secret.yaml"
    found = 'lookup "v1" "Secret" $.Release.Namespace $.Values.reader.database'
    assert found in files[file]
    # Helm finds nothing by lookup without a cluster; so what a cluster would answer stands in its place.
    there = {"data": {"password": base64.b64encode(b"old").decode(), "other": "eA=="}}
    files[file] = files[file].replace(found, f"fromJson {json.dumps(json.dumps(there))}")
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    texts = decoded(secrets_of(load(tmp_path), GENERATED)["Secret/floe-platform-reader-database"])
    assert (texts["password"], texts["postgresql-password"], texts["username"]) == ("old", "old", "reader")
    # What is not there yet is made: a new version may need more keys.
    assert len(texts["pin"]) == 4


def test_a_generated_secret_has_the_name_that_values_give(chart: ChartHandle) -> None:
    found = secrets_of(chart, {**GENERATED, "reader": {"database": "mine.example"}})
    assert "Secret/mine.example" in found
    assert "Secret/floe-platform-reader-database" not in found


# One by one


def test_each_secret_can_have_a_source_of_its_own(chart: ChartHandle) -> None:
    own = {"source": "external", "readerDatabase": {"source": "existing"}, "token": {"source": "generated"}}
    assert set(secrets_of(chart, {"environment": "test", "secrets": own})) == {
        "ExternalSecret/cloud",
        "Secret/floe-platform-token",
    }
    own = {"readerDatabase": {"source": "external"}}
    assert set(secrets_of(chart, {"secrets": own})) == {"ExternalSecret/floe-platform-reader-database"}


@pytest.mark.parametrize("values", [EXTERNAL, GENERATED])
def test_a_secret_that_is_not_needed_is_not_made(chart: ChartHandle, values: dict[str, Any]) -> None:
    found = secrets_of(chart, {**values, "reader": {"enabled": False}})
    assert {one.name for one in found.values()} - {"cloud"} == {"floe-platform-token"}


def test_what_must_exist_follows_from_the_sources(made: HelmChart) -> None:
    secrets: PlatformSecrets = made.component(PlatformSecrets)

    def missing(**values: Any) -> list[str]:
        return [secret.id for secret in secrets.missing(values)]

    assert missing() == missing(source="existing") == ["readerDatabase", "cloud", "token"]
    assert missing(source="external") == []
    assert missing(source="generated") == ["cloud"]
    assert missing(source="external", token={"source": "existing"}) == ["token"]
    assert missing(source="generated", cloud={"source": "external"}) == []


# Two of one name


def test_one_existing_secret_can_serve_twice_but_none_can_be_made_twice(made: HelmChart, chart: ChartHandle) -> None:
    secrets: PlatformSecrets = made.component(PlatformSecrets)
    values: dict[str, Any] = {**made.default_values(), "reader": {"enabled": True, "database": "cloud"}}
    assert secrets.notices({"prod": values}) == ()
    assert secrets_of(chart, {"reader": values["reader"]}) == {}
    for source, kinds in (("external", 2), ("generated", 0)):
        changed = {**values, "environment": "dev", "secrets": {**values["secrets"], "source": source}}
        assert secrets.notices({"prod": values, "dev": changed}) == (
            "dev: secrets.readerDatabase and secrets.cloud are one Secret, cloud, which can be made once; "
            "give each its own",
        )
        # Helm renders both, and Kubernetes takes one: the installation ends there.
        objects, _ = parse_objects(chart.render({key: changed[key] for key in ("environment", "reader", "secrets")}))
        assert len(find_duplicates(objects)) == (1 if kinds else 0)


# Where generating is refused


@pytest.mark.parametrize(
    "secrets",
    [{"source": "generated"}, {"token": {"source": "generated"}}, {"readerDatabase": {"source": "generated"}}],
)
@pytest.mark.parametrize("environment", ["prod", ""])
def test_generated_secrets_are_refused_elsewhere(
    made: HelmChart, chart: ChartHandle, environment: str, secrets: dict[str, Any]
) -> None:
    with pytest.raises(ValuesRefused):
        chart.check_values({"environment": environment, "secrets": secrets})
    chart.check_values({"environment": "dev", "secrets": secrets})
    declared = made.declared_values()
    defaults = made.default_values()
    told = {**defaults["secrets"], **{key: value for key, value in secrets.items() if key == "source"}}
    told |= {key: {**defaults["secrets"][key], **value} for key, value in secrets.items() if key != "source"}
    [fault] = declared.faults({**defaults, "environment": environment, "secrets": told})
    path = next(iter(secrets)) if "source" in secrets else f"{next(iter(secrets))}.source"
    assert fault.path == f"secrets.{path}"
    assert fault.problem.startswith('"generated" is refused: generated Secrets are for development and test;')


def test_a_secret_that_nobody_can_make_up_is_never_generated(chart: ChartHandle) -> None:
    with pytest.raises(ValuesRefused):
        chart.check_values({"environment": "dev", "secrets": {"cloud": {"source": "generated"}}})


@pytest.mark.parametrize(
    "secrets",
    [
        {"source": "vault"},
        {"refreshInterval": "never"},
        {"store": {"kind": "Store"}},
        {"readerDatabase": {"remoteKey": "a b"}},
        {"readerDatabase": {"password": "x"}},
        {"reader": {}},
    ],
)
def test_what_is_no_source_is_refused(chart: ChartHandle, secrets: dict[str, Any]) -> None:
    with pytest.raises(ValuesRefused):
        chart.check_values({"secrets": secrets})


# On the platform


def test_each_environment_has_its_own_source() -> None:
    deployment = Deployment.parse(
        {
            "clusters": {"all": {"environments": ["dev", "qa", "prod"]}},
            "environments": {"dev": {"secrets": "generated"}, "prod": {"secrets": "external"}},
        },
        source="floe-charts.yaml",
    )
    files = synth([CompiledArtifacts.example()], deployment, plugin_values=())
    sources = {name: files.final_values(name)["secrets"]["source"] for name in ("dev", "qa", "prod")}
    assert sources == {"dev": "generated", "qa": "existing", "prod": "external"}
    assert [secret.id for secret, names in files.missing_secrets().items() if "prod" in names] == []


@pytest.mark.parametrize("path", ["secrets.source", "secrets.marquezDatabase.source"])
def test_synth_explains_why_production_generates_none(path: str) -> None:
    deployment = Deployment.parse({"clusters": {"all": {"environments": ["dev", "prod"]}}}, source="floe-charts.yaml")
    sets = [f"{path}=generated"]
    synth([CompiledArtifacts.example()], deployment, environments=["dev"], sets=sets, plugin_values=())
    with pytest.raises(FloeChartsError, match=f"{path}.*generated Secrets are for development and test"):
        synth([CompiledArtifacts.example()], deployment, environments=["prod"], sets=sets, plugin_values=())


def test_a_key_cannot_be_generated_in_two_ways() -> None:
    one = RequiredSecret("a", "a", (SecretKey("k", random=5), SecretKey("own")), "x")
    other = RequiredSecret("a", "a", (SecretKey("k"), SecretKey("more", text="t")), "y")
    both = one.merged(other)
    assert both.keys == (SecretKey("k", random=5), SecretKey("own"), SecretKey("more", text="t"))
    assert both.purpose == "x; y"
    with pytest.raises(DeclarationError, match="the key k of the Secret a is declared in two ways"):
        one.merged(RequiredSecret("a", "a", (SecretKey("k", random=6),), "x"))


def test_two_secrets_cannot_have_one_id() -> None:
    one, other = (RequiredSecret("a", name, (SecretKey("k"),), "x") for name in ("one", "other"))
    with pytest.raises(DeclarationError, match="the Secrets one and other are both declared as a"):
        one.merged(other)


def test_products_whose_names_are_alike_have_each_their_secret() -> None:
    example = CompiledArtifacts.example().model_dump(mode="json")
    products = [
        CompiledArtifacts.parse({**example, "metadata": {**example["metadata"], "product_name": name}})
        for name in ("orders-2", "orders2", "orders-eu")
    ]
    secrets = FloePlatform(products).required_secrets()
    found = {secret.name: secret.id for secret in secrets if secret.name.endswith("-credentials")}
    assert found == {
        "floe-platform-orders-2-credentials": "orders_2Credentials",
        "floe-platform-orders2-credentials": "orders2Credentials",
        "floe-platform-orders-eu-credentials": "ordersEuCredentials",
    }
