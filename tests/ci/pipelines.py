"""Pipelines that the tests of CI share, and how their files are read."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import yaml

from floe_charts.ci.github import github_files
from floe_charts.ci.gitlab import gitlab_files
from floe_charts.ci.pipeline import Pipeline

CASES: dict[str, dict[str, Any]] = {
    "default": {},
    "adapted": {
        "config": "deploy/floe.yaml",
        "deployment_file": "deploy/floe.yaml",
        "registry": "registry.example.com/data/charts",
        "charts": "deploy/charts",
        "artifacts": ("./artifacts/orders.json", "oci://ghcr.io/acme/returns:1.2.0", "oci://quay.io/acme/stock:3"),
        "install": "-c constraints.txt -e .[dev]",
        "tests": ("ruff check .", "pytest -q"),
        "branch": "trunk",
        "python": "3.12",
    },
    "root": {"charts": ".", "synth": "python -m acme_platform", "registry": "ghcr.io/acme/charts"},
}


def pipeline(**settings: Any) -> Pipeline:
    given = {"command": "floe-charts ci", "version": "1.2.3", "deployment_file": "floe-charts.yaml", **settings}
    return Pipeline(**given)


def workflows(**settings: Any) -> dict[str, Any]:
    """GitHub's workflows by what they do."""
    files = github_files(pipeline(**settings))
    names = {path: path.removeprefix("workflows/floe-charts-").removesuffix(".yaml") for path in files}
    return {names[path]: yaml.safe_load(text) for path, text in files.items()}


def jobs(**settings: Any) -> dict[str, Any]:
    """GitLab's jobs by name."""
    [text] = gitlab_files(pipeline(**settings)).values()
    made: dict[str, Any] = yaml.safe_load(text)
    return made


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def scripts(**settings: Any) -> Iterator[str]:
    """Every script of both systems."""
    for workflow in workflows(**settings).values():
        yield from (step["run"] for step in steps(workflow) if "run" in step)
    for job in jobs(**settings).values():
        yield from (job["script"] for _ in [0] if "script" in job)
        yield from job.get("before_script", [])


def own_commands(script: str) -> Iterator[list[str]]:
    """The arguments of floe-charts' own commands in a script."""
    for line in script.splitlines():
        _, found, rest = line.partition("python -m floe_charts ")
        if found:
            yield shlex.split(rest.partition("|")[0].replace("2>&1", ""))
