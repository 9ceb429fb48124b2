"""Every manifest fits the definition of its kind, whatever the deployment."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from floe_charts.deployment import Deployment
from floe_charts.errors import DeploymentError
from floe_charts.gitops.argocd import argocd_files
from floe_charts.gitops.flux import flux_files
from floe_charts.helm.kubernetes import KubernetesSchemas, latest_kube_version
from floe_charts.verify.schemas import CustomSchemas
from tests.gitops.deployments import CASES, REGISTRY, REPOSITORY, all_objects, deployment, expanded, of_kind
from tests.support import SHARED

CRDS = SHARED / "crds"
needs_schemas = pytest.mark.skipif(not CRDS.is_dir(), reason="no schemas of custom resources beside the repository")
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?", fullmatch=True)
VERSIONS = st.sampled_from(["1.4.2", "0.1.0-rc.1", "2.0.0+b.1", "v3.0.0"])
RANGES = st.sampled_from(["~1.4", ">=1.0.0 <2.0.0-0", "*", "1.x || >=3.0.0", "1.0 - 2.0"])


@cache
def schemas() -> CustomSchemas:
    return CustomSchemas.from_directory(CRDS)


def faults(found: dict[str, Any]) -> list[str]:
    """What an object has against its definition; a kustomization.yaml is no object, and kustomize's own form."""
    if found["apiVersion"] == "kustomize.config.k8s.io/v1beta1":
        return []
    if found["kind"] == "Namespace":
        return [str(one) for one in KubernetesSchemas(latest_kube_version()).validate(found)]
    assert schemas().knows(found["apiVersion"], found["kind"]), found["kind"]
    return [str(one) for one in schemas().validate(found)]


@needs_schemas
@pytest.mark.parametrize("case", CASES)
def test_every_manifest_fits(case: str) -> None:
    given = deployment(CASES[case])
    for found in [*all_objects(argocd_files(given)), *all_objects(flux_files(given))]:
        assert not faults(found), found


@needs_schemas
def test_what_the_application_set_makes_fits(tmp_path: Path) -> None:
    (application_set,) = of_kind(argocd_files(deployment(CASES["default"])), "ApplicationSet")
    made = expanded(application_set, tmp_path)
    assert len(made) == 12
    for found in made:
        assert not faults(found), found


def test_a_misspelt_field_would_be_seen() -> None:
    if not CRDS.is_dir():
        pytest.skip("no schemas of custom resources beside the repository")
    release = of_kind(flux_files(deployment(CASES["default"])), "HelmRelease")[0]
    release["spec"]["dependOn"] = release["spec"].pop("timeout")
    assert faults(release)


@st.composite
def deployments(draw: st.DrawFn) -> dict[str, Any]:
    """Files with any number of clusters and environments."""
    names = draw(st.lists(NAMES, min_size=1, max_size=8, unique=True))
    clusters: dict[str, Any] = {}
    for name in names:
        cluster = draw(st.sampled_from(["here", "there", "far-away"]))
        clusters.setdefault(cluster, {"environments": [], "namespace": f"{cluster}-{{env}}"})
        clusters[cluster]["environments"].append(name)
    kinds = {name: draw(st.sampled_from(["development", "test", "staging", "production"])) for name in names}
    followed = {
        name: {
            **({"version": draw(VERSIONS if kinds[name] == "production" else VERSIONS | RANGES)}),
            **draw(st.fixed_dictionaries({}, optional={"sync": st.sampled_from(["automated", "manual"])})),
            **draw(st.fixed_dictionaries({}, optional={"prune": st.booleans(), "selfHeal": st.booleans()})),
        }
        for name in draw(st.lists(st.sampled_from(names), unique=True))
    }
    known = st.dictionaries(st.sampled_from(sorted(clusters)), st.sampled_from(["in-cluster", "https://k.example"]))
    return {
        "chart": {"name": draw(NAMES), "version": draw(VERSIONS).removeprefix("v")},
        "jobs": {"enabled": draw(st.booleans()), "shards": draw(st.integers(1, 3))},
        "clusters": clusters,
        "environments": {name: {"kind": kind} for name, kind in kinds.items()},
        "gitops": {
            "registry": REGISTRY,
            "repository": REPOSITORY,
            "values": draw(st.sampled_from(["chart", "git"])),
            "path": draw(st.sampled_from([".", "gitops", "deploy/all/of-it"])),
            "environments": followed,
            "argocd": {
                "layout": draw(st.sampled_from(["applicationSet", "applications"])),
                "destinations": draw(known),
            },
        },
    }


@needs_schemas
@given(deployments())
@hypothesis_settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
def test_any_deployment_fits(data: dict[str, Any]) -> None:
    try:
        given = Deployment.parse(data)
        argocd = argocd_files(given)
    except DeploymentError as error:
        assert "platform's chart" in str(error) or "two Applications" in str(error)
        return
    flux = flux_files(given)
    assert dict(argocd_files(given)) == dict(argocd) and dict(flux_files(given)) == dict(flux)
    for found in [*all_objects(argocd), *all_objects(flux)]:
        assert not faults(found), found
    homes = {(given.cluster_of(name), given.namespace(name)) for name in given.environments}
    folders = {path.split("/")[2] for path in flux if path.startswith("flux/releases/")}
    assert folders == set(given.clusters)
    assert {one["metadata"]["namespace"] for one in of_kind(flux, "HelmRelease")} == {space for _, space in homes}
    charts = 1 + len(given.jobs.charts())
    assert len(of_kind(flux, "HelmRelease")) == charts * len(given.environments)
