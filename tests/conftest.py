"""Options and profiles of all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

# What hypothesis tries is the same at every run, so that a change that is green stays green; no test asserts time.
settings.register_profile("ci", derandomize=True, deadline=None, database=None)
settings.register_profile("search", deadline=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--examples",
        type=int,
        default=None,
        metavar="N",
        help="examples of each property over whole charts, other ones at every run (default: the same 200)",
    )


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("ci" if config.getoption("--examples") is None else "search")


@pytest.fixture(scope="session")
def examples(request: pytest.FixtureRequest) -> int:
    """How many examples a property over whole charts is tried with."""
    return request.config.getoption("--examples") or 200
