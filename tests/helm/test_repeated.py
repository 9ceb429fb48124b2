"""Objects that are there once for each entry of a map, and what is computed once for an object."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from floe_charts.errors import DeclarationError
from floe_charts.helm import (
    RELEASE_NAME,
    ChartValues,
    DnsLabel,
    Field,
    Values,
    and_,
    default,
    each,
    eq,
    not_,
    or_,
    present,
    raw_template,
    some,
    variable,
    when,
)
from floe_charts.verify.kube_yaml import read_documents
from tests.helm.one_chart import chart_with
from tests.helm.rendering import Rendering


class Bucket(Values):
    """A bucket."""

    size: int = Field(1, description="Its size.")
    note: str | None = Field(None, description="A note.")
    public: bool = Field(False, description="Whether all can read it.")


class Buckets(Values):
    """Buckets."""

    on: bool = Field(True, description="Whether there are any.")
    buckets: dict[DnsLabel, Bucket] = Field({}, description="Buckets by name.")
    names: dict[DnsLabel, str] = Field({}, description="Texts by name.")
    items: list[str] = Field([], description="Texts.")


def config(name: object, **data: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def rendered(build: Any, values: dict[str, Any]) -> dict[str, list[Any]]:
    """The documents of each file."""

    def whole(self: Any, v: Any) -> None:
        build(self, v)
        self.add({"apiVersion": "test/v1", "kind": "Probe", "metadata": {"name": "p"}, "all": v})

    made = Rendering(chart_with(Buckets(), whole, shared=ChartValues()).files()).texts({"web": values})
    return {name: [one for one in read_documents(text) if one] for name, text in made.items()}


def test_an_object_for_each_entry_of_a_map() -> None:
    def build(self: Any, v: Any) -> None:
        with self.when(v.on), self.each(v.buckets) as (name, bucket), self.when(bucket.public):
            self.add(config(f"bucket-{name}", size=f"{bucket.size}", note=bucket.note, release=RELEASE_NAME))

    buckets = {
        "b": {"size": 1000000, "note": "{{ a: b", "public": True},
        "a": {"size": 2, "public": True},
        "c": {"size": 3, "public": False},
    }
    found = rendered(build, {"buckets": buckets})["web-configmap.yaml"]
    assert found == [
        {**config("bucket-a", size="2", release="shop")},
        {**config("bucket-b", size="1000000", note="{{ a: b", release="shop")},
    ]
    assert rendered(build, {})["web-configmap.yaml"] == []
    assert rendered(build, {"on": False, "buckets": buckets})["web-configmap.yaml"] == []


def test_loops_inside_and_texts_by_name() -> None:
    def build(self: Any, v: Any) -> None:
        with self.each(v.buckets) as (outer, bucket), self.each(v.names) as (inner, text):
            data = {**each(v.items, lambda item: {f"k-{item}": text}), "size": f"{bucket.size}"}
            self.add({**config(f"{outer}-{inner}"), "data": data})

    values = {"buckets": {"a": {"size": 1, "public": False}}, "names": {"x": "1", "y": ""}, "items": ["i"]}
    assert rendered(build, values)["web-configmap.yaml"] == [
        config("a-x", **{"k-i": "1"}, size="1"),
        config("a-y", **{"k-i": "", "size": "1"}),
    ]


def test_an_object_beside_a_repeated_one_has_its_own_loop() -> None:
    def build(self: Any, v: Any) -> None:
        with self.each(v.names) as (name, text):
            self.add(config(f"one-{name}", a=text))
            self.add(config(f"two-{name}", b=text), name="other")
        self.add(config("plain", names=f"{v.on}"), name="plain")

    found = rendered(build, {"names": {"x": "1", "y": "2"}})
    assert [one["metadata"]["name"] for one in found["web-configmap.yaml"]] == ["one-x", "one-y"]
    assert [one["data"] for one in found["other-configmap.yaml"]] == [{"b": "1"}, {"b": "2"}]
    assert len(found["plain-configmap.yaml"]) == 1


def refused(build: Any) -> str:
    with pytest.raises(DeclarationError) as error:
        rendered(build, {})
    return str(error.value)


def test_what_cannot_be_repeated_is_refused() -> None:
    def same_name(self: Any, v: Any) -> None:
        with self.each(v.names) as (_, text):
            self.add(config("same", a=text))

    said = "ConfigMap same: each is made for one entry of .Values.web.names, and must have the key in its name"
    assert refused(same_name) == f"{said} (WebShop.build)"

    def half(self: Any, v: Any) -> None:
        with self.each(v.buckets) as (name, bucket), self.each(v.names):
            self.add(config(name, a=f"{bucket.size}"))

    assert "must have the key in its name" in refused(half)

    def over_a_list(self: Any, v: Any) -> None:
        with self.each(v.items):
            pass

    assert refused(over_a_list) == "web: objects are repeated over a map, but .Values.web.items is not one"


def test_a_condition_on_an_entry_and_a_value_that_may_be_absent() -> None:
    def build(self: Any, v: Any) -> None:
        with self.each(v.buckets) as (name, bucket), self.when(and_(v.on, present(bucket.note))):
            self.add(config(name, note=default(bucket.note, "none"), public=when(bucket.public, "yes", "no")))

    buckets = {"a": {"size": 1, "public": True, "note": ""}, "b": {"size": 1, "public": True}}
    assert rendered(build, {"buckets": buckets})["web-configmap.yaml"] == [config("a", note="", public="yes")]


def test_an_object_where_something_holds_for_an_entry() -> None:
    def build(self: Any, v: Any) -> None:
        public = some(v.buckets, lambda bucket: bucket.public)
        with self.when(and_(v.on, or_(public, some(v.items, lambda item: eq(item, "all"))))):
            noted = some(v.buckets, lambda bucket: and_(bucket.public, present(bucket.note)))
            self.add(config("a", noted=when(noted, "yes", "no"), quiet=when(not_(noted), "yes")))

    shown, hidden = {"size": 1, "public": True}, {"size": 1, "public": False, "note": "n"}

    def data(**values: Any) -> list[Any]:
        return [one["data"] for one in rendered(build, values)["web-configmap.yaml"]]

    assert data() == data(buckets={"a": hidden}, items=["one"]) == data(buckets={"a": shown}, on=False) == []
    assert data(buckets={"a": hidden, "b": shown}) == [{"noted": "no", "quiet": "yes"}]
    assert data(buckets={"a": {**shown, "note": ""}, "b": hidden}) == [{"noted": "yes"}]
    assert data(items=["one", "all"]) == [{"noted": "no", "quiet": "yes"}]


def test_something_holds_for_items_only() -> None:
    def build(self: Any, v: Any) -> None:
        some(v.on, lambda item: item)

    assert refused(build) == "some runs over a list or a map of values, but .Values.web.on is a boolean"


# Variables


def test_a_variable_is_computed_once() -> None:
    def build(self: Any, v: Any) -> None:
        random = variable("random", raw_template("randAlphaNum 12", like=""))
        twice = variable("twice", f"{random}{random}")
        made = config("secret", one=random, other=f"<{random}>", twice=twice)
        self.add(made, variables=[random, twice])

    found = rendered(build, {})["web-configmap.yaml"]
    [one] = [document["data"] for document in found]
    assert len(one["one"]) == 12
    assert one["other"] == f"<{one['one']}>"
    assert one["twice"] == one["one"] * 2
    assert rendered(build, {})["web-configmap.yaml"][0]["data"]["one"] != one["one"]


def test_a_variable_inside_a_repeated_object_is_computed_for_each() -> None:
    def build(self: Any, v: Any) -> None:
        with self.each(v.names) as (name, text):
            random = variable("random", raw_template("randAlphaNum 12", like=""))
            known = variable("known", f"{name}: {text}")
            self.add(config(name, random=random, again=random, known=known), variables=[random, known])

    one, other = rendered(build, {"names": {"a": "{{", "b": "c"}})["web-configmap.yaml"]
    assert one["data"]["random"] == one["data"]["again"] != other["data"]["random"]
    assert (one["data"]["known"], other["data"]["known"]) == ("a: {{", "b: c")


@pytest.mark.parametrize("name", ["", "item", "key2", "value", "any1", "a b", "A", "1a", "a-b"])
def test_a_variable_has_a_word_for_its_name(name: str) -> None:
    with pytest.raises(DeclarationError, match="cannot be a variable's name"):
        variable(name, "x")


def test_a_variable_reads_what_it_is_computed_from() -> None:
    class One(Values):
        """One."""

        text: str = Field("{{ a", description="A text.")

    def build(self: Any, v: Any) -> None:
        text = variable("text", v.text)
        self.add(config("a", text=text), variables=[text])

    text = Rendering(chart_with(One(), build, shared=ChartValues()).files()).texts()["web-configmap.yaml"]
    assert yaml.safe_load(text)["data"] == {"text": "{{ a"}
