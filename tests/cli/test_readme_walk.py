"""The README's way from artifact to GitOps, each command as written, but for the registry's port."""

from __future__ import annotations

import json
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
    Path("target").mkdir()
    Path("target/compiled_artifacts.json").write_text(json.dumps(EXAMPLE))
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
    added = subprocess.run(["git", "status", "--short"], check=True, capture_output=True, text=True).stdout
    assert "A  charts/floe-jobs/Chart.yaml" in added
