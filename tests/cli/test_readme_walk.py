"""The README's way from artifact to GitOps, each command as written, but for the registry's port."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.artifacts.conftest import EXAMPLE
from tests.cli.conftest import Run
from tests.cli.test_readme import COMMAND, blocks, section
from tests.registry.fixtures import keyless, registry

__all__ = ["keyless", "registry"]

TITLE = "From artifact to GitOps"


@pytest.mark.usefixtures("keyless")
def test_the_whole_way(run: Run, registry: str) -> None:
    text = section(TITLE).replace("localhost:5000", registry)
    (deployment,) = blocks("yaml", text)
    (script,) = blocks("bash", text)
    Path("artifacts").mkdir()
    Path("artifacts/hello-floe.json").write_text(json.dumps(EXAMPLE))
    Path("floe-charts.yaml").write_text(deployment)
    subprocess.run(["git", "init", "-q", "."], check=True)
    said = []
    for line in script.splitlines():
        if line.startswith(COMMAND):
            done = run(*shlex.split(line.removeprefix(COMMAND)))
            assert done.exit_code == 0, f"{line}\n{done.output}"
            said.append(done.stdout)
        else:
            subprocess.run(shlex.split(line), check=True)
    pushed = re.findall(rf"{registry}/charts/(floe-[a-z]+)", "".join(said))
    assert {"floe-platform", "floe-jobs"} <= set(pushed)
    made = [yaml.safe_load(path.read_text()) for path in sorted(Path("gitops/argocd").glob("*.yaml"))]
    assert [one["kind"] for one in made] == ["ApplicationSet", "AppProject"]
    assert registry in Path("gitops/argocd/applicationset.yaml").read_text()
    made_again_from_what_is_committed(run)


def made_again_from_what_is_committed(run: Run) -> None:
    """Nothing is missing in the commit: the check of the committed workflow passes in a clone of it."""
    author = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *author, "commit", "--quiet", "--message", "Charts"], check=True)
    subprocess.run(["git", "clone", "--quiet", ".", "clone"], check=True)
    os.chdir("clone")
    workflow = yaml.safe_load(Path(".github/workflows/floe-charts-check.yaml").read_text())
    scripts = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    (check,) = [script for script in scripts if script.startswith(f"{COMMAND}synth")]
    for command in (check, f"{COMMAND}gitops argocd --check"):
        done = run(*shlex.split(command.removeprefix(COMMAND)))
        assert done.exit_code == 0, f"{command}\n{done.output}"
