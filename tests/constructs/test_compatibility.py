"""What the charts' READMEs say of versions is what the code knows."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.constructs.surroundings.compatibility import NEWEST_KUBERNETES
from floe_charts.deployment import Deployment
from floe_charts.errors import ArtifactError
from floe_charts.helm.kubernetes import kube_versions
from floe_charts.synth import synth, synth_jobs
from floe_charts.synth.versions import next_version

COMPONENTS = ("dagster", "polaris", "otel", "minio")
# What is Kubernetes' own has no dot in its group, or ends with this.
OWN = re.compile(r"[a-z0-9]+(/|\Z)|[a-z.]+\.k8s\.io/v\d")


def files(**deployment: object) -> dict[str, str]:
    given = Deployment.parse(deployment)
    artifacts = [CompiledArtifacts.example()]
    return {**synth(artifacts, given, plugin_values=()), **synth_jobs(artifacts, given)}


def table(readme: str) -> dict[str, list[str]]:
    section = readme.partition("## Compatibility\n")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")
    ]
    return {name: rest for name, *rest in rows[2:]}


def custom_apis(texts: Mapping[str, str], chart: str) -> set[str]:
    templates = [text for path, text in texts.items() if path.startswith(f"{chart}/templates/")]
    found = {api for text in templates for api in re.findall(r'^\s*apiVersion: "?([\w./-]+)', text, re.MULTILINE)}
    return {api for api in found if api.startswith("gateway.") or not OWN.match(api)}


@pytest.mark.parametrize("strategy", ["dependency", "native"])
@pytest.mark.parametrize("chart", ["floe-platform", "floe-jobs"])
def test_every_custom_api_of_the_templates_is_named(chart: str, strategy: str) -> None:
    texts = files(components={name: {"strategy": strategy} for name in COMPONENTS})
    named = {cell.strip("`") for cells in table(texts[f"{chart}/README.md"]).values() for cell in cells if "/v" in cell}
    assert custom_apis(texts, chart) == {api for api in named if "://" not in api}


def test_the_versions_of_the_chart_and_of_what_it_depends_on() -> None:
    given = {"chart": {"version": "3.1.4"}, "components": {"dagster": {"chart": {"version": "1.12.18"}}}}
    rows = table(files(**given)["floe-platform/README.md"])
    assert rows["This chart"][0] == "3.1.4"
    assert rows["Chart `dagster`"] == ["1.12.18", "https://dagster-io.github.io/helm"]
    native = table(files(components={name: {"strategy": "native"} for name in COMPONENTS})["floe-platform/README.md"])
    assert not [name for name in native if name.startswith("Chart ")]


@pytest.mark.parametrize("chart", ["floe-platform", "floe-jobs"])
def test_the_versions_of_the_contract_are_those_that_load(chart: str) -> None:
    first, last = table(files()[f"{chart}/README.md"])["Contract of compiled artifacts"][0].split(" to ")
    data = CompiledArtifacts.example().model_dump(mode="json", by_alias=True, exclude_unset=True)
    major, minor = last.split(".")
    for version in (first, last):
        assert not CompiledArtifacts.parse({**data, "version": f"{version}.0"}).notices
    assert CompiledArtifacts.parse({**data, "version": f"{major}.{int(minor) + 1}.0"}).notices
    with pytest.raises(ArtifactError):
        CompiledArtifacts.parse({**data, "version": "0.0.1"})


def test_kubernetes_is_tested_up_to_what_is_said() -> None:
    rows = table(files()["floe-jobs/README.md"])
    assert rows["Kubernetes"] == ["`>=1.28.0-0`", f"tested up to {NEWEST_KUBERNETES}"]
    assert kube_versions()[-1] == NEWEST_KUBERNETES


def test_the_version_in_it_makes_no_new_version() -> None:
    def chart(version: str) -> dict[str, str]:
        made = files(chart={"version": version})
        own = {path: text for path, text in made.items() if path.startswith("floe-platform/")}
        return {path.removeprefix("floe-platform/"): text for path, text in own.items()}

    assert next_version(chart("1.12.17"), chart("1.12.17")).reason == "nothing changed"
    assert next_version(chart("2.5.0"), chart("2.6.0")).reason == "nothing changed"
