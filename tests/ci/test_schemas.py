"""The files are what GitHub and GitLab read: held against the schemas that both publish."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from floe_charts.ci.github import github_files
from floe_charts.ci.gitlab import gitlab_files
from tests.ci.pipelines import CASES, pipeline


def validate(directory: Path, files: Mapping[str, str], *options: str) -> tuple[int, str]:
    for path, text in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    command = [sys.executable, "-m", "check_jsonschema", *options, *files]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


GITHUB = ("--builtin-schema", "vendor.github-workflows")
GITLAB = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")


@pytest.mark.parametrize("case", CASES)
def test_both_systems_take_every_file(case: str, tmp_path: Path) -> None:
    code, said = validate(tmp_path, github_files(pipeline(**CASES[case])), *GITHUB)
    assert code == 0, said
    code, said = validate(tmp_path, gitlab_files(pipeline(**CASES[case])), *GITLAB)
    assert code == 0, said


def test_the_schemas_notice_what_is_wrong(tmp_path: Path) -> None:
    wrong = {path: text.replace("runs-on:", "run-on:") for path, text in github_files(pipeline()).items()}
    assert validate(tmp_path, wrong, *GITHUB)[0] == 1
    wrong = {path: text.replace("  stage:", "  stag:") for path, text in gitlab_files(pipeline()).items()}
    assert validate(tmp_path, wrong, *GITLAB)[0] == 1
