"""What tests of the commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from floe_charts.cli import main

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run floe-charts in an empty working directory; a bug in it is the test's failure, not an exit code 1."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments, **options: CliRunner(catch_exceptions=False).invoke(
        main, list(arguments), prog_name="python -m floe_charts", **options
    )
