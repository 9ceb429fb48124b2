"""values.schema.json: draft-07, closed everywhere, and exactly as strict as the declaration."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

import jsonschema
import pydantic
import pytest

from floe_charts.errors import DeclarationError
from floe_charts.helm import (
    AnyJson,
    Component,
    Const,
    Dependency,
    DnsLabel,
    DnsName,
    Field,
    HelmChart,
    Image,
    NodeSelector,
    Port,
    Resources,
    StringMap,
    SubchartValues,
    Toleration,
    Values,
)
from tests.helm.rendering import Rendering, probe


class Entry(Values):
    """An entry."""

    name: DnsLabel = Field("n", description="A name.", max_length=20)
    note: str | None = Field(None, description="A note.")


class WideValues(Values):
    """One of each."""

    replicas: int = Field(2, ge=1, le=50, description="Pods.")
    free_number: int = Field(1, description="A number.")
    step: int = Field(10, multiple_of=5, description="A number.")
    port: Port = Field(8080, ge=1024, description="A port.")
    ratio: float = Field(0.5, gt=0, lt=1, description="A ratio.")
    on: bool = Field(False, description="A switch.")
    mode: Literal["a", "b"] = Field("a", description="A choice.")
    version: Annotated[str, Const("v1")] = Field("v1", description="Fixed.")
    text: str = Field("", max_length=30, description="A text.")
    secret: DnsName | None = Field(None, description="A Secret.")
    entries: list[Entry] = Field([], max_length=3, description="Entries.")
    by_name: dict[DnsLabel, Entry] = Field({}, description="Entries by name.")
    spare: Entry | None = Field(None, description="An entry.")
    names: list[DnsLabel] = Field(["a"], min_length=1, description="Names.")
    annotations: StringMap = Field({}, description="Annotations.")
    node_selector: NodeSelector = Field({}, description="Nodes.")
    tolerations: list[Toleration] = Field([], description="Taints.")
    resources: Resources = Field(Resources(), description="Resources.")
    image: Image = Image(repository="shop", tag="1")
    odd: str = Field("x", alias="odd-key.with/dots", description="A key that is no identifier.")
    free: AnyJson = Field({}, description="Anything.")
    loose: dict[str, int] = Field({}, description="Numbers.")


class Wide(Component[WideValues]):
    """A component."""

    def build(self, v: WideValues) -> None:
        self.add({"apiVersion": "test/v1", "kind": "Probe", "metadata": {"name": "probe"}, "body": {"all": v}})


@pytest.fixture(scope="module")
def wide() -> Rendering:
    chart = HelmChart("wide", description="A chart for a test.", icon="https://example.com/icon.png")
    Wide(chart, "web")
    return Rendering(chart.files())


@pytest.fixture(scope="module")
def schema(wide: Rendering) -> Any:
    return json.loads(wide.files["values.schema.json"])


def _objects(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object that is described; rules about what is described already (``if``, ``allOf``) are not among them."""
    if "properties" in schema:
        yield path, schema
    for key in ("properties", "definitions"):
        for name, inner in schema.get(key, {}).items():
            yield from _objects(inner, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _objects(schema[key], f"{path}.{key}")


def test_it_is_a_closed_draft_07_schema(schema: Any) -> None:
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(schema)
    objects = dict(_objects(schema))
    assert len(objects) == 7
    for path, part in objects.items():
        assert part["additionalProperties"] is False, path
        if ".io.k8s." in path:
            continue  # Kubernetes itself says what is required.
        optional = {
            name for name, inner in part["properties"].items() if "null" in inner.get("type", ()) or "if" in inner
        }
        # `global` is Helm's own.
        assert set(part["required"]) == set(part["properties"]) - optional - {"global"}, path


def test_every_value_has_its_type_bounds_and_description(schema: Any) -> None:
    web = schema["properties"]["web"]["properties"]
    assert all(inner["description"] for inner in web.values())
    assert web["replicas"] == {"description": "Pods.", "type": "integer", "minimum": 1, "maximum": 50}
    # Beyond 2**53 Helm's numbers are no longer exact.
    assert web["freeNumber"] == {
        "description": "A number.",
        "type": "integer",
        "minimum": 1 - 2**53,
        "maximum": 2**53 - 1,
    }
    assert web["step"]["multipleOf"] == 5
    assert (web["port"]["minimum"], web["port"]["maximum"]) == (1024, 65535)
    assert (web["ratio"]["exclusiveMinimum"], web["ratio"]["exclusiveMaximum"]) == (0, 1)
    assert web["mode"]["enum"] == ["a", "b"]
    assert web["version"]["const"] == "v1"
    assert web["secret"]["type"] == ["string", "null"]
    assert web["entries"]["maxItems"] == 3
    assert web["names"]["minItems"] == 1
    name = schema["definitions"]["Entry"]["properties"]["name"]
    assert (name["maxLength"], name["pattern"]) == (20, "^[a-z]([-a-z0-9]*[a-z0-9])?$")
    assert web["names"]["items"]["maxLength"] == 63
    assert web["annotations"]["propertyNames"]["maxLength"] == 253
    assert web["loose"]["propertyNames"] == {"maxLength": 100}


def test_what_occurs_more_than_once_is_described_once(schema: Any) -> None:
    web, definitions = schema["properties"]["web"]["properties"], schema["definitions"]
    entry = {"$ref": "#/definitions/Entry"}
    assert web["entries"]["items"] == web["byName"]["additionalProperties"] == entry
    assert web["spare"] == {"description": "An entry.", "if": {"type": "null"}, "else": entry}
    assert set(definitions["Entry"]["properties"]) == {"name", "note"}
    # The requests and the limits are of one class.
    amount = {"$ref": "#/definitions/ResourceList"}
    assert web["resources"]["properties"]["requests"] == {"description": "What the scheduler reserves.", **amount}
    # What occurs once stands where it is used.
    assert "properties" in web["image"]
    assert "Image" not in definitions


RIGHT: list[dict[str, Any]] = [
    {},
    {"replicas": 50, "port": 1024, "ratio": 0.001, "mode": "b", "freeNumber": -(10**12), "step": 0},
    {"secret": "a.b", "entries": [{"name": "a"}, {"name": "b", "note": ""}, {"name": "c", "note": None}]},
    {"spare": {"name": "a"}, "names": ["b"]},
    {"byName": {"a": {"name": "x"}}, "annotations": {"a.b/C": "{{ x }}", "d": ""}, "nodeSelector": {"a": "b"}},
    {"tolerations": [{"operator": "Exists"}], "odd-key.with/dots": "y", "free": {"a": [None, 1, {"b": "c"}]}},
    {"image": {"tag": "2"}, "resources": {"limits": {"cpu": "2"}}, "loose": {"a b": 1}},
]
WRONG: list[dict[str, Any]] = [
    {"replcas": 1},
    {"replicas": 0},
    {"replicas": 51},
    {"replicas": "2"},
    {"replicas": 1.5},
    {"replicas": None},
    {"freeNumber": 2**60},
    {"step": 7},
    {"port": 80},
    {"port": 65536},
    {"ratio": 0},
    {"ratio": "0.5"},
    {"on": "true"},
    {"on": 0},
    {"mode": "c"},
    {"version": "v2"},
    {"text": "x" * 31},
    {"text": 5},
    {"text": None},
    {"secret": "Not A Name"},
    {"entries": [{}]},
    {"entries": [{"name": "A"}]},
    {"entries": [{"name": "n" * 21}]},
    {"entries": [{"name": "a", "nam": "b"}]},
    {"entries": [{"name": "a"}] * 4},
    {"entries": {}},
    {"byName": {"A": {"name": "a"}}},
    {"spare": {}},
    {"spare": {"name": "a", "more": 1}},
    {"spare": "a"},
    {"byName": {"a": {"name": "a", "more": 1}}},
    {"byName": []},
    {"names": []},
    {"names": ["n" * 64]},
    {"names": "a"},
    {"annotations": {"a b": "x"}},
    {"annotations": {"a": 1}},
    {"annotations": {"k" * 254: "x"}},
    {"annotations": {"k" * 64: "x"}},
    {"annotations": {"a..b/c": "x"}},
    {"nodeSelector": {"a": "not a label!"}},
    {"tolerations": [{"operator": "exists"}]},
    {"tolerations": [{"operator": "Exists", "efect": "NoSchedule"}]},
    {"resources": {"requests": {"cpu": "lots"}}},
    {"resources": {"requests": {"gpu": "1"}}},
    {"resources": {"request": {}}},
    {"image": {"repo": "x"}},
    {"image": "shop:1"},
    {"oddKey": "x"},
    {"loose": {"k" * 101: 1}},
    {"free": {"<<": 1}},
    {"free": "\x85"},
]


@pytest.mark.parametrize("values", RIGHT)
def test_what_fits_is_accepted(wide: Rendering, schema: Any, values: dict[str, Any]) -> None:
    assert not wide.refused({"web": values})
    merged = wide.merged({"web": values})
    jsonschema.Draft7Validator(schema).validate(merged)
    wide.objects({"web": values})


@pytest.mark.parametrize("values", WRONG, ids=lambda values: ascii(values)[:40])
def test_what_does_not_fit_is_refused(wide: Rendering, values: dict[str, Any]) -> None:
    assert wide.refused({"web": values})


def test_keys_at_the_top_are_closed_but_for_helms_own(wide: Rendering) -> None:
    assert wide.refused({"wbe": {}})
    assert wide.refused({"nameOverride": "Not A Name"})
    assert not wide.refused({"global": {"anything": 1}})


def test_own_fields_come_before_those_that_many_share() -> None:
    class Shared(Values):
        """Shared."""

        first: int = Field(1, description="A number.")
        second: int = Field(2, description="A number.")

    class Own(Shared):
        """Own."""

        third: int = Field(3, description="A number.")
        first: int = Field(9, description="Another default.")

    rendering = probe(Own(), lambda v: {"all": v})
    assert list(rendering.data()["all"].items()) == [("third", 3), ("first", 9), ("second", 2)]
    keys = [line.strip().partition(":")[0] for line in rendering.files["values.yaml"].splitlines() if ": " in line]
    assert [key for key in keys if key in ("first", "second", "third")] == ["third", "first", "second"]


def test_two_classes_of_one_name_are_two_definitions() -> None:
    def pair(kind: Any) -> Any:
        inner = pydantic.create_model(
            "Inner", __base__=Values, __doc__="Inner.", size=(kind, Field(None, description="d"))
        )
        fields = {name: (inner, Field(inner(size=1 if kind is int else "x"), description="d")) for name in ("a", "b")}
        return pydantic.create_model("Pair", __base__=Values, __doc__="A pair.", **fields)

    both = pydantic.create_model(
        "Both", __base__=Values, __doc__="Both.", one=(pair(int), pair(int)()), other=(pair(str), pair(str)())
    )
    rendering = probe(both.model_construct(one=pair(int)(), other=pair(str)()), lambda v: {"all": v})
    assert not rendering.refused({"web": {"one": {"a": {"size": 2}}, "other": {"a": {"size": "2"}}}})
    assert rendering.refused({"web": {"one": {"a": {"size": "2"}}}})
    assert rendering.refused({"web": {"other": {"b": {"size": 2}}}})


def test_helm_lints_the_chart(wide: Rendering) -> None:
    assert wide.lint() == []


class KnownValues(SubchartValues):
    """Values of a dependency whose keys are known."""

    known_keys: ClassVar[frozenset[str] | None] = frozenset({"global", "theirs"})
    enabled: bool = Field(True, description="Whether it is there.")


class OpenInner(SubchartValues):
    """An open object."""

    known_keys: ClassVar[frozenset[str] | None] = None
    own: int = Field(1, description="Ours.")


class OpenValues(KnownValues):
    """Values of a dependency with an open object."""

    inner: OpenInner = OpenInner()


class Theirs(Component[OpenValues]):
    """A dependency."""

    def __init__(self, chart: HelmChart, id: str, version: str = "1.2.3") -> None:
        super().__init__(chart, id)
        source = Dependency("upstream", version, "https://example.com", alias=id, condition=f"{id}.enabled")
        self.depend(source, known_version="1.2.3")


def test_a_dependencys_own_keys_pass_and_no_others() -> None:
    chart = HelmChart("umbrella", description="A chart for a test.")
    Theirs(chart, "sub")
    rendering = Rendering(chart.files())
    for right in (
        {"theirs": [1]},
        {"global": {"a": 1}},
        {"inner": {"any": 1}},
        {"inner": {"own": 2}},
        {"enabled": False},
    ):
        assert not rendering.refused({"sub": right})
    for wrong in ({"thiers": 1}, {"inner": {"own": "x"}}, {"enabled": "yes"}):
        assert rendering.refused({"sub": wrong})


def test_a_dependency_of_another_version_is_open() -> None:
    chart = HelmChart("umbrella", description="A chart for a test.")
    Theirs(chart, "sub", "2.0.0")
    rendering = Rendering(chart.files())
    assert not rendering.refused({"sub": {"thiers": 1}})
    assert rendering.refused({"sub": {"enabled": "yes"}})


@pytest.mark.parametrize(
    ("annotation", "field", "said"),
    [
        (tuple[int, int], {}, "has no counterpart in a values file"),
        (int | str, {}, "has no counterpart in a values file"),
        (dict[int, str], {}, "the keys of a map are strings"),
        (Literal["a", 1], {}, "the members of a Literal must be of one scalar type"),
        (Annotated[str, pydantic.Field(pattern="^a$")], {"pattern": "^b$"}, "pattern is said twice"),
    ],
)
def test_what_a_schema_cannot_say_is_refused(annotation: Any, field: dict[str, Any], said: str) -> None:
    model = pydantic.create_model(
        "OddValues", __base__=Values, __doc__="Odd.", value=(annotation, Field(None, description="d", **field))
    )

    class Odd(Component[Values]):
        pass

    chart = HelmChart("odd", description="A chart for a test.")
    with pytest.raises(DeclarationError, match=rf"^OddValues.value: .*{said}"):
        Odd(chart, "web", model.model_construct())
        chart.files()


def test_a_field_cannot_take_the_name_of_what_references_need() -> None:
    class TakenValues(Values):
        """Taken."""

        keys: str = Field("", description="Keys.")  # type: ignore[assignment]

    class Taken(Component[TakenValues]):
        pass

    chart = HelmChart("odd", description="A chart for a test.")
    Taken(chart, "web")
    with pytest.raises(
        DeclarationError, match=r"^TakenValues.keys: references have a 'keys' of their own; name it keys_"
    ):
        chart.files()


def test_patterns_of_the_ready_types_say_the_same_to_helm_and_to_python(schema: Any) -> None:
    patterns = set(re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', json.dumps(schema)))
    assert len(patterns) > 6
    for pattern in patterns:
        text = json.loads(f'"{pattern}"')
        assert text.startswith("^")
        assert text.endswith("$")
        re.compile(text)
