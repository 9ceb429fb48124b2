"""Every pattern in the charts' schemas is said in words, so that no refusal shows a regular expression."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from floe_charts.deployment import Deployment
from floe_charts.errors import DeclarationError
from floe_charts.helm.patterns import form, form_in_words
from floe_charts.synth.jobs import synth_jobs
from floe_charts.synth.synthesis import synth
from tests.synth.cases import artifact

STRATEGIES = ("dependency", "native")


def patterns(schema: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The patterns of what is taken, with their places; those below ``not`` say what is refused."""
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield path, schema["pattern"]
        for key, below in schema.items():
            yield from patterns(below, f"{path}/{key}") if key != "not" else ()
    elif isinstance(schema, list):
        for below in schema:
            yield from patterns(below, path)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_pattern_has_words(strategy: str) -> None:
    components = {name: {"strategy": strategy} for name in ("dagster", "polaris", "otel", "minio")}
    deployment = Deployment.parse({"components": components})
    files = {**synth([artifact()], deployment, plugin_values=()), **synth_jobs([artifact()], deployment)}
    schemas = [json.loads(text) for path, text in files.items() if path.endswith("values.schema.json")]
    found = [one for schema in schemas for one in patterns(schema)]
    assert len(schemas) == 2 and len({pattern for _, pattern in found}) > 40
    assert [(path, pattern) for path, pattern in found if form_in_words(pattern) is None] == []


def test_one_that_is_said_twice_is_refused() -> None:
    pattern = form("^one-of-a-test$", "one of a test")
    assert form(pattern, "one of a test") == pattern
    assert form_in_words("^(one-of-a-test)?$") == "one of a test; or nothing"
    assert form_in_words("^nobody-said-it$") is None
    with pytest.raises(DeclarationError, match=re.escape("^one-of-a-test$ is said in two ways")):
        form(pattern, "another")
