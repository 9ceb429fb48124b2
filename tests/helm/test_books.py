"""The books balance: what a chart declares is read, described and fits; errors say where and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from floe_charts.errors import DeclarationError
from floe_charts.helm import (
    ChartValues,
    Component,
    Dependency,
    Field,
    HelmChart,
    Image,
    StringMap,
    SubchartValues,
    Values,
    each,
    nonempty,
    when,
)


class Backend(Values):
    """A backend."""

    host: str = Field("h", description="Its host.")
    weight: int = Field(1, description="Its weight.")


class WebShopValues(Values):
    """The shop's front end."""

    replicas: int = Field(2, ge=1, description="Pods that serve the shop.")
    greeting: str = Field("hello", description="Text on the front page.")
    theme: str = Field("light", description="How it looks.")
    image: Image = Image(repository="shop", tag="1")
    backends: list[Backend] = Field([], description="Backends.")
    by_name: dict[str, Backend] = Field({}, description="Backends by name.")
    marks: StringMap = Field({}, description="Marks.")


def chart_of(build: Callable[[Any, Any], None], values: Values | None = None, name: str = "WebShop") -> HelmChart:
    """A chart `shop` with one component at `web`, whose build is `build(component, v)`."""
    chart = HelmChart("shop", description="A shop.")
    kind: Any = type(name, (Component,), {"build": build})
    kind(chart, "web", values or WebShopValues())
    return chart


def manifest(kind: str = "ConfigMap", name: str = "a", **body: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **body}


def refusal(chart: HelmChart) -> str:
    with pytest.raises(DeclarationError) as refused:
        chart.files()
    return str(refused.value)


def every_field_of(image: Any) -> str:
    """A text that reads all of an image."""
    return f"{image.registry}{image.repository}{image.tag}{image.digest}{image.pull_policy}"


def test_a_value_that_nothing_reads_is_refused_by_its_path() -> None:
    def build(self: Any, v: Any) -> None:
        data = {"a": f"{v.replicas}", "b": v.greeting, "c": v.image.tag}
        loops = {**each(v.by_name, lambda key, item: {f"of-{key}": item.host})}
        empty = when(nonempty(v.backends), {"backends": "there are some"})
        self.add(manifest(data={**data, **empty, **loops}))

    assert refusal(chart_of(build)).splitlines() == [
        "WebShopValues.theme is declared but no template reads it (shop/web)",
        "WebShopValues.image.registry is declared but no template reads it (shop/web)",
        "WebShopValues.image.repository is declared but no template reads it (shop/web)",
        "WebShopValues.image.digest is declared but no template reads it (shop/web)",
        "WebShopValues.image.pull_policy is declared but no template reads it (shop/web)",
        "WebShopValues.backends.*.host is declared but no template reads it (shop/web)",
        "WebShopValues.backends.*.weight is declared but no template reads it (shop/web)",
        "WebShopValues.by_name.*.weight is declared but no template reads it (shop/web)",
        "WebShopValues.marks is declared but no template reads it (shop/web)",
    ]


@pytest.mark.parametrize(
    "read",
    [
        lambda v: {"data": {"all": f"{v.replicas}{v.greeting}{v.theme}{every_field_of(v.image)}", **v.marks}},
        lambda v: {
            "data": {
                **v.marks,
                "k": v.greeting,
                "t": when(nonempty(v.theme), f"{v.replicas}", v.greeting + every_field_of(v.image)),
            }
        },
    ],
)
def test_what_is_read_anywhere_is_read(read: Callable[[Any], Mapping[str, Any]]) -> None:
    def build(self: Any, v: Any) -> None:
        self.add({"apiVersion": "test/v1", "kind": "Probe", "metadata": {"name": "p"}, "b": v.backends, "n": v.by_name})
        self.add(manifest(**read(v)))

    chart_of(build).files()


def test_a_read_by_a_condition_or_a_note_counts() -> None:
    class Switches(Values):
        """Switches."""

        a: bool = Field(True, description="A switch.")
        b: str = Field("x", description="A text for the notes.")

    def build(self: Any, v: Any) -> None:
        with self.when(v.a):
            self.add(manifest())

    chart = chart_of(build, Switches())
    assert "Switches.b is declared but no template reads it (shop/web)" in refusal(chart)
    chart.notes.append(f"See {chart.components['web'].refs.b}.")
    chart.files()


def test_a_wrong_type_is_refused_by_its_field() -> None:
    def build(self: Any, v: Any) -> None:
        web = self.part("web", ports={"http": 8080})
        self.add(web.deployment(replicas=v.greeting, image=v.image))

    assert (
        refusal(chart_of(build))
        == "Deployment shop-web: spec.replicas takes an integer, but web.greeting is a string (WebShop.build)"
    )


_GREETING = "spec.replicas takes an integer, but web.greeting is a string"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (lambda v: {"replicas": v.greeting}, _GREETING),
        (lambda v: {"replicas": when(v.on, v.greeting, 1)}, _GREETING),
        (lambda v: {"replicas": when(v.on, 1, v.greeting)}, _GREETING),
        (lambda v: {"paused": v.replicas}, "spec.paused takes true or false, but web.replicas is an integer"),
        (
            lambda v: {"replicas": f"{v.replicas}"},
            "spec.replicas takes an integer, but {{ .Values.web.replicas | int64 | toString }} is a string",
        ),
        (lambda v: {"template": v.marks}, 'spec.template.key is not a field of PodTemplateSpec'),
        (lambda v: {"replicas": "two"}, 'spec.replicas takes an integer, but found a string ("two")'),
        (lambda v: {"replcas": 2}, "spec.replcas is not a field of DeploymentSpec; did you mean replicas?"),
        (lambda v: {"strategy": {"type": "Recreated"}}, None),
        (lambda v: {"selector": None}, None),
    ],
)  # fmt: skip
def test_objects_are_held_against_kubernetes(spec: Callable[[Any], Mapping[str, Any]], said: str | None) -> None:
    class Switched(WebShopValues):
        """Values with a switch."""

        on: bool = Field(True, description="A switch.")

    def build(self: Any, v: Any) -> None:
        labels = {"app": "a"}
        pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        body = {"selector": {"matchLabels": labels}, "template": pod, **spec(v)}
        self.add({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": self.name("web")}, "spec": body})
        self.add({"apiVersion": "test/v1", "kind": "Probe", "metadata": {"name": "p"}, "all": v})

    chart = chart_of(build, Switched())
    if said is None:
        chart.files()
    else:
        assert refusal(chart) == f"Deployment shop-web: {said} (WebShop.build)"


def test_a_default_that_its_own_bounds_refuse_is_refused() -> None:
    class Odd(Values):
        """Odd."""

        replicas: int = Field(0, ge=1, description="Pods.")

    assert refusal(chart_of(lambda self, v: self.add(manifest(data={"a": f"{v.replicas}"})), Odd())) == (
        "Odd.replicas: the default 0 does not fit: Input should be greater than or equal to 1 (shop/web)"
    )
    with pytest.raises(
        DeclarationError, match=r"ChartValues.nameOverride: the default 'Not A Name' does not fit: .* \(shop\)"
    ):
        HelmChart("shop", description="A shop.", values=ChartValues.model_construct(name_override="Not A Name")).files()


def test_a_value_without_a_description_is_refused() -> None:
    class Bare(Values):
        """Bare."""

        text: str = "x"
        image: Image = Image(repository="a")

    assert refusal(
        chart_of(lambda self, v: self.add(manifest(data={"a": f"{v.text}{every_field_of(v.image)}"})), Bare())
    ) == ("Bare.text has no description: Field(..., description=...), or a docstring of its class")


def test_two_objects_that_want_one_file_are_refused() -> None:
    class Nothing(Values):
        """Nothing."""

    def build(self: Any, v: Any) -> None:
        self.add(manifest())
        self.add(manifest(name="b"), name=second)

    second: str | None = None
    assert refusal(chart_of(build, Nothing())) == (
        "templates/web-configmap.yaml is made twice (WebShop.build); give one of them a name: add(..., name=...)"
    )
    second = "other"
    assert {"templates/web-configmap.yaml", "templates/other-configmap.yaml"} <= chart_of(
        build, Nothing()
    ).files().keys()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            {"kind": "ConfigMap", "metadata": {"name": "a"}},
            r"web: an object needs apiVersion and kind, found \['kind', 'metadata'\]",
        ),
        (
            {"apiVersion": "v1", "kind": "../../x", "metadata": {"name": "a"}},
            "web: an object needs apiVersion and kind",
        ),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}, "ConfigMap: metadata.name is missing"),
        ({"apiVersion": "v1", "kind": "ConfigMap"}, "ConfigMap: metadata.name is missing"),
    ],
)
def test_an_object_without_its_head_is_refused(made: dict[str, Any], said: str) -> None:
    class Nothing(Values):
        """Nothing."""

    with pytest.raises(DeclarationError, match=said):
        chart_of(lambda self, v: self.add(made), Nothing()).files()


@pytest.mark.parametrize("name", ["../up", "_hidden", "A", "", "a/b"])
def test_a_files_name_stays_inside_the_templates(name: str) -> None:
    class Nothing(Values):
        """Nothing."""

    if not name:
        assert (
            "templates/web-configmap.yaml"
            in chart_of(lambda self, v: self.add(manifest(), name=name), Nothing()).files()
        )
        return
    with pytest.raises(DeclarationError, match="cannot begin a file's name"):
        chart_of(lambda self, v: self.add(manifest(), name=name), Nothing()).files()


@pytest.mark.parametrize("name", ["", "Shop", "shop_1", "../shop", "1shop", "s" * 54, "shop\n"])
def test_a_charts_name_is_one_that_helm_takes(name: str) -> None:
    with pytest.raises(DeclarationError, match="cannot be a chart's name"):
        HelmChart(name)


@pytest.mark.parametrize(
    "id", ["", "Web", "web_1", "../web", "1web", "web--1", "web\n", "global", "nameOverride", "taken"]
)
def test_a_components_id_is_a_free_key_of_the_values(id: str) -> None:
    chart = HelmChart("shop", description="A shop.")
    kind: Any = type("WebShop", (Component,), {})
    kind(chart, "taken", WebShopValues())
    with pytest.raises(DeclarationError, match=r"cannot be a component's id|is already a key of the chart's values"):
        kind(chart, id, WebShopValues())


class TheirValues(SubchartValues):
    """Values of a dependency."""

    enabled: bool = Field(True, description="Whether it is there.")
    replicas: int = Field(1, description="Pods.")


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("sub.enabled", None),
        ("sub.enabled, web.on", None),
        (None, None),
        ("sub.enbled", "upstream: its condition sub.enbled is not a declared value; did you mean sub.enabled?"),
        ("sbu.enabled", "upstream: its condition sbu.enabled is not a declared value; did you mean sub.enabled?"),
        ("sub.replicas", "upstream: its condition sub.replicas is an integer, not a boolean"),
        ("sub", "upstream: its condition sub is an object, not a boolean"),
    ],
)
def test_a_dependencys_condition_is_a_declared_switch(condition: str | None, said: str | None) -> None:
    class Switch(Values):
        """A switch."""

        on: bool = Field(True, description="A switch.")

    chart = chart_of(lambda self, v: self.add(manifest(data={"a": f"{v.on}"})), Switch())
    kind: Any = type("Sub", (Component,), {})
    kind(chart, "sub", TheirValues()).depend(Dependency("upstream", "1.0.0", "https://example.com", "sub", condition))
    if said is None:
        assert "upstream" in chart.files()["Chart.yaml"]
    else:
        assert refusal(chart) == said


def test_a_dependencys_values_stand_under_its_alias() -> None:
    chart = HelmChart("shop", description="A shop.")
    kind: Any = type("Sub", (Component,), {})
    with pytest.raises(DeclarationError, match="sub: Helm hands upstream the values under 'upstream'; set alias='sub'"):
        kind(chart, "sub", TheirValues()).depend(Dependency("upstream", "1.0.0", "https://example.com"))


def test_a_component_says_its_values_class() -> None:
    kind: Any = type("WebShop", (Component,), {})
    with pytest.raises(
        DeclarationError, match=r"WebShop does not say its Values class: class WebShop\(Component\[MyValues\]\)"
    ):
        kind(HelmChart("shop"), "web")


class OnOff(Values):
    """Switches."""

    a: bool = Field(True, description="A switch.")
    b: bool = Field(True, description="Another switch.")


def _again(self: Any, v: Any) -> None:
    self.add(manifest(name=self.name("a")), name="other")


def _again_in_the_releases_namespace(self: Any, v: Any) -> None:
    self.add(self.config_map(self.name("a"), {}), name="other")


def _again_on_a_condition(self: Any, v: Any) -> None:
    with self.when(v.a):
        _again(self, v)


@pytest.mark.parametrize("again", [_again, _again_in_the_releases_namespace, _again_on_a_condition])
def test_one_object_made_twice_is_refused(again: Callable[[Any, Any], None]) -> None:
    def build(self: Any, v: Any) -> None:
        self.add(manifest(name=self.name("a"), data={"read": f"{v.a}{v.b}"}))
        again(self, v)

    files = "templates/web-configmap.yaml and templates/other-configmap.yaml"
    assert refusal(chart_of(build, OnOff())) == f"ConfigMap shop-a is made twice, in {files} (WebShop.build)"


def test_objects_of_one_name_that_are_not_the_same_pass() -> None:
    def build(self: Any, v: Any) -> None:
        self.add(manifest())
        self.add(manifest(kind="Secret"))
        self.add({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}}, name="b")
        with self.when(v.a):
            self.add(manifest(name="c"), name="c")
        with self.when(v.b):
            self.add(manifest(name="c"), name="d")

    assert "templates/d-configmap.yaml" in chart_of(build, OnOff()).files()
