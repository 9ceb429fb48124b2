"""Artifacts to change and to load."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.errors import ArtifactError
from tests.support import SHARED

EXAMPLE: dict[str, Any] = json.loads(
    resources.files("floe_charts.artifacts").joinpath("example.json").read_text("utf-8")
)

Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> dict[str, Any]:
    """The bundled example after ``change``."""
    data = copy.deepcopy(EXAMPLE)
    change(data)
    return data


def parsed(change: Change) -> CompiledArtifacts:
    """The bundled example after ``change``, loaded."""
    return CompiledArtifacts.parse(changed(change), "x.json")


def refusal(change: Change) -> str:
    """What is said about the bundled example after ``change``."""
    with pytest.raises(ArtifactError) as caught:
        parsed(change)
    message = str(caught.value)
    assert message.startswith("x.json: ")
    return message.removeprefix("x.json: ")


@pytest.fixture
def shared() -> Path:
    """The directory of real artifacts."""
    directory = SHARED / "artifacts"
    if not directory.is_dir():
        pytest.skip("the real artifacts (../shared/artifacts) are not here")
    return directory
