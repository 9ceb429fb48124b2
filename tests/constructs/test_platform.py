"""The platform takes parts of somebody's own: beside its parts, and in their place."""

from __future__ import annotations

import pytest

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.constructs import FloePlatform, Marquez
from floe_charts.constructs.marquez.api import MarquezValues
from floe_charts.errors import DeclarationError
from floe_charts.helm import Component, Field, HelmChart, Values
from floe_charts.synth.synthesis import synth


class QuietMarquez(Marquez):
    """Marquez with another default, and an object more."""

    def __init__(self, chart: HelmChart, id: str = "marquez", *, values: MarquezValues | None = None) -> None:
        super().__init__(chart, id, values=values or MarquezValues(log_level="ERROR"))

    def build(self, v: MarquezValues) -> None:
        super().build(v)
        self.add(self.config_map(self.name("quiet"), {"level": v.log_level}), name="quiet")


class NoteValues(Values):
    """A note."""

    text: str = Field("hello", description="What it says.")


class Note(Component[NoteValues]):
    """A ConfigMap."""

    def build(self, v: NoteValues) -> None:
        self.add(self.config_map(self.name("note"), {"text": v.text}))


class Extended(FloePlatform):
    part_classes = (QuietMarquez,)

    def extend(self) -> None:
        Note(self, "note")


class Wrong(FloePlatform):
    part_classes = (Note,)


def test_parts_of_ones_own_beside_and_in_place_of_the_platforms() -> None:
    files = synth([CompiledArtifacts.example()], platform=Extended, plugin_values=())
    assert files.final_values("dev")["note"] == {"text": "hello"}
    assert files.final_values("dev")["marquez"]["logLevel"] == "ERROR"
    assert {"floe-platform/templates/note-configmap.yaml", "floe-platform/templates/quiet-configmap.yaml"} <= set(files)
    # The rest of the platform finds the part as before: Marquez' database is still a consumer of PostgreSQL.
    assert type(files.platform.components["marquez"]) is QuietMarquez
    assert any(secret.id == "marquezDatabase" for secret in files.required_secrets)


def test_another_class_cannot_take_the_place_of_a_part() -> None:
    with pytest.raises(
        DeclarationError, match=r"^Note takes the place of no part; expected a subclass of DagsterStack, "
    ):
        Wrong([CompiledArtifacts.example()])
