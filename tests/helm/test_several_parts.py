"""Several parts of one kind, one for each entry of a map, and what rolls pods of another component."""

from __future__ import annotations

from typing import Any

import pytest

from floe_charts.errors import DeclarationError
from floe_charts.helm import Component, DnsLabel, Field, HelmChart, Values, grpc_probe
from floe_charts.verify.kube_yaml import read_documents
from tests.helm.rendering import Rendering


class NoteValues(Values):
    """A note."""

    text: str = Field("first", description="Its text.")


class Note(Component[NoteValues]):
    def build(self, v: NoteValues) -> None:
        self.add(self.config_map(self.name("note"), {"text": v.text}))


class Server(Values):
    """A server."""

    image: str = Field("server:1", description="Its image.")


class ServerValues(Values):
    """Servers."""

    by_name: dict[DnsLabel, Server] = Field({}, description="Servers by name.")


class Servers(Component[ServerValues]):
    label = "app.kubernetes.io/server"

    def build(self, v: ServerValues) -> None:
        note: Note = self.chart.component(Note)
        with self.each(v.by_name) as (key, server):
            part = self.part("server", ports={"grpc": 4000}, object_name=f"s-{key}", labels={self.label: key})
            probe = grpc_probe(4000, "Health", period=7, failures=4, timeout=2)
            container = part.container(server.image, readinessProbe=probe)
            checksums = {"note": note.file_of("ConfigMap")}
            self.add(part.deployment(containers=[container], checksums=checksums))
            self.add(part.service())


def objects(values: dict[str, Any]) -> dict[str, Any]:
    chart = HelmChart("shop", description="A shop.")
    Note(chart, "note")
    Servers(chart, "servers")
    texts = Rendering(chart.files()).texts(values)
    documents = (one for text in texts.values() for one in read_documents(text) if one)
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in documents}


def test_each_has_a_name_labels_and_a_service_of_its_own() -> None:
    found = objects({"servers": {"byName": {"a": {"image": "a:1"}, "b": {"image": "b:1"}}}})
    selectors = []
    for key in ("a", "b"):
        deployment, service = found[f"Deployment/shop-s-{key}"], found[f"Service/shop-s-{key}"]
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert labels["app.kubernetes.io/component"] == "server"
        assert labels[Servers.label] == deployment["metadata"]["labels"][Servers.label] == key
        assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
        assert service["spec"]["selector"].items() <= labels.items()
        selectors.append(service["spec"]["selector"])
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        assert container["image"] == f"{key}:1"
        assert container["readinessProbe"] == {
            "grpc": {"port": 4000, "service": "Health"},
            "periodSeconds": 7,
            "timeoutSeconds": 2,
            "failureThreshold": 4,
        }
    assert selectors[0] != selectors[1]


def test_pods_roll_when_another_component_writes_something_else() -> None:
    def mark(text: str) -> str:
        found = objects({"servers": {"byName": {"a": {"image": "a:1"}}}, "note": {"text": text}})
        annotations = found["Deployment/shop-s-a"]["spec"]["template"]["metadata"]["annotations"]
        made: str = annotations["checksum/note"]
        return made

    assert mark("first") == mark("first") != mark("second")


def test_a_label_that_values_could_add_too_is_refused() -> None:
    chart = HelmChart("shop", description="A shop.")
    with pytest.raises(DeclarationError, match="could meet one that values add"):
        Servers(chart, "servers").part("server", labels={"server": "a"})
